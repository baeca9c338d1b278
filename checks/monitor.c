/* The door: batches begin here, results come in here, and everything they lead to happens before the call returns. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>

enum { LATE_AT_LEAST = 60 * 1000 };

struct monitor *monitor_new(const struct monitor_config *config) {
    struct monitor *m = xcalloc(1, sizeof *m);
    m->config = *config;
    return m;
}

void monitor_free(struct monitor *m) {
    if (!m) {
        return;
    }
    table_free(&m->table);
    buffer_free(&m->bytes);
    name_list_free(&m->convicted);
    notes_free(&m->notes);
    key_list_free(&m->gone);
    snapshot_drop_held(m);
    free(m);
}

/* ---- time ---- */

static void bridge_gap(struct monitor *m, time_ms before, time_ms jump) {
    freshness_move(m, before, jump);
    freshness_rebuild(m, before);
    struct buffer text = {0};
    buffer_printf(&text, "CLUSTER_GAP: agreed time stood still for %lld s: every deadline moved by as much",
                  (long long)(jump / 1000));
    notify_system(m, buffer_cstr(&text));
    buffer_free(&text);
}

/* Time brought an object up: its votes may be stale, a round, a reminder or a dissent due. */
static void wake(struct monitor *m, struct object *o, time_ms before) {
    freshness_extend(m, o, before);
    notes_wake(m, o);
    judge(m, o);
    if (o->remind_at > 0 && o->remind_at <= m->t) {
        o->remind_at = 0;
        object_remind(m, o);
    }
    if (o->def->dissent_notify && o->dissent_since > 0 && !o->dissent_told && m->t >= o->dissent_due) {
        notify_dissent(m, o);
    }
    freshness_schedule(m, o);
    ENSURE(freshness_deadline(m, o, m->t) > m->t);
}

void monitor_advance(struct monitor *m, seq_no n, time_ms t, const struct monitor_sink *sink) {
    REQUIRE(!m->advanced || (n > m->n && t >= m->t));
    time_ms before = m->advanced ? m->t : t, jump = t - before;
    m->n = n;
    m->t = t;
    m->advanced = true;
    m->header_dirty = true;
    m->sink = sink;
    if (m->config.cluster_gap > 0 && jump > m->config.cluster_gap) {
        bridge_gap(m, before, jump);
    }
    for (struct object *o; (o = freshness_next(m, before));) {
        wake(m, o, before);
    }
    m->sink = NULL;
}

/* ---- results ---- */

static enum error find_object(const struct monitor *m, const struct observation *o, struct object **out) {
    int64_t id = table_find(&m->table, o->host, o->service);
    if (id == OBJECT_NONE) {
        bool known = table_find(&m->table, o->host, "") != OBJECT_NONE;
        return known && o->service[0] ? ERR_UNKNOWN_SERVICE : ERR_UNKNOWN_HOST;
    }
    *out = &m->table.list[id];
    return ERR_OK;
}

static bool is_late(const struct monitor *m, const struct object *o, const struct observation *result) {
    time_ms threshold = o->def->freshness_threshold;
    return result->observed_at < m->t - (threshold > LATE_AT_LEAST ? threshold : LATE_AT_LEAST);
}

/* Strictly newer, or why not. One obs_seq with two contents convicts whoever signed both. */
static enum error check_order(const struct observer_vote *v, const struct observation *result,
                              const struct digest *digest, bool *convict) {
    if (v->state == STATE_PENDING || result->obs_seq > v->obs_seq) {
        return ERR_OK;
    }
    if (result->obs_seq == v->obs_seq && !digest_equal(digest, &v->digest)) {
        *convict = true;
        return ERR_EQUIVOCATION;
    }
    return ERR_OLD_RESULT;
}

