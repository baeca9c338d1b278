/* The base room: nothing reads past an end, every value has one text, quorums are R0's. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/invariant.h"
#include "base/log.h"
#include "base/prng.h"
#include "base/quorum.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static void reader_stays_bad_after_a_shortage(void **state) {
    (void)state;
    static const uint8_t data[] = {1, 2, 3};
    struct reader r = reader_of(bytes_of(data, sizeof data));
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u16(&r), 0);
    assert_true(r.bad);
    assert_int_equal(read_u8(&r), 0); /* one byte was left, but the reader is bad */
    assert_false(reader_done(&r));
}

static void reader_is_done_only_at_the_end(void **state) {
    (void)state;
    static const uint8_t data[] = {0xff};
    struct reader r = reader_of(bytes_of(data, 1));
    assert_false(reader_done(&r));
    assert_int_equal(read_u8(&r), 0xff);
    assert_true(reader_done(&r));
    struct reader empty = reader_of((struct bytes){NULL, 0});
    assert_true(reader_done(&empty));
    assert_int_equal(read_bytes(&empty, 0).len, 0);
    assert_true(reader_done(&empty));
    assert_int_equal(read_u64(&empty), 0);
    assert_false(reader_done(&empty));
}

static void integers_are_big_endian_and_come_back(void **state) {
    (void)state;
    struct buffer b = {0};
    buffer_u8(&b, 0xfe);
    buffer_u16(&b, 0x0102);
    buffer_u32(&b, 0x03040506);
    buffer_u64(&b, UINT64_MAX - 1);
    assert_memory_equal(b.data, "\xfe\x01\x02\x03\x04\x05\x06\xff\xff\xff\xff\xff\xff\xff\xfe", 15);
    struct reader r = reader_of(buffer_bytes(&b));
    assert_int_equal(read_u8(&r), 0xfe);
    assert_int_equal(read_u16(&r), 0x0102);
    assert_int_equal(read_u32(&r), 0x03040506);
    assert_true(read_u64(&r) == UINT64_MAX - 1);
    assert_true(reader_done(&r));
    buffer_free(&b);
}

static void blocks_beyond_the_bound_or_the_end_are_refused(void **state) {
    (void)state;
    struct buffer b = {0};
    buffer_text(&b, "hello");
    struct {
        size_t max, len;
        bool good;
    } cases[] = {{5, 9, true}, {4, 9, false}, {5, 8, false}, {5, 3, false}, {100, 9, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reader r = reader_of(bytes_of(b.data, cases[i].len));
        struct bytes block = read_block(&r, cases[i].max);
        assert_int_equal(reader_done(&r), cases[i].good);
        assert_int_equal(block.len, cases[i].good ? 5 : 0);
    }
    memset(b.data, 0xff, 4); /* a length near 4 GiB */
    struct reader r = reader_of(buffer_bytes(&b));
    assert_int_equal(read_block(&r, SIZE_MAX).len, 0);
    assert_true(r.bad);
    buffer_free(&b);
}

static void read_into_zeroes_what_it_can_not_fill(void **state) {
    (void)state;
    uint8_t out[4] = {9, 9, 9, 9};
    struct reader r = reader_of(bytes_of("ab", 2));
    read_into(&r, out, sizeof out);
    assert_memory_equal(out, "\0\0\0\0", 4);
    assert_true(r.bad);
}

static void bytes_compare_as_memcmp_with_prefixes_first(void **state) {
    (void)state;
    struct bytes a = bytes_of_text("ab"), ab = bytes_of_text("abc"), b = bytes_of_text("b"), none = {NULL, 0};
    assert_true(bytes_compare(a, ab) < 0 && bytes_compare(ab, a) > 0);
    assert_true(bytes_compare(ab, b) < 0 && bytes_compare(none, a) < 0);
    assert_int_equal(bytes_compare(none, none), 0);
    assert_true(bytes_equal(none, bytes_of_text("")) && !bytes_equal(a, ab));
    assert_true(bytes_compare(bytes_of("\xff", 1), bytes_of("\x01", 1)) > 0); /* unsigned */
}

static void buffer_keeps_content_while_it_grows(void **state) {
    (void)state;
    struct buffer b = {0};
    for (int i = 0; i < 10000; i++) {
        buffer_printf(&b, "%04d", i);
    }
    assert_int_equal(b.len, 40000);
    assert_memory_equal(b.data + 4 * 1234, "1234", 4);
    assert_int_equal(strlen(buffer_cstr(&b)), 40000);
    assert_int_equal(b.len, 40000);
    buffer_clear(&b);
    assert_string_equal(buffer_cstr(&b), "");
    buffer_free(&b);
    buffer_put(&b, NULL, 0);
    buffer_u8(&b, 'x'); /* usable after free */
    assert_string_equal(buffer_cstr(&b), "x");
    buffer_free(&b);
}

static void arena_is_zeroed_aligned_and_bounded(void **state) {
    (void)state;
    struct arena a = {.limit = 10000};
    for (int i = 1; i <= 100; i++) {
        uint8_t *p = arena_alloc(&a, (size_t)i % 16 + 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (int k = 0; k < i % 16 + 1; k++) {
            assert_int_equal(p[k], 0);
        }
        memset(p, 0xff, (size_t)i % 16 + 1);
    }
    assert_null(arena_alloc(&a, 10000));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    assert_non_null(arena_alloc(&a, 100)); /* a refusal spends nothing */
    arena_free(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 9000)); /* beyond the first chunk */
    assert_null(arena_text(&a, bytes_of("x", 5000)));
    assert_string_equal(arena_text(&a, bytes_of("word and more", 4)), "word");
    assert_true(bytes_equal(arena_copy(&a, bytes_of_text("abc")), bytes_of_text("abc")));
    arena_free(&a);
}

static void utf8_refuses_every_malformed_form(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        bool good;
    } cases[] = {
        {"", 0, true},
        {"plain\x7f", 6, true},
        {"a\0b", 3, false},
        {"\xc2\x80", 2, true},
        {"\xc1\xbf", 2, false}, /* overlong */
        {"\xc0\x80", 2, false}, /* overlong NUL */
        {"\xe0\xa0\x80", 3, true},
        {"\xe0\x9f\xbf", 3, false}, /* overlong */
        {"\xed\x9f\xbf", 3, true},
        {"\xed\xa0\x80", 3, false}, /* surrogate */
        {"\xef\xbf\xbf", 3, true},
        {"\xf0\x90\x80\x80", 4, true},
        {"\xf0\x8f\xbf\xbf", 4, false}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4, true},  /* U+10FFFF */
        {"\xf4\x90\x80\x80", 4, false},
        {"\xf5\x80\x80\x80", 4, false},
        {"\x80", 1, false},
        {"\xc2", 1, false}, /* cut off */
        {"\xe2\x82", 2, false},
        {"\xe2\x28\xa1", 3, false},
        {"\xff", 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(utf8_valid(bytes_of(cases[i].text, cases[i].len)), cases[i].good);
    }
}

