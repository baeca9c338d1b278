/* The rollback guard's answers (R13): liars make nobody a learner, a true statement does; members that live twice are
   told; a host that stood still suspects nobody (TILT). */
#include "tests/unit/recall_world.h"

/* --- liars --- */

static void forged_statements_prove_nothing(void **state) {
    (void)state;
    struct cluster *c = restarted_among_liars();
    static const enum frame_type types[] = {FRAME_PRE_PREPARE, FRAME_PREPARE, FRAME_COMMIT};
    for (unsigned i = 0; i < 3; i++) {
        struct claim x = claim_to(c, 3);
        x.list[0] = vote_of(types[i], 0, 12, 1);
        sign_as(c, 0, &x.list[0]); /* another key's */
        say(c, 0, &x, 1);
    }
    struct claim x = claim_to(c, 3);
    x.list[0] = vote_of(FRAME_COMMIT, 0, 12, 1);
    sign_as(c, 3, &x.list[0]);
    x.list[0].vote.d.b[0] = 2; /* a true signature over something else */
    say(c, 1, &x, 1);
    x.list[0] = (struct recalled){.type = FRAME_CHECKPOINT, .checkpoint = {.n = 16, .t = 1}};
    say(c, 1, &x, 1);
    assert_int_equal(node_view(&c->nodes[3]).refused[ERR_BAD_PROOF], 5);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL); /* none of them counted as an answer */
    cluster_free(c);
}

static void what_is_final_or_superseded_proves_nothing(void **state) {
    (void)state;
    struct cluster *c = restarted_among_liars();
    struct claim x = claim_to(c, 3);
    x.list[0] = vote_of(FRAME_COMMIT, 0, 8, 1); /* n = c, with its own key */
    sign_as(c, 3, &x.list[0]);
    say(c, 0, &x, 1);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL);
    say(c, 1, &x, 1);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    cluster_free(c);
}

static void an_own_statement_that_the_guard_lacks_is_a_proof(void **state) {
    (void)state;
    static const enum frame_type types[] = {FRAME_PRE_PREPARE, FRAME_PREPARE, FRAME_COMMIT, FRAME_CHECKPOINT};
    for (unsigned i = 0; i < 4; i++) {
        struct cluster *c = restarted_among_liars();
        struct claim x = claim_to(c, 3);
        x.list[0] = vote_of(types[i], 0, 9, 1); /* n = 9 was voted for, with another digest */
        if (types[i] == FRAME_CHECKPOINT) {
            x.list[0] = (struct recalled){.type = FRAME_CHECKPOINT, .checkpoint = {.n = 16, .t = 1}};
        }
        sign_as(c, 3, &x.list[0]);
        say(c, 0, &x, 1);
        assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
        assert_int_equal(records_count(&c->nodes[3], RECORD_AMNESIAC), 1);
        cluster_free(c);
    }
}

static void answers_to_others_and_of_other_boots_do_not_count(void **state) {
    (void)state;
    struct cluster *c = restarted_among_liars();
    for (member_id i = 0; i < 3; i++) {
        struct claim x = claim_to(c, 3);
        x.m.recalled.nonce--;
        say(c, i, &x, 0);
        x = claim_to(c, 2);
        traitor_sends(c, i, 3, &x.m);
        x = claim_to(c, 3);
        x.m.recalled.answer = false;
        say(c, i, &x, 0);
    }
    struct claim x = claim_to(c, 3);
    for (unsigned i = 0; i < 5; i++) {
        say(c, 0, &x, 0); /* the same member again and again */
    }
    assert_int_equal(phase_of(c, 3), PHASE_RECALL);
    say(c, 1, &x, 0);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    cluster_free(c);
}

static void status_frame(const struct cluster *c, struct buffer *out, member_id key, uint64_t boot, uint64_t random) {
    struct msg m = {.type = FRAME_STATUS};
    m.status = (struct msg_status){.boot = boot, .boot_random = random, .counter = 9, .phase = PHASE_ACTIVE};
    struct buffer body = {0};
    struct seal_context context = {FRAME_STATUS, c->verifier.cluster, 0, 3};
    codec_encode(&body, &m);
    frame_seal(out, &context, buffer_bytes(&body), &c->secrets[key]);
    buffer_free(&body);
}

static enum phase after_status(struct cluster *c, member_id key, uint64_t boot, uint64_t random) {
    struct buffer frame = {0};
    struct claim x = claim_to(c, 3);
    status_frame(c, &frame, key, boot, random);
    x.m.recalled.answer = false;
    x.m.recalled.status = buffer_bytes(&frame);
    say(c, 0, &x, 0);
    buffer_free(&frame);
    return phase_of(c, 3);
}

