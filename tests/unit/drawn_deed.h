/* What befalls a drawn site, drawn too: results of observers in changing moods, commands of operators that mostly fit,
   new configurations. A deed is drawn once and then done to as many machines as one likes. */
#ifndef QUORATE_TESTS_DRAWN_DEED_H
#define QUORATE_TESTS_DRAWN_DEED_H

#include "drawn_site.h"

enum mood {
    CALM,   /* all is well */
    FLAKY,  /* one result of five sees a problem */
    STORM,  /* any state */
    HUSH,   /* only of hosts anything is heard, any state */
    OUTAGE, /* everybody sees it */
    CHORUS, /* everybody speaks of everything, and one or two lie */
    MOODS
};

enum deed_kind { DEED_RESULT, DEED_COMMAND, DEED_APPLY, DEED_CONVICT };
struct deed {
    enum deed_kind kind;
    const char *observer; /* RESULT, CONVICT */
    struct observation result;
    struct op_command command;
    const char *objects; /* APPLY: the text */
};

/* What the next deed depends on. */
struct course {
    struct prng prng;
    struct site site;
    struct buffer text; /* of the site */
    enum mood mood;
    time_ms t;
    uint64_t obs_seq, last_note;
    unsigned off;     /* subjects that are turned off for all, as bits */
    struct deed last; /* result; of nobody: there was none */
};

static const char *const site_hosts[] = {"h0", "h1", "h2"}, *const site_services[] = {"s0", "s1", "s2", ""};
static const char *const site_observers[] = {"ap", "eu", "us", "xa", "xb", "h0", "h1", "h2"};
enum { SITE_OBSERVERS = 8, SITE_WITNESSES = 5 };

static inline unsigned below(struct course *c, unsigned bound) {
    return (unsigned)prng_below(&c->prng, bound);
}

static inline bool chance(struct course *c, unsigned per_mille) {
    return prng_chance(&c->prng, per_mille);
}

/* ---- time ---- */

static inline time_ms draw_step(struct course *c) {
    if (chance(c, 15)) {
        return 1000 * (15 + (time_ms)below(c, 100)); /* a gap of the cluster */
    }
    if (chance(c, 100)) {
        return (time_ms)below(c, 3000);
    }
    time_ms usual = c->mood == CHORUS ? 5 : 1;
    return 1000 * (chance(c, 750) ? usual : 1 + (time_ms)below(c, 8));
}

/* ---- results ---- */

static inline uint8_t draw_state(struct course *c) {
    switch (c->mood) {
    case CALM:
        return OK;
    case FLAKY:
        return chance(c, 200) ? CRIT : OK;
    case OUTAGE:
        return CRIT;
    default:
        return (uint8_t)below(c, 4);
    }
}

static inline struct deed result_deed(struct course *c, const char *observer, const char *host, const char *service,
                                      uint8_t state) {
    bool late = chance(c, 10);
    c->last = (struct deed){.kind = DEED_RESULT,
                            .observer = observer,
                            .result = {.host = host,
                                       .service = service,
                                       .obs_seq = ++c->obs_seq,
                                       .state = !service[0] && state == UNKN ? DOWN : state,
                                       .output = ANY_OF(&c->prng, "", "seen", "seen\nat length"),
                                       .perfdata = ANY_OF(&c->prng, "", "p=1"),
                                       .observed_at = c->t - (late ? 100000 : 0)}};
    return c->last;
}

static inline struct deed draw_result(struct course *c) {
    struct deed again = c->last;
    if (again.observer && chance(c, 15)) {
        again.result.output = "another story";
        return again;
    }
    const char *host = any_of(&c->prng, site_hosts, SITE_HOSTS);
    const char *observer = chance(c, 350) ? host : any_of(&c->prng, site_observers, SITE_OBSERVERS);
    const char *service = any_of(&c->prng, site_services, SITE_SERVICES + 1);
    return result_deed(c, observer, host, c->mood == HUSH ? "" : service, draw_state(c));
}

/* ---- commands ---- */

static inline enum command_kind draw_command_kind(struct course *c) {
    if (chance(c, 250)) {
        return COMMAND_DOWNTIME;
    }
    if (chance(c, 100)) {
        return COMMAND_ENABLE;
    }
    return 1 + below(c, COMMAND_KIND_LIMIT - 1);
}

