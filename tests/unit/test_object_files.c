/* What `quorate apply` reads: files, directories and a nagios.cfg, each once, in a fixed order. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
/* clang-format on */

#include "client/object_files.h"

static char root[64];

static char *path_of(const char *name) {
    struct buffer path = {0};
    buffer_printf(&path, "%s/%s", root, name);
    char *copy = xstrdup(buffer_cstr(&path));
    buffer_free(&path);
    return copy;
}

static void put_file(const char *name, const char *text) {
    char *path = path_of(name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(path);
}

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/object-files-XXXXXX");
    assert_non_null(mkdtemp(root));
    char *sub = path_of("sub"), *deep = path_of("sub/deep");
    mkdir(sub, 0700);
    mkdir(deep, 0700);
    free(sub);
    free(deep);
    put_file("b.cfg", "define b\n");
    put_file("a.cfg", "# a\n");
    put_file("notes.txt", "not read\n");
    put_file(".hidden.cfg", "not read\n");
    put_file("sub/deep/c.cfg", "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    struct buffer command = {0};
    buffer_printf(&command, "rm -rf '%s'", root);
    int result = system(buffer_cstr(&command));
    buffer_free(&command);
    return result;
}

/* What is read from root/name: "a.cfg b.cfg", or the problems. */
static void assert_reads(const char *name, const char *expected, const char *problem) {
    struct object_files f = {0};
    struct buffer why = {0}, list = {0};
    char *path = path_of(name);
    object_files_add(&f, path, &why);
    for (size_t i = 0; i < f.count; i++) {
        buffer_printf(&list, "%s%s", i > 0 ? " " : "", f.sources[i].file + strlen(root) + 1);
    }
    assert_string_equal(buffer_cstr(&list), expected);
    if (strstr(buffer_cstr(&why), problem) == NULL || (*problem == '\0') != (why.len == 0)) {
        print_message("said: %s", buffer_cstr(&why));
    }
    assert_non_null(strstr(buffer_cstr(&why), problem));
    assert_int_equal(*problem == '\0', why.len == 0);
    free(path);
    buffer_free(&why);
    buffer_free(&list);
    object_files_free(&f);
}

static void a_directory_gives_its_cfg_files_in_order(void **state) {
    (void)state;
    assert_reads("", "a.cfg b.cfg sub/deep/c.cfg", "");
}

static void one_file_is_read_whatever_its_name(void **state) {
    (void)state;
    assert_reads("notes.txt", "notes.txt", "");
    assert_reads("missing.cfg", "", "missing.cfg");
}

static void a_directory_in_a_circle_is_refused(void **state) {
    (void)state;
    char *link = path_of("sub/loop");
    assert_int_equal(symlink("..", link), 0);
    assert_reads("sub", "sub/deep/c.cfg sub/loop/a.cfg sub/loop/b.cfg", "nest in a circle");
    unlink(link);
    free(link);
}

static void a_main_configuration_names_files_and_units(void **state) {
    (void)state;
    put_file("nagios.cfg", "# main\n\nlog_file=/var/log/x\n cfg_file = b.cfg\ncfg_dir=sub\ncfg_file=b.cfg\n"
                           "interval_length=10\nresource_file=r.cfg\nuse_regexp_matching=0\n");
    struct object_files f = {0};
    struct buffer why = {0};
    char *path = path_of("nagios.cfg");
    object_files_add(&f, path, &why);
    assert_int_equal(why.len, 0);
    assert_int_equal(f.count, 2);
    assert_int_equal(f.options.interval_length, 10000);
    assert_non_null(strstr(buffer_cstr(&f.ignored), "log_file (first at "));
    assert_non_null(strstr(buffer_cstr(&f.ignored), "resource_file (first at "));
    assert_non_null(strstr(buffer_cstr(&f.ignored), "nagios.cfg:8)\n"));
    assert_null(strstr(buffer_cstr(&f.ignored), "cfg_file"));
    free(path);
    buffer_free(&why);
    object_files_free(&f);
}

static void what_is_wrong_in_a_main_configuration_is_said_with_its_line(void **state) {
    (void)state;
    put_file("nagios.cfg", "log_file=x\ninterval_length=0\n");
    assert_reads("nagios.cfg", "", "nagios.cfg:2: interval_length: '0' is not a number of seconds");
    put_file("nagios.cfg", "log_file=x\nuse_regexp_matching=1\n");
    assert_reads("nagios.cfg", "", "nagios.cfg:2: use_regexp_matching: names by pattern are not supported");
    put_file("nagios.cfg", "log_file=x\ncfg_file=nagios.cfg\ncfg_file=a.cfg\n");
    assert_reads("nagios.cfg", "a.cfg", "nagios.cfg:1: a main configuration inside another one");
    put_file("nagios.cfg", "log_file=x\nnonsense\n");
    assert_reads("nagios.cfg", "", "nagios.cfg:2: 'nonsense': not of the form NAME=VALUE");
    put_file("nagios.cfg", "log_file=x\ncfg_file=none.cfg\n");
    assert_reads("nagios.cfg", "", "none.cfg");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_gives_its_cfg_files_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_file_is_read_whatever_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_directory_in_a_circle_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_main_configuration_names_files_and_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_in_a_main_configuration_is_said_with_its_line, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
