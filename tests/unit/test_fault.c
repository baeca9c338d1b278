/* A traitor lies with its own key only, and where drills are off there is no traitor at all. */
#include "proto/codec.h"
#include "replica/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

static struct cluster cluster;
static struct secret_key secrets[4];
static struct verifier verifier;

static struct {
    unsigned sent, answered, sealed;
    struct buffer last;
} world;

static void on_send(void *self, member_id to, struct bytes frame) {
    (void)self, (void)to;
    world.sent++;
    buffer_clear(&world.last);
    buffer_put(&world.last, frame.data, frame.len);
}
static void on_answer(void *self, uint64_t client, struct bytes frame) {
    (void)client;
    on_send(self, 0, frame);
    world.sent--;
    world.answered++;
}
static void on_sealed(void *self, struct bytes frame) {
    (void)self, (void)frame;
    world.sealed++;
}

static int make_cluster(void **state) {
    (void)state;
    crypto_start();
    cluster = (struct cluster){.name = "t", .member_count = 4, .drills = DRILLS_SANDBOX, .t0 = 1000};
    for (unsigned i = 0; i < 4; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(i + 1)};
        crypto_keypair_from_seed(&cluster.members[i].key, &secrets[i], seed);
    }
    cluster.id.b[0] = 7;
    cluster_verifier(&verifier, &cluster);
    buffer_clear(&world.last);
    world.sent = world.answered = world.sealed = 0;
    return 0;
}

static int forget_cluster(void **state) {
    (void)state;
    buffer_free(&world.last);
    return 0;
}

static struct fault *traitor(const char *name, member_id self, struct node_world *out) {
    struct fault *f;
    struct buffer why = {0};
    assert_int_equal(fault_new(&f, name, &cluster, self, &secrets[self], &why), ERR_OK);
    buffer_free(&why);
    struct node_world inner = {.self = NULL, .send = on_send, .answer = on_answer, .sealed = on_sealed};
    *out = fault_world(f, &inner);
    return f;
}

static void seal(struct buffer *out, const struct msg *m, member_id from) {
    struct buffer body = {0};
    codec_encode(&body, m);
    struct seal_context context = {(uint8_t)m->type, cluster.id, 0, from};
    frame_seal(out, &context, buffer_bytes(&body), frame_type_signed(m->type) ? &secrets[from] : NULL);
    buffer_free(&body);
}

static struct msg decoded(struct arena *arena) {
    struct frame f;
    struct msg m;
    assert_int_equal(frame_open(&f, buffer_bytes(&world.last)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, arena), ERR_OK);
    if (frame_type_signed(f.type))
        assert_int_equal(frame_verify(&f, &cluster.id, &cluster.members[f.sender].key), ERR_OK);
    return m;
}

static struct certificate honest_certificate(struct bytes leaf) {
    struct digest d = merkle_leaf(leaf);
    struct certificate c = {.body = {.n = 5, .output_root = merkle_root(&d, 1), .t = 2000}, .count = 1};
    uint8_t body[RECEIPT_BODY_LEN];
    receipt_encode(body, &c.body);
    for (member_id i = 0; i < 2; i++) {
        struct seal_context context = {FRAME_RECEIPT, cluster.id, 0, i};
        c.receipts[i].replica = i;
        seal_sign(&c.receipts[i].sig, &context, bytes_of(body, sizeof body), &secrets[i]);
    }
    c.receipts_len = 2;
    return c;
}

static void alert_leaf(struct buffer *out, uint64_t number) {
    struct alert a = {.number = number,
                      .n = 5,
                      .t = 2000,
                      .type = ALERT_PROBLEM,
                      .host = "web1",
                      .host_alias = "web1",
                      .host_address = "127.0.0.1",
                      .service = "http",
                      .service_display = "http",
                      .state = STATE_CRITICAL,
                      .hard = true,
                      .attempt = 1,
                      .max_attempts = 1,
                      .notification_number = 1,
                      .since = 2000,
                      .output = "down",
                      .perfdata = "",
                      .quorum = 1,
                      .observers = 1,
                      .author = "",
                      .comment = ""};
    alert_encode(out, &a);
}

