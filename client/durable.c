/* What the agent's spool and notify's state file do alike. */
#include "client/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

bool durable_write_all(int fd, struct bytes b) {
    while (b.len > 0) {
        ssize_t put = write(fd, b.data, b.len);
        if (put < 0 && errno != EINTR) {
            return false;
        }
        b = put > 0 ? bytes_of(b.data + put, b.len - (size_t)put) : b;
    }
    return true;
}

bool durable_sync_directory(const char *path) {
    char *dir = xstrdup(path), *slash = strrchr(dir, '/');
    if (slash != NULL) {
        slash[slash == dir ? 1 : 0] = '\0';
    }
    int fd = open(slash == NULL ? "." : dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0) {
        close(fd);
    }
    free(dir);
    return ok;
}

int durable_lock(int dir, const char *path, bool *taken) {
    int fd = openat(dir, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    *taken = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0;
    return fd;
}

enum error durable_refusal(struct buffer *why, const char *place, const char *verb) {
    buffer_printf(why, "cannot %s: %s: %s", verb, place, strerror(errno));
    return ERR_IO;
}
