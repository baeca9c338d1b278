/* The promises, watched from outside over all nodes and all their boots: agreement and prefix (I1, I2), validity (I3),
   one effect per request (I4), no two signatures for one place (I5), no vote below the own view (I7), the same roots
   (I12), time that never runs back (I13), one alert stream, no false alert, none missed, nothing acknowledged lost. */
#include "base/invariant.h"
#include "tests/sim/estate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a map from digest to digest ---- */

struct map {
    struct digest *keys, *values;
    size_t count, cap;
};

static size_t map_slot(const struct map *m, const struct digest *key) {
    uint64_t at;
    memcpy(&at, key->b, sizeof at);
    for (at %= m->cap; !digest_is_zero(&m->keys[at]) && !digest_equal(&m->keys[at], key);)
        at = (at + 1) % m->cap;
    return (size_t)at;
}

static void map_grow(struct map *m) {
    struct map old = *m;
    m->cap = old.cap ? 2 * old.cap : 1024;
    m->keys = xcalloc(m->cap, sizeof *m->keys);
    m->values = xcalloc(m->cap, sizeof *m->values);
    for (size_t i = 0; i < old.cap; i++)
        if (!digest_is_zero(&old.keys[i])) {
            size_t at = map_slot(m, &old.keys[i]);
            m->keys[at] = old.keys[i];
            m->values[at] = old.values[i];
        }
    free(old.keys);
    free(old.values);
}

/* Keeps the first value of a key; returns what is kept. */
static struct digest map_keep(struct map *m, const struct digest *key, const struct digest *value) {
    if (2 * m->count >= m->cap)
        map_grow(m);
    size_t at = map_slot(m, key);
    if (digest_is_zero(&m->keys[at])) {
        m->keys[at] = *key;
        m->values[at] = *value;
        m->count++;
    }
    return m->values[at];
}

static bool map_has(const struct map *m, const struct digest *key) {
    return m->cap && !digest_is_zero(&m->keys[map_slot(m, key)]);
}

/* ---- ---- */

struct entry {
    struct digest batch, log_hash;
    time_ms t;
};
struct last_alert {
    bool problem;
    unsigned state;
};

struct checker {
    struct sim *sim;
    const struct cluster *cluster;
    struct verifier verifier;
    seq_no executed_to, acknowledged_to;
    struct entry *log;
    size_t log_cap;
    struct map submitted, effects, signatures, roots;
    view_no left[MEMBERS_MAX]; /* the highest view for which a member signed a VIEW-CHANGE */
    uint64_t alerts;
    struct map alert_bytes, logs;
    struct last_alert last[ESTATE_MAX];
};

struct checker *checker_new(struct sim *s, const struct cluster *cluster) {
    struct checker *c = xcalloc(1, sizeof *c);
    c->sim = s;
    c->cluster = cluster;
    cluster_verifier(&c->verifier, cluster);
    return c;
}

static void map_free(struct map *m) {
    free(m->keys);
    free(m->values);
}

void checker_free(struct checker *c) {
    map_free(&c->submitted);
    map_free(&c->effects);
    map_free(&c->signatures);
    map_free(&c->roots);
    map_free(&c->alert_bytes);
    map_free(&c->logs);
    free(c->log);
    free(c);
}

seq_no checker_executed_to(const struct checker *c) {
    return c->executed_to;
}

uint64_t checker_alerts(const struct checker *c) {
    return c->alerts;
}

static struct digest place_key(const char *kind, uint64_t a, uint64_t b, uint64_t d, const struct public_key *who) {
    struct buffer key = {0};
    buffer_text(&key, kind);
    buffer_u64(&key, a);
    buffer_u64(&key, b);
    buffer_u64(&key, d);
    if (who)
        buffer_put(&key, who->b, PUBLIC_KEY_LEN);
    struct digest out = crypto_digest(DIGEST_NODE, buffer_bytes(&key));
    buffer_free(&key);
    return out;
}

void checker_submitted(struct checker *c, struct bytes request_frame) {
    struct digest d = crypto_digest(DIGEST_REQUEST, request_frame);
    map_keep(&c->submitted, &d, &d);
}

/* ---- the log ---- */

