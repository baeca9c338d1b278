/* The lies of fuzz_node that bend: a frame of the book with one part changed, sealed with the traitor's key or under
   the signature that it had. */
#include "tests/fuzz/node_world.h"

#include <string.h>

enum { NUMBERS_MAX = 12, DIGESTS_MAX = 8, FAR = 0x80 };

/* ---- bending: the parts of a message, whatever its type ---- */

struct parts {
    unsigned number_count, digest_count;
    uint64_t *numbers[NUMBERS_MAX];
    struct digest *digests[DIGESTS_MAX];
    unsigned *sig_count;
    struct member_signature *sigs;
    unsigned *length; /* of a list that may be cut short */
};

static void add_number(struct parts *p, uint64_t *number) {
    if (p->number_count < NUMBERS_MAX)
        p->numbers[p->number_count++] = number;
}

static void add_digest(struct parts *p, struct digest *digest) {
    if (p->digest_count < DIGESTS_MAX)
        p->digests[p->digest_count++] = digest;
}

static void add_vote(struct parts *p, struct vote *v) {
    add_number(p, &v->n);
    add_number(p, &v->v);
    add_digest(p, &v->d);
    add_digest(p, &v->nv_digest);
}

static void add_checkpoint(struct parts *p, struct checkpoint *c) {
    add_number(p, &c->n);
    add_number(p, &c->stop_seq);
    add_digest(p, &c->root);
    add_digest(p, &c->log_hash);
    add_digest(p, &c->cfg_digest);
}

static void add_cert(struct parts *p, struct checkpoint_cert *c) {
    add_checkpoint(p, &c->statement);
    p->sig_count = &c->count;
    p->sigs = c->sigs;
}

static void add_status(struct parts *p, struct msg_status *s) {
    uint64_t *const numbers[] = {&s->view, &s->executed, &s->certified,   &s->stable, &s->wish,
                                 &s->boot, &s->counter,  &s->boot_random, &s->alerts};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        add_number(p, numbers[i]);
    add_digest(p, &s->log_hash);
    add_digest(p, &s->state_root);
}

static void add_view_change(struct parts *p, struct msg_view_change *vc, unsigned which) {
    add_number(p, &vc->v);
    p->length = &vc->count;
    if (vc->count == 0 || which % 2) {
        add_cert(p, &vc->c);
        return;
    }
    struct prepared_entry *entry = (struct prepared_entry *)(uintptr_t)&vc->p[which / 2 % vc->count]; /* the arena's */
    add_vote(p, &entry->statement);
    p->sig_count = &entry->count;
    p->sigs = entry->prepares;
}

static void find_parts(struct parts *p, struct msg *m, unsigned which) {
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        add_vote(p, &m->pre_prepare.statement);
        break;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        add_vote(p, &m->vote);
        break;
    case FRAME_CHECKPOINT:
        add_checkpoint(p, &m->checkpoint);
        break;
    case FRAME_WISH:
        add_number(p, &m->wish.target);
        break;
    case FRAME_VIEW_CHANGE:
        add_view_change(p, &m->view_change, which);
        break;
    case FRAME_STATUS:
        add_status(p, &m->status);
        break;
    case FRAME_FETCH_DECISION:
        add_number(p, &m->fetch_decision.first);
        add_number(p, &m->fetch_decision.last);
        break;
    case FRAME_DECISION:
        add_vote(p, &m->decision.statement);
        p->sig_count = &m->decision.count;
        p->sigs = m->decision.commits;
        break;
    case FRAME_CERT:
        if (m->cert.kind == CERT_CHECKPOINT)
            add_cert(p, &m->cert.checkpoint);
        break;
    case FRAME_RECEIPT:
        add_number(p, &m->receipt.body.n);
        add_digest(p, &m->receipt.body.output_root);
        add_digest(p, &m->receipt.body.log_hash);
        break;
    default:
        break;
    }
}

static void bend_number(const struct parts *p, unsigned x, unsigned y) {
    uint64_t *number = p->numbers[x % p->number_count];
    if (y == FAR)
        *number = NUMBER_MAX;
    else
        *number += (uint64_t)(int64_t)(int8_t)y;
}

