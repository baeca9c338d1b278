/* What the files of the simulated world share: the queue of events, the hosts, the faults. */
#ifndef QUORATE_TESTS_SIM_WORLD_H
#define QUORATE_TESTS_SIM_WORLD_H

#include "base/invariant.h"
#include "tests/sim/sim.h"

enum { BASE_WALL_S = 1790000000 };

enum event_kind {
    EVENT_PEER,
    EVENT_CLIENT,
    EVENT_ANSWER,
    EVENT_WAKE,
    EVENT_FLUSH,
    EVENT_SECOND,
    EVENT_CRASH,
    EVENT_RESTART,
    EVENT_POWER,
    EVENT_CUT,
    EVENT_MEND,
    EVENT_FORGE,
    EVENT_TWINS
};

struct event {
    time_us at;
    uint64_t order;
    enum event_kind kind;
    member_id node, from;
    uint64_t handle;    /* client's request; of WAKE and FLUSH: the boot it is meant for */
    struct bytes frame; /* owned */
};

struct host {
    struct sim *sim;
    member_id id;
    member_id place;   /* among the hosts: its id, or the one behind all of them */
    struct node *node; /* NULL while down */
    struct sim_disk *disk;
    uint64_t boots;
    time_us wake_at; /* of the earliest WAKE that is queued, INT64_MAX if none */
    bool turn_open, dying;
    bool told;   /* it traced something since it was looked at */
    bool doomed; /* falls while its next synced turn is committed */
    time_ms skew;
    seq_no stable;
};

struct sim {
    const struct sim_options *options;
    struct sim_counts *counts;
    bool trace, failed, healed;
    struct prng chance;
    struct cluster cluster;
    struct cluster_observer observers[SIM_OBSERVERS];
    struct secret_key secrets[MEMBERS_MAX];
    struct admit admit[MEMBERS_MAX];
    struct keyring *keys;
    struct host hosts[MEMBERS_MAX + 1];
    member_id traitor;     /* MEMBER_NONE, or the member that runs twice; its second half has the last place */
    view_no settled;       /* the honest members' highest view, midway between heal and end */
    struct traitor *lies;  /* of the traitor; NULL: it runs twice instead, or there is none */
    member_set other_half; /* whom the second half talks to and hears */
    struct checker *checker;
    struct workload *workload;
    time_us now;
    uint64_t order;
    size_t count, cap;
    struct event *heap;
    member_set side;   /* cut: members in and out of the set don't hear each other */
    struct vote heard; /* the newest PREPARE or COMMIT that went over the network: what a forger imitates */
};

static inline bool is_traitor(const struct host *h) {
    return h->id == h->sim->traitor;
}
/* Hosts from 0 up to here. */
static inline unsigned host_count(const struct sim *s) {
    return s->options->members + (s->traitor != MEMBER_NONE && !s->lies);
}

/* --- network.c: what happens when, and to which frames --- */
void push(struct sim *s, struct event e);
void push_simple(struct sim *s, time_us after, enum event_kind kind, member_id node, uint64_t handle);
struct event pop(struct sim *s);
/* Puts a frame on its way: lost, repeated and delayed by chance. */
void carry(struct sim *s, struct event e, struct bytes frame);
/* A node's frame to another one, which a cut may stop. */
void send_between(struct sim *s, const struct host *from, member_id to, struct bytes frame);

/* --- hosts.c: a node, its disk and its turns --- */
void host_boot(struct host *h);
void host_crash(struct host *h);
/* Crashes now and restarts later. */
void host_fall(struct host *h);
/* Crashes at its next synced commit, of which nothing is left. */
void host_doom(struct host *h);
void host_receive(struct host *h, const struct event *e);
void host_wake(struct host *h);
void host_end_turn(struct host *h);

/* --- traitor.c: a member that lies --- */
struct traitor *traitor_new(void);
void traitor_free(struct traitor *t);
/* Its node would send this frame. */
void traitor_send(struct sim *s, struct traitor *t, member_id to, struct bytes frame);

/* --- faults.c --- */
void faults_plan(struct sim *s);
void fault_forge(struct sim *s);
void fault_power_loss(struct sim *s);
void fault_cut(struct sim *s);
void fault_twins(struct sim *s);

#endif
