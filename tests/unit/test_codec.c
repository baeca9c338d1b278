/* Bodies of messages and records: what goes in comes out, at every boundary, and everything beside the one canonical
   encoding is refused by name. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/prng.h"
#include "bodies.h"

static enum error again(struct buffer *out, enum sample_kind kind, struct bytes in) {
    switch (kind) {
    case SAMPLE_FRAME:
        return round_trip_frame(out, in);
    case SAMPLE_REQUEST:
        return round_trip_request(out, in);
    case SAMPLE_REPLY:
        return round_trip_reply(out, in);
    case SAMPLE_ALERT:
        return round_trip_alert(out, in);
    case SAMPLE_PAGE:
        return round_trip_page(out, in);
    case SAMPLE_CHECKPOINT_CERT:
        return round_trip_checkpoint_cert(out, in);
    case SAMPLE_PREPARED:
        return round_trip_prepared(out, in);
    case SAMPLE_CERTIFICATE:
        return round_trip_certificate(out, in);
    }
    return ERR_MALFORMED;
}

static void every_sample_comes_back_as_the_same_bytes(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer made = {0}, back = {0};
        samples[i].make(&made);
        enum error e = again(&back, samples[i].kind, buffer_bytes(&made));
        if (e != ERR_OK || !bytes_equal(buffer_bytes(&made), buffer_bytes(&back))) {
            fail_msg("%s: %s", samples[i].name, error_name(e));
        }
        buffer_free(&made);
        buffer_free(&back);
    }
}

/* A shorter prefix of a sequence of fields can be a message of its own, so frames keep their length field honest and
   cut the body instead; whatever is then taken must still be canonical. */
static void a_body_cut_at_any_byte_is_refused_or_canonical(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer made = {0}, back = {0};
        bool framed = samples[i].kind <= SAMPLE_REQUEST;
        samples[i].make(&made);
        for (size_t len = 0; len<made.len; len += made.len> 4096 ? 37 : 1) {
            buffer_clear(&back);
            enum error e = again(&back, samples[i].kind, bytes_of(made.data, len));
            assert_false(framed && e == ERR_OK);
            assert_true(e != ERR_OK || bytes_equal(buffer_bytes(&back), bytes_of(made.data, len)));
        }
        buffer_free(&made);
        buffer_free(&back);
    }
}

static void a_framed_body_cut_at_any_byte_is_refused_or_canonical(void **state) {
    (void)state;
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer made = {0}, cut = {0}, back = {0};
        struct frame f;
        if (samples[i].kind != SAMPLE_FRAME) {
            continue;
        }
        samples[i].make(&made);
        assert_int_equal(frame_open(&f, buffer_bytes(&made)), ERR_OK);
        for (size_t len = 0; len<f.body.len; len += f.body.len> 4096 ? 37 : 1) {
            buffer_clear(&cut);
            buffer_clear(&back);
            with_body(&cut, f.type, bytes_of(f.body.data, len));
            if (round_trip_frame(&back, buffer_bytes(&cut)) == ERR_OK) {
                assert_true(bytes_equal(buffer_bytes(&back), buffer_bytes(&cut)));
            }
        }
        buffer_free(&made);
        buffer_free(&cut);
        buffer_free(&back);
    }
}

static void flipped_bytes_are_refused_or_canonical(void **state) {
    (void)state;
    struct prng prng;
    prng_seed(&prng, 1);
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct buffer made = {0}, back = {0};
        samples[i].make(&made);
        for (unsigned round = 0; round < 400; round++) {
            size_t at = prng_below(&prng, made.len);
            uint8_t kept = made.data[at];
            made.data[at] ^= (uint8_t)(1 + prng_below(&prng, 255));
            buffer_clear(&back);
            if (again(&back, samples[i].kind, buffer_bytes(&made)) == ERR_OK) {
                assert_true(bytes_equal(buffer_bytes(&made), buffer_bytes(&back)));
            }
            made.data[at] = kept;
        }
        buffer_free(&made);
        buffer_free(&back);
    }
}

