/* quorate drill stop and status: the drills that the log of a running cluster holds. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/drill/live_parts.h"
#include "client/drill/report.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- stop ---- */

static const struct drill_record *running(const struct live_drills *all) {
    for (unsigned i = 0; i < all->count; i++) {
        if (all->list[i].end == DRILL_RUNS) {
            return &all->list[i];
        }
    }
    return NULL;
}

int drill_live_stop(struct order *o) {
    struct live_drills *all = xcalloc(1, sizeof *all);
    struct buffer text = {0}, why = {0};
    enum error e = live_drills(o, o->cli.timeout, all, &why);
    int code = e == ERR_OK ? CLI_GO_ON : cli_fail_call(&o->cli, e, "the list of drills", &why);
    const struct drill_record *now = running(all);
    if (code == CLI_GO_ON && now == NULL) {
        code = cli_fail(&o->cli, CLI_REFUSED, "no drill runs: the cluster: `quorate drill status` lists the last ones");
    } else if (code == CLI_GO_ON) {
        struct request r = {.kind = OP_DRILL_STOP, .drill_stop = {now->id}};
        code = live_call(o, &r, &text);
    }
    if (code == CLI_GO_ON) {
        puts(buffer_cstr(&text));
        code = CLI_DONE;
    }
    buffer_free(&text);
    buffer_free(&why);
    free(all);
    return code;
}

/* ---- status ---- */

static json_t *moment(time_ms t) {
    char stamp[25];
    clock_rfc3339(stamp, t);
    return t > 0 ? json_string(stamp) : json_null();
}

json_t *live_record_json(const struct drill_record *d) {
    json_t *j =
        json_pack("{s:I, s:s, s:s, s:i, s:s, s:I, s:o, s:o, s:s, s:I, s:o, s:b, s:I, s:b}", "id", (json_int_t)d->id,
                  "name", d->name, "behaviour", d->behaviour, "replica", (int)d->target, "operator", d->operator_name,
                  "started_n", (json_int_t)d->started_n, "started", moment(d->started_t), "ends", moment(d->ends_t),
                  "end", drill_end_name(d->end), "ended_n", (json_int_t)d->ended_n, "ended", moment(d->ended_t), "done",
                  d->done, "changed_frames", (json_int_t)d->bites, "counts", d->counts);
    REQUIRE(j != NULL);
    return j;
}

static void print_record(const struct drill_record *d, bool as_json) {
    if (as_json) {
        json_t *j = live_record_json(d);
        report_print(j);
        json_decref(j);
        return;
    }
    char from[25], to[25];
    clock_rfc3339(from, d->started_t);
    clock_rfc3339(to, d->end == DRILL_RUNS ? d->ends_t : d->ended_t);
    printf("%-4" PRIu64 " %-9s replica %-2u %s (%s) by %s, %.19sZ to %.19sZ%s\n", d->id, drill_end_name(d->end),
           (unsigned)d->target, d->name, d->behaviour, d->operator_name, from, to,
           d->end != DRILL_RUNS && d->counts ? ", still counts as drilled" : "");
}

int drill_live_status(struct order *o) {
    enum { NEWEST = 10 };
    struct live_drills *all = xcalloc(1, sizeof *all);
    struct buffer why = {0};
    enum error e = live_drills(o, o->cli.timeout, all, &why);
    int code = e == ERR_OK ? CLI_DONE : cli_fail_call(&o->cli, e, "the list of drills", &why);
    unsigned from = o->cli.json || all->count < NEWEST ? 0 : all->count - NEWEST;
    for (unsigned i = from; code == CLI_DONE && i < all->count; i++) {
        print_record(&all->list[i], o->cli.json);
    }
    if (code == CLI_DONE && all->count == 0 && !o->cli.json) {
        puts("no drill was ordered yet");
    }
    buffer_free(&why);
    free(all);
    return code;
}
