/* Traitorous primaries: rows A of the catalogue, and what observers suffer from a member that drops them. */
#include "tests/sim/traitor.h"

#include <string.h>

static bool proposes(const struct msg *m) {
    return m->type == FRAME_PRE_PREPARE && m->pre_prepare.batch.kind == BATCH_NORMAL;
}

static enum said silent(struct liar *t, member_id to, struct msg *m) {
    struct node_facts f = liar_facts(t);
    (void)to, (void)m;
    return liar_is_primary(t, &f) ? SAID_NOTHING : SAID_AS_IS;
}

/* The same requests the other way round, or nothing in place of a single one: both are proposals that a backup takes.
 */
static enum said equivocates(struct liar *t, member_id to, struct msg *m) {
    struct request_ref refs[BATCH_REFS_MAX];
    if (!proposes(m) || !in_half(t, to))
        return SAID_AS_IS;
    const struct batch *b = &m->pre_prepare.batch;
    for (unsigned i = 0; i < b->count; i++)
        refs[i] = b->refs[b->count - 1 - i];
    struct batch other = {b->count > 1 ? BATCH_NORMAL : BATCH_NULL, b->count > 1 ? b->count : 0, refs};
    liar_propose(t, m, &other);
    return SAID_OTHERWISE;
}

static enum said starves(struct liar *t, member_id to, struct msg *m) {
    return m->type == FRAME_PRE_PREPARE && to == t->victim ? SAID_NOTHING : SAID_AS_IS;
}

/* Just early enough that no request is ever too old. */
static enum said delays(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_PRE_PREPARE)
        return SAID_AS_IS;
    liar_say_later(t, to, m, (time_us)t->sim->cluster.knobs.request_timeout_ms * 700);
    return SAID_NOTHING;
}

static bool is_by(const struct event *e, const struct public_key *key) {
    struct arena arena = {0};
    struct request r;
    bool is = liar_request_of(e, &r, &arena) && public_key_equal(&r.client, key);
    arena_free(&arena);
    return is;
}

static bool hears_all_but_one(struct liar *t, const struct event *e) {
    return !is_by(e, &t->sim->observers[0].key);
}

/* Serves one client well, so that something is always decided. */
static bool hears_one(struct liar *t, const struct event *e) {
    return e->kind != EVENT_CLIENT || is_by(e, &t->sim->observers[2].key);
}

static bool hears_few_ticks(struct liar *t, const struct event *e) {
    struct arena arena = {0};
    struct request r;
    unsigned members = t->sim->options->members;
    bool drops = false;
    if (e->kind == EVENT_PEER && liar_request_of(e, &r, &arena) && r.kind == OP_TICK)
        for (unsigned i = 1; i <= quorum_weak(members); i++)
            drops |= public_key_equal(&r.client, &t->sim->cluster.members[(t->self + i) % members].key);
    arena_free(&arena);
    return !drops;
}

static enum said skips(struct liar *t, member_id to, struct msg *m) {
    struct node_facts f = liar_facts(t);
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    m->pre_prepare.statement.n = f.pbft.certified + t->sim->options->window;
    return SAID_OTHERWISE;
}

static enum said repeats(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    struct buffer *place = &t->batches[t->batches_next % KEPT_BATCHES];
    const struct buffer *old = &t->batches[liar_below(t, KEPT_BATCHES)];
    bool has = old->len > 0 && liar_chance(t, 800);
    struct buffer now = {0};
    buffer_put(&now, m->pre_prepare.batch_bytes.data, m->pre_prepare.batch_bytes.len);
    if (has)
        liar_propose_bytes(t, m, buffer_bytes(old));
    buffer_free(place);
    *place = now;
    t->batches_next++;
    return has ? SAID_OTHERWISE : SAID_AS_IS;
}

