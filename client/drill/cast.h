/* The processes of a stage and the world they watch: replicas, agents with their plugins, notifiers with their sink,
   network, disks. Most of scene.h is implemented over this; here is what stage.c needs besides. */
#ifndef QUORATE_CLIENT_DRILL_CAST_H
#define QUORATE_CLIENT_DRILL_CAST_H

#include "base/error.h"
#include "client/drill/drill.h"

struct buffer;
struct cast;
/* What waits long says so by this now and then: alive(self). NULL: to nobody. */
struct cast_life {
    void (*alive)(void *self);
    void *self;
};
/* Inside a box. Writes the cluster (`quorate init`, drills: sandbox), the objects and the world's files, starts the
   replicas and waits until they are ready, applies the objects, starts agents and notifiers, and waits until every
   object is OK by fresh votes. programs_dir: where quorate and quorated are. ERR_*: why says what could not be started;
   *out is what stands so far. The caller closes it in any case. */
enum error cast_open(struct cast **out, const struct drill *d, const char *programs_dir, struct cast_life life,
                     struct buffer *why);
void cast_close(struct cast *c); /* ends every process */
/* What a scene's call does when the stage itself fails (a process that can't be started): failed gets "what is wrong:
   where: what to do" and must not return. Without it the line goes to stderr and the process exits with 1. */
void cast_on_failure(struct cast *c, void (*failed)(void *self, const char *why), void *self);
_Noreturn void cast_fail(struct cast *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Undoes every fault that is still there: network, disks, pauses, lies, twins; starts again what was killed and not
   given up. Does not wait. */
void cast_heal(struct cast *c);
bool cast_given_up(const struct cast *c, member_id who); /* scene_given_up was called of it */
/* Ends that nobody on the stage has brought about and no play has asked after, now or before a process was started
   again. Returns how many. */
struct cast_end {
    char process[24]; /* "replica-2", "agent-a", "notify-0", "load", "twin" */
    int status;       /* waitpid's */
};
unsigned cast_ends(struct cast *c, const struct cast_end **out);
/* Appends all that was logged under the name of a process. */
void cast_log_of(const char *process, struct buffer *out);
unsigned cast_killed(const struct cast *c);                  /* processes of the stage that a play killed */
uint64_t cast_changed_frames(struct cast *c, member_id who); /* by its fault filter, now and before restarts */
const char *cast_sink_path(const struct cast *c); /* one line a message handed over: number TAB type TAB host TAB
                                                     service TAB state TAB milliseconds of the wall clock */
/* What the plugins see from now on; service "": the host. */
void cast_truth(struct cast *c, const char *host, const char *service, unsigned state);
uint64_t cast_lies_told(const struct cast *c); /* results of plugins that were not the truth */
uint64_t cast_dropped(struct cast *c);         /* packets, those that a narrow line held up included; 0 without
                                                   cast.network */
uint64_t cast_disk_faults(struct cast *c); /* writes and syncs that failed or stalled, bytes that a power loss took */
/* The services of host `load`: "s0" ... */
enum { CAST_LOAD_SERVICES = 8 };
/* Ends the replica for good and writes what `quorated --export` says of its directory to path. False: why. An
   export that does not end is the stage's failure. */
bool cast_export(struct cast *c, member_id who, const char *path, struct buffer *why);
/* Exit status of a verb of the judgement, with the operator's key; words end with NULL. It may take minutes; that it
   can't be started or does not end is the stage's failure, not the cluster's. */
int cast_judge_verb(struct cast *c, const char *const *words, struct buffer *out, struct buffer *err);
/* The last lines of every process' log, for the report of a run that failed. */
void cast_tails(struct cast *c, struct buffer *out);

#endif
