/*
 * STUN messages (RFC 8489) on the datapath's own port. A packet of ours begins with its type, 4 or more; a STUN message
 * with two zero bits and a 14-bit type, of which those that a client gets have a first byte of 0 or 1, and it bears a
 * magic cookie. Nothing of it is understood here: the controller has asked, and knows what it asked.
 */
#ifndef TINCAN_STUN_H
#define TINCAN_STUN_H

#include "datapath.h"

enum {
    STUN_HEADER_BYTES = 20,
    /* RFC 8489 section 6.1: without knowledge of the path a message stays below this. */
    STUN_MAX_BYTES = 548,
    STUN_EVENTS_PER_SECOND = 20,
};

bool stun_is_message(const uint8_t *packet, size_t bytes);

/* -> event `stun`, or drop: event-ring-full, stun-limit */
void stun_report(struct datapath *datapath, const uint8_t *message, size_t bytes, const struct endpoint *from);

#endif
