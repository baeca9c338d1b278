/* Plays of the rows I, first part: observers that lie. What they say is chosen by hand, vote by vote, in rounds of a
   quarter or half of a second, so that what takes minutes in a real cluster takes seconds. */
#include "client/drill/crowd.h"
#include "client/drill/moves.h"
#include "client/drill/plays.h"
#include "client/drill/puppet.h"
#include "client/drill/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { A, B, C, D, E };
enum { ROUND_MS = 250 };

static const char line[] = "line";

static bool begins_well(struct scene *s, struct crowd *c, const char *service) {
    const struct watched well = {.host = "crowd", .service = service, .text = *service ? "OK" : "UP"};
    return c && scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_state, watched(&well), "the observers speak");
}

static void ends(struct scene *s, struct crowd *c, const char *what) {
    scene_bit(s, crowd_lies(c), "votes that differ from the truth");
    crowd_close(c);
    scene_healed(s, what);
}

/* All honest ones see it fail, then see it well again. */
static void truly_fails(struct scene *s, struct crowd *c, const char *service) {
    unsigned state = *service ? STATE_CRITICAL : 1;
    scene_outage(s, "crowd", service, state);
    crowd_truth(c, (uint8_t)state);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_mended(s, "crowd", service);
    crowd_truth(c, 0);
    scene_all_told(s, MOVES_PATIENCE_S);
}

/* ---- DR-I1 ---- */

/* A host keeps its state while its votes are undecided, so what the mask does is seen in the state alone. */
void play_stubborn_observer(struct scene *s) {
    const struct watched masked = {.host = "crowd", .service = "", .observer = "c"};
    const struct watched up = {.host = "crowd", .service = "", .text = "UP"};
    const struct watched errs = {.host = "crowd", .service = "", .observer = "b", .text = "DOWN"};
    struct crowd *c = crowd_open(s, "crowd", "", 3, ROUND_MS);
    if (begins_well(s, c, "")) {
        scene_injected(s, "observer c says DOWN, whatever it sees");
        crowd_says(c, C, 1, 1, 1, 0);
        if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_masked, watched(&masked),
                       "who disagrees again and again is masked"))
            scene_detected(s, "observer c is masked as SUSPECT");
        scene_note(s, "observer b errs for a moment: with the masked vote there would be two");
        crowd_says(c, B, 1, 1, 1, 0);
        scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_says, watched(&errs), "observer b says DOWN too");
        scene_stays(s, PROMISE_AUTHORITY, 2, watch_state, watched(&up), "a masked vote does not count");
        crowd_says(c, B, 0, 0, 1, 0);
        truly_fails(s, c, "");
        crowd_says(c, C, 0, 0, 1, 0);
        ends(s, c, "observer c is honest again");
    } else {
        crowd_close(c);
    }
}

/* ---- DR-I2 ---- */

static bool all_is_well(struct scene *s, int64_t unused) {
    static const struct watched objects[] = {{.host = "web1", .service = "http", .text = "OK"},
                                             {.host = "web1", .service = "ssh", .text = "OK"},
                                             {.host = "db1", .service = "sql", .text = "OK"}};
    bool well = true;
    (void)unused;
    for (unsigned i = 0; i < sizeof objects / sizeof objects[0]; i++)
        well &= watch_state(s, watched(&objects[i]));
    return well;
}

static void both_say(struct scene *s, unsigned state) {
    scene_observer_says(s, "d", NULL, state, 100);
    scene_observer_says(s, "e", NULL, state, 100);
}

void play_colluding_observers(struct scene *s) {
    const struct watched d = {.host = "web1", .service = "http", .observer = "d", .text = "CRITICAL"};
    const struct watched e = {.host = "web1", .service = "http", .observer = "e", .text = "CRITICAL"};
    scene_injected(s, "observers d and e say CRITICAL of everything");
    both_say(s, STATE_CRITICAL);
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_says, watched(&d), "the lie of d is a vote");
    scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_says, watched(&e), "the lie of e is a vote");
    scene_bit(s, 2, "observers that lie");
    scene_detected(s, "`quorate status` shows both as dissenting");
    scene_stays(s, PROMISE_NO_FALSE_ALERT, 3, all_is_well, 0, "two liars of five raise nothing");
    scene_note(s, "now they say OK of everything, while db1/sql fails");
    both_say(s, STATE_OK);
    scene_outage(s, "db1", "sql", STATE_CRITICAL);
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_mended(s, "db1", "sql");
    scene_all_told(s, MOVES_PATIENCE_S);
    scene_observer_says(s, "d", NULL, 0, 0);
    scene_observer_says(s, "e", NULL, 0, 0);
    scene_healed(s, "both are honest");
}

