/* Stories about observers: liars, two-faced ones, silent ones, and results that are refused. */
#include "monitor_world.h"

static void nothing_is_judged_before_every_observer_voted_once(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    http_is(&w, "PENDING HARD 1/1 ");
    expect(&w, "");
    votes(&w, "us", OK);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    world_end(&w);
}

static void or_its_first_deadline_passed_which_counts_from_apply(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    pass(&w, 20);
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    pass(&w, 9);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    world_end(&w);
}

static void what_nobody_ever_spoke_of_stays_pending(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    pass(&w, 100);
    http_is(&w, "PENDING HARD 1/1 ");
    status(&w, "web1", "", "PENDING HARD 1/1 ");
    expect(&w, "");
    world_end(&w);
}

static void a_liar_alone_changes_nothing_and_is_shown(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    for (int i = 0; i < 10; i++) {
        pass(&w, 5);
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        votes(&w, "us", i % 2 ? CRIT : WARN);
    }
    http_is(&w, "OK HARD 1/1 OK by ap dissent us");
    expect(&w, "");
    votes(&w, "us", OK);
    http_is(&w, "OK HARD 1/1 OK by ap");
    world_end(&w);
}

static void a_liar_alone_hides_nothing(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    votes(&w, "ap", OK);
    votes(&w, "eu", CRIT);
    votes(&w, "us", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by eu [ops]\n");
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu dissent ap");
    world_end(&w);
}

static void lasting_dissent_is_told_once_where_that_is_asked_for(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " _DISSENT_NOTIFY 1\n"));
    for (int i = 0; i < 9; i++) {
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        votes(&w, "us", CRIT);
        pass(&w, 10);
    }
    expect(&w, "DISSENT web1/http OK HARD 1/3 #0 us says CRITICAL; 2 of 3 observers would decide it [ops]\n");
    votes(&w, "us", OK);
    pass(&w, 5);
    expect(&w, "");
    world_end(&w);
}

/* Two of three voted anew too early for a second attempt; the moment at which the dissent is told is not theirs. */
static void somebody_else_s_deadline_completes_no_round(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " _DISSENT_NOTIFY 1\n"));
    all_vote(&w, OK);
    for (int i = 0; i < 2; i++) {
        votes(&w, "us", OK);
        votes(&w, "ap", CRIT);
        votes(&w, "eu", CRIT);
        pass(&w, 2);
    }
    pass(&w, 26);
    expect(&w, "DISSENT web1/http CRITICAL SOFT 1/3 #0 us says OK; 2 of 3 observers would decide it [ops]\n");
    http_is(&w, "CRITICAL SOFT 1/3 CRITICAL by ap dissent us");
    votes(&w, "us", OK); /* the next result counts the round, whoever it is from */
    http_is(&w, "CRITICAL SOFT 2/3 CRITICAL by ap dissent us");
    world_end(&w);
}

static void a_two_faced_observer_is_convicted_and_missing_from_then_on(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    struct monitor_sink sink = world_sink(&w);
    votes(&w, "ap", CRIT);
    votes(&w, "us", OK);
    struct observation o = result_of(&w, "web1", "http", CRIT, "one face");
    assert_int_equal(say(&w, "eu", &o), ERR_OK);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by ap [ops]\n");
    assert_int_equal(say(&w, "eu", &o), ERR_OLD_RESULT);
    assert_false(w.convict);
    o.state = OK;
    assert_int_equal(say(&w, "eu", &o), ERR_EQUIVOCATION);
    assert_true(w.convict);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap dissent us");
    monitor_convict(w.m, "eu", "one obs_seq, two contents", &sink);
    monitor_check(w.m);
    expect(&w, "SYSTEM observer eu convicted: one obs_seq, two contents []\n");
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap undecided dissent ap");
    monitor_convict(w.m, "eu", "again", &sink);
    expect(&w, "");
    votes(&w, "eu", OK);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap undecided dissent ap");
    votes(&w, "ap", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    world_end(&w);
}

#define SYSTEM_GROUP "define contactgroup {\n contactgroup_name sys\n members boss\n}\n"

static void system_alerts_reach_the_system_contacts(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE SYSTEM_GROUP HOST_OF("web1", " _SYSTEM_CONTACTS sys\n"));
    struct monitor_sink sink = world_sink(&w);
    monitor_convict(w.m, "eu", "why", &sink);
    expect(&w, "SYSTEM observer eu convicted: why [boss]\n");
    world_end(&w);
}

