/* A disk over RocksDB: one column family per disk_family, one process at a time. RocksDB is seen by store.c only. */
#ifndef QUORATE_REPLICA_STORE_H
#define QUORATE_REPLICA_STORE_H

#include "replica/disk.h"

struct store;

/* Opens or creates (0700) the data directory. why gets "what is wrong: where: what to do". ERR_IN_USE: another process
   holds it; ERR_IO: cannot be created, read or written; ERR_CORRUPT: the log is damaged before its end (a torn tail
   that was never synced is no damage). Blocks while the log is replayed. */
enum error store_open(struct store **out, const char *directory, struct buffer *why);
void store_close(struct store *s);
/* The door for a node; valid until store_close. Its functions block on the disk; one thread at a time. */
struct disk store_disk(struct store *s);
/* What RocksDB said about the newest failure, "" before the first. */
const char *store_failure(const struct store *s);

#endif
