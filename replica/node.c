/* The node's turn: admitted messages and timeouts go to the core one by one, the core's actions are performed, what
   they owe the core (an execution, a checkpoint) is paid at once, and node_flush makes the turn durable and then
   visible. */
#include "replica/node_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- leaving ---- */

static struct outgoing *outbox_add(struct node *n, struct bytes frame) {
    if (n->outbox_count == n->outbox_cap) {
        n->outbox_cap = n->outbox_cap ? 2 * n->outbox_cap : 64;
        n->outbox = xrealloc(n->outbox, n->outbox_cap * sizeof *n->outbox);
    }
    struct outgoing *o = &n->outbox[n->outbox_count++];
    *o = (struct outgoing){.at = n->outbox_bytes.len, .len = frame.len};
    buffer_put(&n->outbox_bytes, frame.data, frame.len);
    return o;
}

void node_send(struct node *n, member_set to, struct bytes frame) {
    to &= set_all(n->cluster->member_count) & (member_set)~set_of(n->self);
    if (to)
        outbox_add(n, frame)->to = to;
}

void node_answer(struct node *n, uint64_t client, struct bytes frame) {
    outbox_add(n, frame)->client = client;
    n->answered++;
}

void node_seal(const struct node *n, struct buffer *out, enum frame_type type, struct bytes body) {
    struct seal_context context = {(uint8_t)type, n->cluster->id, n->admit.verifier.epoch, n->self};
    frame_seal(out, &context, body, &n->secret);
}

/* NEW-VIEWs of others are passed on as they are, and what answers clients may carry no signature. */
static bool signed_here(const struct node *n, struct bytes frame) {
    struct frame f;
    return frame_open(&f, frame) == ERR_OK && f.sender == n->self && frame_type_signed(f.type);
}

static void release(struct node *n, const struct outgoing *o) {
    struct bytes frame = bytes_of(n->outbox_bytes.data + o->at, o->len);
    if (n->world.sealed && signed_here(n, frame))
        n->world.sealed(n->world.self, frame);
    if (!o->to)
        n->world.answer(n->world.self, o->client, frame);
    for (member_id i = 0; o->to && i < n->cluster->member_count; i++)
        if (set_has(o->to, i))
            n->world.send(n->world.self, i, frame);
}

enum error node_flush(struct node *n) {
    if (n->faulted_lost)
        return ERR_IO;
    accuse_turn(n);
    drill_turn(n);
    if (n->batch.count) {
        enum error e = n->disk.commit(n->disk.self, &n->batch, n->sync);
        if (e != ERR_OK)
            return e;
    }
    disk_batch_clear(&n->batch);
    outputs_turn_flushed(n->outputs);
    n->sync = n->state_pending = n->prune.noted = false;
    transfer_flushed(n);
    donor_flushed(n);
    for (size_t i = 0; i < n->outbox_count; i++)
        release(n, &n->outbox[i]);
    n->outbox_count = 0;
    buffer_clear(&n->outbox_bytes);
    return n->faulted_lost ? ERR_IO : ERR_OK;
}

/* ---- one step of the core, and what it owes ---- */

static void tell_facts(struct node *n) {
    struct pbft_host_facts facts = {
        .boot = n->boot,
        .boot_random = n->boot_random,
        .alerts = monitor_alerts(n->machine.monitor),
        .t = ledger_time(n->machine.ledger),
        .log_hash = ledger_log_hash(n->machine.ledger),
        .suspects = outputs_suspects(n->outputs),
    };
    facts.transfer_target = transfer_target(n);
    memcpy(facts.version, n->version, sizeof facts.version);
    pbft_set_facts(n->pbft, &facts);
}

static void step_once(struct node *n, struct pbft_event *event) {
    struct pbft_actions actions;
    event->now = n->now.mono;
    event->wall = n->now.wall;
    tell_facts(n);
    pbft_step(n->pbft, event, &actions);
    node_perform(n, &actions);
}

static void pay_execution(struct node *n) {
    struct pbft_event event = {.kind = PBFT_EXECUTED};
    event.executed.n = n->executed.n;
    event.executed.t = n->executed.t;
    event.executed.log_hash = n->executed.log_hash;
    event.executed.done_count = n->done_count;
    event.executed.done = n->done;
    n->execution_due = false;
    step_once(n, &event);
}

static void pay_checkpoint(struct node *n) {
    struct checkpoint checkpoint = n->checkpoint;
    struct pbft_event event = {.kind = PBFT_CHECKPOINTED, .checkpoint = &checkpoint};
    n->checkpoint_due = false;
    step_once(n, &event);
}

struct pbft_event node_request_event(const struct node *n, struct request *r) {
    static const enum pbft_lane lanes[] = {
        [ROLE_MEMBER] = PBFT_LANE_MEMBER, [ROLE_OPERATOR] = PBFT_LANE_OPERATOR, [ROLE_OBSERVER] = PBFT_LANE_CLIENT};
    const struct key_entry *who = ledger_who(n->machine.ledger, &r->client);
    struct pbft_event event = {.kind = PBFT_REQUEST};
    event.request = r;
    event.settled = ledger_judge(n->machine.ledger, &r->client, r->req_seq) != ERR_OK;
    event.lane = who ? lanes[who->role] : PBFT_LANE_CLIENT;
    event.ready = ledger_ready(n->machine.ledger, &r->client);
    return event;
}

static void pay_loaded(struct node *n) {
    struct pbft_event event = node_request_event(n, n->loaded[--n->loaded_count]);
    step_once(n, &event);
}

