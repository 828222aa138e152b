/* The ring: order, bounds, wrap-around, and two threads at its ends. */
#include "event_ring.h"

#include <pthread.h>
#include <sched.h>

#include "check.h"

enum { FRAME_BYTES = 1500 };

static void fill(uint8_t *frame, uint32_t number, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++) frame[at] = (uint8_t)(number * 31 + at);
}

static bool push(struct event_ring *ring, uint32_t number, size_t bytes)
{
    uint8_t frame[FRAME_BYTES];
    fill(frame, number, bytes);
    struct event event = {.kind = EVENT_FLOOD, .slot = number, .frame_bytes = (uint32_t)bytes};
    return event_ring_push(ring, &event, bytes > 0 ? frame : NULL);
}

/* Takes one event out and tells whether it is the one that was pushed under this number. */
static bool pull(struct event_ring *ring, uint32_t number)
{
    struct event event;
    uint8_t frame[FRAME_BYTES], wanted[FRAME_BYTES];
    if (!event_ring_peek(ring, &event)) return false;
    event_ring_take(ring, &event, frame);
    fill(wanted, number, event.frame_bytes);
    return event.slot == number && memcmp(frame, wanted, event.frame_bytes) == 0;
}

static void gives_back_in_order(void)
{
    struct event_ring ring;
    struct event event;
    CHECK(event_ring_init(&ring));
    CHECK(event_ring_is_empty(&ring) && !event_ring_peek(&ring, &event));
    CHECK(push(&ring, 1, 60) && push(&ring, 2, 0) && push(&ring, 3, FRAME_BYTES));
    CHECK(pull(&ring, 1) && pull(&ring, 2) && pull(&ring, 3));
    CHECK(event_ring_is_empty(&ring));
    event_ring_free(&ring);
}

static bool push_fairly(struct event_ring *ring, unsigned source)
{
    static const uint8_t frame[FRAME_BYTES];
    return event_ring_push_fairly(ring, source, &(struct event){.kind = EVENT_SLOW_PATH, .frame_bytes = FRAME_BYTES}, frame);
}

static void keeps_no_source_out_for_another(void)
{
    struct event_ring ring;
    struct event event;
    CHECK(event_ring_init(&ring));
    unsigned first = 0, second = 0;
    while (push_fairly(&ring, 7)) first++;
    CHECK(!push_fairly(&ring, 7) && first * FRAME_BYTES > EVENT_RING_BYTES / 2);
    while (push_fairly(&ring, 8)) second++;
    CHECK(second >= first / 4 && push(&ring, 1, 0));
    /* However full the first keeps the ring, what the consumer takes is shared anew. */
    for (unsigned round = 0; round < 4 * (first + second); round++) {
        CHECK(event_ring_peek(&ring, &event));
        event_ring_take(&ring, &event, NULL);
        while (push_fairly(&ring, 7)) continue;
        push_fairly(&ring, 8);
    }
    unsigned seconds = 0;
    for (; event_ring_peek(&ring, &event); event_ring_take(&ring, &event, NULL)) seconds += event.counted_source == 9;
    CHECK(seconds >= first / 4);
    for (unsigned source = 0; source < EVENT_SOURCES; source++) CHECK(ring.pushed[source] == ring.taken[source]);
    event_ring_free(&ring);
}

static void refuses_what_does_not_fit_and_keeps_the_rest(void)
{
    struct event_ring ring;
    CHECK(event_ring_init(&ring));
    uint32_t pushed = 0;
    while (push(&ring, pushed, FRAME_BYTES)) pushed++;
    CHECK(pushed == EVENT_RING_BYTES / (sizeof(struct event) + FRAME_BYTES));
    CHECK(pull(&ring, 0));
    CHECK(push(&ring, pushed, FRAME_BYTES));
    CHECK(!push(&ring, pushed + 1, FRAME_BYTES));
    for (uint32_t number = 1; number <= pushed; number++) CHECK(pull(&ring, number));
    CHECK(event_ring_is_empty(&ring));
    event_ring_free(&ring);
}

static void wraps_at_every_position(void)
{
    struct event_ring ring;
    CHECK(event_ring_init(&ring));
    for (uint32_t number = 0; number < 20000; number++) {
        CHECK(push(&ring, number, number % (FRAME_BYTES + 1)));
        CHECK(pull(&ring, number));
    }
    event_ring_free(&ring);
}

static void drops_a_frame_that_is_not_wanted(void)
{
    struct event_ring ring;
    struct event event;
    CHECK(event_ring_init(&ring));
    CHECK(push(&ring, 1, 60) && push(&ring, 2, 60));
    CHECK(event_ring_peek(&ring, &event));
    event_ring_take(&ring, &event, NULL);
    CHECK(pull(&ring, 2));
    event_ring_free(&ring);
}

enum { CROSSINGS = 50000 };

static void *produce(void *argument)
{
    for (uint32_t number = 0; number < CROSSINGS; number++) {
        while (!push(argument, number, number % FRAME_BYTES)) sched_yield();
    }
    return NULL;
}

static void crosses_threads_whole(void)
{
    struct event_ring ring;
    pthread_t producer;
    unsigned wrong = 0;
    CHECK(event_ring_init(&ring));
    pthread_create(&producer, NULL, produce, &ring);
    for (uint32_t number = 0; number < CROSSINGS; number++) {
        while (event_ring_is_empty(&ring)) sched_yield();
        wrong += !pull(&ring, number);
    }
    pthread_join(producer, NULL);
    CHECK(wrong == 0);
    event_ring_free(&ring);
}

RUN_TESTS(TEST(gives_back_in_order), TEST(keeps_no_source_out_for_another),
          TEST(refuses_what_does_not_fit_and_keeps_the_rest), TEST(wraps_at_every_position),
          TEST(drops_a_frame_that_is_not_wanted), TEST(crosses_threads_whole))
