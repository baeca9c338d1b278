/* The replica's network: peers over PUSH/PULL, one socket per peer and lane; clients over raw REP, their headers kept
   until they are answered. nng is seen by net.c only. Who sent a frame is told by its signature, never by its
   connection. */
#ifndef QUORATE_REPLICA_NET_H
#define QUORATE_REPLICA_NET_H

#include "proto/cluster.h"
#include "proto/frame.h"

enum net_lane { LANE_VOTES, LANE_DATA, LANE_BULK, LANE_LIMIT };
/* Votes, wishes and STATUS; what carries payload; what is large and rare. */
enum net_lane net_lane_of(enum frame_type type);

/* Called on the network's threads, several at once. Frames are borrowed for the call. */
struct net_events {
    void *self;
    /* Returns why the frame was refused, or ERR_OK; after three malformed or wrongly signed ones
       nothing more is heard of that connection. */
    enum error (*peer_frame)(void *self, struct bytes frame);
    void (*client_frame)(void *self, uint64_t client, struct bytes frame);
    void (*client_gone)(void *self, uint64_t client);
    void (*stuck)(void *self); /* ended connections stay for ever (base/net_watch.h): the process must end */
};

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
    uint64_t malformed_messages, muted; /* lists that do not split; connections not heard any more */
    uint64_t client_requests, client_answers, client_answers_dropped, clients_waiting, clients_expired;
    member_set connected; /* members whose vote lane is up */
};
void net_count(struct net *n, struct net_counters *out);

#endif
