/* The rules of gathering: F = f+1 receipts over one root make an output believable, and nothing else does. */
#include "client/session.h"
#include "tests/unit/proofs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static const uint8_t leaf_bytes[] = "an output";
static const uint8_t other_bytes[] = "another output";
#define LEAF bytes_of(leaf_bytes, sizeof leaf_bytes)
#define OTHER bytes_of(other_bytes, sizeof other_bytes)
#define BOTH(a, b) ((member_set)(set_of(a) | set_of(b)))

static int setup(void **state) {
    struct verifier v = sample_verifier();
    *state = gather_new(&v);
    return 0;
}

static int teardown(void **state) {
    gather_free(*state);
    return 0;
}

static enum error add(struct gather *g, member_id from, struct output o) {
    member_id culprit = 99;
    enum error e = gather_add(g, from, &o, &culprit);
    assert_int_equal(culprit, e == ERR_OK ? MEMBER_NONE : from);
    return e;
}

static void two_equal_receipts_of_two_members_prove_an_output(void **state) {
    struct gather *g = *state;
    assert_int_equal(add(g, 2, proof_output(LEAF, 5, 1, 0, set_of(2))), ERR_OK);
    assert_null(gather_proven(g));
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, set_of(0))), ERR_OK);
    const struct output *o = gather_proven(g);
    assert_non_null(o);
    assert_true(bytes_equal(o->leaf, LEAF));
    assert_int_equal(o->cert.receipts_len, 2);
    assert_int_equal(o->cert.receipts[0].replica, 0);
    assert_int_equal(o->cert.receipts[1].replica, 2);
    struct verifier v = sample_verifier();
    assert_int_equal(certificate_verify(&v, &o->cert, o->leaf, NULL), ERR_OK);
}

static void one_member_that_holds_enough_receipts_suffices(void **state) {
    struct gather *g = *state;
    assert_int_equal(add(g, 3, proof_output(LEAF, 5, 1, 0, 0xf)), ERR_OK);
    assert_int_equal(gather_proven(g)->cert.receipts_len, 2);
}

static void a_repeated_receipt_of_one_member_counts_once(void **state) {
    struct gather *g = *state;
    for (member_id from = 0; from < SAMPLE_MEMBERS; from++) {
        assert_int_equal(add(g, from, proof_output(LEAF, 5, 1, 0, set_of(1))), ERR_OK);
    }
    assert_null(gather_proven(g));
    struct output twice = proof_output(LEAF, 5, 1, 0, set_of(1));
    twice.cert.receipts[twice.cert.receipts_len++] = twice.cert.receipts[0];
    assert_int_equal(add(g, 1, twice), ERR_NOT_CANONICAL);
    assert_null(gather_proven(g));
}

static void receipts_over_different_roots_are_never_added_up(void **state) {
    struct gather *g = *state;
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, set_of(0))), ERR_OK);
    assert_int_equal(add(g, 1, proof_output(LEAF, 5, 1, 9, set_of(1))), ERR_OK);
    assert_int_equal(add(g, 2, proof_output(LEAF, 6, 1, 0, set_of(2))), ERR_OK);
    assert_int_equal(add(g, 3, proof_output(LEAF, 5, 2, 0, set_of(3))), ERR_OK);
    assert_null(gather_proven(g));
}

static void a_member_that_signed_another_root_for_the_batch_is_named(void **state) {
    struct gather *g = *state;
    assert_int_equal(add(g, 3, proof_output(OTHER, 5, 1, 0, set_of(3))), ERR_OK);
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, BOTH(0, 1))), ERR_OK);
    assert_int_equal(gather_contradicted(g), set_of(3));
    assert_int_equal(gather_mistaken(g), set_of(3));
}

static void an_output_of_another_batch_is_a_mistake_but_no_contradiction(void **state) {
    struct gather *g = *state;
    assert_int_equal(add(g, 2, proof_output(LEAF, 6, 1, 0, set_of(2))), ERR_OK);
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, BOTH(0, 1))), ERR_OK);
    assert_int_equal(gather_contradicted(g), 0);
    assert_int_equal(gather_mistaken(g), set_of(2));
}

static void forged_parts_refuse_the_whole_output(void **state) {
    struct gather *g = *state;
    struct output o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.cert.receipts[1].sig.b[5] ^= 1;
    assert_int_equal(add(g, 0, o), ERR_BAD_SIGNATURE);
    o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.cert.receipts[1].replica = 2;
    assert_int_equal(add(g, 0, o), ERR_BAD_SIGNATURE);
    o.cert.receipts[1].replica = SAMPLE_MEMBERS;
    assert_int_equal(add(g, 0, o), ERR_NOT_A_MEMBER);
    o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.cert.path[0].b[0] ^= 1;
    assert_int_equal(add(g, 0, o), ERR_BAD_PROOF);
    o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.leaf = OTHER;
    assert_int_equal(add(g, 0, o), ERR_BAD_PROOF);
    o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.cert.body.t++;
    assert_int_equal(add(g, 0, o), ERR_BAD_SIGNATURE);
    o = proof_output(LEAF, 5, 1, 0, BOTH(0, 1));
    o.cert.epoch = 1;
    assert_int_equal(add(g, 0, o), ERR_WRONG_EPOCH);
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, 0)), ERR_TOO_FEW_SIGNATURES);
    assert_null(gather_proven(g));
}

static void a_liar_fills_only_its_own_room(void **state) {
    struct gather *g = *state;
    for (uint8_t salt = 1; salt <= GATHER_OFFERS_MAX; salt++) {
        assert_int_equal(add(g, 3, proof_output(LEAF, 5, 1, salt, set_of(3))), ERR_OK);
    }
    assert_int_equal(add(g, 3, proof_output(LEAF, 5, 1, 99, set_of(3))), ERR_TOO_MANY);
    assert_int_equal(add(g, 0, proof_output(LEAF, 5, 1, 0, set_of(0))), ERR_OK);
    assert_int_equal(add(g, 1, proof_output(LEAF, 5, 1, 0, set_of(1))), ERR_OK);
    assert_non_null(gather_proven(g));
    assert_int_equal(gather_contradicted(g), set_of(3));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        TEST(two_equal_receipts_of_two_members_prove_an_output),
        TEST(one_member_that_holds_enough_receipts_suffices),
        TEST(a_repeated_receipt_of_one_member_counts_once),
        TEST(receipts_over_different_roots_are_never_added_up),
        TEST(a_member_that_signed_another_root_for_the_batch_is_named),
        TEST(an_output_of_another_batch_is_a_mistake_but_no_contradiction),
        TEST(forged_parts_refuse_the_whole_output),
        TEST(a_liar_fills_only_its_own_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
