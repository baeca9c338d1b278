/* A state fetched from others (R7), with whole nodes: what an honest donor gives is taken, what a liar gives is not. */
#include "tests/unit/node_world.h"

enum { PART = 900 };

/* ---- fetching ---- */

static void whoever_was_away_for_long_fetches_the_state(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 6000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_true(w->taken[AWAY][FRAME_DECISION] < 30); /* of more than 60 */
    assert_whole(w, AWAY);
    world_free(w);
}

static void a_short_gap_is_bridged_by_decisions(void **state) {
    (void)state;
    struct world *w = far_ahead(20, 2000);
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 6000);
    assert_false(traced(w, AWAY, "transfer"));
    assert_int_equal(w->counted[FRAME_ST_FETCH], 0);
    assert_false(traced(w, 0, "image"));
    assert_whole(w, AWAY);
    world_free(w);
}

static void what_the_own_disk_holds_is_not_fetched(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 90, 20000); /* each record is about as large as all the rest */
    node_down(w, AWAY);
    order_batches(w, 60, 10); /* overwrites twenty parts of each whole */
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 6000);
    assert_true(traced(w, AWAY, "transferred n="));
    const char *told = strstr(buffer_cstr(&w->places[AWAY].trace), "laid down: ");
    unsigned fetched = 0, kept = 0;
    assert_non_null(told);
    assert_int_equal(sscanf(told, "laid down: %u pages fetched, %u kept", &fetched, &kept), 2);
    assert_in_range(kept, 1, 90);
    assert_in_range(fetched, 1, 90);
    assert_whole(w, AWAY);
    world_free(w);
}

static void nobody_pays_for_images_that_nobody_wants(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 100);
    for (member_id i = 0; i < AWAY; i++)
        assert_false(traced(w, i, "image"));
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 6000);
    assert_true(traced(w, 0, "image n=") && lines(w, 0, " frozen") <= 2);
    world_run(w, DONOR_IDLE_MS + 1000);
    assert_int_equal(lines(w, 0, " frozen"), lines(w, 0, " let go"));
    world_free(w);
}

static bool no_decisions(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)from, (void)to;
    return m->type != FRAME_DECISION;
}

static void a_primary_that_fetches_asks_to_be_replaced(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    w->isolated = set_of(1);
    order_batches(w, 60, 100);
    world_run(w, 1000);
    w->passes = no_decisions;
    w->isolated = set_of(0); /* view 0 ends, and 1 is far behind */
    order_batches(w, 2, 100);
    world_run(w, 8000);
    assert_true(traced(w, 1, "transferred n="));
    assert_true(traced(w, 1, "wish v=2 PROOF"));
    w->passes = NULL;
    w->isolated = 0;
    world_run(w, 5000);
    assert_whole(w, 1);
    world_free(w);
}

static void a_damaged_primary_asks_to_be_replaced(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    order_batches(w, 12, 100);
    node_down(w, 0);
    rot(&w->places[0], 0);
    assert_int_equal(node_up(w, 0), ERR_OK);
    world_run(w, 300);
    assert_true(traced(w, 0, "REPAIR"));
    assert_true(traced(w, 0, "wish v=1 PROOF"));
    world_run(w, 20000);
    assert_whole(w, 0);
    world_free(w);
}

/* ---- donors that lie, stall or forget ---- */

static bool lie_mids(struct world *w, member_id from, member_id to, struct msg *m) {
    static struct digest mids[ST_LEAVES];
    (void)w, (void)to;
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_META) {
        memcpy(mids, m->st_data.mids, sizeof mids);
        mids[7].b[0] ^= 1;
        m->st_data.mids = mids;
    }
    return m->type != FRAME_DECISION; /* which would be there before the other donors are found */
}

static bool lie_leaves(struct world *w, member_id from, member_id to, struct msg *m) {
    static struct digest leaves[ST_LEAVES];
    (void)w, (void)to;
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_NODE) {
        struct st_node *node = (struct st_node *)(uintptr_t)&m->st_data.nodes[0];
        memcpy(leaves, node->leaves, sizeof leaves);
        leaves[200].b[31] ^= 0x80;
        node->leaves = leaves;
    }
    return true;
}

static bool lie_page(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES) {
        struct bytes part = m->st_data.pages[m->st_data.count - 1].part;
        *(uint8_t *)(uintptr_t)(part.data + part.len - 1) ^= 1;
    }
    return true;
}

static bool lie_shorter_page(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES) {
        struct st_page *page = (struct st_page *)(uintptr_t)&m->st_data.pages[0];
        page->total = (uint32_t)--page->part.len;
    }
    return true;
}

static void a_liar_is_found_out(bool (*lie)(struct world *, member_id, member_id, struct msg *), const char *what) {
    struct world *w = far_ahead(60, 2000);
    w->passes = lie;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 9000);
    assert_true(traced(w, AWAY, "donor 0 banned: "));
    assert_true(traced(w, AWAY, what));
    assert_false(traced(w, AWAY, "donor 1 banned") || traced(w, AWAY, "donor 2 banned"));
    assert_int_equal(lines(w, AWAY, "banned"), 1);
    assert_true(traced(w, AWAY, "transferred n="));
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

static void wrong_mids_ban_their_donor(void **state) {
    (void)state;
    a_liar_is_found_out(lie_mids, "root of mids");
}

static void wrong_leaves_ban_their_donor(void **state) {
    (void)state;
    a_liar_is_found_out(lie_leaves, "mid ");
}

static void a_poisoned_page_bans_its_donor(void **state) {
    (void)state;
    a_liar_is_found_out(lie_page, "page ");
}

static void a_page_that_does_not_decode_bans_its_donor(void **state) {
    (void)state;
    a_liar_is_found_out(lie_shorter_page, "page ");
}

