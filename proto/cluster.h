/* cluster.yaml and the genesis: members, operators, first observers, protocol knobs. libcyaml is seen by cluster.c
   only. */
#ifndef QUORATE_PROTO_CLUSTER_H
#define QUORATE_PROTO_CLUSTER_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/quorum.h"
#include "crypto/keyring.h"
#include "crypto/receipt.h"

enum { CLUSTER_NAME_MAX = 63, ADDRESS_MAX = 255, OPERATORS_MAX = 32, OBSERVERS_MAX = 4096, HOST_GLOBS_MAX = 256 };

struct cluster_member {
    struct public_key key;
    char peer[ADDRESS_MAX + 1], client[ADDRESS_MAX + 1], http[ADDRESS_MAX + 1];
};
enum operator_role { OPERATOR_ADMIN = 1, OPERATOR_DRILL = 2, OPERATOR_NOTIFY = 4 };
struct cluster_operator {
    char name[64];
    struct public_key key;
    unsigned roles;
};
struct cluster_observer {
    char name[64];
    struct public_key key;
    unsigned host_count;
    char **hosts; /* globs: '*' and '?' */
};
enum drills_mode { DRILLS_OFF, DRILLS_SANDBOX, DRILLS_LIVE };

/* Knobs of R15, all in ms or counts; one table in cluster.c gives names, defaults, bounds and help. */
struct protocol_knobs {
    uint32_t tick_ms, status_ms, request_timeout_ms, new_view_timeout_ms, timeout_cap_ms, resend_ms, silent_ms;
    uint32_t checkpoint_interval /* K */, window /* W */, in_flight /* L */, batch_max;
    uint32_t checkpoint_period_ms /* P, agreed time */, cluster_gap_ms;
    uint32_t quota_per_s, quota_burst; /* requests of one client */
};
struct cluster {
    char name[CLUSTER_NAME_MAX + 1];
    unsigned member_count;
    struct cluster_member members[MEMBERS_MAX];
    unsigned operator_count;
    struct cluster_operator operators[OPERATORS_MAX];
    unsigned observer_count;
    struct cluster_observer *observers;
    unsigned operators_needed;
    enum drills_mode drills;
    struct protocol_knobs knobs;
    time_ms t0;           /* genesis time, `genesis_ms` in the file */
    struct cluster_id id; /* hash of the canonical genesis: everything but addresses */
};
/* Reads and validates all; on error `why` holds one line a problem: "FILE:LINE: field: what is wrong: what to do". */
enum error cluster_load(struct cluster **out, const char *path, struct buffer *why);
/* The same from text (tests, fuzzing); `path` is for messages. */
enum error cluster_parse(struct cluster **out, struct bytes text, const char *path, struct buffer *why);
void cluster_free(struct cluster *c);
/* cluster.yaml text of c with comments, readable back to an equal genesis. */
void cluster_write(struct buffer *out, const struct cluster *c);
/* Canonical genesis bytes (big-endian writer) and the id over them; cluster_parse fills id. */
void cluster_genesis(struct buffer *out, const struct cluster *c);
void cluster_set_id(struct cluster *c);
void cluster_verifier(struct verifier *out, const struct cluster *c); /* epoch 0 */
struct keyring *cluster_keyring(const struct cluster *c);             /* all keys of the genesis; caller frees */
struct protocol_knobs protocol_defaults(void);
void protocol_help(struct buffer *out); /* the table as text: `quorated --help-protocol` */
/* Shell-like glob: '*' any run, '?' one byte; no other magic. */
bool host_glob_match(const char *glob, const char *host);
/* May the observer speak for the host? */
bool cluster_observer_may(const struct cluster_observer *o, const char *host);

#endif
