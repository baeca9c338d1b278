/* quorate drill: list, show, run, report, and on a running cluster stop and status. `list` and sandboxes need no
   cluster.yaml. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/cli.h"
#include "client/drill/live.h"
#include "client/drill/load.h"
#include "client/drill/report.h"
#include "client/drill/run.h"
#include "client/near.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct words { /* the sub-verbs */
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: for drills themselves, not listed */
};

static void put_json(json_t *j) {
    char *line = json_dumps(j, JSON_COMPACT);
    REQUIRE(line != NULL);
    puts(line);
    free(line);
}

static int unknown_drill(const struct cli *c, const char *name) {
    char near[512] = "";
    const struct drill *d;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        near_add(near, sizeof near, name, d->name);
    }
    return cli_fail(c, CLI_USAGE, "no such drill: %.64s: %s", name,
                    *near != '\0' ? near : "`quorate drill list` names them");
}

/* ---- list, show ---- */

static json_t *modes_json(const struct drill *d) {
    json_t *list = json_array();
    if ((d->modes & DRILL_SANDBOX) != 0) {
        json_array_append_new(list, json_string("sandbox"));
    }
    if ((d->modes & DRILL_LIVE) != 0) {
        json_array_append_new(list, json_string("live"));
    }
    return list;
}

static void list_json(const struct drill *d) {
    json_t *promises = json_array();
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        if (((DRILL_ALWAYS | d->promises) >> p & 1u) != 0) {
            json_array_append_new(promises, json_string(drill_promise_name((enum promise)p)));
        }
    }
    json_t *j = json_pack("{s:s, s:s, s:o, s:b, s:s, s:o, s:s, s:s, s:s}", "name", d->name, "row", d->row, "modes",
                          modes_json(d), "ci", d->ci, "summary", d->summary, "promises", promises, "attack", d->attack,
                          "holds", d->holds, "see", d->see);
    REQUIRE(j != NULL);
    put_json(j);
    json_decref(j);
}

static void list_row(const struct drill *d) {
    struct buffer out = {0};
    buffer_printf(&out, "%-6s %-29s %-4s %-2s ", d->row, d->name, (d->modes & DRILL_LIVE) != 0 ? "live" : "",
                  d->ci ? "ci" : "");
    report_wrap(&out, d->summary, 45, 100);
    fputs(buffer_cstr(&out), stdout);
    buffer_free(&out);
}

static void show_part(struct buffer *out, const char *name, const char *text) {
    buffer_printf(out, "  %-11s ", name);
    report_wrap(out, text, 14, 96);
}

static void show_drill(const struct drill *d) {
    struct buffer out = {0}, promises = {0};
    for (unsigned p = 0; p < PROMISE_LIMIT; p++) {
        if (((DRILL_ALWAYS | d->promises) >> p & 1u) != 0) {
            buffer_printf(&promises, "%s%s", promises.len > 0 ? ", " : "", drill_promise_name((enum promise)p));
        }
    }
    buffer_printf(&out, "%s (%s)\n", d->name, d->row);
    show_part(&out, "summary", d->summary);
    show_part(&out, "attack", d->attack);
    show_part(&out, "must hold", d->holds);
    show_part(&out, "to be seen", d->see);
    show_part(&out, "judged by", buffer_cstr(&promises));
    show_part(&out, "runs", (d->modes & DRILL_LIVE) != 0 ? "in a sandbox and on a running cluster" : "in a sandbox");
    fputs(buffer_cstr(&out), stdout);
    buffer_free(&out);
    buffer_free(&promises);
}

static int show_named(const struct cli *c) {
    for (unsigned i = 0; i < c->operand_count; i++) {
        if (drill_find(c->operands[i]) == NULL) {
            return unknown_drill(c, c->operands[i]);
        }
    }
    for (unsigned i = 0; i < c->operand_count; i++) {
        const struct drill *d = drill_find(c->operands[i]);
        if (c->json) {
            list_json(d);
        } else {
            printf("%s", i > 0 ? "\n" : "");
            show_drill(d);
        }
    }
    return CLI_DONE;
}

static int list_all(const struct cli *c) {
    const struct drill *d;
    if (!c->json) {
        printf("%-6s %-29s %-7s %s\n", "ROW", "NAME", "RUNS", "SUMMARY");
    }
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        c->json ? list_json(d) : list_row(d);
    }
    return CLI_DONE;
}

static int list_or_show(int argc, char **argv, const struct cli_verb *verb) {
    struct cli c;
    int code = cli_parse(&c, verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = c.operand_count > 0 ? show_named(&c) : list_all(&c);
    }
    return code;
}

