/* --record: every frame that this replica signed and released, for proving afterwards that it never contradicted
 * itself. */
#ifndef QUORATE_REPLICA_RECORD_FILE_H
#define QUORATE_REPLICA_RECORD_FILE_H

#include "base/bytes.h"
#include "base/error.h"

struct record_file {
    int fd;
};
/* Opens for appending, created 0600. ERR_IO; why gets "what is wrong: where: what to do". */
enum error record_file_open(struct record_file *out, const char *path, struct buffer *why);
/* Appends length u32 and the frame with one write(2), so that it outlives this process before the frame leaves it.
 * ERR_IO. */
enum error record_file_append(struct record_file *r, struct bytes frame);
void record_file_close(struct record_file *r);

#endif
