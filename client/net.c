/* The only file of this room that sees nng. Each replica has a REQ socket and each open question a context of it; nng's
   threads move a question from sending to receiving and put the answer where client_poll_next finds it. */
#include "client/net.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "proto/frame.h"

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    RECONNECT_MIN_MS = 100,
    RECONNECT_MAX_MS = 2000,
    PATIENCE_MIN_MS = 2000, /* with a dialler that gets no connection; doubled each time in vain */
    PATIENCE_MAX_MS = 64000,
    RECEIVE_SLACK = 4096,
    CLOSE_MAX_MS = 300
};

struct server { /* one replica */
    nng_socket socket;
    char address[ADDRESS_MAX + 1];
    pthread_mutex_t mutex; /* of what follows */
    nng_dialer dialer;
    unsigned connections;
    mono_ms dialled, patience;
};

struct client_net {
    unsigned members;
    struct server servers[MEMBERS_MAX];
};

enum talk { TALK_IDLE, TALK_SENDING, TALK_RECEIVING, TALK_ANSWERED };

struct line { /* the conversation with one member; state and answer under the poll's mutex */
    struct client_poll *poll;
    nng_ctx context;
    nng_aio *aio;
    bool open;
    enum talk talk;
    nng_msg *answer;
};

struct client_poll {
    struct client_net *net;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct line lines[MEMBERS_MAX];
    unsigned turn; /* where the search for an answer begins, so that no member can crowd out the others */
};

static void on_connection(nng_pipe pipe, nng_pipe_ev event, void *self) {
    struct server *s = self;
    pthread_mutex_lock(&s->mutex);
    if (nng_dialer_id(nng_pipe_dialer(pipe)) != nng_dialer_id(s->dialer)) {
        /* of a dialler that was closed meanwhile: the end of such a connection may go untold */
    } else if (event == NNG_PIPE_EV_ADD_PRE) {
        s->connections++;
        s->patience = PATIENCE_MIN_MS;
    } else {
        s->connections--;
        s->dialled = clock_mono(); /* nng dials again */
    }
    pthread_mutex_unlock(&s->mutex);
}

static int socket_set_up(struct server *s) {
    int rc = nng_socket_set_size(s->socket, NNG_OPT_RECVMAXSZ, frame_cap(FRAME_OUTPUTS) + RECEIVE_SLACK);
    if (rc == 0) {
        rc = nng_socket_set_ms(s->socket, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS);
    }
    if (rc == 0) {
        rc = nng_socket_set_ms(s->socket, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS);
    }
    if (rc == 0) {
        rc = nng_pipe_notify(s->socket, NNG_PIPE_EV_ADD_PRE, on_connection, s);
    }
    if (rc == 0) {
        rc = nng_pipe_notify(s->socket, NNG_PIPE_EV_REM_POST, on_connection, s);
    }
    return rc;
}

static int socket_dial(struct server *s) {
    s->dialled = clock_mono();
    int rc = nng_dialer_create(&s->dialer, s->socket, s->address);
    if (rc != 0) {
        return rc;
    }
    (void)nng_dialer_set_bool(s->dialer, NNG_OPT_TCP_KEEPALIVE, true); /* ipc:// has no such thing */
    return nng_dialer_start(s->dialer, NNG_FLAG_NONBLOCK);
}

/* nng 1.5.2 never dials again after a replica hung up before it greeted, as one does that dies just then: another
   dialler takes over from one that gets no connection. */
static void redial_if_in_vain(struct server *s) {
    pthread_mutex_lock(&s->mutex);
    if (s->connections == 0 && clock_mono() - s->dialled >= s->patience) {
        s->patience = s->patience < PATIENCE_MAX_MS ? 2 * s->patience : PATIENCE_MAX_MS;
        nng_dialer_close(s->dialer);
        (void)socket_dial(s);
    }
    pthread_mutex_unlock(&s->mutex);
}

