/* The pool (R3): who is eligible, whose room it is, and when there is a backlog. */
#include "base/invariant.h"
#include "replica/pbft/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

static struct cluster_id cluster;
static struct pool pool;
static mono_ms now;
static time_ms ready; /* of what is held next */

static int setup(void **state) {
    (void)state;
    crypto_start();
    pool_init(&pool, &(struct pool_sizes){4, 400, 256, 64}, 99);
    now = 1000;
    ready = 0;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    pool_check(&pool);
    pool_free(&pool);
    return 0;
}

static struct public_key key_of(uint8_t who, struct secret_key *secret) {
    struct public_key pk;
    uint8_t seed[SECRET_SEED_LEN] = {who};
    crypto_keypair_from_seed(&pk, secret, seed);
    return pk;
}

static enum error hold_content(uint8_t who, uint64_t seq, enum pbft_lane lane, enum op_kind kind, uint32_t content) {
    struct secret_key secret;
    struct request r = {.client = key_of(who, &secret), .req_seq = seq, .kind = kind}, *held;
    if (kind == OP_TICK) {
        r.tick = (struct op_tick){1, seq, 1790000000000, 0, true};
    } else {
        r.query = (struct op_query){
            .kind = QUERY_STATUS, .host = "", .service = "", .after_host = "", .after_service = "", .limit = content};
    }
    struct buffer frame = {0};
    request_seal(&frame, &r, &cluster, &secret);
    assert_int_equal(request_new(&held, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
    enum error e = pool_hold(&pool, held, &(struct pool_terms){true, lane, ready, now});
    if (e != ERR_OK) {
        request_free(held);
    }
    return e;
}

static enum error hold_kind(uint8_t who, uint64_t seq, enum pbft_lane lane, enum op_kind kind) {
    return hold_content(who, seq, lane, kind, 1);
}

static enum error hold(uint8_t who, uint64_t seq) {
    return hold_kind(who, seq, PBFT_LANE_CLIENT, OP_QUERY);
}

static const struct pooled *find(uint8_t who, uint64_t seq) {
    struct secret_key secret;
    struct public_key pk = key_of(who, &secret);
    return pool_find_seq(&pool, &pk, seq);
}

static void done(uint8_t who, uint64_t seq) {
    struct secret_key secret;
    struct public_key pk = key_of(who, &secret);
    pool_done(&pool, &pk, seq, now);
}

static void only_the_lowest_sixteen_of_a_client_age(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 40; seq++) {
        assert_int_equal(hold(1, seq), ERR_OK);
    }
    assert_int_equal(pool.queue.count, ELIGIBLE_MAX);
    assert_true(find(1, 16)->eligible);
    assert_false(find(1, 17)->eligible);
    now += 500;
    done(1, 3);
    assert_true(find(1, 17)->eligible);
    assert_int_equal(find(1, 17)->since, now); /* its age starts now */
    assert_int_equal(pool.queue.count, ELIGIBLE_MAX);
    assert_int_equal(pool_pending(&pool), 39);
}

static void numbers_that_descend_gain_nothing(void **state) {
    (void)state;
    for (uint64_t seq = 40; seq >= 1; seq--) {
        assert_int_equal(hold(1, seq), ERR_OK);
        pool_check(&pool);
    }
    assert_int_equal(pool.eligible.count, ELIGIBLE_MAX);
    assert_true(find(1, 16)->eligible);
    assert_false(find(1, 17)->eligible);
    hold(2, 7);
    assert_true(find(2, 7)->eligible); /* another client's share is its own */
}

static void what_became_old_gives_way_to_the_next(void **state) {
    (void)state;
    struct secret_key secret;
    struct public_key pk = key_of(1, &secret);
    for (uint64_t seq = 1; seq <= 40; seq++) {
        hold(1, seq);
    }
    pool_outdated(&pool, &pk, 30, now);
    assert_int_equal(pool_pending(&pool), 10);
    assert_int_equal(pool.eligible.count, 10);
    pool_outdated(&pool, &pk, 40, now);
    assert_int_equal(pool_pending(&pool), 0);
    assert_int_equal(pool.queue.count, 0);
}

static void of_a_member_s_ticks_only_the_lowest_is_eligible(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        assert_int_equal(hold_kind(1, seq, PBFT_LANE_MEMBER, OP_TICK), ERR_OK);
    }
    assert_int_equal(pool.eligible.count, 1);
    for (uint64_t seq = 21; seq <= 40; seq++) {
        hold_kind(1, seq, PBFT_LANE_MEMBER, OP_QUERY);
    }
    assert_int_equal(pool.eligible.count, 1 + ELIGIBLE_MAX); /* and they take no other request's place */
    done(1, 1);
    assert_true(find(1, 2)->eligible);
    assert_int_equal(pool.queued_ticks, 1);
}

