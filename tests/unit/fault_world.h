/* A world for one fault filter: a cluster of four with known keys, and what left the filter last. */
#ifndef QUORATE_TESTS_UNIT_FAULT_WORLD_H
#define QUORATE_TESTS_UNIT_FAULT_WORLD_H

#include "proto/codec.h"
#include "replica/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

enum { MEMBERS = 4 };
static struct cluster cluster;
static struct secret_key secrets[MEMBERS];
static struct verifier verifier;

static struct {
    unsigned sent, answered, sealed, owned_up, sent_to[MEMBERS];
    struct buffer last;              /* what left last */
    struct buffer last_to[MEMBERS];  /* to each */
    struct buffer first_to[MEMBERS]; /* the first one to each */
    bool owned_before;               /* every signed frame that the node never made was owned up to before it left */
    struct digest owned[4096], made[64]; /* frames owned up to; frames of the node */
    unsigned made_count;
    unsigned owned_proposals; /* of owned_up */
    struct node_facts facts;
    bool refuses; /* what is owned up to must not leave */
} world;

static void keep(struct buffer *b, struct bytes frame) {
    buffer_clear(b);
    buffer_put(b, frame.data, frame.len);
}

static struct digest name_of(struct bytes frame) {
    return crypto_digest(DIGEST_REQUEST, frame);
}

static bool is_among(const struct digest *list, unsigned count, const struct digest *d) {
    for (unsigned i = 0; i < count; i++)
        if (digest_equal(&list[i], d))
            return true;
    return false;
}

/* Signed by the liar and not made by its node: the host must know of it by now. */
static void look_for_owning_up(struct bytes frame) {
    struct frame f;
    struct digest d = name_of(frame);
    if (frame_open(&f, frame) == ERR_OK && f.sender < MEMBERS && frame_type_signed(f.type) &&
        !is_among(world.made, world.made_count, &d) && !is_among(world.owned, world.owned_up, &d) &&
        frame_verify(&f, &f.cluster, &cluster.members[f.sender].key) == ERR_OK)
        world.owned_before = false;
}

static void on_send(void *self, member_id to, struct bytes frame) {
    (void)self;
    assert_true(to < MEMBERS);
    look_for_owning_up(frame);
    if (world.sent_to[to]++ == 0)
        keep(&world.first_to[to], frame);
    keep(&world.last_to[to], frame);
    keep(&world.last, frame);
    world.sent++;
}

static void on_answer(void *self, uint64_t client, struct bytes frame) {
    (void)self, (void)client;
    keep(&world.last, frame);
    world.answered++;
}

static void on_sealed(void *self, struct bytes frame) {
    (void)self, (void)frame;
    world.sealed++;
}

static bool on_faulted(void *self, struct bytes frame) {
    (void)self;
    assert_true(world.owned_up < sizeof world.owned / sizeof *world.owned);
    struct frame f;
    world.owned[world.owned_up++] = name_of(frame);
    world.owned_proposals += frame_open(&f, frame) == ERR_OK && f.type == FRAME_PRE_PREPARE &&
                             frame_verify(&f, &f.cluster, &cluster.members[f.sender].key) == ERR_OK;
    return !world.refuses;
}

static bool on_facts(void *self, struct node_facts *out) {
    (void)self;
    *out = world.facts;
    return true;
}

static void forget_frames(void) {
    buffer_free(&world.last);
    for (unsigned i = 0; i < MEMBERS; i++) {
        buffer_free(&world.last_to[i]);
        buffer_free(&world.first_to[i]);
    }
    memset(&world, 0, sizeof world);
    world.owned_before = true;
}

static int make_cluster(void **state) {
    static struct cluster_observer observers[2];
    (void)state;
    crypto_start();
    cluster = (struct cluster){.name = "t", .member_count = MEMBERS, .drills = DRILLS_SANDBOX, .t0 = 1000};
    cluster.knobs = protocol_defaults();
    for (unsigned i = 0; i < MEMBERS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(i + 1)};
        crypto_keypair_from_seed(&cluster.members[i].key, &secrets[i], seed);
    }
    observers[0].key.b[0] = 8;
    observers[1].key.b[0] = 9;
    cluster.observer_count = 2;
    cluster.observers = observers;
    cluster.id.b[0] = 7;
    cluster_verifier(&verifier, &cluster);
    forget_frames();
    return 0;
}

static int forget_cluster(void **state) {
    (void)state;
    forget_frames();
    return 0;
}

static struct fault *honest(member_id self, struct node_world *out) {
    struct fault *f;
    struct buffer why = {0};
    struct fault_host host = {.facts = on_facts, .faulted = on_faulted};
    assert_int_equal(fault_new(&f, &cluster, self, &secrets[self], &host, &why), ERR_OK);
    buffer_free(&why);
    struct node_world inner = {.self = NULL, .send = on_send, .answer = on_answer, .sealed = on_sealed};
    *out = fault_world(f, &inner);
    return f;
}

static void begin(struct fault *f, const char *behaviour, uint64_t seed, mono_ms until) {
    struct buffer why = {0};
    if (fault_start(f, behaviour, seed, until, &why) != ERR_OK)
        fail_msg("%s", buffer_cstr(&why));
    buffer_free(&why);
}

static __attribute__((unused)) struct fault *traitor(const char *behaviour, member_id self, struct node_world *out) {
    struct fault *f = honest(self, out);
    begin(f, behaviour, 1, INT64_MAX);
    return f;
}

/* As the node of `from` seals it. */
static __attribute__((unused)) void seal(struct buffer *out, const struct msg *m, member_id from) {
    struct buffer body = {0};
    struct seal_context context = {(uint8_t)m->type, cluster.id, 0, from};
    codec_encode(&body, m);
    buffer_clear(out);
    frame_seal(out, &context, buffer_bytes(&body), frame_type_signed(m->type) ? &secrets[from] : NULL);
    buffer_free(&body);
    assert_true(world.made_count < sizeof world.made / sizeof *world.made);
    world.made[world.made_count++] = name_of(buffer_bytes(out));
}

/* Decodes, and what is signed is signed well. */
static __attribute__((unused)) struct msg opened(struct bytes frame, struct arena *arena) {
    struct frame f;
    struct msg m;
    assert_int_equal(frame_open(&f, frame), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, arena), ERR_OK);
    if (frame_type_signed(f.type))
        assert_int_equal(frame_verify(&f, &cluster.id, &cluster.members[f.sender].key), ERR_OK);
    return m;
}

static __attribute__((unused)) struct msg decoded(struct arena *arena) {
    return opened(buffer_bytes(&world.last), arena);
}

static __attribute__((unused)) void proposal(struct buffer *frame, seq_no n, unsigned count) {
    struct request_ref refs[2] = {{.req_seq = n, .digest = {{(uint8_t)n}}}, {.req_seq = n + 100, .digest = {{1}}}};
    struct msg m = {.type = FRAME_PRE_PREPARE};
    struct buffer bytes = {0};
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, count, refs});
    m.pre_prepare.batch_bytes = buffer_bytes(&bytes);
    m.pre_prepare.statement.n = n;
    m.pre_prepare.statement.d = batch_digest(buffer_bytes(&bytes));
    seal(frame, &m, 0);
    buffer_free(&bytes);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_cluster, forget_cluster)

#endif
