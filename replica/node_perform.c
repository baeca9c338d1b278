/* Performs the core's actions in their order: records into the turn's batch, frames into the outbox, batches into the
   machine. Nothing leaves here; node_flush releases it once the records are durable. */
#include "replica/node_internal.h"
#include "replica/retained.h"

#include <stdarg.h>
#include <stdio.h>

enum { SERVE_BYTES_MAX = 768 * 1024, SERVE_DECISIONS_MAX = 64 };

/* ---- records ---- */

static enum disk_family family_of(enum pbft_record record) {
    switch (record) {
    case RECORD_DECIDED:
        return DISK_DECIDED;
    case RECORD_REQUEST:
        return DISK_REQUEST;
    default:
        return DISK_PROTOCOL;
    }
}

static void record_key(struct buffer *out, enum pbft_record record, struct bytes key) {
    if (family_of(record) == DISK_PROTOCOL)
        buffer_u8(out, (uint8_t)record);
    buffer_put(out, key.data, key.len);
}

static void write_record(struct node *n, const struct pbft_action *a) {
    struct buffer key = {0};
    record_key(&key, a->record, a->key);
    if (a->value.data)
        disk_batch_put(&n->batch, family_of(a->record), buffer_bytes(&key), a->value);
    else
        disk_batch_delete(&n->batch, family_of(a->record), buffer_bytes(&key));
    n->sync |= a->kind == PBFT_PERSIST;
    buffer_free(&key);
    if (a->record == RECORD_NEW_VIEW && a->value.data) {
        struct reader view = reader_of(a->key);
        store_new_view(&n->batch, read_u64(&view), a->value);
    }
}

static void forget_records(struct node *n, const struct pbft_action *a) {
    struct buffer from = {0}, below = {0}, low = {0}, high = {0};
    buffer_u64(&low, 0);
    buffer_u64(&high, a->n + 1);
    record_key(&from, a->record, buffer_bytes(&low));
    record_key(&below, a->record, buffer_bytes(&high));
    disk_batch_delete_range(&n->batch, family_of(a->record), buffer_bytes(&from), buffer_bytes(&below));
    buffer_free(&from);
    buffer_free(&below);
    buffer_free(&low);
    buffer_free(&high);
}

/* ---- execution ---- */

static void tell_alert(void *self, const struct alert *a) {
    struct node *n = self;
    if (n->world.alert)
        n->world.alert(n->world.self, a);
}

static void remember_done(struct node *n, const struct request *const *requests, size_t count) {
    if (count > n->done_cap) {
        n->done_cap = count;
        n->done = xrealloc(n->done, count * sizeof *n->done);
    }
    for (size_t i = 0; i < count; i++) {
        const struct request *r = requests[i];
        bool fresh = ledger_judge(n->machine.ledger, &r->client, r->req_seq) == ERR_OK;
        n->done[i] = (struct pbft_done){.client = r->client, .req_seq = r->req_seq, .fresh = fresh};
    }
    n->done_count = count;
}

/* After the execution, which may have slid their clients' windows and spent their tokens. */
void node_remember_old(struct node *n) {
    for (size_t i = 0; i < n->done_count; i++) {
        uint64_t top = ledger_top(n->machine.ledger, &n->done[i].client);
        n->done[i].old = top > LEDGER_WINDOW ? top - LEDGER_WINDOW : 0;
        n->done[i].ready = ledger_ready(n->machine.ledger, &n->done[i].client);
    }
}

void node_execute(struct node *n, seq_no seq, const struct digest *d, enum batch_kind kind,
                  const struct request *const *requests, size_t count, bool replay) {
    struct monitor_sink watch = {.self = n, .alert = tell_alert};
    uint64_t alerts = monitor_alerts(n->machine.monitor);
    prune_note(n, seq, requests, count);
    machine_execute(&n->machine, seq, d, kind, requests, count, &n->executed, replay ? NULL : &watch);
    if (n->world.executed)
        n->world.executed(n->world.self, seq, d, &n->executed.log_hash, n->executed.t, requests, count);
    store_proven(&n->executed, &n->batch);
    for (member_id i = 0; i < n->cluster->member_count; i++)
        if (set_has(n->executed.false_accusers, i))
            node_trace(n, "evidence refused: replica %u showed in n=%llu what proves nothing", (unsigned)i,
                       (unsigned long long)seq);
    struct bytes receipt = outputs_executed(n->outputs, &n->executed, &n->batch, replay);
    if (replay)
        return;
    drill_executed(n, seq);
    if (receipt.len)
        node_send(n, set_all(n->cluster->member_count), receipt);
    node_answer_replies(n);
    if (monitor_alerts(n->machine.monitor) > alerts)
        node_answer_alerts(n, false);
}

static void execute_action(struct node *n, const struct pbft_action *a) {
    REQUIRE(!n->execution_due && !n->checkpoint_due);
    remember_done(n, a->requests, a->count);
    node_execute(n, a->n, &a->batch_digest, a->batch_kind, a->requests, a->count, false);
    node_remember_old(n);
    prune_step(n);
    n->execution_due = true;
}

static void checkpoint_action(struct node *n, const struct pbft_action *a) {
    REQUIRE(!n->execution_due && !n->checkpoint_due && a->n == ledger_executed(n->machine.ledger));
    node_checkpoint(n, &n->checkpoint);
    n->checkpoint_due = true;
}

static void transfer_action(struct node *n, const struct pbft_action *a) {
    if (a->damaged)
        node_state_damaged(n);
    transfer_want(n, a->n, a->damaged);
}

/* ---- serving what the store holds ---- */

