/* Plays of the rows F: what happens on the lines between replicas. */
#include "base/clock.h"
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/watch.h"

static bool never(struct scene *s, int64_t unused) {
    (void)s;
    (void)unused;
    return false;
}

static void mend_all(struct scene *s, const char *what) {
    scene_mend(s);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0,
               "all take part again after the lines healed");
    scene_healed(s, what);
}

static void note_dropped(struct scene *s) {
    scene_bit(s, scene_dropped(s), "packets dropped");
}

/* ---- DR-F1 ---- */

void play_isolated_member(struct scene *s) {
    member_id who = scene_backup(s, 0), primary = scene_primary(s);
    view_no view = moves_view(s);
    scene_isolate(s, who);
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_stays(s, PROMISE_LIVENESS, 1, scene_view_is, (int64_t)view, "a good primary is not replaced for one member");
    scene_mend(s);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_is_active, who, "a backup that was cut off is back");
    moves_keeps_up(s, PROMISE_RECOVERY, who);
    scene_isolate(s, primary);
    scene_mended(s, "web1", "http");
    moves_replaced(s, view);
    scene_all_told(s, MOVES_PATIENCE_S);
    note_dropped(s);
    mend_all(s, "nobody is cut off");
}

/* ---- DR-F2 ---- */

static void cut_both_ways(struct scene *s, member_id a, member_id b) {
    scene_cut(s, a, b);
    scene_cut(s, b, a);
}

/* What was decided before the cut may still be executed behind it. */
static bool settled(struct scene *s, int64_t unused) {
    (void)unused;
    seq_no before = watch_highest(s);
    clock_sleep(1000);
    return before > 0 && watch_highest(s) == before;
}

static void stands_still(struct scene *s, unsigned seconds, const char *what) {
    scene_must(s, PROMISE_AGREEMENT, MOVES_PATIENCE_S, settled, 0, "without a quorum nothing more is executed");
    scene_detected(s, "EXECUTED stands still on all sides");
    scene_stays(s, PROMISE_AGREEMENT, seconds, watch_stands_still, (int64_t)watch_highest(s), what);
}

void play_split_in_two(struct scene *s) {
    for (member_id a = 0; a < 2; a++)
        for (member_id b = 2; b < 4; b++)
            cut_both_ways(s, a, b);
    moves_outage(s);
    stands_still(s, 3, "neither half executes anything");
    if (scene_run(s, NULL, "status", "--timeout", "2s", NULL) != 3)
        scene_broken(s, PROMISE_AGREEMENT, "a cluster without a quorum answered a question");
    note_dropped(s);
    scene_mend(s);
    scene_must(s, PROMISE_RECOVERY, MOVES_PATIENCE_S, scene_all_active, 0, "both halves go on with one log");
    moves_flow(s);
    moves_mended(s);
    scene_healed(s, "the halves are one again");
}

/* ---- DR-F3 ---- */

void play_one_way_links(struct scene *s) {
    member_id primary = scene_primary(s), one = scene_backup(s, 0);
    scene_note(s, "replica %u no longer hears replica %u, which leads", one, primary);
    scene_cut(s, primary, one);
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_note(s, "replica %u, which leads, hears nobody any more", primary);
    for (member_id i = 0; i < scene_members(s); i++)
        if (i != primary)
            scene_cut(s, i, primary);
    scene_mended(s, "web1", "http");
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    note_dropped(s);
    mend_all(s, "all hear all again");
    scene_note(s, "a ring: 0 and 2, and 1 and 3, have no line any more, so no three have one each");
    cut_both_ways(s, 0, 2);
    cut_both_ways(s, 1, 3);
    moves_outage(s);
    scene_comes(s, 4, never, 0);
    mend_all(s, "all lines are back");
    moves_flow(s);
    moves_mended(s);
}

/* ---- DR-F4 ---- */

void play_bad_weather(struct scene *s) {
    scene_lies(s, 3);
    scene_loss(s, 1, 5);
    scene_loss(s, 2, 20);
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_loss(s, 0, 30);
    scene_mended(s, "web1", "http");
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    note_dropped(s);
    scene_honest(s, 3);
    mend_all(s, "the weather is fine again");
}

/* ---- DR-F6 ---- */

enum { THIN_KBIT = 192 }; /* of some 300 that a replica at rest sends */

void play_thin_line(struct scene *s) {
    member_id who = scene_backup(s, 0), primary = scene_primary(s);
    scene_note(s, "backup %u has a line of %d kbit/s", who, THIN_KBIT);
    scene_rate(s, who, THIN_KBIT);
    moves_outage(s);
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_comes(s, 3, never, 0);
    moves_flow(s);
    scene_rate(s, who, 0);
    scene_note(s, "replica %u, which leads, has a line of %d kbit/s", primary, THIN_KBIT);
    scene_rate(s, primary, THIN_KBIT);
    scene_mended(s, "web1", "http");
    moves_flow(s);
    scene_all_told(s, MOVES_PATIENCE_S);
    note_dropped(s);
    mend_all(s, "the lines are wide again");
}

/* ---- DR-F7 ---- */

enum { FLAPS = 6, FLAPS_MAX = 30, FLAP_MS = 1000 };

static void flap(struct scene *s, member_id who) {
    scene_isolate(s, who);
    clock_sleep(FLAP_MS);
    scene_mend(s);
    clock_sleep(FLAP_MS);
}

void play_flapping_link(struct scene *s) {
    member_id primary = scene_primary(s);
    view_no loose = moves_view(s);
    moves_outage(s);
    for (unsigned i = 0; i < FLAPS || (i < FLAPS_MAX && !scene_view_above(s, (int64_t)loose)); i++)
        flap(s, primary);
    moves_replaced(s, loose);
    moves_flow(s);
    moves_mended(s);
    note_dropped(s);
    mend_all(s, "the line is steady");
    view_no view = moves_view(s);
    scene_stays(s, PROMISE_LIVENESS, 3, scene_view_is, (int64_t)view, "when the line is steady the view is");
}
