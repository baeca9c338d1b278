/* Keys, exactly-once windows, agreed time and the log's hash. Every rule here is a function of the executed log alone:
   no clock, no table of the host. */
#include "replica/ledger/internal.h"

#include <stdlib.h>
#include <string.h>

static uint32_t seat_of_entry(const struct ledger *l, const struct key_entry *e) {
    switch (e->role) {
    case ROLE_MEMBER:
        return e->index;
    case ROLE_OPERATOR:
        return l->genesis->member_count + e->index;
    case ROLE_OBSERVER:
        return l->genesis->member_count + l->genesis->operator_count + e->index;
    default:
        UNREACHABLE();
    }
}

struct seat *ledger_seat(const struct ledger *l, const struct public_key *key) {
    const struct key_entry *e = keyring_find(l->keys, key);
    return e ? &l->seats[seat_of_entry(l, e)] : NULL;
}

static struct digest config_digest(const struct cluster *c) {
    struct buffer genesis = {0};
    cluster_genesis(&genesis, c);
    struct digest d = crypto_digest(DIGEST_CONFIG, buffer_bytes(&genesis));
    buffer_free(&genesis);
    return d;
}

struct ledger *ledger_new(const struct cluster *genesis) {
    struct ledger *l = xcalloc(1, sizeof *l);
    l->genesis = genesis;
    l->keys = cluster_keyring(genesis);
    l->seat_count = genesis->member_count + genesis->operator_count + genesis->observer_count;
    l->seats = xcalloc(l->seat_count, sizeof *l->seats);
    l->t = genesis->t0;
    quota_open(l);
    l->cfg_digest = config_digest(genesis);
    l->log_hash = crypto_digest(DIGEST_LOG, bytes_of(genesis->id.b, CLUSTER_ID_LEN));
    l->head_dirty = true;
    return l;
}

void ledger_free(struct ledger *l) {
    if (!l)
        return;
    for (uint32_t i = 0; i < l->staged_count; i++)
        staged_free(&l->staged[i]);
    free(l->staged);
    free(l->proofs);
    buffer_free(&l->gone);
    keyring_free(l->keys);
    free(l->seats);
    free(l);
}

/* ---- who ---- */

const struct key_entry *ledger_who(const struct ledger *l, const struct public_key *key) {
    return keyring_find(l->keys, key);
}

const char *ledger_observer_name(const struct ledger *l, uint32_t index) {
    REQUIRE(index < l->genesis->observer_count);
    return l->genesis->observers[index].name;
}

static const struct cluster_observer *observer_named(const struct ledger *l, const char *name) {
    for (unsigned i = 0; i < l->genesis->observer_count; i++)
        if (strcmp(l->genesis->observers[i].name, name) == 0)
            return &l->genesis->observers[i];
    return NULL;
}

bool ledger_observer_known(const struct ledger *l, const char *name) {
    return observer_named(l, name) != NULL;
}

bool ledger_observer_may(const struct ledger *l, const char *name, const char *host) {
    const struct cluster_observer *o = observer_named(l, name);
    return o && cluster_observer_may(o, host);
}

bool ledger_convicted(const struct ledger *l, const struct public_key *key) {
    const struct seat *s = ledger_seat(l, key);
    return s && s->convicted;
}

void ledger_convict(struct ledger *l, const struct public_key *key) {
    struct seat *s = ledger_seat(l, key);
    REQUIRE(s);
    s->dirty = s->dirty || !s->convicted;
    s->convicted = true;
}

static bool role_may(enum key_role role, enum op_kind kind) {
    switch (kind) {
    case OP_OBSERVE:
        return role == ROLE_OBSERVER;
    case OP_TICK:
    case OP_EVIDENCE:
    case OP_DRILL_DONE:
        return role == ROLE_MEMBER;
    case OP_BLOB:
        return role == ROLE_OPERATOR || role == ROLE_MEMBER;
    case OP_DRILL:
    case OP_DRILL_STOP:
    case OP_APPLY:
    case OP_COMMAND:
    case OP_NOTIFIED:
        return role == ROLE_OPERATOR;
    case OP_QUERY:
        return role == ROLE_OPERATOR || role == ROLE_OBSERVER;
    }
    return false;
}

enum error ledger_may(const struct ledger *l, const struct public_key *key, enum op_kind kind) {
    const struct key_entry *e = keyring_find(l->keys, key);
    if (!e)
        return ERR_UNKNOWN_KEY;
    if (!role_may(e->role, kind))
        return ERR_FORBIDDEN;
    bool needs_admin = e->role == ROLE_OPERATOR && (kind == OP_BLOB || kind == OP_APPLY || kind == OP_COMMAND);
    if (needs_admin && !(l->genesis->operators[e->index].roles & OPERATOR_ADMIN))
        return ERR_FORBIDDEN;
    if (kind == OP_NOTIFIED && !(l->genesis->operators[e->index].roles & (OPERATOR_ADMIN | OPERATOR_NOTIFY)))
        return ERR_FORBIDDEN;
    if ((kind == OP_DRILL || kind == OP_DRILL_STOP) && !(l->genesis->operators[e->index].roles & OPERATOR_DRILL))
        return ERR_FORBIDDEN;
    return ERR_OK;
}

