/* Key files keep their secret to their owner and are never overwritten; counters never give a number twice. */
#include "crypto/keyfile.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

struct scene {
    char dir[64], path[128], counter[160];
    struct keyfile key;
    struct buffer why;
};

static int setup(void **state) {
    struct scene *s = xcalloc(1, sizeof *s);
    strcpy(s->dir, "/tmp/quorate-test-XXXXXX");
    if (mkdtemp(s->dir) == NULL) {
        return -1;
    }
    snprintf(s->path, sizeof s->path, "%s/a.key", s->dir);
    snprintf(s->counter, sizeof s->counter, "%s.counter", s->path);
    uint8_t seed[SECRET_SEED_LEN] = {5};
    strcpy(s->key.name, "eu");
    crypto_keypair_from_seed(&s->key.pk, &s->key.sk, seed);
    *state = s;
    return 0;
}

static int teardown(void **state) {
    struct scene *s = *state;
    unlink(s->path);
    unlink(s->counter);
    int left = rmdir(s->dir); /* fails when something else was left behind */
    buffer_free(&s->why);
    free(s);
    return left;
}

static void expect_why(struct scene *s, const char *part) {
    assert_non_null(strstr(buffer_cstr(&s->why), part));
    assert_null(strchr(buffer_cstr(&s->why), '\n'));
    buffer_clear(&s->why);
}

static void put_file(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void key_comes_back_and_belongs_to_its_owner_alone(void **state) {
    struct scene *s = *state;
    struct keyfile back;
    struct stat st;
    umask(0);
    assert_int_equal(keyfile_write(s->path, &s->key, &s->why), ERR_OK);
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_OK);
    assert_string_equal(back.name, "eu");
    assert_memory_equal(&back.sk, &s->key.sk, sizeof back.sk);
    assert_true(public_key_equal(&back.pk, &s->key.pk));
    assert_int_equal(s->why.len, 0);
}

static void key_is_never_overwritten(void **state) {
    struct scene *s = *state;
    put_file(s->path, "precious", 0600);
    assert_int_equal(keyfile_write(s->path, &s->key, &s->why), ERR_IN_USE);
    expect_why(s, "exists already");
    struct stat st;
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_size, 8);
}

static void bad_names_and_places_are_refused(void **state) {
    struct scene *s = *state;
    struct keyfile bad = s->key;
    strcpy(bad.name, "two words");
    assert_int_equal(keyfile_write(s->path, &bad, &s->why), ERR_MALFORMED);
    expect_why(s, "name:");
    strcpy(bad.name, "");
    assert_int_equal(keyfile_write(s->path, &bad, &s->why), ERR_MALFORMED);
    expect_why(s, "name:");
    memset(bad.name, 'x', sizeof bad.name); /* no NUL */
    assert_int_equal(keyfile_write(s->path, &bad, &s->why), ERR_MALFORMED);
    expect_why(s, "name:");
    assert_int_equal(keyfile_write("/nonexistent/a.key", &s->key, &s->why), ERR_NOT_FOUND);
    expect_why(s, "/nonexistent/a.key");
}

static void key_that_others_may_read_is_refused(void **state) {
    struct scene *s = *state;
    struct keyfile back;
    assert_int_equal(keyfile_write(s->path, &s->key, &s->why), ERR_OK);
    static const mode_t open_modes[] = {0640, 0604, 0660, 0610, 0601};
    for (size_t i = 0; i < sizeof open_modes / sizeof *open_modes; i++) {
        assert_int_equal(chmod(s->path, open_modes[i]), 0);
        assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_BAD_MODE);
        expect_why(s, "chmod 600");
    }
    assert_int_equal(chmod(s->path, 0400), 0);
    assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_OK);
}

static void missing_files_and_directories_are_no_keys(void **state) {
    struct scene *s = *state;
    struct keyfile back;
    assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_NOT_FOUND);
    expect_why(s, s->path);
    assert_int_equal(keyfile_read(&back, s->dir, &s->why), ERR_MALFORMED);
    expect_why(s, "not a regular file");
}

