#include "segment.h"

#include <string.h>

#include "checksum.h"
#include "frame.h"

enum { IP4_TOTAL = 2, IP4_ID = 4, IP4_CHECKSUM = 10, IP6_PAYLOAD = 4, IP6_HEADER_BYTES = 40 };
enum { TCP_SEQUENCE = 4, TCP_FLAGS = 13, TCP_CHECKSUM = 16, UDP_LENGTH = 4, UDP_CHECKSUM = 6 };

static void store_checksum(uint8_t *field, uint64_t sum, bool udp)
{
    uint16_t value = (uint16_t)~checksum_fold(sum);
    /* RFC 768: zero means that there is none, so a zero that was computed goes as its other form. */
    if (udp && value == 0) value = 0xffff;
    memcpy(field, &value, sizeof value);
}

static bool finish_checksum(uint8_t *frame, size_t length, const struct vnet_header *header)
{
    if (!(header->flags & VNET_NEEDS_CHECKSUM)) return true;
    size_t start = header->checksum_start, field = start + header->checksum_offset;
    if (start < FRAME_HEADER_BYTES || field + 2 > length) return false;
    /* The field holds the pseudo-header's sum already: it is summed with the rest. */
    store_checksum(frame + field, checksum_add(0, frame + start, length - start), header->checksum_offset == UDP_CHECKSUM);
    return true;
}

static bool kind_fits(const struct vnet_header *header, const struct headers *headers)
{
    switch (header->gso_type & ~VNET_GSO_ECN) {
    case VNET_GSO_TCP4: return headers->protocol == IP_PROTOCOL_TCP && !headers->ip6;
    case VNET_GSO_TCP6: return headers->protocol == IP_PROTOCOL_TCP && headers->ip6;
    case VNET_GSO_UDP: return headers->protocol == IP_PROTOCOL_UDP;
    default: return false;
    }
}

/*
 * What all segments' transport checksums share. The field holds the pseudo-header's sum with the whole frame's
 * length: that length is taken out, so that each segment adds its own. Taking it from the field and not from the
 * addresses is right behind a routing header too, where the last destination is not the IP header's.
 */
static uint64_t shared_sum(const uint8_t *frame, const struct headers *headers, bool tcp)
{
    const uint8_t *transport = frame + headers->transport;
    size_t whole = headers->end - headers->transport;
    uint64_t sum = checksum_add_word(0, (uint16_t)~whole);
    if (!tcp) {
        sum = checksum_add(sum, transport, UDP_LENGTH); /* ports */
        return checksum_add(sum, transport + UDP_CHECKSUM, 2);
    }
    sum = checksum_add(sum, transport, TCP_SEQUENCE); /* ports */
    return checksum_add(sum, transport + 8, headers->data - headers->transport - 8);
}

