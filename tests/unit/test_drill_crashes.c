/* How a drill knows that a process stopped itself: by what its log says, and by how it ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

#include "client/drill/cast_parts.h"
#include "client/drill/judge.h"
#include "client/drill/line.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void log_tells_which_rule_was_broken(void **state) {
    (void)state;
    struct buffer rule = {0};
    const char *log = "2026-11-22T10:00:00Z info ready\n"
                      "quorate: broken invariant: ENSURE a == b at replica/pbft/check.c:26\n"
                      "2026-11-22T10:00:01Z info listening\n";
    assert_true(judge_rule_broken(log, PROMISE_AGREEMENT, &rule));
    assert_string_equal(buffer_cstr(&rule), "ENSURE a == b at replica/pbft/check.c:26");
    assert_false(judge_rule_broken(log, PROMISE_LIVENESS, &rule));
    buffer_free(&rule);
}

static void rule_of_the_core_is_found_behind_another(void **state) {
    (void)state;
    struct buffer rule = {0};
    const char *log = "quorate: broken invariant: ENSURE x at checks/judge.c:1\n"
                      "quorate: broken invariant: ENSURE y at replica/pbft/check.c:2\n";
    assert_true(judge_rule_broken(log, PROMISE_AGREEMENT, &rule));
    assert_string_equal(buffer_cstr(&rule), "ENSURE y at replica/pbft/check.c:2");
    assert_true(judge_rule_broken(log, PROMISE_LIVENESS, &rule));
    assert_string_equal(buffer_cstr(&rule), "ENSURE x at checks/judge.c:1");
    buffer_free(&rule);
}

static void log_of_a_replica_that_was_killed_tells_none(void **state) {
    (void)state;
    struct buffer rule = {0};
    assert_false(
        judge_rule_broken("2026-11-22T10:00:00Z error stopped reason=\"disk full\"\n", PROMISE_LIVENESS, &rule));
    assert_false(judge_rule_broken("", PROMISE_AGREEMENT, &rule));
    assert_int_equal(rule.len, 0);
}

static void rule_of_the_protocol_stands_for_agreement(void **state) {
    (void)state;
    assert_int_equal(judge_promise_of_rule("IMPLIES x at replica/pbft/check.c:35"), PROMISE_AGREEMENT);
    assert_int_equal(judge_promise_of_rule("ENSURE x at checks/judge.c:1"), PROMISE_LIVENESS);
    assert_int_equal(judge_promise_of_rule("ENSURE strcmp(\"at replica/pbft/\") at base/arena.c:1"), PROMISE_LIVENESS);
}

/* ---- ends ---- */

static const struct drill drill = {.name = "ends", .cast = {.disks = true}};

static int open_scene(void **state) {
    struct scene *s = xcalloc(1, sizeof *s);
    s->drill = &drill;
    s->cast = xcalloc(1, sizeof *s->cast);
    s->cast->drill = &drill;
    s->cast->members = 4;
    s->cast->notifiers = 1;
    s->line = line_new(-1, 0);
    *state = s;
    return 0;
}

static int close_scene(void **state) {
    struct scene *s = *state;
    cast_close(s->cast);
    line_free(s->line);
    free(s);
    return 0;
}

static void start(struct process *p, const char *script) {
    struct buffer why = {0};
    const char *argv[] = {"sh", "-c", script, NULL};
    struct process_job job = {.path = "/bin/sh", .argv = argv, .net = -1};
    assert_int_equal(process_start(p, &job, &why), ERR_OK);
    buffer_free(&why);
}

/* Until it has ended; it is not reaped. */
static void end(struct process *p, const char *script) {
    siginfo_t info;
    start(p, script);
    assert_int_equal(waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOWAIT), 0);
}

static const char forever[] = "while :; do :; done";

static void must_break(struct scene *s, enum promise p, const char *reason) {
    judge_crashes(s);
    assert_false(line_kept(s->line, p));
    assert_string_equal(line_reason(s->line, p), reason);
}

static void replica_that_exits_is_judged(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[1].process, "exit 1");
    must_break(s, PROMISE_LIVENESS, "replica-1 ended by exit status 1, which nobody had asked for");
}

static void exit_without_a_failure_is_judged_too(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[1].process, "exit 0");
    must_break(s, PROMISE_LIVENESS, "replica-1 ended by exit status 0, which nobody had asked for");
}

static void signals_that_nobody_sent_are_judged_together(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[0].process, "kill -PIPE $$");
    end(&s->cast->replica[3].process, "kill -PIPE $$");
    must_break(s, PROMISE_LIVENESS, "replica-0, replica-3 crashed by signal 13, which nobody had sent");
}

