/* Drills of a running cluster (R13): every interlock at its boundary, how a drill ends, and how long its target counts
   as drilled. */
#include "tests/unit/drilling.h"

/* ---- interlocks ---- */

static void a_drill_begins_and_ends_at_its_time(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    const struct drill_record *d = record(&s, 1);
    assert_string_equal(s.text, "drill 1 begins: replica 2 behaves as equivocate\n");
    assert_string_equal(d->name, "two-tales");
    assert_string_equal(d->behaviour, "equivocate");
    assert_string_equal(d->operator_name, "ada");
    assert_int_equal(d->target, 2);
    assert_int_equal(d->started_n, 2);
    assert_int_equal(d->ends_t - d->started_t, 20000);
    for (unsigned i = 0; i < 4; i++)
        later(&s, 4999);
    later(&s, 3); /* T0 + 19999 */
    assert_int_equal(d->end, DRILL_RUNS);
    later(&s, 1);
    assert_int_equal(d->end, DRILL_END_TIME);
    assert_int_equal(d->ended_n, s.n);
    assert_int_equal(d->ended_t, d->ends_t);
    assert_null(ledger_drill_running(s.m.ledger));
    assert_int_equal(s.alerts, 0);
    end(&s);
}

static void nobody_drills_where_drills_are_off_or_for_the_sandbox(void **state) {
    (void)state;
    static const enum drills_mode MODES[] = {DRILLS_OFF, DRILLS_SANDBOX};
    for (unsigned i = 0; i < 2; i++) {
        struct story s;
        begin_in(&s, 4, MODES[i]);
        assert_int_equal(drill(&s, 2), ERR_DRILLS_OFF);
        assert_non_null(strstr(s.text, "drills: live"));
        assert_null(ledger_drill_at(s.m.ledger, 0));
        end(&s);
    }
}

static void only_the_role_drill_may(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    static const struct {
        uint8_t key;
        enum op_kind kind;
        enum error verdict;
    } ROWS[] = {{OPERATOR, OP_DRILL, ERR_OK},       {OPERATOR, OP_DRILL_STOP, ERR_OK},
                {CLERK, OP_DRILL, ERR_FORBIDDEN},   {CLERK, OP_DRILL_STOP, ERR_FORBIDDEN},
                {EU, OP_DRILL, ERR_FORBIDDEN},      {1, OP_DRILL, ERR_FORBIDDEN},
                {1, OP_DRILL_DONE, ERR_OK},         {OPERATOR, OP_DRILL_DONE, ERR_FORBIDDEN},
                {EU, OP_DRILL_STOP, ERR_FORBIDDEN}, {99, OP_DRILL, ERR_UNKNOWN_KEY}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct public_key key = keys_of(ROWS[i].key).pk;
        assert_int_equal(ledger_may(s.m.ledger, &key, ROWS[i].kind), ROWS[i].verdict);
    }
    end(&s);
}

static void one_drill_at_a_time(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(drill(&s, 1), ERR_DRILL_RUNS);
    assert_string_equal(s.text, "drill 1 (two-tales) of replica 2 runs");
    end(&s);
}

static void a_target_is_a_healthy_member(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 4), ERR_DRILL_TARGET);
    assert_string_equal(s.text, "there is no replica 4");
    accuse(&s, 1, 2, 1);
    assert_true(convicted(&s, 2));
    assert_int_equal(drill(&s, 2), ERR_DRILL_TARGET);
    assert_string_equal(s.text, "replica 2 is convicted");
    assert_int_equal(drill(&s, 1), ERR_DRILL_MARGIN);
    assert_string_equal(s.text, "replica 2 is convicted; the cluster bears 1 faulty");
    end(&s);
}

