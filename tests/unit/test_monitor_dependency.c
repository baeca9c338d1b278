/* Stories about dependencies and parents of services: whose problem explains whose, and when what was withheld is told
   after all. Source of the rules: base/checks.c and base/notifications.c of Nagios Core 4.4.6. */
#include "checks/machine.h"
#include "monitor_world.h"

/* web1/http, db1/sql and san1/disk, each HARD at once, their agents silent for as long as they like. */
#define QUIET " max_check_attempts 1\n check_freshness 0\n check_interval 20\n notification_interval 60\n"
#define THREE_HOSTS                                                                                                    \
    PEOPLE HOST_OF("web1", QUIET_HOST) HOST_OF("db1", QUIET_HOST) HOST_OF("san1", QUIET_HOST)                          \
        SERVICE_OF("web1", "ping", " max_check_attempts 1\n check_freshness 0\n")
#define QUIET_HOST " check_freshness 0\n check_interval 20\n notification_interval 60\n"
#define WORLD(lines, relations)                                                                                        \
    THREE_HOSTS SERVICE_OF("san1", "disk", " max_check_attempts 2\n check_freshness 0\n")                              \
        SERVICE_OF("db1", "sql", QUIET) SERVICE_OF("web1", "http", QUIET lines) relations
#define RESTS(service_of, master_of, criteria, lines)                                                                  \
    "define servicedependency {\n dependent_host_name " service_of "\n dependent_service_description *,!ping\n"        \
    " host_name " master_of "\n service_description *,!ping\n notification_failure_criteria " criteria "\n" lines      \
    "}\n"
#define HOST_RESTS(host, master, criteria, lines)                                                                      \
    "define hostdependency {\n dependent_host_name " host "\n host_name " master "\n"                                  \
    " notification_failure_criteria " criteria "\n" lines "}\n"

static void reports(struct world *w, const char *host, const char *service, uint8_t state) {
    struct observation o = result_of(w, host, service, state, state ? "bad" : "good");
    assert_int_equal(say(w, host, &o), ERR_OK);
}
static void http(struct world *w, uint8_t state) {
    reports(w, "web1", "http", state);
}
static void sql(struct world *w, uint8_t state) {
    reports(w, "db1", "sql", state);
}
static void disk(struct world *w, uint8_t state) {
    reports(w, "san1", "disk", state);
}

#define SQL_DOWN "PROBLEM db1/sql CRITICAL HARD 1/1 #1 bad [ops]\n"
#define SQL_UP "RECOVERY db1/sql OK HARD 1/1 #2 good [ops]\n"
#define HTTP_DOWN "PROBLEM web1/http CRITICAL HARD 1/1 #1 bad [ops]\n"

static void a_problem_that_the_master_explains_is_not_told(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "w,c,u", "")));
    sql(&w, CRIT);
    expect(&w, SQL_DOWN);
    http(&w, CRIT);
    expect(&w, "");
    http_is(&w, "CRITICAL HARD 1/1 bad"); /* seen, not told */
    pass(&w, 59);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
}

static void what_was_withheld_is_told_with_the_next_round(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    sql(&w, CRIT);
    http(&w, CRIT);
    sql(&w, OK);
    expect(&w, SQL_DOWN SQL_UP);
    pass(&w, 3);
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

/* Looked at every check_interval, 20 s, from the moment it was withheld: nobody needs to say anything. */
static void what_was_withheld_is_told_although_its_agent_is_silent(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    sql(&w, CRIT);
    http(&w, CRIT);
    pass(&w, 45);
    sql(&w, OK);
    expect(&w, SQL_DOWN SQL_UP);
    pass(&w, 14);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, HTTP_DOWN);
    pass(&w, 60); /* and reminded of as ever */
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 bad [ops]\n");
    world_end(&w);
}

static void a_reminder_that_is_withheld_keeps_its_time(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    pass(&w, 30);
    sql(&w, CRIT);
    http(&w, CRIT); /* withheld now; due in 30 s */
    sql(&w, OK);
    buffer_clear(&w.log);
    pass(&w, 29);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #2 bad [ops]\n");
    world_end(&w);
}

static void a_recovery_is_not_withheld(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    http(&w, CRIT);
    sql(&w, CRIT);
    expect(&w, HTTP_DOWN SQL_DOWN);
    http(&w, OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 good [ops]\n");
    http(&w, CRIT); /* withheld: of what was not told no end is told */
    http(&w, OK);
    expect(&w, "");
    world_end(&w);
}

static void only_the_listed_states_of_the_master_count(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "w", "")));
    sql(&w, CRIT);
    http(&w, CRIT);
    expect(&w, SQL_DOWN HTTP_DOWN);
    http(&w, OK);
    sql(&w, WARN);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, "");
    sql(&w, UNKN);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

