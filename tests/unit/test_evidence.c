/* Evidence (R10): what convicts, clause by clause, and that one step beside it convicts nobody. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "tests/unit/witness.h"

static enum error verdict(struct witness *w, enum evidence_kind kind, struct bytes a, struct bytes b,
                          struct evidence_finding *out) {
    struct op_evidence e = {.kind = kind, .count = b.data ? 2 : 1, .frames = {a, b}};
    return evidence_verify(&w->judge, &e, out);
}

static void convicts(struct witness *w, enum evidence_kind kind, struct bytes a, struct bytes b, member_id who,
                     view_no v, seq_no n) {
    struct evidence_finding f;
    assert_int_equal(verdict(w, kind, a, b, &f), ERR_OK);
    assert_int_equal(f.culprit.role, ROLE_MEMBER);
    assert_int_equal(f.culprit.index, who);
    assert_true(public_key_equal(&f.culprit.key, &w->verifier.keys[who]));
    assert_int_equal(f.v, v);
    assert_int_equal(f.n, n);
    if (b.data) { /* a certificate or a NEW-VIEW has its place; two of a kind have no order */
        struct frame fa, fb;
        assert_int_equal(frame_open(&fa, a) | frame_open(&fb, b), ERR_OK);
        assert_true(fa.type != fb.type || verdict(w, kind, b, a, &f) == ERR_OK);
    }
}

static void acquits(struct witness *w, enum evidence_kind kind, struct bytes a, struct bytes b) {
    struct evidence_finding f;
    assert_int_not_equal(verdict(w, kind, a, b, &f), ERR_OK);
    assert_int_equal(f.culprit.role, ROLE_NONE);
}

static const struct bytes NOTHING = {NULL, 0};

/* ---- EV1, EV2, EV3 ---- */

static void two_votes_for_one_place_convict_and_nothing_less(void **state) {
    (void)state;
    static const struct {
        enum evidence_kind kind;
        enum frame_type type;
        member_id member;
    } rows[] = {
        {EV_EQUIV_PP, FRAME_PRE_PREPARE, 1}, {EV_EQUIV_PREPARE, FRAME_PREPARE, 3}, {EV_EQUIV_COMMIT, FRAME_COMMIT, 2}};
    struct witness *w = witness_new(4);
    for (unsigned i = 0; i < 3; i++) {
        enum evidence_kind k = rows[i].kind;
        enum frame_type t = rows[i].type;
        member_id who = rows[i].member;
        struct bytes a = vote_of(w, t, who, 1, 7, 1);
        convicts(w, k, a, vote_of(w, t, who, 1, 7, 2), who, 1, 7);
        convicts(w, k, a, vote_in(w, t, who, (struct vote){1, 7, batch_d(1), {{9}}}), who, 1, 7);
        acquits(w, k, a, a);
        acquits(w, k, a, vote_of(w, t, who, 5, 7, 2));                  /* another view */
        acquits(w, k, a, vote_of(w, t, who, 1, 8, 2));                  /* another place */
        acquits(w, k, a, vote_of(w, t, (member_id)(who ^ 1), 1, 7, 2)); /* another signer */
        acquits(w, k, a, NOTHING);
    }
    witness_free(w);
}

static void a_kind_takes_its_own_frames_only(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes pp[2] = {vote_of(w, FRAME_PRE_PREPARE, 1, 1, 7, 1), vote_of(w, FRAME_PRE_PREPARE, 1, 1, 7, 2)};
    struct bytes p[2] = {vote_of(w, FRAME_PREPARE, 1, 1, 7, 1), vote_of(w, FRAME_PREPARE, 1, 1, 7, 2)};
    acquits(w, EV_EQUIV_PREPARE, pp[0], pp[1]);
    acquits(w, EV_EQUIV_PREPARE, pp[0], p[1]);
    acquits(w, EV_EQUIV_PP, p[0], p[1]);
    acquits(w, EV_EQUIV_PP, pp[0], p[1]);
    acquits(w, EV_EQUIV_COMMIT, p[0], p[1]);
    acquits(w, EV_EQUIV_CKPT, p[0], p[1]);
    acquits(w, (enum evidence_kind)0, p[0], p[1]);
    acquits(w, EV_KIND_LIMIT, p[0], p[1]);
    struct bytes stray[2] = {vote_of(w, FRAME_PRE_PREPARE, 2, 1, 7, 1), vote_of(w, FRAME_PRE_PREPARE, 2, 1, 7, 2)};
    acquits(w, EV_EQUIV_PP, stray[0], stray[1]); /* no primary of view 1 */
    witness_free(w);
}

