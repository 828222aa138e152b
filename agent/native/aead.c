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

/* What EVP_CIPHER_CTX_ctrl would make of a tag, without its way there: a tenth of the cost of a small packet. */
struct tag_params {
    OSSL_PARAM list[2];
};

static struct tag_params params_of_tag(uint8_t *tag)
{
    return (struct tag_params){{{
        .key = OSSL_CIPHER_PARAM_AEAD_TAG,
        .data_type = OSSL_PARAM_OCTET_STRING,
        .data = tag,
        .data_size = PACKET_TAG_BYTES,
    }}};
}

bool aead_seal(struct aead *aead, const uint8_t *payload, size_t payload_bytes, uint64_t counter, uint8_t *packet)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    uint8_t *sealed = packet + PACKET_HEADER_BYTES;
    uint8_t *tag = sealed + payload_bytes;
    struct tag_params params = params_of_tag(tag);
    int done = 0;

    packet_nonce(counter, nonce);
    return EVP_EncryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1 &&
           EVP_EncryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_EncryptUpdate(aead->context, sealed, &done, payload, (int)payload_bytes) == 1 &&
           EVP_EncryptFinal_ex(aead->context, tag, &done) == 1 &&
           EVP_CIPHER_CTX_get_params(aead->context, params.list) == 1;
}

bool aead_open(struct aead *aead, const uint8_t *packet, uint8_t *payload, size_t payload_bytes, uint64_t counter)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    const uint8_t *sealed = packet + PACKET_HEADER_BYTES;
    struct tag_params params = params_of_tag((uint8_t *)(uintptr_t)(sealed + payload_bytes)); /* is only read */
    int done = 0;

    packet_nonce(counter, nonce);
    return EVP_DecryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1 &&
           EVP_DecryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_DecryptUpdate(aead->context, payload, &done, sealed, (int)payload_bytes) == 1 &&
           EVP_CIPHER_CTX_set_params(aead->context, params.list) == 1 &&
           EVP_DecryptFinal_ex(aead->context, payload, &done) == 1;
}
