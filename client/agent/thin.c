/* Ranks results by what their loss would hide, and drops from the bottom until the rest fits. */
#include "client/agent/thin.h"

#include "base/bytes.h"
#include "client/agent/bundle.h"

#include <stdlib.h>
#include <string.h>

enum rank { RANK_REPEAT, RANK_CHANGE, RANK_NEWEST, RANKS };

enum { NO_STATE = 0xff };

static uint8_t *rank_items(const struct thin_item *items, size_t count, uint32_t services) {
    uint8_t *ranks = xcalloc(count + 1, 1);
    uint8_t *last = xcalloc(services + 1, 1);
    memset(last, NO_STATE, services + 1);
    for (size_t i = 0; i < count; i++) {
        ranks[i] = items[i].state == last[items[i].service] ? RANK_REPEAT : RANK_CHANGE;
        last[items[i].service] = items[i].state;
    }
    for (size_t i = count; i-- > 0;) {
        if (last[items[i].service] != NO_STATE) {
            ranks[i] = RANK_NEWEST;
            last[items[i].service] = NO_STATE;
        }
    }
    free(last);
    return ranks;
}

unsigned thin_bundles(const struct thin_item *items, size_t count) {
    unsigned bundles = 0, in_bundle = OBSERVE_MAX;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (!items[i].keep) {
            continue;
        }
        if (in_bundle == OBSERVE_MAX || bytes + items[i].cost > BUNDLE_BYTES_MAX) {
            bundles++;
            in_bundle = 0;
            bytes = 0;
        }
        in_bundle++;
        bytes += items[i].cost;
    }
    return bundles;
}

/* Drops down to the bytes; returns how many were dropped. */
static size_t drop_to(struct thin_item *items, const uint8_t *ranks, size_t count, size_t bytes) {
    size_t held = 0, dropped = 0;
    for (size_t i = 0; i < count; i++) {
        held += items[i].cost;
        items[i].keep = true;
    }
    for (uint8_t rank = RANK_REPEAT; rank < RANKS && held > bytes; rank++) {
        for (size_t i = 0; i < count && held > bytes; i++) {
            if (ranks[i] == rank) {
                items[i].keep = false;
                held -= items[i].cost;
                dropped++;
            }
        }
    }
    return dropped;
}

size_t thin_select(struct thin_item *items, size_t count, uint32_t services, const struct thin_budget *budget) {
    uint8_t *ranks = rank_items(items, count, services);
    size_t bytes = budget->bytes, dropped = drop_to(items, ranks, count, bytes);
    while (thin_bundles(items, count) > budget->bundles) {
        bytes -= bytes / 8 + 1;
        dropped = drop_to(items, ranks, count, bytes);
    }
    free(ranks);
    return dropped;
}

/* --- names: open addressing, grown at three quarters --- */
struct thin_names {
    struct arena arena;
    uint32_t count, size; /* size: a power of two */
    struct slot {
        const char *host, *service; /* host NULL: free */
        uint32_t number;
    } * slots;
};

struct thin_names *thin_names_new(void) {
    struct thin_names *n = xcalloc(1, sizeof *n);
    n->size = 1024;
    n->slots = xcalloc(n->size, sizeof *n->slots);
    return n;
}

void thin_names_free(struct thin_names *n) {
    arena_free(&n->arena);
    free(n->slots);
    free(n);
}

static uint64_t hash_names(const char *host, const char *service) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *host != '\0'; host++) {
        h = (h ^ (uint8_t)*host) * 0x100000001b3u;
    }
    h = (h ^ 0xff) * 0x100000001b3u;
    for (; *service != '\0'; service++) {
        h = (h ^ (uint8_t)*service) * 0x100000001b3u;
    }
    return h ^ h >> 31;
}

static struct slot *find_slot(const struct thin_names *n, const char *host, const char *service) {
    for (uint64_t i = hash_names(host, service);; i++) {
        struct slot *s = &n->slots[i & (n->size - 1)];
        if (s->host == NULL || (strcmp(s->host, host) == 0 && strcmp(s->service, service) == 0)) {
            return s;
        }
    }
}

static void grow(struct thin_names *n) {
    struct slot *old = n->slots;
    uint32_t size = n->size;
    n->size *= 2;
    n->slots = xcalloc(n->size, sizeof *n->slots);
    for (uint32_t i = 0; i < size; i++) {
        if (old[i].host != NULL) {
            *find_slot(n, old[i].host, old[i].service) = old[i];
        }
    }
    free(old);
}

uint32_t thin_names_number(struct thin_names *n, const char *host, const char *service) {
    struct slot *s = find_slot(n, host, service);
    if (s->host != NULL) {
        return s->number;
    }
    if (n->count >= n->size / 4 * 3) {
        grow(n);
        s = find_slot(n, host, service);
    }
    *s = (struct slot){arena_text(&n->arena, bytes_of_text(host)), arena_text(&n->arena, bytes_of_text(service)),
                       n->count};
    return n->count++;
}

uint32_t thin_names_count(const struct thin_names *n) {
    return n->count;
}
