/* The store keeps what it said it kept, and says plainly when it cannot. */
#include "replica/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

static char root[64], directory[80];
static bool is_full;

/* Found before the library's: the store asks how much room there is. */
int statvfs(const char *path, struct statvfs *out) {
    (void)path;
    *out = (struct statvfs){.f_frsize = 4096, .f_bavail = is_full ? 1024 : 1 << 20};
    return 0;
}

static int make_root(void **state) {
    (void)state;
    strcpy(root, "/tmp/quorate-store-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(directory, sizeof directory, "%s/data", root);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw) {
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int remove_root(void **state) {
    (void)state;
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store *open_store(void) {
    struct store *s;
    struct buffer why = {0};
    enum error e = store_open(&s, directory, &why);
    if (e)
        fprintf(stderr, "%s\n", buffer_cstr(&why));
    assert_int_equal(e, ERR_OK);
    buffer_free(&why);
    return s;
}

static enum error refused(struct buffer *why) {
    struct store *s;
    enum error e = store_open(&s, directory, why);
    assert_null(s);
    return e;
}

static void put(struct disk *d, enum disk_family f, const char *key, const char *value, bool sync) {
    struct disk_batch b = {0};
    disk_batch_put(&b, f, bytes_of_text(key), bytes_of_text(value));
    assert_int_equal(d->commit(d->self, &b, sync), ERR_OK);
    disk_batch_free(&b);
}

static bool holds(struct disk *d, enum disk_family f, const char *key, const char *value) {
    struct buffer out = {0};
    enum error e = d->get(d->self, f, bytes_of_text(key), &out);
    bool equal = e == ERR_OK && bytes_equal(buffer_bytes(&out), bytes_of_text(value));
    assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
    buffer_free(&out);
    return equal;
}

struct seen {
    char keys[64];
    unsigned stop_after;
};

static bool see(void *context, struct bytes key, struct bytes value) {
    struct seen *s = context;
    (void)value;
    strncat(s->keys, (const char *)key.data, key.len);
    return strlen(s->keys) < s->stop_after;
}

static const char *scan(struct disk *d, const char *from, const char *below, unsigned stop_after) {
    static struct seen s;
    s = (struct seen){.stop_after = stop_after};
    assert_int_equal(d->scan(d->self, DISK_STATE, bytes_of_text(from), bytes_of_text(below), see, &s), ERR_OK);
    return s.keys;
}

static const char *scan_back(struct disk *d, const char *below, unsigned stop_after) {
    static struct seen s;
    s = (struct seen){.stop_after = stop_after};
    assert_int_equal(d->scan_back(d->self, DISK_STATE, bytes_of_text(below), see, &s), ERR_OK);
    return s.keys;
}

static void the_directory_is_created_for_its_owner_only(void **state) {
    (void)state;
    store_close(open_store());
    struct stat st;
    assert_int_equal(stat(directory, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void what_was_committed_is_there_after_reopening(void **state) {
    (void)state;
    struct store *s = open_store();
    struct disk d = store_disk(s);
    put(&d, DISK_META, "k", "v", true);
    put(&d, DISK_META, "empty", "", true);
    store_close(s);
    s = open_store();
    d = store_disk(s);
    assert_true(holds(&d, DISK_META, "k", "v"));
    assert_true(holds(&d, DISK_META, "empty", ""));
    assert_false(holds(&d, DISK_META, "other", "v"));
    store_close(s);
}

static void families_do_not_see_each_other(void **state) {
    (void)state;
    struct store *s = open_store();
    struct disk d = store_disk(s);
    for (unsigned f = 0; f < DISK_FAMILY_LIMIT; f++) {
        char value[2] = {(char)('a' + f), 0};
        put(&d, (enum disk_family)f, "k", value, false);
    }
    for (unsigned f = 0; f < DISK_FAMILY_LIMIT; f++) {
        char value[2] = {(char)('a' + f), 0};
        assert_true(holds(&d, (enum disk_family)f, "k", value));
    }
    store_close(s);
}

static void scans_go_in_order_within_their_bounds(void **state) {
    (void)state;
    struct store *s = open_store();
    struct disk d = store_disk(s);
    assert_string_equal(scan(&d, "", "", 99), "");
    for (const char *k = "dbfac"; *k; k++) {
        char key[2] = {*k, 0};
        put(&d, DISK_STATE, key, "v", false);
    }
    assert_string_equal(scan(&d, "", "", 99), "abcdf");
    assert_string_equal(scan(&d, "b", "d", 99), "bc");
    assert_string_equal(scan(&d, "e", "", 99), "f");
    assert_string_equal(scan(&d, "g", "", 99), "");
    assert_string_equal(scan(&d, "", "", 2), "ab");
    assert_string_equal(scan_back(&d, "d", 99), "cba");
    assert_string_equal(scan_back(&d, "e", 99), "dcba");
    assert_string_equal(scan_back(&d, "z", 2), "fd");
    assert_string_equal(scan_back(&d, "a", 99), "");
    store_close(s);
}

static void a_batch_holds_in_order_and_ranges_exclude_their_end(void **state) {
    (void)state;
    struct store *s = open_store();
    struct disk d = store_disk(s);
    struct disk_batch b = {0};
    for (const char *k = "abcdef"; *k; k++)
        disk_batch_put(&b, DISK_STATE, bytes_of(k, 1), bytes_of_text("v"));
    disk_batch_delete_range(&b, DISK_STATE, bytes_of_text("b"), bytes_of_text("e"));
    disk_batch_put(&b, DISK_STATE, bytes_of_text("c"), bytes_of_text("again"));
    disk_batch_delete(&b, DISK_STATE, bytes_of_text("f"));
    disk_batch_delete_range(&b, DISK_STATE, bytes_of_text("z"), bytes_of_text("a"));
    assert_int_equal(d.commit(d.self, &b, true), ERR_OK);
    disk_batch_free(&b);
    assert_string_equal(scan(&d, "", "", 99), "ace");
    assert_true(holds(&d, DISK_STATE, "c", "again"));
    store_close(s);
}

static void a_killed_process_leaves_what_it_committed(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct buffer why = {0};
        struct store *s;
        if (store_open(&s, directory, &why) != ERR_OK)
            _exit(1);
        struct disk d = store_disk(s);
        struct disk_batch b = {0};
        disk_batch_put(&b, DISK_META, bytes_of_text("k"), bytes_of_text("v"));
        _exit(d.commit(d.self, &b, true) == ERR_OK ? 7 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    struct store *s = open_store();
    struct disk d = store_disk(s);
    assert_true(holds(&d, DISK_META, "k", "v"));
    store_close(s);
}

static void a_second_process_is_told_that_the_directory_is_held(void **state) {
    (void)state;
    struct store *s = open_store();
    struct buffer why = {0};
    assert_int_equal(refused(&why), ERR_IN_USE);
    assert_non_null(strstr(buffer_cstr(&why), "held by another process"));
    assert_non_null(strstr(buffer_cstr(&why), directory));
    buffer_free(&why);
    store_close(s);
}

static void a_place_that_cannot_hold_a_directory_is_refused(void **state) {
    (void)state;
    struct buffer why = {0};
    int fd = open(directory, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(refused(&why), ERR_IO);
    assert_non_null(strstr(buffer_cstr(&why), "not a directory"));
    snprintf(directory, sizeof directory, "%s/no/such", root);
    buffer_clear(&why);
    assert_int_equal(refused(&why), ERR_IO);
    assert_non_null(strstr(buffer_cstr(&why), "cannot create"));
    buffer_free(&why);
}

/* The newest write-ahead log. */
static void log_path(char out[160]) {
    char newest[64] = "";
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) {
        if (strlen(e->d_name) < sizeof newest && strstr(e->d_name, ".log") && strcmp(e->d_name, newest) > 0)
            strcpy(newest, e->d_name);
    }
    closedir(d);
    snprintf(out, 160, "%s/%s", directory, newest);
}

/* A log of two records, left as a crash leaves it. */
static void crash_with_two_records(void) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct buffer why = {0};
        struct store *s;
        if (store_open(&s, directory, &why) != ERR_OK)
            _exit(1);
        struct disk d = store_disk(s);
        struct disk_batch b = {0};
        disk_batch_put(&b, DISK_META, bytes_of_text("first"), bytes_of_text("v"));
        if (d.commit(d.self, &b, true) != ERR_OK)
            _exit(1);
        disk_batch_clear(&b);
        disk_batch_put(&b, DISK_META, bytes_of_text("second"), bytes_of_text("v"));
        _exit(d.commit(d.self, &b, true) == ERR_OK ? 7 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void a_torn_tail_is_cut_off(void **state) {
    (void)state;
    crash_with_two_records();
    char path[160];
    struct stat st;
    log_path(path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 3), 0);
    struct store *s = open_store();
    struct disk d = store_disk(s);
    assert_true(holds(&d, DISK_META, "first", "v"));
    assert_false(holds(&d, DISK_META, "second", "v"));
    store_close(s);
}

static void rot_before_the_end_refuses_to_open(void **state) {
    (void)state;
    crash_with_two_records();
    char path[160];
    log_path(path);
    int fd = open(path, O_RDWR);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, 20), 1);
    byte ^= 0xff;
    assert_int_equal(pwrite(fd, &byte, 1, 20), 1);
    close(fd);
    struct buffer why = {0};
    assert_int_equal(refused(&why), ERR_CORRUPT);
    assert_non_null(strstr(buffer_cstr(&why), "damaged"));
    buffer_free(&why);
}

static void a_full_disk_takes_nothing(void **state) {
    (void)state;
    struct store *s = open_store();
    struct disk d = store_disk(s);
    struct disk_batch b = {0};
    put(&d, DISK_STATE, "before", "1", true);
    disk_batch_put(&b, DISK_STATE, bytes_of_text("late"), bytes_of_text("1"));
    is_full = true;
    for (unsigned sync = 0; sync <= 1; sync++) {
        assert_int_equal(d.commit(d.self, &b, sync == 1), ERR_IO);
        assert_non_null(strstr(store_failure(s), "no space left"));
    }
    is_full = false;
    assert_false(holds(&d, DISK_STATE, "late", "1"));
    assert_true(holds(&d, DISK_STATE, "before", "1"));
    disk_batch_free(&b);
    store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_directory_is_created_for_its_owner_only),
        TEST(what_was_committed_is_there_after_reopening),
        TEST(families_do_not_see_each_other),
        TEST(scans_go_in_order_within_their_bounds),
        TEST(a_batch_holds_in_order_and_ranges_exclude_their_end),
        TEST(a_killed_process_leaves_what_it_committed),
        TEST(a_second_process_is_told_that_the_directory_is_held),
        TEST(a_place_that_cannot_hold_a_directory_is_refused),
        TEST(a_torn_tail_is_cut_off),
        TEST(rot_before_the_end_refuses_to_open),
        TEST(a_full_disk_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
