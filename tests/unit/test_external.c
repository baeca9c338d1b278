/* Nagios' external commands as text, and moments as operators write them. */
#include "base/clock.h"
#include "client/external.h"
#include "client/order.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static struct arena arena;

static struct external parse(const char *line) {
    struct external e;
    external_parse(&e, bytes_of_text(line), &arena);
    return e;
}

static const struct op_command *command(const char *line) {
    static struct external e;
    e = parse(line);
    if (e.kind != EXTERNAL_COMMAND) {
        fail_msg("%s: %s", line, e.why);
    }
    return &e.command;
}

static void bad(const char *line, const char *why) {
    struct external e = parse(line);
    assert_int_equal(e.kind, EXTERNAL_BAD);
    if (!strstr(e.why, why)) {
        fail_msg("%s: %s", line, e.why);
    }
}

static int forget(void **state) {
    (void)state;
    arena_free(&arena);
    return 0;
}

static void acknowledgements(void **state) {
    (void)state;
    const struct op_command *c = command("[1769601600] ACKNOWLEDGE_SVC_PROBLEM;web1;http;2;1;0;ada;on it; really");
    assert_int_equal(c->kind, COMMAND_ACKNOWLEDGE);
    assert_int_equal(c->target, TARGET_OBJECT);
    assert_string_equal(c->host, "web1");
    assert_string_equal(c->service, "http");
    assert_int_equal(c->flags, COMMAND_STICKY | COMMAND_TELL);
    assert_string_equal(c->author, "ada");
    assert_string_equal(c->comment, "on it; really");
    assert_int_equal(c->end, 0);
    c = command("acknowledge_host_problem_expire;web1;1;0;1;1769605200;ada;later");
    assert_int_equal(c->flags, COMMAND_PERSISTENT);
    assert_int_equal(c->end, INT64_C(1769605200000));
    assert_string_equal(c->service, "");
    assert_int_equal(command("REMOVE_SVC_ACKNOWLEDGEMENT;web1;http")->kind, COMMAND_UNACKNOWLEDGE);
}

static void downtimes(void **state) {
    (void)state;
    const struct op_command *c = command("SCHEDULE_SVC_DOWNTIME;web1;http;100;200;0;7;60;ada;disks");
    assert_int_equal(c->kind, COMMAND_DOWNTIME);
    assert_int_equal(c->start, 100000);
    assert_int_equal(c->end, 200000);
    assert_int_equal(c->flags, 0);
    assert_int_equal(c->id, 7);
    assert_int_equal(c->duration, 60000);
    assert_int_equal(command("SCHEDULE_HOST_SVC_DOWNTIME;web1;1;2;1;0;0;a;b")->target, TARGET_SERVICES);
    assert_int_equal(command("SCHEDULE_HOST_DOWNTIME;web1;1;2;1;0;0;a;b")->flags, COMMAND_FIXED);
    c = command("SCHEDULE_AND_PROPAGATE_TRIGGERED_HOST_DOWNTIME;web1;1;2;1;0;0;a;b");
    assert_int_equal(c->target, TARGET_CHILDREN);
    assert_int_equal(c->flags, COMMAND_FIXED | COMMAND_TRIGGERED);
    c = command("SCHEDULE_HOSTGROUP_SVC_DOWNTIME;racks;1;2;1;0;0;a;b");
    assert_int_equal(c->target, TARGET_HOSTGROUP_SERVICES);
    assert_string_equal(c->host, "racks");
    c = command("DEL_HOST_DOWNTIME;12");
    assert_int_equal(c->target, TARGET_CLUSTER);
    assert_int_equal(c->id, 12);
}

static void switches_and_the_rest(void **state) {
    (void)state;
    const struct op_command *c = command("DISABLE_NOTIFICATIONS");
    assert_int_equal(c->kind, COMMAND_DISABLE);
    assert_int_equal(c->target, TARGET_CLUSTER);
    assert_int_equal(c->subject, SUBJECT_NOTIFICATIONS);
    c = command("ENABLE_HOST_SVC_NOTIFICATIONS;web1");
    assert_int_equal(c->kind, COMMAND_ENABLE);
    assert_int_equal(c->target, TARGET_SERVICES);
    assert_int_equal(command("DISABLE_PASSIVE_SVC_CHECKS;web1;http")->subject, SUBJECT_RESULTS);
    assert_int_equal(command("ENABLE_SVC_FLAP_DETECTION;web1;http")->subject, SUBJECT_FLAP_DETECTION);
    assert_int_equal(command("SEND_CUSTOM_HOST_NOTIFICATION;web1;7;ada;drill")->flags,
                     COMMAND_BROADCAST | COMMAND_FORCED | COMMAND_INCREMENT);
    assert_int_equal(command("DELAY_SVC_NOTIFICATION;web1;http;500")->start, 500000);
    assert_int_equal(command("ADD_HOST_COMMENT;web1;1;ada;text")->kind, COMMAND_COMMENT);
    c = command("DEL_ALL_SVC_COMMENTS;web1;http");
    assert_int_equal(c->kind, COMMAND_DELETE_COMMENT);
    assert_int_equal(c->target, TARGET_OBJECT);
    assert_int_equal(c->id, 0);
}

