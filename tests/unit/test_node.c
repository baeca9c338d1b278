/* One replica at its doors: what clients and members with valid keys may send without ending the process. The disk is
   the simulator's. */
#include "base/bytes.h"
#include "base/invariant.h"
#include "replica/accuse.h"
#include "replica/node_internal.h"
#include "tests/sim/sim_disk.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

enum { MEMBER = 1, ADMIN = 50, EU = 60, SELF = 1 };

struct replica {
    struct cluster cluster;
    struct cluster_observer observer;
    struct secret_key secrets[4];
    struct keyring *keys;
    struct admit admit;
    struct sim_disk *disk;
    struct node *node;
    unsigned counted[FRAME_TYPE_LIMIT]; /* frames that left, of each type */
    unsigned blobs;                     /* RELAYs of a BLOB among them */
    struct buffer trace;
    mono_ms now;
};

static void keys_of(uint8_t who, struct public_key *pk, struct secret_key *sk) {
    uint8_t seed[SECRET_SEED_LEN] = {who};
    crypto_keypair_from_seed(pk, sk, seed);
}

static void count_frame(struct replica *r, struct bytes frame) {
    struct frame f;
    assert_int_equal(frame_open(&f, frame), ERR_OK);
    r->counted[f.type]++;
    struct arena arena = {0};
    struct msg m;
    struct request inside;
    struct frame request;
    if (f.type == FRAME_RELAY) {
        assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
        assert_int_equal(frame_open(&request, m.relay.request), ERR_OK);
        assert_int_equal(request_decode(&inside, &request, &arena), ERR_OK);
        r->blobs += inside.kind == OP_BLOB;
    }
    arena_free(&arena);
}

static void on_send(void *self, member_id to, struct bytes frame) {
    (void)to;
    count_frame(self, frame);
}

static void on_answer(void *self, uint64_t client, struct bytes frame) {
    (void)client;
    count_frame(self, frame);
}

static void on_trace(void *self, const char *line) {
    struct replica *r = self;
    buffer_printf(&r->trace, "%s\n", line);
}

static struct node_now clocks(const struct replica *r) {
    return (struct node_now){r->now, r->cluster.t0 + r->now};
}

static void found(struct replica *r) {
    static char *everywhere[] = {"*"};
    struct secret_key unused;
    snprintf(r->cluster.name, sizeof r->cluster.name, "unit");
    r->cluster.member_count = 4;
    r->cluster.t0 = 1790000000000;
    r->cluster.knobs = protocol_defaults();
    for (uint8_t i = 0; i < 4; i++)
        keys_of((uint8_t)(MEMBER + i), &r->cluster.members[i].key, &r->secrets[i]);
    r->cluster.operator_count = r->cluster.operators_needed = 1;
    r->cluster.operators[0] = (struct cluster_operator){.name = "admin", .roles = OPERATOR_ADMIN};
    keys_of(ADMIN, &r->cluster.operators[0].key, &unused);
    r->observer = (struct cluster_observer){.name = "eu", .host_count = 1, .hosts = everywhere};
    keys_of(EU, &r->observer.key, &unused);
    r->cluster.observer_count = 1;
    r->cluster.observers = &r->observer;
    cluster_set_id(&r->cluster);
}

/* A member holds nothing that this replica signed before its start. */
static void member_recalls_nothing(struct replica *r, member_id from) {
    struct msg m = {.type = FRAME_RECALLED, .recalled = {.to = SELF, .answer = true}};
    struct seal_context context = {FRAME_RECALLED, r->cluster.id, 0, from};
    struct buffer body = {0}, frame = {0};
    struct admitted *x;
    codec_encode(&body, &m);
    frame_seal(&frame, &context, buffer_bytes(&body), &r->secrets[from]);
    assert_int_equal(admit_peer(&x, &r->admit, buffer_bytes(&frame)), ERR_OK);
    node_receive(r->node, x, clocks(r));
    assert_int_equal(node_flush(r->node), ERR_OK);
    buffer_free(&body);
    buffer_free(&frame);
}

