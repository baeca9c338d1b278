/* Requests between the host, the pool and the batches (R3): custody survives views, and what no PRE-PREPARE names in
   time is shown to everybody, so that a primary cannot censor silently. */
#include "replica/pbft/core.h"

void slots_retry(struct pbft *p) {
    for (seq_no n = slot_after(p, p->executed); n <= pbft_window_end(p); n = slot_after(p, n)) {
        struct slot *s = slot_find(p, n);
        if (s && s->waiting.held) {
            slot_advance(p, s);
        }
    }
}

enum error handle_request(struct pbft *p, struct request *r, const struct pool_terms *terms) {
    enum error e = pool_hold(&p->pool, r, terms);
    if (e != ERR_OK) {
        request_free(r);
        return e;
    }
    if (pool_find(&p->pool, &r->digest)->named > 0) {
        slots_retry(p);
    }
    return ERR_OK;
}

void requests_rearm(struct pbft *p) {
    pool_rearm(&p->pool, p->now);
}

static void relay(struct pbft *p, struct pooled *e) {
    struct msg m = {.type = FRAME_RELAY};
    m.relay.request = e->request->frame;
    out_message(p, p->others, &m);
    e->shown = e->shown ? e->shown : p->now;
    e->relays++;
}

mono_ms relay_patience(const struct pbft *p) {
    mono_ms quarter = timer_request(p) / 4, half = service_limit(p) / 2;
    return quarter < half ? quarter : half;
}

/* The age at which an unnamed request is relayed for the next time: early enough to tell a slow primary from a client
   that kept its request from it, then T_req/2, then every T_req, since a network that loses messages may have lost the
   first ones. */
static mono_ms relay_age(const struct pooled *e, mono_ms patience, mono_ms limit) {
    return e->relays == 0 ? patience : e->relays == 1 ? limit / 2 : (e->relays - 1) * limit;
}

void relay_due(struct pbft *p) {
    mono_ms limit = timer_request(p), patience = relay_patience(p);
    unsigned sent = 0;
    for (uint32_t i = p->pool.queue.head; i != POOL_NONE && sent < RELAYS_MAX;) {
        struct pooled *e = pool_entry(&p->pool, i);
        mono_ms age = p->now - e->since;
        i = e->in_queue.next;
        if (age < patience) {
            return; /* the queue is sorted by age */
        }
        if (e->relays < UINT8_MAX && age >= relay_age(e, patience, limit)) {
            relay(p, e);
            sent++;
        }
    }
}

bool pbft_busy(const struct pbft *p) {
    return p->phase == PHASE_ACTIVE && pool_backlog(&p->pool, p->now, timer_request(p) / 4);
}
