/* Both doors behind their sockets: what comes is sorted into the doors' intakes, taken from there in fair turns, shown
   to the events, and judged. What is refused without a signature's work never waits. */
#include "replica/reception.h"

#include "base/clock.h"
#include "base/invariant.h"
#include "base/log.h"
#include "replica/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Every peer sends each STATUS on each lane, so none remains a stranger for long. */
static const struct intake_rules peer_rules = {.stranger = {64, 512 << 10},
                                               .member = {4096, 4 << 20},
                                               .crowded = 256 << 20,
                                               .strangers_max = 256,
                                               .strangers_of_a_source = 64,
                                               .strangers_share = true,
                                               .clock = clock_mono};
static const struct intake_rules client_rules = {.stranger = {1024, 2 << 20},
                                                 .crowded = 64 << 20,
                                                 .strangers_max = INTAKE_CONNECTIONS_MAX,
                                                 .strangers_of_a_source = INTAKE_CONNECTIONS_MAX / 2,
                                                 .clock = clock_mono};

/* ---- offences ---- */

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

/* A client that is set up wrongly shall be told why, but not for ever; a wrong signature is no such mistake. */
static unsigned client_strikes(enum error e) {
    bool mistaken = e == ERR_UNKNOWN_KEY || e == ERR_FOREIGN_CLUSTER || e == ERR_BAD_VERSION || e == ERR_BAD_PROOF;
    return e == ERR_BAD_SIGNATURE ? INTAKE_STRIKES : is_strike(e) || mistaken;
}

/* Who offends three times is muted for a while: what else comes on the connection is dropped unread. It is not closed,
   since nng 1.5.2 may wait for ever when a connection is closed from this side while part of a message comes in
   (base/net_watch.h), and who offends on purpose chooses that moment. */
static void strike_peer(struct reception *r, uint32_t connection, enum error e) {
    if (!is_strike(e) || !intake_strike(r->peers, connection, 1, clock_mono()))
        return;
    atomic_fetch_add(&r->muted, 1);
    log_event_limited(LOG_WARN_, "peer-muted", "reason=%s strikes=%d", error_name(e), INTAKE_STRIKES);
}

static void strike_client(struct reception *r, uint32_t connection, enum error e) {
    unsigned strikes = client_strikes(e);
    if (!strikes || !intake_strike(r->clients, connection, strikes, clock_mono()))
        return;
    atomic_fetch_add(&r->clients_muted, 1);
    log_event_limited(LOG_WARN_, "client-muted", "reason=%s", error_name(e));
}

/* ---- sorting what comes ---- */

struct splitting {
    struct reception *reception;
    uint32_t connection;
    mono_ms now;
    bool heard; /* one of its frames waits now */
};

static void sort_peer_frame(void *context, struct bytes frame) {
    struct splitting *s = context;
    struct reception *r = s->reception;
    struct frame f;
    if (!intake_hears(r->peers, s->connection, s->now))
        return;
    atomic_fetch_add(&r->frames, 1);
    enum error e = r->events.peer_glance(r->events.self, frame);
    if (e)
        strike_peer(r, s->connection, e);
    else if (frame_open(&f, frame) == ERR_OK)
        s->heard |= intake_put(r->peers, s->connection, rank_of(f.type), (struct bytes){0}, frame, s->now);
}

bool reception_sort_peer(struct reception *r, uint32_t connection, struct bytes list) {
    struct splitting s = {r, connection, clock_mono(), false};
    atomic_fetch_add(&r->messages, 1);
    atomic_fetch_add(&r->bytes, list.len);
    if (!intake_hears(r->peers, connection, s.now))
        return false;
    enum error e = outbox_split(list, sort_peer_frame, &s);
    if (e) {
        atomic_fetch_add(&r->malformed, 1);
        strike_peer(r, connection, e);
    }
    return s.heard;
}

bool reception_sort_client(struct reception *r, uint32_t connection, struct bytes way, struct bytes frame) {
    return way.len <= HANDLE_WAY_MAX && intake_put(r->clients, connection, RANK_VIEW, way, frame, clock_mono());
}

/* ---- in fair turns ---- */

static void show_peer_frame(struct reception *r, const struct intake_item *item) {
    struct peer_heard heard = {.sender = MEMBER_NONE};
    enum error e = r->events.peer_frame(r->events.self, item->seat, bytes_of(item->data, item->node.len), &heard);
    if (e) {
        strike_peer(r, item->connection, e);
        return;
    }
    intake_praise(r->peers, item->connection);
    if (heard.is_status)
        intake_greet(r->peers, item->connection, heard.sender,
                     &(struct intake_greeting){heard.boot, heard.counter, item->came});
}

static void show_client_frame(struct reception *r, const struct intake_item *item) {
    struct handle_way way = {.len = item->head_len};
    uint64_t expired;
    memcpy(way.header, item->data, item->head_len);
    uint64_t client = handles_add(r->handles, item->connection, &way, &expired);
    if (expired) {
        atomic_fetch_add(&r->expired, 1);
        r->events.client_gone(r->events.self, expired);
    }
    atomic_fetch_add(&r->requests, 1);
    struct bytes frame = bytes_of(item->data + item->head_len, item->node.len);
    enum error e = r->events.client_frame(r->events.self, client, frame);
    if (e)
        strike_client(r, item->connection, e);
    else
        intake_praise(r->clients, item->connection);
}

static int64_t work_done(void) { /* by this thread, in microseconds */
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool take(struct reception *r, struct intake *t, void (*show)(struct reception *, const struct intake_item *)) {
    struct intake_item *item = intake_take(t);
    if (!item)
        return false;
    int64_t before = work_done();
    show(r, item);
    intake_charge(t, item, (unsigned)(work_done() - before));
    intake_item_free(item);
    return true;
}

bool reception_take_peer(struct reception *r) {
    return take(r, r->peers, show_peer_frame);
}

bool reception_take_client(struct reception *r) {
    return take(r, r->clients, show_client_frame);
}

/* ---- connections ---- */

void reception_leave_client(struct reception *r, uint32_t connection) {
    intake_leave(r->clients, connection);
    handles_drop(r->handles, connection, r->events.client_gone, r->events.self);
}

/* ---- beginning and end ---- */

/* A quarter of the machine is what one turn may use of it: the others', the core thread's and the rest's are left.
   Strangers need little: what shows a member is its STATUS. */
static struct intake *intake_of(const struct intake_rules *rules) {
    struct intake_rules r = *rules;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    r.work_share = 250 * (cores < 1 ? 1 : (unsigned)cores);
    r.strangers_work_share = r.work_share / 4;
    return intake_new(&r);
}

void reception_init(struct reception *r, const struct net_events *events) {
    r->events = *events;
    r->peers = intake_of(&peer_rules);
    r->clients = intake_of(&client_rules);
    r->handles = handles_new();
}

void reception_free(struct reception *r) {
    intake_free(r->peers);
    intake_free(r->clients);
    handles_free(r->handles);
}
