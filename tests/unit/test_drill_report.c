/* A drill's report: its verdict, and how it looks to scripts, people and build servers. */
#include "client/drill/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static const struct drill drill = {
    .name = "silent-backup", .row = "DR-B1", .modes = DRILL_SANDBOX, .promises = 1u << PROMISE_ACCOUNTABILITY};

/* A run in which all went well, from moment 1000 on. */
static struct outcome good_run(struct line *line) {
    line_note(line, 1000, "the curtain opens");
    line_injected(line, 5000, "replica 3 lies");
    line_detected(line, 6200, "replica 3 is suspected");
    line_healed(line, 9000, "replica 3 is honest");
    line_recovered(line, 9400, "all are active");
    return (struct outcome){.drill = &drill,
                            .line = line,
                            .alerts = {.expected = 4, .raised = 4},
                            .changed_frames = 118,
                            .loaded = true,
                            .before = {.acks = 40, .span = 4000, .p50 = 14, .p99 = 40},
                            .during = {.acks = 39, .span = 4000, .p50 = 15, .p99 = 50},
                            .after = {.acks = 30, .span = 3000, .p50 = 14, .p99 = 41},
                            .ended = 15000,
                            .wall = 1790000000000};
}

static const char *verdict(const json_t *report) {
    return json_string_value(json_object_get(report, "verdict"));
}

static void all_kept_and_bitten_is_kept(void **state) {
    (void)state;
    struct line *line = line_new(-1, 1000);
    struct outcome o = good_run(line);
    json_t *r = report_new(&o);
    assert_string_equal(verdict(r), "kept");
    assert_true(report_kept(r));
    assert_true(json_is_true(json_object_get(r, "bit")));
    assert_int_equal(json_integer_value(json_object_get(r, "detect_ms")), 1200);
    assert_int_equal(json_integer_value(json_object_get(r, "recover_ms")), 400);
    assert_int_equal((int)(100 * json_real_value(json_object_get(r, "throughput_ratio")) + 0.5), 98);
    json_decref(r);
    line_free(line);
}

static void stage_that_ends_early_tells_only_of_what_is_broken(void **state) {
    (void)state;
    struct line *line = line_new(-1, 1000);
    struct outcome o = good_run(line);
    struct buffer card = {0};
    json_t *list = json_array();
    line_broken(line, 6000, PROMISE_AGREEMENT, "replica 2 stopped itself");
    o.cut_short = true;
    o.changed_frames = 0;
    json_t *r = report_new(&o), *told = json_object_get(r, "promises");
    assert_string_equal(verdict(r), "broken");
    assert_int_equal(json_array_size(told), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(told, 0), "name")), "agreement");
    json_array_append_new(list, r);
    report_card(&card, list, 1000);
    assert_non_null(strstr(buffer_cstr(&card), "replica 2 stopped itself"));
    assert_null(strstr(buffer_cstr(&card), "no bite:"));
    buffer_free(&card);
    json_decref(list);
    line_free(line);
}

static void fault_that_did_nothing_is_no_bite(void **state) {
    (void)state;
    struct line *line = line_new(-1, 1000);
    struct outcome o = good_run(line);
    o.changed_frames = 0;
    json_t *r = report_new(&o);
    assert_string_equal(verdict(r), "no bite");
    assert_false(report_kept(r));
    json_decref(r);
    o.killed = 1; /* a killed process is a bite too */
    r = report_new(&o);
    assert_string_equal(verdict(r), "kept");
    json_decref(r);
    o.killed = 0;
    line_bit(line, 5000, 1, "a lie of an observer");
    r = report_new(&o);
    assert_string_equal(verdict(r), "kept");
    json_decref(r);
    line_free(line);
}

