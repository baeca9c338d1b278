/* The retention: what lies far below the stable checkpoint goes, with all that belongs to it, and nothing that is still
   needed. */
#include "tests/unit/node_world.h"

enum { LEAST = 4 * 8 + 2 * 16 }; /* what a node keeps in any case: 4 K + 2 W */

static size_t stored(struct world *w, member_id i, enum disk_family f) {
    return w->places[i].disk->families[f].count;
}

static seq_no oldest_decision(struct world *w, member_id i) {
    const struct entry *e = &w->places[i].disk->families[DISK_DECIDED].list[0];
    struct reader r = reader_of(bytes_of(e->key, e->key_len));
    return read_u64(&r);
}

static void restart_with_retention(struct world *w, seq_no retain) {
    w->retain = retain;
    for (member_id i = 0; i < NODES; i++) {
        node_down(w, i);
        assert_int_equal(node_up(w, i), ERR_OK);
    }
    world_run(w, 1500);
}

static struct world *short_memory(unsigned batches) {
    struct world *w = world_new();
    restart_with_retention(w, 1);
    order_batches(w, batches, 100);
    world_run(w, 1000);
    return w;
}

/* Every request that a kept decision names. */
static void assert_requests_are_there(struct world *w, member_id i) {
    const struct family *decided = &w->places[i].disk->families[DISK_DECIDED];
    for (size_t k = 0; k < decided->count; k++) {
        struct frame f = {.type = FRAME_DECISION, .body = bytes_of(decided->list[k].value, decided->list[k].value_len)};
        struct arena arena = {0};
        struct msg m;
        struct batch b;
        assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
        assert_int_equal(batch_decode(&b, m.decision.batch, &arena), ERR_OK);
        for (unsigned r = 0; r < b.count; r++)
            assert_non_null(find(&w->places[i].disk->families[DISK_REQUEST], bytes_of(b.refs[r].digest.b, DIGEST_LEN)));
        arena_free(&arena);
    }
}

static void a_directory_stops_growing(void **state) {
    (void)state;
    struct world *w = short_memory(110);
    size_t decided = stored(w, 0, DISK_DECIDED), requests = stored(w, 0, DISK_REQUEST),
           outputs = stored(w, 0, DISK_OUTPUT), meta = stored(w, 0, DISK_META);
    order_batches(w, 80, 100);
    world_run(w, 1000);
    assert_in_range(stored(w, 0, DISK_DECIDED), LEAST, LEAST + 24);
    assert_true(stored(w, 0, DISK_DECIDED) <= decided + 16);
    assert_true(stored(w, 0, DISK_REQUEST) <= requests + 32);
    assert_true(stored(w, 0, DISK_OUTPUT) <= outputs + 80 + 32); /* and a place for each request answered */
    assert_int_equal(stored(w, 0, DISK_META), meta);
    assert_true(oldest_decision(w, 0) + LEAST <= facts_of(w, 0).pbft.stable + 1);
    assert_requests_are_there(w, 0);
    world_free(w);
}

static void nothing_goes_before_its_time(void **state) {
    (void)state;
    struct world *w = world_new(); /* a million batches */
    order_batches(w, 100, 100);
    assert_int_equal(oldest_decision(w, 0), 1);
    restart_with_retention(w, LEAST + 30);
    order_batches(w, 60, 100);
    assert_true(oldest_decision(w, 0) > 1);
    assert_true(oldest_decision(w, 0) + LEAST + 30 >= facts_of(w, 0).pbft.stable - 8);
    world_free(w);
}

static void a_restart_goes_on_from_what_is_kept(void **state) {
    (void)state;
    struct world *w = short_memory(110);
    seq_no executed = facts_of(w, 2).executed, oldest = oldest_decision(w, 2);
    node_down(w, 2);
    assert_int_equal(node_up(w, 2), ERR_OK);
    assert_int_equal(facts_of(w, 2).executed, executed);
    order_batches(w, 20, 100);
    world_run(w, 1000);
    assert_true(oldest_decision(w, 2) > oldest);
    assert_int_equal(facts_of(w, 2).executed, facts_of(w, 0).executed);
    world_free(w);
}