static int drill_list(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "drill list",
        .operands = "[NAME...]",
        .summary = "List all drills, or say what the named ones do",
        .details =
            "A name may also be a row, such as DR-A2. `live`: also on a running cluster, by --replica. `ci`: one "
            "of\nthe short selection that `quorate drill run ci --sandbox` runs.",
        .operands_max = RUN_DRILLS_MAX};
    return list_or_show(argc, argv, &verb);
}

static int drill_show(int argc, char **argv) {
    static const struct cli_verb verb = {.name = "drill show",
                                         .operands = "NAME...",
                                         .summary = "Say what a drill does, what must hold and what is to be seen",
                                         .operands_min = 1,
                                         .operands_max = RUN_DRILLS_MAX};
    return list_or_show(argc, argv, &verb);
}

/* ---- run ---- */

struct drill_run {
    struct cli cli;
    bool sandbox;
    const char *junit, *keep, *replica;
    uint64_t jobs;
    mono_ms span;
    struct run run;
};

static bool is_chosen(const struct drill_run *r, const struct drill *d) {
    for (unsigned i = 0; i < r->cli.operand_count; i++) {
        const char *word = r->cli.operands[i];
        if (strcmp(word, "all") == 0 || (strcmp(word, "ci") == 0 && d->ci) || drill_find(word) == d) {
            return true;
        }
    }
    return false;
}

static int choose(struct drill_run *r) {
    const struct drill *d;
    for (unsigned i = 0; i < r->cli.operand_count; i++) {
        const char *word = r->cli.operands[i];
        if (strcmp(word, "all") != 0 && strcmp(word, "ci") != 0 && drill_find(word) == NULL) {
            return unknown_drill(&r->cli, word);
        }
    }
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        if (r->run.count < RUN_DRILLS_MAX && (d->modes & DRILL_SANDBOX) != 0 && is_chosen(r, d)) {
            r->run.drills[r->run.count++] = d;
        }
    }
    return r->run.count > 0 ? CLI_GO_ON
                            : cli_fail(&r->cli, CLI_USAGE,
                                       "nothing to run: %s: `quorate drill list` says which run in "
                                       "a sandbox",
                                       r->cli.operands[0]);
}

static void warn(const struct cli *c, struct buffer *why, const char *what) {
    cli_fail(c, CLI_DONE, "%s: %s", buffer_cstr(why), what);
    buffer_clear(why);
}

static int write_junit(const struct drill_run *r, const json_t *reports, mono_ms elapsed) {
    struct buffer xml = {0}, why = {0};
    int code = CLI_GO_ON;
    report_junit(&xml, reports, elapsed);
    if (report_write(r->junit, buffer_bytes(&xml), &why) != ERR_OK) {
        code = cli_fail(&r->cli, CLI_REFUSED, "%s: name another file with --junit", buffer_cstr(&why));
    }
    buffer_free(&xml);
    buffer_free(&why);
    return code;
}

/* A report that can't be kept was printed all the same. */
static void keep_reports(const struct cli *c, const json_t *reports) {
    struct buffer directory = {0}, why = {0};
    if (json_array_size(reports) > 0 && report_directory(&directory) &&
        report_keep(reports, buffer_cstr(&directory), &why) != ERR_OK) {
        warn(c, &why, "the report is not kept for `quorate drill report`");
    }
    buffer_free(&directory);
    buffer_free(&why);
}

/* Several: in full only what did not hold; the score card has all. */
static void print_reports(bool json, const json_t *reports, mono_ms elapsed) {
    json_t *r;
    size_t i, count = json_array_size(reports);
    struct buffer out = {0};
    json_array_foreach(reports, i, r) {
        if (json) {
            put_json(r);
        } else if (count == 1 || !report_kept(r)) {
            report_text(&out, r);
            buffer_u8(&out, '\n');
        }
    }
    if (!json && count > 1) {
        report_card(&out, reports, elapsed);
    }
    fputs(buffer_cstr(&out), stdout);
    buffer_free(&out);
}

static bool all_kept(const json_t *reports) {
    const json_t *r;
    size_t i;
    json_array_foreach(reports, i, r) {
        if (!report_kept(r)) {
            return false;
        }
    }
    return true;
}

