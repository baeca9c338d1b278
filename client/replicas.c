/* quorate replicas: one line a member, each its own signed claim, and a mark at who disagrees with the others. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/cli.h"
#include "client/health.h"
#include "client/render.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { ROUND_MS = 2000, ROOT_DIGITS = 8 };

struct replicas {
    struct cli cli;
    struct cluster *cluster;
    struct client *client;
    struct msg_status status[MEMBERS_MAX];
    bool reachable[MEMBERS_MAX];
    struct health health;
};

static json_t *hex(const struct digest *d) {
    char out[2 * DIGEST_LEN + 1];
    hex_encode(out, (struct bytes){d->b, DIGEST_LEN});
    return json_string(out);
}

static json_t *suspects(member_set set) {
    json_t *list = json_array();
    for (member_id m = 0; m < MEMBERS_MAX; m++) {
        if (set_has(set, m)) {
            json_array_append_new(list, json_integer(m));
        }
    }
    return list;
}

static bool disagrees(const struct health *h, member_id m) {
    return set_has((member_set)(h->other_log | h->other_root | h->named), m);
}

static void put_claims(json_t *j, const struct replicas *r, const struct msg_status *s) {
    json_object_set_new(j, "view", json_integer((json_int_t)s->view));
    json_object_set_new(j, "primary", json_integer((json_int_t)(s->view % r->health.members)));
    json_object_set_new(j, "phase", json_string(phase_name(s->phase)));
    json_object_set_new(j, "executed", json_integer((json_int_t)s->executed));
    json_object_set_new(j, "stable", json_integer((json_int_t)s->stable));
    json_object_set_new(j, "log_hash", hex(&s->log_hash));
    json_object_set_new(j, "state_root", hex(&s->state_root));
    json_object_set_new(j, "lag", json_integer((json_int_t)health_lag(&r->health, s)));
    json_object_set_new(j, "clock_offset_ms", json_integer(health_offset(s)));
    json_object_set_new(j, "version", json_stringn(s->version, strnlen(s->version, sizeof s->version)));
    json_object_set_new(j, "suspects", suspects(s->suspects));
}

static void put_nulls(json_t *j) {
    static const char *const keys[] = {"view",       "primary", "phase",           "executed", "stable",  "log_hash",
                                       "state_root", "lag",     "clock_offset_ms", "version",  "suspects"};
    for (unsigned i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_object_set_new(j, keys[i], json_null());
    }
}

static void print_json(const struct replicas *r, member_id m) {
    json_t *j = json_object();
    json_object_set_new(j, "id", json_integer(m));
    json_object_set_new(j, "reachable", json_boolean(r->reachable[m]));
    if (r->reachable[m]) {
        put_claims(j, r, &r->status[m]);
    } else {
        put_nulls(j);
    }
    json_object_set_new(j, "disagrees", r->reachable[m] ? json_boolean(disagrees(&r->health, m)) : json_null());
    char *line = json_dumps(j, JSON_COMPACT);
    REQUIRE(line != NULL);
    puts(line);
    free(line);
    json_decref(j);
}

static void print_notes(const struct replicas *r, member_id m) {
    const struct msg_status *s = &r->status[m];
    const struct health *h = &r->health;
    if (set_has(h->other_log, m)) {
        printf("  DISAGREES: another log at %" PRIu64, s->executed);
    }
    if (set_has(h->other_root, m)) {
        printf("  DISAGREES: another state at %" PRIu64, s->stable);
    }
    if (set_has(h->named, m)) {
        printf("  CONTRADICTS: named by f+1 members");
    }
    if (set_has(h->learners, m)) {
        printf("  VOTES NO MORE: disk lost or rolled back, or key used twice (OPERATING.md)");
    }
    for (member_id k = 0; k < h->members; k++) {
        if (set_has(s->suspects, k)) {
            printf("  suspects %u", k);
        }
    }
}

static void print_text(const struct replicas *r, member_id m) {
    const struct msg_status *s = &r->status[m];
    char root[2 * DIGEST_LEN + 1];
    struct buffer version = {0};
    if (!r->reachable[m]) {
        printf("%-3u %-9s %s", m, "-", "unreachable");
        printf("%s\n", set_has(r->health.named, m) ? "  CONTRADICTS: named by f+1 members" : "");
        return;
    }
    hex_encode(root, (struct bytes){s->state_root.b, DIGEST_LEN});
    render_plain(&version, s->version);
    printf("%-3u %-9s %-5" PRIu64 " %-7" PRIu64 " %-9" PRIu64 " %-9" PRIu64 " %-5" PRIu64 " %-9" PRId64 " %-8s %.*s", m,
           phase_name(s->phase), s->view, s->view % r->health.members, s->executed, s->stable,
           health_lag(&r->health, s), health_offset(s), buffer_cstr(&version), ROOT_DIGITS, root);
    print_notes(r, m);
    printf("\n");
    buffer_free(&version);
}

/* A round is short, so that one dead member does not hold up the list; only silence of all is waited out. */
static void ask(struct replicas *r) {
    mono_ms deadline = clock_mono() + r->cli.timeout;
    do {
        mono_ms left = deadline - clock_mono();
        mono_ms round = left < ROUND_MS ? left : ROUND_MS;
        client_status(r->client, round > 0 ? round : 0, r->status, r->reachable);
        health_judge(&r->health, r->cluster->member_count, r->status, r->reachable);
    } while (r->health.reachable == 0 && clock_mono() < deadline);
}

static int show(struct replicas *r) {
    const struct health *h = &r->health;
    ask(r);
    if (!r->cli.json) {
        printf("%-3s %-9s %-5s %-7s %-9s %-9s %-5s %-9s %-8s %s\n", "ID", "PHASE", "VIEW", "PRIMARY", "EXECUTED",
               "STABLE", "LAG", "OFFSET_MS", "VERSION", "STATE");
    }
    for (member_id m = 0; m < h->members; m++) {
        r->cli.json ? print_json(r, m) : print_text(r, m);
    }
    if (!r->cli.json) {
        printf("%u of %u vote, %u needed: %s\n", h->voting, h->members, quorum_strong(h->members),
               h->margin >= 0 ? "quorate" : "NOT quorate");
    }
    if (h->reachable == 0) {
        return cli_fail(&r->cli, CLI_NO_QUORUM,
                        "no replica answers: %s: start quorated, or correct the client addresses", r->cli.cluster_path);
    }
    return CLI_DONE;
}

int verb_replicas(int argc, char **argv) {
    static const struct cli_verb verb = {
        .name = "replicas",
        .operands = "",
        .summary = "Show each replica's view, progress and state root, and who disagrees",
        .details = "Each line is that replica's own signed claim. OFFSET_MS is its clock less the agreed time."};
    struct replicas *r = xcalloc(1, sizeof *r);
    int code = cli_parse(&r->cli, &verb, argc, argv);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&r->cli, &r->cluster);
    }
    if (code == CLI_GO_ON) {
        code = cli_open_client(&r->cli, r->cluster, &r->client);
    }
    if (code == CLI_GO_ON) {
        code = show(r);
    }
    client_close(r->client);
    cluster_free(r->cluster);
    free(r);
    return code;
}
