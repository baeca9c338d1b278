/* Which changes become alerts: Nagios' tests in their order (section c.4 of its logic), the contacts that remain, and
   the alert itself. One alert whatever the number of contacts; none when no contact remains. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tests ---- */

static struct period *period_named(const struct monitor *m, const char *name) {
    return periods_find(&m->table.periods, m->table.objects, name);
}

bool in_period(const struct monitor *m, const char *name) {
    struct period *p = period_named(m, name);
    return !p || period_holds(p, m->t);
}

unsigned option_of(const struct object *o) {
    ENSURE(o->state <= (o->is_host ? HOST_UNREACHABLE : STATE_UNKNOWN));
    return state_option(o->is_host, o->state);
}

static bool is_wanted(const struct object *o) {
    bool told = o->state != STATE_OK || o->notified_on != 0;
    return told && (o->def->notification_options & option_of(o));
}

/* Holds the first notification of a problem back; time alone brings it out. */
static bool is_delayed(const struct monitor *m, struct object *o) {
    time_ms due = o->hard_since + o->def->first_notification_delay;
    if (o->state == STATE_OK || o->number > 0 || m->t >= due) {
        return false;
    }
    o->remind_at = due;
    return true;
}

static bool host_explains_it(const struct monitor *m, const struct object *o) {
    const struct object *host = &m->table.list[o->host];
    return !o->is_host && host->hard && host_not_up(host);
}

/* Outside its period nothing is told of an object. A problem that still stands is looked at again when the period
   begins, by Nagios at the first result behind that moment, and is due then. */
static bool waits_for_period(const struct monitor *m, struct object *o) {
    o->waits_for_period = !in_period(m, o->def->notification_period);
    if (o->waits_for_period && o->state != STATE_OK) {
        o->next_notification = m->t;
        o->remind_at = period_edge(period_named(m, o->def->notification_period), m->t);
    }
    return o->waits_for_period;
}

static bool enabled(const struct monitor *m, const struct object *o) {
    return switched_on(m, o, SUBJECT_NOTIFICATIONS, o->def->notifications_enabled);
}

static bool may_tell(const struct monitor *m, const struct object *o) {
    return in_period(m, o->def->notification_period) && enabled(m, o);
}

static bool is_acknowledged(const struct object *o) {
    return acknowledgement(o) != NULL;
}

static bool is_down_on_purpose(const struct monitor *m, const struct object *o) {
    return in_downtime(m, o) || downtime_pends(m, o);
}

static bool passes(const struct monitor *m, struct object *o) {
    if (waits_for_period(m, o) || !enabled(m, o) || !o->hard || is_acknowledged(o) || !is_wanted(o) ||
        is_delayed(m, o) || is_down_on_purpose(m, o)) {
        return false;
    }
    if (o->state == STATE_OK) {
        return !o->flapping;
    }
    return !o->flapping && !o->no_more && !host_explains_it(m, o) &&
           (m->t >= o->next_notification || o->def->is_volatile) && !dependency_withholds(m, o); /* costs most: last */
}

/* ---- contacts ---- */

static int contact_order(const void *name, const void *contact) {
    return strcmp(name, ((const struct object_contact *)contact)->name);
}

static const struct object_contact *contact_named(const struct monitor *m, const char *name) {
    const struct objects *o = m->table.objects;
    const struct object_contact *c =
        o->contact_count ? bsearch(name, o->contacts, o->contact_count, sizeof *o->contacts, contact_order) : NULL;
    ENSURE(c != NULL);
    return c;
}

static bool contact_listens(const struct monitor *m, const struct object_contact *c, bool is_host) {
    bool enabled = is_host ? c->host_enabled : c->service_enabled;
    return enabled && in_period(m, is_host ? c->host_period : c->service_period);
}

/* Who asks for recoveries of hosts hears them all; of services only those of states he asks for, too. */
static bool contact_wants(const struct object_contact *c, const struct object *o) {
    unsigned options = o->is_host ? c->host_options : c->service_options;
    if (o->state == STATE_OK) {
        return (options & NOTIFY_RECOVERY) && (o->is_host || (options & o->notified_on));
    }
    return options & option_of(o);
}

