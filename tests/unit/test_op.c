/* Operations and requests: bounds of every field, text that is text, and requests that own themselves. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "round_trip.h"
#include "samples.h"

#include <stdlib.h>

/* Seals r with the sample client's key and opens it again. */
static enum error sealed(struct request *r) {
    struct buffer raw = {0};
    struct request *back;
    sample_request(&raw, r, sample_client(), r->req_seq);
    enum error e = request_new(&back, buffer_bytes(&raw));
    request_free(back);
    buffer_free(&raw);
    return e;
}

/* A request whose operation is given byte by byte. */
static enum error with_op(struct bytes op) {
    struct buffer body = {0}, raw = {0};
    struct request *r;
    struct sample_key key = sample_client();
    struct seal_context context = sample_context(FRAME_REQUEST, MEMBER_NONE);
    buffer_put(&body, key.pk.b, sizeof key.pk.b);
    buffer_u64(&body, 1);
    buffer_put(&body, op.data, op.len);
    frame_seal(&raw, &context, buffer_bytes(&body), &key.sk);
    enum error e = request_new(&r, buffer_bytes(&raw));
    request_free(r);
    buffer_free(&body);
    buffer_free(&raw);
    return e;
}

static char *text_of(size_t len) {
    char *text = xcalloc(1, len + 1);
    memset(text, 'x', len);
    return text;
}

static void an_observation_comes_back_as_it_was(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct request *r;
    sample_observe(&raw);
    assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_OK);
    memset(raw.data, 0xee, raw.len); /* the request owns itself */
    assert_int_equal(r->kind, OP_OBSERVE);
    assert_int_equal(r->req_seq, 7);
    assert_int_equal(r->observe.count, 3);
    const struct observation *o = &r->observe.list[0];
    assert_string_equal(o->host, "web1");
    assert_string_equal(o->service, "http");
    assert_string_equal(o->output, "CRITICAL: Connection refused");
    assert_string_equal(o->perfdata, "time=3.2s;1;5;0");
    assert_int_equal(o->state, 2);
    assert_true(o->observed_at == SAMPLE_TIME);
    assert_string_equal(r->observe.list[1].service, "");
    assert_int_equal(r->observe.list[2].state, 255);
    assert_string_equal(r->observe.list[2].output, "");
    struct digest d = crypto_digest(DIGEST_REQUEST, r->frame);
    assert_true(digest_equal(&d, &r->digest));
    request_free(r);
    buffer_free(&raw);
}

static enum error observe_count(unsigned count) {
    struct observation *list = xcalloc(count, sizeof *list);
    for (unsigned i = 0; i < count; i++) {
        list[i] = (struct observation){"h", "", i, 0, "", "", 0};
    }
    struct request r = {.kind = OP_OBSERVE, .req_seq = 1, .observe = {count, list}};
    enum error e = sealed(&r);
    free(list);
    return e;
}

static void a_bundle_holds_1_to_256_results(void **state) {
    (void)state;
    assert_int_equal(observe_count(1), ERR_OK);
    assert_int_equal(observe_count(OBSERVE_MAX), ERR_OK);
    assert_int_equal(with_op(bytes_of("\x0a\x00", 2)), ERR_MALFORMED);
    struct buffer op = {0};
    static const uint8_t head[] = {0x0a, 0x82, 0x04}; /* Observe of 514 bytes: 257 empty results */
    buffer_put(&op, head, sizeof head);
    for (unsigned i = 0; i <= OBSERVE_MAX; i++) {
        buffer_put(&op, "\x0a\x00", 2);
    }
    assert_int_equal(with_op(buffer_bytes(&op)), ERR_TOO_MANY);
    buffer_free(&op);
}

static enum error observe_text(size_t host, size_t service, size_t output, size_t perfdata) {
    char *text[] = {text_of(host), text_of(service), text_of(output), text_of(perfdata)};
    struct observation o = {text[0], text[1], 1, 0, text[2], text[3], 0};
    struct request r = {.kind = OP_OBSERVE, .req_seq = 1, .observe = {1, &o}};
    enum error e = sealed(&r);
    for (unsigned i = 0; i < 4; i++) {
        free(text[i]);
    }
    return e;
}

