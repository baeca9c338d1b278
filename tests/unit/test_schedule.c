/* When checks are due: soon after the start, on a grid of their own, never twice at once. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/agent/schedule.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHECKS = 200, START = 5000 };

static struct agent_check checks[CHECKS];
static char names[CHECKS][16];
static struct agent_config config = {.count = CHECKS, .checks = checks};

static void fill(mono_ms interval) {
    for (unsigned i = 0; i < CHECKS; i++) {
        snprintf(names[i], sizeof names[i], "host%u", i);
        checks[i] = (struct agent_check){.host = names[i], .service = "s", .interval = interval};
    }
}

/* Takes everything as it becomes due; due[i] = when check i was first taken. */
static void first_runs(struct schedule *s, mono_ms due[CHECKS]) {
    unsigned check;
    for (unsigned n = 0; n < CHECKS; n++) {
        mono_ms next = schedule_next(s);
        assert_false(schedule_take(s, next - 1, &check));
        assert_true(schedule_take(s, next, &check));
        due[check] = next;
    }
    assert_int_equal(schedule_next(s), INT64_MAX);
}

static void first_runs_are_spread_over_ten_seconds_or_the_interval(void **state) {
    (void)state;
    static const mono_ms INTERVALS[] = {1000, 10000, 300000};
    for (size_t k = 0; k < 3; k++) {
        mono_ms due[CHECKS], spread = INTERVALS[k] < SCHEDULE_SPREAD ? INTERVALS[k] : SCHEDULE_SPREAD;
        unsigned quarter[4] = {0};
        fill(INTERVALS[k]);
        struct schedule *s = schedule_new(&config, "eu", START, false);
        first_runs(s, due);
        for (unsigned i = 0; i < CHECKS; i++) {
            assert_in_range(due[i], START, START + spread - 1);
            quarter[(due[i] - START) * 4 / spread]++;
        }
        for (unsigned q = 0; q < 4; q++) {
            assert_in_range(quarter[q], CHECKS / 8, CHECKS / 2);
        }
        schedule_free(s);
    }
}

static void the_phase_is_the_same_in_every_run_and_another_for_every_observer(void **state) {
    (void)state;
    mono_ms one[CHECKS], two[CHECKS], other[CHECKS];
    const char *seeds[] = {"eu", "eu", "us"};
    mono_ms *dues[] = {one, two, other};
    fill(60000);
    for (size_t k = 0; k < 3; k++) {
        struct schedule *s = schedule_new(&config, seeds[k], START, false);
        first_runs(s, dues[k]);
        schedule_free(s);
    }
    assert_memory_equal(one, two, sizeof one);
    unsigned differ = 0;
    for (unsigned i = 0; i < CHECKS; i++) {
        differ += one[i] != other[i];
    }
    assert_true(differ > CHECKS / 2);
}

static void a_check_keeps_its_grid_however_long_it_runs(void **state) {
    (void)state;
    unsigned check;
    fill(1000);
    config.count = 1;
    struct schedule *s = schedule_new(&config, "eu", START, false);
    mono_ms first = schedule_next(s);
    assert_true(schedule_take(s, first, &check));
    schedule_done(s, check, first + 10);
    assert_int_equal(schedule_next(s), first + 1000);
    assert_true(schedule_take(s, first + 1000, &check));
    schedule_done(s, check, first + 4500); /* three slots passed while it ran */
    assert_int_equal(schedule_next(s), first + 5000);
    assert_true(schedule_take(s, first + 5003, &check)); /* taken late */
    schedule_done(s, check, first + 6000);               /* ends exactly at a slot: the next one */
    assert_int_equal(schedule_next(s), first + 7000);
    schedule_free(s);
    config.count = CHECKS;
}

static void long_intervals_settle_on_their_own_phase(void **state) {
    (void)state;
    enum { INTERVAL = 300000 };
    unsigned check, late = 0;
    fill(INTERVAL);
    struct schedule *s = schedule_new(&config, "eu", START, false);
    mono_ms due[CHECKS];
    first_runs(s, due);
    for (unsigned i = 0; i < CHECKS; i++) {
        schedule_done(s, i, START + SCHEDULE_SPREAD);
    }
    for (unsigned i = 0; i < CHECKS; i++) {
        mono_ms next = schedule_next(s);
        assert_in_range(next, START + SCHEDULE_SPREAD + 1, START + SCHEDULE_SPREAD + INTERVAL);
        assert_true(schedule_take(s, next, &check));
        late += next > START + INTERVAL / 2;
    }
    assert_in_range(late, CHECKS / 4, CHECKS * 3 / 4);
    schedule_free(s);
}

static void once_means_all_now_and_never_again(void **state) {
    (void)state;
    unsigned check;
    fill(1000);
    struct schedule *s = schedule_new(&config, "eu", START, true);
    for (unsigned i = 0; i < CHECKS; i++) {
        assert_true(schedule_take(s, START, &check));
        assert_int_equal(check, i);
        schedule_done(s, check, START);
    }
    assert_false(schedule_take(s, START + 1000000, &check));
    assert_int_equal(schedule_next(s), INT64_MAX);
    schedule_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_runs_are_spread_over_ten_seconds_or_the_interval),
        cmocka_unit_test(the_phase_is_the_same_in_every_run_and_another_for_every_observer),
        cmocka_unit_test(a_check_keeps_its_grid_however_long_it_runs),
        cmocka_unit_test(long_intervals_settle_on_their_own_phase),
        cmocka_unit_test(once_means_all_now_and_never_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
