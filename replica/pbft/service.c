/* How well the primary serves (R11): how long a request that it has waits for the PRE-PREPARE that names it, all of
   them and each client's, in windows of a second; and whether what it proposes has any effect. Three bad windows in a
   row raise the wish SLOW. Measured here only and judged by nobody else: a wrong suspicion costs one wish. */
#include "replica/pbft/core.h"

#include <string.h>

/* --- histograms --- */

static unsigned bucket_of(mono_ms ms) {
    uint64_t v = ms > 0 ? (uint64_t)ms : 0;
    unsigned octave = 2;
    while (v >> (octave + 1) > 0) {
        octave++;
    }
    unsigned b = v < 8 ? (unsigned)v : 8 * (octave - 2) + (unsigned)(v >> (octave - 3) & 7);
    return b < DELAY_BUCKETS ? b : DELAY_BUCKETS - 1;
}

/* The lowest delay of the bucket: nobody is called slow by rounding. */
static mono_ms bucket_floor(unsigned b) {
    return b < 8 ? b : (mono_ms)(8 + b % 8) << (b / 8 - 1);
}

static void delays_add(struct delays *d, mono_ms ms) {
    d->count[bucket_of(ms)]++;
    if (++d->total < DELAY_KEPT) {
        return;
    }
    d->total = 0;
    for (unsigned i = 0; i < DELAY_BUCKETS; i++) {
        d->total += d->count[i] /= 2;
    }
}

/* Negative when nothing was measured. */
static mono_ms delays_median(const struct delays *d) {
    uint32_t seen = 0;
    for (unsigned i = 0; i < DELAY_BUCKETS; i++) {
        seen += d->count[i];
        if (seen > 0 && 2 * (uint64_t)seen >= d->total) {
            return bucket_floor(i);
        }
    }
    return -1;
}

/* --- clients, told apart by a number that nobody else can foresee --- */

static uint64_t client_id(const struct pbft *p, const struct public_key *key) {
    uint64_t id = p->pool.salt;
    for (unsigned i = 0; i < PUBLIC_KEY_LEN; i++) {
        id = (id ^ key->b[i]) * 0x100000001b3u;
    }
    return id | 1;
}

/* NULL when its places are taken: then it goes unmeasured in this window. */
static struct served *served_of(struct service *s, uint64_t id) {
    struct served *room = NULL;
    for (unsigned i = 0; i < SERVED_PROBES; i++) {
        struct served *c = &s->clients[(id >> 1 ^ id >> 33) % SERVED_CLIENTS ^ i];
        if (c->id == id) {
            return c;
        }
        if (c->id == 0 && !room) {
            room = c;
        }
    }
    if (room) {
        *room = (struct served){.id = id};
    }
    return room;
}

/* A client may have kept its request from the primary: what was never relayed is named in good time, however late, and
   what was relayed waits since then. */
static mono_ms delay_of(const struct pbft *p, const struct pooled *e) {
    mono_ms waited = p->now - (e->shown ? e->shown : e->since);
    return e->shown || waited < SLOW_FLOOR_MS ? waited : SLOW_FLOOR_MS;
}

static void sample(struct pbft *p, const struct pooled *e) {
    struct service *s = &p->service;
    struct served *c = served_of(s, client_id(p, &e->client));
    mono_ms delay = delay_of(p, e);
    s->measured = true;
    delays_add(&s->proposed, delay);
    delays_add(&s->view_proposed, delay);
    if (c) {
        c->sum += (uint64_t)delay;
        c->count++;
    }
}

/* --- the limit --- */

static mono_ms best_median(const struct pbft *p) {
    mono_ms best = -1;
    for (unsigned i = 0; i < p->members; i++) {
        mono_ms m = p->service.best[i];
        best = m >= 0 && (best < 0 || m < best) ? m : best;
    }
    return best;
}

