/* The simulator: whole nodes (admit, pbft, ledger, checks) in virtual time over a virtual network and disks that lose
   what was not synced. A run is a function of its seed: options first, then a safety phase with faults, a heal, a
   liveness phase without them, and the last judgement. */
#ifndef QUORATE_TESTS_SIM_H
#define QUORATE_TESTS_SIM_H

#include "base/prng.h"
#include "client/session.h"
#include "replica/node.h"
#include "tests/sim/sim_disk.h"

typedef int64_t time_us; /* virtual */
enum {
    SECOND = 1000000,
    SIM_OBSERVERS = 5, /* enrolled; three or all of them report */
    SIM_SERVICES = 4,  /* plain ones; see estate.h */
    SIM_REQUESTS_MAX = 600,
    FAULTY_MAX = 2 * ((MEMBERS_MAX - 1) / 3), /* beyond the bound, too */
    BEHAVIOURS_MAX = 80,
};

/* ---- what a member may have instead of honesty; all of it counts against f ---- */
enum fault_kind {
    FAULT_BEND,   /* what it says is withheld, repeated, and bent by a little or by anything, to each as it likes */
    FAULT_ROUNDS, /* the same in rounds: one kind of bending, one set of listeners each */
    FAULT_BEHAVE, /* one row of the catalogue: a behaviour of replica/fault.h */
    FAULT_TWINS,  /* runs twice, each half talks to other members */
    FAULT_CLOCK,
    /* honest, but its clock is not */ FAULT_ROLLBACK, /* its disk comes back as it was earlier */
    FAULT_ROT,                                         /* honest, but a bit of its state on disk turns over */
    FAULT_KINDS
};
struct sim_fault {
    enum fault_kind kind;
    member_id member;
    unsigned behaviour; /* of FAULT_BEHAVE: its number in drilled.c */
};

enum lie { /* what observers may do instead of telling the truth: lies.c */
           LIE_NONE,
           LIE_ALWAYS_CRITICAL,
           LIE_ALWAYS_OK,
           LIE_TOGETHER,
           LIE_AT_TIMES,
           LIE_EVERY_OTHER,
           LIE_FRAMES,
           LIE_FALLS_SILENT,
           LIE_SPLIT,
           LIE_YESTERDAY,
           LIE_DEFECTS,
           LIE_SLOW,
           LIE_BEYOND,
           LIE_KINDS
};

enum course { PLAN_NONE, PLAN_SILENCE, PLAN_GAP, PLAN_GAP_IN_SILENCE, PLAN_TOO_FEW, PLANS }; /* plans.c */

enum sim_size { SIZE_SHORT, SIZE_LONG };

struct sim_options { /* drawn from the seed, printed before a replay */
    uint64_t seed;
    unsigned members;
    enum sim_size size;
    unsigned loss, repeat; /* per mille of frames */
    time_us delay_min, delay_max;
    unsigned crashes, cuts, power_losses, pauses;
    bool forger, skewed_clocks, lazy_flush;
    bool flapping;      /* a link comes and goes as fast as timers run out */
    bool targeted;      /* delays fall on whoever would complete a quorum */
    bool stepping;      /* all clocks step at once */
    bool sleeps;        /* the whole cluster is off for half an hour */
    bool behind;        /* one member is off nearly all the time, the cluster falls idle, then it comes back */
    bool hush;          /* at the end every observer falls silent, and that must be told */
    bool repents;       /* the faulty say nothing at all after the heal; otherwise they go on */
    bool reforms;       /* instead, those that lied restart as honest members on their own disks */
    bool lone;          /* then one of them goes on: too few to decide anything */
    unsigned observers; /* that report: 3 or 5 */
    enum lie lie;       /* what observers say that is not so */
    unsigned rude;      /* observer 1: what else it does, bits of enum rude */
    bool orders;        /* an operator gives orders */
    unsigned beyond;    /* members that work together against the rest, f+1..2f: agreement may break then */
    bool beyond_silent; /* they only fall silent */
    bool beyond_later;  /* one side decides in a later view */
    unsigned fault_count;
    struct sim_fault faults[FAULTY_MAX];
    time_us faulty_for, healed_for; /* healed_for: at most */
    time_us beat;                   /* of observers and truth */
    uint32_t checkpoint_interval, window, batch_max;
    bool quick; /* timers of a fifth */
    enum course plan;
};
enum rude { RUDE_AGAIN = 1, RUDE_FLOOD = 2, RUDE_TWO_STORIES = 4, RUDE_JUMPS = 8, RUDE_STRANGE = 16, RUDE_KINDS = 5 };

