/* A run of the simulated world: founded, faulty for a while, healed, judged. */
#include "tests/sim/world.h"

#include "tests/sim/estate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prng *sim_chance(struct sim *s) {
    return &s->chance;
}

struct checker *sim_checker(struct sim *s) {
    return s->checker;
}

struct naive_log *sim_naive_log(struct sim *s) {
    return s->log;
}

struct workload *sim_workload(struct sim *s) {
    return s->workload;
}

struct sim_counts *sim_counts(struct sim *s) {
    return s->counts;
}

member_set sim_untrusted(const struct sim *s) {
    return s->untrusted | s->reformed;
}

bool sim_beyond(const struct sim *s) {
    return s->options->beyond && !s->options->beyond_silent;
}

void sim_forked(struct sim *s) {
    s->counts->forks += !s->forked;
    s->forked = true;
}

time_ms sim_wall(const struct sim *s, member_id node) {
    time_ms now = (time_ms)BASE_WALL_S * 1000 + s->now / 1000 + s->shift;
    return node == MEMBER_NONE ? now : host_wall(&s->hosts[node]);
}

time_ms sim_latest_wall(const struct sim *s) {
    return s->latest_wall;
}

void sim_fail(struct sim *s, const char *format, ...) {
    va_list args;
    if (s->failed && !s->trace)
        return;
    s->failed = true;
    fprintf(stderr, "seed %llu n %u at %.3f s: ", (unsigned long long)s->options->seed, s->options->members,
            (double)s->now / SECOND);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
}

/* ---- events ---- */

static void on_beat(struct sim *s) {
    enum workload_mood mood = s->lone                ? MOOD_LONE
                              : s->hushed || s->idle ? MOOD_IDLE
                              : s->healed            ? MOOD_STILL
                                                     : MOOD_LIVELY;
    workload_beat(s->workload, s->now, mood);
    push_simple(s, s->options->beat, EVENT_BEAT, 0, 0);
}

static void on_crash(struct sim *s, struct host *h) {
    if (!h->node)
        return;
    if (prng_chance(&s->chance, 500))
        host_doom(h);
    else
        host_fall(h);
}

static void on_clocks(struct sim *s) {
    static const time_ms steps[] = {3600000, 30000, -3000};
    s->latest_wall = sim_wall(s, MEMBER_NONE);
    s->shift += steps[prng_below(&s->chance, 3)];
    s->counts->clock_steps++;
}

/* What befalls machines and cables, until the heal. */
static void befall(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->node];
    if (s->healed)
        return;
    switch (e->kind) {
    case EVENT_CRASH:
        on_crash(s, h);
        break;
    case EVENT_POWER:
        fault_power_loss(s);
        break;
    case EVENT_PAUSE:
        fault_pause(s, e->node);
        break;
    case EVENT_CUT:
        fault_cut(s);
        break;
    case EVENT_MEND:
        memset(s->deaf, 0, sizeof s->deaf);
        break;
    case EVENT_FLAP:
        fault_flap(s);
        break;
    case EVENT_TWINS:
        fault_twins(s, e->node);
        break;
    case EVENT_ROLLBACK:
        fault_rollback(s, e->node);
        break;
    case EVENT_ROT:
        fault_rot(s, e->node);
        break;
    case EVENT_CLOCKS:
        on_clocks(s);
        break;
    case EVENT_SLEEP:
        fault_sleep(s);
        break;
    default:
        host_crash(h);
        h->gone = true;
        s->counts->left_behind++;
    }
}

