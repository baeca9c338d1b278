/* One filter for faults: between a node and its world it bends what the node says, hears, reads off its clock and
   stores. The simulator, sandboxes and drills in running clusters use it alike. A liar holds its replica's own key and
   nobody else's: it can sign what is untrue, tell two members two stories, invent, withhold or wait, but what others
   signed it can merely break. There is no way to make a filter in a cluster whose genesis says `drills: off`. */
#ifndef QUORATE_REPLICA_FAULT_H
#define QUORATE_REPLICA_FAULT_H

#include "proto/cluster.h"
#include "replica/node.h"

/* Where a behaviour does the most harm: anywhere, as primary of view 0, as the primary that comes next, as a backup. */
enum fault_seat { FAULT_SEAT_ANY, FAULT_SEAT_PRIMARY, FAULT_SEAT_NEXT, FAULT_SEAT_BACKUP };

struct fault_behaviour {
    const char *name;      /* kebab-case, unique */
    const char *row;       /* of the catalogue of drills: "DR-A2" */
    const char *parameter; /* what may stand behind the colon ("MS", "ID" ...); NULL: nothing may */
    const char *what;      /* what it does, in a few words */
    enum fault_seat seat;
    bool real; /* for real clusters: it strikes the process itself, or what simulated runs hardly have, such as
                  notifiers and long transfers */
    bool live; /* an ordered drill of a running cluster may have it: what it does ends with it */
};
/* i = 0, 1, ...; NULL behind the last. */
const struct fault_behaviour *fault_behaviour(unsigned i);
/* Is this [later:]NAME[:PARAMETER] as --behave takes it? */
bool fault_behaviour_known(const char *text);
/* NAME[:PARAMETER]: is it one for running clusters too? */
bool fault_behaviour_live(const char *text);

struct fault_host { /* the process around it; calls never block and never call back */
    void *self;
    /* How the node stands; false: there is none now. NULL: never known. */
    bool (*facts)(void *self, struct node_facts *out);
    /* NULL or: this frame bears a signature of the own key that the node never made. It has not left yet: what is made
       durable here, is durable before anybody sees it. False: it must not leave. */
    bool (*faulted)(void *self, struct bytes frame);
};

struct fault;
/* An inert filter: all passes as it is until fault_start. ERR_FORBIDDEN when drills are off; why says so. cluster is
   borrowed for the filter's life, host is copied. */
enum error fault_new(struct fault **out, const struct cluster *cluster, member_id self, const struct secret_key *secret,
                     const struct fault_host *host, struct buffer *why);
void fault_free(struct fault *f); /* NULL: nothing */

/* Faulty from now, as the newest fault_now said it is, until the monotonic clock shows `until` (INT64_MAX: until
   fault_stop), as behaviour says: "NAME[:PARAMETER]". All chance comes from the seed. ERR_NOT_FOUND: no such behaviour,
   or its parameter is none for this member; ERR_BUSY: it is faulty already. why says which. Never blocks: what strikes
   the process itself strikes in the next fault_turn. */
enum error fault_start(struct fault *f, const char *behaviour, uint64_t seed, mono_ms until, struct buffer *why);
/* Honest from now on: what was held back leaves at once. Harmless when it is honest. */
void fault_stop(struct fault *f);
bool fault_active(const struct fault *f);
/* What it was started as, "" when it is honest. */
const char *fault_name(const struct fault *f);

/* The world as the node shall see it: send and answer pass through the fault, all else goes to `inner`. f must outlive
   it. */
struct node_world fault_world(struct fault *f, const struct node_world *inner);
/* The disk as the node shall see it. inner is copied; f must outlive it. */
struct disk fault_disk(struct fault *f, const struct disk *inner);
/* The clocks as the node shall see them: mono as it is. */
struct node_now fault_now(struct fault *f, struct node_now now);
/* client: NULL, or the handle of the client who sent it; else it came from a member. False: the node never hears it,
   and the caller frees it. */
bool fault_hears(struct fault *f, const uint64_t *client, struct admitted *x);
/* What is to happen at its own time, its end too; called behind every turn of the host. Returns when the next such call
   is due, INT64_MAX: nothing waits. */
mono_ms fault_turn(struct fault *f, mono_ms now);
/* Frames changed, withheld, held back or invented, clocks bent, commits struck, since fault_new: a drill must show that
   it bit. */
uint64_t fault_bites(const struct fault *f);

#endif
