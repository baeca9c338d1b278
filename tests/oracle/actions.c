/* What operators say in a sequence, to both sides in their own words: Nagios' external command and quorate's. Each
   feature is a row of the table. */
#include "tests/oracle/oracle.h"

#include <stdio.h>
#include <string.h>

struct scene { /* one command in the making */
    struct sequence *s;
    struct prng *p;
    struct step *step;
    const struct plan_object *o;
    char title[40];   /* "h0" or "h0;s01" */
    const char *what; /* "HOST" or "SVC" */
};

static void about(struct scene *c, enum command_kind kind) {
    c->step->op = (struct op_command){.kind = kind,
                                      .target = TARGET_OBJECT,
                                      .host = c->o->host,
                                      .service = c->o->service,
                                      .observer = "",
                                      .author = "op",
                                      .comment = "words"};
}

#define SAY(c, ...) snprintf((c)->step->command, sizeof(c)->step->command, __VA_ARGS__)

static void acknowledge(struct scene *c) {
    if (prng_chance(c->p, 250)) {
        about(c, COMMAND_UNACKNOWLEDGE);
        SAY(c, "REMOVE_%s_ACKNOWLEDGEMENT;%s", c->what, c->title);
        return;
    }
    bool sticky = prng_chance(c->p, 500), tell = prng_chance(c->p, 700), persistent = prng_chance(c->p, 300);
    about(c, COMMAND_ACKNOWLEDGE);
    c->step->op.flags =
        (sticky ? COMMAND_STICKY : 0) | (tell ? COMMAND_TELL : 0) | (persistent ? COMMAND_PERSISTENT : 0);
    SAY(c, "ACKNOWLEDGE_%s_PROBLEM;%s;%d;%d;%d;op;words", c->what, c->title, sticky ? 2 : 1, tell, persistent);
}

/* Cancels one of those that were planned, or one that never was. */
static void cancel(struct scene *c) {
    c->step->downtime = 1 + (unsigned)prng_below(c->p, c->s->downtimes + 1);
    about(c, COMMAND_CANCEL_DOWNTIME);
    c->step->op.target = TARGET_CLUSTER;
    c->step->op.host = c->step->op.service = "";
    bool of_host = c->step->downtime > c->s->downtimes || (c->s->of_hosts >> c->step->downtime & 1);
    SAY(c, "DEL_%s_DOWNTIME;%u", of_host ? "HOST" : "SVC", c->step->downtime);
}

/* They begin in odd seconds and end in even ones, so that none ends as another of its object begins: Nagios' order is
   then that of its queue. And what looks for flexible ones that expired comes a second later, and takes along whatever
   ends then. Of a host flexible ones begin at once, see flexible. */
static void plan(struct scene *c, bool fixed, unsigned trigger) {
    int64_t start = c->step->t - 5, length = 10 + (int64_t)prng_below(c->p, 120);
    if (fixed || !c->o->is_host) {
        start += (int64_t)prng_below(c->p, 60);
    }
    start |= 1;
    int64_t end = (start + length) / 2 * 2;
    int64_t duration = fixed ? end - start : 5 + (int64_t)prng_below(c->p, 60);
    about(c, COMMAND_DOWNTIME);
    c->step->op.flags = fixed ? COMMAND_FIXED : 0;
    c->step->op.start = start * 1000;
    c->step->op.end = end * 1000;
    c->step->op.duration = duration * 1000;
    c->step->downtime = trigger;
    c->s->of_hosts |= (uint64_t)c->o->is_host << ++c->s->downtimes;
    SAY(c, "SCHEDULE_%s_DOWNTIME;%s;%lld;%lld;%d;%u;%lld;op;words", c->what, c->title, (long long)start, (long long)end,
        fixed, trigger, (long long)duration);
}

static void downtime(struct scene *c) {
    if (c->s->downtimes >= DOWNTIMES_MAX || prng_chance(c->p, 200)) {
        cancel(c);
    } else {
        plan(c, true, 0);
    }
}

/* A flexible downtime of a host that begins with a HARD change comes too late in Nagios: only services are asked
   whether one is about to begin (base/notifications.c, check_host_notification_viability), so the problem is told
   first. */
static void flexible(struct scene *c) {
    bool too_late = c->o->is_host && (c->o->state != 0 || c->o->max_attempts == 1);
    if (too_late || c->s->downtimes >= DOWNTIMES_MAX || prng_chance(c->p, 100)) {
        cancel(c);
    } else {
        plan(c, false, 0);
    }
}

/* One that shall count does so in Nagios over soft recoveries, and for the next problem when there is none. */
static void custom(struct scene *c) {
    bool counts = c->o->state != 0 && !c->o->is_host && c->o->max_attempts == 1;
    unsigned options = (unsigned)prng_below(c->p, counts ? 8 : 4);
    about(c, COMMAND_NOTIFY);
    c->step->op.flags = (options & 1 ? COMMAND_BROADCAST : 0) | (options & 2 ? COMMAND_FORCED : 0) |
                        (options & 4 ? COMMAND_INCREMENT : 0);
    SAY(c, "SEND_CUSTOM_%s_NOTIFICATION;%s;%u;op;words", c->what, c->title, options);
}

/* Flap detection is only turned off: Nagios remembers states meanwhile, for the day it is turned on again. */
static void switches(struct scene *c) {
    bool flapping = c->s->flap_detection && prng_chance(c->p, 200), on = !flapping && prng_chance(c->p, 600),
         all = prng_chance(c->p, 100);
    about(c, on ? COMMAND_ENABLE : COMMAND_DISABLE);
    c->step->op.subject = flapping ? SUBJECT_FLAP_DETECTION : SUBJECT_NOTIFICATIONS;
    const char *verb = on ? "ENABLE" : "DISABLE", *noun = flapping ? "FLAP_DETECTION" : "NOTIFICATIONS";
    if (all && !flapping) {
        c->step->op.target = TARGET_CLUSTER;
        c->step->op.host = c->step->op.service = "";
        SAY(c, "%s_%s;", verb, noun);
    } else {
        SAY(c, "%s_%s_%s;%s", verb, c->what, noun, c->title);
    }
}

static void delay(struct scene *c) {
    int64_t until = c->step->t + (int64_t)prng_below(c->p, 90);
    about(c, COMMAND_DELAY);
    c->step->op.start = until * 1000;
    SAY(c, "DELAY_%s_NOTIFICATION;%s;%lld", c->what, c->title, (long long)until);
}

static const struct {
    void (*say)(struct scene *c);
    unsigned per_mille;
} actions[ACTION_COUNT] = {
    {acknowledge, 60}, {downtime, 30}, {flexible, 30}, {custom, 20}, {switches, 30}, {delay, 20},
};
const char *const action_names[ACTION_COUNT] = {"acknowledge", "downtime", "flexible", "custom", "switches", "delay"};

bool action_draw(struct sequence *s, struct prng *p, struct step *step) {
    struct scene c = {.s = s, .p = p, .step = step, .o = &s->plan[step->object]};
    if (!c.o->reported) { /* quorate says PENDING of it, Nagios OK */
        return false;
    }
    c.what = c.o->is_host ? "HOST" : "SVC";
    snprintf(c.title, sizeof c.title, "%s%s%s", c.o->host, c.o->is_host ? "" : ";", c.o->service);
    for (unsigned i = 0; i < ACTION_COUNT; i++) {
        if ((s->features >> (s->first_action + i) & 1) && prng_chance(p, actions[i].per_mille)) {
            actions[i].say(&c);
            return true;
        }
    }
    return false;
}
