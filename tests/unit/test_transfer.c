/* A state fetched from others (R7) and a damaged one repaired (R5), with whole nodes: what an honest donor gives is
   taken, what a liar gives is not, and whatever breaks off leaves the old state or the new one. */
#include "tests/unit/node_world.h"

static struct world *far_ahead(member_id away, unsigned batches, size_t len) {
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 4, len);
    node_down(w, away);
    order_batches(w, batches, len);
    world_run(w, 1500);
    return w;
}

static bool same_state(struct world *w, member_id a, member_id b) {
    struct node_facts x = facts_of(w, a), y = facts_of(w, b);
    return x.pbft.phase == PHASE_ACTIVE && x.executed == y.executed && digest_equal(&x.log_hash, &y.log_hash) &&
           x.pbft.stable == y.pbft.stable && digest_equal(&x.pbft.stable_root, &y.pbft.stable_root);
}

static void whoever_was_away_for_long_fetches_the_state(void **state) {
    (void)state;
    struct world *w = far_ahead(3, 60, 2000);
    assert_int_equal(node_up(w, 3), ERR_OK);
    world_run(w, 6000);
    assert_true(traced(w, 3, "transferred n="));
    assert_true(w->taken[3][FRAME_DECISION] < 30); /* of more than 60 */
    assert_true(same_state(w, 3, 0));
    assert_true(traced(w, 0, "image n=") || traced(w, 1, "image n=") || traced(w, 2, "image n="));
    order_batches(w, 10, 100);
    world_run(w, 3000);
    assert_true(same_state(w, 3, 0));
    world_free(w);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_away_for_long_fetches_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
