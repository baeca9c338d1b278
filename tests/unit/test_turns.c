/* Several notifiers and one log: one hands over, the others step over it, and take over when it is silent. The log is a
   real ledger; what it is asked through may fail. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clock.h"
#include "delivery_world.h"
#include "replica/ledger/ledger.h"

static struct cluster cluster;
static struct ledger *ledger;
static unsigned reads, records, others_at, deaf_until;
static enum error record_fails;
static mono_ms deaf;
static struct op_notified last_op;

static void other_says(uint64_t first, uint64_t last) {
    struct op_notified op = {first, last, "hook", "other"};
    assert_int_equal(ledger_notified(ledger, &op, 1000), ERR_OK);
}

/* From reading `others_at` on, another has recorded 1..7. */
static bool read_it(void *self, const char *handler, uint64_t *upto) {
    (void)self;
    reads++;
    if (reads == others_at) {
        other_says(1, 7);
    }
    *upto = 0;
    for (uint32_t i = 0; ledger_notified_at(ledger, i) != NULL; i++) {
        if (strcmp(ledger_notified_at(ledger, i)->handler, handler) == 0) {
            *upto = ledger_notified_at(ledger, i)->upto;
        }
    }
    return reads > deaf_until;
}

static enum error record_it(void *self, const struct op_notified *op) {
    enum error e = record_fails;
    (void)self;
    records++;
    last_op = *op;
    record_fails = ERR_OK;
    return e == ERR_OK ? ledger_notified(ledger, op, 1000) : e;
}

static int begin(void **state) {
    memset(&cluster, 0, sizeof cluster);
    crypto_start();
    cluster.member_count = 4;
    for (uint8_t i = 0; i < 4; i++) {
        cluster.members[i].key.b[0] = (uint8_t)(i + 1);
    }
    cluster.knobs = protocol_defaults();
    ledger = ledger_new(&cluster);
    reads = records = others_at = deaf_until = 0;
    record_fails = ERR_OK;
    deaf = 0;
    return setup(state);
}

static int finish(void **state) {
    ledger_free(ledger);
    turns_free(turns);
    turns = NULL;
    return teardown(state);
}

static void open_turns(mono_ms standby_after, mono_ms fresh, mono_ms pause) {
    struct turns_setup made = {.handler = "hook",
                               .instance = "me",
                               .standby_after = standby_after,
                               .fresh = fresh,
                               .deaf = deaf,
                               .pause = pause,
                               .stop_fd = stop_fd,
                               .read = read_it,
                               .record = record_it};
    turns = turns_new(&made);
    turns_begin(turns, 0, 0);
}

static uint64_t stands_at(void) {
    const struct notified_record *n = ledger_notified_at(ledger, 0);
    return n == NULL ? 0 : n->upto;
}

/* --- whose turn --- */

static void the_first_hands_over_at_once_and_says_so(void **state) {
    (void)state;
    uint64_t upto;
    open_turns(0, NEVER_MS, 0);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_OURS);
    turns_done(turns, 1);
    assert_int_equal(stands_at(), 1);
    assert_string_equal(ledger_notified_at(ledger, 0)->instance, "me");
    assert_int_equal(turns_await(turns, 2, 0, &upto), TURN_OURS);
    assert_int_equal(reads, 1); /* what was read counts for a while */
}

static void what_another_recorded_is_stepped_over(void **state) {
    (void)state;
    uint64_t upto;
    other_says(1, 7);
    open_turns(0, 0, 0);
    assert_int_equal(turns_await(turns, 5, 0, &upto), TURN_THEIRS);
    assert_int_equal(upto, 7);
    assert_int_equal(turns_await(turns, 7, 0, &upto), TURN_THEIRS);
    assert_int_equal(turns_await(turns, 8, 0, &upto), TURN_OURS);
    turns_done(turns, 7);
    assert_int_equal(records, 0);
}

static void a_standby_takes_over_when_nobody_records(void **state) {
    (void)state;
    uint64_t upto;
    open_turns(50, NEVER_MS, 1);
    mono_ms arrived = clock_mono();
    turns_arrived(turns, arrived, 0);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_OURS);
    assert_true(clock_mono() - arrived >= 50);
    assert_true(reads >= 2);
}