static void a_commit_binds_to_what_was_prepared(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes commit = vote_of(w, FRAME_COMMIT, 1, 1, 7, 1);
    convicts(w, EV_EQUIV_COMMIT, commit, vote_of(w, FRAME_PREPARE, 1, 1, 7, 2), 1, 1, 7);
    convicts(w, EV_EQUIV_COMMIT, commit, vote_of(w, FRAME_PRE_PREPARE, 1, 1, 7, 2), 1, 1, 7);
    acquits(w, EV_EQUIV_COMMIT, commit, vote_of(w, FRAME_PREPARE, 1, 1, 7, 1));
    acquits(w, EV_EQUIV_COMMIT, commit, vote_of(w, FRAME_PREPARE, 1, 0, 7, 2)); /* an earlier view may have differed */
    witness_free(w);
}

static void a_changed_byte_anywhere_convicts_nobody(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes a = vote_of(w, FRAME_PREPARE, 3, 1, 7, 1), b = vote_of(w, FRAME_PREPARE, 3, 1, 7, 2);
    for (size_t i = 0; i < b.len; i++) {
        struct bytes bent = arena_copy(&w->arena, b);
        ((uint8_t *)(uintptr_t)bent.data)[i] ^= 1;
        acquits(w, EV_EQUIV_PREPARE, a, bent);
        acquits(w, EV_EQUIV_PREPARE, bent, a);
    }
    for (size_t len = 0; len < b.len; len++) {
        acquits(w, EV_EQUIV_PREPARE, a, bytes_of(b.data, len ? len : 1));
    }
    struct witness *other = witness_new(4); /* signed for another cluster, or in another epoch */
    other->verifier.cluster.b[0] ^= 1;
    acquits(w, EV_EQUIV_PREPARE, a, vote_of(other, FRAME_PREPARE, 3, 1, 7, 2));
    w->verifier.epoch = 1;
    acquits(w, EV_EQUIV_PREPARE, a, b);
    witness_free(other);
    witness_free(w);
}

/* ---- EV4, EV5 ---- */

static void two_checkpoints_convict(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes a = checkpoint_of(w, 2, 8, 1);
    convicts(w, EV_EQUIV_CKPT, a, checkpoint_of(w, 2, 8, 2), 2, 0, 8);
    acquits(w, EV_EQUIV_CKPT, a, a);
    acquits(w, EV_EQUIV_CKPT, a, checkpoint_of(w, 2, 16, 2));
    acquits(w, EV_EQUIV_CKPT, a, checkpoint_of(w, 3, 8, 2));
    witness_free(w);
}

static void a_checkpoint_against_the_certificate_is_a_fault(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes cert = certificate_of(w, 8, 1, 7);
    convicts(w, EV_BAD_CKPT, checkpoint_of(w, 3, 8, 2), cert, 3, 0, 8);
    acquits(w, EV_BAD_CKPT, checkpoint_of(w, 3, 8, 1), cert);
    acquits(w, EV_BAD_CKPT, checkpoint_of(w, 3, 9, 2), cert);
    acquits(w, EV_BAD_CKPT, checkpoint_of(w, 3, 8, 2), certificate_of(w, 8, 1, 3)); /* Q-1 signatures */
    struct bytes bent = arena_copy(&w->arena, cert);
    ((uint8_t *)(uintptr_t)bent.data)[cert.len - SIGNATURE_LEN - 1] ^= 1; /* the last signature inside */
    acquits(w, EV_BAD_CKPT, checkpoint_of(w, 3, 8, 2), bent);
    assert_int_equal(evidence_weight(EV_BAD_CKPT), EVIDENCE_FAULT);
    witness_free(w);
}

/* ---- EV6, EV7, EV10 ---- */

