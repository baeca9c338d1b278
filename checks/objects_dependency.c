/* What rests on what: dependencies, one for each pair of a dependent and its master, and the parents of services. Two
   of a pair that hold at the same moments are one that fails when either fails. Source of the rules:
   xodtemplate_register_and_destroy_servicedependency in xdata/xodtemplate.c. */
#include "base/invariant.h"
#include "checks/objects_raw.h"

#include <stdlib.h>
#include <string.h>

static const struct selection master_hosts = {D_HOSTS, D_HOSTGROUP_NAMES, D_UNKNOWN, D_UNKNOWN};
static const struct selection dependent_hosts = {D_DEPENDENT_HOSTS, D_DEPENDENT_HOSTGROUPS, D_UNKNOWN, D_UNKNOWN};
static const struct selection masters = {D_HOSTS, D_HOSTGROUP_NAMES, D_SERVICEGROUP_NAMES, D_SERVICE_DESCRIPTIONS};
static const struct selection dependents = {D_DEPENDENT_HOSTS, D_DEPENDENT_HOSTGROUPS, D_DEPENDENT_SERVICEGROUPS,
                                            D_DEPENDENT_DESCRIPTIONS};

struct dependency {
    struct object_dependency d;
    struct raw_object *raw;
};
struct dependencies {
    struct parse *parse;
    const struct scope *scope;
    enum object_kind kind;
    struct dependency *list;
    unsigned count, cap;
    struct raw_object *raw; /* the definition that is expanded, and what all its pairs share */
    struct object_dependency common;
    bool full;
};

/* ---- one definition ---- */

static const struct object_checkable *checkable(const struct dependencies *all, unsigned i) {
    const struct objects *o = all->parse->out;
    return all->kind == KIND_HOSTDEPENDENCY ? &o->hosts[i] : &o->services[i];
}

static void add(struct dependencies *all, unsigned master, unsigned dependent) {
    const struct object_checkable *m = checkable(all, master), *d = checkable(all, dependent);
    if (all->common.failure == 0 || all->full) {
        return; /* withholds nothing: checks, which other criteria are about, are not made here */
    }
    if (all->count >= OBJECT_RELATIONS_MAX) {
        parse_problem(all->parse, all->raw->place, "dependent_host_name", "more than %d dependencies: name fewer",
                      OBJECT_RELATIONS_MAX);
        all->full = true;
        return;
    }
    if (all->count == all->cap) {
        all->cap = all->cap < 64 ? 64 : all->cap * 2;
        all->list = xrealloc(all->list, all->cap * sizeof *all->list);
    }
    struct dependency *to = &all->list[all->count++];
    *to = (struct dependency){all->common, all->raw};
    to->d.host = d->host;
    to->d.service = d->service;
    to->d.master_host = m->host;
    to->d.master_service = m->service;
}

static void add_pairs(struct dependencies *all, const struct index_set *of_masters,
                      const struct index_set *of_dependents) {
    for (unsigned m = 0; m < of_masters->count && !all->full; m++) {
        for (unsigned d = 0; d < of_dependents->count && !all->full; d++) {
            add(all, of_masters->at[m], of_dependents->at[d]);
        }
    }
}

static unsigned host_of(const struct dependencies *all, unsigned service) {
    const struct objects *o = all->parse->out;
    return (unsigned)(objects_host(o, o->services[service].host) - o->hosts);
}

/* Each of `known` with the services that the list of descriptions names on the same host. */
static void add_same_host(struct dependencies *all, const struct index_set *known, enum directive descriptions,
                          bool known_are_masters) {
    const struct raw_entry *entry = raw_given(all->raw, descriptions);
    for (unsigned i = 0; i < known->count; i++) {
        struct index_set others = {0}, one = {.at = &known->at[i], .count = 1};
        select_of_host(all->parse, entry, host_of(all, known->at[i]), &others);
        add_pairs(all, known_are_masters ? &one : &others, known_are_masters ? &others : &one);
        set_free(&others);
    }
}

/* A side that names no host and no group is on the host of the other. */
static void expand_services(struct dependencies *all) {
    struct parse *p = all->parse;
    struct raw_object *raw = all->raw;
    struct index_set of_masters = {0}, of_dependents = {0};
    bool master_named = selects_any(raw, &masters), dependent_named = selects_any(raw, &dependents);
    unsigned before = p->problem_count;
    if ((master_named || !dependent_named) && selection_sound(p, raw, &masters)) {
        select_services(p, all->scope, raw, &masters, &of_masters);
        selection_left(p, raw, &masters, &of_masters, before);
    }
    if (dependent_named && selection_sound(p, raw, &dependents)) {
        select_services(p, all->scope, raw, &dependents, &of_dependents);
        selection_left(p, raw, &dependents, &of_dependents, before);
    }
    enum directive lone = master_named ? D_DEPENDENT_DESCRIPTIONS : D_SERVICE_DESCRIPTIONS;
    if (master_named && dependent_named) {
        add_pairs(all, &of_masters, &of_dependents);
    } else if (raw_given(raw, lone) == NULL) {
        parse_problem(p, raw->place, directive_text(lone), "missing: name the services, or register 0");
    } else {
        add_same_host(all, master_named ? &of_masters : &of_dependents, lone, master_named);
    }
    set_free(&of_masters);
    set_free(&of_dependents);
}