static void an_alert_that_came_while_another_was_waited_for_has_waited_too(void **state) {
    (void)state;
    enum { AGO = 3000 };
    uint64_t upto;
    open_turns(AGO, 0, NEVER_MS);
    mono_ms now = clock_mono();
    turns_arrived(turns, now - 2 * AGO, 7000000);
    turns_arrived(turns, now, 7000000 + AGO + 500);
    assert_int_equal(turns_await(turns, 2, 7000000 + AGO - 1, &upto), TURN_OURS);
    assert_int_equal(reads, 1); /* without waiting */
}

static void an_alert_is_waited_for_no_longer_than_from_when_it_came(void **state) {
    (void)state;
    uint64_t upto;
    open_turns(1, 0, 1);
    turns_arrived(turns, clock_mono(), 7000);
    assert_int_equal(turns_await(turns, 1, 7000 + NEVER_MS, &upto), TURN_OURS); /* of the future, as it seems */
}

static void a_standby_steps_over_what_is_recorded_while_it_waits(void **state) {
    (void)state;
    uint64_t upto;
    others_at = 3;
    open_turns(NEVER_MS, NEVER_MS, 1);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_THEIRS);
    assert_int_equal(upto, 7);
    assert_int_equal(reads, 3);
}

static void a_standby_stops_when_asked_to(void **state) {
    (void)state;
    uint64_t upto, one = 1;
    open_turns(NEVER_MS, 0, NEVER_MS);
    assert_int_equal(write(stop_fd, &one, sizeof one), sizeof one);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_STOPPED);
}

static void without_an_answer_it_rather_goes_out_twice(void **state) {
    (void)state;
    uint64_t upto;
    deaf_until = 1000000;
    open_turns(0, NEVER_MS, 1);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_OURS);
    turns_free(turns);
    open_turns(20, NEVER_MS, 1);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_OURS);
}

static void a_log_that_does_not_answer_is_not_asked_for_each_alert(void **state) {
    (void)state;
    uint64_t upto;
    deaf_until = 1000000;
    deaf = NEVER_MS;
    open_turns(0, 0, 0);
    for (uint64_t number = 1; number <= 5; number++) {
        assert_int_equal(turns_await(turns, number, 0, &upto), TURN_OURS);
        turns_done(turns, number);
    }
    turns_settle(turns);
    assert_int_equal(reads, 1);
    assert_int_equal(records, 0);
}

static void a_log_that_takes_no_record_is_not_asked_for_each_alert(void **state) {
    (void)state;
    uint64_t upto;
    deaf = NEVER_MS;
    record_fails = ERR_NO_QUORUM;
    open_turns(0, 0, 0);
    for (uint64_t number = 1; number <= 5; number++) {
        assert_int_equal(turns_await(turns, number, 0, &upto), TURN_OURS);
        turns_done(turns, number);
    }
    assert_int_equal(reads, 1);
    assert_int_equal(records, 1);
}

static void a_standby_that_gets_no_answer_asks_again_while_it_waits(void **state) {
    (void)state;
    uint64_t upto;
    deaf_until = 2;
    others_at = 4;
    deaf = NEVER_MS;
    open_turns(NEVER_MS, 0, 1);
    assert_int_equal(turns_await(turns, 1, 0, &upto), TURN_THEIRS);
    assert_int_equal(reads, 4);
}

/* --- recording --- */

static void records_that_follow_closely_are_joined(void **state) {
    (void)state;
    open_turns(0, NEVER_MS, NEVER_MS);
    turns_done(turns, 1);
    turns_done(turns, 2);
    turns_done(turns, 3);
    turns_settle(turns);
    assert_int_equal(records, 1);
    assert_int_equal(stands_at(), 1);
    turns_free(turns);
    open_turns(0, NEVER_MS, 0);
    turns_begin(turns, 1, 0);
    turns_done(turns, 3);
    assert_int_equal(stands_at(), 3);
}

