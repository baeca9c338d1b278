/* Plays drills in boxes: starts up to so many, listens to what each says of itself, ends the ones that say nothing, and
   collects their reports. */
#include "client/drill/run.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/drill/box.h"
#include "client/drill/progress.h"
#include "client/drill/report.h"
#include "client/drill/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SILENCE_MS = 240000, TURN_MS = 250 };

struct job {
    const struct drill *drill;
    pid_t pid; /* of the box; 0: not started, or ended */
    int fd;
    bool started, ended;
    mono_ms began, heard;
    struct buffer partial;
    json_t *report;
    struct buffer error;
};
struct running {
    const struct run *run;
    struct progress *progress;
    struct job *jobs;
    char programs[4096];
};

static volatile sig_atomic_t asked_to_stop;

static void take_signal(int signal) {
    (void)signal;
    asked_to_stop = 1;
}

/* ---- inside the box ---- */

struct inside {
    const struct drill *drill;
    const char *programs;
    int fd, keep; /* keep: the directory, -1: none */
};

/* The files are of the box's own file system, which ends with it. */
static void keep_files(const struct inside *in) {
    if (mkdirat(in->keep, in->drill->name, 0700) != 0 && errno != EEXIST) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (fchdir(in->keep) == 0) {
            execlp("cp", "cp", "-R", BOX_DIR "/.", in->drill->name, (char *)NULL);
        }
        _exit(127);
    }
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
}

static int play_inside(void *argument) {
    const struct inside *in = argument;
    signal(SIGINT, SIG_IGN); /* the command ends the box */
    int code = stage_play(in->drill, in->programs, in->fd);
    if (in->keep >= 0) {
        keep_files(in);
    }
    return code;
}

/* ---- the jobs ---- */

