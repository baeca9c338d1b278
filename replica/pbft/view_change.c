/* The view synchroniser and VIEW-CHANGE (R6). Wishes are cheap and bind nobody: f+1 of them are echoed, Q of them end
   the view. What a replica prepared in any earlier view goes into its VIEW-CHANGE, the highest view for each n.

       STARTING ──► RECALL ──Q-1 answers──► ACTIVE ◄──NEW-VIEW── CHANGING
                       └──────Q-1 answers──────└──Q wishes above──►  ▲└─┘ Q wishes above
       any of them ──own state is not the cluster's──► REPAIR ──fetched──► as view and answers stand
       any of them ──the key signed what the disk does not know──► LEARNER */
#include "replica/pbft/core.h"

#include <stdlib.h>

void view_move(struct pbft *p, enum phase to) {
    static const bool allowed[PHASE_TILT + 1][PHASE_TILT + 1] = {
        [PHASE_STARTING] = {[PHASE_RECALL] = true, [PHASE_LEARNER] = true},
        [PHASE_RECALL] =
            {[PHASE_ACTIVE] = true, [PHASE_CHANGING] = true, [PHASE_REPAIR] = true, [PHASE_LEARNER] = true},
        [PHASE_ACTIVE] =
            {[PHASE_ACTIVE] = true, [PHASE_CHANGING] = true, [PHASE_REPAIR] = true, [PHASE_LEARNER] = true},
        [PHASE_CHANGING] =
            {[PHASE_CHANGING] = true, [PHASE_ACTIVE] = true, [PHASE_REPAIR] = true, [PHASE_LEARNER] = true},
        [PHASE_REPAIR] = {[PHASE_ACTIVE] = true, [PHASE_CHANGING] = true, [PHASE_LEARNER] = true},
        [PHASE_LEARNER] = {[PHASE_LEARNER] = true},
    };
    REQUIRE(allowed[p->phase][to]);
    p->phase = to;
    trace(p, "view %llu %s primary %u", (unsigned long long)p->view, phase_name(to), pbft_primary(p));
}

/* --- wishes --- */

/* The largest v that at least k members wish for or beyond. */
static view_no up(const struct pbft *p, unsigned k) {
    view_no best = 0;
    for (member_id i = 0; i < p->members; i++) {
        unsigned count = 0;
        for (member_id j = 0; j < p->members; j++) {
            count += p->peers[j].wish >= p->peers[i].wish;
        }
        if (count >= k && p->peers[i].wish > best) {
            best = p->peers[i].wish;
        }
    }
    return best;
}

void wish_send(struct pbft *p, member_set to) {
    struct msg m = {.type = FRAME_WISH};
    m.wish = (struct msg_wish){pbft_wish(p), p->wish_reason};
    out_message(p, to, &m);
}

/* Others may leave their view on it: forgotten in a crash, it would strand them where nobody follows (R6). */
static void persist_wish(struct pbft *p) {
    buffer_clear(&p->out.body);
    buffer_u64(&p->out.body, pbft_wish(p));
    out_record(p, PBFT_PERSIST, RECORD_WISH, key_none(), buffer_bytes(&p->out.body));
}

void wish_raise(struct pbft *p, view_no target, enum wish_reason reason) {
    if (target <= pbft_wish(p)) {
        return;
    }
    p->peers[p->config.self].wish = target;
    p->wish_reason = reason;
    trace(p, "wish v=%llu %s", (unsigned long long)target, wish_reason_name(reason));
    persist_wish(p);
    wish_send(p, p->others);
}

void wish_heard(struct pbft *p, member_id from, view_no target) {
    if (target > p->peers[from].wish) {
        p->peers[from].wish = target;
    }
}

/* A member that was made to wish, or that lost its disk, states what it wishes for now; kept for ever, the old wish
   would make a quorum with somebody else's. One STATUS may have been overtaken by the WISH. Who does not vote states
   none. */
void wish_stated(struct peer *peer, const struct msg_status *status) {
    bool lower = status->wish < peer->wish && status->phase != PHASE_RECALL && status->phase != PHASE_LEARNER;
    if (status->wish > peer->wish || (lower && peer->wish_forgotten)) {
        peer->wish = status->wish;
        lower = false;
    }
    peer->wish_forgotten = lower;
}

void suspect(struct pbft *p, enum wish_reason reason) {
    if (p->phase == PHASE_ACTIVE) {
        wish_raise(p, p->view + 1, reason);
    }
}

enum error handle_wish(struct pbft *p, const struct msg *m) {
    if (m->wish.target <= p->peers[m->sender].wish) {
        return ERR_DUPLICATE;
    }
    wish_heard(p, m->sender, m->wish.target);
    return ERR_OK;
}

