/* Definitions into the resolved objects that are neither host nor service: commands, contacts, groups of hosts and
   services, and the contacts of system alerts. */
#include "checks/objects_raw.h"

#include <string.h>

static const char *text_or_none(const struct raw_object *raw, enum directive d) {
    const struct raw_entry *e = raw_given(raw, d);
    return e != NULL ? e->value : "";
}

void resolve_commands(struct parse *p, const struct scope *s) {
    struct objects *o = p->out;
    o->command_count = s->commands.count;
    o->commands = arena_alloc(&o->arena, (o->command_count + 1) * sizeof *o->commands);
    for (unsigned i = 0; i < o->command_count; i++) {
        o->commands[i].name = s->commands.items[i].name;
        o->commands[i].line = text_or_none(s->commands.items[i].raw, D_COMMAND_LINE);
    }
}

/* ---- contacts ---- */

static unsigned command_names(struct parse *p, const struct raw_entry *entry, const char ***out) {
    unsigned count = 0, room = 1;
    for (const char *c = entry != NULL ? entry->value : ""; *c != '\0'; c++) {
        room += *c == ',';
    }
    const char **names = arena_alloc(&p->out->arena, room * sizeof *names);
    struct list_walk walk = {entry != NULL ? entry->value : NULL};
    struct bytes name;
    while (list_next(&walk, &name)) {
        names[count++] = arena_text(&p->out->arena, name);
    }
    *out = names;
    return names_sort(names, count);
}

static void fill_addresses(const struct raw_object *raw, struct object_contact *c) {
    static const enum directive directives[CONTACT_ADDRESSES] = {D_ADDRESS1, D_ADDRESS2, D_ADDRESS3,
                                                                 D_ADDRESS4, D_ADDRESS5, D_ADDRESS6};
    for (unsigned i = 0; i < CONTACT_ADDRESSES; i++) {
        c->address[i] = text_or_none(raw, directives[i]);
    }
}

static void fill_contact(struct parse *p, const struct raw_object *raw, struct object_contact *c) {
    static const struct raw_entry all = {.name = "notification_options", .value = "a"};
    const struct raw_entry *host = raw_given(raw, D_HOST_NOTIFICATION_OPTIONS);
    const struct raw_entry *service = raw_given(raw, D_SERVICE_NOTIFICATION_OPTIONS);
    const struct raw_entry *alias = raw_given(raw, D_ALIAS);
    c->alias = alias != NULL ? alias->value : c->name;
    c->email = text_or_none(raw, D_EMAIL);
    c->pager = text_or_none(raw, D_PAGER);
    c->host_period = text_or_none(raw, D_HOST_NOTIFICATION_PERIOD);
    c->service_period = text_or_none(raw, D_SERVICE_NOTIFICATION_PERIOD);
    c->host_enabled = c->service_enabled = true;
    value_flag(p, raw_given(raw, D_HOST_NOTIFICATIONS_ENABLED), &c->host_enabled);
    value_flag(p, raw_given(raw, D_SERVICE_NOTIFICATIONS_ENABLED), &c->service_enabled);
    value_options(p, host != NULL ? host : &all, true, &c->host_options);
    value_options(p, service != NULL ? service : &all, false, &c->service_options);
    c->host_command_count = command_names(p, raw_given(raw, D_HOST_NOTIFICATION_COMMANDS), &c->host_commands);
    c->service_command_count = command_names(p, raw_given(raw, D_SERVICE_NOTIFICATION_COMMANDS), &c->service_commands);
    fill_addresses(raw, c);
    c->variables = raw_variables(p, raw, &c->variable_count);
}

void resolve_contacts(struct parse *p, const struct scope *s) {
    struct objects *o = p->out;
    o->contact_count = s->contacts.count;
    o->contacts = arena_alloc(&o->arena, (o->contact_count + 1) * sizeof *o->contacts);
    for (unsigned i = 0; i < o->contact_count; i++) {
        o->contacts[i].name = s->contacts.items[i].name;
        fill_contact(p, s->contacts.items[i].raw, &o->contacts[i]);
    }
}

