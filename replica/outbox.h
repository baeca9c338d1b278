/* Frames on their way to one peer on one lane: bounded, the most urgent first, and coalesced into messages: a list of
   (length u32, frame). Messages are the scarcest resource, so all that waits for a peer travels together. Not
   thread-safe. */
#ifndef QUORATE_REPLICA_OUTBOX_H
#define QUORATE_REPLICA_OUTBOX_H

#include "base/bytes.h"
#include "base/error.h"
#include "replica/lane.h"

enum {
    OUTBOX_MESSAGE_MAX = 1 << 20, /* a message holds more only when its one frame is longer */
    OUTBOX_FRAMES_MAX = 4096,     /* of one message */
    OUTBOX_PREFIX = 4,
};

struct outbox {
    struct {
        struct outbox_frame *head, *tail;
    } ranks[RANK_LIMIT];
    size_t count, bytes;         /* waiting; bytes with their prefixes */
    size_t count_max, bytes_max; /* bounds, changed at will */
    uint64_t dropped;
};
void outbox_free(struct outbox *o);
/* Copies the frame. Until it fits, the oldest of the least urgent frames is dropped: this one, when all others are more
   urgent. */
void outbox_put(struct outbox *o, enum rank rank, struct bytes frame);
/* Length of the message that outbox_take would make next; 0: nothing waits. */
size_t outbox_next(const struct outbox *o);
/* Writes that message into out, which has exactly outbox_next bytes, and forgets its frames. */
void outbox_take(struct outbox *o, uint8_t *out, size_t len);

/* The other end. Visits each frame of a message in order. ERR_TRUNCATED when the list is not well-formed and
   ERR_TOO_MANY beyond OUTBOX_FRAMES_MAX, before any was visited; ERR_MALFORMED when it is empty. */
enum error outbox_split(struct bytes message, void (*visit)(void *context, struct bytes frame), void *context);

#endif
