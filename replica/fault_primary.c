/* Traitorous primaries, rows A: they propose late, to some, two things, with gaps, too much or too little; and members
   that do with their clients' requests what they should not. What is told of one place once is told alike ever after,
   so that each is as hard to find out as it can be. */
#include "replica/fault_parts.h"

#include <stdlib.h>
#include <string.h>

static bool proposes(const struct msg *m) {
    return m->type == FRAME_PRE_PREPARE && m->pre_prepare.batch.kind == BATCH_NORMAL;
}

static enum said silent_while_it_leads(struct fault *f, member_id to, struct bytes frame) {
    struct node_facts facts = fault_facts(f);
    (void)to, (void)frame;
    return fault_leads(f, &facts) ? SAID_NOTHING : SAID_AS_IS;
}

/* The same requests the other way round, or nothing in place of a single one: both are proposals that a backup takes.
 */
static enum said equivocates(struct fault *f, member_id to, struct msg *m) {
    if (!proposes(m) || !in_half(f, to))
        return SAID_AS_IS;
    const struct batch *b = &m->pre_prepare.batch;
    struct request_ref *refs = fault_memory(f, b->count, sizeof *refs);
    for (unsigned i = 0; i < b->count; i++)
        refs[i] = b->refs[b->count - 1 - i];
    struct batch other = {.kind = BATCH_NULL};
    if (b->count > 1)
        other = (struct batch){.kind = BATCH_NORMAL, .count = b->count, .refs = refs};
    fault_propose(f, m, &other);
    return SAID_OTHERWISE;
}

static enum said starves(struct fault *f, member_id to, struct bytes frame) {
    return to == f->victim && fault_is(frame, FRAME_PRE_PREPARE) ? SAID_NOTHING : SAID_AS_IS;
}

/* ---- late ---- */

/* Just early enough that no request is ever too old. */
static mono_ms delays_proposals(struct fault *f, member_id to, struct bytes frame) {
    mono_ms standard = (mono_ms)f->cluster->knobs.request_timeout_ms * 7 / 10;
    (void)to;
    return !fault_is(frame, FRAME_PRE_PREPARE) ? 0 : f->parameter ? f->parameter : standard;
}

/* One proposal at a time to each member, so far apart. */
static mono_ms drips(struct fault *f, member_id to, struct bytes frame) {
    if (!fault_is(frame, FRAME_PRE_PREPARE))
        return 0;
    mono_ms next = f->dripped[to] + f->parameter;
    f->dripped[to] = next > f->now ? next : f->now;
    return f->dripped[to] - f->now;
}

/* ---- whom it hears ---- */

static const struct public_key *observer_of_parameter(const struct fault *f) {
    const struct cluster *c = f->cluster;
    return f->parameter < c->observer_count ? &c->observers[f->parameter].key : NULL;
}

static bool hears_all_but_one_client(struct fault *f, const struct heard *h) {
    const struct public_key *key = observer_of_parameter(f);
    return !h->r || !key || !public_key_equal(&h->r->client, key);
}

/* Serves one client well, so that something is always decided. */
static bool hears_one_client(struct fault *f, const struct heard *h) {
    const struct public_key *key = observer_of_parameter(f);
    return !h->r || !h->client || (key && public_key_equal(&h->r->client, key));
}

/* Agreed time is the (f+1)-th largest tick: with its own alone it stands still. */
static bool hears_no_ticks(struct fault *f, const struct heard *h) {
    return h->client || !h->r || h->r->kind != OP_TICK ||
           public_key_equal(&h->r->client, &f->cluster->members[f->self].key);
}

static bool hears_no_requests_of_clients(struct fault *f, const struct heard *h) {
    (void)f;
    return !h->client || !h->r;
}

/* The first that neither leads nor is the liar. */
static member_id first_backup(const struct fault *f, member_id primary) {
    member_id first = 0;
    while (first == primary || first == f->self)
        first++;
    return first;
}

/* What it was told it passes on to some, one at least, not to the primary. */
static enum said relays_past_the_primary(struct fault *f, member_id to, struct bytes frame) {
    if (!fault_is(frame, FRAME_RELAY))
        return SAID_AS_IS;
    member_id primary = primary_of(fault_facts(f).pbft.view, f->cluster->member_count);
    bool told = to == first_backup(f, primary) || !in_half(f, to);
    return told && to != primary ? SAID_AS_IS : SAID_NOTHING;
}

/* ---- what it proposes ---- */

