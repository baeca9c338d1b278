/* What was handed to which handler: a journal, synced before a handler is run ("attempt") and after it succeeded, so
   that whatever happens in between, an alert is handed over again rather than lost. Thread-safe. */
#ifndef QUORATE_CLIENT_OUTBOX_H
#define QUORATE_CLIENT_OUTBOX_H

#include "base/bytes.h"
#include "base/error.h"

struct outbox;

struct outbox_position {
    uint64_t handed;   /* every alert up to this number is done with */
    uint64_t begin;    /* of those up to this one by others, or nobody: nothing of them is known here */
    unsigned next_run; /* of alert handed+1: runs below this one succeeded */
    bool attempting;   /* its run next_run was started and its end is not known */
    uint64_t last;     /* the message that was begun goes from alert handed+1 to this one; 0: none was begun */
};

/* Opens or creates the journal and rewrites it short. ERR_IN_USE: another notifier has it. ERR_FOREIGN_CLUSTER: it
   tells of another cluster. ERR_CORRUPT: a line that is none, other than a last one cut short by a crash. */
enum error outbox_open(struct outbox **out, const char *path, const struct cluster_id *cluster, struct buffer *why);
void outbox_close(struct outbox *o);
/* false: the journal does not know the handler. */
bool outbox_find(struct outbox *o, const char *handler, struct outbox_position *position);
/* Whether any handler is known, and the highest number that one was handed. */
bool outbox_highest(struct outbox *o, uint64_t *number);

/* Each returns when the line is durable; ERR_IO: it is not, and the journal is as it was. */
enum error outbox_attempt(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why);
/* The same for one message of the alerts number..last. */
enum error outbox_attempt_group(struct outbox *o, const char *handler, uint64_t number, uint64_t last, unsigned run,
                                struct buffer *why);
enum error outbox_done(struct outbox *o, const char *handler, uint64_t number, unsigned run, struct buffer *why);
/* Makes a handler known that was not: what comes up to number is no business of ours. */
enum error outbox_begins(struct outbox *o, const char *handler, uint64_t number, struct buffer *why);
/* All runs of every alert up to number are done, or were not wanted. Also makes a handler known. */
enum error outbox_handed(struct outbox *o, const char *handler, uint64_t number, struct buffer *why);

#endif
