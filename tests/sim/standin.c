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

static const uint64_t odd[4] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93};

/* Two multiplications for 32 bytes; finish() spreads them over all lanes. */
static void mix_block(uint64_t lanes[4], const uint8_t block[32]) {
    uint64_t w[4];
    memcpy(w, block, sizeof w);
    lanes[0] = fold(w[0] ^ lanes[0] ^ odd[0], w[1] ^ lanes[2] ^ odd[1]);
    lanes[1] = fold(w[2] ^ lanes[1] ^ odd[2], w[3] ^ lanes[3] ^ odd[3]);
    lanes[2] = (lanes[2] << 23 | lanes[2] >> 41) + (w[0] ^ w[3]);
    lanes[3] = (lanes[3] << 29 | lanes[3] >> 35) + (w[1] ^ w[2]);
}

static void mix(uint64_t lanes[4], const uint8_t *data, size_t len) {
    for (; len >= 32; data += 32, len -= 32)
        mix_block(lanes, data);
    if (len) {
        uint8_t rest[32] = {0};
        memcpy(rest, data, len);
        mix_block(lanes, rest);
    }
}

static struct digest finish(const uint64_t lanes[4], uint64_t len) {
    struct digest d;
    uint64_t out[4];
    for (int i = 0; i < 4; i++)
        out[i] = fold(lanes[i] ^ odd[i] ^ len, lanes[(i + 1) % 4] + odd[(i + 2) % 4]);
    for (int i = 0; i < 4; i++)
        out[i] = fold(out[i] ^ odd[3 - i], out[(i + 1) % 4] ^ odd[i]) ^ out[(i + 2) % 4];
    memcpy(d.b, out, DIGEST_LEN);
    return d;
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
    return finish(lanes, total);
}

struct digest crypto_digest(enum digest_domain domain, struct bytes data) {
    return crypto_digest_parts(domain, &data, 1);
}

static struct digest tag(struct bytes message, const uint8_t *pk) {
    uint64_t lanes[4] = {1, 2, 3, 4};
    mix(lanes, pk, PUBLIC_KEY_LEN);
    mix(lanes, message.data, message.len);
    return finish(lanes, message.len);
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
