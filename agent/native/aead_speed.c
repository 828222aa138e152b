#include "aead_speed.h"

#include "clock.h"
#include "packet.h"

enum {
    RUNS = 3,
    PACKETS_A_RUN = 64,
    PAYLOAD_BYTES = 1400,
};

/* Microseconds; 0 where sealing fails. */
static uint64_t run_us(struct aead *aead, uint64_t first_counter)
{
    uint8_t packet[PAYLOAD_BYTES + PACKET_OVERHEAD_BYTES] = {0};
    uint64_t began_us = clock_us();
    for (uint64_t count = 0; count < PACKETS_A_RUN; count++) {
        if (!aead_seal(aead, packet + PACKET_HEADER_BYTES, PAYLOAD_BYTES, first_counter + count, packet)) return 0;
    }
    return clock_us() - began_us + 1;
}

double aead_speed(enum aead_cipher cipher)
{
    const uint8_t key[AEAD_KEY_BYTES] = {1};
    struct aead aead;
    uint64_t best_us = UINT64_MAX;
    if (!aead_init(&aead, cipher, AEAD_SEAL, key)) return 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        uint64_t us = run_us(&aead, run * PACKETS_A_RUN);
        if (us != 0 && us < best_us) best_us = us;
    }
    aead_clear(&aead);
    return best_us == UINT64_MAX ? 0 : (double)PACKETS_A_RUN * PAYLOAD_BYTES / (double)best_us;
}
