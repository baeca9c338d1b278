/* Whole nodes and an ordered drill (R13): all refuse alike; the target alone is told to lie, until the agreed end,
   never after a restart or long afterwards; and it says in the log how far it went. */
#include "replica/live_drill.h"
#include "tests/unit/node_world.h"

enum { TARGET = 2, DRILL_MS = 4000 };

static struct world *live_world(enum drills_mode drills) {
    struct world *w = world_new();
    w->cluster.drills = drills;
    w->cluster.operators[0].roles |= OPERATOR_DRILL;
    world_run(w, 3000);
    return w;
}

static void order(struct world *w, struct request r) {
    ask_all(w, r);
    world_run(w, 200);
}

static void drill(struct world *w) {
    order(w, (struct request){.kind = OP_DRILL, .drill = {TARGET, "delay-proposals:400", "slow-primary", DRILL_MS}});
}

static const struct drill_record *record(const struct world *w, member_id i) {
    return ledger_drill_find(w->places[i].node->machine.ledger, 1);
}

static enum error answered(struct world *w, member_id i, char text[512]) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    struct reply reply;
    assert_int_equal(frame_open(&f, buffer_bytes(&w->places[i].answer)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    assert_int_equal(m.type, FRAME_OUTPUTS);
    assert_int_equal(reply_decode(&reply, m.outputs.list[0].leaf, &arena), ERR_OK);
    snprintf(text, 512, "%.*s", (int)reply.value.len, (const char *)reply.value.data);
    arena_free(&arena);
    return reply.result;
}

static void all_refuse_alike(void **state) {
    (void)state;
    static const struct {
        enum drills_mode drills;
        member_id down; /* NODES: nobody */
        enum error verdict;
        const char *says;
    } ROWS[] = {{DRILLS_OFF, NODES, ERR_DRILLS_OFF, "drills: live"},
                {DRILLS_SANDBOX, NODES, ERR_DRILLS_OFF, "drills: live"},
                {DRILLS_LIVE, 3, ERR_DRILL_MARGIN, "replica 3 is faulty: no tick for 7 s"},
                {DRILLS_LIVE, NODES, ERR_OK, "drill 1 begins: replica 2 behaves as delay-proposals:400\n"}};
    for (size_t row = 0; row < sizeof ROWS / sizeof ROWS[0]; row++) {
        struct world *w = live_world(ROWS[row].drills);
        if (ROWS[row].down < NODES) {
            node_down(w, ROWS[row].down);
            world_run(w, 7000);
        }
        drill(w);
        for (member_id i = 0; i < NODES; i++) {
            char text[512];
            if (i == ROWS[row].down)
                continue;
            assert_int_equal(answered(w, i, text), ROWS[row].verdict);
            assert_non_null(strstr(text, ROWS[row].says));
            assert_int_equal(node_drill(w->places[i].node) != NULL, ROWS[row].verdict == ERR_OK && i == TARGET);
        }
        world_free(w);
    }
}

static void the_target_alone_lies_until_the_agreed_end(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    const struct drill_order *o = node_drill(w->places[TARGET].node);
    assert_non_null(o);
    assert_string_equal(o->behaviour, "delay-proposals:400");
    assert_int_equal(o->id, 1);
    assert_true(o->until > w->now && o->until <= w->now + DRILL_MS);
    mono_ms until = o->until;
    world_run(w, until - w->now - 1000 - 2 * STEP_MS); /* agreed time began up to a tick earlier */
    assert_non_null(node_drill(w->places[TARGET].node));
    w->isolated = set_of(TARGET); /* no agreed end reaches it: its own clock ends it */
    world_run(w, 1000);
    assert_non_null(record(w, TARGET));
    assert_int_equal(record(w, TARGET)->end, DRILL_RUNS);
    assert_non_null(node_drill(w->places[TARGET].node));
    world_run(w, 500);
    assert_int_equal(record(w, TARGET)->end, DRILL_RUNS);
    w->isolated = 0;
    assert_null(node_drill(w->places[TARGET].node));
    node_drill_over(w->places[TARGET].node, 1, 7);
    world_run(w, 1500);
    for (member_id i = 0; i < NODES; i++) {
        assert_int_equal(record(w, i)->end, DRILL_END_TIME);
        assert_true(record(w, i)->done);
        assert_int_equal(record(w, i)->bites, 7);
        assert_int_equal(record(w, i)->max_n, 0);
        assert_false(ledger_drill_counts(w->places[i].node->machine.ledger, record(w, i)));
    }
    world_free(w);
}

/* Two others fail while it lies, so no end can be agreed on. */
static void a_cluster_that_stands_still_ends_it(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    order(w, (struct request){.kind = OP_DRILL, .drill = {TARGET, "silent", "silent-backup", 600000}});
    world_run(w, 25000);
    assert_non_null(node_drill(w->places[TARGET].node)); /* work goes on, and so does the drill */
    node_down(w, 0);
    node_down(w, 1);
    world_run(w, 19000);
    assert_non_null(node_drill(w->places[TARGET].node));
    world_run(w, 1500);
    assert_null(node_drill(w->places[TARGET].node));
    assert_int_equal(record(w, TARGET)->end, DRILL_RUNS);
    world_free(w);
}

static void an_operator_stops_it(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    assert_non_null(node_drill(w->places[TARGET].node));
    order(w, (struct request){.kind = OP_DRILL_STOP, .drill_stop = {1}});
    assert_null(node_drill(w->places[TARGET].node));
    assert_false(record(w, 0)->done); /* until its filter has ended */
    node_drill_over(w->places[TARGET].node, 2, 0);
    world_run(w, 500);
    assert_false(record(w, 0)->done); /* that was another one */
    node_drill_over(w->places[TARGET].node, 1, 0);
    world_run(w, 500);
    assert_true(record(w, 0)->done);
    assert_int_equal(record(w, 0)->end, DRILL_END_STOPPED);
    world_free(w);
}

static void signed_for_it(struct world *w, const struct msg *m) {
    struct buffer body = {0}, frame = {0};
    struct seal_context context = {(uint8_t)m->type, w->cluster.id, 0, TARGET};
    codec_encode(&body, m);
    frame_seal(&frame, &context, buffer_bytes(&body), &w->secrets[TARGET]);
    node_faulted(w->places[TARGET].node, buffer_bytes(&frame));
    node_drill_signed(w->places[TARGET].node, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

static void it_says_how_far_it_went(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    seq_no n = facts_of(w, 0).executed;
    signed_for_it(w, &(struct msg){.type = FRAME_COMMIT, .vote = {.n = n + 3}});
    signed_for_it(w, &(struct msg){.type = FRAME_PREPARE, .vote = {.n = n + 5}});
    signed_for_it(w, &(struct msg){.type = FRAME_CHECKPOINT, .checkpoint = {.n = n + 4}});
    signed_for_it(w, &(struct msg){.type = FRAME_WISH, .wish = {.target = 99, .reason = WISH_PROOF}});
    struct msg vc = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = 3}};
    signed_for_it(w, &vc);
    node_drill_over(w->places[TARGET].node, 1, 5);
    world_run(w, 1000);
    assert_int_equal(record(w, 0)->max_n, n + 5);
    assert_int_equal(record(w, 0)->max_view, 3);
    assert_true(ledger_drill_counts(w->places[0].node->machine.ledger, record(w, 0)));
    world_free(w);
}

/* Its signature covers the statement alone. */
static void a_proposal_counts_whatever_its_batch_is(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    seq_no n = facts_of(w, 0).executed + 7;
    struct msg m = {.type = FRAME_PRE_PREPARE, .pre_prepare = {.statement.n = n}};
    m.pre_prepare.batch_bytes = bytes_of_text("no batch");
    signed_for_it(w, &m);
    node_drill_over(w->places[TARGET].node, 1, 1);
    world_run(w, 1000);
    assert_int_equal(record(w, 0)->max_n, n);
    world_free(w);
}

/* Each slot of a NEW-VIEW is a PRE-PREPARE. */
static void a_new_view_counts_as_far_as_its_slots_go(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    seq_no n = facts_of(w, 0).executed + 6;
    struct msg vc = {.type = FRAME_VIEW_CHANGE, .view_change.v = 2}, m = {.type = FRAME_NEW_VIEW};
    struct new_view_slot slots[] = {{.n = n - 1}, {.n = n}};
    struct buffer body = {0}, frame = {0}, core = {0};
    struct seal_context context = {FRAME_VIEW_CHANGE, w->cluster.id, 0, TARGET};
    codec_encode(&body, &vc);
    frame_seal(&frame, &context, buffer_bytes(&body), &w->secrets[TARGET]);
    vc.raw = buffer_bytes(&frame);
    m.new_view = (struct msg_new_view){.v = 2, .vc_count = 1, .vcs = &vc, .slot_count = 2, .slots = slots};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    signed_for_it(w, &m);
    node_drill_over(w->places[TARGET].node, 1, 1);
    world_run(w, 1000);
    assert_int_equal(record(w, 0)->max_n, n);
    assert_int_equal(record(w, 0)->max_view, 2);
    buffer_free(&body);
    buffer_free(&frame);
    buffer_free(&core);
    world_free(w);
}

static void a_claim_reaches_no_further_than_others_take(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    signed_for_it(w, &(struct msg){.type = FRAME_COMMIT, .vote = {.n = 1 << 20}});
    signed_for_it(w, &(struct msg){.type = FRAME_VIEW_CHANGE, .view_change = {.v = 1 << 20}});
    node_drill_over(w->places[TARGET].node, 1, 5);
    world_run(w, 1000);
    assert_true(record(w, 0)->done);
    assert_in_range(record(w, 0)->max_n, record(w, 0)->started_n + 32, record(w, 0)->started_n + 48);
    assert_int_equal(record(w, 0)->max_view, PBFT_FAULTED_VIEWS);
    world_free(w);
}

static void a_restart_is_honest_and_claims_all_that_may_be(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    seq_no n = facts_of(w, 0).executed;
    node_down(w, TARGET);
    assert_int_equal(node_up(w, TARGET), ERR_OK);
    assert_null(node_drill(w->places[TARGET].node));
    world_run(w, 2000);
    assert_null(node_drill(w->places[TARGET].node));
    assert_true(record(w, 0)->done);
    assert_int_equal(record(w, 0)->end, DRILL_END_TIME); /* within the grace of so short a drill */
    assert_true(record(w, 0)->max_n >= n + 2 * 16);
    world_free(w);
}

static void a_restart_claims_the_views_that_were_spoken_of(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    drill(w);
    signed_for_it(w, &(struct msg){.type = FRAME_VIEW_CHANGE, .view_change = {.v = 3}});
    node_down(w, TARGET);
    assert_int_equal(node_up(w, TARGET), ERR_OK);
    world_run(w, 2000);
    assert_true(record(w, 0)->done);
    assert_int_equal(record(w, 0)->max_view, 3);
    world_free(w);
}

/* What the daemon does with an order. */
static void what_is_for_sandboxes_is_refused_by_the_target(void **state) {
    (void)state;
    static const struct {
        const char *behaviour;
        bool begins;
    } ROWS[] = {{"delay-proposals:400", true}, {"wild-ticks", false}, {"none-such", false}};
    for (size_t row = 0; row < sizeof ROWS / sizeof *ROWS; row++) {
        struct world *w = live_world(DRILLS_LIVE);
        struct node *node = w->places[TARGET].node;
        struct fault_host host = live_drill_host(&node);
        struct request r = {.kind = OP_DRILL, .drill = {TARGET, "", "slow-primary", DRILL_MS}};
        struct live_drill live = {0};
        struct buffer why = {0};
        struct fault *f;
        assert_int_equal(fault_new(&f, &w->cluster, TARGET, &w->secrets[TARGET], &host, &why), ERR_OK);
        r.drill.behaviour = ROWS[row].behaviour;
        order(w, r);
        assert_non_null(node_drill(node));
        live_drill_turn(&live, node, f);
        assert_int_equal(fault_active(f), ROWS[row].begins);
        assert_int_equal(node_drill(node) != NULL, ROWS[row].begins);
        world_run(w, 1000);
        assert_int_equal(record(w, 0)->done, !ROWS[row].begins);
        fault_free(f);
        world_free(w);
    }
}

static void who_hears_of_it_too_late_does_not_begin(void **state) {
    (void)state;
    struct world *w = live_world(DRILLS_LIVE);
    w->isolated = set_of(TARGET);
    drill(w);
    world_run(w, DRILL_MS + 2000);
    assert_int_equal(record(w, 0)->end, DRILL_END_TIME);
    w->isolated = 0;
    for (unsigned i = 0; i < 200; i++) {
        world_run(w, STEP_MS);
        assert_null(node_drill(w->places[TARGET].node));
    }
    world_run(w, 3000);
    assert_true(record(w, 0)->done);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_refuse_alike),
        cmocka_unit_test(the_target_alone_lies_until_the_agreed_end),
        cmocka_unit_test(a_cluster_that_stands_still_ends_it),
        cmocka_unit_test(an_operator_stops_it),
        cmocka_unit_test(it_says_how_far_it_went),
        cmocka_unit_test(a_proposal_counts_whatever_its_batch_is),
        cmocka_unit_test(a_new_view_counts_as_far_as_its_slots_go),
        cmocka_unit_test(a_claim_reaches_no_further_than_others_take),
        cmocka_unit_test(a_restart_is_honest_and_claims_all_that_may_be),
        cmocka_unit_test(a_restart_claims_the_views_that_were_spoken_of),
        cmocka_unit_test(what_is_for_sandboxes_is_refused_by_the_target),
        cmocka_unit_test(who_hears_of_it_too_late_does_not_begin),
    };
    return cmocka_run_group_tests_name("node drill", tests, NULL, NULL);
}
