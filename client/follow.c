/* Follows the alert stream over all replicas at once. Each member is a stream of its own, joined per alert number; what
   F receipts prove is handed on in order. A member that withholds, invents or answers nonsense delays nobody: how far
   the stream reaches is what F members claim, and every open number is asked of all others too. */
#include "base/clock.h"
#include "base/invariant.h"
#include "client/inner.h"
#include "client/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD = 256,         /* numbers joined at once */
    FETCH_ONCE = 64,     /* alerts of one answer */
    GRACE_MS = 1000,     /* for members that did not answer yet, after `wait` */
    STALL_MS = 5000,     /* numbers that exist but do not prove */
    POLL_PAUSE_MS = 200, /* after an empty answer that came early */
    ASK_WAIT_MAX_MS = 30000,
    RESEND_SLACK_MS = 2000,
    FOLLOW_ARENA_MAX = 16 << 20
};

struct stream { /* one member */
    bool answered, complained;
    uint64_t claim; /* its highest alert number, as it says */
    uint64_t have;  /* the last number that it delivered */
    mono_ms ask_at;
    mono_ms asked_at, asked_wait;
    uint64_t asked_after;
    mono_ms reset_at; /* when it was last sent back to the first open number */
    uint64_t begins;  /* asked from the first open number on, it began here: what lies between is gone; 0: nothing is */
};

struct follow {
    struct client *client;
    struct client_poll *poll;
    client_alert_visit *visit;
    client_complaint *complain;
    void *context;
    uint64_t after, next;         /* next: the number to visit */
    struct gather *joined[AHEAD]; /* by number % AHEAD, for next .. next+AHEAD-1 */
    struct stream streams[MEMBERS_MAX];
    mono_ms wait_end, progress_at;
    bool stopped;
};

static void complain(struct follow *f, member_id m, const char *what) {
    if (f->complain != NULL && !f->streams[m].complained) {
        f->complain(f->context, m, what);
    }
    f->streams[m].complained = true;
}

static void complain_set(struct follow *f, member_set set, const char *what, uint64_t number) {
    char text[128];
    snprintf(text, sizeof text, "%s alert %llu", what, (unsigned long long)number);
    for (member_id m = 0; m < f->client->verifier.members; m++) {
        if (set_has(set, m)) {
            complain(f, m, text);
        }
    }
}

/* --- handing on --- */

static void visit_proven(struct follow *f, const struct output *o) {
    struct arena arena = {0};
    struct client_alert a = {.leaf = o->leaf, .certificate = o->cert};
    ENSURE(alert_decode(&a.alert, o->leaf, &arena) == ERR_OK); /* was decoded before it was joined */
    f->stopped = !f->visit(f->context, &a);
    arena_free(&arena);
}

static void visit_ready(struct follow *f) {
    while (!f->stopped) {
        struct gather *g = f->joined[f->next % AHEAD];
        const struct output *o = g != NULL ? gather_proven(g) : NULL;
        if (o == NULL) {
            return;
        }
        member_set contradicted = gather_contradicted(g);
        complain_set(f, contradicted, "signed another root than f+1 replicas for the batch of", f->next);
        complain_set(f, gather_mistaken(g) & (member_set)~contradicted, "sent what f+1 replicas did not sign as",
                     f->next);
        visit_proven(f, o);
        f->joined[f->next % AHEAD] = NULL;
        gather_free(g);
        f->next++;
        f->progress_at = clock_mono();
    }
}

/* --- taking an answer --- */

static enum error take_alert(struct follow *f, member_id from, const struct output *o, uint64_t *number) {
    struct arena arena = {.limit = FOLLOW_ARENA_MAX};
    struct alert alert;
    enum error e = alert_decode(&alert, o->leaf, &arena);
    if (e == ERR_OK && alert.number <= *number) {
        e = ERR_NOT_CANONICAL;
    }
    if (e == ERR_OK) {
        *number = alert.number;
    }
    arena_free(&arena);
    if (e != ERR_OK || *number < f->next || *number - f->next >= AHEAD) {
        return e;
    }
    struct gather **g = &f->joined[*number % AHEAD];
    if (*g == NULL) {
        *g = gather_new(&f->client->verifier);
    }
    return gather_add(*g, from, o, NULL);
}

