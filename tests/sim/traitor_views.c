/* Traitors in view changes: rows C of the catalogue. */
#include "proto/proof.h"
#include "tests/sim/traitor.h"

#include <stdlib.h>
#include <string.h>

static enum said hides(struct liar *t, member_id to, struct msg *m) {
    (void)to, (void)t;
    if (m->type != FRAME_VIEW_CHANGE || m->view_change.count == 0)
        return SAID_AS_IS;
    m->view_change.count--;
    return SAID_OTHERWISE;
}

/* One wrong signature among right ones voids the whole. */
static enum said proves_badly(struct liar *t, member_id to, struct msg *m) {
    struct prepared_entry entries[WINDOW_MAX];
    struct msg_view_change *vc = &m->view_change;
    (void)to;
    if (m->type != FRAME_VIEW_CHANGE || (vc->count == 0 && vc->c.count == 0))
        return SAID_AS_IS;
    if (vc->count == 0 || (vc->c.count > 0 && liar_chance(t, 500))) {
        vc->c.sigs[liar_below(t, vc->c.count)].sig.b[3] ^= 1;
        return SAID_OTHERWISE;
    }
    memcpy(entries, vc->p, vc->count * sizeof *entries);
    struct prepared_entry *e = &entries[liar_below(t, vc->count)];
    if (liar_chance(t, 500))
        e->prepares[liar_below(t, e->count)].sig.b[5] ^= 1;
    else
        e->statement.d.b[1] ^= 1;
    vc->p = entries;
    liar_say(t, to, m);
    return SAID_NOTHING;
}

/* ---- NEW-VIEWs ---- */

/* Seals V and O as they are, however wrong, with right signatures over O. */
static void say_new_view(struct liar *t, member_id to, struct msg_new_view *nv, struct new_view_slot *slots) {
    struct buffer core = {0};
    struct msg m = {.type = FRAME_NEW_VIEW, .new_view = *nv};
    m.new_view.slots = slots;
    codec_new_view_core(&core, &m.new_view);
    m.new_view.core = buffer_bytes(&core);
    struct digest digest = crypto_digest(DIGEST_NEW_VIEW, m.new_view.core);
    for (unsigned i = 0; i < m.new_view.slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct vote v = {nv->v, slots[i].n, slots[i].d, digest};
        struct seal_context context = liar_context(t, FRAME_PRE_PREPARE);
        vote_encode(body, &v);
        seal_sign(&slots[i].pp_sig, &context, bytes_of(body, sizeof body), &t->sim->secrets[t->self]);
    }
    liar_say(t, to, &m);
    buffer_free(&core);
}

static enum said counts_one_twice(struct liar *t, member_id to, struct msg *m) {
    struct msg vcs[MEMBERS_MAX];
    struct new_view_slot slots[WINDOW_MAX];
    if (m->type != FRAME_NEW_VIEW)
        return SAID_AS_IS;
    struct msg_new_view nv = m->new_view;
    memcpy(vcs, nv.vcs, nv.vc_count * sizeof *vcs);
    memcpy(slots, nv.slots, nv.slot_count * sizeof *slots);
    vcs[nv.vc_count - 1] = vcs[0];
    nv.vcs = vcs;
    say_new_view(t, to, &nv, slots);
    return SAID_NOTHING;
}

static enum said keeps_new_view(struct liar *t, member_id to, struct msg *m) {
    (void)t, (void)to;
    return m->type == FRAME_NEW_VIEW ? SAID_NOTHING : SAID_AS_IS;
}

static enum said delays_new_view(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_NEW_VIEW)
        return SAID_AS_IS;
    liar_say_later(t, to, m, (time_us)t->sim->cluster.knobs.new_view_timeout_ms * 900);
    return SAID_NOTHING;
}

