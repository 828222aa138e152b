#include "replay.h"

#include "packet.h"

static unsigned block_of(uint64_t counter)
{
    return (counter / REPLAY_BLOCK_BITS) % REPLAY_BLOCKS;
}

static uint64_t bit_of(uint64_t counter)
{
    return UINT64_C(1) << (counter % REPLAY_BLOCK_BITS);
}

bool replay_is_fresh(const struct replay *replay, uint64_t counter)
{
    if (counter >= PACKET_COUNTER_LIMIT) return false;
    if (counter >= replay->next) return true;
    if (replay->next - counter > REPLAY_WINDOW) return false;
    return (replay->blocks[block_of(counter)] & bit_of(counter)) == 0;
}

void replay_commit(struct replay *replay, uint64_t counter)
{
    if (counter >= replay->next) {
        /* The block of the highest counter so far holds live bits; those behind it up to ours are from a lap ago. */
        uint64_t newest = replay->next == 0 ? 0 : (replay->next - 1) / REPLAY_BLOCK_BITS;
        uint64_t steps = counter / REPLAY_BLOCK_BITS - newest;
        if (steps > REPLAY_BLOCKS) steps = REPLAY_BLOCKS;
        for (uint64_t step = 0; step < steps; step++) {
            replay->blocks[(counter / REPLAY_BLOCK_BITS - step) % REPLAY_BLOCKS] = 0;
        }
        replay->next = counter + 1;
    }
    replay->blocks[block_of(counter)] |= bit_of(counter);
}