/* Another digest that was seen somewhere, or one that nobody made. */
static void bend_digest(const struct world *w, const struct parts *p, unsigned x, unsigned y) {
    struct arena arena = {.limit = 1 << 20};
    struct digest *digest = p->digests[x % p->digest_count];
    struct msg m;
    if (y % 4 == 0)
        digest->b[y % DIGEST_LEN] ^= 1;
    else if (y % 4 == 1)
        *digest = batch_null_digest();
    else if (lie_open(w, &m, &arena, FRAME_PRE_PREPARE, y / 4))
        *digest = m.pre_prepare.statement.d;
    arena_free(&arena);
}

/* Drops, repeats, swaps or takes over a signature. */
static void bend_signatures(const struct parts *p, unsigned x, unsigned y) {
    unsigned *count = p->sig_count;
    struct member_signature *sigs = p->sigs, kept;
    unsigned i = x % (*count ? *count : 1), last = *count ? *count - 1 : 0;
    switch (y % 4) {
    case 0:
        *count = last;
        break;
    case 1:
        if (*count < MEMBERS_MAX)
            sigs[(*count)++] = sigs[i];
        break;
    case 2:
        kept = sigs[i], sigs[i] = sigs[last], sigs[last] = kept;
        break;
    default:
        sigs[i].member = (member_id)(y / 4 % WORLD_MEMBERS);
    }
}

static void bend_part(const struct world *w, struct msg *m, unsigned how, unsigned x, unsigned y) {
    struct parts p = {0};
    find_parts(&p, m, x / 16);
    if (how == 0 && p.number_count)
        bend_number(&p, x, y);
    else if (how == 1 && p.digest_count)
        bend_digest(w, &p, x, y);
    else if (how == 2 && p.sigs)
        bend_signatures(&p, x, y);
    else if (how == 3 && p.length && *p.length)
        *p.length = y % *p.length;
}

/* One byte of the body, of whatever type; or the tail of another frame of its type. */
static void bend_bytes(const struct world *w, struct buffer *body, enum frame_type type, bool splice, unsigned x,
                       unsigned y) {
    struct bytes other = world_newest(w, type, 1 + y % 8);
    size_t at = body->len ? x * 257 % body->len : 0;
    if (body->len == 0)
        return;
    if (splice && other.len == body->len + FRAME_OVERHEAD)
        memcpy(body->data + at, other.data + FRAME_HEADER_LEN + at, body->len - at);
    else
        body->data[at] ^= (uint8_t)(1u << y % 8);
}

enum { HOW_BYTE = 4, HOW_SPLICE, HOW_SENDER, HOW_REPLAY, HOW_LIMIT, KEEP_SIGNATURE = 0x80 };

static void put_back(const struct world *w, struct buffer *out, const struct frame *f, member_id sender,
                     struct bytes body, bool keep) {
    struct seal_context context = {(uint8_t)f->type, w->cluster.id, f->epoch, sender};
    if (keep || !frame_type_signed(f->type))
        frame_rebuild(out, &context, body, &f->sig);
    else
        frame_seal(out, &context, body, &w->member_secrets[w->traitor]);
}

void lie_bend(struct world *w, member_set to, unsigned pick, unsigned how, unsigned x, unsigned y) {
    struct bytes raw = world_newest(w, (enum frame_type)(pick % 32), pick / 32);
    struct arena arena = {.limit = 8 << 20};
    struct buffer body = {0}, out = {0};
    struct frame f;
    struct msg m;
    bool keep = how & KEEP_SIGNATURE;
    how %= HOW_LIMIT;
    if (raw.len == 0)
        raw = world_newest_any(w, pick);
    if (raw.len == 0 || frame_open(&f, raw) != ERR_OK || codec_decode(&m, &f, &arena) != ERR_OK) {
        arena_free(&arena); /* a lie that was told before may not be decoded */
        return;
    }
    if (how < HOW_BYTE) {
        bend_part(w, &m, how, x, y);
        codec_encode(&body, &m);
    } else {
        buffer_put(&body, f.body.data, f.body.len);
    }
    if (how == HOW_BYTE || how == HOW_SPLICE)
        bend_bytes(w, &body, f.type, how == HOW_SPLICE, x, y);
    member_id sender = how == HOW_SENDER ? (member_id)(x % WORLD_MEMBERS) : how == HOW_REPLAY ? f.sender : w->traitor;
    if (body.len + FRAME_OVERHEAD <= frame_cap(f.type)) {
        put_back(w, &out, &f, sender, buffer_bytes(&body), keep || how == HOW_REPLAY);
        world_lie(w, to, buffer_bytes(&out));
    }
    arena_free(&arena);
    buffer_free(&body);
    buffer_free(&out);
}
