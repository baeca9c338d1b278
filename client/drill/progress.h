/* How a run goes on, on stderr: on a terminal one live line for each drill that runs, elsewhere a line when one begins
   and one when it has ended. */
#ifndef QUORATE_CLIENT_DRILL_PROGRESS_H
#define QUORATE_CLIENT_DRILL_PROGRESS_H

#include "client/drill/drill.h"

#include <jansson.h>

struct progress;
struct progress *progress_new(unsigned drills);
void progress_free(struct progress *p); /* takes the live lines away */
void progress_begin(struct progress *p, const struct drill *d);
void progress_step(struct progress *p, const struct drill *d, const char *what);
void progress_end(struct progress *p, const struct drill *d, const json_t *report, mono_ms elapsed);
void progress_show(struct progress *p); /* draws the live lines again when it is time */

#endif
