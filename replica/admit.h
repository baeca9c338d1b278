/* Bytes in, an authenticated and bounded message out, or a named refusal (R1). Runs on any thread: everything it
   reads is immutable or locked. Nothing that it refuses reaches the core. */
#ifndef QUORATE_REPLICA_ADMIT_H
#define QUORATE_REPLICA_ADMIT_H

#include "proto/cluster.h"
#include "proto/codec.h"
#include "proto/op.h"
#include "replica/proven.h"

struct admit { /* built once at start, read by all threads */
    struct verifier verifier;
    const struct keyring *keys; /* of the genesis */
    member_id self;
    uint32_t window;
    struct proven *proven; /* NULL or: remembers what was proven; has a lock of its own */
};

struct admitted { /* one admitted frame; owns its bytes */
    struct arena arena;
    struct msg msg;             /* msg.type FRAME_REQUEST: see request */
    unsigned request_count;     /* REQUEST and RELAY: 1; DATA: as many as were valid */
    struct request **requests;  /* owned; a node takes them out and leaves NULL */
    enum evidence_kind accuses; /* 0, or what msg convicts its sender of */
    struct buffer raw;
};

/* raw is copied. peer door: members' frames, RELAY and DATA with the requests inside (each request's own signature is
   verified; a bad one inside DATA is dropped, inside RELAY refuses the frame). Inner proofs of VIEW-CHANGE, NEW-VIEW,
   DECISION, CERT are verified too. On refusal *out is NULL,
   except when a member signed a VIEW-CHANGE or NEW-VIEW whose proof is wrong: that comes with ERR_BAD_PROOF, says what
   it accuses, and goes to the node as evidence. */
enum error admit_peer(struct admitted **out, const struct admit *a, struct bytes raw);
/* Whether a frame at the peers' door may be one of this cluster's, without looking at what is signed. */
enum error admit_peer_glance(const struct admit *a, struct bytes raw);
/* client door: REQUEST, FETCH_ALERTS, FETCH_STATUS. */
enum error admit_client(struct admitted **out, const struct admit *a, struct bytes raw);
/* A REQUEST frame by itself (relays, data, replays): signature and, for EVIDENCE, the frames inside. */
enum error admit_request(struct request **out, const struct admit *a, struct bytes raw);
void admitted_free(struct admitted *x);

#endif
