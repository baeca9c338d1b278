/* Whole nodes in one process: the simulator's disks, a network that is a queue, a clock that is a number. For stories
   in which what nodes keep on disk matters; schedules by chance are the simulator's. */
#ifndef QUORATE_TESTS_NODE_WORLD_H
#define QUORATE_TESTS_NODE_WORLD_H

#include "base/invariant.h"
#include "replica/node_internal.h"
#include "tests/sim/sim_disk.c"
#include "tests/sim/standin.c" /* signatures that cost nothing: linked before the real ones */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
// clang-format off: it needs what stands above
#include <cmocka.h>
// clang-format on

enum { NODES = 4, STEP_MS = 10, KEY_MEMBER = 1, KEY_ADMIN = 50, KEY_EU = 60, KEY_US, OBSERVERS = 2 };

struct flying {
    member_id from, to;
    struct bytes frame; /* owned */
};
struct world;
struct place { /* of one node */
    struct world *world;
    member_id id;
    struct node *node; /* NULL: down */
    struct sim_disk *disk;
    struct disk door;
    struct buffer trace;   /* of all its boots */
    struct buffer answer;  /* the last frame that it gave to a client */
    unsigned state_writes; /* commits that changed the state on disk */
    unsigned fail_at;      /* its commit of that number fails: the process ends; 0: none */
};
struct world {
    struct cluster cluster;
    struct cluster_observer observers[OBSERVERS]; /* eu, for every host, and us, for the web */
    struct secret_key secrets[NODES];
    struct keyring *keys;
    struct admit admit[NODES];
    struct place places[NODES];
    struct flying *queue;
    size_t head, count, cap;
    mono_ms now;
    member_set isolated;
    /* NULL: all arrives as it is. False: lost; what it changes is sealed anew by the sender's key. */
    bool (*passes)(struct world *w, member_id from, member_id to, struct msg *m);
    void *owner;                                                        /* of passes */
    unsigned counted[FRAME_TYPE_LIMIT], taken[NODES][FRAME_TYPE_LIMIT]; /* frames sent; frames that reached a node */
    uint64_t req_seq;
    seq_no retain;
};

static struct node_now world_clock(const struct world *w) {
    return (struct node_now){w->now, w->cluster.t0 + w->now};
}

static void queue_put(struct world *w, member_id from, member_id to, struct bytes frame) {
    if (w->count == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 256;
        w->queue = xrealloc(w->queue, w->cap * sizeof *w->queue);
    }
    uint8_t *copy = xrealloc(NULL, frame.len + 1);
    memcpy(copy, frame.data, frame.len);
    w->queue[w->count++] = (struct flying){from, to, bytes_of(copy, frame.len)};
}

static void place_send(void *self, member_id to, struct bytes frame) {
    struct place *p = self;
    struct world *w = p->world;
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    bool cut = set_has(w->isolated, p->id) || set_has(w->isolated, to);
    assert_int_equal(frame_open(&f, frame), ERR_OK);
    if (cut || !w->places[to].node)
        return;
    w->counted[f.type]++;
    if (!w->passes) {
        queue_put(w, p->id, to, frame);
        return;
    }
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    if (w->passes(w, p->id, to, &m)) {
        struct buffer body = {0}, sealed = {0};
        struct seal_context context = {(uint8_t)m.type, w->cluster.id, 0, f.sender};
        codec_encode(&body, &m);
        if (f.sender == p->id)
            frame_seal(&sealed, &context, buffer_bytes(&body), &w->secrets[p->id]);
        else
            buffer_put(&sealed, frame.data, frame.len);
        queue_put(w, p->id, to, buffer_bytes(&sealed));
        buffer_free(&body);
        buffer_free(&sealed);
    }
    arena_free(&arena);
}

static void place_answer(void *self, uint64_t client, struct bytes frame) {
    struct place *p = self;
    (void)client;
    buffer_clear(&p->answer);
    buffer_put(&p->answer, frame.data, frame.len);
}

static void place_trace(void *self, const char *line) {
    struct place *p = self;
    buffer_printf(&p->trace, "%s\n", line);
}

static __attribute__((unused)) bool traced(struct world *w, member_id i, const char *text) {
    return strstr(buffer_cstr(&w->places[i].trace), text) != NULL;
}

/* ---- disks ---- */

static enum error place_commit(void *self, const struct disk_batch *b, bool sync) {
    struct place *p = self;
    bool state = false;
    for (size_t i = 0; i < b->count; i++)
        state |= b->writes[i].family == DISK_STATE;
    p->state_writes += state;
    if (state && p->state_writes == p->fail_at)
        return ERR_IO;
    return sim_disk_door(p->disk).commit(p->disk, b, sync);
}

static enum error place_get(void *self, enum disk_family f, struct bytes key, struct buffer *out) {
    struct place *p = self;
    return sim_disk_door(p->disk).get(p->disk, f, key, out);
}

