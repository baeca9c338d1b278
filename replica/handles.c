/* A table of client handles with a stack of free places. A handle is (serial number, share, place), so finding one is
   an index and a comparison; only a full table and a closed connection are searched. */
#include "replica/handles.h"

#include "base/invariant.h"

#include <pthread.h>
#include <stdlib.h>

enum { PIPE_BUCKETS = 1024 };

struct handles {
    pthread_mutex_t lock;
    uint64_t serial;
    uint64_t live[HANDLES_MAX]; /* the handle in each place, 0: free */
    uint32_t pipes[HANDLES_MAX];
    struct handle_way ways[HANDLES_MAX];
    uint32_t vacant[HANDLES_MAX], vacant_count;
};

struct handles *handles_new(void) {
    struct handles *h = xcalloc(1, sizeof *h);
    pthread_mutex_init(&h->lock, NULL);
    for (uint32_t i = 0; i < HANDLES_MAX; i++)
        h->vacant[i] = HANDLES_MAX - 1 - i;
    h->vacant_count = HANDLES_MAX;
    return h;
}

void handles_free(struct handles *h) {
    if (!h)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static void place_vacate(struct handles *h, uint32_t place) {
    h->live[place] = 0;
    h->vacant[h->vacant_count++] = place;
}

/* The bucket whose connections hold most: with few connections, the connection. */
static uint32_t fullest_bucket(const struct handles *h) {
    uint16_t held[PIPE_BUCKETS] = {0};
    uint32_t fullest = 0;
    for (uint32_t i = 0; i < HANDLES_MAX; i++) {
        uint32_t bucket = h->pipes[i] % PIPE_BUCKETS;
        held[bucket]++;
        if (held[bucket] > held[fullest])
            fullest = bucket;
    }
    return fullest;
}

/* Of a full table. Handles begin with their serial number, so the smallest is the oldest. */
static uint64_t expire_oldest(struct handles *h) {
    uint32_t bucket = fullest_bucket(h), oldest = HANDLES_MAX;
    for (uint32_t i = 0; i < HANDLES_MAX; i++) {
        if (h->pipes[i] % PIPE_BUCKETS == bucket && (oldest == HANDLES_MAX || h->live[i] < h->live[oldest]))
            oldest = i;
    }
    ENSURE(oldest < HANDLES_MAX);
    uint64_t handle = h->live[oldest];
    place_vacate(h, oldest);
    return handle;
}

uint64_t handles_add(struct handles *h, uint32_t pipe, const struct handle_way *way, uint64_t *expired) {
    pthread_mutex_lock(&h->lock);
    *expired = h->vacant_count ? 0 : expire_oldest(h);
    uint32_t place = h->vacant[--h->vacant_count];
    uint64_t handle = (++h->serial * HANDLE_SHARES + pipe % HANDLE_SHARES) * HANDLES_MAX + place;
    h->live[place] = handle;
    h->pipes[place] = pipe;
    h->ways[place] = *way;
    pthread_mutex_unlock(&h->lock);
    return handle;
}

bool handles_take(struct handles *h, uint64_t handle, struct handle_way *way) {
    uint32_t place = (uint32_t)(handle % HANDLES_MAX);
    pthread_mutex_lock(&h->lock);
    bool found = handle != 0 && h->live[place] == handle;
    if (found) {
        *way = h->ways[place];
        place_vacate(h, place);
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

/* Looks on from *place; at most max handles of the pipe, taken out. */
static unsigned drop_some(struct handles *h, uint32_t pipe, uint32_t *place, uint64_t *out, unsigned max) {
    unsigned count = 0;
    pthread_mutex_lock(&h->lock);
    for (; *place < HANDLES_MAX && count < max; ++*place) {
        if (h->live[*place] && h->pipes[*place] == pipe) {
            out[count++] = h->live[*place];
            place_vacate(h, *place);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return count;
}

void handles_drop(struct handles *h, uint32_t pipe, void (*gone)(void *context, uint64_t handle), void *context) {
    uint64_t dropped[64];
    uint32_t place = 0;
    while (place < HANDLES_MAX) {
        unsigned count = drop_some(h, pipe, &place, dropped, 64);
        for (unsigned i = 0; i < count; i++)
            gone(context, dropped[i]);
    }
}

unsigned handle_share(uint64_t handle) {
    return (unsigned)(handle / HANDLES_MAX % HANDLE_SHARES);
}

size_t handles_count(struct handles *h) {
    pthread_mutex_lock(&h->lock);
    size_t count = HANDLES_MAX - h->vacant_count;
    pthread_mutex_unlock(&h->lock);
    return count;
}
