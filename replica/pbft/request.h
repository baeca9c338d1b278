/* The requests in hand: those that wait to be ordered and those that an unexecuted batch names, found by digest and by
   (client, req_seq), in first-seen order. Bounded; ownership of a request passes in with pool_hold. */
#ifndef QUORATE_REPLICA_PBFT_REQUEST_H
#define QUORATE_REPLICA_PBFT_REQUEST_H

#include "proto/op.h"

enum { POOL_NONE = 0 }; /* entry 0 is never used */

struct pool_link {
    uint32_t prev, next;
};
struct pooled {
    struct digest digest;
    struct public_key client;
    uint64_t req_seq;
    struct request *request; /* NULL: named by a batch and not held: wanted */
    uint32_t named;          /* unexecuted batches that name it */
    bool pending;            /* to be ordered: its age counts, custody survives views (BUG4) */
    bool stored;             /* RECORD_REQUEST was written */
    uint8_t relays;
    uint64_t order; /* first seen */
    mono_ms since;  /* pending in this view */
    uint32_t next_digest, next_seq, owner;
    struct pool_link in_pending, in_queue, in_wanted;
};
struct pool_list {
    uint32_t head, tail;
    size_t count;
};
struct pool_owner {
    struct public_key key;
    uint32_t pending, entries, next;
    uint64_t lowest; /* no pending request of it has a lower number */
};
struct pool {
    struct pooled *entries;
    struct pool_owner *owners;
    size_t capacity, used, used_owners;
    uint32_t free_entry, free_owner;
    uint32_t *by_digest, *by_seq, *by_owner;
    uint32_t mask;
    uint64_t salt; /* so that chosen keys don't share a bucket */
    uint64_t order;
    size_t pending_max, per_client_max;
    struct pool_list pending; /* by age */
    struct pool_list queue;   /* pending, held, named by no batch: to be proposed. First-seen order */
    struct pool_list wanted;  /* named, not held */
    size_t queued_ticks;
};

void pool_init(struct pool *p, size_t pending_max, size_t per_client_max, size_t named_max, uint64_t salt);
void pool_free(struct pool *p);
struct pooled *pool_find(const struct pool *p, const struct digest *digest);
/* The first entry of that client and number whose payload is held. */
struct pooled *pool_find_seq(const struct pool *p, const struct public_key *client, uint64_t req_seq);
static inline struct pooled *pool_entry(const struct pool *p, uint32_t i) {
    return i == POOL_NONE ? NULL : &p->entries[i];
}
/* ERR_OK: taken. ERR_DUPLICATE, ERR_CONFLICT (another request of that client and number is held), ERR_BUSY (full): not
   taken, the caller frees it. pending: it is to be ordered. */
enum error pool_hold(struct pool *p, struct request *r, bool pending, mono_ms now);
void pool_name(struct pool *p, const struct request_ref *ref);
void pool_unname(struct pool *p, const struct digest *digest);
/* (client, req_seq) is done: out of the queue; freed once no batch names it. */
void pool_done(struct pool *p, const struct public_key *client, uint64_t req_seq);
/* Requests of that client up to `old` can't be executed any more: out of the queue. */
void pool_outdated(struct pool *p, const struct public_key *client, uint64_t old);
void pool_rearm(struct pool *p, mono_ms now);
void pool_check(const struct pool *p);

#endif
