/* Between network and core everything is bounded: inbox, outbox and client handles. */
#include "base/clock.h"
#include "replica/handles.h"
#include "replica/outbox.h"
#include "replica/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants the headers above before its own. */
// clang-format off
#include <cmocka.h>
// clang-format on

/* ---- inbox ---- */

static const struct inbox_limits three = {3, 1000};

static struct admitted *frame_from(member_id sender, size_t len) {
    struct admitted *x = xcalloc(1, sizeof *x);
    x->msg.sender = sender;
    buffer_extend(&x->raw, len);
    return x;
}

static void a_full_channel_drops_and_leaves_the_others_alone(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    for (unsigned i = 0; i < 3; i++)
        assert_true(inbox_put_peer(q, 1, frame_from(1, 10)));
    assert_false(inbox_has_room(q, 1, RANK_BULK));
    assert_false(inbox_put_peer(q, 1, frame_from(1, 10)));
    assert_true(inbox_put_peer(q, 2, frame_from(2, 10)));
    assert_true(inbox_put_client(q, 7, frame_from(MEMBER_NONE, 10)));
    struct inbox_counters c;
    inbox_count(q, &c);
    assert_int_equal(c.peer_dropped, 2);
    assert_int_equal(c.waiting, 5);
    inbox_free(q);
}

static void bytes_bound_a_channel_as_frames_do(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    assert_true(inbox_put_peer(q, 0, frame_from(0, 999)));
    assert_true(inbox_put_peer(q, 0, frame_from(0, 1)));
    assert_false(inbox_put_peer(q, 0, frame_from(0, 1)));
    struct inbox_item item;
    assert_int_equal(inbox_take(q, &item, 1), 1);
    admitted_free(item.frame);
    assert_true(inbox_put_peer(q, 0, frame_from(0, 999)));
    inbox_free(q);
}

static struct admitted *typed(struct admitted *x, enum frame_type type) {
    x->msg.type = type;
    return x;
}

static enum frame_type type_taken(struct inbox *q) {
    struct inbox_item item;
    if (inbox_take(q, &item, 1) == 0)
        return 0;
    enum frame_type type = item.frame->msg.type;
    admitted_free(item.frame);
    return type;
}

static void the_most_urgent_of_a_channel_is_taken_first_and_makes_room(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_DECISION));
    inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_COMMIT));
    inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_DECISION));
    assert_false(inbox_has_room(q, 1, RANK_BULK));
    assert_true(inbox_has_room(q, 1, RANK_VIEW));
    assert_true(inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_STATUS)));
    assert_true(inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_WISH)));
    assert_false(inbox_put_peer(q, 1, typed(frame_from(1, 10), FRAME_COMMIT))); /* only what is less urgent gives way */
    assert_false(inbox_put_peer(q, 1, typed(frame_from(1, 2000), FRAME_STATUS)));
    assert_int_equal(type_taken(q), FRAME_STATUS);
    assert_int_equal(type_taken(q), FRAME_WISH);
    assert_int_equal(type_taken(q), FRAME_COMMIT);
    assert_int_equal(type_taken(q), 0);
    struct inbox_counters c;
    inbox_count(q, &c);
    assert_int_equal(c.peer_dropped, 5);
    assert_int_equal(c.waiting, 0);
    inbox_free(q);
}

/* What 1 sends is a hundred times as long as what 2 sends: by the byte, 2 is served a hundred times as often. */
static void channels_are_served_in_turn_by_the_byte(void **state) {
    (void)state;
    static const struct inbox_limits wide = {1000, 100 << 20};
    struct inbox *q = inbox_new(wide, wide);
    for (unsigned i = 0; i < 20; i++)
        inbox_put_peer(q, 1, frame_from(1, 100000));
    for (unsigned i = 0; i < 200; i++)
        inbox_put_peer(q, 2, frame_from(2, 1000));
    inbox_put_client(q, 5, frame_from(MEMBER_NONE, 1));
    struct inbox_item items[203];
    unsigned first_200_of_1 = 0, client_at = 0;
    assert_int_equal(inbox_take(q, items, 203), 203);
    for (unsigned i = 0; i < 203; i++) {
        first_200_of_1 += i < 200 && items[i].frame->msg.sender == 1;
        client_at = items[i].kind == INBOX_CLIENT ? i : client_at;
        admitted_free(items[i].frame);
    }
    assert_in_range(first_200_of_1, 1, 4);
    assert_in_range(client_at, 0, 10);
    inbox_free(q);
}