static enum said skips(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    struct vote *v = &m->pre_prepare.statement;
    seq_no by = (seq_no)f->parameter, window = f->cluster->knobs.window;
    if (by)
        v->n += by < window ? by : window; /* beyond that, the host lets nothing leave */
    else
        v->n = fault_facts(f).pbft.certified + f->cluster->knobs.window;
    return SAID_OTHERWISE;
}

static void remember_refs(struct fault *f, const struct batch *b) {
    for (unsigned i = 0; i < b->count; i++)
        f->old[f->old_count++ % FAULT_OLD_REFS] = b->refs[i];
}

static bool is_named(const struct batch *b, const struct request_ref *ref) {
    for (unsigned i = 0; i < b->count; i++)
        if (public_key_equal(&b->refs[i].client, &ref->client) && b->refs[i].req_seq == ref->req_seq)
            return true;
    return false;
}

/* What is proposed, and behind it everything that was proposed before, as a batch. */
static struct bytes with_the_old(struct fault *f, const struct msg *m) {
    const struct batch *b = &m->pre_prepare.batch;
    size_t old = f->old_count < FAULT_OLD_REFS ? f->old_count : FAULT_OLD_REFS, most = f->cluster->knobs.batch_max;
    struct request_ref *refs = fault_memory(f, b->count + old, sizeof *refs);
    struct batch more = {BATCH_NORMAL, b->count, refs};
    memcpy(refs, b->refs, b->count * sizeof *refs);
    for (size_t i = 0; i < old && more.count < most; i++)
        if (!is_named(&more, &f->old[i]))
            refs[more.count++] = f->old[i];
    remember_refs(f, b);
    struct buffer bytes = {0};
    batch_encode(&bytes, &more);
    return fault_bytes(f, &bytes);
}

/* The batch that `lie` makes of this proposal, the same to everybody and whenever it is asked for again. */
static enum said tells_alike(struct fault *f, struct msg *m,
                             struct bytes (*lie)(struct fault *f, const struct msg *m)) {
    if (!proposes(m))
        return SAID_AS_IS;
    if (!f->told)
        f->told = xcalloc(FAULT_TOLD, sizeof *f->told);
    const struct vote *v = &m->pre_prepare.statement;
    struct told_lie *told = &f->told[v->n % FAULT_TOLD];
    if (told->n != v->n || told->v != v->v) {
        told->n = v->n;
        told->v = v->v;
        struct bytes batch = lie(f, m);
        buffer_clear(&told->batch);
        buffer_put(&told->batch, batch.data, batch.len);
    }
    if (bytes_equal(m->pre_prepare.batch_bytes, buffer_bytes(&told->batch)))
        return SAID_AS_IS;
    fault_propose_bytes(m, buffer_bytes(&told->batch));
    return SAID_OTHERWISE;
}

static enum said proposes_the_old_again(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    return tells_alike(f, m, with_the_old);
}

/* Twice the same, too much, nothing, or bytes behind the end. */
static enum said malforms(struct fault *f, member_id to, struct msg *m) {
    enum { HEAD = 3, REF = PUBLIC_KEY_LEN + 8 + DIGEST_LEN };
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    struct buffer bytes = {0};
    struct bytes good = m->pre_prepare.batch_bytes;
    unsigned count = m->pre_prepare.batch.count + 1;
    switch (fault_below(f, 4)) {
    case 0:
        buffer_put(&bytes, good.data, good.len);
        buffer_u8(&bytes, 0);
        break;
    case 1:
        buffer_put(&bytes, good.data, good.len);
        buffer_put(&bytes, good.data + HEAD, REF);
        bytes.data[1] = (uint8_t)(count >> 8);
        bytes.data[2] = (uint8_t)count;
        break;
    case 2:
        buffer_put(&bytes, good.data, HEAD);
        bytes.data[1] = bytes.data[2] = 0xff;
        break;
    default:
        buffer_put(&bytes, good.data, HEAD + REF / 2);
    }
    fault_propose_bytes(m, fault_bytes(f, &bytes));
    return SAID_OTHERWISE;
}

/* The last reference names a request that nobody ever made. */
static struct bytes with_a_phantom(struct fault *f, const struct msg *m) {
    const struct batch *b = &m->pre_prepare.batch;
    struct request_ref *refs = fault_memory(f, b->count, sizeof *refs);
    memcpy(refs, b->refs, b->count * sizeof *refs);
    struct request_ref *last = &refs[b->count - 1];
    last->digest = fault_digest(f);
    last->req_seq += 1 + fault_below(f, 3);
    while (is_named(b, last)) /* a number twice is no batch */
        last->req_seq++;
    struct buffer bytes = {0};
    batch_encode(&bytes, &(struct batch){BATCH_NORMAL, b->count, refs});
    return fault_bytes(f, &bytes);
}