void node_step(struct node *n, struct pbft_event *event) {
    step_once(n, event);
    while (n->execution_due || n->checkpoint_due || n->loaded_count) {
        if (n->execution_due)
            pay_execution(n);
        else if (n->checkpoint_due)
            pay_checkpoint(n);
        else
            pay_loaded(n);
    }
}

/* ---- requests ---- */

/* A second request under one number, while the first is held or already executed. */
static void look_for_evidence(struct node *n, const struct request *r) {
    const struct request *held = pbft_request_by_seq(n->pbft, &r->client, r->req_seq);
    if (held && !digest_equal(&held->digest, &r->digest)) {
        if (accuse_may_look(n, &r->client))
            accuse_client(n, held, r);
        return;
    }
    accuse_ticks(n, r);
    if (held || r->kind != OP_OBSERVE ||
        ledger_judge(n->machine.ledger, &r->client, r->req_seq) != ERR_ALREADY_EXECUTED || !accuse_may_load(n))
        return;
    struct arena arena = {0};
    struct output out;
    struct reply reply;
    struct buffer frame = {0};
    struct request *first = NULL;
    seq_no seq;
    uint32_t index;
    if (outputs_reply_place(n->outputs, &r->client, r->req_seq, &seq, &index) == ERR_OK &&
        outputs_load(n->outputs, seq, index, &out, &arena) == ERR_OK &&
        reply_decode(&reply, out.leaf, &arena) == ERR_OK && !digest_equal(&reply.request, &r->digest) &&
        accuse_may_look(n, &r->client) &&
        n->disk.get(n->disk.self, DISK_REQUEST, bytes_of(reply.request.b, DIGEST_LEN), &frame) == ERR_OK &&
        request_new(&first, buffer_bytes(&frame)) == ERR_OK)
        accuse_client(n, first, r);
    if (first)
        request_free(first);
    buffer_free(&frame);
    arena_free(&arena);
}

void node_take_request(struct node *n, struct request *r) {
    look_for_evidence(n, r);
    struct pbft_event event = node_request_event(n, r);
    if (event.settled && !pbft_wanted(n->pbft, &r->digest)) {
        request_free(r);
        return;
    }
    node_step(n, &event);
}

/* ---- what comes in ---- */

static void take_receipt(struct node *n, const struct msg *m) {
    member_set newly;
    outputs_receipt(n->outputs, m->sender, &m->receipt.body, &m->sig, ledger_executed(n->machine.ledger), &n->batch,
                    &newly);
    for (member_id i = 0; i < n->cluster->member_count; i++) {
        struct arena arena = {0};
        struct bytes frames[EVIDENCE_FRAMES_MAX];
        if (set_has(newly, i)) {
            node_trace(n, "evidence EV14 BAD_RECEIPT culprit %u at %llu", i, (unsigned long long)m->receipt.body.n);
            accuse(n, EV_BAD_RECEIPT, frames, outputs_contradiction(n->outputs, m->receipt.body.n, i, frames, &arena));
        }
        arena_free(&arena);
    }
}

void node_receive(struct node *n, struct admitted *x, struct node_now now) {
    n->now = now;
    if (x->accuses) {
        accuse_at_the_door(n, x->accuses, &x->msg);
        admitted_free(x);
        return;
    }
    for (unsigned i = 0; i < x->request_count; i++) {
        struct request *r = x->requests[i];
        x->requests[i] = NULL;
        if (r)
            node_take_request(n, r);
    }
    if (x->msg.type == FRAME_RECEIPT) {
        take_receipt(n, &x->msg);
    } else if (x->msg.type == FRAME_ST_FETCH) {
        donor_fetch(n, x->msg.sender, &x->msg.st_fetch);
    } else if (x->msg.type == FRAME_ST_DATA) {
        transfer_data(n, x->msg.sender, &x->msg.st_data);
    } else if (x->msg.type != FRAME_RELAY) {
        struct pbft_event event = {.kind = PBFT_RECEIVE, .msg = &x->msg};
        node_step(n, &event);
    }
    admitted_free(x);
}

void node_timeout(struct node *n, struct node_now now) {
    n->now = now;
    voice_tick(n);
    if (now.mono >= pbft_deadline(n->pbft)) {
        struct pbft_event event = {.kind = PBFT_TIMEOUT};
        node_step(n, &event);
    }
    donor_timeout(n);
    transfer_timeout(n);
    node_answer_alerts(n, true);
}

static mono_ms earlier(mono_ms a, mono_ms b) {
    return a < b ? a : b;
}

mono_ms node_deadline(const struct node *n) {
    mono_ms soonest = earlier(pbft_deadline(n->pbft), desk_deadline(&n->desk));
    soonest = earlier(soonest, earlier(donor_deadline(n), transfer_deadline(n)));
    soonest = earlier(soonest, earlier(accuse_deadline(n), drill_deadline(n)));
    return earlier(soonest, n->voice.tick_due);
}

void node_inspect(const struct node *n, struct node_facts *out) {
    *out = (struct node_facts){
        .executed = ledger_executed(n->machine.ledger),
        .t = ledger_time(n->machine.ledger),
        .log_hash = ledger_log_hash(n->machine.ledger),
        .alerts = monitor_alerts(n->machine.monitor),
        .boot = n->boot,
        .suspects = outputs_suspects(n->outputs),
        .answered = n->answered,
        .results_accepted = n->machine.results_accepted,
        .results_refused = n->machine.results_refused,
        .breach = n->breach,
    };
    pbft_inspect(n->pbft, &out->pbft);
}