static void hex_comes_back_and_takes_exact_lengths_only(void **state) {
    (void)state;
    char text[9];
    uint8_t raw[4];
    hex_encode(text, bytes_of("\x00\x1f\xa0\xff", 4));
    assert_string_equal(text, "001fa0ff");
    assert_true(hex_decode(raw, 4, "001FA0ff"));
    assert_memory_equal(raw, "\x00\x1f\xa0\xff", 4);
    static const char *const bad[] = {"", "001fa0f", "001fa0ff0", "001fa0fg", "001fa0f ", "0x1fa0ff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(hex_decode(raw, 4, bad[i]));
    }
}

static void base64_comes_back_for_every_length(void **state) {
    (void)state;
    struct prng p;
    prng_seed(&p, 1);
    for (size_t len = 0; len < 70; len++) {
        struct buffer raw = {0}, text = {0}, back = {0};
        for (size_t i = 0; i < len; i++) {
            buffer_u8(&raw, (uint8_t)prng_next(&p));
        }
        base64_encode(&text, buffer_bytes(&raw));
        assert_int_equal(text.len, (len + 2) / 3 * 4);
        assert_true(base64_decode(&back, buffer_cstr(&text)));
        assert_true(bytes_equal(buffer_bytes(&raw), buffer_bytes(&back)));
        buffer_free(&raw), buffer_free(&text), buffer_free(&back);
    }
}

static void base64_has_one_text_for_each_value(void **state) {
    (void)state;
    static const char *const bad[] = {"A",    "AA",       "AAA",  "AA=",    "AB==", "AAB=",     "A===", "====",
                                      "=AAA", "AA==AAAA", "AA A", "AAAA\n", "AA-_", "AAAA====", "A=AA"};
    struct buffer out = {0};
    buffer_u8(&out, 'k');
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(base64_decode(&out, bad[i]));
        assert_int_equal(out.len, 1); /* nothing of a refused text stays */
    }
    assert_true(base64_decode(&out, "Zm9vYg=="));
    assert_string_equal(buffer_cstr(&out), "kfoob");
    buffer_free(&out);
}

