/* No honest replica can be convicted by what it signed: everything that a small cluster of cores said through losses,
   view changes, crashes and restarts is tried as evidence against them, in pairs and alone, and given to the audit. */
#include "base/prng.h"
#include "proto/audit.h"
#include "tests/unit/pbft_cluster.h"

enum { KEPT_MAX = 20000, PAIRS = 3000 };

static struct {
    struct arena arena;
    struct audit_frame frames[KEPT_MAX];
    size_t count;
    struct prng prng;
    unsigned loss; /* per mille */
} run;

static bool keep(struct cluster *c, member_id from, member_id to, const struct msg *m) {
    (void)c, (void)from, (void)to;
    if (run.count < KEPT_MAX && m->type != FRAME_STATUS && m->type != FRAME_RELAY && m->type != FRAME_DATA) {
        run.frames[run.count] = (struct audit_frame){arena_copy(&run.arena, m->raw), 0, run.count};
        run.count++;
    }
    return !prng_chance(&run.prng, run.loss);
}

static void live(uint64_t seed, unsigned members) {
    struct cluster *c = cluster_new(members);
    prng_seed(&run.prng, seed);
    run.count = 0;
    run.loss = 150;
    c->arrives = keep;
    for (uint64_t seq = 1; seq <= 24; seq++) {
        submit(c, (unsigned)(seq % CLIENTS), seq);
        member_id who = (member_id)prng_below(&run.prng, members);
        if (seq % 8 == 0 && c->nodes[who].core) {
            node_crash(&c->nodes[who]);
            cluster_run(c, 2500);
            node_boot(&c->nodes[who]);
        }
        cluster_run(c, 400 + (mono_ms)prng_below(&run.prng, 800));
    }
    run.loss = 0;
    cluster_run(c, 20000);
    assert_agreement(c);
    assert_true(node_view(&c->nodes[0]).view > 0); /* views changed, so there are VIEW-CHANGEs to try */
    for (member_id i = 0; i < members; i++) {
        assert_int_equal(c->proven[i], 0);
    }
    struct evidence_judge judge = {&c->verifier, NULL, c->config.window};
    struct audit_report *report = xcalloc(1, sizeof *report);
    audit_frames(&judge, run.frames, run.count, report);
    assert_int_equal(report->disagreements, 0);
    assert_int_equal(report->finding_count, 0);
    assert_true(report->new_views > 0 && report->used > 100);
    audit_report_free(report);
    free(report);
    for (unsigned i = 0; i < PAIRS; i++) {
        struct op_evidence e = {.kind = (enum evidence_kind)(1 + prng_below(&run.prng, EV_EQUIV_VC)), .count = 2};
        struct evidence_finding f;
        e.frames[0] = run.frames[prng_below(&run.prng, run.count)].raw;
        e.frames[1] = run.frames[prng_below(&run.prng, run.count)].raw;
        assert_int_not_equal(evidence_verify(&judge, &e, &f), ERR_OK);
        e.count = 1;
        assert_int_not_equal(evidence_verify(&judge, &e, &f), ERR_OK);
    }
    arena_free(&run.arena);
    cluster_free(c);
}

static void honest_frames_convict_nobody(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        live(seed, 4);
    }
    live(9, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(honest_frames_convict_nobody)};
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
