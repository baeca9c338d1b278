/* What the judgement makes of what it is told: logs that prove nothing prove nothing kept, and evidence against who
   signed nothing untrue is false. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/drill/cast_parts.h"
#include "client/drill/judge.h"
#include "client/drill/line.h"
#include "client/drill/plan.h"
#include "client/drill/stored.h"

#include <stdio.h>
#include <stdlib.h>

static const struct drill plain = {.name = "plain"};
static const struct drill forgetful = {.name = "forgetful", .cast = {.replica_options = "--retain 1"}};
static const struct drill traitors = {
    .name = "traitors", .cast = {.traitors = {{0, "clock-offset:30000"}, {2, "equivocate", .provable = true}}}};

static int open_scene(void **state) {
    struct scene *s = xcalloc(1, sizeof *s);
    s->drill = &plain;
    s->line = line_new(-1, 0);
    s->accused = json_array();
    *state = s;
    return 0;
}

static int close_scene(void **state) {
    struct scene *s = *state;
    line_free(s->line);
    json_decref(s->accused);
    free(s);
    return 0;
}

/* ---- the audit of the logs ---- */

#define SUMMARY(files, decisions) "{\"files\":" files ",\"frames\":9,\"decisions\":" decisions ",\"culprits\":0}\n"

static bool audited(struct scene *s, int code, const char *text) {
    struct buffer out = {0};
    buffer_printf(&out, "%s", text);
    judge_audit(s, code, &out, 4);
    buffer_free(&out);
    return line_kept(s->line, PROMISE_AGREEMENT);
}

static void logs_with_decisions_are_audited(void **state) {
    assert_true(audited(*state, 0, SUMMARY("4", "17")));
}

static void audit_without_a_summary_proves_nothing(void **state) {
    assert_false(audited(*state, 1, "quorate: audit: no frames: /run/exports: give what `quorated --export` wrote\n"));
}

static void audit_of_no_decisions_proves_nothing(void **state) {
    assert_false(audited(*state, 0, SUMMARY("4", "0")));
}

static void audit_of_fewer_logs_proves_nothing(void **state) {
    assert_false(audited(*state, 0, SUMMARY("3", "17")));
}

static void audit_that_ended_otherwise_proves_nothing(void **state) {
    assert_false(audited(*state, 139, SUMMARY("4", "17")));
}

static void disagreement_in_the_logs_is_told(void **state) {
    struct scene *s = *state;
    assert_false(audited(s, 1, "{\"disagreement\":\"two-decisions\",\"n\":7}\n" SUMMARY("4", "17")));
    assert_string_equal(line_reason(s->line, PROMISE_AGREEMENT), "the logs hold two-decisions at 7");
}

static void finding_is_held_against_who_signed_nothing_untrue(void **state) {
    struct scene *s = *state;
    s->drill = &traitors;
    assert_true(audited(s, 1, "{\"culprit\":2,\"kind\":\"EV1\"}\n" SUMMARY("4", "17")));
    assert_true(line_kept(s->line, PROMISE_ACCOUNTABILITY));
    assert_true(audited(s, 1, "{\"culprit\":0,\"kind\":\"EV1\"}\n" SUMMARY("4", "17")));
    assert_false(line_kept(s->line, PROMISE_ACCOUNTABILITY));
}

/* ---- who may stand accused ---- */

static void only_traitors_that_sign_lies_are_guilty(void **state) {
    struct scene *s = *state;
    s->drill = &traitors;
    assert_false(judge_guilty(s, "replica 0")); /* a wrong clock */
    assert_false(judge_guilty(s, "replica 1"));
    assert_true(judge_guilty(s, "replica 2"));
    scene_accused(s, "replica 1");
    assert_true(judge_guilty(s, "replica 1"));
}

/* ---- what was acknowledged ---- */

static bool durable(struct scene *s, struct stored_count c) {
    judge_count(s, &c);
    return line_kept(s->line, PROMISE_DURABILITY);
}

