/*
 * Sealed packets on their way into the socket. Packets of one size for one endpoint that follow one another are one
 * message, which one send with UDP_SEGMENT carries (udp(7)); the last of a message may be shorter. Packets are sealed
 * where they stand, so a message is never copied together:
 *
 *     bytes:  | packet | packet | packet | shorter |  packet | packet |   room for the next ...
 *             '----------- message 0 --------------'--- message 1 ----'
 *
 * Nothing stays in the outbox beyond the turn that filled it.
 */
#ifndef TINCAN_OUTBOX_H
#define TINCAN_OUTBOX_H

#include "address.h"
#include "packet.h"
#include "vnet_header.h"

enum {
    OUTBOX_MESSAGES = 64,
    /* A super-frame's packets, behind what did not fill the outbox yet. */
    OUTBOX_BYTES = 112 * 1024,
    /* From here on a system call costs little against what it carries. */
    OUTBOX_FULL_BYTES = 32 * 1024,
    /* The largest UDP datagram over IPv4; UDP_SEGMENT is bound by it as a whole. */
    MESSAGE_MAX_BYTES = 65507,
};

struct message {
    struct endpoint to;
    size_t at;
    size_t bytes;
    size_t packet_bytes; /* of every packet but the last */
    unsigned packets;
};

/* All zero is empty. */
struct outbox {
    unsigned count;
    size_t used;
    struct message messages[OUTBOX_MESSAGES];
    uint8_t bytes[OUTBOX_BYTES];
};

/* Where the next packet is to be made; NULL where the outbox must be sent first. */
uint8_t *outbox_room(struct outbox *outbox, size_t packet_bytes);

/* Takes up the packet that was made there. `together` 1: every packet is a message of its own. */
void outbox_add(struct outbox *outbox, const struct endpoint *to, size_t packet_bytes, unsigned together);

void outbox_clear(struct outbox *outbox);

#endif
