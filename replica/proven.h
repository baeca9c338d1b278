/* What was proven already: digests of whole VIEW-CHANGE and NEW-VIEW frames whose inner proofs were right, so that a
   repeated one costs a digest and not hundreds of signatures. The newest PROVEN_KEPT of each sender: whoever sends many
   crowds out its own only. Any thread. */
#ifndef QUORATE_REPLICA_PROVEN_H
#define QUORATE_REPLICA_PROVEN_H

#include "crypto/crypto.h"

enum { PROVEN_KEPT = 8 };

struct proven;
struct proven *proven_new(void);
void proven_free(struct proven *p); /* NULL is fine */
/* frame: the whole of it, its own signature verified as sender's. */
struct digest proven_digest(struct bytes frame);
bool proven_has(struct proven *p, member_id sender, const struct digest *frame);
void proven_add(struct proven *p, member_id sender, const struct digest *frame);

#endif
