/* The promises of the observers' quorum, over random histories: with at most t observers that lie, flip, say UNKNOWN or
   fall silent as they please, the state follows the truth, every lasting problem is told, and nothing false ever is. */
#include "monitor_world.h"

enum { INTERVAL = 10, ATTEMPTS = 3, CHANGES = 12 };

struct play {
    struct monitor *m;
    struct prng prng;
    unsigned observers, liars;
    seq_no n;
    time_ms t;
    uint64_t obs_seq;
    uint8_t truth, before;
    time_ms changed_at;
    bool told; /* a problem alert is out and no recovery followed */
    uint64_t alerts, masks;
};

static const char *const names[] = {"o0", "o1", "o2", "o3", "o4"};

static bool settled(const struct play *p, time_ms seconds) {
    return p->t - p->changed_at > seconds * 1000;
}

/* Between two truths, what lies between them may be seen for one interval. */
static bool is_plausible(const struct play *p, uint8_t state) {
    if (state == p->truth) {
        return true;
    }
    uint8_t low = p->truth < p->before ? p->truth : p->before, high = p->truth < p->before ? p->before : p->truth;
    return !settled(p, INTERVAL) && state >= low && state <= high;
}

/* "observer o2 masked ...": only liars are set aside. */
static void hear_of_a_mask(struct play *p, const char *text) {
    unsigned observer;
    assert_int_equal(sscanf(text, "observer o%u ", &observer), 1);
    assert_true(observer >= p->observers - p->liars);
    p->masks += strstr(text, " masked for") != NULL;
}

static void hear(void *self, const struct alert *a) {
    struct play *p = self;
    if (a->type == ALERT_SYSTEM) {
        hear_of_a_mask(p, a->output);
        return;
    }
    p->alerts++;
    assert_true(a->type == ALERT_PROBLEM || a->type == ALERT_RECOVERY);
    assert_true(is_plausible(p, a->state));
    assert_int_equal(a->state == STATE_OK, a->type == ALERT_RECOVERY);
    p->told = a->type == ALERT_PROBLEM;
}

static void speak(struct play *p, unsigned observer, uint8_t state) {
    struct monitor_sink sink = {.self = p, .alert = hear};
    struct observation o = {"web1", "http", ++p->obs_seq, state, "text", "", p->t};
    bool convict;
    assert_int_equal(monitor_observe(p->m, names[observer], &o, &sink, &convict), ERR_OK);
}

/* The last observers lie: any state, any moment, or nothing for a long while. */
static void lie(struct play *p, bool silent) {
    for (unsigned i = p->observers - p->liars; i < p->observers; i++) {
        for (uint64_t k = prng_below(&p->prng, 3); k > 0 && !silent; k--) {
            speak(p, i, (uint8_t)prng_below(&p->prng, 4));
        }
    }
}

static void tell_the_truth(struct play *p, time_ms second) {
    for (unsigned i = 0; i < p->observers - p->liars; i++) {
        if (second % INTERVAL == (time_ms)(i * 3 % INTERVAL)) {
            speak(p, i, p->truth);
        }
    }
}

static void check_promises(const struct play *p) {
    struct op_query q = {QUERY_STATUS, "web1", "http", "", "", 1, 0};
    struct query_page page;
    struct arena arena = {0};
    monitor_query(p->m, &q, &page, &arena);
    const struct object_status *s = page.list;
    assert_true(s->state == STATE_PENDING || is_plausible(p, s->state));
    if (settled(p, INTERVAL * 2)) {
        assert_int_equal(s->state, p->truth);
    }
    if (settled(p, INTERVAL * (ATTEMPTS + 2))) {
        assert_true(s->hard);
        assert_int_equal(p->told, p->truth != STATE_OK);
    }
    arena_free(&arena);
}

static void live_through(struct play *p, time_ms seconds) {
    bool silent = prng_chance(&p->prng, 300);
    for (time_ms i = 0; i < seconds; i++) {
        struct monitor_sink sink = {.self = p, .alert = hear};
        p->t += 1000;
        monitor_advance(p->m, ++p->n, p->t, &sink);
        lie(p, silent);
        tell_the_truth(p, p->t / 1000);
        monitor_check(p->m);
        check_promises(p);
    }
}

static void begin(struct play *p, const char *text) {
    static const struct monitor_authority authority = {NULL, world_known, world_may};
    struct monitor_config config = {.cluster_gap = 10000};
    struct buffer objects = {0}, why = {0};
    p->m = monitor_new(&config);
    p->t = DAY_ZERO;
    p->changed_at = p->t + 30000; /* a silent liar is waited for until the first deadline */
    monitor_advance(p->m, ++p->n, p->t, NULL);
    assert_int_equal(monitor_apply(p->m, world_compile(&objects, &why, text), &authority, NULL, &why), ERR_OK);
    buffer_free(&objects);
    buffer_free(&why);
}

static uint64_t masks; /* of all plays so far */

static uint64_t play(const char *text, unsigned observers, unsigned liars, uint64_t seed) {
    struct play p = {.observers = observers, .liars = liars};
    prng_seed(&p.prng, seed);
    begin(&p, text);
    for (int i = 0; i < CHANGES; i++) {
        live_through(&p, 30 + (time_ms)prng_below(&p.prng, 70));
        p.before = p.truth;
        p.truth = (uint8_t)prng_below(&p.prng, 3);
        p.changed_at = p.t;
    }
    monitor_free(p.m);
    masks += p.masks;
    return p.alerts;
}

static void one_liar_of_three_cannot_raise_hide_or_delay(void **state) {
    (void)state;
    uint64_t alerts = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        alerts += play(HOST_AND_SERVICE(" _OBSERVERS o0,o1,o2\n notification_interval 0\n"), 3, 1, seed);
    }
    assert_true(alerts > 200);
}

static void two_liars_of_five_cannot_either(void **state) {
    (void)state;
    uint64_t alerts = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        alerts += play(HOST_AND_SERVICE(" _OBSERVERS o0,o1,o2,o3,o4\n notification_interval 0\n"), 5, 2, seed);
    }
    assert_true(alerts > 200);
}

static void liars_are_masked_meanwhile_and_nobody_else(void **state) {
    (void)state;
    assert_true(masks > 100);
}

static void an_honest_observer_alone_is_believed(void **state) {
    (void)state;
    assert_true(play(HOST_AND_SERVICE(" _OBSERVERS o0\n notification_interval 0\n"), 1, 0, 1) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_liar_of_three_cannot_raise_hide_or_delay),
        cmocka_unit_test(two_liars_of_five_cannot_either),
        cmocka_unit_test(liars_are_masked_meanwhile_and_nobody_else),
        cmocka_unit_test(an_honest_observer_alone_is_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
