/* Rows B: a backup is the traitor. One is never enough to stop the others or to speed them into a mistake, and what it
   signs against itself names it. */
#include "client/drill/plays_of_members.h"
#include "client/drill/scene.h"

/* Long enough that no busy machine ends a view that must stay. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"
enum { NAMED = 1u << ALERT_SYSTEM };

const struct drill drills_of_backups[] = {
    {.name = "silent-backup",
     .row = "DR-B1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup says nothing any more",
     .attack = "Replica 3 stops talking to members and clients, as a crashed machine does, or a traitor who hopes "
               "that the others wait for it.",
     .holds = "Nobody waits: three of four decide, alerts come, and the view stays, since the primary is not to "
              "blame. Back among the living, replica 3 must catch up by itself.",
     .see =
         "`quorate replicas` shows replica 3 as unreachable, the others ACTIVE in an unchanged VIEW, and in its last "
         "line `3 of 4 vote, 3 needed`: the reserve is gone, which is what check_quorate warns of. No evidence.",
     .live = "silent",
     .cast = {.traitors = {{3, "silent"}}, .knobs = PATIENT},
     .play = play_backup_silent},
    {.name = "double-voting-backup",
     .row = "DR-B2",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup votes for two batches at once",
     .attack = "For each place replica 3 signs two PREPAREs and two COMMITs, one for the proposed batch and one for "
               "another. If both counted, two different batches could each find a quorum for the same place.",
     .holds =
         "A member counts once for each statement, and the first one stands; two quorums share an honest member, so "
         "one liar makes no second quorum. The pair of signatures must convict replica 3.",
     .see = "`quorate evidence` lists EV2 EQUIV_PREPARE or EV3 EQUIV_COMMIT against replica 3, convicted; one SYSTEM "
            "alert says `replica 3 convicted`. The counters show `refused door=core reason=conflict`. VIEW stays.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "double-votes",
     .cast = {.traitors = {{3, "double-votes", .provable = true}}, .allowed = NAMED, .knobs = PATIENT},
     .play = play_backup_convicted},
    {.name = "stray-voting-backup",
     .row = "DR-B3",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a backup votes for the wrong number, view or batch",
     .attack =
         "Each vote of replica 3 is one off: the next or previous number, another view, another batch. Such votes "
         "look almost right, and a counter that compares too little would add them to a quorum.",
     .holds =
         "Only byte-equal statements count together. Stray votes are refused or lie unused, one a member, kind and "
         "place, so they cost no memory either; the others decide without them. While one of them stands still, "
         "nothing is decided at all.",
     .see =
         "The counters show `refused door=core` with reasons `wrong-view`, `outside-window`, `conflict`. A stray vote "
         "and the right one for the same place are a contradiction, so `quorate evidence` soon lists EV2 or EV3 "
         "against replica 3. VIEW stays until replica 1 is stopped; then EXECUTED of replicas 0 and 2 stands still.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "wrong-votes",
     .cast = {.traitors = {{3, "wrong-votes", .provable = true}}, .allowed = NAMED, .knobs = PATIENT},
     .play = play_strays_unused},
    {.name = "wish-storm",
     .row = "DR-B5",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup wishes for new views without end",
     .attack =
         "Replica 3 sends 500 wishes a second for the next view, for views a million further, and for the last one "
         "that a number can name. If one member could end a view, or push the number to its end, it could keep "
         "the cluster changing primaries for ever.",
     .holds =
         "A single member's wish moves nobody: f+1 are echoed, Q end a view. The view must stay as it is, and work "
         "must go on under the noise.",
     .see =
         "VIEW and PRIMARY in `quorate replicas` do not change, and no log says `wish` or CHANGING. The counters show "
         "`refused door=core reason=duplicate`. No evidence: everybody may wish.",
     .live = "wish-storm",
     .cast = {.traitors = {{3, "wish-storm"}}, .knobs = PATIENT},
     .play = play_wishes_unheard},
    {.name = "commit-withholding-backup",
     .row = "DR-B6",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a backup sends its COMMITs to everybody but one",
     .attack =
         "Replica 2 keeps its COMMITs from replica 3, and the network loses what replica 1 sends to it. Each of the "
         "others sees a complete quorum; replica 3 hangs on the last vote for ever.",
     .holds =
         "Replica 3 fetches each decision with its proof from one who has it. It must keep up, and nobody changes view "
         "for it.",
     .see =
         "LAG of replica 3 in `quorate replicas` stays small; the `state` line of its report (SIGUSR1) counts what it "
         "`fetched`. No evidence, VIEW stays.",
     .live = "withhold-commits",
     .cast = {.traitors = {{2, "withhold-commits:3"}}, .network = true, .knobs = PATIENT},
     .play = play_victim_decides},
    {.name = "garbage-flood",
     .row = "DR-B8",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a backup floods the others with bytes that mean nothing",
     .attack =
         "Replica 3 sends each of the others 500 messages a second of up to 4 KiB of noise, half of them with the "
         "head of a true frame. Whoever reads all of it with care has no time left for the log.",
     .holds = "What is no frame is refused before any signature is looked at, and three offences mute the connection: "
              "from then on it costs the reading only. Requests must go on being acknowledged.",
     .see =
         "Logs say `peer-frame-refused` (ten lines a minute) and `peer-muted`; the counters show `refused door=peer "
         "reason=malformed`, `oversized` and the like, and in `network` muted and unheard. Healed, the connection is "
         "heard again once its mute time, 10 s and more, is over.",
     .live = "flood-garbage",
     .cast = {.traitors = {{3, "flood-garbage:500"}}, .knobs = PATIENT},
     .play = play_flood_muted},
    {.name = "lying-status",
     .row = "DR-B10",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a backup claims to be at the beginning, or years ahead",
     .attack =
         "Each STATUS of replica 3 is a lie: it has nothing, it has everything, it is at batch 2^60. The first makes "
         "others send it all they have, over and over; the second makes them ask it for what nobody can give, "
         "and believe that they are behind.",
     .holds = "What a STATUS claims binds nobody. Help is given at most once in half a STATUS interval and in bounded "
              "pieces; only a certificate, never a claim, makes a replica believe that it is behind. Nobody may fall "
              "into TRANSFER or REPAIR.",
     .see = "PHASE of replicas 0 to 2 stays ACTIVE and VIEW stays. `quorate replicas` shows nothing odd: replica 3 "
            "lies to "
            "replicas, not to clients; `frames_changed=N` in its counters says how often. No evidence.",
     .live = "status-lies",
     .cast = {.traitors = {{3, "status-lies"}}, .knobs = PATIENT},
     .play = play_claims_unbelieved},
    {.name = "relay-forger",
     .row = "DR-B11",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a backup relays check results that no observer signed",
     .attack = "Whatever request replica 3 passes on comes with a forged companion: a bit of the result turned, or "
               "another number sealed with replica 3's own key under the observer's name. Taken for true, it would be "
               "a false vote on a host, or a number that the true observer can never use again.",
     .holds = "A request counts by its client's signature, whoever carries it. None of the forged ones may be "
              "ordered, and each is an offence of the connection that it came by.",
     .see =
         "The counters show `refused door=peer reason=bad-signature`; after three offences the log says `peer-muted`. "
         "Alerts and votes are those of the true results. VIEW stays.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_AUTHORITY,
     .live = "forge-relays",
     .cast = {.traitors = {{3, "forge-relays"}}, .knobs = PATIENT},
     .play = play_forged_relays},
    {.name = "false-acknowledgement",
     .row = "DR-B12",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "a replica acknowledges what it throws away",
     .attack =
         "Replica 3 answers each request at once as accepted, with a receipt of its own, and forgets it; meanwhile "
         "the other three are down for some seconds. A client that believes one replica would throw its result "
         "away, and nobody would ever know of the outage that it told.",
     .holds =
         "A client takes an answer only with equal receipts of f+1 replicas, so it must not count a single request as "
         "done while only the liar answers. It keeps what it has and asks again until the others are back.",
     .see =
         "`quorate replicas` says `1 of 4 vote, 3 needed: NOT quorate`; agents log `no-quorum` and keep their results, "
         "then `quorum-back`. No evidence: what only a client was told, nobody else can show. When "
         "nothing is ordered for longer than `cluster_gap_ms`, one SYSTEM alert CLUSTER_GAP says so.",
     .cast = {.traitors = {{3, "false-acks", .provable = true}}, .allowed = NAMED, .knobs = PATIENT},
     .play = play_false_acknowledgements},
    {.name = "relay-past-the-primary",
     .row = "DR-B14",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "a replica hides a client's request from the primary",
     .attack =
         "A client reaches replica 3 only. Replica 3 passes its request on to some backups and not to the primary. "
         "The backups wait for a proposal that can't come: an honest primary looks like a censor and would be "
         "replaced, and then the next one.",
     .holds =
         "A backup that holds what nobody proposes relays it to all before its patience ends, so the primary hears "
         "of it in time. The request must be ordered, and the view must stay.",
     .see = "The request is answered. VIEW stays. No evidence.",
     .live = "relay-past-primary",
     .cast = {.traitors = {{3, "relay-past-primary"}}, .knobs = PATIENT},
     .play = play_past_the_primary},
    {0},
};
