/* The canonical bytes of an object configuration: what APPLY carries, what the digest is over, what is stored. One
   configuration has exactly one encoding: everything sorted, distinct, resolved, nothing optional; a decoder refuses
   the rest, so that equal digests mean equal configurations. */
#include "base/invariant.h"
#include "checks/objects_field.h"
#include "proto/op.h"

#include <stdlib.h>
#include <string.h>

/* magic u32 | interval_length u64 | per kind: count u32, its objects' fields in table order | system contacts */
#define OBJECTS_MAGIC UINT32_C(0x514f4233) /* "QOB3" */

/* Where the objects of a kind lie in the set, and the bytes that none of them goes below: bounds what a count may
 * claim.
 */
#define KIND(member, counter, least)                                                                                   \
    {                                                                                                                  \
        sizeof(*((struct objects *)0)->member), offsetof(struct objects, member), offsetof(struct objects, counter),   \
            least                                                                                                      \
    }
static const struct {
    size_t size, list, count, least;
} kinds[KIND_LIMIT] = {
    [KIND_COMMAND] = KIND(commands, command_count, 6),
    [KIND_CONTACT] = KIND(contacts, contact_count, 24),
    [KIND_ZONE] = KIND(zones, zone_count, 18),
    [KIND_TIMEPERIOD] = KIND(timeperiods, timeperiod_count, 14),
    [KIND_HOST] = KIND(hosts, host_count, 80),
    [KIND_SERVICE] = KIND(services, service_count, 80),
    [KIND_HOSTGROUP] = KIND(hostgroups, hostgroup_count, 9),
    [KIND_SERVICEGROUP] = KIND(servicegroups, servicegroup_count, 9),
    [KIND_HOSTESCALATION] = KIND(host_escalations, host_escalation_count, 29),
    [KIND_SERVICEESCALATION] = KIND(service_escalations, service_escalation_count, 29),
    [KIND_HOSTDEPENDENCY] = KIND(host_dependencies, host_dependency_count, 15),
    [KIND_SERVICEDEPENDENCY] = KIND(service_dependencies, service_dependency_count, 15),
};
static const struct object_field interval_length_field = {.directive = "interval_length",
                                                          .kind = FIELD_TIME,
                                                          .min = 1,
                                                          .max = INTERVAL_MAX_MS,
                                                          .offset = offsetof(struct objects, interval_length)};
static const struct object_field system_contacts_field = {.directive = "_SYSTEM_CONTACTS",
                                                          .kind = FIELD_NAMES,
                                                          .max = OBJECT_LIST_MAX,
                                                          .offset = offsetof(struct objects, system_contacts),
                                                          .count_offset =
                                                              offsetof(struct objects, system_contact_count)};

void objects_free(struct objects *o) {
    if (o != NULL) {
        arena_free(&o->arena);
        free(o);
    }
}

unsigned object_count(const struct objects *o, enum object_kind kind) {
    REQUIRE(kind < KIND_LIMIT);
    return *(const unsigned *)(const void *)((const char *)o + kinds[kind].count);
}

/* The list pointers have many types: they are copied as bytes, never read as another one. */
const void *object_at(const struct objects *o, enum object_kind kind, unsigned i) {
    REQUIRE(i < object_count(o, kind));
    const char *list = NULL;
    memcpy((void *)&list, (const char *)o + kinds[kind].list, sizeof list);
    return list + i * kinds[kind].size;
}

void object_place(struct objects *o, enum object_kind kind, void *list, unsigned count) {
    REQUIRE(kind < KIND_LIMIT);
    memcpy((char *)o + kinds[kind].list, (const void *)&list, sizeof list);
    *(unsigned *)(void *)((char *)o + kinds[kind].count) = count;
}

static void title_escalation(struct buffer *out, const struct object_escalation *e) {
    buffer_printf(out, " %u-", e->first);
    if (e->last > 0) {
        buffer_printf(out, "%u", e->last);
    }
    buffer_printf(out, " ");
    options_print(out, e->options, false);
    buffer_printf(out, "%s%s", *e->period ? " " : "", e->period);
}

static void title_dependency(struct buffer *out, const struct object_dependency *d) {
    buffer_printf(out, " on %s%s%s%s%s%s", d->master_host, *d->master_service ? "/" : "", d->master_service,
                  *d->period ? " " : "", d->period, d->inherits_parent ? " with what that rests on" : "");
}

void object_title(struct buffer *out, enum object_kind kind, const void *object) {
    const char *const *names = object; /* every object begins with its name, or two */
    bool paired = kind == KIND_SERVICE || kind == KIND_SERVICEESCALATION || kind == KIND_SERVICEDEPENDENCY;
    buffer_printf(out, "%s", names[0]);
    if (paired) {
        buffer_printf(out, "/%s", names[1]);
    }
    if (kind == KIND_HOSTESCALATION || kind == KIND_SERVICEESCALATION) {
        title_escalation(out, object);
    } else if (kind == KIND_HOSTDEPENDENCY || kind == KIND_SERVICEDEPENDENCY) {
        title_dependency(out, object);
    }
}

