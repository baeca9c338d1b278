/* What notifiers record in the log of alerts that they handed over, read and written through a client. */
#ifndef QUORATE_CLIENT_NOTIFIED_H
#define QUORATE_CLIENT_NOTIFIED_H

#include "client/client.h"

struct notified_log {
    struct client *client;
    const char *key_path; /* of an operator with the role notify or admin; one for each notifier */
    mono_ms timeout;      /* of one question */
};
/* For struct turns_setup; self is a struct notified_log. */
bool notified_read(void *self, const char *handler, uint64_t *upto);
enum error notified_record(void *self, const struct op_notified *op);

#endif
