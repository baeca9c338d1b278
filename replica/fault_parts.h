/* What the files of the fault filter share; nobody else includes this. */
#ifndef QUORATE_REPLICA_FAULT_PARTS_H
#define QUORATE_REPLICA_FAULT_PARTS_H

#include "base/prng.h"
#include "proto/codec.h"
#include "replica/fault.h"

enum {
    FAULT_TOLD = 512,  /* proposals whose lie is remembered, so that it is told again alike */
    FAULT_HELD = 4096, /* frames held back at a time */
    FAULT_HELD_BYTES = 64 << 20,
    FAULT_KEPT = 64,          /* own frames that are kept to be said again */
    FAULT_OLD_REFS = 256,     /* references that a primary proposes again */
    FAULT_TURN_MS = 10,       /* how often a traitor that invents frames at a rate does so */
    FAULT_FRAMES_A_TURN = 64, /* at most */
    FAULT_ACT_MS = 50,        /* a traitor that acts now and then does so after so long, at least */
    FAULT_ACT_SPREAD_MS = 200,
};

enum said { /* what becomes of a frame */
            SAID_AS_IS,
            SAID_OTHERWISE, /* the message was changed */
            SAID_NOTHING
};

struct fault;
struct heard { /* what came in: a frame, and once more each request in it */
    const struct msg *m;
    const struct request *r; /* NULL: the frame itself */
    bool client;             /* it came from a client, which is answered by `handle` */
    uint64_t handle;
};
struct behaviour {
    struct fault_behaviour is;
    int64_t standard, lowest, highest; /* of the parameter */
    bool mute, mute_to_clients, deaf;  /* to and for members, to clients */
    enum said (*raw)(struct fault *f, member_id to, struct bytes frame);
    enum said (*send)(struct fault *f, member_id to, struct msg *m);     /* an own frame, decoded; may be changed */
    enum said (*answer)(struct fault *f, struct msg *m);                 /* the same on its way to a client */
    mono_ms (*delay)(struct fault *f, member_id to, struct bytes frame); /* how long it is held back, in ms */
    bool (*hears)(struct fault *f, const struct heard *h);
    void (*turn)(struct fault *f);  /* every FAULT_TURN_MS */
    void (*act)(struct fault *f);   /* now and then */
    void (*begin)(struct fault *f); /* once, behind the turn in which it was started */
    time_ms (*wall)(struct fault *f, struct node_now now);
    /* Of what goes to disk: ERR_OK, the disk does it. Who changes bytes puts a copy of them into b. */
    enum error (*commit)(struct fault *f, struct disk_batch *b);
};
/* One list a file, closed by a behaviour without a name. */
extern const struct behaviour faults_of_primaries[], faults_of_backups[], faults_of_views[], faults_of_state[],
    faults_to_clients[], faults_of_links[], faults_of_machines[];
/* NULL: none such, or a parameter that it does not take. given: a parameter stands there. */
const struct behaviour *fault_find(const char *text, int64_t *parameter, bool *given);

struct held_frame {
    mono_ms at;
    member_id to;
    struct buffer frame;
};
struct told_lie { /* the altered batch of the proposal for (v, n) */
    view_no v;
    seq_no n;
    struct buffer batch;
};
struct fault {
    const struct cluster *cluster;
    member_id self;
    struct secret_key secret;
    struct fault_host host;
    struct node_world inner;
    struct disk disk;
    uint64_t bites;
    mono_ms now;
    time_ms wall;       /* as the true clock showed it last */
    struct arena arena; /* of the frame in hand */
    struct buffer scratch;
    size_t held_count, held_bytes;
    struct held_frame *held; /* in order of arrival */

    /* of the behaviour it was started with; NULL: honest */
    const struct behaviour *behaviour;
    char name[64];
    int64_t parameter;
    struct prng chance;
    mono_ms since, until, turn_at, act_at;
    bool begun;
    member_set half;  /* who is told another story: some of the others, not all */
    member_id victim; /* who is treated worst */
    uint64_t counter; /* of whatever a behaviour counts */
    view_no view;     /* that was seen last */
    time_ms froze_at;
    mono_ms dripped[MEMBERS_MAX]; /* when the last proposal left for each */
    struct buffer kept[FAULT_KEPT];
    size_t kept_count;     /* ever kept */
    struct told_lie *told; /* by n mod FAULT_TOLD; NULL until needed */
    struct request_ref old[FAULT_OLD_REFS];
    size_t old_count; /* ever kept */
};

/* ---- means: fault_means.c ---- */
bool fault_chance(struct fault *f, unsigned per_mille);
uint64_t fault_below(struct fault *f, uint64_t bound);
static inline bool in_half(const struct fault *f, member_id to) {
    return set_has(f->half, to);
}
struct node_facts fault_facts(const struct fault *f); /* zeroes when there is no node */
bool fault_leads(const struct fault *f, const struct node_facts *facts);
struct seal_context fault_context(const struct fault *f, enum frame_type type);
/* Decodes a whole frame into the arena of the frame in hand. */
bool fault_open(struct fault *f, struct msg *m, struct bytes frame);
bool fault_is(struct bytes frame, enum frame_type type);
/* Seals m with the own key, or without a signature where the type has none; the host hears of it before it leaves.
   Nothing is appended when the host keeps it back. */
void fault_seal(struct fault *f, struct buffer *out, const struct msg *m);
/* The host hears of a frame that bears the own key's signature. False: it must not leave. */
bool fault_own_up(struct fault *f, struct bytes frame);
/* Sends beside the filter; each counts as a bite. */
void fault_say_raw(struct fault *f, member_id to, struct bytes frame);
void fault_say(struct fault *f, member_id to, const struct msg *m);
void fault_say_all(struct fault *f, const struct msg *m);
/* A body of this type, whatever it is, signed with the own key, under another epoch or cluster too. */
void fault_say_body(struct fault *f, member_id to, struct seal_context context, struct bytes body);
/* Sends it so many ms later. */
void fault_say_later(struct fault *f, member_id to, const struct msg *m, mono_ms after);
void fault_hold(struct fault *f, member_id to, struct bytes frame, mono_ms until);
void fault_keep(struct fault *f, struct bytes frame);
struct digest fault_digest(struct fault *f); /* of nothing, or next to it */
/* Memory of the frame in hand. */
void *fault_memory(struct fault *f, size_t count, size_t size);
struct bytes fault_bytes(struct fault *f, struct buffer *b); /* copies and frees b */
/* Makes the batch of a PRE-PREPARE this one. */
void fault_propose(struct fault *f, struct msg *m, const struct batch *b);
void fault_propose_bytes(struct msg *m, struct bytes batch);
/* How many frames this turn has: the parameter is a second's. */
unsigned fault_frames_of_turn(struct fault *f);

#endif
