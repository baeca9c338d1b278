/* Reports as people read them: a heading, a small table, the time line, the promises; and the score card of several. */
#include "client/drill/report.h"

#include <inttypes.h>
#include <string.h>

enum { WIDTH = 96, SHORT = 80, WINDOWS = 3 };
static const char *const windows[WINDOWS] = {"before", "during", "after"};

/* A short one, such as a name: a report may be anybody's file, and must not steer the terminal. */
static const char *word_of(char out[SHORT], const json_t *j, const char *key) {
    struct buffer plain = {0};
    buffer_plain(&plain, report_text_of(j, key));
    size_t len = (size_t)snprintf(out, SHORT, "%s", buffer_cstr(&plain));
    for (len = len < SHORT ? len : SHORT - 1; !utf8_valid(bytes_of_text(out)); len--) {
        out[len - 1] = '\0';
    }
    buffer_free(&plain);
    return out;
}

static int64_t number_of(const json_t *j, const char *key) {
    return json_integer_value(json_object_get(j, key));
}

static void put_plain(struct buffer *out, const char *text, unsigned len) {
    struct buffer copy = {0};
    buffer_put(&copy, text, len);
    buffer_plain(out, buffer_cstr(&copy));
    buffer_free(&copy);
}

void report_wrap(struct buffer *out, const char *words, unsigned indent, unsigned width) {
    unsigned column = indent;
    while (*words != '\0') {
        unsigned len = (unsigned)strcspn(words, " \n");
        if (column > indent && column + 1 + len > width) {
            buffer_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        if (len > 0) {
            buffer_printf(out, "%s", column > indent ? " " : "");
            column += len + (column > indent);
            put_plain(out, words, len);
        }
        words += len + (words[len] != '\0');
    }
    buffer_u8(out, '\n');
}

/* "1.2 s" or "-". */
static const char *seconds(char out[24], const json_t *ms) {
    if (!json_is_integer(ms)) {
        snprintf(out, 24, "-");
    } else {
        int64_t tenths = (json_integer_value(ms) + 50) / 100;
        snprintf(out, 24, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
    }
    return out;
}

/* A number with as many digits behind the point as it needs, or "-". */
static const char *figure(char out[24], const json_t *value, int digits) {
    if (json_is_real(value)) {
        snprintf(out, 24, "%.*f", digits, json_real_value(value));
    } else if (json_is_integer(value)) {
        snprintf(out, 24, "%" PRId64, (int64_t)json_integer_value(value));
    } else {
        snprintf(out, 24, "-");
    }
    return out;
}

/* Of a running cluster the log's pace is known, its clients are not. */
static void put_batches(struct buffer *out, const json_t *report) {
    char x[24];
    buffer_printf(out, "\n  %-10s %9s\n", "log", "batches/s");
    for (unsigned i = 0; i < WINDOWS; i++) {
        const json_t *w = json_object_get(report, windows[i]);
        buffer_printf(out, "  %-10s %9s\n", windows[i], figure(x, json_object_get(w, "batches_per_s"), 1));
    }
}

static void put_figures(struct buffer *out, const json_t *report) {
    char a[24], b[24], c[24];
    if (json_is_real(json_object_get(json_object_get(report, windows[0]), "batches_per_s"))) {
        put_batches(out, report);
        return;
    }
    buffer_printf(out, "\n  %-10s %8s %8s %8s\n", "load", "acks/s", "p50 ms", "p99 ms");
    for (unsigned i = 0; i < WINDOWS; i++) {
        const json_t *w = json_object_get(report, windows[i]);
        buffer_printf(out, "  %-10s %8s %8s %8s\n", windows[i], figure(a, json_object_get(w, "acks_per_s"), 1),
                      figure(b, json_object_get(w, "p50_ms"), 0), figure(c, json_object_get(w, "p99_ms"), 0));
    }
}

static void put_span(struct buffer *out, const char *name, const json_t *ms, const char *since) {
    char span[24];
    buffer_printf(out, "  %-10s %s%s%s\n", name, seconds(span, ms), json_is_integer(ms) ? " " : "",
                  json_is_integer(ms) ? since : "");
}

static void put_table(struct buffer *out, const json_t *report) {
    const json_t *a = json_object_get(report, "alerts");
    char x[24];
    buffer_printf(out, "\n  %-10s %s: %" PRId64 " frames changed, %" PRId64 " processes killed\n", "bit",
                  json_is_true(json_object_get(report, "bit")) ? "yes" : "NO", number_of(report, "changed_frames"),
                  number_of(report, "killed"));
    put_span(out, "detected", json_object_get(report, "detect_ms"), "after the fault began");
    put_span(out, "recovered", json_object_get(report, "recover_ms"), "after it was healed");
    buffer_printf(out,
                  "  %-10s %" PRId64 " expected, %" PRId64 " raised, %" PRId64 " false, %" PRId64 " missed, %" PRId64
                  " late\n",
                  "alerts", number_of(a, "expected"), number_of(a, "raised"), number_of(a, "false"),
                  number_of(a, "missed"), number_of(a, "late"));
    const json_t *lost = json_object_get(report, "lost"); /* null: nobody knows what was acknowledged */
    buffer_printf(out, "  %-10s %s%s\n", "lost", figure(x, lost, 0),
                  json_is_integer(lost) ? " of the acknowledged operations" : "");
    buffer_printf(out, "  %-10s %s of the throughput before\n", "ratio",
                  figure(x, json_object_get(report, "throughput_ratio"), 2));
}

static void put_timeline(struct buffer *out, const json_t *report) {
    const json_t *event;
    size_t i;
    buffer_printf(out, "\n  time line\n");
    json_array_foreach(json_object_get(report, "timeline"), i, event) {
        char at[24];
        buffer_printf(out, "  %9s  ", seconds(at, json_object_get(event, "ms")));
        report_wrap(out, report_text_of(event, "what"), 13, WIDTH);
    }
}

static void put_promises(struct buffer *out, const json_t *report) {
    const json_t *promise;
    size_t i;
    buffer_printf(out, "\n  promises\n");
    json_array_foreach(json_object_get(report, "promises"), i, promise) {
        char name[SHORT];
        bool kept = json_is_true(json_object_get(promise, "kept"));
        buffer_printf(out, "    %-7s %s%s", kept ? "kept" : "BROKEN", word_of(name, promise, "name"),
                      kept ? "\n" : "\n            ");
        if (!kept) {
            report_wrap(out, report_text_of(promise, "reason"), 12, WIDTH);
        }
    }
}

static void put_evidence(struct buffer *out, const json_t *report) {
    const json_t *line;
    size_t i;
    if (json_array_size(json_object_get(report, "evidence")) == 0) {
        return;
    }
    buffer_printf(out, "\n  evidence\n");
    json_array_foreach(json_object_get(report, "evidence"), i, line) {
        char kind[SHORT];
        buffer_printf(out, "    %-5s ", word_of(kind, line, "kind"));
        struct buffer words = {0};
        buffer_printf(&words, "%s: it %s", report_text_of(line, "culprit"), report_text_of(line, "explanation"));
        report_wrap(out, buffer_cstr(&words), 10, WIDTH);
        buffer_free(&words);
    }
}

void report_text(struct buffer *out, const json_t *report) {
    char elapsed[24], name[SHORT], row[SHORT], verdict[SHORT];
    buffer_printf(out, "%s (%s): %s, in %s\n", word_of(name, report, "name"), word_of(row, report, "row"),
                  word_of(verdict, report, "verdict"), seconds(elapsed, json_object_get(report, "elapsed_ms")));
    if (*report_text_of(report, "error") != '\0') {
        buffer_printf(out, "  ");
        report_wrap(out, report_text_of(report, "error"), 2, WIDTH);
        return;
    }
    put_table(out, report);
    put_figures(out, report);
    put_timeline(out, report);
    put_promises(out, report);
    put_evidence(out, report);
}

/* ---- the score card ---- */

static void put_row(struct buffer *out, const json_t *r) {
    const json_t *a = json_object_get(r, "alerts");
    char detect[24], recover[24], share[24], lost[24], row[SHORT], name[SHORT], verdict[SHORT];
    bool bit = json_is_true(json_object_get(r, "bit"));
    buffer_printf(out, "%-6s %-29s %-7s %-3s %7s %7s %4" PRId64 " %4" PRId64 " %3" PRId64 " %4" PRId64 " %4s %5s\n",
                  word_of(row, r, "row"), word_of(name, r, "name"), word_of(verdict, r, "verdict"), bit ? "yes" : "NO",
                  seconds(detect, json_object_get(r, "detect_ms")), seconds(recover, json_object_get(r, "recover_ms")),
                  number_of(a, "expected"), number_of(a, "raised"), number_of(a, "false"), number_of(a, "missed"),
                  figure(lost, json_object_get(r, "lost"), 0),
                  figure(share, json_object_get(r, "throughput_ratio"), 2));
}

static void put_reason(struct buffer *out, const json_t *r, const char *what, const char *reason) {
    struct buffer words = {0};
    buffer_printf(&words, "%s: %s: %s", report_text_of(r, "name"), what, reason);
    buffer_printf(out, "  ");
    report_wrap(out, buffer_cstr(&words), 2, WIDTH);
    buffer_free(&words);
}

/* What went wrong with one drill; returns the number of broken promises. */
static unsigned put_troubles(struct buffer *out, const json_t *r) {
    const json_t *promise;
    size_t i;
    unsigned broken = 0;
    if (*report_text_of(r, "error") != '\0') {
        put_reason(out, r, "error", report_text_of(r, "error"));
        return 0;
    }
    json_array_foreach(json_object_get(r, "promises"), i, promise) {
        if (!json_is_true(json_object_get(promise, "kept"))) {
            broken++;
            put_reason(out, r, report_text_of(promise, "name"), report_text_of(promise, "reason"));
        }
    }
    if (broken == 0 && !json_is_true(json_object_get(r, "bit"))) {
        put_reason(out, r, "no bite", report_no_bite);
    }
    return broken;
}

void report_card(struct buffer *out, const json_t *reports, mono_ms elapsed) {
    const json_t *r;
    size_t i;
    unsigned kept = 0, broken = 0;
    struct buffer troubles = {0};
    char time[24];
    json_t *ms = json_integer(elapsed);
    buffer_printf(out, "%-6s %-29s %-7s %-3s %7s %7s %4s %4s %3s %4s %4s %5s\n", "ROW", "NAME", "VERDICT", "BIT",
                  "DETECT", "RECOVER", "EXP", "RAIS", "FLS", "MISS", "LOST", "RATIO");
    json_array_foreach(reports, i, r) {
        put_row(out, r);
        kept += report_kept(r);
        broken += put_troubles(&troubles, r);
    }
    if (troubles.len > 0) {
        buffer_u8(out, '\n');
        buffer_put(out, troubles.data, troubles.len);
    }
    buffer_printf(out, "\n%zu drills: %u kept, %zu not; broken promises: %u; %s\n", json_array_size(reports), kept,
                  json_array_size(reports) - kept, broken, seconds(time, ms));
    json_decref(ms);
    buffer_free(&troubles);
}
