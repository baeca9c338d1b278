/* The plan of an apply: two sorted configurations merged, each difference one line for people. */
#include "checks/objects_field.h"

#include <stddef.h>

static bool same(enum object_kind kind, const void *a, const void *b) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    for (size_t i = 0; i < count; i++) {
        if (!field_equal(&f[i], a, b)) {
            return false;
        }
    }
    return true;
}

bool objects_checkable_same(const struct object_checkable *a, const struct object_checkable *b) {
    return same(*a->service == '\0' ? KIND_HOST : KIND_SERVICE, a, b);
}

static void print_line(struct buffer *out, char mark, enum object_kind kind, const void *object) {
    if (out != NULL) {
        buffer_printf(out, "%c %s ", mark, object_kind_name(kind));
        object_title(out, kind, object);
    }
}

static void print_changes(struct buffer *out, enum object_kind kind, const void *before, const void *after) {
    print_line(out, '~', kind, after);
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    const char *open = " (";
    for (size_t i = 0; i < count; i++) {
        if (!field_equal(&f[i], before, after)) {
            buffer_printf(out, "%s%s ", open, f[i].directive);
            field_print(out, &f[i], before);
            buffer_printf(out, " -> ");
            field_print(out, &f[i], after);
            open = ", ";
        }
    }
    buffer_printf(out, ")\n");
}

/* Time zones come and go with the periods that name them: only one that changed is news. */
static void one_sided(struct buffer *out, char mark, enum object_kind kind, const void *object, unsigned *counter) {
    if (kind == KIND_ZONE) {
        return;
    }
    print_line(out, mark, kind, object);
    if (out != NULL) {
        buffer_printf(out, "\n");
    }
    ++*counter;
}

static void both_sided(struct buffer *out, struct objects_plan *plan, enum object_kind kind, const void *before,
                       const void *after) {
    if (same(kind, before, after)) {
        plan->unchanged++;
        return;
    }
    plan->changed++;
    if (out != NULL) {
        print_changes(out, kind, before, after);
    }
}

static void diff_kind(struct buffer *out, struct objects_plan *plan, enum object_kind kind,
                      const struct objects *before, const struct objects *after) {
    unsigned b = 0, a = 0;
    unsigned b_count = before != NULL ? object_count(before, kind) : 0;
    unsigned a_count = after != NULL ? object_count(after, kind) : 0;
    while (b < b_count || a < a_count) {
        const void *old = b < b_count ? object_at(before, kind, b) : NULL;
        const void *new = a < a_count ? object_at(after, kind, a) : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : object_compare(kind, old, new);
        if (order < 0) {
            one_sided(out, '-', kind, old, &plan->removed);
        } else if (order > 0) {
            one_sided(out, '+', kind, new, &plan->added);
        } else {
            both_sided(out, plan, kind, old, new);
        }
        b += order <= 0;
        a += order >= 0;
    }
}

static bool same_names(const struct objects *a, const struct objects *b) {
    static const struct object_field field = {.kind = FIELD_NAMES,
                                              .offset = offsetof(struct objects, system_contacts),
                                              .count_offset = offsetof(struct objects, system_contact_count)};
    return field_equal(&field, a, b);
}

/* What belongs to no object: counted as one changed thing. */
static void diff_globals(struct buffer *out, struct objects_plan *plan, const struct objects *before,
                         const struct objects *after) {
    if (before->interval_length != after->interval_length) {
        plan->changed++;
        if (out != NULL) {
            buffer_printf(out, "~ interval_length (%lldms -> %lldms)\n", (long long)before->interval_length,
                          (long long)after->interval_length);
        }
    }
    if (!same_names(before, after)) {
        plan->changed++;
        if (out != NULL) {
            buffer_printf(out, "~ _SYSTEM_CONTACTS (%u -> %u contacts)\n", before->system_contact_count,
                          after->system_contact_count);
        }
    }
}

void objects_diff(struct buffer *out, struct objects_plan *plan, const struct objects *before,
                  const struct objects *after) {
    struct objects_plan counts = {0};
    for (enum object_kind kind = 0; kind < KIND_LIMIT; kind++) {
        diff_kind(out, &counts, kind, before, after);
    }
    if (before != NULL && after != NULL) {
        diff_globals(out, &counts, before, after);
    }
    if (plan != NULL) {
        *plan = counts;
    }
}