static void texts_are_bounded(void **state) {
    (void)state;
    assert_int_equal(observe_text(NAME_MAX_LEN, NAME_MAX_LEN, OUTPUT_MAX_LEN, OUTPUT_MAX_LEN), ERR_OK);
    assert_int_equal(observe_text(NAME_MAX_LEN + 1, 0, 0, 0), ERR_OVERSIZED);
    assert_int_equal(observe_text(1, NAME_MAX_LEN + 1, 0, 0), ERR_OVERSIZED);
    assert_int_equal(observe_text(1, 0, OUTPUT_MAX_LEN + 1, 0), ERR_OVERSIZED);
    assert_int_equal(observe_text(1, 0, 0, OUTPUT_MAX_LEN + 1), ERR_OVERSIZED);
}

static void texts_are_utf8_without_nul(void **state) {
    (void)state;
    assert_int_equal(with_op(bytes_of("\x0a\x06\x0a\x04\x0a\x02"
                                      "hi",
                                      8)),
                     ERR_OK);
    assert_int_equal(with_op(bytes_of("\x0a\x06\x0a\x04\x0a\x02"
                                      "h\0",
                                      8)),
                     ERR_NOT_UTF8);
    assert_int_equal(with_op(bytes_of("\x0a\x06\x0a\x04\x0a\x02\xc3\x28", 8)), ERR_NOT_UTF8);
    assert_int_equal(with_op(bytes_of("\x0a\x07\x0a\x05\x0a\x03\xed\xa0\x80", 9)), ERR_NOT_UTF8); /* a surrogate */
}

static void a_state_beyond_a_byte_is_out_of_range(void **state) {
    (void)state;
    assert_int_equal(with_op(bytes_of("\x0a\x05\x0a\x03\x20\xff\x01", 7)), ERR_OK);
    assert_int_equal(with_op(bytes_of("\x0a\x05\x0a\x03\x20\x80\x02", 7)), ERR_OUT_OF_RANGE);
}

static void a_request_holds_exactly_one_operation(void **state) {
    (void)state;
    assert_int_equal(with_op(bytes_of("", 0)), ERR_MALFORMED);
    assert_int_equal(with_op(bytes_of("\x12\x00", 2)), ERR_OK); /* TICK, all zero */
    assert_int_equal(with_op(bytes_of("\x12\x00\x12\x00", 4)), ERR_NOT_CANONICAL);
    assert_int_equal(with_op(bytes_of("\x0a\x00\x12\x00", 4)), ERR_NOT_CANONICAL);
    assert_int_equal(with_op(bytes_of("\x7a\x00", 2)), ERR_MALFORMED); /* unknown */
}

static enum error seq_of(uint64_t req_seq) {
    struct request r = {.kind = OP_TICK, .req_seq = req_seq, .tick = {1, 1, 1, 0, true}};
    return sealed(&r);
}

static void an_empty_text_is_left_out(void **state) {
    (void)state;
    assert_int_equal(with_op(bytes_of("\x0a\x02\x0a\x00", 4)), ERR_OK);
    assert_int_equal(with_op(bytes_of("\x0a\x04\x0a\x02\x0a\x00", 6)), ERR_NOT_CANONICAL);
}

static void request_numbers_start_at_1(void **state) {
    (void)state;
    assert_int_equal(seq_of(0), ERR_OUT_OF_RANGE);
    assert_int_equal(seq_of(1), ERR_OK);
    assert_int_equal(seq_of(NUMBER_MAX), ERR_OK);
    assert_int_equal(seq_of(NUMBER_MAX + 1), ERR_OUT_OF_RANGE);
}

static void a_request_binds_neither_member_nor_epoch(void **state) {
    (void)state;
    struct buffer raw = {0};
    struct request *r;
    sample_tick(&raw);
    raw.data[23] = 1; /* epoch */
    assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_OUT_OF_RANGE);
    raw.data[23] = 0;
    raw.data[24] = raw.data[25] = 0; /* sender 0 */
    assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_OUT_OF_RANGE);
    assert_null(r);
    buffer_clear(&raw);
    sample_wish(&raw);
    assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_BAD_TYPE);
    buffer_free(&raw);
}

static void a_request_shorter_than_its_head_is_malformed(void **state) {
    (void)state;
    struct sample_key key = sample_client();
    struct seal_context context = sample_context(FRAME_REQUEST, MEMBER_NONE);
    static const uint8_t body[PUBLIC_KEY_LEN + 7];
    for (size_t len = 0; len <= sizeof body; len++) {
        struct buffer raw = {0};
        struct request *r;
        frame_seal(&raw, &context, bytes_of(body, len), &key.sk);
        assert_int_equal(request_new(&r, buffer_bytes(&raw)), ERR_MALFORMED);
        buffer_free(&raw);
    }
}

