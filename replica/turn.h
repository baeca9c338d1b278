/* Places in a ring of turns: who is first is served, and goes to the end while more of him waits. Not thread-safe. */
#ifndef QUORATE_REPLICA_TURN_H
#define QUORATE_REPLICA_TURN_H

#include <stdbool.h>
#include <stddef.h>

struct turn {
    struct turn *next;
    size_t deficit;                /* bytes that it may still go ahead by */
    bool waiting;                  /* it stands in a ring */
    struct connection *connection; /* whose turn it is; NULL: that of all in line */
    struct line *line;
};
struct ring {
    struct turn *head, *tail;
};
void ring_push(struct ring *r, struct turn *turn);
struct turn *ring_pop(struct ring *r);               /* the ring is not empty */
void ring_remove(struct ring *r, struct turn *turn); /* harmless when it is not there */

#endif
