/* Certificates, view changes and batches: lists are sorted, distinct and bounded, and the arena bounds the whole. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "bodies.h"

/* --- certificates --- */

static enum error cert_with(struct checkpoint_cert c) {
    struct buffer bytes = {0}, back = {0};
    codec_encode_checkpoint_cert(&bytes, &c);
    enum error e = round_trip_checkpoint_cert(&back, buffer_bytes(&bytes));
    buffer_free(&bytes);
    buffer_free(&back);
    return e;
}

static void signatures_are_sorted_distinct_and_of_members(void **state) {
    (void)state;
    struct checkpoint_cert c = sample_checkpoint_cert();
    c.count = MEMBERS_MAX;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        c.sigs[i].member = i;
    }
    assert_int_equal(cert_with(c), ERR_OK);
    c.sigs[1].member = 0;
    assert_int_equal(cert_with(c), ERR_NOT_CANONICAL);
    c.sigs[0].member = 1, c.sigs[1].member = 0;
    assert_int_equal(cert_with(c), ERR_NOT_CANONICAL);
    c = sample_checkpoint_cert();
    c.sigs[2].member = MEMBERS_MAX;
    assert_int_equal(cert_with(c), ERR_OUT_OF_RANGE);
}

static void only_the_genesis_has_no_signatures(void **state) {
    (void)state;
    struct checkpoint_cert c = sample_checkpoint_cert();
    c.statement.n = 0;
    assert_int_equal(cert_with(c), ERR_MALFORMED);
    c.count = 0;
    assert_int_equal(cert_with(c), ERR_OK);
    c.statement.n = 1;
    assert_int_equal(cert_with(c), ERR_MALFORMED);
}

static void more_signatures_than_members_are_too_many(void **state) {
    (void)state;
    struct checkpoint_cert c = sample_checkpoint_cert(), out;
    struct buffer bytes = {0};
    c.count = MEMBERS_MAX;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        c.sigs[i].member = i;
    }
    codec_encode_checkpoint_cert(&bytes, &c);
    static const uint8_t head[] = {0x12, 68, 0x08, MEMBERS_MAX, 0x12, 64};
    buffer_put(&bytes, head, sizeof head);
    memset(buffer_extend(&bytes, SIGNATURE_LEN), 1, SIGNATURE_LEN);
    assert_int_equal(codec_decode_checkpoint_cert(&out, buffer_bytes(&bytes)), ERR_TOO_MANY);
    buffer_free(&bytes);
}

static enum error certificate_with(struct certificate c) {
    struct buffer bytes = {0}, back = {0};
    codec_encode_certificate(&bytes, &c);
    enum error e = round_trip_certificate(&back, buffer_bytes(&bytes));
    buffer_free(&bytes);
    buffer_free(&back);
    return e;
}

static void certificate_bounds(void **state) {
    (void)state;
    struct certificate c = sample_certificate();
    c.path_len = MERKLE_PATH_MAX;
    c.count = MERKLE_LEAVES_MAX;
    c.index = MERKLE_LEAVES_MAX - 1;
    assert_int_equal(certificate_with(c), ERR_OK);
    c.index = MERKLE_LEAVES_MAX;
    assert_int_equal(certificate_with(c), ERR_OUT_OF_RANGE);
    c.count = MERKLE_LEAVES_MAX + 1;
    assert_int_equal(certificate_with(c), ERR_OUT_OF_RANGE);
    c.count = c.index = 0;
    assert_int_equal(certificate_with(c), ERR_OUT_OF_RANGE);
    c.count = 1, c.receipts_len = 0, c.path_len = 0;
    assert_int_equal(certificate_with(c), ERR_OK);
}

static void a_cert_holds_what_its_kind_says(void **state) {
    (void)state;
    struct msg m = {.type = FRAME_CERT, .cert = {.kind = CERT_EPOCH}};
    m.cert.checkpoint = sample_checkpoint_cert();
    assert_int_equal(encoded(&m), ERR_OK);
    m.cert.kind = (enum cert_kind)4;
    assert_int_equal(encoded(&m), ERR_OUT_OF_RANGE);
    m.cert = (struct msg_cert){.kind = CERT_NEW_VIEW, .new_view = bytes_of("", 0)};
    assert_int_equal(encoded(&m), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_CERT, bytes_of("\x08\x01", 2)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_CERT, bytes_of("\x08\x02\x12\x00\x1a\x01x", 7)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_CERT, bytes_of("\x08\x01\x1a\x01x", 5)), ERR_MALFORMED);
}

/* --- view changes --- */

