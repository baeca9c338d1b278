/* Everything a child needs is laid out before fork, since other threads may hold locks then: between fork and exec only
   async-signal-safe calls are made. What programs print is taken by files in memory, so that nobody waits for anybody's
   pipe. */
#include "client/drill/process.h"

#include "base/clock.h"
#include "base/invariant.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MS = 4, CANNOT_START = 125 };

struct launch {
    const struct process_job *job;
    char **env;
    int fds[3];
    pid_t parent;
};

/* ---- environment ---- */

static bool same_name(const char *a, const char *b) {
    size_t len = strcspn(a, "=");
    return strncmp(a, b, len + 1) == 0;
}

/* Ours, without what names another cluster and without what `more` replaces. */
static char **environment(const char *const *more) {
    size_t count = 0, kept = 0, given = 0;
    while (environ && environ[count]) {
        count++;
    }
    while (more && more[given]) {
        given++;
    }
    char **env = xcalloc(count + given + 1, sizeof *env);
    for (size_t i = 0; i < count; i++) {
        bool replaced = same_name("QUORATE_CLUSTER=", environ[i]) || same_name("QUORATE_KEY=", environ[i]);
        for (size_t k = 0; k < given; k++) {
            replaced = replaced || same_name(more[k], environ[i]);
        }
        if (!replaced) {
            env[kept++] = environ[i];
        }
    }
    for (size_t k = 0; k < given; k++) {
        env[kept++] = (char *)(uintptr_t)more[k];
    }
    return env;
}

/* ---- in the child ---- */

static void reset_signals(void) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++) {
        sigaction(s, &plain, NULL); /* refused for SIGKILL and SIGSTOP: nothing to reset there */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct launch *l) {
    setpgid(0, 0);
    for (int i = 0; i < 3; i++) {
        if (dup2(l->fds[i], i) < 0) {
            _exit(CANNOT_START);
        }
    }
    if (l->job->net >= 0 && setns(l->job->net, CLONE_NEWNET) != 0) {
        _exit(CANNOT_START);
    }
    if (syscall(SYS_close_range, 3u, ~0u, 0) != 0) {
        for (int fd = 3; fd < 4096; fd++) {
            close(fd);
        }
    }
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != l->parent) {
        _exit(CANNOT_START);
    }
    execve(l->job->path, (char *const *)(uintptr_t)l->job->argv, l->env);
    _exit(CANNOT_START);
}

/* ---- in the parent ---- */

static pid_t launch(const struct process_job *job, const int fds[3]) {
    struct launch l = {.job = job, .env = environment(job->env), .parent = getpid()};
    memcpy(l.fds, fds, sizeof l.fds);
    pid_t pid = fork();
    if (pid == 0) {
        become(&l);
    }
    if (pid > 0) {
        setpgid(pid, pid); /* both sides do, so that it holds whoever is first */
    }
    free(l.env);
    return pid;
}

/* Above 2, so that dup2 in the child overwrites none of them. */
static int high(int fd) {
    if (fd < 0 || fd > 2) {
        return fd;
    }
    int up = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    close(fd);
    return up;
}

static int open_log(const char *path, int how) {
    return high(open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644));
}

static void close_all(const int fds[3]) {
    for (int i = 0; i < 3; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

enum error process_start(struct process *p, const struct process_job *job, struct buffer *why) {
    int fds[3] = {high(open("/dev/null", O_RDONLY | O_CLOEXEC)), open_log(job->out, O_TRUNC),
                  open_log(job->err, O_APPEND)};
    *p = (struct process){0};
    pid_t pid = fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 ? launch(job, fds) : -1;
    if (pid < 0) {
        buffer_printf(why, "%s cannot be started: %s", job->path, strerror(errno));
    }
    close_all(fds);
    p->pid = pid > 0 ? pid : 0;
    return pid > 0 ? ERR_OK : ERR_IO;
}

void process_signal(struct process *p, int number) {
    if (process_runs(p)) {
        p->killed |= number == SIGKILL;
        kill(p->pid, number);
        p->paused = number == SIGSTOP ? true : number == SIGCONT ? false : p->paused;
    }
}

static int wait_for(pid_t pid) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* A signal does nothing to who has ended already, so the status tells whether it came too late. */
static void take_end(struct process *p, int status) {
    p->ended = !p->killed || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    p->status = status;
    p->pid = 0;
}

void process_kill(struct process *p) {
    if (process_runs(p)) {
        p->killed = true;
        kill(-p->pid, SIGKILL);
        kill(p->pid, SIGKILL);
        take_end(p, wait_for(p->pid));
    }
    *p = (struct process){.ended = p->ended, .asked = p->asked, .status = p->status};
}

bool process_runs(struct process *p) {
    int status = 0;
    if (p->pid > 0 && waitpid(p->pid, &status, WNOHANG) != 0) {
        take_end(p, status);
    }
    return p->pid > 0;
}

/* ---- to the end ---- */

static int memory_file(struct bytes content) {
    int fd = high(memfd_create("quorate-drill", MFD_CLOEXEC));
    bool good = fd >= 0 && write(fd, content.data, content.len) == (ssize_t)content.len && lseek(fd, 0, SEEK_SET) == 0;
    if (fd >= 0 && !good) {
        close(fd);
    }
    return good ? fd : -1;
}

static void take_all(int fd, struct buffer *out) {
    uint8_t part[4096];
    ssize_t got;
    off_t at = 0;
    while (out && (got = pread(fd, part, sizeof part, at)) > 0) {
        buffer_put(out, part, (size_t)got);
        at += got;
    }
}

static int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int await(const struct process_job *job, pid_t pid, int64_t ms) {
    mono_ms deadline = clock_mono() + ms;
    int status = 0;
    for (;;) {
        pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid) {
            return status_of(status) == CANNOT_START ? -1 : status_of(status);
        }
        if (job->waiting) {
            job->waiting(job->self);
        }
        if (clock_mono() >= deadline) {
            kill(-pid, SIGKILL);
            kill(pid, SIGKILL);
            wait_for(pid);
            return -1;
        }
        clock_sleep(POLL_MS);
    }
}

int process_run(const struct process_job *job, struct bytes input, struct buffer *out, struct buffer *err, int64_t ms) {
    int fds[3] = {memory_file(input), memory_file(bytes_of("", 0)), -1};
    fds[2] = out == err && fds[1] >= 0 ? high(dup(fds[1])) : memory_file(bytes_of("", 0));
    pid_t pid = fds[0] >= 0 && fds[1] >= 0 && fds[2] >= 0 ? launch(job, fds) : -1;
    int status = pid > 0 ? await(job, pid, ms) : -1;
    take_all(fds[1], out);
    if (err != out) {
        take_all(fds[2], err);
    }
    close_all(fds);
    return status;
}

char *process_find(const char *name) {
    static const char *const dirs[] = {"/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        struct buffer path = {0};
        buffer_printf(&path, "%s/%s", dirs[i], name);
        char *found = access(buffer_cstr(&path), X_OK) == 0 ? xstrdup(buffer_cstr(&path)) : NULL;
        buffer_free(&path);
        if (found) {
            return found;
        }
    }
    return NULL;
}
