/* A day's rule is found by its date, the first that matches in the order of kinds; the wall clock decides within the
   day. Whether a period holds can change only at an edge: where a range of its own or of an excluded period begins or
   has just ended, at midnight, or where the wall clock jumps. */
#include "checks/period.h"

#include "base/invariant.h"
#include "checks/calendar.h"
#include "checks/objects_field.h"

/* ---- which days ---- */

static int64_t day_of_point(enum rule_kind kind, const struct rule_point *p, int64_t year, unsigned month) {
    switch (kind) {
    case RULE_DATE:
        return calendar_day(p->year, p->month, p->day);
    case RULE_MONTH_DATE:
        return calendar_day(year, p->month, p->day);
    case RULE_MONTH_DAY:
        return calendar_day(year, month, p->day);
    case RULE_MONTH_WEEKDAY:
        return calendar_nth_weekday(year, p->month, p->weekday, p->day);
    case RULE_WEEKDAY:
        return calendar_nth_weekday(year, month, p->weekday, p->day);
    case RULE_WEEK:
    case RULE_KINDS:
        break;
    }
    UNREACHABLE();
}

/* A last day that the month does not have is the month's last. */
static int64_t last_day_of(const struct period_rule *r, int64_t year, unsigned month) {
    int64_t day = day_of_point(r->kind, &r->to, year, month);
    bool of_named_month = r->kind == RULE_MONTH_DATE || r->kind == RULE_MONTH_WEEKDAY;
    bool slipped = day == CALENDAR_NONE && r->to.day > 0 && r->kind != RULE_DATE;
    return slipped ? calendar_day(year, of_named_month ? r->to.month : month, -1) : day;
}

static bool is_one_day(const struct period_rule *r) {
    return r->from.year == r->to.year && r->from.month == r->to.month && r->from.day == r->to.day;
}

static bool between(const struct period_rule *r, int64_t day, int64_t first, int64_t last) {
    if (first == CALENDAR_NONE || last == CALENDAR_NONE) {
        return false;
    }
    if (r->every > 1) {
        bool endless = r->kind == RULE_DATE && is_one_day(r); /* "2026-01-28 / 3" */
        return first <= day && (day <= last || last < first || endless) && (day - first) % r->every == 0;
    }
    return first <= last ? first <= day && day <= last : first <= day || day <= last;
}

/* "december 20 - january 5": the days of one turn of the year, which may have begun last year. */
static bool between_years(const struct period_rule *r, int64_t day, const struct civil *c) {
    for (int64_t year = c->year - 1; year <= c->year; year++) {
        int64_t first = day_of_point(r->kind, &r->from, year, c->month), last = last_day_of(r, year, c->month);
        if (first != CALENDAR_NONE && last != CALENDAR_NONE && last < first) {
            last = last_day_of(r, year + 1, c->month);
        }
        if (between(r, day, first, last)) {
            return true;
        }
    }
    return false;
}

static bool rule_covers(const struct period_rule *r, int64_t day, const struct civil *c) {
    if (r->kind == RULE_WEEK) {
        return calendar_weekday(day) == r->from.weekday;
    }
    if (r->kind == RULE_MONTH_DATE || r->kind == RULE_MONTH_WEEKDAY) {
        return between_years(r, day, c);
    }
    return between(r, day, day_of_point(r->kind, &r->from, c->year, c->month), last_day_of(r, c->year, c->month));
}

static const struct period_rule *rule_of_day(const struct period *p, int64_t day) {
    struct civil c = calendar_civil(day);
    for (unsigned i = 0; i < p->rule_count; i++) {
        if (rule_covers(&p->rules[i], day, &c)) {
            return &p->rules[i];
        }
    }
    return NULL;
}

/* ---- when ---- */

