/* Plays of the rows I, second part: observers that fall silent, are cut off, speak twice, or repeat what is old. */
#include "base/clock.h"
#include "client/drill/crowd.h"
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/puppet.h"
#include "client/drill/watch.h"

enum { A, B, C, D, E };
enum { ROUND_MS = 250, DAY_MS = 86400000 };

static const struct watched well = {.host = "crowd", .service = "line", .text = "OK"};

static struct crowd *well_begun(struct scene *s, unsigned observers) {
    struct crowd *c = crowd_open(s, "crowd", "line", observers, ROUND_MS);
    if (c)
        scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&well), "the observers speak");
    return c;
}

static void silent(struct crowd *c, unsigned observer) {
    crowd_says(c, observer, CROWD_SILENT, 1, 1, 0);
}

static void honest(struct crowd *c, unsigned observer) {
    crowd_says(c, observer, 0, 0, 1, 0);
}

static void ends(struct scene *s, struct crowd *c, const char *what) {
    scene_bit(s, crowd_lies(c), "votes withheld or untrue");
    crowd_close(c);
    scene_healed(s, what);
}

/* ---- DR-I5 ---- */

void play_stale_observer(struct scene *s) {
    const struct watched stale = {.host = "crowd", .service = "line", .observer = "c"};
    struct crowd *c = well_begun(s, 3);
    if (!c)
        return;
    scene_injected(s, "observer c falls silent");
    silent(c, C);
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_stale, watched(&stale),
                   "its last vote is no longer fresh"))
        scene_detected(s, "`quorate status --observers` says stale");
    scene_stays(s, PROMISE_NO_FALSE_ALERT, 2, watch_state, watched(&well), "one silent observer changes nothing");
    if (!watch_counted(s, watched(&stale)) || watch_score(s, &stale) > 0)
        scene_broken(s, PROMISE_AUTHORITY, "an observer is blamed for silence");
    scene_outage(s, "crowd", "line", STATE_CRITICAL);
    crowd_truth(c, STATE_CRITICAL);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_mended(s, "crowd", "line");
    crowd_truth(c, STATE_OK);
    scene_all_told(s, MOVES_PATIENCE_S);
    honest(c, C);
    ends(s, c, "observer c speaks again");
}

/* ---- DR-I6 ---- */

void play_lost_observer_quorum(struct scene *s) {
    const struct watched undecided = {.host = "crowd", .service = "line", .text = "1 of 3 report, undecided"};
    struct crowd *c = well_begun(s, 3);
    if (!c)
        return;
    scene_injected(s, "observers b and c fall silent");
    scene_expect(s, ALERT_PROBLEM, "crowd", "line");
    silent(c, B);
    silent(c, C);
    scene_all_told(s, MOVES_PATIENCE_S);
    if (scene_must(s, PROMISE_NO_MISSED_ALERT, MOVES_PATIENCE_S, watch_output, watched(&undecided),
                   "the state says why nobody knows"))
        scene_detected(s, "UNKNOWN: 1 of 3 report, undecided");
    scene_expect(s, ALERT_RECOVERY, "crowd", "line");
    honest(c, B);
    honest(c, C);
    scene_all_told(s, MOVES_PATIENCE_S);
    ends(s, c, "all speak again");
}

/* ---- DR-I7 ---- */

static unsigned score_of(struct scene *s, unsigned observer) {
    const char name[2] = {(char)('a' + observer), 0};
    return watch_score(s, &(struct watched){.host = "crowd", .service = "line", .observer = name});
}

/* While the split lasts. What stands there before may come of its beginning, which not all saw in one round. */
static void nobody_is_charged(struct scene *s) {
    unsigned before[D + 1];
    for (unsigned i = A; i <= D; i++)
        before[i] = score_of(s, i);
    for (unsigned i = A; i <= D; i++) {
        const char name[2] = {(char)('a' + i), 0};
        const struct watched sees = {.host = "crowd", .service = "line", .observer = name};
        scene_stays(s, PROMISE_AUTHORITY, 1, watch_counted, watched(&sees),
                    "nobody is masked for an honest difference");
    }
    for (unsigned i = A; i <= D; i++)
        if (score_of(s, i) > before[i])
            scene_broken(s, PROMISE_AUTHORITY, "observer %c is charged with what nobody decided", 'a' + (int)i);
}

