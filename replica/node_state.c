/* The node's machines and where they come from: the own disk at open, another member's image later. What does not hash
   to the root that was vouched for is never executed on. */
#include "replica/node_internal.h"

#include <stdlib.h>

typedef unsigned long long ull;

/* ---- at open ---- */

static void machine_anew(struct node *n) {
    machine_close(&n->machine);
    state_tree_free(n->tree);
    machine_open(&n->machine, n->cluster);
    n->tree = state_tree_new();
}

struct looking {
    const struct node *n;
    bool found;
};

static bool look(void *context, struct bytes key, struct bytes value) {
    struct looking *l = context;
    (void)value;
    l->found = key.len == 0 || key.data[0] != l->n->state.generation;
    return false;
}

/* What a transfer that did not end left behind. */
static enum error drop_leftovers(struct node *n) {
    struct looking before = {n, false}, behind = {n, false};
    uint8_t after[] = {n->state.generation, 0xff, 0xff, 0xff};
    struct bytes none = {0};
    enum error e = n->disk.scan(n->disk.self, DISK_STATE, none, none, look, &before);
    if (e == ERR_OK)
        e = n->disk.scan(n->disk.self, DISK_STATE, bytes_of(after, sizeof after), none, look, &behind);
    if (e == ERR_OK && (before.found || behind.found))
        state_drop_others(&n->batch, n->state.generation);
    return e == ERR_CORRUPT ? ERR_OK : e; /* what can't be read is found out by the root */
}

static enum error load_marked(struct node *n) {
    enum error e = n->state.damaged ? ERR_OK : state_load(&n->disk, n->state.generation, &n->machine, n->tree);
    struct digest root = state_tree_root(n->tree);
    bool whole =
        e == ERR_OK && !n->state.damaged &&
        (n->state.n == 0 ? state_tree_count(n->tree) == 0
                         : digest_equal(&root, &n->state.root) && ledger_executed(n->machine.ledger) == n->state.n);
    if (whole || (e != ERR_OK && e != ERR_CORRUPT))
        return e;
    if (!n->state.damaged)
        node_trace(n, "REPAIR n=%llu: the state on disk is damaged: %s", (ull)n->state.n,
                   e != ERR_OK ? error_text(e) : "its records do not hash to its root");
    n->state.damaged = true;
    machine_anew(n);
    return ERR_OK;
}

enum error node_load_state(struct node *n) {
    enum error e = state_mark_read(&n->state, &n->disk);
    if (e == ERR_CORRUPT) {
        n->state = (struct state_mark){.damaged = true};
        e = ERR_OK;
    }
    if (e == ERR_OK)
        e = drop_leftovers(n);
    if (e == ERR_OK)
        e = load_marked(n);
    return e;
}

/* ---- checkpoints ---- */

static void keep_record(void *self, struct bytes key, struct bytes value) {
    struct node *n = self;
    if (value.data)
        state_tree_put(n->tree, key, value);
    else
        state_tree_remove(n->tree, key);
    state_write(&n->batch, n->state.generation, key, value);
}

static void mark(struct node *n) {
    state_mark_write(&n->batch, &n->state);
    n->sync = n->state_pending = true;
}

void node_checkpoint(struct node *n, struct checkpoint *out) {
    struct record_sink sink = {n, keep_record};
    ledger_flush(n->machine.ledger, &sink);
    monitor_flush(n->machine.monitor, &sink);
    *out = (struct checkpoint){
        .n = ledger_executed(n->machine.ledger),
        .root = state_tree_root(n->tree),
        .log_hash = ledger_log_hash(n->machine.ledger),
        .t = ledger_time(n->machine.ledger),
        .cfg_digest = ledger_cfg_digest(n->machine.ledger),
    };
    n->state.n = out->n;
    n->state.t = out->t;
    n->state.root = out->root;
    n->state.log_hash = out->log_hash;
    mark(n);
}

void node_state_damaged(struct node *n) {
    if (n->state.damaged)
        return;
    n->state.damaged = true;
    mark(n);
}

/* ---- a state from elsewhere ---- */

/* Requests that were executed meanwhile leave the core's pool. */
static void judge_pending(struct node *n) {
    const struct request *r;
    n->done_count = 0;
    for (size_t place = 0; (r = pbft_pending(n->pbft, &place));) {
        if (n->done_count == n->done_cap) {
            n->done_cap = n->done_cap ? 2 * n->done_cap : 64;
            n->done = xrealloc(n->done, n->done_cap * sizeof *n->done);
        }
        bool fresh = ledger_judge(n->machine.ledger, &r->client, r->req_seq) == ERR_OK;
        if (!fresh)
            n->done[n->done_count++] = (struct pbft_done){.client = r->client, .req_seq = r->req_seq};
    }
    node_remember_old(n);
}

static void replace_machine(struct node *n, const struct machine *machine, struct state_tree *tree) {
    uint64_t accepted = n->machine.results_accepted, refused = n->machine.results_refused;
    machine_close(&n->machine);
    state_tree_free(n->tree);
    n->machine = *machine;
    n->machine.results_accepted = accepted;
    n->machine.results_refused = refused;
    n->tree = tree;
}

void node_take_state(struct node *n, const struct machine *machine, struct state_tree *tree, uint8_t generation,
                     const struct checkpoint_cert *cert) {
    const struct checkpoint *c = &cert->statement;
    struct checkpoint_cert copy = *cert;
    seq_no stable = pbft_stable_cert(n->pbft)->statement.n;
    if (n->state.damaged) /* what was put out after the last state that a quorum shared was nobody's word */
        outputs_forget(n->outputs, stable + 1, c->n, &n->batch);
    replace_machine(n, machine, tree);
    state_drop(&n->batch, n->state.generation);
    n->state = (struct state_mark){.generation = generation, .n = c->n, .t = c->t, .root = c->root};
    n->state.log_hash = c->log_hash;
    mark(n);
    judge_pending(n);
    struct pbft_event event = {.kind = PBFT_TRANSFERRED};
    event.transferred.cert = &copy;
    event.transferred.done_count = n->done_count;
    event.transferred.done = n->done;
    node_step(n, &event);
    node_answer_alerts(n, false);
}
