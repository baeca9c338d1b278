/* What both sides said of each result, line by line. A line that only one of them has is a difference, unless one of
   the rules below, each a row of "Deliberate differences" in docs/MONITORING.md, says that it must be so. */
#include "tests/oracle/oracle.h"

#include <stdio.h>
#include <string.h>

const char *const excuse_names[] = {
    [EXCUSE_VOLATILE_REMINDER] = "reminders of volatile problems by the clock",
    [EXCUSE_REMINDER_FIRST] = "reminders before what the next result brings",
    [EXCUSE_ORDER_OF_TIME] = "downtimes of one second in the order of their objects",
    [EXCUSE_RECOVERY_UNDER_DOWN_HOST] = "recoveries under a host that is down",
    [EXCUSE_RECOVERY_AFTER_FLAPPING] = "recoveries told when the flapping ends",
    [EXCUSE_RECOVERY_OF_DEPENDENT] = "recoveries of what depends on a problem",
};

struct track {           /* of one object, by what was compared so far */
    bool bad;            /* its last result */
    bool down;           /* a host: HARD and not UP */
    bool told;           /* of a problem, not yet of its end */
    bool flapping, owed; /* owed: a problem was told before it began */
};

struct view { /* a line of the step that is compared, and whom it speaks of */
    const struct step *step;
    const struct plan_object *object;
    struct track *track;
    const struct track *host;
    bool dependent; /* on an object with a problem, or its host is */
};

static bool begins(const char *line, const char *with) {
    return strncmp(line, with, strlen(with)) == 0;
}

static bool ends(const char *line, const char *with) {
    size_t len = strlen(line), of = strlen(with);
    return len >= of && strcmp(line + len - of, with) == 0;
}

/* A notification of a problem or recovery, not of flapping. */
static bool is_normal(const char *line) {
    return begins(line, "NOTIFY ") && !strchr(line, '(');
}

static bool is_recovery(const char *line) {
    return is_normal(line) && (strstr(line, ";OK;") || strstr(line, ";UP;"));
}

/* Whom the line speaks of. */
static unsigned object_of(const struct sequence *s, const char *line) {
    const char *at = strchr(line, begins(line, "NOTIFY ") ? ';' : ' ') + 1;
    for (unsigned i = 0; i < s->object_count; i++) {
        size_t host = strlen(s->plan[i].host), service = strlen(s->plan[i].service);
        if (strncmp(at, s->plan[i].host, host) == 0 && at[host] == ';' &&
            strncmp(at + host + 1, s->plan[i].service, service) == 0 && at[host + 1 + service] == ';') {
            return i;
        }
    }
    return 0;
}

/* What a line that counts says about the object. */
static void follow(const struct view *v, const char *line) {
    struct track *t = v->track;
    if (is_normal(line)) {
        t->told = !is_recovery(line);
    } else if (begins(line, "FLAPPING ")) {
        t->flapping = ends(line, ";STARTED");
        t->owed = t->flapping ? t->told : t->owed;
    } else if (begins(line, "ALERT ")) {
        bool good = strstr(line, ";OK;") || strstr(line, ";UP;");
        t->down = v->object->is_host && !good && strstr(line, ";HARD;");
        t->told = t->told && !good;
    }
}

/* Why quorate says a line that Nagios does not. */
static enum excuse excuse_ours(const struct view *v, size_t at) {
    const struct lines *ours = &v->step->ours;
    const char *line = ours->list[at];
    if (v->step->kind == STEP_AGAIN && v->object->is_volatile && at == 1 && strcmp(line, ours->list[0]) == 0) {
        return EXCUSE_VOLATILE_REMINDER;
    }
    if (is_recovery(line) && !v->object->is_host && v->track->told && v->host->down && !v->track->flapping) {
        return EXCUSE_RECOVERY_UNDER_DOWN_HOST;
    }
    if (is_recovery(line) && v->track->told && v->dependent && !v->track->flapping) {
        return EXCUSE_RECOVERY_OF_DEPENDENT;
    }
    if (is_recovery(line) && v->track->owed && !v->track->flapping) {
        v->track->owed = false;
        return EXCUSE_RECOVERY_AFTER_FLAPPING;
    }
    return EXCUSE_NONE;
}

static bool depends(const struct sequence *s, const struct track *tracks, unsigned object) {
    for (unsigned i = 0; i < s->object_count; i++) {
        if ((s->plan[object].masters >> i & 1) && (tracks[i].bad || depends(s, tracks, i))) {
            return true;
        }
    }
    return false;
}

