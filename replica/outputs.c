/* Outputs and receipts. Keys of DISK_OUTPUT: 'o' n -> receipt body and leaves; 'r' n -> receipts of other members that
   agree with ours; 'q' client slot -> which batch answered a request. What a crash loses here comes back by replay. */
#include "replica/outputs.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct cell { /* receipts of one batch */
    seq_no n;
    bool own;                    /* executed here: body[self] is ours */
    member_set present, counted; /* counted: judged already */
    struct receipt_body body[MEMBERS_MAX];
    struct signature sig[MEMBERS_MAX];
};

struct loaded { /* the batch that was read last: its outputs are asked for one after the other */
    seq_no n;   /* 0: none */
    struct receipt_body body;
    struct buffer record;
    uint32_t count;
    struct bytes *leaves; /* into record */
    struct merkle_tree *tree;
};

struct outputs {
    struct verifier verifier;
    member_id self;
    struct secret_key secret;
    const struct disk *disk;
    struct cell ring[OUTPUTS_RING];
    member_set suspects;
    const struct executed *latest; /* the batch executed last: its replies are asked for at once */
    struct merkle_tree *latest_tree;
    struct loaded loaded;
    struct buffer frame, key, value, recent; /* recent: records of this turn, not yet on disk: (key, value) blocks */
};

struct outputs *outputs_new(const struct verifier *v, member_id self, const struct secret_key *secret,
                            const struct disk *disk) {
    struct outputs *o = xcalloc(1, sizeof *o);
    o->verifier = *v;
    o->self = self;
    o->secret = *secret;
    o->disk = disk;
    return o;
}

static void loaded_drop(struct loaded *l) {
    merkle_tree_free(l->tree);
    free(l->leaves);
    l->tree = NULL;
    l->leaves = NULL;
    l->n = 0;
}

void outputs_free(struct outputs *o) {
    if (!o)
        return;
    crypto_wipe(&o->secret, sizeof o->secret);
    merkle_tree_free(o->latest_tree);
    loaded_drop(&o->loaded);
    buffer_free(&o->loaded.record);
    buffer_free(&o->frame);
    buffer_free(&o->key);
    buffer_free(&o->value);
    buffer_free(&o->recent);
    free(o);
}

member_set outputs_suspects(const struct outputs *o) {
    return o->suspects;
}

/* ---- keys ---- */

static struct bytes key_of(struct outputs *o, char kind, seq_no n) {
    buffer_clear(&o->key);
    buffer_u8(&o->key, (uint8_t)kind);
    buffer_u64(&o->key, n);
    return buffer_bytes(&o->key);
}

static struct bytes reply_key(struct outputs *o, const struct public_key *client, uint64_t req_seq) {
    buffer_clear(&o->key);
    buffer_u8(&o->key, 'q');
    buffer_put(&o->key, client->b, PUBLIC_KEY_LEN);
    buffer_u16(&o->key, (uint16_t)(req_seq % LEDGER_WINDOW));
    return buffer_bytes(&o->key);
}

static void store(struct outputs *o, struct disk_batch *batch, enum disk_family family, struct bytes key) {
    struct bytes value = buffer_bytes(&o->value);
    disk_batch_put(batch, family, key, value);
    buffer_u8(&o->recent, (uint8_t)family);
    buffer_block(&o->recent, key);
    buffer_block(&o->recent, value);
}

/* Looks among this turn's records first (the last one wins), then on the disk. */
static enum error fetch(struct outputs *o, enum disk_family family, struct bytes key, struct buffer *out) {
    struct reader r = reader_of(buffer_bytes(&o->recent));
    bool found = false;
    while (r.at < r.end) {
        enum disk_family f = read_u8(&r);
        struct bytes k = read_block(&r, SIZE_MAX), v = read_block(&r, SIZE_MAX);
        if (f != family || !bytes_equal(k, key))
            continue;
        buffer_clear(out);
        buffer_put(out, v.data, v.len);
        found = true;
    }
    return found ? ERR_OK : o->disk->get(o->disk->self, family, key, out);
}

