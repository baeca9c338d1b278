/* Reads whole files into memory. */
#include "client/read_file.h"

#include <stdio.h>

enum { CHUNK = 1 << 16 };

bool read_file(struct buffer *out, const char *path) {
    FILE *f = fopen(path, "re");
    size_t got;
    if (f == NULL) {
        return false;
    }
    do {
        size_t before = out->len;
        got = fread(buffer_extend(out, CHUNK), 1, CHUNK, f);
        out->len = before + got;
    } while (got > 0);
    bool good = !ferror(f);
    fclose(f);
    return good;
}
