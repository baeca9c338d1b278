/* Observers whose own signatures convicted them: named, counted as missing everywhere from then on. */
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

static size_t place_of(const struct name_list *l, const char *name) {
    size_t at = 0;
    while (at < l->count && strcmp(l->names[at], name) < 0) {
        at++;
    }
    return at;
}

bool name_list_has(const struct name_list *l, const char *name) {
    size_t at = place_of(l, name);
    return at < l->count && strcmp(l->names[at], name) == 0;
}

bool name_list_add(struct name_list *l, const char *name) {
    if (name_list_has(l, name)) {
        return false;
    }
    size_t at = place_of(l, name);
    l->names = xrealloc(l->names, (l->count + 1) * sizeof *l->names);
    memmove(l->names + at + 1, l->names + at, (l->count - at) * sizeof *l->names);
    l->names[at] = xstrdup(name);
    l->count++;
    return true;
}

void name_list_free(struct name_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->names[i]);
    }
    free(l->names);
    *l = (struct name_list){0};
}

void convict_mark(struct monitor *m) {
    for (uint32_t i = 0; i < m->table.count && m->convicted.count > 0; i++) {
        struct object *o = &m->table.list[i];
        for (unsigned k = 0; k < o->def->observer_count; k++) {
            object_votes(&m->table, o)[k].convicted = name_list_has(&m->convicted, o->def->observers[k]);
        }
    }
}

void monitor_announce(struct monitor *m, const char *text, const struct monitor_sink *sink) {
    m->sink = sink;
    notify_system(m, text);
    m->sink = NULL;
}

void monitor_convict(struct monitor *m, const char *observer, const char *why, const struct monitor_sink *sink) {
    if (!name_list_add(&m->convicted, observer)) {
        return;
    }
    m->header_dirty = true;
    m->sink = sink;
    struct buffer text = {0};
    buffer_printf(&text, "observer %s convicted: %s", observer, why);
    notify_system(m, buffer_cstr(&text));
    buffer_free(&text);
    convict_mark(m);
    for (uint32_t i = 0; i < m->table.count; i++) {
        struct object *o = &m->table.list[i];
        int at = object_observer(o, observer);
        if (at >= 0) {
            mask_convicted(m, &object_votes(&m->table, o)[at]);
            mask_trim(m, o);
            judge(m, o);
            freshness_schedule(m, o);
        }
    }
    m->sink = NULL;
}
