/* `quorate agent`: one loop that starts plugins when they are due, gathers what they say, seals it into the spool and
   hands the oldest sealed bundle to the sender, again and again until F replicas acknowledged it. */
#include "base/clock.h"
#include "base/log.h"
#include "client/agent/agent_config.h"
#include "client/agent/bundle.h"
#include "client/agent/runner.h"
#include "client/agent/schedule.h"
#include "client/agent/sender.h"
#include "client/agent/spool.h"
#include "client/cli.h"
#include "client/service.h"
#include "crypto/keyfile.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    CHILDREN_MAX = 32,
    GATHER = 100,            /* ms that a result waits for company */
    GATHER_QUEUED = 1000,    /* the same while older bundles wait anyway */
    REQUEST_PATIENCE = 3000, /* ms of one attempt: also how long SIGTERM may take */
    BUSY_BACKOFF = 1000,
    REFUSED_BACKOFF = 10000, /* the key is unknown, convicted or forbidden: an operator must act */
    REFUSALS_TOLD = 1024,
    REFUSAL_SILENCE = 10 * 60 * 1000,
};

struct agent {
    struct cli cli;
    const char *checks_path, *spool_dir, *user;
    bool once;
    struct buffer default_spool;
    struct agent_config *config;
    struct cluster *cluster;
    struct keyfile key;
    struct client *client;
    struct spool *spool;
    struct runner *runner;
    struct schedule *schedule;
    struct sender *sender;
    int signals;
    struct bundle gathered;
    mono_ms gathered_since, not_before; /* not_before: no sending until then */
    uint64_t next_obs_seq;
    bool quorum_lost;
    time_ms lost_since;
    bool stopping;
    unsigned ended;  /* checks that ended, for --once */
    mono_ms give_up; /* of --once, once all ended */
    uint64_t refused, unspooled;
    struct buffer output, perfdata, why;
    struct {
        uint64_t hash;
        mono_ms at;
    } told[REFUSALS_TOLD]; /* refusals said lately */
};

/* --- sealing --- */

static enum error seal(void *self, const struct op_observe *results, struct buffer *sealed, struct buffer *why) {
    struct agent *a = self;
    struct request r = {.client = a->key.pk, .kind = OP_OBSERVE, .observe = *results};
    enum error e = keycounter_draw(a->cli.key_path, 1, &r.req_seq, why);
    if (e == ERR_OK) {
        request_seal(sealed, &r, &a->cluster->id, &a->key.sk);
    }
    return e;
}

/* Into the spool with what was gathered. A disk that refuses is tried again; meanwhile the results stay here. */
static void flush(struct agent *a) {
    struct op_observe results = bundle_results(&a->gathered);
    buffer_clear(&a->why);
    if (results.count == 0) {
        return;
    }
    if (spool_add(a->spool, &results, &a->why) == ERR_OK) {
        bundle_clear(&a->gathered);
    } else {
        log_event_limited(LOG_ERROR_, "spool-write-failed", "error=\"%s\"", buffer_cstr(&a->why));
        a->gathered_since = clock_mono();
    }
}

static void gather(struct agent *a, const struct observation *o, mono_ms now) {
    if (!bundle_fits(&a->gathered, o)) {
        flush(a);
    }
    if (!bundle_fits(&a->gathered, o)) { /* the spool cannot be written and memory is bounded */
        a->unspooled += a->gathered.count;
        log_event_limited(LOG_ERROR_, "results-dropped", "reason=spool-write-failed dropped_since_start=%" PRIu64,
                          a->unspooled);
        bundle_clear(&a->gathered);
    }
    if (a->gathered.count == 0) {
        a->gathered_since = now;
    }
    bundle_add(&a->gathered, o);
}

/* --- checks --- */

static void take_result(void *self, const struct runner_result *result) {
    struct agent *a = self;
    const struct agent_check *check = &a->config->checks[result->tag];
    mono_ms now = clock_mono();
    plugin_output_split(&a->output, &a->perfdata, result->end, result->printed, result->complained);
    struct observation o = {.host = check->host,
                            .service = check->service,
                            .obs_seq = a->next_obs_seq++,
                            .state = plugin_state(result->end, check->service[0] == '\0'),
                            .output = buffer_cstr(&a->output),
                            .perfdata = buffer_cstr(&a->perfdata),
                            .observed_at = clock_wall()};
    gather(a, &o, now);
    a->ended++;
    schedule_done(a->schedule, result->tag, now);
}

