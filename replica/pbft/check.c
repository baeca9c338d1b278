/* What must hold after every step, in release too. Statements about this replica's own state only: nothing that a peer
   sends can break one of them. */
#include "replica/pbft/core.h"

static void check_marks(const struct pbft *p) {
    ENSURE(pbft_h(p) <= pbft_c(p));
    ENSURE(pbft_h(p) <= p->executed); /* I11: stable implies executed */
    ENSURE(p->base <= pbft_c(p));
    ENSURE(pbft_window_end(p) - p->base <= p->ring_len); /* no two slots share a place */
    ENSURE(p->executed <= pbft_window_end(p));
    IMPLIES(p->executing != 0, p->executing == p->executed + 1);
    IMPLIES(p->checkpointing != 0, p->checkpointing == p->executed);
    IMPLIES(p->started, p->next > pbft_c(p));
}

static void check_view(const struct pbft *p) {
    IMPLIES(p->started, p->phase != PHASE_STARTING);
    ENSURE(pbft_wish(p) >= p->view);
    IMPLIES(p->phase == PHASE_ACTIVE && p->view > 0, p->nv_view == p->view);
    IMPLIES(p->phase == PHASE_ACTIVE && p->view == 0, digest_is_zero(&p->nv_digest));
    IMPLIES(p->guard_vc.held, p->guard_vc.v <= p->view);
    IMPLIES(p->guard_nv.held, p->guard_nv.v <= p->view);
    IMPLIES(p->phase == PHASE_CHANGING, p->guard_vc.held && p->guard_vc.v == p->view); /* S3: never back */
}

static void check_slot(const struct pbft *p, const struct slot *s) {
    ENSURE(s->accepted.held == (s->stage != STAGE_EMPTY));
    IMPLIES(s->accepted.held, s->accepted.statement.n == s->n);
    IMPLIES(s->accepted.held && p->phase == PHASE_ACTIVE, s->accepted.statement.v == p->view);
    IMPLIES(s->stage == STAGE_PREPARED, s->has_entry && s->entry.statement.v == s->accepted.statement.v); /* I6 */
    IMPLIES(s->has_entry, s->entry.count == p->strong - 1);
    IMPLIES(s->guards[GUARD_COMMIT].held, s->has_entry && s->entry.statement.v >= s->guards[GUARD_COMMIT].v); /* I6 */
    IMPLIES(s->guards[GUARD_COMMIT].held, s->guards[GUARD_COMMIT].v <= p->view);                              /* I7 */
    IMPLIES(s->guards[GUARD_PREPARE].held, s->guards[GUARD_PREPARE].v <= p->view);
    IMPLIES(s->fate == FATE_CHOSEN || s->fate == FATE_DECIDED, s->commit_count >= p->strong);
    IMPLIES(s->fate == FATE_DECIDED, slot_batch(s, &s->chosen.d) != NULL);
}

void pbft_check(const struct pbft *p) {
    check_marks(p);
    check_view(p);
    for (seq_no n = pbft_c(p) + 1; n <= pbft_window_end(p); n++) {
        const struct slot *s = slot_find(p, n);
        if (s) {
            check_slot(p, s);
        }
    }
    pool_check(&p->pool);
}
