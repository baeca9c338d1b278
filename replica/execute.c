/* An ordered batch in, replies and alerts out. Whoever may not speak, speaks twice or speaks nonsense gets a named
   result that is the same on every correct replica; nothing here looks at anything but the replicated state. */
#include "replica/execute.h"

#include "base/invariant.h"
#include "checks/objects.h"

#include <stdlib.h>
#include <string.h>

void machine_open(struct machine *m, const struct cluster *cluster) {
    struct monitor_config config = {.cluster_gap = cluster->knobs.cluster_gap_ms};
    *m = (struct machine){.cluster = cluster, .ledger = ledger_new(cluster), .monitor = monitor_new(&config)};
}

void machine_close(struct machine *m) {
    ledger_free(m->ledger);
    monitor_free(m->monitor);
    memset(m, 0, sizeof *m);
}

void executed_free(struct executed *e) {
    buffer_free(&e->bytes);
    free(e->leaves);
    memset(e, 0, sizeof *e);
}

struct bytes executed_leaf(const struct executed *e, size_t index) {
    REQUIRE(index < e->count);
    return bytes_of(e->bytes.data + e->leaves[index].at, e->leaves[index].len);
}

static struct leaf *leaf_begin(struct executed *e, enum output_kind kind) {
    if (e->count == e->cap) {
        e->cap = e->cap ? 2 * e->cap : 16;
        e->leaves = xrealloc(e->leaves, e->cap * sizeof *e->leaves);
    }
    struct leaf *leaf = &e->leaves[e->count++];
    *leaf = (struct leaf){.kind = kind, .at = e->bytes.len};
    return leaf;
}

static void put_reply(struct executed *e, const struct reply *reply) {
    struct leaf *leaf = leaf_begin(e, OUTPUT_REPLY);
    reply_encode(&e->bytes, reply);
    leaf->len = e->bytes.len - leaf->at;
    leaf->client = reply->client;
    leaf->req_seq = reply->req_seq;
    leaf->request = reply->request;
}

struct alert_tap { /* alerts become leaves, and the host may watch */
    struct executed *out;
    const struct monitor_sink *host;
};

static void put_alert(void *self, const struct alert *a) {
    struct alert_tap *tap = self;
    struct leaf *leaf = leaf_begin(tap->out, OUTPUT_ALERT);
    alert_encode(&tap->out->bytes, a);
    leaf->len = tap->out->bytes.len - leaf->at;
    leaf->alert = a->number;
    if (tap->host)
        tap->host->alert(tap->host->self, a);
}

/* ---- operations ---- */

static void convict(struct machine *m, const struct public_key *key, const char *observer, const char *why,
                    const struct monitor_sink *sink) {
    if (ledger_convicted(m->ledger, key))
        return;
    ledger_convict(m->ledger, key);
    monitor_convict(m->monitor, observer, why, sink);
}

static enum error observe_one(struct machine *m, const struct request *r, const struct observation *o,
                              const char *observer, const struct monitor_sink *sink) {
    if (ledger_convicted(m->ledger, &r->client))
        return ERR_CONVICTED;
    if (!ledger_observer_may(m->ledger, observer, o->host))
        return ERR_NOT_YOUR_HOST;
    bool two_faced = false;
    enum error e = monitor_observe(m->monitor, observer, o, sink, &two_faced);
    if (two_faced)
        convict(m, &r->client, observer, "signed two contents under one obs_seq", sink);
    return e;
}

static void execute_observe(struct machine *m, const struct request *r, struct reply *reply,
                            const struct monitor_sink *sink) {
    const char *observer = ledger_observer_name(m->ledger, ledger_who(m->ledger, &r->client)->index);
    for (unsigned i = 0; i < r->observe.count; i++) {
        enum error e = observe_one(m, r, &r->observe.list[i], observer, sink);
        if (e == ERR_OK)
            reply->accepted++;
        else
            m->refused[reply->refused_count++] = (struct refused_entry){i, e};
    }
    reply->refused = m->refused;
    m->results_accepted += reply->accepted;
    m->results_refused += reply->refused_count;
}

