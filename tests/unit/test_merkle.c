/* Both Merkle trees: a path proves one output at one place, and the state's root forgets all history. */
#include "base/prng.h"
#include "crypto/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

enum { MANY = 20 };

static struct bytes output(char text[16], uint32_t i) {
    snprintf(text, 16, "output %u", i);
    return bytes_of_text(text);
}

static void fill(struct digest *leaves, uint32_t count) {
    char text[16];
    for (uint32_t i = 0; i < count; i++) {
        leaves[i] = merkle_leaf(output(text, i));
    }
}

static void every_index_of_every_count_has_a_path_that_proves_it(void **state) {
    (void)state;
    struct digest leaves[MANY], path[MERKLE_PATH_MAX];
    char text[16];
    for (uint32_t count = 1; count <= MANY; count++) {
        fill(leaves, count);
        struct digest root = merkle_root(leaves, count);
        for (uint32_t i = 0; i < count; i++) {
            unsigned len = merkle_path(path, leaves, count, i);
            assert_true(merkle_verify(&root, output(text, i), i, count, path, len));
            for (uint32_t j = 0; j < MANY; j++) { /* at no other place, under no other count */
                assert_int_equal(merkle_verify(&root, output(text, i), j, count, path, len), j == i);
                assert_int_equal(merkle_verify(&root, output(text, i), i, j, path, len), j == count);
            }
        }
    }
}

static void bent_longer_or_shorter_paths_prove_nothing(void **state) {
    (void)state;
    struct digest leaves[MANY], path[MERKLE_PATH_MAX] = {{{0}}};
    char text[16];
    for (uint32_t count = 1; count <= MANY; count++) {
        fill(leaves, count);
        struct digest root = merkle_root(leaves, count), other = root;
        other.b[31] ^= 1;
        for (uint32_t i = 0; i < count; i++) {
            unsigned len = merkle_path(path, leaves, count, i);
            assert_false(merkle_verify(&other, output(text, i), i, count, path, len));
            assert_false(merkle_verify(&root, output(text, i + 1), i, count, path, len));
            assert_false(merkle_verify(&root, output(text, i), i, count, path, len + 1));
            assert_false(len > 0 && merkle_verify(&root, output(text, i), i, count, path, len - 1));
            for (unsigned k = 0; k < len; k++) {
                path[k].b[7] ^= 0x10;
                assert_false(merkle_verify(&root, output(text, i), i, count, path, len));
                path[k].b[7] ^= 0x10;
            }
        }
    }
}

static void sizes_beyond_the_bounds_are_refused(void **state) {
    (void)state;
    struct digest path[MERKLE_PATH_MAX] = {{{0}}}, root = {{0}};
    assert_false(merkle_verify(&root, bytes_of_text("x"), 0, 0, path, 0));
    assert_false(merkle_verify(&root, bytes_of_text("x"), 0, MERKLE_LEAVES_MAX + 1, path, 20));
    assert_false(merkle_verify(&root, bytes_of_text("x"), 0, UINT32_MAX, path, 20));
    assert_false(merkle_verify(&root, bytes_of_text("x"), UINT32_MAX, UINT32_MAX, path, 20));
    assert_false(merkle_verify(&root, bytes_of_text("x"), 0, 1, path, UINT32_MAX));
}

static void tree_has_the_shape_of_rfc_6962(void **state) {
    (void)state;
    struct digest l[5], node[3];
    fill(l, 5);
    struct bytes ab[] = {bytes_of(l[0].b, 32), bytes_of(l[1].b, 32)},
                 cd[] = {bytes_of(l[2].b, 32), bytes_of(l[3].b, 32)};
    node[0] = crypto_digest_parts(DIGEST_NODE, ab, 2);
    node[1] = crypto_digest_parts(DIGEST_NODE, cd, 2);
    struct bytes abcd[] = {bytes_of(node[0].b, 32), bytes_of(node[1].b, 32)};
    node[2] = crypto_digest_parts(DIGEST_NODE, abcd, 2);
    struct bytes all[] = {bytes_of(node[2].b, 32), bytes_of(l[4].b, 32)};
    struct digest top = crypto_digest_parts(DIGEST_NODE, all, 2);
    struct bytes bound[] = {bytes_of("\0\0\0\x05", 4), bytes_of(top.b, 32)};
    struct digest want = crypto_digest_parts(DIGEST_ROOT, bound, 2), got = merkle_root(l, 5);
    assert_true(digest_equal(&want, &got));
}

