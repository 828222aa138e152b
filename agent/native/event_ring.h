/*
 * Events on their way from the datapath's thread to JavaScript: a bounded ring of bytes with one producer and one
 * consumer and no lock. An event is written whole or not at all; what does not fit is the producer's to count.
 *
 *     bytes:  ... | struct event | frame (event.frame_bytes) | struct event | ...      both wrap at the ring's end
 */
#ifndef TINCAN_EVENT_RING_H
#define TINCAN_EVENT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"

/* A power of two. About 340 full frames: what busy peers without a fast path are sent in 15 ms at 300 Mbit/s. */
enum { EVENT_RING_BYTES = 512 * 1024 };

/*
 * Who frames in the ring are for: a peer's slot, or behind the slots a kind of frame that has no peer. A source may have
 * twice as much in the ring as is free: alone it fills two thirds, and always leaves room for another and for events
 * without frames.
 */
enum { EVENT_SOURCE_SLOTS = 1024, EVENT_SOURCES = EVENT_SOURCE_SLOTS + 8, EVENT_SOURCE_SHARE = 2 };

enum event_kind {
    EVENT_UNKNOWN_DESTINATION, /* a frame for a MAC that is no peer's */
    EVENT_NEIGHBOUR,           /* an ARP request or neighbour solicitation */
    EVENT_FLOOD,               /* any other frame to a group */
    EVENT_SLOW_PATH,           /* a frame for a peer that has no path */
    EVENT_OVERSIZE,            /* a frame that is larger than the peer's path carries */
    EVENT_PROBE_REPLY,
    EVENT_HEARD,
    EVENT_STUN, /* a STUN message came to our port; its bytes stand where others have a frame */
};

struct event {
    enum event_kind kind;
    uint32_t frame_bytes; /* 0: the event bears no frame */
    uint32_t slot;
    uint32_t counted_source; /* 1 + source; 0: pushed without a share */
    uint32_t probe_id;
    uint32_t rtt_us;
    struct endpoint endpoint;
};

struct event_ring {
    uint8_t *bytes;
    _Atomic uint64_t written; /* bytes ever; the producer's */
    _Atomic uint64_t read;    /* bytes ever; the consumer's */
    uint32_t pushed[EVENT_SOURCES];        /* bytes ever of each source, wrapping; the producer's */
    _Atomic uint32_t taken[EVENT_SOURCES]; /* the consumer's */
};

bool event_ring_init(struct event_ring *ring);
void event_ring_free(struct event_ring *ring);

/* False, and nothing written, where there is no room. `frame` may be NULL where the event bears none. */
bool event_ring_push(struct event_ring *ring, const struct event *event, const uint8_t *frame);

/* The same within the share of `source`: no source keeps the others out. */
bool event_ring_push_fairly(struct event_ring *ring, unsigned source, struct event *event, const uint8_t *frame);

bool event_ring_is_empty(const struct event_ring *ring);

/* The oldest event, still in the ring; false where it is empty. */
bool event_ring_peek(struct event_ring *ring, struct event *event);

/* Copies the frame of the event that peek found, unless `frame` is NULL, and takes the event out. */
void event_ring_take(struct event_ring *ring, const struct event *event, uint8_t *frame);

#endif
