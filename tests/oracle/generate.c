/* The random half of the oracle: a configuration that both sides read, and results. Each feature is a row of a table,
   drawn in or out for a sequence, then by chance for each object. */
#include "tests/oracle/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOSTS_MIN = 2, SERVICES = 30, CONTACTS = 4, HOT = 6 };

struct draw { /* of one sequence */
    struct prng p;
    uint32_t features;
    struct buffer *out;
};

static const char *pick(struct prng *p, const char *const *list, size_t count) {
    return list[prng_below(p, count)];
}
#define PICK(p, ...)                                                                                                   \
    pick((p), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* A random choice of the letters, at least one. */
static void put_letters(struct draw *d, const char *directive, const char *letters) {
    size_t count = strlen(letters);
    uint64_t chosen = 1 + prng_below(&d->p, (UINT64_C(1) << count) - 1);
    buffer_printf(d->out, " %s ", directive);
    const char *comma = "";
    for (size_t i = 0; i < count; i++) {
        if (chosen >> i & 1) {
            buffer_printf(d->out, "%s%c", comma, letters[i]);
            comma = ",";
        }
    }
    buffer_printf(d->out, "\n");
}

/* ---- directives of hosts and services ---- */

static void put_attempts(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    buffer_printf(d->out, " max_check_attempts %u\n", on ? 1 + (unsigned)prng_below(&d->p, 4) : 3);
}
static void put_volatile(struct draw *d, bool is_host, bool on) {
    if (on && !is_host && prng_chance(&d->p, 250)) {
        buffer_printf(d->out, " is_volatile 1\n");
    }
}
static void put_interval(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    buffer_printf(d->out, " notification_interval %s\n", on ? PICK(&d->p, "0", "7", "30", "120") : "0");
}
static void put_delay(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    if (on) {
        buffer_printf(d->out, " first_notification_delay %s\n", PICK(&d->p, "0", "5", "40"));
    }
}
static void put_options(struct draw *d, bool is_host, bool on) {
    if (on && prng_chance(&d->p, 600)) {
        put_letters(d, "notification_options", is_host ? "durf" : "wucrf");
    }
}
static void put_contacts(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    buffer_printf(d->out, " contacts c0");
    for (unsigned i = 1; on && i < CONTACTS; i++) {
        if (prng_chance(&d->p, 400)) {
            buffer_printf(d->out, ",c%u", i);
        }
    }
    buffer_printf(d->out, "\n");
}
static void put_period(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    bool limited = on && prng_chance(&d->p, 400);
    buffer_printf(d->out, " notification_period %s\n", limited ? PICK(&d->p, "shifts", "breaks", "never") : "always");
}
static void put_enabled(struct draw *d, bool is_host, bool on) {
    (void)is_host;
    if (on && prng_chance(&d->p, 150)) {
        buffer_printf(d->out, " notifications_enabled 0\n");
    }
}
/* No percentage meets any of these thresholds exactly: Nagios has them in floating point. */
static void put_flapping(struct draw *d, bool is_host, bool on) {
    if (on && prng_chance(&d->p, 500)) {
        buffer_printf(d->out, " low_flap_threshold %s\n high_flap_threshold %s\n", PICK(&d->p, "5.5", "12", "19.9"),
                      PICK(&d->p, "21", "25.5", "40.1"));
    }
    if (on && prng_chance(&d->p, 200)) {
        put_letters(d, "flap_detection_options", is_host ? "odu" : "owuc");
    }
    if (on && prng_chance(&d->p, 100)) {
        buffer_printf(d->out, " flap_detection_enabled 0\n");
    }
}

/* ---- of contacts ---- */

static void put_contact_options(struct draw *d, bool is_host, bool on) {
    const char *directive = is_host ? "host_notification_options" : "service_notification_options";
    if (on && prng_chance(&d->p, 600)) {
        put_letters(d, directive, is_host ? "durf" : "wucrf");
    } else {
        buffer_printf(d->out, " %s %s\n", directive, is_host ? "d,u,r,f" : "w,u,c,r,f");
    }
}
static void put_contact_period(struct draw *d, bool is_host, bool on) {
    bool limited = on && prng_chance(&d->p, 300);
    buffer_printf(d->out, " %s_notification_period %s\n", is_host ? "host" : "service",
                  limited ? PICK(&d->p, "shifts", "breaks", "never") : "always");
}
static void put_contact_enabled(struct draw *d, bool is_host, bool on) {
    bool off = on && prng_chance(&d->p, 200);
    buffer_printf(d->out, " %s_notifications_enabled %d\n", is_host ? "host" : "service", off ? 0 : 1);
}

/* ---- the table ---- */

struct feature {
    const char *name;
    void (*object)(struct draw *d, bool is_host, bool on);
    void (*contact)(struct draw *d, bool is_host, bool on);
};
enum {
    FEATURE_FLAPPING = 8,
    FEATURE_HOSTS = 12,
    FEATURE_PARENTS,
    FEATURE_ESCALATIONS,
    FEATURE_DEPENDENCIES,
    OBJECT_FEATURES,
    FEATURE_COUNT = OBJECT_FEATURES + ACTION_COUNT
};
static const struct feature features[OBJECT_FEATURES] = {
    {"attempts", put_attempts, NULL},
    {"volatile", put_volatile, NULL},
    {"interval", put_interval, NULL},
    {"delay", put_delay, NULL},
    {"options", put_options, NULL},
    {"contacts", put_contacts, NULL},
    {"period", put_period, NULL},
    {"enabled", put_enabled, NULL},
    [FEATURE_FLAPPING] = {"flapping", put_flapping, NULL},
    {"contact-options", NULL, put_contact_options},
    {"contact-period", NULL, put_contact_period},
    {"contact-enabled", NULL, put_contact_enabled},
    [FEATURE_HOSTS] = {"hosts", NULL, NULL},
    [FEATURE_PARENTS] = {"parents", NULL, NULL},
    [FEATURE_ESCALATIONS] = {"escalations", NULL, NULL},
    [FEATURE_DEPENDENCIES] = {"dependencies", NULL, NULL},
};

static bool has(const struct draw *d, unsigned feature) {
    return d->features >> feature & 1;
}

static const char *feature_name(unsigned i) {
    return i < OBJECT_FEATURES ? features[i].name : action_names[i - OBJECT_FEATURES];
}

void sequence_describe(const struct sequence *s, struct buffer *out) {
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        if (s->features >> i & 1) {
            buffer_printf(out, "%s%s", out->len ? "," : "", feature_name(i));
        }
    }
}

