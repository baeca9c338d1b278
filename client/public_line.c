/* Writes and reads the public line of a key. It can be pasted into cluster.yaml as it is, but for a replica's HOST; it
   is read back by its `id` or `name` and its `key`, whatever stands around them. */
#include "client/public_line.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool public_name_valid(const char *name) {
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
    return len > 0 && len <= 63 && name[len] == '\0' && isalnum((unsigned char)name[0]);
}

static bool replica_index(const char *name, unsigned *out) {
    const char *digits = name + 8;
    if (strncmp(name, "replica-", 8) != 0 || strspn(digits, "0123456789") != strlen(digits)) {
        return false;
    }
    if (strlen(digits) == 0 || strlen(digits) > 2 || (digits[0] == '0' && digits[1] != '\0')) {
        return false;
    }
    *out = (unsigned)(digits[0] - '0');
    *out = digits[1] != '\0' ? *out * 10 + (unsigned)(digits[1] - '0') : *out;
    return *out < MEMBERS_MAX;
}

void public_line_name(struct public_line *out, const char *name) {
    snprintf(out->name, sizeof out->name, "%s", name);
    out->index = 0;
    if (replica_index(name, &out->index)) {
        out->role = ROLE_MEMBER;
    } else if (strcmp(name, "operator") == 0 || strncmp(name, "operator-", 9) == 0) {
        out->role = ROLE_OPERATOR;
    } else {
        out->role = ROLE_OBSERVER;
    }
}

void public_line_write(struct buffer *out, const struct public_line *l) {
    char key[PUBLIC_KEY_TEXT];
    crypto_public_key_text(key, &l->key);
    if (l->role == ROLE_MEMBER) {
        buffer_printf(
            out, "- { id: %u, key: \"%s\", peer: \"tcp://HOST:%u\", client: \"tcp://HOST:%u\", http: \"HOST:%u\" }\n",
            l->index, key, 7300 + l->index, 7310 + l->index, 7320 + l->index);
    } else {
        buffer_printf(out, "- { name: %s, key: \"%s\", %s }\n", l->name, key,
                      l->role == ROLE_OPERATOR ? "roles: [admin, drill]" : "hosts: [\"*\"]");
    }
}

/* The word or quoted text after "FIELD:". */
static bool read_field(char *out, size_t size, const char *line, const char *field) {
    const char *p = strstr(line, field);
    if (p == NULL) {
        return false;
    }
    p += strlen(field);
    p += strspn(p, " \"'");
    size_t len = strcspn(p, " \"',}\n");
    return len > 0 && len < size && snprintf(out, size, "%.*s", (int)len, p) > 0;
}

const char *public_line_read(struct public_line *out, const char *line) {
    char key[PUBLIC_KEY_TEXT], name[64], id[8];
    if (!read_field(key, sizeof key, line, "key:") || !crypto_public_key_parse(&out->key, key)) {
        return "no valid public key in it";
    }
    if (read_field(id, sizeof id, line, "id:")) {
        snprintf(name, sizeof name, "replica-%s", id);
    } else if (!read_field(name, sizeof name, line, "name:")) {
        return "neither an id nor a name in it";
    }
    if (!public_name_valid(name)) {
        return "not a name: 1 to 63 letters, digits, dots, dashes or underscores";
    }
    public_line_name(out, name);
    if (strstr(line, "id:") != NULL && out->role != ROLE_MEMBER) {
        return "no replica has such an id";
    }
    if (strstr(line, "hosts:") != NULL && strstr(line, "hosts: [\"*\"]") == NULL) {
        return "hosts other than [\"*\"]: set them in cluster.yaml afterwards";
    }
    return NULL;
}
