/* Two machines live through the same drawn course: one never stops, the other is rebuilt from its records again and
   again. Whatever happens, they say the same, keep the same records, and what they handed out is all that they are.
   `test_monitor_twin FROM TO [BATCHES]` runs other seeds; a single one (TO = FROM) is told deed by deed. */
#include "checks/machine.h"
#include "drawn_deed.h"
#include "monitor_store.h"

#include <signal.h>
#include <unistd.h>

struct counts { /* of what came to pass, on one side */
    unsigned results, refused, applied, applies_refused, convicted, gaps, rebuilt, masked, unmasked;
    unsigned commands[COMMAND_KIND_LIMIT], alerts[ALERT_TYPE_LIMIT];
};

struct side {
    struct world w; /* its log: alerts and events as text */
    struct buffer said;
    struct store store;
    struct counts *counts; /* NULL: it does not count */
};

struct twins {
    struct side one, two; /* two is the one that is rebuilt */
    struct course course;
    seq_no n;
    uint64_t seed;
    unsigned batch;
    bool told; /* deed by deed */
};

/* A broken invariant ends the process: where that was. */
static char whereabouts[64];

static void tell_whereabouts(int number) {
    (void)number;
    ssize_t written = write(STDERR_FILENO, whereabouts, strlen(whereabouts));
    (void)written;
}

/* ---- one side ---- */

static void side_alert(void *self, const struct alert *a) {
    struct side *s = self;
    world_alert(&s->w, a);
    alert_encode(&s->said, a);
    if (s->counts) {
        s->counts->alerts[a->type]++;
        s->counts->masked += a->type == ALERT_SYSTEM && strstr(a->output, ": it disagreed in") != NULL;
        s->counts->unmasked += a->type == ALERT_SYSTEM && strstr(a->output, "it agreed again") != NULL;
    }
}

static void side_event(void *self, const struct monitor_event *e) {
    struct side *s = self;
    world_event(&s->w, e);
}

static struct monitor_sink side_sink(struct side *s) {
    return (struct monitor_sink){.self = s, .alert = side_alert, .event = side_event};
}

static void side_advance(struct side *s, seq_no n, time_ms t) {
    struct monitor_sink sink = side_sink(s);
    s->w.n = n;
    s->w.t = t;
    monitor_advance(s->w.m, n, t, &sink);
    monitor_check(s->w.m);
}

static enum error side_applies(struct side *s, const char *text) {
    static const struct monitor_authority authority = {NULL, world_known, world_may};
    struct monitor_sink sink = side_sink(s);
    struct buffer objects = {0}, why = {0};
    struct bytes compiled = world_compile(&objects, &why, text);
    enum error e = monitor_apply(s->w.m, compiled, &authority, &sink, &s->w.why);
    buffer_free(&objects);
    buffer_free(&why);
    return e;
}

static enum error side_does(struct side *s, const struct deed *d) {
    struct monitor_sink sink = side_sink(s);
    enum error e = ERR_OK;
    buffer_clear(&s->w.why);
    switch (d->kind) {
    case DEED_RESULT:
        e = monitor_observe(s->w.m, d->observer, &d->result, &sink, &s->w.convict);
        break;
    case DEED_COMMAND:
        e = monitor_command(s->w.m, "ada", &d->command, &sink, &s->w.why);
        break;
    case DEED_APPLY:
        e = side_applies(s, d->objects);
        break;
    case DEED_CONVICT:
        monitor_convict(s->w.m, d->observer, "two stories", &sink);
        break;
    }
    buffer_printf(&s->said, "%s: %s\n", error_name(e), buffer_cstr(&s->w.why));
    monitor_check(s->w.m);
    return e;
}

static void side_free(struct side *s) {
    world_end(&s->w);
    buffer_free(&s->said);
    store_free(&s->store);
}

/* ---- what must be equal ---- */

static void must_be_equal(const struct twins *t, const char *what, struct buffer *a, struct buffer *b, bool text) {
    if (bytes_equal(buffer_bytes(a), buffer_bytes(b))) {
        return;
    }
    if (text) {
        fprintf(stderr, "never stopped:\n%s\nrebuilt:\n%s\n", buffer_cstr(a), buffer_cstr(b));
    }
    fail_msg("seed %llu, batch %u: %s differ", (unsigned long long)t->seed, t->batch, what);
}