static void handle(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->node];
    bool here = h->node && h->boots == e->handle;
    switch (e->kind) {
    case EVENT_PEER:
    case EVENT_CLIENT:
        if (!host_sleeps_through(h, e))
            host_receive(h, e);
        break;
    case EVENT_ANSWER:
        if (e->handle != UINT64_MAX)
            workload_answer(s->workload, e->handle, e->from, e->frame);
        break;
    case EVENT_WAKE:
        if (here && !host_sleeps_through(h, e))
            host_wake(h);
        break;
    case EVENT_FLUSH:
        if (here && h->turn_open && !host_sleeps_through(h, e))
            host_end_turn(h);
        break;
    case EVENT_BEAT:
        on_beat(s);
        break;
    case EVENT_RESTART:
        if (!h->node && !h->gone)
            host_boot(h);
        break;
    case EVENT_FORGE:
        fault_forge(s);
        break;
    case EVENT_ACT:
        drilled_act(s->drilled[e->node]);
        break;
    case EVENT_ROUND:
        if (s->liars[e->node])
            liar_round(s->liars[e->node]);
        break;
    default:
        befall(s, e);
    }
}

void run_until(struct sim *s, time_us end) {
    while (s->count && s->heap[0].at <= end) {
        struct event e = pop(s);
        bool passed_on = false;
        s->now = e.at;
        struct host *h = &s->hosts[e.node];
        if (e.kind == EVENT_PEER || e.kind == EVENT_CLIENT)
            passed_on = h->paused_until > s->now;
        handle(s, &e);
        if (!passed_on)
            free((void *)(uintptr_t)e.frame.data);
    }
    s->now = end;
}

/* ---- founding ---- */

static void set_knobs(struct protocol_knobs *k, const struct sim_options *o) {
    *k = protocol_defaults();
    k->checkpoint_interval = o->checkpoint_interval;
    k->window = o->window;
    k->batch_max = o->batch_max;
    if (!o->quick)
        return;
    k->tick_ms /= 2;
    k->status_ms /= 2;
    k->request_timeout_ms /= 5;
    k->new_view_timeout_ms /= 5;
    k->resend_ms /= 5;
    k->silent_ms /= 5;
}

static void found_cluster(struct sim *s) {
    static char *everywhere[] = {"*"};
    struct cluster *c = &s->cluster;
    struct secret_key unused;
    strcpy(c->name, "sim");
    c->drills = DRILLS_SANDBOX;
    c->member_count = s->options->members;
    c->t0 = (time_ms)BASE_WALL_S * 1000;
    set_knobs(&c->knobs, s->options);
    for (unsigned i = 0; i < c->member_count; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(1 + i)};
        crypto_keypair_from_seed(&c->members[i].key, &s->secrets[i], seed);
    }
    for (unsigned i = 0; i <= SIM_OBSERVERS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(100 + i)};
        struct public_key pk;
        crypto_keypair_from_seed(&pk, &unused, seed);
        if (i == SIM_OBSERVERS) {
            c->operators[0] = (struct cluster_operator){.name = "operator", .key = pk, .roles = OPERATOR_ADMIN};
            continue;
        }
        s->observers[i] = (struct cluster_observer){.key = pk, .host_count = 1, .hosts = everywhere};
        strcpy(s->observers[i].name, observer_name(i));
    }
    c->operator_count = c->operators_needed = 1;
    c->observer_count = SIM_OBSERVERS;
    c->observers = s->observers;
    cluster_set_id(c);
}

static void found_second(struct sim *s, member_id first) {
    struct host *second = &s->hosts[s->host_count];
    *second = (struct host){.sim = s, .id = first, .place = (member_id)s->host_count, .disk = sim_disk_new()};
    second->skew = s->hosts[first].skew;
    s->second[first] = second->place;
    s->crowd |= set_of(first);
    s->host_count++;
}

