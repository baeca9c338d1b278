/* Joins the members' claims. One of them may lie, so a reference value is one that F members support; a member that has
   another digest than F others at the same place is the one that disagrees. */
#include "client/health.h"

#include "base/bytes.h"

#include <string.h>

typedef uint64_t field_of(const struct msg_status *s);

static uint64_t field_view(const struct msg_status *s) {
    return s->view;
}

static uint64_t field_executed(const struct msg_status *s) {
    return s->executed;
}

static uint64_t field_t(const struct msg_status *s) {
    return s->t < 0 ? 0 : (uint64_t)s->t;
}

struct claims {
    unsigned members, weak;
    const struct msg_status *status;
    const bool *reachable;
};

static uint64_t supported(const struct claims *c, field_of *field, unsigned needed) {
    uint64_t best = 0;
    for (unsigned i = 0; i < c->members; i++) {
        unsigned as_far = 0;
        for (unsigned k = 0; k < c->members && c->reachable[i]; k++) {
            as_far += c->reachable[k] && field(&c->status[k]) >= field(&c->status[i]);
        }
        if (as_far >= needed && field(&c->status[i]) > best) {
            best = field(&c->status[i]);
        }
    }
    return best;
}

struct place { /* a digest that must be equal wherever n is */
    seq_no n;
    const struct digest *digest;
};

static struct place place_log(const struct msg_status *s) {
    return (struct place){s->executed, &s->log_hash};
}

static struct place place_root(const struct msg_status *s) {
    return (struct place){s->stable, &s->state_root};
}

static bool differs(const struct claims *c, struct place (*place)(const struct msg_status *), unsigned i) {
    struct place mine = place(&c->status[i]);
    unsigned like_me = 0, against = 0, strongest = 0;
    for (unsigned k = 0; k < c->members; k++) {
        struct place theirs = place(&c->status[k]);
        if (!c->reachable[k] || theirs.n != mine.n) {
            continue;
        }
        if (digest_equal(mine.digest, theirs.digest)) {
            like_me++;
            continue;
        }
        against++;
        unsigned group = 0;
        for (unsigned j = 0; j < c->members; j++) {
            struct place other = place(&c->status[j]);
            group += c->reachable[j] && other.n == mine.n && digest_equal(other.digest, theirs.digest);
        }
        strongest = group > strongest ? group : strongest;
    }
    return against > 0 && (like_me < c->weak || strongest >= c->weak);
}

static member_set named(const struct claims *c) {
    member_set s = 0;
    for (member_id m = 0; m < c->members; m++) {
        unsigned by = 0;
        for (unsigned i = 0; i < c->members; i++) {
            by += c->reachable[i] && i != m && set_has(c->status[i].suspects, m);
        }
        s |= by >= c->weak ? set_of(m) : 0;
    }
    return s;
}

static bool votes(const struct msg_status *s) {
    return s->phase == PHASE_ACTIVE || s->phase == PHASE_CHANGING || s->phase == PHASE_TILT;
}

void health_judge(struct health *out, unsigned members, const struct msg_status status[MEMBERS_MAX],
                  const bool reachable[MEMBERS_MAX]) {
    struct claims c = {members, quorum_weak(members), status, reachable};
    *out = (struct health){.members = members};
    for (member_id i = 0; i < members; i++) {
        if (!reachable[i]) {
            continue;
        }
        out->reachable++;
        out->voting += votes(&status[i]);
        out->learners |= status[i].phase == PHASE_LEARNER ? set_of(i) : 0;
        out->other_log |= differs(&c, place_log, i) ? set_of(i) : 0;
        out->other_root |= differs(&c, place_root, i) ? set_of(i) : 0;
    }
    unsigned needed = out->reachable < c.weak ? 1 : c.weak;
    out->margin = (int)out->voting - (int)quorum_strong(members);
    out->view = supported(&c, field_view, needed);
    out->executed = supported(&c, field_executed, needed);
    out->t = (time_ms)supported(&c, field_t, needed);
    out->named = named(&c);
}

seq_no health_lag(const struct health *h, const struct msg_status *s) {
    return s->executed >= h->executed ? 0 : h->executed - s->executed;
}

/* Both come from others: the difference may wrap, but is no undefined behaviour. */
int64_t health_offset(const struct msg_status *s) {
    return (int64_t)((uint64_t)s->wall - (uint64_t)s->t);
}