/* --- bodies given byte by byte --- */

#define WISH(...) decoded(FRAME_WISH, bytes_of((const uint8_t[]){__VA_ARGS__}, sizeof(const uint8_t[]){__VA_ARGS__}))

static void only_the_canonical_protobuf_is_taken(void **state) {
    (void)state;
    assert_int_equal(WISH(0x08, 1, 0x10, 1), ERR_OK);
    assert_int_equal(WISH(0x10, 1, 0x08, 1), ERR_NOT_CANONICAL);                           /* order */
    assert_int_equal(WISH(0x08, 1, 0x08, 1, 0x10, 1), ERR_NOT_CANONICAL);                  /* repeated */
    assert_int_equal(WISH(0x08, 0, 0x10, 1), ERR_NOT_CANONICAL);                           /* default written out */
    assert_int_equal(WISH(0x08, 0x81, 0, 0x10, 1), ERR_NOT_CANONICAL);                     /* long varint */
    assert_int_equal(WISH(0x88, 0, 1, 0x10, 1), ERR_NOT_CANONICAL);                        /* long tag */
    assert_int_equal(WISH(0x08, 1, 0x10, 1, 0x18, 1), ERR_MALFORMED);                      /* unknown field */
    assert_int_equal(WISH(0x08, 1, 0x10, 1, 0x98, 6, 1), ERR_MALFORMED);                   /* unknown field 99 */
    assert_int_equal(WISH(0x0a, 1, 1, 0x10, 1), ERR_MALFORMED);                            /* wire type */
    assert_int_equal(WISH(0x09, 1, 0, 0, 0, 0, 0, 0, 0, 0x10, 1), ERR_MALFORMED);          /* wire type fixed64 */
    assert_int_equal(WISH(0x08), ERR_MALFORMED);                                           /* no value */
    assert_int_equal(WISH(0x08, 1, 0x10, 0x80), ERR_MALFORMED);                            /* varint ends early */
    assert_int_equal(WISH(0x08, 1, 0x10, 0x81, 0x80, 0x80, 0x80, 0x10), ERR_OUT_OF_RANGE); /* 2^32 + 1 in 32 bits */
    assert_int_equal(WISH(0x08, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2), ERR_MALFORMED);
    assert_int_equal(WISH(0x00, 1), ERR_MALFORMED); /* field 0 */
}

