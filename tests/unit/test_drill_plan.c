/* What was planted against what the sink was handed: made-up sinks that miss, repeat, invent, delay and confuse. */
#include "client/drill/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

struct found {
    unsigned breaches;
    enum promise promise;
    char reason[1024];
};

static void take(void *context, enum promise p, const char *reason) {
    struct found *f = context;
    f->breaches++;
    f->promise = p;
    snprintf(f->reason, sizeof f->reason, "%s", reason);
}

static struct found found(const struct plan *p) {
    struct found f = {0};
    plan_breaches(p, take, &f);
    return f;
}

static void must_find(const struct plan *p, enum promise promise, const char *words) {
    struct found f = found(p);
    assert_int_equal(f.breaches, 1);
    assert_int_equal(f.promise, promise);
    assert_non_null(strstr(f.reason, words));
}

/* web1/http went down and came back. */
static struct plan *outage_and_recovery(void) {
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_truth(p, "web1", "http", 0);
    return p;
}

static void what_was_planted_is_told_once(void **state) {
    (void)state;
    struct plan *p = outage_and_recovery();
    assert_int_equal(plan_waiting(p), 2);
    plan_hand(p, "1\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    assert_int_equal(plan_waiting(p), 1);
    plan_hand(p, "2\tRECOVERY\tweb1\thttp\t0\t2500");
    plan_give_up(p);
    struct plan_count c = plan_count(p);
    assert_int_equal(c.expected, 2);
    assert_int_equal(c.raised, 2);
    assert_int_equal(c.false_ones + c.missed + c.late, 0);
    assert_int_equal(found(p).breaches, 0);
    assert_int_equal(plan_handed(p), 2);
    assert_int_equal(plan_highest(p), 2);
    assert_int_equal(plan_handed_about(p, ALERT_PROBLEM, "web1", "http"), 1);
    assert_int_equal(plan_handed_about(p, ALERT_PROBLEM, "web1", "ssh"), 0);
    plan_free(p);
}

static void what_is_told_of_a_host_has_no_service(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "db1", "", 1);
    plan_hand(p, "1\tPROBLEM\tdb1\t\tDOWN\t1500");
    assert_int_equal(plan_waiting(p), 0);
    assert_int_equal(found(p).breaches, 0);
    plan_free(p);
}

static void the_same_truth_again_is_no_change(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 0);
    plan_truth(p, "web1", "http", 2);
    plan_truth(p, "web1", "http", 2);
    assert_int_equal(plan_waiting(p), 1);
    plan_free(p);
}

