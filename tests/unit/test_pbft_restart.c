/* Crash and restart (R6, R14): a replica may die between any two of its actions; what it signed before it never
   contradicts (the harness compares all signatures that ever left), and the cluster goes on. */
#include "base/prng.h"
#include "tests/unit/pbft_cluster.h"

/* One replica dies after so many actions, sleeps a while, comes back from its records. */
static long crash_at(struct cluster *c, member_id who, long actions, bool view_change) {
    struct node *x = &c->nodes[who];
    x->crash_after = actions;
    for (uint64_t i = 1; i <= 10; i++) {
        submit(c, 0, i);
        cluster_run(c, 20);
        if (view_change && i == 5) {
            member_id victim = who == 0 ? 1 : 0;
            c->isolated = set_of(victim);
            cluster_run(c, 700);
            c->isolated = 0;
        }
    }
    long left = x->crash_after;
    if (!x->core) {
        node_boot(x);
    }
    x->crash_after = -1;
    struct digest d = submit(c, 1, 1);
    cluster_run(c, 6000);
    assert_agreement(c);
    assert_done(c, set_all(4), &d);
    assert_int_equal(c->nodes[0].done_count, 11);
    return left;
}

static void a_crash_at_any_action_never_contradicts(member_id who, bool view_change, long stride) {
    for (long actions = 0;; actions += stride) {
        struct cluster *c = cluster_new(4);
        long left = crash_at(c, who, actions, view_change);
        bool crashed = c->nodes[who].crashed_now;
        cluster_free(c);
        if (!crashed) {
            assert_true(left >= 0 || actions > 40);
            return;
        }
    }
}

static void the_primary_may_crash_at_any_action(void **state) {
    (void)state;
    a_crash_at_any_action_never_contradicts(0, false, 9);
}

static void a_backup_may_crash_at_any_action(void **state) {
    (void)state;
    a_crash_at_any_action_never_contradicts(2, false, 9);
}

static void the_new_primary_may_crash_at_any_action(void **state) {
    (void)state;
    a_crash_at_any_action_never_contradicts(1, true, 13);
}

static void a_backup_may_crash_during_a_view_change(void **state) {
    (void)state;
    a_crash_at_any_action_never_contradicts(3, true, 13);
}

static bool commits_are_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from, (void)to;
    return c->now > 100 || m->type != FRAME_COMMIT;
}

static void all_may_crash_at_once_with_prepared_slots(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->arrives = commits_are_lost;
    struct digest a = submit(c, 0, 1), b = submit(c, 0, 2);
    cluster_run(c, 100);
    assert_int_equal(c->nodes[1].executed, 0);
    for (unsigned i = 0; i < 4; i++) {
        node_crash(&c->nodes[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        node_boot(&c->nodes[i]);
    }
    cluster_run(c, 3000); /* payloads are gone from memory: they come out of the stores */
    assert_done(c, set_all(4), &a);
    assert_int_equal(c->nodes[0].executed >= 1, 1);
    (void)b; /* was only in a pool: the client sends it again */
    struct digest d = submit(c, 0, 2);
    cluster_run(c, 3000);
    assert_done(c, set_all(4), &d);
    assert_agreement(c);
    cluster_free(c);
}

static void a_restart_keeps_view_and_marks(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    node_crash(&c->nodes[0]);
    for (uint64_t i = 1; i <= 10; i++) {
        submit(c, 0, i);
        cluster_run(c, 600);
    }
    struct pbft_view before = node_view(&c->nodes[2]);
    assert_int_equal(before.view, 1);
    assert_int_equal(before.stable, 8);
    node_crash(&c->nodes[2]);
    node_boot(&c->nodes[2]);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_RECALL);
    cluster_drain(c);
    struct pbft_view after = node_view(&c->nodes[2]);
    assert_int_equal(after.view, 1);
    assert_int_equal(after.phase, PHASE_ACTIVE);
    assert_int_equal(after.stable, 8);
    assert_int_equal(after.certified, 8);
    assert_int_equal(after.executed, 10);
    assert_true(after.next > after.executed);
    cluster_free(c);
}

static void a_restart_while_changing_stays_changing(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    node_crash(&c->nodes[0]);
    node_crash(&c->nodes[1]);
    struct msg m = {.type = FRAME_WISH};
    m.wish = (struct msg_wish){1, WISH_PROOF};
    for (member_id i = 0; i < 2; i++) {
        traitor_sends(c, i, 2, &m);
    }
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_CHANGING);
    node_crash(&c->nodes[2]);
    node_boot(&c->nodes[2]);
    node_boot(&c->nodes[0]); /* Q-1 others must answer before it takes part */
    cluster_drain(c);
    assert_int_equal(node_view(&c->nodes[2]).phase, PHASE_CHANGING);
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    cluster_run(c, 1000);
    assert_true(node_view(&c->nodes[2]).wish >= 1);
    cluster_free(c);
}

