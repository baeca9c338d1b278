/* Traitorous backups: rows B of the catalogue, and liars about time (G7). */
#include "tests/sim/traitor.h"

#include <string.h>

static enum said nothing(struct liar *t, member_id to, struct msg *m) {
    (void)t, (void)to, (void)m;
    return SAID_NOTHING;
}

static bool is_vote(const struct msg *m) {
    return m->type == FRAME_PREPARE || m->type == FRAME_COMMIT;
}

static enum said votes_twice(struct liar *t, member_id to, struct msg *m) {
    if (!is_vote(m))
        return SAID_AS_IS;
    struct msg other = *m;
    other.vote.d = liar_digest(t);
    if (liar_chance(t, 500)) {
        liar_say(t, to, &other);
        return SAID_OTHERWISE; /* and then the true one */
    }
    liar_say(t, to, m);
    *m = other;
    return SAID_OTHERWISE;
}

static enum said votes_beside(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (!is_vote(m))
        return SAID_AS_IS;
    switch (liar_below(t, 3)) {
    case 0:
        m->vote.n += liar_chance(t, 500) ? 1 : -1;
        break;
    case 1:
        m->vote.v += liar_chance(t, 500) || m->vote.v == 0 ? 1 : -1;
        break;
    default:
        m->vote.d.b[0] ^= 1;
    }
    return SAID_OTHERWISE;
}

/* Its PRE-PREPARE is its vote; one more must not count. */
static enum said prepares_its_own(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_PRE_PREPARE)
        return SAID_AS_IS;
    struct msg vote = {.type = FRAME_PREPARE, .vote = m->pre_prepare.statement};
    liar_say(t, to, &vote);
    liar_bite(t);
    return SAID_AS_IS;
}

static void wishes(struct liar *t) {
    struct node_facts f = liar_facts(t);
    struct msg m = {.type = FRAME_WISH, .wish = {f.pbft.view + 1, WISH_PROOF}};
    if (liar_chance(t, 100))
        m.wish.target = NUMBER_MAX - liar_below(t, 3);
    liar_say_all(t, &m);
    liar_bite(t);
}

static enum said withholds_commit(struct liar *t, member_id to, struct msg *m) {
    return m->type == FRAME_COMMIT && to == t->victim ? SAID_NOTHING : SAID_AS_IS;
}

static enum said keeps_all(struct liar *t, member_id to, struct msg *m) {
    struct buffer *place = &t->kept[t->kept_next++ % KEPT];
    (void)to;
    if (liar_chance(t, 300)) {
        buffer_clear(place);
        buffer_put(place, m->raw.data, m->raw.len);
    }
    return SAID_AS_IS;
}

/* As it was, under another epoch, and for another cluster. */
static void says_again(struct liar *t) {
    const struct buffer *old = &t->kept[liar_below(t, KEPT)];
    struct frame f;
    if (!old->len || frame_open(&f, buffer_bytes(old)) != ERR_OK)
        return;
    struct seal_context context = liar_context(t, f.type);
    member_id to = t->victim;
    context.epoch = (epoch_no)liar_below(t, 2);
    if (liar_chance(t, 500))
        context.cluster.b[0] ^= 1;
    liar_say_raw(t, to, buffer_bytes(old));
    liar_say_body(t, to, context, f.body);
    t->victim = (member_id)((t->victim + 1) % t->sim->options->members);
    liar_bite(t);
}

static void babbles(struct liar *t) {
    uint8_t noise[400] = {0};
    for (unsigned k = 0; k < 6; k++) {
        size_t len = (size_t)liar_below(t, sizeof noise);
        for (size_t i = 0; i < len; i++)
            noise[i] = (uint8_t)prng_next(&t->sim->chance);
        if (liar_chance(t, 500) && len > 8)
            memcpy(noise, (const uint8_t[]){'Q', 'R', 1, 6}, 4);
        liar_say_raw(t, t->victim, bytes_of(noise, len));
        liar_bite(t);
    }
}

/* Lengths that lie, lists without end: whatever it says, a few bytes of it are others, and all of it is signed. */
static enum said garbles(struct liar *t, member_id to, struct msg *m) {
    struct frame f;
    struct buffer body = {0};
    if (liar_chance(t, 700) || frame_open(&f, m->raw) != ERR_OK || f.body.len == 0)
        return SAID_AS_IS;
    buffer_put(&body, f.body.data, f.body.len);
    for (unsigned i = 0; i < 3; i++)
        body.data[liar_below(t, body.len)] = liar_chance(t, 500) ? 0xff : (uint8_t)liar_below(t, 256);
    if (liar_chance(t, 300))
        body.len = (size_t)liar_below(t, body.len);
    else if (liar_chance(t, 300))
        buffer_put(&body, f.body.data, f.body.len);
    size_t most = frame_cap(f.type) - FRAME_OVERHEAD;
    if (body.len <= most)
        liar_say_body(t, to, liar_context(t, f.type), buffer_bytes(&body));
    buffer_free(&body);
    return SAID_NOTHING;
}

