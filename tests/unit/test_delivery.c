/* What leaves through the network: real servers that take, refuse, fail, hang up and say nothing, and a kill -9 between
   the delivery and its note. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/transport.h"
#include "delivery_world.h"

static const char *const KEY_1 = "Idempotency-Key: 01020000000000000000000000000000:1\r\n";

/* --- webhook --- */

static void a_webhook_gets_alertmanagers_form_once(void **state) {
    (void)state;
    SERVE(false, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    end_serving();
    assert_int_equal(receiver.count, 1);
    stands(1, false);
}

static void what_a_webhook_is_told(void **state) {
    (void)state;
    SERVE(false, 204);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    assert_memory_equal(receiver.list[0].head, "POST /hook HTTP/1.1\r\n", 21);
    assert_non_null(strstr(receiver.list[0].head, KEY_1));
    assert_non_null(strstr(receiver.list[0].head, "\r\nContent-Type: application/json\r\n"));
    json_t *j = body(0), *alert = json_array_get(json_object_get(j, "alerts"), 0);
    assert_string_equal(text_at(j, "version", NULL), "4");
    assert_string_equal(text_at(j, "status", NULL), "firing");
    assert_string_equal(text_at(j, "receiver", NULL), "hook");
    assert_string_equal(text_at(alert, "labels", "service"), "http");
    assert_string_equal(text_at(alert, "annotations", "description"), "output of 1");
    json_decref(j);
}

static void what_fails_is_posted_again_with_its_key_until_it_is_taken(void **state) {
    (void)state;
    SERVE(false, 500, RECEIVER_HANGS_UP, 503, 429, 408, 401, 403, 404, 405, 410, 301, 302, 307, 308, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 15);
    for (unsigned i = 0; i < receiver.count; i++) {
        assert_memory_equal(receiver.list[i].head, "POST /hook ", 11); /* and nowhere else */
        assert_non_null(strstr(receiver.list[i].head, KEY_1));
        assert_string_equal(receiver.list[i].body, receiver.list[0].body);
    }
    stands(1, false);
}

static void what_is_refused_holds_up_nothing(void **state) {
    (void)state;
    static const int CODES[] = {400, 413, 415, 422};
    for (unsigned i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        SERVE(false, CODES[i], 200);
        struct handler *h = handler_of(NOTIFY_WEBHOOK);
        takes(h, 2 * i, 2);
        handler_free(h);
        assert_int_equal(receiver.count, 2);
        json_t *second = body(1);
        assert_string_equal(text_at(second, "commonAnnotations", "description"), outputs[2 * i + 1]);
        json_decref(second);
        stands(2 * i + 2, false);
    }
}

static void a_silent_server_is_left_after_the_timeout(void **state) {
    (void)state;
    SERVE(false, RECEIVER_SILENT, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    config.timeout = 200;
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
}

static void a_dead_server_is_given_up_after_retry_for_and_the_next_alert_has_its_turn(void **state) {
    (void)state;
    SERVE(false, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    end_serving();
    config.retry_for = 20;
    takes(h, 0, 1);
    stands(1, false);
    serve(false, (const int[]){200}, 1);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/hook", receiver.port);
    takes(h, 1, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
}

static void an_answer_is_read_no_further_than_people_need(void **state) {
    (void)state;
    SERVE(false, RECEIVER_FLOODS, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    end_serving();
    assert_true(receiver.flooded < 64 << 20);
}

static void ask_to_stop(void *context, unsigned nth) {
    uint64_t one = 1;
    (void)context;
    assert_true(nth > 0 || write(stop_fd, &one, sizeof one) == sizeof one);
}

static void waiting_for_an_answer_ends_when_asked_to_stop(void **state) {
    (void)state;
    uint64_t one;
    SERVE(false, RECEIVER_SILENT, 200);
    receiver.before_answer = ask_to_stop;
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    assert_int_equal(handler_take(h, alerts, 1), HANDLER_STOPPED);
    handler_free(h);
    stands(0, true);
    assert_int_equal(read(stop_fd, &one, sizeof one), sizeof one);
    h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
}

static void what_a_server_says_is_told_without_the_urls_secrets(void **state) {
    (void)state;
    SERVE(false, 404);
    struct transport *t = transport_new(stop_fd);
    struct buffer said = {0};
    snprintf(url, sizeof url, "http://127.0.0.1:%u/because", receiver.port); /* what it says */
    struct transport_post post = {.url = url, .json = bytes_of_text("{}"), .timeout = NEVER_MS};
    assert_int_equal(transport_post(t, &post, &said), CARRY_FAILED);
    assert_non_null(strstr(buffer_cstr(&said), "HTTP 404: ..."));
    assert_null(strstr(buffer_cstr(&said), "because"));
    buffer_free(&said);
    transport_free(t);
}

/* --- many at once --- */

static unsigned alerts_of(unsigned request) {
    json_t *j = body(request);
    unsigned count = (unsigned)json_array_size(json_object_get(j, "alerts"));
    json_decref(j);
    return count;
}

static void more_than_group_above_leave_as_one_message(void **state) {
    (void)state;
    SERVE(false, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 20);
    assert_int_equal(receiver.count, 20);
    takes(h, 20, 21);
    assert_int_equal(receiver.count, 21);
    assert_int_equal(alerts_of(20), 21);
    assert_non_null(strstr(receiver.list[20].head, ":21-41\r\n"));
    handler_free(h);
    stands(41, false);
}

static void a_message_holds_what_is_wanted_and_no_more(void **state) {
    (void)state;
    SERVE(false, 200);
    alerts[0].type = alerts[5].type = alerts[29].type = ALERT_DISSENT;
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    config.types = 1u << ALERT_PROBLEM;
    takes(h, 0, 30);
    handler_settle(h);
    handler_free(h);
    assert_int_equal(receiver.count, 1);
    assert_int_equal(alerts_of(0), 27);
    assert_non_null(strstr(receiver.list[0].head, ":2-29\r\n"));
    stands(30, false);
}

static void a_group_that_is_too_large_is_told_in_halves(void **state) {
    (void)state;
    static const char *const KEYS[] = {":1-21\r\n", ":1-10\r\n", ":11-21\r\n", ":11-15\r\n", ":16-21\r\n"};
    static const unsigned SIZES[] = {21, 10, 11, 5, 6};
    SERVE(false, 413, 200, 413, 200, 200);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 21);
    handler_free(h);
    assert_int_equal(receiver.count, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_non_null(strstr(receiver.list[i].head, KEYS[i]));
        assert_int_equal(alerts_of(i), SIZES[i]);
    }
    stands(21, false);
}

static void of_a_group_only_the_refused_alert_is_lost(void **state) {
    (void)state;
    SERVE(false, 400, 400, 400, 200, 200); /* 1, 2, 3: all, 1, 2+3 */
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    config.group_above = 2;
    takes(h, 0, 3);
    handler_free(h);
    assert_int_equal(receiver.count, 5);
    assert_non_null(strstr(receiver.list[1].head, ":1\r\n"));
    assert_non_null(strstr(receiver.list[3].head, ":2\r\n"));
    assert_non_null(strstr(receiver.list[4].head, ":3\r\n"));
    stands(3, false);
}

/* --- kill -9 --- */

static void a_kill_before_the_note_repeats_the_alert_under_its_key(void **state) {
    (void)state;
    SERVE(false, 200);
    die_while_handing_over(NOTIFY_WEBHOOK, 2);
    stands(0, true);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 2);
    handler_free(h);
    assert_int_equal(receiver.count, 3);
    assert_non_null(strstr(receiver.list[0].head, KEY_1));
    assert_non_null(strstr(receiver.list[1].head, KEY_1));
    assert_string_equal(receiver.list[0].body, receiver.list[1].body);
    assert_non_null(strstr(receiver.list[2].head, ":2\r\n"));
}

static void a_killed_group_is_repeated_as_it_was_though_more_alerts_wait(void **state) {
    (void)state;
    SERVE(false, 200);
    die_while_handing_over(NOTIFY_WEBHOOK, 30);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    assert_int_equal(handler_take(h, alerts, 10), HANDLER_MORE);
    assert_int_equal(handler_position(h), 0);
    takes(h, 0, 32);
    handler_free(h);
    assert_int_equal(receiver.count, 4);
    assert_non_null(strstr(receiver.list[0].head, ":1-30\r\n"));
    assert_non_null(strstr(receiver.list[1].head, ":1-30\r\n"));
    assert_string_equal(receiver.list[0].body, receiver.list[1].body);
    assert_non_null(strstr(receiver.list[2].head, ":31\r\n"));
    assert_non_null(strstr(receiver.list[3].head, ":32\r\n"));
}

static void a_killed_single_alert_stays_one_though_many_wait(void **state) {
    (void)state;
    SERVE(false, 200);
    die_while_handing_over(NOTIFY_WEBHOOK, 1);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 0, 40);
    handler_free(h);
    assert_int_equal(receiver.count, 3);
    assert_non_null(strstr(receiver.list[1].head, KEY_1));
    assert_non_null(strstr(receiver.list[2].head, ":2-40\r\n"));
}

static void what_history_no_longer_has_is_stepped_over(void **state) {
    (void)state;
    SERVE(false, 200);
    assert_int_equal(outbox_handed(outbox, "hook", 0, &why), ERR_OK);
    assert_int_equal(outbox_attempt_group(outbox, "hook", 1, 9, 0, &why), ERR_OK);
    struct handler *h = handler_of(NOTIFY_WEBHOOK);
    takes(h, 4, 2);
    handler_free(h);
    assert_int_equal(receiver.count, 2);
    assert_non_null(strstr(receiver.list[0].head, ":5\r\n"));
    stands(6, false);
}

int main(void) {
    delivery_begin();
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_webhook_gets_alertmanagers_form_once),
        TEST(what_a_webhook_is_told),
        TEST(what_fails_is_posted_again_with_its_key_until_it_is_taken),
        TEST(what_is_refused_holds_up_nothing),
        TEST(a_silent_server_is_left_after_the_timeout),
        TEST(a_dead_server_is_given_up_after_retry_for_and_the_next_alert_has_its_turn),
        TEST(an_answer_is_read_no_further_than_people_need),
        TEST(waiting_for_an_answer_ends_when_asked_to_stop),
        TEST(what_a_server_says_is_told_without_the_urls_secrets),
        TEST(more_than_group_above_leave_as_one_message),
        TEST(a_message_holds_what_is_wanted_and_no_more),
        TEST(a_group_that_is_too_large_is_told_in_halves),
        TEST(of_a_group_only_the_refused_alert_is_lost),
        TEST(a_kill_before_the_note_repeats_the_alert_under_its_key),
        TEST(a_killed_group_is_repeated_as_it_was_though_more_alerts_wait),
        TEST(a_killed_single_alert_stays_one_though_many_wait),
        TEST(what_history_no_longer_has_is_stepped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
