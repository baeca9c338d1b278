/* Proofs by signatures: pure functions of the epoch's keys. Any invalid part voids the whole (S6, BUG8). A replica runs
   them on admit's threads, before its core sees the message; a client runs them on what it was shown. */
#include "proto/proof.h"

static bool signed_by(const struct verifier *v, enum frame_type type, member_id member, struct bytes body,
                      const struct signature *sig) {
    struct seal_context context = {(uint8_t)type, v->cluster, v->epoch, member};
    return member < v->members && seal_verify(sig, &context, body, &v->keys[member]);
}

/* count signatures by distinct members, sorted, none by `except`, all over the same statement. */
static bool signatures_valid(const struct verifier *v, enum frame_type type, struct bytes body,
                             const struct member_signature *sigs, unsigned count, member_id except) {
    for (unsigned i = 0; i < count; i++) {
        if ((i > 0 && sigs[i].member <= sigs[i - 1].member) || sigs[i].member == except ||
            !signed_by(v, type, sigs[i].member, body, &sigs[i].sig)) {
            return false;
        }
    }
    return true;
}

enum error proof_checkpoint_cert_valid(const struct verifier *v, const struct checkpoint_cert *c) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    if (c->statement.n == 0) { /* BUG25: the genesis proves itself */
        return c->count == 0 ? ERR_OK : ERR_BAD_PROOF;
    }
    if (c->count < quorum_strong(v->members) || c->count > v->members) {
        return ERR_BAD_PROOF;
    }
    checkpoint_encode(body, &c->statement);
    return signatures_valid(v, FRAME_CHECKPOINT, bytes_of(body, sizeof body), c->sigs, c->count, MEMBER_NONE)
               ? ERR_OK
               : ERR_BAD_PROOF;
}

/* PRE-PREPARE by primary(u) and Q-1 PREPAREs of others over the rebuilt headers. */
static bool prepared_valid(const struct verifier *v, const struct prepared_entry *p) {
    uint8_t body[VOTE_BODY_LEN];
    member_id primary = primary_of(p->statement.v, v->members);
    vote_encode(body, &p->statement);
    struct bytes header = bytes_of(body, sizeof body);
    return p->count == quorum_strong(v->members) - 1 && signed_by(v, FRAME_PRE_PREPARE, primary, header, &p->pp_sig) &&
           signatures_valid(v, FRAME_PREPARE, header, p->prepares, p->count, primary);
}

enum error proof_view_change_valid(const struct verifier *v, uint32_t window, const struct msg *m) {
    const struct msg_view_change *vc = &m->view_change;
    seq_no c = vc->c.statement.n;
    if (vc->v == 0 || m->epoch != v->epoch || vc->count > window) {
        return ERR_BAD_PROOF;
    }
    for (unsigned i = 0; i < vc->count; i++) { /* cheap bounds before any signature */
        const struct vote *s = &vc->p[i].statement;
        if (s->n <= c || s->n > c + window || s->v >= vc->v || (i > 0 && s->n <= vc->p[i - 1].statement.n)) {
            return ERR_BAD_PROOF;
        }
    }
    for (unsigned i = 0; i < vc->count; i++) {
        if (!prepared_valid(v, &vc->p[i])) {
            return ERR_BAD_PROOF;
        }
    }
    return proof_checkpoint_cert_valid(v, &vc->c);
}

/* --- O from V --- */

struct highest {
    const struct prepared_entry *entry;
    bool conflict; /* two digests prepared in that same view */
};

static void consider(struct highest *best, const struct prepared_entry *e) {
    if (!best->entry || e->statement.v > best->entry->statement.v) {
        *best = (struct highest){e, false};
    } else if (e->statement.v == best->entry->statement.v &&
               !digest_equal(&e->statement.d, &best->entry->statement.d)) {
        best->conflict = true;
    }
}

static void find_bounds(struct new_view_plan *out, const struct msg *vcs, unsigned count) {
    out->base = &vcs[0].view_change.c;
    for (unsigned i = 1; i < count; i++) {
        if (vcs[i].view_change.c.statement.n > out->base->statement.n) {
            out->base = &vcs[i].view_change.c;
        }
    }
    out->min_s = out->max_s = out->base->statement.n;
    for (unsigned i = 0; i < count; i++) {
        const struct msg_view_change *vc = &vcs[i].view_change;
        if (vc->count > 0 && vc->p[vc->count - 1].statement.n > out->max_s) {
            out->max_s = vc->p[vc->count - 1].statement.n;
        }
    }
}

