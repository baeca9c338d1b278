/* The replica's network: peers over PUSH/PULL, one socket per peer and lane; clients over raw REP, their headers kept
   until they are answered. Both doors take in through an intake, which keeps senders from starving each other (R12).
   nng is seen by net.c and links.c only. Who sent a frame is told by its signature, never by its connection. */
#ifndef QUORATE_REPLICA_NET_H
#define QUORATE_REPLICA_NET_H

#include "proto/cluster.h"
#include "proto/frame.h"
#include "replica/reception.h"

struct net;
/* Binds this member's two addresses and begins to dial the others; nothing is received before net_start. ERR_IN_USE: an
   address is taken; ERR_IO: it cannot be bound. why gets "what is wrong: where: what to do". cluster is borrowed. */
enum error net_open(struct net **out, const struct cluster *cluster, member_id self, const struct net_events *events,
                    struct buffer *why);
void net_start(struct net *n);
/* Closes the sockets and joins the threads; afterwards no event is called. */
void net_stop(struct net *n);
void net_free(struct net *n);

/* Queues a copy; nothing leaves before net_flush. Never blocks; the oldest waiting frame is dropped when a lane is
 * full. */
void net_send(struct net *n, member_id to, struct bytes frame);
/* Sets off what net_send queued, as few messages as possible. */
void net_flush(struct net *n);
/* Answers a client once; dropped when the client is gone or does not read. Any thread. */
void net_answer(struct net *n, uint64_t client, struct bytes frame);
/* Forgets a client that will not be answered. */
void net_forget(struct net *n, uint64_t client);

struct net_counters {
    uint64_t messages_in, messages_out, frames_in, frames_out, bytes_in, bytes_out; /* of peers */
    uint64_t frames_dropped;                                                        /* in full lanes */
    uint64_t malformed_messages;                                                    /* lists that do not split */
    uint64_t muted, clients_muted; /* how often a connection was not heard any more */
    uint64_t client_requests, client_answers, client_answers_dropped, clients_waiting, clients_expired;
    struct intake_counters peer_door, client_door;
    member_set connected; /* members whose vote lane is up */
};
void net_count(struct net *n, struct net_counters *out);

#endif
