/* Hands alerts to one handler, in order: each message is retried with growing pauses until it is taken, refused for
   good (beside other notifiers: for others_need), or given up after the handler's retry_for. Blocks its thread. */
#ifndef QUORATE_CLIENT_HANDLER_H
#define QUORATE_CLIENT_HANDLER_H

#include "client/notify_config.h"
#include "client/outbox.h"
#include "client/turns.h"

enum handler_end {
    HANDLER_HANDED,  /* every wanted run of the alerts is done with and noted */
    HANDLER_MORE,    /* a message that an earlier run began holds later alerts too: give them again with more behind */
    HANDLER_STOPPED, /* stop_fd became readable first */
};
struct handler_setup {
    const struct notify_handler *config; /* borrowed, as the rest */
    struct outbox *outbox;
    struct cluster_id cluster;
    const char *cluster_name;
    const char *state_path;             /* what an Alertmanager was told fires is kept in STATE.NAME.firing */
    int stop_fd;                        /* readable: stop, kill what runs */
    mono_ms first_pause, longest_pause; /* between tries: doubled each time */
    struct turns *turns;                /* with other notifiers; NULL: there are none */
    mono_ms others_need;                /* with others: how long anything is tried at least, for them to take it over */
    mono_ms repeat_every;               /* how often an Alertmanager is told what fires */
};

struct handler;
/* NULL: what the handler keeps beside the outbox cannot be read; why names the file. */
struct handler *handler_new(const struct handler_setup *setup, struct buffer *why);
void handler_free(struct handler *h);
/* The number above which alerts are still to be handed over. The outbox must know the handler. */
uint64_t handler_position(const struct handler *h);
/* `count` alerts in order, all above handler_position. Those up to the new handler_position are done with. */
enum handler_end handler_take(struct handler *h, const struct alert *list, unsigned count);
/* Makes durable that unwanted alerts were passed over; handler_take only remembers those. */
void handler_settle(struct handler *h);
/* What is due without a new alert. */
void handler_tick(struct handler *h);

#endif
