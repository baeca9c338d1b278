/* The naive model: who is told of what, by the tests of docs/MONITORING.md in their order. */
#include "tests/sim/naive.h"

#include <string.h>

bool naive_in_period(const struct naive *m, const char *name, time_ms t) {
    struct period *p = periods_find(&m->periods, m->objects, name);
    return !p || period_holds(p, t);
}

static unsigned option_of(const struct naive_object *o) {
    if (o->state == STATE_OK)
        return NOTIFY_RECOVERY;
    if (o->is_host)
        return o->state == HOST_DOWN ? NOTIFY_DOWN : NOTIFY_UNREACHABLE;
    return o->state == STATE_WARNING ? NOTIFY_WARNING : o->state == STATE_CRITICAL ? NOTIFY_CRITICAL : NOTIFY_UNKNOWN;
}

static const struct object_contact *contact(const struct naive *m, const char *name) {
    for (unsigned i = 0; i < m->objects->contact_count; i++)
        if (strcmp(m->objects->contacts[i].name, name) == 0)
            return &m->objects->contacts[i];
    return NULL;
}

/* asked: the option a contact must have, 0: none. For a RECOVERY also one of the states told before. */
static void add_contacts(const struct naive *m, const struct naive_object *o, unsigned asked, struct naive_alert *a) {
    for (unsigned i = 0; i < o->def->contact_count; i++) {
        const struct object_contact *c = contact(m, o->def->contacts[i]);
        unsigned options = o->is_host ? c->host_options : c->service_options;
        if (!(o->is_host ? c->host_enabled : c->service_enabled))
            continue;
        if (!naive_in_period(m, o->is_host ? c->host_period : c->service_period, m->t))
            continue;
        if ((options & asked) != asked || (asked == NOTIFY_RECOVERY && !(options & o->told)))
            continue;
        a->contacts[a->contact_count++] = c->name;
    }
}

static struct naive_alert about(const struct naive_object *o, enum alert_type type) {
    return (struct naive_alert){.type = type,
                                .host = o->def->host,
                                .service = o->def->service,
                                .text = "",
                                .state = o->state,
                                .hard = o->hard,
                                .attempt = o->attempt,
                                .number = o->number};
}

static bool withheld(const struct naive *m, struct naive_object *o) {
    bool ok = o->state == STATE_OK;
    o->waits = !naive_in_period(m, o->def->notification_period, m->t) && !ok;
    if (o->waits)
        o->next = m->t;
    if (!naive_in_period(m, o->def->notification_period, m->t) || !o->def->notifications_enabled)
        return true;
    if (!o->hard || !(o->def->notification_options & option_of(o)) || (ok && !o->told))
        return true;
    if (!ok && o->number == 0 && m->t < o->hard_since + o->def->first_notification_delay) {
        o->remind = o->hard_since + o->def->first_notification_delay;
        return true;
    }
    if (o->flaps)
        return true;
    if (ok)
        return false;
    if (!o->is_host && o->host->hard && naive_down(o->host))
        return true;
    return !o->def->is_volatile && (o->told_once || m->t < o->next);
}

void naive_tell(struct naive *m, struct naive_object *o) {
    struct naive_alert a = about(o, o->state == STATE_OK ? ALERT_RECOVERY : ALERT_PROBLEM);
    if (withheld(m, o))
        return;
    add_contacts(m, o, option_of(o), &a);
    if (a.contact_count == 0)
        return;
    a.number = ++o->number;
    m->raise(m->self, &a);
    o->told |= option_of(o);
    o->told_once = o->def->notification_interval == 0;
    o->next = m->t + o->def->notification_interval;
    o->remind = o->told_once ? 0 : o->next;
}

void naive_tell_dissent(struct naive *m, struct naive_object *o) {
    struct naive_alert a = about(o, ALERT_DISSENT);
    if (!naive_in_period(m, o->def->notification_period, m->t))
        return; /* it is told when the period begins */
    o->dissent_told = true;
    add_contacts(m, o, 0, &a);
    if (a.contact_count > 0 && o->def->notifications_enabled)
        m->raise(m->self, &a);
}

void naive_tell_flapping(struct naive *m, struct naive_object *o, enum alert_type type) {
    struct naive_alert a = about(o, type);
    if (!naive_in_period(m, o->def->notification_period, m->t) || !o->def->notifications_enabled ||
        !(o->def->notification_options & NOTIFY_FLAPPING))
        return;
    add_contacts(m, o, NOTIFY_FLAPPING, &a);
    if (a.contact_count > 0)
        m->raise(m->self, &a);
}

void naive_tell_system(struct naive *m, const char *text) {
    struct naive_alert a = {
        .type = ALERT_SYSTEM, .host = "", .service = "", .text = text, .state = STATE_OK, .hard = true, .attempt = 1};
    for (unsigned i = 0; m->objects && i < m->objects->system_contact_count; i++) {
        const struct object_contact *c = contact(m, m->objects->system_contacts[i]);
        if (c->host_enabled && naive_in_period(m, c->host_period, m->t))
            a.contacts[a.contact_count++] = c->name;
    }
    m->raise(m->self, &a);
}
