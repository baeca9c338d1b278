/* The traitors: the filter between a node and its world, and the table of behaviours. A liar holds its own key only: it
   can sign what is untrue, tell two members two stories, invent, withhold or wait, but what others signed it can merely
   break. Frames that it cannot take apart pass as they are. */
#include "base/invariant.h"
#include "replica/fault_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct behaviour behaviours[] = {
    {.name = "forge-alerts", .answer = answer_false_alerts},
    {.name = "forge-receipts", .send = send_false_receipts, .answer = answer_false_receipts},
    {.name = "equivocate", .send = send_two_stories},
    {.name = "silent", .send = send_nothing, .answer = answer_nothing},
    {.name = "mute-clients", .answer = answer_nothing},
    {.name = "delay-proposals", .parameter = "MS", .standard = 400, .highest = 60000, .delay = delay_proposals},
    {.name = "slow-drip", .parameter = "MS", .standard = 300, .highest = 60000, .delay = delay_by_drips},
    {.name = "skip-numbers", .parameter = "BY", .standard = 16, .highest = WINDOW_MAX, .send = send_beyond_a_gap},
    {.name = "starve-backup", .parameter = "ID", .standard = 3, .highest = MEMBERS_MAX, .send = send_to_all_but_one},
    {.name = "censor-client",
     .parameter = "N",
     .standard = 0,
     .highest = UINT16_MAX,
     .hears = hears_all_but_one_client},
    {.name = "re-propose", .send = send_the_old_again},
    {.name = "wrong-votes", .send = send_wrong_votes},
    {.name = "withhold-commits",
     .parameter = "ID",
     .standard = 3,
     .highest = MEMBERS_MAX,
     .send = send_commits_to_all_but_one},
    {.name = "status-lies", .send = send_false_status},
    {.name = "wish-storm", .parameter = "PER-S", .standard = 500, .highest = 6400, .turn = turn_wishes},
    {.name = "flood-garbage", .parameter = "PER-S", .standard = 500, .highest = 6400, .turn = turn_garbage},
    {.name = "bad-signatures",
     .parameter = "PER-S",
     .standard = 500,
     .highest = 6400,
     .send = send_and_keep_a_sample,
     .turn = turn_bad_signatures},
};
enum { BEHAVIOURS = sizeof behaviours / sizeof behaviours[0] };

const char *fault_behaviour_name(unsigned i) {
    return i < BEHAVIOURS ? behaviours[i].name : NULL;
}

const char *fault_behaviour_parameter(unsigned i) {
    return i < BEHAVIOURS ? behaviours[i].parameter : NULL;
}

/* ---- NAME[:PARAMETER], with "later:" in front for a traitor that waits ---- */

static const char later[] = "later:";

static bool take_parameter(const struct behaviour *b, const char *text, int64_t *out) {
    char *end;
    *out = b->standard;
    if (!text)
        return true;
    errno = 0;
    *out = strtoll(text, &end, 10);
    return b->parameter && *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= b->highest;
}

static const struct behaviour *parse(const char *text, bool *waits, int64_t *parameter) {
    *waits = strncmp(text, later, strlen(later)) == 0;
    text += *waits ? strlen(later) : 0;
    size_t len = strcspn(text, ":");
    for (unsigned i = 0; i < BEHAVIOURS; i++) {
        const struct behaviour *b = &behaviours[i];
        if (strlen(b->name) == len && strncmp(text, b->name, len) == 0)
            return take_parameter(b, text[len] == ':' ? text + len + 1 : NULL, parameter) ? b : NULL;
    }
    return NULL;
}

bool fault_behaviour_known(const char *text) {
    bool waits;
    int64_t parameter;
    return parse(text, &waits, &parameter) != NULL;
}

enum error fault_new(struct fault **out, const char *behaviour, const struct cluster *cluster, member_id self,
                     const struct secret_key *secret, struct buffer *why) {
    *out = NULL;
    if (cluster->drills == DRILLS_OFF) {
        buffer_printf(why,
                      "this cluster allows no drills: --behave %s: its genesis says `drills: off`; traitors run in "
                      "clusters made with `drills: sandbox` or `live`",
                      behaviour);
        return ERR_FORBIDDEN;
    }
    bool waits;
    int64_t parameter;
    const struct behaviour *b = parse(behaviour, &waits, &parameter);
    if (!b) {
        buffer_printf(why, "no such behaviour: --behave %s: see quorated --help", behaviour);
        return ERR_NOT_FOUND;
    }
    struct fault *f = xcalloc(1, sizeof *f);
    *f = (struct fault){.behaviour = b, .parameter = parameter, .waits = waits, .cluster = cluster, .self = self};
    f->secret = *secret;
    *out = f;
    return ERR_OK;
}

static void let_go(struct fault *f) {
    for (size_t i = 0; i < f->held_count; i++)
        buffer_free(&f->held[i].frame);
    f->held_count = 0;
}

void fault_free(struct fault *f) {
    if (!f)
        return;
    let_go(f);
    for (unsigned i = 0; f->told && i < FAULT_KEPT; i++)
        buffer_free(&f->told[i].frame);
    free(f->told);
    free(f->held);
    buffer_free(&f->sample);
    buffer_free(&f->scratch);
    crypto_wipe(&f->secret, sizeof f->secret);
    free(f);
}

