/* The traitor behaviours. A liar holds its own key only: it can sign what is untrue, tell two members two stories,
   invent or withhold, but what others signed it can merely break. Frames that it cannot take apart pass as they are. */
#include "replica/fault.h"

#include "base/invariant.h"
#include "proto/codec.h"

#include <stdlib.h>
#include <string.h>

struct fault;
struct behaviour {
    const char *name;
    /* Appends what is sent instead of the frame; nothing appended: withheld. NULL: this way is honest. */
    void (*send)(struct fault *f, struct buffer *out, member_id to, struct bytes frame);
    void (*answer)(struct fault *f, struct buffer *out, struct bytes frame);
};
struct fault {
    const struct behaviour *behaviour;
    const struct cluster *cluster;
    member_id self;
    struct secret_key secret;
    struct node_world inner;
    struct buffer scratch;
    uint64_t bites;
};

static void pass(struct buffer *out, struct bytes frame) {
    buffer_put(out, frame.data, frame.len);
}

static struct seal_context own_seal(const struct fault *f, enum frame_type type, epoch_no epoch) {
    return (struct seal_context){.type = (uint8_t)type, .cluster = f->cluster->id, .epoch = epoch, .sender = f->self};
}

/* Decodes a frame of this type; anything else is not for the behaviour. */
static bool take_apart(struct msg *m, struct arena *arena, struct bytes frame, enum frame_type type) {
    struct frame opened;
    return frame_open(&opened, frame) == ERR_OK && opened.type == type && codec_decode(m, &opened, arena) == ERR_OK;
}

/* Seals m with the traitor's key, or without a signature where the type has none. */
static void seal_again(struct fault *f, struct buffer *out, const struct msg *m) {
    struct buffer body = {0};
    codec_encode(&body, m);
    struct seal_context context = own_seal(f, m->type, m->epoch);
    bool is_signed = frame_type_signed(m->type);
    frame_seal(out, &context, buffer_bytes(&body), is_signed ? &f->secret : NULL);
    if (is_signed && f->inner.sealed)
        f->inner.sealed(f->inner.self, buffer_bytes(out));
    buffer_free(&body);
}

/* ---- lies about receipts ---- */

static struct digest wrong_root(const struct digest *root) {
    return crypto_digest(DIGEST_ROOT, bytes_of(root->b, DIGEST_LEN));
}

/* A certificate whose path and own signature hold, over a root that nobody else signs: the leaf beside another. */
static void forge_certificate(const struct fault *f, struct certificate *c, struct bytes leaf) {
    struct digest leaves[2] = {merkle_leaf(leaf), wrong_root(&c->body.output_root)};
    c->body.output_root = merkle_root(leaves, 2);
    c->index = 0;
    c->count = 2;
    c->path_len = merkle_path(c->path, leaves, 2, 0);
    uint8_t body[RECEIPT_BODY_LEN];
    receipt_encode(body, &c->body);
    struct seal_context context = own_seal(f, FRAME_RECEIPT, c->epoch);
    c->receipts_len = 1;
    c->receipts[0].replica = f->self;
    seal_sign(&c->receipts[0].sig, &context, bytes_of(body, sizeof body), &f->secret);
}

/* Fills up to f+1 receipts, the others' signatures being copies of the traitor's: sorted, distinct, worthless. */
static void forge_others(const struct fault *f, struct certificate *c) {
    struct signature own = c->receipts[0].sig;
    unsigned wanted = quorum_weak(f->cluster->member_count);
    member_id first = f->self < wanted ? 0 : (member_id)(f->self - wanted + 1);
    for (unsigned i = 0; i < wanted; i++)
        c->receipts[i] = (struct receipt_signature){.replica = (member_id)(first + i), .sig = own};
    c->receipts_len = wanted;
}

static void send_false_receipts(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (take_apart(&m, &arena, frame, FRAME_RECEIPT)) {
        m.receipt.body.output_root = wrong_root(&m.receipt.body.output_root);
        seal_again(f, out, &m);
    } else {
        pass(out, frame);
    }
    arena_free(&arena);
}