/* What the command line says instead of the seed. */
struct sim_forced {
    unsigned members;      /* 0: drawn */
    const char *behaviour; /* NULL: drawn */
    const char *lie;       /* NULL: drawn */
    bool beyond;
};
/* False: no behaviour has that name. */
bool sim_options_draw(struct sim_options *o, uint64_t seed, const struct sim_forced *forced);
void sim_options_print(const struct sim_options *o);

/* That the faults bit: X(field, what a run of many seeds must show at least once: 1). */
#define SIM_COUNTS(X)                                                                                                  \
    X(frames, 1)                                                                                                       \
    X(lost, 1)                                                                                                         \
    X(repeated, 1)                                                                                                     \
    X(cut, 1)                                                                                                          \
    X(slowed, 1)                                                                                                       \
    X(forged, 1)                                                                                                       \
    X(refused, 1)                                                                                                      \
    X(bent, 1)                                                                                                         \
    X(rounds, 1)                                                                                                       \
    X(behaved, 1)                                                                                                      \
    X(twinned, 1)                                                                                                      \
    X(crashes, 1)                                                                                                      \
    X(torn, 1)                                                                                                         \
    X(full_disks, 1)                                                                                                   \
    X(power_losses, 1)                                                                                                 \
    X(pauses, 1)                                                                                                       \
    X(rollbacks, 1)                                                                                                    \
    X(found_out, 1)                                                                                                    \
    X(ahead, 0)                                                                                                        \
    X(rotten, 1)                                                                                                       \
    X(repairs, 1)                                                                                                      \
    X(transfers, 1)                                                                                                    \
    X(reformed, 1)                                                                                                     \
    X(key_twins, 1)                                                                                                    \
    X(wrong_clocks, 1)                                                                                                 \
    X(clock_steps, 1)                                                                                                  \
    X(sleeps, 1)                                                                                                       \
    X(left_behind, 1)                                                                                                  \
    X(hushed, 0)                                                                                                       \
    X(rude, 1)                                                                                                         \
    X(evidence, 1)                                                                                                     \
    X(view_changes, 1)                                                                                                 \
    X(batches, 1)                                                                                                      \
    X(acknowledged, 1)                                                                                                 \
    X(alerts, 1)                                                                                                       \
    X(healed_ms, 0)                                                                                                    \
    X(long_runs, 1)                                                                                                    \
    X(modelled, 1)                                                                                                     \
    X(pages, 1)                                                                                                        \
    X(commands, 1)                                                                                                     \
    X(masked, 1)                                                                                                       \
    X(alone, 1)                                                                                                        \
    X(alone_results, 1)                                                                                                \
    X(alone_orders, 1)                                                                                                 \
    X(alone_alerts, 1)                                                                                                 \
    X(halts, 0)                                                                                                        \
    X(stopped, 0)                                                                                                      \
    X(forks, 0)                                                                                                        \
    X(breaches, 0)                                                                                                     \
    X(audited, 0)
struct sim_counts {
#define X(field, must) uint64_t field;
    SIM_COUNTS(X)
#undef X
    uint64_t lie_drawn[LIE_KINDS], lie_bites[LIE_KINDS];
    uint64_t drawn[BEHAVIOURS_MAX], bites[BEHAVIOURS_MAX]; /* of each behaviour */
};

struct sim;
/* What is wrong is said on stderr with the seed; the run goes on to its end. */
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- checker.c: knows the promises, not the code --- */
struct checker;
struct checker *checker_new(struct sim *s, const struct cluster *cluster);
void checker_free(struct checker *c);
void checker_submitted(struct checker *c, struct bytes request_frame);
void checker_executed(struct checker *c, member_id node, seq_no n, const struct digest *batch,
                      const struct digest *log_hash, time_ms t, const struct request *const *requests, size_t count);
void checker_sealed(struct checker *c, member_id node, struct bytes frame);
/* The same of a traitor, who may contradict itself. */
void checker_traitor_sealed(struct checker *c, struct bytes frame);
void checker_alert(struct checker *c, const struct alert *a);
/* floor: what was acknowledged when the request was submitted. */
void checker_acknowledged(struct checker *c, const struct request *r, const struct output *proven, seq_no floor);
seq_no checker_acknowledged_to(const struct checker *c);
void checker_stable(struct checker *c, member_id node, seq_no n, const struct digest *root);
/* A line that a replica traced: evidence in it convicts nobody honest. */
void checker_traced(struct checker *c, member_id node, const char *line);
seq_no checker_executed_to(const struct checker *c);
uint64_t checker_alerts(const struct checker *c);
/* The last alert of every service tells the truth. */
bool checker_truth_told(const struct checker *c);
/* The last alert of every service says that nobody knows. */
bool checker_silence_told(const struct checker *c);
/* At the end: every node executed everything acknowledged; with truth: the last alert of each service tells it. */
void checker_end(struct checker *c, seq_no slowest, bool truth);