static void who_was_away_for_longer_comes_by_a_transfer(void **state) {
    (void)state;
    struct world *w = short_memory(12);
    node_down(w, 3);
    order_batches(w, 120, 100);
    assert_true(oldest_decision(w, 0) > 20);
    assert_int_equal(node_up(w, 3), ERR_OK);
    world_run(w, 8000);
    assert_true(traced(w, 3, "transferred n="));
    assert_int_equal(facts_of(w, 3).executed, facts_of(w, 0).executed);
    order_batches(w, 100, 100); /* over the gap in its decisions */
    world_run(w, 1000);
    assert_int_equal(facts_of(w, 3).executed, facts_of(w, 0).executed);
    assert_true(oldest_decision(w, 3) + LEAST + 24 >= facts_of(w, 3).pbft.stable);
    assert_requests_are_there(w, 3);
    world_free(w);
}

static struct request *request_of(struct world *w, member_id i, seq_no n) {
    uint8_t key[8] = {[7] = (uint8_t)n};
    const struct entry *e = find(&w->places[i].disk->families[DISK_DECIDED], bytes_of(key, 8));
    struct frame f = {.type = FRAME_DECISION, .body = bytes_of(e->value, e->value_len)};
    struct arena arena = {0};
    struct msg m;
    struct batch b;
    struct request *r = NULL;
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    assert_int_equal(batch_decode(&b, m.decision.batch, &arena), ERR_OK);
    e = find(&w->places[i].disk->families[DISK_REQUEST], bytes_of(b.refs[0].digest.b, DIGEST_LEN));
    assert_int_equal(request_new(&r, bytes_of(e->value, e->value_len)), ERR_OK);
    arena_free(&arena);
    return r;
}

/* Batch n as if it named this request alone. */
static void rename_batch(struct world *w, member_id i, seq_no n, const struct request *r) {
    uint8_t key[8] = {[7] = (uint8_t)n};
    struct family *decided = &w->places[i].disk->families[DISK_DECIDED];
    const struct entry *e = find(decided, bytes_of(key, 8));
    struct frame f = {.type = FRAME_DECISION, .body = bytes_of(e->value, e->value_len)};
    struct request_ref ref = {r->client, r->req_seq, r->digest};
    struct buffer batch = {0}, body = {0};
    struct arena arena = {0};
    struct msg m;
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    batch_encode(&batch, &(struct batch){BATCH_NORMAL, 1, &ref});
    m.decision.batch = buffer_bytes(&batch);
    codec_encode(&body, &m);
    write_entry(decided, bytes_of(key, 8), buffer_bytes(&body));
    buffer_free(&batch);
    buffer_free(&body);
    arena_free(&arena);
}

/* A traitor's batch 58 may name again what batch 10 named: it stays as long as batch 58. */
static void a_request_goes_with_the_last_batch_that_names_it(void **state) {
    (void)state;
    struct world *w = world_new();
    restart_with_retention(w, 1);
    order_batches(w, 60, 100);
    struct request *r = request_of(w, 0, 10), *other = request_of(w, 0, 11);
    const struct request *again = r;
    const struct family *requests = &w->places[0].disk->families[DISK_REQUEST];
    struct bytes key = bytes_of(r->digest.b, DIGEST_LEN);
    rename_batch(w, 0, 58, r);
    prune_note(w->places[0].node, 58, &again, 1);
    assert_int_equal(node_flush(w->places[0].node), ERR_OK);
    node_down(w, 0); /* remembered over restarts */
    assert_int_equal(node_up(w, 0), ERR_OK);
    world_run(w, 500);
    while (oldest_decision(w, 0) < 45)
        order_batches(w, 4, 100);
    assert_non_null(find((struct family *)(uintptr_t)requests, key));
    assert_null(find((struct family *)(uintptr_t)requests, bytes_of(other->digest.b, DIGEST_LEN)));
    while (oldest_decision(w, 0) < 60)
        order_batches(w, 4, 100);
    assert_null(find((struct family *)(uintptr_t)requests, key));
    request_free(r);
    request_free(other);
    world_free(w);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_stops_growing),
        cmocka_unit_test(nothing_goes_before_its_time),
        cmocka_unit_test(a_restart_goes_on_from_what_is_kept),
        cmocka_unit_test(who_was_away_for_longer_comes_by_a_transfer),
        cmocka_unit_test(a_request_goes_with_the_last_batch_that_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
