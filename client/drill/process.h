/* The processes of a stage: started from nothing but their arguments, ended and reaped for certain. */
#ifndef QUORATE_CLIENT_DRILL_PROCESS_H
#define QUORATE_CLIENT_DRILL_PROCESS_H

#include "base/bytes.h"
#include "base/error.h"

#include <sys/types.h>

struct process {
    pid_t pid; /* 0: none, or reaped */
    bool paused;
    bool killed; /* sent SIGKILL by us */
    bool ended;  /* not by our SIGKILL; status is then what waitpid said */
    bool asked;  /* who plays asked after its exit, and it is no fault */
    int status;
};
struct process_job {
    const char *path;
    const char *const *argv;     /* closed by NULL */
    const char *const *env;      /* "NAME=value" beside our own environment, closed by NULL; NULL: none */
    const char *out, *err;       /* files that take stdout (made empty) and stderr (appended to); NULL: /dev/null */
    int net;                     /* network namespace to run in, -1: ours */
    void (*waiting)(void *self); /* process_run calls it again and again; NULL: nothing */
    void *self;
};

/* In a process group of its own, without our open files, killed with the thread that started it. why: what failed. */
enum error process_start(struct process *p, const struct process_job *job, struct buffer *why);
void process_signal(struct process *p, int number); /* nothing when it does not run */
void process_kill(struct process *p); /* SIGKILL to its group; reaped on return; `ended` if it was quicker */
bool process_runs(struct process *p); /* reaps it when it ended by itself */

/* Runs a program to its end, killed after so many ms. input: its stdin. out and err take what it prints, may be NULL
   or the same. Its exit status; 128 + signal; -1 when it could not be started or had to be killed. */
int process_run(const struct process_job *job, struct bytes input, struct buffer *out, struct buffer *err, int64_t ms);
/* "/usr/sbin/nft" of "nft"; NULL: not installed. The caller frees. */
char *process_find(const char *name);

#endif
