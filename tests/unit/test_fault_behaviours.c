/* Each behaviour changes what it says it changes, and nothing else: a node's frames of every type, what it hears, its
   clock and its disk go through each of them. Whatever leaves bears the liar's own name, and what the liar signed
   itself the host knew before. */
#include "proto/proof.h"
#include "tests/unit/fault_world.h"

#include <sys/wait.h>
#include <unistd.h>

enum { SELF = 0, VIEW = 4 /* which SELF leads */, SEEDS = 12, TYPES = FRAME_ST_DATA + 1 };

/* ---- what a node says: one good frame of each type ---- */

static struct buffer said[TYPES];
static struct buffer before_it; /* another proposal */

static void make(enum frame_type type, struct msg m) {
    struct arena arena = {0};
    m.type = type;
    seal(&said[type], &m, SELF);
    opened(buffer_bytes(&said[type]), &arena);
    arena_free(&arena);
}

static void make_request(struct buffer *out, const struct secret_key *sk, struct request r) {
    buffer_clear(out);
    request_seal(out, &r, &cluster.id, sk);
}

static void make_data(void) {
    static struct buffer request;
    struct observation o = {"web1", "http", 1, 2, "down", "", 1000};
    make_request(
        &request, &secrets[3],
        (struct request){
            .client = cluster.observers[0].key, .req_seq = 5, .kind = OP_OBSERVE, .observe = {.count = 1, .list = &o}});
    struct bytes list[] = {buffer_bytes(&request)};
    make(FRAME_RELAY, (struct msg){.relay = {list[0]}});
    make(FRAME_DATA, (struct msg){.data = {.request_count = 1, .requests = list}});
    buffer_free(&request);
}

static void make_decision(void) {
    struct buffer batch = {0};
    struct msg m = {.decision.count = 3};
    batch_encode(&batch, &(struct batch){.kind = BATCH_NULL});
    m.decision.batch = buffer_bytes(&batch);
    m.decision.statement.n = 3;
    m.decision.statement.d = batch_digest(m.decision.batch);
    for (member_id i = 0; i < 3; i++)
        m.decision.commits[i].member = i;
    make(FRAME_DECISION, m);
    buffer_free(&batch);
}

static struct prepared_entry entry_of(seq_no n) {
    struct prepared_entry e = {.statement = {.v = 0, .n = n, .d = {{(uint8_t)n}}}, .count = 2};
    e.prepares[0].member = 1;
    e.prepares[1].member = 2;
    return e;
}

/* Three VIEW-CHANGEs, the liar's among them, and the NEW-VIEW that follows. */
static void make_view_change(void) {
    struct prepared_entry entries[] = {entry_of(1), entry_of(2)};
    struct msg vcs[3], nv = {.new_view = {.v = VIEW, .vc_count = 3, .vcs = vcs}};
    struct buffer frames[3] = {{0}}, core = {0};
    struct arena arena = {0};
    struct new_view_plan *plan = xcalloc(1, sizeof *plan);
    for (member_id i = 0; i < 3; i++) {
        struct msg m = {.type = FRAME_VIEW_CHANGE, .view_change = {.v = VIEW, .count = 2, .p = entries}};
        seal(&frames[i], &m, i);
        vcs[i] = opened(buffer_bytes(&frames[i]), &arena);
    }
    keep(&said[FRAME_VIEW_CHANGE], buffer_bytes(&frames[0]));
    assert_int_equal(new_view_compute(plan, vcs, 3, cluster.knobs.window), ERR_OK);
    nv.new_view.slot_count = plan->slot_count;
    nv.new_view.slots = plan->slots;
    codec_new_view_core(&core, &nv.new_view);
    nv.new_view.core = buffer_bytes(&core);
    make(FRAME_NEW_VIEW, nv);
    for (unsigned i = 0; i < 3; i++)
        buffer_free(&frames[i]);
    buffer_free(&core);
    arena_free(&arena);
    free(plan);
}

static struct checkpoint_cert certificate_of(seq_no n) {
    struct checkpoint_cert c = {.statement = {.n = n, .t = 5}, .count = 3};
    for (member_id i = 0; i < 3; i++)
        c.sigs[i].member = i;
    return c;
}

