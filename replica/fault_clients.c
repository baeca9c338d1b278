/* Traitors who lie to clients, rows B12, H9 and J: receipts over another root, alerts that never were, acceptances of
   what was thrown away, silence. */
#include "replica/fault_parts.h"

/* ---- lies about receipts ---- */

static struct digest wrong_root(const struct digest *root) {
    return crypto_digest(DIGEST_ROOT, bytes_of(root->b, DIGEST_LEN));
}

/* What lies W below a drill's beginning is no drill's (R13): a receipt for it would be the member's own lie. */
static bool is_old(const struct fault *f, seq_no n) {
    return n + f->cluster->knobs.window <= fault_facts(f).executed;
}

/* The own receipt, and only that, over what the certificate says. */
static void sign_alone(struct fault *f, struct certificate *c) {
    if (is_old(f, c->body.n))
        return;
    uint8_t body[RECEIPT_BODY_LEN];
    struct buffer frame = {0};
    receipt_encode(body, &c->body);
    struct seal_context context = fault_context(f, FRAME_RECEIPT);
    context.epoch = c->epoch;
    frame_seal(&frame, &context, bytes_of(body, sizeof body), &f->secret);
    struct frame opened;
    if (fault_own_up(f, buffer_bytes(&frame)) && frame_open(&opened, buffer_bytes(&frame)) == ERR_OK) {
        c->receipts_len = 1;
        c->receipts[0] = (struct receipt_signature){f->self, opened.sig};
    }
    buffer_free(&frame);
}

/* A certificate whose path and own signature hold, over a root that nobody else signs: the leaf beside another. */
static void forge_certificate(struct fault *f, struct certificate *c, struct bytes leaf) {
    struct digest leaves[2] = {merkle_leaf(leaf), wrong_root(&c->body.output_root)};
    c->body.output_root = merkle_root(leaves, 2);
    c->index = 0;
    c->count = 2;
    c->path_len = merkle_path(c->path, leaves, 2, 0);
    sign_alone(f, c);
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

static enum said sends_wrong_receipts(struct fault *f, member_id to, struct msg *m) {
    (void)f, (void)to;
    if (m->type != FRAME_RECEIPT)
        return SAID_AS_IS;
    m->receipt.body.output_root = wrong_root(&m->receipt.body.output_root);
    return SAID_OTHERWISE;
}

static struct output *outputs_of(struct fault *f, const struct msg_outputs *o, unsigned more) {
    struct output *list = fault_memory(f, o->count + more, sizeof *list);
    for (unsigned i = 0; i < o->count; i++)
        list[i] = o->list[i];
    return list;
}

static enum said answers_with_wrong_receipts(struct fault *f, struct msg *m) {
    if (m->type != FRAME_OUTPUTS || m->outputs.count == 0)
        return SAID_AS_IS;
    struct output *list = outputs_of(f, &m->outputs, 0);
    for (unsigned i = 0; i < m->outputs.count; i++)
        forge_certificate(f, &list[i].cert, list[i].leaf);
    m->outputs.list = list;
    return SAID_OTHERWISE;
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

static struct bytes leaf_of(struct fault *f, const struct alert *a) {
    struct buffer leaf = {0};
    alert_encode(&leaf, a);
    return fault_bytes(f, &leaf);
}

static void alter_alert(struct fault *f, struct output *o) {
    struct alert a;
    if (alert_decode(&a, o->leaf, &f->arena) != ERR_OK)
        return;
    a.output = "altered by a traitor";
    a.state = a.state == STATE_OK ? STATE_CRITICAL : STATE_OK;
    o->leaf = leaf_of(f, &a);
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
static enum said forges_alerts(struct fault *f, struct msg *m) {
    if (m->type != FRAME_OUTPUTS || !is_about_alerts(&m->outputs) || m->outputs.count == OUTPUTS_MAX)
        return SAID_AS_IS;
    unsigned count = m->outputs.count;
    struct output *list = outputs_of(f, &m->outputs, 1);
    list[count].cert = (struct certificate){.body = {.n = 1, .t = f->cluster->t0 + 1}};
    if (count)
        list[count].cert = list[count - 1].cert;
    struct alert invented = invented_alert(m->outputs.alerts + 1, &list[count].cert);
    list[count].leaf = leaf_of(f, &invented);
    for (unsigned i = 0; i <= count; i++) {
        if (i < count)
            alter_alert(f, &list[i]);
        forge_certificate(f, &list[i].cert, list[i].leaf);
        forge_others(f, &list[i].cert);
    }
    m->outputs = (struct msg_outputs){m->outputs.alerts + 1, count + 1, list};
    return SAID_OTHERWISE;
}

static enum said withholds_alerts(struct fault *f, struct msg *m) {
    (void)f;
    return m->type == FRAME_OUTPUTS && is_about_alerts(&m->outputs) ? SAID_NOTHING : SAID_AS_IS;
}

/* ---- acceptances of what it throws away ---- */

static uint32_t results_of(const struct request *r) {
    return r->kind == OP_OBSERVE ? r->observe.count : 0;
}

/* What the reply would be, had the next batch executed the request: the leaf is alone in its tree, the receipt is the
   liar's own and good. Whoever asks for F of them is not taken in. */
static void accept_falsely(struct fault *f, uint64_t client, const struct request *r) {
    struct node_facts facts = fault_facts(f);
    struct reply reply = {.client = r->client, .req_seq = r->req_seq, .request = r->digest, .accepted = results_of(r)};
    struct output o = {.cert = {.body = {.n = facts.executed + 1, .t = facts.t + 1}, .count = 1}};
    struct buffer leaf = {0}, frame = {0};
    reply_encode(&leaf, &reply);
    o.leaf = buffer_bytes(&leaf);
    struct digest only = merkle_leaf(o.leaf);
    o.cert.body.output_root = merkle_root(&only, 1);
    sign_alone(f, &o.cert);
    struct msg m = {.type = FRAME_OUTPUTS, .outputs = {.alerts = facts.alerts, .count = 1, .list = &o}};
    fault_seal(f, &frame, &m);
    f->inner.answer(f->inner.self, client, buffer_bytes(&frame));
    buffer_free(&leaf);
    buffer_free(&frame);
}

static bool accepts_and_forgets(struct fault *f, const struct heard *h) {
    if (!h->client || !h->r)
        return true;
    accept_falsely(f, h->handle, h->r);
    return false;
}

const struct behaviour faults_to_clients[] = {
    {{"forge-receipts", "DR-B12", NULL, "signs other results than the log gives", FAULT_SEAT_ANY, false, false},
     .send = sends_wrong_receipts,
     .answer = answers_with_wrong_receipts},
    {{"false-acks", "DR-B12", NULL, "accepts clients' requests at once and throws them away", FAULT_SEAT_ANY, false,
      false},
     .hears = accepts_and_forgets},
    {{"forge-alerts", "DR-J1", NULL, "tells clients of alerts that never were", FAULT_SEAT_ANY, true, true},
     .answer = forges_alerts},
    {{"withhold-alerts", "DR-J2", NULL, "keeps alerts from who asks for them", FAULT_SEAT_ANY, true, false},
     .answer = withholds_alerts},
    {{"mute-clients", "DR-J2", NULL, "answers no client", FAULT_SEAT_ANY, false, true}, .mute_to_clients = true},
    {.is = {.name = NULL}},
};
