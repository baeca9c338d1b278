/* Escalations, one for each host or service that a definition names. What a definition does not say comes from the
   object: contacts (a list with '+' adds to the object's own directive), notification_interval, and
   notification_period for escalation_period. Two of an object that are valid at the same moments are one with the
   contacts of both and the shorter interval: that is what notifications make of them. Source of the rules:
   xodtemplate_inherit_object_properties in xdata/xodtemplate.c. */
#include "base/invariant.h"
#include "checks/objects_raw.h"

#include <stdlib.h>
#include <string.h>

struct escalation {
    struct object_escalation e;
    struct raw_object *raw;
};
struct escalations {
    struct parse *parse;
    const struct scope *scope;
    enum object_kind kind;
    struct escalation *list;
    unsigned count, cap;
};

/* ---- contacts ---- */

/* Where an object's contacts were said: a service that says nothing has them from its host. */
static const struct raw_object *contacts_source(const struct escalations *all, unsigned object) {
    const struct scope *s = all->scope;
    if (all->kind == KIND_HOSTESCALATION) {
        return s->hosts.items[object].raw;
    }
    const struct raw_object *raw = s->service_raw[object];
    if (raw_find(raw, D_CONTACTS) != NULL || raw_find(raw, D_CONTACT_GROUPS) != NULL) {
        return raw;
    }
    const struct objects *o = all->parse->out;
    return s->hosts.items[objects_host(o, o->services[object].host) - o->hosts].raw;
}

static void expand_contacts(const struct escalations *all, const struct raw_object *raw, unsigned object,
                            struct index_set *in) {
    struct parse *p = all->parse;
    const struct scope *s = all->scope;
    const struct raw_object *base = contacts_source(all, object);
    const struct raw_entry *contacts = raw_given(raw, D_CONTACTS), *groups = raw_given(raw, D_CONTACT_GROUPS);
    struct index_set out = {0};
    expand_names(p, contacts, &s->contacts, "contact", in, &out);
    expand_groups(p, groups, &s->contactgroups, "contactgroup", in, &out);
    if (contacts != NULL && contacts->additive) {
        expand_names(p, raw_given(base, D_CONTACTS), &s->contacts, "contact", in, &out);
    }
    if (groups != NULL && groups->additive) {
        expand_groups(p, raw_given(base, D_CONTACT_GROUPS), &s->contactgroups, "contactgroup", in, &out);
    }
    set_finish(in, &out);
    set_free(&out);
}

static bool is_additive(const struct raw_object *raw, enum directive d) {
    const struct raw_entry *entry = raw_given(raw, d);
    return entry != NULL && entry->additive;
}

/* The same for every object, unless a list adds to the object's own. */
static void fill_contacts(const struct escalations *all, const struct raw_object *raw, unsigned object,
                          const struct object_checkable *of, struct object_escalation *e) {
    struct index_set in = {0};
    if (e->contacts != NULL) {
        return;
    }
    if (raw_find(raw, D_CONTACTS) == NULL && raw_find(raw, D_CONTACT_GROUPS) == NULL) {
        e->contacts = of->contacts;
        e->contact_count = of->contact_count;
        return;
    }
    expand_contacts(all, raw, object, &in);
    e->contacts = arena_alloc(&all->parse->out->arena, (in.count + 1) * sizeof *e->contacts);
    e->contact_count = in.count;
    for (unsigned i = 0; i < in.count; i++) {
        e->contacts[i] = all->scope->contacts.items[in.at[i]].name;
    }
    set_free(&in);
}

/* ---- one definition ---- */

static void missing(struct parse *p, const struct raw_object *raw, enum directive d) {
    if (raw_given(raw, d) == NULL) {
        parse_problem(p, raw->place, directive_text(d), "missing: give the number of a notification%s",
                      d == D_LAST_NOTIFICATION ? ", or 0 for all that follow" : "");
    }
}

/* What does not depend on the object. */
static void fill_common(struct parse *p, const struct raw_object *raw, struct object_escalation *e) {
    static const struct raw_entry all = {.name = "escalation_options", .value = "a"};
    const struct raw_entry *options = raw_given(raw, D_ESCALATION_OPTIONS);
    missing(p, raw, D_FIRST_NOTIFICATION);
    missing(p, raw, D_LAST_NOTIFICATION);
    value_count(p, raw_given(raw, D_FIRST_NOTIFICATION), 0, OBJECT_ATTEMPTS_MAX, &e->first);
    value_count(p, raw_given(raw, D_LAST_NOTIFICATION), 0, OBJECT_ATTEMPTS_MAX, &e->last);
    value_escalation(p, options != NULL ? options : &all, raw->type == RAW_HOSTESCALATION, &e->options);
    value_interval(p, raw_given(raw, D_NOTIFICATION_INTERVAL), p->out->interval_length, &e->interval);
}

