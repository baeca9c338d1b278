/* Virtual time and a virtual network: a queue of events, and frames that are lost, repeated, delayed or cut off. */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

/* ---- the queue of events: a heap by time and order ---- */

static bool earlier(const struct event *a, const struct event *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap_events(struct event *a, struct event *b) {
    struct event t = *a;
    *a = *b;
    *b = t;
}

void push(struct sim *s, struct event e) {
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 1024;
        s->heap = xrealloc(s->heap, s->cap * sizeof *s->heap);
    }
    e.order = s->order++;
    size_t i = s->count++;
    s->heap[i] = e;
    for (; i && earlier(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
        swap_events(&s->heap[i], &s->heap[(i - 1) / 2]);
}

struct event pop(struct sim *s) {
    struct event first = s->heap[0];
    s->heap[0] = s->heap[--s->count];
    for (size_t i = 0, child; (child = 2 * i + 1) < s->count; i = child) {
        if (child + 1 < s->count && earlier(&s->heap[child + 1], &s->heap[child]))
            child++;
        if (!earlier(&s->heap[child], &s->heap[i]))
            break;
        swap_events(&s->heap[i], &s->heap[child]);
    }
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

void carry(struct sim *s, struct event e, struct bytes frame) {
    const struct sim_options *o = s->options;
    s->counts->frames++;
    if (!s->healed && prng_chance(&s->chance, o->loss)) {
        s->counts->lost++;
        return;
    }
    bool again = !s->healed && prng_chance(&s->chance, o->repeat);
    s->counts->repeated += again;
    for (unsigned copies = 1 + again; copies; copies--) {
        time_us max = s->healed ? o->delay_min + 2000 : o->delay_max;
        e.at = s->now + o->delay_min + (time_us)prng_below(&s->chance, (uint64_t)(max - o->delay_min + 1));
        e.frame = own(frame);
        push(s, e);
    }
}

static bool cut_between(const struct sim *s, member_id a, member_id b) {
    return s->side && set_has(s->side, a) != set_has(s->side, b);
}

/* Whoever listens on the wire knows where the votes stand. */
static void overhear(struct sim *s, struct bytes frame) {
    struct frame f;
    struct msg m;
    struct arena arena = {0};
    if (s->options->forger && frame_open(&f, frame) == ERR_OK && (f.type == FRAME_PREPARE || f.type == FRAME_COMMIT) &&
        codec_decode(&m, &f, &arena) == ERR_OK)
        s->heard = m.vote;
    arena_free(&arena);
}

/* The half of a traitor that talks to a member; the place of anybody else. */
static member_id place_for(const struct sim *s, member_id to, member_id peer) {
    return to == s->traitor && !s->lies && set_has(s->other_half, peer) ? (member_id)s->options->members : to;
}

void send_between(struct sim *s, const struct host *from, member_id to, struct bytes frame) {
    overhear(s, frame);
    if (cut_between(s, from->id, to)) {
        s->counts->cut++;
        return;
    }
    if (from->place != place_for(s, from->id, to))
        return;
    if (is_traitor(from) && s->lies) {
        traitor_send(s, s->lies, to, frame);
        return;
    }
    s->counts->twinned += is_traitor(from);
    carry(s, (struct event){.kind = EVENT_PEER, .node = place_for(s, to, from->id), .from = from->id}, frame);
}

void sim_client_send(struct sim *s, uint64_t handle, member_id to, struct bytes frame) {
    carry(s, (struct event){.kind = EVENT_CLIENT, .node = to, .handle = handle}, frame);
    if (to == s->traitor && !s->lies)
        carry(s, (struct event){.kind = EVENT_CLIENT, .node = (member_id)s->options->members, .handle = handle}, frame);
}
