/* The door's fair queue: who sends much waits for himself, strangers share one turn, offences fall on the connection
   that they came by, and all of it is bounded. Time is given, so nobody waits. */
#include "tests/unit/intake_door.h"

static void a_flood_waits_for_itself(void **state) {
    (void)state;
    struct intake *t = with_members(3);
    for (unsigned i = 0; i < 100; i++)
        assert_true(put(t, 1, RANK_COMMIT, 174, 0));
    assert_false(put(t, 1, RANK_COMMIT, 174, 0));
    for (unsigned i = 0; i < 10; i++) {
        assert_true(put(t, 2, RANK_COMMIT, 174, 0));
        assert_true(put(t, 3, RANK_COMMIT, 174, 0));
    }
    unsigned of[4] = {0};
    while (of[2] + of[3] < 20)
        of[taken(t, NULL)]++;
    assert_in_range(of[1], 1, 20);
    assert_int_equal(counters(t, 0).dropped, 1);
    intake_free(t);
}

static void turns_are_counted_in_bytes(void **state) {
    (void)state;
    struct intake *t = with_members(2);
    put(t, 1, RANK_COMMIT, 50000, 0);
    put(t, 1, RANK_COMMIT, 50000, 0);
    for (unsigned i = 0; i < 100; i++)
        put(t, 2, RANK_COMMIT, 244, 0); /* with what a frame costs by itself: 500 */
    unsigned before = 0;
    while (taken(t, NULL) == 2)
        before++;
    assert_in_range(before, 90, 100);
    intake_free(t);
}

static void the_most_urgent_goes_first_and_makes_room(void **state) {
    (void)state;
    struct intake *t = intake_new(&rules);
    enum rank rank;
    assert_true(intake_join(t, 1, 0));
    assert_true(put(t, 1, RANK_BULK, 10, 0));
    assert_true(put(t, 1, RANK_PREPARE, 10, 0));
    assert_true(put(t, 1, RANK_BULK, 10, 0));
    assert_true(put(t, 1, RANK_COMMIT, 10, 0));
    assert_false(put(t, 1, RANK_BULK, 10, 0));
    assert_true(put(t, 1, RANK_VIEW, 10, 0));
    assert_true(put(t, 1, RANK_COMMIT, 10, 0));
    assert_true(put(t, 1, RANK_VIEW, 3990, 0)); /* long: all that is less urgent goes */
    assert_int_equal(taken(t, &rank), 1);
    assert_int_equal(rank, RANK_VIEW);
    assert_int_equal(counters(t, 0).waiting, 1);
    intake_free(t);
}

static void one_frame_of_a_member_may_be_longer_than_the_room(void **state) {
    (void)state;
    struct intake_rules narrow = rules;
    narrow.member.bytes = 50000;
    struct intake *t = intake_new(&narrow);
    join_many(t, 1, 2);
    greet(t, 1, 0, 1, 0);
    assert_true(put(t, 1, RANK_BULK, 90000, 0));
    assert_false(put(t, 1, RANK_BULK, 1, 0));
    assert_int_equal(taken(t, NULL), 1);
    assert_true(put(t, 1, RANK_BULK, 1, 0));
    assert_false(put(t, 2, RANK_BULK, 4001, 0));
    assert_true(put(t, 2, RANK_BULK, 4000, 0));
    intake_free(t);
}

static void strangers_share_one_turn(void **state) {
    (void)state;
    struct intake *t = with_members(1);
    for (uint32_t i = 10; i < 16; i++) {
        assert_true(intake_join(t, i, i));
        for (unsigned k = 0; k < 4; k++)
            assert_true(put(t, i, RANK_VIEW, 900, 0));
    }
    for (unsigned i = 0; i < 20; i++)
        put(t, 1, RANK_BULK, 900, 0);
    unsigned members = 0, strangers = 0;
    while (members < 20)
        *(taken(t, NULL) == 1 ? &members : &strangers) += 1;
    assert_in_range(strangers, 12, 24);
    intake_free(t);
}

