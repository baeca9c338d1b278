/* Traitors in view changes, rows C: what they hide, prove badly, install, keep back or say too often. */
#include "proto/proof.h"
#include "replica/fault_parts.h"

#include <string.h>

static enum said hides(struct fault *f, member_id to, struct msg *m) {
    (void)to, (void)f;
    if (m->type != FRAME_VIEW_CHANGE || m->view_change.count == 0)
        return SAID_AS_IS;
    m->view_change.count--;
    return SAID_OTHERWISE;
}

static enum said changes_its_mind(struct fault *f, member_id to, struct msg *m) {
    if (m->type != FRAME_VIEW_CHANGE || !in_half(f, to))
        return SAID_AS_IS;
    if (m->view_change.count)
        m->view_change.count--;
    else if (m->view_change.c.statement.n)
        m->view_change.c = (struct checkpoint_cert){.count = 0};
    else
        return SAID_NOTHING;
    return SAID_OTHERWISE;
}

/* One wrong signature or digest among right ones voids the whole. */
static enum said proves_badly(struct fault *f, member_id to, struct msg *m) {
    struct msg_view_change *vc = &m->view_change;
    (void)to;
    if (m->type != FRAME_VIEW_CHANGE || (vc->count == 0 && vc->c.count == 0))
        return SAID_AS_IS;
    if (vc->count == 0 || (vc->c.count > 0 && fault_chance(f, 500))) {
        vc->c.sigs[fault_below(f, vc->c.count)].sig.b[3] ^= 1;
        return SAID_OTHERWISE;
    }
    struct prepared_entry *entries = fault_memory(f, vc->count, sizeof *entries);
    memcpy(entries, vc->p, vc->count * sizeof *entries);
    struct prepared_entry *e = &entries[fault_below(f, vc->count)];
    if (fault_chance(f, 500))
        e->prepares[fault_below(f, e->count)].sig.b[5] ^= 1;
    else
        e->statement.d.b[1] ^= 1;
    vc->p = entries;
    return SAID_OTHERWISE;
}

/* ---- a decision of one ----

   DR-C1. The primary of view 0, replica 0, proposes to its victim, the highest-numbered other member, and to so many
   further ones as its parameter says, by itself Q-2, the lowest first; its COMMIT goes to the victim alone, at once,
   and its VIEW-CHANGE says that it prepared nothing. It hears no vote of the victim's, lest its own node decides too
   and takes no other batch in the slot's place. The play cuts what the victim sends to everybody but replica 0
   (scene_cut(s, 3, 1) and (s, 3, 2) of four; what it hears stays whole), begins the lie, waits until requests are older
   than T_req and the others are ACTIVE in view 1, ends the lie and mends.

   With quorums as they should be the victim decides nothing: it is prepared, by its own PREPARE and those of Q-2
   others, and has two COMMITs, its own and the liar's. Where Q-1 COMMITs are taken for enough, the victim of four
   decides. Where all quorums are one too small, whoever was told would be prepared by its own PREPARE, so there the
   parameter is 0: the victim alone is told, prepares and decides. Nobody else is prepared: who was told lacks the
   victim's PREPARE, who was not lacks the proposal, and backups do not pass proposals on. So view 1 begins without the
   slot and gives its number to another batch: two decisions for one number, seen as soon as the victim is heard again.
   EV6 convicts replica 0 when its COMMIT and its VIEW-CHANGE meet. */
static bool is_told(const struct fault *f, member_id to) {
    int64_t rank = to < f->self ? to : to - 1;
    int64_t others = f->parameter < 0 ? (int64_t)quorum_strong(f->cluster->member_count) - 2 : f->parameter;
    return to == f->victim || rank < others;
}

static void choose_the_highest(struct fault *f) {
    member_id last = (member_id)(f->cluster->member_count - 1);
    f->victim = last == f->self ? (member_id)(last - 1) : last;
}

static bool is_led(const struct fault *f, view_no v) {
    return primary_of(v, f->cluster->member_count) == f->self;
}

/* Its own node must not decide either: in view 1 it votes for what takes the place. */
static bool hears_no_vote_of_the_victim(struct fault *f, const struct heard *h) {
    bool vote = h->m->type == FRAME_PREPARE || h->m->type == FRAME_COMMIT;
    choose_the_highest(f);
    return !vote || h->m->sender != f->victim || !is_led(f, h->m->vote.v);
}

