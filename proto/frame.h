/* The envelope (R1): magic "QR" | version u8 | type u8 | cluster_id[16] | epoch u32 | sender u16 | len u32 | body |
   sig[64]. Sealed once; the exact bytes travel, are stored, and convict. */
#ifndef QUORATE_PROTO_FRAME_H
#define QUORATE_PROTO_FRAME_H

#include "base/bytes.h"
#include "base/error.h"
#include "crypto/seal.h"

enum frame_type {
    FRAME_REQUEST = 1, /* signed by a client key: sender MEMBER_NONE, epoch 0 */
    FRAME_RELAY = 2,
    FRAME_FETCH = 3,
    FRAME_DATA = 4,
    FRAME_PRE_PREPARE = 5, /* signature covers the fixed-width header only; the batch is bound by its digest */
    FRAME_PREPARE = 6,
    FRAME_COMMIT = 7,
    FRAME_CHECKPOINT = 8,
    FRAME_WISH = 9,
    FRAME_VIEW_CHANGE = 10,
    FRAME_NEW_VIEW = 11,
    FRAME_STATUS = 12,
    FRAME_FETCH_DECISION = 13,
    FRAME_DECISION = 14,
    FRAME_FETCH_CERT = 15,
    FRAME_CERT = 16,
    FRAME_RECEIPT = 17,
    FRAME_RECALL = 18, /* after a start: what did I sign? (R13) */
    FRAME_RECALLED = 19,
    FRAME_ST_FETCH = 20, /* state transfer (R7) */
    FRAME_ST_DATA = 21,
    /* between clients and replicas; the unsigned ones carry a zero signature and are believed for nothing but
       what they prove themselves */
    FRAME_FETCH_ALERTS = 32,   /* unsigned, client -> replica */
    FRAME_FETCH_STATUS = 33,   /* unsigned, client -> replica; answered by FRAME_STATUS */
    FRAME_OUTPUTS = 34,        /* unsigned, replica -> client: outputs with paths and receipts */
    FRAME_REFUSAL = 35,        /* signed by the replica: why a request was not taken */
    FRAME_FETCH_EVIDENCE = 36, /* unsigned, client -> replica */
    FRAME_EVIDENCE = 37,       /* unsigned, replica -> client: a part of the frames that prove it */
    FRAME_TYPE_LIMIT = 40
};

enum { FRAME_HEADER_LEN = 30, FRAME_OVERHEAD = FRAME_HEADER_LEN + SIGNATURE_LEN, VOTE_BODY_LEN = 80 };

struct frame { /* borrowed from the bytes that were opened */
    enum frame_type type;
    struct cluster_id cluster;
    epoch_no epoch;
    member_id sender;
    struct bytes body;
    struct bytes signed_body; /* what the signature covers: body, or the header of a PRE-PREPARE */
    struct signature sig;
    struct bytes raw; /* all of it */
};

/* Largest whole frame of a type in bytes (R15): REQUEST 64 KiB, PRE-PREPARE 256 KiB, VIEW-CHANGE 256 KiB, NEW-VIEW 2
   MiB, DATA, DECISION, CERT, OUTPUTS 1 MiB+, the fixed ones their exact size; 0 for an unknown type. */
size_t frame_cap(enum frame_type type);
const char *frame_type_name(enum frame_type type); /* "PRE-PREPARE"; "?" if unknown */
bool frame_type_signed(enum frame_type type);

/* Takes raw apart; no signature work. ERR_TRUNCATED ERR_BAD_MAGIC ERR_BAD_VERSION ERR_BAD_TYPE ERR_OVERSIZED
 * ERR_TRAILING. */
enum error frame_open(struct frame *out, struct bytes raw);
/* Appends one sealed frame to out. context.type is the frame's type; sk NULL only for unsigned types. */
void frame_seal(struct buffer *out, const struct seal_context *context, struct bytes body, const struct secret_key *sk);
/* The same around a signature made before (stored frames, certificates taken apart). */
void frame_rebuild(struct buffer *out, const struct seal_context *context, struct bytes body,
                   const struct signature *sig);
/* ERR_FOREIGN_CLUSTER or ERR_BAD_SIGNATURE, else ERR_OK. */
enum error frame_verify(const struct frame *f, const struct cluster_id *cluster, const struct public_key *pk);

#endif
