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

/* ---- following ---- */

static void span_begin(struct live *l, struct live_span *s) {
    live_look(l);
    *s = (struct live_span){clock_mono(), clock_mono(), l->health.executed, l->health.executed};
}

static void span_end(const struct live *l, struct live_span *s) {
    s->to = clock_mono();
    s->last = l->health.executed > s->first ? l->health.executed : s->first;
}

/* Until QUIET_MS are over or an operator interrupts more often than is borne. */
static void measure(struct live *l, struct live_span *s, int borne) {
    span_begin(l, s);
    while (clock_mono() - s->from < QUIET_MS && interrupts <= borne) {
        clock_sleep(LOOK_MS);
        live_look(l);
    }
    span_end(l, s);
}

/* An order that fails is given again. What is over is not stopped. */
static void stop_for_interrupt(struct live *l) {
    struct request r = {.kind = OP_DRILL_STOP, .drill_stop = {l->record.id}};
    struct buffer text = {0};
    if (l->stop_ordered || l->record.end != DRILL_RUNS) {
        return;
    }
    live_note(l, "interrupted: the cluster is told to stop the drill; once more leaves at once");
    l->stop_ordered = live_call(l->order, &r, &text) == CLI_GO_ON;
    buffer_free(&text);
}

/* Before the record is known nobody knows what is older than the drill. */
static void ask(struct live *l) {
    live_ask_record(l);
    if (l->record.started_n > 0) {
        live_states(l);
        live_proofs(l);
    }
}

enum followed { FOLLOW_OVER, FOLLOW_TOO_LATE, FOLLOW_LEFT };

/* Looks until `over`, until the deadline, or until the operator leaves; asks the log every now and then. */
static enum followed follow(struct live *l, mono_ms deadline, bool (*over)(const struct live *l)) {
    mono_ms asked = clock_mono() - ASK_MS;
    int heard = 0;
    while (interrupts < 2) {
        live_look(l);
        live_follow(l);
        if (clock_mono() - asked >= ASK_MS || interrupts > heard) {
            heard = interrupts;
            if (heard > 0) {
                stop_for_interrupt(l);
            }
            ask(l);
            asked = clock_mono();
        }
        if (over(l)) {
            return FOLLOW_OVER;
        }
        if (clock_mono() >= deadline) {
            return FOLLOW_TOO_LATE;
        }
        clock_sleep(LOOK_MS);
    }
    return FOLLOW_LEFT;
}

static bool has_ended(const struct live *l) {
    return l->record.end != DRILL_RUNS;
}

static bool is_back(const struct live *l) {
    return l->record.done && live_target_is_back(l);
}

static enum followed follow_drill(struct live *l, mono_ms for_ms) {
    char what[96];
    enum followed f = follow(l, clock_mono() + for_ms + PATIENCE_MS, has_ended);
    if (f == FOLLOW_TOO_LATE) {
        live_broken(l, PROMISE_LIVENESS, "the log did not say in time that the drill is over");
    } else if (f == FOLLOW_OVER) {
        snprintf(what, sizeof what, "the drill is over: %s", drill_end_name(l->record.end));
        line_healed(l->line, clock_mono(), what);
        say(l, what);
    }
    return f;
}

static enum followed follow_target(struct live *l) {
    char what[96];
    l->same_log = false;
    enum followed f = follow(l, clock_mono() + PATIENCE_MS, is_back);
    if (f == FOLLOW_TOO_LATE) {
        live_broken(l, PROMISE_RECOVERY, "replica %u is not back as an honest member: %s", (unsigned)l->target,
                    l->reachable[l->target] ? phase_name(l->status[l->target].phase) : "unreachable");
    } else if (f == FOLLOW_OVER) {
        snprintf(what, sizeof what, "replica %u is ACTIVE, its log is that of the others", (unsigned)l->target);
        line_recovered(l->line, clock_mono(), what);
        say(l, what);
    }
    return f;
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
        line_injected(l->line, l->began, buffer_cstr(&text));
        say(l, buffer_cstr(&text));
    } else if (code == CLI_NO_QUORUM) {
        cli_fail(&l->order->cli, CLI_NO_QUORUM,
                 "it may still begin: %s: look with `quorate drill status`, end it with `quorate drill stop`",
                 l->drill->name);
    }
    buffer_free(&text);
    return code;
}

/* ---- the run ---- */

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

/* Only who leads can do what these behaviours do: in another seat the drill would pass without a bite. */
static int check_seat(struct live *l) {
    member_id leader = primary_of(l->health.view, l->health.members);
    if (!live_needs_primary(l->drill->live) || leader == l->target ||
        l->health.reachable < quorum_weak(l->health.members)) {
        return CLI_GO_ON;
    }
    return cli_fail(&l->order->cli, CLI_REFUSED,
                    "replica %u does not lead: --replica: give %u, the primary of view %" PRIu64, (unsigned)l->target,
                    (unsigned)leader, l->health.view);
}

static int leave(const struct live *l) {
    const char *how = l->record.end == DRILL_RUNS ? "it ends at its own time" : "it is over";
    return cli_fail(&l->order->cli, CLI_REFUSED, "left: drill %" PRIu64 ": %s; nothing was judged", l->record.id, how);
}

static void judge(struct live *l) {
    const struct live_span *during = &l->spans[1];
    ask(l);
    live_follow(l);
    live_judge_alerts(l);
    if (l->health.executed <= during->first) {
        live_broken(l, PROMISE_LIVENESS, "nothing was executed since n=%" PRIu64, during->first);
    }
    live_note(l, "throughput: %.1f batches/s before, %.1f during, %.1f after", live_rate(&l->spans[0]),
              live_rate(during), live_rate(&l->spans[2]));
    if (interrupts > 0) {
        live_note(l, "interrupted by the operator");
    }
}

/* The agreed end, then the target's way back, then a quiet while for the figures. */
static int play(struct live *l, mono_ms for_ms) {
    span_begin(l, &l->spans[1]);
    enum followed f = follow_drill(l, for_ms);
    span_end(l, &l->spans[1]);
    if (f == FOLLOW_OVER) {
        f = follow_target(l);
    }
    if (f != FOLLOW_LEFT) {
        measure(l, &l->spans[2], 1);
    }
    if (interrupts > 1) {
        return leave(l);
    }
    judge(l);
    return CLI_GO_ON;
}

/* The newest alert that F members claim to have raised; those of the drill follow. */
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

/* Measures, orders and plays. An exit code, or CLI_GO_ON: it was judged. */
static int rehearse(struct live *l, mono_ms for_ms) {
    live_look(l);
    int code = check_seat(l);
    if (code != CLI_GO_ON) {
        return code;
    }
    measure(l, &l->spans[0], 0);
    l->view = l->health.view;
    live_history(l, alerts_now(l));
    if (interrupts > 0) {
        return cli_fail(&l->order->cli, CLI_REFUSED, "interrupted: %s: it was not ordered", l->drill->name);
    }
    code = order_drill(l, for_ms);
    return code == CLI_GO_ON ? play(l, for_ms) : code;
}

int drill_live_run(struct order *o, const struct drill *d, member_id target, mono_ms for_ms, json_t **report) {
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
    code = rehearse(l, for_ms);
    if (code == CLI_GO_ON) {
        *report = live_report(l, wall);
        code = report_kept(*report) ? CLI_DONE : CLI_REFUSED;
    }
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    live_alerts_free(l);
    json_decref(l->evidence);
    line_free(l->line);
    free(l);
    return code;
}
