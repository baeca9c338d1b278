/* A running cluster that a live drill sees through the client library, played: four members that execute one batch a
   look, a log that holds one drill, one service. Time passes when somebody sleeps or asks. */
#ifndef QUORATE_TESTS_LIVE_WORLD_H
#define QUORATE_TESTS_LIVE_WORLD_H

#include "client/drill/live_parts.h"
#include "client/drill/report.h"
#include "tests/unit/founded.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { TARGET = 1, FOR_MS = 4000, DRILL_AT = 100, BEGAN_T = 1000000, SIGNALS = 4 };

static struct world {
    mono_ms now, ordered_at, ended_at; /* 0: not yet */
    mono_ms signal_at[SIGNALS];        /* an operator's Ctrl-C; 0: none */
    mono_ms back_ms;                   /* so long after the end the target takes part again */
    bool signal_while_ordering, order_unanswered, stop_fails_once, idle_when_over, no_key;
    unsigned orders, stops, questions, deaf_questions; /* so many of the first about the drill are not answered */
    view_no view;
    seq_no executed;
    struct object_status *states;
    unsigned state_count;
    struct alert *alerts; /* told once the drill runs, but for the first `old` */
    unsigned alert_count, old;
    struct evidence_record *proofs;
    unsigned proof_count;
    bool empty_pages; /* of evidence, each with more behind it */
} world;

mono_ms __wrap_clock_mono(void);
void __wrap_clock_sleep(mono_ms ms);
enum error __wrap_client_status(struct client *c, mono_ms timeout, struct msg_status *status, bool *reachable);
enum error __wrap_client_alerts(struct client *c, uint64_t after, mono_ms wait, client_alert_visit *visit,
                                client_complaint *complain, void *context);
enum error __wrap_client_call(struct client *c, const char *key_path, struct request *r, mono_ms timeout,
                              struct client_reply *out, struct buffer *why);

int __wrap_order_open(struct order *o);
int __wrap_order_check_key(const struct order *o, const char *path);
void __wrap_order_close(struct order *o);

static inline void pass(mono_ms ms) {
    world.now += ms;
    for (unsigned i = 0; i < SIGNALS; i++) {
        if (world.signal_at[i] > 0 && world.now >= world.signal_at[i]) {
            world.signal_at[i] = 0;
            raise(SIGINT);
        }
    }
    if (world.ordered_at > 0 && world.ended_at == 0 && world.now >= world.ordered_at + FOR_MS) {
        world.ended_at = world.now;
    }
}

mono_ms __wrap_clock_mono(void) {
    return world.now;
}

void __wrap_clock_sleep(mono_ms ms) {
    pass(ms);
}

enum error __wrap_client_status(struct client *c, mono_ms timeout, struct msg_status *status, bool *reachable) {
    (void)c;
    (void)timeout;
    world.executed += !world.idle_when_over || world.ended_at == 0;
    for (member_id m = 0; m < cluster.member_count; m++) {
        status[m] = (struct msg_status){
            .phase = PHASE_ACTIVE, .view = world.view, .executed = world.executed, .t = BEGAN_T, .alerts = world.old};
        reachable[m] = true;
        if (m == TARGET && world.ended_at > 0 && world.now < world.ended_at + world.back_ms) {
            status[m].phase = PHASE_CHANGING;
        }
    }
    return ERR_OK;
}

enum error __wrap_client_alerts(struct client *c, uint64_t after, mono_ms wait, client_alert_visit *visit,
                                client_complaint *complain, void *context) {
    unsigned count = world.ordered_at > 0 ? world.alert_count : world.old;
    (void)c;
    (void)wait;
    (void)complain;
    for (uint64_t i = after; i < count; i++) {
        struct client_alert a = {.alert = world.alerts[i]};
        a.alert.number = i + 1;
        visit(context, &a);
    }
    return ERR_OK;
}

static inline void answer_drills(struct query_page *page, struct buffer *part) {
    struct drill_record d = {.id = 1,
                             .target = TARGET,
                             .name = "silent-backup",
                             .behaviour = "silent",
                             .operator_name = "alice",
                             .started_n = DRILL_AT,
                             .started_t = BEGAN_T,
                             .ends_t = BEGAN_T + FOR_MS,
                             .bites = 7};
    if (world.ended_at > 0) {
        d.end = world.stops > 0 ? DRILL_END_STOPPED : DRILL_END_TIME;
        d.ended_n = d.closed_n = DRILL_AT + 5;
        d.ended_t = BEGAN_T + FOR_MS;
        d.done = true;
    }
    drill_record_encode(part, &d);
    page->part = buffer_bytes(part);
}

