/* One drill of a running cluster from its order to its report. All that is done to the cluster is one signed operation;
   everything else is looking. */
#include "client/drill/live.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "client/drill/live_parts.h"
#include "client/drill/report.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    QUIET_MS = 3000, /* how long the throughput before and after is measured */
    LOOK_MS = 500,
    ASK_MS = 2000,        /* between operations that only ask */
    PATIENCE_MS = 120000, /* beyond the agreed end */
};

static volatile sig_atomic_t interrupts;

static void count_interrupt(int number) {
    (void)number;
    interrupts = interrupts + 1;
}

static void say(const struct live *l, const char *what) {
    fprintf(stderr, "%7.1f s  %s\n", l->began ? (double)(clock_mono() - l->began) / 1000.0 : 0.0, what);
}

/* Into the time line by `mark`, and to who watches. */
static void tell(struct live *l, void (*mark)(struct line *, mono_ms, const char *), const char *format, va_list args) {
    char what[512];
    vsnprintf(what, sizeof what, format, args);
    mark(l->line, clock_mono(), what);
    say(l, what);
}

void live_note(struct live *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tell(l, line_note, format, args);
    va_end(args);
}

void live_detected(struct live *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tell(l, line_detected, format, args);
    va_end(args);
}

void live_broken(struct live *l, enum promise p, const char *format, ...) {
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    bool first = line_kept(l->line, p);
    line_broken(l->line, clock_mono(), p, what);
    if (first) {
        say(l, what);
    }
}

/* ---- the order ---- */

static int order_drill(struct live *l, mono_ms for_ms) {
    struct request r = {.kind = OP_DRILL};
    struct buffer text = {0};
    r.drill = (struct op_drill){l->target, l->drill->live, l->drill->name, (uint32_t)for_ms};
    int code = live_call(l->order, &r, &text);
    if (code == CLI_GO_ON) {
        l->record.id = strtoull(buffer_cstr(&text) + strlen("drill "), NULL, 10);
        l->began = clock_mono();
        live_ask_record(l);
        line_injected(l->line, l->began, buffer_cstr(&text));
        say(l, buffer_cstr(&text));
    }
    buffer_free(&text);
    return code;
}

/* ---- following ---- */

struct span { /* batches that F members executed meanwhile */
    mono_ms from, to;
    seq_no first, last;
};

static void span_begin(struct live *l, struct span *s) {
    live_look(l);
    *s = (struct span){clock_mono(), clock_mono(), l->health.executed, l->health.executed};
}

static void span_end(const struct live *l, struct span *s) {
    s->to = clock_mono();
    s->last = l->health.executed > s->first ? l->health.executed : s->first;
}

static double rate(const struct span *s) {
    return s->to > s->from ? (double)(s->last - s->first) * 1000.0 / (double)(s->to - s->from) : 0.0;
}

static void measure(struct live *l, struct span *s) {
    span_begin(l, s);
    while (clock_mono() - s->from < QUIET_MS && interrupts < 2) {
        clock_sleep(LOOK_MS);
        live_look(l);
    }
    span_end(l, s);
}

static void stop_for_interrupt(struct live *l) {
    struct request r = {.kind = OP_DRILL_STOP, .drill_stop = {l->record.id}};
    struct buffer text = {0};
    live_note(l, "interrupted: the cluster is told to stop the drill; once more leaves at once");
    live_call(l->order, &r, &text);
    buffer_free(&text);
}

/* Looks until `over`, or until the deadline; asks the log every now and then. */
static bool follow(struct live *l, mono_ms deadline, bool (*over)(const struct live *l)) {
    mono_ms asked = 0;
    bool stopped = interrupts > 0;
    while (clock_mono() < deadline && interrupts < 2) {
        live_look(l);
        live_follow(l);
        if (clock_mono() - asked >= ASK_MS) {
            live_states(l);
            live_proofs(l);
            live_ask_record(l);
            asked = clock_mono();
        }
        if (over(l)) {
            return true;
        }
        if (interrupts > 0 && !stopped) {
            stop_for_interrupt(l);
            stopped = true;
            asked = 0;
        }
        clock_sleep(LOOK_MS);
    }
    return false;
}

static bool has_ended(const struct live *l) {
    return l->record.end != DRILL_RUNS;
}

static bool is_back(const struct live *l) {
    return l->record.done && live_target_is_back(l);
}

static void follow_to_the_end(struct live *l, mono_ms for_ms) {
    char what[96];
    l->same_log = false;
    if (!follow(l, clock_mono() + for_ms + PATIENCE_MS, has_ended)) {
        live_broken(l, PROMISE_LIVENESS, "the log did not say in time that the drill is over");
        return;
    }
    snprintf(what, sizeof what, "the drill is over: %s", drill_end_name(l->record.end));
    line_healed(l->line, clock_mono(), what);
    say(l, what);
    l->same_log = false;
    if (follow(l, clock_mono() + PATIENCE_MS, is_back)) {
        snprintf(what, sizeof what, "replica %u is ACTIVE, its log is that of the others", (unsigned)l->target);
        line_recovered(l->line, clock_mono(), what);
        say(l, what);
    } else {
        live_broken(l, PROMISE_RECOVERY, "replica %u is not back as an honest member: %s", (unsigned)l->target,
                    l->reachable[l->target] ? phase_name(l->status[l->target].phase) : "unreachable");
    }
}

/* ---- the report ---- */

