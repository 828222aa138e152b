/* Peer to TAP. The caller holds the lock. */
#ifndef TINCAN_INBOUND_H
#define TINCAN_INBOUND_H

#include "datapath.h"

/* Carries what waits in the socket, at most one batch; false with errno where the socket is unusable. */
bool inbound_batch(struct datapath *datapath);

/*
 * The last steps of a frame's way, for those that came by another road: checks that the frame speaks for `peer`
 * alone (NULL: the controller made it) and is meant for this node, and writes it into the TAP. False: dropped, counted.
 */
bool inbound_deliver(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes);

/* The same for several of one peer's, each behind its length (2 bytes, big-endian): those of one flow are joined. */
void inbound_deliver_bundle(struct datapath *datapath, const struct peer *peer, const uint8_t *bundle, size_t bytes);

#endif