static void an_output_never_passes_for_a_node(void **state) {
    (void)state;
    struct digest l[2];
    fill(l, 2);
    struct bytes pair[] = {bytes_of(l[0].b, DIGEST_LEN), bytes_of(l[1].b, DIGEST_LEN)};
    struct digest node = crypto_digest_parts(DIGEST_NODE, pair, 2), leaf = merkle_leaf(bytes_of(l, sizeof l));
    assert_false(digest_equal(&node, &leaf));
}

static void no_outputs_have_a_root_of_their_own(void **state) {
    (void)state;
    struct digest none = merkle_root(NULL, 0), leaf = merkle_leaf((struct bytes){NULL, 0}), one = merkle_root(&leaf, 1);
    assert_false(digest_equal(&none, &one));
    assert_false(digest_is_zero(&none));
}

static void built_tree_gives_the_same_paths_as_the_plain_functions(void **state) {
    (void)state;
    struct digest leaves[MANY], a[MERKLE_PATH_MAX], b[MERKLE_PATH_MAX];
    for (uint32_t count = 0; count <= MANY; count++) {
        fill(leaves, count);
        struct merkle_tree *t = merkle_tree_new(leaves, count);
        struct digest x = merkle_tree_root(t), y = merkle_root(leaves, count);
        assert_true(digest_equal(&x, &y));
        for (uint32_t i = 0; i < count; i++) {
            unsigned len = merkle_tree_path(a, t, i);
            assert_int_equal(len, merkle_path(b, leaves, count, i));
            assert_memory_equal(a, b, len * sizeof *a);
        }
        merkle_tree_free(t);
    }
}

static void put_number(struct state_tree *t, uint32_t key, uint32_t value) {
    state_tree_put(t, bytes_of(&key, sizeof key), bytes_of(&value, sizeof value));
}

static void remove_number(struct state_tree *t, uint32_t key) {
    state_tree_remove(t, bytes_of(&key, sizeof key));
}

/* Same records by another order, with detours, removals and roots asked for in between. */
static void state_root_is_a_function_of_the_records_alone(void **state) {
    (void)state;
    enum { RECORDS = 3000 };
    struct prng p;
    prng_seed(&p, 42);
    for (int round = 0; round < 5; round++) {
        struct state_tree *a = state_tree_new(), *b = state_tree_new();
        for (uint32_t i = 0; i < RECORDS; i++) {
            put_number(a, i, i * 7);
        }
        for (uint32_t i = 0; i < 4 * RECORDS; i++) {
            uint32_t key = (uint32_t)prng_below(&p, 2 * RECORDS);
            if (prng_chance(&p, 300)) {
                remove_number(b, key);
            } else {
                put_number(b, key, (uint32_t)prng_next(&p));
            }
            if (prng_chance(&p, 2)) {
                state_tree_root(b);
            }
        }
        for (uint32_t i = 2 * RECORDS; i-- > 0;) {
            if (i < RECORDS) {
                put_number(b, i, i * 7);
            } else {
                remove_number(b, i);
            }
        }
        struct digest x = state_tree_root(a), y = state_tree_root(b);
        assert_true(digest_equal(&x, &y));
        assert_int_equal(state_tree_count(a), RECORDS);
        assert_int_equal(state_tree_count(b), RECORDS);
        state_tree_free(a);
        state_tree_free(b);
    }
}

static void state_root_changes_with_every_record(void **state) {
    (void)state;
    struct state_tree *t = state_tree_new();
    struct digest empty = state_tree_root(t), before = empty;
    for (uint32_t i = 0; i < 500; i++) {
        put_number(t, i, 1);
        struct digest put = state_tree_root(t);
        assert_false(digest_equal(&put, &before));
        put_number(t, i, 2);
        struct digest replaced = state_tree_root(t);
        assert_false(digest_equal(&replaced, &put));
        put_number(t, i, 2);
        before = state_tree_root(t);
        assert_true(digest_equal(&replaced, &before));
    }
    for (uint32_t i = 0; i < 500; i++) {
        remove_number(t, i);
        struct digest after = state_tree_root(t);
        assert_false(digest_equal(&after, &before));
        before = after;
    }
    assert_true(digest_equal(&before, &empty)); /* emptied is as new */
    assert_int_equal(state_tree_count(t), 0);
    state_tree_free(t);
}

static void state_keys_and_values_do_not_run_together(void **state) {
    (void)state;
    struct state_tree *a = state_tree_new(), *b = state_tree_new();
    state_tree_put(a, bytes_of_text("ab"), bytes_of_text("c"));
    state_tree_put(b, bytes_of_text("a"), bytes_of_text("bc"));
    struct digest x = state_tree_root(a), y = state_tree_root(b);
    assert_false(digest_equal(&x, &y));
    state_tree_put(a, (struct bytes){NULL, 0}, (struct bytes){NULL, 0});
    assert_int_equal(state_tree_count(a), 2);
    state_tree_remove(a, bytes_of_text("a")); /* absent: nothing */
    assert_int_equal(state_tree_count(a), 2);
    state_tree_free(a);
    state_tree_free(b);
    state_tree_free(NULL);
}