void play_regional_outage(struct scene *s) {
    const struct watched split = {.host = "crowd", .service = "line"};
    const struct watched sees = {.host = "crowd", .service = "line", .observer = "e"};
    struct crowd *c = well_begun(s, 5);
    if (!c)
        return;
    scene_injected(s, "observer e is cut off; then c and d see the service fail, a and b see it well");
    silent(c, E);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_stale, watched(&sees), "the one that is cut off is stale");
    scene_expect(s, ALERT_PROBLEM, "crowd", "line");
    crowd_says(c, C, STATE_CRITICAL, 1, 1, 0);
    crowd_says(c, D, STATE_CRITICAL, 1, 1, 0);
    if (scene_must(s, PROMISE_NO_MISSED_ALERT, MOVES_PATIENCE_S, watch_undecided, watched(&split),
                   "the split is shown as undecided"))
        scene_detected(s, "UNKNOWN: 4 of 5 report, undecided");
    scene_all_told(s, MOVES_PATIENCE_S);
    nobody_is_charged(s);
    scene_expect(s, ALERT_RECOVERY, "crowd", "line");
    for (unsigned i = C; i <= E; i++)
        honest(c, i);
    scene_all_told(s, MOVES_PATIENCE_S);
    ends(s, c, "all see the same");
}

/* ---- DR-I8 ---- */

static void tell_two_stories(struct scene *s, struct puppet *p) {
    struct buffer frame = {0};
    member_set all = set_all(scene_members(s)), low = set_all(scene_members(s) / 2), high = all & (member_set)~low;
    uint64_t number = puppet_draw(p, 1);
    struct observation one = puppet_result(p, "web1", "ssh", STATE_OK, "all is well"), other = one;
    other.state = STATE_CRITICAL;
    other.output = "connection refused";
    puppet_seal(p, &frame, number, &one, 1);
    puppet_say(p, low, buffer_bytes(&frame));
    puppet_seal(p, &frame, number, &other, 1);
    puppet_say(p, high, buffer_bytes(&frame));
    buffer_free(&frame);
}

void play_two_faced_observer(struct scene *s) {
    const struct watched proven = {.text = "observer c", .kind = EV_OBS_EQUIV};
    const struct watched announced = {.text = "observer c convicted"};
    const struct watched everywhere = {.host = "db1", .service = "sql", .observer = "c"};
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    scene_injected(s, "observer c tells two replicas that web1/ssh is well, and the others that it is not");
    scene_accused(s, "observer c");
    tell_two_stories(s, p);
    scene_bit(s, 2, "stories under one number");
    scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_evidence, watched(&proven),
               "the observer is named in the log");
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_announced, watched(&announced),
                   "an alert names it"))
        scene_detected(s, "EV12 against observer c");
    scene_must(s, PROMISE_AUTHORITY, MOVES_PATIENCE_S, watch_convicted, watched(&everywhere),
               "its votes are missing everywhere");
    moves_outage(s);
    moves_mended(s);
    puppet_free(p);
    scene_healed(s, "its key is believed no more");
}

/* ---- DR-I9 ---- */

static void repeat(struct puppet *p, void *context, uint64_t turn) {
    const struct buffer *frame = context;
    (void)turn;
    puppet_say_all(p, buffer_bytes(frame));
}

static void must_be_late(struct scene *s, struct puppet *p) {
    struct observation yesterday = puppet_result(p, "crowd", "line", STATE_OK, "well, as of yesterday");
    yesterday.observed_at -= DAY_MS;
    enum error e = puppet_submit(p, &yesterday);
    if (e != ERR_LATE)
        scene_broken(s, PROMISE_NO_MISSED_ALERT, "yesterday's result is answered %s", error_name(e));
}

void play_replayed_results(struct scene *s) {
    struct buffer frame = {0};
    struct puppet *p = puppet_new(s, "c");
    if (!p)
        return;
    struct observation alive = puppet_result(p, "crowd", "line", STATE_OK, "I am alive");
    puppet_seal(p, &frame, puppet_draw(p, 1), &alive, 1);
    struct client_reply reply;
    if (puppet_ask(p, buffer_bytes(&frame), &reply) == ERR_OK)
        client_reply_free(&reply);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&well), "the last true result is taken");
    scene_injected(s, "observer c is dead, and somebody plays its last OK again and again");
    scene_expect(s, ALERT_PROBLEM, "crowd", "line");
    puppet_begin(p, repeat, &frame, 50);
    scene_remark(s);
    if (scene_all_told(s, MOVES_PATIENCE_S))
        scene_detected(s, "its silence was told all the same");
    puppet_rest(p);
    scene_bit(s, puppet_sent(p), "old results played again");
    must_be_late(s, p);
    scene_expect(s, ALERT_RECOVERY, "crowd", "line");
    struct observation again = puppet_result(p, "crowd", "line", STATE_OK, "I am alive again");
    if (puppet_submit(p, &again) != ERR_OK)
        scene_broken(s, PROMISE_LIVENESS, "a new result of the same observer is not taken");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_allow(s, ALERT_PROBLEM, "crowd", "line"); /* nobody speaks of it any more */
    puppet_free(p);
    buffer_free(&frame);
    scene_healed(s, "observer c lives");
}
