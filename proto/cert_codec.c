/* Certificates and their parts: lists of signatures over statements of fixed width, as messages carry them and as
   records keep them. Sets are sorted and distinct or refused; whether they prove anything is judged elsewhere. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

enum { RECORD_ARENA_LIMIT = 256 * 1024, BATCH_ENCODED_MAX = 3 + BATCH_REFS_MAX * 72 };

Quorate__MemberSignature **put_signatures(struct arena *a, const struct member_signature *list, unsigned count) {
    REQUIRE(count <= MEMBERS_MAX);
    Quorate__MemberSignature **out = put_list(a, count, sizeof *out);
    Quorate__MemberSignature *items = put_list(a, count, sizeof *items);
    for (unsigned i = 0; i < count; i++) {
        quorate__member_signature__init(&items[i]);
        items[i].member = list[i].member;
        items[i].signature = put_fixed(list[i].sig.b, SIGNATURE_LEN);
        out[i] = &items[i];
    }
    return out;
}

unsigned take_signatures(struct taker *t, struct member_signature out[MEMBERS_MAX], Quorate__MemberSignature **list,
                         size_t count) {
    if (count > MEMBERS_MAX) {
        take_refuse(t, ERR_TOO_MANY);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        out[i].member = (member_id)take_range(t, list[i]->member, 0, MEMBERS_MAX - 1);
        take_fixed(t, out[i].sig.b, SIGNATURE_LEN, list[i]->signature);
        if (i > 0 && out[i].member <= out[i - 1].member) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    return (unsigned)count;
}

/* --- statements of fixed width --- */

ProtobufCBinaryData put_vote(struct arena *a, const struct vote *v) {
    uint8_t *body = put_list(a, 1, VOTE_BODY_LEN);
    vote_encode(body, v);
    return put_fixed(body, VOTE_BODY_LEN);
}

void take_vote_body(struct taker *t, struct vote *out, const uint8_t in[VOTE_BODY_LEN]) {
    vote_decode(out, in);
    out->v = take_number(t, out->v, 0);
    out->n = take_number(t, out->n, 1);
}

void take_vote(struct taker *t, struct vote *out, ProtobufCBinaryData in) {
    uint8_t body[VOTE_BODY_LEN];
    take_fixed(t, body, sizeof body, in);
    take_vote_body(t, out, body);
}

void take_checkpoint_body(struct taker *t, struct checkpoint *out, const uint8_t in[CHECKPOINT_BODY_LEN]) {
    checkpoint_decode(out, in);
    out->n = take_number(t, out->n, 0);
    out->t = take_time(t, out->t);
    out->stop_seq = take_number(t, out->stop_seq, 0);
}

void take_receipt_body(struct taker *t, struct receipt_body *out, const uint8_t in[RECEIPT_BODY_LEN]) {
    receipt_decode(out, in);
    out->n = take_number(t, out->n, 1);
    out->t = take_time(t, out->t);
}

/* --- checkpoint certificates --- */

Quorate__CheckpointCert *put_checkpoint_cert(struct arena *a, const struct checkpoint_cert *c) {
    Quorate__CheckpointCert *out = put_list(a, 1, sizeof *out);
    uint8_t *statement = put_list(a, 1, CHECKPOINT_BODY_LEN);
    checkpoint_encode(statement, &c->statement);
    quorate__checkpoint_cert__init(out);
    out->statement = put_fixed(statement, CHECKPOINT_BODY_LEN);
    out->n_signatures = c->count;
    out->signatures = put_signatures(a, c->sigs, c->count);
    return out;
}

void take_checkpoint_cert(struct taker *t, struct checkpoint_cert *out, const Quorate__CheckpointCert *in) {
    uint8_t statement[CHECKPOINT_BODY_LEN];
    if (!in) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_fixed(t, statement, sizeof statement, in->statement);
    take_checkpoint_body(t, &out->statement, statement);
    out->count = take_signatures(t, out->sigs, in->signatures, in->n_signatures);
    if ((out->statement.n == 0) != (out->count == 0)) {
        take_refuse(t, ERR_MALFORMED);
    }
}

void codec_encode_checkpoint_cert(struct buffer *out, const struct checkpoint_cert *c) {
    struct arena a = {0};
    put_message(out, &put_checkpoint_cert(&a, c)->base);
    arena_free(&a);
}

