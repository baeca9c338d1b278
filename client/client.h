/* The client library: talks to all replicas, believes only what F = f+1 of them signed alike. */
#ifndef QUORATE_CLIENT_CLIENT_H
#define QUORATE_CLIENT_CLIENT_H

#include "proto/cluster.h"
#include "proto/codec.h"
#include "proto/op.h"

struct client;

/* cluster borrowed for the client's life. Opens one nng socket per replica; unreachable ones are retried for ever. */
enum error client_open(struct client **out, const struct cluster *cluster, struct buffer *why);
void client_close(struct client *c);

struct client_reply {
    seq_no n;
    time_ms t;
    struct arena arena;
    struct reply reply;      /* points into the arena */
    member_set contradicted; /* members that answered with another root: named to the user */
};
void client_reply_free(struct client_reply *r);
/* Sends one sealed request to every replica, resends each second, waits until F receipts agree on an output that is the
   reply. ERR_NO_QUORUM after timeout; a refusal signed alike by F replicas is returned as its reason (ERR_UNKNOWN_KEY
   ...). */
enum error client_request(struct client *c, struct bytes sealed_request, mono_ms timeout, struct client_reply *out);
/* Draws a req_seq from the key's counter, seals r (kind and union filled; client and req_seq set here) and does the
 * above. */
enum error client_call(struct client *c, const char *key_path, struct request *r, mono_ms timeout,
                       struct client_reply *out, struct buffer *why);

struct client_alert {
    struct bytes leaf; /* exactly the signed bytes */
    struct alert alert;
    struct certificate certificate; /* exactly F receipts, sorted, verified */
};
/* The alerts numbered after+1.. in order, each proven; calls visit for each without gaps. Waits up to `wait` for the
   first one to come (long poll). Returns ERR_OK also when there were none. ERR_NO_QUORUM: fewer than F replicas
   reachable. A replica whose alert does not prove true is reported by complain (may be NULL) and ignored. */
typedef bool client_alert_visit(void *context, const struct client_alert *a);
typedef void client_complaint(void *context, member_id replica, const char *what);
enum error client_alerts(struct client *c, uint64_t after, mono_ms wait, client_alert_visit *visit,
                         client_complaint *complain, void *context);

/* Each replica's own signed STATUS; reachable[i] false: none within timeout. A frame that does not verify counts as
 * none. */
enum error client_status(struct client *c, mono_ms timeout, struct msg_status status[MEMBERS_MAX],
                         bool reachable[MEMBERS_MAX]);

/* The frames of a record that a QUERY_EVIDENCE listed (as blocks: u32 length, frame), from any replica that holds them,
   proven by their digest. ERR_NOT_FOUND: no reachable replica does. */
enum error client_evidence(struct client *c, const struct evidence_record *record, bool last, mono_ms timeout,
                           struct buffer *blocks);

#endif
