/* NOTIFIED, which says how far a notifier came, and what is kept of it. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

#include <string.h>

bool notify_name_valid(const char *name) {
    static const char ALLOWED[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);
    return len > 0 && len <= NOTIFY_NAME_MAX && strspn(name, ALLOWED) == len;
}

Quorate__Notified *put_notified(struct arena *a, const struct op_notified *op) {
    REQUIRE(notify_name_valid(op->handler) && notify_name_valid(op->instance));
    Quorate__Notified *out = put_list(a, 1, sizeof *out);
    quorate__notified__init(out);
    out->first = op->first;
    out->last = op->last;
    out->handler = put_text(op->handler);
    out->instance = put_text(op->instance);
    return out;
}

static const char *take_name(struct taker *t, ProtobufCBinaryData in) {
    const char *name = take_text(t, in, NOTIFY_NAME_MAX);
    if (t->error == ERR_OK && !notify_name_valid(name)) {
        take_refuse(t, ERR_MALFORMED);
    }
    return name;
}

void take_notified(struct taker *t, struct op_notified *out, const Quorate__Notified *in) {
    out->first = take_number(t, in->first, 1);
    out->last = take_number(t, in->last, out->first);
    out->handler = take_name(t, in->handler);
    out->instance = take_name(t, in->instance);
}

/* --- records --- */

static void put_short(struct buffer *out, const char *name) {
    buffer_u8(out, (uint8_t)strlen(name));
    buffer_put(out, name, strlen(name));
}

static bool take_short(char out[NOTIFY_NAME_MAX + 1], struct reader *r) {
    struct bytes name = read_bytes(r, read_u8(r));
    if (r->bad || name.len > NOTIFY_NAME_MAX) {
        return false;
    }
    memcpy(out, name.data, name.len);
    out[name.len] = '\0';
    return strlen(out) == name.len && notify_name_valid(out);
}

void notified_record_encode(struct buffer *out, const struct notified_record *n) {
    buffer_u64(out, n->upto);
    buffer_u64(out, (uint64_t)n->at);
    put_short(out, n->handler);
    put_short(out, n->instance);
}

enum error notified_record_decode(struct notified_record *out, struct reader *r) {
    out->upto = read_u64(r);
    out->at = (time_ms)read_u64(r);
    bool good = out->upto >= 1 && out->upto <= NUMBER_MAX && out->at >= 0;
    return take_short(out->handler, r) && take_short(out->instance, r) && good ? ERR_OK : ERR_MALFORMED;
}
