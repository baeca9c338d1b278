/* Opening a node from what its disk holds: identity, boot number, the checkpointed state, the decided batches after it
   (executed again), and the protocol's records. Nothing is sent before node_start. */
#include "replica/node_internal.h"

#include <stdlib.h>
#include <string.h>

enum { REPLAY_TURN = 64 };

static struct bytes text_key(const char *text) {
    return bytes_of(text, strlen(text));
}

/* ---- who am I ---- */

static enum error check_identity(struct node *n, struct buffer *why) {
    struct buffer mine = {0}, stored = {0};
    buffer_put(&mine, n->cluster->id.b, CLUSTER_ID_LEN);
    buffer_u16(&mine, n->self);
    enum error e = n->disk.get(n->disk.self, DISK_META, text_key("identity"), &stored);
    if (e == ERR_NOT_FOUND) {
        disk_batch_put(&n->batch, DISK_META, text_key("identity"), buffer_bytes(&mine));
        e = ERR_OK;
    } else if (e == ERR_OK && !bytes_equal(buffer_bytes(&mine), buffer_bytes(&stored))) {
        bool cluster = stored.len < CLUSTER_ID_LEN || memcmp(stored.data, mine.data, CLUSTER_ID_LEN) != 0;
        buffer_printf(why,
                      "the data directory belongs to %s: start it with the cluster.yaml and id that it was made for",
                      cluster ? "another cluster, or the genesis part of cluster.yaml was changed" : "another replica");
        e = ERR_MISMATCH;
    }
    buffer_free(&mine);
    buffer_free(&stored);
    return e;
}

static enum error read_boot(struct node *n, uint64_t *reserved) {
    struct buffer stored = {0};
    enum error e = n->disk.get(n->disk.self, DISK_META, text_key("boot"), &stored);
    uint64_t last = 0;
    if (e == ERR_OK) {
        struct reader r = reader_of(buffer_bytes(&stored));
        last = read_u64(&r);
        *reserved = read_u64(&r);
        e = reader_done(&r) ? ERR_OK : ERR_CORRUPT;
    } else if (e == ERR_NOT_FOUND) {
        e = ERR_OK;
    }
    n->boot = last + 1;
    buffer_free(&stored);
    return e;
}

/* ---- replay of what was decided after it ---- */

static enum error load_requests(struct node *n, const struct batch *batch, struct request **out) {
    struct buffer frame = {0};
    enum error e = ERR_OK;
    for (unsigned i = 0; e == ERR_OK && i < batch->count; i++) {
        struct bytes key = bytes_of(batch->refs[i].digest.b, DIGEST_LEN);
        e = n->disk.get(n->disk.self, DISK_REQUEST, key, &frame);
        if (e == ERR_OK)
            e = request_new(&out[i], buffer_bytes(&frame));
        if (e == ERR_OK && !digest_equal(&out[i]->digest, &batch->refs[i].digest))
            e = ERR_CORRUPT;
    }
    buffer_free(&frame);
    return e;
}

static enum error replay_one(struct node *n, seq_no seq, struct bytes record) {
    struct frame f = {.type = FRAME_DECISION, .body = record};
    struct arena arena = {0};
    struct msg m;
    struct batch batch = {0};
    struct request *requests[BATCH_REFS_MAX] = {0};
    enum error e = codec_decode(&m, &f, &arena);
    if (e == ERR_OK && m.decision.statement.n != seq)
        e = ERR_CORRUPT;
    if (e == ERR_OK)
        e = batch_decode(&batch, m.decision.batch, &arena);
    if (e == ERR_OK)
        e = load_requests(n, &batch, requests);
    if (e == ERR_OK)
        node_execute(n, seq, &m.decision.statement.d, batch.kind, (const struct request *const *)requests, batch.count,
                     true);
    for (unsigned i = 0; i < batch.count; i++)
        if (requests[i])
            request_free(requests[i]);
    arena_free(&arena);
    return e;
}

