/* Proofs by signatures (R6): what a VIEW-CHANGE, a NEW-VIEW and a checkpoint certificate must hold, and that any
   invalid part voids the whole. */
#include "tests/unit/pbft_cluster.h"

static struct digest digest_of(uint8_t x) {
    return (struct digest){{x}};
}

static void sign_by(const struct cluster *c, enum frame_type type, member_id member, struct bytes body,
                    struct signature *out) {
    struct seal_context context = {(uint8_t)type, c->verifier.cluster, 0, member};
    seal_sign(out, &context, body, &c->secrets[member]);
}

/* n prepared in view u with digest d: the PRE-PREPARE and Q-1 PREPAREs of non-primaries. */
static struct prepared_entry prepared(const struct cluster *c, seq_no n, view_no u, uint8_t d) {
    struct prepared_entry e = {.statement = {u, n, digest_of(d), {{0}}}};
    uint8_t body[VOTE_BODY_LEN];
    member_id primary = (member_id)(u % c->members);
    vote_encode(body, &e.statement);
    sign_by(c, FRAME_PRE_PREPARE, primary, bytes_of(body, sizeof body), &e.pp_sig);
    for (member_id i = 0; i < c->members && e.count < quorum_strong(c->members) - 1; i++) {
        if (i != primary) {
            e.prepares[e.count].member = i;
            sign_by(c, FRAME_PREPARE, i, bytes_of(body, sizeof body), &e.prepares[e.count++].sig);
        }
    }
    return e;
}

static struct checkpoint_cert certificate(const struct cluster *c, seq_no n) {
    struct checkpoint_cert cert = {.statement = {.n = n}};
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, &cert.statement);
    for (member_id i = 0; n > 0 && i < quorum_strong(c->members); i++) {
        cert.sigs[i].member = i;
        sign_by(c, FRAME_CHECKPOINT, i, bytes_of(body, sizeof body), &cert.sigs[i].sig);
        cert.count++;
    }
    return cert;
}

struct held_frame { /* a message with the bytes it lives in */
    struct buffer raw;
    struct arena arena;
    struct msg m;
};

static void seal_message(const struct cluster *c, struct held_frame *x, member_id sender, const struct msg *m) {
    struct buffer body = {0};
    struct frame f;
    struct seal_context context = {(uint8_t)m->type, c->verifier.cluster, 0, sender};
    codec_encode(&body, m);
    frame_seal(&x->raw, &context, buffer_bytes(&body), &c->secrets[sender]);
    assert_int_equal(frame_open(&f, buffer_bytes(&x->raw)), ERR_OK);
    assert_int_equal(codec_decode(&x->m, &f, &x->arena), ERR_OK);
    buffer_free(&body);
}

static void held_free(struct held_frame *x) {
    buffer_free(&x->raw);
    arena_free(&x->arena);
}

static void view_change(const struct cluster *c, struct held_frame *x, member_id sender, view_no v, seq_no checkpoint,
                        const struct prepared_entry *p, unsigned count) {
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = v;
    m.view_change.c = certificate(c, checkpoint);
    m.view_change.p = p;
    m.view_change.count = count;
    seal_message(c, x, sender, &m);
}

static enum error judged(const struct cluster *c, view_no v, seq_no checkpoint, const struct prepared_entry *p,
                         unsigned count) {
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = v;
    m.view_change.c = certificate(c, checkpoint);
    m.view_change.p = p;
    m.view_change.count = count;
    return proof_view_change_valid(&c->verifier, c->config.window, &m);
}

#define PASS(...) assert_int_equal(judged(c, __VA_ARGS__), ERR_OK)
#define FAIL(...) assert_int_equal(judged(c, __VA_ARGS__), ERR_BAD_PROOF)

static void a_view_change_proves_all_it_says(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct prepared_entry e[2] = {prepared(c, 1, 0, 1), prepared(c, 2, 0, 2)};
    PASS(1, 0, NULL, 0); /* BUG25: before the first checkpoint */
    FAIL(0, 0, NULL, 0);
    PASS(1, 0, e, 2);
    PASS(9, 0, e, 2);
    FAIL(1, 1, e, 2); /* n <= c */
    PASS(1, 1, &e[1], 1);
    struct prepared_entry last = prepared(c, 16, 0, 1), beyond = prepared(c, 17, 0, 1);
    PASS(1, 0, &last, 1);
    FAIL(1, 0, &beyond, 1); /* n > c+W */
    struct prepared_entry later = prepared(c, 1, 1, 1);
    FAIL(1, 0, &later, 1); /* u must be below v */
    PASS(2, 0, &later, 1);
    struct prepared_entry swapped[2] = {e[1], e[0]}, twice[2] = {e[0], e[0]};
    FAIL(1, 0, swapped, 2);
    FAIL(1, 0, twice, 2);
    cluster_free(c);
}

