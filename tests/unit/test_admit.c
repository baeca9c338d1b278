/* The doors of a replica: what is valid to the last inner signature passes, and every refusal is reached and named, the
   cheap ones before the dear ones. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "replica/admit.h"
#include "samples.h"

enum { SELF = 3, SELF_ELSEWHERE = 2 }; /* some samples are sent by member 3, some by member 2 */

static struct keyring *keys;

static struct admit replica(member_id self) {
    return (struct admit){.verifier = sample_verifier(), .keys = keys, .self = self, .window = 256};
}

static enum error at_peer_door(struct buffer *raw) {
    struct admit a = replica(SELF);
    struct admitted *x;
    enum error e = admit_peer(&x, &a, buffer_bytes(raw));
    assert_int_equal(e == ERR_OK || (x && x->accuses), x != NULL);
    assert_true(!x || !x->accuses || e == ERR_BAD_PROOF);
    admitted_free(x);
    return e;
}

static enum error at_client_door(struct buffer *raw) {
    struct admit a = replica(SELF);
    struct admitted *x;
    enum error e = admit_client(&x, &a, buffer_bytes(raw));
    assert_int_equal(e == ERR_OK, x != NULL);
    admitted_free(x);
    return e;
}

static enum error as_request(struct buffer *raw) {
    struct admit a = replica(SELF);
    struct request *r;
    enum error e = admit_request(&r, &a, buffer_bytes(raw));
    assert_int_equal(e == ERR_OK, r != NULL);
    request_free(r);
    return e;
}

/* Takes a sample apart, lets `spoil` change the message, and seals it again as its sender. */
static void resealed(struct buffer *out, void (*make)(struct buffer *), void (*spoil)(struct msg *)) {
    struct buffer raw = {0};
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    make(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    spoil(&m);
    sample_seal(out, &m);
    arena_free(&arena);
    buffer_free(&raw);
}

static enum error spoiled(void (*make)(struct buffer *), void (*spoil)(struct msg *)) {
    struct buffer raw = {0};
    resealed(&raw, make, spoil);
    enum error e = at_peer_door(&raw);
    buffer_free(&raw);
    return e;
}

/* --- what passes --- */

static bool peer_frame(const struct frame *f) {
    return f->type >= FRAME_RELAY && f->type <= FRAME_ST_DATA;
}

static void every_valid_frame_of_a_member_passes(void **state) {
    (void)state;
    unsigned passed = 0;
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer raw = {0};
        struct frame f;
        if (samples[i].kind != SAMPLE_FRAME) {
            continue;
        }
        samples[i].make(&raw);
        assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
        struct admit a = replica(f.sender == SELF ? SELF_ELSEWHERE : SELF);
        struct admitted *x;
        enum error e = admit_peer(&x, &a, buffer_bytes(&raw));
        bool taken = peer_frame(&f) && strcmp(samples[i].name, "cert-new-view") != 0;
        if (e != (taken ? ERR_OK : ERR_BAD_TYPE)) {
            fail_msg("%s: %s", samples[i].name, error_name(e));
        }
        passed += e == ERR_OK;
        admitted_free(x);
        buffer_free(&raw);
    }
    assert_int_equal(passed, 24);
}

static void every_valid_request_passes(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer raw = {0};
        if (samples[i].kind != SAMPLE_REQUEST) {
            continue;
        }
        samples[i].make(&raw);
        assert_int_equal(as_request(&raw), ERR_OK);
        assert_int_equal(at_client_door(&raw), ERR_OK);
        buffer_free(&raw);
    }
}

