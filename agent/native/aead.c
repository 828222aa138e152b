#include "aead.h"

#include "packet.h"

bool aead_init(struct aead *aead, enum aead_cipher cipher, enum aead_direction direction,
               const uint8_t key[AEAD_KEY_BYTES])
{
    const EVP_CIPHER *algorithm = cipher == AEAD_AES_256_GCM ? EVP_aes_256_gcm() : EVP_chacha20_poly1305();
    aead->context = EVP_CIPHER_CTX_new();
    if (aead->context == NULL) return false;

    int keyed = direction == AEAD_SEAL ? EVP_EncryptInit_ex(aead->context, algorithm, NULL, key, NULL)
                                       : EVP_DecryptInit_ex(aead->context, algorithm, NULL, key, NULL);
    if (keyed != 1) aead_clear(aead);
    return keyed == 1;
}

void aead_clear(struct aead *aead)
{
    EVP_CIPHER_CTX_free(aead->context);
    aead->context = NULL;
}

bool aead_seal(struct aead *aead, uint8_t *packet, size_t payload_bytes, uint64_t counter)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    uint8_t *payload = packet + PACKET_HEADER_BYTES;
    uint8_t *tag = payload + payload_bytes;
    int done = 0;

    packet_nonce(counter, nonce);
    return EVP_EncryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1 &&
           EVP_EncryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_EncryptUpdate(aead->context, payload, &done, payload, (int)payload_bytes) == 1 &&
           EVP_EncryptFinal_ex(aead->context, tag, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_GET_TAG, PACKET_TAG_BYTES, tag) == 1;
}

bool aead_open(struct aead *aead, uint8_t *packet, size_t payload_bytes, uint64_t counter)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    uint8_t *payload = packet + PACKET_HEADER_BYTES;
    uint8_t *tag = payload + payload_bytes;
    int done = 0;

    packet_nonce(counter, nonce);
    return EVP_DecryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1 &&
           EVP_DecryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_DecryptUpdate(aead->context, payload, &done, payload, (int)payload_bytes) == 1 &&
           EVP_CIPHER_CTX_ctrl(aead->context, EVP_CTRL_AEAD_SET_TAG, PACKET_TAG_BYTES, tag) == 1 &&
           EVP_DecryptFinal_ex(aead->context, tag, &done) == 1;
}
