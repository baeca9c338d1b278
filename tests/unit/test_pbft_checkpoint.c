/* Checkpoints, the window they move, and what they let a replica forget (R4, R5). */
#include "tests/unit/pbft_cluster.h"

static struct digest order(struct cluster *c, unsigned client, uint64_t from, uint64_t to) {
    struct digest d = {{0}};
    for (uint64_t i = from; i <= to; i++) {
        d = submit(c, client, i);
        cluster_drain(c);
    }
    return d;
}

static void the_kth_batch_makes_a_stable_checkpoint(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 0, 1, 7);
    assert_int_equal(node_view(&c->nodes[1]).certified, 0);
    assert_int_equal(records_count(&c->nodes[1], RECORD_ACCEPT), 7);
    order(c, 0, 8, 8);
    for (unsigned i = 0; i < 4; i++) {
        struct pbft_view v = node_view(&c->nodes[i]);
        assert_int_equal(v.certified, 8);
        assert_int_equal(v.stable, 8);
        assert_int_equal(c->nodes[i].stable_seen, 1);
        assert_int_equal(records_count(&c->nodes[i], RECORD_ACCEPT), 0);
        assert_int_equal(records_count(&c->nodes[i], RECORD_PREPARED), 0);
        assert_int_equal(records_count(&c->nodes[i], RECORD_GUARD), 0);
        assert_int_equal(records_count(&c->nodes[i], RECORD_OWN_CHECKPOINT), 0);
        assert_int_equal(records_count(&c->nodes[i], RECORD_DECIDED), 8); /* kept for the retention */
    }
    cluster_free(c);
}

static void agreed_time_makes_checkpoints_too(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.checkpoint_period = 3000; /* the toy machine's T advances 1000 a batch */
    struct cluster *c = cluster_new_with(4, &config);
    order(c, 0, 1, 2);
    assert_int_equal(node_view(&c->nodes[0]).stable, 0);
    order(c, 0, 3, 3);
    assert_int_equal(node_view(&c->nodes[0]).stable, 3);
    cluster_free(c);
}

static bool no_checkpoints(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_CHECKPOINT;
}

static void without_checkpoints_the_window_closes_and_reopens(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = no_checkpoints;
    order(c, 0, 1, 20);
    assert_int_equal(c->nodes[2].executed, c->config.window);
    cluster_run(c, 5000); /* full window: nobody suspects the primary */
    assert_int_equal(node_view(&c->nodes[2]).view, 0);
    assert_int_equal(node_view(&c->nodes[2]).wish, 0);
    c->arrives = NULL; /* lost CHECKPOINTs come again with STATUS, until certified */
    cluster_run(c, 1000);
    assert_int_equal(node_view(&c->nodes[2]).stable, 16);
    assert_int_equal(c->nodes[2].executed >= 17, 1);
    assert_int_equal(c->nodes[2].done_count, 20);
    cluster_free(c);
}

static bool no_checkpoints_to_3(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from;
    return to != 3 || m->type != FRAME_CHECKPOINT;
}

static void the_certificate_reaches_whoever_missed_the_votes(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = no_checkpoints_to_3;
    order(c, 0, 1, 8);
    assert_int_equal(node_view(&c->nodes[0]).stable, 8);
    assert_int_equal(node_view(&c->nodes[3]).certified, 0);
    cluster_run(c, 600);
    assert_int_equal(node_view(&c->nodes[3]).stable, 8);
    cluster_free(c);
}

static void a_quorum_less_one_certifies_nothing(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->nodes[2].diverged = c->nodes[3].diverged = true;
    order(c, 0, 1, 8);
    assert_int_equal(node_view(&c->nodes[0]).certified, 0);
    cluster_free(c);
}

static void a_diverged_replica_stops_voting_and_says_so(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->nodes[3].diverged = true;
    order(c, 0, 1, 8);
    assert_int_equal(node_view(&c->nodes[0]).stable, 8);
    assert_int_equal(node_view(&c->nodes[3]).stable, 0);
    assert_int_equal(node_view(&c->nodes[3]).phase, PHASE_REPAIR);
    assert_true(traced(c, "3 REPAIR n=8"));
    unsigned prepares = c->counted[FRAME_PREPARE];
    struct digest d = submit(c, 0, 9);
    cluster_drain(c);
    assert_int_equal(c->counted[FRAME_PREPARE] - prepares, 2 * 3); /* of 1 and 2 only */
    assert_done(c, set_all(3), &d);
    cluster_free(c);
}

static void a_replay_that_gives_another_root_signs_no_second_checkpoint(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct node *x = &c->nodes[3];
    uint8_t eight[8] = {[7] = 8};
    c->arrives = no_checkpoints;
    order(c, 0, 1, 8);
    assert_int_equal(x->executed, 8);
    node_crash(x);
    x->diverged = true;
    record_put(x, RECORD_DECIDED, bytes_of(eight, sizeof eight), (struct bytes){0}); /* was never synced */
    node_boot(x);
    cluster_run(c, 2000);
    assert_int_equal(x->executed, 8);
    assert_int_equal(node_view(x).phase, PHASE_REPAIR);
    assert_true(traced(c, "3 REPAIR n=8: a replay gave another root"));
    cluster_free(c);
}

