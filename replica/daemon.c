/* The process around a node. Frames are admitted on the network's threads and meet the node in one inbox; the main
   thread is the core thread: it takes what came, lets the node act, makes the turn durable and then visible, and sleeps
   until the next frame or deadline. A failing disk or a broken promise ends the process: it never goes on half. */
#include "replica/daemon.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "crypto/keyfile.h"
#include "replica/fault.h"
#include "replica/live_drill.h"
#include "replica/net.h"
#include "replica/node.h"
#include "replica/record_file.h"
#include "replica/report.h"
#include "replica/sandbox.h"
#include "replica/store.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    TURN_ITEMS = 256, /* frames of one turn: what waits shares one synced write */
    CLOSE_S = 5,      /* patience with sockets at the end */
    DRAIN_ITEMS = 64, /* taken at once */
};
static const struct inbox_limits peer_limits = {4096, 8 << 20}, client_limits = {1024, 2 << 20}; /* of a channel */

struct daemon {
    const struct config *config;
    struct cluster *cluster;
    struct keyring *keys;
    struct keyfile key;
    struct admit admit;
    struct store *store;
    struct disk disk;
    struct inbox *inbox;
    struct net *net;
    struct fault *fault; /* NULL where drills are off */
    struct node *node;
    struct live_drill drill;
    struct record_file record;
    bool record_failed, ready;
    pthread_t signals;
    atomic_bool stop, report, net_stuck, toggle;
    sem_t closed;      /* the network is */
    int status;        /* of the process */
    atomic_uint heard; /* member_set of those whose signed frames came */
    atomic_uint_fast64_t refused_peer[ERR_LIMIT], refused_client[ERR_LIMIT];
};

static struct node_now now(const struct daemon *d) {
    struct node_now t = {.mono = clock_mono(), .wall = clock_wall()};
    return d->fault ? fault_now(d->fault, t) : t;
}

/* ---- what comes in: on the network's threads ---- */

static enum error refuse_peer(struct daemon *d, enum error e) {
    atomic_fetch_add(&d->refused_peer[e], 1);
    log_event_limited(LOG_WARN_, "peer-frame-refused", "reason=%s", error_name(e));
    return e;
}

/* A NEW-VIEW is passed on by whoever has it, so it comes back to its author, and that is no offence. */
static bool is_own_new_view(struct bytes raw) {
    struct frame f;
    return frame_open(&f, raw) == ERR_OK && f.type == FRAME_NEW_VIEW;
}

static enum error on_peer_glance(void *self, struct bytes raw) {
    struct daemon *d = self;
    struct frame f;
    enum error e = frame_open(&f, raw);
    if (!e)
        e = f.sender < d->cluster->member_count ? admit_peer_glance(&d->admit, raw) : ERR_NOT_A_MEMBER;
    return !e || (e == ERR_REFLECTED && is_own_new_view(raw)) ? e : refuse_peer(d, e);
}

static struct peer_heard peer_heard_of(const struct msg *m) {
    struct peer_heard h = {.sender = m->sender, .is_status = m->type == FRAME_STATUS};
    if (h.is_status) {
        h.boot = m->status.boot;
        h.counter = m->status.counter;
    }
    return h;
}

static enum error on_peer_frame(void *self, unsigned seat, struct bytes raw, struct peer_heard *heard) {
    struct daemon *d = self;
    struct frame f;
    enum error e = frame_open(&f, raw);
    if (e)
        return refuse_peer(d, e);
    if (!inbox_has_room(d->inbox, seat, rank_of(f.type)))
        return ERR_BUSY;
    struct admitted *x;
    e = admit_peer(&x, &d->admit, raw);
    if (e && x) /* refused, and kept as evidence */
        inbox_put_peer(d->inbox, seat, x);
    if (e)
        return refuse_peer(d, e);
    *heard = peer_heard_of(&x->msg);
    if (!set_has((member_set)atomic_load(&d->heard), heard->sender))
        atomic_fetch_or(&d->heard, set_of(heard->sender));
    inbox_put_peer(d->inbox, seat, x);
    return ERR_OK;
}

