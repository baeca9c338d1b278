/* What the loader wrote down, and whether it stands in the replicas' logs. */
#include "client/drill/stored.h"
#include "proto/codec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

struct world {
    char path[64];
    FILE *file;
    struct load *load;
};

static int open_world(void **state) {
    struct world *w = xcalloc(1, sizeof *w);
    snprintf(w->path, sizeof w->path, "/tmp/drill-load-XXXXXX");
    int fd = mkstemp(w->path);
    w->file = fdopen(fd, "w");
    w->load = load_open(w->path);
    *state = w;
    return fd < 0;
}

static int close_world(void **state) {
    struct world *w = *state;
    load_close(w->load);
    fclose(w->file);
    unlink(w->path);
    free(w);
    return 0;
}

/* Requests are named by one byte. */
static struct digest request(uint8_t name) {
    struct digest d = {{0}};
    memset(d.b, name, sizeof d.b);
    return d;
}

static void put_ack(struct world *w, unsigned lane, unsigned number, unsigned n, unsigned at, unsigned latency,
                    uint8_t name) {
    char hex[2 * DIGEST_LEN + 1];
    struct digest d = request(name);
    hex_encode(hex, bytes_of(d.b, DIGEST_LEN));
    fprintf(w->file, "ack\t%u\t%u\t%u\t%u\t%u\t%s\n", lane, number, n, at, latency, hex);
    fflush(w->file);
    load_read(w->load);
}

static void figures_are_of_their_window(void **state) {
    struct world *w = *state;
    for (unsigned i = 0; i < 100; i++) {
        put_ack(w, i % LOAD_LANES, 3 * i, i + 1, 1000 + 10 * i, i + 1, (uint8_t)i);
    }
    struct load_figures all = load_figures(w->load, 0, 10000), half = load_figures(w->load, 1000, 1500);
    assert_int_equal(all.acks, 100);
    assert_int_equal(all.p50, 50);
    assert_int_equal(all.p99, 99);
    assert_int_equal(half.acks, 50);
    assert_int_equal(half.span, 500);
    assert_int_equal(half.p99, 49);
    struct load_figures none = load_figures(w->load, 5000, 4000);
    assert_int_equal(none.acks + (uint64_t)none.span + (uint64_t)none.p50, 0);
}

static void each_lane_has_its_last_number(void **state) {
    struct world *w = *state;
    put_ack(w, 0, 3, 7, 1, 1, 1);
    put_ack(w, 2, 30, 8, 1, 1, 2);
    put_ack(w, 0, 6, 9, 1, 1, 3);
    assert_int_equal(load_last(w->load, 0), 6);
    assert_int_equal(load_last(w->load, 1), 0);
    assert_int_equal(load_last(w->load, 2), 30);
    assert_int_equal(load_acks(w->load), 3);
}

static void half_a_line_waits_for_its_end(void **state) {
    struct world *w = *state;
    fputs("ack\t1\t3\t7\t100\t5\t0101010101010101010101010101010101", w->file);
    fflush(w->file);
    load_read(w->load);
    assert_int_equal(load_acks(w->load), 0);
    fputs("010101010101010101010101010101\nack\t1\t", w->file);
    fflush(w->file);
    load_read(w->load);
    assert_int_equal(load_acks(w->load), 1);
    assert_int_equal(load_at(w->load, 0)->n, 7);
    assert_int_equal(load_at(w->load, 0)->request.b[31], 1);
}

static void refusals_are_counted_by_name(void **state) {
    struct world *w = *state;
    const char *reason;
    assert_int_equal(load_refused(w->load, &reason), 0);
    assert_null(reason);
    fputs("old-result\t1\t3\t7\t100\t5\t"
          "0101010101010101010101010101010101010101010101010101010101010101\nnonsense\n",
          w->file);
    fflush(w->file);
    load_read(w->load);
    assert_int_equal(load_refused(w->load, &reason), 1);
    assert_string_equal(reason, "old-result");
    assert_int_equal(load_acks(w->load), 0);
}

static void bundle_that_grew_old_on_its_way_is_made_anew(void **state) {
    (void)state;
    assert_true(load_grew_old("late", 30000));
    assert_false(load_grew_old("late", 29999)); /* a wrong refusal */
    assert_false(load_grew_old("old-result", 70000));
    assert_false(load_grew_old("ack", 70000));
}

static void numbers_travel_in_outputs(void **state) {
    (void)state;
    char output[64], service[16];
    load_output(output, 12345678901234);
    assert_true(load_number(output) == 12345678901234);
    assert_int_equal(load_number("all is well"), 0);
    load_service(service, 3);
    assert_string_equal(service, "s3");
}

/* ---- in the logs ---- */