uint32_t sequence_features(const char *names) {
    uint32_t set = 0;
    for (unsigned i = 0; i < FEATURE_COUNT; i++) {
        const char *at = strstr(names, feature_name(i));
        size_t len = strlen(feature_name(i));
        for (; at; at = strstr(at + 1, feature_name(i))) {
            bool begins = at == names || at[-1] == ',', ends = at[len] == ',' || !at[len];
            set |= begins && ends ? UINT32_C(1) << i : 0;
        }
    }
    return set;
}

static void put_all(struct draw *d, bool is_host) {
    for (unsigned i = 0; i < OBJECT_FEATURES; i++) {
        if (features[i].object) {
            features[i].object(d, is_host, has(d, i));
        }
    }
}

/* ---- the configuration ---- */

static void put_periods(struct draw *d) {
    static const char *const names[] = {"shifts", "breaks"};
    buffer_printf(d->out, "define timeperiod {\n timeperiod_name always\n alias always\n wednesday 00:00-24:00\n}\n"
                          "define timeperiod {\n timeperiod_name never\n alias never\n}\n");
    for (unsigned i = 0; i < 2; i++) {
        buffer_printf(d->out, "define timeperiod {\n timeperiod_name %s\n alias %s\n wednesday ", names[i], names[i]);
        for (unsigned minute = (unsigned)prng_below(&d->p, 6), begun = 0; minute < 170; begun = 1) {
            unsigned end = minute + 1 + (unsigned)prng_below(&d->p, 9);
            buffer_printf(d->out, "%s%02u:%02u-%02u:%02u", begun ? "," : "", 12 + minute / 60, minute % 60,
                          12 + end / 60, end % 60);
            minute = end + 1 + (unsigned)prng_below(&d->p, 6);
        }
        buffer_printf(d->out, "\n}\n");
    }
}

static void put_people(struct draw *d) {
    buffer_printf(d->out, "define command {\n command_name page\n command_line /bin/true\n}\n"
                          "define command {\n command_name check\n command_line /bin/true\n}\n");
    for (unsigned i = 0; i < CONTACTS; i++) {
        buffer_printf(d->out,
                      "define contact {\n contact_name c%u\n alias c%u\n"
                      " host_notification_commands page\n service_notification_commands page\n",
                      i, i);
        for (unsigned f = 0; f < OBJECT_FEATURES; f++) {
            if (features[f].contact) {
                features[f].contact(d, true, has(d, f));
                features[f].contact(d, false, has(d, f));
            }
        }
        buffer_printf(d->out, "}\n");
    }
}

/* check_interval 0: a result of a service counts for the flapping of its host when the average check_interval passed.
   Nagios never adds that up (common/objects.c, add_service), so with any other value it counts them all. */
static void put_common(struct draw *d) {
    buffer_printf(d->out, " check_interval 0\n retry_interval 5\n active_checks_enabled 0\n"
                          " check_freshness 0\n _OBSERVERS o\n");
}

