/* Draws the hosts, services, contacts and time periods of a run. */
#include "tests/sim/estate.h"

#include "checks/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RICH_HOSTS = 3 };

static const char *const observer_names[SIM_OBSERVERS] = {"eu", "us", "ap", "sa", "af"};
static const char *const plain_hosts[SIM_SERVICES] = {"web1", "web1", "db1", "db1"};
static const char *const plain_services[SIM_SERVICES] = {"http", "disk", "sql", "never-fails"};
static const unsigned plain_attempts[SIM_SERVICES] = {1, 3, 2, 1};

/* All runs begin a second before 14:14, when one of these ends and the other begins. */
#define WEEK(hours)                                                                                                    \
    " sunday " hours "\n monday " hours "\n tuesday " hours "\n wednesday " hours "\n thursday " hours                 \
    "\n friday " hours "\n saturday " hours "\n}\n"
static const char people_text[] = "define command {\n command_name page\n command_line /bin/page\n}\n"
                                  "define command {\n command_name check\n command_line /bin/check\n}\n"
                                  "define timeperiod {\n timeperiod_name early\n alias early\n" WEEK("00:00-14:14") //
    "define timeperiod {\n timeperiod_name late\n alias late\n" WEEK("14:14-24:00")                                 //
    "define timeperiod {\n timeperiod_name gap\n alias gap\n exclude early\n" WEEK("00:00-14:15,14:16-24:00")       //
    "define contact {\n contact_name any\n register 0\n name any\n service_notification_commands page\n"
    " host_notification_commands page\n}\n"
    "define contact {\n use any\n contact_name ops\n}\n"
    "define contact {\n use any\n contact_name boss\n service_notification_options c,r\n"
    " host_notification_options d,r\n}\n"
    "define contact {\n use any\n contact_name calm\n service_notification_options w,u,r,f\n"
    " host_notification_options u,r,f\n service_notification_period late\n}\n"
    "define contact {\n use any\n contact_name night\n service_notification_period early\n"
    " host_notification_period gap\n}\n"
    "define contact {\n use any\n contact_name gone\n service_notifications_enabled 0\n"
    " host_notifications_enabled 0\n}\n"
    "define contactgroup {\n contactgroup_name _SYSTEM_CONTACTS\n members ops,night\n}\n";

const char *observer_name(unsigned observer) {
    return observer_names[observer];
}

unsigned estate_bound(const struct estate_object *o) {
    unsigned raise = o->quorum - 1, hide = o->watcher_count - o->quorum;
    return raise < hide ? raise : hide;
}

int estate_find(const struct estate *e, const char *host, const char *service) {
    for (unsigned i = 0; i < e->count; i++)
        if (strcmp(e->list[i].host, host) == 0 && strcmp(e->list[i].service, service) == 0)
            return (int)i;
    return -1;
}

void estate_compile(const struct estate *e, struct buffer *canonical) {
    struct object_source source = {"sim.cfg", buffer_bytes(&e->text)};
    struct object_options options = {.interval_length = e->interval_length, .flap_detection = e->flapping};
    struct objects *objects = NULL;
    struct buffer ignored = {0}, why = {0};
    if (objects_parse(&objects, &source, 1, &options, &ignored, &why) != ERR_OK) {
        fprintf(stderr, "%s", buffer_cstr(&why));
        abort();
    }
    objects_encode(canonical, objects);
    buffer_free(&ignored);
    buffer_free(&why);
    objects_free(objects);
}

void estate_free(struct estate *e) {
    buffer_free(&e->text);
}

static struct estate_object *add(struct estate *e, const char *host, const char *service, unsigned watchers) {
    struct estate_object *o = &e->list[e->count++];
    *o = (struct estate_object){.host = host, .watchers = watchers, .stale_state = -1};
    snprintf(o->service, sizeof o->service, "%s", service);
    buffer_printf(&e->text, " _OBSERVERS ");
    for (unsigned i = 0; i < SIM_OBSERVERS; i++)
        if (watchers >> i & 1)
            buffer_printf(&e->text, "%s%s", o->watcher_count++ ? "," : "", observer_names[i]);
    o->quorum = o->watcher_count / 2 + 1;
    buffer_printf(&e->text, "\n");
    return o;
}

static unsigned everybody(const struct estate *e) {
    return (1u << e->observers) - 1;
}

/* ---- what is plain: no feature that would keep the truth from being told ---- */

