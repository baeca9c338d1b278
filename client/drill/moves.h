/* Moves that several plays of rows A to D share: who leads, what waits for what, and what must come after a fault. */
#ifndef QUORATE_CLIENT_DRILL_MOVES_H
#define QUORATE_CLIENT_DRILL_MOVES_H

#include "client/drill/scene.h"

enum {
    MOVES_PATIENCE_S = 60, /* how long a good cluster is given on a busy machine */
    MOVES_FLOW = 20,       /* requests acknowledged that show that work goes on */
    MOVES_NO_MEMBER = MEMBERS_MAX,
};

/* The highest view that f+1 replicas are in. */
view_no moves_view(struct scene *s);
/* Holds one primary after the other until `who` leads, or liveness is broken; returns its view. Mostly it leads
   already, and what is held is no part of the fault. */
view_no moves_lead(struct scene *s, member_id who);
/* The member that leads after it. */
member_id moves_next(const struct scene *s, member_id who);

/* Something breaks, which an operator remarks, and its end: both are to be told. A play that does both waits for the
   first before the second. */
void moves_outage(struct scene *s);
void moves_mended(struct scene *s);
/* Requests are acknowledged, or liveness is broken. */
void moves_flow(struct scene *s);
/* Another view is ACTIVE at f+1 replicas, or liveness is broken. */
void moves_replaced(struct scene *s, view_no beyond);
/* The replica executes what the cluster has executed by now, or p is broken. */
void moves_keeps_up(struct scene *s, enum promise p, member_id who);
/* The view is still this one, or liveness is broken. */
void moves_view_stays(struct scene *s, view_no view);
/* There is evidence against `who`, or accountability is broken. */
void moves_convicted(struct scene *s, member_id who);
/* Somebody's log has the text, or p is broken. */
void moves_told_in_logs(struct scene *s, enum promise p, const char *text, const char *what);

/* Tests for scene_must and its kin. */
bool moves_any_logged(struct scene *s, int64_t text); /* a pointer to the words, moves_words */
static inline int64_t moves_words(const char *text) {
    return (int64_t)(intptr_t)text;
}
/* Somebody who can be reached is in this view or a higher one, or changes to it. */
bool moves_one_reached(struct scene *s, int64_t view);
/* f+1 or more can be reached, and nobody of them is in another view, unless for each view since then the log of an
   honest member says that the primary was SLOW: on a busy machine any primary may be, and that is not the liar's doing.
 */
bool moves_view_kept(struct scene *s, int64_t view);
/* The cluster has executed this batch. */
bool moves_executed(struct scene *s, int64_t n);
seq_no moves_last(struct scene *s); /* the last batch that f+1 replicas have executed */
/* Every replica that can be reached has a stable checkpoint. */
bool moves_checkpointed(struct scene *s, int64_t unused);

#endif
