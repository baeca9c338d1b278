/* Sockets, threads and pipes. Receivers are threads of our own that block in nng and admit what they get, so signatures
   are verified in parallel and nng's own threads stay free to move bytes; senders are one asynchronous operation per
   peer and lane, fed from a bounded outbox, so that a dead peer costs a queue and nothing else. */
#include "replica/net.h"

#include "base/invariant.h"
#include "base/log.h"
#include "base/net_watch.h"
#include "replica/handles.h"
#include "replica/outbox.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RECEIVERS_MAX = 8, /* threads of each door */
    PEER_PIPES_MAX = 512,
    CLIENT_PIPES_MAX = 4096,
    CLIENT_SEND_BUFFER = 1024,
    RECONNECT_MIN_MS = 50,
    RECONNECT_MAX_MS = 1000,
    STRIKES = 3,
    STRIKE_PLACES = 1024,
    AWAY_FRAMES = 64, /* kept for a peer that is not connected: what it lacks it asks for itself */
    AWAY_BYTES = 4 << 20,
};

static const struct {
    size_t frames, bytes;
} lane_bounds[LANE_LIMIT] = {
    [LANE_VOTES] = {4096, 2 << 20}, [LANE_DATA] = {4096, 16 << 20}, [LANE_BULK] = {512, 16 << 20}};

struct net_link { /* one peer, one lane */
    struct net *net;
    nng_socket socket;
    nng_aio *aio;
    pthread_mutex_t lock;
    struct outbox outbox;
    bool open, sending, connected, closing;
    enum net_lane lane;
};
struct net_door { /* where others come in: peers' PULL, clients' raw REP */
    struct net *net;
    nng_socket socket;
    bool open;
    unsigned receivers;
    pthread_t threads[RECEIVERS_MAX];
    atomic_uint pipes;
    unsigned pipes_max;
    void (*take)(struct net *n, nng_msg *m);
};
struct net {
    const struct cluster *cluster;
    member_id self;
    struct net_events events;
    struct net_link links[MEMBERS_MAX][LANE_LIMIT];
    struct net_door peers, clients;
    struct handles *handles;
    struct net_watch *watch;
    member_set unflushed[LANE_LIMIT]; /* the core thread's own */
    pthread_mutex_t strikes_lock;
    struct {
        uint32_t pipe;
        unsigned count;
    } strikes[STRIKE_PLACES];
    atomic_uint_fast64_t messages_in, messages_out, frames_in, frames_out, bytes_in, bytes_out;
    atomic_uint_fast64_t malformed, muted, requests, answers, answers_dropped, expired;
};

enum net_lane net_lane_of(enum frame_type type) {
    switch (type) {
    case FRAME_REQUEST:
    case FRAME_RELAY:
    case FRAME_FETCH:
    case FRAME_DATA:
    case FRAME_PRE_PREPARE:
        return LANE_DATA;
    case FRAME_VIEW_CHANGE:
    case FRAME_NEW_VIEW:
    case FRAME_DECISION:
    case FRAME_CERT:
    case FRAME_RECALLED:
    case FRAME_ST_FETCH:
    case FRAME_ST_DATA:
        return LANE_BULK;
    default:
        return LANE_VOTES;
    }
}

/* ---- sending to peers ---- */

/* With the lock held. Sets off the next message unless one is under way. */
static void link_send_next(struct net_link *l) {
    size_t len = l->sending || l->closing ? 0 : outbox_next(&l->outbox);
    if (!len)
        return;
    nng_msg *m;
    if (nng_msg_alloc(&m, len) != 0)
        return;
    size_t waiting = l->outbox.count;
    outbox_take(&l->outbox, nng_msg_body(m), len);
    atomic_fetch_add(&l->net->messages_out, 1);
    atomic_fetch_add(&l->net->frames_out, waiting - l->outbox.count);
    atomic_fetch_add(&l->net->bytes_out, len);
    l->sending = true;
    nng_aio_set_msg(l->aio, m);
    nng_send_aio(l->socket, l->aio);
}

static void link_sent(void *argument) {
    struct net_link *l = argument;
    if (nng_aio_result(l->aio) != 0)
        nng_msg_free(nng_aio_get_msg(l->aio));
    pthread_mutex_lock(&l->lock);
    l->sending = false;
    link_send_next(l);
    pthread_mutex_unlock(&l->lock);
}

static void link_bounds(struct net_link *l, bool connected) {
    l->connected = connected;
    l->outbox.count_max = connected ? lane_bounds[l->lane].frames : AWAY_FRAMES;
    l->outbox.bytes_max = connected ? lane_bounds[l->lane].bytes : AWAY_BYTES;
}

static void link_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)pipe;
    struct net_link *l = argument;
    pthread_mutex_lock(&l->lock);
    link_bounds(l, event == NNG_PIPE_EV_ADD_POST);
    pthread_mutex_unlock(&l->lock);
}

