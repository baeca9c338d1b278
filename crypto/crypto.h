/* Digest, sign, verify: the only door to libsodium (crypto.c). The simulator links a fast stand-in for
   crypto.c's signatures instead; whoever includes this cannot tell. All functions are pure and thread-safe after
   crypto_start; none blocks, but keypair reads the system's randomness. */
#ifndef QUORATE_CRYPTO_CRYPTO_H
#define QUORATE_CRYPTO_CRYPTO_H

#include "base/types.h"

struct secret_key {
    uint8_t b[64];
}; /* libsodium's form: seed and public key */

/* Call once at program start, before threads. Aborts when the library is unusable. */
void crypto_start(void);

/* Digest domains: BLAKE2b-256 keyed by domain, so that bytes of one kind never collide with another's. */
enum digest_domain {
    DIGEST_REQUEST = 1,
    DIGEST_BATCH,
    DIGEST_NEW_VIEW,
    DIGEST_LOG,
    DIGEST_LEAF,
    DIGEST_NODE,
    DIGEST_ROOT,
    DIGEST_STATE_RECORD,
    DIGEST_STATE_LEAF,
    DIGEST_STATE_MID,
    DIGEST_STATE_ROOT,
    DIGEST_CONFIG,
    DIGEST_OBJECTS,
    DIGEST_RESULT,
    DIGEST_GENESIS,
    DIGEST_NULL,
    DIGEST_GUARD,
    DIGEST_EVIDENCE,
};
struct digest crypto_digest(enum digest_domain domain, struct bytes data);
/* Digest of the concatenation of parts; callers make it unambiguous (fixed widths or lengths inside). */
struct digest crypto_digest_parts(enum digest_domain domain, const struct bytes *parts, size_t count);

void crypto_keypair(struct public_key *pk, struct secret_key *sk); /* fresh, from the system */
void crypto_keypair_from_seed(struct public_key *pk, struct secret_key *sk, const uint8_t seed[SECRET_SEED_LEN]);
void crypto_sign(struct signature *sig, struct bytes message, const struct secret_key *sk);
bool crypto_verify(const struct signature *sig, struct bytes message, const struct public_key *pk);
/* Canonical, on the curve, in the main subgroup: only such keys are ever enrolled (R1). */
bool crypto_public_key_valid(const struct public_key *pk);
void crypto_wipe(void *secret, size_t len);
void crypto_random(void *out, size_t len); /* host only: nonces, boot ids; never called by the pure rooms */

/* "ed25519:<base64>" (at most 52 chars with NUL) and back; parse also checks crypto_public_key_valid. */
enum { PUBLIC_KEY_TEXT = 64 };
void crypto_public_key_text(char out[PUBLIC_KEY_TEXT], const struct public_key *pk);
bool crypto_public_key_parse(struct public_key *out, const char *text);

#endif
