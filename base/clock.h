/* The host's clocks. The pure rooms never include this. */
#ifndef QUORATE_BASE_CLOCK_H
#define QUORATE_BASE_CLOCK_H

#include "base/types.h"

time_ms clock_wall(void); /* CLOCK_REALTIME */
mono_ms clock_mono(void); /* CLOCK_MONOTONIC */
void clock_sleep(mono_ms duration);
/* "2026-01-28T12:00:00.123Z" into out (25 bytes with NUL). Works for any t >= 0. */
void clock_rfc3339(char out[25], time_ms t);
/* "250ms", "10s", "5m", "24h" (a bare number is refused) to milliseconds; false when it is none of
   these, or beyond 10 years */
bool clock_parse_duration(const char *text, mono_ms *out);

#endif
