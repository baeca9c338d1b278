/* Where a member's frames leave: one PUSH socket per peer and lane, fed from a bounded outbox, so that a dead peer
   costs a queue and nothing else. A socket serves one connection and is then replaced: links.c says why. */
#ifndef QUORATE_REPLICA_LINKS_H
#define QUORATE_REPLICA_LINKS_H

#include "proto/cluster.h"
#include "proto/frame.h"

struct links;
/* Begins to dial every other member, for as long as it takes. ERR_IO: an address cannot be dialled; why gets "what is
   wrong: where: what to do" and *out is NULL. cluster is borrowed. */
enum error links_open(struct links **out, const struct cluster *cluster, member_id self, struct buffer *why);
/* Closes the sockets and joins the thread that dials again. May block for as long as nng does. */
void links_close(struct links *all);
void links_free(struct links *all); /* after links_close; NULL is allowed */

/* Queues a copy on the frame's lane; a STATUS on every lane that is connected: it shows whose connection that is, and
   keeps its seat there (replica/intake.h). Nothing leaves before links_flush. Never blocks; what is least urgent is
   dropped when a lane is full. One thread only, as links_flush. */
void links_put(struct links *all, member_id to, struct bytes frame);
/* Sets off what was queued, as few messages as possible. */
void links_flush(struct links *all);

struct links_counters {
    uint64_t messages, frames, bytes; /* sent */
    uint64_t frames_dropped;
    member_set connected; /* members whose vote lane is up */
};
void links_count(struct links *all, struct links_counters *out); /* any thread */

#endif
