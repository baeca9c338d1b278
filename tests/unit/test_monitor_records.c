/* A machine that is rebuilt from its records goes on exactly like the one that was never stopped: the same alerts, the
   same records, byte for byte. Random histories of results, time, gaps, convictions and new configurations. */
#include "monitor_store.h"

/* ---- histories ---- */

#define V1                                                                                                             \
    PEOPLE HOST_OF("a", "") HOST_OF("b", " parents a\n max_check_attempts 2\n")                                        \
        SERVICE_OF("a", "x", THREE " notification_interval 25\n _DISSENT_NOTIFY 1\n")                                  \
            SERVICE_OF("a", "y", " max_check_attempts 1\n is_volatile 1\n")                                            \
                SERVICE_OF("b", "x", THREE " first_notification_delay 12\n")                                           \
                    SERVICE_OF("b", "z", " _OBSERVERS ap,eu\n")
#define V2                                                                                                             \
    PEOPLE HOST_OF("a", "") HOST_OF("b", THREE " parents a\n") HOST_OF("c", "")                                        \
        SERVICE_OF("a", "x", " _OBSERVERS ap,us,za\n max_check_attempts 2\n")                                          \
            SERVICE_OF("b", "x", THREE " _QUORUM 3\n") SERVICE_OF("c", "x", " check_freshness 0\n")
#define V3 PEOPLE HOST_OF("b", "") SERVICE_OF("b", "x", THREE) SERVICE_OF("b", "z", " _OBSERVERS ap,eu,us\n")

static const char *const configurations[] = {V1, V2, V3};
static const char *const hosts[] = {"a", "b", "c"}, *const services[] = {"", "x", "y", "z"};
static const char *const observers[] = {"ap", "eu", "us", "za", "a", "b"};

struct machine { /* a monitor and all that it said */
    struct monitor *m;
    struct buffer said;
};

static void machine_alert(void *self, const struct alert *a) {
    alert_encode(&((struct machine *)self)->said, a);
}

static void observe_one(struct machine *x, const char *observer, const struct observation *o) {
    struct monitor_sink sink = {.self = x, .alert = machine_alert};
    bool convict;
    enum error e = monitor_observe(x->m, observer, o, &sink, &convict);
    buffer_printf(&x->said, "%s\n", error_name(e));
    if (convict) {
        monitor_convict(x->m, observer, "two contents", &sink);
    }
}

static void command_one(struct machine *x, const struct op_command *c) {
    struct monitor_sink sink = {.self = x, .alert = machine_alert};
    struct buffer answer = {0};
    enum error e = monitor_command(x->m, "ada", c, &sink, &answer);
    buffer_printf(&x->said, "%s: %s", error_name(e), buffer_cstr(&answer));
    buffer_free(&answer);
}

static void apply_one(struct machine *x, const char *text) {
    const struct monitor_authority authority = {NULL, world_known, world_may};
    struct monitor_sink sink = {.self = x, .alert = machine_alert};
    struct buffer objects = {0}, why = {0};
    assert_int_equal(monitor_apply(x->m, world_compile(&objects, &why, text), &authority, &sink, &why), ERR_OK);
    buffer_free(&objects);
    buffer_free(&why);
}

struct history {
    struct prng prng;
    seq_no n;
    time_ms t;
    uint64_t obs_seq;
    unsigned trouble; /* per mille of results that see a problem */
    struct observation last;
    const char *last_by;
};

static const char *pick(struct history *h, const char *const *list, size_t count) {
    return list[prng_below(&h->prng, count)];
}

static struct observation random_result(struct history *h) {
    struct observation o = {.host = pick(h, hosts, 3), .service = pick(h, services, 4), .perfdata = "p=1"};
    o.obs_seq = ++h->obs_seq;
    o.state = prng_chance(&h->prng, h->trouble) ? (uint8_t)(1 + prng_below(&h->prng, 3)) : 0;
    o.output = o.state ? "bad" : prng_chance(&h->prng, 500) ? "good" : "";
    o.observed_at = h->t - (prng_chance(&h->prng, 20) ? 100000 : 0);
    return o;
}

