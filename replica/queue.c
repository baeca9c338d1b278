/* The bounded inbox between the network's threads and the core thread: one lock, one condition, and the channels with
   something waiting in a ring. When a channel is full the least urgent and newest frame is dropped and counted; peers
   send again what is missed, clients are told. */
#include "replica/queue.h"

#include "base/invariant.h"
#include "replica/handles.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    CHANNEL_CLIENTS = INTAKE_SEATS,
    CHANNELS = INTAKE_SEATS + HANDLE_SHARES,
    QUANTUM = 4 << 10, /* bytes that a channel may go ahead by in its turn */
    ITEM_COST = 256,
};

struct waiting {
    struct ranked_node node; /* counts for its frame */
    struct inbox_item item;
};
struct channel {
    struct ranked waiting;
    size_t frames; /* among what waits */
    struct inbox_limits limits;
    uint64_t dropped;
    size_t deficit;
    struct channel *next; /* in the ring */
};
struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct channel channels[CHANNELS];
    struct channel *head, *tail; /* those in which something waits, in the order of their turns */
    size_t waiting;              /* items in all channels */
    bool woken;
};

struct inbox *inbox_new(struct inbox_limits peer, struct inbox_limits client) {
    struct inbox *q = xcalloc(1, sizeof *q);
    for (unsigned i = 0; i < CHANNELS; i++)
        q->channels[i].limits = i < CHANNEL_CLIENTS ? peer : client;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

static struct inbox_item channel_release(struct channel *c, struct ranked_node *node) {
    struct waiting *w = (struct waiting *)node;
    struct inbox_item item = w->item;
    c->frames -= item.frame != NULL;
    free(w);
    return item;
}

void inbox_free(struct inbox *q) {
    if (!q)
        return;
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct channel *c = &q->channels[i];
        while (c->waiting.count)
            admitted_free(channel_release(c, ranked_pop(&c->waiting)).frame);
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool channel_fits(const struct channel *c, size_t bytes) {
    return c->frames < c->limits.frames && c->waiting.bytes + bytes <= c->limits.bytes;
}

static void ring_push(struct inbox *q, struct channel *c) {
    c->next = NULL;
    if (q->tail)
        q->tail->next = c;
    else
        q->head = c;
    q->tail = c;
}

static struct channel *ring_pop(struct inbox *q) {
    struct channel *c = q->head;
    q->head = c->next;
    if (!q->head)
        q->tail = NULL;
    return c;
}

static void channel_push(struct inbox *q, struct channel *c, enum rank rank, struct inbox_item item) {
    struct waiting *w = xcalloc(1, sizeof *w);
    w->item = item;
    w->node.rank = rank;
    w->node.len = item.frame ? item.frame->raw.len : 0;
    if (c->waiting.count == 0) {
        c->deficit = 0;
        ring_push(q, c);
    }
    ranked_push(&c->waiting, &w->node);
    c->frames += item.frame != NULL;
    if (q->waiting++ == 0)
        pthread_cond_signal(&q->filled);
}

/* The last one stays, so a channel never leaves the ring here. */
static bool make_room(struct inbox *q, struct channel *c, enum rank rank, size_t bytes) {
    struct ranked_node *least;
    if (bytes > c->limits.bytes)
        return false;
    while (!channel_fits(c, bytes) && c->waiting.count > 1 && (least = ranked_give_way(&c->waiting, rank))) {
        admitted_free(channel_release(c, least).frame);
        c->dropped++;
        q->waiting--;
    }
    return channel_fits(c, bytes);
}

static bool inbox_put(struct inbox *q, unsigned channel, enum rank rank, struct inbox_item item) {
    struct channel *c = &q->channels[channel];
    pthread_mutex_lock(&q->lock);
    bool fits = make_room(q, c, rank, item.frame->raw.len);
    if (fits)
        channel_push(q, c, rank, item);
    else
        c->dropped++;
    pthread_mutex_unlock(&q->lock);
    if (!fits)
        admitted_free(item.frame);
    return fits;
}

static unsigned channel_of(uint64_t client) {
    return CHANNEL_CLIENTS + handle_share(client);
}

bool inbox_put_peer(struct inbox *q, unsigned seat, struct admitted *x) {
    REQUIRE(seat < INTAKE_SEATS);
    return inbox_put(q, seat, rank_of(x->msg.type), (struct inbox_item){.kind = INBOX_PEER, .frame = x});
}

bool inbox_put_client(struct inbox *q, uint64_t client, struct admitted *x) {
    return inbox_put(q, channel_of(client), RANK_VIEW,
                     (struct inbox_item){.kind = INBOX_CLIENT, .client = client, .frame = x});
}

/* A handle that is not told as gone only lives until it is answered, so dropping the word for want of room is safe. */
void inbox_put_gone(struct inbox *q, uint64_t client) {
    struct channel *c = &q->channels[channel_of(client)];
    pthread_mutex_lock(&q->lock);
    if (c->waiting.count < 3 * c->limits.frames)
        channel_push(q, c, RANK_VIEW, (struct inbox_item){.kind = INBOX_CLIENT_GONE, .client = client});
    pthread_mutex_unlock(&q->lock);
}

static bool has_room(struct inbox *q, struct channel *c, enum rank rank) {
    pthread_mutex_lock(&q->lock);
    bool room = channel_fits(c, 1);
    for (unsigned less = (unsigned)rank + 1; less < RANK_LIMIT && !room; less++)
        room = c->waiting.count > 1 && c->waiting.ranks[less].head;
    if (!room)
        c->dropped++;
    pthread_mutex_unlock(&q->lock);
    return room;
}

bool inbox_has_room(struct inbox *q, unsigned seat, enum rank rank) {
    REQUIRE(seat < INTAKE_SEATS);
    return has_room(q, &q->channels[seat], rank);
}

bool inbox_has_room_for_client(struct inbox *q, uint64_t client) {
    return has_room(q, &q->channels[channel_of(client)], RANK_VIEW);
}

/* With the lock held and something waiting: of the channel whose turn it is, once it has saved up for its next item. */
static struct inbox_item take_next(struct inbox *q) {
    for (;;) {
        struct channel *c = q->head;
        size_t cost = ITEM_COST + ranked_first(&c->waiting)->len;
        if (c->deficit < cost) {
            c->deficit += QUANTUM;
            ring_push(q, ring_pop(q));
            continue;
        }
        c->deficit -= cost;
        struct inbox_item item = channel_release(c, ranked_pop(&c->waiting));
        if (c->waiting.count == 0)
            ring_pop(q);
        return item;
    }
}

size_t inbox_take(struct inbox *q, struct inbox_item *out, size_t max) {
    size_t taken = 0;
    pthread_mutex_lock(&q->lock);
    while (taken < max && q->waiting) {
        out[taken++] = take_next(q);
        q->waiting--;
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

void inbox_wait(struct inbox *q, mono_ms timeout) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    mono_ms wait = timeout < 0 ? 0 : timeout > 60000 ? 60000 : timeout;
    until.tv_sec += wait / 1000;
    until.tv_nsec += (wait % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&q->lock);
    int rc = 0;
    while (!q->waiting && !q->woken && rc == 0)
        rc = pthread_cond_timedwait(&q->filled, &q->lock, &until);
    q->woken = false;
    pthread_mutex_unlock(&q->lock);
}

void inbox_wake(struct inbox *q) {
    pthread_mutex_lock(&q->lock);
    q->woken = true;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

void inbox_count(struct inbox *q, struct inbox_counters *out) {
    pthread_mutex_lock(&q->lock);
    *out = (struct inbox_counters){.waiting = q->waiting};
    for (unsigned i = 0; i < CHANNELS; i++)
        *(i < CHANNEL_CLIENTS ? &out->peer_dropped : &out->client_dropped) += q->channels[i].dropped;
    pthread_mutex_unlock(&q->lock);
}
