/* Digests, signatures, seals and the keyring: separated by purpose, refused when anything is changed. */
#include "base/bytes.h"
#include "crypto/keyring.h"
#include "crypto/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static struct secret_key make_key(struct public_key *pk, uint8_t n) {
    uint8_t seed[SECRET_SEED_LEN];
    struct secret_key sk;
    memset(seed, n, sizeof seed);
    crypto_keypair_from_seed(pk, &sk, seed);
    return sk;
}

static void digests_differ_by_domain(void **state) {
    (void)state;
    struct digest d[DIGEST_NULL + 1];
    for (unsigned i = DIGEST_REQUEST; i <= DIGEST_NULL; i++) {
        d[i] = crypto_digest((enum digest_domain)i, bytes_of_text("same"));
        for (unsigned k = DIGEST_REQUEST; k < i; k++) {
            assert_false(digest_equal(&d[i], &d[k]));
        }
    }
}

/* Stands on wires and disks: BLAKE2b-256, personalised "quorate/1" and the domain (checked with Python's hashlib). */
static void digest_bytes_are_golden(void **state) {
    (void)state;
    char text[65];
    struct digest d = crypto_digest(DIGEST_REQUEST, bytes_of_text("quorate"));
    hex_encode(text, bytes_of(d.b, sizeof d.b));
    assert_string_equal(text, "63ec68ff6707ebe5b89b634d283d29ab6b4ae9f5a3d8e562604b3a3f63bf0793");
}

static void digest_of_parts_is_that_of_their_concatenation(void **state) {
    (void)state;
    struct bytes parts[] = {bytes_of_text("ab"), {NULL, 0}, bytes_of_text("c")};
    struct digest whole = crypto_digest(DIGEST_LEAF, bytes_of_text("abc"));
    struct digest joined = crypto_digest_parts(DIGEST_LEAF, parts, 3);
    assert_true(digest_equal(&whole, &joined));
    struct digest none = crypto_digest_parts(DIGEST_LEAF, NULL, 0);
    struct digest empty = crypto_digest(DIGEST_LEAF, (struct bytes){NULL, 0});
    assert_true(digest_equal(&none, &empty));
    assert_false(digest_equal(&none, &whole));
    assert_false(digest_is_zero(&none));
}

static void signature_holds_for_its_message_and_key_only(void **state) {
    (void)state;
    struct public_key pk, other;
    struct secret_key sk = make_key(&pk, 1);
    make_key(&other, 2);
    struct signature sig;
    crypto_sign(&sig, bytes_of_text("statement"), &sk);
    assert_true(crypto_verify(&sig, bytes_of_text("statement"), &pk));
    assert_false(crypto_verify(&sig, bytes_of_text("Statement"), &pk));
    assert_false(crypto_verify(&sig, bytes_of_text("statement"), &other));
    for (size_t i = 0; i < SIGNATURE_LEN; i++) {
        struct signature bent = sig;
        bent.b[i] ^= 1;
        assert_false(crypto_verify(&bent, bytes_of_text("statement"), &pk));
    }
    crypto_sign(&sig, (struct bytes){NULL, 0}, &sk);
    assert_true(crypto_verify(&sig, (struct bytes){NULL, 0}, &pk));
}

static void fresh_keys_differ_and_are_valid(void **state) {
    (void)state;
    struct public_key a, b;
    struct secret_key sk;
    crypto_keypair(&a, &sk);
    crypto_keypair(&b, &sk);
    assert_false(public_key_equal(&a, &b));
    assert_true(crypto_public_key_valid(&a) && crypto_public_key_valid(&b));
}

static void keys_off_the_main_subgroup_are_invalid(void **state) {
    (void)state;
    struct public_key zero = {{0}}, one = {{1}}, big, minus_one;
    memset(big.b, 0xff, sizeof big.b); /* not canonical */
    memset(minus_one.b, 0xff, sizeof minus_one.b);
    minus_one.b[0] = 0xec; /* y = -1, of order 2 */
    minus_one.b[31] = 0x7f;
    assert_false(crypto_public_key_valid(&zero));
    assert_false(crypto_public_key_valid(&one));
    assert_false(crypto_public_key_valid(&big));
    assert_false(crypto_public_key_valid(&minus_one));
}

static void key_text_comes_back_and_nothing_else_is_taken(void **state) {
    (void)state;
    struct public_key pk, back;
    make_key(&pk, 3);
    char text[PUBLIC_KEY_TEXT], bent[PUBLIC_KEY_TEXT + 8];
    crypto_public_key_text(text, &pk);
    assert_int_equal(strlen(text), 52);
    assert_true(crypto_public_key_parse(&back, text));
    assert_true(public_key_equal(&pk, &back));
    static const char *const bad[] = {"", "ed25519:", "ed25519:AAAA", "rsa:AAAA",
                                      "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(crypto_public_key_parse(&back, bad[i]));
    }
    snprintf(bent, sizeof bent, "%s ", text);
    assert_false(crypto_public_key_parse(&back, bent));
    assert_false(crypto_public_key_parse(&back, text + 1));
}

