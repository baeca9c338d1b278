/* What the doors do with what comes, whatever brings it (R12): sort, serve in fair turns, show to the events, charge
   offences to the connection. Two intakes, and the clients' handles. Thread-safe. */
#ifndef QUORATE_REPLICA_RECEPTION_H
#define QUORATE_REPLICA_RECEPTION_H

#include "replica/handles.h"
#include "replica/intake.h"

#include <stdatomic.h>

struct peer_heard { /* who signed a peer's frame, and when it is a STATUS, its number */
    member_id sender;
    bool is_status;
    uint64_t boot, counter;
};

/* Called on the network's threads, several at once. Frames are borrowed for the call. What they return is why the
   frame was refused, or ERR_OK; after three malformed or wrongly signed ones nothing is heard of that connection for
   a while (replica/intake.h). */
struct net_events {
    void *self;
    /* What needs no signature's work. Before the frame waits for its turn. */
    enum error (*peer_glance)(void *self, struct bytes frame);
    /* seat: which of the fair shares it came by. *heard is set with ERR_OK. */
    enum error (*peer_frame)(void *self, unsigned seat, struct bytes frame, struct peer_heard *heard);
    enum error (*client_frame)(void *self, uint64_t client, struct bytes frame);
    void (*client_gone)(void *self, uint64_t client);
    void (*stuck)(void *self); /* ended connections stay for ever (base/net_watch.h): the process must end */
};

struct reception {
    struct net_events events;
    struct intake *peers, *clients;
    struct handles *handles;
    atomic_uint_fast64_t messages, frames, bytes, malformed; /* of peers */
    atomic_uint_fast64_t muted, clients_muted, requests, expired;
};
void reception_init(struct reception *r, const struct net_events *events);
void reception_free(struct reception *r);

/* A peer's message is a list of frames (replica/outbox.h); a client's frame comes with its way back. Connections join
   at the intakes. Borrowed for the call; quick: no signature is looked at. false: none of it was taken. */
bool reception_sort_peer(struct reception *r, uint32_t connection, struct bytes list);
bool reception_sort_client(struct reception *r, uint32_t connection, struct bytes way, struct bytes frame);
/* One frame in its turn: blocks. false: the intake has ended. */
bool reception_take_peer(struct reception *r);
bool reception_take_client(struct reception *r);
/* The connection is closed; its handles are told as gone. */
void reception_leave_client(struct reception *r, uint32_t connection);

#endif
