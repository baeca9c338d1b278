/* Sites drawn from a seed: hosts with parents, services with one to five observers, periods, intervals of every kind, 0
   among them, dependencies, escalations and groups. Each object is drawn by a number of its own, so that a changed site
   leaves most objects as they were. */
#ifndef QUORATE_TESTS_DRAWN_SITE_H
#define QUORATE_TESTS_DRAWN_SITE_H

#include "monitor_world.h"

enum { SITE_HOSTS = 3, SITE_SERVICES = 3 };

struct site {
    uint64_t seed;
    unsigned hosts;
    bool has[SITE_HOSTS][SITE_SERVICES];       /* s0 is always there */
    unsigned drawn[SITE_HOSTS][SITE_SERVICES]; /* the services' numbers */
    unsigned host_drawn[SITE_HOSTS], relations_drawn;
    bool has_stranger; /* observed by somebody who is not enrolled: refused */
};

static inline const char *any_of(struct prng *p, const char *const *list, size_t count) {
    return list[prng_below(p, count)];
}
#define ANY_OF(p, ...)                                                                                                 \
    any_of(p, (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

#define DRAWN_CONTACT(name, period)                                                                                    \
    "define contact {\n contact_name " name                                                                            \
    "\n service_notification_commands page\n host_notification_commands page\n"                                        \
    " service_notification_period " period "\n host_notification_period " period "\n"                                  \
    " service_notification_options w,u,c,r,f,s\n host_notification_options d,u,r,f,s\n}\n"
/* The site's first moment is a Wednesday's noon. */
#define SITE_PEOPLE                                                                                                    \
    PEOPLE "define timeperiod {\n timeperiod_name mins\n"                                                              \
           " wednesday 12:00-12:02,12:03-12:04,12:06-12:10,12:12-12:13,12:20-12:40,13:00-20:00\n}\n" DRAWN_CONTACT(    \
               "all", "24x7") DRAWN_CONTACT("part", "mins")

/* ---- one object ---- */

static inline struct prng site_prng(const struct site *s, unsigned what, unsigned drawn) {
    struct prng p;
    prng_seed(&p, s->seed * 1000003 + what * 1009 + drawn);
    return p;
}

static inline void put(struct buffer *out, const char *text) {
    buffer_printf(out, "%s", text);
}

static inline void put_observers(struct buffer *out, struct prng *p) {
    put(out, ANY_OF(p, "", "", " _OBSERVERS ap,eu\n", " _OBSERVERS ap,eu,us\n", " _OBSERVERS ap,eu,us\n",
                    " _OBSERVERS ap,eu,us\n _QUORUM 1\n", " _OBSERVERS ap,eu,us,xa,xb\n",
                    " _OBSERVERS ap,eu,us,xa,xb\n", " _OBSERVERS ap,eu,us,xa,xb\n _QUORUM 2\n"));
}

static inline void put_intervals(struct buffer *out, struct prng *p) {
    put(out, ANY_OF(p, " check_interval 0\n", " check_interval 6\n", " check_interval 7\n", " check_interval 18\n"));
    put(out, ANY_OF(p, " retry_interval 0\n", " retry_interval 9\n", " retry_interval 11\n", " retry_interval 22\n"));
    put(out, ANY_OF(p, " notification_interval 0\n", " notification_interval 8\n", " notification_interval 9\n",
                    " notification_interval 24\n"));
    put(out, ANY_OF(p, "", " first_notification_delay 5\n", " first_notification_delay 12\n"));
    buffer_printf(out, " max_check_attempts %u\n", 1 + (unsigned)prng_below(p, 4));
    buffer_printf(out, " freshness_threshold %u\n", 4 + (unsigned)prng_below(p, 40));
}

static inline void put_checkable(struct buffer *out, struct prng *p) {
    put(out, " contacts all,part\n");
    put_observers(out, p);
    put_intervals(out, p);
    put(out, ANY_OF(p, "", "", " notification_period mins\n"));
    put(out, ANY_OF(p, "", "", "", " check_period mins\n"));
    put(out, ANY_OF(p, "", " _STALE_STATE 0\n", " _STALE_STATE 1\n"));
    put(out, ANY_OF(p, "", "", " _DISSENT_NOTIFY 1\n"));
    put(out, ANY_OF(p, "", "", "", "", " check_freshness 0\n"));
    put(out, ANY_OF(p, "", "", "", "", "", " notifications_enabled 0\n", " flap_detection_enabled 0\n"));
    put(out, ANY_OF(p, "", "", " low_flap_threshold 5\n high_flap_threshold 10\n"));
}

static inline void put_host(struct buffer *out, const struct site *s, unsigned h) {
    struct prng p = site_prng(s, h * 10, s->host_drawn[h]);
    buffer_printf(out, "define host {\n host_name h%u\n address 10.0.0.1\n notification_options d,u,r,f,s\n", h);
    put_checkable(out, &p);
    if (h > 0 && prng_chance(&p, 500)) {
        buffer_printf(out, " parents h%u\n", (unsigned)prng_below(&p, h));
    }
    put(out, "}\n");
}

static inline void put_service(struct buffer *out, const struct site *s, unsigned h, unsigned v) {
    struct prng p = site_prng(s, h * 10 + 1 + v, s->drawn[h][v]);
    buffer_printf(out,
                  "define service {\n host_name h%u\n service_description s%u\n check_command check\n"
                  " notification_options w,u,c,r,f,s\n",
                  h, v);
    put_checkable(out, &p);
    put(out, ANY_OF(&p, "", "", "", " is_volatile 1\n"));
    if (v > 0 && prng_chance(&p, 300)) {
        buffer_printf(out, " parents h%u,s0\n", h);
    }
    put(out, "}\n");
}

/* ---- what lies between objects ---- */

static inline void put_escalations(struct buffer *out, struct prng *p, unsigned h) {
    unsigned first = 1 + (unsigned)prng_below(p, 3), interval = 4 * (unsigned)prng_below(p, 3);
    if (prng_chance(p, 500)) {
        buffer_printf(out,
                      "define serviceescalation {\n host_name h%u\n service_description *\n first_notification %u\n"
                      " last_notification 0\n notification_interval %u\n contacts +boss\n}\n",
                      h, first, interval);
    }
    if (prng_chance(p, 500)) {
        buffer_printf(out,
                      "define hostescalation {\n host_name h%u\n first_notification %u\n last_notification %u\n"
                      " notification_interval %u\n contacts ops\n escalation_period mins\n}\n",
                      h, first, prng_chance(p, 500) ? 5 : 0, interval);
    }
}

static inline void put_dependencies(struct buffer *out, struct prng *p, unsigned h) {
    if (prng_chance(p, 500)) {
        buffer_printf(out,
                      "define servicedependency {\n host_name h0\n service_description s0\n dependent_host_name h%u\n"
                      " dependent_service_description s0\n notification_failure_criteria %s\n%s}\n",
                      h, ANY_OF(p, "c,u,w", "o,p"), ANY_OF(p, "", " dependency_period mins\n"));
    }
    if (prng_chance(p, 500)) {
        buffer_printf(out,
                      "define hostdependency {\n host_name h0\n dependent_host_name h%u\n"
                      " notification_failure_criteria %s\n inherits_parent 1\n}\n",
                      h, ANY_OF(p, "d,u", "o,p"));
    }
}

static inline void put_relations(struct buffer *out, const struct site *s) {
    struct prng p = site_prng(s, 100, s->relations_drawn);
    for (unsigned h = 0; h < s->hosts; h++) {
        put_escalations(out, &p, h);
        if (h > 0) {
            put_dependencies(out, &p, h);
        }
    }
    put(out, "define hostgroup {\n hostgroup_name g\n members *\n}\n"
             "define servicegroup {\n servicegroup_name sg\n members h0,s0\n}\n"
             "define contactgroup {\n contactgroup_name _SYSTEM_CONTACTS\n members all\n}\n");
}

/* ---- the whole ---- */

static inline void site_put(struct buffer *out, const struct site *s) {
    put(out, SITE_PEOPLE);
    for (unsigned h = 0; h < s->hosts; h++) {
        put_host(out, s, h);
        for (unsigned v = 0; v < SITE_SERVICES; v++) {
            if (s->has[h][v]) {
                put_service(out, s, h, v);
            }
        }
    }
    if (s->has_stranger) {
        put(out, HOST_OF("odd", " _OBSERVERS stranger\n"));
    }
    put_relations(out, s);
}

/* Other hosts, other services, and some of them drawn anew. */
static inline void site_change(struct site *s, struct prng *p) {
    s->hosts = 1 + (unsigned)prng_below(p, SITE_HOSTS);
    s->hosts = s->hosts == 1 && prng_chance(p, 800) ? SITE_HOSTS : s->hosts;
    s->relations_drawn += prng_chance(p, 300);
    s->has_stranger = prng_chance(p, 100);
    for (unsigned h = 0; h < SITE_HOSTS; h++) {
        s->host_drawn[h] += prng_chance(p, 300);
        for (unsigned v = 0; v < SITE_SERVICES; v++) {
            s->has[h][v] = v == 0 || prng_chance(p, 850);
            s->drawn[h][v] += prng_chance(p, 300);
        }
    }
}

static inline struct site site_draw(uint64_t seed, struct prng *p) {
    struct site s = {.seed = seed};
    site_change(&s, p);
    s.hosts = SITE_HOSTS;
    s.has_stranger = false;
    return s;
}

#endif
