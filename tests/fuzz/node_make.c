/* The lies of fuzz_node that are made from scratch: proposals, votes, view changes, certificates and questions that
   nobody's node would send, out of what the traitor heard. */
#include "tests/fuzz/node_world.h"

#include <string.h>

static void seal(const struct world *w, struct buffer *out, const struct msg *m) {
    struct seal_context context = {(uint8_t)m->type, w->cluster.id, 0, w->traitor};
    struct buffer body = {0};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), frame_type_signed(m->type) ? &w->member_secrets[w->traitor] : NULL);
    buffer_free(&body);
}

void lie_say(struct world *w, member_set to, const struct msg *m) {
    struct buffer frame = {0};
    seal(w, &frame, m);
    world_lie(w, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

/* Opens and decodes; false when there is nothing of that type. */
bool lie_open(const struct world *w, struct msg *m, struct arena *arena, enum frame_type type, unsigned skip) {
    struct bytes raw = world_newest(w, type, skip);
    struct frame f;
    return raw.len && frame_open(&f, raw) == ERR_OK && codec_decode(m, &f, arena) == ERR_OK;
}

struct goal { /* where the honest members stand, and a bit beside it */
    view_no v;
    seq_no n;
    struct digest nv_digest;
};

static struct goal goal_of(const struct world *w, unsigned x) {
    struct node_facts facts;
    struct goal goal = {0};
    struct arena arena = {.limit = 8 << 20};
    struct msg m;
    node_inspect(w->seats[(w->traitor + 1) % WORLD_MEMBERS].node, &facts);
    goal.v = facts.pbft.view + (x / 16 % 8);
    goal.n = facts.executed + x % 16;
    for (unsigned skip = 0; skip < 4 && lie_open(w, &m, &arena, FRAME_NEW_VIEW, skip); skip++)
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
    lie_say(w, to, &m);
    buffer_free(&batch);
}

static void make_vote(struct world *w, member_set to, unsigned how, unsigned x, unsigned y) {
    struct goal goal = goal_of(w, x);
    struct arena arena = {.limit = 1 << 20};
    struct msg m = {.type = how & 1 ? FRAME_PREPARE : FRAME_COMMIT}, seen;
    m.vote = (struct vote){goal.v, goal.n, batch_null_digest(), goal.nv_digest};
    if (y % 8 && lie_open(w, &seen, &arena, FRAME_PRE_PREPARE, y % 8 - 1))
        m.vote = seen.pre_prepare.statement;
    if (y & 16)
        m.vote.n = goal.n;
    if (y & 32)
        m.vote.v = goal.v;
    lie_say(w, to, &m);
    arena_free(&arena);
}

/* The VIEW-CHANGEs for the view of the newest one, one a member, sorted. */
static unsigned gather_view_changes(const struct world *w, struct msg *vcs, struct arena *arena) {
    struct msg found[WORLD_MEMBERS] = {0}, m;
    unsigned count = 0;
    view_no v = 0;
    for (unsigned skip = 0; skip < 16 && lie_open(w, &m, arena, FRAME_VIEW_CHANGE, skip); skip++) {
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
        lie_say(w, to, &m);
    }
    buffer_free(&core);
    arena_free(&arena);
}

/* A VIEW-CHANGE with the certificate and entries of somebody else's, fewer of them if y says so. */
static void make_view_change(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_VIEW_CHANGE}, other;
    m.view_change.v = goal_of(w, x).v + 1;
    if (lie_open(w, &other, &arena, FRAME_VIEW_CHANGE, y % 8)) {
        m.view_change.c = other.view_change.c;
        m.view_change.p = other.view_change.p;
        m.view_change.count = y & 8 ? 0 : other.view_change.count;
    }
    lie_say(w, to, &m);
    arena_free(&arena);
}

/* The batch of the newest proposals with the COMMITs that the traitor heard, and its own. */
static void make_decision(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_DECISION}, pp, commit, heard[WORLD_MEMBERS] = {0};
    if (lie_open(w, &pp, &arena, FRAME_PRE_PREPARE, x % 8)) {
        m.decision.statement = pp.pre_prepare.statement;
        m.decision.batch = pp.pre_prepare.batch_bytes;
        for (unsigned skip = 0; skip < 32 && lie_open(w, &commit, &arena, FRAME_COMMIT, skip); skip++)
            if (vote_equal(&commit.vote, &m.decision.statement) && commit.sender < WORLD_MEMBERS)
                heard[commit.sender] = commit;
        for (member_id i = 0; i < WORLD_MEMBERS; i++)
            if (heard[i].type || (y & set_of(i)))
                m.decision.commits[m.decision.count++] = (struct member_signature){i, heard[i].sig};
        if (m.decision.count)
            lie_say(w, to, &m);
    }
    arena_free(&arena);
}