/* A request that is missing ends the replay: what was stored without a sync may be lost with a crash, from the tail. */
static enum error replay(struct node *n) {
    struct buffer record = {0}, key = {0};
    enum error e = ERR_OK;
    for (unsigned turn = 0; e == ERR_OK; turn++) {
        seq_no next = ledger_executed(n->machine.ledger) + 1;
        buffer_clear(&key);
        buffer_u64(&key, next);
        e = n->disk.get(n->disk.self, DISK_DECIDED, buffer_bytes(&key), &record);
        if (e == ERR_OK)
            e = replay_one(n, next, buffer_bytes(&record));
        if (e == ERR_OK && turn % REPLAY_TURN == 0)
            e = node_flush(n);
    }
    buffer_free(&record);
    buffer_free(&key);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- the protocol's records ---- */

struct loading {
    struct node *n;
    enum error e;
};

static bool restore_record(void *context, struct bytes key, struct bytes value) {
    struct loading *l = context;
    if (key.len == 0 || key.data[0] == 0 || key.data[0] >= RECORD_KIND_LIMIT)
        l->e = ERR_CORRUPT;
    else
        l->e = pbft_restore(l->n->pbft, key.data[0], bytes_of(key.data + 1, key.len - 1), value);
    return l->e == ERR_OK;
}

static enum error restore_protocol(struct node *n) {
    struct loading l = {n, ERR_OK};
    enum error e = n->disk.scan(n->disk.self, DISK_PROTOCOL, (struct bytes){0}, (struct bytes){0}, restore_record, &l);
    return e != ERR_OK ? e : l.e;
}

/* Decided batches are executed again on a state that stands for itself, and on no other. */
static enum error take_up(struct node *n) {
    if (pbft_restore_state(n->pbft, n->state.n, &n->state.root, n->state.damaged)) {
        if (!n->state.damaged)
            node_trace(n, "REPAIR n=%llu: the state on disk is not the one that was vouched for",
                       (unsigned long long)n->state.n);
        n->state.damaged = true;
        pbft_restore_executed(n->pbft, n->state.n, n->state.t, &n->state.log_hash);
        return ERR_OK;
    }
    enum error e = replay(n);
    struct digest log_hash = ledger_log_hash(n->machine.ledger);
    pbft_restore_executed(n->pbft, ledger_executed(n->machine.ledger), ledger_time(n->machine.ledger), &log_hash);
    return e;
}

/* ---- the door ---- */

static struct pbft *make_pbft(const struct node *n) {
    const struct protocol_knobs *k = &n->cluster->knobs;
    struct pbft_config config = {
        .verifier = n->admit.verifier,
        .self = n->self,
        .secret = n->secret,
        .checkpoint_interval = k->checkpoint_interval,
        .window = k->window,
        .in_flight = k->in_flight,
        .batch_max = k->batch_max,
        .checkpoint_period = k->checkpoint_period_ms,
        .status_interval = k->status_ms,
        .resend_interval = k->resend_ms,
        .request_timeout = k->request_timeout_ms,
        .new_view_timeout = k->new_view_timeout_ms,
        .timeout_cap = k->timeout_cap_ms,
        .silent_timeout = k->silent_ms,
        .pool_max = 8192,
        .pool_per_client_max = 256,
    };
    return pbft_new(&config);
}

static struct node *make_node(const struct node_config *config, const struct disk *disk, const struct node_world *world,
                              struct node_now now) {
    struct node *n = xcalloc(1, sizeof *n);
    n->cluster = config->cluster;
    n->self = config->self;
    n->secret = config->secret;
    n->boot_random = config->boot_random;
    n->transfer.part_len = ST_PART_MAX;
    strncpy(n->version, config->version, sizeof n->version - 1);
    n->disk = *disk;
    n->world = *world;
    n->now = now;
    n->keys = cluster_keyring(config->cluster);
    n->admit = (struct admit){.keys = n->keys, .self = n->self, .window = config->cluster->knobs.window};
    cluster_verifier(&n->admit.verifier, config->cluster);
    machine_open(&n->machine, config->cluster);
    n->tree = state_tree_new();
    n->outputs = outputs_new(&n->admit.verifier, n->self, &n->secret, &n->disk);
    desk_open(&n->desk);
    n->pbft = make_pbft(n);
    return n;
}

static enum error open_from_disk(struct node *n, seq_no retain, struct buffer *why) {
    uint64_t reserved = 0;
    enum error e = check_identity(n, why);
    if (e == ERR_OK)
        e = read_boot(n, &reserved);
    if (e == ERR_OK)
        e = prune_open(n, retain);
    if (e == ERR_OK)
        e = node_load_state(n);
    if (e == ERR_OK)
        e = restore_protocol(n);
    if (e == ERR_OK)
        e = take_up(n);
    if (e == ERR_OK) {
        voice_open(n, reserved);
        e = node_flush(n);
    }
    if (e != ERR_OK && why->len == 0)
        buffer_printf(why, "cannot restore from the data directory: %s", error_text(e));
    return e;
}

enum error node_open(struct node **out, const struct node_config *config, const struct disk *disk,
                     const struct node_world *world, struct node_now now, struct buffer *why) {
    REQUIRE(config->self < config->cluster->member_count);
    struct node *n = make_node(config, disk, world, now);
    enum error e = open_from_disk(n, config->retain, why);
    *out = e == ERR_OK ? n : NULL;
    if (e != ERR_OK)
        node_free(n);
    return e;
}

void node_start(struct node *n, struct node_now now) {
    struct pbft_event event = {.kind = PBFT_START};
    n->now = now;
    node_step(n, &event);
}

void node_free(struct node *n) {
    if (!n)
        return;
    for (size_t i = 0; i < n->loaded_count; i++)
        request_free(n->loaded[i]);
    free(n->loaded);
    donor_close(n);
    transfer_close(n);
    pbft_free(n->pbft);
    outputs_free(n->outputs);
    desk_close(&n->desk);
    machine_close(&n->machine);
    state_tree_free(n->tree);
    keyring_free(n->keys);
    executed_free(&n->executed);
    disk_batch_free(&n->batch);
    buffer_free(&n->outbox_bytes);
    buffer_free(&n->voice.tick_frame);
    accuse_close(&n->accuser);
    free(n->outbox);
    free(n->done);
    crypto_wipe(&n->secret, sizeof n->secret);
    free(n);
}