/* One that the kind goes together with, most of the time. */
static inline enum command_target draw_target(struct course *c, enum command_kind kind) {
    enum command_target any = 1 + below(c, TARGET_LIMIT - 1);
    bool spreads = kind == COMMAND_DOWNTIME || kind == COMMAND_ENABLE || kind == COMMAND_DISABLE;
    bool by_id = kind == COMMAND_CANCEL_DOWNTIME || (kind == COMMAND_DELETE_COMMENT && chance(c, 600));
    bool of_all = (kind == COMMAND_MASK || kind == COMMAND_UNMASK) && chance(c, 200);
    if (chance(c, 30) || (spreads && chance(c, 600))) {
        return any;
    }
    return by_id || of_all ? TARGET_CLUSTER : TARGET_OBJECT;
}

static inline const char *draw_target_name(struct course *c, enum command_target target) {
    switch (target) {
    case TARGET_HOSTGROUP_HOSTS:
    case TARGET_HOSTGROUP_SERVICES:
        return "g";
    case TARGET_SERVICEGROUP_HOSTS:
    case TARGET_SERVICEGROUP_SERVICES:
        return "sg";
    default:
        return any_of(&c->prng, site_hosts, SITE_HOSTS);
    }
}

/* Of a note that may be there, where the command has one. */
static inline uint64_t draw_id(struct course *c, enum command_kind kind, enum command_target target) {
    bool names = kind == COMMAND_CANCEL_DOWNTIME || (kind == COMMAND_DELETE_COMMENT && target == TARGET_CLUSTER);
    bool triggered = kind == COMMAND_DOWNTIME && chance(c, 300);
    uint64_t back = below(c, 8);
    return (names || triggered || chance(c, 30)) && c->last_note > back ? c->last_note - back : 0;
}

static inline struct deed draw_command(struct course *c) {
    enum command_kind kind = draw_command_kind(c);
    enum command_target target = draw_target(c, kind);
    bool one = target == TARGET_OBJECT;
    struct op_command command = {.kind = kind,
                                 .target = target,
                                 .subject = 1 + below(c, SUBJECT_LIMIT - 1),
                                 .host = draw_target_name(c, target),
                                 .service = one ? any_of(&c->prng, site_services, SITE_SERVICES + 1) : "",
                                 .observer = any_of(&c->prng, site_observers, SITE_WITNESSES),
                                 .flags = below(c, COMMAND_FLAGS_ALL + 1),
                                 .start = c->t - 20000 + 1000 * (time_ms)below(c, 60),
                                 .duration = 1000 * (time_ms)below(c, 40),
                                 .id = draw_id(c, kind, target),
                                 .author = ANY_OF(&c->prng, "", "bob"),
                                 .comment = ANY_OF(&c->prng, "why", "why", "why", "")};
    command.end = chance(c, 250) ? 0 : command.start + 1000 * (time_ms)below(c, 60);
    if (c->off != 0 && chance(c, 300)) { /* nobody leaves everything off for long */
        command.kind = COMMAND_ENABLE;
        command.target = TARGET_CLUSTER;
        command.subject = (enum command_subject)__builtin_ctz(c->off);
        command.id = 0;
    }
    return (struct deed){.kind = DEED_COMMAND, .command = command};
}

/* ---- configurations ---- */

static inline struct deed draw_apply(struct course *c) {
    struct site before = c->site;
    site_change(&c->site, &c->prng);
    buffer_clear(&c->text);
    site_put(&c->text, &c->site);
    if (c->site.has_stranger) { /* it will be refused */
        c->site = before;
    }
    return (struct deed){.kind = DEED_APPLY, .objects = buffer_cstr(&c->text)};
}

/* ---- as a line, for people ---- */

static inline void deed_print(const struct deed *d) {
    const struct observation *r = &d->result;
    const struct op_command *c = &d->command;
    switch (d->kind) {
    case DEED_RESULT:
        fprintf(stderr, "  %s says of %s/%s: %u, number %llu, at %lld\n", d->observer, r->host, r->service, r->state,
                (unsigned long long)r->obs_seq, (long long)r->observed_at - DAY_ZERO);
        return;
    case DEED_COMMAND:
        fprintf(stderr,
                "  command %d for %d %s/%s, subject %d, observer %s, flags %u, from %lld to %lld for %lld, id %llu\n",
                c->kind, c->target, c->host, c->service, c->subject, c->observer, c->flags,
                (long long)c->start - DAY_ZERO, (long long)c->end - DAY_ZERO, (long long)c->duration,
                (unsigned long long)c->id);
        return;
    case DEED_CONVICT:
        fprintf(stderr, "  %s is convicted\n", d->observer);
        return;
    default:
        fprintf(stderr, "  applied:\n%s", d->objects);
    }
}

#endif
