/* Bodies of protocol messages by type: bytes <-> struct msg. What is of fixed width is checked for its exact width, the
   rest goes through the strict door of pb_codec.c; ranges are checked before a field is set. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

#include <string.h>

static void encode_relay(struct buffer *out, const struct msg_relay *m) {
    Quorate__Relay pb = QUORATE__RELAY__INIT;
    pb.request = put_bytes(m->request);
    put_message(out, &pb.base);
}

static void decode_relay(struct taker *t, struct msg_relay *out, struct bytes body) {
    const Quorate__Relay *in = take_message(t, &quorate__relay__descriptor, body);
    if (in) {
        out->request = take_bytes(t, in->request, 1, frame_cap(FRAME_REQUEST));
    }
}

static void encode_fetch(struct buffer *out, const struct msg_fetch *m) {
    REQUIRE(m->count <= FETCH_MAX);
    struct arena a = {0};
    Quorate__Fetch pb = QUORATE__FETCH__INIT;
    pb.n_digests = m->count;
    pb.digests = put_list(&a, m->count, sizeof *pb.digests);
    for (unsigned i = 0; i < m->count; i++) {
        pb.digests[i] = put_fixed(m->digests[i].b, DIGEST_LEN);
    }
    put_message(out, &pb.base);
    arena_free(&a);
}

static void decode_fetch(struct taker *t, struct msg_fetch *out, struct bytes body) {
    const Quorate__Fetch *in = take_message(t, &quorate__fetch__descriptor, body);
    if (!in) {
        return;
    }
    struct digest *digests = take_list(t, in->n_digests, 1, FETCH_MAX, sizeof *digests);
    for (size_t i = 0; digests && i < in->n_digests; i++) {
        take_fixed(t, digests[i].b, DIGEST_LEN, in->digests[i]);
    }
    *out = (struct msg_fetch){digests ? (unsigned)in->n_digests : 0, digests};
}

static ProtobufCBinaryData *put_blocks(struct arena *a, const struct bytes *list, unsigned count) {
    ProtobufCBinaryData *out = put_list(a, count, sizeof *out);
    for (unsigned i = 0; i < count; i++) {
        out[i] = put_bytes(list[i]);
    }
    return out;
}

static unsigned take_blocks(struct taker *t, const struct bytes **out, const ProtobufCBinaryData *list, size_t count) {
    struct bytes *blocks = take_list(t, count, 0, FETCH_MAX, sizeof *blocks);
    for (size_t i = 0; blocks && i < count; i++) {
        blocks[i] = take_bytes(t, list[i], 1, frame_cap(FRAME_PRE_PREPARE));
    }
    *out = blocks;
    return blocks ? (unsigned)count : 0;
}

static void encode_data(struct buffer *out, const struct msg_data *m) {
    REQUIRE(m->request_count <= FETCH_MAX && m->batch_count <= FETCH_MAX);
    struct arena a = {0};
    Quorate__Data pb = QUORATE__DATA__INIT;
    pb.n_requests = m->request_count;
    pb.requests = put_blocks(&a, m->requests, m->request_count);
    pb.n_batches = m->batch_count;
    pb.batches = put_blocks(&a, m->batches, m->batch_count);
    put_message(out, &pb.base);
    arena_free(&a);
}

static void decode_data(struct taker *t, struct msg_data *out, struct bytes body) {
    const Quorate__Data *in = take_message(t, &quorate__data__descriptor, body);
    if (in) {
        out->request_count = take_blocks(t, &out->requests, in->requests, in->n_requests);
        out->batch_count = take_blocks(t, &out->batches, in->batches, in->n_batches);
    }
}

static void encode_wish(struct buffer *out, const struct msg_wish *m) {
    Quorate__Wish pb = QUORATE__WISH__INIT;
    pb.target = m->target;
    pb.reason = m->reason;
    put_message(out, &pb.base);
}

static void decode_wish(struct taker *t, struct msg_wish *out, struct bytes body) {
    const Quorate__Wish *in = take_message(t, &quorate__wish__descriptor, body);
    if (in) {
        out->target = take_number(t, in->target, 1);
        out->reason = (enum wish_reason)take_range(t, in->reason, WISH_REQ_TIMEOUT, WISH_AMPLIFY);
    }
}

static void encode_fetch_decision(struct buffer *out, const struct msg_fetch_decision *m) {
    Quorate__FetchDecision pb = QUORATE__FETCH_DECISION__INIT;
    pb.first = m->first;
    pb.last = m->last;
    put_message(out, &pb.base);
}

static void decode_fetch_decision(struct taker *t, struct msg_fetch_decision *out, struct bytes body) {
    const Quorate__FetchDecision *in = take_message(t, &quorate__fetch_decision__descriptor, body);
    if (in) {
        out->first = take_number(t, in->first, 1);
        out->last = take_number(t, in->last, out->first);
    }
}

/* --- fixed width --- */

static void encode_vote(struct buffer *out, const struct vote *v) {
    vote_encode(buffer_extend(out, VOTE_BODY_LEN), v);
}

static void decode_vote(struct taker *t, struct vote *out, struct bytes body) {
    if (body.len != VOTE_BODY_LEN) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_vote_body(t, out, body.data);
}

static void encode_pre_prepare(struct buffer *out, const struct msg_pre_prepare *m) {
    encode_vote(out, &m->statement);
    buffer_put(out, m->batch_bytes.data, m->batch_bytes.len);
}

static void decode_pre_prepare(struct taker *t, struct msg_pre_prepare *out, struct bytes body) {
    if (body.len < VOTE_BODY_LEN) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_vote_body(t, &out->statement, body.data);
    out->batch_bytes = bytes_of(body.data + VOTE_BODY_LEN, body.len - VOTE_BODY_LEN);
    take_refuse(t, batch_decode(&out->batch, out->batch_bytes, t->arena));
}