void outputs_turn_flushed(struct outputs *o) {
    buffer_clear(&o->recent);
}

/* ---- receipts ---- */

static struct cell *cell_of(struct outputs *o, seq_no n) {
    struct cell *c = &o->ring[n % OUTPUTS_RING];
    if (c->n != n)
        *c = (struct cell){.n = n};
    return c;
}

static unsigned agreeing(const struct cell *c, const struct receipt_body *body) {
    unsigned count = 0;
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        count += set_has(c->present, i) && receipt_body_equal(&c->body[i], body);
    return count;
}

static const struct receipt_body *majority(const struct outputs *o, const struct cell *c) {
    for (member_id i = 0; i < MEMBERS_MAX; i++)
        if (set_has(c->present, i) && agreeing(c, &c->body[i]) >= quorum_weak(o->verifier.members))
            return &c->body[i];
    return NULL;
}

static member_set judge(struct outputs *o, struct cell *c) {
    member_set newly = 0;
    const struct receipt_body *truth = majority(o, c);
    if (!truth)
        return 0;
    for (member_id i = 0; i < MEMBERS_MAX; i++) {
        if (!set_has(c->present, i) || set_has(c->counted, i))
            continue;
        c->counted |= set_of(i);
        if (!receipt_body_equal(&c->body[i], truth))
            newly |= set_of(i) & (member_set)~o->suspects;
    }
    o->suspects |= newly;
    return newly;
}

static struct bytes receipt_frame(const struct outputs *o, const struct cell *c, member_id member,
                                  struct arena *arena) {
    uint8_t body[RECEIPT_BODY_LEN];
    struct buffer frame = {0};
    struct seal_context context = {FRAME_RECEIPT, o->verifier.cluster, o->verifier.epoch, member};
    receipt_encode(body, &c->body[member]);
    frame_rebuild(&frame, &context, bytes_of(body, sizeof body), &c->sig[member]);
    struct bytes copy = arena_copy(arena, buffer_bytes(&frame));
    buffer_free(&frame);
    return copy;
}

unsigned outputs_contradiction(const struct outputs *o, seq_no n, member_id suspect,
                               struct bytes frames[EVIDENCE_FRAMES_MAX], struct arena *arena) {
    const struct cell *c = &o->ring[n % OUTPUTS_RING];
    const struct receipt_body *truth = c->n == n ? majority(o, c) : NULL;
    unsigned count = 0, most = 1 + quorum_weak(o->verifier.members);
    if (!truth || !set_has(c->present, suspect))
        return 0;
    frames[count++] = receipt_frame(o, c, suspect, arena);
    for (member_id i = 0; i < o->verifier.members && count < most; i++)
        if (set_has(c->present, i) && receipt_body_equal(&c->body[i], truth))
            frames[count++] = receipt_frame(o, c, i, arena);
    return count;
}

static void store_receipts(struct outputs *o, const struct cell *c, struct disk_batch *batch) {
    buffer_clear(&o->value);
    for (member_id i = 0; i < o->verifier.members; i++) {
        if (!set_has(c->present, i) || !receipt_body_equal(&c->body[i], &c->body[o->self]))
            continue;
        buffer_u16(&o->value, i);
        buffer_put(&o->value, c->sig[i].b, SIGNATURE_LEN);
    }
    store(o, batch, DISK_OUTPUT, key_of(o, 'r', c->n));
}

