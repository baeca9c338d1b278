/* The step: an event goes to its handler, then everything that may have become possible is done, then every invariant
   is checked. */
#include "replica/pbft/core.h"

#include <stdlib.h>

static void check_config(const struct pbft_config *c) {
    REQUIRE(c->verifier.members >= 4 && c->verifier.members <= MEMBERS_MAX && c->self < c->verifier.members);
    REQUIRE(c->window >= 1 && c->window <= WINDOW_MAX);
    REQUIRE(c->checkpoint_interval >= 1 && c->checkpoint_interval <= c->window && c->checkpoint_period > 0);
    REQUIRE(c->in_flight >= 1 && c->batch_max >= 1 && c->batch_max <= BATCH_REFS_MAX && c->pool_max >= 1);
    REQUIRE(c->status_interval > 0 && c->resend_interval > 0 && c->request_timeout > 0 && c->new_view_timeout > 0);
}

static void make_slots(struct pbft *p) {
    size_t per_slot = (size_t)VOTE_KINDS * p->members * VIEWS_KEPT;
    p->ring_len = 2 * (size_t)p->config.window;
    p->ring = xcalloc(p->ring_len, sizeof *p->ring);
    p->ballots = xcalloc(p->ring_len * per_slot, sizeof *p->ballots);
    p->past_ballots = xcalloc(p->ring_len * p->members, sizeof *p->past_ballots);
    for (size_t i = 0; i < p->ring_len; i++) {
        p->ring[i].ballots = p->ballots + i * per_slot;
        p->ring[i].past = p->past_ballots + i * p->members;
    }
}

/* Buckets of the pool differ from replica to replica, so that nobody can aim at all of them. */
static uint64_t pool_salt(const struct secret_key *secret) {
    struct digest d = crypto_digest(DIGEST_GUARD, bytes_of(secret->b, sizeof secret->b));
    uint64_t salt = 0;
    for (int i = 0; i < 8; i++) {
        salt = salt << 8 | d.b[i];
    }
    return salt;
}

struct pbft *pbft_new(const struct pbft_config *config) {
    struct pbft *p = xcalloc(1, sizeof *p);
    check_config(config);
    p->config = *config;
    p->members = config->verifier.members;
    p->strong = quorum_strong(p->members);
    p->weak = quorum_weak(p->members);
    p->others = set_all(p->members) & (member_set)~set_of(config->self);
    p->next = 1;
    p->wish_reason = WISH_AMPLIFY;
    make_slots(p);
    size_t named = (3 * p->ring_len + BRIDGE_LEN) * config->batch_max; /* accepted, waiting and chosen in each slot */
    struct pool_sizes sizes = {p->members, config->pool_max, config->pool_per_client_max, named};
    pool_init(&p->pool, &sizes, pool_salt(&config->secret));
    return p;
}

void pbft_free(struct pbft *p) {
    if (!p) {
        return;
    }
    for (size_t i = 0; i < p->ring_len; i++) {
        slot_clear(p, &p->ring[i]);
    }
    for (size_t i = 0; i < BRIDGE_LEN; i++) {
        slot_clear(p, &p->bridge[i]);
    }
    for (member_id i = 0; i < p->members; i++) {
        arena_free(&p->peers[i].view_change_arena);
        buffer_free(&p->peers[i].newest);
    }
    free(p->recall.faulted.list);
    pool_free(&p->pool);
    arena_free(&p->out.arena);
    buffer_free(&p->out.body);
    buffer_free(&p->out.frame);
    buffer_free(&p->nv_frame);
    buffer_free(&p->status_frame);
    free(p->out.list);
    free(p->ballots);
    free(p->past_ballots);
    free(p->ring);
    crypto_wipe(&p->config.secret, sizeof p->config.secret);
    free(p);
}

static enum error receive(struct pbft *p, const struct msg *m) {
    if (m->sender >= p->members) {
        return ERR_NOT_A_MEMBER;
    }
    if (m->sender == p->config.self) {
        return ERR_REFLECTED;
    }
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        return handle_pre_prepare(p, m);
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        return handle_vote(p, m);
    case FRAME_CHECKPOINT:
        return handle_checkpoint(p, m);
    case FRAME_WISH:
        return handle_wish(p, m);
    case FRAME_VIEW_CHANGE:
        return handle_view_change(p, m);
    case FRAME_NEW_VIEW:
        return handle_new_view(p, m);
    case FRAME_STATUS:
        return handle_status(p, m);
    case FRAME_FETCH:
        return handle_fetch(p, m);
    case FRAME_DATA:
        return handle_data(p, m);
    case FRAME_FETCH_DECISION:
        return handle_fetch_decision(p, m);
    case FRAME_DECISION:
        return handle_decision(p, m);
    case FRAME_FETCH_CERT:
        return handle_fetch_cert(p, m);
    case FRAME_CERT:
        return handle_cert(p, m);
    case FRAME_RECALL:
        return handle_recall(p, m);
    case FRAME_RECALLED:
        return handle_recalled(p, m);
    default:
        return ERR_BAD_TYPE;
    }
}

