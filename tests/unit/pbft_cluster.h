/* A small cluster of cores in memory. Frames are opened, verified and decoded as admit does, so that a test sees what a
   replica would. A filter decides which frames are lost; a replica can crash between any two of its actions and come
   back from its records. */
#ifndef QUORATE_TESTS_PBFT_CLUSTER_H
#define QUORATE_TESTS_PBFT_CLUSTER_H

#include "proto/audit.h"
#include "proto/evidence.h"
#include "proto/proof.h"
#include "tests/unit/pbft_host.h"

enum { REQUESTS_REMEMBERED = 256 }; /* below a client's highest number: older ones can't be executed any more */

struct answer { /* what the host owes the core after a step */
    bool executed, checkpoint;
    seq_no n;
    struct pbft_done done[BATCH_REFS_MAX];
    size_t done_count;
};

static void node_execute(struct node *x, const struct pbft_action *a, struct answer *owed) {
    struct digest digests[BATCH_REFS_MAX];
    for (size_t i = 0; i < a->count; i++) {
        const struct request *r = a->requests[i];
        digests[i] = r->digest;
        uint64_t old = r->req_seq > REQUESTS_REMEMBERED ? r->req_seq - REQUESTS_REMEMBERED : 0;
        owed->done[i] = (struct pbft_done){
            .client = r->client, .req_seq = r->req_seq, .old = old, .fresh = !node_has_done(x, &r->digest)};
    }
    assert_int_equal(a->batch_kind == BATCH_NULL, a->count == 0);
    node_apply(x, a->n, &a->batch_digest, digests, a->count);
    owed->executed = true;
    owed->n = a->n;
    owed->done_count = a->count;
}

static void node_send(struct node *x, const struct pbft_action *a) {
    for (member_id to = 0; to < x->cluster->members; to++) {
        if (set_has(a->to, to)) {
            network_put(x->cluster, x->id, to, a->frame);
        }
    }
}

/* Whatever a core notices must prove itself to everybody. */
static void check_evidence(struct cluster *c, const struct pbft_action *a) {
    struct evidence_judge judge = {&c->verifier, NULL, c->config.window};
    struct op_evidence e = {.kind = a->evidence, .count = (unsigned)a->count};
    struct evidence_finding f;
    for (size_t i = 0; i < a->count; i++) {
        e.frames[i] = a->frames[i];
    }
    assert_int_equal(evidence_verify(&judge, &e, &f), ERR_OK);
    c->proven[f.culprit.index] |= 1u << a->evidence;
}

/* A breach between two decisions, or a decision and a NEW-VIEW, leaves both sides behind, and names those who stand on
   both. What is certified against the own state alone has one side only. */
static void check_breach(const struct cluster *c, const struct pbft_action *a) {
    struct evidence_judge judge = {&c->verifier, NULL, c->config.window};
    struct audit_frame frames[2 * MEMBERS_MAX];
    struct audit_report *report = xcalloc(1, sizeof *report);
    for (size_t i = 0; i < a->count; i++) {
        frames[i] = (struct audit_frame){a->frames[i], 0, i};
    }
    audit_frames(&judge, frames, a->count, report);
    struct frame f;
    if (a->count > 0 && frame_open(&f, a->frames[0]) == ERR_OK && f.type == FRAME_COMMIT) {
        assert_true(report->disagreements > 0);
        assert_true(set_count(report->culprits) >= quorum_weak(c->members));
    }
    audit_report_free(report);
    free(report);
}

