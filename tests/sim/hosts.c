/* The hosts of the simulated world: a node on a disk that forgets, its clock, its turns, its crashes. */
#include "tests/sim/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the trace: folded into the run's hash, printed in a replay ---- */

static void fold_bytes(uint64_t *hash, const void *data, size_t len) {
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ p[i]) * 0x100000001b3;
}

static void tell(struct host *h, const char *line) {
    struct sim *s = h->sim;
    fold_bytes(&s->hash, &s->now, sizeof s->now);
    fold_bytes(&s->hash, &h->place, sizeof h->place);
    fold_bytes(&s->hash, line, strlen(line));
    if (s->trace)
        printf("%10.4f node %u%s: %s\n", (double)s->now / SECOND, h->id, h->place == h->id ? "" : "'", line);
}

/* ---- what a node does to its world ---- */

static void world_send(void *self, member_id to, struct bytes frame) {
    struct host *h = self;
    if (!h->dying)
        send_between(h->sim, h, to, frame);
}

static void world_answer(void *self, uint64_t client, struct bytes frame) {
    struct host *h = self;
    if (!h->dying)
        carry(h->sim, (struct event){.kind = EVENT_ANSWER, .from = h->id, .handle = client}, frame);
}

static void world_sealed(void *self, struct bytes frame) {
    struct host *h = self; /* of a dying turn, too: what is durable was signed and may be sent by a later boot */
    if (is_untrusted(h))
        checker_traitor_sealed(h->sim->checker, frame);
    else
        checker_sealed(h->sim->checker, h->id, frame);
    if (!is_untrusted(h))
        beyond_saw(h->sim, frame);
}

static void world_trace(void *self, const char *line) {
    struct host *h = self;
    struct sim_counts *c = h->sim->counts;
    h->told = true;
    tell(h, line);
    c->repairs += strncmp(line, "REPAIR", 6) == 0;
    c->transfers += strncmp(line, "transferred", 11) == 0;
    c->key_twins += strncmp(line, "TWIN", 4) == 0;
    if (!is_untrusted(h))
        checker_traced(h->sim->checker, h->id, line);
}

static void world_executed(void *self, seq_no n, const struct digest *batch, const struct digest *log_hash, time_ms t,
                           const struct request *const *requests, size_t count) {
    struct host *h = self;
    char line[64];
    if (!is_untrusted(h))
        checker_executed(h->sim->checker, h->id, n, batch, log_hash, t, requests, count);
    fold_bytes(&h->sim->hash, log_hash->b, sizeof log_hash->b);
    snprintf(line, sizeof line, "executed %llu with %zu requests", (unsigned long long)n, count);
    tell(h, line);
}

static void world_alert(void *self, const struct alert *a) {
    struct host *h = self;
    if (!is_untrusted(h))
        checker_alert(h->sim->checker, a);
    char line[600];
    snprintf(line, sizeof line, "alert %llu %s %s/%s %s", (unsigned long long)a->number, alert_type_name(a->type),
             a->host, a->service, state_name(!*a->service, a->state));
    tell(h, line);
}

/* ---- clocks ---- */

static struct node_now clocks(const struct host *h) {
    struct node_now now = {h->sim->now / 1000 + MONO_START_MS, sim_wall(h->sim, MEMBER_NONE) + h->skew};
    return h->sim->drilled[h->id] ? drilled_now(h->sim->drilled[h->id], now) : now;
}

time_ms host_wall(const struct host *h) {
    return clocks(h).wall;
}

/* ---- turns ---- */

static void schedule_wake(struct host *h) {
    mono_ms due = node_deadline(h->node);
    time_us at = due >= INT64_MAX / 1000 ? INT64_MAX : (due - MONO_START_MS) * 1000;
    if (at <= h->sim->now)
        at = h->sim->now + 1000;
    if (at >= h->wake_at)
        return;
    h->wake_at = at;
    push_simple(h->sim, at - h->sim->now, EVENT_WAKE, h->place, h->boots);
}

static void watch(struct host *h) {
    struct node_facts facts;
    node_inspect(h->node, &facts);
    if (facts.breach) {
        h->sim->breached = true;
        if (!sim_beyond(h->sim))
            sim_fail(h->sim, "node %u found a safety breach", h->id);
        host_crash(h); /* it stops */
        h->gone = true;
        return;
    }
    if (facts.pbft.stable == h->stable || facts.pbft.stable == 0)
        return;
    h->stable = facts.pbft.stable;
    checker_stable(h->sim->checker, h->id, h->stable, &facts.pbft.stable_root);
}

