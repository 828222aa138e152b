/*
 * Each turn of the datapath's thread:
 *
 *  1. wait until the TAP or the socket has something, or close() rings; a few seconds at most, so that turns are counted
 *  2. take the lock
 *  3. at most one batch from the TAP to the peers    outbound.c
 *  4. at most one batch from the peers to the TAP    inbound.c
 *  5. let the lock go, and wake JavaScript where events wait
 *
 * What a batch leaves behind, the next wait reports at once.
 */
#include "loop.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "clock.h"
#include "inbound.h"
#include "outbound.h"

enum {
    WATCHED = 3,
    LONGEST_WAIT_MS = 4000,
};

enum outcome {
    GO_ON,
    ASKED_TO_STOP,
    BROKEN,
};

static enum outcome broken(struct datapath *datapath, const char *what, const char *why)
{
    snprintf(datapath->stop_sentence, sizeof datapath->stop_sentence, "%s %s: %s.", what, datapath->tap.name, why);
    return BROKEN;
}

static enum outcome carry(struct datapath *datapath, const struct epoll_event *events, int count)
{
    for (int at = 0; at < count; at++) {
        if (events[at].data.fd == datapath->stop_event) return ASKED_TO_STOP;
        if (events[at].data.fd == datapath->tap.fd && !outbound_batch(datapath)) {
            return broken(datapath, "The TAP device is gone,", strerror(errno));
        }
        if (events[at].data.fd == datapath->socket.fd && !inbound_batch(datapath)) {
            return broken(datapath, "The UDP socket failed beside TAP", strerror(errno));
        }
    }
    return GO_ON;
}

static enum outcome turn(struct datapath *datapath)
{
    struct epoll_event events[WATCHED];
    int count = epoll_wait(datapath->poll, events, WATCHED, LONGEST_WAIT_MS);
    if (count < 0) return errno == EINTR ? GO_ON : broken(datapath, "Waiting for frames failed on", strerror(errno));

    turn_lock_acquire(&datapath->lock);
    datapath->now_us = clock_us();
    datapath->turns++;
    enum outcome outcome = carry(datapath, events, count);
    turn_lock_release(&datapath->lock);

    if (!event_ring_is_empty(&datapath->ring)) datapath_wake(datapath);
    return outcome;
}

static void *run(void *argument)
{
    struct datapath *datapath = argument;
    enum outcome outcome;
    do outcome = turn(datapath);
    while (outcome == GO_ON);

    if (outcome == BROKEN) {
        atomic_store(&datapath->stopped_by_itself, true);
        datapath_wake(datapath);
    }
    return NULL;
}

int loop_start_thread(struct datapath *datapath)
{
    sigset_t every, before;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    int error = pthread_create(&datapath->thread, NULL, run, datapath);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) pthread_setname_np(datapath->thread, "tincan-datapath");
    return error;
}
