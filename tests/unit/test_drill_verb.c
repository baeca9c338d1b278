/* quorate drill: the command line, without playing anything. */
#include "client/cli.h"

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

static char said[65536];

/* Runs the line with stdout and stderr into `said`. */
static int drill(const char *line) {
    char copy[512], *argv[32], *save = NULL;
    int argc = 0, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    snprintf(copy, sizeof copy, "drill %s", line);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    dup2(fileno(file), STDOUT_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    int code = verb_drill(argc, argv);
    fflush(stdout);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    close(out);
    close(err);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return code;
}

static void must_say(const char *words) {
    if (strstr(said, words) == NULL) {
        fail_msg("'%s' is not in: %.400s", words, said);
    }
}

static void wrong_lines_say_what_to_do(void **state) {
    (void)state;
    static const struct {
        const char *line, *says;
    } lines[] = {
        {"", "usage: quorate drill"},
        {"lst", "no such word: lst: did you mean list"},
        {"zzz", "`quorate drill --help` lists them"},
        {"run", "an operand is missing"},
        {"run silent-backup", "where is not said: silent-backup: give --sandbox"},
        {"run silent-bakcup --sandbox", "no such drill: silent-bakcup: did you mean silent-backup"},
        {"run zzz --sandbox", "no such drill: zzz: `quorate drill list` names them"},
        {"run silent-backup --sandbox --replica 1", "both at once: --sandbox, --replica"},
        {"run all --sandbox --jobs 9999", "too many at once: --jobs"},
        {"run all --sandbox --jobs 65", "too many at once: --jobs: give at most 64"},
        {"run silent-backup --sandbox --for 5s", "for drills of a running cluster: --for"},
        {"run silent-backup --replica 1 --keep /tmp", "for sandboxes: --keep: leave it out"},
        {"run silent-backup --replica 1 --jobs 2", "for sandboxes: --jobs: leave it out"},
        {"run all --replica 0", "one drill at a time on a running cluster: all: name one"},
        {"run ci --replica 0", "one drill at a time on a running cluster: ci: name one"},
        {"run silent-backup slow-drip --replica 0", "one drill at a time on a running cluster: slow-drip"},
        {"run silent-bakcup --replica 0", "no such drill: silent-bakcup: did you mean silent-backup"},
        {"run silent-backup --replica +1", "not a number of a replica: --replica +1"},
        {"run silent-backup --replica 1x", "not a number of a replica: --replica 1x"},
        {"run silent-backup --replica 99999", "not a number of a replica: --replica 99999"},
        {"show", "an operand is missing"},
        {"show zzz", "no such drill: zzz"},
    };
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(drill(lines[i].line), CLI_USAGE);
        must_say(lines[i].says);
    }
}

static void help_needs_no_cluster(void **state) {
    (void)state;
    static const char *const lines[] = {"--help", "list --help", "show --help", "run --help", "report --help"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(drill(lines[i]), CLI_DONE);
        must_say("usage: quorate drill");
    }
}

static void run_says_what_it_needs_and_how_it_ends(void **state) {
    (void)state;
    drill("run --help");
    must_say("at most 64");
    must_say("`drills: live`");
    must_say("3 no quorum in time");
}

/* Not behind an hour of drills. */
static void place_for_the_reports_is_tried_first(void **state) {
    (void)state;
    assert_int_equal(drill("run silent-backup --sandbox --junit /nonexistent/drills.xml"), CLI_REFUSED);
    must_say("/nonexistent/drills.xml");
    must_say("name another file with --junit");
    assert_int_equal(drill("run silent-backup --sandbox --junit /"), CLI_REFUSED);
    must_say("name another file with --junit");
}

static void list_says_each_drill(void **state) {
    (void)state;
    assert_int_equal(drill("list"), CLI_DONE);
    must_say("DR-B1  silent-backup");
    assert_int_equal(drill("list silent-backup"), CLI_DONE);
    must_say("must hold");
    assert_int_equal(drill("show dr-b1"), CLI_DONE);
    must_say("silent-backup (DR-B1)");
}

static void list_is_json_lines_wherever_the_option_stands(void **state) {
    (void)state;
    static const char *const lines[] = {"--json show silent-backup", "show --json silent-backup",
                                        "-c none.yaml show silent-backup --json"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(drill(lines[i]), CLI_DONE);
        assert_int_equal(said[0], '{');
        must_say("\"row\":\"DR-B1\"");
        must_say("\"modes\":[\"sandbox\",\"live\"]");
        must_say("\"promises\":[\"agreement\"");
    }
}

static void report_before_any_run_says_so(void **state) {
    (void)state;
    setenv("QUORATE_DRILLS", "/nonexistent", 1);
    assert_int_equal(drill("report"), CLI_REFUSED);
    must_say("run a drill first");
    unsetenv("QUORATE_DRILLS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_lines_say_what_to_do),
        cmocka_unit_test(help_needs_no_cluster),
        cmocka_unit_test(run_says_what_it_needs_and_how_it_ends),
        cmocka_unit_test(place_for_the_reports_is_tried_first),
        cmocka_unit_test(list_says_each_drill),
        cmocka_unit_test(list_is_json_lines_wherever_the_option_stands),
        cmocka_unit_test(report_before_any_run_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
