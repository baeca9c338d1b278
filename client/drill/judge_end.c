/* The judgement at the end: what is stored, what was told, whether all replicas hold one log and one state, and who was
   convicted. Everything is asked as an operator would ask it. */
#include "client/drill/cast.h"
#include "client/drill/judge.h"
#include "client/drill/line.h"
#include "client/drill/load.h"
#include "client/drill/plan.h"
#include "client/drill/report.h"
#include "client/drill/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MS = 180000, /* three tries of a verb */
    SINK_MS = 30000,
    AGREE_MS = 90000,
    LOOK_EVERY_MS = 200,
    SIGHTINGS_MAX = 4096
};

/* ---- durability ---- */

/* The number that is stored for a lane; false: nobody answered. */
static bool stored_number(struct scene *s, unsigned lane, uint64_t *number) {
    char service[16];
    mono_ms deadline = clock_mono() + judge_patience(s, ANSWER_MS);
    load_service(service, lane);
    for (;;) {
        json_t *status = scene_status(s, LOAD_HOST, service);
        const json_t *vote = json_array_get(json_object_get(status, "votes"), 0);
        const char *output = json_string_value(json_object_get(vote, "output"));
        *number = output != NULL ? load_number(output) : 0;
        json_decref(status);
        if (output != NULL || clock_mono() >= deadline) {
            return output != NULL;
        }
        clock_sleep(LOOK_EVERY_MS);
    }
}

/* False: it could not be asked. */
static bool judge_lane(struct scene *s, unsigned lane, uint64_t *lost) {
    uint64_t acked = load_last(s->load, lane), stored = 0;
    if (acked == 0) {
        return true;
    }
    if (!stored_number(s, lane, &stored)) {
        scene_broken(s, PROMISE_LIVENESS, "the status of " LOAD_HOST "/s%u could not be had", lane);
        return false;
    }
    if (stored >= acked) {
        return true;
    }
    scene_broken(s, PROMISE_DURABILITY,
                 LOAD_HOST "/s%u stands at number %" PRIu64 " though %" PRIu64 " was acknowledged", lane, stored,
                 acked);
    *lost += acked - stored;
    return true;
}

uint64_t judge_durability(struct scene *s) {
    uint64_t lost = 0;
    const char *reason;
    if (s->load == NULL) {
        return 0;
    }
    load_read(s->load);
    for (unsigned lane = 0; lane < LOAD_LANES && judge_lane(s, lane, &lost); lane++) {
    }
    uint64_t refused = load_refused(s->load, &reason);
    if (refused > 0) {
        scene_broken(s, PROMISE_LIVENESS, "%" PRIu64 " good bundles of the loader were refused, %s", refused, reason);
    }
    return lost;
}

/* ---- alerts ---- */

static void take_breach(void *context, enum promise p, const char *reason) {
    scene_broken(context, p, "%s", reason);
}

static bool is_traitor(const struct scene *s, member_id who) {
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && s->drill->cast.traitors[i].behaviour != NULL; i++) {
        if (s->drill->cast.traitors[i].member == who) {
            return true;
        }
    }
    return false;
}

