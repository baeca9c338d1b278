/* The naive model: what the rounds cost observers, and who is set aside. docs/MONITORING.md, "Scores and masking". */
#include "tests/sim/naive.h"

#include <stdio.h>

enum { COST = 5, MOST = 50, PROBATION = 50, LONGEST_PROBATION = 6400 };

static unsigned bears(const struct naive_object *o) {
    unsigned a = o->def->quorum - 1, b = o->def->observer_count - o->def->quorum;
    return a < b ? a : b;
}

static void say(struct naive *m, const struct naive_object *o, unsigned who, const char *what, const char *why) {
    char text[900];
    snprintf(text, sizeof text, "observer %s %s for %s%s%s: %s", o->def->observers[who], what, o->def->host,
             o->is_host ? "" : "/", o->def->service, why);
    naive_tell_system(m, text);
}

static void say_rounds(struct naive *m, const struct naive_object *o, unsigned who, const char *what) {
    char why[80];
    snprintf(why, sizeof why, "it disagreed in %u of %u rounds, last at ", o->votes[who].disagreed,
             o->votes[who].rounds);
    say(m, o, who, what, why);
}

/* ---- what follows from a score ---- */

static unsigned set_aside(const struct naive_object *o) {
    unsigned count = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        count += o->votes[i].masked || o->votes[i].convicted;
    return count;
}

static void lift(struct naive *m, struct naive_object *o, unsigned who, const char *why) {
    struct naive_vote *v = &o->votes[who];
    v->masked = false;
    v->score = v->rounds = v->disagreed = 0;
    v->probation = PROBATION;
    for (unsigned i = 1; i < v->masks && v->probation < LONGEST_PROBATION; i++)
        v->probation *= 2;
    say(m, o, who, "unmasked", why);
}

static void suspect(struct naive *m, struct naive_object *o, unsigned who, bool on_probation) {
    struct naive_vote *v = &o->votes[who];
    if (v->masked || v->score < (on_probation ? MOST / 2 : MOST))
        return;
    if (set_aside(o) < bears(o)) {
        v->masked = true;
        v->score = MOST;
        v->masks++;
        v->probation = 0;
        v->complained = false;
        say_rounds(m, o, who, "masked");
    } else if (!v->complained) {
        v->complained = true;
        say_rounds(m, o, who, "not masked");
    }
}

/* ---- a round ---- */

struct round {
    time_ms begin, end;
};

static bool spoke(const struct naive_vote *v, const struct round *r) {
    return v->given && v->at >= r->begin && v->state != STATE_UNKNOWN && v->until >= r->end && !v->convicted;
}

static bool counts(const struct naive_object *o, const struct round *r, unsigned verdict) {
    unsigned agree = 0, differ = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        bool says = spoke(&o->votes[i], r) && !o->votes[i].masked;
        agree += says && o->votes[i].state == verdict;
        differ += says && o->votes[i].state != verdict;
    }
    return o->said == SAID_STATE && !o->open && !o->flaps && o->since < r->begin && agree >= o->def->quorum &&
           agree > differ;
}

static void judge_observer(struct naive *m, struct naive_object *o, unsigned who, bool dissents) {
    struct naive_vote *v = &o->votes[who];
    bool on_probation = v->probation > 0;
    v->rounds++;
    v->probation -= on_probation;
    if (dissents) {
        v->disagreed++;
        v->score = v->score + COST < MOST ? v->score + COST : MOST;
        suspect(m, o, who, on_probation);
        return;
    }
    v->score -= v->score > 0;
    if (v->score > 0)
        return;
    v->rounds = v->disagreed = 0;
    if (v->masked && !v->by)
        lift(m, o, who, "it agreed again");
    else
        v->complained = false;
}

void naive_round(struct naive *m, struct naive_object *o) {
    time_ms length = o->def->check_interval ? o->def->check_interval : o->def->freshness_threshold, last = 0;
    unsigned verdict = o->is_host && o->state ? HOST_DOWN : o->state;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        last = o->votes[i].given && o->votes[i].at > last ? o->votes[i].at : last;
    struct round r = {last / length * length, last / length * length + length};
    if (bears(o) == 0 || last == 0 || m->t < r.end || !counts(o, &r, verdict))
        return;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (spoke(&o->votes[i], &r))
            judge_observer(m, o, i, o->votes[i].state != verdict);
}

/* ---- convictions and operators ---- */

static void forgive(struct naive_vote *v) {
    v->masked = v->complained = false;
    v->by = NULL;
    v->score = v->rounds = v->disagreed = v->probation = v->masks = 0;
}

void naive_masks_of_convicted(struct naive *m, struct naive_object *o, unsigned convicted) {
    forgive(&o->votes[convicted]);
    for (;;) {
        unsigned scored = 0, out = 0, nearest = NAIVE_OBSERVERS;
        for (unsigned i = 0; i < o->def->observer_count; i++) {
            const struct naive_vote *v = &o->votes[i];
            bool by_score = v->masked && !v->by;
            scored += by_score;
            out += v->convicted;
            if (by_score && (nearest == NAIVE_OBSERVERS || v->score < o->votes[nearest].score))
                nearest = i;
        }
        if (scored == 0 || scored + out <= bears(o))
            return;
        lift(m, o, nearest, "no more than the quorum bears may be set aside");
    }
}

enum error naive_mask(struct naive_vote *v, const char *by, bool set) {
    if (!set) {
        bool any = v->masked || v->score || v->masks;
        forgive(v);
        return any ? ERR_OK : ERR_NOT_FOUND;
    }
    if (v->convicted)
        return ERR_CONVICTED;
    if (v->masked && v->by)
        return ERR_DUPLICATE;
    v->masked = true;
    v->by = by;
    v->complained = false;
    return ERR_OK;
}
