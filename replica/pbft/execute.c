/* From a decision to the host and back: one batch at a time, in order (R4). */
#include "replica/pbft/core.h"

#include <string.h>

void choose(struct pbft *p, struct slot *s, const struct vote *v, unsigned count,
            const struct member_signature *commits) {
    if (s->fate != FATE_OPEN) {
        if (s->commit_count > 0 && !digest_equal(&s->chosen.d, &v->d) && !p->breached) { /* I1 */
            breach_decisions(p, s, v, count, commits);
        }
        return;
    }
    s->chosen = *v;
    s->commit_count = count;
    memcpy(s->commits, commits, count * sizeof *commits);
    slot_settle(p, s, FATE_CHOSEN);
}

/* DECIDED with every request it names before it, so that a replay never misses one. */
static void store_decision(struct pbft *p, const struct slot *s, const struct held_batch *b) {
    for (unsigned i = 0; i < b->batch.count; i++) {
        struct pooled *e = pool_find(&p->pool, &b->batch.refs[i].digest);
        if (!e->stored) {
            out_record(p, PBFT_STORE, RECORD_REQUEST, key_digest(&e->digest), e->request->frame);
            e->stored = true;
        }
    }
    struct msg m = {.type = FRAME_DECISION};
    m.decision.statement = s->chosen;
    m.decision.batch = buffer_bytes(&b->bytes);
    m.decision.count = s->commit_count;
    memcpy(m.decision.commits, s->commits, s->commit_count * sizeof *s->commits);
    buffer_clear(&p->out.body);
    codec_encode(&p->out.body, &m);
    out_record(p, PBFT_STORE, RECORD_DECIDED, key_n(s->n), buffer_bytes(&p->out.body));
}

void execute_advance(struct pbft *p) {
    struct slot *s = slot_find(p, p->executed + 1);
    if (p->executing || p->checkpointing || p->breached || transfer_runs(p) || !s || s->fate != FATE_DECIDED) {
        return;
    }
    const struct held_batch *b = slot_batch(s, &s->chosen.d);
    if (!batch_complete(p, b)) {
        return;
    }
    const struct request **requests = arena_alloc(&p->out.arena, (b->batch.count + 1) * sizeof *requests);
    for (unsigned i = 0; i < b->batch.count; i++) {
        requests[i] = pool_find(&p->pool, &b->batch.refs[i].digest)->request;
    }
    store_decision(p, s, b);
    struct pbft_action *a = out_add(p, PBFT_EXECUTE);
    a->n = p->executing = s->n;
    a->batch_kind = b->batch.kind;
    a->batch_digest = b->d;
    a->count = b->batch.count;
    a->requests = requests;
}

void handle_executed(struct pbft *p, const struct pbft_event *e) {
    REQUIRE(p->executing != 0 && e->executed.n == p->executing);
    struct slot *s = slot_find(p, e->executed.n);
    time_ms before = p->executed_t;
    slot_settle(p, s, FATE_EXECUTED);
    slot_name_requests(p, s);
    service_executed(p, s, e->executed.done, e->executed.done_count);
    for (size_t i = 0; i < e->executed.done_count; i++) {
        const struct pbft_done *done = &e->executed.done[i];
        pool_done(&p->pool, &done->client, done->req_seq, p->now);
        pool_outdated(&p->pool, &done->client, done->old, p->now);
        pool_ready(&p->pool, &done->client, done->ready, p->now);
    }
    pool_time(&p->pool, e->executed.t, p->now);
    p->view_progressed |= s->accepted.held && s->accepted.statement.v == p->view && s->n > p->nv_max;
    p->executed = e->executed.n;
    p->executed_t = e->executed.t;
    p->log_hash = e->executed.log_hash;
    p->executed_at = p->now;
    p->executing = 0;
    trace(p, "executed n=%llu log=%s", (unsigned long long)p->executed, shorten(&p->log_hash).text);
    if (checkpoint_due(p, p->executed, before, p->executed_t)) {
        p->checkpointing = p->executed;
        out_add(p, PBFT_CHECKPOINT_AT)->n = p->executed;
    }
}
