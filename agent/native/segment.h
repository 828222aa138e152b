/*
 * One frame as the TAP gives it, up to 64 KiB and with its checksum undone, becomes the frames that a wire would have
 * carried: the software half of TSO and USO (linux/net/ipv4/tcp_offload.c and udp_offload.c do the same).
 */
#ifndef TINCAN_SEGMENT_H
#define TINCAN_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "headers.h"
#include "vnet_header.h"

/* A frame being cut. The frame's bytes stay where they are, and must outlive it. */
struct segmenter {
    const uint8_t *frame;
    bool whole;             /* the frame needs no cutting: it is its own one segment, and headers has only `end` */
    struct headers headers; /* the frame's; in a whole frame, data is where it begins */
    size_t segment_data_bytes; /* of every segment but the last */
    size_t at;                 /* the next segment's data, from the frame's start */
    uint16_t index;
    bool ecn;
    uint64_t transport_sum; /* pseudo-header and transport header, less all that differs between segments */
};

/*
 * Begins to cut what its header says must be cut; a frame of any other kind is its own one segment, in which the
 * checksum that the kernel left undone is put in. False where the header contradicts the frame.
 */
bool segmenter_init(struct segmenter *segmenter, struct vnet_frame *frame, size_t length);

/* Bytes that the longest segment takes. */
size_t segmenter_most_bytes(const struct segmenter *segmenter);

/* Bytes that the next segment takes; 0 when there is none. */
size_t segmenter_next_bytes(const struct segmenter *segmenter);

/* Writes the next segment, with every length, number, flag and checksum right. */
void segmenter_next(struct segmenter *segmenter, uint8_t *segment);

#endif