static void add_plain(struct estate *e, const char *patient) {
    for (unsigned i = 0; i < SIM_SERVICES; i++) {
        buffer_printf(&e->text, "define service {\n use s\n host_name %s\n service_description %s\n", plain_hosts[i],
                      plain_services[i]);
        buffer_printf(&e->text, " max_check_attempts %u\n flap_detection_enabled 0\n contacts ops\n",
                      plain_attempts[i]);
        buffer_printf(&e->text, " check_interval 2\n retry_interval 1\n freshness_threshold 12\n");
        buffer_printf(&e->text, " notification_interval 0\n");
        add(e, plain_hosts[i], plain_services[i], everybody(e));
        buffer_printf(&e->text, "}\n");
    }
    for (unsigned i = 0; i < SIM_SERVICES; i += 2) {
        buffer_printf(&e->text, "define host {\n host_name %s\n max_check_attempts 1\n contacts ops\n", plain_hosts[i]);
        buffer_printf(&e->text, " flap_detection_enabled 0\n%s", patient);
        add(e, plain_hosts[i], "", everybody(e));
        buffer_printf(&e->text, "}\n");
    }
}

/* ---- what is not ---- */

static unsigned some_observers(const struct estate *e, struct prng *p) {
    unsigned watchers = 0, want = 1 + 2 * (unsigned)prng_below(p, e->observers / 2 + 1);
    for (unsigned count = 0; count < want;) {
        unsigned one = (unsigned)prng_below(p, e->observers);
        count += !(watchers >> one & 1);
        watchers |= 1u << one;
    }
    return watchers;
}

static void maybe(struct estate *e, struct prng *p, unsigned per_mille, const char *line) {
    if (prng_chance(p, per_mille))
        buffer_printf(&e->text, "%s", line);
}

static void number(struct estate *e, struct prng *p, const char *directive, unsigned from, unsigned to) {
    buffer_printf(&e->text, " %s %u\n", directive, from + (unsigned)prng_below(p, to - from + 1));
}

static void add_features(struct estate *e, struct prng *p) {
    static const char *const contacts[] = {"ops", "ops,boss", "boss,calm", "night,ops", "calm,gone", "gone"};
    static const char *const periods[] = {"early", "late", "gap"};
    number(e, p, "max_check_attempts", 1, 4);
    number(e, p, "check_interval", 1, 4);
    number(e, p, "retry_interval", 1, 2);
    number(e, p, "notification_interval", 0, 5);
    if (prng_chance(p, 300))
        number(e, p, "first_notification_delay", 1, 4);
    if (prng_chance(p, 300))
        number(e, p, "freshness_threshold", 2, 9);
    buffer_printf(&e->text, " contacts %s\n", contacts[prng_below(p, 6)]);
    if (prng_chance(p, 450))
        buffer_printf(&e->text, " notification_period %s\n", periods[prng_below(p, 3)]);
    maybe(e, p, 100, " check_freshness 0\n");
    maybe(e, p, 100, " notifications_enabled 0\n");
    maybe(e, p, 500, " _DISSENT_NOTIFY 1\n");
    if (prng_chance(p, 600))
        buffer_printf(&e->text, " low_flap_threshold %u\n high_flap_threshold 18\n", prng_chance(p, 500) ? 5 : 15);
}

static void observers_and_quorum(struct estate *e, struct prng *p, const char *host, const char *service) {
    struct estate_object *o = add(e, host, service, some_observers(e, p));
    if (prng_chance(p, 300)) {
        o->quorum = 1 + (unsigned)prng_below(p, o->watcher_count);
        buffer_printf(&e->text, " _QUORUM %u\n", o->quorum);
    }
    if (prng_chance(p, 250)) {
        o->stale_state = (int)prng_below(p, *service ? 4 : 2);
        buffer_printf(&e->text, " _STALE_STATE %s\n",
                      *service ? state_name(false, (unsigned)o->stale_state)
                               : state_name(true, (unsigned)o->stale_state));
    }
}

static void add_host(struct estate *e, struct prng *p, const char *name, const char *parents) {
    buffer_printf(&e->text, "define host {\n host_name %s\n", name);
    if (parents)
        buffer_printf(&e->text, " parents %s\n", parents);
    add_features(e, p);
    if (prng_chance(p, 400))
        buffer_printf(&e->text, " notification_options %s\n", prng_chance(p, 500) ? "d,r" : "u,f");
    observers_and_quorum(e, p, name, "");
    buffer_printf(&e->text, "}\n");
}

/* One of those that are not plain and defined before, so that nothing goes in circles; NULL: there is none yet. */
static const struct estate_object *earlier_service(const struct estate *e, struct prng *p) {
    unsigned first = e->plain + RICH_HOSTS;
    return e->count > first ? &e->list[first + prng_below(p, e->count - first)] : NULL;
}

