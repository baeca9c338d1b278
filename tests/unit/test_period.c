/* Time periods: the calendar, the zone, which days and times a range means, and when a period holds next. */
#include "base/invariant.h"
#include "checks/calendar.h"
#include "checks/period.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

/* ---- the calendar, against the C library's ---- */

static void days_and_dates_are_the_c_library_s(void **state) {
    (void)state;
    for (int64_t day = 0; day < 60000; day++) {
        time_t t = (time_t)day * 86400;
        struct tm tm;
        gmtime_r(&t, &tm);
        struct civil c = calendar_civil(day);
        assert_int_equal(c.year, tm.tm_year + 1900);
        assert_int_equal(c.month, tm.tm_mon + 1);
        assert_int_equal(c.day, tm.tm_mday);
        assert_int_equal(calendar_weekday(day), tm.tm_wday);
        assert_int_equal(calendar_day(c.year, c.month, (int)c.day), day);
    }
}

static void days_are_counted_from_both_ends_of_a_month(void **state) {
    (void)state;
    assert_int_equal(calendar_day(2028, 2, -1), calendar_day(2028, 2, 29));
    assert_int_equal(calendar_day(2026, 2, 29), CALENDAR_NONE);
    assert_int_equal(calendar_day(2026, 2, -28), calendar_day(2026, 2, 1));
    assert_int_equal(calendar_day(2026, 2, -29), CALENDAR_NONE);
    assert_int_equal(calendar_nth_weekday(2026, 11, 4, 4), calendar_day(2026, 11, 26)); /* thursday 4 november */
    assert_int_equal(calendar_nth_weekday(2026, 11, 0, 1), calendar_day(2026, 11, 1));  /* it is a sunday */
    assert_int_equal(calendar_nth_weekday(2026, 11, 0, 5), calendar_day(2026, 11, 29));
    assert_int_equal(calendar_nth_weekday(2026, 11, 2, 5), CALENDAR_NONE);
    assert_int_equal(calendar_nth_weekday(2026, 11, 1, -1), calendar_day(2026, 11, 30));
    assert_int_equal(calendar_nth_weekday(2026, 11, 0, -5), calendar_day(2026, 11, 1));
    assert_int_equal(calendar_nth_weekday(2026, 11, 2, -5), CALENDAR_NONE);
    assert_int_equal(calendar_nth_weekday(2026, 11, 2, 0), CALENDAR_NONE);
}

/* ---- one line ---- */

static void reads_as(const char *text, const char *canonical) {
    struct period_rule rule;
    struct buffer days = {0}, problem = {0}, again = {0};
    const char *times = period_rule_times(text);
    buffer_put(&days, text, (size_t)(times - text));
    bool good = period_rule_parse(&rule, buffer_cstr(&days), times, &problem);
    if (canonical) {
        assert_true(good);
        period_rule_print(&again, &rule);
        assert_string_equal(buffer_cstr(&again), canonical);
        assert_true(period_rule_read(&rule, canonical));
    } else if (good) {
        fail_msg("'%s' was taken", text);
    }
    buffer_free(&days);
    buffer_free(&problem);
    buffer_free(&again);
}

static void every_form_of_nagios_is_read(void **state) {
    (void)state;
    reads_as("monday 09:00-12:00,13:00-17:00", "monday 09:00-12:00,13:00-17:00");
    reads_as("Sunday   0:00 - 24:00", "sunday 00:00-24:00");
    reads_as("2026-01-28 00:00-24:00", "2026-01-28 00:00-24:00");
    reads_as("2026-1-2 - 2026-02-01 / 3 08:00-09:30", "2026-01-02 - 2026-02-01 / 3 08:00-09:30");
    reads_as("2026-01-28 / 7 00:00-24:00", "2026-01-28 / 7 00:00-24:00");
    reads_as("february 10 00:00-24:00", "february 10 00:00-24:00");
    reads_as("february -1 00:00-24:00", "february -1 00:00-24:00");
    reads_as("february 10 - march 5 00:00-24:00", "february 10 - march 5 00:00-24:00");
    reads_as("february 10 - 15 / 2 00:00-24:00", "february 10 - february 15 / 2 00:00-24:00");
    reads_as("day 2 00:00-24:00", "day 2 00:00-24:00");
    reads_as("day 1-15 00:00-24:00", "day 1 - day 15 00:00-24:00");
    reads_as("day 20 - -1 00:00-24:00", "day 20 - day -1 00:00-24:00");
    reads_as("day 4 - day 6 / 2 00:00-24:00", "day 4 - day 6 / 2 00:00-24:00");
    reads_as("monday 3 00:00-24:00", "monday 3 00:00-24:00");
    reads_as("monday 2 - thursday 3 / 2 00:00-24:00", "monday 2 - thursday 3 / 2 00:00-24:00");
    reads_as("thursday -1 november 00:00-24:00", "thursday -1 november 00:00-24:00");
    reads_as("wednesday 1 january - thursday 2 july / 3 00:00-24:00",
             "wednesday 1 january - thursday 2 july / 3 00:00-24:00");
}

