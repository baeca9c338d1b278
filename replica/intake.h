/* What came in at a door and is not yet verified (R12): a bounded queue for each connection, its most urgent frames
   first, and the connections served by deficit round robin over bytes, so that who sends much waits for himself. Those
   who have not shown whose they are (strangers) share two turns: one where a STATUS waits, and one for all else.
   Offences are charged to the connection they came by. Knows bytes only. Thread-safe. */
#ifndef QUORATE_REPLICA_INTAKE_H
#define QUORATE_REPLICA_INTAKE_H

#include "base/bytes.h"
#include "base/error.h"
#include "replica/ranked.h"

enum {
    INTAKE_CONNECTIONS_MAX = 4096,
    INTAKE_STRIKES = 3,
    INTAKE_MUTE_MIN_MS = 10 * 1000,
    INTAKE_MUTE_MAX_MS = 10 * 60 * 1000,
    INTAKE_SAVED_MS = 250,        /* unused work that can be saved up */
    INTAKE_LATE_STATUS = 8,       /* two seconds' worth, as the knobs stand */
    INTAKE_SEATS_OF_A_MEMBER = 6, /* one for each lane, and as many that end while others begin */
    INTAKE_SEATS = 1 + MEMBERS_MAX * INTAKE_SEATS_OF_A_MEMBER,
};

struct intake_room { /* for what waits of one connection; a single frame of a member may be longer than bytes */
    size_t frames, bytes;
};
struct intake_rules {
    struct intake_room stranger, member;
    size_t crowded; /* when more bytes of strangers than this wait, each of them has room for one frame */
    unsigned strangers_max, strangers_of_a_source; /* connections */
    bool strangers_share; /* two turns for all of them; otherwise each is served as a member's connection is */
    /* Microseconds of work in a millisecond that a turn may cost in the long run: each; one that strangers share. */
    unsigned work_share, strangers_work_share;
    mono_ms (*clock)(void);
};
struct intake_item {         /* owned by who took it: intake_item_free */
    struct ranked_node node; /* its rank, and the frame's length */
    uint32_t connection;
    uint64_t came;   /* its place in the order in which frames came in at this door */
    unsigned seat;   /* which of the fair shares it was served from: 0 strangers', below INTAKE_SEATS */
    unsigned budget; /* the intake's own */
    size_t head_len;
    uint8_t data[]; /* head, then the frame */
};

struct intake;
struct intake *intake_new(const struct intake_rules *rules);
void intake_free(struct intake *t); /* after intake_end, when nobody takes any more */

/* false: there are too many strangers, or too many of that source; then the connection is to be refused. source: who
   may be the same sender, 0: not known, which counts as one. */
bool intake_join(struct intake *t, uint32_t connection, uint64_t source);
/* What waits of it is dropped. Harmless for one that never joined. */
void intake_leave(struct intake *t, uint32_t connection);

/* Copies. head travels with the frame. false: dropped, because the connection is unknown, muted or full; of a full one
   the newest of the least urgent frames makes room for a more urgent one. */
bool intake_put(struct intake *t, uint32_t connection, enum rank rank, struct bytes head, struct bytes frame,
                mono_ms now);
bool intake_hears(struct intake *t, uint32_t connection, mono_ms now); /* not muted */
/* Blocks. NULL: intake_end was called. Who is in debt for his work is passed over until it is paid. */
struct intake_item *intake_take(struct intake *t);
/* What the item cost. */
void intake_charge(struct intake *t, const struct intake_item *item, unsigned microseconds);
void intake_item_free(struct intake_item *item);
void intake_end(struct intake *t);

/* A frame of this connection was valid. */
void intake_praise(struct intake *t, uint32_t connection);
/* A connection of member carried its valid STATUS of that number; came: the item's. A member's seats belong to those
   connections that brought its newest STATUS first; the connection takes a free one, or that of whoever brought an
   older one or the same later, and stops being a stranger's. A lane that lags behind the member's others shows each
   STATUS late: what is more than INTAKE_LATE_STATUS older than the newest heard of that member earns nothing. */
struct intake_greeting {
    uint64_t boot, counter, came;
};
void intake_greet(struct intake *t, uint32_t connection, member_id member, const struct intake_greeting *g);
/* INTAKE_STRIKES strikes mute: what waits is dropped, a seat is free again, and nothing is heard for 10 s, twice as
   long each time up to 10 minutes; then RANK_STATUS and RANK_VIEW alone, until a frame is praised. The next strike
   mutes again. true: it is muted now. */
bool intake_strike(struct intake *t, uint32_t connection, unsigned strikes, mono_ms now);

struct intake_counters {
    uint64_t dropped, dropped_muted, refused; /* frames; connections */
    unsigned connections, strangers, muted;
    size_t waiting; /* frames */
};
void intake_count(struct intake *t, struct intake_counters *out, mono_ms now);

#endif
