/* Stories about downtime: fixed, flexible, triggered; what is told of it and what it keeps quiet. */
#include "checks/machine.h"
#include "monitor_world.h"

#define HTTP .target = TARGET_OBJECT, .host = "web1", .service = "http"
#define WATCHED(lines) WATCHED_EVERY("0", lines)
#define WATCHED_EVERY(seconds, lines)                                                                                  \
    HOST_AND_SERVICE(" max_check_attempts 2\n freshness_threshold 100000\n notification_interval " seconds "\n"        \
                     " notification_options w,u,c,r,s,f\n contacts ops,dt\n" lines)                                    \
    "define contact {\n contact_name dt\n service_notification_options s\n host_notification_options s\n}\n"

static struct op_command window(struct world *w, time_ms from, time_ms to, unsigned flags) {
    return COMMAND_OF(.kind = COMMAND_DOWNTIME, HTTP, .flags = flags, .start = w->t + from * 1000,
                      .end = w->t + to * 1000, .duration = 60 * 1000, .comment = "new disks");
}

static void say_hard(struct world *w, uint8_t state) {
    votes(w, "web1", state);
    votes(w, "web1", state);
}

static size_t left(struct world *w) {
    return w->m->notes.count;
}

static void a_fixed_one_keeps_quiet_from_start_to_end(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    world_hears_events = true;
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 60, 120, COMMAND_FIXED), "downtime 1 of web1/http\n");
    expect(&w, "");
    pass(&w, 59);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "(web1/http starts downtime OK HARD 1 )\n"
               "DOWNTIMESTART web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    world_hears_events = false;
    say_hard(&w, CRIT);
    pass(&w, 59);
    expect(&w, "");
    world_hears_events = true;
    pass(&w, 1);
    expect(&w, "(web1/http stops downtime CRITICAL HARD 2 )\n"
               "DOWNTIMEEND web1/http CRITICAL HARD 2/2 #0 CRITICAL by web1 [dt] ada: new disks\n");
    world_hears_events = false;
    assert_int_equal(left(&w), 0);
    votes(&w, "web1", CRIT); /* the problem outlasted it: told with the next result, as by Nagios */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 2/2 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void one_that_has_begun_begins_at_once(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, -60, 60, COMMAND_FIXED), "downtime 1 of web1/http\n");
    expect(&w, "DOWNTIMESTART web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    pass(&w, 60);
    expect(&w, "DOWNTIMEEND web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    world_end(&w);
}

static void overlapping_ones_are_told_once(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 0, 60, COMMAND_FIXED), "downtime 1 of web1/http\n");
    commanded(&w, window(&w, 30, 90, COMMAND_FIXED), "downtime 2 of web1/http\n");
    expect(&w, "DOWNTIMESTART web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    world_hears_events = true;
    pass(&w, 60);
    expect(&w, "");
    world_hears_events = false;
    say_hard(&w, CRIT);
    pass(&w, 30);
    expect(&w, "DOWNTIMEEND web1/http CRITICAL HARD 2/2 #0 CRITICAL by web1 [dt] ada: new disks\n");
    world_end(&w);
}

static void a_host_in_downtime_keeps_its_services_quiet(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    struct op_command c = window(&w, 0, 60, COMMAND_FIXED);
    c.service = "";
    commanded(&w, c, "downtime 1 of web1\n");
    say_hard(&w, CRIT);
    expect(&w, "");
    pass(&w, 60);
    votes(&w, "web1", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 2/2 #1 CRITICAL by web1 [ops]\n");
    world_end(&w);
}

static void a_recovery_within_is_not_told(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    say_hard(&w, CRIT);
    commanded(&w, window(&w, 0, 60, COMMAND_FIXED), "downtime 1 of web1/http\n");
    buffer_clear(&w.log);
    votes(&w, "web1", OK);
    expect(&w, "");
    world_end(&w);
}

static void a_flexible_one_begins_with_the_problem(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 0, 100, 0), "downtime 1 of web1/http\n");
    pass(&w, 90);
    expect(&w, "");
    votes(&w, "web1", CRIT); /* soft is enough */
    expect(&w, "DOWNTIMESTART web1/http CRITICAL SOFT 1/2 #0 CRITICAL by web1 [dt] ada: new disks\n");
    votes(&w, "web1", CRIT);
    votes(&w, "web1", OK);
    pass(&w, 59);
    expect(&w, ""); /* its minute runs on, whatever becomes of the problem and of the window */
    pass(&w, 1);
    expect(&w, "DOWNTIMEEND web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

static void a_problem_that_was_there_before_waits_for_its_next_change(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED_EVERY("10", ""));
    say_hard(&w, CRIT);
    commanded(&w, window(&w, 0, 100, 0), "downtime 1 of web1/http\n");
    buffer_clear(&w.log);
    pass(&w, 20);
    votes(&w, "web1", CRIT);
    expect(&w, ""); /* pending, and withheld all the same (base/notifications.c) */
    assert_false(w.m->notes.list[0]->in_effect);
    votes(&w, "web1", WARN);
    expect(&w, "DOWNTIMESTART web1/http WARNING HARD 2/2 #1 WARNING by web1 [dt] ada: new disks\n");
    world_end(&w);
}

