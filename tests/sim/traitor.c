/* Members that lie with a valid key of their own. Here is what all of them need; the lies themselves are rows of the
   lists in traitor_*.c. */
#include "tests/sim/traitor.h"

#include <stdlib.h>
#include <string.h>

/* ---- the catalogue ---- */

unsigned behaviour_count(void) {
    return primary_behaviour_count + backup_behaviour_count + view_behaviour_count + data_behaviour_count;
}

const struct behaviour *behaviour_at(unsigned i) {
    if (i < primary_behaviour_count)
        return &primary_behaviours[i];
    i -= primary_behaviour_count;
    if (i < backup_behaviour_count)
        return &backup_behaviours[i];
    i -= backup_behaviour_count;
    return i < view_behaviour_count ? &view_behaviours[i] : &data_behaviours[i - view_behaviour_count];
}

int behaviour_find(const char *name) {
    for (unsigned i = 0; i < behaviour_count(); i++)
        if (strcmp(behaviour_at(i)->name, name) == 0 || strcmp(behaviour_at(i)->row, name) == 0)
            return (int)i;
    return -1;
}

static const struct behaviour *behaviour_of(const struct liar *t) {
    return t->kind == FAULT_BEHAVE ? behaviour_at(t->behaviour) : NULL;
}

/* ---- means ---- */

bool liar_chance(struct liar *t, unsigned per_mille) {
    return prng_chance(&t->sim->chance, per_mille);
}

uint64_t liar_below(struct liar *t, uint64_t bound) {
    return prng_below(&t->sim->chance, bound);
}

struct node_facts liar_facts(const struct liar *t) {
    struct node_facts f = {0};
    if (t->sim->hosts[t->self].node)
        node_inspect(t->sim->hosts[t->self].node, &f);
    return f;
}

void liar_bite(struct liar *t) {
    struct sim_counts *c = t->sim->counts;
    if (t->kind == FAULT_BEHAVE) {
        c->behaved++;
        c->bites[t->behaviour]++;
    } else {
        c->bent += t->kind == FAULT_BEND;
        c->rounds += t->kind == FAULT_ROUNDS;
    }
}

static void carry_own(struct liar *t, member_id to, struct bytes frame, time_us later) {
    carry(t->sim, (struct event){.at = later, .kind = EVENT_PEER, .node = to, .from = t->self}, frame);
}

void liar_say_raw(struct liar *t, member_id to, struct bytes frame) {
    send_frame(t->sim, &t->sim->hosts[t->self], to, frame);
}

struct seal_context liar_context(const struct liar *t, enum frame_type type) {
    return (struct seal_context){(uint8_t)type, t->sim->cluster.id, 0, t->self};
}