static int server_open(struct server *s, const char *address) {
    int rc = nng_req0_open(&s->socket);
    if (rc != 0) {
        return rc;
    }
    snprintf(s->address, sizeof s->address, "%s", address);
    pthread_mutex_init(&s->mutex, NULL);
    s->patience = PATIENCE_MIN_MS;
    rc = socket_set_up(s);
    if (rc == 0) {
        rc = socket_dial(s);
    }
    if (rc != 0) {
        nng_close(s->socket);
    }
    return rc;
}

struct closing { /* shared with the thread that closes; the last one out frees it */
    struct client_net *net;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool done, left;
};

static void monotonic_cond_init(pthread_cond_t *c) {
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

static void closing_free(struct closing *c) {
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->mutex);
    free(c->net);
    free(c);
}

enum error client_net_open(struct client_net **out, const struct cluster *cluster, struct buffer *why) {
    struct client_net *n = xcalloc(1, sizeof *n);
    for (unsigned i = 0; i < cluster->member_count; i++) {
        int rc = server_open(&n->servers[i], cluster->members[i].client);
        if (rc != 0) {
            buffer_printf(why, "replica %u cannot be dialled at '%s' (%s)", i, cluster->members[i].client,
                          nng_strerror(rc));
            client_net_close(n);
            *out = NULL;
            return ERR_IO;
        }
        n->members = i + 1;
    }
    *out = n;
    return ERR_OK;
}

static void close_sockets(struct client_net *n) {
    for (unsigned i = 0; i < n->members; i++) {
        nng_close(n->servers[i].socket);
    }
}

static void *closer(void *self) {
    struct closing *c = self;
    close_sockets(c->net);
    pthread_mutex_lock(&c->mutex);
    bool alone = c->left;
    c->done = true;
    pthread_cond_signal(&c->changed);
    pthread_mutex_unlock(&c->mutex);
    if (alone) {
        closing_free(c);
    }
    return NULL;
}

/* nng 1.5.2 now and then never returns from nng_close while part of an answer comes in: its reaper waits for a receive
   that nobody will finish. Nothing is lost then but the sockets of a client that is done with them, so nobody waits
   longer than CLOSE_MAX_MS. What lives on afterwards dials no more; those who do watch for that (client/service.h). */
void client_net_close(struct client_net *n) {
    if (n == NULL) {
        return;
    }
    struct closing *c = xcalloc(1, sizeof *c);
    c->net = n;
    pthread_mutex_init(&c->mutex, NULL);
    monotonic_cond_init(&c->changed);
    pthread_t thread;
    if (pthread_create(&thread, NULL, closer, c) != 0) {
        close_sockets(n);
        closing_free(c);
        return;
    }
    pthread_detach(thread);
    mono_ms until = clock_mono() + CLOSE_MAX_MS;
    struct timespec end = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&c->mutex);
    while (!c->done && clock_mono() < until) {
        pthread_cond_timedwait(&c->changed, &c->mutex, &end);
    }
    bool done = c->done;
    c->left = !done;
    pthread_mutex_unlock(&c->mutex);
    if (done) {
        closing_free(c);
    }
}

/* A send that failed leaves its message with the aio. */
static void drop_unsent(struct line *l) {
    nng_msg *msg = nng_aio_get_msg(l->aio);
    if (msg != NULL) {
        nng_aio_set_msg(l->aio, NULL);
        nng_msg_free(msg);
    }
}

/* Runs on nng's threads, never twice at once for one line. */
static void line_step(void *self) {
    struct line *l = self;
    struct client_poll *p = l->poll;
    int rc = nng_aio_result(l->aio);
    pthread_mutex_lock(&p->mutex);
    bool sent = l->talk == TALK_SENDING && rc == 0;
    if (sent) {
        l->talk = TALK_RECEIVING;
    } else if (rc == 0) {
        l->answer = nng_aio_get_msg(l->aio);
        l->talk = TALK_ANSWERED;
    } else {
        if (l->talk == TALK_SENDING) {
            drop_unsent(l);
        }
        l->talk = TALK_IDLE;
    }
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    if (sent) {
        nng_ctx_recv(l->context, l->aio);
    }
}