/* Whom it concerns, before anything runs. */
static void found_fault(struct sim *s, const struct sim_fault *f) {
    if (f->kind == FAULT_CLOCK) {
        s->drilled[f->member] = drilled_clock(s, f->member);
        return;
    }
    if (f->kind == FAULT_ROT) {
        push_simple(s, (time_us)prng_below(&s->chance, (uint64_t)s->options->faulty_for), EVENT_ROT, f->member, 0);
        return;
    }
    s->untrusted |= set_of(f->member);
    if (f->kind == FAULT_TWINS) {
        found_second(s, f->member);
        if (!s->options->beyond)
            push_simple(s, 0, EVENT_TWINS, f->member, 0);
    } else if (f->kind == FAULT_ROLLBACK) {
        push_simple(s, (time_us)prng_below(&s->chance, (uint64_t)s->options->faulty_for), EVENT_ROLLBACK, f->member, 0);
    } else if (f->kind == FAULT_BEHAVE) {
        s->drilled[f->member] = drilled_new(s, f);
    } else {
        s->liars[f->member] = liar_new(s, f);
        if (f->kind == FAULT_ROUNDS)
            push_simple(s, 0, EVENT_ROUND, f->member, 0);
    }
}

static void found_hosts(struct sim *s) {
    s->keys = cluster_keyring(&s->cluster);
    s->host_count = s->options->members;
    for (member_id i = 0; i < s->options->members; i++) {
        s->admit[i] = (struct admit){.keys = s->keys, .self = i, .window = s->options->window};
        cluster_verifier(&s->admit[i].verifier, &s->cluster);
        time_ms skew = s->options->skewed_clocks ? (time_ms)prng_below(&s->chance, 4001) - 2000 : 0;
        s->hosts[i] = (struct host){.sim = s, .id = i, .place = i, .disk = sim_disk_new(), .skew = skew};
    }
    for (unsigned i = 0; i < s->options->fault_count && !s->options->beyond_silent; i++)
        found_fault(s, &s->options->faults[i]);
    if (s->options->beyond)
        beyond_found(s);
    for (unsigned i = 0; i < s->host_count; i++)
        host_boot(&s->hosts[i]);
}

/* ---- the heal ---- */

/* Its drill is over, as by kill -9: it restarts without it. What it said before may still be held against it. */
static void reform(struct sim *s, struct host *h) {
    host_crash(h);
    liar_free(s->liars[h->id]);
    s->liars[h->id] = NULL;
    s->untrusted &= (member_set)~set_of(h->id);
    s->reformed |= set_of(h->id);
    s->counts->reformed++;
}

static void heal_host(struct sim *s, struct host *h) {
    if (s->options->reforms && (s->liars[h->id] || drilled_reform(s->drilled[h->id])))
        reform(s, h);
    bool leaves = is_untrusted(h) && (s->options->repents || set_has(s->crowd, h->id));
    h->doomed = false;
    h->paused_until = 0;
    sim_disk_doom(h->disk, false);
    if (leaves) { /* for good: f are gone, the others must do */
        host_crash(h);
        h->gone = true;
    } else {
        h->gone = false;
        if (!h->node)
            host_boot(h);
    }
}

static void heal(struct sim *s) {
    s->healed = true;
    s->healed_at = s->now;
    if (s->log && workload_applied(s->workload))
        workload_ask(s->workload, s->now);
    s->idle = s->options->behind && s->options->size == SIZE_SHORT;
    s->backoff_at_heal = goal_highest_backoff(s);
    memset(s->deaf, 0, sizeof s->deaf);
    for (unsigned i = 0; i < s->host_count; i++)
        heal_host(s, &s->hosts[i]);
}

/* ---- a run ---- */

static void close_sim(struct sim *s) {
    while (s->count) {
        struct event e = pop(s);
        free((void *)(uintptr_t)e.frame.data);
    }
    free(s->heap);
    buffer_free(&s->seen);
    for (unsigned i = 0; i < s->host_count; i++) {
        node_free(s->hosts[i].node);
        sim_disk_free(s->hosts[i].disk);
        if (s->hosts[i].image)
            sim_disk_free(s->hosts[i].image);
    }
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        liar_free(s->liars[i]);
        drilled_free(s->drilled[i]);
    }
    workload_free(s->workload);
    checker_free(s->checker);
    if (s->log)
        naive_log_free(s->log);
    keyring_free(s->keys);
}