static void quorums_are_those_of_rule_0(void **state) {
    (void)state;
    static const struct {
        unsigned n, f, strong, weak;
    } cases[] = {{1, 0, 1, 1}, {4, 1, 3, 2}, {5, 1, 4, 2}, {6, 1, 4, 2}, {7, 2, 5, 3}, {10, 3, 7, 4}, {13, 4, 9, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(quorum_faults(cases[i].n), cases[i].f);
        assert_int_equal(quorum_strong(cases[i].n), cases[i].strong);
        assert_int_equal(quorum_weak(cases[i].n), cases[i].weak);
    }
    for (unsigned n = 1; n <= MEMBERS_MAX; n++) {
        unsigned f = quorum_faults(n), q = quorum_strong(n);
        assert_true(2 * q >= n + f + 1); /* two strong quorums share an honest member */
        assert_true(q <= n - f);         /* the honest ones alone are one */
    }
}

static void sets_hold_members_and_nobody_else(void **state) {
    (void)state;
    assert_int_equal(set_all(0), 0);
    assert_int_equal(set_all(4), 15);
    assert_int_equal(set_count(set_all(13)), 13);
    assert_true(set_has(set_all(13), 12));
    assert_false(set_has(set_all(13), 13));
    assert_false(set_has(0xffff, MEMBER_NONE));
    assert_int_equal(set_of(3), 8);
}

static void prng_is_the_published_generator(void **state) {
    (void)state;
    struct prng p = {{1, 2, 3, 4}};
    static const uint64_t published[] = {11520, 0, 1509978240, 1215971899390074240u};
    for (size_t i = 0; i < sizeof published / sizeof *published; i++) {
        assert_true(prng_next(&p) == published[i]);
    }
    struct prng a, b;
    prng_seed(&a, 7);
    prng_seed(&b, 7);
    assert_memory_equal(&a, &b, sizeof a);
    prng_seed(&b, 8);
    assert_true(prng_next(&a) != prng_next(&b));
}

static void prng_below_reaches_each_value_and_no_other(void **state) {
    (void)state;
    struct prng p;
    prng_seed(&p, 3);
    unsigned seen[7] = {0}, often = 0;
    for (int i = 0; i < 7000; i++) {
        uint64_t v = prng_below(&p, 7);
        assert_true(v < 7);
        seen[v]++;
        often += prng_chance(&p, 250);
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(seen[i], 800, 1200);
    }
    assert_in_range(often, 1500, 2000);
    assert_true(prng_below(&p, 1) == 0);
    assert_false(prng_chance(&p, 0));
    assert_true(prng_chance(&p, 1000));
}

static void times_are_rfc_3339_in_utc(void **state) {
    (void)state;
    static const struct {
        time_ms t;
        const char *text;
    } cases[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {951782399999, "2000-02-28T23:59:59.999Z"},
                 {951782400000, "2000-02-29T00:00:00.000Z"},
                 {1769601600123, "2026-01-28T12:00:00.123Z"},
                 {4107542400000, "2100-03-01T00:00:00.000Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"},
                 {INT64_MAX, "9999-12-31T23:59:59.999Z"}};
    char out[25];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        clock_rfc3339(out, cases[i].t);
        assert_string_equal(out, cases[i].text);
    }
}

static void durations_need_a_unit_and_a_bound(void **state) {
    (void)state;
    static const struct {
        const char *text;
        mono_ms ms;
    } good[] = {{"0ms", 0},     {"250ms", 250},    {"10s", 10000},
                {"5m", 300000}, {"24h", 86400000}, {"87672h", 315619200000}};
    mono_ms out;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(clock_parse_duration(good[i].text, &out));
        assert_true(out == good[i].ms);
    }
    static const char *const bad[] = {"",
                                      "10",
                                      "s",
                                      "-1s",
                                      "+1s",
                                      "1.5s",
                                      " 1s",
                                      "1s ",
                                      "1 s",
                                      "1S",
                                      "1w",
                                      "1hh",
                                      "87673h",
                                      "99999999999999999999h",
                                      "18446744073709551617ms"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(clock_parse_duration(bad[i], &out));
    }
}

static void clocks_go_forward(void **state) {
    (void)state;
    mono_ms before = clock_mono();
    clock_sleep(2);
    assert_true(clock_mono() > before);
    assert_true(clock_wall() > 1700000000000);
}

