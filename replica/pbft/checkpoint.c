/* Checkpoints (R5): c = newest certified (Q equal CHECKPOINTs held), h = newest stable (certified, executed, own root
   equal). A certificate for another root than mine means that my state diverged: I stop voting (BUG16). */
#include "replica/pbft/core.h"

#include <string.h>

static int64_t periods(time_ms t, mono_ms period) {
    return t >= 0 ? t / period : -((-t + period - 1) / period);
}

bool checkpoint_due(const struct pbft *p, seq_no n, time_ms before, time_ms after) {
    mono_ms period = p->config.checkpoint_period;
    return n % p->config.checkpoint_interval == 0 || periods(after, period) > periods(before, period);
}

/* --- the newest CHECKPOINTS_KEPT of each member above c --- */

struct kept_checkpoint *checkpoint_find(struct pbft *p, member_id member, seq_no n) {
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) {
        struct kept_checkpoint *x = &p->peers[member].checkpoints[i];
        if (x->held && x->statement.n == n) {
            return x;
        }
    }
    return NULL;
}

static struct kept_checkpoint *checkpoint_place(struct pbft *p, member_id member) {
    struct kept_checkpoint *oldest = &p->peers[member].checkpoints[0];
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) {
        struct kept_checkpoint *x = &p->peers[member].checkpoints[i];
        if (!x->held) {
            return x;
        }
        oldest = x->statement.n < oldest->statement.n ? x : oldest;
    }
    return oldest;
}

struct kept_checkpoint *checkpoint_keep(struct pbft *p, member_id member, const struct checkpoint *c,
                                        const struct signature *sig) {
    struct kept_checkpoint *place = checkpoint_place(p, member);
    if (place->held && place->statement.n > c->n) {
        return NULL;
    }
    *place = (struct kept_checkpoint){.held = true, .is_signed = sig != NULL, .statement = *c};
    if (sig) {
        place->sig = *sig;
    }
    return place;
}

/* --- certified and stable --- */

static void store_cert(struct pbft *p, enum pbft_record record, const struct checkpoint_cert *cert) {
    buffer_clear(&p->out.body);
    codec_encode_checkpoint_cert(&p->out.body, cert);
    out_record(p, PBFT_PERSIST, record, key_none(), buffer_bytes(&p->out.body));
}

void make_stable(struct pbft *p, const struct checkpoint_cert *cert) {
    p->stable = *cert;
    store_cert(p, RECORD_STABLE, &p->stable);
    out_forget(p, RECORD_ACCEPT, pbft_h(p));
    out_forget(p, RECORD_GUARD, pbft_h(p));
    out_forget(p, RECORD_OWN_CHECKPOINT, pbft_h(p));
    faulted_forget(p);
    trace(p, "stable n=%llu", (unsigned long long)pbft_h(p));
    out_add(p, PBFT_STABLE)->n = pbft_h(p);
    window_moved(p);
}

/* Stable: certified, executed, and my own root equal (I11). */
void stable_advance(struct pbft *p) {
    const struct kept_checkpoint *own = checkpoint_find(p, p->config.self, pbft_c(p));
    if (pbft_c(p) <= pbft_h(p) || !own || p->damaged) {
        return;
    }
    if (!digest_equal(&own->statement.log_hash, &p->certified.statement.log_hash)) {
        if (!p->breached) { /* nothing to repair: another log was decided by another quorum (I1) */
            breach_certificate(p, &own->statement, &p->certified);
        }
        return;
    }
    if (!checkpoint_equal(&own->statement, &p->certified.statement)) {
        trace(p, "REPAIR n=%llu: own root %s, certified root %s: this replica's state diverged, it votes no more",
              (unsigned long long)pbft_c(p), shorten(&own->statement.root).text,
              shorten(&p->certified.statement.root).text);
        enter_repair(p);
        return;
    }
    make_stable(p, &p->certified);
}

/* What this replica knows of the log at n: from a certificate, or because it executed there. */
static const struct checkpoint *known_log(struct pbft *p, seq_no n) {
    const struct kept_checkpoint *own = checkpoint_find(p, p->config.self, n);
    if (n > 0 && n == pbft_c(p)) {
        return &p->certified.statement;
    }
    if (n > 0 && n == pbft_h(p)) {
        return &p->stable.statement;
    }
    return own && !p->damaged ? &own->statement : NULL;
}

/* Damage to my state leaves the log as it is; another log was decided by another quorum. */
bool certificate_agrees(struct pbft *p, const struct checkpoint_cert *cert) {
    const struct checkpoint *ours = known_log(p, cert->statement.n);
    if (!ours || digest_equal(&ours->log_hash, &cert->statement.log_hash)) {
        return true;
    }
    if (!p->breached) {
        breach_certificate(p, ours, cert);
    }
    return false;
}

void adopt_certificate(struct pbft *p, const struct checkpoint_cert *cert) {
    if (!certificate_agrees(p, cert) || cert->statement.n <= pbft_c(p)) {
        return;
    }
    p->certified = *cert;
    store_cert(p, RECORD_CERT, cert);
    out_forget(p, RECORD_PREPARED, pbft_c(p)); /* those slots are final */
    trace(p, "certified n=%llu root=%s", (unsigned long long)pbft_c(p), shorten(&cert->statement.root).text);
    window_moved(p);
    stable_advance(p);
}

