/* The box of a drill: what is inside, that nothing of it outlives the command, whatever kills it; and the processes
   that are started in it. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/clock.h"
#include "base/prng.h"
#include "client/drill/box.h"
#include "client/drill/process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 60000, KILLS = 24, LATEST_US = 40000 };

/* ---- helpers ---- */

static int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The exit status of a box that runs inside(argument); skips the test where the machine forbids boxes. */
static int boxed(int (*inside)(void *), void *argument) {
    struct buffer why = {0};
    pid_t pid;
    int status;
    enum error e = box_start(&pid, inside, argument, &why);
    if (e == ERR_FORBIDDEN) {
        print_message("%s\n", buffer_cstr(&why));
        buffer_free(&why);
        skip();
    }
    assert_int_equal(e, ERR_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    buffer_free(&why);
    return status_of(status);
}

static bool is_number(const char *name) {
    return *name && strspn(name, "0123456789") == strlen(name);
}

/* Processes that `is` holds for. */
static unsigned count_processes(bool (*is)(const char *pid, const char *what), const char *what) {
    DIR *proc = opendir("/proc");
    unsigned count = 0;
    for (struct dirent *d; proc && (d = readdir(proc)) != NULL;) {
        count += is_number(d->d_name) && is(d->d_name, what);
    }
    if (proc) {
        closedir(proc);
    }
    return count;
}

static size_t read_of(const char *pid, const char *file, char *out, size_t size) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, out, size - 1) : 0;
    if (fd >= 0) {
        close(fd);
    }
    out[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

static bool any(const char *pid, const char *what) {
    return pid != NULL && what != NULL;
}

static bool is_zombie(const char *pid, const char *what) {
    char stat[512];
    (void)what;
    const char *close = read_of(pid, "stat", stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
    return close && close[1] == ' ' && close[2] == 'Z';
}

/* Of that name, or with that word among its arguments. */
static bool bears(const char *pid, const char *mark) {
    char text[4096];
    size_t len = read_of(pid, "comm", text, sizeof text);
    if (len > 0 && strncmp(text, mark, strlen(mark)) == 0) {
        return !is_zombie(pid, mark);
    }
    len = read_of(pid, "cmdline", text, sizeof text);
    for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
        if (strcmp(text + at, mark) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what is inside ---- */

static bool loopback_answers(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0), caller = socket(AF_INET, SOCK_STREAM, 0);
    bool good = bind(listener, (struct sockaddr *)&at, len) == 0 && listen(listener, 1) == 0 &&
                getsockname(listener, (struct sockaddr *)&at, &len) == 0 &&
                connect(caller, (struct sockaddr *)&at, len) == 0;
    close(listener);
    close(caller);
    return good;
}

static unsigned entries(const char *path) {
    DIR *dir = opendir(path);
    unsigned count = 0;
    for (struct dirent *d; dir && (d = readdir(dir)) != NULL;) {
        count += d->d_name[0] != '.';
    }
    if (dir) {
        closedir(dir);
    }
    return count;
}

/* Which of the promises of box.h does not hold. */
static int look_around(void *argument) {
    (void)argument;
    if (getpid() > 2 || count_processes(any, "") != 2) {
        return 1;
    }
    if (entries(BOX_DIR) != 0) {
        return 2;
    }
    return loopback_answers() ? 42 : 3;
}

static void a_box_has_its_own_processes_files_and_loopback(void **state) {
    (void)state;
    assert_int_equal(boxed(look_around, NULL), 42);
}

static int write_marks(void *argument) {
    char path[128];
    snprintf(path, sizeof path, BOX_DIR "/%s", (const char *)argument);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    return fd >= 0 && mkdir(BOX_DIR "/netns", 0755) == 0 ? 7 : 1;
}

static void what_a_box_writes_is_not_seen_outside(void **state) {
    (void)state;
    char mark[64], path[128];
    snprintf(mark, sizeof mark, "quorate-box-%d", (int)getpid());
    snprintf(path, sizeof path, BOX_DIR "/%s", mark);
    assert_int_equal(boxed(write_marks, mark), 7);
    assert_int_not_equal(access(path, F_OK), 0);
}

static int orphan_one(void *argument) {
    (void)argument;
    int ends[2];
    if (pipe(ends) != 0) {
        return 1;
    }
    pid_t parent = fork();
    if (parent == 0) {
        close(ends[1]);
        if (fork() == 0) { /* outlives its parent, then ends */
            char byte;
            _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
        }
        _exit(0);
    }
    waitpid(parent, NULL, 0);
    close(ends[0]);
    unsigned alive = count_processes(any, "");
    close(ends[1]);
    mono_ms deadline = clock_mono() + PATIENCE;
    while (count_processes(any, "") != 2 || count_processes(is_zombie, "") != 0) {
        if (clock_mono() > deadline) {
            return 2;
        }
        clock_sleep(5);
    }
    return alive >= 2 ? 0 : 3;
}

static void orphans_are_reaped(void **state) {
    (void)state;
    assert_int_equal(boxed(orphan_one, NULL), 0);
}

static int end_by_signal(void *argument) {
    (void)argument;
    raise(SIGKILL);
    return 0;
}

static void a_death_inside_is_told(void **state) {
    (void)state;
    assert_int_equal(boxed(end_by_signal, NULL), 128 + SIGKILL);
}

/* ---- nothing outlives the command ---- */

struct command {
    char mark[16]; /* of a comm: 15 letters */
    int ready;     /* a byte is written to it when the box is full */
};

static int fill_box(void *argument) {
    const struct command *c = argument;
    struct process sleepers[4];
    struct buffer why = {0};
    const char *argv[] = {"sleep", c->mark, NULL};
    char script[64];
    snprintf(script, sizeof script, "sleep %s & sleep %s", c->mark, c->mark);
    const char *shell[] = {"sh", "-c", script, c->mark, NULL};
    for (unsigned i = 0; i < 4; i++) {
        struct process_job job = {.path = i % 2 ? "/bin/sh" : "/bin/sleep", .argv = i % 2 ? shell : argv, .net = -1};
        if (process_start(&sleepers[i], &job, &why) != ERR_OK) {
            return 1;
        }
    }
    if (write(c->ready, "x", 1) != 1) {
        return 1;
    }
    for (;;) {
        pause();
    }
}

/* A process that starts a box and waits for it, as the command does. */
static pid_t start_command(struct command *c, int ends[2]) {
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    c->ready = ends[1];
    pid_t pid = fork();
    if (pid == 0) {
        struct buffer why = {0};
        pid_t box;
        prctl(PR_SET_NAME, c->mark);
        if (box_start(&box, fill_box, c, &why) == ERR_OK) {
            waitpid(box, NULL, 0);
        }
        _exit(0);
    }
    return pid;
}

static unsigned bound_namespaces(void) { /* held by a mount, the only way to outlive their processes */
    FILE *mounts = fopen("/proc/self/mountinfo", "r");
    char line[4096];
    unsigned count = 0;
    while (mounts && fgets(line, sizeof line, mounts)) {
        count += strstr(line, " nsfs ") != NULL || strstr(line, "quorate-drill") != NULL;
    }
    if (mounts) {
        fclose(mounts);
    }
    return count;
}

/* after_us < 0: when the box is full. */
static void kill_command(struct command *c, long after_us) {
    int ends[2], status;
    char byte;
    pid_t pid = start_command(c, ends);
    assert_true(pid > 0);
    close(ends[1]);
    if (after_us >= 0) {
        struct timespec moment = {.tv_nsec = after_us * 1000};
        nanosleep(&moment, NULL);
    } else {
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_true(count_processes(bears, c->mark) >= 5);
    }
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    mono_ms deadline = clock_mono() + PATIENCE;
    while (count_processes(bears, c->mark) != 0) {
        assert_true(clock_mono() < deadline);
        clock_sleep(2);
    }
    close(ends[0]);
}

static void kill_9_of_the_command_ends_everything_at_any_moment(void **state) {
    (void)state;
    struct command c = {0};
    struct prng chance;
    snprintf(c.mark, sizeof c.mark, "9%09d", (int)getpid());
    assert_int_equal(boxed(look_around, NULL), 42); /* where boxes are forbidden there is nothing to kill */
    unsigned bound = bound_namespaces();
    prng_seed(&chance, (uint64_t)getpid());
    kill_command(&c, -1);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_command(&c, (long)prng_below(&chance, LATEST_US));
    }
    kill_command(&c, -1);
    assert_int_equal(bound_namespaces(), bound);
}

/* ---- processes ---- */

static int run(const char *script, const char *input, struct buffer *out, struct buffer *err, int64_t ms) {
    const char *argv[] = {"sh", "-c", script, NULL};
    struct process_job job = {.path = "/bin/sh", .argv = argv, .net = -1};
    return process_run(&job, bytes_of_text(input), out, err, ms);
}

static void a_program_gets_its_input_and_its_words_are_kept(void **state) {
    (void)state;
    struct buffer out = {0}, err = {0};
    assert_int_equal(run("cat; echo oops >&2; exit 5", "hello", &out, &err, PATIENCE), 5);
    assert_string_equal(buffer_cstr(&out), "hello");
    assert_string_equal(buffer_cstr(&err), "oops\n");
    buffer_clear(&out);
    assert_int_equal(run("echo one; echo two >&2; echo three", "", &out, &out, PATIENCE), 0);
    assert_string_equal(buffer_cstr(&out), "one\ntwo\nthree\n");
    assert_int_equal(run("kill -9 $$", "", NULL, NULL, PATIENCE), 128 + SIGKILL);
    buffer_free(&out);
    buffer_free(&err);
}

static void a_program_that_overruns_is_killed_with_its_children(void **state) {
    (void)state;
    char script[64], mark[16];
    snprintf(mark, sizeof mark, "8%09d", (int)getpid());
    snprintf(script, sizeof script, "sleep %s & sleep %s", mark, mark);
    assert_int_equal(run(script, "", NULL, NULL, 300), -1);
    mono_ms deadline = clock_mono() + PATIENCE;
    while (count_processes(bears, mark) != 0) {
        assert_true(clock_mono() < deadline);
        clock_sleep(2);
    }
}

static void a_program_that_is_not_there_cannot_be_run(void **state) {
    (void)state;
    const char *argv[] = {"nothing", NULL};
    struct process_job job = {.path = "/nowhere/nothing", .argv = argv, .net = -1};
    assert_int_equal(process_run(&job, bytes_of("", 0), NULL, NULL, PATIENCE), -1);
    assert_null(process_find("no-such-program-anywhere"));
}

static void a_program_inherits_neither_files_nor_another_cluster(void **state) {
    (void)state;
    struct buffer out = {0};
    int open_file = dup(2);
    setenv("QUORATE_CLUSTER", "/etc/quorate/cluster.yaml", 1);
    assert_int_equal(
        run("for fd in /proc/self/fd/*; do echo ${fd##*/}; done | grep -c '^[3-9]'; echo \"[$QUORATE_CLUSTER]\"", "",
            &out, NULL, PATIENCE),
        0);
    unsetenv("QUORATE_CLUSTER");
    /* what the shell itself opens to list them is one of them at most */
    assert_true(buffer_cstr(&out)[0] <= '1');
    assert_non_null(strstr(buffer_cstr(&out), "[]"));
    close(open_file);
    buffer_free(&out);
}

static void a_process_is_seen_to_end_and_leaves_no_zombie(void **state) {
    (void)state;
    struct buffer why = {0};
    struct process p;
    const char *quick[] = {"sh", "-c", "exit 3", NULL}, *slow[] = {"sleep", "1000", NULL};
    struct process_job job = {.path = "/bin/sh", .argv = quick, .net = -1};
    assert_int_equal(process_start(&p, &job, &why), ERR_OK);
    mono_ms deadline = clock_mono() + PATIENCE;
    while (process_runs(&p)) {
        assert_true(clock_mono() < deadline);
        clock_sleep(2);
    }
    assert_true(p.ended && status_of(p.status) == 3);
    job = (struct process_job){.path = "/bin/sleep", .argv = slow, .net = -1};
    assert_int_equal(process_start(&p, &job, &why), ERR_OK);
    pid_t pid = p.pid;
    process_signal(&p, SIGSTOP);
    assert_true(p.paused && process_runs(&p));
    process_kill(&p);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    buffer_free(&why);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_has_its_own_processes_files_and_loopback),
        cmocka_unit_test(what_a_box_writes_is_not_seen_outside),
        cmocka_unit_test(orphans_are_reaped),
        cmocka_unit_test(a_death_inside_is_told),
        cmocka_unit_test(kill_9_of_the_command_ends_everything_at_any_moment),
        cmocka_unit_test(a_program_gets_its_input_and_its_words_are_kept),
        cmocka_unit_test(a_program_that_overruns_is_killed_with_its_children),
        cmocka_unit_test(a_program_that_is_not_there_cannot_be_run),
        cmocka_unit_test(a_program_inherits_neither_files_nor_another_cluster),
        cmocka_unit_test(a_process_is_seen_to_end_and_leaves_no_zombie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
