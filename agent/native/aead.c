#include "aead.h"

#include <pthread.h>
#include <string.h>

#include "packet.h"

static pthread_once_t compared = PTHREAD_ONCE_INIT;
static bool gcm_takes_nonce_by_param;

static bool init(struct aead *aead, enum aead_cipher cipher, enum aead_direction direction,
               const uint8_t key[AEAD_KEY_BYTES])
{
    *aead = (struct aead){0};
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
struct param_list {
    OSSL_PARAM list[2];
};

static struct param_list params_of(const char *key, uint8_t *bytes, size_t size)
{
    return (struct param_list){
        {{.key = key, .data_type = OSSL_PARAM_OCTET_STRING, .data = bytes, .data_size = size}}};
}

static struct param_list params_of_tag(uint8_t *tag)
{
    return params_of(OSSL_CIPHER_PARAM_AEAD_TAG, tag, PACKET_TAG_BYTES);
}

/*
 * AES-GCM takes a nonce as a parameter as well, which spares it a twentieth of a full packet: EVP_EncryptInit_ex asks the
 * cipher how long nonces are, by name, each time.
 */
static bool set_nonce(struct aead *aead, enum aead_direction direction, uint64_t counter)
{
    uint8_t nonce[PACKET_NONCE_BYTES];
    packet_nonce(counter, nonce);
    if (aead->nonce_by_param) {
        struct param_list params = params_of(OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED, nonce, OSSL_WHOLE_NONCE);
        return EVP_CIPHER_CTX_set_params(aead->context, params.list) == 1;
    }
    return direction == AEAD_SEAL ? EVP_EncryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1
                                  : EVP_DecryptInit_ex(aead->context, NULL, NULL, NULL, nonce) == 1;
}

bool aead_seal(struct aead *aead, const uint8_t *payload, size_t payload_bytes, uint64_t counter, uint8_t *packet)
{
    uint8_t *sealed = packet + PACKET_HEADER_BYTES;
    uint8_t *tag = sealed + payload_bytes;
    struct param_list params = params_of_tag(tag);
    int done = 0;

    return set_nonce(aead, AEAD_SEAL, counter) &&
           EVP_EncryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_EncryptUpdate(aead->context, sealed, &done, payload, (int)payload_bytes) == 1 &&
           EVP_EncryptFinal_ex(aead->context, tag, &done) == 1 &&
           EVP_CIPHER_CTX_get_params(aead->context, params.list) == 1;
}

bool aead_open(struct aead *aead, const uint8_t *packet, uint8_t *payload, size_t payload_bytes, uint64_t counter)
{
    const uint8_t *sealed = packet + PACKET_HEADER_BYTES;
    struct param_list params = params_of_tag((uint8_t *)(uintptr_t)(sealed + payload_bytes)); /* is only read */
    int done = 0;

    return set_nonce(aead, AEAD_OPEN, counter) &&
           EVP_DecryptUpdate(aead->context, NULL, &done, packet, PACKET_HEADER_BYTES) == 1 &&
           EVP_DecryptUpdate(aead->context, payload, &done, sealed, (int)payload_bytes) == 1 &&
           EVP_CIPHER_CTX_set_params(aead->context, params.list) == 1 &&
           EVP_DecryptFinal_ex(aead->context, payload, &done) == 1;
}

/* The same packet, sealed with its nonce set in both ways: an OpenSSL that means something else by the quick one shows. */
static void compare_ways(void)
{
    const uint8_t key[AEAD_KEY_BYTES] = {1}, payload[1] = {0};
    uint8_t packets[2][PACKET_OVERHEAD_BYTES + sizeof payload] = {{0}};
    struct aead aead;
    bool sealed = init(&aead, AEAD_AES_256_GCM, AEAD_SEAL, key);
    for (int way = 0; sealed && way < 2; way++) {
        aead.nonce_by_param = way == 1;
        /* Another nonce before it, so that the quick way has something to change. */
        sealed = aead_seal(&aead, payload, sizeof payload, 1, packets[way]) &&
                 aead_seal(&aead, payload, sizeof payload, UINT64_MAX / 3, packets[way]);
    }
    gcm_takes_nonce_by_param = sealed && memcmp(packets[0], packets[1], sizeof packets[0]) == 0;
    aead_clear(&aead);
}

bool aead_init(struct aead *aead, enum aead_cipher cipher, enum aead_direction direction,
               const uint8_t key[AEAD_KEY_BYTES])
{
    pthread_once(&compared, compare_ways);
    if (!init(aead, cipher, direction, key)) return false;
    aead->nonce_by_param = cipher == AEAD_AES_256_GCM && gcm_takes_nonce_by_param;
    return true;
}
