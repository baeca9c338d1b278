/* Faults of a run: when machines crash, stop, sleep and lose their disks, when the network is cut, and what somebody
   without a key tells the nodes. */
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

/* ---- machines ---- */

/* How long things last, against how long the run is faulty. */
static time_us span(struct sim *s, time_us most) {
    time_us all = s->options->size == SIZE_LONG ? most : most / 8;
    return (time_us)prng_below(&s->chance, (uint64_t)all);
}

void fault_power_loss(struct sim *s) {
    s->counts->power_losses++;
    for (member_id i = 0; i < s->options->members; i++) {
        host_crash(&s->hosts[i]);
        push_simple(s, span(s, 3 * SECOND), EVENT_RESTART, i, 0);
    }
}

/* The process stands still and finds its queues full afterwards. */
void fault_pause(struct sim *s, member_id member) {
    struct host *h = &s->hosts[member];
    s->counts->pauses += h->node != NULL;
    h->paused_until = s->now + SECOND / 10 + span(s, 16 * SECOND);
    if (h->paused_until > s->options->faulty_for)
        h->paused_until = s->options->faulty_for;
}

/* The disk is restored from an image made earlier: what was synced since is gone, and nobody tells the replica. */
void fault_rollback(struct sim *s, member_id member) {
    struct host *h = &s->hosts[member];
    if (!h->image) {
        h->image = sim_disk_copy(h->disk);
        push_simple(s, span(s, s->options->faulty_for * 8), EVENT_ROLLBACK, member, 0);
        return;
    }
    host_crash(h);
    sim_disk_free(h->disk);
    h->disk = h->image;
    h->image = NULL;
    s->counts->rollbacks++;
    h->rolled_back = true;
    host_boot(h);
}

/* Found when the state is read again: the replica must notice, ask the others for theirs, and vote again. */
void fault_rot(struct sim *s, member_id member) {
    struct host *h = &s->hosts[member];
    host_crash(h);
    s->counts->rotten += sim_disk_rot(h->disk, DISK_STATE, &s->chance);
    host_boot(h);
}

/* Everything is off for half an hour, and nobody's clock was. */
void fault_sleep(struct sim *s) {
    s->counts->sleeps++;
    for (member_id i = 0; i < s->options->members; i++) {
        host_crash(&s->hosts[i]);
        push_simple(s, span(s, 2 * SECOND), EVENT_RESTART, i, 0);
    }
    s->shift += 1800000;
}

/* ---- cables ---- */

static void cut_sides(struct sim *s, member_set side) {
    member_set all = set_all(s->options->members);
    for (member_id i = 0; i < s->options->members; i++)
        s->deaf[i] |= set_has(side, i) ? all & (member_set)~side : side;
}

static member_set any_side(struct sim *s) {
    return (member_set)(1 + prng_below(&s->chance, set_all(s->options->members)));
}

/* As even as it can be, so that neither has a quorum. */
static member_set even_side(struct sim *s) {
    member_set side = 0;
    while (set_count(side) < s->options->members / 2)
        side |= set_of((member_id)prng_below(&s->chance, s->options->members));
    return side;
}

static member_id primary_now(struct sim *s) {
    return (member_id)(goal_highest_view(s) % s->options->members);
}

/* Everybody hears one member in the middle, and hardly anybody else. */
static void cut_star(struct sim *s) {
    member_id middle = (member_id)prng_below(&s->chance, s->options->members);
    for (member_id i = 0; i < s->options->members; i++)
        if (i != middle)
            s->deaf[i] |= set_all(s->options->members) & (member_set) ~(set_of(middle) | set_of(i));
}

static void cut_links(struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++)
        s->deaf[i] |= (member_set)prng_below(&s->chance, set_all(s->options->members) + 1u) & any_side(s);
}

void fault_cut(struct sim *s) {
    unsigned members = s->options->members;
    for (member_id i = 0; i < members; i++)
        s->deaf[i] = 0;
    switch (prng_below(&s->chance, 7)) {
    case 0:
        cut_sides(s, any_side(s));
        break;
    case 1:
    case 2:
        cut_sides(s, even_side(s));
        break;
    case 3:
        cut_sides(s, set_of(primary_now(s)));
        break;
    case 4: /* one way: it speaks and hears nothing, or hears and nobody hears it */
        if (prng_chance(&s->chance, 500))
            s->deaf[primary_now(s)] = set_all(members);
        else
            for (member_id i = 0; i < members; i++)
                s->deaf[i] |= set_of(primary_now(s));
        break;
    case 5:
        cut_star(s);
        break;
    default:
        cut_links(s);
    }
    push_simple(s, SECOND / 4 + span(s, 9 * SECOND), EVENT_MEND, 0, 0);
}

/* One link comes and goes about as fast as requests time out. */
void fault_flap(struct sim *s) {
    member_id a = primary_now(s), b = (member_id)((a + 1) % s->options->members);
    time_us period = (time_us)s->cluster.knobs.request_timeout_ms * 1000;
    s->deaf[a] ^= set_of(b);
    s->deaf[b] ^= set_of(a);
    push_simple(s, period / 2 + (time_us)prng_below(&s->chance, (uint64_t)period), EVENT_FLAP, 0, 0);
}

/* ---- a traitor: one key, two machines ---- */

/* Who talks to which half changes now and then. */
void fault_twins(struct sim *s, member_id member) {
    s->other_half[member] = (member_set)prng_below(&s->chance, set_all(s->options->members) + 1u);
    push_simple(s, SECOND / 10 + span(s, 4 * SECOND), EVENT_TWINS, member, 0);
}

/* ---- when ---- */

static void plan(struct sim *s, unsigned count, enum event_kind kind) {
    for (unsigned i = 0; i < count; i++)
        push_simple(s, (time_us)prng_below(&s->chance, (uint64_t)s->options->faulty_for), kind,
                    (member_id)prng_below(&s->chance, s->options->members), 0);
}

void faults_plan(struct sim *s) {
    const struct sim_options *o = s->options;
    plan(s, o->crashes, EVENT_CRASH);
    plan(s, o->power_losses, EVENT_POWER);
    plan(s, o->pauses, EVENT_PAUSE);
    plan(s, o->cuts, EVENT_CUT);
    plan(s, o->flapping, EVENT_FLAP);
    plan(s, o->stepping, EVENT_CLOCKS);
    plan(s, o->sleeps, EVENT_SLEEP);
    if (o->forger)
        push_simple(s, SECOND / 5, EVENT_FORGE, 0, 0);
    if (o->behind) /* down before much happened, back when all is quiet */
        push_simple(s, o->faulty_for / 8, EVENT_BEHIND, (member_id)prng_below(&s->chance, o->members), 0);
    push_simple(s, o->beat, EVENT_BEAT, 0, 0);
}
