/* Observers that are set aside: by their score, never more of an object than it bears, or by an operator. A masked
   observer is missing in the tally; m and q stay, and it is scored and shown as before. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- standings ---- */

struct standing *standing_of(struct observer_vote *v) {
    if (!v->standing) {
        v->standing = xcalloc(1, sizeof *v->standing);
    }
    return v->standing;
}

void standing_free(struct observer_vote *v) {
    if (v->standing) {
        text_free(&v->standing->by);
        free(v->standing);
        v->standing = NULL;
    }
}

void standing_settle(struct observer_vote *v) {
    const struct standing *s = v->standing;
    if (s && s->score == 0 && s->masks == 0 && s->masked_at == 0) {
        standing_free(v);
    }
}

static bool standing_is_sound(const struct standing *s) {
    bool has_reason = s->score > 0 || s->masks > 0 || s->masked_at > 0;
    bool counts = s->rounds <= SCORE_ROUNDS_MAX && s->dissents <= s->rounds && s->probation <= PROBATION_MAX;
    bool masked_well = s->by.len == 0 ? s->masked_at == 0 || (s->masks > 0 && s->score > 0) : s->masked_at > 0;
    bool free_well = s->masks > 0 || s->probation == 0;
    return has_reason && counts && masked_well && free_well && s->score <= SCORE_MAX && s->masks <= MASKS_MAX &&
           s->masked_at >= 0 && s->dissent_at >= 0 && s->said <= STATE_CRITICAL && s->truth <= STATE_CRITICAL;
}

/* ---- how many are set aside ---- */

struct aside {
    unsigned by_score, by_operator, convicted;
};

static struct aside set_aside(const struct table *t, const struct object *o) {
    const struct observer_vote *votes = object_votes(t, o);
    struct aside a = {0};
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        bool masked = vote_masked(&votes[i]), by_operator = masked && votes[i].standing->by.len > 0;
        a.by_operator += by_operator;
        a.by_score += masked && !by_operator;
        a.convicted += votes[i].convicted;
    }
    return a;
}

static unsigned all_aside(const struct aside *a) {
    return a->by_score + a->by_operator + a->convicted;
}

/* Scores never set aside what the convictions leave no room for. */
static bool leaves_room(const struct aside *a, const struct object *o) {
    return a->by_score == 0 || a->by_score + a->convicted <= score_bears(o);
}

bool mask_is_sound(const struct table *t, const struct object *o) {
    const struct observer_vote *votes = object_votes(t, o);
    struct aside a = set_aside(t, o);
    bool sound = leaves_room(&a, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct standing *s = votes[i].standing;
        sound = sound && (!s || (standing_is_sound(s) && !votes[i].convicted));
    }
    return sound;
}

/* ---- by the score ---- */

static void name_object(struct buffer *out, const struct object *o) {
    buffer_printf(out, "%s%s%s", o->def->host, o->is_host ? "" : "/", o->def->service);
}

static void describe_rounds(struct buffer *out, const struct object *o, const struct standing *s) {
    char time[TIME_TEXT];
    text_time(time, s->dissent_at);
    buffer_printf(out, "it disagreed in %u of %u rounds, last at %s: %s where the verdict was %s", s->dissents,
                  s->rounds, time, state_name(o->is_host, s->said), state_name(o->is_host, s->truth));
}

static void announce(struct monitor *m, const struct object *o, unsigned observer, const char *what, const char *why) {
    struct buffer text = {0};
    buffer_printf(&text, "observer %s %s for ", o->def->observers[observer], what);
    name_object(&text, o);
    buffer_printf(&text, ": %s", why);
    notify_system(m, buffer_cstr(&text));
    buffer_free(&text);
}

static void mask_by_score(struct monitor *m, struct object *o, unsigned observer, struct standing *s) {
    struct buffer why = {0};
    s->masked_at = m->t;
    s->score = SCORE_MAX;
    s->masks += s->masks < MASKS_MAX;
    s->probation = 0;
    s->told = false;
    describe_rounds(&why, o, s);
    announce(m, o, observer, "masked", buffer_cstr(&why));
    buffer_free(&why);
}

