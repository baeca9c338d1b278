/* Whole files, for verbs that judge what stands in one. */
#ifndef QUORATE_CLIENT_READ_FILE_H
#define QUORATE_CLIENT_READ_FILE_H

#include "base/bytes.h"

/* Appends the content; false: errno tells why. */
bool read_file(struct buffer *out, const char *path);

#endif
