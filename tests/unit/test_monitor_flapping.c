/* Stories about flapping: Nagios' percentages in whole numbers, and who is told what meanwhile. */
#include "checks/machine.h"
#include "monitor_world.h"

#define FLAPPING(lines) FLAPPING_AFTER("1", lines)
#define FLAPPING_AFTER(attempts, lines)                                                                                \
    HOST_AND_SERVICE(" max_check_attempts " attempts "\n freshness_threshold 100000\n notification_interval 0\n"       \
                     " notification_options w,u,c,r,f\n" lines)                                                        \
    "define contact {\n contact_name flap\n service_notification_options f\n host_notification_options f\n}\n"

/* The percentage as base/flapping.c computes it, in floating point, from the whole list of states that counted. */
static double nagios_change(const uint8_t *states, size_t count) {
    uint8_t history[21] = {0};
    for (size_t i = 0; i < count; i++) {
        memmove(history, history + 1, 20);
        history[20] = states[i];
    }
    double changes = 0;
    for (int x = 1; x < 21; x++) {
        changes += history[x] != history[x - 1] ? (x - 1) * (1.25 - 0.75) / 19 + 0.75 : 0;
    }
    return changes * 100 / 20;
}

static const struct object *http(struct world *w) {
    return &w->m->table.list[table_find(&w->m->table, "web1", "http")];
}

static void the_percentage_is_nagios_own(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(""));
    struct prng random;
    uint8_t said[400];
    prng_seed(&random, 11);
    for (size_t i = 0; i < 400; i++) {
        said[i] = prng_chance(&random, 600) ? (uint8_t)OK : (uint8_t)prng_below(&random, 4);
        pass(&w, 1);
        votes(&w, "web1", said[i]);
        double difference = nagios_change(said, i + 1) - flapping_change(http(&w)) / 380.0;
        assert_true(difference < 1e-9 && difference > -1e-9);
        assert_true(http(&w)->flapping || flapping_change(http(&w)) < 30 * 380);
        assert_true(!http(&w)->flapping || flapping_change(http(&w)) > 20 * 380);
    }
    world_end(&w);
}

static void say_in_turn(struct world *w, const char *states) {
    for (; *states; states++) {
        pass(w, 1);
        votes(w, "web1", *states == 'c' ? CRIT : *states == 'w' ? WARN : OK);
    }
}

static void who_flaps_is_told_once_and_then_kept_quiet(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" contacts ops,flap\n"));
    say_in_turn(&w, "ococ"); /* three changes weigh 18.2 percent */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n"
               "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n"
               "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    say_in_turn(&w, "o");
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n");
    say_in_turn(&w, "c"); /* the fifth: 29.9 */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    say_in_turn(&w, "w");
    expect(&w, "FLAPPINGSTART web1/http WARNING HARD 1/1 #1 WARNING by web1 [flap]\n");
    http_is(&w, "WARNING HARD 1/1 WARNING by web1");
    say_in_turn(&w, "cwoc");
    expect(&w, "");
    say_in_turn(&w, "oooooooooooooooooooo");
    expect(&w, "FLAPPINGSTOP web1/http OK HARD 1/1 #0 OK by web1 [flap]\n"
               "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n");
    say_in_turn(&w, "c");
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void a_recovery_that_begins_the_flapping_is_told_at_its_end(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" contacts ops\n"));
    say_in_turn(&w, "ococo");
    buffer_clear(&w.log);
    say_in_turn(&w, "co"); /* the sixth change: 34.6 percent */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    assert_true(http(&w)->flapping);
    say_in_turn(&w, "oooooooooooooooooooo");
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n");
    world_end(&w);
}

static void whoever_turns_it_off_begins_anew(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" contacts ops,flap\n"));
    say_in_turn(&w, "cocowo");
    assert_true(http(&w)->flapping);
    buffer_clear(&w.log);
    apply(&w, FLAPPING(" contacts ops,flap\n flap_detection_enabled 0\n"));
    say_in_turn(&w, "o");
    expect(&w, "FLAPPINGDISABLED web1/http OK HARD 1/1 #0 OK by web1 [flap]\n"
               "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n");
    apply(&w, FLAPPING(" contacts ops,flap\n"));
    say_in_turn(&w, "oo");
    expect(&w, "");
    assert_int_equal(flapping_change(http(&w)), 0);
    world_end(&w);
}

/* While two honest ones disagree, a third speaks ten times as often and never twice the same. */
static void one_that_speaks_often_makes_nothing_flap(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(THREE));
    all_vote(&w, OK);
    votes(&w, "ap", CRIT);
    for (int i = 0; i < 20; i++) {
        votes(&w, "us", i % 2 ? OK : CRIT);
    }
    assert_true(flapping_change(http(&w)) < 15 * 380);
    assert_false(http(&w)->flapping);
    world_end(&w);
}

