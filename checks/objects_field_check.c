/* A field's value against its bounds, and as text for people: what objects_validate and the plan of an apply say. */
#include "base/invariant.h"
#include "checks/objects_field.h"
#include "checks/period_rule.h"
#include "proto/op.h"

#include <string.h>

/* ---- bounds ---- */

/* Names stand in log lines, lists and tab-separated input, so what separates there cannot stand in a name. */
static bool name_printable(const char *name) {
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f || *c == ';') {
            return false;
        }
    }
    return true;
}

static void check_name(struct buffer *out, const struct object_field *f, const char *name) {
    size_t len = strlen(name);
    if (len < f->min || len > f->max) {
        buffer_printf(out, "a name of %zu bytes: give %u to %u", len, (unsigned)f->min, (unsigned)f->max);
    } else if (!name_printable(name)) {
        buffer_printf(out, "'%s' holds a ';' or a control character: choose another name", name);
    } else if (len > 0 && (name[0] == ' ' || name[len - 1] == ' ')) {
        buffer_printf(out, "'%s' begins or ends with a blank: remove it", name);
    }
}

static void check_range(struct buffer *out, const struct object_field *f, uint64_t value) {
    if (value < f->min || value > f->max) {
        buffer_printf(out, "%llu is out of range: give %llu to %llu", (unsigned long long)value,
                      (unsigned long long)f->min, (unsigned long long)f->max);
    }
}

static void check_length(struct buffer *out, const struct object_field *f, size_t len) {
    if (len < f->min) {
        buffer_printf(out, "missing: give a value");
    } else if (len > f->max) {
        buffer_printf(out, "%zu bytes long: at most %llu are allowed", len, (unsigned long long)f->max);
    }
}

static void check_list(struct buffer *out, const struct object_field *f, unsigned count) {
    if (count < f->min || count > f->max) {
        buffer_printf(out, "%u entries: give %llu to %llu", count, (unsigned long long)f->min,
                      (unsigned long long)f->max);
    }
}

static void check_names(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    check_list(out, f, count);
    for (unsigned i = 0; i < count && out->len == 0; i++) {
        const char *name = field_names(f, object)[i];
        size_t len = strlen(name);
        if (len < 1 || len > OBJECT_TEXT_MAX) {
            buffer_printf(out, "an entry of %zu bytes: give 1 to %d", len, OBJECT_TEXT_MAX);
        } else if (!name_printable(name)) {
            buffer_printf(out, "'%s' holds a ';' or a control character: choose another name", name);
        }
    }
}

static void check_pairs(struct buffer *out, const struct object_field *f, const void *object) {
    const struct object_field name = {.min = 1, .max = NAME_MAX_LEN};
    unsigned count = field_count(f, object);
    check_list(out, f, count);
    for (unsigned i = 0; i < count && out->len == 0; i++) {
        check_name(out, &name, field_pairs(f, object)[i].host);
        if (out->len == 0) {
            check_name(out, &name, field_pairs(f, object)[i].service);
        }
    }
}

static void check_lines(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    check_list(out, f, count);
    for (unsigned i = 0; i < count && out->len == 0; i++) {
        struct period_rule rule;
        const char *line = field_names(f, object)[i];
        if (!period_rule_read(&rule, line)) {
            buffer_printf(out, "'%.80s' is no range in its canonical form", line);
        }
    }
}

/* Nothing else is a time zone, and moments that lie close would have to be looked at one by one. */
static void check_shifts(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const struct zone_shift *s = field_shifts(f, object);
    check_list(out, f, count);
    for (unsigned i = 0; i < count && out->len == 0; i++) {
        bool close = i > 0 && s[i].from - s[i - 1].from < ZONE_APART_MIN;
        if (s[i].from < ZONE_FROM_MIN || s[i].from > ZONE_FROM_MAX || close) {
            buffer_printf(out, "its clock changes twice within a day, or not between 1900 and 9999: choose another");
        } else if (s[i].offset < -ZONE_OFFSET_MAX || s[i].offset > ZONE_OFFSET_MAX) {
            buffer_printf(out, "an offset of %d s: at most %d are possible", (int)s[i].offset, ZONE_OFFSET_MAX);
        }
    }
}

static void check_variables(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    check_list(out, f, count);
    for (unsigned i = 0; i < count && out->len == 0; i++) {
        const struct object_variable *v = &field_variables(f, object)[i];
        size_t len = strlen(v->name);
        if (v->name[0] != '_' || len < 2 || len > NAME_MAX_LEN) {
            buffer_printf(out, "a custom variable's name is '_' and 1 to %d bytes", NAME_MAX_LEN - 1);
        }
        for (const char *c = v->name; *c != '\0' && out->len == 0; c++) {
            if (*c >= 'a' && *c <= 'z') {
                buffer_printf(out, "a custom variable's name is upper case");
            }
        }
        if (out->len == 0 && strlen(v->value) > OBJECT_TEXT_MAX) {
            buffer_printf(out, "%s is longer than %d bytes: shorten it", v->name, OBJECT_TEXT_MAX);
        }
    }
}

