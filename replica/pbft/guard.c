/* The only place that signs what must never be contradicted: PRE-PREPARE, PREPARE, COMMIT, CHECKPOINT, VIEW-CHANGE,
   NEW-VIEW. For each key (type, v, n) the digest of the statement is made durable before the signature leaves; the same
   statement may be signed again, another one never (S1, R14 GUARD, I5). Since a replica never votes below its own view
   (S3), the last view of each type and n is all that has to be remembered. */
#include "replica/pbft/core.h"

struct digest guard_digest(struct bytes signed_body) {
    return crypto_digest(DIGEST_GUARD, signed_body);
}

bool guard_allows(const struct guard *g, view_no v, const struct digest *digest) {
    return !g->held || g->v < v || (g->v == v && digest_equal(&g->digest, digest));
}

enum guard_kind guard_kind_of(enum frame_type type) {
    switch (type) {
    case FRAME_PRE_PREPARE:
        return GUARD_PRE_PREPARE;
    case FRAME_PREPARE:
        return GUARD_PREPARE;
    case FRAME_COMMIT:
        return GUARD_COMMIT;
    case FRAME_CHECKPOINT:
        return GUARD_CHECKPOINT;
    default:
        return SLOT_GUARDS;
    }
}

/* Records the statement before it is signed; n: all ones where the type has none. */
static void guard_set(struct pbft *p, struct guard *g, enum frame_type type, view_no v, uint64_t n,
                      struct bytes signed_body) {
    struct digest digest = guard_digest(signed_body);
    ENSURE(guard_allows(g, v, &digest)); /* I5, I7 */
    if (g->held && g->v == v) {
        return;
    }
    if (n == UINT64_MAX && g->held) {
        out_record(p, PBFT_PERSIST, RECORD_GUARD, key_guard(n, type, g->v), (struct bytes){0});
    }
    *g = (struct guard){true, v, digest};
    out_record(p, PBFT_PERSIST, RECORD_GUARD, key_guard(n, type, v), bytes_of(digest.b, DIGEST_LEN));
}

static void sign(const struct pbft *p, enum frame_type type, struct bytes body, struct signature *out) {
    REQUIRE((p->phase == PHASE_ACTIVE || p->phase == PHASE_CHANGING) && !recall_withholds(p)); /* R13 */
    struct seal_context context = seal_context_of(p, type, p->config.self);
    seal_sign(out, &context, body, &p->config.secret);
}

bool slot_may_sign(const struct slot *s, enum frame_type type, const struct vote *v) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, v);
    struct digest digest = guard_digest(bytes_of(body, sizeof body));
    return guard_allows(&s->guards[guard_kind_of(type)], v->v, &digest);
}

void sign_vote(struct pbft *p, struct slot *s, enum frame_type type, const struct vote *v, struct signature *out) {
    uint8_t body[VOTE_BODY_LEN];
    REQUIRE(v->n == s->n && v->v == p->view); /* I7: never below my view */
    vote_encode(body, v);
    guard_set(p, &s->guards[guard_kind_of(type)], type, v->v, v->n, bytes_of(body, sizeof body));
    sign(p, type, bytes_of(body, sizeof body), out);
}

void sign_checkpoint(struct pbft *p, struct slot *s, const struct checkpoint *c, struct signature *out) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    REQUIRE(c->n == s->n);
    checkpoint_encode(body, c);
    guard_set(p, &s->guards[GUARD_CHECKPOINT], FRAME_CHECKPOINT, 0, c->n, bytes_of(body, sizeof body));
    sign(p, FRAME_CHECKPOINT, bytes_of(body, sizeof body), out);
}

void seal_view(struct pbft *p, struct guard *g, view_no v, enum frame_type type, struct bytes body,
               struct buffer *out) {
    struct seal_context context = seal_context_of(p, type, p->config.self);
    struct signature sig;
    guard_set(p, g, type, v, UINT64_MAX, body);
    sign(p, type, body, &sig);
    frame_rebuild(out, &context, body, &sig);
}