static enum error place_scan(void *self, enum disk_family f, struct bytes from, struct bytes below,
                             bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    struct place *p = self;
    return sim_disk_door(p->disk).scan(p->disk, f, from, below, visit, context);
}

static enum error place_scan_back(void *self, enum disk_family f, struct bytes below,
                                  bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    struct place *p = self;
    return sim_disk_door(p->disk).scan_back(p->disk, f, below, visit, context);
}

static void *place_snapshot(void *self) {
    struct place *p = self;
    return sim_disk_door(p->disk).snapshot(p->disk);
}

static enum error place_scan_at(void *self, void *snapshot, struct bytes from, struct bytes below,
                                bool (*visit)(void *context, struct bytes key, struct bytes value), void *context) {
    struct place *p = self;
    return sim_disk_door(p->disk).scan_at(p->disk, snapshot, from, below, visit, context);
}

static void place_release(void *self, void *snapshot) {
    struct place *p = self;
    sim_disk_door(p->disk).release(p->disk, snapshot);
}

static __attribute__((unused)) size_t records_of_state(const struct place *p) {
    return p->disk->families[DISK_STATE].count;
}

/* One bit of one record of the state is another one than was written. */
static __attribute__((unused)) void rot(struct place *p, size_t record) {
    struct entry *e = &p->disk->families[DISK_STATE].list[record];
    e->value[e->value_len / 2] ^= 1;
}

/* ---- nodes ---- */

static enum error node_up(struct world *w, member_id i) {
    struct place *p = &w->places[i];
    struct node_world world = {.self = p, .send = place_send, .answer = place_answer, .trace = place_trace};
    struct node_config config = {.cluster = &w->cluster,
                                 .self = i,
                                 .secret = w->secrets[i],
                                 .boot_random = (uint64_t)w->now,
                                 .version = "unit",
                                 .retain = w->retain};
    struct buffer why = {0};
    enum error e = node_open(&p->node, &config, &p->door, &world, world_clock(w), &why);
    if (e == ERR_OK) {
        node_start(p->node, world_clock(w));
        e = node_flush(p->node);
    }
    buffer_free(&why);
    return e;
}

static __attribute__((unused)) void node_down(struct world *w, member_id i) {
    node_free(w->places[i].node);
    w->places[i].node = NULL;
}

static struct node_facts facts_of(struct world *w, member_id i) {
    struct node_facts f = {0};
    node_inspect(w->places[i].node, &f);
    return f;
}

static void enrol_observers(struct world *w) {
    static char *everywhere[] = {"*"}, *only_web[] = {"web*"};
    struct secret_key unused;
    for (uint8_t i = 0; i < OBSERVERS; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {(uint8_t)(KEY_EU + i)};
        struct cluster_observer *o = &w->observers[i];
        *o = (struct cluster_observer){.host_count = 1, .hosts = i ? only_web : everywhere};
        crypto_keypair_from_seed(&o->key, &unused, seed);
        snprintf(o->name, sizeof o->name, "%s", i ? "us" : "eu");
    }
    w->cluster.observer_count = OBSERVERS;
    w->cluster.observers = w->observers;
}

static struct world *world_new(void) {
    struct world *w = xcalloc(1, sizeof *w);
    struct secret_key unused;
    snprintf(w->cluster.name, sizeof w->cluster.name, "world");
    w->cluster.member_count = NODES;
    w->cluster.t0 = 1790000000000;
    w->cluster.knobs = protocol_defaults();
    w->cluster.knobs.checkpoint_interval = 8;
    w->cluster.knobs.window = 16;
    for (uint8_t i = 0; i <= NODES; i++) {
        uint8_t seed[SECRET_SEED_LEN] = {i < NODES ? (uint8_t)(KEY_MEMBER + i) : KEY_ADMIN};
        crypto_keypair_from_seed(i < NODES ? &w->cluster.members[i].key : &w->cluster.operators[0].key,
                                 i < NODES ? &w->secrets[i] : &unused, seed);
    }
    w->cluster.operator_count = w->cluster.operators_needed = 1;
    snprintf(w->cluster.operators[0].name, sizeof w->cluster.operators[0].name, "admin");
    w->cluster.operators[0].roles = OPERATOR_ADMIN;
    enrol_observers(w);
    cluster_set_id(&w->cluster);
    w->keys = cluster_keyring(&w->cluster);
    w->now = 5000;
    for (member_id i = 0; i < NODES; i++) {
        w->admit[i] = (struct admit){.keys = w->keys, .self = i, .window = w->cluster.knobs.window};
        cluster_verifier(&w->admit[i].verifier, &w->cluster);
        w->places[i] = (struct place){.world = w, .id = i, .disk = sim_disk_new()};
        w->places[i].door = (struct disk){&w->places[i], place_get,      place_scan,    place_scan_back,
                                          place_commit,  place_snapshot, place_scan_at, place_release};
    }
    for (member_id i = 0; i < NODES; i++)
        assert_int_equal(node_up(w, i), ERR_OK);
    return w;
}

