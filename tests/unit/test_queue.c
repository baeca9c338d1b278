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
        assert_true(inbox_put_peer(q, frame_from(1, 10)));
    assert_false(inbox_has_room(q, 1));
    assert_false(inbox_put_peer(q, frame_from(1, 10)));
    assert_true(inbox_put_peer(q, frame_from(2, 10)));
    assert_true(inbox_put_client(q, 7, frame_from(MEMBER_NONE, 10)));
    struct inbox_counters c;
    inbox_count(q, &c);
    assert_int_equal(c.peer_dropped[1], 2);
    assert_int_equal(c.peer_dropped[2], 0);
    assert_int_equal(c.waiting, 5);
    inbox_free(q);
}

static void bytes_bound_a_channel_as_frames_do(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    assert_true(inbox_put_peer(q, frame_from(0, 999)));
    assert_true(inbox_put_peer(q, frame_from(0, 1)));
    assert_false(inbox_put_peer(q, frame_from(0, 1)));
    struct inbox_item item;
    assert_int_equal(inbox_take(q, &item, 1), 1);
    admitted_free(item.frame);
    assert_true(inbox_put_peer(q, frame_from(0, 999)));
    inbox_free(q);
}

static void a_sender_that_is_no_member_is_dropped(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    assert_false(inbox_put_peer(q, frame_from(MEMBERS_MAX, 1)));
    assert_false(inbox_put_peer(q, frame_from(MEMBER_NONE, 1)));
    inbox_free(q);
}

static void channels_are_served_in_turn(void **state) {
    (void)state;
    struct inbox *q = inbox_new(three, three);
    for (unsigned i = 0; i < 3; i++)
        inbox_put_peer(q, frame_from(4, 1));
    inbox_put_peer(q, frame_from(9, 1));
    inbox_put_client(q, 5, frame_from(MEMBER_NONE, 1));
    struct inbox_item items[8];
    assert_int_equal(inbox_take(q, items, 2), 2);
    assert_int_equal(items[0].frame->msg.sender, 4);
    assert_int_equal(items[1].frame->msg.sender, 9);
    assert_int_equal(inbox_take(q, items + 2, 6), 3);
    assert_int_equal(items[2].kind, INBOX_CLIENT);
    assert_int_equal(items[2].client, 5);
    for (unsigned i = 0; i < 5; i++)
        admitted_free(items[i].frame);
    assert_int_equal(inbox_take(q, items, 8), 0);
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
    inbox_put_peer(q, frame_from(0, 1));
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
    outbox_put(&o, bytes_of_text("one"));
    outbox_put(&o, bytes_of_text("two"));
    outbox_put(&o, bytes_of_text("three"));
    assert_string_equal(take(&o), "one|two|three|");
    assert_int_equal(outbox_next(&o), 0);
    assert_int_equal(o.count + o.bytes, 0);
    outbox_free(&o);
}

static void a_full_outbox_drops_its_oldest(void **state) {
    (void)state;
    struct outbox o = {.count_max = 2, .bytes_max = 1000};
    outbox_put(&o, bytes_of_text("old"));
    outbox_put(&o, bytes_of_text("mid"));
    outbox_put(&o, bytes_of_text("new"));
    assert_int_equal(o.dropped, 1);
    assert_string_equal(take(&o), "mid|new|");
    o.bytes_max = 20;
    outbox_put(&o, bytes_of_text("12345678"));
    outbox_put(&o, bytes_of_text("abcdefgh"));
    assert_string_equal(take(&o), "abcdefgh|");
    outbox_put(&o, bytes_of_text("longer than everything allowed"));
    assert_int_equal(o.count, 1);
    outbox_free(&o);
}

static void a_message_ends_at_its_cap_but_one_long_frame_goes(void **state) {
    (void)state;
    struct outbox o = {.count_max = 10, .bytes_max = 16 << 20};
    uint8_t *big = xcalloc(1, 3 << 20);
    outbox_put(&o, bytes_of(big, 700 << 10));
    outbox_put(&o, bytes_of(big, 700 << 10));
    outbox_put(&o, bytes_of(big, 3 << 20));
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_channel_drops_and_leaves_the_others_alone),
        cmocka_unit_test(bytes_bound_a_channel_as_frames_do),
        cmocka_unit_test(a_sender_that_is_no_member_is_dropped),
        cmocka_unit_test(channels_are_served_in_turn),
        cmocka_unit_test(word_of_a_gone_client_comes_behind_its_request_even_when_full),
        cmocka_unit_test(waiting_ends_at_once_when_something_is_there),
        cmocka_unit_test(what_waits_travels_in_one_message),
        cmocka_unit_test(a_full_outbox_drops_its_oldest),
        cmocka_unit_test(a_message_ends_at_its_cap_but_one_long_frame_goes),
        cmocka_unit_test(a_list_that_is_not_well_formed_is_refused_whole),
        cmocka_unit_test(a_handle_leads_back_once),
        cmocka_unit_test(a_closed_connection_takes_its_handles_along),
        cmocka_unit_test(a_full_table_expires_its_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, free_joined);
}