static void errors_have_stable_distinct_names(void **state) {
    (void)state;
    assert_string_equal(error_name(ERR_BAD_SIGNATURE), "bad-signature");
    assert_string_equal(error_text(ERR_OLD), "req_seq below the client's window");
    assert_string_equal(error_name((enum error)20), "?");
    assert_string_equal(error_name((enum error)4711), "?");
    assert_string_equal(error_text(ERR_LIMIT), "?");
    for (int a = 0; a < ERR_LIMIT; a++) {
        for (int b = 0; b < a && error_name((enum error)a)[0] != '?'; b++) {
            assert_string_not_equal(error_name((enum error)a), error_name((enum error)b));
        }
    }
}

/* Runs f in a child whose stderr is caught; returns the wait status. */
static int child_stderr(void (*f)(void), char out[4096]) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        f();
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    ssize_t n;
    while ((n = read(ends[0], out + len, 4095 - len)) > 0) {
        len += (size_t)n;
    }
    out[len] = 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void broken(void) {
    int two = 2;
    REQUIRE(two == 3);
}

static void broken_invariant_names_itself_and_aborts(void **state) {
    (void)state;
    char out[4096];
    int status = child_stderr(broken, out);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(out, "quorate: broken invariant: REQUIRE two == 3 at tests/unit/test_base.c:"));
    REQUIRE(1);
    IMPLIES(false, false);
}

static void text_lines(void) {
    log_event(LOG_DEBUG_, "hidden", "a=1");
    log_event(LOG_WARN_, "frame-refused", "reason=%s peer=%d", "bad\nforged", 2);
    log_event(LOG_INFO_, "ready", "%s", "");
}

static void log_lines_can_not_be_forged(void **state) {
    (void)state;
    char out[4096];
    assert_int_equal(child_stderr(text_lines, out), 0);
    assert_non_null(strstr(out, "Z warn frame-refused reason=bad?forged peer=2\n"));
    assert_non_null(strstr(out, "Z info ready\n"));
    assert_null(strstr(out, "hidden"));
}

static void json_lines(void) {
    log_setup(true, LOG_DEBUG_);
    log_event(LOG_DEBUG_, "event", "a=1 text=\"two words\" odd=\xff\\ last=\"open");
}

static void json_log_lines_hold_each_field(void **state) {
    (void)state;
    char out[4096];
    assert_int_equal(child_stderr(json_lines, out), 0);
    assert_non_null(strstr(out, "\"level\":\"debug\",\"event\":\"event\",\"a\":\"1\",\"text\":\"two words\","
                                "\"odd\":\"?\\\\\",\"last\":\"open\"}\n"));
}

static void many_lines(void) {
    for (int i = 0; i < 1000; i++) {
        log_event_limited(LOG_WARN_, "flood", "i=%d", i);
    }
    log_event_limited(LOG_WARN_, "other", "i=0");
}

static void limited_log_lines_stop_per_event(void **state) {
    (void)state;
    char out[4096];
    assert_int_equal(child_stderr(many_lines, out), 0);
    assert_non_null(strstr(out, "flood i=9\n"));
    assert_null(strstr(out, "flood i=10\n"));
    assert_non_null(strstr(out, "other i=0\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_stays_bad_after_a_shortage),
        cmocka_unit_test(reader_is_done_only_at_the_end),
        cmocka_unit_test(integers_are_big_endian_and_come_back),
        cmocka_unit_test(blocks_beyond_the_bound_or_the_end_are_refused),
        cmocka_unit_test(read_into_zeroes_what_it_can_not_fill),
        cmocka_unit_test(bytes_compare_as_memcmp_with_prefixes_first),
        cmocka_unit_test(buffer_keeps_content_while_it_grows),
        cmocka_unit_test(arena_is_zeroed_aligned_and_bounded),
        cmocka_unit_test(utf8_refuses_every_malformed_form),
        cmocka_unit_test(hex_comes_back_and_takes_exact_lengths_only),
        cmocka_unit_test(base64_comes_back_for_every_length),
        cmocka_unit_test(base64_has_one_text_for_each_value),
        cmocka_unit_test(quorums_are_those_of_rule_0),
        cmocka_unit_test(sets_hold_members_and_nobody_else),
        cmocka_unit_test(prng_is_the_published_generator),
        cmocka_unit_test(prng_below_reaches_each_value_and_no_other),
        cmocka_unit_test(times_are_rfc_3339_in_utc),
        cmocka_unit_test(durations_need_a_unit_and_a_bound),
        cmocka_unit_test(clocks_go_forward),
        cmocka_unit_test(errors_have_stable_distinct_names),
        cmocka_unit_test(broken_invariant_names_itself_and_aborts),
        cmocka_unit_test(log_lines_can_not_be_forged),
        cmocka_unit_test(json_log_lines_hold_each_field),
        cmocka_unit_test(limited_log_lines_stop_per_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
