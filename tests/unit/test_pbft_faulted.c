/* What a drill made the key sign (R13): remembered, it is held against nobody; a statement that neither the core nor a
   drill accounts for still is. */
#include "tests/unit/faulted_world.h"

/* --- statements --- */

static const enum frame_type votes[] = {FRAME_PRE_PREPARE, FRAME_PREPARE, FRAME_COMMIT, FRAME_CHECKPOINT};

static void what_a_drill_signed_is_no_proof_of_a_lost_disk(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct cluster *c = cluster_new(4);
        struct recalled s = statement(votes[i], 16, 1), other = statement(votes[i], 16, 2);
        struct msg m = told(&s);
        work(c, 1, 10);
        assert_int_equal(own_up(c, 3, &m), ERR_OK);
        assert_int_equal(own_up(c, 3, &m), ERR_OK); /* said twice, remembered once */
        assert_int_equal(remembered(c, 3), 1);
        restart(c, 3);
        claims(c, 0, 3, &s, true);
        assert_int_equal(phase_of(c, 3), PHASE_RECALL);
        claims(c, 1, 3, &s, true);
        assert_int_equal(phase_of(c, 3), PHASE_ACTIVE); /* both answers counted */
        restart(c, 3);
        claims(c, 0, 3, &s, true);
        claims(c, 1, 3, &other, true); /* another statement about the same */
        assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
        cluster_free(c);
    }
}

static void what_a_drill_signed_makes_no_twin(void **state) {
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct cluster *c = cluster_new(4);
        struct recalled s = statement(votes[i], 16, 1), other = statement(votes[i], 15, 1);
        struct msg m = told(&s);
        work(c, 1, 10);
        assert_int_equal(own_up(c, 3, &m), ERR_OK);
        claims(c, 0, 3, &s, false);
        assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
        claims(c, 0, 3, &other, false);
        assert_true(traced(c, "3 TWIN: this key signed"));
        cluster_free(c);
    }
}

/* The signature of a PRE-PREPARE covers its statement alone. */
static void what_a_drill_proposed_is_known_though_nobody_can_read_the_batch(void **state) {
    (void)state;
    for (unsigned restarted = 0; restarted < 2; restarted++) {
        struct cluster *c = cluster_new(4);
        struct recalled s = statement(FRAME_PRE_PREPARE, 16, 1);
        struct msg m = told(&s);
        m.pre_prepare.batch_bytes = bytes_of_text("no batch");
        work(c, 1, 10);
        assert_int_equal(own_up(c, 3, &m), ERR_OK);
        assert_int_equal(remembered(c, 3), 1);
        if (restarted) {
            restart(c, 3);
        }
        claims(c, 0, 3, &s, restarted);
        claims(c, 1, 3, &s, restarted);
        assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
        cluster_free(c);
    }
}

/* --- views --- */

enum { CAUGHT_MAX = 64 };
static struct buffer caught[CAUGHT_MAX];
static unsigned caught_count;
static member_id caught_of;

static void catch_own(struct cluster *c, member_id from, member_id to, struct bytes frame) {
    (void)c, (void)to;
    struct frame f;
    if (from != caught_of || caught_count == CAUGHT_MAX || frame_open(&f, frame) != ERR_OK || f.sender != from ||
        !binds(f.type) || f.type == FRAME_RELAY) {
        return;
    }
    for (unsigned i = 0; i < caught_count; i++) {
        if (bytes_equal(buffer_bytes(&caught[i]), frame)) {
            return;
        }
    }
    buffer_put(&caught[caught_count++], frame.data, frame.len);
}

static enum frame_type type_of(const struct buffer *frame) {
    struct frame f;
    assert_int_equal(frame_open(&f, buffer_bytes(frame)), ERR_OK);
    return f.type;
}

/* Replica 1 became primary of view 1 and proposed again what was open: then its disk is an old one, on which all that
   it signed since stands as said by a drill, but for what `without` names. Is it found out? */
