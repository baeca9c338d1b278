/* A time zone as a list of moments from which an offset holds: `quorate apply` reads it off its own machine's zone
   files once, and the bytes that all replicas agreed on decide from then on. Pure. */
#ifndef QUORATE_CHECKS_ZONE_H
#define QUORATE_CHECKS_ZONE_H

#include "base/types.h"

enum { ZONE_SHIFTS_MAX = 1024, ZONE_OFFSET_MAX = 26 * 3600, ZONE_APART_MIN = 86400 };
#define ZONE_FROM_MIN INT64_C(-2208988800)  /* 1900 */
#define ZONE_FROM_MAX INT64_C(253402300799) /* the end of 9999 */

struct zone_shift {
    int64_t from;   /* seconds since 1970, UTC */
    int32_t offset; /* seconds east of UTC */
};
struct zone { /* no shifts: UTC. The first offset holds before its moment, too. Borrowed. */
    unsigned count;
    const struct zone_shift *shifts; /* from ascending, ZONE_APART_MIN or more apart */
};

struct zone_local {
    int64_t day;     /* since 1970-01-01, by the wall clock */
    uint32_t second; /* of that day, by the wall clock */
};
struct zone_local zone_local(const struct zone *z, int64_t utc);
/* The first moment from `utc` on at which the wall clock shows that second of that day, or a later time. */
int64_t zone_moment(const struct zone *z, int64_t utc, int64_t day, uint32_t second);
/* The first shift behind `utc`; INT64_MAX: none. */
int64_t zone_next_shift(const struct zone *z, int64_t utc);

#endif