static void members_and_operators_have_room_when_clients_have_none(void **state) {
    (void)state;
    for (uint8_t who = 1; who <= 2; who++) {
        for (uint64_t seq = 1; seq <= 256; seq++) {
            enum error e = hold(who, seq);
            assert_true(e == ERR_OK || (who == 2 && seq > 144 && e == ERR_BUSY));
        }
    }
    assert_int_equal(hold(3, 1), ERR_BUSY);
    assert_int_equal(hold_kind(60, 1, PBFT_LANE_OPERATOR, OP_QUERY), ERR_OK);
    for (uint64_t seq = 1; seq <= MEMBER_ROOM; seq++) {
        assert_int_equal(hold_kind(70, seq, PBFT_LANE_MEMBER, OP_TICK), ERR_OK);
    }
    assert_int_equal(hold_kind(70, MEMBER_ROOM + 1, PBFT_LANE_MEMBER, OP_TICK), ERR_BUSY);
    assert_int_equal(hold_kind(71, 1, PBFT_LANE_MEMBER, OP_TICK), ERR_OK); /* no member takes another's */
}

static void who_has_no_tokens_waits_for_agreed_time(void **state) {
    (void)state;
    struct secret_key secret;
    struct public_key pk = key_of(1, &secret);
    pool_time(&pool, 5000, now);
    hold(1, 1);
    hold(1, 2);
    assert_int_equal(pool.queue.count, 2);
    pool_ready(&pool, &pk, 7000, now);
    assert_int_equal(pool.eligible.count, 0);
    assert_int_equal(pool.held_back, 2);
    ready = 7000;
    hold(1, 3);
    assert_int_equal(pool.held_back, 3);
    pool_time(&pool, 6999, now);
    assert_int_equal(pool.eligible.count, 0);
    now += 2000;
    pool_time(&pool, 7000, now);
    assert_int_equal(pool.eligible.count, 3);
    assert_int_equal(pool.held_back, 0);
    assert_int_equal(find(1, 1)->since, now);
}

static void a_member_without_tokens_still_ticks(void **state) {
    (void)state;
    struct secret_key secret;
    struct public_key pk = key_of(70, &secret);
    pool_time(&pool, 5000, now);
    ready = 7000;
    hold_kind(70, 1, PBFT_LANE_MEMBER, OP_QUERY);
    hold_kind(70, 2, PBFT_LANE_MEMBER, OP_TICK);
    assert_false(find(70, 1)->eligible);
    assert_true(find(70, 2)->eligible);
    pool_time(&pool, 7000, now);
    assert_true(find(70, 1)->eligible);
    pool_ready(&pool, &pk, 9000, now);
    assert_false(find(70, 1)->eligible);
    assert_true(find(70, 2)->eligible);
}

static void a_backlog_is_many_old_requests_of_many_clients(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 256; seq++) {
        hold(1, seq);
    }
    now += 1000;
    assert_false(pool_backlog(&pool, now, 100)); /* one client is none, however many it sends */
    for (uint8_t who = 2; who <= 5; who++) {
        for (uint64_t seq = 1; seq <= 16; seq++) {
            hold(who, seq);
        }
    }
    assert_false(pool_backlog(&pool, now, 100)); /* new ones are none */
    assert_true(pool_backlog(&pool, now + 101, 100));
}

static enum error hold_other(uint8_t who, uint64_t seq, uint32_t content) {
    return hold_content(who, seq, PBFT_LANE_CLIENT, OP_QUERY, content);
}

