/* How fast a door reads what nobody wants: 64 MiB a second, so that its senders wait, and not this machine. The door
   hands over one message of each connection in turn, so there is one pause a round: however many connections bring what
   nobody wants, the others wait for no more than that. */
#ifndef QUORATE_REPLICA_PACE_H
#define QUORATE_REPLICA_PACE_H

#include <stddef.h>
#include <stdint.h>

enum {
    PACE_NS_PER_BYTE = 15,
    PACE_MESSAGE_MIN_NS = 100000,
    PACE_PAUSE_MAX_NS = 8000000,
    PACE_OWED_MAX_NS = 1000000000
};

struct pace {       /* begins as zeros */
    uint32_t first; /* of this round, the connection that brought something unwanted first */
    uint64_t owed;  /* nanoseconds, for what came in this round; 0: none began */
};
/* A message of len bytes was dropped whole. Returns nanoseconds to sleep now, at most PACE_PAUSE_MAX_NS. */
uint64_t pace_unwanted(struct pace *p, uint32_t connection, size_t len);

#endif
