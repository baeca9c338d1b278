/* Preloaded into a replica: while the file that FSYNC_FAULT names exists, every fsync and fdatasync fails with an I/O
   error, as on a dying disk. Only its first byte counts: 'e' fails, 's' waits two seconds and then succeeds. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char fault(void) {
    const char *path = getenv("FSYNC_FAULT");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char kind = 0;
    if (fd >= 0) {
        if (read(fd, &kind, 1) != 1) {
            kind = 0;
        }
        close(fd);
    }
    return kind;
}

static int synced(const char *name, int fd) {
    static const struct timespec stall = {.tv_sec = 2};
    switch (fault()) {
    case 'e':
        errno = EIO;
        return -1;
    case 's':
        nanosleep(&stall, NULL);
        break;
    default:
        break;
    }
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real(fd);
}

int fsync(int fd) {
    return synced("fsync", fd);
}

int fdatasync(int fd) {
    return synced("fdatasync", fd);
}