static void make_all(void) {
    struct vote vote = {.v = VIEW, .n = 9, .d = {{1}}};
    struct digest digest = {{5}}, mids[ST_LEAVES] = {{{1}}};
    struct recalled statement = {.type = FRAME_PREPARE, .vote = vote};
    proposal(&before_it, 8, 1);
    proposal(&said[FRAME_PRE_PREPARE], 9, 2);
    make(FRAME_PREPARE, (struct msg){.vote = vote});
    make(FRAME_COMMIT, (struct msg){.vote = vote});
    make(FRAME_CHECKPOINT, (struct msg){.checkpoint = {.n = 128, .t = 5}});
    make(FRAME_WISH, (struct msg){.wish = {VIEW + 1, WISH_SILENT}});
    make(FRAME_STATUS, (struct msg){.status = {.boot = 1, .counter = 1, .phase = PHASE_ACTIVE, .executed = 7}});
    make(FRAME_FETCH, (struct msg){.fetch = {1, &digest}});
    make(FRAME_FETCH_DECISION, (struct msg){.fetch_decision = {3, 4}});
    make(FRAME_FETCH_CERT, (struct msg){.fetch_cert = {CERT_CHECKPOINT, 5}});
    make(FRAME_CERT, (struct msg){.cert = {.kind = CERT_CHECKPOINT, .checkpoint = certificate_of(128)}});
    make(FRAME_RECEIPT, (struct msg){.receipt = {{.n = 5, .t = 2000}}});
    make(FRAME_RECALL, (struct msg){.recall = {.boot = 1}});
    make(FRAME_RECALLED, (struct msg){.recalled = {.to = 2, .answer = true, .count = 1, .statements = &statement}});
    make(FRAME_ST_FETCH, (struct msg){.st_fetch = {.kind = ST_META, .n = 5, .nonce = 1}});
    make(FRAME_ST_DATA,
         (struct msg){
             .st_data = {.kind = ST_META, .n = 5, .mids = mids, .cert = certificate_of(5), .to = 2, .nonce = 1}});
    make_data();
    make_decision();
    make_view_change();
}

static void free_all(void) {
    for (unsigned i = 0; i < TYPES; i++)
        buffer_free(&said[i]);
    buffer_free(&before_it);
}

/* ---- what each behaviour may touch ---- */