static void what_is_no_range_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"monday",
                                      "monday 09:00",
                                      "monday 9-17",
                                      "monday 09:00-25:00",
                                      "monday 09:00-24:01",
                                      "monday 09:60-10:00",
                                      "monday 17:00-09:00",
                                      "monday 09:00-10:00,",
                                      "monday 09:00-10:00 x",
                                      "munday 09:00-10:00",
                                      "monday / 2 09:00-10:00",
                                      "monday - friday 09:00-10:00",
                                      "monday 6 09:00-10:00",
                                      "day 0 09:00-10:00",
                                      "day 32 09:00-10:00",
                                      "day 1 - february 2 09:00-10:00",
                                      "day 1 / 0 09:00-10:00",
                                      "february 09:00-10:00",
                                      "2026-02-30 09:00-10:00",
                                      "2026-13-01 09:00-10:00",
                                      "2026-02-03 - 2026-02-01 09:00-10:00",
                                      "09:00-10:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        reads_as(bad[i], NULL);
    }
    struct period_rule rule;
    assert_false(period_rule_read(&rule, "Monday 09:00-10:00")); /* one meaning, one text */
    assert_false(period_rule_read(&rule, "monday 9:00-10:00"));
}

/* ---- a period ---- */

/* Berlin's rules of 2026 and 2027. */
static const struct zone_shift berlin[] = {
    {1761440400, 3600}, {1774746000, 7200}, {1792890000, 3600}, {1806195600, 7200}, {1824944400, 3600}};

struct story {
    struct object_timeperiod periods[4];
    struct object_zone zone;
    struct objects objects;
    struct periods built;
};

/* A period of these lines, which excludes one of those; by name: "p" and "q". */
static void begin(struct story *s, const char **rules, unsigned rule_count, const char **excluded,
                  unsigned excluded_count, const char *zone) {
    static const char *q[] = {"q"};
    *s = (struct story){.zone = {"Europe/Berlin", 5, berlin}};
    s->periods[0] = (struct object_timeperiod){"p", "p", zone, rule_count, rules, excluded_count > 0, q};
    s->periods[1] = (struct object_timeperiod){"q", "q", zone, excluded_count, excluded, 0, NULL};
    s->objects = (struct objects){.zone_count = 1, .zones = &s->zone, .timeperiod_count = 2, .timeperiods = s->periods};
    periods_build(&s->built, &s->objects);
}

static time_ms at(int64_t year, unsigned month, int day, int hour, int minute) {
    return (calendar_day(year, month, day) * 86400 + hour * 3600 + minute * 60) * 1000;
}

static bool is_on(struct story *s, time_ms t) {
    return period_holds(periods_find(&s->built, &s->objects, "p"), t);
}

#define NEVER INT64_MAX

/* From edge to edge, as an object that waits for its period does. */
static time_ms next_after(struct story *s, time_ms t) {
    struct period *p = periods_find(&s->built, &s->objects, "p");
    for (time_ms at = t; at < t + 500 * 86400000LL;) {
        if (period_holds(p, at)) {
            return at;
        }
        time_ms edge = period_edge(p, at);
        assert_true(edge > at && edge <= at + 2 * 86400000LL);
        at = edge;
    }
    return NEVER;
}

static void a_range_holds_from_its_first_to_its_last_second(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"monday 09:00-12:00,13:00-17:00"};
    begin(&s, rules, 1, NULL, 0, "");
    time_ms monday = at(2026, 11, 23, 0, 0);
    assert_false(is_on(&s, monday + 9 * 3600000 - 1));
    assert_true(is_on(&s, monday + 9 * 3600000));
    assert_true(is_on(&s, monday + 12 * 3600000 + 999)); /* the last second belongs to it */
    assert_false(is_on(&s, monday + 12 * 3600000 + 1000));
    assert_true(is_on(&s, monday + 13 * 3600000));
    assert_false(is_on(&s, monday + 86400000 + 10 * 3600000));
    assert_int_equal(next_after(&s, monday + 12 * 3600000 + 1000), monday + 13 * 3600000);
    assert_int_equal(next_after(&s, monday + 14 * 3600000 + 7), monday + 14 * 3600000 + 7);
    assert_int_equal(next_after(&s, monday + 18 * 3600000), monday + 7 * 86400000LL + 9 * 3600000);
    periods_free(&s.built);
}

