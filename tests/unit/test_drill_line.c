/* The time line of a drill: what it remembers, and what it tells who follows. */
#include "client/drill/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static void first_injection_counts_and_last_healing(void **state) {
    (void)state;
    struct line *l = line_new(-1, 1000);
    assert_int_equal(line_marks(l)->injected, LINE_NEVER);
    line_injected(l, 1500, "a cut");
    line_injected(l, 1600, "another");
    line_detected(l, 1700, "suspected");
    line_detected(l, 1800, "convicted");
    line_healed(l, 1900, "mended once");
    line_healed(l, 2000, "mended");
    line_recovered(l, 2100, "all active");
    const struct line_marks *m = line_marks(l);
    assert_int_equal(m->began, 1000);
    assert_int_equal(m->injected, 1500);
    assert_int_equal(m->detected, 1700);
    assert_int_equal(m->healed, 2000);
    assert_int_equal(m->recovered, 2100);
    line_free(l);
}

static void broken_promise_keeps_each_reason_once(void **state) {
    (void)state;
    struct line *l = line_new(-1, 0);
    assert_true(line_kept(l, PROMISE_DURABILITY));
    assert_null(line_reason(l, PROMISE_DURABILITY));
    line_broken(l, 1, PROMISE_DURABILITY, "three are lost");
    line_broken(l, 2, PROMISE_DURABILITY, "three are lost");
    line_broken(l, 3, PROMISE_DURABILITY, "one more is");
    assert_false(line_kept(l, PROMISE_DURABILITY));
    assert_string_equal(line_reason(l, PROMISE_DURABILITY), "three are lost; one more is");
    assert_true(line_kept(l, PROMISE_AGREEMENT));
    line_free(l);
}

static void reasons_are_bounded(void **state) {
    (void)state;
    struct line *l = line_new(-1, 0);
    for (unsigned i = 0; i < 3 * LINE_REASONS_MAX; i++) {
        char reason[32];
        snprintf(reason, sizeof reason, "reason %u;", i);
        line_broken(l, 1, PROMISE_LIVENESS, reason);
    }
    unsigned kept = 0;
    for (const char *at = line_reason(l, PROMISE_LIVENESS); (at = strstr(at, "reason ")) != NULL; at++) {
        kept++;
    }
    assert_int_equal(kept, LINE_REASONS_MAX);
    line_free(l);
}

static void bites_add_up(void **state) {
    (void)state;
    struct line *l = line_new(-1, 0);
    assert_int_equal(line_bites(l), 0);
    line_bit(l, 1, 3, "lies");
    line_bit(l, 2, 4, "packets");
    assert_int_equal(line_bites(l), 7);
    line_free(l);
}

static void events_beyond_the_bound_are_counted(void **state) {
    (void)state;
    struct line *l = line_new(-1, 0);
    for (int i = 0; i < LINE_EVENTS_MAX + 5; i++) {
        line_note(l, i, "one");
    }
    json_t *events = line_json(l);
    assert_int_equal(json_array_size(events), LINE_EVENTS_MAX + 1);
    const json_t *last = json_array_get(events, LINE_EVENTS_MAX);
    assert_string_equal(json_string_value(json_object_get(last, "what")), "and 5 events more");
    json_decref(events);
    line_free(l);
}

static void who_follows_gets_a_line_an_event(void **state) {
    (void)state;
    int ends[2];
    char text[512];
    assert_int_equal(pipe(ends), 0);
    struct line *l = line_new(ends[1], 1000);
    line_note(l, 1250, "it \"begins\"");
    line_alive(l, 1300);
    line_broken(l, 1500, PROMISE_AGREEMENT, "two logs");
    line_note(l, 1600, "\xff\xfe no text");
    ssize_t got = read(ends[0], text, sizeof text - 1);
    assert_true(got > 0);
    text[got] = '\0';
    assert_string_equal(text, "{\"ms\":250,\"event\":\"it \\\"begins\\\"\"}\n"
                              "{\"ms\":300,\"event\":null}\n"
                              "{\"ms\":500,\"event\":\"BROKEN agreement: two logs\"}\n"
                              "{\"ms\":600,\"event\":\"(unreadable)\"}\n");
    line_free(l);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_injection_counts_and_last_healing),
        cmocka_unit_test(broken_promise_keeps_each_reason_once),
        cmocka_unit_test(reasons_are_bounded),
        cmocka_unit_test(bites_add_up),
        cmocka_unit_test(events_beyond_the_bound_are_counted),
        cmocka_unit_test(who_follows_gets_a_line_an_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
