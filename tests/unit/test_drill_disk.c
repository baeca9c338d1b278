/* The faulty disk that drills preload into replicas, tried on small programs: what it refuses, how long it takes, and
   what a power loss takes from who does not sync. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clock.h"
#include "client/drill/power_loss.h"
#include "client/drill/process.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE = 60000 };

static char work[64], library[PATH_MAX];

static void in_work(char out[128], const char *name) {
    snprintf(out, 128, "%s/%s", work, name);
}

/* A shell with the faulty disk in $work/data; its exit status. `sync FILE` is coreutils' fsync. */
static int with_disk(const char *script) {
    char preload[PATH_MAX + 16], fault[160], synced[160], below[160], line[512];
    snprintf(preload, sizeof preload, "LD_PRELOAD=%s", library);
    snprintf(fault, sizeof fault, "QUORATE_DISK_FAULT=%s/fault", work);
    snprintf(synced, sizeof synced, "QUORATE_DISK_SYNCED=%s/synced", work);
    snprintf(below, sizeof below, "QUORATE_DISK_DIR=%s/data", work);
    snprintf(line, sizeof line, "cd %s/data && { %s\n}", work, script);
    const char *env[] = {preload, fault, synced, below, NULL}, *argv[] = {"sh", "-c", line, NULL};
    struct process_job job = {.path = "/bin/sh", .argv = argv, .env = env, .net = -1};
    struct buffer said = {0};
    int status = process_run(&job, bytes_of("", 0), &said, &said, PATIENCE);
    if (said.len > 0) {
        print_message("%s", buffer_cstr(&said));
    }
    buffer_free(&said);
    return status;
}

static void set_fault(const char *kind) {
    char path[128];
    in_work(path, "fault");
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(kind, out);
    fclose(out);
}

static uint64_t lose_power(void) {
    char data[128], synced[128];
    struct buffer why = {0};
    uint64_t lost = 0;
    in_work(data, "data");
    in_work(synced, "synced");
    assert_int_equal(power_loss(data, synced, &lost, &why), ERR_OK);
    buffer_free(&why);
    return lost;
}