static void ok_and_pending_can_be_listed(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "o", "")));
    http(&w, CRIT); /* the master is PENDING, which o does not mean */
    expect(&w, HTTP_DOWN);
    http(&w, OK);
    buffer_clear(&w.log);
    sql(&w, OK);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
    w = world_begin(WORLD("", RESTS("web1", "db1", "p", "")));
    http(&w, CRIT);
    expect(&w, "");
    sql(&w, OK);
    pass(&w, 20);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

/* disk takes two attempts: while SOFT, the last hard state counts. */
static void a_soft_problem_of_the_master_is_none_yet(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "san1", "c", "")));
    disk(&w, OK);
    disk(&w, CRIT);
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    http(&w, OK);
    pass(&w, 10);
    disk(&w, CRIT);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
}

static void what_the_master_rests_on_counts_if_it_is_inherited(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "") RESTS("db1", "san1", "c", "")));
    disk(&w, CRIT);
    pass(&w, 10);
    disk(&w, CRIT);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    world_end(&w);
    w = world_begin(WORLD("", RESTS("web1", "db1", "c", " inherits_parent 1\n") RESTS("db1", "san1", "c", "")));
    disk(&w, CRIT);
    pass(&w, 10);
    disk(&w, CRIT);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
}

/* In 4.4.6 one dependency outside its period makes all behind it count as fulfilled. */
static void each_dependency_has_its_own_period(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", " dependency_period none\n")));
    sql(&w, CRIT);
    http(&w, CRIT);
    expect(&w, SQL_DOWN HTTP_DOWN);
    world_end(&w);
    w = world_begin(WORLD("", RESTS("web1", "db1", "c", " dependency_period none\n")
                                  RESTS("web1", "san1", "c", " dependency_period 24x7\n")));
    disk(&w, CRIT);
    pass(&w, 10);
    disk(&w, CRIT);
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
}

