/* The naive model of monitoring: docs/MONITORING.md once more, in the most obvious code, without a line of checks/ but
   its definitions of objects and time periods. It reads the agreed log and says which alerts must have come out of it;
   whatever the machine says otherwise is a bug of one of the two. Slow on purpose: it looks at everything, always. */
#ifndef QUORATE_TESTS_SIM_NAIVE_H
#define QUORATE_TESTS_SIM_NAIVE_H

#include "checks/objects.h"
#include "checks/period.h"
#include "proto/op.h"

#define NEVER INT64_MAX
enum { NAIVE_OBSERVERS = 8, NAIVE_ROW = 21, NAIVE_CONTACTS = 8, NAIVE_OBJECTS = 32, NAIVE_NOTES = 512 };

struct naive_vote {
    bool given, convicted;
    unsigned state;
    uint64_t obs_seq;
    struct digest digest;
    time_ms until; /* fresh before that */
    time_ms at;    /* accepted */
    unsigned turn; /* which accepted result of the object it is */

    bool masked;
    const char *by;  /* the operator who masked it; NULL: its score */
    bool complained; /* that it can't be masked */
    unsigned score, rounds, disagreed, masks, probation;
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
    time_ms waits_from;

    time_ms dissent_since, dissent_due; /* since: 0 nobody dissents */
    bool dissent_told;

    unsigned row[NAIVE_ROW];
    time_ms row_at;
    unsigned row_turn;
    bool flaps;
    unsigned told_before; /* flapping began */

    int turned[SUBJECT_LIMIT]; /* by operators: 1 on, -1 off, 0 as it is defined */
};

struct naive_note { /* a comment, an acknowledgement, a downtime */
    uint64_t id;
    enum note_kind kind;
    struct naive_object *object;
    const char *author;
    bool in_effect, gone;
    bool sticky, persistent;      /* acknowledgements */
    bool fixed;                   /* downtimes */
    time_ms start, end, duration; /* end of an acknowledgement: 0 never */
    time_ms until;                /* of a downtime in effect */
    uint64_t trigger;
};

struct naive_alert { /* what is compared */
    enum alert_type type;
    const char *host, *service;
    const char *text; /* SYSTEM: its beginning */
    unsigned state;
    bool hard;
    uint32_t attempt, number;
    const char *author; /* NULL: nobody */
    unsigned contact_count;
    const char *contacts[NAIVE_CONTACTS];
};

struct naive {
    seq_no n;
    time_ms t, gap;
    bool begun;
    bool hears;              /* a result has just come: the flapping of hosts counts only then */
    struct objects *objects; /* owned; NULL before the first apply */
    struct periods periods;
    struct naive_object *list; /* hosts, then services, by name */
    unsigned count;
    const char *convicted[NAIVE_OBSERVERS];
    unsigned convicted_count;
    struct naive_note *notes; /* owned; number i + 1 */
    unsigned note_count;
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
bool naive_fresh(const struct naive *m, const struct naive_vote *v);    /* and not convicted */
bool naive_believed(const struct naive *m, const struct naive_vote *v); /* and not masked */
unsigned naive_verdict(const struct naive *m, const struct naive_object *o, enum naive_kind *kind);
bool naive_dissents(unsigned state, enum naive_kind kind, unsigned vote);
struct naive_object *naive_find(const struct naive *m, const char *host, const char *service);
struct naive_vote *naive_vote_of(struct naive_object *o, const char *observer); /* NULL: none of its observers */
void naive_look(struct naive *m, struct naive_object *o);                       /* who counts has changed */

/* --- naive_masks.c: scores and masks --- */
/* A result comes: judges the round that ended before it. */
void naive_round(struct naive *m, struct naive_object *o);
void naive_masks_of_convicted(struct naive *m, struct naive_object *o, unsigned convicted);
enum error naive_mask(struct naive_vote *v, const char *by, bool set);

/* --- naive_operators.c: acknowledgements, downtime, switches --- */
enum error naive_command(struct naive *m, const char *by, const struct op_command *c);
struct naive_note *naive_acknowledgement(const struct naive *m, const struct naive_object *o);
unsigned naive_depth(const struct naive *m, const struct naive_object *o);      /* of downtimes in effect */
bool naive_in_downtime(const struct naive *m, const struct naive_object *o);    /* or its host is */
bool naive_downtime_waits(const struct naive *m, const struct naive_object *o); /* a flexible one, for a problem */
void naive_state_changed(struct naive *m, struct naive_object *o);
void naive_problem_changed(struct naive *m, struct naive_object *o);
time_ms naive_notes_due(const struct naive *m, const struct naive_object *o); /* NEVER: nothing is due by now */
void naive_notes(struct naive *m, struct naive_object *o);

/* --- naive_states.c: states and flapping --- */
/* The verdict says `state`; round: it counts as an attempt. */
void naive_result(struct naive *m, struct naive_object *o, unsigned state, bool round);
bool naive_down(const struct naive_object *host);
/* The clock says that somebody may have to be told. */
void naive_remind(struct naive *m, struct naive_object *o);

/* --- naive_notify.c --- */
void naive_tell(struct naive *m, struct naive_object *o);
void naive_tell_dissent(struct naive *m, struct naive_object *o);
void naive_tell_system(struct naive *m, const char *text);
/* Beside problem and recovery. flags: of a custom notification. */
void naive_remark(struct naive *m, struct naive_object *o, enum alert_type type, unsigned flags, const char *author);
bool naive_on(const struct naive *m, const struct naive_object *o, enum command_subject s);
bool naive_in_period(const struct naive *m, const char *name, time_ms t);

void naive_flap(struct naive *m, struct naive_object *o, bool round);
void naive_flaps_no_more(struct naive *m, struct naive_object *o); /* detection was turned off */

/* --- naive_compare.c --- */
void naive_print_alert(struct buffer *out, const struct naive_alert *a);
void naive_found_alert(struct naive_alert *out, const struct alert *a); /* borrows its text */
bool naive_same_alert(const struct naive_alert *expected, const struct naive_alert *found);
void naive_print_object(struct buffer *out, const struct naive *m, const struct naive_object *o);
void naive_print_status(struct buffer *out, const struct object_status *s);

#endif