static void answer_alerts(struct node_world *w, unsigned count, member_id from) {
    struct buffer leaf = {0}, frame = {0};
    alert_leaf(&leaf, 1);
    struct output o = {.leaf = buffer_bytes(&leaf), .cert = honest_certificate(buffer_bytes(&leaf))};
    assert_int_equal(certificate_verify(&verifier, &o.cert, o.leaf, NULL), ERR_OK);
    struct msg m = {.type = FRAME_OUTPUTS, .outputs = {.alerts = count, .count = count, .list = &o}};
    seal(&frame, &m, from);
    w->answer(w->self, 9, buffer_bytes(&frame));
    buffer_free(&leaf);
    buffer_free(&frame);
}

static void no_traitor_where_drills_are_off(void **state) {
    (void)state;
    cluster.drills = DRILLS_OFF;
    for (unsigned i = 0; fault_behaviour_name(i); i++) {
        struct fault *f;
        struct buffer why = {0};
        assert_int_equal(fault_new(&f, fault_behaviour_name(i), &cluster, 0, &secrets[0], &why), ERR_FORBIDDEN);
        assert_null(f);
        assert_non_null(strstr(buffer_cstr(&why), "drills: off"));
        buffer_free(&why);
    }
}

static void an_unknown_behaviour_is_refused(void **state) {
    (void)state;
    struct fault *f;
    struct buffer why = {0};
    assert_int_equal(fault_new(&f, "kind", &cluster, 0, &secrets[0], &why), ERR_NOT_FOUND);
    assert_null(f);
    assert_non_null(strstr(buffer_cstr(&why), "kind"));
    buffer_free(&why);
}

static void every_behaviour_can_be_made_in_sandbox_and_live(void **state) {
    (void)state;
    for (unsigned i = 0; fault_behaviour_name(i); i++) {
        cluster.drills = i % 2 ? DRILLS_LIVE : DRILLS_SANDBOX;
        struct node_world w;
        struct fault *f = traitor(fault_behaviour_name(i), 0, &w);
        assert_int_equal(fault_bites(f), 0);
        fault_free(f);
    }
}

static void the_silent_one_sends_and_answers_nothing(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("silent", 0, &w);
    w.send(w.self, 1, bytes_of_text("frame"));
    w.answer(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent + world.answered, 0);
    assert_int_equal(fault_bites(f), 2);
    fault_free(f);
}

