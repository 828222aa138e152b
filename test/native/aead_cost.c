/*
 * What one packet costs in the cipher, in nanoseconds of this thread's CPU: the best of many short rounds, which is what
 * a machine that others use as well can tell. `node test/native/aead_cost.mjs` compiles and runs it.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "aead.h"
#include "packet.h"

enum { ROUNDS = 60, PACKETS_A_ROUND = 5000, MOST_PAYLOAD_BYTES = 1414 };

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One round of sealing or opening; 0 where it fails. */
static double round_ns(struct aead *aead, uint8_t *packet, const uint8_t *sealed, size_t payload_bytes)
{
    double began_ns = now_ns();
    for (uint64_t count = 0; count < PACKETS_A_ROUND; count++) {
        bool done = sealed == NULL ? aead_seal(aead, packet + PACKET_HEADER_BYTES, payload_bytes, count, packet)
                                   : aead_open(aead, sealed, packet, payload_bytes, 0);
        if (!done) return 0;
    }
    return (now_ns() - began_ns) / PACKETS_A_ROUND;
}

static bool measure(const char *name, enum aead_cipher cipher, size_t payload_bytes)
{
    const uint8_t key[AEAD_KEY_BYTES] = {1};
    uint8_t sealed[MOST_PAYLOAD_BYTES + PACKET_OVERHEAD_BYTES] = {0}, packet[sizeof sealed];
    struct aead sealing, opening;
    double best_seal_ns = 1e9, best_open_ns = 1e9;
    if (!aead_init(&sealing, cipher, AEAD_SEAL, key) || !aead_init(&opening, cipher, AEAD_OPEN, key)) return false;
    bool right = aead_seal(&sealing, sealed + PACKET_HEADER_BYTES, payload_bytes, 0, sealed);
    for (int round = 0; right && round < ROUNDS; round++) {
        double seal_ns = round_ns(&sealing, packet, NULL, payload_bytes);
        double open_ns = round_ns(&opening, packet, sealed, payload_bytes);
        right = seal_ns > 0 && open_ns > 0;
        if (seal_ns < best_seal_ns) best_seal_ns = seal_ns;
        if (open_ns < best_open_ns) best_open_ns = open_ns;
    }
    if (right) printf("%-18s %5zu bytes: seal %4.0f ns, open %4.0f ns\n", name, payload_bytes, best_seal_ns, best_open_ns);
    aead_clear(&sealing);
    aead_clear(&opening);
    return right;
}

int main(void)
{
    bool right = true;
    for (size_t bytes = 64; bytes <= MOST_PAYLOAD_BYTES; bytes += MOST_PAYLOAD_BYTES - 64) {
        right &= measure("AES-256-GCM", AEAD_AES_256_GCM, bytes);
        right &= measure("ChaCha20-Poly1305", AEAD_CHACHA20_POLY1305, bytes);
    }
    return right ? 0 : 1;
}
