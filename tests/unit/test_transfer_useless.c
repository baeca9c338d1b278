/* Donors that lie about nothing and give nothing (R7): useless answers, words said to another or before, crumbs, pages
   without end, and members that would keep all images for themselves. */
#include "tests/unit/node_world.h"

enum { PART = 900 };

static bool is_pages(const struct msg *m) {
    return m->type == FRAME_ST_DATA && m->st_data.kind == ST_PAGES;
}

static void say(struct world *w, member_id from, member_id to, const struct msg *m) {
    struct buffer body = {0}, sealed = {0};
    struct seal_context context = {(uint8_t)m->type, w->cluster.id, 0, from};
    codec_encode(&body, m);
    frame_seal(&sealed, &context, buffer_bytes(&body), &w->secrets[from]);
    queue_put(w, from, to, buffer_bytes(&sealed));
    buffer_free(&body);
    buffer_free(&sealed);
}

static struct world *fetching(bool (*passes)(struct world *, member_id, member_id, struct msg *), void *owner,
                              mono_ms ms) {
    struct world *w = far_ahead(60, 2000);
    w->passes = passes;
    w->owner = owner;
    assert_int_equal(node_up(w, AWAY), ERR_OK);
    w->places[AWAY].node->transfer.part_len = PART;
    world_run(w, ms);
    return w;
}

static void assert_fetched(struct world *w) {
    assert_true(traced(w, AWAY, "transferred n="));
    assert_false(traced(w, AWAY, "banned"));
    w->passes = NULL;
    assert_whole(w, AWAY);
    world_free(w);
}

/* ---- useless answers ---- */

/* A page that nobody asked for, quickly. */
static bool another_page(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    if (from == 0 && is_pages(m)) {
        struct st_page *page = (struct st_page *)(uintptr_t)&m->st_data.pages[0];
        page->bucket = page->bucket < 0x8000 ? 0xffff : 0;
        m->st_data.count = 1;
    }
    return m->type != FRAME_DECISION;
}

static bool another_mid(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)w, (void)to;
    if (from == 0 && m->type == FRAME_ST_DATA && m->st_data.kind == ST_NODE) {
        struct st_node *node = (struct st_node *)(uintptr_t)&m->st_data.nodes[0];
        node->mid = node->mid < 128 ? 255 : 0;
        m->st_data.count = 1;
    }
    return m->type != FRAME_DECISION;
}

static void pages_that_nobody_asked_for_hold_nobody_up(void **state) {
    (void)state;
    struct world *w = fetching(another_page, NULL, 5000);
    assert_fetched(w);
}

static void mids_that_nobody_asked_for_hold_nobody_up(void **state) {
    (void)state;
    assert_fetched(fetching(another_mid, NULL, 9000));
}

/* ---- words said to another, or before ---- */

static bool refusals_played_again(struct world *w, member_id from, member_id to, struct msg *m) {
    if (m->type == FRAME_ST_DATA && m->st_data.kind != ST_META && to == AWAY) {
        struct msg old = {.type = FRAME_ST_DATA, .sender = from};
        old.st_data = (struct msg_st_data){.kind = ST_REFUSED, .to = AWAY, .nonce = m->st_data.nonce - 1};
        say(w, from, to, &old);
        old.st_data.to = (member_id)(from ^ 1);
        old.st_data.nonce = m->st_data.nonce;
        say(w, from, to, &old);
    }
    return m->type != FRAME_DECISION;
}

static void a_refusal_counts_once_and_for_its_asker_alone(void **state) {
    (void)state;
    struct world *w = fetching(refusals_played_again, NULL, 6000);
    assert_false(traced(w, AWAY, "failed"));
    assert_fetched(w);
}

/* ---- crumbs, and pages without end ---- */

static bool crumbs(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)to;
    if (from == 0 && is_pages(m)) {
        m->st_data.count = 1;
        ((struct st_page *)(uintptr_t)m->st_data.pages)[0].part.len = 1;
        *(unsigned *)w->owner += m->st_data.pages[0].offset > 0;
    }
    return m->type != FRAME_DECISION;
}

static void parts_of_one_byte_are_no_parts(void **state) {
    (void)state;
    unsigned rests = 0;
    struct world *w = fetching(crumbs, &rests, 5000);
    assert_int_equal(rests, 0); /* were asked for */
    assert_fetched(w);
}

