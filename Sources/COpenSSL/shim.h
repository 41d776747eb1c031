#ifndef CELERIAC_COPENSSL_SHIM_H
#define CELERIAC_COPENSSL_SHIM_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* What is a macro in OpenSSL's headers, which Swift does not see. */

static inline int celeriac_openssl_is_rsa(const EVP_PKEY *key) {
    return EVP_PKEY_base_id(key) == EVP_PKEY_RSA;
}

/* Pads as Celery does: PSS with the longest salt. MGF1 has the signature's own digest unless told otherwise. */
static inline int celeriac_openssl_use_pss(EVP_PKEY_CTX *context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_MAX) > 0;
}

static inline void celeriac_openssl_free(void *memory) {
    OPENSSL_free(memory);
}

#endif
