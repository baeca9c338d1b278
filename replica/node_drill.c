/* This replica as the target of an ordered drill (R13): when its filter is to lie, what was signed for it, and the
   DRILL-DONE at the end. Only a DRILL that is executed live begins anything. One that a restart or a state transfer
   passed over is over here; what may have been signed for it is then taken to be all that could matter. */
#include "replica/node_internal.h"

#include <stdio.h>

enum { ASK_AGAIN_MS = 5000, STILL_MS = 20000, STILL_VIEWS = 4 };

static void higher(uint64_t *mark, uint64_t value) {
    *mark = value > *mark ? value : *mark;
}

/* So long without a batch is longer than some views of silent primaries take. */
static mono_ms patience(const struct node *n) {
    const struct protocol_knobs *k = &n->cluster->knobs;
    mono_ms views = STILL_VIEWS * ((mono_ms)k->request_timeout_ms + k->new_view_timeout_ms);
    return views > STILL_MS ? views : STILL_MS;
}

void drill_executed(struct node *n, seq_no seq) {
    const struct drill_record *d = ledger_drill_running(n->machine.ledger);
    struct drilling *x = &n->drilling;
    x->executed_at = n->now.mono;
    if (!d || d->target != n->self || d->started_n != seq)
        return;
    *x = (struct drilling){.id = d->id, .stage = DRILLING_OVER, .executed_at = n->now.mono};
    if (n->now.wall >= d->ends_t) /* executed long after it was ordered */
        return;
    x->stage = DRILLING_LIES;
    x->order = (struct drill_order){.id = d->id, .until = n->now.mono + (d->ends_t - d->started_t)};
    snprintf(x->order.behaviour, sizeof x->order.behaviour, "%s", d->behaviour);
    node_trace(n, "drill %llu (%s) started: %s", (unsigned long long)d->id, d->name, d->behaviour);
}

/* Where nothing is executed no end can be agreed on: with the target, a second member may be missing to a quorum, and
   an isolated target hears of no end. */
const struct drill_order *node_drill(const struct node *n) {
    const struct drill_record *d = ledger_drill_running(n->machine.ledger);
    const struct drilling *x = &n->drilling;
    bool lies = x->stage == DRILLING_LIES && d && d->id == x->id && n->now.mono < x->order.until;
    return lies && n->now.mono - x->executed_at < patience(n) ? &x->order : NULL;
}

/* Each slot of it is a PRE-PREPARE. */
static void proposed_anew(struct drilling *x, const struct msg_new_view *nv) {
    higher(&x->max_view, nv->v);
    if (nv->slot_count)
        higher(&x->max_n, nv->slots[nv->slot_count - 1].n);
}

void node_drill_signed(struct node *n, struct bytes frame) {
    struct arena arena = {0};
    struct drilling *x = &n->drilling;
    struct frame f;
    struct msg m;
    if (frame_open(&f, frame) == ERR_OK && f.sender == n->self && codec_decode_signed(&m, &f, &arena) == ERR_OK) {
        if (m.type == FRAME_PRE_PREPARE)
            higher(&x->max_n, m.pre_prepare.statement.n);
        else if (m.type == FRAME_PREPARE || m.type == FRAME_COMMIT)
            higher(&x->max_n, m.vote.n);
        else if (m.type == FRAME_CHECKPOINT)
            higher(&x->max_n, m.checkpoint.n);
        else if (m.type == FRAME_RECEIPT)
            higher(&x->max_n, m.receipt.body.n);
        else if (m.type == FRAME_VIEW_CHANGE)
            higher(&x->max_view, m.view_change.v);
        else if (m.type == FRAME_NEW_VIEW)
            proposed_anew(x, &m.new_view);
    }
    arena_free(&arena);
}

void node_drill_over(struct node *n, uint64_t id, uint64_t bites) {
    struct drilling *x = &n->drilling;
    if (x->id != id || x->stage != DRILLING_LIES)
        return;
    x->stage = DRILLING_OVER;
    x->bites = bites;
    node_trace(n, "drill %llu stopped: %llu frames changed", (unsigned long long)id, (unsigned long long)bites);
}

/* ---- DRILL-DONE ---- */

/* The furthest that a claim may reach, and more than any honest member takes. */
static seq_no furthest(const struct node *n) {
    struct pbft_view view;
    seq_no reached = ledger_executed(n->machine.ledger);
    pbft_inspect(n->pbft, &view);
    higher(&reached, view.certified);
    return reached + 2 * (seq_no)n->cluster->knobs.window;
}

/* Nothing that was signed for a drill goes beyond it, nor did it earlier. */
static view_no furthest_view(const struct node *n) {
    struct pbft_view view;
    pbft_inspect(n->pbft, &view);
    return view.view + PBFT_FAULTED_VIEWS;
}

/* What may have been signed in a drill that this process knows nothing of, and what FAULTED says was. */
static struct drilling all_that_may_be(const struct node *n, uint64_t id) {
    struct drilling x = {.id = id, .stage = DRILLING_OVER};
    struct pbft_view view;
    pbft_inspect(n->pbft, &view);
    pbft_faulted_reach(n->pbft, &x.max_n, &x.max_view);
    higher(&x.max_n, furthest(n));
    higher(&x.max_view, view.view);
    return x;
}

/* An own drill of an earlier boot, or one that was passed over, which is not accounted for. */
static void look_back(struct node *n) {
    const struct drill_record *d;
    for (uint32_t i = 0; (d = ledger_drill_at(n->machine.ledger, i)); i++)
        if (d->target == n->self && !d->done) {
            n->drilling = all_that_may_be(n, d->id);
            return;
        }
}

static uint64_t at_most(uint64_t value, uint64_t bound) {
    return value < bound ? value : bound;
}

static void ask(struct node *n) {
    struct drilling *x = &n->drilling;
    struct request r = {.kind = OP_DRILL_DONE};
    r.drill_done =
        (struct op_drill_done){x->id, at_most(x->max_n, furthest(n)), at_most(x->max_view, furthest_view(n)), x->bites};
    x->due = n->now.mono + ASK_AGAIN_MS;
    voice_ask(n, &r);
}

void drill_turn(struct node *n) {
    struct drilling *x = &n->drilling;
    if (!n->pbft || x->stage == DRILLING_LIES || n->now.mono < x->due || !voice_may_vote(n))
        return;
    if (x->stage == DRILLING_NONE)
        look_back(n);
    const struct drill_record *d = x->stage == DRILLING_OVER ? ledger_drill_find(n->machine.ledger, x->id) : NULL;
    if (!d || d->done)
        x->stage = DRILLING_NONE;
    else
        ask(n);
}

mono_ms drill_deadline(const struct node *n) {
    return n->drilling.stage == DRILLING_OVER ? n->drilling.due : INT64_MAX;
}