static void clients_of_another_share_have_a_channel_of_their_own(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    uint64_t other = HANDLES_MAX + 1;
    for (unsigned i = 0; i < 5; i++)
        inbox_put_client(q, i, frame_from(MEMBER_NONE, 1));
    assert_int_not_equal(handle_share(other), handle_share(1));
    assert_false(inbox_has_room_for_client(q, 1));
    assert_true(inbox_has_room_for_client(q, other));
    assert_true(inbox_put_client(q, other, frame_from(MEMBER_NONE, 1)));
    inbox_free(q);
}

static void word_of_a_gone_client_comes_behind_its_request_even_when_full(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    for (unsigned i = 0; i < 3; i++)
        assert_true(inbox_put_client(q, i, frame_from(MEMBER_NONE, 1)));
    assert_false(inbox_put_client(q, 3, frame_from(MEMBER_NONE, 1)));
    inbox_put_gone(q, 0);
    struct inbox_item items[8];
    assert_int_equal(inbox_take(q, items, 8), 4);
    assert_int_equal(items[3].kind, INBOX_CLIENT_GONE);
    assert_int_equal(items[3].client, 0);
    assert_null(items[3].frame);
    for (unsigned i = 0; i < 1000; i++)
        inbox_put_gone(q, i); /* more than anybody has room for: dropped */
    for (unsigned i = 0; i < 4; i++)
        admitted_free(items[i].frame);
    inbox_free(q);
}

static void waiting_ends_at_once_when_something_is_there(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    mono_ms start = clock_mono();
    inbox_put_peer(q, 0, frame_from(0, 1));
    inbox_wait(q, 60000);
    struct inbox_item item;
    assert_int_equal(inbox_take(q, &item, 1), 1);
    admitted_free(item.frame);
    inbox_wake(q);
    inbox_wait(q, 60000);
    inbox_wait(q, 0);
    inbox_wait(q, -5);
    assert_true(clock_mono() - start < 30000);
    inbox_free(q);
}

/* ---- outbox ---- */

static struct buffer joined;

static void join(void *context, struct bytes frame) {
    (void)context;
    buffer_put(&joined, frame.data, frame.len);
    buffer_u8(&joined, '|');
}

static enum error split(struct bytes message) {
    buffer_clear(&joined);
    return outbox_split(message, join, NULL);
}

static const char *take(struct outbox *o) {
    size_t len = outbox_next(o);
    uint8_t *message = xcalloc(len + 1, 1);
    outbox_take(o, message, len);
    assert_int_equal(split(bytes_of(message, len)), ERR_OK);
    free(message);
    return buffer_cstr(&joined);
}

static int free_joined(void **state) {
    (void)state;
    buffer_free(&joined);
    return 0;
}

static void what_waits_travels_in_one_message(void **state) {
    (void)state;
    struct outbox o = {.count_max = 10, .bytes_max = 1000};
    assert_int_equal(outbox_next(&o), 0);
    outbox_put(&o, RANK_RELAY, bytes_of_text("one"));
    outbox_put(&o, RANK_RELAY, bytes_of_text("two"));
    outbox_put(&o, RANK_RELAY, bytes_of_text("three"));
    assert_string_equal(take(&o), "one|two|three|");
    assert_int_equal(outbox_next(&o), 0);
    assert_int_equal(o.count + o.bytes, 0);
    outbox_free(&o);
}

