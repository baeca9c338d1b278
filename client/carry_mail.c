/* A handler that is a mail server: run i of a message is the mail to recipient i, so that one address that is refused
   holds up no other and none gets it twice because of another. */
#include "base/invariant.h"
#include "client/carrier.h"
#include "client/mail.h"
#include "client/transport.h"

#include <stdlib.h>

struct mailer {
    struct carrier carrier;
    struct handler_setup setup;
    struct transport *transport;
};

static enum carry_end carry(struct carrier *self, const struct parcel *p, struct buffer *said) {
    struct mailer *m = (struct mailer *)self;
    const struct notify_handler *config = m->setup.config;
    struct buffer text = {0};
    struct mail mail = {.from = config->from,
                        .to = config->to,
                        .to_count = config->to_count,
                        .alerts = p->alerts,
                        .count = p->count,
                        .first = p->first,
                        .last = p->last,
                        .cluster = m->setup.cluster,
                        .cluster_name = m->setup.cluster_name};
    REQUIRE(p->run < config->to_count);
    mail_write(&text, &mail);
    struct transport_mail letter = {.url = config->url,
                                    .ca = config->ca,
                                    .from = config->from,
                                    .to = config->to[p->run],
                                    .starttls = config->starttls,
                                    .text = buffer_bytes(&text),
                                    .timeout = config->timeout};
    buffer_printf(said, "mail to %s: ", config->to[p->run]);
    enum carry_end end_of = transport_mail(m->transport, &letter, said);
    buffer_free(&text);
    return end_of;
}

static void end(struct carrier *self) {
    struct mailer *m = (struct mailer *)self;
    transport_free(m->transport);
    free(m);
}

struct carrier *carry_mail(const struct handler_setup *setup) {
    struct mailer *m = xcalloc(1, sizeof *m);
    *m = (struct mailer){
        .carrier = {.carry = carry, .free = end}, .setup = *setup, .transport = transport_new(setup->stop_fd)};
    return &m->carrier;
}
