/* The ledger's own structures. Memory: seats and ticks are sized at start from the genesis; staged blobs are bounded by
   LEDGER_STAGED_MAX wholes per operator. */
#ifndef QUORATE_REPLICA_LEDGER_INTERNAL_H
#define QUORATE_REPLICA_LEDGER_INTERNAL_H

#include "base/invariant.h"
#include "replica/ledger/ledger.h"

struct seat {                          /* what the log remembers of one key */
    uint64_t top;                      /* highest executed req_seq, 0 = none */
    uint64_t done[LEDGER_WINDOW / 64]; /* bit i: top - i was executed */
    bool convicted, dirty;
    int64_t tokens;    /* thousandths of a request, at filled_at */
    time_ms filled_at; /* agreed time */
};

struct member_tick {
    bool present, dirty;
    bool fresh; /* executed in the batch in hand: `at` is still to come */
    uint64_t boot, counter;
    time_ms wall;
    time_ms at; /* agreed time of its execution */
    view_no view;
    bool voting;
};

struct staged_part {
    bool present, dirty;
    struct buffer bytes;
};

struct staged {     /* the parts of one whole that an operator is sending */
    uint32_t owner; /* seat of the operator */
    uint64_t order; /* of arrival: the lowest goes first when there are too many */
    struct digest whole;
    uint32_t part_count; /* highest index + 1 */
    struct staged_part *parts;
};

struct allowance { /* judgements that a member asked for since batch `since` */
    seq_no since;
    uint32_t used;
    seq_no shut_until; /* before this batch nothing is looked at; 0: never lied */
    bool dirty;
};

struct proof_entry { /* a record of evidence, beside its seat */
    uint32_t seat;
    bool dirty;
    struct evidence_record proof;
};

struct notified_entry { /* how far notifiers came with one handler */
    bool dirty;
    struct notified_record record;
};

struct drill_entry {
    bool dirty;
    struct drill_record record; /* .counts is false here */
};

struct drill_range { /* where statements lie that a drill may have made its target sign; both ends are in it */
    seq_no from_n, to_n;
    view_no from_view, to_view;
};

struct drills_past {          /* of one member: what its drills that are no longer listed may have signed */
    uint64_t id;              /* of the last of them, 0: none */
    struct drill_range range; /* the least that holds theirs; without any slot or view it is 1..0 */
    bool dirty;
};

struct ledger {
    const struct cluster *genesis;
    struct keyring *keys;
    uint32_t seat_count; /* members, then operators, then observers */
    struct seat *seats;
    struct member_tick ticks[MEMBERS_MAX];
    seq_no executed;
    time_ms t;
    struct digest log_hash, cfg_digest;
    bool head_dirty;
    uint32_t staged_count;
    struct staged *staged; /* in order of arrival */
    uint64_t next_order;
    struct allowance allowances[MEMBERS_MAX];
    uint32_t proof_count;
    struct proof_entry *proofs; /* sorted by seat and kind: at most seats times kinds */
    uint32_t notified_count;
    struct notified_entry notified[LEDGER_NOTIFIED_MAX]; /* sorted by handler */
    uint32_t drill_count;
    struct drill_entry drills[LEDGER_DRILLS_MAX]; /* by id */
    struct drills_past drills_past[MEMBERS_MAX];
    size_t gone_count;  /* record keys to be removed at the next flush */
    struct buffer gone; /* blocks */
};

/* The seat of a key, or NULL for a key that was never enrolled. */
struct seat *ledger_seat(const struct ledger *l, const struct public_key *key);
/* Buckets full, at T; one request's cost; what a restored record may hold. */
void quota_open(struct ledger *l);
void quota_spend(struct ledger *l, struct seat *s);
bool quota_sound(const struct ledger *l, const struct seat *s);
const struct public_key *seat_key(const struct ledger *l, uint32_t seat);
uint32_t seat_index(const struct ledger *l, const struct public_key *key); /* of an enrolled key */
/* A place in order for (seat, kind, of a drill or not); a new one is empty. */
struct proof_entry *proof_entry_at(struct ledger *l, uint32_t seat, enum evidence_kind kind, bool drilled);
/* The drill that made the key sign what is proven of it here, 0: none did. */
uint64_t drill_of_proof(const struct ledger *l, const struct evidence_record *proven);
void drills_flush(struct ledger *l, const struct record_sink *sink);
enum error drills_restore(struct ledger *l, struct reader *key, struct reader *value);
enum error drills_past_restore(struct ledger *l, struct reader *key, struct reader *value);
/* The handler's place in order; a new one is empty. NULL: there is no room. */
struct notified_entry *notified_entry_at(struct ledger *l, const char *handler);
void notified_flush(struct ledger *l, const struct record_sink *sink);
enum error notified_restore(struct ledger *l, struct reader *key, struct reader *value);
void staged_free(struct staged *s);
/* The owner's staged whole, NULL if none. */
struct staged *staged_find(const struct ledger *l, uint32_t owner, const struct digest *whole);
/* A new, empty one at the end of the list; the owner's oldest is dropped when it has too many. */
struct staged *staged_add(struct ledger *l, uint32_t owner, const struct digest *whole, uint64_t order);
struct staged_part *staged_part(struct staged *s, uint32_t index);

#endif