static void what_was_committed_must_stand_in_the_view_change(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct prepared_entry same = prepared_in(w, 1, 7, 1), later = prepared_in(w, 2, 7, 2),
                          earlier = prepared_in(w, 0, 7, 1), other = prepared_in(w, 1, 8, 1);
    struct bytes commit = vote_of(w, FRAME_COMMIT, 2, 1, 7, 1);
    convicts(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 0, NULL, 0), 2, 3, 7);
    convicts(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 0, &earlier, 1), 2, 3, 7);
    convicts(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 6, &other, 1), 2, 3, 7);
    acquits(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 0, &same, 1));
    acquits(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 0, &later, 1)); /* a higher view may say otherwise */
    acquits(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 3, 7, NULL, 0));   /* certified */
    acquits(w, EV_VC_OMISSION, commit, view_change_of(w, 2, 1, 0, NULL, 0));   /* committed after it */
    acquits(w, EV_VC_OMISSION, commit, view_change_of(w, 1, 3, 0, NULL, 0));   /* another's */
    acquits(w, EV_VC_OMISSION, vote_of(w, FRAME_PREPARE, 2, 1, 7, 1), view_change_of(w, 2, 3, 0, NULL, 0));
    witness_free(w);
}

static void a_view_change_with_a_wrong_proof_convicts(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct prepared_entry good = prepared_in(w, 0, 1, 1), bad = good, beyond = prepared_in(w, 0, WITNESS_WINDOW + 1, 1);
    bad.prepares[0].sig.b[5] ^= 1;
    acquits(w, EV_BAD_VC, view_change_of(w, 2, 1, 0, &good, 1), NOTHING);
    convicts(w, EV_BAD_VC, view_change_of(w, 2, 1, 0, &bad, 1), NOTHING, 2, 1, 0);
    convicts(w, EV_BAD_VC, view_change_of(w, 2, 1, 0, &beyond, 1), NOTHING, 2, 1, 0);
    w->judge.window++; /* W decides, and it is the genesis' */
    acquits(w, EV_BAD_VC, view_change_of(w, 2, 1, 0, &beyond, 1), NOTHING);
    struct bytes forged = view_change_of(w, 2, 1, 0, &bad, 1);
    ((uint8_t *)(uintptr_t)forged.data)[forged.len - 1] ^= 1; /* somebody else made it */
    acquits(w, EV_BAD_VC, forged, NOTHING);
    witness_free(w);
}

static void two_view_changes_for_one_view_convict(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct prepared_entry e = prepared_in(w, 0, 1, 1);
    struct bytes a = view_change_of(w, 2, 1, 0, &e, 1), b = view_change_of(w, 2, 1, 0, NULL, 0);
    convicts(w, EV_EQUIV_VC, a, b, 2, 1, 0);
    acquits(w, EV_EQUIV_VC, a, a);
    acquits(w, EV_EQUIV_VC, a, view_change_of(w, 2, 2, 0, NULL, 0));
    acquits(w, EV_EQUIV_VC, a, view_change_of(w, 3, 1, 0, NULL, 0));
    witness_free(w);
}

/* ---- EV8, EV9 ---- */

struct views { /* three VIEW-CHANGEs for view 1, n = 1 prepared with d = 1 */
    struct prepared_entry e;
    struct bytes vcs[3], none[3];
};

static void make_views(struct witness *w, struct views *x) {
    x->e = prepared_in(w, 0, 1, 1);
    for (member_id i = 0; i < 3; i++) {
        x->vcs[i] = view_change_of(w, i, 1, 0, &x->e, 1);
        x->none[i] = view_change_of(w, i, 1, 0, NULL, 0);
    }
}

static void a_new_view_that_its_proof_does_not_demand_convicts(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct views x;
    struct staged_view s;
    make_views(w, &x);
    stage_view(w, &s, x.vcs, 3);
    acquits(w, EV_BAD_NV, new_view_of(w, &s, 1, 1), NOTHING);
    convicts(w, EV_BAD_NV, new_view_of(w, &s, 1, 2), NOTHING, 2, 1, 0); /* no primary */
    s.plan.slots[0].d = batch_d(2);
    convicts(w, EV_BAD_NV, new_view_of(w, &s, 1, 1), NOTHING, 1, 1, 0);
    stage_view(w, &s, x.vcs, 2); /* Q-1 VIEW-CHANGEs */
    convicts(w, EV_BAD_NV, new_view_of(w, &s, 1, 1), NOTHING, 1, 1, 0);
    witness_free(w);
}

