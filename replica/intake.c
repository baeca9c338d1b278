/* Connections are records found by their number; those with something waiting stand in a ring of turns. Strangers who
   share stand in a ring of their own, which has one place in the other. */
#include "replica/intake.h"

#include "base/invariant.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUANTUM = 4 << 10, FRAME_COST = 256, BUCKETS = 1024 };

struct budget { /* of work; a connection's seat keeps it for who comes next */
    int64_t microseconds;
    mono_ms since;
};
struct turn { /* a place in a ring */
    struct turn *next;
    size_t deficit;
    bool waiting;
    struct connection *connection; /* NULL: the strangers' common turn */
};
struct ring {
    struct turn *head, *tail;
};
struct connection {
    struct connection *chain; /* of its bucket */
    uint32_t number;
    uint64_t source;
    member_id member; /* MEMBER_NONE: a stranger */
    unsigned seat;
    struct turn turn;
    struct budget budget; /* of who has no seat and no common turn */
    struct ranked waiting;
    unsigned strikes, mutes;
    mono_ms muted_until;
    bool probation; /* was muted and not praised since */
};
struct intake {
    struct intake_rules rules;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct connection *buckets[BUCKETS];
    struct ring ring, strangers;
    struct turn common;
    bool seats[INTAKE_SEATS]; /* taken */
    struct budget budgets[INTAKE_SEATS];
    size_t bytes; /* waiting, of all */
    struct intake_counters counters;
    bool ended;
};

/* ---- connections ---- */

static struct connection **place_of(struct intake *t, uint32_t number) {
    struct connection **at = &t->buckets[number % BUCKETS];
    while (*at && (*at)->number != number)
        at = &(*at)->chain;
    return at;
}

static bool is_stranger(const struct connection *c) {
    return c->member == MEMBER_NONE;
}

static unsigned strangers_of(const struct intake *t, uint64_t source) {
    unsigned count = 0;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct connection *c = t->buckets[i]; c; c = c->chain)
            count += is_stranger(c) && c->source == source;
    return count;
}

static bool has_place(const struct intake *t, uint64_t source) {
    return t->counters.connections < INTAKE_CONNECTIONS_MAX && t->counters.strangers < t->rules.strangers_max &&
           strangers_of(t, source) < t->rules.strangers_of_a_source;
}

bool intake_join(struct intake *t, uint32_t number, uint64_t source) {
    pthread_mutex_lock(&t->lock);
    struct connection **at = place_of(t, number);
    bool joins = !*at && has_place(t, source);
    if (joins) {
        struct connection *c = xcalloc(1, sizeof *c);
        *c = (struct connection){.number = number, .source = source, .member = MEMBER_NONE};
        c->budget.since = t->rules.clock();
        c->turn.connection = c;
        *at = c;
        t->counters.connections++;
        t->counters.strangers++;
    } else {
        t->counters.refused++;
    }
    pthread_mutex_unlock(&t->lock);
    return joins;
}

/* ---- turns ---- */

static void ring_push(struct ring *r, struct turn *turn) {
    turn->next = NULL;
    turn->waiting = true;
    if (r->tail)
        r->tail->next = turn;
    else
        r->head = turn;
    r->tail = turn;
}

static struct turn *ring_pop(struct ring *r) {
    struct turn *turn = r->head;
    r->head = turn->next;
    if (!r->head)
        r->tail = NULL;
    turn->waiting = false;
    return turn;
}

static void ring_remove(struct ring *r, struct turn *turn) {
    struct turn *before = NULL, *at = r->head;
    for (; at && at != turn; at = at->next)
        before = at;
    if (!at)
        return;
    *(before ? &before->next : &r->head) = turn->next;
    if (r->tail == turn)
        r->tail = before;
    turn->waiting = false;
}

static bool shares(const struct intake *t, const struct connection *c) {
    return t->rules.strangers_share && is_stranger(c);
}

static void turn_begin(struct intake *t, struct connection *c) {
    if (c->turn.waiting)
        return;
    c->turn.deficit = 0;
    if (!shares(t, c)) {
        ring_push(&t->ring, &c->turn);
        return;
    }
    ring_push(&t->strangers, &c->turn);
    if (t->common.waiting)
        return;
    t->common.deficit = 0;
    ring_push(&t->ring, &t->common);
}

static void turn_end(struct intake *t, struct connection *c) {
    ring_remove(shares(t, c) ? &t->strangers : &t->ring, &c->turn);
    if (!t->strangers.head)
        ring_remove(&t->ring, &t->common);
}

/* ---- what waits of one connection ---- */

static struct intake_item *first_of(const struct connection *c) {
    return (struct intake_item *)ranked_first(&c->waiting);
}

static void drop(struct intake *t, struct ranked_node *node) {
    t->bytes -= node->len;
    t->counters.dropped++;
    intake_item_free((struct intake_item *)node);
}

