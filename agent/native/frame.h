/*
 * What the datapath must know of an Ethernet frame: where it goes, whether it asks for a neighbour, and where its
 * payload starts. Nothing here trusts a length: every field is read only after it is known to be there.
 *
 *      0             6             12     14
 *     +-------------+-------------+------+------------------+
 *     | destination |   source    | type | payload ...      |
 *     +-------------+-------------+------+------------------+
 *                                 ^ VLAN tags (4 bytes each) may stand here
 */
#ifndef TINCAN_FRAME_H
#define TINCAN_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_HEADER_BYTES = 14,
    VLAN_TAG_BYTES = 4,
    FRAME_MAX_VLAN_TAGS = 2,
    /* The largest MTU that a TAP device takes here: jumbo frames, and no more than a UDP packet can carry sealed. */
    FRAME_MAX_MTU = 9000,
    FRAME_MAX_BYTES = FRAME_HEADER_BYTES + FRAME_MAX_VLAN_TAGS * VLAN_TAG_BYTES + FRAME_MAX_MTU,
};

enum ether_type {
    ETHER_IP4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_VLAN = 0x8100,
    ETHER_IP6 = 0x86dd,
    ETHER_PROVIDER_VLAN = 0x88a8,
};

enum icmp6_type {
    ICMP6_NONE = -1, /* not ICMPv6, or too short to say */
    ICMP6_ROUTER_ADVERTISEMENT = 134,
    ICMP6_NEIGHBOUR_SOLICITATION = 135,
    ICMP6_NEIGHBOUR_ADVERTISEMENT = 136,
    ICMP6_REDIRECT = 137,
};

/* A view into a frame of at least FRAME_HEADER_BYTES; valid as long as the frame's bytes are. */
struct frame {
    const uint8_t *destination;
    const uint8_t *source;
    uint16_t type; /* behind the VLAN tags; a tag's own type where there are too many of them, or a cut-off one */
    const uint8_t *payload;
    size_t payload_bytes;
};

struct frame frame_view(const uint8_t *bytes, size_t length);

/* An ARP request or a neighbour solicitation, to whomever it goes: the controller answers them from signed facts. */
bool frame_asks_for_neighbour(const struct frame *frame);

/*
 * The type of an IPv6 frame's ICMPv6 message, found behind extension headers, and its first byte in *message.
 * A message in fragments has none; kernels take no neighbour discovery from those (RFC 6980).
 */
int frame_icmp6_type(const struct frame *frame, const uint8_t **message, size_t *message_bytes);

#endif
