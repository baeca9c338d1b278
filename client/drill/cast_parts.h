/* The cast from within: only cast*.c include this. A call of the stage that cannot go on ends it by cast_fail. */
#ifndef QUORATE_CLIENT_DRILL_CAST_PARTS_H
#define QUORATE_CLIENT_DRILL_CAST_PARTS_H

#include "base/clock.h"
#include "client/drill/box.h"
#include "client/drill/cast.h"
#include "client/drill/process.h"
#include "client/drill/stage.h"
#include "proto/cluster.h"

#define CAST_CLUSTER BOX_DIR "/cluster/cluster.yaml"
#define CAST_KEYS BOX_DIR "/cluster/keys"
#define CAST_LOGS BOX_DIR "/log"
#define CAST_DATA BOX_DIR "/data"
#define CAST_WORLD BOX_DIR "/world"
#define CAST_DISKS BOX_DIR "/disk"
#define CAST_SINK BOX_DIR "/sink.txt"
#define CAST_SINK_DOWN BOX_DIR "/sink.down"

enum { CAST_OBSERVERS_MAX = 8, CAST_EXTRAS_MAX = 32, CAST_ARGS_MAX = 48, CAST_BASE_PORT = 7300 };
enum { CAST_ENDS_MAX = 64, CAST_POLL_MS = 50 };

struct replica_cast {
    struct process process;
    const char *behaviour; /* of the traitor, or NULL */
    bool lying, down /* killed by a play */, given_up;
    char disk_fault;
    uint64_t bites;     /* of its processes that are gone */
    off_t logged_from;  /* its log from here on is the drill's */
    int net;            /* its network namespace, -1: ours */
    member_set cut_off; /* whose packets don't arrive */
    bool isolated;
    unsigned loss_percent, rate_kbit;
    uint64_t held_up; /* packets, by lines that are wide again */
};
struct agent_cast {
    struct process process;
    char name[8];
    bool stopped;
};
struct extra_cast {
    struct process process;
    char name[24];
};
struct cast {
    const struct drill *drill;
    char *quorate, *quorated, *disk_library, *programs;
    unsigned members, observers, notifiers;
    struct cluster *cluster;
    struct replica_cast replica[MEMBERS_MAX];
    struct agent_cast agent[CAST_OBSERVERS_MAX];
    struct process notifier[DRILL_NOTIFIERS_MAX], twin;
    bool twinned[MEMBERS_MAX]; /* a twin ran and the replica was not started again since: it votes no more */
    bool notifier_killed[DRILL_NOTIFIERS_MAX];
    struct extra_cast extra[CAST_EXTRAS_MAX];
    struct cast_end ends[CAST_ENDS_MAX]; /* that nobody has brought about, of processes that may be gone */
    unsigned ends_count;
    unsigned killed;
    uint64_t lost_bytes; /* to power losses */
    struct cast_life life;
    mono_ms alive_at; /* it was last said then */
    void (*failed)(void *self, const char *why);
    void *failed_self;
};

void cast_alive(void *cast); /* says so if it is time to */

/* ---- files ---- */
bool cast_put_file(const char *path, struct bytes content, mode_t mode); /* under its name at once, or not at all */
bool cast_take_file(const char *path, off_t from, struct buffer *out);
bool cast_remove_tree(const char *path);
bool cast_copy_tree(const char *from, const char *to);
off_t cast_file_size(const char *path); /* 0: none */

/* ---- parts of cast_open; false or an error: why says what ---- */
enum error cast_make_cluster(struct cast *c, struct buffer *why);
enum error cast_make_objects(struct cast *c, struct buffer *why);
enum error cast_make_world(struct cast *c, struct buffer *why);
enum error cast_make_network(struct cast *c, struct buffer *why);
void cast_close_network(struct cast *c);
enum error cast_start_replica(struct cast *c, member_id who, struct buffer *why);
bool cast_replica_ready(member_id who);
enum error cast_start_agent(struct cast *c, unsigned which, struct buffer *why);
enum error cast_start_notifier(struct cast *c, unsigned which, struct buffer *why);
bool cast_all_well(struct cast *c); /* every object that the agents check is OK by fresh votes of all */

bool cast_any_ended(struct cast *c); /* a replica came to its end, and nobody has ended it */

/* ---- ends: name is that of the process' log ---- */
const char *cast_name_of_replica(char out[24], member_id who);
/* Before a process is started anew: writes down its end, if it came to one by itself. */
void cast_note_end(struct cast *c, const char *name, struct process *p);
void cast_kill(struct cast *c, const char *name, struct process *p); /* the same, then SIGKILL */
/* SIGTERM, later SIGKILL; an end by anything but these two or an exit by 0 is its own. */
void cast_stop(struct cast *c, const char *name, struct process *p);

/* ---- asking ---- */
/* Exit status of `quorate VERB -c ... -k key ARGUMENTS`; -1: killed after ms. key NULL: without one. */
int cast_verb(struct cast *c, const char *key, const char *const *words, struct bytes input, struct buffer *out,
              struct buffer *err, int64_t ms);
/* Runs "nft", "ip", "tc"; the stage fails when it does. */
enum error cast_tool(struct cast *c, int net, const char *input, struct buffer *out, struct buffer *why, ...)
    __attribute__((sentinel));
uint64_t cast_counter(struct cast *c, member_id who, const char *name);
void cast_log_path(struct buffer *out, const char *process);

/* ---- faults without a note in the time line ---- */
void cast_set_lying(struct cast *c, member_id who, bool lies);
void cast_kill_replica(struct cast *c, member_id who);
void cast_mend_network(struct cast *c);
void cast_disk_fault(struct cast *c, member_id who, char fault);
void cast_disk_settled(struct cast *c, member_id who); /* all that is on its disk now survives a power loss */
bool cast_await(bool (*is)(struct cast *c, int64_t argument), struct cast *c, int64_t argument, int64_t ms);
void cast_heal_world(struct cast *c);

#endif