static void said_the_same(struct twins *t) {
    must_be_equal(t, "alerts or events", &t->one.w.log, &t->two.w.log, true);
    must_be_equal(t, "alerts or answers", &t->one.said, &t->two.said, false);
    buffer_clear(&t->one.w.log);
    buffer_clear(&t->two.w.log);
    buffer_clear(&t->one.said);
    buffer_clear(&t->two.said);
}

static void print_key(const char *what, const struct store *s, size_t at) {
    fprintf(stderr, "%s: ", what);
    for (size_t i = 0; at < s->count && i < s->pairs[at].key.len; i++) {
        uint8_t c = s->pairs[at].key.data[i];
        fputc(c > ' ' && c < 127 ? c : '/', stderr);
    }
    fputc('\n', stderr);
}

static bool same_pair(const struct store *a, const struct store *b, size_t at) {
    return at < a->count && at < b->count &&
           bytes_equal(buffer_bytes(&a->pairs[at].key), buffer_bytes(&b->pairs[at].key)) &&
           bytes_equal(buffer_bytes(&a->pairs[at].value), buffer_bytes(&b->pairs[at].value));
}

static void must_be_the_same_records(const struct twins *t, const struct store *kept, const struct store *whole) {
    for (size_t i = 0; i < kept->count || i < whole->count; i++) {
        if (!same_pair(kept, whole, i)) {
            print_key("handed out before", kept, i);
            print_key("as it is", whole, i);
            fail_msg("seed %llu, batch %u: not all that changed was handed out", (unsigned long long)t->seed, t->batch);
        }
    }
}

/* Marks everything that has a record as changed. */
static void touch_all(struct monitor *m) {
    m->header_dirty = m->bytes_dirty = true;
    for (uint32_t i = 0; i < m->table.count; i++) {
        bit_add(m->table.object_dirty, i);
    }
    for (uint32_t i = 0; i < m->table.vote_count; i++) {
        if (m->table.votes[i].state != STATE_PENDING || m->table.votes[i].standing) {
            bit_add(m->table.vote_dirty, i);
        }
    }
    for (size_t i = 0; i < m->notes.used; i++) {
        if (m->notes.list[i]) {
            note_touch(m->notes.list[i]);
        }
    }
}

/* What was handed out bit by bit is what the machine hands out when asked for everything. */
static void nothing_was_forgotten(const struct twins *t, struct side *s) {
    struct store whole = {0};
    touch_all(s->w.m);
    store_flush(&whole, s->w.m);
    must_be_the_same_records(t, &s->store, &whole);
    store_free(&whole);
}

static void flush_both(struct twins *t) {
    store_flush(&t->one.store, t->one.w.m);
    store_flush(&t->two.store, t->two.w.m);
    must_be_equal(t, "records", &t->one.store.stream, &t->two.store.stream, false);
    nothing_was_forgotten(t, chance(&t->course, 500) ? &t->one : &t->two);
}

static void side_answers(struct side *s, enum query_kind kind) {
    struct op_query q = {kind, "", "", "", "", QUERY_PAGE_MAX, 0};
    struct query_page page;
    struct arena arena = {0};
    monitor_query(s->w.m, &q, &page, &arena);
    query_page_encode(&s->said, &page);
    arena_free(&arena);
}

static void rebuild_two(struct twins *t) {
    monitor_free(t->two.w.m);
    t->two.w.m = rebuild(&t->two.store, ERR_OK);
    monitor_check(t->two.w.m);
    store_flush(&t->two.store, t->two.w.m);
    assert_int_equal(t->two.store.handed, 0);
    t->one.counts->rebuilt++;
    static const enum query_kind asked[] = {QUERY_STATUS, QUERY_OBJECTS_DIGEST, QUERY_NOTES};
    for (unsigned i = 0; i < 3; i++) {
        side_answers(&t->one, asked[i]);
        side_answers(&t->two, asked[i]);
    }
    must_be_equal(t, "answers to queries", &t->one.said, &t->two.said, false);
    said_the_same(t);
}

