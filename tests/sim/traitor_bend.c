/* Bending at random (ByzzFuzz): numbers by one or by anything, digests, lists, phases; frames left out, said again, or
   broken in their bytes. Either all the time with some chance, or in rounds that have one way and one audience each. */
#include "tests/sim/traitor.h"

#include <string.h>

enum { BEND = 250, WITHHOLD = 60, REPEAT = 80, AHEAD = 10 }; /* per mille of its frames */

static bool perhaps(struct liar *t) {
    return liar_chance(t, 500);
}

static uint64_t moved(struct liar *t, uint64_t number, unsigned how) {
    if (how == BEND_SLIGHTLY)
        return perhaps(t) || number == 0 ? number + 1 : number - 1;
    return liar_near(t, number);
}

static void bend_vote(struct liar *t, struct vote *v, unsigned how) {
    uint64_t what = liar_below(t, 4);
    if (what == 0)
        v->d = liar_digest(t);
    else if (what == 1)
        v->v = moved(t, v->v, how);
    else if (what == 2)
        v->n = moved(t, v->n, how);
    else
        v->nv_digest = liar_digest(t);
}

/* References that lie about their request, a batch for another place, nothing at all. */
static void bend_proposal(struct liar *t, struct msg *m, unsigned how) {
    struct msg_pre_prepare *p = &m->pre_prepare;
    struct request_ref refs[BATCH_REFS_MAX];
    struct batch b = {p->batch.kind, p->batch.count, refs};
    if (perhaps(t) || b.kind == BATCH_NULL) {
        bend_vote(t, &p->statement, how);
        return;
    }
    memcpy(refs, p->batch.refs, b.count * sizeof *refs);
    struct request_ref *ref = &refs[liar_below(t, b.count)];
    switch (liar_below(t, 4)) {
    case 0:
        ref->req_seq = moved(t, ref->req_seq, how);
        break;
    case 1:
        ref->client = t->sim->observers[0].key;
        break;
    case 2:
        ref->digest = liar_digest(t);
        break;
    default:
        b = (struct batch){.kind = BATCH_NULL};
    }
    liar_propose(t, m, &b);
}

static void bend_status(struct liar *t, struct msg_status *m, unsigned how) {
    m->executed = perhaps(t) ? moved(t, m->executed, how) : m->executed;
    m->certified = perhaps(t) ? moved(t, m->certified, how) : m->certified;
    m->view = perhaps(t) ? moved(t, m->view, how) : m->view;
    m->wish = perhaps(t) ? moved(t, m->wish, how) : m->wish;
    m->phase = perhaps(t) ? PHASE_CHANGING : m->phase;
    memset(m->prepared, perhaps(t) ? 0xff : 0, sizeof m->prepared);
    memset(m->committed, perhaps(t) ? 0xff : 0, sizeof m->committed);
}

/* False: this type is not bent. */
static bool bend(struct liar *t, struct msg *m, unsigned how) {
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        bend_proposal(t, m, how);
        return true;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        m->type = how == BEND_SLIGHTLY ? m->type : perhaps(t) ? FRAME_PREPARE : FRAME_COMMIT;
        bend_vote(t, &m->vote, how);
        return true;
    case FRAME_CHECKPOINT:
        m->checkpoint.root.b[0] ^= 1;
        m->checkpoint.n = moved(t, m->checkpoint.n, how);
        return m->checkpoint.n > 0;
    case FRAME_WISH:
        m->wish.target = moved(t, m->wish.target + 1, how);
        return m->wish.target > 0;
    case FRAME_VIEW_CHANGE: /* forgets what it prepared */
        m->view_change.count = (unsigned)liar_below(t, m->view_change.count + 1);
        m->view_change.v = moved(t, m->view_change.v, how);
        return m->view_change.v > 0;
    case FRAME_STATUS:
        bend_status(t, &m->status, how);
        return true;
    case FRAME_RECEIPT:
        m->receipt.body.output_root.b[0] ^= 1;
        m->receipt.body.n = moved(t, m->receipt.body.n, how);
        return m->receipt.body.n > 0;
    case FRAME_DECISION:
        bend_vote(t, &m->decision.statement, how);
        return true;
    default:
        return false;
    }
}

