/* What convicts, clause by clause. Every kind first opens its frames: whole, of this cluster and epoch, the signature
   right. Then comes the contradiction itself. Beside each stands why a replica that follows the rules never signs both
   sides. */
#include "proto/evidence.h"

#include "proto/codec.h"
#include "proto/proof.h"

#include <string.h>

/* ---- frames ---- */

enum { ARENA_BASE = 256 * 1024, ARENA_PER_BYTE = 16 }; /* what decoding may unfold a frame into, as at the door */

struct court { /* one judgement */
    const struct evidence_judge *judge;
    const struct op_evidence *e;
    struct arena arena;
    struct evidence_finding *out;
};

static void allow_for(struct court *c, size_t len) {
    c->arena.limit = c->arena.used + ARENA_BASE + ARENA_PER_BYTE * len;
}

static enum error expect_type(const struct frame *f, const struct verifier *v, enum frame_type type) {
    if (f->type != type) {
        return ERR_BAD_TYPE;
    }
    return memcmp(f->cluster.b, v->cluster.b, CLUSTER_ID_LEN) == 0 ? ERR_OK : ERR_FOREIGN_CLUSTER;
}

/* Frame i is of this type and its member of the epoch signed it. */
static enum error open_signed(struct court *c, unsigned i, enum frame_type type, struct frame *out) {
    const struct verifier *v = c->judge->verifier;
    enum error e = frame_open(out, c->e->frames[i]);
    if (e == ERR_OK) {
        e = expect_type(out, v, type);
    }
    if (e == ERR_OK && out->epoch != v->epoch) {
        e = ERR_WRONG_EPOCH;
    }
    if (e == ERR_OK && out->sender >= v->members) {
        e = ERR_NOT_A_MEMBER;
    }
    return e == ERR_OK ? frame_verify(out, &v->cluster, &v->keys[out->sender]) : e;
}

static enum error open_message(struct court *c, unsigned i, enum frame_type type, struct msg *out) {
    struct frame f;
    enum error e = open_signed(c, i, type, &f);
    if (e == ERR_OK) {
        allow_for(c, f.raw.len);
        e = codec_decode(out, &f, &c->arena);
    }
    return e;
}

struct ballot { /* a signed statement about one slot */
    enum frame_type type;
    member_id member;
    struct vote vote;
};

/* The signature of a PRE-PREPARE covers its header alone: the batch may be left away. */
static enum error open_ballot(struct court *c, unsigned i, struct ballot *out) {
    struct frame f;
    enum error e = frame_open(&f, c->e->frames[i]);
    bool is_ballot = f.type == FRAME_PRE_PREPARE || f.type == FRAME_PREPARE || f.type == FRAME_COMMIT;
    if (e == ERR_OK) {
        e = is_ballot ? open_signed(c, i, f.type, &f) : ERR_BAD_TYPE;
    }
    if (e == ERR_OK && f.signed_body.len != VOTE_BODY_LEN) {
        e = ERR_MALFORMED;
    }
    if (e == ERR_OK) {
        *out = (struct ballot){.type = f.type, .member = f.sender};
        vote_decode(&out->vote, f.signed_body.data);
        e = out->vote.n > NUMBER_MAX || out->vote.v > NUMBER_MAX ? ERR_OUT_OF_RANGE : ERR_OK;
    }
    return e;
}

static enum error open_request(struct court *c, unsigned i, struct request *out) {
    const struct verifier *v = c->judge->verifier;
    struct frame f;
    enum error e = frame_open(&f, c->e->frames[i]);
    if (e == ERR_OK) {
        e = expect_type(&f, v, FRAME_REQUEST);
    }
    if (e == ERR_OK) {
        allow_for(c, f.raw.len);
        e = request_decode(out, &f, &c->arena);
    }
    if (e == ERR_OK && !keyring_find(c->judge->keys, &out->client)) {
        e = ERR_UNKNOWN_KEY;
    }
    return e == ERR_OK ? frame_verify(&f, &v->cluster, &out->client) : e;
}

/* ---- verdicts ---- */