static void who_votes_under_an_invalid_new_view_is_convicted_too(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct views x;
    struct staged_view s;
    make_views(w, &x);
    stage_view(w, &s, x.vcs, 3);
    s.plan.slots[0].d = batch_d(2);
    struct bytes bad = new_view_of(w, &s, 1, 1);
    struct vote named = {1, 9, batch_d(5), s.digest}, other = {1, 9, batch_d(5), {{1}}},
                elsewhere = {2, 9, named.d, s.digest};
    convicts(w, EV_BAD_NV, bad, vote_in(w, FRAME_PREPARE, 3, named), 3, 1, 9);
    convicts(w, EV_BAD_NV, bad, vote_in(w, FRAME_COMMIT, 2, named), 2, 1, 9);
    acquits(w, EV_BAD_NV, bad, vote_in(w, FRAME_PREPARE, 3, other));
    acquits(w, EV_BAD_NV, bad, vote_in(w, FRAME_PREPARE, 3, elsewhere));
    witness_free(w);
}

/* The digest binds V and O. A traitor can put them into a frame of its own, or beside wrong signatures over O: whoever
   voted for the good one named the same digest, and did nothing wrong. */
static void a_good_core_in_a_bad_frame_convicts_its_signer_alone(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct views x;
    struct staged_view s;
    make_views(w, &x);
    stage_view(w, &s, x.vcs, 3);
    struct bytes stray = new_view_of(w, &s, 1, 3);
    struct vote right = {1, 1, batch_d(1), s.digest}, beyond = {1, 2, batch_d(5), s.digest},
                against = {1, 1, batch_d(2), s.digest};
    convicts(w, EV_BAD_NV, stray, NOTHING, 3, 1, 0);
    acquits(w, EV_BAD_NV, stray, vote_in(w, FRAME_PREPARE, 2, right));
    acquits(w, EV_BAD_NV, stray, vote_in(w, FRAME_PREPARE, 2, beyond));
    convicts(w, EV_BAD_NV, stray, vote_in(w, FRAME_PREPARE, 2, against), 2, 1, 1);
    witness_free(w);
}

static void a_vote_below_the_new_view_s_base_convicts(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct staged_view s;
    struct bytes vcs[3];
    for (member_id i = 0; i < 3; i++) {
        vcs[i] = view_change_of(w, i, 1, i == 1 ? 8 : 0, NULL, 0);
    }
    stage_view(w, &s, vcs, 3);
    struct bytes nv = new_view_of(w, &s, 1, 1);
    convicts(w, EV_BAD_NV, nv, vote_in(w, FRAME_PREPARE, 2, (struct vote){1, 8, batch_d(1), s.digest}), 2, 1, 8);
    acquits(w, EV_BAD_NV, nv, vote_in(w, FRAME_PREPARE, 2, (struct vote){1, 9, batch_d(1), s.digest}));
    witness_free(w);
}

static void two_new_views_for_one_view_convict(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct views x;
    struct staged_view s, t;
    make_views(w, &x);
    stage_view(w, &s, x.vcs, 3);
    stage_view(w, &t, x.none, 3);
    struct bytes a = new_view_of(w, &s, 1, 1), b = new_view_of(w, &t, 1, 1);
    convicts(w, EV_EQUIV_NV, a, b, 1, 1, 0);
    acquits(w, EV_EQUIV_NV, a, a);
    acquits(w, EV_EQUIV_NV, a, new_view_of(w, &t, 1, 2));
    acquits(w, EV_EQUIV_NV, a, new_view_of(w, &t, 5, 1));
    witness_free(w);
}

/* ---- EV11, EV12, EV13 ---- */