static int run_sandbox(struct drill_run *r) {
    bool interrupted = false;
    mono_ms began = clock_mono();
    int code = choose(r);
    if (code != CLI_GO_ON) {
        return code;
    }
    json_t *reports = run_drills(&r->run, &interrupted);
    mono_ms elapsed = clock_mono() - began;
    print_reports(r->cli.json, reports, elapsed);
    keep_reports(&r->cli, reports);
    code = r->junit != NULL ? write_junit(r, reports, elapsed) : CLI_GO_ON;
    if (interrupted) {
        code = cli_fail(&r->cli, CLI_REFUSED, "interrupted: %zu of %u drills had ended: run the others again",
                        json_array_size(reports), r->run.count);
    }
    code = code != CLI_GO_ON ? code : all_kept(reports) ? CLI_DONE : CLI_REFUSED;
    json_decref(reports);
    return code;
}

/* On the running cluster: one drill, one member. */
static int run_live(struct drill_run *r) {
    struct order o = {.cli = r->cli};
    const struct drill *d = drill_find(r->cli.operands[0]);
    char *rest;
    unsigned long target = strtoul(r->replica, &rest, 10);
    json_t *report = NULL;
    if (d == NULL) {
        return unknown_drill(&r->cli, r->cli.operands[0]);
    }
    if (r->cli.operand_count > 1 || *rest != '\0' || rest == r->replica || target > UINT16_MAX) {
        return cli_fail(&r->cli, CLI_USAGE,
                        "not one drill and one number: --replica %s: give `drill run %s --replica N`", r->replica,
                        d->name);
    }
    mono_ms began = clock_mono();
    int code = order_open(&o);
    code = code == CLI_GO_ON ? drill_live_run(&o, d, (member_id)target, r->span, &report) : code;
    if (report != NULL) {
        json_t *reports = json_array();
        json_array_append_new(reports, report);
        print_reports(r->cli.json, reports, clock_mono() - began);
        keep_reports(&r->cli, reports);
        if (r->junit != NULL && write_junit(r, reports, clock_mono() - began) != CLI_GO_ON) {
            code = CLI_REFUSED;
        }
        json_decref(reports);
    }
    order_close(&o);
    return code;
}

static int check_run(struct drill_run *r) {
    const struct cli *c = &r->cli;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (r->sandbox && r->replica != NULL) {
        return cli_fail(c, CLI_USAGE, "both at once: --sandbox, --replica: give one of them");
    }
    if (!r->sandbox && r->replica == NULL) {
        return cli_fail(c, CLI_USAGE,
                        "where is not said: %s: give --sandbox for a throw-away cluster, or --replica N "
                        "for a member of the running one",
                        c->operands[0]);
    }
    if (r->jobs > RUN_DRILLS_MAX) {
        return cli_fail(c, CLI_USAGE, "too many at once: --jobs: give at most %d", RUN_DRILLS_MAX);
    }
    r->run.cli = c;
    r->run.keep = r->keep;
    r->run.jobs = r->jobs > 0 ? (unsigned)r->jobs : cores > 0 ? (unsigned)cores : 1;
    return CLI_GO_ON;
}

static int drill_run(int argc, char **argv) {
    struct drill_run *r = xcalloc(1, sizeof *r);
    const struct cli_option options[] = {
        {"sandbox", 0, CLI_FLAG, &r->sandbox, NULL, "in a throw-away cluster of real processes on this machine"},
        {"jobs", 'j', CLI_NUMBER, &r->jobs, "N", "drills side by side (as many as cores)"},
        {"junit", 0, CLI_TEXT, &r->junit, "FILE", "also write JUnit's XML"},
        {"keep", 0, CLI_TEXT, &r->keep, "DIR", "keep each sandbox's logs and files in DIR/NAME"},
        {"replica", 0, CLI_TEXT, &r->replica, "N", "on a running cluster: the member that is to misbehave"},
        {"for", 0, CLI_DURATION, &r->span, "DUR", "on a running cluster: for how long (10s)"},
        {0}};
    const struct cli_verb verb = {
        .name = "drill run",
        .operands = "NAME... | all | ci",
        .summary = "Run drills and judge every promise",
        .details = "A sandbox needs neither cluster.yaml nor key: it makes namespaces of its own, and leaves nothing "
                   "behind.\nThe newest reports are kept in ${QUORATE_DRILLS:-~/.local/state/quorate/drills}.",
        .exits = "0 every promise of every drill was kept and each fault bit, 1 not so, 2 wrong usage",
        .operands_min = 1,
        .operands_max = RUN_DRILLS_MAX,
        .options = options};
    r->span = 10000;
    int code = cli_parse(&r->cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = check_run(r);
    }
    if (code == CLI_GO_ON) {
        code = r->sandbox ? run_sandbox(r) : run_live(r);
    }
    free(r);
    return code;
}

/* ---- report ---- */