static struct replica *replica_new(void) {
    struct replica *r = xcalloc(1, sizeof *r);
    struct buffer why = {0};
    found(r);
    r->keys = cluster_keyring(&r->cluster);
    r->admit = (struct admit){.keys = r->keys, .self = SELF, .window = r->cluster.knobs.window};
    cluster_verifier(&r->admit.verifier, &r->cluster);
    r->disk = sim_disk_new();
    r->now = 5000;
    struct disk disk = sim_disk_door(r->disk);
    struct node_world world = {.self = r, .send = on_send, .answer = on_answer, .trace = on_trace};
    struct node_config config = {.cluster = &r->cluster, .self = SELF, .secret = r->secrets[SELF], .version = "unit"};
    assert_int_equal(node_open(&r->node, &config, &disk, &world, clocks(r), &why), ERR_OK);
    node_start(r->node, clocks(r));
    assert_int_equal(node_flush(r->node), ERR_OK);
    buffer_free(&why);
    return r;
}

static struct replica *replica_active(void) {
    struct replica *r = replica_new();
    member_recalls_nothing(r, 0);
    member_recalls_nothing(r, 2);
    return r;
}

static void replica_free(struct replica *r) {
    node_free(r->node);
    sim_disk_free(r->disk);
    keyring_free(r->keys);
    buffer_free(&r->trace);
    free(r);
}

static enum error client_sends(struct replica *r, uint64_t client, struct bytes frame) {
    struct admitted *x;
    enum error e = admit_client(&x, &r->admit, frame);
    if (e == ERR_OK) {
        node_client(r->node, client, x, clocks(r));
        assert_int_equal(node_flush(r->node), ERR_OK);
    }
    return e;
}

/* A bundle of `results` results with outputs of `len` bytes, the first of which says `state`. */
static void observes(struct replica *r, struct buffer *out, uint64_t req_seq, unsigned results, size_t len,
                     uint8_t state) {
    struct observation list[OBSERVE_MAX] = {{0}};
    struct request op = {.kind = OP_OBSERVE, .req_seq = req_seq, .observe = {results, list}};
    struct secret_key sk;
    char *text = xcalloc(1, len + 1);
    memset(text, 'x', len);
    for (unsigned i = 0; i < results; i++)
        list[i] = (struct observation){
            .host = "web1", .service = "http", .obs_seq = 100 + i, .output = text, .perfdata = "", .observed_at = 1};
    list[0].state = state;
    keys_of(EU, &op.client, &sk);
    buffer_clear(out);
    request_seal(out, &op, &r->cluster.id, &sk);
    free(text);
}

