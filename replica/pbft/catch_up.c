/* Fetching what is missing and serving it (R3, R7): payloads and batches by digest, decisions by number, certificates.
   Nothing here is believed for its sender's sake: digests and proofs decide. */
#include "replica/pbft/core.h"

#include <string.h>

/* Certified beyond what I executed: the others went on without me. */
bool behind(const struct pbft *p) {
    return pbft_c(p) > p->executed;
}

/* --- FETCH --- */

struct shopping {
    struct digest list[FETCH_MAX];
    unsigned count;
};

static void shop(struct shopping *x, const struct digest *d) {
    if (x->count < FETCH_MAX) {
        x->list[x->count++] = *d;
    }
}

static void fetch_send(struct pbft *p, member_set to, const struct shopping *x) {
    struct msg m = {.type = FRAME_FETCH};
    m.fetch = (struct msg_fetch){x->count, x->list};
    if (x->count > 0) {
        out_message(p, to, &m);
    }
}

/* The digest of the batch that the slot must have before it can go on; NULL: nothing is missing. */
static const struct digest *slot_wants(const struct pbft *p, const struct slot *s) {
    if (s->fate == FATE_EXECUTED) {
        return NULL;
    }
    if (s->fate != FATE_OPEN) {
        return &s->chosen.d;
    }
    return s->stage != STAGE_EMPTY ? &s->accepted.statement.d : waiting_counts(p, s) ? &s->waiting.statement.d : NULL;
}

void fetch_now(struct pbft *p, struct slot *s) {
    const struct digest *d = slot_wants(p, s);
    const struct held_batch *b = d ? slot_batch(s, d) : NULL;
    struct shopping x;
    x.count = 0; /* the list is large and mostly unused */
    if (!d || (digest_equal(&s->asked, d) && s->asked_requests == (b != NULL))) {
        return;
    }
    if (!b) {
        shop(&x, d);
    }
    for (unsigned i = 0; b && i < b->batch.count; i++) {
        const struct pooled *e = pool_find(&p->pool, &b->batch.refs[i].digest);
        if (!e || !e->request) {
            shop(&x, &b->batch.refs[i].digest);
        }
    }
    s->asked = *d;
    s->asked_requests = b != NULL;
    fetch_send(p, pbft_is_primary(p) ? p->others : set_of(pbft_primary(p)), &x);
}

void fetch_again(struct pbft *p) {
    struct shopping x;
    x.count = 0; /* the list is large and mostly unused */
    for (seq_no n = slot_after(p, p->executed); n <= pbft_window_end(p); n = slot_after(p, n)) {
        const struct slot *s = slot_find(p, n);
        const struct digest *d = s ? slot_wants(p, s) : NULL;
        if (d && !slot_batch(s, d)) {
            shop(&x, d);
        }
    }
    for (uint32_t i = p->pool.wanted.head; i != POOL_NONE; i = pool_entry(&p->pool, i)->in_wanted.next) {
        shop(&x, &pool_entry(&p->pool, i)->digest);
    }
    fetch_send(p, p->others, &x);
}

static const struct held_batch *find_batch(const struct pbft *p, const struct digest *d) {
    for (size_t i = 0; i < p->ring_len; i++) {
        const struct held_batch *b = p->ring[i].n ? slot_batch(&p->ring[i], d) : NULL;
        if (b) {
            return b;
        }
    }
    return NULL;
}

struct parcel {
    struct bytes requests[FETCH_MAX], batches[FETCH_MAX];
    unsigned request_count, batch_count, frames;
    size_t size;
};

static void parcel_send(struct pbft *p, struct parcel *x, member_id to) {
    struct msg m = {.type = FRAME_DATA};
    m.data = (struct msg_data){x->request_count, x->requests, x->batch_count, x->batches};
    if (x->request_count + x->batch_count > 0) {
        out_message(p, set_of(to), &m);
        x->frames++;
    }
    x->request_count = x->batch_count = 0;
    x->size = 0;
}

