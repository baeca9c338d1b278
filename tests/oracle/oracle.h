/* The oracle: one random sequence of passive results goes to quorate's checks/ and to a real Nagios Core, and what both
   say of each result is compared line by line. A sequence is a function of its seed. */
#ifndef QUORATE_TESTS_ORACLE_H
#define QUORATE_TESTS_ORACLE_H

#include "base/bytes.h"
#include "base/prng.h"
#include "checks/monitor.h"
#include "checks/objects.h"

enum {
    ORACLE_HOSTS_MAX = 8,
    ORACLE_OBJECTS_MAX = 64,
    DOWNTIMES_MAX = 60,
    ORACLE_BEGIN = 1769601600 /* 2026-01-28T12:00:00Z */
};

/* What one side says of one step, in the words of Nagios' log without stamp and command:
   "ALERT h;s;CRITICAL;SOFT;1;text", "NOTIFY a,b;h;s;CRITICAL;text" (contacts sorted), "FLAPPING h;s;STARTED",
   "DOWNTIME h;s;STARTED". A host's lines have an empty s. */
struct lines {
    char **list;
    size_t count;
};
void lines_add(struct lines *l, const char *line);
void lines_free(struct lines *l);

struct plan_object { /* of the generated configuration */
    char host[16], service[16];
    bool is_host, is_volatile;
    unsigned max_attempts, host_at; /* host_at: where its host stands, itself for a host */
    bool lively;                    /* changes its state often */
    bool reported;                  /* anything yet */
    uint64_t masters;               /* bit set of the objects that it depends on */
    bool left_out;                  /* drawn and not fed: see trial_shrink */
    uint8_t state;
    char text[24]; /* of its last result */
};

enum step_kind {
    STEP_RESULT,
    STEP_AGAIN,   /* repeats what the object said last, because quorate told of it by the clock */
    STEP_COMMAND, /* of an operator */
    STEP_TIME     /* what only the clock brings on both sides: downtime */
};
/* One thing that happens at second t: what was fed, and what both said of it. */
struct step {
    enum step_kind kind;
    int64_t t;
    size_t drawn; /* results and commands before it */
    unsigned object;
    uint8_t state;
    char text[24];
    struct op_command op; /* STEP_COMMAND: for quorate, without the number of a downtime */
    char command[160];    /* and for Nagios; STEP_TIME: a mark in its log */
    unsigned downtime;    /* STEP_COMMAND: which of the sequence's downtimes is meant, 1 ...; 0: none */
    struct lines ours, theirs;
};

struct sequence {
    uint64_t seed;
    struct buffer objects; /* the configuration, for both */
    bool flap_detection;
    double low_flap[2], high_flap[2];  /* of hosts, of services, for nagios.cfg */
    unsigned first_action;             /* the bit of the first of action_names */
    uint32_t features;                 /* bit set, see sequence_describe */
    unsigned host_count, object_count; /* hosts come first */
    struct plan_object plan[ORACLE_OBJECTS_MAX];
    unsigned downtimes; /* planned so far: Nagios numbers them 1, 2, 3 ... */
    uint64_t of_hosts;  /* which of them are: bit 1, 2, 3 ... */
    struct step *steps;
    size_t count, cap, drawn;
};

/* --- generate.c --- */
#define FEATURES_ANY UINT32_MAX
uint32_t sequence_features(const char *names); /* "attempts,flapping": as a bit set */
void sequence_describe(const struct sequence *s, struct buffer *out);
/* only: these features and no others; FEATURES_ANY: drawn. */
void sequence_begin(struct sequence *s, uint64_t seed, uint32_t only);
void sequence_free(struct sequence *s);
int64_t sequence_wait(struct prng *p); /* seconds before the next result; 0: it comes together with the one before */
/* The next result or command, at second t. */
struct step *sequence_draw(struct sequence *s, struct prng *p, int64_t t);
/* STEP_AGAIN: what the object said last, once more. STEP_TIME. */
struct step *sequence_insert(struct sequence *s, enum step_kind kind, unsigned object, int64_t t);

/* --- actions.c: what operators say --- */
/* A command about the object, if one of the features wants one: fills op, command and downtime. */
bool action_draw(struct sequence *s, struct prng *p, struct step *step);
enum { ACTION_COUNT = 6 };
extern const char *const action_names[ACTION_COUNT]; /* features too, behind those of the configuration */

/* --- machine.c: quorate's side. Draws `results` results and fills steps and their lines; what is left out is drawn, so
   that the rest stays as it is. --- */
void machine_run(struct sequence *s, size_t results);

/* --- nagios.c: the other side. Fills the steps' lines from the log. false: why says what failed. --- */
bool nagios_run(struct sequence *s, const char *nagios4, const char *clock, const char *directory, struct buffer *why);
void step_command(char *out, size_t size, const struct sequence *s, const struct step *step);
/* --- log.c --- */
bool nagios_read(struct sequence *s, struct bytes log, struct buffer *why);

/* --- compare.c --- */
enum excuse {
    EXCUSE_NONE,
    EXCUSE_VOLATILE_REMINDER,
    EXCUSE_REMINDER_FIRST,
    EXCUSE_ORDER_OF_TIME,
    EXCUSE_RECOVERY_UNDER_DOWN_HOST,
    EXCUSE_RECOVERY_AFTER_FLAPPING,
    EXCUSE_RECOVERY_OF_DEPENDENT,
    EXCUSE_LIMIT
};
extern const char *const excuse_names[];
struct comparison {
    uint64_t events, excused[EXCUSE_LIMIT];
    bool differs;
    size_t step; /* of the first difference */
};
void compare(struct sequence *s, struct comparison *out);
/* The step, how its object is defined, and the ten steps before it that speak of its host. */
void report_difference(const struct sequence *s, size_t step);

/* --- trial.c --- */
struct tools {
    const char *nagios4, *clock; /* paths from the root */
    bool keep;                   /* the directory stays */
};
struct trial { /* one sequence, whole or in part */
    uint64_t seed;
    uint32_t features; /* or FEATURES_ANY */
    size_t results;
    bool left_out[ORACLE_OBJECTS_MAX];
};
/* Runs it on both sides. false: nagios did not run; why says what. s is to be freed. */
bool trial_run(const struct trial *t, const struct tools *tools, struct sequence *s, struct comparison *c,
               struct buffer *why);
/* Leaves out of a trial that differs what it differs without: results behind, features, hosts, services. */
void trial_shrink(struct trial *t, const struct tools *tools, size_t drawn);

#endif
