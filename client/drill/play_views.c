/* Plays of rows C: views change, and who lies about what was prepared, or about the new view, changes nothing. */
#include "base/quorum.h"
#include "client/drill/moves.h"
#include "client/drill/plays_of_members.h"
#include "client/drill/watch.h"

#include <inttypes.h>
#include <stdio.h>

enum { LEADER = 0, SECOND = 1, CENTRE = 2, LIAR = 3 };

/* The primary stands still until somebody gives it up, so that all four take part in what follows. */
static void ends_view(struct scene *s, view_no v) {
    scene_pause(s, LEADER);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, moves_one_reached, (int64_t)v + 1,
               "the others give up a primary that stands still");
    scene_resume(s, LEADER);
}

/* From a cluster that has something to prove, until the view is given up. */
static view_no begins(struct scene *s, member_id liar) {
    view_no v = moves_lead(s, LEADER);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, moves_checkpointed, 0, "checkpoints are made");
    scene_lies(s, liar);
    moves_outage(s);
    ends_view(s, v);
    return v;
}

static void ends(struct scene *s, member_id liar) {
    moves_flow(s);
    scene_honest(s, liar);
    moves_mended(s);
}

void play_bad_view_change(struct scene *s) {
    view_no v = begins(s, LIAR);
    moves_replaced(s, v);
    watch_convicts(s, LIAR, 1u << EV_BAD_VC);
    ends(s, LIAR);
}

void play_new_primary_convicted(struct scene *s) {
    view_no v = begins(s, SECOND);
    watch_convicts(s, SECOND, 1u << EV_BAD_NV);
    moves_replaced(s, v + 1);
    ends(s, SECOND);
}

void play_new_primary_passed_over(struct scene *s) {
    view_no v = begins(s, SECOND);
    moves_replaced(s, v + 1);
    ends(s, SECOND);
}

/* So many have proof against the primary of this view. */
static unsigned have_proof(struct scene *s, view_no v) {
    char words[48];
    unsigned count = 0;
    snprintf(words, sizeof words, "wish v=%" PRIu64 " PROOF", v + 1);
    for (member_id i = 0; i < scene_members(s); i++)
        count += scene_logged(s, i, words);
    return count;
}

/* Who was given the other NEW-VIEW names its author. Enough of them end the view; a single one can't. */
void play_two_new_views(struct scene *s) {
    view_no v = begins(s, SECOND);
    moves_replaced(s, v);
    watch_convicts(s, SECOND, 1u << EV_EQUIV_NV | 1u << EV_EQUIV_VC);
    if (have_proof(s, v + 1) >= quorum_weak(scene_members(s)))
        moves_replaced(s, v + 1);
    for (member_id i = 0; i < scene_members(s); i++)
        if (i != SECOND)
            moves_keeps_up(s, PROMISE_LIVENESS, i);
    ends(s, SECOND);
}

void play_consecutive_traitors(struct scene *s) {
    view_no v = moves_lead(s, LEADER);
    scene_lies(s, LEADER);
    scene_lies(s, SECOND);
    moves_outage(s);
    moves_replaced(s, v + 1);
    moves_flow(s);
    scene_honest(s, LEADER);
    ends(s, SECOND);
}

/* Only the centre hears everybody: it leaves the view, and nobody else can. */
void play_star(struct scene *s) {
    view_no v = moves_lead(s, LEADER);
    for (member_id from = 0; from < scene_members(s); from++)
        for (member_id to = 0; to < scene_members(s); to++)
            if (from != to && from != CENTRE && to != CENTRE)
                scene_cut(s, from, to);
    moves_outage(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, moves_one_reached, (int64_t)v + 1,
               "the one who hears all gives up the view");
    scene_detected(s, "the centre of the star changes view alone");
    scene_mend(s);
    moves_replaced(s, v);
    moves_flow(s);
    moves_mended(s);
}

/* Nobody but the liar hears the victim, until the others have gone on without it. */
void play_hidden_commit(struct scene *s) {
    enum { VICTIM = 3 };
    view_no v = moves_lead(s, LEADER);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, moves_checkpointed, 0, "checkpoints are made");
    moves_outage(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_cut(s, VICTIM, 1);
    scene_cut(s, VICTIM, 2);
    scene_lies(s, LEADER);
    moves_replaced(s, v);
    scene_honest(s, LEADER);
    moves_flow(s);
    scene_mend(s);
    moves_keeps_up(s, PROMISE_RECOVERY, VICTIM);
    if (moves_any_logged(s, moves_words("SAFETY BREACH")))
        scene_broken(s, PROMISE_AGREEMENT, "replica %u decided alone what the others decided otherwise", VICTIM);
    watch_convicts(s, LEADER, 1u << EV_VC_OMISSION);
    moves_mended(s);
}
