/* What a drill's play can do and see. The stage behind it is a throw-away cluster of real processes in namespaces of
   its own: replicas 0 .. members-1, the agents of the observers a, b, c ..., a notifier that writes what it is handed
   into a sink, and a loader that submits results of its own host `load` all the time and remembers what was
   acknowledged.

   The stage's objects: hosts web1 and db1, services web1/http, web1/ssh, db1/sql, each voted on by all observers with
   the usual majority, max_check_attempts 1, checked each second by a real plugin that reads what scene_outage planted;
   freshness_threshold 60; contact `oncall`. Host `load` with services of the observer `load`. Everything is well before
   and after a play.

   Calls block, at most for the seconds that they are given or named here. All waiting is watching until a deadline.
   Every deadline is generous, for busy machines: a good cluster meets it at once. What goes wrong with the stage itself
   (a process that can't be started) ends the run as an error, not as a broken promise. */
#ifndef QUORATE_CLIENT_DRILL_SCENE_H
#define QUORATE_CLIENT_DRILL_SCENE_H

#include "base/bytes.h"
#include "client/drill/drill.h"
#include "proto/evidence.h"
#include "proto/op.h"

#include <jansson.h>

struct scene;
unsigned scene_members(const struct scene *s);
member_id scene_primary(struct scene *s); /* of the view that f+1 replicas are in */
bool scene_is_traitor(const struct scene *s, member_id who);
/* A member that is neither the primary nor a traitor: the k-th of them. */
member_id scene_backup(struct scene *s, unsigned k);

/* ---- the time line ---- */
/* The fault begins / is over: everything before the first counts as "before", from the last on as "after". The calls
   that make a fault note the first by themselves. */
