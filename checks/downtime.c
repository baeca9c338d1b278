/* Scheduled downtime, as in common/downtime.c of Nagios Core: a fixed one from start to end; a flexible one from the
   first change of a problem within its window, for its duration; a triggered one from the beginning of another. While
   one is in effect nothing is told of the object. */
#include "base/invariant.h"
#include "checks/machine.h"

enum { EXPIRES_BEHIND_MS = 1000 }; /* Nagios looks for what never began a second after its end */

unsigned downtime_depth(const struct object *o) {
    unsigned depth = 0;
    for (const struct note *n = o->notes; n; n = n->next) {
        depth += n->kind == NOTE_DOWNTIME && n->in_effect;
    }
    return depth;
}

bool in_downtime(const struct monitor *m, const struct object *o) {
    return downtime_depth(o) > 0 || (!o->is_host && downtime_depth(&m->table.list[o->host]) > 0);
}

static bool waits_for_problem(const struct note *n, time_ms t) {
    return n->kind == NOTE_DOWNTIME && !n->fixed && !n->in_effect && n->trigger == 0 && n->start <= t && t <= n->end;
}

static bool pends(const struct monitor *m, const struct object *o) {
    bool any = false;
    for (const struct note *n = o->notes; n && !any; n = n->next) {
        any = waits_for_problem(n, m->t);
    }
    return any;
}

bool downtime_pends(const struct monitor *m, const struct object *o) {
    return pends(m, o) || (!o->is_host && pends(m, &m->table.list[o->host]));
}

unsigned downtime_trigger_depth(const struct monitor *m, uint64_t id) {
    unsigned depth = 0;
    for (const struct note *n = note_find(m, id); n; n = n->trigger ? note_find(m, n->trigger) : NULL) {
        depth++;
    }
    return depth;
}

/* ---- beginning and end ---- */

static struct object *object_of(struct monitor *m, const struct note *n) {
    return &m->table.list[n->object];
}

static void begin(struct monitor *m, struct note *n) {
    struct object *o = object_of(m, n);
    if (n->in_effect || (n->fixed && n->end <= m->t)) {
        return;
    }
    if (downtime_depth(o) == 0) {
        event_downtime(m, o, EVENT_DOWNTIME_STARTED);
        notify_remark(m, o, ALERT_DOWNTIMESTART, 0, n->author, n->comment);
    }
    n->in_effect = true;
    n->ends = n->fixed ? n->end : m->t + n->duration;
    note_touch(n);
    for (struct note *child = n->triggered; child; child = child->triggered_next) {
        begin(m, child);
    }
    freshness_schedule(m, o);
}

/* Those that it triggered end with it, and each ends what it triggered itself. */
static void end(struct monitor *m, struct note *n) {
    struct object *o = object_of(m, n);
    n->in_effect = false;
    if (downtime_depth(o) == 0) {
        event_downtime(m, o, EVENT_DOWNTIME_STOPPED);
        notify_remark(m, o, ALERT_DOWNTIMEEND, 0, n->author, n->comment);
    }
    for (struct note *child = n->triggered, *next; child; child = next) {
        next = child->triggered_next;
        if (child->in_effect) {
            end(m, child);
        }
    }
    note_remove(m, n);
}

void downtime_scheduled(struct monitor *m, struct note *n) {
    const struct note *trigger = n->trigger ? note_find(m, n->trigger) : NULL;
    if (trigger ? trigger->in_effect : n->fixed && n->start <= m->t) {
        begin(m, n);
    }
}

void downtime_cancel(struct monitor *m, struct note *n, const char *who, const char *why) {
    struct object *o = object_of(m, n);
    if (n->in_effect) {
        n->in_effect = false;
        if (downtime_depth(o) == 0) {
            event_downtime(m, o, EVENT_DOWNTIME_CANCELLED);
            notify_remark(m, o, ALERT_DOWNTIMECANCELLED, 0, who, why);
        }
    }
    while (n->triggered) {
        downtime_cancel(m, n->triggered, who, why);
    }
    note_remove(m, n);
}

void downtime_problem(struct monitor *m, struct object *o) {
    for (struct note *n = o->notes; n; n = n->next) {
        if (waits_for_problem(n, m->t)) {
            begin(m, n);
        }
    }
}

/* ---- time ---- */

static bool begins_by_itself(const struct note *n) {
    return n->fixed && n->trigger == 0;
}

time_ms downtime_due(const struct note *n) {
    if (n->in_effect) {
        return n->ends;
    }
    return begins_by_itself(n) ? n->start : n->end + EXPIRES_BEHIND_MS;
}

void downtime_wake(struct monitor *m, struct note *n) {
    if (n->in_effect) {
        end(m, n);
    } else if (!begins_by_itself(n)) {
        notify_remark(m, object_of(m, n), ALERT_DOWNTIMEEND, 0, n->author, n->comment);
        note_remove(m, n);
    } else if (n->end <= m->t) { /* agreed time leapt over it, and over what it would have begun */
        downtime_cancel(m, n, "", "");
    } else {
        begin(m, n);
    }
}
