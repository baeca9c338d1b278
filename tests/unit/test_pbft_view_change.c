/* Wishes, VIEW-CHANGE and NEW-VIEW (R6, R11): who may end a view, and what survives it. */
#include "tests/unit/pbft_cluster.h"

static void a_crashed_primary_is_replaced_and_the_order_kept(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    submit(c, 0, 1);
    cluster_drain(c);
    node_crash(&c->nodes[0]);
    struct digest d = submit(c, 0, 2);
    cluster_run(c, 499);
    assert_int_equal(node_view(&c->nodes[1]).wish, 0);
    cluster_run(c, 1);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(node_view(&c->nodes[i]).view, 1);
        assert_int_equal(node_view(&c->nodes[i]).phase, PHASE_ACTIVE);
    }
    assert_done(c, set_all(4) & (member_set)~1, &d);
    assert_int_equal(c->nodes[1].executed, 2);
    assert_agreement(c);
    cluster_free(c);
}

static bool commits_are_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_COMMIT || m->vote.v > 0;
}

static void a_prepared_slot_survives_the_view_change(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = commits_are_lost;
    struct digest d = submit(c, 0, 1);
    cluster_drain(c);
    assert_int_equal(records_count(&c->nodes[3], RECORD_PREPARED), 1);
    assert_int_equal(c->nodes[3].executed, 0);
    node_crash(&c->nodes[0]);
    cluster_run(c, 600);
    assert_int_equal(node_view(&c->nodes[3]).view, 1);
    assert_done(c, 0xe, &d);
    assert_int_equal(c->nodes[3].executed, 1); /* at its old place, not again */
    cluster_free(c);
}

static bool slot_1_is_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return !(m->type == FRAME_PRE_PREPARE && m->pre_prepare.statement.n == 1 && m->pre_prepare.statement.v == 0);
}

static void a_gap_is_filled_by_null(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.batch_max = 1; /* each request is a full batch of its own: two slots side by side */
    struct cluster *c = cluster_new_with(4, &config);
    c->arrives = slot_1_is_lost;
    struct digest first = submit(c, 0, 1), second = submit(c, 0, 2);
    cluster_drain(c);
    assert_int_equal(c->nodes[2].executed, 0);
    assert_int_equal(records_count(&c->nodes[2], RECORD_PREPARED), 1); /* n = 2 */
    node_crash(&c->nodes[0]);
    cluster_run(c, 1000);
    struct digest null = batch_null_digest();
    assert_true(digest_equal(&c->nodes[2].log[1], &null));
    assert_done(c, 0xe, &first);
    assert_done(c, 0xe, &second);
    assert_agreement(c);
    cluster_free(c);
}

static void wish(struct cluster *c, member_id from, member_id to, view_no target) {
    struct msg m = {.type = FRAME_WISH};
    m.wish = (struct msg_wish){target, WISH_PROOF};
    traitor_sends(c, from, to, &m);
}

static void wishes_of_f_do_nothing_and_f_plus_1_amplify(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    wish(c, 3, 1, 5);
    assert_int_equal(node_view(&c->nodes[1]).wish, 0);
    wish(c, 2, 1, 3); /* f+1 wish for 3 or beyond */
    assert_int_equal(node_view(&c->nodes[1]).wish, 3);
    assert_true(traced(c, "1 wish v=3 AMPLIFY"));
    assert_int_equal(node_view(&c->nodes[1]).view, 3); /* with its own that is Q */
    cluster_free(c);
    c = cluster_new(7);
    wish(c, 5, 1, 1);
    wish(c, 6, 1, 1);
    assert_int_equal(node_view(&c->nodes[1]).wish, 0);
    wish(c, 4, 1, 1);
    assert_int_equal(node_view(&c->nodes[1]).wish, 1);
    assert_int_equal(node_view(&c->nodes[1]).view, 0); /* four of five needed */
    assert_int_equal(node_view(&c->nodes[1]).phase, PHASE_ACTIVE);
    cluster_free(c);
}

static void suspicion_does_not_stop_participation(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_of(1);
    submit_to(c, 0, 1, set_of(1));
    cluster_run(c, 600);
    assert_int_equal(node_view(&c->nodes[1]).wish, 1);
    c->isolated = 0;
    struct digest d = submit(c, 1, 1);
    unsigned before = c->counted[FRAME_PREPARE];
    cluster_drain(c);
    assert_int_equal(c->counted[FRAME_PREPARE] - before, 9); /* 1 prepares as before (BUG26) */
    assert_done(c, set_all(4), &d);
    cluster_run(c, 1000);
    assert_int_equal(node_view(&c->nodes[1]).view, 0);
    cluster_free(c);
}

static bool first_view_changes_are_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from, (void)to;
    return c->now > 700 || (m->type != FRAME_VIEW_CHANGE && m->type != FRAME_NEW_VIEW);
}