static enum said decides_with_one(struct fault *f, member_id to, struct msg *m) {
    choose_the_highest(f);
    switch (m->type) {
    case FRAME_PRE_PREPARE:
        if (!is_told(f, to))
            return SAID_NOTHING;
        if (to == f->victim) {
            struct msg vote = {.type = FRAME_COMMIT, .vote = m->pre_prepare.statement};
            fault_say_raw(f, to, m->raw);
            fault_say(f, to, &vote);
            return SAID_NOTHING;
        }
        return SAID_AS_IS;
    case FRAME_COMMIT:
        return to == f->victim || !is_led(f, m->vote.v) ? SAID_AS_IS : SAID_NOTHING;
    case FRAME_VIEW_CHANGE:
        m->view_change.count = 0;
        return SAID_OTHERWISE;
    default:
        return SAID_AS_IS;
    }
}

/* ---- NEW-VIEWs ---- */

static enum said keeps_new_view(struct fault *f, member_id to, struct bytes frame) {
    (void)f, (void)to;
    return fault_is(frame, FRAME_NEW_VIEW) ? SAID_NOTHING : SAID_AS_IS;
}

static mono_ms delays_new_view(struct fault *f, member_id to, struct bytes frame) {
    mono_ms standard = (mono_ms)f->cluster->knobs.new_view_timeout_ms * 9 / 10;
    (void)to;
    return !fault_is(frame, FRAME_NEW_VIEW) ? 0 : f->parameter ? f->parameter : standard;
}

/* Seals V and O as they are, however wrong, with right signatures over O. */
static void bind_new_view(struct fault *f, struct msg *m, struct new_view_slot *slots) {
    struct buffer core = {0};
    m->new_view.slots = slots;
    codec_new_view_core(&core, &m->new_view);
    m->new_view.core = fault_bytes(f, &core);
    struct digest digest = crypto_digest(DIGEST_NEW_VIEW, m->new_view.core);
    for (unsigned i = 0; i < m->new_view.slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct vote v = {m->new_view.v, slots[i].n, slots[i].d, digest};
        struct seal_context context = fault_context(f, FRAME_PRE_PREPARE);
        vote_encode(body, &v);
        seal_sign(&slots[i].pp_sig, &context, bytes_of(body, sizeof body), &f->secret);
    }
}

static struct new_view_slot *slots_of(struct fault *f, const struct msg_new_view *nv) {
    struct new_view_slot *slots = fault_memory(f, WINDOW_MAX, sizeof *slots);
    memcpy(slots, nv->slots, nv->slot_count * sizeof *slots);
    return slots;
}

static struct msg *view_changes_of(struct fault *f, const struct msg_new_view *nv) {
    struct msg *vcs = fault_memory(f, nv->vc_count, sizeof *vcs);
    memcpy(vcs, nv->vcs, nv->vc_count * sizeof *vcs);
    return vcs;
}

/* A NEW-VIEW that nobody can read tells the host nothing of the PRE-PREPAREs in it, which are signed as well. */
static bool owns_up_to_each(struct fault *f, const struct msg_new_view *nv) {
    struct seal_context context = fault_context(f, FRAME_PRE_PREPARE);
    struct buffer frame = {0};
    bool may_leave = true;
    for (unsigned i = 0; may_leave && i < nv->slot_count; i++) {
        uint8_t body[VOTE_BODY_LEN];
        struct vote v = {nv->v, nv->slots[i].n, nv->slots[i].d, crypto_digest(DIGEST_NEW_VIEW, nv->core)};
        vote_encode(body, &v);
        buffer_clear(&frame);
        frame_rebuild(&frame, &context, bytes_of(body, sizeof body), &nv->slots[i].pp_sig);
        may_leave = fault_own_up(f, buffer_bytes(&frame));
    }
    buffer_free(&frame);
    return may_leave;
}

static enum said counts_one_twice(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_NEW_VIEW)
        return SAID_AS_IS;
    struct msg *vcs = view_changes_of(f, &m->new_view);
    vcs[m->new_view.vc_count - 1] = vcs[0];
    m->new_view.vcs = vcs;
    bind_new_view(f, m, slots_of(f, &m->new_view));
    return owns_up_to_each(f, &m->new_view) ? SAID_OTHERWISE : SAID_NOTHING;
}

/* One slot too many, one too few, or in place of what was prepared NULL or what nobody knows: the same lie to all, for
   several would convict it of having told two stories. */
