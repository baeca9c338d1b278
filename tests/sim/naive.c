/* The naive model: results in, votes, verdicts by R9, rounds, silence and time. */
#include "tests/sim/naive.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void naive_free(struct naive *m) {
    if (m->objects) {
        periods_free(&m->periods);
        objects_free(m->objects);
    }
    free(m->list);
    free(m->notes);
}

struct naive_object *naive_find(const struct naive *m, const char *host, const char *service) {
    for (unsigned i = 0; i < m->count; i++)
        if (strcmp(m->list[i].def->host, host) == 0 && strcmp(m->list[i].def->service, service) == 0)
            return &m->list[i];
    return NULL;
}

bool naive_is_convicted(const struct naive *m, const char *observer) {
    for (unsigned i = 0; i < m->convicted_count; i++)
        if (strcmp(m->convicted[i], observer) == 0)
            return true;
    return false;
}

void naive_apply(struct naive *m, struct objects *objects) {
    m->objects = objects;
    periods_build(&m->periods, objects);
    m->count = objects->host_count + objects->service_count;
    m->list = xcalloc(m->count, sizeof *m->list);
    m->notes = xcalloc(NAIVE_NOTES, sizeof *m->notes);
    for (unsigned i = 0; i < m->count; i++) {
        struct naive_object *o = &m->list[i];
        bool is_host = i < objects->host_count;
        o->def = is_host ? &objects->hosts[i] : &objects->services[i - objects->host_count];
        o->is_host = is_host;
        o->state = STATE_PENDING;
        o->hard = true;
        o->attempt = 1;
        o->since = m->t;
        o->first_until = m->t + o->def->freshness_threshold;
        for (unsigned v = 0; v < o->def->observer_count; v++)
            o->votes[v].convicted = naive_is_convicted(m, o->def->observers[v]);
    }
    for (unsigned i = 0; i < m->count; i++)
        m->list[i].host = naive_find(m, m->list[i].def->host, "");
}

/* ---- from votes to a verdict ---- */

bool naive_fresh(const struct naive *m, const struct naive_vote *v) {
    return v->given && !v->convicted && m->t < v->until;
}

bool naive_believed(const struct naive *m, const struct naive_vote *v) {
    return naive_fresh(m, v) && !v->masked;
}

static unsigned that_bad(const struct naive *m, const struct naive_object *o, unsigned state) {
    unsigned count = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        count += naive_believed(m, &o->votes[i]) && o->votes[i].state >= state && o->votes[i].state != STATE_UNKNOWN;
    return count;
}

static unsigned silent_state(const struct naive_object *o) {
    if (o->def->stale_state >= 0)
        return (unsigned)o->def->stale_state;
    return o->is_host ? HOST_DOWN : STATE_UNKNOWN;
}

unsigned naive_verdict(const struct naive *m, const struct naive_object *o, enum naive_kind *kind) {
    unsigned q = o->def->quorum, say = that_bad(m, o, STATE_OK), missing = o->def->observer_count - say, unknown = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        unknown += naive_believed(m, &o->votes[i]) && o->votes[i].state == STATE_UNKNOWN;
    *kind = SAID_STATE;
    for (unsigned s = STATE_CRITICAL; s > STATE_OK; s--)
        if (that_bad(m, o, s) >= q)
            return s;
    *kind = SAID_BY_NOBODY;
    if (say + unknown == 0)
        return silent_state(o);
    *kind = SAID_STATE;
    if (that_bad(m, o, STATE_WARNING) + missing < q)
        return STATE_OK;
    *kind = unknown >= q ? SAID_UNKNOWN : SAID_TOO_LITTLE;
    return STATE_UNKNOWN;
}

bool naive_dissents(unsigned state, enum naive_kind kind, unsigned vote) {
    if (vote == STATE_UNKNOWN)
        return false;
    return kind == SAID_STATE ? vote != state : vote != STATE_OK;
}

/* ---- the verdict in force ---- */

static bool anybody_spoke(const struct naive_object *o) {
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (o->votes[i].given)
            return true;
    return false;
}

/* Never voted, and is waited for. */
static bool somebody_is_new(const struct naive_object *o) {
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (!o->votes[i].given && !o->votes[i].convicted && !o->votes[i].masked)
            return true;
    return false;
}

static void note_dissent(const struct naive *m, struct naive_object *o, unsigned state, enum naive_kind kind) {
    bool any = false;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        any |= naive_believed(m, &o->votes[i]) && naive_dissents(state, kind, o->votes[i].state);
    if (any && o->dissent_since == 0) {
        o->dissent_since = m->t;
        o->dissent_due = m->t + o->def->freshness_threshold;
        o->dissent_told = false;
    }
    if (!any)
        o->dissent_since = 0;
}

