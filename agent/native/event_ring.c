#include "event_ring.h"

#include <stdlib.h>
#include <string.h>

static void copy_in(struct event_ring *ring, uint64_t position, const void *from, size_t bytes)
{
    size_t at = position % EVENT_RING_BYTES;
    size_t first = bytes < EVENT_RING_BYTES - at ? bytes : EVENT_RING_BYTES - at;
    memcpy(ring->bytes + at, from, first);
    memcpy(ring->bytes, (const uint8_t *)from + first, bytes - first);
}

static void copy_out(const struct event_ring *ring, uint64_t position, void *to, size_t bytes)
{
    size_t at = position % EVENT_RING_BYTES;
    size_t first = bytes < EVENT_RING_BYTES - at ? bytes : EVENT_RING_BYTES - at;
    memcpy(to, ring->bytes + at, first);
    memcpy((uint8_t *)to + first, ring->bytes, bytes - first);
}

bool event_ring_init(struct event_ring *ring)
{
    atomic_init(&ring->written, 0);
    atomic_init(&ring->read, 0);
    ring->bytes = malloc(EVENT_RING_BYTES);
    return ring->bytes != NULL;
}

void event_ring_free(struct event_ring *ring)
{
    free(ring->bytes);
    ring->bytes = NULL;
}

bool event_ring_push(struct event_ring *ring, const struct event *event, const uint8_t *frame)
{
    uint64_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
    /* Acquire: the consumer has done with the bytes that it gave back. */
    uint64_t used = written - atomic_load_explicit(&ring->read, memory_order_acquire);
    size_t bytes = sizeof *event + event->frame_bytes;
    if (bytes > EVENT_RING_BYTES - used) return false;

    copy_in(ring, written, event, sizeof *event);
    if (event->frame_bytes > 0) copy_in(ring, written + sizeof *event, frame, event->frame_bytes);
    /* Release: the event is complete before the consumer can see it. */
    atomic_store_explicit(&ring->written, written + bytes, memory_order_release);
    return true;
}

bool event_ring_is_empty(const struct event_ring *ring)
{
    return atomic_load_explicit(&ring->read, memory_order_acquire) ==
           atomic_load_explicit(&ring->written, memory_order_acquire);
}

bool event_ring_peek(struct event_ring *ring, struct event *event)
{
    uint64_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    if (read == atomic_load_explicit(&ring->written, memory_order_acquire)) return false;
    copy_out(ring, read, event, sizeof *event);
    return true;
}

void event_ring_take(struct event_ring *ring, const struct event *event, uint8_t *frame)
{
    uint64_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
    if (frame != NULL) copy_out(ring, read + sizeof *event, frame, event->frame_bytes);
    atomic_store_explicit(&ring->read, read + sizeof *event + event->frame_bytes, memory_order_release);
}
