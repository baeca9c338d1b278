/* What differs: one field of two objects, and the plan of an apply, two sorted configurations merged, each difference
   one line for people. */
#include "base/invariant.h"
#include "checks/objects_field.h"

#include <stddef.h>
#include <string.h>

/* ---- one field ---- */

static bool equal_names(const struct object_field *f, const void *a, const void *b) {
    unsigned count = field_count(f, a);
    if (count != field_count(f, b)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(field_names(f, a)[i], field_names(f, b)[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool equal_variables(const struct object_field *f, const void *a, const void *b) {
    unsigned count = field_count(f, a);
    const struct object_variable *va = field_variables(f, a), *vb = field_variables(f, b);
    if (count != field_count(f, b)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(va[i].name, vb[i].name) != 0 || strcmp(va[i].value, vb[i].value) != 0) {
            return false;
        }
    }
    return true;
}

static bool equal_pairs(const struct object_field *f, const void *a, const void *b) {
    unsigned count = field_count(f, a);
    if (count != field_count(f, b)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (pair_compare(&field_pairs(f, a)[i], &field_pairs(f, b)[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool equal_shifts(const struct object_field *f, const void *a, const void *b) {
    unsigned count = field_count(f, a);
    const struct zone_shift *sa = field_shifts(f, a), *sb = field_shifts(f, b);
    if (count != field_count(f, b)) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        if (sa[i].from != sb[i].from || sa[i].offset != sb[i].offset) {
            return false;
        }
    }
    return true;
}

bool field_equal(const struct object_field *f, const void *a, const void *b) {
    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_TEXT:
        return strcmp(field_text(f, a), field_text(f, b)) == 0;
    case FIELD_COUNT:
    case FIELD_PERCENT:
        return *(const uint32_t *)field_at(f, a) == *(const uint32_t *)field_at(f, b);
    case FIELD_TIME:
        return *(const time_ms *)field_at(f, a) == *(const time_ms *)field_at(f, b);
    case FIELD_FLAG:
        return *(const bool *)field_at(f, a) == *(const bool *)field_at(f, b);
    case FIELD_OPTIONS:
    case FIELD_STATES:
        return *(const unsigned *)field_at(f, a) == *(const unsigned *)field_at(f, b);
    case FIELD_STATE:
        return *(const int *)field_at(f, a) == *(const int *)field_at(f, b);
    case FIELD_NAMES:
    case FIELD_LINES:
        return equal_names(f, a, b);
    case FIELD_VARIABLES:
        return equal_variables(f, a, b);
    case FIELD_SHIFTS:
        return equal_shifts(f, a, b);
    case FIELD_PAIRS:
        return equal_pairs(f, a, b);
    }
    UNREACHABLE();
}

/* ---- whole objects ---- */

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