static void an_invalid_entry_voids_the_whole(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct prepared_entry good = prepared(c, 1, 0, 1), e[2] = {good, prepared(c, 2, 0, 2)};
    e[1].statement.d.b[0] ^= 1; /* certificate of another digest (BUG18) */
    FAIL(1, 0, e, 2);
    struct prepared_entry x = good;
    x.count--; /* 2f with the PRE-PREPARE */
    FAIL(1, 0, &x, 1);
    x = good;
    x.prepares[1] = x.prepares[0]; /* one member twice */
    FAIL(1, 0, &x, 1);
    x = good;
    x.prepares[0].sig.b[0] ^= 1;
    FAIL(1, 0, &x, 1);
    x = good;
    x.pp_sig.b[0] ^= 1;
    FAIL(1, 0, &x, 1);
    x = good; /* the primary's own PREPARE counted (BUG20) */
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, &x.statement);
    x.prepares[0].member = 0;
    sign_by(c, FRAME_PREPARE, 0, bytes_of(body, sizeof body), &x.prepares[0].sig);
    FAIL(1, 0, &x, 1);
    x = good; /* the PRE-PREPARE signed by somebody else than the primary of u */
    sign_by(c, FRAME_PRE_PREPARE, 1, bytes_of(body, sizeof body), &x.pp_sig);
    FAIL(1, 0, &x, 1);
    cluster_free(c);
}

static void a_checkpoint_certificate_needs_q_distinct_members(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct checkpoint_cert good = certificate(c, 8), x = good;
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &good), ERR_OK);
    x.count--;
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &x), ERR_BAD_PROOF);
    x = good;
    x.sigs[2] = x.sigs[1];
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &x), ERR_BAD_PROOF);
    x = good;
    x.statement.root.b[0] = 1;
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &x), ERR_BAD_PROOF);
    x = (struct checkpoint_cert){.count = 0};
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &x), ERR_OK); /* genesis */
    x.count = 1;
    assert_int_equal(proof_checkpoint_cert_valid(&c->verifier, &x), ERR_BAD_PROOF);
    cluster_free(c);
}

/* --- NEW-VIEW --- */

struct new_view_parts {
    struct held_frame vcs[4];
    unsigned count;
    struct new_view_slot slots[WINDOW_MAX];
    unsigned slot_count;
};

static void new_view(const struct cluster *c, struct held_frame *x, view_no v, struct new_view_parts *parts) {
    struct msg vcs[4], m = {.type = FRAME_NEW_VIEW};
    struct buffer core = {0};
    member_id primary = (member_id)(v % c->members);
    for (unsigned i = 0; i < parts->count; i++) {
        vcs[i] = parts->vcs[i].m;
    }
    m.new_view = (struct msg_new_view){
        .v = v, .vc_count = parts->count, .vcs = vcs, .slot_count = parts->slot_count, .slots = parts->slots};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    m.new_view.digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    for (unsigned i = 0; i < parts->slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct vote header = {v, parts->slots[i].n, parts->slots[i].d, m.new_view.digest};
        vote_encode(body, &header);
        sign_by(c, FRAME_PRE_PREPARE, primary, bytes_of(body, sizeof body), &parts->slots[i].pp_sig);
    }
    seal_message(c, x, primary, &m);
    buffer_free(&core);
}

static enum error new_view_judged(const struct cluster *c, view_no v, struct new_view_parts *parts) {
    struct held_frame x = {.raw = {0}};
    new_view(c, &x, v, parts);
    enum error e = proof_new_view_valid(&c->verifier, c->config.window, &x.m);
    held_free(&x);
    return e;
}

static void parts_free(struct new_view_parts *parts) {
    for (unsigned i = 0; i < 4; i++) {
        held_free(&parts->vcs[i]);
    }
}