static bool authority_known(void *self, const char *observer) {
    return ledger_observer_known(self, observer);
}

static bool authority_may(void *self, const char *observer, const char *host) {
    return ledger_observer_may(self, observer, host);
}

/* A plan that removes objects says so: an operator who forgot a file must not lose its services. */
static enum error plan_allowed(struct machine *m, const struct op_apply *op, struct bytes objects, struct buffer *why) {
    struct bytes before_bytes = monitor_objects(m->monitor);
    struct objects *before = NULL, *after = NULL;
    if (op->prune || before_bytes.len == 0)
        return ERR_OK;
    enum error e = objects_decode(&after, objects, why);
    if (e != ERR_OK)
        return e;
    e = objects_decode(&before, before_bytes, why);
    ENSURE(e == ERR_OK);
    struct objects_plan plan = {0};
    struct buffer text = {0};
    objects_diff(&text, &plan, before, after);
    if (plan.removed)
        buffer_printf(why, "the plan removes %u objects: apply with prune to allow it\n", plan.removed);
    buffer_free(&text);
    objects_free(before);
    objects_free(after);
    return plan.removed ? ERR_BAD_OBJECTS : ERR_OK;
}

static enum error execute_apply(struct machine *m, const struct request *r, struct buffer *why,
                                const struct monitor_sink *sink) {
    const struct op_apply *op = &r->apply;
    struct digest in_force = monitor_objects_digest(m->monitor);
    if (!digest_equal(&op->base, &in_force))
        return ERR_BASE_CHANGED;
    struct buffer objects = {0};
    enum error e = ledger_blob_join(m->ledger, &r->client, &op->whole, op->length, &objects);
    if (e == ERR_OK)
        e = plan_allowed(m, op, buffer_bytes(&objects), why);
    if (e == ERR_OK) {
        struct monitor_authority authority = {m->ledger, authority_known, authority_may};
        e = monitor_apply(m->monitor, buffer_bytes(&objects), &authority, sink, why);
    }
    if (e == ERR_OK)
        ledger_blob_drop(m->ledger, &r->client, &op->whole);
    buffer_free(&objects);
    return e;
}

static void execute_query(struct machine *m, seq_no n, const struct request *r, struct buffer *value) {
    struct arena arena = {0};
    struct query_page page = {0};
    monitor_query(m->monitor, &r->query, &page, &arena);
    page.n = n;
    page.t = ledger_time(m->ledger);
    query_page_encode(value, &page);
    arena_free(&arena);
}

/* ---- evidence (EV12) ---- */

static bool same_place(const struct observation *a, const struct observation *b) {
    return a->obs_seq == b->obs_seq && strcmp(a->host, b->host) == 0 && strcmp(a->service, b->service) == 0;
}

bool evidence_observation_conflict(const struct request *a, const struct request *b, struct buffer *what) {
    if (a->kind != OP_OBSERVE || b->kind != OP_OBSERVE || !public_key_equal(&a->client, &b->client))
        return false;
    for (unsigned i = 0; i < a->observe.count; i++)
        for (unsigned j = 0; j < b->observe.count; j++) {
            const struct observation *x = &a->observe.list[i], *y = &b->observe.list[j];
            if (!same_place(x, y))
                continue;
            struct digest dx = observation_digest(x), dy = observation_digest(y);
            if (digest_equal(&dx, &dy))
                continue;
            if (what)
                buffer_printf(what, "%s%s%s", x->host, *x->service ? "/" : "", x->service);
            return true;
        }
    return false;
}

static bool decode_frame(struct request *out, struct bytes raw, struct arena *arena) {
    struct frame f;
    return frame_open(&f, raw) == ERR_OK && f.type == FRAME_REQUEST && request_decode(out, &f, arena) == ERR_OK;
}

