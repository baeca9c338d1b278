/* The lies of fuzz_node: frames of the book with parts bent, and frames made from scratch. All are sealed with the
   traitor's key, or carry the signature that they had. */
#include "tests/fuzz/node_world.h"

#include <stdlib.h>
#include <string.h>

enum { NUMBERS_MAX = 12, DIGESTS_MAX = 8, FAR = 0x80 };

static void seal(const struct world *w, struct buffer *out, const struct msg *m) {
    struct seal_context context = {(uint8_t)m->type, w->cluster.id, 0, w->traitor};
    struct buffer body = {0};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), frame_type_signed(m->type) ? &w->member_secrets[w->traitor] : NULL);
    buffer_free(&body);
}

static void say(struct world *w, member_set to, const struct msg *m) {
    struct buffer frame = {0};
    seal(w, &frame, m);
    world_lie(w, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

/* Opens and decodes; false when there is nothing of that type. */
static bool open_newest(const struct world *w, struct msg *m, struct arena *arena, enum frame_type type,
                        unsigned skip) {
    struct bytes raw = world_newest(w, type, skip);
    struct frame f;
    return raw.len && frame_open(&f, raw) == ERR_OK && codec_decode(m, &f, arena) == ERR_OK;
}

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
    else if (open_newest(w, &m, &arena, FRAME_PRE_PREPARE, y / 4))
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
    if (raw.len == 0 || frame_open(&f, raw) != ERR_OK || codec_decode(&m, &f, &arena) != ERR_OK)
        return;
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

/* ---- making ---- */

struct goal { /* where the honest members stand, and a bit beside it */
    view_no v;
    seq_no n;
    struct digest nv_digest;
};

static struct goal goal_of(const struct world *w, unsigned x) {
    struct node_facts facts, own;
    struct goal goal = {0};
    struct arena arena = {.limit = 8 << 20};
    struct msg m;
    node_inspect(w->seats[(w->traitor + 1) % WORLD_MEMBERS].node, &facts);
    node_inspect(w->seats[w->traitor].node, &own);
    goal.v = facts.pbft.view + (x / 16 % 8);
    goal.n = facts.executed + x % 16;
    for (unsigned skip = 0; skip < 4 && open_newest(w, &m, &arena, FRAME_NEW_VIEW, skip); skip++)
        if (m.new_view.v == goal.v)
            goal.nv_digest = m.new_view.digest;
    arena_free(&arena);
    return goal;
}

/* A batch of the newest requests, of one that nobody holds, or of none. */
static void some_batch(const struct world *w, struct buffer *out, unsigned y) {
    struct request_ref refs[3] = {0};
    struct batch b = {y % 4 ? BATCH_NORMAL : BATCH_NULL, 0, refs};
    for (unsigned i = 0; i < y % 4; i++) {
        struct request *r = NULL;
        unsigned back = 1 + i + y / 16;
        if (back <= w->request_count && back <= WORLD_REQUESTS &&
            request_new(&r, buffer_bytes(&w->requests[(w->request_count - back) % WORLD_REQUESTS])) == ERR_OK)
            refs[b.count++] = (struct request_ref){r->client, r->req_seq, r->digest};
        request_free(r);
    }
    if (b.count && y & 8)
        refs[0].digest.b[0] ^= 1;
    if (b.count == 0)
        b.kind = BATCH_NULL;
    batch_encode(out, &b);
}

static void make_proposal(struct world *w, member_set to, unsigned x, unsigned y) {
    struct goal goal = goal_of(w, x);
    struct buffer batch = {0};
    struct msg m = {.type = FRAME_PRE_PREPARE};
    some_batch(w, &batch, y);
    m.pre_prepare.batch_bytes = buffer_bytes(&batch);
    m.pre_prepare.statement = (struct vote){goal.v, goal.n, batch_digest(buffer_bytes(&batch)), goal.nv_digest};
    say(w, to, &m);
    buffer_free(&batch);
}

static void make_vote(struct world *w, member_set to, unsigned how, unsigned x, unsigned y) {
    struct goal goal = goal_of(w, x);
    struct arena arena = {.limit = 1 << 20};
    struct msg m = {.type = how & 1 ? FRAME_PREPARE : FRAME_COMMIT}, seen;
    m.vote = (struct vote){goal.v, goal.n, batch_null_digest(), goal.nv_digest};
    if (y % 8 && open_newest(w, &seen, &arena, FRAME_PRE_PREPARE, y % 8 - 1))
        m.vote = seen.pre_prepare.statement;
    if (y & 16)
        m.vote.n = goal.n;
    if (y & 32)
        m.vote.v = goal.v;
    say(w, to, &m);
    arena_free(&arena);
}

/* The VIEW-CHANGEs for the view of the newest one, one a member, sorted. */
static unsigned gather_view_changes(const struct world *w, struct msg *vcs, struct arena *arena) {
    struct msg found[WORLD_MEMBERS] = {0}, m;
    unsigned count = 0;
    view_no v = 0;
    for (unsigned skip = 0; skip < 16 && open_newest(w, &m, arena, FRAME_VIEW_CHANGE, skip); skip++) {
        v = v ? v : m.view_change.v;
        if (m.view_change.v == v && m.sender < WORLD_MEMBERS && found[m.sender].type == 0)
            found[m.sender] = m;
    }
    for (unsigned i = 0; i < WORLD_MEMBERS; i++)
        if (found[i].type)
            vcs[count++] = found[i];
    return count;
}

static void sign_slots(const struct world *w, struct new_view_slot *slots, unsigned count, view_no v,
                       const struct digest *nv_digest) {
    struct seal_context context = {FRAME_PRE_PREPARE, w->cluster.id, 0, w->traitor};
    for (unsigned i = 0; i < count; i++) {
        uint8_t header[VOTE_BODY_LEN];
        vote_encode(header, &(struct vote){v, slots[i].n, slots[i].d, *nv_digest});
        seal_sign(&slots[i].pp_sig, &context, bytes_of(header, sizeof header), &w->member_secrets[w->traitor]);
    }
}

/* y: 0 what follows from the VIEW-CHANGEs, else a slot too few, too many, or another digest. */
static void bend_plan(struct new_view_plan *plan, unsigned x, unsigned y) {
    unsigned last = plan->slot_count;
    if (y % 4 == 1 && last)
        plan->slot_count--;
    else if (y % 4 == 2 && last < WINDOW_MAX)
        plan->slots[plan->slot_count++] = (struct new_view_slot){.n = plan->max_s + 1, .d = batch_null_digest()};
    else if (y % 4 == 3 && last)
        plan->slots[x % last].d = batch_null_digest();
}

static void make_new_view(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct new_view_plan plan = {0};
    struct msg vcs[WORLD_MEMBERS], m = {.type = FRAME_NEW_VIEW};
    struct buffer core = {0};
    unsigned count = gather_view_changes(w, vcs, &arena), left_out = x % WORLD_MEMBERS;
    if (count == WORLD_MEMBERS) { /* Q of them, the choice being the traitor's */
        memmove(&vcs[left_out], &vcs[left_out + 1], (count - left_out - 1) * sizeof *vcs);
        count--;
    }
    if (count && new_view_compute(&plan, vcs, count, WORLD_WINDOW) == ERR_OK) {
        bend_plan(&plan, x, y);
        m.new_view = (struct msg_new_view){.v = vcs[0].view_change.v,
                                           .vc_count = count,
                                           .vcs = vcs,
                                           .slot_count = plan.slot_count,
                                           .slots = plan.slots};
        codec_new_view_core(&core, &m.new_view);
        m.new_view.core = buffer_bytes(&core);
        m.new_view.digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
        sign_slots(w, plan.slots, plan.slot_count, m.new_view.v, &m.new_view.digest);
        say(w, to, &m);
    }
    buffer_free(&core);
    arena_free(&arena);
}

/* A VIEW-CHANGE with the certificate and entries of somebody else's, fewer of them if y says so. */
static void make_view_change(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_VIEW_CHANGE}, other;
    m.view_change.v = goal_of(w, x).v + 1;
    if (open_newest(w, &other, &arena, FRAME_VIEW_CHANGE, y % 8)) {
        m.view_change.c = other.view_change.c;
        m.view_change.p = other.view_change.p;
        m.view_change.count = y & 8 ? 0 : other.view_change.count;
    }
    say(w, to, &m);
    arena_free(&arena);
}

/* The batch of the newest proposals with the COMMITs that the traitor heard, and its own. */
static void make_decision(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_DECISION}, pp, commit, heard[WORLD_MEMBERS] = {0};
    if (open_newest(w, &pp, &arena, FRAME_PRE_PREPARE, x % 8)) {
        m.decision.statement = pp.pre_prepare.statement;
        m.decision.batch = pp.pre_prepare.batch_bytes;
        for (unsigned skip = 0; skip < 32 && open_newest(w, &commit, &arena, FRAME_COMMIT, skip); skip++)
            if (vote_equal(&commit.vote, &m.decision.statement) && commit.sender < WORLD_MEMBERS)
                heard[commit.sender] = commit;
        for (member_id i = 0; i < WORLD_MEMBERS; i++)
            if (heard[i].type || (y & set_of(i)))
                m.decision.commits[m.decision.count++] = (struct member_signature){i, heard[i].sig};
        if (m.decision.count)
            say(w, to, &m);
    }
    arena_free(&arena);
}