static bool init_cut(struct segmenter *segmenter, const uint8_t *frame, size_t length, const struct vnet_header *header)
{
    struct headers *headers = &segmenter->headers;
    if (!headers_read(frame, length, headers) || !kind_fits(header, headers)) return false;
    bool tcp = headers->protocol == IP_PROTOCOL_TCP;
    bool checksum_where_it_belongs = header->flags & VNET_NEEDS_CHECKSUM &&
                                     header->checksum_start == headers->transport &&
                                     header->checksum_offset == (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
    if (!checksum_where_it_belongs || header->gso_bytes == 0 || headers->data == headers->end) return false;
    segmenter->segment_data_bytes = header->gso_bytes;
    segmenter->at = headers->data;
    segmenter->ecn = header->gso_type & VNET_GSO_ECN;
    segmenter->transport_sum = shared_sum(frame, headers, tcp);
    return true;
}

bool segmenter_init(struct segmenter *segmenter, struct vnet_frame *frame, size_t length)
{
    const struct vnet_header *header = &frame->header;
    *segmenter = (struct segmenter){.frame = frame->bytes, .whole = header->gso_type == VNET_GSO_NONE};
    if (!segmenter->whole) return init_cut(segmenter, frame->bytes, length, header);
    segmenter->headers.end = segmenter->segment_data_bytes = length;
    return finish_checksum(frame->bytes, length, header);
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

static void fix_ip(const struct segmenter *segmenter, uint8_t *segment, size_t segment_bytes)
{
    const struct headers *headers = &segmenter->headers;
    uint8_t *ip = segment + headers->ip;
    if (headers->ip6) {
        write16(ip + IP6_PAYLOAD, (uint16_t)(segment_bytes - headers->ip - IP6_HEADER_BYTES));
        return;
    }
    write16(ip + IP4_TOTAL, (uint16_t)(segment_bytes - headers->ip));
    write16(ip + IP4_ID, (uint16_t)(read16(ip + IP4_ID) + segmenter->index));
    memset(ip + IP4_CHECKSUM, 0, 2);
    store_checksum(ip + IP4_CHECKSUM, checksum_add(0, ip, headers->transport - headers->ip), false);
}

static void fix_tcp(const struct segmenter *segmenter, uint8_t *tcp, size_t tcp_bytes, bool last)
{
    const struct headers *headers = &segmenter->headers;
    size_t header_bytes = headers->data - headers->transport;
    uint8_t flags = tcp[TCP_FLAGS];
    write32(tcp + TCP_SEQUENCE, read32(tcp + TCP_SEQUENCE) + (uint32_t)(segmenter->at - headers->data));
    if (!last) tcp[TCP_FLAGS] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
    if (segmenter->ecn && segmenter->index > 0) tcp[TCP_FLAGS] &= (uint8_t)~TCP_CWR;
    uint64_t sum = checksum_add(segmenter->transport_sum, tcp + TCP_SEQUENCE, 4);
    /* The shared sum has the flags as they came: what was cleared is taken out again. */
    sum = checksum_add_word(sum, (uint16_t) ~(uint16_t)(flags & ~tcp[TCP_FLAGS]));
    sum = checksum_add_word(sum, (uint16_t)tcp_bytes);
    sum = checksum_add(sum, tcp + header_bytes, tcp_bytes - header_bytes);
    store_checksum(tcp + TCP_CHECKSUM, sum, false);
}

static void fix_udp(const struct segmenter *segmenter, uint8_t *udp, size_t udp_bytes)
{
    write16(udp + UDP_LENGTH, (uint16_t)udp_bytes);
    uint64_t sum = checksum_add_word(segmenter->transport_sum, (uint16_t)udp_bytes); /* in the pseudo-header */
    sum = checksum_add_word(sum, (uint16_t)udp_bytes);                               /* in the header */
    sum = checksum_add(sum, udp + 8, udp_bytes - 8);
    store_checksum(udp + UDP_CHECKSUM, sum, true);
}

static void fix_headers(const struct segmenter *segmenter, uint8_t *segment, size_t segment_bytes, bool last)
{
    const struct headers *headers = &segmenter->headers;
    uint8_t *transport = segment + headers->transport;
    size_t transport_bytes = segment_bytes - headers->transport;
    fix_ip(segmenter, segment, segment_bytes);
    if (headers->protocol == IP_PROTOCOL_TCP) fix_tcp(segmenter, transport, transport_bytes, last);
    else fix_udp(segmenter, transport, transport_bytes);
}

void segmenter_next(struct segmenter *segmenter, uint8_t *segment)
{
    size_t header_bytes = segmenter->headers.data, data_bytes = next_data_bytes(segmenter);
    bool last = segmenter->at + data_bytes == segmenter->headers.end;
    memcpy(segment, segmenter->frame, header_bytes);
    memcpy(segment + header_bytes, segmenter->frame + segmenter->at, data_bytes);
    if (!segmenter->whole) fix_headers(segmenter, segment, header_bytes + data_bytes, last);
    segmenter->at += data_bytes;
    segmenter->index++;
}
