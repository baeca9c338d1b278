/* NEW-VIEW (R6): the primary of v proves with Q VIEW-CHANGEs what may have been decided before, and re-proposes exactly
   that: for every n the digest prepared in the highest view, NULL where nobody in V prepared anything. */
#include "replica/pbft/core.h"

#include <stdlib.h>

/* --- installing --- */

static void forget_old_view(struct pbft *p) {
    for (seq_no n = pbft_c(p) + 1; n <= pbft_window_end(p); n++) {
        struct slot *s = slot_find(p, n);
        if (!s) {
            continue;
        }
        if (s->stage != STAGE_EMPTY) {
            slot_move(p, s, STAGE_EMPTY);
        }
        if (s->waiting.held && s->waiting.statement.v < p->view) {
            s->waiting.held = false;
        }
        slot_name_requests(p, s);
    }
}

static void hold_null_batch(struct pbft *p, struct slot *s, const struct digest *d) {
    struct buffer bytes = {0};
    struct digest null = batch_null_digest();
    if (digest_equal(d, &null)) {
        batch_encode(&bytes, &(struct batch){.kind = BATCH_NULL});
        enum error e = slot_hold_batch(p, s, d, buffer_bytes(&bytes));
        ENSURE(e == ERR_OK || e == ERR_BUSY);
    }
    buffer_free(&bytes);
}

/* Every entry above c is accepted, executed ones too: the others need my PREPARE. False on a SAFETY BREACH. */
static bool accept_slots(struct pbft *p, const struct msg_new_view *nv) {
    for (unsigned i = 0; i < nv->slot_count; i++) {
        const struct new_view_slot *o = &nv->slots[i];
        struct slot *s = window_holds(p, o->n) ? slot_at(p, o->n) : NULL;
        if (!s) {
            continue;
        }
        if (s->fate != FATE_OPEN && s->commit_count > 0 && !digest_equal(&s->chosen.d, &o->d)) { /* I9 */
            breach_new_view(p, s, buffer_bytes(&p->nv_frame), &o->d);
            return false;
        }
        hold_null_batch(p, s, &o->d);
        accept_proposal(p, s, &(struct proposal){true, {nv->v, o->n, o->d, nv->digest}, o->pp_sig});
    }
    return true;
}

static void enter_view(struct pbft *p, const struct msg_new_view *nv, struct bytes frame, seq_no max_s) {
    if (nv->v > p->view) {
        view_left(p);
    }
    p->view = p->nv_view = nv->v;
    p->nv_digest = nv->digest;
    p->nv_max = max_s;
    wish_heard(p, p->config.self, nv->v);
    buffer_clear(&p->nv_frame);
    buffer_put(&p->nv_frame, frame.data, frame.len);
    out_record(p, PBFT_PERSIST, RECORD_NEW_VIEW, key_n(nv->v), frame);
    out_forget(p, RECORD_NEW_VIEW, nv->v - 1);
    view_move(p, p->phase == PHASE_LEARNER ? PHASE_LEARNER : PHASE_ACTIVE);
    p->decided_at = p->calm_since = p->now;
}

static void install(struct pbft *p, const struct msg *m) {
    const struct msg_new_view *nv = &m->new_view;
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    enum error e = new_view_compute(plan, nv->vcs, nv->vc_count, p->config.window);
    ENSURE(e == ERR_OK); /* admit and the builder see to it */
    for (unsigned i = 0; i < nv->vc_count; i++) {
        if (!certificate_agrees(p, &nv->vcs[i].view_change.c)) {
            free(plan);
            return;
        }
    }
    enter_view(p, nv, m->raw, plan->max_s);
    forget_old_view(p);
    adopt_certificate(p, plan->base);
    seq_no max_s = plan->max_s;
    free(plan);
    if (p->phase != PHASE_ACTIVE || !accept_slots(p, nv)) {
        return;
    }
    seq_no top = max_s > pbft_c(p) ? max_s : pbft_c(p);
    p->next = (p->executed > top ? p->executed : top) + 1;
    requests_rearm(p);
    if (pbft_is_primary(p)) {
        new_view_send(p, p->others);
    }
    for (seq_no n = p->base + 1; n <= pbft_window_end(p); n++) { /* S7 */
        struct slot *s = slot_find(p, n);
        if (s) {
            slot_advance(p, s);
            fetch_now(p, s);
        }
    }
}

/* A VIEW-CHANGE speaks for its signer inside a NEW-VIEW as well: who told me otherwise by itself is named. True: it was
   the primary of the new view, so the others may have been given a view that begins otherwise. */
static bool primary_told_otherwise(struct pbft *p, const struct msg_new_view *nv) {
    bool primary = false;
    for (unsigned i = 0; i < nv->vc_count; i++) {
        const struct msg *vc = &nv->vcs[i], *held = p->peers[vc->sender].view_change;
        if (held && held->view_change.v == nv->v && !bytes_equal(held->raw, vc->raw)) {
            notice(p, EV_EQUIV_VC, vc->sender, nv->v, 0, held->raw, vc->raw);
            primary |= vc->sender == primary_of(nv->v, p->members);
        }
    }
    return primary;
}