static void a_record_that_failed_is_made_up_for(void **state) {
    (void)state;
    open_turns(0, NEVER_MS, 0);
    record_fails = ERR_NO_QUORUM;
    turns_done(turns, 4);
    assert_int_equal(stands_at(), 0);
    turns_settle(turns);
    assert_int_equal(stands_at(), 4);
    turns_settle(turns);
    assert_int_equal(records, 2);
}

static void what_came_before_we_began_is_not_ours_to_record(void **state) {
    (void)state;
    struct op_notified theirs = {4, 10, "hook", "other"};
    other_says(1, 3);
    open_turns(0, NEVER_MS, 0);
    turns_begin(turns, 10, 10);
    turns_done(turns, 12);
    assert_int_equal(stands_at(), 3); /* 4..10 may wait at the other */
    turns_settle(turns);
    assert_int_equal(stands_at(), 3);
    assert_int_equal(ledger_notified(ledger, &theirs, 1000), ERR_OK);
    turns_settle(turns);
    assert_int_equal(stands_at(), 12);
    assert_int_equal(last_op.first, 11);
}

static void a_fresh_notifier_silences_nobody_where_the_log_is_empty(void **state) {
    (void)state;
    open_turns(0, NEVER_MS, 0);
    turns_begin(turns, 4, 4);
    turns_done(turns, 5);
    turns_settle(turns);
    assert_int_equal(stands_at(), 0);
}

static void what_an_earlier_run_could_not_record_is_recorded(void **state) {
    (void)state;
    open_turns(0, NEVER_MS, 0);
    turns_begin(turns, 8, 0);
    turns_settle(turns);
    assert_int_equal(stands_at(), 8);
    turns_settle(turns);
    assert_int_equal(records, 1);
}

static void what_a_fresh_notifier_never_saw_is_not_handed_over_by_the_state_file(void **state) {
    (void)state;
    SERVE(false, 200);
    assert_int_equal(outbox_begins(outbox, "hook", 4, &why), ERR_OK);
    outbox_close(outbox);
    open_outbox(); /* written anew, twice */
    outbox_close(outbox);
    open_outbox();
    open_turns(0, NEVER_MS, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 4, 1);
    handler_settle(h);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    assert_int_equal(stands_at(), 0);
}

/* --- with a handler --- */

static void a_handler_hands_over_what_nobody_did_and_records_it(void **state) {
    (void)state;
    SERVE(false, 200);
    other_says(1, 3);
    open_turns(0, NEVER_MS, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 3);
    stands(3, false);
    takes(h, 3, 2);
    handler_settle(h);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_non_null(strstr(receiver.list[0].head, ":4\r\n"));
    assert_non_null(strstr(receiver.list[1].head, ":5\r\n"));
    stands(5, false);
    assert_int_equal(stands_at(), 5);
}

static void what_another_delivers_while_we_try_in_vain_is_tried_no_more(void **state) {
    (void)state;
    SERVE(false, 500, 200);
    others_at = 2;
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 8);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_non_null(strstr(receiver.list[0].head, ":1\r\n"));
    assert_non_null(strstr(receiver.list[1].head, ":8\r\n"));
    stands(8, false);
}

static void what_another_mailed_meanwhile_no_recipient_gets_again(void **state) {
    (void)state;
    SERVE(true, 451, 250);
    others_at = 2;
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_SMTP); /* to two */
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    stands(1, false);
}

static void the_next_try_of_a_group_waits_for_none_of_its_alerts(void **state) {
    (void)state;
    SERVE(false, 500, 200);
    open_turns(NEVER_MS, 0, NEVER_MS);
    alerts[29].t = alerts[0].t + 2 * NEVER_MS; /* raised just now, the first long ago */
    turns_arrived(turns, clock_mono() - 2 * NEVER_MS - 1, alerts[0].t);
    turns_arrived(turns, clock_mono(), alerts[29].t);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 30);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
}

static void what_is_refused_here_is_left_to_another(void **state) {
    (void)state;
    SERVE(false, 400, 400, 400, 200);
    others_at = 3;
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_int_equal(records, 0);
    assert_int_equal(stands_at(), 7);
}