/* Q equal CHECKPOINTs of distinct members certify. */
static void certify(struct pbft *p, const struct checkpoint *c) {
    struct checkpoint_cert cert = {.statement = *c};
    for (member_id i = 0; i < p->members; i++) {
        const struct kept_checkpoint *x = checkpoint_find(p, i, c->n);
        if (x && x->is_signed && checkpoint_equal(&x->statement, c) && cert.count < p->strong) {
            cert.sigs[cert.count++] = (struct member_signature){i, x->sig};
        }
    }
    if (cert.count >= p->strong) {
        adopt_certificate(p, &cert);
    }
}

/* --- events --- */

static void checkpoint_frame(struct pbft *p, member_set to, const struct kept_checkpoint *x) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, &x->statement);
    out_rebuilt(p, to, FRAME_CHECKPOINT, bytes_of(body, sizeof body), &x->sig);
}

static void checkpoint_vote(struct pbft *p, const struct checkpoint *c) {
    struct signature sig;
    uint8_t body[CHECKPOINT_BODY_LEN];
    struct slot *s = slot_at(p, c->n);
    checkpoint_encode(body, c);
    struct digest digest = guard_digest(bytes_of(body, sizeof body));
    if (!guard_allows(&s->guards[GUARD_CHECKPOINT], 0, &digest)) {
        trace(p, "REPAIR n=%llu: a replay gave another root than the one signed before", (unsigned long long)c->n);
        enter_repair(p);
        return;
    }
    sign_checkpoint(p, s, c, &sig);
    buffer_clear(&p->out.body);
    buffer_put(&p->out.body, body, sizeof body);
    buffer_put(&p->out.body, sig.b, SIGNATURE_LEN);
    out_record(p, PBFT_PERSIST, RECORD_OWN_CHECKPOINT, key_n(c->n), buffer_bytes(&p->out.body));
    checkpoint_frame(p, p->others, checkpoint_keep(p, p->config.self, c, &sig));
    certify(p, c);
}

/* Taken while no vote is allowed: kept as it is, until one is. */
static void checkpoint_withhold(struct pbft *p, const struct checkpoint *c) {
    uint8_t body[CHECKPOINT_BODY_LEN];
    checkpoint_encode(body, c);
    checkpoint_keep(p, p->config.self, c, NULL);
    out_record(p, PBFT_PERSIST, RECORD_OWN_CHECKPOINT, key_n(c->n), bytes_of(body, sizeof body));
}

void checkpoints_sign(struct pbft *p) {
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) {
        struct kept_checkpoint *x = &p->peers[p->config.self].checkpoints[i];
        struct checkpoint c = x->statement;
        if (x->held && !x->is_signed && window_holds(p, c.n) && !p->damaged) {
            x->held = false;
            checkpoint_vote(p, &c);
        }
    }
}

void handle_checkpointed(struct pbft *p, const struct checkpoint *c) {
    REQUIRE(p->checkpointing != 0 && c->n == p->checkpointing);
    p->checkpointing = 0;
    trace(p, "checkpoint n=%llu root=%s", (unsigned long long)c->n, shorten(&c->root).text);
    if (c->n > pbft_c(p) && recall_withholds(p) && !p->damaged) {
        checkpoint_withhold(p, c);
    } else if (window_holds(p, c->n) && !p->damaged) {
        checkpoint_vote(p, c);
    } else if (c->n == pbft_c(p)) { /* certified before I got here: no vote needed, only the comparison */
        checkpoint_keep(p, p->config.self, c, NULL);
        stable_advance(p);
    }
}

enum error handle_checkpoint(struct pbft *p, const struct msg *m) {
    const struct checkpoint *c = &m->checkpoint;
    if (c->n == pbft_c(p) && !checkpoint_equal(c, &p->certified.statement)) {
        notice_divergence(p, m);
        return ERR_CONFLICT;
    }
    if (c->n <= pbft_c(p)) {
        return ERR_STALE;
    }
    const struct kept_checkpoint *x = checkpoint_find(p, m->sender, c->n);
    if (x && checkpoint_equal(&x->statement, c)) {
        return ERR_DUPLICATE;
    }
    if (x) {
        notice_checkpoints(p, x, m);
        return ERR_CONFLICT;
    }
    if (!checkpoint_keep(p, m->sender, c, &m->sig)) {
        return ERR_STALE;
    }
    certify(p, c);
    return ERR_OK;
}

/* --- for those that lack it --- */

static const struct kept_checkpoint *newest_own(const struct pbft *p, seq_no above, seq_no below) {
    const struct kept_checkpoint *newest = NULL;
    for (unsigned i = 0; i < CHECKPOINTS_KEPT; i++) {
        const struct kept_checkpoint *x = &p->peers[p->config.self].checkpoints[i];
        bool fits = x->is_signed && x->statement.n > above && x->statement.n < below;
        newest = fits && (!newest || x->statement.n > newest->statement.n) ? x : newest;
    }
    return newest;
}

void checkpoint_resend(struct pbft *p, member_id to, seq_no above) {
    seq_no below = UINT64_MAX;
    for (unsigned sent = 0; sent < CHECKPOINTS_RESENT; sent++) {
        const struct kept_checkpoint *x = newest_own(p, above, below);
        if (!x) {
            return;
        }
        checkpoint_frame(p, set_of(to), x);
        below = x->statement.n;
    }
}

void checkpoint_cert_send(struct pbft *p, member_set to) {
    struct msg m = {.type = FRAME_CERT};
    m.cert.kind = CERT_CHECKPOINT;
    m.cert.checkpoint = p->certified;
    if (pbft_c(p) > 0) {
        out_message(p, to, &m);
    }
}
