/* The naive model: who is told of what, by the tests of docs/MONITORING.md in their order. */
#include "tests/sim/naive.h"

#include <string.h>

bool naive_in_period(const struct naive *m, const char *name, time_ms t) {
    struct period *p = periods_find(&m->periods, m->objects, name);
    return !p || period_holds(p, t);
}

bool naive_on(const struct naive *m, const struct naive_object *o, enum command_subject s) {
    bool defined[] = {[SUBJECT_NONE] = true,
                      [SUBJECT_NOTIFICATIONS] = o->def->notifications_enabled,
                      [SUBJECT_FLAP_DETECTION] = o->def->flap_enabled,
                      [SUBJECT_RESULTS] = true};
    (void)m;
    return o->turned[s] ? o->turned[s] > 0 : defined[s];
}

static unsigned option_for(bool is_host, unsigned state) {
    if (state == STATE_PENDING)
        return NOTIFY_PENDING;
    if (state == STATE_OK)
        return NOTIFY_RECOVERY;
    if (is_host)
        return state == HOST_DOWN ? NOTIFY_DOWN : NOTIFY_UNREACHABLE;
    return state == STATE_WARNING ? NOTIFY_WARNING : state == STATE_CRITICAL ? NOTIFY_CRITICAL : NOTIFY_UNKNOWN;
}

static unsigned option_of(const struct naive_object *o) {
    return option_for(o->is_host, o->state);
}

/* ---- escalations ---- */

static const struct object_escalation *escalation(const struct naive *m, const struct naive_object *o, unsigned i) {
    const struct objects *all = m->objects;
    unsigned count = o->is_host ? all->host_escalation_count : all->service_escalation_count;
    const struct object_escalation *list = o->is_host ? all->host_escalations : all->service_escalations;
    for (unsigned k = 0; k < count; k++)
        if (strcmp(list[k].host, o->def->host) == 0 && strcmp(list[k].service, o->def->service) == 0 && i-- == 0)
            return &list[k];
    return NULL;
}

static bool is_valid(const struct naive *m, const struct naive_object *o, const struct object_escalation *e,
                     uint32_t number) {
    int64_t n = (int64_t)number - (o->state == STATE_OK);
    return n >= e->first && (e->last == 0 || n <= e->last) && (e->options & option_of(o)) &&
           naive_in_period(m, e->period, m->t);
}

static time_ms interval(const struct naive *m, const struct naive_object *o) {
    time_ms shortest = NEVER;
    const struct object_escalation *e;
    for (unsigned i = 0; (e = escalation(m, o, i)); i++)
        if (is_valid(m, o, e, o->number) && e->interval < shortest)
            shortest = e->interval;
    return shortest == NEVER ? o->def->notification_interval : shortest;
}

static bool is_among(const char *name, const char *const *list, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0)
            return true;
    return false;
}

/* Of notification `number`; everybody: own contacts and those of all escalations. */
static bool is_addressed(const struct naive *m, const struct naive_object *o, const char *name, uint32_t number,
                         bool everybody) {
    bool own = is_among(name, o->def->contacts, o->def->contact_count), any = false, named = false;
    const struct object_escalation *e;
    for (unsigned i = 0; (e = escalation(m, o, i)); i++)
        if (everybody || is_valid(m, o, e, number)) {
            any = true;
            named |= is_among(name, e->contacts, e->contact_count);
        }
    return everybody ? own || named : any ? named : own;
}

/* ---- contacts ---- */

struct asking {
    uint32_t number;
    unsigned option; /* the contact must have it; 0: none */
    bool everybody;  /* of all escalations, too */
    bool forced;     /* even who does not listen */
};

static bool wants(const struct naive *m, const struct naive_object *o, const struct object_contact *c,
                  const struct asking *x) {
    unsigned options = o->is_host ? c->host_options : c->service_options;
    if (x->forced)
        return true;
    if (!(o->is_host ? c->host_enabled : c->service_enabled) ||
        !naive_in_period(m, o->is_host ? c->host_period : c->service_period, m->t))
        return false;
    if (x->option == NOTIFY_RECOVERY && !o->is_host && !(options & o->told))
        return false;
    return (options & x->option) == x->option;
}