/* ---- DR-I3 ---- */

/* In how many rounds it disagreed by the alert that tells of its mask; 0: there is none. */
static unsigned lies_until_masked(struct scene *s, const char *service) {
    json_t *alerts = scene_ask(s, "alerts", "--since", "0", NULL);
    const json_t *alert;
    size_t i;
    unsigned lies = 0;
    char words[64];
    snprintf(words, sizeof words, "observer c masked for crowd/%s: it disagreed in ", service);
    json_array_foreach(alerts, i, alert) {
        const char *output = json_string_value(json_object_get(alert, "output"));
        const char *at = output ? strstr(output, words) : NULL;
        if (at && lies == 0)
            lies = (unsigned)strtoul(at + strlen(words), NULL, 10);
    }
    json_decref(alerts);
    return lies;
}

/* A lie costs five points and a true round gives back one, so at 50 it is masked for 13 lies if every second round is
   one, for 19 if three of ten are. Rounds that a busy machine lost shift that, the rule's numbers do more. */
static void must_take(struct scene *s, const char *service, unsigned least, unsigned most) {
    unsigned lies = lies_until_masked(s, service);
    scene_note(s, "it was masked for %u lies about crowd/%s", lies, service);
    if (lies < least || lies > most)
        scene_broken(s, PROMISE_ACCOUNTABILITY, "observer c was masked for %u lies about crowd/%s, not for %u to %u",
                     lies, service, least, most);
}

void play_part_time_liar(struct scene *s) {
    const struct watched half = {.host = "crowd", .service = "half", .observer = "c"};
    const struct watched third = {.host = "crowd", .service = "third", .observer = "c"};
    struct crowd *every_second = crowd_open(s, "crowd", "half", 3, ROUND_MS);
    struct crowd *three_of_ten = crowd_open(s, "crowd", "third", 3, ROUND_MS);
    if (begins_well(s, every_second, "half") && begins_well(s, three_of_ten, "third")) {
        scene_injected(s, "observer c lies in every second round of one service, in three of ten of another");
        crowd_says(every_second, C, STATE_CRITICAL, 1, 2, 0);
        crowd_says(three_of_ten, C, STATE_CRITICAL, 3, 10, 0);
        if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_masked, watched(&half),
                       "who lies in every second round is masked"))
            scene_detected(s, "observer c is masked for crowd/half");
        must_take(s, "half", 10, 17);
        scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, watch_masked, watched(&third),
                   "who lies in three rounds of ten is masked");
        must_take(s, "third", 14, 25);
        crowd_says(every_second, C, 0, 0, 1, 0);
        truly_fails(s, every_second, "half");
        scene_bit(s, crowd_lies(every_second), "votes that differ from the truth");
        ends(s, three_of_ten, "observer c is honest");
    } else {
        crowd_close(three_of_ten);
    }
    crowd_close(every_second);
}

/* ---- DR-I4 ---- */

enum { FLAKY_ROUNDS = 20, FRAMED_S = 8 };

static bool is_charged(struct scene *s, int64_t question) {
    return watch_score(s, (const struct watched *)(intptr_t)question) > 0;
}

void play_framed_observer(struct scene *s) {
    const struct watched framed = {.host = "crowd", .service = line, .observer = "c"};
    struct crowd *c = crowd_open(s, "crowd", line, 5, ROUND_MS);
    if (begins_well(s, c, line)) {
        scene_injected(s, "observer c errs in one round of twenty, d and e do what they can to have it masked");
        crowd_says(c, C, STATE_CRITICAL, 1, FLAKY_ROUNDS, 0);
        crowd_says(c, D, CROWD_SILENT, FLAKY_ROUNDS - 1, FLAKY_ROUNDS, 1); /* they speak where c errs */
        crowd_says(c, E, CROWD_SILENT, FLAKY_ROUNDS - 1, FLAKY_ROUNDS, 1);
        scene_stays(s, PROMISE_AUTHORITY, FRAMED_S, watch_counted, watched(&framed),
                    "who errs now and then is not masked");
        scene_note(s, "observer c: score %u, it disagreed in %u of %u rounds", watch_score(s, &framed),
                   watch_disagreed(s, &framed), watch_rounds(s, &framed));
        if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, is_charged, watched(&framed), "an error of c counts") &&
            scene_must(s, PROMISE_AUTHORITY, MOVES_PATIENCE_S / 2, watch_unblamed, watched(&framed),
                       "its good rounds take the error back"))
            scene_detected(s, "the score of c rises by 5 and falls by 1 each round");
        for (unsigned i = C; i <= E; i++)
            crowd_says(c, i, 0, 0, 1, 0);
        truly_fails(s, c, line);
        ends(s, c, "all are honest");
    } else {
        crowd_close(c);
    }
}

