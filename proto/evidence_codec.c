/* Records of evidence and the frames that fetch what proves them: fixed width, since what they carry is bytes. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

enum { FETCH_EVIDENCE_LEN = PUBLIC_KEY_LEN + 6, EVIDENCE_HEAD_LEN = 8 };

void encode_fetch_evidence(struct buffer *out, const struct msg_fetch_evidence *m) {
    buffer_put(out, m->culprit.b, PUBLIC_KEY_LEN);
    buffer_u8(out, m->kind);
    buffer_u8(out, (uint8_t)(m->last | m->drilled << 1));
    buffer_u32(out, m->offset);
}

void decode_fetch_evidence(struct taker *t, struct msg_fetch_evidence *out, struct bytes body) {
    struct reader r = reader_of(body);
    if (body.len != FETCH_EVIDENCE_LEN) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    read_into(&r, out->culprit.b, PUBLIC_KEY_LEN);
    out->kind = (uint8_t)take_range(t, read_u8(&r), EV_EQUIV_PP, EV_KIND_LIMIT - 1);
    uint64_t which = take_range(t, read_u8(&r), 0, 3);
    out->last = (which & 1) != 0;
    out->drilled = (which & 2) != 0;
    out->offset = (uint32_t)take_range(t, read_u32(&r), 0, EVIDENCE_STAGED_MAX);
}

void encode_evidence(struct buffer *out, const struct msg_evidence *m) {
    REQUIRE(m->part.len <= EVIDENCE_PART_MAX);
    buffer_u32(out, m->length);
    buffer_u32(out, m->offset);
    buffer_put(out, m->part.data, m->part.len);
}

void decode_evidence(struct taker *t, struct msg_evidence *out, struct bytes body) {
    struct reader r = reader_of(body);
    if (body.len < EVIDENCE_HEAD_LEN || body.len > EVIDENCE_HEAD_LEN + EVIDENCE_PART_MAX) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    out->length = (uint32_t)take_range(t, read_u32(&r), 0, EVIDENCE_STAGED_MAX);
    out->offset = (uint32_t)take_range(t, read_u32(&r), 0, out->length);
    out->part = bytes_of(r.at, (size_t)(r.end - r.at));
    if (out->part.len > out->length - out->offset) {
        take_refuse(t, ERR_OUT_OF_RANGE);
    }
}

void evidence_record_encode(struct buffer *out, const struct evidence_record *e) {
    buffer_put(out, e->culprit.b, PUBLIC_KEY_LEN);
    buffer_u8(out, (uint8_t)e->kind);
    buffer_u64(out, e->count);
    buffer_u64(out, e->first_n);
    buffer_u64(out, e->last_n);
    buffer_u64(out, (uint64_t)e->first_t);
    buffer_u64(out, (uint64_t)e->last_t);
    buffer_u64(out, e->v);
    buffer_u64(out, e->n);
    buffer_u16(out, e->accuser);
    buffer_put(out, e->first_frames.b, DIGEST_LEN);
    buffer_put(out, e->frames.b, DIGEST_LEN);
    buffer_u64(out, e->drill);
}

enum error evidence_record_decode(struct evidence_record *out, struct reader *r) {
    read_into(r, out->culprit.b, PUBLIC_KEY_LEN);
    out->kind = (enum evidence_kind)read_u8(r);
    out->count = read_u64(r);
    out->first_n = read_u64(r);
    out->last_n = read_u64(r);
    out->first_t = (time_ms)read_u64(r);
    out->last_t = (time_ms)read_u64(r);
    out->v = read_u64(r);
    out->n = read_u64(r);
    out->accuser = read_u16(r);
    read_into(r, out->first_frames.b, DIGEST_LEN);
    read_into(r, out->frames.b, DIGEST_LEN);
    out->drill = read_u64(r);
    return r->bad || out->kind == 0 || out->kind >= EV_KIND_LIMIT ? ERR_MALFORMED : ERR_OK;
}