static bool found_out_without(enum frame_type without) {
    struct cluster *c = cluster_new(4);
    bool left_out = false;
    work(c, 1, 3);
    struct image before = disk_copy(&c->nodes[1]);
    caught_of = 1;
    c->sent = catch_own;
    c->arrives = commits_are_lost;
    submit(c, 0, 4);
    cluster_drain(c);
    c->isolated = set_of(0);
    cluster_run(c, 900);
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    c->sent = NULL;
    node_crash(&c->nodes[1]);
    c->nodes[1].executed = 0;
    disk_restore(&c->nodes[1], &before, 50);
    c->isolated = set_all(4);
    node_boot(&c->nodes[1]);
    for (unsigned i = 0; i < caught_count; i++) {
        bool in_new_view = type_of(&caught[i]) == FRAME_PRE_PREPARE; /* the NEW-VIEW speaks for these */
        left_out |= type_of(&caught[i]) == without;
        if (type_of(&caught[i]) != without && !in_new_view) {
            assert_int_equal(own_up_frame(&c->nodes[1], buffer_bytes(&caught[i]), true), ERR_OK);
        }
        buffer_free(&caught[i]);
    }
    caught_count = 0;
    assert_true(left_out || without == FRAME_TYPE_LIMIT);
    node_crash(&c->nodes[1]);
    c->isolated = set_of(0);
    node_boot(&c->nodes[1]);
    cluster_drain(c);
    assert_int_not_equal(phase_of(c, 1), PHASE_RECALL);
    bool found = traced(c, "1 AMNESIAC");
    if (!found) { /* a PRE-PREPARE of that view, but not of that NEW-VIEW */
        struct recalled s = vote_of(FRAME_PRE_PREPARE, 1, 9, 1);
        s.vote.nv_digest.b[0] = 1;
        claims(c, 3, 1, &s, false);
        assert_true(traced(c, "1 TWIN: this key signed a PRE-PREPARE for n=9"));
    }
    cluster_free(c);
    return found;
}

static void frames_of_views_are_told_apart_too(void **state) {
    (void)state;
    assert_false(found_out_without(FRAME_TYPE_LIMIT));
    assert_true(found_out_without(FRAME_VIEW_CHANGE));
    assert_true(found_out_without(FRAME_NEW_VIEW));
    assert_true(found_out_without(FRAME_PREPARE));
}

/* --- lost disks --- */

static void a_drill_excuses_no_lost_disk(void **state) {
    (void)state;
    for (unsigned wiped = 0; wiped < 2; wiped++) {
        struct cluster *c = cluster_new(4);
        struct recalled s = statement(FRAME_PREPARE, 16, 1);
        struct msg m = told(&s);
        work(c, 1, 3);
        assert_int_equal(own_up(c, 3, &m), ERR_OK);
        traitor_sends(c, 3, 0, &m);
        struct image before = disk_copy(&c->nodes[3]);
        c->arrives = commits_are_lost;
        submit(c, 0, 4);
        cluster_drain(c);
        node_crash(&c->nodes[3]);
        c->nodes[3].executed = 0;
        disk_restore(&c->nodes[3], &before, 100);
        if (wiped) {
            disk_wipe(&c->nodes[3]);
        }
        c->arrives = NULL;
        watch(c, 3);
        node_boot(&c->nodes[3]);
        cluster_drain(c);
        assert_true(traced(c, "3 AMNESIAC"));
        cluster_run(c, 2000);
        assert_int_equal(phase_of(c, 3), PHASE_LEARNER);
        assert_int_equal(votes_seen, 0);
        cluster_free(c);
    }
}

/* --- what is kept, and for how long --- */

