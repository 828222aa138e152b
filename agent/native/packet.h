/*
 * The packets that two datapaths exchange: WireGuard's transport form, with other values in the first byte.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   0 |     type      |    version    |             zero              |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   4 |                receiver index, little-endian                  |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   8 |                                                               |
 *     +                   counter, little-endian                      +
 *  12 |                                                               |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *  16 |             sealed payload ...                                |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   n |                     tag (16 bytes)                            |
 *     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 *   type 4  frame: the payload is one Ethernet frame without its check sequence
 *   type 7  unsummed frame: the same, of TCP or UDP, whose checksum field holds the sum of the pseudo-header and no more:
 *           the sender's kernel left it to its device, and the tag says better than a checksum that no byte was changed
 *   type 5  probe: id (4 bytes, little-endian), the prober's clock in microseconds (8 bytes, little-endian)
 *   type 6  echo:  the probe's payload, unchanged
 *
 * A first byte of 4 to 7 is in none of the ranges of RFC 7983 (STUN is 0-3), so that STUN can share the port.
 * The AEAD's nonce is four zero bytes and the counter as it stands in the packet; its associated data is the header.
 */
#ifndef TINCAN_PACKET_H
#define TINCAN_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drop_reason.h"

enum {
    PACKET_HEADER_BYTES = 16,
    PACKET_TAG_BYTES = 16,
    PACKET_OVERHEAD_BYTES = PACKET_HEADER_BYTES + PACKET_TAG_BYTES,
    PACKET_NONCE_BYTES = 12,
    PACKET_VERSION = 1,
    PROBE_BYTES = 12,
};

enum packet_type {
    PACKET_FRAME = 4,
    PACKET_PROBE = 5,
    PACKET_ECHO = 6,
    PACKET_UNSUMMED_FRAME = 7,
};

/*
 * A session ends this far below the end of its counter, as WireGuard's does (REJECT_AFTER_MESSAGES), so that no sum of
 * a counter and a replay window ever wraps.
 */
#define PACKET_COUNTER_LIMIT (UINT64_MAX - (1u << 13))

struct packet_header {
    enum packet_type type;
    uint32_t receiver_index;
    uint64_t counter;
};

struct probe {
    uint32_t id;
    uint64_t sent_us;
};

void packet_write_header(uint8_t *packet, const struct packet_header *header);

/* PASS and the header, or the reason to drop: too short for header and tag, or of no type and version we know. */
enum drop_reason packet_read_header(const uint8_t *packet, size_t bytes, struct packet_header *header);

static inline bool packet_bears_frame(const struct packet_header *header)
{
    return header->type == PACKET_FRAME || header->type == PACKET_UNSUMMED_FRAME;
}

void packet_nonce(uint64_t counter, uint8_t nonce[PACKET_NONCE_BYTES]);

void probe_write(uint8_t payload[PROBE_BYTES], const struct probe *probe);
struct probe probe_read(const uint8_t payload[PROBE_BYTES]);

#endif
