/* The audit: whatever broke the agreement, at least f+1 are named for it and nobody honest. */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/prng.h"
#include "proto/audit.h"
#include "tests/unit/witness.h"

enum { FRAMES_MAX = 4096 };

struct story {
    struct witness *w;
    struct audit_frame frames[FRAMES_MAX];
    size_t count;
    struct audit_report report;
};

static struct story *begin(unsigned members) {
    struct story *s = xcalloc(1, sizeof *s);
    s->w = witness_new(members);
    return s;
}

static void end(struct story *s) {
    audit_report_free(&s->report);
    witness_free(s->w);
    free(s);
}

static void show(struct story *s, struct bytes raw) {
    assert_true(s->count < FRAMES_MAX);
    s->frames[s->count] = (struct audit_frame){raw, 0, 1000 + s->count};
    s->count++;
}

static const struct audit_report *audited(struct story *s) {
    audit_report_free(&s->report);
    audit_frames(&s->w->judge, s->frames, s->count, &s->report);
    for (unsigned i = 0; i < s->report.finding_count; i++) { /* each reason stands alone */
        const struct audit_finding *f = &s->report.findings[i];
        struct evidence_finding proven;
        assert_int_equal(evidence_verify(&s->w->judge, &f->proof, &proven), ERR_OK);
        assert_int_equal(proven.culprit.index, f->member);
        assert_true(f->at[0] < s->count && f->at[1] < s->count);
    }
    return &s->report;
}

static bool named(const struct audit_report *r, member_id member, enum evidence_kind kind) {
    for (unsigned i = 0; i < r->finding_count; i++) {
        if (r->findings[i].member == member && r->findings[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static struct vote at(view_no v, seq_no n, const struct digest *nv) {
    return (struct vote){v, n, {{0}}, nv ? *nv : (struct digest){{0}}};
}

/* ---- forks ---- */

static void two_decisions_in_one_view_name_who_signed_both(void **state) {
    (void)state;
    struct story *s = begin(4);
    show(s, decision_of(s->w, at(0, 5, NULL), 1, 0x7)); /* 0 1 2 */
    show(s, decision_of(s->w, at(0, 5, NULL), 2, 0xb)); /* 0 1 3 */
    show(s, decision_of(s->w, at(0, 6, NULL), 1, 0xf));
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->list[0].breach, AUDIT_TWO_DECISIONS);
    assert_int_equal(r->list[0].n, 5);
    assert_int_equal(r->list[0].at[0] + r->list[0].at[1], 1);
    assert_int_equal(r->culprits, 0x3);
    assert_int_equal(r->finding_count, 2);
    assert_true(named(r, 0, EV_EQUIV_COMMIT) && named(r, 1, EV_EQUIV_COMMIT));
    assert_int_equal(r->decisions, 2);
    end(s);
}

static void loose_commits_decide_as_well(void **state) {
    (void)state;
    struct story *s = begin(7); /* f = 2, Q = 5 */
    for (member_id i = 0; i < 5; i++) {
        show(s, vote_of(s->w, FRAME_COMMIT, i, 0, 5, 1));
        show(s, vote_of(s->w, FRAME_COMMIT, (member_id)(i + 2), 0, 5, 2));
    }
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->culprits, 0x1c); /* 2 3 4 */
    end(s);
}

static void fewer_than_q_commits_decide_nothing(void **state) {
    (void)state;
    struct story *s = begin(4);
    for (member_id i = 0; i < 2; i++) {
        show(s, vote_of(s->w, FRAME_COMMIT, i, 0, 5, 1));
        show(s, vote_of(s->w, FRAME_COMMIT, (member_id)(i + 2), 0, 5, 2));
    }
    const struct audit_report *r = audited(s);
    assert_int_equal(r->decisions + r->disagreements + r->finding_count, 0);
    end(s);
}

/* Decided in view 0 by 0 1 2. Then 0 and 1 leave it out of their VIEW-CHANGEs, and 3 never knew. */
static void forgotten_decision(struct story *s, struct digest *nv_digest) {
    struct bytes vcs[3];
    struct staged_view x;
    static const member_id who[3] = {0, 1, 3};
    for (unsigned i = 0; i < 3; i++) {
        vcs[i] = view_change_of(s->w, who[i], 1, 0, NULL, 0);
    }
    stage_view(s->w, &x, vcs, 3);
    show(s, decision_of(s->w, at(0, 1, NULL), 1, 0x7));
    show(s, new_view_of(s->w, &x, 1, 1));
    *nv_digest = x.digest;
}

static void a_decision_that_a_view_forgot_names_who_left_it_out(void **state) {
    (void)state;
    struct story *s = begin(4);
    struct digest nv;
    forgotten_decision(s, &nv);
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->list[0].breach, AUDIT_NEW_VIEW_FORGOT);
    assert_int_equal(r->culprits, 0x3);
    assert_true(named(r, 0, EV_VC_OMISSION) && named(r, 1, EV_VC_OMISSION));
    show(s, decision_of(s->w, at(1, 1, &nv), 2, 0xb));
    r = audited(s);
    assert_int_equal(r->disagreements, 2);
    assert_int_equal(r->culprits, 0x3);
    end(s);
}

/* As before, but the omission is covered up by what view 0 never prepared for them: a second certificate, for which
   backups must PREPARE twice. */
static void a_second_certificate_for_a_place_names_who_made_both(void **state) {
    (void)state;
    struct story *s = begin(4);
    struct prepared_entry e = prepared_by(s->w, (struct vote){0, 1, batch_d(2), {{0}}}, 0xa); /* 1 3, primary 0 */
    struct bytes vcs[3] = {view_change_of(s->w, 0, 1, 0, &e, 1), view_change_of(s->w, 1, 1, 0, &e, 1),
                           view_change_of(s->w, 3, 1, 0, &e, 1)};
    struct staged_view x;
    stage_view(s->w, &x, vcs, 3);
    show(s, decision_of(s->w, at(0, 1, NULL), 1, 0x7));
    show(s, new_view_of(s->w, &x, 1, 1));
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->culprits, 0x3);
    assert_true(named(r, 0, EV_EQUIV_COMMIT)); /* COMMIT d1, PRE-PREPARE d2 */
    assert_true(named(r, 1, EV_EQUIV_COMMIT)); /* COMMIT d1, PREPARE d2 */
    end(s);
}

