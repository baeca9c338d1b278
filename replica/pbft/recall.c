/* The rollback guard (R13). After every start a replica asks the others what they hold of its own signatures, and votes
   only when Q-1 of them have answered. A statement that its guard lacks and no drill made it sign, or a STATUS of a
   boot that it never counted, means that its disk was lost or rolled back: it might sign the opposite of what it signed
   before, so it never votes again. While it runs, a STATUS of another boot under its key means that somebody else uses
   the key. */
#include "replica/pbft/core.h"

#include <stdio.h>
#include <stdlib.h>

enum { ASK_RECALL = ASKS_MAX / 2 };

/* --- phases --- */

static bool recall_retired(const struct pbft *p) {
    return p->recall.amnesiac || p->recall.twin;
}

bool recall_withholds(const struct pbft *p) {
    return p->recall.amnesiac || p->recall.twin || p->phase == PHASE_RECALL;
}

enum phase recall_phase(const struct pbft *p) {
    if (p->recall.amnesiac || p->recall.twin) {
        return PHASE_LEARNER;
    }
    if (p->recall.open) {
        return PHASE_RECALL;
    }
    if (p->damaged) {
        return PHASE_REPAIR;
    }
    return view_is_installed(p) ? PHASE_ACTIVE : PHASE_CHANGING;
}

/* Slots that waited for the right to vote (S7). */
void slots_resume(struct pbft *p) {
    for (seq_no n = p->base + 1; n <= pbft_window_end(p); n++) {
        struct slot *s = slot_find(p, n);
        if (s) {
            slot_advance(p, s);
            fetch_now(p, s);
        }
    }
}

void recall_resume(struct pbft *p) {
    view_move(p, recall_phase(p));
    if (p->phase != PHASE_ACTIVE && p->phase != PHASE_CHANGING) {
        return;
    }
    requests_rearm(p);
    timers_start(p);
    checkpoints_sign(p);
    if (p->phase == PHASE_CHANGING) {
        view_change_send(p, p->others);
    } else if (p->phase == PHASE_ACTIVE) { /* a checkpoint may have shown that the state diverged */
        slots_resume(p);
    }
}

void recall_start(struct pbft *p) {
    p->recall.open = true;
    view_move(p, recall_phase(p));
    recall_send(p);
}

static void retire(struct pbft *p) {
    if (p->phase == PHASE_RECALL || p->phase == PHASE_ACTIVE || p->phase == PHASE_CHANGING) {
        view_move(p, PHASE_LEARNER);
    }
}

/* Recorded before anything else leaves: no later start of this directory votes either. */
static void become_amnesiac(struct pbft *p, const char *what) {
    static const uint8_t mark[1] = {1};
    if (p->recall.amnesiac) {
        return;
    }
    p->recall.amnesiac = true;
    out_record(p, PBFT_PERSIST, RECORD_AMNESIAC, key_none(), bytes_of(mark, sizeof mark));
    trace(p, "AMNESIAC: this key signed %s, which the disk does not know: lost or rolled back. It votes no more", what);
    retire(p);
}

/* Not recorded: the next start asks again, and then what the others hold decides. */
static void become_twin(struct pbft *p, const char *what) {
    if (p->recall.amnesiac || p->recall.twin) {
        return;
    }
    p->recall.twin = true;
    trace(p, "TWIN: this key signed %s: a second process uses it, or the disk was rolled back. It votes no more", what);
    retire(p);
}

static void contradicted(struct pbft *p, const char *what) {
    if (p->recall.open) {
        become_amnesiac(p, what);
    } else {
        become_twin(p, what);
    }
}

/* --- asking --- */

void recall_send(struct pbft *p) {
    struct msg m = {.type = FRAME_RECALL};
    m.recall = (struct msg_recall){p->facts.boot, p->facts.boot_random, pbft_c(p), p->view};
    if (p->recall.open) {
        out_message(p, p->others & (member_set)~p->recall.answered, &m);
    }
}

/* --- judging an answer: what the guard knows needs no verification, what it lacks must be proven --- */

bool guard_covers(const struct guard *g, view_no v, struct bytes body) {
    struct digest digest = guard_digest(body);
    return g->held && (g->v > v || (g->v == v && digest_equal(&g->digest, &digest)));
}

