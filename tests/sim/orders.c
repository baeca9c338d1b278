/* What the operator of a run says: commands drawn from the seed, about objects that are not plain, so that the plain
   ones go on telling the truth. */
#include "tests/sim/estate.h"

static const enum command_kind kinds[] = {
    COMMAND_ACKNOWLEDGE, COMMAND_ACKNOWLEDGE,    COMMAND_ACKNOWLEDGE, COMMAND_UNACKNOWLEDGE,   COMMAND_DOWNTIME,
    COMMAND_DOWNTIME,    COMMAND_DOWNTIME,       COMMAND_DOWNTIME,    COMMAND_CANCEL_DOWNTIME, COMMAND_COMMENT,
    COMMAND_NOTIFY,      COMMAND_DELETE_COMMENT, COMMAND_DELAY,       COMMAND_NOTIFY,          COMMAND_ENABLE,
    COMMAND_DISABLE,     COMMAND_ENABLE,         COMMAND_MASK,        COMMAND_UNMASK,          COMMAND_MASK};

static unsigned some_flags(struct prng *p, unsigned of) {
    return of & (unsigned)prng_below(p, COMMAND_FLAGS_ALL + 1);
}

/* Beginning and end lie a few of the estate's intervals ahead, seldom behind. */
static time_ms soon(const struct estate *e, struct prng *p, time_ms now) {
    return now + e->interval_length * ((time_ms)prng_below(p, 20) - 2);
}

/* What is reached through "gate" is never plain. */
static void draw_target(const struct estate *e, struct prng *p, struct op_command *c) {
    const struct estate_object *o = &e->list[e->plain + prng_below(p, e->count - e->plain)];
    bool many = c->kind == COMMAND_DOWNTIME || c->kind == COMMAND_ENABLE || c->kind == COMMAND_DISABLE;
    c->target = TARGET_OBJECT;
    c->host = o->host;
    c->service = o->service;
    if (!many || !prng_chance(p, 300))
        return;
    c->host = "gate";
    c->service = "";
    c->target = prng_chance(p, 500) ? TARGET_SERVICES : TARGET_CHILDREN;
    if (c->kind != COMMAND_DOWNTIME && prng_chance(p, 300))
        c->target = TARGET_BEYOND;
}

static void draw_words(const struct estate *e, struct prng *p, time_ms now, struct op_command *c) {
    switch (c->kind) {
    case COMMAND_ACKNOWLEDGE:
        c->flags = some_flags(p, COMMAND_STICKY | COMMAND_TELL | COMMAND_PERSISTENT);
        c->end = prng_chance(p, 300) ? soon(e, p, now) : 0;
        break;
    case COMMAND_DOWNTIME:
        c->flags = some_flags(p, c->target == TARGET_CHILDREN ? COMMAND_FIXED | COMMAND_TRIGGERED : COMMAND_FIXED);
        c->start = soon(e, p, now) - e->interval_length * 4;
        c->end = soon(e, p, now) + e->interval_length;
        c->duration = e->interval_length * (time_ms)prng_below(p, 8);
        c->id = prng_chance(p, 300) ? 1 + prng_below(p, 12) : 0;
        break;
    case COMMAND_NOTIFY:
        c->flags = some_flags(p, COMMAND_BROADCAST | COMMAND_FORCED | COMMAND_INCREMENT);
        break;
    case COMMAND_DELAY:
        c->start = soon(e, p, now);
        break;
    case COMMAND_ENABLE:
    case COMMAND_DISABLE:
        c->subject = (enum command_subject)(1 + prng_below(p, SUBJECT_LIMIT - 1));
        break;
    default:
        break;
    }
}

void order_draw(const struct estate *e, struct prng *p, time_ms now, struct op_command *c) {
    *c = (struct op_command){.kind = kinds[prng_below(p, sizeof kinds / sizeof *kinds)],
                             .host = "",
                             .service = "",
                             .observer = "",
                             .author = prng_chance(p, 500) ? "anna" : "",
                             .comment = "so it is"};
    if (c->kind == COMMAND_CANCEL_DOWNTIME || c->kind == COMMAND_DELETE_COMMENT) {
        c->target = TARGET_CLUSTER;
        c->id = 1 + prng_below(p, 12);
        return;
    }
    draw_target(e, p, c);
    draw_words(e, p, now, c);
    if (c->kind == COMMAND_MASK || c->kind == COMMAND_UNMASK)
        c->observer = observer_name((unsigned)prng_below(p, e->observers));
}
