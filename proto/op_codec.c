/* Operations and the requests that carry them: client[32] | req_seq u64 | message Op, sealed once by the client's key.
   A request owns its frame and what was decoded from it in one block, so that it can outlive the thread it came by. */
#include "base/invariant.h"
#include "proto/pb_codec.h"

#include <stdlib.h>
#include <string.h>

enum { REQUEST_HEAD_LEN = PUBLIC_KEY_LEN + 8 };

const char *op_kind_name(enum op_kind k) {
    static const char *const names[] = {"?",        "OBSERVE", "TICK",     "BLOB",  "APPLY",      "QUERY",
                                        "EVIDENCE", "COMMAND", "NOTIFIED", "DRILL", "DRILL_STOP", "DRILL_DONE"};
    return (unsigned)k < sizeof names / sizeof names[0] ? names[k] : "?";
}

static void put_be(uint8_t *at, uint64_t v, unsigned width) {
    while (width-- > 0) {
        at[width] = (uint8_t)v;
        v >>= 8;
    }
}

struct digest observation_digest(const struct observation *o) {
    uint8_t head[4 * 4 + 8 + 1 + 8];
    struct bytes parts[5] = {bytes_of(head, sizeof head), bytes_of_text(o->host), bytes_of_text(o->service),
                             bytes_of_text(o->output), bytes_of_text(o->perfdata)};
    for (unsigned i = 0; i < 4; i++) {
        put_be(head + 4 * i, parts[i + 1].len, 4);
    }
    put_be(head + 16, o->obs_seq, 8);
    head[24] = o->state;
    put_be(head + 25, (uint64_t)o->observed_at, 8);
    return crypto_digest_parts(DIGEST_RESULT, parts, 5);
}

int observation_place_compare(const struct observation *a, const struct observation *b) {
    if (a->obs_seq != b->obs_seq) {
        return a->obs_seq < b->obs_seq ? -1 : 1;
    }
    int order = strcmp(a->host, b->host);
    return order != 0 ? order : strcmp(a->service, b->service);
}

static int by_place(const void *a, const void *b) {
    return observation_place_compare(*(const struct observation *const *)a, *(const struct observation *const *)b);
}

void observations_by_place(const struct observation **out, const struct op_observe *op) {
    for (unsigned i = 0; i < op->count; i++) {
        out[i] = &op->list[i];
    }
    qsort(out, op->count, sizeof *out, by_place);
}

/* --- OBSERVE --- */

static void put_result(Quorate__Result *out, const struct observation *o) {
    quorate__result__init(out);
    out->host = put_text(o->host);
    out->service = put_text(o->service);
    out->obs_seq = o->obs_seq;
    out->state = o->state;
    out->output = put_text(o->output);
    out->perfdata = put_text(o->perfdata);
    out->observed_at = o->observed_at;
}

static Quorate__Observe *put_observe(struct arena *a, const struct op_observe *op) {
    REQUIRE(op->count >= 1 && op->count <= OBSERVE_MAX);
    Quorate__Observe *out = put_list(a, 1, sizeof *out);
    Quorate__Result *items = put_list(a, op->count, sizeof *items);
    quorate__observe__init(out);
    out->n_results = op->count;
    out->results = put_list(a, op->count, sizeof *out->results);
    for (unsigned i = 0; i < op->count; i++) {
        put_result(&items[i], &op->list[i]);
        out->results[i] = &items[i];
    }
    return out;
}

static void take_result(struct taker *t, struct observation *out, const Quorate__Result *in) {
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->obs_seq = in->obs_seq;
    out->state = (uint8_t)take_range(t, in->state, 0, UINT8_MAX);
    out->output = take_text(t, in->output, OUTPUT_MAX_LEN);
    out->perfdata = take_text(t, in->perfdata, OUTPUT_MAX_LEN);
    out->observed_at = take_time(t, in->observed_at);
}

/* Agents number their results uniquely; one place twice would be two results of which one cannot count. */
static void refuse_repeated_places(struct taker *t, const struct op_observe *op) {
    const struct observation *sorted[OBSERVE_MAX];
    observations_by_place(sorted, op);
    for (unsigned i = 1; i < op->count; i++) {
        if (observation_place_compare(sorted[i - 1], sorted[i]) == 0) {
            take_refuse(t, ERR_MALFORMED);
        }
    }
}

static void take_observe(struct taker *t, struct op_observe *out, const Quorate__Observe *in) {
    struct observation *list = take_list(t, in->n_results, 1, OBSERVE_MAX, sizeof *list);
    for (size_t i = 0; list && i < in->n_results; i++) {
        take_result(t, &list[i], in->results[i]);
    }
    *out = (struct op_observe){list ? (unsigned)in->n_results : 0, list};
    if (t->error == ERR_OK) {
        refuse_repeated_places(t, out);
    }
}

/* --- TICK, BLOB, APPLY --- */

