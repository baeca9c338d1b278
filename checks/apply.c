/* A new object configuration takes the place of the old one, all or nothing. What keeps its name keeps its state; what
   keeps its observers keeps their votes; what vanished takes its records along. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 4096 };

/* ---- may these observers speak? ---- */

static void complain(struct buffer *why, const struct object_checkable *def, const char *observer, const char *what) {
    struct buffer line = {0};
    buffer_printf(&line, "%s %s%s%s: _OBSERVERS: %s %s\n", def->service[0] ? "service" : "host", def->host,
                  def->service[0] ? "/" : "", def->service, observer, what);
    if (why->len + line.len <= WHY_MAX) {
        buffer_put(why, line.data, line.len);
    }
    buffer_free(&line);
}

/* The agent that bears the host's name may come later; whom the configuration names must be there. */
static bool observers_may_speak(const struct object_checkable *def, const struct monitor_authority *authority,
                                struct buffer *why) {
    bool good = true;
    for (unsigned i = 0; i < def->observer_count && !def->observers_implicit; i++) {
        const char *observer = def->observers[i];
        if (!authority->known(authority->self, observer)) {
            complain(why, def, observer, "is not enrolled: enroll it or name another");
            good = false;
        } else if (!authority->may(authority->self, observer, def->host)) {
            complain(why, def, observer, "may not speak for this host: enroll it for the host or name another");
            good = false;
        }
    }
    return good;
}

static bool all_may_speak(const struct objects *o, const struct monitor_authority *authority, struct buffer *why) {
    bool good = true;
    for (unsigned i = 0; i < o->host_count; i++) {
        good = observers_may_speak(&o->hosts[i], authority, why) && good;
    }
    for (unsigned i = 0; i < o->service_count; i++) {
        good = observers_may_speak(&o->services[i], authority, why) && good;
    }
    return good;
}

/* ---- what survives ---- */

static bool same_observers(const struct object_checkable *a, const struct object_checkable *b) {
    if (a->observer_count != b->observer_count || a->quorum != b->quorum) {
        return false;
    }
    for (unsigned i = 0; i < a->observer_count; i++) {
        if (strcmp(a->observers[i], b->observers[i]) != 0) {
            return false;
        }
    }
    return true;
}

static void bury_vote(struct monitor *m, const struct object *o, unsigned observer) {
    if (object_votes(&m->table, o)[observer].stored) {
        struct buffer key = {0};
        key_of_vote(&key, o, observer);
        key_list_add(&m->gone, &key);
        buffer_free(&key);
    }
}

static void bury_object(struct monitor *m, const struct object *o) {
    if (o->stored) {
        struct buffer key = {0};
        key_of_object(&key, o);
        key_list_add(&m->gone, &key);
        buffer_free(&key);
    }
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        bury_vote(m, o, i);
    }
}

static void carry_vote(const struct table *from, struct table *to, uint32_t old_at, uint32_t new_at) {
    to->votes[new_at] = from->votes[old_at];
    from->votes[old_at].output = from->votes[old_at].perfdata = (struct text){0};
    from->votes[old_at].standing = NULL;
    if (bit_has(from->vote_dirty, old_at)) {
        bit_add(to->vote_dirty, new_at);
    }
}

static void carry_votes(struct monitor *m, struct table *to, const struct object *old, struct object *o) {
    uint64_t newest = 0;
    for (unsigned i = 0; i < old->def->observer_count; i++) {
        int at = object_observer(o, old->def->observers[i]);
        if (at < 0) {
            bury_vote(m, old, i);
            continue;
        }
        carry_vote(&m->table, to, old->first_vote + i, o->first_vote + (uint32_t)at);
        uint64_t stamp = to->votes[o->first_vote + (uint32_t)at].stamp;
        newest = stamp > newest ? stamp : newest;
    }
    o->stamp = newest > o->attempt_stamp ? newest : o->attempt_stamp;
    o->stamp = o->undecided_stamp > o->stamp ? o->undecided_stamp : o->stamp;
    o->stamp = o->history_stamp > o->stamp ? o->history_stamp : o->stamp;
}

/* The place of the vote that speaks for the object, when its observer still does. */
static void carry_source(struct monitor *m, struct object *old, const struct object *o) {
    if (old->source != SOURCE_NONE && object_observer(o, old->def->observers[old->source]) < 0) {
        object_keep_text(m, old);
    }
}

