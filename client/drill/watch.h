/* What plays watch for in the watched world: how an object and an observer's vote on it stand, which alerts were
   raised, who was convicted. All are tests for scene_must and its kin. */
#ifndef QUORATE_CLIENT_DRILL_WATCH_H
#define QUORATE_CLIENT_DRILL_WATCH_H

#include "client/drill/scene.h"

/* One question; who asks keeps it. Texts that a test does not look at may be NULL. */
struct watched {
    const char *host, *service; /* service "": the host */
    const char *observer;
    const char *text;
    member_id member;
    enum evidence_kind kind;
};
/* A question as the argument of a test. */
static inline int64_t watched(const struct watched *w) {
    return (int64_t)(intptr_t)w;
}

/* Of the object (host, service). */
bool watch_state(struct scene *s, int64_t question);     /* its state is `text`: "CRITICAL" */
bool watch_output(struct scene *s, int64_t question);    /* its output holds `text` */
bool watch_undecided(struct scene *s, int64_t question); /* its votes are undecided */
bool watch_flapping(struct scene *s, int64_t question);
/* Of the observer's vote on it. */
bool watch_says(struct scene *s, int64_t question); /* its vote is `text` */
bool watch_masked(struct scene *s, int64_t question);
bool watch_counted(struct scene *s, int64_t question); /* neither masked nor convicted */
bool watch_stale(struct scene *s, int64_t question);   /* it has voted, and the vote is not fresh */
bool watch_convicted(struct scene *s, int64_t question);
bool watch_unblamed(struct scene *s, int64_t question); /* its score is known, and 0 */
/* score and rounds of the vote, 0 when they can't be seen. */
unsigned watch_score(struct scene *s, const struct watched *w);
unsigned watch_rounds(struct scene *s, const struct watched *w);
unsigned watch_disagreed(struct scene *s, const struct watched *w);

/* `quorate evidence` lists `kind` against the culprit `text` ("observer c", "replica 2"). */
bool watch_evidence(struct scene *s, int64_t question);
/* Evidence of one of these kinds (each 1u << enum evidence_kind) is listed against the member, or accountability is
   broken: a liar named for something else was not found out. */
void watch_convicts(struct scene *s, member_id who, unsigned kinds);
/* A SYSTEM alert holds `text`. */
bool watch_announced(struct scene *s, int64_t question);
unsigned watch_announcements(struct scene *s, const char *text); /* how many do */

/* The log of replica `member` holds `text`; that of the process `observer` does ("notify-0"). */
bool watch_logged(struct scene *s, int64_t question);
bool watch_log_of(struct scene *s, int64_t question);
/* Replica `member` shows phase `text`. */
bool watch_phase(struct scene *s, int64_t question);
/* It can't be reached, and every other honest one can. */
bool watch_unreachable(struct scene *s, int64_t member);
/* The member was given batches or decisions because it asked for them, or liveness is broken. */
void watch_fetches(struct scene *s, member_id member);
/* Its process ended by itself with status 1. */
bool watch_stopped(struct scene *s, int64_t member);
/* Nobody of those who can be reached, f+1 or more, has executed more than n. */
bool watch_stands_still(struct scene *s, int64_t n);
seq_no watch_highest(struct scene *s); /* the last batch that anybody shows; 0: f+1 can't be reached */

#endif
