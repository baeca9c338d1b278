/* The rules of reading check results in send_nsca's form. */
#include "client/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static struct lines parse_with(const char *text, char delimiter, bool only_etb) {
    struct lines l;
    lines_parse(&l, bytes_of_text(text), &(struct lines_options){delimiter, only_etb});
    return l;
}

static void is(const char *text, const char *host, const char *service, unsigned state, const char *output,
               const char *perfdata) {
    struct lines l = parse_with(text, '\t', false);
    assert_int_equal(l.bad_count, 0);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.results[0].host, host);
    assert_string_equal(l.results[0].service, service);
    assert_int_equal(l.results[0].state, state);
    assert_string_equal(l.results[0].output, output);
    assert_string_equal(l.results[0].perfdata, perfdata);
    lines_free(&l);
}

static void bad(const char *text, const char *reason) {
    struct lines l = parse_with(text, '\t', false);
    assert_int_equal(l.count, 0);
    assert_int_equal(l.bad_count, 1);
    assert_non_null(strstr(l.bad[0].reason, reason));
    lines_free(&l);
}

static void good_lines_are_taken_as_written(void **state) {
    (void)state;
    is("web1\thttp\t2\trefused\n", "web1", "http", 2, "refused", "");
    is("web1\thttp\t2\trefused", "web1", "http", 2, "refused", "");
    is("web1\thttp\t0\tok\r\n", "web1", "http", 0, "ok", "");
    is("web1\t0\tup\n", "web1", "", 0, "up", "");
    is("web1\t2\t\n", "web1", "", 2, "", "");
    is("web1\thttp\t3\t\n", "web1", "http", 3, "", "");
    is("web1\thttp\t1\tslow\tand odd\n", "web1", "http", 1, "slow\tand odd", "");
    is("web1\tdisk /\t0\tok | a=1;2 b=3\n", "web1", "disk /", 0, "ok", "a=1;2 b=3");
    is("web1\tx\t0\t|a=1|b\n", "web1", "x", 0, "", "a=1|b");
    is("w\303\251b\tx\t0\tr\303\251\n", "w\303\251b", "x", 0, "r\303\251", "");
    is("a\tb\t0\tc\027", "a", "b", 0, "c", "");
}

static void bad_lines_are_named_with_their_reason(void **state) {
    (void)state;
    bad("web1\n", "fewer than three fields");
    bad("web1\t0\n", "fewer than three fields");
    bad("web1 http 2 refused\n", "fewer than three fields");
    bad("web1\thttp\t4\tx\n", "code of a service");
    bad("web1\thttp\t-1\tx\n", "code of a service");
    bad("web1\thttp\t\tx\n", "code of a service");
    bad("web1\thttp\tCRITICAL\tx\n", "code of a service");
    bad("web1\thttp\t02\tx\n", "code of a service");
    bad("web1\t3\tx\n", "code of a host");
    bad("web1\thttp\t2\n", "code of a host");
    bad("\thttp\t2\tx\n", "empty");
    bad("web1\t\t2\tx\n", "empty");
    bad("web1\thttp\t0\t\377\n", "UTF-8");
}

static void names_are_bounded(void **state) {
    (void)state;
    char line[400];
    memset(line, 'h', sizeof line);
    memcpy(line + NAME_MAX_LEN, "\t0\tup", 6);
    struct lines l = parse_with(line, '\t', false);
    assert_int_equal(l.count, 1);
    lines_free(&l);
    memset(line, 'h', sizeof line);
    memcpy(line + NAME_MAX_LEN + 1, "\t0\tup", 6);
    bad(line, "longer than 255");
}

static void a_bad_line_does_not_hide_the_others(void **state) {
    (void)state;
    struct lines l = parse_with("a\tx\t0\t1\n\n   \nb\n\nc\tx\t0\t2\nd\t9\tz", '\t', false);
    assert_int_equal(l.count, 2);
    assert_int_equal(l.at[0], 1);
    assert_int_equal(l.at[1], 6);
    assert_int_equal(l.bad_count, 2);
    assert_int_equal(l.bad[0].line, 4);
    assert_int_equal(l.bad[1].line, 7);
    lines_free(&l);
}

static void etb_alone_ends_a_result_when_asked_for(void **state) {
    (void)state;
    struct lines l = parse_with("a\tx\t2\tone | p=1\ntwo\nthree\027\nb\tx\t0\tok\n\027\n", '\t', true);
    assert_int_equal(l.bad_count, 0);
    assert_int_equal(l.count, 2);
    assert_string_equal(l.results[0].output, "one\ntwo\nthree");
    assert_string_equal(l.results[0].perfdata, "p=1");
    assert_string_equal(l.results[1].output, "ok");
    assert_int_equal(l.at[0], 1);
    assert_int_equal(l.at[1], 4);
    lines_free(&l);
}

static void another_delimiter_may_be_chosen(void **state) {
    (void)state;
    struct lines l = parse_with("web1;http;1;a\tb;c", ';', false);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.results[0].output, "a\tb;c");
    lines_free(&l);
}

static void long_output_is_cut_at_the_end_of_a_character(void **state) {
    (void)state;
    struct buffer text = {0};
    buffer_printf(&text, "a\tx\t0\t");
    memset(buffer_extend(&text, OUTPUT_MAX_LEN - 1), 'o', OUTPUT_MAX_LEN - 1);
    buffer_printf(&text, "\303\251 and more");
    struct lines l = parse_with(buffer_cstr(&text), '\t', false);
    assert_int_equal(l.count, 1);
    assert_int_equal(strlen(l.results[0].output), OUTPUT_MAX_LEN - 1);
    lines_free(&l);
    buffer_free(&text);
}

static void no_text_is_no_result(void **state) {
    (void)state;
    struct lines l = parse_with("", '\t', false);
    assert_int_equal(l.count + l.bad_count, 0);
    lines_free(&l);
}

static void a_nul_in_a_line_is_refused(void **state) {
    (void)state;
    static const char text[] = "a\tx\t0\to\0k\n";
    struct lines l;
    lines_parse(&l, bytes_of(text, sizeof text - 1), &(struct lines_options){'\t', false});
    assert_int_equal(l.count, 0);
    assert_int_equal(l.bad_count, 1);
    lines_free(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines_are_taken_as_written),
        cmocka_unit_test(bad_lines_are_named_with_their_reason),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(a_bad_line_does_not_hide_the_others),
        cmocka_unit_test(etb_alone_ends_a_result_when_asked_for),
        cmocka_unit_test(another_delimiter_may_be_chosen),
        cmocka_unit_test(long_output_is_cut_at_the_end_of_a_character),
        cmocka_unit_test(no_text_is_no_result),
        cmocka_unit_test(a_nul_in_a_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
