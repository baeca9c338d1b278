/* The naive model: what operators say. docs/MONITORING.md, "What operators say", and the rules of Nagios Core behind
 * it.
 */
#include "base/bytes.h"
#include "base/invariant.h"
#include "tests/sim/naive.h"

#include <stdio.h>
#include <string.h>

enum { OF_ONE = 64, EXPIRES_BEHIND_MS = 1000 };

/* ---- notes ---- */

static struct naive_note *note_at(const struct naive *m, uint64_t id) {
    for (unsigned i = 0; i < m->note_count; i++)
        if (m->notes[i].id == id && !m->notes[i].gone)
            return &m->notes[i];
    return NULL;
}

static bool full(const struct naive *m, const struct naive_object *o) {
    unsigned count = 0;
    for (unsigned i = 0; i < m->note_count; i++)
        count += m->notes[i].object == o && !m->notes[i].gone;
    return count >= OF_ONE || m->note_count == NAIVE_NOTES;
}

static struct naive_note *add(struct naive *m, struct naive_object *o, enum note_kind kind, const struct op_command *c,
                              const char *author) {
    struct naive_note *n = &m->notes[m->note_count++];
    *n = (struct naive_note){.id = m->note_count, .kind = kind, .object = o, .author = author, .end = c->end};
    return n;
}

struct naive_note *naive_acknowledgement(const struct naive *m, const struct naive_object *o) {
    for (unsigned i = 0; i < m->note_count; i++) {
        struct naive_note *n = &m->notes[i];
        if (n->object == o && n->kind == NOTE_ACKNOWLEDGEMENT && n->in_effect && !n->gone)
            return n;
    }
    return NULL;
}

static void acknowledgement_ends(struct naive_note *n) {
    n->in_effect = false;
    n->gone = !n->persistent;
}

void naive_state_changed(struct naive *m, struct naive_object *o) {
    struct naive_note *n = naive_acknowledgement(m, o);
    if (n && (!n->sticky || o->state == STATE_OK))
        acknowledgement_ends(n);
}

/* ---- downtime ---- */

unsigned naive_depth(const struct naive *m, const struct naive_object *o) {
    unsigned depth = 0;
    for (unsigned i = 0; i < m->note_count; i++) {
        const struct naive_note *n = &m->notes[i];
        depth += n->object == o && n->kind == NOTE_DOWNTIME && n->in_effect && !n->gone;
    }
    return depth;
}

bool naive_in_downtime(const struct naive *m, const struct naive_object *o) {
    return naive_depth(m, o) > 0 || naive_depth(m, o->host) > 0;
}

/* A flexible one that nobody triggers, in its window. */
static bool is_open(const struct naive *m, const struct naive_note *n) {
    return n->kind == NOTE_DOWNTIME && !n->gone && !n->in_effect && !n->fixed && n->trigger == 0 && n->start <= m->t &&
           m->t <= n->end;
}

bool naive_downtime_waits(const struct naive *m, const struct naive_object *o) {
    for (unsigned i = 0; i < m->note_count; i++)
        if (is_open(m, &m->notes[i]) && (m->notes[i].object == o || m->notes[i].object == o->host))
            return true;
    return false;
}

static void begin(struct naive *m, struct naive_note *n) {
    if (n->in_effect || (n->fixed && n->end <= m->t))
        return;
    if (naive_depth(m, n->object) == 0)
        naive_remark(m, n->object, ALERT_DOWNTIMESTART, 0, n->author);
    n->in_effect = true;
    n->until = n->fixed ? n->end : m->t + n->duration;
    for (unsigned i = 0; i < m->note_count; i++)
        if (m->notes[i].kind == NOTE_DOWNTIME && m->notes[i].trigger == n->id && !m->notes[i].gone)
            begin(m, &m->notes[i]);
}