static Quorate__Tick *put_tick(struct arena *a, const struct op_tick *op) {
    Quorate__Tick *out = put_list(a, 1, sizeof *out);
    quorate__tick__init(out);
    out->boot = op->boot;
    out->counter = op->counter;
    out->wall = op->wall;
    out->view = op->view;
    out->voting = op->voting;
    return out;
}

static void take_tick(struct taker *t, struct op_tick *out, const Quorate__Tick *in) {
    *out = (struct op_tick){in->boot, in->counter, take_time(t, in->wall), take_number(t, in->view, 0), in->voting};
}

static Quorate__Blob *put_blob(struct arena *a, const struct op_blob *op) {
    Quorate__Blob *out = put_list(a, 1, sizeof *out);
    quorate__blob__init(out);
    out->whole = put_fixed(op->whole.b, DIGEST_LEN);
    out->index = op->index;
    out->part = put_bytes(op->part);
    return out;
}

static void take_blob(struct taker *t, struct op_blob *out, const Quorate__Blob *in) {
    take_fixed(t, out->whole.b, DIGEST_LEN, in->whole);
    out->index = (uint32_t)take_range(t, in->index, 0, BLOB_INDEX_MAX);
    out->part = take_bytes(t, in->part, 1, BLOB_MAX_LEN);
}

static Quorate__Apply *put_apply(struct arena *a, const struct op_apply *op) {
    Quorate__Apply *out = put_list(a, 1, sizeof *out);
    quorate__apply__init(out);
    out->whole = put_fixed(op->whole.b, DIGEST_LEN);
    out->length = op->length;
    out->base_digest = put_fixed(op->base.b, DIGEST_LEN);
    out->prune = op->prune;
    return out;
}

static void take_apply(struct taker *t, struct op_apply *out, const Quorate__Apply *in) {
    take_fixed(t, out->whole.b, DIGEST_LEN, in->whole);
    out->length = take_range(t, in->length, 1, OBJECTS_MAX_LEN);
    take_fixed(t, out->base.b, DIGEST_LEN, in->base_digest);
    out->prune = in->prune;
}

/* --- QUERY, EVIDENCE --- */

static Quorate__Query *put_query(struct arena *a, const struct op_query *op) {
    Quorate__Query *out = put_list(a, 1, sizeof *out);
    quorate__query__init(out);
    out->kind = op->kind;
    out->host = put_text(op->host);
    out->service = put_text(op->service);
    out->after_host = put_text(op->after_host);
    out->after_service = put_text(op->after_service);
    out->limit = op->limit;
    out->offset = op->offset;
    return out;
}

static void take_query(struct taker *t, struct op_query *out, const Quorate__Query *in) {
    out->kind = (enum query_kind)take_range(t, in->kind, QUERY_STATUS, QUERY_DRILLS);
    out->host = take_text(t, in->host, NAME_MAX_LEN);
    out->service = take_text(t, in->service, NAME_MAX_LEN);
    out->after_host = take_text(t, in->after_host, NAME_MAX_LEN);
    out->after_service = take_text(t, in->after_service, NAME_MAX_LEN);
    out->limit = (uint32_t)take_range(t, in->limit, 1, QUERY_PAGE_MAX);
    out->offset = take_range(t, in->offset, 0, out->kind == QUERY_NOTES ? NUMBER_MAX : OBJECTS_MAX_LEN);
}

static Quorate__Evidence *put_evidence(struct arena *a, const struct op_evidence *op) {
    REQUIRE(op->count <= EVIDENCE_FRAMES_MAX && (op->count == 0) == (op->length > 0));
    Quorate__Evidence *out = put_list(a, 1, sizeof *out);
    quorate__evidence__init(out);
    out->kind = op->kind;
    out->n_frames = op->count;
    out->frames = put_list(a, op->count, sizeof *out->frames);
    for (unsigned i = 0; i < op->count; i++) {
        out->frames[i] = put_bytes(op->frames[i]);
    }
    if (op->count == 0) {
        out->whole = put_fixed(op->whole.b, DIGEST_LEN);
        out->length = op->length;
    }
    return out;
}

static void take_evidence_frames(struct taker *t, struct op_evidence *out, const Quorate__Evidence *in) {
    if (in->n_frames > EVIDENCE_FRAMES_MAX || in->whole.len > 0 || in->length > 0) {
        take_refuse(t, in->n_frames > EVIDENCE_FRAMES_MAX ? ERR_TOO_MANY : ERR_MALFORMED);
        return;
    }
    for (unsigned i = 0; i < in->n_frames; i++) {
        out->frames[i] = take_bytes(t, in->frames[i], 1, frame_cap(FRAME_REQUEST));
    }
    out->count = (unsigned)in->n_frames;
}

static void take_evidence(struct taker *t, struct op_evidence *out, const Quorate__Evidence *in) {
    out->kind = (enum evidence_kind)take_range(t, in->kind, EV_EQUIV_PP, EV_KIND_LIMIT - 1);
    if (in->n_frames > 0) {
        take_evidence_frames(t, out, in);
    } else {
        take_fixed(t, out->whole.b, DIGEST_LEN, in->whole);
        out->length = take_range(t, in->length, 1, EVIDENCE_STAGED_MAX);
    }
}

