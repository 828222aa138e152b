/*
 * Probes: sealed packets that the peer's datapath echoes, to prove a path, to time it, and, padded, to find how large a
 * packet it carries whole (RFC 8899). A padded probe goes out with DF set and without the kernel's own idea of the path's
 * MTU; data packets may be fragmented. The caller holds the lock.
 */
#ifndef TINCAN_PROBE_H
#define TINCAN_PROBE_H

#include "datapath.h"

/*
 * `frame_bytes` 0: no padding. Else the packet is as long as one with a frame of that many bytes; where the machine's
 * own link is too narrow for it, nothing is sent and nothing counted: no echo is the answer.
 */
void probe_send(struct datapath *datapath, struct peer *peer, const struct endpoint *to, uint32_t id,
                size_t frame_bytes);

#endif
