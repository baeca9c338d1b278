/* A faulty disk, preloaded into a replica (LD_PRELOAD). While the file that QUORATE_DISK_FAULT names exists, its first
   byte says what is wrong: 'e' every fsync fails with an I/O error, 's' every fsync takes two seconds, 'f' the disk is
   full. Where QUORATE_DISK_SYNCED names a file, it is told for each file below QUORATE_DISK_DIR how far an fsync has
   covered it, so that whoever kills the process can take away what was not synced, as a power loss does. A file that
   cannot be written for this has an empty one beside it, with `.failed` behind its name. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PATH_LEN = 4096 };

/* Nothing here may pass through the functions that it replaces. */
static int raw_open(const char *path, int flags) {
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0644);
}

/* That is the stage's failure and not the replica's: an empty file beside the one that could not be written says so. */
static void say_failed(const char *path) {
    char beside[PATH_LEN];
    int len = snprintf(beside, sizeof beside, "%s.failed", path);
    int fd = len > 0 && (size_t)len < sizeof beside ? raw_open(beside, O_WRONLY | O_CREAT) : -1;
    if (fd < 0) {
        abort(); /* a power loss would take what was synced */
    }
    syscall(SYS_close, fd);
}

static void add_line(const char *path, const char *line, size_t len) {
    int fd = raw_open(path, O_WRONLY | O_CREAT | O_APPEND);
    if (fd < 0 || syscall(SYS_write, fd, line, len) != (long)len) {
        say_failed(path);
    }
    if (fd >= 0) {
        syscall(SYS_close, fd);
    }
}

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        abort();
    }
    return found;
}
#define REAL(type, name, ...)                                                                                          \
    type (*name##_real)(__VA_ARGS__);                                                                                  \
    *(void **)&name##_real = real(#name)

/* ---- what is wrong ---- */

static char fault(void) {
    const char *path = getenv("QUORATE_DISK_FAULT");
    int error = errno, fd = path ? raw_open(path, O_RDONLY) : -1;
    char kind = 0;
    if (fd >= 0) {
        if (syscall(SYS_read, fd, &kind, 1) != 1) {
            kind = 0;
        }
        syscall(SYS_close, fd);
    }
    errno = error;
    return kind;
}

static void met(void) {
    const char *path = getenv("QUORATE_DISK_FAULT");
    char beside[PATH_LEN];
    int len = path ? snprintf(beside, sizeof beside, "%s.met", path) : -1;
    if (len > 0 && (size_t)len < sizeof beside) {
        add_line(beside, ".", 1);
    }
}

static int is_below(const char *path) {
    const char *dir = getenv("QUORATE_DISK_DIR");
    size_t len = dir ? strlen(dir) : 0;
    return len == 0 || (strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0'));
}

static int is_ours(int fd) {
    char name[64], path[PATH_LEN];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(name, path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    return len > 0 && path[0] == '/' && is_below(path);
}

static int is_full_for(int fd) {
    struct stat st;
    if (fault() != 'f' || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || !is_ours(fd)) {
        return 0;
    }
    met();
    errno = ENOSPC;
    return 1;
}

/* ---- what is synced: "INODE BYTES", of a directory "INODE names"; "INODE new" and "INODE cut" for an empty file ----
 */

static void note(const struct stat *st, const char *word) {
    char line[64];
    int len = word ? snprintf(line, sizeof line, "%llu %s\n", (unsigned long long)st->st_ino, word)
                   : snprintf(line, sizeof line, "%llu %lld\n", (unsigned long long)st->st_ino, (long long)st->st_size);
    add_line(getenv("QUORATE_DISK_SYNCED"), line, (size_t)len);
}

static int exists(int at, const char *path, int flags) {
    struct stat st;
    int error = errno, found = (flags & (O_CREAT | O_TRUNC)) && fstatat(at, path, &st, 0) == 0;
    errno = error;
    return found;
}

static void note_opened(int fd, int flags, int existed) {
    struct stat st;
    int error = errno;
    if (fd >= 0 && (existed ? flags & O_TRUNC : flags & O_CREAT) && getenv("QUORATE_DISK_SYNCED") &&
        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && is_ours(fd)) {
        note(&st, existed ? "cut" : "new");
    }
    errno = error;
}

/* What was written before the call is what it covers. */
static int synced(int (*sync)(int), int fd) {
    static const struct timespec stall = {.tv_sec = 2};
    struct stat st = {0};
    char kind = fault();
    if (kind == 'e') {
        met();
        errno = EIO;
        return -1;
    }
    if (kind == 's') {
        met();
        nanosleep(&stall, NULL);
    }
    int known = getenv("QUORATE_DISK_SYNCED") && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
                is_ours(fd);
    int result = sync(fd);
    if (result == 0 && known) {
        note(&st, S_ISDIR(st.st_mode) ? "names" : NULL);
    }
    return result;
}

/* ---- in the place of the C library's ---- */

int fsync(int fd) {
    REAL(int, fsync, int);
    return synced(fsync_real, fd);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    return synced(fdatasync_real, fd);
}

ssize_t write(int fd, const void *data, size_t len) {
    return is_full_for(fd) ? -1 : syscall(SYS_write, fd, data, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return is_full_for(fd) ? -1 : syscall(SYS_writev, fd, parts, count);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    return is_full_for(fd) ? -1 : pwrite_real(fd, data, len, at);
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at) {
    REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    return is_full_for(fd) ? -1 : pwrite64_real(fd, data, len, at);
}

int fallocate(int fd, int mode, off_t at, off_t len) {
    REAL(int, fallocate, int, int, off_t, off_t);
    return is_full_for(fd) ? -1 : fallocate_real(fd, mode, at, len);
}

int fallocate64(int fd, int mode, off64_t at, off64_t len) {
    REAL(int, fallocate64, int, int, off64_t, off64_t);
    return is_full_for(fd) ? -1 : fallocate64_real(fd, mode, at, len);
}

int statvfs(const char *path, struct statvfs *out) {
    REAL(int, statvfs, const char *, struct statvfs *);
    int result = statvfs_real(path, out);
    if (result == 0 && is_below(path) && fault() == 'f') {
        met();
        out->f_bavail = out->f_bfree = 0;
    }
    return result;
}

#define OPEN(name, directory, ...)                                                                                     \
    mode_t mode = 0;                                                                                                   \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode = va_arg(list, mode_t);                                                                                   \
        va_end(list);                                                                                                  \
    }                                                                                                                  \
    int existed = exists(directory, path, flags), fd = name(__VA_ARGS__, flags, mode);                                 \
    note_opened(fd, flags, existed);                                                                                   \
    return fd

int open(const char *path, int flags, ...) {
    REAL(int, open, const char *, int, ...);
    OPEN(open_real, AT_FDCWD, path);
}

int open64(const char *path, int flags, ...) {
    REAL(int, open64, const char *, int, ...);
    OPEN(open64_real, AT_FDCWD, path);
}

int openat(int at, const char *path, int flags, ...) {
    REAL(int, openat, int, const char *, int, ...);
    OPEN(openat_real, at, at, path);
}

int openat64(int at, const char *path, int flags, ...) {
    REAL(int, openat64, int, const char *, int, ...);
    OPEN(openat64_real, at, at, path);
}
