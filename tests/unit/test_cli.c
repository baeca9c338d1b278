/* The rules of the command line that all verbs share. */
#include "client/cli.h"

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

struct seen {
    bool flag;
    const char *text;
    uint64_t number;
    mono_ms duration;
    struct cli_list list;
    struct cli cli;
};

static int parse_line(struct seen *s, const char *line) {
    static char copy[512];
    static char *argv[32];
    char *save = NULL;
    int argc = 0;
    *s = (struct seen){.text = "default", .number = 7, .duration = 9};
    const struct cli_option options[] = {{"flag", 'f', CLI_FLAG, &s->flag, NULL, "a flag"},
                                         {"text", 't', CLI_TEXT, &s->text, "TEXT", "some text"},
                                         {"number", 0, CLI_NUMBER, &s->number, "N", "a number"},
                                         {"duration", 'd', CLI_DURATION, &s->duration, "DUR", "a duration"},
                                         {"list", 'l', CLI_LIST, &s->list, "FILE", "a list"},
                                         {0}};
    const struct cli_verb verb = {.name = "verb",
                                  .operands = "A [B]",
                                  .summary = "A verb for tests",
                                  .operands_min = 1,
                                  .operands_max = 2,
                                  .options = options};
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return cli_parse(&s->cli, &verb, argc, argv);
}

static int no_environment(void **state) {
    (void)state;
    unsetenv("QUORATE_CLUSTER");
    unsetenv("QUORATE_KEY");
    return 0;
}

/* What is printed to the user meanwhile is not the test's output. */
static FILE *loud_out, *loud_err;

static void hush(void) {
    loud_out = stdout;
    loud_err = stderr;
    stdout = fopen("/dev/null", "w");
    stderr = fopen("/dev/null", "w");
    assert_true(stdout != NULL && stderr != NULL);
}

static void speak(void) {
    fclose(stdout);
    fclose(stderr);
    stdout = loud_out;
    stderr = loud_err;
}

static int parse(struct seen *s, const char *line) {
    hush();
    int code = parse_line(s, line);
    speak();
    return code;
}

static void options_and_operands_mix_in_any_order(void **state) {
    (void)state;
    static const char *const lines[] = {"verb one two -f -t x --number 3 -c cl -k ke --json",
                                        "verb -f one --text x two --number=3 --cluster=cl --key ke --json",
                                        "verb --json -ftx -ccl -kke --number 3 one -- two",
                                        "verb --json -f --text=x -c cl -k ke --number 3 -- one two"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct seen s;
        assert_int_equal(parse(&s, lines[i]), CLI_GO_ON);
        assert_int_equal(s.cli.operand_count, 2);
        assert_string_equal(s.cli.operands[0], "one");
        assert_string_equal(s.cli.operands[1], "two");
        assert_null(s.cli.operands[2]);
        assert_true(s.flag && s.cli.json);
        assert_string_equal(s.text, "x");
        assert_int_equal(s.number, 3);
        assert_string_equal(s.cli.cluster_path, "cl");
        assert_string_equal(s.cli.key_path, "ke");
    }
}

static void what_is_not_given_keeps_its_default(void **state) {
    (void)state;
    struct seen s;
    assert_int_equal(parse(&s, "verb one"), CLI_GO_ON);
    assert_int_equal(s.cli.operand_count, 1);
    assert_string_equal(s.text, "default");
    assert_int_equal(s.number, 7);
    assert_int_equal(s.duration, 9);
    assert_int_equal(s.cli.timeout, 15000);
    assert_null(s.cli.cluster_path);
    assert_null(s.cli.key_path);
    assert_false(s.cli.json);
}

static void the_environment_names_cluster_and_key_unless_options_do(void **state) {
    (void)state;
    struct seen s;
    setenv("QUORATE_CLUSTER", "from-env", 1);
    setenv("QUORATE_KEY", "", 1);
    assert_int_equal(parse(&s, "verb one"), CLI_GO_ON);
    assert_string_equal(s.cli.cluster_path, "from-env");
    assert_null(s.cli.key_path);
    assert_int_equal(parse(&s, "verb one -c given"), CLI_GO_ON);
    assert_string_equal(s.cli.cluster_path, "given");
    unsetenv("QUORATE_CLUSTER");
    unsetenv("QUORATE_KEY");
}

