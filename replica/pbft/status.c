/* STATUS, and what a replica does for another one whose STATUS shows that it lacks something (R4, R5, R6). Everything
   is resent as it was first sent: the statement with the signature kept beside it. This is what heals every loss. */
#include "replica/pbft/core.h"

#include <string.h>

static void set_bit(uint8_t *bits, seq_no i) {
    bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

static bool has_bit(const uint8_t *bits, seq_no i) {
    return bits[i / 8] >> (i % 8) & 1u;
}

static void fill_bitmaps(const struct pbft *p, struct msg_status *out) {
    for (seq_no i = 0; i < p->config.window; i++) {
        const struct slot *s = slot_find(p, pbft_c(p) + 1 + i);
        if (s && (s->stage == STAGE_PREPARED || s->fate != FATE_OPEN)) {
            set_bit(out->prepared, i);
        }
        if (s && s->fate != FATE_OPEN) {
            set_bit(out->committed, i);
        }
    }
}

static void fill_status(struct pbft *p, struct msg_status *out, time_ms wall) {
    *out = (struct msg_status){.boot = p->facts.boot,
                               .boot_random = p->facts.boot_random,
                               .counter = ++p->status_counter,
                               .view = p->view,
                               .phase = timer_tilts(p) && shown_phase(p) == PHASE_ACTIVE ? PHASE_TILT : shown_phase(p),
                               .executed = p->executed,
                               .certified = pbft_c(p),
                               .stable = pbft_h(p),
                               .log_hash = p->log_hash,
                               .state_root = p->stable.statement.root,
                               .wish = recall_withholds(p) ? 0 : pbft_wish(p),
                               .t = p->executed_t,
                               .wall = wall,
                               .alerts = p->facts.alerts,
                               .suspects = p->facts.suspects};
    memcpy(out->version, p->facts.version, sizeof out->version);
    fill_bitmaps(p, out);
    service_echo(p, out);
}

struct bytes pbft_status_frame(struct pbft *p, time_ms wall) {
    struct seal_context context = seal_context_of(p, FRAME_STATUS, p->config.self);
    struct msg m = {.type = FRAME_STATUS};
    struct buffer body = {0};
    fill_status(p, &m.status, wall);
    codec_encode(&body, &m);
    buffer_clear(&p->status_frame);
    frame_seal(&p->status_frame, &context, buffer_bytes(&body), &p->config.secret);
    buffer_free(&body);
    return buffer_bytes(&p->status_frame);
}

/* With every second STATUS: what must reach the others until it is superseded (BUG1). */
static void resend_wishes(struct pbft *p) {
    if (pbft_wish(p) > p->view || p->phase == PHASE_CHANGING) {
        wish_send(p, p->others);
    }
    if (p->phase == PHASE_CHANGING) {
        view_change_send(p, p->others);
    }
}

void status_send(struct pbft *p) {
    out_frame(p, p->others, pbft_status_frame(p, p->wall));
    service_asked(p);
    recall_send(p);
    if (++p->statuses_sent % 2 == 0 && !recall_withholds(p)) { /* clients' questions count for nothing here */
        resend_wishes(p);
    }
}

/* --- a peer's STATUS --- */

static void resend_vote(struct pbft *p, const struct slot *s, enum vote_kind kind, view_no v, member_id to) {
    uint8_t body[VOTE_BODY_LEN];
    const struct ballot *b = slot_ballot(p, s, kind, p->config.self, v);
    if (b->held && b->statement.v == v) {
        vote_encode(body, &b->statement);
        out_rebuilt(p, set_of(to), kind == VOTE_PREPARE ? FRAME_PREPARE : FRAME_COMMIT, bytes_of(body, sizeof body),
                    &b->sig);
    }
}

struct resend {
    member_id to;
    const struct msg_status *status;
    unsigned votes, batches;
};

static void resend_proposal(struct pbft *p, const struct slot *s, struct resend *r) {
    bool same_view = p->phase == PHASE_ACTIVE && r->status->view == p->view && s->stage != STAGE_EMPTY;
    if (!same_view) {
        return;
    }
    if (!pbft_is_primary(p)) {
        resend_vote(p, s, VOTE_PREPARE, p->view, r->to);
        r->votes++;
    } else if (s->n > p->nv_max && slot_batch(s, &s->accepted.statement.d) && r->batches < RESEND_BATCHES_MAX) {
        pre_prepare_send(p, s, set_of(r->to));
        r->batches++;
    }
}

/* Exactly what its bitmaps lack; slots younger than one STATUS interval are still on their ordinary way. */
static void resend_slots(struct pbft *p, member_id to, const struct msg_status *status) {
    struct resend r = {to, status, 0, 0};
    for (seq_no i = 0; i < p->config.window && r.votes < RESEND_MAX; i++) {
        const struct slot *s = slot_find(p, status->certified + 1 + i);
        if (!s || !s->ballots || p->now - s->since < p->config.status_interval) {
            continue;
        }
        if (!has_bit(status->prepared, i)) {
            resend_proposal(p, s, &r);
        }
        if (!has_bit(status->committed, i) && s->guards[GUARD_COMMIT].held) {
            resend_vote(p, s, VOTE_COMMIT, s->guards[GUARD_COMMIT].v, to);
            r.votes++;
        }
    }
}

/* Members take turns to send the large NEW-VIEW, one for each STATUS of the one that lacks it. */
static void resend_new_view(struct pbft *p, member_id to, const struct peer *peer) {
    bool lacks = peer->status.view < p->view || (peer->status.view == p->view && peer->status.phase == PHASE_CHANGING);
    if (p->phase == PHASE_ACTIVE && lacks && peer->count % p->members == p->config.self) {
        new_view_send(p, set_of(to));
    }
}

/* Of a boot before the newest, or of a second process under the same boot number: late, repeated, or a sign that this
   member's disk was rolled back or that it runs twice. It replaces nothing that is known. */
static bool is_estranged(const struct peer *peer, const struct msg_status *status) {
    return peer->heard && (status->boot < peer->status.boot ||
                           (status->boot == peer->status.boot && status->boot_random != peer->status.boot_random));
}

enum error handle_status(struct pbft *p, const struct msg *m) {
    const struct msg_status *status = &m->status;
    struct peer *peer = &p->peers[m->sender];
    if (is_estranged(peer, status)) {
        recall_estranged(p, m);
        return ERR_STALE;
    }
    if (peer->heard && status->boot == peer->status.boot && status->counter <= peer->status.counter) {
        return ERR_STALE;
    }
    recall_heard(p, m);
    bool left_behind = peer->heard && peer->status.executed > p->executed; /* one STATUS ago */
    peer->heard = true;
    peer->status = *status;
    service_heard(p, peer, status);
    peer->count++;
    wish_stated(peer, status);
    if (left_behind) { /* before a request's age speaks against the primary */
        ask_decisions(p, p->config.status_interval);
    }
    if (peer->count > 1 && p->now - peer->helped_at < p->config.status_interval / 2) {
        return ERR_OK; /* it asks more often than anybody has to: heard, not helped */
    }
    peer->helped_at = p->now;
    if (status->certified < pbft_c(p)) { /* BUG10 */
        checkpoint_cert_send(p, set_of(m->sender));
    }
    if (recall_withholds(p)) {
        return ERR_OK;
    }
    if (peer->count % 2 == 0) {
        checkpoint_resend(p, m->sender, status->certified > pbft_c(p) ? status->certified : pbft_c(p));
    }
    resend_new_view(p, m->sender, peer);
    resend_slots(p, m->sender, status);
    return ERR_OK;
}