static void complain_once(struct monitor *m, struct object *o, unsigned observer, struct standing *s,
                          const struct aside *a) {
    struct buffer why = {0};
    if (s->told) {
        return;
    }
    s->told = true;
    describe_rounds(&why, o, s);
    buffer_printf(&why, "; %u of %u observers are set aside already, and %u is the most that the quorum bears",
                  all_aside(a), o->def->observer_count, score_bears(o));
    announce(m, o, observer, "not masked", buffer_cstr(&why));
    buffer_free(&why);
}

/* Convicted observers count against the room, and so do those that an operator masked: all are missing, and with more
   than t missing the others could no longer decide. */
void mask_consider(struct monitor *m, struct object *o, unsigned observer) {
    struct standing *s = object_votes(&m->table, o)[observer].standing;
    unsigned limit = s->probation > 0 ? PROBATION_LIMIT : SCORE_MAX;
    struct aside a = set_aside(&m->table, o);
    if (s->masked_at > 0 || s->score < limit) {
        return;
    }
    if (all_aside(&a) < score_bears(o)) {
        mask_by_score(m, o, observer, s);
    } else {
        complain_once(m, o, observer, s, &a);
    }
}

static void put_on_probation(struct monitor *m, struct object *o, unsigned observer, const char *why) {
    struct observer_vote *v = &object_votes(&m->table, o)[observer];
    struct standing *s = v->standing;
    struct buffer text = {0};
    s->masked_at = 0;
    s->score = 0;
    s->rounds = s->dissents = 0;
    s->probation = (uint32_t)SCORE_MAX << (s->masks - 1);
    ENSURE(s->probation <= PROBATION_MAX);
    vote_touch(m, v);
    buffer_printf(&text, "%s; on probation for %u rounds", why, s->probation);
    announce(m, o, observer, "unmasked", buffer_cstr(&text));
    buffer_free(&text);
}

void mask_lift(struct monitor *m, struct object *o, unsigned observer) {
    struct observer_vote *v = &object_votes(&m->table, o)[observer];
    struct standing *s = v->standing;
    if (s->masked_at > 0 && s->by.len == 0) {
        put_on_probation(m, o, observer, "it agreed again");
        return;
    }
    s->rounds = s->dissents = 0;
    s->told = false;
    standing_settle(v);
}

/* ---- giving way ---- */

/* Of those masked by their score the one that is nearest to being unmasked anyway, by name where that is equal. */
static unsigned nearest_to_release(const struct table *t, const struct object *o) {
    const struct observer_vote *votes = object_votes(t, o);
    unsigned best = VOTERS_MAX;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        bool by_score = vote_masked(&votes[i]) && votes[i].standing->by.len == 0;
        if (by_score && (best == VOTERS_MAX || votes[i].standing->score < votes[best].standing->score)) {
            best = i;
        }
    }
    ENSURE(best < VOTERS_MAX);
    return best;
}

void mask_trim(struct monitor *m, struct object *o) {
    for (;;) {
        struct aside a = set_aside(&m->table, o);
        if (leaves_room(&a, o)) {
            return;
        }
        put_on_probation(m, o, nearest_to_release(&m->table, o), "no more than the quorum bears may be set aside");
    }
}

void mask_convicted(struct monitor *m, struct observer_vote *v) {
    if (v->standing) {
        standing_free(v);
        vote_touch(m, v);
    }
}

/* ---- by an operator ---- */

struct outcome {
    unsigned named, convicted, changed; /* objects that name the observer; where it is convicted; that changed */
    unsigned beyond;                    /* of the changed: more set aside than they bear */
    const struct object *last, *last_beyond;
};

static bool mask_set(struct monitor *m, struct observer_vote *v, const char *by) {
    if (vote_masked(v) && v->standing->by.len > 0) {
        return false;
    }
    struct standing *s = standing_of(v);
    text_set(&s->by, by);
    s->masked_at = m->t;
    s->told = false;
    return true;
}

