/* What a replica keeps for whoever asks who did wrong: in DISK_EVIDENCE the frames of evidence that took effect (the
   first and the last of each culprit and kind), the NEW-VIEWs of the newest views, and both sides of a broken
   agreement. With the decisions it is all that an audit needs. Bounded by culprits, kinds and VIEWS_RETAINED. */
#ifndef QUORATE_REPLICA_RETAINED_H
#define QUORATE_REPLICA_RETAINED_H

#include "replica/disk.h"
#include "replica/execute.h"

enum { VIEWS_RETAINED = 256 };

/* First byte of a key: */
enum retained_kind {
    RETAINED_BREACH = 'b',   /* number u64 -> frame */
    RETAINED_PROOF = 'e',    /* culprit key, kind u8, 0 the first or 1 the last, + 2 in a drill -> frames as blocks */
    RETAINED_NEW_VIEW = 'v', /* view u64 -> frame */
};
void retained_key(struct buffer *out, enum retained_kind kind, uint64_t number);

/* The evidence that counted in the batch just executed. */
void store_proven(const struct executed *e, struct disk_batch *batch);
/* The NEW-VIEW of v; what is VIEWS_RETAINED views older goes. */
void store_new_view(struct disk_batch *batch, view_no v, struct bytes frame);
void store_breach(struct disk_batch *batch, const struct bytes *frames, size_t count);
/* The blocks stored for a culprit and kind; ERR_NOT_FOUND: this replica did not execute it. */
enum error load_proven(const struct disk *disk, const struct public_key *culprit, enum evidence_kind kind, bool last,
                       bool drilled, struct buffer *out);

#endif
