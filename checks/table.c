/* The dense tables behind names: one array of objects, one of votes, and a hash from (host, service) to the dense id
   that is only ever asked, never walked. */
#include "base/invariant.h"
#include "checks/machine.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_text(uint32_t h, const char *text) {
    for (; *text; text++) {
        h = (h ^ (uint8_t)*text) * 16777619u;
    }
    return h;
}

static uint32_t hash_of(const char *host, const char *service) {
    uint32_t h = hash_text(2166136261u, host);
    h = hash_text((h ^ 0xffu) * 16777619u, service);
    return h ^ h >> 15;
}

static bool is_named(const struct object *o, const char *host, const char *service) {
    return strcmp(o->def->service, service) == 0 && strcmp(o->def->host, host) == 0;
}

int64_t table_find(const struct table *t, const char *host, const char *service) {
    if (t->count == 0) {
        return OBJECT_NONE;
    }
    for (uint32_t i = hash_of(host, service) & t->slot_mask; t->slots[i]; i = (i + 1) & t->slot_mask) {
        if (is_named(&t->list[t->slots[i] - 1], host, service)) {
            return t->slots[i] - 1;
        }
    }
    return OBJECT_NONE;
}

static void index_object(struct table *t, uint32_t id) {
    const struct object_checkable *def = t->list[id].def;
    uint32_t i = hash_of(def->host, def->service) & t->slot_mask;
    while (t->slots[i]) {
        i = (i + 1) & t->slot_mask;
    }
    t->slots[i] = id + 1;
}

static void object_start(struct table *t, uint32_t id, const struct object_checkable *def) {
    REQUIRE(def->observer_count >= 1 && def->observer_count <= VOTERS_MAX);
    t->list[id] = (struct object){.def = def,
                                  .id = id,
                                  .host = id,
                                  .first_vote = t->vote_count,
                                  .heap_at = OBJECT_NONE,
                                  .is_host = id < t->host_count,
                                  .verdict = STATE_PENDING,
                                  .source = SOURCE_NONE,
                                  .state = STATE_PENDING,
                                  .last_state = STATE_OK,
                                  .last_hard_state = STATE_OK,
                                  .hard = true,
                                  .attempt = 1};
    t->vote_count += def->observer_count;
}

static void start_objects(struct table *t) {
    const struct objects *o = t->objects;
    for (uint32_t i = 0; i < o->host_count; i++) {
        object_start(t, i, &o->hosts[i]);
        index_object(t, i);
    }
    for (uint32_t i = 0; i < o->service_count; i++) {
        uint32_t id = o->host_count + i;
        object_start(t, id, &o->services[i]);
        index_object(t, id);
        int64_t host = table_find(t, o->services[i].host, "");
        ENSURE(host != OBJECT_NONE);
        t->list[id].host = (uint32_t)host;
        if (t->list[host].service_count++ == 0) {
            t->list[host].first_service = id;
        }
        t->list[host].service_intervals += o->services[i].check_interval;
    }
}

static uint64_t *bits_new(uint32_t count) {
    return xcalloc((size_t)count / 64 + 1, sizeof(uint64_t));
}

void table_build(struct table *t, struct objects *objects) {
    *t = (struct table){.objects = objects, .host_count = objects->host_count};
    periods_build(&t->periods, objects);
    t->count = objects->host_count + objects->service_count;
    uint32_t slots = 16;
    while (slots < t->count * 2) {
        slots *= 2;
    }
    t->slot_mask = slots - 1;
    t->slots = xcalloc(slots, sizeof *t->slots);
    t->list = xcalloc((size_t)t->count + 1, sizeof *t->list);
    t->heap = xcalloc((size_t)t->count + 1, sizeof *t->heap);
    start_objects(t);
    t->votes = xcalloc((size_t)t->vote_count + 1, sizeof *t->votes);
    for (uint32_t i = 0; i < t->vote_count; i++) {
        t->votes[i].state = STATE_PENDING;
    }
    t->object_dirty = bits_new(t->count);
    t->vote_dirty = bits_new(t->vote_count);
}

void table_free(struct table *t) {
    for (uint32_t i = 0; i < t->count; i++) {
        text_free(&t->list[i].output);
        text_free(&t->list[i].perfdata);
    }
    for (uint32_t i = 0; i < t->vote_count; i++) {
        text_free(&t->votes[i].output);
        text_free(&t->votes[i].perfdata);
        standing_free(&t->votes[i]);
    }
    periods_free(&t->periods);
    free(t->list);
    free(t->votes);
    free(t->slots);
    free(t->heap);
    free(t->object_dirty);
    free(t->vote_dirty);
    if (t->objects) {
        objects_free(t->objects);
    }
    *t = (struct table){0};
}

int object_observer(const struct object *o, const char *observer) {
    unsigned low = 0, high = o->def->observer_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        int order = strcmp(o->def->observers[middle], observer);
        if (order == 0) {
            return (int)middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

struct observer_vote *object_votes(const struct table *t, const struct object *o) {
    return t->votes + o->first_vote;
}

void object_touch(struct monitor *m, const struct object *o) {
    bit_add(m->table.object_dirty, o->id);
}

void vote_touch(struct monitor *m, const struct observer_vote *v) {
    bit_add(m->table.vote_dirty, (uint32_t)(v - m->table.votes));
}

const char *object_output(const struct table *t, const struct object *o) {
    return text_of(o->source == SOURCE_NONE ? &o->output : &object_votes(t, o)[o->source].output);
}

const char *object_perfdata(const struct table *t, const struct object *o) {
    return text_of(o->source == SOURCE_NONE ? &o->perfdata : &object_votes(t, o)[o->source].perfdata);
}

void object_keep_text(struct monitor *m, struct object *o) {
    if (o->source == SOURCE_NONE) {
        return;
    }
    const struct observer_vote *v = &object_votes(&m->table, o)[o->source];
    text_set(&o->output, text_of(&v->output));
    text_set(&o->perfdata, text_of(&v->perfdata));
    o->source = SOURCE_NONE;
    object_touch(m, o);
}