void field_check(struct buffer *out, const struct object_field *f, const void *object) {
    switch (f->kind) {
    case FIELD_NAME:
        check_name(out, f, field_text(f, object));
        return;
    case FIELD_TEXT:
        check_length(out, f, strlen(field_text(f, object)));
        return;
    case FIELD_COUNT:
    case FIELD_PERCENT:
        check_range(out, f, *(const uint32_t *)field_at(f, object));
        return;
    case FIELD_TIME:
        check_range(out, f, (uint64_t) * (const time_ms *)field_at(f, object));
        return;
    case FIELD_FLAG:
        return;
    case FIELD_OPTIONS:
    case FIELD_STATES:
        if ((*(const unsigned *)field_at(f, object) & ~(unsigned)f->max) != 0) {
            buffer_printf(out, "options that this kind of object does not have");
        }
        return;
    case FIELD_STATE:
        if (*(const int *)field_at(f, object) > (int)f->max) {
            buffer_printf(out, "a state that this kind of object does not have");
        }
        return;
    case FIELD_NAMES:
        check_names(out, f, object);
        return;
    case FIELD_LINES:
        check_lines(out, f, object);
        return;
    case FIELD_VARIABLES:
        check_variables(out, f, object);
        return;
    case FIELD_SHIFTS:
        check_shifts(out, f, object);
        return;
    case FIELD_PAIRS:
        check_pairs(out, f, object);
        return;
    }
    UNREACHABLE();
}

/* ---- text for people ---- */

static void print_time(struct buffer *out, time_ms t) {
    if (t % 1000 != 0) {
        buffer_printf(out, "%lldms", (long long)t);
    } else if (t % 60000 != 0 || t == 0) {
        buffer_printf(out, "%llds", (long long)(t / 1000));
    } else {
        buffer_printf(out, "%lldm", (long long)(t / 60000));
    }
}

void options_print(struct buffer *out, unsigned options, bool states) {
    static const struct {
        unsigned bit;
        char letter;
    } letters[] = {{NOTIFY_DOWN, 'd'},     {NOTIFY_UNREACHABLE, 'u'}, {NOTIFY_WARNING, 'w'},
                   {NOTIFY_UNKNOWN, 'u'},  {NOTIFY_CRITICAL, 'c'},    {NOTIFY_RECOVERY, 'r'},
                   {NOTIFY_FLAPPING, 'f'}, {NOTIFY_DOWNTIME, 's'},    {NOTIFY_PENDING, 'p'}};
    const char *comma = "";
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        if (options & letters[i].bit) {
            bool good = states && letters[i].bit == NOTIFY_RECOVERY;
            buffer_printf(out, "%s%c", comma, good ? 'o' : letters[i].letter);
            comma = ",";
        }
    }
    if (*comma == '\0') {
        buffer_printf(out, "n");
    }
}

static void print_names(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    for (unsigned i = 0; i < count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "" : f->kind == FIELD_LINES ? "; " : ",", field_names(f, object)[i]);
    }
    if (count == 0) {
        buffer_printf(out, "none");
    }
}

static void print_variables(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    for (unsigned i = 0; i < count; i++) {
        const struct object_variable *v = &field_variables(f, object)[i];
        buffer_printf(out, "%s%s=%s", i > 0 ? " " : "", v->name, v->value);
    }
    if (count == 0) {
        buffer_printf(out, "none");
    }
}

static void print_pairs(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    for (unsigned i = 0; i < count; i++) {
        const struct object_pair *pair = &field_pairs(f, object)[i];
        buffer_printf(out, "%s%s/%s", i > 0 ? "," : "", pair->host, pair->service);
    }
    if (count == 0) {
        buffer_printf(out, "none");
    }
}

/* Nobody reads hundreds of moments: how many, and a mark by which two lists differ. */
static void print_shifts(struct buffer *out, const struct object_field *f, const void *object) {
    unsigned count = field_count(f, object);
    const struct zone_shift *shifts = field_shifts(f, object);
    uint32_t mark = 2166136261u;
    for (unsigned i = 0; i < count; i++) {
        mark = (mark ^ (uint32_t)shifts[i].from) * 16777619u;
        mark = (mark ^ (uint32_t)shifts[i].offset) * 16777619u;
    }
    buffer_printf(out, "%u of mark %08x", count, mark);
}

void field_print(struct buffer *out, const struct object_field *f, const void *object) {
    const void *value = field_at(f, object);
    int state = 0;
    switch (f->kind) {
    case FIELD_NAME:
    case FIELD_TEXT:
        buffer_printf(out, "%s", *field_text(f, object) ? field_text(f, object) : "none");
        return;
    case FIELD_PERCENT:
        buffer_printf(out, "%u.%03u%%", *(const uint32_t *)value / 1000, *(const uint32_t *)value % 1000);
        return;
    case FIELD_COUNT:
        buffer_printf(out, "%u", *(const uint32_t *)value);
        return;
    case FIELD_TIME:
        print_time(out, *(const time_ms *)value);
        return;
    case FIELD_FLAG:
        buffer_printf(out, "%d", *(const bool *)value);
        return;
    case FIELD_OPTIONS:
    case FIELD_STATES:
        options_print(out, *(const unsigned *)value, f->kind == FIELD_STATES);
        return;
    case FIELD_STATE:
        state = *(const int *)value;
        buffer_printf(out, "%s", state < 0 ? "default" : state_name(f->max == 1, (unsigned)state));
        return;
    case FIELD_NAMES:
    case FIELD_LINES:
        print_names(out, f, object);
        return;
    case FIELD_VARIABLES:
        print_variables(out, f, object);
        return;
    case FIELD_SHIFTS:
        print_shifts(out, f, object);
        return;
    case FIELD_PAIRS:
        print_pairs(out, f, object);
        return;
    }
    UNREACHABLE();
}
