/* A run of the simulated world: founded, faulty for a while, healed, judged. */
#include "tests/sim/world.h"

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

struct workload *sim_workload(struct sim *s) {
    return s->workload;
}

time_ms sim_wall(const struct sim *s, member_id node) {
    time_ms skew = node == MEMBER_NONE ? 0 : s->hosts[node].skew;
    return (time_ms)BASE_WALL_S * 1000 + s->now / 1000 + skew;
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

static void handle(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->node];
    switch (e->kind) {
    case EVENT_PEER:
    case EVENT_CLIENT:
        host_receive(h, e);
        break;
    case EVENT_ANSWER:
        if (e->handle != UINT64_MAX)
            workload_answer(s->workload, e->handle, e->from, e->frame);
        break;
    case EVENT_WAKE:
        if (h->node && h->boots == e->handle)
            host_wake(h);
        break;
    case EVENT_FLUSH:
        if (h->node && h->boots == e->handle && h->turn_open)
            host_end_turn(h);
        break;
    case EVENT_SECOND:
        workload_second(s->workload, s->now, s->healed);
        push_simple(s, SECOND, EVENT_SECOND, 0, 0);
        break;
    case EVENT_CRASH:
        if (s->healed || !h->node)
            break;
        if (prng_chance(&s->chance, 500))
            host_doom(h);
        else
            host_fall(h);
        break;
    case EVENT_RESTART:
        if (!h->node && !(s->healed && is_traitor(h) && !s->lies))
            host_boot(h);
        break;
    case EVENT_POWER:
        fault_power_loss(s);
        break;
    case EVENT_CUT:
        fault_cut(s);
        break;
    case EVENT_MEND:
        s->side = 0;
        break;
    case EVENT_TWINS:
        if (!s->healed)
            fault_twins(s);
        break;
    case EVENT_FORGE:
        fault_forge(s);
        break;
    }
}

static void run_until(struct sim *s, time_us end) {
    while (s->count && s->heap[0].at <= end) {
        struct event e = pop(s);
        s->now = e.at;
        handle(s, &e);
        free((void *)(uintptr_t)e.frame.data);
    }
    s->now = end;
}

/* ---- a run ---- */

static void found_cluster(struct sim *s) {
    static char *everywhere[] = {"*"};
    static const char *const names[SIM_OBSERVERS] = {"eu", "us", "ap"};
    struct cluster *c = &s->cluster;
    struct secret_key unused;
    strcpy(c->name, "sim");
    c->member_count = s->options->members;
    c->t0 = (time_ms)BASE_WALL_S * 1000;
    c->knobs = protocol_defaults();
    c->knobs.checkpoint_interval = s->options->checkpoint_interval;
    c->knobs.window = s->options->window;
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
        strcpy(s->observers[i].name, names[i]);
    }
    c->operator_count = c->operators_needed = 1;
    c->observer_count = SIM_OBSERVERS;
    c->observers = s->observers;
    cluster_set_id(c);
}

static void found_hosts(struct sim *s) {
    s->keys = cluster_keyring(&s->cluster);
    for (member_id i = 0; i < s->options->members; i++) {
        s->admit[i] = (struct admit){.keys = s->keys, .self = i, .window = s->options->window};
        cluster_verifier(&s->admit[i].verifier, &s->cluster);
        time_ms skew = s->options->skewed_clocks ? (time_ms)prng_below(&s->chance, 4001) - 2000 : 0;
        s->hosts[i] = (struct host){.sim = s, .id = i, .place = i, .disk = sim_disk_new(), .skew = skew};
        host_boot(&s->hosts[i]);
    }
    if (s->traitor != MEMBER_NONE && !s->lies) {
        struct host *second = &s->hosts[s->options->members];
        *second = s->hosts[s->traitor];
        second->place = (member_id)s->options->members;
        second->disk = sim_disk_new();
        host_boot(second);
    }
}

static void heal(struct sim *s) {
    s->healed = true;
    s->side = 0;
    for (unsigned i = 0; i < host_count(s); i++) {
        struct host *h = &s->hosts[i];
        h->doomed = false;
        sim_disk_doom(h->disk, false);
        if (is_traitor(h) && !s->lies)
            host_crash(h); /* for good: f are gone, the others must do */
        else if (!h->node)
            host_boot(h);
    }
}