static enum said decides_otherwise(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_NEW_VIEW)
        return SAID_AS_IS;
    struct msg_new_view *nv = &m->new_view;
    struct new_view_slot *slots = slots_of(f, nv);
    if (f->counter == 0)
        f->counter = 1 + fault_below(f, 4);
    if (nv->slot_count == 0 || f->counter == 1) {
        seq_no n = nv->slot_count ? slots[nv->slot_count - 1].n + 1 : fault_facts(f).pbft.certified + 1;
        if (nv->slot_count == WINDOW_MAX)
            return SAID_NOTHING;
        slots[nv->slot_count++] = (struct new_view_slot){.n = n, .d = batch_null_digest()};
    } else if (f->counter == 2) {
        nv->slot_count--;
    } else {
        struct digest *d = &slots[nv->slot_count / 2].d, null = batch_null_digest();
        bool unknown = f->counter == 3 || digest_equal(d, &null);
        *d = null;
        d->b[0] ^= unknown;
    }
    bind_new_view(f, m, slots);
    return SAID_OTHERWISE;
}

/* Its own VIEW-CHANGE once more, telling less, sealed. */
static void tell_less(struct fault *f, struct msg *vc) {
    struct buffer frame = {0};
    if (vc->view_change.count)
        vc->view_change.count--;
    else
        vc->view_change.c = (struct checkpoint_cert){.count = 0};
    fault_seal(f, &frame, vc);
    if (frame.len)
        vc->raw = fault_bytes(f, &frame);
}

/* Two NEW-VIEWs, both as right as can be: in one of them its own VIEW-CHANGE tells less. */
static enum said installs_two(struct fault *f, member_id to, struct msg *m) {
    if (m->type != FRAME_NEW_VIEW || !in_half(f, to))
        return SAID_AS_IS;
    struct msg_new_view *nv = &m->new_view;
    struct msg *vcs = view_changes_of(f, nv);
    for (unsigned i = 0; i < nv->vc_count; i++)
        if (vcs[i].sender == f->self)
            tell_less(f, &vcs[i]);
    nv->vcs = vcs;
    struct new_view_plan *plan = fault_memory(f, 1, sizeof *plan);
    if (new_view_compute(plan, vcs, nv->vc_count, f->cluster->knobs.window) != ERR_OK)
        return SAID_NOTHING;
    nv->slot_count = plan->slot_count;
    bind_new_view(f, m, plan->slots);
    return SAID_OTHERWISE;
}

/* ---- storms ---- */

static void storms(struct fault *f) {
    view_no view = fault_facts(f).pbft.view;
    struct msg m = {.type = FRAME_VIEW_CHANGE};
    for (unsigned i = 1; i <= 4; i++) {
        m.view_change.v = view + i;
        fault_say_all(f, &m);
    }
}

const struct behaviour faults_of_views[] = {
    {{"hide-prepared", "DR-C1", NULL, "its VIEW-CHANGE leaves out a prepared slot", FAULT_SEAT_ANY, false, false},
     .send = hides},
    {{"two-view-changes", "DR-C1", NULL, "tells half of the others less in its VIEW-CHANGE", FAULT_SEAT_ANY, false,
      false},
     .send = changes_its_mind},
    {{"hidden-commit", "DR-C1", "OTHERS", "commits to the last member alone and hides it in its VIEW-CHANGE",
      FAULT_SEAT_PRIMARY, false, false},
     .standard = -1,
     .highest = MEMBERS_MAX,
     .send = decides_with_one,
     .hears = hears_no_vote_of_the_victim},
    {{"bad-certificate", "DR-C2", NULL, "one invalid certificate in its VIEW-CHANGE", FAULT_SEAT_ANY, false, false},
     .send = proves_badly},
    {{"count-one-twice", "DR-C3", NULL, "its NEW-VIEW counts one VIEW-CHANGE twice", FAULT_SEAT_NEXT, false, false},
     .send = counts_one_twice},
    {{"no-new-view", "DR-C4", NULL, "never sends its NEW-VIEW", FAULT_SEAT_NEXT, false, false}, .raw = keeps_new_view},
    {{"slow-new-view", "DR-C4", "MS", "sends its NEW-VIEW so late, by itself just in time", FAULT_SEAT_NEXT, false,
      false},
     .lowest = 1,
     .highest = 60000,
     .delay = delays_new_view},
    {{"wrong-new-view", "DR-C5", NULL, "its NEW-VIEW decides otherwise than V demands", FAULT_SEAT_NEXT, false, false},
     .send = decides_otherwise},
    {{"two-new-views", "DR-C6", NULL, "installs its view by two NEW-VIEWs, one for each half", FAULT_SEAT_NEXT, false,
      false},
     .send = installs_two},
    {{"view-change-storm", "DR-C8", NULL, "sends VIEW-CHANGEs for the next four views", FAULT_SEAT_ANY, false, false},
     .act = storms},
    {.is = {.name = NULL}},
};
