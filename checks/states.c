/* Nagios' soft and hard states on agreed verdicts: section c.1 of Nagios Core's logic, for services and hosts, and the
   reachability of hosts through their parents. */
#include "base/invariant.h"
#include "checks/machine.h"

bool host_not_up(const struct object *host) {
    return host->state == HOST_DOWN || host->state == HOST_UNREACHABLE;
}

uint8_t host_down_state(const struct monitor *m, const struct object *host) {
    const struct object_checkable *def = host->def;
    for (unsigned i = 0; i < def->parent_count; i++) {
        int64_t parent = table_find(&m->table, def->parents[i], "");
        ENSURE(parent != OBJECT_NONE);
        if (!host_not_up(&m->table.list[parent])) {
            return HOST_DOWN;
        }
    }
    return def->parent_count > 0 ? HOST_UNREACHABLE : HOST_DOWN;
}

unsigned state_option(bool is_host, uint8_t state) {
    static const unsigned service[] = {NOTIFY_RECOVERY, NOTIFY_WARNING, NOTIFY_CRITICAL, NOTIFY_UNKNOWN,
                                       NOTIFY_PENDING};
    static const unsigned host[] = {NOTIFY_RECOVERY, NOTIFY_DOWN, NOTIFY_UNREACHABLE, 0, NOTIFY_PENDING};
    REQUIRE(state <= STATE_PENDING);
    return is_host ? host[state] : service[state];
}

static bool behind_a_down_host(const struct monitor *m, const struct object *o) {
    return !o->is_host && host_not_up(&m->table.list[o->host]);
}

/* Every change, soft or hard, makes the next notification new. */
static void forget_reminder(struct object *o) {
    o->next_notification = 0;
    o->no_more = false;
    o->remind_at = 0;
    o->waits_for_period = false;
}

void notify_forget(struct object *o) {
    o->number = 0;
    o->notified_on = 0;
    forget_reminder(o);
}

static void harden(const struct monitor *m, struct object *o) {
    o->hard = true;
    o->last_hard_state = o->state;
    o->hard_since = m->t;
    o->attempt_at = m->t; /* the next one is due a check_interval later, be this one a round or not */
    forget_reminder(o);
}

/* Where Nagios' log says a recovery came: a service's soft one is an attempt of its own. */
static uint32_t attempt_of_recovery(const struct object *o) {
    return o->is_host ? 1 : o->hard ? o->attempt : o->attempt + 1;
}

static void recover(struct monitor *m, struct object *o, bool was_problem, bool round) {
    bool was_hard = o->hard;
    uint32_t came_at = attempt_of_recovery(o);
    o->attempt = 1;
    o->hard = true;
    if (was_problem && was_hard) {
        harden(m, o);
    }
    flapping_result(m, o, round);
    if (was_problem && was_hard) {
        notify_object(m, o);
    }
    if (was_problem) {
        event_state(m, o, was_hard, came_at);
    }
    o->last_hard_state = STATE_OK;
    notify_forget(o);
}

/* Whether to notify. A service of a host that is not UP turns hard at once, and its host is told instead. */
static bool first_problem(struct monitor *m, struct object *o) {
    o->attempt = 1;
    o->hard = false;
    if (behind_a_down_host(m, o)) {
        o->attempt = o->def->max_check_attempts;
        harden(m, o);
        return false;
    }
    if (o->attempt < o->def->max_check_attempts) {
        return false;
    }
    harden(m, o);
    return true;
}

/* A service that lasts in its problem may have its host told again. */
static bool lasting_problem(struct monitor *m, struct object *o, bool round) {
    uint32_t max = o->def->max_check_attempts;
    if (behind_a_down_host(m, o)) {
        if (round && o->state == o->last_state) {
            notify_object(m, &m->table.list[o->host]);
            freshness_schedule(m, &m->table.list[o->host]);
        }
        if (!o->hard || o->last_hard_state != o->state) {
            o->attempt = max;
            harden(m, o);
        }
        return false;
    }
    if (!o->hard && round && o->attempt < max) {
        o->attempt++;
    }
    if (o->attempt >= max && (!o->hard || o->state != o->last_hard_state)) {
        harden(m, o);
        return true;
    }
    return o->hard && round;
}

void object_result(struct monitor *m, struct object *o, uint8_t state, bool round) {
    uint8_t last = o->state == STATE_PENDING ? STATE_OK : o->state;
    if (o->state != state) {
        o->since = m->t;
        forget_reminder(o);
    }
    o->last_state = last;
    bool changed = last != state;
    o->state = state;
    object_touch(m, o);
    if (changed) {
        acknowledgement_changed(m, o);
    }
    if (state == STATE_OK) {
        recover(m, o, last != STATE_OK, round);
        return;
    }
    bool was_hard = o->hard;
    bool tell = last == STATE_OK ? first_problem(m, o) : lasting_problem(m, o, round);
    bool moved = changed || was_hard != o->hard;
    if (moved && !o->is_host) {
        downtime_problem(m, o);
    }
    flapping_result(m, o, round);
    if (tell || (o->hard && round && o->def->is_volatile)) {
        notify_object(m, o);
    }
    if (moved || (round && (!o->hard || o->def->is_volatile))) {
        event_state(m, o, o->hard, o->attempt);
    }
    if (moved && o->is_host) { /* Nagios makes an event of it that comes up behind the result */
        downtime_problem(m, o);
    }
}

/* What is told of a host is what its parents make of it now. Of a service whose host is not UP, be it SOFT, nothing is
   told by the clock. */
void object_remind(struct monitor *m, struct object *o) {
    object_touch(m, o);
    if (o->is_host && o->hard && host_not_up(o) && o->state != host_down_state(m, o)) {
        object_result(m, o, host_down_state(m, o), false);
    } else if (!behind_a_down_host(m, o)) {
        notify_object(m, o);
    }
}
