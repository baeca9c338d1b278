/* Runs whose course is fixed: four replicas, three observers, nothing fails but what the plan says; and what must have
   been told at the end, to the alert. */
#include "tests/sim/estate.h"
#include "tests/sim/world.h"

#include <string.h>

enum { AWAKE_S = 15, FRESH_MS = 12000, TICK_AND_COMMIT_MS = 1500 };

void plan_options(struct sim_options *o, enum course plan) {
    *o = (struct sim_options){.seed = 1,
                              .members = 4,
                              .size = SIZE_LONG,
                              .delay_min = 100,
                              .delay_max = 2000,
                              .observers = 3,
                              .beat = SECOND,
                              .checkpoint_interval = 8,
                              .window = 16,
                              .batch_max = 64,
                              .plan = plan};
}

const char *plan_promise(enum course plan) {
    static const char *const promises[PLANS] = {
        [PLAN_SILENCE] = "when all agents stop each service is told of once, at the agreed deadline",
        [PLAN_GAP] = "when the cluster was off for half an hour one CLUSTER_GAP is told, and no silence",
        [PLAN_GAP_IN_SILENCE] = "what fell silent before the cluster was off is told once, as much later",
        [PLAN_TOO_FEW] = "when two agents of three stop nothing is said to be OK: it is UNKNOWN, told once",
    };
    return promises[plan];
}

/* A problem that nobody reports any more, or too few do: how late against the last result of those that stopped, its
   freshness and the attempts. Of those that go on, each has to report once more. */
static void hear_problem(struct sim *s, const struct alert *a) {
    time_ms heard = 0;
    int which = estate_find(workload_estate(s->workload), a->host, a->service);
    for (unsigned i = 0; i < a->vote_count; i++)
        heard = !a->votes[i].fresh && a->votes[i].accepted_at > heard ? a->votes[i].accepted_at : heard;
    time_ms late = a->t - heard - FRESH_MS - s->tally.gap - 1000 * (a->max_attempts - 1);
    time_ms most = TICK_AND_COMMIT_MS * (time_ms)a->max_attempts + (s->lone ? s->options->beat / 1000 : 0);
    if (late < 0 || late > most)
        sim_fail(s, "%s/%s is told %lld ms after its deadline", a->host, a->service, (long long)late);
    if (which < 0 || which >= SIM_SERVICES || a->state != STATE_UNKNOWN)
        s->tally.others++;
    else
        s->tally.silent[which]++;
}

void plan_hear(struct sim *s, const struct alert *a) {
    if (s->options->plan == PLAN_NONE)
        return;
    if (a->type == ALERT_PROBLEM)
        hear_problem(s, a);
    else if (a->type == ALERT_SYSTEM && strncmp(a->output, "CLUSTER_GAP", 11) == 0)
        s->tally.gaps++, s->tally.gap = a->t - s->tally.gap_from;
    else
        s->tally.others++;
}

static void expect(struct sim *s, unsigned gaps, unsigned silent) {
    if (s->tally.gaps != gaps || s->tally.others)
        sim_fail(s, "%u alerts of a gap instead of %u, and %u others", s->tally.gaps, gaps, s->tally.others);
    for (unsigned i = 0; i < SIM_SERVICES; i++)
        if (s->tally.silent[i] != silent)
            sim_fail(s, "silence of service %u was told %u times instead of %u", i, s->tally.silent[i], silent);
}

void plan_run(struct sim *s) {
    enum course plan = s->options->plan;
    bool sleeps = plan == PLAN_GAP || plan == PLAN_GAP_IN_SILENCE, silence = plan != PLAN_GAP;
    s->healed = true; /* nothing fails by chance, and all is as it should be */
    run_until(s, AWAKE_S * SECOND);
    if (!workload_applied(s->workload))
        sim_fail(s, "the objects are not applied");
    expect(s, 0, 0);
    s->hushed = silence;
    s->lone = plan == PLAN_TOO_FEW;
    run_until(s, s->now + 5 * SECOND);
    if (sleeps)
        s->tally.gap_from = sim_wall(s, MEMBER_NONE), fault_sleep(s);
    run_until(s, s->now + 40 * SECOND);
    expect(s, sleeps, silence);
}
