/* An ordered batch in, replies and alerts out. Whoever may not speak, speaks twice or speaks nonsense gets a named
   result that is the same on every correct replica; nothing here looks at anything but the replicated state. */
#include "replica/execute.h"

#include "base/invariant.h"
#include "checks/objects.h"
#include "proto/evidence.h"

#include <stdlib.h>
#include <string.h>

void machine_open(struct machine *m, const struct cluster *cluster) {
    struct monitor_config config = {.cluster_gap = cluster->knobs.cluster_gap_ms};
    *m = (struct machine){.cluster = cluster, .ledger = ledger_new(cluster), .monitor = monitor_new(&config)};
    m->keys = cluster_keyring(cluster);
    cluster_verifier(&m->verifier, cluster);
}

void machine_close(struct machine *m) {
    ledger_free(m->ledger);
    monitor_free(m->monitor);
    keyring_free(m->keys);
    memset(m, 0, sizeof *m);
}

void executed_free(struct executed *e) {
    buffer_free(&e->bytes);
    free(e->leaves);
    buffer_free(&e->frames);
    free(e->proven);
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

/* The log itself holds both contents: no frames are kept, and nobody accused. */
static void convict_two_faced(struct machine *m, const struct request *r, const struct observation *o,
                              const char *observer, const struct monitor_sink *sink) {
    const struct evidence_record *record;
    struct evidence_record proof = {
        .culprit = r->client, .kind = EV_OBS_EQUIV, .n = o->obs_seq, .accuser = MEMBER_NONE};
    ledger_prove(m->ledger, &proof, &record);
    convict(m, &r->client, observer, evidence_explanation(EV_OBS_EQUIV), sink);
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
        convict_two_faced(m, r, o, observer, sink);
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
    enum error e = ledger_blob_join(m->ledger, &r->client, DIGEST_OBJECTS, &op->whole, op->length, &objects);
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

static enum error execute_command(struct machine *m, const struct request *r, struct buffer *answer,
                                  const struct monitor_sink *sink) {
    const struct key_entry *who = ledger_who(m->ledger, &r->client);
    return monitor_command(m->monitor, m->cluster->operators[who->index].name, &r->command, sink, answer);
}

static void list_evidence(const struct ledger *l, const struct op_query *q, struct query_page *page,
                          struct buffer *records) {
    uint32_t at = q->offset < UINT32_MAX ? (uint32_t)q->offset : UINT32_MAX - 1;
    for (uint32_t i = 0; i < q->limit && ledger_proof_at(l, at); i++, at++)
        evidence_record_encode(records, ledger_proof_at(l, at));
    page->more = ledger_proof_at(l, at) != NULL;
    page->part = buffer_bytes(records);
}

static void list_notified(const struct ledger *l, struct query_page *page, struct buffer *records) {
    for (uint32_t i = 0; ledger_notified_at(l, i); i++)
        notified_record_encode(records, ledger_notified_at(l, i));
    page->part = buffer_bytes(records);
}

static void list_drills(const struct ledger *l, const struct op_query *q, struct query_page *page,
                        struct buffer *records) {
    uint32_t at = q->offset < LEDGER_DRILLS_MAX ? (uint32_t)q->offset : LEDGER_DRILLS_MAX;
    for (uint32_t i = 0; i < q->limit && ledger_drill_at(l, at); i++, at++) {
        struct drill_record d = *ledger_drill_at(l, at);
        d.counts = ledger_drill_counts(l, &d);
        drill_record_encode(records, &d);
    }
    page->more = ledger_drill_at(l, at) != NULL;
    page->part = buffer_bytes(records);
}

static void execute_query(struct machine *m, seq_no n, const struct request *r, struct buffer *value) {
    struct arena arena = {0};
    struct query_page page = {0};
    struct buffer records = {0};
    monitor_query(m->monitor, &r->query, &page, &arena);
    if (r->query.kind == QUERY_EVIDENCE)
        list_evidence(m->ledger, &r->query, &page, &records);
    if (r->query.kind == QUERY_NOTIFIED)
        list_notified(m->ledger, &page, &records);
    if (r->query.kind == QUERY_DRILLS)
        list_drills(m->ledger, &r->query, &page, &records);
    page.n = n;
    page.t = ledger_time(m->ledger);
    query_page_encode(value, &page);
    buffer_free(&records);
    arena_free(&arena);
}

/* ---- evidence (R10) ---- */

/* The frames, from the request itself or from what its key staged. They borrow from `blocks` or from r. */
static enum error evidence_frames(const struct machine *m, const struct request *r, struct buffer *blocks,
                                  struct op_evidence *out) {
    *out = r->evidence;
    if (r->evidence.count > 0) {
        for (unsigned i = 0; i < out->count; i++)
            buffer_block(blocks, out->frames[i]);
        return ERR_OK;
    }
    enum error e =
        ledger_blob_join(m->ledger, &r->client, DIGEST_EVIDENCE, &r->evidence.whole, r->evidence.length, blocks);
    struct reader in = reader_of(buffer_bytes(blocks));
    while (e == ERR_OK && in.at < in.end && out->count < EVIDENCE_FRAMES_MAX)
        out->frames[out->count++] = read_block(&in, SIZE_MAX);
    return e == ERR_OK && !reader_done(&in) ? ERR_MALFORMED : e;
}

/* The SYSTEM alert of a member's first conviction, and of its first fault of a kind. No quorum shrinks for it. */
static void announce_member(struct machine *m, const struct evidence_finding *f, enum evidence_kind kind,
                            const struct monitor_sink *sink) {
    bool convicts = evidence_weight(kind) == EVIDENCE_CONVICTS;
    struct buffer text = {0};
    if (convicts && ledger_convicted(m->ledger, &f->culprit.key))
        return;
    if (convicts)
        ledger_convict(m->ledger, &f->culprit.key);
    buffer_printf(&text, "replica %u %s: it %s (%s %s)", (unsigned)f->culprit.index,
                  convicts ? "convicted" : "at fault", evidence_explanation(kind), evidence_code(kind),
                  evidence_name(kind));
    monitor_announce(m->monitor, buffer_cstr(&text), sink);
    buffer_free(&text);
}

static void convict_observer(struct machine *m, const struct evidence_finding *f, const struct op_evidence *e,
                             const struct monitor_sink *sink) {
    struct arena arena = {0};
    struct frame fa, fb;
    struct request a, b;
    struct buffer why = {0};
    buffer_printf(&why, "%s", evidence_explanation(e->kind));
    if (frame_open(&fa, e->frames[0]) == ERR_OK && frame_open(&fb, e->frames[1]) == ERR_OK &&
        request_decode(&a, &fa, &arena) == ERR_OK && request_decode(&b, &fb, &arena) == ERR_OK) {
        buffer_printf(&why, " for ");
        evidence_observation_conflict(&a, &b, &why, NULL);
    }
    convict(m, &f->culprit.key, ledger_observer_name(m->ledger, f->culprit.index), buffer_cstr(&why), sink);
    buffer_free(&why);
    arena_free(&arena);
}

static void remember_proven(struct executed *out, const struct evidence_record *proof, struct bytes blocks) {
    if (out->proven_count == out->proven_cap) {
        out->proven_cap = out->proven_cap ? 2 * out->proven_cap : 4;
        out->proven = xrealloc(out->proven, out->proven_cap * sizeof *out->proven);
    }
    out->proven[out->proven_count++] = (struct proven){*proof, out->frames.len, blocks.len};
    buffer_put(&out->frames, blocks.data, blocks.len);
}

static enum error take_effect(struct machine *m, struct executed *out, const struct evidence_finding *f,
                              const struct op_evidence *e, member_id accuser, struct bytes blocks,
                              const struct monitor_sink *sink) {
    const struct evidence_record *record;
    struct evidence_record proof = {
        .culprit = f->culprit.key, .kind = e->kind, .v = f->v, .n = f->n, .accuser = accuser};
    proof.frames = crypto_digest(DIGEST_EVIDENCE, blocks);
    enum error verdict = ledger_prove(m->ledger, &proof, &record);
    if (verdict != ERR_OK)
        return verdict;
    remember_proven(out, record, blocks);
    if (record->drill != 0)
        return ERR_OK; /* it did as it was ordered */
    if (f->culprit.role == ROLE_MEMBER && evidence_weight(e->kind) != EVIDENCE_CLIENT)
        ledger_drill_abort(m->ledger);
    if (e->kind == EV_OBS_EQUIV)
        convict_observer(m, f, e, sink);
    else if (f->culprit.role == ROLE_MEMBER && evidence_weight(e->kind) != EVIDENCE_CLIENT &&
             (record->count == 1 || evidence_weight(e->kind) == EVIDENCE_CONVICTS))
        announce_member(m, f, e->kind, sink);
    return ERR_OK;
}

/* Verified anew: what the door saw is nobody's business here, and what was staged it never saw. */
static enum error execute_evidence(struct machine *m, struct executed *out, const struct request *r,
                                   const struct monitor_sink *sink) {
    member_id accuser = (member_id)ledger_who(m->ledger, &r->client)->index;
    struct evidence_judge judge = {&m->verifier, m->keys, m->cluster->knobs.window};
    struct evidence_finding finding;
    struct op_evidence e;
    struct buffer blocks = {0};
    enum error verdict = ledger_accuse(m->ledger, accuser, r->evidence.count == 0);
    if (verdict == ERR_OK)
        verdict = evidence_frames(m, r, &blocks, &e);
    if (verdict == ERR_OK && evidence_verify(&judge, &e, &finding) != ERR_OK)
        verdict = ERR_BAD_PROOF;
    if (verdict == ERR_BAD_PROOF) {
        ledger_accused_falsely(m->ledger, accuser);
        out->false_accusers |= (member_set)set_of(accuser);
    }
    if (verdict == ERR_OK)
        verdict = take_effect(m, out, &finding, &e, accuser, buffer_bytes(&blocks), sink);
    if (r->evidence.count == 0)
        ledger_blob_drop(m->ledger, &r->client, &r->evidence.whole);
    buffer_free(&blocks);
    return verdict;
}

/* ---- the batch ---- */

static member_id member_of(const struct machine *m, const struct request *r) {
    return (member_id)ledger_who(m->ledger, &r->client)->index;
}

static void execute_one(struct machine *m, struct executed *out, const struct request *r,
                        const struct monitor_sink *sink) {
    struct buffer value = {0};
    struct reply reply = {.client = r->client, .req_seq = r->req_seq, .request = r->digest};
    ledger_mark(m->ledger, &r->client, r->req_seq, r->kind);
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
        case OP_COMMAND:
            reply.result = execute_command(m, r, &value, sink);
            break;
        case OP_QUERY:
            execute_query(m, out->n, r, &value);
            break;
        case OP_EVIDENCE:
            reply.result = execute_evidence(m, out, r, sink);
            break;
        case OP_NOTIFIED:
            reply.result = ledger_notified(m->ledger, &r->notified, monitor_alerts(m->monitor));
            break;
        case OP_DRILL:
            reply.result = ledger_drill(m->ledger, &r->client, &r->drill, &value);
            break;
        case OP_DRILL_STOP:
            reply.result = ledger_drill_stop(m->ledger, &r->drill_stop, &value);
            break;
        case OP_DRILL_DONE:
            reply.result = ledger_drill_done(m->ledger, member_of(m, r), &r->drill_done);
            break;
        case OP_TICK:
            UNREACHABLE();
        }
    }
    if (value.len > BLOB_MAX_LEN && r->kind == OP_APPLY)
        value.len = BLOB_MAX_LEN;
    reply.value = buffer_bytes(&value);
    bool from_member = ledger_who(m->ledger, &r->client)->role == ROLE_MEMBER;
    bool nobody_waits = r->kind == OP_EVIDENCE || r->kind == OP_DRILL_DONE || (r->kind == OP_BLOB && from_member);
    if (!nobody_waits)
        put_reply(out, &reply);
    buffer_free(&value);
}