/* --- naive_log.c: the agreed log and what came of it, for the naive model --- */
struct naive_log;
struct naive_log *naive_log_new(struct sim *s, const struct cluster *cluster);
void naive_log_free(struct naive_log *l);
/* In order, each once, as an honest replica executed it. Alerts as their leaves. */
void naive_log_batch(struct naive_log *l, seq_no n, time_ms t, const struct request *const *requests, size_t count);
void naive_log_alert(struct naive_log *l, struct bytes alert);
void naive_log_reply(struct naive_log *l, const struct digest *request, struct bytes reply);
/* At the end of a run: what the model does not say of this log breaks a promise. */
void naive_log_judge(struct naive_log *l);

/* --- workload.c: observers with truth, a liar, an operator --- */
struct workload;
struct workload *workload_new(struct sim *s, const struct cluster *cluster, const struct sim_options *o);
void workload_free(struct workload *w);
enum workload_mood {
    MOOD_LIVELY, /* truth changes */
    MOOD_STILL,  /* it does not */
    MOOD_LONE,   /* only the first observer reports */
    MOOD_IDLE,   /* nothing new is submitted */
};
/* A beat passed: truth may change, observers report, what is not acknowledged is sent again. */
void workload_beat(struct workload *w, time_us now, enum workload_mood mood);
/* An operator asks for the states of all objects. */
void workload_ask(struct workload *w, time_us now);
/* The last request of all was acknowledged. */
bool workload_asked(const struct workload *w);
void workload_answer(struct workload *w, uint64_t handle, member_id from, struct bytes frame);
struct estate;
const struct estate *workload_estate(const struct workload *w);
/* True state now by index in the estate (the first are the plain services); whether it ever was the truth. */
unsigned workload_truth(const struct workload *w, unsigned object);
bool workload_ever(const struct workload *w, unsigned object, unsigned state);
/* So many of its observers lie, err, are silent or convicted that its state may be any. */
bool workload_beyond(const struct workload *w, unsigned object);
/* Does this observer do anything that its key may be convicted of? */
bool workload_two_faced(const struct workload *w, const char *observer);
/* Does it say, by malice or because it sees another truth, what others deny? Who errs now and then does not. */
bool workload_may_dissent(const struct workload *w, const char *observer);
/* How often the object's truth changed so far. */
unsigned workload_changes(const struct workload *w, unsigned object);
uint64_t workload_acknowledged(const struct workload *w);
/* Honest requests older than `age` that are not acknowledged. */
unsigned workload_waiting(const struct workload *w, time_us now, time_us age);
bool workload_applied(const struct workload *w);
/* A frame that pretends to be an observer's, without its key. */
void workload_forge(struct workload *w, struct buffer *out, struct prng *chance);

/* --- world.c --- */
struct prng *sim_chance(struct sim *s);
struct checker *sim_checker(struct sim *s);
struct naive_log *sim_naive_log(struct sim *s); /* NULL: this run has no model */
struct workload *sim_workload(struct sim *s);
struct sim_counts *sim_counts(struct sim *s);
/* Members that may lie: what they do breaks no promise. */
member_set sim_untrusted(const struct sim *s);
/* More than f lie: agreement may break. */
bool sim_beyond(const struct sim *s);
void sim_forked(struct sim *s); /* beyond the bound two logs differ */
/* A client's frame to a replica over the virtual network. */
void sim_client_send(struct sim *s, uint64_t handle, member_id to, struct bytes frame);
time_ms sim_wall(const struct sim *s, member_id node); /* node MEMBER_NONE: true time */
time_ms sim_latest_wall(const struct sim *s);          /* true time when clocks last stepped back, 0 if never */

/* --- alone.c: the monitoring machine without replicas, step by step beside the naive model --- */
bool alone_run(uint64_t seed, struct sim_counts *counts, bool trace);

/* --- rows.c: who is masked, and when; one line of TAP each --- */
unsigned rows_count(void);
bool rows_run(unsigned index, unsigned number);

/* --- plans.c: runs whose course is fixed --- */
void plan_options(struct sim_options *o, enum course plan);
const char *plan_promise(enum course plan);
void plan_hear(struct sim *s, const struct alert *a); /* each alert once */

struct sim_result {
    bool kept;     /* every promise */
    uint64_t hash; /* of the whole trace */
};
/* Runs one scenario. trace: print every line that a node traces. */
struct sim_result sim_run(const struct sim_options *o, struct sim_counts *counts, bool trace);

#endif
