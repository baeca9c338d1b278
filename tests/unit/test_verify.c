/* The rules of offline verification: a line is believed only if every byte of it follows from f+1 signatures. */
#include "client/render.h"
#include "client/verify.h"
#include "tests/unit/proofs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

static void make_line(struct buffer *out, uint64_t number, member_set signers) {
    struct buffer leaf = {0};
    struct arena arena = {0};
    proof_alert(&leaf, number, "Connection \"refused\" \\ caf\303\251");
    struct output o = proof_output(buffer_bytes(&leaf), 10 + number, 1, 0, signers);
    struct client_alert a = {.leaf = o.leaf, .certificate = o.cert};
    assert_int_equal(alert_decode(&a.alert, o.leaf, &arena), ERR_OK);
    render_alert_json(out, &a);
    arena_free(&arena);
    buffer_free(&leaf);
}

static bool verify(struct bytes line, uint64_t *number, struct buffer *why) {
    struct verifier v = sample_verifier();
    bool good = verify_line(&v, line, number, why);
    assert_true(good == (why->len == 0));
    return good;
}

static void refused_because(struct bytes line, const char *reason) {
    struct buffer why = {0};
    uint64_t number = 1;
    assert_false(verify(line, &number, &why));
    assert_int_equal(number, 0);
    assert_non_null(strstr(buffer_cstr(&why), reason));
    buffer_free(&why);
}

static void a_line_as_printed_is_proven(void **state) {
    (void)state;
    struct buffer line = {0}, why = {0};
    uint64_t number;
    make_line(&line, 7, 0x5);
    assert_true(verify(buffer_bytes(&line), &number, &why));
    assert_int_equal(number, 7);
    buffer_free(&line);
}

static void one_byte_changed_anywhere_is_refused(void **state) {
    (void)state;
    struct buffer line = {0}, why = {0};
    uint64_t number;
    make_line(&line, 7, 0x3);
    for (size_t i = 0; i < line.len; i++) {
        uint8_t kept = line.data[i];
        static const uint8_t flips[] = {0x01, 0x20, 0x80};
        for (unsigned k = 0; k < sizeof flips; k++) {
            line.data[i] = kept ^ flips[k];
            buffer_clear(&why);
            assert_false(verify(buffer_bytes(&line), &number, &why));
        }
        line.data[i] = kept;
    }
    buffer_free(&line);
    buffer_free(&why);
}

static void a_line_cut_or_lengthened_is_refused(void **state) {
    (void)state;
    struct buffer line = {0}, why = {0};
    uint64_t number;
    make_line(&line, 7, 0x3);
    for (size_t len = 0; len < line.len; len += 13) {
        buffer_clear(&why);
        assert_false(verify(bytes_of(line.data, len), &number, &why));
    }
    buffer_u8(&line, ' ');
    refused_because(buffer_bytes(&line), "not what its signed leaf says");
    buffer_free(&line);
    buffer_free(&why);
}

static void fewer_than_f_plus_1_receipts_are_refused(void **state) {
    (void)state;
    struct buffer line = {0};
    make_line(&line, 7, 0x4);
    refused_because(buffer_bytes(&line), "too-few-signatures");
    buffer_clear(&line);
    make_line(&line, 7, 0);
    refused_because(buffer_bytes(&line), "too-few-signatures");
    buffer_free(&line);
}

static void more_than_f_plus_1_receipts_are_refused(void **state) {
    (void)state;
    struct buffer line = {0};
    make_line(&line, 7, 0x7);
    refused_because(buffer_bytes(&line), "exactly f+1");
    buffer_free(&line);
}

static void a_line_of_another_cluster_is_refused(void **state) {
    (void)state;
    struct buffer line = {0}, why = {0};
    struct verifier v = sample_verifier();
    uint64_t number;
    make_line(&line, 7, 0x3);
    v.cluster.b[0] ^= 1;
    assert_false(verify_line(&v, buffer_bytes(&line), &number, &why));
    assert_non_null(strstr(buffer_cstr(&why), "bad-signature"));
    buffer_free(&line);
    buffer_free(&why);
}

static void a_proven_leaf_that_is_no_alert_is_refused(void **state) {
    (void)state;
    struct buffer line = {0}, leaf = {0}, alert = {0};
    struct arena arena = {0};
    struct reply reply = {.client = sample_client().pk, .req_seq = 1};
    reply_encode(&leaf, &reply);
    proof_alert(&alert, 7, "x");
    struct output o = proof_output(buffer_bytes(&leaf), 17, 1, 0, 0x3);
    struct client_alert a = {.leaf = o.leaf, .certificate = o.cert};
    assert_int_equal(alert_decode(&a.alert, buffer_bytes(&alert), &arena), ERR_OK);
    render_alert_json(&line, &a);
    refused_because(buffer_bytes(&line), "not an alert");
    arena_free(&arena);
    buffer_free(&line);
    buffer_free(&leaf);
    buffer_free(&alert);
}

static void what_is_no_certificate_is_named(void **state) {
    (void)state;
    refused_because(bytes_of_text(""), "not JSON");
    refused_because(bytes_of_text("{"), "not JSON");
    refused_because(bytes_of_text("{\"a\":1,\"a\":2}"), "not JSON");
    refused_because(bytes_of_text("[]"), "no certificate");
    refused_because(bytes_of_text("{\"certificate\":7}"), "no certificate");
    refused_because(bytes_of_text("{\"certificate\":{\"epoch\":-1}}"), "epoch, n, t_ms");
    refused_because(
        bytes_of_text("{\"certificate\":{\"epoch\":0,\"n\":1,\"t_ms\":1,\"index\":0,\"count\":1,\"root\":\"00\"}}"),
        "certificate.root");
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_as_printed_is_proven),
        cmocka_unit_test(one_byte_changed_anywhere_is_refused),
        cmocka_unit_test(a_line_cut_or_lengthened_is_refused),
        cmocka_unit_test(fewer_than_f_plus_1_receipts_are_refused),
        cmocka_unit_test(more_than_f_plus_1_receipts_are_refused),
        cmocka_unit_test(a_line_of_another_cluster_is_refused),
        cmocka_unit_test(a_proven_leaf_that_is_no_alert_is_refused),
        cmocka_unit_test(what_is_no_certificate_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
