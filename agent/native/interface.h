/* The kernel's side of the TAP: its MAC, MTU and addresses, set by rtnetlink (rtnetlink(7)) and no other program. */
#ifndef TINCAN_INTERFACE_H
#define TINCAN_INTERFACE_H

#include <stdint.h>

#include "address.h"
#include "fault.h"

struct interface_options {
    uint8_t mac[MAC_BYTES];
    uint32_t mtu_bytes;
    uint8_t ip4[IP4_BYTES];
    uint8_t ip4_prefix_length;
    uint8_t ip6[IP6_BYTES];
    uint8_t ip6_prefix_length;
};

/*
 * Gives the interface its addresses and brings it up. A kernel with IPv6 switched off is no fault: *ip6_configured
 * says so.
 */
bool interface_configure(const char *name, const struct interface_options *options, bool *ip6_configured,
                         struct fault *fault);

#endif
