/* R9's claim, for every combination of votes: at most t observers that lie or are silent, in any mix, cannot change
   what the others say. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "checks/verdict.h"

enum { SILENT = 4, KINDS = 5, LARGEST = 7 };

static unsigned tolerated(unsigned m, unsigned q) {
    return q - 1 < m - q ? q - 1 : m - q;
}

static struct verdict verdict_from(unsigned m, unsigned q, const unsigned *votes) {
    struct ballot b = {.observers = m, .quorum = q};
    for (unsigned i = 0; i < m; i++) {
        if (votes[i] != SILENT) {
            b.votes[votes[i]]++;
        }
    }
    return verdict_of(&b);
}

/* The next combination of votes; false after the last. */
static bool next_votes(unsigned m, unsigned *votes) {
    for (unsigned i = 0; i < m; i++) {
        if (++votes[i] < KINDS) {
            return true;
        }
        votes[i] = 0;
    }
    return false;
}

static unsigned untrue(unsigned m, const unsigned *votes, unsigned truth) {
    unsigned count = 0;
    for (unsigned i = 0; i < m; i++) {
        count += votes[i] != truth;
    }
    return count;
}

static void with_at_most_t_lying_or_silent_the_verdict_is_the_truth(void **state) {
    (void)state;
    unsigned long checked = 0;
    for (unsigned m = 1; m <= LARGEST; m++) {
        for (unsigned q = 1; q <= m; q++) {
            unsigned votes[LARGEST] = {0};
            do {
                for (unsigned truth = STATE_OK; truth <= STATE_CRITICAL; truth++) {
                    if (untrue(m, votes, truth) <= tolerated(m, q)) {
                        struct verdict v = verdict_from(m, q, votes);
                        assert_int_equal(v.kind, VERDICT_DECIDED);
                        assert_int_equal(v.state, truth);
                        checked++;
                    }
                }
            } while (next_votes(m, votes));
        }
    }
    assert_true(checked > 1000);
}

static void one_more_than_t_can_change_it(void **state) {
    (void)state;
    const unsigned two_lie[] = {STATE_CRITICAL, STATE_CRITICAL, STATE_OK};
    assert_int_equal(verdict_from(3, 2, two_lie).state, STATE_CRITICAL);
    const unsigned one_lies_one_is_silent[] = {STATE_CRITICAL, SILENT, STATE_OK};
    assert_int_equal(verdict_from(3, 2, one_lies_one_is_silent).kind, VERDICT_UNDECIDED);
}

/* The definition of R9 spelled out a second time, vote by vote. */
static unsigned worst_by_definition(unsigned m, unsigned q, const unsigned *votes, bool missing_see_the_worst) {
    for (unsigned s = STATE_CRITICAL; s > STATE_OK; s--) {
        unsigned count = 0;
        for (unsigned i = 0; i < m; i++) {
            bool missing = votes[i] > STATE_CRITICAL;
            count += missing ? missing_see_the_worst : votes[i] >= s;
        }
        if (count >= q) {
            return s;
        }
    }
    return STATE_OK;
}

static void lo_and_hi_are_what_r9_says(void **state) {
    (void)state;
    for (unsigned m = 1; m <= 5; m++) {
        for (unsigned q = 1; q <= m; q++) {
            unsigned votes[LARGEST] = {0};
            do {
                struct verdict v = verdict_from(m, q, votes);
                unsigned lo = worst_by_definition(m, q, votes, false), hi = worst_by_definition(m, q, votes, true);
                assert_int_equal(v.lo, lo);
                assert_int_equal(v.hi, hi);
                assert_int_equal(v.kind == VERDICT_DECIDED, lo > STATE_OK || hi == STATE_OK);
                assert_int_equal(v.state, v.kind == VERDICT_DECIDED ? lo : STATE_UNKNOWN);
            } while (next_votes(m, votes));
        }
    }
}

/* Whatever the missing say in the end, a decided verdict is never milder than it was; an OK stays OK. */
static void the_missing_cannot_undo_a_decided_verdict(void **state) {
    (void)state;
    for (unsigned m = 1; m <= 4; m++) {
        for (unsigned q = 1; q <= m; q++) {
            unsigned votes[LARGEST] = {0};
            do {
                struct verdict v = verdict_from(m, q, votes);
                for (unsigned i = 0; i < m && v.kind == VERDICT_DECIDED; i++) {
                    unsigned before = votes[i];
                    for (unsigned late = STATE_OK; before > STATE_CRITICAL && late <= STATE_CRITICAL; late++) {
                        votes[i] = late;
                        struct verdict w = verdict_from(m, q, votes);
                        assert_int_equal(w.kind, VERDICT_DECIDED);
                        assert_true(w.state >= v.state);
                        assert_true(v.state > STATE_OK || w.state == STATE_OK);
                    }
                    votes[i] = before;
                }
            } while (next_votes(m, votes));
        }
    }
}

static void nobody_left_is_silence_and_q_unknowns_agree(void **state) {
    (void)state;
    const unsigned nobody[] = {SILENT, SILENT, SILENT};
    assert_int_equal(verdict_from(3, 2, nobody).kind, VERDICT_SILENT);
    const unsigned two_unknown[] = {STATE_UNKNOWN, STATE_UNKNOWN, STATE_OK};
    assert_int_equal(verdict_from(3, 2, two_unknown).kind, VERDICT_AGREED);
    const unsigned one_unknown[] = {STATE_UNKNOWN, SILENT, STATE_OK};
    assert_int_equal(verdict_from(3, 2, one_unknown).kind, VERDICT_UNDECIDED);
    const unsigned alone[] = {STATE_UNKNOWN};
    assert_int_equal(verdict_from(1, 1, alone).kind, VERDICT_AGREED);
    assert_int_equal(verdict_from(1, 1, alone).state, STATE_UNKNOWN);
}

static void dissent_is_contradiction_or_an_unshared_problem(void **state) {
    (void)state;
    struct verdict ok = {.kind = VERDICT_DECIDED, .state = STATE_OK};
    struct verdict warning = {.kind = VERDICT_DECIDED, .state = STATE_WARNING};
    struct verdict undecided = {.kind = VERDICT_UNDECIDED, .state = STATE_UNKNOWN};
    assert_false(verdict_dissent(&ok, STATE_OK));
    assert_true(verdict_dissent(&ok, STATE_WARNING));
    assert_true(verdict_dissent(&warning, STATE_OK));
    assert_true(verdict_dissent(&warning, STATE_CRITICAL));
    assert_true(verdict_dissent(&undecided, STATE_CRITICAL));
    assert_false(verdict_dissent(&undecided, STATE_OK));
    assert_false(verdict_dissent(&warning, STATE_UNKNOWN));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_at_most_t_lying_or_silent_the_verdict_is_the_truth),
        cmocka_unit_test(one_more_than_t_can_change_it),
        cmocka_unit_test(lo_and_hi_are_what_r9_says),
        cmocka_unit_test(the_missing_cannot_undo_a_decided_verdict),
        cmocka_unit_test(nobody_left_is_silence_and_q_unknowns_agree),
        cmocka_unit_test(dissent_is_contradiction_or_an_unshared_problem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