static void each_stranger_comes_to_his_turn(void **state) {
    (void)state;
    struct intake *t = with_members(0);
    for (uint32_t i = 10; i < 13; i++)
        assert_true(intake_join(t, i, i));
    for (unsigned k = 0; k < 4; k++)
        put(t, 10, RANK_VIEW, 1, 0);
    put(t, 11, RANK_VIEW, 1, 0);
    put(t, 12, RANK_VIEW, 1, 0);
    assert_int_equal(taken(t, NULL), 10);
    assert_int_equal(taken(t, NULL), 11);
    assert_int_equal(taken(t, NULL), 12);
    assert_int_equal(taken(t, NULL), 10);
    intake_free(t);
}

static void strangers_are_few_and_few_of_one_source(void **state) {
    (void)state;
    struct intake *t = intake_new(&rules);
    for (uint32_t i = 1; i <= 3; i++)
        assert_true(intake_join(t, i, 77));
    assert_false(intake_join(t, 4, 77));
    for (uint32_t i = 5; i <= 7; i++)
        assert_true(intake_join(t, i, i));
    assert_false(intake_join(t, 8, 8));
    greet(t, 1, 0, 1, 0); /* a member's connection is not counted against them */
    assert_true(intake_join(t, 9, 77));
    assert_false(intake_join(t, 10, 10));
    intake_leave(t, 9);
    assert_true(intake_join(t, 10, 10));
    assert_int_equal(counters(t, 0).refused, 3);
    assert_int_equal(counters(t, 0).strangers, 6);
    assert_int_equal(counters(t, 0).connections, 7);
    intake_free(t);
}

static void a_strangers_status_does_not_wait_for_other_strangers_frames(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(0);
    join_many(t, 10, 3);
    put(t, 10, RANK_VIEW, 10, 0);
    struct intake_item *costly = intake_take(t);
    intake_charge(t, costly, 50000);
    intake_item_free(costly);
    put(t, 10, RANK_VIEW, 10, 0);
    put(t, 11, RANK_VIEW, 10, 0);
    put(t, 12, RANK_VIEW, 10, 0);
    put(t, 11, RANK_STATUS, 10, 0); /* behind what is less urgent */
    put(t, 12, RANK_STATUS, 10, 0);
    assert_int_equal(taken(t, NULL), 11);
    assert_int_equal(taken(t, NULL), 12);
    fake_now = 1001;
    assert_int_equal(taken(t, NULL), 10);
    assert_int_equal(taken(t, NULL), 11);
    assert_int_equal(taken(t, NULL), 12);
    intake_free(t);
    fake_now = 0;
}

static void a_connection_keeps_its_turn_when_it_becomes_a_members(void **state) {
    (void)state;
    struct intake *t = intake_new(&rules);
    assert_true(intake_join(t, 1, 0));
    put(t, 1, RANK_VIEW, 1, 0);
    put(t, 1, RANK_VIEW, 1, 0);
    greet(t, 1, 3, 1, 0);
    assert_int_equal(taken(t, NULL), 1);
    assert_int_equal(taken(t, NULL), 1);
    intake_free(t);
}

static void three_strikes_mute_for_ten_seconds_then_twice_as_long(void **state) {
    (void)state;
    struct intake *t = with_members(2);
    mono_ms now = 5 * S, wait = 10 * S;
    assert_false(intake_strike(t, 1, 1, now));
    assert_false(intake_strike(t, 1, 1, now));
    put(t, 1, RANK_VIEW, 1, now);
    assert_true(intake_strike(t, 1, 1, now));
    assert_false(intake_strike(t, 1, 1, now)); /* what was under way; it is muted already */
    for (unsigned i = 0; i < 8; i++) {
        assert_false(intake_hears(t, 1, now + wait - 1));
        assert_false(put(t, 1, RANK_VIEW, 1, now + wait - 1));
        now += wait;
        assert_true(intake_hears(t, 1, now));
        assert_true(intake_strike(t, 1, 1, now)); /* one is enough now */
        wait = wait * 2 < 10 * MINUTE ? wait * 2 : 10 * MINUTE;
    }
    assert_int_equal(counters(t, now).muted, 1);
    put(t, 2, RANK_VIEW, 1, now);
    assert_int_equal(taken(t, NULL), 2); /* what the first had waiting was dropped */
    intake_free(t);
}

