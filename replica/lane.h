/* How urgent a frame is (R12): which socket carries it, and what goes first when more waits than can go at once. The
   type is the sender's word; a lie gains a place in the liar's own queue only. */
#ifndef QUORATE_REPLICA_LANE_H
#define QUORATE_REPLICA_LANE_H

#include "proto/frame.h"

/* One socket each to every peer: votes, wishes and STATUS; what carries payload; what is large and rare. */
enum lane { LANE_VOTES, LANE_DATA, LANE_BULK, LANE_LIMIT };
enum lane lane_of(enum frame_type type);

/* The smaller the more urgent. Within a rank first come, first served. */
enum rank {
    RANK_STATUS, /* it shows whose connection this is (replica/intake.h) */
    RANK_VIEW,   /* what brings a replica back: WISH, VIEW-CHANGE, NEW-VIEW, RECALL, RECALLED */
    RANK_COMMIT,
    RANK_PREPARE,
    RANK_PRE_PREPARE, /* and the payload that a proposal waits for: FETCH, DATA */
    RANK_CHECKPOINT,  /* CHECKPOINT, CERT, RECEIPT */
    RANK_RELAY,
    RANK_BULK, /* decisions and state for who is behind */
    RANK_LIMIT
};
enum rank rank_of(enum frame_type type);

#endif
