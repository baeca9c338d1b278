/* The command line of quorated: what is missing, unknown or wrong is named, with the way out. */
#include "replica/config.h"
#include "replica/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

static struct config config;
static char out_text[8192], err_text[512];

static enum config_verdict parse(const char *first, ...) {
    char *argv[32] = {(char *)(uintptr_t) "quorated"};
    int argc = 1;
    va_list list;
    va_start(list, first);
    for (const char *a = first; a; a = va_arg(list, const char *))
        argv[argc++] = (char *)(uintptr_t)a;
    va_end(list);
    memset(out_text, 0, sizeof out_text);
    memset(err_text, 0, sizeof err_text);
    FILE *out = fmemopen(out_text, sizeof out_text, "w"), *err = fmemopen(err_text, sizeof err_text, "w");
    enum config_verdict v = config_parse(&config, argc, argv, out, err);
    fclose(out);
    fclose(err);
    return v;
}

static int clean_environment(void **state) {
    (void)state;
    unsetenv("QUORATE_CLUSTER");
    unsetenv("QUORATE_KEY");
    return 0;
}

static void all_that_is_needed_is_enough(void **state) {
    (void)state;
    assert_int_equal(parse("-c", "c.yaml", "-i", "2", "-k", "k", "-d", "dir", NULL), CONFIG_RUN);
    assert_string_equal(config.cluster_path, "c.yaml");
    assert_string_equal(config.key_path, "k");
    assert_string_equal(config.data_dir, "dir");
    assert_int_equal(config.self, 2);
    assert_false(config.json);
    assert_int_equal(config.level, LOG_INFO_);
    assert_null(config.record_path);
    assert_null(config.behave);
}

static void the_environment_names_cluster_and_key_and_options_win(void **state) {
    (void)state;
    setenv("QUORATE_CLUSTER", "env.yaml", 1);
    setenv("QUORATE_KEY", "env.key", 1);
    assert_int_equal(parse("-i", "0", "-d", "dir", "-k", "own.key", NULL), CONFIG_RUN);
    assert_string_equal(config.cluster_path, "env.yaml");
    assert_string_equal(config.key_path, "own.key");
}

static void options_of_taste_are_taken(void **state) {
    (void)state;
    assert_int_equal(parse("--cluster=c", "--id=12", "--key=k", "--data=d", "--log-format", "json", "--log-level",
                           "error", "--record", "r", "--behave", "silent", NULL),
                     CONFIG_RUN);
    assert_int_equal(config.self, 12);
    assert_true(config.json);
    assert_int_equal(config.level, LOG_ERROR_);
    assert_string_equal(config.record_path, "r");
    assert_string_equal(config.behave, "silent");
}

static void usage_names(const char *where) {
    assert_memory_equal(err_text, "quorated: ", 10);
    assert_non_null(strstr(err_text, where));
    assert_non_null(strstr(err_text, "--help"));
    assert_int_equal(out_text[0], 0);
}

static void each_missing_option_is_named(void **state) {
    (void)state;
    assert_int_equal(parse(NULL, NULL), CONFIG_USAGE);
    usage_names("-c cluster.yaml");
    assert_int_equal(parse("-c", "c", NULL), CONFIG_USAGE);
    usage_names("-i ID");
    assert_int_equal(parse("-c", "c", "-i", "0", NULL), CONFIG_USAGE);
    usage_names("-k KEY");
    assert_int_equal(parse("-c", "c", "-i", "0", "-k", "k", NULL), CONFIG_USAGE);
    usage_names("-d DATADIR");
}

static void wrong_values_are_refused(void **state) {
    (void)state;
    const char *const ids[] = {"", "x", "-1", "13", "1x", " 1", "99999999999999999999"};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_int_equal(parse("-i", ids[i], NULL), CONFIG_USAGE);
        usage_names("-i takes the id");
    }
    assert_int_equal(parse("--log-format", "xml", NULL), CONFIG_USAGE);
    usage_names("xml");
    assert_int_equal(parse("--log-level", "loud", NULL), CONFIG_USAGE);
    usage_names("loud");
    assert_int_equal(parse("--behave", "well", NULL), CONFIG_USAGE);
    usage_names("well");
    assert_int_equal(parse("--nonsense", NULL), CONFIG_USAGE);
    usage_names("--nonsense");
    assert_int_equal(parse("-c", NULL), CONFIG_USAGE);
    usage_names("lacks its value");
    assert_int_equal(parse("-c", "c", "-i", "0", "-k", "k", "-d", "d", "more", NULL), CONFIG_USAGE);
    usage_names("more");
}

static void questions_are_answered_on_stdout(void **state) {
    (void)state;
    assert_int_equal(parse("--help", NULL), CONFIG_DONE);
    for (unsigned i = 0; fault_behaviour(i); i++) {
        assert_non_null(strstr(out_text, fault_behaviour(i)->name));
        assert_non_null(strstr(out_text, fault_behaviour(i)->what));
    }
    assert_int_equal(parse("-h", NULL), CONFIG_DONE);
    assert_int_equal(parse("--version", NULL), CONFIG_DONE);
    assert_string_equal(out_text, "quorated " QUORATE_VERSION "\n");
    assert_int_equal(parse("--help-protocol", NULL), CONFIG_DONE);
    assert_true(strlen(out_text) > 100);
    assert_int_equal(err_text[0], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_that_is_needed_is_enough, clean_environment),
        cmocka_unit_test_setup(the_environment_names_cluster_and_key_and_options_win, clean_environment),
        cmocka_unit_test_setup(options_of_taste_are_taken, clean_environment),
        cmocka_unit_test_setup(each_missing_option_is_named, clean_environment),
        cmocka_unit_test_setup(wrong_values_are_refused, clean_environment),
        cmocka_unit_test_setup(questions_are_answered_on_stdout, clean_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
