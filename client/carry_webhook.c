/* A handler that is a web address: each message is one POST in the form of Alertmanager's webhook. */
#include "client/carrier.h"
#include "client/payload.h"
#include "client/transport.h"

#include <stdlib.h>

struct webhook {
    struct carrier carrier;
    struct handler_setup setup;
    struct transport *transport;
};

static enum carry_end carry(struct carrier *self, const struct parcel *p, struct buffer *said) {
    struct webhook *w = (struct webhook *)self;
    struct payload_cluster cluster = {.id = w->setup.cluster, .name = w->setup.cluster_name};
    struct buffer json = {0}, key = {0};
    payload_webhook(&json, p->alerts, p->count, &cluster, w->setup.config->name);
    payload_key(&key, &cluster.id, p->first, p->last);
    struct transport_post post = {.url = w->setup.config->url,
                                  .ca = w->setup.config->ca,
                                  .key = buffer_cstr(&key),
                                  .json = buffer_bytes(&json),
                                  .timeout = w->setup.config->timeout};
    enum carry_end end_of = transport_post(w->transport, &post, said);
    buffer_free(&json);
    buffer_free(&key);
    return end_of;
}

static void end(struct carrier *self) {
    struct webhook *w = (struct webhook *)self;
    transport_free(w->transport);
    free(w);
}

struct carrier *carry_webhook(const struct handler_setup *setup) {
    struct webhook *w = xcalloc(1, sizeof *w);
    *w = (struct webhook){
        .carrier = {.carry = carry, .free = end}, .setup = *setup, .transport = transport_new(setup->stop_fd)};
    return &w->carrier;
}
