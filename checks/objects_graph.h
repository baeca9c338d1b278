/* Private to checks/objects_*.c: who rests on whom, to find circles and to walk from what rests on nothing upwards. */
#ifndef QUORATE_CHECKS_OBJECTS_GRAPH_H
#define QUORATE_CHECKS_OBJECTS_GRAPH_H

#include <stddef.h>

enum { GRAPH_NONE = -1 };

struct graph {
    unsigned nodes;
    size_t edges, cap;
    struct graph_edge {
        unsigned from, to; /* from rests on to */
    } * list;
};
void graph_add(struct graph *g, unsigned from, unsigned to);
/* The nodes in an order in which each comes behind all that it rests on: order has room for g->nodes. Fewer than that:
   the rest stands on a circle or rests on one, and *circle is a node of a circle, reached from the first of them. No
   recursion; time and memory are linear. */
unsigned graph_order(const struct graph *g, unsigned *order, int *circle);
void graph_free(struct graph *g);

#endif