static void who_does_not_tick_is_faulty_after_five_seconds(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    s.silent = set_of(3);
    later(&s, 4999);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, 0, 0);
    later(&s, 1);
    assert_int_equal(drill(&s, 2), ERR_DRILL_MARGIN);
    assert_string_equal(s.text, "replica 3 is faulty: no tick for 5 s; the cluster bears 1 faulty");
    assert_int_equal(drill(&s, 3), ERR_DRILL_TARGET);
    later(&s, 2500);
    assert_int_equal(drill(&s, 3), ERR_DRILL_TARGET);
    assert_string_equal(s.text, "replica 3 is faulty: no tick for 7 s");
    s.silent = 0;
    later(&s, 1);
    assert_int_equal(drill(&s, 3), ERR_OK);
    end(&s);
}

static void slow_ticks_are_given_five_intervals(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    cluster.knobs.tick_ms = 2000;
    s.silent = set_of(3);
    later(&s, 9999);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, 0, 0);
    later(&s, 1);
    assert_int_equal(drill(&s, 2), ERR_DRILL_MARGIN);
    end(&s);
}

static void who_never_ticked_or_does_not_vote_is_faulty(void **state) {
    (void)state;
    struct story s;
    found(4, DRILLS_LIVE);
    s = (struct story){.wall = T0, .silent = set_of(3)};
    machine_open(&s.m, &cluster);
    later(&s, 0);
    assert_int_equal(drill(&s, 2), ERR_DRILL_MARGIN);
    assert_string_equal(s.text, "replica 3 is faulty: no tick yet; the cluster bears 1 faulty");
    s.silent = 0;
    s.idle = set_of(1);
    later(&s, 1);
    assert_int_equal(drill(&s, 2), ERR_DRILL_MARGIN);
    assert_string_equal(s.text, "replica 1 is faulty: it does not vote; the cluster bears 1 faulty");
    s.idle = 0;
    later(&s, 1);
    assert_int_equal(drill(&s, 2), ERR_OK);
    end(&s);
}

static void seven_members_bear_a_drill_beside_one_fault(void **state) {
    (void)state;
    struct story s;
    begin_in(&s, 7, DRILLS_LIVE);
    s.silent = set_of(3);
    later(&s, 6000);
    assert_int_equal(drill(&s, 2), ERR_OK);
    later(&s, 4999);
    assert_int_equal(record(&s, 1)->end, DRILL_RUNS);
    s.silent |= set_of(4);
    later(&s, 4999);
    assert_int_equal(record(&s, 1)->end, DRILL_RUNS);
    later(&s, 1);
    assert_int_equal(record(&s, 1)->end, DRILL_END_MARGIN);
    assert_int_equal(drill(&s, 5), ERR_DRILL_MARGIN);
    assert_non_null(strstr(s.text, "replica 2 still counts as drilled by drill 1: it has not said how far it went"));
    assert_non_null(strstr(s.text, "replica 3 is faulty: no tick for"));
    assert_non_null(strstr(s.text, "; the cluster bears 2 faulty"));
    end(&s);
}

/* ---- ends ---- */

static void the_target_itself_may_fall_silent(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    s.silent = set_of(2);
    later(&s, 9000);
    assert_int_equal(record(&s, 1)->end, DRILL_RUNS);
    s.silent = set_of(1) | set_of(2);
    later(&s, 5000);
    assert_int_equal(record(&s, 1)->end, DRILL_END_MARGIN);
    end(&s);
}

static void any_operator_of_that_role_stops_it(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(stop(&s, 1), ERR_NO_DRILL);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 2), ERR_NO_DRILL);
    assert_int_equal(stop(&s, 1), ERR_OK);
    assert_int_equal(record(&s, 1)->end, DRILL_END_STOPPED);
    assert_int_equal(stop(&s, 1), ERR_NO_DRILL);
    assert_string_equal(s.text, "drill 1 does not run");
    end(&s);
}

