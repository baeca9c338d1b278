/* Whose turn a connection of the peers' door has: a member's seats belong to those who brought its newest STATUS first,
   and who sends on what others said keeps nobody out. */
#include "tests/unit/intake_door.h"

/* The seat that a frame of the connection is served from. */
static unsigned seat_of(struct intake *t, uint32_t connection) {
    assert_int_equal(counters(t, 0).waiting, 0);
    assert_true(put(t, connection, RANK_VIEW, 1, 100 * MINUTE));
    struct intake_item *item = intake_take(t);
    unsigned seat = item->seat;
    intake_item_free(item);
    return seat;
}

static bool is_seated(struct intake *t, uint32_t connection, member_id member) {
    unsigned seat = seat_of(t, connection), first = 1 + member * INTAKE_SEATS_OF_A_MEMBER;
    return seat >= first && seat < first + INTAKE_SEATS_OF_A_MEMBER;
}

static void a_member_has_so_many_seats(void **state) {
    (void)state;
    struct intake *t = intake_new(&rules);
    for (uint32_t i = 1; i <= INTAKE_SEATS_OF_A_MEMBER + 2; i++) {
        assert_true(intake_join(t, i, i));
        greet(t, i, 2, 1, i);
        greet(t, i, 2, 1, 10 + i);
    }
    assert_int_equal(counters(t, 0).strangers, 2);
    assert_int_equal(seat_of(t, INTAKE_SEATS_OF_A_MEMBER + 1), 0);
    intake_leave(t, 1);
    greet(t, INTAKE_SEATS_OF_A_MEMBER + 1, 2, 1, 20);
    assert_int_equal(counters(t, 0).strangers, 1);
    assert_true(is_seated(t, INTAKE_SEATS_OF_A_MEMBER + 1, 2));
    intake_free(t);
}

static void who_loses_the_seat_keeps_what_a_stranger_may(void **state) {
    (void)state;
    struct intake_rules narrow = rules;
    narrow.crowded = 4000;
    struct intake *t = intake_new(&narrow);
    join_many(t, 1, 1);
    greet(t, 1, 0, 1, 1);
    assert_true(put(t, 1, RANK_STATUS, 400, 0));
    for (unsigned i = 0; i < 40; i++)
        assert_true(put(t, 1, RANK_COMMIT, 1000, 0));
    for (uint32_t i = 2; i <= 1 + INTAKE_SEATS_OF_A_MEMBER; i++) {
        join_many(t, i, 1);
        greet(t, i, 0, i, i);
    }
    assert_int_equal(counters(t, 0).strangers, 1);
    assert_int_equal(counters(t, 0).waiting, 4); /* the STATUS and three: 3400 bytes */
    assert_int_equal(counters(t, 0).dropped, 37);
    join_many(t, 20, 2);
    assert_true(put(t, 20, RANK_COMMIT, 1000, 0)); /* now it is crowded: those three count */
    assert_false(put(t, 20, RANK_COMMIT, 1, 0));
    enum rank rank;
    assert_int_equal(taken(t, &rank), 1);
    assert_int_equal(rank, RANK_STATUS);
    while (counters(t, 0).waiting)
        taken(t, NULL);
    assert_true(put(t, 20, RANK_COMMIT, 1000, 0)); /* and are forgotten when they are taken */
    assert_true(put(t, 20, RANK_COMMIT, 1, 0));
    intake_free(t);
}

static void a_valid_frame_that_is_no_status_earns_no_seat(void **state) {
    (void)state;
    struct intake *t = with_members(0);
    join_many(t, 1, 1);
    intake_praise(t, 1);
    assert_int_equal(seat_of(t, 1), 0);
    intake_free(t);
}

static void an_old_status_sent_again_earns_nothing(void **state) {
    (void)state;
    struct intake *t = with_members(1);
    join_many(t, 10, 2);
    greet(t, 1, 0, 7 + INTAKE_LATE_STATUS, 1);
    greet(t, 10, 0, 6, 2);
    assert_int_equal(seat_of(t, 10), 0);
    intake_greet(t, 11, 0, &(struct intake_greeting){0, 900, 3}); /* an earlier boot */
    assert_int_equal(seat_of(t, 11), 0);                          /* and heard all the same */
    intake_greet(t, 11, 0, &(struct intake_greeting){2, 1, 4});
    assert_true(is_seated(t, 11, 0));
    greet(t, 10, 0, 900, 5); /* the boot before that one */
    assert_int_equal(seat_of(t, 10), 0);
    intake_free(t);
}

