/* Traitorous backups, rows B, and liars about their clocks, row G7: silent, lying in votes and STATUS, withholding, out
   of time, or loud. */
#include "replica/fault_parts.h"

#include <string.h>

/* ---- votes ---- */

static bool is_vote(const struct msg *m) {
    return m->type == FRAME_PREPARE || m->type == FRAME_COMMIT;
}

/* Both to everybody, in either order. */
static enum said votes_twice(struct fault *f, member_id to, struct msg *m) {
    if (!is_vote(m))
        return SAID_AS_IS;
    struct msg other = *m;
    other.vote.d = fault_digest(f);
    if (fault_chance(f, 500)) {
        fault_say(f, to, &other);
        return SAID_AS_IS; /* and then the true one */
    }
    fault_say_raw(f, to, m->raw);
    *m = other;
    return SAID_OTHERWISE;
}

/* Its node votes for itself as it should: a proof of what was decided with that vote stays with it too. */
static enum said votes_beside(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (m->type == FRAME_DECISION)
        return SAID_NOTHING;
    if (!is_vote(m))
        return SAID_AS_IS;
    switch (fault_below(f, 3)) {
    case 0:
        m->vote.n += fault_chance(f, 500) ? 1 : -1;
        break;
    case 1:
        m->vote.v += fault_chance(f, 500) || m->vote.v == 0 ? 1 : -1;
        break;
    default:
        m->vote.d.b[0] ^= 1;
    }
    return SAID_OTHERWISE;
}

/* Its PRE-PREPARE is its vote; one more must not count. */
static enum said prepares_its_own(struct fault *f, member_id to, struct msg *m) {
    if (m->type != FRAME_PRE_PREPARE)
        return SAID_AS_IS;
    struct msg vote = {.type = FRAME_PREPARE, .vote = m->pre_prepare.statement};
    fault_say(f, to, &vote);
    return SAID_AS_IS;
}

static enum said withholds_commits(struct fault *f, member_id to, struct bytes frame) {
    return to == f->victim && fault_is(frame, FRAME_COMMIT) ? SAID_NOTHING : SAID_AS_IS;
}

/* What it says in a view it says when that view is over. */
static enum said commits_later(struct fault *f, member_id to, struct bytes frame) {
    if (to == f->victim || !fault_is(frame, FRAME_COMMIT))
        return SAID_AS_IS;
    fault_keep(f, frame);
    return SAID_NOTHING;
}

static void commits_now(struct fault *f) {
    struct node_facts facts = fault_facts(f);
    if (facts.pbft.view == f->view)
        return;
    f->view = facts.pbft.view;
    for (unsigned i = 0; i < FAULT_KEPT; i++)
        for (member_id to = 0; f->kept[i].len && to < f->cluster->member_count; to++)
            if (to != f->self)
                fault_say_raw(f, to, buffer_bytes(&f->kept[i]));
}

/* ---- lies ---- */

/* By turns far behind, so that everything is resent, far ahead, so that decisions are asked for, and anything. */
static enum said lies_in_status(struct fault *f, member_id to, struct msg *m) {
    struct msg_status *s = &m->status;
    (void)to;
    if (m->type != FRAME_STATUS)
        return SAID_AS_IS;
    uint64_t way = f->counter++ % 3;
    uint8_t bits = way == 2 && fault_chance(f, 500) ? 0xff : 0;
    memset(s->prepared, bits, sizeof s->prepared);
    memset(s->committed, bits, sizeof s->committed);
    if (way == 2) {
        s->certified = fault_chance(f, 300) ? UINT64_C(1) << 60 : s->certified;
        s->executed += fault_below(f, 1000);
        s->wish = fault_chance(f, 200) ? NUMBER_MAX : s->wish;
        return SAID_OTHERWISE;
    }
    s->certified = s->stable = s->executed = way == 0 ? 0 : NUMBER_MAX;
    return SAID_OTHERWISE;
}

/* The request of somebody else in a RELAY. */
static bool is_relayed(struct fault *f, const struct msg *m, struct request *r) {
    struct frame inner;
    return m->type == FRAME_RELAY && frame_open(&inner, m->relay.request) == ERR_OK &&
           request_decode(r, &inner, &f->arena) == ERR_OK &&
           !public_key_equal(&r->client, &f->cluster->members[f->self].key);
}

/* Results that an observer never sent, or others than it sent, under its name. */
static enum said forges_relays(struct fault *f, member_id to, struct msg *m) {
    struct request r;
    if (!is_relayed(f, m, &r))
        return SAID_AS_IS;
    struct buffer bytes = {0};
    if (fault_chance(f, 500)) {
        r.req_seq += 1 + fault_below(f, 8);
        request_seal(&bytes, &r, &f->cluster->id, &f->secret);
    } else {
        buffer_put(&bytes, m->relay.request.data, m->relay.request.len);
        bytes.data[FRAME_HEADER_LEN + fault_below(f, bytes.len - FRAME_HEADER_LEN)] ^= 1;
    }
    struct msg other = {.type = FRAME_RELAY, .relay = {fault_bytes(f, &bytes)}};
    fault_say(f, to, &other);
    return SAID_AS_IS;
}