static void contradict(struct replica *r, unsigned results, size_t len) {
    struct buffer frame = {0};
    observes(r, &frame, 1, results, len, 0);
    assert_int_equal(client_sends(r, 1, buffer_bytes(&frame)), ERR_OK);
    memset(r->counted, 0, sizeof r->counted);
    observes(r, &frame, 1, results, len, 2);
    assert_int_equal(client_sends(r, 2, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
}

static void an_observer_that_contradicts_itself_is_accused(void **state) {
    (void)state;
    struct replica *r = replica_active();
    contradict(r, 2, 1000);
    assert_int_equal(r->counted[FRAME_RELAY], 3); /* the evidence goes to all */
    assert_non_null(strstr(buffer_cstr(&r->trace), "evidence EV12 OBS_EQUIV culprit eu over web1/http"));
    replica_free(r);
}

/* An accusation of replica 2 that waits for ever. */
static struct accusation waiting(const struct replica *r, enum evidence_kind kind) {
    struct accusation a = {.kind = kind, .due = INT64_MAX, .until = INT64_MAX};
    a.finding.culprit.key = r->node->admit.verifier.keys[2];
    a.finding.v = 1;
    return a;
}

static void observers_faults_leave_room_for_members(void **state) {
    (void)state;
    struct replica *r = replica_active();
    struct accuser *x = &r->node->accuser;
    while (x->count < ACCUSATIONS_MAX / 2)
        x->list[x->count++] = waiting(r, EV_BAD_NV);
    contradict(r, 2, 1000);
    assert_int_equal(x->count, ACCUSATIONS_MAX / 2);
    assert_null(strstr(buffer_cstr(&r->trace), "evidence EV12"));
    replica_free(r);
}

static void what_is_known_of_a_sender_is_not_judged_again(void **state) {
    (void)state;
    struct replica *r = replica_active();
    struct accuser *x = &r->node->accuser;
    struct msg m = {.type = FRAME_VIEW_CHANGE, .sender = 2, .view_change = {.v = 1}};
    r->now += 5000;
    node_timeout(r->node, clocks(r));
    x->list[x->count++] = waiting(r, EV_BAD_VC);
    accuse_at_the_door(r->node, EV_BAD_VC, &m);
    assert_int_equal(x->door_at[2], 0);
    accuse_at_the_door(r->node, EV_BAD_NV, &m); /* another kind is */
    assert_true(x->door_at[2] > 0);
    replica_free(r);
}

/* To compare two requests of one client costs the core's time: once a second, whatever it sends. */
static void two_requests_of_a_client_are_compared_once_a_second(void **state) {
    (void)state;
    struct replica *r = replica_active();
    struct public_key key = {{1}};
    r->now += 5000;
    node_timeout(r->node, clocks(r));
    assert_true(accuse_may_look(r->node, &key));
    assert_false(accuse_may_look(r->node, &key));
    for (uint8_t who = 2; who <= ACCUSE_LOOKS_MAX; who++)
        assert_true(accuse_may_look(r->node, &(struct public_key){{who}}));
    assert_false(accuse_may_look(r->node, &(struct public_key){{100}})); /* nor for any number of clients */
    for (unsigned i = 0; i < ACCUSE_LOADS_MAX; i++)
        assert_true(accuse_may_load(r->node));
    assert_false(accuse_may_load(r->node));
    r->now += 1000;
    node_timeout(r->node, clocks(r));
    assert_true(accuse_may_look(r->node, &key));
    assert_true(accuse_may_look(r->node, &(struct public_key){{100}}));
    assert_true(accuse_may_load(r->node));
    contradict(r, 2, 1000);
    assert_non_null(strstr(buffer_cstr(&r->trace), "EV12"));
    assert_false(accuse_may_look(r->node, &r->cluster.observers[0].key)); /* that was its look */
    replica_free(r);
}

/* To stage what is too large, members take turns. */
static void bundles_too_large_for_one_request_are_staged(void **state) {
    (void)state;
    for (unsigned results = 1; results <= 8; results++) {
        struct replica *r = replica_active();
        contradict(r, results, 7800);
        assert_int_equal(r->counted[FRAME_RELAY], results <= 4 ? 3 : 0);
        r->counted[FRAME_RELAY] = 0;
        r->now += 5000;
        node_timeout(r->node, clocks(r));
        assert_int_equal(node_flush(r->node), ERR_OK);
        assert_int_equal(r->blobs, results <= 4 ? 0 : 3); /* the first part, to each of the others */
        assert_int_equal(r->counted[FRAME_REFUSAL], 1);   /* the second content is not taken */
        replica_free(r);
    }
}

/* The last size at which two frames fit into one request, and the first at which they don't. */
static void evidence_fits_to_the_byte(void **state) {
    (void)state;
    bool was_told = true;
    for (size_t len = 7900; len < 8192; len += 4) {
        struct replica *r = replica_active();
        contradict(r, 4, len);
        bool told = r->counted[FRAME_RELAY] == 3;
        assert_true(was_told || !told);
        was_told = told;
        replica_free(r);
    }
    assert_false(was_told);
}

static void nothing_is_signed_before_the_others_answered(void **state) {
    (void)state;
    struct replica *r = replica_new();
    contradict(r, 2, 1000);
    for (unsigned i = 0; i < 20; i++) {
        r->now += 250;
        node_timeout(r->node, clocks(r));
        assert_int_equal(node_flush(r->node), ERR_OK);
    }
    assert_true(r->counted[FRAME_RECALL] >= 3 * 15);
    for (unsigned type = 1; type < FRAME_FETCH_ALERTS; type++)
        if (type != FRAME_RECALL && type != FRAME_STATUS)
            assert_int_equal(r->counted[type], 0);
    member_recalls_nothing(r, 0);
    member_recalls_nothing(r, 2);
    r->now += 1000;
    node_timeout(r->node, clocks(r));
    assert_int_equal(node_flush(r->node), ERR_OK);
    assert_true(r->counted[FRAME_RELAY] > 0); /* its tick */
    replica_free(r);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_observer_that_contradicts_itself_is_accused),
        cmocka_unit_test(observers_faults_leave_room_for_members),
        cmocka_unit_test(what_is_known_of_a_sender_is_not_judged_again),
        cmocka_unit_test(two_requests_of_a_client_are_compared_once_a_second),
        cmocka_unit_test(nothing_is_signed_before_the_others_answered),
        cmocka_unit_test(bundles_too_large_for_one_request_are_staged),
        cmocka_unit_test(evidence_fits_to_the_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