static void check_requests(struct checker *c, seq_no n, const struct request *const *requests, size_t count) {
    struct digest place = place_key("n", n, 0, 0, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!map_has(&c->submitted, &requests[i]->digest))
            sim_fail(c->sim, "validity: batch %llu holds a request that nobody submitted", (unsigned long long)n);
        struct digest key = place_key("effect", requests[i]->req_seq, 0, 0, &requests[i]->client);
        map_keep(&c->effects, &key, &place);
    }
}

/* Beyond the bound logs may differ, but none changes what it once held: forks never merge. */
static void check_own_log(struct checker *c, member_id node, seq_no n, const struct digest *log_hash) {
    struct digest key = place_key("log", node, n, 0, NULL), kept = map_keep(&c->logs, &key, log_hash);
    if (!digest_equal(&kept, log_hash))
        sim_fail(c->sim, "node %u executed place %llu in two ways", node, (unsigned long long)n);
}

static void check_time(struct checker *c, seq_no n, time_ms t) {
    time_ms now = sim_wall(c->sim, MEMBER_NONE);
    if (sim_latest_wall(c->sim) > now)
        now = sim_latest_wall(c->sim);
    if (sim_beyond(c->sim)) /* times of two forks interleave */
        return;
    if (n > 1 && t < c->log[n - 1].t)
        sim_fail(c->sim, "time ran back at %llu", (unsigned long long)n);
    if (t > now + 3000)
        sim_fail(c->sim, "time ran ahead of every clock at %llu", (unsigned long long)n);
}

void checker_executed(struct checker *c, member_id node, seq_no n, const struct digest *batch,
                      const struct digest *log_hash, time_ms t, const struct request *const *requests, size_t count) {
    if (n >= c->log_cap) {
        c->log_cap = 2 * n + 64;
        c->log = xrealloc(c->log, c->log_cap * sizeof *c->log);
    }
    if (sim_beyond(c->sim))
        check_own_log(c, node, n, log_hash);
    if (n > c->executed_to + 1 && set_has(sim_untrusted(c->sim), node)) /* while it lied, it was ahead of all others */
        return;
    if (n > c->executed_to + 1) {
        sim_fail(c->sim, "node %u executed %llu before anybody executed %llu", node, (unsigned long long)n,
                 (unsigned long long)(c->executed_to + 1));
        return;
    }
    if (n == c->executed_to + 1) {
        check_time(c, n, t);
        c->log[n] = (struct entry){*batch, *log_hash, t};
        if (sim_naive_log(c->sim))
            naive_log_batch(sim_naive_log(c->sim), n, t, requests, count);
        c->executed_to = n;
        check_requests(c, n, requests, count);
        return;
    }
    const struct entry *e = &c->log[n];
    if (digest_equal(&e->batch, batch) && digest_equal(&e->log_hash, log_hash) && e->t == t)
        return;
    if (sim_beyond(c->sim))
        sim_forked(c->sim);
    else
        sim_fail(c->sim, "agreement: node %u executed another batch %llu", node, (unsigned long long)n);
}

void checker_stable(struct checker *c, member_id node, seq_no n, const struct digest *root) {
    struct digest key = place_key("stable", n, 0, 0, NULL), kept = map_keep(&c->roots, &key, root);
    if (!digest_equal(&kept, root) && !sim_beyond(c->sim))
        sim_fail(c->sim, "node %u holds another state root at %llu", node, (unsigned long long)n);
}

/* ---- signatures ---- */

static bool place_of(const struct frame *f, uint64_t *v, uint64_t *n) {
    struct arena arena = {0};
    struct msg m;
    bool placed = codec_decode(&m, f, &arena) == ERR_OK;
    *v = *n = 0;
    switch (f->type) {
    case FRAME_PRE_PREPARE:
        *v = m.pre_prepare.statement.v, *n = m.pre_prepare.statement.n;
        break;
    case FRAME_PREPARE:
    case FRAME_COMMIT:
        *v = m.vote.v, *n = m.vote.n;
        break;
    case FRAME_CHECKPOINT:
        *n = m.checkpoint.n;
        break;
    case FRAME_VIEW_CHANGE:
        *v = m.view_change.v;
        break;
    case FRAME_NEW_VIEW:
        *v = m.new_view.v;
        break;
    case FRAME_RECEIPT:
        *n = m.receipt.body.n;
        break;
    default:
        placed = false;
    }
    arena_free(&arena);
    return placed;
}