/* The numbers must rise from what was asked; gaps are allowed, since a member may have joined late. A receipt that is
   not made yet is no fault: the number is asked for again. */
static enum error take_outputs(struct follow *f, member_id from, const struct msg_outputs *outputs) {
    struct stream *s = &f->streams[from];
    uint64_t number = s->asked_after;
    for (unsigned i = 0; i < outputs->count; i++) {
        enum error e = take_alert(f, from, &outputs->list[i], &number);
        if (i == 0 && s->asked_after + 1 == f->next) {
            s->begins = e == ERR_OK && number > f->next ? number : 0;
        }
        if (e == ERR_TOO_FEW_SIGNATURES) {
            return ERR_OK;
        }
        if (e != ERR_OK) {
            return e;
        }
        if (number - f->next < AHEAD) {
            s->have = number;
        }
    }
    return ERR_OK;
}

/* A strong quorum keeps nothing between the first open number and a later one: it is beyond what replicas retain. */
static void skip_what_is_gone(struct follow *f) {
    unsigned members = f->client->verifier.members, lacking = 0;
    uint64_t lowest = UINT64_MAX;
    for (unsigned i = 0; i < members; i++) {
        uint64_t begins = f->streams[i].begins;
        lacking += begins > f->next;
        lowest = begins > f->next && begins < lowest ? begins : lowest;
    }
    if (lacking < quorum_strong(members)) {
        return;
    }
    for (uint64_t i = 0; i < AHEAD && f->next + i < lowest; i++) {
        struct gather **g = &f->joined[(f->next + i) % AHEAD];
        gather_free(*g);
        *g = NULL;
    }
    f->next = lowest;
    f->progress_at = clock_mono();
}

/* The highest number that at least one honest member says exists; 0 while fewer than F answered. */
static uint64_t follow_goal(const struct follow *f) {
    unsigned members = f->client->verifier.members;
    uint64_t goal = 0;
    for (unsigned i = 0; i < members; i++) {
        unsigned as_far = 0;
        for (unsigned k = 0; k < members; k++) {
            as_far += f->streams[k].answered && f->streams[k].claim >= f->streams[i].claim;
        }
        if (f->streams[i].answered && as_far >= quorum_weak(members) && f->streams[i].claim > goal) {
            goal = f->streams[i].claim;
        }
    }
    return goal;
}

/* Who delivered what others know too is asked on at once; what only this member knows may be invented, and must not
   keep us busy. */
static void schedule_next(struct follow *f, struct stream *s, bool delivered, mono_ms now) {
    bool waited = s->asked_wait > 0 && now - s->asked_at >= s->asked_wait;
    bool first = !s->answered;
    s->answered = true;
    bool known = delivered && s->have <= follow_goal(f);
    s->ask_at = known || waited || first ? now : now + POLL_PAUSE_MS;
}

static void take_answer(struct follow *f, member_id from, struct bytes raw) {
    struct arena arena = {.limit = FOLLOW_ARENA_MAX};
    struct stream *s = &f->streams[from];
    struct msg m;
    mono_ms now = clock_mono();
    uint64_t had = s->have;
    enum error e = client_open_answer(f->client, from, raw, &m, &arena);
    if (e == ERR_OK && m.type != FRAME_OUTPUTS) {
        e = ERR_BAD_TYPE;
    }
    if (e == ERR_OK) {
        s->claim = m.outputs.alerts;
        e = take_outputs(f, from, &m.outputs);
    }
    if (e == ERR_OK) {
        client_trust(f->client, from);
        schedule_next(f, s, s->have > had, now);
    } else {
        client_distrust(f->client, from, now);
        s->ask_at = f->client->patience[from].until;
        complain(f, from, error_text(e));
    }
    arena_free(&arena);
}

/* --- asking --- */

