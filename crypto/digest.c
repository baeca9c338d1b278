/* Digests on libsodium: BLAKE2b-256 personalised by the domain, as separate as keyed ones and a block cheaper. A
   simulation may link its own instead. */
#include "base/bytes.h"
#include "crypto/crypto.h"

#include <sodium/crypto_generichash_blake2b.h>

static void digest_start(crypto_generichash_blake2b_state *state, enum digest_domain domain) {
    static const uint8_t no_salt[crypto_generichash_blake2b_SALTBYTES];
    uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = "quorate/1";
    personal[sizeof personal - 1] = (uint8_t)domain;
    crypto_generichash_blake2b_init_salt_personal(state, NULL, 0, DIGEST_LEN, no_salt, personal);
}

struct digest crypto_digest(enum digest_domain domain, struct bytes data) {
    return crypto_digest_parts(domain, &data, 1);
}

struct digest crypto_digest_parts(enum digest_domain domain, const struct bytes *parts, size_t count) {
    crypto_generichash_blake2b_state state;
    struct digest d;
    digest_start(&state, domain);
    for (size_t i = 0; i < count; i++) {
        crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].len);
    }
    crypto_generichash_blake2b_final(&state, d.b, sizeof d.b);
    return d;
}
