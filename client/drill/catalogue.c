/* All drills in the order of their rows, found by number, by name or by row; and the promises' names. */
#include "base/invariant.h"
#include "client/drill/drill.h"

#include <strings.h>

static const struct drill *const lists[] = {
    drills_of_primaries, drills_of_backups, drills_of_views,   drills_of_state,     drills_of_crashes,
    drills_of_networks,  drills_of_clocks,  drills_of_clients, drills_of_observers, drills_of_alerts};
enum { LISTS = sizeof lists / sizeof lists[0] };

const char *drill_promise_name(enum promise p) {
    static const char *const names[] = {[PROMISE_AGREEMENT] = "agreement",
                                        [PROMISE_VALIDITY] = "validity",
                                        [PROMISE_ONE_STREAM] = "one-alert-stream",
                                        [PROMISE_NO_FALSE_ALERT] = "no-false-alert",
                                        [PROMISE_AUTHORITY] = "authority",
                                        [PROMISE_DURABILITY] = "durability",
                                        [PROMISE_ACCOUNTABILITY] = "accountability",
                                        [PROMISE_LIVENESS] = "liveness",
                                        [PROMISE_NO_MISSED_ALERT] = "no-missed-alert",
                                        [PROMISE_RECOVERY] = "recovery"};
    REQUIRE(p < PROMISE_LIMIT);
    return names[p];
}

const struct drill *drill_at(unsigned i) {
    for (unsigned l = 0; l < LISTS; l++) {
        for (const struct drill *d = lists[l]; d->name != NULL; d++) {
            if (i-- == 0) {
                return d;
            }
        }
    }
    return NULL;
}

const struct drill *drill_find(const char *name) {
    const struct drill *d;
    for (unsigned i = 0; (d = drill_at(i)) != NULL; i++) {
        if (strcasecmp(d->name, name) == 0 || strcasecmp(d->row, name) == 0) {
            return d;
        }
    }
    return NULL;
}