static void what_can_never_be_asked_is_not_kept(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct recalled final = statement(FRAME_COMMIT, 8, 1);
    struct msg m = told(&final), others = m, wish = {.type = FRAME_WISH, .wish = {1000, WISH_REQ_TIMEOUT}};
    struct buffer frame = {0};
    work(c, 1, 10);
    cluster_run(c, 500);
    assert_int_equal(node_view(&c->nodes[3]).certified, 8);
    assert_int_equal(own_up(c, 3, &m), ERR_OK);
    assert_int_equal(own_up(c, 3, &wish), ERR_OK);
    seal_as(c, 2, &others, &frame);
    assert_int_equal(own_up_frame(&c->nodes[3], buffer_bytes(&frame), true), ERR_OK);
    assert_int_equal(own_up_frame(&c->nodes[3], bytes_of((const uint8_t *)"noise", 5), true), ERR_OK);
    assert_int_equal(remembered(c, 3), 0);
    buffer_free(&frame);
    cluster_free(c);
}

/* A guard that is not on disk yet accounts for nothing. */
static void what_the_core_signed_itself_is_kept_only_while_its_guard_is_not_durable(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    caught_of = 3;
    c->sent = catch_own;
    work(c, 1, 1);
    c->sent = NULL;
    assert_true(caught_count > 0);
    for (unsigned i = 0; i < caught_count; i++) {
        assert_int_equal(own_up_frame(&c->nodes[3], buffer_bytes(&caught[i]), true), ERR_OK);
    }
    assert_int_equal(remembered(c, 3), 0);
    for (unsigned i = 0; i < caught_count; i++) {
        assert_int_equal(own_up_frame(&c->nodes[3], buffer_bytes(&caught[i]), false), ERR_OK);
        buffer_free(&caught[i]);
    }
    assert_int_equal(remembered(c, 3), caught_count);
    caught_count = 0;
    cluster_free(c);
}

static void it_goes_when_the_log_has_moved_on(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct msg early = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = 1}}, late = early;
    work(c, 1, 10);
    for (seq_no n = 11; n <= 20; n++) {
        struct recalled s = statement(FRAME_COMMIT, n, 1);
        struct msg m = told(&s);
        assert_int_equal(own_up(c, 3, &m), ERR_OK);
    }
    early.view_change.c = late.view_change.c = *pbft_stable_cert(c->nodes[3].core);
    late.view_change.v = 4;
    assert_int_equal(own_up(c, 3, &early), ERR_OK);
    assert_int_equal(own_up(c, 3, &late), ERR_OK);
    assert_int_equal(remembered(c, 3), 12);
    work(c, 11, 6);
    cluster_run(c, 500);
    assert_int_equal(node_view(&c->nodes[3]).stable, 16);
    assert_int_equal(remembered(c, 3), 4 + 2);
    for (member_id i = 0; i < 2; i++) { /* a guard of view 2 */
        c->isolated = set_of(i);
        submit(c, 1, 1 + i);
        cluster_run(c, 2000);
    }
    assert_int_equal(node_view(&c->nodes[3]).view, 2);
    work(c, 17, 8);
    cluster_run(c, 500);
    assert_true(node_view(&c->nodes[3]).stable >= 24);
    assert_int_equal(remembered(c, 3), 1); /* the one of view 4 */
    node_crash(&c->nodes[3]);
    node_boot(&c->nodes[3]);
    cluster_run(c, 1000);
    assert_int_equal(phase_of(c, 3), PHASE_ACTIVE);
    cluster_free(c);
}

static void what_finds_no_room_must_not_leave(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct recalled s = statement(FRAME_COMMIT, 9, 1);
    struct node *x = &c->nodes[3];
    struct pbft_action a;
    struct buffer frame = {0};
    work(c, 1, 3);
    for (unsigned i = 0; i <= FAULTED_MAX; i++) {
        struct seal_context context = {FRAME_COMMIT, c->verifier.cluster, 0, 3};
        uint8_t body[VOTE_BODY_LEN];
        s.vote.d.b[1] = (uint8_t)i;
        s.vote.d.b[2] = (uint8_t)(i >> 8);
        s.vote.n = 5 + (i + 1) / FAULTED_MAX * 20; /* only the last one of all is far ahead */
        vote_encode(body, &s.vote);
        buffer_clear(&frame);
        frame_rebuild(&frame, &context, bytes_of(body, sizeof body), &s.sig);
        assert_int_equal(pbft_faulted(x->core, buffer_bytes(&frame), true, &a),
                         i < FAULTED_MAX ? ERR_OK : ERR_TOO_MANY);
    }
    assert_int_equal(a.key.len, 0);
    work(c, 4, 6);
    cluster_run(c, 500);
    assert_int_equal(node_view(x).stable, 8);
    assert_int_equal(pbft_faulted(x->core, buffer_bytes(&frame), true, &a), ERR_OK);
    assert_true(a.key.len > 0);
    buffer_free(&frame);
    cluster_free(c);
}

