/* The objects that a command is for: one, a host's services, all that is reached through a host, or a group. */
#include "base/invariant.h"
#include "checks/command.h"

#include <stdlib.h>

static void add(struct targets *t, uint32_t id) {
    if (t->count == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 16;
        t->ids = xrealloc(t->ids, t->cap * sizeof *t->ids);
    }
    t->ids[t->count++] = id;
}

static void add_services(struct targets *t, const struct object *host) {
    for (uint32_t i = 0; i < host->service_count; i++) {
        add(t, host->first_service + i);
    }
}

void targets_free(struct targets *t) {
    free(t->ids);
    *t = (struct targets){0};
}

/* ---- what is reached through a host ---- */

struct children { /* of host h: list[first[h]] .. list[first[h + 1] - 1] */
    uint32_t *first, *list;
};

static uint32_t parent_at(const struct monitor *m, uint32_t host, unsigned i) {
    int64_t parent = table_find(&m->table, m->table.list[host].def->parents[i], "");
    ENSURE(parent != OBJECT_NONE);
    return (uint32_t)parent;
}

static struct children children_of_all(const struct monitor *m) {
    uint32_t hosts = m->table.host_count;
    struct children c = {.first = xcalloc((size_t)hosts + 2, sizeof(uint32_t))};
    for (uint32_t h = 0; h < hosts; h++) {
        for (unsigned i = 0; i < m->table.list[h].def->parent_count; i++) {
            c.first[parent_at(m, h, i) + 2]++;
        }
    }
    for (uint32_t h = 0; h < hosts; h++) {
        c.first[h + 2] += c.first[h + 1];
    }
    c.list = xcalloc((size_t)c.first[hosts + 1] + 1, sizeof(uint32_t));
    for (uint32_t h = 0; h < hosts; h++) {
        for (unsigned i = 0; i < m->table.list[h].def->parent_count; i++) {
            c.list[c.first[parent_at(m, h, i) + 1]++] = h;
        }
    }
    return c;
}

/* Marks every host that is reached through `from`. */
static void mark_reached(const struct monitor *m, uint32_t from, bool *reached) {
    struct children c = children_of_all(m);
    uint32_t *todo = xcalloc((size_t)m->table.host_count + 1, sizeof *todo);
    size_t count = 0;
    todo[count++] = from;
    while (count > 0) {
        uint32_t host = todo[--count];
        for (uint32_t i = c.first[host]; i < c.first[host + 1]; i++) {
            if (!reached[c.list[i]]) {
                reached[c.list[i]] = true;
                todo[count++] = c.list[i];
            }
        }
    }
    free(todo);
    free(c.first);
    free(c.list);
}

static void add_reached(const struct monitor *m, uint32_t from, bool services, struct targets *out) {
    bool *reached = xcalloc((size_t)m->table.host_count + 1, sizeof *reached);
    mark_reached(m, from, reached);
    for (uint32_t h = 0; h < m->table.host_count; h++) {
        if (reached[h]) {
            add(out, h);
        }
    }
    for (uint32_t h = 0; h < m->table.host_count && services; h++) {
        if (reached[h]) {
            add_services(out, &m->table.list[h]);
        }
    }
    free(reached);
}

static enum error find(const struct monitor *m, const char *host, const char *service, uint32_t *out) {
    int64_t id = table_find(&m->table, host, service);
    if (id == OBJECT_NONE) {
        return table_find(&m->table, host, "") == OBJECT_NONE ? ERR_UNKNOWN_HOST : ERR_UNKNOWN_SERVICE;
    }
    *out = (uint32_t)id;
    return ERR_OK;
}

static enum error targets_at_host(const struct monitor *m, const struct op_command *c, struct targets *out) {
    uint32_t host = 0;
    enum error e = find(m, c->host, "", &host);
    if (e != ERR_OK) {
        return e;
    }
    switch (c->target) {
    case TARGET_SERVICES:
        add_services(out, &m->table.list[host]);
        return ERR_OK;
    case TARGET_CHILDREN:
        add(out, host);
        add_reached(m, host, false, out);
        return ERR_OK;
    default:
        add_reached(m, host, true, out);
        return ERR_OK;
    }
}

/* ---- groups ---- */

static uint32_t known(const struct monitor *m, const char *host, const char *service) {
    int64_t id = table_find(&m->table, host, service);
    ENSURE(id != OBJECT_NONE);
    return (uint32_t)id;
}

static enum error targets_of_hosts(const struct monitor *m, const struct op_command *c, struct targets *out) {
    const struct object_hostgroup *g = m->table.objects ? objects_hostgroup(m->table.objects, c->host) : NULL;
    for (unsigned i = 0; g && i < g->member_count; i++) {
        uint32_t host = known(m, g->members[i], "");
        if (c->target == TARGET_HOSTGROUP_HOSTS) {
            add(out, host);
        } else {
            add_services(out, &m->table.list[host]);
        }
    }
    return g ? ERR_OK : ERR_UNKNOWN_GROUP;
}

/* Members stand in the order of (host, service), so a host is new when it is not the last one. */
static enum error targets_of_services(const struct monitor *m, const struct op_command *c, struct targets *out) {
    const struct object_servicegroup *g = m->table.objects ? objects_servicegroup(m->table.objects, c->host) : NULL;
    for (unsigned i = 0; g && i < g->member_count; i++) {
        uint32_t id = known(m, g->members[i].host, g->members[i].service);
        id = c->target == TARGET_SERVICEGROUP_HOSTS ? m->table.list[id].host : id;
        if (out->count == 0 || out->ids[out->count - 1] != id) {
            add(out, id);
        }
    }
    return g ? ERR_OK : ERR_UNKNOWN_GROUP;
}

enum error targets_of(const struct monitor *m, const struct op_command *c, struct targets *out) {
    uint32_t id = 0;
    enum error e = ERR_OK;
    switch (c->target) {
    case TARGET_CLUSTER:
        for (uint32_t i = 0; i < m->table.count; i++) {
            add(out, i);
        }
        return ERR_OK;
    case TARGET_OBJECT:
        e = find(m, c->host, c->service, &id);
        if (e == ERR_OK) {
            add(out, id);
        }
        return e;
    case TARGET_SERVICES:
    case TARGET_CHILDREN:
    case TARGET_BEYOND:
        return targets_at_host(m, c, out);
    case TARGET_HOSTGROUP_HOSTS:
    case TARGET_HOSTGROUP_SERVICES:
        return targets_of_hosts(m, c, out);
    case TARGET_SERVICEGROUP_HOSTS:
    case TARGET_SERVICEGROUP_SERVICES:
        return targets_of_services(m, c, out);
    case TARGET_LIMIT:
        break;
    }
    UNREACHABLE();
}