/* --- VIEW-CHANGE --- */

enum error view_change_keep(struct pbft *p, struct bytes raw) {
    struct arena arena = {0};
    struct frame f;
    struct msg *m = arena_alloc(&arena, sizeof *m);
    enum error e = frame_open(&f, arena_copy(&arena, raw));
    if (e == ERR_OK) {
        e = codec_decode(m, &f, &arena);
    }
    if (e != ERR_OK || m->type != FRAME_VIEW_CHANGE || m->sender >= p->members) {
        arena_free(&arena);
        return e != ERR_OK ? e : ERR_MALFORMED;
    }
    struct peer *peer = &p->peers[m->sender];
    arena_free(&peer->view_change_arena);
    peer->view_change_arena = arena;
    peer->view_change = m;
    return ERR_OK;
}

/* P: for each n above c what I prepared in the highest view, however long ago. */
static unsigned gather_prepared(const struct pbft *p, struct prepared_entry *out) {
    unsigned count = 0;
    for (seq_no n = pbft_c(p) + 1; n <= pbft_window_end(p); n++) {
        const struct slot *s = slot_find(p, n);
        if (s && s->has_entry) {
            out[count++] = s->entry;
        }
    }
    return count;
}

static void view_change_make(struct pbft *p, struct buffer *frame) {
    struct prepared_entry *entries = xcalloc(p->config.window, sizeof *entries);
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    m.view_change.v = p->view;
    m.view_change.c = p->certified;
    m.view_change.count = gather_prepared(p, entries);
    m.view_change.p = entries;
    struct buffer body = {0};
    codec_encode(&body, &m);
    seal_view(p, &p->guard_vc, p->view, FRAME_VIEW_CHANGE, buffer_bytes(&body), frame);
    buffer_free(&body);
    free(entries);
}

static void persist_view(struct pbft *p, struct bytes view_change) {
    buffer_clear(&p->out.body);
    buffer_u64(&p->out.body, p->view);
    buffer_u64(&p->out.body, pbft_wish(p));
    buffer_block(&p->out.body, view_change);
    out_record(p, PBFT_PERSIST, RECORD_VIEW, key_none(), buffer_bytes(&p->out.body));
}

void view_change_send(struct pbft *p, member_set to) {
    const struct msg *own = p->peers[p->config.self].view_change;
    if (own && own->view_change.v == p->view) {
        out_frame(p, to, own->raw);
    }
}

/* A view ends: without progress in it, the next one is given twice the time. */
void view_left(struct pbft *p) {
    if (!p->view_progressed && p->backoff < BACKOFF_MAX) {
        p->backoff++;
    }
    p->view_progressed = false;
    p->view_changes++;
    service_view_left(p);
    p->calm_since = p->now;
}

/* Q members want to be beyond my view: never vote in it again (S3). */
static void leave(struct pbft *p, view_no to) {
    struct buffer frame = {0};
    view_left(p);
    p->view = to;
    view_move(p, PHASE_CHANGING);
    wish_heard(p, p->config.self, to);
    view_change_make(p, &frame);
    persist_view(p, buffer_bytes(&frame));
    enum error e = view_change_keep(p, buffer_bytes(&frame));
    ENSURE(e == ERR_OK);
    buffer_free(&frame);
    view_change_send(p, p->others);
    p->new_view_deadline = p->now + timer_new_view(p);
}

enum error handle_view_change(struct pbft *p, const struct msg *m) {
    view_no v = m->view_change.v;
    const struct msg *held = p->peers[m->sender].view_change;
    wish_heard(p, m->sender, v); /* whoever left for v wished for it */
    if (!certificate_agrees(p, &m->view_change.c)) {
        return ERR_CONFLICT;
    }
    if (v < p->view || (held && held->view_change.v > v)) {
        return ERR_STALE;
    }
    if (held && held->view_change.v == v) {
        if (bytes_equal(held->raw, m->raw)) {
            return ERR_DUPLICATE;
        }
        notice(p, EV_EQUIV_VC, m->sender, v, 0, held->raw, m->raw);
        return ERR_CONFLICT;
    }
    enum error e = view_change_keep(p, m->raw);
    notice_view_change(p, m);
    if (e == ERR_OK && p->phase == PHASE_ACTIVE && v == p->view) {
        new_view_send(p, set_of(m->sender));
    }
    return e;
}

void view_advance(struct pbft *p) {
    if ((p->phase != PHASE_ACTIVE && p->phase != PHASE_CHANGING) || p->breached) {
        return;
    }
    wish_raise(p, up(p, p->weak), WISH_AMPLIFY); /* one of them is honest */
    view_no agreed = up(p, p->strong);
    if (agreed > p->view) {
        leave(p, agreed);
    }
    new_view_build(p);
}
