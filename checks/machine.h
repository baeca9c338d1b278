/* The inside of the monitoring machine: its tables and what its files offer each other. Nobody outside checks/ includes
   this. Objects have dense ids: hosts 0..host_count-1 by name, then services by (host, description), so the order of
   ids is the order of keys and names. The votes of object i are the observer_count entries from first_vote on, by name.
 */
#ifndef QUORATE_CHECKS_MACHINE_H
#define QUORATE_CHECKS_MACHINE_H

#include "checks/monitor.h"
#include "checks/notes.h"
#include "checks/objects.h"
#include "checks/period.h"
#include "checks/text.h"
#include "checks/verdict.h"
#include "crypto/crypto.h"

enum {
    OBJECT_NONE = -1,
    SOURCE_NONE = -1,
    VOTERS_MAX = 64,
    FLAP_HISTORY = 21,
};

#define TIME_NEVER INT64_MAX

/* What the rounds cost an observer on one object (score.c, mask.c). Who never dissented has none, and who is forgiven
   everything loses it. */
struct standing {
    struct text by;      /* the operator who masked it; "" = by its score */
    time_ms masked_at;   /* 0: not masked */
    time_ms dissent_at;  /* when it gave the vote that cost it last, 0: none did */
    uint32_t rounds;     /* judged since the score was 0, at most SCORE_ROUNDS_MAX */
    uint32_t dissents;   /* of them */
    uint32_t probation;  /* rounds left in which half the score masks */
    uint8_t score;       /* 0..SCORE_MAX; masked by it: unmasked again at 0 */
    uint8_t masks;       /* how often it was masked by its score, at most MASKS_MAX */
    uint8_t said, truth; /* in the round that cost it last */
    bool told;           /* that its score would mask it, but may not */
};

struct observer_vote { /* an observer's last accepted result */
    struct text output, perfdata;
    struct digest digest; /* observation_digest of it: another one under this obs_seq convicts */
    uint64_t obs_seq;
    uint64_t stamp; /* its place among the object's accepted results */
    time_ms accepted_at, observed_at;
    time_ms fresh_until;       /* TIME_NEVER: the configuration turned freshness off */
    uint8_t state;             /* STATE_PENDING: never reported. Hosts: 0 or 1 */
    bool convicted;            /* its observer is */
    bool stored;               /* a record of it was handed out */
    struct standing *standing; /* NULL: it has none; owned */
};

struct object {
    const struct object_checkable *def;
    uint32_t id, host; /* host: the id of its host, its own for a host */
    uint32_t first_vote;
    int32_t heap_at; /* place in the deadline index, OBJECT_NONE = not in it */
    bool is_host, stored;

    /* the verdict in force */
    enum verdict_kind kind;
    uint8_t verdict; /* STATE_PENDING before the first */
    bool undecided;  /* the votes are; in force only when kind says so too */
    uint64_t stamp;  /* of the newest accepted result */
    uint64_t undecided_stamp, attempt_stamp;
    time_ms attempt_at;     /* time of attempt k */
    time_ms first_deadline; /* observers that never voted are waited for until then */
    time_ms applied_at;
    bool gap_moved; /* its deadlines moved since the last accepted result */
    int32_t source; /* the vote whose text is the object's, or SOURCE_NONE: output and perfdata below */
    struct text output, perfdata;

    /* Nagios' state */
    uint8_t state, last_state, last_hard_state; /* state: STATE_PENDING before the first verdict */
    bool hard;
    uint32_t attempt;
    time_ms since, hard_since;

    /* notifications */
    uint32_t number;
    unsigned notified_on; /* NOTIFY_* of the problem states told */
    bool no_more;
    time_ms next_notification;
    time_ms remind_at;     /* a notification that time alone makes due, 0 = none */
    bool waits_for_period; /* for the moment of the wall clock in remind_at: no gap of the cluster moves it */

    time_ms dissent_since; /* 0 = all agree */
    bool dissent_told;
    time_ms dissent_due; /* when it is to be told */

    /* flapping */
    uint8_t history[FLAP_HISTORY]; /* states that counted, oldest first */
    time_ms history_at;            /* of the newest, 0: none */
    uint64_t history_stamp;        /* the newest result that counted for one */
    bool flapping;
    unsigned told_before_flapping;         /* NOTIFY_* of a problem told before it began; 0: none */
    uint32_t first_service, service_count; /* hosts: of its services, whose ids follow each other */
    time_ms service_intervals;             /* the sum of their check_intervals */

    /* operators */
    struct note *notes; /* by number */
    uint8_t switches;   /* two bits for each subject of a command: SWITCH_* */
};

struct deadline {
    time_ms at; /* never later than the object's real deadline */
    uint32_t id;
};

struct table { /* one object configuration and the state of its objects */
    struct objects *objects;
    struct periods periods; /* of the objects */
    uint32_t host_count, count, vote_count;
    struct object *list;
    struct observer_vote *votes;
    uint32_t *slots; /* (host, service) -> id + 1; never iterated */
    uint32_t slot_mask;
    uint64_t *object_dirty, *vote_dirty; /* bit sets */
    struct deadline *heap;
    uint32_t heap_count;
};

