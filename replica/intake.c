/* Connections are records found by their number; those with something waiting stand in a ring of turns. Strangers who
   share stand in one of two lines, each a ring of its own with one place in the other: those whose STATUS waits, who
   may show whose they are, and the rest, who cannot delay these. */
#include "replica/intake.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "replica/budget.h"
#include "replica/greeting.h"
#include "replica/turn.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { QUANTUM = 4 << 10, FRAME_COST = 256, BUCKETS = 1024 };
enum { BUDGET_GREETING = INTAKE_SEATS, BUDGETS }; /* and one a seat */

struct line { /* of strangers */
    struct ring ring;
    struct turn common;
    unsigned budget;
};
enum { LINE_GREETING, LINE_REST, LINES };
struct connection {
    struct connection *chain; /* of its bucket */
    uint32_t number;
    uint64_t source;
    member_id member; /* MEMBER_NONE: a stranger */
    unsigned seat;
    struct intake_greeting greeting; /* what it has its seat for */
    struct turn turn;
    struct line *line;    /* NULL: its turn is its own */
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
    struct ring ring;
    struct line lines[LINES];
    struct connection *seats[INTAKE_SEATS];
    struct intake_greeting newest[MEMBERS_MAX];
    struct budget budgets[BUDGETS]; /* a connection's seat keeps its for who comes next */
    uint64_t came;                  /* frames put so far */
    size_t bytes;                   /* waiting, of strangers */
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

static bool shares(const struct intake *t, const struct connection *c) {
    return t->rules.strangers_share && is_stranger(c);
}

static struct intake_item *first_of(const struct connection *c) {
    return (struct intake_item *)ranked_first(&c->waiting);
}

static struct line *line_of(struct intake *t, const struct connection *c) {
    if (!shares(t, c))
        return NULL;
    return &t->lines[first_of(c)->node.rank == RANK_STATUS ? LINE_GREETING : LINE_REST];
}

static void turn_begin(struct intake *t, struct connection *c) {
    struct line *line = c->line = line_of(t, c);
    c->turn.deficit = 0;
    ring_push(line ? &line->ring : &t->ring, &c->turn);
    if (!line || line->common.waiting)
        return;
    line->common.deficit = 0;
    ring_push(&t->ring, &line->common);
}

static void turn_end(struct intake *t, struct connection *c) {
    ring_remove(c->line ? &c->line->ring : &t->ring, &c->turn);
    if (c->line && !c->line->ring.head)
        ring_remove(&t->ring, &c->line->common);
    c->line = NULL;
}

/* Something waits, and what is first may have changed. */
static void turn_update(struct intake *t, struct connection *c) {
    if (c->turn.waiting && c->line == line_of(t, c))
        return;
    if (c->turn.waiting)
        turn_end(t, c);
    turn_begin(t, c);
}

/* ---- what waits of one connection ---- */

/* What waits at the door is counted for strangers alone: members' connections are few. */
static void weigh(struct intake *t, const struct connection *c, size_t more, size_t less) {
    if (is_stranger(c))
        t->bytes += more - less;
}

static void drop(struct intake *t, struct connection *c, struct ranked_node *node) {
    weigh(t, c, 0, node->len);
    t->counters.dropped++;
    intake_item_free((struct intake_item *)node);
}

static void drop_all(struct intake *t, struct connection *c) {
    while (c->waiting.count)
        drop(t, c, ranked_pop(&c->waiting));
    if (c->turn.waiting)
        turn_end(t, c);
}

static bool fits(const struct intake *t, const struct connection *c, size_t len) {
    const struct intake_room *room = is_stranger(c) ? &t->rules.stranger : &t->rules.member;
    const struct ranked *w = &c->waiting;
    if (!w->count)
        return !is_stranger(c) || len <= room->bytes;
    bool crowded = is_stranger(c) && t->bytes > t->rules.crowded;
    return !crowded && w->count < room->frames && w->bytes + len <= room->bytes;
}

/* What was allowed to a member is not to a stranger. */
static void trim_to_a_strangers_room(struct intake *t, struct connection *c) {
    const struct intake_room *room = &t->rules.stranger;
    struct ranked_node *least = NULL;
    while ((c->waiting.count > room->frames || c->waiting.bytes > room->bytes) &&
           (least = ranked_give_way(&c->waiting, RANK_STATUS)))
        drop(t, c, least);
}

static bool make_room(struct intake *t, struct connection *c, enum rank rank, size_t len) {
    struct ranked_node *least;
    while (!fits(t, c, len) && (least = ranked_give_way(&c->waiting, rank)))
        drop(t, c, least);
    return fits(t, c, len);
}

void intake_leave(struct intake *t, uint32_t number) {
    pthread_mutex_lock(&t->lock);
    struct connection **at = place_of(t, number), *c = *at;
    if (c) {
        drop_all(t, c);
        *at = c->chain;
        t->seats[c->seat] = NULL;
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
    return !is_muted(c, now) && (!c->probation || rank <= RANK_VIEW);
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
        struct intake_item *item = item_new(c, rank, head, frame);
        item->came = t->came++;
        ranked_push(&c->waiting, &item->node);
        weigh(t, c, frame.len, 0);
        turn_update(t, c);
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

static struct connection *connection_in_turn(const struct turn *turn) {
    return turn->connection ? turn->connection : turn->line->ring.head->connection;
}

static struct budget *budget_of(struct intake *t, struct connection *c, unsigned shared) {
    return is_stranger(c) && !t->rules.strangers_share ? &c->budget : &t->budgets[shared];
}

static unsigned shared_budget(const struct connection *c) {
    return c->line ? c->line->budget : c->seat;
}

/* How long until it may cost something again. */
static mono_ms debt_of(struct intake *t, struct connection *c, mono_ms now) {
    unsigned share = shares(t, c) ? t->rules.strangers_work_share : t->rules.work_share;
    return budget_debt(budget_of(t, c, shared_budget(c)), share, INTAKE_SAVED_MS, now);
}

void intake_charge(struct intake *t, const struct intake_item *item, unsigned microseconds) {
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, item->connection);
    struct budget *b = c ? budget_of(t, c, item->budget) : &t->budgets[item->budget];
    b->microseconds -= microseconds;
    pthread_mutex_unlock(&t->lock);
}

/* The frame is taken out; who has more waiting keeps his place, strangers pass on the one that they share. */
static struct intake_item *serve(struct intake *t, struct connection *c) {
    struct intake_item *item = (struct intake_item *)ranked_pop(&c->waiting);
    weigh(t, c, 0, item->node.len);
    item->seat = c->seat;
    item->budget = shared_budget(c);
    struct line *line = c->line;
    if (!c->waiting.count)
        turn_end(t, c);
    else if (line && line == line_of(t, c))
        ring_push(&line->ring, ring_pop(&line->ring));
    else if (line)
        turn_update(t, c);
    return item;
}

/* NULL: nothing waits, or for *pause all that waits is in debt. */
static struct intake_item *take_next(struct intake *t, mono_ms *pause) {
    mono_ms now = t->rules.clock();
    const struct turn *first_in_debt = NULL;
    *pause = 0;
    while (t->ring.head && t->ring.head != first_in_debt) {
        struct turn *turn = t->ring.head;
        struct connection *c = connection_in_turn(turn);
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
    mono_ms at = clock_mono() + pause;
    struct timespec until = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
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

/* 0: all are taken by those who go before. */
static unsigned seat_for(const struct intake *t, member_id member, const struct intake_greeting *g) {
    unsigned first = 1 + member * INTAKE_SEATS_OF_A_MEMBER, last = first;
    for (unsigned seat = first; seat < first + INTAKE_SEATS_OF_A_MEMBER; seat++) {
        if (!t->seats[seat])
            return seat;
        if (greeting_goes_before(&t->seats[last]->greeting, &t->seats[seat]->greeting))
            last = seat;
    }
    return greeting_goes_before(g, &t->seats[last]->greeting) ? last : 0;
}

/* seat 0: it becomes a stranger's. */
static void seat_change(struct intake *t, struct connection *c, member_id member, unsigned seat) {
    if (c->turn.waiting)
        turn_end(t, c);
    t->counters.strangers -= is_stranger(c);
    weigh(t, c, 0, c->waiting.bytes);
    t->seats[c->seat] = NULL;
    c->member = member;
    c->seat = seat;
    t->counters.strangers += is_stranger(c);
    weigh(t, c, c->waiting.bytes, 0);
    if (seat)
        t->seats[seat] = c;
    else
        trim_to_a_strangers_room(t, c);
    if (c->waiting.count)
        turn_begin(t, c);
}

static void seat_claim(struct intake *t, struct connection *c, member_id member, const struct intake_greeting *g) {
    unsigned seat = seat_for(t, member, g);
    if (!seat)
        return;
    if (t->seats[seat])
        seat_change(t, t->seats[seat], MEMBER_NONE, 0);
    c->greeting = *g;
    seat_change(t, c, member, seat);
}

void intake_greet(struct intake *t, uint32_t number, member_id member, const struct intake_greeting *g) {
    REQUIRE(member < MEMBERS_MAX);
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, number);
    bool fresh = !greeting_is_stale(g, &t->newest[member]);
    if (greeting_is_newer(g, &t->newest[member]))
        t->newest[member] = *g;
    if (c && fresh && !is_muted(c, t->rules.clock())) {
        if (is_stranger(c))
            seat_claim(t, c, member, g);
        else if (c->member == member && greeting_is_newer(g, &c->greeting))
            c->greeting = *g;
    }
    pthread_mutex_unlock(&t->lock);
}

void intake_praise(struct intake *t, uint32_t number) {
    pthread_mutex_lock(&t->lock);
    struct connection *c = *place_of(t, number);
    if (c && c->probation && !is_muted(c, t->rules.clock())) {
        c->probation = false;
        c->strikes = 0;
    }
    pthread_mutex_unlock(&t->lock);
}

static void mute(struct intake *t, struct connection *c, mono_ms now) {
    mono_ms duration = c->mutes < 6 ? (mono_ms)INTAKE_MUTE_MIN_MS << c->mutes : INTAKE_MUTE_MAX_MS;
    c->mutes++;
    c->muted_until = now + (duration < INTAKE_MUTE_MAX_MS ? duration : INTAKE_MUTE_MAX_MS);
    c->probation = true;
    drop_all(t, c);
    seat_change(t, c, MEMBER_NONE, 0);
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
    for (unsigned i = 0; i < BUDGETS; i++)
        t->budgets[i].since = rules->clock();
    for (unsigned i = 0; i < LINES; i++)
        t->lines[i].common.line = &t->lines[i];
    t->lines[LINE_GREETING].budget = BUDGET_GREETING;
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