static void a_full_outbox_drops_its_oldest(void **state) {
    (void)state;
    struct outbox o = {.count_max = 2, .bytes_max = 1000};
    outbox_put(&o, RANK_RELAY, bytes_of_text("old"));
    outbox_put(&o, RANK_RELAY, bytes_of_text("mid"));
    outbox_put(&o, RANK_RELAY, bytes_of_text("new"));
    assert_int_equal(o.dropped, 1);
    assert_string_equal(take(&o), "mid|new|");
    o.bytes_max = 20;
    outbox_put(&o, RANK_RELAY, bytes_of_text("12345678"));
    outbox_put(&o, RANK_RELAY, bytes_of_text("abcdefgh"));
    assert_string_equal(take(&o), "abcdefgh|");
    outbox_put(&o, RANK_RELAY, bytes_of_text("longer than everything allowed"));
    assert_int_equal(o.count, 1);
    outbox_free(&o);
}

static void the_most_urgent_leaves_first_and_is_dropped_last(void **state) {
    (void)state;
    struct outbox o = {.count_max = 3, .bytes_max = 1000};
    outbox_put(&o, RANK_BULK, bytes_of_text("bulk"));
    outbox_put(&o, RANK_PREPARE, bytes_of_text("prepare"));
    outbox_put(&o, RANK_VIEW, bytes_of_text("status"));
    assert_string_equal(take(&o), "status|prepare|bulk|");
    outbox_put(&o, RANK_BULK, bytes_of_text("bulk"));
    outbox_put(&o, RANK_PREPARE, bytes_of_text("prepare"));
    outbox_put(&o, RANK_COMMIT, bytes_of_text("commit"));
    outbox_put(&o, RANK_VIEW, bytes_of_text("status"));
    outbox_put(&o, RANK_BULK, bytes_of_text("more bulk"));
    assert_int_equal(o.dropped, 2);
    assert_string_equal(take(&o), "status|commit|prepare|");
    outbox_free(&o);
}

static void a_message_ends_at_its_cap_but_one_long_frame_goes(void **state) {
    (void)state;
    struct outbox o = {.count_max = 10, .bytes_max = 16 << 20};
    uint8_t *big = xcalloc(1, 3 << 20);
    outbox_put(&o, RANK_RELAY, bytes_of(big, 700 << 10));
    outbox_put(&o, RANK_RELAY, bytes_of(big, 700 << 10));
    outbox_put(&o, RANK_RELAY, bytes_of(big, 3 << 20));
    assert_int_equal(outbox_next(&o), OUTBOX_PREFIX + (700 << 10));
    take(&o);
    take(&o);
    assert_int_equal(outbox_next(&o), OUTBOX_PREFIX + (3 << 20));
    outbox_free(&o);
    free(big);
}

static void a_list_that_is_not_well_formed_is_refused_whole(void **state) {
    (void)state;
    struct buffer m = {0};
    assert_int_equal(split(buffer_bytes(&m)), ERR_MALFORMED);
    buffer_block(&m, bytes_of_text("good"));
    buffer_u32(&m, 5);
    buffer_put(&m, "four", 4);
    assert_int_equal(split(buffer_bytes(&m)), ERR_TRUNCATED);
    assert_int_equal(joined.len, 0);
    buffer_clear(&m);
    buffer_u32(&m, 0xffffffff);
    assert_int_equal(split(buffer_bytes(&m)), ERR_TRUNCATED);
    buffer_clear(&m);
    buffer_u16(&m, 0);
    assert_int_equal(split(buffer_bytes(&m)), ERR_TRUNCATED);
    buffer_clear(&m);
    for (unsigned i = 0; i < OUTBOX_FRAMES_MAX; i++)
        buffer_u32(&m, 0);
    assert_int_equal(split(buffer_bytes(&m)), ERR_OK);
    buffer_u32(&m, 0);
    assert_int_equal(split(buffer_bytes(&m)), ERR_TOO_MANY);
    assert_int_equal(joined.len, 0);
    buffer_free(&m);
}

/* ---- handles ---- */

static uint64_t add(struct handles *h, uint32_t pipe, const char *header) {
    struct handle_way way = {.len = strlen(header)};
    uint64_t expired;
    memcpy(way.header, header, way.len);
    uint64_t handle = handles_add(h, pipe, &way, &expired);
    assert_int_equal(expired, 0);
    return handle;
}

