/* Log lines on stderr, as text or JSON, each written by one write so that threads and processes don't mix. The limited
   form keeps a peer or client from filling the disk: it counts what it holds back and says so later. */
#include "base/log.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_BURST = 10, LOG_BURST_WINDOW_MS = 60000, LOG_LIMITED_EVENTS = 64 };

static struct {
    bool json;
    enum log_level lowest;
} setup = {false, LOG_INFO_};

struct limited_event {
    const char *event;
    mono_ms window_start;
    uint64_t passed, held_back;
};
static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct limited_event limited[LOG_LIMITED_EVENTS];

void log_setup(bool json, enum log_level lowest) {
    setup.json = json;
    setup.lowest = lowest;
}

static const char *level_name(enum log_level level) {
    static const char *const names[] = {"debug", "info", "warn", "error"};
    return names[level];
}

/* A JSON string of text, quotes included. What isn't UTF-8 shows its bytes above ASCII as '?'. */
static void json_string(struct buffer *out, struct bytes text) {
    bool utf8 = utf8_valid(text);
    buffer_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"' || c == '\\') {
            buffer_u8(out, '\\');
            buffer_u8(out, c);
        } else if (c < 0x20) {
            buffer_printf(out, "\\u%04x", c);
        } else {
            buffer_u8(out, c >= 0x80 && !utf8 ? '?' : c);
        }
    }
    buffer_u8(out, '"');
}

/* The end of a value: its closing quote, or the blank after it. */
static const char *value_end(const char *at, bool quoted) {
    if (!quoted) {
        return at + strcspn(at, " ");
    }
    const char *close = strchr(at, '"');
    return close == NULL ? at + strlen(at) : close;
}

/* "key=value key="two words"" as further members of a JSON object. */
static void json_fields(struct buffer *out, const char *fields) {
    for (const char *at = fields + strspn(fields, " "); *at != 0; at += strspn(at, " ")) {
        size_t key_len = strcspn(at, "= ");
        buffer_u8(out, ',');
        json_string(out, bytes_of(at, key_len));
        buffer_u8(out, ':');
        at += key_len;
        at += *at == '=';
        bool quoted = *at == '"';
        at += quoted;
        const char *end = value_end(at, quoted);
        json_string(out, bytes_of(at, (size_t)(end - at)));
        at = end + (quoted && *end == '"');
    }
}

/* One line only, whatever the fields hold: a line break in them would forge a line. */
static void text_fields(struct buffer *out, const char *fields) {
    buffer_u8(out, ' ');
    for (const char *at = fields; *at != 0; at++) {
        buffer_u8(out, (uint8_t)*at < 0x20 || *at == 0x7f ? '?' : (uint8_t)*at);
    }
}

static void log_line(enum log_level level, const char *event, const char *fields) {
    struct buffer line = {0};
    char now[25];
    clock_rfc3339(now, clock_wall());
    if (setup.json) {
        buffer_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":", now, level_name(level));
        json_string(&line, bytes_of_text(event));
        json_fields(&line, fields);
        buffer_u8(&line, '}');
    } else {
        buffer_printf(&line, "%s %s %s", now, level_name(level), event);
        if (*fields != 0) {
            text_fields(&line, fields);
        }
    }
    buffer_u8(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* a log that can't be written has nobody to tell */
    buffer_free(&line);
}

/* suppressed: how many lines like this one were held back before it. */
static void log_fields(enum log_level level, const char *event, const char *fields, va_list args, uint64_t suppressed) {
    char formatted[2048];
    struct buffer text = {0};
    int len = vsnprintf(formatted, sizeof formatted, fields, args);
    if (len > 0) {
        buffer_put(&text, formatted, (size_t)len < sizeof formatted ? (size_t)len : sizeof formatted - 1);
    }
    if (suppressed > 0) {
        buffer_printf(&text, "%ssuppressed=%llu", text.len > 0 ? " " : "", (unsigned long long)suppressed);
    }
    log_line(level, event, buffer_cstr(&text));
    buffer_free(&text);
}

void log_event(enum log_level level, const char *event, const char *fields, ...) {
    if (level < setup.lowest) {
        return;
    }
    va_list args;
    va_start(args, fields);
    log_fields(level, event, fields, args, 0);
    va_end(args);
}

/* The event's entry; when the table is full, strangers share the last one. */
static struct limited_event *limited_find(const char *event) {
    for (size_t i = 0; i < LOG_LIMITED_EVENTS; i++) {
        struct limited_event *e = &limited[i];
        if (e->event == NULL) {
            *e = (struct limited_event){.event = event, .window_start = clock_mono()};
            return e;
        }
        if (strcmp(e->event, event) == 0) {
            return e;
        }
    }
    return &limited[LOG_LIMITED_EVENTS - 1];
}

/* May a line of this event pass now? *held_back: how many were suppressed since the last that passed. */
static bool limit_passes(const char *event, uint64_t *held_back) {
    pthread_mutex_lock(&limit_lock);
    struct limited_event *e = limited_find(event);
    mono_ms now = clock_mono();
    if (now - e->window_start >= LOG_BURST_WINDOW_MS) {
        e->window_start = now;
        e->passed = 0;
    }
    bool passes = e->passed < LOG_BURST;
    *held_back = 0;
    if (passes) {
        *held_back = e->held_back;
        e->passed++;
        e->held_back = 0;
    } else {
        e->held_back++;
    }
    pthread_mutex_unlock(&limit_lock);
    return passes;
}

void log_event_limited(enum log_level level, const char *event, const char *fields, ...) {
    uint64_t held_back;
    if (level < setup.lowest || !limit_passes(event, &held_back)) {
        return;
    }
    va_list args;
    va_start(args, fields);
    log_fields(level, event, fields, args, held_back);
    va_end(args);
}
