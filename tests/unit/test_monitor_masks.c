/* Stories about masks: how many there may be, how an observer comes back, and operators who know better. */
#include "masking_world.h"

/* ---- the limit ---- */

static void no_more_are_masked_than_the_quorum_bears(void **state) {
    (void)state;
    struct world w =
        world_begin(HOST_AND_SERVICE(FIVE " _QUORUM 2\n max_check_attempts 1\n notification_interval 0\n"));
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "abc", CRIT);
        letters_vote(&w, "de", OK);
        world_advance(&w, ROUND);
    }
    expect(&w,
           "PROBLEM web1/http CRITICAL HARD 1/1 #1 CRITICAL by a [ops]\n"
           "SYSTEM observer d masked for web1/http: it disagreed in 10 of 10 rounds, last at 2026-01-28T12:01:40Z: OK "
           "where the verdict was CRITICAL []\n"
           "SYSTEM observer e not masked for web1/http: it disagreed in 10 of 10 rounds, last at "
           "2026-01-28T12:01:40Z: OK where the verdict was CRITICAL; 1 of 5 observers are set aside already, and 1 is "
           "the most that the quorum bears []\n");
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by a dissent d,e");
    assert_true(stands(&w, "d").masked && !stands(&w, "e").masked);
    score_is(&w, "e", 50);
    world_end(&w);
}

static void the_convicted_take_their_room(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " _QUORUM 2\n notification_interval 0\n"));
    struct monitor_sink sink = world_sink(&w);
    letters_vote(&w, "abcde", CRIT);
    monitor_convict(w.m, "e", "why", &sink);
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "abc", CRIT);
        letters_vote(&w, "d", OK);
        world_advance(&w, ROUND);
    }
    assert_true(log_has(&w, "observer d not masked for web1/http"));
    assert_false(stands(&w, "d").masked);
    world_end(&w);
}

static void a_mask_gives_way_to_a_conviction(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " _QUORUM 2\n notification_interval 0\n"));
    struct monitor_sink sink = world_sink(&w);
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "abce", CRIT);
        letters_vote(&w, "d", OK);
        world_advance(&w, ROUND);
    }
    assert_true(stands(&w, "d").masked);
    buffer_clear(&w.log);
    monitor_convict(w.m, "e", "why", &sink);
    monitor_check(w.m);
    expect(&w,
           "SYSTEM observer e convicted: why []\n"
           "SYSTEM observer d unmasked for web1/http: no more than the quorum bears may be set aside; on probation for "
           "50 rounds []\n");
    world_end(&w);
}

static void a_masked_observer_that_is_convicted_is_only_that(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct monitor_sink sink = world_sink(&w);
    play_rounds(&w, 15, OK, OK, CRIT);
    monitor_convict(w.m, "us", "why", &sink);
    monitor_check(w.m);
    struct vote_view us = stands(&w, "us");
    assert_true(us.convicted && !us.masked && us.score == 0);
    http_is(&w, "OK HARD 1/3 OK by ap");
    world_end(&w);
}

static void a_smaller_bound_releases_who_is_nearest_to_it(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " notification_interval 0\n"));
    for (int i = 0; i < 15; i++) {
        letters_vote(&w, "abc", CRIT);
        letters_vote(&w, "de", OK);
        world_advance(&w, ROUND);
    }
    letters_vote(&w, "abce", CRIT);
    letters_vote(&w, "d", OK);
    world_advance(&w, ROUND);
    letters_vote(&w, "abc", CRIT);
    assert_true(stands(&w, "d").masked && stands(&w, "e").masked);
    buffer_clear(&w.log);
    apply(&w, HOST_AND_SERVICE(FIVE " _QUORUM 2\n notification_interval 0\n"));
    expect(&w,
           "SYSTEM observer e unmasked for web1/http: no more than the quorum bears may be set aside; on probation for "
           "50 rounds []\n");
    assert_true(stands(&w, "d").masked && !stands(&w, "e").masked);
    world_end(&w);
}

/* ---- back again ---- */

