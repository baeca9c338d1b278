/* Plays of the rows E: what is killed, frozen, copied or loses its disk. */
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/watch.h"

/* ---- DR-E1 ---- */

static void comes_back(struct scene *s, member_id who) {
    scene_start(s, who);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, who, "who was killed takes part again");
}

void play_killed_member(struct scene *s) {
    member_id backup = scene_backup(s, 0), primary = scene_primary(s);
    scene_kill(s, backup);
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    comes_back(s, backup);
    view_no view = moves_view(s);
    scene_kill(s, primary);
    scene_mended(s, "web1", "http");
    moves_replaced(s, view);
    scene_all_told(s, MOVES_PATIENCE_S);
    comes_back(s, primary);
    moves_flow(s);
    scene_healed(s, "all that were killed take part again");
}

/* ---- DR-E2 ---- */

static bool light_again(struct scene *s) {
    for (member_id i = 0; i < scene_members(s); i++)
        scene_start(s, i);
    return scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0,
                      "all take part again after the power came");
}

void play_power_loss(struct scene *s) {
    const struct watched known = {.host = "web1", .service = "http", .text = "CRITICAL"};
    moves_outage(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    for (unsigned times = 0; times < 2; times++) {
        moves_flow(s);
        scene_power_loss(s);
        if (!light_again(s) || !scene_must(s, PROMISE_DURABILITY, MOVES_PATIENCE_S, watch_state, watched(&known),
                                           "what was known before the power went is known"))
            return;
    }
    moves_flow(s);
    moves_mended(s);
    scene_healed(s, "the power stays");
}

/* ---- DR-E4 ---- */

void play_old_backup(struct scene *s) {
    member_id who = scene_backup(s, 0);
    const struct watched amnesiac = {.member = who, .text = "AMNESIAC: this key signed"};
    const struct watched learner = {.member = who, .text = "LEARNER"};
    scene_kill(s, who);
    scene_backup_disk(s, who);
    comes_back(s, who);
    moves_flow(s); /* with its votes */
    scene_kill(s, who);
    scene_restore_disk(s, who);
    scene_given_up(s, who);
    scene_start(s, who);
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, watch_logged, watched(&amnesiac),
               "it finds out that its disk forgot what it signed");
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, watch_phase, watched(&learner), "it votes no more");
    scene_detected(s, "the replica shows itself as LEARNER");
    scene_bit(s, 1, "disks put back to an old copy");
    moves_keeps_up(s, PROMISE_RECOVERY, who);
    moves_outage(s);
    moves_mended(s);
    scene_healed(s, "it follows as a LEARNER, the others go on");
}

/* ---- DR-E5 ---- */

/* It waits to be told what its key signed, or was told and knows better than to vote. */
static bool twin_is_mute(struct scene *s, int64_t unused) {
    (void)unused;
    return !scene_log_of(s, "twin", " ACTIVE ") || scene_log_of(s, "twin", "It votes no more");
}

void play_twin(struct scene *s) {
    member_id who = scene_backup(s, 0);
    const struct watched twin = {.member = who, .text = "TWIN: this key signed"};
    const struct watched learner = {.member = who, .text = "LEARNER"};
    const struct watched other = {.observer = "twin", .text = " RECALL "};
    view_no view = moves_view(s);
    scene_twin(s, who);
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, watch_logged, watched(&twin),
               "the replica finds out that its key is used twice");
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, watch_phase, watched(&learner), "it votes no more");
    scene_detected(s, "its phase is LEARNER, its log says TWIN");
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, watch_log_of, watched(&other),
               "the second process asks what its key signed");
    scene_stays(s, PROMISE_AGREEMENT, 2, twin_is_mute, 0, "the second process votes neither");
    scene_bit(s, 1, "processes with a stolen key");
    moves_outage(s);
    moves_flow(s);
    moves_mended(s);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "a good primary is not replaced for a twin");
    scene_end_twin(s);
    scene_kill(s, who);
    comes_back(s, who);
    scene_healed(s, "the second process is gone, the first votes again");
}

/* ---- DR-E6 ---- */

static void stops_by_itself(struct scene *s, member_id who, char fault, const char *what) {
    scene_disk(s, who, fault);
    if (scene_must(s, PROMISE_DURABILITY, MOVES_PATIENCE_S, watch_stopped, who, what))
        scene_detected(s, "its process ended by itself");
    moves_flow(s);
    scene_disk(s, who, 0);
    comes_back(s, who);
}

void play_bad_disks(struct scene *s) {
    member_id who = scene_backup(s, 0), primary = scene_primary(s);
    view_no view = moves_view(s);
    const struct watched refused = {.member = who, .text = "the disk refused a write"};
    stops_by_itself(s, who, 'e', "a replica whose fsync fails stops at once");
    if (!watch_logged(s, watched(&refused)))
        scene_broken(s, PROMISE_DURABILITY, "the log does not say that the disk refused a write");
    moves_outage(s);
    stops_by_itself(s, who, 'f', "a replica whose disk is full stops at once");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_disk(s, primary, 's');
    moves_replaced(s, view);
    scene_mended(s, "web1", "http");
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_disk(s, primary, 0);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0, "with good disks all take part again");
    scene_healed(s, "all disks are good");
}

/* ---- DR-E7 ---- */

enum { FREEZE_S = 4, STORM = 6 /* view changes that nobody would call one */ };

static bool never(struct scene *s, int64_t unused) {
    (void)s;
    (void)unused;
    return false;
}

void play_frozen_process(struct scene *s) {
    member_id who = scene_backup(s, 0), primary = scene_primary(s);
    const struct watched tilt = {.member = primary, .text = "TILT: stood still for"};
    view_no view = moves_view(s);
    scene_pause(s, who);
    moves_outage(s);
    moves_flow(s);
    scene_comes(s, FREEZE_S, never, 0);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "a good primary is not replaced");
    scene_resume(s, who);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, who, "a backup that froze takes part again");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_pause(s, primary);
    scene_mended(s, "web1", "http");
    moves_replaced(s, view);
    scene_comes(s, FREEZE_S, never, 0);
    scene_resume(s, primary);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_logged, watched(&tilt),
               "who froze knows that it stood still, and suspects nobody for it");
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, primary,
               "a primary that froze takes part again");
    scene_all_told(s, MOVES_PATIENCE_S);
    if (moves_view(s) > view + STORM)
        scene_broken(s, PROMISE_LIVENESS, "two that froze brought %llu view changes",
                     (unsigned long long)(moves_view(s) - view));
    scene_healed(s, "nobody is frozen");
}