static void an_admitted_frame_owns_its_bytes(void **state) {
    (void)state;
    struct admit a = replica(SELF);
    struct buffer raw = {0};
    struct admitted *x;
    sample_data(&raw);
    assert_int_equal(admit_peer(&x, &a, buffer_bytes(&raw)), ERR_OK);
    memset(raw.data, 0xee, raw.len);
    assert_int_equal(x->msg.type, FRAME_DATA);
    assert_int_equal(x->request_count, 2);
    assert_int_equal(x->requests[0]->kind, OP_OBSERVE);
    assert_int_equal(x->requests[1]->kind, OP_TICK);
    assert_int_equal(x->msg.data.batch_count, 1);
    request_free(x->requests[0]); /* a node takes one out */
    x->requests[0] = NULL;
    admitted_free(x);
    buffer_free(&raw);
}

static void clients_may_ask_for_alerts_and_status(void **state) {
    (void)state;
    struct buffer raw = {0};
    sample_fetch_alerts(&raw);
    assert_int_equal(at_client_door(&raw), ERR_OK);
    buffer_clear(&raw);
    sample_fetch_status(&raw);
    assert_int_equal(at_client_door(&raw), ERR_OK);
    buffer_free(&raw);
}

/* --- the envelope --- */

static void each_door_has_its_types(void **state) {
    (void)state;
    static void (*const only_clients[])(struct buffer *) = {sample_observe, sample_fetch_alerts, sample_fetch_status};
    static void (*const only_peers[])(struct buffer *) = {sample_relay, sample_status, sample_receipt};
    static void (*const nobody[])(struct buffer *) = {sample_outputs, sample_refusal};
    for (unsigned i = 0; i < 3; i++) {
        struct buffer client = {0}, peer = {0};
        only_clients[i](&client);
        only_peers[i](&peer);
        assert_int_equal(at_peer_door(&client), ERR_BAD_TYPE);
        assert_int_equal(at_client_door(&peer), ERR_BAD_TYPE);
        assert_int_equal(as_request(&peer), ERR_BAD_TYPE);
        buffer_free(&client);
        buffer_free(&peer);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct buffer raw = {0};
        nobody[i](&raw);
        assert_int_equal(at_peer_door(&raw), ERR_BAD_TYPE);
        assert_int_equal(at_client_door(&raw), ERR_BAD_TYPE);
        buffer_free(&raw);
    }
}

/* Each change is made to a valid frame whose signature it also breaks: the named refusal comes before signature work.
 */
