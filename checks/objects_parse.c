/* objects_parse: runs the stages over all sources as one configuration and hands out either resolved objects or every
   problem, sorted by place, each said once. */
#include "checks/objects_raw.h"
#include "proto/op.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAW_ENTRIES_MAX = OBJECT_LIST_MAX };

void *parse_grow(struct parse *p, void *list, unsigned count, unsigned *cap, size_t size) {
    if (count < *cap) {
        return list;
    }
    unsigned larger = *cap < 8 ? 8 : *cap * 2;
    void *moved = arena_alloc(&p->scratch, larger * size);
    if (count > 0) {
        memcpy(moved, list, count * size);
    }
    *cap = larger;
    return moved;
}

int place_compare(const struct place *a, const struct place *b) {
    if (a->source != b->source) {
        return a->source < b->source ? -1 : 1;
    }
    return a->line < b->line ? -1 : a->line > b->line;
}

void parse_problem(struct parse *p, struct place place, const char *directive, const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct buffer line = {0};
    buffer_printf(&line, "%s%s%s", directive != NULL ? directive : "", directive != NULL ? ": " : "", text);
    p->problems = parse_grow(p, p->problems, p->problem_count, &p->problem_cap, sizeof *p->problems);
    p->problems[p->problem_count++] = (struct problem){place, arena_text(&p->scratch, buffer_bytes(&line))};
    buffer_free(&line);
}

void parse_ignored(struct parse *p, const char *name, struct place place) {
    for (unsigned i = 0; i < p->ignored_count; i++) {
        if (strcmp(p->ignored[i], name) == 0) {
            return;
        }
    }
    p->ignored = parse_grow(p, p->ignored, p->ignored_count, &p->ignored_cap, sizeof(const char *));
    p->ignored[p->ignored_count++] = arena_text(&p->scratch, bytes_of_text(name));
    if (p->ignored_text != NULL) {
        buffer_printf(p->ignored_text, "%s (first at %s:%u)\n", name, p->files[place.source], place.line);
    }
}

const struct raw_entry *raw_find(const struct raw_object *raw, enum directive d) {
    for (unsigned i = 0; i < raw->count; i++) {
        if (raw->entries[i].directive == d) {
            return &raw->entries[i];
        }
    }
    return NULL;
}

const struct raw_entry *raw_given(const struct raw_object *raw, enum directive d) {
    const struct raw_entry *e = raw_find(raw, d);
    return e != NULL && e->value != NULL ? e : NULL;
}

const struct raw_entry *raw_custom(const struct raw_object *raw, const char *name) {
    for (unsigned i = 0; i < raw->count; i++) {
        const struct raw_entry *e = &raw->entries[i];
        if (e->directive == D_CUSTOM && e->value != NULL && strcmp(e->name, name) == 0) {
            return e;
        }
    }
    return NULL;
}

void raw_append(struct parse *p, struct raw_object *raw, const struct raw_entry *entry) {
    if (raw->count >= RAW_ENTRIES_MAX) {
        parse_problem(p, raw->place, NULL, "a definition of more than %d directives: split it", RAW_ENTRIES_MAX);
        return;
    }
    raw->entries = parse_grow(p, raw->entries, raw->count, &raw->cap, sizeof *raw->entries);
    raw->entries[raw->count++] = *entry;
}

bool list_next(struct list_walk *w, struct bytes *entry) {
    if (w->at == NULL) {
        return false;
    }
    w->at += strspn(w->at, ", \t");
    size_t len = strcspn(w->at, ",");
    *entry = bytes_of(w->at, len);
    w->at += len;
    while (entry->len > 0 && (entry->data[entry->len - 1] == ' ' || entry->data[entry->len - 1] == '\t')) {
        entry->len--;
    }
    return entry->len > 0;
}

/* ---- problems ---- */

static int compare_problems(const void *a, const void *b) {
    const struct problem *pa = a, *pb = b;
    int order = place_compare(&pa->place, &pb->place);
    return order != 0 ? order : strcmp(pa->text, pb->text);
}

static void print_problems(struct parse *p, struct buffer *why) {
    if (p->problem_count > 0) {
        qsort(p->problems, p->problem_count, sizeof *p->problems, compare_problems);
    }
    for (unsigned i = 0; i < p->problem_count; i++) {
        const struct problem *at = &p->problems[i];
        if (i > 0 && compare_problems(at - 1, at) == 0) {
            continue;
        }
        buffer_printf(why, "%s:%u: %s\n", p->files[at->place.source], at->place.line, at->text);
    }
}

/* ---- validation of what was resolved, with the place of the directive that is to blame ---- */

struct validation {
    struct parse *parse;
    const struct scope *scope;
};