/* The laggard was killed, one traitor lied, and the other did nothing: nothing is known of that one. */
static void traitor_that_did_nothing_is_no_bite(void **state) {
    (void)state;
    struct line *line = line_new(-1, 1000);
    struct outcome o = good_run(line);
    o.killed = 1;
    line_bit(line, 5000, 1, "replica 0 is stopped");
    o.idle = set_of(2);
    json_t *r = report_new(&o);
    assert_string_equal(verdict(r), "no bite");
    assert_true(json_is_false(json_object_get(r, "bit")));
    json_decref(r);
    line_free(line);
}

static void broken_promise_breaks_the_drill(void **state) {
    (void)state;
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        struct line *line = line_new(-1, 1000);
        struct outcome o = good_run(line);
        line_broken(line, 8000, (enum promise)p, "for a reason");
        json_t *r = report_new(&o), *one;
        size_t i;
        unsigned broken = 0;
        assert_string_equal(verdict(r), "broken");
        json_array_foreach(json_object_get(r, "promises"), i, one) {
            if (!json_is_true(json_object_get(one, "kept"))) {
                broken++;
                assert_string_equal(json_string_value(json_object_get(one, "name")),
                                    drill_promise_name((enum promise)p));
                assert_string_equal(json_string_value(json_object_get(one, "reason")), "for a reason");
            }
        }
        assert_int_equal(broken, 1);
        json_decref(r);
        line_free(line);
    }
}

/* What scripts rely on: every key always, null where it means nothing. */
static void every_key_is_always_there(void **state) {
    (void)state;
    static const char *const keys[] = {
        "name",   "row",      "verdict",   "bit",        "changed_frames",   "killed", "promises",
        "alerts", "lost",     "detect_ms", "recover_ms", "throughput_ratio", "before", "during",
        "after",  "timeline", "evidence",  "began",      "elapsed_ms",       "error"};
    struct line *line = line_new(-1, 1000);
    struct outcome o = {.drill = &drill, .line = line, .ended = 1000};
    json_t *reports[] = {report_new(&o), report_error(&drill, "no namespaces", 10)};
    for (unsigned r = 0; r < 2; r++) {
        for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            if (json_object_get(reports[r], keys[i]) == NULL) {
                fail_msg("%s is not there", keys[i]);
            }
        }
        assert_true(json_is_null(json_object_get(reports[r], "detect_ms")));
        assert_true(json_is_null(json_object_get(reports[r], "throughput_ratio")));
        json_decref(reports[r]);
    }
    line_free(line);
}

static void text_reads_as_it_should(void **state) {
    (void)state;
    struct line *line = line_new(-1, 1000);
    struct outcome o = good_run(line);
    o.evidence = json_pack("[{s:s, s:s, s:s}]", "kind", "EV2", "culprit", "replica 3", "explanation",
                           "prepared two batches in one place");
    line_broken(line, 14000, PROMISE_DURABILITY,
                "3 acknowledged bundles are not in the log, the first is number 12 of load/s0 at batch 99, and so on "
                "for longer than a line");
    json_t *r = report_new(&o);
    struct buffer text = {0};
    report_text(&text, r);
    assert_string_equal(
        buffer_cstr(&text),
        "silent-backup (DR-B1): broken, in 14.0 s\n"
        "\n"
        "  bit        yes: 118 frames changed, 0 processes killed\n"
        "  detected   1.2 s after the fault began\n"
        "  recovered  0.4 s after it was healed\n"
        "  alerts     4 expected, 4 raised, 0 false, 0 missed, 0 late\n"
        "  lost       0 of the acknowledged operations\n"
        "  ratio      0.98 of the throughput before\n"
        "\n"
        "  load         acks/s   p50 ms   p99 ms\n"
        "  before         10.0       14       40\n"
        "  during          9.8       15       50\n"
        "  after          10.0       14       41\n"
        "\n"
        "  time line\n"
        "      0.0 s  the curtain opens\n"
        "      4.0 s  injected: replica 3 lies\n"
        "      5.2 s  detected: replica 3 is suspected\n"
        "      8.0 s  healed: replica 3 is honest\n"
        "      8.4 s  recovered: all are active\n"
        "     13.0 s  BROKEN durability: 3 acknowledged bundles are not in the log, the first is number\n"
        "             12 of load/s0 at batch 99, and so on for longer than a line\n"
        "\n"
        "  promises\n"
        "    kept    agreement\n"
        "    kept    one-alert-stream\n"
        "    kept    no-false-alert\n"
        "    BROKEN  durability\n"
        "            3 acknowledged bundles are not in the log, the first is number 12 of load/s0 at\n"
        "            batch 99, and so on for longer than a line\n"
        "    kept    accountability\n"
        "    kept    liveness\n"
        "    kept    no-missed-alert\n"
        "    kept    recovery\n"
        "\n"
        "  evidence\n"
        "    EV2   replica 3: it prepared two batches in one place\n");
    buffer_free(&text);
    json_decref(r);
    json_decref(o.evidence);
    line_free(line);
}

