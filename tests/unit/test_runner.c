/* Real children: how they end, what is kept of their output, what they inherit, and that none survives. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clock.h"
#include "client/agent/runner.h"
#include "proto/op.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE = 60000, CHILDREN = 4 };

struct seen {
    unsigned count;
    struct plugin_end end;
    char printed[RUNNER_CAPTURE + 1], complained[RUNNER_CAPTURE + 1];
    unsigned tags;
};
static struct runner *runner;
static struct seen seen;

static void see(void *self, const struct runner_result *result) {
    struct seen *s = self;
    s->count++;
    s->end = result->end;
    s->tags |= 1u << result->tag;
    assert_true(result->printed.len <= RUNNER_CAPTURE && result->complained.len <= RUNNER_CAPTURE);
    snprintf(s->printed, sizeof s->printed, "%.*s", (int)result->printed.len, (const char *)result->printed.data);
    snprintf(s->complained, sizeof s->complained, "%.*s", (int)result->complained.len,
             (const char *)result->complained.data);
}

static void start(const char *script, mono_ms timeout, unsigned tag) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    struct runner_job job = {.tag = tag, .path = "/bin/sh", .argv = argv, .timeout = timeout};
    runner_start(runner, &job, clock_mono());
}

static void await(unsigned count) {
    struct pollfd fds[RUNNER_FDS_PER_CHILD * CHILDREN];
    mono_ms give_up = clock_mono() + PATIENCE;
    while (seen.count < count) {
        mono_ms now = clock_mono(), next = runner_next(runner, now);
        assert_true(now < give_up);
        mono_ms wait = next == INT64_MAX || next - now > 1000 ? 1000 : next > now ? next - now : 0;
        poll(fds, runner_poll(runner, fds), (int)wait);
        runner_step(runner, clock_mono(), see, &seen);
    }
    assert_int_equal(seen.count, count);
}

static void run(const char *script) {
    seen = (struct seen){0};
    start(script, PATIENCE, 1);
    await(1);
    assert_int_equal(runner_running(runner), 0);
}

static int setup(void **state) {
    (void)state;
    struct buffer why = {0};
    struct runner_config config = {.max_children = CHILDREN, .kill_leftovers = true};
    seen = (struct seen){0};
    return runner_new(&runner, &config, &why) == ERR_OK ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    runner_free(runner);
    runner = NULL;
    return 0;
}

static void the_exit_code_and_both_outputs_come_back(void **state) {
    (void)state;
    static const int CODES[] = {0, 1, 2, 3, 4, 126, 255};
    for (size_t i = 0; i < sizeof CODES / sizeof CODES[0]; i++) {
        char script[64];
        snprintf(script, sizeof script, "echo out; echo err >&2; exit %d", CODES[i]);
        run(script);
        assert_int_equal(seen.end.ending, PLUGIN_EXITED);
        assert_int_equal(seen.end.code, CODES[i]);
        assert_string_equal(seen.printed, "out\n");
        assert_string_equal(seen.complained, "err\n");
    }
}

static void a_missing_program_is_127_and_a_closed_one_126(void **state) {
    (void)state;
    char *argv[] = {(char *)"x", NULL};
    struct runner_job job = {.tag = 1, .path = "/nonexistent/x", .argv = argv, .timeout = PATIENCE};
    runner_start(runner, &job, clock_mono());
    await(1);
    assert_int_equal(seen.end.code, 127);
    seen = (struct seen){0};
    job.path = "/etc/passwd";
    runner_start(runner, &job, clock_mono());
    await(1);
    assert_int_equal(seen.end.code, 126);
}

static void a_death_by_signal_is_told(void **state) {
    (void)state;
    run("kill -SEGV $$");
    assert_int_equal(seen.end.ending, PLUGIN_SIGNALLED);
    assert_int_equal(seen.end.code, SIGSEGV);
}

/* The grandchild holds a lock of the pipe's end: only its death closes it. */
static void a_timeout_kills_the_whole_group(void **state) {
    (void)state;
    char path[] = "/tmp/quorate-runner-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    char script[256];
    snprintf(script, sizeof script, "echo started; sh -c 'echo $$ > %s; exec sleep 1000' & wait", path);
    seen = (struct seen){0};
    start(script, 300, 1);
    await(1);
    assert_int_equal(seen.end.ending, PLUGIN_TIMED_OUT);
    assert_int_equal(seen.end.code, 300);
    char text[32] = "";
    if (read(fd, text, sizeof text - 1) > 0) {
        pid_t grandchild = (pid_t)strtol(text, NULL, 10);
        mono_ms give_up = clock_mono() + PATIENCE;
        char status[64];
        snprintf(status, sizeof status, "/proc/%d/cmdline", (int)grandchild);
        /* gone, or a zombie that nobody has reaped: its command line is empty then */
        for (;;) {
            FILE *f = fopen(status, "re");
            int c = f == NULL ? EOF : fgetc(f);
            if (f != NULL) {
                fclose(f);
            }
            if (c == EOF) {
                break;
            }
            assert_true(clock_mono() < give_up);
        }
    }
    close(fd);
    unlink(path);
}