static void a_flexible_one_may_never_begin(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 10, 20, 0), "downtime 1 of web1/http\n");
    votes(&w, "web1", CRIT); /* before its window */
    assert_false(w.m->notes.list[0]->in_effect);
    votes(&w, "web1", OK);
    pass(&w, 20);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "DOWNTIMEEND web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

static void a_host_begins_its_flexible_one_behind_the_result(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED("") HOST_OF("db", " contacts ops,dt\n notification_options d,u,r,s\n"));
    struct op_command c = window(&w, 0, 100, 0);
    world_hears_events = true;
    c.host = "db", c.service = "";
    commanded(&w, c, "downtime 1 of db\n");
    host_votes(&w, "db", DOWN);
    expect(&w, "(db DOWN HARD 1 host down)\n(db starts downtime DOWN HARD 1 )\n"
               "DOWNTIMESTART db DOWN HARD 1/1 #0 host down [dt] ada: new disks\n");
    world_hears_events = false;
    world_end(&w);
}

static void cancelling_ends_it_and_says_so(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 0, 60, COMMAND_FIXED), "downtime 1 of web1/http\n");
    commanded(&w, window(&w, 70, 80, COMMAND_FIXED), "downtime 2 of web1/http\n");
    buffer_clear(&w.log);
    struct op_command c =
        COMMAND_OF(.kind = COMMAND_CANCEL_DOWNTIME, .target = TARGET_CLUSTER, .id = 1, .comment = "done early");
    commanded(&w, c, "cancelled downtime 1 of web1/http\n");
    expect(&w, "DOWNTIMECANCELLED web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: done early\n");
    not_commanded(&w, c, ERR_UNKNOWN_ID, "no downtime has this number\n");
    c.id = 2;
    commanded(&w, c, "cancelled downtime 2 of web1/http\n"); /* had not begun: nothing to tell */
    expect(&w, "");
    pass(&w, 100);
    expect(&w, "");
    world_end(&w);
}

#define FAMILY                                                                                                         \
    WATCHED("")                                                                                                        \
    HOST_OF("a", " parents web1\n")                                                                                    \
    HOST_OF("b", " parents a\n")                                                                                       \
    HOST_OF("c", " parents a,web1\n") HOST_OF("other", "") SERVICE_OF("b", "ssh", "") SERVICE_OF("b", "disk", "")

static void children_go_down_with_their_parent(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED);
    c.target = TARGET_CHILDREN, c.service = "";
    commanded(&w, c, "downtime 1 of web1\ndowntime 2 of a\ndowntime 3 of b\ndowntime 4 of c\n");
    c.target = TARGET_SERVICES, c.host = "b";
    commanded(&w, c, "downtime 5 of b/disk\ndowntime 6 of b/ssh\n");
    struct op_command off =
        COMMAND_OF(.kind = COMMAND_DISABLE, .subject = SUBJECT_NOTIFICATIONS, .target = TARGET_BEYOND, .host = "a");
    commanded(&w, off, "disabled: b\ndisabled: c\ndisabled: b/disk\ndisabled: b/ssh\n");
    world_end(&w);
}

static void groups_are_meant_as_hosts_or_as_services(void **state) {
    (void)state;
    struct world w =
        world_begin(FAMILY "define hostgroup {\n hostgroup_name rack\n members b,a,web1\n}\n"
                           "define servicegroup {\n servicegroup_name disks\n members b,disk,b,ssh,web1,http\n}\n");
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED);
    c.service = "";
    c.host = "rack", c.target = TARGET_HOSTGROUP_HOSTS;
    commanded(&w, c, "downtime 1 of a\ndowntime 2 of b\ndowntime 3 of web1\n");
    c.target = TARGET_HOSTGROUP_SERVICES;
    commanded(&w, c, "downtime 4 of b/disk\ndowntime 5 of b/ssh\ndowntime 6 of web1/http\n");
    c.host = "disks", c.target = TARGET_SERVICEGROUP_SERVICES;
    commanded(&w, c, "downtime 7 of b/disk\ndowntime 8 of b/ssh\ndowntime 9 of web1/http\n");
    c.target = TARGET_SERVICEGROUP_HOSTS;
    commanded(&w, c, "downtime 10 of b\ndowntime 11 of web1\n");
    c.host = "rack";
    not_commanded(&w, c, ERR_UNKNOWN_GROUP, "no such group in the configuration in force\n");
    c.target = TARGET_HOSTGROUP_HOSTS, c.host = "disks";
    not_commanded(&w, c, ERR_UNKNOWN_GROUP, "no such group in the configuration in force\n");
    world_end(&w);
}

