/* Stories about check_period: nobody need speak outside of it, so silence begins to count when it begins. Source of the
   rule: base/checks.c of Nagios Core 4.4.6, check_service_result_freshness. */
#include "monitor_world.h"

/* From 12:01 to 12:02 and from 12:03 on; it is 12:00. Votes are fresh for 30 s. */
#define AFTERNOON "define timeperiod {\n timeperiod_name afternoon\n 2026-01-28 12:01-12:02,12:03-24:00\n}\n"
#define WORLD HOST_AND_SERVICE(" max_check_attempts 1\n check_period afternoon\n") AFTERNOON

static void silence_outside_the_period_is_judged_when_it_begins(void **state) {
    (void)state;
    struct world w = world_begin(WORLD);
    votes(&w, "web1", OK);
    pass(&w, 59);
    http_is(&w, "OK HARD 1/1 OK by web1");
    expect(&w, "");
    pass(&w, 1);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:00:00Z");
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    world_end(&w);
}

static void whoever_speaks_before_it_begins_has_his_whole_time(void **state) {
    (void)state;
    struct world w = world_begin(WORLD);
    votes(&w, "web1", OK);
    pass(&w, 50);
    votes(&w, "web1", OK);
    pass(&w, 29);
    http_is(&w, "OK HARD 1/1 OK by web1");
    pass(&w, 1);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:00:50Z");
    world_end(&w);
}

static void silence_that_was_judged_stands_when_the_period_ends(void **state) {
    (void)state;
    struct world w = world_begin(WORLD);
    pass(&w, 60);
    votes(&w, "web1", OK);
    pass(&w, 30);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:01:00Z");
    pass(&w, 60);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:01:00Z");
    world_end(&w);
}

static void a_vote_that_runs_out_behind_its_end_waits_for_the_next(void **state) {
    (void)state;
    struct world w = world_begin(WORLD);
    pass(&w, 100);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    pass(&w, 79);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by web1");
    pass(&w, 1);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:01:40Z");
    world_end(&w);
}

/* With three observers the ones that never spoke are waited for likewise. */
static void observers_to_come_are_waited_for_until_it_begins(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n check_period afternoon\n") AFTERNOON);
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    pass(&w, 59);
    http_is(&w, "PENDING HARD 1/1 ");
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    pass(&w, 1);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap");
    world_end(&w);
}

/* Deadlines that were moved are state. */
static void keep(void *self, struct bytes key, struct bytes value) {
    assert_int_equal(monitor_restore(self, key, value), ERR_OK);
}

static void what_waits_for_the_period_survives_a_restart(void **state) {
    (void)state;
    struct world w = world_begin(WORLD);
    struct monitor_config config = {.cluster_gap = 10000};
    struct monitor *again = monitor_new(&config);
    struct record_sink sink = {again, keep};
    votes(&w, "web1", OK);
    pass(&w, 40);
    monitor_flush(w.m, &sink);
    assert_int_equal(monitor_restored(again), ERR_OK);
    monitor_free(w.m);
    w.m = again;
    pass(&w, 19);
    http_is(&w, "OK HARD 1/1 OK by web1");
    pass(&w, 1);
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:00:00Z");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_outside_the_period_is_judged_when_it_begins),
        cmocka_unit_test(whoever_speaks_before_it_begins_has_his_whole_time),
        cmocka_unit_test(silence_that_was_judged_stands_when_the_period_ends),
        cmocka_unit_test(a_vote_that_runs_out_behind_its_end_waits_for_the_next),
        cmocka_unit_test(observers_to_come_are_waited_for_until_it_begins),
        cmocka_unit_test(what_waits_for_the_period_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
