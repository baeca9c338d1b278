/* A socket serves one connection only. A PUSH socket of nng 1.5.2 (Debian 12) may put a connection back among those
   that are ready although it was closed meanwhile, and touches it there after it was freed (bug 1653 of nng): a peer
   that hangs up at the right moment would end this process. The end of a connection is told before nng frees it. From
   then on nothing is sent by its socket, a second connection of the same socket is refused, and another socket takes
   over. Another one also takes over from a socket that does not get its connection: nng 1.5.2 never dials again after a
   peer hung up before it greeted, as one does that dies just then. */
#include "replica/links.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "replica/outbox.h"

#include <nng/nng.h>
#include <nng/protocol/pipeline0/push.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    RECONNECT_MIN_MS = 50,
    RECONNECT_MAX_MS = 1000,
    RECONNECT_NEVER_MS = 3600 * 1000, /* a socket that had its connection: it is closed long before */
    REDIAL_MIN_MS = 50,               /* between the end of a connection and the next socket; */
    REDIAL_MAX_MS = 4000,             /* doubled after each one that did not live */
    LIVED_MS = 2000,
    LOOK_MS = 1000,          /* between two looks at who got no connection */
    HEARD_MAX = 1,           /* bytes of a message: who is only spoken to has nothing to say; 0 is nng's "no limit" */
    PATIENCE_MIN_MS = 2000,  /* with a socket that gets no connection; doubled each time in vain */
    PATIENCE_MAX_MS = 16000, /* nng itself gives up a greeting after 10 s */
    AWAY_FRAMES = 64,        /* kept for a peer that is not connected: what it lacks it asks for itself */
    AWAY_BYTES = 4 << 20,
};

static const struct {
    size_t frames, bytes;
} lane_bounds[LANE_LIMIT] = {
    [LANE_VOTES] = {4096, 2 << 20}, [LANE_DATA] = {4096, 16 << 20}, [LANE_BULK] = {512, 16 << 20}};

struct link { /* one peer, one lane */
    struct links *all;
    const char *address;
    nng_aio *aio;
    enum lane lane;
    pthread_mutex_t lock; /* of what follows */
    nng_socket socket;
    bool open;                   /* socket is one */
    bool used, connected, spent; /* of this socket's one connection: it began, it is up, it ended */
    mono_ms since;               /* dialled, or up */
    mono_ms patience;            /* for how long it may be dialled in vain */
    mono_ms redial_at, pause;    /* when the next socket takes over, and how long after this one's end */
    bool sending;
    struct outbox outbox;
};
struct links {
    const struct cluster *cluster;
    member_id self;
    struct link links[MEMBERS_MAX][LANE_LIMIT];
    member_set unflushed[LANE_LIMIT]; /* the sending thread's own */
    atomic_uint_fast64_t messages, frames, bytes;
    pthread_t redialer;
    bool redials;
    mono_ms rest;         /* until the redialler looks again: its own */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t changed;
    bool spent, ending; /* a link needs another socket; no link does any more */
};

/* ---- one connection ---- */

/* With the lock held. Sets off the next message unless one is under way. */
static void link_send_next(struct link *l) {
    size_t len = l->sending || !l->connected ? 0 : outbox_next(&l->outbox);
    if (!len)
        return;
    nng_msg *m;
    if (nng_msg_alloc(&m, len) != 0)
        return;
    size_t waiting = l->outbox.count;
    outbox_take(&l->outbox, nng_msg_body(m), len);
    atomic_fetch_add(&l->all->messages, 1);
    atomic_fetch_add(&l->all->frames, waiting - l->outbox.count);
    atomic_fetch_add(&l->all->bytes, len);
    l->sending = true;
    nng_aio_set_msg(l->aio, m);
    nng_send_aio(l->socket, l->aio);
}

static void link_sent(void *argument) {
    struct link *l = argument;
    if (nng_aio_result(l->aio) != 0)
        nng_msg_free(nng_aio_get_msg(l->aio));
    pthread_mutex_lock(&l->lock);
    l->sending = false;
    link_send_next(l);
    pthread_mutex_unlock(&l->lock);
}

static void link_bounds(struct link *l, bool connected) {
    l->connected = connected;
    l->outbox.count_max = connected ? lane_bounds[l->lane].frames : AWAY_FRAMES;
    l->outbox.bytes_max = connected ? lane_bounds[l->lane].bytes : AWAY_BYTES;
}

static void link_begins(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)event;
    struct link *l = argument;
    pthread_mutex_lock(&l->lock);
    bool again = l->used;
    l->used = true;
    pthread_mutex_unlock(&l->lock);
    if (again)
        nng_pipe_close(pipe);
    else
        nng_dialer_set_ms(nng_pipe_dialer(pipe), NNG_OPT_RECONNMINT, RECONNECT_NEVER_MS);
}