static void a_boot_that_never_was_and_a_status_to_come_must_not_be_told(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    uint64_t boot = c->nodes[3].boot, random = 4;
    struct msg m = {.type = FRAME_STATUS};
    cluster_run(c, 600); /* two of its STATUS and no more */
    m.status = (struct msg_status){.boot = boot, .boot_random = random, .counter = 1, .phase = PHASE_ACTIVE};
    m.status.executed = m.status.certified = 1000000;
    assert_int_equal(own_up(c, 3, &m), ERR_OK);
    m.status.counter = 1000;
    assert_int_equal(own_up(c, 3, &m), ERR_FORBIDDEN);
    m.status.counter = 1;
    m.status.boot_random++;
    assert_int_equal(own_up(c, 3, &m), ERR_FORBIDDEN);
    m.status.boot = boot + 1;
    assert_int_equal(own_up(c, 3, &m), ERR_FORBIDDEN);
    m.status.boot = boot - 1; /* as it was said then */
    assert_int_equal(own_up(c, 3, &m), ERR_OK);
    assert_int_equal(remembered(c, 3), 0);
    cluster_free(c);
}

static void a_damaged_record_is_found(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    struct pbft_config config = c->config;
    struct pbft *p = pbft_new(&config);
    uint8_t key[FAULTED_KEY_LEN] = {0}, value[DIGEST_LEN] = {0};
    key[8] = FRAME_COMMIT;
    assert_int_equal(pbft_restore(p, RECORD_FAULTED, bytes_of(key, sizeof key - 1), bytes_of(value, 1)), ERR_CORRUPT);
    assert_int_equal(pbft_restore(p, RECORD_FAULTED, bytes_of(key, sizeof key), bytes_of(value, 2)), ERR_CORRUPT);
    assert_int_equal(pbft_restore(p, RECORD_FAULTED, bytes_of(key, sizeof key), bytes_of(value, 1)), ERR_OK);
    key[8] = FRAME_NEW_VIEW;
    assert_int_equal(pbft_restore(p, RECORD_FAULTED, bytes_of(key, sizeof key), bytes_of(value, 1)), ERR_CORRUPT);
    assert_int_equal(pbft_restore(p, RECORD_FAULTED, bytes_of(key, sizeof key), bytes_of(value, sizeof value)), ERR_OK);
    pbft_free(p);
    cluster_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_drill_signed_is_no_proof_of_a_lost_disk),
        cmocka_unit_test(what_a_drill_signed_makes_no_twin),
        cmocka_unit_test(what_a_drill_proposed_is_known_though_nobody_can_read_the_batch),
        cmocka_unit_test(frames_of_views_are_told_apart_too),
        cmocka_unit_test(a_drill_excuses_no_lost_disk),
        cmocka_unit_test(what_can_never_be_asked_is_not_kept),
        cmocka_unit_test(what_the_core_signed_itself_is_kept_only_while_its_guard_is_not_durable),
        cmocka_unit_test(it_goes_when_the_log_has_moved_on),
        cmocka_unit_test(what_finds_no_room_must_not_leave),
        cmocka_unit_test(a_boot_that_never_was_and_a_status_to_come_must_not_be_told),
        cmocka_unit_test(a_damaged_record_is_found),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