static void two_ticks_of_one_number_are_a_fault(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes a = tick_of(w, 2, 5, 1, 9, 1000);
    convicts(w, EV_TICK_EQUIV, a, tick_of(w, 2, 6, 1, 9, 1000), 2, 1, 9);
    convicts(w, EV_TICK_EQUIV, a, tick_of(w, 2, 5, 1, 9, 2000), 2, 1, 9);
    acquits(w, EV_TICK_EQUIV, a, a);
    acquits(w, EV_TICK_EQUIV, a, tick_of(w, 2, 6, 1, 10, 1000));
    acquits(w, EV_TICK_EQUIV, a, tick_of(w, 2, 6, 2, 9, 1000)); /* a clock may step back; a boot starts to count anew */
    acquits(w, EV_TICK_EQUIV, a, tick_of(w, 3, 6, 1, 9, 1000));
    acquits(w, EV_TICK_EQUIV, a, result_of(w, 0, 5, 1, "OK"));
    assert_int_equal(evidence_weight(EV_TICK_EQUIV), EVIDENCE_FAULT);
    witness_free(w);
}

static void two_contents_of_one_result_convict_the_observer(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct evidence_finding f;
    struct bytes a = result_of(w, 1, 5, 77, "OK");
    assert_int_equal(verdict(w, EV_OBS_EQUIV, a, result_of(w, 1, 6, 77, "CRITICAL"), &f), ERR_OK);
    assert_int_equal(f.culprit.role, ROLE_OBSERVER);
    assert_int_equal(f.culprit.index, 1);
    assert_int_equal(f.n, 77);
    acquits(w, EV_OBS_EQUIV, a, result_of(w, 1, 6, 77, "OK")); /* bundled anew */
    acquits(w, EV_OBS_EQUIV, a, result_of(w, 1, 6, 78, "CRITICAL"));
    acquits(w, EV_OBS_EQUIV, a, result_of(w, 0, 6, 77, "CRITICAL"));
    acquits(w, EV_OBS_EQUIV, a, tick_of(w, 2, 5, 1, 9, 1000));
    struct sample {
        uint8_t seed[SECRET_SEED_LEN];
    } stranger = {{9}};
    crypto_keypair_from_seed(&w->client_keys[1], &w->client_secrets[1], stranger.seed); /* never enrolled */
    acquits(w, EV_OBS_EQUIV, result_of(w, 1, 5, 77, "OK"), result_of(w, 1, 6, 77, "CRITICAL"));
    witness_free(w);
}

/* Wherever in two full bundles the two contents stand, and whatever differs. */
static void a_conflict_is_found_anywhere_in_two_bundles(void **state) {
    (void)state;
    struct observation a[OBSERVE_MAX], b[OBSERVE_MAX];
    struct request x = {.kind = OP_OBSERVE, .observe = {OBSERVE_MAX, a}}, y = x;
    y.observe.list = b;
    for (unsigned i = 0; i < OBSERVE_MAX; i++) {
        a[i] = (struct observation){i % 2 ? "db" : "web", i / 2 % 2 ? "ssh" : "", i / 4, 0, "out", "perf", 1000};
        b[OBSERVE_MAX - 1 - i] = a[i];
    }
    assert_false(evidence_observation_conflict(&x, &y, NULL, NULL));
    for (unsigned i = 0; i < 4 * OBSERVE_MAX; i++) {
        struct observation *o = &b[OBSERVE_MAX - 1 - i / 4], old = *o;
        uint64_t obs_seq = 0;
        o->state += i % 4 == 0;
        o->observed_at += i % 4 == 1;
        o->output = i % 4 == 2 ? "on" : "out";
        o->perfdata = i % 4 == 3 ? "" : "perf";
        assert_true(evidence_observation_conflict(&x, &y, NULL, &obs_seq));
        assert_int_equal(obs_seq, a[i / 4].obs_seq);
        *o = old;
    }
}

static void two_requests_under_one_number_are_the_client_s_fault(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct evidence_finding f;
    struct bytes a = result_of(w, 1, 5, 77, "OK");
    assert_int_equal(verdict(w, EV_CLIENT_EQUIV, a, result_of(w, 1, 5, 78, "OK"), &f), ERR_OK);
    assert_int_equal(f.culprit.index, 1);
    assert_int_equal(f.n, 5);
    acquits(w, EV_CLIENT_EQUIV, a, a);
    acquits(w, EV_CLIENT_EQUIV, a, result_of(w, 1, 6, 78, "OK"));
    acquits(w, EV_CLIENT_EQUIV, a, result_of(w, 0, 5, 78, "OK"));
    assert_int_equal(evidence_weight(EV_CLIENT_EQUIV), EVIDENCE_CLIENT);
    witness_free(w);
}