enum error outputs_receipt(struct outputs *o, member_id from, const struct receipt_body *body,
                           const struct signature *sig, seq_no executed, struct disk_batch *batch, member_set *newly) {
    *newly = 0;
    if (body->n == 0 || body->n > executed + WINDOW_MAX || body->n + OUTPUTS_RING / 2 <= executed)
        return ERR_OUTSIDE_WINDOW;
    struct cell *c = cell_of(o, body->n);
    if (set_has(c->present, from))
        return receipt_body_equal(&c->body[from], body) ? ERR_DUPLICATE : ERR_CONFLICT;
    c->present |= set_of(from);
    c->body[from] = *body;
    c->sig[from] = *sig;
    *newly = judge(o, c);
    if (c->own && agreeing(c, &c->body[o->self]) == quorum_weak(o->verifier.members) &&
        receipt_body_equal(body, &c->body[o->self]))
        store_receipts(o, c, batch);
    return ERR_OK;
}

/* Before a replayed batch's record is written again: the receipts that were stored with it agreed with ours. */
static void recall_receipts(struct outputs *o, struct cell *c, const struct receipt_body *body) {
    if (o->disk->get(o->disk->self, DISK_OUTPUT, key_of(o, 'r', c->n), &o->value) != ERR_OK)
        return;
    struct reader r = reader_of(buffer_bytes(&o->value));
    while (r.at < r.end) {
        struct receipt_signature stored = {.replica = read_u16(&r)};
        read_into(&r, stored.sig.b, SIGNATURE_LEN);
        if (r.bad || !receipt_verify(&o->verifier, body, &stored))
            continue;
        c->present |= set_of(stored.replica);
        c->body[stored.replica] = *body;
        c->sig[stored.replica] = stored.sig;
    }
}

static void seal_receipt(struct outputs *o, const struct receipt_body *body, struct cell *c) {
    uint8_t encoded[RECEIPT_BODY_LEN];
    struct seal_context context = {FRAME_RECEIPT, o->verifier.cluster, o->verifier.epoch, o->self};
    receipt_encode(encoded, body);
    buffer_clear(&o->frame);
    frame_seal(&o->frame, &context, bytes_of(encoded, sizeof encoded), &o->secret);
    struct frame f;
    ENSURE(frame_open(&f, buffer_bytes(&o->frame)) == ERR_OK);
    c->own = true;
    c->present |= set_of(o->self);
    c->body[o->self] = *body;
    c->sig[o->self] = f.sig;
}

/* ---- a batch's outputs ---- */

static struct merkle_tree *tree_of(const struct executed *e) {
    struct digest *leaves = xcalloc(e->count, sizeof *leaves);
    for (size_t i = 0; i < e->count; i++)
        leaves[i] = merkle_leaf(executed_leaf(e, i));
    struct merkle_tree *tree = merkle_tree_new(leaves, (uint32_t)e->count);
    free(leaves);
    return tree;
}

static void store_places(struct outputs *o, const struct executed *e, struct disk_batch *batch) {
    for (size_t i = 0; i < e->count; i++) {
        const struct leaf *leaf = &e->leaves[i];
        buffer_clear(&o->value);
        if (leaf->kind == OUTPUT_REPLY)
            buffer_u64(&o->value, leaf->req_seq);
        buffer_u64(&o->value, e->n);
        buffer_u32(&o->value, (uint32_t)i);
        if (leaf->kind == OUTPUT_REPLY) {
            store(o, batch, DISK_OUTPUT, reply_key(o, &leaf->client, leaf->req_seq));
        } else {
            buffer_clear(&o->key);
            buffer_u64(&o->key, leaf->alert);
            store(o, batch, DISK_ALERT, buffer_bytes(&o->key));
        }
    }
}

struct bytes outputs_executed(struct outputs *o, const struct executed *e, struct disk_batch *batch, bool replay) {
    o->latest = NULL;
    if (e->count == 0)
        return (struct bytes){0};
    merkle_tree_free(o->latest_tree);
    o->latest_tree = tree_of(e);
    o->latest = e;
    struct receipt_body body = {.n = e->n, .log_hash = e->log_hash, .t = e->t};
    body.output_root = merkle_tree_root(o->latest_tree);
    struct cell *c = cell_of(o, e->n);
    if (replay)
        recall_receipts(o, c, &body);
    seal_receipt(o, &body, c);
    uint8_t encoded[RECEIPT_BODY_LEN];
    receipt_encode(encoded, &body);
    buffer_clear(&o->value);
    buffer_put(&o->value, encoded, sizeof encoded);
    buffer_u32(&o->value, (uint32_t)e->count);
    for (size_t i = 0; i < e->count; i++)
        buffer_block(&o->value, executed_leaf(e, i));
    store(o, batch, DISK_OUTPUT, key_of(o, 'o', e->n));
    store_receipts(o, c, batch);
    store_places(o, e, batch);
    return buffer_bytes(&o->frame);
}