#define T(type) (1u << FRAME_##type)
enum {
    ALL = -1,
    VOTES = T(PREPARE) | T(COMMIT),
    GIFTS = T(DATA) | T(DECISION) | T(CERT) | T(ST_DATA),
    PROPOSALS = T(PRE_PREPARE),
};
enum hearing { /* what is not heard */
               MEMBERS_FRAMES = 1,
               ONE_MEMBERS_FRAMES = 2,
               RELAYED_0 = 4, /* a request of observer 0 that a member relays */
               RELAYED_TICKS = 8,
               CLIENT_0 = 16, /* a request of observer 0 itself */
               CLIENT_1 = 32,
};
enum own_accord { INVENTS = 1, ANSWERS_FALSELY = 2, CLOCK = 4, SLOWS_DISK = 8, BREAKS_DISK = 16, DAMAGES_STATE = 32 };
static const struct touched {
    const char *name;
    int types;      /* of frames to members */
    unsigned deaf;  /* bits of enum hearing */
    unsigned other; /* bits of enum own_accord */
} all_touched[] = {
    {"silent-primary", ALL, 0, 0},
    {"equivocate", PROPOSALS, 0, 0},
    {"starve-backup", PROPOSALS, 0, 0},
    {"delay-proposals", PROPOSALS, 0, 0},
    {"slow-drip", PROPOSALS, 0, 0},
    {"censor-client", 0, RELAYED_0 | CLIENT_0, 0},
    {"skip-numbers", PROPOSALS, 0, 0},
    {"re-propose", PROPOSALS, 0, 0},
    {"malformed-batches", PROPOSALS, 0, 0},
    {"phantom-requests", PROPOSALS, 0, 0},
    {"censor-ticks", 0, RELAYED_TICKS, 0},
    {"foreign-view", PROPOSALS, 0, 0},
    {"flood-empty", 0, 0, INVENTS},
    {"serve-one-client", 0, CLIENT_1, 0},
    {"relay-past-primary", T(RELAY), 0, 0},
    {"drop-requests", 0, CLIENT_0 | CLIENT_1, 0},
    {"silent", ALL, 0, 0},
    {"double-votes", VOTES, 0, 0},
    {"wrong-votes", VOTES, 0, 0},
    {"prepare-as-primary", PROPOSALS, 0, 0},
    {"wish-storm", 0, 0, INVENTS},
    {"withhold-commits", T(COMMIT), 0, 0},
    {"replay", 0, 0, INVENTS},
    {"flood-garbage", 0, 0, INVENTS},
    {"bad-signatures", 0, 0, INVENTS},
    {"garbled-bodies", ALL, 0, 0},
    {"status-lies", T(STATUS), 0, 0},
    {"forge-relays", T(RELAY), 0, 0},
    {"late-commits", T(COMMIT), 0, 0},
    {"two-ticks", 0, 0, INVENTS},
    {"wild-ticks", 0, 0, INVENTS},
    {"hide-prepared", T(VIEW_CHANGE), 0, 0},
    {"two-view-changes", T(VIEW_CHANGE), 0, 0},
    {"hidden-commit", PROPOSALS | T(COMMIT) | T(VIEW_CHANGE), 0, 0},
    {"bad-certificate", T(VIEW_CHANGE), 0, 0},
    {"count-one-twice", T(NEW_VIEW), 0, 0},
    {"no-new-view", T(NEW_VIEW), 0, 0},
    {"slow-new-view", T(NEW_VIEW), 0, 0},
    {"wrong-new-view", T(NEW_VIEW), 0, 0},
    {"two-new-views", T(NEW_VIEW), 0, 0},
    {"view-change-storm", 0, 0, INVENTS},
    {"wrong-checkpoints", T(CHECKPOINT), 0, 0},
    {"two-checkpoints", T(CHECKPOINT), 0, 0},
    {"poison-transfer", GIFTS, 0, 0},
    {"stall-transfer", GIFTS, 0, 0},
    {"false-targets", T(STATUS), 0, 0},
    {"forget-recall", T(RECALLED), 0, 0},
    {"false-recall", T(RECALLED), 0, 0},
    {"forge-receipts", T(RECEIPT), 0, 0},
    {"false-acks", 0, CLIENT_0 | CLIENT_1, ANSWERS_FALSELY},
    {"forge-alerts", 0, 0, 0},
    {"withhold-alerts", 0, 0, 0},
    {"mute-clients", 0, 0, 0},
    {"isolated", ALL, MEMBERS_FRAMES, 0},
    {"deaf", 0, MEMBERS_FRAMES, 0},
    {"one-way:2", 0, ONE_MEMBERS_FRAMES, 0},
    {"lossy:50", ALL, 0, 0},
    {"duplicate", ALL, 0, 0},
    {"reorder", ALL, 0, 0},
    {"jitter", ALL, 0, 0},
    {"disk-slow:1", 0, 0, SLOWS_DISK},
    {"disk-error", 0, 0, BREAKS_DISK},
    {"disk-rot", 0, 0, DAMAGES_STATE},
    {"clock-offset:-5", 0, 0, CLOCK},
    {"clock-frozen", 0, 0, CLOCK},
    {"clock-drift", 0, 0, CLOCK},
    {"clock-steps", 0, 0, CLOCK},
    /* which strike as soon as they begin: tests of their own */
    {"crash", 0, 0, 0},
    {"pause", 0, 0, 0},
};
enum { ROWS = sizeof all_touched / sizeof *all_touched };

static struct fault *liar_of(const struct touched *t, unsigned seed, struct node_world *w) {
    struct fault *f = honest(SELF, w);
    world.facts.pbft.view = VIEW;
    world.facts.pbft.next = 10;
    fault_now(f, (struct node_now){1000, 100000});
    begin(f, t->name, seed, INT64_MAX);
    return f;
}

/* Told to one member, does it leave once, as it is, and nothing beside it? */
static bool passes(struct node_world *w, member_id to, struct bytes frame) {
    unsigned before = world.sent;
    w->send(w->self, to, frame);
    return world.sent == before + 1 && bytes_equal(buffer_bytes(&world.last), frame);
}

