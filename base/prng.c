/* xoshiro256** by Blackman and Vigna, its state filled by splitmix64 from one seed, so that a seed alone replays a run.
 */
#include "base/prng.h"

#include "base/invariant.h"

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void prng_seed(struct prng *p, uint64_t seed) {
    for (int i = 0; i < 4; i++) {
        p->s[i] = splitmix64(&seed);
    }
}

static uint64_t rotate_left(uint64_t x, int k) {
    return x << k | x >> (64 - k);
}

uint64_t prng_next(struct prng *p) {
    uint64_t *s = p->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *p, uint64_t bound) {
    REQUIRE(bound > 0);
    uint64_t uneven = (0 - bound) % bound; /* 2^64 mod bound: as many low values are drawn again */
    for (;;) {
        uint64_t x = prng_next(p);
        if (x >= uneven) {
            return x % bound;
        }
    }
}

bool prng_chance(struct prng *p, unsigned per_mille) {
    return prng_below(p, 1000) < per_mille;
}
