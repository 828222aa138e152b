#include "segment.h"

#include <string.h>

#include "checksum.h"
#include "frame.h"

enum { IP4_TOTAL = 2, IP4_ID = 4, IP4_CHECKSUM = 10, IP6_PAYLOAD = 4, IP6_HEADER_BYTES = 40 };
enum { TCP_SEQUENCE = 4, TCP_FLAGS = 13, TCP_CHECKSUM = 16, UDP_LENGTH = 4, UDP_CHECKSUM = 6 };

static bool is_tcp(const struct headers *headers)
{
    return headers->protocol == IP_PROTOCOL_TCP;
}

static bool kind_fits(const struct vnet_header *header, const struct headers *headers)
{
    switch (header->gso_type & ~VNET_GSO_ECN) {
    case VNET_GSO_TCP4: return is_tcp(headers) && !headers->ip6;
    case VNET_GSO_TCP6: return is_tcp(headers) && headers->ip6;
    case VNET_GSO_UDP: return headers->protocol == IP_PROTOCOL_UDP;
    default: return false;
    }
}

/* Is what the kernel left undone the checksum of this TCP or UDP header? */
static bool checksum_where_it_belongs(const struct vnet_header *header, const struct headers *headers)
{
    return header->flags & VNET_NEEDS_CHECKSUM && header->checksum_start == headers->transport &&
           header->checksum_offset == (is_tcp(headers) ? TCP_CHECKSUM : UDP_CHECKSUM);
}

/*
 * The field holds the pseudo-header's sum with the whole frame's length, which is taken out, so that each segment adds
 * its own. The field and not the addresses: behind a routing header the last destination is not the IP header's.
 */
static uint64_t pseudo_sum_of(const struct vnet_frame *frame, const struct headers *headers)
{
    uint16_t whole = (uint16_t)(headers->end - headers->transport);
    uint64_t sum = checksum_add_word(0, (uint16_t)~whole);
    return checksum_add(sum, frame->bytes + headers->transport + frame->header.checksum_offset, 2);
}

static bool init_cut(struct segmenter *segmenter, size_t length)
{
    const struct vnet_frame *frame = segmenter->frame;
    struct headers *headers = &segmenter->headers;
    if (!headers_read(frame->bytes, length, headers) || !kind_fits(&frame->header, headers)) return false;
    if (!checksum_where_it_belongs(&frame->header, headers)) return false;
    if (frame->header.gso_bytes == 0 || headers->data == headers->end) return false;
    segmenter->summable_later = true;
    segmenter->segment_data_bytes = frame->header.gso_bytes;
    segmenter->ecn = frame->header.gso_type & VNET_GSO_ECN;
    segmenter->tcp_flags = frame->bytes[headers->transport + TCP_FLAGS];
    segmenter->pseudo_sum = pseudo_sum_of(frame, headers);
    return true;
}

static bool init_whole(struct segmenter *segmenter, size_t length)
{
    const struct vnet_frame *frame = segmenter->frame;
    struct headers *headers = &segmenter->headers;
    bool undone = frame->header.flags & VNET_NEEDS_CHECKSUM;
    segmenter->whole = true;
    segmenter->summable_later = undone && headers_read(frame->bytes, length, headers) && headers->end == length &&
                                checksum_where_it_belongs(&frame->header, headers);
    *headers = (struct headers){.end = length};
    segmenter->segment_data_bytes = length;
    return !undone || vnet_checksum_inside(&frame->header, length);
}

bool segmenter_init(struct segmenter *segmenter, struct vnet_frame *frame, size_t length)
{
    *segmenter = (struct segmenter){.frame = frame, .first = true};
    bool right = frame->header.gso_type == VNET_GSO_NONE ? init_whole(segmenter, length) : init_cut(segmenter, length);
    segmenter->at = segmenter->headers.data;
    return right;
}

static size_t next_data_bytes(const struct segmenter *segmenter)
{
    size_t left = segmenter->headers.end - segmenter->at;
    return left < segmenter->segment_data_bytes ? left : segmenter->segment_data_bytes;
}

