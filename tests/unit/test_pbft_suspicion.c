/* Primaries that stay just inside the rules (R11): each is replaced within a bound. And what a client or a slow link
   does, which replaces nobody. */
#include "replica/pbft/core.h"
#include "tests/unit/pbft_cluster.h"

enum { T_REQ = 2000, HELD_BACK = 700, HELD_BACK_LONG = 1700 };

static struct cluster *cluster_with_timeout(mono_ms request_timeout) {
    struct pbft_config config = cluster_defaults();
    config.request_timeout = request_timeout;
    return cluster_new_with(4, &config);
}

static member_set all_but(const struct cluster *c, member_id who) {
    return set_all(c->members) & (member_set)~set_of(who);
}

/* Two clients ask every quarter of a second, all members; returns the last number used. */
static uint64_t load(struct cluster *c, uint64_t from, mono_ms ms) {
    uint64_t seq = from;
    for (mono_ms end = c->now + ms; c->now < end; seq++) {
        submit(c, 1, seq);
        submit(c, 2, seq);
        cluster_run(c, 250);
    }
    return seq;
}

/* --- slow --- */

static mono_ms first_sent[LOG_MAX]; /* by n, or by a client's number */
static view_no sent_in[LOG_MAX];
static mono_ms held_back;

static void hold_back(mono_ms ms) {
    memset(first_sent, 0, sizeof first_sent);
    held_back = ms;
}

static bool held_back_long_enough(const struct cluster *c, const struct vote *v) {
    mono_ms *first = &first_sent[v->n];
    if (*first == 0 || sent_in[v->n] != v->v) {
        *first = c->now;
        sent_in[v->n] = v->v;
    }
    return c->now - *first >= held_back;
}

static bool primary_0_holds_back(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)to;
    return from != 0 || m->type != FRAME_PRE_PREPARE || held_back_long_enough(c, &m->pre_prepare.statement);
}

static void a_primary_just_below_the_timeout_is_replaced(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    hold_back(HELD_BACK);
    c->arrives = primary_0_holds_back;
    uint64_t next = load(c, 1, 2500);
    assert_int_equal(node_view(&c->nodes[1]).view, 0); /* two windows are an accident */
    next = load(c, next, 5000);
    assert_true(traced(c, "wish v=1 SLOW"));
    assert_false(traced(c, "REQ_TIMEOUT"));
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    load(c, next, 8000);
    for (member_id i = 0; i < 4; i++) {
        assert_int_equal(node_view(&c->nodes[i]).view, 1); /* and its successor stays */
        assert_int_equal(node_view(&c->nodes[i]).pool, 0);
    }
    assert_agreement(c);
    cluster_free(c);
}

/* The same primary, where an earlier view was slow too, or where such wishes ended views a moment ago. */
static void what_is_slow_depends_on_other_views(void **state) {
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct cluster *c = cluster_with_timeout(T_REQ);
        hold_back(HELD_BACK);
        c->arrives = primary_0_holds_back;
        for (member_id k = 0; k < 4; k++) {
            c->nodes[k].core->service.best[3] = i == 0 ? HELD_BACK : -1;
            c->nodes[k].core->service.doublings = i == 0 ? 0 : 3;
        }
        uint64_t next = load(c, 1, 8000);
        assert_int_equal(node_view(&c->nodes[1]).wish, 0);
        for (member_id k = 0; k < 4; k++) {
            c->nodes[k].core->service.best[0] = 1; /* but the best counts */
        }
        c->now += i == 0 ? 0 : SLOW_FORGET_MS; /* and a doubling is forgotten */
        load(c, next, i == 0 ? 8000 : 500);
        assert_int_equal(node_view(&c->nodes[1]).view, i == 0);
        assert_int_equal(c->nodes[1].core->service.doublings, i == 0 ? 1 : 2);
        cluster_free(c);
    }
}

static bool everybody_holds_back(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from, (void)to;
    return m->type != FRAME_PRE_PREPARE || held_back_long_enough(c, &m->pre_prepare.statement);
}

/* Where every primary is as slow as the first, the limit follows what was measured and the views come to rest. */
static void links_that_are_slow_for_all_rotate_no_views_for_ever(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(2 * T_REQ);
    hold_back(HELD_BACK_LONG);
    c->arrives = everybody_holds_back;
    uint64_t next = load(c, 1, 15000);
    view_no settled = node_view(&c->nodes[1]).view;
    assert_in_range(settled, 1, 2);
    load(c, next, 20000);
    assert_int_equal(node_view(&c->nodes[1]).view, settled);
    assert_agreement(c);
    cluster_free(c);
}

