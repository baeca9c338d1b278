/* How far notifiers came: who may say so, in what order, and that it outlives a restart and a state transfer. */
#include "base/bytes.h"
#include "client/turns.h"
#include "replica/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cmocka wants the headers above before its own. */
#include <cmocka.h>

static struct cluster cluster;
static struct cluster_observer observer;
static char *everywhere[] = {"*"};
static struct ledger *ledger;

static struct public_key key_of(uint8_t number) {
    struct public_key pk;
    struct secret_key sk;
    uint8_t seed[SECRET_SEED_LEN] = {number};
    crypto_keypair_from_seed(&pk, &sk, seed);
    return pk;
}

static int setup(void **state) {
    (void)state;
    static const unsigned ROLES[] = {OPERATOR_ADMIN, OPERATOR_DRILL, OPERATOR_NOTIFY};
    crypto_start();
    memset(&cluster, 0, sizeof cluster);
    strcpy(cluster.name, "unit");
    cluster.member_count = 4;
    cluster.t0 = 1000;
    cluster.knobs = protocol_defaults();
    for (uint8_t i = 0; i < 4; i++)
        cluster.members[i].key = key_of((uint8_t)(i + 1));
    cluster.operator_count = 3;
    cluster.operators_needed = 1;
    for (uint8_t i = 0; i < 3; i++) {
        cluster.operators[i] = (struct cluster_operator){.key = key_of((uint8_t)(50 + i)), .roles = ROLES[i]};
        snprintf(cluster.operators[i].name, sizeof cluster.operators[i].name, "op%u", i);
    }
    observer = (struct cluster_observer){.name = "eu", .key = key_of(60), .host_count = 1, .hosts = everywhere};
    cluster.observer_count = 1;
    cluster.observers = &observer;
    cluster_set_id(&cluster);
    ledger = ledger_new(&cluster);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    ledger_free(ledger);
    return 0;
}

static void only_admin_and_notify_may_say_who_was_told(void **state) {
    (void)state;
    static const struct {
        uint8_t key;
        enum error verdict;
    } ROWS[] = {{50, ERR_OK},        {51, ERR_FORBIDDEN}, {52, ERR_OK},
                {60, ERR_FORBIDDEN}, {1, ERR_FORBIDDEN},  {99, ERR_UNKNOWN_KEY}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct public_key key = key_of(ROWS[i].key);
        assert_int_equal(ledger_may(ledger, &key, OP_NOTIFIED), ROWS[i].verdict);
    }
    struct public_key notify = key_of(52);
    assert_int_equal(ledger_may(ledger, &notify, OP_QUERY), ERR_OK);
    assert_int_equal(ledger_may(ledger, &notify, OP_APPLY), ERR_FORBIDDEN);
    assert_int_equal(ledger_may(ledger, &notify, OP_BLOB), ERR_FORBIDDEN);
}

static enum error say(struct ledger *l, const char *handler, uint64_t first, uint64_t last, const char *instance) {
    struct op_notified op = {first, last, handler, instance};
    return ledger_notified(l, &op, 100);
}

static void stands(const struct ledger *l, uint32_t index, const char *handler, uint64_t upto, const char *instance) {
    const struct notified_record *n = ledger_notified_at(l, index);
    assert_non_null(n);
    assert_string_equal(n->handler, handler);
    assert_string_equal(n->instance, instance);
    assert_int_equal(n->upto, upto);
}

static void a_watermark_rises_without_gaps(void **state) {
    (void)state;
    assert_null(ledger_notified_at(ledger, 0));
    assert_int_equal(say(ledger, "page", 10, 12, "a"), ERR_STALE); /* and who is done with 1..9? */
    assert_null(ledger_notified_at(ledger, 0));
    assert_int_equal(say(ledger, "page", 1, 12, "a"), ERR_OK);
    stands(ledger, 0, "page", 12, "a");
    assert_int_equal(ledger_notified_at(ledger, 0)->at, 1000);
    assert_int_equal(say(ledger, "page", 11, 12, "b"), ERR_DUPLICATE);
    assert_int_equal(say(ledger, "page", 1, 5, "b"), ERR_DUPLICATE);
    stands(ledger, 0, "page", 12, "a");
    assert_int_equal(say(ledger, "page", 14, 20, "b"), ERR_STALE);
    assert_int_equal(say(ledger, "page", 13, 13, "b"), ERR_OK);
    stands(ledger, 0, "page", 13, "b");
    assert_int_equal(say(ledger, "page", 5, 20, "a"), ERR_OK);
    stands(ledger, 0, "page", 20, "a");
    assert_int_equal(say(ledger, "mail", 1, 1, "a"), ERR_OK);
    stands(ledger, 0, "mail", 1, "a");
    stands(ledger, 1, "page", 20, "a");
    assert_null(ledger_notified_at(ledger, 2));
}

static void alerts_of_the_future_cannot_be_silenced(void **state) {
    (void)state;
    assert_int_equal(say(ledger, "page", 1, 101, "a"), ERR_OUT_OF_RANGE);
    assert_null(ledger_notified_at(ledger, 0));
    assert_int_equal(say(ledger, "page", 1, 100, "a"), ERR_OK);
}

