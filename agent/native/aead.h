/*
 * Authenticated encryption of one packet after the other with one key. The key schedule is made once, in
 * aead_init; a packet costs one change of nonce. An aead serves one direction only: sealing or opening.
 */
#ifndef TINCAN_AEAD_H
#define TINCAN_AEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libcrypto.h"

enum { AEAD_KEY_BYTES = 32 };

enum aead_cipher {
    AEAD_AES_256_GCM,
    AEAD_CHACHA20_POLY1305,
};

enum aead_direction {
    AEAD_SEAL,
    AEAD_OPEN,
};

struct aead {
    EVP_CIPHER_CTX *context;
    bool nonce_by_param; /* the quick way to change the nonce */
};

/* False where memory is short or this OpenSSL refuses the cipher. The key is not kept. */
bool aead_init(struct aead *aead, enum aead_cipher cipher, enum aead_direction direction,
               const uint8_t key[AEAD_KEY_BYTES]);

/* Wipes the key. An aead that is zeroed or cleared already is left as it is. */
void aead_clear(struct aead *aead);

/*
 * Seals the payload, which stands in the packet behind its header or anywhere else, into the packet whose header is
 * written already, and writes the tag behind it.
 */
bool aead_seal(struct aead *aead, const uint8_t *payload, size_t payload_bytes, uint64_t counter, uint8_t *packet);

/* Opens a packet into `payload`, behind its header or anywhere else; false, with `payload` spoilt, where the tag does not fit. */
bool aead_open(struct aead *aead, const uint8_t *packet, uint8_t *payload, size_t payload_bytes, uint64_t counter);

#endif
