/* The plan: a list of what is expected, a list of what was handed over, each message matched with the first expected
   one that it fits. What fits nothing is false; what came twice was not told once. */
#include "client/drill/plan.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct expected {
    enum alert_type type;
    char *host, *service;
    uint8_t state;
    bool told, given_up, late;
};
struct message {
    uint64_t number;
    enum alert_type type;
    char *host, *service;
    uint8_t state;
    bool agreed;     /* found in the stream */
    unsigned breach; /* that it is false: 1 + its index, 0: it is not */
};
struct permit {
    enum alert_type type;
    char *host, *service; /* NULL: any */
};
struct truth {
    char *host, *service;
    unsigned state;
};
struct breach {
    enum promise promise;
    char *reason;
};

/* A list that grows: items, count. */
#define LIST(type)                                                                                                     \
    struct {                                                                                                           \
        unsigned count;                                                                                                \
        struct type *items;                                                                                            \
    }
#define GROW(list) ((list)->items = xrealloc((list)->items, ((list)->count + 1) * sizeof *(list)->items))

struct plan {
    unsigned allowed, again, false_ones;
    bool in_order, whole;
    LIST(expected) expected;
    LIST(message) messages;
    LIST(permit) permits;
    LIST(truth) truths;
    LIST(breach) breaches;
    uint64_t highest;              /* number handed over */
    uint64_t stream_first, stream; /* first and last number of the agreed stream */
};

struct plan *plan_new(unsigned allowed, bool in_order, bool whole) {
    struct plan *p = xcalloc(1, sizeof *p);
    p->allowed = allowed;
    p->in_order = in_order;
    p->whole = whole;
    return p;
}

void plan_free(struct plan *p) {
    if (p == NULL) {
        return;
    }
    for (unsigned i = 0; i < p->expected.count; i++) {
        free(p->expected.items[i].host);
        free(p->expected.items[i].service);
    }
    for (unsigned i = 0; i < p->messages.count; i++) {
        free(p->messages.items[i].host);
        free(p->messages.items[i].service);
    }
    for (unsigned i = 0; i < p->permits.count; i++) {
        free(p->permits.items[i].host);
        free(p->permits.items[i].service);
    }
    for (unsigned i = 0; i < p->truths.count; i++) {
        free(p->truths.items[i].host);
        free(p->truths.items[i].service);
    }
    for (unsigned i = 0; i < p->breaches.count; i++) {
        free(p->breaches.items[i].reason);
    }
    free(p->expected.items);
    free(p->messages.items);
    free(p->permits.items);
    free(p->truths.items);
    free(p->breaches.items);
    free(p);
}

__attribute__((format(printf, 3, 4))) static void breach(struct plan *p, enum promise promise, const char *format,
                                                         ...) {
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    GROW(&p->breaches);
    p->breaches.items[p->breaches.count++] = (struct breach){promise, xstrdup(text)};
}

/* "web1/http", "web1" or "the cluster" for reasons. */
static const char *subject(char out[512], const char *host, const char *service) {
    snprintf(out, 512, "%s%s%s", *host != '\0' ? host : "the cluster", *service != '\0' ? "/" : "", service);
    return out;
}

static const char *state_word(const char *service, unsigned state) {
    return state_name(*service == '\0', state);
}

/* ---- what is expected ---- */

static void expect(struct plan *p, enum alert_type type, const char *host, const char *service, unsigned state) {
    GROW(&p->expected);
    p->expected.items[p->expected.count++] =
        (struct expected){.type = type, .host = xstrdup(host), .service = xstrdup(service), .state = (uint8_t)state};
}

static struct truth *truth_of(struct plan *p, const char *host, const char *service) {
    for (unsigned i = 0; i < p->truths.count; i++) {
        struct truth *t = &p->truths.items[i];
        if (strcmp(t->host, host) == 0 && strcmp(t->service, service) == 0) {
            return t;
        }
    }
    GROW(&p->truths);
    p->truths.items[p->truths.count] = (struct truth){xstrdup(host), xstrdup(service), 0};
    return &p->truths.items[p->truths.count++];
}

void plan_truth(struct plan *p, const char *host, const char *service, unsigned state) {
    struct truth *t = truth_of(p, host, service);
    if (t->state != state) {
        t->state = state;
        expect(p, state == 0 ? ALERT_RECOVERY : ALERT_PROBLEM, host, service, state);
    }
}

void plan_expect(struct plan *p, enum alert_type type, const char *host, const char *service) {
    expect(p, type, host, service, PLAN_ANY_STATE);
}

void plan_allow(struct plan *p, enum alert_type type, const char *host, const char *service) {
    GROW(&p->permits);
    p->permits.items[p->permits.count++] =
        (struct permit){type, host != NULL ? xstrdup(host) : NULL, service != NULL ? xstrdup(service) : NULL};
}

