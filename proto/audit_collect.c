/* Takes frames and certificates apart into single signed statements, each one verified. What does not verify is passed
   over: it proves nothing against anybody. */
#include "proto/audit_parts.h"
#include "proto/proof.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_BASE = 256 * 1024, ARENA_PER_BYTE = 16 };

/* ---- atoms ---- */

static void atom_add(struct collection *c, enum frame_type type, member_id member, struct bytes body,
                     const struct signature *sig, size_t at) {
    const struct verifier *v = c->judge->verifier;
    struct seal_context context = {(uint8_t)type, v->cluster, v->epoch, member};
    if (member >= v->members || body.len > CHECKPOINT_BODY_LEN || !seal_verify(sig, &context, body, &v->keys[member])) {
        return;
    }
    struct atom_list *l = &c->atoms;
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 256;
        l->list = xrealloc(l->list, l->cap * sizeof *l->list);
    }
    struct atom *a = &l->list[l->count++];
    *a = (struct atom){.member = member, .type = (uint8_t)type, .len = (uint8_t)body.len, .sig = *sig, .at = at};
    memcpy(a->body, body.data, body.len);
    if (type == FRAME_CHECKPOINT) {
        struct checkpoint checkpoint;
        checkpoint_decode(&checkpoint, a->body);
        a->n = checkpoint.n;
    } else {
        struct vote vote = atom_vote(a);
        a->n = vote.n;
        a->v = vote.v;
    }
}

struct vote atom_vote(const struct atom *a) {
    struct vote v;
    vote_decode(&v, a->body);
    return v;
}

struct bytes atom_frame(const struct atom *a, const struct verifier *v, struct arena *arena) {
    struct buffer frame = {0};
    struct seal_context context = {a->type, v->cluster, v->epoch, a->member};
    frame_rebuild(&frame, &context, bytes_of(a->body, a->len), &a->sig);
    struct bytes copy = arena_copy(arena, buffer_bytes(&frame));
    buffer_free(&frame);
    return copy;
}

static void add_vote(struct collection *c, enum frame_type type, member_id member, const struct vote *v,
                     const struct signature *sig, size_t at) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, v);
    atom_add(c, type, member, bytes_of(body, sizeof body), sig, at);
}

static int atom_order(const void *x, const void *y) {
    const struct atom *a = x, *b = y;
    if (a->n != b->n) {
        return a->n < b->n ? -1 : 1;
    }
    if (a->v != b->v) {
        return a->v < b->v ? -1 : 1;
    }
    if (a->member != b->member) {
        return a->member < b->member ? -1 : 1;
    }
    if (a->type != b->type) {
        return a->type < b->type ? -1 : 1;
    }
    int order = bytes_compare(bytes_of(a->body, a->len), bytes_of(b->body, b->len));
    return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

static bool atoms_alike(const struct atom *a, const struct atom *b) {
    return a->n == b->n && a->v == b->v && a->member == b->member && a->type == b->type &&
           memcmp(a->body, b->body, a->len) == 0;
}

static void atoms_settle(struct atom_list *l) {
    size_t kept = 0;
    if (l->count == 0) {
        return;
    }
    qsort(l->list, l->count, sizeof *l->list, atom_order);
    for (size_t i = 1; i < l->count; i++) {
        if (!atoms_alike(&l->list[kept], &l->list[i])) {
            l->list[++kept] = l->list[i];
        }
    }
    l->count = kept + 1;
}

/* ---- certificates ---- */

static void take_checkpoint_cert(struct collection *c, const struct checkpoint_cert *cert, size_t at) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, &cert->statement);
    for (unsigned i = 0; i < cert->count; i++) {
        atom_add(c, FRAME_CHECKPOINT, cert->sigs[i].member, bytes_of(body, sizeof body), &cert->sigs[i].sig, at);
    }
}

static void take_prepared_entry(struct collection *c, const struct prepared_entry *p, size_t at) {
    add_vote(c, FRAME_PRE_PREPARE, primary_of(p->statement.v, c->judge->verifier->members), &p->statement, &p->pp_sig,
             at);
    for (unsigned i = 0; i < p->count; i++) {
        add_vote(c, FRAME_PREPARE, p->prepares[i].member, &p->statement, &p->prepares[i].sig, at);
    }
}

static bool take_decision(struct collection *c, const struct msg_decision *d, size_t at) {
    for (unsigned i = 0; i < d->count; i++) {
        add_vote(c, FRAME_COMMIT, d->commits[i].member, &d->statement, &d->commits[i].sig, at);
    }
    return d->count > 0;
}

/* ---- VIEW-CHANGE and NEW-VIEW ---- */

static struct digest view_id(const struct frame *f) {
    uint8_t sender[2] = {(uint8_t)(f->sender >> 8), (uint8_t)f->sender};
    struct bytes parts[] = {bytes_of(sender, sizeof sender), f->body};
    return crypto_digest_parts(DIGEST_GUARD, parts, 2);
}

/* NULL when it is held already. */
static struct found_view *view_add(struct view_list *l, const struct msg *m, const struct digest *id, size_t at) {
    for (size_t i = 0; i < l->count; i++) {
        if (digest_equal(&l->list[i].id, id)) {
            return NULL;
        }
    }
    if (l->count == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 16;
        l->list = xrealloc(l->list, l->cap * sizeof *l->list);
    }
    l->list[l->count] = (struct found_view){.m = *m, .id = *id, .at = at};
    return &l->list[l->count++];
}

