/* By what a connection shows whose it is: a valid STATUS. Of several connections those that brought the newest one
   first are the member's own. */
#ifndef QUORATE_REPLICA_GREETING_H
#define QUORATE_REPLICA_GREETING_H

#include "replica/intake.h"

bool greeting_is_newer(const struct intake_greeting *a, const struct intake_greeting *b);
/* Older than the newest that was heard of the member by more than a lane can lag behind its others. */
bool greeting_is_stale(const struct intake_greeting *g, const struct intake_greeting *newest);
/* Of two connections' greetings: the newer, and of the same the one that came first. Who passes on what was sent to it
   comes after the author. */
bool greeting_goes_before(const struct intake_greeting *a, const struct intake_greeting *b);

#endif