static void malformed_keys_name_their_line(void **state) {
    struct scene *s = *state;
    struct keyfile back, zero = {.name = ""};
    char pk[PUBLIC_KEY_TEXT], text[400];
    crypto_public_key_text(pk, &s->key.pk);
    static const char *const magic = "quorate secret key v1";
    struct buffer seed = {0}, other = {0};
    base64_encode(&seed, bytes_of(s->key.sk.b, SECRET_SEED_LEN));
    uint8_t wrong[SECRET_SEED_LEN] = {6};
    base64_encode(&other, bytes_of(wrong, sizeof wrong));
    const char *good = buffer_cstr(&seed), *bad = buffer_cstr(&other);
    const struct {
        const char *format, *a, *b, *c, *d, *where;
    } cases[] = {
        {"%s\nname: %s\npublic: %s\nsecret: %s\n", "quorate secret key v2", "eu", pk, good, ":1: "},
        {"%s\nname: %s\npublic: %s\nsecret: %s\n", magic, "", pk, good, ":2: "},
        {"%s\nnom: %s\npublic: %s\nsecret: %s\n", magic, "eu", pk, good, ":2: "},
        {"%s\nname: %s\npublic: %s\nsecret: %s\n", magic, "eu", "ed25519:xx", good, ":3: "},
        {"%s\nname: %s\npublic: %s\nsecret: %s\n", magic, "eu", pk, bad, ":4: "},
        {"%s\nname: %s\npublic: %s\nsecret: %s\n", magic, "eu", pk, "AAAA", ":4: "},
        {"%s\nname: %s\npublic: %s\nsecret: %s", magic, "eu", pk, good, ":4: "}, /* cut off */
        {"%s\nname: %s\npublic: %s\nsecret: %s\nmore\n", magic, "eu", pk, good, ":5: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, cases[i].format, cases[i].a, cases[i].b, cases[i].c, cases[i].d);
        put_file(s->path, text, 0600);
        assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_MALFORMED);
        assert_memory_equal(&back, &zero, sizeof back); /* no half key */
        expect_why(s, cases[i].where);
    }
    put_file(s->path, "", 0600);
    assert_int_equal(keyfile_read(&back, s->path, &s->why), ERR_MALFORMED);
    expect_why(s, ":1: ");
    buffer_free(&seed);
    buffer_free(&other);
}

static void counter_starts_at_one_and_never_repeats(void **state) {
    struct scene *s = *state;
    uint64_t first = 0;
    assert_int_equal(keycounter_draw(s->path, 1, &first, &s->why), ERR_OK);
    assert_true(first == 1);
    assert_int_equal(keycounter_draw(s->path, 1000, &first, &s->why), ERR_OK);
    assert_true(first == 2);
    assert_int_equal(keycounter_draw(s->path, 1, &first, &s->why), ERR_OK);
    assert_true(first == 1002);
}

/* An empty file is what a crash before the first draw leaves; anything else that isn't a number may hide drawn ones. */
static void damaged_counter_is_refused_not_guessed(void **state) {
    struct scene *s = *state;
    uint64_t first = 0;
    static const char *const bad[] = {"1\n",     "0000000000000000000x\n",  "00000000000000000007",
                                      "garbage", "00000000000000000007\n7", "10000000000000000007\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        put_file(s->counter, bad[i], 0600);
        assert_int_equal(keycounter_draw(s->path, 1, &first, &s->why), ERR_CORRUPT);
        expect_why(s, ".counter:1: ");
    }
    put_file(s->counter, "", 0600);
    assert_int_equal(keycounter_draw(s->path, 1, &first, &s->why), ERR_OK);
    assert_true(first == 1);
    put_file(s->counter, "09223372036854775807\n", 0600);
    assert_int_equal(keycounter_draw(s->path, 1, &first, &s->why), ERR_OUT_OF_RANGE);
    expect_why(s, "no numbers are left");
}

static void two_processes_never_draw_the_same_number(void **state) {
    struct scene *s = *state;
    enum { PROCESSES = 4, DRAWS = 25 };
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int p = 0; p < PROCESSES; p++) {
        if (fork() == 0) {
            for (int i = 0; i < DRAWS; i++) {
                uint64_t first = 0;
                bool good = keycounter_draw(s->path, 2, &first, &s->why) == ERR_OK;
                if (!good || write(ends[1], &first, sizeof first) != sizeof first) {
                    _exit(1);
                }
            }
            _exit(0);
        }
    }
    close(ends[1]);
    bool seen[2 * PROCESSES * DRAWS + 2] = {false};
    uint64_t first;
    int count = 0;
    while (read(ends[0], &first, sizeof first) == sizeof first) {
        assert_in_range(first, 1, 2 * PROCESSES * DRAWS - 1);
        assert_false(seen[first] || seen[first + 1]);
        seen[first] = seen[first + 1] = true;
        count++;
    }
    close(ends[0]);
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_true(wait(&status) > 0 && status == 0);
    }
    assert_int_equal(count, PROCESSES * DRAWS);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_comes_back_and_belongs_to_its_owner_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(key_is_never_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_names_and_places_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(key_that_others_may_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(missing_files_and_directories_are_no_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(malformed_keys_name_their_line, setup, teardown),
        cmocka_unit_test_setup_teardown(counter_starts_at_one_and_never_repeats, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_counter_is_refused_not_guessed, setup, teardown),
        cmocka_unit_test_setup_teardown(two_processes_never_draw_the_same_number, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