static void all_that_was_acknowledged_is_looked_up(void **state) {
    assert_true(durable(*state, (struct stored_count){.any = true, .acks = 500, .judged = 500}));
}

static void logs_that_hold_nothing_keep_nothing(void **state) {
    struct scene *s = *state;
    s->drill = &forgetful;
    assert_false(durable(s, (struct stored_count){.acks = 500}));
}

static void logs_that_begin_late_do_not_keep_what_was_before(void **state) {
    assert_false(durable(*state, (struct stored_count){.any = true, .acks = 500, .judged = 499}));
}

static void who_keeps_little_may_begin_late(void **state) {
    struct scene *s = *state;
    s->drill = &forgetful;
    assert_true(durable(s, (struct stored_count){.any = true, .acks = 500, .judged = 0}));
}

/* ---- the stage's own failures ---- */

struct failing {
    jmp_buf failure;
    char why[256];
};

static void take_failure(void *self, const char *why) {
    struct failing *f = self;
    snprintf(f->why, sizeof f->why, "%s", why);
    longjmp(f->failure, 1);
}

static void verb_that_does_not_end_breaks_no_promise(void **state) {
    (void)state;
    static char nowhere[] = "/nonexistent/quorate";
    const char *words[] = {"audit", "/run/exports", NULL};
    struct cast c = {.quorate = nowhere};
    struct failing f = {.why = ""};
    cast_on_failure(&c, take_failure, &f);
    if (setjmp(f.failure) == 0) {
        cast_judge_verb(&c, words, NULL, NULL);
    }
    assert_string_equal(f.why, "quorate audit did not end: the judgement: give the machine less to do");
}

static void false_alert_is_told_though_the_stage_failed(void **state) {
    struct scene *s = *state;
    s->plan = plan_new(0, true, true);
    plan_hand(s->plan, "1\tPROBLEM\tweb1\tssh\tCRITICAL\t1500");
    judge_cut_short(s);
    assert_false(line_kept(s->line, PROMISE_NO_FALSE_ALERT));
    plan_free(s->plan);
}

static void count_life(void *self) {
    ++*(unsigned *)self;
}

static bool second_time(struct cast *c, int64_t unused) {
    (void)unused;
    return c->killed++ > 0;
}

static void who_waits_says_that_it_lives_now_and_then(void **state) {
    (void)state;
    unsigned signs = 0;
    struct cast c = {.life = {count_life, &signs}, .alive_at = clock_mono() - 60000};
    assert_true(cast_await(second_time, &c, 0, 60000));
    assert_int_equal(signs, 1);
    c.killed = 0;
    assert_true(cast_await(second_time, &c, 0, 60000)); /* not again so soon */
    assert_int_equal(signs, 1);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, open_scene, close_scene)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SCENE(logs_with_decisions_are_audited),
        IN_SCENE(audit_without_a_summary_proves_nothing),
        IN_SCENE(audit_of_no_decisions_proves_nothing),
        IN_SCENE(audit_of_fewer_logs_proves_nothing),
        IN_SCENE(audit_that_ended_otherwise_proves_nothing),
        IN_SCENE(disagreement_in_the_logs_is_told),
        IN_SCENE(finding_is_held_against_who_signed_nothing_untrue),
        IN_SCENE(only_traitors_that_sign_lies_are_guilty),
        IN_SCENE(all_that_was_acknowledged_is_looked_up),
        IN_SCENE(logs_that_hold_nothing_keep_nothing),
        IN_SCENE(logs_that_begin_late_do_not_keep_what_was_before),
        IN_SCENE(who_keeps_little_may_begin_late),
        IN_SCENE(false_alert_is_told_though_the_stage_failed),
        cmocka_unit_test(verb_that_does_not_end_breaks_no_promise),
        cmocka_unit_test(who_waits_says_that_it_lives_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
