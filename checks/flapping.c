/* Flap detection: section c.3 of Nagios' logic (base/flapping.c) in whole numbers. The last 21 states that counted
   stand oldest first; a change between neighbours weighs from 0.75 for the oldest pair to 1.25 for the newest, in 19
   steps. In units of 1/1900 these are 1425 + 50 i. Of 20 pairs, so the percentage is sum * 100 / (20 * 1900) = sum /
   380. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <string.h>

enum { WEIGHT_OLDEST = 1425, WEIGHT_STEP = 50, UNITS_OF_A_PERCENT = 380 };

uint32_t flapping_change(const struct object *o) {
    uint32_t sum = 0;
    for (unsigned i = 0; i + 1 < FLAP_HISTORY; i++) {
        sum += o->history[i] != o->history[i + 1] ? WEIGHT_OLDEST + i * WEIGHT_STEP : 0;
    }
    return sum;
}

void flapping_describe(struct buffer *out, uint32_t change) {
    buffer_printf(out, "%u.%u%% change of state", change / UNITS_OF_A_PERCENT,
                  change % UNITS_OF_A_PERCENT / (UNITS_OF_A_PERCENT / 10));
}

/* Of the percentage `sum` against a threshold in thousandths of a percent: exact. */
static int compare(uint32_t sum, uint32_t threshold) {
    uint64_t thousandths = (uint64_t)sum * 1000, bound = (uint64_t)threshold * UNITS_OF_A_PERCENT;
    return thousandths < bound ? -1 : thousandths > bound;
}

/* A new entry needs a round: as many observers as the quorum, or all that still report, voted since the last one. So
   one observer that speaks often adds no more than one that speaks as it should. Silence counts by the clock. */
static bool is_due(const struct monitor *m, const struct object *o, bool round) {
    const struct observer_vote *votes = object_votes(&m->table, o);
    unsigned fresh = 0, anew = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        bool counted = vote_counted(&votes[i], m->t);
        fresh += counted;
        anew += counted && votes[i].stamp > o->history_stamp;
    }
    unsigned needed = fresh < o->def->quorum ? fresh : o->def->quorum;
    return fresh > 0 ? anew >= needed : round;
}

static void remember(struct monitor *m, struct object *o) {
    if (o->def->flap_options & option_of(o)) {
        o->history_stamp = o->stamp;
        o->history_at = m->t;
        object_touch(m, o);
        memmove(o->history, o->history + 1, FLAP_HISTORY - 1);
        o->history[FLAP_HISTORY - 1] = o->state;
    }
}

/* Nagios remembers what was told only of a problem that still stands when the flapping begins (set_service_flap asks
   for current_state != STATE_OK); a recovery that begins it would never be told to those who heard of the problem. */
static void begin(struct monitor *m, struct object *o, uint32_t sum) {
    o->flapping = true;
    o->told_before_flapping = o->number > 0 ? o->notified_on : 0;
    object_touch(m, o);
    event_flapping(m, o, EVENT_FLAPPING_STARTED);
    notify_flapping(m, o, ALERT_FLAPPINGSTART, sum);
}

/* A problem that was told before, and ended meanwhile: its recovery is told now. */
static void end(struct monitor *m, struct object *o, enum alert_type type) {
    unsigned told = o->told_before_flapping;
    o->flapping = false;
    o->told_before_flapping = 0;
    object_touch(m, o);
    event_flapping(m, o, type == ALERT_FLAPPINGSTOP ? EVENT_FLAPPING_STOPPED : EVENT_FLAPPING_DISABLED);
    notify_flapping(m, o, type, flapping_change(o));
    if (told && o->state == STATE_OK) {
        o->notified_on = told;
        notify_object(m, o);
        notify_forget(o);
    }
}

static void decide(struct monitor *m, struct object *o) {
    uint32_t sum = flapping_change(o);
    if (compare(sum, o->def->high_flap) >= 0 && compare(sum, o->def->low_flap) > 0) {
        if (!o->flapping) {
            begin(m, o, sum);
        }
    } else if (compare(sum, o->def->low_flap) <= 0 && o->flapping) {
        end(m, o, ALERT_FLAPPINGSTOP);
    }
}

/* The configuration or an operator turned it off; what was remembered is no beginning for the day it is turned on
 * again. */
static void stop(struct monitor *m, struct object *o) {
    if (o->flapping) {
        end(m, o, ALERT_FLAPPINGDISABLED);
    }
    if (o->history_at > 0) {
        memset(o->history, 0, FLAP_HISTORY);
        o->history_at = 0;
        object_touch(m, o);
    }
}

static bool detects(const struct monitor *m, const struct object *o) {
    return switched_on(m, o, SUBJECT_FLAP_DETECTION, o->def->flap_enabled);
}

void flapping_switched(struct monitor *m, struct object *o) {
    if (!detects(m, o)) {
        stop(m, o);
    }
}

/* A host that is seldom checked: its services' results count for it, as often as one of them comes on average. */
static void host_of(struct monitor *m, const struct object *service) {
    struct object *host = &m->table.list[service->host];
    if (!detects(m, host)) {
        stop(m, host);
    } else if (host->state != STATE_PENDING && host->service_count > 0 &&
               m->t - host->history_at >= host->service_intervals / host->service_count) {
        remember(m, host);
        decide(m, host);
    }
    freshness_schedule(m, host);
}

void flapping_result(struct monitor *m, struct object *o, bool round) {
    bool soft_problem = !o->is_host && !o->hard && o->state != STATE_OK;
    if (!detects(m, o)) {
        stop(m, o);
    } else if (o->state != STATE_PENDING && !soft_problem && is_due(m, o, round)) {
        remember(m, o);
        decide(m, o);
    }
    if (!o->is_host && m->hears) {
        host_of(m, o);
    }
}