static void ask(struct follow *f, member_id m, mono_ms now) {
    struct stream *s = &f->streams[m];
    struct buffer frame = {0};
    mono_ms left = f->wait_end - now;
    bool idle = f->next > follow_goal(f); /* only then an answer may let us wait; the first one never does */
    s->asked_at = now;
    s->asked_wait = !s->answered || !idle || left < 0 ? 0 : left > ASK_WAIT_MAX_MS ? ASK_WAIT_MAX_MS : left;
    s->asked_after = s->have;
    struct msg q = {.type = FRAME_FETCH_ALERTS,
                    .fetch_alerts = {.after = s->have, .max = FETCH_ONCE, .wait_ms = (uint32_t)s->asked_wait}};
    client_seal_question(f->client, &q, &frame);
    client_poll_ask(f->poll, m, buffer_bytes(&frame), s->asked_wait + RESEND_SLACK_MS);
    buffer_free(&frame);
}

/* Asks who is due; returns when the next one is. A member ahead of the window has to wait for the others; one that gave
   all it has is asked again from the first open number, since receipts may have come to it meanwhile. */
static mono_ms ask_due(struct follow *f, mono_ms now, mono_ms until) {
    for (member_id m = 0; m < f->client->verifier.members; m++) {
        struct stream *s = &f->streams[m];
        if (client_poll_asking(f->poll, m)) {
            continue;
        }
        bool drained = s->have >= f->next && now - f->progress_at >= GRACE_MS && now - s->reset_at >= GRACE_MS;
        if (drained) {
            s->reset_at = now;
        }
        if (drained || s->have < f->next - 1) {
            s->have = f->next - 1;
        }
        if (s->ask_at <= now && s->have - (f->next - 1) < AHEAD - 1) {
            ask(f, m, now);
            s->ask_at = now + POLL_PAUSE_MS;
        }
        until = s->ask_at > now && s->ask_at < until ? s->ask_at : until;
    }
    return until;
}

/* --- the end --- */

static unsigned count_answered(const struct follow *f) {
    unsigned n = 0;
    for (unsigned i = 0; i < f->client->verifier.members; i++) {
        n += f->streams[i].answered;
    }
    return n;
}

/* ERR_BUSY: not yet. */
static enum error follow_verdict(const struct follow *f, mono_ms now) {
    unsigned members = f->client->verifier.members, answered = count_answered(f);
    bool visited = f->next > f->after + 1;
    if (f->stopped) {
        return ERR_OK;
    }
    if (answered < quorum_weak(members)) {
        return now >= f->wait_end + GRACE_MS ? ERR_NO_QUORUM : ERR_BUSY;
    }
    if (f->next <= follow_goal(f)) { /* more exists */
        bool stalled = now >= f->wait_end && now - f->progress_at >= STALL_MS;
        return !stalled ? ERR_BUSY : visited ? ERR_OK : ERR_NO_QUORUM;
    }
    bool all_told = answered >= quorum_strong(members) || now >= f->wait_end + GRACE_MS;
    return visited || (now >= f->wait_end && all_told) ? ERR_OK : ERR_BUSY;
}

static enum error follow_run(struct follow *f) {
    struct buffer answer = {0};
    enum error e = ERR_BUSY;
    while (e == ERR_BUSY) {
        mono_ms now = clock_mono();
        mono_ms until = now < f->wait_end ? f->wait_end : now + POLL_PAUSE_MS;
        member_id from;
        if (client_poll_next(f->poll, ask_due(f, now, until), &from, &answer)) {
            take_answer(f, from, buffer_bytes(&answer));
            skip_what_is_gone(f);
            visit_ready(f);
        }
        e = follow_verdict(f, clock_mono());
    }
    buffer_free(&answer);
    return e;
}

enum error client_alerts(struct client *c, uint64_t after, mono_ms wait, client_alert_visit *visit,
                         client_complaint *complaint, void *context) {
    mono_ms now = clock_mono();
    struct follow *f = xcalloc(1, sizeof *f);
    *f = (struct follow){.client = c,
                         .poll = client_poll_new(c->net),
                         .visit = visit,
                         .complain = complaint,
                         .context = context,
                         .after = after,
                         .next = after + 1,
                         .wait_end = now + wait,
                         .progress_at = now};
    for (unsigned i = 0; i < c->verifier.members; i++) {
        f->streams[i].have = after;
        f->streams[i].ask_at = c->patience[i].until > now ? c->patience[i].until : now;
    }
    enum error e = follow_run(f);
    for (unsigned i = 0; i < AHEAD; i++) {
        gather_free(f->joined[i]);
    }
    client_poll_free(f->poll);
    free(f);
    return e;
}