/* Donor 0 alone gives anything, and its page goes on and on: what was asked for of pages is the owner. */
static bool keeps_questions(struct world *w, member_id from, member_id to, struct msg *m) {
    if (m->type == FRAME_ST_FETCH && to == 0 && m->st_fetch.kind == ST_PAGES) {
        struct msg *asked = w->owner;
        static uint16_t bucket;
        bucket = m->st_fetch.indices[0];
        asked->st_fetch = m->st_fetch;
        asked->st_fetch.indices = &bucket;
        return false;
    }
    return m->type != FRAME_DECISION && (m->type != FRAME_ST_DATA || from == 0);
}

static void give_part(struct world *w, const struct msg_st_fetch *asked) {
    static uint8_t bytes[PART];
    struct st_page page = {asked->indices[0], ST_PAGE_MAX, asked->offset, bytes_of(bytes, PART)};
    struct msg m = {.type = FRAME_ST_DATA, .sender = 0};
    m.st_data = (struct msg_st_data){.kind = ST_PAGES, .n = asked->n, .count = 1, .pages = &page};
    m.st_data.to = AWAY;
    m.st_data.nonce = asked->nonce;
    say(w, 0, AWAY, &m);
}

static void a_page_without_end_is_given_up(void **state) {
    (void)state;
    struct msg asked = {0};
    struct world *w = fetching(keeps_questions, &asked, 1500);
    for (unsigned s = 0; s < TRANSFER_PARTS_MAX + TRANSFER_STALL_MS / 1000 + 5; s++) {
        assert_true(asked.st_fetch.count > 0);
        give_part(w, &asked.st_fetch);
        world_run(w, 1000);
    }
    assert_true(traced(w, AWAY, "given up: "));
    w->passes = NULL;
    world_run(w, 20000);
    assert_whole(w, AWAY); /* by another state or by decisions */
    world_free(w);
}

/* Donor 0 is fast with its offer and alone with it, and then gives one page in three seconds: never late, never wrong.
 */
struct drip {
    mono_ms last;
    bool others; /* offer, too */
};

static bool drips(struct world *w, member_id from, member_id to, struct msg *m) {
    (void)to;
    struct drip *d = w->owner;
    if (m->type == FRAME_DECISION || (m->type == FRAME_ST_DATA && from != 0 && !d->others))
        return false;
    if (from != 0 || !is_pages(m))
        return true;
    if (w->now - d->last < 3000)
        return false;
    d->last = w->now;
    m->st_data.count = 1;
    return true;
}

static void a_lone_donor_that_drips_is_given_up(void **state) {
    (void)state;
    struct drip d = {0};
    struct world *w = fetching(drips, &d, 2 * TRANSFER_STALL_MS);
    assert_true(traced(w, AWAY, "given up: too little came for long"));
    d.others = true;
    world_run(w, 20000);
    assert_fetched(w);
}

/* ---- images ---- */

static void ask_image(struct world *w, member_id from, enum st_kind kind, seq_no n) {
    static uint64_t nonce;
    static const uint16_t mid;
    struct msg m = {.type = FRAME_ST_FETCH, .sender = from};
    m.st_fetch = (struct msg_st_fetch){.kind = kind, .n = n, .nonce = ++nonce};
    if (kind == ST_NODE) {
        m.st_fetch.count = 1;
        m.st_fetch.indices = &mid;
    }
    say(w, from, 0, &m);
    world_run(w, STEP_MS);
}

static bool has_image(struct world *w, seq_no n) {
    for (unsigned i = 0; i < DONOR_IMAGES; i++)
        if (w->places[0].node->donor.images[i].cert.statement.n == n)
            return true;
    return false;
}

/* Wished by that member, at a newer checkpoint than any before; 0 when it gets none. */
static seq_no new_image(struct world *w, member_id by) {
    order_batches(w, 20, 100);
    world_run(w, 500);
    seq_no newest = facts_of(w, 0).pbft.stable;
    ask_image(w, by, ST_META, newest);
    return has_image(w, newest) ? newest : 0;
}

/* All buckets of the image that hold anything, as many as one question may name. */
static unsigned buckets_of(const struct donor_image *image, uint16_t *out) {
    unsigned count = 0;
    for (unsigned b = 0; b < STATE_BUCKETS && count < ST_PAGES_MAX; b++)
        if (!digest_is_zero(&image->leaves[b]))
            out[count++] = (uint16_t)b;
    return count;
}

