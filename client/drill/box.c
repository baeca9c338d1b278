/* A box is a clone with namespaces of its own. Its first process is a small init: it readies the box, forks the child
   that runs `inside`, and reaps whatever is orphaned until that child ends. When the first process goes, for whatever
   reason, the kernel kills every other process of its PID namespace, and mounts and network go with them. */
#include "client/drill/box.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID_MAX = 512 };

/* What the child needs; ends is a pair of sockets: [0] the caller's, [1] the box's. */
struct boxed {
    int ends[2];
    uid_t uid;
    gid_t gid;
    int (*inside)(void *argument);
    void *argument;
};

static bool put_file(const char *path, const char *text) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

/* Programs that are started in the box keep the rights that their starter has in it: mounts, network, tc. */
static bool keep_rights(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &head, data) != 0) {
        return false;
    }
    for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        data[i].inheritable = data[i].permitted;
    }
    if (syscall(SYS_capset, &head, data) != 0) {
        return false;
    }
    for (unsigned cap = 0; cap < 64; cap++) {
        if (data[cap / 32].permitted >> cap % 32 & 1u) {
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0); /* one that the kernel holds back is not needed */
        }
    }
    return true;
}

/* In a user namespace everybody keeps their own number, so that programs don't take themselves for root. */
static const char *become_self(const struct boxed *b) {
    char line[64];
    if (b->uid == 0) {
        return NULL;
    }
    snprintf(line, sizeof line, "%u %u 1\n", b->uid, b->uid);
    if (!put_file("/proc/self/setgroups", "deny") || !put_file("/proc/self/uid_map", line)) {
        return "user namespace";
    }
    snprintf(line, sizeof line, "%u %u 1\n", b->gid, b->gid);
    return put_file("/proc/self/gid_map", line) && keep_rights() ? NULL : "user namespace";
}

static const char *mount_all(void) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return "private mounts";
    }
    if (mount("quorate-drill", BOX_DIR, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
        return "tmpfs on " BOX_DIR;
    }
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? NULL : "/proc";
}

static const char *loopback_up(void) {
    struct ifreq lo = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &lo) == 0;
    lo.ifr_flags = (short)(lo.ifr_flags | IFF_UP);
    good = good && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    if (fd >= 0) {
        close(fd);
    }
    return good ? NULL : "loopback";
}

/* SIGKILL follows the caller's end; one that ended before that was asked for has closed its socket. */
static void die_with_caller(const struct boxed *b) {
    close(b->ends[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    struct pollfd gone = {.fd = b->ends[1], .events = POLLRDHUP};
    if (poll(&gone, 1, 0) != 0) {
        _exit(1);
    }
}

static const char *ready_box(const struct boxed *b) {
    const char *failed = become_self(b);
    failed = failed ? failed : mount_all();
    return failed ? failed : loopback_up();
}

static int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until `child` ends; its status. */
static int reap(pid_t child) {
    for (;;) {
        int status = 0;
        pid_t ended = waitpid(-1, &status, 0);
        if (ended == child) {
            return status_of(status);
        }
        if (ended < 0 && errno != EINTR) {
            return 1;
        }
    }
}

static _Noreturn void first_process(const struct boxed *b) {
    die_with_caller(b);
    const char *failed = ready_box(b);
    if (failed) {
        char said[SAID_MAX];
        int len = snprintf(said, sizeof said, "%s: %s", failed, strerror(errno));
        _exit(write(b->ends[1], said, (size_t)len) == len ? 1 : 2);
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(b->ends[1]);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        setpgid(0, 0);
        exit(b->inside(b->argument));
    }
    close(b->ends[1]);
    _exit(child < 0 ? 1 : reap(child));
}

/* What the first process says went wrong; nothing when the box stands. */
static void hear(int fd, struct buffer *why) {
    char said[SAID_MAX];
    ssize_t got;
    while ((got = read(fd, said, sizeof said)) > 0 || (got < 0 && errno == EINTR)) {
        buffer_put(why, said, got > 0 ? (size_t)got : 0);
    }
}

static enum error refused(struct buffer *why, const char *what) {
    struct buffer text = {0};
    buffer_printf(&text, "no namespaces here: %s: run as root, or allow user namespaces", what);
    buffer_clear(why);
    buffer_printf(why, "%s", buffer_cstr(&text));
    buffer_free(&text);
    return ERR_FORBIDDEN;
}

enum error box_start(pid_t *pid, int (*inside)(void *argument), void *argument, struct buffer *why) {
    struct boxed b = {.uid = geteuid(), .gid = getegid(), .inside = inside, .argument = argument};
    unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | (b.uid == 0 ? 0 : CLONE_NEWUSER) | SIGCHLD;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b.ends) != 0) {
        buffer_printf(why, "no sockets: %s: raise the limit of open files", strerror(errno));
        return ERR_IO;
    }
    fflush(NULL);
    long child = syscall(SYS_clone, flags, 0, 0, 0, 0);
    int error = errno;
    if (child == 0) {
        first_process(&b);
    }
    close(b.ends[1]);
    size_t before = why->len;
    if (child > 0) {
        hear(b.ends[0], why);
    }
    close(b.ends[0]);
    if (child < 0) {
        return refused(why, strerror(error));
    }
    if (why->len > before) {
        waitpid((pid_t)child, NULL, 0);
        struct buffer said = {0};
        buffer_put(&said, why->data + before, why->len - before);
        enum error e = refused(why, buffer_cstr(&said));
        buffer_free(&said);
        return e;
    }
    *pid = (pid_t)child;
    return ERR_OK;
}