/* Why a request was not taken, signed; what is no frame at all is not worth a signature. */
static void refuse_client(struct daemon *d, uint64_t client, struct bytes raw, enum error e) {
    atomic_fetch_add(&d->refused_client[e], 1);
    log_event_limited(LOG_INFO_, "client-frame-refused", "reason=%s", error_name(e));
    struct frame f;
    if (frame_open(&f, raw) != ERR_OK || f.type != FRAME_REQUEST) {
        net_forget(d->net, client);
        return;
    }
    struct msg m = {.type = FRAME_REFUSAL, .refusal = {crypto_digest(DIGEST_REQUEST, raw), e}};
    struct seal_context context = {FRAME_REFUSAL, d->cluster->id, d->admit.verifier.epoch, d->admit.self};
    struct buffer body = {0}, frame = {0};
    codec_encode(&body, &m);
    frame_seal(&frame, &context, buffer_bytes(&body), &d->key.sk);
    net_answer(d->net, client, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

static enum error on_client_frame(void *self, uint64_t client, struct bytes raw) {
    struct daemon *d = self;
    struct admitted *x = NULL;
    enum error e = ERR_BUSY;
    if (inbox_has_room_for_client(d->inbox, client)) {
        e = admit_client(&x, &d->admit, raw);
        if (!e && !inbox_put_client(d->inbox, client, x))
            e = ERR_BUSY;
    }
    if (e)
        refuse_client(d, client, raw, e);
    return e;
}

static void on_client_gone(void *self, uint64_t client) {
    struct daemon *d = self;
    inbox_put_gone(d->inbox, client);
}

static void on_net_stuck(void *self) {
    struct daemon *d = self;
    atomic_store(&d->net_stuck, true);
    inbox_wake(d->inbox);
}

/* ---- what goes out: on the core thread ---- */

static void world_send(void *self, member_id to, struct bytes frame) {
    struct daemon *d = self;
    net_send(d->net, to, frame);
}

static void world_answer(void *self, uint64_t client, struct bytes frame) {
    struct daemon *d = self;
    net_answer(d->net, client, frame);
}

static void world_sealed(void *self, struct bytes frame) {
    struct daemon *d = self;
    struct frame f;
    if (frame_open(&f, frame) == ERR_OK && frame_type_signed(f.type) && f.sender == d->admit.self &&
        record_file_append(&d->record, frame) != ERR_OK)
        d->record_failed = true;
}

static void world_trace(void *self, const char *line) {
    (void)self;
    report_traced(line);
}

static void world_alert(void *self, const struct alert *a) {
    (void)self;
    report_alert(a);
}

/* ---- facts for people ---- */

static void log_counters(struct daemon *d) {
    report_state(d->node, d->fault);
    report_network(d->net, d->inbox);
    report_refusals("peer", d->refused_peer);
    report_refusals("client", d->refused_client);
    log_event(LOG_INFO_, "counters-end", "id=%u", d->admit.self);
}

/* It takes part when its view is active and a quorum, itself included, was heard in this boot. */
static void tell_ready(struct daemon *d, const struct node_facts *facts) {
    member_set heard = (member_set)(atomic_load(&d->heard) | set_of(d->admit.self));
    if (d->ready || facts->pbft.phase != PHASE_ACTIVE || set_count(heard) < quorum_strong(d->cluster->member_count))
        return;
    d->ready = true;
    log_event(LOG_INFO_, "ready", "id=%u view=%llu executed=%llu", d->admit.self, (unsigned long long)facts->pbft.view,
              (unsigned long long)facts->executed);
    puts("ready");
    fflush(stdout);
}

/* ---- turns ---- */

static void take_item(struct daemon *d, const struct inbox_item *item) {
    const uint64_t *client = item->kind == INBOX_CLIENT ? &item->client : NULL;
    if (d->fault && item->frame && !fault_hears(d->fault, client, item->frame)) {
        admitted_free(item->frame);
        if (client)
            net_forget(d->net, *client);
        return;
    }
    switch (item->kind) {
    case INBOX_PEER:
        node_receive(d->node, item->frame, now(d));
        break;
    case INBOX_CLIENT:
        node_client(d->node, item->client, item->frame, now(d));
        break;
    case INBOX_CLIENT_GONE:
        node_client_gone(d->node, item->client);
        break;
    }
}

static void take_turn(struct daemon *d) {
    struct inbox_item items[DRAIN_ITEMS];
    size_t taken = 0, got;
    do {
        got = inbox_take(d->inbox, items, DRAIN_ITEMS);
        for (size_t i = 0; i < got; i++)
            take_item(d, &items[i]);
        taken += got;
    } while (got == DRAIN_ITEMS && taken < TURN_ITEMS);
    struct node_now t = now(d);
    if (t.mono >= node_deadline(d->node))
        node_timeout(d->node, t);
}

/* NULL: go on. Otherwise why the process must stop. */
static const char *end_turn(struct daemon *d) {
    if (node_flush(d->node) != ERR_OK)
        return "the disk refused a write";
    if (d->record_failed)
        return "the record file refused a write";
    if (atomic_load(&d->net_stuck))
        return "nng no longer lets go of ended connections";
    net_flush(d->net);
    struct node_facts facts;
    node_inspect(d->node, &facts);
    if (facts.breach)
        return "SAFETY BREACH: two quorums decided differently";
    tell_ready(d, &facts);
    return NULL;
}

static const char *what_to_do(struct daemon *d) {
    if (*store_failure(d->store))
        return store_failure(d->store);
    return atomic_load(&d->net_stuck) ? "start this replica again" : "keep this directory and look at the log";
}

/* When there is something to do although nothing comes in. */
static mono_ms next_turn(struct daemon *d) {
    if (atomic_exchange(&d->toggle, false))
        sandbox_toggle(d->fault, d->config->behave);
    mono_ms node = node_deadline(d->node), fault = d->fault ? fault_turn(d->fault, clock_mono()) : INT64_MAX;
    if (d->fault) /* what was held back or invented leaves now */
        net_flush(d->net);
    if (live_drill_turn(&d->drill, d->node, d->fault))
        return clock_mono(); /* there is something to say */
    return fault < node ? fault : node;
}

static int run_turns(struct daemon *d) {
    const char *halted = end_turn(d);
    while (!halted && !atomic_load(&d->stop)) {
        inbox_wait(d->inbox, next_turn(d) - clock_mono());
        take_turn(d);
        halted = end_turn(d);
        if (atomic_exchange(&d->report, false))
            log_counters(d);
    }
    if (!halted)
        return 0;
    log_event(LOG_ERROR_, "stopped", "reason=\"%s\"", halted);
    fprintf(stderr, "quorated: %s: %s: %s\n", halted, d->config->data_dir, what_to_do(d));
    return 1;
}

/* ---- signals ---- */

static void signals_of_daemon(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1);
    sigaddset(set, SIGUSR2);
}

static void *take_signals(void *argument) {
    struct daemon *d = argument;
    sigset_t set;
    signals_of_daemon(&set);
    int number;
    while (sigwait(&set, &number) == 0) {
        bool goes_on = number == SIGUSR1 || number == SIGUSR2;
        atomic_store(number == SIGUSR1 ? &d->report : goes_on ? &d->toggle : &d->stop, true);
        inbox_wake(d->inbox);
        if (!goes_on)
            break;
    }
    return NULL;
}

/* Before any thread starts, so that all inherit the mask. */
static void block_signals(void) {
    sigset_t set;
    signals_of_daemon(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- opening and closing ---- */

static void harden_process(struct daemon *d) {
    prctl(PR_SET_DUMPABLE, 0);
    mlock(&d->key, sizeof d->key);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static enum error open_identity(struct daemon *d, struct buffer *why) {
    const struct config *c = d->config;
    enum error e = cluster_load(&d->cluster, c->cluster_path, why);
    if (!e)
        e = keyfile_read(&d->key, c->key_path, why);
    if (e)
        return e;
    if (c->self >= d->cluster->member_count) {
        buffer_printf(why, "the cluster has no replica %u: -i %u: %s names %u of them, 0 to %u", c->self, c->self,
                      c->cluster_path, d->cluster->member_count, d->cluster->member_count - 1);
        return ERR_NOT_A_MEMBER;
    }
    if (!public_key_equal(&d->key.pk, &d->cluster->members[c->self].key)) {
        buffer_printf(why,
                      "the key is not that of replica %u: %s: give the secret key that belongs to its public key "
                      "in %s",
                      c->self, c->key_path, c->cluster_path);
        return ERR_MISMATCH;
    }
    d->keys = cluster_keyring(d->cluster);
    d->admit =
        (struct admit){.keys = d->keys, .self = c->self, .window = d->cluster->knobs.window, .proven = proven_new()};
    cluster_verifier(&d->admit.verifier, d->cluster);
    return ERR_OK;
}

static enum error open_node(struct daemon *d, struct buffer *why) {
    struct node_world world = {.self = d,
                               .send = world_send,
                               .answer = world_answer,
                               .sealed = d->config->record_path ? world_sealed : NULL,
                               .trace = world_trace,
                               .alert = world_alert};
    if (d->fault)
        world = fault_world(d->fault, &world);
    struct node_config config = {
        .cluster = d->cluster, .self = d->config->self, .secret = d->key.sk, .version = QUORATE_VERSION};
    config.retain = d->config->retain;
    crypto_random(&config.boot_random, sizeof config.boot_random);
    struct buffer reason = {0};
    enum error e = node_open(&d->node, &config, &d->disk, &world, now(d), &reason);
    if (e)
        buffer_printf(why, "cannot take up from the data directory: %s: %s", d->config->data_dir,
                      reason.len ? buffer_cstr(&reason) : error_text(e));
    buffer_free(&reason);
    crypto_wipe(&config.secret, sizeof config.secret);
    return e;
}

static enum error daemon_open(struct daemon *d, struct buffer *why) {
    const struct config *c = d->config;
    enum error e = open_identity(d, why);
    struct fault_host host = live_drill_host(&d->node);
    if (!e)
        e = sandbox_open(&d->fault, c, d->cluster, &d->key.sk, &host, why);
    if (!e)
        e = store_open(&d->store, c->data_dir, why);
    if (e)
        return e;
    d->disk = store_disk(d->store);
    if (d->fault)
        d->disk = fault_disk(d->fault, &d->disk);
    d->inbox = inbox_new(peer_limits, client_limits);
    struct net_events events = {.self = d,
                                .peer_glance = on_peer_glance,
                                .peer_frame = on_peer_frame,
                                .client_frame = on_client_frame,
                                .client_gone = on_client_gone,
                                .stuck = on_net_stuck};
    e = net_open(&d->net, d->cluster, c->self, &events, why);
    if (!e && c->record_path)
        e = record_file_open(&d->record, c->record_path, why);
    if (!e)
        e = open_node(d, why);
    return e;
}

/* nng 1.5 can wait for ever when a socket is closed at a bad moment. By then all is on disk and nobody is to be told
   anything, so the process need not wait with it. */
static void *end_anyway(void *argument) {
    struct daemon *d = argument;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += CLOSE_S;
    int rc;
    do
        rc = sem_timedwait(&d->closed, &until);
    while (rc != 0 && errno == EINTR);
    if (rc != 0)
        _exit(d->status);
    return NULL;
}

static void daemon_close(struct daemon *d) {
    pthread_t watchdog;
    node_free(d->node);
    store_close(d->store);
    record_file_close(&d->record);
    sem_init(&d->closed, 0, 0);
    bool watched = pthread_create(&watchdog, NULL, end_anyway, d) == 0;
    if (d->net)
        net_stop(d->net);
    sem_post(&d->closed);
    if (watched)
        pthread_join(watchdog, NULL);
    sem_destroy(&d->closed);
    net_free(d->net);
    inbox_free(d->inbox);
    fault_free(d->fault);
    keyring_free(d->keys);
    proven_free(d->admit.proven);
    cluster_free(d->cluster);
    crypto_wipe(&d->key, sizeof d->key);
}

static void daemon_start(struct daemon *d) {
    const struct cluster_member *me = &d->cluster->members[d->config->self];
    log_event(LOG_INFO_, "listening", "id=%u peer=%s client=%s version=%s", d->config->self, me->peer, me->client,
              QUORATE_VERSION);
    if (d->config->behave)
        log_event(LOG_WARN_, "traitor", "behaviour=%s", d->config->behave);
    ENSURE(pthread_create(&d->signals, NULL, take_signals, d) == 0);
    net_start(d->net);
    node_start(d->node, now(d));
}

int daemon_run(const struct config *config) {
    struct daemon *d = xcalloc(1, sizeof *d);
    struct buffer why = {0};
    d->config = config;
    d->record.fd = -1;
    block_signals();
    harden_process(d);
    d->status = 1;
    if (daemon_open(d, &why) == ERR_OK) {
        daemon_start(d);
        d->status = run_turns(d);
        pthread_kill(d->signals, SIGTERM);
        pthread_join(d->signals, NULL);
        log_event(LOG_INFO_, "ended", "id=%u status=%d", config->self, d->status);
    } else {
        fprintf(stderr, "quorated: %s\n", buffer_cstr(&why));
    }
    int status = d->status;
    daemon_close(d);
    buffer_free(&why);
    free(d);
    return status;
}
