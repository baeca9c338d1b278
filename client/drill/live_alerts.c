/* The alerts of a running cluster during a drill. The stream is proven by certificates and read without gaps; every
   PROBLEM in it bears the votes that it follows from, and every hard problem that the states show has been told. */
#include "base/clock.h"
#include "client/drill/live_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_MS = 5000, PAGES_NOW = 8 };

static struct live_problem *problem_of(struct live *l, const char *host, const char *service) {
    for (unsigned i = 0; i < l->problem_count; i++) {
        struct live_problem *p = &l->problems[i];
        if (strcmp(p->host, host) == 0 && strcmp(p->service, service) == 0) {
            return p;
        }
    }
    if (l->problem_count == LIVE_PROBLEMS_MAX) {
        return NULL;
    }
    struct live_problem *p = &l->problems[l->problem_count++];
    *p = (struct live_problem){.host = xstrdup(host), .service = xstrdup(service)};
    return p;
}

void live_alerts_free(struct live *l) {
    for (unsigned i = 0; i < l->problem_count; i++) {
        free(l->problems[i].host);
        free(l->problems[i].service);
    }
    l->problem_count = 0;
}

/* ---- the stream ---- */

/* Votes that count and see a problem. Too few of them is no problem that anybody reported, unless so many are missing
   that nobody can know. */
static bool is_borne(const struct alert *a) {
    unsigned borne = 0;
    for (unsigned i = 0; i < a->vote_count; i++) {
        const struct vote_view *v = &a->votes[i];
        borne += v->fresh && !v->masked && !v->convicted && v->state != STATE_OK && v->state != STATE_PENDING;
    }
    return borne >= a->quorum || a->state == STATE_UNKNOWN;
}

static bool take_alert(void *context, const struct client_alert *c) {
    struct live *l = context;
    const struct alert *a = &c->alert;
    if (a->number != l->alert + 1) {
        live_broken(l, PROMISE_ONE_STREAM, "alert %" PRIu64 " follows %" PRIu64, a->number, l->alert);
    }
    l->alert = a->number;
    l->raised++;
    if (a->type == ALERT_PROBLEM) {
        struct live_problem *p = problem_of(l, a->host, a->service);
        if (p != NULL) {
            p->told = true;
        }
        if (!is_borne(a)) {
            l->false_ones++;
            live_broken(l, PROMISE_NO_FALSE_ALERT, "alert %" PRIu64 ": fewer votes than %u bear it", a->number,
                        a->quorum);
        }
    }
    return true;
}

/* The target may offer what it likes: it is drilled. */
static void complain(void *context, member_id replica, const char *what) {
    struct live *l = context;
    if (replica != l->target) {
        live_broken(l, PROMISE_ONE_STREAM, "replica %u: %s", (unsigned)replica, what);
    }
}

void live_follow(struct live *l) {
    uint64_t before;
    do {
        before = l->alert;
        client_alerts(l->order->client, l->alert, 0, take_alert, complain, l);
    } while (l->alert != before);
}

/* ---- the states ---- */

/* A hard problem that nothing excuses from being told. */
static bool must_be_told(const struct live *l, const struct object_status *s) {
    return s->hard && s->state != STATE_OK && s->state != STATE_PENDING && s->downtime_depth == 0 && !s->acknowledged &&
           !s->flapping && s->since > l->record.started_t;
}

static void take_states(struct live *l, const struct query_page *page) {
    for (unsigned i = 0; i < page->count; i++) {
        const struct object_status *s = &page->list[i];
        struct live_problem *p = must_be_told(l, s) ? problem_of(l, s->host, s->service) : NULL;
        if (p != NULL) {
            p->seen = true;
            p->since = s->since;
        }
    }
}

/* True: there are more behind the names. */
static bool ask_states(struct live *l, char host[NAME_MAX_LEN + 1], char service[NAME_MAX_LEN + 1]) {
    struct request r = {.kind = OP_QUERY, .query = {QUERY_STATUS, "", "", host, service, QUERY_PAGE_MAX, 0}};
    struct client_reply reply;
    struct buffer why = {0};
    struct arena arena = {0};
    struct query_page page;
    bool more = false;
    if (client_call(l->order->client, l->order->cli.key_path, &r, STATES_MS, &reply, &why) == ERR_OK) {
        if (reply.reply.result == ERR_OK && query_page_decode(&page, reply.reply.value, &arena) == ERR_OK) {
            take_states(l, &page);
            more = page.more && page.count > 0;
        }
        if (more) {
            snprintf(host, NAME_MAX_LEN + 1, "%s", page.list[page.count - 1].host);
            snprintf(service, NAME_MAX_LEN + 1, "%s", page.list[page.count - 1].service);
        }
        client_reply_free(&reply);
    }
    arena_free(&arena);
    buffer_free(&why);
    return more;
}

/* Of large configurations only the first pages: to ask is an operation like any other. */
void live_states(struct live *l) {
    char host[NAME_MAX_LEN + 1] = "", service[NAME_MAX_LEN + 1] = "";
    for (unsigned pages = 0; pages < PAGES_NOW && ask_states(l, host, service); pages++) {
    }
}

/* A service's problem is not told while its host has one. */
static bool host_is_down(const struct live *l, const struct live_problem *p) {
    for (unsigned i = 0; *p->service != '\0' && i < l->problem_count; i++) {
        const struct live_problem *h = &l->problems[i];
        if (*h->service == '\0' && strcmp(h->host, p->host) == 0) {
            return true;
        }
    }
    return false;
}

void live_judge_alerts(struct live *l) {
    for (unsigned i = 0; i < l->problem_count; i++) {
        const struct live_problem *p = &l->problems[i];
        if (p->seen && !p->told && !host_is_down(l, p)) {
            l->missed++;
            live_broken(l, PROMISE_NO_MISSED_ALERT, "%s%s%s has a hard problem that was not told", p->host,
                        *p->service != '\0' ? "/" : "", p->service);
        }
    }
}
