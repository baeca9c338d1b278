/* The civil calendar in integers: days since 1970-01-01, and the days that Nagios' time periods speak of. Pure, no time
   zone. Years from 1 to 9999; a day that does not exist is CALENDAR_NONE. */
#ifndef QUORATE_CHECKS_CALENDAR_H
#define QUORATE_CHECKS_CALENDAR_H

#include "base/types.h"

#define CALENDAR_NONE INT64_MIN
enum { CALENDAR_DAY_SECONDS = 86400, CALENDAR_YEAR_MAX = 9999 };

struct civil {
    int64_t year;
    unsigned month, day; /* from 1 */
};
struct civil calendar_civil(int64_t day);
unsigned calendar_weekday(int64_t day); /* 0 is Sunday, as in Nagios */
/* month: 1-12. day: from 1, or from the end: -1 is the month's last. CALENDAR_NONE: the month has no such day. */
int64_t calendar_day(int64_t year, unsigned month, int day);
/* The nth such weekday of the month, from 1, or from the end: -1 is the last. */
int64_t calendar_nth_weekday(int64_t year, unsigned month, unsigned weekday, int nth);

#endif
