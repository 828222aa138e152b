/*
 * One frame as the TAP gives it, up to 64 KiB and with its checksum undone, becomes the frames that a wire would have
 * carried: the software half of TSO and USO (linux/net/ipv4/tcp_offload.c and udp_offload.c do the same).
 *
 * It is cut where it stands. The headers of each segment are written over the data of the one before, which has been
 * sealed by then, so that no data is copied:
 *
 *     | headers | data 0 | data 1 | data 2 |
 *               .    | headers | data 1 | data 2 |
 *                             .     | headers | data 2 |
 */
#ifndef TINCAN_SEGMENT_H
#define TINCAN_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "vnet_header.h"

/* A frame being cut. The frame's bytes must outlive it, and are spoilt by it. */
struct segmenter {
    struct vnet_frame *frame;
    bool whole;             /* the frame needs no cutting: it is its own one segment */
    bool summable_later;    /* TCP or UDP whose checksum its receiver may finish: the field has the pseudo-header's sum */
    struct headers headers; /* the frame's; in a whole frame that is not summable_later, `end` is its end, `data` 0 */
    size_t segment_data_bytes; /* of every segment but the last */
    size_t segment;            /* where the segment before begins, from the frame's start */
    size_t at;                 /* the next segment's data, from the frame's start */
    bool first;
    bool ecn;
    uint8_t tcp_flags;   /* the frame's */
    uint64_t pseudo_sum; /* the pseudo-header's, less the length that differs between segments */
};

enum checksums {
    CHECKSUMS_DONE,
    /* The transport checksum is left to the receiver, where summable_later allows it. */
    CHECKSUMS_LEFT,
};

/*
 * Begins to cut what its header says must be cut; a frame of any other kind is its own one segment. False where the
 * header contradicts the frame.
 */
bool segmenter_init(struct segmenter *segmenter, struct vnet_frame *frame, size_t length);

/* Bytes that the longest segment takes. */
size_t segmenter_most_bytes(const struct segmenter *segmenter);

/* Bytes that the next segment takes; 0 when there is none. */
size_t segmenter_next_bytes(const struct segmenter *segmenter);

/* The next segment, with every length, number, flag and checksum right; good until the next call. */
const uint8_t *segmenter_next(struct segmenter *segmenter, enum checksums checksums);

#endif
