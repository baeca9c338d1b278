/* R9: the votes of an object become its verdict in force. A decided verdict takes effect at once; an undecided one when
   every observer that still reports has reported again; nobody left, at once. Attempts count rounds: q supporters, each
   with a new vote since the last attempt. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdio.h>
#include <string.h>

bool vote_fresh(const struct observer_vote *v, time_ms t) {
    return v->state != STATE_PENDING && t < v->fresh_until;
}

bool vote_masked(const struct observer_vote *v) {
    return v->standing && v->standing->masked_at > 0;
}

bool vote_counted(const struct observer_vote *v, time_ms t) {
    return vote_fresh(v, t) && !v->convicted && !vote_masked(v);
}

void judge_tally(const struct monitor *m, const struct object *o, struct ballot *out) {
    *out = (struct ballot){.observers = o->def->observer_count, .quorum = o->def->quorum};
    const struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < out->observers; i++) {
        if (vote_counted(&votes[i], m->t)) {
            out->votes[votes[i].state]++;
        }
    }
}

bool judge_dissents(const struct monitor *m, const struct verdict *v, const struct observer_vote *vote) {
    return vote_counted(vote, m->t) && verdict_dissent(v, vote->state);
}

/* Observers that voted at least once; the convicted and the masked are not waited for. */
static unsigned heard(const struct monitor *m, const struct object *o) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    unsigned count = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        count += votes[i].state != STATE_PENDING || votes[i].convicted || vote_masked(&votes[i]);
    }
    return count;
}

bool judge_watched(const struct monitor *m, const struct object *o) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    bool any = o->kind != VERDICT_NONE;
    for (unsigned i = 0; i < o->def->observer_count && !any; i++) {
        any = votes[i].state != STATE_PENDING;
    }
    return any;
}

bool judge_waits(const struct monitor *m, const struct object *o, time_ms now) {
    return now < o->first_deadline && heard(m, o) < o->def->observer_count;
}

/* ---- rounds ---- */

bool judge_rounds_by_time(const struct object *o) {
    if (o->verdict == STATE_OK || o->verdict == STATE_PENDING || (o->undecided && o->kind != VERDICT_UNDECIDED)) {
        return false;
    }
    return o->kind == VERDICT_SILENT || o->kind == VERDICT_UNDECIDED ||
           (o->kind == VERDICT_AGREED && o->def->observer_count > 1);
}

time_ms judge_round_due(const struct object *o) {
    const struct object_checkable *def = o->def;
    time_ms wait = def->retry_interval;
    if (o->hard) {
        wait = def->check_interval > 0 ? def->check_interval : def->freshness_threshold;
    }
    return o->attempt_at + (wait > 0 ? wait : 1);
}

/* Observers that see state or worse and said so since the last attempt. An UNKNOWN is supported by UNKNOWN alone. */
static unsigned new_supporters(const struct monitor *m, const struct object *o, uint8_t state) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    unsigned count = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct observer_vote *v = &votes[i];
        bool supports = state == STATE_UNKNOWN ? v->state == state : v->state >= state && v->state <= STATE_CRITICAL;
        count += supports && vote_counted(v, m->t) && v->stamp > o->attempt_stamp;
    }
    return count;
}

static bool round_complete(const struct monitor *m, const struct object *o, uint8_t state) {
    if (judge_rounds_by_time(o)) {
        return m->t >= judge_round_due(o);
    }
    if (!m->hears || new_supporters(m, o, state) < o->def->quorum) {
        return false;
    }
    return o->def->observer_count == 1 || m->t >= o->attempt_at + o->def->retry_interval / 2;
}

/* Every observer that still reports has reported again since the votes became undecided. */
static bool full_round(const struct monitor *m, const struct object *o) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (vote_counted(&votes[i], m->t) && votes[i].stamp <= o->undecided_stamp) {
            return false;
        }
    }
    return true;
}

/* ---- the object's text ---- */

static void show_own(struct monitor *m, struct object *o, const char *text) {
    if (o->source == SOURCE_NONE && strcmp(text_of(&o->output), text) == 0) {
        return;
    }
    o->source = SOURCE_NONE;
    text_set(&o->output, text);
    text_set(&o->perfdata, "");
    object_touch(m, o);
}

static void show_silence(struct monitor *m, struct object *o) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    time_ms since = o->applied_at;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        since = votes[i].accepted_at > since ? votes[i].accepted_at : since;
    }
    char time[TIME_TEXT], text[96];
    text_time(time, since);
    snprintf(text, sizeof text, "no observer reports since %s", time);
    show_own(m, o, text);
}