static void node_perform(struct node *x, const struct pbft_action *a, struct answer *owed) {
    switch (a->kind) {
    case PBFT_PERSIST:
        record_put(x, a->record, a->key, a->value);
        x->synced = x->writes;
        break;
    case PBFT_STORE:
        record_put(x, a->record, a->key, a->value);
        break;
    case PBFT_SEND:
        node_send(x, a);
        break;
    case PBFT_EXECUTE:
        node_execute(x, a, owed);
        break;
    case PBFT_CHECKPOINT_AT:
        owed->checkpoint = true;
        owed->n = a->n;
        break;
    case PBFT_FORGET:
        records_forget(x, a->record, a->n);
        break;
    case PBFT_SERVE_DECISIONS:
        serve_decisions(x, (member_id)__builtin_ctz(a->to), a->first, a->last);
        break;
    case PBFT_SERVE_DATA:
        serve_requests(x, (member_id)__builtin_ctz(a->to), a->digests, a->count);
        break;
    case PBFT_TRANSFER:
        x->wants_state = a->n;
        x->damaged |= a->damaged;
        break;
    case PBFT_STABLE:
        x->stable_seen++;
        break;
    case PBFT_TRACE:
        buffer_printf(&x->cluster->trace, "%u %s\n", x->id, a->text);
        break;
    case PBFT_EVIDENCE:
        check_evidence(x->cluster, a);
        break;
    case PBFT_SAFETY_BREACH:
        check_breach(x->cluster, a);
        buffer_printf(&x->cluster->trace, "%u %s\n", x->id, a->text);
        x->breach = true;
        break;
    }
}

static struct checkpoint node_checkpoint(const struct node *x) {
    struct checkpoint c = {.n = x->executed, .log_hash = x->log_hash, .t = x->t};
    c.root = crypto_digest(DIGEST_STATE_ROOT, bytes_of(x->log_hash.b, DIGEST_LEN));
    c.root.b[0] ^= x->diverged;
    return c;
}

static void node_crash(struct node *x) {
    pbft_free(x->core);
    x->core = NULL;
    x->crashed_now = true;
}

static bool is_record(const struct pbft_action *a) {
    return a->kind == PBFT_PERSIST || a->kind == PBFT_STORE || a->kind == PBFT_FORGET;
}

/* As the host does it: all records of the step in one write, then the rest in order. A crash falls before the write,
   which then never was, or after any number of the other actions; unsynced records are lost with it. */
static bool node_dies_in(struct node *x, const struct pbft_actions *out, struct answer *owed) {
    if (x->crash_after < 0 || (size_t)x->crash_after >= out->count) {
        x->crash_after -= x->crash_after < 0 ? 0 : (long)out->count;
        return false;
    }
    size_t last = (size_t)x->crash_after;
    for (size_t i = 0; i < out->count && !is_record(&out->list[last]); i++) {
        const struct pbft_action *a = &out->list[i];
        if (is_record(a) ? a->kind != PBFT_STORE : i < last) {
            node_perform(x, a, owed);
        }
    }
    node_crash(x);
    return true;
}

/* A step, its actions, and the answers that it asks for. */
static void node_step(struct node *x, struct pbft_event e) {
    struct pbft_actions out;
    struct answer owed = {0};
    if (!x->core) {
        if (e.kind == PBFT_REQUEST) {
            request_free(e.request);
        }
        return;
    }
    e.now = x->cluster->now;
    pbft_step(x->core, &e, &out);
    if (node_dies_in(x, &out, &owed)) {
        return;
    }
    for (size_t i = 0; i < out.count; i++) {
        node_perform(x, &out.list[i], &owed);
    }
    if (owed.executed) {
        struct pbft_event done = {.kind = PBFT_EXECUTED};
        done.executed.n = owed.n;
        done.executed.t = x->t;
        done.executed.log_hash = x->log_hash;
        done.executed.done_count = owed.done_count;
        done.executed.done = owed.done;
        node_step(x, done);
    } else if (owed.checkpoint) {
        struct checkpoint c = node_checkpoint(x);
        node_step(x, (struct pbft_event){.kind = PBFT_CHECKPOINTED, .checkpoint = &c});
    }
}

