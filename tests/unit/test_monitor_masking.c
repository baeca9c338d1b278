/* Stories about scores: liars that are set aside, and who is not blamed. A round is ten seconds here. */
#include "masking_world.h"

/* ---- liars ---- */

static void a_constant_liar_is_masked_after_ten_rounds(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_round(&w, OK, OK, OK);
    play_rounds(&w, 10, OK, OK, CRIT);
    score_is(&w, "us", 45);
    expect(&w, "");
    http_is(&w, "OK HARD 1/3 OK by ap dissent us");
    votes(&w, "ap", OK);
    expect(&w,
           "SYSTEM observer us masked for web1/http: it disagreed in 10 of 10 rounds, last at 2026-01-28T12:01:40Z: "
           "CRITICAL where the verdict was OK []\n");
    http_is(&w, "OK HARD 1/3 OK by ap dissent us");
    struct vote_view us = stands(&w, "us");
    assert_true(us.masked && us.fresh && us.masked_by[0] == 0);
    assert_int_equal(us.masked_since, w.t);
    assert_int_equal(us.disagreed_at, DAY_ZERO + 100000);
    assert_int_equal(us.rounds, 10);
    assert_int_equal(us.disagreed, 10);
    assert_int_equal(us.state, CRIT);
    world_end(&w);
}

static void a_liar_that_hides_a_problem_is_masked_as_well(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " notification_interval 0\n"));
    play_rounds(&w, 15, CRIT, OK, CRIT);
    assert_true(log_has(&w, "SYSTEM observer eu masked for web1/http"));
    assert_true(log_has(&w, "PROBLEM web1/http CRITICAL HARD 3/3"));
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by ap dissent eu");
    world_end(&w);
}

static void a_host_has_its_scores_too(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", THREE " check_interval 10\n"));
    static const char *const names[] = {"ap", "eu", "us"};
    for (int i = 0; i < 15; i++) {
        for (int k = 0; k < 3; k++) {
            struct observation o = result_of(&w, "web1", "", k == 2 ? DOWN : UP, "text");
            assert_int_equal(say(&w, names[k], &o), ERR_OK);
        }
        world_advance(&w, ROUND);
    }
    assert_true(log_has(&w, "SYSTEM observer us masked for web1: it disagreed in 10 of 10 rounds"));
    assert_true(log_has(&w, "DOWN where the verdict was UP"));
    world_end(&w);
}

/* Rounds until an observer that lies in so many of 1,000 rounds is masked: the mean of many runs. */
static unsigned rounds_to_mask(unsigned per_mille) {
    enum { RUNS = 40 };
    unsigned total = 0;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct prng p;
        struct world w = world_begin(HOST_AND_SERVICE(THREE));
        prng_seed(&p, seed);
        for (; !log_has(&w, "us masked"); total++) {
            play_round(&w, OK, OK, prng_chance(&p, per_mille) ? CRIT : OK);
        }
        world_end(&w);
    }
    return total / RUNS;
}

static void who_lies_now_and_then_is_masked_later(void **state) {
    (void)state;
    unsigned thirty = rounds_to_mask(300), fifty = rounds_to_mask(500);
    assert_true(thirty >= 48 && thirty <= 76);
    assert_true(fifty >= 20 && fifty <= 32);
}

static void who_copies_the_majority_and_defects_once_changes_nothing(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    play_rounds(&w, 100, OK, OK, OK);
    score_is(&w, "us", 0);
    play_round(&w, OK, OK, CRIT);
    votes(&w, "ap", OK);
    score_is(&w, "us", 5);
    http_is(&w, "OK HARD 1/1 OK by ap dissent us");
    expect(&w, "");
    world_end(&w);
}

static void many_results_make_no_round_longer_or_dearer(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 2, OK, OK, OK);
    votes(&w, "ap", OK);
    votes(&w, "eu", OK);
    for (int i = 0; i < 9; i++) {
        for (int k = 0; k < 20; k++) {
            votes(&w, "us", CRIT);
        }
        world_advance(&w, 1);
    }
    score_is(&w, "us", 0);
    world_advance(&w, 1);
    votes(&w, "us", CRIT);
    score_is(&w, "us", 5);
    votes(&w, "us", CRIT);
    votes(&w, "ap", OK);
    score_is(&w, "us", 5);
    world_end(&w);
}

static void with_more_liars_than_the_bound_it_shows(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"));
    play_round(&w, OK, OK, OK);
    play_rounds(&w, 3, OK, CRIT, CRIT);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu dissent ap");
    expect(&w, "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by eu [ops]\n");
    play_rounds(&w, 12, OK, CRIT, CRIT);
    assert_true(log_has(&w, "SYSTEM observer ap masked for web1/http"));
    assert_true(log_has(&w, "OK where the verdict was CRITICAL"));
    struct vote_view ap = stands(&w, "ap");
    assert_true(ap.masked && ap.state == OK);
    world_end(&w);
}