/* What ordering took is the least that the next view is given, however small the timeout in the configuration. */
static void the_timeout_follows_what_ordering_took(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(300);
    hold_back(HELD_BACK);
    c->arrives = everybody_holds_back;
    uint64_t next = load(c, 1, 8000);
    view_no settled = node_view(&c->nodes[1]).view;
    load(c, next, 40000); /* the doublings have gone by then */
    assert_int_equal(node_view(&c->nodes[1]).view, settled);
    assert_true(timer_request(c->nodes[1].core) >= 2 * HELD_BACK);
    cluster_free(c);
}

/* --- unfair --- */

/* The primary hears of client 0 only from the second relay of a request on, as if it had ignored it until then. */
static bool primary_0_is_deaf_to_client_0(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)from;
    struct request *r;
    if (to != 0 || m->type != FRAME_RELAY || request_new(&r, m->relay.request) != ERR_OK) {
        return true;
    }
    bool about_0 = public_key_equal(&r->client, &c->client_keys[0]);
    mono_ms *first = &first_sent[r->req_seq];
    request_free(r);
    *first = about_0 && *first == 0 ? c->now : *first;
    return !about_0 || c->now - *first >= 400;
}

static uint64_t load_starving_client_0(struct cluster *c, uint64_t from, unsigned seconds) {
    uint64_t seq = from;
    for (unsigned s = 0; s < seconds; s++, seq += 4) {
        submit_to(c, 0, seq, all_but(c, 0));
        load(c, seq, 1000);
    }
    return seq;
}

static void a_primary_that_starves_one_client_is_replaced(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    hold_back(HELD_BACK);
    c->arrives = primary_0_is_deaf_to_client_0;
    load_starving_client_0(c, 1, 9);
    assert_true(traced(c, "wish v=1 SLOW"));
    assert_false(traced(c, "REQ_TIMEOUT"));
    assert_int_equal(node_view(&c->nodes[2]).view, 1);
    cluster_free(c);
}

static void a_client_that_avoids_the_primary_replaces_nobody(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    load_starving_client_0(c, 1, 15); /* each of its requests waits T_req/4 for a relay */
    assert_int_equal(node_view(&c->nodes[2]).view, 0);
    assert_int_equal(node_view(&c->nodes[2]).wish, 0);
    assert_int_equal(node_view(&c->nodes[2]).pool, 0);
    cluster_free(c);
}

/* --- wasteful --- */

static bool no_proposal_of_0(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)to;
    return from != 0 || m->type != FRAME_PRE_PREPARE;
}

static void propose_as_0(struct cluster *c, seq_no n, const struct batch *b) {
    struct buffer bytes = {0};
    batch_encode(&bytes, b);
    struct msg m = {.type = FRAME_PRE_PREPARE};
    m.pre_prepare.statement = (struct vote){0, n, batch_digest(buffer_bytes(&bytes)), {{0}}};
    m.pre_prepare.batch_bytes = buffer_bytes(&bytes);
    for (member_id to = 1; to < c->members; to++) {
        traitor_sends(c, 0, to, &m);
    }
    buffer_free(&bytes);
    cluster_drain(c);
}

/* Forty batches a second without effect, and between them whatever is asked for, at once. */
static void a_primary_that_burns_the_log_is_replaced(const struct batch *useless) {
    struct cluster *c = cluster_with_timeout(T_REQ);
    c->arrives = no_proposal_of_0;
    uint64_t seq = 1;
    for (unsigned i = 0; i < 40 * 8 && node_view(&c->nodes[1]).view == 0; i++) {
        struct request_ref ref = {c->client_keys[1], seq, {{0}}};
        if (i % 10 == 0) {
            ref.digest = submit(c, 1, seq++);
            propose_as_0(c, c->nodes[1].executed + 1, &(struct batch){BATCH_NORMAL, 1, &ref});
        }
        struct request_ref old = {c->client_keys[1], 1, c->nodes[1].done[0]};
        struct batch again = {BATCH_NORMAL, 1, &old};
        propose_as_0(c, c->nodes[1].executed + 1, useless ? useless : &again);
        cluster_run(c, 25);
    }
    cluster_run(c, 2000);
    assert_true(traced(c, "wish v=1 SLOW"));
    assert_false(traced(c, "REQ_TIMEOUT"));
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    assert_agreement(c);
    cluster_free(c);
}