static void missing_message_is_missed(void **state) {
    (void)state;
    struct plan *p = outage_and_recovery();
    plan_hand(p, "1\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    plan_give_up(p);
    plan_give_up(p);
    must_find(p, PROMISE_NO_MISSED_ALERT, "RECOVERY of web1/http, OK");
    assert_int_equal(plan_count(p).missed, 1);
    assert_int_equal(plan_waiting(p), 0);
    plan_free(p);
}

static void message_after_it_was_given_up_is_late(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_give_up(p);
    plan_hand(p, "1\tPROBLEM\tweb1\thttp\tCRITICAL\t99000");
    must_find(p, PROMISE_NO_MISSED_ALERT, "not told in time");
    struct plan_count c = plan_count(p);
    assert_int_equal(c.late, 1);
    assert_int_equal(c.missed, 0);
    assert_int_equal(c.false_ones, 0);
    plan_free(p);
}

static void message_twice_breaks_the_one_stream(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1600");
    must_find(p, PROMISE_ONE_STREAM, "alert 7 was handed over twice");
    assert_int_equal(plan_count(p).raised, 1);
    plan_free(p);
}

static void killed_notifier_may_repeat_as_often_as_it_was_killed(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_allow_again(p, 1);
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1600");
    assert_int_equal(found(p).breaches, 0);
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1700");
    must_find(p, PROMISE_ONE_STREAM, "twice");
    plan_free(p);
}

static void same_event_under_two_numbers_is_false(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    plan_hand(p, "8\tPROBLEM\tweb1\thttp\tCRITICAL\t1600");
    must_find(p, PROMISE_NO_FALSE_ALERT, "alert 8, PROBLEM of web1/http");
    assert_int_equal(plan_count(p).false_ones, 1);
    plan_free(p);
}

static void message_of_what_was_not_planted_is_false(void **state) {
    (void)state;
    static const char *const lines[] = {
        "1\tPROBLEM\tweb1\tssh\tCRITICAL\t1500",  /* another service */
        "1\tPROBLEM\tdb1\thttp\tCRITICAL\t1500",  /* another host */
        "1\tPROBLEM\tweb1\thttp\tWARNING\t1500",  /* another state */
        "1\tRECOVERY\tweb1\thttp\tCRITICAL\t1500" /* another type */
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct plan *p = plan_new(0, true, true);
        plan_truth(p, "web1", "http", 2);
        plan_hand(p, lines[i]);
        must_find(p, PROMISE_NO_FALSE_ALERT, "follows from nothing");
        assert_int_equal(plan_waiting(p), 1);
        plan_free(p);
    }
}

static void what_is_no_alert_is_false(void **state) {
    (void)state;
    static const char *const lines[] = {"",
                                        "hello",
                                        "x\tPROBLEM\ta\tb\tOK\t1",
                                        "1\tNONSENSE\ta\tb\tOK\t1",
                                        "1\tPROBLEM\ta\tb\tPURPLE\t1",
                                        "1\tPROBLEM\ta\tb"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct plan *p = plan_new(~0u, true, true);
        plan_hand(p, lines[i]);
        must_find(p, PROMISE_NO_FALSE_ALERT, "no alert");
        plan_free(p);
    }
}

static void allowed_types_and_alerts_may_come(void **state) {
    (void)state;
    struct plan *p = plan_new(1u << ALERT_SYSTEM, true, true);
    plan_allow(p, ALERT_DISSENT, "web1", NULL);
    plan_hand(p, "1\tSYSTEM\t\t\t\t1500");
    plan_hand(p, "2\tDISSENT\tweb1\thttp\tOK\t1500");
    assert_int_equal(found(p).breaches, 0);
    plan_hand(p, "3\tDISSENT\tdb1\tsql\tOK\t1500");
    must_find(p, PROMISE_NO_FALSE_ALERT, "DISSENT of db1/sql");
    plan_free(p);
}

static void further_expected_alert_must_come_once(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    plan_expect(p, ALERT_SYSTEM, "", "");
    assert_int_equal(plan_waiting(p), 1);
    plan_hand(p, "1\tSYSTEM\t\t\tCRITICAL\t1500");
    assert_int_equal(plan_waiting(p), 0);
    assert_int_equal(found(p).breaches, 0);
    plan_hand(p, "2\tSYSTEM\t\t\tCRITICAL\t1500");
    must_find(p, PROMISE_NO_FALSE_ALERT, "SYSTEM of the cluster");
    plan_free(p);
}

static void one_notifier_hands_over_in_order(void **state) {
    (void)state;
    for (int in_order = 0; in_order <= 1; in_order++) {
        struct plan *p = plan_new(~0u, in_order == 1, true);
        plan_hand(p, "9\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
        plan_hand(p, "8\tPROBLEM\tdb1\tsql\tCRITICAL\t1500");
        if (in_order == 1) {
            must_find(p, PROMISE_ONE_STREAM, "alert 8 was handed over behind alert 9");
        } else {
            assert_int_equal(found(p).breaches, 0);
        }
        plan_free(p);
    }
}

static void repeated_number_must_be_the_same_message(void **state) {
    (void)state;
    static const char *const lines[] = {
        "7\tRECOVERY\tweb1\thttp\tCRITICAL\t1600", /* another type */
        "7\tPROBLEM\tdb1\thttp\tCRITICAL\t1600",   /* another host */
        "7\tPROBLEM\tweb1\tssh\tCRITICAL\t1600",   /* another service */
        "7\tPROBLEM\tweb1\thttp\tWARNING\t1600"    /* another state */
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct plan *p = plan_new(~0u, true, true);
        plan_allow_again(p, 1);
        plan_hand(p, "7\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
        plan_hand(p, lines[i]);
        must_find(p, PROMISE_ONE_STREAM, "alert 7 was handed over twice, and as two");
        plan_free(p);
    }
}

/* ---- the agreed stream ---- */

static void stream(struct plan *p, int number, const char *type, const char *service, const char *state_word,
                   const char *contact) {
    json_t *a = json_pack("{s:i, s:s, s:s, s:s, s:s, s:[s]}", "number", number, "type", type, "host", "web1", "service",
                          service, "state", state_word, "contacts", contact);
    if (contact[0] == '\0') {
        json_object_set_new(a, "contacts", json_array());
    }
    plan_stream(p, a);
    json_decref(a);
}

static struct plan *told_problem(void) {
    struct plan *p = plan_new(0, true, true);
    plan_truth(p, "web1", "http", 2);
    plan_hand(p, "1\tPROBLEM\tweb1\thttp\tCRITICAL\t1500");
    return p;
}

static void sink_and_stream_are_alike(void **state) {
    (void)state;
    struct plan *p = told_problem();
    stream(p, 1, "PROBLEM", "http", "CRITICAL", "oncall");
    stream(p, 2, "DISSENT", "http", "CRITICAL", "");
    plan_stream_end(p);
    assert_int_equal(found(p).breaches, 0);
    plan_free(p);
}

static void false_alert_is_quoted(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    json_t *a = json_pack("{s:i, s:s, s:n, s:n, s:s, s:s}", "number", 1, "type", "SYSTEM", "host", "service", "state",
                          "CRITICAL", "output", "the clocks disagree");
    plan_hand(p, "1\tSYSTEM\t\t\t\t1500");
    plan_stream(p, a);
    plan_stream_end(p);
    must_find(p, PROMISE_NO_FALSE_ALERT, "follows from nothing that was planted: \"the clocks disagree\"");
    json_decref(a);
    plan_free(p);
}

static void gap_in_the_stream_is_found(void **state) {
    (void)state;
    struct plan *p = told_problem();
    stream(p, 1, "PROBLEM", "http", "CRITICAL", "oncall");
    stream(p, 3, "DISSENT", "http", "CRITICAL", "");
    plan_stream_end(p);
    must_find(p, PROMISE_ONE_STREAM, "from 1 to 3");
    plan_free(p);
}

static void stream_without_its_beginning_is_found(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, true);
    stream(p, 5, "SYSTEM", "", "", "");
    plan_stream_end(p);
    must_find(p, PROMISE_ONE_STREAM, "the alert stream begins at 5");
    plan_free(p);
}

static void who_keeps_little_has_forgotten_the_beginning(void **state) {
    (void)state;
    struct plan *p = plan_new(0, true, false);
    stream(p, 5, "SYSTEM", "", "", "");
    stream(p, 6, "SYSTEM", "", "", "");
    plan_stream_end(p);
    assert_int_equal(found(p).breaches, 0);
    plan_free(p);
}

static void agreed_alert_that_was_not_handed_over_is_missed(void **state) {
    (void)state;
    struct plan *p = told_problem();
    stream(p, 1, "PROBLEM", "http", "CRITICAL", "oncall");
    stream(p, 2, "PROBLEM", "ssh", "CRITICAL", "oncall");
    plan_stream_end(p);
    must_find(p, PROMISE_NO_MISSED_ALERT, "alert 2, PROBLEM of web1/ssh, was agreed on but not handed over");
    plan_free(p);
}

static void message_that_is_not_in_the_stream_is_false(void **state) {
    (void)state;
    struct plan *p = told_problem();
    plan_stream_end(p);
    must_find(p, PROMISE_NO_FALSE_ALERT, "not in the agreed stream");
    plan_free(p);
}

static void another_alert_under_the_number_is_found(void **state) {
    (void)state;
    struct plan *p = told_problem();
    stream(p, 1, "PROBLEM", "http", "WARNING", "oncall");
    plan_stream_end(p);
    must_find(p, PROMISE_ONE_STREAM, "alert 1 is another one");
    plan_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_planted_is_told_once),
        cmocka_unit_test(what_is_told_of_a_host_has_no_service),
        cmocka_unit_test(the_same_truth_again_is_no_change),
        cmocka_unit_test(missing_message_is_missed),
        cmocka_unit_test(message_after_it_was_given_up_is_late),
        cmocka_unit_test(message_twice_breaks_the_one_stream),
        cmocka_unit_test(killed_notifier_may_repeat_as_often_as_it_was_killed),
        cmocka_unit_test(same_event_under_two_numbers_is_false),
        cmocka_unit_test(message_of_what_was_not_planted_is_false),
        cmocka_unit_test(what_is_no_alert_is_false),
        cmocka_unit_test(allowed_types_and_alerts_may_come),
        cmocka_unit_test(further_expected_alert_must_come_once),
        cmocka_unit_test(one_notifier_hands_over_in_order),
        cmocka_unit_test(repeated_number_must_be_the_same_message),
        cmocka_unit_test(sink_and_stream_are_alike),
        cmocka_unit_test(false_alert_is_quoted),
        cmocka_unit_test(gap_in_the_stream_is_found),
        cmocka_unit_test(stream_without_its_beginning_is_found),
        cmocka_unit_test(who_keeps_little_has_forgotten_the_beginning),
        cmocka_unit_test(agreed_alert_that_was_not_handed_over_is_missed),
        cmocka_unit_test(message_that_is_not_in_the_stream_is_false),
        cmocka_unit_test(another_alert_under_the_number_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
