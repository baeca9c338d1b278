/* Runs drills, each in a box of its own, several side by side; tells how they go on and prints what came of them. */
#ifndef QUORATE_CLIENT_DRILL_RUN_H
#define QUORATE_CLIENT_DRILL_RUN_H

#include "client/cli.h"
#include "client/drill/drill.h"

#include <jansson.h>

enum { RUN_DRILLS_MAX = 256, RUN_JOBS_MAX = 64 };
struct run {
    const struct cli *cli;
    unsigned count;
    const struct drill *drills[RUN_DRILLS_MAX]; /* in the order of their rows */
    unsigned jobs;                              /* side by side, 1 to RUN_JOBS_MAX */
    const char *keep;                           /* each drill's files are copied to KEEP/NAME; NULL: they are gone */
};

/* Blocks until all have ended or a signal asked to stop; then *interrupted. An array of reports, in the order of the
   drills; of those that ended only. The caller decrefs. Progress goes to stderr. */
json_t *run_drills(const struct run *r, bool *interrupted);

#endif
