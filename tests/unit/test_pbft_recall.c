/* The rollback guard (R13): who lost what its key signed is found out and votes no more; who did not is never taken for
   one, whenever it crashes. */
#include "tests/unit/recall_world.h"

/* --- honest restarts --- */

static void who_starts_votes_only_when_q_minus_1_others_answered(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    work(c, 1, 3);
    node_crash(&c->nodes[3]);
    c->isolated = set_of(0) | set_of(1);
    node_boot(&c->nodes[3]);
    watch(c, 3);
    cluster_run(c, 5000);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL); /* one answer */
    assert_int_equal(votes_seen, 0);
    c->isolated = set_of(0);
    cluster_run(c, 600);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    c->isolated = 0;
    cluster_free(c);
}

static void all_may_start_at_once(void **state) {
    (void)state;
    struct cluster *c = cluster_new(7);
    work(c, 1, 5);
    for (unsigned i = 0; i < 7; i++) {
        node_crash(&c->nodes[i]);
    }
    for (unsigned i = 0; i < 7; i++) {
        node_boot(&c->nodes[i]);
        cluster_drain(c);
        assert_int_equal(phase_of(c, (member_id)i), i < 4 ? PHASE_RECALL : PHASE_ACTIVE); /* Q-1 = 4 others */
    }
    cluster_run(c, 600);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(phase_of(c, (member_id)i), PHASE_ACTIVE);
    }
    struct digest d = submit(c, 1, 1);
    cluster_run(c, 600);
    assert_done(c, set_all(7), &d);
    cluster_free(c);
}

/* One replica dies after so many actions, with or without its unsynced records, and comes back. */
static bool survives_a_crash_at(member_id who, long actions) {
    struct cluster *c = cluster_new(4);
    struct node *x = &c->nodes[who];
    x->crash_after = actions;
    work(c, 1, 4);
    c->isolated = set_of(who == 0 ? 1 : 0); /* another view, with its own signatures */
    cluster_run(c, 700);
    work(c, 5, 8);
    c->isolated = 0;
    cluster_run(c, 300);
    bool crashed = !x->core;
    if (crashed) {
        if (actions % 2 == 0) {
            records_lose_unsynced(x);
        }
        node_boot(x);
    }
    x->crash_after = -1;
    cluster_run(c, 3000);
    assert_int_equal(phase_of(c, who), PHASE_ACTIVE);
    assert_false(traced(c, "AMNESIAC"));
    assert_false(traced(c, "TWIN"));
    cluster_free(c);
    return crashed;
}

static void an_honest_restart_is_never_taken_for_amnesia(void **state) {
    (void)state;
    for (member_id who = 0; who < 4; who++) {
        long actions = 0;
        while (survives_a_crash_at(who, actions)) {
            actions += 7;
        }
        assert_true(actions > 60);
    }
}

static bool no_checkpoints, no_answers;

static bool withheld(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return !(no_checkpoints && m->type == FRAME_CHECKPOINT) && !(no_answers && m->type == FRAME_RECALLED);
}

/* 3 executes n = 8 before anybody answered it, and its CHECKPOINT is needed: also when it falls once more. */
static void a_checkpoint_withheld(bool falls_again) {
    struct cluster *c = cluster_new(4);
    work(c, 1, 7);
    node_crash(&c->nodes[3]);
    c->arrives = withheld;
    no_checkpoints = no_answers = true;
    submit(c, 0, 8);
    cluster_run(c, 100);
    node_boot(&c->nodes[3]);
    watch(c, 3);
    cluster_run(c, 2000);
    assert_int_equal(c->nodes[3].executed, 8);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL);
    assert_int_equal(votes_seen, 0);
    if (falls_again) {
        node_crash(&c->nodes[3]);
        node_boot(&c->nodes[3]);
        cluster_run(c, 1000);
    }
    node_crash(&c->nodes[0]);
    no_checkpoints = no_answers = false;
    cluster_run(c, 2000);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(node_view(&c->nodes[i]).certified, 8);
        assert_int_equal(node_view(&c->nodes[i]).stable, 8);
    }
    cluster_free(c);
}

static void checkpoints_taken_before_the_answers_are_signed_after_them(void **state) {
    (void)state;
    a_checkpoint_withheld(false);
    a_checkpoint_withheld(true);
}

/* --- lost disks --- */