/* What quorate told by the clock, Nagios tells with the result, behind what the result itself brings. */
static void move_to_front(struct lines *l, const char *line) {
    for (size_t i = 1; i < l->count; i++) {
        if (strcmp(l->list[i], line) == 0) {
            char *found = l->list[i];
            memmove(l->list + 1, l->list, i * sizeof *l->list);
            l->list[0] = found;
            return;
        }
    }
}

/* What a second brings, quorate does in the order of objects, Nagios in that of its queue. true: that was another. */
static bool sort_by_object(const struct sequence *s, struct lines *l) {
    bool moved = false;
    for (size_t i = 1; i < l->count; i++) {
        for (size_t at = i; at > 0 && object_of(s, l->list[at]) < object_of(s, l->list[at - 1]); at--) {
            char *line = l->list[at];
            l->list[at] = l->list[at - 1];
            l->list[at - 1] = line;
            moved = true;
        }
    }
    return moved;
}

/* false: the lines differ. */
static bool compare_step(const struct sequence *s, struct step *step, struct track *tracks, struct comparison *out) {
    const struct lines *ours = &step->ours, *theirs = &step->theirs;
    size_t at = 0;
    if (step->kind == STEP_AGAIN && theirs->count > 1 && strcmp(ours->list[0], theirs->list[0]) != 0) {
        move_to_front(&step->theirs, ours->list[0]);
        out->excused[EXCUSE_REMINDER_FIRST]++;
    }
    if (step->kind == STEP_TIME) {
        out->excused[EXCUSE_ORDER_OF_TIME] += sort_by_object(s, &step->ours) + sort_by_object(s, &step->theirs) > 0;
    }
    for (size_t i = 0; i < ours->count; i++) {
        unsigned object = object_of(s, ours->list[i]);
        unsigned host = s->plan[object].host_at;
        struct view v = {.step = step,
                         .object = &s->plan[object],
                         .track = &tracks[object],
                         .host = &tracks[host],
                         .dependent = depends(s, tracks, object) || depends(s, tracks, host)};
        if (at < theirs->count && strcmp(ours->list[i], theirs->list[at]) == 0) {
            follow(&v, ours->list[i]);
            at++;
            out->events++;
            continue;
        }
        enum excuse e = excuse_ours(&v, i);
        if (e == EXCUSE_NONE) {
            return false;
        }
        out->excused[e]++;
    }
    return at == theirs->count;
}

void compare(struct sequence *s, struct comparison *out) {
    struct track tracks[ORACLE_OBJECTS_MAX] = {0};
    *out = (struct comparison){0};
    for (size_t i = 0; i < s->count && !out->differs; i++) {
        const struct step *step = &s->steps[i];
        if (step->kind == STEP_RESULT) {
            tracks[step->object].bad = step->state != 0;
        }
        out->differs = !compare_step(s, &s->steps[i], tracks, out);
        out->step = i;
    }
}

/* ---- showing it ---- */

static void show_lines(const char *side, const struct lines *l) {
    for (size_t i = 0; i < l->count; i++) {
        printf("#       %s %s\n", side, l->list[i]);
    }
}

static void show_step(const struct sequence *s, size_t at) {
    char command[192];
    const struct step *step = &s->steps[at];
    step_command(command, sizeof command, s, step);
    printf("#   %zu [+%lld] %s%s\n", at, (long long)(step->t - ORACLE_BEGIN), command,
           step->kind == STEP_AGAIN ? " (again)" : "");
    show_lines("quorate", &step->ours);
    show_lines("nagios ", &step->theirs);
}

/* The lines of its definition, in one. */
static void show_definition(const struct sequence *s, const struct plan_object *o) {
    char head[128];
    const char *text = (const char *)s->objects.data;
    if (o->is_host) {
        snprintf(head, sizeof head, "define host {\n host_name %s\n", o->host);
    } else {
        snprintf(head, sizeof head, "define service {\n host_name %s\n service_description %s\n", o->host, o->service);
    }
    const char *at = strstr(text, head), *end = at ? strchr(at, '}') : NULL;
    printf("#  ");
    for (; at && at < end; at++) {
        putchar(*at == '\n' ? ';' : *at);
    }
    printf("\n");
}

/* Of the same host: others rarely matter. */
void report_difference(const struct sequence *s, size_t step) {
    const struct plan_object *o = &s->plan[s->steps[step].object];
    size_t from = step;
    show_definition(s, o);
    if (!o->is_host) {
        show_definition(s, &s->plan[o->host_at]);
    }
    for (unsigned shown = 0; from > 0 && shown < 10;
         shown += strcmp(s->plan[s->steps[from].object].host, o->host) == 0) {
        from--;
    }
    for (; from <= step; from++) {
        if (strcmp(s->plan[s->steps[from].object].host, o->host) == 0) {
            show_step(s, from);
        }
    }
}