static void real_evidence_ends_it(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    accuse(&s, 0, 2, s.n);
    assert_int_equal(record(&s, 1)->end, DRILL_RUNS); /* it was told to */
    accuse(&s, 0, 1, s.n);
    assert_true(convicted(&s, 1));
    assert_int_equal(record(&s, 1)->end, DRILL_END_EVIDENCE);
    end(&s);
}

static void a_target_that_gives_up_ends_it(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    later(&s, 3000);
    done(&s, 1, 1, 0, 0);
    assert_int_equal(record(&s, 1)->end, DRILL_RUNS); /* not its to say */
    done(&s, 2, 1, 0, 0);
    assert_int_equal(record(&s, 1)->end, DRILL_END_TARGET);
    assert_int_equal(drill(&s, 2), ERR_OK);
    for (unsigned i = 0; i < 4; i++)
        later(&s, 4900);
    done(&s, 2, 2, 0, 0);
    assert_int_equal(record(&s, 2)->end, DRILL_END_TIME); /* its clock is a little faster */
    end(&s);
}

/* ---- afterwards ---- */

static void it_counts_as_drilled_until_what_it_signed_is_past(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    rest(&s, 10);
    assert_int_equal(stop(&s, 1), ERR_OK);
    assert_int_equal(drill(&s, 2), ERR_DRILL_TARGET);
    assert_int_equal(drill(&s, 1), ERR_DRILL_MARGIN);
    done(&s, 2, 1, s.n + 2 + 2 * W, 0); /* nobody signs so far ahead */
    assert_false(record(&s, 1)->done);
    done(&s, 2, 1, 12, 0);
    assert_true(record(&s, 1)->done);
    assert_int_equal(record(&s, 1)->bites, 5);
    done(&s, 2, 1, 0, 0);
    assert_int_equal(record(&s, 1)->max_n, 12);
    rest(&s, 12 + W);
    assert_int_equal(drill(&s, 2), ERR_DRILL_TARGET); /* judged while n = 12 + W + 1 is executed */
    assert_string_equal(s.text, "replica 2 still counts as drilled by drill 1: until n=29 is executed");
    assert_false(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    assert_int_equal(drill(&s, 1), ERR_OK);
    end(&s);
}

static void a_view_change_it_bent_counts_until_a_quorum_is_beyond_it(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, 0, 4);
    s.view = 4;
    later(&s, 10);
    assert_int_equal(drill(&s, 2), ERR_DRILL_TARGET);
    assert_string_equal(s.text, "replica 2 still counts as drilled by drill 1: until a quorum is in a view above 4");
    s.view = 5;
    s.silent = set_of(0) | set_of(1); /* the other two alone are none */
    later(&s, 10);
    assert_true(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    s.silent = set_of(0);
    later(&s, 10);
    assert_false(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drill_begins_and_ends_at_its_time),
        cmocka_unit_test(nobody_drills_where_drills_are_off_or_for_the_sandbox),
        cmocka_unit_test(only_the_role_drill_may),
        cmocka_unit_test(one_drill_at_a_time),
        cmocka_unit_test(a_target_is_a_healthy_member),
        cmocka_unit_test(who_does_not_tick_is_faulty_after_five_seconds),
        cmocka_unit_test(slow_ticks_are_given_five_intervals),
        cmocka_unit_test(who_never_ticked_or_does_not_vote_is_faulty),
        cmocka_unit_test(seven_members_bear_a_drill_beside_one_fault),
        cmocka_unit_test(the_target_itself_may_fall_silent),
        cmocka_unit_test(any_operator_of_that_role_stops_it),
        cmocka_unit_test(real_evidence_ends_it),
        cmocka_unit_test(a_target_that_gives_up_ends_it),
        cmocka_unit_test(it_counts_as_drilled_until_what_it_signed_is_past),
        cmocka_unit_test(a_view_change_it_bent_counts_until_a_quorum_is_beyond_it),
    };
    return cmocka_run_group_tests_name("drills", tests, NULL, NULL);
}