static struct alert_contact contact_view(const struct object_contact *c, bool is_host) {
    return (struct alert_contact){.name = c->name,
                                  .alias = c->alias,
                                  .email = c->email,
                                  .pager = c->pager,
                                  .command_count = is_host ? c->host_command_count : c->service_command_count,
                                  .commands = is_host ? c->host_commands : c->service_commands};
}

/* Of the audience: option: who asked for it, 0: who listens at all; OF_ITS_STATE: who wants the object's state;
   EVERYBODY: listening or not. Takes the audience. To be freed. */
enum { OF_ITS_STATE = -1, EVERYBODY = -2 };
static bool contact_asked(const struct monitor *m, const struct object_contact *c, const struct object *o, int option) {
    unsigned options = o->is_host ? c->host_options : c->service_options;
    if (option == EVERYBODY) {
        return true;
    }
    bool wants = option == OF_ITS_STATE ? contact_wants(c, o) : (options & (unsigned)option) == (unsigned)option;
    return wants && contact_listens(m, c, o->is_host);
}

static struct alert_contact *choose_contacts(const struct monitor *m, const struct object *o, int option,
                                             struct audience audience, unsigned *count) {
    struct alert_contact *out = xcalloc(audience.count + 1, sizeof *out);
    *count = 0;
    for (unsigned i = 0; i < audience.count; i++) {
        const struct object_contact *c = contact_named(m, audience.names[i]);
        if (contact_asked(m, c, o, option)) {
            out[(*count)++] = contact_view(c, o->is_host);
        }
    }
    free(audience.merged);
    return out;
}

/* ---- alerts ---- */

static void raise_alert(struct monitor *m, struct alert *a) {
    a->number = ++m->alerts;
    m->header_dirty = true;
    a->n = m->n;
    a->t = m->t;
    if (m->sink && m->sink->alert) {
        m->sink->alert(m->sink->self, a);
    }
}

static void raise_object(struct monitor *m, const struct object *o, enum alert_type type, const char *output,
                         const char *author, const char *comment, const struct alert_contact *contacts,
                         unsigned contact_count) {
    const struct object *host = &m->table.list[o->host];
    struct arena arena = {0};
    struct alert a = {
        .type = type,
        .host = o->def->host,
        .host_alias = host->def->alias,
        .host_address = host->def->address,
        .service = o->def->service,
        .service_display = o->is_host ? "" : o->def->display,
        .state = o->state,
        .last_state = o->last_state,
        .host_state = host_not_up(host) ? host->state : HOST_UP,
        .hard = o->hard,
        .attempt = o->attempt,
        .max_attempts = o->def->max_check_attempts,
        .notification_number = o->number,
        .since = o->since,
        .output = output,
        .author = author,
        .comment = comment,
        .perfdata = object_perfdata(&m->table, o),
        .quorum = o->def->quorum,
        .observers = o->def->observer_count,
        .vote_count = o->def->observer_count,
        .votes = view_votes(m, o, &arena),
        .contact_count = contact_count,
        .contacts = contacts,
    };
    raise_alert(m, &a);
    arena_free(&arena);
}

static void remember_told(const struct monitor *m, struct object *o) {
    time_ms interval = escalation_interval(m, o, o->number);
    o->next_notification = m->t + interval;
    o->no_more = interval == 0 && !o->def->is_volatile;
    o->notified_on |= option_of(o);
    o->remind_at = interval > 0 ? o->next_notification : 0;
}

void notify_object(struct monitor *m, struct object *o) {
    object_touch(m, o);
    if (!passes(m, o)) {
        return;
    }
    unsigned count = 0;
    struct alert_contact *contacts =
        choose_contacts(m, o, OF_ITS_STATE, escalation_audience(m, o, o->number + 1), &count);
    if (count > 0) {
        o->number++;
        enum alert_type type = o->state == STATE_OK ? ALERT_RECOVERY : ALERT_PROBLEM;
        raise_object(m, o, type, object_output(&m->table, o), "", "", contacts, count);
        remember_told(m, o);
    }
    free(contacts);
}

