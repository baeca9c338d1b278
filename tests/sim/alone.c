/* The monitoring machine alone beside the naive model: no replicas, no network, but thousands of results, orders and
   leaps of time in the course of a blink. What the runs of whole clusters show of monitoring, this shows a hundred
   times as often. */
#include "base/invariant.h"
#include "checks/monitor.h"
#include "tests/sim/estate.h"
#include "tests/sim/naive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 250, GAP_MS = 10000 };
#define START_MS (INT64_C(1790000039) * 1000 - 1000) /* a second before 14:14 */

struct alone {
    uint64_t seed;
    struct prng chance;
    struct estate estate;
    struct sim_options options;
    struct monitor *machine;
    struct naive model;
    struct buffer canonical, step; /* step: what happens, for people */
    struct naive_alert expected[256];
    char texts[256][160]; /* of SYSTEM alerts, which are borrowed */
    unsigned expected_count, raised;
    unsigned truth[ESTATE_MAX], liveliness[ESTATE_MAX];
    uint64_t obs_seq;
    struct op_command *orders; /* kept: notes borrow their words */
    time_ms t;
    bool failed, trace;
    struct sim_counts *counts;
};

static void fail(struct alone *a, const char *what, const char *expected, const char *found) {
    if (!a->failed)
        fprintf(stderr, "alone %llu: batch %llu, T %.3f s, %s: %s: the model says %s, the machine %s\n",
                (unsigned long long)a->seed, (unsigned long long)a->model.n, (double)(a->t - START_MS) / 1000,
                buffer_cstr(&a->step), what, expected, found);
    a->failed = true;
}

/* ---- alerts: the model speaks first ---- */

static void expect(void *self, const struct naive_alert *alert) {
    struct alone *a = self;
    if (a->expected_count == 256)
        return;
    struct naive_alert *to = &a->expected[a->expected_count];
    *to = *alert;
    snprintf(a->texts[a->expected_count], sizeof a->texts[0], "%s", alert->text);
    to->text = a->texts[a->expected_count++];
}

static void hear(void *self, const struct alert *alert) {
    struct alone *a = self;
    struct buffer mine = {0}, theirs = {0};
    struct naive_alert found;
    naive_found_alert(&found, alert);
    naive_print_alert(&theirs, &found);
    a->counts->alone_alerts++;
    if (a->trace)
        printf("  %s\n", buffer_cstr(&theirs));
    bool more = a->raised < a->expected_count;
    if (more)
        naive_print_alert(&mine, &a->expected[a->raised]);
    if (!more || !naive_same_alert(&a->expected[a->raised], &found))
        fail(a, "alert", more ? buffer_cstr(&mine) : "none", buffer_cstr(&theirs));
    a->raised++;
    buffer_free(&mine);
    buffer_free(&theirs);
}

static void done(struct alone *a) {
    struct buffer mine = {0};
    if (a->raised < a->expected_count) {
        naive_print_alert(&mine, &a->expected[a->raised]);
        fail(a, "alert", buffer_cstr(&mine), "none");
    }
    buffer_free(&mine);
    a->raised = a->expected_count = 0;
    monitor_check(a->machine);
}

static struct monitor_sink sink_of(struct alone *a) {
    return (struct monitor_sink){.self = a, .alert = hear};
}

static void tell_step(struct alone *a) {
    if (a->trace)
        printf("%10.3f %s\n", (double)(a->t - START_MS) / 1000, buffer_cstr(&a->step));
}

static void compare_errors(struct alone *a, enum error expected, enum error found) {
    if (expected != found)
        fail(a, "answer", error_name(expected), error_name(found));
}

/* ---- what may happen ---- */