static void wish_bounds(void **state) {
    (void)state;
    const struct {
        uint64_t target;
        unsigned reason;
        enum error expected;
    } cases[] = {
        {1, WISH_REQ_TIMEOUT, ERR_OK},
        {NUMBER_MAX, WISH_AMPLIFY, ERR_OK},
        {0, WISH_SILENT, ERR_OUT_OF_RANGE},
        {NUMBER_MAX + 1, WISH_SILENT, ERR_OUT_OF_RANGE},
        {UINT64_MAX, WISH_SILENT, ERR_OUT_OF_RANGE},
        {1, 0, ERR_OUT_OF_RANGE},
        {1, WISH_AMPLIFY + 1, ERR_OUT_OF_RANGE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct msg m = {.type = FRAME_WISH, .wish = {cases[i].target, (enum wish_reason)cases[i].reason}};
        assert_int_equal(encoded(&m), cases[i].expected);
    }
}

static enum error st_fetch_with(enum st_kind kind, seq_no n, uint32_t offset, unsigned count, uint16_t first,
                                uint16_t step) {
    uint16_t list[ST_PAGES_MAX + 1];
    for (unsigned i = 0; i < count; i++) {
        list[i] = (uint16_t)(first + i * step);
    }
    struct msg m = {.type = FRAME_ST_FETCH, .st_fetch = {kind, n, offset, count, list, 1}};
    return encoded(&m);
}

static void st_fetch_bounds(void **state) {
    (void)state;
    assert_int_equal(st_fetch_with(ST_META, 1, 0, 0, 0, 0), ERR_OK);
    assert_int_equal(st_fetch_with(ST_META, 0, 0, 0, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(st_fetch_with(ST_META, 1, 0, 1, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(st_fetch_with(ST_META, 1, 1, 0, 0, 0), ERR_NOT_CANONICAL);
    assert_int_equal(st_fetch_with(ST_REFUSED, 1, 0, 0, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(st_fetch_with(ST_NODE, 1, 0, 16, 240, 1), ERR_OK);
    assert_int_equal(st_fetch_with(ST_NODE, 1, 0, 2, 255, 1), ERR_OUT_OF_RANGE);
    assert_int_equal(st_fetch_with(ST_NODE, 1, 0, 0, 0, 1), ERR_MALFORMED);
    assert_int_equal(st_fetch_with(ST_PAGES, 1, 0, ST_PAGES_MAX, 65280, 1), ERR_OK);
    assert_int_equal(st_fetch_with(ST_PAGES, 1, 0, 2, 7, 0), ERR_NOT_CANONICAL);
    assert_int_equal(st_fetch_with(ST_PAGES, 1, 9, 1, 7, 1), ERR_OK);
    assert_int_equal(st_fetch_with(ST_PAGES, 1, 9, 2, 7, 1), ERR_NOT_CANONICAL);
    assert_int_equal(st_fetch_with(ST_PAGES, 1, ST_PAGE_MAX + 1, 1, 7, 1), ERR_OUT_OF_RANGE);
    const uint8_t trailing[24] = {ST_META, [8] = 1};
    assert_int_equal(decoded(FRAME_ST_FETCH, bytes_of(trailing, 23)), ERR_OK);
    assert_int_equal(decoded(FRAME_ST_FETCH, bytes_of(trailing, 24)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_ST_FETCH, bytes_of(trailing, 22)), ERR_MALFORMED);
}

static enum error st_page_with(uint16_t second, uint32_t total, uint32_t offset, size_t len) {
    static uint8_t bytes[64];
    struct st_page pages[] = {{7, 64, 0, bytes_of(bytes, 64)}, {second, total, offset, bytes_of(bytes, len)}};
    struct msg m = {.type = FRAME_ST_DATA, .st_data = {.kind = ST_PAGES, .n = 1, .count = 2, .pages = pages}};
    return encoded(&m);
}

static void st_pages_lie_within_their_totals(void **state) {
    (void)state;
    assert_int_equal(st_page_with(8, 64, 0, 64), ERR_OK);
    assert_int_equal(st_page_with(8, ST_PAGE_MAX, ST_PAGE_MAX - 64, 64), ERR_OK);
    assert_int_equal(st_page_with(7, 64, 0, 64), ERR_NOT_CANONICAL);
    assert_int_equal(st_page_with(8, 63, 0, 64), ERR_OUT_OF_RANGE);
    assert_int_equal(st_page_with(8, 64, 1, 64), ERR_OUT_OF_RANGE);
    assert_int_equal(st_page_with(8, 64, UINT32_MAX, 64), ERR_OUT_OF_RANGE);
    assert_int_equal(st_page_with(8, 64, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(st_page_with(8, 0, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(st_page_with(8, ST_PAGE_MAX + 1, 0, 64), ERR_OUT_OF_RANGE);
}

static void an_image_is_of_the_certificates_n(void **state) {
    (void)state;
    struct digest mids[ST_LEAVES] = {{{0}}};
    struct msg m = {.type = FRAME_ST_DATA, .st_data = {.kind = ST_META, .n = 128, .mids = mids}};
    m.st_data.cert = sample_checkpoint_cert();
    assert_int_equal(encoded(&m), ERR_OK);
    m.st_data.n = 127;
    assert_int_equal(encoded(&m), ERR_MALFORMED);
    m.st_data.kind = ST_REFUSED;
    m.st_data.n = 0;
    assert_int_equal(encoded(&m), ERR_OK);
}

static enum error status_with(struct msg_status s) {
    struct msg m = {.type = FRAME_STATUS, .status = s};
    return encoded(&m);
}

static void status_bounds(void **state) {
    (void)state;
    struct msg_status s = sample_status_body();
    assert_int_equal(status_with(s), ERR_OK);
#define CHANGED(field, value, expected)                                                                                \
    do {                                                                                                               \
        struct msg_status changed = s;                                                                                 \
        changed.field = value;                                                                                         \
        assert_int_equal(status_with(changed), expected);                                                              \
    } while (0)
    CHANGED(phase, PHASE_STARTING, ERR_OK);
    CHANGED(phase, PHASE_TILT, ERR_OK);
    CHANGED(phase, (enum phase)(PHASE_TILT + 1), ERR_OUT_OF_RANGE);
    CHANGED(view, NUMBER_MAX, ERR_OK);
    CHANGED(view, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(executed, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(certified, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(stable, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(wish, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(alerts, NUMBER_MAX + 1, ERR_OUT_OF_RANGE);
    CHANGED(t, 0, ERR_OK);
    CHANGED(t, TIME_MAX_MS, ERR_OK);
    CHANGED(t, TIME_MAX_MS + 1, ERR_OUT_OF_RANGE);
    CHANGED(wall, -1, ERR_OUT_OF_RANGE);
    CHANGED(suspects, 0, ERR_OK);
    CHANGED(suspects, 0x1fff, ERR_OK);
    CHANGED(suspects, 0x2000, ERR_OUT_OF_RANGE);
#undef CHANGED
    memset(s.version, 'v', sizeof s.version); /* no NUL: 31 bytes travel */
    assert_int_equal(status_with(s), ERR_OK);
    s.version[0] = (char)0xff;
    assert_int_equal(status_with(s), ERR_NOT_UTF8);
}

static enum error recalled_with(const struct recalled *list, unsigned count, size_t at, uint8_t value) {
    struct msg m = {.type = FRAME_RECALLED, .recalled = {.to = 1, .count = count, .statements = list}}, back;
    struct buffer body = {0};
    struct arena arena = {.limit = 1 << 20};
    codec_encode(&body, &m);
    if (at < body.len) {
        body.data[at] = value;
    }
    struct frame f = {.type = FRAME_RECALLED, .body = buffer_bytes(&body)};
    enum error e = codec_decode(&back, &f, &arena);
    buffer_free(&body);
    arena_free(&arena);
    return e;
}

static void recalled_bounds(void **state) {
    (void)state;
    enum { TO = 1, ANSWER = 10, COUNT = 12, TYPE = 13, NOWHERE = 1 << 20 };
    struct recalled list[] = {{.type = FRAME_PREPARE, .vote = {.n = 5}}, {.type = FRAME_COMMIT, .vote = {.n = 5}}};
    assert_int_equal(recalled_with(list, 2, NOWHERE, 0), ERR_OK);
    assert_int_equal(recalled_with(list, 0, NOWHERE, 0), ERR_OK);
    assert_int_equal(recalled_with(list, 2, TO, MEMBERS_MAX), ERR_OUT_OF_RANGE);
    assert_int_equal(recalled_with(list, 2, ANSWER, 2), ERR_OUT_OF_RANGE);
    assert_int_equal(recalled_with(list, 2, COUNT, 1), ERR_MALFORMED);
    assert_int_not_equal(recalled_with(list, 2, COUNT, 3), ERR_OK);
    assert_int_equal(recalled_with(list, 2, COUNT - 1, 5), ERR_TOO_MANY);
    assert_int_equal(recalled_with(list, 2, TYPE, FRAME_DATA), ERR_OUT_OF_RANGE);
    assert_int_equal(recalled_with(list, 2, TYPE, FRAME_WISH), ERR_OUT_OF_RANGE);
    list[1].type = FRAME_PREPARE; /* a place twice */
    assert_int_equal(recalled_with(list, 2, NOWHERE, 0), ERR_NOT_CANONICAL);
    list[1].vote.n = 4;
    assert_int_equal(recalled_with(list, 2, NOWHERE, 0), ERR_NOT_CANONICAL);
    list[1].vote.n = 6;
    assert_int_equal(recalled_with(list, 2, NOWHERE, 0), ERR_OK);
    list[1].vote.n = 0;
    assert_int_equal(recalled_with(list + 1, 1, NOWHERE, 0), ERR_OUT_OF_RANGE);
}

static void a_version_is_terminated_and_holds_no_nul(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    sample_status(&raw);
    assert_int_equal(frame_open(&f, buffer_bytes(&raw)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    assert_string_equal(m.status.version, "0.1.0");
    uint8_t *version = memmem(raw.data, raw.len, "0.1.0", 5);
    assert_non_null(version);
    version[2] = 0;
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_NOT_UTF8);
    arena_free(&arena);
    buffer_free(&raw);
}

static enum error fetch_of(size_t count, size_t digest_len) {
    struct buffer body = {0};
    for (size_t i = 0; i < count; i++) {
        buffer_u8(&body, 0x0a);
        buffer_u8(&body, (uint8_t)digest_len);
        memset(buffer_extend(&body, digest_len), 7, digest_len);
    }
    enum error e = decoded(FRAME_FETCH, buffer_bytes(&body));
    buffer_free(&body);
    return e;
}

static void fetch_bounds(void **state) {
    (void)state;
    assert_int_equal(fetch_of(0, 32), ERR_MALFORMED);
    assert_int_equal(fetch_of(1, 32), ERR_OK);
    assert_int_equal(fetch_of(FETCH_MAX, 32), ERR_OK);
    assert_int_equal(fetch_of(FETCH_MAX + 1, 32), ERR_TOO_MANY);
    assert_int_equal(fetch_of(1, 0), ERR_MALFORMED);
    assert_int_equal(fetch_of(1, 31), ERR_MALFORMED);
    assert_int_equal(fetch_of(1, 33), ERR_MALFORMED);
}

static void ranges_of_decisions_are_ordered(void **state) {
    (void)state;
    struct msg m = {.type = FRAME_FETCH_DECISION, .fetch_decision = {1, 1}};
    assert_int_equal(encoded(&m), ERR_OK);
    m.fetch_decision = (struct msg_fetch_decision){NUMBER_MAX, NUMBER_MAX};
    assert_int_equal(encoded(&m), ERR_OK);
    m.fetch_decision = (struct msg_fetch_decision){0, 1};
    assert_int_equal(encoded(&m), ERR_OUT_OF_RANGE);
    m.fetch_decision = (struct msg_fetch_decision){2, 1};
    assert_int_equal(encoded(&m), ERR_OUT_OF_RANGE);
}

static void fixed_bodies_have_their_exact_width(void **state) {
    (void)state;
    static const uint8_t zero[CHECKPOINT_BODY_LEN];
    uint8_t body[CHECKPOINT_BODY_LEN] = {0};
    body[15] = 1; /* n of a vote */
    assert_int_equal(decoded(FRAME_PREPARE, bytes_of(body, VOTE_BODY_LEN)), ERR_OK);
    assert_int_equal(decoded(FRAME_PREPARE, bytes_of(body, VOTE_BODY_LEN - 1)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_COMMIT, bytes_of(zero, VOTE_BODY_LEN)), ERR_OUT_OF_RANGE);
    body[8] = 0x40;
    assert_int_equal(decoded(FRAME_COMMIT, bytes_of(body, VOTE_BODY_LEN)), ERR_OUT_OF_RANGE);
    body[7] = 1; /* n of a receipt or a checkpoint */
    assert_int_equal(decoded(FRAME_RECEIPT, bytes_of(body, RECEIPT_BODY_LEN)), ERR_OK);
    assert_int_equal(decoded(FRAME_RECEIPT, bytes_of(body, RECEIPT_BODY_LEN - 1)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_RECEIPT, bytes_of(zero, RECEIPT_BODY_LEN)), ERR_OUT_OF_RANGE);
    assert_int_equal(decoded(FRAME_CHECKPOINT, bytes_of(body, CHECKPOINT_BODY_LEN)), ERR_OK);
    assert_int_equal(decoded(FRAME_CHECKPOINT, bytes_of(body, CHECKPOINT_BODY_LEN - 1)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_CHECKPOINT, bytes_of(zero, CHECKPOINT_BODY_LEN)), ERR_OUT_OF_RANGE);
    body[72] = 0xff; /* a negative time */
    assert_int_equal(decoded(FRAME_CHECKPOINT, bytes_of(body, CHECKPOINT_BODY_LEN)), ERR_OUT_OF_RANGE);
}

static void an_empty_body_stays_empty(void **state) {
    (void)state;
    assert_int_equal(decoded(FRAME_FETCH_STATUS, bytes_of("", 0)), ERR_OK);
    assert_int_equal(decoded(FRAME_FETCH_STATUS, bytes_of("x", 1)), ERR_MALFORMED);
    assert_int_equal(decoded(FRAME_REQUEST, bytes_of("", 0)), ERR_BAD_TYPE);
}

static void an_unsigned_frame_carries_no_signature(void **state) {
    (void)state;
    struct buffer raw = {0}, back = {0};
    sample_fetch_alerts(&raw);
    raw.data[raw.len - 1] = 1;
    assert_int_equal(round_trip_frame(&back, buffer_bytes(&raw)), ERR_NOT_CANONICAL);
    buffer_free(&raw);
    buffer_free(&back);
}

static enum error refusal_with(uint32_t reason) {
    struct msg m = {.type = FRAME_REFUSAL, .refusal = {sample_digest(1), (enum error)reason}};
    return encoded(&m);
}

static void a_refusal_names_a_known_reason(void **state) {
    (void)state;
    assert_int_equal(refusal_with(ERR_BUSY), ERR_OK);
    assert_int_equal(refusal_with(ERR_OK), ERR_OUT_OF_RANGE);
    assert_int_equal(refusal_with(18), ERR_OUT_OF_RANGE); /* a gap in the list */
    assert_int_equal(refusal_with(ERR_LIMIT), ERR_OUT_OF_RANGE);
    assert_int_equal(refusal_with(UINT32_MAX), ERR_OUT_OF_RANGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_back_as_the_same_bytes),
        cmocka_unit_test(a_body_cut_at_any_byte_is_refused_or_canonical),
        cmocka_unit_test(a_framed_body_cut_at_any_byte_is_refused_or_canonical),
        cmocka_unit_test(flipped_bytes_are_refused_or_canonical),
        cmocka_unit_test(only_the_canonical_protobuf_is_taken),
        cmocka_unit_test(wish_bounds),
        cmocka_unit_test(st_fetch_bounds),
        cmocka_unit_test(st_pages_lie_within_their_totals),
        cmocka_unit_test(an_image_is_of_the_certificates_n),
        cmocka_unit_test(status_bounds),
        cmocka_unit_test(recalled_bounds),
        cmocka_unit_test(a_version_is_terminated_and_holds_no_nul),
        cmocka_unit_test(fetch_bounds),
        cmocka_unit_test(ranges_of_decisions_are_ordered),
        cmocka_unit_test(fixed_bodies_have_their_exact_width),
        cmocka_unit_test(an_empty_body_stays_empty),
        cmocka_unit_test(an_unsigned_frame_carries_no_signature),
        cmocka_unit_test(a_refusal_names_a_known_reason),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