/* ---- who is not blamed ---- */

static void silence_is_no_fault(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    all_vote(&w, OK);
    for (int i = 0; i < 20; i++) {
        votes(&w, "ap", CRIT);
        votes(&w, "eu", CRIT);
        world_advance(&w, ROUND);
    }
    score_is(&w, "us", 0);
    assert_false(log_has(&w, "masked"));
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by ap");
    world_end(&w);
}

static void an_old_vote_that_still_stands_is_judged_once(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " freshness_threshold 3600\n"));
    play_rounds(&w, 3, OK, OK, OK);
    votes(&w, "us", CRIT);
    for (int i = 0; i < 30; i++) {
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        world_advance(&w, ROUND);
    }
    score_is(&w, "us", 5);
    world_end(&w);
}

static void what_was_stale_at_the_end_of_the_round_is_not_judged(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " freshness_threshold 8\n"));
    for (int i = 0; i < 30; i++) {
        votes(&w, "us", CRIT);
        pass(&w, 4);
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        pass(&w, 5);
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        pass(&w, 1);
    }
    http_is(&w, "OK HARD 1/3 OK by ap");
    score_is(&w, "us", 0);
    world_end(&w);
}

static void unknown_is_no_dissent(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 20, OK, OK, UNKN);
    score_is(&w, "us", 0);
    expect(&w, "");
    world_end(&w);
}

static void a_convicted_observer_has_no_score(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" _OBSERVERS ap,eu,us,za\n _QUORUM 2\n"));
    struct monitor_sink sink = world_sink(&w);
    for (int i = 0; i < 6; i++) {
        votes(&w, "za", OK);
        play_round(&w, OK, OK, CRIT);
    }
    score_is(&w, "us", 20);
    monitor_convict(w.m, "us", "why", &sink);
    monitor_check(w.m);
    for (int i = 0; i < 10; i++) {
        votes(&w, "za", OK);
        play_round(&w, OK, OK, CRIT);
    }
    score_is(&w, "us", 0);
    assert_false(stands(&w, "us").masked);
    world_end(&w);
}

static void a_change_of_the_truth_blames_nobody_while_it_spreads(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " notification_interval 0\n"));
    play_rounds(&w, 3, OK, OK, OK);
    for (int i = 0; i < 12; i++) { /* a new truth each 20 s; us sees it one round late */
        uint8_t now = i % 2 ? OK : CRIT, before = i % 2 ? CRIT : OK;
        play_round(&w, now, now, before);
        play_round(&w, now, now, now);
    }
    votes(&w, "ap", OK);
    score_is(&w, "ap", 0);
    score_is(&w, "us", 0);
    world_end(&w);
}

/* ---- rounds that are none ---- */

static void nobody_is_blamed(struct world *w, const char *who) {
    for (; *who; who++) {
        char name[] = {*who, 0};
        score_is(w, name, 0);
    }
    assert_false(log_has(w, "masked"));
}

static void a_split_without_a_quorum_on_one_side_blames_nobody(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FOUR));
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "ab", OK);
        letters_vote(&w, "cd", CRIT);
        world_advance(&w, ROUND);
    }
    http_is(&w, "OK HARD 1/3 OK by a dissent c,d");
    nobody_is_blamed(&w, "abcd");
    world_end(&w);
}

static void an_undecided_split_blames_nobody(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE));
    letters_vote(&w, "abcde", OK);
    world_advance(&w, ROUND);
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "ab", OK);
        letters_vote(&w, "cd", CRIT);
        world_advance(&w, ROUND);
    }
    http_is(&w, "UNKNOWN HARD 3/3 4 of 5 report, undecided undecided dissent c,d");
    nobody_is_blamed(&w, "abcde");
    world_end(&w);
}

static void an_undecided_host_blames_nobody(void **state) {
    (void)state;
    struct world w = world_begin(PEOPLE HOST_OF("web1", FIVE " _QUORUM 2\n check_interval 10\n"));
    for (int i = 0; i < 40; i++) {
        for (const char *who = i < 10 ? "abcde" : "abcd"; *who; who++) {
            char name[] = {*who, 0};
            struct observation o = result_of(&w, "web1", "", *who == 'd' && i >= 10 ? DOWN : UP, "text");
            assert_int_equal(say(&w, name, &o), ERR_OK);
        }
        world_advance(&w, ROUND);
    }
    status(&w, "web1", "", "UP HARD 1/1 text undecided dissent d");
    expect(&w, "");
    world_end(&w);
}