void net_send(struct net *n, member_id to, struct bytes frame) {
    struct frame f;
    if (to >= n->cluster->member_count || to == n->self || frame_open(&f, frame) != ERR_OK)
        return;
    enum net_lane lane = net_lane_of(f.type);
    struct net_link *l = &n->links[to][lane];
    pthread_mutex_lock(&l->lock);
    outbox_put(&l->outbox, frame);
    pthread_mutex_unlock(&l->lock);
    n->unflushed[lane] |= set_of(to);
}

void net_flush(struct net *n) {
    for (unsigned lane = 0; lane < LANE_LIMIT; lane++) {
        for (member_id to = 0; n->unflushed[lane]; to++) {
            if (!set_has(n->unflushed[lane], to))
                continue;
            struct net_link *l = &n->links[to][lane];
            pthread_mutex_lock(&l->lock);
            link_send_next(l);
            pthread_mutex_unlock(&l->lock);
            n->unflushed[lane] &= (member_set)~set_of(to);
        }
    }
}

static int link_open(struct net_link *l, struct net *n, enum net_lane lane, const char *address) {
    int rv;
    l->net = n;
    l->lane = lane;
    pthread_mutex_init(&l->lock, NULL);
    link_bounds(l, false);
    if ((rv = nng_push0_open(&l->socket)) != 0)
        return rv;
    l->open = true;
    if ((rv = nng_aio_alloc(&l->aio, link_sent, l)) != 0 ||
        (rv = nng_socket_set_ms(l->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS)) != 0 ||
        (rv = nng_socket_set_ms(l->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS)) != 0 ||
        (rv = nng_pipe_notify(l->socket, NNG_PIPE_EV_ADD_POST, link_pipe, l)) != 0 ||
        (rv = nng_pipe_notify(l->socket, NNG_PIPE_EV_REM_POST, link_pipe, l)) != 0)
        return rv;
    return nng_dial(l->socket, address, NULL, NNG_FLAG_NONBLOCK);
}

static void link_close(struct net_link *l) {
    if (!l->net)
        return;
    pthread_mutex_lock(&l->lock);
    l->closing = true;
    pthread_mutex_unlock(&l->lock);
    if (l->open)
        nng_close(l->socket);
    if (l->aio)
        nng_aio_free(l->aio); /* waits for its callback */
    outbox_free(&l->outbox);
    pthread_mutex_destroy(&l->lock);
    l->net = NULL;
}

/* ---- strikes ---- */

/* The connection's own fault: what no correct member's connection ever carries. */
static bool is_strike(enum error e) {
    switch (e) {
    case ERR_TRUNCATED:
    case ERR_TRAILING:
    case ERR_OVERSIZED:
    case ERR_BAD_MAGIC:
    case ERR_BAD_TYPE:
    case ERR_MALFORMED:
    case ERR_TOO_MANY:
    case ERR_BAD_SIGNATURE:
        return true;
    default:
        return false;
    }
}

/* The third offence mutes the connection: what else comes on it is dropped unread. It is not closed, since nng 1.5.2
   may wait for ever when a connection is closed from this side while part of a message comes in (base/net_watch.h), and
   who offends on purpose chooses that moment. */
static void strike(struct net *n, nng_pipe pipe, enum error e) {
    uint32_t id = (uint32_t)nng_pipe_id(pipe);
    unsigned place = id % STRIKE_PLACES;
    pthread_mutex_lock(&n->strikes_lock);
    if (n->strikes[place].pipe != id) {
        n->strikes[place].pipe = id;
        n->strikes[place].count = 0;
    }
    bool out = ++n->strikes[place].count == STRIKES;
    pthread_mutex_unlock(&n->strikes_lock);
    if (!out)
        return;
    atomic_fetch_add(&n->muted, 1);
    log_event_limited(LOG_WARN_, "peer-muted", "reason=%s strikes=%d", error_name(e), STRIKES);
}

static bool is_muted(struct net *n, nng_pipe pipe) {
    uint32_t id = (uint32_t)nng_pipe_id(pipe);
    unsigned place = id % STRIKE_PLACES;
    pthread_mutex_lock(&n->strikes_lock);
    bool muted = n->strikes[place].pipe == id && n->strikes[place].count >= STRIKES;
    pthread_mutex_unlock(&n->strikes_lock);
    return muted;
}

/* ---- receiving ---- */

struct splitting {
    struct net *net;
    nng_pipe pipe;
};

static void peer_frame(void *context, struct bytes frame) {
    struct splitting *s = context;
    if (is_muted(s->net, s->pipe))
        return;
    atomic_fetch_add(&s->net->frames_in, 1);
    enum error e = s->net->events.peer_frame(s->net->events.self, frame);
    if (is_strike(e))
        strike(s->net, s->pipe, e);
}

