/* What the files of the node share. Memory: tables are sized at open; per turn one write batch and one outbox grow and
   are emptied by node_flush. */
#ifndef QUORATE_REPLICA_NODE_INTERNAL_H
#define QUORATE_REPLICA_NODE_INTERNAL_H

#include "base/invariant.h"
#include "replica/accuse.h"
#include "replica/desk.h"
#include "replica/donor.h"
#include "replica/node.h"
#include "replica/outputs.h"
#include "replica/prune.h"
#include "replica/transfer.h"

struct outgoing {  /* released by node_flush, in order */
    member_set to; /* 0: an answer to `client` */
    uint64_t client;
    size_t at, len; /* in outbox_bytes */
};

struct voice {                   /* this replica's own signed requests */
    uint64_t next_seq, reserved; /* numbers below `reserved` are on disk as used */
    uint64_t counter;            /* of ticks, within this boot */
    mono_ms tick_due;
    bool tick_open; /* the last tick is not executed yet */
    bool new_life;  /* numbers were drawn anew in this boot, since the disk was lost */
    uint64_t tick_seq;
    struct digest tick_digest;
    struct buffer tick_frame;
};

enum drilling_stage { DRILLING_NONE, DRILLING_LIES, DRILLING_OVER };
struct drilling { /* this replica as the target of a drill */
    enum drilling_stage stage;
    uint64_t id;
    struct drill_order order;
    seq_no max_n; /* of what was signed for it */
    view_no max_view;
    uint64_t bites;
    mono_ms due;         /* when DRILL-DONE is asked for again */
    mono_ms executed_at; /* when the newest batch was executed here */
};

struct node {
    const struct cluster *cluster;
    member_id self;
    struct secret_key secret;
    struct admit admit;
    struct keyring *keys;
    struct disk disk;
    struct node_world world;
    uint64_t boot, boot_random;
    char version[32];

    struct machine machine;
    struct state_tree *tree;
    struct state_mark state; /* what the tree and the disk hold: the newest own checkpoint */
    bool state_pending;      /* and this turn wrote to it */
    struct donor donor;
    struct transfer transfer;
    struct prune prune;
    struct outputs *outputs;
    struct desk desk;
    struct pbft *pbft;
    struct voice voice;
    struct accuser accuser;
    struct drilling drilling;

    struct executed executed;
    size_t done_count, done_cap;
    struct pbft_done *done;             /* of the batch just executed */
    bool execution_due, checkpoint_due; /* an answer owed to the core */
    struct checkpoint checkpoint;
    size_t loaded_count; /* requests read from the own disk, to be handed to the core */
    struct request **loaded;

    struct disk_batch batch;
    bool sync; /* a record of this turn must be durable */
    struct buffer outbox_bytes;
    size_t outbox_count, outbox_cap;
    struct outgoing *outbox;

    struct node_now now;
    bool breach;
    bool faulted_lost;          /* the disk refused what a drill made the key sign: the next flush stops the process */
    enum error faulted_refused; /* why a frame of a drill was withheld last; ERR_OK: the last one left */
    uint64_t answered;
};

/* node.c */
void node_step(struct node *n, struct pbft_event *event);
void node_send(struct node *n, member_set to, struct bytes frame);
void node_answer(struct node *n, uint64_t client, struct bytes frame);
void node_trace(struct node *n, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Seals body as a frame of this replica; appended to out. */
void node_seal(const struct node *n, struct buffer *out, enum frame_type type, struct bytes body);
/* How a request in hand is given to the core: its lane, and what the ledger says of it now. Ownership passes. */
struct pbft_event node_request_event(const struct node *n, struct request *r);
/* A decoded request from anywhere; ownership passes. One that the ledger judges settled goes on only when the core
   wants its bytes for a batch. */
void node_take_request(struct node *n, struct request *r);

/* node_perform.c: the core's actions */
void node_perform(struct node *n, const struct pbft_actions *actions);
/* Executes the next batch into n->executed; replay: nobody is told. */
void node_execute(struct node *n, seq_no seq, const struct digest *d, enum batch_kind kind,
                  const struct request *const *requests, size_t count, bool replay);

void node_remember_old(struct node *n);

/* node_state.c */
/* Reads what the mark says; what is damaged leaves the machine at the genesis. ERR_IO. */
enum error node_load_state(struct node *n);
/* Writes the machines' dirty records and the mark into the turn's batch; out lacks stop_seq. */
void node_checkpoint(struct node *n, struct checkpoint *out);
/* The own state is not the cluster's: remembered, over restarts too, until another one replaces it. */
void node_state_damaged(struct node *n);
/* Brings a state that was laid down as `generation` into force; takes machine's content and the tree. */
void node_take_state(struct node *n, const struct machine *machine, struct state_tree *tree, uint8_t generation,
                     const struct checkpoint_cert *cert);

/* node_clients.c */
void node_answer_replies(struct node *n);
void node_answer_alerts(struct node *n, bool only_expired);

/* voice.c */
void voice_open(struct node *n, uint64_t reserved);
void voice_tick(struct node *n); /* submits a tick when one is due */
/* Signs r with a number of its own and submits it; returns the number. Not while the core performs its actions. */
uint64_t voice_ask(struct node *n, struct request *r);
bool voice_may_vote(const struct node *n);

/* node_drill.c */
/* Batch seq was executed live. */
void drill_executed(struct node *n, seq_no seq);
/* At the end of each turn: says DRILL-DONE until it is executed. */
void drill_turn(struct node *n);
mono_ms drill_deadline(const struct node *n);

#endif
