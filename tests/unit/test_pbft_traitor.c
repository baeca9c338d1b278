/* What one member with a valid key, or one client, does to stop the others: none of it may end a correct primary's
   view, and nothing of it may stay in a pool and ask for views without end. */
#include "tests/unit/pbft_cluster.h"

static struct digest batch_of_ref(struct buffer *bytes, const struct request_ref *ref) {
    buffer_clear(bytes);
    batch_encode(bytes, &(struct batch){BATCH_NORMAL, 1, ref});
    return batch_digest(buffer_bytes(bytes));
}

static struct msg proposal(struct buffer *bytes, view_no v, seq_no n, const struct request_ref *ref) {
    struct msg m = {.type = FRAME_PRE_PREPARE};
    m.pre_prepare.statement = (struct vote){v, n, batch_of_ref(bytes, ref), {{0}}};
    m.pre_prepare.batch_bytes = buffer_bytes(bytes);
    return m;
}

static struct request_ref ref_to_nothing(struct cluster *c, uint8_t content) {
    return (struct request_ref){c->client_keys[0], 1000u + content, {{7, content}}};
}

/* --- primaries of views to come --- */

static void propose_ahead(struct cluster *c, view_no v, uint8_t content) {
    struct buffer bytes = {0};
    struct request_ref ref = ref_to_nothing(c, content);
    for (seq_no n = 1; n <= c->config.window; n++) {
        struct msg m = proposal(&bytes, v, n, &ref);
        for (member_id to = 0; to < c->members; to++) {
            if (to != v % c->members) {
                traitor_sends(c, (member_id)(v % c->members), to, &m);
            }
        }
    }
    buffer_free(&bytes);
}

static void proposals_of_later_views_crowd_nothing_out(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    propose_ahead(c, 1, 1);
    propose_ahead(c, 2, 1);
    struct digest d = submit(c, 0, 1);
    cluster_run(c, 3000);
    assert_done(c, set_all(4), &d);
    assert_int_equal(node_view(&c->nodes[0]).view, 0);
    cluster_free(c);
}

static bool payload_comes_late(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from, (void)to;
    return c->now >= 300 || (m->type != FRAME_DATA && m->type != FRAME_RELAY);
}

static void a_proposal_that_waits_is_not_pushed_out_by_a_later_view(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.request_timeout = 4000;
    struct cluster *c = cluster_new_with(4, &config);
    c->arrives = payload_comes_late;
    struct digest d = submit_to(c, 0, 1, set_of(0));
    cluster_drain(c);
    propose_ahead(c, 1, 1);
    cluster_run(c, 1000);
    assert_done(c, set_all(4), &d);
    cluster_run(c, 5000);
    assert_int_equal(node_view(&c->nodes[2]).wish, 0);
    cluster_free(c);
}

static void the_primary_of_a_later_view_ends_none_by_contradicting_itself(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    propose_ahead(c, 1, 1);
    propose_ahead(c, 1, 2);
    cluster_run(c, 1000);
    assert_true(traced(c, "2 evidence EV1 EQUIV_PP culprit 1 v=1"));
    for (member_id i = 0; i < 4; i++) {
        assert_int_equal(node_view(&c->nodes[i]).wish, 0);
    }
    cluster_free(c);
}

/* --- references that lie about their request --- */

static bool no_frame_of_0(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)to, (void)m;
    return from != 0;
}

static void a_reference_that_misnames_its_request_is_never_prepared(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer frame = {0}, bytes = {0};
    c->arrives = no_frame_of_0;
    struct digest d = request_make(c, &frame, 1, 3, 0);
    struct request_ref lie = {c->client_keys[0], 7, d};
    struct msg m = proposal(&bytes, 0, 1, &lie);
    for (member_id to = 1; to < 4; to++) {
        traitor_sends(c, 0, to, &m);
        cluster_feed_request(&c->nodes[to], buffer_bytes(&frame));
    }
    cluster_drain(c);
    for (member_id i = 1; i < 4; i++) {
        assert_int_equal(records_count(&c->nodes[i], RECORD_ACCEPT), 0);
        assert_non_null(pbft_request_by_seq(c->nodes[i].core, &c->client_keys[1], 3)); /* under its own name */
        assert_null(pbft_request_by_seq(c->nodes[i].core, &c->client_keys[0], 7));
    }
    cluster_run(c, 5000);
    assert_done(c, set_all(4) & (member_set)~set_of(0), &d); /* the next primary orders it */
    view_no settled = node_view(&c->nodes[2]).view;
    cluster_run(c, 10000);
    for (member_id i = 1; i < 4; i++) {
        assert_int_equal(node_view(&c->nodes[i]).pool, 0);
        assert_int_equal(node_view(&c->nodes[i]).view, settled);
        assert_true(c->nodes[i].executed < 4); /* and it is not ordered again and again */
    }
    buffer_free(&frame);
    buffer_free(&bytes);
    cluster_free(c);
}