/* As admit: the frame's signature, its body, the proofs inside. */
static enum error cluster_admit(const struct cluster *c, struct msg *m, struct frame *f, struct bytes raw,
                                struct arena *arena) {
    enum error e = frame_open(f, raw);
    if (e == ERR_OK && f->sender >= c->members) {
        e = ERR_NOT_A_MEMBER;
    }
    if (e == ERR_OK) {
        e = frame_verify(f, &c->verifier.cluster, &c->verifier.keys[f->sender]);
    }
    if (e == ERR_OK) {
        e = codec_decode(m, f, arena);
    }
    if (e != ERR_OK) {
        return e;
    }
    switch (m->type) {
    case FRAME_VIEW_CHANGE:
        return proof_view_change_valid(&c->verifier, c->config.window, m);
    case FRAME_NEW_VIEW:
        return proof_new_view_valid(&c->verifier, c->config.window, m);
    case FRAME_DECISION:
        return proof_decision_valid(&c->verifier, &m->decision);
    case FRAME_CERT:
        return m->cert.kind == CERT_CHECKPOINT ? proof_checkpoint_cert_valid(&c->verifier, &m->cert.checkpoint)
                                               : ERR_OK;
    default:
        return ERR_OK;
    }
}

static void node_hear(struct node *x, const struct msg *m) {
    for (unsigned i = 0; m->type == FRAME_DATA && i < m->data.request_count && x->core; i++) {
        cluster_feed_request(x, m->data.requests[i]);
    }
    if (m->type == FRAME_RELAY) {
        cluster_feed_request(x, m->relay.request);
    } else if (x->core) {
        node_step(x, (struct pbft_event){.kind = PBFT_RECEIVE, .msg = m});
    }
}

static void cluster_deliver(struct cluster *c, struct parcel_in_flight *parcel) {
    struct node *x = &c->nodes[parcel->to];
    struct arena arena = {0};
    struct frame f = {0};
    struct msg m = {0};
    assert_int_equal(cluster_admit(c, &m, &f, buffer_bytes(&parcel->frame), &arena), ERR_OK);
    if (parcel->from == f.sender) { /* what is passed on was signed by somebody else, maybe a liar */
        check_signed_once(c, &f, &m);
    }
    bool cut = set_has(c->isolated, parcel->from) || set_has(c->isolated, parcel->to);
    if (x->core && !cut && (!c->arrives || c->arrives(c, parcel->from, parcel->to, &m))) {
        c->counted[m.type]++;
        node_hear(x, &m);
    }
    arena_free(&arena);
}

static __attribute__((unused)) void cluster_drain(struct cluster *c) {
    while (c->queue_head < c->queue_count) {
        struct parcel_in_flight parcel = c->queue[c->queue_head++];
        cluster_deliver(c, &parcel);
        buffer_free(&parcel.frame);
    }
    c->queue_head = c->queue_count = 0;
}

/* Lets so much time pass, delivering everything at once and firing every timer when it is due. */
static __attribute__((unused)) void cluster_run(struct cluster *c, mono_ms ms) {
    mono_ms end = c->now + ms;
    for (unsigned turns = 0;; turns++) {
        assert_true(turns < 200 + 100 * ms); /* no timer spins */
        cluster_drain(c);
        mono_ms next = end + 1;
        for (member_id i = 0; i < c->members; i++) {
            mono_ms at = c->nodes[i].core ? pbft_deadline(c->nodes[i].core) : next;
            next = at < next ? at : next;
        }
        if (next > end) {
            c->now = end;
            return;
        }
        c->now = next > c->now ? next : c->now;
        for (member_id i = 0; i < c->members; i++) {
            struct node *x = &c->nodes[i];
            if (x->core && pbft_deadline(x->core) <= c->now) {
                node_step(x, (struct pbft_event){.kind = PBFT_TIMEOUT});
            }
        }
    }
}

/* --- life of a node --- */

