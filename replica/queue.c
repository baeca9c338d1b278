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
    struct waiting *next;
    struct inbox_item item;
};
struct channel {
    struct {
        struct waiting *head, *tail;
    } ranks[RANK_LIMIT];
    size_t items, frames, bytes; /* bytes of the frames */
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

static size_t length_of(const struct inbox_item *item) {
    return item->frame ? item->frame->raw.len : 0;
}

static void channel_count(struct channel *c, const struct inbox_item *item, int change) {
    c->items += (size_t)change;
    c->frames += item->frame ? (size_t)change : 0;
    c->bytes += length_of(item) * (size_t)change;
}

static struct waiting *channel_first(struct channel *c, unsigned *rank) {
    for (*rank = 0; *rank < RANK_LIMIT; ++*rank)
        if (c->ranks[*rank].head)
            return c->ranks[*rank].head;
    return NULL;
}

static struct inbox_item channel_pop(struct channel *c) {
    unsigned rank;
    struct waiting *w = channel_first(c, &rank);
    struct inbox_item item = w->item;
    c->ranks[rank].head = w->next;
    if (!w->next)
        c->ranks[rank].tail = NULL;
    channel_count(c, &item, -1);
    free(w);
    return item;
}

static void channel_drop_newest(struct inbox *q, struct channel *c, unsigned rank) {
    struct waiting *last = c->ranks[rank].tail, *before = NULL;
    for (struct waiting *at = c->ranks[rank].head; at != last; at = at->next)
        before = at;
    *(before ? &before->next : &c->ranks[rank].head) = NULL;
    c->ranks[rank].tail = before;
    channel_count(c, &last->item, -1);
    admitted_free(last->item.frame);
    free(last);
    c->dropped++;
    q->waiting--;
}

void inbox_free(struct inbox *q) {
    if (!q)
        return;
    for (unsigned i = 0; i < CHANNELS; i++) {
        while (q->channels[i].items)
            admitted_free(channel_pop(&q->channels[i]).frame);
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool channel_fits(const struct channel *c, size_t bytes) {
    return c->frames < c->limits.frames && c->bytes + bytes <= c->limits.bytes;
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
    if (c->ranks[rank].tail)
        c->ranks[rank].tail->next = w;
    else
        c->ranks[rank].head = w;
    c->ranks[rank].tail = w;
    if (c->items == 0) {
        c->deficit = 0;
        ring_push(q, c);
    }
    channel_count(c, &item, 1);
    if (q->waiting++ == 0)
        pthread_cond_signal(&q->filled);
}

/* A channel never becomes empty here: what makes room is less urgent than what comes. */
static bool make_room(struct inbox *q, struct channel *c, enum rank rank, size_t bytes) {
    if (bytes > c->limits.bytes)
        return false;
    for (unsigned least = RANK_LIMIT; least-- > (unsigned)rank + 1;) {
        while (!channel_fits(c, bytes) && c->items > 1 && c->ranks[least].head)
            channel_drop_newest(q, c, least);
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
    if (c->items < 3 * c->limits.frames)
        channel_push(q, c, RANK_VIEW, (struct inbox_item){.kind = INBOX_CLIENT_GONE, .client = client});
    pthread_mutex_unlock(&q->lock);
}

static bool has_room(struct inbox *q, struct channel *c, enum rank rank) {
    pthread_mutex_lock(&q->lock);
    bool room = channel_fits(c, 1);
    for (unsigned less = (unsigned)rank + 1; less < RANK_LIMIT && !room; less++)
        room = c->items > 1 && c->ranks[less].head;
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
        unsigned rank;
        size_t cost = ITEM_COST + length_of(&channel_first(c, &rank)->item);
        if (c->deficit < cost) {
            c->deficit += QUANTUM;
            ring_push(q, ring_pop(q));
            continue;
        }
        c->deficit -= cost;
        struct inbox_item item = channel_pop(c);
        if (c->items == 0)
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