/* ---- a course ---- */

static void count_deed(struct counts *c, const struct deed *d, enum error e) {
    switch (d->kind) {
    case DEED_RESULT:
        *(e == ERR_OK ? &c->results : &c->refused) += 1;
        return;
    case DEED_COMMAND:
        c->commands[d->command.kind] += e == ERR_OK;
        return;
    case DEED_APPLY:
        *(e == ERR_OK ? &c->applied : &c->applies_refused) += 1;
        return;
    case DEED_CONVICT:
        c->convicted++;
    }
}

static void both_do(struct twins *t, const struct deed *d) {
    if (t->told) {
        deed_print(d);
    }
    enum error e = side_does(&t->one, d);
    side_does(&t->two, d);
    said_the_same(t);
    count_deed(t->one.counts, d, e);
    t->course.last_note = t->one.w.m->notes.last_id;
    t->course.off = t->one.w.m->off;
}

static void both_advance(struct twins *t, time_ms step) {
    struct course *c = &t->course;
    c->t += step;
    t->n++;
    t->one.counts->gaps += step > 10000;
    if (t->told) {
        fprintf(stderr, "batch %u at %lld\n", t->batch, (long long)c->t - DAY_ZERO);
    }
    side_advance(&t->one, t->n, c->t);
    side_advance(&t->two, t->n, c->t);
    said_the_same(t);
}

/* A result, and now and then the end of whoever told two stories. */
static void both_hear(struct twins *t, const struct deed *d) {
    t->one.w.convict = t->two.w.convict = false;
    both_do(t, d);
    assert_int_equal(t->one.w.convict, t->two.w.convict);
    if (t->one.w.convict && chance(&t->course, 400)) {
        both_do(t, &(struct deed){.kind = DEED_CONVICT, .observer = d->observer});
    }
}

enum { TELLS_THE_TRUTH = 90, LIES_BEHIND_IT = 50 }; /* so many batches: long enough to be masked, and unmasked */

static void chorus(struct twins *t) {
    struct course *c = &t->course;
    bool lying = t->batch % (TELLS_THE_TRUTH + LIES_BEHIND_IT) >= TELLS_THE_TRUTH;
    unsigned liars = !lying ? 0 : chance(c, 650) ? 1 : 2;
    for (unsigned i = 0; i < SITE_HOSTS * (SITE_SERVICES + 1) * SITE_WITNESSES; i++) {
        unsigned who = i % SITE_WITNESSES, object = i / SITE_WITNESSES;
        const char *host = site_hosts[object % SITE_HOSTS], *service = site_services[object / SITE_HOSTS];
        uint8_t truth = (t->seed + object) % 2;
        bool lies = who < liars && chance(c, 900);
        struct deed d = result_deed(c, site_observers[who], host, service, lies ? !truth : truth);
        if (chance(c, 920)) {
            both_hear(t, &d);
        }
    }
}

static void outage(struct twins *t) {
    struct deed d = draw_result(&t->course);
    for (unsigned who = 0; who < SITE_OBSERVERS; who++) {
        d.observer = site_observers[who];
        both_hear(t, &d);
    }
}

static void any_deed(struct twins *t) {
    struct course *c = &t->course;
    unsigned what = below(c, 1000);
    if (what < 8) {
        struct deed d = draw_apply(c);
        both_do(t, &d);
    } else if (what < 300) {
        struct deed d = draw_command(c);
        both_do(t, &d);
    } else if (c->mood == OUTAGE) {
        outage(t);
    } else {
        struct deed d = draw_result(c);
        both_hear(t, &d);
    }
}

/* Some courses are of one mood only: a score takes long to rise and fall. */
static bool is_a_chorus(const struct twins *t) {
    return t->seed % 8 == 0;
}

