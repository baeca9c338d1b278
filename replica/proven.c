/* A short ring of digests for each sender, behind one lock that is held for a few comparisons. */
#include "replica/proven.h"

#include "base/bytes.h"
#include "base/invariant.h"
#include "base/quorum.h"

#include <pthread.h>
#include <stdlib.h>

struct proven {
    pthread_mutex_t lock;
    struct ring {
        uint64_t added;
        struct digest digests[PROVEN_KEPT];
    } rings[MEMBERS_MAX];
};

struct proven *proven_new(void) {
    struct proven *p = xcalloc(1, sizeof *p);
    ENSURE(pthread_mutex_init(&p->lock, NULL) == 0);
    return p;
}

void proven_free(struct proven *p) {
    if (p) {
        pthread_mutex_destroy(&p->lock);
    }
    free(p);
}

struct digest proven_digest(struct bytes frame) {
    return crypto_digest(DIGEST_GUARD, frame);
}

static bool ring_has(const struct ring *r, const struct digest *d) {
    unsigned count = r->added < PROVEN_KEPT ? (unsigned)r->added : PROVEN_KEPT;
    for (unsigned i = 0; i < count; i++) {
        if (digest_equal(&r->digests[i], d)) {
            return true;
        }
    }
    return false;
}

bool proven_has(struct proven *p, member_id sender, const struct digest *frame) {
    REQUIRE(sender < MEMBERS_MAX);
    pthread_mutex_lock(&p->lock);
    bool has = ring_has(&p->rings[sender], frame);
    pthread_mutex_unlock(&p->lock);
    return has;
}

void proven_add(struct proven *p, member_id sender, const struct digest *frame) {
    REQUIRE(sender < MEMBERS_MAX);
    pthread_mutex_lock(&p->lock);
    struct ring *r = &p->rings[sender];
    if (!ring_has(r, frame)) {
        r->digests[r->added++ % PROVEN_KEPT] = *frame;
    }
    pthread_mutex_unlock(&p->lock);
}