static void carry_object(struct monitor *m, struct table *to, struct object *old, struct object *o) {
    bool same = same_observers(old->def, o->def);
    carry_source(m, old, o);
    struct object fresh = *o;
    *o = *old;
    o->def = fresh.def;
    o->id = fresh.id;
    o->host = fresh.host;
    o->first_vote = fresh.first_vote;
    o->first_service = fresh.first_service;
    o->service_count = fresh.service_count;
    o->service_intervals = fresh.service_intervals;
    o->heap_at = OBJECT_NONE;
    old->output = old->perfdata = (struct text){0};
    if (old->source != SOURCE_NONE) {
        o->source = object_observer(o, old->def->observers[old->source]);
    }
    carry_votes(m, to, old, o);
    bool changed = !same || o->attempt > o->def->max_check_attempts;
    if (o->dissent_since > 0 && !o->dissent_told) {
        o->dissent_due = o->dissent_since + o->def->freshness_threshold;
        changed = true;
    }
    if (o->waits_for_period) { /* the period may be another one now */
        o->remind_at = m->t + 1;
        changed = true;
    }
    if (!same) {
        o->applied_at = m->t;
        o->first_deadline = m->t + o->def->freshness_threshold;
    }
    if (o->attempt > o->def->max_check_attempts) {
        o->attempt = o->def->max_check_attempts;
    }
    if (changed || bit_has(m->table.object_dirty, old->id)) {
        bit_add(to->object_dirty, o->id);
    }
}

static void begin_object(const struct monitor *m, struct table *to, struct object *o) {
    o->applied_at = m->t;
    o->first_deadline = m->t + o->def->freshness_threshold;
    o->since = m->t;
    bit_add(to->object_dirty, o->id);
}

static void carry_all(struct monitor *m, struct table *to, bool *judge_again) {
    for (uint32_t i = 0; i < to->count; i++) {
        struct object *o = &to->list[i];
        int64_t old = table_find(&m->table, o->def->host, o->def->service);
        if (old == OBJECT_NONE) {
            begin_object(m, to, o);
        } else {
            judge_again[i] = !same_observers(m->table.list[old].def, o->def);
            carry_object(m, to, &m->table.list[old], o);
        }
    }
    for (uint32_t i = 0; i < m->table.count; i++) {
        const struct object *old = &m->table.list[i];
        if (table_find(to, old->def->host, old->def->service) == OBJECT_NONE) {
            bury_object(m, old);
        }
    }
}

/* ---- the new one comes into force ---- */

static void install(struct monitor *m, struct objects *objects, const struct monitor_sink *sink) {
    struct table to;
    table_build(&to, objects);
    bool *judge_again = xcalloc(to.count + 1, sizeof *judge_again);
    carry_all(m, &to, judge_again);
    notes_carry(m, &to);
    table_free(&m->table);
    m->table = to;
    convict_mark(m);
    m->sink = sink;
    for (uint32_t i = 0; i < m->table.count; i++) {
        if (judge_again[i]) {
            mask_trim(m, &m->table.list[i]);
            judge(m, &m->table.list[i]);
        }
    }
    m->sink = NULL;
    freshness_rebuild(m, m->t);
    free(judge_again);
}

enum error monitor_apply(struct monitor *m, struct bytes objects, const struct monitor_authority *authority,
                         const struct monitor_sink *sink, struct buffer *why) {
    struct objects *decoded = NULL;
    enum error e = objects_decode(&decoded, objects, why);
    if (e != ERR_OK) {
        if (why->len == 0) {
            buffer_printf(why, "objects: %s\n", error_text(e));
        }
        return ERR_BAD_OBJECTS;
    }
    if (!all_may_speak(decoded, authority, why)) {
        objects_free(decoded);
        return ERR_BAD_OBJECTS;
    }
    struct buffer kept = {0};
    buffer_put(&kept, objects.data, objects.len);
    install(m, decoded, sink);
    buffer_free(&m->bytes);
    m->bytes = kept;
    m->digest = crypto_digest(DIGEST_OBJECTS, objects);
    m->bytes_dirty = true;
    m->header_dirty = true;
    return ERR_OK;
}
