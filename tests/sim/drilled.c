/* Members behind the fault filter that replicas run with in drills (replica/fault.h). The filter outlives crashes of
   its node, so that what a traitor began goes on. */
#include "tests/sim/drilled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 25 /* frames a second of who floods: virtual seconds are dear */ };

/* ---- the catalogue ---- */

const struct fault_behaviour *behaviour_at(unsigned i) {
    const struct fault_behaviour *b;
    for (unsigned k = 0; (b = fault_behaviour(k)); k++)
        if (!b->real && i-- == 0)
            return b;
    return NULL;
}

unsigned behaviour_count(void) {
    unsigned count = 0;
    while (behaviour_at(count))
        count++;
    return count;
}

int behaviour_find(const char *name) {
    const struct fault_behaviour *b;
    for (unsigned i = 0; (b = behaviour_at(i)); i++)
        if (strcmp(b->name, name) == 0 || strcmp(b->row, name) == 0)
            return (int)i;
    return -1;
}

/* ---- a member of a run ---- */

struct drilled {
    struct sim *sim;
    member_id self;
    int behaviour; /* FAULT_BEHAVE: its number; -1: a clock */
    struct fault *fault;
};

static bool facts_of(void *self, struct node_facts *out) {
    const struct drilled *d = self;
    const struct node *node = d->sim->hosts[d->self].node;
    if (node)
        node_inspect(node, out);
    return node != NULL;
}

static bool faulted(void *self, struct bytes frame) {
    const struct drilled *d = self;
    struct node *node = d->sim->hosts[d->self].node;
    return !d->sim->options->reforms || !node || node_faulted(node, frame);
}

static struct drilled *found(struct sim *s, member_id self, int behaviour) {
    struct drilled *d = xcalloc(1, sizeof *d);
    struct buffer why = {0};
    *d = (struct drilled){s, self, behaviour, NULL};
    struct fault_host host = {.self = d, .facts = facts_of, .faulted = faulted};
    ENSURE(fault_new(&d->fault, &s->cluster, self, &s->secrets[self], &host, &why) == ERR_OK);
    buffer_free(&why);
    return d;
}

static void start(struct drilled *d, const char *text) {
    struct buffer why = {0};
    drilled_now(d, (struct node_now){d->sim->now / 1000 + MONO_START_MS, sim_wall(d->sim, MEMBER_NONE)});
    ENSURE(fault_start(d->fault, text, prng_next(&d->sim->chance), INT64_MAX, &why) == ERR_OK);
    buffer_free(&why);
}

struct drilled *drilled_new(struct sim *s, const struct sim_fault *f) {
    const struct fault_behaviour *b = behaviour_at(f->behaviour);
    struct drilled *d = found(s, f->member, (int)f->behaviour);
    unsigned members = s->options->members;
    char text[64];
    snprintf(text, sizeof text, "%s", b->name);
    if (b->parameter && strcmp(b->parameter, "PER-S") == 0)
        snprintf(text, sizeof text, "%s:%d", b->name, RATE);
    start(d, text);
    s->counts->drawn[f->behaviour]++;
    push_simple(s, 0, EVENT_ACT, f->member, 0);
    if (b->seat == FAULT_SEAT_NEXT)
        push_simple(s, s->options->faulty_for / 4, EVENT_PAUSE, (member_id)((f->member + members - 1) % members), 0);
    return d;
}

struct drilled *drilled_clock(struct sim *s, member_id member) {
    struct drilled *d = found(s, member, -1);
    push_simple(s, (time_us)prng_below(&s->chance, (uint64_t)s->options->faulty_for / 2), EVENT_ACT, member, 0);
    return d;
}

void drilled_free(struct drilled *d) {
    if (!d)
        return;
    if (d->behaviour >= 0) {
        d->sim->counts->behaved += fault_bites(d->fault);
        d->sim->counts->bites[d->behaviour] += fault_bites(d->fault);
    } else {
        d->sim->counts->wrong_clocks += fault_bites(d->fault);
    }
    fault_free(d->fault);
    free(d);
}

struct node_world drilled_world(struct drilled *d, const struct node_world *inner) {
    return fault_world(d->fault, inner);
}

bool drilled_hears(struct drilled *d, const uint64_t *client, struct admitted *x) {
    return fault_hears(d->fault, client, x);
}

struct node_now drilled_now(struct drilled *d, struct node_now now) {
    return fault_now(d->fault, now);
}

static void break_clock(struct drilled *d) {
    static const char *const ways[] = {"clock-offset:3600000", "clock-offset:-3600000", "clock-frozen",
                                       "clock-drift:500000", "clock-steps:60000"};
    if (!fault_active(d->fault))
        start(d, ways[prng_below(&d->sim->chance, sizeof ways / sizeof *ways)]);
}

/* While it is down, what it held back waits. */
void drilled_act(struct drilled *d) {
    const struct host *h = &d->sim->hosts[d->self];
    if (h->gone)
        return;
    if (d->behaviour < 0) {
        break_clock(d);
        return;
    }
    if (h->node)
        fault_turn(d->fault, d->sim->now / 1000 + MONO_START_MS);
    push_simple(d->sim, SECOND / 100, EVENT_ACT, d->self, 0);
}

bool drilled_reform(struct drilled *d) {
    if (!d || d->behaviour < 0)
        return false;
    fault_stop(d->fault);
    return true;
}
