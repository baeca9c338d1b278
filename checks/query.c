/* Answers to QUERY: pages of the agreed status in the order of names, and the objects in force, piece by piece. */
#include "checks/machine.h"

#include <string.h>

enum { PAGE_MAX_LEN = 40 * 1024 }; /* of texts; a page holds at least one line */

static const char *copy(struct arena *arena, const char *text) {
    const char *c = arena_text(arena, bytes_of_text(text));
    return c ? c : "";
}

/* ---- one line ---- */

/* Also those that are masked: what they say is not counted, and not hidden. */
static bool contradicts(const struct monitor *m, const struct verdict *v, const struct observer_vote *vote) {
    return vote_fresh(vote, m->t) && !vote->convicted && verdict_dissent(v, vote->state);
}

static void list_dissent(const struct monitor *m, const struct object *o, const struct verdict *v,
                         struct object_status *out, struct arena *arena) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    const char **names = arena_alloc(arena, o->def->observer_count * sizeof *names);
    for (unsigned i = 0; names && i < o->def->observer_count; i++) {
        if (contradicts(m, v, &votes[i])) {
            names[out->dissent_count++] = copy(arena, o->def->observers[i]);
        }
    }
    out->dissent = names;
}

/* What the votes say now: the state in force where they leave a host undecided or nobody votes. */
static uint8_t verdict_now(const struct object *o, const struct verdict *v) {
    if (o->verdict == STATE_PENDING) {
        return STATE_PENDING;
    }
    bool stands = v->kind == VERDICT_SILENT || (v->kind == VERDICT_UNDECIDED && o->is_host);
    return stands ? o->verdict : v->state;
}

static void show_status(const struct monitor *m, const struct object *o, struct object_status *out,
                        struct arena *arena) {
    struct ballot b;
    judge_tally(m, o, &b);
    struct verdict v = verdict_of(&b);
    *out = (struct object_status){.host = copy(arena, o->def->host),
                                  .service = copy(arena, o->def->service),
                                  .state = o->state,
                                  .verdict = verdict_now(o, &v),
                                  .hard = o->hard,
                                  .undecided = o->undecided,
                                  .flapping = o->flapping,
                                  .acknowledged = acknowledgement(o) != NULL,
                                  .downtime_depth = downtime_depth(o),
                                  .uncorroborated = o->def->observer_count == 1,
                                  .attempt = o->attempt,
                                  .max_attempts = o->def->max_check_attempts,
                                  .quorum = o->def->quorum,
                                  .observers = o->def->observer_count,
                                  .since = o->since,
                                  .output = copy(arena, object_output(&m->table, o)),
                                  .perfdata = copy(arena, object_perfdata(&m->table, o)),
                                  .votes = view_votes(m, o, arena)};
    out->vote_count = out->votes ? o->def->observer_count : 0;
    if (o->kind != VERDICT_NONE) {
        list_dissent(m, o, &v, out, arena);
    }
}

static size_t status_len(const struct object_status *s) {
    size_t len = 128 + strlen(s->host) + strlen(s->service) + strlen(s->output) + strlen(s->perfdata);
    for (unsigned i = 0; i < s->vote_count; i++) {
        len += 96 + strlen(s->votes[i].observer) + strlen(s->votes[i].output) + strlen(s->votes[i].masked_by);
    }
    for (unsigned i = 0; i < s->dissent_count; i++) {
        len += 4 + strlen(s->dissent[i]);
    }
    return len;
}

/* ---- a page, in the order of (host, service): a host's line comes before its services ---- */

static int order_of(const struct object *o, const char *host, const char *service) {
    int order = strcmp(o->def->host, host);
    return order ? order : strcmp(o->def->service, service);
}

