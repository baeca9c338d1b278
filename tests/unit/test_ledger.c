/* The ledger: exactly-once windows, agreed time, staged blobs, records and back. */
#include "base/bytes.h"
#include "base/prng.h"
#include "replica/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

static struct cluster cluster;
static struct cluster_observer observers[2];
static char *everywhere[] = {"*"}, *only_web[] = {"web*"};

static struct public_key key_of(uint8_t number) {
    struct public_key pk;
    struct secret_key sk;
    uint8_t seed[SECRET_SEED_LEN] = {number};
    crypto_keypair_from_seed(&pk, &sk, seed);
    return pk;
}

static int found(void **state) {
    (void)state;
    crypto_start();
    memset(&cluster, 0, sizeof cluster);
    strcpy(cluster.name, "unit");
    cluster.member_count = 4;
    cluster.t0 = 1000;
    cluster.knobs = protocol_defaults();
    for (uint8_t i = 0; i < 4; i++)
        cluster.members[i].key = key_of((uint8_t)(i + 1));
    cluster.operator_count = cluster.operators_needed = 1;
    cluster.operators[0] = (struct cluster_operator){.name = "op", .key = key_of(50), .roles = OPERATOR_ADMIN};
    observers[0] = (struct cluster_observer){.name = "eu", .key = key_of(60), .host_count = 1, .hosts = everywhere};
    observers[1] = (struct cluster_observer){.name = "us", .key = key_of(61), .host_count = 1, .hosts = only_web};
    cluster.observer_count = 2;
    cluster.observers = observers;
    cluster_set_id(&cluster);
    return 0;
}

static void a_request_takes_effect_once_and_the_window_slides(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key eu = key_of(60), stranger = key_of(99);
    struct {
        uint64_t seq;
        enum error before;
        bool mark;
    } rows[] = {
        {0, ERR_OLD, false},
        {1, ERR_OK, true},
        {1, ERR_ALREADY_EXECUTED, false},
        {1 + LEDGER_AHEAD_MAX, ERR_OK, false},
        {2 + LEDGER_AHEAD_MAX, ERR_AHEAD, false},
        {200, ERR_OK, true},
        {2, ERR_OK, true},
        {256, ERR_OK, true},
        {1, ERR_ALREADY_EXECUTED, false},
        {257, ERR_OK, true},
        {1, ERR_OLD, false},
        {2, ERR_ALREADY_EXECUTED, false},
        {3, ERR_OK, true},
        {900, ERR_OK, true},
        {257, ERR_OLD, false},
        {645, ERR_OK, false},
        {644, ERR_OLD, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(ledger_judge(l, &eu, rows[i].seq), rows[i].before);
        if (rows[i].mark)
            ledger_mark(l, &eu, rows[i].seq, OP_OBSERVE);
        ledger_check(l);
    }
    assert_int_equal(ledger_top(l, &eu), 900);
    assert_int_equal(ledger_judge(l, &stranger, 1), ERR_UNKNOWN_KEY);
    ledger_free(l);
}

static void the_window_equals_a_naive_set(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key eu = key_of(60);
    static bool done[5000];
    uint64_t top = 0;
    struct prng p;
    prng_seed(&p, 7);
    memset(done, 0, sizeof done);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t low = top > 400 ? top - 400 : 0, seq = low + prng_below(&p, 420) + 1;
        if (seq >= 5000)
            break;
        enum error naive = seq + LEDGER_WINDOW <= top ? ERR_OLD : done[seq] ? ERR_ALREADY_EXECUTED : ERR_OK;
        assert_int_equal(ledger_judge(l, &eu, seq), naive);
        if (naive != ERR_OK)
            continue;
        ledger_mark(l, &eu, seq, OP_OBSERVE);
        done[seq] = true;
        top = seq > top ? seq : top;
    }
    assert_true(top > 3000);
    ledger_free(l);
}

static void each_role_may_what_is_its_own(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key member = key_of(1), op = key_of(50), eu = key_of(60), stranger = key_of(99);
    assert_int_equal(ledger_may(l, &member, OP_TICK), ERR_OK);
    assert_int_equal(ledger_may(l, &member, OP_OBSERVE), ERR_FORBIDDEN);
    assert_int_equal(ledger_may(l, &op, OP_APPLY), ERR_OK);
    assert_int_equal(ledger_may(l, &op, OP_OBSERVE), ERR_FORBIDDEN);
    assert_int_equal(ledger_may(l, &eu, OP_OBSERVE), ERR_OK);
    assert_int_equal(ledger_may(l, &eu, OP_APPLY), ERR_FORBIDDEN);
    assert_int_equal(ledger_may(l, &eu, OP_TICK), ERR_FORBIDDEN);
    assert_int_equal(ledger_may(l, &stranger, OP_QUERY), ERR_UNKNOWN_KEY);
    assert_true(ledger_observer_may(l, "us", "web1"));
    assert_false(ledger_observer_may(l, "us", "db1"));
    assert_false(ledger_observer_may(l, "nobody", "web1"));
    ledger_free(l);
}