/* Adds the decision of batch n, which holds the named requests, to an export. */
static void put_decision(struct buffer *file, seq_no n, const char *names) {
    struct request_ref refs[8] = {{.req_seq = 1}};
    struct batch b = {.kind = *names ? BATCH_NORMAL : BATCH_NULL, .count = (unsigned)strlen(names), .refs = refs};
    struct buffer batch = {0}, body = {0}, frame = {0};
    struct cluster_id cluster = {{0}};
    static const struct signature nobody = {{0}};
    for (unsigned i = 0; i < b.count; i++) {
        refs[i] = (struct request_ref){.req_seq = i + 1, .digest = request((uint8_t)names[i])};
    }
    batch_encode(&batch, &b);
    struct msg m = {
        .type = FRAME_DECISION,
        .decision = {.statement = {.n = n, .d = batch_digest(buffer_bytes(&batch))}, .batch = buffer_bytes(&batch)}};
    codec_encode(&body, &m);
    struct seal_context context = {FRAME_DECISION, cluster, 0, MEMBER_NONE};
    frame_rebuild(&frame, &context, buffer_bytes(&body), &nobody);
    buffer_block(file, buffer_bytes(&frame));
    buffer_free(&batch);
    buffer_free(&body);
    buffer_free(&frame);
}

struct log {
    seq_no n;
    const char *names;
};

static struct stored_count judge(const struct load *l, const struct log *a, const struct log *b) {
    const struct log *logs[] = {a, b};
    struct stored *s = stored_new(l);
    for (unsigned i = 0; i < 2; i++) {
        struct buffer file = {0};
        unsigned decisions = 0;
        for (const struct log *at = logs[i]; at != NULL && at->n > 0; at++) {
            put_decision(&file, at->n, at->names);
            decisions++;
        }
        assert_int_equal(stored_take(s, buffer_bytes(&file)), decisions);
        buffer_free(&file);
    }
    struct stored_count c = stored_count(s);
    stored_free(s);
    return c;
}

static void put_three_acks(struct world *w) {
    put_ack(w, 0, 3, 10, 1, 1, 'a');
    put_ack(w, 1, 3, 11, 1, 1, 'b');
    put_ack(w, 0, 6, 12, 1, 1, 'c');
}

static void acknowledged_requests_stand_in_their_batches(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{9, "x"}, {10, "ya"}, {11, "b"}, {12, "c"}, {0, ""}};
    struct stored_count c = judge(((struct world *)*state)->load, one, one);
    assert_int_equal(c.judged, 3);
    assert_int_equal(c.lost, 0);
    assert_null(c.first);
}

/* What a power loss takes from all, while the loader goes on. */
static void lost_in_the_middle_is_found(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{9, "x"}, {10, "a"}, {11, "z"}, {12, "c"}, {0, ""}};
    struct stored_count c = judge(((struct world *)*state)->load, one, one);
    assert_int_equal(c.lost, 1);
    assert_int_equal(c.first->n, 11);
}

static void lost_at_the_end_is_found(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{9, "x"}, {10, "a"}, {11, "b"}, {0, ""}};
    struct stored_count c = judge(((struct world *)*state)->load, one, one);
    assert_int_equal(c.lost, 1);
    assert_int_equal(c.first->n, 12);
}

static void one_replica_that_holds_another_batch_is_enough(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{10, "a"}, {11, "b"}, {12, "c"}, {0, ""}};
    static const struct log two[] = {{10, "a"}, {11, ""}, {12, "c"}, {0, ""}};
    struct stored_count c = judge(((struct world *)*state)->load, one, two);
    assert_int_equal(c.lost, 1);
    assert_int_equal(c.first->n, 11);
}

static void replica_that_jumped_over_batches_accuses_nobody(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{10, "a"}, {11, "b"}, {12, "c"}, {0, ""}};
    static const struct log two[] = {{12, "c"}, {0, ""}};
    assert_int_equal(judge(((struct world *)*state)->load, one, two).lost, 0);
}

static void what_is_older_than_all_logs_is_not_judged(void **state) {
    put_three_acks(*state);
    static const struct log one[] = {{12, "c"}, {13, "x"}, {0, ""}};
    struct stored_count c = judge(((struct world *)*state)->load, one, NULL);
    assert_int_equal(c.judged, 1);
    assert_int_equal(c.lost, 0);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WORLD(figures_are_of_their_window),
        IN_WORLD(each_lane_has_its_last_number),
        IN_WORLD(half_a_line_waits_for_its_end),
        IN_WORLD(refusals_are_counted_by_name),
        cmocka_unit_test(bundle_that_grew_old_on_its_way_is_made_anew),
        cmocka_unit_test(numbers_travel_in_outputs),
        IN_WORLD(acknowledged_requests_stand_in_their_batches),
        IN_WORLD(lost_in_the_middle_is_found),
        IN_WORLD(lost_at_the_end_is_found),
        IN_WORLD(one_replica_that_holds_another_batch_is_enough),
        IN_WORLD(replica_that_jumped_over_batches_accuses_nobody),
        IN_WORLD(what_is_older_than_all_logs_is_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
