/*
 * The part of OpenSSL's libcrypto that the datapath calls. Node exports these functions from its own binary, so the
 * addon links no library and needs no OpenSSL headers to build: the names resolve when Node loads it. The prototypes
 * and constants are those of <openssl/evp.h> and <openssl/params.h>, the same in every OpenSSL from 3.0.0 on.
 */
#ifndef TINCAN_LIBCRYPTO_H
#define TINCAN_LIBCRYPTO_H

#include <stddef.h>

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct engine_st ENGINE;

typedef struct ossl_param_st {
    const char *key; /* NULL ends an array of parameters */
    unsigned int data_type;
    void *data;
    size_t data_size;
    size_t return_size;
} OSSL_PARAM;

#define OSSL_PARAM_OCTET_STRING 5
#define OSSL_CIPHER_PARAM_AEAD_TAG "tag"
#define OSSL_CIPHER_PARAM_AEAD_TLS1_IV_FIXED "tlsivfixed"
/* As a size: all of the nonce, and not the part of it that TLS fixes (EVP_CTRL_GCM_SET_IV_FIXED with -1). */
#define OSSL_WHOLE_NONCE ((size_t)-1)

extern const EVP_CIPHER *EVP_aes_256_gcm(void);
extern const EVP_CIPHER *EVP_chacha20_poly1305(void);

extern EVP_CIPHER_CTX *EVP_CIPHER_CTX_new(void);
/* Wipes the key schedule before it frees it. */
extern void EVP_CIPHER_CTX_free(EVP_CIPHER_CTX *context);
extern int EVP_CIPHER_CTX_get_params(EVP_CIPHER_CTX *context, OSSL_PARAM params[]);
extern int EVP_CIPHER_CTX_set_params(EVP_CIPHER_CTX *context, const OSSL_PARAM params[]);

extern int EVP_EncryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, ENGINE *engine,
                              const unsigned char *key, const unsigned char *nonce);
extern int EVP_EncryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_bytes, const unsigned char *in,
                             int in_bytes);
extern int EVP_EncryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_bytes);

extern int EVP_DecryptInit_ex(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, ENGINE *engine,
                              const unsigned char *key, const unsigned char *nonce);
extern int EVP_DecryptUpdate(EVP_CIPHER_CTX *context, unsigned char *out, int *out_bytes, const unsigned char *in,
                             int in_bytes);
extern int EVP_DecryptFinal_ex(EVP_CIPHER_CTX *context, unsigned char *out, int *out_bytes);

extern void OPENSSL_cleanse(void *memory, size_t bytes);

#endif