static void the_mute_one_still_talks_to_peers(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("mute-clients", 0, &w);
    w.send(w.self, 1, bytes_of_text("frame"));
    w.answer(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 1);
    assert_int_equal(world.answered, 0);
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void what_cannot_be_taken_apart_passes_as_it_is(void **state) {
    (void)state;
    const char *const names[] = {"forge-alerts", "forge-receipts", "equivocate"};
    for (unsigned i = 0; i < 3; i++) {
        struct node_world w;
        struct fault *f = traitor(names[i], 0, &w);
        w.send(w.self, 3, bytes_of_text("no frame"));
        w.answer(w.self, 1, bytes_of_text("no frame"));
        assert_true(bytes_equal(buffer_bytes(&world.last), bytes_of_text("no frame")));
        assert_int_equal(fault_bites(f), 0);
        fault_free(f);
    }
    assert_int_equal(world.sent + world.answered, 6);
}

static void two_stories_have_one_place_and_two_digests(void **state) {
    (void)state;
    for (unsigned refs = 1; refs <= 2; refs++) {
        struct node_world w;
        struct fault *f = traitor("equivocate", 0, &w);
        struct request_ref list[2] = {{.req_seq = 1}, {.req_seq = 2}};
        struct batch batch = {.kind = BATCH_NORMAL, .count = refs, .refs = list};
        struct buffer bytes = {0}, frame = {0};
        batch_encode(&bytes, &batch);
        struct msg m = {
            .type = FRAME_PRE_PREPARE,
            .pre_prepare = {{.v = 0, .n = 9, .d = batch_digest(buffer_bytes(&bytes))}, buffer_bytes(&bytes), batch}};
        seal(&frame, &m, 0);
        struct digest seen[4];
        for (member_id to = 1; to < 4; to++) {
            struct arena arena = {0};
            w.send(w.self, to, buffer_bytes(&frame));
            struct msg got = decoded(&arena);
            assert_int_equal(got.pre_prepare.statement.n, 9);
            seen[to] = got.pre_prepare.statement.d;
            assert_true(seen[to].b[0] == batch_digest(got.pre_prepare.batch_bytes).b[0]);
            arena_free(&arena);
        }
        assert_true(digest_equal(&seen[1], &m.pre_prepare.statement.d));
        assert_false(digest_equal(&seen[2], &seen[1]));
        assert_true(digest_equal(&seen[2], &seen[3]));
        assert_int_equal(fault_bites(f), 2);
        buffer_free(&bytes);
        buffer_free(&frame);
        fault_free(f);
    }
    assert_int_equal(world.sealed, 4);
}

static void a_false_receipt_to_peers_is_validly_signed(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("forge-receipts", 1, &w);
    struct msg m = {.type = FRAME_RECEIPT, .receipt = {{.n = 5, .t = 2000}}};
    struct buffer frame = {0};
    struct arena arena = {0};
    seal(&frame, &m, 1);
    w.send(w.self, 0, buffer_bytes(&frame));
    struct msg got = decoded(&arena);
    assert_int_equal(got.receipt.body.n, 5);
    assert_false(digest_equal(&got.receipt.body.output_root, &m.receipt.body.output_root));
    arena_free(&arena);
    buffer_free(&frame);
    fault_free(f);
}

static void a_false_receipt_to_clients_holds_but_is_alone(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("forge-receipts", 1, &w);
    struct arena arena = {0};
    answer_alerts(&w, 1, 1);
    struct msg got = decoded(&arena);
    assert_int_equal(got.outputs.count, 1);
    const struct certificate *c = &got.outputs.list[0].cert;
    assert_int_equal(c->receipts_len, 1);
    assert_true(receipt_verify(&verifier, &c->body, &c->receipts[0]));
    assert_true(
        merkle_verify(&c->body.output_root, got.outputs.list[0].leaf, c->index, c->count, c->path, c->path_len));
    assert_int_equal(certificate_verify(&verifier, c, got.outputs.list[0].leaf, NULL), ERR_TOO_FEW_SIGNATURES);
    arena_free(&arena);
    fault_free(f);
}

static void forged_alerts_never_prove_true(void **state) {
    (void)state;
    for (unsigned real = 0; real <= 1; real++) {
        struct node_world w;
        struct fault *f = traitor("forge-alerts", (member_id)(3 * real), &w);
        struct arena arena = {0};
        answer_alerts(&w, real, f ? (member_id)(3 * real) : 0);
        struct msg got = decoded(&arena);
        assert_int_equal(got.outputs.count, real + 1);
        assert_int_equal(got.outputs.alerts, real + 1);
        for (unsigned i = 0; i < got.outputs.count; i++) {
            const struct output *o = &got.outputs.list[i];
            struct alert a;
            assert_int_equal(alert_decode(&a, o->leaf, &arena), ERR_OK);
            assert_int_equal(a.number, i + 1);
            assert_int_equal(o->cert.receipts_len, 2);
            assert_int_equal(certificate_verify(&verifier, &o->cert, o->leaf, NULL), ERR_BAD_SIGNATURE);
        }
        arena_free(&arena);
        fault_free(f);
    }
}

/* ---- parameters and time ---- */

static void parameters_are_bounded_and_known(void **state) {
    (void)state;
    assert_true(fault_behaviour_known("delay-proposals"));
    assert_true(fault_behaviour_known("delay-proposals:60000"));
    assert_true(fault_behaviour_known("later:skip-numbers:8"));
    assert_false(fault_behaviour_known("delay-proposals:60001"));
    assert_false(fault_behaviour_known("delay-proposals:"));
    assert_false(fault_behaviour_known("delay-proposals:4x"));
    assert_false(fault_behaviour_known("silent:1"));
    assert_false(fault_behaviour_known("later:"));
    assert_false(fault_behaviour_known("delay"));
}

static void proposal(struct buffer *frame, seq_no n, unsigned count) {
    struct request_ref refs[2] = {{.req_seq = n, .digest = {{(uint8_t)n}}}, {.req_seq = n + 100, .digest = {{1}}}};
    struct msg m = {.type = FRAME_PRE_PREPARE};
    struct buffer bytes = {0};
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, count, refs});
    m.pre_prepare.batch_bytes = buffer_bytes(&bytes);
    m.pre_prepare.statement.n = n;
    m.pre_prepare.statement.d = batch_digest(buffer_bytes(&bytes));
    buffer_clear(frame);
    seal(frame, &m, 0);
    buffer_free(&bytes);
}

