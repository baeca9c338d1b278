/* The C library knows the zone files' format and what holds behind their last line; it is asked day by day, and
   every change is found by halving. The span is fixed, so that the same files give the same bytes on any day. */
#include "client/zones.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SPAN_BEGIN INT64_C(1577836800) /* 2020-01-01 */
#define SPAN_END INT64_C(4102444800)   /* 2100-01-01 */
enum { STEP = 86400 };

static int32_t offset_at(int64_t utc) {
    struct tm tm;
    time_t t = (time_t)utc;
    return localtime_r(&t, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

/* The first moment in (from, to] whose offset is that of `to`. */
static int64_t change_between(int64_t from, int64_t to) {
    int32_t after = offset_at(to);
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (offset_at(middle) == after) {
            to = middle;
        } else {
            from = middle;
        }
    }
    return to;
}

static int read_offsets(struct zone_shift *out) {
    int count = 0;
    out[count++] = (struct zone_shift){SPAN_BEGIN, offset_at(SPAN_BEGIN)};
    for (int64_t at = SPAN_BEGIN; at < SPAN_END && count < ZONE_SHIFTS_MAX; at += STEP) {
        if (offset_at(at) != offset_at(at + STEP)) {
            int64_t moment = change_between(at, at + STEP);
            out[count++] = (struct zone_shift){moment, offset_at(moment)};
        }
    }
    return count;
}

/* Other files lie beside the zones; the C library takes them for UTC. */
static bool begins_as_zone(const char *path) {
    char magic[4] = "";
    FILE *f = fopen(path, "r");
    bool zone = f && fread(magic, 1, sizeof magic, f) == sizeof magic && memcmp(magic, "TZif", sizeof magic) == 0;
    if (f) {
        fclose(f);
    }
    return zone;
}

/* Names such as Europe/Berlin and nothing else that a path could be. */
static bool is_zone(const char *name) {
    const char *directory = getenv("TZDIR");
    struct buffer path = {0};
    bool sound = name[0] != '\0' && name[0] != '/' && name[0] != '.' && !strstr(name, "..") && !strchr(name, ':');
    buffer_printf(&path, "%s/%s", directory ? directory : "/usr/share/zoneinfo", name);
    bool there = sound && begins_as_zone(buffer_cstr(&path));
    buffer_free(&path);
    return there;
}

static void set_zone(const char *value) {
    if (value) {
        setenv("TZ", value, 1);
    } else {
        unsetenv("TZ");
    }
    tzset();
}

int zones_read(const char *name, struct zone_shift *out) {
    if (!is_zone(name)) {
        return -1;
    }
    const char *before = getenv("TZ");
    char *kept = before ? xstrdup(before) : NULL;
    struct buffer value = {0};
    buffer_printf(&value, ":%s", name);
    set_zone(buffer_cstr(&value));
    int count = read_offsets(out);
    set_zone(kept);
    free(kept);
    buffer_free(&value);
    return count;
}
