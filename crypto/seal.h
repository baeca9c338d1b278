/* Signed statements with domain separation (R1): Ed25519 over
   "quorate/1" | type u8 | cluster_id[16] | epoch u32 | sender u16 | body, big-endian, the exact bytes sent.
   Every signature in the system is made and checked here. */
#ifndef QUORATE_CRYPTO_SEAL_H
#define QUORATE_CRYPTO_SEAL_H

#include "crypto/crypto.h"

struct seal_context {
    uint8_t type; /* enum frame_type of proto/frame.h */
    struct cluster_id cluster;
    epoch_no epoch;
    member_id sender; /* MEMBER_NONE for clients, whose body starts with their public key */
};
void seal_sign(struct signature *sig, const struct seal_context *context, struct bytes body,
               const struct secret_key *sk);
bool seal_verify(const struct signature *sig, const struct seal_context *context, struct bytes body,
                 const struct public_key *pk);

#endif