/* --- a client's numbers --- */

static bool no_relays(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_RELAY;
}

static void what_became_old_leaves_the_pool(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = no_relays;
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit_to(c, 0, seq, set_of(1) | set_of(2)); /* the primary never hears of them */
    }
    submit_to(c, 1, 1, set_of(1)); /* another client's */
    assert_int_equal(node_view(&c->nodes[1]).pool, 4);
    submit(c, 0, 2 + REQUESTS_REMEMBERED);
    cluster_drain(c);
    assert_int_equal(node_view(&c->nodes[1]).pool, 2); /* 3 and the other client's are still to be ordered */
    assert_int_equal(node_view(&c->nodes[2]).pool, 1);
    submit(c, 0, 3 + REQUESTS_REMEMBERED);
    cluster_drain(c);
    assert_int_equal(node_view(&c->nodes[1]).pool, 1);
    assert_int_equal(node_view(&c->nodes[2]).pool, 0);
    cluster_run(c, 5000);
    assert_int_equal(node_view(&c->nodes[3]).view, 0); /* one that is left asks alone, and in vain */
    cluster_free(c);
}

/* --- votes shown to some --- */

static bool withheld_from_2; /* what would let it vote */

static bool traitor_3_shows_its_commit_to_2_alone(struct cluster *c, member_id from, member_id to,
                                                  const struct msg *m) {
    (void)c;
    bool late = withheld_from_2 && to == 2 && (m->type == FRAME_DATA || m->type == FRAME_PRE_PREPARE);
    return !late && (from != 3 || m->type != FRAME_COMMIT || to == 2);
}

/* 2 learns of the decision before it could vote; 0 and 1 wait for its COMMIT, since 3 keeps its own from them. */

/* The batch without its proposal, so that the member can execute what it can't vote for. */
static void traitor_shows_batch(struct cluster *c, member_id to, const struct digest *request) {
    struct buffer bytes = {0};
    struct request_ref ref = {c->client_keys[0], 1, *request};
    batch_of_ref(&bytes, &ref);
    struct bytes batch = buffer_bytes(&bytes);
    struct msg m = {.type = FRAME_DATA};
    m.data = (struct msg_data){.batch_count = 1, .batches = &batch};
    traitor_sends(c, 3, to, &m);
    buffer_free(&bytes);
}

static void whoever_decided_early_still_votes(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct buffer frame = {0}, bytes = {0};
    c->arrives = traitor_3_shows_its_commit_to_2_alone;
    withheld_from_2 = true;
    struct digest d = request_make(c, &frame, 0, 1, 0);
    submit_to(c, 0, 1, set_all(4) & (member_set)~set_of(2));
    cluster_drain(c);
    assert_false(node_has_done(&c->nodes[0], &d));
    assert_int_equal(records_count(&c->nodes[2], RECORD_ACCEPT), 0);
    struct request_ref ref = {c->client_keys[0], 1, d};
    struct msg m = proposal(&bytes, 0, 1, &ref);
    traitor_sends(c, 0, 2, &m); /* the primary's own words, late */
    cluster_feed_request(&c->nodes[2], buffer_bytes(&frame));
    cluster_drain(c);
    assert_done(c, set_all(4) & (member_set)~set_of(3), &d);
    assert_int_equal(records_count(&c->nodes[2], RECORD_PREPARED), 1);
    buffer_free(&frame);
    buffer_free(&bytes);
    cluster_free(c);
}