/* Three VIEW-CHANGEs for view 3: n=1 prepared in view 0 as A and in view 2 as B, n=3 in view 1 as C, n=2 nowhere. */
static void three_views_of_history(const struct cluster *c, struct new_view_parts *parts) {
    struct prepared_entry old[] = {prepared(c, 1, 0, 'A'), prepared(c, 3, 1, 'C')};
    struct prepared_entry newer[] = {prepared(c, 1, 2, 'B')};
    view_change(c, &parts->vcs[0], 0, 3, 0, old, 2);
    view_change(c, &parts->vcs[1], 1, 3, 0, newer, 1);
    view_change(c, &parts->vcs[2], 2, 3, 0, NULL, 0);
    parts->count = 3;
    parts->slots[0] = (struct new_view_slot){1, digest_of('B'), {{0}}};
    parts->slots[1] = (struct new_view_slot){2, batch_null_digest(), {{0}}};
    parts->slots[2] = (struct new_view_slot){3, digest_of('C'), {{0}}};
    parts->slot_count = 3;
}

static void the_highest_view_wins_and_gaps_are_null(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    three_views_of_history(c, &parts);
    assert_int_equal(new_view_judged(c, 3, &parts), ERR_OK);
    parts.slots[0].d = digest_of('A'); /* an older view's entry */
    assert_int_equal(new_view_judged(c, 3, &parts), ERR_BAD_PROOF);
    parts.slots[0].d = batch_null_digest(); /* NULL over a prepared one (BUG18) */
    assert_int_equal(new_view_judged(c, 3, &parts), ERR_BAD_PROOF);
    parts.slots[0].d = digest_of('B');
    parts.slots[1].d = digest_of('X'); /* something where nobody prepared */
    assert_int_equal(new_view_judged(c, 3, &parts), ERR_BAD_PROOF);
    parts.slots[1].d = batch_null_digest();
    parts.slot_count = 2; /* max_s cut off */
    assert_int_equal(new_view_judged(c, 3, &parts), ERR_BAD_PROOF);
    parts_free(&parts);
    cluster_free(c);
}

static void a_new_view_needs_q_view_changes_for_its_own_view(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    for (member_id i = 0; i < 4; i++) {
        view_change(c, &parts.vcs[i], i, 1, 0, NULL, 0);
    }
    parts.count = 3;
    assert_int_equal(new_view_judged(c, 1, &parts), ERR_OK);
    parts.count = 2;
    assert_int_equal(new_view_judged(c, 1, &parts), ERR_BAD_PROOF);
    parts.count = 3;
    assert_int_equal(new_view_judged(c, 2, &parts), ERR_BAD_PROOF); /* they are for view 1 */
    parts_free(&parts);
    cluster_free(c);
}

static void the_highest_checkpoint_in_v_is_the_base(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    struct prepared_entry low = prepared(c, 2, 0, 'L'), high = prepared(c, 9, 0, 'H');
    view_change(c, &parts.vcs[0], 0, 1, 0, &low, 1);
    view_change(c, &parts.vcs[1], 1, 1, 8, NULL, 0);
    view_change(c, &parts.vcs[2], 2, 1, 0, &high, 1);
    parts.count = 3;
    parts.slots[0] = (struct new_view_slot){9, digest_of('H'), {{0}}};
    parts.slot_count = 1; /* 2 is final at checkpoint 8 (BUG18: not the lowest) */
    assert_int_equal(new_view_judged(c, 1, &parts), ERR_OK);
    parts_free(&parts);
    cluster_free(c);
}

static void nothing_prepared_makes_an_empty_new_view(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    for (member_id i = 0; i < 3; i++) {
        view_change(c, &parts.vcs[i], i, 5, 8, NULL, 0);
    }
    parts.count = 3;
    assert_int_equal(new_view_judged(c, 5, &parts), ERR_OK);
    parts.slots[0] = (struct new_view_slot){9, batch_null_digest(), {{0}}};
    parts.slot_count = 1; /* a NULL that nothing asks for */
    assert_int_equal(new_view_judged(c, 5, &parts), ERR_BAD_PROOF);
    parts_free(&parts);
    cluster_free(c);
}

