/* Whose turn it is when several notifiers serve one handler of notify.yaml: what one handed over stands in the log, and
   a standby hands over only what nobody recorded in time. When the log cannot be read an alert rather goes out twice
   than not at all. One thread at a time. */
#ifndef QUORATE_CLIENT_TURNS_H
#define QUORATE_CLIENT_TURNS_H

#include "proto/op.h"

struct turns_setup {
    const char *handler, *instance; /* notify_name_valid; borrowed, as the rest */
    mono_ms standby_after;          /* how long after an alert was raised others may record it; 0: we are first */
    mono_ms fresh;                  /* how long what was read counts */
    mono_ms deaf;                   /* how long a log that did not answer, or took no record, is not asked again */
    mono_ms pause;                  /* between two readings while others have their turn, and two records */
    int stop_fd;                    /* readable: stop waiting */
    /* How the log is asked, given self; both may take seconds. read: *upto is how far the handler's alerts are
       recorded, 0 when none is; false: no answer. record: ERR_DUPLICATE and ERR_STALE as ledger_notified. */
    bool (*read)(void *self, const char *handler, uint64_t *upto);
    enum error (*record)(void *self, const struct op_notified *op);
    void *self;
};

struct turns;
struct turns *turns_new(const struct turns_setup *setup);
void turns_free(struct turns *t);
/* Before all else: what lies behind `begin` and up to `position` was done with in earlier runs, and is recorded if it
   is not. */
void turns_begin(struct turns *t, uint64_t position, uint64_t begin);

/* Where a handler begins that this notifier never served. */
struct turns_beginning {
    uint64_t after; /* with the alert behind this one */
    bool chosen;    /* an operator wants none up to it to be handed over: to be recorded so */
};
/* recorded: how far the log says the handler is, 0: nothing. since: what the operator gave, or NULL. Where the log
   stands, else where the operator chose, else with the first alert of all. false: since would pass over alerts that
   others may still have to hand over. */
bool turns_beginning(uint64_t recorded, const uint64_t *since, struct turns_beginning *out);
/* Alerts have come that were not there before; newest: the agreed time of the last of them. */
void turns_arrived(struct turns *t, mono_ms now, time_ms newest);

enum turn {
    TURN_OURS,
    TURN_THEIRS, /* another is done with alerts up to *upto, at least `number` */
    TURN_STOPPED
};
/* raised: the alert's agreed time. */
enum turn turns_await(struct turns *t, uint64_t number, time_ms raised, uint64_t *upto);
/* We are done with all alerts up to this one. Recorded now or soon. */
void turns_done(struct turns *t, uint64_t position);
/* Records what is not recorded yet; what fails is tried again by later calls. */
void turns_settle(struct turns *t);

#endif
