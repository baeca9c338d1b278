/* A rude client: one observer's key that asks for more than its share, resends what was done, signs two contents under
   one number, tells one replica alone, or sends what nobody signed. It waits for no answer. SIGUSR2 begins and ends it,
   so that a run can be cut into quiet and rude phases; in the quiet ones it makes and signs the same requests and keeps
   them, since its own work is no cost of the cluster's. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/net.h"
#include "crypto/keyfile.h"
#include "proto/op.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LANES = 32, RESENT = 64, DRAW = 256, OBS_COUNTER_BITS = 20, TURN_MS = 10 };

struct rude {
    const struct cluster *cluster;
    const char *path, *host;
    struct keyfile key;
    uint64_t next_seq, drawn, next_obs, sent;
    struct client_net *net;
    struct client_poll *lanes[LANES]; /* conversations, by turns: each drops its last question for the next one */
    struct buffer old[RESENT];
    size_t old_count;
};
typedef void rude_way(struct rude *r);

static atomic_bool stopped, rude;

static void take_signal(int number) {
    if (number == SIGUSR2) {
        rude = !rude;
    } else {
        stopped = true;
    }
}

static uint64_t draw(struct rude *r) {
    if (r->next_seq == r->drawn) {
        struct buffer why = {0};
        if (keycounter_draw(r->path, DRAW, &r->next_seq, &why) != ERR_OK) {
            fprintf(stderr, "rude: %s\n", buffer_cstr(&why));
            exit(1);
        }
        r->drawn = r->next_seq + DRAW;
        buffer_free(&why);
    }
    return r->next_seq++;
}

static void say(struct rude *r, member_id to, struct bytes frame) {
    if (rude)
        client_poll_ask(r->lanes[r->sent % LANES], to, frame, 60000);
}

static void say_to_all(struct rude *r, struct bytes frame) {
    for (member_id to = 0; to < r->cluster->member_count; to++) {
        say(r, to, frame);
    }
    r->sent++;
}

static void observe(struct rude *r, struct buffer *frame, uint64_t req_seq, const char *output) {
    struct observation one = {.host = r->host,
                              .service = "s0",
                              .obs_seq = r->next_obs,
                              .output = output,
                              .perfdata = "",
                              .observed_at = clock_wall()};
    struct request q = {.kind = OP_OBSERVE, .client = r->key.pk, .req_seq = req_seq, .observe = {1, &one}};
    buffer_clear(frame);
    request_seal(frame, &q, &r->cluster->id, &r->key.sk);
}

static void flood(struct rude *r) {
    struct buffer frame = {0};
    r->next_obs++;
    observe(r, &frame, draw(r), "flood");
    say_to_all(r, buffer_bytes(&frame));
    buffer_free(&frame);
}

static void sign_badly(struct rude *r) {
    struct buffer frame = {0};
    r->next_obs++;
    observe(r, &frame, 1000000 + r->sent, "unsigned");
    frame.data[frame.len - 1 - r->sent % SIGNATURE_LEN] ^= 1;
    say_to_all(r, buffer_bytes(&frame));
    buffer_free(&frame);
}

static void resend(struct rude *r) {
    if (r->old_count < RESENT) {
        r->next_obs++;
        observe(r, &r->old[r->old_count++], draw(r), "again");
    }
    say_to_all(r, buffer_bytes(&r->old[r->sent % r->old_count]));
}

/* Each half of the replicas hears another content first. */
static void contradict(struct rude *r) {
    struct buffer first = {0}, second = {0};
    uint64_t seq = draw(r);
    r->next_obs++;
    observe(r, &first, seq, "one");
    r->next_obs++;
    observe(r, &second, seq, "two");
    for (member_id to = 0; to < r->cluster->member_count; to++) {
        say(r, to, buffer_bytes(2 * to < r->cluster->member_count ? &first : &second));
    }
    r->sent++;
    for (member_id to = 0; to < r->cluster->member_count; to++) {
        say(r, to, buffer_bytes(2 * to < r->cluster->member_count ? &second : &first));
    }
    r->sent++;
    buffer_free(&first);
    buffer_free(&second);
}

/* Only the first primary hears of it: all others must fetch what it proposes. */
static void whisper(struct rude *r) {
    struct buffer frame = {0};
    r->next_obs++;
    observe(r, &frame, draw(r), "whispered");
    say(r, 0, buffer_bytes(&frame));
    r->sent++;
    buffer_free(&frame);
}

static const struct {
    const char *name;
    rude_way *way;
} ways[] = {{"flood", flood},
            {"bad-signatures", sign_badly},
            {"resend-all", resend},
            {"two-contents", contradict},
            {"whisper", whisper}};

static void nap(mono_ms ms) {
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void run(struct rude *r, rude_way *way, uint64_t rate) {
    uint64_t owed = 0;
    while (!stopped) {
        for (owed += rate * TURN_MS; owed >= 1000; owed -= 1000) {
            way(r);
        }
        nap(TURN_MS);
    }
}

static int usage(FILE *out, int code) {
    fputs(
        "Usage: rude -c cluster.yaml -k KEY WAY [RATE]\n"
        "Sends an observer's requests without waiting for answers; begins and ends with SIGUSR2, stops with SIGTERM.\n"
        "  WAY    flood (new requests), bad-signatures, resend-all (the same 64 for ever), two-contents\n"
        "         (each number twice), whisper (to replica 0 alone)\n"
        "  RATE   requests a second to each replica (2000)\n",
        out);
    return code;
}

int main(int argc, char **argv) {
    struct buffer why = {0};
    struct cluster *cluster = NULL;
    static struct rude r = {.host = "web1"};
    rude_way *way = NULL;
    if (argc < 6 || argc > 7 || strcmp(argv[1], "-c") != 0 || strcmp(argv[3], "-k") != 0) {
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? usage(stdout, 0) : usage(stderr, 2);
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        way = strcmp(argv[5], ways[i].name) == 0 ? ways[i].way : way;
    }
    uint64_t rate = argc == 7 ? strtoull(argv[6], NULL, 10) : 2000;
    if (!way || rate == 0 || rate > 100000) {
        return usage(stderr, 2);
    }
    signal(SIGUSR2, take_signal);
    signal(SIGTERM, take_signal);
    signal(SIGINT, take_signal);
    crypto_start();
    r.path = argv[4];
    if (cluster_load(&cluster, argv[2], &why) != ERR_OK || keyfile_read(&r.key, r.path, &why) != ERR_OK ||
        client_net_open(&r.net, cluster, &why) != ERR_OK) {
        fprintf(stderr, "rude: %s\n", buffer_cstr(&why));
        return 2;
    }
    r.cluster = cluster;
    r.next_obs = (uint64_t)clock_wall() << OBS_COUNTER_BITS;
    for (unsigned i = 0; i < LANES; i++) {
        r.lanes[i] = client_poll_new(r.net);
    }
    run(&r, way, rate);
    printf("{\"sent\":%llu}\n", (unsigned long long)r.sent);
    for (unsigned i = 0; i < LANES; i++) {
        client_poll_free(r.lanes[i]);
    }
    for (unsigned i = 0; i < RESENT; i++) {
        buffer_free(&r.old[i]);
    }
    client_net_close(r.net);
    crypto_wipe(&r.key, sizeof r.key);
    cluster_free(cluster);
    buffer_free(&why);
    return 0;
}