/* --- requests --- */

/* OP(symbol, name of the functions and of the members) */
#define OPS(OP)                                                                                                        \
    OP(OBSERVE, observe)                                                                                               \
    OP(TICK, tick)                                                                                                     \
    OP(BLOB, blob)                                                                                                     \
    OP(APPLY, apply)                                                                                                   \
    OP(QUERY, query)                                                                                                   \
    OP(EVIDENCE, evidence)                                                                                             \
    OP(COMMAND, command)                                                                                               \
    OP(NOTIFIED, notified)                                                                                             \
    OP(DRILL, drill)                                                                                                   \
    OP(DRILL_STOP, drill_stop)                                                                                         \
    OP(DRILL_DONE, drill_done)

static void put_op(struct buffer *out, const struct request *r) {
    struct arena a = {0};
    Quorate__Op pb = QUORATE__OP__INIT;
    switch (r->kind) {
#define PUT_OP(symbol, name)                                                                                           \
    case OP_##symbol:                                                                                                  \
        pb.kind_case = QUORATE__OP__KIND_##symbol;                                                                     \
        pb.name = put_##name(&a, &r->name);                                                                            \
        break;
        OPS(PUT_OP)
#undef PUT_OP
    }
    REQUIRE(pb.kind_case != QUORATE__OP__KIND__NOT_SET);
    put_message(out, &pb.base);
    arena_free(&a);
}

static void take_op(struct taker *t, struct request *out, struct bytes body) {
    const Quorate__Op *in = take_message(t, &quorate__op__descriptor, body);
    if (!in) {
        return;
    }
    switch (in->kind_case) {
#define TAKE_OP(symbol, name)                                                                                          \
    case QUORATE__OP__KIND_##symbol:                                                                                   \
        out->kind = OP_##symbol;                                                                                       \
        take_##name(t, &out->name, in->name);                                                                          \
        return;
        OPS(TAKE_OP)
#undef TAKE_OP
    default:
        take_refuse(t, ERR_MALFORMED);
    }
}

void request_seal(struct buffer *out, const struct request *r, const struct cluster_id *cluster,
                  const struct secret_key *sk) {
    struct buffer body = {0};
    struct seal_context context = {FRAME_REQUEST, *cluster, 0, MEMBER_NONE};
    buffer_put(&body, r->client.b, PUBLIC_KEY_LEN);
    buffer_u64(&body, r->req_seq);
    put_op(&body, r);
    frame_seal(out, &context, buffer_bytes(&body), sk);
    buffer_free(&body);
}

enum error request_decode(struct request *out, const struct frame *f, struct arena *arena) {
    struct taker t = {arena, ERR_OK};
    *out = (struct request){0};
    if (f->type != FRAME_REQUEST) {
        return ERR_BAD_TYPE;
    }
    if (f->sender != MEMBER_NONE || f->epoch != 0) {
        return ERR_OUT_OF_RANGE;
    }
    if (f->body.len < REQUEST_HEAD_LEN) {
        return ERR_MALFORMED;
    }
    struct reader r = reader_of(f->body);
    read_into(&r, out->client.b, PUBLIC_KEY_LEN);
    out->req_seq = take_number(&t, read_u64(&r), 1);
    take_op(&t, out, bytes_of(f->body.data + REQUEST_HEAD_LEN, f->body.len - REQUEST_HEAD_LEN));
    if (t.error == ERR_OK) {
        out->digest = crypto_digest(DIGEST_REQUEST, f->raw);
        out->frame = f->raw;
    }
    return t.error;
}

/* --- requests that own themselves --- */

struct owned_request {
    struct request request; /* first: request_free is given its address */
    struct arena arena;
    uint8_t frame[];
};
/* A decoded entry takes up to 20 times its bytes when all texts are empty; a bundle is capped at 256 of them. */
enum { REQUEST_ARENA_BASE = 128 * 1024, REQUEST_ARENA_PER_BYTE = 4 };

enum error request_new(struct request **out, struct bytes raw) {
    struct frame f;
    *out = NULL;
    enum error e = frame_open(&f, raw);
    if (e != ERR_OK) {
        return e;
    }
    if (f.type != FRAME_REQUEST) {
        return ERR_BAD_TYPE;
    }
    struct owned_request *owned = xcalloc(1, sizeof *owned + raw.len);
    memcpy(owned->frame, raw.data, raw.len);
    owned->arena.limit = REQUEST_ARENA_BASE + REQUEST_ARENA_PER_BYTE * raw.len;
    e = frame_open(&f, bytes_of(owned->frame, raw.len));
    ENSURE(e == ERR_OK);
    e = request_decode(&owned->request, &f, &owned->arena);
    if (e != ERR_OK) {
        request_free(&owned->request);
        return e;
    }
    *out = &owned->request;
    return ERR_OK;
}

void request_free(struct request *r) {
    if (r) {
        struct owned_request *owned = (struct owned_request *)(void *)r;
        arena_free(&owned->arena);
        free(owned);
    }
}
