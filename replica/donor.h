/* Gives the state to members that lack it (R7). On demand it freezes an image of the state at a stable checkpoint: a
   snapshot of the disk, the leaves and the certificate. At most two at a time, each let go when nobody asked for it for
   a minute; nobody pays for checkpoints that nobody asks for. A member uses one of them at most, and one that it uses
   alone gives way to what another wishes. What members may draw is budgeted, so that a transfer never starves the
   ordering. */
#ifndef QUORATE_REPLICA_DONOR_H
#define QUORATE_REPLICA_DONOR_H

#include "proto/msg.h"
#include "replica/state.h"

enum {
    DONOR_IMAGES = 2,
    DONOR_IDLE_MS = 60000,
    DONOR_IMAGE_MAX_MS = 600000, /* an older one gives way to a newer one that is wanted, in use or not */
    DONOR_ALONE_MS = 60000,      /* so long a single user is left in peace */
    DONOR_BUDGET = 2 << 20,      /* bytes read and sent for all answers in one STATUS interval */
    DONOR_WORK = 1 << 10,        /* and for each answer, and each page looked for, as many as its work is worth */
};

struct donor_image {
    struct checkpoint_cert cert; /* n == 0: no image */
    uint8_t generation;
    void *snapshot;
    struct digest mids[STATE_FANOUT];
    struct digest *leaves; /* STATE_BUCKETS of them */
    mono_ms made_at;
};

struct donor_ask { /* what waits for the next interval; one a member, the newest */
    bool held;
    uint64_t nonce; /* the greatest it asked with: what comes again is not answered again */
    mono_ms asked_at;
    seq_no uses; /* the image that it asked for last, 0: none */
    mono_ms used_at;
    struct msg_st_fetch fetch;
    uint16_t indices[ST_PAGES_MAX];
};

struct donor {
    struct donor_image images[DONOR_IMAGES];
    mono_ms wanted_until; /* somebody asked for an image that could not be made yet */
    member_set wanted_by;
    mono_ms interval_since;
    size_t spent;
    member_id turn; /* who is served next */
    struct donor_ask asks[MEMBERS_MAX];
};

struct node;
void donor_fetch(struct node *n, member_id from, const struct msg_st_fetch *f);
/* After a turn became durable: freezes an image if one is wanted and the state stands at its stable checkpoint. */
void donor_flushed(struct node *n);
void donor_timeout(struct node *n);
mono_ms donor_deadline(const struct node *n);
void donor_close(struct node *n);

#endif
