/* The sliding window against the cases of RFC 6479 and WireGuard, and against an oracle that remembers everything. */
#include "replay.h"

#include "check.h"
#include "packet.h"

static bool take(struct replay *replay, uint64_t counter)
{
    if (!replay_is_fresh(replay, counter)) return false;
    replay_commit(replay, counter);
    return true;
}

static void takes_each_counter_once(void)
{
    struct replay replay = {0};
    CHECK(take(&replay, 0));
    CHECK(!take(&replay, 0));
    CHECK(take(&replay, 1));
    CHECK(!take(&replay, 1));
    CHECK(take(&replay, 9));
    CHECK(take(&replay, 8));
    CHECK(take(&replay, 7));
    CHECK(!take(&replay, 7));
    CHECK(!take(&replay, 9));
}

static void checking_alone_takes_nothing(void)
{
    struct replay replay = {0};
    CHECK(replay_is_fresh(&replay, 5));
    CHECK(replay_is_fresh(&replay, 5));
    replay_commit(&replay, 5);
    CHECK(!replay_is_fresh(&replay, 5));
}

static void takes_what_is_just_within_the_window(void)
{
    struct replay replay = {0};
    CHECK(take(&replay, REPLAY_WINDOW));
    CHECK(take(&replay, 1));
    CHECK(!take(&replay, 0));
    CHECK(take(&replay, REPLAY_WINDOW - 1));
}

static void refuses_what_is_behind_the_window(void)
{
    struct replay replay = {0};
    CHECK(take(&replay, 3 * REPLAY_WINDOW));
    CHECK(!take(&replay, 2 * REPLAY_WINDOW));
    CHECK(take(&replay, 2 * REPLAY_WINDOW + 1));
}

static void forgets_everything_after_a_long_jump(void)
{
    struct replay replay = {0};
    for (uint64_t counter = 0; counter < 2 * REPLAY_WINDOW; counter++) CHECK(take(&replay, counter));
    const uint64_t far = UINT64_C(1) << 40;
    CHECK(take(&replay, far));
    for (uint64_t back = 1; back < REPLAY_WINDOW; back++) CHECK(take(&replay, far - back));
    for (uint64_t back = 0; back < REPLAY_WINDOW; back++) CHECK(!take(&replay, far - back));
}

static void ends_at_the_sessions_limit(void)
{
    struct replay replay = {0};
    CHECK(!take(&replay, UINT64_MAX));
    CHECK(!take(&replay, PACKET_COUNTER_LIMIT));
    CHECK(take(&replay, PACKET_COUNTER_LIMIT - 1));
    CHECK(take(&replay, 0) == false);
}

enum { ORACLE_COUNTERS = 1 << 22 };

/* Steps are mostly small, sometimes of a block's size, sometimes of the window's: as loss and reordering make them. */
static uint64_t next_counter(uint64_t highest)
{
    uint64_t dice = next_random() % 1000;
    uint64_t span = dice < 900 ? 4 : dice < 990 ? 2 * REPLAY_BLOCK_BITS : REPLAY_WINDOW + 100;
    uint64_t counter = highest + next_random() % span;
    uint64_t back = next_random() % span;
    return counter > back ? counter - back : 0;
}

static void agrees_with_an_oracle_that_remembers_everything(void)
{
    struct replay replay = {0};
    bool *seen = calloc(ORACLE_COUNTERS, 1);
    uint64_t highest = 0;
    unsigned disagreements = 0, taken = 0;
    for (int round = 0; round < 400000; round++) {
        uint64_t counter = next_counter(highest);
        if (counter >= ORACLE_COUNTERS) break;
        bool wanted = !seen[counter] && (counter > highest || highest - counter < REPLAY_WINDOW);
        bool got = take(&replay, counter);
        disagreements += got != wanted;
        taken += got;
        seen[counter] |= wanted;
        if (wanted && counter > highest) highest = counter;
    }
    CHECK(disagreements == 0);
    CHECK(taken > 10000);
    free(seen);
}

RUN_TESTS(TEST(takes_each_counter_once), TEST(checking_alone_takes_nothing), TEST(takes_what_is_just_within_the_window),
          TEST(refuses_what_is_behind_the_window), TEST(forgets_everything_after_a_long_jump),
          TEST(ends_at_the_sessions_limit), TEST(agrees_with_an_oracle_that_remembers_everything))
