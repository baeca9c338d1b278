/* Virtual time and a virtual network around the nodes; crashes, power losses, cuts, forged frames. */
#include "base/invariant.h"
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BASE_WALL_S = 1790000000 };

enum event_kind {
    EVENT_PEER,
    EVENT_CLIENT,
    EVENT_ANSWER,
    EVENT_WAKE,
    EVENT_FLUSH,
    EVENT_SECOND,
    EVENT_CRASH,
    EVENT_RESTART,
    EVENT_POWER,
    EVENT_CUT,
    EVENT_MEND,
    EVENT_FORGE
};

struct event {
    time_us at;
    uint64_t order;
    enum event_kind kind;
    member_id node, from;
    uint64_t handle;    /* client's request; of WAKE and FLUSH: the boot it is meant for */
    struct bytes frame; /* owned */
};

struct host {
    struct sim *sim;
    member_id id;
    struct node *node; /* NULL while down */
    struct sim_disk *disk;
    uint64_t boots;
    time_us wake_at; /* of the earliest WAKE that is queued, INT64_MAX if none */
    bool turn_open, dying;
    time_ms skew;
    seq_no stable;
};

struct sim {
    const struct sim_options *options;
    struct sim_counts *counts;
    bool trace, failed, healed;
    struct prng chance;
    struct cluster cluster;
    struct cluster_observer observers[SIM_OBSERVERS];
    struct secret_key secrets[MEMBERS_MAX];
    struct admit admit[MEMBERS_MAX];
    struct keyring *keys;
    struct host hosts[MEMBERS_MAX];
    struct checker *checker;
    struct workload *workload;
    time_us now;
    uint64_t order;
    size_t count, cap;
    struct event *heap;
    member_set side; /* cut: members in and out of the set don't hear each other */
};

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

/* ---- the queue of events: a heap by time and order ---- */