static bool open_keep(const struct running *r, int *fd, struct buffer *why) {
    const char *dir = r->run->keep;
    *fd = -1;
    if (dir == NULL) {
        return true;
    }
    if (mkdir(dir, 0700) == 0 || errno == EEXIST) {
        *fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (*fd < 0) {
        buffer_printf(why, "cannot use the directory: %s: %s", dir, strerror(errno));
    }
    return *fd >= 0;
}

static bool start_box(struct running *r, struct job *j) {
    int ends[2];
    struct inside in = {.drill = j->drill, .programs = r->programs};
    if (!open_keep(r, &in.keep, &j->error)) {
        return false;
    }
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    in.fd = ends[1];
    enum error e = box_start(&j->pid, play_inside, &in, &j->error);
    close(ends[1]);
    if (in.keep >= 0) {
        close(in.keep);
    }
    j->fd = ends[0];
    if (e != ERR_OK) {
        close(ends[0]);
        j->pid = 0;
    }
    return e == ERR_OK;
}

static void finish(struct running *r, struct job *j) {
    mono_ms elapsed = clock_mono() - j->began;
    int status = 0;
    if (j->pid > 0) {
        kill(j->pid, SIGKILL); /* nothing of it is left behind */
        while (waitpid(j->pid, &status, 0) < 0 && errno == EINTR) {
        }
        close(j->fd);
        j->pid = 0;
    }
    if (j->report == NULL) {
        const char *why = j->error.len > 0 ? buffer_cstr(&j->error) : "the stage ended without a report";
        j->report = report_error(j->drill, why, elapsed);
    }
    j->ended = true;
    progress_end(r->progress, j->drill, j->report, elapsed);
}

static void start(struct running *r, struct job *j) {
    j->began = j->heard = clock_mono();
    j->started = true;
    progress_begin(r->progress, j->drill);
    if (!start_box(r, j)) {
        finish(r, j);
    }
}

static void take_line(struct running *r, struct job *j, const char *line) {
    json_t *said = json_loads(line, 0, NULL);
    const char *event = json_string_value(json_object_get(said, "event"));
    const char *error = json_string_value(json_object_get(said, "error"));
    json_t *report = json_object_get(said, "report");
    if (event != NULL) {
        progress_step(r->progress, j->drill, event);
    }
    if (error != NULL) {
        buffer_clear(&j->error);
        buffer_printf(&j->error, "%s", error);
    }
    if (json_is_object(report)) {
        json_decref(j->report);
        j->report = json_incref(report);
    }
    json_decref(said);
}

static void take_lines(struct running *r, struct job *j) {
    char *at = (char *)j->partial.data, *end;
    size_t left = j->partial.len;
    while (left > 0 && (end = memchr(at, '\n', left)) != NULL) {
        *end = '\0';
        take_line(r, j, at);
        left -= (size_t)(end + 1 - at);
        at = end + 1;
    }
    memmove(j->partial.data, at, left);
    j->partial.len = left;
}

static void listen_to(struct running *r, struct job *j) {
    char chunk[65536];
    ssize_t got = read(j->fd, chunk, sizeof chunk);
    if (got > 0) {
        j->heard = clock_mono();
        buffer_put(&j->partial, chunk, (size_t)got);
        take_lines(r, j);
    } else if (got == 0 || errno != EINTR) {
        finish(r, j);
    }
}

static unsigned start_more(struct running *r) {
    unsigned busy = 0, open = 0;
    for (unsigned i = 0; i < r->run->count; i++) {
        busy += r->jobs[i].pid > 0;
    }
    for (unsigned i = 0; i < r->run->count; i++) {
        struct job *j = &r->jobs[i];
        if (!j->started && busy < r->run->jobs) {
            start(r, j);
            busy += j->pid > 0;
        }
        open += !j->ended;
    }
    return open;
}

static void listen_to_all(struct running *r) {
    struct pollfd fds[RUN_JOBS_MAX];
    struct job *of[RUN_JOBS_MAX];
    nfds_t count = 0;
    for (unsigned i = 0; i < r->run->count; i++) {
        if (r->jobs[i].pid > 0) {
            of[count] = &r->jobs[i];
            fds[count++] = (struct pollfd){.fd = r->jobs[i].fd, .events = POLLIN};
        }
    }
    if (poll(fds, count, TURN_MS) <= 0) {
        return;
    }
    for (nfds_t i = 0; i < count; i++) {
        if (fds[i].revents != 0) {
            listen_to(r, of[i]);
        }
    }
}

static void end_silent(struct running *r) {
    for (unsigned i = 0; i < r->run->count; i++) {
        struct job *j = &r->jobs[i];
        if (j->pid > 0 && clock_mono() - j->heard >= SILENCE_MS) {
            buffer_clear(&j->error);
            buffer_printf(&j->error, "no sign of life for %d s: the stage: it was ended", SILENCE_MS / 1000);
            finish(r, j);
        }
    }
}

static void end_all(struct running *r) {
    for (unsigned i = 0; i < r->run->count; i++) {
        struct job *j = &r->jobs[i];
        if (j->pid > 0) {
            kill(j->pid, SIGKILL);
            waitpid(j->pid, NULL, 0);
            close(j->fd);
            j->pid = 0;
        }
    }
}

/* Where this program is, the daemon is too. */
static void find_programs(struct running *r) {
    ssize_t len = readlink("/proc/self/exe", r->programs, sizeof r->programs - 1);
    REQUIRE(len > 0);
    r->programs[len] = '\0';
    *strrchr(r->programs, '/') = '\0';
}

static json_t *collect(struct running *r) {
    json_t *reports = json_array();
    for (unsigned i = 0; i < r->run->count; i++) {
        struct job *j = &r->jobs[i];
        if (j->ended) {
            json_array_append_new(reports, j->report);
        } else {
            json_decref(j->report);
        }
        buffer_free(&j->partial);
        buffer_free(&j->error);
    }
    return reports;
}

json_t *run_drills(const struct run *run, bool *interrupted) {
    struct running r = {.run = run, .progress = progress_new(run->count)};
    struct sigaction action = {.sa_handler = take_signal}, old[2];
    r.jobs = xcalloc(run->count, sizeof *r.jobs);
    for (unsigned i = 0; i < run->count; i++) {
        r.jobs[i] = (struct job){.drill = run->drills[i], .fd = -1};
    }
    find_programs(&r);
    sigaction(SIGINT, &action, &old[0]);
    sigaction(SIGTERM, &action, &old[1]);
    while (!asked_to_stop && start_more(&r) > 0) {
        listen_to_all(&r);
        end_silent(&r);
        progress_show(r.progress);
    }
    *interrupted = asked_to_stop != 0;
    end_all(&r);
    progress_free(r.progress);
    sigaction(SIGINT, &old[0], NULL);
    sigaction(SIGTERM, &old[1], NULL);
    json_t *reports = collect(&r);
    free(r.jobs);
    return reports;
}