static void tick(struct ledger *l, member_id m, uint64_t counter, time_ms wall) {
    ledger_tick(l, m, &(struct op_tick){.boot = 1, .counter = counter, .wall = wall});
}

static void agreed_time_is_what_f_plus_one_members_reached(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    assert_int_equal(ledger_advance(l), 1000);
    tick(l, 0, 1, 900000);
    assert_int_equal(ledger_advance(l), 1000); /* one clock alone, even a wild one, moves nothing */
    tick(l, 1, 1, 5000);
    assert_int_equal(ledger_advance(l), 5000);
    tick(l, 2, 1, 6000);
    assert_int_equal(ledger_advance(l), 6000);
    tick(l, 2, 1, 7000); /* the same counter again: ignored */
    assert_int_equal(ledger_advance(l), 6000);
    tick(l, 2, 2, 2000); /* a clock stepping back takes nothing back */
    tick(l, 1, 2, 2000);
    assert_int_equal(ledger_advance(l), 6000);
    ledger_free(l);
}

static void blobs_join_only_when_whole_and_right(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key op = key_of(50);
    struct digest whole = crypto_digest(DIGEST_OBJECTS, bytes_of_text("abcdef"));
    struct buffer out = {0};
    assert_int_equal(ledger_blob_join(l, &op, DIGEST_OBJECTS, &whole, 6, &out), ERR_BLOB_MISSING);
    assert_int_equal(ledger_blob(l, &op, &(struct op_blob){whole, 1, bytes_of_text("def")}), ERR_OK);
    assert_int_equal(ledger_blob_join(l, &op, DIGEST_OBJECTS, &whole, 6, &out), ERR_BLOB_MISSING);
    assert_int_equal(ledger_blob(l, &op, &(struct op_blob){whole, 0, bytes_of_text("abc")}), ERR_OK);
    assert_int_equal(ledger_blob_join(l, &op, DIGEST_OBJECTS, &whole, 7, &out), ERR_BLOB_MISSING);
    assert_int_equal(ledger_blob_join(l, &op, DIGEST_OBJECTS, &whole, 6, &out), ERR_OK);
    assert_memory_equal(out.data, "abcdef", 6);
    assert_int_equal(ledger_blob(l, &op, &(struct op_blob){whole, LEDGER_BLOB_PARTS_MAX, bytes_of_text("x")}),
                     ERR_TOO_MANY);
    assert_int_equal(ledger_blob(l, &op, &(struct op_blob){whole, 2, {0}}), ERR_OUT_OF_RANGE);
    for (uint8_t i = 0; i < LEDGER_STAGED_MAX; i++) {
        struct digest other = {{i}};
        assert_int_equal(ledger_blob(l, &op, &(struct op_blob){other, 0, bytes_of_text("x")}), ERR_OK);
    }
    /* the oldest gave way */
    assert_int_equal(ledger_blob_join(l, &op, DIGEST_OBJECTS, &whole, 6, &out), ERR_BLOB_MISSING);
    buffer_free(&out);
    ledger_free(l);
}

/* ---- quotas ---- */

static void mark_next(struct ledger *l, const struct public_key *key, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        ledger_mark(l, key, ledger_top(l, key) + 1, OP_OBSERVE);
}

static void time_is(struct ledger *l, time_ms t) {
    static uint64_t counter = 100;
    counter++;
    tick(l, 0, counter, t);
    tick(l, 1, counter, t);
    assert_int_equal(ledger_advance(l), t);
}

static void tokens_are_spent_and_come_back_with_agreed_time(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key eu = key_of(60), us = key_of(61), member = key_of(1);
    uint32_t burst = cluster.knobs.quota_burst, rate = cluster.knobs.quota_per_s;
    time_is(l, 50000);
    mark_next(l, &eu, burst - 1);
    assert_true(ledger_ready(l, &eu) <= 50000);
    mark_next(l, &eu, 1);
    assert_int_equal(ledger_ready(l, &eu), 50000 + 1000 / rate);
    assert_true(ledger_ready(l, &us) <= 50000); /* each has its own */
    mark_next(l, &eu, rate);                    /* ordered all the same */
    assert_int_equal(ledger_ready(l, &eu), 51000 + 1000 / rate);
    time_is(l, 51000);
    assert_true(ledger_ready(l, &eu) > 51000);
    time_is(l, 51001);
    assert_true(ledger_ready(l, &eu) <= 51001);
    for (unsigned i = 0; i < 3 * burst; i++)
        ledger_mark(l, &member, ledger_top(l, &member) + 1, OP_TICK);
    assert_true(ledger_ready(l, &member) <= 51001); /* ticks cost nothing */
    ledger_free(l);
}