static void view_changes_are_resent_until_superseded(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = first_view_changes_are_lost;
    node_crash(&c->nodes[0]);
    struct digest d = submit(c, 0, 1);
    cluster_run(c, 700);
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_CHANGING);
    cluster_run(c, 600);
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_ACTIVE);
    assert_done(c, 0xe, &d);
    cluster_free(c);
}

static void two_dead_primaries_in_a_row_cost_two_views(void **state) {
    (void)state;
    struct cluster *c = cluster_new(7);
    node_crash(&c->nodes[0]);
    node_crash(&c->nodes[1]);
    struct digest d = submit(c, 0, 1);
    cluster_run(c, 500 + 2000 + 1000); /* T_req, then T_nv doubled once */
    assert_int_equal(node_view(&c->nodes[2]).view, 2);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_ACTIVE);
    assert_done(c, 0x7c, &d);
    cluster_free(c);
}

static bool new_view_1_is_lost_to_3(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from;
    return to != 3 || c->now > 520 || m->type != FRAME_NEW_VIEW;
}

static void a_new_view_is_passed_on_by_anyone(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = new_view_1_is_lost_to_3;
    node_crash(&c->nodes[0]);
    submit(c, 0, 1);
    cluster_run(c, 510);
    assert_int_equal(node_view(&c->nodes[3]).phase, PHASE_CHANGING);
    cluster_run(c, 1000);
    assert_int_equal(node_view(&c->nodes[3]).phase, PHASE_ACTIVE);
    assert_int_equal(node_view(&c->nodes[3]).view, 1);
    cluster_free(c);
}

static void a_replica_that_slept_adopts_the_later_view(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_of(0); /* the primary itself: it neither hears nor is heard */
    submit(c, 0, 1);
    cluster_run(c, 1500);
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    c->isolated = 0;
    cluster_run(c, 2500);
    assert_int_equal(node_view(&c->nodes[0]).view, 1);
    assert_int_equal(node_view(&c->nodes[0]).phase, PHASE_ACTIVE);
    struct digest d = submit(c, 0, 2);
    cluster_run(c, 1000);
    assert_done(c, set_all(4), &d);
    cluster_free(c);
}

static void timers_double_without_progress_and_come_back(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_all(4);
    submit(c, 0, 1);
    cluster_run(c, 20000);
    assert_true(node_view(&c->nodes[1]).view <= 1); /* nobody can leave alone, however long it lasts */
    c->isolated = 0;
    cluster_run(c, 5000);
    assert_int_equal(c->nodes[1].done_count, 1);
    view_no view = node_view(&c->nodes[1]).view;
    for (uint64_t i = 2; i < 40; i++) {
        submit(c, 0, i);
        cluster_run(c, 1000);
    }
    assert_int_equal(node_view(&c->nodes[1]).view, view); /* I25 */
    node_crash(&c->nodes[view % 4]);
    submit(c, 0, 99);
    cluster_run(c, 501); /* the timeout is at its base again (I28) */
    assert_int_equal(node_view(&c->nodes[(view + 1) % 4]).view, view + 1);
    cluster_free(c);
}

static bool no_prepares_and_no_new_view(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_PREPARE && m->type != FRAME_NEW_VIEW && m->type != FRAME_STATUS;
}

static void nobody_commits_in_a_view_it_has_left(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer frame = {0}, bytes = {0};
    c->arrives = no_prepares_and_no_new_view;
    struct request_ref ref = {c->client_keys[0], 1, request_make(c, &frame, 0, 1, 0)};
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, 1, &ref});
    struct msg m = {.type = FRAME_PREPARE};
    m.vote = (struct vote){.v = 0, .n = 1, .d = batch_digest(buffer_bytes(&bytes))};
    submit(c, 0, 1);
    cluster_run(c, 600);
    assert_int_equal(node_view(&c->nodes[3]).phase, PHASE_CHANGING);
    traitor_sends(c, 1, 3, &m);
    traitor_sends(c, 2, 3, &m); /* enough, had they come in time (S3) */
    assert_int_equal(node_view(&c->nodes[3]).refused[ERR_WRONG_VIEW], 2);
    assert_int_equal(records_count(&c->nodes[3], RECORD_PREPARED), 0);
    buffer_free(&frame);
    buffer_free(&bytes);
    cluster_free(c);
}

static void silence_is_suspicious(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.silent_timeout = 3000;
    struct cluster *c = cluster_new_with(4, &config);
    cluster_run(c, 2999);
    assert_int_equal(node_view(&c->nodes[1]).view, 0);
    cluster_run(c, 2);
    assert_true(traced(c, "SILENT"));
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    cluster_free(c);
}

