/* Contradictions that a replica sees (R10): the exact frames go to the host, who may accuse with them. Nobody is
   convicted here, and nothing is asked twice: a liar who repeats itself is noticed once in a while. */
#include "replica/pbft/core.h"

/* True when it is time to speak of this culprit and kind again. */
static bool newly_noticed(struct pbft *p, enum evidence_kind kind, member_id culprit, view_no v, seq_no n) {
    struct noticed *x = &p->noticed[culprit][kind];
    if (x->held && ((x->v == v && x->n == n) || p->now - x->at < NOTICE_MS)) {
        return false;
    }
    *x = (struct noticed){true, v, n, p->now};
    return true;
}

void notice(struct pbft *p, enum evidence_kind kind, member_id culprit, view_no v, seq_no n, struct bytes first,
            struct bytes second) {
    if (culprit == p->config.self || !newly_noticed(p, kind, culprit, v, n)) {
        return;
    }
    trace(p, "evidence %s %s culprit %u v=%llu n=%llu", evidence_code(kind), evidence_name(kind), culprit,
          (unsigned long long)v, (unsigned long long)n);
    struct bytes *frames = arena_alloc(&p->out.arena, 2 * sizeof *frames);
    frames[0] = out_copy(p, first);
    frames[1] = out_copy(p, second);
    struct pbft_action *a = out_add(p, PBFT_EVIDENCE);
    a->evidence = kind;
    a->frames = frames;
    a->count = 2;
}

/* What its member signed, put together again; a PRE-PREPARE without its batch. */
static struct bytes rebuilt(struct pbft *p, enum frame_type type, member_id member, struct bytes body,
                            const struct signature *sig) {
    struct seal_context context = seal_context_of(p, type, member);
    buffer_clear(&p->out.frame);
    frame_rebuild(&p->out.frame, &context, body, sig);
    return out_copy(p, buffer_bytes(&p->out.frame));
}

static struct bytes vote_frame(struct pbft *p, enum frame_type type, member_id member, const struct vote *v,
                               const struct signature *sig) {
    uint8_t body[VOTE_BODY_LEN];
    vote_encode(body, v);
    return rebuilt(p, type, member, bytes_of(body, sizeof body), sig);
}

void notice_proposals(struct pbft *p, const struct proposal *held, const struct vote *v, const struct signature *sig) {
    member_id primary = primary_of(v->v, p->members);
    notice(p, EV_EQUIV_PP, primary, v->v, v->n, vote_frame(p, FRAME_PRE_PREPARE, primary, &held->statement, &held->sig),
           vote_frame(p, FRAME_PRE_PREPARE, primary, v, sig));
}

static void compare_votes(struct pbft *p, const struct msg *m, bool held, enum frame_type type, const struct vote *v,
                          const struct signature *sig) {
    bool both_prepare = m->type == FRAME_PREPARE && type == FRAME_PREPARE;
    if (held && v->v == m->vote.v && !vote_equal(v, &m->vote)) {
        notice(p, both_prepare ? EV_EQUIV_PREPARE : EV_EQUIV_COMMIT, m->sender, v->v, v->n,
               vote_frame(p, type, m->sender, v, sig), m->raw);
    }
}

void notice_vote(struct pbft *p, const struct slot *s, const struct msg *m) {
    if (!s->ballots) {
        return;
    }
    const struct ballot *prepare = slot_ballot(p, s, VOTE_PREPARE, m->sender, m->vote.v);
    const struct ballot *commit = slot_ballot(p, s, VOTE_COMMIT, m->sender, m->vote.v);
    compare_votes(p, m, prepare->held, FRAME_PREPARE, &prepare->statement, &prepare->sig);
    compare_votes(p, m, commit->held, FRAME_COMMIT, &commit->statement, &commit->sig);
    if (m->type == FRAME_COMMIT && m->sender == primary_of(m->vote.v, p->members)) {
        compare_votes(p, m, s->accepted.held, FRAME_PRE_PREPARE, &s->accepted.statement, &s->accepted.sig);
    }
}

void show_proposal(struct pbft *p, const struct slot *s, member_id member) {
    const struct vote *mine = &s->accepted.statement;
    const struct held_batch *b = s->accepted.held ? slot_batch(s, &mine->d) : NULL;
    const struct ballot *theirs = slot_ballot(p, s, VOTE_PREPARE, member, mine->v);
    struct seal_context context = seal_context_of(p, FRAME_PRE_PREPARE, primary_of(mine->v, p->members));
    if (!b || !theirs->held || theirs->statement.v != mine->v || vote_equal(mine, &theirs->statement) ||
        pbft_is_primary(p) || s->n <= p->nv_max) {
        return;
    }
    buffer_clear(&p->out.body);
    vote_encode(buffer_extend(&p->out.body, VOTE_BODY_LEN), mine);
    buffer_put(&p->out.body, b->bytes.data, b->bytes.len);
    buffer_clear(&p->out.frame);
    frame_rebuild(&p->out.frame, &context, buffer_bytes(&p->out.body), &s->accepted.sig);
    out_frame(p, set_of(member), buffer_bytes(&p->out.frame));
}

