/* RECALL and RECALLED bodies: what a replica asks after a start, and what another one holds of its signatures. Fixed in
   form, big-endian, one encoding a meaning. Nothing in here is believed before its signature was checked. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

static bool is_checkpoint(const struct recalled *s) {
    return s->type == FRAME_CHECKPOINT;
}

seq_no recalled_n(const struct recalled *s) {
    return is_checkpoint(s) ? s->checkpoint.n : s->vote.n;
}

size_t recalled_body(uint8_t out[CHECKPOINT_BODY_LEN], const struct recalled *s) {
    if (is_checkpoint(s)) {
        checkpoint_encode(out, &s->checkpoint);
        return CHECKPOINT_BODY_LEN;
    }
    vote_encode(out, &s->vote);
    return VOTE_BODY_LEN;
}

void encode_recall(struct buffer *out, const struct msg_recall *m) {
    buffer_u64(out, m->boot);
    buffer_u64(out, m->boot_random);
    buffer_u64(out, m->n);
    buffer_u64(out, m->view);
}

void decode_recall(struct taker *t, struct msg_recall *out, struct bytes body) {
    struct reader r = reader_of(body);
    out->boot = read_u64(&r);
    out->boot_random = read_u64(&r);
    out->n = take_number(t, read_u64(&r), 0);
    out->view = take_number(t, read_u64(&r), 0);
    if (!reader_done(&r)) {
        take_refuse(t, ERR_MALFORMED);
    }
}

static void encode_statement(struct buffer *out, const struct recalled *s) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    size_t len = recalled_body(body, s);
    buffer_u8(out, (uint8_t)s->type);
    buffer_put(out, body, len);
    buffer_put(out, s->sig.b, SIGNATURE_LEN);
}

void encode_recalled(struct buffer *out, const struct msg_recalled *m) {
    REQUIRE(m->count <= RECALLED_MAX);
    buffer_u16(out, m->to);
    buffer_u64(out, m->nonce);
    buffer_u8(out, m->answer);
    buffer_u16(out, (uint16_t)m->count);
    for (unsigned i = 0; i < m->count; i++) {
        encode_statement(out, &m->statements[i]);
    }
    buffer_block(out, m->view_change);
    buffer_block(out, m->new_view);
    buffer_block(out, m->status);
}

static void take_statement(struct taker *t, struct reader *r, struct recalled *out) {
    uint8_t body[CHECKPOINT_BODY_LEN] = {0};
    out->type = (enum frame_type)take_range(t, read_u8(r), FRAME_PRE_PREPARE, FRAME_CHECKPOINT);
    read_into(r, body, is_checkpoint(out) ? CHECKPOINT_BODY_LEN : VOTE_BODY_LEN);
    if (is_checkpoint(out)) {
        take_checkpoint_body(t, &out->checkpoint, body);
        out->checkpoint.n = take_number(t, out->checkpoint.n, 1);
    } else {
        take_vote_body(t, &out->vote, body);
    }
    read_into(r, out->sig.b, SIGNATURE_LEN);
}

static bool ascends(const struct recalled *a, const struct recalled *b) {
    return recalled_n(a) < recalled_n(b) || (recalled_n(a) == recalled_n(b) && a->type < b->type);
}

static void take_statements(struct taker *t, struct reader *r, struct msg_recalled *out) {
    unsigned count = read_u16(r);
    struct recalled *list = take_list(t, count, 0, RECALLED_MAX, sizeof *list);
    for (unsigned i = 0; list && t->error == ERR_OK && i < count; i++) {
        take_statement(t, r, &list[i]);
        if (i > 0 && !ascends(&list[i - 1], &list[i])) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->count = list ? count : 0;
    out->statements = list;
}

void decode_recalled(struct taker *t, struct msg_recalled *out, struct bytes body) {
    struct reader r = reader_of(body);
    out->to = (member_id)take_range(t, read_u16(&r), 0, MEMBERS_MAX - 1);
    out->nonce = read_u64(&r);
    out->answer = take_range(t, read_u8(&r), 0, 1) == 1;
    take_statements(t, &r, out);
    out->view_change = read_block(&r, frame_cap(FRAME_VIEW_CHANGE));
    out->new_view = read_block(&r, frame_cap(FRAME_NEW_VIEW));
    out->status = read_block(&r, frame_cap(FRAME_STATUS));
    if (!reader_done(&r)) {
        take_refuse(t, ERR_MALFORMED);
    }
}