static void parcel_add(struct pbft *p, struct parcel *x, member_id to, const struct request *r,
                       const struct held_batch *b) {
    struct bytes add = r ? r->frame : buffer_bytes(&b->bytes);
    if (x->size + add.len > DATA_MAX) {
        parcel_send(p, x, to);
    }
    x->size += add.len;
    if (r) {
        x->requests[x->request_count++] = add;
    } else {
        x->batches[x->batch_count++] = add;
    }
}

static void serve_from_store(struct pbft *p, member_id to, const struct shopping *x) {
    if (x->count > 0) {
        struct bytes copy = out_copy(p, bytes_of(x->list, x->count * sizeof x->list[0]));
        struct pbft_action *a = out_add(p, PBFT_SERVE_DATA);
        a->to = set_of(to);
        a->count = x->count;
        a->digests = (const struct digest *)(const void *)copy.data;
    }
}

void fetch_own(struct pbft *p) {
    struct shopping x;
    x.count = 0; /* the list is large and mostly unused */
    for (uint32_t i = p->pool.wanted.head; i != POOL_NONE; i = pool_entry(&p->pool, i)->in_wanted.next) {
        shop(&x, &pool_entry(&p->pool, i)->digest);
    }
    serve_from_store(p, p->config.self, &x);
}

bool peer_may_ask(struct pbft *p, member_id who, unsigned cost) {
    struct peer *peer = &p->peers[who];
    if (p->now - peer->asks_since >= p->config.status_interval) {
        peer->asks_since = p->now;
        peer->asks = 0;
    }
    if (peer->asks + cost > ASKS_MAX) {
        return false;
    }
    peer->asks += cost;
    return true;
}

/* What memory lacks the store may have. The rest of a large answer comes with the asker's next FETCH. */
enum error handle_fetch(struct pbft *p, const struct msg *m) {
    struct parcel x;
    x.request_count = x.batch_count = x.frames = 0;
    x.size = 0;
    struct shopping stored;
    stored.count = 0;
    if (!peer_may_ask(p, m->sender, ASK_FETCH + m->fetch.count)) {
        return ERR_BUSY;
    }
    for (unsigned i = 0; i < m->fetch.count && x.frames < DATA_FRAMES_MAX; i++) {
        const struct digest *d = &m->fetch.digests[i];
        const struct pooled *e = pool_find(&p->pool, d);
        const struct request *r = e ? e->request : NULL;
        const struct held_batch *b = r ? NULL : find_batch(p, d);
        if (r || b) {
            parcel_add(p, &x, m->sender, r, b);
        } else {
            shop(&stored, d);
        }
    }
    parcel_send(p, &x, m->sender);
    serve_from_store(p, m->sender, &stored);
    return ERR_OK;
}

static bool take_batch(struct pbft *p, struct slot *s, struct bytes bytes, const struct digest *digest) {
    const struct digest *d = slot_wants(p, s);
    if (!d || !digest_equal(d, digest) || slot_batch(s, d) || slot_hold_batch(p, s, d, bytes) != ERR_OK) {
        return false;
    }
    p->fetched++;
    if (s->stage != STAGE_EMPTY && digest_equal(&s->accepted.statement.d, digest) &&
        (p->phase == PHASE_ACTIVE || p->phase == PHASE_RECALL)) {
        persist_accept(p, s);
    }
    slot_name_requests(p, s);
    slot_advance(p, s);
    fetch_now(p, s);
    return true;
}

enum error handle_data(struct pbft *p, const struct msg *m) {
    bool useful = m->data.batch_count == 0; /* requests come as events of their own */
    for (unsigned i = 0; i < m->data.batch_count; i++) {
        struct digest digest = batch_digest(m->data.batches[i]);
        for (seq_no n = slot_after(p, p->executed); n <= pbft_window_end(p); n = slot_after(p, n)) {
            struct slot *s = slot_find(p, n);
            useful |= s && take_batch(p, s, m->data.batches[i], &digest);
        }
    }
    return useful ? ERR_OK : ERR_STALE;
}

/* --- decisions --- */

static const struct peer *next_ahead(struct pbft *p, member_id *who) {
    for (member_id i = 0; i < p->members; i++) {
        member_id j = (member_id)((p->ask_next + i) % p->members);
        if (j != p->config.self && p->peers[j].heard && p->peers[j].status.executed > p->executed) {
            *who = j;
            return &p->peers[j];
        }
    }
    return NULL;
}