/* The PRE-PREPAREs of an own NEW-VIEW lie in its guard when they had no slot yet. */
static bool new_view_covers(const struct pbft *p, const struct recalled *s) {
    return s->type == FRAME_PRE_PREPARE && p->guard_nv.held &&
           (p->guard_nv.v > s->vote.v || (p->guard_nv.v == s->vote.v && p->nv_view == s->vote.v &&
                                          digest_equal(&p->nv_digest, &s->vote.nv_digest) && s->vote.n <= p->nv_max));
}

/* At or below c all is final: nothing that was signed there can matter any more. */
bool statement_known(const struct pbft *p, const struct recalled *s, struct bytes body) {
    const struct slot *slot = slot_find(p, recalled_n(s));
    view_no v = s->type == FRAME_CHECKPOINT ? 0 : s->vote.v;
    return recalled_n(s) <= pbft_c(p) || (slot && guard_covers(&slot->guards[guard_kind_of(s->type)], v, body)) ||
           new_view_covers(p, s);
}

static enum error judge_statement(struct pbft *p, const struct recalled *s) {
    uint8_t bytes[CHECKPOINT_BODY_LEN];
    char what[96];
    struct bytes body = bytes_of(bytes, recalled_body(bytes, s));
    struct seal_context context = seal_context_of(p, s->type, p->config.self);
    if (statement_known(p, s, body) || faulted_statement(p, s, body)) {
        return ERR_OK;
    }
    if (!seal_verify(&s->sig, &context, body, &p->config.verifier.keys[p->config.self])) {
        return ERR_BAD_PROOF;
    }
    snprintf(what, sizeof what, "a %s for n=%llu", frame_type_name(s->type), (unsigned long long)recalled_n(s));
    contradicted(p, what);
    return ERR_OK;
}

/* A whole frame that is said to be mine. ERR_NOT_FOUND: none; ERR_WRONG_EPOCH: of other keys, nothing to judge. */
static enum error open_own(const struct pbft *p, struct frame *f, struct bytes raw, enum frame_type type) {
    if (raw.len == 0) {
        return ERR_NOT_FOUND;
    }
    enum error e = frame_open(f, raw);
    if (e != ERR_OK || f->type != type || f->sender != p->config.self) {
        return ERR_BAD_PROOF;
    }
    return f->epoch == p->config.verifier.epoch ? ERR_OK : ERR_WRONG_EPOCH;
}

static enum error verify_own(const struct pbft *p, const struct frame *f) {
    const struct verifier *v = &p->config.verifier;
    return frame_verify(f, &v->cluster, &v->keys[p->config.self]) == ERR_OK ? ERR_OK : ERR_BAD_PROOF;
}

static view_no view_of(const struct msg *m) {
    return m->type == FRAME_VIEW_CHANGE ? m->view_change.v : m->new_view.v;
}

/* A VIEW-CHANGE or NEW-VIEW of mine. */
static enum error judge_view_frame(struct pbft *p, const struct guard *g, struct bytes raw, enum frame_type type) {
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    char what[96];
    enum error e = open_own(p, &f, raw, type);
    if (e != ERR_OK) {
        return e == ERR_BAD_PROOF ? e : ERR_OK;
    }
    e = codec_decode(&m, &f, &arena);
    view_no v = e == ERR_OK ? view_of(&m) : 0;
    arena_free(&arena);
    if (e != ERR_OK) {
        return ERR_BAD_PROOF;
    }
    if (guard_covers(g, v, f.signed_body) || faulted_view_frame(p, type, v, f.signed_body)) {
        return ERR_OK;
    }
    if (verify_own(p, &f) != ERR_OK) {
        return ERR_BAD_PROOF;
    }
    snprintf(what, sizeof what, "a %s for v=%llu", frame_type_name(type), (unsigned long long)v);
    contradicted(p, what);
    return ERR_OK;
}

/* My boot number is durable before a frame of that boot leaves: another boot at or above it is none of this disk's. */
static enum error judge_status(struct pbft *p, struct bytes raw) {
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    char what[96];
    enum error e = open_own(p, &f, raw, FRAME_STATUS);
    if (e != ERR_OK) {
        return e == ERR_BAD_PROOF ? e : ERR_OK;
    }
    e = codec_decode(&m, &f, &arena);
    arena_free(&arena);
    if (e != ERR_OK) {
        return ERR_BAD_PROOF;
    }
    uint64_t boot = m.status.boot;
    if (boot < p->facts.boot || (boot == p->facts.boot && m.status.boot_random == p->facts.boot_random)) {
        return ERR_OK;
    }
    if (verify_own(p, &f) != ERR_OK) {
        return ERR_BAD_PROOF;
    }
    bool known = p->recall.amnesiac && !p->recall.open;
    if (!known && boot > p->recall.claimed) {
        p->recall.claimed = boot;
    }
    snprintf(what, sizeof what, "a STATUS of boot %llu", (unsigned long long)boot);
    contradicted(p, what);
    return ERR_OK;
}

