/* The fault filter itself: honest until it is started, honest again at its time. Between those two it asks the
   behaviour what becomes of each frame, clock and commit. Frames that it cannot take apart pass as they are. */
#include "replica/fault.h"

#include "base/invariant.h"
#include "replica/fault_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- made, started, stopped ---- */

enum error fault_new(struct fault **out, const struct cluster *cluster, member_id self, const struct secret_key *secret,
                     const struct fault_host *host, struct buffer *why) {
    *out = NULL;
    if (cluster->drills == DRILLS_OFF) {
        buffer_printf(why, "this cluster allows no drills: its genesis says `drills: off`");
        return ERR_FORBIDDEN;
    }
    struct fault *f = xcalloc(1, sizeof *f);
    f->cluster = cluster;
    f->self = self;
    f->secret = *secret;
    f->host = *host;
    *out = f;
    return ERR_OK;
}

/* Nothing of one behaviour is left to the next. */
static void forget(struct fault *f) {
    for (unsigned i = 0; i < FAULT_KEPT; i++)
        buffer_free(&f->kept[i]);
    for (unsigned i = 0; f->told && i < FAULT_TOLD; i++)
        buffer_free(&f->told[i].batch);
    free(f->told);
    f->told = NULL;
    f->kept_count = f->old_count = 0;
    f->counter = f->view = 0;
    f->froze_at = 0;
    f->begun = false;
    memset(f->dripped, 0, sizeof f->dripped);
}

void fault_free(struct fault *f) {
    if (!f)
        return;
    forget(f);
    for (size_t i = 0; i < f->held_count; i++)
        buffer_free(&f->held[i].frame);
    free(f->held);
    buffer_free(&f->scratch);
    arena_free(&f->arena);
    crypto_wipe(&f->secret, sizeof f->secret);
    free(f);
}

static void draw_listeners(struct fault *f) {
    unsigned members = f->cluster->member_count;
    member_set others = set_all(members) & (member_set)~set_of(f->self);
    do
        f->half = (member_set)(fault_below(f, set_all(members) + 1u) & others);
    while (f->half == 0 || f->half == others);
    f->victim = (member_id)((f->self + 1 + fault_below(f, members - 1)) % members);
}

/* Behind "ID" stands another member. */
static bool names_nobody(const struct fault *f, const struct behaviour *b, int64_t id) {
    return strcmp(b->is.parameter, "ID") == 0 && (id == f->self || id >= f->cluster->member_count);
}

enum error fault_start(struct fault *f, const char *text, uint64_t seed, mono_ms until, struct buffer *why) {
    REQUIRE(f->cluster->drills != DRILLS_OFF);
    int64_t parameter;
    bool given;
    const struct behaviour *b = fault_find(text, &parameter, &given);
    if (!b || (given && names_nobody(f, b, parameter))) {
        buffer_printf(why, "no such behaviour for replica %u: %s: see quorated --help", f->self, text);
        return ERR_NOT_FOUND;
    }
    if (fault_active(f)) {
        buffer_printf(why, "replica %u is faulty already: %s", f->self, f->name);
        return ERR_BUSY;
    }
    fault_stop(f);
    forget(f);
    prng_seed(&f->chance, seed);
    draw_listeners(f);
    if (given && strcmp(b->is.parameter, "ID") == 0)
        f->victim = (member_id)parameter;
    snprintf(f->name, sizeof f->name, "%s", text);
    f->behaviour = b;
    f->parameter = parameter;
    f->since = f->now;
    f->froze_at = f->wall;
    f->until = until;
    f->turn_at = f->act_at = 0;
    return ERR_OK;
}

static mono_ms release_due(struct fault *f, mono_ms due) {
    mono_ms next = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < f->held_count; i++) {
        struct held_frame h = f->held[i];
        if (h.at <= due) {
            f->inner.send(f->inner.self, h.to, buffer_bytes(&h.frame));
            f->held_bytes -= h.frame.len;
            buffer_free(&h.frame);
        } else {
            next = h.at < next ? h.at : next;
            f->held[kept++] = h;
        }
    }
    f->held_count = kept;
    return next;
}

void fault_stop(struct fault *f) {
    f->behaviour = NULL;
    f->name[0] = '\0';
    release_due(f, INT64_MAX);
}

/* NULL: honest, or past its end and not told so yet. */
static const struct behaviour *lying(const struct fault *f) {
    return f->behaviour && f->now < f->until ? f->behaviour : NULL;
}

bool fault_active(const struct fault *f) {
    return lying(f) != NULL;
}

const char *fault_name(const struct fault *f) {
    return fault_active(f) ? f->name : "";
}

uint64_t fault_bites(const struct fault *f) {
    return f->bites;
}

/* ---- time ---- */

struct node_now fault_now(struct fault *f, struct node_now now) {
    f->now = now.mono;
    f->wall = now.wall;
    const struct behaviour *b = lying(f);
    if (!b || !b->wall)
        return now;
    time_ms wall = b->wall(f, now);
    wall = wall < 0 ? 0 : wall > TIME_MAX_MS ? TIME_MAX_MS : wall;
    f->bites += wall != now.wall;
    return (struct node_now){.mono = now.mono, .wall = wall};
}

static mono_ms earlier(mono_ms a, mono_ms b) {
    return a < b ? a : b;
}

