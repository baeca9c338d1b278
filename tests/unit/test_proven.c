/* What was proven is not proven again: a resent VIEW-CHANGE or NEW-VIEW costs a digest, not hundreds of signatures. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "replica/admit.h"
#include "samples.h"

static struct admit replica(struct keyring *keys) {
    return (struct admit){.verifier = sample_verifier(), .keys = keys, .self = 3, .window = 256};
}

static enum error admitted_by(const struct admit *a, struct bytes raw) {
    struct admitted *x;
    enum error e = admit_peer(&x, a, raw);
    admitted_free(x);
    return e;
}

/* With another key for a member whose signature is only inside, its proof would fail: so it was not looked at. */
static void a_repeated_proof_costs_no_verification(void **state) {
    (void)state;
    void (*const makes[])(struct buffer *) = {sample_view_change, sample_new_view};
    for (unsigned i = 0; i < 2; i++) {
        struct buffer raw = {0};
        struct keyring *keys = sample_keyring();
        struct admit a = replica(keys);
        a.proven = proven_new();
        makes[i](&raw);
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_OK);
        a.verifier.keys[0] = a.verifier.keys[3];
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_OK);
        proven_free(a.proven);
        a.proven = proven_new();
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_BAD_PROOF);
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_BAD_PROOF); /* a failure is not remembered */
        a.verifier = sample_verifier();
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_OK);
        raw.data[raw.len - 1] ^= 1; /* the frame's own signature is looked at each time */
        assert_int_equal(admitted_by(&a, buffer_bytes(&raw)), ERR_BAD_SIGNATURE);
        proven_free(a.proven);
        keyring_free(keys);
        buffer_free(&raw);
    }
}

static void each_sender_crowds_out_its_own_proofs_only(void **state) {
    (void)state;
    struct proven *p = proven_new();
    struct digest first = sample_digest(1);
    proven_add(p, 0, &first);
    proven_add(p, 1, &first);
    for (uint8_t i = 0; i < PROVEN_KEPT; i++) {
        struct digest d = sample_digest((uint8_t)(0x40 + i));
        assert_true(proven_has(p, 1, &first));
        proven_add(p, 1, &d);
        proven_add(p, 1, &d); /* once is enough */
        assert_true(proven_has(p, 1, &d));
        assert_false(proven_has(p, 0, &d));
    }
    assert_false(proven_has(p, 1, &first));
    assert_true(proven_has(p, 0, &first));
    proven_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeated_proof_costs_no_verification),
        cmocka_unit_test(each_sender_crowds_out_its_own_proofs_only),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
