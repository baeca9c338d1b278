/* The time line: a list of moments and words, and one list of reasons for each promise. What is added is told at once
   to who follows the run. */
#include "client/drill/line.h"

#include "base/invariant.h"
#include "client/durable.h"

#include <stdlib.h>
#include <string.h>

struct event {
    mono_ms at;
    char *what;
};
struct reasons {
    unsigned count;
    char *list[LINE_REASONS_MAX];
    struct buffer joined;
};
struct line {
    int fd;
    unsigned count, beyond;
    struct event events[LINE_EVENTS_MAX];
    struct line_marks marks;
    uint64_t bites;
    struct reasons reasons[PROMISE_LIMIT];
};

struct line *line_new(int fd, mono_ms now) {
    struct line *l = xcalloc(1, sizeof *l);
    l->fd = fd;
    l->marks = (struct line_marks){now, LINE_NEVER, LINE_NEVER, LINE_NEVER, LINE_NEVER};
    return l;
}

void line_free(struct line *l) {
    if (l == NULL) {
        return;
    }
    for (unsigned i = 0; i < l->count; i++) {
        free(l->events[i].what);
    }
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        for (unsigned i = 0; i < l->reasons[p].count; i++) {
            free(l->reasons[p].list[i]);
        }
        buffer_free(&l->reasons[p].joined);
    }
    free(l);
}

/* Words may come from a log or a plugin: what is no UTF-8 is not repeated. */
static json_t *words(const char *what) {
    json_t *j = json_string(what);
    return j != NULL ? j : json_string("(unreadable)");
}

static void tell(const struct line *l, mono_ms now, json_t *what) {
    json_t *j = json_pack("{s:I, s:o}", "ms", (json_int_t)(now - l->marks.began), "event", what);
    char *text = json_dumps(j, JSON_COMPACT);
    struct buffer out = {0};
    REQUIRE(text != NULL);
    buffer_printf(&out, "%s\n", text);
    bool heard = l->fd < 0 || durable_write_all(l->fd, buffer_bytes(&out));
    (void)heard; /* the report's own write says so when nobody follows any more */
    buffer_free(&out);
    free(text);
    json_decref(j);
}

void line_alive(struct line *l, mono_ms now) {
    tell(l, now, json_null());
}

void line_note(struct line *l, mono_ms now, const char *what) {
    tell(l, now, words(what));
    if (l->count == LINE_EVENTS_MAX) {
        l->beyond++;
        return;
    }
    l->events[l->count++] = (struct event){now, xstrdup(what)};
}

static void note_with(struct line *l, mono_ms now, const char *before, const char *what) {
    struct buffer text = {0};
    buffer_printf(&text, "%s: %s", before, what);
    line_note(l, now, buffer_cstr(&text));
    buffer_free(&text);
}

void line_injected(struct line *l, mono_ms now, const char *what) {
    if (l->marks.injected == LINE_NEVER) {
        l->marks.injected = now;
    }
    note_with(l, now, "injected", what);
}

void line_healed(struct line *l, mono_ms now, const char *what) {
    l->marks.healed = now;
    note_with(l, now, "healed", what);
}

void line_detected(struct line *l, mono_ms now, const char *what) {
    if (l->marks.detected == LINE_NEVER) {
        l->marks.detected = now;
    }
    note_with(l, now, "detected", what);
}

void line_recovered(struct line *l, mono_ms now, const char *what) {
    l->marks.recovered = now;
    note_with(l, now, "recovered", what);
}

void line_bit(struct line *l, mono_ms now, uint64_t count, const char *what) {
    struct buffer text = {0};
    l->bites += count;
    buffer_printf(&text, "bit %llu times: %s", (unsigned long long)count, what);
    line_note(l, now, buffer_cstr(&text));
    buffer_free(&text);
}

void line_broken(struct line *l, mono_ms now, enum promise p, const char *reason) {
    REQUIRE(p < PROMISE_LIMIT);
    struct reasons *r = &l->reasons[p];
    for (unsigned i = 0; i < r->count; i++) {
        if (strcmp(r->list[i], reason) == 0) {
            return;
        }
    }
    struct buffer text = {0};
    buffer_printf(&text, "BROKEN %s", drill_promise_name(p));
    note_with(l, now, buffer_cstr(&text), reason);
    buffer_free(&text);
    if (r->count < LINE_REASONS_MAX) {
        buffer_printf(&r->joined, "%s%s", r->count > 0 ? "; " : "", reason);
        r->list[r->count++] = xstrdup(reason);
        buffer_cstr(&r->joined);
    }
}

const struct line_marks *line_marks(const struct line *l) {
    return &l->marks;
}

uint64_t line_bites(const struct line *l) {
    return l->bites;
}

bool line_kept(const struct line *l, enum promise p) {
    REQUIRE(p < PROMISE_LIMIT);
    return l->reasons[p].count == 0;
}

bool line_all_kept(const struct line *l) {
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        if (!line_kept(l, (enum promise)p)) {
            return false;
        }
    }
    return true;
}

const char *line_reason(const struct line *l, enum promise p) {
    REQUIRE(p < PROMISE_LIMIT);
    return l->reasons[p].count == 0 ? NULL : (const char *)l->reasons[p].joined.data;
}

json_t *line_json(const struct line *l) {
    json_t *list = json_array();
    for (unsigned i = 0; i < l->count; i++) {
        const struct event *e = &l->events[i];
        json_array_append_new(
            list, json_pack("{s:I, s:o}", "ms", (json_int_t)(e->at - l->marks.began), "what", words(e->what)));
    }
    if (l->beyond > 0) {
        char text[64];
        snprintf(text, sizeof text, "and %u events more", l->beyond);
        mono_ms last = l->events[l->count - 1].at;
        json_array_append_new(list, json_pack("{s:I, s:s}", "ms", (json_int_t)(last - l->marks.began), "what", text));
    }
    return list;
}