static void votes_go_stale_one_by_one_and_the_rest_decide(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    pass(&w, 10);
    votes(&w, "eu", OK);
    votes(&w, "us", OK);
    pass(&w, 20);
    http_is(&w, "OK HARD 1/1 OK by eu");
    votes(&w, "us", OK);
    pass(&w, 10);
    http_is(&w, "OK HARD 1/1 OK by eu undecided");
    expect(&w, "");
    votes(&w, "us", OK);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 1 of 3 report, undecided [ops]\n");
    votes(&w, "ap", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    world_end(&w);
}

static void an_undecided_verdict_waits_for_a_full_round(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    pass(&w, 10);
    votes(&w, "eu", OK);
    votes(&w, "us", OK);
    pass(&w, 20);
    votes(&w, "eu", CRIT);
    http_is(&w, "OK HARD 1/1 OK by eu undecided dissent eu");
    votes(&w, "us", CRIT);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by eu [ops]\n");
    votes(&w, "us", OK);
    votes(&w, "us", OK);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu undecided dissent eu");
    votes(&w, "eu", CRIT);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #2 2 of 3 report, undecided [ops]\n");
    world_end(&w);
}

static void when_all_fall_silent_one_alert_comes_at_the_agreed_deadline(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"));
    all_vote(&w, OK);
    pass(&w, 29);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    pass(&w, 300);
    expect(&w, "");
    all_vote(&w, OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    world_end(&w);
}

static void silence_counts_its_attempts_by_the_clock(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 3\n notification_interval 0\n"));
    all_vote(&w, OK);
    pass(&w, 30);
    http_is(&w, "UNKNOWN SOFT 1/3 no observer reports since 2026-01-28T12:00:00Z");
    pass(&w, 10);
    http_is(&w, "UNKNOWN SOFT 2/3 no observer reports since 2026-01-28T12:00:00Z");
    pass(&w, 9);
    expect(&w, "");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 3/3 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    world_end(&w);
}

static void the_configuration_may_name_the_state_of_silence(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n _STALE_STATE CRITICAL\n"));
    all_vote(&w, OK);
    pass(&w, 30);
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    world_end(&w);
}

static void a_service_silent_behind_a_dead_host_is_told_after_the_host(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"));
    all_vote(&w, OK);
    host_votes(&w, "web1", UP);
    pass(&w, 30);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    http_is(&w, "UNKNOWN HARD 1/1 no observer reports since 2026-01-28T12:00:00Z");
    pass(&w, 5);
    host_votes(&w, "web1", UP);
    expect(&w, "RECOVERY web1 UP HARD 1/1 #2 host up [ops]\n");
    pass(&w, 5);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    world_end(&w);
}

static void freshness_off_keeps_votes_for_ever(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " check_freshness 0\n"));
    all_vote(&w, OK);
    pass(&w, 200);
    http_is(&w, "OK HARD 1/3 OK by ap");
    world_end(&w);
}

static void an_undecided_host_keeps_its_state(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", THREE));
    const char *who[] = {"ap", "eu", "us"};
    for (int i = 0; i < 3; i++) {
        struct observation o = result_of(&w, "web1", "", UP, "here");
        assert_int_equal(say(&w, who[i], &o), ERR_OK);
    }
    pass(&w, 10);
    struct observation o = result_of(&w, "web1", "", UP, "here");
    assert_int_equal(say(&w, "eu", &o), ERR_OK);
    pass(&w, 25);
    status(&w, "web1", "", "UP HARD 1/1 here undecided");
    o = result_of(&w, "web1", "", UP, "still here");
    assert_int_equal(say(&w, "eu", &o), ERR_OK);
    status(&w, "web1", "", "UP HARD 1/1 here undecided");
    pass(&w, 30);
    expect(&w, "PROBLEM web1 DOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:35Z [ops]\n");
    world_end(&w);
}

