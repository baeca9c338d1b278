/* A load of true results: each key keeps so many bundles outstanding, each of them a client of its own thread,
   acknowledged by F receipts before the next one leaves. Every bundle becomes one line of events, so that scripts can
   cut a run into windows: before, during and after an attack. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/client.h"
#include "crypto/keyfile.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS_MAX = 64, OUTSTANDING_MAX = 64, DRAW = 256, OBS_COUNTER_BITS = 20, SERVICE_NAME_LEN = 32 };

struct load {
    const struct cluster *cluster;
    const char *host;
    unsigned bundle, services;
    mono_ms timeout, until, pause;
    uint64_t stop_after; /* bundles of all keys together, 0: no limit */
    FILE *events;
    pthread_mutex_t lock; /* of events */
    int64_t began_us;
    atomic_uint_fast64_t acknowledged, failed;
};

struct signer { /* one key */
    const char *path;
    struct keyfile key;
    pthread_mutex_t lock;     /* of what follows */
    uint64_t next_seq, drawn; /* numbers below `drawn` are reserved on disk */
    uint64_t next_obs;
};
struct caller { /* one bundle outstanding */
    struct load *load;
    struct signer *signer;
    struct client *client;
    pthread_t thread;
};

static atomic_bool interrupted;

static void interrupt(int signal_number) {
    (void)signal_number;
    interrupted = true;
}

static int64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Numbers for one request with so many observations. */
static bool draw(struct signer *s, unsigned observations, uint64_t *req_seq, uint64_t *obs_seq) {
    struct buffer why = {0};
    enum error e = ERR_OK;
    pthread_mutex_lock(&s->lock);
    if (s->next_seq == s->drawn && (e = keycounter_draw(s->path, DRAW, &s->next_seq, &why)) == ERR_OK) {
        s->drawn = s->next_seq + DRAW;
    }
    *req_seq = s->next_seq;
    *obs_seq = s->next_obs;
    if (e == ERR_OK) {
        s->next_seq++;
        s->next_obs += observations;
    }
    pthread_mutex_unlock(&s->lock);
    if (e != ERR_OK) {
        fprintf(stderr, "load: %s\n", buffer_cstr(&why));
    }
    buffer_free(&why);
    return e == ERR_OK;
}

static void write_event(struct load *l, const struct signer *s, int64_t began, enum error e,
                        const struct client_reply *r, uint64_t highest) {
    int64_t ended = now_us();
    if (!l->events) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    fprintf(l->events, "%" PRId64 " %s %" PRId64 " %" PRIu64 " %s %" PRIu64 "\n", (ended - l->began_us) / 1000,
            s->key.name, ended - began, e == ERR_OK ? r->n : 0, error_name(e == ERR_OK ? r->reply.result : e), highest);
    fflush(l->events);
    pthread_mutex_unlock(&l->lock);
}

/* One bundle; false: it could not even be made. */
static bool send_one(struct caller *c, struct observation *list, const char (*services)[SERVICE_NAME_LEN]) {
    struct load *l = c->load;
    REQUIRE(l->services > 0);
    struct signer *s = c->signer;
    struct request r = {.kind = OP_OBSERVE, .client = s->key.pk, .observe = {.count = l->bundle, .list = list}};
    time_ms now = clock_wall();
    uint64_t first;
    if (!draw(s, l->bundle, &r.req_seq, &first)) {
        return false;
    }
    for (unsigned i = 0; i < l->bundle; i++) {
        list[i] = (struct observation){.host = l->host,
                                       .service = services[(first + i) % l->services],
                                       .obs_seq = first + i,
                                       .output = "load",
                                       .perfdata = "",
                                       .observed_at = now};
    }
    struct buffer frame = {0};
    struct client_reply reply = {0};
    request_seal(&frame, &r, &l->cluster->id, &s->key.sk);
    int64_t began = now_us();
    enum error e = client_request(c->client, buffer_bytes(&frame), l->timeout, &reply);
    write_event(l, s, began, e, &reply, first + l->bundle - 1);
    atomic_fetch_add(e == ERR_OK ? &l->acknowledged : &l->failed, 1);
    if (e == ERR_OK) {
        client_reply_free(&reply);
    }
    buffer_free(&frame);
    return true;
}

