/* What must come true after the heal (I24-I26, I28): every honest replica votes in one view, what clients wait for is
   decided, nobody lags, views and timers come to rest. */
#include "tests/sim/world.h"

static bool trusted(const struct sim *s, member_id i) {
    return !set_has(s->untrusted, i);
}

static struct node_facts facts_of(const struct sim *s, member_id i) {
    struct node_facts f = {0};
    if (s->hosts[i].node)
        node_inspect(s->hosts[i].node, &f);
    return f;
}

view_no goal_highest_view(const struct sim *s) {
    view_no highest = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        view_no view = trusted(s, i) ? facts_of(s, i).pbft.view : 0;
        highest = view > highest ? view : highest;
    }
    return highest;
}

static bool is_active_in(const struct sim *s, member_id i, view_no view) {
    struct node_facts f = facts_of(s, i);
    return s->hosts[i].node && f.pbft.phase == PHASE_ACTIVE && f.pbft.view == view;
}

/* The view in which a quorum is active, members that lie on counted; the highest one else. */
view_no goal_view(const struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++) {
        view_no view = facts_of(s, i).pbft.view;
        unsigned active = 0;
        for (member_id j = 0; j < s->options->members; j++)
            active += is_active_in(s, j, view);
        if (active >= quorum_strong(s->options->members))
            return view;
    }
    return goal_highest_view(s);
}

/* It heard a quorum that wanted to go, and lost its company to crashes: it may not come back to the others' view, so it
   waits, executes, and votes again with the next one. */
static bool waits_ahead(const struct sim *s, member_id i, view_no view) {
    struct node_facts f = facts_of(s, i);
    return f.pbft.phase == PHASE_CHANGING && f.pbft.view > view;
}

unsigned goal_highest_backoff(const struct sim *s) {
    unsigned highest = 0;
    for (member_id i = 0; i < s->options->members; i++) {
        unsigned k = trusted(s, i) ? facts_of(s, i).pbft.backoff : 0;
        highest = k > highest ? k : highest;
    }
    return highest;
}

static time_us backed_off(const struct sim *s, uint32_t base, unsigned k) {
    uint64_t t = (uint64_t)base << (k < 20 ? k : 20), cap = s->cluster.knobs.timeout_cap_ms;
    return (time_us)(t < cap ? t : cap) * 1000;
}

/* I24: 2 T_req and T_nv for each of f+1 views, each with timers twice as long; and what catching up takes. */
time_us goal_bound(const struct sim *s) {
    unsigned f = quorum_faults(s->options->members), k = s->backoff_at_heal;
    time_us bound = (time_us)s->cluster.knobs.resend_ms * 1000 * 6 + s->options->beat * 4;
    for (unsigned i = 0; i <= f + 1; i++)
        bound += 2 * backed_off(s, s->cluster.knobs.request_timeout_ms, k + i) +
                 backed_off(s, s->cluster.knobs.new_view_timeout_ms, k + i);
    return s->options->repents || !s->untrusted ? bound
           : bound > s->options->healed_for     ? bound
                                                : s->options->healed_for;
}

bool goal_all_executed(const struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++)
        if (trusted(s, i) && facts_of(s, i).executed < checker_acknowledged_to(s->checker))
            return false;
    return true;
}

bool goal_pools_empty(const struct sim *s) {
    for (member_id i = 0; i < s->options->members; i++)
        if (trusted(s, i) && facts_of(s, i).pbft.pool > 0)
            return false;
    return true;
}

bool goal_reached(struct sim *s) {
    view_no view = goal_view(s);
    unsigned active = 0;
    time_us grace = s->options->beat + SECOND / 10;
    if (s->now - s->healed_at < grace || !workload_applied(s->workload) ||
        workload_waiting(s->workload, s->now, grace) > 0 || s->hosts[view % s->options->members].gone)
        return false;
    for (member_id i = 0; i < s->options->members; i++) {
        if (trusted(s, i) && !is_active_in(s, i, view) && !waits_ahead(s, i, view))
            return false;
        if (trusted(s, i) && facts_of(s, i).executed + 3 < checker_executed_to(s->checker))
            return false;
        active += is_active_in(s, i, view);
    }
    if (active < quorum_strong(s->options->members))
        return false;
    s->idle = false;
    return true;
}

