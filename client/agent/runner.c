/* Children of the agent and of the pager. Everything a child needs is laid out before fork, since other threads may
   hold locks then: between fork and exec only async-signal-safe calls are made. A child is awaited by its pidfd; its
   group is killed before it is reaped, while its process id cannot be anybody else's. */
#include "client/agent/runner.h"

#include "base/invariant.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REAP_POLL = 20 /* ms between looks where the kernel gives no pidfd */ };

struct child {
    bool used, timed_out;
    struct runner_job job; /* only tag and timeout are kept */
    pid_t pid;             /* 0: the system refused to start it */
    int refusal;           /* errno then */
    int pidfd, pipes[2];   /* -1: none or at its end; pipes: stdout, stderr */
    struct buffer captured[2];
    mono_ms started, deadline;
};
struct runner {
    struct runner_config config;
    bool become;
    uid_t uid;
    gid_t gid;
    unsigned running;
    struct child *children;
};

static char *const PLAIN_ENVIRONMENT[] = {"LC_ALL=C",
                                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};

static enum error find_user(struct runner *r, struct buffer *why) {
    struct passwd *user = getpwnam(r->config.user);
    if (user == NULL) {
        buffer_printf(why, "there is no user '%s': --user: name one that exists", r->config.user);
        return ERR_NOT_FOUND;
    }
    if (geteuid() != 0 && user->pw_uid != geteuid()) {
        buffer_printf(why, "only root can run checks as '%s': --user: leave it out or start as root", r->config.user);
        return ERR_FORBIDDEN;
    }
    r->become = geteuid() == 0;
    r->uid = user->pw_uid;
    r->gid = user->pw_gid;
    return ERR_OK;
}

enum error runner_new(struct runner **out, const struct runner_config *config, struct buffer *why) {
    struct runner *r = xcalloc(1, sizeof *r);
    *out = NULL;
    r->config = *config;
    enum error e = config->user == NULL ? ERR_OK : find_user(r, why);
    if (e != ERR_OK) {
        free(r);
        return e;
    }
    r->children = xcalloc(config->max_children, sizeof *r->children);
    *out = r;
    return ERR_OK;
}

unsigned runner_running(const struct runner *r) {
    return r->running;
}

bool runner_full(const struct runner *r) {
    return r->running == r->config.max_children;
}

/* --- in the child, between fork and exec --- */

static void drop_rights(const struct runner *r) {
    if (!r->become) {
        return;
    }
    if (setgroups(0, NULL) != 0 || setgid(r->gid) != 0 || setuid(r->uid) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || (r->uid != 0 && setuid(0) == 0)) {
        _exit(126);
    }
}

static void reset_signals(void) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (int s = 1; s < NSIG; s++) {
        sigaction(s, &plain, NULL); /* refused for SIGKILL and SIGSTOP: nothing to reset there */
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_above(int first) {
    if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) != 0) {
        long limit = sysconf(_SC_OPEN_MAX);
        for (int fd = first; fd < limit; fd++) {
            close(fd);
        }
    }
}

