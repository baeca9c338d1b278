/* quorate drill run: drills in sandboxes or one on the running cluster, and what becomes of their reports. */
#include "base/clock.h"
#include "client/drill/live.h"
#include "client/drill/report.h"
#include "client/drill/run.h"
#include "client/drill/verb.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_GIVEN = -1, USUAL_MS = 10000 };

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
            return verb_unknown_drill(&r->cli, word);
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

/* A report that can't be kept is printed all the same. */
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
            report_print(r);
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

/* Nothing is printed before it is kept: who reads may go away. */
static int publish(const struct drill_run *r, const json_t *reports, mono_ms elapsed) {
    keep_reports(&r->cli, reports);
    int code = r->junit != NULL ? write_junit(r, reports, elapsed) : CLI_GO_ON;
    print_reports(r->cli.json, reports, elapsed);
    return code;
}

static int run_sandbox(struct drill_run *r) {
    bool interrupted = false;
    mono_ms began = clock_mono();
    int code = choose(r);
    if (code != CLI_GO_ON) {
        return code;
    }
    json_t *reports = run_drills(&r->run, &interrupted);
    code = publish(r, reports, clock_mono() - began);
    if (interrupted) {
        code = cli_fail(&r->cli, CLI_REFUSED, "interrupted: %zu of %u drills had ended: run the others again",
                        json_array_size(reports), r->run.count);
    }
    code = code != CLI_GO_ON ? code : all_kept(reports) ? CLI_DONE : CLI_REFUSED;
    json_decref(reports);
    return code;
}

/* One drill, one member. */
static int check_live(const struct drill_run *r, const struct drill **drill, member_id *target) {
    const char *word = r->cli.operands[0];
    unsigned long number = strtoul(r->replica, NULL, 10);
    if (r->cli.operand_count > 1 || strcmp(word, "all") == 0 || strcmp(word, "ci") == 0) {
        return cli_fail(&r->cli, CLI_USAGE, "one drill at a time on a running cluster: %.64s: name one",
                        r->cli.operand_count > 1 ? r->cli.operands[1] : word);
    }
    *drill = drill_find(word);
    if (*drill == NULL) {
        return verb_unknown_drill(&r->cli, word);
    }
    if (*r->replica == '\0' || r->replica[strspn(r->replica, "0123456789")] != '\0' || number > UINT16_MAX) {
        return cli_fail(&r->cli, CLI_USAGE,
                        "not a number of a replica: --replica %.64s: give one of `quorate replicas`", r->replica);
    }
    *target = (member_id)number;
    return CLI_GO_ON;
}

/* On the running cluster. */
static int run_live(const struct drill_run *r) {
    struct order o = {.cli = r->cli};
    const struct drill *d = NULL;
    member_id target = 0;
    json_t *report = NULL;
    mono_ms began = clock_mono();
    int code = check_live(r, &d, &target);
    if (code != CLI_GO_ON) {
        return code;
    }
    code = order_open(&o);
    code = code == CLI_GO_ON ? order_check_key(&o, o.cli.key_path) : code;
    code = code == CLI_GO_ON ? drill_live_run(&o, d, target, r->span, &report) : code;
    if (report != NULL) {
        json_t *reports = json_array();
        json_array_append_new(reports, report);
        if (publish(r, reports, clock_mono() - began) != CLI_GO_ON) {
            code = CLI_REFUSED;
        }
        json_decref(reports);
    }
    order_close(&o);
    return code;
}

/* No option is ignored. */
static int check_place(const struct drill_run *r) {
    const struct cli *c = &r->cli;
    if (r->sandbox && r->replica != NULL) {
        return cli_fail(c, CLI_USAGE, "both at once: --sandbox, --replica: give one of them");
    }
    if (!r->sandbox && r->replica == NULL) {
        return cli_fail(c, CLI_USAGE,
                        "where is not said: %s: give --sandbox for a throw-away cluster, or --replica N "
                        "for a member of the running one",
                        c->operands[0]);
    }
    if (r->sandbox && r->span != NOT_GIVEN) {
        return cli_fail(c, CLI_USAGE, "for drills of a running cluster: --for: in a sandbox each has its own time");
    }
    if (r->replica != NULL && (r->keep != NULL || r->jobs > 0)) {
        return cli_fail(c, CLI_USAGE, "for sandboxes: %s: leave it out with --replica",
                        r->keep != NULL ? "--keep" : "--jobs");
    }
    return CLI_GO_ON;
}

/* Before an hour of drills, not behind it. */
static int check_junit(const struct drill_run *r) {
    struct buffer why = {0};
    int code = CLI_GO_ON;
    if (r->junit != NULL && report_writable(r->junit, &why) != ERR_OK) {
        code = cli_fail(&r->cli, CLI_REFUSED, "%s: name another file with --junit", buffer_cstr(&why));
    }
    buffer_free(&why);
    return code;
}

static int check_run(struct drill_run *r) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int code = check_place(r);
    if (code != CLI_GO_ON) {
        return code;
    }
    if (r->jobs > RUN_JOBS_MAX) {
        return cli_fail(&r->cli, CLI_USAGE, "too many at once: --jobs: give at most %d", RUN_JOBS_MAX);
    }
    r->run.cli = &r->cli;
    r->run.keep = r->keep;
    r->run.jobs = r->jobs > 0 ? (unsigned)r->jobs : cores > 0 ? (unsigned)cores : 1;
    r->span = r->span != NOT_GIVEN ? r->span : USUAL_MS;
    return check_junit(r);
}

int verb_drill_run(int argc, char **argv) {
    struct drill_run *r = xcalloc(1, sizeof *r);
    const struct cli_option options[] = {
        {"sandbox", 0, CLI_FLAG, &r->sandbox, NULL, "in a throw-away cluster of real processes on this machine"},
        {"jobs", 'j', CLI_NUMBER, &r->jobs, "N", "drills side by side, at most 64 (0: as many as cores)"},
        {"junit", 0, CLI_TEXT, &r->junit, "FILE", "also write JUnit's XML"},
        {"keep", 0, CLI_TEXT, &r->keep, "DIR", "keep each sandbox's logs and files in DIR/NAME"},
        {"replica", 0, CLI_TEXT, &r->replica, "N", "on a running cluster: the member that is to misbehave"},
        {"for", 0, CLI_DURATION, &r->span, "DUR", "on a running cluster: for how long, 1s to 10m (10s)"},
        {0}};
    const struct cli_verb verb = {
        .name = "drill run",
        .operands = "NAME... | all | ci",
        .summary = "Run drills and judge every promise",
        .details = "A sandbox needs neither cluster.yaml nor key: it makes namespaces of its own, and leaves nothing "
                   "behind.\nOn a running cluster its genesis must say `drills: live`, and the key needs the role "
                   "`drill`: one drill at a "
                   "time.\nThe newest reports are kept in ${QUORATE_DRILLS:-~/.local/state/quorate/drills}.",
        .exits = "0 every promise of every drill was kept and each fault bit, 1 not so or refused, 2 wrong usage, "
                 "3 no quorum in time",
        .operands_min = 1,
        .operands_max = RUN_DRILLS_MAX,
        .options = options};
    r->span = NOT_GIVEN;
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
