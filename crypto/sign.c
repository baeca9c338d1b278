/* Ed25519: nothing but the five functions that a simulation replaces by a fast stand-in at link time. */
#include "base/invariant.h"
#include "crypto/crypto.h"

#include <sodium/crypto_core_ed25519.h>
#include <sodium/crypto_sign_ed25519.h>

void crypto_keypair(struct public_key *pk, struct secret_key *sk) {
    ENSURE(crypto_sign_ed25519_keypair(pk->b, sk->b) == 0);
}

void crypto_keypair_from_seed(struct public_key *pk, struct secret_key *sk, const uint8_t seed[SECRET_SEED_LEN]) {
    ENSURE(crypto_sign_ed25519_seed_keypair(pk->b, sk->b, seed) == 0);
}

void crypto_sign(struct signature *sig, struct bytes message, const struct secret_key *sk) {
    ENSURE(crypto_sign_ed25519_detached(sig->b, NULL, message.data, message.len, sk->b) == 0);
}

bool crypto_verify(const struct signature *sig, struct bytes message, const struct public_key *pk) {
    return crypto_sign_ed25519_verify_detached(sig->b, message.data, message.len, pk->b) == 0;
}

bool crypto_public_key_valid(const struct public_key *pk) {
    return crypto_core_ed25519_is_valid_point(pk->b) == 1;
}
