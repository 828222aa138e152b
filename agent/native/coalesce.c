#include "coalesce.h"

#include <string.h>

#include "checksum.h"
#include "frame.h"

enum { IP4_TOTAL = 2, IP4_ID = 4, IP4_FRAGMENT = 6, IP4_TTL = 8, IP4_CHECKSUM = 10, IP4_SOURCE = 12, IP4_HEADER_BYTES = 20 };
enum { IP4_DO_NOT_FRAGMENT = 0x40 };
enum { IP6_PAYLOAD = 4, IP6_NEXT = 6, IP6_SOURCE = 8, IP6_HEADER_BYTES = 40 };
enum { TCP_SEQUENCE = 4, TCP_ACKNOWLEDGEMENT = 8, TCP_FLAGS = 13, TCP_CHECKSUM = 16, UDP_LENGTH = 4, UDP_CHECKSUM = 6 };

static uint64_t pseudo_sum(const uint8_t *ip, const struct headers *headers, size_t transport_bytes)
{
    const uint8_t *source = ip + (headers->ip6 ? IP6_SOURCE : IP4_SOURCE);
    size_t address_bytes = headers->ip6 ? 16 : 4;
    return checksum_pseudo(source, source + address_bytes, address_bytes, headers->protocol, (uint32_t)transport_bytes);
}

static bool checksum_right(const uint8_t *frame, const struct headers *headers)
{
    const uint8_t *ip = frame + headers->ip, *transport = frame + headers->transport;
    size_t transport_bytes = headers->end - headers->transport;
    if (!headers->ip6 && checksum_fold(checksum_add(0, ip, IP4_HEADER_BYTES)) != 0xffff) return false;
    /* UDP without a checksum: there is nothing to verify, and joining would give it one that nobody made. */
    if (headers->protocol == IP_PROTOCOL_UDP && read16(transport + UDP_CHECKSUM) == 0) return false;
    return checksum_fold(checksum_add(pseudo_sum(ip, headers, transport_bytes), transport, transport_bytes)) == 0xffff;
}

/* May this frame stand in a run at all, as its first or a later one? */
static bool can_join(const struct run *run, const uint8_t *frame, size_t length, const struct headers *headers)
{
    const uint8_t *transport = frame + headers->transport;
    if (!headers->plain || headers->end != length || headers->data == headers->end) return false;
    if (headers->protocol == IP_PROTOCOL_UDP) {
        return run->udp && read16(transport + UDP_LENGTH) == headers->end - headers->transport;
    }
    uint8_t flags = transport[TCP_FLAGS];
    bool nothing_but_data = (transport[12] & 0x0f) == 0 && (flags == TCP_ACK || flags == (TCP_ACK | TCP_PSH));
    return run->tcp && nothing_but_data;
}

static bool same_ip4(const uint8_t *first, const uint8_t *next, unsigned segments)
{
    bool same = first[0] == next[0] && first[1] == next[1] && first[IP4_TTL] == next[IP4_TTL] &&
                memcmp(first + IP4_FRAGMENT, next + IP4_FRAGMENT, 2) == 0 &&
                memcmp(first + IP4_TTL + 1, next + IP4_TTL + 1, 1) == 0 &&
                memcmp(first + IP4_SOURCE, next + IP4_SOURCE, 8) == 0;
    if (!same) return false;
    /* Segmentation will count the ids up from the first one, so they must have been counted up. */
    uint16_t first_id = read16(first + IP4_ID), id = read16(next + IP4_ID);
    if (id == (uint16_t)(first_id + segments)) return true;
    /* What must not be fragmented needs no id (RFC 6864 section 4.1), and Linux sends such UDP with the same one. */
    return id == first_id && (first[IP4_FRAGMENT] & IP4_DO_NOT_FRAGMENT) != 0;
}

static bool same_ip6(const uint8_t *first, const uint8_t *next)
{
    return memcmp(first, next, IP6_PAYLOAD) == 0 && memcmp(first + IP6_NEXT, next + IP6_NEXT, IP6_HEADER_BYTES - IP6_NEXT) == 0;
}

static bool same_tcp(const struct run *run, const uint8_t *next)
{
    const uint8_t *first = run->frame.bytes + run->headers.transport;
    size_t header_bytes = run->headers.data - run->headers.transport;
    size_t data_bytes = run->bytes - run->headers.data;
    return memcmp(first, next, TCP_SEQUENCE) == 0 &&
           read32(next + TCP_SEQUENCE) == read32(first + TCP_SEQUENCE) + (uint32_t)data_bytes &&
           memcmp(first + TCP_ACKNOWLEDGEMENT, next + TCP_ACKNOWLEDGEMENT, TCP_FLAGS - TCP_ACKNOWLEDGEMENT) == 0 &&
           memcmp(first + 14, next + 14, 2) == 0 && memcmp(first + 18, next + 18, header_bytes - 18) == 0;
}