static void drop_all(struct intake *t, struct connection *c) {
    while (c->waiting.count)
        drop(t, ranked_pop(&c->waiting));
    if (c->turn.waiting)
        turn_end(t, c);
}

static bool fits(const struct intake *t, const struct connection *c, size_t len) {
    const struct intake_room *room = is_stranger(c) ? &t->rules.stranger : &t->rules.member;
    const struct ranked *w = &c->waiting;
    return !w->count || (t->bytes <= t->rules.crowded && w->count < room->frames && w->bytes + len <= room->bytes);
}

static bool make_room(struct intake *t, struct connection *c, enum rank rank, size_t len) {
    struct ranked_node *least;
    while (!fits(t, c, len) && (least = ranked_give_way(&c->waiting, rank)))
        drop(t, least);
    return fits(t, c, len);
}

void intake_leave(struct intake *t, uint32_t number) {
    pthread_mutex_lock(&t->lock);
    struct connection **at = place_of(t, number), *c = *at;
    if (c) {
        drop_all(t, c);
        *at = c->chain;
        t->seats[c->seat] = false;
        t->counters.connections--;
        t->counters.strangers -= is_stranger(c);
    }
    pthread_mutex_unlock(&t->lock);
    free(c);
}

/* ---- in ---- */

static bool is_muted(const struct connection *c, mono_ms now) {
    return c->strikes >= INTAKE_STRIKES && now < c->muted_until;
}

static bool is_heard(const struct connection *c, enum rank rank, mono_ms now) {
    return !is_muted(c, now) && (!c->probation || rank == RANK_VIEW);
}

static struct intake_item *item_new(const struct connection *c, enum rank rank, struct bytes head, struct bytes frame) {
    struct intake_item *item = xcalloc(1, sizeof *item + head.len + frame.len);
    item->connection = c->number;
    item->seat = c->seat;
    item->node.rank = rank;
    item->node.len = frame.len;
    item->head_len = head.len;
    if (head.len)
        memcpy(item->data, head.data, head.len);
    if (frame.len)
        memcpy(item->data + head.len, frame.data, frame.len);
    return item;
}

bool intake_put(struct intake *t, uint32_t number, enum rank rank, struct bytes head, struct bytes frame, mono_ms now) {
    REQUIRE(rank < RANK_LIMIT);
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, number);
    bool heard = c && is_heard(c, rank, now);
    bool taken = heard && !t->ended && make_room(t, c, rank, frame.len);
    if (taken) {
        ranked_push(&c->waiting, &item_new(c, rank, head, frame)->node);
        t->bytes += frame.len;
        turn_begin(t, c);
        pthread_cond_signal(&t->filled);
    } else {
        (*(heard ? &t->counters.dropped : &t->counters.dropped_muted))++;
    }
    pthread_mutex_unlock(&t->lock);
    return taken;
}

bool intake_hears(struct intake *t, uint32_t number, mono_ms now) {
    pthread_mutex_lock(&t->lock);
    const struct connection *c = *place_of(t, number);
    bool heard = c && !is_muted(c, now);
    if (!heard)
        t->counters.dropped_muted++;
    pthread_mutex_unlock(&t->lock);
    return heard;
}

/* ---- out ---- */

static struct connection *connection_in_turn(struct intake *t, const struct turn *turn) {
    return turn->connection ? turn->connection : t->strangers.head->connection;
}

static struct budget *budget_of(struct intake *t, struct connection *c) {
    return is_stranger(c) && !t->rules.strangers_share ? &c->budget : &t->budgets[c->seat];
}

/* How long until it may cost something again. */
static mono_ms debt_of(struct intake *t, struct connection *c, mono_ms now) {
    struct budget *b = budget_of(t, c);
    int64_t share = shares(t, c) ? t->rules.strangers_work_share : t->rules.work_share, most = share * INTAKE_SAVED_MS;
    mono_ms passed = now - b->since < INTAKE_SAVED_MS * 1000 ? now - b->since : INTAKE_SAVED_MS * 1000;
    b->microseconds += passed * share;
    b->microseconds = b->microseconds < most ? b->microseconds : most;
    b->since = now;
    return b->microseconds >= 0 ? 0 : -b->microseconds / share + 1;
}

void intake_charge(struct intake *t, const struct intake_item *item, unsigned microseconds) {
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, item->connection);
    if (c)
        budget_of(t, c)->microseconds -= microseconds;
    else
        t->budgets[item->seat].microseconds -= microseconds;
    pthread_mutex_unlock(&t->lock);
}

/* The frame is taken out; who has more waiting keeps his place, strangers pass on the one that they share. */
static struct intake_item *serve(struct intake *t, struct connection *c) {
    struct intake_item *item = (struct intake_item *)ranked_pop(&c->waiting);
    t->bytes -= item->node.len;
    item->seat = c->seat;
    if (!c->waiting.count)
        turn_end(t, c);
    else if (shares(t, c))
        ring_push(&t->strangers, ring_pop(&t->strangers));
    return item;
}

