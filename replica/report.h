/* What a daemon says about itself: log lines of counters and state on SIGUSR1, and what its core does. */
#ifndef QUORATE_REPLICA_REPORT_H
#define QUORATE_REPLICA_REPORT_H

#include "base/log.h"
#include "replica/fault.h"
#include "replica/net.h"
#include "replica/queue.h"

#include <stdatomic.h>

/* One line a reason that was given at least once; counters[ERR_LIMIT]. */
void report_refusals(const char *door, const atomic_uint_fast64_t *counters);
void report_network(struct net *net, struct inbox *inbox);
/* The core's own view; fault may be NULL. On the core thread. */
void report_state(const struct node *node, const struct fault *fault);
/* A line that the core traced, as loud as it deserves. */
void report_traced(const char *line);
void report_alert(const struct alert *a);

#endif
