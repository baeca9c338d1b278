/* Plays of the rows J: alerts on their way from the replicas to whoever is told. */
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/puppet.h"
#include "client/drill/watch.h"

#include <stdio.h>

/* db1/sql fails and is mended in the plays that count: web1/http does in every rehearsal. */
static void breaks(struct scene *s) {
    scene_outage(s, "db1", "sql", STATE_CRITICAL);
}

static void is_mended(struct scene *s) {
    scene_mended(s, "db1", "sql");
}

static void told_once(struct scene *s, enum alert_type type, const char *when) {
    unsigned handed = scene_handed(s, type, "db1", "sql");
    if (handed != 1)
        scene_broken(s, PROMISE_ONE_STREAM, "%s of db1/sql was handed over %u times: %s", alert_type_name(type), handed,
                     when);
}

/* What is repeated is repeated within moments. */
static bool still_once(struct scene *s, int64_t type) {
    return scene_handed(s, (enum alert_type)type, "db1", "sql") == 1;
}

/* ---- DR-J1 ---- */

void play_forged_alerts(struct scene *s) {
    const struct watched refused = {.observer = "notify-0", .text = "replica 5: forged alert refused"};
    const struct watched proven = {.text = "replica 6", .kind = EV_BAD_RECEIPT};
    scene_lies(s, 5);
    scene_lies(s, 6);
    moves_outage(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    if (scene_must(s, PROMISE_NO_FALSE_ALERT, MOVES_PATIENCE_S, watch_log_of, watched(&refused),
                   "the notifier refuses what replica 5 invents"))
        scene_detected(s, "the notifier names replica 5");
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_evidence, watched(&proven),
               "the forger of receipts is named in the log");
    moves_mended(s);
    scene_honest(s, 5);
    scene_honest(s, 6);
    scene_healed(s, "both are honest");
}

/* ---- DR-J2 ---- */

void play_withheld_alerts(struct scene *s) {
    const member_id who = 2;
    scene_lies(s, who);
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_unreachable, who,
                   "who answers no client is shown as unreachable"))
        scene_detected(s, "`quorate replicas` shows it as unreachable");
    moves_outage(s);
    moves_flow(s);
    moves_mended(s);
    scene_honest(s, who);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, who, "it answers again");
    scene_healed(s, "it answers clients");
}

/* ---- DR-J3 ---- */

/* The number of the newest alert; 0: there is none. */
static uint64_t newest_alert(struct scene *s) {
    json_t *alerts = scene_ask(s, "alerts", "--since", "0", NULL);
    const json_t *last = json_array_get(alerts, json_array_size(alerts) - 1);
    uint64_t number = last ? (uint64_t)json_integer_value(json_object_get(last, "number")) : 0;
    json_decref(alerts);
    return number;
}

void play_dying_notifier(struct scene *s) {
    const struct watched fails = {.observer = "notify-0", .text = "handler-failed"};
    char recorded[48];
    scene_note(s, "the first dies before it could hand over: the sink takes nothing yet");
    scene_sink_down(s, true);
    breaks(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&fails), "the first notifier tries");
    scene_notify_kill(s, 0);
    scene_sink_down(s, false);
    if (scene_all_told(s, MOVES_PATIENCE_S))
        scene_detected(s, "the standby handed it over");
    scene_notify_start(s, 0);
    scene_note(s, "the first dies after it handed over and recorded that");
    is_mended(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    snprintf(recorded, sizeof recorded, "last=%llu", (unsigned long long)newest_alert(s));
    const struct watched passes = {.observer = "notify-1", .text = recorded};
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&passes),
               "the standby reads that it was handed over");
    scene_notify_kill(s, 0);
    scene_stays(s, PROMISE_ONE_STREAM, 3, still_once, ALERT_RECOVERY, "the standby does not hand it over again");
    scene_notify_start(s, 0);
    scene_stays(s, PROMISE_ONE_STREAM, 3, still_once, ALERT_RECOVERY, "nor does the first when it is back");
    told_once(s, ALERT_PROBLEM, "by two notifiers, one of which died");
    scene_healed(s, "both notifiers run");
}

/* ---- DR-J4 ---- */

