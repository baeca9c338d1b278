/* Time periods and the time zones that they name, from their definitions into the resolved objects. */
#include "checks/objects_raw.h"
#include "checks/period_rule.h"

#include <stdlib.h>
#include <string.h>

/* ---- zones ---- */

static const char *zone_named(const struct raw_object *raw) {
    const struct raw_entry *e = raw_custom(raw, "_TIMEZONE");
    return e != NULL && strcmp(e->value, "UTC") != 0 ? e->value : "";
}

static void fill_zone(struct parse *p, struct object_zone *z) {
    struct zone_shift shifts[ZONE_SHIFTS_MAX];
    int count = p->options->zone != NULL ? p->options->zone(z->name, shifts) : -1;
    z->shift_count = count > 0 ? (unsigned)count : 0; /* none: validation names the period that asked for it */
    struct zone_shift *kept = arena_alloc(&p->out->arena, (z->shift_count + 1) * sizeof *kept);
    if (z->shift_count > 0) {
        memcpy(kept, shifts, z->shift_count * sizeof *kept);
    }
    z->shifts = kept;
}

static void resolve_zones(struct parse *p, const struct scope *s) {
    struct objects *o = p->out;
    const char **names = arena_alloc(&p->scratch, (s->timeperiods.count + 1) * sizeof *names);
    unsigned count = 0;
    for (unsigned i = 0; i < s->timeperiods.count; i++) {
        const char *name = zone_named(s->timeperiods.items[i].raw);
        if (*name != '\0') {
            names[count++] = name;
        }
    }
    count = names_sort(names, count);
    o->zones = arena_alloc(&o->arena, (count + 1) * sizeof *o->zones);
    for (unsigned i = 0; i < count; i++) {
        struct object_zone *z = &o->zones[o->zone_count];
        z->name = names[i];
        fill_zone(p, z);
        o->zone_count += z->shift_count > 0;
    }
}

/* ---- periods ---- */

/* The parts of a range's line stand in the entry: the days are its name, the times its value. */
static const char *canonical_range(struct parse *p, const struct raw_entry *e) {
    struct period_rule rule;
    struct buffer problem = {0}, text = {0};
    const char *kept = NULL;
    if (period_rule_parse(&rule, e->name, e->value, &problem)) {
        period_rule_print(&text, &rule);
        kept = arena_text(&p->out->arena, buffer_bytes(&text));
    } else {
        parse_problem(p, e->place, e->name, "%s", buffer_cstr(&problem));
    }
    buffer_free(&problem);
    buffer_free(&text);
    return kept;
}

static void fill_ranges(struct parse *p, const struct raw_object *raw, struct object_timeperiod *t) {
    t->rules = arena_alloc(&p->out->arena, (raw->count + 1) * sizeof *t->rules);
    for (unsigned i = 0; i < raw->count; i++) {
        const struct raw_entry *e = &raw->entries[i];
        const char *rule = e->directive == D_RANGE && e->value != NULL ? canonical_range(p, e) : NULL;
        if (rule != NULL) {
            t->rules[t->rule_count++] = rule;
        }
    }
}

static void fill_excludes(struct parse *p, const struct scope *s, const struct raw_object *raw,
                          struct object_timeperiod *t) {
    struct index_set in = {0}, out = {0};
    expand_names(p, raw_given(raw, D_EXCLUDE), &s->timeperiods, "timeperiod", &in, &out);
    set_finish(&in, &out);
    t->excludes = arena_alloc(&p->out->arena, (in.count + 1) * sizeof *t->excludes);
    for (unsigned i = 0; i < in.count; i++) {
        t->excludes[t->exclude_count++] = s->timeperiods.items[in.at[i]].name;
    }
    set_free(&in);
    set_free(&out);
}

void resolve_timeperiods(struct parse *p, const struct scope *s) {
    struct objects *o = p->out;
    if (s->timeperiods.count > OBJECT_PERIODS_MAX) {
        parse_problem(p, s->timeperiods.items[0].raw->place, "timeperiod_name", "more than %d time periods: join some",
                      OBJECT_PERIODS_MAX);
        return;
    }
    resolve_zones(p, s);
    o->timeperiod_count = s->timeperiods.count;
    o->timeperiods = arena_alloc(&o->arena, (o->timeperiod_count + 1) * sizeof *o->timeperiods);
    for (unsigned i = 0; i < o->timeperiod_count; i++) {
        const struct raw_object *raw = s->timeperiods.items[i].raw;
        struct object_timeperiod *t = &o->timeperiods[i];
        const struct raw_entry *alias = raw_given(raw, D_ALIAS);
        t->name = s->timeperiods.items[i].name;
        t->alias = alias != NULL ? alias->value : t->name;
        t->zone = zone_named(raw);
        fill_ranges(p, raw, t);
        fill_excludes(p, s, raw, t);
    }
}