static void add_service(struct estate *e, struct prng *p, const char *host, const char *name) {
    buffer_printf(&e->text, "define service {\n use s\n host_name %s\n service_description %s\n", host, name);
    add_features(e, p);
    maybe(e, p, 150, " is_volatile 1\n");
    maybe(e, p, 150, " flap_detection_options o,c\n");
    const struct estate_object *parent = earlier_service(e, p);
    if (parent && prng_chance(p, 200))
        buffer_printf(&e->text, " parents %s,%s\n", parent->host, parent->service);
    if (prng_chance(p, 300))
        buffer_printf(&e->text, " notification_options %s\n", prng_chance(p, 500) ? "c,r" : "w,u,f");
    observers_and_quorum(e, p, host, name);
    buffer_printf(&e->text, "}\n");
}

/* ---- escalations and dependencies ---- */

static void maybe_period(struct estate *e, struct prng *p, const char *directive) {
    static const char *const periods[] = {"early", "late", "gap"};
    if (prng_chance(p, 250))
        buffer_printf(&e->text, " %s %s\n", directive, periods[prng_below(p, 3)]);
}

static void escalate(struct estate *e, struct prng *p, const struct estate_object *o) {
    static const char *const contacts[] = {"boss", "calm", "night,boss", "+boss", "gone"};
    unsigned first = 1 + (unsigned)prng_below(p, 3),
             last = prng_chance(p, 500) ? 0 : first + (unsigned)prng_below(p, 3);
    buffer_printf(&e->text, "define %sescalation {\n host_name %s\n", *o->service ? "service" : "host", o->host);
    if (*o->service)
        buffer_printf(&e->text, " service_description %s\n", o->service);
    buffer_printf(&e->text, " first_notification %u\n last_notification %u\n contacts %s\n", first, last,
                  contacts[prng_below(p, 5)]);
    if (prng_chance(p, 600))
        number(e, p, "notification_interval", 0, 4);
    if (prng_chance(p, 300))
        buffer_printf(&e->text, " escalation_options %s\n", *o->service ? "c,r" : "d,r");
    maybe_period(e, p, "escalation_period");
    buffer_printf(&e->text, "}\n");
}

static void depend(struct estate *e, struct prng *p, const struct estate_object *o,
                   const struct estate_object *master) {
    static const char *const service_fails[] = {"c,w", "u", "o", "w,u,c,p"}, *const host_fails[] = {"d", "u", "o",
                                                                                                    "d,u,p"};
    unsigned which = (unsigned)prng_below(p, 4);
    buffer_printf(&e->text, "define %sdependency {\n host_name %s\n dependent_host_name %s\n",
                  *o->service ? "service" : "host", master->host, o->host);
    if (*o->service)
        buffer_printf(&e->text, " service_description %s\n dependent_service_description %s\n", master->service,
                      o->service);
    buffer_printf(&e->text, " notification_failure_criteria %s\n",
                  *o->service ? service_fails[which] : host_fails[which]);
    maybe(e, p, 500, " inherits_parent 1\n");
    maybe_period(e, p, "dependency_period");
    buffer_printf(&e->text, "}\n");
}

/* Of those behind it in the list, so that nothing goes in circles. */
static void add_relations(struct estate *e, struct prng *p) {
    unsigned services = e->plain + RICH_HOSTS;
    for (unsigned i = e->plain; i < e->count; i++) {
        unsigned first = i < services ? e->plain : services;
        for (unsigned k = 0; k < 2; k++)
            if (prng_chance(p, 350))
                escalate(e, p, &e->list[i]);
        if (i > first && prng_chance(p, 400))
            depend(e, p, &e->list[i], &e->list[first + prng_below(p, i - first)]);
    }
}

static void add_rich(struct estate *e, struct prng *p, unsigned services) {
    static const char *const hosts[] = {"gate", "edge", "far", "web1", "db1"};
    static const char *const parents[] = {NULL, "gate", "gate,edge"};
    char name[16];
    for (unsigned i = 0; services && i < RICH_HOSTS; i++)
        add_host(e, p, hosts[i], parents[i]);
    for (unsigned i = 0; i < services; i++) {
        snprintf(name, sizeof name, "x%u", i);
        add_service(e, p, hosts[prng_below(p, 5)], name);
    }
    add_relations(e, p);
}

void estate_draw(struct estate *e, const struct sim_options *o) {
    struct prng p;
    prng_seed(&p, o->seed ^ 0x657374617465);
    *e = (struct estate){.observers = o->observers};
    e->interval_length = o->size == SIZE_LONG ? 1000 : 50 + (time_ms)prng_below(&p, 150);
    e->flapping = prng_chance(&p, 600);
    buffer_printf(&e->text, "%s", people_text);
    buffer_printf(&e->text, "define service {\n name s\n register 0\n check_command check\n}\n");
    add_plain(e, o->plan ? " freshness_threshold 1000\n" : ""); /* a plan is about services */
    e->plain = e->count;
    if (o->plan)
        return;
    if (o->size == SIZE_LONG)
        add_rich(e, &p, 8);
    else if (prng_chance(&p, 600))
        add_rich(e, &p, 1 + (unsigned)prng_below(&p, 4));
}