/* ---- exactly once (R3) ---- */

static bool seat_done(const struct seat *s, uint64_t req_seq) {
    uint64_t back = s->top - req_seq;
    return s->done[back / 64] >> (back % 64) & 1u;
}

enum error ledger_judge(const struct ledger *l, const struct public_key *client, uint64_t req_seq) {
    const struct seat *s = ledger_seat(l, client);
    if (!s)
        return ERR_UNKNOWN_KEY;
    if (req_seq == 0)
        return ERR_OLD;
    if (req_seq > s->top)
        return req_seq - s->top > LEDGER_AHEAD_MAX ? ERR_AHEAD : ERR_OK;
    if (s->top - req_seq >= LEDGER_WINDOW)
        return ERR_OLD;
    return seat_done(s, req_seq) ? ERR_ALREADY_EXECUTED : ERR_OK;
}

static void seat_slide(struct seat *s, uint64_t by) {
    enum { WORDS = LEDGER_WINDOW / 64 };
    uint64_t slid[WORDS] = {0};
    for (unsigned i = 0; by < LEDGER_WINDOW && i < WORDS; i++) {
        unsigned to = i + (unsigned)(by / 64), bits = (unsigned)(by % 64);
        if (to < WORDS)
            slid[to] |= s->done[i] << bits;
        if (bits && to + 1 < WORDS)
            slid[to + 1] |= s->done[i] >> (64 - bits);
    }
    memcpy(s->done, slid, sizeof slid);
}

void ledger_mark(struct ledger *l, const struct public_key *client, uint64_t req_seq, enum op_kind kind) {
    REQUIRE(ledger_judge(l, client, req_seq) == ERR_OK);
    struct seat *s = ledger_seat(l, client);
    if (req_seq > s->top) {
        seat_slide(s, req_seq - s->top);
        s->top = req_seq;
    }
    uint64_t back = s->top - req_seq;
    s->done[back / 64] |= UINT64_C(1) << (back % 64);
    if (kind != OP_TICK || s - l->seats >= l->genesis->member_count)
        quota_spend(l, s);
    s->dirty = true;
    ENSURE(ledger_judge(l, client, req_seq) == ERR_ALREADY_EXECUTED);
}

uint64_t ledger_top(const struct ledger *l, const struct public_key *client) {
    const struct seat *s = ledger_seat(l, client);
    return s ? s->top : 0;
}

/* ---- agreed time (R8) ---- */

void ledger_tick(struct ledger *l, member_id member, const struct op_tick *tick) {
    REQUIRE(member < l->genesis->member_count);
    struct member_tick *m = &l->ticks[member];
    bool newer = tick->boot > m->boot || (tick->boot == m->boot && tick->counter > m->counter);
    if (m->present && !newer)
        return;
    *m = (struct member_tick){.present = true,
                              .dirty = true,
                              .fresh = true,
                              .boot = tick->boot,
                              .counter = tick->counter,
                              .wall = tick->wall,
                              .at = l->t,
                              .view = tick->view,
                              .voting = tick->voting};
}

static int descending(const void *a, const void *b) {
    time_ms x = *(const time_ms *)a, y = *(const time_ms *)b;
    return (x < y) - (x > y);
}

static void advance_time(struct ledger *l) {
    time_ms walls[MEMBERS_MAX];
    unsigned count = 0, weak = quorum_weak(l->genesis->member_count);
    for (unsigned i = 0; i < l->genesis->member_count; i++)
        if (l->ticks[i].present)
            walls[count++] = l->ticks[i].wall;
    if (count < weak)
        return;
    qsort(walls, count, sizeof *walls, descending);
    if (walls[weak - 1] > l->t)
        l->t = walls[weak - 1];
}

time_ms ledger_advance(struct ledger *l) {
    advance_time(l);
    for (unsigned i = 0; i < l->genesis->member_count; i++) {
        if (l->ticks[i].fresh)
            l->ticks[i].at = l->t;
        l->ticks[i].fresh = false;
    }
    return l->t;
}

time_ms ledger_time(const struct ledger *l) {
    return l->t;
}

/* ---- the log ---- */

void ledger_append(struct ledger *l, seq_no n, const struct digest *d) {
    REQUIRE(n == l->executed + 1);
    uint8_t tail[16 + DIGEST_LEN];
    for (unsigned i = 0; i < 8; i++) {
        tail[i] = (uint8_t)(n >> (56 - 8 * i));
        tail[8 + i] = (uint8_t)((uint64_t)l->t >> (56 - 8 * i));
    }
    memcpy(tail + 16, d->b, DIGEST_LEN);
    struct bytes parts[] = {bytes_of(l->log_hash.b, DIGEST_LEN), bytes_of(tail, sizeof tail)};
    l->log_hash = crypto_digest_parts(DIGEST_LOG, parts, 2);
    l->executed = n;
    l->head_dirty = true;
}

seq_no ledger_executed(const struct ledger *l) {
    return l->executed;
}

struct digest ledger_log_hash(const struct ledger *l) {
    return l->log_hash;
}

struct digest ledger_cfg_digest(const struct ledger *l) {
    return l->cfg_digest;
}