/* Agreed by replicas of different builds, so it never changes. */
static void state_root_is_golden(void **state) {
    (void)state;
    char text[65];
    struct state_tree *t = state_tree_new();
    for (uint8_t i = 0; i < 100; i++) {
        state_tree_put(t, bytes_of(&i, 1), bytes_of("value", 5));
    }
    struct digest root = state_tree_root(t);
    hex_encode(text, bytes_of(root.b, sizeof root.b));
    assert_string_equal(text, "92ba872e4f797adcbf13a6a42fe640a5ef4f62d287111b3437f8e8aeaddd087f");
    state_tree_free(t);
}

static void what_the_tree_exports_hashes_up_to_its_root(void **state) {
    (void)state;
    struct digest mids[STATE_FANOUT], leaves[STATE_FANOUT];
    struct state_tree *t = state_tree_new();
    for (uint32_t i = 0; i < 700; i++) { /* more than the mids, fewer than the leaves */
        put_number(t, i, i);
    }
    struct digest root = state_tree_root(t), up;
    state_tree_mids(t, mids);
    up = state_root_of_mids(mids);
    assert_true(digest_equal(&up, &root));
    for (unsigned m = 0; m < STATE_FANOUT; m++) {
        state_tree_leaves(t, (uint8_t)m, leaves);
        up = state_mid_of_leaves(leaves);
        assert_true(digest_equal(&up, &mids[m]));
    }
    for (uint32_t i = 0; i < 700; i++) {
        remove_number(t, i);
    }
    state_tree_mids(t, mids);
    for (unsigned m = 0; m < STATE_FANOUT; m++) {
        assert_true(digest_is_zero(&mids[m]));
    }
    state_tree_free(t);
}

static void a_leaf_is_made_of_its_records_in_any_order(void **state) {
    (void)state;
    struct digest leaves[STATE_FANOUT];
    struct state_tree *t = state_tree_new();
    struct state_leaf forwards = {0}, backwards = {0}, other = {0}, none = {0};
    char keys[4][16];
    unsigned found = 0, bucket = 0;
    for (unsigned i = 0; found < 4; i++) { /* four keys of one bucket */
        char key[16];
        snprintf(key, sizeof key, "key %u", i);
        if (found == 0) {
            bucket = state_bucket_of(bytes_of_text(key));
        }
        if (state_bucket_of(bytes_of_text(key)) == bucket) {
            memcpy(keys[found++], key, sizeof key);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        state_tree_put(t, bytes_of_text(keys[i]), bytes_of_text("v"));
        state_leaf_add(&forwards, bytes_of_text(keys[i]), bytes_of_text("v"));
        state_leaf_add(&backwards, bytes_of_text(keys[3 - i]), bytes_of_text("v"));
        state_leaf_add(&other, bytes_of_text(keys[i]), bytes_of_text(i == 2 ? "w" : "v"));
    }
    struct digest a = state_leaf_end(&forwards), b = state_leaf_end(&backwards), c = state_leaf_end(&other);
    struct digest empty = state_leaf_end(&none);
    state_tree_leaves(t, (uint8_t)(bucket / STATE_FANOUT), leaves);
    assert_true(digest_equal(&a, &leaves[bucket % STATE_FANOUT]));
    assert_true(digest_equal(&a, &b));
    assert_false(digest_equal(&a, &c));
    assert_true(digest_is_zero(&empty));
    state_tree_free(t);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_tree_exports_hashes_up_to_its_root),
        cmocka_unit_test(a_leaf_is_made_of_its_records_in_any_order),
        cmocka_unit_test(every_index_of_every_count_has_a_path_that_proves_it),
        cmocka_unit_test(bent_longer_or_shorter_paths_prove_nothing),
        cmocka_unit_test(sizes_beyond_the_bounds_are_refused),
        cmocka_unit_test(tree_has_the_shape_of_rfc_6962),
        cmocka_unit_test(an_output_never_passes_for_a_node),
        cmocka_unit_test(no_outputs_have_a_root_of_their_own),
        cmocka_unit_test(built_tree_gives_the_same_paths_as_the_plain_functions),
        cmocka_unit_test(state_root_is_a_function_of_the_records_alone),
        cmocka_unit_test(state_root_changes_with_every_record),
        cmocka_unit_test(state_keys_and_values_do_not_run_together),
        cmocka_unit_test(state_root_is_golden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
