/* Results gathered into one signed request: owns copies, knows when no more fit. */
#ifndef QUORATE_CLIENT_AGENT_BUNDLE_H
#define QUORATE_CLIENT_AGENT_BUNDLE_H

#include "proto/op.h"

enum { BUNDLE_BYTES_MAX = 60 * 1024 };

struct bundle {
    struct arena arena;
    size_t bytes; /* upper bound of the encoded results */
    unsigned count;
    struct observation list[OBSERVE_MAX];
};

/* Upper bound of what o takes encoded. */
size_t bundle_cost(const struct observation *o);
/* false: the bundle is full, seal it first. An empty bundle takes any result within proto/op.h's bounds. */
bool bundle_fits(const struct bundle *b, const struct observation *o);
void bundle_add(struct bundle *b, const struct observation *o);
struct op_observe bundle_results(const struct bundle *b); /* borrowed until the next change */
void bundle_clear(struct bundle *b);                      /* frees; empty and usable */

#endif
