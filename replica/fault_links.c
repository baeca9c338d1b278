/* Honest replicas with bad links, rows F: cut off, deaf, late, lossy, with frames that come twice or in another order.
   Nothing here signs anything. */
#include "replica/fault_parts.h"

enum { REORDER_MS = 50 };

static bool hears_all_but_one_member(struct fault *f, const struct heard *h) {
    return h->client || h->m->sender != f->victim;
}

static mono_ms jitters(struct fault *f, member_id to, struct bytes frame) {
    (void)to, (void)frame;
    return (mono_ms)fault_below(f, (uint64_t)f->parameter + 1);
}

/* Every other frame waits while later ones pass it. */
static mono_ms reorders(struct fault *f, member_id to, struct bytes frame) {
    (void)to, (void)frame;
    return fault_chance(f, 500) ? 1 + (mono_ms)fault_below(f, REORDER_MS) : 0;
}

static enum said duplicates(struct fault *f, member_id to, struct bytes frame) {
    fault_say_raw(f, to, frame);
    return SAID_AS_IS;
}

static enum said loses(struct fault *f, member_id to, struct bytes frame) {
    (void)to, (void)frame;
    return fault_below(f, 100) < (uint64_t)f->parameter ? SAID_NOTHING : SAID_AS_IS;
}

const struct behaviour faults_of_links[] = {
    {{"isolated", "DR-F1", NULL, "hears and reaches no replica; clients still reach it", FAULT_SEAT_ANY, false, true},
     .mute = true,
     .deaf = true},
    {{"deaf", "DR-F3", NULL, "hears no replica, but is heard", FAULT_SEAT_ANY, false, false}, .deaf = true},
    {{"one-way", "DR-F3", "ID", "hears nothing of one member, which hears it", FAULT_SEAT_ANY, false, false},
     .highest = MEMBERS_MAX,
     .hears = hears_all_but_one_member},
    {{"lossy", "DR-F4", "PERCENT", "loses so many of the frames it sends", FAULT_SEAT_ANY, false, true},
     .standard = 20,
     .lowest = 1,
     .highest = 100,
     .raw = loses},
    {{"duplicate", "DR-F4", NULL, "sends every frame twice", FAULT_SEAT_ANY, false, false}, .raw = duplicates},
    {{"reorder", "DR-F4", NULL, "half of its frames wait while others pass", FAULT_SEAT_ANY, false, false},
     .delay = reorders},
    {{"jitter", "DR-F4", "MS", "every frame it sends is up to so late", FAULT_SEAT_ANY, false, false},
     .standard = 100,
     .lowest = 1,
     .highest = 60000,
     .delay = jitters},
    {.is = {.name = NULL}},
};
