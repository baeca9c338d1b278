/* What an Alertmanager is told: at once, again while it fires, and its end; after restarts, failures and a kill -9. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "delivery_world.h"

#include <sys/stat.h>

static const char *label(unsigned request, size_t index, const char *name) {
    static char text[64];
    json_t *j = body(request);
    snprintf(text, sizeof text, "%s", text_at(json_array_get(j, index), "labels", name));
    json_decref(j);
    return text;
}

static bool ended(unsigned request, size_t index) {
    json_t *j = body(request);
    bool end = json_object_get(json_array_get(j, index), "endsAt") != NULL;
    json_decref(j);
    return end;
}

static size_t posted(unsigned request) {
    json_t *j = body(request);
    size_t count = json_array_size(j);
    json_decref(j);
    return count;
}

static void what_fires_is_told_again_until_it_ends_also_after_a_restart(void **state) {
    (void)state;
    SERVE(false, 200);
    alerts[1].host = "web2";
    make_alert(2, ALERT_RECOVERY, STATE_OK, STATE_OK);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    takes(h, 0, 2);
    assert_int_equal(posted(0), 2);
    handler_tick(h);
    assert_int_equal(posted(1), 2);
    handler_free(h);
    h = handler_of(NOTIFY_ALERTMANAGER);
    handler_tick(h);
    assert_int_equal(posted(2), 2);
    assert_false(ended(2, 0));
    takes(h, 2, 1);
    assert_int_equal(posted(3), 1);
    assert_true(ended(3, 0));
    assert_string_equal(label(3, 0, "severity"), "critical");
    assert_string_equal(label(3, 0, "host"), "web1");
    handler_tick(h);
    assert_int_equal(posted(4), 1);
    assert_string_equal(label(4, 0, "host"), "web2");
    handler_free(h);
}

static void a_kill_before_the_note_leaves_what_fires_to_the_repetition(void **state) {
    (void)state;
    SERVE(false, 200);
    die_while_handing_over(NOTIFY_ALERTMANAGER, 3);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    takes(h, 0, 3);
    assert_string_equal(receiver.list[0].body, receiver.list[1].body);
    handler_tick(h);
    assert_int_equal(posted(2), 1); /* three PROBLEMs of one service */
    handler_free(h);
}

static void a_changed_severity_ends_the_alert_under_its_old_labels(void **state) {
    (void)state;
    SERVE(false, 500, 200);
    make_alert(0, ALERT_PROBLEM, STATE_WARNING, STATE_OK);
    make_alert(1, ALERT_PROBLEM, STATE_CRITICAL, STATE_WARNING);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    takes(h, 0, 1);
    takes(h, 1, 1);
    handler_tick(h);
    handler_free(h);
    assert_int_equal(receiver.count, 4);
    assert_int_equal(posted(2), 2);
    assert_string_equal(label(2, 0, "severity"), "warning");
    assert_true(ended(2, 0));
    assert_string_equal(label(2, 1, "severity"), "critical");
    assert_false(ended(2, 1));
    assert_int_equal(posted(3), 1);
}

static void an_end_is_told_under_the_old_labels_though_the_first_post_failed(void **state) {
    (void)state;
    repeat_every = NEVER_MS;
    SERVE(false, 200, 500, 200);
    make_alert(0, ALERT_PROBLEM, STATE_WARNING, STATE_OK);
    make_alert(1, ALERT_RECOVERY, STATE_OK, STATE_OK);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    handler_tick(h); /* none for an hour */
    takes(h, 0, 1);
    takes(h, 1, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 3);
    assert_string_equal(receiver.list[1].body, receiver.list[2].body);
    assert_string_equal(label(2, 0, "severity"), "warning");
    assert_true(ended(2, 0));
}

static void what_was_refused_still_fires_and_ends(void **state) {
    (void)state;
    SERVE(false, 400, 200, 400, 200);
    make_alert(1, ALERT_RECOVERY, STATE_OK, STATE_OK);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    takes(h, 0, 1);
    handler_tick(h);
    assert_int_equal(receiver.count, 2);
    assert_int_equal(posted(1), 1);
    assert_string_equal(label(1, 0, "host"), "web1");
    takes(h, 1, 1);
    handler_tick(h);
    handler_free(h);
    assert_int_equal(receiver.count, 3); /* it fires no more: resolve_timeout ends it */
}

/* The file is written beside itself: a directory there keeps it from that until somebody removes it. */
static char aside[128];

static void free_the_way(void *context, unsigned nth) {
    (void)context;
    if (nth == 2) {
        rmdir(aside);
    }
}

