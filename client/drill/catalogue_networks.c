/* Rows F of the catalogue: the network between replicas. */
#include "client/drill/plays.h"
#include "client/drill/scene.h"

/* So that a busy machine is not taken for a bad primary. */
#define BRISK "request_timeout_ms: 1000\n"

const struct drill drills_of_networks[] = {
    {.name = "isolated-member",
     .row = "DR-F1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "a backup, then the primary, is cut off from all other replicas",
     .attack = "A switch port dies or a firewall rule is wrong: one replica reaches no other any more, while clients "
               "still reach it. First it is a backup, then the primary. A replica alone must not act as if it were the "
               "cluster: its answers would be believed by nobody with quorate, but it would believe them itself.",
     .holds = "The others go on: with a backup cut off nothing changes, with the primary cut off the next one leads. "
              "The lonely one decides nothing. When the line is back it learns what it missed by itself, and the old "
              "primary follows the new one.",
     .see = "`quorate replicas` still reaches the lonely one, since clients do: its EXECUTED stands still, LAG grows, "
            "OFFSET_MS too, for its agreed time does not go on. Its log has a lone `wish v=V SILENT`, which moves "
            "nobody. With the primary cut off VIEW of the others rises by one. Its counters (`kill -USR1`) say "
            "`network connected=0x..` without the bits of the others.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .live = "isolated",
     .cast = {.network = true},
     .play = play_isolated_member},

    {.name = "split-in-two",
     .row = "DR-F2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "two replicas on each side of a cut line, then one cluster again",
     .attack =
         "The line between two data centres breaks, with two replicas in each. Both halves are healthy, both have "
         "observers and clients. Two Nagios servers would now each tell their own story, and afterwards nobody "
         "could say which alerts were true: this is the fault that quorate was made for.",
     .holds = "Neither half has three of four, so neither executes anything, raises an alert or answers a question: no "
              "fork can come of it. Results wait in the agents' spools. When the line is back both halves go on with "
              "one log, and what broke meanwhile is told, once. Give it a moment: TCP tries again after a pause that "
              "may be as long as the line was gone.",
     .see = "`quorate replicas` answers, each line for itself: EXECUTED stands still on all four, OFFSET_MS grows. All "
            "other verbs exit 3 (no quorum in time); agents log `no-quorum`, notify says `no quorum since ...`. The "
            "replicas' logs show wishes that never become a view, since two are too few. After the heal VIEW may be "
            "one or two higher; if the cut was longer than cluster_gap_ms one SYSTEM alert CLUSTER_GAP says that "
            "deadlines moved along.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.network = true, .allowed = 1u << ALERT_SYSTEM, .knobs = BRISK},
     .play = play_split_in_two},

    {.name = "one-way-links",
     .row = "DR-F3",
     .modes = DRILL_SANDBOX,
     .summary = "replicas that hear but are not heard, and a ring in which no three know each other",
     .attack = "Lines fail in one direction, or in pairs. A backup no longer hears the primary; then the primary hears "
               "nobody while its packets still arrive; then each replica has lost the one opposite of it, so that each "
               "sees three of four and still no three see each other. To each of them all others look at fault, and "
               "systems that replace their leader on one opinion change leaders for ever.",
     .holds = "While three can talk to each other the log goes on: who misses something fetches it from another, and a "
              "primary that hears nobody is replaced. In the ring progress may stop, but nothing forks, and when the "
              "lines are back all go on when TCP has tried again, whatever view each had reached.",
     .see = "`network connected=0x..` in the counters of each replica shows whom it can talk to: put side by side they "
            "are the matrix of links. TCP needs both ways, so a line that fails in one direction soon shows as lost at "
            "both ends. The backup that does not hear the primary has LAG 0 or 1 all the same. In the ring the logs "
            "show `wish v=V` with NV_TIMEOUT, and VIEW may be several higher when it is over.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.network = true, .allowed = 1u << ALERT_SYSTEM, .knobs = BRISK},
     .play = play_one_way_links},

    {.name = "bad-weather",
     .row = "DR-F4",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "packets are lost, 5 to 30 of 100, and one replica's frames come late and in another order",
     .attack = "A radio link, a failing transceiver or an overloaded line: replicas lose 5, 20 and at last 30 of 100 "
               "incoming packets, and what replica 3 sends is held back for up to 100 ms each, so that frames overtake "
               "each other. Lost packets stop a TCP connection for a moment each, so votes come in bursts. A protocol "
               "with tight timers would change its primary all the time.",
     .holds =
         "Results are acknowledged and alerts told, more slowly. A replica resends nothing by timers of its own but "
         "exactly what the STATUS of another shows to be missing, so the bad line is not flooded. The view may "
         "change; it must come to rest, since timers grow with each view that brought nothing.",
     .see = "p99 in this report against before. In the counters `messages_in` of the lossy ones is lower than that of "
            "the others; the log may show single `wish v=V REQ_TIMEOUT`. `quorate replicas`: LAG of a few batches that "
            "comes and goes. A live drill loses 10 of 100 frames of one member.",
     .live = "lossy:10",
     .cast = {.traitors = {{3, "jitter:100"}}, .network = true, .allowed = 1u << ALERT_SYSTEM},
     .play = play_bad_weather},

    {.name = "thin-line",
     .row = "DR-F6",
     .modes = DRILL_SANDBOX,
     .summary = "a backup, then the primary, may send 192 kbit a second and no more",
     .attack =
         "A backup job fills the uplink, or a provider throttles it: one replica can send far less than it has to "
         "say. Its queues grow. A system without bounds would eat its memory until it is killed, or fill the "
         "queue with bulk so that the few votes that matter come too late.",
     .holds =
         "Queues are bounded: votes and STATUS go before bulk, and the oldest of the least urgent is dropped, since "
         "whoever misses it asks again. The cluster goes on at its own speed while the thin one is a backup. If "
         "it leads, proposals come late, and it is replaced when they come later than the SLOW limit or T_req.",
     .see =
         "`network ... out_dropped=N` in the counters of the thin one grows; its memory does not. `quorate replicas` "
         "may show it with LAG. With the thin line under the primary the others' logs say `wish v=V SLOW` or "
         "REQ_TIMEOUT and VIEW rises. Nobody is accused: a slow line is no lie.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.network = true, .allowed = 1u << ALERT_SYSTEM, .knobs = BRISK},
     .play = play_thin_line},

    {.name = "flapping-link",
     .row = "DR-F7",
     .modes = DRILL_SANDBOX,
     .summary = "the primary's line is gone every other second",
     .attack =
         "A plug with a loose contact: the replica that leads loses its line for as long as others wait for it, is "
         "back, and loses it again, six times. Each cut is just long enough to make others suspect it, and each "
         "return just long enough to make them hope. A cluster could spend all its time in view changes.",
     .holds =
         "The replica is replaced, and a backup with a loose contact costs nothing. When it is quiet again the view "
         "is quiet too: timers that had doubled come back with progress, one step each ten seconds.",
     .see = "VIEW rises by one, seldom by more, and stays. The loose one's counters show connections that come and go; "
            "its LAG jumps and falls to 0. The logs of the others show one or two `wish v=V`, then no more.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.network = true, .allowed = 1u << ALERT_SYSTEM, .knobs = BRISK},
     .play = play_flapping_link},

    {.name = NULL},
};
