/* What stays of drills (R13): proofs of what they made a member do, the bounded list, the records, the wire. */
#include "tests/unit/drilling.h"

/* ---- evidence ---- */

static const struct evidence_record *proof(const struct story *s, member_id culprit, bool drilled) {
    const struct evidence_record *p;
    for (uint32_t i = 0; (p = ledger_proof_at(s->m.ledger, i)); i++)
        if (public_key_equal(&p->culprit, &cluster.members[culprit].key) && (p->drill != 0) == drilled)
            return p;
    return NULL;
}

static void what_a_drill_made_it_do_convicts_nobody(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    rest(&s, 20);
    assert_int_equal(drill(&s, 2), ERR_OK); /* n = 21 */
    accuse(&s, 0, 2, 21 - W + 1);
    assert_non_null(proof(&s, 2, true));
    assert_int_equal(proof(&s, 2, true)->drill, 1);
    assert_int_equal(proof(&s, 2, true)->count, 1);
    assert_int_equal(s.out.proven_count, 1); /* and its frames are kept */
    assert_null(proof(&s, 2, false));
    assert_false(convicted(&s, 2));
    assert_int_equal(s.alerts, 0);
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, 24, 0);
    rest(&s, 24 + W + 10);
    accuse(&s, 1, 2, 24); /* kept by somebody, and shown long afterwards */
    assert_false(convicted(&s, 2));
    assert_int_equal(proof(&s, 2, true)->count, 2);
    accuse(&s, 1, 2, 25);
    assert_true(convicted(&s, 2));
    assert_int_equal(s.alerts, 1);
    assert_int_equal(proof(&s, 2, false)->count, 1);
    end(&s);
}

static void a_lie_from_before_the_drill_is_a_lie(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    rest(&s, 20);
    assert_int_equal(drill(&s, 2), ERR_OK);
    accuse(&s, 0, 2, 21 - W);
    assert_true(convicted(&s, 2));
    assert_int_equal(record(&s, 1)->end, DRILL_END_EVIDENCE);
    end(&s);
}

static void each_drill_begins_its_proofs_anew(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    accuse(&s, 0, 2, 3);
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, 3, 0);
    rest(&s, 3 + W + 1);
    assert_int_equal(drill(&s, 2), ERR_OK);
    accuse(&s, 0, 2, s.n);
    assert_int_equal(proof(&s, 2, true)->drill, 2);
    assert_int_equal(proof(&s, 2, true)->count, 1);
    end(&s);
}

static void a_newer_drill_counts_no_sooner_and_an_older_one_no_more(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    rest(&s, 20);
    assert_int_equal(drill(&s, 2), ERR_OK);
    seq_no first = s.n;
    assert_int_equal(stop(&s, 1), ERR_OK);
    done(&s, 2, 1, first, 0);
    rest(&s, first + W + 1);
    assert_int_equal(drill(&s, 2), ERR_OK);
    seq_no second = s.n;
    accuse(&s, 1, 2, first);
    seq_no counted = s.n;
    assert_int_equal(s.out.proven_count, 1);
    rest(&s, counted + K - 2);
    accuse(&s, 1, 2, second);
    assert_int_equal(s.out.proven_count, 0);
    assert_int_equal(proof(&s, 2, true)->drill, 1);
    accuse(&s, 1, 2, second);
    assert_int_equal(s.out.proven_count, 1);
    assert_int_equal(proof(&s, 2, true)->drill, 2);
    rest(&s, s.n + K);
    accuse(&s, 1, 2, first);
    assert_int_equal(s.out.proven_count, 0);
    assert_int_equal(proof(&s, 2, true)->drill, 2);
    assert_false(convicted(&s, 2));
    end(&s);
}

/* ---- kept ---- */

