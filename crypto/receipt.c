/* Receipts and the certificates made of them (R2). A certificate convinces somebody who trusts no replica, so nothing
   in it is taken on faith: one wrong part refuses the whole. */
#include "crypto/receipt.h"

#include "base/invariant.h"

#include <string.h>

static uint8_t *put_u64(uint8_t *at, uint64_t v) {
    for (int shift = 56; shift >= 0; shift -= 8) {
        *at++ = (uint8_t)(v >> shift);
    }
    return at;
}

void receipt_encode(uint8_t out[RECEIPT_BODY_LEN], const struct receipt_body *body) {
    uint8_t *at = put_u64(out, body->n);
    memcpy(at, body->output_root.b, DIGEST_LEN);
    memcpy(at + DIGEST_LEN, body->log_hash.b, DIGEST_LEN);
    put_u64(at + 2 * DIGEST_LEN, (uint64_t)body->t);
}

void receipt_decode(struct receipt_body *out, const uint8_t in[RECEIPT_BODY_LEN]) {
    struct reader r = reader_of(bytes_of(in, RECEIPT_BODY_LEN));
    out->n = read_u64(&r);
    read_into(&r, out->output_root.b, DIGEST_LEN);
    read_into(&r, out->log_hash.b, DIGEST_LEN);
    out->t = (time_ms)read_u64(&r);
    ENSURE(reader_done(&r));
}

bool receipt_body_equal(const struct receipt_body *a, const struct receipt_body *b) {
    return a->n == b->n && a->t == b->t && digest_equal(&a->output_root, &b->output_root) &&
           digest_equal(&a->log_hash, &b->log_hash);
}

static struct seal_context receipt_context(const struct cluster_id *cluster, epoch_no epoch, member_id replica) {
    return (struct seal_context){.type = RECEIPT_SEAL_TYPE, .cluster = *cluster, .epoch = epoch, .sender = replica};
}

void receipt_sign(struct receipt_signature *out, const struct cluster_id *cluster, epoch_no epoch, member_id replica,
                  const struct receipt_body *body, const struct secret_key *sk) {
    struct seal_context context = receipt_context(cluster, epoch, replica);
    uint8_t bytes[RECEIPT_BODY_LEN];
    receipt_encode(bytes, body);
    out->replica = replica;
    seal_sign(&out->sig, &context, bytes_of(bytes, sizeof bytes), sk);
}

bool receipt_verify(const struct verifier *v, const struct receipt_body *body, const struct receipt_signature *r) {
    if (r->replica >= v->members) {
        return false;
    }
    struct seal_context context = receipt_context(&v->cluster, v->epoch, r->replica);
    uint8_t bytes[RECEIPT_BODY_LEN];
    receipt_encode(bytes, body);
    return seal_verify(&r->sig, &context, bytes_of(bytes, sizeof bytes), &v->keys[r->replica]);
}

/* Members of the epoch, in rising order, hence distinct; enough of them. */
static enum error signers_check(const struct verifier *v, const struct certificate *c) {
    if (c->receipts_len > MEMBERS_MAX) {
        return ERR_OUT_OF_RANGE;
    }
    for (unsigned i = 0; i < c->receipts_len; i++) {
        if (c->receipts[i].replica >= v->members) {
            return ERR_NOT_A_MEMBER;
        }
        if (i > 0 && c->receipts[i].replica <= c->receipts[i - 1].replica) {
            return ERR_NOT_CANONICAL;
        }
    }
    return c->receipts_len < quorum_weak(v->members) ? ERR_TOO_FEW_SIGNATURES : ERR_OK;
}

enum error certificate_verify(const struct verifier *v, const struct certificate *c, struct bytes leaf,
                              member_id *culprit) {
    REQUIRE(v->members >= 1 && v->members <= MEMBERS_MAX);
    if (culprit != NULL) {
        *culprit = MEMBER_NONE;
    }
    if (c->epoch != v->epoch) {
        return ERR_WRONG_EPOCH;
    }
    enum error e = signers_check(v, c);
    if (e != ERR_OK) {
        return e;
    }
    if (!merkle_verify(&c->body.output_root, leaf, c->index, c->count, c->path, c->path_len)) {
        return ERR_BAD_PROOF;
    }
    for (unsigned i = 0; i < c->receipts_len; i++) {
        if (!receipt_verify(v, &c->body, &c->receipts[i])) {
            if (culprit != NULL) {
                *culprit = c->receipts[i].replica;
            }
            return ERR_BAD_SIGNATURE;
        }
    }
    return ERR_OK;
}