static void what_is_triggered_begins_and_ends_with_its_trigger(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 0, 100, COMMAND_TRIGGERED);
    c.target = TARGET_CHILDREN, c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    assert_int_equal(left(&w), 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(w.m->notes.list[i]->trigger, i ? 1 : 0);
        assert_false(w.m->notes.list[i]->in_effect);
    }
    host_votes(&w, "web1", DOWN);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(w.m->notes.list[i]->in_effect);
    }
    pass(&w, 59);
    assert_int_equal(left(&w), 4);
    pass(&w, 1);
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

static void cancelling_a_trigger_cancels_what_waits_for_it(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED | COMMAND_TRIGGERED);
    c.target = TARGET_CHILDREN, c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    c = window(&w, 60, 120, COMMAND_FIXED);
    c.id = 3;
    assert_int_equal(command(&w, c), ERR_OK);
    assert_int_equal(left(&w), 5);
    commanded(&w, COMMAND_OF(.kind = COMMAND_CANCEL_DOWNTIME, .target = TARGET_CLUSTER, .id = 1),
              "cancelled downtime 1 of web1\n");
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

static void one_that_is_triggered_late_begins_at_once(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 0, 100, COMMAND_FIXED);
    c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    c = window(&w, 0, 50, 0);
    c.host = "b", c.service = "", c.id = 1;
    assert_int_equal(command(&w, c), ERR_OK);
    assert_true(w.m->notes.list[1]->in_effect);
    pass(&w, 60);
    assert_int_equal(left(&w), 1); /* its own minute is over */
    world_end(&w);
}

static void what_is_triggered_ends_with_its_trigger_at_the_latest(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 0, 50, COMMAND_FIXED);
    c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    c = window(&w, 0, 100, COMMAND_FIXED);
    c.host = "b", c.service = "", c.id = 1;
    assert_int_equal(command(&w, c), ERR_OK);
    pass(&w, 50);
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

static void chains_of_triggers_are_short(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED);
    for (unsigned i = 0; i < TRIGGER_DEPTH_MAX; i++) {
        c.id = i;
        assert_int_equal(command(&w, c), ERR_OK);
    }
    c.id = TRIGGER_DEPTH_MAX;
    not_commanded(&w, c, ERR_TOO_MANY, "downtimes trigger each other more than eight deep\n");
    c.id = 99;
    not_commanded(&w, c, ERR_UNKNOWN_ID, "no downtime has the number that shall trigger this one\n");
    world_end(&w);
}

static void times_make_sense(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    static const char *const wrong = "a downtime ends behind its start and in the future\n";
    not_commanded(&w, window(&w, 60, 60, COMMAND_FIXED), ERR_BAD_TIME, wrong);
    not_commanded(&w, window(&w, 60, 50, COMMAND_FIXED), ERR_BAD_TIME, wrong);
    not_commanded(&w, window(&w, -60, 0, COMMAND_FIXED), ERR_BAD_TIME, wrong);
    struct op_command c = window(&w, 0, 60, 0);
    c.duration = 0;
    not_commanded(&w, c, ERR_BAD_TIME, "a flexible downtime needs a duration\n");
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

/* The cluster slept through a whole downtime: it neither begins nor ends. */
static void a_leap_of_time_passes_over_it(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    assert_int_equal(command(&w, window(&w, 60, 120, COMMAND_FIXED)), ERR_OK);
    world_advance(&w, 600);
    assert_non_null(strstr(buffer_cstr(&w.log), "CLUSTER_GAP"));
    assert_null(strstr(buffer_cstr(&w.log), "DOWNTIME"));
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

/* The second begins before the first ends, also for who looks only when both is past. */
static void a_leap_over_several_takes_them_in_their_order(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    votes(&w, "web1", OK);
    commanded(&w, window(&w, 0, 60, COMMAND_FIXED), "downtime 1 of web1/http\n");
    commanded(&w, window(&w, 58, 90, COMMAND_FIXED), "downtime 2 of web1/http\n");
    expect(&w, "DOWNTIMESTART web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    pass(&w, 55);
    world_advance(&w, 9);
    expect(&w, "");
    assert_int_equal(left(&w), 1);
    pass(&w, 26);
    expect(&w, "DOWNTIMEEND web1/http OK HARD 1/2 #0 OK by web1 [dt] ada: new disks\n");
    world_end(&w);
}

static void an_apply_keeps_what_still_has_its_object(void **state) {
    (void)state;
    struct world w = world_begin(FAMILY);
    struct op_command c = window(&w, 0, 100, COMMAND_FIXED | COMMAND_TRIGGERED);
    c.target = TARGET_CHILDREN, c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    apply(&w, WATCHED("") HOST_OF("b", "") HOST_OF("aa", ""));
    assert_int_equal(left(&w), 2);
    assert_ptr_equal(w.m->notes.list[0]->triggered, w.m->notes.list[1]);
    host_votes(&w, "b", DOWN);
    expect(&w, "");
    apply(&w, PEOPLE HOST_OF("b", ""));
    assert_int_equal(left(&w), 1); /* its trigger is gone, and it ends by its own time */
    pass(&w, 100);
    assert_int_equal(left(&w), 0);
    world_end(&w);
}

/* What waits for a downtime that never comes does not wait on. */
static void a_leap_of_time_takes_what_is_triggered_along(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED("") HOST_OF("a", " parents web1\n contacts dt\n"));
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED | COMMAND_TRIGGERED);
    c.target = TARGET_CHILDREN, c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    world_advance(&w, 600);
    assert_int_equal(left(&w), 0);
    assert_null(strstr(buffer_cstr(&w.log), "DOWNTIME"));
    world_end(&w);
}

static void whoever_cancels_is_named_for_all_that_ends_with_it(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED("") HOST_OF("a", " parents web1\n contacts dt\n"));
    struct op_command c = window(&w, 0, 120, COMMAND_FIXED | COMMAND_TRIGGERED);
    c.target = TARGET_CHILDREN, c.service = "";
    assert_int_equal(command(&w, c), ERR_OK);
    buffer_clear(&w.log);
    assert_int_equal(command(&w, COMMAND_OF(.kind = COMMAND_CANCEL_DOWNTIME, .target = TARGET_CLUSTER, .id = 1,
                                            .author = "Grace", .comment = "done")),
                     ERR_OK);
    expect(&w, "DOWNTIMECANCELLED a PENDING HARD 1/1 #0  [dt] Grace: done\n");
    world_end(&w);
}