static void the_special_day_has_itself_alone(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"thursday 00:00-24:00",   "day -1 10:00-11:00",     "november 26 12:00-13:00",
                           "2026-11-26 08:00-09:00", "thursday 4 14:00-15:00", "thursday 4 november 16:00-17:00"};
    begin(&s, rules, 6, NULL, 0, "");
    assert_true(is_on(&s, at(2026, 11, 26, 8, 30)));
    for (int hour = 0; hour < 24; hour++) {
        assert_int_equal(is_on(&s, at(2026, 11, 26, hour, 30)), hour == 8);
        assert_int_equal(is_on(&s, at(2027, 11, 26, hour, 30)), hour == 12); /* a friday */
        assert_int_equal(is_on(&s, at(2027, 11, 25, hour, 30)), hour == 16); /* the fourth thursday */
        assert_int_equal(is_on(&s, at(2026, 12, 24, hour, 30)), hour == 14);
        assert_int_equal(is_on(&s, at(2026, 12, 31, hour, 30)), hour == 10); /* before the week's thursday */
        assert_true(is_on(&s, at(2026, 12, 17, hour, 30)));
        assert_false(is_on(&s, at(2026, 12, 18, hour, 30)));
    }
    periods_free(&s.built);
}

static void ranges_of_days_go_over_months_and_years(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"december 20 - january 5 00:00-24:00", "day 28 - day 31 00:00-24:00"};
    begin(&s, rules, 2, NULL, 0, "");
    assert_false(is_on(&s, at(2026, 12, 19, 12, 0)));
    assert_true(is_on(&s, at(2026, 12, 20, 12, 0)));
    assert_true(is_on(&s, at(2027, 1, 5, 12, 0)));
    assert_false(is_on(&s, at(2027, 1, 6, 12, 0)));
    assert_true(is_on(&s, at(2027, 2, 28, 12, 0))); /* a 31st that February lacks is its last day */
    assert_false(is_on(&s, at(2027, 3, 1, 12, 0)));
    assert_int_equal(next_after(&s, at(2027, 1, 6, 12, 0)), at(2027, 1, 28, 0, 0));
    periods_free(&s.built);
}

static void every_so_many_days_count_from_the_first(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"2026-11-20 / 7 00:00-24:00", "2026-11-01 - 2026-11-10 / 4 06:00-07:00"};
    begin(&s, rules, 2, NULL, 0, "");
    for (int day = 1; day <= 30; day++) {
        bool weekly = day >= 20 && (day - 20) % 7 == 0, fourth = day <= 10 && (day - 1) % 4 == 0;
        assert_int_equal(is_on(&s, at(2026, 11, day, 6, 30)), weekly || fourth);
    }
    assert_true(is_on(&s, at(2027, 11, 19, 6, 30))); /* 52 weeks later: without an end */
    periods_free(&s.built);
}

static void what_is_excluded_holds_for_nobody(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"sunday 00:00-24:00", "monday 00:00-24:00"};
    const char *lunch[] = {"monday 12:00-13:00", "2026-11-30 00:00-24:00"};
    begin(&s, rules, 2, lunch, 2, "");
    assert_true(is_on(&s, at(2026, 11, 23, 11, 59)));
    assert_false(is_on(&s, at(2026, 11, 23, 12, 0)));
    assert_int_equal(next_after(&s, at(2026, 11, 23, 12, 30)), at(2026, 11, 23, 13, 0) + 1000);
    assert_false(is_on(&s, at(2026, 11, 30, 20, 0)));
    assert_int_equal(next_after(&s, at(2026, 11, 30, 1, 0)), at(2026, 12, 6, 0, 0));
    periods_free(&s.built);
}

static void the_wall_clock_of_the_zone_counts(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"sunday 02:15-03:15", "monday 09:00-17:00"};
    begin(&s, rules, 2, NULL, 0, "Europe/Berlin");
    assert_true(is_on(&s, at(2026, 11, 23, 8, 0))); /* UTC: nine in Berlin's winter */
    assert_false(is_on(&s, at(2026, 11, 23, 7, 59)));
    assert_true(is_on(&s, at(2026, 7, 6, 7, 0))); /* and in its summer */
    time_ms spring = at(2026, 3, 29, 1, 0), autumn = at(2026, 10, 25, 1, 0);
    assert_false(is_on(&s, spring - 1000)); /* 01:59:59 */
    assert_true(is_on(&s, spring));         /* 03:00: the hour between does not exist */
    assert_int_equal(next_after(&s, spring - 3600000), spring);
    assert_true(is_on(&s, autumn - 1000)); /* 02:59:59 the first time */
    assert_false(is_on(&s, autumn));       /* 02:00 again */
    assert_int_equal(next_after(&s, autumn), autumn + 15 * 60000);
    periods_free(&s.built);
}