static void make_certificate(struct world *w, member_set to, unsigned x, unsigned y) {
    struct arena arena = {.limit = 8 << 20};
    struct msg m = {.type = FRAME_CERT}, seen, other;
    struct checkpoint_cert *c = &m.cert.checkpoint;
    m.cert.kind = CERT_CHECKPOINT;
    if (lie_open(w, &seen, &arena, FRAME_CHECKPOINT, x % 8)) {
        struct msg heard[WORLD_MEMBERS] = {0};
        c->statement = seen.checkpoint;
        for (unsigned skip = 0; skip < 16 && lie_open(w, &other, &arena, FRAME_CHECKPOINT, skip); skip++)
            if (other.sender < WORLD_MEMBERS && checkpoint_equal(&other.checkpoint, &c->statement))
                heard[other.sender] = other;
        for (member_id i = 0; i < WORLD_MEMBERS; i++)
            if (heard[i].type || (y & set_of(i)))
                c->sigs[c->count++] = (struct member_signature){i, heard[i].sig};
        lie_say(w, to, &m);
    }
    arena_free(&arena);
}

static void make_relay(struct world *w, member_set to, struct request *r, const struct secret_key *key) {
    struct msg m = {.type = FRAME_RELAY};
    struct buffer frame = {0};
    request_seal(&frame, r, &w->cluster.id, key);
    m.relay.request = buffer_bytes(&frame);
    lie_say(w, to, &m);
    buffer_free(&frame);
}

/* A tick of the traitor's, its clock as wrong as can be; two under one number when y is odd. */
static void make_tick(struct world *w, member_set to, unsigned x, unsigned y) {
    struct request r = {.kind = OP_TICK, .client = w->cluster.members[w->traitor].key};
    r.req_seq = w->traitor_req_seq += !(y & 1);
    r.tick = (struct op_tick){.boot = 1 + y / 16, .counter = y, .wall = world_wall(w) + ((int64_t)x - 128) * 1000};
    make_relay(w, to, &r, &w->member_secrets[w->traitor]);
}

/* What the frames of an accusation are; client requests where there is no type. */
static enum frame_type accused_type(enum evidence_kind kind, unsigned i) {
    static const uint8_t types[EV_KIND_LIMIT][2] = {
        [EV_EQUIV_PP] = {FRAME_PRE_PREPARE, FRAME_PRE_PREPARE}, [EV_EQUIV_PREPARE] = {FRAME_PREPARE, FRAME_PREPARE},
        [EV_EQUIV_COMMIT] = {FRAME_COMMIT, FRAME_COMMIT},       [EV_EQUIV_CKPT] = {FRAME_CHECKPOINT, FRAME_CHECKPOINT},
        [EV_BAD_CKPT] = {FRAME_CHECKPOINT, FRAME_CERT},         [EV_VC_OMISSION] = {FRAME_COMMIT, FRAME_VIEW_CHANGE},
        [EV_BAD_VC] = {FRAME_VIEW_CHANGE, FRAME_VIEW_CHANGE},   [EV_BAD_NV] = {FRAME_NEW_VIEW, FRAME_PREPARE},
        [EV_EQUIV_NV] = {FRAME_NEW_VIEW, FRAME_NEW_VIEW},       [EV_EQUIV_VC] = {FRAME_VIEW_CHANGE, FRAME_VIEW_CHANGE},
        [EV_BAD_RECEIPT] = {FRAME_RECEIPT, FRAME_RECEIPT},
    };
    return (enum frame_type)types[kind][i ? 1 : 0];
}

/* An accusation out of the book. No choice of frames may convict an honest member (I16). */
static void make_evidence(struct world *w, member_set to, unsigned how, unsigned x, unsigned y) {
    struct request r = {.kind = OP_EVIDENCE, .client = w->cluster.members[w->traitor].key};
    struct evidence_judge judge = {&w->admit[0].verifier, w->keys, WORLD_WINDOW};
    struct evidence_finding found;
    unsigned kept = w->request_count < WORLD_REQUESTS ? w->request_count : WORLD_REQUESTS;
    unsigned skips[EVIDENCE_FRAMES_MAX] = {x % 16, x / 16, y / 16, y % 16};
    size_t length = 0;
    r.evidence.kind = (enum evidence_kind)(1 + y % (EV_KIND_LIMIT - 1));
    r.evidence.count = 1 + how % 3;
    for (unsigned i = 0; i < r.evidence.count && i < EVIDENCE_FRAMES_MAX; i++) {
        enum frame_type type = accused_type(r.evidence.kind, i);
        if (type)
            r.evidence.frames[i] = world_newest(w, type, skips[i]);
        else if (kept)
            r.evidence.frames[i] =
                buffer_bytes(&w->requests[(w->request_count - 1 - skips[i] % kept) % WORLD_REQUESTS]);
        if (r.evidence.frames[i].len == 0)
            return;
        length += r.evidence.frames[i].len;
    }
    if (evidence_verify(&judge, &r.evidence, &found) == ERR_OK && found.culprit.role == ROLE_MEMBER)
        ENSURE(found.culprit.index == w->traitor);
    r.req_seq = ++w->traitor_req_seq;
    if (length < frame_cap(FRAME_REQUEST) / 2)
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
    lie_say(w, to, &m);
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
        make_evidence(w, to, how, x, y);
        break;
    default:
        make_question(w, to, how, x, y);
    }
}