static struct plan_object *plan_add(struct sequence *s, struct draw *d, unsigned host) {
    struct plan_object *o = &s->plan[s->object_count++];
    snprintf(o->host, sizeof o->host, "h%u", host);
    snprintf(o->text, sizeof o->text, "first");
    o->host_at = host;
    o->lively = prng_chance(&d->p, 300);
    return o;
}

static void put_rest(struct draw *d, struct plan_object *o) {
    size_t before = d->out->len;
    put_common(d);
    put_all(d, o->is_host);
    const char *text = buffer_cstr(d->out) + before;
    o->is_volatile = strstr(text, "is_volatile 1") != NULL;
    o->max_attempts = (unsigned)atoi(strstr(text, "max_check_attempts ") + strlen("max_check_attempts "));
    buffer_printf(d->out, "}\n");
}

static void put_host(struct sequence *s, struct draw *d, unsigned host) {
    struct plan_object *o = plan_add(s, d, host);
    o->is_host = true;
    buffer_printf(d->out, "define host {\n host_name h%u\n alias h%u\n address 127.0.0.1\n", host, host);
    if (has(d, FEATURE_PARENTS) && host > 0 && prng_chance(&d->p, 700)) {
        unsigned first = (unsigned)prng_below(&d->p, host), second = (unsigned)prng_below(&d->p, host);
        buffer_printf(d->out, " parents h%u", first);
        buffer_printf(d->out, first != second && prng_chance(&d->p, 300) ? ",h%u\n" : "\n", second);
    }
    put_rest(d, o);
}

static void put_service(struct sequence *s, struct draw *d, unsigned host, unsigned service) {
    struct plan_object *o = plan_add(s, d, host);
    snprintf(o->service, sizeof o->service, "s%02u", service);
    buffer_printf(d->out, "define service {\n host_name h%u\n service_description %s\n check_command check\n", host,
                  o->service);
    put_rest(d, o);
}

/* ---- relations ---- */

static void put_name(struct draw *d, const char *prefix, const struct plan_object *o) {
    buffer_printf(d->out, " %shost_name %s\n", prefix, o->host);
    if (!o->is_host) {
        buffer_printf(d->out, " %sservice_description %s\n", prefix, o->service);
    }
}

/* Not of volatile services: each reminder by the clock makes quorate's numbers higher. */
static void put_escalation(struct draw *d, const struct plan_object *o) {
    if (o->is_volatile || !prng_chance(&d->p, 500)) {
        return;
    }
    unsigned first = 1 + (unsigned)prng_below(&d->p, 4), last = first + (unsigned)prng_below(&d->p, 4);
    buffer_printf(d->out, "define %sescalation {\n", o->is_host ? "host" : "service");
    put_name(d, "", o);
    buffer_printf(d->out, " contacts c%u,c%u\n", (unsigned)prng_below(&d->p, CONTACTS),
                  (unsigned)prng_below(&d->p, CONTACTS));
    buffer_printf(d->out, " first_notification %u\n last_notification %u\n notification_interval %s\n", first,
                  prng_chance(&d->p, 300) ? 0 : last, PICK(&d->p, "0", "9", "40"));
    if (prng_chance(&d->p, 300)) {
        put_letters(d, "escalation_options", o->is_host ? "dur" : "wucr");
    }
    if (prng_chance(&d->p, 200)) {
        buffer_printf(d->out, " escalation_period %s\n", PICK(&d->p, "shifts", "breaks"));
    }
    buffer_printf(d->out, "}\n");
}

/* On one that comes before it in the plan, so that there is no circle. OK and PENDING are left out: Nagios takes the
   one for the other. */
static void put_dependency(struct sequence *s, struct draw *d, unsigned object) {
    struct plan_object *o = &s->plan[object];
    unsigned from = o->is_host ? 0 : s->host_count;
    if (object == from || !prng_chance(&d->p, 400)) {
        return;
    }
    unsigned master = from + (unsigned)prng_below(&d->p, object - from);
    o->masters |= UINT64_C(1) << master;
    buffer_printf(d->out, "define %sdependency {\n", o->is_host ? "host" : "service");
    put_name(d, "", &s->plan[master]);
    put_name(d, "dependent_", o);
    put_letters(d, "notification_failure_criteria", o->is_host ? "du" : "wuc");
    buffer_printf(d->out, " inherits_parent %d\n}\n", prng_chance(&d->p, 300));
}

static void put_relations(struct sequence *s, struct draw *d) {
    for (unsigned i = 0; i < s->object_count; i++) {
        for (unsigned times = 0; has(d, FEATURE_ESCALATIONS) && times < 2; times++) {
            put_escalation(d, &s->plan[i]);
        }
        if (has(d, FEATURE_DEPENDENCIES)) {
            put_dependency(s, d, i);
        }
    }
}

