/* The daemon's part in an ordered drill: switches the fault filter on and off as the node says (R13). */
#ifndef QUORATE_REPLICA_LIVE_DRILL_H
#define QUORATE_REPLICA_LIVE_DRILL_H

#include "replica/fault.h"

struct live_drill {
    uint64_t id;     /* of the drill that the filter lies for, 0: none */
    uint64_t bitten; /* what the filter had counted before */
};
/* What the filter is told of the node, and tells it; NULL there: not open yet. node is borrowed. */
struct fault_host live_drill_host(struct node **node);
/* Behind each turn and fault_turn. f may be NULL: there is no filter, and the node is told so. True: the node has
   something to say in a turn that should come at once. */
bool live_drill_turn(struct live_drill *l, struct node *n, struct fault *f);

#endif
