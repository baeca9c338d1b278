/* A seeded generator (xoshiro256**) for simulations and tests. Never for keys. */
#ifndef QUORATE_BASE_PRNG_H
#define QUORATE_BASE_PRNG_H

#include "base/types.h"

struct prng {
    uint64_t s[4];
};
void prng_seed(struct prng *p, uint64_t seed);
uint64_t prng_next(struct prng *p);
uint64_t prng_below(struct prng *p, uint64_t bound);  /* 0..bound-1, unbiased; bound > 0 */
bool prng_chance(struct prng *p, unsigned per_mille); /* true in per_mille of 1000 cases */

#endif
