/* Executes an ordered batch: the one place where ledger and checks meet. Deterministic; replay and live run are the
 * same. */
#ifndef QUORATE_REPLICA_EXECUTE_H
#define QUORATE_REPLICA_EXECUTE_H

#include "checks/monitor.h"
#include "replica/ledger/ledger.h"

struct machine { /* the replicated state */
    const struct cluster *cluster;
    struct verifier verifier; /* what evidence is judged by */
    struct keyring *keys;
    struct ledger *ledger;
    struct monitor *monitor;
    uint64_t results_accepted, results_refused; /* since start, shown only */
    struct refused_entry refused[OBSERVE_MAX];  /* of the bundle in hand */
};
void machine_open(struct machine *m, const struct cluster *cluster);
void machine_close(struct machine *m);

struct leaf { /* one output of a batch */
    enum output_kind kind;
    size_t at, len;           /* in executed.bytes */
    struct public_key client; /* of a reply: whom it answers, and which request */
    uint64_t req_seq;
    struct digest request;
    uint64_t alert; /* of an alert: its number */
};
struct proven { /* evidence that counted: the record of it, and its frames as blocks */
    struct evidence_record proof;
    size_t at, len; /* in executed.frames */
};
struct executed { /* what a batch put out; reused from batch to batch */
    seq_no n;
    time_ms t;
    struct digest log_hash;
    struct buffer bytes;
    size_t count, cap;
    struct leaf *leaves;
    struct buffer frames;
    size_t proven_count, proven_cap;
    struct proven *proven;
    member_set false_accusers; /* whose evidence proved nothing */
};
void executed_free(struct executed *e);
struct bytes executed_leaf(const struct executed *e, size_t index);

/* Executes batch n (the next one): valid ticks first, then agreed time, then due deadlines, then the other operations
   in order (R4, R8). on_alert (may be NULL) sees every alert raised. A NULL batch changes nothing but the log's hash.
 */
void machine_execute(struct machine *m, seq_no n, const struct digest *d, enum batch_kind kind,
                     const struct request *const *requests, size_t count, struct executed *out,
                     const struct monitor_sink *on_alert);

#endif