enum error handle_new_view(struct pbft *p, const struct msg *m) {
    const struct msg_new_view *nv = &m->new_view;
    if (p->phase != PHASE_ACTIVE && p->phase != PHASE_CHANGING && p->phase != PHASE_LEARNER) {
        return ERR_NOT_ACTIVE;
    }
    if (nv->v < p->view || (p->phase == PHASE_LEARNER && nv->v == p->nv_view)) {
        return ERR_STALE;
    }
    if (nv->v == p->view && p->phase == PHASE_ACTIVE) {
        if (digest_equal(&nv->digest, &p->nv_digest)) {
            return ERR_DUPLICATE;
        }
        notice(p, EV_EQUIV_NV, m->sender, nv->v, 0, buffer_bytes(&p->nv_frame), m->raw);
        suspect(p, WISH_PROOF);
        return ERR_CONFLICT;
    }
    bool otherwise = primary_told_otherwise(p, nv);
    install(p, m); /* self-certifying: also for views beyond mine */
    if (otherwise && p->view == nv->v) {
        suspect(p, WISH_PROOF);
    }
    return ERR_OK;
}

void new_view_send(struct pbft *p, member_set to) {
    if (p->nv_frame.len > 0 && p->nv_view == p->view && !recall_withholds(p)) {
        out_frame(p, to, buffer_bytes(&p->nv_frame));
    }
}

/* --- the new primary --- */

/* Q VIEW-CHANGEs for my view, own included, sorted by sender; 0 when there are not enough. */
static unsigned gather_view_changes(const struct pbft *p, struct msg *out) {
    unsigned count = 0;
    bool own_taken = false;
    for (member_id i = 0; i < p->members && count < p->strong; i++) {
        const struct msg *vc = p->peers[i].view_change;
        bool last_place = count == p->strong - 1 && !own_taken;
        if (vc && vc->view_change.v == p->view && (!last_place || i == p->config.self)) {
            out[count++] = *vc;
            own_taken |= i == p->config.self;
        }
    }
    return count == p->strong && own_taken ? count : 0;
}

/* PRE-PREPARE headers for O. What is stable here has no slot any more; the NEW-VIEW's own guard fixes it. Everything
   above lies in the window, since the certificate of min_s was taken over, and is guarded in its slot. */
static void sign_slots(struct pbft *p, struct new_view_plan *plan, const struct digest *nv_digest) {
    for (unsigned i = 0; i < plan->slot_count; i++) {
        struct new_view_slot *o = &plan->slots[i];
        struct slot *s = slot_at(p, o->n), outside = {.n = o->n};
        struct vote v = {p->view, o->n, o->d, *nv_digest};
        sign_vote(p, s ? s : &outside, FRAME_PRE_PREPARE, &v, &o->pp_sig);
    }
}

static void seal_new_view(struct pbft *p, struct new_view_plan *plan, const struct msg *vcs, unsigned count,
                          struct buffer *frame) {
    struct buffer core = {0}, body = {0};
    struct msg m = {.type = FRAME_NEW_VIEW};
    m.new_view = (struct msg_new_view){
        .v = p->view, .vc_count = count, .vcs = vcs, .slot_count = plan->slot_count, .slots = plan->slots};
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    m.new_view.digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    sign_slots(p, plan, &m.new_view.digest);
    codec_encode(&body, &m);
    seal_view(p, &p->guard_nv, p->view, FRAME_NEW_VIEW, buffer_bytes(&body), frame);
    buffer_free(&core);
    buffer_free(&body);
}

static void install_own(struct pbft *p, struct bytes raw) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    enum error e = frame_open(&f, raw);
    ENSURE(e == ERR_OK);
    e = codec_decode(&m, &f, &arena);
    ENSURE(e == ERR_OK);
    install(p, &m);
    arena_free(&arena);
}

/* Not when the certificate showed just now that the own state is not the certified one: REPAIR signs nothing. */
static void build_from(struct pbft *p, struct new_view_plan *plan, const struct msg *vcs, unsigned count) {
    struct buffer frame = {0};
    if (p->phase == PHASE_CHANGING && !p->breached) {
        seal_new_view(p, plan, vcs, count, &frame);
        install_own(p, buffer_bytes(&frame));
    }
    buffer_free(&frame);
}

void new_view_build(struct pbft *p) {
    struct msg vcs[MEMBERS_MAX];
    unsigned count = 0;
    if (p->phase != PHASE_CHANGING || !pbft_is_primary(p) || (p->guard_nv.held && p->guard_nv.v >= p->view) || /* I10 */
        (count = gather_view_changes(p, vcs)) == 0) {
        return;
    }
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    enum error e = new_view_compute(plan, vcs, count, p->config.window);
    if (e == ERR_OK) {
        adopt_certificate(p, plan->base);
        build_from(p, plan, vcs, count);
    } else if (e == ERR_CONFLICT) { /* EV2: more than f members signed both */
        trace_breach(p, plan->min_s, &p->nv_digest, &p->nv_digest);
    }
    free(plan);
}
