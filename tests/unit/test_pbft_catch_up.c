/* Catching up by certificates and decisions, however large the gap (R7). */
#include "tests/unit/pbft_cluster.h"

static void order(struct cluster *c, uint64_t from, uint64_t to) {
    for (uint64_t i = from; i <= to; i++) {
        submit(c, 0, i);
        cluster_drain(c);
    }
}

static void a_laggard_catches_up_by_decisions(seq_no gap) {
    struct cluster *c = cluster_new(4);
    order(c, 1, 3);
    c->isolated = set_of(3);
    order(c, 4, 3 + gap);
    assert_int_equal(c->nodes[3].executed, 3);
    c->isolated = 0;
    cluster_run(c, 3000);
    assert_int_equal(c->nodes[3].executed, 3 + gap);
    assert_int_equal(node_view(&c->nodes[3]).stable, node_view(&c->nodes[0]).stable);
    assert_int_equal(node_view(&c->nodes[0]).view, 0);
    assert_agreement(c);
    struct digest d = submit(c, 1, 1);
    cluster_run(c, 300);
    assert_done(c, set_all(4), &d);
    cluster_free(c);
}

static void a_gap_inside_the_window_is_bridged(void **state) {
    (void)state;
    a_laggard_catches_up_by_decisions(3);
}

static void a_gap_beyond_the_window_is_bridged(void **state) {
    (void)state;
    a_laggard_catches_up_by_decisions(40);
}

static void a_gap_of_many_windows_is_bridged(void **state) {
    (void)state;
    a_laggard_catches_up_by_decisions(300);
}

static bool everything_is_served_by_2(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)to;
    return from == 2 || (m->type != FRAME_DECISION && m->type != FRAME_DATA);
}

static void a_silent_donor_is_passed_over(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_of(3);
    order(c, 1, 50);
    c->isolated = 0;
    c->arrives = everything_is_served_by_2;
    cluster_run(c, 15000);
    assert_int_equal(c->nodes[3].executed, 50);
    assert_true(node_view(&c->nodes[3]).fetched > 0); /* votes sent again may do for the last ones */
    assert_int_equal(node_view(&c->nodes[0]).fetched, 0);
    cluster_free(c);
}

static void a_laggard_keeps_up_with_a_moving_cluster(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_of(3);
    order(c, 1, 100);
    c->isolated = 0;
    for (uint64_t i = 101; i < 160; i++) {
        submit(c, 0, i);
        cluster_run(c, 100);
    }
    cluster_run(c, 1000);
    assert_int_equal(c->nodes[3].done_count, 159);
    assert_int_equal(node_view(&c->nodes[3]).stable, node_view(&c->nodes[0]).stable);
    cluster_free(c);
}

static void a_decision_is_believed_only_with_its_quorum(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 1, 1);
    struct frame f = {.type = FRAME_DECISION};
    struct arena arena = {0};
    struct msg m;
    f.body = buffer_bytes(&decided_record(&c->nodes[0], 1)->value);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    assert_int_equal(proof_decision_valid(&c->verifier, &m.decision), ERR_OK);
    struct msg_decision d = m.decision;
    d.count--;
    assert_int_equal(proof_decision_valid(&c->verifier, &d), ERR_BAD_PROOF);
    d = m.decision;
    d.commits[1] = d.commits[0];
    assert_int_equal(proof_decision_valid(&c->verifier, &d), ERR_BAD_PROOF);
    d = m.decision;
    d.commits[2].sig.b[5] ^= 1;
    assert_int_equal(proof_decision_valid(&c->verifier, &d), ERR_BAD_PROOF);
    d = m.decision;
    d.statement.n++;
    assert_int_equal(proof_decision_valid(&c->verifier, &d), ERR_BAD_PROOF);
    d = m.decision;
    uint8_t null_batch[] = {BATCH_NULL, 0, 0};
    d.batch = bytes_of(null_batch, sizeof null_batch);
    assert_int_equal(proof_decision_valid(&c->verifier, &d), ERR_BAD_PROOF);
    arena_free(&arena);
    cluster_free(c);
}

static void another_decision_for_one_n_is_a_safety_breach(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 1, 1);
    struct buffer bytes = {0};
    struct msg m = {.type = FRAME_DECISION}; /* only more than f traitors could sign it */
    batch_encode(&bytes, &(struct batch){.kind = BATCH_NULL});
    m.decision.batch = buffer_bytes(&bytes);
    m.decision.statement = (struct vote){.v = 0, .n = 1, .d = batch_null_digest()};
    for (member_id i = 1; i < 4; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct seal_context context = {FRAME_COMMIT, c->verifier.cluster, 0, i};
        vote_encode(body, &m.decision.statement);
        m.decision.commits[m.decision.count].member = i;
        seal_sign(&m.decision.commits[m.decision.count++].sig, &context, bytes_of(body, sizeof body), &c->secrets[i]);
    }
    traitor_sends(c, 3, 0, &m);
    assert_true(c->nodes[0].breach);
    assert_true(traced(c, "0 SAFETY BREACH n=1"));
    buffer_free(&bytes);
    cluster_free(c);
}

static void ranges_asked_for_are_bounded(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 1, 2);
    struct msg m = {.type = FRAME_FETCH_DECISION};
    m.fetch_decision = (struct msg_fetch_decision){3, 9};
    traitor_sends(c, 3, 0, &m);
    assert_int_equal(node_view(&c->nodes[0]).refused[ERR_OUT_OF_RANGE], 1);
    m.fetch_decision = (struct msg_fetch_decision){1, 1u << 30};
    traitor_sends(c, 3, 0, &m);
    assert_int_equal(node_view(&c->nodes[0]).refused[ERR_OUT_OF_RANGE], 1);
    cluster_drain(c);
    assert_int_equal(c->counted[FRAME_DECISION], 2);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_inside_the_window_is_bridged),
        cmocka_unit_test(a_gap_beyond_the_window_is_bridged),
        cmocka_unit_test(a_gap_of_many_windows_is_bridged),
        cmocka_unit_test(a_silent_donor_is_passed_over),
        cmocka_unit_test(a_laggard_keeps_up_with_a_moving_cluster),
        cmocka_unit_test(a_decision_is_believed_only_with_its_quorum),
        cmocka_unit_test(another_decision_for_one_n_is_a_safety_breach),
        cmocka_unit_test(ranges_asked_for_are_bounded),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
