/* Records of scores and masks: there while they say something, and refused when they are out of bounds. */
#include "monitor_store.h"

static void a_mask_on_who_never_voted_has_a_record_while_it_lasts(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct monitor_sink sink = world_sink(&w);
    struct mask_request r = {"us", "web1", "http", "anna", MASK_SET};
    struct store s = {0};
    struct buffer said = {0};
    store_flush(&s, w.m);
    size_t before = s.count;
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OK);
    store_flush(&s, w.m);
    assert_int_equal(s.count, before + 1);
    struct monitor *again = rebuild(&s, ERR_OK);
    assert_int_equal(monitor_mask(again, &r, NULL, &said), ERR_DUPLICATE);
    monitor_free(again);
    r.order = MASK_CLEAR;
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OK);
    store_flush(&s, w.m);
    assert_int_equal(s.count, before);
    r.order = MASK_SET;
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OK);
    r.order = MASK_CLEAR;
    assert_int_equal(monitor_mask(w.m, &r, &sink, &said), ERR_OK);
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 1); /* the header, which counts the alerts */
    monitor_free(rebuild(&s, ERR_OK));
    buffer_free(&said);
    store_free(&s);
    world_end(&w);
}

/* The standing is the end of a vote's record: one byte a flag, then score, masks, told, said, truth, rounds, dissents,
   probation (u32), the two times and a name. */
enum {
    STANDING_LEN = 5 + 3 * 4 + 2 * 8 + 4,
    AT_SCORE = 0,
    AT_MASKS = 1,
    AT_TOLD = 2,
    AT_SAID = 3,
    AT_TRUTH = 4,
    AT_ROUNDS = 5,
    AT_DISSENTS = 9,
    AT_PROBATION = 13
};

static struct buffer *record_of_us(struct store *s) {
    return &s->pairs[s->count - 1].value; /* the last key: the service's third observer */
}

static void refuse_byte(const struct store *s, int at, uint8_t byte) {
    struct store bent = store_copy(s);
    struct buffer *value = record_of_us(&bent);
    uint8_t *place = value->data + value->len - STANDING_LEN + at;
    assert_int_not_equal(*place, byte);
    *place = byte;
    monitor_free(rebuild(&bent, ERR_CORRUPT));
    store_free(&bent);
}

static void scores_beyond_their_bounds_are_corrupt(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct store s = {0};
    all_vote(&w, OK);
    for (int i = 0; i < 13; i++) {
        world_advance(&w, 10);
        votes(&w, "ap", OK);
        votes(&w, "eu", OK);
        votes(&w, "us", CRIT);
    }
    store_flush(&s, w.m);
    struct buffer *value = record_of_us(&s);
    assert_int_equal(value->data[value->len - STANDING_LEN + AT_SCORE], SCORE_MAX);
    assert_int_equal(value->data[value->len - STANDING_LEN - 1], 1);
    refuse_byte(&s, -1, 2);
    refuse_byte(&s, -1, 0);
    refuse_byte(&s, AT_SCORE, SCORE_MAX + 1);
    refuse_byte(&s, AT_SCORE, 0); /* masked by its score */
    refuse_byte(&s, AT_MASKS, 0);
    refuse_byte(&s, AT_MASKS, 9);
    refuse_byte(&s, AT_TOLD, 2);
    refuse_byte(&s, AT_SAID, STATE_UNKNOWN);
    refuse_byte(&s, AT_TRUTH, STATE_UNKNOWN);
    refuse_byte(&s, AT_ROUNDS, 1);
    refuse_byte(&s, AT_DISSENTS, 1);
    refuse_byte(&s, AT_PROBATION, 1);
    store_free(&s);
    world_end(&w);
}

/* Two records that are sound each, and together set aside more than the object bears. */
static void more_masks_than_the_object_bears_are_corrupt(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE)), other = world_begin(HOST_AND_SERVICE(THREE));
    struct store s = {0}, t = {0};
    for (int i = 0; i < 14; i++) {
        all_vote(&w, OK);
        votes(&w, "us", i ? CRIT : OK);
        all_vote(&other, OK);
        votes(&other, "eu", i ? CRIT : OK);
        world_advance(&w, 10);
        world_advance(&other, 10);
    }
    store_flush(&s, w.m);
    store_flush(&t, other.m);
    struct pair *eu = &s.pairs[s.count - 2], *masked = &t.pairs[t.count - 2];
    assert_true(bytes_equal(buffer_bytes(&eu->key), buffer_bytes(&masked->key)));
    buffer_clear(&eu->value);
    buffer_put(&eu->value, masked->value.data, masked->value.len);
    monitor_free(rebuild(&s, ERR_CORRUPT));
    monitor_free(rebuild(&t, ERR_OK));
    store_free(&s);
    store_free(&t);
    world_end(&w);
    world_end(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_on_who_never_voted_has_a_record_while_it_lasts),
        cmocka_unit_test(scores_beyond_their_bounds_are_corrupt),
        cmocka_unit_test(more_masks_than_the_object_bears_are_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
