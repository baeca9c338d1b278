/* What a drill says under the replica's own key (R13): the core is asked what of it must be remembered, and that is
   made durable, before the frame leaves. So the replica is an honest member when the drill is over, whenever it dies.
 */
#include "replica/node_internal.h"

/* A write of its own: the drill speaks while a turn is being released, or between two turns. */
static enum error write_faulted(struct node *n, const struct pbft_action *record) {
    struct disk_batch batch = {0};
    struct buffer key = {0};
    buffer_u8(&key, (uint8_t)record->record);
    buffer_put(&key, record->key.data, record->key.len);
    disk_batch_put(&batch, DISK_PROTOCOL, buffer_bytes(&key), record->value);
    enum error e = n->disk.commit(n->disk.self, &batch, true);
    buffer_free(&key);
    disk_batch_free(&batch);
    return e;
}

/* Who executed a tick that never was takes every true one after it for old, until the true ones are past it. */
static bool is_tick_to_come(const struct node *n, struct bytes frame) {
    enum { TICKS_AHEAD = 16 }; /* past which they are soon */
    struct arena arena = {0};
    struct frame f;
    struct request r;
    bool own_tick = frame_open(&f, frame) == ERR_OK && f.type == FRAME_REQUEST &&
                    request_decode(&r, &f, &arena) == ERR_OK && r.kind == OP_TICK &&
                    public_key_equal(&r.client, &n->admit.verifier.keys[n->self]);
    bool to_come = own_tick && (r.tick.boot > n->boot ||
                                (r.tick.boot == n->boot && r.tick.counter > n->voice.counter + TICKS_AHEAD));
    arena_free(&arena);
    return to_come;
}

static const char *reason(enum error e) {
    switch (e) {
    case ERR_TOO_MANY:
        return "so many of its statements are remembered already that there is no room";
    case ERR_OUT_OF_RANGE:
        return "it tells of a place or a view where no honest member is for long";
    default:
        return "it tells of a boot, a STATUS or a tick that never was";
    }
}

/* Each reason is told once, until a frame may leave again. */
static bool withheld(struct node *n, enum error e) {
    if (n->faulted_refused != e)
        node_trace(n, "FAULTED: a frame of the drill is withheld: %s", reason(e));
    n->faulted_refused = e;
    return false;
}

bool node_faulted(struct node *n, struct bytes frame) {
    struct pbft_action record;
    if (n->faulted_lost)
        return false;
    enum error e = is_tick_to_come(n, frame) ? ERR_FORBIDDEN : pbft_faulted(n->pbft, frame, !n->sync, &record);
    if (e != ERR_OK)
        return withheld(n, e);
    n->faulted_refused = ERR_OK;
    if (record.key.len)
        n->faulted_lost = write_faulted(n, &record) != ERR_OK;
    return !n->faulted_lost;
}