/* As a donor does with a page that is longer than a frame: a part stands alone. */
static bool cut_pages(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)from, (void)to;
    if (m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES) {
        struct st_page *pages = (struct st_page *)(uintptr_t)m->st_data.pages;
        unsigned whole = 0;
        while (whole < m->st_data.count && pages[whole].part.len <= PART)
            whole++;
        if (whole == 0)
            pages[0].part.len = PART;
        m->st_data.count = whole ? whole : 1;
        *(unsigned *)w->owner += whole == 0;
    }
    return m->type != FRAME_DECISION;
}

static void a_long_page_comes_in_parts(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    unsigned cut = 0;
    w->passes = cut_pages;
    w->owner = &cut;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    w->places[AWAY].node->transfer.part_len = PART;
    world_run(w, 9000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_false(traced(w, AWAY, "banned"));
    assert_true(cut > 20);
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

static bool poison_the_rest(struct world *w, member_id from, member_id to, struct msg *m) {
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES && m->st_data.pages[0].offset > 0)
        *(uint8_t *)(uintptr_t)m->st_data.pages[0].part.data ^= 1;
    return cut_pages(w, from, to, m);
}

static void whoever_poisons_a_part_is_banned(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    unsigned cut = 0;
    w->passes = poison_the_rest;
    w->owner = &cut;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    w->places[AWAY].node->transfer.part_len = PART;
    world_run(w, 9000);
    assert_true(traced(w, AWAY, "donor 0 banned: page "));
    assert_int_equal(lines(w, AWAY, "banned"), 1);
    assert_true(traced(w, AWAY, "transferred n="));
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

/* One page every 1.9 s from one donor: the others are not held up by it. */
static bool drip(struct world *w, member_id from, member_id to, struct msg *m) {
    mono_ms *last = w->owner;
    (void)to;
    if (from != 0 || m->type != FRAME_ST_DATA || m->st_data.kind == ST_META)
        return m->type != FRAME_DECISION;
    if (w->now - *last < TRANSFER_ASK_MS - 100)
        return false;
    *last = w->now;
    m->st_data.count = 1;
    return true;
}

static void a_donor_that_drips_holds_nobody_up(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    mono_ms last = 0;
    w->passes = drip;
    w->owner = &last;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 5000);
    assert_true(traced(w, AWAY, "transferred n="));
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

/* Two of three lie, each in its own way: the third is enough. */
static bool lie_two(struct world *w, member_id from, member_id to, struct msg *m) {
    if (from == 1 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES) {
        struct bytes part = m->st_data.pages[0].part;
        *(uint8_t *)(uintptr_t)(part.data + part.len - 1) ^= 1;
    }
    return lie_leaves(w, from, to, m);
}

static void one_honest_donor_suffices(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    w->passes = lie_two;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 9000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_false(traced(w, AWAY, "donor 2 banned"));
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

static bool stall(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    return from == 2 || m->type != FRAME_ST_DATA || m->st_data.kind == ST_META;
}

static void a_donor_that_stalls_is_passed_over(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    w->passes = stall;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 9000);
    assert_true(traced(w, AWAY, "transferred n="));
    assert_false(traced(w, AWAY, "banned"));
    assert_whole(w, AWAY);
    world_free(w);
}

/* Donors 0 and 1 die after their first answers; 2 has forgotten its image. */
static bool vanish(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    if (m->type != FRAME_ST_DATA || m->st_data.kind != ST_PAGES || *(bool *)w->owner)
        return true;
    m->st_data = (struct msg_st_data){.kind = ST_REFUSED, .to = m->st_data.to, .nonce = m->st_data.nonce};
    return from != 0;
}

static void a_target_that_vanishes_is_given_up_for_another(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 2000);
    bool healed = false;
    w->passes = vanish;
    w->owner = &healed;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 8000);
    assert_true(traced(w, AWAY, "given up: no donor is left"));
    healed = true;
    world_run(w, 8000);
    assert_whole(w, AWAY);
    world_free(w);
}

/* No member gives images at all: decisions lead there too. */
static bool no_images(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)from, (void)to;
    return m->type != FRAME_ST_DATA;
}

static void without_donors_decisions_lead_there(void **state) {
    (void)state;
    struct world *w = far_ahead(60, 100);
    w->passes = no_images;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    world_run(w, 15000);
    assert_false(traced(w, AWAY, "transferred"));
    assert_whole(w, AWAY);
    world_free(w);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_was_away_for_long_fetches_the_state),
        cmocka_unit_test(a_short_gap_is_bridged_by_decisions),
        cmocka_unit_test(what_the_own_disk_holds_is_not_fetched),
        cmocka_unit_test(nobody_pays_for_images_that_nobody_wants),
        cmocka_unit_test(a_primary_that_fetches_asks_to_be_replaced),
        cmocka_unit_test(a_damaged_primary_asks_to_be_replaced),
        cmocka_unit_test(wrong_mids_ban_their_donor),
        cmocka_unit_test(wrong_leaves_ban_their_donor),
        cmocka_unit_test(a_poisoned_page_bans_its_donor),
        cmocka_unit_test(a_page_that_does_not_decode_bans_its_donor),
        cmocka_unit_test(a_long_page_comes_in_parts),
        cmocka_unit_test(whoever_poisons_a_part_is_banned),
        cmocka_unit_test(a_donor_that_drips_holds_nobody_up),
        cmocka_unit_test(one_honest_donor_suffices),
        cmocka_unit_test(a_donor_that_stalls_is_passed_over),
        cmocka_unit_test(a_target_that_vanishes_is_given_up_for_another),
        cmocka_unit_test(without_donors_decisions_lead_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