static void a_donor_pays_for_what_it_reads(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 60000);
    struct donor *d = &w->places[0].node->donor;
    for (unsigned s = 0; s < 60 && d->images[0].cert.statement.n == 0; s++, world_run(w, 1000))
        ask_image(w, 1, ST_META, 1);
    assert_true(d->images[0].cert.statement.n > 0);
    uint16_t buckets[ST_PAGES_MAX];
    struct msg m = {.type = FRAME_ST_FETCH, .sender = 1};
    m.st_fetch = (struct msg_st_fetch){.kind = ST_PAGES, .n = d->images[0].cert.statement.n, .nonce = 1 << 20};
    m.st_fetch.count = buckets_of(&d->images[0], buckets);
    m.st_fetch.indices = buckets;
    assert_true(m.st_fetch.count > 4);
    world_run(w, 1000); /* another interval */
    say(w, 1, 0, &m);
    size_t before = d->spent;
    for (unsigned i = 0; i < 100 && d->spent <= before; i++)
        world_run(w, STEP_MS);
    assert_true(d->spent >= (m.st_fetch.count + 1) * DONOR_WORK);
    world_free(w);
}

static void one_member_does_not_keep_all_images(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    seq_no first = new_image(w, 1), second = new_image(w, 1);
    assert_true(first > 0 && second > first);
    ask_image(w, 1, ST_NODE, first);
    ask_image(w, 1, ST_NODE, second);
    seq_no third = new_image(w, 2);
    assert_true(third > second);
    assert_true(has_image(w, second) && !has_image(w, first));
    seq_no fourth = new_image(w, 1); /* its wish costs nobody but itself */
    assert_true(fourth > third);
    assert_true(has_image(w, third) && !has_image(w, second));
    world_free(w);
}

static void an_image_of_one_user_gives_way_in_time(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    seq_no first = new_image(w, 1), second = new_image(w, 2);
    assert_true(first > 0 && second > first);
    assert_int_equal(new_image(w, 3), 0);
    for (unsigned i = 0; i < DONOR_ALONE_MS / 10000; i++) {
        ask_image(w, 1, ST_NODE, first);
        ask_image(w, 2, ST_NODE, second);
        world_run(w, 10000);
    }
    assert_true(new_image(w, 3) > second);
    assert_true(has_image(w, second) && !has_image(w, first));
    world_free(w);
}

static void questions_played_again_are_not_answered(void **state) {
    (void)state;
    struct world *w = world_new();
    world_run(w, 1500);
    struct msg m = {.type = FRAME_ST_FETCH, .sender = 1, .st_fetch = {.kind = ST_META, .n = 1, .nonce = 1000}};
    for (unsigned i = 0; i < 5; i++, m.st_fetch.nonce -= i % 2) {
        say(w, 1, 0, &m);
        world_run(w, 100);
    }
    assert_int_equal(w->counted[FRAME_ST_DATA], 1);
    world_free(w);
}

/* ---- pages ---- */

static void a_page_of_too_many_records_is_refused(void **state) {
    (void)state;
    struct buffer page = {0};
    struct digest leaf;
    for (unsigned i = 0; i <= STATE_PAGE_RECORDS_MAX; i++) {
        uint8_t key[] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
        if (i == STATE_PAGE_RECORDS_MAX)
            assert_int_equal(state_page_leaf(buffer_bytes(&page), &leaf), ERR_OK);
        st_page_put(&page, bytes_of(key, sizeof key), bytes_of(key, 0));
    }
    assert_int_equal(state_page_leaf(buffer_bytes(&page), &leaf), ERR_TOO_MANY);
    assert_true(digest_is_zero(&leaf));
    buffer_free(&page);
}

int main(void) {
    crypto_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_nobody_asked_for_hold_nobody_up),
        cmocka_unit_test(mids_that_nobody_asked_for_hold_nobody_up),
        cmocka_unit_test(a_refusal_counts_once_and_for_its_asker_alone),
        cmocka_unit_test(parts_of_one_byte_are_no_parts),
        cmocka_unit_test(a_page_without_end_is_given_up),
        cmocka_unit_test(a_lone_donor_that_drips_is_given_up),
        cmocka_unit_test(a_donor_pays_for_what_it_reads),
        cmocka_unit_test(one_member_does_not_keep_all_images),
        cmocka_unit_test(an_image_of_one_user_gives_way_in_time),
        cmocka_unit_test(questions_played_again_are_not_answered),
        cmocka_unit_test(a_page_of_too_many_records_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