/* Does the frame continue the run? Everything but lengths, numbers and the last PSH must be as in the first frame. */
static bool continues(const struct run *run, const uint8_t *frame, size_t length, const struct headers *headers)
{
    const struct headers *own = &run->headers;
    size_t data_bytes = headers->end - headers->data;
    if (run->ended || run->segments == SUPER_FRAME_MAX_SEGMENTS || run->bytes + data_bytes > SUPER_FRAME_MAX_BYTES) return false;
    if (run->bytes + data_bytes - own->ip > UINT16_MAX || data_bytes > run->segment_data_bytes) return false;
    if (own->ip6 != headers->ip6 || own->protocol != headers->protocol || own->data != headers->data) return false;
    if (own->transport != headers->transport || memcmp(run->frame.bytes, frame, own->ip) != 0) return false;
    if (!can_join(run, frame, length, headers)) return false;
    const uint8_t *ip = frame + headers->ip, *transport = frame + headers->transport;
    bool same = headers->ip6 ? same_ip6(run->frame.bytes + own->ip, ip) : same_ip4(run->frame.bytes + own->ip, ip, run->segments);
    if (!same) return false;
    if (headers->protocol == IP_PROTOCOL_TCP) return same_tcp(run, transport);
    return memcmp(run->frame.bytes + own->transport, transport, UDP_LENGTH) == 0;
}

static void start(struct run *run, const uint8_t *frame, size_t length, const struct headers *headers, bool joinable)
{
    memcpy(run->frame.bytes, frame, length);
    run->bytes = run->carried_bytes = length;
    run->segments = 1;
    run->verified = false;
    run->ended = !joinable;
    if (!joinable) return;
    run->headers = *headers;
    run->segment_data_bytes = headers->end - headers->data;
    run->ended = headers->protocol == IP_PROTOCOL_TCP && frame[headers->transport + TCP_FLAGS] & TCP_PSH;
}

bool run_add(struct run *run, const uint8_t *frame, size_t length)
{
    struct headers headers;
    bool readable = (run->tcp || run->udp) && headers_read(frame, length, &headers);
    if (run->bytes == 0) {
        start(run, frame, length, &headers, readable && can_join(run, frame, length, &headers));
        return true;
    }
    if (!readable || !continues(run, frame, length, &headers)) return false;
    if (!run->verified) run->verified = checksum_right(run->frame.bytes, &run->headers);
    if (!run->verified || !checksum_right(frame, &headers)) return false;
    size_t data_bytes = headers.end - headers.data;
    memcpy(run->frame.bytes + run->bytes, frame + headers.data, data_bytes);
    run->bytes += data_bytes;
    run->carried_bytes += length;
    run->segments++;
    bool push = headers.protocol == IP_PROTOCOL_TCP && frame[headers.transport + TCP_FLAGS] & TCP_PSH;
    if (push) run->frame.bytes[run->headers.transport + TCP_FLAGS] |= TCP_PSH;
    run->ended = push || data_bytes < run->segment_data_bytes;
    return true;
}

static void fix_ip(struct run *run)
{
    uint8_t *ip = run->frame.bytes + run->headers.ip;
    size_t ip_bytes = run->bytes - run->headers.ip;
    if (run->headers.ip6) {
        write16(ip + IP6_PAYLOAD, (uint16_t)(ip_bytes - IP6_HEADER_BYTES));
        return;
    }
    write16(ip + IP4_TOTAL, (uint16_t)ip_bytes);
    memset(ip + IP4_CHECKSUM, 0, 2);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add(0, ip, IP4_HEADER_BYTES));
    memcpy(ip + IP4_CHECKSUM, &sum, 2);
}

static void finish_joined(struct run *run)
{
    const struct headers *headers = &run->headers;
    uint8_t *frame = run->frame.bytes;
    bool tcp = headers->protocol == IP_PROTOCOL_TCP;
    size_t transport_bytes = run->bytes - headers->transport;
    fix_ip(run);
    if (!tcp) write16(frame + headers->transport + UDP_LENGTH, (uint16_t)transport_bytes);
    run->frame.header = (struct vnet_header){
        .flags = VNET_NEEDS_CHECKSUM,
        .gso_type = !tcp ? VNET_GSO_UDP : headers->ip6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4,
        .header_bytes = (uint16_t)headers->data,
        .gso_bytes = (uint16_t)run->segment_data_bytes,
        .checksum_start = (uint16_t)headers->transport,
        .checksum_offset = tcp ? TCP_CHECKSUM : UDP_CHECKSUM,
    };
    uint16_t sum = checksum_fold(pseudo_sum(frame + headers->ip, headers, transport_bytes));
    memcpy(frame + headers->transport + run->frame.header.checksum_offset, &sum, sizeof sum);
}

size_t run_finish(struct run *run)
{
    size_t bytes = run->bytes;
    run->frame.header = (struct vnet_header){0};
    if (run->segments > 1) finish_joined(run);
    run->bytes = 0;
    return bytes;
}
