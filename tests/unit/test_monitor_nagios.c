/* Stories in which a running Nagios was right, or wrong, as the oracle found: rules too fine for its manual. */
#include "checks/machine.h"
#include "monitor_world.h"

#define LATE_PERIOD "define timeperiod {\n timeperiod_name late\n alias late\n wednesday 12:01-13:00\n}\n"
#define CONTACT_OF(name, lines) "define contact {\n contact_name " name "\n" lines "}\n"

static void a_host_that_is_softly_down_withholds_reminders_too(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", " max_check_attempts 3\n freshness_threshold 1000\n")
                                     SERVICE_OF("web1", "http",
                                                " max_check_attempts 1\n notification_interval 20\n"
                                                " freshness_threshold 1000\n"));
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    host_votes(&w, "web1", DOWN);
    status(&w, "web1", "", "DOWN SOFT 1/3 host down");
    pass(&w, 30);
    votes(&w, "web1", CRIT);
    expect(&w, "");
    host_votes(&w, "web1", UP);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void a_reminder_of_a_host_says_what_its_parents_make_of_it_now(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("gw", " freshness_threshold 1000\n notification_interval 0\n") HOST_OF(
        "web1", " parents gw\n freshness_threshold 1000\n notification_interval 20\n"));
    host_votes(&w, "web1", DOWN);
    pass(&w, 1);
    host_votes(&w, "gw", DOWN);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 host down [ops]\nPROBLEM gw DOWN HARD 1/1 #1 host down [ops]\n");
    pass(&w, 19);
    expect(&w, "PROBLEM web1 UNREACHABLE HARD 1/1 #2 host down [ops]\n");
    host_votes(&w, "gw", UP);
    buffer_clear(&w.log);
    pass(&w, 20);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #3 host down [ops]\n");
    world_end(&w);
}

static void a_service_that_stays_bad_has_its_host_told_once_somebody_listens(void **state) {
    (void)state;
    struct world w = world_begin(LATE_PERIOD PEOPLE CONTACT_OF("night", " host_notification_period late\n")
                                     HOST_OF("web1", " contacts night\n freshness_threshold 1000\n")
                                         SERVICE_OF("web1", "http", " freshness_threshold 1000\n"));
    host_votes(&w, "web1", DOWN);
    votes(&w, "web1", CRIT);
    votes(&w, "web1", CRIT);
    expect(&w, "");
    pass(&w, 60);
    votes(&w, "web1", WARN); /* another problem, no lasting one */
    expect(&w, "");
    votes(&w, "web1", WARN);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 host down [night]\n");
    votes(&w, "web1", WARN);
    expect(&w, "");
    world_end(&w);
}

static void who_asks_for_recoveries_of_hosts_hears_them_all(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE CONTACT_OF("gates", " host_notification_options u,r\n")
                                     HOST_OF("web1", " contacts ops,boss,gates\n"));
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", UP);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 host down [boss,ops]\n"
               "RECOVERY web1 UP HARD 1/1 #2 host up [gates,ops]\n");
    world_end(&w);
}

/* Nagios sets the attempt to the last one and then back to 1, so that the recovery counts as soft and is not told. */
static void what_began_under_a_down_host_ends_as_any_hard_problem(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" freshness_threshold 1000\n"));
    host_votes(&w, "web1", DOWN);
    votes(&w, "web1", CRIT);
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by web1");
    host_votes(&w, "web1", UP);
    buffer_clear(&w.log);
    votes(&w, "web1", CRIT);
    votes(&w, "web1", OK);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 3/3 #1 CRITICAL by web1 [ops]\n"
               "RECOVERY web1/http OK HARD 1/3 #2 OK by web1 [ops]\n");
    world_end(&w);
}

/* Nagios forgets who was told when the recovery comes, before the flapping ends. */
static void a_recovery_amid_the_flapping_is_told_when_it_ends(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n freshness_threshold 1000\n"
                                                  " low_flap_threshold 10\n high_flap_threshold 12\n"));
    world_detects_flapping = false;
    votes(&w, "web1", CRIT);
    buffer_clear(&w.log);
    votes(&w, "web1", WARN); /* begins it, as a problem */
    assert_true(w.m->table.list[1].flapping);
    votes(&w, "web1", OK);
    for (int i = 0; i < 16; i++) {
        votes(&w, "web1", OK);
    }
    expect(&w, "");
    votes(&w, "web1", OK);
    votes(&w, "web1", OK);
    votes(&w, "web1", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #1 OK by web1 [ops]\n");
    world_end(&w);
}

static void a_host_s_flapping_stands_before_the_state_that_showed_it(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(
        PEOPLE HOST_OF("web1", " low_flap_threshold 5\n high_flap_threshold 10\n contacts null\n contact_groups null\n")
            SERVICE_OF("web1", "http",
                       " check_interval 1\n flap_detection_enabled 0\n contacts null\n"
                       " contact_groups null\n"));
    world_detects_flapping = false;
    world_hears_events = true;
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", UP);
    assert_non_null(strstr(buffer_cstr(&w.log), "(web1 starts flapping"));
    for (uint8_t next = CRIT; w.m->table.list[0].flapping; next = next ? OK : CRIT) {
        buffer_clear(&w.log);
        pass(&w, 1);
        votes(&w, "web1", next);
    }
    expect(&w, "(web1 stops flapping UP HARD 1 3.7% change of state)\n"
               "(web1/http CRITICAL SOFT 1 CRITICAL by web1)\n");
    world_hears_events = false;
    world_end(&w);
}

/* A downtime that begins has the service looked at, and no result came. */
static void the_clock_adds_nothing_to_a_host_s_history(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "http", " check_interval 1\n"));
    world_detects_flapping = false;
    host_votes(&w, "web1", DOWN);
    host_votes(&w, "web1", UP);
    votes(&w, "web1", OK);
    struct op_command c = {.kind = COMMAND_DOWNTIME,
                           .target = TARGET_OBJECT,
                           .host = "web1",
                           .service = "http",
                           .observer = "",
                           .flags = COMMAND_FIXED,
                           .start = w.t + 5000,
                           .end = w.t + 10000,
                           .author = "",
                           .comment = "planned"};
    struct monitor_sink sink = world_sink(&w);
    struct buffer answer = {0};
    assert_int_equal(monitor_command(w.m, "op", &c, &sink, &answer), ERR_OK);
    uint32_t before = flapping_change(&w.m->table.list[0]);
    pass(&w, 12);
    assert_int_equal(flapping_change(&w.m->table.list[0]), before);
    votes(&w, "web1", OK);
    assert_true(flapping_change(&w.m->table.list[0]) < before);
    buffer_free(&answer);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_is_softly_down_withholds_reminders_too),
        cmocka_unit_test(a_reminder_of_a_host_says_what_its_parents_make_of_it_now),
        cmocka_unit_test(a_service_that_stays_bad_has_its_host_told_once_somebody_listens),
        cmocka_unit_test(who_asks_for_recoveries_of_hosts_hears_them_all),
        cmocka_unit_test(what_began_under_a_down_host_ends_as_any_hard_problem),
        cmocka_unit_test(a_recovery_amid_the_flapping_is_told_when_it_ends),
        cmocka_unit_test(a_host_s_flapping_stands_before_the_state_that_showed_it),
        cmocka_unit_test(the_clock_adds_nothing_to_a_host_s_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