static void forget_range(struct outputs *o, char kind, seq_no first, seq_no last, struct disk_batch *batch) {
    struct buffer from = {0};
    struct bytes low = key_of(o, kind, first);
    buffer_put(&from, low.data, low.len);
    disk_batch_delete_range(batch, DISK_OUTPUT, buffer_bytes(&from), key_of(o, kind, last + 1));
    buffer_free(&from);
}

void outputs_forget(struct outputs *o, seq_no first, seq_no last, struct disk_batch *batch) {
    forget_range(o, 'o', first, last, batch);
    forget_range(o, 'r', first, last, batch);
    for (unsigned i = 0; i < OUTPUTS_RING; i++)
        if (o->ring[i].n >= first && o->ring[i].n <= last)
            o->ring[i] = (struct cell){0};
    o->latest = NULL;
    loaded_drop(&o->loaded);
    buffer_clear(&o->recent);
}

/* ---- answers ---- */

static enum error take_latest(const struct outputs *o, uint32_t index, struct output *out, struct arena *arena) {
    const struct executed *e = o->latest;
    if (index >= e->count)
        return ERR_CORRUPT;
    out->leaf = arena_copy(arena, executed_leaf(e, index));
    out->cert.body = o->ring[e->n % OUTPUTS_RING].body[o->self];
    out->cert.index = index;
    out->cert.count = (uint32_t)e->count;
    out->cert.path_len = merkle_tree_path(out->cert.path, o->latest_tree, index);
    return ERR_OK;
}

static void hash_leaves(struct loaded *l) {
    struct digest *digests = xcalloc(l->count, sizeof *digests);
    for (uint32_t i = 0; i < l->count; i++)
        digests[i] = merkle_leaf(l->leaves[i]);
    l->tree = merkle_tree_new(digests, l->count);
    free(digests);
}

static enum error parse_record(struct loaded *l) {
    struct reader r = reader_of(buffer_bytes(&l->record));
    uint8_t body[RECEIPT_BODY_LEN];
    read_into(&r, body, sizeof body);
    receipt_decode(&l->body, body);
    l->count = read_u32(&r);
    if (r.bad || l->count == 0 || l->count > MERKLE_LEAVES_MAX)
        return ERR_CORRUPT;
    l->leaves = xcalloc(l->count, sizeof *l->leaves);
    for (uint32_t i = 0; i < l->count; i++)
        l->leaves[i] = read_block(&r, SIZE_MAX);
    return reader_done(&r) ? ERR_OK : ERR_CORRUPT;
}

static enum error load_batch(struct outputs *o, seq_no n) {
    struct loaded *l = &o->loaded;
    if (l->n == n)
        return ERR_OK;
    loaded_drop(l);
    enum error e = fetch(o, DISK_OUTPUT, key_of(o, 'o', n), &l->record);
    if (e == ERR_OK)
        e = parse_record(l);
    if (e != ERR_OK) {
        loaded_drop(l);
        return e;
    }
    hash_leaves(l);
    l->n = n;
    return ERR_OK;
}

static enum error take_loaded(const struct outputs *o, uint32_t index, struct output *out, struct arena *arena) {
    const struct loaded *l = &o->loaded;
    if (index >= l->count)
        return ERR_CORRUPT;
    out->leaf = arena_copy(arena, l->leaves[index]);
    out->cert.body = l->body;
    out->cert.index = index;
    out->cert.count = l->count;
    out->cert.path_len = merkle_tree_path(out->cert.path, l->tree, index);
    return ERR_OK;
}