/* Does the member's own key stand where a request frame has it? Spares decoding what it passes on of others. */
static bool relays_own(const struct checker *c, const struct frame *f) {
    const uint8_t *key = c->verifier.keys[f->sender].b;
    return f->sender < c->verifier.members && memmem(f->body.data, f->body.len, key, PUBLIC_KEY_LEN) != NULL;
}

static void sealed_relay(struct checker *c, const struct frame *f, bool honest) {
    struct arena arena = {0};
    struct msg m;
    struct frame inner;
    struct request r;
    if (!relays_own(c, f))
        return;
    if (codec_decode(&m, f, &arena) == ERR_OK && frame_open(&inner, m.relay.request) == ERR_OK &&
        request_decode(&r, &inner, &arena) == ERR_OK && public_key_equal(&r.client, &c->verifier.keys[f->sender])) {
        struct digest key = place_key("request", r.req_seq, 0, 0, &r.client);
        struct digest kept = map_keep(&c->signatures, &key, &r.digest);
        bool passed_on = map_has(&c->submitted, &r.digest); /* signed when it lied, and come back to it by relay */
        if (honest && !passed_on && !digest_equal(&kept, &r.digest))
            sim_fail(c->sim, "member %u signed two requests under one number", f->sender);
        checker_submitted(c, m.relay.request);
    }
    arena_free(&arena);
}

void checker_traitor_sealed(struct checker *c, struct bytes frame) {
    struct frame f;
    if (frame_open(&f, frame) == ERR_OK && f.type == FRAME_RELAY)
        sealed_relay(c, &f, false);
}

void checker_sealed(struct checker *c, member_id node, struct bytes frame) {
    struct frame f;
    uint64_t v, n;
    if (frame_open(&f, frame) != ERR_OK) {
        sim_fail(c->sim, "node %u released a frame that does not open", node);
        return;
    }
    if (f.type == FRAME_RELAY)
        sealed_relay(c, &f, true);
    if (f.type != FRAME_PRE_PREPARE && f.type != FRAME_PREPARE && f.type != FRAME_COMMIT &&
        f.type != FRAME_CHECKPOINT && f.type != FRAME_VIEW_CHANGE && f.type != FRAME_NEW_VIEW &&
        f.type != FRAME_RECEIPT)
        return;
    if (f.sender != node || !place_of(&f, &v, &n)) {
        sim_fail(c->sim, "node %u released a frame of type %d that does not decode", node, f.type);
        return;
    }
    struct digest key = place_key(frame_type_name(f.type), node, v, n, NULL);
    bool votes = f.type == FRAME_PRE_PREPARE || f.type == FRAME_PREPARE || f.type == FRAME_COMMIT;
    bool reformed = set_has(sim_untrusted(c->sim), node); /* what it signed as a liar was not kept */
    if (votes && v < c->left[node] && !map_has(&c->signatures, &key) && !reformed) /* older ones may be sent again */
        sim_fail(c->sim, "node %u votes in view %llu, which it has left", node, (unsigned long long)v);
    if (f.type == FRAME_VIEW_CHANGE && v > c->left[node])
        c->left[node] = v;
    struct digest body = crypto_digest(DIGEST_NODE, f.signed_body), kept = map_keep(&c->signatures, &key, &body);
    if (!digest_equal(&kept, &body))
        sim_fail(c->sim, "node %u signed two %s for view %llu place %llu", node, frame_type_name(f.type),
                 (unsigned long long)v, (unsigned long long)n);
}

/* ---- alerts ---- */

/* The machine says that nobody reports: it does not say that anybody saw it. */
static bool of_silence(const struct alert *a) {
    for (unsigned i = 0; i < a->vote_count; i++)
        if (a->votes[i].fresh && !a->votes[i].convicted && !a->votes[i].masked)
            return false;
    return true;
}

/* With at most t observers that lie, err or see another truth, what is told was true once. While votes differ, WARNING
   may stand between OK and CRITICAL. */