static _Noreturn void become_plugin(const struct runner *r, const struct runner_job *job, const int ends[3],
                                    pid_t parent) {
    setpgid(0, 0);
    for (int i = 0; i < 3; i++) {
        if (dup2(ends[i], i) < 0) {
            _exit(126);
        }
    }
    close_above(3);
    if (chdir("/") != 0) {
        _exit(126);
    }
    drop_rights(r);
    reset_signals();
    /* Dies with us; set after setuid, which clears it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() != parent) {
        _exit(126);
    }
    execve(job->path, job->argv, job->envp == NULL ? PLAIN_ENVIRONMENT : job->envp);
    _exit(errno == ENOENT || errno == ENOTDIR ? 127 : 126);
}

/* --- in the parent --- */

static void close_fd(int *fd) {
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

/* fds: null, stdout read, stdout write, stderr read, stderr write; all above 2 and closed on exec. */
static bool open_ends(int fds[5]) {
    for (int i = 0; i < 5; i++) {
        fds[i] = -1;
    }
    int pair[2];
    fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool ok = fds[0] >= 0;
    for (int i = 1; ok && i < 5; i += 2) {
        ok = pipe2(pair, O_CLOEXEC) == 0;
        if (ok) {
            fds[i] = pair[0];
            fds[i + 1] = pair[1];
            ok = fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0;
        }
    }
    for (int i = 0; ok && i < 5; i++) { /* a daemon may have been started without 0, 1 and 2 */
        if (fds[i] < 3) {
            int high = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
            ok = high >= 0;
            close(fds[i]);
            fds[i] = high;
        }
    }
    return ok;
}

static void launch(struct runner *r, struct child *c, const struct runner_job *job, int fds[5]) {
    const int ends[3] = {fds[0], fds[2], fds[4]};
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        become_plugin(r, job, ends, parent);
    }
    if (pid < 0) {
        c->refusal = errno;
        return;
    }
    setpgid(pid, pid); /* both sides do, so that it holds whoever is first */
    c->pid = pid;
    c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    c->pipes[0] = fds[1];
    c->pipes[1] = fds[3];
    fds[1] = fds[3] = -1;
}

void runner_start(struct runner *r, const struct runner_job *job, mono_ms now) {
    REQUIRE(!runner_full(r));
    struct child *c = r->children;
    while (c->used) {
        c++;
    }
    *c = (struct child){.used = true,
                        .job = {.tag = job->tag, .timeout = job->timeout},
                        .pidfd = -1,
                        .pipes = {-1, -1},
                        .captured = {c->captured[0], c->captured[1]},
                        .started = now,
                        .deadline = now + job->timeout};
    buffer_clear(&c->captured[0]);
    buffer_clear(&c->captured[1]);
    r->running++;
    int fds[5];
    if (open_ends(fds)) {
        launch(r, c, job, fds);
    } else {
        c->refusal = errno;
    }
    for (int i = 0; i < 5; i++) {
        close_fd(&fds[i]);
    }
}

unsigned runner_poll(const struct runner *r, struct pollfd *fds) {
    unsigned count = 0;
    for (unsigned i = 0; i < r->config.max_children; i++) {
        const struct child *c = &r->children[i];
        if (!c->used) {
            continue;
        }
        const int all[RUNNER_FDS_PER_CHILD] = {c->pidfd, c->pipes[0], c->pipes[1]};
        for (int k = 0; k < RUNNER_FDS_PER_CHILD; k++) {
            if (all[k] >= 0) {
                fds[count++] = (struct pollfd){.fd = all[k], .events = POLLIN};
            }
        }
    }
    return count;
}

mono_ms runner_next(const struct runner *r, mono_ms now) {
    mono_ms next = INT64_MAX;
    for (unsigned i = 0; i < r->config.max_children; i++) {
        const struct child *c = &r->children[i];
        if (c->used) {
            mono_ms wish = c->pid == 0 ? now : c->pidfd < 0 ? now + REAP_POLL : c->timed_out ? INT64_MAX : c->deadline;
            next = wish < next ? wish : next;
        }
    }
    return next;
}

/* Reads what is there; keeps the first RUNNER_CAPTURE bytes, drops the rest so that the plugin is never stuck. */
static void drain(struct child *c, int which) {
    char chunk[4096];
    struct buffer *kept = &c->captured[which];
    for (int rounds = 0; c->pipes[which] >= 0 && rounds < 64; rounds++) {
        ssize_t got = read(c->pipes[which], chunk, sizeof chunk);
        if (got > 0) {
            size_t room = RUNNER_CAPTURE - kept->len;
            buffer_put(kept, chunk, (size_t)got < room ? (size_t)got : room);
        } else if (got < 0 && errno == EINTR) {
            continue;
        } else if (got < 0 && errno == EAGAIN) {
            return;
        } else {
            close_fd(&c->pipes[which]);
        }
    }
}

/* Has it ended? It stays a zombie, and its process id its own. */
static bool has_ended(const struct child *c) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == c->pid;
}

static struct plugin_end reap(struct child *c) {
    int status = 0;
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (c->timed_out) {
        return (struct plugin_end){PLUGIN_TIMED_OUT, (int)c->job.timeout};
    }
    return WIFSIGNALED(status) ? (struct plugin_end){PLUGIN_SIGNALLED, WTERMSIG(status)}
                               : (struct plugin_end){PLUGIN_EXITED, WEXITSTATUS(status)};
}

static void finish(struct runner *r, struct child *c, mono_ms now, runner_sink *sink, void *self) {
    struct runner_result result = {.tag = c->job.tag, .took = now - c->started};
    if (c->pid == 0) {
        result.end = (struct plugin_end){PLUGIN_UNSTARTED, c->refusal};
    } else {
        if (r->config.kill_leftovers || c->timed_out) {
            kill(-c->pid, SIGKILL);
        }
        drain(c, 0);
        drain(c, 1);
        result.end = reap(c);
    }
    close_fd(&c->pidfd);
    close_fd(&c->pipes[0]);
    close_fd(&c->pipes[1]);
    /* The slot is free before the sink runs, which may start the next one in it: the bytes move out first. */
    struct buffer printed = c->captured[0], complained = c->captured[1];
    c->captured[0] = c->captured[1] = (struct buffer){0};
    c->used = false;
    r->running--;
    result.printed = buffer_bytes(&printed);
    result.complained = buffer_bytes(&complained);
    sink(self, &result);
    buffer_free(&printed);
    buffer_free(&complained);
}

static void discard(void *self, const struct runner_result *result) {
    (void)self;
    (void)result;
}

void runner_step(struct runner *r, mono_ms now, runner_sink *sink, void *self) {
    for (unsigned i = 0; i < r->config.max_children; i++) {
        struct child *c = &r->children[i];
        if (!c->used) {
            continue;
        }
        drain(c, 0);
        drain(c, 1);
        if (c->pid == 0 || has_ended(c)) {
            finish(r, c, now, sink, self);
        } else if (now >= c->deadline && !c->timed_out) {
            c->timed_out = true;
            kill(-c->pid, SIGKILL);
        }
    }
}

void runner_kill(struct runner *r) {
    for (unsigned i = 0; i < r->config.max_children; i++) {
        struct child *c = &r->children[i];
        if (c->used && c->pid != 0) {
            c->timed_out = true;
            kill(-c->pid, SIGKILL);
        }
    }
}

void runner_free(struct runner *r) {
    if (r == NULL) {
        return;
    }
    runner_kill(r);
    for (unsigned i = 0; i < r->config.max_children; i++) {
        if (r->children[i].used) {
            finish(r, &r->children[i], r->children[i].started, discard, NULL);
        }
        buffer_free(&r->children[i].captured[0]);
        buffer_free(&r->children[i].captured[1]);
    }
    free(r->children);
    free(r);
}
