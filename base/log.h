/* One line an event on stderr: "2026-01-28T12:00:00.123Z warn frame-refused reason=bad-signature peer=2".
   Text or JSON. Not for the pure rooms: they return what happened. */
#ifndef QUORATE_BASE_LOG_H
#define QUORATE_BASE_LOG_H

#include "base/types.h"

enum log_level { LOG_DEBUG_, LOG_INFO_, LOG_WARN_, LOG_ERROR_ };

/* Format of all later lines and the lowest level shown. Default: text, info. Call before threads start. */
void log_setup(bool json, enum log_level lowest);
/* event: a kebab-case word. fields: printf format of blank-separated key=value pairs; values with blanks in
   double quotes. Thread-safe, one write per line. */
void log_event(enum log_level level, const char *event, const char *fields, ...) __attribute__((format(printf, 3, 4)));
/* At most `burst` lines a minute for each distinct event word (static storage); the number of suppressed ones is
   said when the next line passes. Use it for all that a peer or a client can provoke. */
void log_event_limited(enum log_level level, const char *event, const char *fields, ...)
    __attribute__((format(printf, 3, 4)));

#endif