static enum error member_did(struct court *c, bool proven, member_id member, view_no v, seq_no n) {
    *c->out = (struct evidence_finding){{c->judge->verifier->keys[member], ROLE_MEMBER, member}, v, n};
    return proven ? ERR_OK : ERR_BAD_PROOF;
}

static enum error client_did(struct court *c, bool proven, const struct public_key *key, uint64_t v, uint64_t n) {
    const struct key_entry *who = keyring_find(c->judge->keys, key);
    *c->out = (struct evidence_finding){who ? *who : (struct key_entry){.key = *key}, v, n};
    return proven && who ? ERR_OK : ERR_BAD_PROOF;
}

/* ---- EV1, EV2, EV3: votes ---- */

/* S1: GUARD is on disk before any of these leaves, and refuses a second statement for its (type, v, n). */
static enum error two_ballots(struct court *c, struct ballot *a, struct ballot *b) {
    enum error e = open_ballot(c, 0, a);
    if (e == ERR_OK) {
        e = open_ballot(c, 1, b);
    }
    if (e != ERR_OK) {
        return e;
    }
    bool contradict =
        a->member == b->member && a->vote.v == b->vote.v && a->vote.n == b->vote.n && !vote_equal(&a->vote, &b->vote);
    return member_did(c, contradict, a->member, a->vote.v, a->vote.n);
}

static enum error judge_proposals(struct court *c) {
    struct ballot a, b;
    enum error e = two_ballots(c, &a, &b);
    bool both = e == ERR_OK && a.type == FRAME_PRE_PREPARE && b.type == FRAME_PRE_PREPARE &&
                a.member == primary_of(a.vote.v, c->judge->verifier->members);
    return e == ERR_OK && !both ? ERR_BAD_PROOF : e;
}

static enum error judge_prepares(struct court *c) {
    struct ballot a, b;
    enum error e = two_ballots(c, &a, &b);
    return e == ERR_OK && !(a.type == FRAME_PREPARE && b.type == FRAME_PREPARE) ? ERR_BAD_PROOF : e;
}

/* A replica COMMITs in a view only what it PREPAREd there, or as the primary proposed there. So its COMMIT also
   contradicts its PREPARE, or its PRE-PREPARE, for something else. */
static enum error judge_commits(struct court *c) {
    struct ballot a, b;
    enum error e = two_ballots(c, &a, &b);
    return e == ERR_OK && a.type != FRAME_COMMIT && b.type != FRAME_COMMIT ? ERR_BAD_PROOF : e;
}

/* ---- EV4, EV5: checkpoints ---- */

static enum error open_checkpoint(struct court *c, unsigned i, struct msg *out) {
    return open_message(c, i, FRAME_CHECKPOINT, out);
}

/* GUARD again: a replay that gives another root than the one signed before is never signed. */
static enum error judge_checkpoints(struct court *c) {
    struct msg a, b;
    enum error e = open_checkpoint(c, 0, &a);
    if (e == ERR_OK) {
        e = open_checkpoint(c, 1, &b);
    }
    if (e != ERR_OK) {
        return e;
    }
    bool contradict =
        a.sender == b.sender && a.checkpoint.n == b.checkpoint.n && !checkpoint_equal(&a.checkpoint, &b.checkpoint);
    return member_did(c, contradict, a.sender, 0, a.checkpoint.n);
}

/* The certificate proves itself; nobody's signature is asked around it. */
static enum error open_certificate(struct court *c, unsigned i, struct checkpoint_cert *out) {
    struct frame f;
    struct msg m;
    enum error e = frame_open(&f, c->e->frames[i]);
    if (e == ERR_OK) {
        e = expect_type(&f, c->judge->verifier, FRAME_CERT);
    }
    if (e == ERR_OK) {
        allow_for(c, f.raw.len);
        e = codec_decode(&m, &f, &c->arena);
    }
    if (e == ERR_OK && m.cert.kind != CERT_CHECKPOINT) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        *out = m.cert.checkpoint;
        e = proof_checkpoint_cert_valid(c->judge->verifier, out);
    }
    return e;
}