static void start_due(struct agent *a, mono_ms now) {
    unsigned check;
    while (!runner_full(a->runner) && schedule_take(a->schedule, now, &check)) {
        const struct agent_check *c = &a->config->checks[check];
        struct runner_job job = {.tag = check, .path = c->path, .argv = c->argv, .timeout = c->timeout};
        runner_start(a->runner, &job, now);
    }
}

/* --- answers --- */

static uint64_t refusal_hash(const struct observation *o, enum error reason) {
    uint64_t h = 0xcbf29ce484222325u + (uint64_t)reason;
    const char *texts[] = {o->host, o->service};
    for (int i = 0; i < 2; i++) {
        for (const char *t = texts[i]; *t != '\0'; t++) {
            h = (h ^ (uint8_t)*t) * 0x100000001b3u;
        }
        h = (h ^ 0xff) * 0x100000001b3u;
    }
    return h | 1;
}

/* Says why a result was not taken: once per service and reason in a while. */
static void tell_refusal(struct agent *a, const struct observation *o, enum error reason, mono_ms now) {
    uint64_t hash = refusal_hash(o, reason);
    unsigned at = (unsigned)(hash >> 20) % REFUSALS_TOLD;
    a->refused++;
    if (a->told[at].hash == hash && now - a->told[at].at < REFUSAL_SILENCE) {
        return;
    }
    a->told[at].hash = hash;
    a->told[at].at = now;
    log_event_limited(LOG_WARN_, "result-refused", "host=\"%s\" service=\"%s\" reason=%s text=\"%s\"", o->host,
                      o->service, error_name(reason), error_text(reason));
}

static void tell_refusals(struct agent *a, const struct sender_outcome *outcome, mono_ms now) {
    const struct reply *reply = &outcome->reply.reply;
    struct request *sent = NULL;
    if (reply->refused_count == 0 || request_new(&sent, buffer_bytes(&outcome->sealed)) != ERR_OK) {
        return;
    }
    for (unsigned i = 0; i < reply->refused_count; i++) {
        if (reply->refused[i].index < sent->observe.count) {
            tell_refusal(a, &sent->observe.list[reply->refused[i].index], reply->refused[i].reason, now);
        }
    }
    request_free(sent);
}

static void tell_quorum(struct agent *a, bool lost) {
    char since[25];
    if (lost && !a->quorum_lost) {
        a->lost_since = clock_wall();
        log_event(LOG_WARN_, "no-quorum", "spooled_bundles=%u text=\"results wait in the spool\"",
                  spool_count(a->spool));
    } else if (!lost && a->quorum_lost) {
        clock_rfc3339(since, a->lost_since);
        log_event(LOG_INFO_, "quorum-back", "since=%s spooled_bundles=%u dropped_since_start=%" PRIu64, since,
                  spool_count(a->spool), spool_dropped(a->spool));
    }
    a->quorum_lost = lost;
}

/* What the cluster's word means for the bundle: gone, kept for later, or sealed anew. */
static void judge_outcome(struct agent *a, const struct sender_outcome *outcome, mono_ms now) {
    switch (outcome->result) {
    case ERR_OK:
        tell_refusals(a, outcome, now);
        spool_remove(a->spool, outcome->id);
        break;
    case ERR_ALREADY_EXECUTED:
        spool_remove(a->spool, outcome->id);
        break;
    case ERR_NO_QUORUM:
    case ERR_TIMED_OUT:
        break;
    case ERR_OLD:
        buffer_clear(&a->why);
        if (spool_renew(a->spool, outcome->id, &a->why) != ERR_OK) {
            log_event_limited(LOG_ERROR_, "spool-write-failed", "error=\"%s\"", buffer_cstr(&a->why));
            a->not_before = now + BUSY_BACKOFF;
        }
        break;
    case ERR_BUSY:
        a->not_before = now + BUSY_BACKOFF;
        break;
    case ERR_UNKNOWN_KEY:
    case ERR_CONVICTED:
    case ERR_FORBIDDEN:
    case ERR_AHEAD:
        log_event_limited(LOG_ERROR_, "agent-refused", "reason=%s text=\"%s\" key=\"%s\"", error_name(outcome->result),
                          error_text(outcome->result), a->key.name);
        a->refused++;
        a->not_before = now + REFUSED_BACKOFF;
        break;
    default:
        log_event_limited(LOG_ERROR_, "bundle-refused", "reason=%s text=\"%s\"", error_name(outcome->result),
                          error_text(outcome->result));
        a->refused++;
        spool_remove(a->spool, outcome->id);
    }
}