static void a_diverged_primary_asks_to_be_replaced(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->nodes[0].diverged = true;
    order(c, 0, 1, 8);
    assert_true(traced(c, "0 view 0 REPAIR"));
    assert_true(traced(c, "0 wish v=1 PROOF"));
    struct digest d = submit(c, 0, 9);
    cluster_run(c, 1000);
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    assert_done(c, 0xe, &d);
    cluster_free(c);
}

static void two_checkpoints_for_one_n_name_their_signer(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg m = {.type = FRAME_CHECKPOINT};
    m.checkpoint.n = 8;
    traitor_sends(c, 3, 0, &m);
    m.checkpoint.root.b[0] = 1;
    traitor_sends(c, 3, 0, &m);
    assert_true(traced(c, "0 evidence EV4 EQUIV_CKPT culprit 3 v=0 n=8"));
    cluster_free(c);
}

static void a_checkpoint_against_the_certificate_names_its_signer(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 0, 1, 8);
    struct msg m = {.type = FRAME_CHECKPOINT};
    m.checkpoint.n = 8;
    traitor_sends(c, 2, 0, &m);
    assert_true(traced(c, "0 evidence EV5 BAD_CKPT culprit 2 v=0 n=8"));
    cluster_free(c);
}

/* What only more than f traitors can sign: Q CHECKPOINTs for n = 8 and a log that nobody here executed. */
static struct msg another_log(const struct cluster *c) {
    struct msg m = {.type = FRAME_CERT};
    struct checkpoint_cert *cert = &m.cert.checkpoint;
    uint8_t body[CHECKPOINT_BODY_LEN];
    m.cert.kind = CERT_CHECKPOINT;
    cert->statement.n = 8;
    cert->statement.log_hash.b[0] = 1;
    checkpoint_encode(body, &cert->statement);
    for (member_id i = 1; i < 4; i++) {
        struct seal_context context = {FRAME_CHECKPOINT, c->verifier.cluster, 0, i};
        cert->sigs[cert->count].member = i;
        seal_sign(&cert->sigs[cert->count++].sig, &context, bytes_of(body, sizeof body), &c->secrets[i]);
    }
    return m;
}

static void two_certificates_for_one_n_stop_the_replica(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 0, 1, 8);
    struct msg m = another_log(c);
    assert_int_equal(node_view(&c->nodes[0]).stable, 8);
    traitor_sends(c, 3, 0, &m);
    assert_true(c->nodes[0].breach);
    assert_true(traced(c, "0 SAFETY BREACH n=8"));
    cluster_free(c);
}

static void a_view_change_from_another_log_stops_the_replica(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 0, 1, 8);
    struct msg cert = another_log(c), m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = 1;
    m.view_change.c = cert.cert.checkpoint;
    traitor_sends(c, 3, 0, &m);
    assert_true(c->nodes[0].breach);
    cluster_free(c);
}

static void a_certified_log_that_is_not_mine_is_no_damage(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg m = another_log(c);
    traitor_sends(c, 2, 3, &m);
    assert_int_equal(node_view(&c->nodes[3]).certified, 8);
    order(c, 0, 1, 8);
    cluster_run(c, 2000);
    assert_true(c->nodes[3].breach);
    assert_false(traced(c, "3 REPAIR"));
    cluster_free(c);
}

static void many_checkpoints_keep_records_bounded(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    order(c, 0, 1, 100);
    for (unsigned i = 0; i < 4; i++) {
        struct node *x = &c->nodes[i];
        assert_int_equal(node_view(x).stable, 96);
        assert_int_equal(records_count(x, RECORD_ACCEPT), 4);
        assert_int_equal(records_count(x, RECORD_PREPARED), 4);
        assert_true(records_count(x, RECORD_GUARD) <= 3 * 4);
        assert_int_equal(node_view(x).pool, 0);
    }
    assert_agreement(c);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kth_batch_makes_a_stable_checkpoint),
        cmocka_unit_test(agreed_time_makes_checkpoints_too),
        cmocka_unit_test(without_checkpoints_the_window_closes_and_reopens),
        cmocka_unit_test(the_certificate_reaches_whoever_missed_the_votes),
        cmocka_unit_test(a_quorum_less_one_certifies_nothing),
        cmocka_unit_test(a_diverged_replica_stops_voting_and_says_so),
        cmocka_unit_test(a_replay_that_gives_another_root_signs_no_second_checkpoint),
        cmocka_unit_test(a_diverged_primary_asks_to_be_replaced),
        cmocka_unit_test(two_checkpoints_for_one_n_name_their_signer),
        cmocka_unit_test(a_checkpoint_against_the_certificate_names_its_signer),
        cmocka_unit_test(two_certificates_for_one_n_stop_the_replica),
        cmocka_unit_test(a_view_change_from_another_log_stops_the_replica),
        cmocka_unit_test(a_certified_log_that_is_not_mine_is_no_damage),
        cmocka_unit_test(many_checkpoints_keep_records_bounded),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
