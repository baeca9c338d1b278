/* Faults of a run: when machines crash and the network is cut, and what somebody without a key tells the nodes. */
#include "tests/sim/world.h"

/* ---- somebody without a key ---- */

static void send_forged(struct sim *s, enum frame_type type, member_id as, member_id to, struct bytes body) {
    struct secret_key wrong = {.b = {9, 9}};
    struct seal_context context = {(uint8_t)type, s->cluster.id, 0, as};
    struct buffer frame = {0};
    frame_seal(&frame, &context, body, &wrong);
    carry(s, (struct event){.kind = EVENT_PEER, .node = to, .from = as}, buffer_bytes(&frame));
    buffer_free(&frame);
    s->counts->forged++;
}

/* In every other member's name: the NULL batch for a place that the victim has not decided yet, and all the votes it
   takes. Whoever counts one of them without looking at its signature decides what nobody else does. */
static void forge_decision(struct sim *s, member_id victim) {
    struct node_facts facts;
    struct vote v = s->heard;
    struct buffer body = {0};
    if (!s->hosts[victim].node)
        return;
    node_inspect(s->hosts[victim].node, &facts);
    v.n = facts.executed + 1 + prng_below(&s->chance, 3);
    v.d = batch_null_digest();
    member_id primary = (member_id)(v.v % s->options->members);
    vote_encode(buffer_extend(&body, VOTE_BODY_LEN), &v);
    for (member_id i = 0; i < s->options->members; i++)
        if (i != victim) {
            send_forged(s, FRAME_PREPARE, i, victim, buffer_bytes(&body));
            send_forged(s, FRAME_COMMIT, i, victim, buffer_bytes(&body));
        }
    batch_encode(&body, &(struct batch){.kind = BATCH_NULL});
    send_forged(s, FRAME_PRE_PREPARE, primary, victim, buffer_bytes(&body));
    buffer_free(&body);
}

static void forge_request(struct sim *s, member_id victim) {
    struct buffer frame = {0};
    workload_forge(s->workload, &frame, &s->chance);
    sim_client_send(s, UINT64_MAX, victim, buffer_bytes(&frame));
    buffer_free(&frame);
    s->counts->forged++;
}

void fault_forge(struct sim *s) {
    member_id victim = (member_id)prng_below(&s->chance, s->options->members);
    if (prng_chance(&s->chance, 400))
        forge_request(s, victim);
    else
        forge_decision(s, victim);
    if (!s->healed)
        push_simple(s, (time_us)prng_below(&s->chance, SECOND / 2), EVENT_FORGE, 0, 0);
}

/* ---- machines and cables ---- */

void fault_power_loss(struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++) {
        host_crash(&s->hosts[i]);
        push_simple(s, (time_us)prng_below(&s->chance, 3 * SECOND), EVENT_RESTART, i, 0);
    }
}

/* Any two sides; half of the time as even as they can be, so that neither has a quorum. */
void fault_cut(struct sim *s) {
    unsigned members = s->options->members;
    s->side = (member_set)(1 + prng_below(&s->chance, set_all(members)));
    if (prng_chance(&s->chance, 500))
        for (s->side = 0; set_count(s->side) < members / 2;)
            s->side |= set_of((member_id)prng_below(&s->chance, members));
    push_simple(s, SECOND + (time_us)prng_below(&s->chance, 9 * SECOND), EVENT_MEND, 0, 0);
}

/* ---- a traitor: one key, two machines ---- */

/* Who talks to which half changes now and then. */
void fault_twins(struct sim *s) {
    s->other_half = (member_set)prng_below(&s->chance, set_all(s->options->members) + 1u);
    push_simple(s, SECOND / 2 + (time_us)prng_below(&s->chance, 4 * SECOND), EVENT_TWINS, 0, 0);
}

/* ---- when ---- */

void faults_plan(struct sim *s) {
    const struct sim_options *o = s->options;
    uint64_t span = (uint64_t)o->faulty_for;
    for (unsigned i = 0; i < o->crashes; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_CRASH,
                    (member_id)prng_below(&s->chance, o->members), 0);
    for (unsigned i = 0; i < o->power_losses; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_POWER, 0, 0);
    for (unsigned i = 0; i < o->cuts; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_CUT, 0, 0);
    if (o->twins)
        push_simple(s, 0, EVENT_TWINS, 0, 0);
    if (o->forger)
        push_simple(s, SECOND, EVENT_FORGE, 0, 0);
    push_simple(s, SECOND, EVENT_SECOND, 0, 0);
}