static bool is_accused(const struct scene *s, const char *culprit) {
    const json_t *one;
    size_t i;
    json_array_foreach(s->accused, i, one) {
        if (strcmp(json_string_value(one), culprit) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_honest(const struct scene *s, member_id who) {
    char culprit[32];
    snprintf(culprit, sizeof culprit, "replica %u", who);
    return !is_traitor(s, who) && !is_accused(s, culprit) && !cast_given_up(s->cast, who);
}

/* "quorate: alerts: ignored an answer, WHAT: replica N: see ..." */
static void judge_complaint(struct scene *s, const char *line) {
    const char *at = strstr(line, ": replica ");
    if (at != NULL && strstr(line, "ignored an answer") != NULL) {
        unsigned who = (unsigned)strtoul(at + strlen(": replica "), NULL, 10);
        if (who < scene_members(s) && is_honest(s, (member_id)who)) {
            scene_broken(s, PROMISE_ONE_STREAM, "%.300s", line);
        }
    }
}

static void judge_complaints(struct scene *s, struct buffer *lines) {
    char *save = NULL;
    buffer_cstr(lines);
    for (char *line = strtok_r((char *)lines->data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        judge_complaint(s, line);
    }
}

/* Alerts as `quorate alerts` prints them: into the list and, as they are, into *proofs. */
static bool fetch_stream(struct scene *s, json_t *alerts, struct buffer *proofs) {
    struct buffer out = {0}, complaints = {0};
    bool good = stream_take(s, plan_highest(s->plan), &out, &complaints);
    char *save = NULL;
    json_array_clear(alerts);
    buffer_clear(proofs);
    buffer_cstr(&out);
    for (char *line = strtok_r((char *)out.data, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        json_t *alert = json_loads(line, 0, NULL);
        if (alert != NULL) {
            json_array_append_new(alerts, alert);
            buffer_printf(proofs, "%s\n", line);
        }
    }
    judge_complaints(s, &complaints);
    buffer_free(&out);
    buffer_free(&complaints);
    return good;
}

static uint64_t last_to_hand(const json_t *alerts) {
    const json_t *alert;
    size_t i;
    uint64_t last = 0;
    json_array_foreach(alerts, i, alert) {
        if (json_array_size(json_object_get(alert, "contacts")) > 0) {
            last = (uint64_t)json_integer_value(json_object_get(alert, "number"));
        }
    }
    return last;
}

static void verify_stream(struct scene *s, struct buffer *proofs) {
    static const char path[] = "/run/stream.jsonl";
    const char *words[] = {"verify", path, NULL};
    struct buffer why = {0}, out = {0};
    if (proofs->len > 0 && report_write(path, buffer_bytes(proofs), &why) != ERR_OK) {
        cast_fail(s->cast, "%s", buffer_cstr(&why));
    }
    if (proofs->len > 0 && cast_judge_verb(s->cast, words, &out, &out) != 0) {
        scene_broken(s, PROMISE_ONE_STREAM, "an alert of the stream does not prove true: %.300s", buffer_cstr(&out));
    }
    buffer_free(&why);
    buffer_free(&out);
}

/* An alert may be agreed on and on its way: it is waited for. */
static bool await_stream(struct scene *s, json_t *alerts, struct buffer *proofs) {
    mono_ms now = clock_mono(), answer_by = now + judge_patience(s, ANSWER_MS),
            told_by = now + judge_patience(s, SINK_MS);
    for (;;) {
        bool good = fetch_stream(s, alerts, proofs);
        judge_read_sink(s);
        now = clock_mono();
        if ((good && (plan_highest(s->plan) >= last_to_hand(alerts) || now >= told_by)) || now >= answer_by) {
            return good;
        }
        clock_sleep(LOOK_EVERY_MS);
    }
}

void judge_alerts(struct scene *s) {
    json_t *alerts = json_array();
    const json_t *alert;
    size_t i;
    struct buffer proofs = {0};
    plan_give_up(s->plan);
    if (await_stream(s, alerts, &proofs)) {
        json_array_foreach(alerts, i, alert) {
            plan_stream(s->plan, alert);
        }
        plan_stream_end(s->plan);
        verify_stream(s, &proofs);
    } else {
        scene_broken(s, PROMISE_LIVENESS, "the alert stream could not be had");
    }
    plan_breaches(s->plan, take_breach, s);
    buffer_free(&proofs);
    json_decref(alerts);
}

void judge_cut_short(struct scene *s) {
    if (s->cast != NULL) {
        judge_crashes(s);
        judge_read_sink(s);
    }
    plan_breaches(s->plan, take_breach, s);
}

/* ---- agreement ---- */

struct sighting { /* one replica had this hash at this number */
    seq_no n;
    member_id who;
    char hash[65];
};
struct sightings {
    const char *what; /* "log", "state" */
    unsigned count;
    struct sighting list[SIGHTINGS_MAX];
};

/* Compares with what was seen of others at that number, and remembers it. */
static void sight(struct scene *s, struct sightings *seen, member_id who, seq_no n, const char *hash) {
    bool known = false;
    for (unsigned i = 0; i < seen->count && n > 0; i++) {
        const struct sighting *o = &seen->list[i];
        known |= o->n == n && o->who == who && strcmp(o->hash, hash) == 0;
        if (o->n == n && strcmp(o->hash, hash) != 0) {
            scene_broken(s, PROMISE_AGREEMENT, "replica %u and replica %u have different %ss at %" PRIu64, o->who, who,
                         seen->what, n);
        }
    }
    if (n > 0 && !known && seen->count < SIGHTINGS_MAX) {
        struct sighting *new = &seen->list[seen->count++];
        *new = (struct sighting){.n = n, .who = who};
        snprintf(new->hash, sizeof new->hash, "%s", hash);
    }
}

/* Whether all who are expected were seen at one number. */
static bool all_met(const struct scene *s, const struct sightings *seen, member_set expected) {
    (void)s;
    for (unsigned i = 0; i < seen->count; i++) {
        member_set met = 0;
        for (unsigned k = 0; k < seen->count; k++) {
            met |= seen->list[k].n == seen->list[i].n ? set_of(seen->list[k].who) : 0;
        }
        if ((met & expected) == expected) {
            return true;
        }
    }
    return false;
}

static member_set expected_members(struct scene *s) {
    member_set expected = 0;
    for (member_id m = 0; m < scene_members(s); m++) {
        expected |= cast_given_up(s->cast, m) ? 0 : set_of(m);
    }
    return expected;
}

static void look_once(struct scene *s, struct sightings *logs, struct sightings *states, member_set expected) {
    struct replica_seen seen[MEMBERS_MAX];
    scene_look(s, seen);
    for (member_id m = 0; m < scene_members(s); m++) {
        if (set_has(expected, m) && seen[m].reachable) {
            sight(s, logs, m, seen[m].executed, seen[m].log_hash);
            sight(s, states, m, seen[m].stable, seen[m].state_root);
        }
    }
}

/* Numbers below the first checkpoint have no stable state: then there is none to compare. */
void judge_agreement(struct scene *s) {
    struct sightings *logs = xcalloc(1, sizeof *logs), *states = xcalloc(1, sizeof *states);
    member_set expected = expected_members(s);
    mono_ms deadline = clock_mono() + judge_patience(s, AGREE_MS);
    bool met = false;
    logs->what = "log";
    states->what = "state";
    while (!met && clock_mono() < deadline && line_kept(s->line, PROMISE_AGREEMENT)) {
        look_once(s, logs, states, expected);
        met = all_met(s, logs, expected) && (states->count == 0 || all_met(s, states, expected));
        if (!met) {
            clock_sleep(LOOK_EVERY_MS);
        }
    }
    if (met) {
        scene_note(s, "all who are expected have one log and one state");
    } else if (line_kept(s->line, PROMISE_AGREEMENT)) {
        scene_broken(s, PROMISE_RECOVERY, "not all replicas were seen at one number in time");
    }
    free(logs);
    free(states);
}

/* ---- evidence ---- */

static bool named(const json_t *evidence, const char *culprit) {
    const json_t *line;
    size_t i;
    json_array_foreach(evidence, i, line) {
        const char *who = json_string_value(json_object_get(line, "culprit"));
        if (who != NULL && strcmp(who, culprit) == 0) {
            return true;
        }
    }
    return false;
}

bool judge_guilty(const struct scene *s, const char *culprit) {
    const struct drill_traitor *t = s->drill->cast.traitors;
    for (unsigned i = 0; i < DRILL_TRAITORS_MAX && t[i].behaviour != NULL; i++) {
        char name[32];
        snprintf(name, sizeof name, "replica %u", t[i].member);
        if (t[i].provable && strcmp(name, culprit) == 0) {
            return true;
        }
    }
    return is_accused(s, culprit);
}

static void judge_the_named(struct scene *s, const json_t *evidence) {
    const json_t *line;
    size_t i;
    json_array_foreach(evidence, i, line) {
        const char *who = json_string_value(json_object_get(line, "culprit"));
        const char *kind = json_string_value(json_object_get(line, "kind"));
        if (who != NULL && !judge_guilty(s, who)) {
            scene_broken(s, PROMISE_ACCOUNTABILITY, "%s signed nothing untrue and stands accused by %s", who,
                         kind != NULL ? kind : "?");
        }
    }
}

static void judge_the_guilty(struct scene *s, const json_t *evidence) {
    const json_t *one;
    size_t i;
    for (unsigned k = 0; k < DRILL_TRAITORS_MAX && s->drill->cast.traitors[k].behaviour != NULL; k++) {
        char name[32];
        snprintf(name, sizeof name, "replica %u", s->drill->cast.traitors[k].member);
        if (!named(evidence, name)) {
            scene_broken(s, PROMISE_ACCOUNTABILITY, "%s lied provably and nobody proved it", name);
        }
    }
    json_array_foreach(s->accused, i, one) {
        if (!named(evidence, json_string_value(one))) {
            scene_broken(s, PROMISE_ACCOUNTABILITY, "%s lied provably and nobody proved it", json_string_value(one));
        }
    }
}

json_t *judge_evidence(struct scene *s) {
    mono_ms deadline = clock_mono() + judge_patience(s, ANSWER_MS);
    json_t *evidence;
    while ((evidence = scene_ask(s, "evidence", NULL)) == NULL && clock_mono() < deadline) {
        clock_sleep(LOOK_EVERY_MS);
    }
    if (evidence == NULL) {
        scene_broken(s, PROMISE_LIVENESS, "the evidence could not be had");
        return json_array();
    }
    judge_the_named(s, evidence);
    if ((s->drill->promises >> PROMISE_ACCOUNTABILITY & 1u) != 0) {
        judge_the_guilty(s, evidence);
    }
    return evidence;
}