/* ---- EV14 ---- */

static enum error receipts(struct witness *w, struct bytes a, struct bytes b, struct bytes c, unsigned count) {
    struct op_evidence e = {.kind = EV_BAD_RECEIPT, .count = count, .frames = {a, b, c}};
    struct evidence_finding f;
    enum error verdict = evidence_verify(&w->judge, &e, &f);
    assert_true(verdict != ERR_OK || f.culprit.index == 3);
    return verdict;
}

static void a_receipt_against_f_plus_1_others_is_a_fault(void **state) {
    (void)state;
    struct witness *w = witness_new(4);
    struct bytes bad = receipt_of(w, 3, 8, 2), r0 = receipt_of(w, 0, 8, 1), r1 = receipt_of(w, 1, 8, 1);
    assert_int_equal(receipts(w, bad, r0, r1, 3), ERR_OK);
    assert_int_not_equal(receipts(w, bad, r0, NOTHING, 2), ERR_OK); /* f others */
    assert_int_not_equal(receipts(w, bad, r0, r0, 3), ERR_OK);      /* one twice */
    assert_int_not_equal(receipts(w, bad, r1, r0, 3), ERR_OK);      /* one form only */
    assert_int_not_equal(receipts(w, bad, r0, receipt_of(w, 1, 8, 3), 3), ERR_OK);
    assert_int_not_equal(receipts(w, bad, r0, receipt_of(w, 1, 9, 1), 3), ERR_OK);
    assert_int_not_equal(receipts(w, receipt_of(w, 3, 9, 2), r0, r1, 3), ERR_OK);
    assert_int_not_equal(receipts(w, receipt_of(w, 3, 8, 1), r0, r1, 3), ERR_OK);
    assert_int_not_equal(receipts(w, receipt_of(w, 1, 8, 2), r0, r1, 3), ERR_OK); /* the accused among its accusers */
    assert_int_equal(evidence_weight(EV_BAD_RECEIPT), EVIDENCE_FAULT);
    witness_free(w);
}

static void every_kind_has_its_words(void **state) {
    (void)state;
    for (unsigned k = 1; k < EV_KIND_LIMIT; k++) {
        assert_string_not_equal(evidence_name((enum evidence_kind)k), "?");
        assert_int_equal(evidence_kind_of(evidence_code((enum evidence_kind)k)), k);
        assert_int_equal(evidence_kind_of(evidence_name((enum evidence_kind)k)), k);
    }
    assert_int_equal(evidence_kind_of("EV15"), 0);
    assert_string_equal(evidence_name(EV_KIND_LIMIT), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_votes_for_one_place_convict_and_nothing_less),
        cmocka_unit_test(a_kind_takes_its_own_frames_only),
        cmocka_unit_test(a_commit_binds_to_what_was_prepared),
        cmocka_unit_test(a_changed_byte_anywhere_convicts_nobody),
        cmocka_unit_test(two_checkpoints_convict),
        cmocka_unit_test(a_checkpoint_against_the_certificate_is_a_fault),
        cmocka_unit_test(what_was_committed_must_stand_in_the_view_change),
        cmocka_unit_test(a_view_change_with_a_wrong_proof_convicts),
        cmocka_unit_test(two_view_changes_for_one_view_convict),
        cmocka_unit_test(a_new_view_that_its_proof_does_not_demand_convicts),
        cmocka_unit_test(who_votes_under_an_invalid_new_view_is_convicted_too),
        cmocka_unit_test(a_good_core_in_a_bad_frame_convicts_its_signer_alone),
        cmocka_unit_test(a_vote_below_the_new_view_s_base_convicts),
        cmocka_unit_test(two_new_views_for_one_view_convict),
        cmocka_unit_test(two_ticks_of_one_number_are_a_fault),
        cmocka_unit_test(two_contents_of_one_result_convict_the_observer),
        cmocka_unit_test(a_conflict_is_found_anywhere_in_two_bundles),
        cmocka_unit_test(two_requests_under_one_number_are_the_client_s_fault),
        cmocka_unit_test(a_receipt_against_f_plus_1_others_is_a_fault),
        cmocka_unit_test(every_kind_has_its_words),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