/* A host writes a whole turn at once: a batch at a checkpoint's place is on disk only together with its checkpoint. */
static bool turn_was_written(const struct node *x, seq_no n) {
    const struct stored *stable = record_get(x, RECORD_STABLE, (struct bytes){0});
    struct checkpoint_cert h = {.count = 0};
    uint8_t key[8] = {0};
    key[6] = (uint8_t)(n >> 8), key[7] = (uint8_t)n;
    if (stable) {
        assert_int_equal(codec_decode_checkpoint_cert(&h, buffer_bytes(&stable->value)), ERR_OK);
    }
    return n % x->cluster->config.checkpoint_interval != 0 || n <= h.statement.n ||
           record_get(x, RECORD_OWN_CHECKPOINT, bytes_of(key, 8));
}

static void node_replay(struct node *x) {
    x->executed = 0;
    x->t = 0;
    x->done_count = 0;
    memset(&x->log_hash, 0, sizeof x->log_hash);
    for (seq_no n = 1; decided_record(x, n) && turn_was_written(x, n); n++) {
        struct arena arena = {0};
        struct digest d, digests[BATCH_REFS_MAX];
        struct batch b = batch_of(decided_record(x, n), &arena, &d);
        for (unsigned i = 0; i < b.count; i++) {
            digests[i] = b.refs[i].digest;
            assert_non_null(record_get(x, RECORD_REQUEST, bytes_of(digests[i].b, DIGEST_LEN)));
        }
        node_apply(x, n, &d, digests, b.count);
        arena_free(&arena);
    }
}

static void node_boot(struct node *x) {
    struct cluster *c = x->cluster;
    struct pbft_config config = c->config;
    config.self = x->id;
    config.secret = c->secrets[x->id];
    x->core = pbft_new(&config);
    x->crash_after = -1;
    pbft_set_facts(x->core, &(struct pbft_host_facts){.boot = ++x->boot, .boot_random = ++c->boots, .version = "test"});
    for (size_t i = 0; i < x->record_count; i++) {
        struct stored *s = &x->records[i];
        if (s->record != RECORD_DECIDED && s->record != RECORD_REQUEST) {
            assert_int_equal(pbft_restore(x->core, s->record, buffer_bytes(&s->key), buffer_bytes(&s->value)), ERR_OK);
        }
    }
    node_replay(x);
    pbft_restore_executed(x->core, x->executed, x->t, &x->log_hash);
    node_step(x, (struct pbft_event){.kind = PBFT_START});
}

static __attribute__((unused)) struct pbft_view node_view(const struct node *x) {
    struct pbft_view v;
    pbft_inspect(x->core, &v);
    return v;
}

static struct pbft_config cluster_defaults(void) {
    return (struct pbft_config){.checkpoint_interval = 8,
                                .window = 16,
                                .in_flight = 4,
                                .batch_max = 8,
                                .checkpoint_period = 1000000000,
                                .status_interval = 250,
                                .resend_interval = 500,
                                .request_timeout = 500,
                                .new_view_timeout = 1000,
                                .timeout_cap = 30000,
                                .silent_timeout = 1000000000,
                                .pool_max = 256,
                                .pool_per_client_max = 128};
}

static __attribute__((unused)) struct cluster *cluster_new_with(unsigned members, const struct pbft_config *config) {
    struct cluster *c = xcalloc(1, sizeof *c);
    c->members = members;
    c->config = *config;
    c->signed_keys = xcalloc(SIGNED_MAX, sizeof *c->signed_keys);
    memcpy(c->verifier.cluster.b, "test cluster id", 16);
    c->verifier.members = members;
    for (unsigned i = 0; i < members; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {1, (uint8_t)i};
        crypto_keypair_from_seed(&c->verifier.keys[i], &c->secrets[i], seed);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {2, (uint8_t)i};
        crypto_keypair_from_seed(&c->client_keys[i], &c->client_secrets[i], seed);
    }
    c->config.verifier = c->verifier;
    for (unsigned i = 0; i < members; i++) {
        c->nodes[i].cluster = c;
        c->nodes[i].id = (member_id)i;
        node_boot(&c->nodes[i]);
    }
    cluster_drain(c);
    return c;
}

