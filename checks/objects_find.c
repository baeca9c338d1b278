/* Looking things up in resolved objects: binary search in arrays that are sorted by name, in byte order. */
#include "checks/objects_field.h"

#include <stdlib.h>
#include <string.h>

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

unsigned names_sort(const char **names, unsigned count) {
    if (count == 0) {
        return 0;
    }
    qsort(names, count, sizeof *names, compare_names);
    unsigned kept = 1;
    for (unsigned i = 1; i < count; i++) {
        if (strcmp(names[kept - 1], names[i]) != 0) {
            names[kept++] = names[i];
        }
    }
    return kept;
}

int pair_compare(const void *a, const void *b) {
    const struct object_pair *pa = a, *pb = b;
    int order = strcmp(pa->host, pb->host);
    return order != 0 ? order : strcmp(pa->service, pb->service);
}

/* Every object begins with its name. */
static const void *find(const void *list, unsigned count, size_t size, const char *name) {
    return count > 0 ? bsearch(&name, list, count, size, compare_names) : NULL;
}

const struct object_contact *objects_contact(const struct objects *o, const char *name) {
    return find(o->contacts, o->contact_count, sizeof *o->contacts, name);
}

const struct object_timeperiod *objects_timeperiod(const struct objects *o, const char *name) {
    return find(o->timeperiods, o->timeperiod_count, sizeof *o->timeperiods, name);
}

struct zone objects_zone(const struct objects *o, const char *name) {
    const struct object_zone *z = find(o->zones, o->zone_count, sizeof *o->zones, name);
    return z ? (struct zone){z->shift_count, z->shifts} : (struct zone){0};
}

const struct object_checkable *objects_host(const struct objects *o, const char *name) {
    return find(o->hosts, o->host_count, sizeof *o->hosts, name);
}

/* The call's name ends at its first '!'; command names hold none, so no copy is needed to compare. */
static int compare_call(const void *call, const void *command) {
    const char *text = call, *name = ((const struct object_command *)command)->name;
    size_t len = strcspn(text, "!");
    int order = strncmp(text, name, len);
    return order != 0 ? order : -(name[len] != '\0');
}

const struct object_command *objects_command(const struct objects *o, const char *call) {
    return o->command_count == 0 ? NULL
                                 : bsearch(call, o->commands, o->command_count, sizeof *o->commands, compare_call);
}

const struct object_hostgroup *objects_hostgroup(const struct objects *o, const char *name) {
    return find(o->hostgroups, o->hostgroup_count, sizeof *o->hostgroups, name);
}

const struct object_servicegroup *objects_servicegroup(const struct objects *o, const char *name) {
    return find(o->servicegroups, o->servicegroup_count, sizeof *o->servicegroups, name);
}

/* Services, escalations and dependencies begin with their host and their service. */
struct paired {
    const void *list;
    unsigned count;
    size_t size;
};

static const char *const *names_at(const struct paired *p, unsigned i) {
    return (const char *const *)(const void *)((const char *)p->list + i * p->size);
}

/* The first entry that is not before the pair; service NULL: behind all of the host's. */
static unsigned lower(const struct paired *p, const char *host, const char *service) {
    unsigned low = 0, high = p->count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        const char *const *names = names_at(p, middle);
        int order = strcmp(names[0], host);
        if (order < 0 || (order == 0 && (service == NULL || strcmp(names[1], service) < 0))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static const void *all_of(const struct paired *p, const char *host, const char *service, unsigned *count) {
    unsigned first = lower(p, host, service), behind = first;
    while (behind < p->count && strcmp(names_at(p, behind)[0], host) == 0 &&
           strcmp(names_at(p, behind)[1], service) == 0) {
        behind++;
    }
    *count = behind - first;
    return *count > 0 ? names_at(p, first) : NULL;
}

const struct object_checkable *objects_service(const struct objects *o, const char *host, const char *service) {
    unsigned count = 0;
    return all_of(&(struct paired){o->services, o->service_count, sizeof *o->services}, host, service, &count);
}

const struct object_checkable *objects_services(const struct objects *o, const char *host, unsigned *count) {
    struct paired p = {o->services, o->service_count, sizeof *o->services};
    unsigned first = lower(&p, host, "");
    *count = lower(&p, host, NULL) - first;
    return *count > 0 ? &o->services[first] : NULL;
}

const struct object_escalation *objects_escalations(const struct objects *o, const char *host, const char *service,
                                                    unsigned *count) {
    struct paired hosts = {o->host_escalations, o->host_escalation_count, sizeof *o->host_escalations};
    struct paired services = {o->service_escalations, o->service_escalation_count, sizeof *o->service_escalations};
    return all_of(*service == '\0' ? &hosts : &services, host, service, count);
}

const struct object_dependency *objects_dependencies(const struct objects *o, const char *host, const char *service,
                                                     unsigned *count) {
    struct paired hosts = {o->host_dependencies, o->host_dependency_count, sizeof *o->host_dependencies};
    struct paired services = {o->service_dependencies, o->service_dependency_count, sizeof *o->service_dependencies};
    return all_of(*service == '\0' ? &hosts : &services, host, service, count);
}
