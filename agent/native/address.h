/*
 * Addresses in the forms that the datapath compares: MACs as 6 bytes, IP addresses as they stand in packets, and
 * underlay endpoints as an IPv6 address, in which IPv4 is ::ffff:a.b.c.d. Link-local endpoints are not supported.
 */
#ifndef TINCAN_ADDRESS_H
#define TINCAN_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { MAC_BYTES = 6, IP4_BYTES = 4, IP6_BYTES = 16 };

struct endpoint {
    struct in6_addr address;
    uint16_t port;
    /* The own address that a packet from there came to, for an answer to leave from; else unspecified: the kernel chooses. */
    struct in6_addr asked;
};

/* Six pairs of hex digits with colons; of a unicast address, because nothing else is a node's. */
bool mac_parse(const char *text, uint8_t mac[MAC_BYTES]);

/* Where a frame goes that has this destination: the group bit of IEEE 802 is the first to be sent. */
static inline bool mac_is_group(const uint8_t *mac)
{
    return (mac[0] & 1) != 0;
}

/* The link-local address that a kernel derives from a MAC (RFC 4291 appendix A). */
void ip6_link_local_of_mac(const uint8_t mac[MAC_BYTES], uint8_t ip6[IP6_BYTES]);

/* False where `address` is no numeric IPv4 or IPv6 address. */
bool endpoint_parse(const char *address, uint16_t port, struct endpoint *endpoint);

/* The address alone; IPv4 in its own notation. */
void endpoint_format(const struct endpoint *endpoint, char text[INET6_ADDRSTRLEN]);

bool endpoint_equals(const struct endpoint *one, const struct endpoint *other);

/* Spreads endpoints over the low bits; whoever chooses endpoints can make them meet. */
uint32_t endpoint_hash(const struct endpoint *endpoint);

#endif