static view_no highest_view(const struct sim *s) {
    view_no highest = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        struct node_facts f = {0};
        if (i != s->traitor && s->hosts[i].node)
            node_inspect(s->hosts[i].node, &f);
        highest = f.pbft.view > highest ? f.pbft.view : highest;
    }
    return highest;
}

/* Views stop growing when their primary is honest (I25): nobody else can end one. */
static void judge_views(struct sim *s) {
    view_no last = highest_view(s);
    if (last != s->settled && s->settled % s->options->members != s->traitor)
        sim_fail(s, "view %llu grew to %llu although its primary is honest", (unsigned long long)s->settled,
                 (unsigned long long)last);
}

static void judge_end(struct sim *s) {
    seq_no slowest = UINT64_MAX;
    view_no lowest = UINT64_MAX, highest = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        struct node_facts f = {0};
        if (i == s->traitor)
            continue;
        if (s->hosts[i].node)
            node_inspect(s->hosts[i].node, &f);
        slowest = f.executed < slowest ? f.executed : slowest;
        lowest = f.pbft.view < lowest ? f.pbft.view : lowest;
        highest = f.pbft.view > highest ? f.pbft.view : highest;
        if (f.suspects & (member_set) ~(s->traitor == MEMBER_NONE ? 0 : set_of(s->traitor)))
            sim_fail(s, "node %u suspects honest members: %x", i, (unsigned)f.suspects);
        if (f.pbft.phase != PHASE_ACTIVE)
            sim_fail(s, "node %u is %s at the end", i, phase_name(f.pbft.phase));
    }
    if (lowest != highest)
        sim_fail(s, "the nodes end in views %llu to %llu", (unsigned long long)lowest, (unsigned long long)highest);
    if (workload_waiting(s->workload, s->now, 15 * SECOND))
        sim_fail(s, "%u requests still wait", workload_waiting(s->workload, s->now, 15 * SECOND));
    if (checker_executed_to(s->checker) > slowest + 30)
        sim_fail(s, "a node lags at %llu of %llu", (unsigned long long)slowest,
                 (unsigned long long)checker_executed_to(s->checker));
    if (!workload_applied(s->workload))
        sim_fail(s, "the objects were never applied");
    checker_end(s->checker, slowest);
    s->counts->view_changes += highest;
    s->counts->batches += checker_executed_to(s->checker);
    s->counts->acknowledged += workload_acknowledged(s->workload);
    s->counts->alerts += checker_alerts(s->checker);
}

static void close_sim(struct sim *s) {
    while (s->count) {
        struct event e = pop(s);
        free((void *)(uintptr_t)e.frame.data);
    }
    free(s->heap);
    for (unsigned i = 0; i < host_count(s); i++) {
        node_free(s->hosts[i].node);
        sim_disk_free(s->hosts[i].disk);
    }
    traitor_free(s->lies);
    workload_free(s->workload);
    checker_free(s->checker);
    keyring_free(s->keys);
}

bool sim_run(const struct sim_options *o, struct sim_counts *counts, bool trace) {
    struct sim *s = xcalloc(1, sizeof *s);
    s->options = o;
    s->counts = counts;
    s->trace = trace;
    prng_seed(&s->chance, o->seed);
    s->lies = o->lies ? traitor_new() : NULL;
    s->traitor = o->twins || o->lies ? (member_id)prng_below(&s->chance, o->members) : MEMBER_NONE;
    found_cluster(s);
    s->checker = checker_new(s, &s->cluster);
    s->workload = workload_new(s, &s->cluster, o);
    faults_plan(s);
    found_hosts(s);
    run_until(s, o->faulty_for);
    heal(s);
    run_until(s, o->faulty_for + o->healed_for / 2);
    s->settled = highest_view(s);
    run_until(s, o->faulty_for + o->healed_for);
    judge_views(s);
    judge_end(s);
    close_sim(s);
    bool kept = !s->failed;
    free(s);
    return kept;
}