enum error codec_decode_checkpoint_cert(struct checkpoint_cert *out, struct bytes bytes) {
    struct arena a = {.limit = RECORD_ARENA_LIMIT};
    struct taker t = {&a, ERR_OK};
    *out = (struct checkpoint_cert){0};
    const Quorate__CheckpointCert *in = take_message(&t, &quorate__checkpoint_cert__descriptor, bytes);
    take_checkpoint_cert(&t, out, in);
    arena_free(&a);
    return t.error;
}

/* --- prepared entries --- */

Quorate__Prepared *put_prepared(struct arena *a, const struct prepared_entry *p) {
    Quorate__Prepared *out = put_list(a, 1, sizeof *out);
    quorate__prepared__init(out);
    out->statement = put_vote(a, &p->statement);
    out->primary_signature = put_fixed(p->pp_sig.b, SIGNATURE_LEN);
    out->n_prepares = p->count;
    out->prepares = put_signatures(a, p->prepares, p->count);
    return out;
}

void take_prepared(struct taker *t, struct prepared_entry *out, const Quorate__Prepared *in) {
    if (!in) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    take_vote(t, &out->statement, in->statement);
    take_fixed(t, out->pp_sig.b, SIGNATURE_LEN, in->primary_signature);
    out->count = take_signatures(t, out->prepares, in->prepares, in->n_prepares);
}

void codec_encode_prepared(struct buffer *out, const struct prepared_entry *p) {
    struct arena a = {0};
    put_message(out, &put_prepared(&a, p)->base);
    arena_free(&a);
}

enum error codec_decode_prepared(struct prepared_entry *out, struct bytes bytes) {
    struct arena a = {.limit = RECORD_ARENA_LIMIT};
    struct taker t = {&a, ERR_OK};
    *out = (struct prepared_entry){0};
    const Quorate__Prepared *in = take_message(&t, &quorate__prepared__descriptor, bytes);
    take_prepared(&t, out, in);
    arena_free(&a);
    return t.error;
}

/* --- certificates of outputs --- */

static Quorate__MemberSignature **put_receipts(struct arena *a, const struct certificate *c) {
    struct member_signature *list = put_list(a, c->receipts_len, sizeof *list);
    for (unsigned i = 0; i < c->receipts_len; i++) {
        list[i] = (struct member_signature){c->receipts[i].replica, c->receipts[i].sig};
    }
    return put_signatures(a, list, c->receipts_len);
}

Quorate__Certificate *put_certificate(struct arena *a, const struct certificate *c) {
    REQUIRE(c->path_len <= MERKLE_PATH_MAX && c->receipts_len <= MEMBERS_MAX);
    Quorate__Certificate *out = put_list(a, 1, sizeof *out);
    uint8_t *body = put_list(a, 1, RECEIPT_BODY_LEN);
    receipt_encode(body, &c->body);
    quorate__certificate__init(out);
    out->epoch = c->epoch;
    out->body = put_fixed(body, RECEIPT_BODY_LEN);
    out->index = c->index;
    out->count = c->count;
    out->n_path = c->path_len;
    out->path = put_list(a, c->path_len, sizeof *out->path);
    for (unsigned i = 0; i < c->path_len; i++) {
        out->path[i] = put_fixed(c->path[i].b, DIGEST_LEN);
    }
    out->n_receipts = c->receipts_len;
    out->receipts = put_receipts(a, c);
    return out;
}

static void take_receipts(struct taker *t, struct certificate *out, const Quorate__Certificate *in) {
    struct member_signature list[MEMBERS_MAX];
    out->receipts_len = take_signatures(t, list, in->receipts, in->n_receipts);
    for (unsigned i = 0; i < out->receipts_len; i++) {
        out->receipts[i] = (struct receipt_signature){list[i].member, list[i].sig};
    }
}

