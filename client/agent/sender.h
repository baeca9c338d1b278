/* One thread that hands sealed bundles to the cluster, so that checks go on meanwhile. One at a time, in order. */
#ifndef QUORATE_CLIENT_AGENT_SENDER_H
#define QUORATE_CLIENT_AGENT_SENDER_H

#include "client/client.h"

struct sender;

struct sender_outcome {
    uint64_t id;
    enum error result;    /* of client_request, or of the reply */
    struct buffer sealed; /* what was sent; owned by the receiver, as is the reply */
    struct client_reply
        reply; /* filled when result says that F replicas answered alike; client_reply_free either way */
};

/* client borrowed, used by no other thread. */
struct sender *sender_new(struct client *client);
/* Waits for the request under way, at most its timeout. */
void sender_free(struct sender *s);
bool sender_busy(const struct sender *s); /* a bundle was given and its outcome not taken yet */
/* sealed is moved out of its buffer. Not while busy. */
void sender_give(struct sender *s, uint64_t id, struct buffer *sealed, mono_ms timeout);
int sender_fd(const struct sender *s); /* readable when an outcome waits */
bool sender_take(struct sender *s, struct sender_outcome *out);

#endif