static void take_peer_message(struct net *n, nng_msg *m) {
    struct splitting s = {n, nng_msg_get_pipe(m)};
    struct bytes list = bytes_of(nng_msg_body(m), nng_msg_len(m));
    atomic_fetch_add(&n->messages_in, 1);
    atomic_fetch_add(&n->bytes_in, list.len);
    enum error e = is_muted(n, s.pipe) ? ERR_OK : outbox_split(list, peer_frame, &s);
    if (e) {
        atomic_fetch_add(&n->malformed, 1);
        strike(n, s.pipe, e);
    }
    nng_msg_free(m);
}

static void take_client_message(struct net *n, nng_msg *m) {
    struct handle_way way = {.len = nng_msg_header_len(m)};
    if (way.len <= sizeof way.header) {
        memcpy(way.header, nng_msg_header(m), way.len);
        uint64_t expired;
        uint64_t client = handles_add(n->handles, (uint32_t)nng_pipe_id(nng_msg_get_pipe(m)), &way, &expired);
        if (expired) {
            atomic_fetch_add(&n->expired, 1);
            n->events.client_gone(n->events.self, expired);
        }
        atomic_fetch_add(&n->requests, 1);
        n->events.client_frame(n->events.self, client, bytes_of(nng_msg_body(m), nng_msg_len(m)));
    }
    nng_msg_free(m);
}

static void *receiver(void *argument) {
    struct net_door *d = argument;
    nng_aio *aio;
    if (nng_aio_alloc(&aio, NULL, NULL) != 0)
        return NULL;
    for (;;) {
        nng_recv_aio(d->socket, aio);
        nng_aio_wait(aio);
        int rv = nng_aio_result(aio);
        if (rv == NNG_ECLOSED)
            break;
        if (rv == 0)
            d->take(d->net, nng_aio_get_msg(aio));
    }
    nng_aio_free(aio);
    return NULL;
}

/* ---- doors ---- */

static void door_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    struct net_door *d = argument;
    if (event == NNG_PIPE_EV_ADD_PRE) {
        if (atomic_fetch_add(&d->pipes, 1) >= d->pipes_max)
            nng_pipe_close(pipe); /* nothing is read of it yet; its REM_POST comes too */
    } else {
        atomic_fetch_sub(&d->pipes, 1);
        struct net *n = d->net;
        if (d == &n->clients)
            handles_drop(n->handles, (uint32_t)nng_pipe_id(pipe), n->events.client_gone, n->events.self);
    }
}

static enum error door_refused(struct buffer *why, const char *address, int rv) {
    if (rv == NNG_EADDRINUSE) {
        buffer_printf(why,
                      "the address is in use by another process: %s: stop that process, or change the address in "
                      "cluster.yaml",
                      address);
        return ERR_IN_USE;
    }
    buffer_printf(why, "cannot listen: %s: %s; correct the address in cluster.yaml", address, nng_strerror(rv));
    return ERR_IO;
}

static enum error door_open(struct net_door *d, int opened, const char *address, size_t longest, struct buffer *why) {
    int rv = opened;
    d->open = rv == 0;
    if (rv || (rv = nng_socket_set_size(d->socket, NNG_OPT_RECVMAXSZ, longest)) != 0 ||
        (rv = nng_pipe_notify(d->socket, NNG_PIPE_EV_ADD_PRE, door_pipe, d)) != 0 ||
        (rv = nng_pipe_notify(d->socket, NNG_PIPE_EV_REM_POST, door_pipe, d)) != 0 ||
        (rv = nng_listen(d->socket, address, NULL, 0)) != 0)
        return door_refused(why, address, rv);
    return ERR_OK;
}

static void door_start(struct net_door *d) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = cores < 2 ? 2 : cores > RECEIVERS_MAX ? RECEIVERS_MAX : (unsigned)cores;
    while (d->receivers < wanted && pthread_create(&d->threads[d->receivers], NULL, receiver, d) == 0)
        d->receivers++;
    ENSURE(d->receivers > 0);
}

static void door_close(struct net_door *d) {
    if (d->open)
        nng_close(d->socket);
    d->open = false;
    for (unsigned i = 0; i < d->receivers; i++)
        pthread_join(d->threads[i], NULL);
    d->receivers = 0;
}

static size_t longest_message(void) {
    size_t longest = OUTBOX_MESSAGE_MAX;
    for (unsigned type = 0; type < FRAME_TYPE_LIMIT; type++) {
        size_t size = OUTBOX_PREFIX + frame_cap((enum frame_type)type);
        longest = size > longest ? size : longest;
    }
    return longest;
}

