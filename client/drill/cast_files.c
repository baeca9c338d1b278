/* Files and directories of a stage. */
#include "client/drill/cast_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cast_put_file(const char *path, struct bytes content, mode_t mode) {
    struct buffer next = {0};
    buffer_printf(&next, "%s.next", path);
    int fd = open(buffer_cstr(&next), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    bool good = fd >= 0 && fchmod(fd, mode) == 0 && write(fd, content.data, content.len) == (ssize_t)content.len;
    if (fd >= 0) {
        good = close(fd) == 0 && good;
    }
    good = good && rename(buffer_cstr(&next), path) == 0;
    buffer_free(&next);
    return good;
}

bool cast_take_file(const char *path, off_t from, struct buffer *out) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t part[16384];
    ssize_t got = -1;
    while (fd >= 0 && (got = pread(fd, part, sizeof part, from)) > 0) {
        buffer_put(out, part, (size_t)got);
        from += got;
    }
    if (fd >= 0) {
        close(fd);
    }
    return got == 0;
}

off_t cast_file_size(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

bool cast_remove_tree(const char *path) {
    return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
}

static bool copy_file(const char *from, const char *to) {
    struct buffer all = {0};
    bool good = cast_take_file(from, 0, &all) && cast_put_file(to, buffer_bytes(&all), 0644);
    buffer_free(&all);
    return good;
}

static const char *copy_from, *copy_to; /* nftw hands nothing through */

static int copy_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)at;
    struct buffer target = {0};
    buffer_printf(&target, "%s%s", copy_to, path + strlen(copy_from));
    bool good = kind == FTW_D ? mkdir(buffer_cstr(&target), st->st_mode & 0777) == 0 || errno == EEXIST
                              : copy_file(path, buffer_cstr(&target));
    buffer_free(&target);
    return good ? 0 : -1;
}

bool cast_copy_tree(const char *from, const char *to) {
    copy_from = from;
    copy_to = to;
    return nftw(from, copy_one, 16, FTW_PHYS) == 0;
}