static void fifty_agreeing_rounds_unmask_on_probation(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_round(&w, OK, OK, OK);
    play_rounds(&w, 10, OK, OK, CRIT);
    play_rounds(&w, 50, OK, OK, OK);
    score_is(&w, "us", 1);
    assert_true(stands(&w, "us").masked);
    buffer_clear(&w.log);
    play_round(&w, OK, OK, OK);
    expect(&w, "SYSTEM observer us unmasked for web1/http: it agreed again; on probation for 50 rounds []\n");
    assert_false(stands(&w, "us").masked);
    assert_int_equal(stands(&w, "us").probation, 50);
    play_rounds(&w, 4, OK, OK, CRIT);
    votes(&w, "us", CRIT);
    expect(&w, "");
    votes(&w, "ap", OK);
    votes(&w, "eu", OK);
    world_advance(&w, ROUND);
    votes(&w, "ap", OK);
    assert_true(log_has(&w, "observer us masked for web1/http: it disagreed in 5 of 5 rounds"));
    buffer_clear(&w.log);
    play_rounds(&w, 51, OK, OK, OK);
    expect(&w, "SYSTEM observer us unmasked for web1/http: it agreed again; on probation for 100 rounds []\n");
    world_end(&w);
}

static void behind_the_probation_the_whole_score_counts_again(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 11, OK, OK, CRIT);
    play_rounds(&w, 50, OK, OK, OK);
    votes(&w, "us", OK);
    assert_int_equal(stands(&w, "us").probation, 50);
    play_rounds(&w, 49, OK, OK, OK);
    votes(&w, "us", OK);
    assert_int_equal(stands(&w, "us").probation, 1);
    play_round(&w, OK, OK, OK);
    buffer_clear(&w.log);
    play_rounds(&w, 10, OK, OK, CRIT);
    assert_int_equal(stands(&w, "us").probation, 0);
    expect(&w, "");
    votes(&w, "ap", OK);
    assert_true(log_has(&w, "observer us masked"));
    world_end(&w);
}

static void the_last_round_of_a_probation_is_one_of_it(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 11, OK, OK, CRIT);
    play_rounds(&w, 50, OK, OK, OK);
    votes(&w, "us", OK);
    assert_int_equal(stands(&w, "us").probation, 50);
    play_rounds(&w, 45, OK, OK, OK);
    play_rounds(&w, 5, OK, OK, CRIT);
    buffer_clear(&w.log);
    votes(&w, "ap", OK);
    assert_true(log_has(&w, "observer us masked for web1/http: it disagreed in 5 of 5 rounds"));
    world_end(&w);
}

static void probation_is_doubled_no_further_than_its_bound(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    for (int i = 0; i < 12; i++) {
        play_rounds(&w, 11, OK, OK, CRIT);
        play_rounds(&w, 62, OK, OK, OK);
    }
    assert_true(log_has(&w, "on probation for 3200 rounds"));
    assert_true(log_has(&w, "on probation for 6400 rounds"));
    assert_false(log_has(&w, "on probation for 12800 rounds"));
    world_end(&w);
}

static void a_masked_observer_is_still_scored(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_round(&w, OK, OK, OK);
    play_rounds(&w, 10, OK, OK, CRIT);
    play_rounds(&w, 20, OK, OK, OK);
    score_is(&w, "us", 31);
    play_round(&w, OK, OK, CRIT);
    votes(&w, "ap", OK);
    score_is(&w, "us", 35);
    world_end(&w);
}

static void agreement_pays_dissent_back_and_is_forgotten_then(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_round(&w, OK, OK, OK);
    play_rounds(&w, 3, OK, OK, CRIT);
    play_rounds(&w, 10, OK, OK, OK);
    struct vote_view us = stands(&w, "us");
    assert_int_equal(us.score, 6);
    assert_int_equal(us.rounds, 12);
    assert_int_equal(us.disagreed, 3);
    play_rounds(&w, 6, OK, OK, OK);
    us = stands(&w, "us");
    assert_true(us.score == 0 && us.rounds == 0 && us.disagreed == 0 && us.disagreed_at == 0);
    world_end(&w);
}

/* ---- operators ---- */

static enum error order(struct world *w, enum mask_order order, const char *observer, const char *host,
                        const char *service, const char *said) {
    struct monitor_sink sink = world_sink(w);
    struct mask_request r = {observer, host, service, "anna", order};
    struct buffer text = {0};
    enum error e = monitor_mask(w->m, &r, &sink, &text);
    assert_string_equal(buffer_cstr(&text), said);
    buffer_free(&text);
    monitor_check(w->m);
    return e;
}

