/* check_quorate: a Nagios plugin that watches the watchers. It asks every replica twice, so that a view that changes
   meanwhile is seen, and prints one line with perfdata. */
#include "base/clock.h"
#include "client/cli.h"
#include "client/health.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum plugin_state { PLUGIN_OK = 0, PLUGIN_WARNING = 1, PLUGIN_CRITICAL = 2, PLUGIN_UNKNOWN = 3 };
enum { ROUND_MS = 2000, SAMPLE_MS = 1000, LAG_WARNING = 256, STOOD_WARNING_MS = 10000, STOOD_CRITICAL_MS = 30000 };

struct watch {
    struct cli cli;
    mono_ms sample;
    struct cluster *cluster;
    struct client *client;
    struct msg_status status[MEMBERS_MAX];
    bool reachable[MEMBERS_MAX];
    struct health health;
    view_no view_before;
    enum plugin_state state;
    struct buffer text;
};

static void judge(struct watch *w, enum plugin_state state, const char *what) {
    w->state = state > w->state ? state : w->state;
    buffer_printf(&w->text, "%s%s", w->text.len > 0 ? ", " : "", what);
}

static void ask(struct watch *w) {
    mono_ms round = w->cli.timeout < ROUND_MS ? w->cli.timeout : ROUND_MS;
    client_status(w->client, round, w->status, w->reachable);
    health_judge(&w->health, w->cluster->member_count, w->status, w->reachable);
}

static seq_no worst_lag(const struct watch *w) {
    seq_no worst = 0;
    for (unsigned i = 0; i < w->health.members; i++) {
        seq_no lag = w->reachable[i] ? health_lag(&w->health, &w->status[i]) : 0;
        worst = lag > worst ? lag : worst;
    }
    return worst;
}

/* How long ago, by this machine's clock, agreed time was what it is: it moves every second while there is a quorum. */
static time_ms stood(const struct watch *w) {
    time_ms d = clock_wall() - w->health.t;
    return d < 0 ? 0 : d;
}

static void judge_quorum(struct watch *w) {
    const struct health *h = &w->health;
    char what[96];
    snprintf(what, sizeof what, "%u of %u replicas vote (%u needed)", h->voting, h->members, quorum_strong(h->members));
    judge(w, h->margin < 0 ? PLUGIN_CRITICAL : h->voting < h->members ? PLUGIN_WARNING : PLUGIN_OK, what);
    for (unsigned i = 0; i < h->members; i++) {
        if (!w->reachable[i]) {
            snprintf(what, sizeof what, "replica %u does not answer", i);
            judge(w, PLUGIN_WARNING, what);
        }
    }
}

static void judge_progress(struct watch *w) {
    char what[96];
    time_ms still = stood(w);
    if (w->health.reachable > 0 && still > STOOD_WARNING_MS) {
        snprintf(what, sizeof what, "agreed time is %" PRId64 " s behind", still / 1000);
        judge(w, still > STOOD_CRITICAL_MS ? PLUGIN_CRITICAL : PLUGIN_WARNING, what);
    }
    if (worst_lag(w) > LAG_WARNING) {
        snprintf(what, sizeof what, "a replica lags by %" PRIu64 " batches", worst_lag(w));
        judge(w, PLUGIN_WARNING, what);
    }
    if (w->health.view != w->view_before) {
        snprintf(what, sizeof what, "the view changes (%" PRIu64 " to %" PRIu64 ")", w->view_before, w->health.view);
        judge(w, PLUGIN_WARNING, what);
    }
}

static void judge_agreement(struct watch *w) {
    const struct health *h = &w->health;
    member_set odd = (member_set)(h->other_log | h->other_root | h->named);
    char what[96];
    for (member_id i = 0; i < h->members; i++) {
        if (set_has(odd, i)) {
            snprintf(what, sizeof what, "replica %u disagrees", i);
            judge(w, set_count(odd) > quorum_faults(h->members) ? PLUGIN_CRITICAL : PLUGIN_WARNING, what);
        }
        if (set_has(h->learners, i)) {
            snprintf(what, sizeof what, "replica %u votes no more: disk lost or rolled back, or key used twice", i);
            judge(w, PLUGIN_WARNING, what);
        }
    }
}

static void print(struct watch *w) {
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    const struct health *h = &w->health;
    member_set odd = (member_set)(h->other_log | h->other_root | h->named);
    unsigned needed = quorum_strong(h->members);
    printf("QUORATE %s - %s, view %" PRIu64 " | voting=%u;%u:;%u:;0;%u margin=%d;;0: view=%" PRIu64 " lag=%" PRIu64
           ";%d disagree=%u;0 behind=%" PRId64 "ms;%d;%d\n",
           names[w->state], buffer_cstr(&w->text), h->view, h->voting, h->members, needed, h->members, h->margin,
           h->view, worst_lag(w), LAG_WARNING, set_count(odd), h->reachable > 0 ? stood(w) : 0, STOOD_WARNING_MS,
           STOOD_CRITICAL_MS);
}

static int watch(struct watch *w) {
    ask(w);
    w->view_before = w->health.view;
    if (w->health.reachable > 0 && w->sample > 0) {
        clock_sleep(w->sample);
        ask(w);
    }
    judge_quorum(w);
    judge_progress(w);
    judge_agreement(w);
    print(w);
    return w->state;
}

/* Nagios reads the first line of stdout. */
static int unknown(int code) {
    if (code == CLI_DONE) {
        return PLUGIN_OK;
    }
    puts("QUORATE UNKNOWN - wrong usage or configuration, see stderr");
    return PLUGIN_UNKNOWN;
}

int verb_check_quorate(int argc, char **argv) {
    struct watch *w = xcalloc(1, sizeof *w);
    w->sample = SAMPLE_MS;
    const struct cli_option options[] = {
        {"sample", 0, CLI_DURATION, &w->sample, "DUR", "ask twice, this far apart, to see views change (1s)"}, {0}};
    const struct cli_verb verb = {.name = "check_quorate",
                                  .operands = "",
                                  .summary = "Nagios plugin: quorum margin, views, lag and dissent of the cluster",
                                  .exits = "as for every Nagios plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN",
                                  .options = options};
    int code = cli_parse(&w->cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&w->cli, &w->cluster);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&w->cli, w->cluster, &w->client);
    }
    code = code == CLI_GO_ON ? watch(w) : unknown(code);
    client_close(w->client);
    cluster_free(w->cluster);
    buffer_free(&w->text);
    free(w);
    return code;
}
