/* Stable lines for people, scripts and the log. Their words are part of the interface of the script tests. */
#include "replica/pbft/core.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_LEN = 240 };

static const char *trace_format(struct pbft *p, const char *format, va_list args) {
    char line[LINE_MAX_LEN];
    int len = vsnprintf(line, sizeof line, format, args);
    ENSURE(len >= 0);
    size_t used = (size_t)len < sizeof line ? (size_t)len : sizeof line - 1;
    return arena_text(&p->out.arena, bytes_of(line, used));
}

void trace(struct pbft *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = trace_format(p, format, args);
    va_end(args);
    out_add(p, PBFT_TRACE)->text = text;
}

static const char *text_of(struct pbft *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *text_of(struct pbft *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *text = trace_format(p, format, args);
    va_end(args);
    return text;
}

void trace_breach(struct pbft *p, seq_no n, const struct digest *ours, const struct digest *theirs) {
    const char *text = text_of(p, "SAFETY BREACH n=%llu: decided d=%s here and d=%s elsewhere", (unsigned long long)n,
                               shorten(ours).text, shorten(theirs).text);
    struct pbft_action *a = out_add(p, PBFT_SAFETY_BREACH);
    a->n = n;
    a->text = text;
    p->breached = true;
}

struct short_digest shorten(const struct digest *d) {
    struct short_digest s;
    hex_encode(s.text, bytes_of(d->b, 4));
    return s;
}

const char *wish_reason_name(enum wish_reason r) {
    static const char *const names[] = {"?", "REQ_TIMEOUT", "SILENT", "SLOW", "PROOF", "NV_TIMEOUT", "AMPLIFY"};
    return (unsigned)r < sizeof names / sizeof names[0] ? names[r] : "?";
}