void liar_say_body(struct liar *t, member_id to, struct seal_context context, struct bytes body) {
    struct buffer frame = {0};
    frame_seal(&frame, &context, body, &t->sim->secrets[t->self]);
    liar_say_raw(t, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

static void seal(struct liar *t, const struct msg *m, struct buffer *out) {
    struct seal_context context = liar_context(t, m->type);
    struct buffer body = {0};
    codec_encode(&body, m);
    frame_seal(out, &context, buffer_bytes(&body), &t->sim->secrets[t->self]);
    buffer_free(&body);
}

void liar_say_later(struct liar *t, member_id to, const struct msg *m, time_us later) {
    struct buffer frame = {0};
    seal(t, m, &frame);
    checker_traitor_sealed(t->sim->checker, buffer_bytes(&frame));
    carry_own(t, to, buffer_bytes(&frame), later);
    buffer_free(&frame);
}

void liar_say(struct liar *t, member_id to, const struct msg *m) {
    if (!set_has(t->sim->deaf[to], t->self))
        liar_say_later(t, to, m, 0);
}

void liar_say_all(struct liar *t, const struct msg *m) {
    for (member_id to = 0; to < t->sim->options->members; to++)
        if (to != t->self)
            liar_say(t, to, m);
}

uint64_t liar_near(struct liar *t, uint64_t number) {
    static const uint64_t far[] = {0, 1, 100, 1000000, NUMBER_MAX};
    uint64_t near = number + liar_below(t, 5);
    return liar_chance(t, 100) ? far[liar_below(t, 5)] : near > 2 ? near - 2 : near;
}

struct digest liar_digest(struct liar *t) {
    struct digest d = batch_null_digest();
    d.b[0] ^= (uint8_t)liar_below(t, 4);
    return d;
}

void liar_propose_bytes(struct liar *t, struct msg *m, struct bytes batch) {
    struct buffer copy = {0};
    buffer_put(&copy, batch.data, batch.len);
    buffer_free(&t->scratch);
    t->scratch = copy;
    m->pre_prepare.batch_bytes = buffer_bytes(&t->scratch);
    m->pre_prepare.statement.d = batch_digest(m->pre_prepare.batch_bytes);
}

void liar_propose(struct liar *t, struct msg *m, const struct batch *b) {
    struct buffer bytes = {0};
    batch_encode(&bytes, b);
    liar_propose_bytes(t, m, buffer_bytes(&bytes));
    buffer_free(&bytes);
}

bool liar_request_of(const struct event *e, struct request *out, struct arena *arena) {
    struct frame f;
    struct msg m;
    if (frame_open(&f, e->frame) != ERR_OK)
        return false;
    if (f.type == FRAME_RELAY) {
        if (codec_decode(&m, &f, arena) != ERR_OK || frame_open(&f, m.relay.request) != ERR_OK)
            return false;
    } else if (f.type == FRAME_DATA) {
        if (codec_decode(&m, &f, arena) != ERR_OK || m.data.request_count == 0 ||
            frame_open(&f, m.data.requests[0]) != ERR_OK)
            return false;
    }
    return f.type == FRAME_REQUEST && request_decode(out, &f, arena) == ERR_OK;
}

/* ---- the filter ---- */

struct liar *liar_new(struct sim *s, const struct sim_fault *f) {
    struct liar *t = xcalloc(1, sizeof *t);
    t->sim = s;
    t->self = f->member;
    t->kind = f->kind;
    t->behaviour = f->behaviour;
    unsigned members = s->options->members;
    while (t->half == 0 || t->half == (set_all(members) & (member_set)~set_of(t->self)))
        t->half = (member_set)(prng_below(&s->chance, set_all(members) + 1u) & (member_set)~set_of(t->self));
    t->victim = (member_id)((t->self + 1 + prng_below(&s->chance, members - 1)) % members);
    if (f->kind == FAULT_BEHAVE)
        s->counts->drawn[f->behaviour]++;
    if (f->kind == FAULT_BEHAVE && behaviour_at(f->behaviour)->seat == SEAT_NEXT)
        push_simple(s, s->options->faulty_for / 4, EVENT_PAUSE, (member_id)((t->self + members - 1) % members), 0);
    return t;
}

void liar_free(struct liar *t) {
    if (!t)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        buffer_free(&t->kept[i]);
    for (unsigned i = 0; i < KEPT_BATCHES; i++)
        buffer_free(&t->batches[i]);
    buffer_free(&t->scratch);
    free(t);
}

static void say_after(struct liar *t, member_id to, struct bytes frame, struct msg *m, enum said said) {
    if (said == SAID_AS_IS) {
        liar_say_raw(t, to, frame);
        return;
    }
    liar_bite(t);
    if (said == SAID_OTHERWISE)
        liar_say_later(t, to, m, 0);
}

void liar_send(struct liar *t, member_id to, struct bytes frame) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    bool own = frame_open(&f, frame) == ERR_OK && f.sender == t->self && codec_decode(&m, &f, &arena) == ERR_OK;
    const struct behaviour *b = behaviour_of(t);
    if (!own)
        liar_say_raw(t, to, frame);
    else if (!b)
        bend_send(t, to, frame, &m);
    else
        say_after(t, to, frame, &m, b->send ? b->send(t, to, &m) : SAID_AS_IS);
    arena_free(&arena);
}

bool liar_answer(struct liar *t, uint64_t client, struct bytes frame) {
    const struct behaviour *b = behaviour_of(t);
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    enum said said = SAID_AS_IS;
    if (b && b->answer && frame_open(&f, frame) == ERR_OK && codec_decode(&m, &f, &arena) == ERR_OK &&
        m.type == FRAME_OUTPUTS)
        said = b->answer(t, &m);
    if (said != SAID_AS_IS)
        liar_bite(t);
    if (said == SAID_OTHERWISE) {
        struct seal_context context = {FRAME_OUTPUTS, t->sim->cluster.id, 0, t->self};
        struct buffer body = {0}, bent = {0};
        codec_encode(&body, &m);
        frame_seal(&bent, &context, buffer_bytes(&body), NULL);
        carry(t->sim, (struct event){.kind = EVENT_ANSWER, .from = t->self, .handle = client}, buffer_bytes(&bent));
        buffer_free(&body);
        buffer_free(&bent);
    }
    arena_free(&arena);
    return said == SAID_AS_IS;
}

bool liar_hears(struct liar *t, const struct event *e) {
    const struct behaviour *b = behaviour_of(t);
    bool hears = !b || !b->hears || b->hears(t, e);
    if (!hears)
        liar_bite(t);
    return hears;
}

void liar_act(struct liar *t) {
    const struct behaviour *b = behaviour_of(t);
    if (!b || !b->act || t->sim->hosts[t->self].gone)
        return;
    if (t->sim->hosts[t->self].node)
        b->act(t);
    push_simple(t->sim, SECOND / 20 + (time_us)liar_below(t, SECOND / 5), EVENT_ACT, t->self, 0);
}

void liar_round(struct liar *t) {
    bend_round(t);
    push_simple(t->sim, SECOND / 20 + (time_us)liar_below(t, SECOND / 3), EVENT_ROUND, t->self, 0);
}
