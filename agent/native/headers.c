#include "headers.h"

#include "frame.h"

enum { IP4_HEADER_MIN = 20, IP6_HEADER_BYTES = 40, TCP_HEADER_MIN = 20, UDP_HEADER_BYTES = 8 };
enum { MAX_EXTENSION_HEADERS = 8 };
enum { EXTENSION_HOP_BY_HOP = 0, EXTENSION_ROUTING = 43, EXTENSION_DESTINATION = 60 };

static bool read_ip4(const uint8_t *ip, size_t available, struct headers *headers)
{
    if (available < IP4_HEADER_MIN || ip[0] >> 4 != 4) return false;
    size_t header_bytes = (size_t)(ip[0] & 15) * 4, total = read16(ip + 2);
    if (header_bytes < IP4_HEADER_MIN || total < header_bytes || total > available) return false;
    bool fragment = (read16(ip + 6) & 0x3fff) != 0;
    headers->plain = header_bytes == IP4_HEADER_MIN && !fragment;
    headers->protocol = ip[9];
    headers->transport = headers->ip + header_bytes;
    headers->end = headers->ip + total;
    return !fragment;
}

static bool read_ip6(const uint8_t *ip, size_t available, struct headers *headers)
{
    if (available < IP6_HEADER_BYTES || ip[0] >> 4 != 6) return false;
    size_t total = IP6_HEADER_BYTES + read16(ip + 4), at = IP6_HEADER_BYTES;
    if (total > available) return false;
    uint8_t next = ip[6];
    headers->plain = next == IP_PROTOCOL_TCP || next == IP_PROTOCOL_UDP;
    for (int count = 0; count < MAX_EXTENSION_HEADERS; count++) {
        bool extension = next == EXTENSION_HOP_BY_HOP || next == EXTENSION_ROUTING || next == EXTENSION_DESTINATION;
        if (!extension) break;
        if (at + 8 > total) return false;
        next = ip[at];
        at += (size_t)(ip[at + 1] + 1) * 8;
    }
    headers->protocol = next;
    headers->transport = headers->ip + at;
    headers->end = headers->ip + total;
    return at <= total;
}

static bool read_transport(const uint8_t *frame, struct headers *headers)
{
    const uint8_t *transport = frame + headers->transport;
    size_t available = headers->end - headers->transport;
    size_t header_bytes = UDP_HEADER_BYTES;
    if (headers->protocol == IP_PROTOCOL_TCP) {
        if (available < TCP_HEADER_MIN) return false;
        header_bytes = (size_t)(transport[12] >> 4) * 4;
        if (header_bytes < TCP_HEADER_MIN) return false;
    } else if (headers->protocol != IP_PROTOCOL_UDP) {
        return false;
    }
    headers->data = headers->transport + header_bytes;
    return headers->data <= headers->end;
}

bool headers_read(const uint8_t *frame, size_t length, struct headers *headers)
{
    if (length < FRAME_HEADER_BYTES) return false;
    struct frame view = frame_view(frame, length);
    headers->ip = (size_t)(view.payload - frame);
    headers->ip6 = view.type == ETHER_IP6;
    bool known = headers->ip6 ? read_ip6(view.payload, view.payload_bytes, headers)
                              : view.type == ETHER_IP4 && read_ip4(view.payload, view.payload_bytes, headers);
    return known && read_transport(frame, headers);
}