static void a_second_content_is_held_and_not_eligible(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 20; seq++) {
        assert_int_equal(hold(1, seq), ERR_OK);
        assert_int_equal(hold_other(1, seq, 2), ERR_OK);
        assert_int_equal(hold_other(1, seq, 3), ERR_CONFLICT);
    }
    assert_int_equal(pool.eligible.count, ELIGIBLE_MAX); /* the first contents of as many numbers */
    assert_int_equal(find(1, 3)->request->query.limit, 1);
    assert_true(find(1, 3)->eligible);
    assert_true(find(1, 16)->eligible);
    assert_int_equal(pool_pending(&pool), 40);
    done(1, 3);
    assert_null(find(1, 3));
    assert_true(find(1, 17)->eligible);
    assert_int_equal(pool.eligible.count, ELIGIBLE_MAX);
    assert_int_equal(pool_pending(&pool), 38);
}

static void a_third_content_that_a_batch_named_makes_no_room_for_a_fourth(void **state) {
    (void)state;
    struct secret_key secret;
    hold(1, 1);
    hold_other(1, 1, 2);
    struct request r = {.client = key_of(1, &secret), .req_seq = 1, .kind = OP_QUERY}, *third;
    r.query = (struct op_query){
        .kind = QUERY_STATUS, .host = "", .service = "", .after_host = "", .after_service = "", .limit = 3};
    struct buffer frame = {0};
    request_seal(&frame, &r, &cluster, &secret);
    assert_int_equal(request_new(&third, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
    struct digest digest = third->digest;
    pool_name(&pool, &(struct request_ref){third->client, 1, digest});
    assert_int_equal(pool_hold(&pool, third, &(struct pool_terms){true, PBFT_LANE_CLIENT, 0, now}), ERR_OK);
    assert_int_equal(hold_other(1, 1, 4), ERR_CONFLICT);
    pool_unname(&pool, &digest);
    assert_int_equal(pool.eligible.count, 1);
}

static void a_tick_and_another_of_one_number_are_both_eligible(void **state) {
    (void)state;
    pool_time(&pool, 5000, now);
    ready = 7000; /* no tokens: only the tick goes */
    hold_kind(70, 5, PBFT_LANE_MEMBER, OP_QUERY);
    assert_int_equal(hold_kind(70, 5, PBFT_LANE_MEMBER, OP_TICK), ERR_OK);
    assert_int_equal(pool.eligible.count, 1);
    assert_int_equal(pool.queued_ticks, 1);
    pool_time(&pool, 7000, now);
    assert_int_equal(pool.eligible.count, 2);
    done(70, 5);
    assert_int_equal(pool.eligible.count, 0);
}

static void a_client_s_ticks_are_requests_like_others(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 8; seq++) {
        hold_kind(1, seq, PBFT_LANE_CLIENT, OP_TICK);
    }
    hold(1, 9);
    assert_int_equal(pool.eligible.count, 9);
    assert_true(find(1, 9)->eligible);
}

static void second_contents_fill_their_client_s_room(void **state) {
    (void)state;
    for (uint64_t seq = 1; seq <= 128; seq++) {
        assert_int_equal(hold(1, seq), ERR_OK);
        assert_int_equal(hold_other(1, seq, 2), ERR_OK);
    }
    assert_int_equal(hold(1, 129), ERR_BUSY);
    assert_int_equal(hold(2, 1), ERR_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_lowest_sixteen_of_a_client_age, setup, teardown),
        cmocka_unit_test_setup_teardown(numbers_that_descend_gain_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(what_became_old_gives_way_to_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_member_s_ticks_only_the_lowest_is_eligible, setup, teardown),
        cmocka_unit_test_setup_teardown(members_and_operators_have_room_when_clients_have_none, setup, teardown),
        cmocka_unit_test_setup_teardown(who_has_no_tokens_waits_for_agreed_time, setup, teardown),
        cmocka_unit_test_setup_teardown(a_member_without_tokens_still_ticks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_second_content_is_held_and_not_eligible, setup, teardown),
        cmocka_unit_test_setup_teardown(a_third_content_that_a_batch_named_makes_no_room_for_a_fourth, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tick_and_another_of_one_number_are_both_eligible, setup, teardown),
        cmocka_unit_test_setup_teardown(a_client_s_ticks_are_requests_like_others, setup, teardown),
        cmocka_unit_test_setup_teardown(second_contents_fill_their_client_s_room, setup, teardown),
        cmocka_unit_test_setup_teardown(a_backlog_is_many_old_requests_of_many_clients, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
