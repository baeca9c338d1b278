/* Some behaviours, closer: what equivocators, flooders, hidden commits and false acknowledgements say. */
#include "tests/unit/fault_words.h"

enum { SEEDS = 12 };

static void two_stories_have_one_place_and_two_digests(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct node_world w;
        struct fault *f = honest(SELF, &w);
        struct buffer frame = {0};
        unsigned told_true = 0;
        begin(f, "equivocate", seed, INT64_MAX);
        proposal(&frame, 9, 1 + seed % 2);
        for (unsigned again = 0; again < 2; again++)
            for (member_id to = 1; to < MEMBERS; to++) {
                struct arena arena = {0};
                w.send(w.self, to, buffer_bytes(&frame));
                struct msg got = decoded(&arena);
                assert_int_equal(got.pre_prepare.statement.n, 9);
                struct digest d = batch_digest(got.pre_prepare.batch_bytes);
                assert_true(digest_equal(&got.pre_prepare.statement.d, &d));
                told_true += bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame));
                arena_free(&arena);
            }
        assert_true(told_true == 2 || told_true == 4); /* the same to each, both times */
        buffer_free(&frame);
        fault_free(f);
    }
}

static void the_old_comes_again_and_alike_to_all(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("re-propose", SELF, &w);
    struct buffer frame = {0};
    for (seq_no n = 1; n <= 3; n++) {
        struct digest seen[2];
        proposal(&frame, n, 1);
        for (member_id to = 1; to <= 2; to++) {
            struct arena arena = {0};
            w.send(w.self, to, buffer_bytes(&frame));
            struct msg got = decoded(&arena);
            assert_int_equal(got.pre_prepare.batch.count, n); /* all before it too */
            assert_int_equal(got.pre_prepare.batch.refs[0].req_seq, n);
            seen[to - 1] = got.pre_prepare.statement.d;
            arena_free(&arena);
        }
        assert_true(digest_equal(&seen[0], &seen[1]));
    }
    buffer_free(&frame);
    fault_free(f);
}

/* As a host lets leave no more than two windows ahead. */
static void a_proposal_skips_no_more_than_a_window(void **state) {
    (void)state;
    struct node_world w;
    struct arena arena = {0};
    cluster.knobs.window = 16;
    struct fault *f = traitor("skip-numbers:17", SELF, &w);
    struct buffer frame = {0};
    proposal(&frame, 9, 1);
    w.send(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(decoded(&arena).pre_prepare.statement.n, 9 + 16);
    arena_free(&arena);
    buffer_free(&frame);
    fault_free(f);
}

/* Two phantoms for one place would convict it before the request's age does. */
static void a_dream_is_told_alike_to_all_and_whenever_it_is_asked_for(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("phantom-requests", SELF, &w);
    struct buffer frame = {0};
    struct digest first = {{0}};
    proposal(&frame, 9, 2);
    for (unsigned told = 0; told < 6; told++) {
        struct arena arena = {0};
        w.send(w.self, (member_id)(1 + told % 3), buffer_bytes(&frame));
        struct msg got = decoded(&arena);
        assert_false(bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame)));
        first = told == 0 ? got.pre_prepare.statement.d : first;
        assert_true(digest_equal(&got.pre_prepare.statement.d, &first));
        arena_free(&arena);
    }
    buffer_free(&frame);
    fault_free(f);
}

/* Dreams of requests beside real ones of the same client: whatever they are, nobody refuses the batch for its form. */
static void a_dream_names_no_number_twice(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct node_world w;
        struct fault *f = honest(SELF, &w);
        struct request_ref refs[] = {{.req_seq = 8}, {.req_seq = 9}, {.req_seq = 10}, {.req_seq = 7}};
        struct msg m = {.type = FRAME_PRE_PREPARE, .pre_prepare.statement.n = 9};
        struct buffer batch = {0}, frame = {0};
        struct arena arena = {0};
        batch_encode(&batch, &(struct batch){BATCH_NORMAL, 4, refs});
        m.pre_prepare.batch_bytes = buffer_bytes(&batch);
        m.pre_prepare.statement.d = batch_digest(buffer_bytes(&batch));
        seal(&frame, &m, SELF);
        begin(f, "phantom-requests", seed, INT64_MAX);
        w.send(w.self, 1, buffer_bytes(&frame));
        assert_true(decoded(&arena).pre_prepare.batch.refs[3].req_seq > 10);
        arena_free(&arena);
        buffer_free(&batch);
        buffer_free(&frame);
        fault_free(f);
    }
}

/* Of the frame as a whole nothing can be read: the PRE-PREPAREs that it signs are told one by one. */
static void a_new_view_that_nobody_can_read_owns_up_to_its_proposals(void **state) {
    (void)state;
    struct node_world w;
    forget_frames();
    make_all();
    struct fault *f = traitor("count-one-twice", SELF, &w);
    w.send(w.self, 1, buffer_bytes(&said[FRAME_NEW_VIEW]));
    assert_int_equal(world.sent, 1);
    assert_int_equal(world.owned_up, 2 + 1);
    assert_int_equal(world.owned_proposals, 2);
    world.refuses = true;
    w.send(w.self, 1, buffer_bytes(&said[FRAME_NEW_VIEW]));
    assert_int_equal(world.sent, 1);
    free_all();
    fault_free(f);
}

static void noise_keeps_its_rate(void **state) {
    (void)state;
    static const char *const names[] = {"flood-garbage:500", "wish-storm:500"};
    for (unsigned i = 0; i < 2; i++) {
        struct node_world w;
        struct fault *f = traitor(names[i], 1, &w);
        for (mono_ms now = 1000; now < 2000; now++)
            fault_turn(f, now);
        assert_int_equal(world.sent, (i + 1) * 3 * 500);
        fault_free(f);
    }
}

