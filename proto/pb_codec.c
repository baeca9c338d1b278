/* A strict, bounded door to protobuf-c. The library merges repeated fields, keeps unknown ones and allocates by what
   the bytes say; so the bytes are first walked along the descriptor, and only the one canonical encoding of a message
   is handed on, with an allocator that ends at the arena's limit. */
#include "proto/pb_codec.h"

#include "base/invariant.h"

#include <string.h>

void take_refuse(struct taker *t, enum error reason) {
    if (t->error == ERR_OK) {
        t->error = reason;
    }
}

/* --- the walk --- */

enum { WIRE_VARINT = 0, WIRE_BLOCK = 2, VARINT_MAX_LEN = 10 };

/* Shortest form only; 64 bits at most. */
static enum error walk_varint(struct reader *r, uint64_t *out) {
    *out = 0;
    for (unsigned i = 0; i < VARINT_MAX_LEN; i++) {
        uint8_t byte = read_u8(r);
        if (r->bad || (i == VARINT_MAX_LEN - 1 && byte > 1)) {
            return ERR_MALFORMED;
        }
        *out |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            return byte == 0 && i > 0 ? ERR_NOT_CANONICAL : ERR_OK;
        }
    }
    return ERR_MALFORMED;
}

static enum error walk_message(const ProtobufCMessageDescriptor *d, struct bytes body);

static bool field_is_oneof(const ProtobufCFieldDescriptor *f) {
    return f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF;
}

/* A default value is left out, unless it is an element of a list. */
static bool field_may_be_default(const ProtobufCFieldDescriptor *f) {
    return f->label == PROTOBUF_C_LABEL_REPEATED || f->type == PROTOBUF_C_TYPE_MESSAGE;
}

static enum error walk_scalar(const ProtobufCFieldDescriptor *f, struct reader *r) {
    uint64_t value;
    enum error e = walk_varint(r, &value);
    if (e != ERR_OK) {
        return e;
    }
    if (f->type == PROTOBUF_C_TYPE_UINT32 && value > UINT32_MAX) {
        return ERR_OUT_OF_RANGE;
    }
    if (f->type == PROTOBUF_C_TYPE_BOOL && value > 1) {
        return ERR_NOT_CANONICAL;
    }
    return value == 0 && !field_may_be_default(f) ? ERR_NOT_CANONICAL : ERR_OK;
}

static enum error walk_block(const ProtobufCFieldDescriptor *f, struct reader *r) {
    uint64_t len;
    enum error e = walk_varint(r, &len);
    if (e != ERR_OK) {
        return e;
    }
    if (len > (size_t)(r->end - r->at)) {
        return ERR_MALFORMED;
    }
    struct bytes block = read_bytes(r, (size_t)len);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        return walk_message(f->descriptor, block);
    }
    return len == 0 && !field_may_be_default(f) ? ERR_NOT_CANONICAL : ERR_OK;
}

static enum error walk_field(const ProtobufCFieldDescriptor *f, unsigned wire, struct reader *r) {
    bool is_block = f->type == PROTOBUF_C_TYPE_BYTES || f->type == PROTOBUF_C_TYPE_MESSAGE;
    if (wire != (is_block ? WIRE_BLOCK : WIRE_VARINT)) {
        return ERR_MALFORMED;
    }
    return is_block ? walk_block(f, r) : walk_scalar(f, r);
}

/* The field of that number at or after *index; fields are sorted by number in descriptors. */
static const ProtobufCFieldDescriptor *walk_find(const ProtobufCMessageDescriptor *d, unsigned *index, uint64_t id) {
    while (*index < d->n_fields && d->fields[*index].id < id) {
        (*index)++;
    }
    return *index < d->n_fields && d->fields[*index].id == id ? &d->fields[*index] : NULL;
}

static enum error walk_message(const ProtobufCMessageDescriptor *d, struct bytes body) {
    struct reader r = reader_of(body);
    unsigned index = 0;
    uint64_t last = 0;
    bool chosen = false;
    while (r.at < r.end) {
        uint64_t tag;
        enum error e = walk_varint(&r, &tag);
        if (e != ERR_OK) {
            return e;
        }
        uint64_t id = tag >> 3;
        if (id < last) {
            return ERR_NOT_CANONICAL;
        }
        const ProtobufCFieldDescriptor *f = walk_find(d, &index, id);
        if (!f) {
            return ERR_MALFORMED;
        }
        if ((id == last && f->label != PROTOBUF_C_LABEL_REPEATED) || (chosen && field_is_oneof(f))) {
            return ERR_NOT_CANONICAL;
        }
        e = walk_field(f, tag & 7, &r);
        if (e != ERR_OK) {
            return e;
        }
        last = id;
        chosen = chosen || field_is_oneof(f);
    }
    return ERR_OK;
}

/* --- unpacking into an arena --- */

