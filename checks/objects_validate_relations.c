/* The rules for what stands between objects: groups, escalations, dependencies, parents. Names must be defined; nobody
   may rest on itself in the end, since then nobody would be told of anything; and what one notification has to ask and
   to hold is bounded here, so that the machine need not count. */
#include "checks/objects_graph.h"
#include "checks/objects_validate.h"

#include <stdlib.h>
#include <string.h>

/* What the kind speaks of; fields may still be out of bounds, so no field tells hosts and services apart. */
static bool speaks_of_hosts(enum object_kind kind) {
    return kind == KIND_HOSTGROUP || kind == KIND_HOSTESCALATION || kind == KIND_HOSTDEPENDENCY;
}

static bool is_service(const struct objects *o, unsigned index, const char *host, const char *service) {
    return index < o->service_count && strcmp(o->services[index].service, service) == 0 &&
           strcmp(o->services[index].host, host) == 0;
}

static const struct object_checkable *service_named(struct check *c, const char *host, const char *service) {
    const struct objects *o = c->objects;
    for (unsigned i = c->near; i < c->near + 2; i++) {
        if (is_service(o, i, host, service)) {
            c->near = i;
            return &o->services[i];
        }
    }
    const struct object_checkable *found = objects_service(o, host, service);
    c->near = found != NULL ? (unsigned)(found - o->services) : c->near;
    return found;
}

static const struct object_checkable *named(struct check *c, enum object_kind kind, const char *host,
                                            const char *service) {
    return speaks_of_hosts(kind) ? objects_host(c->objects, host) : service_named(c, host, service);
}

static void check_named(struct check *c, enum object_kind kind, unsigned index, const char *directive, const char *host,
                        const char *service) {
    if (named(c, kind, host, service) != NULL) {
        return;
    }
    if (speaks_of_hosts(kind)) {
        buffer_printf(&c->text, "no host '%s': define it or correct the name", host);
    } else {
        buffer_printf(&c->text, "no service '%s' on host '%s': define it or correct the name", service, host);
    }
    validate_report(c, kind, index, directive);
}

void validate_group(struct check *c, enum object_kind kind, unsigned index) {
    const struct objects *o = c->objects;
    if (kind == KIND_HOSTGROUP) {
        for (unsigned i = 0; i < o->hostgroups[index].member_count; i++) {
            check_named(c, kind, index, "members", o->hostgroups[index].members[i], "");
        }
        return;
    }
    for (unsigned i = 0; i < o->servicegroups[index].member_count; i++) {
        const struct object_pair *member = &o->servicegroups[index].members[i];
        check_named(c, kind, index, "members", member->host, member->service);
    }
}

void validate_service_parents(struct check *c, unsigned index) {
    const struct object_checkable *s = &c->objects->services[index];
    for (unsigned i = 0; i < s->service_parent_count; i++) {
        check_named(c, KIND_SERVICE, index, "parents", s->service_parents[i].host, s->service_parents[i].service);
    }
}

/* ---- escalations ---- */

static void check_room_of_all(struct check *c, enum object_kind kind, unsigned index,
                              const struct object_escalation *first, unsigned count) {
    const struct object_checkable *of = named(c, kind, first->host, first->service);
    unsigned total = of != NULL ? of->contact_count : 0, used = 0;
    for (unsigned i = 0; i < count; i++) {
        total += first[i].contact_count;
    }
    if (validate_room_enough(c, total)) {
        return;
    }
    const char **names = xcalloc(total + 1, sizeof *names);
    for (unsigned i = 0; of != NULL && i < of->contact_count; i++) {
        names[used++] = of->contacts[i];
    }
    for (unsigned i = 0; i < count; i++) {
        for (unsigned k = 0; k < first[i].contact_count; k++) {
            names[used++] = first[i].contacts[k];
        }
    }
    validate_room(c, kind, index, "contacts", names, names_sort(names, used));
    free(names);
}

static bool of_one_object(const struct object_escalation *a, const struct object_escalation *b) {
    return strcmp(a->host, b->host) == 0 && strcmp(a->service, b->service) == 0;
}

/* All escalations of one object, asked once, at the first of them: together they find room in one alert with the
   object's own contacts. */
