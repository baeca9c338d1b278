/* What an Alertmanager was told fires, so that it can be told again every minute and told the end under the same
   labels: a file, replaced whole. One thread at a time. */
#ifndef QUORATE_CLIENT_FIRING_H
#define QUORATE_CLIENT_FIRING_H

#include "base/error.h"
#include "client/payload.h"

struct firing;

/* A path without a file: nothing fires. ERR_CORRUPT: it is no such file; ERR_FOREIGN_CLUSTER: of another cluster. */
enum error firing_open(struct firing **out, const char *path, const struct payload_cluster *cluster,
                       struct buffer *why);
void firing_close(struct firing *f);
unsigned firing_count(const struct firing *f);

/* What follows from the alerts, without changing the set: appends to `posts` what is to be told, in order, and returns
   the set as it will be then; a new reference. A condition whose severity changed ends under its old labels. */
json_t *firing_plan(struct firing *f, const struct alert *const *alerts, unsigned count, json_t *posts);
/* Makes the set the present one, and durable. ERR_IO: it is not durable yet; firing_save tries again. Takes the
   reference. */
enum error firing_commit(struct firing *f, json_t *set, struct buffer *why);
enum error firing_save(struct firing *f, struct buffer *why);
/* Appends to `posts` everything that fires. What was last told of more than `repeat_for` before the newest alert, by
   their agreed times, is left out; returns how many those are. */
unsigned firing_list(const struct firing *f, time_ms repeat_for, json_t *posts);

#endif