/* Ever higher views, the next one, and one that nobody will ever reach. */
static void storms_with_wishes(struct fault *f) {
    view_no view = fault_facts(f).pbft.view;
    for (unsigned i = fault_frames_of_turn(f); i > 0; i--) {
        struct msg m = {.type = FRAME_WISH, .wish = {view + 1, WISH_REQ_TIMEOUT}};
        uint64_t way = fault_below(f, 3);
        m.wish.target += way == 1 ? 1 + fault_below(f, 1000000) : 0;
        m.wish.target = way == 2 ? NUMBER_MAX - fault_below(f, 3) : m.wish.target;
        fault_say_all(f, &m);
    }
}

/* ---- the same again ---- */

static enum said keeps_some(struct fault *f, member_id to, struct bytes frame) {
    struct frame opened;
    (void)to;
    if (fault_chance(f, 300) && frame_open(&opened, frame) == ERR_OK && opened.sender == f->self)
        fault_keep(f, frame);
    return SAID_AS_IS;
}

/* As it was, under another epoch, and for another cluster. */
static void says_again(struct fault *f) {
    size_t kept = f->kept_count < FAULT_KEPT ? f->kept_count : FAULT_KEPT;
    const struct buffer *old = &f->kept[kept ? fault_below(f, kept) : 0];
    struct frame opened;
    if (!old->len || frame_open(&opened, buffer_bytes(old)) != ERR_OK)
        return;
    struct seal_context context = fault_context(f, opened.type);
    context.epoch = (epoch_no)fault_below(f, 2);
    if (fault_chance(f, 500))
        context.cluster.b[0] ^= 1;
    f->victim = (member_id)((f->victim + 1) % f->cluster->member_count);
    if (f->victim == f->self)
        return;
    fault_say_raw(f, f->victim, buffer_bytes(old));
    fault_say_body(f, f->victim, context, opened.body);
}

/* ---- noise ---- */

static void say_raw_to_all(struct fault *f, struct bytes frame) {
    for (member_id to = 0; to < f->cluster->member_count; to++)
        if (to != f->self)
            fault_say_raw(f, to, frame);
}

/* Bytes without a meaning, or with the head of a frame and nothing behind it. */
static void floods_with_garbage(struct fault *f) {
    uint8_t noise[4096];
    for (unsigned i = fault_frames_of_turn(f); i > 0; i--) {
        size_t len = 8 + (size_t)fault_below(f, sizeof noise - 8);
        for (size_t k = 0; k < len; k++)
            noise[k] = (uint8_t)prng_next(&f->chance);
        if (fault_chance(f, 500))
            memcpy(noise, (const uint8_t[]){'Q', 'R', 1, FRAME_PREPARE}, 4);
        say_raw_to_all(f, bytes_of(noise, len));
    }
}

static enum said keeps_a_vote(struct fault *f, member_id to, struct bytes frame) {
    (void)to;
    if (fault_is(frame, FRAME_PREPARE)) {
        f->kept_count = 0;
        fault_keep(f, frame);
    }
    return SAID_AS_IS;
}