static enum said lies_in_status(struct liar *t, member_id to, struct msg *m) {
    (void)to;
    if (m->type != FRAME_STATUS)
        return SAID_AS_IS;
    struct msg_status *s = &m->status;
    uint8_t all = liar_chance(t, 500) ? 0xff : 0;
    s->certified = liar_chance(t, 300) ? UINT64_C(1) << 60 : liar_chance(t, 300) ? 0 : s->certified;
    s->executed = liar_chance(t, 300) ? s->executed + liar_below(t, 1000) : liar_chance(t, 300) ? 0 : s->executed;
    s->wish = liar_chance(t, 200) ? NUMBER_MAX : s->wish;
    memset(s->prepared, all, sizeof s->prepared);
    memset(s->committed, all, sizeof s->committed);
    return SAID_OTHERWISE;
}

/* Results that an observer never sent, or others than it sent, under its name. */
static enum said forges_relays(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_RELAY)
        return SAID_AS_IS;
    struct buffer bytes = {0};
    if (liar_chance(t, 500)) {
        workload_forge(t->sim->workload, &bytes, &t->sim->chance);
    } else {
        buffer_put(&bytes, m->relay.request.data, m->relay.request.len);
        bytes.data[FRAME_HEADER_LEN + liar_below(t, bytes.len - FRAME_HEADER_LEN)] ^= 1;
    }
    struct msg other = {.type = FRAME_RELAY, .relay = {buffer_bytes(&bytes)}};
    liar_say(t, to, &other);
    liar_bite(t);
    buffer_free(&bytes);
    return SAID_AS_IS;
}

/* What it says in a view it says when that view is over. */
static enum said commits_later(struct liar *t, member_id to, struct msg *m) {
    if (m->type != FRAME_COMMIT || to == t->victim)
        return SAID_AS_IS;
    keeps_all(t, to, m);
    return SAID_NOTHING;
}

static void commits_now(struct liar *t) {
    struct node_facts f = liar_facts(t);
    if (f.pbft.view == t->number)
        return;
    t->number = f.pbft.view;
    for (unsigned i = 0; i < KEPT; i++)
        for (member_id to = 0; t->kept[i].len && to < t->sim->options->members; to++)
            if (to != t->self)
                liar_say_raw(t, to, buffer_bytes(&t->kept[i]));
}

/* ---- time ---- */

static void tick(struct liar *t, member_id to, uint64_t req_seq, struct op_tick tick) {
    struct buffer bytes = {0};
    struct request r = {.client = t->sim->cluster.members[t->self].key, .req_seq = req_seq, .kind = OP_TICK};
    r.tick = tick;
    request_seal(&bytes, &r, &t->sim->cluster.id, &t->sim->secrets[t->self]);
    struct msg m = {.type = FRAME_RELAY, .relay = {buffer_bytes(&bytes)}};
    liar_say(t, to, &m);
    buffer_free(&bytes);
}

/* Two clocks in one breath: the same number of the same boot, and perhaps the same request's number. */
static void ticks_twice(struct liar *t) {
    time_ms wall = sim_wall(t->sim, MEMBER_NONE);
    struct op_tick a = {1, ++t->number, wall, 0, true}, b = a;
    b.wall += 1 + (time_ms)liar_below(t, 10000);
    uint64_t seq = 100 + 2 * t->number;
    for (member_id to = 0; to < t->sim->options->members; to++)
        if (to != t->self)
            tick(t, to, seq, in_half(t, to) ? a : b);
    liar_bite(t);
}

static void ticks_wildly(struct liar *t) {
    static const time_ms walls[] = {0, 1, TIME_MAX_MS, (time_ms)BASE_WALL_S * 2000};
    struct op_tick x = {1 + liar_below(t, 3), t->number += 1 + liar_below(t, 3), walls[liar_below(t, 4)], NUMBER_MAX,
                        false};
    for (member_id to = 0; to < t->sim->options->members; to++)
        if (to != t->self)
            tick(t, to, 100 + t->number, x);
    liar_bite(t);
}

const struct behaviour backup_behaviours[] = {
    {"silent", "DR-B1", SEAT_ANY, .send = nothing},
    {"double-voter", "DR-B2", SEAT_ANY, .send = votes_twice},
    {"voter-beside", "DR-B3", SEAT_BACKUP, .send = votes_beside},
    {"preparing-primary", "DR-B4", SEAT_PRIMARY, .send = prepares_its_own},
    {"wisher", "DR-B5", SEAT_ANY, .act = wishes},
    {"commit-withholder", "DR-B6", SEAT_ANY, .send = withholds_commit},
    {"replayer", "DR-B7", SEAT_ANY, .send = keeps_all, .act = says_again},
    {"babbler", "DR-B8", SEAT_ANY, .act = babbles},
    {"garbler", "DR-B9", SEAT_ANY, .send = garbles},
    {"status-liar", "DR-B10", SEAT_ANY, .send = lies_in_status},
    {"relay-forger", "DR-B11", SEAT_ANY, .send = forges_relays},
    {"late-committer", "DR-B13", SEAT_BACKUP, .send = commits_later, .act = commits_now},
    {"two-clocks", "DR-G7", SEAT_ANY, .act = ticks_twice},
    {"wild-clock", "DR-G1", SEAT_ANY, .act = ticks_wildly},
};
const unsigned backup_behaviour_count = sizeof backup_behaviours / sizeof *backup_behaviours;