static void add(struct escalations *all, struct raw_object *raw, struct object_escalation *common, unsigned object) {
    struct objects *o = all->parse->out;
    const struct object_checkable *of = all->kind == KIND_HOSTESCALATION ? &o->hosts[object] : &o->services[object];
    const struct raw_entry *period = raw_given(raw, D_ESCALATION_PERIOD);
    if (all->count == all->cap) {
        all->cap = all->cap < 64 ? 64 : all->cap * 2;
        all->list = xrealloc(all->list, all->cap * sizeof *all->list);
    }
    struct escalation *to = &all->list[all->count++];
    *to = (struct escalation){*common, raw};
    to->e.host = of->host;
    to->e.service = of->service;
    to->e.period = period != NULL ? period->value : "";
    if (raw_find(raw, D_ESCALATION_PERIOD) == NULL) {
        to->e.period = of->notification_period;
    }
    if (raw_given(raw, D_NOTIFICATION_INTERVAL) == NULL) {
        to->e.interval = of->notification_interval;
    }
    fill_contacts(all, raw, object, of, &to->e);
    bool own = raw_find(raw, D_CONTACTS) != NULL || raw_find(raw, D_CONTACT_GROUPS) != NULL;
    if (own && !is_additive(raw, D_CONTACTS) && !is_additive(raw, D_CONTACT_GROUPS)) {
        common->contacts = to->e.contacts;
        common->contact_count = to->e.contact_count;
    }
}

static void expand(struct escalations *all, struct raw_object *raw) {
    static const struct selection of_hosts = {D_HOSTS, D_HOSTGROUP_NAMES, D_UNKNOWN, D_UNKNOWN};
    static const struct selection of_services = {D_HOSTS, D_HOSTGROUP_NAMES, D_SERVICEGROUP_NAMES,
                                                 D_SERVICE_DESCRIPTIONS};
    struct parse *p = all->parse;
    bool hosts = all->kind == KIND_HOSTESCALATION;
    const struct selection *by = hosts ? &of_hosts : &of_services;
    struct object_escalation common = {0};
    struct index_set objects = {0};
    unsigned before = p->problem_count;
    fill_common(p, raw, &common);
    check_period_name(p, all->scope, raw_given(raw, D_ESCALATION_PERIOD));
    if (selection_sound(p, raw, by)) {
        if (hosts) {
            select_hosts(p, all->scope, raw, by, &objects);
        } else {
            select_services(p, all->scope, raw, by, &objects);
        }
        selection_left(p, raw, by, &objects, before);
    }
    for (unsigned i = 0; i < objects.count; i++) {
        if (all->count >= OBJECT_RELATIONS_MAX) {
            parse_problem(p, raw->place, "host_name", "more than %d escalations: name fewer", OBJECT_RELATIONS_MAX);
            break;
        }
        add(all, raw, &common, objects.at[i]);
    }
    set_free(&objects);
}

/* ---- all of them ---- */

static int compare_in(enum object_kind kind, const void *a, const void *b) {
    const struct escalation *ea = a, *eb = b;
    int order = object_compare(kind, &ea->e, &eb->e);
    return order != 0 ? order : place_compare(&ea->raw->place, &eb->raw->place);
}
static int compare_of_hosts(const void *a, const void *b) {
    return compare_in(KIND_HOSTESCALATION, a, b);
}
static int compare_of_services(const void *a, const void *b) {
    return compare_in(KIND_SERVICEESCALATION, a, b);
}

static void join(struct parse *p, struct object_escalation *into, const struct object_escalation *e) {
    unsigned count = into->contact_count + e->contact_count;
    const char **names = arena_alloc(&p->out->arena, (count + 1) * sizeof *names);
    for (unsigned i = 0; i < count; i++) {
        names[i] = i < into->contact_count ? into->contacts[i] : e->contacts[i - into->contact_count];
    }
    into->contact_count = names_sort(names, count);
    into->contacts = names;
    into->interval = e->interval < into->interval ? e->interval : into->interval;
}

static struct raw_object **settle(struct escalations *all) {
    struct parse *p = all->parse;
    struct object_escalation *list = arena_alloc(&p->out->arena, (all->count + 1) * sizeof *list);
    struct raw_object **raws = arena_alloc(&p->scratch, (all->count + 1) * sizeof(struct raw_object *));
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (kept > 0 && object_compare(all->kind, &list[kept - 1], &all->list[i].e) == 0) {
            join(p, &list[kept - 1], &all->list[i].e);
        } else {
            raws[kept] = all->list[i].raw;
            list[kept++] = all->list[i].e;
        }
    }
    object_place(p->out, all->kind, list, kept);
    return raws;
}

static struct raw_object **resolve_kind(struct parse *p, struct scope *s, enum object_kind kind) {
    struct escalations all = {.parse = p, .scope = s, .kind = kind};
    bool hosts = kind == KIND_HOSTESCALATION;
    for (unsigned i = 0; i < p->count; i++) {
        if (p->list[i]->type == (hosts ? RAW_HOSTESCALATION : RAW_SERVICEESCALATION) && p->list[i]->registered) {
            expand(&all, p->list[i]);
        }
    }
    if (all.count > 0) {
        qsort(all.list, all.count, sizeof *all.list, hosts ? compare_of_hosts : compare_of_services);
    }
    struct raw_object **raws = settle(&all);
    free(all.list);
    return raws;
}

void resolve_escalations(struct parse *p, struct scope *s) {
    s->escalation_raw[0] = resolve_kind(p, s, KIND_HOSTESCALATION);
    s->escalation_raw[1] = resolve_kind(p, s, KIND_SERVICEESCALATION);
}