static bool is_touched(const struct touched *t, unsigned type, unsigned seeds) {
    bool touched = false;
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct node_world w;
        struct fault *f = liar_of(t, seed, &w);
        for (member_id to = 1; type == FRAME_PRE_PREPARE && to < MEMBERS; to++)
            w.send(w.self, to, buffer_bytes(&before_it)); /* some speak of what they said */
        for (unsigned i = 0; i < 2 * (MEMBERS - 1); i++) {
            member_id to = (member_id)(1 + i / 2); /* twice each: some begin with the second */
            uint64_t bites = fault_bites(f);
            bool passed = passes(&w, to, buffer_bytes(&said[type]));
            touched |= !passed;
            assert_true(passed || fault_bites(f) > bites);
        }
        fault_free(f);
    }
    return touched;
}

static void every_behaviour_has_its_row(void **state) {
    (void)state;
    for (unsigned i = 0; fault_behaviour(i); i++) {
        const char *name = fault_behaviour(i)->name;
        unsigned rows = 0;
        for (unsigned k = 0; k < ROWS; k++)
            rows +=
                strncmp(all_touched[k].name, name, strlen(name)) == 0 && strchr(":", all_touched[k].name[strlen(name)]);
        if (rows != 1)
            fail_msg("%u rows about %s", rows, name);
    }
}

static void each_touches_the_frames_it_says_and_no_others(void **state) {
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        forget_frames();
        make_all();
        for (unsigned type = FRAME_RELAY; type < TYPES; type++) {
            bool says = (unsigned)all_touched[i].types >> type & 1;
            if (said[type].len && is_touched(&all_touched[i], type, says ? SEEDS : 2) != says)
                fail_msg("%s %s %s", all_touched[i].name, says ? "lets pass" : "touches",
                         frame_type_name((enum frame_type)type));
        }
        if (!world.owned_before)
            fail_msg("%s does not own up before it speaks", all_touched[i].name);
        free_all();
    }
}

/* ---- what comes in ---- */

struct noise {
    enum hearing what;
    bool client;
    member_id sender;
    struct public_key by;
    enum op_kind kind;
};

static bool is_heard(const struct touched *t, const struct noise *n) {
    struct node_world w;
    struct fault *f = liar_of(t, 1, &w);
    struct request r = {.client = n->by, .req_seq = 3, .kind = n->kind};
    struct request *list[] = {&r};
    uint64_t handle = 0;
    struct admitted x = {.msg = {.type = n->client ? FRAME_REQUEST : FRAME_RELAY, .sender = n->sender},
                         .request_count = n->kind != 0,
                         .requests = list};
    if (!n->kind)
        x.msg.type = FRAME_STATUS;
    bool heard = fault_hears(f, n->client ? &handle : NULL, &x);
    assert_int_equal(fault_bites(f) != 0, !heard);
    fault_free(f);
    return heard;
}

static void each_is_deaf_to_what_it_says_and_to_nothing_else(void **state) {
    (void)state;
    const struct noise noises[] = {
        {MEMBERS_FRAMES, false, 1, {{0}}, 0},
        {MEMBERS_FRAMES | ONE_MEMBERS_FRAMES, false, 2, {{0}}, 0},
        {MEMBERS_FRAMES | RELAYED_0, false, 1, cluster.observers[0].key, OP_OBSERVE},
        {MEMBERS_FRAMES, false, 1, cluster.observers[1].key, OP_OBSERVE},
        {MEMBERS_FRAMES | RELAYED_TICKS, false, 1, cluster.members[1].key, OP_TICK},
        {MEMBERS_FRAMES, false, 3, cluster.members[3].key, OP_TICK},
        {CLIENT_0, true, MEMBER_NONE, cluster.observers[0].key, OP_OBSERVE},
        {CLIENT_1, true, MEMBER_NONE, cluster.observers[1].key, OP_OBSERVE},
    };
    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned k = 0; k < sizeof noises / sizeof *noises; k++) {
            forget_frames();
            bool heard = is_heard(&all_touched[i], &noises[k]), says = !(all_touched[i].deaf & noises[k].what);
            if (heard != says)
                fail_msg("%s %s noise %u", all_touched[i].name, heard ? "hears" : "is deaf to", k);
            assert_int_equal(world.answered, !heard && (all_touched[i].other & ANSWERS_FALSELY) != 0);
            assert_true(world.owned_before);
        }
}

/* ---- of its own accord, and the machine ---- */

