/* What the bending liars need: chance, the own key, and the way into the network. */
#include "tests/sim/traitor.h"

#include <stdlib.h>
#include <string.h>

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
    c->bent += t->kind == FAULT_BEND;
    c->rounds += t->kind == FAULT_ROUNDS;
}

void liar_say_raw(struct liar *t, member_id to, struct bytes frame) {
    send_frame(t->sim, &t->sim->hosts[t->self], to, frame);
}

static void seal(struct liar *t, enum frame_type type, struct bytes body, struct buffer *out) {
    struct seal_context context = {(uint8_t)type, t->sim->cluster.id, 0, t->self};
    frame_seal(out, &context, body, &t->sim->secrets[t->self]);
}

/* As a drill does it: what the node can't remember does not leave. */
static bool owned_up(struct liar *t, struct bytes frame) {
    struct node *node = t->sim->hosts[t->self].node;
    return !t->sim->options->reforms || !node || node_faulted(node, frame);
}

void liar_say_body(struct liar *t, member_id to, enum frame_type type, struct bytes body) {
    struct buffer frame = {0};
    seal(t, type, body, &frame);
    if (owned_up(t, buffer_bytes(&frame)))
        liar_say_raw(t, to, buffer_bytes(&frame));
    buffer_free(&frame);
}

void liar_say(struct liar *t, member_id to, const struct msg *m) {
    struct buffer body = {0}, frame = {0};
    if (set_has(t->sim->deaf[to], t->self))
        return;
    codec_encode(&body, m);
    seal(t, m->type, buffer_bytes(&body), &frame);
    checker_traitor_sealed(t->sim->checker, buffer_bytes(&frame));
    if (owned_up(t, buffer_bytes(&frame)))
        liar_say_raw(t, to, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
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

void liar_propose(struct liar *t, struct msg *m, const struct batch *b) {
    buffer_clear(&t->scratch);
    batch_encode(&t->scratch, b);
    m->pre_prepare.batch_bytes = buffer_bytes(&t->scratch);
    m->pre_prepare.statement.d = batch_digest(m->pre_prepare.batch_bytes);
}

/* ---- between the node and the network ---- */

struct liar *liar_new(struct sim *s, const struct sim_fault *f) {
    struct liar *t = xcalloc(1, sizeof *t);
    t->sim = s;
    t->self = f->member;
    t->kind = f->kind;
    return t;
}

void liar_free(struct liar *t) {
    if (!t)
        return;
    for (unsigned i = 0; i < KEPT; i++)
        buffer_free(&t->kept[i]);
    buffer_free(&t->scratch);
    free(t);
}

void liar_send(struct liar *t, member_id to, struct bytes frame) {
    struct arena arena = {0};
    struct frame f;
    struct msg m;
    if (frame_open(&f, frame) == ERR_OK && f.sender == t->self && codec_decode(&m, &f, &arena) == ERR_OK)
        bend_send(t, to, frame, &m);
    else
        liar_say_raw(t, to, frame);
    arena_free(&arena);
}

void liar_round(struct liar *t) {
    bend_round(t);
    push_simple(t->sim, SECOND / 20 + (time_us)liar_below(t, SECOND / 3), EVENT_ROUND, t->self, 0);
}