struct bounded {
    struct arena *arena;
    bool full;
};

/* One byte more than asked for: arena memory is zeroed, so text is NUL-terminated where it lies. */
static void *bounded_alloc(void *self, size_t size) {
    struct bounded *b = self;
    void *p = arena_alloc(b->arena, size + 1);
    b->full = b->full || !p;
    return p;
}

static void bounded_free(void *self, void *p) {
    (void)self, (void)p;
}

const void *take_message(struct taker *t, const ProtobufCMessageDescriptor *descriptor, struct bytes body) {
    struct bounded bounded = {t->arena, false};
    ProtobufCAllocator allocator = {bounded_alloc, bounded_free, &bounded};
    enum error e = t->error != ERR_OK ? t->error : walk_message(descriptor, body);
    if (e != ERR_OK) {
        take_refuse(t, e);
        return NULL;
    }
    const void *message = protobuf_c_message_unpack(descriptor, &allocator, body.len, body.data);
    if (!message) {
        take_refuse(t, bounded.full ? ERR_TOO_MANY : ERR_MALFORMED);
    }
    return message;
}

/* --- takers --- */

uint64_t take_range(struct taker *t, uint64_t value, uint64_t low, uint64_t high) {
    if (value < low || value > high) {
        take_refuse(t, ERR_OUT_OF_RANGE);
        return low;
    }
    return value;
}

uint64_t take_number(struct taker *t, uint64_t value, uint64_t low) {
    return take_range(t, value, low, NUMBER_MAX);
}

time_ms take_time(struct taker *t, int64_t value) {
    return (time_ms)take_range(t, (uint64_t)value, 0, TIME_MAX_MS);
}

enum error take_error(struct taker *t, uint32_t number) {
    if (number >= ERR_LIMIT || strcmp(error_name((enum error)number), "?") == 0) {
        take_refuse(t, ERR_OUT_OF_RANGE);
        return ERR_OK;
    }
    return (enum error)number;
}

void take_fixed(struct taker *t, void *out, size_t len, ProtobufCBinaryData in) {
    if (in.len != len) {
        take_refuse(t, ERR_MALFORMED);
        memset(out, 0, len);
        return;
    }
    memcpy(out, in.data, len);
}

struct bytes take_bytes(struct taker *t, ProtobufCBinaryData in, size_t min, size_t max) {
    if (in.len < min || in.len > max) {
        take_refuse(t, in.len < min ? ERR_MALFORMED : ERR_OVERSIZED);
        return bytes_of("", 0);
    }
    return bytes_of(in.len ? in.data : (const uint8_t *)"", in.len);
}

const char *take_text(struct taker *t, ProtobufCBinaryData in, size_t max) {
    struct bytes text = take_bytes(t, in, 0, max);
    if (!utf8_valid(text)) {
        take_refuse(t, ERR_NOT_UTF8);
        return "";
    }
    return (const char *)text.data;
}

void *take_list(struct taker *t, size_t count, size_t min, size_t max, size_t element_size) {
    if (count < min || count > max) {
        take_refuse(t, count < min ? ERR_MALFORMED : ERR_TOO_MANY);
        return NULL;
    }
    void *list = t->error == ERR_OK ? arena_alloc(t->arena, (count + 1) * element_size) : NULL;
    if (!list) {
        take_refuse(t, ERR_TOO_MANY);
    }
    return list;
}

unsigned take_texts(struct taker *t, const char *const **out, const ProtobufCBinaryData *list, size_t count,
                    size_t count_max, size_t text_max) {
    const char **texts = take_list(t, count, 0, count_max, sizeof *texts);
    *out = texts;
    for (size_t i = 0; texts && i < count; i++) {
        texts[i] = take_text(t, list[i], text_max);
    }
    return texts ? (unsigned)count : 0;
}

/* --- putters --- */

void *put_list(struct arena *a, size_t count, size_t element_size) {
    REQUIRE(a->limit == 0);
    return arena_alloc(a, (count + 1) * element_size);
}

ProtobufCBinaryData put_fixed(const void *data, size_t len) {
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data}; /* packing only reads */
}

ProtobufCBinaryData put_bytes(struct bytes b) {
    return put_fixed(b.data, b.len);
}

ProtobufCBinaryData put_text(const char *text) {
    return put_bytes(bytes_of_text(text ? text : ""));
}

ProtobufCBinaryData *put_texts(struct arena *a, const char *const *list, unsigned count) {
    ProtobufCBinaryData *texts = put_list(a, count, sizeof *texts);
    for (unsigned i = 0; i < count; i++) {
        texts[i] = put_text(list[i]);
    }
    return texts;
}

void put_message(struct buffer *out, const ProtobufCMessage *message) {
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *at = buffer_extend(out, len);
    ENSURE(protobuf_c_message_pack(message, at) == len);
}
