/*
 * The reverse of segmentation: consecutive frames of one flow, as they come from a peer, become one frame that enters
 * the kernel's stack once. One run is open at a time; what does not continue it ends it. A sender's super-frame
 * arrives as neighbours, so a table of flows would find little more.
 *
 * A frame is opened where it will stand if it continues the run: its data behind the run's, and its headers, which are
 * looked at and go, over the end of the run's data, which is kept aside meanwhile:
 *
 *     run:   | headers | data 0 | data 1 |                       kept aside: the bytes under `headers`
 *     room:                  | headers | data 2 |
 *
 * Where the run's data is shorter than headers, the room is behind it.
 *
 * Two frames become one only where both transport checksums are right, because the kernel will take the sum of the
 * joined frame as verified: damage would be hidden. They are verified, unless the sender's kernel left them undone: then
 * no byte has been out of the hands of two kernels and two authenticated ends. A frame that joins nothing is passed on
 * with the checksum that it has, or with the word that it has none yet.
 */
#ifndef TINCAN_COALESCE_H
#define TINCAN_COALESCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "vnet_header.h"

/* Ethernet with two tags, IPv6, and TCP with all its options, rounded up. */
enum { RUN_HEADERS_MAX_BYTES = 128 };

/* A frame that has come. */
struct arrival {
    const uint8_t *frame;
    size_t bytes;
    bool unsummed;          /* its transport checksum holds the pseudo-header's sum alone */
    bool known;             /* it is TCP or UDP, with these headers */
    struct headers headers;
};

/* False where a frame is said to be unsummed that has no such checksum. */
bool arrival_read(struct arrival *arrival, const uint8_t *frame, size_t bytes, bool unsummed);

/* All zero, with `tcp` and `udp` set to what the TAP takes, is an empty run. */
struct run {
    bool tcp; /* the TAP takes TSO frames */
    bool udp; /* the TAP takes USO frames */
    size_t bytes;         /* 0: no run is open */
    size_t carried_bytes; /* of all the frames in it, with their own headers */
    struct headers headers;
    size_t segment_data_bytes;
    unsigned segments;
    bool ended;    /* a short segment or PSH was the last that may join */
    bool unsummed; /* the first frame is */
    bool verified; /* the first frame's checksum was looked at, and is right, or was never taken */
    struct vnet_frame frame;
    size_t kept_bytes; /* 0: nothing stands in the room */
    uint8_t kept[RUN_HEADERS_MAX_BYTES];
};

/*
 * Where the next frame of up to `bytes` bytes may be written, to be added from there or taken back; NULL where the run
 * must be taken out first. An empty one has room for SUPER_FRAME_MAX_BYTES.
 */
uint8_t *run_room(struct run *run, size_t bytes);

/* Gives the run back what the frame in its room covers. */
void run_clear_room(struct run *run);

/*
 * True when the frame, in the run's room or elsewhere, now is in the run. False: the run must be taken out first
 * (run_clear_room, run_finish); an empty one takes every frame of up to SUPER_FRAME_MAX_BYTES.
 */
bool run_add(struct run *run, const struct arrival *arrival);

/*
 * Puts lengths and checksums of the joined frame right, and says in its header how the kernel is to take it. The run
 * is empty then; its frame stays until the next is added. Answers its bytes.
 */
size_t run_finish(struct run *run);

#endif