static void pass_time(struct alone *a) {
    struct monitor_sink sink = sink_of(a);
    time_ms step = (time_ms)prng_below(&a->chance, (uint64_t)a->estate.interval_length);
    if (prng_chance(&a->chance, 30))
        step *= 10;
    if (prng_chance(&a->chance, 3))
        step += GAP_MS + 1;
    a->t += step;
    buffer_clear(&a->step);
    buffer_printf(&a->step, "time");
    tell_step(a);
    naive_advance(&a->model, a->model.n + 1, a->t);
    monitor_advance(a->machine, a->model.n, a->t, &sink);
    done(a);
}

static struct observation draw_result(struct alone *a, unsigned object, int state) {
    const struct estate_object *o = &a->estate.list[object];
    struct observation r = {o->host, o->service, ++a->obs_seq, (uint8_t)state, "says the plugin", "", a->t};
    if (prng_chance(&a->chance, 4))
        r.obs_seq -= prng_below(&a->chance, 30);
    if (prng_chance(&a->chance, 4))
        r.observed_at -= 100000;
    if (prng_chance(&a->chance, 4))
        r.state = (uint8_t)prng_below(&a->chance, 5);
    return r;
}

static void report_one(struct alone *a, unsigned observer, unsigned object, unsigned beat) {
    struct monitor_sink sink = sink_of(a);
    bool is_host = !*a->estate.list[object].service, mine = false, theirs = false;
    int state = lie_says(a->options.lie, observer, object, is_host, a->truth[object], beat, &a->chance);
    if (state == SAYS_NOTHING || !(a->estate.list[object].watchers >> observer & 1))
        return;
    struct observation r = draw_result(a, object, state);
    buffer_clear(&a->step);
    buffer_printf(&a->step, "%s says %u of %s/%s", observer_name(observer), r.state, r.host, r.service);
    tell_step(a);
    enum error e = naive_observe(&a->model, observer_name(observer), &r, &mine);
    if (naive_is_convicted(&a->model, observer_name(observer)))
        return; /* the ledger keeps it out */
    compare_errors(a, e, monitor_observe(a->machine, observer_name(observer), &r, &sink, &theirs));
    a->counts->alone_results++;
    if (mine) {
        naive_convict(&a->model, observer_name(observer));
        monitor_convict(a->machine, observer_name(observer), "two stories", &sink);
    }
    done(a);
}

static void give_order(struct alone *a, struct op_command *c) {
    struct monitor_sink sink = sink_of(a);
    struct buffer answer = {0};
    order_draw(&a->estate, &a->chance, a->t, c);
    buffer_clear(&a->step);
    buffer_printf(&a->step, "order %u subject %u flags %u for %u %s/%s %s id %llu, %lld to %lld for %lld", c->kind,
                  c->subject, c->flags, c->target, c->host, c->service, c->observer, (unsigned long long)c->id,
                  (long long)(c->start - START_MS), (long long)(c->end - START_MS), (long long)c->duration);
    tell_step(a);
    enum error e = naive_command(&a->model, "operator", c);
    compare_errors(a, e, monitor_command(a->machine, "operator", c, &sink, &answer));
    a->counts->alone_orders += e == ERR_OK;
    done(a);
    buffer_free(&answer);
}

static void compare_objects(struct alone *a) {
    struct op_query q = {.kind = QUERY_STATUS,
                         .host = "",
                         .service = "",
                         .after_host = "",
                         .after_service = "",
                         .limit = QUERY_PAGE_MAX};
    struct query_page page = {0};
    struct arena arena = {0};
    monitor_query(a->machine, &q, &page, &arena);
    if (page.count != a->model.count)
        fail(a, "objects", "all", "others");
    for (unsigned i = 0; i < page.count; i++) {
        struct buffer mine = {0}, theirs = {0};
        naive_print_object(&mine, &a->model, naive_find(&a->model, page.list[i].host, page.list[i].service));
        naive_print_status(&theirs, &page.list[i]);
        if (strcmp(buffer_cstr(&mine), buffer_cstr(&theirs)) != 0)
            fail(a, "object", buffer_cstr(&mine), buffer_cstr(&theirs));
        buffer_free(&mine);
        buffer_free(&theirs);
    }
    arena_free(&arena);
}