static inline void answer_query(struct buffer *value, const struct op_query *q) {
    struct query_page page = {0};
    struct buffer part = {0};
    if (q->kind == QUERY_DRILLS) {
        answer_drills(&page, &part);
    } else if (q->kind == QUERY_STATUS) {
        page.count = world.state_count;
        page.list = world.states;
    } else if (q->kind == QUERY_EVIDENCE) {
        for (unsigned i = 0; i < world.proof_count; i++) {
            evidence_record_encode(&part, &world.proofs[i]);
        }
        page.part = buffer_bytes(&part);
        page.more = world.empty_pages;
    }
    query_page_encode(value, &page);
    buffer_free(&part);
}

static inline enum error answer_order(struct buffer *value) {
    world.orders++;
    if (world.order_unanswered) {
        return ERR_NO_QUORUM;
    }
    world.ordered_at = world.now;
    buffer_printf(value, "drill 1 begins: replica %u behaves as silent\n", TARGET);
    if (world.signal_while_ordering) {
        raise(SIGINT);
    }
    return ERR_OK;
}

static inline enum error answer_stop(struct buffer *value) {
    if (world.stop_fails_once) {
        world.stop_fails_once = false;
        return ERR_NO_QUORUM;
    }
    assert_int_equal(world.ended_at, 0); /* nobody stops what is over */
    world.stops++;
    world.ended_at = world.now;
    buffer_printf(value, "drill 1 is over\n");
    return ERR_OK;
}

enum error __wrap_client_call(struct client *c, const char *key_path, struct request *r, mono_ms timeout,
                              struct client_reply *out, struct buffer *why) {
    static struct buffer value;
    enum error e = ERR_OK;
    (void)c;
    (void)key_path;
    (void)timeout;
    (void)why;
    pass(10);
    buffer_clear(&value);
    *out = (struct client_reply){0};
    if (r->kind == OP_DRILL) {
        e = answer_order(&value);
    } else if (r->kind == OP_DRILL_STOP) {
        e = answer_stop(&value);
    } else {
        bool drills = r->query.kind == QUERY_DRILLS;
        world.questions += r->query.kind == QUERY_EVIDENCE;
        assert_true(world.questions < 1000);
        e = drills && world.deaf_questions > 0 ? ERR_NO_QUORUM : ERR_OK;
        world.deaf_questions -= drills && world.deaf_questions > 0;
        answer_query(&value, &r->query);
    }
    out->reply.value = buffer_bytes(&value);
    return e;
}

int __wrap_order_open(struct order *o) {
    o->cluster = &cluster;
    return CLI_GO_ON;
}

int __wrap_order_check_key(const struct order *o, const char *path) {
    (void)path;
    return world.no_key ? cli_fail(&o->cli, CLI_REFUSED, "no such key") : CLI_GO_ON;
}

void __wrap_order_close(struct order *o) {
    (void)o;
}

/* ---- one run ---- */

static char said[65536];
static json_t *report;

/* Plays the drill with stderr into `said`. */
static inline int run_named(const char *name) {
    struct order o = {.cli = {.verb = "drill run", .timeout = 2000, .key_path = "none"}, .cluster = &cluster};
    int err = dup(STDERR_FILENO);
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    int code = drill_live_run(&o, drill_find(name), TARGET, FOR_MS, &report);
    fflush(stderr);
    dup2(err, STDERR_FILENO);
    close(err);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
    return code;
}

static inline int run(void) {
    return run_named("silent-backup");
}

static inline void must_say(const char *words) {
    if (strstr(said, words) == NULL) {
        fail_msg("'%s' is not in: %.2000s", words, said);
    }
}

static inline const char *reported(const char *key) {
    const char *text = json_string_value(json_object_get(report, key));
    return text != NULL ? text : "(nothing)";
}

static inline int world_begins(void **state) {
    (void)state;
    founded(4);
    world = (struct world){.now = 1000000, .executed = 50};
    return 0;
}

static inline int world_ends(void **state) {
    (void)state;
    json_decref(report);
    report = NULL;
    return 0;
}

#endif