static void a_list_takes_all_up_to_the_next_option(void **state) {
    (void)state;
    struct seen s;
    assert_int_equal(parse(&s, "verb one -l a - b -f --list=c d"), CLI_GO_ON);
    assert_int_equal(s.list.count, 5);
    assert_string_equal(s.list.items[1], "-");
    assert_string_equal(s.list.items[4], "d");
    assert_int_equal(s.cli.operand_count, 1);
}

static void durations_carry_their_unit(void **state) {
    (void)state;
    struct seen s;
    assert_int_equal(parse(&s, "verb one --timeout 250ms -d 5m"), CLI_GO_ON);
    assert_int_equal(s.cli.timeout, 250);
    assert_int_equal(s.duration, 300000);
    assert_int_equal(parse(&s, "verb one --timeout 250"), CLI_USAGE);
}

static void wrong_usage_is_exit_2(void **state) {
    (void)state;
    static const char *const lines[] = {"verb",
                                        "verb one two three",
                                        "verb one --unknown",
                                        "verb one -x",
                                        "verb one --text",
                                        "verb one -t",
                                        "verb one --number x",
                                        "verb one --number -1",
                                        "verb one --number 1x",
                                        "verb one --number= ",
                                        "verb one --number 18446744073709551616",
                                        "verb one --flag=yes",
                                        "verb one --fla",
                                        "verb one --flags"};
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct seen s;
        assert_int_equal(parse(&s, lines[i]), CLI_USAGE);
    }
}

static void help_and_version_need_nothing_else(void **state) {
    (void)state;
    struct seen s;
    int by_name = parse(&s, "verb --help"), by_letter = parse(&s, "verb -h"), version = parse(&s, "verb --version");
    assert_int_equal(by_name, CLI_DONE);
    assert_int_equal(by_letter, CLI_DONE);
    assert_int_equal(version, CLI_DONE);
}

static void only_an_absent_quorum_is_exit_3(void **state) {
    (void)state;
    assert_int_equal(cli_exit_of(ERR_OK), CLI_DONE);
    assert_int_equal(cli_exit_of(ERR_NO_QUORUM), CLI_NO_QUORUM);
    assert_int_equal(cli_exit_of(ERR_TIMED_OUT), CLI_NO_QUORUM);
    assert_int_equal(cli_exit_of(ERR_FORBIDDEN), CLI_REFUSED);
    assert_int_equal(cli_exit_of(ERR_BUSY), CLI_REFUSED);
}

static void a_missing_cluster_or_key_is_wrong_usage(void **state) {
    (void)state;
    struct seen s;
    struct cluster *cluster = NULL;
    assert_int_equal(parse(&s, "verb one"), CLI_GO_ON);
    hush();
    int unnamed = cli_open_cluster(&s.cli, &cluster), keyless = cli_need_key(&s.cli);
    speak();
    assert_int_equal(unnamed, CLI_USAGE);
    assert_int_equal(keyless, CLI_USAGE);
    assert_int_equal(parse(&s, "verb one -c /nonexistent/cluster.yaml -k k"), CLI_GO_ON);
    hush();
    int absent = cli_open_cluster(&s.cli, &cluster), keyed = cli_need_key(&s.cli);
    speak();
    assert_int_equal(absent, CLI_REFUSED);
    assert_int_equal(keyed, CLI_GO_ON);
    assert_null(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_mix_in_any_order),
        cmocka_unit_test(what_is_not_given_keeps_its_default),
        cmocka_unit_test(the_environment_names_cluster_and_key_unless_options_do),
        cmocka_unit_test(a_list_takes_all_up_to_the_next_option),
        cmocka_unit_test(durations_carry_their_unit),
        cmocka_unit_test(wrong_usage_is_exit_2),
        cmocka_unit_test(help_and_version_need_nothing_else),
        cmocka_unit_test(only_an_absent_quorum_is_exit_3),
        cmocka_unit_test(a_missing_cluster_or_key_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, no_environment, NULL);
}