static enum error view_change_with(unsigned count, const struct prepared_entry *p, view_no v) {
    struct msg m = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = v, .count = count, .p = p}};
    m.view_change.c = sample_checkpoint_cert();
    return encoded(&m);
}

static void prepared_entries_are_sorted_by_n(void **state) {
    (void)state;
    struct prepared_entry p[WINDOW_MAX];
    for (unsigned i = 0; i < WINDOW_MAX; i++) {
        p[i] = sample_prepared();
        p[i].statement.n = 129 + i;
    }
    assert_int_equal(view_change_with(0, NULL, 1), ERR_OK);
    assert_int_equal(view_change_with(WINDOW_MAX, p, NUMBER_MAX), ERR_OK);
    assert_int_equal(view_change_with(1, p, 0), ERR_OUT_OF_RANGE);
    p[1].statement.n = p[0].statement.n;
    assert_int_equal(view_change_with(2, p, 1), ERR_NOT_CANONICAL);
    p[1].statement.n = p[0].statement.n - 1;
    assert_int_equal(view_change_with(2, p, 1), ERR_NOT_CANONICAL);
}

static enum error new_view_of(const member_id *senders, unsigned count, const seq_no *slots, unsigned slot_count) {
    struct buffer frames[4] = {0}, core = {0};
    struct msg vcs[4] = {0};
    struct new_view_slot list[4] = {0};
    for (unsigned i = 0; i < count; i++) {
        sample_view_change_of(&frames[i], senders[i]);
        vcs[i].raw = buffer_bytes(&frames[i]);
    }
    for (unsigned i = 0; i < slot_count; i++) {
        list[i].n = slots[i];
    }
    struct msg m = {.type = FRAME_NEW_VIEW, .new_view = {.v = 1, .vc_count = count, .vcs = vcs}};
    m.new_view.slot_count = slot_count;
    m.new_view.slots = list;
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    enum error e = encoded(&m);
    for (unsigned i = 0; i < count; i++) {
        buffer_free(&frames[i]);
    }
    buffer_free(&core);
    return e;
}

static void a_new_view_is_sorted_and_its_slots_consecutive(void **state) {
    (void)state;
    const member_id sorted[] = {0, 1, 3}, swapped[] = {1, 0, 2}, twice[] = {0, 1, 1}, stranger[] = {0, 1, 13};
    const seq_no slots[] = {129, 130, 131}, gap[] = {129, 131, 132}, low[] = {0, 1, 2};
    assert_int_equal(new_view_of(sorted, 3, slots, 3), ERR_OK);
    assert_int_equal(new_view_of(sorted, 3, slots, 0), ERR_OK);
    assert_int_equal(new_view_of(swapped, 3, slots, 3), ERR_NOT_CANONICAL);
    assert_int_equal(new_view_of(twice, 3, slots, 3), ERR_NOT_CANONICAL);
    assert_int_equal(new_view_of(stranger, 3, slots, 3), ERR_NOT_A_MEMBER);
    assert_int_equal(new_view_of(sorted, 0, slots, 3), ERR_MALFORMED);
    assert_int_equal(new_view_of(sorted, 3, gap, 3), ERR_NOT_CANONICAL);
    assert_int_equal(new_view_of(sorted, 3, low, 3), ERR_OUT_OF_RANGE);
}