static bool rules_hold(const struct period *p, int64_t utc) {
    struct zone_local local = zone_local(&p->zone, utc);
    const struct period_rule *r = rule_of_day(p, local.day);
    for (unsigned i = 0; r && i < r->span_count; i++) {
        bool nothing = r->spans[i].from == 0 && r->spans[i].to == 0; /* Nagios: this day not at all */
        if (!nothing && local.second >= r->spans[i].from && local.second <= r->spans[i].to) {
            return true;
        }
    }
    return false;
}

static bool holds(struct period *p, int64_t utc) {
    if (p->asked == utc) {
        return p->held;
    }
    bool held = rules_hold(p, utc);
    for (unsigned i = 0; held && i < p->exclude_count; i++) {
        held = !holds(p->excludes[i], utc);
    }
    p->asked = utc;
    p->held = held;
    return held;
}

bool period_holds(struct period *p, time_ms t) {
    return holds(p, t / 1000);
}

static int64_t earlier_edge(int64_t best, int64_t utc, int64_t moment) {
    return moment > utc && moment < best ? moment : best;
}

/* Of p's own rules: where a range of the day begins or has just ended, the next midnight, the next change of the clock.
 */
static int64_t own_edge(const struct period *p, int64_t utc) {
    int64_t day = zone_local(&p->zone, utc).day;
    int64_t best = zone_moment(&p->zone, utc, day + 1, 0);
    const struct period_rule *r = rule_of_day(p, day);
    for (unsigned i = 0; r && i < r->span_count; i++) {
        best = earlier_edge(best, utc, zone_moment(&p->zone, utc, day, r->spans[i].from));
        best = earlier_edge(best, utc, zone_moment(&p->zone, utc, day, r->spans[i].to + 1));
    }
    return earlier_edge(best, utc, zone_next_shift(&p->zone, utc));
}

static int64_t first_edge(struct period *p, int64_t utc) {
    if (p->edge_asked == utc) {
        return p->edge;
    }
    int64_t best = own_edge(p, utc);
    for (unsigned i = 0; i < p->exclude_count; i++) {
        best = earlier_edge(best, utc, first_edge(p->excludes[i], utc));
    }
    p->edge_asked = utc;
    p->edge = best;
    return best;
}

time_ms period_edge(struct period *p, time_ms t) {
    return first_edge(p, t / 1000) * 1000;
}

/* ---- from objects ---- */

static void build(struct periods *all, const struct objects *o, unsigned index) {
    const struct object_timeperiod *def = &o->timeperiods[index];
    struct period *p = &all->list[index];
    p->zone = objects_zone(o, def->zone);
    p->asked = p->edge_asked = INT64_MIN;
    p->rule_count = def->rule_count;
    p->rules = arena_alloc(&all->arena, (def->rule_count + 1) * sizeof *p->rules);
    for (unsigned i = 0; i < def->rule_count; i++) {
        struct period_rule rule;
        bool good = period_rule_read(&rule, def->rules[i]);
        ENSURE(good);
        unsigned at = i;
        for (; at > 0 && p->rules[at - 1].kind > rule.kind; at--) {
            p->rules[at] = p->rules[at - 1];
        }
        p->rules[at] = rule;
    }
    p->exclude_count = def->exclude_count;
    p->excludes = arena_alloc(&all->arena, (def->exclude_count + 1) * sizeof *p->excludes);
    for (unsigned i = 0; i < def->exclude_count; i++) {
        p->excludes[i] = periods_find(all, o, def->excludes[i]);
    }
}

void periods_build(struct periods *out, const struct objects *o) {
    *out = (struct periods){.count = o->timeperiod_count};
    out->list = arena_alloc(&out->arena, (out->count + 1) * sizeof *out->list);
    for (unsigned i = 0; i < out->count; i++) {
        build(out, o, i);
    }
}

void periods_free(struct periods *p) {
    arena_free(&p->arena);
    *p = (struct periods){0};
}

struct period *periods_find(const struct periods *p, const struct objects *o, const char *name) {
    if (name[0] == '\0') {
        return NULL;
    }
    const struct object_timeperiod *def = objects_timeperiod(o, name);
    ENSURE(def != NULL);
    return &p->list[def - o->timeperiods];
}
