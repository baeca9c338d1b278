/* The catalogue of drills: every row that can be played is there, once, with all that operators and reports need. */
#include "client/drill/drill.h"
#include "replica/fault.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static void names_are_kebab_case_and_unique(void **state) {
    (void)state;
    const struct drill *d, *o;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        assert_true(islower(d->name[0]));
        assert_int_equal(strspn(d->name, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(d->name));
        assert_null(strstr(d->name, "--"));
        assert_int_not_equal(d->name[strlen(d->name) - 1], '-');
        for (unsigned k = 0; k < i; k++) {
            o = drill_at(k);
            assert_string_not_equal(d->name, o->name);
            assert_string_not_equal(d->row, o->row);
        }
    }
}

static bool is_ordered_somewhere(const char *behaviour) {
    const struct drill *d;
    size_t len = strlen(behaviour);
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        if (d->live && strncmp(d->live, behaviour, len) == 0 && strchr(":", d->live[len])) {
            return true;
        }
    }
    return false;
}

/* What no live drill of the catalogue orders, a running replica refuses. */
static void replicas_take_live_what_live_drills_order_and_nothing_else(void **state) {
    (void)state;
    const struct fault_behaviour *b;
    const struct drill *d;
    for (unsigned i = 0; (b = fault_behaviour(i)) != NULL; i++) {
        if (b->live != is_ordered_somewhere(b->name)) {
            fail_msg("%s is %s live drills", b->name, b->live ? "of no" : "not for");
        }
    }
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        assert_true(!d->live || fault_behaviour_live(d->live));
    }
    assert_false(fault_behaviour_live("none-such"));
}

static void words_are_no_names(void **state) {
    (void)state;
    assert_null(drill_find("all"));
    assert_null(drill_find("ci"));
    assert_null(drill_find("last"));
    assert_null(drill_find(""));
}

static unsigned sentences(const char *text) {
    unsigned count = 0;
    for (; *text != '\0'; text++) {
        count += (*text == '.' || *text == ':' || *text == ';') && (text[1] == ' ' || text[1] == '\0');
    }
    return count;
}

static void every_drill_tells_what_it_does(void **state) {
    (void)state;
    const struct drill *d;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        assert_non_null(d->summary);
        assert_in_range(strlen(d->summary), 10, 120);
        assert_true(strlen(d->attack) > 40 && strlen(d->holds) > 20 && strlen(d->see) > 20);
        assert_true(sentences(d->attack) + sentences(d->holds) + sentences(d->see) >= 3);
        assert_true((d->modes & (DRILL_SANDBOX | DRILL_LIVE)) != 0);
        assert_int_equal((d->modes & DRILL_LIVE) != 0, d->live != NULL);
        assert_true((d->modes & DRILL_SANDBOX) == 0 || d->play != NULL || d->cast.traitors[0].behaviour != NULL);
    }
}

/* The rows that a sandbox can play, of the catalogue of drills. */
static const char *const rows[] = {"A1", "A2", "A3", "A4", "A5",  "A6",  "A7",  "A9",  "A10", "A13", "A15", "B1", "B2",
                                   "B3", "B5", "B6", "B8", "B10", "B11", "B12", "B14", "C1",  "C2",  "C4",  "C5", "C6",
                                   "C7", "C9", "D1", "D2", "D3",  "D4",  "D6",  "D7",  "D8",  "D9",  "E1",  "E2", "E4",
                                   "E5", "E6", "E7", "F1", "F2",  "F3",  "F4",  "F6",  "F7",  "G1",  "G2",  "G5", "G6",
                                   "G8", "H1", "H2", "H3", "H4",  "H6",  "H7",  "H9",  "I1",  "I2",  "I3",  "I4", "I5",
                                   "I6", "I7", "I8", "I9", "I12", "I13", "J1",  "J2",  "J3",  "J4",  "J5",  "J6", "J7"};

static void every_row_is_there(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char row[16];
        snprintf(row, sizeof row, "DR-%s", rows[i]);
        const struct drill *d = drill_find(row);
        if (d == NULL) {
            fail_msg("no drill of row %s", row);
        }
        assert_ptr_equal(drill_find(d->name), d);
    }
}

static void short_selection_is_not_empty(void **state) {
    (void)state;
    const struct drill *d;
    unsigned chosen = 0;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        chosen += d->ci;
        assert_true(!d->ci || (d->modes & DRILL_SANDBOX) != 0);
    }
    assert_in_range(chosen, 5, 60);
}

static void promises_have_names(void **state) {
    (void)state;
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        assert_true(strlen(drill_promise_name((enum promise)p)) > 3);
        for (unsigned k = 0; k < p; k++) {
            assert_string_not_equal(drill_promise_name((enum promise)p), drill_promise_name((enum promise)k));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_kebab_case_and_unique),
        cmocka_unit_test(replicas_take_live_what_live_drills_order_and_nothing_else),
        cmocka_unit_test(words_are_no_names),
        cmocka_unit_test(every_drill_tells_what_it_does),
        cmocka_unit_test(every_row_is_there),
        cmocka_unit_test(short_selection_is_not_empty),
        cmocka_unit_test(promises_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