/* PREPAREs with one bit of the signature turned over, each time another one. */
static void floods_with_bad_signatures(struct fault *f) {
    struct buffer *sample = &f->kept[0];
    for (unsigned i = sample->len ? fault_frames_of_turn(f) : 0; i > 0; i--) {
        uint8_t *signature = sample->data + sample->len - SIGNATURE_LEN;
        unsigned bit = i % (8 * SIGNATURE_LEN);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        say_raw_to_all(f, buffer_bytes(sample));
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* Lengths that lie, lists without end: whatever it says, a few bytes of it are others, and all of it is signed. */
static enum said garbles(struct fault *f, member_id to, struct msg *m) {
    struct frame opened;
    struct buffer body = {0};
    if (fault_chance(f, 700) || frame_open(&opened, m->raw) != ERR_OK || opened.body.len == 0)
        return SAID_AS_IS;
    buffer_put(&body, opened.body.data, opened.body.len);
    for (unsigned i = 0; i < 3; i++)
        body.data[fault_below(f, body.len)] = fault_chance(f, 500) ? 0xff : (uint8_t)fault_below(f, 256);
    if (fault_chance(f, 300))
        body.len = (size_t)fault_below(f, body.len);
    else if (fault_chance(f, 300))
        buffer_put(&body, opened.body.data, opened.body.len);
    if (body.len <= frame_cap(opened.type) - FRAME_OVERHEAD)
        fault_say_body(f, to, fault_context(f, opened.type), buffer_bytes(&body));
    buffer_free(&body);
    return SAID_NOTHING;
}

/* ---- time ---- */

static void tick(struct fault *f, member_id to, uint64_t req_seq, struct op_tick tick) {
    struct buffer bytes = {0};
    struct request r = {.client = f->cluster->members[f->self].key, .req_seq = req_seq, .kind = OP_TICK, .tick = tick};
    request_seal(&bytes, &r, &f->cluster->id, &f->secret);
    struct msg m = {.type = FRAME_RELAY, .relay = {fault_bytes(f, &bytes)}};
    if (fault_own_up(f, m.relay.request))
        fault_say(f, to, &m);
}

/* Two clocks in one breath: the same number of the same boot, under the same request's number. */
static void ticks_twice(struct fault *f) {
    struct op_tick a = {1, ++f->counter, f->wall, 0, true}, b = a;
    b.wall += 1 + (time_ms)fault_below(f, 10000);
    for (member_id to = 0; to < f->cluster->member_count; to++)
        if (to != f->self)
            tick(f, to, 100 + f->counter, in_half(f, to) ? a : b);
}

static void ticks_wildly(struct fault *f) {
    const time_ms walls[] = {0, 1, TIME_MAX_MS, 2 * f->wall};
    struct op_tick x = {1 + fault_below(f, 3), f->counter += 1 + fault_below(f, 3), walls[fault_below(f, 4)],
                        NUMBER_MAX, false};
    for (member_id to = 0; to < f->cluster->member_count; to++)
        if (to != f->self)
            tick(f, to, 100 + f->counter, x);
}

const struct behaviour faults_of_backups[] = {
    {{"silent", "DR-B1", NULL, "says nothing to anybody", FAULT_SEAT_ANY, false, true},
     .mute = true,
     .mute_to_clients = true},
    {{"double-votes", "DR-B2", NULL, "votes for two digests", FAULT_SEAT_ANY, false, true}, .send = votes_twice},
    {{"wrong-votes", "DR-B3", NULL, "votes for a number, view or digest beside the right one", FAULT_SEAT_BACKUP, false,
      true},
     .send = votes_beside},
    {{"prepare-as-primary", "DR-B4", NULL, "sends a PREPARE with its own PRE-PREPARE", FAULT_SEAT_PRIMARY, false,
      false},
     .send = prepares_its_own},
    {{"wish-storm", "DR-B5", "PER-S", "wishes for higher views", FAULT_SEAT_ANY, false, true},
     .standard = 500,
     .lowest = 1,
     .highest = 6400,
     .turn = storms_with_wishes},
    {{"withhold-commits", "DR-B6", "ID", "commits to everybody but one", FAULT_SEAT_ANY, false, true},
     .highest = MEMBERS_MAX,
     .raw = withholds_commits},
    {{"replay", "DR-B7", NULL, "says old frames again, under other epochs and clusters", FAULT_SEAT_ANY, false, false},
     .raw = keeps_some,
     .act = says_again},
    {{"flood-garbage", "DR-B8", "PER-S", "sends bytes without a meaning", FAULT_SEAT_ANY, false, true},
     .standard = 500,
     .lowest = 1,
     .highest = 6400,
     .turn = floods_with_garbage},
    {{"bad-signatures", "DR-B8", "PER-S", "sends PREPAREs with broken signatures", FAULT_SEAT_BACKUP, false, false},
     .standard = 500,
     .lowest = 1,
     .highest = 6400,
     .raw = keeps_a_vote,
     .turn = floods_with_bad_signatures},
    {{"garbled-bodies", "DR-B9", NULL, "signs frames with lying lengths and broken bytes", FAULT_SEAT_ANY, false,
      false},
     .send = garbles},
    {{"status-lies", "DR-B10", NULL, "claims to be far behind, far ahead or anything", FAULT_SEAT_ANY, false, true},
     .send = lies_in_status},
    {{"forge-relays", "DR-B11", NULL, "relays results that no observer signed", FAULT_SEAT_ANY, false, true},
     .send = forges_relays},
    {{"late-commits", "DR-B13", NULL, "commits in a view when that view is over", FAULT_SEAT_BACKUP, false, false},
     .raw = commits_later,
     .act = commits_now},
    {{"two-ticks", "DR-G7", NULL, "tells two times in one tick", FAULT_SEAT_ANY, false, false}, .act = ticks_twice},
    {{"wild-ticks", "DR-G1", NULL, "tells any time", FAULT_SEAT_ANY, false, false}, .act = ticks_wildly},
    {.is = {.name = NULL}},
};