static void execute_ticks(struct machine *m, const struct request *const *requests, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct request *r = requests[i];
        if (r->kind != OP_TICK || ledger_judge(m->ledger, &r->client, r->req_seq) != ERR_OK)
            continue;
        ledger_mark(m->ledger, &r->client, r->req_seq, r->kind);
        if (ledger_may(m->ledger, &r->client, OP_TICK) == ERR_OK)
            ledger_tick(m->ledger, (member_id)ledger_who(m->ledger, &r->client)->index, &r->tick);
    }
}

void machine_execute(struct machine *m, seq_no n, const struct digest *d, enum batch_kind kind,
                     const struct request *const *requests, size_t count, struct executed *out,
                     const struct monitor_sink *on_alert) {
    REQUIRE(n == ledger_executed(m->ledger) + 1);
    struct alert_tap tap = {out, on_alert};
    struct monitor_sink sink = {.self = &tap, .alert = put_alert};
    buffer_clear(&out->bytes);
    buffer_clear(&out->frames);
    out->count = out->proven_count = 0;
    out->false_accusers = 0;
    out->n = n;
    if (kind == BATCH_NORMAL) {
        execute_ticks(m, requests, count);
        monitor_advance(m->monitor, n, ledger_advance(m->ledger), &sink);
        ledger_drill_watch(m->ledger);
        for (size_t i = 0; i < count; i++)
            if (requests[i]->kind != OP_TICK &&
                ledger_judge(m->ledger, &requests[i]->client, requests[i]->req_seq) == ERR_OK)
                execute_one(m, out, requests[i], &sink);
    }
    ledger_append(m->ledger, n, d);
    out->t = ledger_time(m->ledger);
    out->log_hash = ledger_log_hash(m->ledger);
}
