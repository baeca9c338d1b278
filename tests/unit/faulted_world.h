/* What the tests of drills' statements share: a liar that owns up to its core, and others that hold what it said. */
#ifndef QUORATE_TESTS_FAULTED_WORLD_H
#define QUORATE_TESTS_FAULTED_WORLD_H

#include "replica/pbft/faulted.h"
#include "tests/unit/recall_world.h"

/* --- a drill: signs with the key of a node, tells its core and keeps the record on its disk --- */

static __attribute__((unused)) void seal_as(const struct cluster *c, member_id who, const struct msg *m,
                                            struct buffer *out) {
    struct seal_context context = {(uint8_t)m->type, c->verifier.cluster, 0, who};
    struct buffer body = {0};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), &c->secrets[who]);
    buffer_free(&body);
}

static __attribute__((unused)) enum error own_up_frame(struct node *x, struct bytes frame, bool durable) {
    struct pbft_action a;
    enum error e = pbft_faulted(x->core, frame, durable, &a);
    if (e == ERR_OK && a.key.len > 0) {
        assert_int_equal(a.kind, PBFT_PERSIST);
        record_put(x, a.record, a.key, a.value);
        x->synced = x->writes;
    }
    return e;
}

static __attribute__((unused)) enum error own_up(struct cluster *c, member_id who, const struct msg *m) {
    struct buffer frame = {0};
    seal_as(c, who, m, &frame);
    enum error e = own_up_frame(&c->nodes[who], buffer_bytes(&frame), true);
    buffer_free(&frame);
    return e;
}

static __attribute__((unused)) size_t remembered(const struct cluster *c, member_id who) {
    return records_count(&c->nodes[who], RECORD_FAULTED);
}

static __attribute__((unused)) struct bytes null_batch(void) {
    static struct buffer bytes;
    if (bytes.len == 0) {
        batch_encode(&bytes, &(struct batch){.kind = BATCH_NULL});
    }
    return buffer_bytes(&bytes);
}

static __attribute__((unused)) struct msg told(const struct recalled *s) {
    struct msg m = {.type = s->type};
    if (s->type == FRAME_CHECKPOINT) {
        m.checkpoint = s->checkpoint;
    } else if (s->type == FRAME_PRE_PREPARE) {
        m.pre_prepare.statement = s->vote;
        m.pre_prepare.batch_bytes = null_batch();
    } else {
        m.vote = s->vote;
    }
    return m;
}

static __attribute__((unused)) struct recalled statement(enum frame_type type, seq_no n, uint8_t content) {
    struct recalled s = vote_of(type, 0, n, content);
    if (type == FRAME_PRE_PREPARE) {
        s.vote.d = batch_digest(null_batch());
        s.vote.nv_digest.b[0] = content;
    } else if (type == FRAME_CHECKPOINT) {
        s = (struct recalled){.type = type, .checkpoint = {.n = n, .t = content}};
    }
    return s;
}

static __attribute__((unused)) void claims(struct cluster *c, member_id liar, member_id about, const struct recalled *s,
                                           bool answer) {
    struct claim x = claim_to(c, about);
    x.m.recalled.answer = answer;
    x.list[0] = *s;
    sign_as(c, about, &x.list[0]);
    say(c, liar, &x, 1);
}

static __attribute__((unused)) void restart(struct cluster *c, member_id who) {
    node_crash(&c->nodes[who]);
    records_lose_unsynced(&c->nodes[who]);
    c->isolated = set_all(c->members) & (member_set)~set_of(who);
    node_boot(&c->nodes[who]);
    cluster_drain(c);
    assert_int_equal(phase_of(c, who), PHASE_RECALL);
}

#endif
