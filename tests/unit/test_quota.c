/* A client's share of the log (R3), with whole nodes: who asks for more waits, and nobody is suspected for it. */
#include "tests/unit/node_world.h"

enum { BURST = 16, ASKED = 60 };

static struct world *stingy_world(uint32_t per_s) {
    struct world *w = world_new();
    w->cluster.knobs.quota_burst = BURST;
    w->cluster.knobs.quota_per_s = per_s;
    world_run(w, 1500);
    return w;
}

static uint64_t executed_requests(struct world *w, member_id i) {
    return ledger_top(w->places[i].node->machine.ledger, &w->cluster.operators[0].key);
}

static void ask(struct world *w, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        stage(w, 1, i % 300, 10);
}

static void who_asks_for_more_than_its_share_waits_for_agreed_time(void **state) {
    (void)state;
    struct world *w = stingy_world(2);
    ask(w, ASKED);
    world_run(w, 300);
    uint64_t at_once = executed_requests(w, 1);
    assert_in_range(at_once, BURST, 2 * BURST + 1); /* the bucket, and what was on its way when it ran dry */
    world_run(w, 10000);
    assert_in_range(executed_requests(w, 1), BURST + 1, at_once + 2 * 10 + BURST);
    world_run(w, 60000);
    assert_int_equal(executed_requests(w, 1), ASKED); /* all of it in the end */
    for (member_id i = 0; i < NODES; i++) {
        assert_int_equal(facts_of(w, i).pbft.view, 0); /* what may not go yet is nobody's fault */
        assert_int_equal(facts_of(w, i).pbft.wish, 0);
        assert_int_equal(facts_of(w, i).pbft.pool, 0);
    }
    world_free(w);
}

static void who_has_no_tokens_is_turned_away_at_the_door(void **state) {
    (void)state;
    struct world *w = stingy_world(1);
    ask(w, BURST);
    world_run(w, 300);
    assert_int_equal(executed_requests(w, 1), BURST);
    ask(w, 5);
    for (member_id i = 0; i < NODES; i++)
        assert_true(facts_of(w, i).pbft.pool < 5); /* at most ticks */
    world_run(w, 3000);
    assert_int_equal(executed_requests(w, 1), BURST);
    ask(w, 1);
    world_run(w, 300);
    assert_true(executed_requests(w, 1) > BURST);
    world_free(w);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_for_more_than_its_share_waits_for_agreed_time),
        cmocka_unit_test(who_has_no_tokens_is_turned_away_at_the_door),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