static void a_host_dependency_withholds_the_services_too(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", HOST_RESTS("web1", "san1", "d", "")));
    host_votes(&w, "san1", DOWN);
    expect(&w, "PROBLEM san1 DOWN HARD 1/1 #1 host down [ops]\n");
    http(&w, CRIT);
    host_votes(&w, "web1", DOWN);
    expect(&w, "");
    host_votes(&w, "web1", UP);
    host_votes(&w, "san1", UP);
    expect(&w, "RECOVERY san1 UP HARD 1/1 #2 host up [ops]\n");
    pass(&w, 20);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

static void told_once_is_told_once_whatever_the_master_does(void **state) {
    (void)state;
    struct world w = world_begin(WORLD(" notification_period 24x7\n", RESTS("web1", "db1", "c", "")));
    apply(&w, THREE_HOSTS SERVICE_OF("db1", "sql", QUIET)
                  SERVICE_OF("web1", "http",
                             " max_check_attempts 1\n check_freshness 0\n check_interval 20\n"
                             " notification_interval 0\n") RESTS("web1", "db1", "c", ""));
    http(&w, CRIT);
    expect(&w, HTTP_DOWN);
    sql(&w, CRIT);
    http(&w, CRIT);
    assert_int_equal(w.m->table.list[table_find(&w.m->table, "web1", "http")].remind_at, 0);
    sql(&w, OK);
    buffer_clear(&w.log);
    pass(&w, 60);
    http(&w, CRIT);
    expect(&w, "");
    world_end(&w);
}

/* ---- parents of services ---- */

static void parents_withhold_when_none_of_them_is_good(void **state) {
    (void)state;
    struct world w = world_begin(WORLD(" parents db1,sql,san1,disk\n", ""));
    sql(&w, CRIT);
    http(&w, CRIT); /* disk was never judged: good */
    expect(&w, SQL_DOWN HTTP_DOWN);
    http(&w, OK);
    disk(&w, OK);
    disk(&w, CRIT); /* SOFT counts */
    buffer_clear(&w.log);
    http(&w, CRIT);
    expect(&w, "");
    disk(&w, OK);
    pass(&w, 20);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

/* ---- a master with many dependants ---- */

enum { MANY = 300 };

static void many_text(struct buffer *text) {
    buffer_printf(text, "%s", PEOPLE HOST_OF("db1", QUIET_HOST) SERVICE_OF("db1", "sql", QUIET) HOST_OF("web1", ""));
    for (unsigned i = 0; i < MANY; i++) {
        buffer_printf(text, SERVICE_OF("web1", "x%03u", QUIET), i);
    }
    buffer_printf(text, "%s", RESTS("web1", "db1", "c", ""));
}

/* Its own result raises its own alert; each dependant is told at its own look, the time of its own failure plus full
   check_intervals, so their order is the order in which they failed. */
static void a_result_of_the_master_does_no_work_for_its_dependants(void **state) {
    (void)state;
    struct buffer text = {0}, expected = {0};
    many_text(&text);
    struct world w = world_begin(buffer_cstr(&text));
    sql(&w, CRIT);
    buffer_clear(&w.log);
    for (unsigned i = 0; i < MANY; i++) {
        char name[8];
        snprintf(name, sizeof name, "x%03u", (i * 7) % MANY);
        reports(&w, "web1", name, CRIT);
        pass(&w, i % 100 == 99);
    }
    expect(&w, "");
    uint64_t raised = w.raised;
    sql(&w, OK);
    assert_int_equal(w.raised, raised + 1);
    buffer_clear(&w.log);
    pass(&w, 16);
    expect(&w, "");
    for (unsigned part = 0; part < 3; part++) {
        pass(&w, 1);
        assert_int_equal(w.raised, raised + 1 + (part + 1) * MANY / 3);
    }
    char *first = strchr(buffer_cstr(&w.log), '\n');
    assert_non_null(first);
    buffer_put(&expected, w.log.data, (size_t)(first + 1 - (const char *)w.log.data));
    assert_string_equal(buffer_cstr(&expected), "PROBLEM web1/x000 CRITICAL HARD 1/1 #1 bad [ops]\n");
    buffer_free(&text);
    buffer_free(&expected);
    world_end(&w);
}

/* The deadline of a withheld problem is state: a replica that restarts tells it when the others do. */
struct kept {
    struct monitor *to;
    unsigned count;
};
static void keep(void *self, struct bytes key, struct bytes value) {
    struct kept *k = self;
    assert_int_equal(monitor_restore(k->to, key, value), ERR_OK);
    k->count++;
}

static void what_is_withheld_survives_a_restart(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    struct monitor_config config = {.cluster_gap = 10000};
    sql(&w, CRIT);
    http(&w, CRIT);
    sql(&w, OK);
    struct kept k = {monitor_new(&config), 0};
    struct record_sink sink = {&k, keep};
    monitor_flush(w.m, &sink);
    assert_int_equal(monitor_restored(k.to), ERR_OK);
    monitor_free(w.m);
    w.m = k.to;
    buffer_clear(&w.log);
    pass(&w, 19);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

static void a_dependency_that_is_removed_withholds_no_more(void **state) {
    (void)state;
    struct world w = world_begin(WORLD("", RESTS("web1", "db1", "c", "")));
    sql(&w, CRIT);
    http(&w, CRIT);
    expect(&w, SQL_DOWN);
    apply(&w, WORLD("", ""));
    pass(&w, 20);
    expect(&w, HTTP_DOWN);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_problem_that_the_master_explains_is_not_told),
        cmocka_unit_test(what_was_withheld_is_told_with_the_next_round),
        cmocka_unit_test(what_was_withheld_is_told_although_its_agent_is_silent),
        cmocka_unit_test(a_reminder_that_is_withheld_keeps_its_time),
        cmocka_unit_test(a_recovery_is_not_withheld),
        cmocka_unit_test(only_the_listed_states_of_the_master_count),
        cmocka_unit_test(ok_and_pending_can_be_listed),
        cmocka_unit_test(a_soft_problem_of_the_master_is_none_yet),
        cmocka_unit_test(what_the_master_rests_on_counts_if_it_is_inherited),
        cmocka_unit_test(each_dependency_has_its_own_period),
        cmocka_unit_test(a_host_dependency_withholds_the_services_too),
        cmocka_unit_test(told_once_is_told_once_whatever_the_master_does),
        cmocka_unit_test(parents_withhold_when_none_of_them_is_good),
        cmocka_unit_test(a_result_of_the_master_does_no_work_for_its_dependants),
        cmocka_unit_test(what_is_withheld_survives_a_restart),
        cmocka_unit_test(a_dependency_that_is_removed_withholds_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
