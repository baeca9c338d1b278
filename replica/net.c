/* Sockets, threads and pipes. At each door one thread takes from nng and sorts into the door's intake, and others take
   from there in fair turns, so signatures are verified in parallel and nng's own threads stay free to move bytes. What
   leaves for peers is links.c's. */
#include "replica/net.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/net_watch.h"
#include "replica/links.h"
#include "replica/outbox.h"
#include "replica/pace.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    WORKERS_MAX = 8, /* threads of each door that verify */
    CLIENT_SEND_BUFFER = 1024,
};

struct net_door { /* where others come in: peers' PULL, clients' raw REP */
    struct net *net;
    nng_socket socket;
    nng_aio *aio; /* the sorter's */
    bool open;
    struct intake *intake;
    unsigned threads_count;
    pthread_t threads[1 + WORKERS_MAX];
    bool (*sort)(struct net *n, uint32_t pipe, nng_msg *m);
    bool (*take)(struct reception *r);
};
struct net {
    struct reception reception;
    struct links *links;
    struct net_door peers, clients;
    struct net_watch *watch;
    atomic_uint_fast64_t answers, answers_dropped;
};

void net_send(struct net *n, member_id to, struct bytes frame) {
    links_put(n->links, to, frame);
}

void net_flush(struct net *n) {
    links_flush(n->links);
}

/* ---- receiving ---- */

static bool sort_peer(struct net *n, uint32_t pipe, nng_msg *m) {
    return reception_sort_peer(&n->reception, pipe, bytes_of(nng_msg_body(m), nng_msg_len(m)));
}

static bool sort_client(struct net *n, uint32_t pipe, nng_msg *m) {
    return reception_sort_client(&n->reception, pipe, bytes_of(nng_msg_header(m), nng_msg_header_len(m)),
                                 bytes_of(nng_msg_body(m), nng_msg_len(m)));
}

