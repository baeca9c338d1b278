/* A load of true results: each key is one client of its own thread, with one bundle outstanding at a time, acknowledged
   by F receipts before the next one leaves. Every bundle becomes one line of events, so that scripts can cut a run into
   windows: before, during and after an attack. */
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

enum { KEYS_MAX = 64, DRAW = 256, OBS_COUNTER_BITS = 20, SERVICE_NAME_LEN = 32 };

struct load {
    const struct cluster *cluster;
    const char *host;
    unsigned bundle, services;
    mono_ms timeout, until;
    uint64_t stop_after; /* bundles of all keys together, 0: no limit */
    FILE *events;
    pthread_mutex_t lock; /* of events */
    int64_t began_us;
    atomic_uint_fast64_t acknowledged, failed;
};

struct caller { /* one key */
    struct load *load;
    const char *path, *name;
    struct keyfile key;
    struct client *client;
    uint64_t next_seq, drawn; /* numbers below `drawn` are reserved on disk */
    uint64_t next_obs;
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

static bool draw_seq(struct caller *c, uint64_t *out) {
    struct buffer why = {0};
    if (c->next_seq == c->drawn) {
        if (keycounter_draw(c->path, DRAW, &c->next_seq, &why) != ERR_OK) {
            fprintf(stderr, "load: %s\n", buffer_cstr(&why));
            buffer_free(&why);
            return false;
        }
        c->drawn = c->next_seq + DRAW;
    }
    buffer_free(&why);
    *out = c->next_seq++;
    return true;
}

/* The bundle's highest obs_seq is next_obs - 1. */
static void write_event(struct load *l, const struct caller *c, int64_t began, enum error e,
                        const struct client_reply *r) {
    int64_t ended = now_us();
    if (!l->events) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    fprintf(l->events, "%" PRId64 " %s %" PRId64 " %" PRIu64 " %s %" PRIu64 "\n", (ended - l->began_us) / 1000, c->name,
            ended - began, e == ERR_OK ? r->n : 0, error_name(e == ERR_OK ? r->reply.result : e), c->next_obs - 1);
    fflush(l->events);
    pthread_mutex_unlock(&l->lock);
}

/* One bundle; false: it could not even be made. */
static bool send_one(struct caller *c, struct observation *list, const char (*services)[SERVICE_NAME_LEN]) {
    struct load *l = c->load;
    struct request r = {.kind = OP_OBSERVE, .client = c->key.pk, .observe = {.count = l->bundle, .list = list}};
    time_ms now = clock_wall();
    for (unsigned i = 0; i < l->bundle; i++) {
        list[i] = (struct observation){.host = l->host,
                                       .service = services[(c->next_obs + i) % l->services],
                                       .obs_seq = c->next_obs + i,
                                       .output = "load",
                                       .perfdata = "",
                                       .observed_at = now};
    }
    c->next_obs += l->bundle;
    struct buffer frame = {0};
    struct client_reply reply = {0};
    if (!draw_seq(c, &r.req_seq)) {
        return false;
    }
    request_seal(&frame, &r, &l->cluster->id, &c->key.sk);
    int64_t began = now_us();
    enum error e = client_request(c->client, buffer_bytes(&frame), l->timeout, &reply);
    write_event(l, c, began, e, &reply);
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
    c->next_obs = (uint64_t)clock_wall() << OBS_COUNTER_BITS;
    while (goes_on(l) && send_one(c, list, (const char(*)[SERVICE_NAME_LEN])services)) {
    }
    free(list);
    free(services);
    return NULL;
}

/* ---- the command line ---- */

struct wish { /* what the caller asked for */
    const char *cluster, *host, *events;
    unsigned bundle, services, key_count;
    uint64_t count;
    mono_ms duration, timeout;
    const char *keys[KEYS_MAX];
};

static int usage(FILE *out, int code) {
    fputs("Usage: load -c cluster.yaml -k KEY [-k KEY ...] [options]\n"
          "Puts a load of results on a cluster: each observer's key keeps one bundle outstanding.\n\n"
          "  --host NAME       the host that the results are about (web1); its services are s0, s1, ...\n"
          "  --services N      how many (1)\n"
          "  --bundle N        results a bundle (20, at most 256); results of one service follow each other\n"
          "  --for DURATION    how long (10s)\n"
          "  --count N         stop after so many acknowledged bundles\n"
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
    } else if (strcmp(name, "--count") == 0) {
        return number(value, 1, UINT32_MAX, &w->count);
    } else if (strcmp(name, "--bundle") == 0 && number(value, 1, OBSERVE_MAX, &n)) {
        w->bundle = (unsigned)n;
    } else if (strcmp(name, "--services") == 0 && number(value, 1, 65536, &n)) {
        w->services = (unsigned)n;
    } else {
        return false;
    }
    return true;
}

static int parse(struct wish *w, int argc, char **argv) {
    *w = (struct wish){.host = "web1", .bundle = 20, .services = 1, .duration = 10000, .timeout = 60000};
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

static bool open_callers(struct load *l, const struct wish *w, struct caller *callers) {
    struct buffer why = {0};
    bool good = true;
    for (unsigned i = 0; good && i < w->key_count; i++) {
        struct caller *c = &callers[i];
        *c = (struct caller){.load = l, .path = w->keys[i]};
        good = keyfile_read(&c->key, c->path, &why) == ERR_OK && client_open(&c->client, l->cluster, &why) == ERR_OK;
        c->name = c->key.name;
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
    for (unsigned i = 0; i < w->key_count; i++) {
        int failed = pthread_create(&callers[i].thread, NULL, call, &callers[i]);
        ENSURE(failed == 0);
    }
    for (unsigned i = 0; i < w->key_count; i++) {
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
    static struct caller callers[KEYS_MAX];
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
    bool good = open_callers(&l, &w, callers);
    if (good) {
        run(&l, &w, callers);
    }
    for (unsigned i = 0; i < w.key_count; i++) {
        if (callers[i].client) {
            client_close(callers[i].client);
        }
        crypto_wipe(&callers[i].key, sizeof callers[i].key);
    }
    if (l.events) {
        fclose(l.events);
    }
    cluster_free(cluster);
    return good && l.failed == 0 ? 0 : 1;
}
