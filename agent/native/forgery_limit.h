/*
 * How many forged packets a second are opened before it is known that they are forged. Opening one costs as much as an
 * honest packet does, so a stranger who has seen a receive index could keep the thread busy with packets that name it,
 * until honest ones find the socket full.
 *
 * A source that has sent SOURCE_FORGERIES_PER_SECOND is not listened to for the rest of the second, except where the peer
 * whose index it names is reached there: whoever can send from there is on the path, and could cut it. Sources share
 * FORGERY_CELLS counters, so that many sources cost no more than their number; a peer that moves under a flood is heard
 * at its new place unless that shares a counter with a flooder.
 */
#ifndef TINCAN_FORGERY_LIMIT_H
#define TINCAN_FORGERY_LIMIT_H

#include "address.h"
#include "rate_limit.h"

enum {
    FORGERY_CELLS = 256, /* a power of two */
    SOURCE_FORGERIES_PER_SECOND = 100,
};

/* All zero has heard no forgery. */
struct forgery_limit {
    struct rate_limit sources[FORGERY_CELLS];
};

static inline struct rate_limit *forgery_limit_of(struct forgery_limit *limit, const struct endpoint *from)
{
    return &limit->sources[endpoint_hash(from) & (FORGERY_CELLS - 1)];
}

static inline bool forgery_limit_refuses(struct forgery_limit *limit, const struct endpoint *from, uint64_t now_us)
{
    return rate_limit_is_used_up(forgery_limit_of(limit, from), now_us, SOURCE_FORGERIES_PER_SECOND);
}

static inline void forgery_limit_count(struct forgery_limit *limit, const struct endpoint *from, uint64_t now_us)
{
    rate_limit_pass(forgery_limit_of(limit, from), now_us, SOURCE_FORGERIES_PER_SECOND);
}

#endif