static void a_background_process_does_not_hold_up_the_result(void **state) {
    (void)state;
    run("sleep 1000 & echo done");
    assert_int_equal(seen.end.ending, PLUGIN_EXITED);
    assert_int_equal(seen.end.code, 0);
    assert_string_equal(seen.printed, "done\n");
}

static void output_is_capped_and_the_plugin_never_stuck(void **state) {
    (void)state;
    run("yes 0123456789 | head -c 3000000; exit 1");
    assert_int_equal(seen.end.ending, PLUGIN_EXITED);
    assert_int_equal(seen.end.code, 1);
    assert_int_equal(strlen(seen.printed), RUNNER_CAPTURE);
}

static void a_child_inherits_three_descriptors_and_two_variables(void **state) {
    (void)state;
    int extra = open("/dev/null", O_RDONLY); /* without O_CLOEXEC on purpose */
    assert_true(extra >= 0);
    assert_int_equal(setenv("QUORATE_SECRET", "x", 1), 0);
    char *argv[] = {(char *)"env", NULL};
    struct runner_job job = {.tag = 1, .path = "/usr/bin/env", .argv = argv, .timeout = PATIENCE};
    runner_start(runner, &job, clock_mono());
    await(1);
    assert_non_null(strstr(seen.printed, "LC_ALL=C\n"));
    assert_non_null(strstr(seen.printed, "PATH="));
    assert_null(strstr(seen.printed, "QUORATE_SECRET"));
    char script[128];
    snprintf(script, sizeof script, "test -e /proc/$$/fd/%d && echo open; readlink /proc/$$/fd/0; pwd", extra);
    run(script);
    assert_string_equal(seen.printed, "/dev/null\n/\n");
    close(extra);
}

static void children_run_side_by_side_up_to_the_bound(void **state) {
    (void)state;
    /* Each waits for the other's file: alone none could end. */
    char dir[] = "/tmp/quorate-runner-XXXXXX", a[256], b[256];
    assert_non_null(mkdtemp(dir));
    snprintf(a, sizeof a, "touch %s/a; while ! test -e %s/b; do sleep 0.01; done", dir, dir);
    snprintf(b, sizeof b, "touch %s/b; while ! test -e %s/a; do sleep 0.01; done", dir, dir);
    start(a, PATIENCE, 1);
    start(b, PATIENCE, 2);
    start("exit 0", PATIENCE, 3);
    assert_false(runner_full(runner));
    start("exit 0", PATIENCE, 4);
    assert_true(runner_full(runner));
    await(4);
    assert_int_equal(seen.tags, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4);
    snprintf(a, sizeof a, "rm -r %s", dir);
    run(a);
}

static void root_gives_its_rights_away(void **state) {
    (void)state;
    struct buffer why = {0};
    struct runner_config config = {.max_children = CHILDREN, .user = "nobody"};
    runner_free(runner);
    runner = NULL;
    if (geteuid() != 0) {
        assert_int_equal(runner_new(&runner, &config, &why), ERR_FORBIDDEN);
    } else {
        assert_int_equal(runner_new(&runner, &config, &why), ERR_OK);
        run("id -un; id -G | wc -w; grep NoNewPrivs /proc/self/status | tr -d '\\t'");
        assert_string_equal(seen.printed, "nobody\n1\nNoNewPrivs:1\n");
        runner_free(runner);
        runner = NULL;
    }
    buffer_clear(&why);
    config.user = "no-such-user-here";
    assert_int_equal(runner_new(&runner, &config, &why), ERR_NOT_FOUND);
    assert_non_null(strstr(buffer_cstr(&why), "no-such-user-here"));
    buffer_free(&why);
}

