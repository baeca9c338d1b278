/* Drills of a running cluster (R13): what operators order, what the drilled replica answers, and what is kept of it.
   Text is NUL-terminated and bounded. */
#ifndef QUORATE_PROTO_DRILL_H
#define QUORATE_PROTO_DRILL_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/types.h"

enum {
    DRILL_NAME_MAX = 64,      /* of drills */
    DRILL_BEHAVIOUR_MAX = 64, /* NAME[:PARAMETER] */
    DRILL_MS_MIN = 1000,
    DRILL_MS_MAX = 600000,
    DRILL_OPERATOR_MAX = 63,
};

struct op_drill { /* by an operator: the target behaves so for `duration` */
    member_id target;
    const char *behaviour; /* drill_behaviour_valid */
    const char *name;      /* drill_name_valid */
    uint32_t duration;     /* ms of agreed time, DRILL_MS_MIN..DRILL_MS_MAX */
};
struct op_drill_stop { /* by an operator: drill `id` is over */
    uint64_t id;
};
struct op_drill_done { /* by the target, when its own filter has ended */
    uint64_t id;
    seq_no max_n;     /* of what it signed only for the drill, 0: nothing */
    view_no max_view; /* of VIEW-CHANGEs and NEW-VIEWs that it signed only for the drill, 0: none */
    uint64_t bites;   /* frames changed, withheld or invented, by its own count */
};
/* 1..DRILL_NAME_MAX small letters, digits, '-'. */
bool drill_name_valid(const char *name);
/* NAME[:PARAMETER] of at most DRILL_BEHAVIOUR_MAX bytes: a name as above but never "later", a parameter of letters,
   digits, '+', '-', '.'. Whether anybody behaves so is the target's to know: builds may differ. */
bool drill_behaviour_valid(const char *behaviour);

enum drill_end {
    DRILL_RUNS,         /* not ended */
    DRILL_END_TIME,     /* at its agreed time */
    DRILL_END_STOPPED,  /* by an operator */
    DRILL_END_EVIDENCE, /* somebody was proven to have broken the rules outside of the drill */
    DRILL_END_MARGIN,   /* another member became faulty */
    DRILL_END_TARGET,   /* the target would not go on */
    DRILL_END_LIMIT
};
const char *drill_end_name(enum drill_end e); /* "running", "time", "stopped", "evidence", "margin", "target" */

/* One drill, in replicated state and as a QUERY answers it, one after the other in query_page.part. */
struct drill_record {
    uint64_t id; /* 1, 2, 3 ... */
    member_id target;
    char name[DRILL_NAME_MAX + 1], behaviour[DRILL_BEHAVIOUR_MAX + 1];
    char operator_name[DRILL_OPERATOR_MAX + 1];
    seq_no started_n;
    time_ms started_t, ends_t; /* agreed time */
    view_no started_view;      /* of the target's latest tick, as far as others' ticks bear it out */
    enum drill_end end;
    seq_no ended_n; /* 0 while it runs */
    time_ms ended_t;
    seq_no closed_n;     /* from here on nothing is signed for it, 2 W ahead aside; 0: that is still open */
    view_no closed_view; /* the highest that f+1 members but the target had told then */
    bool done;           /* the target has said so: */
    seq_no max_n;
    view_no max_view;
    uint64_t bites;
    bool counts; /* the target still counts as drilled; false in state records, where it is not kept */
};
void drill_record_encode(struct buffer *out, const struct drill_record *d);
enum error drill_record_decode(struct drill_record *out, struct reader *r);

#endif