static void a_new_view_knows_its_digest_and_its_frames(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    sample_new_view(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    struct digest d = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    assert_true(digest_equal(&d, &m.new_view.digest));
    assert_int_equal(m.new_view.vc_count, SAMPLE_QUORUM);
    assert_int_equal(m.new_view.vcs[2].sender, 2);
    assert_int_equal(m.new_view.vcs[2].view_change.p[0].statement.n, 129);
    arena_free(&arena);
    buffer_free(&raw);
}

static void the_arena_bounds_what_a_frame_unfolds_into(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct frame f;
    struct msg m;
    sample_new_view(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    unsigned refused = 0, taken = 0;
    for (size_t limit = 1; limit < 64 * 1024; limit += 97) {
        struct arena arena = {.limit = limit};
        enum error e = codec_decode(&m, &f, &arena);
        assert_true(e == ERR_OK || e == ERR_TOO_MANY);
        assert_true(arena.used <= limit);
        refused += e != ERR_OK;
        taken += e == ERR_OK;
        arena_free(&arena);
    }
    assert_true(refused > 0 && taken > 0);
    buffer_free(&raw);
}

/* --- batches --- */

static enum error batch_of(const char *hex) {
    uint8_t bytes[256];
    struct arena arena = {0};
    struct batch b;
    size_t len = strlen(hex) / 2;
    assert_true(hex_decode(bytes, len, hex));
    enum error e = batch_decode(&b, bytes_of(bytes, len), &arena);
    arena_free(&arena);
    return e;
}

static void batches_are_canonical(void **state) {
    (void)state;
    assert_int_equal(batch_of("010000"), ERR_OK);
    assert_int_equal(batch_of("000000"), ERR_MALFORMED);   /* NORMAL without a request */
    assert_int_equal(batch_of("010001"), ERR_MALFORMED);   /* NULL with one */
    assert_int_equal(batch_of("020000"), ERR_MALFORMED);   /* unknown kind */
    assert_int_equal(batch_of("01000000"), ERR_MALFORMED); /* trailing byte */
    assert_int_equal(batch_of("0100"), ERR_MALFORMED);
    assert_int_equal(batch_of("000201"), ERR_TOO_MANY);  /* 513 */
    assert_int_equal(batch_of("000200"), ERR_MALFORMED); /* 512 announced, none there */
}

static void a_batch_names_a_request_once(void **state) {
    (void)state;
    static struct request_ref refs[BATCH_REFS_MAX];
    for (unsigned i = 0; i < BATCH_REFS_MAX; i++) {
        refs[i] = (struct request_ref){{{(uint8_t)i}}, 1 + i / 256, {{0}}};
    }
    struct batch b = {BATCH_NORMAL, BATCH_REFS_MAX, refs};
    struct buffer bytes = {0}, back = {0};
    batch_encode(&bytes, &b);
    assert_int_equal(round_trip_batch(&back, buffer_bytes(&bytes)), ERR_OK);
    assert_true(bytes_equal(buffer_bytes(&bytes), buffer_bytes(&back)));
    refs[511] = refs[3];
    refs[511].digest.b[0] = 9; /* another digest makes no other request */
    buffer_clear(&bytes);
    batch_encode(&bytes, &b);
    assert_int_equal(round_trip_batch(&back, buffer_bytes(&bytes)), ERR_NOT_CANONICAL);
    buffer_free(&bytes);
    buffer_free(&back);
}

static void the_null_batch_has_the_null_digest(void **state) {
    (void)state;
    struct buffer bytes = {0};
    struct batch b = {BATCH_NULL, 0, NULL};
    batch_encode(&bytes, &b);
    struct digest d = batch_digest(buffer_bytes(&bytes)), null = batch_null_digest();
    assert_true(digest_equal(&d, &null));
    buffer_clear(&bytes);
    sample_batch(&bytes);
    d = batch_digest(buffer_bytes(&bytes));
    assert_false(digest_equal(&d, &null));
    buffer_free(&bytes);
}

static void statements_compare_field_by_field(void **state) {
    (void)state;
    uint8_t body[CHECKPOINT_BODY_LEN];
    struct vote v = sample_vote(), w;
    struct checkpoint c = sample_checkpoint_body(), d;
    vote_encode(body, &v);
    for (unsigned i = 0; i < VOTE_BODY_LEN; i++) {
        body[i] ^= 1;
        vote_decode(&w, body);
        assert_false(vote_equal(&v, &w));
        body[i] ^= 1;
    }
    checkpoint_encode(body, &c);
    for (unsigned i = 0; i < CHECKPOINT_BODY_LEN; i++) {
        body[i] ^= 1;
        checkpoint_decode(&d, body);
        assert_false(checkpoint_equal(&c, &d));
        body[i] ^= 1;
    }
    checkpoint_decode(&d, body);
    assert_true(checkpoint_equal(&c, &d));
    assert_string_equal(phase_name(PHASE_ACTIVE), "ACTIVE");
    assert_string_equal(phase_name(PHASE_TILT), "TILT");
    assert_string_equal(phase_name((enum phase)(PHASE_TILT + 1)), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_sorted_distinct_and_of_members),
        cmocka_unit_test(only_the_genesis_has_no_signatures),
        cmocka_unit_test(more_signatures_than_members_are_too_many),
        cmocka_unit_test(certificate_bounds),
        cmocka_unit_test(a_cert_holds_what_its_kind_says),
        cmocka_unit_test(prepared_entries_are_sorted_by_n),
        cmocka_unit_test(a_new_view_is_sorted_and_its_slots_consecutive),
        cmocka_unit_test(a_new_view_knows_its_digest_and_its_frames),
        cmocka_unit_test(the_arena_bounds_what_a_frame_unfolds_into),
        cmocka_unit_test(batches_are_canonical),
        cmocka_unit_test(a_batch_names_a_request_once),
        cmocka_unit_test(the_null_batch_has_the_null_digest),
        cmocka_unit_test(statements_compare_field_by_field),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
