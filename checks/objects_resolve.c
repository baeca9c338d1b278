/* Definitions into resolved hosts and services: typed values, Nagios' defaults, contacts and observers, one service for
   each host it names, and what a service takes from its host when it says nothing itself. */
#include "base/invariant.h"
#include "checks/objects_raw.h"
#include "proto/op.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Nagios' built-in defaults, in units of interval_length. */
enum { CHECK_INTERVAL_UNITS = 5, RETRY_INTERVAL_UNITS = 1, NOTIFICATION_INTERVAL_UNITS = 30 };

static const char *text_or(const struct raw_object *raw, enum directive d, const char *otherwise) {
    const struct raw_entry *e = raw_given(raw, d);
    return e != NULL ? e->value : otherwise;
}

/* ---- lists of names in the result ---- */

struct name_list {
    const char **names;
    unsigned count;
};

static struct name_list names_of_set(struct parse *p, const struct directory *d, const struct index_set *set) {
    struct name_list list = {arena_alloc(&p->out->arena, (set->count + 1) * sizeof(const char *)), set->count};
    for (unsigned i = 0; i < set->count; i++) {
        list.names[i] = d->items[set->at[i]].name;
    }
    return list;
}

static struct name_list names_of_text(struct parse *p, const struct raw_entry *entry) {
    unsigned room = 1;
    for (const char *c = entry != NULL ? entry->value : ""; *c != '\0'; c++) {
        room += *c == ',';
    }
    struct name_list list = {arena_alloc(&p->out->arena, room * sizeof(const char *)), 0};
    struct list_walk walk = {entry != NULL ? entry->value : NULL};
    struct bytes name;
    while (list_next(&walk, &name)) {
        list.names[list.count++] = arena_text(&p->out->arena, name);
    }
    list.count = names_sort(list.names, list.count);
    return list;
}

/* ---- what hosts and services share ---- */

