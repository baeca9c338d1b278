/* How far a drill may speak (R13): of no place and no view that its records would outlive. */
#include "tests/unit/faulted_world.h"

/* Of one VIEW-CHANGE, and with one slot. */
static enum error own_up_new_view(struct cluster *c, view_no v, seq_no n, struct digest *core_digest) {
    struct new_view_slot slot = {.n = n, .d = batch_digest(null_batch())};
    struct msg vc = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = v}}, m = {.type = FRAME_NEW_VIEW};
    struct buffer frame = {0}, core = {0};
    seal_as(c, 0, &vc, &frame);
    vc.raw = buffer_bytes(&frame);
    m.new_view = (struct msg_new_view){.v = v, .vc_count = 1, .vcs = &vc, .slot_count = 1, .slots = &slot};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    *core_digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    enum error e = own_up(c, 3, &m);
    buffer_free(&frame);
    buffer_free(&core);
    return e;
}

static enum error own_up_at(struct cluster *c, enum frame_type type, view_no v, seq_no n) {
    struct recalled s = {.type = type, .vote = {.v = v, .n = n}};
    struct digest core;
    struct msg m = {.type = type};
    if (type == FRAME_NEW_VIEW) {
        return own_up_new_view(c, v, n, &core);
    }
    if (type == FRAME_VIEW_CHANGE) {
        m.view_change.v = v;
    } else if (type == FRAME_CHECKPOINT) {
        m.checkpoint = (struct checkpoint){.n = n, .t = 1};
    } else if (type == FRAME_RECEIPT) {
        m.receipt.body = (struct receipt_body){.n = n, .t = 1};
    } else {
        m = told(&s);
    }
    return own_up(c, 3, &m);
}

/* Of what is so far away nothing would ever be forgotten. */
static void a_place_or_view_out_of_reach_must_not_be_told(void **state) {
    (void)state;
    enum { PLACED = 1, VIEWED = 2 };
    static const struct {
        enum frame_type type;
        unsigned has;
    } ROWS[] = {{FRAME_PRE_PREPARE, PLACED | VIEWED}, {FRAME_PREPARE, PLACED | VIEWED}, {FRAME_COMMIT, PLACED | VIEWED},
                {FRAME_CHECKPOINT, PLACED},           {FRAME_RECEIPT, PLACED},          {FRAME_VIEW_CHANGE, VIEWED},
                {FRAME_NEW_VIEW, PLACED | VIEWED}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct cluster *c = cluster_new(4);
        work(c, 1, 10);
        cluster_run(c, 500);
        seq_no most = node_view(&c->nodes[3]).certified + 2 * c->config.window;
        assert_int_equal(own_up_at(c, ROWS[i].type, PBFT_FAULTED_VIEWS, most), ERR_OK);
        assert_int_equal(own_up_at(c, ROWS[i].type, 1, most + 1), ROWS[i].has & PLACED ? ERR_OUT_OF_RANGE : ERR_OK);
        assert_int_equal(own_up_at(c, ROWS[i].type, PBFT_FAULTED_VIEWS + 1, most),
                         ROWS[i].has & VIEWED ? ERR_OUT_OF_RANGE : ERR_OK);
        cluster_free(c);
    }
}

static void how_far_it_went_is_known_after_a_restart(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    seq_no n;
    view_no v;
    work(c, 1, 3);
    pbft_faulted_reach(c->nodes[3].core, &n, &v);
    assert_int_equal(n + v, 0);
    assert_int_equal(own_up_at(c, FRAME_COMMIT, 4, 20), ERR_OK);
    assert_int_equal(own_up_at(c, FRAME_PREPARE, 0, 22), ERR_OK);
    assert_int_equal(own_up_at(c, FRAME_NEW_VIEW, 3, 9), ERR_OK);
    assert_int_equal(own_up_at(c, FRAME_VIEW_CHANGE, 2, 0), ERR_OK);
    restart(c, 3);
    pbft_faulted_reach(c->nodes[3].core, &n, &v);
    assert_int_equal(n, 22);
    assert_int_equal(v, 3);
    cluster_free(c);
}

/* Its slots may lie above h when it goes: the guard of a later NEW-VIEW accounts for all PRE-PREPAREs of lower views.
 */
static void proposals_of_a_forgotten_new_view_are_held_against_nobody(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct recalled s = statement(FRAME_PRE_PREPARE, 24, 1), other = s;
    s.vote.v = 1;
    other.vote.v = 4;
    work(c, 1, 3);
    assert_int_equal(own_up_new_view(c, 1, 24, &s.vote.nv_digest), ERR_OK);
    for (member_id i = 0; i < 3; i++) { /* its own view 3 */
        c->isolated = set_of(i);
        submit(c, (i + 1) % 2, 100 + i);
        cluster_run(c, 2500);
    }
    c->isolated = 0;
    assert_int_equal(node_view(&c->nodes[3]).view, 3);
    work(c, 4, 8);
    cluster_run(c, 500);
    assert_in_range(node_view(&c->nodes[3]).stable, 8, 23);
    assert_int_equal(remembered(c, 3), 0);
    claims(c, 0, 3, &s, false);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    claims(c, 0, 3, &other, false); /* of a later view */
    assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_or_view_out_of_reach_must_not_be_told),
        cmocka_unit_test(how_far_it_went_is_known_after_a_restart),
        cmocka_unit_test(proposals_of_a_forgotten_new_view_are_held_against_nobody),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
