/*
 * Which counters of a session have been seen: the sliding window of RFC 6479, a ring of bit blocks in which moving
 * forward clears whole blocks and shifts nothing. Check before opening a packet, commit after it proved authentic.
 */
#ifndef TINCAN_REPLAY_H
#define TINCAN_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    REPLAY_BLOCK_BITS = 64,
    /* A power of two. 8192 counters are a millisecond's reordering at 10 Gbit/s; WireGuard has as many. */
    REPLAY_BLOCKS = 128,
    /* One block is always partly overwritten, so it does not count. */
    REPLAY_WINDOW = (REPLAY_BLOCKS - 1) * REPLAY_BLOCK_BITS,
};

/* All zero is a window that has seen nothing. */
struct replay {
    uint64_t next; /* one more than the highest counter committed */
    uint64_t blocks[REPLAY_BLOCKS];
};

/* True where this counter is within the session's limit, not older than the window, and not seen before. */
bool replay_is_fresh(const struct replay *replay, uint64_t counter);

/* Marks a fresh counter as seen. */
void replay_commit(struct replay *replay, uint64_t counter);

#endif
