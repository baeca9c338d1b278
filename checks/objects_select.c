/* Which hosts and services a definition names: lists of hosts, groups and descriptions, with `*` and `!`, as sorted
   indices into the resolved hosts and services. Source of the rules: xodtemplate_create_service_list and
   xodtemplate_expand_services in xdata/xodtemplate.c. */
#include "checks/objects_raw.h"

#include <string.h>

static bool is_star(struct bytes name) {
    return name.len == 1 && name.data[0] == '*';
}

/* ---- services of one host ---- */

static int service_of(const struct object_checkable *services, unsigned count, struct bytes description) {
    unsigned low = 0, high = count;
    while (services != NULL && low < high) {
        unsigned middle = low + (high - low) / 2;
        int order = bytes_compare(description, bytes_of_text(services[middle].service));
        if (order == 0) {
            return (int)middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

static void no_service(struct parse *p, const struct raw_entry *entry, const char *host, struct bytes description) {
    parse_problem(p, entry->place, entry->name, "no service '%.*s' on host '%s': define it or correct the name",
                  (int)(description.len < 255 ? description.len : 255), (const char *)description.data, host);
}

/* One description of a host's services; one that is excluded need not exist. */
static void add_description(struct parse *p, const struct raw_entry *entry, unsigned host, struct bytes description,
                            bool excluded, struct index_set *to) {
    unsigned count = 0;
    const char *name = p->out->hosts[host].host;
    const struct object_checkable *services = objects_services(p->out, name, &count);
    unsigned first = services != NULL ? (unsigned)(services - p->out->services) : 0;
    if (is_star(description)) {
        for (unsigned i = 0; i < count; i++) {
            set_add(to, first + i);
        }
        return;
    }
    int at = service_of(services, count, description);
    if (at >= 0) {
        set_add(to, first + (unsigned)at);
    } else if (!excluded) {
        no_service(p, entry, name, description);
    }
}

void select_of_host(struct parse *p, const struct raw_entry *descriptions, unsigned host, struct index_set *out) {
    struct index_set in = {0}, excluded = {0};
    struct bytes description;
    if (descriptions == NULL) {
        return;
    }
    struct list_walk walk = {descriptions->value};
    while (list_next(&walk, &description)) {
        bool not = list_take_not(&description);
        add_description(p, descriptions, host, description, not, not ? &excluded : &in);
    }
    set_finish(&in, &excluded);
    for (unsigned i = 0; i < in.count; i++) {
        set_add(out, in.at[i]);
    }
    set_free(&in);
    set_free(&excluded);
}

/* ---- pairs ---- */

/* A description on every host: of those that have it. */
static void add_everywhere(struct parse *p, struct bytes description, struct index_set *to) {
    for (unsigned i = 0; i < p->out->service_count; i++) {
        if (is_star(description) || bytes_equal(description, bytes_of_text(p->out->services[i].service))) {
            set_add(to, i);
        }
    }
}

static void add_pair(struct parse *p, const struct scope *s, const struct raw_entry *entry, struct bytes host,
                     struct bytes description, struct index_set *in, struct index_set *out) {
    bool not_host = list_take_not(&host), not_service = list_take_not(&description);
    bool excluded = not_host || not_service;
    int index = is_star(host) ? -1 : directory_find(&s->hosts, host);
    if (is_star(host)) {
        add_everywhere(p, description, excluded ? out : in);
    } else if (index >= 0) {
        add_description(p, entry, (unsigned)index, description, excluded, excluded ? out : in);
    } else {
        parse_problem(p, entry->place, entry->name, "no host '%.*s': define it or correct the name",
                      (int)(host.len < 255 ? host.len : 255), (const char *)host.data);
    }
}

void expand_pairs(struct parse *p, const struct scope *s, const struct raw_entry *entry, struct index_set *in,
                  struct index_set *out) {
    struct bytes host, service;
    if (entry == NULL) {
        return;
    }
    struct list_walk walk = {entry->value};
    while (list_next(&walk, &host)) {
        if (!list_next(&walk, &service)) {
            parse_problem(p, entry->place, entry->name, "ends with a host alone: write pairs host,service");
            return;
        }
        add_pair(p, s, entry, host, service, in, out);
    }
}

/* ---- whole definitions ---- */

void check_period_name(struct parse *p, const struct scope *s, const struct raw_entry *entry) {
    if (entry != NULL && directory_find(&s->timeperiods, bytes_of_text(entry->value)) < 0) {
        parse_problem(p, entry->place, entry->name, "no timeperiod '%s': define it or correct the name", entry->value);
    }
}

static const struct raw_entry *given(const struct raw_object *raw, enum directive d) {
    return d == D_UNKNOWN ? NULL : raw_given(raw, d);
}

bool selection_sound(struct parse *p, const struct raw_object *raw, const struct selection *by) {
    bool of_hosts = given(raw, by->hosts) != NULL || given(raw, by->hostgroups) != NULL;
    bool services = by->descriptions != D_UNKNOWN;
    const char *hosts = directive_text(by->hosts);
    if (services && of_hosts != (given(raw, by->descriptions) != NULL)) {
        parse_problem(p, raw->place, of_hosts ? directive_text(by->descriptions) : hosts, "missing: give %s",
                      of_hosts ? "descriptions for the hosts" : "hosts for the descriptions");
    } else if (!selects_any(raw, by)) {
        parse_problem(p, raw->place, hosts, "missing: name hosts%s or groups, or register 0",
                      services ? " and services," : "");
    } else {
        return true;
    }
    return false;
}

void selection_left(struct parse *p, const struct raw_object *raw, const struct selection *by,
                    const struct index_set *left, unsigned problems_before) {
    if (left->count == 0 && p->problem_count == problems_before) {
        parse_problem(p, raw->place, directive_text(by->hosts), "nothing is left: name one, or remove the %s",
                      raw_type_name(raw->type));
    }
}

bool selects_any(const struct raw_object *raw, const struct selection *by) {
    return given(raw, by->hosts) != NULL || given(raw, by->hostgroups) != NULL || given(raw, by->servicegroups) != NULL;
}

void select_hosts(struct parse *p, const struct scope *s, const struct raw_object *raw, const struct selection *by,
                  struct index_set *out) {
    struct index_set excluded = {0};
    expand_names(p, given(raw, by->hosts), &s->hosts, "host", out, &excluded);
    expand_groups(p, given(raw, by->hostgroups), &s->hostgroups, "hostgroup", out, &excluded);
    set_finish(out, &excluded);
    set_free(&excluded);
}

void select_services(struct parse *p, const struct scope *s, const struct raw_object *raw, const struct selection *by,
                     struct index_set *out) {
    struct index_set hosts = {0}, excluded = {0};
    select_hosts(p, s, raw, by, &hosts);
    for (unsigned i = 0; i < hosts.count; i++) {
        select_of_host(p, given(raw, by->descriptions), hosts.at[i], out);
    }
    expand_groups(p, given(raw, by->servicegroups), &s->servicegroups, "servicegroup", out, &excluded);
    set_finish(out, &excluded);
    set_free(&hosts);
    set_free(&excluded);
}