static void kill_from_elsewhere_is_judged(void **state) {
    struct scene *s = *state;
    end(&s->cast->twin, "kill -KILL $$");
    must_break(s, PROMISE_LIVENESS, "twin crashed by signal 9, which nobody had sent");
}

static void notifier_that_ends_is_one_that_misses_alerts(void **state) {
    struct scene *s = *state;
    end(&s->cast->notifier[0], "exit 2");
    must_break(s, PROMISE_NO_MISSED_ALERT, "notify-0 ended by exit status 2, which nobody had asked for");
    assert_int_equal(judge_promise_of_process("agent-a"), PROMISE_NO_MISSED_ALERT);
    assert_int_equal(judge_promise_of_process("load"), PROMISE_LIVENESS);
}

static void crash_before_a_kill_is_not_lost(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[2].process, "kill -TERM $$");
    cast_kill_replica(s->cast, 2);
    must_break(s, PROMISE_LIVENESS, "replica-2 crashed by signal 15, which nobody had sent");
    assert_int_equal(cast_killed(s->cast), 0);
}

static void kill_that_came_too_late_was_none(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[2].process, "kill -TERM $$");
    s->cast->replica[2].process.killed = true; /* it ended between the look and the kill */
    must_break(s, PROMISE_LIVENESS, "replica-2 crashed by signal 15, which nobody had sent");
}

static void crash_before_a_power_loss_is_not_lost(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[2].process, "kill -TERM $$");
    start(&s->cast->replica[1].process, forever);
    scene_power_loss(s);
    must_break(s, PROMISE_LIVENESS, "replica-2 crashed by signal 15, which nobody had sent");
    assert_int_equal(cast_killed(s->cast), 1);
}

static void who_is_killed_or_stopped_has_not_ended_itself(void **state) {
    struct scene *s = *state;
    start(&s->cast->replica[0].process, forever);
    start(&s->cast->replica[1].process, forever);
    start(&s->cast->agent[0].process, forever);
    cast_kill_replica(s->cast, 0);
    process_signal(&s->cast->replica[1].process, SIGKILL);
    cast_stop(s->cast, "agent-a", &s->cast->agent[0].process);
    judge_crashes(s);
    assert_true(line_all_kept(s->line));
}

static void who_fails_when_it_is_stopped_is_judged(void **state) {
    struct scene *s = *state;
    char path[] = "/tmp/quorate-ends.XXXXXX", script[128];
    int fd = mkstemp(path);
    snprintf(script, sizeof script, "trap 'exit 3' TERM; echo ready >%s; while :; do :; done", path);
    start(&s->cast->agent[0].process, script);
    while (cast_file_size(path) == 0) {
        sched_yield();
    }
    cast_stop(s->cast, "agent-a", &s->cast->agent[0].process);
    must_break(s, PROMISE_NO_MISSED_ALERT, "agent-a ended by exit status 3, which nobody had asked for");
    close(fd);
    unlink(path);
}

static void exit_that_a_play_asks_for_is_none(void **state) {
    struct scene *s = *state;
    int status;
    end(&s->cast->replica[1].process, "exit 1");
    assert_true(scene_ended(s, 1, &status));
    assert_int_equal(status, 1);
    judge_crashes(s);
    assert_true(line_all_kept(s->line));
}

static void signal_is_judged_though_a_play_asks_for_an_end(void **state) {
    struct scene *s = *state;
    end(&s->cast->replica[1].process, "kill -TERM $$");
    assert_true(scene_ended(s, 1, NULL));
    must_break(s, PROMISE_LIVENESS, "replica-1 crashed by signal 15, which nobody had sent");
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_tells_which_rule_was_broken),
        cmocka_unit_test(rule_of_the_core_is_found_behind_another),
        cmocka_unit_test(log_of_a_replica_that_was_killed_tells_none),
        cmocka_unit_test(rule_of_the_protocol_stands_for_agreement),
        IN_SCENE(replica_that_exits_is_judged),
        IN_SCENE(exit_without_a_failure_is_judged_too),
        IN_SCENE(signals_that_nobody_sent_are_judged_together),
        IN_SCENE(kill_from_elsewhere_is_judged),
        IN_SCENE(notifier_that_ends_is_one_that_misses_alerts),
        IN_SCENE(crash_before_a_kill_is_not_lost),
        IN_SCENE(kill_that_came_too_late_was_none),
        IN_SCENE(crash_before_a_power_loss_is_not_lost),
        IN_SCENE(who_is_killed_or_stopped_has_not_ended_itself),
        IN_SCENE(who_fails_when_it_is_stopped_is_judged),
        IN_SCENE(exit_that_a_play_asks_for_is_none),
        IN_SCENE(signal_is_judged_though_a_play_asks_for_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
