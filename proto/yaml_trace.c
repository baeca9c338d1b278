/* Translates libcyaml's log (a problem, then a backtrace from the inside out) to "FILE:LINE: field: problem: remedy".
 */
#include "proto/yaml_trace.h"

#include <stdio.h>
#include <string.h>

/* "  in mapping field 'peer' (line: 7, column: 19)", "  in sequence entry '5' (...)", "  in mapping (...)". */
static void note_step(struct yaml_trace *t, const char *text) {
    if (t->step_count == YAML_STEPS_MAX) {
        return;
    }
    struct yaml_step step = {.entry = -1};
    sscanf(text, " in mapping field '%47[^']'", step.field);
    int count;
    if (sscanf(text, " in sequence entry '%d'", &count) == 1) {
        step.entry = count - 1; /* the library counts from one */
    }
    const char *place = strstr(text, "(line: ");
    if (place != NULL) {
        sscanf(place, "(line: %u", &step.line);
    }
    t->steps[t->step_count++] = step;
}

void yaml_trace_note(struct yaml_trace *t, const char *format, va_list args) {
    char text[sizeof t->problem];
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    if (strncmp(text, "  in ", 5) == 0) {
        note_step(t, text);
        return;
    }
    const char *body = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;
    if (t->problem[0] == 0 && strcmp(body, "Backtrace:") != 0) {
        memcpy(t->problem, body, strlen(body) + 1);
    }
}

/* Each of the library's phrases, what we say instead and what to do about it. In `ours`, %s is what followed. */
struct phrase {
    const char *theirs, *ours, *remedy;
    enum { ABOUT_VALUE, ABOUT_KEY, ABOUT_LIST } about; /* KEY: what follows in the problem is that key */
};
static const struct phrase phrases[] = {
    {"Unexpected key: ", "unknown key", "remove it or correct its spelling", ABOUT_KEY},
    {"Missing required mapping field: ", "missing", "add it", ABOUT_KEY},
    {"Mapping field already seen: ", "written twice", "keep one", ABOUT_KEY},
    {"Invalid ENUM value: ", "unknown word '%s'", "drills is off, sandbox or live; roles are admin, drill, notify",
     ABOUT_VALUE},
    {"Unknown flag: ", "unknown word '%s'", "drills is off, sandbox or live; roles are admin, drill, notify",
     ABOUT_VALUE},
    {"Invalid uint64_t value: ", "not a whole number: %s", "write digits only", ABOUT_VALUE},
    {"Invalid UINT value: ", "number out of range: %s", "write a smaller whole number, not below 0", ABOUT_VALUE},
    {"Invalid INT value: ", "number out of range: %s", "write a smaller whole number", ABOUT_VALUE},
    {"Expecting ", "expected %s", "write it as the manual shows", ABOUT_VALUE},
    {"Insufficient entries ", "too few entries: %s", "add entries", ABOUT_LIST},
    {"Excessive entries ", "too many entries: %s", "remove entries", ABOUT_LIST},
    {"STRING length < ", "text is shorter than %s", "write a longer text", ABOUT_VALUE},
    {"STRING length > ", "text is longer than %s", "write a shorter text", ABOUT_VALUE},
    {"libyaml: ", "not YAML, here or below: %s", "correct indentation, quotes and brackets", ABOUT_VALUE},
    {"Ignoring documents after first in stream", "a second document", "keep one document", ABOUT_VALUE},
};
static const struct phrase unknown_phrase = {"", "%s", "write it as the manual shows", ABOUT_VALUE};

static const struct phrase *phrase_find(const char *problem) {
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (strncmp(problem, phrases[i].theirs, strlen(phrases[i].theirs)) == 0) {
            return &phrases[i];
        }
    }
    return &unknown_phrase;
}

/* "replicas[2].peer" from the outside in; keys and values may hold anything that the file's author typed. key replaces
   the innermost mapping's field: there the library names the one that it read last. */
static void put_path(struct buffer *out, const struct yaml_trace *t, const char *key) {
    for (unsigned i = t->step_count; i-- > 0;) {
        const struct yaml_step *s = &t->steps[i];
        const char *field = i == 0 && key != NULL ? key : s->field;
        if (s->entry >= 0 && !(i == 0 && key != NULL)) {
            buffer_printf(out, "[%d]", s->entry);
        } else if (field[0] != 0) {
            buffer_printf(out, "%s", i + 1 == t->step_count ? "" : ".");
            buffer_plain(out, field);
        }
    }
    if (t->step_count == 0) {
        buffer_plain(out, key == NULL ? "file" : key);
    }
}

static unsigned explain_line(const struct yaml_trace *t, struct bytes text, const char *key) {
    unsigned logged = t->step_count == 0 || t->steps[0].line == 0 ? 1 : t->steps[0].line;
    if (key == NULL) {
        return logged;
    }
    unsigned found = 0;
    if (t->step_count <= 1) {
        found = yaml_line_find(text, key, -1, NULL);
        logged = 1; /* what the file lacks has no line */
    } else {
        const struct yaml_step *outer = &t->steps[t->step_count - 1], *entry = &t->steps[t->step_count - 2];
        found = yaml_line_find(text, outer->field, entry->entry, key);
    }
    return found == 0 ? logged : found;
}

void yaml_trace_explain(const struct yaml_trace *t, struct bytes text, const char *path, const char *fallback,
                        struct buffer *why) {
    const char *problem = t->problem[0] != 0 ? t->problem : fallback;
    const struct phrase *p = phrase_find(problem);
    struct yaml_trace list;
    if (p->about == ABOUT_LIST && t->step_count > 1) { /* the list, not its last entry */
        list = *t;
        list.step_count--;
        memmove(list.steps, t->steps + 1, list.step_count * sizeof *list.steps);
        t = &list;
    }
    const char *rest = problem + strlen(p->theirs);
    const char *key = p->about == ABOUT_KEY ? rest : NULL;
    buffer_printf(why, "%s:%u: ", path, explain_line(t, text, key));
    put_path(why, t, key);
    buffer_printf(why, ": ");
    const char *hole = strstr(p->ours, "%s");
    if (hole == NULL) {
        buffer_printf(why, "%s", p->ours);
    } else {
        buffer_put(why, p->ours, (size_t)(hole - p->ours));
        buffer_plain(why, rest);
        buffer_printf(why, "%s", hole + 2);
    }
    buffer_printf(why, ": %s\n", p->remedy);
}