/* Whatever the rules, the next moment is the first second that holds. */
static void the_next_moment_is_the_first_that_holds(void **state) {
    (void)state;
    static const char *sets[][3] = {
        {"monday 09:00-12:00,13:00-17:00", "day 29 01:30-02:45", "october 25 02:30-03:00"},
        {"sunday 00:00-24:00", "2026-03-29 02:00-02:59", "monday 1 00:00-00:00"},
        {"2026-10-20 / 3 23:00-24:00", "tuesday 4 october 00:00-06:00", "friday 10:00-10:00"},
    };
    for (unsigned set = 0; set < 3; set++) {
        struct story s;
        const char *lunch[] = {"monday 12:00-12:30", "sunday 01:00-02:30"};
        begin(&s, sets[set], 3, lunch, 2, "Europe/Berlin");
        for (unsigned half = 0; half < 2; half++) { /* around each change of the clocks */
            time_ms first = half ? at(2026, 10, 23, 0, 0) : at(2026, 3, 27, 0, 0), wanted = NEVER;
            for (time_ms t = first + 4 * 86400000LL; t >= first; t -= 60000) {
                for (time_ms second = t + 59000; second >= t; second -= 1000) {
                    wanted = is_on(&s, second) ? second : wanted;
                }
                if (wanted != NEVER) {
                    assert_int_equal(next_after(&s, t), wanted);
                }
            }
        }
        periods_free(&s.built);
    }
}

/* p by the clock of UTC, what it excludes by one that is an hour behind. */
static void zones_may_differ(void **state) {
    (void)state;
    struct story s;
    const char *daily[] = {"monday 00:00-12:00,12:00-24:00", "tuesday 00:00-12:00,12:00-24:00",
                           "wednesday 00:00-12:00,12:00-24:00"};
    const char *all[] = {"sunday 00:00-24:00", "monday 00:00-24:00", "tuesday 00:00-24:00", "wednesday 00:00-01:00"};
    static const struct zone_shift behind[] = {{1577836800, -3600}};
    begin(&s, daily, 3, all, 4, "");
    s.zone = (struct object_zone){"Behind", 1, behind};
    s.periods[1].zone = "Behind";
    periods_free(&s.built);
    periods_build(&s.built, &s.objects);
    assert_int_equal(next_after(&s, at(2026, 11, 23, 0, 30)), at(2026, 11, 25, 2, 0) + 1000);
    periods_free(&s.built);
}

static void the_end_of_an_excluded_week_end_is_found(void **state) {
    (void)state;
    struct story s;
    const char *always[] = {"monday 00:00-24:00", "friday 00:00-24:00", "saturday 00:00-24:00", "sunday 00:00-24:00"};
    const char *off[] = {"friday 18:00-24:00", "saturday 00:00-24:00", "sunday 00:00-24:00"};
    begin(&s, always, 4, off, 3, "");
    for (int hour = 19; hour < 70; hour++) { /* whenever it is asked, from Friday evening on */
        assert_int_equal(next_after(&s, at(2026, 11, 27, 0, 0) + hour * 3600000LL), at(2026, 11, 30, 0, 0));
    }
    periods_free(&s.built);
}

static void what_never_holds_says_so(void **state) {
    (void)state;
    struct story s;
    const char *rules[] = {"2026-01-28 00:00-24:00"};
    begin(&s, rules, 1, NULL, 0, "");
    assert_int_equal(next_after(&s, at(2026, 11, 22, 0, 0)), NEVER);
    assert_int_equal(next_after(&s, at(2025, 11, 22, 0, 0)), at(2026, 1, 28, 0, 0));
    assert_null(periods_find(&s.built, &s.objects, ""));
    periods_free(&s.built);
    begin(&s, rules, 0, NULL, 0, "");
    assert_int_equal(next_after(&s, at(2026, 11, 22, 0, 0)), NEVER);
    periods_free(&s.built);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_are_the_c_library_s),
        cmocka_unit_test(days_are_counted_from_both_ends_of_a_month),
        cmocka_unit_test(every_form_of_nagios_is_read),
        cmocka_unit_test(what_is_no_range_is_refused),
        cmocka_unit_test(a_range_holds_from_its_first_to_its_last_second),
        cmocka_unit_test(the_special_day_has_itself_alone),
        cmocka_unit_test(ranges_of_days_go_over_months_and_years),
        cmocka_unit_test(every_so_many_days_count_from_the_first),
        cmocka_unit_test(what_is_excluded_holds_for_nobody),
        cmocka_unit_test(the_wall_clock_of_the_zone_counts),
        cmocka_unit_test(the_next_moment_is_the_first_that_holds),
        cmocka_unit_test(zones_may_differ),
        cmocka_unit_test(the_end_of_an_excluded_week_end_is_found),
        cmocka_unit_test(what_never_holds_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