static void add_receipt(struct certificate *cert, member_id member, const struct signature *sig) {
    if (cert->receipts_len < MEMBERS_MAX)
        cert->receipts[cert->receipts_len++] = (struct receipt_signature){member, *sig};
}

static void receipts_from_disk(struct outputs *o, struct certificate *cert) {
    if (fetch(o, DISK_OUTPUT, key_of(o, 'r', cert->body.n), &o->value) != ERR_OK)
        return;
    struct reader r = reader_of(buffer_bytes(&o->value));
    while (r.at < r.end) {
        member_id member = read_u16(&r);
        struct signature sig;
        read_into(&r, sig.b, SIGNATURE_LEN);
        if (!r.bad)
            add_receipt(cert, member, &sig);
    }
}

static void receipts_from_ring(const struct outputs *o, const struct cell *c, struct certificate *cert) {
    for (member_id i = 0; i < o->verifier.members; i++)
        if (set_has(c->present, i) && receipt_body_equal(&c->body[i], &c->body[o->self]))
            add_receipt(cert, i, &c->sig[i]);
}

enum error outputs_load(struct outputs *o, seq_no n, uint32_t index, struct output *out, struct arena *arena) {
    *out = (struct output){.cert.epoch = o->verifier.epoch};
    if (o->latest && o->latest->n == n) {
        receipts_from_ring(o, &o->ring[n % OUTPUTS_RING], &out->cert);
        return take_latest(o, index, out, arena);
    }
    enum error e = load_batch(o, n);
    if (e == ERR_OK)
        e = take_loaded(o, index, out, arena);
    if (e != ERR_OK)
        return e;
    const struct cell *c = &o->ring[n % OUTPUTS_RING];
    if (c->n == n && c->own)
        receipts_from_ring(o, c, &out->cert);
    else
        receipts_from_disk(o, &out->cert);
    return ERR_OK;
}

static enum error place(struct buffer *value, seq_no *n, uint32_t *index, uint64_t *req_seq) {
    struct reader r = reader_of(buffer_bytes(value));
    if (req_seq)
        *req_seq = read_u64(&r);
    *n = read_u64(&r);
    *index = read_u32(&r);
    return reader_done(&r) ? ERR_OK : ERR_CORRUPT;
}

static bool take_first(void *context, struct bytes key, struct bytes value) {
    struct reader r = reader_of(key);
    (void)value;
    *(uint64_t *)context = read_u64(&r);
    return false;
}

enum error outputs_alert_from(struct outputs *o, uint64_t number, uint64_t *found) {
    buffer_clear(&o->key);
    buffer_u64(&o->key, number);
    *found = 0;
    enum error e =
        o->disk->scan(o->disk->self, DISK_ALERT, buffer_bytes(&o->key), (struct bytes){0}, take_first, found);
    return e == ERR_OK && *found < number ? ERR_NOT_FOUND : e;
}

enum error outputs_alert_place(struct outputs *o, uint64_t number, seq_no *n, uint32_t *index) {
    buffer_clear(&o->key);
    buffer_u64(&o->key, number);
    enum error e = fetch(o, DISK_ALERT, buffer_bytes(&o->key), &o->value);
    return e == ERR_OK ? place(&o->value, n, index, NULL) : e;
}

enum error outputs_reply_place(struct outputs *o, const struct public_key *client, uint64_t req_seq, seq_no *n,
                               uint32_t *index) {
    uint64_t stored = 0;
    enum error e = fetch(o, DISK_OUTPUT, reply_key(o, client, req_seq), &o->value);
    if (e == ERR_OK)
        e = place(&o->value, n, index, &stored);
    if (e == ERR_OK && stored != req_seq)
        e = ERR_NOT_FOUND;
    return e;
}
