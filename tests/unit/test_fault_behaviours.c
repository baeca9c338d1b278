/* Each behaviour changes what it says it changes, and nothing else: a node's frames of every type, what it hears, its
   clock and its disk go through each of them. Whatever leaves bears the liar's own name, and what the liar signed
   itself the host knew before. */
#include "tests/unit/fault_words.h"

enum { SEEDS = 12 };

/* ---- what each behaviour may touch ---- */

#define T(type) (1u << FRAME_##type)
enum {
    ALL = -1,
    VOTES = T(PREPARE) | T(COMMIT),
    GIFTS = T(DATA) | T(DECISION) | T(ST_DATA),
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
    {"flood-empty", PROPOSALS, 0, INVENTS},
    {"serve-one-client", 0, CLIENT_1, 0},
    {"relay-past-primary", T(RELAY), 0, 0},
    {"drop-requests", 0, CLIENT_0 | CLIENT_1, 0},
    {"silent", ALL, 0, 0},
    {"double-votes", VOTES, 0, 0},
    {"wrong-votes", VOTES | T(DECISION), 0, 0},
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
    {"drop-image", T(ST_DATA), 0, 0},
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
        {MEMBERS_FRAMES | RELAYED_TICKS, false, 3, cluster.members[3].key, OP_TICK},
        {MEMBERS_FRAMES, false, 3, cluster.members[SELF].key, OP_TICK},
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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_behaviour_has_its_row),
        TEST(each_touches_the_frames_it_says_and_no_others),
        TEST(each_is_deaf_to_what_it_says_and_to_nothing_else),
        TEST(only_some_speak_of_their_own_accord),
        TEST(a_clock_is_bent_by_clock_faults_only),
        TEST(a_disk_is_struck_by_disk_faults_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