static void a_damaged_record_is_corrupt(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    for (uint64_t i = 1; i <= 9; i++) {
        submit(c, 0, i);
        cluster_drain(c);
    }
    struct pbft_config config = c->config;
    for (size_t i = 0; i < c->nodes[1].record_count; i++) {
        struct stored *s = &c->nodes[1].records[i];
        if (s->record >= RECORD_DECIDED) {
            continue;
        }
        config.self = 1;
        struct pbft *p = pbft_new(&config);
        struct bytes value = buffer_bytes(&s->value);
        value.len--;
        assert_int_equal(pbft_restore(p, s->record, buffer_bytes(&s->key), value), ERR_CORRUPT);
        pbft_free(p);
    }
    cluster_free(c);
}

/* --- everything at once, from a seed --- */

static struct prng chance;
static unsigned loss_per_mille;

static bool random_loss(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to, (void)m;
    return !prng_chance(&chance, loss_per_mille);
}

static void disturb(struct cluster *c, uint64_t round) {
    struct node *x = &c->nodes[prng_below(&chance, c->members)];
    unsigned down = 0;
    for (unsigned i = 0; i < c->members; i++) {
        down += !c->nodes[i].core;
    }
    if (!x->core) {
        node_boot(x);
    } else if (down == 0) {
        x->crash_after = (long)prng_below(&chance, 30);
    }
    c->isolated = prng_chance(&chance, 200) ? set_of((member_id)prng_below(&chance, c->members)) : 0;
    loss_per_mille = (unsigned)prng_below(&chance, 250);
    submit_to(c, (unsigned)(round % CLIENTS), 1 + round / CLIENTS, (member_set)(1 + prng_below(&chance, 15)));
    cluster_run(c, (mono_ms)prng_below(&chance, 900));
}

static void survive(uint64_t seed, unsigned members) {
    struct cluster *c = cluster_new(members);
    prng_seed(&chance, seed);
    c->arrives = random_loss;
    for (uint64_t round = 0; round < 40; round++) {
        disturb(c, round);
    }
    assert_agreement(c);
    c->arrives = NULL;
    c->isolated = 0;
    for (unsigned i = 0; i < members; i++) {
        c->nodes[i].crash_after = -1;
        if (!c->nodes[i].core) {
            node_boot(&c->nodes[i]);
        }
    }
    cluster_run(c, 40000);
    struct digest d = submit(c, 3, 1000);
    cluster_run(c, 20000);
    assert_agreement(c);
    assert_done(c, set_all(members), &d);
    for (unsigned i = 0; i < members; i++) {
        assert_int_equal(node_view(&c->nodes[i]).pool, 0); /* I24: whatever was held is done */
        assert_int_equal(node_view(&c->nodes[i]).stable, node_view(&c->nodes[0]).stable); /* I26 */
    }
    cluster_free(c);
}

static void crashes_losses_and_cuts_are_survived(void **state) {
    (void)state;
    const char *seeds = getenv("PBFT_SEEDS");
    uint64_t count = seeds ? strtoull(seeds, NULL, 10) : 4;
    for (uint64_t seed = 1; seed <= count; seed++) {
        survive(seed, seed % 4 == 0 ? 7 : 4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_primary_may_crash_at_any_action),
        cmocka_unit_test(a_backup_may_crash_at_any_action),
        cmocka_unit_test(the_new_primary_may_crash_at_any_action),
        cmocka_unit_test(a_backup_may_crash_during_a_view_change),
        cmocka_unit_test(all_may_crash_at_once_with_prepared_slots),
        cmocka_unit_test(a_restart_keeps_view_and_marks),
        cmocka_unit_test(a_restart_while_changing_stays_changing),
        cmocka_unit_test(a_damaged_record_is_corrupt),
        cmocka_unit_test(crashes_losses_and_cuts_are_survived),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