static void vote_take(struct monitor *m, struct object *o, int observer, const struct observation *result,
                      const struct digest *digest) {
    struct observer_vote *v = &object_votes(&m->table, o)[observer];
    uint8_t state = o->is_host && result->state != HOST_UP ? HOST_DOWN : result->state;
    if (o->source == observer && v->state != state) {
        object_keep_text(m, o);
    }
    text_set(&v->output, result->output);
    text_set(&v->perfdata, result->perfdata);
    v->digest = *digest;
    v->obs_seq = result->obs_seq;
    v->stamp = ++o->stamp;
    v->accepted_at = m->t;
    v->observed_at = result->observed_at < m->t ? result->observed_at : m->t;
    v->fresh_until = o->def->check_freshness ? m->t + o->def->freshness_threshold : TIME_NEVER;
    v->state = state;
    vote_touch(m, v);
    if (o->gap_moved) {
        o->gap_moved = false;
        object_touch(m, o);
    }
}

enum error monitor_observe(struct monitor *m, const char *observer, const struct observation *o,
                           const struct monitor_sink *sink, bool *convict) {
    *convict = false;
    struct object *object = NULL;
    enum error e = find_object(m, o, &object);
    if (e != ERR_OK) {
        return e;
    }
    int at = object_observer(object, observer);
    if (at < 0) {
        return ERR_NOT_AN_OBSERVER;
    }
    if (o->state > (object->is_host ? HOST_UNREACHABLE : STATE_UNKNOWN)) {
        return ERR_BAD_STATE;
    }
    struct digest digest = observation_digest(o);
    e = check_order(&object_votes(&m->table, object)[at], o, &digest, convict);
    if (e != ERR_OK) {
        return e;
    }
    if (is_late(m, object, o)) {
        return ERR_LATE;
    }
    if (!switched_on(m, object, SUBJECT_RESULTS, true)) {
        return ERR_TURNED_OFF;
    }
    m->sink = sink;
    score_close(m, object);
    vote_take(m, object, at, o, &digest);
    m->hears = true;
    judge(m, object);
    m->hears = false;
    freshness_schedule(m, object);
    m->sink = NULL;
    return ERR_OK;
}

/* ---- facts and invariants ---- */

uint64_t monitor_alerts(const struct monitor *m) {
    return m->alerts;
}

struct digest monitor_objects_digest(const struct monitor *m) {
    return m->digest;
}

struct bytes monitor_objects(const struct monitor *m) {
    return buffer_bytes(&m->bytes);
}

static void check_object(const struct monitor *m, const struct object *o) {
    const struct object_checkable *def = o->def;
    ENSURE(o->attempt >= 1 && o->attempt <= def->max_check_attempts);
    ENSURE(o->attempt_stamp <= o->stamp && o->undecided_stamp <= o->stamp);
    ENSURE(o->history_stamp <= o->stamp);
    ENSURE(o->source < (int32_t)def->observer_count);
    IMPLIES(o->state == STATE_PENDING, o->kind == VERDICT_NONE);
    IMPLIES(o->state == STATE_OK, o->hard && o->number == 0 && o->notified_on == 0);
    IMPLIES(o->kind == VERDICT_UNDECIDED, !o->is_host);
    ENSURE(mask_is_sound(&m->table, o)); /* I17 */
    for (unsigned i = 0; i < def->observer_count; i++) {
        ENSURE(object_votes(&m->table, o)[i].stamp <= o->stamp);
    }
    notes_check(m, o);
    time_ms due = freshness_deadline(m, o, m->t);
    IMPLIES(due != TIME_NEVER, o->heap_at != OBJECT_NONE && m->table.heap[o->heap_at].at <= due);
}

void monitor_check(const struct monitor *m) {
    const struct table *t = &m->table;
    for (uint32_t i = 0; i < t->count; i++) {
        check_object(m, &t->list[i]);
    }
    for (uint32_t i = 0; i < t->heap_count; i++) {
        ENSURE(t->list[t->heap[i].id].heap_at == (int32_t)i);
        ENSURE(i == 0 || t->heap[(i - 1) / 2].at <= t->heap[i].at);
    }
}