/* The frames' signatures were verified at every correct replica's door before the batch was prepared. */
static enum error execute_evidence(struct machine *m, const struct request *r, const struct monitor_sink *sink) {
    struct arena arena = {0};
    struct buffer what = {0};
    struct request a, b;
    enum error e = ERR_BAD_PROOF;
    if (r->evidence.kind == EV_OBS_EQUIV && r->evidence.count == 2 && decode_frame(&a, r->evidence.frames[0], &arena) &&
        decode_frame(&b, r->evidence.frames[1], &arena) && evidence_observation_conflict(&a, &b, &what)) {
        const struct key_entry *who = ledger_who(m->ledger, &a.client);
        e = who && who->role == ROLE_OBSERVER ? ERR_OK : ERR_UNKNOWN_KEY;
        if (e == ERR_OK) {
            struct buffer why = {0};
            buffer_printf(&why, "signed two contents under one obs_seq for %s", buffer_cstr(&what));
            convict(m, &a.client, ledger_observer_name(m->ledger, who->index), buffer_cstr(&why), sink);
            buffer_free(&why);
        }
    }
    buffer_free(&what);
    arena_free(&arena);
    return e;
}

/* ---- the batch ---- */

static void execute_one(struct machine *m, struct executed *out, const struct request *r,
                        const struct monitor_sink *sink) {
    struct buffer value = {0};
    struct reply reply = {.client = r->client, .req_seq = r->req_seq, .request = r->digest};
    ledger_mark(m->ledger, &r->client, r->req_seq);
    reply.result = ledger_may(m->ledger, &r->client, r->kind);
    if (reply.result == ERR_OK) {
        switch (r->kind) {
        case OP_OBSERVE:
            execute_observe(m, r, &reply, sink);
            break;
        case OP_BLOB:
            reply.result = ledger_blob(m->ledger, &r->client, &r->blob);
            break;
        case OP_APPLY:
            reply.result = execute_apply(m, r, &value, sink);
            break;
        case OP_QUERY:
            execute_query(m, out->n, r, &value);
            break;
        case OP_EVIDENCE:
            reply.result = execute_evidence(m, r, sink);
            break;
        case OP_TICK:
            UNREACHABLE();
        }
    }
    if (value.len > BLOB_MAX_LEN && r->kind == OP_APPLY)
        value.len = BLOB_MAX_LEN;
    reply.value = buffer_bytes(&value);
    bool nobody_waits = r->kind == OP_EVIDENCE;
    if (!nobody_waits)
        put_reply(out, &reply);
    buffer_free(&value);
}

static void execute_ticks(struct machine *m, const struct request *const *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct request *r = requests[i];
        if (r->kind != OP_TICK || ledger_judge(m->ledger, &r->client, r->req_seq) != ERR_OK)
            continue;
        ledger_mark(m->ledger, &r->client, r->req_seq);
        if (ledger_may(m->ledger, &r->client, OP_TICK) == ERR_OK)
            ledger_tick(m->ledger, (member_id)ledger_who(m->ledger, &r->client)->index, &r->tick);
    }
}

void machine_execute(struct machine *m, seq_no n, const struct digest *d, enum batch_kind kind,
                     const struct request *const *requests, size_t count, struct executed *out,
                     const struct monitor_sink *on_alert) {
    REQUIRE(n == ledger_executed(m->ledger) + 1);
    struct alert_tap tap = {out, on_alert};
    struct monitor_sink sink = {&tap, put_alert};
    buffer_clear(&out->bytes);
    out->count = 0;
    out->n = n;
    if (kind == BATCH_NORMAL) {
        execute_ticks(m, requests, count);
        monitor_advance(m->monitor, n, ledger_advance(m->ledger), &sink);
        for (size_t i = 0; i < count; i++)
            if (requests[i]->kind != OP_TICK &&
                ledger_judge(m->ledger, &requests[i]->client, requests[i]->req_seq) == ERR_OK)
                execute_one(m, out, requests[i], &sink);
    }
    ledger_append(m->ledger, n, d);
    out->t = ledger_time(m->ledger);
    out->log_hash = ledger_log_hash(m->ledger);
}