static struct op_command random_command(struct history *h) {
    bool at_one = prng_chance(&h->prng, 700);
    struct op_command c = {
        .kind = (enum command_kind)(1 + prng_below(&h->prng, COMMAND_KIND_LIMIT - 1)),
        .target = (enum command_target)(at_one ? (unsigned)TARGET_OBJECT : 1 + prng_below(&h->prng, TARGET_LIMIT - 1)),
        .subject = (enum command_subject)prng_below(&h->prng, SUBJECT_LIMIT),
        .host = pick(h, hosts, 3),
        .service = at_one ? pick(h, services, 4) : "",
        .observer = pick(h, observers, 6),
        .flags = (unsigned)prng_below(&h->prng, COMMAND_FLAGS_ALL + 1),
        .start = h->t + (time_ms)prng_below(&h->prng, 20000) - 5000,
        .duration = (time_ms)prng_below(&h->prng, 20000),
        .author = "",
        .comment = prng_chance(&h->prng, 900) ? "because" : ""};
    c.id = at_one && prng_chance(&h->prng, 800) ? 0 : prng_below(&h->prng, 60);
    c.end = prng_chance(&h->prng, 200) ? 0 : c.start + (time_ms)prng_below(&h->prng, 20000);
    return c;
}

static time_ms random_step(struct history *h) {
    if (prng_chance(&h->prng, 10)) {
        return 15000;
    }
    return (time_ms)prng_below(&h->prng, 5) * 1000;
}

static void mask_one(struct machine *x, const char *observer, const char *host, enum mask_order order) {
    struct monitor_sink sink = {.self = x, .alert = machine_alert};
    struct mask_request r = {observer, host, host[0] ? "x" : "", "anna", order};
    struct buffer answer = {0}; /* not x->said, where the alert goes */
    enum error e = monitor_mask(x->m, &r, &sink, &answer);
    buffer_printf(&x->said, "%s %s\n", error_name(e), buffer_cstr(&answer));
    buffer_free(&answer);
}

/* One batch, the same for every machine given. */
static void batch(struct history *h, struct machine **machines, size_t count) {
    h->t += random_step(h);
    h->n++;
    h->trouble = prng_chance(&h->prng, 50) ? (unsigned)prng_below(&h->prng, 1000) : h->trouble;
    struct observation results[8];
    const char *who[8];
    for (int i = 0; i < 8; i++) {
        bool two_faced = h->last_by && prng_chance(&h->prng, 2);
        results[i] = two_faced ? h->last : random_result(h);
        who[i] = two_faced ? h->last_by : pick(h, observers, 6);
        h->last = results[i];
        h->last.output = "another face";
        h->last_by = who[i];
    }
    const struct op_command command = random_command(h);
    bool masks = prng_chance(&h->prng, 60);
    const char *whom = pick(h, observers, 6), *where = prng_chance(&h->prng, 300) ? "" : pick(h, hosts, 3);
    enum mask_order order = prng_chance(&h->prng, 500) ? MASK_SET : MASK_CLEAR;
    const char *next = prng_chance(&h->prng, 10) ? pick(h, configurations, 3) : NULL;
    for (size_t i = 0; i < count; i++) {
        struct monitor_sink sink = {.self = machines[i], .alert = machine_alert};
        monitor_advance(machines[i]->m, h->n, h->t, &sink);
        for (int r = 0; r < 8; r++) {
            observe_one(machines[i], who[r], &results[r]);
        }
        command_one(machines[i], &command);
        if (masks) {
            mask_one(machines[i], whom, where, order);
        }
        if (next) {
            apply_one(machines[i], next);
        }
        monitor_check(machines[i]->m);
    }
}

static void same_bytes(const struct buffer *a, const struct buffer *b) {
    assert_int_equal(a->len, b->len);
    assert_true(bytes_equal(buffer_bytes(a), buffer_bytes(b)));
}

