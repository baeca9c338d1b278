/* Plays of rows A: replica 0 leads and lies while something breaks. It must be replaced, or be of no consequence, and
   what broke must be told. */
#include "client/drill/moves.h"
#include "client/drill/plays_of_members.h"

enum { LIAR = 0, STARVED = 3, OFFSET_MS_MAX = 30000 };

/* From the first lie until another leads. */
static void lies_until_replaced(struct scene *s) {
    view_no v = moves_lead(s, LIAR);
    scene_lies(s, LIAR);
    moves_outage(s);
    moves_replaced(s, v);
    moves_flow(s);
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
    moves_convicted(s, LIAR);
    becomes_honest(s);
}

void play_replaced_for_slowness(struct scene *s) {
    lies_until_replaced(s);
    moves_told_in_logs(s, PROMISE_LIVENESS, " SLOW", "a backup says that the primary was slow");
    becomes_honest(s);
}

/* Nobody but one replica notices, and the view stays. */
void play_starved(struct scene *s) {
    view_no v = moves_lead(s, LIAR);
    scene_lies(s, LIAR);
    moves_outage(s);
    moves_flow(s);
    moves_keeps_up(s, PROMISE_LIVENESS, STARVED);
    scene_all_told(s, MOVES_PATIENCE_S);
    moves_view_stays(s, v);
    becomes_honest(s);
}

static bool time_goes_on(struct scene *s, int64_t unused) {
    (void)unused;
    struct replica_seen seen[MEMBERS_MAX];
    bool all = true;
    scene_look(s, seen);
    for (member_id i = 0; i < scene_members(s); i++)
        all &= !seen[i].reachable || seen[i].clock_offset_ms < OFFSET_MS_MAX;
    return all;
}

void play_replaced_time_goes_on(struct scene *s) {
    lies_until_replaced(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, time_goes_on, 0, "agreed time follows the clocks");
    becomes_honest(s);
}

void play_bypassed(struct scene *s) {
    moves_lead(s, LIAR);
    scene_lies(s, LIAR);
    moves_outage(s);
    moves_flow(s);
    becomes_honest(s);
}
