/* Gathers what a step asks of the host, in order. Bytes handed out are copied into the step's arena, so nothing that a
   later line of the same step frees can be seen from outside. */
#include "replica/pbft/core.h"

#include <stdlib.h>
#include <string.h>

void out_begin(struct pbft *p) {
    arena_free(&p->out.arena);
    p->out.count = 0;
}

void out_end(struct pbft *p, struct pbft_actions *out) {
    *out = (struct pbft_actions){p->out.count, p->out.list};
}

struct pbft_action *out_add(struct pbft *p, enum pbft_action_kind kind) {
    struct outbox *o = &p->out;
    if (o->count == o->cap) {
        o->cap = o->cap ? o->cap * 2 : 64;
        o->list = xrealloc(o->list, o->cap * sizeof *o->list);
    }
    o->list[o->count] = (struct pbft_action){.kind = kind};
    return &o->list[o->count++];
}

struct bytes out_copy(struct pbft *p, struct bytes b) {
    return arena_copy(&p->out.arena, b);
}

static struct record_key key_put(struct record_key key, uint64_t v) {
    for (int i = 7; i >= 0; i--) {
        key.b[key.len++] = (uint8_t)(v >> (8 * i));
    }
    return key;
}

struct record_key key_none(void) {
    return (struct record_key){0};
}

struct record_key key_n(uint64_t n) {
    return key_put(key_none(), n);
}

struct record_key key_digest(const struct digest *d) {
    struct record_key key = {.len = DIGEST_LEN};
    memcpy(key.b, d->b, DIGEST_LEN);
    return key;
}

struct record_key key_n_v(seq_no n, view_no v) {
    return key_put(key_n(n), v);
}

struct record_key key_guard(uint64_t n, enum frame_type type, view_no v) {
    struct record_key key = key_n(n);
    key.b[key.len++] = (uint8_t)type;
    return key_put(key, v);
}

void out_record(struct pbft *p, enum pbft_action_kind kind, enum pbft_record record, struct record_key key,
                struct bytes value) {
    struct bytes k = out_copy(p, bytes_of(key.b, key.len));
    struct bytes v = value.data ? out_copy(p, value) : value;
    struct pbft_action *a = out_add(p, kind);
    a->record = record;
    a->key = k;
    a->value = v;
}

void out_forget(struct pbft *p, enum pbft_record record, seq_no n) {
    struct pbft_action *a = out_add(p, PBFT_FORGET);
    a->record = record;
    a->n = n;
}

void out_frame(struct pbft *p, member_set to, struct bytes frame) {
    if (to == 0) {
        return;
    }
    struct bytes copy = out_copy(p, frame);
    struct pbft_action *a = out_add(p, PBFT_SEND);
    a->to = to;
    a->frame = copy;
}

struct seal_context seal_context_of(const struct pbft *p, enum frame_type type, member_id sender) {
    return (struct seal_context){(uint8_t)type, p->config.verifier.cluster, p->config.verifier.epoch, sender};
}

void out_rebuilt(struct pbft *p, member_set to, enum frame_type type, struct bytes body, const struct signature *sig) {
    struct seal_context context = seal_context_of(p, type, p->config.self);
    buffer_clear(&p->out.frame);
    frame_rebuild(&p->out.frame, &context, body, sig);
    out_frame(p, to, buffer_bytes(&p->out.frame));
}

void out_message(struct pbft *p, member_set to, const struct msg *m) {
    REQUIRE(!recall_withholds(p) || (m->type != FRAME_WISH && m->type != FRAME_RELAY)); /* R13 */
    struct seal_context context = seal_context_of(p, m->type, p->config.self);
    buffer_clear(&p->out.body);
    codec_encode(&p->out.body, m);
    buffer_clear(&p->out.frame);
    frame_seal(&p->out.frame, &context, buffer_bytes(&p->out.body), &p->config.secret);
    out_frame(p, to, buffer_bytes(&p->out.frame));
}
