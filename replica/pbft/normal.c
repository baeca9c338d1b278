/* Normal operation (R4): the primary proposes, backups accept and PREPARE, whoever is prepared COMMITs. Every handler
   is the rule's list of conditions, then record, then advance. */
#include "replica/pbft/core.h"

/* --- records --- */

/* The requests that the batch names and the store may lack: synced with the ACCEPT that relies on them (R14). */
static void persist_requests(struct pbft *p, const struct held_batch *b) {
    for (unsigned i = 0; b && i < b->batch.count; i++) {
        struct pooled *e = pool_find(&p->pool, &b->batch.refs[i].digest);
        if (e && e->request && !e->stored) {
            out_record(p, PBFT_PERSIST, RECORD_REQUEST, key_digest(&e->digest), e->request->frame);
            e->stored = true;
        }
    }
}

void persist_accept(struct pbft *p, const struct slot *s) {
    const struct vote *v = &s->accepted.statement;
    const struct held_batch *b = slot_batch(s, &v->d);
    const struct ballot *own = slot_ballot(p, s, VOTE_PREPARE, p->config.self, v->v);
    bool prepared = own->held && vote_equal(&own->statement, v);
    struct buffer *out = &p->out.body;
    persist_requests(p, b);
    buffer_clear(out);
    vote_encode(buffer_extend(out, VOTE_BODY_LEN), v);
    buffer_put(out, s->accepted.sig.b, SIGNATURE_LEN);
    buffer_block(out, b ? buffer_bytes(&b->bytes) : (struct bytes){0});
    buffer_u8(out, prepared);
    buffer_put(out, own->sig.b, prepared ? SIGNATURE_LEN : 0);
    out_record(p, PBFT_PERSIST, RECORD_ACCEPT, key_n_v(v->n, v->v), buffer_bytes(out));
}

static void persist_prepared(struct pbft *p, const struct slot *s, const struct signature *commit) {
    struct buffer entry = {0};
    codec_encode_prepared(&entry, &s->entry);
    buffer_clear(&p->out.body);
    buffer_block(&p->out.body, buffer_bytes(&entry));
    buffer_put(&p->out.body, commit->b, SIGNATURE_LEN);
    buffer_free(&entry);
    out_record(p, PBFT_PERSIST, RECORD_PREPARED, key_n(s->n), buffer_bytes(&p->out.body));
}

/* --- the primary --- */

unsigned in_flight(const struct pbft *p) {
    unsigned count = 0;
    seq_no from = p->executed > pbft_c(p) ? p->executed : pbft_c(p);
    for (seq_no n = from + 1; n < p->next; n++) {
        const struct slot *s = slot_find(p, n);
        count += !s || s->fate == FATE_OPEN;
    }
    return count;
}

static bool all_prepared(const struct pbft *p) {
    seq_no from = p->executed > pbft_c(p) ? p->executed : pbft_c(p);
    for (seq_no n = from + 1; n < p->next; n++) {
        const struct slot *s = slot_find(p, n);
        if (!s || (s->fate == FATE_OPEN && s->stage != STAGE_PREPARED)) {
            return false;
        }
    }
    return true;
}

/* Ticks alone wait for every member's, so that they share a batch. */
static bool ticks_may_go(const struct pbft *p) {
    const struct pooled *first = pool_entry(&p->pool, p->pool.queue.head);
    return p->pool.queued_ticks >= p->members || p->now >= first->since + timer_tick_wait(p);
}

/* At once when nothing is on its way to be prepared; while something is, only a full batch goes beside it. */
static bool worth_a_batch(const struct pbft *p) {
    const struct pool *q = &p->pool;
    if (q->queue.count == 0) {
        return false;
    }
    if (q->queue.count >= p->config.batch_max) {
        return true;
    }
    return all_prepared(p) && (q->queue.count > q->queued_ticks || ticks_may_go(p));
}

static bool may_propose(struct pbft *p) {
    if (p->phase != PHASE_ACTIVE || !pbft_is_primary(p) || p->breached) {
        return false;
    }
    while (slot_find(p, p->next) && slot_find(p, p->next)->fate != FATE_OPEN) {
        p->next++; /* learned by certificate */
    }
    return p->next <= pbft_window_end(p) && in_flight(p) < p->config.in_flight && worth_a_batch(p);
}

struct pick {
    struct request_ref refs[BATCH_REFS_MAX];
    unsigned count, ticks;
    size_t payload;
};

/* One request per member and batch: its tick (R3), or a piece of its evidence, which shall not crowd out the log (R10).
 */
