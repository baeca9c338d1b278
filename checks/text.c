/* Kept texts with memory of their own, the one line that alerts show of a vote, and a moment as text, since no clock or
   locale of a replica may colour what replicas sign. */
#include "checks/text.h"

#include "checks/calendar.h"

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

void text_time(char out[TIME_TEXT], time_ms t) {
    int64_t seconds = t > 0 ? t / 1000 : 0;
    struct civil c = calendar_civil(seconds / CALENDAR_DAY_SECONDS);
    int of_day = (int)(seconds % CALENDAR_DAY_SECONDS);
    snprintf(out, TIME_TEXT, "%04lld-%02u-%02uT%02d:%02d:%02dZ", (long long)(c.year % 10000), c.month, c.day,
             of_day / 3600, of_day / 60 % 60, of_day % 60);
}
