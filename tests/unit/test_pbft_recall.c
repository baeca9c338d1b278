/* The rollback guard (R13): who lost what its key signed is found out and votes no more; who did not is never taken for
   one, whenever it crashes and whatever liars say. */
#include "tests/unit/pbft_cluster.h"

/* --- disks --- */

struct image {
    struct stored *records;
    size_t count;
    seq_no executed;
};

static struct buffer buffer_copy(const struct buffer *b) {
    struct buffer copy = {0};
    buffer_put(&copy, b->data, b->len);
    return copy;
}

static struct image disk_copy(const struct node *x) {
    struct image im = {xcalloc(x->record_count + 1, sizeof *im.records), x->record_count, x->executed};
    for (size_t i = 0; i < im.count; i++) {
        const struct stored *s = &x->records[i];
        im.records[i] = (struct stored){s->record, buffer_copy(&s->key), buffer_copy(&s->value), s->number};
    }
    return im;
}

static void disk_wipe(struct node *x) {
    while (x->record_count > 0) {
        records_drop(x, x->record_count - 1);
    }
    x->boot = 0;
}

static void disk_restore(struct node *x, struct image *im, uint64_t boot) {
    disk_wipe(x);
    x->boot = boot;
    for (size_t i = 0; i < im->count; i++) {
        record_put(x, im->records[i].record, buffer_bytes(&im->records[i].key), buffer_bytes(&im->records[i].value));
        record_free(&im->records[i]);
    }
    free(im->records);
}

/* --- what was signed --- */

static member_id watched;
static unsigned votes_seen;

static bool binds(enum frame_type type) {
    return (type >= FRAME_PRE_PREPARE && type <= FRAME_NEW_VIEW) || type == FRAME_RELAY;
}

static void count_votes(struct cluster *c, member_id from, member_id to, struct bytes frame) {
    (void)c, (void)to;
    struct frame f;
    if (from == watched && frame_open(&f, frame) == ERR_OK && f.sender == watched && binds(f.type)) {
        votes_seen++;
    }
}

static void watch(struct cluster *c, member_id who) {
    watched = who;
    votes_seen = 0;
    c->sent = count_votes;
}

static enum phase phase_of(const struct cluster *c, member_id i) {
    return node_view(&c->nodes[i]).phase;
}

static void work(struct cluster *c, uint64_t from, uint64_t count) {
    for (uint64_t i = from; i < from + count; i++) {
        submit(c, 0, i);
        cluster_run(c, 20);
    }
}

/* It follows and executes, and no statement of its key leaves. */
static void assert_learns(struct cluster *c, member_id who, uint64_t seq) {
    assert_int_equal(phase_of(c, who), PHASE_LEARNER);
    watch(c, who);
    for (uint64_t i = 0; i < 20; i++) { /* over checkpoints */
        submit(c, 1, seq + i);
        cluster_run(c, 300);
    }
    cluster_run(c, 3000);
    assert_int_equal(c->nodes[who].executed, c->nodes[(who + 1) % 4].executed);
    assert_int_equal(votes_seen, 0);
    assert_int_equal(phase_of(c, who), PHASE_LEARNER);
    assert_agreement(c);
}

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

/* Each kind of statement that the image of before lacks is a proof by itself. */
static bool commits_are_lost(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    return m->type != FRAME_COMMIT;
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

/* --- liars --- */

struct claim { /* an answer that a member invents */
    struct msg m;
    struct recalled list[8];
};

static struct claim claim_to(const struct cluster *c, member_id to) {
    struct claim x = {.m = {.type = FRAME_RECALLED}};
    x.m.recalled = (struct msg_recalled){.to = to, .nonce = c->boots, .answer = true};
    return x;
}

static void sign_as(const struct cluster *c, member_id who, struct recalled *s) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    size_t len = recalled_body(body, s);
    struct seal_context context = {(uint8_t)s->type, c->verifier.cluster, 0, who};
    seal_sign(&s->sig, &context, bytes_of(body, len), &c->secrets[who]);
}

static struct recalled vote_of(enum frame_type type, view_no v, seq_no n, uint8_t content) {
    struct recalled s = {.type = type, .vote = {.v = v, .n = n}};
    s.vote.d.b[0] = content;
    return s;
}

static void say(struct cluster *c, member_id liar, struct claim *x, unsigned count) {
    x->m.recalled.count = count;
    x->m.recalled.statements = x->list;
    traitor_sends(c, liar, x->m.recalled.to, &x->m);
}

/* 3 restarts while only liars may answer: whatever they say, it is no learner, and what is no answer does not count. */
static struct cluster *restarted_among_liars(void) {
    struct cluster *c = cluster_new(4);
    work(c, 1, 10);
    cluster_run(c, 500);
    assert_int_equal(node_view(&c->nodes[3]).certified, 8);
    node_crash(&c->nodes[3]);
    c->isolated = set_of(0) | set_of(1) | set_of(2);
    node_boot(&c->nodes[3]);
    cluster_drain(c);
    assert_int_equal(phase_of(c, 3), PHASE_RECALL);
    return c;
}

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
        cmocka_unit_test(a_host_that_stood_still_suspects_nobody_for_a_while),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