static bool is_member_s_second(const struct pbft *p, const struct pick *x, const struct pooled *e) {
    if (p->pool.owners[e->owner].lane != PBFT_LANE_MEMBER) {
        return false;
    }
    for (unsigned i = 0; i < x->count; i++) {
        if (public_key_equal(&x->refs[i].client, &e->client)) {
            return true;
        }
    }
    return false;
}

static bool repeats(const struct pick *x, const struct pooled *e) {
    for (unsigned i = 0; i < x->count; i++) {
        if (x->refs[i].req_seq == e->req_seq && public_key_equal(&x->refs[i].client, &e->client)) {
            return true;
        }
    }
    return false;
}

static void pick_requests(const struct pbft *p, struct pick *x) {
    for (uint32_t i = p->pool.queue.head; i != POOL_NONE && x->count < p->config.batch_max;) {
        const struct pooled *e = pool_entry(&p->pool, i);
        i = e->in_queue.next;
        if (is_member_s_second(p, x, e) || repeats(x, e)) {
            continue;
        }
        if (x->payload + e->request->frame.len > BATCH_PAYLOAD_MAX) {
            break;
        }
        x->payload += e->request->frame.len;
        x->refs[x->count++] = (struct request_ref){e->client, e->req_seq, e->digest};
    }
}

void pre_prepare_send(struct pbft *p, const struct slot *s, member_set to) {
    const struct held_batch *b = slot_batch(s, &s->accepted.statement.d);
    struct buffer *body = &p->out.body;
    buffer_clear(body);
    vote_encode(buffer_extend(body, VOTE_BODY_LEN), &s->accepted.statement);
    buffer_put(body, b->bytes.data, b->bytes.len);
    out_rebuilt(p, to, FRAME_PRE_PREPARE, buffer_bytes(body), &s->accepted.sig);
}

static void propose_one(struct pbft *p) {
    struct pick x = {.count = 0};
    struct buffer bytes = {0};
    struct slot *s = slot_at(p, p->next);
    pick_requests(p, &x);
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, x.count, x.refs});
    struct digest d = batch_digest(buffer_bytes(&bytes));
    enum error e = slot_hold_batch(p, s, &d, buffer_bytes(&bytes));
    buffer_free(&bytes);
    ENSURE(e == ERR_OK && s->stage == STAGE_EMPTY);
    struct proposal mine = {true, {p->view, p->next, d, p->nv_digest}, {{0}}};
    sign_vote(p, s, FRAME_PRE_PREPARE, &mine.statement, &mine.sig);
    p->next++;
    accept_proposal(p, s, &mine);
    pre_prepare_send(p, s, p->others);
    slot_advance(p, s);
}

void propose(struct pbft *p) {
    while (may_propose(p)) {
        propose_one(p);
    }
}

/* --- everyone --- */

/* The slot takes the proposal: ACCEPT is durable before the PRE-PREPARE or PREPARE leaves; the primary sends no
 * PREPARE. */
void accept_proposal(struct pbft *p, struct slot *s, const struct proposal *proposal) {
    const struct proposal taken = *proposal;
    const struct vote *v = &taken.statement;
    uint8_t body[VOTE_BODY_LEN];
    struct signature sig;
    bool is_backup = !pbft_is_primary(p);
    REQUIRE(p->phase == PHASE_ACTIVE && v->v == p->view && window_holds(p, v->n));
    if (s->waiting.held && s->waiting.statement.v <= v->v) {
        s->waiting.held = false;
    }
    s->accepted = taken;
    slot_move(p, s, STAGE_ACCEPTED);
    slot_name_requests(p, s);
    if (is_backup) {
        sign_vote(p, s, FRAME_PREPARE, v, &sig);
        slot_keep_vote(p, s, VOTE_PREPARE, p->config.self, v, &sig);
    }
    persist_accept(p, s);
    if (is_backup) {
        vote_encode(body, v);
        out_rebuilt(p, p->others, FRAME_PREPARE, bytes_of(body, sizeof body), &sig);
    }
    for (member_id i = 0; i < p->members; i++) {
        show_proposal(p, s, i);
    }
}

/* A decided slot still gets my votes for what was decided: another member may need them, when a traitor showed its own
   to me alone. */
static bool agrees_with_fate(const struct slot *s, const struct vote *v) {
    return s->fate == FATE_OPEN || digest_equal(&s->chosen.d, &v->d);
}

