/* Restart (R6, R14): every statement this replica may ever have signed comes back from its records before it signs
   another one. */
#include "replica/pbft/core.h"

#include <stdlib.h>
#include <string.h>

static enum error restore_cert(struct pbft *p, struct checkpoint_cert *out, struct bytes value) {
    enum error e = codec_decode_checkpoint_cert(out, value);
    if (e == ERR_OK) {
        window_moved(p);
    }
    return e;
}

static enum error restore_view(struct pbft *p, struct bytes value) {
    struct reader r = reader_of(value);
    view_no view = read_u64(&r), wish = read_u64(&r);
    struct bytes frame = read_block(&r, frame_cap(FRAME_VIEW_CHANGE));
    if (!reader_done(&r) || view_change_keep(p, frame) != ERR_OK) {
        return ERR_CORRUPT;
    }
    p->view = view;
    wish_heard(p, p->config.self, wish > view ? wish : view);
    return ERR_OK;
}

static enum error open_new_view(struct pbft *p, const struct msg *m) {
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    enum error e = new_view_compute(plan, m->new_view.vcs, m->new_view.vc_count, p->config.window);
    if (e == ERR_OK && m->new_view.v >= p->view) {
        p->view = m->new_view.v;
        p->nv_digest = m->new_view.digest;
        p->nv_max = plan->max_s;
    }
    free(plan);
    return e;
}

static enum error restore_new_view(struct pbft *p, struct bytes value) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    enum error e = frame_open(&f, value);
    if (e == ERR_OK) {
        e = codec_decode(&m, &f, &arena);
    }
    if (e == ERR_OK) {
        e = m.type == FRAME_NEW_VIEW ? open_new_view(p, &m) : ERR_CORRUPT;
    }
    if (e == ERR_OK) {
        p->nv_view = m.new_view.v;
        buffer_clear(&p->nv_frame);
        buffer_put(&p->nv_frame, value.data, value.len);
        wish_heard(p, p->config.self, m.new_view.v);
    }
    arena_free(&arena);
    return e;
}

bool view_is_installed(const struct pbft *p) {
    return p->view == 0 || p->nv_view == p->view;
}

/* What lies at or below the ring's base was left to the stored decisions before the crash already. */
static struct slot *restored_slot(struct pbft *p, seq_no n) {
    return n > p->base ? slot_at(p, n) : NULL;
}

static struct guard *restored_guard(struct pbft *p, uint64_t n, enum frame_type type) {
    enum guard_kind kind = guard_kind_of(type);
    if (n == UINT64_MAX) {
        return type == FRAME_NEW_VIEW ? &p->guard_nv : type == FRAME_VIEW_CHANGE ? &p->guard_vc : NULL;
    }
    struct slot *s = kind == SLOT_GUARDS ? NULL : restored_slot(p, n);
    return s ? &s->guards[kind] : NULL;
}

static enum error restore_guard(struct pbft *p, struct bytes key, struct bytes value) {
    struct reader r = reader_of(key);
    uint64_t n = read_u64(&r);
    enum frame_type type = (enum frame_type)read_u8(&r);
    view_no v = read_u64(&r);
    if (!reader_done(&r) || value.len != DIGEST_LEN) {
        return ERR_CORRUPT;
    }
    struct guard *g = restored_guard(p, n, type);
    if (g && (!g->held || g->v < v)) {
        *g = (struct guard){.held = true, .v = v};
        memcpy(g->digest.b, value.data, DIGEST_LEN);
    }
    return ERR_OK;
}

static void restore_own_vote(struct pbft *p, struct slot *s, enum vote_kind kind, const struct vote *v,
                             const struct signature *sig) {
    const struct ballot *b = slot_ballot(p, s, kind, p->config.self, v->v);
    if (!b->held || b->statement.v <= v->v) {
        slot_keep_vote(p, s, kind, p->config.self, v, sig);
    }
}

static enum error restore_accept(struct pbft *p, struct bytes value) {
    struct reader r = reader_of(value);
    uint8_t body[VOTE_BODY_LEN];
    struct proposal a = {.held = true};
    struct signature sig;
    read_into(&r, body, sizeof body);
    vote_decode(&a.statement, body);
    read_into(&r, a.sig.b, SIGNATURE_LEN);
    struct bytes batch = read_block(&r, frame_cap(FRAME_PRE_PREPARE));
    bool prepared = read_u8(&r) == 1;
    read_into(&r, sig.b, prepared ? SIGNATURE_LEN : 0);
    struct slot *s = reader_done(&r) ? restored_slot(p, a.statement.n) : NULL;
    if (!s) {
        return reader_done(&r) ? ERR_OK : ERR_CORRUPT; /* no longer in the window */
    }
    if (batch.len > 0 && slot_hold_batch(p, s, &a.statement.d, batch) == ERR_MISMATCH) {
        return ERR_CORRUPT;
    }
    if (prepared) {
        restore_own_vote(p, s, VOTE_PREPARE, &a.statement, &sig);
    }
    if (a.statement.v == p->view && view_is_installed(p) && window_holds(p, s->n)) {
        s->accepted = a;
        s->stage = STAGE_ACCEPTED;
    }
    return ERR_OK;
}

