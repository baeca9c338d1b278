/* Rows C: what a traitor can do while views change. What was decided survives, whoever hides it. */
#include "client/drill/plays_of_members.h"
#include "client/drill/scene.h"

/* Views end soon, and checkpoints come often enough that there is something to prove. */
#define BRISK                                                                                                          \
    "request_timeout_ms: 2000\nnew_view_timeout_ms: 2000\nsilent_ms: 10000\ncheckpoint_interval: 16\nwindow: 64\n"
enum { NAMED = 1u << ALERT_SYSTEM };

const struct drill drills_of_views[] = {
    {.name = "hidden-commit",
     .row = "DR-C1",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "a traitor lets one replica believe in a decision and hides it in the view change",
     .attack =
         "Replica 0 leads and proposes only to replicas 1 and 3, gives its COMMIT to replica 3 alone, and then says "
         "in its VIEW-CHANGE that it never prepared anything. The network is with it: nobody else hears replica 3. "
         "If two COMMITs of four were enough, replica 3 would execute a batch that nobody else ever sees, and the "
         "next primary would put another one in its place: two histories, and no way back to one.",
     .holds =
         "Two COMMITs are no quorum of four: any three hold an honest replica that remembers. Replica 3 must not have "
         "executed what the others decide otherwise, so that all logs are equal when the links are back.",
     .see =
         "VIEW rises to 1 for replicas 0 to 2 and, after the cut, for replica 3 too; LAG of replica 3 goes back to 0. "
         "Its COMMIT and its VIEW-CHANGE together convict replica 0: `quorate evidence` lists EV6 VC_OMISSION, and a "
         "SYSTEM alert names it. In a broken build a log says SAFETY BREACH, or the log hashes differ.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast =
         {.traitors = {{0, "hidden-commit:1", .provable = true}}, .allowed = NAMED, .network = true, .knobs = BRISK},
     .play = play_hidden_commit},
    {.name = "badly-proven-view-change",
     .row = "DR-C2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "one VIEW-CHANGE has a false signature among true ones",
     .attack = "The primary stands still for a moment, so the view changes. In the VIEW-CHANGE of replica 3 one of "
               "the many signatures is false. A primary that takes the good parts of it would make a NEW-VIEW that "
               "others can't accept, and one that dropped all for it would have none.",
     .holds =
         "One invalid part voids the whole message: it is dropped at the door, the NEW-VIEW is made of the others', "
         "and the frame itself convicts replica 3.",
     .see =
         "`quorate evidence` lists EV7 BAD_VC against replica 3, convicted, and a SYSTEM alert names it. The counters "
         "show `refused door=peer reason=bad-proof`. VIEW rises by one.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.traitors = {{3, "bad-certificate", .provable = true}}, .allowed = NAMED, .knobs = BRISK},
     .play = play_bad_view_change},
    {.name = "silent-new-primary",
     .row = "DR-C4",
     .modes = DRILL_SANDBOX,
     .summary = "the next primary never says that its view begins",
     .attack =
         "The primary stands still for a moment, the others agree on the next view, and its primary, replica 1, keeps "
         "the NEW-VIEW to itself. Everybody has stopped voting in the old view and none can vote in the new one.",
     .holds =
         "Who waits for a NEW-VIEW longer than the time-out wishes for the view after it, and the next primary takes "
         "over. Two wasted views cost two time-outs, the second twice as long, and no more.",
     .see =
         "Logs say `view 1 CHANGING primary 1`, then `wish v=2 NV_TIMEOUT` and `view 2 ACTIVE primary 2`; VIEW is two "
         "higher. No evidence.",
     .cast = {.traitors = {{1, "no-new-view"}}, .knobs = BRISK},
     .play = play_new_primary_passed_over},
    {.name = "wrong-new-view",
     .row = "DR-C5",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "the next primary re-proposes something else than was prepared",
     .attack =
         "Replica 1 becomes primary and sends a NEW-VIEW whose list does not follow from the VIEW-CHANGEs in it: a "
         "place left out, another batch, an empty one over one that was prepared, one too many. Whoever believed "
         "it could execute something else at a place where others have decided already.",
     .holds =
         "Everybody computes the list anew from the VIEW-CHANGEs and compares it byte by byte. The frame is refused, "
         "its signature convicts replica 1, and the view after it is led by somebody else.",
     .see = "`quorate evidence` lists EV8 BAD_NV against replica 1, convicted; the counters show `refused door=peer "
            "reason=bad-proof`. VIEW is two higher.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.traitors = {{1, "wrong-new-view", .provable = true}}, .allowed = NAMED, .knobs = BRISK},
     .play = play_new_primary_convicted},
    {.name = "two-new-views",
     .row = "DR-C6",
     .modes = DRILL_SANDBOX,
     .summary = "the next primary begins the same view in two ways",
     .attack =
         "Replica 1 signs two NEW-VIEWs for one view, each as right as can be: in one of them its own VIEW-CHANGE "
         "tells less. Some members get the one and some the other, so each group may re-propose something else.",
     .holds =
         "Votes name the NEW-VIEW that the voter saw, so votes under different ones never count together, and at most "
         "one of the two finds a quorum. Who was given the other one holds the VIEW-CHANGE that replica 1 sent "
         "before: the two convict replica 1. Everybody must end up with the same log.",
     .see = "The counters show `refused door=core reason=wrong-new-view`. `quorate evidence` lists EV10 EQUIV_VC "
            "against replica 1, or EV9 EQUIV_NV where both frames met, convicted, and a SYSTEM alert names it. Who saw "
            "it logs `wish v=2 PROOF`; two such wishes end the view.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.traitors = {{1, "two-new-views", .provable = true}}, .allowed = NAMED, .knobs = BRISK},
     .play = play_two_new_views},
    {.name = "consecutive-traitors",
     .row = "DR-C7",
     .modes = DRILL_SANDBOX,
     .summary = "of seven replicas the next two primaries are both traitors",
     .attack =
         "Seven replicas bear two traitors. Replica 0 leads and falls silent; replica 1, which follows it, is silent "
         "too. The cluster must find its way past as many bad primaries in a row as it says that it bears.",
     .holds =
         "Each bad view ends by its time-out, the second one allowing twice the time, and the third primary is honest. "
         "Requests are acknowledged again, and once work goes on the time-outs shrink back.",
     .see = "VIEW is two higher; logs say `wish v=1` with REQ_TIMEOUT or SILENT and `wish v=2 NV_TIMEOUT`. `quorate "
            "replicas` says `5 of 7 vote, 5 needed`.",
     .cast = {.members = 7, .traitors = {{0, "silent"}, {1, "silent"}}, .knobs = BRISK},
     .play = play_consecutive_traitors},
    {.name = "star-partition",
     .row = "DR-C9",
     .modes = DRILL_SANDBOX,
     .summary = "only one replica hears all others while the view changes",
     .attack =
         "All links are cut but those of replica 2, a star that a broken switch makes as well as a traitor in the "
         "network. Replica 2 hears enough wishes and leaves the view; the others hear two at most and stay. What "
         "was sent meanwhile comes late, when TCP tries again, or never, when its queue was full.",
     .holds =
         "Nothing may be decided twice. When the links are back all must find into one view: wishes and VIEW-CHANGEs "
         "are sent again and again until they are superseded, so nothing hangs on a frame that was lost.",
     .see =
         "`quorate replicas` shows replica 2 CHANGING in a higher VIEW than the others, and EXECUTED standing still. "
         "Healed, all are ACTIVE in one view within a few time-outs. No evidence.",
     .cast = {.network = true, .knobs = BRISK},
     .play = play_star},
    {0},
};