static void describe_dissent(const struct monitor *m, const struct object *o, struct buffer *out) {
    struct ballot b;
    judge_tally(m, o, &b);
    struct verdict v = verdict_of(&b);
    const struct observer_vote *votes = object_votes(&m->table, o);
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        if (judge_dissents(m, &v, &votes[i])) {
            buffer_printf(out, "%s says %s; ", o->def->observers[i], state_name(o->is_host, votes[i].state));
        }
    }
    buffer_printf(out, "%u of %u observers would decide it", b.quorum, b.observers);
}

void notify_dissent(struct monitor *m, struct object *o) {
    object_touch(m, o);
    if (!in_period(m, o->def->notification_period)) {
        o->dissent_due = period_edge(period_named(m, o->def->notification_period), m->t);
        return;
    }
    o->dissent_told = true;
    if (!enabled(m, o)) {
        return;
    }
    unsigned count = 0;
    struct alert_contact *contacts = choose_contacts(m, o, 0, escalation_audience(m, o, o->number), &count);
    if (count > 0) {
        struct buffer text = {0};
        describe_dissent(m, o, &text);
        raise_object(m, o, ALERT_DISSENT, buffer_cstr(&text), "", "", contacts, count);
        buffer_free(&text);
    }
    free(contacts);
}

/* Which tests a remark has to pass, and which contacts ask for it (check_service_notification_viability). */
static bool remark_passes(const struct monitor *m, const struct object *o, enum alert_type type, int *option) {
    switch (type) {
    case ALERT_CUSTOM:
        *option = 0;
        return !in_downtime(m, o);
    case ALERT_ACKNOWLEDGEMENT:
        *option = OF_ITS_STATE;
        return o->state != STATE_OK;
    case ALERT_DOWNTIMESTART:
    case ALERT_DOWNTIMEEND:
    case ALERT_DOWNTIMECANCELLED:
        *option = NOTIFY_DOWNTIME;
        return (o->def->notification_options & NOTIFY_DOWNTIME) && downtime_depth(o) == 0;
    default:
        *option = NOTIFY_FLAPPING;
        return (o->def->notification_options & NOTIFY_FLAPPING) && !in_downtime(m, o);
    }
}

void notify_remark(struct monitor *m, struct object *o, enum alert_type type, unsigned flags, const char *author,
                   const char *comment) {
    int option = 0;
    uint32_t number = o->number + ((flags & COMMAND_INCREMENT) && o->state != STATE_OK && o->state != STATE_PENDING);
    bool passes = remark_passes(m, o, type, &option) && may_tell(m, o);
    if (!passes && !(flags & COMMAND_FORCED)) {
        return;
    }
    option = flags & COMMAND_FORCED ? EVERYBODY : option;
    unsigned count = 0;
    struct audience audience =
        flags & COMMAND_BROADCAST ? escalation_everybody(m, o) : escalation_audience(m, o, number);
    struct alert_contact *contacts = choose_contacts(m, o, option, audience, &count);
    if (count > 0) {
        o->number = number;
        object_touch(m, o);
        raise_object(m, o, type, object_output(&m->table, o), author, comment, contacts, count);
    }
    free(contacts);
}

void notify_flapping(struct monitor *m, struct object *o, enum alert_type type, uint32_t change) {
    struct buffer text = {0};
    flapping_describe(&text, change);
    notify_remark(m, o, type, 0, "", buffer_cstr(&text));
    buffer_free(&text);
}

void notify_system(struct monitor *m, const char *text) {
    const struct objects *o = m->table.objects;
    unsigned total = o ? o->system_contact_count : 0, count = 0;
    struct alert_contact *contacts = xcalloc(total + 1, sizeof *contacts);
    for (unsigned i = 0; i < total; i++) {
        const struct object_contact *c = contact_named(m, o->system_contacts[i]);
        if (contact_listens(m, c, true)) {
            contacts[count++] = contact_view(c, true);
        }
    }
    struct alert a = {.type = ALERT_SYSTEM,
                      .host = "",
                      .host_alias = "",
                      .host_address = "",
                      .service = "",
                      .service_display = "",
                      .hard = true,
                      .attempt = 1,
                      .max_attempts = 1,
                      .since = m->t,
                      .output = text,
                      .author = "",
                      .comment = "",
                      .perfdata = "",
                      .contact_count = count,
                      .contacts = contacts};
    raise_alert(m, &a);
    free(contacts);
}
