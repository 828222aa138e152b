/*
 * The Internet checksum (RFC 1071), as sums that can be taken in pieces: a sum is the one's complement total of the
 * 16-bit words of the bytes in the machine's own order, not yet folded; byte order does not matter to one's
 * complement sums until the result is stored (RFC 1071 section 2.B).
 */
#ifndef TINCAN_CHECKSUM_H
#define TINCAN_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds `length` bytes to a sum. Every piece but the last must have an even length. */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, size_t length);

/* Adds a 16-bit value that is in the machine's own order (a length, a protocol number). */
uint64_t checksum_add_word(uint64_t sum, uint16_t value);

/* The sum folded to 16 bits, in memory order: stored as it is. Zero-based: complement it for a header field. */
uint16_t checksum_fold(uint64_t sum);

/* Stores a sum as a checksum field has it. */
void checksum_store(uint8_t *field, uint64_t sum);

/* The same for UDP, in which a checksum of zero would say that there is none. */
void checksum_store_udp(uint8_t *field, uint64_t sum);

/* The pseudo-header of TCP or UDP over IPv4 (RFC 9293 section 3.1) or IPv6 (RFC 8200 section 8.1), by `address_bytes`. */
uint64_t checksum_pseudo(const uint8_t *source, const uint8_t *destination, size_t address_bytes, uint8_t protocol,
                         uint32_t length);

#endif