static bool is_signed(const struct collection *c, const struct frame *f) {
    const struct verifier *v = c->judge->verifier;
    return f->epoch == v->epoch && f->sender < v->members &&
           frame_verify(f, &v->cluster, &v->keys[f->sender]) == ERR_OK;
}

static bool take_view_change(struct collection *c, const struct msg *m, size_t at) {
    struct frame f;
    if (frame_open(&f, m->raw) != ERR_OK || !is_signed(c, &f)) {
        return false;
    }
    struct digest id = view_id(&f);
    struct found_view *x = view_add(&c->view_changes, m, &id, at);
    if (x) {
        x->valid = proof_view_change_valid(c->judge->verifier, c->judge->window, m) == ERR_OK;
        take_checkpoint_cert(c, &m->view_change.c, at);
        for (unsigned i = 0; i < m->view_change.count; i++) {
            take_prepared_entry(c, &m->view_change.p[i], at);
        }
    }
    return true;
}

static bool take_new_view(struct collection *c, const struct msg *m, size_t at) {
    struct frame f;
    const struct msg_new_view *nv = &m->new_view;
    if (frame_open(&f, m->raw) != ERR_OK || !is_signed(c, &f)) {
        return false;
    }
    struct digest id = view_id(&f);
    struct found_view *x = view_add(&c->new_views, m, &id, at);
    if (!x) {
        return true;
    }
    x->valid = proof_new_view_valid(c->judge->verifier, c->judge->window, m) == ERR_OK;
    x->core_valid = x->valid || proof_new_view_core_valid(c->judge->verifier, c->judge->window, nv) == ERR_OK;
    for (unsigned i = 0; i < nv->vc_count; i++) {
        take_view_change(c, &nv->vcs[i], at);
    }
    for (unsigned i = 0; i < nv->slot_count; i++) {
        struct vote header = {nv->v, nv->slots[i].n, nv->slots[i].d, nv->digest};
        add_vote(c, FRAME_PRE_PREPARE, primary_of(nv->v, c->judge->verifier->members), &header, &nv->slots[i].pp_sig,
                 at);
    }
    return true;
}

/* ---- frames ---- */

static bool take_frame(struct collection *c, struct bytes raw, size_t at, bool inner);

static bool take_decoded(struct collection *c, const struct frame *f, size_t at, bool inner) {
    struct msg m;
    c->arena.limit = c->arena.used + ARENA_BASE + ARENA_PER_BYTE * f->raw.len;
    if (codec_decode(&m, f, &c->arena) != ERR_OK) {
        return false;
    }
    switch (m.type) {
    case FRAME_VIEW_CHANGE:
        return take_view_change(c, &m, at);
    case FRAME_NEW_VIEW:
        return take_new_view(c, &m, at);
    case FRAME_DECISION:
        return take_decision(c, &m.decision, at);
    case FRAME_CERT:
        if (m.cert.kind == CERT_NEW_VIEW) {
            return !inner && take_frame(c, m.cert.new_view, at, true);
        }
        take_checkpoint_cert(c, &m.cert.checkpoint, at);
        return true;
    default:
        return false;
    }
}

static bool take_frame(struct collection *c, struct bytes raw, size_t at, bool inner) {
    struct frame f;
    size_t before = c->atoms.count;
    if (frame_open(&f, raw) != ERR_OK || memcmp(f.cluster.b, c->judge->verifier->cluster.b, CLUSTER_ID_LEN) != 0 ||
        f.epoch != c->judge->verifier->epoch) {
        return false;
    }
    switch (f.type) {
    case FRAME_PRE_PREPARE:
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        if (f.signed_body.len == VOTE_BODY_LEN) {
            atom_add(c, f.type, f.sender, f.signed_body, &f.sig, at);
        }
        return c->atoms.count > before;
    case FRAME_CHECKPOINT:
        if (f.body.len == CHECKPOINT_BODY_LEN) {
            atom_add(c, f.type, f.sender, f.body, &f.sig, at);
        }
        return c->atoms.count > before;
    case FRAME_VIEW_CHANGE:
    case FRAME_NEW_VIEW:
    case FRAME_DECISION:
    case FRAME_CERT:
        return take_decoded(c, &f, at, inner);
    default:
        return false;
    }
}

void collect(struct collection *c, const struct audit_frame *frames, size_t count) {
    for (size_t i = 0; i < count; i++) {
        c->used += take_frame(c, frames[i].raw, i, false);
    }
    atoms_settle(&c->atoms);
}

void collection_free(struct collection *c) {
    free(c->atoms.list);
    free(c->view_changes.list);
    free(c->new_views.list);
    arena_free(&c->arena);
}

size_t audit_file_frames(struct bytes file, void (*take)(void *self, struct bytes raw, uint64_t offset), void *self) {
    size_t at = 0;
    while (file.len - at >= 4) {
        const uint8_t *p = file.data + at;
        size_t len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
        if (len > file.len - at - 4) {
            break;
        }
        take(self, bytes_of(p + 4, len), at);
        at += 4 + len;
    }
    return file.len - at;
}