/* half a retry_interval is for attempts: a quorum that says anew what it said adds a state, good or bad */
static void rounds_of_a_problem_count_like_good_ones(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(THREE));
    all_vote(&w, OK);
    pass(&w, 1);
    all_vote(&w, CRIT);
    for (int i = 0; i < 3; i++) {
        uint32_t before = flapping_change(http(&w));
        pass(&w, 1);
        all_vote(&w, CRIT);
        assert_true(before > 0 && flapping_change(http(&w)) < before); /* the change is older by a state */
    }
    world_end(&w);
}

/* As in Nagios, last_state_history_update is of the newest state in the row. */
static void a_state_not_asked_for_takes_no_round(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" flap_detection_options o,c\n"));
    say_in_turn(&w, "o");
    time_ms entered = http(&w)->history_at;
    say_in_turn(&w, "www");
    assert_true(entered > 0 && http(&w)->history_at == entered);
    say_in_turn(&w, "c");
    assert_int_equal(http(&w)->history_at, w.t);
    world_end(&w);
}

static void it_ends_with_fewer_observers_than_a_quorum(void **state) {
    (void)state;
    struct world w =
        world_begin(HOST_AND_SERVICE(" _OBSERVERS ap,eu\n max_check_attempts 1\n freshness_threshold 60\n"));
    for (int i = 0; i < 12; i++) {
        pass(&w, 1);
        votes(&w, "ap", i % 2 ? OK : CRIT);
        votes(&w, "eu", i % 2 ? OK : CRIT);
    }
    assert_true(http(&w)->flapping);
    for (int i = 0; i < 60; i++) { /* eu is dead */
        pass(&w, 3);
        votes(&w, "ap", OK);
    }
    assert_false(http(&w)->flapping);
    world_end(&w);
}

static void soft_problems_and_states_not_asked_for_do_not_count(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING_AFTER("3", ""));
    say_in_turn(&w, "ocococococococococococ");
    assert_int_equal(flapping_change(http(&w)), 0);
    apply(&w, FLAPPING(" flap_detection_options o,c\n"));
    say_in_turn(&w, "owowowowowowowowowow");
    assert_int_equal(flapping_change(http(&w)), 0);
    world_end(&w);
}

static void thresholds_are_the_object_s_or_the_main_configuration_s(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" low_flap_threshold 5.0\n high_flap_threshold 12.369\n contacts flap\n"));
    say_in_turn(&w, "oco"); /* 4700/380: 12.3684 */
    expect(&w, "");
    apply(&w, FLAPPING(" low_flap_threshold 5.0\n high_flap_threshold 12.106\n contacts flap\n"));
    say_in_turn(&w, "o"); /* a step older: 12.1052 */
    expect(&w, "");
    apply(&w, FLAPPING(" low_flap_threshold 5.0\n high_flap_threshold 11.842\n contacts flap\n"));
    say_in_turn(&w, "o"); /* 11.8421 */
    expect(&w, "FLAPPINGSTART web1/http OK HARD 1/1 #0 OK by web1 [flap]\n");
    apply(&w, FLAPPING(" flap_detection_enabled 0\n contacts flap\n"));
    say_in_turn(&w, "o");
    expect(&w, "FLAPPINGDISABLED web1/http OK HARD 1/1 #0 OK by web1 [flap]\n");
    world_end(&w);
}

static void a_host_s_history_grows_with_its_services_results(void **state) {
    (void)state;
    struct world w = world_begin(FLAPPING(" check_interval 10\n"));
    const struct object *host = &w.m->table.list[http(&w)->host];
    host_votes(&w, "web1", DOWN);
    pass(&w, 1);
    host_votes(&w, "web1", UP);
    uint32_t before = flapping_change(host);
    assert_true(before > 0);
    say_in_turn(&w, "ooooooooo"); /* nine seconds: the average interval is ten */
    assert_int_equal(flapping_change(host), before);
    say_in_turn(&w, "o");
    assert_true(flapping_change(host) < before); /* one step further back */
    for (int i = 0; i < 250; i++) {
        say_in_turn(&w, "o");
    }
    assert_int_equal(flapping_change(host), 0);
    world_end(&w);
}

int main(void) {
    world_detects_flapping = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_percentage_is_nagios_own),
        cmocka_unit_test(who_flaps_is_told_once_and_then_kept_quiet),
        cmocka_unit_test(a_recovery_that_begins_the_flapping_is_told_at_its_end),
        cmocka_unit_test(whoever_turns_it_off_begins_anew),
        cmocka_unit_test(one_that_speaks_often_makes_nothing_flap),
        cmocka_unit_test(rounds_of_a_problem_count_like_good_ones),
        cmocka_unit_test(a_state_not_asked_for_takes_no_round),
        cmocka_unit_test(it_ends_with_fewer_observers_than_a_quorum),
        cmocka_unit_test(soft_problems_and_states_not_asked_for_do_not_count),
        cmocka_unit_test(thresholds_are_the_object_s_or_the_main_configuration_s),
        cmocka_unit_test(a_host_s_history_grows_with_its_services_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