static void two_view_changes_for_one_view_name_their_signer(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = 1;
    traitor_sends(c, 3, 1, &m);
    traitor_sends(c, 3, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_DUPLICATE], 1);
    struct prepared_entry invented = {.statement.n = 1};
    struct buffer body = {0}, frame = {0};
    struct seal_context context = {FRAME_VIEW_CHANGE, c->verifier.cluster, 0, 3};
    m.view_change.p = &invented;
    m.view_change.count = 1;
    codec_encode(&body, &m);
    frame_seal(&frame, &context, buffer_bytes(&body), &c->secrets[3]); /* other bytes, same view */
    struct frame f;
    struct arena arena = {0};
    struct msg other;
    assert_int_equal(frame_open(&f, buffer_bytes(&frame)), ERR_OK);
    assert_int_equal(codec_decode(&other, &f, &arena), ERR_OK);
    node_hear(&c->nodes[1], &other);
    assert_true(traced(c, "1 evidence EV10 EQUIV_VC culprit 3 v=1"));
    assert_int_equal(c->proven[3], 1u << EV_EQUIV_VC);
    arena_free(&arena);
    buffer_free(&body);
    buffer_free(&frame);
    cluster_free(c);
}

static struct msg empty_view_change(view_no v) {
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = v;
    return m;
}

static struct msg commit_for(view_no v, seq_no n) {
    struct msg m = {.type = FRAME_COMMIT};
    m.vote = (struct vote){v, n, {{1}}, {{0}}};
    return m;
}

static void a_commit_left_out_of_a_view_change_is_noticed_in_either_order(void **state) {
    (void)state;
    for (unsigned commit_first = 0; commit_first < 2; commit_first++) {
        struct cluster *c = cluster_new(4);
        struct msg vc = empty_view_change(1), commit = commit_for(0, 3), later = commit_for(1, 4);
        traitor_sends(c, 3, 1, commit_first ? &commit : &vc);
        traitor_sends(c, 3, 1, &later); /* of the view itself: no part of what it leaves out */
        assert_int_equal(c->proven[3], 0);
        traitor_sends(c, 3, 1, commit_first ? &vc : &commit);
        assert_int_equal(c->proven[3], 1u << EV_VC_OMISSION);
        assert_true(traced(c, "1 evidence EV6 VC_OMISSION culprit 3 v=1 n=3"));
        cluster_free(c);
    }
}

/* A traitor commits in a view to come, so that its COMMIT of an earlier one loses its place. */
static void a_commit_is_remembered_beyond_its_place(void **state) {
    (void)state;
    struct cluster *c = cluster_new(7);
    c->isolated = set_of(0) | set_of(6);
    submit(c, 0, 1);
    cluster_run(c, 3000);
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    struct msg commit = commit_for(0, 12), crowd = commit_for(3, 12), vc = empty_view_change(2);
    traitor_sends(c, 6, 1, &commit);
    traitor_sends(c, 6, 1, &crowd);
    assert_int_equal(c->proven[6], 0);
    traitor_sends(c, 6, 1, &vc);
    assert_int_equal(c->proven[6], 1u << EV_VC_OMISSION);
    assert_true(traced(c, "1 evidence EV6 VC_OMISSION culprit 6 v=2 n=12"));
    cluster_free(c);
}

static bool all_but_relays_to_the_primary(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from;
    return to != 0 || m->type != FRAME_RELAY;
}

static void a_censoring_primary_is_replaced_although_others_progress(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = all_but_relays_to_the_primary;
    struct digest d = submit_to(c, 0, 1, set_of(2)); /* one honest member is enough: it relays */
    for (uint64_t i = 1; i <= 10; i++) {
        submit(c, 1, i);
        cluster_run(c, 100);
    }
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    assert_done(c, set_all(4), &d);
    assert_int_equal(c->nodes[3].done_count, 11);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crashed_primary_is_replaced_and_the_order_kept),
        cmocka_unit_test(a_prepared_slot_survives_the_view_change),
        cmocka_unit_test(a_gap_is_filled_by_null),
        cmocka_unit_test(wishes_of_f_do_nothing_and_f_plus_1_amplify),
        cmocka_unit_test(suspicion_does_not_stop_participation),
        cmocka_unit_test(view_changes_are_resent_until_superseded),
        cmocka_unit_test(two_dead_primaries_in_a_row_cost_two_views),
        cmocka_unit_test(a_new_view_is_passed_on_by_anyone),
        cmocka_unit_test(a_replica_that_slept_adopts_the_later_view),
        cmocka_unit_test(timers_double_without_progress_and_come_back),
        cmocka_unit_test(nobody_commits_in_a_view_it_has_left),
        cmocka_unit_test(silence_is_suspicious),
        cmocka_unit_test(two_view_changes_for_one_view_name_their_signer),
        cmocka_unit_test(a_commit_left_out_of_a_view_change_is_noticed_in_either_order),
        cmocka_unit_test(a_commit_is_remembered_beyond_its_place),
        cmocka_unit_test(a_censoring_primary_is_replaced_although_others_progress),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