/* Q signatures hold f+1 of honest replicas, whose state is that of every replica that did not diverge. */
static enum error judge_divergence(struct court *c) {
    struct msg m;
    struct checkpoint_cert cert;
    enum error e = open_checkpoint(c, 0, &m);
    if (e == ERR_OK) {
        e = open_certificate(c, 1, &cert);
    }
    if (e != ERR_OK) {
        return e;
    }
    bool contradict =
        m.checkpoint.n > 0 && m.checkpoint.n == cert.statement.n && !checkpoint_equal(&m.checkpoint, &cert.statement);
    return member_did(c, contradict, m.sender, 0, m.checkpoint.n);
}

/* ---- EV6, EV7, EV10: VIEW-CHANGE ---- */

static bool has_entry(const struct msg_view_change *vc, seq_no n, view_no at_least) {
    for (unsigned i = 0; i < vc->count; i++) {
        if (vc->p[i].statement.n == n) {
            return vc->p[i].statement.v >= at_least;
        }
    }
    return false;
}

/* PREPARED is on disk before a COMMIT leaves, is kept until a certified c reaches it, and only a higher view replaces
   it; after VIEW-CHANGE(w) nothing is committed below w. So P above c names all that was ever committed. */
static enum error judge_omission(struct court *c) {
    struct ballot commit;
    struct msg vc;
    enum error e = open_ballot(c, 0, &commit);
    if (e == ERR_OK) {
        e = open_message(c, 1, FRAME_VIEW_CHANGE, &vc);
    }
    if (e != ERR_OK) {
        return e;
    }
    const struct msg_view_change *x = &vc.view_change;
    bool omitted = commit.type == FRAME_COMMIT && commit.member == vc.sender && commit.vote.v < x->v &&
                   commit.vote.n > x->c.statement.n && !has_entry(x, commit.vote.n, commit.vote.v);
    return member_did(c, omitted, commit.member, x->v, commit.vote.n);
}

/* What goes into a VIEW-CHANGE was verified when it came in, and is verified anew here by the same function. */
static enum error judge_view_change(struct court *c) {
    struct msg m;
    enum error e = open_message(c, 0, FRAME_VIEW_CHANGE, &m);
    if (e != ERR_OK) {
        return e;
    }
    bool wrong = proof_view_change_valid(c->judge->verifier, c->judge->window, &m) != ERR_OK;
    return member_did(c, wrong, m.sender, m.view_change.v, 0);
}

/* The bytes for a view are fixed once signed: they are on disk before they leave. */
static enum error judge_view_changes(struct court *c) {
    struct msg a, b;
    struct frame fa, fb;
    enum error e = open_message(c, 0, FRAME_VIEW_CHANGE, &a);
    if (e == ERR_OK) {
        e = open_message(c, 1, FRAME_VIEW_CHANGE, &b);
    }
    if (e == ERR_OK && (frame_open(&fa, a.raw) != ERR_OK || frame_open(&fb, b.raw) != ERR_OK)) {
        e = ERR_BAD_PROOF;
    }
    if (e != ERR_OK) {
        return e;
    }
    bool contradict = a.sender == b.sender && a.view_change.v == b.view_change.v && !bytes_equal(fa.body, fb.body);
    return member_did(c, contradict, a.sender, a.view_change.v, 0);
}

/* ---- EV8, EV9: NEW-VIEW ---- */

static const struct new_view_slot *slot_of(const struct msg_new_view *nv, seq_no n) {
    return nv->slot_count > 0 && n >= nv->slots[0].n && n - nv->slots[0].n < nv->slot_count
               ? &nv->slots[n - nv->slots[0].n]
               : NULL;
}

/* min_s: everything at or below it was certified, and nobody votes on it in this view. */
static seq_no floor_of(const struct msg_new_view *nv) {
    seq_no floor = 0;
    for (unsigned i = 0; i < nv->vc_count; i++) {
        seq_no c = nv->vcs[i].view_change.c.statement.n;
        floor = c > floor ? c : floor;
    }
    return floor;
}

