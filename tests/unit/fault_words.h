/* What a node says: one good frame of each type that members send to each other, by replica 0, which leads view 4. */
#ifndef QUORATE_TESTS_UNIT_FAULT_WORDS_H
#define QUORATE_TESTS_UNIT_FAULT_WORDS_H

#include "proto/proof.h"
#include "tests/unit/fault_world.h"

enum { SELF = 0, VIEW = 4, TYPES = FRAME_ST_DATA + 1 };

static struct buffer said[TYPES];
static struct buffer before_it; /* another proposal */

static void make(enum frame_type type, struct msg m) {
    struct arena arena = {0};
    m.type = type;
    seal(&said[type], &m, SELF);
    opened(buffer_bytes(&said[type]), &arena);
    arena_free(&arena);
}

static void make_request(struct buffer *out, const struct secret_key *sk, struct request r) {
    buffer_clear(out);
    request_seal(out, &r, &cluster.id, sk);
}

static void make_data(void) {
    static struct buffer request;
    struct observation o = {"web1", "http", 1, 2, "down", "", 1000};
    make_request(
        &request, &secrets[3],
        (struct request){
            .client = cluster.observers[0].key, .req_seq = 5, .kind = OP_OBSERVE, .observe = {.count = 1, .list = &o}});
    struct bytes list[] = {buffer_bytes(&request)};
    make(FRAME_RELAY, (struct msg){.relay = {list[0]}});
    make(FRAME_DATA, (struct msg){.data = {.request_count = 1, .requests = list}});
    buffer_free(&request);
}

static void make_decision(void) {
    struct buffer batch = {0};
    struct msg m = {.decision.count = 3};
    batch_encode(&batch, &(struct batch){.kind = BATCH_NULL});
    m.decision.batch = buffer_bytes(&batch);
    m.decision.statement.n = 3;
    m.decision.statement.d = batch_digest(m.decision.batch);
    for (member_id i = 0; i < 3; i++)
        m.decision.commits[i].member = i;
    make(FRAME_DECISION, m);
    buffer_free(&batch);
}

static struct prepared_entry entry_of(seq_no n) {
    struct prepared_entry e = {.statement = {.v = 0, .n = n, .d = {{(uint8_t)n}}}, .count = 2};
    e.prepares[0].member = 1;
    e.prepares[1].member = 2;
    return e;
}

/* Three VIEW-CHANGEs, the liar's among them, and the NEW-VIEW that follows. */
static void make_view_change(void) {
    struct prepared_entry entries[] = {entry_of(1), entry_of(2)};
    struct msg vcs[3], nv = {.new_view = {.v = VIEW, .vc_count = 3, .vcs = vcs}};
    struct buffer frames[3] = {{0}}, core = {0};
    struct arena arena = {0};
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    for (member_id i = 0; i < 3; i++) {
        struct msg m = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = VIEW, .count = 2, .p = entries}};
        seal(&frames[i], &m, i);
        vcs[i] = opened(buffer_bytes(&frames[i]), &arena);
    }
    keep(&said[FRAME_VIEW_CHANGE], buffer_bytes(&frames[0]));
    assert_int_equal(new_view_compute(plan, vcs, 3, cluster.knobs.window), ERR_OK);
    nv.new_view.slot_count = plan->slot_count;
    nv.new_view.slots = plan->slots;
    codec_new_view_core(&core, &nv.new_view);
    nv.new_view.core = buffer_bytes(&core);
    make(FRAME_NEW_VIEW, nv);
    for (unsigned i = 0; i < 3; i++)
        buffer_free(&frames[i]);
    buffer_free(&core);
    arena_free(&arena);
    free(plan);
}

static struct checkpoint_cert certificate_of(seq_no n) {
    struct checkpoint_cert c = {.statement = {.n = n, .t = 5}, .count = 3};
    for (member_id i = 0; i < 3; i++)
        c.sigs[i].member = i;
    return c;
}

static void make_all(void) {
    struct vote vote = {.v = VIEW, .n = 9, .d = {{1}}};
    struct digest digest = {{5}}, leaves[ST_LEAVES] = {{{1}}};
    struct st_node node = {7, leaves};
    struct recalled statement = {.type = FRAME_PREPARE, .vote = vote};
    proposal(&before_it, 8, 1);
    proposal(&said[FRAME_PRE_PREPARE], 9, 2);
    make(FRAME_PREPARE, (struct msg){.vote = vote});
    make(FRAME_COMMIT, (struct msg){.vote = vote});
    make(FRAME_CHECKPOINT, (struct msg){.checkpoint = {.n = 128, .t = 5}});
    make(FRAME_WISH, (struct msg){.wish = {VIEW + 1, WISH_SILENT}});
    make(FRAME_STATUS, (struct msg){.status = {.boot = 1, .counter = 1, .phase = PHASE_ACTIVE, .executed = 7}});
    make(FRAME_FETCH, (struct msg){.fetch = {1, &digest}});
    make(FRAME_FETCH_DECISION, (struct msg){.fetch_decision = {3, 4}});
    make(FRAME_FETCH_CERT, (struct msg){.fetch_cert = {CERT_CHECKPOINT, 5}});
    make(FRAME_CERT, (struct msg){.cert = {.kind = CERT_CHECKPOINT, .checkpoint = certificate_of(128)}});
    make(FRAME_RECEIPT, (struct msg){.receipt = {{.n = 5, .t = 2000}}});
    make(FRAME_RECALL, (struct msg){.recall = {.boot = 1}});
    make(FRAME_RECALLED, (struct msg){.recalled = {.to = 2, .answer = true, .count = 1, .statements = &statement}});
    make(FRAME_ST_FETCH, (struct msg){.st_fetch = {.kind = ST_META, .n = 5, .nonce = 1}});
    make(FRAME_ST_DATA,
         (struct msg){.st_data = {.kind = ST_NODE, .n = 5, .count = 1, .nodes = &node, .to = 2, .nonce = 1}});
    make_data();
    make_decision();
    make_view_change();
}

static void free_all(void) {
    for (unsigned i = 0; i < TYPES; i++)
        buffer_free(&said[i]);
    buffer_free(&before_it);
}

#endif