static void a_late_traitor_holds_proposals_back_for_their_time(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("later:delay-proposals:300", 0, &w);
    struct buffer frame = {0};
    proposal(&frame, 1, 1);
    fault_turn(f, 1000);
    w.send(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.sent, 1); /* honest so far */
    assert_true(fault_toggle(f));
    w.send(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.sent, 1);
    assert_int_equal(fault_turn(f, 1299), 1300);
    assert_int_equal(world.sent, 1);
    assert_int_equal(fault_turn(f, 1300), INT64_MAX);
    assert_int_equal(world.sent, 2);
    assert_true(bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame)));
    assert_false(fault_toggle(f));
    buffer_free(&frame);
    fault_free(f);
}

static void drips_come_one_at_a_time(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("slow-drip:100", 0, &w);
    struct buffer frame = {0};
    fault_turn(f, 1000);
    for (seq_no n = 1; n <= 3; n++) {
        proposal(&frame, n, 1);
        w.send(w.self, 1, buffer_bytes(&frame));
    }
    assert_int_equal(world.sent, 1);
    assert_int_equal(fault_turn(f, 1099), 1100);
    fault_turn(f, 1100);
    assert_int_equal(world.sent, 2);
    fault_turn(f, 1200);
    assert_int_equal(world.sent, 3);
    buffer_free(&frame);
    fault_free(f);
}

static void the_old_comes_again_and_alike_to_all(void **state) {
    (void)state;
    struct node_world w;
    cluster.knobs.batch_max = 512;
    struct fault *f = traitor("re-propose", 0, &w);
    struct buffer frame = {0};
    for (seq_no n = 1; n <= 3; n++) {
        struct digest seen[2];
        proposal(&frame, n, 1);
        for (member_id to = 1; to <= 2; to++) {
            struct arena arena = {0};
            w.send(w.self, to, buffer_bytes(&frame));
            struct msg got = decoded(&arena);
            assert_int_equal(got.pre_prepare.batch.count, n); /* all before it too */
            assert_int_equal(got.pre_prepare.batch.refs[0].req_seq, n);
            seen[to - 1] = got.pre_prepare.statement.d;
            arena_free(&arena);
        }
        assert_true(digest_equal(&seen[0], &seen[1]));
    }
    buffer_free(&frame);
    fault_free(f);
}

static void the_deaf_one_hears_everybody_else(void **state) {
    (void)state;
    static struct cluster_observer observers[2];
    struct node_world w;
    observers[1].key.b[0] = 9;
    cluster.observer_count = 2;
    cluster.observers = observers;
    struct fault *f = traitor("censor-client:1", 0, &w);
    struct request first = {.client = observers[0].key}, second = {.client = observers[1].key};
    struct request *list[] = {&first};
    struct admitted x = {.msg.type = FRAME_RELAY, .request_count = 1, .requests = list};
    assert_true(fault_hears(f, &x));
    list[0] = &second;
    assert_false(fault_hears(f, &x));
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void noise_keeps_its_rate(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("flood-garbage:500", 1, &w);
    for (mono_ms now = 1000; now < 2000; now++)
        fault_turn(f, now);
    assert_int_equal(world.sent, 3 * 500);
    fault_free(f);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_cluster, forget_cluster)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(no_traitor_where_drills_are_off),
        TEST(an_unknown_behaviour_is_refused),
        TEST(every_behaviour_can_be_made_in_sandbox_and_live),
        TEST(the_silent_one_sends_and_answers_nothing),
        TEST(the_mute_one_still_talks_to_peers),
        TEST(what_cannot_be_taken_apart_passes_as_it_is),
        TEST(two_stories_have_one_place_and_two_digests),
        TEST(a_false_receipt_to_peers_is_validly_signed),
        TEST(a_false_receipt_to_clients_holds_but_is_alone),
        TEST(forged_alerts_never_prove_true),
        TEST(parameters_are_bounded_and_known),
        TEST(a_late_traitor_holds_proposals_back_for_their_time),
        TEST(drips_come_one_at_a_time),
        TEST(the_old_comes_again_and_alike_to_all),
        TEST(the_deaf_one_hears_everybody_else),
        TEST(noise_keeps_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
