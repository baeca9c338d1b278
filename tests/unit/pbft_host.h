/* What surrounds a core in a test: a list of records for a disk, a queue for a network, a hash chain for a machine. */
#ifndef QUORATE_TESTS_PBFT_HOST_H
#define QUORATE_TESTS_PBFT_HOST_H

#include "base/invariant.h"
#include "proto/codec.h"
#include "replica/pbft/pbft.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

enum { LOG_MAX = 2048, SIGNED_MAX = 1 << 15, CLIENTS = 4 };

struct stored {
    enum pbft_record record;
    struct buffer key, value;
    uint64_t number; /* of the write */
};
struct signed_key { /* every guarded signature that left: one statement a key, for ever (I5) */
    uint8_t type;
    member_id sender;
    view_no v;
    uint64_t n;
    struct digest body;
};
struct parcel_in_flight {
    member_id from, to;
    struct buffer frame;
};

struct cluster;
struct node {
    struct cluster *cluster;
    struct pbft *core; /* NULL: crashed */
    member_id id;
    struct stored *records;
    size_t record_count, record_cap;
    uint64_t writes, synced; /* writes after the synced one are what a power loss takes */
    seq_no executed;
    time_ms t;
    struct digest log_hash;
    struct digest log[LOG_MAX];  /* batch digest of n */
    struct digest done[LOG_MAX]; /* requests executed */
    size_t done_count;
    bool diverged;      /* its machine is broken: another root */
    seq_no wants_state; /* the core asked for a state of at least this n; 0: it did not */
    bool damaged;       /* and says that the own one is of no use */
    bool breach;
    unsigned stable_seen;
    long crash_after; /* actions until it crashes; negative: never */
    bool crashed_now;
    uint64_t boot;
};

struct cluster {
    unsigned members;
    struct verifier verifier;
    struct secret_key secrets[MEMBERS_MAX];
    struct public_key client_keys[CLIENTS];
    struct secret_key client_secrets[CLIENTS];
    struct pbft_config config;
    struct node nodes[MEMBERS_MAX];
    mono_ms now;
    struct parcel_in_flight *queue;
    size_t queue_head, queue_count, queue_cap;
    /* NULL: everything arrives. False: this frame is lost. */
    bool (*arrives)(struct cluster *c, member_id from, member_id to, const struct msg *m);
    void (*sent)(struct cluster *c, member_id from, member_id to, struct bytes frame); /* NULL: nobody looks on */
    void *owner;                                                                       /* of these two */
    uint64_t boots;      /* of all nodes: the random part of the boot id */
    member_set isolated; /* nothing goes in or out */
    struct signed_key *signed_keys;
    size_t signed_count;
    struct buffer trace;          /* "id line\n" */
    uint32_t proven[MEMBERS_MAX]; /* bit k: evidence of kind k was noticed against the member */
    unsigned counted[FRAME_TYPE_LIMIT];
};

/* --- disk --- */

static void record_free(struct stored *s) {
    buffer_free(&s->key);
    buffer_free(&s->value);
}

static void records_drop(struct node *x, size_t i) {
    record_free(&x->records[i]);
    memmove(&x->records[i], &x->records[i + 1], (x->record_count - i - 1) * sizeof x->records[0]);
    x->record_count--;
}

static int record_order(const struct stored *s, enum pbft_record record, struct bytes key) {
    return s->record != record ? (s->record < record ? -1 : 1) : bytes_compare(buffer_bytes(&s->key), key);
}