/* The F-th largest: f liars cannot stretch it beyond what a correct member measured with me. */
static mono_ms round_trip(const struct pbft *p) {
    mono_ms sorted[MEMBERS_MAX] = {0};
    unsigned count = 0;
    for (member_id i = 0; i < p->members; i++) {
        if (i == p->config.self || p->peers[i].rtt < 0) {
            continue;
        }
        unsigned at = count++;
        for (; at > 0 && sorted[at - 1] < p->peers[i].rtt; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = p->peers[i].rtt;
    }
    return count >= p->weak ? sorted[p->weak - 1] : 0;
}

mono_ms service_limit(const struct pbft *p) {
    mono_ms best = SLOW_BEST * best_median(p), rtt = SLOW_RTT * round_trip(p), limit = SLOW_FLOOR_MS;
    limit = best > limit ? best : limit;
    limit = rtt > limit ? rtt : limit;
    limit <<= p->service.doublings;
    return limit < p->config.timeout_cap ? limit : p->config.timeout_cap;
}

/* --- windows --- */

static void window_begin(struct pbft *p) {
    struct service *s = &p->service;
    s->window_at = p->now + SERVICE_WINDOW_MS;
    s->proposed = (struct delays){0};
    s->useless = s->stale = s->fresh = 0;
}

static void windows_forget(struct pbft *p) {
    struct service *s = &p->service;
    s->slow_windows = 0;
    if (s->measured) {
        memset(s->clients, 0, sizeof s->clients);
        s->measured = false;
    }
    window_begin(p);
}

/* What still waits and has waited too long already is measured as if it were named now. */
static void count_waiting(struct pbft *p, mono_ms limit) {
    for (uint32_t i = p->pool.queue.head; i != POOL_NONE; i = pool_entry(&p->pool, i)->in_queue.next) {
        const struct pooled *e = pool_entry(&p->pool, i);
        if (p->now - e->since <= limit) {
            return; /* the queue is sorted by age */
        }
        if (delay_of(p, e) > limit) {
            sample(p, e);
        }
    }
}

/* A client with nothing to wait for in this window keeps its count. */
static bool somebody_is_starved(struct service *s, mono_ms limit) {
    bool starved = false;
    for (unsigned i = 0; i < SERVED_CLIENTS; i++) {
        struct served *c = &s->clients[i];
        if (c->id == 0 || c->count == 0) {
            continue;
        }
        bool slow = c->sum > (uint64_t)limit * c->count;
        c->slow_windows = slow ? c->slow_windows + 1 : 0;
        starved |= c->slow_windows >= SLOW_WINDOWS;
        c->sum = c->count = 0;
        c->id = slow ? c->id : 0;
    }
    return starved;
}

static bool window_is_wasted(const struct service *s) {
    return s->useless > SLOW_USELESS || s->stale > s->fresh + SLOW_STALE;
}

static bool window_ends(struct pbft *p) {
    struct service *s = &p->service;
    mono_ms limit = service_limit(p);
    count_waiting(p, limit);
    mono_ms median = delays_median(&s->proposed), unfair = SLOW_UNFAIR * median;
    bool starved = somebody_is_starved(s, unfair > limit ? unfair : limit);
    if (median > limit || window_is_wasted(s)) {
        s->slow_windows++;
    } else if (median >= 0) { /* a window in which nobody asked says nothing */
        s->slow_windows = 0;
    }
    window_begin(p);
    return starved || s->slow_windows >= SLOW_WINDOWS;
}

static void doublings_decay(struct pbft *p) {
    struct service *s = &p->service;
    if (s->doublings > 0 && p->now - s->doubled_at >= SLOW_FORGET_MS) {
        s->doublings--;
        s->doubled_at = p->now;
    }
}

bool service_is_slow(struct pbft *p) {
    doublings_decay(p);
    if (!suspicion_on(p) || pbft_is_primary(p)) {
        windows_forget(p);
        return false;
    }
    return p->now >= p->service.window_at && window_ends(p);
}

/* --- what happens --- */

void service_start(struct pbft *p) {
    for (unsigned i = 0; i < MEMBERS_MAX; i++) {
        p->service.best[i] = p->peers[i].rtt = -1;
    }
    windows_forget(p);
}

void service_proposed(struct pbft *p, const struct held_batch *b) {
    for (unsigned i = 0; b && i < b->batch.count; i++) {
        const struct pooled *e = pool_find(&p->pool, &b->batch.refs[i].digest);
        if (e && e->eligible && e->named == 0) {
            sample(p, e);
        }
    }
}

void service_executed(struct pbft *p, const struct slot *s, const struct pbft_done *done, size_t count) {
    bool ours = s->accepted.held && s->accepted.statement.v == p->view && s->n > p->nv_max;
    uint32_t fresh = 0;
    for (size_t i = 0; ours && i < count; i++) {
        const struct pooled *e = pool_find_seq(&p->pool, &done[i].client, done[i].req_seq);
        fresh += done[i].fresh;
        if (e && e->eligible) {
            delays_add(&p->service.view_ordered, p->now - e->since);
        }
    }
    p->service.fresh += fresh;
    p->service.stale += ours ? (uint32_t)count - fresh : 0;
    p->service.useless += ours && fresh == 0;
}

void service_view_left(struct pbft *p) {
    struct service *s = &p->service;
    mono_ms ordered = delays_median(&s->view_ordered);
    s->best[p->view % p->members] = delays_median(&s->view_proposed);
    s->ordered = ordered >= 0 ? ordered : s->ordered;
    if (pbft_wish(p) > p->view && p->wish_reason == WISH_SLOW && s->doublings < SLOW_DOUBLINGS_MAX) {
        s->doublings++;
        s->doubled_at = p->now;
    }
    s->view_proposed = s->view_ordered = (struct delays){0};
    windows_forget(p);
}

mono_ms service_request_floor(const struct pbft *p) {
    return SLOW_ROUNDS * p->service.ordered;
}

/* --- round trips: a STATUS says which of mine was heard last, and how long ago --- */

void service_asked(struct pbft *p) {
    struct service *s = &p->service;
    s->sent[p->statuses_sent % ECHO_KEPT].counter = p->status_counter;
    s->sent[p->statuses_sent % ECHO_KEPT].at = p->now;
}

void service_echo(const struct pbft *p, struct msg_status *out) {
    for (member_id i = 0; i < p->members; i++) {
        const struct peer *peer = &p->peers[i];
        if (peer->heard && i != p->config.self) {
            mono_ms held = p->now - peer->heard_at;
            out->echo[i].counter = peer->status.counter;
            out->echo[i].held_ms = held < UINT32_MAX ? (uint32_t)held : UINT32_MAX;
        }
    }
}

void service_heard(struct pbft *p, struct peer *peer, const struct msg_status *status) {
    uint64_t counter = status->echo[p->config.self].counter;
    mono_ms held = status->echo[p->config.self].held_ms;
    const struct service *s = &p->service;
    peer->heard_at = p->now;
    if (peer->boots != status->boot && peer == &p->peers[pbft_primary(p)]) { /* it forgot what it was shown */
        pool_relay_again(&p->pool);
    }
    peer->boots = status->boot;
    for (unsigned i = 0; counter > 0 && i < ECHO_KEPT; i++) {
        if (s->sent[i].counter == counter) {
            mono_ms rtt = p->now - s->sent[i].at - held;
            peer->rtt = rtt > 0 ? rtt : 0;
        }
    }
}
