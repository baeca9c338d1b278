/* The requests in hand: those that wait to be ordered and those that an unexecuted batch names, found by digest and by
   (client, req_seq). Bounded; ownership of a request passes in with pool_hold.

   A pending request is *eligible* (R3) while fewer than ELIGIBLE_MAX pending ones of its client lie below it and its
   client has tokens left; of a member's ticks only the lowest is. Only what is eligible ages, is relayed and proposed:
   a client that floods waits for itself.

   A second content under one number, a rival, is held beside the first out of its client's room, since the primary may
   have heard it first. It is not eligible, unless one of the two is a tick: these cost no tokens. */
#ifndef QUORATE_REPLICA_PBFT_REQUEST_H
#define QUORATE_REPLICA_PBFT_REQUEST_H

#include "replica/pbft/pbft.h"

enum {
    POOL_NONE = 0, /* entry 0 is never used */
    ELIGIBLE_MAX = 16,
    CONTENTS_MAX = 2,     /* of one (client, req_seq) pending; more are wanted or dropped */
    OPERATOR_ROOM = 1024, /* pending requests of all operators: a lane of their own */
    MEMBER_ROOM = 128,    /* and of one member */
    BUSY_MIN = 64,        /* fewer old requests than this are no backlog */
    BUSY_WALK = 256,
};

struct pool_link {
    uint32_t prev, next;
};
struct pooled {
    struct digest digest;
    struct public_key client;
    uint64_t req_seq;
    struct request *request; /* NULL: named by a batch and not held: wanted */
    uint32_t named;          /* unexecuted batches that name it */
    bool pending;            /* to be ordered: custody survives views (BUG4) */
    bool eligible;           /* and its age counts */
    bool stored;             /* RECORD_REQUEST was written */
    uint8_t relays;
    uint64_t order; /* became eligible, or was named */
    mono_ms since;  /* eligible in this view */
    mono_ms shown;  /* relayed for the first time since then: a correct primary has it; 0: not yet */
    uint32_t next_digest, next_seq, owner;
    struct pool_link in_eligible, in_queue, in_wanted, in_owner;
};
struct pool_list {
    uint32_t head, tail;
    size_t count;
};
struct pool_owner {
    struct public_key key;
    enum pbft_lane lane;
    uint32_t entries, next;
    struct pool_list pending; /* by number */
    time_ms ready;            /* agreed time from which it has tokens */
};
struct pool_terms { /* of a request that comes in */
    bool pending;   /* it is to be ordered */
    enum pbft_lane lane;
    time_ms ready;
    mono_ms now;
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
    size_t per_client_max, lane_max[PBFT_LANES], lane_count[PBFT_LANES]; /* pending ones */
    struct pool_list eligible;                                           /* by age */
    struct pool_list queue;  /* eligible, named by no batch: to be proposed. By age */
    struct pool_list wanted; /* named, not held */
    size_t queued_ticks;
    time_ms t;        /* agreed time */
    size_t held_back; /* pending ones whose client is out of tokens */
};

struct pool_sizes {
    size_t members, pending_max, per_client_max, named_max;
};
void pool_init(struct pool *p, const struct pool_sizes *sizes, uint64_t salt);
void pool_free(struct pool *p);
struct pooled *pool_find(const struct pool *p, const struct digest *digest);
/* Of the entries of that client and number whose payload is held the one that came first. */
struct pooled *pool_find_seq(const struct pool *p, const struct public_key *client, uint64_t req_seq);
static inline struct pooled *pool_entry(const struct pool *p, uint32_t i) {
    return i == POOL_NONE ? NULL : &p->entries[i];
}
/* ERR_OK: taken. ERR_DUPLICATE, ERR_CONFLICT (CONTENTS_MAX others of that client and number are pending, or one and
   there is no room), ERR_BUSY (full): not taken, the caller frees it. */
enum error pool_hold(struct pool *p, struct request *r, const struct pool_terms *terms);
/* Pending behind another content of its number, and both are ticks or neither is. */
bool pool_is_rival(const struct pool *p, const struct pooled *e);
void pool_name(struct pool *p, const struct request_ref *ref);
void pool_unname(struct pool *p, const struct digest *digest);
/* (client, req_seq) is done: out of the queue; freed once no batch names it. */
void pool_done(struct pool *p, const struct public_key *client, uint64_t req_seq, mono_ms now);
/* Requests of that client up to `old` can't be executed any more: out of the queue. */
void pool_outdated(struct pool *p, const struct public_key *client, uint64_t old, mono_ms now);
/* The client has tokens from this agreed time on. */
void pool_ready(struct pool *p, const struct public_key *client, time_ms ready, mono_ms now);
/* Agreed time moved: whoever has tokens again may go on. */
void pool_time(struct pool *p, time_ms t, mono_ms now);
void pool_rearm(struct pool *p, mono_ms now);
/* Nothing that waits to be proposed counts as relayed any more. */
void pool_relay_again(struct pool *p);
/* A backlog: at least BUSY_MIN eligible requests, and half of all, are older than this. */
bool pool_backlog(const struct pool *p, mono_ms now, mono_ms age);
size_t pool_pending(const struct pool *p);
void pool_check(const struct pool *p);

#endif
