#include "source_check.h"

#include <string.h>

enum {
    ARP_SENDER_MAC_AT = 8,
    ARP_SENDER_IP_AT = 14,
    ARP_BYTES = 28,
    IP4_SOURCE_AT = 12,
    IP4_HEADER_BYTES = 20,
    IP6_SOURCE_AT = 8,
    IP6_HEADER_BYTES = 40,
    ADVERTISEMENT_TARGET_AT = 8,
    ADVERTISEMENT_BYTES = 24,
};

static bool is_own_ip6(const struct peer_addresses *peer, const uint8_t *ip6)
{
    uint8_t link_local[IP6_BYTES];
    ip6_link_local_of_mac(peer->mac, link_local);
    return memcmp(ip6, peer->ip6, IP6_BYTES) == 0 || memcmp(ip6, link_local, IP6_BYTES) == 0;
}

static enum drop_reason check_arp(const struct peer_addresses *peer, const struct frame *frame)
{
    if (frame->payload_bytes < ARP_BYTES) return DROP_FRAME_TOO_SHORT;
    if (memcmp(frame->payload + ARP_SENDER_MAC_AT, peer->mac, MAC_BYTES) != 0) return DROP_SOURCE_MAC_MISMATCH;
    if (memcmp(frame->payload + ARP_SENDER_IP_AT, peer->ip4, IP4_BYTES) != 0) return DROP_SOURCE_IP_MISMATCH;
    return PASS;
}

static enum drop_reason check_ip4(const struct peer_addresses *peer, const struct frame *frame)
{
    if (frame->payload_bytes < IP4_HEADER_BYTES) return DROP_FRAME_TOO_SHORT;
    return memcmp(frame->payload + IP4_SOURCE_AT, peer->ip4, IP4_BYTES) == 0 ? PASS : DROP_SOURCE_IP_MISMATCH;
}

static enum drop_reason check_ip6(const struct peer_addresses *peer, const struct frame *frame)
{
    if (frame->payload_bytes < IP6_HEADER_BYTES) return DROP_FRAME_TOO_SHORT;
    if (!is_own_ip6(peer, frame->payload + IP6_SOURCE_AT)) return DROP_SOURCE_IP_MISMATCH;

    const uint8_t *message = NULL;
    size_t message_bytes = 0;
    switch (frame_icmp6_type(frame, &message, &message_bytes)) {
    case ICMP6_ROUTER_ADVERTISEMENT:
    case ICMP6_REDIRECT:
        return DROP_SOURCE_IP_MISMATCH;
    case ICMP6_NEIGHBOUR_ADVERTISEMENT:
        if (message_bytes < ADVERTISEMENT_BYTES) return DROP_FRAME_TOO_SHORT;
        return is_own_ip6(peer, message + ADVERTISEMENT_TARGET_AT) ? PASS : DROP_SOURCE_IP_MISMATCH;
    default:
        return PASS;
    }
}

enum drop_reason source_check(const struct peer_addresses *peer, const struct frame *frame)
{
    if (memcmp(frame->source, peer->mac, MAC_BYTES) != 0) return DROP_SOURCE_MAC_MISMATCH;
    switch (frame->type) {
    case ETHER_ARP:
        return check_arp(peer, frame);
    case ETHER_IP4:
        return check_ip4(peer, frame);
    case ETHER_IP6:
        return check_ip6(peer, frame);
    case ETHER_VLAN:
    case ETHER_PROVIDER_VLAN:
        /* Tags deeper than we look: what they hide cannot be vouched for. */
        return DROP_SOURCE_IP_MISMATCH;
    default:
        return PASS;
    }
}