static void encode_checkpoint(struct buffer *out, const struct checkpoint *c) {
    checkpoint_encode(buffer_extend(out, CHECKPOINT_BODY_LEN), c);
}

static void decode_checkpoint(struct taker *t, struct checkpoint *out, struct bytes body) {
    if (body.len != CHECKPOINT_BODY_LEN) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_checkpoint_body(t, out, body.data);
    out->n = take_number(t, out->n, 1); /* nobody votes for the genesis */
}

static void encode_receipt(struct buffer *out, const struct msg_receipt *m) {
    receipt_encode(buffer_extend(out, RECEIPT_BODY_LEN), &m->body);
}

static void decode_receipt(struct taker *t, struct msg_receipt *out, struct bytes body) {
    if (body.len != RECEIPT_BODY_LEN) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_receipt_body(t, &out->body, body.data);
}

/* --- by type --- */

/* TYPE(frame type, name of the functions, member of struct msg) */
#define BODIES(TYPE)                                                                                                   \
    TYPE(FRAME_RELAY, relay, relay)                                                                                    \
    TYPE(FRAME_FETCH, fetch, fetch)                                                                                    \
    TYPE(FRAME_DATA, data, data)                                                                                       \
    TYPE(FRAME_PRE_PREPARE, pre_prepare, pre_prepare)                                                                  \
    TYPE(FRAME_PREPARE, vote, vote)                                                                                    \
    TYPE(FRAME_COMMIT, vote, vote)                                                                                     \
    TYPE(FRAME_CHECKPOINT, checkpoint, checkpoint)                                                                     \
    TYPE(FRAME_WISH, wish, wish)                                                                                       \
    TYPE(FRAME_VIEW_CHANGE, view_change, view_change)                                                                  \
    TYPE(FRAME_NEW_VIEW, new_view, new_view)                                                                           \
    TYPE(FRAME_STATUS, status, status)                                                                                 \
    TYPE(FRAME_FETCH_DECISION, fetch_decision, fetch_decision)                                                         \
    TYPE(FRAME_DECISION, decision, decision)                                                                           \
    TYPE(FRAME_FETCH_CERT, fetch_cert, fetch_cert)                                                                     \
    TYPE(FRAME_CERT, cert, cert)                                                                                       \
    TYPE(FRAME_RECEIPT, receipt, receipt)                                                                              \
    TYPE(FRAME_RECALL, recall, recall)                                                                                 \
    TYPE(FRAME_RECALLED, recalled, recalled)                                                                           \
    TYPE(FRAME_ST_FETCH, st_fetch, st_fetch)                                                                           \
    TYPE(FRAME_ST_DATA, st_data, st_data)                                                                              \
    TYPE(FRAME_FETCH_ALERTS, fetch_alerts, fetch_alerts)                                                               \
    TYPE(FRAME_OUTPUTS, outputs, outputs)                                                                              \
    TYPE(FRAME_REFUSAL, refusal, refusal)                                                                              \
    TYPE(FRAME_FETCH_EVIDENCE, fetch_evidence, fetch_evidence)                                                         \
    TYPE(FRAME_EVIDENCE, evidence, evidence)

void codec_encode(struct buffer *out, const struct msg *m) {
    switch (m->type) {
#define ENCODE(type, name, member)                                                                                     \
    case type:                                                                                                         \
        encode_##name(out, &m->member);                                                                                \
        return;
        BODIES(ENCODE)
#undef ENCODE
    case FRAME_FETCH_STATUS:
        return;
    case FRAME_REQUEST: /* sealed by request_seal */
    case FRAME_TYPE_LIMIT:
        break;
    }
    UNREACHABLE();
}

static void decode_body(struct taker *t, struct msg *out, struct bytes body) {
    switch (out->type) {
#define DECODE(type, name, member)                                                                                     \
    case type:                                                                                                         \
        decode_##name(t, &out->member, body);                                                                          \
        return;
        BODIES(DECODE)
#undef DECODE
    case FRAME_FETCH_STATUS:
        take_refuse(t, body.len == 0 ? ERR_OK : ERR_MALFORMED);
        return;
    case FRAME_REQUEST: /* has a decoder of its own */
    case FRAME_TYPE_LIMIT:
        take_refuse(t, ERR_BAD_TYPE);
        return;
    }
    take_refuse(t, ERR_BAD_TYPE);
}

static bool signature_is_zero(const struct signature *sig) {
    static const struct signature zero;
    return memcmp(sig->b, zero.b, SIGNATURE_LEN) == 0;
}

static struct msg without_body(const struct frame *f) {
    return (struct msg){.type = f->type, .epoch = f->epoch, .sender = f->sender, .sig = f->sig, .raw = f->raw};
}

enum error codec_decode(struct msg *out, const struct frame *f, struct arena *arena) {
    struct taker t = {arena, ERR_OK};
    *out = without_body(f);
    if (!frame_type_signed(f->type) && !signature_is_zero(&f->sig)) {
        return ERR_NOT_CANONICAL;
    }
    decode_body(&t, out, f->body);
    return t.error;
}

enum error codec_decode_signed(struct msg *out, const struct frame *f, struct arena *arena) {
    if (f->type != FRAME_PRE_PREPARE) {
        return codec_decode(out, f, arena);
    }
    struct taker t = {arena, ERR_OK};
    *out = without_body(f);
    decode_vote(&t, &out->pre_prepare.statement, f->signed_body);
    return t.error;
}
