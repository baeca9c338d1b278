/* A damaged state is found, not executed on, and replaced (R5), and whatever breaks a transfer off leaves the old state
   or the new one (BUG11): whole nodes on disks whose bits turn and whose writes fail. */
#include "tests/unit/node_world.h"

static bool no_images(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)from, (void)to;
    return m->type != FRAME_ST_DATA;
}

/* ---- damage ---- */

static void a_flipped_bit_is_found_at_open_and_repaired(void **state) {
    (void)state;
    for (unsigned part = 0; part < 4; part += 3) {
        struct world *w = world_new();
        world_run(w, 1500);
        order_batches(w, 30, 2000);
        node_down(w, AWAY);
        rot(&w->places[AWAY], part * (records_of_state(&w->places[AWAY]) - 1) / 3);
        seq_no before = facts_of(w, 0).executed;
        assert_int_equal(node_up(w, AWAY), ERR_OK);
        assert_true(traced(w, AWAY, "REPAIR n="));
        assert_int_not_equal(facts_of(w, AWAY).pbft.phase, PHASE_ACTIVE);
        world_run(w, 25000); /* until the others reached what it had executed, at an idle cluster */
        assert_true(facts_of(w, 0).executed > before);
        assert_true(traced(w, AWAY, "transferred n="));
        const char *told = strstr(buffer_cstr(&w->places[AWAY].trace), "laid down: ");
        unsigned fetched = 0, kept = 0;
        assert_non_null(told);
        assert_int_equal(sscanf(told, "laid down: %u pages fetched, %u kept", &fetched, &kept), 2);
        assert_true(kept >= 30 && fetched < 20); /* the rest is as it was */
        assert_whole(w, AWAY);
        world_free(w);
    }
}

static void a_damaged_replica_neither_votes_nor_executes(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 12, 100);
    node_down(w, AWAY);
    rot(&w->places[AWAY], 0);
    w->passes = no_images;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 2000);
    struct node_facts f = facts_of(w, AWAY);
    assert_int_equal(f.pbft.phase, PHASE_REPAIR);
    order_batches(w, 10, 100);
    world_run(w, 1000);
    assert_int_equal(facts_of(w, AWAY).pbft.executed, f.pbft.executed);
    node_down(w, AWAY); /* nor does it forget that */
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 1000);
    assert_int_equal(facts_of(w, AWAY).pbft.phase, PHASE_REPAIR);
    w->passes = NULL;
    world_run(w, 15000);
    assert_whole(w, AWAY);
    world_free(w);
}

/* A bit of the running machine turns: the next certified checkpoint shows it. */
static void a_state_that_diverged_is_replaced(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 12, 100);
    struct node *n = w->places[AWAY].node;
    ledger_mark(n->machine.ledger, &w->cluster.operators[0].key, 500, OP_QUERY);
    order_batches(w, 12, 100);
    world_run(w, 1000);
    assert_true(traced(w, AWAY, "this replica's state diverged"));
    world_run(w, 20000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_whole(w, AWAY);
    world_free(w);
}

static void without_its_mark_a_state_is_damaged(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 12, 100);
    node_down(w, AWAY);
    erase(&w->places[AWAY].disk->families[DISK_META], bytes_of_text("state"));
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 20000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_whole(w, AWAY);
    world_free(w);
}

/* ---- crashes: BUG11 ---- */

/* The process ends at its k-th write to the state, with or without the writes that were never synced. Afterwards the
   state on disk is whole: old, or new. False when it came through before that write. */
static bool crash_at(unsigned k, bool lose) {
    struct world *w = far_ahead(36, 500);
    struct place *p = &w->places[AWAY];
    struct prng chance;
    prng_seed(&chance, k);
    p->state_writes = 0;
    p->fail_at = k;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 3000);
    bool crashed = !p->node;
    if (crashed) {
        if (lose)
            sim_disk_crash(p->disk, &chance);
        p->fail_at = 0;
        assert_int_equal(node_up(w, AWAY), ERR_OK);
        assert_false(traced(w, AWAY, "REPAIR"));
        world_run(w, 6000);
        assert_true(same_state(w, AWAY, 0));
        uint8_t first = p->disk->families[DISK_STATE].list[0].key[0];
        for (size_t i = 0; i < records_of_state(p); i++) /* nothing is left behind */
            assert_int_equal(p->disk->families[DISK_STATE].list[i].key[0], first);
    }
    world_free(w);
    return crashed;
}

static void a_crash_at_any_write_leaves_the_old_state_or_the_new_one(void **state) {
    (void)state;
    unsigned crashes = 0;
    for (unsigned k = 1; crash_at(k, k % 2); k += k < 4 ? 1 : 5)
        crashes++;
    assert_true(crashes >= 5);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_is_found_at_open_and_repaired),
        cmocka_unit_test(a_damaged_replica_neither_votes_nor_executes),
        cmocka_unit_test(a_state_that_diverged_is_replaced),
        cmocka_unit_test(without_its_mark_a_state_is_damaged),
        cmocka_unit_test(a_crash_at_any_write_leaves_the_old_state_or_the_new_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
