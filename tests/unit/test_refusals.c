/* Results that must not count, through whole replicas: every replica gives the same named answer, all hold the same
   root behind it, and no record of any object or vote is touched. */
#include "checks/objects.h"
#include "node_world.h"

static const char objects_text[] =
    "define command {\n command_name c\n command_line /bin/c\n}\n"
    "define contact {\n contact_name ops\n service_notification_commands c\n host_notification_commands c\n}\n"
    "define host {\n name h\n register 0\n max_check_attempts 1\n check_freshness 0\n contacts ops\n}\n"
    "define host {\n use h\n host_name web1\n _OBSERVERS eu,us\n}\n"
    "define host {\n use h\n host_name db1\n _OBSERVERS eu\n}\n"
    "define service {\n host_name web1\n service_description http\n check_command c\n max_check_attempts 1\n"
    " check_freshness 0\n _OBSERVERS eu,us\n contacts ops\n}\n"
    "define service {\n host_name web1\n service_description mail\n check_command c\n max_check_attempts 1\n"
    " check_freshness 0\n _OBSERVERS us\n contacts ops\n}\n";

static uint64_t numbers[256]; /* of each key's requests */

/* To all replicas; whether the first took it, and all said the same. */
static enum error submit(struct world *w, uint8_t who, struct request r) {
    struct secret_key sk;
    uint8_t seed[SECRET_SEED_LEN] = {who};
    struct buffer frame = {0};
    enum error first = ERR_OK;
    crypto_keypair_from_seed(&r.client, &sk, seed);
    r.req_seq = ++numbers[who];
    request_seal(&frame, &r, &w->cluster.id, &sk);
    for (member_id i = 0; i < NODES; i++) {
        struct admitted *x = NULL;
        enum error e = admit_client(&x, &w->admit[i], buffer_bytes(&frame));
        first = i ? first : e;
        assert_int_equal(e, first);
        if (e != ERR_OK)
            continue;
        buffer_clear(&w->places[i].answer);
        node_client(w->places[i].node, 1, x, world_clock(w));
        turn_ends(w, i);
    }
    buffer_free(&frame);
    world_run(w, 200);
    return first;
}

static enum error result_at(struct world *w, member_id i) {
    struct frame f;
    struct msg m;
    struct reply reply;
    struct arena arena = {0};
    assert_int_equal(frame_open(&f, buffer_bytes(&w->places[i].answer)), ERR_OK);
    assert_int_equal(codec_decode(&m, &f, &arena), ERR_OK);
    assert_int_equal(m.outputs.count, 1);
    assert_int_equal(reply_decode(&reply, m.outputs.list[0].leaf, &arena), ERR_OK);
    assert_int_equal(reply.result, ERR_OK);
    enum error e = reply.refused_count ? reply.refused[0].reason : ERR_OK;
    arena_free(&arena);
    return e;
}

/* What became of one result, the same at every replica. */
static enum error observe(struct world *w, uint8_t who, struct observation o) {
    enum error e = submit(w, who, (struct request){.kind = OP_OBSERVE, .observe = {1, &o}});
    for (member_id i = 0; e == ERR_OK && i < NODES; i++)
        assert_int_equal(result_at(w, i), result_at(w, 0));
    return e == ERR_OK ? result_at(w, 0) : e;
}

static struct observation result(struct world *w, const char *host, const char *service, uint64_t obs_seq) {
    return (struct observation){host, service, obs_seq, STATE_OK, "fine", "", w->cluster.t0 + w->now};
}

static void apply(struct world *w) {
    struct object_source source = {"unit.cfg", bytes_of_text(objects_text)};
    struct object_options options = {.interval_length = 1000};
    struct objects *objects = NULL;
    struct buffer bytes = {0}, ignored = {0}, why = {0};
    if (objects_parse(&objects, &source, 1, &options, &ignored, &why) != ERR_OK)
        fail_msg("%s", buffer_cstr(&why));
    objects_encode(&bytes, objects);
    struct digest whole = crypto_digest(DIGEST_OBJECTS, buffer_bytes(&bytes));
    submit(w, KEY_ADMIN, (struct request){.kind = OP_BLOB, .blob = {whole, 0, buffer_bytes(&bytes)}});
    submit(w, KEY_ADMIN, (struct request){.kind = OP_APPLY, .apply = {.whole = whole, .length = bytes.len}});
    assert_int_equal(result_at(w, 0), ERR_OK);
    objects_free(objects);
    buffer_free(&bytes);
    buffer_free(&ignored);
    buffer_free(&why);
}