static size_t record_place(const struct node *x, enum pbft_record record, struct bytes key, bool *found) {
    size_t low = 0, high = x->record_count;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (record_order(&x->records[mid], record, key) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    *found = low < x->record_count && record_order(&x->records[low], record, key) == 0;
    return low;
}

static void record_put(struct node *x, enum pbft_record record, struct bytes key, struct bytes value) {
    bool found;
    size_t i = record_place(x, record, key, &found);
    if (found) {
        records_drop(x, i);
    }
    if (!value.data) {
        return;
    }
    if (x->record_count == x->record_cap) {
        x->record_cap = x->record_cap ? 2 * x->record_cap : 64;
        x->records = xrealloc(x->records, x->record_cap * sizeof x->records[0]);
    }
    memmove(&x->records[i + 1], &x->records[i], (x->record_count - i) * sizeof x->records[0]);
    x->record_count++;
    x->records[i] = (struct stored){.record = record, .number = ++x->writes};
    buffer_put(&x->records[i].key, key.data, key.len);
    buffer_put(&x->records[i].value, value.data, value.len);
}

static const struct stored *record_get(const struct node *x, enum pbft_record record, struct bytes key) {
    bool found;
    size_t i = record_place(x, record, key, &found);
    return found ? &x->records[i] : NULL;
}

static uint64_t key_first(const struct stored *s) {
    struct reader r = reader_of(buffer_bytes(&s->key));
    return read_u64(&r);
}

static void records_forget(struct node *x, enum pbft_record record, seq_no n) {
    for (size_t i = x->record_count; i-- > 0;) {
        if (x->records[i].record == record && key_first(&x->records[i]) <= n) {
            records_drop(x, i);
        }
    }
}

/* What was stored after the last synced write is gone, as after a power loss. */
static __attribute__((unused)) void records_lose_unsynced(struct node *x) {
    for (size_t i = x->record_count; i-- > 0;) {
        if (x->records[i].number > x->synced) {
            records_drop(x, i);
        }
    }
}

static __attribute__((unused)) size_t records_count(const struct node *x, enum pbft_record record) {
    size_t count = 0;
    for (size_t i = 0; i < x->record_count; i++) {
        count += x->records[i].record == record;
    }
    return count;
}

/* --- network --- */

static void network_put(struct cluster *c, member_id from, member_id to, struct bytes frame) {
    if (c->sent) {
        c->sent(c, from, to, frame);
    }
    if (c->queue_count == c->queue_cap) {
        c->queue_cap = c->queue_cap ? 2 * c->queue_cap : 256;
        c->queue = xrealloc(c->queue, c->queue_cap * sizeof c->queue[0]);
    }
    c->queue[c->queue_count] = (struct parcel_in_flight){from, to, {0}};
    buffer_put(&c->queue[c->queue_count++].frame, frame.data, frame.len);
}

/* I5, for everybody and for ever: one key, one statement. */
static void check_signed_once(struct cluster *c, const struct frame *f, const struct msg *m) {
    struct signed_key k = {.type = (uint8_t)f->type, .sender = f->sender};
    switch (f->type) {
    case FRAME_PRE_PREPARE:
        k.v = m->pre_prepare.statement.v, k.n = m->pre_prepare.statement.n;
        break;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        k.v = m->vote.v, k.n = m->vote.n;
        break;
    case FRAME_CHECKPOINT:
        k.n = m->checkpoint.n;
        break;
    case FRAME_VIEW_CHANGE:
        k.v = m->view_change.v;
        break;
    case FRAME_NEW_VIEW:
        k.v = m->new_view.v;
        break;
    default:
        return;
    }
    k.body = crypto_digest(DIGEST_GUARD, f->signed_body);
    for (size_t i = 0; i < c->signed_count; i++) {
        struct signed_key *s = &c->signed_keys[i];
        if (s->type == k.type && s->sender == k.sender && s->v == k.v && s->n == k.n) {
            assert_true(digest_equal(&s->body, &k.body));
            return;
        }
    }
    assert_true(c->signed_count < SIGNED_MAX);
    c->signed_keys[c->signed_count++] = k;
}

/* --- the host's part --- */

static void node_step(struct node *x, struct pbft_event e);

static struct digest chain(const struct digest *log, seq_no n, const struct digest *d) {
    uint8_t number[8];
    for (int i = 0; i < 8; i++) {
        number[i] = (uint8_t)(n >> (8 * (7 - i)));
    }
    struct bytes parts[] = {bytes_of(log->b, DIGEST_LEN), bytes_of(number, 8), bytes_of(d->b, DIGEST_LEN)};
    return crypto_digest_parts(DIGEST_LOG, parts, 3);
}

static bool node_has_done(const struct node *x, const struct digest *d) {
    for (size_t i = 0; i < x->done_count; i++) {
        if (digest_equal(&x->done[i], d)) {
            return true;
        }
    }
    return false;
}

static void node_apply(struct node *x, seq_no n, const struct digest *d, const struct digest *requests, size_t count) {
    assert_int_equal(n, x->executed + 1);
    assert_true(n < LOG_MAX && x->done_count + count < LOG_MAX);
    x->log_hash = chain(&x->log_hash, n, d);
    x->log[n] = *d;
    x->t += 1000;
    x->executed = n;
    for (size_t i = 0; i < count; i++) {
        if (!node_has_done(x, &requests[i])) {
            x->done[x->done_count++] = requests[i];
        }
    }
}

static void cluster_feed_request(struct node *x, struct bytes raw) {
    struct request *r;
    if (request_new(&r, raw) != ERR_OK) {
        return;
    }
    bool settled = node_has_done(x, &r->digest);
    if (settled && !pbft_wanted(x->core, &r->digest)) {
        request_free(r);
        return;
    }
    node_step(x, (struct pbft_event){.kind = PBFT_REQUEST, .request = r, .settled = settled});
}

static void seal_and_send(struct node *x, member_id to, const struct msg *m) {
    struct cluster *c = x->cluster;
    struct buffer body = {0}, frame = {0};
    struct seal_context context = {(uint8_t)m->type, c->verifier.cluster, 0, x->id};
    codec_encode(&body, m);
    frame_seal(&frame, &context, buffer_bytes(&body), &c->secrets[x->id]);
    network_put(c, x->id, to, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

static void serve_requests(struct node *x, member_id to, const struct digest *digests, size_t count) {
    struct bytes frames[FETCH_MAX];
    struct msg m = {.type = FRAME_DATA};
    m.data.requests = frames;
    for (size_t i = 0; i < count; i++) {
        const struct stored *s = record_get(x, RECORD_REQUEST, bytes_of(digests[i].b, DIGEST_LEN));
        if (s) {
            frames[m.data.request_count++] = buffer_bytes(&s->value);
        }
    }
    if (m.data.request_count > 0) {
        seal_and_send(x, to, &m);
    }
}

static struct batch batch_of(const struct stored *decided, struct arena *arena, struct digest *d) {
    struct frame f = {.type = FRAME_DECISION, .body = buffer_bytes(&decided->value)};
    struct msg m;
    struct batch b;
    assert_int_equal(codec_decode(&m, &f, arena), ERR_OK);
    assert_int_equal(batch_decode(&b, m.decision.batch, arena), ERR_OK);
    *d = m.decision.statement.d;
    return b;
}

static const struct stored *decided_record(const struct node *x, seq_no n) {
    uint8_t key[8];
    for (int i = 0; i < 8; i++) {
        key[i] = (uint8_t)(n >> (8 * (7 - i)));
    }
    return record_get(x, RECORD_DECIDED, bytes_of(key, 8));
}

static void serve_decisions(struct node *x, member_id to, seq_no first, seq_no last) {
    struct cluster *c = x->cluster;
    struct seal_context context = {FRAME_DECISION, c->verifier.cluster, 0, x->id};
    for (seq_no n = first; n <= last; n++) {
        const struct stored *s = decided_record(x, n);
        struct buffer frame = {0};
        struct arena arena = {0};
        struct digest d, digests[BATCH_REFS_MAX];
        if (!s) {
            return;
        }
        struct batch b = batch_of(s, &arena, &d);
        for (unsigned i = 0; i < b.count; i++) {
            digests[i] = b.refs[i].digest;
        }
        serve_requests(x, to, digests, b.count);
        frame_seal(&frame, &context, buffer_bytes(&s->value), &c->secrets[x->id]);
        network_put(c, x->id, to, buffer_bytes(&frame));
        buffer_free(&frame);
        arena_free(&arena);
    }
}

#endif
