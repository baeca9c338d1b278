/* Takes away nodes all of whose masters are gone, again and again (without recursion: the bytes of others decide the
   depth). What stays is on a circle or rests on one. */
#include "checks/objects_graph.h"

#include "base/bytes.h"

#include <stdlib.h>

void graph_add(struct graph *g, unsigned from, unsigned to) {
    if (g->edges == g->cap) {
        g->cap = g->cap < 64 ? 64 : g->cap * 2;
        g->list = xrealloc(g->list, g->cap * sizeof *g->list);
    }
    g->list[g->edges++] = (struct graph_edge){from, to};
}

void graph_free(struct graph *g) {
    free(g->list);
    *g = (struct graph){0};
}

struct walk {
    const struct graph *graph;
    size_t *first, *next; /* of the edges that lead to a node; edge + 1, 0 = none */
    size_t *left;         /* masters of a node that are not gone */
};

static struct walk walk_begin(const struct graph *g) {
    struct walk w = {g, xcalloc(g->nodes + 1, sizeof *w.first), xcalloc(g->edges + 1, sizeof *w.next),
                     xcalloc(g->nodes + 1, sizeof *w.left)};
    for (size_t i = 0; i < g->edges; i++) {
        size_t *head = &w.first[g->list[i].to];
        w.next[i] = *head;
        *head = i + 1;
        w.left[g->list[i].from]++;
    }
    return w;
}

static unsigned peel(struct walk *w, unsigned *order) {
    unsigned tail = 0;
    for (unsigned i = 0; i < w->graph->nodes; i++) {
        if (w->left[i] == 0) {
            order[tail++] = i;
        }
    }
    for (unsigned at = 0; at < tail; at++) {
        for (size_t edge = w->first[order[at]]; edge != 0; edge = w->next[edge - 1]) {
            unsigned from = w->graph->list[edge - 1].from;
            if (--w->left[from] == 0) {
                order[tail++] = from;
            }
        }
    }
    return tail;
}

/* From the first node that stayed, always to its first master that stayed too, until a node comes twice. */
static int find_circle(const struct walk *w) {
    const struct graph *g = w->graph;
    unsigned *master = xcalloc(g->nodes + 1, sizeof *master); /* + 1 */
    int at = GRAPH_NONE;
    for (size_t i = 0; i < g->edges; i++) {
        const struct graph_edge *e = &g->list[i];
        if (w->left[e->from] > 0 && w->left[e->to] > 0 && master[e->from] == 0) {
            master[e->from] = e->to + 1;
        }
    }
    for (unsigned i = 0; i < g->nodes && at == GRAPH_NONE; i++) {
        at = w->left[i] > 0 ? (int)i : GRAPH_NONE;
    }
    while (at != GRAPH_NONE && master[at] != 0) {
        int next = (int)master[at] - 1;
        master[at] = 0; /* was here */
        at = next;
    }
    free(master);
    return at;
}

unsigned graph_order(const struct graph *g, unsigned *order, int *circle) {
    struct walk w = walk_begin(g);
    unsigned count = peel(&w, order);
    *circle = find_circle(&w);
    free(w.first);
    free(w.next);
    free(w.left);
    return count;
}