static void check_all_of(struct check *c, enum object_kind kind, unsigned index,
                         const struct object_escalation *first) {
    unsigned count = 1, left = object_count(c->objects, kind) - index;
    while (count < left && of_one_object(first, first + count)) {
        count++;
    }
    if (count > OBJECT_ESCALATIONS_MAX) {
        buffer_printf(&c->text, "%u escalations of one object: at most %d are allowed", count, OBJECT_ESCALATIONS_MAX);
        validate_report(c, kind, index, "first_notification");
    } else {
        check_room_of_all(c, kind, index, first, count);
    }
}

void validate_escalation(struct check *c, enum object_kind kind, unsigned index) {
    const struct object_escalation *e = object_at(c->objects, kind, index);
    check_named(c, kind, index, "host_name", e->host, e->service);
    validate_period(c, kind, index, "escalation_period", e->period);
    if (e->last != 0 && e->last < e->first) {
        buffer_printf(&c->text, "%u comes before the first, %u: give 0 for all that follow", e->last, e->first);
        validate_report(c, kind, index, "last_notification");
    }
    for (unsigned i = 0; i < e->contact_count; i++) {
        if (objects_contact(c->objects, e->contacts[i]) == NULL) {
            buffer_printf(&c->text, "no contact '%s': define it or correct the name", e->contacts[i]);
            validate_report(c, kind, index, "contacts");
        }
    }
    if (index == 0 || !of_one_object(e - 1, e)) {
        check_all_of(c, kind, index, e);
    }
}

/* ---- dependencies ---- */

static const char *dependent_directive(enum object_kind kind) {
    return speaks_of_hosts(kind) ? "dependent_host_name" : "dependent_service_description";
}

void validate_dependency(struct check *c, enum object_kind kind, unsigned index) {
    const struct object_dependency *d = object_at(c->objects, kind, index);
    check_named(c, kind, index, dependent_directive(kind), d->host, d->service);
    check_named(c, kind, index, kind == KIND_HOSTDEPENDENCY ? "host_name" : "service_description", d->master_host,
                d->master_service);
    validate_period(c, kind, index, "dependency_period", d->period);
    if (d->failure == 0) {
        buffer_printf(&c->text, "names no state: give some");
        validate_report(c, kind, index, "notification_failure_criteria");
    }
}

/* ---- circles ---- */

static void parents_of_hosts(struct check *c) {
    const struct objects *o = c->objects;
    struct graph g = {.nodes = o->host_count};
    unsigned *order = xcalloc(o->host_count + 1, sizeof *order);
    int circle = GRAPH_NONE;
    for (unsigned i = 0; i < o->host_count; i++) {
        for (unsigned p = 0; p < o->hosts[i].parent_count; p++) {
            const struct object_checkable *parent = objects_host(o, o->hosts[i].parents[p]);
            if (parent != NULL) {
                graph_add(&g, i, (unsigned)(parent - o->hosts));
            }
        }
    }
    if (graph_order(&g, order, &circle) < o->host_count) {
        buffer_printf(&c->text, "host '%s' is its own ancestor: remove one of the parents on the way",
                      o->hosts[circle].host);
        validate_report(c, KIND_HOST, (unsigned)circle, "parents");
    }
    graph_free(&g);
    free(order);
}

static void parents_of_services(struct check *c) {
    const struct objects *o = c->objects;
    struct graph g = {.nodes = o->service_count};
    unsigned *order = xcalloc(o->service_count + 1, sizeof *order);
    int circle = GRAPH_NONE;
    for (unsigned i = 0; i < o->service_count; i++) {
        for (unsigned p = 0; p < o->services[i].service_parent_count; p++) {
            const struct object_pair *names = &o->services[i].service_parents[p];
            const struct object_checkable *parent = service_named(c, names->host, names->service);
            if (parent != NULL) {
                graph_add(&g, i, (unsigned)(parent - o->services));
            }
        }
    }
    if (graph_order(&g, order, &circle) < o->service_count) {
        buffer_printf(&c->text, "service '%s/%s' is its own ancestor: remove one of the parents on the way",
                      o->services[circle].host, o->services[circle].service);
        validate_report(c, KIND_SERVICE, (unsigned)circle, "parents");
    }
    graph_free(&g);
    free(order);
}

