/* Names into members: registered definitions by name, lists with `*` and `!name`, groups with nested groups. Everything
   becomes sorted indices into a directory, so that the result does not depend on the order of the text. */
#include "base/invariant.h"
#include "checks/objects_raw.h"

#include <stdlib.h>
#include <string.h>

enum { GROUP_DEPTH_MAX = 64 };
enum { GROUP_OPEN, GROUP_VISITING, GROUP_DONE };

/* ---- sets ---- */

void set_add(struct index_set *s, unsigned index) {
    if (s->count == s->cap) {
        s->cap = s->cap < 8 ? 8 : s->cap * 2;
        s->at = xrealloc(s->at, s->cap * sizeof *s->at);
    }
    s->at[s->count++] = index;
}

static int compare_indices(const void *a, const void *b) {
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;
    return x < y ? -1 : x > y;
}

static void set_sort(struct index_set *s) {
    unsigned kept = 0;
    if (s->count == 0) {
        return;
    }
    qsort(s->at, s->count, sizeof *s->at, compare_indices);
    for (unsigned i = 0; i < s->count; i++) {
        if (kept == 0 || s->at[kept - 1] != s->at[i]) {
            s->at[kept++] = s->at[i];
        }
    }
    s->count = kept;
}

void set_finish(struct index_set *in, struct index_set *out) {
    unsigned kept = 0, o = 0;
    set_sort(in);
    set_sort(out);
    for (unsigned i = 0; i < in->count; i++) {
        while (o < out->count && out->at[o] < in->at[i]) {
            o++;
        }
        if (o == out->count || out->at[o] != in->at[i]) {
            in->at[kept++] = in->at[i];
        }
    }
    in->count = kept;
}

void set_free(struct index_set *s) {
    free(s->at);
    *s = (struct index_set){0};
}

/* ---- directories ---- */

static int compare_named(const void *a, const void *b) {
    const struct named *na = a, *nb = b;
    int order = strcmp(na->name, nb->name);
    if (order != 0) {
        return order;
    }
    const struct place *pa = &na->raw->place, *pb = &nb->raw->place;
    if (pa->source != pb->source) {
        return pa->source < pb->source ? -1 : 1;
    }
    return pa->line < pb->line ? -1 : pa->line > pb->line;
}

static bool name_usable(struct parse *p, const struct raw_entry *name) {
    if (strchr(name->value, ',') != NULL || name->value[0] == '!' || strcmp(name->value, "*") == 0) {
        parse_problem(p, name->place, name->name,
                      "'%.80s' could not be named in a list: no ',', no leading '!', no '*'", name->value);
        return false;
    }
    return true;
}

/* Sorted items lose all but the first of one name. */
static void refuse_doubles(struct parse *p, struct directory *d, const char *directive) {
    unsigned kept = 0;
    for (unsigned i = 0; i < d->count; i++) {
        if (kept > 0 && strcmp(d->items[kept - 1].name, d->items[i].name) == 0) {
            const struct place *first = &d->items[kept - 1].raw->place;
            parse_problem(p, d->items[i].raw->place, directive, "'%s' is defined twice (first at %s:%u): remove one",
                          d->items[i].name, p->files[first->source], first->line);
        } else {
            d->items[kept++] = d->items[i];
        }
    }
    d->count = kept;
}

void directory_build(struct parse *p, struct directory *d, enum raw_type type, enum directive name) {
    d->items = arena_alloc(&p->scratch, (p->count + 1) * sizeof *d->items);
    for (unsigned i = 0; i < p->count; i++) {
        struct raw_object *raw = p->list[i];
        const struct raw_entry *entry = raw_given(raw, name);
        if (raw->type != type || !raw->registered) {
            continue;
        }
        if (entry == NULL) {
            parse_problem(p, raw->place, directive_text(name), "missing: give every %s one, or register 0",
                          raw_type_name(type));
        } else if (name_usable(p, entry)) {
            d->items[d->count++] = (struct named){entry->value, raw};
        }
    }
    qsort(d->items, d->count, sizeof *d->items, compare_named);
    refuse_doubles(p, d, directive_text(name));
}

