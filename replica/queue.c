/* The bounded inbox between the network's threads and the core thread: rings of fixed size, one lock, one condition.
   When a channel is full the newest frame is dropped and counted; peers send again what is missed, clients are told. */
#include "replica/queue.h"

#include "base/invariant.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { CHANNEL_CLIENTS = MEMBERS_MAX, CHANNELS = MEMBERS_MAX + 1 };

struct channel {
    struct inbox_item *ring;
    size_t size, head, count; /* of items */
    size_t frames, bytes;     /* of frames among them */
    struct inbox_limits limits;
    uint64_t dropped;
};
struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct channel channels[CHANNELS];
    size_t waiting; /* items in all channels */
    unsigned turn;  /* the channel that is served next */
    bool woken;
};

static void channel_init(struct channel *c, struct inbox_limits limits, size_t slack) {
    c->limits = limits;
    c->size = limits.frames + slack;
    c->ring = xcalloc(c->size, sizeof *c->ring);
}

struct inbox *inbox_new(struct inbox_limits peer, struct inbox_limits client) {
    struct inbox *q = xcalloc(1, sizeof *q);
    for (unsigned i = 0; i < MEMBERS_MAX; i++)
        channel_init(&q->channels[i], peer, 0);
    channel_init(&q->channels[CHANNEL_CLIENTS], client, 2 * client.frames);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

static struct inbox_item channel_pop(struct channel *c) {
    struct inbox_item item = c->ring[c->head];
    c->head = (c->head + 1) % c->size;
    c->count--;
    if (item.frame) {
        c->frames--;
        c->bytes -= item.frame->raw.len;
    }
    return item;
}

void inbox_free(struct inbox *q) {
    if (!q)
        return;
    for (unsigned i = 0; i < CHANNELS; i++) {
        while (q->channels[i].count)
            admitted_free(channel_pop(&q->channels[i]).frame);
        free(q->channels[i].ring);
    }
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static bool channel_fits(const struct channel *c, size_t bytes) {
    return c->frames < c->limits.frames && c->count < c->size && c->bytes + bytes <= c->limits.bytes;
}

static void channel_push(struct inbox *q, struct channel *c, struct inbox_item item) {
    c->ring[(c->head + c->count) % c->size] = item;
    c->count++;
    if (item.frame) {
        c->frames++;
        c->bytes += item.frame->raw.len;
    }
    if (q->waiting++ == 0)
        pthread_cond_signal(&q->filled);
}

static bool inbox_put(struct inbox *q, unsigned channel, struct inbox_item item) {
    struct channel *c = &q->channels[channel];
    pthread_mutex_lock(&q->lock);
    bool fits = channel_fits(c, item.frame->raw.len);
    if (fits)
        channel_push(q, c, item);
    else
        c->dropped++;
    pthread_mutex_unlock(&q->lock);
    if (!fits)
        admitted_free(item.frame);
    return fits;
}

bool inbox_put_peer(struct inbox *q, struct admitted *x) {
    if (x->msg.sender >= MEMBERS_MAX) {
        admitted_free(x);
        return false;
    }
    return inbox_put(q, x->msg.sender, (struct inbox_item){.kind = INBOX_PEER, .frame = x});
}

bool inbox_put_client(struct inbox *q, uint64_t client, struct admitted *x) {
    return inbox_put(q, CHANNEL_CLIENTS, (struct inbox_item){.kind = INBOX_CLIENT, .client = client, .frame = x});
}

/* A handle that is not told as gone only lives until it is answered, so dropping the word for want of room is safe. */
void inbox_put_gone(struct inbox *q, uint64_t client) {
    struct channel *c = &q->channels[CHANNEL_CLIENTS];
    pthread_mutex_lock(&q->lock);
    if (c->count < c->size)
        channel_push(q, c, (struct inbox_item){.kind = INBOX_CLIENT_GONE, .client = client});
    pthread_mutex_unlock(&q->lock);
}

bool inbox_has_room(struct inbox *q, member_id from) {
    struct channel *c = &q->channels[from < MEMBERS_MAX ? from : CHANNEL_CLIENTS];
    pthread_mutex_lock(&q->lock);
    bool room = channel_fits(c, 1);
    if (!room)
        c->dropped++;
    pthread_mutex_unlock(&q->lock);
    return room;
}

size_t inbox_take(struct inbox *q, struct inbox_item *out, size_t max) {
    size_t taken = 0;
    pthread_mutex_lock(&q->lock);
    while (taken < max && q->waiting) {
        struct channel *c = &q->channels[q->turn];
        q->turn = (q->turn + 1) % CHANNELS;
        if (!c->count)
            continue;
        out[taken++] = channel_pop(c);
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
    for (unsigned i = 0; i < MEMBERS_MAX; i++)
        out->peer_dropped[i] = q->channels[i].dropped;
    out->client_dropped = q->channels[CHANNEL_CLIENTS].dropped;
    out->waiting = q->waiting;
    pthread_mutex_unlock(&q->lock);
}
