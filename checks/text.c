/* Kept texts with memory of their own, the one line that alerts show of a vote, and a calendar in integers, since no
   clock or locale of a replica may colour what replicas sign. */
#include "checks/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_set_bytes(struct text *t, struct bytes value) {
    if (value.len + 1 > t->cap) {
        t->cap = (uint32_t)(value.len + 1 + value.len / 4);
        t->data = xrealloc(t->data, t->cap);
    }
    if (value.len > 0) {
        memcpy(t->data, value.data, value.len);
    }
    t->data[value.len] = 0;
    t->len = (uint32_t)value.len;
}

void text_set(struct text *t, const char *value) {
    if (value[0] || t->data) {
        text_set_bytes(t, bytes_of_text(value));
    }
}

void text_free(struct text *t) {
    free(t->data);
    *t = (struct text){0};
}

struct bytes text_line(const char *text) {
    size_t len = strcspn(text, "\n");
    if (len > LINE_MAX_LEN) {
        len = LINE_MAX_LEN;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    return bytes_of(text, len);
}

static bool is_leap(int64_t year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_before_year(int64_t year) {
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

void text_time(char out[TIME_TEXT], time_ms t) {
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t seconds = t > 0 ? t / 1000 : 0;
    int64_t days = seconds / 86400 + days_before_year(1970);
    int64_t year = days / 366 + 1; /* never too late, and a few steps early at most for years in use */
    while (days_before_year(year + 1) <= days) {
        year++;
    }
    days -= days_before_year(year);
    int month = 0;
    for (; month < 11; month++) {
        int length = month_days[month] + (month == 1 && is_leap(year));
        if (days < length) {
            break;
        }
        days -= length;
    }
    int day_seconds = (int)(seconds % 86400);
    snprintf(out, TIME_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)(year % 10000), month + 1, (int)days + 1,
             day_seconds / 3600, day_seconds / 60 % 60, day_seconds % 60);
}