void notice_checkpoints(struct pbft *p, const struct kept_checkpoint *held, const struct msg *m) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, &held->statement);
    notice(p, EV_EQUIV_CKPT, m->sender, 0, m->checkpoint.n,
           rebuilt(p, FRAME_CHECKPOINT, m->sender, bytes_of(body, sizeof body), &held->sig), m->raw);
}

/* The certificate in an envelope that nobody signed: it proves itself, and all accusers send the same bytes. */
static struct bytes cert_frame(struct pbft *p, const struct checkpoint_cert *cert) {
    static const struct signature nobody = {{0}};
    struct msg m = {.type = FRAME_CERT};
    m.cert.kind = CERT_CHECKPOINT;
    m.cert.checkpoint = *cert;
    buffer_clear(&p->out.body);
    codec_encode(&p->out.body, &m);
    return rebuilt(p, FRAME_CERT, MEMBER_NONE, buffer_bytes(&p->out.body), &nobody);
}

void notice_divergence(struct pbft *p, const struct msg *m) {
    notice(p, EV_BAD_CKPT, m->sender, 0, m->checkpoint.n, m->raw, cert_frame(p, &p->certified));
}

/* ---- EV6: a COMMIT, and a later VIEW-CHANGE that leaves it out, whichever came first ---- */

static bool keeps(const struct msg_view_change *vc, const struct vote *commit) {
    for (unsigned i = 0; i < vc->count; i++) {
        if (vc->p[i].statement.n == commit->n) {
            return vc->p[i].statement.v >= commit->v;
        }
    }
    return false;
}

static void compare(struct pbft *p, const struct msg *vc, const struct ballot *commit) {
    const struct msg_view_change *m = &vc->view_change;
    if (commit->held && commit->statement.v < m->v && commit->statement.n > m->c.statement.n &&
        !keeps(m, &commit->statement)) {
        notice(p, EV_VC_OMISSION, vc->sender, m->v, commit->statement.n,
               vote_frame(p, FRAME_COMMIT, vc->sender, &commit->statement, &commit->sig), vc->raw);
    }
}

void notice_commit(struct pbft *p, const struct slot *s, member_id member, view_no v) {
    const struct msg *vc = p->peers[member].view_change;
    if (vc && vc->view_change.v > v) {
        compare(p, vc, slot_ballot(p, s, VOTE_COMMIT, member, v));
    }
}

void notice_view_change(struct pbft *p, const struct msg *vc) {
    for (seq_no n = p->base + 1; n <= pbft_window_end(p); n++) {
        const struct slot *s = slot_find(p, n);
        if (!s || !s->ballots) {
            continue;
        }
        compare(p, vc, &s->past[vc->sender]);
        for (view_no v = 0; v < VIEWS_KEPT; v++) {
            compare(p, vc, slot_ballot(p, s, VOTE_COMMIT, vc->sender, v));
        }
    }
}

/* ---- a broken agreement ---- */

static unsigned commit_frames(struct pbft *p, struct bytes *out, const struct vote *v,
                              const struct member_signature *commits, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        out[i] = vote_frame(p, FRAME_COMMIT, commits[i].member, v, &commits[i].sig);
    }
    return count;
}

static void breach(struct pbft *p, struct bytes *frames, unsigned count, seq_no n, const struct digest *ours,
                   const struct digest *theirs) {
    trace_breach(p, n, ours, theirs);
    struct pbft_action *a = &p->out.list[p->out.count - 1];
    a->frames = frames;
    a->count = count;
}

void breach_decisions(struct pbft *p, const struct slot *s, const struct vote *v, unsigned count,
                      const struct member_signature *commits) {
    struct bytes *frames = arena_alloc(&p->out.arena, 2 * MEMBERS_MAX * sizeof *frames);
    unsigned used = commit_frames(p, frames, &s->chosen, s->commits, s->commit_count);
    used += commit_frames(p, frames + used, v, commits, count);
    breach(p, frames, used, s->n, &s->chosen.d, &v->d);
}

void breach_new_view(struct pbft *p, const struct slot *s, struct bytes new_view, const struct digest *theirs) {
    struct bytes *frames = arena_alloc(&p->out.arena, (MEMBERS_MAX + 1) * sizeof *frames);
    unsigned used = commit_frames(p, frames, &s->chosen, s->commits, s->commit_count);
    frames[used++] = out_copy(p, new_view);
    breach(p, frames, used, s->n, &s->chosen.d, theirs);
}

void breach_certificate(struct pbft *p, const struct checkpoint *ours, const struct checkpoint_cert *theirs) {
    struct bytes *frames = arena_alloc(&p->out.arena, 2 * sizeof *frames);
    unsigned used = 0;
    frames[used++] = cert_frame(p, theirs);
    if (pbft_c(p) == ours->n && theirs != &p->certified) {
        frames[used++] = cert_frame(p, &p->certified);
    }
    breach(p, frames, used, ours->n, &ours->log_hash, &theirs->statement.log_hash);
}
