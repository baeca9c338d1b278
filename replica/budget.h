/* What may be spent on somebody's work: so much a time in the long run, some of it saved up, the rest owed. */
#ifndef QUORATE_REPLICA_BUDGET_H
#define QUORATE_REPLICA_BUDGET_H

#include "base/types.h"

struct budget {
    int64_t microseconds; /* saved; below 0: owed. Charged by whoever keeps it. */
    mono_ms since;        /* when it was last looked at */
};
/* Adds what the time since the last look earned: share microseconds a millisecond, of which no more than saved
   milliseconds' worth are kept. Returns in how many milliseconds it will be out of debt, 0: it is. share > 0. */
mono_ms budget_debt(struct budget *b, unsigned share, mono_ms saved, mono_ms now);

#endif