/* Undecided votes say something once everybody who still reports has reported again. */
static bool full_round(const struct naive *m, const struct naive_object *o) {
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (naive_believed(m, &o->votes[i]) && o->votes[i].turn <= o->open_turn)
            return false;
    return true;
}

/* UNKNOWN and silence have no supporters: the clock counts for them. With one observer its results do. */
static bool by_the_clock(const struct naive_object *o) {
    bool alone = o->def->observer_count == 1 && o->said == SAID_UNKNOWN;
    if (o->open && o->said != SAID_TOO_LITTLE) /* votes came back, and say nothing yet: it stands still */
        return false;
    return o->said != SAID_NOTHING && o->said != SAID_STATE && !alone;
}

static time_ms clock_due(const struct naive_object *o) {
    return o->attempt_at + (o->hard ? o->def->check_interval : o->def->retry_interval);
}

static bool supported_anew(const struct naive *m, const struct naive_object *o, unsigned state) {
    unsigned count = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct naive_vote *v = &o->votes[i];
        count += naive_believed(m, v) && v->state >= state && v->state != STATE_UNKNOWN && v->turn > o->attempt_turn;
    }
    return count >= o->def->quorum && m->t >= o->attempt_at + o->def->retry_interval / 2;
}

/* A vote came (result), or time passed, or somebody was convicted or masked. */
static void look(struct naive *m, struct naive_object *o, bool result) {
    enum naive_kind kind;
    m->hears = result;
    if (!anybody_spoke(o) || (somebody_is_new(o) && m->t < o->first_until))
        return;
    unsigned state = naive_verdict(m, o, &kind), was = o->state;
    note_dissent(m, o, state, kind);
    if (kind == SAID_TOO_LITTLE && !o->open)
        o->open_turn = o->turn;
    o->open = kind == SAID_TOO_LITTLE;
    bool stands = o->open && o->said != SAID_TOO_LITTLE && (o->is_host || !full_round(m, o));
    if (stands)
        return;
    o->said = kind;
    unsigned shown = o->is_host && was == HOST_UNREACHABLE ? HOST_DOWN : was;
    bool clock = state != STATE_OK && by_the_clock(o);
    bool alone = o->def->observer_count == 1 && naive_believed(m, &o->votes[0]);
    bool votes = result && (alone || supported_anew(m, o, state));
    bool round = clock ? m->t >= clock_due(o) : votes;
    if (shown != state || round || state == STATE_OK)
        naive_result(m, o, state, round);
    else
        naive_flap(m, o, round);
}

void naive_look(struct naive *m, struct naive_object *o) {
    look(m, o, false);
}

/* ---- results ---- */

static enum error acceptable(const struct naive *m, const struct naive_object *o, const struct naive_vote *v,
                             const struct observation *r, const struct digest *d) {
    time_ms old = o->def->freshness_threshold > 60000 ? o->def->freshness_threshold : 60000;
    if (r->state > (o->is_host ? 2 : 3))
        return ERR_BAD_STATE;
    if (v->given && r->obs_seq == v->obs_seq && !digest_equal(d, &v->digest))
        return ERR_EQUIVOCATION;
    if (v->given && r->obs_seq <= v->obs_seq)
        return ERR_OLD_RESULT;
    return r->observed_at < m->t - old ? ERR_LATE : ERR_OK;
}

struct naive_vote *naive_vote_of(struct naive_object *o, const char *observer) {
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (strcmp(o->def->observers[i], observer) == 0)
            return &o->votes[i];
    return NULL;
}

enum error naive_observe(struct naive *m, const char *observer, const struct observation *r, bool *convict) {
    struct naive_object *o = naive_find(m, r->host, r->service);
    struct digest d = observation_digest(r);
    if (naive_is_convicted(m, observer))
        return ERR_CONVICTED;
    if (!o)
        return *r->service && naive_find(m, r->host, "") ? ERR_UNKNOWN_SERVICE : ERR_UNKNOWN_HOST;
    struct naive_vote *v = naive_vote_of(o, observer);
    if (!v)
        return ERR_NOT_AN_OBSERVER;
    enum error e = acceptable(m, o, v, r, &d);
    *convict = e == ERR_EQUIVOCATION;
    if (e == ERR_OK && !naive_on(m, o, SUBJECT_RESULTS))
        e = ERR_TURNED_OFF;
    if (e != ERR_OK)
        return e;
    naive_round(m, o);
    v->given = true;
    v->at = m->t;
    v->state = o->is_host && r->state ? HOST_DOWN : r->state;
    v->obs_seq = r->obs_seq;
    v->digest = d;
    v->until = o->def->check_freshness ? m->t + o->def->freshness_threshold : NEVER;
    v->turn = ++o->turn;
    o->moved = false;
    look(m, o, true);
    return ERR_OK;
}

