/* Each test asks the cluster anew, through the verbs that an operator has, and is false when there is no answer. */
#include "client/drill/watch.h"

#include "base/quorum.h"
#include "client/drill/moves.h"

#include <stdio.h>
#include <string.h>

static const struct watched *question_of(int64_t argument) {
    return (const struct watched *)(intptr_t)argument;
}

static bool is_text(const json_t *object, const char *key, const char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    return value && strcmp(value, text) == 0;
}

static bool holds(const json_t *object, const char *key, const char *text) {
    const char *value = json_string_value(json_object_get(object, key));
    return value && strstr(value, text) != NULL;
}

static bool is_true(const json_t *object, const char *key) {
    return json_is_true(json_object_get(object, key));
}

/* ---- objects ---- */

typedef bool judge_object(const json_t *status, const struct watched *w);

static bool object_is(struct scene *s, int64_t question, judge_object *judge) {
    const struct watched *w = question_of(question);
    json_t *status = scene_status(s, w->host, w->service);
    bool is = status && judge(status, w);
    json_decref(status);
    return is;
}

static bool in_state(const json_t *status, const struct watched *w) {
    return is_text(status, "state", w->text);
}

bool watch_state(struct scene *s, int64_t question) {
    return object_is(s, question, in_state);
}

static bool with_output(const json_t *status, const struct watched *w) {
    return holds(status, "output", w->text);
}

bool watch_output(struct scene *s, int64_t question) {
    return object_is(s, question, with_output);
}

static bool is_undecided(const json_t *status, const struct watched *w) {
    (void)w;
    return is_true(status, "undecided");
}

bool watch_undecided(struct scene *s, int64_t question) {
    return object_is(s, question, is_undecided);
}

static bool is_flapping(const json_t *status, const struct watched *w) {
    (void)w;
    return is_true(status, "flapping");
}

bool watch_flapping(struct scene *s, int64_t question) {
    return object_is(s, question, is_flapping);
}

/* ---- votes ---- */

/* NULL: it has none. Borrowed from status. */
static const json_t *vote_of(const json_t *status, const char *observer) {
    size_t i;
    const json_t *vote;
    json_array_foreach(json_object_get(status, "votes"), i, vote) {
        if (is_text(vote, "observer", observer))
            return vote;
    }
    return NULL;
}

static bool vote_says(const json_t *status, const struct watched *w) {
    const json_t *vote = vote_of(status, w->observer);
    return vote && is_text(vote, "state", w->text);
}

bool watch_says(struct scene *s, int64_t question) {
    return object_is(s, question, vote_says);
}

static bool vote_masked(const json_t *status, const struct watched *w) {
    const json_t *vote = vote_of(status, w->observer);
    return vote && is_true(vote, "masked");
}

bool watch_masked(struct scene *s, int64_t question) {
    return object_is(s, question, vote_masked);
}

static bool vote_counted(const json_t *status, const struct watched *w) {
    const json_t *vote = vote_of(status, w->observer);
    return vote && !is_true(vote, "masked") && !is_true(vote, "convicted");
}

bool watch_counted(struct scene *s, int64_t question) {
    return object_is(s, question, vote_counted);
}

static bool vote_stale(const json_t *status, const struct watched *w) {
    const json_t *vote = vote_of(status, w->observer);
    return vote && !json_is_null(json_object_get(vote, "obs_seq")) && !is_true(vote, "fresh");
}

bool watch_stale(struct scene *s, int64_t question) {
    return object_is(s, question, vote_stale);
}

static bool vote_convicted(const json_t *status, const struct watched *w) {
    const json_t *vote = vote_of(status, w->observer);
    return vote && is_true(vote, "convicted");
}

bool watch_convicted(struct scene *s, int64_t question) {
    return object_is(s, question, vote_convicted);
}

static bool vote_unblamed(const json_t *status, const struct watched *w) {
    const json_t *score = json_object_get(vote_of(status, w->observer), "score");
    return json_is_integer(score) && json_integer_value(score) == 0;
}

bool watch_unblamed(struct scene *s, int64_t question) {
    return object_is(s, question, vote_unblamed);
}

static unsigned number_of(struct scene *s, const struct watched *w, const char *key) {
    json_t *status = scene_status(s, w->host, w->service);
    const json_t *vote = status ? vote_of(status, w->observer) : NULL;
    unsigned number = vote ? (unsigned)json_integer_value(json_object_get(vote, key)) : 0;
    json_decref(status);
    return number;
}