static bool mask_clear(struct observer_vote *v) {
    bool any = v->standing != NULL;
    standing_free(v);
    return any;
}

static void mask_one(struct monitor *m, struct object *o, const struct mask_request *r, struct outcome *out) {
    int at = object_observer(o, r->observer);
    if (at < 0) {
        return;
    }
    struct observer_vote *v = &object_votes(&m->table, o)[at];
    out->named++;
    out->convicted += v->convicted;
    bool set = r->order == MASK_SET;
    if (set ? v->convicted || !mask_set(m, v, r->by) : !mask_clear(v)) {
        return;
    }
    vote_touch(m, v);
    struct aside a = set_aside(&m->table, o);
    out->changed++;
    out->last = o;
    if (set && all_aside(&a) > score_bears(o)) {
        out->beyond++;
        out->last_beyond = o;
    }
}

static void name_objects(struct buffer *out, unsigned count, const struct object *last) {
    if (count == 1) {
        name_object(out, last);
    } else {
        buffer_printf(out, "%u hosts and services", count);
    }
}

static void describe_order(struct buffer *out, const struct mask_request *r, const struct outcome *x) {
    buffer_printf(out, "observer %s %s by %s for ", r->observer, r->order == MASK_SET ? "masked" : "unmasked", r->by);
    name_objects(out, x->changed, x->last);
    if (x->beyond > 0) {
        buffer_printf(out, "; more observers of ");
        name_objects(out, x->beyond, x->last_beyond);
        buffer_printf(out, " are set aside than the quorum bears: the others may be unable to decide");
    }
}

static enum error order_refused(const struct mask_request *r, const struct outcome *x) {
    if (x->named == 0) {
        return ERR_NOT_AN_OBSERVER;
    }
    if (x->changed > 0) {
        return ERR_OK;
    }
    if (r->order == MASK_CLEAR) {
        return ERR_NOT_FOUND;
    }
    return x->convicted > 0 ? ERR_CONVICTED : ERR_DUPLICATE;
}

/* The objects that are meant: all, or the one. */
static enum error find_range(const struct monitor *m, const struct mask_request *r, uint32_t *first, uint32_t *end) {
    *first = 0;
    *end = m->table.count;
    if (r->host[0]) {
        int64_t id = table_find(&m->table, r->host, r->service);
        if (id == OBJECT_NONE) {
            bool known = table_find(&m->table, r->host, "") != OBJECT_NONE;
            return known ? ERR_UNKNOWN_SERVICE : ERR_UNKNOWN_HOST;
        }
        *first = (uint32_t)id;
        *end = *first + 1;
    }
    return ERR_OK;
}

static void judge_range(struct monitor *m, const char *observer, uint32_t first, uint32_t end) {
    for (uint32_t i = first; i < end; i++) {
        struct object *o = &m->table.list[i];
        if (object_observer(o, observer) >= 0) {
            judge(m, o);
            freshness_schedule(m, o);
        }
    }
}

enum error monitor_mask(struct monitor *m, const struct mask_request *r, const struct monitor_sink *sink,
                        struct buffer *said) {
    uint32_t first, end;
    struct outcome x = {0};
    if (!r->by[0] || strlen(r->by) > NAME_MAX_LEN) {
        return ERR_OVERSIZED;
    }
    enum error e = find_range(m, r, &first, &end);
    for (uint32_t i = first; e == ERR_OK && i < end; i++) {
        mask_one(m, &m->table.list[i], r, &x);
    }
    e = e == ERR_OK ? order_refused(r, &x) : e;
    if (e != ERR_OK) {
        return e;
    }
    size_t from = said->len;
    describe_order(said, r, &x);
    m->sink = sink;
    notify_system(m, buffer_cstr(said) + from);
    judge_range(m, r->observer, first, end);
    m->sink = NULL;
    return ERR_OK;
}