struct data_out { /* a DATA frame being filled */
    struct node *node;
    member_set to;
    struct arena arena;
    struct bytes list[FETCH_MAX];
    unsigned count;
    size_t bytes;
};

static void data_release(struct data_out *d) {
    if (d->count) {
        struct msg m = {.type = FRAME_DATA, .data = {.request_count = d->count, .requests = d->list}};
        struct buffer body = {0}, frame = {0};
        codec_encode(&body, &m);
        node_seal(d->node, &frame, FRAME_DATA, buffer_bytes(&body));
        node_send(d->node, d->to, buffer_bytes(&frame));
        buffer_free(&body);
        buffer_free(&frame);
    }
    arena_free(&d->arena);
    d->arena = (struct arena){0};
    d->count = 0;
    d->bytes = 0;
}

static void data_add(struct data_out *d, const struct digest *digest) {
    struct buffer value = {0};
    struct disk *disk = &d->node->disk;
    if (disk->get(disk->self, DISK_REQUEST, bytes_of(digest->b, DIGEST_LEN), &value) == ERR_OK) {
        if (d->count == FETCH_MAX || d->bytes + value.len > SERVE_BYTES_MAX)
            data_release(d);
        d->list[d->count++] = arena_copy(&d->arena, buffer_bytes(&value));
        d->bytes += value.len;
    }
    buffer_free(&value);
}

static void load_own(struct node *n, const struct digest *digest) {
    struct buffer value = {0};
    struct request *r = NULL;
    if (n->disk.get(n->disk.self, DISK_REQUEST, bytes_of(digest->b, DIGEST_LEN), &value) == ERR_OK &&
        request_new(&r, buffer_bytes(&value)) == ERR_OK) {
        struct request **grown = xrealloc(n->loaded, (n->loaded_count + 1) * sizeof *grown);
        n->loaded = grown;
        n->loaded[n->loaded_count++] = r;
    }
    buffer_free(&value);
}

static void serve_data(struct node *n, const struct pbft_action *a) {
    struct data_out d = {.node = n, .to = a->to & (member_set)~set_of(n->self)};
    for (size_t i = 0; i < a->count; i++) {
        if (set_has(a->to, n->self))
            load_own(n, &a->digests[i]);
        if (d.to)
            data_add(&d, &a->digests[i]);
    }
    data_release(&d);
}

struct decisions_out {
    struct data_out data;
    struct buffer frames; /* blocks: sent after the requests that they name */
    unsigned count;
};

static bool serve_one(void *context, struct bytes key, struct bytes value) {
    (void)key;
    struct decisions_out *out = context;
    struct node *n = out->data.node;
    struct frame f = {.type = FRAME_DECISION, .body = value};
    struct arena arena = {0};
    struct msg m;
    struct batch batch;
    if (codec_decode(&m, &f, &arena) == ERR_OK && batch_decode(&batch, m.decision.batch, &arena) == ERR_OK) {
        for (unsigned i = 0; i < batch.count; i++)
            data_add(&out->data, &batch.refs[i].digest);
        struct buffer frame = {0};
        node_seal(n, &frame, FRAME_DECISION, value);
        buffer_block(&out->frames, buffer_bytes(&frame));
        buffer_free(&frame);
        out->count++;
    }
    arena_free(&arena);
    return out->count < SERVE_DECISIONS_MAX && out->frames.len + out->data.bytes < SERVE_BYTES_MAX;
}

static void serve_decisions(struct node *n, const struct pbft_action *a) {
    struct decisions_out out = {.data = {.node = n, .to = a->to}};
    struct buffer from = {0}, below = {0};
    buffer_u64(&from, a->first);
    buffer_u64(&below, a->last + 1);
    n->disk.scan(n->disk.self, DISK_DECIDED, buffer_bytes(&from), buffer_bytes(&below), serve_one, &out);
    data_release(&out.data);
    struct reader r = reader_of(buffer_bytes(&out.frames));
    while (r.at < r.end)
        node_send(n, a->to, read_block(&r, SIZE_MAX));
    buffer_free(&out.frames);
    buffer_free(&from);
    buffer_free(&below);
}

/* ---- the list ---- */

static void perform(struct node *n, const struct pbft_action *a) {
    switch (a->kind) {
    case PBFT_PERSIST:
    case PBFT_STORE:
        write_record(n, a);
        break;
    case PBFT_SEND:
        node_send(n, a->to, a->frame);
        break;
    case PBFT_EXECUTE:
        execute_action(n, a);
        break;
    case PBFT_CHECKPOINT_AT:
        checkpoint_action(n, a);
        break;
    case PBFT_FORGET:
        forget_records(n, a);
        break;
    case PBFT_SERVE_DECISIONS:
        serve_decisions(n, a);
        break;
    case PBFT_SERVE_DATA:
        serve_data(n, a);
        break;
    case PBFT_TRANSFER:
        transfer_action(n, a);
        break;
    case PBFT_STABLE:
        break;
    case PBFT_TRACE:
        node_trace(n, "%s", a->text);
        break;
    case PBFT_EVIDENCE:
        accuse(n, a->evidence, a->frames, (unsigned)a->count);
        break;
    case PBFT_SAFETY_BREACH:
        store_breach(&n->batch, a->frames, a->count);
        n->sync = true;
        n->breach = true;
        node_trace(n, "SAFETY BREACH %s", a->text);
        break;
    }
}

void node_perform(struct node *n, const struct pbft_actions *actions) {
    for (size_t i = 0; i < actions->count; i++)
        perform(n, &actions->list[i]);
}

void node_trace(struct node *n, const char *format, ...) {
    if (!n->world.trace)
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    n->world.trace(n->world.self, line);
}