static bool goes_on(const struct load *l) {
    bool enough = l->stop_after > 0 && l->acknowledged >= l->stop_after;
    return !interrupted && !enough && clock_mono() < l->until;
}

static void *call(void *context) {
    struct caller *c = context;
    struct load *l = c->load;
    struct observation *list = xcalloc(l->bundle, sizeof *list);
    char(*services)[SERVICE_NAME_LEN] = xcalloc(l->services, sizeof *services);
    for (unsigned i = 0; i < l->services; i++) {
        snprintf(services[i], sizeof services[i], "s%u", i);
    }
    while (goes_on(l) && send_one(c, list, (const char(*)[SERVICE_NAME_LEN])services)) {
        nanosleep(&(struct timespec){l->pause / 1000, l->pause % 1000 * 1000000}, NULL);
    }
    free(list);
    free(services);
    return NULL;
}

/* ---- the command line ---- */

struct wish { /* what the caller asked for */
    const char *cluster, *host, *events;
    unsigned bundle, services, key_count, outstanding;
    uint64_t count;
    mono_ms duration, timeout, pause;
    const char *keys[KEYS_MAX];
};

static int usage(FILE *out, int code) {
    fputs("Usage: load -c cluster.yaml -k KEY [-k KEY ...] [options]\n"
          "Puts a load of results on a cluster: each observer's key keeps bundles outstanding.\n\n"
          "  --outstanding N   so many at a time (1, at most 64)\n"
          "  --host NAME       the host that the results are about (web1); its services are s0, s1, ...\n"
          "  --services N      how many (1)\n"
          "  --bundle N        results a bundle (20, at most 256); results of one service follow each other\n"
          "  --for DURATION    how long (10s)\n"
          "  --count N         stop after so many acknowledged bundles\n"
          "  --pause D         between an acknowledgement and the next bundle (none)\n"
          "  --timeout D       give a bundle up after it (60s)\n"
          "  --events FILE     one line a bundle: ms since the start, key's name, latency in us, n,\n"
          "                    result, its highest obs_seq\n\n"
          "At its end one line of JSON: bundles acknowledged and failed, milliseconds.\n",
          out);
    return code;
}

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *text != '-' && *out >= min && *out <= max;
}

static bool take_option(struct wish *w, const char *name, const char *value) {
    uint64_t n = 0;
    if (strcmp(name, "-c") == 0) {
        w->cluster = value;
    } else if (strcmp(name, "-k") == 0) {
        if (w->key_count == KEYS_MAX) {
            return false;
        }
        w->keys[w->key_count++] = value;
    } else if (strcmp(name, "--host") == 0) {
        w->host = value;
    } else if (strcmp(name, "--events") == 0) {
        w->events = value;
    } else if (strcmp(name, "--for") == 0) {
        return clock_parse_duration(value, &w->duration);
    } else if (strcmp(name, "--timeout") == 0) {
        return clock_parse_duration(value, &w->timeout);
    } else if (strcmp(name, "--pause") == 0) {
        return clock_parse_duration(value, &w->pause);
    } else if (strcmp(name, "--count") == 0) {
        return number(value, 1, UINT32_MAX, &w->count);
    } else if (strcmp(name, "--bundle") == 0 && number(value, 1, OBSERVE_MAX, &n)) {
        w->bundle = (unsigned)n;
    } else if (strcmp(name, "--outstanding") == 0 && number(value, 1, OUTSTANDING_MAX, &n)) {
        w->outstanding = (unsigned)n;
    } else if (strcmp(name, "--services") == 0 && number(value, 1, 65536, &n)) {
        w->services = (unsigned)n;
    } else {
        return false;
    }
    return true;
}