uint64_t fault_bites(const struct fault *f) {
    return f->bites;
}

bool fault_toggle(struct fault *f) {
    f->waits = !f->waits;
    return !f->waits;
}

/* ---- what behaviours use ---- */

void fault_pass(struct buffer *out, struct bytes frame) {
    buffer_put(out, frame.data, frame.len);
}

struct seal_context fault_seal_context(const struct fault *f, enum frame_type type, epoch_no epoch) {
    return (struct seal_context){.type = (uint8_t)type, .cluster = f->cluster->id, .epoch = epoch, .sender = f->self};
}

bool fault_take_apart(struct msg *m, struct arena *arena, struct bytes frame, enum frame_type type) {
    struct frame opened;
    return frame_open(&opened, frame) == ERR_OK && opened.type == type && codec_decode(m, &opened, arena) == ERR_OK;
}

bool fault_is(struct bytes frame, enum frame_type type) {
    struct frame opened;
    return frame_open(&opened, frame) == ERR_OK && opened.type == type;
}

void fault_seal(struct fault *f, struct buffer *out, const struct msg *m) {
    struct buffer body = {0};
    codec_encode(&body, m);
    struct seal_context context = fault_seal_context(f, m->type, m->epoch);
    bool is_signed = frame_type_signed(m->type);
    frame_seal(out, &context, buffer_bytes(&body), is_signed ? &f->secret : NULL);
    if (is_signed && f->inner.sealed)
        f->inner.sealed(f->inner.self, buffer_bytes(out));
    buffer_free(&body);
}

void fault_say(struct fault *f, member_id to, struct bytes frame) {
    f->bites++;
    f->inner.send(f->inner.self, to, frame);
}

/* ---- time ---- */

static void hold(struct fault *f, member_id to, struct bytes frame, mono_ms until) {
    if (f->held_count == FAULT_HELD)
        return; /* lost: the core sends it again when it is missed */
    if (!f->held)
        f->held = xcalloc(FAULT_HELD, sizeof *f->held);
    struct held_frame *h = &f->held[f->held_count++];
    *h = (struct held_frame){.at = until, .to = to};
    buffer_put(&h->frame, frame.data, frame.len);
}

static mono_ms release_due(struct fault *f) {
    mono_ms next = INT64_MAX;
    size_t kept = 0;
    for (size_t i = 0; i < f->held_count; i++) {
        struct held_frame h = f->held[i];
        if (h.at <= f->now) {
            f->inner.send(f->inner.self, h.to, buffer_bytes(&h.frame));
            buffer_free(&h.frame);
        } else {
            next = h.at < next ? h.at : next;
            f->held[kept++] = h;
        }
    }
    f->held_count = kept;
    return next;
}

mono_ms fault_turn(struct fault *f, mono_ms now) {
    f->now = now;
    mono_ms next = release_due(f);
    if (!f->behaviour->turn || f->waits)
        return next;
    if (now >= f->turn_at) {
        f->turn_at = now + FAULT_TURN_MS;
        f->behaviour->turn(f);
    }
    return f->turn_at < next ? f->turn_at : next;
}

/* ---- the filter ---- */

bool fault_hears(struct fault *f, struct admitted *x) {
    bool (*hears)(struct fault *, const struct public_key *) = f->waits ? NULL : f->behaviour->hears;
    for (unsigned i = 0; hears && i < x->request_count; i++) {
        if (!x->requests[i] || hears(f, &x->requests[i]->client))
            continue;
        f->bites++;
        if (x->msg.type != FRAME_DATA)
            return false;
        request_free(x->requests[i]);
        x->requests[i] = NULL;
    }
    return true;
}

/* What is to go out instead of the frame, and whether anything is. */
static bool bitten(struct fault *f, struct bytes frame) {
    f->bites += !bytes_equal(buffer_bytes(&f->scratch), frame);
    return f->scratch.len != 0;
}

static void filter_send(void *self, member_id to, struct bytes frame) {
    struct fault *f = self;
    const struct behaviour *b = f->behaviour;
    buffer_clear(&f->scratch);
    if (b->send && !f->waits)
        b->send(f, &f->scratch, to, frame);
    else
        fault_pass(&f->scratch, frame);
    if (!bitten(f, frame))
        return;
    mono_ms delay = b->delay && !f->waits ? b->delay(f, to, frame) : 0;
    if (delay == 0) {
        f->inner.send(f->inner.self, to, buffer_bytes(&f->scratch));
        return;
    }
    f->bites++;
    hold(f, to, buffer_bytes(&f->scratch), f->now + delay);
}

static void filter_answer(void *self, uint64_t client, struct bytes frame) {
    struct fault *f = self;
    buffer_clear(&f->scratch);
    if (f->behaviour->answer && !f->waits)
        f->behaviour->answer(f, &f->scratch, frame);
    else
        fault_pass(&f->scratch, frame);
    if (bitten(f, frame))
        f->inner.answer(f->inner.self, client, buffer_bytes(&f->scratch));
}

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
