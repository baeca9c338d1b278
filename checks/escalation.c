/* Who is told instead of the object's own contacts, and how soon again: section c.4 of Nagios' logic. An escalation is
   valid for certain notifications by number, in certain states, in its period. If any is, the contacts are those of all
   valid ones and the interval the shortest of theirs. Source of the rules: base/notifications.c,
   is_valid_escalation_for_service_notification and get_next_service_notification_time. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>

/* A recovery goes to those who heard of the problem last: its own number does not count. */
static bool is_valid(const struct monitor *m, const struct object *o, const struct object_escalation *e,
                     uint32_t number) {
    int64_t n = o->state == STATE_OK ? (int64_t)number - 1 : number;
    return n >= e->first && (e->last == 0 || n <= e->last) && (e->options & state_option(o->is_host, o->state)) &&
           in_period(m, e->period);
}

static const struct object_escalation *escalations_of(const struct monitor *m, const struct object *o,
                                                      unsigned *count) {
    return objects_escalations(m->table.objects, o->def->host, o->def->service, count);
}

struct audience escalation_audience(const struct monitor *m, const struct object *o, uint32_t number) {
    unsigned count = 0, total = 0, used = 0;
    bool any = false;
    const struct object_escalation *list = escalations_of(m, o, &count);
    for (unsigned i = 0; i < count; i++) {
        total += list[i].contact_count;
    }
    const char **names = xcalloc(total + 1, sizeof *names);
    for (unsigned i = 0; i < count; i++) {
        bool valid = is_valid(m, o, &list[i], number);
        any = any || valid;
        for (unsigned k = 0; valid && k < list[i].contact_count; k++) {
            names[used++] = list[i].contacts[k];
        }
    }
    if (!any) {
        free(names);
        return (struct audience){o->def->contacts, o->def->contact_count, NULL};
    }
    return (struct audience){names, names_sort(names, used), names};
}

struct audience escalation_everybody(const struct monitor *m, const struct object *o) {
    unsigned count = 0, total = o->def->contact_count, used = 0;
    const struct object_escalation *list = escalations_of(m, o, &count);
    for (unsigned i = 0; i < count; i++) {
        total += list[i].contact_count;
    }
    const char **names = xcalloc(total + 1, sizeof *names);
    for (unsigned i = 0; i < o->def->contact_count; i++) {
        names[used++] = o->def->contacts[i];
    }
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < list[i].contact_count; k++) {
            names[used++] = list[i].contacts[k];
        }
    }
    return (struct audience){names, names_sort(names, used), names};
}

time_ms escalation_interval(const struct monitor *m, const struct object *o, uint32_t number) {
    unsigned count = 0;
    bool any = false;
    time_ms interval = o->def->notification_interval;
    const struct object_escalation *list = escalations_of(m, o, &count);
    for (unsigned i = 0; i < count; i++) {
        if (is_valid(m, o, &list[i], number)) {
            interval = any && interval < list[i].interval ? interval : list[i].interval;
            any = true;
        }
    }
    return interval;
}