static void link_is_up(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)pipe, (void)event;
    struct link *l = argument;
    pthread_mutex_lock(&l->lock);
    if (!l->spent) { /* its end may be told before its beginning */
        l->since = clock_mono();
        link_bounds(l, true);
        link_send_next(l);
    }
    pthread_mutex_unlock(&l->lock);
}

/* With the lock held. A peer that hangs up again and again is dialled less and less often: each time is another try at
   what nng does not bear. */
static void judge_life(struct link *l) {
    mono_ms now = clock_mono();
    if (l->connected && now - l->since >= LIVED_MS) {
        l->patience = PATIENCE_MIN_MS;
        l->pause = REDIAL_MIN_MS;
    } else {
        l->pause = 2 * l->pause < REDIAL_MAX_MS ? 2 * l->pause : REDIAL_MAX_MS;
    }
    l->redial_at = now + l->pause;
}

static void link_ends(nng_pipe pipe, nng_pipe_ev event, void *argument) {
    (void)pipe, (void)event;
    struct link *l = argument;
    pthread_mutex_lock(&l->lock);
    if (!l->spent)
        judge_life(l);
    l->spent = true;
    link_bounds(l, false);
    pthread_mutex_unlock(&l->lock);
    pthread_mutex_lock(&l->all->lock);
    l->all->spent = true;
    pthread_cond_signal(&l->all->changed);
    pthread_mutex_unlock(&l->all->lock);
}

/* ---- one socket after the other ---- */

static int socket_set_up(nng_socket s, struct link *l) {
    int rv;
    if ((rv = nng_socket_set_size(s, NNG_OPT_RECVMAXSZ, HEARD_MAX)) != 0 ||
        (rv = nng_socket_set_ms(s, NNG_OPT_RECONNMINT, RECONNECT_MIN_MS)) != 0 ||
        (rv = nng_socket_set_ms(s, NNG_OPT_RECONNMAXT, RECONNECT_MAX_MS)) != 0 ||
        (rv = nng_pipe_notify(s, NNG_PIPE_EV_ADD_PRE, link_begins, l)) != 0 ||
        (rv = nng_pipe_notify(s, NNG_PIPE_EV_ADD_POST, link_is_up, l)) != 0)
        return rv;
    return nng_pipe_notify(s, NNG_PIPE_EV_REM_POST, link_ends, l);
}

/* Afterwards none of the socket's events comes any more. */
static void link_hang_up(struct link *l) {
    pthread_mutex_lock(&l->lock);
    nng_socket s = l->socket;
    bool was_open = l->open;
    l->open = false;
    link_bounds(l, false);
    pthread_mutex_unlock(&l->lock);
    if (was_open)
        nng_close(s);
}

static int link_dial(struct link *l) {
    nng_socket s;
    int rv = nng_push0_open(&s);
    if (rv)
        return rv;
    pthread_mutex_lock(&l->lock);
    l->socket = s;
    l->open = true;
    l->used = l->spent = false;
    l->since = clock_mono();
    pthread_mutex_unlock(&l->lock);
    if ((rv = socket_set_up(s, l)) != 0 || (rv = nng_dial(s, l->address, NULL, NNG_FLAG_NONBLOCK)) != 0)
        link_hang_up(l);
    return rv;
}

static void each_link(struct links *all, void (*visit)(struct link *l)) {
    for (member_id to = 0; to < all->cluster->member_count; to++) {
        for (unsigned lane = 0; to != all->self && lane < LANE_LIMIT; lane++)
            visit(&all->links[to][lane]);
    }
}

static void hang_up_if_useless(struct link *l) {
    pthread_mutex_lock(&l->lock);
    bool in_vain = l->open && !l->used && clock_mono() - l->since >= l->patience;
    if (in_vain)
        l->patience = l->patience < PATIENCE_MAX_MS ? 2 * l->patience : PATIENCE_MAX_MS;
    bool useless = in_vain || l->spent;
    pthread_mutex_unlock(&l->lock);
    if (useless)
        link_hang_up(l);
}

static void dial_if_due(struct link *l) {
    if (l->open) /* only this thread changes that */
        return;
    pthread_mutex_lock(&l->lock);
    mono_ms wait = l->redial_at - clock_mono();
    pthread_mutex_unlock(&l->lock);
    if (wait <= 0)
        wait = link_dial(l) == 0 ? LOOK_MS : REDIAL_MAX_MS;
    l->all->rest = wait < l->all->rest ? wait : l->all->rest;
}

/* With the lock held. Returns at the end of the time, or when a connection ended. */
static void rest(struct links *all) {
    mono_ms at = clock_mono() + all->rest;
    struct timespec end = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
    while (!all->ending && !all->spent && pthread_cond_timedwait(&all->changed, &all->lock, &end) == 0)
        continue;
}

