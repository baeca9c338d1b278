/* The host's clocks and the text forms of times and durations. The calendar is computed here (proleptic Gregorian,
   days from civil), without locale or time zone, so that every machine prints the same text. */
#include "base/clock.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read(clockid_t which) {
    struct timespec ts;
    ENSURE(clock_gettime(which, &ts) == 0);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

time_ms clock_wall(void) {
    return clock_read(CLOCK_REALTIME);
}

mono_ms clock_mono(void) {
    return clock_read(CLOCK_MONOTONIC);
}

void clock_sleep(mono_ms duration) {
    if (duration <= 0) {
        return;
    }
    struct timespec left = {.tv_sec = duration / 1000, .tv_nsec = duration % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* Days since 1970-01-01 to year, month, day; eras of 400 years beginning in March make leap days come last. */
static void civil_of_days(int64_t days, int64_t *year, unsigned *month, unsigned *day) {
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t of_era = z % 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * of_year + 2) / 153;
    *day = (unsigned)(of_year - (153 * march_month + 2) / 5 + 1);
    *month = (unsigned)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

void clock_rfc3339(char out[25], time_ms t) {
    const time_ms last = 253402300799999; /* 9999-12-31T23:59:59.999Z: RFC 3339 has no fifth digit */
    t = t < 0 ? 0 : t > last ? last : t;
    int64_t year;
    unsigned month, day;
    civil_of_days(t / 86400000, &year, &month, &day);
    unsigned ms = (unsigned)(t % 86400000);
    char text[64];
    snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year, month, day, ms / 3600000,
             ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    memcpy(out, text, 24);
    out[24] = 0;
}

static mono_ms unit_ms(const char *unit) {
    static const struct {
        const char *name;
        mono_ms ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return units[i].ms;
        }
    }
    return 0;
}

bool clock_parse_duration(const char *text, mono_ms *out) {
    const mono_ms ten_years = (mono_ms)3653 * 86400000;
    mono_ms number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (*at - '0');
        if (number > ten_years) {
            return false;
        }
    }
    mono_ms unit = unit_ms(at);
    if (at == text || unit == 0 || number > ten_years / unit) {
        return false;
    }
    *out = number * unit;
    return true;
}
