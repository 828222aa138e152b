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

bool arrival_read(struct arrival *arrival, const uint8_t *frame, size_t bytes, bool unsummed)
{
    arrival->frame = frame;
    arrival->bytes = bytes;
    arrival->unsummed = unsummed;
    arrival->known = headers_read(frame, bytes, &arrival->headers);
    return !unsummed || (arrival->known && arrival->headers.end == bytes);
}

static bool checksums_right(const uint8_t *frame, const struct headers *headers, bool unsummed)
{
    const uint8_t *ip = frame + headers->ip, *transport = frame + headers->transport;
    size_t transport_bytes = headers->end - headers->transport;
    if (!headers->ip6 && checksum_fold(checksum_add(0, ip, IP4_HEADER_BYTES)) != 0xffff) return false;
    if (unsummed) return true;
    /* UDP without a checksum: there is nothing to verify, and joining would give it one that nobody made. */
    if (headers->protocol == IP_PROTOCOL_UDP && read16(transport + UDP_CHECKSUM) == 0) return false;
    return checksum_fold(checksum_add(pseudo_sum(ip, headers, transport_bytes), transport, transport_bytes)) == 0xffff;
}

/* May this frame stand in a run at all, as its first or a later one? */
static bool can_join(const struct run *run, const struct arrival *arrival)
{
    const struct headers *headers = &arrival->headers;
    const uint8_t *transport = arrival->frame + headers->transport;
    if (!headers->plain || headers->end != arrival->bytes || headers->data == headers->end) return false;
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
static bool continues(const struct run *run, const struct arrival *arrival)
{
    const struct headers *own = &run->headers, *headers = &arrival->headers;
    const uint8_t *frame = arrival->frame;
    size_t data_bytes = headers->end - headers->data;
    if (run->ended || run->segments == SUPER_FRAME_MAX_SEGMENTS || run->bytes + data_bytes > SUPER_FRAME_MAX_BYTES) return false;
    if (run->bytes + data_bytes - own->ip > UINT16_MAX || data_bytes > run->segment_data_bytes) return false;
    if (own->ip6 != headers->ip6 || own->protocol != headers->protocol || own->data != headers->data) return false;
    if (own->transport != headers->transport || memcmp(run->frame.bytes, frame, own->ip) != 0) return false;
    if (!can_join(run, arrival)) return false;
    const uint8_t *ip = frame + headers->ip, *transport = frame + headers->transport;
    bool same = headers->ip6 ? same_ip6(run->frame.bytes + own->ip, ip) : same_ip4(run->frame.bytes + own->ip, ip, run->segments);
    if (!same) return false;
    if (headers->protocol == IP_PROTOCOL_TCP) return same_tcp(run, transport);
    return memcmp(run->frame.bytes + own->transport, transport, UDP_LENGTH) == 0;
}

uint8_t *run_room(struct run *run, size_t bytes)
{
    size_t headers_bytes = run->headers.data;
    uint8_t *end = run->frame.bytes + run->bytes;
    if (run->bytes == 0) return end;
    if (run->ended || run->segments == SUPER_FRAME_MAX_SEGMENTS || run->bytes + bytes > SUPER_FRAME_MAX_BYTES) return NULL;
    /* What is short is moved into its place; it must not cover the headers that it is compared with. */
    if (run->bytes < 2 * headers_bytes || headers_bytes > sizeof run->kept) return end;
    memcpy(run->kept, end - headers_bytes, headers_bytes);
    run->kept_bytes = headers_bytes;
    return end - headers_bytes;
}

void run_clear_room(struct run *run)
{
    memcpy(run->frame.bytes + run->bytes - run->kept_bytes, run->kept, run->kept_bytes);
    run->kept_bytes = 0;
}

static bool pushes(const struct arrival *arrival)
{
    return arrival->headers.protocol == IP_PROTOCOL_TCP &&
           arrival->frame[arrival->headers.transport + TCP_FLAGS] & TCP_PSH;
}

static void start(struct run *run, const struct arrival *arrival)
{
    if (arrival->frame != run->frame.bytes) memmove(run->frame.bytes, arrival->frame, arrival->bytes);
    run->bytes = run->carried_bytes = arrival->bytes;
    run->segments = 1;
    run->unsummed = arrival->unsummed;
    run->verified = false;
    run->headers = arrival->headers;
    bool joinable = arrival->known && can_join(run, arrival);
    run->segment_data_bytes = joinable ? arrival->headers.end - arrival->headers.data : 0;
    run->ended = !joinable || pushes(arrival);
}

bool run_add(struct run *run, const struct arrival *arrival)
{
    const struct headers *headers = &arrival->headers;
    if (run->bytes == 0) {
        start(run, arrival);
        return true;
    }
    if (run->ended || !arrival->known || !continues(run, arrival)) return false;
    if (!run->verified) run->verified = checksums_right(run->frame.bytes, &run->headers, run->unsummed);
    if (!run->verified || !checksums_right(arrival->frame, headers, arrival->unsummed)) return false;
    size_t data_bytes = headers->end - headers->data;
    bool push = pushes(arrival);
    if (run->kept_bytes > 0) run_clear_room(run);
    else memmove(run->frame.bytes + run->bytes, arrival->frame + headers->data, data_bytes);
    run->bytes += data_bytes;
    run->carried_bytes += arrival->bytes;
    run->segments++;
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

/* The checksum that the sender's kernel left undone is now left to ours. */
static struct vnet_header undone(const struct headers *headers)
{
    return (struct vnet_header){
        .flags = VNET_NEEDS_CHECKSUM,
        .checksum_start = (uint16_t)headers->transport,
        .checksum_offset = headers->protocol == IP_PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM,
    };
}

static void finish_joined(struct run *run)
{
    const struct headers *headers = &run->headers;
    uint8_t *frame = run->frame.bytes;
    bool tcp = headers->protocol == IP_PROTOCOL_TCP;
    size_t transport_bytes = run->bytes - headers->transport;
    fix_ip(run);
    if (!tcp) write16(frame + headers->transport + UDP_LENGTH, (uint16_t)transport_bytes);
    run->frame.header = undone(headers);
    run->frame.header.gso_type = !tcp ? VNET_GSO_UDP : headers->ip6 ? VNET_GSO_TCP6 : VNET_GSO_TCP4;
    run->frame.header.header_bytes = (uint16_t)headers->data;
    run->frame.header.gso_bytes = (uint16_t)run->segment_data_bytes;
    uint16_t sum = checksum_fold(pseudo_sum(frame + headers->ip, headers, transport_bytes));
    memcpy(frame + headers->transport + run->frame.header.checksum_offset, &sum, sizeof sum);
}

size_t run_finish(struct run *run)
{
    size_t bytes = run->bytes;
    run->frame.header = run->unsummed ? undone(&run->headers) : (struct vnet_header){0};
    if (run->segments > 1) finish_joined(run);
    run->bytes = 0;
    return bytes;
}