static void run_through(struct story *s, unsigned drills) {
    for (unsigned i = 0; i < drills; i++) {
        assert_int_equal(drill(s, (member_id)(i % 4)), ERR_OK);
        uint64_t id = ledger_drill_running(s->m.ledger)->id;
        assert_int_equal(stop(s, id), ERR_OK);
        done(s, (member_id)(i % 4), id, s->n, 0);
        rest(s, s->n + W + 1);
    }
}

static void the_list_is_bounded_and_what_leaves_it_still_excuses(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    run_through(&s, LEDGER_DRILLS_MAX + 1);
    assert_int_equal(ledger_drill_at(s.m.ledger, 0)->id, 2);
    assert_int_equal(ledger_drill_at(s.m.ledger, LEDGER_DRILLS_MAX - 1)->id, LEDGER_DRILLS_MAX + 1);
    assert_null(ledger_drill_at(s.m.ledger, LEDGER_DRILLS_MAX));
    accuse(&s, 1, 0, 3);
    assert_false(convicted(&s, 0));
    assert_int_equal(proof(&s, 0, true)->drill, 1);
    assert_int_equal(record(&s, 5)->target, 0);
    accuse(&s, 1, 0, 4); /* forgotten, the first drill had signed as far as 3 */
    assert_true(convicted(&s, 0));
    accuse(&s, 1, 3, 3); /* of replica 3 no drill is forgotten */
    assert_true(convicted(&s, 3));
    end(&s);
}

/* Seven members bear two faulty ones: beside a target that counts for every drill of the list, one more. */
static void where_all_that_are_listed_count_the_next_is_refused(void **state) {
    (void)state;
    struct story s;
    begin_in(&s, 7, DRILLS_LIVE);
    for (uint64_t id = 1; id <= LEDGER_DRILLS_MAX; id++) {
        s.view = id;
        later(&s, 10);
        assert_int_equal(drill(&s, 2), ERR_OK);
        assert_int_equal(stop(&s, id), ERR_OK);
        done(&s, 2, id, 0, id);
        s.view = id + 1;
        later(&s, 10);
    }
    s.view = 0; /* so they say now */
    later(&s, 10);
    assert_int_equal(drill(&s, 3), ERR_TOO_MANY);
    assert_string_equal(s.text, "64 drills are listed, and each of them still counts");
    assert_null(ledger_drill_running(s.m.ledger));
    s.view = 2;
    later(&s, 10);
    assert_int_equal(drill(&s, 3), ERR_OK);
    assert_int_equal(ledger_drill_at(s.m.ledger, 0)->id, 2);
    end(&s);
}

static void records_bring_drills_back(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    run_through(&s, LEDGER_DRILLS_MAX + 1);
    accuse(&s, 1, 0, 3);
    assert_int_equal(drill(&s, 2), ERR_OK);
    struct copy copy = {ledger_new(&cluster), 0};
    ledger_flush(s.m.ledger, &(struct record_sink){&copy, copy_record});
    struct buffer a = {0}, b = {0};
    for (uint32_t i = 0; i < LEDGER_DRILLS_MAX; i++) {
        drill_record_encode(&a, ledger_drill_at(s.m.ledger, i));
        drill_record_encode(&b, ledger_drill_at(copy.to, i));
    }
    evidence_record_encode(&a, ledger_proof_at(s.m.ledger, 0));
    evidence_record_encode(&b, ledger_proof_at(copy.to, 0));
    assert_true(bytes_equal(buffer_bytes(&a), buffer_bytes(&b)));
    assert_int_equal(ledger_drill_running(copy.to)->id, LEDGER_DRILLS_MAX + 2);
    struct ledger *own = s.m.ledger;
    s.m.ledger = copy.to; /* goes on from the copy: the faults and the excuses are still known */
    s.silent = set_of(1);
    later(&s, 4999);
    assert_int_equal(ledger_drill_running(s.m.ledger)->id, LEDGER_DRILLS_MAX + 2);
    later(&s, 1);
    assert_null(ledger_drill_running(s.m.ledger));
    accuse(&s, 3, 0, 3);
    assert_false(convicted(&s, 0));
    s.m.ledger = own;
    struct copy none = {NULL, 0};
    ledger_flush(s.m.ledger, &(struct record_sink){&none, copy_record});
    assert_int_equal(none.count, 0);
    ledger_free(copy.to);
    buffer_free(&a);
    buffer_free(&b);
    end(&s);
}