/* Past the next checkpoint, so that the state stands on every disk. */
static void checkpoint(struct world *w) {
    seq_no before = facts_of(w, 0).pbft.stable;
    w->req_seq = numbers[KEY_ADMIN];
    order_batches(w, 10, 100);
    numbers[KEY_ADMIN] = w->req_seq;
    world_run(w, 1500);
    assert_true(facts_of(w, 0).pbft.stable > before);
    for (member_id i = 1; i < NODES; i++)
        assert_true(same_state(w, i, 0));
}

/* Every record of an object and of a vote, as the replica's disk has it: behind the generation and the bucket. */
enum { PREFIX = 3 };
static struct buffer records(const struct world *w, member_id i) {
    const struct family *f = &w->places[i].disk->families[DISK_STATE];
    struct buffer out = {0};
    for (size_t at = 0; at < f->count; at++) {
        const struct entry *e = &f->list[at];
        if (e->key_len > PREFIX + 1 && e->key[PREFIX] == 'm' && strchr("hstu", e->key[PREFIX + 1])) {
            buffer_block(&out, bytes_of(e->key, e->key_len));
            buffer_block(&out, bytes_of(e->value, e->value_len));
        }
    }
    return out;
}

static struct world *world_with_votes(void) {
    struct world *w = world_new();
    memset(numbers, 0, sizeof numbers);
    world_run(w, 1500);
    apply(w);
    assert_int_equal(observe(w, KEY_EU, result(w, "web1", "http", 10)), ERR_OK);
    assert_int_equal(observe(w, KEY_US, result(w, "web1", "http", 10)), ERR_OK);
    assert_int_equal(observe(w, KEY_US, result(w, "web1", "mail", 10)), ERR_OK);
    assert_int_equal(observe(w, KEY_EU, result(w, "db1", "", 10)), ERR_OK);
    checkpoint(w);
    return w;
}

static void assert_untouched(struct world *w, struct buffer *before) {
    checkpoint(w);
    assert_true(before->len > 0);
    for (member_id i = 0; i < NODES; i++) {
        struct buffer after = records(w, i);
        assert_true(bytes_equal(buffer_bytes(before), buffer_bytes(&after)));
        buffer_free(&after);
    }
    assert_int_equal(facts_of(w, 0).alerts, 0);
    buffer_free(before);
    world_free(w);
}

static struct observation worse(struct observation o) {
    o.state = STATE_CRITICAL;
    return o;
}

static void whoever_may_not_say_it_changes_nothing(void **state) {
    (void)state;
    struct world *w = world_with_votes();
    struct buffer before = records(w, 0);
    assert_int_equal(observe(w, KEY_US, worse(result(w, "db1", "", 20))), ERR_NOT_YOUR_HOST);
    assert_int_equal(observe(w, KEY_US, worse(result(w, "mars", "", 21))), ERR_NOT_YOUR_HOST);
    assert_int_equal(observe(w, KEY_EU, worse(result(w, "web1", "mail", 20))), ERR_NOT_AN_OBSERVER);
    assert_int_equal(observe(w, KEY_EU, worse(result(w, "mars", "http", 21))), ERR_UNKNOWN_HOST);
    assert_int_equal(observe(w, KEY_EU, worse(result(w, "web1", "ftp", 22))), ERR_UNKNOWN_SERVICE);
    assert_int_equal(submit(w, 99, (struct request){.kind = OP_QUERY, .query = {QUERY_STATUS, "", "", "", "", 1, 0}}),
                     ERR_UNKNOWN_KEY);
    assert_untouched(w, &before);
}