static void answer_false_receipts(struct fault *f, struct buffer *out, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (take_apart(&m, &arena, frame, FRAME_OUTPUTS) && m.outputs.count) {
        struct output *list = xcalloc(m.outputs.count, sizeof *list);
        for (unsigned i = 0; i < m.outputs.count; i++) {
            list[i] = m.outputs.list[i];
            forge_certificate(f, &list[i].cert, list[i].leaf);
        }
        m.outputs.list = list;
        seal_again(f, out, &m);
        free(list);
    } else {
        pass(out, frame);
    }
    arena_free(&arena);
}

/* ---- lies about alerts ---- */

static struct alert invented_alert(uint64_t number, const struct certificate *c) {
    return (struct alert){.number = number,
                          .n = c->body.n,
                          .t = c->body.t,
                          .type = ALERT_PROBLEM,
                          .host = "invented",
                          .host_alias = "invented",
                          .host_address = "192.0.2.1",
                          .service = "forged",
                          .service_display = "forged",
                          .state = STATE_CRITICAL,
                          .hard = true,
                          .attempt = 1,
                          .max_attempts = 1,
                          .output = "invented by a traitor",
                          .perfdata = "",
                          .author = "",
                          .comment = ""};
}

static void alter_alert(struct output *o, struct buffer *leaf, struct arena *arena) {
    struct alert a;
    if (alert_decode(&a, o->leaf, arena) != ERR_OK)
        return;
    a.output = "altered by a traitor";
    a.state = a.state == STATE_OK ? STATE_CRITICAL : STATE_OK;
    alert_encode(leaf, &a);
    o->leaf = buffer_bytes(leaf);
}

static bool is_about_alerts(const struct msg_outputs *outputs) {
    for (unsigned i = 0; i < outputs->count; i++) {
        enum output_kind kind;
        if (output_kind_of(&kind, outputs->list[i].leaf) != ERR_OK || kind != OUTPUT_ALERT)
            return false;
    }
    return true;
}

/* The real alerts altered, one more behind them; every receipt the traitor's own or forged. */
static void forge_alerts(struct fault *f, struct buffer *out, struct msg *m, struct arena *arena) {
    unsigned count = m->outputs.count < OUTPUTS_MAX ? m->outputs.count : OUTPUTS_MAX - 1;
    struct output *list = xcalloc(count + 1, sizeof *list);
    struct buffer *leaves = xcalloc(count + 1, sizeof *leaves);
    for (unsigned i = 0; i < count; i++) {
        list[i] = m->outputs.list[i];
        alter_alert(&list[i], &leaves[i], arena);
    }
    list[count].cert = (struct certificate){.body = {.n = 1, .t = f->cluster->t0 + 1}};
    if (count)
        list[count].cert = list[count - 1].cert;
    struct alert invented = invented_alert(m->outputs.alerts + 1, &list[count].cert);
    alert_encode(&leaves[count], &invented);
    list[count].leaf = buffer_bytes(&leaves[count]);
    for (unsigned i = 0; i <= count; i++) {
        forge_certificate(f, &list[i].cert, list[i].leaf);
        forge_others(f, &list[i].cert);
    }
    m->outputs.alerts++;
    m->outputs.count = count + 1;
    m->outputs.list = list;
    seal_again(f, out, m);
    for (unsigned i = 0; i <= count; i++)
        buffer_free(&leaves[i]);
    free(leaves);
    free(list);
}

static void answer_false_alerts(struct fault *f, struct buffer *out, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (take_apart(&m, &arena, frame, FRAME_OUTPUTS) && is_about_alerts(&m.outputs))
        forge_alerts(f, out, &m, &arena);
    else
        pass(out, frame);
    arena_free(&arena);
}

/* ---- two stories ---- */

