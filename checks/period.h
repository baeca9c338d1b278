/* Time periods in force: does one hold at a moment of agreed time, and when does it next? Source of the rules:
   base/utils.c of Nagios Core 4.4.6, check_time_against_period and _get_matching_timerange. */
#ifndef QUORATE_CHECKS_PERIOD_H
#define QUORATE_CHECKS_PERIOD_H

#include "checks/objects.h"
#include "checks/period_rule.h"
#include "checks/zone.h"

#define PERIOD_NEVER INT64_MAX

struct period {
    struct zone zone;
    unsigned rule_count, exclude_count;
    struct period_rule *rules; /* by kind, then as written */
    const struct period **excludes;
    time_ms asked, next; /* what was answered last: next is right for every moment from asked to it */
};
struct periods { /* beside the time periods of an objects set, which it borrows */
    unsigned count;
    struct period *list;
    struct arena arena;
};

/* Takes validated objects: rules as period_rule_read takes them, exclusions without a circle. */
void periods_build(struct periods *out, const struct objects *o);
void periods_free(struct periods *p);
/* NULL for "", which is always. */
struct period *periods_find(const struct periods *p, const struct objects *o, const char *name);

bool period_holds(const struct period *p, time_ms t);
/* The first moment from t on at which it holds; PERIOD_NEVER: none within PERIOD_DAYS_MAX days. */
enum { PERIOD_DAYS_MAX = 400 };
time_ms period_next(struct period *p, time_ms t);

#endif