/* ---- encode ---- */

static void encode_object(struct buffer *out, enum object_kind kind, const void *object) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    for (size_t i = 0; i < count; i++) {
        field_encode(out, &f[i], object);
    }
}

void objects_encode(struct buffer *out, const struct objects *o) {
    buffer_u32(out, OBJECTS_MAGIC);
    field_encode(out, &interval_length_field, o);
    for (enum object_kind kind = 0; kind < KIND_LIMIT; kind++) {
        unsigned count = object_count(o, kind);
        buffer_u32(out, count);
        for (unsigned i = 0; i < count; i++) {
            encode_object(out, kind, object_at(o, kind, i));
        }
    }
    field_encode(out, &system_contacts_field, o);
}

/* ---- decode ---- */

static enum error decode_object(struct reader *r, struct arena *arena, enum object_kind kind, void *object) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    for (size_t i = 0; i < count; i++) {
        enum error e = field_decode(r, arena, &f[i], object);
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_OK;
}

static uint32_t most_of(enum object_kind kind) {
    if (kind >= KIND_HOSTESCALATION) {
        return OBJECT_RELATIONS_MAX;
    }
    return kind == KIND_ZONE || kind == KIND_TIMEPERIOD ? OBJECT_PERIODS_MAX : OBJECT_SERVICES_MAX;
}

static enum error decode_kind(struct reader *r, struct objects *o, enum object_kind kind) {
    uint32_t count = read_u32(r);
    if (r->bad || count > most_of(kind) || count > (size_t)(r->end - r->at) / kinds[kind].least) {
        return ERR_MALFORMED;
    }
    char *list = arena_alloc(&o->arena, (count + 1) * kinds[kind].size);
    for (uint32_t i = 0; i < count; i++) {
        void *object = list + i * kinds[kind].size;
        enum error e = decode_object(r, &o->arena, kind, object);
        if (e != ERR_OK) {
            return e;
        }
        if (i > 0 && object_compare(kind, list + (i - 1) * kinds[kind].size, object) >= 0) {
            return ERR_NOT_CANONICAL;
        }
    }
    object_place(o, kind, list, count);
    return ERR_OK;
}

static enum error decode_all(struct reader *r, struct objects *o) {
    if (read_u32(r) != OBJECTS_MAGIC) {
        return ERR_MALFORMED;
    }
    enum error e = field_decode(r, &o->arena, &interval_length_field, o);
    for (enum object_kind kind = 0; e == ERR_OK && kind < KIND_LIMIT; kind++) {
        e = decode_kind(r, o, kind);
    }
    if (e == ERR_OK) {
        e = field_decode(r, &o->arena, &system_contacts_field, o);
    }
    return e == ERR_OK && !reader_done(r) ? ERR_MALFORMED : e;
}

/* Problems become signed reply text: at most this much, then a count of the rest. */
enum { WHY_MAX = 4096, WHY_TAIL = 64 };
struct why {
    const struct objects *objects;
    struct buffer *out;
    size_t start;
    unsigned untold;
};

static void tell(void *self, enum object_kind kind, unsigned index, const char *directive, const char *text) {
    struct why *why = self;
    struct buffer line = {0};
    if (kind < KIND_LIMIT) {
        buffer_printf(&line, "%s ", object_kind_name(kind));
        object_title(&line, kind, object_at(why->objects, kind, index));
        buffer_printf(&line, ": ");
    }
    buffer_printf(&line, "%s: %s\n", directive, text);
    if (why->out->len - why->start + line.len > WHY_MAX - WHY_TAIL) {
        why->untold++;
    } else {
        buffer_put(why->out, line.data, line.len);
    }
    buffer_free(&line);
}

static bool validate(const struct objects *o, struct buffer *out) {
    struct why why = {o, out, out->len, 0};
    bool good = objects_validate(o, tell, &why);
    if (why.untold > 0) {
        buffer_printf(out, "and %u more problems\n", why.untold);
    }
    return good;
}

enum error objects_decode(struct objects **out, struct bytes bytes, struct buffer *why) {
    *out = NULL;
    if (bytes.len > OBJECTS_MAX_LEN) {
        buffer_printf(why, "objects: %zu bytes: at most %d are allowed\n", bytes.len, OBJECTS_MAX_LEN);
        return ERR_MALFORMED;
    }
    struct objects *o = xcalloc(1, sizeof *o);
    struct reader r = reader_of(bytes);
    enum error e = decode_all(&r, o);
    if (e != ERR_OK) {
        buffer_printf(why, "objects: %s near byte %zu of %zu: apply again with this version's quorate\n", error_text(e),
                      (size_t)(r.at - bytes.data), bytes.len);
    } else if (!validate(o, why)) {
        e = ERR_BAD_OBJECTS;
    }
    if (e != ERR_OK) {
        objects_free(o);
        return e;
    }
    *out = o;
    return ERR_OK;
}
