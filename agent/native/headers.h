/*
 * Where the headers of a TCP or UDP frame stand, for segmentation and coalescing. VLAN tags are stepped over; IPv6
 * extension headers are known to be there, and such frames are segmented but never coalesced.
 *
 *     | Ethernet (14, VLAN tags +4 each) | IP (20+ or 40+) | TCP (20+) or UDP (8) | data ... |
 *     0                                  ip                transport              data
 */
#ifndef TINCAN_HEADERS_H
#define TINCAN_HEADERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IP_PROTOCOL_TCP = 6, IP_PROTOCOL_UDP = 17 };

enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

/* Offsets from the frame's start, in bytes; data <= end <= the frame's length (Ethernet padding is behind end). */
struct headers {
    bool ip6;
    bool plain;    /* IPv4 without options, IPv6 without extension headers, and not a fragment */
    uint8_t protocol;
    size_t ip;
    size_t transport;
    size_t data;
    size_t end;
};

/* False for anything that is not a whole, well-formed TCP or UDP frame over IPv4 or IPv6. */
bool headers_read(const uint8_t *frame, size_t length, struct headers *headers);

static inline uint16_t read16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t read32(const uint8_t *bytes)
{
    return (uint32_t)read16(bytes) << 16 | read16(bytes + 2);
}

static inline void write16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

static inline void write32(uint8_t *bytes, uint32_t value)
{
    write16(bytes, (uint16_t)(value >> 16));
    write16(bytes + 2, (uint16_t)value);
}

#endif
