/* quorate alerts: the agreed alert stream, each alert verified against f+1 receipts before it is printed. */
#include "base/clock.h"
#include "client/cli.h"
#include "client/render.h"

#include <inttypes.h>
#include <string.h>

enum { FOLLOW_WAIT_MS = 20000, RETRY_MS = 500, SAY_AGAIN_MS = 60000 };

struct alerts {
    struct cli cli;
    uint64_t since;    /* the last number printed */
    bool follow, lost; /* lost: stdout is gone */
    mono_ms said[MEMBERS_MAX];
    struct cluster *cluster;
    struct client *client;
};

static bool print_alert(void *context, const struct client_alert *a) {
    struct alerts *s = context;
    struct buffer out = {0};
    if (s->cli.json) {
        render_alert_json(&out, a);
        buffer_u8(&out, '\n');
    } else {
        render_alert_text(&out, &a->alert);
    }
    fwrite(out.data, 1, out.len, stdout);
    buffer_free(&out);
    s->since = a->alert.number;
    s->lost = (s->follow && fflush(stdout) != 0) || ferror(stdout);
    return !s->lost;
}

/* A member that keeps lying is named once a minute. */
static void say_complaint(void *context, member_id replica, const char *what) {
    struct alerts *s = context;
    mono_ms now = clock_mono();
    if (s->said[replica] == 0 || now - s->said[replica] >= SAY_AGAIN_MS) {
        cli_fail(&s->cli, CLI_DONE, "ignored an answer, %s: replica %u: see `quorate replicas`", what, replica);
        s->said[replica] = now;
    }
}

/* Until nothing new comes, or for ever; an absent quorum is waited for as long as --timeout says. */
static int run(struct alerts *s) {
    mono_ms quorum_at = clock_mono();
    bool warned = false;
    for (;;) {
        uint64_t before = s->since;
        enum error e =
            client_alerts(s->client, s->since, s->follow ? FOLLOW_WAIT_MS : 0, print_alert, say_complaint, s);
        mono_ms now = clock_mono();
        if (s->lost || (e == ERR_OK && !s->follow && s->since == before)) {
            return s->lost ? CLI_REFUSED : CLI_DONE;
        }
        if (e == ERR_OK) {
            quorum_at = now;
            warned = false;
        } else if (now - quorum_at >= s->cli.timeout && !s->follow) {
            return cli_fail_error(&s->cli, e, "the alert stream");
        } else if (now - quorum_at >= s->cli.timeout && !warned) {
            cli_fail_error(&s->cli, e, "the alert stream, still waiting");
            warned = true;
        }
        if (e != ERR_OK) {
            clock_sleep(RETRY_MS);
        }
    }
}

int verb_alerts(int argc, char **argv) {
    struct alerts s = {0};
    const struct cli_option options[] = {
        {"since", 0, CLI_NUMBER, &s.since, "N", "everything after number N, oldest first (0: all)"},
        {"follow", 0, CLI_FLAG, &s.follow, NULL, "go on with what comes"},
        {0}};
    const struct cli_verb verb = {.name = "alerts",
                                  .operands = "",
                                  .summary = "Print the agreed alert stream, each alert proven by f+1 receipts",
                                  .details =
                                      "With --json each line carries its certificate: `quorate verify` checks it "
                                      "offline.",
                                  .options = options};
    int code = cli_parse(&s.cli, &verb, argc, argv);
    if (code == CLI_GO_ON && s.since >= INT64_MAX) {
        code = cli_fail(&s.cli, CLI_USAGE, "no alert has such a number: --since: give a smaller one");
    }
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&s.cli, &s.cluster);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&s.cli, s.cluster, &s.client);
    }
    if (code == CLI_GO_ON) {
        code = run(&s);
    }
    client_close(s.client);
    cluster_free(s.cluster);
    return code;
}