static json_t *figures(const struct span *s) {
    json_t *j = json_object();
    json_object_set_new(j, "batches_per_s", json_real((double)(int64_t)(rate(s) * 10 + 0.5) / 10));
    json_object_set_new(j, "acks_per_s", json_null());
    json_object_set_new(j, "p50_ms", json_null());
    json_object_set_new(j, "p99_ms", json_null());
    return j;
}

static json_t *make_report(struct live *l, const struct span spans[3], time_ms wall) {
    static const char *const names[] = {"before", "during", "after"};
    struct drill judged = *l->drill; /* what a running cluster can't be asked is not claimed */
    struct outcome o = {.drill = &judged, .line = l->line, .changed_frames = l->record.bites, .wall = wall};
    judged.promises = 1u << PROMISE_ACCOUNTABILITY;
    o.ended = clock_mono();
    o.alerts = (struct plan_count){.raised = l->raised, .false_ones = l->false_ones, .missed = l->missed};
    for (unsigned i = 0; i < l->problem_count; i++) {
        o.alerts.expected += l->problems[i].seen;
    }
    json_t *j = report_new(&o);
    for (unsigned i = 0; i < 3; i++) {
        json_object_set_new(j, names[i], figures(&spans[i]));
    }
    double before = rate(&spans[0]);
    json_object_set_new(j, "throughput_ratio",
                        before > 0 ? json_real((double)(int64_t)(rate(&spans[1]) / before * 100 + 0.5) / 100)
                                   : json_null());
    json_object_set_new(j, "lost", json_null());
    json_object_set_new(j, "live", live_record_json(&l->record));
    return j;
}

/* Nobody is asked here what was acknowledged. */
static void leave_out(json_t *report, const char *promise) {
    json_t *list = json_object_get(report, "promises");
    for (size_t i = json_array_size(list); i-- > 0;) {
        const char *name = json_string_value(json_object_get(json_array_get(list, i), "name"));
        if (name != NULL && strcmp(name, promise) == 0) {
            json_array_remove(list, i);
        }
    }
}

static int check_order(const struct order *o, const struct drill *d, member_id target, mono_ms for_ms) {
    if (d->live == NULL || (d->modes & DRILL_LIVE) == 0) {
        return cli_fail(&o->cli, CLI_USAGE, "it runs in a sandbox only: %s: give --sandbox", d->name);
    }
    if (target >= o->cluster->member_count) {
        return cli_fail(&o->cli, CLI_USAGE, "no such replica: %u: the cluster has 0 to %u", (unsigned)target,
                        o->cluster->member_count - 1);
    }
    if (for_ms < DRILL_MS_MIN || for_ms > DRILL_MS_MAX) {
        return cli_fail(&o->cli, CLI_USAGE, "not from 1 s to 10 min: --for: give 10s or so");
    }
    return CLI_GO_ON;
}

/* The agreed end, then the target's way back, then a quiet while for the figures. */
static void play(struct live *l, mono_ms for_ms, struct span spans[3]) {
    seq_no before;
    span_begin(l, &spans[1]);
    before = l->health.executed;
    follow_to_the_end(l, for_ms);
    span_end(l, &spans[1]);
    measure(l, &spans[2]);
    live_states(l);
    live_proofs(l);
    live_follow(l);
    live_judge_alerts(l);
    if (l->health.executed <= before) {
        live_broken(l, PROMISE_LIVENESS, "nothing was executed since n=%" PRIu64, before);
    }
    live_note(l, "throughput: %.1f batches/s before, %.1f during, %.1f after", rate(&spans[0]), rate(&spans[1]),
              rate(&spans[2]));
    if (interrupts > 0) {
        live_note(l, "interrupted by the operator");
    }
}

/* The newest alert that F members claim to have raised; the drill's own follow. */
static uint64_t alerts_now(const struct live *l) {
    uint64_t best = 0;
    for (member_id m = 0; m < l->health.members; m++) {
        unsigned as_high = 0;
        for (member_id k = 0; k < l->health.members; k++) {
            as_high += l->reachable[k] && l->status[k].alerts >= l->status[m].alerts;
        }
        if (l->reachable[m] && as_high >= quorum_weak(l->health.members) && l->status[m].alerts > best) {
            best = l->status[m].alerts;
        }
    }
    return best;
}

int drill_live_run(struct order *o, const struct drill *d, member_id target, mono_ms for_ms, json_t **report) {
    struct span spans[3] = {{0}};
    struct sigaction catch = {.sa_handler = count_interrupt}, old_int, old_term;
    time_ms wall = clock_wall();
    *report = NULL;
    int code = check_order(o, d, target, for_ms);
    if (code != CLI_GO_ON) {
        return code;
    }
    struct live *l = xcalloc(1, sizeof *l);
    *l = (struct live){.order = o, .drill = d, .target = target, .line = line_new(-1, clock_mono())};
    interrupts = 0;
    sigaction(SIGINT, &catch, &old_int);
    sigaction(SIGTERM, &catch, &old_term);
    measure(l, &spans[0]);
    l->view = l->health.view;
    l->alert = alerts_now(l);
    code = interrupts > 0 ? CLI_REFUSED : order_drill(l, for_ms);
    if (code == CLI_GO_ON) {
        play(l, for_ms, spans);
        *report = make_report(l, spans, wall);
        leave_out(*report, drill_promise_name(PROMISE_DURABILITY));
        code = report_kept(*report) ? CLI_DONE : CLI_REFUSED;
    }
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    live_alerts_free(l);
    line_free(l->line);
    free(l);
    return code;
}
