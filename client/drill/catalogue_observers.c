/* Rows I of the catalogue: observers that lie, fall silent, see another world or speak twice. */
#include "client/drill/crowd.h"
#include "client/drill/plays.h"

enum { MASKS = 1u << ALERT_SYSTEM }; /* each mask, unmask and conviction is told by one */
/* Agreed time moves ten times a second, for rounds of a quarter; and a busy machine is not taken for a bad primary. */
#define QUICK "tick_ms: 100\nrequest_timeout_ms: 10000\nsilent_ms: 30000\n"

const struct drill drills_of_observers[] = {
    {.name = "stubborn-observer",
     .row = "DR-I1",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "one observer of three always says DOWN; when it is masked a second one errs",
     .attack =
         "Observer c says DOWN of a host that is up, always: its probe is broken, its network is, or it was taken "
         "over. Alone it raises nothing, since two of three are needed. It waits for the moment when an honest "
         "observer errs, for then there are two.",
     .holds = "After ten rounds in which it contradicted what the others agreed on, c is masked: its vote is missing "
              "from then on. When b errs for a moment, its one vote is not enough, and the host stays UP. When the "
              "host really fails, a and b are enough to say so. Rounds are a quarter of a second long here; in a "
              "cluster they are a check_interval.",
     .see =
         "`quorate status --observers` shows c as `no: masked`, SUSPECT, with its score and `DISAGREED 10 of 10` or "
         "so; "
         "one SYSTEM alert says `observer c masked for crowd: it disagreed in N of M rounds, last at ...: DOWN where "
         "the verdict was UP`. When it is honest again it is unmasked after 50 agreeing rounds, on probation.",
     .promises = 1u << PROMISE_AUTHORITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.allowed = MASKS, .objects = CROWD_COMMAND CROWD_HOST("a,b,c", "0.25", "30"), .knobs = QUICK},
     .play = play_stubborn_observer},

    {.name = "colluding-observers",
     .row = "DR-I2",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "two observers of five lie together, first CRITICAL, then OK",
     .attack =
         "Two observers of five are in one hand and say the same: first that everything fails, to wake people up at "
         "night until they no longer look; then that all is well, while a service really fails.",
     .holds =
         "With five observers and a quorum of three, two liars raise nothing and hide nothing: the first lie stays "
         "two votes, and against the second the three honest ones are enough. Who lies long enough is masked; "
         "whether that happens here depends on how long the drill takes.",
     .see =
         "`quorate status` names both under dissent and shows their votes; the alert of the real failure says `[3 of 5 "
         "observers; d says OK; e says OK]`. SYSTEM alerts may tell that they are masked.",
     .cast = {.observers = 5, .allowed = MASKS},
     .play = play_colluding_observers},

    {.name = "part-time-liar",
     .row = "DR-I3",
     .modes = DRILL_SANDBOX,
     .summary = "an observer lies in half of its results, and in three of ten",
     .attack = "Observer c lies now and then, so that each single lie looks like bad luck: in every second round about "
               "one service, in three rounds of ten about another. It hopes to stay believed and to be there when it "
               "is needed.",
     .holds =
         "A lie costs five points and a true round gives back one, so it is masked as well, only later: after about "
         "25 rounds if every second one is a lie, after about 61 if three of ten are. Meanwhile no lie changes a "
         "verdict, and a real failure is told.",
     .see = "`quorate status --observers`: SCORE of c goes up in steps, DISAGREED shows how often; at 50 it is `no: "
            "masked`. The report notes after how many rounds. One SYSTEM alert for each service.",
     .promises = 1u << PROMISE_AUTHORITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.allowed = MASKS,
              .objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("half", "a,b,c", "0.25", "30", "")
                  CROWD_SERVICE("third", "a,b,c", "0.25", "30", ""),
              .knobs = QUICK},
     .play = play_part_time_liar},

    {.name = "framed-observer",
     .row = "DR-I4",
     .modes = DRILL_SANDBOX,
     .summary = "two liars try to have an honest observer masked that errs now and then",
     .attack =
         "Observer c is honest and errs in one round of twenty, as a probe behind a poor line does. Observers d and "
         "e want it out. Lying themselves would have them masked, so they speak in exactly those rounds in which "
         "c errs, and agree with the others there, so that its error counts; in all other rounds they keep "
         "still, so that its good rounds might not.",
     .holds =
         "c is not masked: a round counts when a quorum of votes agrees and outnumbers those that differ, and a, b "
         "and c are a quorum by themselves. Nineteen good rounds take back more than one bad one cost. Some thirty "
         "rounds are played here; the unit tests play 20,000, with all that t liars can do.",
     .see = "`quorate status --observers`: SCORE of c is 5 now and then and falls back to 0; DISAGREED stays near 1 of "
            "20. "
            "Those of d and e stay 0. No SYSTEM alert names anybody.",
     .promises = 1u << PROMISE_AUTHORITY,
     .cast = {.observers = 5,
              .allowed = MASKS,
              .objects =
                  CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c,d,e", "0.25", "30", ""),
              .knobs = QUICK},
     .play = play_framed_observer},

    {.name = "stale-observer",
     .row = "DR-I5",
     .modes = DRILL_SANDBOX,
     .summary = "one observer of three falls silent",
     .attack =
         "Observer c says nothing any more: its machine is down, or somebody cut its line to blind the monitoring "
         "before an attack.",
     .holds =
         "Its last vote counts until its freshness_threshold (6 s here) and is missing then. The other two are still "
         "a quorum, so the state stays what they say, and a failure is told. Silence is not blamed: no score, no "
         "mask.",
     .see = "`quorate status --observers`: c `no: stale`, SCORE 0. `quorate status` shows `2 of 3` and its last words "
            "with their age. No alert: the loss of one observer of three is not an outage. Look at its agent.",
     .promises = 1u << PROMISE_AUTHORITY,
     .cast = {.objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c", "0.25", "6", ""),
              .knobs = QUICK},
     .play = play_stale_observer},

    {.name = "lost-observer-quorum",
     .row = "DR-I6",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "two observers of three fall silent: nobody knows, and that is told",
     .attack = "Two of three observers are silenced. The third still says OK, as if nothing were wrong. A system that "
               "counts only who reports would show a green service that nobody is watching any more.",
     .holds =
         "The two that are missing could make a problem, so the cluster does not guess: the state becomes UNKNOWN, "
         "with the reason, and that is an alert. Never a silent OK. It is told once, and the recovery too.",
     .see =
         "PROBLEM, UNKNOWN: `1 of 3 report, undecided`; `quorate status` marks it undecided and shows whose votes are "
         "stale. RECOVERY when enough speak again.",
     .cast = {.objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c", "0.25", "6", ""),
              .knobs = QUICK},
     .play = play_lost_observer_quorum},

    {.name = "regional-outage",
     .row = "DR-I7",
     .modes = DRILL_SANDBOX,
     .summary = "two observers see a failure, two do not, one is cut off",
     .attack =
         "No attack: a provider has an outage in one region. From there the service is gone, from elsewhere it is "
         "well, and one observer can't be reached at all. All are honest. Systems that look for liars would find "
         "some here.",
     .holds = "The votes decide nothing, so nobody is judged by them: no score moves and nobody is masked. What the "
              "cluster knows is that it does not know, and it says so. (Where a quorum does agree, the minority is "
              "scored as usual: if regions may differ for long, give such a check a quorum of its own.)",
     .see =
         "PROBLEM, UNKNOWN: `4 of 5 report, undecided`. `quorate status` lists the votes, two OK and two CRITICAL, and "
         "the dissent. `quorate status --observers`: all scores stay 0. RECOVERY when the region is back.",
     .promises = 1u << PROMISE_AUTHORITY,
     .cast = {.observers = 5,
              .objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c,d,e", "0.25", "6", ""),
              .knobs = QUICK},
     .play = play_regional_outage},

    {.name = "two-faced-observer",
     .row = "DR-I8",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "an observer tells half of the replicas OK and the others CRITICAL",
     .attack =
         "Observer c signs two results under one obs_seq: two replicas hear that web1/ssh is well, two hear that it "
         "is not. If replicas believed what they heard, they would no longer agree, and each could prove its "
         "story with c's own signature.",
     .holds =
         "Only one of the two is ordered, so all replicas count the same vote. The two signatures together convict "
         "c's key for good: its votes are missing everywhere from then on, and no mask or order brings them back. "
         "The others go on with two of three.",
     .see =
         "`quorate evidence`: `observer c: it signed two contents under one obs_seq`, EV12 OBS_EQUIV, convicted (and "
         "EV13, since the two requests had one number). One SYSTEM alert `observer c convicted: ...`. `quorate status "
         "--observers`: `no: convicted`. Its agent logs `result-refused` with reason convicted. What to do: name "
         "other observers and apply; a conviction can't be taken back.",
     .promises = 1u << PROMISE_AUTHORITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.allowed = MASKS},
     .play = play_two_faced_observer},

    {.name = "replayed-results",
     .row = "DR-I9",
     .modes = DRILL_SANDBOX,
     .summary = "an observer is dead, and its last OK is played again and again",
     .attack =
         "Somebody has recorded what observer c sent while all was well. Now its machine is dead, and the recording "
         "is played fifty times a second, properly signed; and a result dated yesterday is tried as well. The "
         "aim is that nobody notices the silence.",
     .holds = "A request takes effect once, so the recording renews nothing: the vote goes stale after its "
              "freshness_threshold (6 s here), and the silence is told. A result older than a minute and the threshold "
              "is refused as `late`.",
     .see = "PROBLEM, UNKNOWN: `no observer reports since ...`. `clients answers=N` in the counters grows, `state "
            "results_accepted` does not; `quorate submit` says `late` for what is dated yesterday. Playing another's "
            "frames is no offence that could be proven, so there is no evidence.",
     .promises = 1u << PROMISE_VALIDITY | 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = CROWD_COMMAND CROWD_HOST("c", "1", "3600") CROWD_SERVICE("line", "c", "1", "6", ""),
              .knobs = QUICK},
     .play = play_replayed_results},

    {.name = "flapping-service",
     .row = "DR-I12",
     .modes = DRILL_SANDBOX,
     .summary = "a service flaps, and observers see its changes at different moments",
     .attack =
         "No attack: a service goes up and down, and one observer sees each change at once, another a little later, "
         "the third later still. In every moment somebody disagrees, always the same ones, and looks like a liar.",
     .holds = "While an object flaps, and in rounds in which its state is younger than the round, no score moves, so "
              "nobody is masked. When it is steady again all is as before.",
     .see =
         "`quorate status` says flapping; `quorate status --observers` shows SCORE standing still. With notifications "
         "on, FLAPPINGSTART and FLAPPINGSTOP are told and nothing between; here they are off for this service, and "
         "flap detection is turned on by an operator's command.",
     .promises = 1u << PROMISE_AUTHORITY,
     .cast = {.objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600")
                  CROWD_SERVICE("line", "a,b,c", "0.25", "30", " notifications_enabled 0\n"),
              .knobs = QUICK},
     .play = play_flapping_service},

    {.name = "too-many-liars",
     .row = "DR-I13",
     .modes = DRILL_SANDBOX,
     .summary = "two observers of three lie: more than the quorum bears",
     .attack = "Two of three observers are in one hand and say CRITICAL of a service that is well. That is beyond what "
               "two of three can bear, as all documents say: the drill shows what it looks like.",
     .holds =
         "The wrong state is raised: no rule could tell two liars from two honest observers. What must hold is that "
         "everything is visible: the alert is agreed by all replicas, told once, and shows every vote, so that "
         "people see who says otherwise. The recovery is told when they stop.",
     .see =
         "PROBLEM, CRITICAL, `[2 of 3 observers; a says OK]`, and the same votes in `quorate alerts --json` and in its "
         "proof. If it lasts for ten rounds the honest one is masked, and a SYSTEM alert says so: an alert about an "
         "observer that you trust is a reason to look at the others. More observers, in more hands, bear more liars.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.allowed = MASKS,
              .objects = CROWD_COMMAND CROWD_HOST("a", "1", "3600") CROWD_SERVICE("line", "a,b,c", "0.25", "30", ""),
              .knobs = QUICK},
     .play = play_too_many_liars},

    {.name = NULL},
};
