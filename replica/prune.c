/* What falls out of the retention. A request goes with the last batch that names it: who names it a second time is
   remembered. */
#include "replica/prune.h"

#include "replica/node_internal.h"

enum { BATCHES_A_STEP = 4, ALERTS_A_STEP = 64, FAR_INTERVALS = 4 };

static const struct bytes LOWEST_KEY = {(const uint8_t *)"retained", 8};
static const char REPEAT[] = "repeat";

static void repeat_key(struct buffer *out, const struct digest *request) {
    buffer_clear(out);
    buffer_put(out, REPEAT, sizeof REPEAT - 1);
    if (request)
        buffer_put(out, request->b, DIGEST_LEN);
}

static void number_key(struct buffer *out, const char *kind, uint64_t number) {
    buffer_clear(out);
    buffer_put(out, kind, *kind ? 1 : 0);
    buffer_u64(out, number);
}

/* ---- opening ---- */

static bool see_repeat(void *context, struct bytes key, struct bytes value) {
    bool *found = context;
    (void)key, (void)value;
    *found = true;
    return false;
}

enum error prune_open(struct node *n, seq_no retain) {
    const struct protocol_knobs *k = &n->cluster->knobs;
    seq_no least = FAR_INTERVALS * (seq_no)k->checkpoint_interval + 2 * (seq_no)k->window;
    struct prune *p = &n->prune;
    struct buffer stored = {0}, from = {0}, below = {0};
    *p = (struct prune){.retain = retain ? retain : RETAIN_BATCHES, .lowest = 1, .alert = 1};
    p->retain = p->retain < least ? least : p->retain;
    enum error e = n->disk.get(n->disk.self, DISK_META, LOWEST_KEY, &stored);
    if (e == ERR_OK) {
        struct reader r = reader_of(buffer_bytes(&stored));
        p->lowest = read_u64(&r);
        p->alert = read_u64(&r);
        e = reader_done(&r) ? ERR_OK : ERR_CORRUPT;
    } else if (e == ERR_NOT_FOUND) {
        e = ERR_OK;
    }
    repeat_key(&from, NULL);
    repeat_key(&below, NULL);
    buffer_u8(&below, UINT8_MAX);
    buffer_u8(&below, UINT8_MAX);
    if (e == ERR_OK)
        e = n->disk.scan(n->disk.self, DISK_META, buffer_bytes(&from), buffer_bytes(&below), see_repeat, &p->repeats);
    buffer_free(&stored);
    buffer_free(&from);
    buffer_free(&below);
    return e;
}

/* ---- requests that two batches name ---- */

void prune_note(struct node *n, seq_no seq, const struct request *const *requests, size_t count) {
    struct buffer key = {0}, value = {0};
    for (size_t i = 0; i < count; i++) {
        const struct request *r = requests[i];
        if (ledger_judge(n->machine.ledger, &r->client, r->req_seq) == ERR_OK)
            continue;
        repeat_key(&key, &r->digest);
        buffer_clear(&value);
        buffer_u64(&value, seq);
        disk_batch_put(&n->batch, DISK_META, buffer_bytes(&key), buffer_bytes(&value));
        n->prune.repeats = n->prune.noted = true;
    }
    buffer_free(&key);
    buffer_free(&value);
}

/* Is a batch above seq known to name it? */
static bool named_later(struct node *n, const struct digest *request, seq_no seq) {
    struct buffer key = {0}, value = {0};
    bool later = false;
    repeat_key(&key, request);
    if (n->prune.repeats && n->disk.get(n->disk.self, DISK_META, buffer_bytes(&key), &value) == ERR_OK) {
        struct reader r = reader_of(buffer_bytes(&value));
        later = read_u64(&r) > seq;
        if (!later)
            disk_batch_delete(&n->batch, DISK_META, buffer_bytes(&key));
    }
    buffer_free(&key);
    buffer_free(&value);
    return later || pbft_request(n->pbft, request) || pbft_wanted(n->pbft, request);
}

/* ---- what goes ---- */

static void drop_requests(struct node *n, seq_no seq, struct bytes record) {
    struct frame f = {.type = FRAME_DECISION, .body = record};
    struct arena arena = {0};
    struct msg m;
    struct batch batch;
    if (codec_decode(&m, &f, &arena) == ERR_OK && batch_decode(&batch, m.decision.batch, &arena) == ERR_OK)
        for (unsigned i = 0; i < batch.count; i++)
            if (!named_later(n, &batch.refs[i].digest, seq))
                disk_batch_delete(&n->batch, DISK_REQUEST, bytes_of(batch.refs[i].digest.b, DIGEST_LEN));
    arena_free(&arena);
}

static void drop_outputs(struct node *n, seq_no seq) {
    struct buffer key = {0};
    number_key(&key, "o", seq);
    disk_batch_delete(&n->batch, DISK_OUTPUT, buffer_bytes(&key));
    number_key(&key, "r", seq);
    disk_batch_delete(&n->batch, DISK_OUTPUT, buffer_bytes(&key));
    buffer_free(&key);
}

struct oldest {
    struct node *n;
    seq_no seq; /* 0: none */
    seq_no limit;
};

static bool drop_batch(void *context, struct bytes key, struct bytes record) {
    struct oldest *o = context;
    struct reader r = reader_of(key);
    o->seq = read_u64(&r);
    if (o->seq > o->limit) {
        o->seq = o->limit; /* a state transfer left a gap there */
        return false;
    }
    drop_requests(o->n, o->seq, record);
    drop_outputs(o->n, o->seq);
    disk_batch_delete(&o->n->batch, DISK_DECIDED, key);
    return false;
}

static void drop_alerts(struct node *n) {
    struct prune *p = &n->prune;
    seq_no seq;
    uint32_t index;
    for (unsigned i = 0; i < ALERTS_A_STEP && p->alert <= monitor_alerts(n->machine.monitor); i++, p->alert++) {
        enum error e = outputs_alert_place(n->outputs, p->alert, &seq, &index);
        if (e != ERR_OK && e != ERR_NOT_FOUND)
            return;
        if (e == ERR_OK && seq >= p->lowest)
            return;
        struct buffer key = {0};
        number_key(&key, "", p->alert);
        disk_batch_delete(&n->batch, DISK_ALERT, buffer_bytes(&key));
        buffer_free(&key);
    }
}

static void remember(struct node *n) {
    struct buffer value = {0};
    buffer_u64(&value, n->prune.lowest);
    buffer_u64(&value, n->prune.alert);
    disk_batch_put(&n->batch, DISK_META, LOWEST_KEY, buffer_bytes(&value));
    buffer_free(&value);
}

void prune_step(struct node *n) {
    struct prune *p = &n->prune;
    seq_no stable = pbft_stable_cert(n->pbft)->statement.n;
    struct oldest o = {.n = n, .limit = stable > p->retain ? stable - p->retain : 0};
    seq_no before = p->lowest;
    struct buffer from = {0};
    for (unsigned i = 0; i < BATCHES_A_STEP && p->lowest <= o.limit && !p->noted; i++) {
        o.seq = o.limit;
        number_key(&from, "", p->lowest);
        if (n->disk.scan(n->disk.self, DISK_DECIDED, buffer_bytes(&from), (struct bytes){0}, drop_batch, &o) != ERR_OK)
            break;
        p->lowest = o.seq + 1;
    }
    buffer_free(&from);
    if (p->lowest > before) {
        drop_alerts(n);
        remember(n);
    }
}
