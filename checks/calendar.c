/* The Gregorian calendar, counted from the days before a year. */
#include "checks/calendar.h"

#include "base/invariant.h"

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_length(int64_t year, unsigned month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    REQUIRE(month >= 1 && month <= 12);
    return days[month - 1] + (month == 2 && is_leap(year));
}

static int64_t days_before_year(int64_t year) {
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

static int64_t first_of_month(int64_t year, unsigned month) {
    int64_t day = days_before_year(year) - days_before_year(1970);
    for (unsigned m = 1; m < month; m++) {
        day += month_length(year, m);
    }
    return day;
}

struct civil calendar_civil(int64_t day) {
    int64_t days = day + days_before_year(1970);
    REQUIRE(days >= 0);
    int64_t year = days / 366 + 1; /* never too late, and a few steps early at most for years in use */
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    days -= days_before_year(year);
    unsigned month = 1;
    for (; days >= month_length(year, month); month++) {
        days -= month_length(year, month);
    }
    return (struct civil){year, month, (unsigned)days + 1};
}

unsigned calendar_weekday(int64_t day) {
    enum { EPOCH_WAS_THURSDAY = 4 };
    return (unsigned)(((day + EPOCH_WAS_THURSDAY) % 7 + 7) % 7);
}

int64_t calendar_day(int64_t year, unsigned month, int day) {
    int length = month_length(year, month), from_start = day < 0 ? length + 1 + day : day;
    return from_start >= 1 && from_start <= length ? first_of_month(year, month) + from_start - 1 : CALENDAR_NONE;
}

int64_t calendar_nth_weekday(int64_t year, unsigned month, unsigned weekday, int nth) {
    int64_t first = first_of_month(year, month), last = first + month_length(year, month) - 1;
    int64_t day = CALENDAR_NONE;
    if (nth > 0) {
        day = first + (weekday + 7 - calendar_weekday(first)) % 7 + 7 * (int64_t)(nth - 1);
    } else if (nth < 0) {
        day = last - (calendar_weekday(last) + 7 - weekday) % 7 + 7 * (int64_t)(nth + 1);
    }
    return nth != 0 && day >= first && day <= last ? day : CALENDAR_NONE;
}
