/* What a run shall be, drawn from its seed swarm-style: each kind of fault is in or out, and what is in is drawn. Most
   runs are short: small windows, faults at once, and an end as soon as all is well again. Of the first thousand seeds,
   which everyday runs take, more are long. */
#include "tests/sim/drilled.h"
#include "tests/sim/estate.h"

#include <stdio.h>
#include <string.h>

static unsigned draw_members(struct prng *p) {
    static const unsigned sizes[] = {4, 5, 6, 7, 10}, per_mille[] = {600, 100, 100, 160, 40};
    unsigned i = 0;
    for (uint64_t at = prng_below(p, 1000); at >= per_mille[i]; i++)
        at -= per_mille[i];
    return sizes[i];
}

static void draw_network(struct sim_options *o, struct prng *p) {
    o->loss = prng_chance(p, 600) ? (unsigned)prng_below(p, 200) : 0;
    o->repeat = prng_chance(p, 400) ? (unsigned)prng_below(p, 100) : 0;
    o->delay_min = 50 + (time_us)prng_below(p, 2000);
    o->delay_max = o->delay_min + (prng_chance(p, 300) ? (time_us)prng_below(p, 300000) : 3000);
    o->cuts = prng_chance(p, 500) ? 1 + (unsigned)prng_below(p, 3) : 0;
    o->flapping = prng_chance(p, 80);
    o->targeted = prng_chance(p, 100);
}

static void draw_machines(struct sim_options *o, struct prng *p) {
    o->crashes = prng_chance(p, 600) ? 1 + (unsigned)prng_below(p, o->size == SIZE_LONG ? 7 : 3) : 0;
    o->power_losses = prng_chance(p, 150);
    o->pauses = prng_chance(p, 250) ? 1 + (unsigned)prng_below(p, 2) : 0;
    o->lazy_flush = prng_chance(p, 700);
    o->skewed_clocks = prng_chance(p, 500);
    o->stepping = prng_chance(p, 40);
    o->sleeps = prng_chance(p, 30);
    o->behind = prng_chance(p, 100);
}

static void draw_clients(struct sim_options *o, struct prng *p) {
    o->forger = prng_chance(p, 400);
    o->lie = prng_chance(p, 600) ? (enum lie)prng_below(p, LIE_KINDS) : LIE_NONE;
    if (prng_chance(p, 300))
        o->rude = 1u << prng_below(p, RUDE_KINDS);
    if (prng_chance(p, 100))
        o->rude = (unsigned)prng_below(p, 1u << RUDE_KINDS);
}

static void draw_sizes(struct sim_options *o, struct prng *p) {
    static const uint32_t batches[] = {4, 16, 64, 64}, intervals[] = {2, 4, 8, 8, 16};
    o->checkpoint_interval = intervals[prng_below(p, 5)];
    o->window = 2 * o->checkpoint_interval;
    o->batch_max = batches[prng_below(p, 4)];
    o->quick = prng_chance(p, 900);
    o->beat = (time_us)(100 + prng_below(p, 200)) * 1000;
    o->faulty_for = SECOND / 4 + (time_us)prng_below(p, o->quick ? SECOND : 2 * SECOND);
    o->healed_for = 40 * SECOND;
    if (o->size == SIZE_SHORT)
        return;
    o->beat = SECOND;
    o->quick = false;
    o->faulty_for = (20 + (time_us)prng_below(p, 20)) * SECOND;
    o->healed_for = 60 * SECOND;
    if (prng_chance(p, 300)) {
        o->checkpoint_interval = 128;
        o->window = 256;
        o->batch_max = 512;
    }
}

/* The first primary is the most rewarding traitor, the next one the second most. */
static member_id draw_member(struct prng *p, unsigned members, enum fault_seat seat) {
    if (seat == FAULT_SEAT_PRIMARY || (seat == FAULT_SEAT_ANY && prng_chance(p, 300)))
        return 0;
    if (seat == FAULT_SEAT_NEXT || (seat == FAULT_SEAT_ANY && prng_chance(p, 200)))
        return 1;
    return (member_id)(seat == FAULT_SEAT_ANY ? prng_below(p, members) : 1 + prng_below(p, members - 1));
}

static bool is_taken(const struct sim_options *o, member_id m) {
    for (unsigned i = 0; i < o->fault_count; i++)
        if (o->faults[i].member == m)
            return true;
    return false;
}

static void draw_fault(struct sim_options *o, struct prng *p, int behaviour) {
    static const enum fault_kind kinds[] = {FAULT_BEND,   FAULT_BEND,     FAULT_ROUNDS, FAULT_ROUNDS, FAULT_BEHAVE,
                                            FAULT_BEHAVE, FAULT_BEHAVE,   FAULT_BEHAVE, FAULT_TWINS,  FAULT_TWINS,
                                            FAULT_CLOCK,  FAULT_ROLLBACK, FAULT_ROT};
    struct sim_fault f = {.kind = kinds[prng_below(p, sizeof kinds / sizeof *kinds)]};
    enum fault_seat seat = FAULT_SEAT_ANY;
    if (behaviour >= 0)
        f.kind = FAULT_BEHAVE;
    if (f.kind == FAULT_BEHAVE) {
        f.behaviour = behaviour >= 0 ? (unsigned)behaviour : (unsigned)prng_below(p, behaviour_count());
        seat = behaviour_at(f.behaviour)->seat;
    }
    for (unsigned tries = 0; tries < 20; tries++) {
        f.member = draw_member(p, o->members, tries < 3 ? seat : FAULT_SEAT_ANY);
        if (!is_taken(o, f.member)) {
            o->faults[o->fault_count++] = f;
            return;
        }
    }
}

