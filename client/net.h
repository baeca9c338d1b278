/* Questions to replicas and their answers, as bytes; nng is behind net.c. A net belongs to the whole client; a poll is
   one conversation with all members, at most one question open to each. Nothing said here is believed: callers verify.
 */
#ifndef QUORATE_CLIENT_NET_H
#define QUORATE_CLIENT_NET_H

#include "base/bytes.h"
#include "base/error.h"
#include "proto/cluster.h"

struct client_net;
struct client_poll;

/* One socket per replica; connecting and reconnecting (100 ms to 2 s) go on in the background, also with a replica that
   hung up before it greeted (then the first question after 2 s, or up to 64 s, dials anew). On error why says which
   address is wrong. */
enum error client_net_open(struct client_net **out, const struct cluster *cluster, struct buffer *why);
void client_net_close(struct client_net *n);

struct client_poll *client_poll_new(struct client_net *n);
void client_poll_free(struct client_poll *p); /* drops the open questions */
/* Sends frame to a member as soon as it is connected, again after `resend` and after each lost connection, until it
   answers. A question still open to that member is dropped. The frame is copied; does not block. */
void client_poll_ask(struct client_poll *p, member_id to, struct bytes frame, mono_ms resend);
bool client_poll_asking(const struct client_poll *p,
                        member_id to); /* a question is open and its answer not yet taken */
/* Waits until an answer is there or clock_mono() reaches `until`. True: *from said *answer, which is replaced. */
bool client_poll_next(struct client_poll *p, mono_ms until, member_id *from, struct buffer *answer);

#endif