/* ---- DR-I12 ---- */

void play_flapping_service(struct scene *s) {
    const struct watched flaps = {.host = "crowd", .service = line};
    const struct watched fast = {.host = "crowd", .service = line, .observer = "a"};
    const struct watched slow = {.host = "crowd", .service = line, .observer = "c"};
    struct puppet *boss = puppet_new(s, "operator");
    struct crowd *c = crowd_open(s, "crowd", line, 3, ROUND_MS);
    if (boss && begins_well(s, c, line)) {
        if (puppet_order(boss, "[0] ENABLE_SVC_FLAP_DETECTION;crowd;line") != ERR_OK)
            scene_broken(s, PROMISE_LIVENESS, "flap detection can't be turned on");
        scene_injected(s, "the service flaps, and observer c sees it a round late");
        crowd_says(c, A, STATE_CRITICAL, 1, 2, 0);
        crowd_says(c, B, STATE_CRITICAL, 1, 2, 0);
        crowd_says(c, C, STATE_CRITICAL, 1, 2, 1);
        if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, watch_flapping, watched(&flaps),
                       "the flapping is recognised"))
            scene_detected(s, "`quorate status` says flapping");
        scene_note(s, "it flaps more slowly: a sees each change first, b a round later, c two");
        crowd_says(c, A, STATE_CRITICAL, 2, 4, 0);
        crowd_says(c, B, STATE_CRITICAL, 2, 4, 1);
        crowd_says(c, C, STATE_CRITICAL, 2, 4, 2);
        unsigned before = watch_score(s, &fast);
        scene_stays(s, PROMISE_AUTHORITY, 3, watch_counted, watched(&fast), "the fast one is not masked");
        scene_stays(s, PROMISE_AUTHORITY, 3, watch_counted, watched(&slow), "the slow one is not masked");
        if (watch_flapping(s, watched(&flaps)) && watch_score(s, &fast) != before)
            scene_broken(s, PROMISE_AUTHORITY, "a score moved while the service flapped");
        for (unsigned i = A; i <= C; i++)
            crowd_says(c, i, 0, 0, 1, 0);
        ends(s, c, "the service is steady");
    } else {
        crowd_close(c);
    }
    puppet_free(boss);
}

/* ---- DR-I13 ---- */

static bool alert_shows_dissent(struct scene *s, int64_t unused) {
    json_t *alerts = scene_ask(s, "alerts", "--since", "0", NULL);
    size_t i, k;
    const json_t *alert, *vote;
    bool shows = false;
    (void)unused;
    json_array_foreach(alerts, i, alert) {
        const char *host = json_string_value(json_object_get(alert, "host"));
        if (!host || strcmp(host, "crowd") != 0)
            continue;
        json_array_foreach(json_object_get(alert, "votes"), k, vote) {
            const char *state = json_string_value(json_object_get(vote, "state"));
            const char *who = json_string_value(json_object_get(vote, "observer"));
            shows |= state && who && strcmp(who, "a") == 0 && strcmp(state, "OK") == 0;
        }
    }
    json_decref(alerts);
    return shows;
}

void play_too_many_liars(struct scene *s) {
    struct crowd *c = crowd_open(s, "crowd", line, 3, ROUND_MS);
    if (begins_well(s, c, line)) {
        scene_injected(s, "observers b and c both say CRITICAL of what is well");
        scene_expect(s, ALERT_PROBLEM, "crowd", line);
        crowd_says(c, B, STATE_CRITICAL, 1, 1, 0);
        crowd_says(c, C, STATE_CRITICAL, 1, 1, 0);
        scene_all_told(s, MOVES_PATIENCE_S);
        if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, alert_shows_dissent, 0,
                       "the alert shows who said otherwise"))
            scene_detected(s, "the alert's votes: a says OK");
        scene_expect(s, ALERT_RECOVERY, "crowd", line);
        crowd_says(c, B, 0, 0, 1, 0);
        crowd_says(c, C, 0, 0, 1, 0);
        scene_all_told(s, MOVES_PATIENCE_S);
        ends(s, c, "both are honest");
    } else {
        crowd_close(c);
    }
}