static void a_primary_that_proposes_the_executed_again_is_replaced(void **state) {
    (void)state;
    a_primary_that_burns_the_log_is_replaced(NULL);
}

static void a_primary_that_floods_with_nothing_is_replaced(void **state) {
    (void)state;
    a_primary_that_burns_the_log_is_replaced(&(struct batch){.kind = BATCH_NULL});
}

/* --- gaps, phantoms, ticks --- */

static void a_primary_that_skips_numbers_is_replaced_in_time(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    c->arrives = no_proposal_of_0;
    struct digest d = submit(c, 1, 1);
    struct request_ref ref = {c->client_keys[1], 1, d};
    propose_as_0(c, c->config.window, &(struct batch){BATCH_NORMAL, 1, &ref});
    assert_int_equal(c->nodes[1].executed, 0);
    cluster_run(c, T_REQ + 500);
    assert_true(traced(c, "wish v=1 REQ_TIMEOUT"));
    assert_done(c, all_but(c, 0), &d);
    assert_int_equal(c->nodes[1].executed, c->config.window); /* the gap is filled with nothing */
    struct digest later = submit(c, 1, 2);
    cluster_run(c, 1000);
    assert_done(c, all_but(c, 0), &later); /* and the window moved on */
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    assert_agreement(c);
    cluster_free(c);
}

static void a_primary_that_names_what_nobody_holds_is_replaced_in_time(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    c->arrives = no_proposal_of_0;
    struct digest d = submit(c, 1, 1);
    struct request_ref refs[] = {{c->client_keys[1], 1, d}, {c->client_keys[2], 1, {{7}}}};
    propose_as_0(c, 1, &(struct batch){BATCH_NORMAL, 2, refs});
    cluster_run(c, T_REQ + 500);
    assert_true(traced(c, "wish v=1 REQ_TIMEOUT"));
    assert_done(c, all_but(c, 0), &d);
    assert_int_equal(node_view(&c->nodes[1]).pool, 0);
    assert_int_equal(node_view(&c->nodes[1]).view, 1);
    cluster_free(c);
}

static void tick(struct cluster *c, member_id who, uint64_t seq, member_set to) {
    struct request r = {.client = c->verifier.keys[who], .req_seq = seq, .kind = OP_TICK};
    r.tick = (struct op_tick){1, seq, 1790000000000 + c->now, 0, true};
    struct buffer frame = {0};
    request_seal(&frame, &r, &c->verifier.cluster, &c->secrets[who]);
    for (member_id i = 0; i < c->members; i++) {
        if (set_has(to, i)) {
            cluster_feed_request(&c->nodes[i], buffer_bytes(&frame));
        }
    }
    buffer_free(&frame);
}

static bool no_relay_to_0(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from;
    return to != 0 || m->type != FRAME_RELAY;
}

/* It never hears the ticks of f+1 members; its own and the clients' requests go their way. */
static void a_primary_that_censors_ticks_is_replaced_in_time(void **state) {
    (void)state;
    struct cluster *c = cluster_with_timeout(T_REQ);
    c->arrives = no_relay_to_0;
    tick(c, 1, 1, all_but(c, 0));
    tick(c, 2, 1, all_but(c, 0));
    uint64_t next = load(c, 1, T_REQ - 250);
    assert_int_equal(node_view(&c->nodes[3]).wish, 0);
    load(c, next, 1000);
    assert_true(traced(c, "wish v=1 REQ_TIMEOUT"));
    assert_int_equal(node_view(&c->nodes[3]).view, 1);
    assert_int_equal(node_view(&c->nodes[3]).pool, 0);
    cluster_free(c);
}

/* --- backlogs --- */

static bool says_busy_with(unsigned clients) {
    struct cluster *c = cluster_with_timeout(T_REQ);
    c->arrives = no_proposal_of_0;
    for (unsigned i = 0; i < clients; i++) {
        for (uint64_t seq = 1; seq <= 40; seq++) {
            submit(c, i, seq);
        }
    }
    assert_false(pbft_busy(c->nodes[1].core));
    cluster_run(c, T_REQ / 4 - 50);
    assert_false(pbft_busy(c->nodes[1].core));
    cluster_run(c, 100);
    bool busy = pbft_busy(c->nodes[1].core);
    cluster_run(c, 8000); /* the next primary works it off */
    assert_false(pbft_busy(c->nodes[1].core));
    assert_int_equal(node_view(&c->nodes[1]).pool, 0);
    cluster_free(c);
    return busy;
}

