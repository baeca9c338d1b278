/* R1's signed statement: a fixed prefix that says what kind of thing is signed, where and by whom, then the exact body.
   A signature made for one purpose therefore never serves another. */
#include "crypto/seal.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

static const char domain[] = "quorate/1";
enum { SEAL_PREFIX_LEN = sizeof domain - 1 + 1 + CLUSTER_ID_LEN + 4 + 2, SEAL_ON_STACK = 2048 };

/* The signed bytes: in the caller's scratch memory when they fit (votes do), else allocated. */
struct statement {
    uint8_t scratch[SEAL_ON_STACK];
    uint8_t *large;
    struct bytes bytes;
};

static void statement_make(struct statement *s, const struct seal_context *c, struct bytes body) {
    size_t len = SEAL_PREFIX_LEN + body.len;
    s->large = len > sizeof s->scratch ? xrealloc(NULL, len) : NULL;
    uint8_t *at = s->large != NULL ? s->large : s->scratch;
    s->bytes = bytes_of(at, len);
    memcpy(at, domain, sizeof domain - 1);
    at += sizeof domain - 1;
    *at++ = c->type;
    memcpy(at, c->cluster.b, CLUSTER_ID_LEN);
    at += CLUSTER_ID_LEN;
    for (int shift = 24; shift >= 0; shift -= 8) {
        *at++ = (uint8_t)(c->epoch >> shift);
    }
    *at++ = (uint8_t)(c->sender >> 8);
    *at++ = (uint8_t)c->sender;
    if (body.len > 0) {
        memcpy(at, body.data, body.len);
    }
}

void seal_sign(struct signature *sig, const struct seal_context *context, struct bytes body,
               const struct secret_key *sk) {
    struct statement s;
    statement_make(&s, context, body);
    crypto_sign(sig, s.bytes, sk);
    free(s.large);
}

bool seal_verify(const struct signature *sig, const struct seal_context *context, struct bytes body,
                 const struct public_key *pk) {
    struct statement s;
    statement_make(&s, context, body);
    bool valid = crypto_verify(sig, s.bytes, pk);
    free(s.large);
    return valid;
}
