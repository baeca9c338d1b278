/* What the files of live drills share; nobody else includes this. */
#ifndef QUORATE_CLIENT_DRILL_LIVE_PARTS_H
#define QUORATE_CLIENT_DRILL_LIVE_PARTS_H

#include "client/drill/line.h"
#include "client/drill/live.h"
#include "client/health.h"
#include "proto/evidence.h"

enum {
    LIVE_DRILLS_MAX = 256,   /* more than a cluster lists */
    LIVE_PROBLEMS_MAX = 4096 /* objects with a hard problem that are remembered */
};

struct live_drills {
    unsigned count;
    struct drill_record list[LIVE_DRILLS_MAX];
};

struct live_problem { /* an object with a problem, or that was told of */
    char *host, *service;
    bool seen;  /* it has a hard problem since the drill began, which nothing in its status excuses from being told */
    bool told;  /* of a problem, meanwhile */
    bool known; /* its problems are told: one of the alerts of late was about one */
    bool bad;   /* it has a problem now, excused or not */
};
struct live_span { /* batches that F members executed meanwhile */
    mono_ms from, to;
    seq_no first, last;
};
struct live { /* one run */
    struct order *order;
    const struct drill *drill;
    member_id target;
    struct line *line;
    struct drill_record record; /* started_n 0: not known yet but for the id */
    mono_ms began;              /* this process' clock, when the order took effect */
    bool stop_ordered;          /* and the cluster took it */
    struct live_span spans[3];  /* before, during, after */
    /* live_watch.c */
    struct msg_status status[MEMBERS_MAX];
    bool reachable[MEMBERS_MAX];
    struct health health;
    view_no view;     /* before */
    bool same_log;    /* the target and another one showed one hash at one n since `same_log` was cleared */
    json_t *evidence; /* what is proven of this drill; NULL: nothing was asked yet */
    /* live_alerts.c */
    uint64_t alert, history; /* the newest one followed; the newest one before the drill */
    unsigned raised, false_ones, missed;
    unsigned problem_count;
    struct live_problem problems[LIVE_PROBLEMS_MAX];
};
void live_note(struct live *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void live_detected(struct live *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void live_broken(struct live *l, enum promise p, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* live_log.c: the log is asked. Reads the records of a kind, page by page; take reads one, what it refuses ends all. */
typedef enum error live_take(void *context, struct reader *r);
enum error live_records(struct order *o, enum query_kind kind, mono_ms timeout, live_take *take, void *context,
                        struct buffer *why);
/* What the log holds of drills, oldest first. */
enum error live_drills(struct order *o, mono_ms timeout, struct live_drills *out, struct buffer *why);
/* The record of this drill as it stands; what can't be asked now is asked again later. */
void live_ask_record(struct live *l);
/* Has r ordered. An exit code, or CLI_GO_ON; what the cluster answered goes to `text`. */
int live_call(struct order *o, struct request *r, struct buffer *text);

/* live_show.c */
json_t *live_record_json(const struct drill_record *d);

/* live_report.c */
double live_rate(const struct live_span *s); /* batches a second */
json_t *live_report(const struct live *l, time_ms wall);

/* Does the behaviour do its harm only while its replica leads? */
bool live_needs_primary(const char *behaviour);
/* live_watch.c: one round of looks at the members' claims; what contradicts breaks a promise. */
void live_look(struct live *l);
/* New evidence since the drill began: the drill's own is a detection, any other against a member breaks a promise. */
void live_proofs(struct live *l);
bool live_target_is_back(const struct live *l);

/* live_alerts.c: reads the newest alerts before `now` for whose problems are told, and stands behind them. */
void live_history(struct live *l, uint64_t now);
void live_follow(struct live *l); /* takes what the stream has */
void live_states(struct live *l); /* remembers the hard problems of now */
void live_judge_alerts(struct live *l);
void live_alerts_free(struct live *l);

#endif