/* Many notes vanish, and what is left is found by its number and in its order. */
static void what_is_left_keeps_its_number(void **state) {
    (void)state;
    struct world w = world_begin(WATCHED(""));
    struct op_command c = window(&w, 60, 120, COMMAND_FIXED);
    struct op_command cancel = COMMAND_OF(.kind = COMMAND_CANCEL_DOWNTIME, .target = TARGET_CLUSTER);
    for (uint64_t i = 1; i <= 60; i++) {
        assert_int_equal(command(&w, c), ERR_OK);
    }
    for (uint64_t i = 1; i <= 60; i++) {
        cancel.id = i * 7 % 61;
        if (cancel.id % 10 != 0) {
            assert_int_equal(command(&w, cancel), ERR_OK);
        }
    }
    assert_int_equal(left(&w), 6);
    assert_true(w.m->notes.used < 30);
    for (uint64_t i = 1; i <= 61; i++) {
        const struct note *n = note_find(w.m, i);
        assert_int_equal(n ? n->id : 0, i % 10 == 0 ? i : 0);
    }
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_one_keeps_quiet_from_start_to_end),
        cmocka_unit_test(one_that_has_begun_begins_at_once),
        cmocka_unit_test(overlapping_ones_are_told_once),
        cmocka_unit_test(a_host_in_downtime_keeps_its_services_quiet),
        cmocka_unit_test(a_recovery_within_is_not_told),
        cmocka_unit_test(a_flexible_one_begins_with_the_problem),
        cmocka_unit_test(a_problem_that_was_there_before_waits_for_its_next_change),
        cmocka_unit_test(a_flexible_one_may_never_begin),
        cmocka_unit_test(a_host_begins_its_flexible_one_behind_the_result),
        cmocka_unit_test(cancelling_ends_it_and_says_so),
        cmocka_unit_test(children_go_down_with_their_parent),
        cmocka_unit_test(groups_are_meant_as_hosts_or_as_services),
        cmocka_unit_test(what_is_triggered_begins_and_ends_with_its_trigger),
        cmocka_unit_test(cancelling_a_trigger_cancels_what_waits_for_it),
        cmocka_unit_test(one_that_is_triggered_late_begins_at_once),
        cmocka_unit_test(what_is_triggered_ends_with_its_trigger_at_the_latest),
        cmocka_unit_test(chains_of_triggers_are_short),
        cmocka_unit_test(times_make_sense),
        cmocka_unit_test(a_leap_of_time_passes_over_it),
        cmocka_unit_test(a_leap_over_several_takes_them_in_their_order),
        cmocka_unit_test(an_apply_keeps_what_still_has_its_object),
        cmocka_unit_test(a_leap_of_time_takes_what_is_triggered_along),
        cmocka_unit_test(whoever_cancels_is_named_for_all_that_ends_with_it),
        cmocka_unit_test(what_is_left_keeps_its_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