static void change_truths(struct alone *a) {
    for (unsigned i = 0; i < a->estate.count; i++)
        if (prng_chance(&a->chance, a->liveliness[i])) {
            unsigned worst = *a->estate.list[i].service ? 1 + (unsigned)prng_below(&a->chance, 3) : HOST_DOWN;
            a->truth[i] = a->truth[i] ? STATE_OK : worst;
        }
}

static void take_step(struct alone *a, unsigned beat) {
    change_truths(a);
    for (unsigned observer = 0; observer < a->estate.observers && !a->failed; observer++) {
        bool speaks = prng_chance(&a->chance, 850);
        for (unsigned i = 0; i < a->estate.count && speaks && !a->failed; i++)
            report_one(a, observer, i, beat);
        if (prng_chance(&a->chance, 300) && !a->failed)
            pass_time(a);
    }
    if (a->options.orders && prng_chance(&a->chance, 400) && !a->failed)
        give_order(a, &a->orders[beat]);
    if (!a->failed)
        pass_time(a);
    if (!a->failed && beat % 8 == 0)
        compare_objects(a);
}

/* ---- a run ---- */

static bool is_known(void *self, const char *observer) {
    (void)self, (void)observer;
    return true;
}

static bool may_speak(void *self, const char *observer, const char *host) {
    (void)self, (void)observer, (void)host;
    return true;
}

static void apply(struct alone *a) {
    static const struct monitor_authority everybody = {NULL, is_known, may_speak};
    struct monitor_sink sink = sink_of(a);
    struct objects *mine = NULL;
    struct buffer why = {0};
    estate_compile(&a->estate, &a->canonical);
    ENSURE(objects_decode(&mine, buffer_bytes(&a->canonical), &why) == ERR_OK);
    ENSURE(monitor_apply(a->machine, buffer_bytes(&a->canonical), &everybody, &sink, &why) == ERR_OK);
    naive_apply(&a->model, mine);
    buffer_free(&why);
}

static void found(struct alone *a, uint64_t seed, bool trace) {
    static const unsigned liveliness[] = {0, 5, 30, 150, 400};
    const struct monitor_config config = {.cluster_gap = GAP_MS};
    prng_seed(&a->chance, seed ^ 0x616c6f6e65);
    a->seed = seed;
    a->options = (struct sim_options){.seed = seed, .size = SIZE_LONG, .orders = prng_chance(&a->chance, 500)};
    a->options.lie = (enum lie)prng_below(&a->chance, LIE_KINDS);
    a->options.observers = prng_chance(&a->chance, 400) || lie_needs_five(a->options.lie) ? 5 : 3;
    estate_draw(&a->estate, &a->options);
    for (unsigned i = 0; i < a->estate.count; i++)
        a->liveliness[i] = liveliness[prng_below(&a->chance, 5)];
    if (trace)
        printf("%s", buffer_cstr(&a->estate.text));
    a->t = START_MS;
    a->obs_seq = 1000;
    a->orders = xcalloc(STEPS, sizeof *a->orders);
    a->machine = monitor_new(&config);
    a->model = (struct naive){.gap = GAP_MS, .self = a, .raise = expect};
    pass_time(a);
    apply(a);
}

bool alone_run(uint64_t seed, struct sim_counts *counts, bool trace) {
    struct alone *a = xcalloc(1, sizeof *a);
    a->counts = counts;
    a->trace = trace;
    found(a, seed, trace);
    for (unsigned beat = 0; beat < STEPS && !a->failed; beat++)
        take_step(a, beat);
    bool kept = !a->failed;
    counts->alone++;
    monitor_free(a->machine);
    naive_free(&a->model);
    estate_free(&a->estate);
    buffer_free(&a->canonical);
    buffer_free(&a->step);
    free(a->orders);
    free(a);
    return kept;
}
