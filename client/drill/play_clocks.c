/* Plays of the rows G: clocks that are wrong, and time that nobody else's traffic carries. */
#include "base/clock.h"
#include "client/drill/crowd.h"
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/watch.h"

enum {
    OFF_BY_MS = 1000000,   /* what a clock shows that is far off, less what it is set off by */
    HONEST_WITHIN = 60000, /* a good clock differs by a second; a busy machine may stand still for some */
};

static bool never(struct scene *s, int64_t unused) {
    (void)s;
    (void)unused;
    return false;
}

static int64_t offset_of(struct scene *s, member_id who, bool *known) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    *known = seen[who].reachable;
    return seen[who].clock_offset_ms;
}

static bool is_far_ahead(struct scene *s, int64_t member) {
    bool known;
    int64_t offset = offset_of(s, (member_id)member, &known);
    return known && offset > OFF_BY_MS;
}

static bool is_near(struct scene *s, int64_t member) {
    bool known;
    int64_t offset = offset_of(s, (member_id)member, &known);
    return known && offset > -HONEST_WITHIN && offset < HONEST_WITHIN;
}

static bool is_behind(struct scene *s, int64_t member) {
    bool known;
    int64_t offset = offset_of(s, (member_id)member, &known);
    return known && offset < -2000;
}

static void time_is_right(struct scene *s, member_id honest) {
    scene_must(s, PROMISE_NO_FALSE_ALERT, MOVES_PATIENCE_S, is_near, honest, "agreed time follows the good clocks");
}

/* ---- DR-G1, DR-G2 ---- */

void play_wrong_clocks(struct scene *s) {
    view_no view = moves_view(s);
    scene_lies(s, 5);
    scene_lies(s, 6);
    moves_outage(s);
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, is_far_ahead, 5, "the clock that is ahead is shown");
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, is_behind, 6, "the clock that stands still is shown");
    scene_detected(s, "OFFSET_MS of both says how far they are off");
    time_is_right(s, 1);
    moves_flow(s);
    moves_mended(s);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "no primary is replaced for a clock");
    scene_honest(s, 5);
    scene_honest(s, 6);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, is_near, 5, "a clock that was set right is right");
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, is_near, 6, "a clock that goes again is right");
    scene_healed(s, "all clocks are right");
}

void play_primarys_wrong_clock(struct scene *s) {
    view_no view = moves_view(s);
    scene_lies(s, 0);
    moves_outage(s);
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, is_far_ahead, 0, "the wrong clock is shown");
    scene_detected(s, "OFFSET_MS says how far it is off");
    time_is_right(s, 1);
    moves_flow(s);
    moves_mended(s);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "no primary is replaced for a clock");
    scene_honest(s, 0);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, is_near, 0, "a clock that was set right is right");
    scene_healed(s, "the clock is right");
}

/* ---- DR-G5 ---- */

/* crowd/line goes stale sooner than time jumps, but for the rule in question. */
static struct crowd *watched_closely(struct scene *s) {
    const struct watched well = {.host = "crowd", .service = "line", .text = "OK"};
    struct crowd *c = crowd_open(s, "crowd", "line", 3, 1000);
    if (c)
        scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&well), "the observers speak");
    return c;
}

enum { STEP_S = 30 };

void play_clock_step(struct scene *s) {
    const struct watched gap = {.text = "CLUSTER_GAP"};
    struct crowd *c = watched_closely(s);
    scene_note(s, "the clocks of replicas 0, 1 and 2 step ahead by 30 s");
    for (member_id i = 0; i < 3; i++)
        scene_lies(s, i);
    if (scene_must(s, PROMISE_NO_FALSE_ALERT, MOVES_PATIENCE_S, watch_announced, watched(&gap),
                   "one alert says that deadlines moved along"))
        scene_detected(s, "SYSTEM alert CLUSTER_GAP");
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_note(s, "the clocks step back: agreed time stands still until they have caught up with it");
    for (member_id i = 0; i < 3; i++)
        scene_honest(s, i);
    scene_must(s, PROMISE_NO_FALSE_ALERT, STEP_S, is_behind, 1, "agreed time did not step back with the clocks");
    moves_flow(s);
    scene_mended(s, "web1", "http");
    scene_all_told(s, MOVES_PATIENCE_S);
    crowd_close(c);
    scene_healed(s, "the clocks are right");
}

/* ---- DR-G6 ---- */

static void stop_all(struct scene *s) {
    scene_agent_stop(s, "a");
    scene_agent_stop(s, "b");
    scene_agent_stop(s, "c");
}

static void start_all(struct scene *s) {
    scene_agent_start(s, "a");
    scene_agent_start(s, "b");
    scene_agent_start(s, "c");
}

void play_nobody_reports(struct scene *s) {
    const struct watched silent = {.host = "quiet", .service = "beat", .text = "no observer reports since"};
    if (scene_submit(s, "a", "quiet\tbeat\t0\tI am alive\n", NULL) != 0)
        scene_broken(s, PROMISE_LIVENESS, "the heartbeat was not taken");
    scene_injected(s, "nobody reports anything any more");
    stop_all(s);
    scene_bit(s, 3, "agents stopped");
    scene_expect(s, ALERT_PROBLEM, "quiet", "beat");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_must(s, PROMISE_NO_MISSED_ALERT, MOVES_PATIENCE_S, watch_output, watched(&silent),
               "the alert says that nobody reports");
    scene_detected(s, "the heartbeat's silence was told");
    start_all(s);
    scene_expect(s, ALERT_RECOVERY, "quiet", "beat");
    if (scene_submit(s, "a", "quiet\tbeat\t0\tI am alive again\n", NULL) != 0)
        scene_broken(s, PROMISE_LIVENESS, "the heartbeat was not taken");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_allow(s, ALERT_PROBLEM, "quiet", "beat"); /* nobody speaks of it any more */
    scene_healed(s, "all report again");
}

/* ---- DR-G8 ---- */

enum { GAP_S = 12 };

void play_cluster_gap(struct scene *s) {
    const struct watched gap = {.text = "CLUSTER_GAP"};
    struct crowd *c = watched_closely(s);
    for (member_id i = 0; i < scene_members(s); i++)
        scene_pause(s, i);
    moves_outage(s);
    scene_comes(s, GAP_S, never, 0);
    for (member_id i = 0; i < scene_members(s); i++)
        scene_resume(s, i);
    if (scene_must(s, PROMISE_NO_FALSE_ALERT, MOVES_PATIENCE_S, watch_announced, watched(&gap),
                   "one alert says that the cluster stood still"))
        scene_detected(s, "SYSTEM alert CLUSTER_GAP");
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0, "all take part again");
    moves_flow(s);
    moves_mended(s);
    crowd_close(c);
    scene_healed(s, "the cluster goes on");
}