static enum said dreams(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    return tells_alike(f, m, with_a_phantom);
}

static enum said is_elsewhere(struct fault *f, member_id to, struct msg *m) {
    (void)to;
    if (!proposes(m))
        return SAID_AS_IS;
    if (fault_chance(f, 500))
        m->pre_prepare.statement.v++;
    else
        m->pre_prepare.statement.nv_digest = fault_digest(f);
    return SAID_OTHERWISE;
}

/* One that it made itself would stand beside the empty one for the same place: two signatures, and proof. */
static enum said proposes_nothing_else(struct fault *f, member_id to, struct msg *m) {
    (void)f, (void)to;
    return proposes(m) ? SAID_NOTHING : SAID_AS_IS;
}

static void floods_with_nothing(struct fault *f) {
    struct node_facts facts = fault_facts(f);
    struct msg m = {.type = FRAME_PRE_PREPARE};
    if (!fault_leads(f, &facts))
        return;
    fault_propose(f, &m, &(struct batch){.kind = BATCH_NULL});
    m.pre_prepare.statement.v = facts.pbft.view;
    for (seq_no n = facts.pbft.next; n <= facts.pbft.certified + f->cluster->knobs.window + 2; n++) {
        m.pre_prepare.statement.n = n;
        fault_say_all(f, &m);
    }
}

const struct behaviour faults_of_primaries[] = {
    {{"silent-primary", "DR-A1", NULL, "says nothing while it leads", FAULT_SEAT_PRIMARY, false, true},
     .raw = silent_while_it_leads},
    {{"equivocate", "DR-A2", NULL, "proposes two batches for one place, one to each half", FAULT_SEAT_PRIMARY, false,
      true},
     .send = equivocates},
    {{"starve-backup", "DR-A3", "ID", "proposes to everybody but one", FAULT_SEAT_PRIMARY, false, true},
     .highest = MEMBERS_MAX,
     .raw = starves},
    {{"delay-proposals", "DR-A4", "MS", "proposes so late, by itself just before requests time out", FAULT_SEAT_PRIMARY,
      false, true},
     .lowest = 1,
     .highest = 60000,
     .delay = delays_proposals},
    {{"slow-drip", "DR-A4", "MS", "one proposal in so long", FAULT_SEAT_PRIMARY, false, false},
     .standard = 300,
     .lowest = 1,
     .highest = 60000,
     .delay = drips},
    {{"censor-client", "DR-A5", "N", "never hears requests of observer number N", FAULT_SEAT_PRIMARY, false, true},
     .highest = UINT16_MAX,
     .hears = hears_all_but_one_client},
    {{"skip-numbers", "DR-A6", "BY", "proposes further ahead, by itself at the window's end", FAULT_SEAT_PRIMARY, false,
      true},
     .lowest = 1,
     .highest = WINDOW_MAX,
     .send = skips},
    {{"re-propose", "DR-A7", NULL, "proposes what was executed before behind what is new", FAULT_SEAT_PRIMARY, false,
      true},
     .send = proposes_the_old_again},
    {{"malformed-batches", "DR-A8", NULL, "proposes batches that are none", FAULT_SEAT_PRIMARY, false, false},
     .send = malforms},
    {{"phantom-requests", "DR-A9", NULL, "proposes requests that nobody made", FAULT_SEAT_PRIMARY, false, true},
     .send = dreams},
    {{"censor-ticks", "DR-A10", NULL, "never hears the clocks of other members", FAULT_SEAT_PRIMARY, false, true},
     .hears = hears_no_ticks},
    {{"foreign-view", "DR-A12", NULL, "proposes for another view or NEW-VIEW", FAULT_SEAT_PRIMARY, false, false},
     .send = is_elsewhere},
    {{"flood-empty", "DR-A13", NULL, "fills the window with empty batches", FAULT_SEAT_PRIMARY, false, true},
     .send = proposes_nothing_else,
     .act = floods_with_nothing},
    {{"serve-one-client", "DR-A15", "N", "takes requests of observer number N only", FAULT_SEAT_PRIMARY, false, false},
     .highest = UINT16_MAX,
     .hears = hears_one_client},
    {{"relay-past-primary", "DR-B14", NULL, "relays requests to some, never to the primary", FAULT_SEAT_BACKUP, false,
      true},
     .raw = relays_past_the_primary},
    {{"drop-requests", "DR-H9", NULL, "never hears what clients ask it for", FAULT_SEAT_ANY, false, false},
     .hears = hears_no_requests_of_clients},
    {.is = {.name = NULL}},
};
