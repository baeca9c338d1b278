/* What cluster.yaml rests on: host globs, the table of knobs, and finding a field's line. */
#include "proto/cluster.h"
#include "proto/yaml_trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static void globs_know_star_and_question_mark_only(void **state) {
    (void)state;
    static const struct {
        const char *glob, *host;
        bool match;
    } cases[] = {
        {"*", "", true},
        {"*", "web1", true},
        {"?", "", false},
        {"?", "a", true},
        {"", "", true},
        {"", "a", false},
        {"web*", "web", true},
        {"web*", "we", false},
        {"*b*d", "abcd", true},
        {"*b*d", "abcde", false},
        {"a*b*c", "axxbyybzc", true},
        {"**", "x", true},
        {"[a]", "a", false},
        {"[a]", "[a]", true},
        {"a\\*", "a*", false},
        {"A", "a", false},
        {"*.example", "example", false},
        {"*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(host_glob_match(cases[i].glob, cases[i].host), cases[i].match);
    }
}

static void lines_are_found_in_block_and_flow_style(void **state) {
    (void)state;
    struct bytes t =
        bytes_of_text("# list: no\nname: \"list: no\"\nlist:\n- a: 1\n  hosts:\n    - x\n  b: 2\n\n- a: 3\n"
                      "flow: [ { a: 1 },\n  { a: \"{ c: \", b: 2 },\n  { a: 3,\n    c: 4 } ]\nlast: 1");
    assert_int_equal(yaml_line_find(t, "list", -1, NULL), 3);
    assert_int_equal(yaml_line_find(t, "list", 0, "b"), 7);
    assert_int_equal(yaml_line_find(t, "list", 1, "a"), 9);
    assert_int_equal(yaml_line_find(t, "list", 1, "b"), 9); /* not there: its entry */
    assert_int_equal(yaml_line_find(t, "list", 5, "a"), 3);
    assert_int_equal(yaml_line_find(t, "flow", 0, "a"), 10);
    assert_int_equal(yaml_line_find(t, "flow", 1, "b"), 11);
    assert_int_equal(yaml_line_find(t, "flow", 1, "c"), 11); /* quotes hide keys */
    assert_int_equal(yaml_line_find(t, "flow", 2, "c"), 13);
    assert_int_equal(yaml_line_find(t, "last", -1, NULL), 14);
    assert_int_equal(yaml_line_find(t, "a", -1, NULL), 0);
}

static void defaults_are_those_of_rule_15(void **state) {
    (void)state;
    struct protocol_knobs k = protocol_defaults();
    assert_int_equal(k.tick_ms, 1000);
    assert_int_equal(k.status_ms, 250);
    assert_int_equal(k.request_timeout_ms, 500);
    assert_int_equal(k.new_view_timeout_ms, 1000);
    assert_int_equal(k.timeout_cap_ms, 30000);
    assert_int_equal(k.checkpoint_interval, 128);
    assert_int_equal(k.window, 256);
    assert_int_equal(k.in_flight, 16);
    assert_int_equal(k.batch_max, 512);
    assert_int_equal(k.checkpoint_period_ms, 10000);
    struct buffer help = {0};
    protocol_help(&help);
    assert_non_null(strstr(buffer_cstr(&help), "\ncheckpoint_interval "));
    buffer_free(&help);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globs_know_star_and_question_mark_only),
        cmocka_unit_test(lines_are_found_in_block_and_flow_style),
        cmocka_unit_test(defaults_are_those_of_rule_15),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