static void failed_stage_says_only_why(void **state) {
    (void)state;
    struct buffer text = {0};
    json_t *r = report_error(&drill, "cannot make namespaces: unshare: run as root", 1500);
    report_text(&text, r);
    assert_string_equal(buffer_cstr(&text), "silent-backup (DR-B1): error, in 1.5 s\n"
                                            "  cannot make namespaces: unshare: run as root\n");
    buffer_free(&text);
    json_decref(r);
}

static json_t *three_reports(void) {
    struct line *line = line_new(-1, 1000), *other = line_new(-1, 1000);
    struct outcome kept = good_run(line), broken = good_run(other);
    json_t *list = json_array();
    line_broken(other, 8000, PROMISE_AGREEMENT, "replica 1 & replica 2 have \"different\" logs at 7 <\x01>");
    json_array_append_new(list, report_new(&kept));
    json_array_append_new(list, report_new(&broken));
    json_array_append_new(list, report_error(&drill, "no namespaces", 10));
    line_free(line);
    line_free(other);
    return list;
}

static void card_has_a_row_for_each_and_the_reasons(void **state) {
    (void)state;
    struct buffer text = {0};
    json_t *list = three_reports();
    report_card(&text, list, 61000);
    assert_string_equal(
        buffer_cstr(&text),
        "ROW    NAME                          VERDICT BIT  DETECT RECOVER  EXP RAIS FLS MISS LOST RATIO\n"
        "DR-B1  silent-backup                 kept    yes   1.2 s   0.4 s    4    4   0    0    0  0.98\n"
        "DR-B1  silent-backup                 broken  yes   1.2 s   0.4 s    4    4   0    0    0  0.98\n"
        "DR-B1  silent-backup                 error   NO        -       -    0    0   0    0    0     -\n"
        "\n"
        "  silent-backup: agreement: replica 1 & replica 2 have \"different\" logs at 7 <?>\n"
        "  silent-backup: error: no namespaces\n"
        "\n"
        "3 drills: 1 kept, 2 not; broken promises: 1; 61.0 s\n");
    buffer_free(&text);
    json_decref(list);
}

static unsigned count(const char *text, const char *words) {
    unsigned n = 0;
    for (; (text = strstr(text, words)) != NULL; text += strlen(words)) {
        n++;
    }
    return n;
}

static void junit_has_a_failure_for_the_promise(void **state) {
    (void)state;
    struct buffer xml = {0};
    json_t *list = three_reports();
    report_junit(&xml, list, 61000);
    const char *text = buffer_cstr(&xml);
    assert_int_equal(count(text, "<testcase "), 3);
    assert_int_equal(count(text, "</testcase>"), 3);
    assert_non_null(
        strstr(text, "<testsuite name=\"quorate drill\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"61.000\">"));
    assert_non_null(strstr(text, "<failure type=\"agreement\" message=\"replica 1 &amp; replica 2 have "
                                 "&quot;different&quot; logs at 7 &lt;?&gt;\"/>"));
    assert_non_null(strstr(text, "<error type=\"stage\" message=\"no namespaces\"/>"));
    assert_null(strchr(text, '\x01'));
    buffer_free(&xml);
    json_decref(list);
}