struct name_list { /* sorted, distinct */
    char **names;
    size_t count;
};

struct key_list {
    struct buffer *keys;
    size_t count, cap;
};

struct held_record {
    struct buffer key, value;
};

struct monitor {
    struct monitor_config config;
    seq_no n;
    time_ms t;
    bool advanced;
    uint64_t alerts;
    struct table table;
    struct buffer bytes; /* the canonical objects */
    struct digest digest;
    struct name_list convicted;
    struct notes notes;
    unsigned off; /* bit s: an operator turned subject s off for all */
    bool header_dirty, bytes_dirty;
    uint32_t chunks_stored;
    struct key_list gone; /* keys of records that vanished since the last flush */
    struct held_record *held;
    size_t held_count, held_cap;
    const struct monitor_sink *sink; /* of the call that runs */
    bool hears;                      /* a result is being taken: votes complete rounds only then */
};

/* --- table.c --- */
void table_build(struct table *t, struct objects *objects); /* takes the objects; everything is PENDING */
void table_free(struct table *t);
int64_t table_find(const struct table *t, const char *host, const char *service); /* id or OBJECT_NONE */
int object_observer(const struct object *o, const char *observer);                /* index among its observers, or -1 */
struct observer_vote *object_votes(const struct table *t, const struct object *o);
void object_touch(struct monitor *m, const struct object *o); /* its record changed */
void vote_touch(struct monitor *m, const struct observer_vote *v);
const char *object_output(const struct table *t, const struct object *o);
const char *object_perfdata(const struct table *t, const struct object *o);
/* Keeps the text that the object shows although its vote is about to change or go. */
void object_keep_text(struct monitor *m, struct object *o);
static inline bool bit_has(const uint64_t *set, uint32_t i) {
    return set[i / 64] >> (i % 64) & 1;
}
static inline void bit_add(uint64_t *set, uint32_t i) {
    set[i / 64] |= (uint64_t)1 << (i % 64);
}

/* --- judge.c: from votes to the verdict in force --- */
bool vote_fresh(const struct observer_vote *v, time_ms t); /* reported, and its fresh_until lies ahead */
bool vote_masked(const struct observer_vote *v);
bool vote_counted(const struct observer_vote *v, time_ms t); /* fresh, and its observer may be believed */
void judge_tally(const struct monitor *m, const struct object *o, struct ballot *out);
void judge(struct monitor *m, struct object *o);   /* something may have changed: a vote, the time, a conviction */
bool judge_rounds_by_time(const struct object *o); /* attempts of the verdict in force advance by the deadline index */
time_ms judge_round_due(const struct object *o);
/* Not every observer voted yet, and now there is still time to. */
bool judge_waits(const struct monitor *m, const struct object *o, time_ms now);
/* Somebody spoke of it once. Until then an object stays PENDING, as a passive check of Nagios does. */
bool judge_watched(const struct monitor *m, const struct object *o);
bool judge_dissents(const struct monitor *m, const struct verdict *v, const struct observer_vote *vote);

/* --- score.c: what the rounds say of the observers --- */
unsigned score_bears(const struct object *o); /* t: how many liars the object bears */
/* Before a vote is taken at m->t: judges the round that ended meanwhile, if one did. */
void score_close(struct monitor *m, struct object *o);

/* --- mask.c: who is set aside, and by whom --- */
enum { MASKS_MAX = 8, PROBATION_LIMIT = SCORE_MAX / 2 };
void mask_consider(struct monitor *m, struct object *o, unsigned observer); /* its score rose */
void mask_lift(struct monitor *m, struct object *o, unsigned observer);     /* its score is 0 again */
/* Masks by score give way when convictions or a new configuration leave them no room. */
void mask_trim(struct monitor *m, struct object *o);
void mask_convicted(struct monitor *m, struct observer_vote *v); /* a conviction takes the place of its score */
struct standing *standing_of(struct observer_vote *v);           /* makes one */
void standing_settle(struct observer_vote *v);                   /* drops one that says nothing any more */
void standing_free(struct observer_vote *v);
bool mask_is_sound(const struct table *t, const struct object *o); /* the masks of all its observers */

/* --- states.c: Nagios' soft and hard states --- */
/* A verdict (hosts: after reachability). round: it counts as an attempt. */
void object_result(struct monitor *m, struct object *o, uint8_t state, bool round);
/* DOWN or UNREACHABLE, by the states of the host's parents. */
uint8_t host_down_state(const struct monitor *m, const struct object *host);
bool host_not_up(const struct object *host);
/* Time alone makes a notification due. */
void object_remind(struct monitor *m, struct object *o);