void host_end_turn(struct host *h) {
    h->turn_open = false;
    enum error e = node_flush(h->node);
    if (h->doomed && e == ERR_IO) { /* what left before the commit, left */
        h->sim->counts->full_disks++;
        host_fall(h);
        return;
    }
    ENSURE(e == ERR_OK);
    if (!is_untrusted(h) && h->told) {
        h->told = false;
        watch(h);
    }
    if (h->node)
        schedule_wake(h);
}

/* A turn ends at once, or gathers what comes in the next milliseconds. */
static void turn(struct host *h) {
    if (h->turn_open)
        return;
    if (!h->sim->options->lazy_flush || prng_chance(&h->sim->chance, 500)) {
        host_end_turn(h);
        return;
    }
    h->turn_open = true;
    push_simple(h->sim, (time_us)prng_below(&h->sim->chance, 4000), EVENT_FLUSH, h->place, h->boots);
}

/* ---- up and down ---- */

void host_boot(struct host *h) {
    struct sim *s = h->sim;
    struct node_config config = {.cluster = &s->cluster,
                                 .self = h->id,
                                 .secret = s->secrets[h->id],
                                 .boot_random = prng_next(&s->chance),
                                 .version = "sim"};
    struct node_world world = {h, world_send, world_answer, world_sealed, world_trace, world_executed, world_alert};
    struct disk disk = sim_disk_door(h->disk);
    struct drilled *drilled = s->drilled[h->id];
    if (drilled)
        world = drilled_world(drilled, &world);
    struct buffer why = {0};
    h->boots++;
    h->wake_at = INT64_MAX;
    h->paused_until = 0;
    h->dying = h->turn_open = false;
    if (node_open(&h->node, &config, &disk, &world, clocks(h), &why) != ERR_OK) {
        if (!is_untrusted(h))
            sim_fail(s, "node %u does not open: %s", h->id, buffer_cstr(&why));
        h->node = NULL;
    } else {
        node_start(h->node, clocks(h));
        host_end_turn(h);
    }
    buffer_free(&why);
}

void host_crash(struct host *h) {
    struct sim *s = h->sim;
    if (!h->node)
        return;
    if (h->turn_open && prng_chance(&s->chance, 500)) {
        h->dying = true; /* the turn became durable, but nothing of it left */
        sim_disk_doom(h->disk, false);
        enum error e = node_flush(h->node);
        ENSURE(e == ERR_OK || s->liars[h->id]); /* the disk may have refused a lie before */
    }
    node_free(h->node);
    h->node = NULL;
    h->doomed = false;
    sim_disk_doom(h->disk, false);
    h->boots++;
    s->counts->crashes++;
    s->counts->torn += sim_disk_crash(h->disk, &s->chance) > 0;
    tell(h, "crashed");
}

void host_fall(struct host *h) {
    struct prng *chance = &h->sim->chance;
    time_us rest = h->sim->options->size == SIZE_LONG ? 8 * SECOND : SECOND;
    time_us down = prng_chance(chance, 400) ? SECOND / 5 : rest;
    host_crash(h);
    push_simple(h->sim, (time_us)prng_below(chance, (uint64_t)down), EVENT_RESTART, h->place, 0);
}

void host_doom(struct host *h) {
    h->doomed = true;
    sim_disk_doom(h->disk, true);
}

bool host_sleeps_through(struct host *h, const struct event *e) {
    if (h->paused_until <= h->sim->now)
        return false;
    struct event later = *e;
    later.at = h->paused_until;
    push(h->sim, later);
    return true;
}

void host_receive(struct host *h, const struct event *e) {
    struct sim *s = h->sim;
    struct admitted *x = NULL;
    struct drilled *drilled = s->drilled[h->id];
    if (!h->node)
        return;
    bool peer = e->kind == EVENT_PEER;
    if (peer && beyond_ignores(h, e->frame))
        return;
    if (peer && !is_untrusted(h))
        beyond_saw(s, e->frame);
    enum error error = peer ? admit_peer(&x, &s->admit[h->id], e->frame) : admit_client(&x, &s->admit[h->id], e->frame);
    if (error != ERR_OK) {
        char line[80];
        s->counts->refused++;
        snprintf(line, sizeof line, "refused a frame: %s", error_name(error));
        if (s->trace)
            printf("%10.4f node %u: %s\n", (double)s->now / SECOND, h->id, line);
        if (!x) /* else it convicts its sender */
            return;
    }
    if (drilled && !drilled_hears(drilled, peer ? NULL : &e->handle, x)) {
        admitted_free(x);
        return;
    }
    if (peer)
        node_receive(h->node, x, clocks(h));
    else
        node_client(h->node, e->handle, x, clocks(h));
    turn(h);
}

void host_wake(struct host *h) {
    h->wake_at = INT64_MAX;
    node_timeout(h->node, clocks(h));
    if (h->turn_open)
        schedule_wake(h);
    else
        turn(h);
}
