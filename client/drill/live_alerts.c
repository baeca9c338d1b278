/* The alerts of a running cluster during a drill. The stream is proven by certificates and read without gaps; every
   PROBLEM in it bears the votes that it follows from, and every hard problem that the states show has been told, unless
   it may be that nobody is to be told of it. */
#include "base/clock.h"
#include "client/drill/live_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { STATES_MS = 5000, PAGES_NOW = 8, HISTORY = 256 };

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

/* Votes that count and see a problem. Too few of them is no problem that anybody reported, unless the votes disagree
   (UNKNOWN) or so few count at all that nobody can know: silence has a state of its own. */
static bool is_borne(const struct alert *a) {
    unsigned counted = 0, borne = 0;
    for (unsigned i = 0; i < a->vote_count; i++) {
        const struct vote_view *v = &a->votes[i];
        bool counts = v->fresh && !v->masked && !v->convicted && v->state != STATE_PENDING;
        counted += counts;
        borne += counts && v->state != STATE_OK;
    }
    return borne >= a->quorum || counted < a->quorum || a->state == STATE_UNKNOWN;
}

static void judge_alert(struct live *l, const struct alert *a) {
    if (a->number != l->alert + 1) {
        live_broken(l, PROMISE_ONE_STREAM, "alert %" PRIu64 " follows %" PRIu64, a->number, l->alert);
    }
    l->raised++;
    if (a->type == ALERT_PROBLEM && !is_borne(a)) {
        l->false_ones++;
        live_broken(l, PROMISE_NO_FALSE_ALERT, "alert %" PRIu64 ": fewer votes than %u bear it", a->number, a->quorum);
    }
}

static bool take_alert(void *context, const struct client_alert *c) {
    struct live *l = context;
    const struct alert *a = &c->alert;
    bool old = a->number <= l->history;
    if (!old) {
        judge_alert(l, a);
    }
    l->alert = a->number;
    if (a->type == ALERT_PROBLEM || a->type == ALERT_RECOVERY) {
        struct live_problem *p = problem_of(l, a->host, a->service);
        if (p != NULL) {
            p->known = true;
            p->told |= !old && a->type == ALERT_PROBLEM;
        }
    }
    return true;
}

/* The target may offer what it likes: it is drilled. And history is not judged. */
static void complain(void *context, member_id replica, const char *what) {
    struct live *l = context;
    if (replica != l->target && l->record.id != 0) {
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

/* What lacks here, or can't be had, makes nothing known. */
void live_history(struct live *l, uint64_t now) {
    l->history = now;
    l->alert = now > HISTORY ? now - HISTORY : 0;
    live_follow(l);
    l->alert = l->alert > now ? l->alert : now;
}

/* ---- the states ---- */

static bool is_bad(const struct object_status *s) {
    return s->state != STATE_OK && s->state != STATE_PENDING;
}

/* A hard problem that nothing in its status excuses from being told. */
static bool must_be_told(const struct live *l, const struct object_status *s) {
    return s->hard && s->downtime_depth == 0 && !s->acknowledged && !s->flapping && s->since > l->record.started_t;
}

static void take_states(struct live *l, const struct query_page *page) {
    for (unsigned i = 0; i < page->count; i++) {
        const struct object_status *s = &page->list[i];
        struct live_problem *p = is_bad(s) ? problem_of(l, s->host, s->service) : NULL;
        if (p != NULL) {
            p->bad = true;
            p->seen |= must_be_told(l, s);
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

/* A service's problem is not told while its host has one, however old, acknowledged or planned that is. */
static bool host_is_bad(const struct live *l, const struct live_problem *p) {
    for (unsigned i = 0; *p->service != '\0' && i < l->problem_count; i++) {
        const struct live_problem *h = &l->problems[i];
        if (*h->service == '\0' && strcmp(h->host, p->host) == 0) {
            return h->bad || h->told;
        }
    }
    return false;
}

/* No status says whether notifications of an object are off, delayed, or without a contact: only where people were told
   of its problems of late, they must have been told of this one. */
static void judge_problem(struct live *l, const struct live_problem *p) {
    const char *slash = *p->service != '\0' ? "/" : "";
    if (!p->seen || p->told || host_is_bad(l, p)) {
        return;
    }
    if (p->known) {
        l->missed++;
        live_broken(l, PROMISE_NO_MISSED_ALERT, "%s%s%s has a hard problem that was not told", p->host, slash,
                    p->service);
    } else {
        live_note(l, "%s%s%s has a hard problem that was not told: look whether notifications of it are off", p->host,
                  slash, p->service);
    }
}

void live_judge_alerts(struct live *l) {
    for (unsigned i = 0; i < l->problem_count; i++) {
        judge_problem(l, &l->problems[i]);
    }
}
