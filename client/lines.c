/* Reads check results in send_nsca's form. A code that is no number, or outside its range, is a bad line: what a plugin
   meant is never guessed. */
#include "client/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ETB = 0x17, FIELDS_MAX = 4 };

struct fields {
    unsigned count;
    struct bytes list[FIELDS_MAX]; /* the last one may hold delimiters */
};

static void *grow(void *list, size_t count, size_t size) {
    bool full = (count & (count - 1)) == 0; /* doubles at 0, 1, 2, 4 ... */
    return full ? xrealloc(list, (count == 0 ? 1 : count * 2) * size) : list;
}

static void add_bad(struct lines *l, uint32_t line, const char *reason) {
    l->bad = grow(l->bad, l->bad_count, sizeof *l->bad);
    struct lines_bad *b = &l->bad[l->bad_count++];
    b->line = line;
    snprintf(b->reason, sizeof b->reason, "%s", reason);
}

static void add_result(struct lines *l, uint32_t line, const struct observation *o) {
    l->results = grow(l->results, l->count, sizeof *l->results);
    l->at = grow(l->at, l->count, sizeof *l->at);
    l->results[l->count] = *o;
    l->at[l->count++] = line;
}

static struct fields split(struct bytes b, char delimiter) {
    struct fields f = {0};
    while (f.count < FIELDS_MAX - 1) {
        const uint8_t *end = b.len == 0 ? NULL : memchr(b.data, delimiter, b.len);
        if (end == NULL) {
            break;
        }
        f.list[f.count++] = bytes_of(b.data, (size_t)(end - b.data));
        b.len -= (size_t)(end - b.data) + 1;
        b.data = end + 1;
    }
    f.list[f.count++] = b;
    return f;
}

static struct bytes trim(struct bytes b) {
    while (b.len > 0 && (b.data[0] == ' ' || b.data[0] == '\t')) {
        b.data++;
        b.len--;
    }
    while (b.len > 0 && (b.data[b.len - 1] == ' ' || b.data[b.len - 1] == '\t')) {
        b.len--;
    }
    return b;
}

struct bytes cut_text(struct bytes b, size_t max) {
    if (b.len > max) {
        b.len = max;
        while (b.len > 0 && (b.data[b.len] & 0xc0) == 0x80) {
            b.len--;
        }
    }
    return b;
}

static bool read_code(struct bytes b, unsigned max, uint8_t *out) {
    b = trim(b);
    if (b.len != 1 || b.data[0] < '0' || b.data[0] > '0' + max) {
        return false;
    }
    *out = (uint8_t)(b.data[0] - '0');
    return true;
}

void lines_output(struct observation *o, struct bytes all, struct arena *arena) {
    const uint8_t *bar = all.len == 0 ? NULL : memchr(all.data, '|', all.len);
    o->perfdata = "";
    if (bar == NULL) {
        o->output = arena_text(arena, cut_text(all, OUTPUT_MAX_LEN));
        return;
    }
    struct bytes before = bytes_of(all.data, (size_t)(bar - all.data));
    struct bytes perf = bytes_of(bar + 1, all.len - before.len - 1), rest = {0};
    const uint8_t *newline = perf.len == 0 ? NULL : memchr(perf.data, '\n', perf.len);
    if (newline != NULL) {
        rest = bytes_of(newline, (size_t)(perf.data + perf.len - newline));
        perf.len = (size_t)(newline - perf.data);
    }
    struct buffer joined = {0};
    before = trim(before);
    buffer_put(&joined, before.data, before.len);
    buffer_put(&joined, rest.data, rest.len);
    o->output = arena_text(arena, cut_text(buffer_bytes(&joined), OUTPUT_MAX_LEN));
    o->perfdata = arena_text(arena, cut_text(trim(perf), OUTPUT_MAX_LEN));
    buffer_free(&joined);
}

/* NULL, or why the result is bad. */
static const char *read_result(struct lines *l, struct bytes b, char delimiter, struct observation *o) {
    if (!utf8_valid(b)) {
        return "not valid UTF-8";
    }
    struct fields f = split(b, delimiter);
    if (f.count < 3) {
        return "fewer than three fields; host, service, code, output or host, code, output";
    }
    bool is_host = f.count == 3;
    struct bytes host = trim(f.list[0]), service = is_host ? (struct bytes){0} : trim(f.list[1]);
    if (host.len == 0 || (!is_host && service.len == 0)) {
        return is_host ? "the host's name is empty" : "the host's or the service's name is empty";
    }
    if (host.len > NAME_MAX_LEN || service.len > NAME_MAX_LEN) {
        return "a name is longer than 255 bytes";
    }
    if (!read_code(f.list[f.count - 2], is_host ? HOST_UNREACHABLE : STATE_UNKNOWN, &o->state)) {
        return is_host ? "the code of a host is 0, 1 or 2" : "the code of a service is 0, 1, 2 or 3";
    }
    o->host = arena_text(&l->arena, host);
    o->service = arena_text(&l->arena, service);
    lines_output(o, f.list[f.count - 1], &l->arena);
    return NULL;
}

static void take(struct lines *l, struct bytes b, uint32_t line, const struct lines_options *options) {
    while (options->only_etb && b.len > 0 && (b.data[0] == '\n' || b.data[0] == '\r')) {
        line += b.data[0] == '\n';
        b.data++;
        b.len--;
    }
    while (b.len > 0 && (b.data[b.len - 1] == '\r' || b.data[b.len - 1] == '\n')) {
        b.len--;
    }
    if (trim(b).len == 0) {
        return;
    }
    struct observation o = {0};
    const char *reason = read_result(l, b, options->delimiter, &o);
    if (reason != NULL) {
        add_bad(l, line, reason);
    } else {
        add_result(l, line, &o);
    }
}

void lines_parse(struct lines *out, struct bytes text, const struct lines_options *options) {
    *out = (struct lines){0};
    uint32_t line = 1, began = 1;
    size_t from = 0;
    for (size_t i = 0; i <= text.len; i++) {
        bool end = i == text.len, newline = !end && text.data[i] == '\n';
        line += newline;
        if (end || text.data[i] == ETB || (newline && !options->only_etb)) {
            take(out, bytes_of(text.data + from, i - from), began, options);
            from = i + 1;
            began = line;
        }
    }
}

void lines_free(struct lines *l) {
    arena_free(&l->arena);
    free(l->results);
    free(l->at);
    free(l->bad);
    *l = (struct lines){0};
}
