/* A traitor lies with its own key only, from its start to its end, and where drills are off there is no traitor at
   all. */
#include "tests/unit/fault_world.h"

static struct certificate honest_certificate(struct bytes leaf) {
    struct digest d = merkle_leaf(leaf);
    struct certificate c = {.body = {.n = 5, .output_root = merkle_root(&d, 1), .t = 2000}, .count = 1};
    uint8_t body[RECEIPT_BODY_LEN];
    receipt_encode(body, &c.body);
    for (member_id i = 0; i < 2; i++) {
        struct seal_context context = {FRAME_RECEIPT, cluster.id, 0, i};
        c.receipts[i].replica = i;
        seal_sign(&c.receipts[i].sig, &context, bytes_of(body, sizeof body), &secrets[i]);
    }
    c.receipts_len = 2;
    return c;
}

static void alert_leaf(struct buffer *out, uint64_t number) {
    struct alert a = {.number = number,
                      .n = 5,
                      .t = 2000,
                      .type = ALERT_PROBLEM,
                      .host = "web1",
                      .host_alias = "web1",
                      .host_address = "127.0.0.1",
                      .service = "http",
                      .service_display = "http",
                      .state = STATE_CRITICAL,
                      .hard = true,
                      .attempt = 1,
                      .max_attempts = 1,
                      .notification_number = 1,
                      .since = 2000,
                      .output = "down",
                      .perfdata = "",
                      .quorum = 1,
                      .observers = 1,
                      .author = "",
                      .comment = ""};
    alert_encode(out, &a);
}

static void answer_alerts(struct node_world *w, unsigned count, member_id from) {
    struct buffer leaf = {0}, frame = {0};
    alert_leaf(&leaf, 1);
    struct output o = {.leaf = buffer_bytes(&leaf), .cert = honest_certificate(buffer_bytes(&leaf))};
    assert_int_equal(certificate_verify(&verifier, &o.cert, o.leaf, NULL), ERR_OK);
    struct msg m = {.type = FRAME_OUTPUTS, .outputs = {.alerts = count, .count = count, .list = &o}};
    seal(&frame, &m, from);
    w->answer(w->self, 9, buffer_bytes(&frame));
    buffer_free(&leaf);
    buffer_free(&frame);
}

/* ---- no traitor where none may be ---- */

static void where_drills_are_off_there_is_no_filter(void **state) {
    (void)state;
    struct fault *f;
    struct buffer why = {0};
    struct fault_host host = {0};
    cluster.drills = DRILLS_OFF;
    assert_int_equal(fault_new(&f, &cluster, 0, &secrets[0], &host, &why), ERR_FORBIDDEN);
    assert_null(f);
    assert_non_null(strstr(buffer_cstr(&why), "drills: off"));
    buffer_free(&why);
}

static void a_filter_is_honest_until_it_is_started(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = honest(0, &w);
    struct buffer frame = {0};
    struct admitted x = {.msg.type = FRAME_STATUS};
    struct node_now now = fault_now(f, (struct node_now){5, 7});
    proposal(&frame, 1, 2);
    for (member_id to = 1; to < MEMBERS; to++) {
        w.send(w.self, to, buffer_bytes(&frame));
        assert_true(bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame)));
    }
    w.answer(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 3);
    assert_int_equal(world.answered, 1);
    assert_true(fault_hears(f, NULL, &x));
    assert_int_equal(now.wall, 7);
    assert_int_equal(fault_turn(f, 10), INT64_MAX);
    assert_false(fault_active(f));
    assert_string_equal(fault_name(f), "");
    assert_int_equal(fault_bites(f) + world.owned_up, 0);
    buffer_free(&frame);
    fault_free(f);
}

static void what_is_no_behaviour_starts_nothing(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = honest(1, &w);
    const char *const wrong[] = {"kind", "silent:1", "starve-backup:1", "starve-backup:4", "later:silent", ""};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct buffer why = {0};
        assert_int_equal(fault_start(f, wrong[i], 1, INT64_MAX, &why), ERR_NOT_FOUND);
        assert_non_null(strstr(buffer_cstr(&why), wrong[i]));
        assert_false(fault_active(f));
        buffer_free(&why);
    }
    fault_free(f);
}

