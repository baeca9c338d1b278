/* One line of a time period: on which days, and between which times of them. Text as Nagios reads it in, one canonical
   text out. Source: xdata/xodtemplate.c of Nagios Core 4.4.6, xodtemplate_parse_timeperiod_directive. */
#ifndef QUORATE_CHECKS_PERIOD_RULE_H
#define QUORATE_CHECKS_PERIOD_RULE_H

#include "base/bytes.h"

/* In the order in which Nagios lets one outweigh the next: the first that matches a day has it alone. */
enum rule_kind {
    RULE_DATE,          /* 2026-01-28, 2026-01-28 - 2026-02-10 */
    RULE_MONTH_DATE,    /* february 10, february 10 - march 5 */
    RULE_MONTH_DAY,     /* day 2, day -1, day 1 - 15 */
    RULE_MONTH_WEEKDAY, /* thursday -1 november, monday 1 may - friday 2 june */
    RULE_WEEKDAY,       /* monday 3: the third of any month */
    RULE_WEEK,          /* monday: every one */
    RULE_KINDS
};
enum { PERIOD_SPANS_MAX = 48, PERIOD_EVERY_MAX = 9999, PERIOD_RULE_TEXT = 2048 };

struct rule_point {
    uint16_t year;
    uint8_t month;   /* 1-12 */
    uint8_t weekday; /* 0 is Sunday */
    int16_t day;     /* of the month, or which weekday of it; from its end if negative */
};
struct period_rule {
    enum rule_kind kind;
    struct rule_point from, to;
    uint32_t every; /* of these days only each so many-th, from the first on; 0: all */
    unsigned span_count;
    struct {
        uint32_t from, to; /* seconds behind midnight, both included, as in Nagios; at most 24:00 */
    } spans[PERIOD_SPANS_MAX];
};

/* days: all before the first time of day, such as "day 1 - 15 / 2"; times: "09:00-12:00,13:00-17:00". False: problem
   says what is wrong with which of them, as "what is wrong: what to do". */
bool period_rule_parse(struct period_rule *out, const char *days, const char *times, struct buffer *problem);
/* The canonical text, days and times: what means the same reads the same. */
void period_rule_print(struct buffer *out, const struct period_rule *rule);
/* Takes only what period_rule_print gives. */
bool period_rule_read(struct period_rule *out, const char *text);
/* Where the times begin in such a line: at its first number with a colon behind it; its end if there is none. */
const char *period_rule_times(const char *line);

#endif
