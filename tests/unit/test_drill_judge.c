/* What the judgement makes of what it is told: evidence against who signed nothing untrue is false. */
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

#include <stdio.h>
#include <stdlib.h>

static const struct drill plain = {.name = "plain"};
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
        IN_SCENE(only_traitors_that_sign_lies_are_guilty),
        IN_SCENE(false_alert_is_told_though_the_stage_failed),
        cmocka_unit_test(verb_that_does_not_end_breaks_no_promise),
        cmocka_unit_test(who_waits_says_that_it_lives_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