static void take_outcome(struct agent *a, mono_ms now) {
    struct sender_outcome outcome;
    if (sender_take(a->sender, &outcome)) {
        tell_quorum(a, outcome.result == ERR_NO_QUORUM || outcome.result == ERR_TIMED_OUT);
        judge_outcome(a, &outcome, now);
        client_reply_free(&outcome.reply);
        buffer_free(&outcome.sealed);
    }
}

static mono_ms earliest(mono_ms a, mono_ms b) {
    return a < b ? a : b;
}

static void send_oldest(struct agent *a, mono_ms now) {
    struct buffer sealed = {0};
    uint64_t id;
    if (!sender_busy(a->sender) && now >= a->not_before && now < a->give_up && spool_oldest(a->spool, &id, &sealed)) {
        sender_give(a->sender, id, &sealed, earliest(REQUEST_PATIENCE, a->give_up - now));
    }
    buffer_free(&sealed);
}

/* --- the loop --- */

static mono_ms flush_time(const struct agent *a) {
    if (a->gathered.count == 0) {
        return INT64_MAX;
    }
    return a->gathered_since + (spool_count(a->spool) > 0 ? GATHER_QUEUED : GATHER);
}

static void wait_for_something(struct agent *a) {
    struct pollfd fds[2 + RUNNER_FDS_PER_CHILD * CHILDREN_MAX] = {{.fd = a->signals, .events = POLLIN},
                                                                  {.fd = sender_fd(a->sender), .events = POLLIN}};
    mono_ms now = clock_mono(), next = earliest(runner_next(a->runner, now), flush_time(a));
    if (!runner_full(a->runner)) {
        next = earliest(next, schedule_next(a->schedule));
    }
    if (!sender_busy(a->sender) && spool_count(a->spool) > 0) {
        next = earliest(next, a->not_before);
    }
    mono_ms wait = next <= now ? 0 : earliest(next - now, 1000);
    unsigned count = 2 + runner_poll(a->runner, fds + 2);
    poll(fds, count, (int)wait);
    struct signalfd_siginfo info;
    if ((fds[0].revents & POLLIN) != 0 && read(a->signals, &info, sizeof info) == sizeof info) {
        a->stopping = true;
    }
}

static bool once_done(const struct agent *a) {
    return a->ended == a->config->count && a->gathered.count == 0 && spool_count(a->spool) == 0 &&
           !sender_busy(a->sender);
}

static int loop(struct agent *a) {
    while (!a->stopping) {
        mono_ms now = clock_mono();
        start_due(a, now);
        runner_step(a->runner, now, take_result, a);
        bool all_ended = a->once && a->ended == a->config->count;
        if (flush_time(a) <= now || all_ended) {
            flush(a);
        }
        take_outcome(a, now);
        send_oldest(a, now);
        if (all_ended) {
            a->give_up = earliest(a->give_up, now + a->cli.timeout);
            if (once_done(a)) {
                return a->refused > 0 ? CLI_REFUSED : CLI_DONE;
            }
            if (now >= a->give_up) {
                return cli_fail(
                    &a->cli, a->refused > 0 ? CLI_REFUSED : CLI_NO_QUORUM,
                    "no acknowledgement in time: %u bundles wait in %s: start again when the cluster answers",
                    spool_count(a->spool), a->spool_dir);
            }
        }
        wait_for_something(a);
    }
    log_event(LOG_INFO_, "agent-stopping", "running=%u spooled_bundles=%u", runner_running(a->runner),
              spool_count(a->spool));
    return CLI_DONE;
}

/* --- opening --- */

static const struct cli_verb *verb_of(struct agent *a, struct cli_option options[5], struct cli_verb *verb) {
    options[0] = (struct cli_option){.name = "checks",
                                     .kind = CLI_TEXT,
                                     .value = &a->checks_path,
                                     .metavar = "FILE",
                                     .help = "agent.yaml: which plugins to run for which host or service"};
    options[1] = (struct cli_option){.name = "spool",
                                     .kind = CLI_TEXT,
                                     .value = &a->spool_dir,
                                     .metavar = "DIR",
                                     .help = "where results wait until acknowledged (default: KEY.spool)"};
    options[2] = (struct cli_option){.name = "user",
                                     .kind = CLI_TEXT,
                                     .value = &a->user,
                                     .metavar = "NAME",
                                     .help = "run plugins as this user (default as root: nobody)"};
    options[3] = (struct cli_option){
        .name = "once", .kind = CLI_FLAG, .value = &a->once, .help = "run every check once, send the results, exit"};
    options[4] = (struct cli_option){.name = NULL};
    *verb = (struct cli_verb){
        .name = "agent",
        .operands = "",
        .summary = "runs Nagios plugins on their intervals and submits what they say",
        .details =
            "agent.yaml:\n"
            "  checks:\n"
            "    - { host: web1, service: http, interval: 10s, timeout: 5s, command: [check_http, -H, web1] }\n"
            "    - { host: web1, interval: 1m, command: [check_ping, -H, web1, -w, \"100,20%\", -c, \"500,60%\"] }\n"
            "An entry without service checks the host. A command without a slash is a plugin in\n"
            "/usr/lib/nagios/plugins, or in `plugin_dir: DIR`. No shell is involved. Plugins that root starts run\n"
            "as --user and cannot gain rights again, so setuid plugins lose theirs.\n"
            "The spool is bounded (64 MiB, 10,000 bundles): when full, repeated states go first, then old changes\n"
            "of state, the newest state of each service last; what is dropped is counted and logged.\n",
        .options = options,
    };
    return verb;
}