/* One bit of the body, signed as if it were meant. */
static void say_broken(struct liar *t, member_id to, struct bytes frame) {
    struct frame f;
    struct buffer body = {0};
    if (frame_open(&f, frame) != ERR_OK || f.body.len == 0 || !frame_type_signed(f.type))
        return;
    buffer_put(&body, f.body.data, f.body.len);
    body.data[liar_below(t, body.len)] ^= (uint8_t)(1u << liar_below(t, 8));
    liar_say_body(t, to, f.type, buffer_bytes(&body));
    buffer_free(&body);
}

static void keep(struct liar *t, struct bytes frame) {
    struct buffer *place = &t->kept[t->kept_next++ % KEPT];
    buffer_clear(place);
    buffer_put(place, frame.data, frame.len);
}

static void say_old(struct liar *t, member_id to) {
    const struct buffer *old = &t->kept[liar_below(t, KEPT)];
    if (old->len)
        liar_say_raw(t, to, buffer_bytes(old));
}

/* Proposals for views that it will lead, two for each place, of requests that nobody holds: none may end the view of
   another member. */
static void propose_ahead(struct liar *t, member_id to) {
    struct node_facts facts = liar_facts(t);
    view_no v = facts.pbft.view + 1 + liar_below(t, 2);
    if (v % t->sim->options->members != t->self)
        return;
    for (seq_no n = facts.executed + 1; n <= facts.executed + 16; n++) {
        struct request_ref ref = {t->sim->observers[0].key, 1 + liar_below(t, 2), liar_digest(t)};
        struct msg m = {.type = FRAME_PRE_PREPARE};
        liar_propose(t, &m, &(struct batch){BATCH_NORMAL, 1, &ref});
        m.pre_prepare.statement.v = v;
        m.pre_prepare.statement.n = n;
        liar_say(t, to, &m);
    }
}

static void bend_always(struct liar *t, member_id to, struct bytes frame, struct msg *m) {
    if (liar_chance(t, AHEAD))
        propose_ahead(t, to);
    if (liar_chance(t, WITHHOLD))
        return;
    if (liar_chance(t, REPEAT))
        say_old(t, to);
    if (liar_chance(t, 100))
        keep(t, frame);
    if (liar_chance(t, BEND) && bend(t, m, BEND_ANYHOW)) {
        liar_bite(t);
        liar_say(t, to, m);
        if (perhaps(t)) /* contradicts itself */
            liar_say_raw(t, to, frame);
    } else {
        liar_say_raw(t, to, frame);
    }
}

static void bend_in_round(struct liar *t, member_id to, struct bytes frame, struct msg *m) {
    bool meant = t->round.on && set_has(t->round.to, to) && (!t->round.only || t->round.only == m->type);
    if (liar_chance(t, 100))
        keep(t, frame);
    if (!meant) {
        liar_say_raw(t, to, frame);
        return;
    }
    liar_bite(t);
    if (t->round.how == BEND_OMIT)
        return;
    if (t->round.how == BEND_REPEAT)
        say_old(t, to);
    if (t->round.how == BEND_BYTES)
        say_broken(t, to, frame);
    else if (t->round.how <= BEND_ANYHOW && bend(t, m, t->round.how))
        liar_say(t, to, m);
    else
        liar_say_raw(t, to, frame);
}

void bend_send(struct liar *t, member_id to, struct bytes frame, struct msg *m) {
    if (t->kind == FAULT_ROUNDS)
        bend_in_round(t, to, frame, m);
    else
        bend_always(t, to, frame, m);
}

void bend_round(struct liar *t) {
    static const enum frame_type types[] = {FRAME_PRE_PREPARE, FRAME_PREPARE,     FRAME_COMMIT,   FRAME_CHECKPOINT,
                                            FRAME_WISH,        FRAME_VIEW_CHANGE, FRAME_NEW_VIEW, FRAME_STATUS};
    t->round.on = perhaps(t);
    t->round.how = 1 + (unsigned)liar_below(t, BEND_WAYS);
    t->round.only = perhaps(t) ? types[liar_below(t, sizeof types / sizeof *types)] : 0;
    t->round.to = (member_set)liar_below(t, set_all(t->sim->options->members) + 1u);
}
