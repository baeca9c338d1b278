/* Template inheritance: `use a,b` takes from a what the definition does not say itself, then from b, each resolved
   before; a list that begins with '+' adds to what it inherits; `null` stops inheriting. name, use and register never
   pass on. */
#include "checks/objects_raw.h"

#include <stdlib.h>
#include <string.h>

enum { TEMPLATE_DEPTH_MAX = 64, JOINED_MAX = 256 * 1024 };

struct template {
    const char *name;
    struct raw_object *raw;
};
struct templates {
    struct parse *parse;
    struct template *list[RAW_TYPE_LIMIT]; /* sorted by name */
    unsigned count[RAW_TYPE_LIMIT];
};

static int compare_templates(const void *a, const void *b) {
    const struct template *ta = a, *tb = b;
    int order = strcmp(ta->name, tb->name);
    if (order != 0) {
        return order;
    }
    const struct place *pa = &ta->raw->place, *pb = &tb->raw->place;
    if (pa->source != pb->source) {
        return pa->source < pb->source ? -1 : 1;
    }
    return pa->line < pb->line ? -1 : pa->line > pb->line;
}

static void collect(struct templates *t, enum raw_type type) {
    struct parse *p = t->parse;
    struct template *list = arena_alloc(&p->scratch, (p->count + 1) * sizeof *list);
    unsigned count = 0;
    for (unsigned i = 0; i < p->count; i++) {
        const struct raw_entry *name = raw_given(p->list[i], D_NAME);
        if (p->list[i]->type == type && name != NULL) {
            list[count++] = (struct template){name->value, p->list[i]};
        }
    }
    qsort(list, count, sizeof *list, compare_templates);
    for (unsigned i = 1; i < count; i++) {
        if (strcmp(list[i - 1].name, list[i].name) == 0) {
            const struct place *first = &list[i - 1].raw->place;
            parse_problem(p, raw_find(list[i].raw, D_NAME)->place, "name",
                          "template '%s' is defined twice (first at %s:%u): rename one", list[i].name,
                          p->files[first->source], first->line);
        }
    }
    t->list[type] = list;
    t->count[type] = count;
}

static struct raw_object *find(const struct templates *t, enum raw_type type, struct bytes name) {
    unsigned low = 0, high = t->count[type];
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const struct template *at = &t->list[type][middle];
        int order = bytes_compare(name, bytes_of_text(at->name));
        if (order == 0) {
            return at->raw;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return NULL;
}

static struct raw_entry *own(struct raw_object *raw, const struct raw_entry *like) {
    bool by_name = like->directive == D_CUSTOM || like->directive == D_RANGE;
    for (unsigned i = 0; i < raw->count; i++) {
        struct raw_entry *e = &raw->entries[i];
        if (e->directive == like->directive && (!by_name || strcmp(e->name, like->name) == 0)) {
            return e;
        }
    }
    return NULL;
}

static void add_to(struct parse *p, struct raw_entry *own_entry, const struct raw_entry *inherited) {
    if (inherited->value == NULL) {
        own_entry->additive = false;
        return;
    }
    if (strlen(inherited->value) + strlen(own_entry->value) > JOINED_MAX) {
        parse_problem(p, own_entry->place, own_entry->name, "grows beyond %d bytes by inheritance: shorten the lists",
                      JOINED_MAX);
        own_entry->additive = false;
        return;
    }
    struct buffer joined = {0};
    buffer_printf(&joined, "%s,%s", inherited->value, own_entry->value);
    own_entry->value = arena_text(&p->out->arena, buffer_bytes(&joined));
    own_entry->additive = inherited->additive;
    buffer_free(&joined);
}

static void inherit(struct parse *p, struct raw_object *raw, const struct raw_object *from) {
    for (unsigned i = 0; i < from->count; i++) {
        const struct raw_entry *e = &from->entries[i];
        if (e->directive == D_USE || e->directive == D_NAME || e->directive == D_REGISTER) {
            continue;
        }
        struct raw_entry *mine = own(raw, e);
        if (mine == NULL) {
            raw_append(p, raw, e);
        } else if (mine->additive && mine->value != NULL) {
            add_to(p, mine, e);
        }
    }
}

static void resolve(struct templates *t, struct raw_object *raw, unsigned depth) {
    if (raw->inheritance == TEMPLATE_DONE) {
        return;
    }
    raw->inheritance = TEMPLATE_VISITING;
    const struct raw_entry *found = raw_given(raw, D_USE);
    struct raw_entry use = found != NULL ? *found : (struct raw_entry){0}; /* entries move while they grow */
    struct list_walk walk = {use.value};
    struct bytes name;
    while (found != NULL && list_next(&walk, &name)) {
        struct raw_object *from = find(t, raw->type, name);
        int len = (int)name.len;
        const char *text = (const char *)name.data;
        if (from == NULL) {
            parse_problem(t->parse, use.place, "use", "no %s template '%.*s': define it or correct the name",
                          raw_type_name(raw->type), len, text);
        } else if (from->inheritance == TEMPLATE_VISITING) {
            parse_problem(t->parse, use.place, "use", "template '%.*s' uses itself in the end: break the circle", len,
                          text);
        } else if (depth >= TEMPLATE_DEPTH_MAX) {
            parse_problem(t->parse, use.place, "use", "templates nest deeper than %d: flatten them",
                          TEMPLATE_DEPTH_MAX);
        } else {
            resolve(t, from, depth + 1);
            inherit(t->parse, raw, from);
        }
    }
    raw->inheritance = TEMPLATE_DONE;
}

void parse_templates(struct parse *p) {
    struct templates t = {.parse = p};
    for (enum raw_type type = 0; type < RAW_TYPE_LIMIT; type++) {
        collect(&t, type);
    }
    for (unsigned i = 0; i < p->count; i++) {
        bool registered = true;
        value_flag(p, raw_given(p->list[i], D_REGISTER), &registered);
        p->list[i]->registered = registered;
        resolve(&t, p->list[i], 0);
    }
}