static void handlers_are_bounded(void **state) {
    (void)state;
    char name[8];
    for (unsigned i = 0; i < LEDGER_NOTIFIED_MAX; i++) {
        snprintf(name, sizeof name, "h%u", i);
        assert_int_equal(say(ledger, name, 1, 1, "a"), ERR_OK);
    }
    assert_int_equal(say(ledger, "more", 1, 1, "a"), ERR_TOO_MANY);
    assert_int_equal(say(ledger, "h7", 2, 2, "a"), ERR_OK);
    assert_null(ledger_notified_at(ledger, LEDGER_NOTIFIED_MAX));
}

static unsigned records;

static void copy_record(void *self, struct bytes key, struct bytes value) {
    records++;
    assert_int_equal(ledger_restore(self, key, value), ERR_OK);
}

static void records_bring_watermarks_back(void **state) {
    (void)state;
    struct ledger *other = ledger_new(&cluster);
    say(ledger, "page", 1, 42, "a");
    say(ledger, "mail", 1, 7, "b");
    ledger_flush(ledger, &(struct record_sink){other, copy_record});
    stands(other, 0, "mail", 7, "b");
    stands(other, 1, "page", 42, "a");
    assert_int_equal(say(other, "page", 44, 44, "b"), ERR_STALE);
    records = 0;
    ledger_flush(ledger, &(struct record_sink){other, copy_record});
    ledger_flush(other, &(struct record_sink){ledger, copy_record});
    assert_int_equal(records, 0);
    say(other, "page", 43, 43, "b");
    ledger_flush(other, &(struct record_sink){ledger, copy_record});
    assert_int_equal(records, 1);
    stands(ledger, 1, "page", 43, "b");
    ledger_free(other);
}

static enum error restored(const char *key, size_t key_len, const char *value, size_t value_len) {
    return ledger_restore(ledger, bytes_of(key, key_len), bytes_of(value, value_len));
}

static void damaged_records_are_refused(void **state) {
    (void)state;
    static const char GOOD[] = "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1a";
    assert_int_equal(restored("lnpage", 6, GOOD, 17), ERR_OK);
    assert_int_equal(restored("ln", 2, GOOD, 17), ERR_CORRUPT);
    assert_int_equal(restored("lnpa ge", 7, GOOD, 17), ERR_CORRUPT);
    assert_int_equal(restored("lnpage", 6, GOOD, 16), ERR_CORRUPT);
    assert_int_equal(restored("lnpage", 6, GOOD, 15), ERR_CORRUPT);
    assert_int_equal(restored("lnpage", 6, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1a", 17), ERR_CORRUPT);
    assert_int_equal(restored("lnpage", 6, "\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\1a\0", 18), ERR_CORRUPT);
}

/* --- as a QUERY answers them --- */

static void a_record_comes_back_from_its_bytes_and_bent_ones_do_not(void **state) {
    (void)state;
    struct notified_record n = {.upto = 42, .at = 1000, .handler = "page", .instance = "host-a"}, back;
    struct buffer bytes = {0};
    notified_record_encode(&bytes, &n);
    struct reader r = reader_of(buffer_bytes(&bytes));
    assert_int_equal(notified_record_decode(&back, &r), ERR_OK);
    assert_true(reader_done(&r));
    assert_int_equal(back.upto, 42);
    assert_int_equal(back.at, 1000);
    assert_string_equal(back.handler, "page");
    assert_string_equal(back.instance, "host-a");
    for (size_t len = 0; len < bytes.len; len++) {
        r = reader_of(bytes_of(bytes.data, len));
        assert_int_not_equal(notified_record_decode(&back, &r), ERR_OK);
    }
    bytes.data[17] = ' '; /* the handler's first letter */
    r = reader_of(buffer_bytes(&bytes));
    assert_int_equal(notified_record_decode(&back, &r), ERR_MALFORMED);
    bytes.data[16] = NOTIFY_NAME_MAX + 1;
    r = reader_of(buffer_bytes(&bytes));
    assert_int_equal(notified_record_decode(&back, &r), ERR_MALFORMED);
    buffer_free(&bytes);
}

static void a_new_handler_begins_where_the_log_stands_or_where_the_operator_chose(void **state) {
    (void)state;
    static const struct {
        uint64_t recorded;
        int since; /* -1: not given */
        uint64_t after;
        bool chosen, valid;
    } ROWS[] = {{0, -1, 0, false, true}, {7, -1, 7, false, true}, {0, 0, 0, true, true},  {0, 5, 5, true, true},
                {7, 0, 7, false, true},  {7, 7, 7, false, true},  {7, 8, 7, false, false}};
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct turns_beginning b;
        uint64_t since = (uint64_t)ROWS[i].since;
        assert_int_equal(turns_beginning(ROWS[i].recorded, ROWS[i].since < 0 ? NULL : &since, &b), ROWS[i].valid);
        assert_int_equal(b.after, ROWS[i].after);
        assert_int_equal(b.chosen, ROWS[i].chosen);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_new_handler_begins_where_the_log_stands_or_where_the_operator_chose),
        TEST(only_admin_and_notify_may_say_who_was_told),
        TEST(a_watermark_rises_without_gaps),
        TEST(alerts_of_the_future_cannot_be_silenced),
        TEST(handlers_are_bounded),
        TEST(records_bring_watermarks_back),
        TEST(damaged_records_are_refused),
        TEST(a_record_comes_back_from_its_bytes_and_bent_ones_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
