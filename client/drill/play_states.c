/* Plays of rows D: checkpoints, and a replica that has to fetch the state because nobody keeps the decisions that it
   missed. The casts keep some thirty batches only, so that seconds of absence are enough. */
#include "base/invariant.h"
#include "client/drill/moves.h"
#include "client/drill/plays_of_members.h"
#include "client/drill/watch.h"

#include <stdio.h>

enum { LIAR = 2, LAGGARD = 3, GONE_FOR = 60, A_FEW = 12, ROTTEN_BATCHES = 12, NOTES = 32, ROUNDS_MAX = 5 };

/* Dead until the others have executed so many batches more. */
static void away(struct scene *s, seq_no batches) {
    scene_kill(s, LAGGARD);
    scene_must(s, PROMISE_LIVENESS, 2 * MOVES_PATIENCE_S, moves_executed, (int64_t)(moves_last(s) + batches),
               "the others go on");
}

static bool laggard_logged(struct scene *s, int64_t words) {
    return scene_logged(s, LAGGARD, (const char *)(intptr_t)words);
}

static void must_log(struct scene *s, const char *words, const char *what) {
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, laggard_logged, moves_words(words), what);
}

static void arrives(struct scene *s) {
    must_log(s, "transferred n=", "it has fetched the state");
    scene_detected(s, "the replica fetched the state");
    moves_keeps_up(s, PROMISE_RECOVERY, LAGGARD);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, LAGGARD, "it takes part again");
}

static void comes_back(struct scene *s) {
    scene_start(s, LAGGARD);
    arrives(s);
}

void play_checkpoints_convicted(struct scene *s) {
    view_no v = moves_lead(s, 0);
    scene_lies(s, LIAR);
    moves_outage(s);
    watch_convicts(s, LIAR, 1u << EV_BAD_CKPT);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    moves_view_stays(s, v);
    scene_honest(s, LIAR);
    moves_mended(s);
}

void play_away_and_back(struct scene *s) {
    away(s, GONE_FOR);
    moves_outage(s);
    comes_back(s);
    moves_mended(s);
}

/* Each note is a record, and lies in a page of its own: the more there are, the surer every donor is asked for some. */
static void leave_notes(struct scene *s, unsigned round) {
    char text[48];
    for (unsigned i = 0; i < NOTES; i++) {
        snprintf(text, sizeof text, "page %u of round %u", i, round);
        scene_run(s, NULL, "comment", "db1", "sql", "-m", text, "--timeout", "50s", NULL);
    }
}

/* The laggard asks whom it likes: it goes away and comes back until it has met the liar. */
static void fetches_from_the_liar(struct scene *s, scene_test *met, int64_t argument, const char *what) {
    scene_lies(s, LIAR);
    moves_outage(s);
    for (unsigned i = 0; i < ROUNDS_MAX && !met(s, argument); i++) {
        away(s, GONE_FOR);
        leave_notes(s, i);
        comes_back(s);
    }
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, met, argument, what);
    scene_honest(s, LIAR);
    moves_mended(s);
}

void play_poisoned(struct scene *s) {
    fetches_from_the_liar(s, laggard_logged, moves_words("donor 2 banned: page"),
                          "a page that does not prove is refused");
}

void play_forgotten(struct scene *s) {
    fetches_from_the_liar(s, laggard_logged, moves_words("donor 2 failed"), "who offers and does not give is given up");
}

static bool has_lied(struct scene *s, int64_t member) {
    return scene_counter(s, (member_id)member, "frames_changed") > 0;
}

void play_stalled(struct scene *s) {
    fetches_from_the_liar(s, has_lied, LIAR, "the liar is asked and keeps back what it has");
}

/* Killed when it begins, when all is laid down but not in force, and when it has just come into force. */
void play_killed_while_fetching(struct scene *s) {
    static const char *const points[][2] = {{" begins", "it begins to fetch the state"},
                                            {"laid down", "all pages are on its disk"},
                                            {"transferred n=", "the new state is in force"}};
    away(s, GONE_FOR);
    moves_outage(s);
    for (unsigned i = 0; i < 3; i++) {
        scene_start(s, LAGGARD);
        must_log(s, points[i][0], points[i][1]);
        scene_kill(s, LAGGARD);
    }
    scene_start(s, LAGGARD);
    moves_keeps_up(s, PROMISE_RECOVERY, LAGGARD);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, LAGGARD, "it takes part again");
    scene_detected(s, "no kill left it with half a state");
    if (laggard_logged(s, moves_words("REPAIR n=")))
        scene_broken(s, PROMISE_DURABILITY, "a kill left replica %u with a damaged state", LAGGARD);
    moves_mended(s);
}

/* Behind this only ticks are ordered. */
static void falls_quiet(struct scene *s) {
    scene_all_told(s, MOVES_PATIENCE_S);
    for (unsigned i = 0; i < 3; i++)
        scene_agent_stop(s, (const char[2]){(char)('a' + i), 0});
}

void play_idle_laggard(struct scene *s) {
    away(s, A_FEW);
    moves_outage(s);
    falls_quiet(s);
    scene_start(s, LAGGARD);
    moves_keeps_up(s, PROMISE_RECOVERY, LAGGARD);
    scene_detected(s, "the laggard stands where the others stand");
    for (unsigned i = 0; i < 3; i++)
        scene_agent_start(s, (const char[2]){(char)('a' + i), 0});
    moves_mended(s);
}

static bool checkpointed_again(struct scene *s, int64_t n) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    return seen[LAGGARD].reachable && seen[LAGGARD].stable >= (seq_no)n;
}

static seq_no stable_of_laggard(struct scene *s) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    return seen[LAGGARD].stable;
}

/* Killed while it writes wrongly, so that nothing right is written over it. */
void play_rotten_state(struct scene *s) {
    moves_lead(s, 0);
    scene_lies(s, LAGGARD);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, checkpointed_again,
               (int64_t)stable_of_laggard(s) + ROTTEN_BATCHES, "checkpoints are stored");
    scene_kill(s, LAGGARD);
    scene_honest(s, LAGGARD);
    moves_outage(s);
    scene_start(s, LAGGARD);
    must_log(s, "REPAIR n=", "it notices at its start");
    scene_detected(s, "the replica knows that its state is damaged");
    arrives(s);
    moves_mended(s);
}
