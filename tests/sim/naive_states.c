/* The naive model: soft and hard states, reachability, and flapping. */
#include "tests/sim/naive.h"

#include <string.h>

/* A host that nobody spoke of counts as UP. */
bool naive_down(const struct naive_object *host) {
    return host->state == HOST_DOWN || host->state == HOST_UNREACHABLE;
}

static bool cut_off(const struct naive *m, const struct naive_object *host) {
    for (unsigned i = 0; i < host->def->parent_count; i++)
        if (!naive_down(naive_find(m, host->def->parents[i], "")))
            return false;
    return host->def->parent_count > 0;
}

static void forget(struct naive_object *o) {
    o->next = o->remind = 0;
    o->waits = o->told_once = false;
}

static void make_hard(struct naive *m, struct naive_object *o) {
    forget(o);
    o->hard = true;
    o->attempt = o->def->max_check_attempts;
    o->last_hard = o->state;
    o->hard_since = m->t;
    o->attempt_at = m->t;
}

static void ok(struct naive *m, struct naive_object *o, unsigned before, bool round) {
    bool was_hard = before != STATE_OK && o->hard;
    o->attempt = 1;
    if (before != STATE_OK) {
        o->hard = true;
        o->last_hard = STATE_OK;
        o->hard_since = was_hard ? m->t : o->hard_since;
    }
    naive_flap(m, o, round);
    if (was_hard)
        naive_tell(m, o);
    o->number = 0;
    o->told = 0;
    forget(o);
}

static void problem(struct naive *m, struct naive_object *o, unsigned before, bool round) {
    bool host_down = !o->is_host && naive_down(o->host), becomes = false, was_hard = before != STATE_OK && o->hard;
    if (host_down && round && before == o->state)
        naive_tell(m, o->host);
    if (before == STATE_OK) {
        o->hard = false;
        o->attempt = 1;
        o->last_hard = STATE_OK;
    } else if (!o->hard && round && o->attempt < o->def->max_check_attempts) {
        o->attempt++;
    }
    bool enough = host_down || o->attempt >= o->def->max_check_attempts;
    if (enough && (!o->hard || o->state != o->last_hard)) {
        make_hard(m, o);
        becomes = true;
    }
    bool changes = before != o->state || was_hard != o->hard, volatile_round = o->hard && round && o->def->is_volatile;
    if (changes && !o->is_host)
        naive_problem_changed(m, o);
    naive_flap(m, o, round);
    if (volatile_round || (!host_down && o->hard && (becomes || round)))
        naive_tell(m, o);
    if (changes && o->is_host)
        naive_problem_changed(m, o);
}

void naive_result(struct naive *m, struct naive_object *o, unsigned state, bool round) {
    bool first = o->state == STATE_PENDING;
    unsigned before = first ? STATE_OK : o->state;
    if (o->is_host && state == HOST_DOWN && cut_off(m, o))
        state = HOST_UNREACHABLE;
    if (o->state != state) {
        o->since = m->t;
        forget(o);
    }
    o->state = state;
    if (before != state)
        naive_state_changed(m, o);
    if (first || (before == STATE_OK) != (state == STATE_OK)) /* or a problem begins or ends */
        round = true;
    if (round) {
        o->attempt_at = m->t;
        o->attempt_turn = o->turn;
    }
    if (state == STATE_OK)
        ok(m, o, before, round);
    else
        problem(m, o, before, round);
}

void naive_remind(struct naive *m, struct naive_object *o) {
    unsigned now = cut_off(m, o) ? HOST_UNREACHABLE : HOST_DOWN;
    if (o->is_host && o->hard && naive_down(o) && o->state != now)
        naive_result(m, o, HOST_DOWN, false);
    else if (o->is_host || !naive_down(o->host))
        naive_tell(m, o);
}

/* ---- flapping ---- */

static unsigned option_of(const struct naive_object *o) {
    static const unsigned service[] = {NOTIFY_RECOVERY, NOTIFY_WARNING, NOTIFY_CRITICAL, NOTIFY_UNKNOWN};
    static const unsigned host[] = {NOTIFY_RECOVERY, NOTIFY_DOWN, NOTIFY_UNREACHABLE};
    return o->is_host ? host[o->state] : service[o->state];
}

/* In 1/1900 of a state change: 0.75 for the oldest pair to 1.25 for the newest. */
static uint64_t row_sum(const struct naive_object *o) {
    uint64_t sum = 0;
    for (unsigned i = 0; i + 1 < NAIVE_ROW; i++)
        if (o->row[i] != o->row[i + 1])
            sum += 1425 + 50 * i;
    return sum;
}

static void stop(struct naive *m, struct naive_object *o, enum alert_type type) {
    o->flaps = false;
    naive_remark(m, o, type, 0, NULL);
    if (o->state == STATE_OK && o->told_before) {
        o->told = o->told_before;
        naive_tell(m, o);
        o->told = o->number = 0;
        forget(o);
    }
}

void naive_flaps_no_more(struct naive *m, struct naive_object *o) {
    if (o->flaps)
        stop(m, o, ALERT_FLAPPINGDISABLED);
    memset(o->row, 0, sizeof o->row);
    o->row_at = 0;
}

static void enter(struct naive *m, struct naive_object *o) {
    memmove(o->row, o->row + 1, sizeof o->row - sizeof *o->row);
    o->row[NAIVE_ROW - 1] = o->state;
    o->row_at = m->t;
    o->row_turn = o->turn;
    uint64_t sum = row_sum(o); /* percent = sum * 100 / 20 / 1900 */
    bool begins = !o->flaps && sum * 1000 >= (uint64_t)o->def->high_flap * 380;
    bool ends = o->flaps && sum * 1000 <= (uint64_t)o->def->low_flap * 380;
    if (begins) {
        o->flaps = true;
        o->told_before = o->told;
        naive_remark(m, o, ALERT_FLAPPINGSTART, 0, NULL);
    } else if (ends) {
        stop(m, o, ALERT_FLAPPINGSTOP);
    }
}

static bool counts(const struct naive *m, const struct naive_object *o) {
    bool soft_problem = !o->is_host && o->state != STATE_OK && !o->hard;
    return naive_on(m, o, SUBJECT_FLAP_DETECTION) && o->state != STATE_PENDING && !soft_problem &&
           (o->def->flap_options & option_of(o));
}

static void flap_host(struct naive *m, const struct naive_object *service) {
    struct naive_object *host = service->host;
    time_ms sum = 0;
    unsigned services = 0;
    for (unsigned i = 0; i < m->count; i++)
        if (m->list[i].host == host && !m->list[i].is_host) {
            sum += m->list[i].def->check_interval;
            services++;
        }
    if (counts(m, host) && m->t - host->row_at >= sum / services)
        enter(m, host);
}

/* Silence counts by the clock. */
void naive_flap(struct naive *m, struct naive_object *o, bool round) {
    unsigned report = 0, anew = 0;
    for (unsigned i = 0; i < o->def->observer_count; i++) {
        const struct naive_vote *v = &o->votes[i];
        report += naive_believed(m, v);
        anew += naive_believed(m, v) && v->turn > o->row_turn;
    }
    if (counts(m, o) && (report == 0 ? round : anew >= o->def->quorum || anew == report))
        enter(m, o);
    if (!o->is_host && m->hears)
        flap_host(m, o);
}