static void words_wrap_where_the_line_ends(void **state) {
    (void)state;
    struct buffer out = {0};
    report_wrap(&out, "one two three four", 2, 10);
    assert_string_equal(buffer_cstr(&out), "one two\n  three\n  four\n");
    buffer_clear(&out);
    report_wrap(&out, "averylongwordindeed b", 2, 10);
    assert_string_equal(buffer_cstr(&out), "averylongwordindeed\n  b\n");
    buffer_clear(&out);
    report_wrap(&out, "", 2, 10);
    assert_string_equal(buffer_cstr(&out), "\n");
    buffer_free(&out);
}

static void newest_reports_are_kept_and_read_again(void **state) {
    (void)state;
    char dir[] = "/tmp/drill-report-XXXXXX", path[128];
    struct buffer why = {0}, directory = {0};
    json_t *list = three_reports();
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/state/drills", dir);
    setenv("QUORATE_DRILLS", path, 1);
    assert_true(report_directory(&directory));
    assert_int_equal(report_keep(list, buffer_cstr(&directory), &why), ERR_OK);
    json_t *again = report_read("last", &why);
    assert_true(json_equal(list, again));
    json_decref(again);
    again = report_read("silent-backup", &why);
    assert_int_equal(json_array_size(again), 1);
    assert_string_equal(verdict(json_array_get(again, 0)), "error"); /* the newest of them */
    json_decref(again);
    snprintf(path, sizeof path, "%s/none", dir);
    assert_null(report_read(path, &why));
    assert_non_null(strstr(buffer_cstr(&why), "run a drill first"));
    buffer_clear(&why);
    snprintf(path, sizeof path, "%s/other", dir);
    assert_int_equal(report_write(path, bytes_of_text("{\"a\":1}\n"), &why), ERR_OK);
    assert_null(report_read(path, &why));
    assert_non_null(strstr(buffer_cstr(&why), ":1: "));
    buffer_clear(&why);
    assert_int_equal(report_write(path, bytes_of_text(""), &why), ERR_OK);
    assert_null(report_read(path, &why));
    assert_non_null(strstr(buffer_cstr(&why), "the file is empty"));
    buffer_clear(&why);
    assert_int_equal(report_write(path, bytes_of("{\"verdict\":\"kept\"}\n\0{}\n", 23), &why), ERR_OK);
    assert_null(report_read(path, &why));
    assert_non_null(strstr(buffer_cstr(&why), "a NUL is in it"));
    snprintf(path, sizeof path, "rm -rf %s", dir);
    assert_int_equal(system(path), 0);
    unsetenv("QUORATE_DRILLS");
    buffer_free(&why);
    buffer_free(&directory);
    json_decref(list);
}

static void directory_follows_the_environment(void **state) {
    (void)state;
    struct buffer out = {0};
    unsetenv("QUORATE_DRILLS");
    setenv("XDG_STATE_HOME", "/x", 1);
    assert_true(report_directory(&out));
    assert_string_equal(buffer_cstr(&out), "/x/quorate/drills");
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", "/h", 1);
    assert_true(report_directory(&out));
    assert_string_equal(buffer_cstr(&out), "/h/.local/state/quorate/drills");
    unsetenv("HOME");
    assert_false(report_directory(&out));
    buffer_free(&out);
}

static void report_that_cannot_be_kept_says_why(void **state) {
    (void)state;
    struct buffer why = {0};
    json_t *list = three_reports();
    assert_int_equal(report_keep(list, "/proc/none/drills", &why), ERR_IO);
    assert_non_null(strstr(buffer_cstr(&why), "/proc/none"));
    buffer_free(&why);
    json_decref(list);
}