static void only_some_speak_of_their_own_accord(void **state) {
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        if (!all_touched[i].types && !all_touched[i].deaf && !all_touched[i].other)
            continue; /* of these two one would end this test */
        struct node_world w;
        forget_frames();
        make_all();
        struct fault *f = liar_of(&all_touched[i], 1, &w);
        for (unsigned k = 0; k < 6; k++)
            w.send(w.self, 1, buffer_bytes(&said[FRAME_PREPARE])); /* some speak of what they said */
        fault_turn(f, 1000);
        for (mono_ms now = 100000; now < 101000; now += 10) { /* all that was held back has left */
            unsigned before = now == 100000 ? 0 : world.sent;
            fault_turn(f, now);
            if (world.sent != before && before && !(all_touched[i].other & INVENTS))
                fail_msg("%s says something", all_touched[i].name);
        }
        if (all_touched[i].other & INVENTS)
            assert_true(world.sent > 6 && fault_bites(f) > 0);
        if (!world.owned_before)
            fail_msg("%s does not own up before it speaks", all_touched[i].name);
        free_all();
        fault_free(f);
    }
}

static void a_clock_is_bent_by_clock_faults_only(void **state) {
    (void)state;
    for (unsigned i = 0; i < ROWS; i++) {
        struct node_world w;
        struct fault *f = liar_of(&all_touched[i], 1, &w);
        bool bent = false;
        for (mono_ms now = 1000; now <= 20000; now += 500) {
            struct node_now t = fault_now(f, (struct node_now){now, 99000 + now});
            assert_int_equal(t.mono, now);
            bent |= t.wall != 99000 + now;
        }
        assert_int_equal(bent, (all_touched[i].other & CLOCK) != 0);
        assert_int_equal(fault_bites(f) != 0, bent);
        fault_free(f);
    }
}

static time_ms reads(struct fault *f, mono_ms now) {
    return fault_now(f, (struct node_now){now, 99000 + now}).wall;
}

static void clocks_go_wrong_by_so_much(void **state) {
    (void)state;
    static const struct {
        const char *name;
        time_ms at_2000, at_5000;
    } rows[] = {{"clock-offset:-5000", 96000, 99000},     {"clock-offset:3600000", 3701000, 3704000},
                {"clock-frozen", 100000, 100000},         {"clock-drift:500000", 101500, 106000},
                {"clock-drift:-1000000", 100000, 100000}, {"clock-steps:60000", 41000, 104000},
                {"clock-offset:-31536000000", 0, 0}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node_world w;
        struct fault *f = honest(SELF, &w);
        fault_now(f, (struct node_now){1000, 100000});
        begin(f, rows[i].name, 1, 9000);
        assert_int_equal(reads(f, 2000), rows[i].at_2000);
        assert_int_equal(reads(f, 5000), rows[i].at_5000);
        assert_int_equal(reads(f, 9000), 108000); /* it is over */
        fault_free(f);
    }
}

static struct {
    unsigned commits;
    uint8_t value[3]; /* of the record */
} stored;

static enum error on_commit(void *self, const struct disk_batch *b, bool sync) {
    (void)self, (void)sync;
    stored.commits++;
    memcpy(stored.value, disk_batch_value(b, &b->writes[1]).data, sizeof stored.value);
    assert_true(bytes_equal(disk_batch_value(b, &b->writes[0]), bytes_of_text("request")));
    assert_true(bytes_equal(disk_batch_key(b, &b->writes[1]), bytes_of_text("key")));
    return ERR_OK;
}

static void a_disk_is_struck_by_disk_faults_only(void **state) {
    (void)state;
    struct disk inner = {.commit = on_commit};
    struct disk_batch batch = {0};
    disk_batch_put(&batch, DISK_REQUEST, bytes_of_text("name"), bytes_of_text("request"));
    disk_batch_put(&batch, DISK_STATE, bytes_of_text("key"), bytes_of_text("abc"));
    for (unsigned i = 0; i < ROWS; i++) {
        struct node_world w;
        struct fault *f = liar_of(&all_touched[i], 1, &w);
        struct disk disk = fault_disk(f, &inner);
        bool breaks = all_touched[i].other & BREAKS_DISK, damages = all_touched[i].other & DAMAGES_STATE;
        memset(&stored, 0, sizeof stored);
        assert_int_equal(disk.commit(disk.self, &batch, true), breaks ? ERR_IO : ERR_OK);
        assert_int_equal(stored.commits, !breaks);
        assert_int_equal(fault_bites(f), damages || breaks || (all_touched[i].other & SLOWS_DISK));
        assert_true(breaks || (memcmp(stored.value, "abc", 3) != 0) == damages);
        fault_stop(f);
        assert_int_equal(disk.commit(disk.self, &batch, true), ERR_OK);
        assert_memory_equal(stored.value, "abc", 3);
        fault_free(f);
    }
    disk_batch_free(&batch);
}

