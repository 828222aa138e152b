/*
 * Whether a frame from a peer speaks for that peer alone. Addresses in Tincan come from signed membership, so a member
 * that uses another's is lying, and its frames never reach the TAP.
 */
#ifndef TINCAN_SOURCE_CHECK_H
#define TINCAN_SOURCE_CHECK_H

#include "address.h"
#include "drop_reason.h"
#include "frame.h"

/* The addresses that a peer may use. */
struct peer_addresses {
    uint8_t mac[MAC_BYTES];
    uint8_t ip4[IP4_BYTES];
    uint8_t ip6[IP6_BYTES];
};

/*
 * PASS, source-mac-mismatch or source-ip-mismatch. Checked: the Ethernet source; the sender of an ARP message; the
 * source of an IPv4 or IPv6 packet, also behind VLAN tags; the target of a neighbour advertisement. Router
 * advertisements and redirects speak for a router, which no peer is. Other ethertypes pass on their MAC alone.
 */
enum drop_reason source_check(const struct peer_addresses *peer, const struct frame *frame);

#endif
