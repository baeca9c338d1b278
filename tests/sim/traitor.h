/* What the files of the traitors share. A liar runs an honest node and stands between it and the network: it holds its
   own key and nobody else's. A behaviour is one row of the catalogue of drills, told in one or two small functions. */
#ifndef QUORATE_TESTS_SIM_TRAITOR_H
#define QUORATE_TESTS_SIM_TRAITOR_H

#include "tests/sim/world.h"

/* Where a behaviour does the most harm: the primary of view 0, that of view 1 (somebody then stops the first), a
   backup, or anywhere. */
enum behaviour_seat { SEAT_ANY, SEAT_PRIMARY, SEAT_NEXT, SEAT_BACKUP };

/* What becomes of a frame that the node would send. */
enum said { SAID_AS_IS, SAID_OTHERWISE /* m was changed */, SAID_NOTHING };

enum { KEPT = 64, KEPT_BATCHES = 16 };
struct liar {
    struct sim *sim;
    member_id self;
    enum fault_kind kind;
    unsigned behaviour;
    member_set half;          /* who is told another story */
    member_id victim;         /* who is treated worst */
    struct buffer kept[KEPT]; /* frames of its own, to be said again */
    unsigned kept_next;
    struct buffer batches[KEPT_BATCHES]; /* that it proposed before */
    unsigned batches_next;
    struct buffer scratch; /* of what a changed message points into */
    uint64_t number, boots;
    struct { /* FAULT_ROUNDS: what this round is about */
        bool on;
        unsigned how;
        enum frame_type only; /* 0: all */
        member_set to;
    } round;
};

struct behaviour {
    const char *name, *row;
    enum behaviour_seat seat;
    /* m: an own frame, decoded; may be changed. NULL: all pass. */
    enum said (*send)(struct liar *t, member_id to, struct msg *m);
    void (*act)(struct liar *t);                          /* NULL or: now and then */
    bool (*hears)(struct liar *t, const struct event *e); /* NULL or: false for what its node never learns */
    enum said (*answer)(struct liar *t, struct msg *m);   /* NULL or: OUTPUTS on their way to a client */
};
unsigned behaviour_count(void);
const struct behaviour *behaviour_at(unsigned i);
int behaviour_find(const char *name); /* -1: no such */

/* The rows, one list a file. */
extern const struct behaviour primary_behaviours[], backup_behaviours[], view_behaviours[], data_behaviours[];
extern const unsigned primary_behaviour_count, backup_behaviour_count, view_behaviour_count, data_behaviour_count;

/* ---- means ---- */
bool liar_chance(struct liar *t, unsigned per_mille);
uint64_t liar_below(struct liar *t, uint64_t bound);
struct node_facts liar_facts(const struct liar *t);
static inline bool in_half(const struct liar *t, member_id to) {
    return set_has(t->half, to);
}
static inline bool liar_is_primary(const struct liar *t, const struct node_facts *f) {
    return f->pbft.view % t->sim->options->members == t->self;
}
void liar_bite(struct liar *t);
/* Signed with the own key; later: microseconds from now. */
void liar_say(struct liar *t, member_id to, const struct msg *m);
void liar_say_all(struct liar *t, const struct msg *m);
void liar_say_later(struct liar *t, member_id to, const struct msg *m, time_us later);
/* Bytes as they are. */
void liar_say_raw(struct liar *t, member_id to, struct bytes frame);
/* A body of this type, whatever it is, signed with the own key under another epoch or cluster, too. */
void liar_say_body(struct liar *t, member_id to, struct seal_context context, struct bytes body);
struct seal_context liar_context(const struct liar *t, enum frame_type type);
uint64_t liar_near(struct liar *t, uint64_t number);
struct digest liar_digest(struct liar *t); /* of nothing, or next to it */
/* Makes the batch of a PRE-PREPARE this one; bytes go to scratch. */
void liar_propose(struct liar *t, struct msg *m, const struct batch *b);
void liar_propose_bytes(struct liar *t, struct msg *m, struct bytes batch);
/* The request inside a RELAY, DATA or client's frame; false if there is none to be read. */
bool liar_request_of(const struct event *e, struct request *out, struct arena *arena);

/* traitor_bend.c: FAULT_BEND and FAULT_ROUNDS */
enum { BEND_SLIGHTLY = 1, BEND_ANYHOW = 2, BEND_OMIT = 3, BEND_REPEAT = 4, BEND_BYTES = 5, BEND_WAYS = 5 };
void bend_send(struct liar *t, member_id to, struct bytes frame, struct msg *m);
void bend_round(struct liar *t);

#endif