static void two_new_views_name_their_primary(void **state) {
    (void)state;
    struct story *s = begin(4);
    struct prepared_entry e = prepared_in(s->w, 0, 1, 1);
    struct bytes with[3], without[3];
    struct staged_view x, y;
    for (member_id i = 0; i < 3; i++) {
        with[i] = view_change_of(s->w, i, 1, 0, &e, 1);
        without[i] = i == 0 ? with[0] : view_change_of(s->w, (member_id)(i == 1 ? 1 : 3), 1, 0, NULL, 0);
    }
    without[0] = view_change_of(s->w, 0, 1, 0, NULL, 0);
    stage_view(s->w, &x, with, 3);
    stage_view(s->w, &y, without, 3);
    show(s, new_view_of(s->w, &x, 1, 1));
    show(s, new_view_of(s->w, &y, 1, 1));
    show(s, decision_of(s->w, at(1, 1, &x.digest), 1, 0x7));
    show(s, decision_of(s->w, at(1, 1, &y.digest), 2, 0xb));
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->culprits, 0x3);
    assert_true(named(r, 1, EV_EQUIV_NV));
    assert_true(named(r, 0, EV_EQUIV_VC) && named(r, 1, EV_EQUIV_VC));
    assert_true(named(r, 0, EV_EQUIV_COMMIT) && named(r, 1, EV_EQUIV_COMMIT));
    end(s);
}