static void q_observers_that_say_unknown_are_believed(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    votes(&w, "ap", OK);
    votes(&w, "eu", UNKN);
    votes(&w, "us", UNKN);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 UNKNOWN by eu [ops]\n");
    votes(&w, "us", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    world_end(&w);
}

/* ---- the cluster itself was down ---- */

static void a_gap_moves_every_deadline_and_says_so_once(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    pass(&w, 20);
    world_advance(&w, 3600);
    expect(&w, "SYSTEM CLUSTER_GAP: agreed time stood still for 3600 s: every deadline moved by as much []\n");
    pass(&w, 9);
    expect(&w, "");
    http_is(&w, "OK HARD 1/1 OK by ap");
    pass(&w, 1);
    expect(&w, "PROBLEM web1/http UNKNOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    world_end(&w);
}

static void a_second_gap_without_a_result_moves_nothing(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    all_vote(&w, OK);
    world_advance(&w, 11);
    world_advance(&w, 31);
    expect(&w, "SYSTEM CLUSTER_GAP: agreed time stood still for 11 s: every deadline moved by as much []\n"
               "SYSTEM CLUSTER_GAP: agreed time stood still for 31 s: every deadline moved by as much []\n"
               "PROBLEM web1/http UNKNOWN HARD 1/1 #1 no observer reports since 2026-01-28T12:00:00Z [ops]\n");
    all_vote(&w, OK);
    buffer_clear(&w.log);
    world_advance(&w, 40);
    http_is(&w, "OK HARD 1/1 OK by ap");
    world_end(&w);
}

static void ten_seconds_are_no_gap(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    world_advance(&w, 10);
    expect(&w, "");
    world_end(&w);
}

/* ---- refusals ---- */

#define FAIL(observer, change, error)                                                                                  \
    do {                                                                                                               \
        struct observation o = result_of(&w, "web1", "http", OK, "text");                                              \
        change;                                                                                                        \
        assert_int_equal(say(&w, observer, &o), error);                                                                \
        assert_false(w.convict);                                                                                       \
    } while (0)
#define PASS(observer, change) FAIL(observer, change, ERR_OK)

static void results_are_refused_by_name(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    w.obs_seq = 100;
    FAIL("ap", o.host = "nowhere", ERR_UNKNOWN_HOST);
    FAIL("ap", (o.host = "nowhere", o.service = ""), ERR_UNKNOWN_HOST);
    FAIL("ap", o.service = "nothing", ERR_UNKNOWN_SERVICE);
    FAIL("mallory", o.state = OK, ERR_NOT_AN_OBSERVER);
    FAIL("ap", o.service = "", ERR_NOT_AN_OBSERVER);
    FAIL("ap", o.state = 4, ERR_BAD_STATE);
    FAIL("ap", o.state = 255, ERR_BAD_STATE);
    FAIL("web1", (o.service = "", o.state = 3), ERR_BAD_STATE);
    PASS("web1", (o.service = "", o.state = 2));
    FAIL("ap", o.observed_at -= 60001, ERR_LATE);
    PASS("ap", o.observed_at -= 60000);
    PASS("ap", o.observed_at += 3600000);
    FAIL("ap", o.obs_seq = 1, ERR_OLD_RESULT);
    PASS("eu", o.obs_seq = 0);
    world_end(&w);
}

static void without_objects_every_host_is_unknown(void **state) {
    (void)state;
    struct world w = world_begin(NULL);
    FAIL("ap", o.state = OK, ERR_UNKNOWN_HOST);
    world_end(&w);
}

static void a_late_result_leaves_no_trace(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" freshness_threshold 90\n"));
    votes(&w, "web1", OK);
    FAIL("web1", (o.observed_at -= 90001, o.state = CRIT), ERR_LATE);
    http_is(&w, "OK HARD 1/3 OK by web1");
    PASS("web1", o.observed_at -= 90000);
    world_end(&w);
}

static void an_observation_ahead_of_time_is_clamped(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(""));
    PASS("web1", o.observed_at += 5000);
    struct op_query q = {QUERY_STATUS, "web1", "http", "", "", 1, 0};
    struct query_page page;
    struct arena arena = {0};
    monitor_query(w.m, &q, &page, &arena);
    assert_int_equal(page.list[0].votes[0].observed_at, w.t);
    arena_free(&arena);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_judged_before_every_observer_voted_once),
        cmocka_unit_test(or_its_first_deadline_passed_which_counts_from_apply),
        cmocka_unit_test(what_nobody_ever_spoke_of_stays_pending),
        cmocka_unit_test(a_liar_alone_changes_nothing_and_is_shown),
        cmocka_unit_test(a_liar_alone_hides_nothing),
        cmocka_unit_test(lasting_dissent_is_told_once_where_that_is_asked_for),
        cmocka_unit_test(somebody_else_s_deadline_completes_no_round),
        cmocka_unit_test(a_two_faced_observer_is_convicted_and_missing_from_then_on),
        cmocka_unit_test(system_alerts_reach_the_system_contacts),
        cmocka_unit_test(votes_go_stale_one_by_one_and_the_rest_decide),
        cmocka_unit_test(an_undecided_verdict_waits_for_a_full_round),
        cmocka_unit_test(when_all_fall_silent_one_alert_comes_at_the_agreed_deadline),
        cmocka_unit_test(silence_counts_its_attempts_by_the_clock),
        cmocka_unit_test(the_configuration_may_name_the_state_of_silence),
        cmocka_unit_test(a_service_silent_behind_a_dead_host_is_told_after_the_host),
        cmocka_unit_test(freshness_off_keeps_votes_for_ever),
        cmocka_unit_test(an_undecided_host_keeps_its_state),
        cmocka_unit_test(q_observers_that_say_unknown_are_believed),
        cmocka_unit_test(a_gap_moves_every_deadline_and_says_so_once),
        cmocka_unit_test(a_second_gap_without_a_result_moves_nothing),
        cmocka_unit_test(ten_seconds_are_no_gap),
        cmocka_unit_test(results_are_refused_by_name),
        cmocka_unit_test(without_objects_every_host_is_unknown),
        cmocka_unit_test(a_late_result_leaves_no_trace),
        cmocka_unit_test(an_observation_ahead_of_time_is_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