struct dependency_graph {
    struct check *check;
    enum object_kind kind;
    struct graph graph; /* edge i is dependency of[i] */
    unsigned *of;
};

static void take_dependencies(struct dependency_graph *d) {
    const struct objects *o = d->check->objects;
    unsigned count = object_count(o, d->kind), edges = 0;
    d->of = xcalloc(count + 1, sizeof *d->of);
    for (unsigned i = 0; i < count; i++) {
        const struct object_dependency *at = object_at(o, d->kind, i);
        const struct object_checkable *dependent = named(d->check, d->kind, at->host, at->service);
        const struct object_checkable *master = named(d->check, d->kind, at->master_host, at->master_service);
        const struct object_checkable *first = speaks_of_hosts(d->kind) ? o->hosts : o->services;
        if (dependent != NULL && master != NULL) {
            graph_add(&d->graph, (unsigned)(dependent - first), (unsigned)(master - first));
            d->of[edges++] = i;
        }
    }
}

static const struct object_dependency *edge_of(const struct dependency_graph *d, size_t edge) {
    return object_at(d->check->objects, d->kind, d->of[edge]);
}

/* The first dependency of an object. */
static unsigned first_of(const struct dependency_graph *d, unsigned node) {
    for (size_t i = 0; i < d->graph.edges; i++) {
        if (d->graph.list[i].from == node) {
            return d->of[i];
        }
    }
    return 0;
}

static void report_circle(struct dependency_graph *d, unsigned node) {
    struct check *c = d->check;
    const struct object_dependency *at = object_at(c->objects, d->kind, first_of(d, node));
    buffer_printf(&c->text, "'%s%s%s' depends on itself in the end: remove one of the dependencies on the way",
                  at->host, *at->service != '\0' ? "/" : "", at->service);
    validate_report(c, d->kind, first_of(d, node), dependent_directive(d->kind));
}

/* What asking about an object costs: its dependencies, and those of the masters that pass theirs on. Edges stand in the
   order of their dependents, so those of one node are neighbours. */
static void check_costs(struct dependency_graph *d, const unsigned *order) {
    const struct graph *g = &d->graph;
    unsigned *cost = xcalloc(g->nodes + 1, sizeof *cost);
    size_t *first = xcalloc(g->nodes + 1, sizeof *first); /* + 1 */
    for (size_t i = g->edges; i > 0; i--) {
        first[g->list[i - 1].from] = i;
    }
    for (unsigned n = 0; n < g->nodes; n++) {
        unsigned node = order[n];
        for (size_t i = first[node]; i > 0 && i <= g->edges && g->list[i - 1].from == node; i++) {
            cost[node] += 1 + (edge_of(d, i - 1)->inherits_parent ? cost[g->list[i - 1].to] : 0);
            cost[node] = cost[node] < DEPENDENCY_COST_MAX ? cost[node] : DEPENDENCY_COST_MAX;
        }
        if (cost[node] == DEPENDENCY_COST_MAX) {
            buffer_printf(&d->check->text, "%d dependencies and more, with those inherited: depend on fewer",
                          DEPENDENCY_COST_MAX);
            validate_report(d->check, d->kind, first_of(d, node), dependent_directive(d->kind));
            break;
        }
    }
    free(cost);
    free(first);
}

static void dependencies_of(struct check *c, enum object_kind kind) {
    const struct objects *o = c->objects;
    unsigned nodes = kind == KIND_HOSTDEPENDENCY ? o->host_count : o->service_count;
    struct dependency_graph d = {.check = c, .kind = kind, .graph = {.nodes = nodes}};
    unsigned *order = xcalloc(nodes + 1, sizeof *order);
    int circle = GRAPH_NONE;
    take_dependencies(&d);
    if (graph_order(&d.graph, order, &circle) < nodes) {
        report_circle(&d, (unsigned)circle);
    } else {
        check_costs(&d, order);
    }
    graph_free(&d.graph);
    free(d.of);
    free(order);
}

void validate_circles(struct check *c) {
    parents_of_hosts(c);
    parents_of_services(c);
    dependencies_of(c, KIND_HOSTDEPENDENCY);
    dependencies_of(c, KIND_SERVICEDEPENDENCY);
}
