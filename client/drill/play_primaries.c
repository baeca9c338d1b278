/* Plays of rows A: replica 0 leads and lies while something breaks. It must be replaced, or be of no consequence, and
   what broke must be told. */
#include "base/quorum.h"
#include "client/drill/moves.h"
#include "client/drill/plays_of_members.h"
#include "client/drill/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LIAR = 0, STARVED = 3, OFFSET_MS_MAX = 3000 };

/* From the first lie until another leads; the view that ended. */
static view_no lies_until_replaced(struct scene *s) {
    view_no v = moves_lead(s, LIAR);
    scene_lies(s, LIAR);
    moves_outage(s);
    moves_replaced(s, v);
    moves_flow(s);
    return v;
}

/* That it was given up for this reason, and not for another that came along. */
static void given_up_for(struct scene *s, view_no v, const char *reason, const char *what) {
    char words[64];
    snprintf(words, sizeof words, "wish v=%" PRIu64 " %s", v + 1, reason);
    moves_told_in_logs(s, PROMISE_LIVENESS, words, what);
}

static void given_up_for_age(struct scene *s, view_no v) {
    given_up_for(s, v, "REQ_TIMEOUT", "a backup says that a request waited too long");
}

static void becomes_honest(struct scene *s) {
    scene_honest(s, LIAR);
    moves_mended(s);
}

void play_replaced(struct scene *s) {
    lies_until_replaced(s);
    becomes_honest(s);
}

void play_replaced_and_convicted(struct scene *s) {
    lies_until_replaced(s);
    watch_convicts(s, LIAR, 1u << EV_EQUIV_PP);
    becomes_honest(s);
}

void play_replaced_for_slowness(struct scene *s) {
    view_no v = lies_until_replaced(s);
    given_up_for(s, v, "SLOW", "a backup says that the primary was slow");
    becomes_honest(s);
}

/* All were told alike, so nothing speaks against it but that nothing goes on. */
void play_replaced_unproven(struct scene *s) {
    view_no v = lies_until_replaced(s);
    given_up_for_age(s, v);
    if (scene_convicted(s, LIAR))
        scene_broken(s, PROMISE_LIVENESS, "replica %u was given up for what it signed, not for what it kept waiting",
                     LIAR);
    becomes_honest(s);
}

/* Whom it did not hear is heard by the next one. */
void play_censored(struct scene *s) {
    const struct watched vote = {.host = "web1", .service = "http", .observer = "a", .text = "CRITICAL"};
    view_no v = lies_until_replaced(s);
    given_up_for_age(s, v);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_says, watched(&vote),
               "the vote of the observer that was not heard counts");
    becomes_honest(s);
}

/* Nobody but one replica notices, and the view stays. */
void play_starved(struct scene *s) {
    view_no v = moves_lead(s, LIAR);
    scene_lies(s, LIAR);
    moves_outage(s);
    moves_flow(s);
    watch_fetches(s, STARVED);
    moves_keeps_up(s, PROMISE_LIVENESS, STARVED);
    scene_all_told(s, MOVES_PATIENCE_S);
    moves_view_stays(s, v);
    becomes_honest(s);
}

static bool time_goes_on(struct scene *s, int64_t unused) {
    (void)unused;
    struct replica_seen seen[MEMBERS_MAX];
    unsigned reachable = 0;
    bool all = true;
    scene_look(s, seen);
    for (member_id i = 0; i < scene_members(s); i++) {
        if (i == LIAR || !seen[i].reachable)
            continue; /* it still hears no ticks */
        reachable++;
        all &= llabs(seen[i].clock_offset_ms) < OFFSET_MS_MAX;
    }
    return all && reachable >= quorum_weak(scene_members(s));
}

void play_replaced_time_goes_on(struct scene *s) {
    view_no v = lies_until_replaced(s);
    given_up_for_age(s, v);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, time_goes_on, 0, "agreed time follows the clocks");
    becomes_honest(s);
}
