/* Virtual time and a virtual network: a queue of events, and frames that are lost, repeated, delayed or cut off. */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

/* ---- the queue of events: a heap by time and order ---- */

static bool earlier(const struct event *a, const struct event *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void push(struct sim *s, struct event e) {
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->heap = xrealloc(s->heap, s->cap * sizeof *s->heap);
    }
    e.order = s->order++;
    size_t i = s->count++;
    for (; i && earlier(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        s->heap[i] = s->heap[(i - 1) / 2];
    s->heap[i] = e;
}

struct event pop(struct sim *s) {
    struct event first = s->heap[0], last = s->heap[--s->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->count; i = child) {
        if (child + 1 < s->count && earlier(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!earlier(&s->heap[child], &last))
            break;
        s->heap[i] = s->heap[child];
    }
    s->heap[i] = last;
    return first;
}

void push_simple(struct sim *s, time_us in, enum event_kind kind, member_id node, uint64_t handle) {
    push(s, (struct event){.at = s->now + in, .kind = kind, .node = node, .handle = handle});
}

/* ---- the network ---- */

static struct bytes own(struct bytes frame) {
    uint8_t *copy = xrealloc(NULL, frame.len + 1);
    memcpy(copy, frame.data, frame.len);
    return bytes_of(copy, frame.len);
}

/* A scheduler that hates quorums: votes to whoever wants them most come late (which honest member that is, changes). */
static time_us spite(struct sim *s, const struct event *e) {
    if (!s->options->targeted || s->healed || e->kind != EVENT_PEER)
        return 0;
    unsigned members = s->options->members, f = quorum_faults(members);
    unsigned turn = (unsigned)(s->now / (SECOND / 4)), gap = (e->from + members - turn % members) % members;
    if (gap > f)
        return 0;
    s->counts->slowed++;
    return (time_us)prng_below(&s->chance, SECOND / 3);
}

void carry(struct sim *s, struct event e, struct bytes frame) {
    const struct sim_options *o = s->options;
    s->counts->frames++;
    if (!s->healed && prng_chance(&s->chance, o->loss)) {
        s->counts->lost++;
        return;
    }
    bool again = !s->healed && prng_chance(&s->chance, o->repeat);
    s->counts->repeated += again;
    time_us later = e.at + spite(s, &e);
    for (unsigned copies = 1 + again; copies; copies--) {
        time_us max = s->healed ? o->delay_min + 2000 : o->delay_max;
        e.at = s->now + later + o->delay_min + (time_us)prng_below(&s->chance, (uint64_t)(max - o->delay_min + 1));
        e.frame = own(frame);
        push(s, e);
    }
}

/* Whoever listens on the wire knows where the votes stand. */
static void overhear(struct sim *s, struct bytes frame) {
    struct frame f;
    if (s->options->forger && frame_open(&f, frame) == ERR_OK && (f.type == FRAME_PREPARE || f.type == FRAME_COMMIT) &&
        f.body.len == VOTE_BODY_LEN)
        vote_decode(&s->heard, f.body.data);
}

/* The half of a traitor that talks to a member; the place of anybody else. */
static member_id place_for(const struct sim *s, member_id to, member_id peer) {
    return set_has(s->crowd, to) && set_has(s->other_half[to], peer) ? s->second[to] : to;
}

/* Beyond the bound the first halves are one crowd and the second halves another. */
static bool in_one_crowd(const struct sim *s, member_id a, member_id b) {
    return s->options->beyond && set_has(s->crowd, a) && set_has(s->crowd, b);
}

static member_id place_from(const struct sim *s, const struct host *from, member_id to) {
    if (in_one_crowd(s, from->id, to))
        return from->place == from->id ? to : s->second[to];
    return place_for(s, to, from->id);
}

void send_frame(struct sim *s, const struct host *from, member_id to, struct bytes frame) {
    carry(s, (struct event){.kind = EVENT_PEER, .node = place_from(s, from, to), .from = from->id}, frame);
}

void send_between(struct sim *s, const struct host *from, member_id to, struct bytes frame) {
    overhear(s, frame);
    if (set_has(s->deaf[to], from->id)) {
        s->counts->cut++;
        return;
    }
    if ((!in_one_crowd(s, from->id, to) && from->place != place_for(s, from->id, to)) ||
        beyond_withholds(s, from, frame))
        return;
    s->counts->twinned += set_has(s->crowd, from->id);
    if (s->liars[from->id])
        liar_send(s->liars[from->id], to, frame);
    else
        send_frame(s, from, to, frame);
}

void sim_client_send(struct sim *s, uint64_t handle, member_id to, struct bytes frame) {
    carry(s, (struct event){.kind = EVENT_CLIENT, .node = to, .handle = handle}, frame);
    if (set_has(s->crowd, to))
        carry(s, (struct event){.kind = EVENT_CLIENT, .node = s->second[to], .handle = handle}, frame);
}
