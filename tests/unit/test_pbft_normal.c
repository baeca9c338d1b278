/* Normal operation of the protocol (R4): from a request to the same log everywhere. */
#include "tests/unit/pbft_cluster.h"

static void a_request_is_executed_by_all_in_three_rounds(unsigned members) {
    struct cluster *c = cluster_new(members);
    struct digest d = submit(c, 0, 1);
    cluster_drain(c);
    assert_done(c, set_all(members), &d);
    assert_int_equal(c->counted[FRAME_PRE_PREPARE], members - 1);
    assert_int_equal(c->counted[FRAME_PREPARE], (members - 1) * (members - 1)); /* the primary sends none */
    assert_int_equal(c->counted[FRAME_COMMIT], members * (members - 1));
    assert_agreement(c);
    cluster_free(c);
}

static void four_replicas_order_a_request(void **state) {
    (void)state;
    a_request_is_executed_by_all_in_three_rounds(4);
}

static void seven_replicas_order_a_request(void **state) {
    (void)state;
    a_request_is_executed_by_all_in_three_rounds(7);
}

static void requests_that_queue_meanwhile_share_a_batch(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    for (uint64_t i = 1; i <= 6; i++) {
        submit(c, 0, i);
    }
    cluster_drain(c);
    assert_int_equal(c->nodes[2].executed, 2); /* the first alone at once, five behind it */
    assert_int_equal(c->nodes[2].done_count, 6);
    cluster_free(c);
}

static void full_batches_go_side_by_side_up_to_the_limit(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    for (uint64_t i = 0; i < 100; i++) {
        submit_to(c, i % CLIENTS, 1 + i / CLIENTS, set_of(0));
    }
    assert_int_equal(node_view(&c->nodes[0]).next, 1 + c->config.in_flight);
    for (uint64_t i = 0; i < 100; i++) {
        submit_to(c, i % CLIENTS, 1 + i / CLIENTS, set_all(4));
    }
    cluster_drain(c);
    assert_int_equal(c->nodes[3].done_count, 100);
    assert_agreement(c);
    cluster_free(c);
}

static void a_backup_fetches_the_payload_it_lacks(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct digest d = submit_to(c, 0, 1, set_of(0));
    cluster_drain(c);
    assert_done(c, set_all(4), &d);
    assert_true(c->counted[FRAME_DATA] >= 3);
    cluster_free(c);
}

static bool loses_every_third(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    static unsigned count;
    (void)c, (void)from, (void)to;
    return m->type == FRAME_STATUS || ++count % 3 != 0;
}

static void lost_messages_are_healed_by_status(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = loses_every_third;
    struct digest last = {{0}};
    for (uint64_t i = 1; i <= 20; i++) {
        last = submit(c, 1, i);
        cluster_run(c, 50);
    }
    cluster_run(c, 8000);
    assert_done(c, set_all(4), &last);
    assert_agreement(c);
    cluster_free(c);
}

static bool without_pre_prepare_and_prepares_to_3(struct cluster *c, member_id from, member_id to,
                                                  const struct msg *m) {
    (void)c, (void)from;
    return to != 3 || (m->type != FRAME_PRE_PREPARE && m->type != FRAME_PREPARE);
}

static void a_quorum_of_commits_decides_without_own_prepare(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = without_pre_prepare_and_prepares_to_3;
    struct digest d = submit(c, 0, 1);
    cluster_run(c, 3000);
    assert_done(c, set_of(3), &d);
    assert_int_equal(records_count(&c->nodes[3], RECORD_ACCEPT), 0);
    cluster_free(c);
}

static bool only_primary_and_1_prepare(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)to;
    return from <= 1 || m->type != FRAME_PREPARE;
}

static void a_quorum_less_one_neither_prepares_nor_commits(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = only_primary_and_1_prepare;
    submit(c, 0, 1);
    cluster_drain(c);
    assert_int_equal(records_count(&c->nodes[0], RECORD_PREPARED), 0); /* the PRE-PREPARE and one PREPARE: 2f */
    assert_int_equal(c->nodes[0].executed, 0);
    cluster_free(c);
}

static struct msg vote_of(enum frame_type type, view_no v, seq_no n, const struct digest *d) {
    struct msg m = {.type = type};
    m.vote = (struct vote){.v = v, .n = n, .d = *d};
    return m;
}

static bool proposals_only(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type == FRAME_PRE_PREPARE;
}