/* NULL: nothing waits, or for *pause all that waits is in debt. */
static struct intake_item *take_next(struct intake *t, mono_ms *pause) {
    mono_ms now = t->rules.clock();
    const struct turn *first_in_debt = NULL;
    *pause = 0;
    while (t->ring.head && t->ring.head != first_in_debt) {
        struct turn *turn = t->ring.head;
        struct connection *c = connection_in_turn(t, turn);
        size_t cost = FRAME_COST + first_of(c)->node.len;
        mono_ms debt = debt_of(t, c, now);
        if (!debt && turn->deficit >= cost) {
            turn->deficit -= cost;
            return serve(t, c);
        }
        if (debt) {
            *pause = *pause && *pause < debt ? *pause : debt;
            first_in_debt = first_in_debt ? first_in_debt : turn;
        } else {
            turn->deficit += QUANTUM;
            first_in_debt = NULL;
            *pause = 0;
        }
        ring_push(&t->ring, ring_pop(&t->ring));
    }
    return NULL;
}

static void wait_filled(struct intake *t, mono_ms pause) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause / 1000;
    until.tv_nsec += pause % 1000 * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&t->filled, &t->lock, &until);
}

struct intake_item *intake_take(struct intake *t) {
    pthread_mutex_lock(&t->lock);
    struct intake_item *item = NULL;
    mono_ms pause;
    while (!t->ended && !(item = take_next(t, &pause))) {
        if (pause)
            wait_filled(t, pause);
        else
            pthread_cond_wait(&t->filled, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return item;
}

void intake_item_free(struct intake_item *item) {
    free(item);
}

/* ---- judgement ---- */

/* 0: the member has none left. */
static unsigned seat_of(const struct intake *t, member_id member) {
    for (unsigned i = 0; member < MEMBERS_MAX && i < INTAKE_SEATS_OF_A_MEMBER; i++) {
        unsigned seat = 1 + member * INTAKE_SEATS_OF_A_MEMBER + i;
        if (!t->seats[seat])
            return seat;
    }
    return 0;
}

static void seat_take(struct intake *t, struct connection *c, member_id member, unsigned seat) {
    bool waits = c->turn.waiting;
    if (waits)
        turn_end(t, c);
    c->member = member;
    c->seat = seat;
    t->seats[seat] = true;
    t->counters.strangers--;
    if (waits)
        turn_begin(t, c);
}

void intake_praise(struct intake *t, uint32_t number, member_id member) {
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, number);
    if (c && c->probation) {
        c->probation = false;
        c->strikes = 0;
    }
    unsigned seat = c && is_stranger(c) ? seat_of(t, member) : 0;
    if (seat)
        seat_take(t, c, member, seat);
    pthread_mutex_unlock(&t->lock);
}

static void mute(struct intake *t, struct connection *c, mono_ms now) {
    mono_ms duration = INTAKE_MUTE_MIN_MS;
    for (unsigned i = 0; i < c->mutes && duration < INTAKE_MUTE_MAX_MS; i++)
        duration *= 2;
    c->mutes++;
    c->muted_until = now + (duration < INTAKE_MUTE_MAX_MS ? duration : INTAKE_MUTE_MAX_MS);
    c->probation = true;
    drop_all(t, c);
}

bool intake_strike(struct intake *t, uint32_t number, unsigned strikes, mono_ms now) {
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, number);
    bool mutes = false;
    if (c && !is_muted(c, now)) {
        c->strikes += strikes;
        mutes = c->strikes >= INTAKE_STRIKES;
    }
    if (mutes)
        mute(t, c, now);
    pthread_mutex_unlock(&t->lock);
    return mutes;
}

/* ---- beginning and end ---- */

struct intake *intake_new(const struct intake_rules *rules) {
    struct intake *t = xcalloc(1, sizeof *t);
    t->rules = *rules;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&t->filled, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < INTAKE_SEATS; i++)
        t->budgets[i].since = rules->clock();
    return t;
}

void intake_end(struct intake *t) {
    pthread_mutex_lock(&t->lock);
    t->ended = true;
    pthread_cond_broadcast(&t->filled);
    pthread_mutex_unlock(&t->lock);
}

void intake_free(struct intake *t) {
    if (!t)
        return;
    for (unsigned i = 0; i < BUCKETS; i++)
        while (t->buckets[i])
            intake_leave(t, t->buckets[i]->number);
    pthread_cond_destroy(&t->filled);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

void intake_count(struct intake *t, struct intake_counters *out, mono_ms now) {
    pthread_mutex_lock(&t->lock);
    *out = t->counters;
    for (unsigned i = 0; i < BUCKETS; i++) {
        for (const struct connection *c = t->buckets[i]; c; c = c->chain) {
            out->muted += is_muted(c, now);
            out->waiting += c->waiting.count;
        }
    }
    pthread_mutex_unlock(&t->lock);
}
