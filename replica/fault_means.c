/* What traitors do their work with: chance, the own key, frames taken apart and sealed anew, and a place for what is to
   be said later. Nothing here knows another key than the own one. */
#include "replica/fault_parts.h"

#include <stdlib.h>
#include <string.h>

bool fault_chance(struct fault *f, unsigned per_mille) {
    return prng_chance(&f->chance, per_mille);
}

uint64_t fault_below(struct fault *f, uint64_t bound) {
    return prng_below(&f->chance, bound);
}

struct node_facts fault_facts(const struct fault *f) {
    struct node_facts facts = {0};
    if (f->host.facts && !f->host.facts(f->host.self, &facts))
        facts = (struct node_facts){0};
    return facts;
}

bool fault_leads(const struct fault *f, const struct node_facts *facts) {
    return facts->pbft.view % f->cluster->member_count == f->self;
}

/* ---- frames ---- */

struct seal_context fault_context(const struct fault *f, enum frame_type type) {
    return (struct seal_context){.type = (uint8_t)type, .cluster = f->cluster->id, .sender = f->self};
}

bool fault_open(struct fault *f, struct msg *m, struct bytes frame) {
    struct frame opened;
    return frame_open(&opened, frame) == ERR_OK && codec_decode(m, &opened, &f->arena) == ERR_OK;
}

bool fault_is(struct bytes frame, enum frame_type type) {
    struct frame opened;
    return frame_open(&opened, frame) == ERR_OK && opened.type == type;
}

bool fault_own_up(struct fault *f, struct bytes frame) {
    return !f->host.faulted || f->host.faulted(f->host.self, frame);
}

void fault_seal(struct fault *f, struct buffer *out, const struct msg *m) {
    struct buffer body = {0};
    struct seal_context context = fault_context(f, m->type);
    bool is_signed = frame_type_signed(m->type);
    size_t at = out->len;
    context.epoch = m->epoch;
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), is_signed ? &f->secret : NULL);
    struct bytes frame = bytes_of(out->data + at, out->len - at);
    if (is_signed && !fault_own_up(f, frame))
        out->len = at; /* withheld */
    else if (is_signed && f->inner.sealed)
        f->inner.sealed(f->inner.self, frame);
    buffer_free(&body);
}

void fault_say_raw(struct fault *f, member_id to, struct bytes frame) {
    f->bites++;
    if (frame.len)
        f->inner.send(f->inner.self, to, frame);
}

void fault_say(struct fault *f, member_id to, const struct msg *m) {
    struct buffer frame = {0};
    fault_seal(f, &frame, m);
    fault_say_raw(f, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

void fault_say_all(struct fault *f, const struct msg *m) {
    struct buffer frame = {0};
    fault_seal(f, &frame, m);
    for (member_id to = 0; to < f->cluster->member_count; to++)
        if (to != f->self)
            fault_say_raw(f, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

void fault_say_body(struct fault *f, member_id to, struct seal_context context, struct bytes body) {
    struct buffer frame = {0};
    frame_seal(&frame, &context, body, &f->secret);
    if (fault_own_up(f, buffer_bytes(&frame)))
        fault_say_raw(f, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

/* ---- later ---- */

void fault_hold(struct fault *f, member_id to, struct bytes frame, mono_ms until) {
    f->bites++;
    if (f->held_count == FAULT_HELD || frame.len == 0 || frame.len > FAULT_HELD_BYTES - f->held_bytes)
        return; /* lost: the core sends it again when it is missed */
    if (!f->held)
        f->held = xcalloc(FAULT_HELD, sizeof *f->held);
    struct held_frame *h = &f->held[f->held_count++];
    *h = (struct held_frame){.at = until, .to = to};
    buffer_put(&h->frame, frame.data, frame.len);
    f->held_bytes += frame.len;
}

void fault_say_later(struct fault *f, member_id to, const struct msg *m, mono_ms after) {
    struct buffer frame = {0};
    fault_seal(f, &frame, m);
    fault_hold(f, to, buffer_bytes(&frame), f->now + after);
    buffer_free(&frame);
}

void fault_keep(struct fault *f, struct bytes frame) {
    struct buffer *place = &f->kept[f->kept_count++ % FAULT_KEPT];
    buffer_clear(place);
    buffer_put(place, frame.data, frame.len);
}

/* ---- what to lie with ---- */

struct digest fault_digest(struct fault *f) {
    struct digest d = batch_null_digest();
    d.b[0] ^= (uint8_t)fault_below(f, 4);
    return d;
}

void *fault_memory(struct fault *f, size_t count, size_t size) {
    return arena_alloc(&f->arena, count ? count * size : 1);
}

struct bytes fault_bytes(struct fault *f, struct buffer *b) {
    struct bytes copy = arena_copy(&f->arena, buffer_bytes(b));
    buffer_free(b);
    return copy;
}

void fault_propose_bytes(struct msg *m, struct bytes batch) {
    m->pre_prepare.batch_bytes = batch;
    m->pre_prepare.statement.d = batch_digest(batch);
}

void fault_propose(struct fault *f, struct msg *m, const struct batch *b) {
    struct buffer bytes = {0};
    batch_encode(&bytes, b);
    fault_propose_bytes(m, fault_bytes(f, &bytes));
}

unsigned fault_frames_of_turn(struct fault *f) {
    uint64_t per_turn = (uint64_t)f->parameter * FAULT_TURN_MS, before = f->counter;
    f->counter += per_turn;
    uint64_t count = f->counter / 1000 - before / 1000;
    return count < FAULT_FRAMES_A_TURN ? (unsigned)count : FAULT_FRAMES_A_TURN;
}
