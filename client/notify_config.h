/* notify.yaml: which command, web address or mail server is told of which alerts. */
#ifndef QUORATE_CLIENT_NOTIFY_CONFIG_H
#define QUORATE_CLIENT_NOTIFY_CONFIG_H

#include "proto/op.h"

enum { HANDLERS_MAX = 64, RECIPIENTS_MAX = 32, GROUP_ABOVE_DEFAULT = 20 };

enum notify_kind { NOTIFY_COMMAND, NOTIFY_WEBHOOK, NOTIFY_SMTP, NOTIFY_ALERTMANAGER };

struct notify_handler {
    const char *name; /* unique; letters, digits, '.', '_', '-' */
    enum notify_kind kind;
    char **argv;       /* COMMAND: closed by NULL; argv[0] is an absolute path; the others may hold $MACROS$ */
    const char *url;   /* the other kinds. May hold a password: never printed */
    const char *ca;    /* the same: whose certificates are trusted, a PEM file; NULL: the system's */
    const char *from;  /* SMTP: an address */
    unsigned to_count; /* SMTP: 1..RECIPIENTS_MAX addresses */
    const char **to;
    bool starttls;          /* SMTP: no mail without TLS; always so when the URL names a user */
    unsigned types;         /* bit 1 << enum alert_type */
    unsigned contact_count; /* 0: whoever the alert's contacts are. A command runs once for each that is named here */
    const char **contacts;
    unsigned host_count, service_count; /* globs; 0: all. An alert without the name matches none */
    const char **hosts, **services;
    mono_ms timeout;      /* of one try; 30 s when not given */
    unsigned group_above; /* WEBHOOK, SMTP: more waiting alerts than this leave as one message. ALERTMANAGER: 0 */
    mono_ms retry_for;    /* how long one message is tried before it is given up; 0: for ever */
    mono_ms repeat_for;   /* ALERTMANAGER: how long after its last PROBLEM an alert is repeated */
};
struct notify_config {
    struct arena arena;
    unsigned count;
    struct notify_handler *handlers;
};

/* why: one line a problem, "FILE:LINE: field: what is wrong: what to do". */
enum error notify_config_load(struct notify_config **out, const char *path, struct buffer *why);
enum error notify_config_parse(struct notify_config **out, struct bytes text, const char *path, struct buffer *why);
/* Whether anybody may read the file, though it holds what is secret: a login, or a webhook's path. */
bool notify_config_exposed(const struct notify_config *c, const char *path);
void notify_config_free(struct notify_config *c);

/* Whether the handler wants run `run` of the alert. A command with contacts: run = index of the alert's contact; mail:
   index of the recipient; else 0. */
bool notify_handler_wants(const struct notify_handler *h, const struct alert *a, unsigned run);
/* How many runs an alert has for a handler at most: runs 0 .. n-1, of which it wants some. */
unsigned notify_handler_runs(const struct notify_handler *h, const struct alert *a);

#endif