/* However many requests few clients have waiting, the others are heard. */
static void a_backlog_of_many_clients_turns_new_requests_away(void **state) {
    (void)state;
    assert_true(says_busy_with(4));
    assert_false(says_busy_with(3));
}

/* --- round trips --- */

static void echo_from(struct cluster *c, member_id from, uint64_t counter, uint64_t echoed, uint32_t held) {
    struct msg m = {.type = FRAME_STATUS};
    m.status = (struct msg_status){.boot = 1,
                                   .boot_random = c->nodes[0].core->peers[from].status.boot_random,
                                   .counter = counter,
                                   .phase = PHASE_ACTIVE,
                                   .version = "test"};
    m.status.echo[0] = (struct status_echo){echoed, held};
    traitor_sends(c, from, 0, &m);
}

static void a_status_comes_back_as_an_echo(void **state) {
    (void)state;
    struct cluster *c = cluster_new(4);
    cluster_run(c, 2000);
    struct pbft *p = c->nodes[0].core;
    assert_int_equal(p->peers[1].rtt, 0); /* this network takes no time, however long a STATUS was held */
    uint64_t newest = p->status_counter;
    mono_ms sent = p->service.sent[(p->statuses_sent - 1) % ECHO_KEPT].at;
    c->now = sent + 240;
    echo_from(c, 1, 1000, newest, 40);
    assert_int_equal(p->peers[1].rtt, 200);
    echo_from(c, 1, 1001, newest + ECHO_KEPT, 0); /* never sent: no measure */
    assert_int_equal(p->peers[1].rtt, 200);
    echo_from(c, 1, 1002, newest, 5000); /* held longer than possible */
    assert_int_equal(p->peers[1].rtt, 0);
    cluster_free(c);
}

static unsigned wishes_of_1;

static void count_wishes_of_1(struct cluster *c, member_id from, member_id to, struct bytes frame) {
    struct frame f;
    (void)c;
    wishes_of_1 += from == 1 && to == 0 && frame_open(&f, frame) == ERR_OK && f.type == FRAME_WISH;
}

/* A client that asks for STATUS between any two of them changes nothing about what members send each other. */
static void questions_of_clients_keep_no_wish_from_being_sent_again(void **state) {
    (void)state;
    for (unsigned offset = 0; offset <= 1; offset++) {
        struct cluster *c = cluster_with_timeout(300);
        c->sent = count_wishes_of_1;
        c->isolated = set_all(4); /* nobody answers: the wish stands */
        submit_to(c, 0, 1, set_of(1));
        cluster_run(c, 1000);
        wishes_of_1 = 0;
        for (unsigned i = 0; i < 8 + offset; i++) {
            if (i > 0 || offset == 0) {
                pbft_status_frame(c->nodes[1].core, 0);
            }
            cluster_run(c, 250);
        }
        assert_in_range(wishes_of_1, 4, 5); /* with every second STATUS */
        cluster_free(c);
    }
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_primary_just_below_the_timeout_is_replaced),
        cmocka_unit_test(what_is_slow_depends_on_other_views),
        cmocka_unit_test(links_that_are_slow_for_all_rotate_no_views_for_ever),
        cmocka_unit_test(the_timeout_follows_what_ordering_took),
        cmocka_unit_test(a_primary_that_starves_one_client_is_replaced),
        cmocka_unit_test(a_client_that_avoids_the_primary_replaces_nobody),
        cmocka_unit_test(a_primary_that_proposes_the_executed_again_is_replaced),
        cmocka_unit_test(a_primary_that_floods_with_nothing_is_replaced),
        cmocka_unit_test(a_primary_that_skips_numbers_is_replaced_in_time),
        cmocka_unit_test(a_primary_that_names_what_nobody_holds_is_replaced_in_time),
        cmocka_unit_test(a_primary_that_censors_ticks_is_replaced_in_time),
        cmocka_unit_test(a_backlog_of_many_clients_turns_new_requests_away),
        cmocka_unit_test(a_status_comes_back_as_an_echo),
        cmocka_unit_test(questions_of_clients_keep_no_wish_from_being_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