static void a_disk_that_fails_keeps_nothing_from_firing(void **state) {
    (void)state;
    SERVE(false, 200);
    snprintf(aside, sizeof aside, "%s.hook.firing.tmp", path);
    assert_int_equal(mkdir(aside, 0700), 0);
    receiver.before_answer = free_the_way;
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    config.retry_for = 5000;
    takes(h, 0, 1); /* told, told again while the file is not written */
    assert_true(receiver.count >= 3);
    json_t *first = body(0), *second = body(1);
    assert_true(json_equal(first, second));
    assert_non_null(strstr(receiver.list[0].head, "Idempotency-Key"));
    assert_null(strstr(receiver.list[1].head, "Idempotency-Key")); /* a repetition */
    assert_null(strstr(receiver.list[2].head, "Idempotency-Key"));
    json_decref(first);
    json_decref(second);
    handler_free(h);
    h = handler_of(NOTIFY_ALERTMANAGER);
    unsigned before = receiver.count;
    handler_tick(h);
    assert_int_equal(posted(before), 1);
    handler_free(h);
}

static void what_fires_is_told_again_while_another_is_tried(void **state) {
    (void)state;
    SERVE(false, 200, 503, 200);
    alerts[1].host = "web2";
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    takes(h, 0, 1);
    takes(h, 1, 1);
    handler_free(h);
    assert_int_equal(receiver.count, 4);
    assert_string_equal(label(1, 0, "host"), "web2");
    assert_string_equal(label(2, 0, "host"), "web1"); /* the repetition */
    assert_string_equal(label(3, 0, "host"), "web2");
}

static void what_was_given_up_still_fires(void **state) {
    (void)state;
    SERVE(false, 503);
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    config.retry_for = 1;
    takes(h, 0, 1);
    unsigned before = receiver.count;
    handler_tick(h);
    handler_free(h);
    assert_int_equal(receiver.count, before + 1);
    assert_int_equal(posted(before), 1);
}

static void what_was_told_too_long_ago_is_repeated_no_more(void **state) {
    (void)state;
    SERVE(false, 200);
    alerts[1].host = "web2";
    alerts[1].t = alerts[0].t + 60001;
    struct handler *h = handler_of(NOTIFY_ALERTMANAGER);
    config.repeat_for = 60000;
    takes(h, 0, 1);
    handler_tick(h);
    assert_int_equal(receiver.count, 2); /* both are of the past, as this machine's clock sees it */
    takes(h, 1, 1);
    handler_tick(h);
    assert_int_equal(posted(3), 1);
    assert_string_equal(label(3, 0, "host"), "web2");
    config.repeat_for = 60001;
    handler_tick(h);
    assert_int_equal(posted(4), 2); /* nothing was thrown away */
    handler_free(h);
}

static void a_damaged_file_of_what_fires_is_refused(void **state) {
    (void)state;
    char name[128];
    SERVE(false, 200);
    handler_free(handler_of(NOTIFY_ALERTMANAGER));
    snprintf(name, sizeof name, "%s.hook.firing", path);
    static const char *const TEXTS[] = {"", "{}", "[1]", "{\"cluster\":\"0102\",\"firing\":{}}",
                                        "{\"cluster\":\"01020000000000000000000000000000\",\"firing\":{\"a\":1}}"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++) {
        FILE *f = fopen(name, "we");
        fputs(TEXTS[i], f);
        fclose(f);
        struct handler_setup made = {
            .config = &config, .outbox = outbox, .cluster = CLUSTER, .cluster_name = "demo", .state_path = path};
        buffer_clear(&why);
        assert_null(handler_new(&made, &why));
        assert_non_null(strstr(buffer_cstr(&why), "state.hook.firing: move it away"));
    }
}

int main(void) {
    delivery_begin();
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(what_fires_is_told_again_until_it_ends_also_after_a_restart),
        TEST(a_kill_before_the_note_leaves_what_fires_to_the_repetition),
        TEST(a_changed_severity_ends_the_alert_under_its_old_labels),
        TEST(an_end_is_told_under_the_old_labels_though_the_first_post_failed),
        TEST(what_was_refused_still_fires_and_ends),
        TEST(a_disk_that_fails_keeps_nothing_from_firing),
        TEST(what_fires_is_told_again_while_another_is_tried),
        TEST(what_was_given_up_still_fires),
        TEST(what_was_told_too_long_ago_is_repeated_no_more),
        TEST(a_damaged_file_of_what_fires_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