/* ---- groups of hosts and services ---- */

static const char *alias_of(const struct named *group) {
    const struct raw_entry *alias = raw_given(group->raw, D_ALIAS);
    return alias != NULL ? alias->value : group->name;
}

static void resolve_hostgroups(struct parse *p, const struct groups *groups) {
    struct objects *o = p->out;
    o->hostgroup_count = groups->names.count;
    o->hostgroups = arena_alloc(&o->arena, (o->hostgroup_count + 1) * sizeof *o->hostgroups);
    for (unsigned g = 0; g < o->hostgroup_count; g++) {
        const struct index_set *members = &groups->members[g];
        const char **names = arena_alloc(&o->arena, (members->count + 1) * sizeof *names);
        for (unsigned i = 0; i < members->count; i++) {
            names[i] = o->hosts[members->at[i]].host;
        }
        o->hostgroups[g] = (struct object_hostgroup){groups->names.items[g].name, alias_of(&groups->names.items[g]),
                                                     members->count, names};
    }
}

static void resolve_servicegroups(struct parse *p, const struct groups *groups) {
    struct objects *o = p->out;
    o->servicegroup_count = groups->names.count;
    o->servicegroups = arena_alloc(&o->arena, (o->servicegroup_count + 1) * sizeof *o->servicegroups);
    for (unsigned g = 0; g < o->servicegroup_count; g++) {
        const struct index_set *members = &groups->members[g];
        struct object_pair *pairs = arena_alloc(&o->arena, (members->count + 1) * sizeof *pairs);
        for (unsigned i = 0; i < members->count; i++) {
            const struct object_checkable *service = &o->services[members->at[i]];
            pairs[i] = (struct object_pair){service->host, service->service};
        }
        o->servicegroups[g] = (struct object_servicegroup){groups->names.items[g].name,
                                                           alias_of(&groups->names.items[g]), members->count, pairs};
    }
}

void resolve_groups(struct parse *p, struct scope *s) {
    static const struct group_kind services = {RAW_SERVICEGROUP,       RAW_SERVICE,
                                               D_SERVICEGROUP_NAME,    D_SERVICEGROUP_PAIRS,
                                               D_SERVICEGROUP_MEMBERS, D_SERVICEGROUPS};
    groups_build(p, &s->servicegroups, &services, NULL, s);
    resolve_hostgroups(p, &s->hostgroups);
    resolve_servicegroups(p, &s->servicegroups);
}

/* ---- system alerts ---- */

/* The contact groups that a host or service names by _SYSTEM_CONTACTS, and the group of that very name. */
void resolve_system_contacts(struct parse *p, const struct scope *s) {
    struct index_set in = {0}, out = {0};
    struct objects *o = p->out;
    for (unsigned i = 0; i < p->count; i++) {
        bool checkable = p->list[i]->type == RAW_HOST || p->list[i]->type == RAW_SERVICE;
        if (checkable && p->list[i]->registered) {
            expand_groups(p, raw_custom(p->list[i], "_SYSTEM_CONTACTS"), &s->contactgroups, "contactgroup", &in, &out);
        }
    }
    int own = directory_find(&s->contactgroups.names, bytes_of_text("_SYSTEM_CONTACTS"));
    for (unsigned i = 0; own >= 0 && i < s->contactgroups.members[own].count; i++) {
        set_add(&in, s->contactgroups.members[own].at[i]);
    }
    set_finish(&in, &out);
    o->system_contact_count = in.count;
    o->system_contacts = arena_alloc(&o->arena, (in.count + 1) * sizeof *o->system_contacts);
    for (unsigned i = 0; i < in.count; i++) {
        o->system_contacts[i] = s->contacts.items[in.at[i]].name;
    }
    set_free(&in);
    set_free(&out);
}