static void judge_problem(struct checker *c, const struct alert *a, unsigned which) {
    const struct workload *w = sim_workload(c->sim);
    unsigned state = *a->service || a->state == HOST_UP ? a->state : HOST_DOWN;
    bool was = workload_ever(w, which, state) ||
               (*a->service && state == STATE_WARNING && workload_ever(w, which, STATE_CRITICAL));
    if ((*a->service && state == STATE_UNKNOWN) || was || of_silence(a))
        return;
    if (!workload_beyond(w, which))
        sim_fail(c->sim, "false alert %llu: %s/%s %s was never true", (unsigned long long)a->number, a->host,
                 a->service, state_name(!*a->service, a->state));
    else if (a->vote_count != a->observers) /* whoever reads it sees who says what */
        sim_fail(c->sim, "alert %llu hides votes", (unsigned long long)a->number);
}

static void judge_conviction(struct checker *c, const char *text) {
    char name[OBSERVER_NAME_MAX + 1];
    int end = 0;
    if (sscanf(text, "observer %63s convicted%n", name, &end) == 1 && end > 0 &&
        !workload_two_faced(sim_workload(c->sim), name))
        sim_fail(c->sim, "honest observer: %s", text);
}

/* No score sets an honest observer aside while no more lie than the object bears. Where the truth changes an honest one
   may be behind it: each change excuses a round. */
static void judge_suspicion(struct checker *c, const char *text) {
    const struct workload *w = sim_workload(c->sim);
    char name[OBSERVER_NAME_MAX + 1], where[NAME_MAX_LEN + 1];
    unsigned dissents = 0, rounds = 0;
    if (sscanf(text, "observer %63s masked for %255[^:]: it disagreed in %u of %u", name, where, &dissents, &rounds) !=
        4)
        return;
    char *slash = strchr(where, '/');
    const char *service = slash ? slash + 1 : "";
    if (slash)
        *slash = 0;
    int which = estate_find(workload_estate(w), where, service);
    sim_counts(c->sim)->masked++;
    if (which < 0 || (!workload_beyond(w, (unsigned)which) && !workload_may_dissent(w, name) &&
                      workload_changes(w, (unsigned)which) < dissents))
        sim_fail(c->sim, "honest observer: %s", text);
}

/* I17: scores mask no more than may lie. Masked observers are missing: the naive model says so in naive_believed. */
static void judge_masks(struct checker *c, const struct alert *a, const struct estate_object *o) {
    unsigned masked = 0;
    for (unsigned i = 0; i < a->vote_count; i++)
        masked += a->votes[i].masked && !*a->votes[i].masked_by;
    if (masked > estate_bound(o))
        sim_fail(c->sim, "alert %llu: %u observers are masked", (unsigned long long)a->number, masked);
}

static void judge_alert(struct checker *c, const struct alert *a) {
    const struct estate *e = workload_estate(sim_workload(c->sim));
    int which = estate_find(e, a->host, a->service);
    bool problem = a->type == ALERT_PROBLEM;
    if (a->type == ALERT_SYSTEM) {
        judge_conviction(c, a->output);
        judge_suspicion(c, a->output);
    }
    if (which >= 0)
        judge_masks(c, a, &e->list[which]);
    if (which >= 0 && problem)
        judge_problem(c, a, (unsigned)which);
    if (which >= 0 && (problem || a->type == ALERT_RECOVERY))
        c->last[which] = (struct last_alert){problem, a->state};
}

void checker_alert(struct checker *c, const struct alert *a) {
    struct buffer bytes = {0};
    alert_encode(&bytes, a);
    struct digest d = crypto_digest(DIGEST_LEAF, buffer_bytes(&bytes));
    struct digest key = place_key("alert", a->number, 0, 0, NULL), kept = map_keep(&c->alert_bytes, &key, &d);
    if (!digest_equal(&kept, &d))
        if (!sim_beyond(c->sim))
            sim_fail(c->sim, "two alerts number %llu", (unsigned long long)a->number);
    if (a->number > c->alerts + 1)
        sim_fail(c->sim, "alert %llu came before %llu", (unsigned long long)a->number,
                 (unsigned long long)c->alerts + 1);
    if (a->number == c->alerts + 1) {
        c->alerts = a->number;
        judge_alert(c, a);
        plan_hear(c->sim, a);
        if (sim_naive_log(c->sim))
            naive_log_alert(sim_naive_log(c->sim), buffer_bytes(&bytes));
    }
    buffer_free(&bytes);
}

