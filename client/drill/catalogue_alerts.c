/* Rows J of the catalogue: alerts between the replicas and whoever is told. */
#include "client/drill/crowd.h"
#include "client/drill/plays.h"

/* So that a busy machine is not taken for a bad primary. */
#define PATIENT "request_timeout_ms: 10000\nsilent_ms: 30000\n"
/* A hundred hosts, h00 to h99, that observer c alone speaks of. */
// clang-format off
#define STORM_HOST(name) "define host {\n host_name h" name "\n use storm\n}\n"
#define STORM_TEN(tens)                                                                                                \
    STORM_HOST(tens "0")                                                                                               \
    STORM_HOST(tens "1")                                                                                               \
    STORM_HOST(tens "2") STORM_HOST(tens "3") STORM_HOST(tens "4") STORM_HOST(tens "5") STORM_HOST(tens "6")           \
        STORM_HOST(tens "7") STORM_HOST(tens "8") STORM_HOST(tens "9")
#define STORM                                                                                                          \
    "define host {\n name storm\n register 0\n" CROWD_RULES("c", "1", "3600", "") STORM_TEN("0") STORM_TEN("1")        \
        STORM_TEN("2") STORM_TEN("3") STORM_TEN("4") STORM_TEN("5") STORM_TEN("6") STORM_TEN("7") STORM_TEN("8")       \
            STORM_TEN("9")
// clang-format on