static uint64_t run_history(uint64_t seed) {
    struct monitor_config config = {.cluster_gap = 10000};
    struct history h = {.t = DAY_ZERO, .trouble = 100};
    prng_seed(&h.prng, seed);
    struct machine first = {.m = monitor_new(&config)}, second = {0};
    struct machine *both[] = {&first, &second};
    struct store store = {0};
    batch(&h, both, 1);
    apply_one(&first, V1);
    for (uint64_t i = prng_below(&h.prng, 200); i > 0; i--) {
        batch(&h, both, 1);
        if (prng_chance(&h.prng, 50)) {
            store_flush(&store, first.m);
        }
    }
    store_flush(&store, first.m);
    struct store copy = store_copy(&store);
    second.m = rebuild(&store, ERR_OK);
    monitor_check(second.m);
    store_flush(&copy, second.m);
    assert_int_equal(copy.handed, 0);
    buffer_clear(&first.said);
    for (int i = 0; i < 200; i++) {
        batch(&h, both, 2);
        if (prng_chance(&h.prng, 50)) {
            store_flush(&store, first.m);
            store_flush(&copy, second.m);
            same_bytes(&store.stream, &copy.stream);
        }
        same_bytes(&first.said, &second.said);
    }
    uint64_t alerts = monitor_alerts(first.m);
    assert_int_equal(alerts, monitor_alerts(second.m));
    monitor_free(first.m);
    monitor_free(second.m);
    buffer_free(&first.said);
    buffer_free(&second.said);
    store_free(&store);
    store_free(&copy);
    return alerts;
}

static void a_rebuilt_machine_goes_on_like_the_one_that_never_stopped(void **state) {
    (void)state;
    uint64_t alerts = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        world_detects_flapping = seed % 2;
        alerts += run_history(seed);
    }
    world_detects_flapping = false;
    assert_true(alerts > 1000);
}

/* ---- histories with a liar: scores, masks and probations ---- */

static void report(struct machine *x, const char *observer, uint64_t obs_seq, uint8_t state, time_ms t) {
    struct observation o = {"a", "x", obs_seq, state, "text", "", t};
    observe_one(x, observer, &o);
}

static void one_round(struct history *h, struct machine **machines, size_t count, uint8_t us) {
    h->t += 10000;
    h->n++;
    h->obs_seq++;
    for (size_t i = 0; i < count; i++) {
        struct monitor_sink sink = {.self = machines[i], .alert = machine_alert};
        monitor_advance(machines[i]->m, h->n, h->t, &sink);
        report(machines[i], "ap", h->obs_seq, STATE_OK, h->t);
        report(machines[i], "eu", h->obs_seq, STATE_OK, h->t);
        report(machines[i], "us", h->obs_seq, us, h->t);
        monitor_check(machines[i]->m);
    }
}

/* Stopped behind so many rounds and rebuilt, it masks, unmasks and masks again at the same moments. */
static void stop_behind(unsigned rounds) {
    struct monitor_config config = {.cluster_gap = 10000};
    struct history h = {.t = DAY_ZERO};
    struct machine first = {.m = monitor_new(&config)}, second = {0};
    struct machine *both[] = {&first, &second};
    struct store store = {0};
    monitor_advance(first.m, ++h.n, h.t, NULL);
    apply_one(&first, V1);
    for (unsigned i = 0; i < 160; i++) {
        if (i == rounds) {
            store_flush(&store, first.m);
            second.m = rebuild(&store, ERR_OK);
            buffer_clear(&first.said);
        }
        one_round(&h, both, i < rounds ? 1 : 2, i < 20 || i >= 80 ? STATE_CRITICAL : STATE_OK);
    }
    same_bytes(&first.said, &second.said);
    assert_true(rounds > 85 || strstr(buffer_cstr(&first.said), "observer us masked for a/x") != NULL);
    struct store again = store_copy(&store);
    store_flush(&store, first.m);
    store_flush(&again, second.m);
    same_bytes(&store.stream, &again.stream);
    monitor_free(first.m);
    monitor_free(second.m);
    buffer_free(&first.said);
    buffer_free(&second.said);
    store_free(&store);
    store_free(&again);
}