void naive_convict(struct naive *m, const char *observer) {
    char text[100];
    if (naive_is_convicted(m, observer))
        return;
    m->convicted[m->convicted_count++] = observer;
    snprintf(text, sizeof text, "observer %s convicted", observer);
    naive_tell_system(m, text);
    for (unsigned i = 0; i < m->count; i++)
        if (naive_vote_of(&m->list[i], observer))
            naive_vote_of(&m->list[i], observer)->convicted = true;
    for (unsigned i = 0; i < m->count; i++) {
        struct naive_object *o = &m->list[i];
        const struct naive_vote *v = naive_vote_of(o, observer);
        if (!v)
            continue;
        naive_masks_of_convicted(m, o, (unsigned)(v - o->votes));
        look(m, o, false);
    }
}

/* ---- time ---- */

static void earlier(time_ms *due, time_ms at, time_ms after, time_ms t) {
    if (at > after && at <= t && at < *due)
        *due = at;
}

/* The first second after `from`, up to now, at which the object's notification_period holds; NEVER: none. */
static time_ms period_begins(const struct naive *m, const struct naive_object *o, time_ms from) {
    for (time_ms s = from / 1000 + 1; s <= m->t / 1000; s++)
        if (naive_in_period(m, o->def->notification_period, s * 1000))
            return s * 1000;
    return NEVER;
}

/* When, after `before` and up to now, the object first had something to do; NEVER: nothing. */
static time_ms due_at(const struct naive *m, const struct naive_object *o, time_ms before) {
    time_ms due = naive_notes_due(m, o), any = INT64_MIN;
    if (o->remind)
        earlier(&due, o->remind, any, m->t);
    if (!anybody_spoke(o))
        return due;
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (o->votes[i].given && !o->votes[i].convicted && !o->votes[i].masked)
            earlier(&due, o->votes[i].until, before, m->t);
    if (somebody_is_new(o))
        earlier(&due, o->first_until, before, m->t);
    if (by_the_clock(o) && o->state != STATE_OK)
        earlier(&due, clock_due(o), any, m->t);
    if (o->def->dissent_notify && o->dissent_since && !o->dissent_told) {
        earlier(&due, o->dissent_due, before, m->t);
        earlier(&due, period_begins(m, o, o->dissent_due > before ? o->dissent_due : before), any, m->t);
    }
    if (o->waits)
        earlier(&due, period_begins(m, o, o->waits_from > before ? o->waits_from : before), any, m->t);
    return due;
}

static void wake(struct naive *m, struct naive_object *o) {
    naive_notes(m, o);
    look(m, o, false);
    bool due = o->remind && o->remind <= m->t,
         begins = o->waits && naive_in_period(m, o->def->notification_period, m->t);
    if (due)
        o->remind = 0;
    if (begins)
        o->waits = false;
    if (due || begins)
        naive_remind(m, o);
    if (o->def->dissent_notify && o->dissent_since && !o->dissent_told && m->t >= o->dissent_due)
        naive_tell_dissent(m, o);
}

static void bridge(struct naive *m, time_ms before, time_ms jump) {
    for (unsigned i = 0; i < m->count; i++) {
        struct naive_object *o = &m->list[i];
        if (o->moved)
            continue;
        o->moved = true;
        for (unsigned v = 0; v < o->def->observer_count; v++)
            if (o->votes[v].given && o->votes[v].until > before && o->votes[v].until != NEVER)
                o->votes[v].until += jump;
        o->first_until += o->first_until > before ? jump : 0;
        o->attempt_at += by_the_clock(o) ? jump : 0;
        o->dissent_due += o->dissent_due > before ? jump : 0; /* else it waits for a period */
        o->remind += o->remind ? jump : 0;
        o->next += o->next ? jump : 0;
    }
    naive_tell_system(m, "CLUSTER_GAP");
}

void naive_advance(struct naive *m, seq_no n, time_ms t) {
    time_ms before = m->begun ? m->t : t;
    bool *done = xcalloc(m->count + 1, sizeof *done);
    m->n = n;
    m->t = t;
    m->begun = true;
    if (t - before > m->gap)
        bridge(m, before, t - before);
    for (;;) {
        unsigned first = m->count;
        for (unsigned i = 0; i < m->count; i++)
            if (!done[i] && due_at(m, &m->list[i], before) != NEVER &&
                (first == m->count || due_at(m, &m->list[i], before) < due_at(m, &m->list[first], before)))
                first = i;
        if (first == m->count)
            break;
        done[first] = true;
        wake(m, &m->list[first]);
    }
    free(done);
}
