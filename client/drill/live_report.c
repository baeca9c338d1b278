/* The report of a live drill: that of a sandbox, less what a running cluster can't be asked. */
#include "base/clock.h"
#include "client/drill/live_parts.h"
#include "client/drill/report.h"

#include <string.h>

double live_rate(const struct live_span *s) {
    return s->to > s->from ? (double)(s->last - s->first) * 1000.0 / (double)(s->to - s->from) : 0.0;
}

static json_t *figures(const struct live_span *s) {
    json_t *j = json_object();
    json_object_set_new(j, "batches_per_s", report_rounded(live_rate(s), 10));
    json_object_set_new(j, "acks_per_s", json_null());
    json_object_set_new(j, "p50_ms", json_null());
    json_object_set_new(j, "p99_ms", json_null());
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

json_t *live_report(const struct live *l, time_ms wall) {
    static const char *const names[] = {"before", "during", "after"};
    struct drill judged = *l->drill; /* what a running cluster can't be asked is not claimed */
    struct outcome o = {
        .drill = &judged, .line = l->line, .changed_frames = l->record.bites, .evidence = l->evidence, .wall = wall};
    judged.promises = 1u << PROMISE_ACCOUNTABILITY;
    o.ended = clock_mono();
    o.alerts = (struct plan_count){.raised = l->raised, .false_ones = l->false_ones, .missed = l->missed};
    for (unsigned i = 0; i < l->problem_count; i++) {
        o.alerts.expected += l->problems[i].seen;
    }
    json_t *j = report_new(&o);
    for (unsigned i = 0; i < 3; i++) {
        json_object_set_new(j, names[i], figures(&l->spans[i]));
    }
    double before = live_rate(&l->spans[0]);
    json_object_set_new(j, "throughput_ratio",
                        before > 0 ? report_rounded(live_rate(&l->spans[1]) / before, 100) : json_null());
    json_object_set_new(j, "lost", json_null());
    leave_out(j, drill_promise_name(PROMISE_DURABILITY));
    json_object_set_new(j, "live", live_record_json(&l->record));
    return j;
}
