/* Rows H of the catalogue: clients and agents that behave badly with a key of their own. */
#include "client/drill/crowd.h"
#include "client/drill/plays.h"

/* A host and a service that observer c alone speaks of, by hand. */
#define LONE                                                                                                           \
    CROWD_COMMAND                                                                                                      \
    "define host {\n host_name lone\n check_freshness 0\n" CROWD_RULES(                                                \
        "c", "1", "3600", "") "define service {\n host_name lone\n service_description beat\n check_command "          \
                              "drill-nothing\n" CROWD_RULES("c", "1", "3600", "")
/* So that a busy machine is not taken for a bad primary. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"

const struct drill drills_of_clients[] = {
    {.name = "endless-resend",
     .row = "DR-H1",
     .modes = DRILL_SANDBOX,
     .summary = "an agent sends what was executed again and again, to all replicas",
     .attack = "An agent has a fault in its spool, or somebody on the line plays its frames again: requests that took "
               "effect come again, 300 a second, to every replica, for ever. All are properly signed. If one took "
               "effect twice, a result would count as a new vote and an order would be given again.",
     .holds = "Each request takes effect once: its number is marked in the replicated state, and the second time every "
              "replica answers with the place and the proof of the first. Others notice nothing.",
     .see = "`clients requests=N answers=N` in the counters grow by as many; `state results_accepted` does not. "
            "EXECUTED in `quorate replicas` grows no faster than before. There is neither evidence nor a refusal, "
            "since asking twice is allowed: that is how clients survive a lost answer. Only numbers that are 256 "
            "behind the newest are refused, `old`.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .knobs = PATIENT},
     .play = play_endless_resend},

    {.name = "flooding-agent",
     .row = "DR-H2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "one agent asks for far more requests than its quota",
     .attack =
         "An agent with a mad configuration, or a thief with its key, submits 500 valid requests a second. Each "
         "is signed and new, so nothing is wrong with any of them, and the log would have room for nobody else's.",
     .holds =
         "Each client has a bucket of tokens, filled by agreed time. An empty bucket means `busy` at the door; what "
         "comes by way of another replica waits until the bucket has tokens. The others' results and alerts go "
         "through as before, and the primary is not blamed for the flooder's old requests.",
     .see =
         "The flooder is refused `busy`. `state pool=N` in the counters may grow to a few hundred, no further: a key "
         "holds 256 places. p99 of the others in this report stays of the same size as before. VIEW stays. Here "
         "quota_per_s is 100 and quota_burst 200; the defaults are 1000 and 4000.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .knobs = PATIENT "quota_per_s: 100\nquota_burst: 200\n"},
     .play = play_flooding_agent},

    {.name = "unsigned-flood",
     .row = "DR-H3",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "somebody sends requests with wrong signatures, as fast as it likes",
     .attack =
         "Whoever reaches the client port needs no key for this: 500 requests a second in an observer's name with "
         "signatures that do not verify. Each costs the sender nothing and the replica a verification, so that "
         "honest requests might wait behind them.",
     .holds = "None becomes a vote. The first wrong signature mutes the connection, ten seconds at first and twice as "
              "long each time; verifying for one connection is bounded by a quarter of the machine. Results and alerts "
              "go through.",
     .see = "Each replica logs `client-muted reason=bad-signature`. In its counters `refused door=client "
            "reason=bad-signature count=N`, `clients ... unheard=N muted_now=1 clients_muted=N`. There is no evidence: "
            "nobody signed anything. The agent whose name was used is not affected, since connections are muted, not "
            "keys.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_AUTHORITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .knobs = PATIENT},
     .play = play_unsigned_flood},

    {.name = "two-contents",
     .row = "DR-H4",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "a client signs two requests under one number and tells each half of the replicas another",
     .attack =
         "An agent that lost its counter, or whose key runs on two machines, or who means harm, gives one request "
         "number to two different requests, and each half of the replicas hears another one first. If each "
         "executed what it heard, their states would differ. If the primary's choice had to be fetched by "
         "everybody, one client would delay all.",
     .holds = "The one that is ordered first takes effect everywhere, the other nowhere: of the two exactly one is "
              "answered as done. The two signatures are shown as EV13. That is a client's fault and convicts nobody, "
              "since a restored machine does the same; its votes go on to count.",
     .see = "`quorate evidence`: `observer c: it signed two different requests under one number`, EV13 CLIENT_EQUIV, "
            "client-fault. The loser is answered `already-executed`, or that the number was used for another request. "
            "`quorate status` goes on to count the observer. Look for a second agent with that key, or a restored "
            "counter file.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .allowed = 1u << ALERT_SYSTEM, .knobs = PATIENT},
     .play = play_two_contents},

    {.name = "number-jumps",
     .row = "DR-H6",
     .modes = DRILL_SANDBOX,
     .summary = "an agent's request numbers jump far ahead and back",
     .attack = "A counter file was restored from a backup, edited by hand, or a client makes numbers up: it jumps 300 "
               "ahead, then back behind the window, then millions ahead. If replicas judged these differently, by what "
               "each happens to remember, their answers and their states would part.",
     .holds = "Every replica gives the same answer, since the window of each client is part of the replicated state: a "
              "number up to 1,048,576 above the highest is taken and moves the window, one beyond is `ahead`, one that "
              "is 256 or more below is `old`. A client that counts properly again is heard again.",
     .see =
         "`quorate submit` prints the reason, `old` or `ahead`; f+1 replicas signed it alike. In the counters `refused "
         "door=core` with these reasons may grow. An agent whose counter was lost needs one above every number ever "
         "used (OPERATING.md, Backups).",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .knobs = PATIENT},
     .play = play_number_jumps},

    {.name = "convicted-in-flight",
     .row = "DR-H7",
     .modes = DRILL_SANDBOX,
     .summary = "a key loses its right to vote while its requests are on their way",
     .attack =
         "A key is no longer to be believed, and eighty of its requests are already in the pools and in proposals. "
         "Nobody can take them out of a proposal that others have voted on. This build cannot revoke a key yet, "
         "so the drill takes the nearest thing that there is: in the middle of its requests the observer signs "
         "two stories under one obs_seq, which convicts its key the moment the second is executed.",
     .holds = "What was executed before counts, what comes after is executed as nothing: refused `convicted`, the same "
              "on every replica, at the same place of the log. No batch is stuck for it, and nobody else waits.",
     .see =
         "`quorate evidence` lists EV12 OBS_EQUIV against the observer, convicted, shown by the log itself; one SYSTEM "
         "alert says `observer c convicted: it signed two contents under one obs_seq`. Its later results are "
         "refused with `convicted`, `state results_refused` grows in the counters, and `quorate status "
         "--observers` says `no: convicted` for it everywhere. What it alone spoke of becomes UNKNOWN, and that is "
         "told.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_AUTHORITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = LONE, .allowed = 1u << ALERT_SYSTEM, .knobs = PATIENT},
     .play = play_convicted_in_flight},

    {.name = "deaf-ingress",
     .row = "DR-H9",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "one replica drops everything that one agent says",
     .attack = "A traitor among the replicas, or a firewall in front of it, throws away whatever observer a sends. If "
               "agents spoke to one replica only, that observer would fall silent, and what it alone sees would not "
               "be told.",
     .holds = "Agents send to all replicas, so the others have the request and it is ordered; its votes count and its "
              "problems are told. The deaf one throws away the same requests when others pass them on, so it cannot "
              "execute what names them and falls behind, which harms nobody. The view stays: a backup's deafness "
              "delays no one. When it listens again it catches up.",
     .see = "`quorate replicas` shows the deaf one with an EXECUTED that stands still and a LAG that grows; "
            "`frames_changed=N` in "
            "its counters. The agent's results are acknowledged by the other three, and `quorate status` shows its "
            "votes as fresh. There is no evidence, since silence proves nothing. The same done by the primary is drill "
            "DR-A5, and ends with its replacement.",
     .live = "censor-client:0",
     .cast = {.traitors = {{3, "censor-client:0"}}, .knobs = PATIENT},
     .play = play_deaf_ingress},

    {.name = NULL},
};
