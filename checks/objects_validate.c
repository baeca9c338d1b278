/* What must hold of resolved objects whoever made them: every field inside its bounds, every name defined, no host its
   own ancestor, a quorum that its observers can reach. Text that was just resolved and bytes that just arrived pass the
   same rules; only the place that is named differs. */
#include "checks/objects_validate.h"

#include "proto/op.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALERT_CONTACTS_LEN = 512 * 1024, /* of an alert's contacts with their addresses and commands */
    NAME_ROOM = 8,                   /* what encoding adds to a name */
    PERIOD_COST_MAX = 512,
    PERIOD_DEPTH_MAX = 8,
};

void validate_report(struct check *c, enum object_kind kind, unsigned index, const char *directive) {
    c->good = false;
    c->report(c->self, kind, index, directive, buffer_cstr(&c->text));
    buffer_clear(&c->text);
}

static void check_fields(struct check *c, enum object_kind kind, unsigned index) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    const void *object = object_at(c->objects, kind, index);
    for (size_t i = 0; i < count; i++) {
        field_check(&c->text, &f[i], object);
        if (c->text.len > 0) {
            validate_report(c, kind, index, f[i].directive);
        }
    }
}

static void check_call(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                       const char *call) {
    if (*call != '\0' && objects_command(c->objects, call) == NULL) {
        buffer_printf(&c->text, "no command '%.*s': define it or correct the name", (int)strcspn(call, "!"), call);
        validate_report(c, kind, index, directive);
    }
}

void validate_period(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                     const char *period) {
    if (*period != '\0' && objects_timeperiod(c->objects, period) == NULL) {
        buffer_printf(&c->text, "no timeperiod '%s': define it or correct the name", period);
        validate_report(c, kind, index, directive);
    }
}

static size_t names_len(const char *const *names, unsigned count) {
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        len += NAME_ROOM + strlen(names[i]);
    }
    return len;
}

static size_t contact_len(const struct object_contact *c) {
    size_t host = names_len(c->host_commands, c->host_command_count);
    size_t service = names_len(c->service_commands, c->service_command_count);
    const char *texts[] = {c->name, c->alias, c->email, c->pager};
    return NAME_ROOM + names_len(texts, 4) + (host > service ? host : service);
}

static size_t longest_contact(const struct objects *o) {
    size_t longest = 0;
    for (unsigned i = 0; i < o->contact_count; i++) {
        size_t len = contact_len(&o->contacts[i]);
        longest = len > longest ? len : longest;
    }
    return longest;
}

bool validate_room_enough(const struct check *c, size_t contacts) {
    return contacts <= VOTES_MAX && contacts * c->longest_contact <= ALERT_CONTACTS_LEN;
}

/* Every alert names its contacts whole, and must fit into an answer. */
void validate_room(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                   const char *const *contacts, unsigned count) {
    size_t len = 0;
    if (validate_room_enough(c, count)) {
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct object_contact *contact = objects_contact(c->objects, contacts[i]);
        len += contact ? contact_len(contact) : 0;
    }
    if (count > VOTES_MAX || len > ALERT_CONTACTS_LEN) {
        buffer_printf(&c->text, "%u contacts of %zu bytes: an alert holds %d of %d bytes: name fewer", count, len,
                      VOTES_MAX, ALERT_CONTACTS_LEN);
        validate_report(c, kind, index, directive);
    }
}

void validate_contacts(struct check *c, enum object_kind kind, unsigned index, const char *directive,
                       const char *const *contacts, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (objects_contact(c->objects, contacts[i]) == NULL) {
            buffer_printf(&c->text, "no contact '%s': define it or correct the name", contacts[i]);
            validate_report(c, kind, index, directive);
        }
    }
    validate_room(c, kind, index, directive, contacts, count);
}

static void check_command(struct check *c, unsigned index) {
    if (strchr(c->objects->commands[index].name, '!') != NULL) {
        buffer_printf(&c->text, "a command's name cannot hold '!': choose another name");
        validate_report(c, KIND_COMMAND, index, "command_name");
    }
}

static void check_contact(struct check *c, unsigned index) {
    const struct object_contact *contact = &c->objects->contacts[index];
    validate_period(c, KIND_CONTACT, index, "host_notification_period", contact->host_period);
    validate_period(c, KIND_CONTACT, index, "service_notification_period", contact->service_period);
    for (unsigned i = 0; i < contact->host_command_count; i++) {
        check_call(c, KIND_CONTACT, index, "host_notification_commands", contact->host_commands[i]);
    }
    for (unsigned i = 0; i < contact->service_command_count; i++) {
        check_call(c, KIND_CONTACT, index, "service_notification_commands", contact->service_commands[i]);
    }
}

/* What asking about a period costs: its ranges and those of all that it excludes, and what these exclude.
   PERIOD_COST_MAX: so much or more, or a circle. */
static unsigned period_cost(const struct objects *o, const struct object_timeperiod *p, unsigned depth) {
    unsigned cost = depth < PERIOD_DEPTH_MAX ? 1 + p->rule_count : PERIOD_COST_MAX;
    for (unsigned i = 0; i < p->exclude_count && cost < PERIOD_COST_MAX; i++) {
        const struct object_timeperiod *excluded = objects_timeperiod(o, p->excludes[i]);
        cost += excluded ? period_cost(o, excluded, depth + 1) : 1;
    }
    return cost < PERIOD_COST_MAX ? cost : PERIOD_COST_MAX;
}

