/* What a live drill says of the alerts of the cluster: which are false, which were missed, and which nobody can tell.
 */
#include "tests/unit/live_world.h"

static void alerts_are(struct alert *list, unsigned count) {
    world.alerts = list;
    world.alert_count = count;
}

static void states_are(struct object_status *list, unsigned count) {
    world.states = list;
    world.state_count = count;
}

static int64_t counted(const char *key) {
    return json_integer_value(json_object_get(json_object_get(report, "alerts"), key));
}

static bool timeline_has(const char *words) {
    char *text = json_dumps(json_object_get(report, "timeline"), JSON_COMPACT);
    bool has = strstr(text, words) != NULL;
    free(text);
    return has;
}

/* ---- false alerts ---- */

static struct alert problem(const char *service, uint8_t state, const struct vote_view *votes, unsigned count) {
    return (struct alert){.type = ALERT_PROBLEM,
                          .host = "web1",
                          .service = service,
                          .state = state,
                          .hard = true,
                          .quorum = 2,
                          .observers = 3,
                          .vote_count = count,
                          .votes = votes,
                          .output = ""};
}

static void problem_that_too_few_votes_bear_is_false(void **state) {
    const struct vote_view votes[] = {{.observer = "a", .state = 2, .fresh = true},
                                      {.observer = "b", .state = STATE_OK, .fresh = true},
                                      {.observer = "c", .state = STATE_OK, .fresh = true}};
    struct alert a = problem("http", 2, votes, 3);
    (void)state;
    alerts_are(&a, 1);
    assert_int_equal(run(), CLI_REFUSED);
    assert_int_equal(counted("false"), 1);
}

static void problem_that_a_quorum_bears_is_true(void **state) {
    const struct vote_view votes[] = {{.observer = "a", .state = 2, .fresh = true},
                                      {.observer = "b", .state = 1, .fresh = true},
                                      {.observer = "c", .state = STATE_OK, .fresh = true}};
    struct alert a = problem("http", 2, votes, 3);
    (void)state;
    alerts_are(&a, 1);
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(counted("false"), 0);
}

static void silence_bears_whatever_state_it_has(void **state) {
    const struct vote_view stale[] = {{.observer = "a", .state = STATE_OK, .fresh = true},
                                      {.observer = "b", .state = STATE_OK},
                                      {.observer = "c", .state = STATE_PENDING, .fresh = true}},
                           masked[] = {{.observer = "a", .state = STATE_OK, .fresh = true, .masked = true},
                                       {.observer = "b", .state = STATE_OK, .fresh = true, .convicted = true},
                                       {.observer = "c", .state = STATE_OK, .fresh = true}};
    struct alert list[] = {problem("", 1, stale, 3), problem("http", 2, stale, 3), problem("http", 1, masked, 3)};
    (void)state;
    alerts_are(list, 3);
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(counted("false"), 0);
}

/* ---- missed ones ---- */

enum { OLD = 5, NEW = BEGAN_T + 1000 };

static struct object_status hard(const char *service, time_ms since) {
    return (struct object_status){.host = "web1",
                                  .service = service,
                                  .state = service[0] != '\0' ? 2 : 1,
                                  .hard = true,
                                  .since = since,
                                  .output = "",
                                  .perfdata = ""};
}

static void untold_problem_of_who_is_told_of_is_missed(void **state) {
    struct object_status s = hard("http", NEW);
    struct alert before = problem("http", 2, NULL, 0);
    (void)state;
    before.type = ALERT_RECOVERY;
    alerts_are(&before, 1);
    world.old = 1;
    states_are(&s, 1);
    assert_int_equal(run(), CLI_REFUSED);
    assert_int_equal(counted("missed"), 1);
    assert_int_equal(counted("raised"), 0);
}

/* Notifications off, a delay, no contact: no status says so. */
static void untold_problem_of_who_may_not_be_told_of_is_a_note(void **state) {
    struct object_status s = hard("http", NEW);
    (void)state;
    states_are(&s, 1);
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(counted("missed"), 0);
    assert_true(timeline_has("web1/http has a hard problem that was not told: look whether"));
}

/* The alert of the service of late makes sure that it is the host that excuses it. */
static void host_with_a_problem_excuses(struct object_status host) {
    struct object_status list[] = {host, hard("http", NEW)};
    struct alert before = problem("http", 2, NULL, 0);
    alerts_are(&before, 1);
    world.old = 1;
    states_are(list, 2);
    assert_int_equal(run(), CLI_DONE);
    assert_int_equal(counted("missed"), 0);
    assert_false(timeline_has("was not told"));
    json_decref(report);
    report = NULL;
    world.ordered_at = world.ended_at = 0;
}

static void host_that_is_down_excuses_its_services(void **state) {
    struct object_status acknowledged = hard("", NEW), planned = hard("", NEW);
    (void)state;
    acknowledged.acknowledged = true;
    planned.downtime_depth = 1;
    host_with_a_problem_excuses(hard("", OLD));
    host_with_a_problem_excuses(acknowledged);
    host_with_a_problem_excuses(planned);
}

static void what_its_status_excuses_is_not_missed(void **state) {
    struct object_status list[] = {hard("a", OLD), hard("b", NEW), hard("c", NEW), hard("d", NEW), hard("e", NEW)};
    (void)state;
    list[1].acknowledged = true;
    list[2].downtime_depth = 1;
    list[3].flapping = true;
    list[4].hard = false;
    states_are(list, 5);
    assert_int_equal(run(), CLI_DONE);
    assert_false(timeline_has("was not told"));
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, world_begins, world_ends)

int main(void) {
    const struct CMUnitTest tests[] = {
        RUN(problem_that_too_few_votes_bear_is_false),
        RUN(problem_that_a_quorum_bears_is_true),
        RUN(silence_bears_whatever_state_it_has),
        RUN(untold_problem_of_who_is_told_of_is_missed),
        RUN(untold_problem_of_who_may_not_be_told_of_is_a_note),
        RUN(host_that_is_down_excuses_its_services),
        RUN(what_its_status_excuses_is_not_missed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
