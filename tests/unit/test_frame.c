/* The envelope: lengths, caps and types are judged before anything else, and every byte of a frame counts. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "samples.h"

static void sealed(struct buffer *out, enum frame_type type, size_t body_len) {
    struct buffer body = {0};
    struct signature sig = {{0}};
    struct seal_context context = sample_context(type, 1);
    memset(buffer_extend(&body, body_len), 0, body_len);
    frame_rebuild(out, &context, buffer_bytes(&body), &sig);
    buffer_free(&body);
}

static void every_known_type_has_a_name_and_a_cap(void **state) {
    (void)state;
    unsigned known = 0;
    for (unsigned type = 0; type < FRAME_TYPE_LIMIT + 5; type++) {
        bool named = strcmp(frame_type_name((enum frame_type)type), "?") != 0;
        assert_int_equal(named, frame_cap((enum frame_type)type) > FRAME_OVERHEAD);
        known += named;
    }
    assert_int_equal(known, 27);
    assert_string_equal(frame_type_name(FRAME_PRE_PREPARE), "PRE-PREPARE");
    assert_int_equal(frame_cap(FRAME_REQUEST), 64 * 1024);
    assert_int_equal(frame_cap(FRAME_NEW_VIEW), 2 * 1024 * 1024);
    assert_int_equal(frame_cap(FRAME_PREPARE), FRAME_OVERHEAD + VOTE_BODY_LEN);
}

static void only_the_client_side_types_are_unsigned(void **state) {
    (void)state;
    for (unsigned type = 0; type < FRAME_TYPE_LIMIT; type++) {
        bool is_unsigned = type == FRAME_FETCH_ALERTS || type == FRAME_FETCH_STATUS || type == FRAME_OUTPUTS ||
                           type == FRAME_FETCH_EVIDENCE || type == FRAME_EVIDENCE;
        bool known = frame_cap((enum frame_type)type) != 0;
        assert_int_equal(frame_type_signed((enum frame_type)type), known && !is_unsigned);
    }
}

static void a_frame_opens_to_what_was_sealed(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct cluster_id cluster = sample_cluster();
    struct sample_key key = sample_member(1);
    struct seal_context context = {FRAME_WISH, cluster, 7, 1};
    frame_seal(&raw, &context, bytes_of_text("wish"), &key.sk);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(f.type, FRAME_WISH);
    assert_int_equal(f.epoch, 7);
    assert_int_equal(f.sender, 1);
    assert_memory_equal(f.cluster.b, cluster.b, CLUSTER_ID_LEN);
    assert_true(bytes_equal(f.body, bytes_of_text("wish")));
    assert_true(bytes_equal(f.raw, buffer_bytes(&raw)));
    assert_int_equal(frame_verify(&f, &cluster, &key.pk), ERR_OK);
    buffer_free(&raw);
}

static void bytes_that_end_early_are_truncated(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    sample_wish(&raw);
    for (size_t len = 0; len < raw.len; len++) {
        assert_int_equal(frame_open(&f, bytes_of(raw.data, len)), ERR_TRUNCATED);
    }
    buffer_u8(&raw, 0);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_TRAILING);
    buffer_free(&raw);
}

static void a_wrong_header_is_refused_by_name(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    sample_wish(&raw);
    const struct {
        size_t at;
        uint8_t value;
        enum error expected;
    } cases[] = {
        {0, 'q', ERR_BAD_MAGIC}, {1, 'r', ERR_BAD_MAGIC}, {2, 0, ERR_BAD_VERSION},
        {2, 2, ERR_BAD_VERSION}, {3, 0, ERR_BAD_TYPE},    {3, 22, ERR_BAD_TYPE},
        {3, 31, ERR_BAD_TYPE},   {3, 38, ERR_BAD_TYPE},   {3, FRAME_TYPE_LIMIT, ERR_BAD_TYPE},
        {3, 255, ERR_BAD_TYPE},  {26, 1, ERR_OVERSIZED},  {28, 0xff, ERR_OVERSIZED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t kept = raw.data[cases[i].at];
        raw.data[cases[i].at] = cases[i].value;
        assert_int_equal(frame_open(&f, buffer_bytes(&raw)), cases[i].expected);
        raw.data[cases[i].at] = kept;
    }
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    buffer_free(&raw);
}

static void the_cap_of_each_type_is_exact(void **state) {
    (void)state;
    for (unsigned type = 0; type < FRAME_TYPE_LIMIT; type++) {
        size_t cap = frame_cap((enum frame_type)type);
        struct buffer raw = {0};
        struct frame f;
        if (cap == 0) {
            continue;
        }
        sealed(&raw, (enum frame_type)type, cap - FRAME_OVERHEAD);
        assert_int_equal(raw.len, cap);
        assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
        uint32_t longer = (uint32_t)(cap - FRAME_OVERHEAD + 1);
        for (int i = 0; i < 4; i++) {
            raw.data[26 + i] = (uint8_t)(longer >> (24 - 8 * i));
        }
        buffer_u8(&raw, 0);
        assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OVERSIZED);
        buffer_free(&raw);
    }
}

static void a_flipped_bit_anywhere_breaks_the_signature(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct cluster_id cluster = sample_cluster();
    struct public_key pk = sample_member(2).pk;
    sample_prepare(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(frame_verify(&f, &cluster, &pk), ERR_OK);
    for (size_t i = 0; i < raw.len; i++) {
        raw.data[i] ^= 1;
        enum error e = frame_open(&f, buffer_bytes(&raw));
        assert_true(e != ERR_OK || frame_verify(&f, &cluster, &pk) != ERR_OK);
        raw.data[i] ^= 1;
    }
    buffer_free(&raw);
}

static void a_frame_of_another_cluster_is_foreign(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct cluster_id other = {{0}};
    struct public_key pk = sample_member(2).pk;
    sample_prepare(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(frame_verify(&f, &other, &pk), ERR_FOREIGN_CLUSTER);
    struct cluster_id own = sample_cluster();
    pk = sample_member(1).pk;
    assert_int_equal(frame_verify(&f, &own, &pk), ERR_BAD_SIGNATURE);
    buffer_free(&raw);
}

static void a_pre_prepare_is_signed_without_its_batch(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct cluster_id cluster = sample_cluster();
    struct public_key pk = sample_member(0).pk;
    sample_pre_prepare(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(f.signed_body.len, VOTE_BODY_LEN);
    raw.data[FRAME_HEADER_LEN + VOTE_BODY_LEN + 10] ^= 1;
    assert_int_equal(frame_verify(&f, &cluster, &pk), ERR_OK);
    raw.data[FRAME_HEADER_LEN + VOTE_BODY_LEN - 1] ^= 1;
    assert_int_equal(frame_verify(&f, &cluster, &pk), ERR_BAD_SIGNATURE);
    buffer_clear(&raw);
    sealed(&raw, FRAME_PRE_PREPARE, VOTE_BODY_LEN - 1);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_TRUNCATED);
    buffer_free(&raw);
}

static void an_unsigned_type_never_verifies(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct cluster_id cluster = sample_cluster();
    struct public_key pk = sample_member(1).pk;
    sample_outputs(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(frame_verify(&f, &cluster, &pk), ERR_BAD_SIGNATURE);
    buffer_free(&raw);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_known_type_has_a_name_and_a_cap),
        cmocka_unit_test(only_the_client_side_types_are_unsigned),
        cmocka_unit_test(a_frame_opens_to_what_was_sealed),
        cmocka_unit_test(bytes_that_end_early_are_truncated),
        cmocka_unit_test(a_wrong_header_is_refused_by_name),
        cmocka_unit_test(the_cap_of_each_type_is_exact),
        cmocka_unit_test(a_flipped_bit_anywhere_breaks_the_signature),
        cmocka_unit_test(a_frame_of_another_cluster_is_foreign),
        cmocka_unit_test(a_pre_prepare_is_signed_without_its_batch),
        cmocka_unit_test(an_unsigned_type_never_verifies),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
