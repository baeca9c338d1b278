/* One list a rank. Giving way walks a list to its end: only a full queue does, and it is bounded. */
#include "replica/ranked.h"

#include "base/invariant.h"

void ranked_push(struct ranked *q, struct ranked_node *node) {
    REQUIRE(node->rank < RANK_LIMIT);
    node->next = NULL;
    if (q->ranks[node->rank].tail)
        q->ranks[node->rank].tail->next = node;
    else
        q->ranks[node->rank].head = node;
    q->ranks[node->rank].tail = node;
    q->count++;
    q->bytes += node->len;
}

struct ranked_node *ranked_first(const struct ranked *q) {
    for (unsigned rank = 0; rank < RANK_LIMIT; rank++)
        if (q->ranks[rank].head)
            return q->ranks[rank].head;
    return NULL;
}

struct ranked_node *ranked_pop(struct ranked *q) {
    struct ranked_node *node = ranked_first(q);
    if (!node)
        return NULL;
    q->ranks[node->rank].head = node->next;
    if (!node->next)
        q->ranks[node->rank].tail = NULL;
    node->next = NULL;
    q->count--;
    q->bytes -= node->len;
    return node;
}

static struct ranked_node *pop_newest(struct ranked *q, unsigned rank) {
    struct ranked_node *last = q->ranks[rank].tail, *before = NULL;
    for (struct ranked_node *at = q->ranks[rank].head; at != last; at = at->next)
        before = at;
    *(before ? &before->next : &q->ranks[rank].head) = NULL;
    q->ranks[rank].tail = before;
    q->count--;
    q->bytes -= last->len;
    return last;
}

struct ranked_node *ranked_give_way(struct ranked *q, enum rank rank) {
    for (unsigned least = RANK_LIMIT; least-- > (unsigned)rank + 1;)
        if (q->ranks[least].head)
            return pop_newest(q, least);
    return NULL;
}