static void *redial(void *argument) {
    struct links *all = argument;
    pthread_mutex_lock(&all->lock);
    while (!all->ending) {
        rest(all);
        all->spent = false;
        pthread_mutex_unlock(&all->lock);
        each_link(all, hang_up_if_useless);
        all->rest = LOOK_MS;
        each_link(all, dial_if_due);
        pthread_mutex_lock(&all->lock);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* ---- all of them ---- */

static int link_open(struct links *all, member_id to, enum lane lane) {
    struct link *l = &all->links[to][lane];
    l->all = all;
    l->address = all->cluster->members[to].peer;
    l->lane = lane;
    l->patience = PATIENCE_MIN_MS;
    l->pause = REDIAL_MIN_MS;
    pthread_mutex_init(&l->lock, NULL);
    link_bounds(l, false);
    int rv = nng_aio_alloc(&l->aio, link_sent, l);
    return rv ? rv : link_dial(l);
}

static void link_close(struct link *l) {
    if (!l->all)
        return;
    link_hang_up(l);
    if (l->aio)
        nng_aio_free(l->aio); /* waits for its callback */
    outbox_free(&l->outbox);
    pthread_mutex_destroy(&l->lock);
    l->all = NULL;
}

static void locks_init(struct links *all) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&all->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&all->lock, NULL);
}

static enum error dial_all(struct links *all, struct buffer *why) {
    for (member_id to = 0; to < all->cluster->member_count; to++) {
        for (unsigned lane = 0; to != all->self && lane < LANE_LIMIT; lane++) {
            int rv = link_open(all, to, (enum lane)lane);
            if (rv) {
                buffer_printf(why, "cannot dial replica %u: %s: %s; correct the address in cluster.yaml", to,
                              all->cluster->members[to].peer, nng_strerror(rv));
                return ERR_IO;
            }
        }
    }
    return ERR_OK;
}

enum error links_open(struct links **out, const struct cluster *cluster, member_id self, struct buffer *why) {
    struct links *all = xcalloc(1, sizeof *all);
    all->cluster = cluster;
    all->self = self;
    all->rest = LOOK_MS;
    locks_init(all);
    enum error e = dial_all(all, why);
    if (!e) {
        all->redials = pthread_create(&all->redialer, NULL, redial, all) == 0;
        ENSURE(all->redials);
    }
    *out = e ? NULL : all;
    if (e) {
        links_close(all);
        links_free(all);
    }
    return e;
}

void links_close(struct links *all) {
    pthread_mutex_lock(&all->lock);
    all->ending = true;
    pthread_cond_signal(&all->changed);
    pthread_mutex_unlock(&all->lock);
    if (all->redials)
        pthread_join(all->redialer, NULL);
    all->redials = false;
    each_link(all, link_close);
}

void links_free(struct links *all) {
    if (!all)
        return;
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    free(all);
}

static void link_put(struct links *all, member_id to, enum lane lane, struct bytes frame, enum rank rank, bool always) {
    struct link *l = &all->links[to][lane];
    pthread_mutex_lock(&l->lock);
    bool wanted = always || l->connected;
    if (wanted)
        outbox_put(&l->outbox, rank, frame);
    pthread_mutex_unlock(&l->lock);
    if (wanted)
        all->unflushed[lane] |= set_of(to);
}

void links_put(struct links *all, member_id to, struct bytes frame) {
    struct frame f;
    if (to >= all->cluster->member_count || to == all->self)
        return;
    if (frame_open(&f, frame) != ERR_OK) { /* a traitor's noise: it may try */
        link_put(all, to, LANE_BULK, frame, RANK_BULK, true);
        return;
    }
    enum lane own = lane_of(f.type);
    link_put(all, to, own, frame, rank_of(f.type), true);
    for (unsigned lane = 0; f.type == FRAME_STATUS && lane < LANE_LIMIT; lane++)
        if (lane != own)
            link_put(all, to, (enum lane)lane, frame, rank_of(f.type), false);
}

void links_flush(struct links *all) {
    for (unsigned lane = 0; lane < LANE_LIMIT; lane++) {
        for (member_id to = 0; all->unflushed[lane]; to++) {
            if (!set_has(all->unflushed[lane], to))
                continue;
            struct link *l = &all->links[to][lane];
            pthread_mutex_lock(&l->lock);
            link_send_next(l);
            pthread_mutex_unlock(&l->lock);
            all->unflushed[lane] &= (member_set)~set_of(to);
        }
    }
}

void links_count(struct links *all, struct links_counters *out) {
    *out = (struct links_counters){.messages = atomic_load(&all->messages),
                                   .frames = atomic_load(&all->frames),
                                   .bytes = atomic_load(&all->bytes)};
    for (member_id to = 0; to < all->cluster->member_count; to++) {
        for (unsigned lane = 0; to != all->self && lane < LANE_LIMIT; lane++) {
            struct link *l = &all->links[to][lane];
            pthread_mutex_lock(&l->lock);
            out->frames_dropped += l->outbox.dropped;
            if (lane == LANE_VOTES && l->connected)
                out->connected |= set_of(to);
            pthread_mutex_unlock(&l->lock);
        }
    }
}
