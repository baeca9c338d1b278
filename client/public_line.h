/* The public line that `keygen` prints and `init --from-public` takes: one entry of cluster.yaml, as YAML. Pure. */
#ifndef QUORATE_CLIENT_PUBLIC_LINE_H
#define QUORATE_CLIENT_PUBLIC_LINE_H

#include "base/bytes.h"
#include "crypto/keyring.h"

struct public_line {
    enum key_role role; /* by name: "replica-N" a member, "operator" or "operator-..." an operator, else an observer */
    unsigned index;     /* of a member */
    char name[64];
    struct public_key key;
};

/* 1 to 63 of A-Z a-z 0-9 . _ -, starting with a letter or digit: it becomes a file's name. */
bool public_name_valid(const char *name);
/* Fills role and index from the name, which is valid. */
void public_line_name(struct public_line *out, const char *name);
void public_line_write(struct buffer *out, const struct public_line *l);
/* NULL, or what is wrong with the line. */
const char *public_line_read(struct public_line *out, const char *line);

#endif
