/* Leaves of the receipt's tree: what kind one is, and replies. The bytes of a leaf are what F replicas sign, so equal
   replies must give equal bytes: one encoding exists and only that is taken. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

enum error output_kind_of(enum output_kind *out, struct bytes leaf) {
    if (leaf.len == 0 || (leaf.data[0] != OUTPUT_REPLY && leaf.data[0] != OUTPUT_ALERT)) {
        return ERR_MALFORMED;
    }
    *out = (enum output_kind)leaf.data[0];
    return ERR_OK;
}

static Quorate__Refused **put_refused(struct arena *a, const struct reply *r) {
    Quorate__Refused **out = put_list(a, r->refused_count, sizeof *out);
    Quorate__Refused *items = put_list(a, r->refused_count, sizeof *items);
    for (unsigned i = 0; i < r->refused_count; i++) {
        quorate__refused__init(&items[i]);
        items[i].index = r->refused[i].index;
        items[i].reason = r->refused[i].reason;
        out[i] = &items[i];
    }
    return out;
}

void reply_encode(struct buffer *out, const struct reply *r) {
    REQUIRE(r->refused_count <= OBSERVE_MAX);
    struct arena a = {0};
    Quorate__Reply pb = QUORATE__REPLY__INIT;
    pb.client = put_fixed(r->client.b, PUBLIC_KEY_LEN);
    pb.req_seq = r->req_seq;
    pb.request = put_fixed(r->request.b, DIGEST_LEN);
    pb.result = r->result;
    pb.accepted = r->accepted;
    pb.n_refused = r->refused_count;
    pb.refused = put_refused(&a, r);
    pb.value = put_bytes(r->value);
    buffer_u8(out, OUTPUT_REPLY);
    put_message(out, &pb.base);
    arena_free(&a);
}

static void take_refused(struct taker *t, struct reply *out, const Quorate__Reply *in) {
    struct refused_entry *list = take_list(t, in->n_refused, 0, OBSERVE_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_refused; i++) {
        list[i].index = (uint32_t)take_range(t, in->refused[i]->index, 0, OBSERVE_MAX - 1);
        list[i].reason = take_error(t, in->refused[i]->reason);
        if (list[i].reason == ERR_OK) {
            take_refuse(t, ERR_OUT_OF_RANGE);
        }
        if (i > 0 && list[i].index <= list[i - 1].index) {
            take_refuse(t, ERR_NOT_CANONICAL);
        }
    }
    out->refused_count = list ? (unsigned)in->n_refused : 0;
    out->refused = list;
}

enum error reply_decode(struct reply *out, struct bytes leaf, struct arena *arena) {
    struct taker t = {arena, ERR_OK};
    *out = (struct reply){0};
    if (leaf.len == 0 || leaf.data[0] != OUTPUT_REPLY) {
        return ERR_MALFORMED;
    }
    const Quorate__Reply *in = take_message(&t, &quorate__reply__descriptor, bytes_of(leaf.data + 1, leaf.len - 1));
    if (!in) {
        return t.error;
    }
    take_fixed(&t, out->client.b, PUBLIC_KEY_LEN, in->client);
    out->req_seq = take_number(&t, in->req_seq, 1);
    take_fixed(&t, out->request.b, DIGEST_LEN, in->request);
    out->result = take_error(&t, in->result);
    out->accepted = (uint32_t)take_range(&t, in->accepted, 0, OBSERVE_MAX);
    take_refused(&t, out, in);
    out->value = take_bytes(&t, in->value, 0, REPLY_VALUE_MAX);
    return t.error;
}