/* Drops a slot, puts NULL over what was prepared, another digest, or one slot too many. */
static enum said decides_otherwise(struct liar *t, member_id to, struct msg *m) {
    struct new_view_slot slots[WINDOW_MAX];
    if (m->type != FRAME_NEW_VIEW)
        return SAID_AS_IS;
    struct msg_new_view nv = m->new_view;
    memcpy(slots, nv.slots, nv.slot_count * sizeof *slots);
    unsigned what = (unsigned)liar_below(t, 3);
    if (nv.slot_count == 0 || what == 0) {
        seq_no n = nv.slot_count ? slots[nv.slot_count - 1].n + 1 : liar_facts(t).pbft.certified + 1;
        if (nv.slot_count == WINDOW_MAX)
            return SAID_NOTHING;
        slots[nv.slot_count++] = (struct new_view_slot){.n = n, .d = batch_null_digest()};
    } else if (what == 1) {
        nv.slot_count--;
    } else {
        slots[liar_below(t, nv.slot_count)].d = liar_digest(t);
    }
    say_new_view(t, to, &nv, slots);
    return SAID_NOTHING;
}

/* Two NEW-VIEWs, both as right as can be: in one of them its own VIEW-CHANGE tells less. */
static enum said installs_two(struct liar *t, member_id to, struct msg *m) {
    struct msg vcs[MEMBERS_MAX];
    struct buffer frames[MEMBERS_MAX] = {{0}};
    if (m->type != FRAME_NEW_VIEW || !in_half(t, to))
        return SAID_AS_IS;
    struct msg_new_view nv = m->new_view;
    memcpy(vcs, nv.vcs, nv.vc_count * sizeof *vcs);
    for (unsigned i = 0; i < nv.vc_count; i++) {
        if (vcs[i].sender != t->self)
            continue;
        struct seal_context context = liar_context(t, FRAME_VIEW_CHANGE);
        struct buffer body = {0};
        if (vcs[i].view_change.count)
            vcs[i].view_change.count--;
        else
            vcs[i].view_change.c = (struct checkpoint_cert){.count = 0};
        codec_encode(&body, &vcs[i]);
        frame_seal(&frames[i], &context, buffer_bytes(&body), &t->sim->secrets[t->self]);
        vcs[i].raw = buffer_bytes(&frames[i]);
        buffer_free(&body);
    }
    nv.vcs = vcs;
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    if (new_view_compute(plan, vcs, nv.vc_count, t->sim->options->window) == ERR_OK) {
        nv.slot_count = plan->slot_count;
        say_new_view(t, to, &nv, plan->slots);
    }
    free(plan);
    for (unsigned i = 0; i < nv.vc_count; i++)
        buffer_free(&frames[i]);
    return SAID_NOTHING;
}

/* ---- storms ---- */

static enum said remembers(struct liar *t, member_id to, struct msg *m) {
    if (m->type == FRAME_VIEW_CHANGE && to == t->victim) {
        buffer_clear(&t->kept[0]);
        buffer_put(&t->kept[0], m->raw.data, m->raw.len);
    }
    return SAID_AS_IS;
}

static void storms(struct liar *t) {
    struct node_facts f = liar_facts(t);
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    for (unsigned i = 1; i <= 4; i++) {
        m.view_change.v = f.pbft.view + i;
        liar_say_all(t, &m);
        liar_bite(t);
    }
}

static enum said changes_its_mind(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_VIEW_CHANGE || !in_half(t, to))
        return SAID_AS_IS;
    if (m->view_change.count)
        m->view_change.count--;
    else if (m->view_change.c.statement.n)
        m->view_change.c = (struct checkpoint_cert){.count = 0};
    else
        return SAID_NOTHING;
    return SAID_OTHERWISE;
}

const struct behaviour view_behaviours[] = {
    {"hiding-view-change", "DR-C1", SEAT_ANY, .send = hides},
    {"badly-proven-view-change", "DR-C2", SEAT_ANY, .send = proves_badly},
    {"one-counted-twice", "DR-C3", SEAT_NEXT, .send = counts_one_twice},
    {"silent-new-primary", "DR-C4", SEAT_NEXT, .send = keeps_new_view},
    {"slow-new-primary", "DR-C4b", SEAT_NEXT, .send = delays_new_view},
    {"wrong-new-view", "DR-C5", SEAT_NEXT, .send = decides_otherwise},
    {"two-new-views", "DR-C6", SEAT_NEXT, .send = installs_two},
    {"view-change-storm", "DR-C8", SEAT_ANY, .send = remembers, .act = storms},
    {"two-view-changes", "DR-C1b", SEAT_ANY, .send = changes_its_mind},
};
const unsigned view_behaviour_count = sizeof view_behaviours / sizeof *view_behaviours;