static enum error restore_prepared(struct pbft *p, struct bytes value) {
    struct reader r = reader_of(value);
    struct prepared_entry entry;
    struct signature sig;
    struct bytes encoded = read_block(&r, frame_cap(FRAME_VIEW_CHANGE));
    read_into(&r, sig.b, SIGNATURE_LEN);
    if (!reader_done(&r) || codec_decode_prepared(&entry, encoded) != ERR_OK) {
        return ERR_CORRUPT;
    }
    struct slot *s = window_holds(p, entry.statement.n) ? slot_at(p, entry.statement.n) : NULL;
    if (!s) {
        return ERR_OK;
    }
    s->entry = entry;
    s->has_entry = true;
    for (unsigned i = 0; i < entry.count && entry.statement.v == p->view; i++) {
        slot_keep_vote(p, s, VOTE_PREPARE, entry.prepares[i].member, &entry.statement, &entry.prepares[i].sig);
    }
    restore_own_vote(p, s, VOTE_COMMIT, &entry.statement, &sig);
    if (s->stage == STAGE_ACCEPTED && vote_equal(&s->accepted.statement, &entry.statement)) {
        s->stage = STAGE_PREPARED;
    }
    return ERR_OK;
}

static enum error restore_own_checkpoint(struct pbft *p, struct bytes value) {
    struct checkpoint c;
    struct signature sig;
    bool is_signed = value.len == CHECKPOINT_BODY_LEN + SIGNATURE_LEN;
    if (!is_signed && value.len != CHECKPOINT_BODY_LEN) {
        return ERR_CORRUPT;
    }
    checkpoint_decode(&c, value.data);
    memcpy(sig.b, value.data + CHECKPOINT_BODY_LEN, is_signed ? SIGNATURE_LEN : 0);
    checkpoint_keep(p, p->config.self, &c, is_signed ? &sig : NULL);
    return ERR_OK;
}

static enum error restore_wish(struct pbft *p, struct bytes value) {
    struct reader r = reader_of(value);
    view_no wish = read_u64(&r);
    if (!reader_done(&r)) {
        return ERR_CORRUPT;
    }
    wish_heard(p, p->config.self, wish);
    return ERR_OK;
}

static enum error restore_amnesiac(struct pbft *p, struct bytes value) {
    p->recall.amnesiac = true;
    return value.len == 1 && value.data[0] == 1 ? ERR_OK : ERR_CORRUPT;
}

enum error pbft_restore(struct pbft *p, enum pbft_record record, struct bytes key, struct bytes value) {
    enum error e = ERR_CORRUPT;
    REQUIRE(!p->started && record >= p->restored);
    p->restored = record;
    switch (record) {
    case RECORD_CERT:
        e = restore_cert(p, &p->certified, value);
        break;
    case RECORD_STABLE:
        e = restore_cert(p, &p->stable, value);
        break;
    case RECORD_VIEW:
        e = restore_view(p, value);
        break;
    case RECORD_NEW_VIEW:
        e = restore_new_view(p, value);
        break;
    case RECORD_GUARD:
        e = restore_guard(p, key, value);
        break;
    case RECORD_ACCEPT:
        e = restore_accept(p, value);
        break;
    case RECORD_PREPARED:
        e = restore_prepared(p, value);
        break;
    case RECORD_OWN_CHECKPOINT:
        e = restore_own_checkpoint(p, value);
        break;
    case RECORD_AMNESIAC:
        e = restore_amnesiac(p, value);
        break;
    case RECORD_WISH:
        e = restore_wish(p, value);
        break;
    case RECORD_FAULTED:
        e = restore_faulted(p, key, value);
        break;
    case RECORD_DECIDED:
    case RECORD_REQUEST:
    case RECORD_KIND_LIMIT:
        break;
    }
    return e == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static bool contradicts(const struct checkpoint *c, seq_no n, const struct digest *root) {
    return c->n == n && n > 0 && !digest_equal(&c->root, root);
}

bool pbft_restore_state(struct pbft *p, seq_no n, const struct digest *root, bool damaged) {
    REQUIRE(!p->started);
    const struct kept_checkpoint *own = checkpoint_find(p, p->config.self, n);
    p->damaged = damaged || n < pbft_h(p) || (own && contradicts(&own->statement, n, root)) ||
                 contradicts(&p->certified.statement, n, root) || contradicts(&p->stable.statement, n, root);
    return p->damaged;
}

void pbft_restore_executed(struct pbft *p, seq_no n, time_ms t, const struct digest *log_hash) {
    const struct checkpoint *h = &p->stable.statement;
    REQUIRE(!p->started);
    p->damaged |= n < h->n; /* what was vouched for is gone */
    p->executed = n < h->n ? h->n : n;
    p->executed_t = n < h->n ? h->t : t;
    p->log_hash = n < h->n ? h->log_hash : *log_hash;
}

/* Records are in; what follows from all of them together. */
void restore_finish(struct pbft *p) {
    seq_no top = pbft_c(p) > p->executed ? pbft_c(p) : p->executed;
    top = p->nv_max > top ? p->nv_max : top;
    for (seq_no n = p->base + 1; n <= pbft_window_end(p); n++) {
        struct slot *s = slot_find(p, n);
        if (!s) {
            continue;
        }
        s->fate = n <= p->executed ? FATE_EXECUTED : s->fate;
        bool mine =
            s->stage != STAGE_EMPTY || (s->guards[GUARD_PRE_PREPARE].held && s->guards[GUARD_PRE_PREPARE].v == p->view);
        top = mine && n > top ? n : top;
        slot_name_requests(p, s);
    }
    p->next = top + 1;
}