static int parse(struct wish *w, int argc, char **argv) {
    *w = (struct wish){
        .host = "web1", .bundle = 20, .services = 1, .outstanding = 1, .duration = 10000, .timeout = 60000};
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            return usage(stdout, 0);
        }
        if (i + 1 == argc || !take_option(w, argv[i], argv[i + 1])) {
            fprintf(stderr, "load: bad option or value: %s: see load --help\n", argv[i]);
            return 2;
        }
    }
    return w->cluster && w->key_count ? -1 : usage(stderr, 2);
}

/* ---- the run ---- */

static unsigned callers_of(const struct wish *w) {
    return w->key_count * w->outstanding;
}

static bool open_callers(struct load *l, const struct wish *w, struct signer *signers, struct caller *callers) {
    struct buffer why = {0};
    bool good = true;
    for (unsigned i = 0; good && i < w->key_count; i++) {
        signers[i] = (struct signer){.path = w->keys[i],
                                     .lock = PTHREAD_MUTEX_INITIALIZER,
                                     .next_obs = (uint64_t)clock_wall() << OBS_COUNTER_BITS};
        good = keyfile_read(&signers[i].key, signers[i].path, &why) == ERR_OK;
    }
    for (unsigned i = 0; good && i < callers_of(w); i++) {
        callers[i] = (struct caller){.load = l, .signer = &signers[i % w->key_count]};
        good = client_open(&callers[i].client, l->cluster, &why) == ERR_OK;
    }
    if (!good) {
        fprintf(stderr, "load: %s\n", buffer_cstr(&why));
    }
    buffer_free(&why);
    return good;
}

static void run(struct load *l, const struct wish *w, struct caller *callers) {
    l->began_us = now_us();
    l->until = clock_mono() + w->duration;
    for (unsigned i = 0; i < callers_of(w); i++) {
        int failed = pthread_create(&callers[i].thread, NULL, call, &callers[i]);
        ENSURE(failed == 0);
    }
    for (unsigned i = 0; i < callers_of(w); i++) {
        pthread_join(callers[i].thread, NULL);
    }
    printf("{\"acknowledged\":%" PRIuFAST64 ",\"failed\":%" PRIuFAST64 ",\"ms\":%" PRId64 "}\n",
           (uint_fast64_t)l->acknowledged, (uint_fast64_t)l->failed, (now_us() - l->began_us) / 1000);
}

static int load_cluster(const struct wish *w, struct cluster **out) {
    struct buffer why = {0};
    enum error e = cluster_load(out, w->cluster, &why);
    if (e != ERR_OK) {
        fprintf(stderr, "load: %s\n", buffer_cstr(&why));
    }
    buffer_free(&why);
    return e == ERR_OK ? 0 : 2;
}

int main(int argc, char **argv) {
    struct wish w;
    struct cluster *cluster = NULL;
    static struct signer signers[KEYS_MAX];
    static struct caller callers[KEYS_MAX * OUTSTANDING_MAX];
    int code = parse(&w, argc, argv);
    if (code >= 0) {
        return code;
    }
    if (load_cluster(&w, &cluster) != 0) {
        return 2;
    }
    struct load l = {.cluster = cluster,
                     .host = w.host,
                     .bundle = w.bundle,
                     .services = w.services,
                     .timeout = w.timeout,
                     .pause = w.pause,
                     .stop_after = w.count,
                     .lock = PTHREAD_MUTEX_INITIALIZER};
    l.events = w.events ? fopen(w.events, "w") : NULL;
    if (w.events && !l.events) {
        fprintf(stderr, "load: cannot write: %s: %s\n", w.events, strerror(errno));
        return 2;
    }
    signal(SIGTERM, interrupt);
    signal(SIGINT, interrupt);
    crypto_start();
    bool good = open_callers(&l, &w, signers, callers);
    if (good) {
        run(&l, &w, callers);
    }
    for (unsigned i = 0; i < callers_of(&w); i++) {
        if (callers[i].client) {
            client_close(callers[i].client);
        }
    }
    crypto_wipe(signers, sizeof signers);
    if (l.events) {
        fclose(l.events);
    }
    cluster_free(cluster);
    return good && l.failed == 0 ? 0 : 1;
}
