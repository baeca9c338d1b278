/* The canonical bytes of an object configuration: what APPLY carries, what the digest is over, what is stored. One
   configuration has exactly one encoding: everything sorted, distinct, resolved, nothing optional; a decoder refuses
   the rest, so that equal digests mean equal configurations. */
#include "base/invariant.h"
#include "checks/objects_field.h"
#include "proto/op.h"

#include <stdlib.h>
#include <string.h>

/* magic u32 | interval_length u64 | per kind: count u32, its objects' fields in table order | system contacts */
#define OBJECTS_MAGIC UINT32_C(0x514f4232) /* "QOB2" */

static const size_t kind_size[KIND_LIMIT] = {
    [KIND_COMMAND] = sizeof(struct object_command), [KIND_CONTACT] = sizeof(struct object_contact),
    [KIND_ZONE] = sizeof(struct object_zone),       [KIND_TIMEPERIOD] = sizeof(struct object_timeperiod),
    [KIND_HOST] = sizeof(struct object_checkable),  [KIND_SERVICE] = sizeof(struct object_checkable),
};
/* No object of the kind takes fewer bytes: bounds what a count may claim. */
static const size_t kind_least[KIND_LIMIT] = {
    [KIND_COMMAND] = 6,     [KIND_CONTACT] = 24, [KIND_ZONE] = 18,
    [KIND_TIMEPERIOD] = 14, [KIND_HOST] = 80,    [KIND_SERVICE] = 80,
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
    switch (kind) {
    case KIND_COMMAND:
        return o->command_count;
    case KIND_CONTACT:
        return o->contact_count;
    case KIND_ZONE:
        return o->zone_count;
    case KIND_TIMEPERIOD:
        return o->timeperiod_count;
    case KIND_HOST:
        return o->host_count;
    case KIND_SERVICE:
        return o->service_count;
    case KIND_LIMIT:
        break;
    }
    UNREACHABLE();
}

const void *object_at(const struct objects *o, enum object_kind kind, unsigned i) {
    REQUIRE(i < object_count(o, kind));
    switch (kind) {
    case KIND_COMMAND:
        return &o->commands[i];
    case KIND_CONTACT:
        return &o->contacts[i];
    case KIND_ZONE:
        return &o->zones[i];
    case KIND_TIMEPERIOD:
        return &o->timeperiods[i];
    case KIND_HOST:
        return &o->hosts[i];
    case KIND_SERVICE:
        return &o->services[i];
    case KIND_LIMIT:
        break;
    }
    UNREACHABLE();
}

static void place(struct objects *o, enum object_kind kind, void *list, unsigned count) {
    switch (kind) {
    case KIND_COMMAND:
        o->commands = list;
        o->command_count = count;
        return;
    case KIND_CONTACT:
        o->contacts = list;
        o->contact_count = count;
        return;
    case KIND_ZONE:
        o->zones = list;
        o->zone_count = count;
        return;
    case KIND_TIMEPERIOD:
        o->timeperiods = list;
        o->timeperiod_count = count;
        return;
    case KIND_HOST:
        o->hosts = list;
        o->host_count = count;
        return;
    case KIND_SERVICE:
        o->services = list;
        o->service_count = count;
        return;
    case KIND_LIMIT:
        break;
    }
    UNREACHABLE();
}

int object_compare(enum object_kind kind, const void *a, const void *b) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    int order = strcmp(field_text(&f[0], a), field_text(&f[0], b));
    if (order == 0 && kind == KIND_SERVICE) {
        order = strcmp(field_text(&f[1], a), field_text(&f[1], b));
    }
    return order;
}

void object_title(struct buffer *out, enum object_kind kind, const void *object) {
    size_t count = 0;
    const struct object_field *f = object_fields(kind, &count);
    buffer_printf(out, "%s", field_text(&f[0], object));
    if (kind == KIND_SERVICE) {
        buffer_printf(out, "/%s", field_text(&f[1], object));
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
    return kind == KIND_ZONE || kind == KIND_TIMEPERIOD ? OBJECT_PERIODS_MAX : OBJECT_SERVICES_MAX;
}

static enum error decode_kind(struct reader *r, struct objects *o, enum object_kind kind) {
    uint32_t count = read_u32(r);
    if (r->bad || count > most_of(kind) || count > (size_t)(r->end - r->at) / kind_least[kind]) {
        return ERR_MALFORMED;
    }
    char *list = arena_alloc(&o->arena, (count + 1) * kind_size[kind]);
    for (uint32_t i = 0; i < count; i++) {
        void *object = list + i * kind_size[kind];
        enum error e = decode_object(r, &o->arena, kind, object);
        if (e != ERR_OK) {
            return e;
        }
        if (i > 0 && object_compare(kind, list + (i - 1) * kind_size[kind], object) >= 0) {
            return ERR_NOT_CANONICAL;
        }
    }
    place(o, kind, list, count);
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