static void finish(struct naive *m, struct naive_note *n) {
    n->in_effect = false;
    n->gone = true;
    if (naive_depth(m, n->object) == 0)
        naive_remark(m, n->object, ALERT_DOWNTIMEEND, 0, n->author);
    for (unsigned i = 0; i < m->note_count; i++)
        if (m->notes[i].trigger == n->id && m->notes[i].in_effect && !m->notes[i].gone)
            finish(m, &m->notes[i]);
}

static void cancel(struct naive *m, struct naive_note *n, const char *who) {
    bool was = n->in_effect;
    n->in_effect = false;
    n->gone = true;
    if (was && naive_depth(m, n->object) == 0)
        naive_remark(m, n->object, ALERT_DOWNTIMECANCELLED, 0, who);
    for (unsigned i = 0; i < m->note_count; i++)
        if (m->notes[i].kind == NOTE_DOWNTIME && m->notes[i].trigger == n->id && !m->notes[i].gone)
            cancel(m, &m->notes[i], who);
}

void naive_problem_changed(struct naive *m, struct naive_object *o) {
    for (unsigned i = 0; i < m->note_count; i++)
        if (is_open(m, &m->notes[i]) && m->notes[i].object == o)
            begin(m, &m->notes[i]);
}

/* ---- time ---- */

static time_ms due(const struct naive_note *n) {
    if (n->gone || (n->kind == NOTE_ACKNOWLEDGEMENT && (!n->in_effect || n->end == 0)) || n->kind == NOTE_COMMENT)
        return NEVER;
    if (n->kind == NOTE_ACKNOWLEDGEMENT)
        return n->end;
    if (n->in_effect)
        return n->until;
    return n->fixed && n->trigger == 0 ? n->start : n->end + EXPIRES_BEHIND_MS;
}

static struct naive_note *next_note(const struct naive *m, const struct naive_object *o) {
    struct naive_note *first = NULL;
    for (unsigned i = 0; i < m->note_count; i++)
        if (m->notes[i].object == o && due(&m->notes[i]) <= m->t && (!first || due(&m->notes[i]) < due(first)))
            first = &m->notes[i];
    return first;
}

time_ms naive_notes_due(const struct naive *m, const struct naive_object *o) {
    const struct naive_note *n = next_note(m, o);
    return n ? due(n) : NEVER;
}

static void comes_up(struct naive *m, struct naive_note *n) {
    if (n->kind == NOTE_ACKNOWLEDGEMENT) {
        acknowledgement_ends(n);
    } else if (n->in_effect) {
        finish(m, n);
    } else if (!n->fixed || n->trigger) { /* it never began */
        naive_remark(m, n->object, ALERT_DOWNTIMEEND, 0, n->author);
        n->gone = true;
    } else if (n->end <= m->t) {
        cancel(m, n, "");
    } else {
        begin(m, n);
    }
}

void naive_notes(struct naive *m, struct naive_object *o) {
    for (struct naive_note *n; (n = next_note(m, o));)
        comes_up(m, n);
}

/* ---- whom it is for ---- */

static bool is_behind(const struct naive *m, const struct naive_object *host, const char *above) {
    for (unsigned i = 0; i < host->def->parent_count; i++) {
        const char *parent = host->def->parents[i];
        if (strcmp(parent, above) == 0 || is_behind(m, naive_find(m, parent, ""), above))
            return true;
    }
    return false;
}

static bool is_meant(const struct naive *m, const struct op_command *c, const struct naive_object *o) {
    bool same_host = strcmp(o->def->host, c->host) == 0, behind = is_behind(m, o->host, c->host);
    switch (c->target) {
    case TARGET_OBJECT:
        return same_host && strcmp(o->def->service, c->service) == 0;
    case TARGET_SERVICES:
        return same_host && !o->is_host;
    case TARGET_CHILDREN:
        return o->is_host && (same_host || behind);
    case TARGET_BEYOND:
        return behind;
    default:
        return true;
    }
}