static bool hears_the_other_story(const struct fault *f, member_id to) {
    unsigned rank = to < f->self ? to : to - 1u;
    return 2 * (rank + 1) >= f->cluster->member_count - 1;
}

/* The same requests the other way round, or nothing in place of a single one: both are proposals that a backup accepts.
 */
static void other_batch(struct buffer *out, const struct batch *b) {
    struct request_ref *refs = xcalloc(b->count ? b->count : 1, sizeof *refs);
    for (unsigned i = 0; i < b->count; i++)
        refs[i] = b->refs[b->count - 1 - i];
    struct batch other = {.kind = BATCH_NULL};
    if (b->count > 1)
        other = (struct batch){.kind = BATCH_NORMAL, .count = b->count, .refs = refs};
    batch_encode(out, &other);
    free(refs);
}

static void send_two_stories(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (hears_the_other_story(f, to) && take_apart(&m, &arena, frame, FRAME_PRE_PREPARE) &&
        m.pre_prepare.batch.kind == BATCH_NORMAL) {
        struct buffer batch = {0};
        other_batch(&batch, &m.pre_prepare.batch);
        m.pre_prepare.batch_bytes = buffer_bytes(&batch);
        m.pre_prepare.statement.d = batch_digest(m.pre_prepare.batch_bytes);
        seal_again(f, out, &m);
        buffer_free(&batch);
    } else {
        pass(out, frame);
    }
    arena_free(&arena);
}

/* ---- silence ---- */

static void send_nothing(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)f, (void)out, (void)to, (void)frame;
}

static void answer_nothing(struct fault *f, struct buffer *out, struct bytes frame) {
    (void)f, (void)out, (void)frame;
}

static const struct behaviour behaviours[] = {
    {"forge-alerts", NULL, answer_false_alerts}, {"forge-receipts", send_false_receipts, answer_false_receipts},
    {"equivocate", send_two_stories, NULL},      {"silent", send_nothing, answer_nothing},
    {"mute-clients", NULL, answer_nothing},
};
enum { BEHAVIOURS = sizeof behaviours / sizeof behaviours[0] };

const char *fault_behaviour_name(unsigned i) {
    return i < BEHAVIOURS ? behaviours[i].name : NULL;
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
    for (unsigned i = 0; i < BEHAVIOURS; i++) {
        if (strcmp(behaviour, behaviours[i].name) != 0)
            continue;
        struct fault *f = xcalloc(1, sizeof *f);
        *f = (struct fault){.behaviour = &behaviours[i], .cluster = cluster, .self = self, .secret = *secret};
        *out = f;
        return ERR_OK;
    }
    buffer_printf(why, "no such behaviour: --behave %s: see quorated --help", behaviour);
    return ERR_NOT_FOUND;
}

void fault_free(struct fault *f) {
    if (!f)
        return;
    buffer_free(&f->scratch);
    crypto_wipe(&f->secret, sizeof f->secret);
    free(f);
}

uint64_t fault_bites(const struct fault *f) {
    return f->bites;
}

/* ---- the filter ---- */

/* What is to go out instead of the frame, and whether anything is. */
static bool bitten(struct fault *f, struct bytes frame) {
    f->bites += !bytes_equal(buffer_bytes(&f->scratch), frame);
    return f->scratch.len != 0;
}

static void filter_send(void *self, member_id to, struct bytes frame) {
    struct fault *f = self;
    buffer_clear(&f->scratch);
    if (f->behaviour->send)
        f->behaviour->send(f, &f->scratch, to, frame);
    else
        pass(&f->scratch, frame);
    if (bitten(f, frame))
        f->inner.send(f->inner.self, to, buffer_bytes(&f->scratch));
}

static void filter_answer(void *self, uint64_t client, struct bytes frame) {
    struct fault *f = self;
    buffer_clear(&f->scratch);
    if (f->behaviour->answer)
        f->behaviour->answer(f, &f->scratch, frame);
    else
        pass(&f->scratch, frame);
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
