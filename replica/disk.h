/* What a node needs of a disk: families of ordered keys, one atomic batch at a time. store.c gives it over RocksDB, the
   simulator over memory that can lose what was not synced. */
#ifndef QUORATE_REPLICA_DISK_H
#define QUORATE_REPLICA_DISK_H

#include "base/bytes.h"
#include "base/error.h"

enum disk_family {
    DISK_META,     /* identity, boot number, counters, marks */
    DISK_PROTOCOL, /* pbft records but the ones below: key = kind u8 | pbft's key */
    DISK_DECIDED,  /* n u64 -> DECISION body */
    DISK_REQUEST,  /* request digest -> whole frame */
    DISK_OUTPUT,   /* n u64 -> outputs of batch n, receipts seen */
    DISK_ALERT,    /* alert number u64 -> n u64, index u32 */
    DISK_STATE,    /* the machines' records as of the newest checkpoint: replica/state.h */
    DISK_EVIDENCE, /* frames that convict */
    DISK_FAMILY_LIMIT
};

struct disk_write {
    enum disk_family family;
    enum { DISK_PUT, DISK_DELETE, DISK_DELETE_RANGE } op; /* range: key <= k < value */
    size_t key_at, key_len, value_at, value_len;          /* offsets into the batch's buffer */
};
struct disk_batch {
    struct buffer bytes;
    struct disk_write *writes;
    size_t count, cap;
};
void disk_batch_put(struct disk_batch *b, enum disk_family f, struct bytes key, struct bytes value);
void disk_batch_delete(struct disk_batch *b, enum disk_family f, struct bytes key);
void disk_batch_delete_range(struct disk_batch *b, enum disk_family f, struct bytes from, struct bytes below);
void disk_batch_clear(struct disk_batch *b);
void disk_batch_free(struct disk_batch *b);
struct bytes disk_batch_key(const struct disk_batch *b, const struct disk_write *w);
struct bytes disk_batch_value(const struct disk_batch *b, const struct disk_write *w);

struct disk {
    void *self;
    /* Replaces out's content. ERR_NOT_FOUND; ERR_IO. */
    enum error (*get)(void *self, enum disk_family f, struct bytes key, struct buffer *out);
    /* Visits keys in [from, below) in order (below.len 0 = to the end) until visit returns false. */
    enum error (*scan)(void *self, enum disk_family f, struct bytes from, struct bytes below,
                       bool (*visit)(void *context, struct bytes key, struct bytes value), void *context);
    /* The same backwards from the last key < below. */
    enum error (*scan_back)(void *self, enum disk_family f, struct bytes below,
                            bool (*visit)(void *context, struct bytes key, struct bytes value), void *context);
    /* All or nothing; durable when sync. ERR_IO: the caller stops the process (S8). */
    enum error (*commit)(void *self, const struct disk_batch *b, bool sync);
    /* DISK_STATE as it is now, for reading while it changes; held in memory only, until release. */
    void *(*snapshot)(void *self);
    enum error (*scan_at)(void *self, void *snapshot, struct bytes from, struct bytes below,
                          bool (*visit)(void *context, struct bytes key, struct bytes value), void *context);
    void (*release)(void *self, void *snapshot);
};

#endif
