/* Four whole nodes in memory, one of them the fuzzer's: its key is known, what its node would send passes only while
   the program lets it, and whatever it sent or heard is kept in a book from which lies are made. */
#ifndef QUORATE_TESTS_FUZZ_NODE_WORLD_H
#define QUORATE_TESTS_FUZZ_NODE_WORLD_H

#include "base/invariant.h"
#include "base/prng.h"
#include "proto/audit.h"
#include "proto/proof.h"
#include "replica/node.h"
#include "tests/sim/sim_disk.h"

#include <stdio.h>

enum {
    WORLD_MEMBERS = 4,
    WORLD_CLIENTS = 3, /* two observers, then the operator */
    WORLD_PENDING = 512,
    WORLD_BOOK = 96,
    WORLD_REQUESTS = 48,
    WORLD_LOG = 512,
    WORLD_STATEMENTS = 4096, /* a power of two */
    WORLD_CERTIFIED_EVERY = 4,
    WORLD_WINDOW = 8
};
#define WORLD_T0 INT64_C(1790000000000)

struct pending {
    member_id from, to;
    struct buffer frame;
};
struct place { /* what one honest member executed at one n */
    bool known;
    struct digest batch, log_hash;
    time_ms t;
};
struct statement { /* what one honest member signed for one place */
    bool known;
    member_id member;
    uint8_t type;
    uint64_t v, n;
    struct digest digest;
};
struct world;
struct seat { /* what a node calls its world */
    struct world *world;
    member_id id;
    struct node *node;
    struct sim_disk *disk;
};
struct world {
    struct cluster cluster;
    struct cluster_observer observers[WORLD_CLIENTS - 1];
    struct secret_key member_secrets[WORLD_MEMBERS], client_secrets[WORLD_CLIENTS];
    struct public_key client_keys[WORLD_CLIENTS];
    struct keyring *keys;
    struct admit admit[WORLD_MEMBERS];
    struct buffer objects; /* canonical */

    member_id traitor;
    struct seat seats[WORLD_MEMBERS];
    mono_ms now;
    member_set obeyed; /* the members that get what the traitor's node sends */
    member_set side;   /* members in and out of the set do not hear each other */
    bool told;         /* a node traced something since it was looked at */

    unsigned pending_count;
    struct pending pending[WORLD_PENDING];
    unsigned book_next; /* frames ever noted; the newest WORLD_BOOK are kept */
    struct buffer book[WORLD_BOOK];
    unsigned request_count; /* the newest WORLD_REQUESTS are kept */
    struct buffer requests[WORLD_REQUESTS];
    uint64_t req_seq[WORLD_CLIENTS], obs_seq, traitor_req_seq;

    struct place log[WORLD_LOG];
    struct digest roots[WORLD_LOG];
    struct statement statements[WORLD_STATEMENTS];
    struct digest awaited; /* a request that each honest member shall execute */
    member_set executed_awaited;
    unsigned deliveries; /* so far, against endless programs */
    bool trace;
};

/* Once for all programs. */
void world_found(struct world *w);
void world_start(struct world *w, member_id traitor);
void world_end(struct world *w);

static inline bool world_is_honest(const struct world *w, member_id i) {
    return i != w->traitor;
}
static inline time_ms world_wall(const struct world *w) {
    return WORLD_T0 + w->now;
}
/* A frame to a node, by the door of members or of clients. The bytes may be freed meanwhile. */
void world_give(struct world *w, member_id to, struct bytes frame);
void world_give_client(struct world *w, member_id to, struct bytes frame);
/* Delivers the frame that waits at this index, counted from the oldest. */
void world_deliver(struct world *w, unsigned index);
void world_drop(struct world *w, unsigned index);
/* Delivers until nothing waits, at most so many frames. */
void world_settle(struct world *w, unsigned most);
/* Time passes; each node whose deadline came is woken once. */
void world_tick(struct world *w, mono_ms ms);
/* The node's power fails; what was not synced is lost as `chance` says; it starts again. */
void world_restart(struct world *w, member_id i, uint64_t chance);

/* A client's request, sealed and kept; `again`: under the number of the client's last one. */
enum world_request { WORLD_OBSERVE, WORLD_QUERY, WORLD_BLOB, WORLD_APPLY, WORLD_REQUEST_LIMIT };
struct bytes world_request(struct world *w, unsigned client, enum world_request kind, unsigned state, bool again);
/* The traitor is silent from here on and all else is well: every honest member must execute a new request. */
void world_judge_liveness(struct world *w);
/* The audit of all that the traitor sent and heard finds no disagreement and names nobody else. */
void world_judge_audit(struct world *w);

/* The newest frame of this type in the book but `skip`; empty when there is none. */
struct bytes world_newest(const struct world *w, enum frame_type type, unsigned skip);
struct bytes world_newest_any(const struct world *w, unsigned skip);
/* Notes a lie and gives it to all honest members in `to` at once. */
void world_lie(struct world *w, member_set to, struct bytes frame);

/* --- node_bend.c --- */
/* Bends a frame of the book: how says which part, x and y how. */
void lie_bend(struct world *w, member_set to, unsigned pick, unsigned how, unsigned x, unsigned y);

/* --- node_make.c --- */
/* Makes a frame that nobody sent, from what the traitor knows. */
void lie_make(struct world *w, member_set to, unsigned what, unsigned how, unsigned x, unsigned y);
/* Seals m with the traitor's key and sends it. */
void lie_say(struct world *w, member_set to, const struct msg *m);
/* Opens and decodes the newest frame of this type but `skip`; false when there is none. */
bool lie_open(const struct world *w, struct msg *m, struct arena *arena, enum frame_type type, unsigned skip);

#endif
