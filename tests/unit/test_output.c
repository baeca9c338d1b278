/* What comes out of a batch: replies, alerts and query pages. Bounds of every field, and the words that people read. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "round_trip.h"
#include "samples.h"

#include <stdlib.h>

static char *text_of(size_t len) {
    char *text = xcalloc(1, len + 1);
    memset(text, 'x', len);
    return text;
}

static enum error reply_with(struct reply r) {
    struct buffer leaf = {0}, back = {0};
    reply_encode(&leaf, &r);
    enum error e = round_trip_reply(&back, buffer_bytes(&leaf));
    buffer_free(&leaf);
    buffer_free(&back);
    return e;
}

static void reply_bounds(void **state) {
    (void)state;
    struct refused_entry refused[OBSERVE_MAX];
    for (unsigned i = 0; i < OBSERVE_MAX; i++) {
        refused[i] = (struct refused_entry){i, ERR_LATE};
    }
    struct reply r = {.req_seq = 1, .accepted = OBSERVE_MAX, .refused_count = OBSERVE_MAX, .refused = refused};
    assert_int_equal(reply_with(r), ERR_OK);
    r.accepted++;
    assert_int_equal(reply_with(r), ERR_OUT_OF_RANGE);
    r.accepted = 0, r.req_seq = 0;
    assert_int_equal(reply_with(r), ERR_OUT_OF_RANGE);
    r.req_seq = 1, r.result = ERR_LIMIT;
    assert_int_equal(reply_with(r), ERR_OUT_OF_RANGE);
    r.result = ERR_FORBIDDEN, refused[1].index = 0;
    assert_int_equal(reply_with(r), ERR_NOT_CANONICAL);
    refused[1] = (struct refused_entry){1, ERR_OK};
    assert_int_equal(reply_with(r), ERR_OUT_OF_RANGE);
    refused[1].reason = ERR_LATE, refused[OBSERVE_MAX - 1].index = OBSERVE_MAX;
    assert_int_equal(reply_with(r), ERR_OUT_OF_RANGE);
}

static void a_leaf_says_what_it_is(void **state) {
    (void)state;
    struct buffer reply = {0}, alert = {0}, back = {0};
    enum output_kind kind;
    sample_reply(&reply);
    sample_alert(&alert);
    assert_int_equal(output_kind_of(&kind, buffer_bytes(&reply)), ERR_OK);
    assert_int_equal(kind, OUTPUT_REPLY);
    assert_int_equal(output_kind_of(&kind, buffer_bytes(&alert)), ERR_OK);
    assert_int_equal(kind, OUTPUT_ALERT);
    assert_int_equal(output_kind_of(&kind, bytes_of("", 0)), ERR_MALFORMED);
    assert_int_equal(output_kind_of(&kind, bytes_of("\0", 1)), ERR_MALFORMED);
    assert_int_equal(output_kind_of(&kind, bytes_of("\3", 1)), ERR_MALFORMED);
    assert_int_equal(round_trip_alert(&back, buffer_bytes(&reply)), ERR_MALFORMED);
    assert_int_equal(round_trip_reply(&back, buffer_bytes(&alert)), ERR_MALFORMED);
    assert_int_equal(round_trip_reply(&back, bytes_of("", 0)), ERR_MALFORMED);
    buffer_free(&reply);
    buffer_free(&alert);
    buffer_free(&back);
}

static void an_alert_comes_back_as_it_was(void **state) {
    (void)state;
    struct buffer leaf = {0};
    struct arena arena = {0};
    struct alert a;
    sample_alert(&leaf);
    assert_int_equal(alert_decode(&a, buffer_bytes(&leaf), &arena), ERR_OK);
    assert_string_equal(a.host, "web1");
    assert_string_equal(a.service_display, "HTTP");
    assert_string_equal(a.output, "CRITICAL: Connection refused");
    assert_string_equal(a.author, "");
    assert_true(a.hard);
    assert_int_equal(a.vote_count, 3);
    assert_string_equal(a.votes[1].observer, "eu");
    assert_true(a.votes[2].convicted);
    assert_int_equal(a.votes[2].state, STATE_PENDING);
    assert_int_equal(a.contact_count, 2);
    assert_string_equal(a.contacts[0].commands[1], "notify-by-pager");
    assert_int_equal(a.contacts[1].command_count, 0);
    arena_free(&arena);
    buffer_free(&leaf);
}

static enum error alert_with(const struct alert *a) {
    struct buffer leaf = {0}, back = {0};
    alert_encode(&leaf, a);
    enum error e = round_trip_alert(&back, buffer_bytes(&leaf));
    assert_true(e != ERR_OK || bytes_equal(buffer_bytes(&leaf), buffer_bytes(&back)));
    buffer_free(&leaf);
    buffer_free(&back);
    return e;
}

static void alert_bounds(void **state) {
    (void)state;
    char *name = text_of(OBSERVER_NAME_MAX + 1);
    struct alert a = {.number = 1, .n = 1, .type = ALERT_SYSTEM};
    struct vote_view vote = {.observer = name + 1, .state = STATE_PENDING};
    assert_int_equal(alert_with(&a), ERR_OK);
    a.vote_count = 1, a.votes = &vote;
    assert_int_equal(alert_with(&a), ERR_OK);
    vote.observer = name;
    assert_int_equal(alert_with(&a), ERR_OVERSIZED);
    vote.observer = "", vote.state = VOTE_STATE_MAX + 1;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    a.vote_count = 0, a.type = ALERT_TYPE_LIMIT;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    a.type = (enum alert_type)0;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    a.type = ALERT_PROBLEM, a.number = 0;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    a.number = 1, a.state = VOTE_STATE_MAX + 1;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    a.state = 0, a.since = -1;
    assert_int_equal(alert_with(&a), ERR_OUT_OF_RANGE);
    free(name);
}

/* The score of an alert's only vote, refused for the reason given. */
static enum error alert_with_vote(struct vote_view vote) {
    struct alert a = {.number = 1, .n = 1, .type = ALERT_PROBLEM, .vote_count = 1, .votes = &vote};
    vote.observer = "ap";
    return alert_with(&a);
}

