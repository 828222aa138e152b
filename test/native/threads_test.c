/*
 * The datapath's thread against the controller's calls: run.mjs builds it with ThreadSanitizer as well, which sees every
 * access of one thread that nothing orders against the other's.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "node_pair.h"

/* More where the machine is so busy that the datapaths have not had their turn by then. */
enum { ROUNDS = 3000, MOST_ROUNDS = 100 * ROUNDS, FRAME_BYTES = 600 };

static _Atomic unsigned wakes;

static void count_wake(void *context)
{
    (void)context;
    wakes++;
}

static void start(struct node *node)
{
    struct datapath *datapath = node->datapath;
    const int watched[] = {datapath->tap.fd, datapath->socket.fd, datapath->stop_event = eventfd(0, EFD_NONBLOCK)};
    struct fault fault;
    datapath->wake = count_wake;
    datapath->poll = epoll_create1(0);
    for (unsigned at = 0; at < 3; at++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = watched[at]};
        CHECK(epoll_ctl(datapath->poll, EPOLL_CTL_ADD, watched[at], &event) == 0);
    }
    CHECK(datapath_start(datapath, &fault));
}

/* As the addon does on JavaScript's thread. */
static unsigned take_events(struct node *node)
{
    struct event event;
    static uint8_t frame[FRAME_MAX_BYTES];
    unsigned taken = 0;
    datapath_begin_taking_events(node->datapath);
    for (; event_ring_peek(&node->datapath->ring, &event); taken++) {
        CHECK(event.frame_bytes <= sizeof frame);
        event_ring_take(&node->datapath->ring, &event, frame);
        if (event.kind == EVENT_SLOW_PATH) CHECK(event.frame_bytes == FRAME_BYTES && frame[FRAME_BYTES - 1] == 0x5a);
    }
    return taken;
}

static unsigned drain(struct node *node)
{
    static uint8_t frame[FRAME_MAX_BYTES];
    unsigned drained = 0;
    for (ssize_t bytes; (bytes = into_kernel(node, frame)) >= 0; drained++) CHECK(bytes == FRAME_BYTES);
    return drained;
}

/* Everything that a controller may ask for while frames flow. */
static void ask(struct pair *pair, unsigned round, const uint8_t *frame)
{
    static struct datapath_snapshot snapshot;
    struct datapath *a = pair->a.datapath, *b = pair->b.datapath;
    struct session_keys ours = keys_between(1000 + round, 5000 + round), theirs = keys_between(5000 + round, 1000 + round);
    switch (round % 8) {
    case 0: CHECK(control_add_session(b, 4, &theirs) == TABLE_OK && control_add_session(a, 4, &ours) == TABLE_OK); break;
    case 1: control_use_session(a, 4); break;
    case 2: control_use_session(b, 4); break;
    case 3: control_forget_previous_session(b, 4); break;
    case 4: control_set_path(a, 4, NULL, 0); break;
    case 5: control_snapshot(a, &snapshot); control_send_probe(b, 4, &pair->a.endpoint, round, 0); break;
    case 6: control_set_path(a, 4, &pair->b.endpoint, FRAME_MAX_BYTES); break;
    case 7: control_send_frame(a, 4, frame, FRAME_BYTES); break;
    }
}

static void carries_frames_while_the_controller_changes_everything(void)
{
    struct pair pair = make_pair();
    uint8_t frame[FRAME_BYTES];
    unsigned arrived = 0, events = 0;
    make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
    start(&pair.a);
    start(&pair.b);
    bool seen = false;
    for (unsigned round = 0; round < ROUNDS || (!seen && round < MOST_ROUNDS); round++) {
        CHECK(write(pair.a.kernel, frame, sizeof frame) == sizeof frame || errno == EAGAIN);
        ask(&pair, round, frame);
        events += take_events(&pair.a) + take_events(&pair.b);
        arrived += drain(&pair.b);
        seen = arrived > 0 && events > 0 && wakes > 0;
    }
    datapath_close(pair.a.datapath);
    datapath_close(pair.b.datapath);
    CHECK(seen);
    free_pair(&pair);
}

static void closes_while_frames_flow(void)
{
    for (unsigned round = 0; round < 50; round++) {
        struct pair pair = make_pair();
        uint8_t frame[FRAME_BYTES];
        make_frame(frame, sizeof frame, &pair.a, pair.b.addresses.mac);
        start(&pair.a);
        start(&pair.b);
        for (unsigned count = 0; count < 8; count++) CHECK(write(pair.a.kernel, frame, sizeof frame) > 0);
        datapath_close(pair.a.datapath);
        CHECK(!control_send_frame(pair.a.datapath, 4, frame, sizeof frame));
        free_pair(&pair);
    }
}

RUN_TESTS(TEST(carries_frames_while_the_controller_changes_everything), TEST(closes_while_frames_flow))
