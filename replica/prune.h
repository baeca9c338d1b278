/* The retention: decided batches that lie far below the stable checkpoint go, with the requests, outputs and alerts
   that belong to them, a few with every batch executed, so that a data directory stops growing. Whoever is away for
   longer comes back by a state transfer. */
#ifndef QUORATE_REPLICA_PRUNE_H
#define QUORATE_REPLICA_PRUNE_H

#include "replica/disk.h"
#include "replica/execute.h"

#define RETAIN_BATCHES UINT64_C(1000000) /* kept unless said otherwise: 11 days of nothing but ticks */

struct prune {
    seq_no retain;  /* batches kept below h */
    seq_no lowest;  /* all below went */
    uint64_t alert; /* the lowest alert that may be kept */
    bool repeats;   /* some request was named by a second batch: remembered on disk until that one goes */
    bool noted;     /* and one of this turn is not on disk yet */
};

struct node;
/* retain 0: RETAIN_BATCHES. Never fewer than others may ask for as decisions. ERR_CORRUPT, ERR_IO. */
enum error prune_open(struct node *n, seq_no retain);
/* Before batch seq is executed: which of its requests an earlier batch named already. */
void prune_note(struct node *n, seq_no seq, const struct request *const *requests, size_t count);
/* After a batch was executed. */
void prune_step(struct node *n);

#endif