static void start(struct pbft *p) {
    REQUIRE(!p->started);
    p->started = true;
    restore_finish(p);
    timers_start(p);
    recall_start(p);
    stable_advance(p);
    fetch_own(p);
}

static void handle(struct pbft *p, const struct pbft_event *event) {
    enum error e = ERR_OK;
    switch (event->kind) {
    case PBFT_START:
        start(p);
        break;
    case PBFT_RECEIVE:
        e = receive(p, event->msg);
        break;
    case PBFT_REQUEST:
        e = handle_request(p, event->request, &(struct pool_terms){!event->settled, event->lane, event->ready, p->now});
        break;
    case PBFT_EXECUTED:
        handle_executed(p, event);
        break;
    case PBFT_CHECKPOINTED:
        handle_checkpointed(p, event->checkpoint);
        break;
    case PBFT_TRANSFERRED:
        handle_transferred(p, event);
        break;
    case PBFT_TIMEOUT:
        timers_due(p);
        break;
    }
    p->refused[e] += e != ERR_OK;
}

/* S7: whatever the event was, everything it may have made possible is done now. Execution comes last: what it hands out
   must live until the answer. */
static void advance(struct pbft *p) {
    transfer_advance(p);
    view_advance(p);
    propose(p);
    if (p->asked_last > 0 && p->executed >= p->asked_last) {
        ask_decisions(p, p->config.resend_interval);
    }
    execute_advance(p);
}

void pbft_step(struct pbft *p, const struct pbft_event *event, struct pbft_actions *out) {
    REQUIRE(p->started || event->kind == PBFT_START);
    REQUIRE(!p->executing || event->kind == PBFT_EXECUTED);
    REQUIRE(!p->checkpointing || event->kind == PBFT_CHECKPOINTED);
    out_begin(p);
    timers_watch(p, event->now);
    p->now = event->now > p->now ? event->now : p->now;
    p->wall = event->wall;
    handle(p, event);
    advance(p);
    pbft_check(p);
    out_end(p, out);
}

mono_ms pbft_deadline(const struct pbft *p) {
    return timers_deadline(p);
}

void pbft_set_facts(struct pbft *p, const struct pbft_host_facts *facts) {
    p->facts = *facts;
}

void pbft_inspect(const struct pbft *p, struct pbft_view *out) {
    *out = (struct pbft_view){.view = p->view,
                              .phase = shown_phase(p),
                              .primary = pbft_primary(p),
                              .executed = p->executed,
                              .certified = pbft_c(p),
                              .stable = pbft_h(p),
                              .next = p->next,
                              .stable_root = p->stable.statement.root,
                              .wish = pbft_wish(p),
                              .pool = pool_pending(&p->pool),
                              .backoff = p->backoff,
                              .view_changes = p->view_changes,
                              .fetched = p->fetched,
                              .amnesiac = p->recall.amnesiac,
                              .boot_claimed = p->recall.claimed};
    for (unsigned i = 0; i < ERR_LIMIT; i++) {
        out->refused[i] = p->refused[i];
    }
}

const struct request *pbft_request(const struct pbft *p, const struct digest *digest) {
    const struct pooled *e = pool_find(&p->pool, digest);
    return e ? e->request : NULL;
}

bool pbft_awaits(const struct pbft *p, const struct digest *digest) {
    const struct pooled *e = pool_find(&p->pool, digest);
    return e && e->request && (e->named > 0 || !pool_is_rival(&p->pool, e));
}

bool pbft_wanted(const struct pbft *p, const struct digest *digest) {
    const struct pooled *e = pool_find(&p->pool, digest);
    return e && !e->request;
}

const struct request *pbft_request_by_seq(const struct pbft *p, const struct public_key *client, uint64_t req_seq) {
    const struct pooled *e = pool_find_seq(&p->pool, client, req_seq);
    return e ? e->request : NULL;
}

const struct checkpoint_cert *pbft_stable_cert(const struct pbft *p) {
    return &p->stable;
}

const struct request *pbft_pending(const struct pbft *p, size_t *place) {
    while (++*place < p->pool.used) {
        const struct pooled *e = &p->pool.entries[*place];
        if (e->request && e->pending) {
            return e->request;
        }
    }
    return NULL;
}