static void an_operator_masks_and_the_verdict_follows(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n notification_interval 0\n"));
    votes(&w, "ap", OK);
    votes(&w, "eu", CRIT);
    votes(&w, "us", CRIT);
    buffer_clear(&w.log);
    assert_int_equal(order(&w, MASK_SET, "us", "web1", "http", "observer us masked by anna for web1/http"), ERR_OK);
    expect(&w, "SYSTEM observer us masked by anna for web1/http []\n");
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu undecided dissent eu,us");
    votes(&w, "eu", OK);
    expect(&w, "RECOVERY web1/http OK HARD 1/1 #2 OK by ap [ops]\n");
    struct vote_view us = stands(&w, "us");
    assert_true(us.masked && us.masked_by[0] && us.masked_since == w.t);
    votes(&w, "eu", CRIT);
    assert_int_equal(order(&w, MASK_CLEAR, "us", "web1", "http", "observer us unmasked by anna for web1/http"), ERR_OK);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by eu dissent ap");
    assert_false(stands(&w, "us").masked);
    world_end(&w);
}

static void what_an_operator_masked_no_round_unmasks(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 12, OK, OK, CRIT);
    assert_int_equal(order(&w, MASK_SET, "us", "web1", "http", "observer us masked by anna for web1/http"), ERR_OK);
    play_rounds(&w, 120, OK, OK, OK);
    assert_true(stands(&w, "us").masked);
    score_is(&w, "us", 0);
    world_end(&w);
}

static void an_operators_unmask_forgives_everything(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    play_rounds(&w, 12, OK, OK, CRIT);
    assert_true(stands(&w, "us").masked);
    assert_int_equal(order(&w, MASK_CLEAR, "us", "web1", "http", "observer us unmasked by anna for web1/http"), ERR_OK);
    struct vote_view us = stands(&w, "us");
    assert_true(!us.masked && us.score == 0 && us.probation == 0);
    buffer_clear(&w.log);
    play_rounds(&w, 9, OK, OK, CRIT);
    expect(&w, "");
    world_end(&w);
}

static void an_operators_mask_takes_room_and_may_exceed_it(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE " _QUORUM 2\n notification_interval 0\n"));
    letters_vote(&w, "abcde", CRIT);
    assert_int_equal(order(&w, MASK_SET, "e", "web1", "http", "observer e masked by anna for web1/http"), ERR_OK);
    for (int i = 0; i < 20; i++) {
        letters_vote(&w, "abc", CRIT);
        letters_vote(&w, "d", OK);
        world_advance(&w, ROUND);
    }
    assert_true(log_has(&w, "observer d not masked for web1/http"));
    assert_int_equal(
        order(&w, MASK_SET, "d", "web1", "http",
              "observer d masked by anna for web1/http; more observers of web1/http are set aside than the "
              "quorum bears: the others may be unable to decide"),
        ERR_OK);
    assert_true(stands(&w, "d").masked && stands(&w, "e").masked);
    world_end(&w);
}

static void an_operator_masks_everywhere(void **state) {
    (void)state;
    struct world w =
        world_begin(PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "http", THREE) SERVICE_OF("web1", "smtp", THREE));
    assert_int_equal(order(&w, MASK_SET, "ap", "", "", "observer ap masked by anna for 2 hosts and services"), ERR_OK);
    assert_int_equal(order(&w, MASK_CLEAR, "ap", "web1", "http", "observer ap unmasked by anna for web1/http"), ERR_OK);
    assert_int_equal(order(&w, MASK_CLEAR, "ap", "", "", "observer ap unmasked by anna for web1/smtp"), ERR_OK);
    assert_int_equal(order(&w, MASK_CLEAR, "ap", "", "", ""), ERR_NOT_FOUND);
    world_end(&w);
}

static void who_is_masked_is_not_waited_for(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE " max_check_attempts 1\n"));
    votes(&w, "ap", CRIT);
    votes(&w, "eu", CRIT);
    http_is(&w, "PENDING HARD 1/1 ");
    assert_int_equal(order(&w, MASK_SET, "us", "web1", "http", "observer us masked by anna for web1/http"), ERR_OK);
    http_is(&w, "CRITICAL HARD 1/1 CRITICAL by ap");
    world_end(&w);
}