static void show_undecided(struct monitor *m, struct object *o, const struct ballot *b) {
    char text[64];
    snprintf(text, sizeof text, "%u of %u report, undecided", b->observers - ballot_missing(b), b->observers);
    show_own(m, o, text);
}

/* The first observer by name whose vote equals the verdict speaks for it. */
static void show_vote(struct monitor *m, struct object *o, uint8_t state) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (vote_counted(&votes[i], m->t) && votes[i].state == state) {
            if (o->source != (int32_t)i) {
                o->source = (int32_t)i;
                text_free(&o->output);
                text_free(&o->perfdata);
                object_touch(m, o);
            }
            return;
        }
    }
    UNREACHABLE();
}

static void show(struct monitor *m, struct object *o, const struct verdict *v, const struct ballot *b) {
    switch (v->kind) {
    case VERDICT_SILENT:
        show_silence(m, o);
        return;
    case VERDICT_UNDECIDED:
        show_undecided(m, o, b);
        return;
    default:
        show_vote(m, o, v->state);
    }
}

/* ---- taking effect ---- */

static uint8_t shown_state(const struct monitor *m, const struct object *o, uint8_t state) {
    return o->is_host && state != STATE_OK ? host_down_state(m, o) : state;
}

static void mark_attempt(struct monitor *m, struct object *o) {
    o->attempt_stamp = o->stamp;
    o->attempt_at = m->t;
    object_touch(m, o);
}

static void put_in_force(struct monitor *m, struct object *o, const struct verdict *v, uint8_t state) {
    if (o->kind != v->kind || o->verdict != state) {
        o->kind = v->kind;
        o->verdict = state;
        object_touch(m, o);
    }
}

/* The verdict counts now: a change at once, an unchanged problem with each complete round. */
static void take_effect(struct monitor *m, struct object *o, const struct verdict *v, uint8_t state,
                        const struct ballot *b) {
    uint8_t before = o->verdict;
    put_in_force(m, o, v, state);
    show(m, o, v, b);
    bool was_good = before == STATE_PENDING || before == STATE_OK;
    if (state == STATE_OK && before == STATE_OK) {
        flapping_result(m, o, false); /* good rounds count against flapping */
        return;
    }
    bool round = was_good || state == STATE_OK || round_complete(m, o, state);
    if (round) {
        mark_attempt(m, o);
    } else if (before == state) {
        flapping_result(m, o, false); /* its rounds need no retry_interval */
        return;
    }
    object_result(m, o, shown_state(m, o, state), round);
}

static uint8_t silent_state(const struct object *o) {
    if (o->def->stale_state >= 0) {
        return (uint8_t)o->def->stale_state;
    }
    return o->is_host ? HOST_DOWN : STATE_UNKNOWN;
}

/* The last decided verdict stands until the round is full; a host keeps its state however long that takes. */
static void note_undecided(struct monitor *m, struct object *o, const struct verdict *v, const struct ballot *b) {
    if (!o->undecided) {
        o->undecided = true;
        o->undecided_stamp = o->stamp;
        object_touch(m, o);
    }
    if (!o->is_host && (o->kind == VERDICT_UNDECIDED || full_round(m, o))) {
        take_effect(m, o, v, STATE_UNKNOWN, b);
    }
}

static void note_decided(struct monitor *m, struct object *o) {
    if (o->undecided) {
        o->undecided = false;
        object_touch(m, o);
    }
}

static void note_dissent(struct monitor *m, struct object *o, const struct verdict *v) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    bool any = false;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        any = any || judge_dissents(m, v, &votes[i]);
    }
    if (any != (o->dissent_since > 0)) {
        o->dissent_since = any ? m->t : 0;
        o->dissent_due = m->t + o->def->freshness_threshold;
        o->dissent_told = false;
        object_touch(m, o);
    }
}

void judge(struct monitor *m, struct object *o) {
    if (judge_waits(m, o, m->t) || !judge_watched(m, o)) {
        return;
    }
    struct ballot b;
    judge_tally(m, o, &b);
    struct verdict v = verdict_of(&b);
    note_dissent(m, o, &v);
    if (v.kind == VERDICT_UNDECIDED) {
        note_undecided(m, o, &v, &b);
        return;
    }
    note_decided(m, o);
    take_effect(m, o, &v, v.kind == VERDICT_SILENT ? silent_state(o) : v.state, &b);
}