static void draw_flapping(struct sequence *s, struct draw *d) {
    s->flap_detection = has(d, FEATURE_FLAPPING);
    for (unsigned i = 0; i < 2; i++) {
        s->low_flap[i] = atof(PICK(&d->p, "5", "10.1", "19.9"));
        s->high_flap[i] = atof(PICK(&d->p, "20.5", "25.1", "30.1"));
    }
}

void sequence_begin(struct sequence *s, uint64_t seed, uint32_t only) {
    *s = (struct sequence){.seed = seed};
    struct draw d = {.out = &s->objects};
    prng_seed(&d.p, seed);
    uint32_t drawn = (uint32_t)prng_next(&d.p) & ((UINT32_C(1) << FEATURE_COUNT) - 1);
    s->first_action = OBJECT_FEATURES;
    s->features = d.features = only == FEATURES_ANY ? drawn : only;
    draw_flapping(s, &d);
    put_periods(&d);
    put_people(&d);
    unsigned hosts = HOSTS_MIN + (unsigned)prng_below(&d.p, ORACLE_HOSTS_MAX - HOSTS_MIN + 1);
    for (unsigned i = 0; i < hosts; i++) {
        put_host(s, &d, i);
    }
    s->host_count = hosts;
    for (unsigned i = 0; i < SERVICES; i++) {
        put_service(s, &d, (unsigned)prng_below(&d.p, hosts), i);
    }
    put_relations(s, &d);
}

void sequence_free(struct sequence *s) {
    for (size_t i = 0; i < s->count; i++) {
        lines_free(&s->steps[i].ours);
        lines_free(&s->steps[i].theirs);
    }
    free(s->steps);
    buffer_free(&s->objects);
}

/* ---- results ---- */

int64_t sequence_wait(struct prng *p) {
    if (prng_chance(p, 400)) {
        return 0;
    }
    return prng_chance(p, 50) ? 40 + (int64_t)prng_below(p, 80) : 1 + (int64_t)prng_below(p, 12);
}

struct step *sequence_insert(struct sequence *s, enum step_kind kind, unsigned object, int64_t t) {
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 256;
        s->steps = xrealloc(s->steps, s->cap * sizeof *s->steps);
    }
    const struct plan_object *o = &s->plan[object];
    struct step *step = &s->steps[s->count];
    *step = (struct step){.kind = kind, .t = t, .drawn = s->drawn, .object = object, .state = o->state};
    memcpy(step->text, o->text, sizeof step->text);
    if (kind == STEP_TIME) {
        snprintf(step->command, sizeof step->command, "DISABLE_PERFORMANCE_DATA;time %zu", s->count);
    }
    s->count++;
    return step;
}

static uint8_t draw_state(struct prng *p, bool is_host) {
    static const uint8_t states[] = {0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 3};
    return is_host ? (uint8_t)prng_chance(p, 450) : states[prng_below(p, sizeof states)];
}

/* A few services are spoken of most of the time, so that histories get long. */
static unsigned draw_object(const struct sequence *s, struct prng *p) {
    if (s->features >> FEATURE_HOSTS & 1 && prng_chance(p, 200)) {
        return (unsigned)prng_below(p, s->host_count);
    }
    uint64_t of = prng_chance(p, 700) ? HOT : s->object_count - s->host_count;
    return s->host_count + (unsigned)prng_below(p, of);
}

/* A problem that begins under a host that is not UP: Nagios sets its attempt to the last and at once back to the first
   (base/checks.c, handle_async_service_check_result), and from then on takes the HARD problem for a SOFT one here and
   there. What comes of it is no rule that could be compared, so it is left out where it matters. */
static bool is_beyond_compare(const struct sequence *s, const struct plan_object *o, uint8_t next) {
    return !o->is_host && o->max_attempts > 1 && o->state == 0 && next != 0 && s->plan[o->host_at].state != 0;
}

struct step *sequence_draw(struct sequence *s, struct prng *p, int64_t t) {
    unsigned object = draw_object(s, p);
    struct plan_object *o = &s->plan[object];
    struct step said = {.kind = STEP_COMMAND, .t = t, .drawn = s->drawn, .object = object};
    if (action_draw(s, p, &said)) {
        s->drawn++;
        struct step *step = sequence_insert(s, STEP_COMMAND, object, t);
        *step = said;
        return step;
    }
    uint8_t next = prng_chance(p, o->lively ? 600 : 250) ? draw_state(p, o->is_host) : o->state;
    o->state = is_beyond_compare(s, o, next) ? 0 : next;
    o->reported = true;
    snprintf(o->text, sizeof o->text, "r%zu", s->drawn);
    struct step *step = sequence_insert(s, STEP_RESULT, object, t);
    s->drawn++;
    return step;
}