static void a_status_of_an_uncounted_boot_is_a_proof(void **state) {
    (void)state;
    struct cluster *c = restarted_among_liars();
    uint64_t boot = c->nodes[3].boot, random = c->boots;
    assert_int_equal(after_status(c, 0, boot, 999), PHASE_RECALL); /* not its key */
    assert_int_equal(after_status(c, 3, boot, random), PHASE_RECALL);
    assert_int_equal(after_status(c, 3, boot - 1, 999), PHASE_RECALL);
    assert_int_equal(after_status(c, 3, boot, 999), PHASE_LEARNER);
    assert_int_equal(node_view(&c->nodes[3]).boot_claimed, boot);
    assert_int_equal(after_status(c, 3, boot + 5, 999), PHASE_LEARNER);
    assert_int_equal(node_view(&c->nodes[3]).boot_claimed, boot + 5);
    cluster_free(c);
}

static void a_twin_stops_both_but_is_not_recorded(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    work(c, 1, 3);
    uint64_t boot = c->nodes[3].boot, random = 4;
    assert_int_equal(after_status(c, 3, boot, random), PHASE_ACTIVE);
    assert_int_equal(after_status(c, 3, boot - 1, 999), PHASE_ACTIVE);
    assert_int_equal(after_status(c, 3, boot, 999), PHASE_LEARNER);
    assert_true(traced(c, "3 TWIN: this key signed a STATUS of boot 1:"));
    assert_int_equal(records_count(&c->nodes[3], RECORD_AMNESIAC), 0);
    assert_learns(c, 3, 1);
    node_crash(&c->nodes[3]);
    c->nodes[3].boot += 5;
    node_boot(&c->nodes[3]);
    cluster_run(c, 1000);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE); /* the others hold nothing that it lacks */
    cluster_free(c);
}

/* --- peers that see a member live twice --- */

static void a_member_that_lives_twice_is_told(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    cluster_run(c, 1000);
    struct msg m = {.type = FRAME_STATUS};
    m.status = (struct msg_status){.boot = 5, .boot_random = 999, .counter = 1, .phase = PHASE_ACTIVE};
    traitor_sends(c, 3, 1, &m); /* a copy of 3 speaks to 1 */
    cluster_run(c, 600);        /* 1 hears 3 itself, of a lower boot */
    assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
    assert_true(traced(c, "3 TWIN: this key signed a STATUS of boot 5:"));
    cluster_free(c);
}

static void two_under_one_boot_number_are_told(void **state) {
    (void)state;
    static const enum phase phases[] = {PHASE_ACTIVE, PHASE_RECALL};
    for (unsigned i = 0; i < 2; i++) {
        struct cluster *c = cluster_new(4);
        cluster_run(c, 1000);
        struct msg m = {.type = FRAME_STATUS};
        m.status = (struct msg_status){.boot = 1, .boot_random = 999, .counter = 1000, .phase = phases[i]};
        traitor_sends(c, 3, 1, &m);
        cluster_drain(c);
        assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
        cluster_free(c);
    }
}

static void a_repeated_status_of_an_earlier_boot_harms_nobody(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg old = {.type = FRAME_STATUS};
    cluster_run(c, 1000);
    node_crash(&c->nodes[3]);
    node_boot(&c->nodes[3]);
    cluster_run(c, 1000);
    old.status = (struct msg_status){.boot = 1, .boot_random = 4, .counter = 1, .phase = PHASE_ACTIVE};
    uint64_t stale = node_view(&c->nodes[1]).refused[ERR_STALE];
    for (unsigned i = 0; i < 50; i++) {
        traitor_sends(c, 3, 1, &old);
    }
    assert_int_equal(node_view(&c->nodes[1]).refused[ERR_STALE], stale + 50); /* none replaces what is known */
    assert_true(c->queue_count - c->queue_head <= 1);                         /* one hint an interval */
    cluster_run(c, 2000);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    work(c, 1, 3);
    assert_int_equal(c->nodes[3].executed, 3);
    cluster_free(c);
}

static void answers_are_budgeted(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg m = {.type = FRAME_RECALL};
    cluster_run(c, 1000);
    for (unsigned i = 0; i < 50; i++) {
        traitor_sends(c, 3, 1, &m);
    }
    assert_true(c->queue_count - c->queue_head <= 2);
    assert_true(node_view(&c->nodes[1]).refused[ERR_BUSY] >= 48);
    cluster_free(c);
}

/* --- TILT --- */

