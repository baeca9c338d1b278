/* Certificates: f+1 right receipts prove an output, and any wrong part refuses the whole. */
#include "crypto/receipt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

enum { OUTPUTS = 5, PLACE = 3 };
static const char *const outputs[OUTPUTS] = {"zero", "one", "two", "three", "four"};

struct scene {
    struct verifier v;
    struct secret_key sk[MEMBERS_MAX];
    struct certificate c; /* of outputs[PLACE], by members 0..f */
};

static void scene_sign(struct scene *s, unsigned slot, member_id replica) {
    receipt_sign(&s->c.receipts[slot], &s->v.cluster, s->v.epoch, replica, &s->c.body, &s->sk[replica]);
}

static struct scene scene_make(unsigned members) {
    struct scene s = {.v = {.cluster = {{7}}, .epoch = 3, .members = members}};
    struct digest leaves[OUTPUTS];
    for (unsigned i = 0; i < members; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(i + 1)};
        crypto_keypair_from_seed(&s.v.keys[i], &s.sk[i], seed);
    }
    for (unsigned i = 0; i < OUTPUTS; i++) {
        leaves[i] = merkle_leaf(bytes_of_text(outputs[i]));
    }
    s.c = (struct certificate){.epoch = 3, .index = PLACE, .count = OUTPUTS};
    s.c.body = (struct receipt_body){.n = 42, .log_hash = {{9}}, .t = 1769601600123};
    s.c.body.output_root = merkle_root(leaves, OUTPUTS);
    s.c.path_len = merkle_path(s.c.path, leaves, OUTPUTS, PLACE);
    s.c.receipts_len = quorum_weak(members);
    for (unsigned i = 0; i < s.c.receipts_len; i++) {
        scene_sign(&s, i, (member_id)i);
    }
    return s;
}

static void expect(const struct scene *s, enum error want, member_id want_culprit) {
    member_id culprit = 99;
    assert_int_equal(certificate_verify(&s->v, &s->c, bytes_of_text(outputs[PLACE]), &culprit), want);
    assert_int_equal(culprit, want_culprit);
    assert_int_equal(certificate_verify(&s->v, &s->c, bytes_of_text(outputs[PLACE]), NULL), want);
}

static void weak_quorum_of_receipts_proves_an_output(void **state) {
    (void)state;
    static const unsigned sizes[] = {4, 5, 7, 10, 13};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct scene s = scene_make(sizes[i]);
        expect(&s, ERR_OK, MEMBER_NONE);
    }
}

static void more_receipts_than_needed_are_welcome_if_all_are_right(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    s.c.receipts_len = 4;
    for (unsigned i = 0; i < 4; i++) {
        scene_sign(&s, i, (member_id)i);
    }
    expect(&s, ERR_OK, MEMBER_NONE);
    s.c.receipts[3].sig.b[0] ^= 1; /* though the others would do */
    expect(&s, ERR_BAD_SIGNATURE, 3);
}

static void too_few_receipts_prove_nothing(void **state) {
    (void)state;
    struct scene s = scene_make(7);
    s.c.receipts_len--;
    expect(&s, ERR_TOO_FEW_SIGNATURES, MEMBER_NONE);
    s.c.receipts_len = 0;
    expect(&s, ERR_TOO_FEW_SIGNATURES, MEMBER_NONE);
    s.c.receipts_len = MEMBERS_MAX + 1;
    expect(&s, ERR_OUT_OF_RANGE, MEMBER_NONE);
}

static void one_member_counts_once(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    s.c.receipts[1] = s.c.receipts[0];
    expect(&s, ERR_NOT_CANONICAL, MEMBER_NONE);
}

static void receipts_are_sorted(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    struct receipt_signature first = s.c.receipts[0];
    s.c.receipts[0] = s.c.receipts[1];
    s.c.receipts[1] = first;
    expect(&s, ERR_NOT_CANONICAL, MEMBER_NONE);
}

