/* Randomness and the text of public keys, on libsodium. Signatures are in sign.c and digests in digest.c, which a
   simulation may replace. The library's headers are named one by one: its own crypto_sign would clash with ours. */
#include "crypto/crypto.h"

#include "base/bytes.h"
#include "base/invariant.h"

#include <sodium/core.h>
#include <sodium/randombytes.h>
#include <sodium/utils.h>
#include <string.h>

void crypto_start(void) {
    ENSURE(sodium_init() >= 0);
}

void crypto_wipe(void *secret, size_t len) {
    sodium_memzero(secret, len);
}

void crypto_random(void *out, size_t len) {
    randombytes_buf(out, len);
}

static const char key_prefix[] = "ed25519:";

void crypto_public_key_text(char out[PUBLIC_KEY_TEXT], const struct public_key *pk) {
    struct buffer text = {0};
    buffer_put(&text, key_prefix, strlen(key_prefix));
    base64_encode(&text, bytes_of(pk->b, sizeof pk->b));
    ENSURE(text.len < PUBLIC_KEY_TEXT);
    memcpy(out, buffer_cstr(&text), text.len + 1);
    buffer_free(&text);
}

bool crypto_public_key_parse(struct public_key *out, const char *text) {
    if (strncmp(text, key_prefix, strlen(key_prefix)) != 0 || strlen(text) >= PUBLIC_KEY_TEXT) {
        return false;
    }
    struct buffer raw = {0};
    bool right = base64_decode(&raw, text + strlen(key_prefix)) && raw.len == PUBLIC_KEY_LEN;
    if (right) {
        memcpy(out->b, raw.data, PUBLIC_KEY_LEN);
    }
    buffer_free(&raw);
    return right && crypto_public_key_valid(out);
}