/* What the behaviour does of its own accord. */
static mono_ms act(struct fault *f, const struct behaviour *b) {
    if (b->begin && !f->begun)
        b->begin(f);
    f->begun = true;
    if (b->turn && f->now >= f->turn_at) {
        f->turn_at = f->now + FAULT_TURN_MS;
        b->turn(f);
    }
    if (b->act && f->now >= f->act_at) {
        f->act_at = f->now + FAULT_ACT_MS + (mono_ms)fault_below(f, FAULT_ACT_SPREAD_MS);
        b->act(f);
    }
    arena_free(&f->arena);
    return earlier(b->turn ? f->turn_at : INT64_MAX, b->act ? f->act_at : INT64_MAX);
}

mono_ms fault_turn(struct fault *f, mono_ms now) {
    f->now = now;
    if (f->behaviour && now >= f->until)
        fault_stop(f);
    mono_ms next = f->behaviour ? earlier(act(f, f->behaviour), f->until) : INT64_MAX;
    return earlier(next, release_due(f, now));
}

/* ---- what comes in ---- */

static bool hears_request(struct fault *f, const struct behaviour *b, struct heard h, const struct request *r) {
    h.r = r;
    bool heard = !r || b->hears(f, &h);
    f->bites += !heard;
    return heard;
}

static bool hears(struct fault *f, const struct behaviour *b, const struct heard *h, struct admitted *x) {
    if ((b->deaf && !h->client) || (b->hears && !b->hears(f, h))) {
        f->bites++;
        return false;
    }
    for (unsigned i = 0; b->hears && i < x->request_count; i++) {
        if (hears_request(f, b, *h, x->requests[i]))
            continue;
        if (x->msg.type != FRAME_DATA)
            return false;
        request_free(x->requests[i]);
        x->requests[i] = NULL;
    }
    return true;
}

bool fault_hears(struct fault *f, const uint64_t *client, struct admitted *x) {
    const struct behaviour *b = lying(f);
    struct heard h = {.m = &x->msg, .client = client != NULL, .handle = client ? *client : 0};
    bool heard = !b || hears(f, b, &h, x);
    arena_free(&f->arena);
    return heard;
}

/* ---- what goes out ---- */

static void let_out(struct fault *f, const struct behaviour *b, member_id to, struct bytes frame) {
    mono_ms delay = b->delay ? b->delay(f, to, frame) : 0;
    if (delay)
        fault_hold(f, to, frame, f->now + delay);
    else
        f->inner.send(f->inner.self, to, frame);
}

/* What the behaviour makes of an own frame; others' pass as they are. */
static void send_decoded(struct fault *f, const struct behaviour *b, member_id to, struct bytes frame) {
    struct msg m;
    bool own = fault_open(f, &m, frame) && m.sender == f->self;
    enum said said = own ? b->send(f, to, &m) : SAID_AS_IS;
    f->bites += said != SAID_AS_IS;
    if (said == SAID_OTHERWISE) {
        buffer_clear(&f->scratch);
        fault_seal(f, &f->scratch, &m);
        if (f->scratch.len)
            let_out(f, b, to, buffer_bytes(&f->scratch));
    } else if (said == SAID_AS_IS) {
        let_out(f, b, to, frame);
    }
    arena_free(&f->arena);
}

static void filter_send(void *self, member_id to, struct bytes frame) {
    struct fault *f = self;
    const struct behaviour *b = lying(f);
    if (!b)
        f->inner.send(f->inner.self, to, frame);
    else if (b->mute || (b->raw && b->raw(f, to, frame) == SAID_NOTHING))
        f->bites++;
    else if (b->send)
        send_decoded(f, b, to, frame);
    else
        let_out(f, b, to, frame);
}

static void filter_answer(void *self, uint64_t client, struct bytes frame) {
    struct fault *f = self;
    const struct behaviour *b = lying(f);
    struct msg m;
    enum said said = b && b->mute_to_clients ? SAID_NOTHING : SAID_AS_IS;
    if (b && b->answer && fault_open(f, &m, frame))
        said = b->answer(f, &m);
    f->bites += said != SAID_AS_IS;
    if (said == SAID_OTHERWISE) {
        buffer_clear(&f->scratch);
        fault_seal(f, &f->scratch, &m);
        frame = buffer_bytes(&f->scratch);
    }
    if (said != SAID_NOTHING)
        f->inner.answer(f->inner.self, client, frame);
    arena_free(&f->arena);
}

/* ---- what the filter leaves alone ---- */

static void filter_sealed(void *self, struct bytes frame) {
    const struct fault *f = self;
    f->inner.sealed(f->inner.self, frame);
}

static void filter_trace(void *self, const char *line) {
    const struct fault *f = self;
    f->inner.trace(f->inner.self, line);
}

static void filter_executed(void *self, seq_no n, const struct digest *batch, const struct digest *log_hash, time_ms t,
                            const struct request *const *requests, size_t count) {
    const struct fault *f = self;
    f->inner.executed(f->inner.self, n, batch, log_hash, t, requests, count);
}

static void filter_alert(void *self, const struct alert *a) {
    const struct fault *f = self;
    f->inner.alert(f->inner.self, a);
}

struct node_world fault_world(struct fault *f, const struct node_world *inner) {
    REQUIRE(f->cluster->drills != DRILLS_OFF);
    f->inner = *inner;
    return (struct node_world){.self = f,
                               .send = filter_send,
                               .answer = filter_answer,
                               .sealed = inner->sealed ? filter_sealed : NULL,
                               .trace = inner->trace ? filter_trace : NULL,
                               .executed = inner->executed ? filter_executed : NULL,
                               .alert = inner->alert ? filter_alert : NULL};
}