static void world_free(struct world *w) {
    for (member_id i = 0; i < NODES; i++) {
        node_free(w->places[i].node);
        sim_disk_free(w->places[i].disk);
        buffer_free(&w->places[i].trace);
        buffer_free(&w->places[i].answer);
    }
    for (size_t i = w->head; i < w->count; i++)
        free((void *)(uintptr_t)w->queue[i].frame.data);
    free(w->queue);
    keyring_free(w->keys);
    free(w);
}

/* ---- time ---- */

/* A turn that fails ends the process: the node is gone. */
static void turn_ends(struct world *w, member_id i) {
    if (node_flush(w->places[i].node) != ERR_OK)
        node_down(w, i);
}

static void deliver(struct world *w) {
    for (unsigned budget = 100000; w->head < w->count && budget; budget--) {
        struct flying x = w->queue[w->head++];
        struct admitted *a = NULL;
        if (w->places[x.to].node && admit_peer(&a, &w->admit[x.to], x.frame) == ERR_OK) {
            w->taken[x.to][a->msg.type]++;
            node_receive(w->places[x.to].node, a, world_clock(w));
            turn_ends(w, x.to);
        }
        free((void *)(uintptr_t)x.frame.data);
    }
    w->head = w->count = 0;
}

static void world_run(struct world *w, mono_ms ms) {
    for (mono_ms end = w->now + ms; w->now < end; w->now += STEP_MS) {
        deliver(w);
        for (member_id i = 0; i < NODES; i++)
            if (w->places[i].node && node_deadline(w->places[i].node) <= w->now) {
                node_timeout(w->places[i].node, world_clock(w));
                turn_ends(w, i);
            }
    }
    deliver(w);
}

/* ---- work: parts of configurations that an operator stages; they make the state large ---- */

/* The operator's order reaches whoever is up. */
static void ask_all(struct world *w, struct request r) {
    struct secret_key sk;
    uint8_t seed[SECRET_SEED_LEN] = {KEY_ADMIN};
    struct buffer frame = {0};
    crypto_keypair_from_seed(&r.client, &sk, seed);
    r.req_seq = ++w->req_seq;
    request_seal(&frame, &r, &w->cluster.id, &sk);
    for (member_id i = 0; i < NODES; i++) {
        struct admitted *x;
        if (w->places[i].node && admit_client(&x, &w->admit[i], buffer_bytes(&frame)) == ERR_OK) {
            node_client(w->places[i].node, 1, x, world_clock(w));
            turn_ends(w, i);
        }
    }
    buffer_free(&frame);
}

static void stage(struct world *w, uint8_t whole, uint32_t index, size_t len) {
    struct buffer part = {0};
    memset(buffer_extend(&part, len), whole ^ (int)index, len);
    struct request r = {.kind = OP_BLOB};
    r.blob = (struct op_blob){.whole = {{whole}}, .index = index, .part = buffer_bytes(&part)};
    ask_all(w, r);
    buffer_free(&part);
}

/* So many batches, each with one part of one of three wholes. */
static __attribute__((unused)) void order_batches(struct world *w, unsigned count, size_t len) {
    for (unsigned i = 0; i < count; i++) {
        stage(w, (uint8_t)(1 + i % 3), i / 3 % 300, len);
        world_run(w, 2 * STEP_MS);
    }
}

/* ---- stories of replica 3 ---- */

enum { AWAY = 3 };

/* Replica 3 was away for so many batches, each of which left a record of len bytes. */
static __attribute__((unused)) struct world *far_ahead(unsigned batches, size_t len) {
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 12, len);
    node_down(w, AWAY);
    order_batches(w, batches, len);
    world_run(w, 1500);
    return w;
}

static __attribute__((unused)) bool same_state(struct world *w, member_id a, member_id b) {
    struct node_facts x = facts_of(w, a), y = facts_of(w, b);
    return x.pbft.phase == PHASE_ACTIVE && x.executed == y.executed && digest_equal(&x.log_hash, &y.log_hash) &&
           x.pbft.stable == y.pbft.stable && digest_equal(&x.pbft.stable_root, &y.pbft.stable_root);
}

/* It executes, votes and checkpoints like the others, from then on and after a restart. */
static __attribute__((unused)) void assert_whole(struct world *w, member_id i) {
    assert_true(same_state(w, i, (member_id)((i + 1) % NODES)));
    order_batches(w, 10, 100);
    world_run(w, 3000);
    assert_true(same_state(w, i, (member_id)((i + 1) % NODES)));
    node_down(w, i);
    assert_int_equal(node_up(w, i), ERR_OK);
    world_run(w, 3000);
    assert_true(same_state(w, i, (member_id)((i + 1) % NODES)));
}

static __attribute__((unused)) unsigned lines(struct world *w, member_id i, const char *text) {
    unsigned count = 0;
    for (const char *at = buffer_cstr(&w->places[i].trace); (at = strstr(at, text)); at++)
        count++;
    return count;
}

#endif