static void check_timeperiod(struct check *c, unsigned index) {
    const struct object_timeperiod *p = &c->objects->timeperiods[index];
    for (unsigned i = 0; i < p->exclude_count; i++) {
        validate_period(c, KIND_TIMEPERIOD, index, "exclude", p->excludes[i]);
    }
    if (period_cost(c->objects, p, 0) == PERIOD_COST_MAX) {
        buffer_printf(&c->text, "'%s' excludes itself in the end, deeper than %d, or %d ranges and more: exclude fewer",
                      p->name, PERIOD_DEPTH_MAX - 1, PERIOD_COST_MAX - 1);
        validate_report(c, KIND_TIMEPERIOD, index, "exclude");
    }
    if (*p->zone != '\0' && objects_zone(c->objects, p->zone).count == 0) {
        buffer_printf(&c->text, "no time zone '%s': name one of this machine's zoneinfo, or remove the line", p->zone);
        validate_report(c, KIND_TIMEPERIOD, index, "_TIMEZONE");
    }
}

static void check_observers(struct check *c, enum object_kind kind, unsigned index) {
    const struct object_checkable *s = object_at(c->objects, kind, index);
    for (unsigned i = 0; i < s->observer_count; i++) {
        if (strlen(s->observers[i]) > OBSERVER_NAME_MAX) {
            buffer_printf(&c->text, "'%s' is longer than %d bytes: %s", s->observers[i], OBSERVER_NAME_MAX,
                          s->observers_implicit ? "name the observers that vote" : "shorten the observer's name");
            validate_report(c, kind, index, "_OBSERVERS");
        }
    }
    if (s->observers_implicit && (s->observer_count != 1 || strcmp(s->observers[0], s->host) != 0)) {
        buffer_printf(&c->text, "the implicit observer is the host's own name");
        validate_report(c, kind, index, "_OBSERVERS");
    }
    if (s->quorum > s->observer_count && s->quorum <= OBJECT_OBSERVERS_MAX) {
        buffer_printf(&c->text, "%u of %u observers can never agree: give 1 to %u", s->quorum, s->observer_count,
                      s->observer_count);
        validate_report(c, kind, index, "_QUORUM");
    }
}

static void check_checkable(struct check *c, enum object_kind kind, unsigned index) {
    const struct object_checkable *s = object_at(c->objects, kind, index);
    if (kind == KIND_SERVICE && objects_host(c->objects, s->host) == NULL) {
        buffer_printf(&c->text, "no host '%s': define it or correct the name", s->host);
        validate_report(c, kind, index, "host_name");
    }
    check_call(c, kind, index, "check_command", s->check_command);
    validate_period(c, kind, index, "notification_period", s->notification_period);
    validate_period(c, kind, index, "check_period", s->check_period);
    validate_contacts(c, kind, index, "contacts", s->contacts, s->contact_count);
    check_observers(c, kind, index);
    for (unsigned i = 0; i < s->parent_count; i++) {
        if (objects_host(c->objects, s->parents[i]) == NULL) {
            buffer_printf(&c->text, "no host '%s': define it or correct the name", s->parents[i]);
            validate_report(c, kind, index, "parents");
        }
    }
    if (kind == KIND_SERVICE) {
        validate_service_parents(c, index);
    }
}

static void check_rule_total(struct check *c) {
    size_t total = 0;
    for (unsigned i = 0; i < c->objects->timeperiod_count; i++) {
        total += c->objects->timeperiods[i].rule_count;
    }
    if (total > OBJECT_RULES_TOTAL) {
        buffer_printf(&c->text, "%zu ranges in all time periods: at most %d are allowed", total, OBJECT_RULES_TOTAL);
        validate_report(c, KIND_TIMEPERIOD, 0, "timeperiod_name");
    }
}

bool objects_validate(const struct objects *o, objects_report *sink, void *self) {
    struct check c = {.objects = o, .report = sink, .self = self, .good = true, .longest_contact = longest_contact(o)};
    if (o->interval_length < 1 || o->interval_length > INTERVAL_MAX_MS) {
        buffer_printf(&c.text, "out of range: give at least 1 ms and at most ten years");
        validate_report(&c, KIND_LIMIT, 0, "interval_length");
    }
    for (enum object_kind kind = 0; kind < KIND_LIMIT; kind++) {
        for (unsigned i = 0; i < object_count(o, kind); i++) {
            check_fields(&c, kind, i);
            switch (kind) {
            case KIND_COMMAND:
                check_command(&c, i);
                break;
            case KIND_CONTACT:
                check_contact(&c, i);
                break;
            case KIND_TIMEPERIOD:
                check_timeperiod(&c, i);
                break;
            case KIND_ZONE:
                break;
            case KIND_HOST:
            case KIND_SERVICE:
                check_checkable(&c, kind, i);
                break;
            case KIND_HOSTGROUP:
            case KIND_SERVICEGROUP:
                validate_group(&c, kind, i);
                break;
            case KIND_HOSTESCALATION:
            case KIND_SERVICEESCALATION:
                validate_escalation(&c, kind, i);
                break;
            case KIND_HOSTDEPENDENCY:
            case KIND_SERVICEDEPENDENCY:
                validate_dependency(&c, kind, i);
                break;
            case KIND_LIMIT:
                break;
            }
        }
    }
    validate_circles(&c);
    check_rule_total(&c);
    validate_contacts(&c, KIND_LIMIT, 0, "_SYSTEM_CONTACTS", o->system_contacts, o->system_contact_count);
    buffer_free(&c.text);
    return c.good;
}
