/* What a traitor signs, its host hears of before it leaves, and may keep back. */
#include "tests/unit/fault_world.h"

static void the_host_hears_of_a_lie_before_it_leaves(void **state) {
    (void)state;
    static const char *const names[] = {"wrong-votes", "status-lies"};
    static const struct msg said[] = {
        {.type = FRAME_COMMIT, .vote = {.v = 0, .n = 9}},
        {.type = FRAME_STATUS, .status = {.boot = 1, .phase = PHASE_ACTIVE, .executed = 9}}};
    for (unsigned i = 0; i < sizeof said / sizeof *said; i++) {
        struct node_world w;
        struct fault *f = traitor(names[i], 0, &w);
        struct buffer frame = {0};
        unsigned before = world.owned_up;
        seal(&frame, &said[i], 0);
        for (unsigned k = 0; k < 8; k++) /* some lie now and then only */
            w.send(w.self, 1, buffer_bytes(&frame));
        assert_true(world.owned_up > before);
        assert_true(world.owned_before);
        buffer_free(&frame);
        fault_free(f);
    }
}

static void what_the_host_refuses_stays_here(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("wrong-votes", 0, &w);
    struct buffer frame = {0};
    seal(&frame, &(struct msg){.type = FRAME_COMMIT, .vote = {.v = 0, .n = 9}}, 0);
    world.refuses = true;
    w.send(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.owned_up, 1);
    assert_int_equal(world.sent, 0);
    assert_true(fault_bites(f) > 0);
    fault_stop(f); /* honest: what it says is the node's own */
    w.send(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.owned_up, 1);
    assert_int_equal(world.sent, 1);
    buffer_free(&frame);
    fault_free(f);
}

static void what_a_liar_invents_is_heard_of_too(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("wish-storm:1000", 0, &w);
    fault_turn(f, 1000);
    unsigned sent = world.sent, told = world.owned_up;
    assert_true(told > 0 && sent > 0);
    world.refuses = true;
    fault_turn(f, 1100);
    assert_true(world.owned_up > told);
    assert_int_equal(world.sent, sent);
    fault_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_host_hears_of_a_lie_before_it_leaves),
        TEST(what_the_host_refuses_stays_here),
        TEST(what_a_liar_invents_is_heard_of_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