static void a_forged_signature_anywhere_voids_a_new_view(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    struct held_frame x = {.raw = {0}};
    three_views_of_history(c, &parts);
    new_view(c, &x, 3, &parts);
    struct new_view_slot *slot = (struct new_view_slot *)(uintptr_t)&x.m.new_view.slots[2];
    slot->pp_sig.b[0] ^= 1;
    assert_int_equal(proof_new_view_valid(&c->verifier, c->config.window, &x.m), ERR_BAD_PROOF);
    slot->pp_sig.b[0] ^= 1;
    assert_int_equal(proof_new_view_valid(&c->verifier, c->config.window, &x.m), ERR_OK);
    x.m.sender = 2; /* not the primary of view 3 */
    assert_int_equal(proof_new_view_valid(&c->verifier, c->config.window, &x.m), ERR_BAD_PROOF);
    x.m.sender = 3;
    uint8_t *inner = (uint8_t *)(uintptr_t)x.m.new_view.vcs[1].raw.data;
    inner[x.m.new_view.vcs[1].raw.len - 1] ^= 1; /* the outer signature of a VIEW-CHANGE inside */
    assert_int_equal(proof_new_view_valid(&c->verifier, c->config.window, &x.m), ERR_BAD_PROOF);
    held_free(&x);
    parts_free(&parts);
    cluster_free(c);
}

static void a_second_new_view_for_one_view_names_its_primary(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0}, other = {.count = 0};
    struct held_frame a = {.raw = {0}}, b = {.raw = {0}};
    for (member_id i = 0; i < 3; i++) {
        view_change(c, &parts.vcs[i], i, 1, 0, NULL, 0);
        view_change(c, &other.vcs[i], (member_id)(i + 1), 1, 0, NULL, 0);
    }
    parts.count = other.count = 3;
    new_view(c, &a, 1, &parts);
    new_view(c, &b, 1, &other);
    node_hear(&c->nodes[2], &a.m); /* adopted directly: it proves itself */
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_ACTIVE);
    node_hear(&c->nodes[2], &a.m);
    assert_int_equal(node_view(&c->nodes[2]).refused[ERR_DUPLICATE], 1);
    node_hear(&c->nodes[2], &b.m);
    assert_true(traced(c, "2 evidence EV9 EQUIV_NV culprit 1 v=1"));
    assert_true(traced(c, "2 wish v=2 PROOF"));
    held_free(&a);
    held_free(&b);
    parts_free(&parts);
    parts_free(&other);
    cluster_free(c);
}

static void a_new_view_against_my_decision_is_a_safety_breach(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct new_view_parts parts = {.count = 0};
    struct held_frame x = {.raw = {0}};
    submit(c, 0, 1);
    cluster_drain(c);
    struct prepared_entry lie = prepared(c, 1, 0, 'L'); /* only with more than f traitors */
    view_change(c, &parts.vcs[0], 0, 1, 0, &lie, 1);
    view_change(c, &parts.vcs[1], 1, 1, 0, NULL, 0);
    view_change(c, &parts.vcs[2], 2, 1, 0, NULL, 0);
    parts.count = 3;
    parts.slots[0] = (struct new_view_slot){1, digest_of('L'), {{0}}};
    parts.slot_count = 1;
    new_view(c, &x, 1, &parts);
    unsigned before = c->counted[FRAME_PREPARE];
    node_hear(&c->nodes[3], &x.m);
    cluster_drain(c);
    assert_true(c->nodes[3].breach);
    assert_int_equal(c->counted[FRAME_PREPARE], before); /* never PREPARE it */
    held_free(&x);
    parts_free(&parts);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_change_proves_all_it_says),
        cmocka_unit_test(an_invalid_entry_voids_the_whole),
        cmocka_unit_test(a_checkpoint_certificate_needs_q_distinct_members),
        cmocka_unit_test(the_highest_view_wins_and_gaps_are_null),
        cmocka_unit_test(a_new_view_needs_q_view_changes_for_its_own_view),
        cmocka_unit_test(the_highest_checkpoint_in_v_is_the_base),
        cmocka_unit_test(nothing_prepared_makes_an_empty_new_view),
        cmocka_unit_test(a_forged_signature_anywhere_voids_a_new_view),
        cmocka_unit_test(a_second_new_view_for_one_view_names_its_primary),
        cmocka_unit_test(a_new_view_against_my_decision_is_a_safety_breach),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