static enum error links_open(struct net *n, struct buffer *why) {
    for (member_id to = 0; to < n->cluster->member_count; to++) {
        const char *address = n->cluster->members[to].peer;
        for (unsigned lane = 0; to != n->self && lane < LANE_LIMIT; lane++) {
            int rv = link_open(&n->links[to][lane], n, (enum net_lane)lane, address);
            if (rv) {
                buffer_printf(why, "cannot dial replica %u: %s: %s; correct the address in cluster.yaml", to, address,
                              nng_strerror(rv));
                return ERR_IO;
            }
        }
    }
    return ERR_OK;
}

enum error net_open(struct net **out, const struct cluster *cluster, member_id self, const struct net_events *events,
                    struct buffer *why) {
    REQUIRE(self < cluster->member_count);
    *out = NULL;
    struct net *n = xcalloc(1, sizeof *n);
    n->cluster = cluster;
    n->self = self;
    n->events = *events;
    n->handles = handles_new();
    pthread_mutex_init(&n->strikes_lock, NULL);
    n->peers = (struct net_door){.net = n, .pipes_max = PEER_PIPES_MAX, .take = take_peer_message};
    n->clients = (struct net_door){.net = n, .pipes_max = CLIENT_PIPES_MAX, .take = take_client_message};

    const struct cluster_member *me = &cluster->members[self];
    enum error e = door_open(&n->peers, nng_pull0_open(&n->peers.socket), me->peer, longest_message(), why);
    if (!e)
        e = door_open(&n->clients, nng_rep0_open_raw(&n->clients.socket), me->client, frame_cap(FRAME_REQUEST), why);
    if (!e)
        e = links_open(n, why);
    if (e) {
        net_stop(n);
        net_free(n);
        return e;
    }
    nng_socket_set_int(n->clients.socket, NNG_OPT_SENDBUF, CLIENT_SEND_BUFFER);
    *out = n;
    return ERR_OK;
}

void net_start(struct net *n) {
    door_start(&n->peers);
    door_start(&n->clients);
    n->watch = net_watch_start(&net_watch_times_default, n->events.stuck, n->events.self);
}

void net_stop(struct net *n) {
    net_watch_end(n->watch);
    n->watch = NULL;
    door_close(&n->peers);
    door_close(&n->clients);
    for (unsigned to = 0; to < MEMBERS_MAX; to++) {
        for (unsigned lane = 0; lane < LANE_LIMIT; lane++)
            link_close(&n->links[to][lane]);
    }
}

void net_free(struct net *n) {
    if (!n)
        return;
    handles_free(n->handles);
    pthread_mutex_destroy(&n->strikes_lock);
    free(n);
}

/* ---- answers ---- */

static bool answer_send(struct net *n, const struct handle_way *way, struct bytes frame) {
    nng_msg *m;
    if (nng_msg_alloc(&m, 0) != 0)
        return false;
    if (nng_msg_append(m, frame.data, frame.len) == 0 && nng_msg_header_append(m, way->header, way->len) == 0 &&
        nng_sendmsg(n->clients.socket, m, NNG_FLAG_NONBLOCK) == 0)
        return true;
    nng_msg_free(m);
    return false;
}

void net_answer(struct net *n, uint64_t client, struct bytes frame) {
    struct handle_way way;
    bool sent = handles_take(n->handles, client, &way) && answer_send(n, &way, frame);
    atomic_fetch_add(sent ? &n->answers : &n->answers_dropped, 1);
}

void net_forget(struct net *n, uint64_t client) {
    struct handle_way way;
    handles_take(n->handles, client, &way);
}

void net_count(struct net *n, struct net_counters *out) {
    *out = (struct net_counters){
        .messages_in = atomic_load(&n->messages_in),
        .messages_out = atomic_load(&n->messages_out),
        .frames_in = atomic_load(&n->frames_in),
        .frames_out = atomic_load(&n->frames_out),
        .bytes_in = atomic_load(&n->bytes_in),
        .bytes_out = atomic_load(&n->bytes_out),
        .malformed_messages = atomic_load(&n->malformed),
        .muted = atomic_load(&n->muted),
        .client_requests = atomic_load(&n->requests),
        .client_answers = atomic_load(&n->answers),
        .client_answers_dropped = atomic_load(&n->answers_dropped),
        .clients_expired = atomic_load(&n->expired),
        .clients_waiting = handles_count(n->handles),
    };
    for (member_id to = 0; to < n->cluster->member_count; to++) {
        for (unsigned lane = 0; to != n->self && lane < LANE_LIMIT; lane++) {
            struct net_link *l = &n->links[to][lane];
            pthread_mutex_lock(&l->lock);
            out->frames_dropped += l->outbox.dropped;
            if (lane == LANE_VOTES && l->connected)
                out->connected |= set_of(to);
            pthread_mutex_unlock(&l->lock);
        }
    }
}