static void strangers_do_not_count(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    s.c.receipts[1].replica = 4;
    expect(&s, ERR_NOT_A_MEMBER, MEMBER_NONE);
    s.c.receipts[1].replica = MEMBER_NONE;
    expect(&s, ERR_NOT_A_MEMBER, MEMBER_NONE);
}

static void signature_of_another_member_is_named(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    s.c.receipts[1].replica = 2; /* signed by 1 */
    expect(&s, ERR_BAD_SIGNATURE, 2);
}

static void every_field_of_the_body_is_signed(void **state) {
    (void)state;
    struct scene s = scene_make(4), bent = s;
    bent.c.body.n++;
    expect(&bent, ERR_BAD_SIGNATURE, 0);
    bent = s;
    bent.c.body.t--;
    expect(&bent, ERR_BAD_SIGNATURE, 0);
    bent = s;
    bent.c.body.log_hash.b[31] ^= 1;
    expect(&bent, ERR_BAD_SIGNATURE, 0);
    bent = s;
    bent.c.body.output_root.b[0] ^= 1;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
}

static void place_and_path_are_proven(void **state) {
    (void)state;
    struct scene s = scene_make(4), bent = s;
    bent.c.index = 2;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
    bent = s;
    bent.c.count = 4;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
    bent = s;
    bent.c.path[0].b[0] ^= 1;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
    bent = s;
    bent.c.path_len--;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
    bent = s;
    bent.c.path_len = UINT32_MAX;
    expect(&bent, ERR_BAD_PROOF, MEMBER_NONE);
    assert_int_equal(certificate_verify(&s.v, &s.c, bytes_of_text("Three"), NULL), ERR_BAD_PROOF);
}

static void epoch_and_cluster_bind(void **state) {
    (void)state;
    struct scene s = scene_make(4), bent = s;
    bent.c.epoch = 2;
    expect(&bent, ERR_WRONG_EPOCH, MEMBER_NONE);
    bent = s;
    bent.v.epoch = bent.c.epoch = 2; /* replayed into another epoch */
    expect(&bent, ERR_BAD_SIGNATURE, 0);
    bent = s;
    bent.v.cluster.b[3] = 1;
    expect(&bent, ERR_BAD_SIGNATURE, 0);
}

static void receipt_of_a_stranger_is_false_not_a_crash(void **state) {
    (void)state;
    struct scene s = scene_make(4);
    assert_true(receipt_verify(&s.v, &s.c.body, &s.c.receipts[1]));
    s.c.receipts[1].replica = 13;
    assert_false(receipt_verify(&s.v, &s.c.body, &s.c.receipts[1]));
}

static void body_has_fixed_bytes_and_comes_back(void **state) {
    (void)state;
    struct receipt_body body = {.n = 0x0102030405060708, .output_root = {{0xaa}}, .log_hash = {{0xbb}}, .t = -2}, back;
    uint8_t bytes[RECEIPT_BODY_LEN];
    receipt_encode(bytes, &body);
    assert_memory_equal(bytes, "\1\2\3\4\5\6\7\x8\xaa\0", 10);
    assert_int_equal(bytes[40], 0xbb);
    assert_memory_equal(bytes + 72, "\xff\xff\xff\xff\xff\xff\xff\xfe", 8);
    receipt_decode(&back, bytes);
    assert_true(receipt_body_equal(&body, &back));
    back.t++;
    assert_false(receipt_body_equal(&body, &back));
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weak_quorum_of_receipts_proves_an_output),
        cmocka_unit_test(more_receipts_than_needed_are_welcome_if_all_are_right),
        cmocka_unit_test(too_few_receipts_prove_nothing),
        cmocka_unit_test(one_member_counts_once),
        cmocka_unit_test(receipts_are_sorted),
        cmocka_unit_test(strangers_do_not_count),
        cmocka_unit_test(signature_of_another_member_is_named),
        cmocka_unit_test(every_field_of_the_body_is_signed),
        cmocka_unit_test(place_and_path_are_proven),
        cmocka_unit_test(epoch_and_cluster_bind),
        cmocka_unit_test(receipt_of_a_stranger_is_false_not_a_crash),
        cmocka_unit_test(body_has_fixed_bytes_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
