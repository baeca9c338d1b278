/* Texts that the machine keeps (a plugin's output), cuts for a line, and the agreed time for people. */
#ifndef QUORATE_CHECKS_TEXT_H
#define QUORATE_CHECKS_TEXT_H

#include "base/bytes.h"

/* Owns its memory and reuses it: a result whose text fits allocates nothing. */
struct text {
    char *data; /* NUL-terminated, or NULL = "" */
    uint32_t len, cap;
};
void text_set(struct text *t, const char *value);
void text_set_bytes(struct text *t, struct bytes value);
void text_free(struct text *t);
static inline const char *text_of(const struct text *t) {
    return t->data ? t->data : "";
}

enum { LINE_MAX_LEN = 256, TIME_TEXT = 32 };
/* The first line of text, at most LINE_MAX_LEN bytes, never cut inside a character. */
struct bytes text_line(const char *text);
/* "2026-01-28T12:00:00Z", whole seconds, in UTC. */
void text_time(char out[TIME_TEXT], time_ms t);

#endif