/* --- event.c: what happens, for whoever listens --- */
void event_state(const struct monitor *m, const struct object *o, bool hard, uint32_t attempt);
void event_flapping(const struct monitor *m, const struct object *o, enum monitor_event_kind kind);
void event_downtime(const struct monitor *m, const struct object *o, enum monitor_event_kind kind);
unsigned state_option(bool is_host, uint8_t state); /* the NOTIFY_* that stands for it in lists of options */

/* --- flapping.c --- */
/* The object has its state, hard or soft, by a round of attempts or not; what that leads to is told before the state
   itself is. A service's counts for its host too, now and then. */
void flapping_result(struct monitor *m, struct object *o, bool round);
/* Somebody may have turned detection off: then it flaps no more. */
void flapping_switched(struct monitor *m, struct object *o);
/* How much the object changed of late, in 1/380 of a percent; and as text. */
uint32_t flapping_change(const struct object *o);
void flapping_describe(struct buffer *out, uint32_t change);

/* --- command.c: what operators turned on or off --- */
enum { SWITCH_LEFT, SWITCH_ON, SWITCH_OFF }; /* left: as the object is defined */
unsigned switch_of(const struct object *o, enum command_subject s);
/* For this object now; defined: what its definition says. */
bool switched_on(const struct monitor *m, const struct object *o, enum command_subject s, bool defined);

/* --- escalation.c --- */
struct audience {
    const char *const *names; /* contacts: of the object, or of its valid escalations */
    unsigned count;
    const char **merged; /* free() it */
};
/* number: the object's, that of the alert itself counted in where it counts as a notification. */
struct audience escalation_audience(const struct monitor *m, const struct object *o, uint32_t number);
/* The object's own contacts and those of all its escalations. */
struct audience escalation_everybody(const struct monitor *m, const struct object *o);
/* How long until the next notification behind this one; 0: there is none. */
time_ms escalation_interval(const struct monitor *m, const struct object *o, uint32_t number);

/* --- dependency.c --- */
/* What the object rests on has failed: its problem, which is due otherwise, is not told now, and looked at again
   later. */
bool dependency_withholds(const struct monitor *m, struct object *o);

/* --- notify.c --- */
unsigned option_of(const struct object *o); /* the NOTIFY_* of its state */
/* What is told beside problem and recovery: flapping, downtime, acknowledgement, custom. flags: COMMAND_FORCED,
   COMMAND_BROADCAST, COMMAND_INCREMENT. */
void notify_remark(struct monitor *m, struct object *o, enum alert_type type, unsigned flags, const char *author,
                   const char *comment);
bool in_period(const struct monitor *m, const char *name); /* "" holds always */
void notify_flapping(struct monitor *m, struct object *o, enum alert_type type, uint32_t change);
void notify_forget(struct object *o);                    /* a problem ended: what was told of it no longer counts */
void notify_object(struct monitor *m, struct object *o); /* a problem or recovery, if every test lets it pass */
void notify_dissent(struct monitor *m, struct object *o);
void notify_system(struct monitor *m, const char *text);

/* --- freshness.c: the deadline index --- */
void freshness_schedule(struct monitor *m, struct object *o); /* something about the object changed */
/* Votes that ran out since `before`, but outside the object's check_period, stay fresh until it may hold again. */
void freshness_extend(struct monitor *m, struct object *o, time_ms before);
/* Takes the first object, by (deadline, id), that is due now; all was handled up to `before`. NULL: none is left. */
struct object *freshness_next(struct monitor *m, time_ms before);
void freshness_rebuild(struct monitor *m, time_ms now);               /* everything up to `now` was handled */
void freshness_move(struct monitor *m, time_ms before, time_ms jump); /* every deadline, once between two results */
time_ms freshness_deadline(const struct monitor *m, const struct object *o, time_ms now); /* TIME_NEVER: none */

/* --- view.c: what alerts and queries show of the votes: one line of each output, in the arena; NULL: its limit --- */
struct vote_view *view_votes(const struct monitor *m, const struct object *o, struct arena *arena);

/* --- snapshot.c and restore.c: records --- */
enum {
    RECORD_VERSION = 3,
    FLAG_UNDECIDED = 1,
    FLAG_GAP_MOVED = 2,
    FLAG_HARD = 4,
    FLAG_NO_MORE = 8,
    FLAG_DISSENT_TOLD = 16,
    FLAG_FLAPPING = 32,
    FLAG_WAITS_FOR_PERIOD = 64,
    FLAGS_ALL = 127,
};
void key_of_object(struct buffer *out, const struct object *o);
void key_of_vote(struct buffer *out, const struct object *o, uint32_t observer);
void key_list_add(struct key_list *l, const struct buffer *key);
void key_list_free(struct key_list *l);
void snapshot_drop_held(struct monitor *m);
enum { CHUNK_LEN = 60 * 1024 };
void key_of_chunk(struct buffer *out, uint32_t index);

/* --- convict.c --- */
bool name_list_has(const struct name_list *l, const char *name);
bool name_list_add(struct name_list *l, const char *name); /* false: it was there */
void name_list_free(struct name_list *l);
void convict_mark(struct monitor *m); /* flags the votes of convicted observers in a new table */

#endif
