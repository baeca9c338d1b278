/* A small world for stories about the monitoring machine: Nagios objects as text, observers that speak, time that
   passes, and the alerts that came out, one line each. */
#ifndef QUORATE_TESTS_MONITOR_WORLD_H
#define QUORATE_TESTS_MONITOR_WORLD_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include "base/prng.h"
#include "checks/monitor.h"
#include "checks/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OK = STATE_OK,
    WARN = STATE_WARNING,
    CRIT = STATE_CRITICAL,
    UNKN = STATE_UNKNOWN,
    UP = HOST_UP,
    DOWN = HOST_DOWN
};
#define DAY_ZERO 1769601600000 /* 2026-01-28T12:00:00Z */

struct world {
    struct monitor *m;
    seq_no n;
    time_ms t;
    uint64_t obs_seq;
    uint64_t raised;
    struct buffer log;
    struct buffer why;
    bool convict;
};

static inline void world_alert(void *self, const struct alert *a) {
    struct world *w = self;
    assert_int_equal(a->number, ++w->raised);
    assert_int_equal(a->n, w->n);
    assert_int_equal(a->t, w->t);
    if (a->type == ALERT_SYSTEM) {
        buffer_printf(&w->log, "SYSTEM %s [", a->output);
    } else {
        buffer_printf(&w->log, "%s %s%s%s %s %s %u/%u #%u %s [", alert_type_name(a->type), a->host,
                      a->service[0] ? "/" : "", a->service, state_name(!a->service[0], a->state),
                      a->hard ? "HARD" : "SOFT", a->attempt, a->max_attempts, a->notification_number, a->output);
    }
    for (unsigned i = 0; i < a->contact_count; i++) {
        buffer_printf(&w->log, "%s%s", i ? "," : "", a->contacts[i].name);
    }
    buffer_printf(&w->log, "]");
    if (a->author[0]) {
        buffer_printf(&w->log, " %s: %s", a->author, a->comment);
    }
    buffer_printf(&w->log, "\n");
}

static bool world_hears_events; /* they stand in the log beside the alerts, in brackets */

static inline void world_event(void *self, const struct monitor_event *e) {
    static const char *const kinds[] = {"",
                                        "",
                                        "starts flapping ",
                                        "stops flapping ",
                                        "flaps no more ",
                                        "starts downtime ",
                                        "stops downtime ",
                                        "cancels downtime "};
    struct world *w = self;
    assert_int_equal(e->t, w->t);
    buffer_printf(&w->log, "(%s%s%s %s%s %s %u %s)\n", e->host, e->service[0] ? "/" : "", e->service, kinds[e->kind],
                  state_name(!e->service[0], e->state), e->hard ? "HARD" : "SOFT", e->attempt, e->text);
}

static inline struct monitor_sink world_sink(struct world *w) {
    return (struct monitor_sink){.self = w, .alert = world_alert, .event = world_hears_events ? world_event : NULL};
}

/* Everybody but "stranger" is enrolled; "shy" may speak for nobody. */
static inline bool world_known(void *self, const char *observer) {
    (void)self;
    return strcmp(observer, "stranger") != 0;
}
static inline bool world_may(void *self, const char *observer, const char *host) {
    (void)self;
    (void)host;
    return strcmp(observer, "shy") != 0;
}

static inline void world_advance(struct world *w, time_ms seconds) {
    struct monitor_sink sink = world_sink(w);
    w->t += seconds * 1000;
    monitor_advance(w->m, ++w->n, w->t, &sink);
    monitor_check(w->m);
}

/* Second by second, so that no jump is a gap of the cluster. */
static inline void pass(struct world *w, time_ms seconds) {
    for (time_ms i = 0; i < seconds; i++) {
        world_advance(w, 1);
    }
}

#define PEOPLE                                                                                                         \
    "define timeperiod {\n timeperiod_name 24x7\n alias always\n sunday 00:00-24:00\n monday 00:00-24:00\n"            \
    " tuesday 00:00-24:00\n wednesday 00:00-24:00\n thursday 00:00-24:00\n friday 00:00-24:00\n"                       \
    " saturday 00:00-24:00\n}\n"                                                                                       \
    "define timeperiod {\n timeperiod_name none\n alias never\n}\n"                                                    \
    "define command {\n command_name page\n command_line /bin/page\n}\n"                                               \
    "define command {\n command_name check\n command_line /bin/check\n}\n"                                             \
    "define contact {\n contact_name ops\n alias Operations\n service_notification_commands page\n"                    \
    " host_notification_commands page\n service_notification_period 24x7\n host_notification_period 24x7\n"            \
    " service_notification_options w,u,c,r\n host_notification_options d,u,r\n}\n"                                     \
    "define contact {\n contact_name boss\n service_notification_commands page\n host_notification_commands page\n"    \
    " service_notification_period 24x7\n host_notification_period 24x7\n"                                              \
    " service_notification_options c\n host_notification_options d\n}\n" TEMPLATES
#define TEMPLATES                                                                                                      \
    "define host {\n name h\n register 0\n address 10.0.0.1\n max_check_attempts 1\n contacts ops\n"                   \
    " freshness_threshold 30\n}\n"                                                                                     \
    "define service {\n name s\n register 0\n check_command check\n check_interval 10\n retry_interval 10\n"           \
    " freshness_threshold 30\n max_check_attempts 3\n contacts ops\n}\n"
#define HOST_OF(name, lines) "define host {\n use h\n host_name " name "\n" lines "}\n"
#define SERVICE_OF(host, name, lines)                                                                                  \
    "define service {\n use s\n host_name " host "\n service_description " name "\n" lines "}\n"