static void orders_are_refused_by_name(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct monitor_sink sink = world_sink(&w);
    assert_int_equal(order(&w, MASK_SET, "ap", "web2", "http", ""), ERR_UNKNOWN_HOST);
    assert_int_equal(order(&w, MASK_SET, "ap", "web1", "smtp", ""), ERR_UNKNOWN_SERVICE);
    assert_int_equal(order(&w, MASK_SET, "za", "web1", "http", ""), ERR_NOT_AN_OBSERVER);
    assert_int_equal(order(&w, MASK_SET, "za", "", "", ""), ERR_NOT_AN_OBSERVER);
    assert_int_equal(order(&w, MASK_CLEAR, "ap", "web1", "http", ""), ERR_NOT_FOUND);
    assert_int_equal(order(&w, MASK_SET, "ap", "web1", "http", "observer ap masked by anna for web1/http"), ERR_OK);
    assert_int_equal(order(&w, MASK_SET, "ap", "web1", "http", ""), ERR_DUPLICATE);
    monitor_convict(w.m, "eu", "why", &sink);
    assert_int_equal(order(&w, MASK_SET, "eu", "web1", "http", ""), ERR_CONVICTED);
    char long_name[NAME_MAX_LEN + 2];
    memset(long_name, 'x', sizeof long_name);
    long_name[NAME_MAX_LEN + 1] = 0;
    struct buffer said = {0};
    struct mask_request r = {"us", "web1", "http", long_name, MASK_SET};
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OVERSIZED);
    r.by = "";
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OVERSIZED);
    assert_false(stands(&w, "us").masked);
    r.by = long_name + 1;
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OK);
    buffer_free(&said);
    world_end(&w);
}

static void scores_and_masks_survive_an_apply(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(FIVE));
    for (int i = 0; i < 12; i++) {
        letters_vote(&w, "abd", OK);
        letters_vote(&w, "e", CRIT);
        letters_vote(&w, "c", i < 6 ? CRIT : OK);
        world_advance(&w, ROUND);
    }
    struct vote_view c = stands(&w, "c"), e = stands(&w, "e");
    assert_true(e.masked && c.score > 0);
    apply(&w, HOST_AND_SERVICE(" _OBSERVERS b,c,d,e,f\n"));
    struct vote_view c2 = stands(&w, "c"), e2 = stands(&w, "e");
    assert_true(e2.masked && e2.score == e.score && e2.masked_since == e.masked_since && e2.rounds == e.rounds);
    assert_true(c2.score == c.score && c2.disagreed == c.disagreed && c2.disagreed_at == c.disagreed_at);
    apply(&w, HOST_AND_SERVICE(" _OBSERVERS a,b,c\n"));
    apply(&w, HOST_AND_SERVICE(FIVE));
    assert_false(stands(&w, "e").masked);
    score_is(&w, "c", c.score);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_are_masked_than_the_quorum_bears),
        cmocka_unit_test(the_convicted_take_their_room),
        cmocka_unit_test(a_mask_gives_way_to_a_conviction),
        cmocka_unit_test(a_masked_observer_that_is_convicted_is_only_that),
        cmocka_unit_test(a_smaller_bound_releases_who_is_nearest_to_it),
        cmocka_unit_test(fifty_agreeing_rounds_unmask_on_probation),
        cmocka_unit_test(behind_the_probation_the_whole_score_counts_again),
        cmocka_unit_test(the_last_round_of_a_probation_is_one_of_it),
        cmocka_unit_test(probation_is_doubled_no_further_than_its_bound),
        cmocka_unit_test(a_masked_observer_is_still_scored),
        cmocka_unit_test(agreement_pays_dissent_back_and_is_forgotten_then),
        cmocka_unit_test(an_operator_masks_and_the_verdict_follows),
        cmocka_unit_test(what_an_operator_masked_no_round_unmasks),
        cmocka_unit_test(an_operators_unmask_forgives_everything),
        cmocka_unit_test(an_operators_mask_takes_room_and_may_exceed_it),
        cmocka_unit_test(an_operator_masks_everywhere),
        cmocka_unit_test(who_is_masked_is_not_waited_for),
        cmocka_unit_test(orders_are_refused_by_name),
        cmocka_unit_test(scores_and_masks_survive_an_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
