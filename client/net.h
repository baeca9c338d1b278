/* Questions to replicas and their answers, as bytes; nng is behind net.c. A net belongs to the whole client; a poll is one
   conversation with all members, at most one question open to each. Nothing said here is believed: callers verify. */
#ifndef QUORATE_CLIENT_NET_H
#define QUORATE_CLIENT_NET_H

#include "base/bytes.h"
#include "base/error.h"
#include "proto/cluster.h"

struct net;
struct net_poll;

/* One socket per replica; connecting and reconnecting (100 ms to 2 s) go on in the background. On error why says which
   address is wrong. */
enum error net_open(struct net **out, const struct cluster *cluster, struct buffer *why);
void net_close(struct net *n);

struct net_poll *net_poll_new(struct net *n);
void net_poll_free(struct net_poll *p); /* drops the open questions */
/* Sends frame to a member as soon as it is connected, again after `resend` and after each lost connection, until it
   answers. A question still open to that member is dropped. The frame is copied; does not block. */
void net_poll_ask(struct net_poll *p, member_id to, struct bytes frame, mono_ms resend);
bool net_poll_asking(const struct net_poll *p, member_id to); /* a question is open and its answer not yet taken */
/* Waits until an answer is there or clock_mono() reaches `until`. True: *from said *answer, which is replaced. */
bool net_poll_next(struct net_poll *p, mono_ms until, member_id *from, struct buffer *answer);

#endif
