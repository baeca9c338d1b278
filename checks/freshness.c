/* The deadline index: what time alone makes happen, in the order (deadline, id). A binary heap keeps for each object a
   moment that is never later than its real deadline; an entry that comes up early is put back at the real one, so a
   result that only moves deadlines away touches nothing here. */
#include "base/invariant.h"
#include "checks/machine.h"

static bool earlier(const struct deadline *a, const struct deadline *b) {
    return a->at != b->at ? a->at < b->at : a->id < b->id;
}

static void heap_place(struct table *t, uint32_t at, struct deadline d) {
    t->heap[at] = d;
    t->list[d.id].heap_at = (int32_t)at;
}

static void heap_rise(struct table *t, uint32_t at) {
    struct deadline d = t->heap[at];
    while (at > 0 && earlier(&d, &t->heap[(at - 1) / 2])) {
        heap_place(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(t, at, d);
}

static void heap_sink(struct table *t, uint32_t at) {
    struct deadline d = t->heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= t->heap_count) {
            break;
        }
        if (child + 1 < t->heap_count && earlier(&t->heap[child + 1], &t->heap[child])) {
            child++;
        }
        if (!earlier(&t->heap[child], &d)) {
            break;
        }
        heap_place(t, at, t->heap[child]);
        at = child;
    }
    heap_place(t, at, d);
}

static void heap_want(struct table *t, struct object *o, time_ms at) {
    if (at == TIME_NEVER) {
        return;
    }
    if (o->heap_at == OBJECT_NONE) {
        heap_place(t, t->heap_count, (struct deadline){at, o->id});
        heap_rise(t, t->heap_count++);
    } else if (at < t->heap[o->heap_at].at) {
        t->heap[o->heap_at].at = at;
        heap_rise(t, (uint32_t)o->heap_at);
    }
}

static struct object *heap_take(struct table *t) {
    struct object *o = &t->list[t->heap[0].id];
    o->heap_at = OBJECT_NONE;
    if (--t->heap_count > 0) {
        heap_place(t, 0, t->heap[t->heap_count]);
        heap_sink(t, 0);
    }
    return o;
}

static time_ms earliest(time_ms a, time_ms b) {
    return a < b ? a : b;
}

/* The first moment after `now` at which time alone changes something. */
time_ms freshness_deadline(const struct monitor *m, const struct object *o, time_ms now) {
    time_ms at = TIME_NEVER;
    const struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (vote_counted(&votes[i], now)) {
            at = earliest(at, votes[i].fresh_until);
        }
    }
    if (judge_waits(m, o, now)) {
        at = judge_watched(m, o) ? earliest(at, o->first_deadline) : at;
    } else if (judge_rounds_by_time(o)) {
        at = earliest(at, judge_round_due(o));
    }
    if (o->remind_at > 0) {
        at = earliest(at, o->remind_at);
    }
    at = earliest(at, notes_deadline(o));
    if (o->def->dissent_notify && o->dissent_since > 0 && !o->dissent_told) {
        at = earliest(at, o->dissent_due);
    }
    return at;
}

void freshness_extend(struct monitor *m, struct object *o, time_ms before) {
    struct period *period = periods_find(&m->table.periods, m->table.objects, o->def->check_period);
    if (!period || period_holds(period, m->t)) {
        return;
    }
    struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (vote_fresh(&votes[i], before) && !vote_fresh(&votes[i], m->t)) {
            votes[i].fresh_until = period_edge(period, m->t);
            vote_touch(m, &votes[i]);
        }
    }
    if (o->first_deadline > before && o->first_deadline <= m->t) {
        o->first_deadline = period_edge(period, m->t);
        object_touch(m, o);
    }
}

void freshness_schedule(struct monitor *m, struct object *o) {
    heap_want(&m->table, o, freshness_deadline(m, o, m->t));
}

struct object *freshness_next(struct monitor *m, time_ms before) {
    struct table *t = &m->table;
    while (t->heap_count > 0 && t->heap[0].at <= m->t) {
        time_ms noted = t->heap[0].at;
        struct object *o = heap_take(t);
        time_ms at = freshness_deadline(m, o, before);
        if (at <= noted) {
            return o;
        }
        heap_want(t, o, at);
    }
    return NULL;
}

void freshness_rebuild(struct monitor *m, time_ms now) {
    struct table *t = &m->table;
    t->heap_count = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        t->list[i].heap_at = OBJECT_NONE;
    }
    for (uint32_t i = 0; i < t->count; i++) {
        heap_want(t, &t->list[i], freshness_deadline(m, &t->list[i], now));
    }
}

/* ---- the cluster itself was down (R8) ---- */

static void move_votes(struct monitor *m, struct object *o, time_ms before, time_ms jump) {
    struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (vote_fresh(&votes[i], before) && votes[i].fresh_until != TIME_NEVER) {
            votes[i].fresh_until += jump;
            vote_touch(m, &votes[i]);
        }
    }
}

static void move_pending(time_ms *deadline, time_ms jump) {
    if (*deadline > 0) {
        *deadline += jump;
    }
}

static void move_object(struct monitor *m, struct object *o, time_ms before, time_ms jump) {
    move_votes(m, o, before, jump);
    if (o->first_deadline > before) {
        o->first_deadline += jump;
    }
    if (judge_rounds_by_time(o)) {
        o->attempt_at += jump;
    }
    move_pending(&o->next_notification, jump);
    if (!o->waits_for_period) {
        move_pending(&o->remind_at, jump);
    }
    if (o->dissent_due == o->dissent_since + o->def->freshness_threshold) { /* else it waits for a period */
        move_pending(&o->dissent_due, jump);
    }
    move_pending(&o->dissent_since, jump);
    o->gap_moved = true;
    object_touch(m, o);
}

void freshness_move(struct monitor *m, time_ms before, time_ms jump) {
    for (uint32_t i = 0; i < m->table.count; i++) {
        if (!m->table.list[i].gap_moved) {
            move_object(m, &m->table.list[i], before, jump);
        }
    }
}
