/* More than f members together against the rest (rows M of the catalogue). Agreement may break then. What must hold
   still: nobody honest is blamed, no log ever changes, whoever sees both sides of a fork stops, and from the frames
   that honest members saw an audit names at least f+1 culprits and nobody else. */
#include "proto/audit.h"
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

/* ---- the attack: two crowds with the same keys, each with one side of the honest ---- */

static member_set honest(const struct sim *s) {
    return set_all(s->options->members) & (member_set)~s->untrusted;
}

/* As even as can be: each side shall have a quorum with the crowd. */
static member_set draw_side(struct sim *s) {
    member_set all = honest(s), side = 0;
    while (set_count(side) < (set_count(all) + s->order % 2) / 2)
        side |= all & set_of((member_id)prng_below(&s->chance, s->options->members));
    return side;
}

void beyond_found(struct sim *s) {
    if (s->options->beyond_silent)
        return;
    member_set side = draw_side(s), rest = honest(s) & (member_set)~side;
    for (member_id i = 0; i < s->options->members; i++) {
        if (set_has(s->untrusted, i))
            s->other_half[i] = side;
        else
            s->deaf[i] = set_has(side, i) ? rest : side;
    }
}

/* The second crowd keeps the first primary's proposals back, so that its side decides in a later view, and tells
   nothing of what the first one prepared. */
bool beyond_withholds(const struct sim *s, const struct host *from, struct bytes frame) {
    struct frame f;
    return s->options->beyond && s->options->beyond_later && from->place != from->id &&
           frame_open(&f, frame) == ERR_OK && f.type == FRAME_PRE_PREPARE && from->id == 0;
}

/* It would be told that its key runs twice, and stop. */
bool beyond_ignores(const struct host *h, struct bytes frame) {
    struct frame f;
    struct node_facts facts;
    if (!h->sim->options->beyond || !is_untrusted(h) || frame_open(&f, frame) != ERR_OK || f.type != FRAME_RECALLED)
        return false;
    node_inspect(h->node, &facts);
    return facts.pbft.phase != PHASE_RECALL;
}

/* ---- what the honest saw ---- */

void beyond_saw(struct sim *s, struct bytes frame) {
    if (s->options->beyond)
        buffer_block(&s->seen, frame);
}

static size_t seen_frames(struct sim *s, struct audit_frame **out) {
    size_t count = 0, cap = 0;
    struct reader r = reader_of(buffer_bytes(&s->seen));
    *out = NULL;
    while (r.at < r.end) {
        if (count == cap)
            *out = xrealloc(*out, (cap = cap ? 2 * cap : 256) * sizeof **out);
        (*out)[count++] = (struct audit_frame){.raw = read_block(&r, SIZE_MAX)};
    }
    return count;
}

static void judge_report(struct sim *s, const struct audit_report *r) {
    if (r->culprits & honest(s))
        sim_fail(s, "the audit blames honest members: %x", (unsigned)(r->culprits & honest(s)));
    if (s->forked && r->disagreements == 0)
        sim_fail(s, "the audit finds no disagreement in a fork");
    if (s->forked && set_count(r->culprits) < quorum_weak(s->options->members))
        sim_fail(s, "the audit names only %u culprits of a fork: %x", set_count(r->culprits), (unsigned)r->culprits);
    s->counts->audited += s->forked;
}

static void audit(struct sim *s) {
    struct verifier verifier;
    struct evidence_judge judge = {&verifier, s->keys, s->options->window};
    struct audit_frame *frames;
    struct audit_report *report = xcalloc(1, sizeof *report);
    size_t count = seen_frames(s, &frames);
    cluster_verifier(&verifier, &s->cluster);
    audit_frames(&judge, frames, count, report);
    judge_report(s, report);
    audit_report_free(report);
    free(report);
    free(frames);
}

/* ---- the course of it ---- */

static unsigned stopped(const struct sim *s) {
    unsigned count = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        struct node_facts f = {0};
        if (s->hosts[i].node)
            node_inspect(s->hosts[i].node, &f);
        count += set_has(honest(s), i) && (s->hosts[i].gone || f.pbft.phase == PHASE_REPAIR);
    }
    return count;
}

/* The forks meet: the honest hear each other again, and the first crowd talks to all. */
static void meet(struct sim *s) {
    s->healed = true;
    s->healed_at = s->now;
    memset(s->deaf, 0, sizeof s->deaf);
    memset(s->other_half, 0, sizeof s->other_half);
}

/* Forks further apart than a window never compare a place; a state fetched then carries the others' certificate. */
static bool are_close(const struct sim *s) {
    seq_no low = UINT64_MAX, high = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        struct node_facts f = {0};
        if (!set_has(honest(s), i) || !s->hosts[i].node)
            continue;
        node_inspect(s->hosts[i].node, &f);
        low = f.executed < low ? f.executed : low;
        high = f.executed > high ? f.executed : high;
    }
    return high <= low + s->options->window;
}

static void fork_and_meet(struct sim *s) {
    run_until(s, s->options->faulty_for);
    seq_no met_at = checker_executed_to(s->checker);
    bool close = are_close(s);
    meet(s);
    run_until(s, s->now + 8 * SECOND);
    bool went_on = checker_executed_to(s->checker) > met_at + 2 * s->options->checkpoint_interval;
    audit(s);
    s->counts->stopped += s->forked && stopped(s);
    s->counts->breaches += s->breached;
    if (s->forked && close && went_on && !stopped(s))
        sim_fail(s, "the forks met, and two checkpoints later nobody has noticed");
}

/* No quorum is up: nothing is decided until they are back. */
static void halt(struct sim *s) {
    run_until(s, s->options->faulty_for / 3);
    for (unsigned i = 0; i < s->options->fault_count; i++) {
        host_crash(&s->hosts[s->options->faults[i].member]);
        s->hosts[s->options->faults[i].member].gone = true;
    }
    run_until(s, s->now + SECOND / 2);
    seq_no before = checker_executed_to(s->checker);
    run_until(s, s->now + s->options->faulty_for);
    if (checker_executed_to(s->checker) != before)
        sim_fail(s, "something was decided without a quorum");
    s->counts->halts++;
}

/* True: all are to be trusted again, and must recover. */
bool beyond_run(struct sim *s) {
    if (!s->options->beyond_silent) {
        fork_and_meet(s);
        return false;
    }
    halt(s);
    return true;
}
