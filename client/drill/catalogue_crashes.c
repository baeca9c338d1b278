/* Rows E of the catalogue: crashes, disks, processes. */
#include "client/drill/plays.h"
#include "client/drill/scene.h"

/* So that a busy machine is not taken for a bad primary. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"

const struct drill drills_of_crashes[] = {
    {.name = "killed-member",
     .row = "DR-E1",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "kill -9 of a backup, then of the primary, under load",
     .attack = "A process is killed without warning: the kernel ran out of memory, a machine lost its power, somebody "
               "typed kill -9. First a backup is killed, then the primary, while results come in and a service fails. "
               "What makes this dangerous is what the process had just signed: if it came back and had forgotten it, "
               "it could sign the opposite.",
     .holds = "The others go on without a pause when a backup dies, and within half a second and a view change when "
              "the primary does. Each is back by itself after a start: it replays its log, asks the others what it "
              "signed before (phase RECALL), and takes part when Q-1 of them have answered. Nothing that was "
              "acknowledged is lost, no alert is lost or told twice, and nobody contradicts what it signed in an "
              "earlier life.",
     .see = "`quorate replicas` shows the dead one as unreachable and the others as ACTIVE; VIEW rises by one when it "
            "was the primary, and the others' logs say `wish v=V REQ_TIMEOUT` or SILENT. After its start the log says "
            "`view V RECALL`, `recalled by N others`, `ready`; its LAG falls to 0. `quorate evidence` stays empty.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .play = play_killed_member},

    {.name = "power-loss",
     .row = "DR-E2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "all replicas lose power at once, and every file what was not synced",
     .attack =
         "The power fails in the room, or a broken hypervisor takes all replicas down in one moment. All "
         "processes are killed, and each file is cut back to what its last fsync covered, as a disk's cache "
         "does when it loses power. It happens twice, each time right under load. A system that acknowledges "
         "what only lies in a cache loses it here, and no other machine has a copy. What a disk may do besides is "
         "not played: names stay as they were made, changed or removed, and what was overwritten in its place "
         "stays overwritten.",
     .holds =
         "Every request that was acknowledged before is still there, with the same effect at the same place of the "
         "log. All replicas come back by themselves, on one log, and the outage of before is neither forgotten "
         "nor told again.",
     .see = "After the start each log says `recalled by N others` and `ready`, with EXECUTED at or above the last "
            "acknowledged place in `quorate replicas`; a torn tail of the write-ahead log is forgiven without a word. "
            "No log says AMNESIAC: a synced record is what makes the difference. If the pause was longer than "
            "cluster_gap_ms, one SYSTEM alert CLUSTER_GAP says that deadlines moved along.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.disks = true, .allowed = 1u << ALERT_SYSTEM},
     .play = play_power_loss},

    {.name = "restored-backup",
     .row = "DR-E4",
     .modes = DRILL_SANDBOX,
     .summary = "one replica is started on an old copy of its data directory",
     .attack = "Somebody restores a replica from last night's backup, or rolls its virtual machine back to a snapshot. "
               "The directory is whole and consistent, but it has forgotten what the replica signed since. With it the "
               "replica would sign other votes for places that it has voted on: an honest machine that acts as a liar, "
               "and with f real liars beside it the log could fork.",
     .holds = "The replica notices before it signs anything that binds: after every start it asks the others for what "
              "they hold of its own signatures, and finds one that its disk does not know. From then on it is a "
              "LEARNER for ever: it follows, executes and answers clients, and votes no more. The others go on; it "
              "counts as one of the f that may fail.",
     .see = "Its log says `AMNESIAC: this key signed ..., which the disk does not know: lost or rolled back. It votes "
            "no more`; `quorate replicas` shows LEARNER and `VOTES NO MORE`, and the last line counts one vote less. "
            "check_quorate warns. `quorate evidence` stays empty, since it signed nothing twice. In this drill it is "
            "left as it is: give the member a new disk only with a new genesis.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .play = play_old_backup},

    {.name = "twin",
     .row = "DR-E5",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "a second process runs with the key and number of a replica",
     .attack = "A virtual machine was cloned, a key file was copied to a second host, or a thief holds it: two "
               "processes speak with one identity, each with a directory of its own. Neither knows what the other "
               "signs, so without care the two would contradict each other and convict an honest key, or give the "
               "votes of one member twice.",
     .holds =
         "No vote counts twice and the log stays one. The replica notices its twin by what the other members show it "
         "and "
         "stops voting; the twin asks what its key signed before it votes, and where all answers go to the first, as "
         "here, it waits for ever. The other members go on without a view change. When the second process is gone and "
         "the first is started again, it votes again, if the twin signed nothing that binds.",
     .see = "The replica's log says `TWIN: this key signed ...: a second process uses it, or the disk was rolled back. "
            "It votes no more`, and `quorate replicas` shows it as LEARNER with `VOTES NO MORE`. `quorate evidence` "
            "stays empty; EV2, EV3 or EV11 against that member would say that both had signed. What to do: stop the "
            "second process for good, restart the first (OPERATING.md).",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.knobs = PATIENT},
     .play = play_twin},

    {.name = "failing-disks",
     .row = "DR-E6",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "fsync that fails, a full disk, fsyncs of two seconds under the primary",
     .attack = "Disks fail in three ways. An fsync returns an error, and the kernel may have dropped what it could not "
               "write. The disk is full. Or each fsync takes seconds, as on a dying disk or behind a busy array, and "
               "this time the replica is the primary, on which everybody waits. The danger of the first two is a "
               "replica that goes on and vouches for what is not on its disk; of the third, a cluster as slow as its "
               "slowest disk.",
     .holds = "A replica whose disk refuses a write stops at once, before anything that relied on it has left. The "
              "others go on. With a good disk it starts again, has lost nothing and catches up. A primary that is "
              "slow is replaced, and stays a member. A live drill delays the writes of one member by two seconds and "
              "shows the third case only.",
     .see =
         "The process ends with status 1 and one line: `quorated: the disk refused a write: DIRECTORY: ...` with the "
         "system's reason, or `no space left`. `quorate replicas` shows it as unreachable. Under a "
         "slow primary the logs say `wish v=V REQ_TIMEOUT` or SLOW, the slow one's `TILT: stood still for N ms`, and "
         "VIEW rises.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "disk-slow:2000",
     .cast = {.disks = true},
     .play = play_bad_disks},

    {.name = "frozen-process",
     .row = "DR-E7",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup, then the primary, stands still for seconds and goes on",
     .attack = "A process stands still and knows nothing of it: its virtual machine is moved or snapshotted, the "
               "hypervisor starves it, somebody presses Ctrl-Z. When it wakes, all its timers are overdue at once, and "
               "all others look silent to it. Such a replica would accuse a good primary, and a former primary would "
               "still think that it leads. Ten seconds to ten minutes are shortened to a few seconds here: a replica "
               "counts a pause of more than two as standing still.",
     .holds = "A frozen backup costs nothing, a frozen primary one view change. Who wakes up notices that its own "
              "clock jumped, suspects nobody for five seconds (TILT), catches up, and takes part again in the view "
              "that the others are in. There is no further view change.",
     .see =
         "`quorate replicas` shows the frozen one as unreachable, later as TILT; its log says `TILT: stood still for "
         "N ms, suspects nobody for 5000 ms`. VIEW rises by one for the primary and stays then. Agreed time goes "
         "on all the while, for it needs f+1 ticks only.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "pause:4000",
     .play = play_frozen_process},

    {.name = NULL},
};
