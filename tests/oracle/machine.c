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
    struct lines downtime;       /* and of downtime, which Nagios watches by the clock, too */
    uint64_t ids[DOWNTIMES_MAX]; /* quorate's numbers of the sequence's downtimes */
    unsigned planned;
};

static unsigned object_named(const struct sequence *s, const char *host, const char *service) {
    for (unsigned i = 0; i < s->object_count; i++) {
        if (strcmp(s->plan[i].host, host) == 0 && strcmp(s->plan[i].service, service) == 0) {
            return i;
        }
    }
    abort();
}

static struct lines *by_time(struct run *r, const char *host, const char *service) {
    unsigned object = object_named(r->s, host, service);
    if (r->by_time[object].count == 0) {
        r->order[r->ordered++] = object;
    }
    return &r->by_time[object];
}

static void hear(struct run *r, const char *host, const char *service, struct buffer *line) {
    struct lines *into = r->into;
    if (!into) {
        into = strstr(buffer_cstr(line), "DOWNTIME") ? &r->downtime : by_time(r, host, service);
    }
    lines_add(into, buffer_cstr(line));
    buffer_free(line);
}

static void hear_event(void *self, const struct monitor_event *e) {
    static const char *const words[] = {
        [EVENT_FLAPPING_STARTED] = "STARTED",   [EVENT_FLAPPING_STOPPED] = "STOPPED",
        [EVENT_FLAPPING_DISABLED] = "DISABLED", [EVENT_DOWNTIME_STARTED] = "STARTED",
        [EVENT_DOWNTIME_STOPPED] = "STOPPED",   [EVENT_DOWNTIME_CANCELLED] = "CANCELLED"};
    struct buffer line = {0};
    if (e->kind == EVENT_STATE) {
        buffer_printf(&line, "ALERT %s;%s;%s;%s;%u;%s", e->host, e->service, state_name(!e->service[0], e->state),
                      e->hard ? "HARD" : "SOFT", e->attempt, e->text);
    } else {
        buffer_printf(&line, "%s %s;%s;%s", e->kind >= EVENT_DOWNTIME_STARTED ? "DOWNTIME" : "FLAPPING", e->host,
                      e->service, words[e->kind]);
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
    if (a->type == ALERT_ACKNOWLEDGEMENT || a->type == ALERT_CUSTOM) {
        buffer_printf(&line, ";%s;%s", a->author, a->comment);
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

static void observe(struct run *r, const struct step *step, const struct monitor_sink *sink) {
    const struct plan_object *o = &r->s->plan[step->object];
    struct observation result = {.host = o->host,
                                 .service = o->service,
                                 .obs_seq = ++r->obs_seq,
                                 .state = step->state,
                                 .output = step->text,
                                 .perfdata = "",
                                 .observed_at = r->t * 1000};
    bool convict = false;
    enum error e = monitor_observe(r->m, "o", &result, sink, &convict);
    if (e != ERR_OK) {
        fail(step->text, error_text(e));
    }
}

/* "downtime 7 of h0/s01": quorate numbers downtimes among comments, Nagios by themselves. */
static void command(struct run *r, const struct step *step, const struct monitor_sink *sink) {
    struct op_command op = step->op;
    struct buffer answer = {0};
    op.id = step->downtime && step->downtime <= r->planned ? r->ids[step->downtime - 1]
            : step->downtime                               ? UINT32_MAX
                                                           : 0;
    enum error e = monitor_command(r->m, "op", &op, sink, &answer);
    if (op.kind == COMMAND_DOWNTIME && e == ERR_OK && r->planned < DOWNTIMES_MAX) {
        r->ids[r->planned++] = strtoull(buffer_cstr(&answer) + strlen("downtime "), NULL, 10);
    }
    buffer_free(&answer);
}

static void play(struct run *r, size_t at, const struct monitor_sink *sink) {
    const struct step *step = &r->s->steps[at];
    struct lines heard = step->ours;
    r->into = &heard;
    if (step->kind == STEP_COMMAND) {
        command(r, step, sink);
    } else {
        observe(r, step, sink);
    }
    r->into = NULL;
    r->s->steps[at].ours = heard;
    monitor_check(r->m);
}

/* What time brought is told with the result that Nagios needs to notice it. */
static void repeat(struct run *r, const struct monitor_sink *sink) {
    for (unsigned i = 0; i < r->ordered; i++) {
        unsigned object = r->order[i];
        struct step *step = sequence_insert(r->s, STEP_AGAIN, object, r->t);
        step->ours = r->by_time[object];
        r->by_time[object] = (struct lines){0};
        play(r, r->s->count - 1, sink);
    }
    r->ordered = 0;
}

/* Second by second, as the clock of Nagios moves wherever anything happens. */
static void advance(struct run *r, int64_t wait, const struct monitor_sink *sink) {
    for (; wait > 0; wait--) {
        r->t++;
        monitor_advance(r->m, ++r->n, r->t * 1000, sink);
        monitor_check(r->m);
        if (r->downtime.count > 0) {
            sequence_insert(r->s, STEP_TIME, 0, r->t)->ours = r->downtime;
            r->downtime = (struct lines){0};
        }
        repeat(r, sink);
    }
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
        advance(&r, wait, &sink);
        if (s->plan[sequence_draw(s, &p, r.t)->object].left_out) {
            s->count--;
        } else {
            play(&r, s->count - 1, &sink);
        }
    }
    monitor_free(r.m);
}
