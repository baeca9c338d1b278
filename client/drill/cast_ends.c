/* How the processes of a stage come to their ends. Nothing is killed or started anew before an end of its own is
   written down, so that healing hides no crash. */
#include "client/drill/cast_parts.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { STOP_MS = 10000 };

static bool is_noted(const struct cast *c, const char *name, int status) {
    for (unsigned i = 0; i < c->ends_count; i++) {
        if (c->ends[i].status == status && strcmp(c->ends[i].process, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What no play can ask for is a signal. */
void cast_note_end(struct cast *c, const char *name, struct process *p) {
    bool ended = !process_runs(p) && p->ended && !(p->asked && WIFEXITED(p->status));
    if (ended && c->ends_count < CAST_ENDS_MAX && !is_noted(c, name, p->status)) {
        struct cast_end *end = &c->ends[c->ends_count++];
        snprintf(end->process, sizeof end->process, "%s", name);
        end->status = p->status;
    }
}

void cast_kill(struct cast *c, const char *name, struct process *p) {
    process_kill(p);
    cast_note_end(c, name, p);
    *p = (struct process){0};
}

void cast_stop(struct cast *c, const char *name, struct process *p) {
    cast_note_end(c, name, p);
    if (process_runs(p)) {
        mono_ms deadline = clock_mono() + STOP_MS;
        process_signal(p, SIGTERM);
        while (process_runs(p) && clock_mono() < deadline) {
            clock_sleep(CAST_POLL_MS);
        }
        p->ended = p->ended && p->status != 0 && !(WIFSIGNALED(p->status) && WTERMSIG(p->status) == SIGTERM);
        cast_kill(c, name, p);
    }
    *p = (struct process){0};
}

const char *cast_name_of_replica(char out[24], member_id who) {
    snprintf(out, 24, "replica-%u", who);
    return out;
}

unsigned cast_ends(struct cast *c, const struct cast_end **out) {
    char name[24];
    for (member_id m = 0; m < c->members; m++) {
        cast_note_end(c, cast_name_of_replica(name, m), &c->replica[m].process);
    }
    cast_note_end(c, "twin", &c->twin);
    for (unsigned i = 0; i < c->observers; i++) {
        snprintf(name, sizeof name, "agent-%s", c->agent[i].name);
        cast_note_end(c, name, &c->agent[i].process);
    }
    for (unsigned i = 0; i < c->notifiers; i++) {
        snprintf(name, sizeof name, "notify-%u", i);
        cast_note_end(c, name, &c->notifier[i]);
    }
    for (unsigned i = 0; i < CAST_EXTRAS_MAX; i++) {
        cast_note_end(c, c->extra[i].name, &c->extra[i].process);
    }
    *out = c->ends;
    return c->ends_count;
}
