/* TAP to peer. The caller holds the lock. */
#ifndef TINCAN_OUTBOUND_H
#define TINCAN_OUTBOUND_H

#include "datapath.h"

/* Carries what waits in the TAP, at most one batch; false with errno where the TAP is gone. */
bool outbound_batch(struct datapath *datapath);

/*
 * Seals the payload that stands in datapath->packet behind the room for the header, and sends it to `to`.
 * False, and counted, where the peer has no session or the kernel does not take the packet.
 */
bool outbound_send(struct datapath *datapath, struct peer *peer, const struct endpoint *to, enum packet_type type,
                   size_t payload_bytes);

/* The same for a frame over the peer's path, with the peer's counters. */
bool outbound_send_frame(struct datapath *datapath, struct peer *peer, size_t frame_bytes);

#endif
