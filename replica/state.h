/* The machines' records on disk (R5, R7). A key of DISK_STATE is generation u8 | bucket u16 | the record's key, so that
   a bucket of the state tree lies together and a whole new state can be laid down beside the old one. The mark in
   DISK_META says which generation is the state, of which checkpoint, and what its root is: a new state takes effect
   with the mark, all at once. */
#ifndef QUORATE_REPLICA_STATE_H
#define QUORATE_REPLICA_STATE_H

#include "crypto/merkle.h"
#include "replica/disk.h"
#include "replica/execute.h"

struct state_mark {
    uint8_t generation;
    bool damaged; /* what lies here is not the cluster's state at n: it serves for comparing and for nothing else */
    seq_no n;     /* 0: the genesis, no record */
    time_ms t;
    struct digest root, log_hash;
};

/* The mark on disk, or that of the genesis when there is none. ERR_CORRUPT, ERR_IO. */
enum error state_mark_read(struct state_mark *out, const struct disk *disk);
void state_mark_write(struct disk_batch *batch, const struct state_mark *mark);

/* value.data NULL: removed. */
void state_write(struct disk_batch *batch, uint8_t generation, struct bytes key, struct bytes value);
/* Removes a generation. */
void state_drop(struct disk_batch *batch, uint8_t generation);
/* Removes all but one. */
void state_drop_others(struct disk_batch *batch, uint8_t generation);

/* Restores every record of the generation into a fresh machine and a fresh tree. ERR_CORRUPT: a record does not belong
   there; both hold what came before it. */
enum error state_load(const struct disk *disk, uint8_t generation, struct machine *machine, struct state_tree *tree);

/* Appends the page of a bucket (proto/msg.h), "" when it holds nothing. snapshot NULL: as of now. leaf may be NULL. */
enum error state_page(const struct disk *disk, void *snapshot, uint8_t generation, uint16_t bucket, struct buffer *page,
                      struct digest *leaf);
/* Far above what a bucket of an honest state holds: tens, a few hundred if names were sought to collide. */
enum { STATE_PAGE_RECORDS_MAX = 1 << 14 };
/* The leaf of a page from elsewhere; ERR_MALFORMED, ERR_NOT_CANONICAL when it is none, ERR_TOO_MANY records. */
enum error state_page_leaf(struct bytes page, struct digest *leaf);
/* Writes a page's records; the page was checked. */
void state_page_write(struct disk_batch *batch, uint8_t generation, struct bytes page);

#endif