static void votes_for_another_digest_count_for_nothing(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = proposals_only;
    submit(c, 0, 1);
    cluster_drain(c);
    for (member_id i = 2; i < 4; i++) {
        struct digest other = {{(uint8_t)i}};
        struct msg prepare = vote_of(FRAME_PREPARE, 0, 1, &other), commit = vote_of(FRAME_COMMIT, 0, 1, &other);
        traitor_sends(c, i, 1, &prepare);
        traitor_sends(c, i, 1, &commit);
    }
    struct digest third = {{9}};
    struct msg commit = vote_of(FRAME_COMMIT, 0, 1, &third);
    traitor_sends(c, 0, 1, &commit);
    assert_int_equal(records_count(&c->nodes[1], RECORD_PREPARED), 0);
    assert_int_equal(c->nodes[1].executed, 0);
    cluster_free(c);
}

static bool no_prepares(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_PREPARE && m->type != FRAME_STATUS;
}

static void a_prepare_of_the_primary_is_not_counted(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = no_prepares;
    submit(c, 0, 1);
    cluster_drain(c);
    struct buffer frame = {0}, bytes = {0};
    struct request_ref ref = {c->client_keys[0], 1, request_make(c, &frame, 0, 1, 0)};
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, 1, &ref});
    struct digest d = batch_digest(buffer_bytes(&bytes));
    struct msg m = vote_of(FRAME_PREPARE, 0, 1, &d);
    traitor_sends(c, 0, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_PRIMARY_PREPARE], 1);
    assert_int_equal(records_count(&c->nodes[1], RECORD_PREPARED), 0);
    traitor_sends(c, 2, 1, &m); /* now own and 2's, with the PRE-PREPARE: 2f+1 */
    assert_int_equal(records_count(&c->nodes[1], RECORD_PREPARED), 1);
    buffer_free(&frame);
    buffer_free(&bytes);
    cluster_free(c);
}

static void votes_outside_the_window_are_refused(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct digest d = {{7}};
    struct msg last = vote_of(FRAME_COMMIT, 0, c->config.window, &d);
    struct msg beyond = vote_of(FRAME_COMMIT, 0, c->config.window + 1, &d);
    struct msg view2 = vote_of(FRAME_PREPARE, 2, 1, &d), view3 = vote_of(FRAME_PREPARE, 3, 1, &d);
    traitor_sends(c, 3, 1, &last);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_OUTSIDE_WINDOW], 0);
    traitor_sends(c, 3, 1, &beyond);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_OUTSIDE_WINDOW], 1);
    traitor_sends(c, 3, 1, &view2); /* two views ahead are kept */
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_WRONG_VIEW], 0);
    traitor_sends(c, 0, 1, &view3);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_WRONG_VIEW], 1);
    cluster_free(c);
}

static struct msg proposal_of(struct cluster *c, struct buffer *bytes, seq_no n, uint64_t seq) {
    struct buffer frame = {0};
    struct msg m = {.type = FRAME_PRE_PREPARE};
    struct request_ref ref = {c->client_keys[0], seq, request_make(c, &frame, 0, seq, 0)};
    batch_encode(bytes, &(struct batch){BATCH_NORMAL, 1, &ref});
    m.pre_prepare.batch_bytes = buffer_bytes(bytes);
    m.pre_prepare.statement = (struct vote){.v = 0, .n = n, .d = batch_digest(buffer_bytes(bytes))};
    buffer_free(&frame);
    return m;
}

static void an_equivocating_primary_is_named_and_wished_away(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer a = {0}, b = {0};
    struct msg first = proposal_of(c, &a, 1, 1), second = proposal_of(c, &b, 1, 2);
    submit_to(c, 0, 1, set_of(1));
    submit_to(c, 0, 2, set_of(1));
    traitor_sends(c, 0, 1, &first);
    traitor_sends(c, 0, 1, &first);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_DUPLICATE], 1);
    assert_false(traced(c, "EV1"));
    traitor_sends(c, 0, 1, &second);
    assert_true(traced(c, "1 evidence EV1 EQUIV_PP culprit 0 v=0 n=1"));
    assert_true(traced(c, "1 wish v=1 PROOF"));
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_CONFLICT], 1);
    buffer_free(&a);
    buffer_free(&b);
    cluster_free(c);
}

/* Nobody but the primary signed both, and nobody got both from it: the backups show each other. */
static void backups_that_were_told_two_stories_find_out(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer a = {0}, b = {0};
    struct msg first = proposal_of(c, &a, 1, 1), second = proposal_of(c, &b, 1, 2);
    submit_to(c, 0, 1, set_of(1) | set_of(2));
    submit_to(c, 0, 2, set_of(1) | set_of(2));
    traitor_sends(c, 0, 1, &first);
    traitor_sends(c, 0, 2, &second);
    cluster_drain(c);
    assert_true(traced(c, "1 evidence EV1 EQUIV_PP culprit 0 v=0 n=1"));
    assert_true(traced(c, "2 evidence EV1 EQUIV_PP culprit 0 v=0 n=1"));
    assert_int_equal(c->proven[0], 1u << EV_EQUIV_PP);
    assert_int_equal(c->proven[1] | c->proven[2] | c->proven[3], 0);
    buffer_free(&a);
    buffer_free(&b);
    cluster_free(c);
}