static void draw_faults(struct sim_options *o, struct prng *p, int behaviour) {
    unsigned f = quorum_faults(o->members);
    unsigned count = behaviour >= 0 ? 1 : prng_chance(p, 750) ? 1 + (unsigned)prng_below(p, f) : 0;
    for (unsigned i = 0; i < count; i++)
        draw_fault(o, p, i == 0 ? behaviour : -1);
    o->repents = prng_chance(p, 700);
}

/* f+1 to 2f members run twice, or fall silent, together. */
static void draw_beyond(struct sim_options *o, struct prng *p) {
    unsigned f = quorum_faults(o->members);
    o->beyond = f + 1 + (unsigned)prng_below(p, f);
    o->beyond_silent = prng_chance(p, 150);
    o->beyond_later = prng_chance(p, 500);
    o->faulty_for += SECOND / 2;
    o->fault_count = 0;
    o->crashes = o->power_losses = o->cuts = 0;
    o->sleeps = o->behind = o->flapping = o->stepping = false;
    o->loss = prng_chance(p, 700) ? 0 : o->loss / 4;
    if (o->beyond_silent) /* so many that no quorum is left */
        o->beyond = o->members - quorum_strong(o->members) + 1;
    while (o->fault_count < o->beyond) {
        member_id m = (member_id)prng_below(p, o->members);
        m = o->fault_count < 2 && prng_chance(p, 700) ? (member_id)o->fault_count : m;
        if (!is_taken(o, m))
            o->faults[o->fault_count++] = (struct sim_fault){.kind = FAULT_TWINS, .member = m};
    }
}

static bool somebody_lies(const struct sim_options *o) {
    for (unsigned i = 0; i < o->fault_count; i++)
        if (o->faults[i].kind <= FAULT_BEHAVE)
            return true;
    return false;
}

bool sim_options_draw(struct sim_options *o, uint64_t seed, const struct sim_forced *forced) {
    struct prng p;
    int behaviour = forced->behaviour ? behaviour_find(forced->behaviour) : -1;
    if (forced->behaviour && behaviour < 0)
        return false;
    prng_seed(&p, seed * 2 + 1);
    *o = (struct sim_options){.seed = seed};
    o->members = draw_members(&p);
    o->size = prng_chance(&p, seed < 1000 ? 40 : 4) ? SIZE_LONG : SIZE_SHORT;
    if (o->members == 10)
        o->size = SIZE_SHORT;
    o->members = forced->members ? forced->members : o->members;
    draw_network(o, &p);
    draw_machines(o, &p);
    draw_clients(o, &p);
    draw_sizes(o, &p);
    draw_faults(o, &p, behaviour);
    o->hush = o->size == SIZE_LONG && prng_chance(&p, 300);
    o->lone = prng_chance(&p, 300);
    if (forced->lie)
        o->lie = lie_find(forced->lie);
    if (o->lie == LIE_KINDS)
        return false;
    o->observers = prng_chance(&p, 100) || lie_needs_five(o->lie) ? 5 : 3;
    o->beat = o->beat * o->observers / 3; /* as many requests in a second as of three */
    if (forced->beyond)
        draw_beyond(o, &p);
    o->orders = prng_chance(&p, 500);
    o->reforms = o->repents && !o->beyond && somebody_lies(o) && prng_chance(&p, 500);
    return true;
}

/* ---- for people ---- */

static const char *kind_name(const struct sim_fault *f) {
    static const char *const names[FAULT_KINDS] = {"bends",       "bends in rounds", "",    "twins",
                                                   "wrong clock", "rolled back",     "rots"};
    return f->kind == FAULT_BEHAVE ? behaviour_at(f->behaviour)->name : names[f->kind];
}

void sim_options_print(const struct sim_options *o) {
    printf("seed %llu: n %u, %s, %s timers, faulty for %.1f s, beat %d ms, K %u, W %u, batches to %u\n",
           (unsigned long long)o->seed, o->members, o->size == SIZE_LONG ? "long" : "short",
           o->quick ? "quick" : "standard", (double)o->faulty_for / SECOND, (int)(o->beat / 1000),
           o->checkpoint_interval, o->window, o->batch_max);
    printf("  network: loss %u, repeat %u per mille, delay %.1f-%.1f ms, cuts %u, flapping %d, targeted %d\n", o->loss,
           o->repeat, (double)o->delay_min / 1000, (double)o->delay_max / 1000, o->cuts, o->flapping, o->targeted);
    printf(
        "  machines: crashes %u, power losses %u, pauses %u, lazy flush %d, skewed clocks %d, stepping %d, sleeps %d, "
        "behind %d\n",
        o->crashes, o->power_losses, o->pauses, o->lazy_flush, o->skewed_clocks, o->stepping, o->sleeps, o->behind);
    printf("  clients: observers %u, forger %d, lie %s, rude %#x, orders %d, hush %d, lone %d\n", o->observers,
           o->forger, lie_name(o->lie), o->rude, o->orders, o->hush, o->lone);
    for (unsigned i = 0; i < o->fault_count; i++)
        printf("  faulty: member %u %s\n", o->faults[i].member, kind_name(&o->faults[i]));
    if (o->beyond)
        printf("  beyond the bound: %u together%s%s\n", o->beyond, o->beyond_silent ? ", silent" : "",
               o->beyond_later ? ", one side in a later view" : "");
    printf("  after the heal the faulty %s\n", o->reforms ? "are honest members" : o->repents ? "are silent" : "go on");
}