static void what_says_nothing_sensible_changes_nothing(void **state) {
    (void)state;
    static char long_text[9 * 1024 + 1];
    struct world *w = world_with_votes();
    struct buffer before = records(w, 0);
    struct observation o = result(w, "web1", "http", 20);
    memset(long_text, 'x', sizeof long_text - 1);
    for (unsigned code = 4; code < 256; code += 84) {
        o.state = (uint8_t)code;
        o.obs_seq++;
        assert_int_equal(observe(w, KEY_EU, o), ERR_BAD_STATE);
    }
    o = result(w, "web1", "", 30);
    o.state = 3;
    assert_int_equal(observe(w, KEY_EU, o), ERR_BAD_STATE);
    o = worse(result(w, "web1", "http", 31));
    o.output = long_text;
    assert_int_equal(observe(w, KEY_EU, o), ERR_OVERSIZED);
    o.output = "half a letter \xc3";
    assert_int_equal(observe(w, KEY_EU, o), ERR_NOT_UTF8);
    o.output = "fine";
    o.perfdata = "\xff=1";
    assert_int_equal(observe(w, KEY_EU, o), ERR_NOT_UTF8);
    assert_untouched(w, &before);
}

static void what_is_old_changes_nothing(void **state) {
    (void)state;
    struct world *w = world_with_votes();
    struct buffer before = records(w, 0);
    struct observation o = worse(result(w, "web1", "http", 20));
    o.observed_at -= 86400000;
    assert_int_equal(observe(w, KEY_EU, o), ERR_LATE);
    o.observed_at = 0;
    assert_int_equal(observe(w, KEY_EU, o), ERR_LATE);
    o.observed_at = INT64_MIN;
    assert_int_equal(observe(w, KEY_EU, o), ERR_OUT_OF_RANGE);
    assert_int_equal(observe(w, KEY_EU, worse(result(w, "web1", "http", 9))), ERR_OLD_RESULT);
    assert_untouched(w, &before);
}

/* A clock that runs ahead is its owner's: the result counts, as of now, and no later one has to wait for its time. */
static void what_comes_from_the_future_counts_as_of_now(void **state) {
    (void)state;
    struct world *w = world_with_votes();
    struct observation o = result(w, "web1", "mail", 20);
    o.observed_at += 86400000;
    assert_int_equal(observe(w, KEY_US, o), ERR_OK);
    assert_int_equal(observe(w, KEY_US, worse(result(w, "web1", "mail", 21))), ERR_OK);
    assert_int_equal(facts_of(w, 0).alerts, 1);
    checkpoint(w);
    for (member_id i = 1; i < NODES; i++)
        assert_int_equal(facts_of(w, i).alerts, 1);
    world_free(w);
}

static void a_convicted_key_changes_nothing_any_more(void **state) {
    (void)state;
    struct world *w = world_with_votes();
    assert_int_equal(observe(w, KEY_US, worse(result(w, "web1", "http", 10))), ERR_EQUIVOCATION);
    checkpoint(w);
    struct buffer before = records(w, 0);
    assert_int_equal(facts_of(w, 0).alerts, 2); /* the conviction; and of mail nobody reports */
    assert_int_equal(observe(w, KEY_US, worse(result(w, "web1", "http", 20))), ERR_CONVICTED);
    assert_int_equal(observe(w, KEY_US, result(w, "web1", "mail", 21)), ERR_CONVICTED);
    checkpoint(w);
    for (member_id i = 0; i < NODES; i++) {
        struct buffer after = records(w, i);
        assert_true(bytes_equal(buffer_bytes(&before), buffer_bytes(&after)));
        assert_int_equal(facts_of(w, i).alerts, 2);
        buffer_free(&after);
    }
    buffer_free(&before);
    world_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_may_not_say_it_changes_nothing),
        cmocka_unit_test(what_says_nothing_sensible_changes_nothing),
        cmocka_unit_test(what_is_old_changes_nothing),
        cmocka_unit_test(what_comes_from_the_future_counts_as_of_now),
        cmocka_unit_test(a_convicted_key_changes_nothing_any_more),
    };
    crypto_start();
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}