static void damaged_records_are_refused(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    struct drill_record d = {
        .id = 1, .target = 2, .name = "a", .behaviour = "b", .operator_name = "c", .started_n = 2, .ends_t = 5};
    struct buffer good = {0}, bad = {0};
    static const uint8_t past[40] = {[7] = 1, [15] = 1, [23] = 1, [31] = 1, [39] = 1};
    drill_record_encode(&good, &d);
    struct bytes key = bytes_of("ld\0\0\0\0\0\0\0\1", 10), other = bytes_of("ld\0\0\0\0\0\0\0\2", 10);
    assert_int_equal(ledger_restore(s.m.ledger, other, buffer_bytes(&good)), ERR_CORRUPT);
    for (size_t len = 0; len < good.len; len++)
        assert_int_equal(ledger_restore(s.m.ledger, key, bytes_of(good.data, len)), ERR_CORRUPT);
    d.target = 4;
    drill_record_encode(&bad, &d);
    assert_int_equal(ledger_restore(s.m.ledger, key, buffer_bytes(&bad)), ERR_CORRUPT);
    buffer_clear(&bad);
    d.target = 2;
    d.counts = true;
    drill_record_encode(&bad, &d);
    assert_int_equal(ledger_restore(s.m.ledger, key, buffer_bytes(&bad)), ERR_CORRUPT);
    buffer_clear(&bad);
    d.counts = false;
    d.closed_n = 9; /* while it runs */
    drill_record_encode(&bad, &d);
    assert_int_equal(ledger_restore(s.m.ledger, key, buffer_bytes(&bad)), ERR_CORRUPT);
    assert_int_equal(ledger_restore(s.m.ledger, key, buffer_bytes(&good)), ERR_OK);
    assert_int_equal(ledger_restore(s.m.ledger, bytes_of("lf\0\4", 4), bytes_of(past, sizeof past)), ERR_CORRUPT);
    assert_int_equal(ledger_restore(s.m.ledger, bytes_of("lf\0\3", 4), bytes_of(past, sizeof past)), ERR_OK);
    assert_int_equal(ledger_restore(s.m.ledger, bytes_of("lf\0\3", 4), bytes_of(past, sizeof past - 1)), ERR_CORRUPT);
    buffer_free(&good);
    buffer_free(&bad);
    end(&s);
}

/* ---- on the wire ---- */

static enum error ordered(uint32_t target, const char *behaviour, const char *name, uint32_t ms) {
    struct buffer op = {0}, raw = {0}, body = {0};
    struct keys k = keys_of(OPERATOR);
    struct seal_context context = {FRAME_REQUEST, cluster.id, 0, MEMBER_NONE};
    struct request *out = NULL;
    if (target)
        buffer_printf(&op, "\x08%c", (int)target);
    buffer_printf(&op, "\x12%c%s\x1a%c%s", (int)strlen(behaviour), behaviour, (int)strlen(name), name);
    buffer_u8(&op, 0x20);
    for (; ms >= 0x80; ms >>= 7)
        buffer_u8(&op, (uint8_t)(ms | 0x80));
    buffer_u8(&op, (uint8_t)ms);
    buffer_put(&body, k.pk.b, PUBLIC_KEY_LEN);
    buffer_u64(&body, 1);
    buffer_u8(&body, 0x4a);
    for (size_t len = op.len;; len >>= 7) {
        buffer_u8(&body, (uint8_t)(len < 0x80 ? len : len | 0x80));
        if (len < 0x80)
            break;
    }
    buffer_put(&body, op.data, op.len);
    frame_seal(&raw, &context, buffer_bytes(&body), &k.sk);
    enum error e = request_new(&out, buffer_bytes(&raw));
    request_free(out);
    buffer_free(&op);
    buffer_free(&raw);
    buffer_free(&body);
    return e;
}

