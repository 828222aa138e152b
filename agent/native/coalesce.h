/*
 * The reverse of segmentation: consecutive frames of one flow, as they come from a peer, become one frame that enters
 * the kernel's stack once. One run is open at a time; what does not continue it ends it. A sender's super-frame
 * arrives as neighbours, so a table of flows would find little more.
 *
 * Both transport checksums are verified before two frames become one, because the kernel will take the sum of the
 * joined frame as verified: damage would be hidden. A frame that joins nothing is passed on with its own checksum.
 */
#ifndef TINCAN_COALESCE_H
#define TINCAN_COALESCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "vnet_header.h"

/* All zero, with `tcp` and `udp` set to what the TAP takes, is an empty run. */
struct run {
    bool tcp; /* the TAP takes TSO frames */
    bool udp; /* the TAP takes USO frames */
    size_t bytes;         /* 0: no run is open */
    size_t carried_bytes; /* of all the frames in it, with their own headers */
    struct headers headers;
    size_t segment_data_bytes;
    unsigned segments;
    bool ended; /* a short segment or PSH was the last that may join */
    bool verified; /* the first frame's checksum was looked at, and is right */
    struct vnet_frame frame;
};

/*
 * True when `frame` now is in the run. False: the run must be taken out first (run_finish); an empty one takes every
 * frame of up to SUPER_FRAME_MAX_BYTES.
 */
bool run_add(struct run *run, const uint8_t *frame, size_t length);

/*
 * Puts lengths and checksums of the joined frame right, and says in its header how the kernel is to take it. The run
 * is empty then; its frame stays until the next is added. Answers its bytes.
 */
size_t run_finish(struct run *run);

#endif
