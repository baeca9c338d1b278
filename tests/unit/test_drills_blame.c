/* Whose doing a proof is (R13): what a drill answers for, place by place, and what its target answers for itself. */
#include "proto/codec.h"
#include "tests/unit/drilling.h"

static void view_change(struct buffer *out, member_id who, view_no v) {
    struct keys k = keys_of((uint8_t)(1 + who));
    struct seal_context context = {FRAME_VIEW_CHANGE, cluster.id, 0, who};
    struct msg m = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = v}};
    struct buffer body = {0};
    codec_encode(&body, &m);
    frame_seal(out, &context, buffer_bytes(&body), &k.sk);
    buffer_free(&body);
}

static void show(struct story *s, enum evidence_kind kind, struct buffer *frames, unsigned count) {
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = kind, .count = count}};
    for (unsigned i = 0; i < count; i++)
        r.evidence.frames[i] = buffer_bytes(&frames[i]);
    asks(s, 2, r); /* replica 1 */
    for (unsigned i = 0; i < count; i++)
        buffer_free(&frames[i]);
}

/* Replica 2 committed n, and its VIEW-CHANGE for v knows nothing of it. */
static void show_omission(struct story *s, seq_no n, view_no v) {
    struct buffer frames[2] = {{0}};
    vote(&frames[0], FRAME_COMMIT, 2, n, 1);
    view_change(&frames[1], 2, v);
    show(s, EV_VC_OMISSION, frames, 2);
}

static void ticks_view(struct story *s, member_id who, view_no view) {
    struct request r = {.kind = OP_TICK, .tick = {1, ++s->counter, s->wall, view, true}};
    asks(s, (uint8_t)(1 + who), r);
}

/* Replica 2 was drilled from n = 21 on. */
static void drilled(struct story *s, seq_no max_n, view_no max_view) {
    begin(s);
    rest(s, 20);
    assert_int_equal(drill(s, 2), ERR_OK);
    assert_int_equal(stop(s, 1), ERR_OK);
    done(s, 2, 1, max_n, max_view);
    assert_true(record(s, 1)->done);
}

