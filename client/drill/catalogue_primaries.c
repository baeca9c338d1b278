/* Rows A: a traitor leads. It proposes nothing, two things, too late, to some, or what serves nobody; backups judge it
   by what they see and replace it. */
#include "client/drill/plays_of_members.h"
#include "client/drill/scene.h"

/* Long enough that only the rule in question ends a view, and no busy machine does. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"
/* So that the age of requests ends a view before three slow windows do. */
#define AGES "request_timeout_ms: 1500\nnew_view_timeout_ms: 2000\nsilent_ms: 10000\n"
#define BRISK "request_timeout_ms: 2000\nnew_view_timeout_ms: 2000\nsilent_ms: 10000\n"
enum { NAMED = 1u << ALERT_SYSTEM };

const struct drill drills_of_primaries[] = {
    {.name = "silent-primary",
     .row = "DR-A1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary says nothing any more",
     .attack =
         "Replica 0 leads and from one moment on sends nothing to the others: no proposal, no vote, no "
         "STATUS. That is what a crash or a pulled cable looks like, and what a traitor does who wants the log, and "
         "with it every alert, to stand still.",
     .holds = "The others must find out by the age of the requests that nobody proposes, agree on the next view, and "
              "go on; what broke meanwhile must be told. Nothing acknowledged may be lost.",
     .see = "`quorate replicas` shows VIEW one higher for the others than for replica 0, at first; their logs say "
            "`wish v=1 REQ_TIMEOUT` or `SILENT`, then `view 1 CHANGING` and `view 1 ACTIVE primary 1`. There is no "
            "evidence, since silence proves nothing. Once replica 0 no longer leads it speaks again, and stands in "
            "the new view with LAG 0.",
     .live = "silent-primary",
     .cast = {.traitors = {{0, "silent-primary"}}, .knobs = BRISK},
     .play = play_replaced},
    {.name = "equivocating-primary",
     .row = "DR-A2",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "the primary proposes one batch to some backups and another to the rest",
     .attack = "For one place of the log replica 0 signs two proposals: half of the backups get the requests in one "
               "order, half in another, or nothing in place of a single request. If both were executed, replicas "
               "would disagree on what happened, and from then on each could be believed and none trusted.",
     .holds = "Neither half is a quorum, so at most one of the two may be executed, the same everywhere. Backups show "
              "each other what they were told, the two signatures convict replica 0, and another primary leads.",
     .see = "`quorate evidence` lists `replica 0: it signed two different proposals`, EV1 EQUIV_PP, convicted, and "
            "mostly EV3 EQUIV_COMMIT when it commits to one of the two; one SYSTEM alert says `replica 0 convicted`. "
            "The backups' logs have `evidence EV1 EQUIV_PP culprit 0` and a wish for the next view (PROOF or "
            "REQ_TIMEOUT); VIEW rises. The counters show `refused door=core reason=conflict`.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "equivocate",
     .cast = {.traitors = {{0, "equivocate", .provable = true}}, .allowed = NAMED, .knobs = BRISK},
     .play = play_replaced_and_convicted},
    {.name = "starving-primary",
     .row = "DR-A3",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary leaves one backup out",
     .attack = "Replica 0 sends its proposals to all but replica 3. The others are enough to decide, so nobody has a "
               "reason to complain, and the cluster quietly lives without its reserve: the next failure would stop "
               "it.",
     .holds = "Replica 3 must keep up all the same: it sees the others' COMMITs and fetches batch and decision from "
              "them. The view must not change, since one replica's complaint moves nobody.",
     .see = "In `quorate replicas` LAG of replica 3 stays near 0, and VIEW stays; the `state` line of its report "
            "(SIGUSR1) "
            "counts what it `fetched`. In its log there may be a lone "
            "`wish v=1`; nobody follows it. There is no evidence. Healed, nothing changes but that replica 3 prepares "
            "again.",
     .live = "starve-backup",
     .cast = {.traitors = {{0, "starve-backup:3"}}, .knobs = PATIENT},
     .play = play_starved},
    {.name = "slow-primary",
     .row = "DR-A4",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "the primary proposes everything a second late, well within the time-out",
     .attack = "Replica 0 holds each proposal back for a second, far less than the request time-out of this cluster "
               "(10 s). Nothing ever times out, so a protocol that only knows time-outs would crawl for ever: the "
               "cheapest way to make monitoring useless without being caught.",
     .holds = "Backups measure how long requests wait for their proposal. Three windows of a second above the limit "
              "(250 ms, or more where the network is slow) must raise the wish SLOW at enough of them and end the "
              "view.",
     .see = "The logs of backups say `wish v=1 SLOW`; VIEW rises by one after some four seconds. No evidence: to be "
            "slow is no proof of anything.",
     .live = "delay-proposals:400",
     .cast = {.traitors = {{0, "delay-proposals:1000"}}, .knobs = PATIENT},
     .play = play_replaced_for_slowness},
    {.name = "censoring-primary",
     .row = "DR-A5",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "the primary never hears one observer",
     .attack = "Replica 0 drops every request of the first observer, whichever way it comes, and serves all others "
               "well. So it chooses whose votes count: enough to keep an outage from the majority it needs, while "
               "every graph of throughput looks fine.",
     .holds = "Progress of others excuses nobody: the age of the oldest waiting request is what counts. Whoever holds "
              "it relays it; when it is older than the time-out the view ends, and the next primary orders it.",
     .see = "The backups' logs say `wish v=1 REQ_TIMEOUT`; VIEW rises. No evidence, since a request that was not "
            "heard leaves no signature. The observer's agent notices nothing but a slower answer, and `quorate status "
            "web1 "
            "http` soon shows its vote.",
     .live = "censor-client",
     .cast = {.traitors = {{0, "censor-client:0"}}, .knobs = AGES},
     .play = play_censored},
    {.name = "skipping-primary",
     .row = "DR-A6",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary leaves a gap in the sequence numbers",
     .attack = "Replica 0 proposes 16 places further on than it should. Backups accept each of them, but nothing can "
               "be executed beyond the hole, and the window of places that may be open is used up: a primary that "
               "burns numbers.",
     .holds = "Requests that wait too long end the view. The next primary fills every place of the hole with an empty "
              "batch, re-proposes what was prepared above it, and the window moves on.",
     .see = "EXECUTED stands still for about a time-out in `quorate replicas`, then VIEW is one higher and EXECUTED "
            "jumps over the gap. The logs say `wish v=1 REQ_TIMEOUT`. No evidence.",
     .live = "skip-numbers",
     .cast = {.traitors = {{0, "skip-numbers:16", .provable = true}}, .knobs = BRISK},
     .play = play_replaced},
    {.name = "repeating-primary",
     .row = "DR-A7",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary proposes again what was executed before",
     .attack = "Behind each new request replica 0 proposes up to 256 old ones. They are genuine, so backups prepare "
               "them; if they took effect twice, one failed check would become two attempts and an alert, and the "
               "work they cost crowds out what matters.",
     .holds = "Each request takes effect once: the log remembers the numbers of each client, and a repetition changes "
              "nothing on any replica. Batches that are mostly waste count as slow service and end the view.",
     .see = "The logs of backups say `wish v=1 SLOW` after three to four seconds and VIEW rises. Alerts come once. No "
            "evidence: an old request is not a lie.",
     .promises = 1u << PROMISE_VALIDITY,
     .live = "re-propose",
     .cast = {.traitors = {{0, "re-propose", .provable = true}}, .knobs = PATIENT},
     .play = play_replaced_for_slowness},
    {.name = "phantom-primary",
     .row = "DR-A9",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary proposes requests that nobody holds",
     .attack =
         "In each batch replica 0 names a request that does not exist, the same one to all. Backups can't say that "
         "it doesn't: they may just not have it yet. So they hold the proposal and ask for the missing bytes, "
         "and nothing behind that place can be executed.",
     .holds = "Nobody may prepare a batch whose requests it lacks, and the stall may last no longer than the time-out "
              "of the requests that wait behind it. No certificate can exist for the phantom, so the next primary's "
              "NEW-VIEW drops it.",
     .see = "EXECUTED stands still for about a time-out, then `wish v=1 REQ_TIMEOUT` and a higher VIEW. No "
            "evidence: all were told the same, and a request that nobody holds may still be on its way.",
     .live = "phantom-requests",
     .cast = {.traitors = {{0, "phantom-requests"}}, .knobs = AGES},
     .play = play_replaced_unproven},
    {.name = "tick-censoring-primary",
     .row = "DR-A10",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary never hears the ticks of other replicas",
     .attack = "Replica 0 drops the clock ticks that the others sign each second. Agreed time is the (f+1)-th largest "
               "of all members' ticks: with those of one member alone it stands still, and with it every deadline, so "
               "that a silent observer is never found to be stale.",
     .holds = "A tick is a request like any other: when it waits longer than the time-out the view ends, and the next "
              "primary orders it. Agreed time must follow the clocks.",
     .see = "The logs say `wish v=1 REQ_TIMEOUT`; VIEW rises. OFFSET_MS in `quorate replicas` grows until "
            "then, and falls below 3 s for all. No evidence.",
     .live = "censor-ticks",
     .cast = {.traitors = {{0, "censor-ticks"}}, .knobs = AGES},
     .play = play_replaced_time_goes_on},
    {.name = "flooding-primary",
     .row = "DR-A13",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary fills the window with empty batches",
     .attack = "Replica 0 proposes empty batches for every place of the window and beyond, and nothing else. Each "
               "costs every backup "
               "two signed and synced votes, so a few hundred small frames a second keep the disks of the whole "
               "cluster busy with nothing.",
     .holds =
         "What lies beyond the window is refused. What lies within is prepared like anything else, but more than "
         "16 batches without effect in a second count as slow service, as do requests that wait; three such seconds "
         "end the view long before a request is too old. Memory stays within the window.",
     .see = "The logs of backups say `wish v=1 SLOW`; VIEW rises. The counters show `refused door=core "
            "reason=outside-window`. No evidence: an empty batch is not a lie.",
     .live = "flood-empty",
     .cast = {.traitors = {{0, "flood-empty"}}, .knobs = PATIENT},
     .play = play_replaced_for_slowness},
    {.name = "miserly-primary",
     .row = "DR-A15",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "the primary lets one client wait, and nobody else",
     .attack = "Replica 0 serves everybody well but the first observer, whose requests it never hears, in a cluster "
               "where a request may wait for ten seconds. Throughput, the usual delay and every time-out look fine: a "
               "protocol that takes the average for fairness would never notice whom it leaves out.",
     .holds =
         "Backups relay what nobody proposes and measure how long each client waits by itself. Three windows of a "
         "second in which one client waits far longer than the others raise the wish SLOW, long before a request is "
         "too old, and the next primary serves everybody.",
     .see = "The logs of backups say `wish v=1 SLOW` after some four seconds; VIEW rises. No evidence.",
     .live = "censor-client",
     .cast = {.traitors = {{0, "censor-client:0"}}, .knobs = PATIENT},
     .play = play_replaced_for_slowness},
    {0},
};