static void scores_and_masks_come_back_from_records(void **state) {
    (void)state;
    for (unsigned rounds = 0; rounds < 160; rounds += 3) {
        stop_behind(rounds);
    }
}

/* ---- single cases ---- */

static void a_flush_hands_out_only_what_changed(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct store s = {0};
    store_flush(&s, w.m);
    assert_true(s.handed > 0);
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 0);
    all_vote(&w, OK);
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 4); /* the service and three votes */
    all_vote(&w, OK);
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 3);
    struct op_command c = COMMAND_OF(.kind = COMMAND_DOWNTIME, .target = TARGET_OBJECT, .host = "web1",
                                     .service = "http", .start = w.t, .end = w.t + 9000, .duration = 9000);
    commanded(&w, c, "downtime 1 of web1/http\n");
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 2); /* the downtime, and the header, which counts them */
    all_vote(&w, CRIT);
    store_flush(&s, w.m);
    assert_int_equal(s.handed, 5); /* the downtime begins with the problem */
    store_free(&s);
    world_end(&w);
}

static void what_vanished_takes_its_records_along(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct store s = {0};
    all_vote(&w, OK);
    store_flush(&s, w.m);
    size_t before = s.count;
    apply(&w, PEOPLE HOST_OF("web1", ""));
    store_flush(&s, w.m);
    assert_int_equal(s.count, before - 4);
    store_free(&s);
    world_end(&w);
}

static void a_new_machine_has_nothing_to_hand_out(void **state) {
    (void)state;
    struct monitor_config config = {.cluster_gap = 10000};
    struct monitor *m = monitor_new(&config);
    struct store s = {0};
    store_flush(&s, m);
    assert_int_equal(s.count, 0);
    monitor_free(m);
    m = rebuild(&s, ERR_OK);
    monitor_free(m);
}

static void records_that_do_not_fit_are_corrupt(void **state) {
    (void)state;
    struct world w = world_begin(HOST_AND_SERVICE(THREE));
    struct store s = {0};
    all_vote(&w, CRIT);
    commanded(&w, COMMAND_OF(.kind = COMMAND_COMMENT, .target = TARGET_OBJECT, .host = "web1", .comment = "x"),
              "comment 1 of web1\n");
    store_flush(&s, w.m);
    for (size_t i = 0; i < s.count; i++) {
        struct store cut = store_copy(&s);
        struct buffer *value = &cut.pairs[i].value;
        value->len--;
        monitor_free(rebuild(&cut, ERR_CORRUPT));
        value->len++;
        buffer_u8(value, 0);
        monitor_free(rebuild(&cut, ERR_CORRUPT));
        store_free(&cut);
    }
    for (size_t i = 0; i < s.count; i++) {
        struct store missing = store_copy(&s);
        bool is_optional = strchr("uw", s.pairs[i].key.data[1]);
        store_remove(&missing, i);
        monitor_free(rebuild(&missing, is_optional && i != s.count - 4 ? ERR_OK : ERR_CORRUPT));
        store_free(&missing);
    }
    struct monitor_config config = {.cluster_gap = 10000};
    struct monitor *m = monitor_new(&config);
    assert_int_equal(monitor_restore(m, bytes_of("x", 1), bytes_of("", 0)), ERR_CORRUPT);
    assert_int_equal(monitor_restore(m, bytes_of("mz", 2), bytes_of("", 0)), ERR_CORRUPT);
    monitor_free(m);
    store_free(&s);
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rebuilt_machine_goes_on_like_the_one_that_never_stopped),
        cmocka_unit_test(scores_and_masks_come_back_from_records),
        cmocka_unit_test(a_flush_hands_out_only_what_changed),
        cmocka_unit_test(what_vanished_takes_its_records_along),
        cmocka_unit_test(a_new_machine_has_nothing_to_hand_out),
        cmocka_unit_test(records_that_do_not_fit_are_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
