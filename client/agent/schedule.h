/* When each check is due. Pure: time comes in. A check runs soon after the start (spread over 10 s or its interval),
   then on a grid of its own, start + phase + k x interval; the phase is a digest of seed, host and service, so that it
   stays the same from run to run and differs between observers. A check never overlaps itself: slots that pass while
   it runs are left out. */
#ifndef QUORATE_CLIENT_AGENT_SCHEDULE_H
#define QUORATE_CLIENT_AGENT_SCHEDULE_H

#include "base/types.h"
#include "client/agent/agent_config.h"

struct schedule;

enum { SCHEDULE_SPREAD = 10000 }; /* ms over which the first runs are spread at most */

/* at_once: all are due at `start`, none a second time (--once). config borrowed. */
struct schedule *schedule_new(const struct agent_config *config, const char *seed, mono_ms start, bool at_once);
void schedule_free(struct schedule *s);
/* Takes the check that is longest overdue at `now`; false when none is due. It is due again after schedule_done. */
bool schedule_take(struct schedule *s, mono_ms now, unsigned *check);
/* The check ended: it is due at its next slot after `now`. */
void schedule_done(struct schedule *s, unsigned check, mono_ms now);
/* When the next check is due; INT64_MAX when none waits. */
mono_ms schedule_next(const struct schedule *s);

#endif
