/* Files that hold after a crash what was told to be in them. */
#ifndef QUORATE_CLIENT_DURABLE_H
#define QUORATE_CLIENT_DURABLE_H

#include "base/bytes.h"
#include "base/error.h"

/* All of b, however many writes it takes; false: errno tells why, and any part may be written. */
bool durable_write_all(int fd, struct bytes b);
/* Makes durable that the file stands in its directory under this name. */
bool durable_sync_directory(const char *path);
/* Opens PATH (below the directory `dir`, or AT_FDCWD), made when it lacks, and locks it for this process alone; -1:
   cannot be made, see errno. *taken: another process holds it. */
int durable_lock(int dir, const char *path, bool *taken);
/* Adds "cannot VERB: PLACE: the system's words" of errno; ERR_IO. */
enum error durable_refusal(struct buffer *why, const char *place, const char *verb);

#endif
