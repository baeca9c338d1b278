/* A store of the monitoring machine's records, and the machine that is rebuilt from it. */
#ifndef QUORATE_TESTS_MONITOR_STORE_H
#define QUORATE_TESTS_MONITOR_STORE_H

#include "monitor_world.h"

struct pair {
    struct buffer key, value;
};
struct store {
    struct pair *pairs;
    size_t count;
    struct buffer stream; /* what one flush handed out */
    struct buffer last;
    size_t handed;
};

static inline size_t store_place(const struct store *s, struct bytes key) {
    size_t at = 0;
    while (at < s->count && bytes_compare(buffer_bytes(&s->pairs[at].key), key) < 0) {
        at++;
    }
    return at;
}

static inline bool store_has(const struct store *s, size_t at, struct bytes key) {
    return at < s->count && bytes_equal(buffer_bytes(&s->pairs[at].key), key);
}

static inline void store_remove(struct store *s, size_t at) {
    buffer_free(&s->pairs[at].key);
    buffer_free(&s->pairs[at].value);
    memmove(s->pairs + at, s->pairs + at + 1, (s->count - at - 1) * sizeof *s->pairs);
    s->count--;
}

static inline void store_insert(struct store *s, size_t at, struct bytes key) {
    s->pairs = xrealloc(s->pairs, (s->count + 1) * sizeof *s->pairs);
    memmove(s->pairs + at + 1, s->pairs + at, (s->count - at) * sizeof *s->pairs);
    s->pairs[at] = (struct pair){{0}, {0}};
    buffer_put(&s->pairs[at].key, key.data, key.len);
    s->count++;
}

static inline void store_record(void *self, struct bytes key, struct bytes value) {
    struct store *s = self;
    assert_true(s->handed == 0 || bytes_compare(buffer_bytes(&s->last), key) < 0);
    assert_int_equal(key.data[0], 'm');
    buffer_clear(&s->last);
    buffer_put(&s->last, key.data, key.len);
    s->handed++;
    buffer_block(&s->stream, key);
    buffer_block(&s->stream, value);
    size_t at = store_place(s, key);
    if (!value.data) {
        assert_true(store_has(s, at, key));
        store_remove(s, at);
        return;
    }
    if (!store_has(s, at, key)) {
        store_insert(s, at, key);
    }
    buffer_clear(&s->pairs[at].value);
    buffer_put(&s->pairs[at].value, value.data, value.len);
}

static inline void store_flush(struct store *s, struct monitor *m) {
    struct record_sink sink = {s, store_record};
    s->handed = 0;
    buffer_clear(&s->stream);
    monitor_flush(m, &sink);
}

static inline void store_free(struct store *s) {
    while (s->count > 0) {
        store_remove(s, s->count - 1);
    }
    free(s->pairs);
    buffer_free(&s->stream);
    buffer_free(&s->last);
}

static inline struct store store_copy(const struct store *s) {
    struct store copy = {0};
    for (size_t i = 0; i < s->count; i++) {
        store_insert(&copy, i, buffer_bytes(&s->pairs[i].key));
        buffer_put(&copy.pairs[i].value, s->pairs[i].value.data, s->pairs[i].value.len);
    }
    return copy;
}

/* From the last record to the first: the order must not matter. */
static inline struct monitor *rebuild(const struct store *s, enum error expected) {
    struct monitor_config config = {.cluster_gap = 10000};
    struct monitor *m = monitor_new(&config);
    for (size_t i = s->count; i-- > 0;) {
        assert_int_equal(monitor_restore(m, buffer_bytes(&s->pairs[i].key), buffer_bytes(&s->pairs[i].value)), ERR_OK);
    }
    assert_int_equal(monitor_restored(m), expected);
    return m;
}

#endif
