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
enum { SECOND = 1000000, SIM_OBSERVERS = 3, SIM_SERVICES = 4, SIM_REQUESTS_MAX = 600 };

struct sim_options { /* drawn from the seed, printed before a replay */
    uint64_t seed;
    unsigned members;
    unsigned loss, repeat; /* per mille of frames */
    time_us delay_min, delay_max;
    unsigned crashes, cuts, power_losses;
    bool forger, liar, skewed_clocks, lazy_flush;
    bool lies;  /* one member withholds, repeats and bends what it says, to each as it likes: a traitor */
    bool twins; /* one member runs twice, each half of it talks to other members: a traitor */
    time_us faulty_for, healed_for;
    uint32_t checkpoint_interval, window;
};
void sim_options_draw(struct sim_options *o, uint64_t seed, unsigned members);
void sim_options_print(const struct sim_options *o);

struct sim_counts { /* that the faults bit */
    uint64_t frames, lost, repeated, forged, bent, twinned, refused, crashes, torn, cut, view_changes, batches,
        acknowledged, alerts;
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
void checker_acknowledged(struct checker *c, const struct request *r, const struct output *proven);
void checker_stable(struct checker *c, member_id node, seq_no n, const struct digest *root);
seq_no checker_executed_to(const struct checker *c);
uint64_t checker_alerts(const struct checker *c);
/* At the end: every node executed everything acknowledged; the last alert of each service tells the truth. */
void checker_end(struct checker *c, seq_no slowest);

/* --- workload.c: observers with truth, a liar, an operator --- */
struct workload;
struct workload *workload_new(struct sim *s, const struct cluster *cluster, const struct sim_options *o);
void workload_free(struct workload *w);
/* A second passed: truth may change (unless frozen), observers report, what is not acknowledged is sent again. */
void workload_second(struct workload *w, time_us now, bool frozen);
void workload_answer(struct workload *w, uint64_t handle, member_id from, struct bytes frame);
/* True state now (0..3) by service index; whether the service was ever not OK. */
unsigned workload_truth(const struct workload *w, unsigned service);
bool workload_ever(const struct workload *w, unsigned service, unsigned state);
const char *workload_host(unsigned service);
const char *workload_service(unsigned service);
uint64_t workload_acknowledged(const struct workload *w);
/* Requests older than `age` that are not acknowledged. */
unsigned workload_waiting(const struct workload *w, time_us now, time_us age);
bool workload_applied(const struct workload *w);
/* A frame that pretends to be an observer's, without its key. */
void workload_forge(struct workload *w, struct buffer *out, struct prng *chance);

/* --- world.c --- */
struct prng *sim_chance(struct sim *s);
struct checker *sim_checker(struct sim *s);
struct workload *sim_workload(struct sim *s);
/* A client's frame to a replica over the virtual network. */
void sim_client_send(struct sim *s, uint64_t handle, member_id to, struct bytes frame);
time_ms sim_wall(const struct sim *s, member_id node); /* node MEMBER_NONE: true time */
/* Runs one scenario; false when a promise was broken. trace: print every line that a node traces. */
bool sim_run(const struct sim_options *o, struct sim_counts *counts, bool trace);

#endif