static void the_envelope_is_judged_before_the_signature(void **state) {
    (void)state;
    struct buffer raw = {0};
    sample_prepare(&raw);
    const struct {
        size_t at;
        uint8_t value;
        enum error expected;
    } cases[] = {
        {0, 'X', ERR_BAD_MAGIC},
        {2, 9, ERR_BAD_VERSION},
        {3, 200, ERR_BAD_TYPE},
        {4, 0, ERR_FOREIGN_CLUSTER},
        {23, 1, ERR_WRONG_EPOCH},
        {25, 4, ERR_NOT_A_MEMBER},
        {25, SELF, ERR_REFLECTED},
        {25, 1, ERR_BAD_SIGNATURE},
        {26, 1, ERR_OVERSIZED},
        {29, VOTE_BODY_LEN - 1, ERR_TRAILING},
        {FRAME_HEADER_LEN, 0xff, ERR_OUT_OF_RANGE}, /* the view */
        {FRAME_HEADER_LEN + VOTE_BODY_LEN - 1, 1, ERR_BAD_SIGNATURE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t kept = raw.data[cases[i].at];
        raw.data[cases[i].at] = cases[i].value;
        assert_int_equal(at_peer_door(&raw), cases[i].expected);
        raw.data[cases[i].at] = kept;
    }
    raw.len--;
    assert_int_equal(at_peer_door(&raw), ERR_TRUNCATED);
    raw.len++;
    assert_int_equal(at_peer_door(&raw), ERR_OK);
    buffer_free(&raw);
}

static void clients_of_another_cluster_are_foreign(void **state) {
    (void)state;
    static void (*const asked[])(struct buffer *) = {sample_observe, sample_fetch_alerts, sample_fetch_status};
    for (unsigned i = 0; i < 3; i++) {
        struct buffer raw = {0};
        asked[i](&raw);
        raw.data[4] ^= 1;
        assert_int_equal(at_client_door(&raw), ERR_FOREIGN_CLUSTER);
        buffer_free(&raw);
    }
}

/* --- requests --- */

static void an_unknown_key_is_refused_before_anything_is_decoded(void **state) {
    (void)state;
    struct buffer raw = {0}, body = {0};
    struct sample_key stranger = sample_key(0x77);
    struct seal_context context = sample_context(FRAME_REQUEST, MEMBER_NONE);
    buffer_put(&body, stranger.pk.b, sizeof stranger.pk.b);
    buffer_text(&body, "not an operation");
    frame_seal(&raw, &context, buffer_bytes(&body), &stranger.sk);
    assert_int_equal(as_request(&raw), ERR_UNKNOWN_KEY);
    assert_int_equal(at_client_door(&raw), ERR_UNKNOWN_KEY);
    raw.data[FRAME_HEADER_LEN + PUBLIC_KEY_LEN - 1] ^= 1;
    assert_int_equal(as_request(&raw), ERR_UNKNOWN_KEY);
    buffer_clear(&raw);
    frame_seal(&raw, &context, bytes_of(body.data, PUBLIC_KEY_LEN - 1), &stranger.sk);
    assert_int_equal(as_request(&raw), ERR_MALFORMED);
    buffer_free(&raw);
    buffer_free(&body);
}

static void a_request_is_signed_by_the_key_it_names(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct cluster_id cluster = sample_cluster();
    struct sample_key other = sample_operator();
    struct request r = {.client = sample_client().pk, .req_seq = 1, .kind = OP_TICK, .tick = {1, 1, 1, 0, true}};
    request_seal(&raw, &r, &cluster, &other.sk);
    assert_int_equal(as_request(&raw), ERR_BAD_SIGNATURE);
    assert_int_equal(at_client_door(&raw), ERR_BAD_SIGNATURE);
    buffer_free(&raw);
}

static void a_malformed_request_is_refused_before_its_signature(void **state) {
    (void)state;
    struct buffer raw = {0};
    sample_observe(&raw);
    raw.data[FRAME_HEADER_LEN + PUBLIC_KEY_LEN + 8] = 0xff;
    assert_int_equal(as_request(&raw), ERR_MALFORMED);
    buffer_free(&raw);
}

/* --- requests inside --- */

static void a_relay_stands_or_falls_with_its_request(void **state) {
    (void)state;
    struct buffer request = {0}, raw = {0};
    sample_observe(&request);
    request.data[request.len - 1] ^= 1;
    struct msg m = {.type = FRAME_RELAY, .sender = 1, .relay = {buffer_bytes(&request)}};
    sample_seal(&raw, &m);
    assert_int_equal(at_peer_door(&raw), ERR_BAD_SIGNATURE);
    buffer_free(&request);
    buffer_free(&raw);
}

static void data_loses_its_bad_requests_only(void **state) {
    (void)state;
    struct buffer good = {0}, bad = {0}, raw = {0};
    struct admit a = replica(SELF);
    struct admitted *x;
    sample_observe(&bad);
    bad.data[bad.len - 1] ^= 1;
    sample_tick(&good);
    struct bytes list[] = {buffer_bytes(&bad), buffer_bytes(&good), bytes_of("?", 1)};
    struct msg m = {.type = FRAME_DATA, .sender = 1, .data = {3, list, 0, NULL}};
    sample_seal(&raw, &m);
    assert_int_equal(admit_peer(&x, &a, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(x->request_count, 1);
    assert_int_equal(x->requests[0]->kind, OP_TICK);
    assert_int_equal(x->msg.data.request_count, 1);
    assert_true(bytes_equal(x->msg.data.requests[0], buffer_bytes(&good)));
    admitted_free(x);
    buffer_free(&good);
    buffer_free(&bad);
    buffer_free(&raw);
}

static enum error evidence_of(struct buffer *first, struct buffer *second) {
    struct buffer raw = {0};
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = EV_OBS_EQUIV, .count = 2}};
    r.evidence.frames[0] = buffer_bytes(first);
    r.evidence.frames[1] = buffer_bytes(second);
    sample_request(&raw, &r, sample_member(1), 9);
    enum error e = as_request(&raw);
    buffer_free(&raw);
    return e;
}

static void evidence_proves_itself_or_is_refused(void **state) {
    (void)state;
    struct buffer one = {0}, two = {0}, tick = {0}, other = {0}, wish = {0}, forged = {0};
    struct observation o = {"h", "", 1, 0, "", "", 0};
    struct request by_operator = {.kind = OP_OBSERVE, .observe = {1, &o}};
    sample_observe(&one);
    sample_observe_output(&two, 8, "OK");
    sample_observe_output(&forged, 8, "OK");
    forged.data[forged.len - 1] ^= 1;
    sample_tick(&tick);
    sample_wish(&wish);
    sample_request(&other, &by_operator, sample_operator(), 1);
    assert_int_equal(evidence_of(&one, &two), ERR_OK);
    assert_int_equal(evidence_of(&one, &forged), ERR_BAD_PROOF);
    assert_int_equal(evidence_of(&forged, &one), ERR_BAD_PROOF);
    assert_int_equal(evidence_of(&tick, &tick), ERR_BAD_PROOF); /* no OBSERVE */
    assert_int_equal(evidence_of(&one, &other), ERR_BAD_PROOF); /* two clients */
    assert_int_equal(evidence_of(&one, &wish), ERR_BAD_PROOF);  /* no REQUEST */
    struct buffer *all[] = {&one, &two, &tick, &other, &wish, &forged};
    for (unsigned i = 0; i < 6; i++) {
        buffer_free(all[i]);
    }
}

/* --- batches and proofs inside --- */

static void another_batch(struct msg *m) {
    m->pre_prepare.statement.d.b[0] ^= 1;
}
static void other_decided(struct msg *m) {
    m->decision.statement.d.b[0] ^= 1;
}
static void too_few_commits(struct msg *m) {
    m->decision.count = SAMPLE_QUORUM - 1;
}
static void forged_commit(struct msg *m) {
    m->decision.commits[1].sig.b[0] ^= 1;
}

static void a_batch_is_the_one_its_header_names(void **state) {
    (void)state;
    assert_int_equal(spoiled(sample_pre_prepare, another_batch), ERR_MISMATCH);
    assert_int_equal(spoiled(sample_decision, other_decided), ERR_MISMATCH);
}

static void a_decision_needs_its_quorum(void **state) {
    (void)state;
    assert_int_not_equal(spoiled(sample_decision, too_few_commits), ERR_OK);
    assert_int_not_equal(spoiled(sample_decision, forged_commit), ERR_OK);
}

static void forged_checkpoint(struct msg *m) {
    m->view_change.c.sigs[0].sig.b[0] ^= 1;
}
static void forged_prepare(struct msg *m) {
    struct prepared_entry *p = (struct prepared_entry *)(uintptr_t)&m->view_change.p[0];
    p->prepares[0].sig.b[0] ^= 1;
}
static void forged_primary(struct msg *m) {
    struct prepared_entry *p = (struct prepared_entry *)(uintptr_t)&m->view_change.p[0];
    p->pp_sig.b[0] ^= 1;
}

static void a_view_change_proves_what_it_says(void **state) {
    (void)state;
    assert_int_not_equal(spoiled(sample_view_change, forged_checkpoint), ERR_OK);
    assert_int_not_equal(spoiled(sample_view_change, forged_prepare), ERR_OK);
    assert_int_not_equal(spoiled(sample_view_change, forged_primary), ERR_OK);
}

static void forged_slot(struct msg *m) {
    struct new_view_slot *slot = (struct new_view_slot *)(uintptr_t)&m->new_view.slots[0];
    slot->pp_sig.b[0] ^= 1;
}
static void by_no_primary(struct msg *m) {
    m->sender = 2;
}

static void a_new_view_proves_what_it_says(void **state) {
    (void)state;
    assert_int_not_equal(spoiled(sample_new_view, forged_slot), ERR_OK);
    assert_int_not_equal(spoiled(sample_new_view, by_no_primary), ERR_OK);
}

static enum error cert_of(struct buffer *new_view) {
    struct buffer raw = {0};
    struct msg m = {.type = FRAME_CERT, .sender = 2};
    m.cert = (struct msg_cert){.kind = CERT_NEW_VIEW, .new_view = buffer_bytes(new_view)};
    sample_seal(&raw, &m);
    enum error e = at_peer_door(&raw);
    buffer_free(&raw);
    return e;
}

static void forged_cert(struct msg *m) {
    m->cert.checkpoint.sigs[2].sig.b[0] ^= 1;
}
static void cert_from_elsewhere(struct msg *m) {
    m->sender = 2;
}
static void forged_cert_from_elsewhere(struct msg *m) {
    forged_cert(m);
    cert_from_elsewhere(m);
}

static void forged_meta(struct msg *m) {
    m->st_data.cert.sigs[1].sig.b[3] ^= 1;
}

static void an_image_is_offered_with_a_quorum_behind_it(void **state) {
    (void)state;
    assert_int_equal(spoiled(sample_st_meta, forged_meta), ERR_BAD_PROOF);
}

static void a_cert_proves_itself_whoever_sends_it(void **state) {
    (void)state;
    assert_int_equal(spoiled(sample_cert_checkpoint, cert_from_elsewhere), ERR_OK);
    assert_int_not_equal(spoiled(sample_cert_checkpoint, forged_cert_from_elsewhere), ERR_OK);
    struct buffer frame = {0};
    sample_new_view(&frame); /* it travels as its own frame: not even looked at */
    assert_int_equal(cert_of(&frame), ERR_BAD_TYPE);
    buffer_clear(&frame);
    resealed(&frame, sample_new_view, forged_slot);
    assert_int_equal(cert_of(&frame), ERR_BAD_TYPE);
    buffer_free(&frame);
}

static int start(void **state) {
    (void)state;
    crypto_start();
    keys = sample_keyring();
    return 0;
}

static int stop(void **state) {
    (void)state;
    keyring_free(keys);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_frame_of_a_member_passes),
        cmocka_unit_test(every_valid_request_passes),
        cmocka_unit_test(an_admitted_frame_owns_its_bytes),
        cmocka_unit_test(clients_may_ask_for_alerts_and_status),
        cmocka_unit_test(each_door_has_its_types),
        cmocka_unit_test(the_envelope_is_judged_before_the_signature),
        cmocka_unit_test(clients_of_another_cluster_are_foreign),
        cmocka_unit_test(an_unknown_key_is_refused_before_anything_is_decoded),
        cmocka_unit_test(a_request_is_signed_by_the_key_it_names),
        cmocka_unit_test(a_malformed_request_is_refused_before_its_signature),
        cmocka_unit_test(a_relay_stands_or_falls_with_its_request),
        cmocka_unit_test(data_loses_its_bad_requests_only),
        cmocka_unit_test(evidence_proves_itself_or_is_refused),
        cmocka_unit_test(a_batch_is_the_one_its_header_names),
        cmocka_unit_test(a_decision_needs_its_quorum),
        cmocka_unit_test(a_view_change_proves_what_it_says),
        cmocka_unit_test(a_new_view_proves_what_it_says),
        cmocka_unit_test(a_cert_proves_itself_whoever_sends_it),
        cmocka_unit_test(an_image_is_offered_with_a_quorum_behind_it),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