/* A1-A5, as far as they can turn true later. */
static bool waiting_may_be_accepted(const struct pbft *p, const struct slot *s) {
    const struct vote *v = &s->waiting.statement;
    const struct held_batch *b = slot_batch(s, &v->d);
    return s->waiting.held && p->phase == PHASE_ACTIVE && v->v == p->view && /* A1 */
           digest_equal(&v->nv_digest, &p->nv_digest) &&                     /* A1 */
           window_holds(p, v->n) && v->n > p->nv_max &&                      /* A2 */
           s->stage == STAGE_EMPTY && agrees_with_fate(s, v) &&              /* A3 */
           b && (s->fate == FATE_EXECUTED || batch_complete(p, b)) &&        /* A5 */
           slot_may_sign(s, FRAME_PREPARE, v);                               /* S1 */
}

/* prepared: ACCEPT and Q-1 equal PREPAREs from distinct members that are not the primary. */
static bool is_prepared(const struct pbft *p, const struct slot *s, member_set *voters) {
    if (s->stage != STAGE_ACCEPTED || p->phase != PHASE_ACTIVE || !window_holds(p, s->n)) {
        return false;
    }
    *voters = slot_votes(p, s, VOTE_PREPARE, &s->accepted.statement) & (member_set)~set_of(pbft_primary(p));
    return set_count(*voters) >= p->strong - 1;
}

static void commit(struct pbft *p, struct slot *s, member_set voters) {
    const struct vote *v = &s->accepted.statement;
    struct signature sig;
    uint8_t body[VOTE_BODY_LEN];
    s->entry = (struct prepared_entry){.statement = *v, .pp_sig = s->accepted.sig};
    s->entry.count = slot_signatures(p, s, VOTE_PREPARE, v, voters, p->strong - 1, s->entry.prepares);
    s->has_entry = true;
    slot_move(p, s, STAGE_PREPARED);
    sign_vote(p, s, FRAME_COMMIT, v, &sig);
    persist_prepared(p, s, &sig); /* I6 */
    slot_keep_vote(p, s, VOTE_COMMIT, p->config.self, v, &sig);
    vote_encode(body, v);
    out_rebuilt(p, p->others, FRAME_COMMIT, bytes_of(body, sizeof body), &sig);
}

/* decided(n)=d: Q equal COMMITs of distinct members for one (v, n, d, nv_digest), whatever my own view and phase. */
static void choose_if_committed(struct pbft *p, struct slot *s, const struct vote *v) {
    member_set voters = slot_votes(p, s, VOTE_COMMIT, v);
    if (set_count(voters) >= p->strong) {
        struct member_signature commits[MEMBERS_MAX];
        unsigned count = slot_signatures(p, s, VOTE_COMMIT, v, voters, p->strong, commits);
        choose(p, s, v, count, commits);
    }
}

void slot_advance(struct pbft *p, struct slot *s) {
    member_set voters;
    if (waiting_may_be_accepted(p, s)) {
        accept_proposal(p, s, &s->waiting);
    }
    if (is_prepared(p, s, &voters)) {
        commit(p, s, voters);
        choose_if_committed(p, s, &s->accepted.statement);
    }
    if (s->fate == FATE_CHOSEN && slot_batch(s, &s->chosen.d)) {
        slot_settle(p, s, FATE_DECIDED);
        slot_name_requests(p, s);
        p->decided_at = p->now;
    }
}

/* --- handlers --- */

/* Is this PRE-PREPARE's key taken, by the same statement or by another one? */
static enum error proposal_conflict(struct pbft *p, const struct proposal *held, const struct vote *v,
                                    const struct signature *sig) {
    if (!held->held || held->statement.v != v->v) {
        return ERR_OK;
    }
    if (vote_equal(&held->statement, v)) {
        return ERR_DUPLICATE;
    }
    notice_proposals(p, held, v, sig);
    if (v->v == p->view) { /* the primary of a view to come shall not end this one */
        suspect(p, WISH_PROOF);
    }
    return ERR_CONFLICT;
}

static enum error pre_prepare_refusal(struct pbft *p, const struct msg *m) {
    const struct vote *v = &m->pre_prepare.statement;
    bool current = v->v == p->view && p->phase == PHASE_ACTIVE;
    if (v->v < p->view || v->v >= p->view + VIEWS_KEPT) { /* A1 */
        return ERR_WRONG_VIEW;
    }
    if (m->sender != primary_of(v->v, p->members) || m->sender == p->config.self) { /* A1 */
        return ERR_NOT_PRIMARY;
    }
    if (!window_holds(p, v->n)) { /* A2 */
        return ERR_OUTSIDE_WINDOW;
    }
    if (current && !digest_equal(&v->nv_digest, &p->nv_digest)) { /* A1 */
        return ERR_WRONG_NEW_VIEW;
    }
    if (current && v->n <= p->nv_max) { /* A2: the NEW-VIEW itself has settled it */
        return ERR_STALE;
    }
    return ERR_OK;
}