size_t segmenter_most_bytes(const struct segmenter *segmenter)
{
    size_t data_bytes = segmenter->headers.end - segmenter->headers.data;
    size_t most = data_bytes < segmenter->segment_data_bytes ? data_bytes : segmenter->segment_data_bytes;
    return segmenter->headers.data + most;
}

size_t segmenter_next_bytes(const struct segmenter *segmenter)
{
    size_t data_bytes = next_data_bytes(segmenter);
    return data_bytes == 0 ? 0 : segmenter->headers.data + data_bytes;
}

static void fix_ip(const struct segmenter *segmenter, uint8_t *ip, size_t ip_bytes)
{
    const struct headers *headers = &segmenter->headers;
    if (headers->ip6) {
        write16(ip + IP6_PAYLOAD, (uint16_t)(ip_bytes - IP6_HEADER_BYTES));
        return;
    }
    write16(ip + IP4_TOTAL, (uint16_t)ip_bytes);
    if (!segmenter->first) write16(ip + IP4_ID, (uint16_t)(read16(ip + IP4_ID) + 1));
    memset(ip + IP4_CHECKSUM, 0, 2);
    checksum_store(ip + IP4_CHECKSUM, checksum_add(0, ip, headers->transport - headers->ip));
}

static void fix_tcp(const struct segmenter *segmenter, uint8_t *tcp, bool last)
{
    uint8_t flags = segmenter->tcp_flags;
    if (!last) flags &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (segmenter->ecn && !segmenter->first) flags &= (uint8_t)~TCP_CWR;
    tcp[TCP_FLAGS] = flags;
    if (segmenter->first) return;
    write32(tcp + TCP_SEQUENCE, read32(tcp + TCP_SEQUENCE) + (uint32_t)segmenter->segment_data_bytes);
}

static void fix_checksum(const struct segmenter *segmenter, uint8_t *transport, size_t bytes, enum checksums checksums)
{
    bool tcp = is_tcp(&segmenter->headers);
    uint8_t *field = transport + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
    uint16_t pseudo = checksum_fold(checksum_add_word(segmenter->pseudo_sum, (uint16_t)bytes));
    memcpy(field, &pseudo, sizeof pseudo);
    if (checksums == CHECKSUMS_LEFT) return;
    uint64_t sum = checksum_add(0, transport, bytes);
    if (tcp) checksum_store(field, sum);
    else checksum_store_udp(field, sum);
}

static void fix_headers(const struct segmenter *segmenter, uint8_t *segment, size_t data_bytes, enum checksums checksums)
{
    const struct headers *headers = &segmenter->headers;
    uint8_t *transport = segment + headers->transport;
    size_t bytes = headers->data + data_bytes, transport_bytes = bytes - headers->transport;
    fix_ip(segmenter, segment + headers->ip, bytes - headers->ip);
    if (is_tcp(headers)) fix_tcp(segmenter, transport, segmenter->at + data_bytes == headers->end);
    else write16(transport + UDP_LENGTH, (uint16_t)transport_bytes);
    fix_checksum(segmenter, transport, transport_bytes, checksums);
}

static const uint8_t *whole_frame(const struct segmenter *segmenter, enum checksums checksums)
{
    bool left = checksums == CHECKSUMS_LEFT && segmenter->summable_later;
    if (!left) vnet_finish_checksum(segmenter->frame, segmenter->headers.end);
    return segmenter->frame->bytes;
}

const uint8_t *segmenter_next(struct segmenter *segmenter, enum checksums checksums)
{
    size_t data_bytes = next_data_bytes(segmenter), begin = segmenter->at - segmenter->headers.data;
    uint8_t *segment = segmenter->frame->bytes + begin;
    if (segmenter->whole) {
        segmenter->at += data_bytes;
        return whole_frame(segmenter, checksums);
    }
    if (!segmenter->first) memmove(segment, segmenter->frame->bytes + segmenter->segment, segmenter->headers.data);
    fix_headers(segmenter, segment, data_bytes, checksums);
    segmenter->first = false;
    segmenter->segment = begin;
    segmenter->at += data_bytes;
    return segment;
}