static void add_contacts(const struct naive *m, const struct naive_object *o, const struct asking *x,
                         struct naive_alert *a) {
    for (unsigned i = 0; i < m->objects->contact_count; i++) {
        const struct object_contact *c = &m->objects->contacts[i];
        if (is_addressed(m, o, c->name, x->number, x->everybody) && wants(m, o, c, x))
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

/* ---- what a problem rests on ---- */

static bool master_failed(const struct naive *m, const struct naive_object *o) {
    const struct objects *all = m->objects;
    unsigned count = o->is_host ? all->host_dependency_count : all->service_dependency_count;
    const struct object_dependency *list = o->is_host ? all->host_dependencies : all->service_dependencies;
    for (unsigned i = 0; i < count; i++) {
        const struct object_dependency *d = &list[i];
        if (strcmp(d->host, o->def->host) != 0 || strcmp(d->service, o->def->service) != 0 ||
            !naive_in_period(m, d->period, m->t))
            continue;
        const struct naive_object *master = naive_find(m, d->master_host, d->master_service);
        unsigned state = master->hard ? master->state : master->last_hard;
        if ((d->failure & option_for(master->is_host, state)) || (d->inherits_parent && master_failed(m, master)))
            return true;
    }
    return false;
}

static bool parents_failed(const struct naive *m, const struct naive_object *o) {
    for (unsigned i = 0; i < o->def->service_parent_count; i++) {
        const struct object_pair *p = &o->def->service_parents[i];
        unsigned state = naive_find(m, p->host, p->service)->state;
        if (state == STATE_OK || state == STATE_PENDING)
            return false;
    }
    return o->def->service_parent_count > 0;
}

static bool explained(const struct naive *m, struct naive_object *o) {
    time_ms wait = o->def->check_interval ? o->def->check_interval : o->def->freshness_threshold;
    if (!master_failed(m, o) && !parents_failed(m, o) && !master_failed(m, o->host))
        return false;
    o->waits = false;
    o->remind = m->t + wait;
    return true;
}

/* ---- problems and recoveries ---- */

static bool withheld(const struct naive *m, struct naive_object *o) {
    bool ok = o->state == STATE_OK;
    bool in_period = naive_in_period(m, o->def->notification_period, m->t);
    if (!in_period && !ok) { /* once it waits, that moment stands until something else is waited for */
        o->waits = true;
        o->next = o->waits_from = m->t;
        o->remind = 0;
    }
    if (!in_period || !naive_on(m, o, SUBJECT_NOTIFICATIONS))
        return true;
    if (!o->hard || naive_acknowledgement(m, o))
        return true;
    if (!(o->def->notification_options & option_of(o)) || (ok && !o->told))
        return true;
    if (!ok && o->number == 0 && m->t < o->hard_since + o->def->first_notification_delay) {
        o->waits = false;
        o->remind = o->hard_since + o->def->first_notification_delay;
        return true;
    }
    if (o->flaps || naive_in_downtime(m, o) || naive_downtime_waits(m, o))
        return true;
    if (ok)
        return false;
    if (!o->is_host && o->host->hard && naive_down(o->host))
        return true;
    if (!o->def->is_volatile && (o->told_once || m->t < o->next))
        return true;
    return explained(m, o);
}

void naive_tell(struct naive *m, struct naive_object *o) {
    struct naive_alert a = about(o, o->state == STATE_OK ? ALERT_RECOVERY : ALERT_PROBLEM);
    struct asking x = {.number = o->number + 1, .option = option_of(o)};
    if (withheld(m, o))
        return;
    add_contacts(m, o, &x, &a);
    if (a.contact_count == 0)
        return;
    a.number = ++o->number;
    m->raise(m->self, &a);
    o->told |= option_of(o);
    o->told_once = interval(m, o) == 0 && !o->def->is_volatile;
    o->next = m->t + interval(m, o);
    o->remind = interval(m, o) ? o->next : 0;
    o->waits = false;
}

/* ---- everything else ---- */

void naive_tell_dissent(struct naive *m, struct naive_object *o) {
    struct naive_alert a = about(o, ALERT_DISSENT);
    struct asking x = {.number = o->number};
    if (!naive_in_period(m, o->def->notification_period, m->t))
        return; /* it is told when the period begins */
    o->dissent_told = true;
    add_contacts(m, o, &x, &a);
    if (a.contact_count > 0 && naive_on(m, o, SUBJECT_NOTIFICATIONS))
        m->raise(m->self, &a);
}

static bool may_be_told(const struct naive *m, const struct naive_object *o, enum alert_type type, unsigned *option) {
    *option = 0;
    if (!naive_in_period(m, o->def->notification_period, m->t) || !naive_on(m, o, SUBJECT_NOTIFICATIONS))
        return false;
    if (type == ALERT_CUSTOM)
        return !naive_in_downtime(m, o);
    if (type == ALERT_ACKNOWLEDGEMENT) {
        *option = option_of(o);
        return true;
    }
    bool flapping = type != ALERT_DOWNTIMESTART && type != ALERT_DOWNTIMEEND && type != ALERT_DOWNTIMECANCELLED;
    *option = flapping ? NOTIFY_FLAPPING : NOTIFY_DOWNTIME;
    return (o->def->notification_options & *option) && (flapping ? !naive_in_downtime(m, o) : naive_depth(m, o) == 0);
}

void naive_remark(struct naive *m, struct naive_object *o, enum alert_type type, unsigned flags, const char *author) {
    bool counts = (flags & COMMAND_INCREMENT) && o->state != STATE_OK && o->state != STATE_PENDING;
    struct naive_alert a = about(o, type);
    struct asking x = {
        .number = o->number + counts, .everybody = flags & COMMAND_BROADCAST, .forced = flags & COMMAND_FORCED};
    if (!may_be_told(m, o, type, &x.option) && !x.forced)
        return;
    add_contacts(m, o, &x, &a);
    if (a.contact_count == 0)
        return;
    a.number = o->number = x.number;
    a.author = author;
    m->raise(m->self, &a);
}

static const struct object_contact *contact(const struct naive *m, const char *name) {
    for (unsigned i = 0; i < m->objects->contact_count; i++)
        if (strcmp(m->objects->contacts[i].name, name) == 0)
            return &m->objects->contacts[i];
    return NULL;
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