/* Of a running cluster nobody knows what was acknowledged, but how many batches it executed. */
static void report_of_a_running_cluster_claims_no_acks(void **state) {
    (void)state;
    struct buffer text = {0};
    json_t *r = json_loads("{\"name\":\"n\",\"row\":\"r\",\"verdict\":\"kept\",\"lost\":null,"
                           "\"before\":{\"batches_per_s\":12.5,\"acks_per_s\":null}}",
                           0, NULL);
    report_text(&text, r);
    assert_non_null(strstr(buffer_cstr(&text), "lost       -\n"));
    assert_non_null(strstr(buffer_cstr(&text), "batches/s\n  before          12.5\n"));
    assert_null(strstr(buffer_cstr(&text), "acks/s"));
    json_decref(r);
    buffer_free(&text);
}

static void report_steers_no_terminal(void **state) {
    (void)state;
    struct buffer text = {0};
    json_t *r = json_loads("{\"name\":\"\\u001b[2Jname\",\"row\":\"\\u001b\",\"verdict\":\"\\u001b\","
                           "\"promises\":[{\"name\":\"\\u001b\",\"kept\":false,\"reason\":\"\\u001b\"}],"
                           "\"evidence\":[{\"kind\":\"\\u001b\",\"culprit\":\"\\u001b\"}]}",
                           0, NULL),
           *list = json_pack("[O]", r);
    report_text(&text, r);
    report_card(&text, list, 1000);
    assert_non_null(strstr(buffer_cstr(&text), "?[2Jname"));
    assert_null(strchr(buffer_cstr(&text), '\x1b'));
    json_decref(list);
    json_decref(r);
    buffer_free(&text);
}

static void long_words_stay_utf8(void **state) {
    (void)state;
    struct buffer word = {0}, text = {0};
    buffer_u8(&word, 'x');
    for (unsigned i = 0; i < 600; i++) {
        buffer_printf(&word, "\u00e4");
    }
    json_t *r = json_pack("{s:s, s:s}", "name", buffer_cstr(&word), "error", buffer_cstr(&word));
    report_text(&text, r);
    assert_true(utf8_valid(buffer_bytes(&text)));
    assert_non_null(strstr(buffer_cstr(&text), buffer_cstr(&word)));
    json_decref(r);
    buffer_free(&word);
    buffer_free(&text);
}

static void junit_has_only_characters_of_xml(void **state) {
    (void)state;
    struct buffer xml = {0};
    json_t *list = json_loads("[{\"name\":\"a\\ufffeb\\uffffc\\ufffdd\",\"verdict\":\"kept\"}]", 0, NULL);
    report_junit(&xml, list, 1000);
    assert_non_null(strstr(buffer_cstr(&xml), "name=\"a?b?c\ufffdd\""));
    assert_null(strstr(buffer_cstr(&xml), "\xef\xbf\xbe"));
    assert_null(strstr(buffer_cstr(&xml), "\xef\xbf\xbf"));
    json_decref(list);
    buffer_free(&xml);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kept_and_bitten_is_kept),
        cmocka_unit_test(stage_that_ends_early_tells_only_of_what_is_broken),
        cmocka_unit_test(fault_that_did_nothing_is_no_bite),
        cmocka_unit_test(traitor_that_did_nothing_is_no_bite),
        cmocka_unit_test(broken_promise_breaks_the_drill),
        cmocka_unit_test(every_key_is_always_there),
        cmocka_unit_test(text_reads_as_it_should),
        cmocka_unit_test(failed_stage_says_only_why),
        cmocka_unit_test(card_has_a_row_for_each_and_the_reasons),
        cmocka_unit_test(junit_has_a_failure_for_the_promise),
        cmocka_unit_test(words_wrap_where_the_line_ends),
        cmocka_unit_test(newest_reports_are_kept_and_read_again),
        cmocka_unit_test(directory_follows_the_environment),
        cmocka_unit_test(report_that_cannot_be_kept_says_why),
        cmocka_unit_test(report_of_a_running_cluster_claims_no_acks),
        cmocka_unit_test(report_steers_no_terminal),
        cmocka_unit_test(long_words_stay_utf8),
        cmocka_unit_test(junit_has_only_characters_of_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
