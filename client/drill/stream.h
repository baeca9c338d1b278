/* The agreed alerts of a stage, as `quorate alerts` proves them. Replicas that are told to keep little have forgotten
   the first by the end; then they are taken down as they come. */
#ifndef QUORATE_CLIENT_DRILL_STREAM_H
#define QUORATE_CLIENT_DRILL_STREAM_H

#include "client/drill/stage.h"

/* Its replicas are told to keep little: early alerts and decisions are forgotten. */
bool stream_forgets(const struct drill *d);
/* Once, before the first alert. */
void stream_start(struct scene *s);
/* All that the verb has printed: alerts as lines of JSON, and what it complains of. up_to: the highest number that was
   handed over. False: not all of these are there yet. */
bool stream_take(struct scene *s, uint64_t up_to, struct buffer *alerts, struct buffer *complaints);

#endif