static void one_fault_at_a_time(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("silent", 1, &w);
    struct buffer why = {0};
    assert_int_equal(fault_start(f, "deaf", 1, INT64_MAX, &why), ERR_BUSY);
    assert_non_null(strstr(buffer_cstr(&why), "silent"));
    assert_string_equal(fault_name(f), "silent");
    fault_stop(f);
    begin(f, "deaf", 1, INT64_MAX);
    assert_string_equal(fault_name(f), "deaf");
    buffer_free(&why);
    fault_free(f);
}

static void names_rows_and_parameters_are_in_order(void **state) {
    (void)state;
    const struct fault_behaviour *b, *other;
    for (unsigned i = 0; (b = fault_behaviour(i)); i++) {
        assert_true(fault_behaviour_known(b->name));
        assert_memory_equal(b->row, "DR-", 3);
        assert_true(strlen(b->what) > 10 && strlen(b->what) <= 70);
        for (unsigned k = 0; k < i && (other = fault_behaviour(k)); k++)
            assert_string_not_equal(b->name, other->name);
    }
    assert_true(fault_behaviour_known("delay-proposals:60000"));
    assert_true(fault_behaviour_known("later:skip-numbers:8"));
    assert_true(fault_behaviour_known("clock-offset:-5000"));
    assert_false(fault_behaviour_known("delay-proposals:60001"));
    assert_false(fault_behaviour_known("delay-proposals:-1"));
    assert_false(fault_behaviour_known("delay-proposals:"));
    assert_false(fault_behaviour_known("delay-proposals:4x"));
    assert_false(fault_behaviour_known("clock-offset:--5"));
    assert_false(fault_behaviour_known("silent:1"));
    assert_false(fault_behaviour_known("later:"));
    assert_false(fault_behaviour_known("delay"));
}

/* deploy/demo, bench/attacks and tests/e2e say these. */
static void what_scripts_say_is_known(void **state) {
    (void)state;
    static const char *const names[] = {
        "silent",         "delay-proposals:400", "slow-drip:400",     "skip-numbers:16",    "equivocate",
        "re-propose",     "censor-client:0",     "starve-backup:3",   "wrong-votes",        "withhold-commits:1",
        "status-lies",    "wish-storm:200",      "flood-garbage:200", "bad-signatures:200", "forge-alerts",
        "forge-receipts", "mute-clients"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(fault_behaviour_known(names[i]));
}

/* ---- beginning and end ---- */

static void a_fault_ends_at_its_time(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = honest(0, &w);
    fault_turn(f, 1000);
    begin(f, "silent", 1, 1500);
    assert_int_equal(fault_turn(f, 1100), 1500);
    w.send(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 0);
    assert_true(fault_active(f));
    assert_int_equal(fault_turn(f, 1500), INT64_MAX);
    w.send(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 1);
    assert_false(fault_active(f));
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void past_its_time_it_is_honest_though_nobody_told_it(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = honest(0, &w);
    fault_turn(f, 1000);
    begin(f, "silent", 1, 1500);
    fault_now(f, (struct node_now){.mono = 1500});
    w.send(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 1);
    assert_false(fault_active(f));
    begin(f, "silent", 1, 1600);
    assert_true(fault_active(f));
    fault_free(f);
}

static void what_was_held_back_leaves_at_its_time_or_at_the_end(void **state) {
    (void)state;
    for (unsigned stopped = 0; stopped < 2; stopped++) {
        struct node_world w;
        struct fault *f = honest(0, &w);
        struct buffer frame = {0};
        unsigned before = world.sent;
        fault_turn(f, 1000);
        begin(f, "delay-proposals:300", 1, INT64_MAX);
        proposal(&frame, 1, 1);
        w.send(w.self, 1, buffer_bytes(&frame));
        assert_int_equal(fault_turn(f, 1299), 1300);
        assert_int_equal(world.sent, before);
        if (stopped)
            fault_stop(f);
        else
            assert_int_equal(fault_turn(f, 1300), INT64_MAX);
        assert_int_equal(world.sent, before + 1);
        assert_true(bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame)));
        buffer_free(&frame);
        fault_free(f);
    }
}

