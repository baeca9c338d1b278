/* The daemon's inbox: admitted frames on their way to the core thread. A bounded channel for each seat of the peers'
   door (replica/intake.h) and for each share of the clients (replica/handles.h), drained by deficit round robin over
   bytes, so that a flood on one channel costs only that channel. Thread-safe. */
#ifndef QUORATE_REPLICA_QUEUE_H
#define QUORATE_REPLICA_QUEUE_H

#include "replica/admit.h"
#include "replica/intake.h"

enum inbox_kind { INBOX_PEER, INBOX_CLIENT, INBOX_CLIENT_GONE };
struct inbox_item {
    enum inbox_kind kind;
    uint64_t client;        /* CLIENT, CLIENT_GONE: the handle */
    struct admitted *frame; /* PEER, CLIENT: owned by whoever took the item */
};
struct inbox_limits {
    size_t frames, bytes;
}; /* of one channel */
struct inbox;

/* peer: of each channel of the peers; client: of each of the clients. */
struct inbox *inbox_new(struct inbox_limits peer, struct inbox_limits client);
void inbox_free(struct inbox *q); /* frees what was not taken */

/* Take the frame in any case. false: the channel was full, the frame is gone and counted. Of a peer's full channel the
   newest of the less urgent frames makes room. */
bool inbox_put_peer(struct inbox *q, unsigned seat, struct admitted *x);
bool inbox_put_client(struct inbox *q, uint64_t client, struct admitted *x);
/* Behind the client's frames. Room for these is set aside: as many as frames may wait, and as many again. */
void inbox_put_gone(struct inbox *q, uint64_t client);
/* Asked before the work of verifying; no room is counted as a drop. */
bool inbox_has_room(struct inbox *q, unsigned seat, enum rank rank);
bool inbox_has_room_for_client(struct inbox *q, uint64_t client);

/* At most max items, each channel's most urgent first, going on where the last call stopped. Never blocks. */
size_t inbox_take(struct inbox *q, struct inbox_item *out, size_t max);
/* Until something is there, inbox_wake was called, or timeout passed. The core thread only. */
void inbox_wait(struct inbox *q, mono_ms timeout);
void inbox_wake(struct inbox *q);

struct inbox_counters {
    uint64_t peer_dropped, client_dropped;
    size_t waiting;
};
void inbox_count(struct inbox *q, struct inbox_counters *out);

#endif