static void seal_binds_type_cluster_epoch_sender_and_body(void **state) {
    (void)state;
    struct public_key pk;
    struct secret_key sk = make_key(&pk, 4);
    struct seal_context right = {.type = 6, .cluster = {{1, 2, 3}}, .epoch = 0x01020304, .sender = 5};
    struct bytes body = bytes_of_text("body");
    struct signature sig;
    seal_sign(&sig, &right, body, &sk);
    assert_true(seal_verify(&sig, &right, body, &pk));
    struct seal_context bent[4] = {right, right, right, right};
    bent[0].type = 7;
    bent[1].cluster.b[15] = 1;
    bent[2].epoch = 0x01020305;
    bent[3].sender = 0x0105;
    for (size_t i = 0; i < 4; i++) {
        assert_false(seal_verify(&sig, &bent[i], body, &pk));
    }
    assert_false(seal_verify(&sig, &right, bytes_of_text("bodY"), &pk));
}

static void seal_covers_the_prefix_of_rule_1(void **state) {
    (void)state;
    struct public_key pk;
    struct secret_key sk = make_key(&pk, 4);
    struct seal_context c = {.type = 6, .cluster = {{0xaa}}, .epoch = 0x01020304, .sender = 0x0506};
    struct signature sealed, plain;
    seal_sign(&sealed, &c, bytes_of_text("body"), &sk);
    static const char statement[] = "quorate/1\x06\xaa\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x03\x04\x05\x06"
                                    "body";
    crypto_sign(&plain, bytes_of(statement, sizeof statement - 1), &sk);
    assert_memory_equal(sealed.b, plain.b, SIGNATURE_LEN);
}

static void seal_takes_bodies_of_any_size(void **state) {
    (void)state;
    struct public_key pk;
    struct secret_key sk = make_key(&pk, 5);
    struct seal_context c = {.type = 10};
    static const size_t sizes[] = {0, 1, 2015, 2016, 2017, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *body = xcalloc(sizes[i], 1);
        struct signature sig;
        seal_sign(&sig, &c, bytes_of(body, sizes[i]), &sk);
        assert_true(seal_verify(&sig, &c, bytes_of(body, sizes[i]), &pk));
        if (sizes[i] > 0) {
            body[sizes[i] - 1] = 1;
            assert_false(seal_verify(&sig, &c, bytes_of(body, sizes[i]), &pk));
        }
        free(body);
    }
}

static void keyring_finds_what_was_added_and_nobody_else(void **state) {
    (void)state;
    enum { MANY = 1000 };
    struct keyring *ring = keyring_new(MANY);
    struct key_entry e = {.role = ROLE_OBSERVER};
    for (uint32_t i = 0; i < MANY; i++) {
        memcpy(e.key.b, &i, sizeof i); /* alike but for two bytes */
        e.index = i;
        assert_true(keyring_add(ring, &e));
        assert_false(keyring_add(ring, &e));
    }
    assert_int_equal(keyring_count(ring), MANY);
    for (uint32_t i = 0; i < 2 * MANY; i++) {
        memcpy(e.key.b, &i, sizeof i);
        const struct key_entry *found = keyring_find(ring, &e.key);
        assert_int_equal(found != NULL, i < MANY);
        assert_true(found == NULL || found->index == i);
    }
    assert_false(keyring_add(ring, &e)); /* full */
    keyring_free(ring);
    ring = keyring_new(0);
    assert_null(keyring_find(ring, &e.key));
    assert_false(keyring_add(ring, &e));
    keyring_free(ring);
}

static void random_bytes_differ_and_secrets_are_wiped(void **state) {
    (void)state;
    uint8_t a[32], b[32], zero[32] = {0};
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    crypto_wipe(a, sizeof a);
    assert_memory_equal(a, zero, sizeof a);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_differ_by_domain),
        cmocka_unit_test(digest_bytes_are_golden),
        cmocka_unit_test(digest_of_parts_is_that_of_their_concatenation),
        cmocka_unit_test(signature_holds_for_its_message_and_key_only),
        cmocka_unit_test(fresh_keys_differ_and_are_valid),
        cmocka_unit_test(keys_off_the_main_subgroup_are_invalid),
        cmocka_unit_test(key_text_comes_back_and_nothing_else_is_taken),
        cmocka_unit_test(seal_binds_type_cluster_epoch_sender_and_body),
        cmocka_unit_test(seal_covers_the_prefix_of_rule_1),
        cmocka_unit_test(seal_takes_bodies_of_any_size),
        cmocka_unit_test(keyring_finds_what_was_added_and_nobody_else),
        cmocka_unit_test(random_bytes_differ_and_secrets_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
