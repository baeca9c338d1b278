/* The clients' side of a node: requests at the door, replies and alerts on their way out. */
#include "replica/node_internal.h"
#include "replica/retained.h"

enum { ANSWER_BYTES_MAX = 512 * 1024 };

static void answer_outputs(struct node *n, uint64_t client, const struct output *list, unsigned count) {
    struct msg m = {.type = FRAME_OUTPUTS, .outputs = {monitor_alerts(n->machine.monitor), count, list}};
    struct seal_context context = {FRAME_OUTPUTS, n->cluster->id, n->admit.verifier.epoch, n->self};
    struct buffer body = {0}, frame = {0};
    codec_encode(&body, &m);
    frame_seal(&frame, &context, buffer_bytes(&body), NULL);
    node_answer(n, client, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

static void refuse(struct node *n, uint64_t client, const struct digest *request, enum error reason) {
    struct msg m = {.type = FRAME_REFUSAL, .refusal = {*request, reason}};
    struct buffer body = {0}, frame = {0};
    codec_encode(&body, &m);
    node_seal(n, &frame, FRAME_REFUSAL, buffer_bytes(&body));
    node_answer(n, client, buffer_bytes(&frame));
    buffer_free(&body);
    buffer_free(&frame);
}

/* ---- replies ---- */

static bool waits_for_request(const struct waiter *w, const void *context) {
    return !w->alerts && digest_equal(&w->request, context);
}

static void answer_place(struct node *n, uint64_t client, seq_no seq, uint32_t index) {
    struct arena arena = {0};
    struct output out;
    if (outputs_load(n->outputs, seq, index, &out, &arena) == ERR_OK)
        answer_outputs(n, client, &out, 1);
    arena_free(&arena);
}

void node_answer_replies(struct node *n) {
    struct waiter w;
    for (size_t i = 0; i < n->executed.count; i++) {
        const struct leaf *leaf = &n->executed.leaves[i];
        if (leaf->kind != OUTPUT_REPLY)
            continue;
        while (desk_take(&n->desk, waits_for_request, &leaf->request, &w))
            answer_place(n, w.client, n->executed.n, (uint32_t)i);
    }
}

/* The request took effect before: the cached reply answers it, if it is the same request. A different one under the
   same number is a fault of the client, and maybe evidence against an observer. */
static void answer_executed(struct node *n, uint64_t client, const struct request *r) {
    struct arena arena = {0};
    struct output out;
    struct reply reply;
    seq_no seq;
    uint32_t index;
    enum error e = outputs_reply_place(n->outputs, &r->client, r->req_seq, &seq, &index);
    if (e == ERR_OK)
        e = outputs_load(n->outputs, seq, index, &out, &arena);
    if (e == ERR_OK)
        e = reply_decode(&reply, out.leaf, &arena);
    if (e == ERR_OK && digest_equal(&reply.request, &r->digest))
        answer_outputs(n, client, &out, 1);
    else
        refuse(n, client, &r->digest, ERR_ALREADY_EXECUTED);
    arena_free(&arena);
}

/* Turned away for now (R3): the client is out of tokens, or there is a backlog of other clients' requests. Operators
   are heard in any backlog. What is held already is only waited for. */
static bool must_wait(const struct node *n, const struct request *r) {
    const struct key_entry *who = ledger_who(n->machine.ledger, &r->client);
    bool is_operator = who && who->role == ROLE_OPERATOR;
    bool spent = ledger_ready(n->machine.ledger, &r->client) > ledger_time(n->machine.ledger);
    return !pbft_awaits(n->pbft, &r->digest) && (spent || (pbft_busy(n->pbft) && !is_operator));
}

static void take_client_request(struct node *n, uint64_t client, struct request *r) {
    struct digest digest = r->digest;
    struct public_key key = r->client;
    uint64_t req_seq = r->req_seq;
    enum error e = ledger_may(n->machine.ledger, &key, r->kind);
    if (e == ERR_OK)
        e = ledger_judge(n->machine.ledger, &key, req_seq);
    if (n->state.damaged || (e == ERR_OK && must_wait(n, r)))
        e = ERR_BUSY;
    struct waiter w = {.client = client, .request = digest, .until = n->now.mono + DESK_WAIT_MAX_MS}, taken;
    if (e == ERR_OK && !desk_add(&n->desk, &w))
        e = ERR_BUSY;
    if (e == ERR_ALREADY_EXECUTED)
        answer_executed(n, client, r);
    else if (e != ERR_OK)
        refuse(n, client, &digest, e);
    if (e != ERR_OK && e != ERR_ALREADY_EXECUTED) {
        request_free(r);
        return;
    }
    node_take_request(n, r);
    bool lost =
        e == ERR_OK && !pbft_awaits(n->pbft, &digest) && ledger_judge(n->machine.ledger, &key, req_seq) == ERR_OK;
    if (lost && desk_take(&n->desk, waits_for_request, &digest, &taken))
        refuse(n, taken.client, &digest, ERR_BUSY);
}

/* ---- alerts ---- */

/* The alert of that number, or the first one behind it that is stored; *number becomes that one's. */
static enum error load_alert(struct node *n, uint64_t *number, struct output *out, struct arena *arena) {
    enum error e = ERR_NOT_FOUND;
    for (unsigned tries = 0; e == ERR_NOT_FOUND && tries < DESK_ALERTS_MAX; tries++) {
        seq_no seq;
        uint32_t index;
        *number += tries > 0;
        e = outputs_alert_place(n->outputs, *number, &seq, &index);
        if (e == ERR_NOT_FOUND && outputs_alert_from(n->outputs, *number, number) != ERR_OK)
            return e;
        if (e == ERR_NOT_FOUND)
            e = outputs_alert_place(n->outputs, *number, &seq, &index);
        if (e == ERR_OK)
            e = outputs_load(n->outputs, seq, index, out, arena);
    }
    return e;
}

static void answer_alerts(struct node *n, uint64_t client, uint64_t after, uint32_t max) {
    static const unsigned page = DESK_ALERTS_MAX;
    struct output list[DESK_ALERTS_MAX];
    struct arena arena = {0};
    uint64_t raised = n->state.damaged ? 0 : monitor_alerts(n->machine.monitor), number = after + 1;
    unsigned count = 0;
    size_t bytes = 0;
    while (count < page && count < max && number <= raised && bytes < ANSWER_BYTES_MAX &&
           load_alert(n, &number, &list[count], &arena) == ERR_OK) {
        bytes += list[count++].leaf.len;
        number++;
    }
    answer_outputs(n, client, list, count);
    arena_free(&arena);
}

struct alert_wait {
    mono_ms now;
    uint64_t raised;
    bool only_expired;
};

static bool alert_wait_over(const struct waiter *w, const void *context) {
    const struct alert_wait *a = context;
    return w->alerts && (w->until <= a->now || (!a->only_expired && w->after < a->raised));
}

static bool reply_wait_over(const struct waiter *w, const void *context) {
    return !w->alerts && w->until <= *(const mono_ms *)context;
}

void node_answer_alerts(struct node *n, bool only_expired) {
    struct waiter w;
    struct alert_wait over = {n->now.mono, monitor_alerts(n->machine.monitor), only_expired};
    while (desk_take(&n->desk, alert_wait_over, &over, &w))
        answer_alerts(n, w.client, w.after, w.max);
    while (only_expired && desk_take(&n->desk, reply_wait_over, &n->now.mono, &w))
        refuse(n, w.client, &w.request, ERR_TIMED_OUT);
}

static void fetch_alerts(struct node *n, uint64_t client, const struct msg_fetch_alerts *f) {
    uint32_t wait = f->wait_ms < DESK_WAIT_MAX_MS ? f->wait_ms : DESK_WAIT_MAX_MS;
    struct waiter w = {.client = client, .alerts = true, .after = f->after, .max = f->max, .until = n->now.mono + wait};
    bool now = f->after < monitor_alerts(n->machine.monitor) || wait == 0;
    if (now || !desk_add(&n->desk, &w))
        answer_alerts(n, client, f->after, f->max);
}

/* ---- evidence ---- */

static void answer_evidence(struct node *n, uint64_t client, const struct msg_fetch_evidence *f) {
    struct buffer blocks = {0}, body = {0}, frame = {0};
    struct msg m = {.type = FRAME_EVIDENCE};
    struct seal_context context = {FRAME_EVIDENCE, n->cluster->id, n->admit.verifier.epoch, n->self};
    enum error e = load_proven(&n->disk, &f->culprit, (enum evidence_kind)f->kind, f->last, f->drilled, &blocks);
    if (e == ERR_OK && f->offset < blocks.len) {
        size_t left = blocks.len - f->offset;
        m.evidence.length = (uint32_t)blocks.len;
        m.evidence.offset = f->offset;
        m.evidence.part = bytes_of(blocks.data + f->offset, left < EVIDENCE_PART_MAX ? left : EVIDENCE_PART_MAX);
    }
    codec_encode(&body, &m);
    frame_seal(&frame, &context, buffer_bytes(&body), NULL);
    node_answer(n, client, buffer_bytes(&frame));
    buffer_free(&blocks);
    buffer_free(&body);
    buffer_free(&frame);
}

/* ---- the door ---- */

void node_client(struct node *n, uint64_t client, struct admitted *x, struct node_now now) {
    n->now = now;
    switch (x->msg.type) {
    case FRAME_REQUEST:
        REQUIRE(x->request_count == 1);
        struct request *r = x->requests[0];
        x->requests[0] = NULL;
        take_client_request(n, client, r);
        break;
    case FRAME_FETCH_ALERTS:
        fetch_alerts(n, client, &x->msg.fetch_alerts);
        break;
    case FRAME_FETCH_STATUS:
        node_answer(n, client, pbft_status_frame(n->pbft, now.wall));
        break;
    case FRAME_FETCH_EVIDENCE:
        answer_evidence(n, client, &x->msg.fetch_evidence);
        break;
    default:
        break; /* admit lets nothing else through this door */
    }
    admitted_free(x);
}

void node_client_gone(struct node *n, uint64_t client) {
    desk_gone(&n->desk, client);
}
