/* Time periods in force: does one hold at a moment of agreed time, and until when is that so? Source of the rules:
   base/utils.c of Nagios Core 4.4.6, check_time_against_period and _get_matching_timerange. */
#ifndef QUORATE_CHECKS_PERIOD_H
#define QUORATE_CHECKS_PERIOD_H

#include "checks/objects.h"
#include "checks/period_rule.h"
#include "checks/zone.h"

struct period {
    struct zone zone;
    unsigned rule_count, exclude_count;
    struct period_rule *rules; /* by kind, then as written */
    struct period **excludes;
    int64_t asked, edge_asked; /* the second that was asked about last, and the answers: everybody asks about T */
    bool held;
    int64_t edge;
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

bool period_holds(struct period *p, time_ms t);
/* A moment after t, at most two days behind it, up to which nothing changes: whether the period holds at that moment
   has to be asked anew. The answer depends on t and the period alone. */
time_ms period_edge(struct period *p, time_ms t);

#endif
