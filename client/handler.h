/* Hands alerts to one handler, in order: each run is retried with growing pauses until it succeeds. Blocks its thread.
 */
#ifndef QUORATE_CLIENT_HANDLER_H
#define QUORATE_CLIENT_HANDLER_H

#include "client/notify_config.h"
#include "client/outbox.h"

enum handler_end {
    HANDLER_HANDED, /* every wanted run of the alert succeeded and is noted */
    HANDLER_STOPPED /* stop_fd became readable first */
};
struct handler_setup {
    const struct notify_handler *config; /* borrowed, as the rest */
    struct outbox *outbox;
    struct cluster_id cluster;
    int stop_fd;                        /* readable: stop, kill what runs */
    mono_ms first_pause, longest_pause; /* between tries: doubled each time */
};

struct handler;
struct handler *handler_new(const struct handler_setup *setup);
void handler_free(struct handler *h);
/* The number above which alerts are still to be handed over. The outbox must know the handler. */
uint64_t handler_position(const struct handler *h);
/* alert->number is handler_position + 1. */
enum handler_end handler_take(struct handler *h, const struct alert *alert);
/* Makes durable that unwanted alerts were passed over; handler_take only remembers those. */
void handler_settle(struct handler *h);

#endif
