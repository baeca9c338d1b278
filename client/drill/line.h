/* The time line of one drill: what happened when, how often the fault bit, which promises were broken and why. Knows
   nothing of processes; moments are given, so that it can be tested. */
#ifndef QUORATE_CLIENT_DRILL_LINE_H
#define QUORATE_CLIENT_DRILL_LINE_H

#include "base/bytes.h"
#include "client/drill/drill.h"

#include <jansson.h>

struct line;
struct line_marks { /* LINE_NEVER: it did not happen */
    mono_ms began, injected, detected, healed, recovered;
};
enum { LINE_NEVER = -1, LINE_EVENTS_MAX = 400, LINE_REASONS_MAX = 8 };

/* Each event is also written to fd as a JSON line {"ms", "event"}; -1: to nobody. Borrows nothing. */
struct line *line_new(int fd, mono_ms now);
void line_free(struct line *l);

/* A sign of life for who follows, no event. */
void line_alive(struct line *l, mono_ms now);
/* Adds an event. Beyond LINE_EVENTS_MAX events are counted, and the last one of the time line says how many. */
void line_note(struct line *l, mono_ms now, const char *what);
/* The first injection and detection count, the last healing. */
void line_injected(struct line *l, mono_ms now, const char *what);
void line_healed(struct line *l, mono_ms now, const char *what);
void line_detected(struct line *l, mono_ms now, const char *what);
void line_recovered(struct line *l, mono_ms now, const char *what);
void line_bit(struct line *l, mono_ms now, uint64_t count, const char *what);
/* A promise is broken for up to LINE_REASONS_MAX reasons; the same reason counts once. */
void line_broken(struct line *l, mono_ms now, enum promise p, const char *reason);

const struct line_marks *line_marks(const struct line *l);
uint64_t line_bites(const struct line *l);
bool line_kept(const struct line *l, enum promise p);
bool line_all_kept(const struct line *l);
/* The reasons joined by "; ", or NULL while it is kept. Lives as long as the line does not change. */
const char *line_reason(const struct line *l, enum promise p);
json_t *line_json(const struct line *l); /* [{"ms", "what"}], ms since the beginning */

#endif