static void a_wiped_disk_is_found_out(void **state) {
    (void)state;
    for (member_id who = 0; who < 4; who += 3) { /* the primary, a backup */
        struct cluster *c = cluster_new(4);
        work(c, 1, 20);
        node_crash(&c->nodes[who]);
        disk_wipe(&c->nodes[who]);
        c->nodes[who].boot = 70; /* what it says of its boots does not help it */
        watch(c, who);
        node_boot(&c->nodes[who]);
        cluster_run(c, 3000);
        assert_true(traced(c, "AMNESIAC"));
        assert_int_equal(votes_seen, 0);
        assert_learns(c, who, 1);
        node_crash(&c->nodes[who]);
        node_boot(&c->nodes[who]); /* for ever */
        cluster_run(c, 3000);
        assert_learns(c, who, 21);
        cluster_free(c);
    }
}

static void a_wiped_disk_is_found_out_while_nothing_happens(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    cluster_run(c, 2000);
    node_crash(&c->nodes[2]);
    disk_wipe(&c->nodes[2]);
    node_boot(&c->nodes[2]);
    cluster_run(c, 1000);
    assert_true(traced(c, "2 AMNESIAC: this key signed a STATUS of boot 1,"));
    assert_learns(c, 2, 1);
    assert_int_equal(node_view(&c->nodes[2]).boot_claimed, 1);
    cluster_free(c);
}

static void a_disk_rolled_back_is_found_out(void **state) {
    (void)state;
    for (member_id who = 0; who < 4; who += 3) {
        struct cluster *c = cluster_new(4);
        work(c, 1, 3);
        struct image before = disk_copy(&c->nodes[who]);
        uint64_t boot = c->nodes[who].boot;
        c->arrives = commits_are_lost;
        submit(c, 0, 4); /* one PRE-PREPARE, PREPARE, COMMIT more */
        cluster_drain(c);
        node_crash(&c->nodes[who]);
        c->nodes[who].executed = 0;
        disk_restore(&c->nodes[who], &before, boot + 100);
        c->arrives = NULL;
        watch(c, who);
        node_boot(&c->nodes[who]);
        cluster_drain(c);
        assert_true(traced(c, who == 0 ? "AMNESIAC: this key signed a PRE-PREPARE for n=4"
                                       : "AMNESIAC: this key signed a PREPARE for n=4"));
        assert_int_equal(votes_seen, 0);
        cluster_run(c, 2000);
        assert_learns(c, who, 1);
        cluster_free(c);
    }
}

static void a_disk_rolled_back_over_a_view_change_is_found_out(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct image before[2] = {disk_copy(&c->nodes[1]), disk_copy(&c->nodes[3])};
    c->isolated = set_of(0);
    submit(c, 0, 1);
    cluster_run(c, 700);
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    cluster_run(c, 300);
    for (unsigned k = 0; k < 2; k++) {
        member_id who = k == 0 ? 1 : 3;
        node_crash(&c->nodes[who]);
        c->nodes[who].executed = 0;
        disk_restore(&c->nodes[who], &before[k], 50);
    }
    c->isolated = 0;
    node_boot(&c->nodes[3]);
    cluster_drain(c);
    assert_true(traced(c, "3 AMNESIAC: this key signed a VIEW-CHANGE for v=1"));
    node_boot(&c->nodes[1]);
    cluster_drain(c);
    assert_true(traced(c, "1 AMNESIAC: this key signed a VIEW-CHANGE for v=1"));
    cluster_free(c);
}

/* The image holds votes that another member lacks: not even those are sent again. */
static void a_learner_does_not_repeat_its_votes(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    c->isolated = set_of(2);
    work(c, 1, 3);
    struct image before = disk_copy(&c->nodes[3]);
    submit(c, 0, 4);
    cluster_drain(c);
    node_crash(&c->nodes[3]);
    disk_restore(&c->nodes[3], &before, 1);
    node_boot(&c->nodes[3]);
    cluster_drain(c);
    cluster_run(c, 600);
    watch(c, 3);
    c->isolated = 0;
    c->arrives = commits_are_lost; /* of the others: it is asked for what it has, again and again */
    cluster_run(c, 3000);
    assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
    assert_int_equal(votes_seen, 0);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_starts_votes_only_when_q_minus_1_others_answered),
        cmocka_unit_test(all_may_start_at_once),
        cmocka_unit_test(an_honest_restart_is_never_taken_for_amnesia),
        cmocka_unit_test(checkpoints_taken_before_the_answers_are_signed_after_them),
        cmocka_unit_test(a_wiped_disk_is_found_out),
        cmocka_unit_test(a_wiped_disk_is_found_out_while_nothing_happens),
        cmocka_unit_test(a_disk_rolled_back_is_found_out),
        cmocka_unit_test(a_disk_rolled_back_over_a_view_change_is_found_out),
        cmocka_unit_test(a_learner_does_not_repeat_its_votes),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
