/* Which of two greetings counts for more, and which for nothing. */
#include "replica/greeting.h"

bool greeting_is_newer(const struct intake_greeting *a, const struct intake_greeting *b) {
    return a->boot != b->boot ? a->boot > b->boot : a->counter > b->counter;
}

bool greeting_is_stale(const struct intake_greeting *g, const struct intake_greeting *newest) {
    if (g->boot != newest->boot)
        return newest->boot > g->boot;
    return newest->counter > g->counter && newest->counter - g->counter > INTAKE_LATE_STATUS;
}

bool greeting_goes_before(const struct intake_greeting *a, const struct intake_greeting *b) {
    return greeting_is_newer(a, b) || (!greeting_is_newer(b, a) && a->came < b->came);
}
