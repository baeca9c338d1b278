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

static int compare_service(const void *key, const void *service) {
    const char *const *wanted = key;
    const struct object_checkable *s = service;
    int order = strcmp(wanted[0], s->host);
    return order != 0 ? order : strcmp(wanted[1], s->service);
}

const struct object_checkable *objects_service(const struct objects *o, const char *host, const char *service) {
    const char *const wanted[2] = {host, service};
    return o->service_count == 0 ? NULL
                                 : bsearch(wanted, o->services, o->service_count, sizeof *o->services, compare_service);
}