void play_restarted_notifier(struct scene *s) {
    breaks(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    for (unsigned times = 0; times < 2; times++) {
        const struct watched settled = {.observer = "notify-0", .text = "alert-handed-over"};
        scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&settled),
                   "what was handed over is noted");
        scene_notify_kill(s, 0);
        scene_notify_start(s, 0);
        scene_stays(s, PROMISE_ONE_STREAM, 3, still_once, ALERT_PROBLEM, "a notifier that is back repeats nothing");
    }
    scene_note(s, "the sink is gone while the next one is told, and the notifier dies meanwhile");
    const struct watched fails = {.observer = "notify-0", .text = "handler-failed"};
    scene_sink_down(s, true);
    is_mended(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&fails), "the notifier tries");
    scene_notify_kill(s, 0);
    scene_notify_start(s, 0);
    scene_sink_down(s, false);
    if (scene_all_told(s, MOVES_PATIENCE_S))
        scene_detected(s, "each was handed over once");
    told_once(s, ALERT_PROBLEM, "by a notifier that was started again and again");
    told_once(s, ALERT_RECOVERY, "by a notifier that was started again and again");
    scene_healed(s, "notifier and sink stay");
}

/* ---- DR-J5 ---- */

void play_dead_sink(struct scene *s) {
    const struct watched fails = {.observer = "notify-0", .text = "handler-failed"};
    scene_sink_down(s, true);
    moves_outage(s);
    scene_outage(s, "web1", "ssh", STATE_WARNING);
    scene_outage(s, "db1", "sql", STATE_CRITICAL);
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&fails), "the notifier tries again"))
        scene_detected(s, "its log says handler-failed");
    const struct watched well = {.host = "db1", .service = "sql", .text = "CRITICAL"};
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&well), "the cluster sees the failure");
    scene_mended(s, "db1", "sql");
    moves_flow(s);
    scene_sink_down(s, false);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_mended(s, "web1", "ssh");
    moves_mended(s);
    scene_healed(s, "the sink takes messages");
}

/* ---- DR-J6 ---- */

void play_crash_while_telling(struct scene *s) {
    member_id primary = scene_primary(s);
    view_no view = moves_view(s);
    const struct watched fails = {.observer = "notify-0", .text = "handler-failed"};
    const struct watched mended = {.host = "db1", .service = "sql", .text = "OK"};
    scene_sink_down(s, true);
    breaks(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_log_of, watched(&fails), "the alert is on its way");
    scene_kill(s, primary);
    scene_notify_kill(s, 0);
    moves_replaced(s, view);
    scene_sink_down(s, false);
    scene_notify_start(s, 0);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_sink_down(s, true);
    is_mended(s);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&mended), "the recovery is on its way");
    scene_start(s, primary);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0, "all take part again");
    member_id other = scene_backup(s, 0);
    scene_kill(s, other);
    scene_start(s, other);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0, "all take part again");
    scene_sink_down(s, false);
    scene_all_told(s, MOVES_PATIENCE_S);
    told_once(s, ALERT_PROBLEM, "while replicas and notifier were killed");
    told_once(s, ALERT_RECOVERY, "while replicas were killed");
    scene_healed(s, "all run");
}

/* ---- DR-J7 ---- */

enum { STORM_HOSTS = 100 };

/* One bundle: all hosts go down, or come back, with one batch. */
static void storm(struct scene *s, struct puppet *p, enum alert_type type) {
    static char names[STORM_HOSTS][8];
    struct observation list[STORM_HOSTS];
    struct buffer frame = {0};
    struct client_reply reply;
    for (unsigned i = 0; i < STORM_HOSTS; i++) {
        snprintf(names[i], sizeof names[i], "h%02u", i);
        list[i] = puppet_result(p, names[i], "", type == ALERT_PROBLEM, "in the storm");
        scene_expect(s, type, names[i], "");
    }
    puppet_seal(p, &frame, puppet_draw(p, 1), list, STORM_HOSTS);
    if (puppet_ask(p, buffer_bytes(&frame), &reply) == ERR_OK)
        client_reply_free(&reply);
    else
        scene_broken(s, PROMISE_LIVENESS, "the results of the storm are not taken");
    buffer_free(&frame);
}

void play_alert_storm(struct scene *s) {
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    scene_injected(s, "100 hosts go down in one moment");
    storm(s, p, ALERT_PROBLEM);
    scene_bit(s, STORM_HOSTS, "hosts down");
    moves_outage(s);
    moves_flow(s);
    if (scene_all_told(s, 2 * MOVES_PATIENCE_S))
        scene_detected(s, "each of the 100 was told once");
    storm(s, p, ALERT_RECOVERY);
    moves_mended(s);
    scene_all_told(s, 2 * MOVES_PATIENCE_S);
    puppet_free(p);
    scene_healed(s, "the storm is over");
}
