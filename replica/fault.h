/* Traitors for drills: a filter between a node and its world that lies with the replica's own key and nobody else's.
   There is no way to make one in a cluster whose genesis says `drills: off`. */
#ifndef QUORATE_REPLICA_FAULT_H
#define QUORATE_REPLICA_FAULT_H

#include "proto/cluster.h"
#include "replica/node.h"

struct fault;
/* Names of the behaviours, i = 0, 1, ...; NULL behind the last. */
const char *fault_behaviour_name(unsigned i);
/* What may stand behind its colon ("MS", "ID", ...); NULL: nothing. */
const char *fault_behaviour_parameter(unsigned i);
/* Is this [later:]NAME[:PARAMETER] as --behave takes it? A traitor that comes later is honest until fault_toggle. */
bool fault_behaviour_known(const char *text);
/* ERR_FORBIDDEN when drills are off, ERR_NOT_FOUND when no behaviour has that name; why says so. cluster is borrowed.
 */
enum error fault_new(struct fault **out, const char *behaviour, const struct cluster *cluster, member_id self,
                     const struct secret_key *secret, struct buffer *why);
void fault_free(struct fault *f);
/* The world as the node shall see it: send and answer pass through the fault, all else goes to `inner`. f must outlive
 * it. */
struct node_world fault_world(struct fault *f, const struct node_world *inner);
/* False: the frame was not heard; the caller frees it. */
bool fault_hears(struct fault *f, struct admitted *x);
/* What is to happen at its own time; called in every turn of the host. Returns when the next such turn is due. */
mono_ms fault_turn(struct fault *f, mono_ms now);
/* Honest from now on, or a traitor from now on: true when it lies. */
bool fault_toggle(struct fault *f);
/* Frames changed, withheld or invented so far: a drill must show that it bit. */
uint64_t fault_bites(const struct fault *f);

#endif