/* Until all is well, but no longer than it may take. */
static void recover(struct sim *s) {
    time_us last = s->now + goal_bound(s);
    const time_us step = SECOND / 20;
    bool whole = false;
    while (s->now < last && !(whole = goal_reached(s)))
        run_until(s, s->now + step);
    s->counts->healed_ms += (uint64_t)(s->now - s->healed_at) / 1000;
    if (!whole)
        sim_fail(s, "not recovered %.1f s after the heal", (double)(s->now - s->healed_at) / SECOND);
}

/* What was left over from the bad times has been served: now nobody has a reason to leave the view. */
static void come_to_rest(struct sim *s, time_us at_least) {
    time_us last = s->now + goal_bound(s);
    run_until(s, s->now + at_least);
    s->hushed = true;
    while (s->now < last && !goal_pools_empty(s))
        run_until(s, s->now + SECOND / 50);
    s->hushed = false;
}

/* For the naive model: all states as they are in the end. Nothing depends on the answer but what it is compared with.
 */
static void ask_states(struct sim *s) {
    time_us last = s->now + 6 * (time_us)s->cluster.knobs.resend_ms * 1000;
    if (!s->log || s->failed)
        return;
    workload_ask(s->workload, s->now);
    while (s->now < last && !workload_asked(s->workload))
        run_until(s, s->now + SECOND / 50);
}

/* Long runs go on until the truth is told, and perhaps until the silence is. */
static void settle(struct sim *s) {
    bool is_long = s->options->size == SIZE_LONG;
    come_to_rest(s, is_long ? 4 * SECOND : 0);
    view_no settled = goal_view(s);
    bool shaky = goal_is_shaky(s);
    time_us last = s->healed_at + s->options->healed_for;
    run_until(s, s->now + (is_long ? 3 * SECOND : SECOND / 8));
    while (is_long && s->now < last && !checker_truth_told(s->checker))
        run_until(s, s->now + SECOND);
    s->hushed = true; /* what was acknowledged a moment ago gets to everybody */
    last = s->now + 6 * (time_us)s->cluster.knobs.resend_ms * 1000;
    while (s->now < last && !goal_all_executed(s))
        run_until(s, s->now + SECOND / 50);
    if (!shaky)
        goal_judge_views(s, settled);
    goal_judge_end(s, shaky);
    ask_states(s);
    if (!s->options->hush)
        return;
    s->counts->hushed++;
    s->lone = s->options->lone;
    run_until(s, s->now + 20 * SECOND);
    if (!checker_silence_told(s->checker))
        sim_fail(s, "all observers fell silent, and that was not told");
}

struct sim_result sim_run(const struct sim_options *o, struct sim_counts *counts, bool trace) {
    struct sim *s = xcalloc(1, sizeof *s);
    s->options = o;
    s->counts = counts;
    s->trace = trace;
    s->hash = 0xcbf29ce484222325;
    counts->lie_drawn[o->lie]++;
    counts->long_runs += o->size == SIZE_LONG;
    prng_seed(&s->chance, o->seed);
    found_cluster(s);
    s->checker = checker_new(s, &s->cluster);
    s->log = o->beyond ? NULL : naive_log_new(s, &s->cluster);
    s->workload = workload_new(s, &s->cluster, o);
    faults_plan(s);
    found_hosts(s);
    if (o->plan)
        plan_run(s);
    bool heals = !o->plan && (!o->beyond || beyond_run(s));
    run_until(s, s->now > o->faulty_for ? s->now : o->faulty_for);
    if (heals && (!s->failed || trace)) {
        heal(s);
        recover(s);
    }
    if (heals && (!s->failed || trace))
        settle(s);
    if (s->log && !s->failed)
        naive_log_judge(s->log);
    struct sim_result result = {!s->failed, s->hash};
    close_sim(s);
    free(s);
    return result;
}
