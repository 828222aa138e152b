/*
 * One datapath: a TAP, a UDP socket, a table of peers, and the thread that carries frames between them.
 *
 *     kernel <-> tap.c <-> outbound.c  seal   -> socket.c <-> underlay
 *                          inbound.c   open  <-
 *                              |  event_ring.c
 *                              v
 *                          binding_values.c -> the controller, which answers through control.c
 *
 * Everything below `lock` is touched only by whoever holds it: the thread for one turn (loop.c), a call from JavaScript
 * for its own length (control.c). The ring has its own rules.
 */
#ifndef TINCAN_DATAPATH_H
#define TINCAN_DATAPATH_H

#include <pthread.h>
#include <stdatomic.h>

#include "coalesce.h"
#include "event_ring.h"
#include "forgery_limit.h"
#include "interface.h"
#include "outbox.h"
#include "rate_limit.h"
#include "socket.h"
#include "table.h"
#include "tap.h"
#include "turn_lock.h"

enum {
    /* Frames from one source before the other has its turn, and before a waiting JavaScript call has its own. */
    DATAPATH_BATCH = 64,
    /* The same bound for super-frames: about 150 microseconds of sealing. */
    DATAPATH_BATCH_BYTES = 256 * 1024,
    PACKET_MAX_BYTES = FRAME_MAX_BYTES + PACKET_OVERHEAD_BYTES,
    STOP_SENTENCE_BYTES = 128,
};

/* Called from the datapath's thread when there are events to take, or when the thread ended by itself. */
typedef void wake_function(void *context);

struct datapath_options {
    const char *tap_name;
    uint16_t udp_port;
    bool tap_offloads;
    bool udp_offloads;
    struct interface_options interface;
};

struct datapath {
    struct turn_lock lock;
    struct tap tap;
    struct udp_socket socket;
    struct table table;
    struct counters counters;
    struct interface_options interface; /* as the TAP device is to be */
    size_t max_frame_bytes;
    bool ip6_configured;
    bool closed;
    struct rate_limit stun_limit;
    struct forgery_limit forgery_limit;
    uint64_t now_us; /* of the current turn or call */
    uint64_t turns;  /* of the thread: a sign of life for the watchdog */

    /* Outbound: the TAP's frame, whole or super, and the packets that it becomes. */
    struct vnet_frame frame;
    struct outbox outbox;
    /* Inbound: the packets as they came, opened in place, and the frames of one flow that they joined to. */
    uint8_t received[RECEIVED_MAX_BYTES];
    struct run run;
    /* A packet that goes out by itself: a probe, an echo, a frame of the controller's. */
    uint8_t packet[PACKET_MAX_BYTES];

    struct event_ring ring;
    wake_function *wake;
    void *wake_context;
    _Atomic bool wake_pending; /* the consumer was woken and has not begun to take events */

    pthread_t thread;
    bool thread_started;
    int stop_event; /* eventfd */
    int poll;       /* epoll */
    _Atomic bool stopped_by_itself;
    char stop_sentence[STOP_SENTENCE_BYTES]; /* why; written before stopped_by_itself is set */
};

/* Everything but the thread; NULL and the fault where the machine does not allow it. */
struct datapath *datapath_open(const struct datapath_options *options, wake_function *wake, void *wake_context,
                               struct fault *fault);

bool datapath_start(struct datapath *datapath, struct fault *fault);

/* Gives the TAP device what it had at first, when another program changed that. */
bool datapath_restore_interface(struct datapath *datapath, struct fault *fault);

/* Ends the thread, wipes the keys, gives TAP and port back. Idempotent; the counters stay readable. */
void datapath_close(struct datapath *datapath);

/* Closes, and frees the memory. NULL is allowed. */
void datapath_free(struct datapath *datapath);

/* Every early exit comes through here. */
static inline void datapath_drop(struct datapath *datapath, enum drop_reason reason)
{
    datapath->counters.drops[reason]++;
}

/* For the consumer, before it takes events: from here on new ones wake it again. */
static inline void datapath_begin_taking_events(struct datapath *datapath)
{
    atomic_store(&datapath->wake_pending, false);
}

/* Wakes the consumer unless that is under way. */
void datapath_wake(struct datapath *datapath);

#endif
