/* The catalogue of drills: what each one does to a cluster, what must hold meanwhile, and how it is played. Rows are
   those of docs/OPERATING.md. A drill is a constant; nothing here starts, asks or prints anything. */
#ifndef QUORATE_CLIENT_DRILL_DRILL_H
#define QUORATE_CLIENT_DRILL_DRILL_H

#include "base/types.h"

#include <stdbool.h>

struct scene;

enum drill_mode { DRILL_SANDBOX = 1, DRILL_LIVE = 2 };

/* The promises, by number; names as reports print them: drill_promise_name. */
enum promise {
    PROMISE_AGREEMENT,       /* no two correct replicas executed different batches at one number */
    PROMISE_VALIDITY,        /* only enrolled keys' operations, each once */
    PROMISE_ONE_STREAM,      /* the same alerts with the same numbers and bytes everywhere, each handed over once */
    PROMISE_NO_FALSE_ALERT,  /* every alert follows from what was planted */
    PROMISE_AUTHORITY,       /* votes count for enrolled hosts only, once a service; masked ones not at all */
    PROMISE_DURABILITY,      /* what was acknowledged is stored */
    PROMISE_ACCOUNTABILITY,  /* who lied provably is named, and nobody else */
    PROMISE_LIVENESS,        /* operations are executed; a bad primary is replaced, a good one is not */
    PROMISE_NO_MISSED_ALERT, /* what was planted was told */
    PROMISE_RECOVERY,        /* who lagged, crashed or was healed takes part again */
    PROMISE_LIMIT
};
/* "agreement", "validity", "one-alert-stream", "no-false-alert", "authority", "durability", "accountability",
   "liveness", "no-missed-alert", "recovery" */
const char *drill_promise_name(enum promise p);

enum { DRILL_TRAITORS_MAX = 3, DRILL_NOTIFIERS_MAX = 2 };

/* A member that is started as `quorated --behave later:BEHAVIOUR` and lies from scene_lies to scene_honest. */
struct drill_traitor {
    member_id member;      /* 0 is the primary of view 0, 1 that of view 1 */
    const char *behaviour; /* "NAME[:PARAMETER]" of replica/fault.h; NULL closes the list */
    bool provable;         /* it signs what contradicts itself or others; evidence against any other traitor is false */
};

/* Who stands on the stage when the curtain opens. Zeroes mean the usual: 4 replicas, 3 observers, one notifier, all on
   one loopback. */
struct drill_cast {
    unsigned members;   /* 0: 4; 7 for drills of f = 2 */
    unsigned observers; /* 0: 3, named a, b, c ...; agents of that name */
    unsigned notifiers; /* 0: 1 */
    struct drill_traitor traitors[DRILL_TRAITORS_MAX];
    bool network;     /* each replica in a network namespace of its own, joined by veth: cuts, loss, bandwidth */
    bool disks;       /* each replica with the faulty disk preloaded: scene_disk, scene_power_loss */
    bool no_load;     /* nobody submits beside the agents */
    unsigned allowed; /* bits 1 << enum alert_type that may come beside what was planned (SYSTEM, DISSENT ...) */
    /* Lines for cluster.yaml's `protocol:` ("checkpoint_interval: 32"), over the stage's own, which are those of init
       but for request_timeout_ms 1500, silent_ms 10000 and cluster_gap_ms 120000. */
    const char *knobs;
    const char *objects;         /* further Nagios objects, NULL: the stage's own only */
    const char *replica_options; /* "--retain 200", NULL: none */
};

struct drill {
    const char *name, *row; /* "equivocating-primary", "DR-A2" */
    unsigned modes;         /* bits of enum drill_mode */
    bool ci;                /* one of the short selection `ci` */
    const char *summary;    /* one line */
    /* A paragraph for operators in three sentences or more: what the attacker does and why; what must hold; what is to
       be seen in `quorate replicas`, `quorate evidence` and the counters. */
    const char *attack, *holds, *see;
    unsigned promises; /* bits 1 << enum promise, beside those that every drill is judged by (DRILL_ALWAYS) */
    const char *live;  /* behaviour of the DRILL operation in a running cluster; NULL where DRILL_LIVE is not set */
    struct drill_cast cast;
    /* Plays the fault, from a cluster at rest to one that is healed; NULL: the traitors lie while an outage is planted
       and mended, then are honest again. What it starts or cuts and does not mend, the stage mends behind it. */
    void (*play)(struct scene *s);
};
enum {
    DRILL_ALWAYS = 1 << PROMISE_AGREEMENT | 1 << PROMISE_ONE_STREAM | 1 << PROMISE_NO_FALSE_ALERT |
                   1 << PROMISE_DURABILITY | 1 << PROMISE_LIVENESS | 1 << PROMISE_NO_MISSED_ALERT |
                   1 << PROMISE_RECOVERY
};

/* In the order of the rows; NULL behind the last. */
const struct drill *drill_at(unsigned i);
/* NULL: no drill has that name or row. */
const struct drill *drill_find(const char *name);

/* The lists, one a file: catalogue_*.c. Closed by a drill without a name. */
extern const struct drill drills_of_primaries[], drills_of_backups[], drills_of_views[], drills_of_state[],
    drills_of_crashes[], drills_of_networks[], drills_of_clocks[], drills_of_clients[], drills_of_observers[],
    drills_of_alerts[];

#endif