struct client_poll *client_poll_new(struct client_net *n) {
    struct client_poll *p = xcalloc(1, sizeof *p);
    p->net = n;
    pthread_mutex_init(&p->mutex, NULL);
    monotonic_cond_init(&p->changed);
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        p->lines[i].poll = p;
    }
    return p;
}

/* After this no thread of nng touches the line. Closing the context ends an open send or receive. */
static void line_close(struct line *l) {
    if (!l->open) {
        return;
    }
    nng_aio_stop(l->aio);
    nng_ctx_close(l->context);
    nng_aio_free(l->aio);
    if (l->answer != NULL) {
        nng_msg_free(l->answer);
    }
    l->answer = NULL;
    l->open = false;
    l->talk = TALK_IDLE;
}

void client_poll_free(struct client_poll *p) {
    if (p == NULL) {
        return;
    }
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        line_close(&p->lines[i]);
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

static bool line_open(struct line *l, nng_socket s, mono_ms resend) {
    if (nng_ctx_open(&l->context, s) != 0) {
        return false;
    }
    if (nng_aio_alloc(&l->aio, line_step, l) != 0) {
        nng_ctx_close(l->context);
        return false;
    }
    nng_aio_set_timeout(l->aio, NNG_DURATION_INFINITE);
    (void)nng_ctx_set_ms(l->context, NNG_OPT_REQ_RESENDTIME, (nng_duration)resend);
    l->open = true;
    return true;
}

void client_poll_ask(struct client_poll *p, member_id to, struct bytes frame, mono_ms resend) {
    REQUIRE(to < p->net->members);
    struct line *l = &p->lines[to];
    line_close(l);
    redial_if_in_vain(&p->net->servers[to]);
    nng_msg *msg = NULL;
    if (nng_msg_alloc(&msg, 0) != 0) {
        return;
    }
    if (nng_msg_append(msg, frame.data, frame.len) != 0 || !line_open(l, p->net->servers[to].socket, resend)) {
        nng_msg_free(msg);
        return;
    }
    l->talk = TALK_SENDING;
    nng_aio_set_msg(l->aio, msg);
    nng_ctx_send(l->context, l->aio);
}

bool client_poll_asking(const struct client_poll *p, member_id to) {
    struct client_poll *locked = (struct client_poll *)p;
    pthread_mutex_lock(&locked->mutex);
    bool asking = p->lines[to].talk != TALK_IDLE;
    pthread_mutex_unlock(&locked->mutex);
    return asking;
}

static nng_msg *take_answer(struct client_poll *p, member_id *from) {
    for (unsigned k = 0; k < p->net->members; k++) {
        unsigned i = (p->turn + k) % p->net->members;
        struct line *l = &p->lines[i];
        if (l->talk == TALK_ANSWERED) {
            nng_msg *msg = l->answer;
            l->answer = NULL;
            l->talk = TALK_IDLE;
            p->turn = i + 1;
            *from = (member_id)i;
            return msg;
        }
    }
    return NULL;
}

bool client_poll_next(struct client_poll *p, mono_ms until, member_id *from, struct buffer *answer) {
    struct timespec end = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_mutex_lock(&p->mutex);
    nng_msg *msg = take_answer(p, from);
    while (msg == NULL && clock_mono() < until) {
        pthread_cond_timedwait(&p->changed, &p->mutex, &end);
        msg = take_answer(p, from);
    }
    pthread_mutex_unlock(&p->mutex);
    if (msg == NULL) {
        return false;
    }
    buffer_clear(answer);
    buffer_put(answer, nng_msg_body(msg), nng_msg_len(msg));
    nng_msg_free(msg);
    return true;
}
