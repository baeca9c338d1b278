/* The receipt: one signature per executed batch over the Merkle root of its outputs; and the certificate that
   F = f+1 equal receipts make of an output (R2). */
#ifndef QUORATE_CRYPTO_RECEIPT_H
#define QUORATE_CRYPTO_RECEIPT_H

#include "base/error.h"
#include "base/quorum.h"
#include "crypto/merkle.h"
#include "crypto/seal.h"

struct receipt_body { /* fixed width, big-endian: n u64 | output_root[32] | log_hash[32] | t i64 */
    seq_no n;
    struct digest output_root, log_hash;
    time_ms t;
};
enum { RECEIPT_BODY_LEN = 80, RECEIPT_SEAL_TYPE = 17 /* FRAME_RECEIPT of proto/frame.h, which checks it */ };
void receipt_encode(uint8_t out[RECEIPT_BODY_LEN], const struct receipt_body *body);
void receipt_decode(struct receipt_body *out, const uint8_t in[RECEIPT_BODY_LEN]);
bool receipt_body_equal(const struct receipt_body *a, const struct receipt_body *b);

struct receipt_signature {
    member_id replica;
    struct signature sig;
};
struct certificate { /* what makes an output believable to somebody who trusts no replica */
    epoch_no epoch;
    struct receipt_body body;
    uint32_t index, count; /* place among the outputs of batch n */
    unsigned path_len;
    struct digest path[MERKLE_PATH_MAX];
    unsigned receipts_len; /* sorted by replica, distinct */
    struct receipt_signature receipts[MEMBERS_MAX];
};
struct verifier { /* the public side of an epoch */
    struct cluster_id cluster;
    epoch_no epoch;
    unsigned members;
    struct public_key keys[MEMBERS_MAX];
};
/* One member's signature over body. type is RECEIPT_SEAL_TYPE. */
bool receipt_verify(const struct verifier *v, const struct receipt_body *body, const struct receipt_signature *r);
void receipt_sign(struct receipt_signature *out, const struct cluster_id *cluster, epoch_no epoch, member_id replica,
                  const struct receipt_body *body, const struct secret_key *sk);
/* ERR_OK iff leaf is proven: the path is right (ERR_BAD_PROOF), every receipt is valid, of a distinct member and sorted
   (ERR_BAD_SIGNATURE, ERR_NOT_CANONICAL, ERR_NOT_A_MEMBER), at least F of them (ERR_TOO_FEW_SIGNATURES), epoch right
   (ERR_WRONG_EPOCH). Any invalid part refuses the whole. *culprit (may be NULL): the replica whose signature failed,
   else MEMBER_NONE. */
enum error certificate_verify(const struct verifier *v, const struct certificate *c, struct bytes leaf,
                              member_id *culprit);

#endif