const struct drill drills_of_alerts[] = {
    {.name = "forged-alerts",
     .row = "DR-J1",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .summary = "one replica of seven invents and alters alerts, another signs false receipts",
     .attack =
         "Replica 5 answers notifiers with alerts that were never raised, and with real ones whose text it changed, "
         "under its own signature and copies of it in the others' names. Replica 6 signs receipts for outputs "
         "that no batch had. A pager that believed one replica would wake people for nothing, or hide what "
         "burns.",
     .holds = "An alert counts only with the receipts of f+1 replicas over one root, so nothing that is invented or "
              "altered reaches the sink. What replica 6 signed contradicts f+1 others, and that is kept as evidence. "
              "The real alerts arrive, proven by the others.",
     .see =
         "The notifier's log: `replica 5: forged alert refused: ...`, once a minute with a count. `quorate evidence`: "
         "`replica 6`, EV14 BAD_RECEIPT, fault: broken memory could do the same, so it convicts nobody; one SYSTEM "
         "alert tells of it. `quorate replicas` shows `CONTRADICTS: named by f+1 members` at replica 6. Replica 5 "
         "lies to clients only, so the log has nothing against it. In a live drill one member forges alerts.",
     .live = "forge-alerts",
     .cast = {.members = 7,
              .traitors = {{5, "forge-alerts", .provable = true}, {6, "forge-receipts", .provable = true}},
              .allowed = 1u << ALERT_SYSTEM,
              .knobs = PATIENT},
     .play = play_forged_alerts},

    {.name = "withheld-alerts",
     .row = "DR-J2",
     .modes = DRILL_SANDBOX | DRILL_LIVE,
     .ci = true,
     .summary = "one replica tells clients and notifiers nothing",
     .attack =
         "Replica 2 votes as it should and answers no client any more: no alert, no receipt, no status leaves it. "
         "Whoever asks only that replica is never told of anything, and does not notice.",
     .holds = "Notifiers ask all replicas, so each alert comes from the others, complete and in order, with their "
              "receipts. Submitted results are acknowledged as before.",
     .see =
         "`quorate replicas` shows replica 2 as unreachable, while the others' counters still say that it is connected "
         "(`network connected=0x..`): it takes part and is silent towards clients. check_quorate warns. There is no "
         "evidence, since silence proves nothing.",
     .live = "mute-clients",
     .cast = {.traitors = {{2, "mute-clients"}}, .knobs = PATIENT},
     .play = play_withheld_alerts},

    {.name = "dying-notifier",
     .row = "DR-J3",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "one of two notifiers dies, before and after it handed an alert over",
     .attack =
         "Two notifiers serve one pager, the second as standby. The first is killed in the two worst moments: when "
         "it has an alert and could not hand it over yet, and right after it has. A standby that knows nothing "
         "of the first either stays silent or tells everything twice.",
     .holds = "What the first could not hand over the standby does, once nobody recorded it for its standby time. What "
              "the first did hand over stands in the agreed log, so neither the standby nor the first itself after its "
              "restart tells it again. Each alert reaches the sink once, under its key.",
     .see = "The standby's log: `done-with-by-another` for what the first handed over, `alert-handed-over` for what it "
            "had to do itself; the first's: `handler-failed` while the sink refused. The sink sees each number once. "
            "A kill in the very moment between handing over and noting it repeats that one alert, under the same "
            "QUORATE_KEY: receivers tell it by that.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.notifiers = 2, .knobs = PATIENT},
     .play = play_dying_notifier},

    {.name = "restarted-notifier",
     .row = "DR-J4",
     .modes = DRILL_SANDBOX,
     .ci = true,
     .summary = "the notifier is killed and started again and again, and its receiver is away for a while",
     .attack = "A notifier crashes after it handed an alert over, and is started again by systemd, several times; then "
               "the receiver restarts while a message is on its way. Each start could tell all from the beginning, "
               "each failed try could leave a double.",
     .holds =
         "The notifier notes in its state file, synced, what it hands over before it does and what was taken after "
         "it was, so a start goes on where the last one ended. The receiver is handed each number once; only what "
         "was cut short in between may come a second time, under the same key.",
     .see = "Its log: `alert-handed-over` once for each number, `handler-failed` while the receiver was away, after a "
            "kill in the middle `handing-over-again ... its last run was cut short`. The sink's numbers rise by one.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.knobs = PATIENT},
     .play = play_restarted_notifier},

    {.name = "dead-sink",
     .row = "DR-J5",
     .modes = DRILL_SANDBOX,
     .summary = "the receiver of alerts is down while three services fail and one recovers",
     .attack = "The SMS gateway is down, the mail server refuses, the webhook answers 503, just when it matters. Ten "
               "minutes are shortened to seconds here. A notifier that tries once loses the alerts; one that tries "
               "each alone tells them in any order, a recovery before its problem.",
     .holds =
         "Each alert is tried again after 1 s, 2 s and so on up to five minutes, the ones behind it wait, and when "
         "the receiver is back all arrive, in the order of their numbers, none twice. The cluster does not notice, "
         "since replicas tell nobody.",
     .see = "The notifier's log: `handler-failed handler=sink alert=N ... tries=T retry_in_ms=M said=\"...\"`, later "
            "`alert-handed-over` in order. `quorate alerts` has them all from the beginning: what could not be told "
            "can be read.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.knobs = PATIENT},
     .play = play_dead_sink},

    {.name = "crash-while-telling",
     .row = "DR-J6",
     .modes = DRILL_SANDBOX,
     .summary = "primary and notifier are killed between a failure and its being told",
     .attack = "An alert has been raised and is on its way when the primary dies, and the notifier with it; later a "
               "replica dies while the recovery is on its way. Here an alert could be lost between two that each "
               "thought the other would tell it, or be told by both.",
     .holds =
         "An alert is an output of an agreed batch and can be fetched by its number from any replica that executed "
         "it, so no crash of replicas loses it and no view change raises it again. The notifier goes on at the "
         "number behind the last that it noted. Each is told once.",
     .see = "VIEW rises by one. The notifier's log after its start: perhaps `handing-over-again`, then "
            "`alert-handed-over` "
            "with the number that was on its way. `quorate alerts --since 0` shows each alert once, each with its "
            "number and proof.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .play = play_crash_while_telling},

    {.name = "alert-storm",
     .row = "DR-J7",
     .modes = DRILL_SANDBOX,
     .summary = "a hundred hosts go down in one moment, and come back",
     .attack =
         "A core switch fails, and a hundred hosts (a thousand in the original) are down within one batch. Alerts "
         "pile up in front of a receiver that takes one after the other, and what matters stands at the end of "
         "the row.",
     .holds =
         "All are raised with one signature a replica, since one receipt covers a whole batch. Each is told once and "
         "in order; nothing is dropped, memory stays bounded, and results go through meanwhile.",
     .see =
         "`quorate alerts` shows a hundred PROBLEMs of one batch. A command, as here, is run for each alert; webhooks "
         "and mail get more than 20 waiting alerts as one message. The notifier's log has `alert-handed-over` for "
         "each. p99 of the load in this report shows what it cost.",
     .promises = 1u << PROMISE_ACCOUNTABILITY,
     .cast = {.objects = CROWD_COMMAND STORM, .knobs = PATIENT},
     .play = play_alert_storm},

    {.name = NULL},
};
