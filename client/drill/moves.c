/* Moves that several plays share. Each is written in what scene.h offers, and knows nothing of the stage. */
#include "client/drill/moves.h"

#include "base/invariant.h"
#include "base/quorum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static int descending(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

/* What at least f+1 of them have reached; unreachable ones count as 0. */
static uint64_t reached(struct scene *s, uint64_t (*of)(const struct replica_seen *seen)) {
    struct replica_seen seen[MEMBERS_MAX];
    uint64_t values[MEMBERS_MAX] = {0};
    unsigned members = scene_members(s);
    scene_look(s, seen);
    for (unsigned i = 0; i < members; i++)
        values[i] = seen[i].reachable ? of(&seen[i]) : 0;
    qsort(values, members, sizeof values[0], descending);
    return values[quorum_weak(members) - 1];
}

static uint64_t view_of(const struct replica_seen *seen) {
    return seen->view;
}

static uint64_t executed_of(const struct replica_seen *seen) {
    return seen->executed;
}

view_no moves_view(struct scene *s) {
    return reached(s, view_of);
}

seq_no moves_last(struct scene *s) {
    return reached(s, executed_of);
}

member_id moves_next(const struct scene *s, member_id who) {
    return (member_id)((who + 1u) % scene_members(s));
}

/* ---- tests ---- */

bool moves_any_logged(struct scene *s, int64_t text) {
    for (member_id i = 0; i < scene_members(s); i++)
        if (scene_logged(s, i, (const char *)(intptr_t)text))
            return true;
    return false;
}

static bool honest_wished(struct scene *s, view_no view, const char *reason) {
    char text[64];
    snprintf(text, sizeof text, "wish v=%llu %s", (unsigned long long)view, reason);
    for (member_id i = 0; i < scene_members(s); i++)
        if (!scene_is_traitor(s, i) && scene_logged(s, i, text))
            return true;
    return false;
}

/* A view that an honest member wished for because the primary was slow, or, behind such a one, because its primary did
   not begin in time. */
static bool is_excused(struct scene *s, view_no view, bool first) {
    return honest_wished(s, view, "SLOW") || (!first && honest_wished(s, view, "NV_TIMEOUT"));
}

bool moves_view_kept(struct scene *s, int64_t view) {
    struct replica_seen seen[MEMBERS_MAX];
    view_no from = (view_no)view, known = from;
    bool kept = scene_look_at(s, quorum_weak(scene_members(s)), seen);
    for (member_id i = 0; i < scene_members(s) && kept; i++) {
        kept = !seen[i].reachable || seen[i].view >= from;
        while (kept && seen[i].reachable && known < seen[i].view) {
            kept = is_excused(s, known + 1, known == from);
            known++;
        }
    }
    return kept;
}

bool moves_one_reached(struct scene *s, int64_t view) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    for (member_id i = 0; i < scene_members(s); i++)
        if (seen[i].reachable && seen[i].view >= (view_no)view)
            return true;
    return false;
}

bool moves_executed(struct scene *s, int64_t n) {
    return moves_last(s) >= (seq_no)n;
}

bool moves_checkpointed(struct scene *s, int64_t unused) {
    (void)unused;
    struct replica_seen seen[MEMBERS_MAX];
    bool all = true;
    scene_look(s, seen);
    for (member_id i = 0; i < scene_members(s); i++)
        all &= !seen[i].reachable || seen[i].stable > 0;
    return all;
}

static bool has_executed(struct scene *s, int64_t member_and_n) {
    struct replica_seen seen[MEMBERS_MAX];
    member_id who = (member_id)(member_and_n % MEMBERS_MAX);
    scene_look(s, seen);
    return seen[who].reachable && seen[who].executed >= (seq_no)(member_and_n / MEMBERS_MAX);
}

/* ---- moves ---- */

/* f+1 are ACTIVE in a view that it leads. */
static bool leads(struct scene *s, int64_t who) {
    struct replica_seen seen[MEMBERS_MAX];
    unsigned members = scene_members(s), count = 0;
    scene_look(s, seen);
    for (unsigned i = 0; i < members; i++)
        count += seen[i].reachable && strcmp(seen[i].phase, "ACTIVE") == 0 && (int64_t)(seen[i].view % members) == who;
    return count >= quorum_weak(members);
}

static void pass_on(struct scene *s, member_id leader) {
    view_no v = moves_view(s);
    scene_hold(s, leader);
    scene_comes(s, MOVES_PATIENCE_S, scene_view_above, (int64_t)v);
    scene_resume(s, leader);
    scene_comes(s, MOVES_PATIENCE_S, scene_all_active, 0);
}

view_no moves_lead(struct scene *s, member_id who) {
    for (unsigned turns = 0; scene_primary(s) != who && turns < 2 * scene_members(s); turns++) {
        scene_note(s, "the drill begins with replica %u: whoever leads stands still until the next one does", who);
        pass_on(s, scene_primary(s));
    }
    scene_must(s, PROMISE_LIVENESS, 2 * MOVES_PATIENCE_S, leads, who, "the replica leads that the drill begins with");
    return moves_view(s);
}

void moves_outage(struct scene *s) {
    scene_outage(s, "web1", "http", STATE_CRITICAL);
    scene_remark(s);
}

void moves_mended(struct scene *s) {
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_mended(s, "web1", "http");
    scene_all_told(s, MOVES_PATIENCE_S);
}

void moves_flow(struct scene *s) {
    scene_acknowledged(s, 0);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, scene_acknowledged, MOVES_FLOW, "requests are acknowledged");
}

void moves_replaced(struct scene *s, view_no beyond) {
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, scene_view_above, (int64_t)beyond, "another primary leads"))
        scene_detected(s, "the primary was replaced");
}

void moves_keeps_up(struct scene *s, enum promise p, member_id who) {
    seq_no n = moves_last(s);
    REQUIRE(n < INT64_MAX / MEMBERS_MAX);
    scene_must(s, p, MOVES_PATIENCE_S, has_executed, (int64_t)(n * MEMBERS_MAX + who),
               "the replica that is treated worst executes what the others do");
}

void moves_view_stays(struct scene *s, view_no view) {
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, moves_view_kept, (int64_t)view, "the view stays");
}

void moves_convicted(struct scene *s, member_id who) {
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, scene_convicted, who, "the liar is named in the log"))
        scene_detected(s, "there is evidence against the liar");
}

void moves_told_in_logs(struct scene *s, enum promise p, const char *text, const char *what) {
    if (scene_must(s, p, MOVES_PATIENCE_S, moves_any_logged, moves_words(text), what))
        scene_detected(s, what);
}