static bool earlier(const struct event *a, const struct event *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap_events(struct event *a, struct event *b) {
    struct event t = *a;
    *a = *b;
    *b = t;
}

static void push(struct sim *s, struct event e) {
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->heap = xrealloc(s->heap, s->cap * sizeof *s->heap);
    }
    e.order = s->order++;
    size_t i = s->count++;
    s->heap[i] = e;
    for (; i && earlier(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap_events(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static struct event pop(struct sim *s) {
    struct event first = s->heap[0];
    s->heap[0] = s->heap[--s->count];
    for (size_t i = 0, child; (child = 2 * i + 1) < s->count; i = child) {
        if (child + 1 < s->count && earlier(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!earlier(&s->heap[child], &s->heap[i]))
            break;
        swap_events(&s->heap[i], &s->heap[child]);
    }
    return first;
}

static void push_simple(struct sim *s, time_us in, enum event_kind kind, member_id node, uint64_t handle) {
    push(s, (struct event){.at = s->now + in, .kind = kind, .node = node, .handle = handle});
}

/* ---- the network ---- */

static struct bytes own(struct bytes frame) {
    uint8_t *copy = xcalloc(1, frame.len + 1);
    memcpy(copy, frame.data, frame.len);
    return bytes_of(copy, frame.len);
}

static void carry(struct sim *s, struct event e, struct bytes frame) {
    const struct sim_options *o = s->options;
    s->counts->frames++;
    if (!s->healed && prng_chance(&s->chance, o->loss)) {
        s->counts->lost++;
        return;
    }
    bool again = !s->healed && prng_chance(&s->chance, o->repeat);
    s->counts->repeated += again;
    for (unsigned copies = 1 + again; copies; copies--) {
        time_us max = s->healed ? o->delay_min + 2000 : o->delay_max;
        e.at = s->now + o->delay_min + (time_us)prng_below(&s->chance, (uint64_t)(max - o->delay_min + 1));
        e.frame = own(frame);
        push(s, e);
    }
}

static bool cut_between(const struct sim *s, member_id a, member_id b) {
    return s->side && set_has(s->side, a) != set_has(s->side, b);
}

static void world_send(void *self, member_id to, struct bytes frame) {
    struct host *h = self;
    struct sim *s = h->sim;
    if (h->dying)
        return;
    if (cut_between(s, h->id, to)) {
        s->counts->cut++;
        return;
    }
    carry(s, (struct event){.kind = EVENT_PEER, .node = to, .from = h->id}, frame);
}

static void world_answer(void *self, uint64_t client, struct bytes frame) {
    struct host *h = self;
    if (!h->dying)
        carry(h->sim, (struct event){.kind = EVENT_ANSWER, .from = h->id, .handle = client}, frame);
}

void sim_client_send(struct sim *s, uint64_t handle, member_id to, struct bytes frame) {
    carry(s, (struct event){.kind = EVENT_CLIENT, .node = to, .handle = handle}, frame);
}

static void world_sealed(void *self, struct bytes frame) {
    struct host *h = self;
    if (!h->dying)
        checker_sealed(h->sim->checker, h->id, frame);
}

static void world_trace(void *self, const char *line) {
    struct host *h = self;
    if (h->sim->trace)
        printf("%10.4f node %u: %s\n", (double)h->sim->now / SECOND, h->id, line);
}

static void world_executed(void *self, seq_no n, const struct digest *batch, const struct digest *log_hash, time_ms t,
                           const struct request *const *requests, size_t count) {
    struct host *h = self;
    checker_executed(h->sim->checker, h->id, n, batch, log_hash, t, requests, count);
    if (h->sim->trace)
        printf("%10.4f node %u: executed %llu with %zu requests\n", (double)h->sim->now / SECOND, h->id,
               (unsigned long long)n, count);
}

static void world_alert(void *self, const struct alert *a) {
    struct host *h = self;
    checker_alert(h->sim->checker, a);
    if (h->sim->trace)
        printf("%10.4f node %u: alert %llu %s %s/%s %s\n", (double)h->sim->now / SECOND, h->id,
               (unsigned long long)a->number, alert_type_name(a->type), a->host, a->service,
               state_name(!*a->service, a->state));
}

/* ---- hosts ---- */

static struct node_now clocks(const struct host *h) {
    return (struct node_now){h->sim->now / 1000 + 5000, sim_wall(h->sim, h->id)};
}

static void schedule_wake(struct host *h) {
    mono_ms due = node_deadline(h->node);
    time_us at = (due - 5000) * 1000;
    if (at <= h->sim->now)
        at = h->sim->now + 1000;
    if (at >= h->wake_at)
        return;
    h->wake_at = at;
    push_simple(h->sim, at - h->sim->now, EVENT_WAKE, h->id, h->boots);
}

static void watch_stable(struct host *h) {
    struct node_facts facts;
    node_inspect(h->node, &facts);
    if (facts.pbft.stable == h->stable || facts.pbft.stable == 0)
        return;
    h->stable = facts.pbft.stable;
    checker_stable(h->sim->checker, h->id, h->stable, &facts.pbft.stable_root);
}

static void end_turn(struct host *h) {
    h->turn_open = false;
    ENSURE(node_flush(h->node) == ERR_OK);
    struct node_facts facts;
    node_inspect(h->node, &facts);
    if (facts.breach)
        sim_fail(h->sim, "node %u found a safety breach", h->id);
    watch_stable(h);
    schedule_wake(h);
}

/* A turn ends at once, or gathers what comes in the next milliseconds. */
static void turn(struct host *h) {
    if (h->turn_open)
        return;
    if (!h->sim->options->lazy_flush || prng_chance(&h->sim->chance, 500)) {
        end_turn(h);
        return;
    }
    h->turn_open = true;
    push_simple(h->sim, (time_us)prng_below(&h->sim->chance, 4000), EVENT_FLUSH, h->id, h->boots);
}

static void boot(struct host *h) {
    struct sim *s = h->sim;
    struct node_config config = {.cluster = &s->cluster,
                                 .self = h->id,
                                 .secret = s->secrets[h->id],
                                 .boot_random = prng_next(&s->chance),
                                 .version = "sim"};
    struct node_world world = {h, world_send, world_answer, world_sealed, world_trace, world_executed, world_alert};
    struct disk disk = sim_disk_door(h->disk);
    struct buffer why = {0};
    h->boots++;
    h->wake_at = INT64_MAX;
    h->dying = h->turn_open = false;
    if (node_open(&h->node, &config, &disk, &world, clocks(h), &why) != ERR_OK) {
        sim_fail(s, "node %u does not open: %s", h->id, buffer_cstr(&why));
        h->node = NULL;
    } else {
        node_start(h->node, clocks(h));
        end_turn(h);
    }
    buffer_free(&why);
}

static void crash(struct host *h) {
    struct sim *s = h->sim;
    if (!h->node)
        return;
    if (h->turn_open && prng_chance(&s->chance, 500)) {
        h->dying = true; /* the turn became durable, but nothing of it left */
        ENSURE(node_flush(h->node) == ERR_OK);
    }
    node_free(h->node);
    h->node = NULL;
    h->boots++;
    s->counts->crashes++;
    s->counts->torn += sim_disk_crash(h->disk, &s->chance) > 0;
    if (s->trace)
        printf("%10.4f node %u: crashed\n", (double)s->now / SECOND, h->id);
}

/* ---- events ---- */

static void receive(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->node];
    struct admitted *x = NULL;
    if (!h->node)
        return;
    bool peer = e->kind == EVENT_PEER;
    enum error error =
        peer ? admit_peer(&x, &s->admit[e->node], e->frame) : admit_client(&x, &s->admit[e->node], e->frame);
    if (error != ERR_OK) {
        s->counts->refused++;
        if (s->trace)
            printf("%10.4f node %u: refused a frame: %s\n", (double)s->now / SECOND, e->node, error_name(error));
        return;
    }
    if (peer)
        node_receive(h->node, x, clocks(h));
    else
        node_client(h->node, e->handle, x, clocks(h));
    turn(h);
}

static void wake(struct host *h) {
    h->wake_at = INT64_MAX;
    node_timeout(h->node, clocks(h));
    if (h->turn_open)
        schedule_wake(h);
    else
        turn(h);
}

static void forge(struct sim *s) {
    struct buffer frame = {0};
    member_id to = (member_id)prng_below(&s->chance, s->options->members);
    member_id as = (member_id)prng_below(&s->chance, s->options->members);
    struct secret_key wrong = {.b = {9, 9}};
    if (prng_chance(&s->chance, 400)) {
        workload_forge(s->workload, &frame, &s->chance);
        sim_client_send(s, UINT64_MAX, to, buffer_bytes(&frame));
    } else {
        uint8_t body[VOTE_BODY_LEN];
        struct node_facts facts = {0};
        if (s->hosts[to].node)
            node_inspect(s->hosts[to].node, &facts);
        struct vote v = {.v = facts.pbft.view, .n = facts.executed + 1 + prng_below(&s->chance, 3)};
        v.d = batch_null_digest();
        vote_encode(body, &v);
        uint8_t type = prng_chance(&s->chance, 500) ? FRAME_PREPARE : FRAME_COMMIT;
        struct seal_context context = {type, s->cluster.id, 0, as};
        frame_seal(&frame, &context, bytes_of(body, sizeof body), &wrong);
        carry(s, (struct event){.kind = EVENT_PEER, .node = to, .from = as}, buffer_bytes(&frame));
    }
    s->counts->forged++;
    buffer_free(&frame);
    if (!s->healed)
        push_simple(s, (time_us)prng_below(&s->chance, SECOND / 2), EVENT_FORGE, 0, 0);
}

static void power_loss(struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++) {
        crash(&s->hosts[i]);
        push_simple(s, (time_us)prng_below(&s->chance, 3 * SECOND), EVENT_RESTART, i, 0);
    }
}

static void handle(struct sim *s, const struct event *e) {
    struct host *h = &s->hosts[e->node];
    switch (e->kind) {
    case EVENT_PEER:
    case EVENT_CLIENT:
        receive(s, e);
        break;
    case EVENT_ANSWER:
        if (e->handle != UINT64_MAX)
            workload_answer(s->workload, e->handle, e->from, e->frame);
        break;
    case EVENT_WAKE:
        if (h->node && h->boots == e->handle)
            wake(h);
        break;
    case EVENT_FLUSH:
        if (h->node && h->boots == e->handle && h->turn_open)
            end_turn(h);
        break;
    case EVENT_SECOND:
        workload_second(s->workload, s->now, s->healed);
        push_simple(s, SECOND, EVENT_SECOND, 0, 0);
        break;
    case EVENT_CRASH:
        if (!s->healed && h->node) {
            crash(h);
            push_simple(s, (time_us)prng_below(&s->chance, 8 * SECOND), EVENT_RESTART, e->node, 0);
        }
        break;
    case EVENT_RESTART:
        if (!h->node)
            boot(h);
        break;
    case EVENT_POWER:
        power_loss(s);
        break;
    case EVENT_CUT:
        s->side = (member_set)(1 + prng_below(&s->chance, set_all(s->options->members)));
        push_simple(s, SECOND + (time_us)prng_below(&s->chance, 9 * SECOND), EVENT_MEND, 0, 0);
        break;
    case EVENT_MEND:
        s->side = 0;
        break;
    case EVENT_FORGE:
        forge(s);
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
        s->hosts[i] = (struct host){.sim = s, .id = i, .disk = sim_disk_new(), .skew = skew};
        boot(&s->hosts[i]);
    }
}

static void plan_faults(struct sim *s) {
    const struct sim_options *o = s->options;
    uint64_t span = (uint64_t)o->faulty_for;
    for (unsigned i = 0; i < o->crashes; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_CRASH,
                    (member_id)prng_below(&s->chance, o->members), 0);
    for (unsigned i = 0; i < o->power_losses; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_POWER, 0, 0);
    for (unsigned i = 0; i < o->cuts; i++)
        push_simple(s, (time_us)prng_below(&s->chance, span), EVENT_CUT, 0, 0);
    if (o->forger)
        push_simple(s, SECOND, EVENT_FORGE, 0, 0);
    push_simple(s, SECOND, EVENT_SECOND, 0, 0);
}

static void heal(struct sim *s) {
    s->healed = true;
    s->side = 0;
    for (member_id i = 0; i < s->options->members; i++)
        if (!s->hosts[i].node)
            boot(&s->hosts[i]);
}

static void judge_end(struct sim *s) {
    seq_no slowest = UINT64_MAX;
    view_no lowest = UINT64_MAX, highest = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        struct node_facts f = {0};
        if (s->hosts[i].node)
            node_inspect(s->hosts[i].node, &f);
        slowest = f.executed < slowest ? f.executed : slowest;
        lowest = f.pbft.view < lowest ? f.pbft.view : lowest;
        highest = f.pbft.view > highest ? f.pbft.view : highest;
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
    for (member_id i = 0; i < s->options->members; i++) {
        node_free(s->hosts[i].node);
        sim_disk_free(s->hosts[i].disk);
    }
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
    found_cluster(s);
    s->checker = checker_new(s, &s->cluster);
    s->workload = workload_new(s, &s->cluster, o);
    plan_faults(s);
    found_hosts(s);
    run_until(s, o->faulty_for);
    heal(s);
    run_until(s, o->faulty_for + o->healed_for);
    judge_end(s);
    close_sim(s);
    bool kept = !s->failed;
    free(s);
    return kept;
}
