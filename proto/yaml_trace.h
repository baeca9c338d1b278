/* What libcyaml logs about a refused file, turned into one line for people, and the lines where things stand in a YAML
   text. No type of the library appears here: cluster.c passes on what its log callback gets. */
#ifndef QUORATE_PROTO_YAML_TRACE_H
#define QUORATE_PROTO_YAML_TRACE_H

#include "base/bytes.h"

#include <stdarg.h>

enum { YAML_STEPS_MAX = 8, YAML_FIELD_MAX = 48 };

struct yaml_trace {
    char problem[200];
    struct yaml_step {              /* the innermost first, as logged */
        char field[YAML_FIELD_MAX]; /* "" for an entry of a sequence, or when a mapping's key is not known */
        int entry;                  /* -1 for a field */
        unsigned line;
    } steps[YAML_STEPS_MAX];
    unsigned step_count;
};
/* One call for each logged line, in order; only the first problem is kept. */
void yaml_trace_note(struct yaml_trace *t, const char *format, va_list args);
/* Appends "PATH:LINE: FIELD: what is wrong: what to do\n" to why. fallback: the library's word for its error. */
void yaml_trace_explain(const struct yaml_trace *t, struct bytes text, const char *path, const char *fallback,
                        struct buffer *why);

/* The 1-based line of `key` in entry `entry` of the top-level field `section`; of the entry when key is NULL or not
   found there; of the section when entry is -1 and key NULL or the entry is not found; 0 when there is no such section.
   It looks at lines, keys and quotes, not at all of YAML: enough to lead a person to the place. */
unsigned yaml_line_find(struct bytes text, const char *section, int entry, const char *key);

#endif