static void make_certificate(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_CERT}, seen, other;
    struct checkpoint_cert *c = &m.cert.checkpoint;
    m.cert.kind = CERT_CHECKPOINT;
    if (open_newest(w, &seen, &arena, FRAME_CHECKPOINT, x % 8)) {
        struct msg heard[WORLD_MEMBERS] = {0};
        c->statement = seen.checkpoint;
        for (unsigned skip = 0; skip < 16 && open_newest(w, &other, &arena, FRAME_CHECKPOINT, skip); skip++)
            if (other.sender < WORLD_MEMBERS && checkpoint_equal(&other.checkpoint, &c->statement))
                heard[other.sender] = other;
        for (member_id i = 0; i < WORLD_MEMBERS; i++)
            if (heard[i].type || (y & set_of(i)))
                c->sigs[c->count++] = (struct member_signature){i, heard[i].sig};
        say(w, to, &m);
    }
    arena_free(&arena);
}

static void make_relay(struct world *w, member_set to, struct request *r, const struct secret_key *key) {
    struct msg m = {.type = FRAME_RELAY};
    struct buffer frame = {0};
    request_seal(&frame, r, &w->cluster.id, key);
    m.relay.request = buffer_bytes(&frame);
    say(w, to, &m);
    buffer_free(&frame);
}