static enum error blob_of(uint32_t index, size_t len) {
    char *part = text_of(len);
    struct request r = {.kind = OP_BLOB, .req_seq = 1, .blob = {sample_digest(1), index, bytes_of(part, len)}};
    enum error e = sealed(&r);
    free(part);
    return e;
}

static void blob_bounds(void **state) {
    (void)state;
    assert_int_equal(blob_of(0, 1), ERR_OK);
    assert_int_equal(blob_of(BLOB_INDEX_MAX, BLOB_MAX_LEN), ERR_OK);
    assert_int_equal(blob_of(0, 0), ERR_MALFORMED);
    assert_int_equal(blob_of(0, BLOB_MAX_LEN + 1), ERR_OVERSIZED);
    assert_int_equal(blob_of(BLOB_INDEX_MAX + 1, 1), ERR_OUT_OF_RANGE);
}

static enum error apply_of(uint64_t length) {
    struct request r = {.kind = OP_APPLY, .req_seq = 1, .apply = {.length = length}};
    return sealed(&r);
}

static void apply_and_tick_bounds(void **state) {
    (void)state;
    assert_int_equal(apply_of(0), ERR_OUT_OF_RANGE);
    assert_int_equal(apply_of(1), ERR_OK);
    assert_int_equal(apply_of(OBJECTS_MAX_LEN), ERR_OK);
    assert_int_equal(apply_of(OBJECTS_MAX_LEN + 1), ERR_OUT_OF_RANGE);
    struct request r = {.kind = OP_TICK, .req_seq = 1, .tick = {.wall = TIME_MAX_MS, .view = NUMBER_MAX}};
    assert_int_equal(sealed(&r), ERR_OK);
    r.tick.wall = TIME_MAX_MS + 1;
    assert_int_equal(sealed(&r), ERR_OUT_OF_RANGE);
    r.tick.wall = -1;
    assert_int_equal(sealed(&r), ERR_OUT_OF_RANGE);
    r.tick = (struct op_tick){.view = NUMBER_MAX + 1};
    assert_int_equal(sealed(&r), ERR_OUT_OF_RANGE);
}

static enum error query_of(unsigned kind, uint32_t limit, uint64_t offset) {
    struct request r = {
        .kind = OP_QUERY, .req_seq = 1, .query = {(enum query_kind)kind, "", "", "", "", limit, offset}};
    return sealed(&r);
}

