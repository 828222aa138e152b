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
    memset(ring, 0, sizeof *ring);
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

bool event_ring_push_fairly(struct event_ring *ring, unsigned source, struct event *event, const uint8_t *frame)
{
    size_t bytes = sizeof *event + event->frame_bytes;
    uint64_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
    size_t free_bytes = EVENT_RING_BYTES - (size_t)(atomic_load_explicit(&ring->written, memory_order_relaxed) - read);
    uint32_t own = ring->pushed[source] - atomic_load_explicit(&ring->taken[source], memory_order_relaxed);
    if (own + bytes > EVENT_SOURCE_SHARE * free_bytes) return false;

    event->counted_source = 1 + source;
    if (!event_ring_push(ring, event, frame)) return false;
    ring->pushed[source] += (uint32_t)bytes;
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
    size_t bytes = sizeof *event + event->frame_bytes;
    if (frame != NULL) copy_out(ring, read + sizeof *event, frame, event->frame_bytes);
    if (event->counted_source > 0) {
        atomic_fetch_add_explicit(&ring->taken[event->counted_source - 1], (uint32_t)bytes, memory_order_relaxed);
    }
    atomic_store_explicit(&ring->read, read + bytes, memory_order_release);
}
