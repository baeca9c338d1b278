/* Nagios' log as lines of the steps that caused them: each command is in the log before what it leads to. */
#include "tests/oracle/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void lines_add(struct lines *l, const char *line) {
    l->list = xrealloc(l->list, (l->count + 1) * sizeof *l->list);
    l->list[l->count++] = strdup(line);
}

void lines_free(struct lines *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->list[i]);
    }
    free(l->list);
    *l = (struct lines){0};
}

enum { FIELDS_MAX = 8 };
struct fields {
    char *list[FIELDS_MAX];
    unsigned count;
};

/* Cuts text at its semicolons; what is behind the last field that fits stays with it. */
static struct fields cut(char *text) {
    struct fields f = {.list = {text}, .count = 1};
    for (char *at = text; (at = strchr(at, ';')) && f.count < FIELDS_MAX;) {
        *at++ = '\0';
        f.list[f.count++] = at;
    }
    return f;
}

static void add_alert(struct lines *l, bool is_host, const struct fields *f) {
    struct buffer line = {0};
    unsigned at = is_host ? 1 : 2;
    if (f->count >= at + 4) {
        buffer_printf(&line, "ALERT %s;%s;%s;%s;%s;%s", f->list[0], is_host ? "" : f->list[1], f->list[at],
                      f->list[at + 1], f->list[at + 2], f->list[at + 3]);
        lines_add(l, buffer_cstr(&line));
    }
    buffer_free(&line);
}

static void add_mark(struct lines *l, const char *what, bool is_host, const struct fields *f) {
    struct buffer line = {0};
    if (f->count >= (is_host ? 2 : 3)) {
        buffer_printf(&line, "%s %s;%s;%s", what, f->list[0], is_host ? "" : f->list[1], f->list[is_host ? 1 : 2]);
        lines_add(l, buffer_cstr(&line));
    }
    buffer_free(&line);
}

static void add_flapping(struct lines *l, bool is_host, const struct fields *f) {
    add_mark(l, "FLAPPING", is_host, f);
}

static void add_downtime(struct lines *l, bool is_host, const struct fields *f) {
    add_mark(l, "DOWNTIME", is_host, f);
}

/* "a,c" with b between: names are sorted. */
static void insert_name(struct buffer *out, const char *names, size_t len, const char *name) {
    bool placed = false;
    const char *comma = "";
    for (size_t at = 0; at < len;) {
        size_t end = at;
        while (end < len && names[end] != ',') {
            end++;
        }
        if (!placed && strncmp(name, names + at, end - at) < 0) {
            buffer_printf(out, "%s%s", comma, name);
            comma = ",";
            placed = true;
        }
        buffer_printf(out, "%s%.*s", comma, (int)(end - at), names + at);
        comma = ",";
        at = end + 1;
    }
    if (!placed) {
        buffer_printf(out, "%s%s", comma, name);
    }
}

/* One line for all contacts: quorate's alert names them all. */
static void add_notification(struct lines *l, bool is_host, const struct fields *f) {
    unsigned at = is_host ? 2 : 3;
    if (f->count < at + 3) {
        return;
    }
    struct buffer what = {0}, line = {0};
    buffer_printf(&what, ";%s;%s;%s;%s", f->list[1], is_host ? "" : f->list[2], f->list[at], f->list[at + 2]);
    for (unsigned i = at + 3; i < f->count; i++) {
        buffer_printf(&what, ";%s", f->list[i]);
    }
    const char *before = l->count ? l->list[l->count - 1] : "", *same = strstr(before, buffer_cstr(&what));
    bool joins = strncmp(before, "NOTIFY ", 7) == 0 && same && strcmp(same, buffer_cstr(&what)) == 0;
    buffer_printf(&line, "NOTIFY ");
    insert_name(&line, before + 7, joins ? (size_t)(same - before - 7) : 0, f->list[0]);
    buffer_printf(&line, "%s", buffer_cstr(&what));
    if (joins) {
        free(l->list[--l->count]);
    }
    lines_add(l, buffer_cstr(&line));
    buffer_free(&what);
    buffer_free(&line);
}

static void take_line(struct lines *l, char *text) {
    static const struct {
        const char *prefix;
        bool is_host;
        void (*add)(struct lines *l, bool is_host, const struct fields *f);
    } kinds[] = {
        {"SERVICE ALERT: ", false, add_alert},
        {"HOST ALERT: ", true, add_alert},
        {"SERVICE NOTIFICATION: ", false, add_notification},
        {"HOST NOTIFICATION: ", true, add_notification},
        {"SERVICE FLAPPING ALERT: ", false, add_flapping},
        {"HOST FLAPPING ALERT: ", true, add_flapping},
        {"SERVICE DOWNTIME ALERT: ", false, add_downtime},
        {"HOST DOWNTIME ALERT: ", true, add_downtime},
    };
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t len = strlen(kinds[i].prefix);
        if (strncmp(text, kinds[i].prefix, len) == 0) {
            struct fields f = cut(text + len);
            kinds[i].add(l, kinds[i].is_host, &f);
            return;
        }
    }
}

/* The line of a step's own command, or one that only says how far Nagios is. */
static bool is_next(const struct sequence *s, size_t next, int64_t t, const char *command) {
    char expected[192] = "";
    if (next < s->count && s->steps[next].t == t) {
        step_command(expected, sizeof expected, s, &s->steps[next]);
    }
    return strcmp(command, expected) == 0;
}

/* A line of the log, about the step before `next` unless it begins the next one; what a second brings by itself stands
   before its mark. false: that was never fed. */
static bool read_line(struct sequence *s, char *line, size_t *next) {
    static const char command[] = "EXTERNAL COMMAND: ", fence[] = "DISABLE_PERFORMANCE_DATA;fence ";
    char *text = strstr(line, "] ");
    if (!text) {
        return true;
    }
    text += 2;
    int64_t t = strtoll(line + 1, NULL, 10);
    if (strncmp(text, command, sizeof command - 1) != 0) {
        bool by_time = *next < s->count && s->steps[*next].kind == STEP_TIME && s->steps[*next].t == t;
        if (by_time || *next > 0) {
            take_line(&s->steps[by_time ? *next : *next - 1].theirs, text);
        }
        return true;
    }
    text += sizeof command - 1;
    if (is_next(s, *next, t, text)) {
        ++*next;
        return true;
    }
    return strncmp(text, fence, sizeof fence - 1) == 0;
}

bool nagios_read(struct sequence *s, struct bytes log, struct buffer *why) {
    char *copy = xcalloc(log.len + 1, 1), *rest = copy;
    memcpy(copy, log.data, log.len);
    size_t next = 0;
    bool good = true;
    for (char *line; good && (line = strsep(&rest, "\n"));) {
        good = read_line(s, line, &next);
        if (!good) {
            buffer_printf(why, "the log has another command than was fed: %s", line);
        }
    }
    if (good && next < s->count) {
        buffer_printf(why, "the log ends after %zu of %zu steps", next, s->count);
        good = false;
    }
    free(copy);
    return good;
}
