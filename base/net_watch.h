/* Notices that the network library no longer lets go of ended connections. nng 1.5.2 (Debian 12) has one thread that
   does; when a connection is closed just as part of a message went through, that thread waits for ever, and then no
   ended connection is ever dialled again: a replica would fall out of its cluster without a word. Nothing inside the
   process can mend that, so who watches ends the process in good order and is started again. */
#ifndef QUORATE_BASE_NET_WATCH_H
#define QUORATE_BASE_NET_WATCH_H

#include "base/types.h"

struct net_watch;
struct net_watch_times {
    mono_ms rest;   /* between two tries */
    mono_ms step;   /* one wait of a try: what the whole process sleeps through (SIGSTOP) counts as one */
    unsigned steps; /* waits in vain that mean stuck */
};
extern const struct net_watch_times net_watch_times_default; /* every 5 s; stuck after 20 s */

/* Ends a connection within the process again and again and sees that it is dialled again. stuck(self) is called at most
   once, on the watch's thread. */
struct net_watch *net_watch_start(const struct net_watch_times *times, void (*stuck)(void *self), void *self);
/* Afterwards stuck is not called. What a stuck library holds stays with it. */
void net_watch_end(struct net_watch *w);

#endif