static void only_the_primary_may_propose(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer a = {0};
    struct msg m = proposal_of(c, &a, 1, 1);
    traitor_sends(c, 2, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_NOT_PRIMARY], 1);
    m.pre_prepare.statement.nv_digest.b[0] = 1; /* no NEW-VIEW installed view 0 */
    traitor_sends(c, 0, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_WRONG_NEW_VIEW], 1);
    m.pre_prepare.statement.nv_digest.b[0] = 0;
    m.pre_prepare.statement.d.b[0] ^= 1;
    traitor_sends(c, 0, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_MISMATCH], 1);
    m.pre_prepare.statement.n = c->config.window + 1;
    traitor_sends(c, 0, 1, &m);
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_OUTSIDE_WINDOW], 1);
    buffer_free(&a);
    cluster_free(c);
}

static void equivocating_votes_name_their_signer(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct digest a = {{1}}, b = {{2}};
    struct msg one = vote_of(FRAME_COMMIT, 0, 3, &a), two = vote_of(FRAME_COMMIT, 0, 3, &b);
    traitor_sends(c, 3, 1, &one);
    traitor_sends(c, 3, 1, &two);
    assert_true(traced(c, "1 evidence EV3 EQUIV_COMMIT culprit 3 v=0 n=3"));
    one.type = two.type = FRAME_PREPARE;
    traitor_sends(c, 3, 1, &one);
    traitor_sends(c, 3, 1, &two);
    assert_true(traced(c, "1 evidence EV2 EQUIV_PREPARE culprit 3 v=0 n=3"));
    assert_int_equal(node_view(&c->nodes[1]).wish, 0); /* evidence alone moves no view */
    cluster_free(c);
}

static void ticks_share_a_batch(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    for (member_id i = 0; i < 4; i++) {
        struct buffer frame = {0};
        struct request r = {.client = c->verifier.keys[i], .req_seq = 1, .kind = OP_TICK};
        r.tick = (struct op_tick){.boot = 1, .counter = 1, .wall = 5, .voting = true};
        request_seal(&frame, &r, &c->verifier.cluster, &c->secrets[i]);
        for (member_id to = 0; to < 4; to++) {
            cluster_feed_request(&c->nodes[to], buffer_bytes(&frame));
        }
        buffer_free(&frame);
        cluster_drain(c);
        assert_int_equal(c->nodes[0].executed, i == 3); /* all four are there */
    }
    cluster_free(c);
}

static void a_lone_tick_waits_fifty_milliseconds(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer frame = {0};
    struct request r = {.client = c->verifier.keys[1], .req_seq = 1, .kind = OP_TICK};
    r.tick = (struct op_tick){.boot = 1, .counter = 1, .wall = 5, .voting = true};
    request_seal(&frame, &r, &c->verifier.cluster, &c->secrets[1]);
    cluster_feed_request(&c->nodes[0], buffer_bytes(&frame));
    cluster_run(c, 49);
    assert_int_equal(c->nodes[0].executed, 0);
    cluster_run(c, 1);
    assert_int_equal(c->nodes[0].executed, 1);
    buffer_free(&frame);
    cluster_free(c);
}

/* A traitor keeps its tick from the primary, which hears of it by a relay and is in time all the same. */
static void with_a_short_timeout_a_lone_tick_costs_no_view(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.request_timeout = 60;
    struct cluster *c = cluster_new_with(4, &config);
    struct buffer frame = {0};
    struct request r = {.client = c->verifier.keys[1], .req_seq = 1, .kind = OP_TICK};
    r.tick = (struct op_tick){.boot = 1, .counter = 1, .wall = 5, .voting = true};
    request_seal(&frame, &r, &c->verifier.cluster, &c->secrets[1]);
    cluster_feed_request(&c->nodes[2], buffer_bytes(&frame));
    cluster_feed_request(&c->nodes[3], buffer_bytes(&frame));
    cluster_run(c, 200);
    assert_int_equal(c->nodes[0].executed, 1);
    assert_int_equal(node_view(&c->nodes[2]).wish, 0);
    assert_int_equal(node_view(&c->nodes[2]).view, 0);
    buffer_free(&frame);
    cluster_free(c);
}

