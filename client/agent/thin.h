/* Pure: which results of a full spool to keep. Dropped first are repetitions of a state that the service was already
   in, then changes of state, and the newest state of a service last; the oldest first within each. */
#ifndef QUORATE_CLIENT_AGENT_THIN_H
#define QUORATE_CLIENT_AGENT_THIN_H

#include "base/types.h"

struct thin_item {    /* in the order in which they were made */
    uint32_t service; /* 0 .. services-1 */
    uint32_t cost;    /* bytes */
    uint8_t state;
    bool keep; /* result */
};
struct thin_budget {
    size_t bytes;
    unsigned bundles;
};
/* Sets keep of every item so that the kept ones fit the budget when they are bundled in order; returns how many are
   dropped. */
size_t thin_select(struct thin_item *items, size_t count, uint32_t services, const struct thin_budget *budget);
/* How many bundles the kept items make. */
unsigned thin_bundles(const struct thin_item *items, size_t count);

/* Numbers names 0, 1, 2 ... in order of first appearance. */
struct thin_names;
struct thin_names *thin_names_new(void);
void thin_names_free(struct thin_names *n);
uint32_t thin_names_number(struct thin_names *n, const char *host, const char *service);
uint32_t thin_names_count(const struct thin_names *n);

#endif
