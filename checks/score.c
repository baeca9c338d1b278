/* Observers that dissent again and again (R9). A round is one check_interval of agreed time, on a grid that nobody
   moves; it is judged as it stood at its end, when the first result behind that arrives. So no observer can hasten a
   round, hold it open until somebody errs, or have a second one counted by sending more. */
#include "base/invariant.h"
#include "checks/machine.h"

enum { DISSENT_COSTS = 5 };

unsigned score_bears(const struct object *o) {
    unsigned by_quorum = o->def->quorum - 1, by_rest = o->def->observer_count - o->def->quorum;
    return by_quorum < by_rest ? by_quorum : by_rest;
}

/* ---- the round that ended ---- */

struct round {
    time_ms begin, end;
    uint8_t verdict;
};

static time_ms round_length(const struct object *o) {
    return o->def->check_interval > 0 ? o->def->check_interval : o->def->freshness_threshold;
}

/* The newest vote lies in the last round that anybody spoke in. */
static bool round_ended(const struct monitor *m, const struct object *o, struct round *r) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    time_ms newest = 0, length = round_length(o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        newest = votes[i].accepted_at > newest ? votes[i].accepted_at : newest;
    }
    r->begin = newest - newest % length;
    r->end = r->begin + length;
    r->verdict = o->verdict;
    return newest > 0 && m->t >= r->end;
}

/* It said something else than UNKNOWN in the round, and that still stood at its end: only this is judged. */
static bool spoke(const struct observer_vote *v, const struct round *r) {
    return v->accepted_at >= r->begin && v->state <= STATE_CRITICAL && vote_fresh(v, r->end - 1) && !v->convicted;
}

/* A decided verdict that stood before the round began, and nothing that makes honest observers differ. */
static bool was_steady(const struct object *o, const struct round *r) {
    return o->kind == VERDICT_DECIDED && !o->undecided && !o->flapping && o->since < r->begin;
}

/* As many observers as the quorum, more than there may be liars, said in this round what the verdict says, and they are
   more than those who did not: where a few suffice to raise a problem, the others are not to blame for not seeing it.
 */
static bool was_agreed(const struct monitor *m, const struct object *o, const struct round *r) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    unsigned agree = 0, dissent = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (spoke(&votes[i], r) && !vote_masked(&votes[i])) {
            agree += votes[i].state == r->verdict;
            dissent += votes[i].state != r->verdict;
        }
    }
    return agree >= o->def->quorum && agree > dissent;
}

/* ---- what it costs ---- */

static void count_round(struct standing *s, bool dissents) {
    if (s->rounds < SCORE_ROUNDS_MAX) {
        s->rounds++;
        s->dissents += dissents;
    }
}

/* A round of it is over. */
static void pass_probation(struct standing *s) {
    s->probation -= s->probation > 0;
}

static void note_agreement(struct monitor *m, struct object *o, unsigned observer) {
    struct observer_vote *v = &object_votes(&m->table, o)[observer];
    if (!v->standing) {
        return;
    }
    vote_touch(m, v);
    count_round(v->standing, false);
    pass_probation(v->standing);
    v->standing->score -= v->standing->score > 0;
    if (v->standing->score == 0) {
        mask_lift(m, o, observer);
    }
}

static void note_dissent(struct monitor *m, struct object *o, unsigned observer, const struct round *r) {
    struct observer_vote *v = &object_votes(&m->table, o)[observer];
    struct standing *s = standing_of(v);
    vote_touch(m, v);
    count_round(s, true);
    s->score = s->score + DISSENT_COSTS < SCORE_MAX ? s->score + DISSENT_COSTS : SCORE_MAX;
    s->dissent_at = v->accepted_at;
    s->said = v->state;
    s->truth = r->verdict;
    mask_consider(m, o, observer);
    pass_probation(s); /* its last round counts */
}

void score_close(struct monitor *m, struct object *o) {
    struct round r;
    if (score_bears(o) == 0 || !round_ended(m, o, &r) || !was_steady(o, &r) || !was_agreed(m, o, &r)) {
        return;
    }
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct observer_vote *v = &object_votes(&m->table, o)[i];
        if (!spoke(v, &r)) {
            continue;
        }
        if (v->state == r.verdict) {
            note_agreement(m, o, i);
        } else {
            note_dissent(m, o, i, &r);
        }
    }
}