static void who_was_muted_is_heard_with_a_status_first(void **state) {
    (void)state;
    struct intake *t = with_members(1);
    intake_strike(t, 1, 3, 0);
    assert_false(put(t, 1, RANK_COMMIT, 1, 10 * S));
    assert_true(put(t, 1, RANK_VIEW, 1, 10 * S));
    assert_true(put(t, 1, RANK_STATUS, 1, 10 * S));
    assert_false(put(t, 1, RANK_COMMIT, 1, 10 * S));
    fake_now = 10 * S - 1;
    intake_praise(t, 1); /* what was under way */
    assert_false(put(t, 1, RANK_COMMIT, 1, 10 * S));
    fake_now = 10 * S;
    intake_praise(t, 1);
    assert_true(put(t, 1, RANK_COMMIT, 1, 10 * S));
    assert_false(intake_strike(t, 1, 1, 11 * S));
    assert_false(intake_strike(t, 1, 1, 11 * S));
    assert_true(intake_strike(t, 1, 1, 11 * S));
    intake_free(t);
}

static void a_crowded_door_leaves_room_for_one_frame_each(void **state) {
    (void)state;
    struct intake_rules narrow = rules;
    narrow.crowded = 3000;
    narrow.strangers_share = false;
    struct intake *t = intake_new(&narrow);
    join_many(t, 1, 3);
    greet(t, 3, 0, 1, 0);
    for (unsigned i = 0; i < 10; i++)
        assert_true(put(t, 3, RANK_VIEW, 4000, 0)); /* a member's: it crowds nobody */
    assert_true(put(t, 1, RANK_VIEW, 3001, 0));
    assert_true(put(t, 2, RANK_VIEW, 1, 0));
    assert_false(put(t, 2, RANK_VIEW, 1, 0));
    assert_true(put(t, 3, RANK_VIEW, 4000, 0)); /* nor is it crowded out */
    while (counters(t, 0).waiting)
        taken(t, NULL);
    assert_true(put(t, 2, RANK_VIEW, 1, 0));
    assert_true(put(t, 2, RANK_VIEW, 1, 0));
    intake_free(t);
}

static void charge(struct intake *t, uint32_t connection, unsigned microseconds) {
    put(t, connection, RANK_VIEW, 1, 0);
    struct intake_item *item = intake_take(t);
    assert_int_equal(item->connection, connection);
    intake_charge(t, item, microseconds);
    intake_item_free(item);
}

/* 100 us a ms: who cost 50 ms is in debt for half a second, and the others are served. */
static void who_costs_too_much_waits_until_it_is_paid(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(2);
    charge(t, 1, 50000);
    put(t, 1, RANK_VIEW, 1, 0);
    for (unsigned i = 0; i < 50; i++)
        put(t, 2, RANK_BULK, 1000, 0);
    fake_now = 499;
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(taken(t, NULL), 2);
    fake_now = 501;
    assert_int_equal(taken(t, NULL), 1);
    intake_free(t);
}

static void a_debt_stays_with_the_seat(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(2);
    charge(t, 1, 50000);
    intake_leave(t, 1);
    assert_true(intake_join(t, 3, 0));
    greet(t, 3, 0, 2, 0);
    put(t, 3, RANK_VIEW, 1, 0);
    put(t, 2, RANK_BULK, 1000, 0);
    assert_int_equal(taken(t, NULL), 2);
    intake_free(t);
}

static void what_is_not_used_is_saved_for_a_quarter_second(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(2);
    fake_now = 1000000;
    charge(t, 1, INTAKE_SAVED_MS * 100);
    charge(t, 1, 1); /* all is used, nothing owed */
    put(t, 1, RANK_VIEW, 1, 0);
    put(t, 2, RANK_VIEW, 1, 0);
    assert_int_equal(taken(t, NULL), 2);
    fake_now += 2;
    assert_int_equal(taken(t, NULL), 1);
    intake_free(t);
}

