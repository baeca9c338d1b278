/* DRILL, DRILL_STOP and DRILL_DONE, and what is kept of a drill. */
#include "base/invariant.h"
#include "proto/drill.h"
#include "proto/pb_codec.h"

#include <string.h>

static const char SMALL[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char PARAMETER[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";

bool drill_name_valid(const char *name) {
    size_t len = strlen(name);
    return len > 0 && len <= DRILL_NAME_MAX && strspn(name, SMALL) == len;
}

bool drill_behaviour_valid(const char *behaviour) {
    size_t len = strlen(behaviour), name = strspn(behaviour, SMALL);
    if (len > DRILL_BEHAVIOUR_MAX || name == 0 || (name == 5 && strncmp(behaviour, "later", 5) == 0))
        return false;
    const char *rest = behaviour + name;
    return *rest == '\0' || (*rest == ':' && rest[1] != '\0' && strspn(rest + 1, PARAMETER) == strlen(rest + 1));
}

const char *drill_end_name(enum drill_end e) {
    static const char *const names[] = {"running", "time", "stopped", "evidence", "margin", "target"};
    return (unsigned)e < DRILL_END_LIMIT ? names[e] : "?";
}

Quorate__Drill *put_drill(struct arena *a, const struct op_drill *op) {
    REQUIRE(drill_behaviour_valid(op->behaviour) && drill_name_valid(op->name));
    Quorate__Drill *out = put_list(a, 1, sizeof *out);
    quorate__drill__init(out);
    out->target = op->target;
    out->behaviour = put_text(op->behaviour);
    out->name = put_text(op->name);
    out->duration = op->duration;
    return out;
}

void take_drill(struct taker *t, struct op_drill *out, const Quorate__Drill *in) {
    out->target = (member_id)take_range(t, in->target, 0, MEMBERS_MAX - 1);
    out->behaviour = take_text(t, in->behaviour, DRILL_BEHAVIOUR_MAX);
    out->name = take_text(t, in->name, DRILL_NAME_MAX);
    out->duration = (uint32_t)take_range(t, in->duration, DRILL_MS_MIN, DRILL_MS_MAX);
    if (t->error == ERR_OK && !(drill_behaviour_valid(out->behaviour) && drill_name_valid(out->name)))
        take_refuse(t, ERR_MALFORMED);
}

Quorate__DrillStop *put_drill_stop(struct arena *a, const struct op_drill_stop *op) {
    Quorate__DrillStop *out = put_list(a, 1, sizeof *out);
    quorate__drill_stop__init(out);
    out->id = op->id;
    return out;
}

void take_drill_stop(struct taker *t, struct op_drill_stop *out, const Quorate__DrillStop *in) {
    out->id = take_number(t, in->id, 1);
}

Quorate__DrillDone *put_drill_done(struct arena *a, const struct op_drill_done *op) {
    Quorate__DrillDone *out = put_list(a, 1, sizeof *out);
    quorate__drill_done__init(out);
    out->id = op->id;
    out->max_n = op->max_n;
    out->max_view = op->max_view;
    out->bites = op->bites;
    return out;
}

void take_drill_done(struct taker *t, struct op_drill_done *out, const Quorate__DrillDone *in) {
    out->id = take_number(t, in->id, 1);
    out->max_n = take_number(t, in->max_n, 0);
    out->max_view = take_number(t, in->max_view, 0);
    out->bites = take_number(t, in->bites, 0);
}

/* --- records --- */

static void put_short(struct buffer *out, const char *text) {
    buffer_u8(out, (uint8_t)strlen(text));
    buffer_put(out, text, strlen(text));
}

static bool take_short(char *out, size_t max, struct reader *r) {
    struct bytes text = read_bytes(r, read_u8(r));
    if (r->bad || text.len > max)
        return false;
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return strlen(out) == text.len && utf8_valid(text);
}

void drill_record_encode(struct buffer *out, const struct drill_record *d) {
    buffer_u64(out, d->id);
    buffer_u16(out, d->target);
    buffer_u64(out, d->started_n);
    buffer_u64(out, (uint64_t)d->started_t);
    buffer_u64(out, (uint64_t)d->ends_t);
    buffer_u64(out, d->started_view);
    buffer_u8(out, (uint8_t)d->end);
    buffer_u64(out, d->ended_n);
    buffer_u64(out, (uint64_t)d->ended_t);
    buffer_u64(out, d->closed_n);
    buffer_u64(out, d->closed_view);
    buffer_u8(out, d->done);
    buffer_u64(out, d->max_n);
    buffer_u64(out, d->max_view);
    buffer_u64(out, d->bites);
    buffer_u8(out, d->counts);
    put_short(out, d->name);
    put_short(out, d->behaviour);
    put_short(out, d->operator_name);
}

static bool record_sound(const struct drill_record *d) {
    bool ended = d->end != DRILL_RUNS, closed = d->closed_n > 0;
    return d->id >= 1 && d->id <= NUMBER_MAX && d->target < MEMBERS_MAX && d->end < DRILL_END_LIMIT &&
           ended == (d->ended_n > 0) && (!closed || (ended && d->closed_n >= d->ended_n)) && (closed || !d->done) &&
           d->ends_t >= d->started_t && drill_name_valid(d->name) && drill_behaviour_valid(d->behaviour);
}

enum error drill_record_decode(struct drill_record *out, struct reader *r) {
    *out = (struct drill_record){.id = read_u64(r), .target = 0};
    out->target = read_u16(r);
    out->started_n = read_u64(r);
    out->started_t = (time_ms)read_u64(r);
    out->ends_t = (time_ms)read_u64(r);
    out->started_view = read_u64(r);
    out->end = (enum drill_end)read_u8(r);
    out->ended_n = read_u64(r);
    out->ended_t = (time_ms)read_u64(r);
    out->closed_n = read_u64(r);
    out->closed_view = read_u64(r);
    uint8_t done = read_u8(r);
    out->max_n = read_u64(r);
    out->max_view = read_u64(r);
    out->bites = read_u64(r);
    uint8_t counts = read_u8(r);
    out->done = done == 1;
    out->counts = counts == 1;
    bool texts = take_short(out->name, DRILL_NAME_MAX, r) && take_short(out->behaviour, DRILL_BEHAVIOUR_MAX, r) &&
                 take_short(out->operator_name, DRILL_OPERATOR_MAX, r);
    return texts && done <= 1 && counts <= 1 && record_sound(out) ? ERR_OK : ERR_MALFORMED;
}