/* The VIEW-CHANGEs told the truth; the primary and its friends went on as if they had not. */
static void an_invented_new_view_names_all_who_endorsed_it(void **state) {
    (void)state;
    struct story *s = begin(4);
    struct prepared_entry e = prepared_in(s->w, 0, 1, 1);
    struct bytes vcs[3];
    struct staged_view x;
    for (member_id i = 0; i < 3; i++) {
        vcs[i] = view_change_of(s->w, i, 1, 0, &e, 1);
    }
    stage_view(s->w, &x, vcs, 3);
    x.plan.slots[0].d = batch_d(2);
    show(s, new_view_of(s->w, &x, 1, 1));
    show(s, decision_of(s->w, at(0, 1, NULL), 1, 0x7));
    show(s, decision_of(s->w, at(1, 1, &x.digest), 2, 0xe));
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1); /* an invalid NEW-VIEW decides nothing by itself */
    assert_int_equal(r->culprits, 0xe);
    assert_true(named(r, 1, EV_BAD_NV) && named(r, 2, EV_BAD_NV) && named(r, 3, EV_BAD_NV));
    end(s);
}

static void two_certificates_for_a_checkpoint_name_who_signed_both(void **state) {
    (void)state;
    struct story *s = begin(4);
    show(s, certificate_of(s->w, 8, 1, 0x7));
    show(s, certificate_of(s->w, 8, 2, 0xe));
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 1);
    assert_int_equal(r->list[0].breach, AUDIT_TWO_CHECKPOINTS);
    assert_int_equal(r->culprits, 0x6);
    end(s);
}

/* ---- what is no disagreement ---- */

static void show_honest_run(struct story *s, unsigned members) {
    struct witness *w = s->w;
    struct prepared_entry e[4];
    struct bytes vcs[MEMBERS_MAX];
    struct staged_view x;
    for (seq_no n = 1; n <= 4; n++) {
        show(s, decision_of(w, at(0, n, NULL), (uint8_t)n, set_all(members)));
        e[n - 1] = prepared_in(w, 0, n, (uint8_t)n);
        show(s, vote_of(w, FRAME_PRE_PREPARE, 0, 0, n, (uint8_t)n));
    }
    for (member_id i = 0; i < w->strong; i++) {
        vcs[i] = view_change_of(w, i, 1, 0, e, 4);
        show(s, vcs[i]);
    }
    stage_view(w, &x, vcs, w->strong);
    show(s, new_view_of(w, &x, 1, 1));
    for (seq_no n = 1; n <= 6; n++) {
        show(s, decision_of(w, at(1, n, &x.digest), (uint8_t)n, set_all(members)));
        for (member_id i = 0; i < members; i++) {
            if (i != 1) {
                show(s, vote_in(w, FRAME_PREPARE, i, (struct vote){1, n, batch_d((uint8_t)n), x.digest}));
            }
        }
    }
    show(s, certificate_of(w, 6, 1, set_all(members)));
}

static void an_honest_run_is_clean(void **state) {
    (void)state;
    struct story *s = begin(4);
    show_honest_run(s, 4);
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 0);
    assert_int_equal(r->finding_count, 0);
    assert_int_equal(r->used, r->frames);
    assert_int_equal(r->decisions, 6);
    assert_int_equal(r->new_views, 1);
    end(s);
}

static void forged_frames_say_nothing(void **state) {
    (void)state;
    struct story *s = begin(4);
    struct bytes forged = decision_of(s->w, at(0, 5, NULL), 2, 0xb);
    struct witness *stranger = witness_new(4);
    stranger->verifier.cluster.b[3] ^= 1;
    show(s, decision_of(s->w, at(0, 5, NULL), 1, 0x7));
    show(s, decision_of(stranger, at(0, 5, NULL), 2, 0xb)); /* another cluster */
    show(s, bytes_of(forged.data, forged.len - 1));
    struct bytes vote = vote_of(s->w, FRAME_COMMIT, 0, 0, 5, 2);
    ((uint8_t *)(uintptr_t)vote.data)[vote.len - 1] ^= 1;
    show(s, vote);
    const struct audit_report *r = audited(s);
    assert_int_equal(r->disagreements, 0);
    assert_int_equal(r->finding_count, 0);
    assert_int_equal(r->used, 1);
    witness_free(stranger);
    end(s);
}

/* ---- whatever traitors sign, beside an honest run ---- */

static uint64_t draw(struct prng *p, uint64_t below) {
    return prng_below(p, below);
}

