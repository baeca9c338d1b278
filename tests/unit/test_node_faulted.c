/* A whole node whose drill ends at any moment, by kill -9 too: it comes back as an honest member (R13). Its disk keeps
   only what was synced when the lie left. */
#include "tests/unit/node_world.h"

/* ---- a lying primary: replica 0 tells all from `first` on of a NULL batch ---- */

struct drill {
    struct world *world;
    bool owns_up;           /* tells the node, as a filter does */
    member_id first;        /* 1: nobody hears of what its own core proposes */
    unsigned lies, dies_at; /* after that many */
    unsigned withheld;
    struct sim_disk *left; /* what is durable as the last lie leaves */
};

static bool own_up(struct drill *d, const struct msg *m) {
    struct world *w = d->world;
    struct seal_context context = {(uint8_t)m->type, w->cluster.id, 0, 0};
    struct buffer body = {0}, frame = {0};
    codec_encode(&body, m);
    frame_seal(&frame, &context, buffer_bytes(&body), &w->secrets[0]);
    bool may_leave = node_faulted(w->places[0].node, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
    return may_leave;
}

static bool lies_to_some(struct world *w, member_id from, member_id to, struct msg *m) {
    static struct buffer null;
    struct drill *d = w->owner;
    if (from != 0 || to < d->first || m->type != FRAME_PRE_PREPARE || m->pre_prepare.batch.kind == BATCH_NULL)
        return true;
    buffer_clear(&null);
    batch_encode(&null, &(struct batch){.kind = BATCH_NULL});
    m->pre_prepare.batch_bytes = buffer_bytes(&null);
    m->pre_prepare.statement.d = batch_digest(buffer_bytes(&null));
    if (d->owns_up && !own_up(d, m)) {
        d->withheld++;
        return false;
    }
    if (++d->lies == d->dies_at) {
        w->isolated = set_of(0);
        d->left = sim_disk_copy(w->places[0].disk);
    }
    return true;
}

static void start_honestly(struct world *w, struct sim_disk *disk) {
    if (w->places[0].node)
        node_down(w, 0);
    sim_disk_free(w->places[0].disk);
    w->places[0].disk = disk;
    w->passes = NULL;
    w->isolated = 0;
    assert_int_equal(node_up(w, 0), ERR_OK);
    world_run(w, 4000);
}

static struct world *drilled(struct drill *d) {
    struct world *w = world_new();
    d->world = w;
    w->owner = d;
    world_run(w, 1500);
    order_batches(w, 10, 100);
    w->passes = lies_to_some;
    return w;
}

/* NULL: it was replaced before it told so many. */
static struct world *killed_after(unsigned lies, member_id first, bool owns_up) {
    struct drill d = {.owns_up = owns_up, .first = first, .dies_at = lies};
    struct world *w = drilled(&d);
    for (unsigned i = 0; i < 12 && !d.left; i++)
        order_batches(w, 1, 100);
    if (d.left) {
        start_honestly(w, d.left);
        return w;
    }
    world_free(w);
    return NULL;
}

static void a_liar_that_is_killed_comes_back_as_an_honest_member(void **state) {
    (void)state;
    for (member_id first = 1; first <= 2; first++) {
        unsigned lies = 0;
        for (struct world *w; lies < 6 && (w = killed_after(lies + 1, first, true)); lies++) {
            assert_int_equal(lines(w, 0, "AMNESIAC"), 0);
            assert_int_equal(lines(w, 0, "TWIN"), 0);
            assert_whole(w, 0);
            world_free(w);
        }
        assert_true(lies >= 2);
    }
}

static void a_liar_that_kept_its_lies_to_itself_does_not(void **state) {
    (void)state;
    struct world *w = killed_after(3, 1, false);
    assert_int_equal(lines(w, 0, "AMNESIAC"), 1);
    world_free(w);
}

static void a_rolled_back_disk_is_found_out_all_the_same(void **state) {
    (void)state;
    struct drill d = {.owns_up = true, .first = 2};
    struct world *w = drilled(&d);
    order_batches(w, 2, 100);
    assert_true(d.lies > 0);
    struct sim_disk *before = sim_disk_copy(w->places[0].disk);
    w->passes = NULL; /* the drill is over */
    order_batches(w, 6, 100);
    node_down(w, 0); /* before anything is final */
    start_honestly(w, before);
    assert_int_equal(lines(w, 0, "AMNESIAC"), 1);
    assert_int_equal(facts_of(w, 0).pbft.phase, PHASE_LEARNER);
    world_free(w);
}

/* ---- one that stays up ---- */

static void a_liar_that_stays_up_is_no_twin(void **state) {
    (void)state;
    struct drill d = {.owns_up = true, .first = 2};
    struct world *w = drilled(&d);
    order_batches(w, 4, 100);
    world_run(w, 3000);
    assert_true(d.lies > 0);
    w->passes = NULL;
    world_run(w, 1500);
    order_batches(w, 20, 100);
    assert_int_equal(lines(w, 0, "TWIN"), 0);
    assert_whole(w, 0);
    world_free(w);
}

/* ---- a disk that refuses ---- */

static void what_the_disk_refuses_does_not_leave_and_ends_the_process(void **state) {
    (void)state;
    struct drill d = {.owns_up = true, .first = 2};
    struct world *w = drilled(&d);
    struct msg m = {.type = FRAME_COMMIT, .vote = {.v = 0, .n = 30}};
    world_run(w, 20);
    sim_disk_doom(w->places[0].disk, true);
    assert_false(own_up(&d, &m));
    sim_disk_doom(w->places[0].disk, false);
    assert_false(own_up(&d, &m)); /* nothing leaves any more */
    assert_int_equal(node_flush(w->places[0].node), ERR_IO);
    world_free(w);
}

static void what_must_not_be_said_is_told_once(void **state) {
    (void)state;
    struct drill d = {.owns_up = true, .first = 2};
    struct world *w = drilled(&d);
    struct msg status = {.type = FRAME_STATUS, .status = {.boot = 1000, .phase = PHASE_ACTIVE}};
    struct msg vote = {.type = FRAME_COMMIT, .vote = {.v = 0, .n = 30}};
    assert_false(own_up(&d, &status));
    assert_false(own_up(&d, &status));
    assert_int_equal(
        lines(w, 0, "FAULTED: a frame of the drill is withheld: it tells of a boot, a STATUS or a tick that never was"),
        1);
    assert_true(own_up(&d, &vote));
    assert_false(own_up(&d, &status));
    assert_int_equal(lines(w, 0, "FAULTED"), 2);
    vote.vote.n = 1 << 20;
    assert_false(own_up(&d, &vote));
    assert_int_equal(lines(w, 0, "FAULTED: a frame of the drill is withheld: it tells of a place or a view"), 1);
    world_free(w);
}

static bool own_up_tick(struct world *w, member_id who, uint64_t boot, uint64_t counter) {
    struct buffer frame = {0};
    struct request r = {.client = w->cluster.members[who].key, .req_seq = 900, .kind = OP_TICK};
    r.tick = (struct op_tick){boot, counter, w->now, 0, true};
    request_seal(&frame, &r, &w->cluster.id, &w->secrets[0]);
    bool may_leave = node_faulted(w->places[0].node, buffer_bytes(&frame));
    buffer_free(&frame);
    return may_leave;
}

/* Its own ticks would be old for as long as it takes them to get there. */
static void a_tick_long_before_its_time_must_not_be_told(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 3000);
    const struct node *x = w->places[0].node;
    assert_true(own_up_tick(w, 0, x->boot, x->voice.counter + 16));
    assert_false(own_up_tick(w, 0, x->boot, x->voice.counter + 17));
    assert_false(own_up_tick(w, 0, x->boot + 1, 1));
    assert_true(own_up_tick(w, 0, x->boot - 1, 1000)); /* as it was said then */
    assert_true(own_up_tick(w, 1, x->boot, 1000));     /* of somebody else, who will not be believed */
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_liar_that_is_killed_comes_back_as_an_honest_member),
        cmocka_unit_test(a_liar_that_kept_its_lies_to_itself_does_not),
        cmocka_unit_test(a_rolled_back_disk_is_found_out_all_the_same),
        cmocka_unit_test(a_liar_that_stays_up_is_no_twin),
        cmocka_unit_test(what_the_disk_refuses_does_not_leave_and_ends_the_process),
        cmocka_unit_test(what_must_not_be_said_is_told_once),
        cmocka_unit_test(a_tick_long_before_its_time_must_not_be_told),
    };
    crypto_start();
    if (getenv("FILTER"))
        cmocka_set_test_filter(getenv("FILTER"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
