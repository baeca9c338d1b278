/* The traitors that are the simulator's alone: they run an honest node and bend what it says at random, with its own
   key and nobody else's. Rows of the catalogue of drills are behaviours of replica/fault.h: drilled.c. */
#ifndef QUORATE_TESTS_SIM_TRAITOR_H
#define QUORATE_TESTS_SIM_TRAITOR_H

#include "tests/sim/world.h"

enum { KEPT = 64 };
struct liar {
    struct sim *sim;
    member_id self;
    enum fault_kind kind;
    struct buffer kept[KEPT]; /* frames of its own, to be said again */
    unsigned kept_next;
    struct buffer scratch; /* of what a changed message points into */
    struct {               /* FAULT_ROUNDS: what this round is about */
        bool on;
        unsigned how;
        enum frame_type only; /* 0: all */
        member_set to;
    } round;
};

/* ---- means ---- */
bool liar_chance(struct liar *t, unsigned per_mille);
uint64_t liar_below(struct liar *t, uint64_t bound);
struct node_facts liar_facts(const struct liar *t);
void liar_bite(struct liar *t);
/* Signed with the own key. */
void liar_say(struct liar *t, member_id to, const struct msg *m);
/* Bytes as they are. */
void liar_say_raw(struct liar *t, member_id to, struct bytes frame);
/* A body of this type, whatever it is, signed with the own key. */
void liar_say_body(struct liar *t, member_id to, enum frame_type type, struct bytes body);
uint64_t liar_near(struct liar *t, uint64_t number);
struct digest liar_digest(struct liar *t); /* of nothing, or next to it */
/* Makes the batch of a PRE-PREPARE this one; bytes go to scratch. */
void liar_propose(struct liar *t, struct msg *m, const struct batch *b);

/* traitor_bend.c: FAULT_BEND and FAULT_ROUNDS */
enum { BEND_SLIGHTLY = 1, BEND_ANYHOW = 2, BEND_OMIT = 3, BEND_REPEAT = 4, BEND_BYTES = 5, BEND_WAYS = 5 };
void bend_send(struct liar *t, member_id to, struct bytes frame, struct msg *m);
void bend_round(struct liar *t);

#endif