static __attribute__((unused)) struct cluster *cluster_new(unsigned members) {
    struct pbft_config config = cluster_defaults();
    return cluster_new_with(members, &config);
}

static __attribute__((unused)) void cluster_free(struct cluster *c) {
    for (unsigned i = 0; i < c->members; i++) {
        struct node *x = &c->nodes[i];
        pbft_free(x->core);
        for (size_t k = 0; k < x->record_count; k++) {
            record_free(&x->records[k]);
        }
        free(x->records);
    }
    for (size_t i = c->queue_head; i < c->queue_count; i++) {
        buffer_free(&c->queue[i].frame);
    }
    free(c->queue);
    free(c->signed_keys);
    buffer_free(&c->trace);
    free(c);
}

/* --- clients --- */

static struct digest request_make(struct cluster *c, struct buffer *frame, unsigned client, uint64_t seq,
                                  uint32_t content) {
    struct request r = {.client = c->client_keys[client], .req_seq = seq, .kind = OP_QUERY};
    r.query = (struct op_query){.kind = QUERY_STATUS,
                                .host = "",
                                .service = "",
                                .after_host = "",
                                .after_service = "",
                                .limit = 1 + content % QUERY_PAGE_MAX};
    request_seal(frame, &r, &c->verifier.cluster, &c->client_secrets[client]);
    return crypto_digest(DIGEST_REQUEST, buffer_bytes(frame));
}

/* Submits to the members of `to`, without delivering what follows. */
static __attribute__((unused)) struct digest submit_to(struct cluster *c, unsigned client, uint64_t seq,
                                                       member_set to) {
    struct buffer frame = {0};
    struct digest d = request_make(c, &frame, client, seq, 0);
    for (member_id i = 0; i < c->members; i++) {
        if (set_has(to, i) && c->nodes[i].core) {
            cluster_feed_request(&c->nodes[i], buffer_bytes(&frame));
        }
    }
    buffer_free(&frame);
    return d;
}

static __attribute__((unused)) struct digest submit(struct cluster *c, unsigned client, uint64_t seq) {
    return submit_to(c, client, seq, set_all(c->members));
}

/* --- what must be true --- */

/* I1, I2: executed logs are prefixes of each other. */
static __attribute__((unused)) void assert_agreement(const struct cluster *c) {
    for (unsigned i = 1; i < c->members; i++) {
        const struct node *a = &c->nodes[0], *b = &c->nodes[i];
        for (seq_no n = 1; n <= a->executed && n <= b->executed; n++) {
            assert_true(digest_equal(&a->log[n], &b->log[n]));
        }
    }
    for (unsigned i = 0; i < c->members; i++) {
        assert_false(c->nodes[i].breach);
    }
}

static __attribute__((unused)) void assert_done(const struct cluster *c, member_set who, const struct digest *d) {
    for (member_id i = 0; i < c->members; i++) {
        if (set_has(who, i)) {
            assert_true(node_has_done(&c->nodes[i], d));
        }
    }
}

static __attribute__((unused)) bool traced(struct cluster *c, const char *what) {
    return strstr(buffer_cstr(&c->trace), what) != NULL;
}

/* A message of `from`, signed by it, as if it had made it itself: what a traitor may say. */
static __attribute__((unused)) void traitor_sends(struct cluster *c, member_id from, member_id to,
                                                  const struct msg *m) {
    struct arena arena = {0};
    struct buffer body = {0}, frame = {0};
    struct seal_context context = {(uint8_t)m->type, c->verifier.cluster, 0, from};
    struct frame f;
    struct msg out;
    codec_encode(&body, m);
    frame_seal(&frame, &context, buffer_bytes(&body), &c->secrets[from]);
    if (cluster_admit(c, &out, &f, buffer_bytes(&frame), &arena) == ERR_OK && c->nodes[to].core) {
        node_hear(&c->nodes[to], &out);
    }
    buffer_free(&body);
    buffer_free(&frame);
    arena_free(&arena);
}

#endif
