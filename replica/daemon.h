/* One replica as a process: opens what the command line names, runs the turns, ends on SIGTERM. */
#ifndef QUORATE_REPLICA_DAEMON_H
#define QUORATE_REPLICA_DAEMON_H

#include "replica/config.h"

/* Blocks until the process shall end. Returns its exit status: 0 ended by a signal, 1 could not start or had to stop;
   then one line on stderr says `quorated: what: where: what to do`. Call crypto_start and log_setup before. */
int daemon_run(const struct config *config);

#endif
