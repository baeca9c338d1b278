/* What the files of the simulated world share: the queue of events, the hosts, the faults. */
#ifndef QUORATE_TESTS_SIM_WORLD_H
#define QUORATE_TESTS_SIM_WORLD_H

#include "base/invariant.h"
#include "tests/sim/sim.h"

enum {
    BASE_WALL_S = 1790000039, /* a second before 14:14 */
    MONO_START_MS = 5000,     /* what monotonic clocks show at the start */
    HOSTS_MAX = MEMBERS_MAX + FAULTY_MAX
};

enum event_kind {
    EVENT_PEER,
    EVENT_CLIENT,
    EVENT_ANSWER,
    EVENT_WAKE,
    EVENT_FLUSH,
    EVENT_BEAT,
    EVENT_CRASH,
    EVENT_RESTART,
    EVENT_POWER,
    EVENT_PAUSE,
    EVENT_CUT,
    EVENT_MEND,
    EVENT_FLAP,
    EVENT_FORGE,
    EVENT_TWINS,
    EVENT_ACT,
    EVENT_ROUND,
    EVENT_ROLLBACK,
    EVENT_ROT,
    EVENT_CLOCKS,
    EVENT_SLEEP,
    EVENT_BEHIND
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
    member_id place;               /* among the hosts: its id, or one behind all of them */
    struct node *node;             /* NULL while down */
    struct sim_disk *disk, *image; /* image: what a rollback brings back, NULL if nothing */
    uint64_t boots;
    time_us wake_at; /* of the earliest WAKE that is queued, INT64_MAX if none */
    time_us paused_until;
    bool turn_open, dying;
    bool told;   /* it traced something since it was looked at */
    bool doomed; /* falls while its next synced turn is committed */
    bool gone;   /* for good */
    bool rolled_back;
    time_ms skew;
    seq_no stable;
};

struct tally { /* of a plan: the alerts so far */
    unsigned gaps, others, silent[SIM_SERVICES];
    time_ms gap_from, gap; /* when all fell; after how long agreed time went on */
};

struct liar;
struct drilled;
struct sim {
    const struct sim_options *options;
    struct sim_counts *counts;
    bool trace, failed, healed, idle, hushed, lone, forked, breached;
    uint64_t hash;
    struct prng chance;
    struct cluster cluster;
    struct cluster_observer observers[SIM_OBSERVERS];
    struct secret_key secrets[MEMBERS_MAX];
    struct admit admit[MEMBERS_MAX];
    struct keyring *keys;
    unsigned host_count;
    struct host hosts[HOSTS_MAX];
    member_set untrusted;                 /* members that may lie */
    member_set reformed;                  /* members that lied, and are honest since the heal */
    member_set crowd;                     /* of these, those that run twice */
    member_id second[MEMBERS_MAX];        /* of the crowd: the place of the second half */
    member_set other_half[MEMBERS_MAX];   /* whom the second half talks to and hears */
    struct liar *liars[MEMBERS_MAX];      /* of the untrusted: what bends its frames; NULL: nothing */
    struct drilled *drilled[MEMBERS_MAX]; /* the fault filter it runs behind; NULL: none */
    member_set deaf[MEMBERS_MAX];         /* whom a member does not hear */
    struct checker *checker;
    struct naive_log *log; /* NULL: no model */
    struct workload *workload;
    time_us now, healed_at;
    unsigned backoff_at_heal;
    uint64_t order;
    size_t count, cap;
    struct event *heap;
    struct vote heard; /* the newest PREPARE or COMMIT that went over the network: what a forger imitates */
    time_ms latest_wall;
    time_ms shift; /* of all clocks */
    struct tally tally;
    struct buffer seen; /* beyond the bound: every frame that somebody honest sent or got */
};

static inline bool is_untrusted(const struct host *h) {
    return set_has(h->sim->untrusted, h->id);
}

/* --- network.c: what happens when, and to which frames --- */
void push(struct sim *s, struct event e);
void push_simple(struct sim *s, time_us after, enum event_kind kind, member_id node, uint64_t handle);
struct event pop(struct sim *s);
/* Puts a frame on its way: lost, repeated and delayed by chance. */
void carry(struct sim *s, struct event e, struct bytes frame);
/* A node's frame to another one, which a cut may stop. */
void send_between(struct sim *s, const struct host *from, member_id to, struct bytes frame);
/* The same behind the lies. */
void send_frame(struct sim *s, const struct host *from, member_id to, struct bytes frame);

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
/* True for an event that a paused host gets later. */
bool host_sleeps_through(struct host *h, const struct event *e);
time_ms host_wall(const struct host *h);

/* --- traitor.c: members that bend what they say --- */
struct liar *liar_new(struct sim *s, const struct sim_fault *f);
void liar_free(struct liar *t);
/* Its node would send this frame to a member. */
void liar_send(struct liar *t, member_id to, struct bytes frame);
void liar_round(struct liar *t);

/* --- drilled.c: members behind the fault filter --- */
struct drilled *drilled_new(struct sim *s, const struct sim_fault *f);
/* An honest one whose clock goes wrong at some time. */
struct drilled *drilled_clock(struct sim *s, member_id member);
void drilled_free(struct drilled *d); /* counts its bites */
struct node_world drilled_world(struct drilled *d, const struct node_world *inner);
/* client: handle of who sent it, NULL: a member. False: its node never hears this. */
bool drilled_hears(struct drilled *d, const uint64_t *client, struct admitted *x);
struct node_now drilled_now(struct drilled *d, struct node_now now);
/* Every now and then. */
void drilled_act(struct drilled *d);
/* Its lies are over, for ever; it must be up. False: it never lied, or only its clock is wrong. */
bool drilled_reform(struct drilled *d);

/* --- faults.c --- */
void faults_plan(struct sim *s);
void fault_forge(struct sim *s);
void fault_power_loss(struct sim *s);
void fault_cut(struct sim *s);
void fault_flap(struct sim *s);
void fault_twins(struct sim *s, member_id member);
void fault_pause(struct sim *s, member_id member);
void fault_rollback(struct sim *s, member_id member);
void fault_rot(struct sim *s, member_id member);
void fault_sleep(struct sim *s);

/* --- world.c --- */
void run_until(struct sim *s, time_us end);

/* --- beyond.c: more than f --- */
void beyond_found(struct sim *s);
bool beyond_withholds(const struct sim *s, const struct host *from, struct bytes frame);
bool beyond_ignores(const struct host *h, struct bytes frame);
void beyond_saw(struct sim *s, struct bytes frame);
/* True: the run goes on with its heal. */
bool beyond_run(struct sim *s);

/* --- plans.c --- */
void plan_run(struct sim *s);

/* --- goal.c: what must come true after the heal --- */
/* All that is honest works together again and nothing waits. */
bool goal_reached(struct sim *s);
/* No honest replica holds a request that is not executed. */
bool goal_pools_empty(const struct sim *s);
/* Every honest replica executed what was acknowledged. */
bool goal_all_executed(const struct sim *s);
/* By then it must be (I24). */
time_us goal_bound(const struct sim *s);
view_no goal_view(const struct sim *s);
view_no goal_highest_view(const struct sim *s);
unsigned goal_highest_backoff(const struct sim *s);
void goal_judge_views(struct sim *s, view_no settled);
void goal_judge_end(struct sim *s, bool shaky);
/* What holds now need not hold later: a traitor goes on and may end this view. */
bool goal_is_shaky(const struct sim *s);

#endif
