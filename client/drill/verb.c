/* quorate drill: list, show, report, and on a running cluster stop and status; run is in verb_run.c. `list` and
   sandboxes need no cluster.yaml. */
#include "client/drill/verb.h"

#include "base/invariant.h"
#include "client/cli.h"
#include "client/drill/live.h"
#include "client/drill/load.h"
#include "client/drill/report.h"
#include "client/drill/run.h"
#include "client/near.h"

#include <stdlib.h>
#include <string.h>

struct words { /* the sub-verbs */
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* NULL: for drills themselves, not listed */
};

int verb_unknown_drill(const struct cli *c, const char *name) {
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
    report_print(j);
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
            return verb_unknown_drill(c, c->operands[i]);
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
                report_print(r);
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
                                    {"run", verb_drill_run, "run drills and judge every promise"},
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
