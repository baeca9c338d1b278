/* The window (c, c+W] and what falls out of it (R4, R5). */
#include "replica/pbft/core.h"

bool window_holds(const struct pbft *p, seq_no n) {
    return n > pbft_c(p) && n <= pbft_window_end(p);
}

seq_no slot_after(const struct pbft *p, seq_no n) {
    bool in_gap = n >= p->executed + BRIDGE_LEN && n < p->base;
    return in_gap ? p->base + 1 : n + 1;
}

/* Slots live until stable, so that their votes and batches can be served; further than W below c they are left to the
   stored decisions. */
void window_moved(struct pbft *p) {
    seq_no c = pbft_c(p), h = pbft_h(p), low = c > p->config.window ? c - p->config.window : 0;
    seq_no base = h > low ? h : low, last = p->base + p->ring_len;
    for (seq_no n = p->base + 1; n <= base && n <= last; n++) {
        struct slot *s = &p->ring[n % p->ring_len];
        if (s->n == n) {
            slot_clear(p, s);
        }
    }
    p->base = base;
    if (p->next <= c) {
        p->next = c + 1;
    }
}
