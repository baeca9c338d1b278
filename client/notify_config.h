/* notify.yaml: which command is told of which alerts. */
#ifndef QUORATE_CLIENT_NOTIFY_CONFIG_H
#define QUORATE_CLIENT_NOTIFY_CONFIG_H

#include "proto/op.h"

enum { HANDLERS_MAX = 64 };

struct notify_handler {
    const char *name;       /* unique; letters, digits, '.', '_', '-' */
    char **argv;            /* closed by NULL; argv[0] is an absolute path; the others may hold $MACROS$ */
    unsigned types;         /* bit 1 << enum alert_type */
    unsigned contact_count; /* 0: one run per alert, whoever its contacts are */
    const char **contacts;  /* else: one run for each of the alert's contacts that is named here */
    mono_ms timeout;        /* 30 s when not given */
};
struct notify_config {
    struct arena arena;
    unsigned count;
    struct notify_handler *handlers;
};

/* why: one line a problem, "FILE:LINE: field: what is wrong: what to do". */
enum error notify_config_load(struct notify_config **out, const char *path, struct buffer *why);
enum error notify_config_parse(struct notify_config **out, struct bytes text, const char *path, struct buffer *why);
void notify_config_free(struct notify_config *c);

/* Whether the handler wants run `run` of the alert: run = index of the alert's contact, or 0 for a handler without
   filter. */
bool notify_handler_wants(const struct notify_handler *h, const struct alert *a, unsigned run);
/* How many runs an alert has for a handler at most: runs 0 .. n-1, of which it wants some. */
unsigned notify_handler_runs(const struct notify_handler *h, const struct alert *a);

#endif
