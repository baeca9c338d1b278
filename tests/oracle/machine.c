/* Quorate's side of the oracle: the sequence goes through checks/ with one observer. Where time alone makes quorate
   tell somebody, Nagios waits for the next result of the object; so that result is put into the sequence. */
#include "tests/oracle/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct sequence *s;
    struct monitor *m;
    seq_no n;
    int64_t t;
    uint64_t obs_seq;
    struct lines *into;                       /* of the step that runs; NULL: time runs */
    struct lines by_time[ORACLE_OBJECTS_MAX]; /* what time brought, by object */
    unsigned order[ORACLE_OBJECTS_MAX], ordered;
};

static unsigned object_named(const struct sequence *s, const char *host, const char *service) {
    for (unsigned i = 0; i < s->object_count; i++) {
        if (strcmp(s->plan[i].host, host) == 0 && strcmp(s->plan[i].service, service) == 0) {
            return i;
        }
    }
    abort();
}

static void hear(struct run *r, const char *host, const char *service, struct buffer *line) {
    struct lines *into = r->into;
    if (!into) {
        unsigned object = object_named(r->s, host, service);
        into = &r->by_time[object];
        if (into->count == 0) {
            r->order[r->ordered++] = object;
        }
    }
    lines_add(into, buffer_cstr(line));
    buffer_free(line);
}

static void hear_event(void *self, const struct monitor_event *e) {
    static const char *const flapping[] = {[EVENT_FLAPPING_STARTED] = "STARTED",
                                           [EVENT_FLAPPING_STOPPED] = "STOPPED",
                                           [EVENT_FLAPPING_DISABLED] = "DISABLED"};
    struct buffer line = {0};
    if (e->kind == EVENT_STATE) {
        buffer_printf(&line, "ALERT %s;%s;%s;%s;%u;%s", e->host, e->service, state_name(!e->service[0], e->state),
                      e->hard ? "HARD" : "SOFT", e->attempt, e->text);
    } else {
        buffer_printf(&line, "FLAPPING %s;%s;%s", e->host, e->service, flapping[e->kind]);
    }
    hear(self, e->host, e->service, &line);
}

static void hear_alert(void *self, const struct alert *a) {
    struct buffer line = {0};
    const char *state = state_name(!a->service[0], a->state);
    buffer_printf(&line, "NOTIFY ");
    for (unsigned i = 0; i < a->contact_count; i++) {
        buffer_printf(&line, "%s%s", i ? "," : "", a->contacts[i].name);
    }
    if (a->type == ALERT_PROBLEM || a->type == ALERT_RECOVERY) {
        buffer_printf(&line, ";%s;%s;%s;%s", a->host, a->service, state, a->output);
    } else {
        buffer_printf(&line, ";%s;%s;%s (%s);%s", a->host, a->service, alert_type_name(a->type), state, a->output);
    }
    hear(self, a->host, a->service, &line);
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "oracle: quorate: %s: %s\n", what, why);
    exit(2);
}

static bool anybody(void *self, const char *observer) {
    (void)self;
    (void)observer;
    return true;
}
static bool anywhere(void *self, const char *observer, const char *host) {
    (void)self;
    (void)observer;
    (void)host;
    return true;
}

static void apply(struct run *r, const struct monitor_sink *sink) {
    static const struct monitor_authority authority = {NULL, anybody, anywhere};
    struct sequence *s = r->s;
    struct object_options options = {.interval_length = 1000, .flap_detection = s->flap_detection};
    options.host_flapping =
        (struct object_flapping){(uint32_t)(s->low_flap[0] * 1000), (uint32_t)(s->high_flap[0] * 1000)};
    options.service_flapping =
        (struct object_flapping){(uint32_t)(s->low_flap[1] * 1000), (uint32_t)(s->high_flap[1] * 1000)};
    struct object_source source = {"objects.cfg", buffer_bytes(&s->objects)};
    struct objects *objects = NULL;
    struct buffer ignored = {0}, why = {0}, bytes = {0};
    if (objects_parse(&objects, &source, 1, &options, &ignored, &why) != ERR_OK) {
        fail("objects", buffer_cstr(&why));
    }
    objects_encode(&bytes, objects);
    if (monitor_apply(r->m, buffer_bytes(&bytes), &authority, sink, &why) != ERR_OK) {
        fail("apply", buffer_cstr(&why));
    }
    objects_free(objects);
    buffer_free(&bytes);
    buffer_free(&ignored);
    buffer_free(&why);
}

static void observe(struct run *r, size_t at, const struct monitor_sink *sink) {
    const struct step *step = &r->s->steps[at];
    const struct plan_object *o = &r->s->plan[step->object];
    struct observation result = {.host = o->host,
                                 .service = o->service,
                                 .obs_seq = ++r->obs_seq,
                                 .state = step->state,
                                 .output = step->text,
                                 .perfdata = "",
                                 .observed_at = r->t * 1000};
    struct lines heard = r->s->steps[at].ours;
    bool convict = false;
    r->into = &heard;
    enum error e = monitor_observe(r->m, "o", &result, sink, &convict);
    r->into = NULL;
    if (e != ERR_OK) {
        fail(step->text, error_text(e));
    }
    r->s->steps[at].ours = heard;
    monitor_check(r->m);
}

/* What time brought is told with the result that Nagios needs to notice it. */
static void repeat(struct run *r, const struct monitor_sink *sink) {
    for (unsigned i = 0; i < r->ordered; i++) {
        unsigned object = r->order[i];
        struct step *step = sequence_repeat(r->s, object, r->t);
        step->ours = r->by_time[object];
        r->by_time[object] = (struct lines){0};
        observe(r, r->s->count - 1, sink);
    }
    r->ordered = 0;
}

static void advance(struct run *r, int64_t wait, const struct monitor_sink *sink) {
    r->t += wait;
    monitor_advance(r->m, ++r->n, r->t * 1000, sink);
    monitor_check(r->m);
    repeat(r, sink);
}

void machine_run(struct sequence *s, size_t results) {
    static const struct monitor_config config = {.cluster_gap = 0};
    struct run r = {.s = s, .m = monitor_new(&config), .t = ORACLE_BEGIN};
    struct monitor_sink sink = {.self = &r, .alert = hear_alert, .event = hear_event};
    struct prng p;
    prng_seed(&p, s->seed + UINT64_C(0x9e3779b97f4a7c15));
    monitor_advance(r.m, ++r.n, r.t * 1000, &sink);
    apply(&r, &sink);
    while (s->drawn < results) {
        int64_t wait = sequence_wait(&p);
        if (wait > 0) {
            advance(&r, wait, &sink);
        }
        if (s->plan[sequence_draw(s, &p, r.t)->object].left_out) {
            s->count--;
        } else {
            observe(&r, s->count - 1, &sink);
        }
    }
    monitor_free(r.m);
}