static void batch(struct twins *t) {
    struct course *c = &t->course;
    bool flushes_often = chance(c, 200);
    c->mood = is_a_chorus(t) ? CHORUS : chance(c, 30) ? (enum mood)below(c, MOODS) : c->mood;
    both_advance(t, draw_step(c));
    if (c->mood == CHORUS) {
        chorus(t);
    }
    for (unsigned left = below(c, c->mood == CHORUS ? 2 : 8); left > 0; left--) {
        if (flushes_often) {
            flush_both(t);
        }
        any_deed(t);
    }
    flush_both(t);
    if (chance(c, 330)) {
        rebuild_two(t);
    }
}

static void live(uint64_t seed, unsigned batches, bool told, struct counts *counts) {
    struct monitor_config config = {.cluster_gap = 10000};
    struct twins t = {.seed = seed, .told = told, .course = {.t = DAY_ZERO}};
    prng_seed(&t.course.prng, seed);
    world_detects_flapping = seed % 2;
    t.one.counts = counts;
    t.one.w.m = monitor_new(&config);
    t.two.w.m = monitor_new(&config);
    t.course.site = site_draw(seed, &t.course.prng);
    site_put(&t.course.text, &t.course.site);
    both_advance(&t, 0);
    both_do(&t, &(struct deed){.kind = DEED_APPLY, .objects = buffer_cstr(&t.course.text)});
    for (; t.batch < batches; t.batch++) {
        snprintf(whereabouts, sizeof whereabouts, "seed %llu, batch %u: died\n", (unsigned long long)seed, t.batch);
        batch(&t);
    }
    buffer_free(&t.course.text);
    side_free(&t.one);
    side_free(&t.two);
    world_detects_flapping = false;
}

/* ---- the test ---- */

static struct {
    uint64_t from, to;
    unsigned batches;
    bool drawn_by_hand; /* somebody named the seeds */
} runs = {.from = 1, .to = 32, .batches = 500};

static void all_of_it_came_to_pass(const struct counts *c) {
    assert_true(c->results > 0 && c->refused > 0);
    assert_true(c->applied > 0 && c->applies_refused > 0);
    assert_true(c->convicted > 0);
    assert_true(c->gaps > 0 && c->rebuilt > 0);
    assert_true(c->masked > 0 && c->unmasked > 0);
    for (unsigned kind = 1; kind < COMMAND_KIND_LIMIT; kind++) {
        assert_true(c->commands[kind] > 0);
    }
    for (unsigned type = 1; type < ALERT_TYPE_LIMIT; type++) {
        assert_true(c->alerts[type] > 0);
    }
}

static void print_counts(const struct counts *c) {
    fprintf(stderr, "# seeds %llu to %llu: %u results, %u refused; %u applies, %u refused; %u convicted, %u gaps, ",
            (unsigned long long)runs.from, (unsigned long long)runs.to, c->results, c->refused, c->applied,
            c->applies_refused, c->convicted, c->gaps);
    fprintf(stderr, "%u rebuilt; %u masked, %u unmasked\n# commands:", c->rebuilt, c->masked, c->unmasked);
    for (unsigned kind = 1; kind < COMMAND_KIND_LIMIT; kind++) {
        fprintf(stderr, " %u", c->commands[kind]);
    }
    fprintf(stderr, "\n# alerts:");
    for (unsigned type = 1; type < ALERT_TYPE_LIMIT; type++) {
        fprintf(stderr, " %s %u", alert_type_name((enum alert_type)type), c->alerts[type]);
    }
    fprintf(stderr, "\n");
}

static void who_is_rebuilt_again_and_again_stays_the_twin_of_who_never_stopped(void **state) {
    (void)state;
    struct counts counts = {0};
    for (uint64_t seed = runs.from; seed <= runs.to; seed++) {
        live(seed, runs.batches, runs.from == runs.to, &counts);
    }
    if (runs.drawn_by_hand) {
        print_counts(&counts);
    } else {
        all_of_it_came_to_pass(&counts);
    }
}

int main(int argc, char **argv) {
    if (argc > 2) {
        runs.from = strtoull(argv[1], NULL, 10);
        runs.to = strtoull(argv[2], NULL, 10);
        runs.batches = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : runs.batches;
        runs.drawn_by_hand = true;
    }
    signal(SIGABRT, tell_whereabouts);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_rebuilt_again_and_again_stays_the_twin_of_who_never_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