static bool is_ours(const char *variable) {
    static const char *const ours[] = {"_OBSERVERS", "_QUORUM", "_STALE_STATE", "_DISSENT_NOTIFY", "_SYSTEM_CONTACTS"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(variable, ours[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int compare_variables(const void *a, const void *b) {
    return strcmp(((const struct object_variable *)a)->name, ((const struct object_variable *)b)->name);
}

struct object_variable *raw_variables(struct parse *p, const struct raw_object *raw, unsigned *count) {
    struct object_variable *list = arena_alloc(&p->out->arena, (raw->count + 1) * sizeof *list);
    *count = 0;
    for (unsigned i = 0; i < raw->count; i++) {
        const struct raw_entry *e = &raw->entries[i];
        if (e->directive == D_CUSTOM && e->value != NULL && !is_ours(e->name)) {
            list[(*count)++] = (struct object_variable){e->name, e->value};
        }
    }
    qsort(list, *count, sizeof *list, compare_variables);
    return list;
}

static void fill_intervals(struct parse *p, const struct raw_object *raw, struct object_checkable *c) {
    time_ms unit = p->out->interval_length;
    c->check_interval = CHECK_INTERVAL_UNITS * unit;
    c->retry_interval = RETRY_INTERVAL_UNITS * unit;
    c->notification_interval = NOTIFICATION_INTERVAL_UNITS * unit;
    value_interval(p, raw_given(raw, D_CHECK_INTERVAL), unit, &c->check_interval);
    value_interval(p, raw_given(raw, D_RETRY_INTERVAL), unit, &c->retry_interval);
    value_interval(p, raw_given(raw, D_NOTIFICATION_INTERVAL), unit, &c->notification_interval);
    value_interval(p, raw_given(raw, D_FIRST_NOTIFICATION_DELAY), unit, &c->first_notification_delay);
    value_interval(p, raw_given(raw, D_FRESHNESS_THRESHOLD), 1000, &c->freshness_threshold);
    if (c->freshness_threshold == 0) {
        time_ms interval = c->check_interval > 0 ? c->check_interval : CHECK_INTERVAL_UNITS * unit;
        c->freshness_threshold = interval / 2 * 5 + interval % 2 * 5 / 2;
        c->freshness_threshold = c->freshness_threshold > INTERVAL_MAX_MS ? INTERVAL_MAX_MS : c->freshness_threshold;
    }
}

static void fill_contacts(struct parse *p, const struct scope *s, const struct raw_object *raw,
                          struct object_checkable *c) {
    struct index_set in = {0}, out = {0};
    expand_names(p, raw_given(raw, D_CONTACTS), &s->contacts, "contact", &in, &out);
    expand_groups(p, raw_given(raw, D_CONTACT_GROUPS), &s->contactgroups, "contactgroup", &in, &out);
    set_finish(&in, &out);
    struct name_list list = names_of_set(p, &s->contacts, &in);
    c->contacts = list.names;
    c->contact_count = list.count;
    set_free(&in);
    set_free(&out);
}

/* Without _OBSERVERS the agent that bears the host's name votes: for services that is known only once the host is. */
static void fill_observers(struct parse *p, const struct raw_object *raw, struct object_checkable *c) {
    const struct raw_entry *entry = raw_custom(raw, "_OBSERVERS");
    struct name_list list = names_of_text(p, entry);
    if (entry != NULL && list.count == 0) {
        parse_problem(p, entry->place, entry->name, "names nobody: name the observers that vote or remove the line");
    }
    c->observers = list.names;
    c->observer_count = list.count;
    const struct raw_entry *quorum = raw_custom(raw, "_QUORUM");
    unsigned m = list.count > 0 ? list.count : 1;
    c->quorum = m / 2 + 1;
    if (quorum != NULL && strcasecmp(quorum->value, "majority") != 0 && m <= OBJECT_OBSERVERS_MAX) {
        value_count(p, quorum, 1, m, &c->quorum);
    }
}

static void observe_by_host(struct parse *p, struct object_checkable *c) {
    if (c->observer_count == 0) {
        c->observers = arena_alloc(&p->out->arena, sizeof *c->observers);
        c->observers[0] = c->host;
        c->observer_count = 1;
        c->observers_implicit = true;
    }
}

/* Nagios' built-in thresholds, in thousandths of a percent. */
enum { LOW_FLAP = 20000, HIGH_FLAP = 30000 };

static void fill_flapping(struct parse *p, const struct raw_object *raw, struct object_checkable *c) {
    static const struct raw_entry all = {.name = "flap_detection_options", .value = "a"};
    bool host = raw->type == RAW_HOST, enabled = true;
    const struct object_flapping *common = host ? &p->options->host_flapping : &p->options->service_flapping;
    const struct raw_entry *options = raw_given(raw, D_FLAP_OPTIONS);
    value_flag(p, raw_given(raw, D_FLAP_ENABLED), &enabled);
    c->flap_enabled = enabled && p->options->flap_detection;
    c->low_flap = common->low > 0 ? common->low : LOW_FLAP;
    c->high_flap = common->high > 0 ? common->high : HIGH_FLAP;
    value_percent(p, raw_given(raw, D_LOW_FLAP), &c->low_flap);
    value_percent(p, raw_given(raw, D_HIGH_FLAP), &c->high_flap);
    value_states(p, options != NULL ? options : &all, host, &c->flap_options);
}

static void fill_attempts(struct parse *p, const struct raw_object *raw, struct object_checkable *c) {
    c->max_check_attempts = 1;
    value_count(p, raw_given(raw, D_MAX_CHECK_ATTEMPTS), 1, OBJECT_ATTEMPTS_MAX, &c->max_check_attempts);
    if (raw_given(raw, D_MAX_CHECK_ATTEMPTS) == NULL) {
        parse_problem(p, raw->place, "max_check_attempts", "missing: give every %s one, by a template or itself",
                      raw_type_name(raw->type));
    }
}

static void fill_shared(struct parse *p, const struct scope *s, const struct raw_object *raw,
                        struct object_checkable *c) {
    bool host = raw->type == RAW_HOST;
    c->file = p->files[raw->place.source];
    c->line = raw->place.line;
    c->check_command = text_or(raw, D_CHECK_COMMAND, "");
    c->notification_period = text_or(raw, D_NOTIFICATION_PERIOD, "");
    c->check_period = text_or(raw, D_CHECK_PERIOD, "");
    c->check_freshness = c->notifications_enabled = true;
    c->stale_state = -1;
    fill_attempts(p, raw, c);
    value_flag(p, raw_given(raw, D_IS_VOLATILE), &c->is_volatile);
    value_flag(p, raw_given(raw, D_CHECK_FRESHNESS), &c->check_freshness);
    value_flag(p, raw_given(raw, D_NOTIFICATIONS_ENABLED), &c->notifications_enabled);
    value_flag(p, raw_custom(raw, "_DISSENT_NOTIFY"), &c->dissent_notify);
    value_stale_state(p, raw_custom(raw, "_STALE_STATE"), host, &c->stale_state);
    static const struct raw_entry all = {.name = "notification_options", .value = "a"};
    const struct raw_entry *options = raw_given(raw, D_NOTIFICATION_OPTIONS);
    value_options(p, options != NULL ? options : &all, host, &c->notification_options);
    fill_intervals(p, raw, c);
    fill_flapping(p, raw, c);
    fill_contacts(p, s, raw, c);
    fill_observers(p, raw, c);
    c->variables = raw_variables(p, raw, &c->variable_count);
}

/* ---- hosts ---- */

static void fill_parents(struct parse *p, const struct scope *s, const struct raw_object *raw,
                         struct object_checkable *c) {
    struct index_set in = {0}, out = {0};
    expand_names(p, raw_given(raw, D_PARENTS), &s->hosts, "host", &in, &out);
    set_finish(&in, &out);
    struct name_list list = names_of_set(p, &s->hosts, &in);
    c->parents = list.names;
    c->parent_count = list.count;
    set_free(&in);
    set_free(&out);
}

void resolve_hosts(struct parse *p, struct scope *s) {
    struct objects *o = p->out;
    o->host_count = s->hosts.count;
    o->hosts = arena_alloc(&o->arena, (o->host_count + 1) * sizeof *o->hosts);
    for (unsigned i = 0; i < o->host_count; i++) {
        const struct raw_object *raw = s->hosts.items[i].raw;
        struct object_checkable *c = &o->hosts[i];
        c->host = s->hosts.items[i].name;
        c->service = "";
        c->display = text_or(raw, D_DISPLAY_NAME, c->host);
        c->alias = text_or(raw, D_ALIAS, c->host);
        c->address = text_or(raw, D_ADDRESS, c->host);
        fill_shared(p, s, raw, c);
        observe_by_host(p, c);
        fill_parents(p, s, raw, c);
    }
}

/* ---- services ---- */

struct service {
    struct object_checkable checkable;
    struct raw_object *raw;
    bool by_group; /* the host was named by a hostgroup only */
};
struct services {
    struct service *list;
    unsigned count, cap;
};

static void inherit_from_host(const struct raw_object *raw, struct object_checkable *c,
                              const struct object_checkable *host) {
    if (raw_find(raw, D_CONTACTS) == NULL && raw_find(raw, D_CONTACT_GROUPS) == NULL) {
        c->contacts = host->contacts;
        c->contact_count = host->contact_count;
    }
    if (raw_find(raw, D_NOTIFICATION_INTERVAL) == NULL) {
        c->notification_interval = host->notification_interval;
    }
    if (raw_find(raw, D_NOTIFICATION_PERIOD) == NULL) {
        c->notification_period = host->notification_period;
    }
}

static void add_service(struct parse *p, struct services *all, const struct service *base,
                        const struct object_checkable *host, bool by_group) {
    if (all->count == all->cap) {
        all->cap = all->cap < 64 ? 64 : all->cap * 2;
        all->list = xrealloc(all->list, all->cap * sizeof *all->list);
    }
    struct service *s = &all->list[all->count++];
    *s = *base;
    s->by_group = by_group;
    s->checkable.host = host->host;
    inherit_from_host(base->raw, &s->checkable, host);
    observe_by_host(p, &s->checkable);
}

static bool base_service(struct parse *p, const struct scope *s, struct raw_object *raw, struct service *base) {
    const struct raw_entry *description = raw_given(raw, D_SERVICE_DESCRIPTION);
    if (description == NULL) {
        parse_problem(p, raw->place, "service_description", "missing: give every service one, or register 0");
        return false;
    }
    if (raw_given(raw, D_HOSTS) == NULL && raw_given(raw, D_HOSTGROUP_NAMES) == NULL) {
        parse_problem(p, raw->place, "host_name", "missing: give a host_name or a hostgroup_name, or register 0");
        return false;
    }
    struct object_checkable *c = &base->checkable;
    base->raw = raw;
    c->service = description->value;
    c->display = text_or(raw, D_DISPLAY_NAME, c->service);
    c->alias = c->address = "";
    c->parents = NULL;
    fill_shared(p, s, raw, c);
    return true;
}

static bool set_has_index(const struct index_set *s, unsigned index) {
    unsigned low = 0, high = s->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (s->at[middle] == index) {
            return true;
        }
        if (s->at[middle] > index) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

static void expand_service(struct parse *p, const struct scope *s, struct raw_object *raw, struct services *all) {
    struct service base = {0};
    struct index_set named = {0}, grouped = {0}, out = {0};
    unsigned before = p->problem_count;
    if (!base_service(p, s, raw, &base)) {
        return;
    }
    expand_names(p, raw_given(raw, D_HOSTS), &s->hosts, "host", &named, &out);
    expand_groups(p, raw_given(raw, D_HOSTGROUP_NAMES), &s->hostgroups, "hostgroup", &grouped, &out);
    for (unsigned i = 0; i < named.count; i++) {
        set_add(&grouped, named.at[i]);
    }
    set_finish(&named, &out);
    set_finish(&grouped, &out);
    if (grouped.count == 0 && p->problem_count == before) {
        parse_problem(p, raw->place, "host_name", "no host is left: name one, or remove the service");
    }
    for (unsigned i = 0; i < grouped.count; i++) {
        if (all->count >= OBJECT_SERVICES_MAX) {
            parse_problem(p, raw->place, "host_name", "more than %d services: split the configuration",
                          OBJECT_SERVICES_MAX);
            break;
        }
        add_service(p, all, &base, &p->out->hosts[grouped.at[i]], !set_has_index(&named, grouped.at[i]));
    }
    set_free(&named);
    set_free(&grouped);
    set_free(&out);
}

static int compare_services(const void *a, const void *b) {
    const struct service *sa = a, *sb = b;
    int order = object_compare(KIND_SERVICE, &sa->checkable, &sb->checkable);
    if (order != 0) {
        return order;
    }
    if (sa->by_group != sb->by_group) {
        return sa->by_group ? 1 : -1;
    }
    const struct place *pa = &sa->raw->place, *pb = &sb->raw->place;
    if (pa->source != pb->source) {
        return pa->source < pb->source ? -1 : 1;
    }
    return pa->line < pb->line ? -1 : pa->line > pb->line;
}

/* A service that names the host outweighs one that reaches it through a hostgroup, as in Nagios; otherwise two are one
   too many. */
static unsigned settle_doubles(struct parse *p, struct services *all) {
    unsigned kept = 0;
    for (unsigned i = 0; i < all->count; i++) {
        const struct service *s = &all->list[i], *first = kept > 0 ? &all->list[kept - 1] : NULL;
        if (first == NULL || object_compare(KIND_SERVICE, &first->checkable, &s->checkable) != 0) {
            all->list[kept++] = *s;
        } else if (first->by_group == s->by_group) {
            const struct place *place = &first->raw->place;
            parse_problem(p, s->raw->place, "service_description",
                          "'%s' of host '%s' is defined twice (first at %s:%u): remove one", s->checkable.service,
                          s->checkable.host, p->files[place->source], place->line);
        }
    }
    return kept;
}

void resolve_services(struct parse *p, struct scope *s) {
    struct services all = {0};
    struct objects *o = p->out;
    for (unsigned i = 0; i < p->count; i++) {
        if (p->list[i]->type == RAW_SERVICE && p->list[i]->registered) {
            expand_service(p, s, p->list[i], &all);
        }
    }
    if (all.count > 0) {
        qsort(all.list, all.count, sizeof *all.list, compare_services);
    }
    unsigned count = settle_doubles(p, &all);
    o->service_count = count;
    o->services = arena_alloc(&o->arena, (count + 1) * sizeof *o->services);
    s->service_raw = arena_alloc(&p->scratch, (count + 1) * sizeof(struct raw_object *));
    for (unsigned i = 0; i < count; i++) {
        o->services[i] = all.list[i].checkable;
        s->service_raw[i] = all.list[i].raw;
    }
    free(all.list);
}
