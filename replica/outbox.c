/* The queue above a peer's socket and the coalescing of its frames, and the splitting at the other end. It knows bytes
   only, so it is tested without a network. */
#include "replica/outbox.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

struct outbox_frame {
    struct outbox_frame *next;
    size_t len;
    uint8_t data[];
};

static void forget_oldest(struct outbox *o, enum rank rank) {
    struct outbox_frame *f = o->ranks[rank].head;
    o->ranks[rank].head = f->next;
    if (!f->next)
        o->ranks[rank].tail = NULL;
    o->count--;
    o->bytes -= OUTBOX_PREFIX + f->len;
    free(f);
}

void outbox_free(struct outbox *o) {
    for (unsigned rank = 0; rank < RANK_LIMIT; rank++)
        while (o->ranks[rank].head)
            forget_oldest(o, (enum rank)rank);
}

static enum rank least_urgent(const struct outbox *o) {
    unsigned rank = RANK_LIMIT - 1;
    while (rank > 0 && !o->ranks[rank].head)
        rank--;
    return (enum rank)rank;
}

void outbox_put(struct outbox *o, enum rank rank, struct bytes frame) {
    size_t size = OUTBOX_PREFIX + frame.len;
    REQUIRE(rank < RANK_LIMIT);
    while (o->count && (o->count + 1 > o->count_max || o->bytes + size > o->bytes_max)) {
        enum rank least = least_urgent(o);
        o->dropped++;
        if (least < rank)
            return;
        forget_oldest(o, least);
    }
    struct outbox_frame *f = xcalloc(1, sizeof *f + frame.len);
    f->len = frame.len;
    memcpy(f->data, frame.data, frame.len);
    if (o->ranks[rank].tail)
        o->ranks[rank].tail->next = f;
    else
        o->ranks[rank].head = f;
    o->ranks[rank].tail = f;
    o->count++;
    o->bytes += size;
}

size_t outbox_next(const struct outbox *o) {
    size_t total = 0, frames = 0;
    for (unsigned rank = 0; rank < RANK_LIMIT; rank++) {
        for (const struct outbox_frame *f = o->ranks[rank].head; f; f = f->next) {
            size_t size = OUTBOX_PREFIX + f->len;
            if (frames++ == OUTBOX_FRAMES_MAX || (total && total + size > OUTBOX_MESSAGE_MAX))
                return total;
            total += size;
        }
    }
    return total;
}

void outbox_take(struct outbox *o, uint8_t *out, size_t len) {
    for (unsigned rank = 0; len; rank++) {
        ENSURE(rank < RANK_LIMIT);
        for (struct outbox_frame *f = o->ranks[rank].head; f && len; f = o->ranks[rank].head) {
            ENSURE(len >= OUTBOX_PREFIX + f->len);
            for (unsigned i = 0; i < OUTBOX_PREFIX; i++)
                *out++ = (uint8_t)(f->len >> (24 - 8 * i));
            memcpy(out, f->data, f->len);
            out += f->len;
            len -= OUTBOX_PREFIX + f->len;
            forget_oldest(o, (enum rank)rank);
        }
    }
}

static enum error list_check(struct bytes message) {
    struct reader r = reader_of(message);
    size_t frames = 0;
    while (!r.bad && r.at != r.end) {
        read_block(&r, message.len);
        frames++;
    }
    if (r.bad)
        return ERR_TRUNCATED;
    if (frames > OUTBOX_FRAMES_MAX)
        return ERR_TOO_MANY;
    return frames ? ERR_OK : ERR_MALFORMED;
}

enum error outbox_split(struct bytes message, void (*visit)(void *context, struct bytes frame), void *context) {
    enum error e = list_check(message);
    if (e)
        return e;
    struct reader r = reader_of(message);
    while (r.at != r.end)
        visit(context, read_block(&r, message.len));
    return ERR_OK;
}