int directory_find(const struct directory *d, struct bytes name) {
    unsigned low = 0, high = d->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = bytes_compare(name, bytes_of_text(d->items[middle].name));
        if (order == 0) {
            return (int)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

/* ---- lists ---- */

static void unknown(struct parse *p, const struct raw_entry *entry, const char *what, struct bytes name) {
    parse_problem(p, entry->place, entry->name, "no %s '%.*s': define it or correct the name", what,
                  (int)(name.len < 255 ? name.len : 255), (const char *)name.data);
}

bool list_take_not(struct bytes *name) {
    bool excluded = name->data[0] == '!';
    while (excluded && name->len > 0 && (name->data[0] == '!' || name->data[0] == ' ' || name->data[0] == '\t')) {
        name->data++;
        name->len--;
    }
    return excluded;
}

static bool is_star(struct bytes name) {
    return name.len == 1 && name.data[0] == '*';
}

void expand_names(struct parse *p, const struct raw_entry *entry, const struct directory *items, const char *what,
                  struct index_set *in, struct index_set *out) {
    if (entry == NULL) {
        return;
    }
    struct list_walk walk = {entry->value};
    struct bytes name;
    while (list_next(&walk, &name)) {
        struct index_set *to = list_take_not(&name) ? out : in;
        if (is_star(name)) {
            for (unsigned i = 0; i < items->count; i++) {
                set_add(to, i);
            }
            continue;
        }
        int index = directory_find(items, name);
        if (index < 0) {
            unknown(p, entry, what, name);
        } else {
            set_add(to, (unsigned)index);
        }
    }
}

static void add_members(const struct groups *groups, unsigned group, struct index_set *to) {
    for (unsigned i = 0; i < groups->members[group].count; i++) {
        set_add(to, groups->members[group].at[i]);
    }
}

void expand_groups(struct parse *p, const struct raw_entry *entry, const struct groups *groups, const char *what,
                   struct index_set *in, struct index_set *out) {
    if (entry == NULL) {
        return;
    }
    struct list_walk walk = {entry->value};
    struct bytes name;
    while (list_next(&walk, &name)) {
        struct index_set *to = list_take_not(&name) ? out : in;
        int index = is_star(name) ? -1 : directory_find(&groups->names, name);
        if (is_star(name)) {
            for (unsigned g = 0; g < groups->names.count; g++) {
                add_members(groups, g, to);
            }
        } else if (index < 0) {
            unknown(p, entry, what, name);
        } else {
            add_members(groups, (unsigned)index, to);
        }
    }
}

/* ---- groups ---- */

struct group_build {
    struct parse *parse;
    struct groups *groups;
    const struct group_kind *kind;
    const struct directory *items; /* NULL: services */
    const struct scope *scope;
};

static const struct raw_object *item_raw(const struct group_build *b, unsigned i) {
    return b->items != NULL ? b->items->items[i].raw : b->scope->service_raw[i];
}

/* Items that name their groups themselves. */
static void join_from_items(struct group_build *b) {
    unsigned count = b->items != NULL ? b->items->count : b->parse->out->service_count;
    for (unsigned i = 0; i < count; i++) {
        const struct raw_entry *entry = raw_given(item_raw(b, i), b->kind->of_item);
        if (entry == NULL) {
            continue;
        }
        struct list_walk walk = {entry->value};
        struct bytes name;
        while (list_next(&walk, &name)) {
            int group = directory_find(&b->groups->names, name);
            if (group < 0) {
                unknown(b->parse, entry, raw_type_name(b->kind->type), name);
            } else {
                set_add(&b->groups->members[group], i);
            }
        }
    }
}

static void resolve_group(struct group_build *b, unsigned g, unsigned depth);

static void join_nested(struct group_build *b, unsigned g, unsigned depth) {
    struct parse *p = b->parse;
    const struct raw_entry *entry = raw_given(b->groups->names.items[g].raw, b->kind->nested);
    if (entry == NULL) {
        return;
    }
    struct list_walk walk = {entry->value};
    struct bytes name;
    while (list_next(&walk, &name)) {
        int nested = directory_find(&b->groups->names, name);
        if (nested < 0) {
            unknown(p, entry, raw_type_name(b->kind->type), name);
        } else if (b->groups->state[nested] == GROUP_VISITING) {
            parse_problem(p, entry->place, entry->name, "'%s' holds itself in the end: break the circle",
                          b->groups->names.items[nested].name);
        } else if (depth >= GROUP_DEPTH_MAX) {
            parse_problem(p, entry->place, entry->name, "groups nest deeper than %d: flatten them", GROUP_DEPTH_MAX);
        } else {
            resolve_group(b, (unsigned)nested, depth + 1);
            add_members(b->groups, (unsigned)nested, &b->groups->members[g]);
        }
    }
}

static void resolve_group(struct group_build *b, unsigned g, unsigned depth) {
    if (b->groups->state[g] == GROUP_DONE) {
        return;
    }
    b->groups->state[g] = GROUP_VISITING;
    struct index_set out = {0};
    const struct raw_entry *members = raw_given(b->groups->names.items[g].raw, b->kind->members);
    if (b->items != NULL) {
        expand_names(b->parse, members, b->items, raw_type_name(b->kind->item_type), &b->groups->members[g], &out);
    } else {
        expand_pairs(b->parse, b->scope, members, &b->groups->members[g], &out);
    }
    join_nested(b, g, depth);
    set_finish(&b->groups->members[g], &out);
    set_free(&out);
    b->groups->state[g] = GROUP_DONE;
}

void groups_build(struct parse *p, struct groups *g, const struct group_kind *kind, const struct directory *items,
                  const struct scope *s) {
    directory_build(p, &g->names, kind->type, kind->name);
    g->members = xcalloc(g->names.count + 1, sizeof *g->members);
    g->state = xcalloc(g->names.count + 1, sizeof *g->state);
    struct group_build b = {p, g, kind, items, s};
    join_from_items(&b);
    for (unsigned i = 0; i < g->names.count; i++) {
        resolve_group(&b, i, 0);
    }
}

void groups_free(struct groups *g) {
    for (unsigned i = 0; i < g->names.count; i++) {
        set_free(&g->members[i]);
    }
    free(g->members);
    free(g->state);
}