static void results_belong_to_observers(void **state) {
    (void)state;
    struct external e = parse("[1] PROCESS_SERVICE_CHECK_RESULT;web1;http;2;down; really | time=3s\\nmore\\\\n");
    assert_int_equal(e.kind, EXTERNAL_RESULT);
    assert_string_equal(e.result.host, "web1");
    assert_string_equal(e.result.service, "http");
    assert_int_equal(e.result.state, 2);
    assert_string_equal(e.result.output, "down; really\nmore\\n");
    assert_string_equal(e.result.perfdata, "time=3s");
    e = parse("PROCESS_HOST_CHECK_RESULT;web1;1;gone");
    assert_int_equal(e.kind, EXTERNAL_RESULT);
    assert_string_equal(e.result.service, "");
    assert_int_equal(e.result.state, 1);
}

static void what_is_wrong_is_said(void **state) {
    (void)state;
    bad("REMOVE_SVC_ACKNOWLEDGEMENT;web1", "the service is missing");
    bad("ACKNOWLEDGE_HOST_PROBLEM;web1;1;1;1;ada", "the comment is missing");
    bad("SCHEDULE_HOST_DOWNTIME;web1;soon;2;1;0;0;a;b", "the start is no number: 'soon'");
    bad("SCHEDULE_HOST_DOWNTIME;web1;99999999999999;2;1;0;0;a;b", "the start is no number");
    bad("SCHEDULE_HOST_DOWNTIME;web1;;2;1;0;0;a;b", "the start is no number");
    bad("DEL_HOST_DOWNTIME;0", "numbers begin at 1");
    bad("DEL_HOST_DOWNTIME;184467440737095516160", "too long");
    bad("PROCESS_SERVICE_CHECK_RESULT;web1;http;999;x", "the code is no number");
    bad("ADD_HOST_COMMENT;web1;1;ada;caf\xe9", "not UTF-8");
    bad("HELLO;web1", "no such command: 'HELLO'");
    bad("caf\xe9;web1", "not UTF-8");
    bad("1234567890123456789012345678901234567\xe2\x82\xac\xe2\x82\xac;web1",
        "1234567890123456789012345678901234567\xe2\x82\xac'"); /* whole characters */
    bad("", "no such command");
    bad("[12", "no such command");
    bad("SCHEDULE_FORCED_SVC_CHECK;web1;http;1", "replicas run no checks");
    bad("DISABLE_HOST_CHECK;web1", "replicas run no checks");
    bad("ENABLE_EVENT_HANDLERS", "event handlers run at agents");
    bad("SHUTDOWN_PROGRAM", "a cluster is stopped at its own machines");
    bad("CHANGE_MAX_SVC_CHECK_ATTEMPTS;web1;http;3", "change them and apply");
    char *line = test_malloc(EXTERNAL_LINE_MAX + 2);
    memset(line, 'x', EXTERNAL_LINE_MAX + 1);
    line[EXTERNAL_LINE_MAX + 1] = 0;
    bad(line, "longer than 8192 bytes");
    memcpy(line, "ADD_HOST_COMMENT;web1;1;ada;", 28);
    line[EXTERNAL_LINE_MAX] = 0;
    bad(line, "too long: 'the comment'");
    test_free(line);
}

static void moments(void **state) {
    (void)state;
    time_ms t = 0;
    assert_true(order_moment("@1769601600", 5, &t));
    assert_int_equal(t, INT64_C(1769601600000));
    assert_true(order_moment("2h", 1000, &t));
    assert_int_equal(t, 7201000);
    assert_true(order_moment("+90s", 1000, &t));
    assert_int_equal(t, 91000);
    assert_true(order_moment("2026-01-28T12:00Z", 0, &t));
    assert_int_equal(t, INT64_C(1769601600000));
    assert_true(order_moment("2026-01-28 12:00:01Z", 0, &t));
    assert_int_equal(t, INT64_C(1769601601000));
    setenv("TZ", "UTC-1", 1);
    assert_true(order_moment("2026-01-28 13:00", 0, &t));
    assert_int_equal(t, INT64_C(1769601600000));
    static const char *const none[] = {"",
                                       "soon",
                                       "@",
                                       "@12x",
                                       "12",
                                       "2026-01-28",
                                       "2026-13-28 12:00",
                                       "@99999999999999999999",
                                       "2027-02-31T10:00Z",
                                       "2027-02-31 10:00",
                                       "@9223372036854775807"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_false(order_moment(none[i], 0, &t));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(acknowledgements, forget),
        cmocka_unit_test_teardown(downtimes, forget),
        cmocka_unit_test_teardown(switches_and_the_rest, forget),
        cmocka_unit_test_teardown(results_belong_to_observers, forget),
        cmocka_unit_test_teardown(what_is_wrong_is_said, forget),
        cmocka_unit_test(moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
