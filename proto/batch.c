/* Batches and the statements of fixed width: what certificates rebuild byte for byte, and therefore no protobuf.
   Also the names of phases. */
#include "base/invariant.h"
#include "proto/msg.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_HEADER_LEN = 3, REF_LEN = PUBLIC_KEY_LEN + 8 + DIGEST_LEN };

/* Big-endian into fixed memory; what it writes has a constant width, so no bound is checked. */
static uint8_t *put_u64(uint8_t *at, uint64_t v) {
    for (int i = 7; i >= 0; i--, v >>= 8) {
        at[i] = (uint8_t)v;
    }
    return at + 8;
}

static uint8_t *put_digest(uint8_t *at, const struct digest *d) {
    memcpy(at, d->b, DIGEST_LEN);
    return at + DIGEST_LEN;
}

void batch_encode(struct buffer *out, const struct batch *b) {
    REQUIRE(b->count <= BATCH_REFS_MAX);
    REQUIRE((b->kind == BATCH_NULL) == (b->count == 0));
    buffer_u8(out, (uint8_t)b->kind);
    buffer_u16(out, (uint16_t)b->count);
    for (unsigned i = 0; i < b->count; i++) {
        buffer_put(out, b->refs[i].client.b, PUBLIC_KEY_LEN);
        buffer_u64(out, b->refs[i].req_seq);
        buffer_put(out, b->refs[i].digest.b, DIGEST_LEN);
    }
}

static int ref_compare(const void *a, const void *b) {
    const struct request_ref *x = *(const struct request_ref *const *)a, *y = *(const struct request_ref *const *)b;
    int order = memcmp(x->client.b, y->client.b, PUBLIC_KEY_LEN);
    return order != 0 ? order : (x->req_seq > y->req_seq) - (x->req_seq < y->req_seq);
}

static bool refs_repeat(const struct request_ref *refs, unsigned count) {
    const struct request_ref *sorted[BATCH_REFS_MAX];
    for (unsigned i = 0; i < count; i++) {
        sorted[i] = &refs[i];
    }
    qsort(sorted, count, sizeof sorted[0], ref_compare);
    for (unsigned i = 1; i < count; i++) {
        if (ref_compare(&sorted[i - 1], &sorted[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum error batch_decode(struct batch *out, struct bytes bytes, struct arena *arena) {
    struct reader r = reader_of(bytes);
    unsigned kind = read_u8(&r), count = read_u16(&r);
    if (r.bad || kind > BATCH_NULL || (kind == BATCH_NULL) != (count == 0)) {
        return ERR_MALFORMED;
    }
    if (count > BATCH_REFS_MAX) {
        return ERR_TOO_MANY;
    }
    if (bytes.len != BATCH_HEADER_LEN + (size_t)count * REF_LEN) {
        return ERR_MALFORMED;
    }
    struct request_ref *refs = arena_alloc(arena, (count + 1) * sizeof *refs);
    if (!refs) {
        return ERR_TOO_MANY;
    }
    for (unsigned i = 0; i < count; i++) {
        read_into(&r, refs[i].client.b, PUBLIC_KEY_LEN);
        refs[i].req_seq = read_u64(&r);
        read_into(&r, refs[i].digest.b, DIGEST_LEN);
    }
    ENSURE(reader_done(&r));
    if (refs_repeat(refs, count)) {
        return ERR_NOT_CANONICAL;
    }
    *out = (struct batch){(enum batch_kind)kind, count, refs};
    return ERR_OK;
}

struct digest batch_null_digest(void) {
    return crypto_digest(DIGEST_NULL, bytes_of_text("null"));
}

struct digest batch_digest(struct bytes encoded) {
    static const uint8_t null_batch[BATCH_HEADER_LEN] = {BATCH_NULL, 0, 0};
    if (bytes_equal(encoded, bytes_of(null_batch, sizeof null_batch))) {
        return batch_null_digest();
    }
    return crypto_digest(DIGEST_BATCH, encoded);
}

void vote_encode(uint8_t out[VOTE_BODY_LEN], const struct vote *v) {
    uint8_t *at = put_u64(out, v->v);
    at = put_u64(at, v->n);
    at = put_digest(at, &v->d);
    at = put_digest(at, &v->nv_digest);
    ENSURE(at == out + VOTE_BODY_LEN);
}

void vote_decode(struct vote *out, const uint8_t in[VOTE_BODY_LEN]) {
    struct reader r = reader_of(bytes_of(in, VOTE_BODY_LEN));
    out->v = read_u64(&r);
    out->n = read_u64(&r);
    read_into(&r, out->d.b, DIGEST_LEN);
    read_into(&r, out->nv_digest.b, DIGEST_LEN);
    ENSURE(reader_done(&r));
}

bool vote_equal(const struct vote *a, const struct vote *b) {
    return a->v == b->v && a->n == b->n && digest_equal(&a->d, &b->d) && digest_equal(&a->nv_digest, &b->nv_digest);
}

void checkpoint_encode(uint8_t out[CHECKPOINT_BODY_LEN], const struct checkpoint *c) {
    uint8_t *at = put_u64(out, c->n);
    at = put_digest(at, &c->root);
    at = put_digest(at, &c->log_hash);
    at = put_u64(at, (uint64_t)c->t);
    at = put_digest(at, &c->cfg_digest);
    at = put_u64(at, c->stop_seq);
    ENSURE(at == out + CHECKPOINT_BODY_LEN);
}

void checkpoint_decode(struct checkpoint *out, const uint8_t in[CHECKPOINT_BODY_LEN]) {
    struct reader r = reader_of(bytes_of(in, CHECKPOINT_BODY_LEN));
    out->n = read_u64(&r);
    read_into(&r, out->root.b, DIGEST_LEN);
    read_into(&r, out->log_hash.b, DIGEST_LEN);
    out->t = (time_ms)read_u64(&r);
    read_into(&r, out->cfg_digest.b, DIGEST_LEN);
    out->stop_seq = read_u64(&r);
    ENSURE(reader_done(&r));
}

bool checkpoint_equal(const struct checkpoint *a, const struct checkpoint *b) {
    return a->n == b->n && digest_equal(&a->root, &b->root) && digest_equal(&a->log_hash, &b->log_hash) &&
           a->t == b->t && digest_equal(&a->cfg_digest, &b->cfg_digest) && a->stop_seq == b->stop_seq;
}

const char *phase_name(enum phase p) {
    static const char *const names[] = {"STARTING", "RECALL",   "ACTIVE",  "CHANGING",
                                        "REPAIR",   "TRANSFER", "LEARNER", "TILT"};
    return (unsigned)p < sizeof names / sizeof names[0] ? names[p] : "?";
}
