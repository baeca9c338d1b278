/* When a whole state is fetched instead of the decisions that led to it (R7), and what follows once it is there. The
   host finds donors and checks every byte under a certificate; votes need no state and go on meanwhile. A state that is
   not what this replica or a quorum signed is of no use: REPAIR, until it was replaced. */
#include "replica/pbft/core.h"

enum {
    FAR = 4,           /* checkpoint intervals: beyond that a state is cheaper than its decisions */
    NEAR = 2,          /* below that a transfer which found no donor is called off */
    STUCK_RESENDS = 40 /* resend intervals without progress while behind: nobody has those decisions any more */
};

static seq_no gap(const struct pbft *p) {
    return behind(p) ? pbft_c(p) - p->executed : 0;
}

static bool stuck(const struct pbft *p) {
    return behind(p) && p->now - p->executed_at >= STUCK_RESENDS * p->config.resend_interval;
}

static bool wants_state(const struct pbft *p) {
    if (p->damaged || p->facts.transfer_target > 0) {
        return true;
    }
    return gap(p) > (p->transferring ? NEAR : FAR) * (seq_no)p->config.checkpoint_interval || stuck(p);
}

/* Damaged: whatever reaches what I executed, so that execution never goes back. Else something new enough to be worth
   it. */
static seq_no wanted_from(const struct pbft *p) {
    seq_no near = NEAR * (seq_no)p->config.checkpoint_interval;
    if (p->damaged) {
        return p->executed > 0 ? p->executed : 1;
    }
    return gap(p) > near ? pbft_c(p) - near : p->executed + 1;
}

static void want_state(struct pbft *p, seq_no at_least) {
    struct pbft_action *a = out_add(p, PBFT_TRANSFER);
    a->n = at_least;
    a->damaged = p->damaged;
    p->transferring = at_least > 0;
}

void transfer_advance(struct pbft *p) {
    bool votes = p->phase == PHASE_ACTIVE || p->phase == PHASE_CHANGING;
    if (p->damaged && votes) {
        enter_repair(p);
    }
    bool wants = !p->breached && wants_state(p), news = p->damaged && !p->damage_told;
    if (wants != p->transferring || (wants && news)) {
        p->damage_told = p->damaged;
        want_state(p, wants ? wanted_from(p) : 0);
    }
    if (p->transferring && pbft_is_primary(p) && !recall_withholds(p)) { /* R11: somebody else can lead, I can't */
        wish_raise(p, p->view + 1, WISH_PROOF);
    }
}

bool transfer_runs(const struct pbft *p) {
    return p->damaged || p->facts.transfer_target > 0;
}

enum phase shown_phase(const struct pbft *p) {
    return p->transferring && p->phase == PHASE_ACTIVE ? PHASE_TRANSFER : p->phase;
}

void enter_repair(struct pbft *p) {
    p->damaged = true;
    if (p->phase != PHASE_ACTIVE && p->phase != PHASE_CHANGING) {
        return; /* it does not vote anyway */
    }
    view_move(p, PHASE_REPAIR);
}

/* ---- the new state is in force ---- */

static void forget_the_past(struct pbft *p) {
    for (unsigned i = 0; i < BRIDGE_LEN; i++) {
        if (p->bridge[i].n <= p->executed) {
            slot_clear(p, &p->bridge[i]);
        }
    }
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) { /* signed over a state that was left behind, or was wrong */
        p->peers[p->config.self].checkpoints[i].held = false;
    }
}

static void settle_requests(struct pbft *p, const struct pbft_done *done, size_t count) {
    for (size_t i = 0; i < count; i++) {
        pool_done(&p->pool, &done[i].client, done[i].req_seq, p->now);
        pool_outdated(&p->pool, &done[i].client, done[i].old, p->now);
        pool_ready(&p->pool, &done[i].client, done[i].ready, p->now);
    }
    pool_time(&p->pool, p->executed_t, p->now);
}

/* BUG9: whatever came meanwhile is looked at again. */
static void resume(struct pbft *p) {
    p->decided_at = p->executed_at = p->calm_since = p->now;
    if (p->phase == PHASE_REPAIR) {
        recall_resume(p);
    } else {
        slots_resume(p);
    }
}

void handle_transferred(struct pbft *p, const struct pbft_event *e) {
    const struct checkpoint_cert *cert = e->transferred.cert;
    const struct checkpoint *c = &cert->statement;
    REQUIRE(p->transferring && c->n >= p->executed && !p->executing && !p->checkpointing);
    p->transferring = p->damaged = p->damage_told = false;
    p->facts.transfer_target = 0;
    p->executed = c->n;
    p->executed_t = c->t;
    p->log_hash = c->log_hash;
    p->asked_last = 0;
    trace(p, "transferred n=%llu root=%s", (unsigned long long)c->n, shorten(&c->root).text);
    forget_the_past(p);
    checkpoint_keep(p, p->config.self, c, NULL);
    adopt_certificate(p, cert);
    if (c->n > pbft_h(p)) { /* certified already: mine is the state that a quorum vouches for */
        make_stable(p, cert);
    }
    p->next = p->executed >= p->next ? p->executed + 1 : p->next;
    settle_requests(p, e->transferred.done, e->transferred.done_count);
    resume(p);
    stable_advance(p);
}
