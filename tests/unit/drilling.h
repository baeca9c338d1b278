/* A cluster of a few members, batch by batch: ticks, orders of an operator, evidence. For the tests of drills. */
#ifndef QUORATE_TESTS_DRILLING_H
#define QUORATE_TESTS_DRILLING_H

#include "tests/unit/founded.h"

enum { W = 16, OPERATOR = 50, CLERK = 51, T0 = 1000000 };

struct story {
    struct machine m;
    struct executed out;
    seq_no n;
    uint64_t seq[64], counter;
    time_ms wall;
    view_no view;
    member_set silent, idle; /* no tick, or one that says voting = 0 */
    uint64_t alerts;
    enum error result; /* of the last reply */
    char text[512];
};

static inline void found(unsigned members, enum drills_mode drills) {
    founded(members);
    cluster.drills = drills;
    cluster.knobs.window = W;
    cluster.operator_count = 2;
    cluster.operators[0] =
        (struct cluster_operator){.name = "ada", .key = keys_of(OPERATOR).pk, .roles = OPERATOR_DRILL};
    cluster.operators[1] =
        (struct cluster_operator){.name = "clerk", .key = keys_of(CLERK).pk, .roles = OPERATOR_ADMIN};
    cluster_set_id(&cluster);
}

static inline void see_alert(void *self, const struct alert *a) {
    struct story *s = self;
    (void)a;
    s->alerts++;
}

static inline void take_replies(struct story *s) {
    for (size_t i = 0; i < s->out.count; i++) {
        struct arena arena = {0};
        struct reply reply;
        if (s->out.leaves[i].kind != OUTPUT_REPLY)
            continue;
        assert_int_equal(reply_decode(&reply, executed_leaf(&s->out, i), &arena), ERR_OK);
        s->result = reply.result;
        snprintf(s->text, sizeof s->text, "%.*s", (int)reply.value.len, (const char *)reply.value.data);
        arena_free(&arena);
    }
}

static inline void execute(struct story *s, const struct request *const *list, size_t count) {
    struct digest d = {{1}};
    struct monitor_sink sink = {.self = s, .alert = see_alert};
    machine_execute(&s->m, ++s->n, &d, BATCH_NORMAL, list, count, &s->out, &sink);
    ledger_check(s->m.ledger);
    take_replies(s);
}

static inline struct request *sealed(struct story *s, uint8_t who, struct request r) {
    struct keys k = keys_of(who);
    struct buffer frame = {0};
    struct request *out = NULL;
    r.client = k.pk;
    r.req_seq = ++s->seq[who];
    request_seal(&frame, &r, &cluster.id, &k.sk);
    assert_int_equal(request_new(&out, buffer_bytes(&frame)), ERR_OK);
    buffer_free(&frame);
    return out;
}

static inline void asks(struct story *s, uint8_t who, struct request r) {
    struct request *out = sealed(s, who, r);
    execute(s, (const struct request *const *)&out, 1);
    request_free(out);
}

/* A batch of ticks, `ms` later. */
static inline void later(struct story *s, time_ms ms) {
    struct request *ticks[MEMBERS_MAX] = {0};
    size_t count = 0;
    s->wall += ms;
    s->counter++;
    for (member_id i = 0; i < cluster.member_count; i++)
        if (!set_has(s->silent, i)) {
            struct request r = {.kind = OP_TICK};
            r.tick = (struct op_tick){1, s->counter, s->wall, s->view, !set_has(s->idle, i)};
            ticks[count++] = sealed(s, (uint8_t)(1 + i), r);
        }
    execute(s, (const struct request *const *)ticks, count);
    for (size_t i = 0; i < count; i++)
        request_free(ticks[i]);
}

static inline void rest(struct story *s, seq_no until) {
    while (s->n < until)
        later(s, 10);
}

static inline void begin_in(struct story *s, unsigned members, enum drills_mode drills) {
    found(members, drills);
    *s = (struct story){.wall = T0};
    machine_open(&s->m, &cluster);
    later(s, 0);
}

static inline void begin(struct story *s) {
    begin_in(s, 4, DRILLS_LIVE);
}

static inline void end(struct story *s) {
    machine_close(&s->m);
    executed_free(&s->out);
}

static inline enum error drill(struct story *s, member_id target) {
    asks(s, OPERATOR, (struct request){.kind = OP_DRILL, .drill = {target, "equivocate", "two-tales", 20000}});
    return s->result;
}

static inline enum error stop(struct story *s, uint64_t id) {
    asks(s, OPERATOR, (struct request){.kind = OP_DRILL_STOP, .drill_stop = {id}});
    return s->result;
}

static inline void done(struct story *s, member_id who, uint64_t id, seq_no max_n, view_no max_view) {
    asks(s, (uint8_t)(1 + who), (struct request){.kind = OP_DRILL_DONE, .drill_done = {id, max_n, max_view, 5}});
}

static inline const struct drill_record *record(const struct story *s, uint64_t id) {
    const struct drill_record *d = ledger_drill_find(s->m.ledger, id);
    assert_non_null(d);
    return d;
}

/* culprit signed two COMMITs for n, and accuser shows them. */
static inline void accuse(struct story *s, member_id accuser, member_id culprit, seq_no n) {
    struct buffer a = {0}, b = {0};
    vote(&a, FRAME_COMMIT, culprit, n, 1);
    vote(&b, FRAME_COMMIT, culprit, n, 2);
    struct request r = {.kind = OP_EVIDENCE, .evidence = {.kind = EV_EQUIV_COMMIT, .count = 2}};
    r.evidence.frames[0] = buffer_bytes(&a);
    r.evidence.frames[1] = buffer_bytes(&b);
    asks(s, (uint8_t)(1 + accuser), r);
    buffer_free(&a);
    buffer_free(&b);
}

static inline bool convicted(const struct story *s, member_id who) {
    return ledger_convicted(s->m.ledger, &cluster.members[who].key);
}

#endif