static struct bytes lie(struct witness *w, struct prng *p, member_id liar, struct audit_frame *some) {
    struct vote v = {draw(p, 3), 1 + draw(p, 7), batch_d((uint8_t)(1 + draw(p, 6))), {{0}}};
    struct prepared_entry e = prepared_by(w, v, set_all(w->members));
    struct frame f;
    switch (draw(p, 6)) {
    case 0:
        return vote_in(w, FRAME_PRE_PREPARE, liar, v);
    case 1:
        return vote_in(w, FRAME_PREPARE, liar, v);
    case 2:
        return vote_in(w, FRAME_COMMIT, liar, v);
    case 3:
        return checkpoint_of(w, liar, v.n, (uint8_t)draw(p, 3));
    case 4: /* its certificate is forged: only its own signature is right */
        e.pp_sig.b[0] ^= (uint8_t)(1 + draw(p, 255));
        for (unsigned i = 0; i < e.count; i++) {
            e.prepares[i].sig.b[0] ^= 1;
        }
        return view_change_of(w, liar, 1 + draw(p, 3), 0, &e, 1);
    default: /* somebody's words under its own name */
        assert_int_equal(frame_open(&f, some->raw), ERR_OK);
        return f.type == FRAME_DECISION || f.type == FRAME_CERT || f.type == FRAME_PRE_PREPARE
                   ? some->raw
                   : sealed(w, f.type, liar, f.body);
    }
}

static void no_lie_convicts_the_honest(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct prng p;
        prng_seed(&p, seed);
        struct story *s = begin(seed % 2 ? 4 : 7);
        show_honest_run(s, s->w->members);
        member_set liars = set_of((member_id)draw(&p, s->w->members)) | set_of((member_id)draw(&p, s->w->members));
        size_t honest = s->count;
        for (unsigned i = 0; i < 60; i++) {
            member_id liar = (member_id)draw(&p, s->w->members);
            if (set_has(liars, liar)) {
                show(s, lie(s->w, &p, liar, &s->frames[draw(&p, honest)]));
            }
        }
        const struct audit_report *r = audited(s);
        assert_int_equal(r->culprits & ~liars, 0);
        end(s);
    }
}

/* ---- files ---- */

static void collect_offset(void *self, struct bytes raw, uint64_t offset) {
    buffer_printf(self, "%zu@%llu ", raw.len, (unsigned long long)offset);
}

static void a_file_is_taken_apart_up_to_its_torn_end(void **state) {
    (void)state;
    struct buffer file = {0}, seen = {0};
    buffer_block(&file, bytes_of("abc", 3));
    buffer_block(&file, bytes_of("", 0));
    buffer_block(&file, bytes_of("de", 2));
    assert_int_equal(audit_file_frames(buffer_bytes(&file), collect_offset, &seen), 0);
    assert_string_equal(buffer_cstr(&seen), "3@0 0@7 2@11 ");
    for (size_t cut = 1; cut < 6; cut++) {
        buffer_clear(&seen);
        assert_int_equal(audit_file_frames(bytes_of(file.data, file.len - cut), collect_offset, &seen), 6 - cut);
        assert_string_equal(buffer_cstr(&seen), "3@0 0@7 ");
    }
    buffer_free(&file);
    buffer_free(&seen);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_decisions_in_one_view_name_who_signed_both),
        cmocka_unit_test(loose_commits_decide_as_well),
        cmocka_unit_test(fewer_than_q_commits_decide_nothing),
        cmocka_unit_test(a_decision_that_a_view_forgot_names_who_left_it_out),
        cmocka_unit_test(a_second_certificate_for_a_place_names_who_made_both),
        cmocka_unit_test(two_new_views_name_their_primary),
        cmocka_unit_test(an_invented_new_view_names_all_who_endorsed_it),
        cmocka_unit_test(two_certificates_for_a_checkpoint_name_who_signed_both),
        cmocka_unit_test(an_honest_run_is_clean),
        cmocka_unit_test(forged_frames_say_nothing),
        cmocka_unit_test(no_lie_convicts_the_honest),
        cmocka_unit_test(a_file_is_taken_apart_up_to_its_torn_end),
    };
    crypto_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