void take_certificate(struct taker *t, struct certificate *out, const Quorate__Certificate *in) {
    uint8_t body[RECEIPT_BODY_LEN];
    if (!in) {
        take_refuse(t, ERR_MALFORMED);
        return;
    }
    out->epoch = in->epoch;
    take_fixed(t, body, sizeof body, in->body);
    take_receipt_body(t, &out->body, body);
    out->count = (uint32_t)take_range(t, in->count, 1, MERKLE_LEAVES_MAX);
    out->index = (uint32_t)take_range(t, in->index, 0, out->count - 1);
    if (in->n_path > MERKLE_PATH_MAX) {
        take_refuse(t, ERR_TOO_MANY);
        return;
    }
    out->path_len = (unsigned)in->n_path;
    for (unsigned i = 0; i < out->path_len; i++) {
        take_fixed(t, out->path[i].b, DIGEST_LEN, in->path[i]);
    }
    take_receipts(t, out, in);
}

void codec_encode_certificate(struct buffer *out, const struct certificate *c) {
    struct arena a = {0};
    put_message(out, &put_certificate(&a, c)->base);
    arena_free(&a);
}

enum error codec_decode_certificate(struct certificate *out, struct bytes bytes) {
    struct arena a = {.limit = RECORD_ARENA_LIMIT};
    struct taker t = {&a, ERR_OK};
    *out = (struct certificate){0};
    const Quorate__Certificate *in = take_message(&t, &quorate__certificate__descriptor, bytes);
    take_certificate(&t, out, in);
    arena_free(&a);
    return t.error;
}

/* --- DECISION, FETCH-CERT, CERT --- */

void encode_decision(struct buffer *out, const struct msg_decision *m) {
    struct arena a = {0};
    Quorate__Decision pb = QUORATE__DECISION__INIT;
    pb.statement = put_vote(&a, &m->statement);
    pb.batch = put_bytes(m->batch);
    pb.n_commits = m->count;
    pb.commits = put_signatures(&a, m->commits, m->count);
    put_message(out, &pb.base);
    arena_free(&a);
}

void decode_decision(struct taker *t, struct msg_decision *out, struct bytes body) {
    const Quorate__Decision *in = take_message(t, &quorate__decision__descriptor, body);
    if (!in) {
        return;
    }
    take_vote(t, &out->statement, in->statement);
    out->batch = take_bytes(t, in->batch, 1, BATCH_ENCODED_MAX);
    out->count = take_signatures(t, out->commits, in->commits, in->n_commits);
}

void encode_fetch_cert(struct buffer *out, const struct msg_fetch_cert *m) {
    Quorate__FetchCert pb = QUORATE__FETCH_CERT__INIT;
    pb.kind = m->kind;
    pb.at_least = m->at_least;
    put_message(out, &pb.base);
}

void decode_fetch_cert(struct taker *t, struct msg_fetch_cert *out, struct bytes body) {
    const Quorate__FetchCert *in = take_message(t, &quorate__fetch_cert__descriptor, body);
    if (!in) {
        return;
    }
    out->kind = (enum cert_kind)take_range(t, in->kind, CERT_CHECKPOINT, CERT_EPOCH);
    out->at_least = take_number(t, in->at_least, 0);
}

void encode_cert(struct buffer *out, const struct msg_cert *m) {
    struct arena a = {0};
    Quorate__Cert pb = QUORATE__CERT__INIT;
    pb.kind = m->kind;
    if (m->kind == CERT_NEW_VIEW) {
        pb.new_view = put_bytes(m->new_view);
    } else {
        pb.checkpoint = put_checkpoint_cert(&a, &m->checkpoint);
    }
    put_message(out, &pb.base);
    arena_free(&a);
}

void decode_cert(struct taker *t, struct msg_cert *out, struct bytes body) {
    const Quorate__Cert *in = take_message(t, &quorate__cert__descriptor, body);
    if (!in) {
        return;
    }
    out->kind = (enum cert_kind)take_range(t, in->kind, CERT_CHECKPOINT, CERT_EPOCH);
    if (out->kind != CERT_NEW_VIEW) {
        take_checkpoint_cert(t, &out->checkpoint, in->checkpoint);
    } else if (in->checkpoint) {
        take_refuse(t, ERR_MALFORMED);
    }
    bool has_frame = out->kind == CERT_NEW_VIEW;
    out->new_view = take_bytes(t, in->new_view, has_frame ? 1 : 0, has_frame ? frame_cap(FRAME_NEW_VIEW) : 0);
}