void scene_injected(struct scene *s, const char *what);
void scene_healed(struct scene *s, const char *what);
/* The cluster, or an operator looking at it, would know by now; the first such call sets detect_ms. */
void scene_detected(struct scene *s, const char *what);
void scene_note(struct scene *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The fault did something: so many frames changed, packets dropped, lies told. Killed processes and what the replicas'
   fault filters count are added by the stage. */
void scene_bit(struct scene *s, uint64_t count, const char *what);

/* ---- judging ---- */
void scene_broken(struct scene *s, enum promise p, const char *format, ...) __attribute__((format(printf, 3, 4)));
typedef bool scene_test(struct scene *s, int64_t argument);
/* Watches until test is true; false after so many seconds, and then promise p is broken with `what` as the reason. Both
   ends are noted in the time line. */
bool scene_must(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                const char *what);
/* The same without a promise: just watching. */
bool scene_comes(struct scene *s, unsigned seconds, scene_test *test, int64_t argument);
/* For so many seconds test stays true; if not, p is broken. */
bool scene_stays(struct scene *s, enum promise p, unsigned seconds, scene_test *test, int64_t argument,
                 const char *what);

/* Evidence against this culprit, as `quorate evidence` names it ("replica 2", "observer b"), is true, though the cast
   has no traitor there: a twin, an observer of two tongues. */
void scene_accused(struct scene *s, const char *culprit);

/* ---- looking ---- */
struct replica_seen {
    bool reachable;
    view_no view;
    char phase[16]; /* "ACTIVE" ... */
    seq_no executed, stable;
    char log_hash[65], state_root[65];
    int64_t clock_offset_ms;
    member_set suspects;
};
/* `quorate replicas --json`. */
void scene_look(struct scene *s, struct replica_seen seen[MEMBERS_MAX]);
/* The same again and again until so many can be reached at once; false when they can't for half a minute. For tests of
   what must not happen: nobody contradicts a look that sees nobody. */
bool scene_look_at(struct scene *s, unsigned enough, struct replica_seen seen[MEMBERS_MAX]);
/* Any verb with --json: one array of its lines, which the caller decrefs; NULL when it failed. arguments end with NULL.
 */
json_t *scene_ask(struct scene *s, const char *verb, ...) __attribute__((sentinel));
/* Exit status of a verb of quorate with the operator's key; out (may be NULL) takes what it printed on both. */
int scene_run(struct scene *s, struct buffer *out, const char *verb, ...) __attribute__((sentinel));
/* The counter of that name in the replica's own report (SIGUSR1), summed over its lines; 0 when there is none. */
uint64_t scene_counter(struct scene *s, member_id who, const char *name);
bool scene_logged(struct scene *s, member_id who, const char *text);       /* since the start of the drill */
bool scene_log_of(struct scene *s, const char *process, const char *text); /* "agent-a", "notify-0", "load" */

/* Tests for scene_must and its kin. */
bool scene_view_above(struct scene *s, int64_t view);   /* f+1 replicas are ACTIVE in a higher view */
bool scene_view_is(struct scene *s, int64_t view);      /* nobody of those who can be reached, f+1 or more, is in
                                                           another */
bool scene_all_active(struct scene *s, int64_t unused); /* all that are expected: reachable, ACTIVE, one log hash */
bool scene_is_active(struct scene *s, int64_t member);
bool scene_convicted(struct scene *s, int64_t member);  /* there is evidence against this member ... */
bool scene_has_evidence(struct scene *s, int64_t kind); /* ... of this kind, against anybody */
bool scene_acknowledged(struct scene *s, int64_t more); /* the loader had so many requests acknowledged since it was
                                                           last asked with 0, which is true at once */
bool scene_told(struct scene *s, int64_t count);        /* the sink was handed so many messages, or more */

/* ---- replicas ---- */
void scene_lies(struct scene *s, member_id who);   /* the traitor of the cast begins */
void scene_honest(struct scene *s, member_id who); /* and ends */
void scene_kill(struct scene *s, member_id who);   /* SIGKILL, reaped */
void scene_start(struct scene *s, member_id who);  /* again, on the same directory; does not wait for it */
void scene_pause(struct scene *s, member_id who);  /* SIGSTOP */
void scene_hold(struct scene *s, member_id who);   /* the same before the fault: no part of it, and no bite */
void scene_resume(struct scene *s, member_id who);
/* Has the process ended by itself? Its exit status goes to *status. */
bool scene_ended(struct scene *s, member_id who, int *status);
/* It is not expected back: the end does not wait for it, and does not count it as one that must agree. */
void scene_given_up(struct scene *s, member_id who);
/* Its data directory: copied aside, put back (the replica must be down), or gone. */
void scene_backup_disk(struct scene *s, member_id who);
void scene_restore_disk(struct scene *s, member_id who);
void scene_lose_disk(struct scene *s, member_id who);
/* Another process with the same key and member number and a directory of its own; scene_end_twin kills it. */
void scene_twin(struct scene *s, member_id who);
void scene_end_twin(struct scene *s);
/* Adds to the clock of one replica, or of all with MEMBER_NONE, which is restarted for it only if need be. Needs a
   traitor of behaviour "clock-...". Path of the replica's directory: */
const char *scene_dir(struct scene *s, member_id who);

/* ---- disks: cast.disks ---- */
/* 'e': every fsync fails; 's': every fsync takes two seconds; 'f': full, every write fails; 0: good again. */
void scene_disk(struct scene *s, member_id who, char fault);
/* All are killed at once, and what was not synced is lost: files are cut back to what their last fsync covered. */
void scene_power_loss(struct scene *s);

/* ---- network: cast.network ---- */
void scene_cut(struct scene *s, member_id from, member_id to); /* one way */
void scene_isolate(struct scene *s, member_id who); /* from all replicas, both ways; clients still reach it */
void scene_loss(struct scene *s, member_id who, unsigned percent); /* of the packets that come in from replicas */
void scene_rate(struct scene *s, member_id who, unsigned kbit);    /* of what it sends; 0: no bound */
void scene_mend(struct scene *s);                                  /* all of the above */
uint64_t scene_dropped(struct scene *s);                           /* packets so far */

/* ---- the watched world ---- */
/* From now on the plugins say this; each such change is expected to be told once, as PROBLEM or RECOVERY. service "":
   the host. state as Nagios counts: 0 OK or UP. */
void scene_outage(struct scene *s, const char *host, const char *service, unsigned state);
void scene_mended(struct scene *s, const char *host, const char *service);
/* Watches until every change planted so far was told to the sink; what is still missing then is a missed alert. */
bool scene_all_told(struct scene *s, unsigned seconds);
/* A planned outage and recovery of web1/http that must both be told within so many seconds. */
void scene_rehearse(struct scene *s, unsigned seconds);
/* A further alert that must come (once), and one that may. */
void scene_expect(struct scene *s, enum alert_type type, const char *host, const char *service);
void scene_allow(struct scene *s, enum alert_type type, const char *host, const char *service);
/* So many messages more may be handed over twice: a notifier was killed between handing over and remembering. */
void scene_allow_again(struct scene *s, unsigned count);
/* What one observer's plugins say instead of the truth: a state for everything, or with `percent` below 100 now and
   then; service NULL: about all. percent 0: it is honest again. */
void scene_observer_says(struct scene *s, const char *observer, const char *service, unsigned state, unsigned percent);
void scene_agent_stop(struct scene *s, const char *observer);
void scene_agent_start(struct scene *s, const char *observer);
/* The state, type, votes as `quorate status --json` says; the caller decrefs. NULL: no answer. */
json_t *scene_status(struct scene *s, const char *host, const char *service);
/* Lines for `quorate submit` with an observer's key: its exit status. */
int scene_submit(struct scene *s, const char *observer, const char *lines, struct buffer *out);

/* An operator comments on web1/ssh, and asks until it is answered; does not wait for that. In the end each such comment
   must stand there once. */
void scene_remark(struct scene *s);
/* The text of one more, which the play lets be said in its own way. */
const char *scene_remark_text(struct scene *s);

/* ---- the notifiers ---- */
void scene_notify_kill(struct scene *s, unsigned which);
void scene_notify_start(struct scene *s, unsigned which);
/* The sink refuses to be handed anything (its command fails) until it is let again. */
void scene_sink_down(struct scene *s, bool down);
/* Messages in the sink about this type, host and service: how often it was handed over. */
unsigned scene_handed(struct scene *s, enum alert_type type, const char *host, const char *service);

/* ---- for clients of their own making ---- */
const struct cluster *scene_cluster(struct scene *s);
const char *scene_cluster_path(struct scene *s);
const char *scene_key_path(struct scene *s, const char *name); /* "operator", "a", "replica-0", "load" */
/* A program of this name beside quorate, or `quorate` itself, as a process of the stage that is ended with it; stderr
   goes to NAME.log, stdout to NAME.out. Its pid; scene_stop ends it. */
pid_t scene_spawn(struct scene *s, const char *name, const char *const argv[]);
/* It ends by itself when its work is done, and only a signal that ends it is a crash. */
void scene_may_end(struct scene *s, pid_t pid);
void scene_stop(struct scene *s, pid_t pid);

#endif
