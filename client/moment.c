/* Moments as operators write them. */
#include "base/clock.h"
#include "client/order.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool unix_seconds(const char *text, time_ms *out) {
    char *end = NULL;
    unsigned long long seconds = *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end != '\0' || seconds > TIME_MAX_MS / 1000) {
        return false;
    }
    *out = (time_ms)seconds * 1000;
    return true;
}

static bool calendar(const char *text, time_ms *out) {
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct tm tm = {.tm_isdst = -1};
        const char *rest = strptime(text, formats[i], &tm);
        if (rest && (*rest == '\0' || strcmp(rest, "Z") == 0)) {
            const struct tm said = tm;
            time_t t = *rest == 'Z' ? timegm(&tm) : mktime(&tm);
            if (t < 0 || t > TIME_MAX_MS / 1000 || tm.tm_mday != said.tm_mday || tm.tm_mon != said.tm_mon) {
                return false; /* no such day: it would be one of the next month */
            }
            *out = (time_ms)t * 1000;
            return true;
        }
    }
    return false;
}

bool order_moment(const char *text, time_ms now, time_ms *out) {
    mono_ms span = 0;
    if (*text == '@') {
        return unix_seconds(text + 1, out);
    }
    if (clock_parse_duration(*text == '+' ? text + 1 : text, &span)) {
        *out = now + (time_ms)span;
        return true;
    }
    return calendar(text, out);
}