#define THREE " _OBSERVERS ap,eu,us\n"
#define HOST_AND_SERVICE(lines) PEOPLE HOST_OF("web1", "") SERVICE_OF("web1", "http", lines)

static bool world_detects_flapping; /* of the main configuration: off, as in Nagios */

static inline struct bytes world_compile(struct buffer *out, struct buffer *why, const char *text) {
    struct objects *objects = NULL;
    struct object_source source = {"test.cfg", bytes_of_text(text)};
    struct object_options options = {.interval_length = 1000, .flap_detection = world_detects_flapping};
    struct buffer ignored = {0};
    enum error e = objects_parse(&objects, &source, 1, &options, &ignored, why);
    buffer_free(&ignored);
    if (e != ERR_OK) {
        fail_msg("%s", buffer_cstr(why));
    }
    objects_encode(out, objects);
    objects_free(objects);
    return buffer_bytes(out);
}

static inline enum error try_apply(struct world *w, const char *text) {
    static const struct monitor_authority authority = {NULL, world_known, world_may};
    struct monitor_sink sink = world_sink(w);
    struct buffer objects = {0};
    buffer_clear(&w->why);
    enum error e = monitor_apply(w->m, world_compile(&objects, &w->why, text), &authority, &sink, &w->why);
    buffer_free(&objects);
    monitor_check(w->m);
    return e;
}

static inline void apply(struct world *w, const char *text) {
    enum error e = try_apply(w, text);
    if (e != ERR_OK) {
        fail_msg("%s", buffer_cstr(&w->why));
    }
}

static inline struct world world_begin(const char *text) {
    struct monitor_config config = {.cluster_gap = 10000};
    struct world w = {.m = monitor_new(&config), .t = DAY_ZERO};
    world_advance(&w, 0);
    if (text) {
        apply(&w, text);
    }
    return w;
}

static inline void world_end(struct world *w) {
    monitor_free(w->m);
    buffer_free(&w->log);
    buffer_free(&w->why);
}

static inline enum error say(struct world *w, const char *observer, const struct observation *o) {
    struct monitor_sink sink = world_sink(w);
    enum error e = monitor_observe(w->m, observer, o, &sink, &w->convict);
    monitor_check(w->m);
    return e;
}

static inline struct observation result_of(struct world *w, const char *host, const char *service, uint8_t state,
                                           const char *output) {
    return (struct observation){.host = host,
                                .service = service,
                                .obs_seq = ++w->obs_seq,
                                .state = state,
                                .output = output,
                                .perfdata = "",
                                .observed_at = w->t};
}

/* The observer reports web1/http in a state, and says so in its text. */
static inline void votes(struct world *w, const char *observer, uint8_t state) {
    char text[64];
    snprintf(text, sizeof text, "%s by %s", state_name(false, state), observer);
    struct observation o = result_of(w, "web1", "http", state, text);
    assert_int_equal(say(w, observer, &o), ERR_OK);
}

static inline void all_vote(struct world *w, uint8_t state) {
    votes(w, "ap", state);
    votes(w, "eu", state);
    votes(w, "us", state);
}

static inline void host_votes(struct world *w, const char *host, uint8_t state) {
    struct observation o = result_of(w, host, "", state, state ? "host down" : "host up");
    assert_int_equal(say(w, host, &o), ERR_OK);
}

#define COMMAND_OF(...) ((struct op_command){__VA_ARGS__})
/* Operator ada says, without the texts that are not given; the answer stands in why. */
static inline enum error command(struct world *w, struct op_command c) {
    struct monitor_sink sink = world_sink(w);
    const char **const texts[] = {&c.host, &c.service, &c.observer, &c.author, &c.comment};
    for (unsigned i = 0; i < 5; i++) {
        *texts[i] = *texts[i] ? *texts[i] : "";
    }
    buffer_clear(&w->why);
    enum error e = monitor_command(w->m, "ada", &c, &sink, &w->why);
    monitor_check(w->m);
    return e;
}

static inline void commanded(struct world *w, struct op_command c, const char *answer) {
    enum error e = command(w, c);
    assert_string_equal(buffer_cstr(&w->why), answer);
    assert_int_equal(e, ERR_OK);
}

static inline void not_commanded(struct world *w, struct op_command c, enum error reason, const char *answer) {
    enum error e = command(w, c);
    assert_string_equal(buffer_cstr(&w->why), answer);
    assert_int_equal(e, reason);
}

/* What was raised since the last call. */
static inline void expect(struct world *w, const char *lines) {
    assert_string_equal(buffer_cstr(&w->log), lines);
    buffer_clear(&w->log);
}

/* "CRITICAL HARD 3/3 text" and, when they are so, "undecided", "dissent a,b". */
static inline void status(struct world *w, const char *host, const char *service, const char *expected) {
    struct op_query q = {
        .kind = QUERY_STATUS, .host = host, .service = service, .after_host = "", .after_service = "", .limit = 1};
    struct query_page page;
    struct arena arena = {0};
    struct buffer text = {0};
    monitor_query(w->m, &q, &page, &arena);
    assert_int_equal(page.count, 1);
    const struct object_status *s = page.list;
    buffer_printf(&text, "%s %s %u/%u %s", state_name(!service[0], s->state), s->hard ? "HARD" : "SOFT", s->attempt,
                  s->max_attempts, s->output);
    if (s->undecided) {
        buffer_printf(&text, " undecided");
    }
    for (unsigned i = 0; i < s->dissent_count; i++) {
        buffer_printf(&text, "%s%s", i ? "," : " dissent ", s->dissent[i]);
    }
    assert_string_equal(buffer_cstr(&text), expected);
    buffer_free(&text);
    arena_free(&arena);
}

static inline void http_is(struct world *w, const char *expected) {
    status(w, "web1", "http", expected);
}

#endif
