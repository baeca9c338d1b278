/* What this replica noticed and wants judged (R10). Memory: at most ACCUSATIONS_MAX accusations and about 12 MiB of
   frames, and the newest tick of each member. */
#ifndef QUORATE_REPLICA_ACCUSE_H
#define QUORATE_REPLICA_ACCUSE_H

#include "proto/evidence.h"

enum {
    ACCUSATIONS_MAX = 16,
    ACCUSE_LOOKS_MAX = 64,  /* clients whose requests are compared within a second, one comparison each */
    ACCUSE_LOADS_MAX = 256, /* replies read within a second to see what was executed under a number */
};

struct node;

enum accusation_stage { ACCUSATION_WAITING, ACCUSATION_STAGING, ACCUSATION_ASKED };
struct accusation { /* one for each culprit and kind */
    enum evidence_kind kind;
    struct evidence_finding finding;
    struct buffer blocks; /* the frames */
    enum accusation_stage stage;
    mono_ms due, until;
    uint64_t seq;   /* of the request on its way */
    uint32_t parts; /* BLOBs sent */
};
struct heard_tick {
    uint64_t boot, counter;
    struct buffer frame;
};
struct client_look { /* a client's two requests were compared */
    struct public_key client;
    mono_ms at;
};
struct accuser {
    unsigned look_count, load_count;
    struct client_look looks[ACCUSE_LOOKS_MAX];
    mono_ms loads_since;
    unsigned count;
    struct accusation list[ACCUSATIONS_MAX];
    mono_ms door_at[MEMBERS_MAX]; /* when a frame of the member with a wrong proof was judged last */
    struct heard_tick ticks[MEMBERS_MAX];
};
void accuse_close(struct accuser *x);

/* Takes copies. False when the frames prove nothing, are about this replica, or are held or ordered already. */
bool accuse(struct node *n, enum evidence_kind kind, const struct bytes *frames, unsigned count);
/* A frame whose own signature is right and whose proof is wrong. */
void accuse_at_the_door(struct node *n, enum evidence_kind kind, const struct msg *m);
/* May the reply to an executed request be read? Counts it: whoever repeats old frames takes no more of the core's time
   than ACCUSE_LOADS_MAX of these in a second. */
bool accuse_may_load(struct node *n);
/* May two requests of this client be compared? Once a second, and for ACCUSE_LOOKS_MAX clients in all. */
bool accuse_may_look(struct node *n, const struct public_key *client);
/* Two requests of one client: EV12 if they hold two contents of one result, else EV13 if they have one number. */
void accuse_client(struct node *n, const struct request *a, const struct request *b);
/* A tick came: EV11 if it contradicts the one heard last. */
void accuse_ticks(struct node *n, const struct request *r);
/* Goes on with what is held; at the end of each turn. */
void accuse_turn(struct node *n);
mono_ms accuse_deadline(const struct node *n);

#endif
