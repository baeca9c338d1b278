/* Rows D: checkpoints, and how a replica comes by a state that it lost or missed. */
#include "client/drill/plays_of_members.h"
#include "client/drill/scene.h"

/* Checkpoints every few batches, and decisions kept for some thirty: seconds of absence are as good as a week. */
#define SHORT_MEMORY "request_timeout_ms: 4000\nsilent_ms: 10000\ncheckpoint_interval: 4\nwindow: 8\nin_flight: 4\n"
#define KEEPS_LITTLE .replica_options = "--retain 1", .knobs = SHORT_MEMORY
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\ncheckpoint_interval: 4\nwindow: 32\n"
enum { NAMED = 1u << ALERT_SYSTEM };

const struct drill drills_of_state[] = {
    {.name = "wrong-checkpoint",
     .row = "DR-D1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a replica vouches for a state that is not the cluster's",
     .attack =
         "Replica 2 signs each checkpoint with another root than everybody else. If such a root were certified, a "
         "replica that comes back later would fetch a state that never was, with a proof that it is right.",
     .holds =
         "A checkpoint takes Q equal signatures; the other three make it stable without replica 2. Its statement and "
         "the certificate contradict each other, and that is kept against it.",
     .see = "STABLE goes on rising. `quorate evidence` lists EV5 BAD_CKPT against replica 2, as a fault: broken "
            "memory may sign this as well as a traitor. A SYSTEM alert names it. VIEW stays.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "wrong-checkpoints",
     .cast = {.traitors = {{2, "wrong-checkpoints", .provable = true}}, .allowed = NAMED, .knobs = PATIENT},
     .play = play_checkpoints_convicted},
    {.name = "rotten-state",
     .row = "DR-D2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "bits turn in the state that an honest replica stored",
     .attack =
         "Nobody attacks: memory or disk of replica 3 turn bits in the records that it stores with its checkpoints. "
         "In memory all is right, so it votes and answers like everybody else, until it starts again and takes up "
         "from what it stored. A replica that executes on such a state would contradict the others without a "
         "lie.",
     .holds = "At its start a replica builds the tree over all its records and compares the root with the one that it "
              "vouched for. It must notice, execute nothing on the damaged state, fetch what differs from the others, "
              "and take part again.",
     .see = "After the restart replica 3's log says `REPAIR n=...: the state on disk is damaged`, then `transfer "
            "n=... begins, to repair` and `transferred n=...`; PHASE shows REPAIR, then ACTIVE. In earnest, suspect "
            "that machine's disk and memory.",
     .cast = {.traitors = {{3, "disk-rot"}}, KEEPS_LITTLE},
     .play = play_rotten_state},
    {.name = "poisoned-donor",
     .row = "DR-D3",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "a replica that fetches the state is given false pieces of it",
     .attack =
         "Replica 3 was away for so long that it must fetch the state. One of those who give it, replica 2, offers a "
         "true image and turns a bit in what it then gives: pages, and now and then leaves, decisions, requests. One "
         "false page believed, and replica 3 would execute on a world that never was.",
     .holds =
         "Each piece proves itself under the certificate, so a false one is refused the moment it comes; its donor is "
         "asked no more, and the others give the rest. Replica 3 must arrive at exactly the others' state.",
     .see = "Replica 3's log says `transfer n=... begins`, `donor 2 banned: page ... does not prove`, and `transferred "
            "n=...`. PHASE goes from TRANSFER to ACTIVE, LAG to 0.",
     .cast = {.traitors = {{2, "poison-transfer"}}, KEEPS_LITTLE},
     .play = play_poisoned},
    {.name = "stalling-donor",
     .row = "DR-D4",
     .modes = DRILL_SANDBOX,
     .summary = "a replica that fetches the state is given it drop by drop",
     .attack = "Replica 3 must fetch the state, and replica 2 gives it late, or not at all. It breaks no rule that can "
               "be proven: it is just slow, so that replica 3 stays useless "
               "and the next failure finds no reserve.",
     .holds =
         "All donors are asked side by side; what one is slow with is asked of another after half a second, and who is "
         "late three times in a row is given up. The transfer must end.",
     .see =
         "Replica 3's log may say `donor 2 failed`; then `transferred n=...`. PHASE goes from TRANSFER to ACTIVE. No "
         "evidence.",
     .cast = {.traitors = {{2, "stall-transfer"}}, KEEPS_LITTLE},
     .play = play_stalled},
    {.name = "forgetful-donor",
     .row = "DR-D6",
     .modes = DRILL_SANDBOX,
     .summary = "a donor begins to give its state and then has none any more",
     .attack =
         "Replica 3 fetches the state as of one checkpoint while the log moves on, so donors keep an image of what "
         "they have long overwritten. Replica 2 offers such an image, and lets go of it as soon as a "
         "page is asked for: because it cleans up too early, or to lead replica 3 from one image to the next for ever.",
     .holds =
         "What one donor no longer has, the others that offered the same checkpoint give; if none is left, a newer one "
         "is chosen. Pages of two images are never mixed, since each must prove itself under one certificate, and "
         "replica 3 arrives.",
     .see =
         "Donors' logs say `image n=... frozen`; replica 3's log says `transfer n=... begins`, `donor 2 failed`, and "
         "`transferred n=...`. PHASE goes from TRANSFER to ACTIVE. No evidence.",
     .cast = {.traitors = {{2, "drop-image"}}, KEEPS_LITTLE},
     .play = play_forgotten},
    {.name = "killed-while-fetching",
     .row = "DR-D7",
     .modes = DRILL_SANDBOX,
     .summary = "a replica is killed at each step of putting a fetched state in force",
     .attack =
         "Replica 3 fetches the state and is killed with SIGKILL: when it has just begun, when all pages are on its "
         "disk but not yet in force, and right after they came into force. A state half old and half new would be "
         "worse than none.",
     .holds =
         "One synced write puts the new state in force and lets the old one go. So each start finds the old state or "
         "the new one, never a mixture, and the transfer begins again until it is done.",
     .see =
         "Replica 3's log says `transfer n=... begins` several times, `laid down`, and in the end `transferred n=...`; "
         "its STATE is that of the others at the same STABLE. No REPAIR.",
     .cast = {KEEPS_LITTLE},
     .play = play_killed_while_fetching},
    {.name = "long-absence",
     .row = "DR-D8",
     .modes = DRILL_SANDBOX,
     .summary = "a replica comes back, under load, after the others forgot what it missed",
     .attack =
         "Replica 3 is down until the others have dropped the decisions that it lacks; here they keep some thirty "
         "batches, in earnest a week or more. There is no way back by replaying the log, and the cluster does not "
         "stand still while it looks for another.",
     .holds =
         "It fetches the state of a certified checkpoint, votes again at once, and catches up with what was decided "
         "meanwhile, within bounded queues. The others are not held up.",
     .see = "`quorate replicas` shows replica 3 in TRANSFER with a large LAG, then ACTIVE with LAG 0; its log says "
            "`transfer n=... begins` and `transferred n=...`.",
     .cast = {KEEPS_LITTLE},
     .play = play_away_and_back},
    {.name = "idle-laggard",
     .row = "DR-D9",
     .modes = DRILL_SANDBOX,
     .summary = "a replica comes back to a cluster that has next to nothing to do",
     .attack =
         "Replica 3 misses a few checkpoints and comes back when hardly anything is ordered any more. A protocol that "
         "only tells what is new would leave it behind until the next storm, when it is needed.",
     .holds =
         "Its STATUS shows what it lacks, and each STATUS is answered with certificates and decisions, whether or not "
         "anything new happens. It must stand where the others stand.",
     .see = "LAG of replica 3 in `quorate replicas` goes to 0 within a few STATUS intervals after its start.",
     .cast = {.no_load = true, .knobs = PATIENT},
     .play = play_idle_laggard},
    {0},
};