/* Its queue is long, or its host busy: it never shows the newest, and would be served with strangers for ever. */
static void a_lane_that_is_behind_has_its_seat_all_the_same(void **state) {
    (void)state;
    struct intake *t = with_members(1);
    join_many(t, 10, 1);
    for (unsigned i = 0; i < 5; i++) {
        greet(t, 1, 0, 10 + INTAKE_LATE_STATUS + i, 10 * i + 1);
        greet(t, 10, 0, 10 + i, 10 * i + 2);
        assert_true(is_seated(t, 10, 0));
    }
    greet(t, 1, 0, 1000, 100);
    join_many(t, 11, 1);
    greet(t, 11, 0, 1000 - INTAKE_LATE_STATUS - 1, 101);
    assert_int_equal(seat_of(t, 11), 0);
    intake_free(t);
}

/* Six took the seats with the newest STATUS, again and again, and are served sooner than the true one. */
static void six_replayers_cannot_keep_the_true_one_out(void **state) {
    (void)state;
    enum { TRUE_ONE = 50 };
    struct intake *t = with_members(0);
    for (uint32_t i = 1; i <= INTAKE_SEATS_OF_A_MEMBER; i++) {
        join_many(t, i, 1);
        greet(t, i, 3, 1, i);
    }
    join_many(t, TRUE_ONE, 1);
    for (uint32_t i = 1; i <= INTAKE_SEATS_OF_A_MEMBER; i++)
        greet(t, i, 3, 2, 100 + i);
    greet(t, TRUE_ONE, 3, 2, 100); /* it came first, and had to wait */
    assert_true(is_seated(t, TRUE_ONE, 3));
    assert_int_equal(counters(t, 0).strangers, 1);
    assert_int_equal(seat_of(t, INTAKE_SEATS_OF_A_MEMBER), 0); /* the last of them made room */
    intake_free(t);
}

static void who_passes_a_status_on_moves_nobody_who_brought_it(void **state) {
    (void)state;
    enum { REPLAYER = 50 };
    struct intake *t = with_members(0);
    for (uint32_t i = 1; i <= INTAKE_SEATS_OF_A_MEMBER; i++) {
        join_many(t, i, 1);
        greet(t, i, 3, 1, i);
    }
    for (uint32_t i = 1; i < INTAKE_SEATS_OF_A_MEMBER; i++)
        greet(t, i, 3, 2, 100 + i);
    join_many(t, REPLAYER, 2);
    greet(t, REPLAYER, 3, 2, 200); /* only who is gone silent makes room */
    assert_true(is_seated(t, REPLAYER, 3));
    greet(t, REPLAYER + 1, 3, 2, 201);
    for (uint32_t i = 1; i < INTAKE_SEATS_OF_A_MEMBER; i++)
        assert_true(is_seated(t, i, 3));
    assert_int_equal(seat_of(t, INTAKE_SEATS_OF_A_MEMBER), 0);
    assert_int_equal(seat_of(t, REPLAYER + 1), 0);
    intake_free(t);
}

static void who_is_muted_loses_its_seat_and_earns_none(void **state) {
    (void)state;
    fake_now = 0;
    struct intake *t = with_members(1);
    assert_true(intake_strike(t, 1, 3, 0));
    assert_int_equal(counters(t, 0).strangers, 1);
    greet(t, 1, 0, 2, 1); /* it was under way */
    assert_int_equal(counters(t, 0).strangers, 1);
    fake_now = 10 * S;
    intake_praise(t, 1);
    greet(t, 1, 0, 3, 2);
    assert_true(is_seated(t, 1, 0));
    fake_now = 0;
    intake_free(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_has_so_many_seats),
        cmocka_unit_test(who_loses_the_seat_keeps_what_a_stranger_may),
        cmocka_unit_test(a_valid_frame_that_is_no_status_earns_no_seat),
        cmocka_unit_test(an_old_status_sent_again_earns_nothing),
        cmocka_unit_test(a_lane_that_is_behind_has_its_seat_all_the_same),
        cmocka_unit_test(six_replayers_cannot_keep_the_true_one_out),
        cmocka_unit_test(who_passes_a_status_on_moves_nobody_who_brought_it),
        cmocka_unit_test(who_is_muted_loses_its_seat_and_earns_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