static void orders_are_bounded(void **state) {
    (void)state;
    char longest[DRILL_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest);
    longest[DRILL_NAME_MAX] = '\0';
    found(4, DRILLS_LIVE);
    assert_int_equal(ordered(MEMBERS_MAX - 1, "delay-proposals:400", "slow", DRILL_MS_MIN), ERR_OK);
    assert_int_equal(ordered(0, longest, longest, DRILL_MS_MAX), ERR_OK);
    assert_int_equal(ordered(MEMBERS_MAX, "silent", "slow", 5000), ERR_OUT_OF_RANGE);
    assert_int_equal(ordered(1, "silent", "slow", DRILL_MS_MIN - 1), ERR_OUT_OF_RANGE);
    assert_int_equal(ordered(1, "silent", "slow", DRILL_MS_MAX + 1), ERR_OUT_OF_RANGE);
    static const char *const NAMES[] = {"Slow", "a b", "a:b", "a\n", "../a"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        assert_int_equal(ordered(1, "silent", NAMES[i], 5000), ERR_MALFORMED);
    static const char *const BEHAVIOURS[] = {"Silent", ":4", "a:", "a:b:c", "a b", "later:silent", "a:\"", "later"};
    for (size_t i = 0; i < sizeof BEHAVIOURS / sizeof BEHAVIOURS[0]; i++)
        assert_int_equal(ordered(1, BEHAVIOURS[i], "slow", 5000), ERR_MALFORMED);
    longest[DRILL_NAME_MAX] = 'x';
    longest[DRILL_NAME_MAX + 1] = '\0';
    assert_int_equal(ordered(1, longest, "slow", 5000), ERR_OVERSIZED);
    assert_int_equal(ordered(1, "silent", longest, 5000), ERR_OVERSIZED);
}

static void a_query_lists_them(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    run_through(&s, 1);
    assert_int_equal(drill(&s, 1), ERR_OK);
    struct request r = {.kind = OP_QUERY, .query = {QUERY_DRILLS, "", "", "", "", 1, 1}};
    struct request *q = sealed(&s, EU, r);
    execute(&s, (const struct request *const *)&q, 1);
    struct arena arena = {0};
    struct reply reply;
    struct query_page page;
    struct drill_record d;
    assert_int_equal(reply_decode(&reply, executed_leaf(&s.out, 0), &arena), ERR_OK);
    assert_int_equal(query_page_decode(&page, reply.value, &arena), ERR_OK);
    struct reader in = reader_of(page.part);
    assert_int_equal(drill_record_decode(&d, &in), ERR_OK);
    assert_true(reader_done(&in));
    assert_false(page.more);
    assert_int_equal(d.id, 2);
    assert_true(d.counts);
    arena_free(&arena);
    request_free(q);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_drill_made_it_do_convicts_nobody),
        cmocka_unit_test(a_lie_from_before_the_drill_is_a_lie),
        cmocka_unit_test(each_drill_begins_its_proofs_anew),
        cmocka_unit_test(a_newer_drill_counts_no_sooner_and_an_older_one_no_more),
        cmocka_unit_test(the_list_is_bounded_and_what_leaves_it_still_excuses),
        cmocka_unit_test(where_all_that_are_listed_count_the_next_is_refused),
        cmocka_unit_test(records_bring_drills_back),
        cmocka_unit_test(damaged_records_are_refused),
        cmocka_unit_test(orders_are_bounded),
        cmocka_unit_test(a_query_lists_them),
    };
    return cmocka_run_group_tests_name("drills kept", tests, NULL, NULL);
}