/* A tick of the traitor's, its clock as wrong as can be; two under one number when y is odd. */
static void make_tick(struct world *w, member_set to, unsigned x, unsigned y) {
    struct request r = {.kind = OP_TICK, .client = w->cluster.members[w->traitor].key};
    r.req_seq = w->traitor_req_seq += !(y & 1);
    r.tick = (struct op_tick){.boot = 1 + y / 16, .counter = y, .wall = world_wall(w) + ((int64_t)x - 128) * 1000};
    make_relay(w, to, &r, &w->member_secrets[w->traitor]);
}

static void make_evidence(struct world *w, member_set to, unsigned x, unsigned y) {
    struct request r = {.kind = OP_EVIDENCE, .client = w->cluster.members[w->traitor].key};
    unsigned kept = w->request_count < WORLD_REQUESTS ? w->request_count : WORLD_REQUESTS;
    if (kept == 0)
        return;
    r.req_seq = ++w->traitor_req_seq;
    r.evidence = (struct op_evidence){EV_OBS_EQUIV, EVIDENCE_FRAMES_MAX, {{0}}};
    r.evidence.frames[0] = buffer_bytes(&w->requests[(w->request_count - 1 - x % kept) % WORLD_REQUESTS]);
    r.evidence.frames[1] = buffer_bytes(&w->requests[(w->request_count - 1 - y % kept) % WORLD_REQUESTS]);
    make_relay(w, to, &r, &w->member_secrets[w->traitor]);
}

static void make_question(struct world *w, member_set to, unsigned how, unsigned x, unsigned y) {
    struct digest digests[2] = {batch_null_digest(), {{1}}};
    struct goal goal = goal_of(w, x);
    struct msg m = {.type = FRAME_FETCH};
    m.fetch = (struct msg_fetch){1 + y % 2, digests};
    if (how % 4 == 1) {
        m.type = FRAME_FETCH_DECISION;
        m.fetch_decision = (struct msg_fetch_decision){1 + y % 8, goal.n + 1 + y};
    } else if (how % 4 == 2) {
        m.type = FRAME_FETCH_CERT;
        m.fetch_cert = (struct msg_fetch_cert){y % 2 ? CERT_CHECKPOINT : CERT_NEW_VIEW, y / 2};
    } else if (how % 4 == 3) {
        m.type = FRAME_WISH;
        m.wish = (struct msg_wish){goal.v + 1 + y % 4, WISH_PROOF};
    }
    say(w, to, &m);
}

void lie_make(struct world *w, member_set to, unsigned what, unsigned how, unsigned x, unsigned y) {
    switch (what % 9) {
    case 0:
        make_proposal(w, to, x, y);
        break;
    case 1:
        make_vote(w, to, how, x, y);
        break;
    case 2:
        make_new_view(w, to, x, y);
        break;
    case 3:
        make_view_change(w, to, x, y);
        break;
    case 4:
        make_decision(w, to, x, y);
        break;
    case 5:
        make_certificate(w, to, x, y);
        break;
    case 6:
        make_tick(w, to, x, y);
        break;
    case 7:
        make_evidence(w, to, x, y);
        break;
    default:
        make_question(w, to, how, x, y);
    }
}
