/* Who is still to be answered: a handle for each client request in hand, with the way back to it. Bounded: the oldest
   of the connection that holds most makes room. A handle is never given twice, so a late answer meets nobody else.
   Thread-safe. */
#ifndef QUORATE_REPLICA_HANDLES_H
#define QUORATE_REPLICA_HANDLES_H

#include "base/bytes.h"

enum { HANDLES_MAX = 8192, HANDLE_WAY_MAX = 64, HANDLE_SHARES = 64 };

struct handle_way { /* back to a client: the transport's header, opaque here */
    uint8_t header[HANDLE_WAY_MAX];
    size_t len;
};
struct handles;
struct handles *handles_new(void);
void handles_free(struct handles *h);
/* Never 0. pipe: the connection it came by. *expired: the handle that had to make room, or 0. */
uint64_t handles_add(struct handles *h, uint32_t pipe, const struct handle_way *way, uint64_t *expired);
/* Takes the handle out. false: unknown, expired, answered or gone. */
bool handles_take(struct handles *h, uint64_t handle, struct handle_way *way);
/* The connection is closed: its handles are taken out and told, outside the lock. */
void handles_drop(struct handles *h, uint32_t pipe, void (*gone)(void *context, uint64_t handle), void *context);
/* Which of HANDLE_SHARES the handle's connection has; all handles of one connection have the same. */
unsigned handle_share(uint64_t handle);
size_t handles_count(struct handles *h);

#endif
