/* What the tests of the rollback guard share: disks that are copied, wiped and rolled back, and a look at what leaves.
 */
#ifndef QUORATE_TESTS_RECALL_WORLD_H
#define QUORATE_TESTS_RECALL_WORLD_H

#include "tests/unit/pbft_cluster.h"

/* --- disks --- */

struct image {
    struct stored *records;
    size_t count;
    seq_no executed;
};

static __attribute__((unused)) struct buffer buffer_copy(const struct buffer *b) {
    struct buffer copy = {0};
    buffer_put(&copy, b->data, b->len);
    return copy;
}

static __attribute__((unused)) struct image disk_copy(const struct node *x) {
    struct image im = {xcalloc(x->record_count + 1, sizeof *im.records), x->record_count, x->executed};
    for (size_t i = 0; i < im.count; i++) {
        const struct stored *s = &x->records[i];
        im.records[i] = (struct stored){s->record, buffer_copy(&s->key), buffer_copy(&s->value), s->number};
    }
    return im;
}

static __attribute__((unused)) void disk_wipe(struct node *x) {
    while (x->record_count > 0) {
        records_drop(x, x->record_count - 1);
    }
    x->boot = 0;
}

static __attribute__((unused)) void disk_restore(struct node *x, struct image *im, uint64_t boot) {
    disk_wipe(x);
    x->boot = boot;
    for (size_t i = 0; i < im->count; i++) {
        record_put(x, im->records[i].record, buffer_bytes(&im->records[i].key), buffer_bytes(&im->records[i].value));
        record_free(&im->records[i]);
    }
    free(im->records);
}

/* --- what was signed --- */

static member_id watched;
static unsigned votes_seen;

static __attribute__((unused)) bool binds(enum frame_type type) {
    return (type >= FRAME_PRE_PREPARE && type <= FRAME_NEW_VIEW) || type == FRAME_RELAY;
}

static __attribute__((unused)) void count_votes(struct cluster *c, member_id from, member_id to, struct bytes frame) {
    (void)c, (void)to;
    struct frame f;
    if (from == watched && frame_open(&f, frame) == ERR_OK && f.sender == watched && binds(f.type)) {
        votes_seen++;
    }
}

static __attribute__((unused)) void watch(struct cluster *c, member_id who) {
    watched = who;
    votes_seen = 0;
    c->sent = count_votes;
}

static __attribute__((unused)) enum phase phase_of(const struct cluster *c, member_id i) {
    return node_view(&c->nodes[i]).phase;
}

static __attribute__((unused)) void work(struct cluster *c, uint64_t from, uint64_t count) {
    for (uint64_t i = from; i < from + count; i++) {
        submit(c, 0, i);
        cluster_run(c, 20);
    }
}

/* It follows and executes, and no statement of its key leaves. */
static __attribute__((unused)) void assert_learns(struct cluster *c, member_id who, uint64_t seq) {
    assert_int_equal(phase_of(c, who), PHASE_LEARNER);
    watch(c, who);
    for (uint64_t i = 0; i < 20; i++) { /* over checkpoints */
        submit(c, 1, seq + i);
        cluster_run(c, 300);
    }
    cluster_run(c, 3000);
    assert_int_equal(c->nodes[who].executed, c->nodes[(who + 1) % 4].executed);
    assert_int_equal(votes_seen, 0);
    assert_int_equal(phase_of(c, who), PHASE_LEARNER);
    assert_agreement(c);
}

/* --- liars --- */

struct claim { /* an answer that a member invents */
    struct msg m;
    struct recalled list[8];
};

static __attribute__((unused)) struct claim claim_to(const struct cluster *c, member_id to) {
    struct claim x = {.m = {.type = FRAME_RECALLED}};
    x.m.recalled = (struct msg_recalled){.to = to, .nonce = c->boots, .answer = true};
    return x;
}

static __attribute__((unused)) void sign_as(const struct cluster *c, member_id who, struct recalled *s) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    size_t len = recalled_body(body, s);
    struct seal_context context = {(uint8_t)s->type, c->verifier.cluster, 0, who};
    seal_sign(&s->sig, &context, bytes_of(body, len), &c->secrets[who]);
}

static __attribute__((unused)) struct recalled vote_of(enum frame_type type, view_no v, seq_no n, uint8_t content) {
    struct recalled s = {.type = type, .vote = {.v = v, .n = n}};
    s.vote.d.b[0] = content;
    return s;
}

static __attribute__((unused)) void say(struct cluster *c, member_id liar, struct claim *x, unsigned count) {
    x->m.recalled.count = count;
    x->m.recalled.statements = x->list;
    traitor_sends(c, liar, x->m.recalled.to, &x->m);
}

/* 3 restarts while only liars may answer: whatever they say, it is no learner, and what is no answer does not count. */
static __attribute__((unused)) struct cluster *restarted_among_liars(void) {
    struct cluster *c = cluster_new(4);
    work(c, 1, 10);
    cluster_run(c, 500);
    assert_int_equal(node_view(&c->nodes[3]).certified, 8);
    node_crash(&c->nodes[3]);
    c->isolated = set_of(0) | set_of(1) | set_of(2);
    node_boot(&c->nodes[3]);
    cluster_drain(c);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL);
    return c;
}

/* A filter. */
static __attribute__((unused)) bool commits_are_lost(struct cluster *c, member_id from, member_id to,
                                                     const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_COMMIT;
}

#endif