/* "" when it is empty, NULL when it is not there. */
static const char *content(const char *name) {
    static char text[256];
    char path[200];
    snprintf(path, sizeof path, "%s/data/%s", work, name);
    FILE *in = fopen(path, "r");
    if (!in) {
        return NULL;
    }
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static int set_up(void **state) {
    (void)state;
    snprintf(work, sizeof work, "%s/quorate-disk.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    char self[PATH_MAX], data[128];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0 || !mkdtemp(work)) {
        return -1;
    }
    self[len] = '\0';
    for (unsigned up = 0; up < 3; up++) { /* BUILD/tests/unit/test_drill_disk */
        *strrchr(self, '/') = '\0';
    }
    if (snprintf(library, sizeof library, "%s/quorate-disk.so", self) >= (int)sizeof library) {
        return -1;
    }
    in_work(data, "data");
    return mkdir(data, 0755) || access(library, R_OK);
}

static int tear_down(void **state) {
    (void)state;
    return nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- power loss ---- */

static void what_was_synced_outlives_a_power_loss_and_nothing_else(void **state) {
    (void)state;
    assert_int_equal(with_disk("printf abc >log; sync log; printf def >>log; printf never >other"), 0);
    assert_string_equal(content("log"), "abcdef");
    assert_int_equal(lose_power(), strlen("def") + strlen("never"));
    assert_string_equal(content("log"), "abc");
    assert_null(content("other"));
}

static void who_syncs_each_time_loses_nothing(void **state) {
    (void)state;
    assert_int_equal(with_disk("for i in 1 2 3; do printf $i >>log; sync -d log; done"), 0);
    assert_int_equal(lose_power(), 0);
    assert_string_equal(content("log"), "123");
}

static void a_file_keeps_its_mark_under_another_name(void **state) {
    (void)state;
    assert_int_equal(with_disk("printf whole >next; sync next; mv next current; printf more >>current"), 0);
    assert_int_equal(lose_power(), strlen("more"));
    assert_string_equal(content("current"), "whole");
    assert_null(content("next"));
}

static void a_file_that_is_made_anew_is_not_covered_by_an_old_sync(void **state) {
    (void)state;
    assert_int_equal(with_disk("printf long-ago >log; sync log; : >log; printf new >>log"), 0);
    assert_int_equal(lose_power(), strlen("new"));
    assert_string_equal(content("log"), ""); /* its name was durable */
}

static void an_empty_file_stays_when_its_directory_was_synced(void **state) {
    (void)state;
    assert_int_equal(with_disk(": >flag; sync .; : >late"), 0);
    assert_int_equal(lose_power(), 0);
    assert_string_equal(content("flag"), "");
    assert_null(content("late"));
}

static void a_synced_directory_keeps_names_and_not_what_they_hold(void **state) {
    (void)state;
    assert_int_equal(with_disk("printf abc >log; sync ."), 0);
    assert_int_equal(lose_power(), strlen("abc"));
    assert_string_equal(content("log"), "");
}

static void a_side_file_that_cannot_be_written_is_told(void **state) {
    (void)state;
    char synced[128], failed[160];
    in_work(synced, "synced");
    snprintf(failed, sizeof failed, "%s.failed", synced);
    assert_int_equal(mkdir(synced, 0755), 0); /* nothing can be written there */
    assert_int_equal(with_disk("printf abc >log; sync log"), 0);
    assert_int_equal(access(failed, F_OK), 0);
}

static void a_second_power_loss_takes_what_came_after_the_first(void **state) {
    (void)state;
    assert_int_equal(with_disk("printf abc >log; sync log; printf def >>log"), 0);
    lose_power();
    assert_int_equal(with_disk("printf gh >>log; sync log; printf ij >>log"), 0);
    assert_int_equal(lose_power(), 2);
    assert_string_equal(content("log"), "abcgh");
}

static void what_was_there_before_is_spared_when_it_is_said_so(void **state) {
    (void)state;
    char data[128], synced[128];
    in_work(data, "data");
    in_work(synced, "synced");
    assert_int_equal(with_disk("printf restored >log"), 0);
    assert_int_equal(power_loss_spares(data, synced), ERR_OK);
    assert_int_equal(with_disk("printf more >>log"), 0);
    assert_int_equal(lose_power(), strlen("more"));
    assert_string_equal(content("log"), "restored");
}

static void a_torn_side_file_is_refused(void **state) {
    (void)state;
    char data[128], synced[128];
    struct buffer why = {0};
    uint64_t lost = 0;
    in_work(data, "data");
    in_work(synced, "synced");
    assert_int_equal(with_disk("printf abc >log; sync log"), 0);
    FILE *out = fopen(synced, "a");
    fputs("garbage\n", out);
    fclose(out);
    assert_int_equal(power_loss(data, synced, &lost, &why), ERR_IO);
    assert_string_equal(content("log"), "abc");
    buffer_free(&why);
}

/* ---- faults ---- */

static void a_dying_disk_fails_each_sync_until_it_is_good(void **state) {
    (void)state;
    set_fault("e");
    assert_int_not_equal(with_disk("printf abc >log; sync log"), 0);
    assert_int_equal(lose_power(), 3);
    assert_null(content("log"));
    set_fault("");
    assert_int_equal(with_disk("printf abc >log; sync log"), 0);
}

static void a_slow_disk_takes_two_seconds_and_keeps_its_word(void **state) {
    (void)state;
    set_fault("s");
    mono_ms began = clock_mono();
    assert_int_equal(with_disk("printf abc >log; sync log"), 0);
    assert_true(clock_mono() - began >= 2000);
    assert_int_equal(lose_power(), 0);
}

static void a_full_disk_refuses_writes_below_its_directory_only(void **state) {
    (void)state;
    char beside[128], met[128];
    struct stat st;
    set_fault("f");
    assert_int_not_equal(with_disk("printf abc >log"), 0);
    assert_string_equal(content("log"), "");
    assert_int_equal(with_disk("printf abc >../beside"), 0);
    in_work(beside, "beside");
    assert_true(stat(beside, &st) == 0 && st.st_size == 3);
    in_work(met, "fault.met");
    assert_true(stat(met, &st) == 0 && st.st_size > 0); /* a drill counts what bit */
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        DISK_TEST(what_was_synced_outlives_a_power_loss_and_nothing_else),
        DISK_TEST(who_syncs_each_time_loses_nothing),
        DISK_TEST(a_file_keeps_its_mark_under_another_name),
        DISK_TEST(a_file_that_is_made_anew_is_not_covered_by_an_old_sync),
        DISK_TEST(an_empty_file_stays_when_its_directory_was_synced),
        DISK_TEST(a_synced_directory_keeps_names_and_not_what_they_hold),
        DISK_TEST(a_side_file_that_cannot_be_written_is_told),
        DISK_TEST(a_second_power_loss_takes_what_came_after_the_first),
        DISK_TEST(what_was_there_before_is_spared_when_it_is_said_so),
        DISK_TEST(a_torn_side_file_is_refused),
        DISK_TEST(a_dying_disk_fails_each_sync_until_it_is_good),
        DISK_TEST(a_slow_disk_takes_two_seconds_and_keeps_its_word),
        DISK_TEST(a_full_disk_refuses_writes_below_its_directory_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
