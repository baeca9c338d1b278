/* Time zones of this machine, read off once for the objects that are applied. */
#ifndef QUORATE_CLIENT_ZONES_H
#define QUORATE_CLIENT_ZONES_H

#include "checks/zone.h"

/* The zone's offsets from 2020 to 2100, as this machine's zone files know them. How many went to out, which has room
   for ZONE_SHIFTS_MAX; -1: no such zone. Sets TZ for a moment, so call it while the program has one thread. The
   directory is /usr/share/zoneinfo, or that of the environment's TZDIR. */
int zones_read(const char *name, struct zone_shift *out);

#endif
