/*
 * The last steps of a frame's way to the TAP (inbound.c numbers them), for those that came in packets and for those that
 * the controller hands down: checks that the frame speaks for `peer` alone (NULL: the controller made it) and is meant
 * for this node, and joins it with its neighbours. The caller holds the lock.
 */
#ifndef TINCAN_DELIVERY_H
#define TINCAN_DELIVERY_H

#include "datapath.h"

/* Where a frame of up to `bytes` bytes is best written, to be taken from there: coalesce.h. */
uint8_t *delivery_room(struct datapath *datapath, size_t bytes);

/* Takes the frame into the run, which it may begin. False: dropped, counted. */
bool delivery_take_frame(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes,
                         bool unsummed);

/* Writes the run, if one is open; false, and counted, where the kernel does not take it. */
bool delivery_write_run(struct datapath *datapath);

/* The same where the run is so long that its receiver should work on it while the next is opened. */
void delivery_write_full_run(struct datapath *datapath);

/* Takes one frame and writes it. */
bool delivery_deliver(struct datapath *datapath, const struct peer *peer, const uint8_t *frame, size_t bytes);

/* The same for several of one peer's, each behind its length (2 bytes, big-endian): those of one flow are joined. */
void delivery_deliver_bundle(struct datapath *datapath, const struct peer *peer, const uint8_t *bundle, size_t bytes);

#endif