bool evidence_vote_against(const struct msg_new_view *nv, const struct vote *vote) {
    const struct new_view_slot *o = slot_of(nv, vote->n);
    return vote->n <= floor_of(nv) || (o && !digest_equal(&o->d, &vote->d));
}

/* A vote names the NEW-VIEW that its signer verified: V and O, which the digest binds. The signatures over O are not
   bound by it, so a good core in a bad frame convicts nobody but the frame's signer. In a view, a replica votes for
   what O says, and beyond O for what the primary proposes. */
static enum error judge_endorsement(struct court *c, const struct msg_new_view *nv) {
    struct ballot vote;
    enum error e = open_ballot(c, 1, &vote);
    if (e != ERR_OK) {
        return e;
    }
    bool named = vote.vote.v == nv->v && digest_equal(&vote.vote.nv_digest, &nv->digest);
    bool wrong = named && proof_new_view_core_valid(c->judge->verifier, c->judge->window, nv) != ERR_OK;
    bool against = named && evidence_vote_against(nv, &vote.vote);
    return member_did(c, wrong || against, vote.member, vote.vote.v, vote.vote.n);
}

static enum error judge_new_view(struct court *c) {
    struct msg m;
    enum error e = open_message(c, 0, FRAME_NEW_VIEW, &m);
    if (e != ERR_OK) {
        return e;
    }
    if (c->e->count == 2) {
        return judge_endorsement(c, &m.new_view);
    }
    bool wrong = proof_new_view_valid(c->judge->verifier, c->judge->window, &m) != ERR_OK;
    return member_did(c, wrong, m.sender, m.new_view.v, 0);
}

/* One NEW-VIEW for a view, on disk before it leaves. */
static enum error judge_new_views(struct court *c) {
    struct msg a, b;
    enum error e = open_message(c, 0, FRAME_NEW_VIEW, &a);
    if (e == ERR_OK) {
        e = open_message(c, 1, FRAME_NEW_VIEW, &b);
    }
    if (e != ERR_OK) {
        return e;
    }
    bool contradict =
        a.sender == b.sender && a.new_view.v == b.new_view.v && !digest_equal(&a.new_view.digest, &b.new_view.digest);
    return member_did(c, contradict, a.sender, a.new_view.v, 0);
}

/* ---- EV11, EV12, EV13: requests ---- */

static enum error two_requests(struct court *c, struct request *a, struct request *b) {
    enum error e = open_request(c, 0, a);
    if (e == ERR_OK) {
        e = open_request(c, 1, b);
    }
    if (e == ERR_OK && !public_key_equal(&a->client, &b->client)) {
        e = ERR_BAD_PROOF;
    }
    return e;
}

/* Not their signatures: those say nothing that the bodies don't. */
static bool bodies_differ(const struct request *a, const struct request *b) {
    struct frame fa, fb;
    return frame_open(&fa, a->frame) == ERR_OK && frame_open(&fb, b->frame) == ERR_OK && !bytes_equal(fa.body, fb.body);
}

/* A boot is counted on disk before it speaks, a tick is stamped once, and only its bytes are sent again. */
static enum error judge_ticks(struct court *c) {
    struct request a, b;
    enum error e = two_requests(c, &a, &b);
    if (e != ERR_OK) {
        return e;
    }
    const struct key_entry *who = keyring_find(c->judge->keys, &a.client);
    bool contradict = who && who->role == ROLE_MEMBER && a.kind == OP_TICK && b.kind == OP_TICK &&
                      a.tick.boot == b.tick.boot && a.tick.counter == b.tick.counter && bodies_differ(&a, &b);
    return client_did(c, contradict, &a.client, a.tick.boot, a.tick.counter);
}

/* An agent fixes obs_seq when it makes the result, and keeps both when it bundles anew. */
static enum error judge_observations(struct court *c) {
    struct request a, b;
    uint64_t obs_seq = 0;
    enum error e = two_requests(c, &a, &b);
    if (e != ERR_OK) {
        return e;
    }
    const struct key_entry *who = keyring_find(c->judge->keys, &a.client);
    bool contradict = who && who->role == ROLE_OBSERVER && evidence_observation_conflict(&a, &b, NULL, &obs_seq);
    return client_did(c, contradict, &a.client, 0, obs_seq);
}

