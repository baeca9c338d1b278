/* Stories about escalations: who is told of the third notification, how soon the fourth comes, and who hears of the
   end. Source of the rules: base/notifications.c of Nagios Core 4.4.6. */
#include "monitor_world.h"

#define MORE_PEOPLE                                                                                                    \
    "define contact {\n contact_name chief\n service_notification_options c,r,f\n host_notification_options d,r\n}\n"  \
    "define contact {\n contact_name deputy\n}\n"
#define ESCALATED(escalations) ESCALATED_EVERY("5", "", escalations)
#define ESCALATED_EVERY(interval, lines, escalations)                                                                  \
    HOST_AND_SERVICE(" max_check_attempts 1\n check_freshness 0\n notification_interval " interval "\n" lines)         \
    MORE_PEOPLE escalations
#define ESCALATION(first, last, lines)                                                                                 \
    "define serviceescalation {\n host_name web1\n service_description http\n first_notification " first               \
    "\n last_notification " last "\n" lines "}\n"

static void crit(struct world *w) {
    votes(w, "web1", CRIT);
}

/* "PROBLEM #3 [chief]" after so many seconds, and nothing before. */
static void expect_after(struct world *w, time_ms seconds, unsigned number, const char *contacts) {
    char line[200];
    pass(w, seconds - 1);
    expect(w, "");
    pass(w, 1);
    snprintf(line, sizeof line, "PROBLEM web1/http CRITICAL HARD 1/1 #%u CRITICAL by web1 [%s]\n", number, contacts);
    expect(w, line);
}

static void the_contacts_of_an_escalation_take_the_place_of_the_objects(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("2", "3", " contacts chief\n")));
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    expect_after(&w, 5, 2, "chief");
    expect_after(&w, 5, 3, "chief");
    expect_after(&w, 5, 4, "ops");
    votes(&w, "web1", OK); /* the fifth; the one before it is past the last */
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #5 OK by web1 [ops]\n");
    crit(&w); /* numbers begin anew */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void all_valid_escalations_tell_and_the_shortest_interval_counts(void **state) {
    (void)state;
    struct world w =
        world_begin(ESCALATED(ESCALATION("2", "0", " contacts chief\n notification_interval 7\n")
                                  ESCALATION("3", "0",
                                             " contacts chief,deputy\n"
                                             " notification_interval 3\n") ESCALATION("3", "3", " contacts ops\n")));
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    expect_after(&w, 5, 2, "chief");
    expect_after(&w, 7, 3, "chief,deputy,ops");
    expect_after(&w, 3, 4, "chief,deputy");
    expect_after(&w, 3, 5, "chief,deputy");
    world_end(&w);
}

static void a_recovery_goes_to_the_level_that_was_reached(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("2", "0", " contacts chief\n")));
    crit(&w);
    pass(&w, 5);
    buffer_clear(&w.log);
    votes(&w, "web1", OK); /* number 3, judged as 2: ops, who heard of the first, is not told */
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #3 OK by web1 [chief]\n");
    crit(&w);
    buffer_clear(&w.log);
    votes(&w, "web1", OK); /* number 2, judged as 1 */
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by web1 [ops]\n");
    world_end(&w);
}

static void the_first_of_number_0_is_valid_from_the_start(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("0", "1", " contacts chief\n")));
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [chief]\n");
    expect_after(&w, 5, 2, "ops");
    world_end(&w);
}

static void an_escalation_is_of_some_states(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("1", "0", " contacts deputy\n escalation_options c\n")));
    votes(&w, "web1", WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by web1 [ops]\n");
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [deputy]\n");
    votes(&w, "web1", OK); /* not of recoveries */
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #3 OK by web1 [ops]\n");
    world_end(&w);
}

static void an_escalation_has_its_period(void **state) {
    (void)state;
    struct world w =
        world_begin(ESCALATED(ESCALATION("1", "0",
                                         " contacts deputy\n escalation_period noon\n"
                                         " notification_interval 60\n") "define timeperiod {\n timeperiod_name noon\n"
                                                                        " 2026-01-28 12:01-24:00\n}\n"));
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    for (unsigned n = 2; n <= 12; n++) {
        expect_after(&w, 5, n, "ops");
    }
    expect_after(&w, 5, 13, "deputy");
    expect_after(&w, 60, 14, "deputy");
    world_end(&w);
}

