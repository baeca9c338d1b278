/* A replica without its world: joins pbft, ledger and checks, and performs the core's actions in order. The daemon
   (nng, RocksDB, clocks) and the simulator (virtual network, disk and time) drive this same code. Single-threaded.

   A turn: any number of node_receive / node_client / node_timeout, then node_flush, which makes all records of the turn
   durable in one synced write and only then sends what the turn produced, in order. */
#ifndef QUORATE_REPLICA_NODE_H
#define QUORATE_REPLICA_NODE_H

#include "replica/admit.h"
#include "replica/disk.h"
#include "replica/pbft/pbft.h"

struct node;

struct node_now {
    mono_ms mono;
    time_ms wall;
};

struct node_world { /* how a node acts; calls never block and never call back */
    void *self;
    void (*send)(void *self, member_id to, struct bytes frame); /* may drop */
    void (*answer)(void *self, uint64_t client,
                   struct bytes frame);             /* client: the handle of node_client, answered once */
    void (*sealed)(void *self, struct bytes frame); /* NULL or: every frame this node signed, when it is
                                                       released to the world (--record, checkers) */
    void (*trace)(void *self, const char *line);    /* NULL or: stable lines for people and scripts */
    /* NULL or: batch n was executed; replayed batches are told too, before node_open returns */
    void (*executed)(void *self, seq_no n, const struct digest *batch, const struct digest *log_hash, time_ms t,
                     const struct request *const *requests, size_t count);
    void (*alert)(void *self, const struct alert *a); /* NULL or */
};

struct node_config {
    const struct cluster *cluster; /* borrowed for the node's life */
    member_id self;
    struct secret_key secret;
    uint64_t boot_random; /* random part of the boot id */
    const char *version;
    seq_no retain; /* decided batches kept below the stable checkpoint; 0: RETAIN_BATCHES */
};

/* Opens from what the disk holds: checks identity (ERR_MISMATCH: another cluster or member; why says which), counts the
   boot (durable), restores the checkpointed state, replays decided batches. Sends nothing before node_start. */
enum error node_open(struct node **out, const struct node_config *config, const struct disk *disk,
                     const struct node_world *world, struct node_now now, struct buffer *why);
void node_start(struct node *n, struct node_now now);
void node_free(struct node *n);

/* Take an admitted frame (and free it). */
void node_receive(struct node *n, struct admitted *x, struct node_now now);
void node_client(struct node *n, uint64_t client, struct admitted *x, struct node_now now);
/* The client's connection is gone: its handle must not be answered. */
void node_client_gone(struct node *n, uint64_t client);
void node_timeout(struct node *n, struct node_now now);
mono_ms node_deadline(const struct node *n); /* when node_timeout is due next */
/* Ends a turn. ERR_IO: stop the process; nothing was sent that relies on what the disk refused. */
enum error node_flush(struct node *n);

/* For the filter between the node and its world (replica/fault.h), before a frame leaves that it signed with the node's
   key and the node did not make: remembers it, durably when it could ever be held against this replica. False: the
   frame must not leave. It may be called while the node sends, and between turns; it sends nothing itself. */
bool node_faulted(struct node *n, struct bytes frame);

/* ---- drills: the host keeps a filter (replica/fault.h) between the node and its world ---- */
struct drill_order {
    uint64_t id;
    char behaviour[DRILL_BEHAVIOUR_MAX + 1];
    mono_ms until; /* the filter ends then at the latest, and when nothing is executed for long */
};
/* What an ordered drill makes this replica do now; NULL: nothing. To be looked at behind each turn: when it is another
   one, or none, the filter stops, and the host says so by node_drill_over. */
const struct drill_order *node_drill(const struct node *n);
/* The filter signed this frame with the node's key, and the node did not make it. */
void node_drill_signed(struct node *n, struct bytes frame);
/* The replica is honest again, or the behaviour was not to be had: the log is told. bites: frames changed. */
void node_drill_over(struct node *n, uint64_t id, uint64_t bites);

struct node_facts {
    struct pbft_view pbft;
    seq_no executed;
    time_ms t;
    struct digest log_hash;
    uint64_t alerts, boot;
    member_set suspects; /* members that contradicted f+1 others */
    uint64_t answered, results_accepted, results_refused;
    bool breach; /* SAFETY BREACH: the host saves its state and stops */
};
void node_inspect(const struct node *n, struct node_facts *out);

#endif
