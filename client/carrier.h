/* How one handler's messages leave: a command, a POST, a mail. A carrier tries once; handler.c marks, repeats and gives
   up. Blocks its thread until the try is over, its timeout has passed or the handler's stop_fd is readable. */
#ifndef QUORATE_CLIENT_CARRIER_H
#define QUORATE_CLIENT_CARRIER_H

#include "client/handler.h"

enum carry_end {
    CARRY_DONE,    /* the receiver has taken it */
    CARRY_FAILED,  /* not this time: try again */
    CARRY_REFUSED, /* the receiver will never take it */
    CARRY_STOPPED, /* stop_fd became readable first */
};

/* One message: `count` alerts, 1 or more, all wanted, in order. `first` and `last` name it: the same in each try, also
   after a crash. Everything is borrowed. */
struct parcel {
    const struct alert *const *alerts;
    unsigned count, run;
    uint64_t first, last;
};

struct carrier {
    /* said: what people are to read when it is not DONE; one line, without the secrets of a URL. */
    enum carry_end (*carry)(struct carrier *c, const struct parcel *p, struct buffer *said);
    /* The message is given up, or refused for good: no try will follow. May be NULL. */
    void (*pass_over)(struct carrier *c, const struct parcel *p);
    /* Called now and then while nothing is to be carried; may be NULL. */
    void (*tick)(struct carrier *c);
    void (*free)(struct carrier *c);
};

struct carrier *carry_command(const struct handler_setup *setup);
struct carrier *carry_webhook(const struct handler_setup *setup);
struct carrier *carry_mail(const struct handler_setup *setup);
/* NULL: what fires is not readable; why names the file. */
struct carrier *carry_alertmanager(const struct handler_setup *setup, struct buffer *why);

#endif
