/* How many events of a kind a second may have: what a stranger can cause must not reach the controller without end. */
#ifndef TINCAN_RATE_LIMIT_H
#define TINCAN_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

/* All zero is a limit that has let nothing pass yet. */
struct rate_limit {
    uint64_t second_began_us;
    unsigned passed;
};

static inline bool rate_limit_is_used_up(const struct rate_limit *limit, uint64_t now_us, unsigned per_second)
{
    return limit->passed >= per_second && now_us - limit->second_began_us < 1000000;
}

static inline bool rate_limit_pass(struct rate_limit *limit, uint64_t now_us, unsigned per_second)
{
    if (now_us - limit->second_began_us >= 1000000) *limit = (struct rate_limit){.second_began_us = now_us};
    if (limit->passed >= per_second) return false;
    limit->passed++;
    return true;
}

#endif
