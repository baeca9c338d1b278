/* Rows G of the catalogue: time. */
#include "client/drill/crowd.h"
#include "client/drill/plays.h"

/* So that a busy machine is not taken for a bad primary. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"

const struct drill drills_of_clocks[] = {
    {.name = "wrong-clocks",
     .row = "DR-G1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "of seven replicas one has a clock an hour ahead, one a clock that stands still",
     .attack =
         "One machine's clock is an hour ahead after a wrong time zone or a dead battery, another's stands still. "
         "Freshness, acknowledgements, downtimes and time periods all count time: who chooses the time could "
         "silence alarms, or raise hundreds that nobody needs.",
     .holds = "Agreed time is the latest moment that f+1 of the replicas' clocks have reached, so with f wrong ones it "
              "follows the good ones: it does not run ahead with the fast clock and does not wait for the frozen one. "
              "Ordering does not look at clocks at all: no view changes, no message is refused.",
     .see =
         "`quorate replicas` shows OFFSET_MS near 3600000 for the one and below -2000, falling further, for the other; "
         "the good ones lie within a second or so. check_quorate looks at agreed time only, which is right. There "
         "is no evidence, since a wrong clock is no lie. Correct the clock; no restart is needed. A live drill puts "
         "one member's clock ahead by an hour.",
     .live = "clock-offset:3600000",
     .cast = {.members = 7, .traitors = {{5, "clock-offset:3600000"}, {6, "clock-frozen"}}, .knobs = PATIENT},
     .play = play_wrong_clocks},

    {.name = "primarys-wrong-clock",
     .row = "DR-G2",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "the primary's clock is an hour ahead",
     .attack = "The replica that leads has a clock that is an hour ahead. In many systems the leader's clock is the "
               "cluster's: all timers would fire at once, and every service that did not report within that hour "
               "would be called silent.",
     .holds = "The primary puts nothing but the others' signed ticks into the log, and time is the latest moment that "
              "f+1 of them have reached: its own is only one of them. No alarm fires, no time jumps, and it goes on "
              "to lead, since nothing that it does is wrong.",
     .see = "OFFSET_MS near 3600000 at the primary in `quorate replicas`, about 0 at the others. VIEW stays. Its log "
            "lines have wrong times, which is what one usually notices first.",
     .live = "clock-offset:3600000",
     .cast = {.traitors = {{0, "clock-offset:3600000"}}, .knobs = PATIENT},
     .play = play_primarys_wrong_clock},

    {.name = "clock-step",
     .row = "DR-G5",
     .modes = DRILL_SANDBOX,
     .summary = "the clocks of three replicas of four step ahead by 30 s, later back",
     .attack =
         "A time server was wrong, and NTP steps the clocks of almost all replicas at once; later they are stepped "
         "back. The step ahead looks as if all observers had been silent for that long. The step back would let "
         "time run backwards, and what happened would happen again. (Leap seconds and daylight saving are no "
         "step: clocks are read as UTC.)",
     .holds =
         "Agreed time never runs back: after the step ahead it stands still until the clocks have caught up, and "
         "results are judged meanwhile. A jump above cluster_gap_ms (here 5 s) counts as time in which the cluster "
         "itself was away: deadlines move along, so nothing is called silent. A service that really fails is told "
         "as always.",
     .see =
         "One SYSTEM alert `CLUSTER_GAP: agreed time stood still for N s: every deadline moved by as much`. After the "
         "step back OFFSET_MS of all replicas is negative and rises to 0 within as many seconds as the step had. No "
         "PROBLEM with `no observer reports`. Traitors are as many here as clocks that step; their frames are "
         "honest.",
     .cast = {.traitors = {{0, "clock-offset:30000"}, {1, "clock-offset:30000"}, {2, "clock-offset:30000"}},
              .allowed = 1u << ALERT_SYSTEM,
              .objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c", "1", "15", ""),
              .knobs = PATIENT "cluster_gap_ms: 5000\n"},
     .play = play_clock_step},

    {.name = "nobody-reports",
     .row = "DR-G6",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "no traffic at all: a silent heartbeat is told all the same",
     .attack =
         "Nothing comes in any more: the agents' network is down, or somebody stopped all of them, and nobody asks "
         "the cluster anything. A system that looks at deadlines when a message comes would sleep through it, "
         "and the silence would look like peace.",
     .holds =
         "Replicas submit their clocks every second, so agreed time goes on and deadlines fire without any traffic: "
         "a heartbeat that falls silent is told after its freshness_threshold, at most a tick and a commit later. "
         "Nobody can stop time by keeping still.",
     .see = "PROBLEM of the heartbeat with `no observer reports since ...`, state UNKNOWN (or what _STALE_STATE says). "
            "EXECUTED in `quorate replicas` grows by about one a second, batches of ticks alone, and the view stays. "
            "An idle cluster signs no receipts. Here freshness_threshold is 3 s.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.no_load = true,
              .objects = "define command {\n command_name drill-nothing\n command_line /bin/true\n}\n"
                         "define host {\n host_name quiet\n max_check_attempts 1\n check_freshness 0\n"
                         " notification_interval 0\n contacts oncall\n _OBSERVERS a\n}\n"
                         "define service {\n host_name quiet\n service_description beat\n"
                         " check_command drill-nothing\n max_check_attempts 1\n check_interval 1\n"
                         " retry_interval 1\n freshness_threshold 3\n notification_interval 0\n contacts oncall\n"
                         " _OBSERVERS a\n}\n"},
     .play = play_nobody_reports},

    {.name = "cluster-gap",
     .row = "DR-G8",
     .modes = DRILL_SANDBOX,
     .summary = "the whole cluster stands still for more than twice cluster_gap_ms, then goes on",
     .attack =
         "All replicas were away together: a storage system hung, a hypervisor was patched, the room had no power. "
         "Half an hour is shortened to twelve seconds here, and cluster_gap_ms to five, half of which would be "
         "enough. When they come back every deadline lies in the past: without care everything that did not "
         "report meanwhile, which is everything, is called silent, in one storm of false alarms.",
     .holds = "The jump of agreed time is recognised: all deadlines and all freshness move along by as much, and one "
              "alert says so. No service is called silent for what the cluster slept through. A service that failed "
              "meanwhile is told as soon as its agents' spooled results are in.",
     .see =
         "One SYSTEM alert `CLUSTER_GAP: agreed time stood still for N s: every deadline moved by as much`. The logs "
         "of all replicas say `TILT: stood still for N ms`, and nobody wishes another view for five seconds. "
         "Agents had logged `no-quorum`, now `quorum-back`.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.allowed = 1u << ALERT_SYSTEM,
              .objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c", "1", "8", ""),
              .knobs = "cluster_gap_ms: 5000\n"},
     .play = play_cluster_gap},

    {.name = NULL},
};