static void expand_hosts(struct dependencies *all) {
    struct parse *p = all->parse;
    struct index_set of_masters = {0}, of_dependents = {0};
    unsigned before = p->problem_count;
    if (selection_sound(p, all->raw, &master_hosts)) {
        select_hosts(p, all->scope, all->raw, &master_hosts, &of_masters);
        selection_left(p, all->raw, &master_hosts, &of_masters, before);
    }
    if (selection_sound(p, all->raw, &dependent_hosts)) {
        select_hosts(p, all->scope, all->raw, &dependent_hosts, &of_dependents);
        selection_left(p, all->raw, &dependent_hosts, &of_dependents, before);
    }
    add_pairs(all, &of_masters, &of_dependents);
    set_free(&of_masters);
    set_free(&of_dependents);
}

static void expand(struct dependencies *all, struct raw_object *raw) {
    struct parse *p = all->parse;
    const struct raw_entry *period = raw_given(raw, D_DEPENDENCY_PERIOD);
    all->raw = raw;
    check_period_name(p, all->scope, period);
    all->common = (struct object_dependency){.period = period != NULL ? period->value : ""};
    value_flag(p, raw_given(raw, D_INHERITS_PARENT), &all->common.inherits_parent);
    value_failure(p, raw_given(raw, D_NOTIFICATION_FAILURE), all->kind == KIND_HOSTDEPENDENCY, &all->common.failure);
    if (all->kind == KIND_HOSTDEPENDENCY) {
        expand_hosts(all);
    } else {
        expand_services(all);
    }
}

/* ---- all of them ---- */

static int compare_in(enum object_kind kind, const void *a, const void *b) {
    const struct dependency *da = a, *db = b;
    int order = object_compare(kind, &da->d, &db->d);
    return order != 0 ? order : place_compare(&da->raw->place, &db->raw->place);
}
static int compare_of_hosts(const void *a, const void *b) {
    return compare_in(KIND_HOSTDEPENDENCY, a, b);
}
static int compare_of_services(const void *a, const void *b) {
    return compare_in(KIND_SERVICEDEPENDENCY, a, b);
}

static struct raw_object **settle(struct dependencies *all) {
    struct parse *p = all->parse;
    struct object_dependency *list = arena_alloc(&p->out->arena, (all->count + 1) * sizeof *list);
    struct raw_object **raws = arena_alloc(&p->scratch, (all->count + 1) * sizeof(struct raw_object *));
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        if (kept > 0 && object_compare(all->kind, &list[kept - 1], &all->list[i].d) == 0) {
            list[kept - 1].failure |= all->list[i].d.failure;
        } else {
            raws[kept] = all->list[i].raw;
            list[kept++] = all->list[i].d;
        }
    }
    object_place(p->out, all->kind, list, kept);
    return raws;
}

static struct raw_object **resolve_kind(struct parse *p, struct scope *s, enum object_kind kind) {
    struct dependencies all = {.parse = p, .scope = s, .kind = kind};
    bool hosts = kind == KIND_HOSTDEPENDENCY;
    for (unsigned i = 0; i < p->count; i++) {
        if (p->list[i]->type == (hosts ? RAW_HOSTDEPENDENCY : RAW_SERVICEDEPENDENCY) && p->list[i]->registered) {
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

/* ---- parents of services ---- */

/* One description alone is a service of the same host; else pairs host,service. */
static void fill_parents(struct parse *p, const struct scope *s, unsigned service) {
    struct object_checkable *c = &p->out->services[service];
    const struct raw_entry *entry = raw_given(s->service_raw[service], D_SERVICE_PARENTS);
    struct index_set in = {0}, out = {0};
    if (entry == NULL) {
        return;
    }
    if (strchr(entry->value, ',') != NULL) {
        expand_pairs(p, s, entry, &in, &out);
    } else {
        select_of_host(p, entry, (unsigned)(objects_host(p->out, c->host) - p->out->hosts), &in);
    }
    set_finish(&in, &out);
    c->service_parent_count = in.count;
    c->service_parents = arena_alloc(&p->out->arena, (in.count + 1) * sizeof *c->service_parents);
    for (unsigned i = 0; i < in.count; i++) {
        const struct object_checkable *parent = &p->out->services[in.at[i]];
        c->service_parents[i] = (struct object_pair){parent->host, parent->service};
    }
    set_free(&in);
    set_free(&out);
}

void resolve_dependencies(struct parse *p, struct scope *s) {
    for (unsigned i = 0; i < p->out->service_count; i++) {
        fill_parents(p, s, i);
    }
    s->dependency_raw[0] = resolve_kind(p, s, KIND_HOSTDEPENDENCY);
    s->dependency_raw[1] = resolve_kind(p, s, KIND_SERVICEDEPENDENCY);
}
