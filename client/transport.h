/* One POST or one mail through libcurl. TLS is verified, redirects are not followed, other protocols than the URL's own
   are closed, answers are read only as far as people need them. Blocks its thread until the exchange is over. */
#ifndef QUORATE_CLIENT_TRANSPORT_H
#define QUORATE_CLIENT_TRANSPORT_H

#include "client/carrier.h"

enum { TRANSPORT_ANSWER_MAX = 64 * 1024 };

struct transport;
/* stop_fd: readable ends what goes on. Connections are kept between calls. One thread at a time. */
struct transport *transport_new(int stop_fd);
void transport_free(struct transport *t);

struct transport_post {
    const char *url;
    const char *key; /* header Idempotency-Key: equal for repetitions; letters, digits, ':' and '-' only. NULL: none */
    const char *ca;  /* a PEM file; NULL: the system's */
    struct bytes json;
    mono_ms timeout; /* of the whole exchange */
};
/* DONE: 2xx. REFUSED: 400, 413, 415, 422. FAILED: any other answer, no connection or no answer in time. */
enum carry_end transport_post(struct transport *t, const struct transport_post *post, struct buffer *said);

struct transport_mail {
    const char *url;
    const char *ca;
    const char *from, *to; /* addresses as notify_target.h judges them */
    bool starttls;         /* no mail without TLS */
    struct bytes text;     /* headers and body, lines ended by CRLF; dots are stuffed here */
    mono_ms timeout;
};
/* DONE: the server has taken it. REFUSED: it answered 5yz to this sender, recipient or text. FAILED: all else. */
enum carry_end transport_mail(struct transport *t, const struct transport_mail *mail, struct buffer *said);

#endif
