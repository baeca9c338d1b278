/* How old the requests in the pool are, and whether the pool is in order. */
#include "base/invariant.h"
#include "replica/pbft/request.h"

void pool_rearm(struct pool *p, mono_ms now) {
    for (uint32_t i = p->eligible.head; i != POOL_NONE; i = p->entries[i].in_eligible.next) {
        p->entries[i].since = now;
        p->entries[i].relays = 0;
        p->entries[i].shown = 0;
    }
}

void pool_relay_again(struct pool *p) {
    for (uint32_t i = p->queue.head; i != POOL_NONE; i = p->entries[i].in_queue.next) {
        p->entries[i].relays = 0;
    }
}

bool pool_backlog(const struct pool *p, mono_ms now, mono_ms age) {
    size_t old = 0;
    for (uint32_t i = p->eligible.head; i != POOL_NONE && old < BUSY_WALK && now - p->entries[i].since > age;) {
        i = p->entries[i].in_eligible.next;
        old++;
    }
    return old >= BUSY_MIN && (old == BUSY_WALK || 2 * old >= p->eligible.count);
}

size_t pool_pending(const struct pool *p) {
    size_t count = 0;
    for (unsigned lane = 0; lane < PBFT_LANES; lane++) {
        count += p->lane_count[lane];
    }
    return count;
}

void pool_check(const struct pool *p) {
    for (unsigned lane = 0; lane < PBFT_LANES; lane++) {
        ENSURE(p->lane_count[lane] <= p->lane_max[lane]);
    }
    ENSURE(p->eligible.count <= pool_pending(p));
    ENSURE(p->queue.count <= p->eligible.count);
    ENSURE(p->queued_ticks <= p->queue.count);
    ENSURE(p->held_back <= pool_pending(p));
    IMPLIES(p->eligible.count == 0, p->eligible.head == POOL_NONE);
}