static void a_host_that_stood_still_suspects_nobody_for_a_while(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    cluster_run(c, 1000);
    c->isolated = set_of(3);
    submit_to(c, 0, 1, set_of(3));
    c->now += 10000; /* SIGSTOP of 3 alone would look the same to it */
    node_step(&c->nodes[3], (struct pbft_event){.kind = PBFT_TIMEOUT});
    assert_true(traced(c, "3 TILT: stood still for 10000 ms"));
    struct msg shown;
    struct frame f;
    struct arena arena = {0};
    assert_int_equal(frame_open(&f, pbft_status_frame(c->nodes[3].core, 0)), ERR_OK);
    assert_int_equal(codec_decode(&shown, &f, &arena), ERR_OK);
    assert_int_equal(shown.status.phase, PHASE_TILT);
    arena_free(&arena);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE); /* it votes on */
    mono_ms resumed = c->now;
    while (c->now < resumed + 4900) {
        c->now += 100;
        node_step(&c->nodes[3], (struct pbft_event){.kind = PBFT_TIMEOUT});
    }
    assert_int_equal(node_view(&c->nodes[3]).wish, 0);
    c->now += 200;
    node_step(&c->nodes[3], (struct pbft_event){.kind = PBFT_TIMEOUT});
    assert_int_equal(node_view(&c->nodes[3]).wish, 1); /* and then it does */
    cluster_free(c);
}

/* --- a NEW-VIEW's own PRE-PREPAREs --- */

/* 1 is starved of all that moves its c, becomes the primary of a view whose O lies beyond its old window, and only the
   traitor 3 hears of it. Its own PRE-PREPAREs, shown to it in a later view, are none that its guard lacks. */
static struct msg_new_view starved_view;
static struct arena starved_arena;
static bool only_the_traitor_hears;

static bool starves_one(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c;
    bool own = m->type == FRAME_NEW_VIEW && m->sender == 1 && from == 1 && starved_view.vc_count == 0;
    if (own) {
        struct frame f;
        struct msg copy;
        assert_int_equal(frame_open(&f, arena_copy(&starved_arena, m->raw)), ERR_OK);
        assert_int_equal(codec_decode(&copy, &f, &starved_arena), ERR_OK);
        starved_view = copy.new_view;
    }
    if (to == 1 && (m->type == FRAME_CHECKPOINT || m->type == FRAME_CERT || m->type == FRAME_DECISION)) {
        return false;
    }
    bool synchroniser = m->type == FRAME_WISH || m->type == FRAME_VIEW_CHANGE || m->type == FRAME_STATUS;
    return !(from == 1 && only_the_traitor_hears && !synchroniser);
}

static void what_a_new_view_signed_beyond_the_own_window_is_remembered(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    cluster_run(c, 500);
    c->arrives = starves_one;
    for (unsigned i = 1; i <= 20; i++) {
        submit(c, 0, i);
        cluster_run(c, 20);
    }
    seq_no starved = node_view(&c->nodes[1]).certified;
    node_crash(&c->nodes[0]);
    only_the_traitor_hears = true;
    submit(c, 1, 1);
    cluster_run(c, 8000);
    assert_true(starved_view.slot_count > 0 && starved_view.slots[starved_view.slot_count - 1].n > starved + 16);
    assert_true(node_view(&c->nodes[1]).view > starved_view.v);
    for (unsigned i = 0; i < starved_view.slot_count; i++) {
        const struct new_view_slot *o = &starved_view.slots[i];
        struct claim x = claim_to(c, 1);
        x.m.recalled.answer = false;
        x.list[0] = (struct recalled){
            .type = FRAME_PRE_PREPARE, .vote = {starved_view.v, o->n, o->d, starved_view.digest}, .sig = o->pp_sig};
        say(c, 3, &x, 1);
        assert_int_not_equal(phase_of(c, 1), PHASE_LEARNER);
    }
    arena_free(&starved_arena);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_statements_prove_nothing),
        cmocka_unit_test(what_is_final_or_superseded_proves_nothing),
        cmocka_unit_test(an_own_statement_that_the_guard_lacks_is_a_proof),
        cmocka_unit_test(answers_to_others_and_of_other_boots_do_not_count),
        cmocka_unit_test(a_status_of_an_uncounted_boot_is_a_proof),
        cmocka_unit_test(a_twin_stops_both_but_is_not_recorded),
        cmocka_unit_test(a_member_that_lives_twice_is_told),
        cmocka_unit_test(two_under_one_boot_number_are_told),
        cmocka_unit_test(a_repeated_status_of_an_earlier_boot_harms_nobody),
        cmocka_unit_test(answers_are_budgeted),
        cmocka_unit_test(what_a_new_view_signed_beyond_the_own_window_is_remembered),
        cmocka_unit_test(a_host_that_stood_still_suspects_nobody_for_a_while),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