static int open_files(struct agent *a) {
    buffer_clear(&a->why);
    enum error e = agent_config_load(&a->config, a->checks_path, &a->why);
    if (e == ERR_OK) {
        e = keyfile_read(&a->key, a->cli.key_path, &a->why);
    }
    if (e == ERR_OK) {
        struct runner_config config = {.max_children = CHILDREN_MAX, .user = a->user, .kill_leftovers = true};
        e = runner_new(&a->runner, &config, &a->why);
    }
    if (e == ERR_OK) {
        struct spool_config config = {.dir = a->spool_dir,
                                      .bytes_max = SPOOL_BYTES_MAX,
                                      .bundles_max = SPOOL_BUNDLES_MAX,
                                      .cluster = a->cluster->id,
                                      .key = a->key.pk,
                                      .seal = seal,
                                      .self = a};
        e = spool_open(&a->spool, &config, &a->why);
    }
    if (e == ERR_OK) {
        e = spool_first_obs_seq(a->spool, clock_wall(), &a->next_obs_seq, &a->why);
    }
    return e == ERR_OK ? CLI_GO_ON : cli_fail_lines(&a->cli, CLI_REFUSED, &a->why);
}

static int run(struct agent *a) {
    if (a->checks_path == NULL) {
        return cli_fail(&a->cli, CLI_USAGE, "no checks are named: --checks: give the path of an agent.yaml");
    }
    int code = cli_need_key(&a->cli);
    code = code == CLI_GO_ON ? cli_open_cluster(&a->cli, &a->cluster) : code;
    if (code != CLI_GO_ON) {
        return code;
    }
    if (a->spool_dir == NULL) {
        buffer_printf(&a->default_spool, "%s.spool", a->cli.key_path);
        a->spool_dir = buffer_cstr(&a->default_spool);
    }
    a->user = a->user == NULL && geteuid() == 0 ? "nobody" : a->user;
    a->signals = service_take_signals();
    code = open_files(a);
    code = code == CLI_GO_ON ? cli_open_client(&a->cli, a->cluster, &a->client) : code;
    if (code != CLI_GO_ON) {
        return code;
    }
    service_watch_network();
    a->sender = sender_new(a->client);
    a->schedule = schedule_new(a->config, a->key.name, clock_mono(), a->once);
    log_event(LOG_INFO_, "agent-started", "name=\"%s\" checks=%u spool=\"%s\" spooled_bundles=%u", a->key.name,
              a->config->count, a->spool_dir, spool_count(a->spool));
    code = loop(a);
    runner_kill(a->runner);
    flush(a);
    return code;
}

static void close_all(struct agent *a) {
    sender_free(a->sender);
    runner_free(a->runner);
    schedule_free(a->schedule);
    spool_close(a->spool);
    if (a->client != NULL) {
        client_close(a->client);
    }
    if (a->signals >= 0) {
        close(a->signals);
    }
    agent_config_free(a->config);
    cluster_free(a->cluster);
    crypto_wipe(&a->key, sizeof a->key);
    bundle_clear(&a->gathered);
    buffer_free(&a->output);
    buffer_free(&a->perfdata);
    buffer_free(&a->why);
    buffer_free(&a->default_spool);
}

int verb_agent(int argc, char **argv) {
    struct agent *a = xcalloc(1, sizeof *a);
    struct cli_option options[5];
    struct cli_verb verb;
    a->signals = -1;
    a->give_up = INT64_MAX;
    int code = cli_parse(&a->cli, verb_of(a, options, &verb), argc, argv);
    if (code == CLI_GO_ON) {
        code = run(a);
        close_all(a);
    }
    free(a);
    return code;
}
