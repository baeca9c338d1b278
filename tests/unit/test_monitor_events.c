/* Stories about events: the lines that Nagios' log would have, and where they stand among the alerts. */
#include "checks/machine.h"
#include "monitor_world.h"

#define LINES(lines) HOST_AND_SERVICE(" freshness_threshold 100000\n notification_interval 0\n" lines)

static void said(struct world *w, uint8_t state) {
    pass(w, 1);
    votes(w, "web1", state);
}

static void each_attempt_is_an_event_and_a_lasting_hard_problem_is_none(void **state) {
    (void)state;
    struct world w = world_begin(LINES(""));
    said(&w, OK);
    said(&w, OK);
    expect(&w, "");
    said(&w, CRIT);
    said(&w, WARN);
    expect(&w, "(web1/http CRITICAL SOFT 1 CRITICAL by web1)\n"
               "(web1/http WARNING SOFT 2 WARNING by web1)\n");
    said(&w, WARN);
    said(&w, WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 3/3 #1 WARNING by web1 [ops]\n"
               "(web1/http WARNING HARD 3 WARNING by web1)\n");
    said(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 3/3 #2 CRITICAL by web1 [ops]\n"
               "(web1/http CRITICAL HARD 3 CRITICAL by web1)\n");
    said(&w, OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/3 #3 OK by web1 [ops]\n"
               "(web1/http OK HARD 3 OK by web1)\n");
    world_end(&w);
}

static void a_soft_recovery_is_an_attempt_of_its_own(void **state) {
    (void)state;
    struct world w = world_begin(LINES(""));
    said(&w, CRIT);
    said(&w, OK);
    expect(&w, "(web1/http CRITICAL SOFT 1 CRITICAL by web1)\n"
               "(web1/http OK SOFT 2 OK by web1)\n");
    world_end(&w);
}

static void every_hard_round_of_a_volatile_problem_is_an_event(void **state) {
    (void)state;
    struct world w =
        world_begin(LINES(" max_check_attempts 1\n is_volatile 1\n contacts null\n contact_groups null\n"));
    said(&w, CRIT);
    said(&w, CRIT);
    expect(&w, "(web1/http CRITICAL HARD 1 CRITICAL by web1)\n"
               "(web1/http CRITICAL HARD 1 CRITICAL by web1)\n");
    world_end(&w);
}

static void a_host_that_comes_up_is_at_its_first_attempt(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", " max_check_attempts 2\n"));
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", UP);
    expect(&w, "(web1 DOWN SOFT 1 host down)\n"
               "(web1 UP SOFT 1 host up)\n");
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", UP);
    expect(&w, "(web1 DOWN SOFT 1 host down)\n"
               "PROBLEM web1 DOWN HARD 2/2 #1 host down [ops]\n"
               "(web1 DOWN HARD 2 host down)\n"
               "RECOVERY web1 UP HARD 1/2 #2 host up [ops]\n"
               "(web1 UP HARD 1 host up)\n");
    world_end(&w);
}

static void flapping_stands_before_its_alert_and_that_before_the_state(void **state) {
    (void)state;
    struct world w =
        world_begin(LINES(" max_check_attempts 1\n low_flap_threshold 5\n high_flap_threshold 10\n"
                          " contacts ops,flap\n") "define contact {\n contact_name flap\n"
                                                  " service_notification_options f\n host_notification_options f\n}\n");
    said(&w, CRIT);
    buffer_clear(&w.log);
    said(&w, OK);
    expect(&w, "(web1/http starts flapping OK HARD 1 12.3% change of state)\n"
               "FLAPPINGSTART web1/http OK HARD 1/1 #1 OK by web1 [flap]\n"
               "(web1/http OK HARD 1 OK by web1)\n");
    for (int i = 0; i < 19; i++) {
        said(&w, OK);
    }
    expect(&w, "(web1/http stops flapping OK HARD 1 3.7% change of state)\n"
               "FLAPPINGSTOP web1/http OK HARD 1/1 #0 OK by web1 [flap]\n"
               "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n");
    world_end(&w);
}

static void nobody_needs_to_listen(void **state) {
    (void)state;
    world_hears_events = false;
    struct world w = world_begin(LINES(" max_check_attempts 1\n"));
    said(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_hears_events = true;
    world_end(&w);
}

int main(void) {
    world_detects_flapping = true;
    world_hears_events = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_attempt_is_an_event_and_a_lasting_hard_problem_is_none),
        cmocka_unit_test(a_soft_recovery_is_an_attempt_of_its_own),
        cmocka_unit_test(every_hard_round_of_a_volatile_problem_is_an_event),
        cmocka_unit_test(a_host_that_comes_up_is_at_its_first_attempt),
        cmocka_unit_test(flapping_stands_before_its_alert_and_that_before_the_state),
        cmocka_unit_test(nobody_needs_to_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