/* The host itself first, then by name. */
static unsigned meant(struct naive *m, const struct op_command *c, struct naive_object **out) {
    unsigned count = 0;
    struct naive_object *own = c->target == TARGET_CHILDREN ? naive_find(m, c->host, "") : NULL;
    if (own)
        out[count++] = own;
    for (unsigned i = 0; i < m->count; i++)
        if (&m->list[i] != own && is_meant(m, c, &m->list[i]))
            out[count++] = &m->list[i];
    return count;
}

/* ---- commands ---- */

struct order {
    const struct op_command *c;
    const char *by, *author;
    struct naive_object *list[NAIVE_OBJECTS];
    unsigned count;
};

static bool any_full(const struct naive *m, const struct order *x) {
    for (unsigned i = 0; i < x->count; i++)
        if (full(m, x->list[i]))
            return true;
    return false;
}

static enum error acknowledge(struct naive *m, const struct order *x) {
    struct naive_object *o = x->list[0];
    REQUIRE(o != NULL);
    if (o->state == STATE_OK || o->state == STATE_PENDING)
        return ERR_NO_PROBLEM;
    if (x->c->end && x->c->end <= m->t)
        return ERR_BAD_TIME;
    const struct naive_note *before = naive_acknowledgement(m, o);
    if ((!before || before->persistent) && any_full(m, x))
        return ERR_TOO_MANY;
    if (x->c->flags & COMMAND_TELL)
        naive_remark(m, o, ALERT_ACKNOWLEDGEMENT, 0, x->author);
    if (naive_acknowledgement(m, o))
        acknowledgement_ends(naive_acknowledgement(m, o));
    struct naive_note *n = add(m, o, NOTE_ACKNOWLEDGEMENT, x->c, x->author);
    n->in_effect = true;
    n->sticky = x->c->flags & COMMAND_STICKY;
    n->persistent = x->c->flags & COMMAND_PERSISTENT;
    return ERR_OK;
}

static enum error unacknowledge(struct naive *m, const struct order *x) {
    struct naive_note *n = naive_acknowledgement(m, x->list[0]);
    if (!n)
        return ERR_UNKNOWN_ID;
    acknowledgement_ends(n);
    return ERR_OK;
}

static enum error downtime(struct naive *m, const struct order *x) {
    const struct op_command *c = x->c;
    bool fixed = c->flags & COMMAND_FIXED;
    const struct naive_note *trigger = note_at(m, c->id);
    uint64_t first = 0;
    if (c->start >= c->end || c->end <= m->t || (!fixed && c->duration == 0))
        return ERR_BAD_TIME;
    if (c->id && (!trigger || trigger->kind != NOTE_DOWNTIME))
        return ERR_UNKNOWN_ID;
    if (any_full(m, x))
        return ERR_TOO_MANY;
    for (unsigned i = 0; i < x->count; i++) {
        struct naive_note *n = add(m, x->list[i], NOTE_DOWNTIME, c, x->author);
        bool theirs = i > 0 && c->target == TARGET_CHILDREN && (c->flags & COMMAND_TRIGGERED);
        n->fixed = fixed;
        n->start = c->start;
        n->duration = c->duration;
        n->trigger = theirs ? first : i > 0 && c->target == TARGET_CHILDREN ? 0 : c->id;
        first = i == 0 ? n->id : first;
        const struct naive_note *by = note_at(m, n->trigger);
        if (by ? by->in_effect : fixed && n->start <= m->t)
            begin(m, n);
    }
    return ERR_OK;
}

static enum error of_an_id(struct naive *m, const struct order *x) {
    struct naive_note *n = note_at(m, x->c->id);
    bool is_downtime = n && n->kind == NOTE_DOWNTIME;
    if (!n || is_downtime != (x->c->kind == COMMAND_CANCEL_DOWNTIME) || (!is_downtime && n->in_effect))
        return ERR_UNKNOWN_ID;
    if (is_downtime)
        cancel(m, n, x->author);
    n->gone = true;
    return ERR_OK;
}

