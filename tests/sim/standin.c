/* Stand-ins for crypto/sign.c and crypto/digest.c, many times faster: a digest is a sum of four mixed lanes, and a
   signature is one under the public key. Nobody here forges what he holds no key for, nor looks for collisions, but a
   wrong or missing signature and a changed byte are noticed like real ones. */
#include "base/bytes.h"
#include "crypto/crypto.h"

#include <string.h>

void crypto_keypair_from_seed(struct public_key *pk, struct secret_key *sk, const uint8_t seed[SECRET_SEED_LEN]) {
    struct digest d = crypto_digest(DIGEST_GENESIS, bytes_of(seed, SECRET_SEED_LEN));
    memcpy(pk->b, d.b, PUBLIC_KEY_LEN);
    memcpy(sk->b, seed, SECRET_SEED_LEN);
    memcpy(sk->b + SECRET_SEED_LEN, pk->b, PUBLIC_KEY_LEN);
}

void crypto_keypair(struct public_key *pk, struct secret_key *sk) {
    static uint64_t count;
    uint8_t seed[SECRET_SEED_LEN] = {0};
    count++;
    memcpy(seed, &count, sizeof count);
    crypto_keypair_from_seed(pk, sk, seed);
}

/* Four lanes of multiply and fold: no hash against an enemy, but none lives here, and each changed bit shows. */
static uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void mix(uint64_t lanes[4], const uint8_t *data, size_t len) {
    static const uint64_t odd[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93};
    uint64_t block[4];
    for (; len; data += sizeof block) {
        size_t part = len < sizeof block ? len : sizeof block;
        memset(block, 0, sizeof block);
        memcpy(block, data, part);
        for (int i = 0; i < 4; i++)
            lanes[i] = fold(lanes[i] ^ block[i], odd[i] ^ lanes[(i + 1) % 4]) + odd[i];
        len -= part;
    }
}

struct digest crypto_digest_parts(enum digest_domain domain, const struct bytes *parts, size_t count) {
    uint64_t lanes[4] = {domain, 5, 6, 7};
    uint8_t block[32];
    size_t held = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        struct bytes b = parts[i];
        if (b.len == 0)
            continue;
        total += b.len;
        if (held) { /* blocks are those of the concatenation, wherever a part ends */
            size_t part = b.len < sizeof block - held ? b.len : sizeof block - held;
            memcpy(block + held, b.data, part);
            held += part;
            b = bytes_of(b.data + part, b.len - part);
            if (held < sizeof block)
                continue;
            mix(lanes, block, sizeof block);
        }
        size_t whole = b.len / sizeof block * sizeof block;
        mix(lanes, b.data, whole);
        held = b.len - whole;
        if (held)
            memcpy(block, b.data + whole, held);
    }
    mix(lanes, block, held);
    const uint64_t end[4] = {total, ~total, domain, 1};
    mix(lanes, (const uint8_t *)end, sizeof end);
    mix(lanes, (const uint8_t *)end, sizeof end);
    struct digest d;
    memcpy(d.b, lanes, DIGEST_LEN);
    return d;
}

struct digest crypto_digest(enum digest_domain domain, struct bytes data) {
    return crypto_digest_parts(domain, &data, 1);
}

static struct digest tag(struct bytes message, const uint8_t *pk) {
    uint64_t lanes[4] = {message.len, ~message.len, 3, 4};
    struct digest d;
    mix(lanes, pk, PUBLIC_KEY_LEN);
    mix(lanes, message.data, message.len);
    mix(lanes, pk, PUBLIC_KEY_LEN);
    memcpy(d.b, lanes, DIGEST_LEN);
    return d;
}

void crypto_sign(struct signature *sig, struct bytes message, const struct secret_key *sk) {
    struct digest d = tag(message, sk->b + SECRET_SEED_LEN);
    memcpy(sig->b, d.b, DIGEST_LEN);
    memset(sig->b + DIGEST_LEN, 0x51, SIGNATURE_LEN - DIGEST_LEN);
}

bool crypto_verify(const struct signature *sig, struct bytes message, const struct public_key *pk) {
    struct signature right;
    struct digest d = tag(message, pk->b);
    memcpy(right.b, d.b, DIGEST_LEN);
    memset(right.b + DIGEST_LEN, 0x51, SIGNATURE_LEN - DIGEST_LEN);
    return memcmp(right.b, sig->b, SIGNATURE_LEN) == 0;
}

bool crypto_public_key_valid(const struct public_key *pk) {
    static const struct public_key zero;
    return memcmp(pk->b, zero.b, PUBLIC_KEY_LEN) != 0;
}
