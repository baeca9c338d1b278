/* agent.yaml: what is taken, what is refused, and that every refusal names the line and the field. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "client/agent/agent_config.h"

#include <string.h>

static struct agent_config *config;
static struct buffer why;

static enum error parse(const char *text) {
    agent_config_free(config);
    buffer_clear(&why);
    return agent_config_parse(&config, bytes_of_text(text), "a.yaml", &why);
}

static void refuse(const char *text, const char *sentence) {
    assert_int_equal(parse(text), ERR_MALFORMED);
    assert_null(config);
    if (strstr(buffer_cstr(&why), sentence) == NULL) {
        fail_msg("'%s' is not in '%s'", sentence, buffer_cstr(&why));
    }
}

static int teardown(void **state) {
    (void)state;
    agent_config_free(config);
    config = NULL;
    buffer_free(&why);
    return 0;
}

static void an_entry_becomes_a_check_ready_to_run(void **state) {
    (void)state;
    assert_int_equal(parse("checks:\n  - { host: web1, service: http, interval: 10s, timeout: 5s,\n"
                           "      command: [check_http, -H, web1] }\n"
                           "  - host: web1\n    interval: 1m\n    command: [/bin/true]\n"),
                     ERR_OK);
    assert_int_equal(config->count, 2);
    const struct agent_check *c = config->checks;
    assert_string_equal(c[0].host, "web1");
    assert_string_equal(c[0].service, "http");
    assert_int_equal(c[0].interval, 10000);
    assert_int_equal(c[0].timeout, 5000);
    assert_string_equal(c[0].path, AGENT_PLUGIN_DIR "/check_http");
    assert_string_equal(c[0].argv[0], "check_http");
    assert_string_equal(c[0].argv[2], "web1");
    assert_null(c[0].argv[3]);
    assert_string_equal(c[1].service, "");
    assert_string_equal(c[1].path, "/bin/true");
    assert_int_equal(c[1].timeout, 60000);
}

static void plugin_dir_is_where_bare_names_are_found(void **state) {
    (void)state;
    assert_int_equal(parse("plugin_dir: /opt/p\nchecks: [ { host: a, interval: 1s, command: [x] } ]\n"), ERR_OK);
    assert_string_equal(config->checks[0].path, "/opt/p/x");
    refuse("plugin_dir: opt\nchecks: [ { host: a, interval: 1s, command: [x] } ]\n", "a.yaml:1: plugin_dir: ");
}

static void unknown_and_missing_and_repeated_keys_are_named_with_their_line(void **state) {
    (void)state;
    refuse("checks:\n  - host: a\n    intervall: 1s\n    command: [x]\n", "a.yaml:3: intervall: is no key");
    refuse("colour: red\nchecks: []\n", "a.yaml:1: colour: is no key");
    refuse("\"che\\e[31mcks\": []\n", "a.yaml:1: che?[31mcks: is no key"); /* it stays one plain line */
    refuse("checks:\n  - { host: a, interval: 1s }\n", "a.yaml:2: command: is missing");
    refuse("checks:\n  - { host: a, host: b, interval: 1s, command: [x] }\n", "a.yaml:2: host: is given twice");
    refuse("checks:\n  - { host: [a], interval: 1s, command: [x] }\n", "a.yaml:2: host: has the wrong shape");
    refuse("checks:\n  - { host: a\n", "no valid YAML");
    refuse("", "a.yaml:1: is empty");
    refuse("checks: []\n", "a.yaml:1: checks: holds 0 entries");
}

static void bad_values_are_all_told_each_at_its_line(void **state) {
    (void)state;
    refuse("checks:\n"
           "  - { host: a, interval: 1s, command: [x] }\n"
           "  - host: b\n"
           "    interval: 10\n"
           "    timeout: 2h\n"
           "    command: []\n"
           "  - { host: '', service: '', interval: 99ms, command: [bin/x] }\n",
           "a.yaml:4: interval: '10' is no duration");
    static const char *const MORE[] = {"a.yaml:5: timeout: 2h is out of bounds",
                                       "a.yaml:6: command: is empty",
                                       "a.yaml:7: host: is empty",
                                       "a.yaml:7: service: is empty",
                                       "a.yaml:7: interval: 99ms is out of bounds",
                                       "a.yaml:7: command: 'bin/x' is a rel"};
    for (size_t i = 0; i < sizeof MORE / sizeof MORE[0]; i++) {
        if (strstr(buffer_cstr(&why), MORE[i]) == NULL) {
            fail_msg("'%s' is not in '%s'", MORE[i], buffer_cstr(&why));
        }
    }
    refuse("checks: [ { host: 'a;b', interval: 1s, command: [x] } ]\n", "a.yaml:1: host: holds a newline or ';'");
}

static void one_service_is_checked_by_one_entry(void **state) {
    (void)state;
    refuse("checks:\n  - { host: a, service: s, interval: 1s, command: [x] }\n"
           "  - { host: a, interval: 1s, command: [x] }\n"
           "  - { host: a, service: s, interval: 1s, command: [x] }\n",
           "a.yaml:4: host: a/s is checked by an earlier entry too");
}

static void a_file_that_is_not_there_is_named(void **state) {
    (void)state;
    buffer_clear(&why);
    agent_config_free(config);
    assert_int_equal(agent_config_load(&config, "/nonexistent/a.yaml", &why), ERR_NOT_FOUND);
    assert_non_null(strstr(buffer_cstr(&why), "/nonexistent/a.yaml"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_becomes_a_check_ready_to_run),
        cmocka_unit_test(plugin_dir_is_where_bare_names_are_found),
        cmocka_unit_test(unknown_and_missing_and_repeated_keys_are_named_with_their_line),
        cmocka_unit_test(bad_values_are_all_told_each_at_its_line),
        cmocka_unit_test(one_service_is_checked_by_one_entry),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