static void an_interval_of_0_ends_the_reminders(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("2", "0", " contacts chief\n notification_interval 0\n")
                                               ESCALATION("3", "0", " contacts deputy\n")));
    crit(&w);
    buffer_clear(&w.log);
    expect_after(&w, 5, 2, "chief");
    pass(&w, 60);
    crit(&w);
    expect(&w, "");
    world_end(&w);
}

static void an_interval_of_an_escalation_begins_reminders(void **state) {
    (void)state;
    struct world w =
        world_begin(ESCALATED_EVERY("0", "", ESCALATION("1", "2", " contacts ops\n notification_interval 4\n")));
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by web1 [ops]\n");
    expect_after(&w, 4, 2, "ops");
    expect_after(&w, 4, 3, "ops");
    pass(&w, 60); /* the third is told by the object's own rules: once */
    expect(&w, "");
    world_end(&w);
}

/* The number stays where it is while nobody listens, as in Nagios. */
static void nobody_left_is_no_notification(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(ESCALATION("2", "0", " contacts chief\n")));
    votes(&w, "web1", WARN);
    expect(&w, "PROBLEM web1/http WARNING HARD 1/1 #1 WARNING by web1 [ops]\n");
    pass(&w, 20); /* the chief wants to hear of CRITICAL only */
    votes(&w, "web1", WARN);
    expect(&w, "");
    crit(&w);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 CRITICAL by web1 [chief]\n");
    world_end(&w);
}

static void hosts_escalate_too(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE MORE_PEOPLE HOST_OF(
        "web1", " notification_interval 5\n check_freshness 0\n") "define hostescalation {\n host_name *\n "
                                                                  "first_notification 2\n"
                                                                  " last_notification 0\n contacts chief\n}\n");
    host_votes(&w, "web1", UP);
    host_votes(&w, "web1", DOWN);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 host down [ops]\n");
    pass(&w, 5);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #2 host down [chief]\n");
    host_votes(&w, "web1", UP);
    expect(&w, "RECOVERY web1 UP HARD 1/1 #3 host up [chief]\n");
    world_end(&w);
}

static void what_else_is_told_of_an_escalated_problem_goes_to_the_same(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(ESCALATED_EVERY("0", " contacts ops\n flap_detection_options c,w\n",
                                                 ESCALATION("1", "0", " contacts chief\n escalation_options w,c\n")));
    for (unsigned i = 0; i < 6; i++) {
        pass(&w, 1);
        votes(&w, "web1", i % 2 == 0 ? CRIT : WARN);
    }
    assert_non_null(strstr(buffer_cstr(&w.log), "FLAPPINGSTART web1/http WARNING HARD 1/1 #3 WARNING by web1 [chief]"));
    world_detects_flapping = false;
    world_end(&w);
}

/* Who is told changes with the next notification; the state, its number and its time stay. */
static void a_new_escalation_leaves_the_problem_alone(void **state) {
    (void)state;
    struct world w = world_begin(ESCALATED(""));
    crit(&w);
    pass(&w, 5);
    buffer_clear(&w.log);
    apply(&w, ESCALATED(ESCALATION("3", "0", " contacts chief\n")));
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by web1");
    expect_after(&w, 5, 3, "chief");
    apply(&w, ESCALATED(""));
    expect_after(&w, 5, 4, "ops");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_contacts_of_an_escalation_take_the_place_of_the_objects),
        cmocka_unit_test(all_valid_escalations_tell_and_the_shortest_interval_counts),
        cmocka_unit_test(a_recovery_goes_to_the_level_that_was_reached),
        cmocka_unit_test(the_first_of_number_0_is_valid_from_the_start),
        cmocka_unit_test(an_escalation_is_of_some_states),
        cmocka_unit_test(an_escalation_has_its_period),
        cmocka_unit_test(an_interval_of_0_ends_the_reminders),
        cmocka_unit_test(an_interval_of_an_escalation_begins_reminders),
        cmocka_unit_test(nobody_left_is_no_notification),
        cmocka_unit_test(hosts_escalate_too),
        cmocka_unit_test(what_else_is_told_of_an_escalated_problem_goes_to_the_same),
        cmocka_unit_test(a_new_escalation_leaves_the_problem_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
