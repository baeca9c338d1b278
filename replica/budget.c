/* Work as money: earned by the time, saved up to a bound, owed without one. */
#include "replica/budget.h"

mono_ms budget_debt(struct budget *b, unsigned share, mono_ms saved, mono_ms now) {
    mono_ms longest = saved * 1000; /* a longer time earns no more: nobody owes so much */
    mono_ms passed = now - b->since < longest ? now - b->since : longest;
    int64_t most = share * saved;
    b->microseconds += passed * share;
    b->microseconds = b->microseconds < most ? b->microseconds : most;
    b->since = now;
    return b->microseconds >= 0 ? 0 : -b->microseconds / share + 1;
}