/* Evidence and its parts fill disks too. */
static void what_a_member_asks_for_beside_ticks_has_a_bucket_of_its_own(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key member = key_of(1), other = key_of(2);
    time_is(l, 50000);
    mark_next(l, &member, LEDGER_MEMBER_BURST - 1);
    assert_true(ledger_ready(l, &member) <= 50000);
    mark_next(l, &member, 1);
    assert_int_equal(ledger_ready(l, &member), 50000 + 1000 / LEDGER_MEMBER_PER_S);
    assert_true(ledger_ready(l, &other) <= 50000);
    mark_next(l, &member, 10 * LEDGER_MEMBER_BURST); /* ordered all the same: to the floor */
    time_ms full = 50000 + 1000 * (LEDGER_MEMBER_BURST + 1) / LEDGER_MEMBER_PER_S;
    assert_int_equal(ledger_ready(l, &member), full);
    time_is(l, full);
    assert_true(ledger_ready(l, &member) <= full);
    ledger_free(l);
}

static void a_bucket_has_a_brim_and_a_floor(void **state) {
    (void)state;
    struct ledger *l = ledger_new(&cluster);
    struct public_key eu = key_of(60);
    uint32_t burst = cluster.knobs.quota_burst, rate = cluster.knobs.quota_per_s;
    mark_next(l, &eu, 10 * burst);
    assert_int_equal(ledger_ready(l, &eu), cluster.t0 + (1000 * (int64_t)burst + 1000) / rate);
    time_is(l, 4000000000000); /* a hundred years of rest fill it once */
    mark_next(l, &eu, burst);
    assert_true(ledger_ready(l, &eu) > 4000000000000);
    ledger_free(l);
}

/* ---- records ---- */

struct copy_to {
    struct ledger *to;
    struct state_tree *tree;
};

static void copy_record(void *self, struct bytes key, struct bytes value) {
    struct copy_to *c = self;
    if (!value.data) {
        state_tree_remove(c->tree, key);
        return;
    }
    state_tree_put(c->tree, key, value);
    assert_int_equal(ledger_restore(c->to, key, value), ERR_OK);
}

static void nothing(void *self, struct bytes key, struct bytes value) {
    (void)key;
    (void)value;
    ++*(unsigned *)self;
}

static void records_bring_the_same_ledger_back(void **state) {
    (void)state;
    struct ledger *a = ledger_new(&cluster), *b = ledger_new(&cluster);
    struct public_key eu = key_of(60), us = key_of(61), op = key_of(50);
    struct digest d = {{3}};
    struct copy_to copy = {b, state_tree_new()};
    ledger_mark(a, &eu, 5, OP_OBSERVE);
    ledger_mark(a, &eu, 300, OP_OBSERVE);
    ledger_mark(a, &eu, 290, OP_OBSERVE);
    ledger_convict(a, &eu);
    tick(a, 2, 4, 77000);
    tick(a, 3, 4, 78000);
    ledger_advance(a);
    mark_next(a, &us, 2 * cluster.knobs.quota_burst);
    ledger_append(a, 1, &d);
    ledger_append(a, 2, &d);
    ledger_blob(a, &op, &(struct op_blob){d, 0, bytes_of_text("part")});
    ledger_flush(a, &(struct record_sink){&copy, copy_record});
    struct digest ha = ledger_log_hash(a), hb = ledger_log_hash(b);
    assert_true(digest_equal(&ha, &hb));
    assert_int_equal(ledger_executed(b), 2);
    assert_int_equal(ledger_time(b), 77000);
    assert_true(ledger_convicted(b, &eu));
    assert_int_equal(ledger_judge(b, &eu, 290), ERR_ALREADY_EXECUTED);
    assert_int_equal(ledger_judge(b, &eu, 291), ERR_OK);
    assert_int_equal(ledger_judge(b, &eu, 44), ERR_OLD);
    assert_int_equal(ledger_ready(b, &us), ledger_ready(a, &us));
    unsigned again = 0;
    ledger_flush(a, &(struct record_sink){&again, nothing});
    ledger_flush(b, &(struct record_sink){&again, nothing});
    assert_int_equal(again, 0);
    assert_int_equal(ledger_restore(b, bytes_of_text("lx"), bytes_of_text("1")), ERR_CORRUPT);
    assert_int_equal(ledger_restore(b, bytes_of_text("lh"), bytes_of_text("short")), ERR_CORRUPT);
    state_tree_free(copy.tree);
    ledger_free(a);
    ledger_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_takes_effect_once_and_the_window_slides),
        cmocka_unit_test(the_window_equals_a_naive_set),
        cmocka_unit_test(each_role_may_what_is_its_own),
        cmocka_unit_test(agreed_time_is_what_f_plus_one_members_reached),
        cmocka_unit_test(blobs_join_only_when_whole_and_right),
        cmocka_unit_test(tokens_are_spent_and_come_back_with_agreed_time),
        cmocka_unit_test(a_bucket_has_a_brim_and_a_floor),
        cmocka_unit_test(what_a_member_asks_for_beside_ticks_has_a_bucket_of_its_own),
        cmocka_unit_test(records_bring_the_same_ledger_back),
    };
    return cmocka_run_group_tests_name("ledger", tests, found, NULL);
}
