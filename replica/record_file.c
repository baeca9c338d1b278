/* The --record file: a list of (length u32 big-endian, frame), appended to across boots. A process that dies leaves
   whole entries, since each is one write; only a machine that dies may tear the last. */
#include "replica/record_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum error record_file_open(struct record_file *out, const char *path, struct buffer *why) {
    out->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out->fd >= 0)
        return ERR_OK;
    buffer_printf(why, "cannot open the record file: %s: %s; choose another with --record", path, strerror(errno));
    return ERR_IO;
}

enum error record_file_append(struct record_file *r, struct bytes frame) {
    uint8_t length[4];
    for (unsigned i = 0; i < sizeof length; i++)
        length[i] = (uint8_t)(frame.len >> (24 - 8 * i));
    struct iovec parts[] = {{length, sizeof length}, {(void *)(uintptr_t)frame.data, frame.len}};
    ssize_t written;
    do
        written = writev(r->fd, parts, 2);
    while (written < 0 && errno == EINTR);
    return written == (ssize_t)(sizeof length + frame.len) ? ERR_OK : ERR_IO;
}

void record_file_close(struct record_file *r) {
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
}
