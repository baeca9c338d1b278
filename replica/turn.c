/* A singly linked list with its end known. Taking one out of the middle walks, which happens when a connection ends or
   moves. */
#include "replica/turn.h"

void ring_push(struct ring *r, struct turn *turn) {
    turn->next = NULL;
    turn->waiting = true;
    if (r->tail)
        r->tail->next = turn;
    else
        r->head = turn;
    r->tail = turn;
}

struct turn *ring_pop(struct ring *r) {
    struct turn *turn = r->head;
    r->head = turn->next;
    if (!r->head)
        r->tail = NULL;
    turn->waiting = false;
    return turn;
}

void ring_remove(struct ring *r, struct turn *turn) {
    struct turn *before = NULL, *at = r->head;
    for (; at && at != turn; at = at->next)
        before = at;
    if (!at)
        return;
    *(before ? &before->next : &r->head) = turn->next;
    if (r->tail == turn)
        r->tail = before;
    turn->waiting = false;
}