static void nap(uint64_t ns) {
    if (ns)
        nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

static void *sorter(void *argument) {
    struct net_door *d = argument;
    struct pace pace = {0};
    for (;;) {
        nng_recv_aio(d->socket, d->aio);
        nng_aio_wait(d->aio);
        int rv = nng_aio_result(d->aio);
        if (rv == NNG_ECLOSED || rv == NNG_ECANCELED)
            break;
        if (rv == 0) {
            nng_msg *m = nng_aio_get_msg(d->aio);
            size_t len = nng_msg_len(m);
            uint32_t connection = (uint32_t)nng_pipe_id(nng_msg_get_pipe(m));
            bool taken = d->sort(d->net, connection, m);
            nng_msg_free(m);
            nap(taken ? 0 : pace_unwanted(&pace, connection, len));
        }
    }
    return NULL;
}

static void *worker(void *argument) {
    struct net_door *d = argument;
    while (d->take(&d->net->reception))
        continue;
    return NULL;
}

/* ---- doors ---- */

/* Who may be the same sender: the host that the connection comes from. */
static uint64_t source_of(nng_pipe pipe) {
    nng_sockaddr a;
    uint64_t host = 0;
    if (nng_pipe_get_addr(pipe, NNG_OPT_REMADDR, &a) != 0)
        return 0;
    if (a.s_family == NNG_AF_INET)
        return (uint64_t)a.s_in.sa_addr << 32 | NNG_AF_INET;
    if (a.s_family == NNG_AF_INET6)
        memcpy(&host, a.s_in6.sa_addr, sizeof host); /* its network: the rest is the host's to choose */
    return host;
}

static void door_pipe(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    struct net_door *d = argument;
    struct net *n = d->net;
    uint32_t id = (uint32_t)nng_pipe_id(pipe);
    if (event == NNG_PIPE_EV_ADD_PRE) {
        if (!intake_join(d->intake, id, source_of(pipe)))
            nng_pipe_close(pipe); /* nothing is read of it yet; its REM_POST comes too */
        return;
    }
    if (d == &n->clients)
        reception_leave_client(&n->reception, id);
    else
        intake_leave(d->intake, id);
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

static bool door_thread(struct net_door *d, void *(*run)(void *)) {
    bool runs = pthread_create(&d->threads[d->threads_count], NULL, run, d) == 0;
    d->threads_count += runs;
    return runs;
}

static void door_start(struct net_door *d) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = cores < 2 ? 2 : cores > WORKERS_MAX ? WORKERS_MAX : (unsigned)cores;
    ENSURE(nng_aio_alloc(&d->aio, NULL, NULL) == 0 && door_thread(d, sorter) && door_thread(d, worker));
    while (d->threads_count < 1 + wanted && door_thread(d, worker))
        continue;
}

/* The sorter is stopped first: a receive that begins while nng closes its socket may never end. */
static void door_close(struct net_door *d) {
    if (d->aio)
        nng_aio_stop(d->aio);
    if (d->open)
        nng_close(d->socket);
    d->open = false;
    intake_end(d->intake);
    for (unsigned i = 0; i < d->threads_count; i++)
        pthread_join(d->threads[i], NULL);
    d->threads_count = 0;
    nng_aio_free(d->aio);
    d->aio = NULL;
}

static size_t longest_message(void) {
    size_t longest = OUTBOX_MESSAGE_MAX;
    for (unsigned type = 0; type < FRAME_TYPE_LIMIT; type++) {
        size_t size = OUTBOX_PREFIX + frame_cap((enum frame_type)type);
        longest = size > longest ? size : longest;
    }
    return longest;
}

enum error net_open(struct net **out, const struct cluster *cluster, member_id self, const struct net_events *events,
                    struct buffer *why) {
    REQUIRE(self < cluster->member_count);
    *out = NULL;
    struct net *n = xcalloc(1, sizeof *n);
    reception_init(&n->reception, events);
    n->peers =
        (struct net_door){.net = n, .intake = n->reception.peers, .sort = sort_peer, .take = reception_take_peer};
    n->clients =
        (struct net_door){.net = n, .intake = n->reception.clients, .sort = sort_client, .take = reception_take_client};

    const struct cluster_member *me = &cluster->members[self];
    enum error e = door_open(&n->peers, nng_pull0_open(&n->peers.socket), me->peer, longest_message(), why);
    if (!e)
        e = door_open(&n->clients, nng_rep0_open_raw(&n->clients.socket), me->client, frame_cap(FRAME_REQUEST), why);
    if (!e)
        e = links_open(&n->links, cluster, self, why);
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
    n->watch = net_watch_start(&net_watch_times_default, n->reception.events.stuck, n->reception.events.self);
}

void net_stop(struct net *n) {
    net_watch_end(n->watch);
    n->watch = NULL;
    door_close(&n->peers);
    door_close(&n->clients);
    if (n->links)
        links_close(n->links);
}

void net_free(struct net *n) {
    if (!n)
        return;
    links_free(n->links);
    reception_free(&n->reception);
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
    bool sent = handles_take(n->reception.handles, client, &way) && answer_send(n, &way, frame);
    atomic_fetch_add(sent ? &n->answers : &n->answers_dropped, 1);
}

void net_forget(struct net *n, uint64_t client) {
    struct handle_way way;
    handles_take(n->reception.handles, client, &way);
}

void net_count(struct net *n, struct net_counters *out) {
    struct links_counters sent;
    links_count(n->links, &sent);
    *out = (struct net_counters){
        .messages_in = atomic_load(&n->reception.messages),
        .messages_out = sent.messages,
        .frames_in = atomic_load(&n->reception.frames),
        .frames_out = sent.frames,
        .bytes_in = atomic_load(&n->reception.bytes),
        .bytes_out = sent.bytes,
        .frames_dropped = sent.frames_dropped,
        .malformed_messages = atomic_load(&n->reception.malformed),
        .muted = atomic_load(&n->reception.muted),
        .clients_muted = atomic_load(&n->reception.clients_muted),
        .client_requests = atomic_load(&n->reception.requests),
        .client_answers = atomic_load(&n->answers),
        .client_answers_dropped = atomic_load(&n->answers_dropped),
        .clients_expired = atomic_load(&n->reception.expired),
        .clients_waiting = handles_count(n->reception.handles),
        .connected = sent.connected,
    };
    intake_count(n->peers.intake, &out->peer_door, clock_mono());
    intake_count(n->clients.intake, &out->client_door, clock_mono());
}
