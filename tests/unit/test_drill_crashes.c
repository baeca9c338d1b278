/* How a drill knows that a replica stopped itself: by what its log says, and by how its process ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

#include "client/drill/judge.h"
#include "client/drill/process.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void log_tells_which_rule_was_broken(void **state) {
    (void)state;
    struct buffer rule = {0};
    assert_true(judge_rule_broken("2026-11-22T10:00:00Z info ready\n"
                                  "quorate: broken invariant: ENSURE a == b at replica/pbft/check.c:26\n"
                                  "2026-11-22T10:00:01Z info listening\n",
                                  &rule));
    assert_string_equal(buffer_cstr(&rule), "ENSURE a == b at replica/pbft/check.c:26");
    buffer_free(&rule);
}

static void log_of_a_replica_that_was_killed_tells_none(void **state) {
    (void)state;
    struct buffer rule = {0};
    assert_false(judge_rule_broken("2026-11-22T10:00:00Z error stopped reason=\"disk full\"\n", &rule));
    assert_false(judge_rule_broken("", &rule));
    assert_int_equal(rule.len, 0);
}

static void rule_of_the_protocol_stands_for_agreement(void **state) {
    (void)state;
    assert_int_equal(judge_promise_of_rule("IMPLIES x at replica/pbft/check.c:35"), PROMISE_AGREEMENT);
    assert_int_equal(judge_promise_of_rule("ENSURE x at checks/judge.c:1"), PROMISE_LIVENESS);
    assert_int_equal(judge_promise_of_rule("ENSURE strcmp(\"at replica/pbft/\") at base/arena.c:1"), PROMISE_LIVENESS);
}

/* What waitpid says of a child that ends so: by this signal, or by this exit status. */
static int end_of_child(int signal, int code) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        struct sigaction plain = {.sa_handler = SIG_DFL}; /* cmocka has its own */
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        if (signal != 0) {
            sigaction(signal, &plain, NULL);
            raise(signal);
        }
        _exit(code);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void process_that_faults_has_crashed(void **state) {
    (void)state;
    assert_true(process_crashed(end_of_child(SIGABRT, 0)));
    assert_true(process_crashed(end_of_child(SIGSEGV, 0)));
    assert_true(process_crashed(end_of_child(SIGBUS, 0)));
}

static void process_that_exits_or_is_ended_has_not_crashed(void **state) {
    (void)state;
    assert_false(process_crashed(end_of_child(0, 0)));
    assert_false(process_crashed(end_of_child(0, 134)));
    assert_false(process_crashed(end_of_child(SIGKILL, 0)));
    assert_false(process_crashed(end_of_child(SIGTERM, 0)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_tells_which_rule_was_broken),
        cmocka_unit_test(log_of_a_replica_that_was_killed_tells_none),
        cmocka_unit_test(rule_of_the_protocol_stands_for_agreement),
        cmocka_unit_test(process_that_faults_has_crashed),
        cmocka_unit_test(process_that_exits_or_is_ended_has_not_crashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