/* Otherwise a few liars that report often could blame whom they like, between the rare words of the others. */
static void a_round_needs_a_quorum_of_new_votes(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " freshness_threshold 3600\n"));
    letters_vote(&w, "abcde", OK);
    for (int i = 0; i < 20; i++) {
        world_advance(&w, ROUND);
        letters_vote(&w, "ab", OK);
        letters_vote(&w, "c", CRIT);
    }
    http_is(&w, "OK HARD 1/3 OK by a dissent c");
    nobody_is_blamed(&w, "abcde");
    letters_vote(&w, "d", OK);
    world_advance(&w, ROUND);
    letters_vote(&w, "d", OK);
    score_is(&w, "c", 5);
    world_end(&w);
}

static void where_a_few_suffice_the_others_are_not_blamed(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " _QUORUM 2\n"));
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "abc", OK);
        letters_vote(&w, "de", CRIT);
        world_advance(&w, ROUND);
    }
    http_is(&w, "CRITICAL HARD 3/3 CRITICAL by d dissent a,b,c");
    nobody_is_blamed(&w, "abcde");
    world_end(&w);
}

static void where_one_voice_suffices_nobody_is_scored(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " _QUORUM 1\n"));
    play_rounds(&w, 3, OK, OK, OK);
    play_rounds(&w, 20, CRIT, CRIT, OK);
    score_is(&w, "us", 0);
    assert_false(log_has(&w, "masked"));
    world_end(&w);
}

static void a_single_observer_works_as_before(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(" max_check_attempts 1\n"));
    for (int i = 0; i < 30; i++) {
        votes(&w, "web1", i % 2 ? CRIT : OK);
        world_advance(&w, ROUND);
    }
    score_is(&w, "web1", 0);
    assert_false(log_has(&w, "masked"));
    world_end(&w);
}

static void while_it_flaps_scores_stand_still(void **state) {
    (void)state;
    world_detects_flapping = true;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"
                                                        " low_flap_threshold 20\n high_flap_threshold 30\n"));
    for (int i = 0; i < 48; i++) {
        uint8_t s = i / 2 % 2 ? CRIT : OK;
        play_round(&w, s, s, s);
    }
    int frozen = 0;
    for (bool flaps = true; flaps; frozen++) {
        struct op_query q = {QUERY_STATUS, "web1", "http", "", "", 1, 0};
        struct query_page page;
        struct arena arena = {0};
        play_round(&w, OK, OK, WARN);
        monitor_query(w.m, &q, &page, &arena);
        flaps = page.list[0].flapping;
        arena_free(&arena);
        score_is(&w, "us", 0);
    }
    assert_true(frozen > 5);
    play_rounds(&w, 3, OK, OK, WARN);
    score_is(&w, "us", 15);
    world_detects_flapping = false;
    world_end(&w);
}

/* Silent or loud, the liar cannot keep another one's rounds from being judged. */
static void a_silent_observer_freezes_no_score(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE));
    letters_vote(&w, "abcde", OK);
    for (int i = 0; i < 15; i++) {
        letters_vote(&w, "abc", OK);
        letters_vote(&w, "d", CRIT);
        world_advance(&w, ROUND);
    }
    assert_true(log_has(&w, "SYSTEM observer d masked for web1/http"));
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_liar_is_masked_after_ten_rounds),
        cmocka_unit_test(a_liar_that_hides_a_problem_is_masked_as_well),
        cmocka_unit_test(a_host_has_its_scores_too),
        cmocka_unit_test(who_lies_now_and_then_is_masked_later),
        cmocka_unit_test(who_copies_the_majority_and_defects_once_changes_nothing),
        cmocka_unit_test(many_results_make_no_round_longer_or_dearer),
        cmocka_unit_test(with_more_liars_than_the_bound_it_shows),
        cmocka_unit_test(silence_is_no_fault),
        cmocka_unit_test(an_old_vote_that_still_stands_is_judged_once),
        cmocka_unit_test(what_was_stale_at_the_end_of_the_round_is_not_judged),
        cmocka_unit_test(unknown_is_no_dissent),
        cmocka_unit_test(a_convicted_observer_has_no_score),
        cmocka_unit_test(a_change_of_the_truth_blames_nobody_while_it_spreads),
        cmocka_unit_test(a_split_without_a_quorum_on_one_side_blames_nobody),
        cmocka_unit_test(an_undecided_split_blames_nobody),
        cmocka_unit_test(an_undecided_host_blames_nobody),
        cmocka_unit_test(a_round_needs_a_quorum_of_new_votes),
        cmocka_unit_test(where_a_few_suffice_the_others_are_not_blamed),
        cmocka_unit_test(where_one_voice_suffices_nobody_is_scored),
        cmocka_unit_test(a_single_observer_works_as_before),
        cmocka_unit_test(while_it_flaps_scores_stand_still),
        cmocka_unit_test(a_silent_observer_freezes_no_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
