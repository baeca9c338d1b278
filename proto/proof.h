/* Is this proof right? Pure functions of the epoch's keys and of W: every inner signature, set and bound (R6, BUG8).
   Thread-safe. The frame's own outer signature is not checked here. */
#ifndef QUORATE_PROTO_PROOF_H
#define QUORATE_PROTO_PROOF_H

#include "proto/msg.h"

/* ERR_OK, or ERR_BAD_PROOF. m was decoded by codec_decode; window is W of the genesis. */
enum error proof_view_change_valid(const struct verifier *v, uint32_t window, const struct msg *m);
enum error proof_new_view_valid(const struct verifier *v, uint32_t window, const struct msg *m);
/* V and O alone: what the digest of a NEW-VIEW binds. Its frame's sender and the signatures over O are not part of it.
 */
enum error proof_new_view_core_valid(const struct verifier *v, uint32_t window, const struct msg_new_view *nv);
enum error proof_checkpoint_cert_valid(const struct verifier *v, const struct checkpoint_cert *c);
enum error proof_decision_valid(const struct verifier *v, const struct msg_decision *d);

struct new_view_plan {
    const struct checkpoint_cert *base; /* of min_s */
    seq_no min_s, max_s;
    unsigned slot_count;
    struct new_view_slot slots[WINDOW_MAX];
};
/* O of R6 from V. ERR_CONFLICT: two digests prepared in one view (more than f faults); ERR_OUT_OF_RANGE. */
enum error new_view_compute(struct new_view_plan *out, const struct msg *vcs, unsigned count, uint32_t window);

#endif
