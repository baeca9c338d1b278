/* The list of waiting clients. */
#include "replica/desk.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

void desk_open(struct desk *d) {
    *d = (struct desk){.list = xcalloc(DESK_MAX, sizeof *d->list)};
}

void desk_close(struct desk *d) {
    free(d->list);
    *d = (struct desk){0};
}

bool desk_add(struct desk *d, const struct waiter *w) {
    if (d->count == DESK_MAX)
        return false;
    d->list[d->count++] = *w;
    return true;
}

static void take_at(struct desk *d, size_t i) {
    memmove(&d->list[i], &d->list[i + 1], (d->count - i - 1) * sizeof *d->list);
    d->count--;
}

void desk_gone(struct desk *d, uint64_t client) {
    for (size_t i = d->count; i-- > 0;)
        if (d->list[i].client == client)
            take_at(d, i);
}

bool desk_take(struct desk *d, bool (*match)(const struct waiter *w, const void *context), const void *context,
               struct waiter *out) {
    for (size_t i = 0; i < d->count; i++)
        if (match(&d->list[i], context)) {
            *out = d->list[i];
            take_at(d, i);
            return true;
        }
    return false;
}

mono_ms desk_deadline(const struct desk *d) {
    mono_ms soonest = INT64_MAX;
    for (size_t i = 0; i < d->count; i++)
        if (d->list[i].until < soonest)
            soonest = d->list[i].until;
    return soonest;
}
