/* Clients that wait: for the reply to a request, or for alerts above a number. Bounded; pure of sockets: a client is a
   handle that the host gave and that is answered at most once. */
#ifndef QUORATE_REPLICA_DESK_H
#define QUORATE_REPLICA_DESK_H

#include "base/types.h"
#include "proto/op.h"

enum { DESK_MAX = 8192, DESK_ALERTS_MAX = 64, DESK_WAIT_MAX_MS = 30000 };

struct waiter {
    uint64_t client;
    bool alerts; /* waits for alerts, else for a reply */
    struct digest request;
    uint64_t after;
    uint32_t max;
    mono_ms until; /* alerts: answer empty then; replies: give up then */
};
struct desk {
    size_t count;
    struct waiter *list; /* in order of arrival */
};
void desk_open(struct desk *d);
void desk_close(struct desk *d);
/* False when the desk is full. */
bool desk_add(struct desk *d, const struct waiter *w);
void desk_gone(struct desk *d, uint64_t client);
/* Takes out the first waiter for which match says yes. */
bool desk_take(struct desk *d, bool (*match)(const struct waiter *w, const void *context), const void *context,
               struct waiter *out);
mono_ms desk_deadline(const struct desk *d); /* INT64_MAX when nobody waits */

#endif
