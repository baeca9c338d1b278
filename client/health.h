/* What the members' own STATUS claims say together: how many vote, who lags, who disagrees. Pure. */
#ifndef QUORATE_CLIENT_HEALTH_H
#define QUORATE_CLIENT_HEALTH_H

#include "proto/msg.h"

struct health {
    unsigned members, reachable, voting; /* voting: in phase ACTIVE, CHANGING or TILT */
    int margin;                          /* voting - Q: how many more may fail before there is no quorum */
    view_no view;                        /* the highest that F members have reached */
    seq_no executed;                     /* the highest n that F members have executed */
    time_ms t;                           /* the latest agreed time that F members show */
    member_set other_log;  /* at an executed n where F others have one log hash: another; without F: all that differ */
    member_set other_root; /* the same of the state root at a stable n */
    member_set named;      /* suspected by F members */
    member_set learners;   /* votes no more: the disk lacks what the key signed */
};
/* With fewer than F reachable members the maxima are what the best of them claims. */
void health_judge(struct health *out, unsigned members, const struct msg_status status[MEMBERS_MAX],
                  const bool reachable[MEMBERS_MAX]);
/* The member's clock less the agreed time, in ms. */
int64_t health_offset(const struct msg_status *s);
seq_no health_lag(const struct health *h, const struct msg_status *s);

#endif