static void freeing_the_runner_leaves_no_child(void **state) {
    (void)state;
    start("sleep 1000", PATIENCE, 1);
    start("sleep 1000", PATIENCE, 2);
    runner_free(runner);
    runner = NULL;
    int status;
    assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* --- what the bytes mean --- */

static void split(int code, const char *printed, const char *output, const char *perfdata) {
    struct buffer o = {0}, p = {0};
    plugin_output_split(&o, &p, (struct plugin_end){PLUGIN_EXITED, code}, bytes_of_text(printed), bytes_of_text(""));
    assert_string_equal(buffer_cstr(&o), output);
    assert_string_equal(buffer_cstr(&p), perfdata);
    buffer_free(&o);
    buffer_free(&p);
}

static void output_is_cut_as_nagios_cuts_it(void **state) {
    (void)state;
    split(0, "OK - fine | time=0.1s;1;2\n", "OK - fine", "time=0.1s;1;2");
    split(0, "OK", "OK", "");
    split(0, "  OK;x  \n", "OK:x", "");
    split(0, "OK\nline 1; a\nline 2\n", "OK\nline 1; a\nline 2", "");
    split(0, "OK | a=1\nlong\nmore | b=2\nc=3\n", "OK\nlong\nmore", "a=1 b=2 c=3");
    split(0, "", "(No output returned from plugin)", "");
    split(0, "\n\n", "(No output returned from plugin)", "");
    split(0, "|a=1", "(No output returned from plugin)", "a=1");
    split(4, "odd\n", "(Return code of 4 is out of bounds) odd", "");
    split(127, "", "(Return code of 127 is out of bounds - plugin may be missing)", "");
    split(126, "", "(Return code of 126 is out of bounds - plugin may not be executable)", "");
    split(0, "caf\xc3\xa9 \xff\xc3 x\x01\n", "caf\xc3\xa9 ?? x?", "");
}

static void bytes_that_are_no_text_never_pass(void **state) {
    (void)state;
    struct buffer o = {0}, p = {0};
    static const char NULS[] = "a\0b|c\0d";
    plugin_output_split(&o, &p, (struct plugin_end){PLUGIN_EXITED, 0}, bytes_of(NULS, sizeof NULS - 1),
                        bytes_of_text(""));
    assert_string_equal(buffer_cstr(&o), "a?b");
    assert_string_equal(buffer_cstr(&p), "c?d");
    /* a timeout's explanation in front of a full capture stays within the bound and cuts no character in two */
    static char full[RUNNER_CAPTURE];
    for (size_t i = 0; i < sizeof full; i += 2) {
        memcpy(full + i, "\xc3\xa9", 2);
    }
    plugin_output_split(&o, &p, (struct plugin_end){PLUGIN_TIMED_OUT, 1500}, bytes_of(full, sizeof full),
                        bytes_of_text(""));
    assert_true(o.len <= OUTPUT_MAX_LEN && o.len > OUTPUT_MAX_LEN - 4);
    assert_true(utf8_valid(buffer_bytes(&o)));
    assert_memory_equal(o.data, "(Check timed out after 1.50 seconds) ", 37);
    buffer_free(&o);
    buffer_free(&p);
}

static void stderr_speaks_when_stdout_is_silent(void **state) {
    (void)state;
    struct buffer o = {0}, p = {0};
    plugin_output_split(&o, &p, (struct plugin_end){PLUGIN_EXITED, 127}, bytes_of_text(""),
                        bytes_of_text("sh: no\nmore\n"));
    assert_string_equal(buffer_cstr(&o), "(Return code of 127 is out of bounds - plugin may be missing) "
                                         "(No output on stdout) stderr: sh: no");
    buffer_free(&o);
    buffer_free(&p);
}

static void endings_become_states(void **state) {
    (void)state;
    static const struct {
        enum plugin_ending ending;
        int code;
        uint8_t service, host;
    } ROWS[] = {
        {PLUGIN_EXITED, 0, STATE_OK, HOST_UP},
        {PLUGIN_EXITED, 1, STATE_WARNING, HOST_UP},
        {PLUGIN_EXITED, 2, STATE_CRITICAL, HOST_DOWN},
        {PLUGIN_EXITED, 3, STATE_UNKNOWN, HOST_DOWN},
        {PLUGIN_EXITED, 4, STATE_CRITICAL, HOST_DOWN},
        {PLUGIN_EXITED, 127, STATE_CRITICAL, HOST_DOWN},
        {PLUGIN_SIGNALLED, 1, STATE_CRITICAL, HOST_DOWN},
        {PLUGIN_TIMED_OUT, 5000, STATE_UNKNOWN, HOST_DOWN},
        {PLUGIN_UNSTARTED, 11, STATE_UNKNOWN, HOST_DOWN},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct plugin_end end = {ROWS[i].ending, ROWS[i].code};
        assert_int_equal(plugin_state(end, false), ROWS[i].service);
        assert_int_equal(plugin_state(end, true), ROWS[i].host);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_exit_code_and_both_outputs_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_program_is_127_and_a_closed_one_126, setup, teardown),
        cmocka_unit_test_setup_teardown(a_death_by_signal_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_timeout_kills_the_whole_group, setup, teardown),
        cmocka_unit_test_setup_teardown(a_background_process_does_not_hold_up_the_result, setup, teardown),
        cmocka_unit_test_setup_teardown(output_is_capped_and_the_plugin_never_stuck, setup, teardown),
        cmocka_unit_test_setup_teardown(a_child_inherits_three_descriptors_and_two_variables, setup, teardown),
        cmocka_unit_test_setup_teardown(children_run_side_by_side_up_to_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(root_gives_its_rights_away, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_the_runner_leaves_no_child, setup, teardown),
        cmocka_unit_test(output_is_cut_as_nagios_cuts_it),
        cmocka_unit_test(bytes_that_are_no_text_never_pass),
        cmocka_unit_test(stderr_speaks_when_stdout_is_silent),
        cmocka_unit_test(endings_become_states),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
