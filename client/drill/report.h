/* The report of one drill, as the JSON object that scripts get: made by the stage, read by the command, which prints it
   for people, as JUnit's XML, and keeps the newest. Readers take any object and bear what lacks in it. */
#ifndef QUORATE_CLIENT_DRILL_REPORT_H
#define QUORATE_CLIENT_DRILL_REPORT_H

#include "base/error.h"
#include "client/drill/line.h"
#include "client/drill/load.h"
#include "client/drill/plan.h"

struct outcome { /* all that the stage knows at the end; borrowed */
    const struct drill *drill;
    const struct line *line;
    struct plan_count alerts;
    uint64_t changed_frames;
    member_set idle; /* traitors that changed nothing */
    unsigned killed;
    uint64_t lost;  /* acknowledged and not stored */
    bool cut_short; /* the stage ended early: what is not broken was not judged */
    bool loaded;    /* there was a loader: the figures mean something */
    struct load_figures before, during, after;
    json_t *evidence; /* as lines of `quorate evidence --json`, of a live drill with fewer fields; or NULL */
    mono_ms ended;
    time_ms wall; /* when it began */
};
/* The caller decrefs. Verdict: "kept"; "broken", a promise; "no bite", the fault did nothing, or a
   traitor of it. */
json_t *report_new(const struct outcome *o);
/* Verdict "error": the stage itself failed, for this reason. */
json_t *report_error(const struct drill *d, const char *reason, mono_ms elapsed);
bool report_kept(const json_t *report);
/* What verdict "no bite" means. */
extern const char report_no_bite[];
/* With steps = 10 to tenths: as exact as a reader needs. */
json_t *report_rounded(double value, double steps);
/* "" where there is none. */
const char *report_text_of(const json_t *j, const char *key);
/* A JSON line; report_print puts it on stdout. */
void report_line(struct buffer *out, const json_t *j);
void report_print(const json_t *j);

/* ---- for people: report_text.c. At most 96 columns, except for names and words that are longer. ---- */
void report_text(struct buffer *out, const json_t *report);
/* One row for each of the reports, the broken promises with their reasons, totals. */
void report_card(struct buffer *out, const json_t *reports, mono_ms elapsed);
/* Words, broken into lines of at most `width` columns, each behind `indent` blanks; the first line goes on where out
   stands, at column `indent`. */
void report_wrap(struct buffer *out, const char *words, unsigned indent, unsigned width);

/* ---- for build servers: report_junit.c. A testsuite, a testcase for each drill. ---- */
void report_junit(struct buffer *out, const json_t *reports, mono_ms elapsed);

/* ---- kept reports: report_keep.c ---- */
/* ${QUORATE_DRILLS:-${XDG_STATE_HOME:-$HOME/.local/state}/quorate/drills}; false: none of them is set. */
bool report_directory(struct buffer *out);
/* Replaces last.jsonl by all of the reports and NAME.json by each; makes the directory. */
enum error report_keep(const json_t *reports, const char *directory, struct buffer *why);
/* Reads a file of JSON lines or, in place of a path, "last" or a drill's name. An array; NULL: why says what is wrong.
 */
json_t *report_read(const char *which, struct buffer *why);
/* Writes the file at once and for good: another name first, then renamed. */
enum error report_write(const char *path, struct bytes content, struct buffer *why);
/* Whether that would go well as things stand; leaves nothing behind. */
enum error report_writable(const char *path, struct buffer *why);

#endif
