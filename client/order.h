/* What the verbs of operators share: one signed command, its answer, and the list of what operators attached. */
#ifndef QUORATE_CLIENT_ORDER_H
#define QUORATE_CLIENT_ORDER_H

#include "client/cli.h"

struct order {
    struct cli cli;
    struct cluster *cluster;
    struct client *client;
};
/* Key, cluster.yaml and sockets. CLI_GO_ON or an exit code. */
int order_open(struct order *o);
void order_close(struct order *o);
/* A key file that will be needed can be read. CLI_GO_ON or an exit code. */
int order_check_key(const struct order *o, const char *path);
/* Has the command ordered and prints what it did, or says why not; where names it in errors. An exit code. */
int order_send(struct order *o, const struct op_command *c, const char *where);
/* The same, but the answer, or what is wrong, goes into out: ERR_OK when the command took effect. */
enum error order_call(struct order *o, const struct op_command *c, struct buffer *out);
/* Prints the notes of these kinds (bits 1 << enum note_kind) of the host or service, "" = of all. An exit code. */
int order_list(struct order *o, unsigned kinds, const char *host, const char *service);

/* A moment as operators write it: "2h" from `now`, "@1769601600" (unix seconds), "2026-01-28T18:00Z" or the same in the
   machine's own time zone "2026-01-28 18:00[:00]". False: none of these. */
bool order_moment(const char *text, time_ms now, time_ms *out);

#endif