enum error new_view_compute(struct new_view_plan *out, const struct msg *vcs, unsigned count, uint32_t window) {
    struct highest best[WINDOW_MAX] = {{0}};
    if (count == 0 || window > WINDOW_MAX) {
        return ERR_OUT_OF_RANGE;
    }
    find_bounds(out, vcs, count);
    if (out->max_s - out->min_s > window) {
        return ERR_OUT_OF_RANGE;
    }
    for (unsigned i = 0; i < count; i++) {
        const struct msg_view_change *vc = &vcs[i].view_change;
        for (unsigned k = 0; k < vc->count; k++) {
            if (vc->p[k].statement.n > out->min_s) {
                consider(&best[vc->p[k].statement.n - out->min_s - 1], &vc->p[k]);
            }
        }
    }
    out->slot_count = (unsigned)(out->max_s - out->min_s);
    for (unsigned i = 0; i < out->slot_count; i++) {
        if (best[i].conflict) {
            return ERR_CONFLICT;
        }
        struct digest d = best[i].entry ? best[i].entry->statement.d : batch_null_digest();
        out->slots[i] = (struct new_view_slot){out->min_s + 1 + i, d, {{0}}};
    }
    return ERR_OK;
}

/* --- NEW-VIEW --- */

/* V: Q VIEW-CHANGEs for v by distinct members, each frame's own signature too. */
static bool view_changes_valid(const struct verifier *v, uint32_t window, const struct msg_new_view *nv) {
    if (nv->vc_count != quorum_strong(v->members)) {
        return false;
    }
    for (unsigned i = 0; i < nv->vc_count; i++) {
        const struct msg *vc = &nv->vcs[i];
        struct frame f;
        if (vc->view_change.v != nv->v || vc->sender >= v->members || (i > 0 && vc->sender <= nv->vcs[i - 1].sender) ||
            frame_open(&f, vc->raw) != ERR_OK || frame_verify(&f, &v->cluster, &v->keys[vc->sender]) != ERR_OK ||
            proof_view_change_valid(v, window, vc) != ERR_OK) {
            return false;
        }
    }
    return true;
}

/* O is exactly what V demands. */
static bool slots_follow(uint32_t window, const struct msg_new_view *nv) {
    struct new_view_plan plan;
    if (new_view_compute(&plan, nv->vcs, nv->vc_count, window) != ERR_OK || plan.slot_count != nv->slot_count) {
        return false;
    }
    for (unsigned i = 0; i < nv->slot_count; i++) {
        if (nv->slots[i].n != plan.slots[i].n || !digest_equal(&nv->slots[i].d, &plan.slots[i].d)) {
            return false;
        }
    }
    return true;
}

/* The primary signed a PRE-PREPARE for each entry of O. */
static bool slots_signed(const struct verifier *v, const struct msg_new_view *nv) {
    for (unsigned i = 0; i < nv->slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct vote header = {nv->v, nv->slots[i].n, nv->slots[i].d, nv->digest};
        vote_encode(body, &header);
        if (!signed_by(v, FRAME_PRE_PREPARE, primary_of(nv->v, v->members), bytes_of(body, sizeof body),
                       &nv->slots[i].pp_sig)) {
            return false;
        }
    }
    return true;
}

enum error proof_new_view_core_valid(const struct verifier *v, uint32_t window, const struct msg_new_view *nv) {
    return nv->v > 0 && view_changes_valid(v, window, nv) && slots_follow(window, nv) ? ERR_OK : ERR_BAD_PROOF;
}

enum error proof_new_view_valid(const struct verifier *v, uint32_t window, const struct msg *m) {
    const struct msg_new_view *nv = &m->new_view;
    bool right = m->epoch == v->epoch && m->sender == primary_of(nv->v, v->members) &&
                 proof_new_view_core_valid(v, window, nv) == ERR_OK && slots_signed(v, nv);
    return right ? ERR_OK : ERR_BAD_PROOF;
}

enum error proof_decision_valid(const struct verifier *v, const struct msg_decision *d) {
    uint8_t body[VOTE_BODY_LEN];
    struct digest digest = batch_digest(d->batch);
    if (!digest_equal(&digest, &d->statement.d) || d->count < quorum_strong(v->members) || d->count > v->members) {
        return ERR_BAD_PROOF;
    }
    vote_encode(body, &d->statement);
    return signatures_valid(v, FRAME_COMMIT, bytes_of(body, sizeof body), d->commits, d->count, MEMBER_NONE)
               ? ERR_OK
               : ERR_BAD_PROOF;
}