static enum error judge(struct pbft *p, const struct msg_recalled *r) {
    enum error e = judge_status(p, r->status);
    if (e == ERR_OK && !recall_retired(p)) {
        e = judge_view_frame(p, &p->guard_vc, r->view_change, FRAME_VIEW_CHANGE);
    }
    if (e == ERR_OK && !recall_retired(p)) {
        e = judge_view_frame(p, &p->guard_nv, r->new_view, FRAME_NEW_VIEW);
    }
    for (unsigned i = 0; e == ERR_OK && i < r->count && !recall_retired(p); i++) {
        e = judge_statement(p, &r->statements[i]);
    }
    return e;
}

enum error handle_recalled(struct pbft *p, const struct msg *m) {
    const struct msg_recalled *r = &m->recalled;
    if (r->to != p->config.self) {
        return ERR_OUT_OF_RANGE;
    }
    enum error e = judge(p, r);
    if (e != ERR_OK) {
        return e;
    }
    if (!p->recall.open || !r->answer || r->nonce != p->facts.boot_random) {
        return r->answer ? ERR_STALE : ERR_OK;
    }
    p->recall.answered |= set_of(m->sender);
    if (set_count(p->recall.answered) >= p->strong - 1) {
        p->recall.open = false;
        trace(p, "recalled by %u others", set_count(p->recall.answered));
        if (p->phase == PHASE_RECALL) {
            recall_resume(p);
        }
    }
    return ERR_OK;
}

/* --- answering: the newest statement of each kind and place is enough, since a guard of a higher view covers it --- */

struct memory { /* gathered from the highest n downwards */
    unsigned count;
    struct recalled list[RECALLED_MAX];
};

static void take_vote(struct recalled *best, enum frame_type type, const struct vote *v, const struct signature *sig) {
    if (best->type != type || best->vote.v < v->v) {
        *best = (struct recalled){.type = type, .vote = *v, .sig = *sig};
    }
}

static const struct signature *find_signature(const struct member_signature *list, unsigned count, member_id who) {
    for (unsigned i = 0; i < count; i++) {
        if (list[i].member == who) {
            return &list[i].sig;
        }
    }
    return NULL;
}

static void recall_proposals(const struct pbft *p, const struct slot *s, member_id who, struct recalled *best) {
    const struct proposal *held[] = {&s->accepted, &s->waiting};
    for (unsigned i = 0; i < 2; i++) {
        if (held[i]->held && primary_of(held[i]->statement.v, p->members) == who) {
            take_vote(best, FRAME_PRE_PREPARE, &held[i]->statement, &held[i]->sig);
        }
    }
    if (s->has_entry && primary_of(s->entry.statement.v, p->members) == who) {
        take_vote(best, FRAME_PRE_PREPARE, &s->entry.statement, &s->entry.pp_sig);
    }
}

static void recall_votes(const struct pbft *p, const struct slot *s, enum vote_kind kind, member_id who,
                         struct recalled *best) {
    enum frame_type type = kind == VOTE_PREPARE ? FRAME_PREPARE : FRAME_COMMIT;
    for (view_no v = 0; s->ballots && v < VIEWS_KEPT; v++) {
        const struct ballot *b = slot_ballot(p, s, kind, who, v);
        if (b->held) {
            take_vote(best, type, &b->statement, &b->sig);
        }
    }
    bool prepare = kind == VOTE_PREPARE;
    const struct signature *sig = prepare ? find_signature(s->entry.prepares, s->has_entry ? s->entry.count : 0, who)
                                          : find_signature(s->commits, s->commit_count, who);
    if (sig) {
        take_vote(best, type, prepare ? &s->entry.statement : &s->chosen, sig);
    }
}

