/* A door's intake for tests: its rules, and who joins and greets. Time is given, so nobody waits. */
#ifndef QUORATE_TESTS_INTAKE_DOOR_H
#define QUORATE_TESTS_INTAKE_DOOR_H

#include "replica/intake.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

enum { S = 1000, MINUTE = 60 * S };

static mono_ms fake_now;
static inline mono_ms fake_clock(void) {
    return fake_now;
}

static const struct intake_rules rules = {.work_share = 100,
                                          .strangers_work_share = 50,
                                          .clock = fake_clock,
                                          .stranger = {4, 4000},
                                          .member = {100, 100000},
                                          .crowded = 1 << 20,
                                          .strangers_max = 6,
                                          .strangers_of_a_source = 3,
                                          .strangers_share = true};
static const uint8_t zeros[100000];

static inline bool put(struct intake *t, uint32_t connection, enum rank rank, size_t len, mono_ms now) {
    return intake_put(t, connection, rank, (struct bytes){0}, bytes_of(zeros, len), now);
}

static inline struct intake_counters counters(struct intake *t, mono_ms now) {
    struct intake_counters c;
    intake_count(t, &c, now);
    return c;
}

/* Whose frame is next. */
static inline uint32_t taken(struct intake *t, enum rank *rank) {
    assert_true(counters(t, 0).waiting > 0);
    struct intake_item *item = intake_take(t);
    uint32_t connection = item ? item->connection : 0;
    if (rank && item)
        *rank = item->node.rank;
    intake_item_free(item);
    return connection;
}

/* A STATUS of boot 1. */
static inline void greet(struct intake *t, uint32_t connection, member_id member, uint64_t counter, uint64_t came) {
    intake_greet(t, connection, member, &(struct intake_greeting){1, counter, came});
}

static inline struct intake *with_members(unsigned count) { /* connections 1.. of members 0.. */
    struct intake *t = intake_new(&rules);
    for (unsigned i = 0; i < count; i++) {
        assert_true(intake_join(t, 1 + i, i));
        greet(t, 1 + i, (member_id)i, 1, 0);
    }
    return t;
}

static inline void join_many(struct intake *t, uint32_t first, unsigned count) {
    for (uint32_t i = first; i < first + count; i++)
        assert_true(intake_join(t, i, i));
}

#endif
