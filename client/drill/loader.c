/* The loader's process: a thread a lane, each with a client of its own. A bundle is repeated, the same bytes, until it
   is acknowledged or refused; nothing is written down before. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/cli.h"
#include "client/drill/load.h"
#include "client/durable.h"
#include "client/obs_seq.h"
#include "crypto/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TRY_MS = 5000 };

struct loader {
    struct cli cli;
    const char *acks_path;
    uint64_t rate; /* bundles a second, of all lanes */
    int acks;
    struct cluster *cluster;
    struct keyfile key;
};
struct lane {
    struct loader *loader;
    unsigned index;
    uint64_t number; /* of the last result made */
    pthread_t thread;
};

static volatile sig_atomic_t stop;

static void take_signal(int signal) {
    (void)signal;
    stop = 1;
}

static bool seal_bundle(struct lane *lane, struct buffer *frame, struct buffer *why) {
    struct loader *l = lane->loader;
    struct observation results[LOAD_BUNDLE];
    char service[16], outputs[LOAD_BUNDLE][64];
    struct request r = {.kind = OP_OBSERVE, .client = l->key.pk, .observe = {.count = LOAD_BUNDLE, .list = results}};
    uint64_t first = 0;
    time_ms now = clock_wall();
    if (obs_seq_draw(l->cli.key_path, now, LOAD_BUNDLE, &first, why) != ERR_OK ||
        keycounter_draw(l->cli.key_path, 1, &r.req_seq, why) != ERR_OK) {
        return false;
    }
    load_service(service, lane->index);
    for (unsigned i = 0; i < LOAD_BUNDLE; i++) {
        load_output(outputs[i], ++lane->number);
        results[i] = (struct observation){.host = LOAD_HOST,
                                          .service = service,
                                          .obs_seq = first + i,
                                          .output = outputs[i],
                                          .perfdata = "",
                                          .observed_at = now};
    }
    request_seal(frame, &r, &l->cluster->id, &l->key.sk);
    return true;
}

static void write_down(const struct lane *lane, const char *word, seq_no n, mono_ms began, struct bytes frame) {
    struct buffer line = {0};
    struct digest digest = crypto_digest(DIGEST_REQUEST, frame);
    char hex[2 * DIGEST_LEN + 1];
    mono_ms now = clock_mono();
    hex_encode(hex, bytes_of(digest.b, DIGEST_LEN));
    buffer_printf(&line, "%s\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t%s\n", word, lane->index,
                  lane->number, n, now, now - began, hex);
    if (!durable_write_all(lane->loader->acks, buffer_bytes(&line))) {
        fprintf(stderr, "quorate: drill load: cannot write: %s: %s\n", lane->loader->acks_path, strerror(errno));
        stop = 1;
    }
    buffer_free(&line);
}

static const char *refusal_of(enum error e, const struct client_reply *reply) {
    if (e != ERR_OK || reply->reply.result != ERR_OK) {
        return error_name(e != ERR_OK ? e : reply->reply.result);
    }
    return reply->reply.refused_count > 0 ? error_name(reply->reply.refused[0].reason) : "ack";
}

static void submit(struct lane *lane, struct client *client, struct bytes frame) {
    mono_ms began = clock_mono();
    while (!stop) {
        struct client_reply reply;
        enum error e = client_request(client, frame, TRY_MS, &reply);
        if (e == ERR_NO_QUORUM) {
            continue;
        }
        const char *word = refusal_of(e, &reply);
        if (!load_grew_old(word, clock_mono() - began)) {
            write_down(lane, word, e == ERR_OK ? reply.n : 0, began, frame);
        }
        if (e == ERR_OK) {
            client_reply_free(&reply);
        }
        return;
    }
}

static void *run_lane(void *argument) {
    struct lane *lane = argument;
    struct client *client;
    struct buffer frame = {0}, why = {0};
    mono_ms pause = 1000 * LOAD_LANES / (mono_ms)lane->loader->rate, next = clock_mono();
    if (cli_open_client(&lane->loader->cli, lane->loader->cluster, &client) != CLI_GO_ON) {
        stop = 1;
        return NULL;
    }
    while (!stop) {
        buffer_clear(&frame);
        if (!seal_bundle(lane, &frame, &why)) {
            cli_fail_lines(&lane->loader->cli, CLI_REFUSED, &why);
            stop = 1;
            break;
        }
        submit(lane, client, buffer_bytes(&frame));
        mono_ms now = clock_mono();
        next = next + pause > now ? next + pause : now;
        clock_sleep(next - now);
    }
    client_close(client);
    buffer_free(&frame);
    buffer_free(&why);
    return NULL;
}

static void run_lanes(struct loader *l) {
    struct lane lanes[LOAD_LANES];
    for (unsigned i = 0; i < LOAD_LANES; i++) {
        lanes[i] = (struct lane){.loader = l, .index = i};
        REQUIRE(pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) == 0);
    }
    for (unsigned i = 0; i < LOAD_LANES; i++) {
        pthread_join(lanes[i].thread, NULL);
    }
}

static int open_files(struct loader *l) {
    struct buffer why = {0};
    int code = cli_need_key(&l->cli);
    if (code == CLI_GO_ON) {
        code = cli_open_cluster(&l->cli, &l->cluster);
    }
    if (code == CLI_GO_ON && keyfile_read(&l->key, l->cli.key_path, &why) != ERR_OK) {
        code = cli_fail_lines(&l->cli, CLI_REFUSED, &why);
    }
    if (code == CLI_GO_ON) {
        l->acks = open(l->acks_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (l->acks < 0) {
            code = cli_fail(&l->cli, CLI_REFUSED, "%s: %s: name a file that can be written", strerror(errno),
                            l->acks_path);
        }
    }
    buffer_free(&why);
    return code;
}

int load_verb(int argc, char **argv) {
    struct loader l = {.rate = LOAD_RATE, .acks = -1, .acks_path = "load.acks"};
    const struct cli_option options[] = {
        {"acks", 0, CLI_TEXT, &l.acks_path, "FILE", "where acknowledgements are written down"},
        {"rate", 0, CLI_NUMBER, &l.rate, "N", "bundles a second (12)"},
        {0}};
    const struct cli_verb verb = {.name = "drill load",
                                  .operands = "",
                                  .summary = "Submit running numbers and write down what was acknowledged",
                                  .details = "A drill's stage runs it; the key is that of the observer `load`.",
                                  .options = options};
    int code = cli_parse(&l.cli, &verb, argc, argv);
    if (code == CLI_GO_ON && (l.rate == 0 || l.rate > 1000)) {
        code = cli_fail(&l.cli, CLI_USAGE, "not within 1 and 1000: --rate: give another number");
    }
    if (code == CLI_GO_ON) {
        code = open_files(&l);
    }
    if (code == CLI_GO_ON) {
        struct sigaction action = {.sa_handler = take_signal};
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        run_lanes(&l);
        code = CLI_DONE;
    }
    if (l.acks >= 0) {
        close(l.acks);
    }
    crypto_wipe(&l.key, sizeof l.key);
    cluster_free(l.cluster);
    return code;
}