/* One traitor's wish and one honest wish left over from bad times are enough to end a view, even when the traitor fell
   silent since; and one that goes on may as primary end its own. */
bool goal_is_shaky(const struct sim *s) {
    REQUIRE(s->options->members > 0);
    view_no view = goal_view(s);
    bool wishes = false;
    for (member_id i = 0; i < s->options->members; i++)
        wishes |= trusted(s, i) && facts_of(s, i).pbft.wish > view;
    bool led_by_one = !s->options->repents && !trusted(s, (member_id)(view % s->options->members));
    return s->untrusted && (wishes || led_by_one);
}

/* I25: nobody else can end the view of an honest primary. */
void goal_judge_views(struct sim *s, view_no settled) {
    view_no last = goal_view(s);
    if (last != settled && trusted(s, (member_id)(settled % s->options->members)))
        sim_fail(s, "view %llu grew to %llu although its primary is honest", (unsigned long long)settled,
                 (unsigned long long)last);
}

static void judge_node(struct sim *s, member_id i, seq_no newest, bool shaky) {
    struct node_facts f = facts_of(s, i);
    seq_no far = newest > 2 * s->options->checkpoint_interval ? newest - 2 * s->options->checkpoint_interval : 0;
    if (f.suspects & (member_set)~sim_untrusted(s))
        sim_fail(s, "node %u suspects honest members: %x", i, (unsigned)f.suspects);
    s->counts->ahead += waits_ahead(s, i, goal_view(s));
    if (f.pbft.phase != PHASE_ACTIVE && !waits_ahead(s, i, goal_view(s)) && !shaky)
        sim_fail(s, "node %u is %s at the end", i, phase_name(f.pbft.phase));
    if (f.pbft.stable < far) /* I26 */
        sim_fail(s, "node %u is stable at %llu only, of %llu", i, (unsigned long long)f.pbft.stable,
                 (unsigned long long)newest);
}

/* I28: ten seconds of progress take one doubling away. */
static void judge_timers(struct sim *s) {
    unsigned k = goal_highest_backoff(s), calm = (unsigned)((s->now - s->healed_at) / (10 * SECOND));
    /* Quick timers are short for small windows: an honest primary with a backlog may lose its view once. */
    unsigned most = s->backoff_at_heal + quorum_faults(s->options->members) + 1 + s->options->quick;
    if (s->options->repents && k > (most > calm ? most - calm + 1 : 1))
        sim_fail(s, "timers are still 2^%u times as long", k);
}

void goal_judge_end(struct sim *s, bool shaky) {
    seq_no slowest = UINT64_MAX, newest = checker_executed_to(s->checker);
    for (member_id i = 0; i < s->options->members; i++) {
        if (!trusted(s, i))
            continue;
        struct node_facts f = facts_of(s, i);
        slowest = f.executed < slowest ? f.executed : slowest;
        judge_node(s, i, newest, shaky);
    }
    if (newest > slowest + 30)
        sim_fail(s, "a node lags at %llu of %llu", (unsigned long long)slowest, (unsigned long long)newest);
    judge_timers(s);
    for (member_id i = 0; i < s->options->members; i++)
        s->counts->found_out += s->hosts[i].rolled_back && facts_of(s, i).pbft.phase == PHASE_LEARNER;
    checker_end(s->checker, slowest, s->options->size == SIZE_LONG);
    s->counts->view_changes += goal_highest_view(s);
    s->counts->batches += newest;
    s->counts->acknowledged += workload_acknowledged(s->workload);
    s->counts->alerts += checker_alerts(s->checker);
}
