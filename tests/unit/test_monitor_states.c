/* Stories about soft and hard states, notifications and hosts: Nagios' logic on agreed verdicts. */
#include "monitor_world.h"

static void a_problem_is_soft_until_its_rounds_are_full(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 3\n"));
    http_is(&w, "PENDING HARD 1/3 ");
    all_vote(&w, OK);
    http_is(&w, "OK HARD 1/3 OK by ap");
    pass(&w, 10);
    votes(&w, "ap", CRIT);
    http_is(&w, "OK HARD 1/3 OK by eu dissent ap");
    votes(&w, "eu", CRIT);
    http_is(&w, "CRITICAL SOFT 1/3 CRITICAL by ap dissent us");
    votes(&w, "us", CRIT);
    http_is(&w, "CRITICAL SOFT 1/3 CRITICAL by ap");
    pass(&w, 10);
    votes(&w, "ap", CRIT);
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap");
    votes(&w, "eu", CRIT);
    votes(&w, "us", CRIT);
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap");
    expect(&w, "");
    pass(&w, 10);
    votes(&w, "eu", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 3/3 #1 CRITICAL by ap [ops]\n");
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by ap");
    world_end(&w);
}

static void a_hard_problem_that_ends_is_a_recovery(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    votes(&w, "ap", CRIT);
    votes(&w, "us", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    votes(&w, "us", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by eu [ops]\n");
    http_is(&w, "OK HARD 1/1 OK by eu dissent ap");
    world_end(&w);
}

static void a_soft_problem_that_ends_tells_nobody(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 2\n"));
    all_vote(&w, CRIT);
    http_is(&w, "CRITICAL SOFT 1/2 CRITICAL by ap");
    all_vote(&w, OK);
    http_is(&w, "OK HARD 1/2 OK by ap");
    expect(&w, "");
    world_end(&w);
}

static void a_hard_change_between_problems_notifies_again(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"));
    all_vote(&w, WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by ap [ops]\n");
    votes(&w, "ap", CRIT);
    http_is(&w, "WARNING HARD 1/1 WARNING by eu dissent ap");
    votes(&w, "eu", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by ap [ops]\n");
    votes(&w, "eu", WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #3 WARNING by eu [ops]\n");
    world_end(&w);
}

static void with_one_observer_every_result_is_a_round(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 4\n"));
    votes(&w, "web1", CRIT);
    votes(&w, "web1", WARN);
    http_is(&w, "WARNING SOFT 2/4 WARNING by web1");
    votes(&w, "web1", UNKN);
    http_is(&w, "UNKNOWN SOFT 3/4 UNKNOWN by web1");
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 4/4 #1 CRITICAL by web1 [ops]\n");
    votes(&w, "web1", UNKN);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 4/4 #2 UNKNOWN by web1 [ops]\n");
    votes(&w, "web1", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/4 #3 OK by web1 [ops]\n");
    world_end(&w);
}

static void attempts_wait_for_half_the_retry_interval(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 3\n"));
    all_vote(&w, CRIT);
    pass(&w, 4);
    all_vote(&w, CRIT);
    http_is(&w, "CRITICAL SOFT 1/3 CRITICAL by ap");
    pass(&w, 1);
    votes(&w, "us", CRIT);
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap");
    world_end(&w);
}

static void a_liar_that_flips_neither_hastens_nor_freezes_the_attempts(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 3\n"));
    votes(&w, "ap", CRIT);
    votes(&w, "eu", WARN);
    votes(&w, "us", WARN);
    for (int i = 0; i < 20; i++) {
        votes(&w, "us", i % 2 ? WARN : CRIT);
    }
    http_is(&w, "WARNING SOFT 1/3 WARNING by eu dissent ap");
    expect(&w, "");
    pass(&w, 10);
    votes(&w, "ap", CRIT);
    votes(&w, "us", CRIT);
    votes(&w, "eu", WARN);
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap dissent eu");
    world_end(&w);
}

static void one_observer_alone_completes_no_round(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    all_vote(&w, CRIT);
    pass(&w, 10);
    votes(&w, "us", CRIT);
    votes(&w, "us", CRIT);
    votes(&w, "us", CRIT);
    http_is(&w, "CRITICAL SOFT 1/3 CRITICAL by ap");
    votes(&w, "eu", CRIT);
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap");
    world_end(&w);
}

static void who_sees_worse_supports_the_verdict_too(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    votes(&w, "ap", CRIT);
    votes(&w, "eu", WARN);
    votes(&w, "us", WARN);
    pass(&w, 10);
    votes(&w, "ap", CRIT);
    votes(&w, "eu", WARN);
    http_is(&w, "WARNING SOFT 2/3 WARNING by eu dissent ap");
    world_end(&w);
}

static void a_dead_host_withholds_reminders(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n notification_interval 20\n"));
    votes(&w, "web1", CRIT);
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n"
               "PROBLEM web1 DOWN HARD 1/1 #1 host down [ops]\n");
    pass(&w, 20);
    expect(&w, "");
    host_votes(&w, "web1", UP);
    votes(&w, "web1", CRIT);
    expect(&w, "RECOVERY web1 UP HARD 1/1 #2 host up [ops]\n"
               "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void reminders_come_at_agreed_times_without_any_result(void **state) {
    (void)state;
    struct world w =
        world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 20\n check_freshness 0\n"));
    all_vote(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    pass(&w, 19);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by ap [ops]\n");
    pass(&w, 20);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #3 CRITICAL by ap [ops]\n");
    world_end(&w);
}

static void an_interval_of_zero_notifies_once(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n notification_interval 0\n"));
    for (int i = 0; i < 5; i++) {
        votes(&w, "web1", CRIT);
        pass(&w, 10);
    }
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void a_volatile_service_notifies_with_every_round(void **state) {
    (void)state;
    struct world w =
        world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n is_volatile 1\n notification_interval 100\n"));
    votes(&w, "web1", CRIT);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n"
               "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void the_first_notification_waits_for_its_delay(void **state) {
    (void)state;
    struct world w = world_begin(
        HOST_AND_SERVICE(THREE " max_check_attempts 1\n first_notification_delay 15\n notification_interval 0\n"));
    all_vote(&w, CRIT);
    pass(&w, 14);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    all_vote(&w, OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    all_vote(&w, CRIT);
    pass(&w, 10);
    all_vote(&w, OK);
    pass(&w, 20);
    expect(&w, "");
    world_end(&w);
}

static void options_periods_and_switches_withhold(void **state) {
    (void)state;
    const char *withheld[] = {
        HOST_AND_SERVICE(" max_check_attempts 1\n notification_options w,r\n"),
        HOST_AND_SERVICE(" max_check_attempts 1\n notifications_enabled 0\n"),
        HOST_AND_SERVICE(" max_check_attempts 1\n notification_period none\n"),
        HOST_AND_SERVICE(" max_check_attempts 2\n"),
    };
    for (size_t i = 0; i < sizeof withheld / sizeof *withheld; i++) {
        struct world w = world_begin(withheld[i]);
        votes(&w, "web1", CRIT);
        votes(&w, "web1", OK);
        expect(&w, "");
        world_end(&w);
    }
}

/* boss wants CRITICAL alone and no recovery. */
static void each_contact_hears_what_it_asked_for(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", "")
                                     SERVICE_OF("web1", "http", " contacts boss,ops\n max_check_attempts 1\n"));
    votes(&w, "web1", WARN);
    votes(&w, "web1", CRIT);
    votes(&w, "web1", OK);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by web1 [ops]\n"
               "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [boss,ops]\n"
               "RECOVERY web1/http OK HARD 1/1 #3 OK by web1 [ops]\n");
    world_end(&w);
}

#define CHIEF                                                                                                          \
    "define contact {\n contact_name chief\n service_notification_commands page\n host_notification_commands page\n"   \
    " service_notification_options c,r\n}\n"

static void a_recovery_goes_to_whom_the_problem_concerned(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE CHIEF HOST_OF("web1", "")
                                     SERVICE_OF("web1", "http", " contacts chief,ops\n max_check_attempts 1\n"));
    votes(&w, "web1", WARN);
    votes(&w, "web1", OK);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by web1 [ops]\n"
               "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n");
    votes(&w, "web1", CRIT);
    votes(&w, "web1", OK);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [chief,ops]\n"
               "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [chief,ops]\n");
    world_end(&w);
}

static void without_a_contact_that_wants_it_no_alert_is_raised(void **state) {
    (void)state;
    struct world w =
        world_begin(PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "http", " contacts boss\n max_check_attempts 1\n"));
    votes(&w, "web1", WARN);
    expect(&w, "");
    assert_int_equal(monitor_alerts(w.m), 0);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [boss]\n");
    votes(&w, "web1", OK);
    expect(&w, "");
    world_end(&w);
}

static void a_host_that_is_down_speaks_for_its_services(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 3\n"));
    all_vote(&w, OK);
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 host down [ops]\n");
    all_vote(&w, CRIT);
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by ap");
    pass(&w, 10);
    all_vote(&w, CRIT);
    expect(&w, "");
    host_votes(&w, "web1", UP);
    expect(&w, "RECOVERY web1 UP HARD 1/1 #2 host up [ops]\n");
    pass(&w, 10);
    all_vote(&w, CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 3/3 #1 CRITICAL by ap [ops]\n");
    world_end(&w);
}

static void a_host_behind_dead_parents_is_unreachable(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("gw1", "") HOST_OF("gw2", "") HOST_OF("web1", " parents gw1,gw2\n"));
    host_votes(&w, "gw1", DOWN);
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM gw1 DOWN HARD 1/1 #1 host down [ops]\nPROBLEM web1 DOWN HARD 1/1 #1 host down [ops]\n");
    host_votes(&w, "gw2", DOWN);
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM gw2 DOWN HARD 1/1 #1 host down [ops]\nPROBLEM web1 UNREACHABLE HARD 1/1 #2 host down [ops]\n");
    host_votes(&w, "web1", UP);
    expect(&w, "RECOVERY web1 UP HARD 1/1 #3 host up [ops]\n");
    world_end(&w);
}

static void a_passive_unreachable_counts_as_down(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", ""));
    host_votes(&w, "web1", HOST_UNREACHABLE);
    status(&w, "web1", "", "DOWN HARD 1/1 host down");
    world_end(&w);
}

static void hosts_count_rounds_too(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", " max_check_attempts 2\n"));
    host_votes(&w, "web1", DOWN);
    status(&w, "web1", "", "DOWN SOFT 1/2 host down");
    expect(&w, "");
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM web1 DOWN HARD 2/2 #1 host down [ops]\n");
    world_end(&w);
}

#define PERIOD_OF(name, lines) "define timeperiod {\n timeperiod_name " name "\n" lines "}\n"

static void a_problem_outside_its_period_is_told_when_the_period_begins(void **state) {
    (void)state;
    struct world w =
        world_begin(PERIOD_OF("late", " wednesday 12:01-13:00\n") /* it is Wednesday, 12:00 */
                    HOST_AND_SERVICE(" max_check_attempts 1\n notification_period late\n freshness_threshold 7200\n"
                                     " notification_interval 0\n"));
    votes(&w, "web1", OK);
    votes(&w, "web1", CRIT);
    pass(&w, 59);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    pass(&w, 3600);
    votes(&w, "web1", OK); /* 13:01: nobody is told of the end */
    pass(&w, 120);
    expect(&w, "");
    world_end(&w);
}

/* A gap of the cluster moves deadlines, not the wall clock's hours. */
static void a_gap_does_not_move_a_period(void **state) {
    (void)state;
    struct world w = world_begin(PERIOD_OF("late", " wednesday 12:30-12:45\n")
                                     HOST_AND_SERVICE(" max_check_attempts 1\n notification_period late\n"
                                                      " freshness_threshold 7200\n notification_interval 0\n"));
    votes(&w, "web1", CRIT);
    pass(&w, 5);
    world_advance(&w, 1200); /* 12:20:05 */
    expect(&w, "SYSTEM CLUSTER_GAP: agreed time stood still for 1200 s: every deadline moved by as much []\n");
    pass(&w, 594);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void another_period_is_looked_at_when_it_is_applied(void **state) {
    (void)state;
#define IN(period)                                                                                                     \
    HOST_AND_SERVICE(" max_check_attempts 1\n freshness_threshold 7200\n notification_period " period "\n")
    struct world w = world_begin(IN("none"));
    votes(&w, "web1", CRIT);
    pass(&w, 60);
    expect(&w, "");
    apply(&w, IN("24x7"));
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void dissent_waits_for_the_period_too(void **state) {
    (void)state;
    struct world w = world_begin(PERIOD_OF("late", " wednesday 12:01-13:00\n") HOST_AND_SERVICE(
        THREE " notification_period late\n freshness_threshold 3600\n check_interval 1200\n _DISSENT_NOTIFY 1\n"));
    all_vote(&w, OK);
    pass(&w, 1);
    votes(&w, "ap", CRIT);
    apply(&w, PERIOD_OF("late", " wednesday 13:30-14:00\n") HOST_AND_SERVICE(
                  THREE
                  " notification_period late\n freshness_threshold 3600\n check_interval 1200\n _DISSENT_NOTIFY 1\n"));
    for (int i = 0; i < 5399; i += 300) {
        pass(&w, i + 300 < 5399 ? 300 : 5399 - i - 1);
        votes(&w, "ap", CRIT);
        votes(&w, "eu", OK);
        votes(&w, "us", OK);
    }
    expect(&w, "");
    pass(&w, 1); /* half past one */
    expect(&w, "DISSENT web1/http OK HARD 1/3 #0 ap says CRITICAL; 2 of 3 observers would decide it [ops]\n");
    world_end(&w);
}

static void what_ended_before_the_period_begins_is_not_told(void **state) {
    (void)state;
    struct world w = world_begin(PERIOD_OF("late", " wednesday 12:01-13:00\n")
                                     HOST_AND_SERVICE(" max_check_attempts 1\n notification_period late\n"));
    votes(&w, "web1", CRIT);
    votes(&w, "web1", OK);
    pass(&w, 20);
    votes(&w, "web1", OK);
    pass(&w, 20);
    votes(&w, "web1", OK);
    pass(&w, 25);
    expect(&w, "");
    world_end(&w);
}

static void contacts_are_told_in_their_own_periods(void **state) {
    (void)state;
    struct world w = world_begin(PERIOD_OF("late", " day 28 12:01-13:00\n") HOST_AND_SERVICE(
        " max_check_attempts 1\n contacts ops,night\n is_volatile 1\n freshness_threshold 7200\n notification_interval "
        "7200\n") "define contact {\n contact_name night\n service_notification_period late\n}\n");
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    pass(&w, 60);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [night,ops]\n");
    world_end(&w);
}

/* The next round of a problem that turned hard without one is counted from there: at the deadline that lies ahead. */
static void a_silence_behind_a_down_host_has_its_next_round_ahead(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" retry_interval 60\n"));
    host_votes(&w, "web1", UP);
    votes(&w, "web1", OK);
    pass(&w, 10);
    votes(&w, "web1", WARN);
    pass(&w, 5);
    host_votes(&w, "web1", DOWN); /* and its agent with it */
    pass(&w, 40);
    assert_non_null(strstr(buffer_cstr(&w.log), "PROBLEM web1 DOWN"));
    http_is(&w, "UNKNOWN HARD 3/3 no observer reports since 2026-01-28T12:00:10Z");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_is_soft_until_its_rounds_are_full),
        cmocka_unit_test(a_hard_problem_that_ends_is_a_recovery),
        cmocka_unit_test(a_soft_problem_that_ends_tells_nobody),
        cmocka_unit_test(a_hard_change_between_problems_notifies_again),
        cmocka_unit_test(with_one_observer_every_result_is_a_round),
        cmocka_unit_test(attempts_wait_for_half_the_retry_interval),
        cmocka_unit_test(a_liar_that_flips_neither_hastens_nor_freezes_the_attempts),
        cmocka_unit_test(one_observer_alone_completes_no_round),
        cmocka_unit_test(who_sees_worse_supports_the_verdict_too),
        cmocka_unit_test(a_dead_host_withholds_reminders),
        cmocka_unit_test(a_recovery_goes_to_whom_the_problem_concerned),
        cmocka_unit_test(reminders_come_at_agreed_times_without_any_result),
        cmocka_unit_test(an_interval_of_zero_notifies_once),
        cmocka_unit_test(a_volatile_service_notifies_with_every_round),
        cmocka_unit_test(the_first_notification_waits_for_its_delay),
        cmocka_unit_test(options_periods_and_switches_withhold),
        cmocka_unit_test(each_contact_hears_what_it_asked_for),
        cmocka_unit_test(without_a_contact_that_wants_it_no_alert_is_raised),
        cmocka_unit_test(a_host_that_is_down_speaks_for_its_services),
        cmocka_unit_test(a_host_behind_dead_parents_is_unreachable),
        cmocka_unit_test(a_passive_unreachable_counts_as_down),
        cmocka_unit_test(hosts_count_rounds_too),
        cmocka_unit_test(a_problem_outside_its_period_is_told_when_the_period_begins),
        cmocka_unit_test(a_gap_does_not_move_a_period),
        cmocka_unit_test(another_period_is_looked_at_when_it_is_applied),
        cmocka_unit_test(dissent_waits_for_the_period_too),
        cmocka_unit_test(what_ended_before_the_period_begins_is_not_told),
        cmocka_unit_test(contacts_are_told_in_their_own_periods),
        cmocka_unit_test(a_silence_behind_a_down_host_has_its_next_round_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