unsigned watch_score(struct scene *s, const struct watched *w) {
    return number_of(s, w, "score");
}

unsigned watch_rounds(struct scene *s, const struct watched *w) {
    return number_of(s, w, "rounds");
}

unsigned watch_disagreed(struct scene *s, const struct watched *w) {
    return number_of(s, w, "disagreed");
}

/* ---- what the log says ---- */

bool watch_evidence(struct scene *s, int64_t question) {
    const struct watched *w = question_of(question);
    json_t *list = scene_ask(s, "evidence", NULL);
    size_t i;
    const json_t *line;
    bool found = false;
    json_array_foreach(list, i, line) {
        found |= is_text(line, "kind", evidence_code(w->kind)) && is_text(line, "culprit", w->text);
    }
    json_decref(list);
    return found;
}

struct accused {
    const char *culprit;
    unsigned kinds;
};

static bool is_named_for_it(struct scene *s, int64_t question) {
    const struct accused *a = (const struct accused *)(intptr_t)question;
    json_t *list = scene_ask(s, "evidence", NULL);
    size_t i;
    const json_t *line;
    bool found = false;
    json_array_foreach(list, i, line) {
        for (unsigned kind = EV_EQUIV_PP; kind < EV_KIND_LIMIT; kind++)
            found |= (a->kinds >> kind & 1u) && is_text(line, "kind", evidence_code((enum evidence_kind)kind)) &&
                     is_text(line, "culprit", a->culprit);
    }
    json_decref(list);
    return found;
}

void watch_convicts(struct scene *s, member_id who, unsigned kinds) {
    char culprit[32];
    snprintf(culprit, sizeof culprit, "replica %u", who);
    const struct accused a = {culprit, kinds};
    if (scene_must(s, PROMISE_ACCOUNTABILITY, MOVES_PATIENCE_S, is_named_for_it, (int64_t)(intptr_t)&a,
                   "the liar is named for this very lie"))
        scene_detected(s, "there is evidence against the liar");
}

unsigned watch_announcements(struct scene *s, const char *text) {
    json_t *list = scene_ask(s, "alerts", "--since", "0", NULL);
    size_t i;
    const json_t *line;
    unsigned count = 0;
    json_array_foreach(list, i, line) {
        count += is_text(line, "type", "SYSTEM") && holds(line, "output", text);
    }
    json_decref(list);
    return count;
}

bool watch_announced(struct scene *s, int64_t question) {
    return watch_announcements(s, question_of(question)->text) > 0;
}

/* ---- processes ---- */

bool watch_logged(struct scene *s, int64_t question) {
    const struct watched *w = question_of(question);
    return scene_logged(s, w->member, w->text);
}

bool watch_log_of(struct scene *s, int64_t question) {
    const struct watched *w = question_of(question);
    return scene_log_of(s, w->observer, w->text);
}

bool watch_phase(struct scene *s, int64_t question) {
    const struct watched *w = question_of(question);
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    return seen[w->member].reachable && strcmp(seen[w->member].phase, w->text) == 0;
}

bool watch_unreachable(struct scene *s, int64_t member) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    bool others = true;
    for (member_id i = 0; i < scene_members(s); i++)
        others &= i == member || scene_is_traitor(s, i) || seen[i].reachable;
    return others && !seen[member].reachable;
}

static bool has_fetched(struct scene *s, int64_t member) {
    return scene_counter(s, (member_id)member, "fetched") > 0;
}

void watch_fetches(struct scene *s, member_id member) {
    if (scene_must(s, PROMISE_LIVENESS, MOVES_PATIENCE_S, has_fetched, member, "it fetches what it was not given"))
        scene_detected(s, "the replica fetched what it was not given");
}

bool watch_stopped(struct scene *s, int64_t member) {
    int status = 0;
    return scene_ended(s, (member_id)member, &status) && status == 1;
}

seq_no watch_highest(struct scene *s) {
    struct replica_seen seen[MEMBERS_MAX];
    seq_no highest = 0;
    if (!scene_look_at(s, quorum_weak(scene_members(s)), seen))
        return 0;
    for (member_id i = 0; i < scene_members(s); i++)
        if (seen[i].reachable && seen[i].executed > highest)
            highest = seen[i].executed;
    return highest;
}

bool watch_stands_still(struct scene *s, int64_t n) {
    seq_no highest = watch_highest(s);
    return highest > 0 && highest <= (seq_no)n;
}