/* Stuck for so long, or at the end of the range asked for, while somebody claims to be further: asks one, in turn. */
void ask_decisions(struct pbft *p, mono_ms patience) {
    bool range_done = p->asked_last > 0 && p->executed >= p->asked_last;
    bool stuck = p->now - p->executed_at >= patience;
    const struct slot *s = slot_find(p, p->executed + 1);
    member_id who = 0;
    bool waits = p->executing || p->checkpointing || (s && s->fate == FATE_DECIDED);
    if (transfer_runs(p) || (!range_done && !stuck) || waits) {
        return;
    }
    const struct peer *peer = next_ahead(p, &who);
    p->asked_last = 0;
    if (!peer) {
        return;
    }
    seq_no last = p->executed + BRIDGE_LEN;
    last = peer->status.executed < last ? peer->status.executed : last;
    last = pbft_window_end(p) < last ? pbft_window_end(p) : last;
    if (last <= p->executed) {
        return;
    }
    struct msg m = {.type = FRAME_FETCH_DECISION};
    m.fetch_decision = (struct msg_fetch_decision){p->executed + 1, last};
    out_message(p, set_of(who), &m);
    p->asked_last = last;
    p->ask_next = range_done && !stuck ? who : (member_id)(who + 1);
}

enum error handle_fetch_decision(struct pbft *p, const struct msg *m) {
    const struct msg_fetch_decision *f = &m->fetch_decision;
    if (f->first == 0 || f->last < f->first || f->first > p->executed) {
        return ERR_OUT_OF_RANGE;
    }
    if (!peer_may_ask(p, m->sender, ASK_DECISIONS)) {
        return ERR_BUSY;
    }
    struct pbft_action *a = out_add(p, PBFT_SERVE_DECISIONS);
    a->to = set_of(m->sender);
    a->first = f->first;
    a->last = f->last - f->first >= BRIDGE_LEN ? f->first + BRIDGE_LEN - 1 : f->last;
    a->last = a->last > p->executed ? p->executed : a->last;
    return ERR_OK;
}

/* Its proof was checked by admit: Q COMMITs and the batch with that digest. */
enum error handle_decision(struct pbft *p, const struct msg *m) {
    const struct msg_decision *d = &m->decision;
    struct slot *s = slot_at(p, d->statement.n);
    if (!s) {
        return d->statement.n <= p->executed ? ERR_STALE : ERR_OUTSIDE_WINDOW;
    }
    enum slot_fate before = s->fate;
    choose(p, s, &d->statement, d->count, d->commits);
    if (s->fate == FATE_CHOSEN && digest_equal(&s->chosen.d, &d->statement.d)) {
        enum error e = slot_hold_batch(p, s, &d->statement.d, d->batch);
        if (e != ERR_OK) {
            return e;
        }
        slot_advance(p, s);
        fetch_now(p, s);
    }
    p->fetched += before < FATE_DECIDED;
    return before < FATE_DECIDED ? ERR_OK : ERR_DUPLICATE;
}

/* --- certificates --- */

enum error handle_fetch_cert(struct pbft *p, const struct msg *m) {
    const struct msg_fetch_cert *f = &m->fetch_cert;
    if (!peer_may_ask(p, m->sender, ASK_CERT)) {
        return ERR_BUSY;
    }
    if (f->kind == CERT_CHECKPOINT && f->at_least <= pbft_c(p)) {
        checkpoint_cert_send(p, set_of(m->sender));
        return ERR_OK;
    }
    if (f->kind == CERT_NEW_VIEW && f->at_least <= p->nv_view) {
        new_view_send(p, set_of(m->sender));
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

enum error handle_cert(struct pbft *p, const struct msg *m) {
    if (m->cert.kind != CERT_CHECKPOINT) { /* a NEW-VIEW travels as its own frame */
        return ERR_BAD_TYPE;
    }
    if (!certificate_agrees(p, &m->cert.checkpoint)) {
        return ERR_CONFLICT;
    }
    if (m->cert.checkpoint.statement.n <= pbft_c(p)) {
        return ERR_STALE;
    }
    adopt_certificate(p, &m->cert.checkpoint);
    return ERR_OK;
}
