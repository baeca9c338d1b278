/* What should be told and what was: the planted changes of a drill against the messages that the sink was handed. Pure:
   messages are given. Text is copied. */
#ifndef QUORATE_CLIENT_DRILL_PLAN_H
#define QUORATE_CLIENT_DRILL_PLAN_H

#include "base/bytes.h"
#include "client/drill/drill.h"
#include "proto/op.h"

#include <jansson.h>

struct plan;
enum { PLAN_ANY_STATE = 0xff };

/* allowed: bits 1 << enum alert_type that may come at any time. in_order: there is one notifier, so numbers rise.
   whole: nothing is forgotten, so the agreed stream begins at 1. */
struct plan *plan_new(unsigned allowed, bool in_order, bool whole);
void plan_free(struct plan *p);

/* The truth about an object is now this state: one message is expected for each change, PROBLEM or, at 0, RECOVERY.
   Everything is at 0 first. service "": the host. */
void plan_truth(struct plan *p, const char *host, const char *service, unsigned state);
/* A further message that must come once, with any state. */
void plan_expect(struct plan *p, enum alert_type type, const char *host, const char *service);
/* One that may come, as often as it likes. host or service NULL: any. */
void plan_allow(struct plan *p, enum alert_type type, const char *host, const char *service);
/* So many messages more may be handed over a second time under their number: a killed notifier can't know better. */
void plan_allow_again(struct plan *p, unsigned count);

/* One line of the sink, without its newline: number TAB type TAB host TAB service TAB state TAB wall ms. The state is a
   word of Nagios or its number. */
void plan_hand(struct plan *p, const char *line);
/* Expected messages that did not come yet, nor were given up. */
unsigned plan_waiting(const struct plan *p);
/* What did not come by now is missed; when it comes after all, it is late. */
void plan_give_up(struct plan *p);
/* All messages so far; those about this. */
unsigned plan_handed(const struct plan *p);
uint64_t plan_highest(const struct plan *p); /* the highest number of them */
unsigned plan_handed_about(const struct plan *p, enum alert_type type, const char *host, const char *service);

/* One alert of the agreed stream, as `quorate alerts --json` prints it; all of them in order, then plan_stream_end.
   What is neither in both nor alike in both breaks a promise. */
void plan_stream(struct plan *p, const json_t *alert);
void plan_stream_end(struct plan *p);

struct plan_count {
    unsigned expected, raised, false_ones, missed, late;
};
struct plan_count plan_count(const struct plan *p); /* missed: given up and never come */
/* Each breach found so far. */
typedef void plan_breach(void *context, enum promise p, const char *reason);
void plan_breaches(const struct plan *p, plan_breach *visit, void *context);

#endif