static int drill_report(int argc, char **argv) {
    struct cli c;
    static const struct cli_verb verb = {.name = "drill report",
                                         .operands = "[last | NAME | FILE]",
                                         .summary = "Show kept reports in full: of the last run, of a drill, of a file",
                                         .operands_max = 1};
    struct buffer why = {0};
    int code = cli_parse(&c, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        json_t *reports = report_read(c.operand_count > 0 ? c.operands[0] : "last", &why), *r;
        struct buffer out = {0};
        size_t i;
        code = reports != NULL ? CLI_DONE : cli_fail(&c, CLI_REFUSED, "%s", buffer_cstr(&why));
        json_array_foreach(reports, i, r) {
            if (c.json) {
                put_json(r);
            } else {
                buffer_printf(&out, "%s", i > 0 ? "\n" : "");
                report_text(&out, r);
            }
        }
        fputs(buffer_cstr(&out), stdout);
        buffer_free(&out);
        json_decref(reports);
    }
    buffer_free(&why);
    return code;
}

/* ---- stop, status: of the running cluster ---- */

static int live_word(int argc, char **argv, const struct cli_verb *verb, int (*word)(struct order *o)) {
    struct order o = {0};
    int code = cli_parse(&o.cli, verb, argc, argv);
    code = code == CLI_GO_ON ? order_open(&o) : code;
    code = code == CLI_GO_ON ? word(&o) : code;
    order_close(&o);
    return code;
}

static int drill_stop(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "drill stop", .operands = "", .summary = "Have the running cluster stop the drill that runs"};
    return live_word(argc, argv, &verb, drill_live_stop);
}

static int drill_status(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "drill status", .operands = "", .summary = "Show the drills that the running cluster's log holds"};
    return live_word(argc, argv, &verb, drill_live_status);
}

/* ---- the verb ---- */

static const struct words subs[] = {{"list", drill_list, "list all drills"},
                                    {"show", drill_show, "say what a drill does and what must hold"},
                                    {"run", drill_run, "run drills and judge every promise"},
                                    {"stop", drill_stop, "on the running cluster: stop the drill that runs"},
                                    {"status", drill_status, "on the running cluster: what was drilled, and by whom"},
                                    {"report", drill_report, "show the reports of the last run"},
                                    {"load", load_verb, NULL}};
enum { SUBS = sizeof subs / sizeof subs[0] };

static void overview(FILE *to) {
    fputs("usage: quorate drill WORD [OPERAND...] [OPTION...]\n\n"
          "Rehearse traitors and breakdowns, and judge what comes of it\n\n",
          to);
    for (unsigned i = 0; i < SUBS; i++) {
        if (subs[i].summary != NULL) {
            fprintf(to, "  %-8s %s\n", subs[i].name, subs[i].summary);
        }
    }
    fputs("\n`quorate drill WORD --help` says more. Try: quorate drill run ci --sandbox\n", to);
}

static int unknown_word(const char *word) {
    char near[256] = "";
    for (unsigned i = 0; i < SUBS; i++) {
        if (subs[i].summary != NULL) {
            near_add(near, sizeof near, word, subs[i].name);
        }
    }
    fprintf(stderr, "quorate: drill: no such word: %.64s: %s\n", word,
            *near != '\0' ? near : "`quorate drill --help` lists them");
    return CLI_USAGE;
}

/* Options that all verbs share may stand before the word: how many arguments. */
static int words_before(int argc, char **argv) {
    static const char *const with_value[] = {"-c", "-k", "--cluster", "--key", "--timeout"};
    int at = 1;
    while (at < argc && argv[at][0] == '-') {
        bool value = false;
        for (unsigned i = 0; i < sizeof with_value / sizeof with_value[0]; i++) {
            value |= strcmp(argv[at], with_value[i]) == 0;
        }
        at += value ? 2 : 1;
    }
    return at;
}

int verb_drill(int argc, char **argv) {
    int at = words_before(argc, argv);
    if (at >= argc) {
        bool help = argc > 1 && (strcmp(argv[argc - 1], "--help") == 0 || strcmp(argv[argc - 1], "-h") == 0);
        overview(help ? stdout : stderr);
        return help ? CLI_DONE : CLI_USAGE;
    }
    char *word = argv[at];
    memmove(&argv[2], &argv[1], (size_t)(at - 1) * sizeof *argv);
    argv[1] = word;
    for (unsigned i = 0; i < SUBS; i++) {
        if (strcmp(subs[i].name, word) == 0) {
            return subs[i].run(argc - 1, argv + 1);
        }
    }
    return unknown_word(word);
}