/* A client reserves numbers on disk and sends the same bytes again; one restored from an old image does not. */
static enum error judge_numbers(struct court *c) {
    struct request a, b;
    enum error e = two_requests(c, &a, &b);
    return e == ERR_OK ? client_did(c, a.req_seq == b.req_seq && bodies_differ(&a, &b), &a.client, 0, a.req_seq) : e;
}

/* ---- EV14: receipts ---- */

/* F equal receipts hold an honest one, and execution is deterministic. */
static enum error judge_receipts(struct court *c) {
    struct receipt_body bodies[EVIDENCE_FRAMES_MAX] = {{0}};
    member_id members[EVIDENCE_FRAMES_MAX] = {0};
    bool contradict = true;
    for (unsigned i = 0; i < c->e->count; i++) {
        struct frame f;
        enum error e = open_signed(c, i, FRAME_RECEIPT, &f);
        if (e != ERR_OK || f.body.len != RECEIPT_BODY_LEN) {
            return e != ERR_OK ? e : ERR_MALFORMED;
        }
        receipt_decode(&bodies[i], f.body.data);
        members[i] = f.sender;
        contradict &= bodies[i].n == bodies[0].n && (i < 2 || members[i] > members[i - 1]) &&
                      (i < 2 || receipt_body_equal(&bodies[i], &bodies[1])) && (i == 0 || members[i] != members[0]);
    }
    return member_did(c, contradict && !receipt_body_equal(&bodies[0], &bodies[1]), members[0], 0, bodies[0].n);
}

/* ---- the door ---- */

static unsigned frames_least(const struct evidence_judge *j, enum evidence_kind k) {
    return k == EV_BAD_VC || k == EV_BAD_NV ? 1 : k == EV_BAD_RECEIPT ? 1 + quorum_weak(j->verifier->members) : 2;
}

static unsigned frames_most(const struct evidence_judge *j, enum evidence_kind k) {
    return k == EV_BAD_NV ? 2 : frames_least(j, k);
}

static enum error judge(struct court *c) {
    switch (c->e->kind) {
    case EV_EQUIV_PP:
        return judge_proposals(c);
    case EV_EQUIV_PREPARE:
        return judge_prepares(c);
    case EV_EQUIV_COMMIT:
        return judge_commits(c);
    case EV_EQUIV_CKPT:
        return judge_checkpoints(c);
    case EV_BAD_CKPT:
        return judge_divergence(c);
    case EV_VC_OMISSION:
        return judge_omission(c);
    case EV_BAD_VC:
        return judge_view_change(c);
    case EV_BAD_NV:
        return judge_new_view(c);
    case EV_EQUIV_NV:
        return judge_new_views(c);
    case EV_EQUIV_VC:
        return judge_view_changes(c);
    case EV_TICK_EQUIV:
        return judge_ticks(c);
    case EV_OBS_EQUIV:
        return judge_observations(c);
    case EV_CLIENT_EQUIV:
        return judge_numbers(c);
    case EV_BAD_RECEIPT:
        return judge_receipts(c);
    case EV_KIND_LIMIT:
        break;
    }
    return ERR_OUT_OF_RANGE;
}

enum error evidence_verify(const struct evidence_judge *j, const struct op_evidence *e, struct evidence_finding *out) {
    struct court c = {.judge = j, .e = e, .out = out};
    *out = (struct evidence_finding){{.role = ROLE_NONE}, 0, 0};
    if ((unsigned)e->kind >= EV_KIND_LIMIT || e->kind == 0) {
        return ERR_OUT_OF_RANGE;
    }
    if (e->count < frames_least(j, e->kind) || e->count > frames_most(j, e->kind)) {
        return ERR_TOO_FEW_SIGNATURES;
    }
    enum error verdict = judge(&c);
    arena_free(&c.arena);
    if (verdict != ERR_OK) {
        *out = (struct evidence_finding){{.role = ROLE_NONE}, 0, 0};
    }
    return verdict;
}