static void query_bounds(void **state) {
    (void)state;
    assert_int_equal(query_of(QUERY_STATUS, 1, 0), ERR_OK);
    assert_int_equal(query_of(QUERY_OBJECTS, QUERY_PAGE_MAX, OBJECTS_MAX_LEN), ERR_OK);
    assert_int_equal(query_of(0, 1, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(query_of(QUERY_NOTES, 1, NUMBER_MAX), ERR_OK);
    assert_int_equal(query_of(QUERY_NOTIFIED, 1, 0), ERR_OK);
    assert_int_equal(query_of(QUERY_DRILLS, 1, 0), ERR_OK);
    assert_int_equal(query_of(QUERY_DRILLS + 1, 1, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(query_of(QUERY_STATUS, 0, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(query_of(QUERY_STATUS, QUERY_PAGE_MAX + 1, 0), ERR_OUT_OF_RANGE);
    assert_int_equal(query_of(QUERY_STATUS, 1, (uint64_t)OBJECTS_MAX_LEN + 1), ERR_OUT_OF_RANGE);
}

static enum error command_of(struct op_command c) {
    struct request r = {.kind = OP_COMMAND, .req_seq = 1, .command = c};
    return sealed(&r);
}

static void command_bounds(void **state) {
    (void)state;
    const struct op_command good = {
        COMMAND_COMMENT, TARGET_OBJECT, SUBJECT_NONE, "web1", "", "", 0, 0, 0, 0, 0, "", ""};
    struct op_command c = good;
    char *comment = text_of(COMMENT_MAX_LEN + 1), *author = text_of(AUTHOR_MAX_LEN + 1);
    assert_int_equal(command_of(good), ERR_OK);
    for (unsigned kind = 0; kind <= COMMAND_KIND_LIMIT; kind++) {
        c.kind = (enum command_kind)kind;
        assert_int_equal(command_of(c), kind >= 1 && kind < COMMAND_KIND_LIMIT ? ERR_OK : ERR_OUT_OF_RANGE);
    }
    c = good;
    c.target = (enum command_target)0;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c.target = TARGET_LIMIT;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c = good;
    c.subject = SUBJECT_LIMIT;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c = good;
    c.flags = COMMAND_FLAGS_ALL + 1;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c = good;
    c.end = TIME_MAX_MS + 1;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c = good;
    c.duration = -1;
    assert_int_equal(command_of(c), ERR_OUT_OF_RANGE);
    c = good;
    c.comment = comment;
    assert_int_equal(command_of(c), ERR_OVERSIZED);
    comment[COMMENT_MAX_LEN] = 0;
    assert_int_equal(command_of(c), ERR_OK);
    c.comment = "caf\xe9";
    assert_int_equal(command_of(c), ERR_NOT_UTF8);
    c = good;
    c.author = author;
    assert_int_equal(command_of(c), ERR_OVERSIZED);
    free(comment);
    free(author);
}

static enum error notified_of(uint64_t first, uint64_t last, const char *handler, const char *instance) {
    struct request r = {.kind = OP_NOTIFIED, .req_seq = 1, .notified = {first, last, handler, instance}};
    return sealed(&r);
}

static void notified_bounds(void **state) {
    (void)state;
    char name[NOTIFY_NAME_MAX + 1] = "";
    memset(name, 'x', NOTIFY_NAME_MAX);
    assert_int_equal(notified_of(1, 1, "page", "a"), ERR_OK);
    assert_int_equal(notified_of(NUMBER_MAX, NUMBER_MAX, name, name), ERR_OK);
    assert_int_equal(notified_of(0, 1, "page", "a"), ERR_OUT_OF_RANGE);
    assert_int_equal(notified_of(2, 1, "page", "a"), ERR_OUT_OF_RANGE);
    assert_int_equal(notified_of(1, NUMBER_MAX + 1, "page", "a"), ERR_OUT_OF_RANGE);
    assert_int_equal(with_op(bytes_of("\x42\x0a\x08\x01\x10\x01\x1a\x01p\x22\x01q", 12)), ERR_OK);
    assert_int_equal(with_op(bytes_of("\x42\x0a\x08\x01\x10\x01\x1a\x01 \x22\x01q", 12)), ERR_MALFORMED);
    assert_int_equal(with_op(bytes_of("\x42\x0a\x08\x01\x10\x01\x1a\x01p\x22\x01/", 12)), ERR_MALFORMED);
    assert_int_equal(with_op(bytes_of("\x42\x07\x08\x01\x10\x01\x1a\x01p", 9)), ERR_MALFORMED);
}

static void evidence_holds_frames_of_a_known_kind(void **state) {
    (void)state;
    assert_int_equal(with_op(bytes_of("\x32\x08\x08\x0c\x12\x01x\x12\x01y", 10)), ERR_OK);
    assert_int_equal(with_op(bytes_of("\x32\x05\x08\x07\x12\x01x", 7)), ERR_OK);
    static const char seven[] = "\x32\x17\x08\x0e\x12\x01x\x12\x01x\x12\x01x\x12\x01x\x12\x01x\x12\x01x\x12\x01x";
    assert_int_equal(with_op(bytes_of(seven, 25)), ERR_TOO_MANY);
    assert_int_equal(with_op(bytes_of("\x32\x08\x08\x0f\x12\x01x\x12\x01y", 10)), ERR_OUT_OF_RANGE);
    assert_int_equal(with_op(bytes_of("\x32\x06\x12\x01x\x12\x01y", 8)), ERR_OUT_OF_RANGE);
    assert_int_equal(with_op(bytes_of("\x32\x07\x08\x0c\x12\x01x\x12\x00", 9)), ERR_MALFORMED);
}

static enum error staged_evidence(size_t digest_len, uint64_t length, bool with_frame) {
    struct buffer op = {0};
    buffer_put(&op, "\x08\x09", 2);
    if (with_frame) {
        buffer_put(&op, "\x12\x01x", 3);
    }
    buffer_u8(&op, 0x1a);
    buffer_u8(&op, (uint8_t)digest_len);
    memset(buffer_extend(&op, digest_len), 7, digest_len);
    buffer_u8(&op, 0x20);
    for (; length >= 0x80; length >>= 7) {
        buffer_u8(&op, (uint8_t)(length | 0x80));
    }
    buffer_u8(&op, (uint8_t)length);
    struct buffer whole = {0};
    buffer_u8(&whole, 0x32);
    buffer_u8(&whole, (uint8_t)op.len);
    buffer_put(&whole, op.data, op.len);
    enum error e = with_op(buffer_bytes(&whole));
    buffer_free(&op);
    buffer_free(&whole);
    return e;
}

static void evidence_too_large_for_a_request_names_what_was_staged(void **state) {
    (void)state;
    assert_int_equal(staged_evidence(DIGEST_LEN, 1, false), ERR_OK);
    assert_int_equal(staged_evidence(DIGEST_LEN, EVIDENCE_STAGED_MAX, false), ERR_OK);
    assert_int_equal(staged_evidence(DIGEST_LEN, EVIDENCE_STAGED_MAX + 1, false), ERR_OUT_OF_RANGE);
    assert_int_not_equal(staged_evidence(DIGEST_LEN - 1, 1, false), ERR_OK);
    assert_int_equal(staged_evidence(DIGEST_LEN, 1, true), ERR_MALFORMED); /* one or the other */
}

static void an_observations_digest_covers_every_field(void **state) {
    (void)state;
    const struct observation a = {"web1", "http", 5, 2, "out", "perf", SAMPLE_TIME};
    struct observation others[] = {a, a, a, a, a, a, a, a};
    others[0].host = "web2";
    others[1].service = "httq";
    others[2].obs_seq = 6;
    others[3].state = 1;
    others[4].output = "ouu";
    others[5].perfdata = "perg";
    others[6].observed_at++;
    others[7].output = "outp"; /* the same letters, cut elsewhere */
    others[7].perfdata = "erf";
    struct digest d = observation_digest(&a), same = observation_digest(&a);
    assert_true(digest_equal(&d, &same));
    for (unsigned i = 0; i < 8; i++) {
        struct digest other = observation_digest(&others[i]);
        assert_false(digest_equal(&d, &other));
    }
}

/* Two results: a, and a with another output, state, host, service or number. */
static enum error bundle_of(const struct observation *a, const struct observation *b) {
    struct secret_key secret;
    struct public_key key;
    uint8_t seed[SECRET_SEED_LEN] = {7};
    struct cluster_id cluster = {{1}};
    struct observation list[] = {*a, {"web0", "", 9, 0, "", "", SAMPLE_TIME}, *b};
    struct buffer frame = {0};
    struct request *r = NULL;
    crypto_keypair_from_seed(&key, &secret, seed);
    request_seal(&frame, &(struct request){.client = key, .req_seq = 1, .kind = OP_OBSERVE, .observe = {3, list}},
                 &cluster, &secret);
    enum error e = request_new(&r, buffer_bytes(&frame));
    if (e == ERR_OK) {
        request_free(r);
    }
    buffer_free(&frame);
    return e;
}

static void a_bundle_names_each_result_once(void **state) {
    (void)state;
    const struct observation a = {"web1", "http", 5, 2, "out", "perf", SAMPLE_TIME};
    struct observation others[] = {a, a, a, a, a};
    others[1].output = "other";
    others[2].host = "web2";
    others[3].service = "ssh";
    others[4].obs_seq = 4;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(bundle_of(&a, &others[i]), i < 2 ? ERR_MALFORMED : ERR_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_observation_comes_back_as_it_was),
        cmocka_unit_test(a_bundle_holds_1_to_256_results),
        cmocka_unit_test(texts_are_bounded),
        cmocka_unit_test(texts_are_utf8_without_nul),
        cmocka_unit_test(a_state_beyond_a_byte_is_out_of_range),
        cmocka_unit_test(a_request_holds_exactly_one_operation),
        cmocka_unit_test(an_empty_text_is_left_out),
        cmocka_unit_test(request_numbers_start_at_1),
        cmocka_unit_test(a_request_binds_neither_member_nor_epoch),
        cmocka_unit_test(a_request_shorter_than_its_head_is_malformed),
        cmocka_unit_test(blob_bounds),
        cmocka_unit_test(apply_and_tick_bounds),
        cmocka_unit_test(query_bounds),
        cmocka_unit_test(command_bounds),
        cmocka_unit_test(notified_bounds),
        cmocka_unit_test(evidence_holds_frames_of_a_known_kind),
        cmocka_unit_test(evidence_too_large_for_a_request_names_what_was_staged),
        cmocka_unit_test(an_observations_digest_covers_every_field),
        cmocka_unit_test(a_bundle_names_each_result_once),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