static void recall_checkpoint(const struct pbft *p, seq_no n, member_id who, struct recalled *out) {
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) {
        const struct kept_checkpoint *x = &p->peers[who].checkpoints[i];
        if (x->held && x->is_signed && x->statement.n == n) {
            *out = (struct recalled){.type = FRAME_CHECKPOINT, .checkpoint = x->statement, .sig = x->sig};
        }
    }
    const struct signature *sig = n == pbft_c(p) ? find_signature(p->certified.sigs, p->certified.count, who) : NULL;
    if (sig) {
        *out = (struct recalled){.type = FRAME_CHECKPOINT, .checkpoint = p->certified.statement, .sig = *sig};
    }
}

/* In the order of the types, last one first: the list is turned round in the end. */
static void recall_slot(const struct pbft *p, seq_no n, member_id who, struct memory *out) {
    const struct slot *s = slot_find(p, n);
    struct recalled found[SLOT_GUARDS] = {{0}};
    recall_checkpoint(p, n, who, &found[GUARD_CHECKPOINT]);
    if (s) {
        recall_proposals(p, s, who, &found[GUARD_PRE_PREPARE]);
        recall_votes(p, s, VOTE_PREPARE, who, &found[GUARD_PREPARE]);
        recall_votes(p, s, VOTE_COMMIT, who, &found[GUARD_COMMIT]);
    }
    for (unsigned k = SLOT_GUARDS; k-- > 0;) {
        if (found[k].type != 0 && out->count < RECALLED_MAX) {
            out->list[out->count++] = found[k];
        }
    }
}

static void recall_statements(const struct pbft *p, seq_no above, member_id who, struct memory *out) {
    seq_no low = above > p->base ? above : p->base;
    for (seq_no n = pbft_window_end(p); n > low && out->count < RECALLED_MAX; n--) {
        recall_slot(p, n, who, out);
    }
    for (unsigned i = 0; i < out->count / 2; i++) {
        struct recalled swap = out->list[i];
        out->list[i] = out->list[out->count - 1 - i];
        out->list[out->count - 1 - i] = swap;
    }
}

enum error handle_recall(struct pbft *p, const struct msg *m) {
    const struct msg_recall *ask = &m->recall;
    const struct peer *peer = &p->peers[m->sender];
    if (!peer_may_ask(p, m->sender, ASK_RECALL)) {
        return ERR_BUSY;
    }
    struct memory *memory = xrealloc(NULL, sizeof *memory); /* large, and mostly unused */
    memory->count = 0;
    recall_statements(p, ask->n, m->sender, memory);
    struct msg out = {.type = FRAME_RECALLED};
    out.recalled = (struct msg_recalled){.to = m->sender,
                                         .nonce = ask->boot_random,
                                         .answer = true,
                                         .count = memory->count,
                                         .statements = memory->list,
                                         .status = buffer_bytes(&peer->newest)};
    if (peer->view_change && peer->view_change->view_change.v > ask->view) {
        out.recalled.view_change = peer->view_change->raw;
    }
    if (p->nv_frame.len > 0 && p->nv_view > ask->view && primary_of(p->nv_view, p->members) == m->sender) {
        out.recalled.new_view = buffer_bytes(&p->nv_frame);
    }
    out_message(p, set_of(m->sender), &out);
    free(memory);
    return ERR_OK;
}

/* --- a peer that lives twice --- */

void recall_heard(struct pbft *p, const struct msg *m) {
    struct buffer *newest = &p->peers[m->sender].newest;
    buffer_clear(newest);
    buffer_put(newest, m->raw.data, m->raw.len);
}

static void hint(struct pbft *p, member_id to, uint64_t nonce, struct bytes status) {
    struct msg m = {.type = FRAME_RECALLED};
    m.recalled = (struct msg_recalled){.to = to, .nonce = nonce, .status = status};
    out_message(p, set_of(to), &m);
}

void recall_estranged(struct pbft *p, const struct msg *m) {
    const struct msg_status *s = &m->status;
    struct peer *peer = &p->peers[m->sender];
    if (s->phase == PHASE_LEARNER || p->now - peer->hinted_at < p->config.status_interval) {
        return;
    }
    peer->hinted_at = p->now;
    hint(p, m->sender, s->boot_random, buffer_bytes(&peer->newest));
    if (s->boot == peer->status.boot) { /* which of the two hears it, nobody knows */
        hint(p, m->sender, peer->status.boot_random, m->raw);
    }
}