static void a_handle_leads_back_once(void **state) {
    (void)state;
    struct handles *h = handles_new();
    struct handle_way way;
    uint64_t a = add(h, 1, "way-a"), b = add(h, 1, "way-b");
    assert_true(a && b && a != b);
    assert_true(handles_take(h, b, &way));
    assert_int_equal(way.len, 5);
    assert_memory_equal(way.header, "way-b", 5);
    assert_false(handles_take(h, b, &way));
    assert_false(handles_take(h, 0, &way));
    uint64_t c = add(h, 2, "way-c");
    assert_true(c != b);
    assert_false(handles_take(h, b, &way));
    assert_int_equal(handles_count(h), 2);
    handles_free(h);
}

static unsigned gone_count;
static void count_gone(void *context, uint64_t handle) {
    (void)context;
    gone_count += handle != 0;
}

static void a_closed_connection_takes_its_handles_along(void **state) {
    (void)state;
    struct handles *h = handles_new();
    struct handle_way way;
    gone_count = 0;
    for (unsigned i = 0; i < 200; i++)
        add(h, 1 + i % 2, "x");
    uint64_t last = add(h, 2, "y");
    handles_drop(h, 1, count_gone, NULL);
    assert_int_equal(gone_count, 100);
    assert_int_equal(handles_count(h), 101);
    assert_true(handles_take(h, last, &way));
    handles_drop(h, 1, count_gone, NULL);
    assert_int_equal(gone_count, 100);
    handles_free(h);
}

static void a_full_table_expires_its_oldest(void **state) {
    (void)state;
    struct handles *h = handles_new();
    struct handle_way way = {.len = 1};
    uint64_t first = add(h, 1, "a"), second = add(h, 1, "b"), expired;
    for (unsigned i = 2; i < HANDLES_MAX; i++)
        add(h, 1, "c");
    handles_add(h, 1, &way, &expired);
    assert_int_equal(expired, first);
    handles_add(h, 1, &way, &expired);
    assert_int_equal(expired, second);
    assert_false(handles_take(h, first, &way));
    assert_int_equal(handles_count(h), HANDLES_MAX);
    handles_free(h);
}

static void who_holds_most_handles_makes_room(void **state) {
    (void)state;
    struct handles *h = handles_new();
    struct handle_way way = {.len = 1};
    uint64_t modest = add(h, 7, "a"), greedy = add(h, 8, "b"), expired;
    for (unsigned i = 2; i < HANDLES_MAX; i++)
        add(h, 8, "b");
    handles_add(h, 9, &way, &expired);
    assert_int_equal(expired, greedy);
    assert_true(handles_take(h, modest, &way));
    assert_int_equal(handle_share(modest), 7);
    assert_int_equal(handle_share(greedy), 8);
    handles_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_channel_drops_and_leaves_the_others_alone),
        cmocka_unit_test(bytes_bound_a_channel_as_frames_do),
        cmocka_unit_test(the_most_urgent_of_a_channel_is_taken_first_and_makes_room),
        cmocka_unit_test(channels_are_served_in_turn_by_the_byte),
        cmocka_unit_test(clients_of_another_share_have_a_channel_of_their_own),
        cmocka_unit_test(word_of_a_gone_client_comes_behind_its_request_even_when_full),
        cmocka_unit_test(waiting_ends_at_once_when_something_is_there),
        cmocka_unit_test(what_waits_travels_in_one_message),
        cmocka_unit_test(a_full_outbox_drops_its_oldest),
        cmocka_unit_test(the_most_urgent_leaves_first_and_is_dropped_last),
        cmocka_unit_test(a_message_ends_at_its_cap_but_one_long_frame_goes),
        cmocka_unit_test(a_list_that_is_not_well_formed_is_refused_whole),
        cmocka_unit_test(a_handle_leads_back_once),
        cmocka_unit_test(a_closed_connection_takes_its_handles_along),
        cmocka_unit_test(a_full_table_expires_its_oldest),
        cmocka_unit_test(who_holds_most_handles_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, free_joined);
}