static void a_state_rots_once(void **state) {
    (void)state;
    struct node_world w;
    struct disk inner = {.commit = on_commit};
    struct disk_batch batch = {0};
    struct fault *f = traitor("disk-rot", SELF, &w);
    struct disk disk = fault_disk(f, &inner);
    disk_batch_put(&batch, DISK_REQUEST, bytes_of_text("name"), bytes_of_text("request"));
    disk_batch_put(&batch, DISK_STATE, bytes_of_text("key"), bytes_of_text("abc"));
    disk.commit(disk.self, &batch, true);
    assert_memory_not_equal(stored.value, "abc", 3);
    disk.commit(disk.self, &batch, true);
    assert_memory_equal(stored.value, "abc", 3);
    assert_int_equal(fault_bites(f), 1);
    disk_batch_free(&batch);
    fault_free(f);
}

static void a_process_stands_still_once_behind_its_turn(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("pause:1", SELF, &w);
    assert_int_equal(fault_bites(f), 0);
    fault_turn(f, 10);
    fault_turn(f, 20);
    assert_int_equal(fault_bites(f), 1);
    fault_free(f);
}

static void a_process_crashes_behind_its_turn(void **state) {
    (void)state;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct node_world w;
        struct fault *f = traitor("crash", SELF, &w);
        fault_turn(f, 10);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* ---- some of them, closer ---- */

static void two_stories_have_one_place_and_two_digests(void **state) {
    (void)state;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct node_world w;
        struct fault *f = honest(SELF, &w);
        struct buffer frame = {0};
        unsigned told_true = 0;
        begin(f, "equivocate", seed, INT64_MAX);
        proposal(&frame, 9, 1 + seed % 2);
        for (unsigned again = 0; again < 2; again++)
            for (member_id to = 1; to < MEMBERS; to++) {
                struct arena arena = {0};
                w.send(w.self, to, buffer_bytes(&frame));
                struct msg got = decoded(&arena);
                assert_int_equal(got.pre_prepare.statement.n, 9);
                struct digest d = batch_digest(got.pre_prepare.batch_bytes);
                assert_true(digest_equal(&got.pre_prepare.statement.d, &d));
                told_true += bytes_equal(buffer_bytes(&world.last), buffer_bytes(&frame));
                arena_free(&arena);
            }
        assert_true(told_true == 2 || told_true == 4); /* the same to each, both times */
        buffer_free(&frame);
        fault_free(f);
    }
}

static void the_old_comes_again_and_alike_to_all(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("re-propose", SELF, &w);
    struct buffer frame = {0};
    for (seq_no n = 1; n <= 3; n++) {
        struct digest seen[2];
        proposal(&frame, n, 1);
        for (member_id to = 1; to <= 2; to++) {
            struct arena arena = {0};
            w.send(w.self, to, buffer_bytes(&frame));
            struct msg got = decoded(&arena);
            assert_int_equal(got.pre_prepare.batch.count, n); /* all before it too */
            assert_int_equal(got.pre_prepare.batch.refs[0].req_seq, n);
            seen[to - 1] = got.pre_prepare.statement.d;
            arena_free(&arena);
        }
        assert_true(digest_equal(&seen[0], &seen[1]));
    }
    buffer_free(&frame);
    fault_free(f);
}

static void noise_keeps_its_rate(void **state) {
    (void)state;
    static const char *const names[] = {"flood-garbage:500", "wish-storm:500"};
    for (unsigned i = 0; i < 2; i++) {
        struct node_world w;
        struct fault *f = traitor(names[i], 1, &w);
        for (mono_ms now = 1000; now < 2000; now++)
            fault_turn(f, now);
        assert_int_equal(world.sent, (i + 1) * 3 * 500);
        fault_free(f);
    }
}

/* The victim, replica 3, has all that a decision takes of the liar; nobody else sees a COMMIT, and the VIEW-CHANGE
   holds nothing. */
