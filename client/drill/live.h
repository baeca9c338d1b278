/* Drills of the running cluster: an ordered DRILL (R13), followed and judged from outside by what an operator's key can
   ask for. */
#ifndef QUORATE_CLIENT_DRILL_LIVE_H
#define QUORATE_CLIENT_DRILL_LIVE_H

#include "client/drill/drill.h"
#include "client/order.h"

#include <jansson.h>

/* o is open (order_open) and its key has the role drill. Orders d->live of the target for so long (DRILL_MS_MIN ..
   DRILL_MS_MAX), follows until the cluster ended it and the target is an honest member again, with lines on stderr, and
   judges. Ctrl-C has it stopped by the cluster and is waited for, a second one leaves at once, unjudged: the drill then
   ends at its own time, as it does when this process is killed. A drill of primaries is refused of who does not lead.
   An exit code; *report is NULL when nothing was judged, else as `drill run --json` prints it, and the caller decrefs
   it. */
int drill_live_run(struct order *o, const struct drill *d, member_id target, mono_ms for_ms, json_t **report);
/* Has the drill that runs stopped. CLI_REFUSED: none runs. */
int drill_live_stop(struct order *o);
/* Prints the newest drills, oldest first: all that are kept with --json. */
int drill_live_status(struct order *o);

#endif