static void a_late_proposal_of_what_was_executed_is_voted_for(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.request_timeout = 5000;
    struct cluster *c = cluster_new_with(4, &config);
    struct buffer bytes = {0};
    c->arrives = traitor_3_shows_its_commit_to_2_alone;
    withheld_from_2 = true;
    struct digest d = submit(c, 0, 1);
    cluster_drain(c);
    withheld_from_2 = false;
    cluster_run(c, 600); /* the batch comes when 2 asks for it again */
    assert_done(c, set_of(2), &d);
    struct request_ref ref = {c->client_keys[0], 1, d};
    struct msg m = proposal(&bytes, 0, 1, &ref);
    traitor_sends(c, 0, 2, &m);
    assert_int_equal(records_count(&c->nodes[2], RECORD_ACCEPT), 1);
    assert_int_equal(records_count(&c->nodes[2], RECORD_PREPARED), 1);
    buffer_free(&bytes);
    cluster_free(c);
}

/* All that 2 could say is lost: the others see in two STATUS messages that they were left behind. */
static void the_left_behind_ask_before_they_suspect(void **state) {
    (void)state;
    struct pbft_config config = cluster_defaults();
    config.request_timeout = 600;
    config.resend_interval = 5000;
    struct cluster *c = cluster_new_with(4, &config);
    cluster_run(c, 1000);
    c->arrives = traitor_3_shows_its_commit_to_2_alone;
    withheld_from_2 = true;
    struct digest d = submit(c, 0, 1);
    cluster_drain(c);
    assert_false(node_has_done(&c->nodes[0], &d));
    traitor_shows_batch(c, 2, &d);
    cluster_run(c, 2000);
    assert_done(c, set_all(4) & (member_set)~set_of(3), &d);
    assert_int_equal(node_view(&c->nodes[0]).wish, 0);
    assert_int_equal(node_view(&c->nodes[1]).wish, 0);
    cluster_free(c);
}

/* --- questions without end --- */

static unsigned answers_of(struct cluster *c, member_id who) {
    unsigned count = 0;
    for (size_t i = c->queue_head; i < c->queue_count; i++) {
        count += c->queue[i].from == who;
    }
    return count;
}

static void questions_are_answered_within_a_budget(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    submit(c, 0, 1);
    cluster_drain(c);
    struct msg m = {.type = FRAME_FETCH_DECISION};
    m.fetch_decision = (struct msg_fetch_decision){1, 1};
    for (unsigned i = 0; i < 1000; i++) {
        traitor_sends(c, 3, 1, &m);
    }
    unsigned answers = answers_of(c, 1);
    assert_in_range(answers, 2, 64);
    assert_true(node_view(&c->nodes[1]).refused[ERR_BUSY] > 900);
    traitor_sends(c, 2, 1, &m);
    assert_true(answers_of(c, 1) > answers); /* each has its own */
    cluster_drain(c);
    c->now += c->config.status_interval;
    traitor_sends(c, 3, 1, &m);
    assert_true(answers_of(c, 1) > 0); /* and has it anew */
    cluster_free(c);
}

static void statuses_are_helped_once_in_a_while(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    for (uint64_t i = 1; i <= 10; i++) {
        submit(c, 0, i);
    }
    cluster_drain(c);
    c->now += 10 * c->config.status_interval;
    struct msg m = {.type = FRAME_STATUS};
    m.status = (struct msg_status){.boot = 99, .phase = PHASE_ACTIVE, .version = "test"};
    for (unsigned i = 0; i < 100; i++) {
        m.status.counter = i + 1;
        traitor_sends(c, 3, 1, &m);
    }
    unsigned answers = answers_of(c, 1);
    assert_in_range(answers, 1, 40); /* two votes for each slot and the certificate: of one STATUS */
    cluster_free(c);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proposals_of_later_views_crowd_nothing_out),
        cmocka_unit_test(a_proposal_that_waits_is_not_pushed_out_by_a_later_view),
        cmocka_unit_test(the_primary_of_a_later_view_ends_none_by_contradicting_itself),
        cmocka_unit_test(a_reference_that_misnames_its_request_is_never_prepared),
        cmocka_unit_test(what_became_old_leaves_the_pool),
        cmocka_unit_test(whoever_decided_early_still_votes),
        cmocka_unit_test(a_late_proposal_of_what_was_executed_is_voted_for),
        cmocka_unit_test(the_left_behind_ask_before_they_suspect),
        cmocka_unit_test(questions_are_answered_within_a_budget),
        cmocka_unit_test(statuses_are_helped_once_in_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