static enum error delay(struct naive *m, const struct order *x) {
    struct naive_object *o = x->list[0];
    REQUIRE(o != NULL);
    o->next = x->c->start > m->t ? x->c->start : m->t + 1;
    o->remind = o->remind ? o->next : 0;
    return ERR_OK;
}

/* Results that nobody may send grow no older. */
static void results_turned(struct naive *m, struct naive_object *o, bool on) {
    for (unsigned i = 0; i < o->def->observer_count; i++)
        if (o->def->check_freshness && o->votes[i].given && m->t < o->votes[i].until)
            o->votes[i].until = on ? m->t + o->def->freshness_threshold : NEVER;
}

static enum error turn(struct naive *m, const struct order *x) {
    enum command_subject s = x->c->subject;
    bool on = x->c->kind == COMMAND_ENABLE;
    for (unsigned i = 0; i < x->count; i++) {
        struct naive_object *o = x->list[i];
        bool was = naive_on(m, o, s);
        o->turned[s] = on ? 1 : -1;
        if (s == SUBJECT_RESULTS && was != on)
            results_turned(m, o, on);
        if (s == SUBJECT_FLAP_DETECTION && !on)
            naive_flaps_no_more(m, o);
    }
    return ERR_OK;
}

static enum error mask(struct naive *m, const struct order *x) {
    enum error e = ERR_NOT_AN_OBSERVER;
    char text[100];
    bool set = x->c->kind == COMMAND_MASK;
    for (unsigned i = 0; i < x->count; i++) {
        struct naive_vote *v = naive_vote_of(x->list[i], x->c->observer);
        enum error one = v ? naive_mask(v, x->by, set) : ERR_NOT_AN_OBSERVER;
        if (one == ERR_OK || e == ERR_NOT_AN_OBSERVER || (e != ERR_OK && one == ERR_CONVICTED))
            e = one;
    }
    if (e != ERR_OK)
        return e;
    snprintf(text, sizeof text, "observer %s %s by %s for ", x->c->observer, set ? "masked" : "unmasked", x->by);
    naive_tell_system(m, text);
    for (unsigned i = 0; i < x->count; i++)
        if (naive_vote_of(x->list[i], x->c->observer))
            naive_look(m, x->list[i]);
    return ERR_OK;
}

static enum error obey(struct naive *m, const struct order *x) {
    switch (x->c->kind) {
    case COMMAND_ACKNOWLEDGE:
        return acknowledge(m, x);
    case COMMAND_UNACKNOWLEDGE:
        return unacknowledge(m, x);
    case COMMAND_DOWNTIME:
        return downtime(m, x);
    case COMMAND_CANCEL_DOWNTIME:
    case COMMAND_DELETE_COMMENT:
        return of_an_id(m, x);
    case COMMAND_COMMENT:
        if (any_full(m, x))
            return ERR_TOO_MANY;
        add(m, x->list[0], NOTE_COMMENT, x->c, x->author);
        return ERR_OK;
    case COMMAND_NOTIFY:
        naive_remark(m, x->list[0], ALERT_CUSTOM, x->c->flags, x->author);
        return ERR_OK;
    case COMMAND_DELAY:
        return delay(m, x);
    case COMMAND_MASK:
    case COMMAND_UNMASK:
        return mask(m, x);
    default:
        return turn(m, x);
    }
}

enum error naive_command(struct naive *m, const char *by, const struct op_command *c) {
    struct order x = {.c = c, .by = by, .author = *c->author ? c->author : by};
    if (c->target != TARGET_CLUSTER && !naive_find(m, c->host, ""))
        return ERR_UNKNOWN_HOST;
    if (c->target == TARGET_OBJECT && !naive_find(m, c->host, c->service))
        return ERR_UNKNOWN_SERVICE;
    x.count = meant(m, c, x.list);
    return obey(m, &x);
}