/* The first id in [low, high) whose (host, service) is not before, or (after) lies behind. */
static uint32_t place_of(const struct table *t, uint32_t low, uint32_t high, const char *host, const char *service,
                         bool after) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = order_of(&t->list[middle], host, service);
        if (order < 0 || (after && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct walk {
    const struct monitor *m;
    const struct op_query *q;
    uint32_t host, service; /* the next of each kind */
};

static struct walk walk_start(const struct monitor *m, const struct op_query *q) {
    const struct table *t = &m->table;
    bool from_start = !q->after_host[0] || strcmp(q->after_host, q->host) < 0;
    const char *host = from_start ? q->host : q->after_host, *service = from_start ? q->service : q->after_service;
    return (struct walk){m, q, place_of(t, 0, t->host_count, host, service, !from_start),
                         place_of(t, t->host_count, t->count, host, service, !from_start)};
}

static bool is_asked(const struct op_query *q, const struct object_checkable *def) {
    return (!q->host[0] || strcmp(q->host, def->host) == 0) &&
           (!q->service[0] || strcmp(q->service, def->service) == 0);
}

/* Both kinds are sorted: the smaller of the two next ones comes first. */
static const struct object *walk_next(struct walk *w) {
    const struct table *t = &w->m->table;
    bool has_host = w->host < t->host_count, has_service = w->service < t->count;
    if (!has_host && !has_service) {
        return NULL;
    }
    if (has_host && has_service) {
        const struct object *s = &t->list[w->service];
        has_host = order_of(&t->list[w->host], s->def->host, s->def->service) < 0;
    }
    return &t->list[has_host ? w->host++ : w->service++];
}

static const struct object *walk_asked(struct walk *w) {
    const struct object *o;
    while ((o = walk_next(w)) && !is_asked(w->q, o->def)) {
        if (w->q->host[0] && strcmp(o->def->host, w->q->host) > 0) {
            return NULL;
        }
    }
    return o;
}

static void answer_status(const struct monitor *m, const struct op_query *q, struct query_page *out,
                          struct arena *arena) {
    uint32_t limit = q->limit < 1 ? 1 : q->limit > QUERY_PAGE_MAX ? QUERY_PAGE_MAX : q->limit;
    struct object_status *list = arena_alloc(arena, limit * sizeof *list);
    if (!list || m->table.count == 0) {
        return;
    }
    struct walk w = walk_start(m, q);
    size_t len = 0;
    const struct object *o;
    out->list = list;
    while ((o = walk_asked(&w))) {
        if (out->count == limit) {
            out->more = true;
            return;
        }
        show_status(m, o, &list[out->count], arena);
        len += status_len(&list[out->count]);
        if (out->count > 0 && len > PAGE_MAX_LEN) {
            out->more = true;
            return;
        }
        out->count++;
    }
}

static void answer_objects(const struct monitor *m, const struct op_query *q, struct query_page *out,
                           struct arena *arena) {
    if (q->offset >= m->bytes.len) {
        return;
    }
    size_t left = m->bytes.len - (size_t)q->offset, len = left < PAGE_MAX_LEN ? left : PAGE_MAX_LEN;
    out->part = arena_copy(arena, bytes_of(m->bytes.data + q->offset, len));
    out->more = left > len;
}

/* ---- notes ---- */

static struct note_view view_note(const struct monitor *m, const struct note *n, struct arena *arena) {
    const struct object_checkable *def = m->table.list[n->object].def;
    return (struct note_view){.id = n->id,
                              .kind = n->kind,
                              .host = copy(arena, def->host),
                              .service = copy(arena, def->service),
                              .author = copy(arena, n->author),
                              .by = copy(arena, n->by),
                              .comment = copy(arena, n->comment),
                              .at = n->at,
                              .start = n->start,
                              .end = n->in_effect && n->kind == NOTE_DOWNTIME ? n->ends : n->end,
                              .duration = n->duration,
                              .trigger = n->trigger,
                              .fixed = n->fixed,
                              .in_effect = n->in_effect,
                              .persistent = n->persistent};
}

static void answer_notes(const struct monitor *m, const struct op_query *q, struct query_page *out,
                         struct arena *arena) {
    uint32_t limit = q->limit < 1 ? 1 : q->limit > QUERY_PAGE_MAX ? QUERY_PAGE_MAX : q->limit;
    struct note_view *list = arena_alloc(arena, limit * sizeof *list);
    size_t len = 0;
    out->notes = list;
    for (size_t i = note_place(m, q->offset + 1); list && i < m->notes.used && !out->more; i++) {
        const struct note *n = m->notes.list[i];
        if (!n || !is_asked(q, m->table.list[n->object].def)) {
            continue;
        }
        len += 128 + strlen(n->author) + strlen(n->comment);
        out->more = out->note_count == limit || (out->note_count > 0 && len > PAGE_MAX_LEN);
        if (!out->more) {
            list[out->note_count++] = view_note(m, n, arena);
        }
    }
}

void monitor_query(const struct monitor *m, const struct op_query *q, struct query_page *out, struct arena *arena) {
    *out = (struct query_page){.n = m->n, .t = m->t, .objects = m->digest, .objects_length = m->bytes.len};
    if (q->kind == QUERY_STATUS) {
        answer_status(m, q, out, arena);
    } else if (q->kind == QUERY_OBJECTS) {
        answer_objects(m, q, out, arena);
    } else if (q->kind == QUERY_NOTES) {
        answer_notes(m, q, out, arena);
    }
}