static void what_is_refused_here_may_be_granted_later(void **state) {
    (void)state;
    SERVE(false, 400, 400, 200);
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 3);
    assert_int_equal(stands_at(), 1);
}

static void what_fails_is_not_given_up_before_another_had_time(void **state) {
    (void)state;
    SERVE(false, 500, 500, 500, 500, 200);
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    config.retry_for = 1;
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 5);
}

static void what_nobody_is_granted_is_lost_in_the_end(void **state) {
    (void)state;
    SERVE(false, 400);
    others_need = 20;
    open_turns(0, 0, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    others_need = NEVER_MS;
    assert_true(receiver.count >= 2);
    assert_int_equal(stands_at(), 1);
}

static void what_is_done_is_recorded_while_a_later_one_is_tried(void **state) {
    (void)state;
    SERVE(false, 200, 503, 200);
    record_fails = ERR_NO_QUORUM;
    open_turns(0, NEVER_MS, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 2);
    handler_free(h);
    assert_int_equal(receiver.count, 3);
    assert_int_equal(records, 3); /* in vain, 1, 2 */
    assert_int_equal(last_op.first, 2);
}

static void unwanted_alerts_are_recorded_too_and_nobody_waits_for_them(void **state) {
    (void)state;
    SERVE(false, 200);
    alerts[0].type = alerts[2].type = ALERT_DISSENT;
    open_turns(0, NEVER_MS, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    config.types = 1u << ALERT_PROBLEM;
    takes(h, 0, 1);
    assert_int_equal(reads, 0);
    takes(h, 1, 2);
    handler_settle(h);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    assert_int_equal(stands_at(), 3);
}

static void a_group_that_another_began_to_tell_is_told_from_there(void **state) {
    (void)state;
    SERVE(false, 200);
    die_while_handing_over(NOTIFY_WEBHOOK, 40);
    other_says(1, 10);
    open_turns(0, NEVER_MS, 0);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 40);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_non_null(strstr(receiver.list[0].head, ":1-40\r\n"));
    assert_non_null(strstr(receiver.list[1].head, ":11-40\r\n"));
    stands(40, false);
}

int main(void) {
    delivery_begin();
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
        TEST(the_first_hands_over_at_once_and_says_so),
        TEST(what_another_recorded_is_stepped_over),
        TEST(a_standby_takes_over_when_nobody_records),
        TEST(an_alert_that_came_while_another_was_waited_for_has_waited_too),
        TEST(an_alert_is_waited_for_no_longer_than_from_when_it_came),
        TEST(a_standby_steps_over_what_is_recorded_while_it_waits),
        TEST(a_standby_stops_when_asked_to),
        TEST(without_an_answer_it_rather_goes_out_twice),
        TEST(a_log_that_does_not_answer_is_not_asked_for_each_alert),
        TEST(a_log_that_takes_no_record_is_not_asked_for_each_alert),
        TEST(a_standby_that_gets_no_answer_asks_again_while_it_waits),
        TEST(records_that_follow_closely_are_joined),
        TEST(a_record_that_failed_is_made_up_for),
        TEST(what_came_before_we_began_is_not_ours_to_record),
        TEST(a_fresh_notifier_silences_nobody_where_the_log_is_empty),
        TEST(what_an_earlier_run_could_not_record_is_recorded),
        TEST(what_a_fresh_notifier_never_saw_is_not_handed_over_by_the_state_file),
        TEST(a_handler_hands_over_what_nobody_did_and_records_it),
        TEST(what_another_delivers_while_we_try_in_vain_is_tried_no_more),
        TEST(what_another_mailed_meanwhile_no_recipient_gets_again),
        TEST(the_next_try_of_a_group_waits_for_none_of_its_alerts),
        TEST(what_is_refused_here_is_left_to_another),
        TEST(what_is_refused_here_may_be_granted_later),
        TEST(what_fails_is_not_given_up_before_another_had_time),
        TEST(what_nobody_is_granted_is_lost_in_the_end),
        TEST(what_is_done_is_recorded_while_a_later_one_is_tried),
        TEST(unwanted_alerts_are_recorded_too_and_nobody_waits_for_them),
        TEST(a_group_that_another_began_to_tell_is_told_from_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
