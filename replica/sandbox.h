/* --behave: how the replicas of a sandbox become traitors. In clusters with `drills: live` nothing here starts one. */
#ifndef QUORATE_REPLICA_SANDBOX_H
#define QUORATE_REPLICA_SANDBOX_H

#include "replica/config.h"
#include "replica/fault.h"

/* The replica's fault filter: NULL where drills are off, else inert, or started as --behave says. ERR_FORBIDDEN:
   --behave outside of a sandbox; why says so. cluster is borrowed for the filter's life. */
enum error sandbox_open(struct fault **out, const struct config *config, const struct cluster *cluster,
                        const struct secret_key *secret, const struct fault_host *host, struct buffer *why);
/* SIGUSR2: begins or ends what --behave (NULL: nothing) names. */
void sandbox_toggle(struct fault *f, const char *behave);

#endif