/* One proposal waits per slot. The nearest view's has the place, so that no primary of a later one can crowd it out;
   what is turned away is sent again when its view has come. */
static bool waits_for_nearer_view(const struct pbft *p, const struct slot *s, const struct vote *v) {
    return s->waiting.held && s->waiting.statement.v >= p->view && s->waiting.statement.v < v->v;
}

enum error handle_pre_prepare(struct pbft *p, const struct msg *m) {
    const struct vote *v = &m->pre_prepare.statement;
    enum error e = pre_prepare_refusal(p, m);
    if (e == ERR_STALE || e == ERR_WRONG_NEW_VIEW) { /* refused, but maybe against what it signed in its NEW-VIEW */
        const struct slot *settled = slot_find(p, v->n);
        if (settled) {
            proposal_conflict(p, &settled->accepted, v, &m->sig);
        }
    }
    if (e != ERR_OK) {
        return e;
    }
    struct slot *s = slot_at(p, v->n);
    if ((e = proposal_conflict(p, &s->accepted, v, &m->sig)) != ERR_OK || /* A3 */
        (e = proposal_conflict(p, &s->waiting, v, &m->sig)) != ERR_OK) {
        return e;
    }
    if (!agrees_with_fate(s, v)) {
        return ERR_CONFLICT; /* never against a decision */
    }
    if (waits_for_nearer_view(p, s, v)) {
        return ERR_STALE;
    }
    if ((e = slot_hold_batch(p, s, &v->d, m->pre_prepare.batch_bytes)) != ERR_OK) { /* A4 */
        return e;
    }
    s->waiting = (struct proposal){true, *v, m->sig};
    if (v->v == p->view && p->phase == PHASE_ACTIVE) {
        service_proposed(p, slot_batch(s, &v->d));
    }
    slot_name_requests(p, s);
    slot_advance(p, s);
    fetch_now(p, s); /* A5, S5: hold and fetch */
    return ERR_OK;
}

static enum error vote_refusal(const struct pbft *p, const struct msg *m) {
    const struct vote *v = &m->vote;
    bool prepare = m->type == FRAME_PREPARE;
    if (v->n <= (prepare ? pbft_c(p) : p->base) || v->n > pbft_window_end(p)) {
        return ERR_OUTSIDE_WINDOW;
    }
    if (v->v >= p->view + VIEWS_KEPT || (prepare && v->v < p->view)) {
        return ERR_WRONG_VIEW;
    }
    if (prepare && m->sender == primary_of(v->v, p->members)) { /* BUG20: its PRE-PREPARE is its vote */
        return ERR_PRIMARY_PREPARE;
    }
    if (v->v == p->view && p->phase == PHASE_ACTIVE && !digest_equal(&v->nv_digest, &p->nv_digest)) {
        return ERR_WRONG_NEW_VIEW;
    }
    return ERR_OK;
}

enum error handle_vote(struct pbft *p, const struct msg *m) {
    enum vote_kind kind = m->type == FRAME_PREPARE ? VOTE_PREPARE : VOTE_COMMIT;
    enum error e = vote_refusal(p, m);
    if (e == ERR_WRONG_NEW_VIEW && slot_find(p, m->vote.n)) {
        notice_vote(p, slot_find(p, m->vote.n), m);
    }
    if (e != ERR_OK) {
        return e;
    }
    struct slot *s = slot_at(p, m->vote.n);
    const struct ballot *b = slot_ballot(p, s, kind, m->sender, m->vote.v);
    if (b->held && b->statement.v > m->vote.v) {
        return ERR_STALE;
    }
    if (b->held && vote_equal(&b->statement, &m->vote)) {
        return ERR_DUPLICATE;
    }
    if (b->held && b->statement.v == m->vote.v) { /* the first stands */
        notice_vote(p, s, m);
        return ERR_CONFLICT;
    }
    notice_vote(p, s, m);
    slot_keep_vote(p, s, kind, m->sender, &m->vote, &m->sig);
    if (kind == VOTE_COMMIT) {
        notice_commit(p, s, m->sender, m->vote.v);
        choose_if_committed(p, s, &m->vote);
    } else {
        show_proposal(p, s, m->sender);
    }
    slot_advance(p, s);
    fetch_now(p, s);
    return ERR_OK;
}
