/* What the verbs that run for ever, agent and notify, share with each other: how they are told to end. */
#ifndef QUORATE_CLIENT_SERVICE_H
#define QUORATE_CLIENT_SERVICE_H

/* Blocks SIGTERM, SIGINT and SIGHUP, before any thread starts so that all inherit it, and returns a descriptor that
   becomes readable with the first of them; -1: the system is out of descriptors. SIGPIPE is ignored from now on. */
int service_take_signals(void);
/* From now on the process ends itself, by SIGTERM to itself, when the network library no longer dials again
   (base/net_watch.h). After service_take_signals; lasts as long as the process. */
void service_watch_network(void);

#endif