static void a_hidden_commit_is_seen_by_the_victim_alone(void **state) {
    (void)state;
    static const char *const names[] = {"hidden-commit:0", "hidden-commit", "hidden-commit:1"};
    for (unsigned i = 0; i < 3; i++) {
        struct node_world w;
        struct arena arena = {0};
        forget_frames();
        make_all();
        struct fault *f = traitor(names[i], SELF, &w);
        for (member_id to = 1; to < MEMBERS; to++) {
            w.send(w.self, to, buffer_bytes(&said[FRAME_PRE_PREPARE]));
            w.send(w.self, to, buffer_bytes(&said[FRAME_COMMIT]));
        }
        assert_int_equal(world.sent_to[1], i != 0);
        assert_int_equal(world.sent_to[2], 0);
        assert_int_equal(world.sent_to[3], 3); /* one more COMMIT comes with the proposal itself */
        assert_true(bytes_equal(buffer_bytes(&world.first_to[3]), buffer_bytes(&said[FRAME_PRE_PREPARE])));
        w.send(w.self, 1, buffer_bytes(&said[FRAME_VIEW_CHANGE]));
        assert_int_equal(decoded(&arena).view_change.count, 0);
        assert_true(world.owned_before);
        arena_free(&arena);
        free_all();
        fault_free(f);
    }
}

/* Path and own receipt hold, and that is one receipt where a client asks for F = f+1. */
static void a_false_acknowledgement_convinces_nobody_who_counts(void **state) {
    (void)state;
    struct node_world w;
    struct arena arena = {0};
    struct fault *f = traitor("false-acks", 1, &w);
    struct request r = {.client = cluster.observers[0].key, .req_seq = 4, .kind = OP_OBSERVE, .observe.count = 3};
    struct request *list[] = {&r};
    struct admitted x = {.msg.type = FRAME_REQUEST, .request_count = 1, .requests = list};
    uint64_t handle = 0;
    r.digest.b[0] = 77;
    assert_false(fault_hears(f, &handle, &x));
    assert_int_equal(world.answered, 1);
    struct msg m = decoded(&arena);
    assert_int_equal(m.outputs.count, 1);
    struct reply reply;
    const struct output *o = &m.outputs.list[0];
    assert_int_equal(reply_decode(&reply, o->leaf, &arena), ERR_OK);
    assert_int_equal(reply.result, ERR_OK);
    assert_int_equal(reply.accepted, 3);
    assert_true(digest_equal(&reply.request, &r.digest));
    assert_int_equal(o->cert.receipts_len, 1);
    assert_true(receipt_verify(&verifier, &o->cert.body, &o->cert.receipts[0]));
    assert_int_equal(certificate_verify(&verifier, &o->cert, o->leaf, NULL), ERR_TOO_FEW_SIGNATURES);
    assert_int_equal(world.owned_up, 1); /* the receipt */
    arena_free(&arena);
    fault_free(f);
}

static void an_alert_is_withheld_and_all_else_answered(void **state) {
    (void)state;
    struct node_world w;
    struct fault *f = traitor("withhold-alerts", 1, &w);
    struct buffer frame = {0};
    struct msg none = {.type = FRAME_OUTPUTS, .outputs = {.alerts = 3}};
    seal(&frame, &none, 1);
    w.answer(w.self, 1, buffer_bytes(&frame));
    assert_int_equal(world.answered, 0);
    w.answer(w.self, 1, bytes_of_text("something else"));
    assert_int_equal(world.answered, 1);
    buffer_free(&frame);
    fault_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_behaviour_has_its_row),
        TEST(each_touches_the_frames_it_says_and_no_others),
        TEST(each_is_deaf_to_what_it_says_and_to_nothing_else),
        TEST(only_some_speak_of_their_own_accord),
        TEST(a_clock_is_bent_by_clock_faults_only),
        TEST(clocks_go_wrong_by_so_much),
        TEST(a_disk_is_struck_by_disk_faults_only),
        TEST(a_state_rots_once),
        TEST(a_process_stands_still_once_behind_its_turn),
        TEST(a_process_crashes_behind_its_turn),
        TEST(two_stories_have_one_place_and_two_digests),
        TEST(the_old_comes_again_and_alike_to_all),
        TEST(noise_keeps_its_rate),
        TEST(a_hidden_commit_is_seen_by_the_victim_alone),
        TEST(a_false_acknowledgement_convinces_nobody_who_counts),
        TEST(an_alert_is_withheld_and_all_else_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