static void strangers_owe_together_and_have_less(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(1);
    assert_true(intake_join(t, 10, 10));
    assert_true(intake_join(t, 11, 11));
    charge(t, 10, 50000);
    put(t, 11, RANK_VIEW, 1, 0);
    put(t, 1, RANK_VIEW, 1, 0);
    assert_int_equal(taken(t, NULL), 1);
    fake_now = 999;
    assert_true(put(t, 1, RANK_VIEW, 1, 0));
    assert_int_equal(taken(t, NULL), 1);
    fake_now = 1001;
    assert_int_equal(taken(t, NULL), 11);
    intake_free(t);
}

static void head_and_frame_come_out_as_they_went_in(void **state) {
    (void)state;
    struct intake *t = with_members(1);
    assert_true(intake_put(t, 1, RANK_VIEW, bytes_of_text("way"), bytes_of_text("frame"), 0));
    struct intake_item *item = intake_take(t);
    assert_int_equal(item->head_len, 3);
    assert_int_equal(item->node.len, 5);
    assert_memory_equal(item->data, "wayframe", 8);
    intake_item_free(item);
    intake_free(t);
}

static void who_left_and_who_never_came_are_not_heard(void **state) {
    (void)state;
    struct intake *t = with_members(2);
    put(t, 1, RANK_VIEW, 1, 0);
    put(t, 2, RANK_VIEW, 1, 0);
    intake_leave(t, 1);
    intake_leave(t, 1);
    intake_praise(t, 1);
    greet(t, 1, 0, 2, 0);
    assert_false(intake_strike(t, 1, 3, 0));
    assert_false(put(t, 1, RANK_VIEW, 1, 0));
    assert_int_equal(taken(t, NULL), 2);
    intake_free(t);
}

static void *take_to_the_end(void *argument) {
    struct intake *t = argument;
    uintptr_t count = 0;
    struct intake_item *item;
    while ((item = intake_take(t))) {
        intake_item_free(item);
        count++;
    }
    return (void *)count;
}

static void several_take_and_the_end_wakes_them(void **state) {
    (void)state;
    struct intake *t = with_members(3);
    pthread_t takers[3];
    uintptr_t total = 0, put_count = 0;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&takers[i], NULL, take_to_the_end, t), 0);
    for (unsigned i = 0; i < 3000; i++)
        put_count += put(t, 1 + i % 3, RANK_COMMIT, 100, 0);
    while (counters(t, 0).waiting)
        continue;
    intake_end(t);
    for (unsigned i = 0; i < 3; i++) {
        void *count;
        pthread_join(takers[i], &count);
        total += (uintptr_t)count;
    }
    assert_int_equal(total, put_count);
    assert_null(intake_take(t));
    intake_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_waits_for_itself),
        cmocka_unit_test(turns_are_counted_in_bytes),
        cmocka_unit_test(the_most_urgent_goes_first_and_makes_room),
        cmocka_unit_test(one_frame_of_a_member_may_be_longer_than_the_room),
        cmocka_unit_test(strangers_share_one_turn),
        cmocka_unit_test(each_stranger_comes_to_his_turn),
        cmocka_unit_test(strangers_are_few_and_few_of_one_source),
        cmocka_unit_test(a_strangers_status_does_not_wait_for_other_strangers_frames),
        cmocka_unit_test(a_connection_keeps_its_turn_when_it_becomes_a_members),
        cmocka_unit_test(three_strikes_mute_for_ten_seconds_then_twice_as_long),
        cmocka_unit_test(who_was_muted_is_heard_with_a_status_first),
        cmocka_unit_test(a_crowded_door_leaves_room_for_one_frame_each),
        cmocka_unit_test(who_costs_too_much_waits_until_it_is_paid),
        cmocka_unit_test(a_debt_stays_with_the_seat),
        cmocka_unit_test(what_is_not_used_is_saved_for_a_quarter_second),
        cmocka_unit_test(strangers_owe_together_and_have_less),
        cmocka_unit_test(head_and_frame_come_out_as_they_went_in),
        cmocka_unit_test(who_left_and_who_never_came_are_not_heard),
        cmocka_unit_test(several_take_and_the_end_wakes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