void plan_allow_again(struct plan *p, unsigned count) {
    p->again += count;
}

unsigned plan_waiting(const struct plan *p) {
    unsigned waiting = 0;
    for (unsigned i = 0; i < p->expected.count; i++) {
        waiting += !p->expected.items[i].told && !p->expected.items[i].given_up;
    }
    return waiting;
}

void plan_give_up(struct plan *p) {
    for (unsigned i = 0; i < p->expected.count; i++) {
        struct expected *e = &p->expected.items[i];
        if (!e->told && !e->given_up) {
            char place[512];
            e->given_up = true;
            breach(p, PROMISE_NO_MISSED_ALERT, "%s of %s%s%s was not told in time", alert_type_name(e->type),
                   subject(place, e->host, e->service), e->state != PLAN_ANY_STATE ? ", " : "",
                   e->state != PLAN_ANY_STATE ? state_word(e->service, e->state) : "");
        }
    }
}

/* ---- what was handed over ---- */

static bool read_number(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *out = v;
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static bool read_type(const char *text, enum alert_type *out) {
    for (unsigned t = 1; t < ALERT_TYPE_LIMIT; t++) {
        if (strcmp(alert_type_name((enum alert_type)t), text) == 0) {
            *out = (enum alert_type)t;
            return true;
        }
    }
    return false;
}

/* A number, or a word for hosts or services; alerts about the cluster may have none. */
static bool read_state(const char *text, uint8_t *out) {
    uint64_t number;
    if (*text == '\0' || read_number(text, &number)) {
        *out = *text == '\0' ? 0 : (uint8_t)number;
        return true;
    }
    for (unsigned s = 0; s <= STATE_PENDING; s++) {
        if (strcmp(state_name(true, s), text) == 0 || strcmp(state_name(false, s), text) == 0) {
            *out = (uint8_t)s;
            return true;
        }
    }
    return false;
}

/* Fields are cut out of the copy that `line` is. */
static bool read_message(struct message *out, char *line) {
    char *fields[5], *rest = line;
    for (unsigned i = 0; i < 5; i++) {
        fields[i] = strsep(&rest, "\t");
        if (fields[i] == NULL) {
            return false;
        }
    }
    *out = (struct message){.host = fields[2], .service = fields[3]};
    return read_number(fields[0], &out->number) && read_type(fields[1], &out->type) &&
           read_state(fields[4], &out->state);
}

static struct message *message_of(struct plan *p, uint64_t number) {
    for (unsigned i = 0; i < p->messages.count; i++) {
        if (p->messages.items[i].number == number) {
            return &p->messages.items[i];
        }
    }
    return NULL;
}

static bool same(enum alert_type type, const char *host, const char *service, const struct message *m) {
    return m->type == type && strcmp(host, m->host) == 0 && strcmp(service, m->service) == 0;
}

/* The first that it fits. One that was given up is better late than false. */
static struct expected *find_expected(struct plan *p, const struct message *m) {
    for (unsigned i = 0; i < p->expected.count; i++) {
        struct expected *e = &p->expected.items[i];
        if (!e->told && same(e->type, e->host, e->service, m) && (e->state == PLAN_ANY_STATE || e->state == m->state)) {
            return e;
        }
    }
    return NULL;
}

static bool is_allowed(const struct plan *p, const struct message *m) {
    for (unsigned i = 0; i < p->permits.count; i++) {
        const struct permit *a = &p->permits.items[i];
        if (a->type == m->type && (a->host == NULL || strcmp(a->host, m->host) == 0) &&
            (a->service == NULL || strcmp(a->service, m->service) == 0)) {
            return true;
        }
    }
    return (p->allowed >> m->type & 1u) != 0;
}

static void take_again(struct plan *p, const struct message *first, const struct message *m) {
    if (!same(m->type, m->host, m->service, first) || m->state != first->state) {
        breach(p, PROMISE_ONE_STREAM, "alert %llu was handed over twice, and as two", (unsigned long long)m->number);
        return;
    }
    if (p->again > 0) {
        p->again--;
        return;
    }
    breach(p, PROMISE_ONE_STREAM, "alert %llu was handed over twice", (unsigned long long)m->number);
}

static void judge_message(struct plan *p, struct message *m) {
    struct expected *e = find_expected(p, m);
    char place[512];
    if (e != NULL) {
        e->told = true;
        e->late = e->given_up;
    } else if (!is_allowed(p, m)) {
        p->false_ones++;
        breach(p, PROMISE_NO_FALSE_ALERT, "alert %llu, %s of %s, %s, follows from nothing that was planted",
               (unsigned long long)m->number, alert_type_name(m->type), subject(place, m->host, m->service),
               state_word(m->service, m->state));
        m->breach = p->breaches.count;
    }
    if (p->in_order && m->number < p->highest) {
        breach(p, PROMISE_ONE_STREAM, "alert %llu was handed over behind alert %llu", (unsigned long long)m->number,
               (unsigned long long)p->highest);
    }
    p->highest = m->number > p->highest ? m->number : p->highest;
}

void plan_hand(struct plan *p, const char *line) {
    char *copy = xstrdup(line);
    struct message m;
    const struct message *first;
    if (!read_message(&m, copy)) {
        p->false_ones++;
        breach(p, PROMISE_NO_FALSE_ALERT, "the sink was handed what is no alert: %.200s", line);
    } else if ((first = message_of(p, m.number)) != NULL) {
        take_again(p, first, &m);
    } else {
        m.host = xstrdup(m.host);
        m.service = xstrdup(m.service);
        GROW(&p->messages);
        p->messages.items[p->messages.count++] = m;
        judge_message(p, &p->messages.items[p->messages.count - 1]);
    }
    free(copy);
}

unsigned plan_handed(const struct plan *p) {
    return p->messages.count;
}

uint64_t plan_highest(const struct plan *p) {
    return p->highest;
}

unsigned plan_handed_about(const struct plan *p, enum alert_type type, const char *host, const char *service) {
    unsigned count = 0;
    for (unsigned i = 0; i < p->messages.count; i++) {
        count += same(type, host, service, &p->messages.items[i]);
    }
    return count;
}

/* ---- the agreed stream ---- */

static const char *text_of(const json_t *alert, const char *key) {
    const char *text = json_string_value(json_object_get(alert, key));
    return text != NULL ? text : "";
}

/* A state is one of hosts and services; what is said of the cluster has none that a message could show. */
static bool alike(const struct message *m, const json_t *alert) {
    uint8_t state = 0;
    return strcmp(alert_type_name(m->type), text_of(alert, "type")) == 0 &&
           strcmp(m->host, text_of(alert, "host")) == 0 && strcmp(m->service, text_of(alert, "service")) == 0 &&
           (*m->host == '\0' || (read_state(text_of(alert, "state"), &state) && state == m->state));
}

/* Messages have no text; the agreed alert does. */
static void quote(struct plan *p, const struct message *m, const json_t *alert) {
    struct breach *b = &p->breaches.items[m->breach - 1];
    struct buffer text = {0};
    buffer_printf(&text, "%s: \"%.300s\"", b->reason, text_of(alert, "output"));
    free(b->reason);
    b->reason = xstrdup(buffer_cstr(&text));
    buffer_free(&text);
}

void plan_stream(struct plan *p, const json_t *alert) {
    uint64_t number = (uint64_t)json_integer_value(json_object_get(alert, "number"));
    struct message *m = message_of(p, number);
    char place[512];
    if (p->stream_first == 0) {
        p->stream_first = number;
        if (p->whole && number != 1) {
            breach(p, PROMISE_ONE_STREAM, "the alert stream begins at %llu", (unsigned long long)number);
        }
    } else if (number != p->stream + 1) {
        breach(p, PROMISE_ONE_STREAM, "the alert stream goes from %llu to %llu", (unsigned long long)p->stream,
               (unsigned long long)number);
    }
    p->stream = number;
    if (m != NULL) {
        m->agreed = true;
        if (m->breach > 0) {
            quote(p, m, alert);
        }
        if (!alike(m, alert)) {
            breach(p, PROMISE_ONE_STREAM, "alert %llu is another one in the sink than in the stream",
                   (unsigned long long)number);
        }
    } else if (json_array_size(json_object_get(alert, "contacts")) > 0) {
        breach(p, PROMISE_NO_MISSED_ALERT, "alert %llu, %s of %s, was agreed on but not handed over",
               (unsigned long long)number, text_of(alert, "type"),
               subject(place, text_of(alert, "host"), text_of(alert, "service")));
    }
}

void plan_stream_end(struct plan *p) {
    for (unsigned i = 0; i < p->messages.count; i++) {
        const struct message *m = &p->messages.items[i];
        if (!m->agreed && (p->stream_first == 0 || m->number >= p->stream_first)) {
            breach(p, PROMISE_NO_FALSE_ALERT, "alert %llu was handed over but is not in the agreed stream",
                   (unsigned long long)m->number);
        }
    }
}

/* ---- what came of it ---- */

struct plan_count plan_count(const struct plan *p) {
    struct plan_count c = {.expected = p->expected.count, .raised = p->messages.count, .false_ones = p->false_ones};
    for (unsigned i = 0; i < p->expected.count; i++) {
        c.missed += p->expected.items[i].given_up && !p->expected.items[i].told;
        c.late += p->expected.items[i].late;
    }
    return c;
}

void plan_breaches(const struct plan *p, plan_breach *visit, void *context) {
    for (unsigned i = 0; i < p->breaches.count; i++) {
        visit(context, p->breaches.items[i].promise, p->breaches.items[i].reason);
    }
}