/* The victim, replica 3, has all that a decision takes of the liar; nobody else sees a COMMIT, and the VIEW-CHANGE
   holds nothing. */
static void a_hidden_commit_is_seen_by_the_victim_alone(void **state) {
    (void)state;
    static const char *const names[] = {"hidden-commit:0", "hidden-commit", "hidden-commit:1"};
    for (unsigned i = 0; i < 3; i++) {
        struct node_world w;
        struct arena arena = {0};
        forget_frames();
        make_all();
        struct fault *f = traitor(names[i], SELF, &w);
        for (member_id to = 1; to < MEMBERS; to++) {
            w.send(w.self, to, buffer_bytes(&said[FRAME_PRE_PREPARE]));
            w.send(w.self, to, buffer_bytes(&said[FRAME_COMMIT]));
        }
        assert_int_equal(world.sent_to[1], i != 0);
        assert_int_equal(world.sent_to[2], 0);
        assert_int_equal(world.sent_to[3], 3); /* one more COMMIT comes with the proposal itself */
        assert_true(bytes_equal(buffer_bytes(&world.first_to[3]), buffer_bytes(&said[FRAME_PRE_PREPARE])));
        w.send(w.self, 1, buffer_bytes(&said[FRAME_VIEW_CHANGE]));
        assert_int_equal(decoded(&arena).view_change.count, 0);
        assert_true(world.owned_before);
        arena_free(&arena);
        free_all();
        fault_free(f);
    }
}

/* Its own node decides nothing with the victim, or it would not vote for another batch in view 1. */
static void a_hidden_commit_is_no_decision_of_the_liar(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("hidden-commit", SELF, &w);
    for (view_no v = 0; v < 2; v++)
        for (member_id from = 1; from < MEMBERS; from++) {
            struct admitted prepare = {.msg = {.type = FRAME_PREPARE, .sender = from, .vote.v = v}};
            struct admitted commit = {.msg = {.type = FRAME_COMMIT, .sender = from, .vote.v = v}};
            assert_int_equal(fault_hears(f, NULL, &prepare), v != SELF || from != MEMBERS - 1);
            assert_int_equal(fault_hears(f, NULL, &commit), v != SELF || from != MEMBERS - 1);
        }
    fault_free(f);
}

static void a_request_is_relayed_past_the_primary_to_somebody(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct node_world w;
        forget_frames();
        make_all();
        struct fault *f = honest(MEMBERS - 1, &w);
        begin(f, "relay-past-primary", seed, INT64_MAX);
        for (member_id to = 0; to < MEMBERS - 1; to++)
            w.send(w.self, to, buffer_bytes(&said[FRAME_RELAY]));
        member_id leads = primary_of(world.facts.pbft.view, MEMBERS);
        assert_int_equal(world.sent_to[leads], 0);
        assert_in_range(world.sent, 1, 2);
        free_all();
        fault_free(f);
    }
}

/* Path and own receipt hold, and that is one receipt where a client asks for F = f+1. */
static void a_false_acknowledgement_convinces_nobody_who_counts(void **state) {
    (void)state;
    struct node_world w;
    struct arena arena = {0};
    struct fault *f = traitor("false-acks", 1, &w);
    struct request r = {.client = cluster.observers[0].key, .req_seq = 4, .kind = OP_OBSERVE, .observe.count = 3};
    struct request *list[] = {&r};
    struct admitted x = {.msg.type = FRAME_REQUEST, .request_count = 1, .requests = list};
    uint64_t handle = 0;
    r.digest.b[0] = 77;
    assert_false(fault_hears(f, &handle, &x));
    assert_int_equal(world.answered, 1);
    struct msg m = decoded(&arena);
    assert_int_equal(m.outputs.count, 1);
    struct reply reply;
    const struct output *o = &m.outputs.list[0];
    assert_int_equal(reply_decode(&reply, o->leaf, &arena), ERR_OK);
    assert_int_equal(reply.result, ERR_OK);
    assert_int_equal(reply.accepted, 3);
    assert_true(digest_equal(&reply.request, &r.digest));
    assert_int_equal(o->cert.receipts_len, 1);
    assert_true(receipt_verify(&verifier, &o->cert.body, &o->cert.receipts[0]));
    assert_int_equal(certificate_verify(&verifier, &o->cert, o->leaf, NULL), ERR_TOO_FEW_SIGNATURES);
    assert_int_equal(world.owned_up, 1); /* the receipt */
    arena_free(&arena);
    fault_free(f);
}

static void an_alert_is_withheld_and_all_else_answered(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("withhold-alerts", 1, &w);
    struct buffer frame = {0};
    struct msg none = {.type = FRAME_OUTPUTS, .outputs = {.alerts = 3}};
    seal(&frame, &none, 1);
    w.answer(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.answered, 0);
    w.answer(w.self, 1, bytes_of_text("something else"));
    assert_int_equal(world.answered, 1);
    buffer_free(&frame);
    fault_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(two_stories_have_one_place_and_two_digests),
        TEST(the_old_comes_again_and_alike_to_all),
        TEST(a_proposal_skips_no_more_than_a_window),
        TEST(a_dream_names_no_number_twice),
        TEST(a_new_view_that_nobody_can_read_owns_up_to_its_proposals),
        TEST(a_dream_is_told_alike_to_all_and_whenever_it_is_asked_for),
        TEST(noise_keeps_its_rate),
        TEST(a_hidden_commit_is_seen_by_the_victim_alone),
        TEST(a_hidden_commit_is_no_decision_of_the_liar),
        TEST(a_request_is_relayed_past_the_primary_to_somebody),
        TEST(a_false_acknowledgement_convinces_nobody_who_counts),
        TEST(an_alert_is_withheld_and_all_else_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