static void a_full_pool_says_busy_and_a_second_content_is_dropped(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.pool_max = 3;
    config.pool_per_client_max = 2;
    struct cluster *c = cluster_new_with(4, &config);
    struct buffer frame = {0};
    submit_to(c, 0, 1, set_of(2));
    submit_to(c, 0, 2, set_of(2));
    submit_to(c, 0, 3, set_of(2));
    assert_int_equal(node_view(&c->nodes[2]).refused[ERR_BUSY], 1); /* per client */
    submit_to(c, 1, 1, set_of(2));
    submit_to(c, 2, 1, set_of(2));
    assert_int_equal(node_view(&c->nodes[2]).refused[ERR_BUSY], 2); /* in all */
    request_make(c, &frame, 0, 1, 9);
    cluster_feed_request(&c->nodes[2], buffer_bytes(&frame));
    assert_int_equal(node_view(&c->nodes[2]).refused[ERR_CONFLICT], 1);
    assert_int_equal(node_view(&c->nodes[2]).pool, 3);
    assert_non_null(pbft_request_by_seq(c->nodes[2].core, &c->client_keys[0], 1));
    assert_null(pbft_request_by_seq(c->nodes[2].core, &c->client_keys[0], 3));
    buffer_free(&frame);
    cluster_free(c);
}

static void the_primary_s_choice_of_two_contents_is_executed(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer other = {0};
    request_make(c, &other, 0, 1, 9);
    cluster_feed_request(&c->nodes[2], buffer_bytes(&other)); /* 2 saw another content first */
    struct digest d = submit_to(c, 0, 1, set_of(0) | set_of(1) | set_of(3));
    cluster_drain(c);
    assert_done(c, set_all(4), &d);
    assert_int_equal(node_view(&c->nodes[2]).pool, 0); /* both are done: one req_seq */
    buffer_free(&other);
    cluster_free(c);
}

static void a_client_of_two_contents_makes_nobody_fetch(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer one = {0}, two = {0};
    request_make(c, &one, 0, 1, 1);
    request_make(c, &two, 0, 1, 9);
    for (unsigned i = 0; i < 4; i++) { /* each half heard another one first */
        cluster_feed_request(&c->nodes[i], buffer_bytes(i < 2 ? &one : &two));
        cluster_feed_request(&c->nodes[i], buffer_bytes(i < 2 ? &two : &one));
    }
    cluster_drain(c);
    assert_int_equal(c->counted[FRAME_FETCH], 0);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(c->nodes[i].executed, 1);
        assert_int_equal(node_view(&c->nodes[i]).pool, 0);
    }
    buffer_free(&one);
    buffer_free(&two);
    cluster_free(c);
}

static void what_no_proposal_names_is_relayed(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct digest d = submit_to(c, 0, 1, set_of(3));
    cluster_run(c, 100);
    assert_int_equal(c->counted[FRAME_RELAY], 0);
    cluster_run(c, 100); /* T_req/4 has passed */
    assert_int_equal(c->counted[FRAME_RELAY], 3);
    assert_done(c, set_all(4), &d);
    assert_int_equal(node_view(&c->nodes[1]).view, 0);
    cluster_free(c);
}

static bool relays_of_the_first_seconds_are_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from, (void)to;
    return c->now > 3000 || m->type != FRAME_RELAY;
}

static void a_lost_relay_is_repeated(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = relays_of_the_first_seconds_are_lost;
    struct digest d = submit_to(c, 0, 1, set_of(3));
    cluster_run(c, 3000);
    assert_int_equal(c->nodes[1].executed, 0);
    cluster_run(c, 1000);
    assert_done(c, set_all(4), &d);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_replicas_order_a_request),
        cmocka_unit_test(seven_replicas_order_a_request),
        cmocka_unit_test(requests_that_queue_meanwhile_share_a_batch),
        cmocka_unit_test(full_batches_go_side_by_side_up_to_the_limit),
        cmocka_unit_test(a_backup_fetches_the_payload_it_lacks),
        cmocka_unit_test(lost_messages_are_healed_by_status),
        cmocka_unit_test(a_quorum_of_commits_decides_without_own_prepare),
        cmocka_unit_test(a_quorum_less_one_neither_prepares_nor_commits),
        cmocka_unit_test(votes_for_another_digest_count_for_nothing),
        cmocka_unit_test(a_prepare_of_the_primary_is_not_counted),
        cmocka_unit_test(votes_outside_the_window_are_refused),
        cmocka_unit_test(an_equivocating_primary_is_named_and_wished_away),
        cmocka_unit_test(backups_that_were_told_two_stories_find_out),
        cmocka_unit_test(only_the_primary_may_propose),
        cmocka_unit_test(equivocating_votes_name_their_signer),
        cmocka_unit_test(ticks_share_a_batch),
        cmocka_unit_test(a_lone_tick_waits_fifty_milliseconds),
        cmocka_unit_test(with_a_short_timeout_a_lone_tick_costs_no_view),
        cmocka_unit_test(a_full_pool_says_busy_and_a_second_content_is_dropped),
        cmocka_unit_test(the_primary_s_choice_of_two_contents_is_executed),
        cmocka_unit_test(a_client_of_two_contents_makes_nobody_fetch),
        cmocka_unit_test(what_no_proposal_names_is_relayed),
        cmocka_unit_test(a_lost_relay_is_repeated),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