/* Twice the same, too much, nothing, or bytes behind the end. */
static enum said malforms(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    struct buffer bytes = {0};
    struct bytes good = m->pre_prepare.batch_bytes;
    const size_t head = 3, ref = PUBLIC_KEY_LEN + 8 + DIGEST_LEN;
    unsigned count = m->pre_prepare.batch.count;
    switch (liar_below(t, 4)) {
    case 0:
        buffer_put(&bytes, good.data, good.len);
        buffer_u8(&bytes, 0);
        break;
    case 1:
        buffer_put(&bytes, good.data, good.len);
        buffer_put(&bytes, good.data + head, ref);
        bytes.data[1] = (uint8_t)((count + 1) >> 8);
        bytes.data[2] = (uint8_t)(count + 1);
        break;
    case 2:
        buffer_put(&bytes, good.data, head);
        bytes.data[1] = bytes.data[2] = 0xff;
        break;
    default:
        buffer_put(&bytes, good.data, head + ref / 2);
    }
    liar_propose_bytes(t, m, buffer_bytes(&bytes));
    buffer_free(&bytes);
    return SAID_OTHERWISE;
}

static enum said dreams(struct liar *t, member_id to, struct msg *m) {
    struct request_ref refs[BATCH_REFS_MAX];
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    struct batch b = {BATCH_NORMAL, m->pre_prepare.batch.count, refs};
    memcpy(refs, m->pre_prepare.batch.refs, b.count * sizeof *refs);
    refs[b.count - 1].digest = liar_digest(t);
    refs[b.count - 1].req_seq += 1 + liar_below(t, 3);
    liar_propose(t, m, &b);
    return SAID_OTHERWISE;
}

static enum said is_elsewhere(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    if (liar_chance(t, 500))
        m->pre_prepare.statement.v++;
    else
        m->pre_prepare.statement.nv_digest = liar_digest(t);
    return SAID_OTHERWISE;
}

static void floods(struct liar *t) {
    struct node_facts f = liar_facts(t);
    struct msg m = {.type = FRAME_PRE_PREPARE};
    if (!liar_is_primary(t, &f))
        return;
    liar_propose(t, &m, &(struct batch){.kind = BATCH_NULL});
    m.pre_prepare.statement.v = f.pbft.view;
    for (seq_no n = f.pbft.next; n <= f.pbft.certified + t->sim->options->window + 2; n++) {
        m.pre_prepare.statement.n = n;
        liar_say_all(t, &m);
        liar_bite(t);
    }
}

static bool hears_no_client(struct liar *t, const struct event *e) {
    (void)t;
    return e->kind != EVENT_CLIENT;
}

/* What it was told it passes on to some, not to the primary. */
static enum said relays_past(struct liar *t, member_id to, struct msg *m) {
    struct node_facts f = liar_facts(t);
    bool primary = f.pbft.view % t->sim->options->members == to;
    return m->type == FRAME_RELAY && (primary || in_half(t, to)) ? SAID_NOTHING : SAID_AS_IS;
}

const struct behaviour primary_behaviours[] = {
    {"silent-primary", "DR-A1", SEAT_PRIMARY, .send = silent},
    {"equivocating-primary", "DR-A2", SEAT_PRIMARY, .send = equivocates},
    {"starving-primary", "DR-A3", SEAT_PRIMARY, .send = starves},
    {"slow-primary", "DR-A4", SEAT_PRIMARY, .send = delays},
    {"censoring-primary", "DR-A5", SEAT_PRIMARY, .hears = hears_all_but_one},
    {"skipping-primary", "DR-A6", SEAT_PRIMARY, .send = skips},
    {"repeating-primary", "DR-A7", SEAT_PRIMARY, .send = repeats},
    {"malformed-primary", "DR-A8", SEAT_PRIMARY, .send = malforms},
    {"phantom-primary", "DR-A9", SEAT_PRIMARY, .send = dreams},
    {"tick-censor", "DR-A10", SEAT_PRIMARY, .hears = hears_few_ticks},
    {"foreign-view-primary", "DR-A12", SEAT_PRIMARY, .send = is_elsewhere},
    {"flooding-primary", "DR-A13", SEAT_PRIMARY, .act = floods},
    {"miser-primary", "DR-A15", SEAT_PRIMARY, .hears = hears_one},
    {"past-the-primary", "DR-B14", SEAT_BACKUP, .send = relays_past},
    {"dropping-ingress", "DR-H9", SEAT_ANY, .hears = hears_no_client},
};
const unsigned primary_behaviour_count = sizeof primary_behaviours / sizeof *primary_behaviours;
