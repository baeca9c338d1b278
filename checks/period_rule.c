/* A cursor over the line's words. Numbers have their sign where Nagios' patterns let them: behind a word or the dash.
 */
#include "checks/period_rule.h"

#include "checks/calendar.h"

#include <string.h>
#include <strings.h>

static const char *const weekdays[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
static const char *const months[] = {"january", "february", "march",     "april",   "may",      "june",
                                     "july",    "august",   "september", "october", "november", "december"};
enum { WORD_MAX = 16, HOUR = 3600, MINUTE = 60, DAY = 24 * HOUR };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t");
}

/* ---- words and numbers ---- */

static bool take_char(const char **at, char c) {
    const char *next = skip_blanks(*at);
    if (*next != c) {
        return false;
    }
    *at = next + 1;
    return true;
}

static bool take_number(const char **at, int limit, int *out) {
    const char *next = skip_blanks(*at);
    bool negative = *next == '-';
    next += negative;
    if (!is_digit(*next)) {
        return false;
    }
    int value = 0;
    while (is_digit(*next) && value <= limit) {
        value = value * 10 + (*next++ - '0');
    }
    *out = negative ? -value : value;
    *at = next;
    return value <= limit;
}

/* The word's place in the list, or -1; *at moves behind it only if it is there. */
static int take_word(const char **at, const char *const *list, unsigned count) {
    const char *next = skip_blanks(*at);
    size_t len = strspn(next, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (unsigned i = 0; i < count; i++) {
        if (strlen(list[i]) == len && strncasecmp(next, list[i], len) == 0) {
            *at = next + len;
            return (int)i;
        }
    }
    return -1;
}

/* ---- days ---- */

static bool take_date(const char **at, struct rule_point *p) {
    const char *next = skip_blanks(*at);
    int parts[3];
    static const int limits[] = {9999, 12, 31};
    for (int i = 0; i < 3; i++) {
        if (!is_digit(*next) || !take_number(&next, limits[i], &parts[i]) || (i < 2 && *next++ != '-')) {
            return false;
        }
    }
    *p = (struct rule_point){.year = (uint16_t)parts[0], .month = (uint8_t)parts[1], .day = (int16_t)parts[2]};
    *at = next;
    return parts[0] >= 1970 && parts[1] >= 1 && calendar_day(parts[0], p->month, p->day) != CALENDAR_NONE;
}

static bool take_day(const char **at, struct rule_point *p) {
    int day = 0;
    bool good = take_number(at, 31, &day) && day != 0;
    p->day = (int16_t)day;
    return good;
}

static bool follows_number(const char *at) {
    at = skip_blanks(at);
    return is_digit(at[*at == '-']);
}

/* What stands before or behind the dash. */
static bool take_point(const char **at, enum rule_kind *kind, struct rule_point *p) {
    static const char *const day[] = {"day"};
    *p = (struct rule_point){0};
    *kind = RULE_DATE;
    if (is_digit(*skip_blanks(*at))) {
        return take_date(at, p);
    }
    if (take_word(at, day, 1) == 0) {
        *kind = RULE_MONTH_DAY;
        return take_day(at, p);
    }
    int word = take_word(at, months, 12);
    if (word >= 0) {
        *kind = RULE_MONTH_DATE;
        p->month = (uint8_t)(word + 1);
        return take_day(at, p);
    }
    word = take_word(at, weekdays, 7);
    p->weekday = (uint8_t)word;
    *kind = RULE_WEEK;
    if (word < 0 || !follows_number(*at)) {
        return word >= 0;
    }
    bool good = take_day(at, p) && p->day >= -5 && p->day <= 5;
    word = take_word(at, months, 12);
    p->month = (uint8_t)(word + 1);
    *kind = word >= 0 ? RULE_MONTH_WEEKDAY : RULE_WEEKDAY;
    return good;
}

/* "day 1 - 15": a number alone takes the word of the first point. */
static bool take_end(const char **at, const struct period_rule *r, struct rule_point *p) {
    enum rule_kind kind = r->kind;
    *p = r->from;
    bool number = r->kind != RULE_DATE && r->kind != RULE_MONTH_WEEKDAY && follows_number(*at);
    bool good = number ? take_day(at, p) : take_point(at, &kind, p);
    bool weekday = kind == RULE_WEEKDAY || kind == RULE_MONTH_WEEKDAY;
    return good && kind == r->kind && kind != RULE_WEEK && (!weekday || (p->day >= -5 && p->day <= 5));
}

static bool take_every(const char **at, struct period_rule *r) {
    int every = 0;
    bool good = take_number(at, PERIOD_EVERY_MAX, &every) && every >= 1 && r->kind != RULE_WEEK;
    r->every = every > 1 ? (uint32_t)every : 0;
    return good;
}

static int64_t day_of_date(const struct rule_point *p) {
    return calendar_day(p->year, p->month, p->day);
}

static bool parse_days(struct period_rule *r, const char *days, struct buffer *problem) {
    const char *at = days;
    bool good = take_point(&at, &r->kind, &r->from);
    r->to = r->from;
    if (good && take_char(&at, '-')) {
        good = take_end(&at, r, &r->to);
    }
    if (good && take_char(&at, '/')) {
        good = take_every(&at, r);
    }
    if (!good || *skip_blanks(at) != '\0') {
        buffer_printf(problem,
                      "'%.80s' names no days: write such as monday, 2026-01-28, february 10 - march 5, day -1, "
                      "thursday 4 november, day 1 - 15 / 2",
                      days);
        return false;
    }
    if (r->kind == RULE_DATE && day_of_date(&r->from) > day_of_date(&r->to)) {
        buffer_printf(problem, "'%.80s' ends before it begins: exchange the dates", days);
        return false;
    }
    return true;
}

/* ---- times ---- */

static bool take_time(const char **at, uint32_t *out) {
    int hours = 0, minutes = 0;
    const char *next = skip_blanks(*at);
    bool good = is_digit(*next) && take_number(&next, 24, &hours) && *next == ':' && is_digit(next[1]);
    if (!good) {
        return false;
    }
    next++;
    good = take_number(&next, 59, &minutes);
    *out = (uint32_t)(hours * HOUR + minutes * MINUTE);
    *at = next;
    return good && *out <= DAY;
}

static bool parse_times(struct period_rule *r, const char *times, struct buffer *problem) {
    const char *at = times;
    do {
        uint32_t from = 0, to = 0;
        if (!take_time(&at, &from) || !take_char(&at, '-') || !take_time(&at, &to)) {
            buffer_printf(problem, "'%.80s' are no times: write such as 09:00-12:00,13:00-17:00", times);
            return false;
        }
        if (from > to) {
            buffer_printf(problem, "a range ends before it begins: write 22:00-24:00,00:00-06:00 for 22:00-06:00");
            return false;
        }
        if (r->span_count == PERIOD_SPANS_MAX) {
            buffer_printf(problem, "more than %d ranges: join some", PERIOD_SPANS_MAX);
            return false;
        }
        r->spans[r->span_count].from = from;
        r->spans[r->span_count++].to = to;
    } while (take_char(&at, ','));
    if (*skip_blanks(at) != '\0') {
        buffer_printf(problem, "'%.40s' stands behind the times: remove it", skip_blanks(at));
        return false;
    }
    return true;
}

const char *period_rule_times(const char *line) {
    const char *at = line;
    while (*at != '\0') {
        size_t digits = strspn(at, "0123456789");
        if (digits > 0 && at[digits] == ':') {
            return at;
        }
        at += digits > 0 ? digits : 1;
    }
    return at;
}

bool period_rule_parse(struct period_rule *out, const char *days, const char *times, struct buffer *problem) {
    *out = (struct period_rule){0};
    return parse_days(out, days, problem) && parse_times(out, times, problem);
}

/* ---- the canonical text ---- */

static void print_point(struct buffer *out, enum rule_kind kind, const struct rule_point *p) {
    switch (kind) {
    case RULE_DATE:
        buffer_printf(out, "%04u-%02u-%02d", p->year, p->month, p->day);
        return;
    case RULE_MONTH_DATE:
        buffer_printf(out, "%s %d", months[p->month - 1], p->day);
        return;
    case RULE_MONTH_DAY:
        buffer_printf(out, "day %d", p->day);
        return;
    case RULE_MONTH_WEEKDAY:
        buffer_printf(out, "%s %d %s", weekdays[p->weekday], p->day, months[p->month - 1]);
        return;
    case RULE_WEEKDAY:
        buffer_printf(out, "%s %d", weekdays[p->weekday], p->day);
        return;
    case RULE_WEEK:
    case RULE_KINDS:
        buffer_printf(out, "%s", weekdays[p->weekday]);
    }
}

static bool one_day(const struct period_rule *r) {
    const struct rule_point *a = &r->from, *b = &r->to;
    return a->year == b->year && a->month == b->month && a->weekday == b->weekday && a->day == b->day;
}

void period_rule_print(struct buffer *out, const struct period_rule *r) {
    print_point(out, r->kind, &r->from);
    if (!one_day(r)) {
        buffer_printf(out, " - ");
        print_point(out, r->kind, &r->to);
    }
    if (r->every) {
        buffer_printf(out, " / %u", r->every);
    }
    for (unsigned i = 0; i < r->span_count; i++) {
        unsigned from = r->spans[i].from / MINUTE, to = r->spans[i].to / MINUTE;
        buffer_printf(out, "%c%02u:%02u-%02u:%02u", i ? ',' : ' ', from / 60, from % 60, to / 60, to % 60);
    }
}

bool period_rule_read(struct period_rule *out, const char *text) {
    struct buffer days = {0}, again = {0}, problem = {0};
    const char *times = period_rule_times(text);
    bool good = strlen(text) < PERIOD_RULE_TEXT;
    buffer_put(&days, text, (size_t)(times - text));
    good = good && period_rule_parse(out, buffer_cstr(&days), times, &problem);
    if (good) {
        period_rule_print(&again, out);
        good = strcmp(buffer_cstr(&again), text) == 0;
    }
    buffer_free(&days);
    buffer_free(&again);
    buffer_free(&problem);
    return good;
}
