/* What `quorate status` prints of votes and scores: to people, and to scripts. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/render.h"

#include <jansson.h>
#include <string.h>

#define NOW INT64_C(1769601600000)

static struct vote_view votes[] = {
    {.observer = "ap", .state = STATE_OK, .fresh = true, .output = "fine", .obs_seq = 7, .accepted_at = NOW - 3000},
    {.observer = "eu",
     .state = STATE_CRITICAL,
     .fresh = true,
     .masked = true,
     .output = "refused",
     .obs_seq = 8,
     .accepted_at = NOW - 5000,
     .score = 37,
     .rounds = 61,
     .disagreed = 10,
     .disagreed_at = NOW - 300000,
     .masked_since = NOW - 7200000},
    {.observer = "sa", .state = STATE_OK, .accepted_at = NOW - 400000, .output = "fine"},
    {.observer = "us",
     .state = STATE_CRITICAL,
     .fresh = true,
     .accepted_at = NOW - 1000,
     .output = "",
     .score = 10,
     .rounds = 3,
     .disagreed = 2,
     .probation = 40,
     .disagreed_at = NOW - 1000},
    {.observer = "za", .state = STATE_PENDING, .output = ""},
    {.observer = "zb", .state = STATE_OK, .fresh = true, .convicted = true, .accepted_at = NOW - 9000, .output = ""},
    {.observer = "zc", .state = STATE_UNKNOWN, .fresh = true, .accepted_at = NOW - 2000, .output = ""},
    {.observer = "zd",
     .state = STATE_OK,
     .fresh = true,
     .masked = true,
     .masked_by = "anna",
     .accepted_at = NOW - 2000,
     .output = "",
     .masked_since = NOW - 60000},
};
static const char *const dissent[] = {"eu", "us"};
static const struct query_page page = {.n = 9, .t = NOW};

static struct object_status http(unsigned quorum) {
    for (unsigned i = 0; i < 8; i++) {
        votes[i].masked_by = votes[i].masked_by ? votes[i].masked_by : "";
    }
    return (struct object_status){.host = "web1",
                                  .service = "http",
                                  .hard = true,
                                  .attempt = 1,
                                  .max_attempts = 3,
                                  .quorum = quorum,
                                  .observers = 8,
                                  .since = NOW - 60000,
                                  .output = "fine",
                                  .perfdata = "",
                                  .vote_count = 8,
                                  .votes = votes,
                                  .dissent_count = 2,
                                  .dissent = dissent};
}

static void every_vote_says_when_and_why_it_does_not_count(void **state) {
    (void)state;
    struct buffer out = {0};
    struct object_status s = http(5);
    render_status_text(&out, &page, &s);
    assert_string_equal(
        buffer_cstr(&out),
        "web1/http                   OK          OK          1/3 HARD 60s   5 of 8: ap=OK(3s) "
        "eu=CRITICAL(5s,masked by its score,dissents) sa=OK(6m,stale) us=CRITICAL(1s,dissents) "
        "za=PENDING(never reported) zb=OK(9s,convicted) zc=UNKNOWN(2s) zd=OK(2s,masked by anna): fine\n");
    buffer_free(&out);
}

static void observers_are_listed_with_their_scores(void **state) {
    (void)state;
    struct buffer out = {0};
    struct object_status s = http(5);
    render_observers_head(&out);
    render_observers_text(&out, &page, &s);
    assert_string_equal(
        buffer_cstr(&out),
        "OBJECT                      OBSERVER      SAYS      AGE   COUNTED        SCORE DISAGREED    LAST  STANDING\n"
        "web1/http                   ap            OK        3s    yes            0     -            -     masked at "
        "50\n"
        "web1/http                   eu            CRITICAL  5s    no: masked     37    10 of 61     5m    SUSPECT, "
        "masked for 2h, until it agreed in 37 more rounds\n"
        "web1/http                   sa            OK        6m    no: stale      0     -            -     masked at "
        "50\n"
        "web1/http                   us            CRITICAL  1s    yes            10    2 of 3       1s    masked at "
        "25: "
        "40 rounds of probation left\n"
        "web1/http                   za            PENDING   -     no: silent     0     -            -     masked at "
        "50\n"
        "web1/http                   zb            OK        9s    no: convicted  0     -            -     convicted\n"
        "web1/http                   zc            UNKNOWN   2s    no: UNKNOWN    0     -            -     masked at "
        "50\n"
        "web1/http                   zd            OK        2s    no: masked     0     -            -     masked for "
        "60s "
        "by anna, until an operator unmasks it\n");
    buffer_free(&out);
}

static void where_no_liar_is_borne_nobody_is_said_to_be_scored(void **state) {
    (void)state;
    struct object_status all = http(8), one = http(1);
    for (int i = 0; i < 2; i++) {
        struct buffer out = {0};
        render_observers_text(&out, &page, i ? &one : &all);
        assert_non_null(strstr(buffer_cstr(&out),
                               "yes            0     -            -     not scored: the quorum bears no liar\n"));
        assert_null(strstr(buffer_cstr(&out), "masked at"));
        buffer_free(&out);
    }
}

static json_t *vote_of(json_t *line, unsigned i) {
    return json_array_get(json_object_get(line, "votes"), i);
}

static void scripts_get_the_score_of_each_vote(void **state) {
    (void)state;
    struct buffer out = {0};
    struct object_status s = http(5);
    render_status_json(&out, &page, &s);
    json_t *line = json_loads(buffer_cstr(&out), 0, NULL);
    assert_non_null(line);
    json_t *eu = vote_of(line, 1), *zd = vote_of(line, 7);
    assert_int_equal(json_integer_value(json_object_get(eu, "score")), 37);
    assert_int_equal(json_integer_value(json_object_get(eu, "rounds")), 61);
    assert_int_equal(json_integer_value(json_object_get(eu, "disagreed")), 10);
    assert_int_equal(json_integer_value(json_object_get(eu, "disagreed_at_ms")), NOW - 300000);
    assert_int_equal(json_integer_value(json_object_get(eu, "masked_since_ms")), NOW - 7200000);
    assert_true(json_is_string(json_object_get(eu, "masked_since")) &&
                json_is_string(json_object_get(eu, "disagreed_at")));
    assert_true(json_is_null(json_object_get(eu, "masked_by")) && json_is_true(json_object_get(eu, "masked")));
    assert_string_equal(json_string_value(json_object_get(zd, "masked_by")), "anna");
    assert_int_equal(json_integer_value(json_object_get(vote_of(line, 3), "probation")), 40);
    assert_true(json_is_null(json_object_get(vote_of(line, 0), "masked_since")));
    json_decref(line);
    buffer_free(&out);
}

static void an_alert_counts_whom_the_verdict_counted(void **state) {
    (void)state;
    struct object_status s = http(5);
    struct alert a = {.number = 4,
                      .t = NOW,
                      .type = ALERT_PROBLEM,
                      .host = "web1",
                      .service = "http",
                      .state = STATE_CRITICAL,
                      .hard = true,
                      .attempt = 3,
                      .max_attempts = 3,
                      .output = "refused",
                      .author = "",
                      .observers = 8,
                      .vote_count = s.vote_count,
                      .votes = s.votes};
    struct buffer out = {0};
    render_alert_text(&out, &a);
    assert_string_equal(
        buffer_cstr(&out),
        "4 2026-01-28T12:00:00.000Z PROBLEM web1/http CRITICAL HARD 3/3: refused [1 of 8 observers; ap says "
        "OK; eu says CRITICAL (masked); zb says OK (convicted); zc says UNKNOWN; zd says OK (masked)]\n");
    buffer_free(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vote_says_when_and_why_it_does_not_count),
        cmocka_unit_test(observers_are_listed_with_their_scores),
        cmocka_unit_test(where_no_liar_is_borne_nobody_is_said_to_be_scored),
        cmocka_unit_test(scripts_get_the_score_of_each_vote),
        cmocka_unit_test(an_alert_counts_whom_the_verdict_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
