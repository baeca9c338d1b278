/* A queue in which the more urgent goes first (replica/lane.h), and among equals who came first. What waits embeds a
   node and belongs to whoever takes it out. Not thread-safe. */
#ifndef QUORATE_REPLICA_RANKED_H
#define QUORATE_REPLICA_RANKED_H

#include "replica/lane.h"

struct ranked_node { /* the first member of what waits */
    struct ranked_node *next;
    enum rank rank;
    size_t len; /* what it counts for in bytes */
};
struct ranked {
    struct {
        struct ranked_node *head, *tail;
    } ranks[RANK_LIMIT];
    size_t count, bytes;
};
void ranked_push(struct ranked *q, struct ranked_node *node);
/* NULL: empty. */
struct ranked_node *ranked_first(const struct ranked *q);
struct ranked_node *ranked_pop(struct ranked *q);
/* Takes out the newest of the least urgent, if that is less urgent than rank; otherwise NULL. */
struct ranked_node *ranked_give_way(struct ranked *q, enum rank rank);

#endif
