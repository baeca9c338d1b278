/* Traitors who lie to clients: receipts over another root, alerts that never were. */
#include "base/invariant.h"
#include "replica/fault_parts.h"

#include <stdlib.h>

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
    struct seal_context context = fault_seal_context(f, FRAME_RECEIPT, c->epoch);
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

void send_false_receipts(struct fault *f, struct buffer *out, member_id to, struct bytes frame) {
    (void)to;
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_RECEIPT)) {
        m.receipt.body.output_root = wrong_root(&m.receipt.body.output_root);
        fault_seal(f, out, &m);
    } else {
        fault_pass(out, frame);
    }
    arena_free(&arena);
}

void answer_false_receipts(struct fault *f, struct buffer *out, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_OUTPUTS) && m.outputs.count) {
        struct output *list = xcalloc(m.outputs.count, sizeof *list);
        for (unsigned i = 0; i < m.outputs.count; i++) {
            list[i] = m.outputs.list[i];
            forge_certificate(f, &list[i].cert, list[i].leaf);
        }
        m.outputs.list = list;
        fault_seal(f, out, &m);
        free(list);
    } else {
        fault_pass(out, frame);
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
    fault_seal(f, out, m);
    for (unsigned i = 0; i <= count; i++)
        buffer_free(&leaves[i]);
    free(leaves);
    free(list);
}

void answer_false_alerts(struct fault *f, struct buffer *out, struct bytes frame) {
    struct arena arena = {0};
    struct msg m;
    if (fault_take_apart(&m, &arena, frame, FRAME_OUTPUTS) && is_about_alerts(&m.outputs))
        forge_alerts(f, out, &m, &arena);
    else
        fault_pass(out, frame);
    arena_free(&arena);
}
