/* Runs programs as children: each in a process group of its own, without a shell, with closed descriptors, a small
   environment and a deadline. One thread, no blocking: the caller polls. Also runs the pager's handlers. */
#ifndef QUORATE_CLIENT_AGENT_RUNNER_H
#define QUORATE_CLIENT_AGENT_RUNNER_H

#include "base/bytes.h"
#include "base/error.h"
#include "client/agent/plugin_output.h"

#include <poll.h>

enum { RUNNER_CAPTURE = 8192, RUNNER_FDS_PER_CHILD = 3 };

struct runner_config {
    unsigned max_children;
    const char *user; /* children become this user, without other groups and without a way back; NULL: stay as we are */
    bool kill_leftovers; /* what is left of a child's group when it has exited is killed */
};
struct runner_job {
    unsigned tag;      /* the caller's */
    const char *path;  /* executed as it is */
    char *const *argv; /* closed by NULL; all borrowed for runner_start */
    char *const *envp; /* closed by NULL; NULL: LC_ALL=C and PATH only */
    mono_ms timeout;
};
struct runner_result {
    unsigned tag;
    struct plugin_end end;
    struct bytes printed, complained; /* the first RUNNER_CAPTURE bytes of stdout, of stderr; borrowed for the call */
    mono_ms took;
};
typedef void runner_sink(void *self, const struct runner_result *result);

struct runner;

/* ERR_NOT_FOUND: no such user; ERR_FORBIDDEN: only root can become another user. why is a sentence.
   Touches no signal handler. */
enum error runner_new(struct runner **out, const struct runner_config *config, struct buffer *why);
/* Kills every child's group and reaps them. */
void runner_free(struct runner *r);
unsigned runner_running(const struct runner *r);
bool runner_full(const struct runner *r);
/* Starts one; not when full. What the system refuses is a result of the next step too. */
void runner_start(struct runner *r, const struct runner_job *job, mono_ms now);
/* Puts the descriptors to poll (at most RUNNER_FDS_PER_CHILD * max_children) and returns how many. */
unsigned runner_poll(const struct runner *r, struct pollfd *fds);
/* When the runner wants a step even if nothing is readable; INT64_MAX: never. */
mono_ms runner_next(const struct runner *r, mono_ms now);
/* Reads, reaps, kills what is overdue; each child that ended is given to the sink, which may start others. */
void runner_step(struct runner *r, mono_ms now, runner_sink *sink, void *self);
/* Kills every child's group now; they end in the next steps. */
void runner_kill(struct runner *r);

#endif
