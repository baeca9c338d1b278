/* Whose problem is explained by another's: dependencies and parents of services, section c.4 of Nagios' logic. A
   problem that is withheld is looked at again with each round of its object and, lest a silent agent keep it quiet, at
   an agreed deadline: one object at a time, so a master with many dependants costs no more than they cost one by one. A
   recovery is not withheld: whoever was told of the problem is told of its end. Source of the rules: base/checks.c,
   check_service_dependencies and check_host_dependencies; base/notifications.c. */
#include "base/invariant.h"
#include "checks/machine.h"

static const struct object *object_named(const struct monitor *m, const char *host, const char *service) {
    int64_t id = table_find(&m->table, host, service);
    ENSURE(id != OBJECT_NONE);
    return &m->table.list[id];
}

/* The state that counts: the last hard one while it is SOFT. */
static unsigned state_of_master(const struct object *master) {
    bool settled = master->state == STATE_PENDING || master->hard;
    return state_option(master->is_host, settled ? master->state : master->last_hard_state);
}

/* Each dependency counts in its own period, whatever the period of another says. Objects are validated: no circle, and
   fewer than DEPENDENCY_COST_MAX steps in all. */
static bool rests_on_failed(const struct monitor *m, const char *host, const char *service) {
    unsigned count = 0;
    const struct object_dependency *list = objects_dependencies(m->table.objects, host, service, &count);
    for (unsigned i = 0; i < count; i++) {
        const struct object_dependency *d = &list[i];
        if (!in_period(m, d->period)) {
            continue;
        }
        if (d->failure & state_of_master(object_named(m, d->master_host, d->master_service))) {
            return true;
        }
        if (d->inherits_parent && rests_on_failed(m, d->master_host, d->master_service)) {
            return true;
        }
    }
    return false;
}

/* None of its parents is good, soft problems included; what was never judged is good. */
static bool parents_failed(const struct monitor *m, const struct object_checkable *def) {
    for (unsigned i = 0; i < def->service_parent_count; i++) {
        const struct object *parent = object_named(m, def->service_parents[i].host, def->service_parents[i].service);
        if (parent->state == STATE_OK || parent->state == STATE_PENDING) {
            return false;
        }
    }
    return def->service_parent_count > 0;
}

/* The next look: when its next result is due. */
static time_ms next_look(const struct monitor *m, const struct object *o) {
    const struct object_checkable *def = o->def;
    return m->t + (def->check_interval > 0 ? def->check_interval : def->freshness_threshold);
}

bool dependency_withholds(const struct monitor *m, struct object *o) {
    const struct object_checkable *def = o->def;
    if (!parents_failed(m, def) && !rests_on_failed(m, def->host, def->service) &&
        (o->is_host || !rests_on_failed(m, def->host, ""))) {
        return false;
    }
    o->remind_at = next_look(m, o);
    return true;
}
