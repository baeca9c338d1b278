/* The naive model of monitoring: docs/MONITORING.md once more, in the most obvious code, without a line of checks/ but
   its definitions of objects and time periods. It reads the agreed log and says which alerts must have come out of it;
   whatever the machine says otherwise is a bug of one of the two. Slow on purpose: it looks at everything, always. */
#ifndef QUORATE_TESTS_SIM_NAIVE_H
#define QUORATE_TESTS_SIM_NAIVE_H

#include "checks/objects.h"
#include "checks/period.h"
#include "proto/op.h"

#define NEVER INT64_MAX
enum { NAIVE_OBSERVERS = 8, NAIVE_ROW = 21, NAIVE_CONTACTS = 8 };

struct naive_vote {
    bool given, convicted;
    unsigned state;
    uint64_t obs_seq;
    struct digest digest;
    time_ms until; /* fresh before that */
    unsigned turn; /* which accepted result of the object it is */
};

enum naive_kind { SAID_NOTHING, SAID_STATE, SAID_UNKNOWN, SAID_TOO_LITTLE, SAID_BY_NOBODY };

struct naive_object {
    const struct object_checkable *def;
    struct naive_object *host; /* itself for a host */
    bool is_host;
    struct naive_vote votes[NAIVE_OBSERVERS];
    unsigned turn; /* accepted results so far */
    time_ms first_until;
    bool moved; /* by a gap, since its last accepted result */

    enum naive_kind said; /* the verdict in force */
    bool open;            /* the votes are undecided */
    unsigned open_turn;

    unsigned state; /* STATE_PENDING at first */
    unsigned last_hard;
    bool hard;
    uint32_t attempt;
    time_ms since, hard_since;
    unsigned attempt_turn; /* of attempt k */
    time_ms attempt_at;

    uint32_t number;
    unsigned told; /* options of the problem states that were told */
    bool told_once;
    time_ms next, remind; /* remind: 0 none */
    bool waits;           /* for its notification_period */

    time_ms dissent_since, dissent_due; /* since: 0 nobody dissents */
    bool dissent_told;

    unsigned row[NAIVE_ROW];
    time_ms row_at;
    unsigned row_turn;
    bool flaps;
    unsigned told_before; /* flapping began */
};

struct naive_alert { /* what is compared */
    enum alert_type type;
    const char *host, *service;
    const char *text; /* SYSTEM: its beginning */
    unsigned state;
    bool hard;
    uint32_t attempt, number;
    unsigned contact_count;
    const char *contacts[NAIVE_CONTACTS];
};

struct naive {
    seq_no n;
    time_ms t, gap;
    bool begun;
    struct objects *objects; /* owned; NULL before the first apply */
    struct periods periods;
    struct naive_object *list; /* hosts, then services, by name */
    unsigned count;
    const char *convicted[NAIVE_OBSERVERS];
    unsigned convicted_count;
    void *self;
    void (*raise)(void *self, const struct naive_alert *a);
};

/* --- naive.c: the door, votes and verdicts --- */
void naive_free(struct naive *m);
void naive_advance(struct naive *m, seq_no n, time_ms t);
void naive_apply(struct naive *m, struct objects *objects); /* takes them; only once */
/* Sets *convict when the observer tells two stories. */
enum error naive_observe(struct naive *m, const char *observer, const struct observation *o, bool *convict);
void naive_convict(struct naive *m, const char *observer);
bool naive_is_convicted(const struct naive *m, const char *observer);
bool naive_believed(const struct naive *m, const struct naive_vote *v); /* fresh and not convicted */
unsigned naive_verdict(const struct naive *m, const struct naive_object *o, enum naive_kind *kind);
bool naive_dissents(unsigned state, enum naive_kind kind, unsigned vote);
struct naive_object *naive_find(const struct naive *m, const char *host, const char *service);

/* --- naive_states.c: states and flapping --- */
/* The verdict says `state`; round: it counts as an attempt. */
void naive_result(struct naive *m, struct naive_object *o, unsigned state, bool round);
bool naive_down(const struct naive_object *host);

/* --- naive_notify.c --- */
void naive_tell(struct naive *m, struct naive_object *o);
void naive_tell_dissent(struct naive *m, struct naive_object *o);
void naive_tell_flapping(struct naive *m, struct naive_object *o, enum alert_type type);
void naive_tell_system(struct naive *m, const char *text);
bool naive_in_period(const struct naive *m, const char *name, time_ms t);

void naive_flap(struct naive *m, struct naive_object *o, bool round);
void naive_flap_host(struct naive *m, struct naive_object *service);

#endif