static void an_omission_is_the_drills_when_either_half_is(void **state) {
    (void)state;
    static const struct {
        seq_no max_n, n;
        view_no max_view, v;
        bool convicts;
    } ROWS[] = {
        {24, 24, 0, 1, false},                      /* a bent COMMIT, and the VIEW-CHANGE of an honest core */
        {24, 25, 0, 1, true},  {24, 5, 0, 1, true}, /* committed W before the drill */
        {0, 24, 3, 3, false},                       /* the other way round */
        {0, 24, 3, 4, true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct story s;
        drilled(&s, ROWS[i].max_n, ROWS[i].max_view);
        show_omission(&s, ROWS[i].n, ROWS[i].v);
        assert_non_null(ledger_proof_at(s.m.ledger, 0));
        assert_int_equal(convicted(&s, 2), ROWS[i].convicts);
        end(&s);
    }
}

static void who_never_says_done_is_not_excused_for_ever(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    rest(&s, 20);
    s.view = 3;
    later(&s, 10);
    assert_int_equal(drill(&s, 2), ERR_OK);
    show_omission(&s, 1000, 1000); /* it runs */
    assert_false(convicted(&s, 2));
    assert_int_equal(stop(&s, 1), ERR_OK);
    later(&s, LEDGER_DRILL_OPEN_MS - 1);
    show_omission(&s, 1100, 1100); /* its target may lie on: it may be cut off, or lag */
    assert_false(convicted(&s, 2));
    later(&s, 1);
    seq_no n = s.n + 2 * W;
    view_no view = 3 + LEDGER_DRILL_VIEWS;
    s.view = 9; /* what is told later does not matter */
    rest(&s, n + 100);
    show_omission(&s, n + 1, view);
    accuse(&s, 1, 2, n);
    assert_false(convicted(&s, 2));
    assert_true(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    show_omission(&s, n + 1, view + 1);
    assert_true(convicted(&s, 2));
    end(&s);
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    later(&s, LEDGER_DRILL_OPEN_MS);
    accuse(&s, 1, 2, s.n + 2 * W + 1);
    assert_true(convicted(&s, 2));
    end(&s);
}

static void a_late_claim_excuses_no_more_than_the_drill_can_have_done(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    later(&s, LEDGER_DRILL_OPEN_MS);
    seq_no n = s.n + 2 * W;
    assert_int_equal(record(&s, 1)->closed_n, s.n);
    rest(&s, 200);
    s.view = 40;
    later(&s, 10);
    done(&s, 2, 1, s.n, 40);
    assert_true(record(&s, 1)->done);
    accuse(&s, 1, 2, n);
    show_omission(&s, n + 1, LEDGER_DRILL_VIEWS);
    assert_false(convicted(&s, 2));
    accuse(&s, 1, 2, n + 1);
    assert_true(convicted(&s, 2));
    end(&s);
}

static void a_claim_of_views_reaches_as_far_as_others_tell(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    ticks_view(&s, 2, 900);
    ticks_view(&s, 3, 800); /* one other alone tells nothing */
    done(&s, 2, 1, 0, NUMBER_MAX);
    done(&s, 2, 1, 0, LEDGER_DRILL_VIEWS + 1);
    assert_false(record(&s, 1)->done);
    ticks_view(&s, 1, 1);
    done(&s, 2, 1, 0, LEDGER_DRILL_VIEWS + 2);
    assert_false(record(&s, 1)->done);
    done(&s, 2, 1, 0, LEDGER_DRILL_VIEWS + 1);
    assert_true(record(&s, 1)->done);
    assert_int_equal(record(&s, 1)->closed_n, s.n);
    assert_int_equal(record(&s, 1)->closed_view, 1);
    end(&s);
}

static void views_begin_where_others_tell_that_the_target_is(void **state) {
    (void)state;
    enum { TOLD = 9, LAG = LEDGER_DRILL_LAG };
    static const struct {
        view_no own, begins;
    } ROWS[] = {{TOLD, TOLD}, {TOLD - LAG, TOLD - LAG}, {TOLD - LAG - 1, TOLD - LAG}, {0, TOLD - LAG}, {77, TOLD}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct story s;
        begin(&s);
        s.view = TOLD;
        rest(&s, 40);
        ticks_view(&s, 2, ROWS[i].own);
        ticks_view(&s, 3, 80); /* one other alone tells nothing */
        assert_int_equal(drill(&s, 2), ERR_OK);
        show_omission(&s, 2, ROWS[i].begins);
        assert_false(convicted(&s, 2));
        show_omission(&s, 2, ROWS[i].begins - 1);
        assert_true(convicted(&s, 2));
        end(&s);
    }
}

static void receipt(struct buffer *out, member_id who, seq_no n, uint8_t root) {
    uint8_t body[RECEIPT_BODY_LEN];
    struct keys k = keys_of((uint8_t)(1 + who));
    struct receipt_body b = {.n = n, .output_root = {{root}}, .t = 5};
    struct seal_context context = {FRAME_RECEIPT, cluster.id, 0, who};
    receipt_encode(body, &b);
    frame_seal(out, &context, bytes_of(body, sizeof body), &k.sk);
}

static void a_receipt_forged_before_the_drill_is_not_the_drills(void **state) {
    (void)state;
    static const struct {
        seq_no n;
        uint64_t drill;
    } ROWS[] = {{21 - W, 0}, {21 - W + 1, 1}, {24, 1}, {25, 0}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct story s;
        struct buffer frames[3] = {{0}};
        drilled(&s, 24, 0);
        receipt(&frames[0], 2, ROWS[i].n, 1);
        receipt(&frames[1], 0, ROWS[i].n, 2);
        receipt(&frames[2], 1, ROWS[i].n, 2);
        show(&s, EV_BAD_RECEIPT, frames, 3);
        assert_int_equal(ledger_proof_at(s.m.ledger, 0)->drill, ROWS[i].drill);
        assert_int_equal(s.alerts, ROWS[i].drill ? 0 : 1);
        end(&s);
    }
}

static bool at_fault(const struct story *s) {
    const struct evidence_record *p;
    for (uint32_t i = 0; (p = ledger_proof_at(s->m.ledger, i)); i++)
        if (p->drill == 0)
            return true;
    return false;
}

static void show_two_ticks(struct story *s, uint64_t counter) {
    struct buffer frames[2] = {{0}};
    struct keys k = keys_of(3);
    for (unsigned i = 0; i < 2; i++) {
        struct request r = {.client = k.pk, .req_seq = 500, .kind = OP_TICK, .tick = {1, counter, T0 + i, 0, true}};
        request_seal(&frames[i], &r, &cluster.id, &k.sk);
    }
    show(s, EV_TICK_EQUIV, frames, 2);
}

static void two_ticks_are_the_drills_while_they_may_still_be_shown(void **state) {
    (void)state;
    struct story s;
    drilled(&s, 0, 0);
    assert_false(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    later(&s, LEDGER_DRILL_OPEN_MS - 1);
    show_two_ticks(&s, 900);
    assert_non_null(ledger_proof_at(s.m.ledger, 0));
    assert_false(at_fault(&s));
    later(&s, 1);
    show_two_ticks(&s, 901);
    assert_true(at_fault(&s));
    end(&s);
    begin(&s);
    assert_int_equal(drill(&s, 2), ERR_OK);
    assert_int_equal(stop(&s, 1), ERR_OK);
    later(&s, LEDGER_DRILL_OPEN_MS); /* it never says DONE */
    assert_true(ledger_drill_counts(s.m.ledger, record(&s, 1)));
    show_two_ticks(&s, 901);
    assert_true(at_fault(&s));
    end(&s);
}

static void a_number_of_a_tick_is_no_place(void **state) {
    (void)state;
    struct story s;
    begin(&s);
    for (uint64_t id = 1; id <= LEDGER_DRILLS_MAX + 1; id++) {
        assert_int_equal(drill(&s, 2), ERR_OK);
        assert_int_equal(stop(&s, id), ERR_OK);
        done(&s, 2, id, s.n, 0);
        rest(&s, s.n + W + 1);
    }
    later(&s, LEDGER_DRILL_OPEN_MS);
    show_two_ticks(&s, 3); /* of the first drill, which is forgotten, n = 3 is */
    assert_true(at_fault(&s));
    end(&s);
}

static void a_lie_before_the_first_of_many_drills_is_a_lie(void **state) {
    (void)state;
    enum { FIRST = 61 };
    struct story s;
    begin(&s);
    s.view = 7;
    rest(&s, FIRST - 1);
    for (uint64_t id = 1; id <= LEDGER_DRILLS_MAX + 1; id++) {
        assert_int_equal(drill(&s, 2), ERR_OK);
        assert_int_equal(stop(&s, id), ERR_OK);
        done(&s, 2, id, s.n, s.view);
        s.view++;
        rest(&s, s.n + W + 1);
    }
    assert_int_equal(ledger_drill_at(s.m.ledger, 0)->id, 2);
    show_omission(&s, FIRST - W, 7);
    accuse(&s, 1, 2, FIRST - W + 1);
    assert_false(convicted(&s, 2));
    struct ledger *first = s.m.ledger, *copy = ledger_new(&cluster);
    struct copy into = {copy, 0};
    ledger_flush(first, &(struct record_sink){&into, copy_record});
    s.m.ledger = copy; /* the record says it too */
    show_omission(&s, FIRST - W, 6);
    assert_true(convicted(&s, 2));
    s.m.ledger = first;
    ledger_free(copy);
    end(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_omission_is_the_drills_when_either_half_is),
        cmocka_unit_test(who_never_says_done_is_not_excused_for_ever),
        cmocka_unit_test(a_late_claim_excuses_no_more_than_the_drill_can_have_done),
        cmocka_unit_test(a_claim_of_views_reaches_as_far_as_others_tell),
        cmocka_unit_test(views_begin_where_others_tell_that_the_target_is),
        cmocka_unit_test(a_receipt_forged_before_the_drill_is_not_the_drills),
        cmocka_unit_test(two_ticks_are_the_drills_while_they_may_still_be_shown),
        cmocka_unit_test(a_number_of_a_tick_is_no_place),
        cmocka_unit_test(a_lie_before_the_first_of_many_drills_is_a_lie),
    };
    return cmocka_run_group_tests_name("drills blame", tests, NULL, NULL);
}
