/* Traitors for drills: a filter between a node and its world that lies with the replica's own key and nobody else's.
   There is no way to make one in a cluster whose genesis says `drills: off`. */
#ifndef QUORATE_REPLICA_FAULT_H
#define QUORATE_REPLICA_FAULT_H

#include "proto/cluster.h"
#include "replica/node.h"

struct fault;
/* Names of the behaviours, i = 0, 1, ...; NULL behind the last. */
const char *fault_behaviour_name(unsigned i);
/* ERR_FORBIDDEN when drills are off, ERR_NOT_FOUND when no behaviour has that name; why says so. cluster is borrowed.
 */
enum error fault_new(struct fault **out, const char *behaviour, const struct cluster *cluster, member_id self,
                     const struct secret_key *secret, struct buffer *why);
void fault_free(struct fault *f);
/* The world as the node shall see it: send and answer pass through the fault, all else goes to `inner`. f must outlive
 * it. */
struct node_world fault_world(struct fault *f, const struct node_world *inner);
/* Frames changed, withheld or invented so far: a drill must show that it bit. */
uint64_t fault_bites(const struct fault *f);

#endif