static void score_bounds(void **state) {
    (void)state;
    char *name = text_of(NAME_MAX_LEN + 1);
    struct vote_view most = {.masked = true,
                             .masked_by = name + 1,
                             .score = SCORE_MAX,
                             .rounds = SCORE_ROUNDS_MAX,
                             .disagreed = SCORE_ROUNDS_MAX,
                             .probation = PROBATION_MAX,
                             .disagreed_at = TIME_MAX_MS,
                             .masked_since = TIME_MAX_MS};
    assert_int_equal(alert_with_vote(most), ERR_OK);
#define REFUSED(change, reason)                                                                                        \
    {                                                                                                                  \
        struct vote_view v = most;                                                                                     \
        change;                                                                                                        \
        assert_int_equal(alert_with_vote(v), reason);                                                                  \
    }
    REFUSED(v.masked_by = name, ERR_OVERSIZED)
    REFUSED(v.score = SCORE_MAX + 1, ERR_OUT_OF_RANGE)
    REFUSED((v.rounds = SCORE_ROUNDS_MAX + 1), ERR_OUT_OF_RANGE)
    REFUSED((v.rounds = 3, v.disagreed = 4), ERR_OUT_OF_RANGE)
    REFUSED(v.probation = PROBATION_MAX + 1, ERR_OUT_OF_RANGE)
    REFUSED(v.disagreed_at = TIME_MAX_MS + 1, ERR_OUT_OF_RANGE)
    REFUSED(v.disagreed_at = -1, ERR_OUT_OF_RANGE)
    REFUSED(v.masked_since = TIME_MAX_MS + 1, ERR_OUT_OF_RANGE)
    REFUSED(v.masked_since = -1, ERR_OUT_OF_RANGE)
    REFUSED((v.masked = false, v.masked_by = ""), ERR_OUT_OF_RANGE)
    REFUSED((v.masked = false, v.masked_since = 0), ERR_OVERSIZED)
#undef REFUSED
    free(name);
}

static void a_page_comes_back_as_it_was(void **state) {
    (void)state;
    struct buffer value = {0};
    struct arena arena = {0};
    struct query_page p;
    sample_query_page(&value);
    assert_int_equal(query_page_decode(&p, buffer_bytes(&value), &arena), ERR_OK);
    assert_int_equal(p.count, 2);
    assert_true(p.more);
    assert_string_equal(p.list[0].service, "");
    assert_int_equal(p.list[1].vote_count, 3);
    assert_string_equal(p.list[1].dissent[0], "ap");
    const struct vote_view *v = p.list[1].votes;
    assert_true(v[0].score == 10 && v[0].rounds == 3 && v[0].disagreed == 2 && v[0].probation == 100);
    assert_true(v[0].disagreed_at == SAMPLE_TIME - 900 && v[0].masked_since == 0 && v[1].score == 0);
    assert_true(v[2].masked_since == SAMPLE_TIME - 7);
    assert_string_equal(v[2].masked_by, "anna");
    assert_true(p.list[1].flapping && !p.list[1].undecided);
    assert_true(bytes_equal(p.part, bytes_of_text("part")));
    arena_free(&arena);
    buffer_free(&value);
}

static void names_are_nagios_words(void **state) {
    (void)state;
    assert_string_equal(op_kind_name(OP_EVIDENCE), "EVIDENCE");
    assert_string_equal(op_kind_name(OP_NOTIFIED), "NOTIFIED");
    assert_string_equal(op_kind_name(OP_DRILL_DONE), "DRILL_DONE");
    assert_string_equal(op_kind_name((enum op_kind)(OP_DRILL_DONE + 1)), "?");
    assert_string_equal(alert_type_name(ALERT_FLAPPINGSTART), "FLAPPINGSTART");
    assert_string_equal(alert_type_name((enum alert_type)0), "?");
    assert_string_equal(alert_type_name(ALERT_TYPE_LIMIT), "?");
    assert_string_equal(state_name(true, HOST_UNREACHABLE), "UNREACHABLE");
    assert_string_equal(state_name(false, STATE_CRITICAL), "CRITICAL");
    assert_string_equal(state_name(false, STATE_PENDING), "PENDING");
    assert_string_equal(state_name(true, 3), "?");
    assert_string_equal(state_name(false, 5), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reply_bounds),
        cmocka_unit_test(a_leaf_says_what_it_is),
        cmocka_unit_test(an_alert_comes_back_as_it_was),
        cmocka_unit_test(alert_bounds),
        cmocka_unit_test(score_bounds),
        cmocka_unit_test(a_page_comes_back_as_it_was),
        cmocka_unit_test(names_are_nagios_words),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
