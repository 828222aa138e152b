#include "frame.h"

#include "address.h"

enum {
    ARP_BYTES = 28,
    ARP_OPERATION_AT = 6,
    ARP_REQUEST = 1,
    IP6_HEADER_BYTES = 40,
    IP6_NEXT_HEADER_AT = 6,
    /* More extension headers than any sender has a use for; the kernel's own limit is 8 (net.ipv6.max_hbh_number). */
    IP6_MAX_EXTENSIONS = 8,
    NEXT_HOP_BY_HOP = 0,
    NEXT_ROUTING = 43,
    NEXT_ICMP6 = 58,
    NEXT_DESTINATION_OPTIONS = 60,
};

static uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static bool is_vlan(uint16_t type)
{
    return type == ETHER_VLAN || type == ETHER_PROVIDER_VLAN;
}

struct frame frame_view(const uint8_t *bytes, size_t length)
{
    size_t at = FRAME_HEADER_BYTES;
    uint16_t type = read_u16(bytes + at - 2);
    for (int tags = 0; tags < FRAME_MAX_VLAN_TAGS && is_vlan(type) && length - at >= VLAN_TAG_BYTES; tags++) {
        at += VLAN_TAG_BYTES;
        type = read_u16(bytes + at - 2);
    }
    return (struct frame){
        .destination = bytes,
        .source = bytes + MAC_BYTES,
        .type = type,
        .payload = bytes + at,
        .payload_bytes = length - at,
    };
}

int frame_icmp6_type(const struct frame *frame, const uint8_t **message, size_t *message_bytes)
{
    if (frame->payload_bytes < IP6_HEADER_BYTES) return ICMP6_NONE;

    uint8_t next = frame->payload[IP6_NEXT_HEADER_AT];
    size_t at = IP6_HEADER_BYTES;
    for (int count = 0; count < IP6_MAX_EXTENSIONS; count++) {
        if (next != NEXT_HOP_BY_HOP && next != NEXT_ROUTING && next != NEXT_DESTINATION_OPTIONS) break;
        if (frame->payload_bytes - at < 8) return ICMP6_NONE;
        size_t extension_bytes = ((size_t)frame->payload[at + 1] + 1) * 8;
        if (frame->payload_bytes - at < extension_bytes) return ICMP6_NONE;
        next = frame->payload[at];
        at += extension_bytes;
    }
    if (next != NEXT_ICMP6 || frame->payload_bytes == at) return ICMP6_NONE;

    *message = frame->payload + at;
    *message_bytes = frame->payload_bytes - at;
    return frame->payload[at];
}

bool frame_asks_for_neighbour(const struct frame *frame)
{
    const uint8_t *message;
    size_t message_bytes;
    switch (frame->type) {
    case ETHER_ARP:
        return frame->payload_bytes >= ARP_BYTES && read_u16(frame->payload + ARP_OPERATION_AT) == ARP_REQUEST;
    case ETHER_IP6:
        return frame_icmp6_type(frame, &message, &message_bytes) == ICMP6_NEIGHBOUR_SOLICITATION;
    default:
        return false;
    }
}