/* ---- acknowledgements ---- */

seq_no checker_acknowledged_to(const struct checker *c) {
    return c->acknowledged_to;
}

void checker_acknowledged(struct checker *c, const struct request *r, const struct output *proven, seq_no floor) {
    seq_no n = proven->cert.body.n;
    if (n <= floor)
        sim_fail(c->sim, "a request took effect at %llu, before what was acknowledged before it was submitted",
                 (unsigned long long)n);
    if (n == 0 || n > c->executed_to || !digest_equal(&c->log[n].log_hash, &proven->cert.body.log_hash)) {
        sim_fail(c->sim, "a certificate for batch %llu, which nobody executed so", (unsigned long long)n);
        return;
    }
    struct digest key = place_key("effect", r->req_seq, 0, 0, &r->client), place = place_key("n", n, 0, 0, NULL);
    struct digest kept = map_keep(&c->effects, &key, &place);
    if (!digest_equal(&kept, &place))
        sim_fail(c->sim, "a request took effect at %llu although it was ordered before", (unsigned long long)n);
    if (n > c->acknowledged_to)
        c->acknowledged_to = n;
}

static bool tells_truth(const struct checker *c, unsigned service) {
    unsigned truth = workload_truth(sim_workload(c->sim), service);
    const struct last_alert *last = &c->last[service];
    if (workload_beyond(sim_workload(c->sim), service))
        return true;
    return truth == STATE_OK ? !last->problem : last->problem && last->state == truth;
}

bool checker_truth_told(const struct checker *c) {
    for (unsigned i = 0; i < SIM_SERVICES; i++)
        if (!tells_truth(c, i))
            return false;
    return true;
}

bool checker_silence_told(const struct checker *c) {
    const struct estate *e = workload_estate(sim_workload(c->sim));
    for (unsigned i = 0; i < SIM_SERVICES; i++) {
        bool told = c->last[i].problem && c->last[i].state == STATE_UNKNOWN;
        if (!told && !c->last[estate_find(e, e->list[i].host, "")].problem) /* of a host that is down, they are not */
            return false;
    }
    return true;
}

/* ---- evidence ---- */

static bool names_honest(const struct checker *c, const char *culprit) {
    if (*culprit < '0' || *culprit > '9') { /* an observer */
        char name[OBSERVER_NAME_MAX + 1] = "";
        return sscanf(culprit, "%63s", name) != 1 || !workload_two_faced(sim_workload(c->sim), name);
    }
    unsigned long who = strtoul(culprit, NULL, 10);
    return who >= c->cluster->member_count || !set_has(sim_untrusted(c->sim), (member_id)who);
}

void checker_traced(struct checker *c, member_id node, const char *line) {
    const char *culprit = strncmp(line, "evidence ", 9) == 0 ? strstr(line, " culprit ") : NULL;
    if (!culprit)
        return;
    sim_counts(c->sim)->evidence++;
    bool convicts = !strstr(line, " EV5 ") && !strstr(line, " EV14 "); /* these two say no more than: different */
    if (sim_beyond(c->sim) && !convicts)
        return;
    if (names_honest(c, culprit + 9))
        sim_fail(c->sim, "node %u blames the honest: %s", node, line);
}

/* ---- the end ---- */

void checker_end(struct checker *c, seq_no slowest, bool truth) {
    if (slowest < c->acknowledged_to)
        sim_fail(c->sim, "a node stands at %llu, below the acknowledged %llu", (unsigned long long)slowest,
                 (unsigned long long)c->acknowledged_to);
    for (unsigned i = 0; truth && i < SIM_SERVICES; i++)
        if (!tells_truth(c, i))
            sim_fail(c->sim, "%s/%s is %s, but the last alert does not say so",
                     workload_estate(sim_workload(c->sim))->list[i].host,
                     workload_estate(sim_workload(c->sim))->list[i].service,
                     state_name(false, workload_truth(sim_workload(c->sim), i)));
}
