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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_omission_is_the_drills_when_either_half_is),
    };
    return cmocka_run_group_tests_name("drills blame", tests, NULL, NULL);
}
