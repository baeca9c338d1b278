/* What liars can't do by scores: have an honest observer masked that errs now and then, or bend a verdict by masks. */
#include "checks/verdict.h"
#include "masking_world.h"

enum { WINDOWS = 20000 };

/* ---- t liars against an honest observer that errs ---- */

/* What the liars do in a second of a round, knowing what every honest observer said last. */
enum tactic { SIDE_AGAINST_IT, JOIN_ITS_ERROR, BOTH, WAIT_FOR_AN_ERROR, FLOOD, TACTICS };

struct frame_up {
    struct world w;
    struct prng prng;
    unsigned observers, liars, error; /* per mille of honest votes that are wrong */
    uint8_t said[8];
};

static void o_votes(struct frame_up *f, unsigned observer, uint8_t state) {
    char name[] = {'o', (char)('0' + observer), 0};
    votes(&f->w, name, state);
}

static bool somebody_errs(const struct frame_up *f) {
    bool any = false;
    for (unsigned i = 0; i < f->observers - f->liars; i++) {
        any = any || f->said[i] != OK;
    }
    return any;
}

static void liars_act(struct frame_up *f, enum tactic tactic, unsigned second) {
    bool error = somebody_errs(f);
    for (unsigned i = f->observers - f->liars; i < f->observers; i++) {
        switch (tactic) {
        case SIDE_AGAINST_IT:
            if (second == 9)
                o_votes(f, i, OK);
            break;
        case JOIN_ITS_ERROR:
            o_votes(f, i, error ? CRIT : OK);
            break;
        case BOTH: /* blamed at the end of the round, and the rounds behind it are spoilt */
            o_votes(f, i, error && second == 0 ? CRIT : OK);
            break;
        case WAIT_FOR_AN_ERROR:
            if (error)
                o_votes(f, i, OK);
            break;
        default:
            for (int k = 0; k < 3; k++) {
                o_votes(f, i, error ? OK : (uint8_t)prng_below(&f->prng, 2));
            }
            o_votes(f, i, OK);
        }
    }
}

static void honest_speak(struct frame_up *f, unsigned second) {
    for (unsigned i = 0; i < f->observers - f->liars; i++) {
        if (second == 2 + i) {
            f->said[i] = prng_chance(&f->prng, f->error) ? CRIT : OK;
            o_votes(f, i, f->said[i]);
        }
    }
}

static void try_to_frame(const char *text, unsigned observers, unsigned liars, enum tactic tactic, uint64_t seed) {
    struct frame_up f = {.w = world_begin(text), .observers = observers, .liars = liars, .error = 50};
    prng_seed(&f.prng, seed);
    unsigned cost = 0;
    for (unsigned i = 0; i < WINDOWS; i++) {
        for (unsigned second = 0; second < ROUND; second++) {
            honest_speak(&f, second);
            liars_act(&f, tactic, second);
            world_advance(&f.w, 1);
        }
        for (unsigned o = 0; o < observers - liars; o++) {
            char text_of_mask[] = {'o', (char)('0' + o), ' ', 'm', 0}, name[] = {'o', (char)('0' + o), 0};
            assert_false(log_has(&f.w, text_of_mask));
            cost += i % 100 == 0 && stands(&f.w, name).score > 0;
        }
        buffer_clear(&f.w.log);
    }
    assert_true(cost > 0); /* they tried */
    world_end(&f.w);
}

static void liars_cannot_frame_an_honest_observer_that_errs(void **state) {
    (void)state;
    for (enum tactic tactic = 0; tactic < TACTICS; tactic++) {
        try_to_frame(HOST_AND_SERVICE(" _OBSERVERS o0,o1,o2\n notification_interval 0\n"), 3, 1, tactic, tactic + 1);
        try_to_frame(HOST_AND_SERVICE(" _OBSERVERS o0,o1,o2,o3,o4\n notification_interval 0\n"), 5, 2, tactic,
                     tactic + 100);
    }
}

/* ---- I15: what the verdict may be when t lie and others are masked ---- */

enum { SILENT = 4, CHOICES = 5, LARGEST = 6 };

struct world_of_votes {
    unsigned m, q, votes[LARGEST], liars, masked; /* bit sets */
};

static unsigned tolerated(unsigned m, unsigned q) {
    return q - 1 < m - q ? q - 1 : m - q;
}

static unsigned bits(unsigned set) {
    unsigned count = 0;
    for (; set; set &= set - 1) {
        count++;
    }
    return count;
}

static struct verdict verdict_without_the_masked(const struct world_of_votes *x) {
    struct ballot b = {.observers = x->m, .quorum = x->q};
    for (unsigned i = 0; i < x->m; i++) {
        if (!(x->masked >> i & 1) && x->votes[i] != SILENT) {
            b.votes[x->votes[i]]++;
        }
    }
    return verdict_of(&b);
}

/* Liars may also be silent or say UNKNOWN; all others say what they see, also those that are masked. */
static void check_one(const struct world_of_votes *x, unsigned long *decided) {
    struct verdict v = verdict_without_the_masked(x);
    unsigned low = STATE_CRITICAL, high = STATE_OK;
    for (unsigned i = 0; i < x->m; i++) {
        if (!(x->liars >> i & 1)) {
            low = x->votes[i] < low ? x->votes[i] : low;
            high = x->votes[i] > high ? x->votes[i] : high;
        }
    }
    if (v.kind != VERDICT_DECIDED) {
        assert_true(bits(x->liars | x->masked) > tolerated(x->m, x->q) || low < high);
        return;
    }
    ++*decided;
    assert_true(v.state <= high);                       /* no problem that no honest observer sees, none too severe */
    assert_true(v.state > STATE_OK || low == STATE_OK); /* no OK where every honest observer sees a problem */
    if (bits(x->liars | x->masked) <= tolerated(x->m, x->q)) {
        assert_true(v.state >= low); /* within honest votes */
    }
}

static bool next_votes(struct world_of_votes *x) {
    for (unsigned i = 0; i < x->m; i++) {
        bool liar = x->liars >> i & 1;
        if (++x->votes[i] < (liar ? CHOICES : STATE_UNKNOWN)) {
            return true;
        }
        x->votes[i] = 0;
    }
    return false;
}

static void masks_within_the_bound_keep_the_verdict_within_honest_votes(void **state) {
    (void)state;
    unsigned long decided = 0;
    for (unsigned m = 1; m <= LARGEST; m++) {
        for (unsigned q = 1; q <= m; q++) {
            for (unsigned sets = 0; sets < 1u << 2 * m; sets++) {
                struct world_of_votes x = {.m = m, .q = q, .liars = sets & ((1u << m) - 1), .masked = sets >> m};
                if (bits(x.liars) > tolerated(m, q) || bits(x.masked) > tolerated(m, q)) {
                    continue;
                }
                do {
                    check_one(&x, &decided);
                } while (next_votes(&x));
            }
        }
    }
    assert_true(decided > 800000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(liars_cannot_frame_an_honest_observer_that_errs),
        cmocka_unit_test(masks_within_the_bound_keep_the_verdict_within_honest_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
