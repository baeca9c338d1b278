/* Makes a drill's report out of what the stage knows: the verdict is a matter of promises and of whether it bit. */
#include "client/drill/report.h"

#include "base/clock.h"
#include "base/invariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char report_no_bite[] = "the fault, or a traitor of it, changed no frame, killed nobody and told no lie";

static json_t *when(mono_ms from, mono_ms to) {
    if (from == LINE_NEVER || to == LINE_NEVER) {
        return json_null();
    }
    return json_integer(to > from ? to - from : 0);
}

json_t *report_rounded(double value, double steps) {
    return json_real((double)(int64_t)(value * steps + 0.5) / steps);
}

static double rate(const struct load_figures *f) {
    return f->span > 0 ? (double)f->acks * 1000.0 / (double)f->span : 0.0;
}

static json_t *figures(const struct outcome *o, const struct load_figures *f) {
    json_t *j = json_object();
    json_object_set_new(j, "acks_per_s", o->loaded ? report_rounded(rate(f), 10) : json_null());
    json_object_set_new(j, "p50_ms", o->loaded && f->acks > 0 ? json_integer(f->p50) : json_null());
    json_object_set_new(j, "p99_ms", o->loaded && f->acks > 0 ? json_integer(f->p99) : json_null());
    return j;
}

static json_t *ratio(const struct outcome *o) {
    double before = rate(&o->before);
    return o->loaded && before > 0 ? report_rounded(rate(&o->during) / before, 100) : json_null();
}

static json_t *promises(const struct outcome *o) {
    json_t *list = json_array();
    unsigned judged = DRILL_ALWAYS | o->drill->promises;
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        const char *reason = line_reason(o->line, (enum promise)p);
        if (reason == NULL && ((judged >> p & 1u) == 0 || o->cut_short)) {
            continue;
        }
        json_t *words = reason != NULL ? json_string(reason) : json_null();
        json_array_append_new(list,
                              json_pack("{s:s, s:b, s:o}", "name", drill_promise_name((enum promise)p), "kept",
                                        reason == NULL, "reason", words != NULL ? words : json_string("(unreadable)")));
    }
    return list;
}

static const char *verdict(const struct outcome *o, bool bit) {
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        if (!line_kept(o->line, (enum promise)p)) {
            return "broken";
        }
    }
    return bit ? "kept" : "no bite";
}

static json_t *alerts(const struct plan_count *c) {
    return json_pack("{s:i, s:i, s:i, s:i, s:i}", "expected", c->expected, "raised", c->raised, "false", c->false_ones,
                     "missed", c->missed, "late", c->late);
}

json_t *report_new(const struct outcome *o) {
    const struct line_marks *m = line_marks(o->line);
    bool bit = o->idle == 0 && o->changed_frames + o->killed + line_bites(o->line) > 0;
    char stamp[25];
    clock_rfc3339(stamp, o->wall);
    json_t *j = json_object();
    json_object_set_new(j, "name", json_string(o->drill->name));
    json_object_set_new(j, "row", json_string(o->drill->row));
    json_object_set_new(j, "verdict", json_string(verdict(o, bit)));
    json_object_set_new(j, "bit", json_boolean(bit));
    json_object_set_new(j, "changed_frames", json_integer((json_int_t)o->changed_frames));
    json_object_set_new(j, "killed", json_integer(o->killed));
    json_object_set_new(j, "promises", promises(o));
    json_object_set_new(j, "alerts", alerts(&o->alerts));
    json_object_set_new(j, "lost", json_integer((json_int_t)o->lost));
    json_object_set_new(j, "detect_ms", when(m->injected, m->detected));
    json_object_set_new(j, "recover_ms", when(m->healed, m->recovered));
    json_object_set_new(j, "throughput_ratio", ratio(o));
    json_object_set_new(j, "before", figures(o, &o->before));
    json_object_set_new(j, "during", figures(o, &o->during));
    json_object_set_new(j, "after", figures(o, &o->after));
    json_object_set_new(j, "timeline", line_json(o->line));
    json_object_set(j, "evidence", o->evidence);
    if (o->evidence == NULL) {
        json_object_set_new(j, "evidence", json_array());
    }
    json_object_set_new(j, "began", json_string(stamp));
    json_object_set_new(j, "elapsed_ms", json_integer(o->ended - m->began));
    json_object_set_new(j, "error", json_null());
    return j;
}

json_t *report_error(const struct drill *d, const char *reason, mono_ms elapsed) {
    struct line *line = line_new(-1, 0);
    struct outcome o = {.drill = d, .line = line, .ended = elapsed, .wall = clock_wall() - elapsed};
    json_t *j = report_new(&o), *words = json_string(reason);
    json_object_set_new(j, "verdict", json_string("error"));
    json_object_set_new(j, "bit", json_false());
    json_object_set_new(j, "promises", json_array());
    json_object_set_new(j, "error", words != NULL ? words : json_string("(unreadable)"));
    line_free(line);
    return j;
}

bool report_kept(const json_t *report) {
    const char *word = json_string_value(json_object_get(report, "verdict"));
    return word != NULL && strcmp(word, "kept") == 0;
}

const char *report_text_of(const json_t *j, const char *key) {
    const char *text = json_string_value(json_object_get(j, key));
    return text != NULL ? text : "";
}

void report_line(struct buffer *out, const json_t *j) {
    char *line = json_dumps(j, JSON_COMPACT);
    REQUIRE(line != NULL);
    buffer_printf(out, "%s\n", line);
    free(line);
}

void report_print(const json_t *j) {
    struct buffer out = {0};
    report_line(&out, j);
    fputs(buffer_cstr(&out), stdout);
    buffer_free(&out);
}