/* Pages of a state that is fetched here are large. */
static void what_is_held_back_is_bounded_in_bytes(void **state) {
    (void)state;
    enum { MIB = 1 << 20, FIT = 64 };
    struct node_world w;
    struct fault *f = honest(0, &w);
    uint8_t *page = calloc(1, MIB);
    for (unsigned again = 0; again < 2; again++) { /* what left makes room */
        unsigned before = world.sent;
        begin(f, "jitter:60000", 1, INT64_MAX);
        for (unsigned i = 0; i <= FIT; i++)
            w.send(w.self, 1, bytes_of(page, MIB));
        assert_int_equal(world.sent, before);
        fault_stop(f);
        assert_int_equal(world.sent, before + FIT);
    }
    free(page);
    fault_free(f);
}

static void one_seed_is_one_course_of_lies(void **state) {
    (void)state;
    struct digest first[2][8];
    for (unsigned run = 0; run < 2; run++) {
        struct node_world w;
        struct fault *f = honest(1, &w);
        begin(f, "wrong-votes", 77, INT64_MAX);
        for (unsigned i = 0; i < 8; i++) {
            struct msg m = {.type = FRAME_PREPARE, .vote = {.v = 3, .n = 5 + i}};
            struct buffer frame = {0};
            seal(&frame, &m, 1);
            w.send(w.self, 2, buffer_bytes(&frame));
            first[run][i] = name_of(buffer_bytes(&world.last));
            buffer_free(&frame);
        }
        fault_free(f);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_true(digest_equal(&first[0][i], &first[1][i]));
}

/* ---- silence ---- */

static void the_silent_one_sends_and_answers_nothing(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("silent", 0, &w);
    w.send(w.self, 1, bytes_of_text("frame"));
    w.answer(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent + world.answered, 0);
    assert_int_equal(fault_bites(f), 2);
    fault_free(f);
}

static void the_mute_one_still_talks_to_peers(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("mute-clients", 0, &w);
    w.send(w.self, 1, bytes_of_text("frame"));
    w.answer(w.self, 1, bytes_of_text("frame"));
    assert_int_equal(world.sent, 1);
    assert_int_equal(world.answered, 0);
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void what_cannot_be_taken_apart_passes_as_it_is(void **state) {
    (void)state;
    const char *const names[] = {"forge-alerts", "forge-receipts", "equivocate"};
    for (unsigned i = 0; i < 3; i++) {
        struct node_world w;
        struct fault *f = traitor(names[i], 0, &w);
        w.send(w.self, 3, bytes_of_text("no frame"));
        w.answer(w.self, 1, bytes_of_text("no frame"));
        assert_true(bytes_equal(buffer_bytes(&world.last), bytes_of_text("no frame")));
        assert_int_equal(fault_bites(f), 0);
        fault_free(f);
    }
    assert_int_equal(world.sent + world.answered, 6);
}

static void a_false_receipt_to_peers_is_validly_signed(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("forge-receipts", 1, &w);
    struct msg m = {.type = FRAME_RECEIPT, .receipt = {{.n = 5, .t = 2000}}};
    struct buffer frame = {0};
    struct arena arena = {0};
    seal(&frame, &m, 1);
    w.send(w.self, 0, buffer_bytes(&frame));
    struct msg got = decoded(&arena);
    assert_int_equal(got.receipt.body.n, 5);
    assert_false(digest_equal(&got.receipt.body.output_root, &m.receipt.body.output_root));
    arena_free(&arena);
    buffer_free(&frame);
    fault_free(f);
}

static void a_false_receipt_to_clients_holds_but_is_alone(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("forge-receipts", 1, &w);
    struct arena arena = {0};
    answer_alerts(&w, 1, 1);
    struct msg got = decoded(&arena);
    assert_int_equal(got.outputs.count, 1);
    const struct certificate *c = &got.outputs.list[0].cert;
    assert_int_equal(c->receipts_len, 1);
    assert_true(receipt_verify(&verifier, &c->body, &c->receipts[0]));
    assert_true(
        merkle_verify(&c->body.output_root, got.outputs.list[0].leaf, c->index, c->count, c->path, c->path_len));
    assert_int_equal(certificate_verify(&verifier, c, got.outputs.list[0].leaf, NULL), ERR_TOO_FEW_SIGNATURES);
    arena_free(&arena);
    fault_free(f);
}

/* No drill accounts for what lies so far behind it: signed, it would stand against an honest member. */
static void a_receipt_from_before_the_drill_is_not_signed_anew(void **state) {
    (void)state;
    for (unsigned old = 0; old <= 1; old++) {
        struct node_world w;
        struct fault *f = traitor("forge-receipts", 1, &w);
        struct arena arena = {0};
        answer_alerts(&w, 1, 1);
        seq_no n = decoded(&arena).outputs.list[0].cert.body.n;
        world.facts.executed = n + cluster.knobs.window - 1 + old;
        answer_alerts(&w, 1, 1);
        struct msg got = decoded(&arena);
        const struct certificate *c = &got.outputs.list[0].cert;
        assert_int_equal(receipt_verify(&verifier, &c->body, &c->receipts[0]), old == 0);
        world.facts.executed = 0;
        arena_free(&arena);
        fault_free(f);
    }
}

static void forged_alerts_never_prove_true(void **state) {
    (void)state;
    for (unsigned real = 0; real <= 1; real++) {
        struct node_world w;
        struct fault *f = traitor("forge-alerts", (member_id)(3 * real), &w);
        struct arena arena = {0};
        answer_alerts(&w, real, f ? (member_id)(3 * real) : 0);
        struct msg got = decoded(&arena);
        assert_int_equal(got.outputs.count, real + 1);
        assert_int_equal(got.outputs.alerts, real + 1);
        for (unsigned i = 0; i < got.outputs.count; i++) {
            const struct output *o = &got.outputs.list[i];
            struct alert a;
            assert_int_equal(alert_decode(&a, o->leaf, &arena), ERR_OK);
            assert_int_equal(a.number, i + 1);
            assert_int_equal(o->cert.receipts_len, 2);
            assert_int_equal(certificate_verify(&verifier, &o->cert, o->leaf, NULL), ERR_BAD_SIGNATURE);
        }
        arena_free(&arena);
        fault_free(f);
    }
}

/* ---- time ---- */

static void drips_come_one_at_a_time(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("slow-drip:100", 0, &w);
    struct buffer frame = {0};
    fault_turn(f, 1000);
    for (seq_no n = 1; n <= 3; n++) {
        proposal(&frame, n, 1);
        w.send(w.self, 1, buffer_bytes(&frame));
    }
    assert_int_equal(world.sent, 1);
    assert_int_equal(fault_turn(f, 1099), 1100);
    fault_turn(f, 1100);
    assert_int_equal(world.sent, 2);
    fault_turn(f, 1200);
    assert_int_equal(world.sent, 3);
    buffer_free(&frame);
    fault_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(where_drills_are_off_there_is_no_filter),
        TEST(a_filter_is_honest_until_it_is_started),
        TEST(what_is_no_behaviour_starts_nothing),
        TEST(one_fault_at_a_time),
        TEST(names_rows_and_parameters_are_in_order),
        TEST(what_scripts_say_is_known),
        TEST(a_fault_ends_at_its_time),
        TEST(past_its_time_it_is_honest_though_nobody_told_it),
        TEST(what_was_held_back_leaves_at_its_time_or_at_the_end),
        TEST(what_is_held_back_is_bounded_in_bytes),
        TEST(one_seed_is_one_course_of_lies),
        TEST(the_silent_one_sends_and_answers_nothing),
        TEST(the_mute_one_still_talks_to_peers),
        TEST(what_cannot_be_taken_apart_passes_as_it_is),
        TEST(a_false_receipt_to_peers_is_validly_signed),
        TEST(a_false_receipt_to_clients_holds_but_is_alone),
        TEST(a_receipt_from_before_the_drill_is_not_signed_anew),
        TEST(forged_alerts_never_prove_true),
        TEST(drips_come_one_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
