/* Timers and suspicion (R6, R11). All durations double with k = consecutive views that ended without progress, and come
   back with progress. Suspicion never does more than raise a wish. */
#include "replica/pbft/core.h"

static mono_ms backed_off(const struct pbft *p, mono_ms base) {
    mono_ms t = base;
    for (unsigned k = 0; k < p->backoff && t < p->config.timeout_cap; k++) {
        t *= 2;
    }
    mono_ms cap = p->config.timeout_cap > base ? p->config.timeout_cap : base;
    return t < cap ? t : cap;
}

/* At least three times what ordering took in the last view that did any, or slow links would rotate views for ever. */
mono_ms timer_request(const struct pbft *p) {
    mono_ms t = backed_off(p, p->config.request_timeout), floor = service_request_floor(p);
    floor = floor < p->config.timeout_cap ? floor : p->config.timeout_cap;
    return t > floor ? t : floor;
}

mono_ms timer_new_view(const struct pbft *p) {
    return backed_off(p, p->config.new_view_timeout);
}

static mono_ms timer_silent(const struct pbft *p) {
    return backed_off(p, p->config.silent_timeout);
}

/* TILT: this host stood still. What did not come meanwhile is nobody's fault (R8). */
bool timer_tilts(const struct pbft *p) {
    return p->now < p->tilt_until;
}

void timers_watch(struct pbft *p, mono_ms now) {
    mono_ms gap = now - p->now, limit = 2 * p->config.status_interval;
    if (!p->started || gap <= (limit > TILT_GAP_MS ? limit : TILT_GAP_MS)) {
        return;
    }
    p->tilt_until = now + TILT_MS;
    p->new_view_deadline = p->tilt_until + timer_new_view(p);
    trace(p, "TILT: stood still for %lld ms, suspects nobody for %d ms", (long long)gap, TILT_MS);
}

/* Off while CHANGING (BUG2), while catching up, while a wish is out already, and when no primary could propose. */
bool suspicion_on(const struct pbft *p) {
    return p->phase == PHASE_ACTIVE && pbft_wish(p) == p->view && !behind(p) && p->executed < pbft_window_end(p) &&
           !timer_tilts(p);
}

/* REQ_TIMEOUT: age of the oldest eligible request; the progress of others does not reset it. */
static mono_ms request_deadline(const struct pbft *p) {
    const struct pooled *oldest = pool_entry(&p->pool, p->pool.eligible.head);
    return oldest ? oldest->since + timer_request(p) : INT64_MAX;
}

static mono_ms silent_deadline(const struct pbft *p) {
    return p->decided_at + timer_silent(p);
}

static mono_ms earlier(mono_ms a, mono_ms b) {
    return a < b ? a : b;
}

/* A tick that was kept from the primary comes by a relay, T_req/4 late: waiting must not cost it the view. */
mono_ms timer_tick_wait(const struct pbft *p) {
    mono_ms share = p->config.request_timeout / 8;
    return share < TICK_WAIT_MS ? share : TICK_WAIT_MS;
}

/* When the ticks that wait for other members' may go alone. */
static mono_ms tick_deadline(const struct pbft *p) {
    const struct pooled *first = pool_entry(&p->pool, p->pool.queue.head);
    mono_ms wait = timer_tick_wait(p);
    bool waits = first && p->phase == PHASE_ACTIVE && pbft_is_primary(p) && p->now < first->since + wait;
    return waits ? first->since + wait : INT64_MAX;
}

void timers_start(struct pbft *p) {
    p->status_at = p->now;
    p->resend_at = p->now + p->config.resend_interval;
    p->relay_at = p->now;
    p->decided_at = p->executed_at = p->calm_since = p->now;
    p->new_view_deadline = p->now + timer_new_view(p);
    service_start(p);
}

static void calm_down(struct pbft *p) {
    bool progress = p->view_progressed && p->now - p->executed_at < CALM_MS;
    if (p->now - p->calm_since < CALM_MS) {
        return;
    }
    p->calm_since = p->now;
    if (progress && p->backoff > 0) {
        p->backoff--;
    }
}

static void suspect_if_due(struct pbft *p) {
    bool slow = service_is_slow(p);
    if (!suspicion_on(p)) {
        return;
    }
    if (p->now >= request_deadline(p)) {
        suspect(p, WISH_REQ_TIMEOUT);
    } else if (p->now >= silent_deadline(p)) {
        suspect(p, WISH_SILENT);
    } else if (slow) {
        suspect(p, WISH_SLOW);
    }
}

void timers_due(struct pbft *p) {
    if (p->now >= p->status_at) {
        p->status_at = p->now + p->config.status_interval;
        status_send(p);
    }
    if (p->now >= p->resend_at) {
        p->resend_at = p->now + p->config.resend_interval;
        fetch_again(p);
        ask_decisions(p, p->config.resend_interval);
    }
    if (p->pool.queue.count > 0 && p->now >= p->relay_at && p->phase == PHASE_ACTIVE) {
        p->relay_at = p->now + relay_patience(p) / 2 + 1;
        relay_due(p);
    }
    if (p->phase == PHASE_CHANGING && p->now >= p->new_view_deadline) {
        p->new_view_deadline = p->now + timer_new_view(p);
        wish_raise(p, p->view + 1, WISH_NV_TIMEOUT);
    }
    suspect_if_due(p);
    calm_down(p);
}

mono_ms timers_deadline(const struct pbft *p) {
    mono_ms at = earlier(p->status_at, p->resend_at);
    if (p->pool.queue.count > 0 && p->phase == PHASE_ACTIVE) {
        at = earlier(at, p->relay_at);
    }
    if (p->phase == PHASE_CHANGING) {
        at = earlier(at, p->new_view_deadline);
    }
    if (suspicion_on(p)) {
        at = earlier(at, earlier(request_deadline(p), silent_deadline(p)));
    }
    return earlier(at, tick_deadline(p));
}