static const struct raw_object *origin(const struct validation *v, enum object_kind kind, unsigned index) {
    switch (kind) {
    case KIND_COMMAND:
        return v->scope->commands.items[index].raw;
    case KIND_CONTACT:
        return v->scope->contacts.items[index].raw;
    case KIND_TIMEPERIOD:
        return v->scope->timeperiods.items[index].raw;
    case KIND_ZONE:
        return NULL;
    case KIND_HOST:
        return v->scope->hosts.items[index].raw;
    case KIND_SERVICE:
        return v->scope->service_raw[index];
    case KIND_HOSTGROUP:
        return v->scope->hostgroups.names.items[index].raw;
    case KIND_SERVICEGROUP:
        return v->scope->servicegroups.names.items[index].raw;
    case KIND_HOSTESCALATION:
    case KIND_SERVICEESCALATION:
        return v->scope->escalation_raw[kind - KIND_HOSTESCALATION][index];
    case KIND_HOSTDEPENDENCY:
    case KIND_SERVICEDEPENDENCY:
        return v->scope->dependency_raw[kind - KIND_HOSTDEPENDENCY][index];
    case KIND_LIMIT:
        break;
    }
    return NULL;
}

/* What a service has from its host, or an escalation from its object, was told of the one that says it. */
static bool told_elsewhere(enum object_kind kind, const char *directive) {
    bool inherits = kind == KIND_SERVICE || kind == KIND_HOSTESCALATION || kind == KIND_SERVICEESCALATION;
    return inherits && (strcmp(directive, "notification_period") == 0 || strcmp(directive, "escalation_period") == 0);
}

static void blame(void *self, enum object_kind kind, unsigned index, const char *directive, const char *text) {
    struct validation *v = self;
    const struct raw_object *raw = origin(v, kind, index);
    struct place place = raw != NULL ? raw->place : (struct place){0};
    bool own = false;
    for (unsigned i = 0; raw != NULL && i < raw->count; i++) {
        const struct raw_entry *e = &raw->entries[i];
        if (strcmp(e->name, directive) == 0) {
            place = e->place;
            own = true;
        }
    }
    if (own || !told_elsewhere(kind, directive)) {
        parse_problem(v->parse, place, directive, "%s", text);
    }
}

/* ---- stages ---- */

static void build_scope(struct parse *p, struct scope *s) {
    static const struct group_kind host_kind = {RAW_HOSTGROUP,       RAW_HOST,    D_HOSTGROUP_NAME, D_MEMBERS,
                                                D_HOSTGROUP_MEMBERS, D_HOSTGROUPS};
    static const struct group_kind contact_kind = {
        RAW_CONTACTGROUP, RAW_CONTACT, D_CONTACTGROUP_NAME, D_MEMBERS, D_CONTACTGROUP_MEMBERS, D_CONTACTGROUPS};
    directory_build(p, &s->commands, RAW_COMMAND, D_COMMAND_NAME);
    directory_build(p, &s->contacts, RAW_CONTACT, D_CONTACT_NAME);
    directory_build(p, &s->timeperiods, RAW_TIMEPERIOD, D_TIMEPERIOD_NAME);
    directory_build(p, &s->hosts, RAW_HOST, D_HOST_NAME);
    groups_build(p, &s->hostgroups, &host_kind, &s->hosts, s);
    groups_build(p, &s->contactgroups, &contact_kind, &s->contacts, s);
}

static void resolve_all(struct parse *p) {
    struct scope s = {0};
    build_scope(p, &s);
    resolve_commands(p, &s);
    resolve_contacts(p, &s);
    resolve_timeperiods(p, &s);
    resolve_hosts(p, &s);
    resolve_services(p, &s);
    resolve_groups(p, &s);
    resolve_escalations(p, &s);
    resolve_dependencies(p, &s);
    resolve_system_contacts(p, &s);
    struct validation v = {p, &s};
    (void)objects_validate(p->out, blame, &v);
    groups_free(&s.hostgroups);
    groups_free(&s.contactgroups);
    groups_free(&s.servicegroups);
}

enum error objects_parse(struct objects **out, const struct object_source *sources, size_t count,
                         const struct object_options *options, struct buffer *ignored, struct buffer *why) {
    struct objects *o = xcalloc(1, sizeof *o);
    struct parse p = {.sources = sources, .out = o, .ignored_text = ignored};
    static const struct object_options none = {0};
    p.options = options != NULL ? options : &none;
    *out = NULL;
    o->interval_length = options != NULL && options->interval_length != 0 ? options->interval_length : 60000;
    if (o->interval_length < 1 || o->interval_length > INTERVAL_MAX_MS) {
        buffer_printf(why, "interval_length: out of range: give more than 0 and at most ten years\n");
        objects_free(o);
        return ERR_BAD_OBJECTS;
    }
    p.files = arena_alloc(&o->arena, (count + 1) * sizeof *p.files);
    for (size_t i = 0; i < count; i++) {
        p.files[i] = arena_text(&o->arena, bytes_of_text(sources[i].file));
        parse_text(&p, (unsigned)i);
    }
    parse_templates(&p);
    resolve_all(&p);
    print_problems(&p, why);
    bool good = p.problem_count == 0;
    arena_free(&p.scratch);
    if (!good) {
        objects_free(o);
        return ERR_BAD_OBJECTS;
    }
    *out = o;
    return ERR_OK;
}
