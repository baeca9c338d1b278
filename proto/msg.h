/* Protocol messages as the core sees them: decoded, bounded, their own signature verified. Everything they point
   to is borrowed from the frame's bytes or from the arena they were decoded into. */
#ifndef QUORATE_PROTO_MSG_H
#define QUORATE_PROTO_MSG_H

#include "base/quorum.h"
#include "crypto/receipt.h"
#include "proto/frame.h"

enum {
    BATCH_REFS_MAX = 512, /* B_max */
    WINDOW_MAX = 256,     /* W */
    BATCH_PAYLOAD_MAX = 1 << 20,
    FETCH_MAX = 512,             /* digests of one FETCH */
    OUTPUTS_MAX = 4096,          /* outputs of one OUTPUTS */
    OUTPUT_LEAF_MAX = 1 << 20,   /* bytes of one leaf */
    EVIDENCE_PART_MAX = 1 << 18, /* bytes of one EVIDENCE */
};
/* Highest n, view, req_seq and their kin that a decoder takes: sums of two never wrap. */
#define NUMBER_MAX (UINT64_C(1) << 62)
/* Latest time that a decoder takes: the last millisecond of the year 9999. */
#define TIME_MAX_MS INT64_C(253402300799999)

/* --- batches: fixed width, canonical: kind u8 | count u16 | refs (client[32] | req_seq u64 | digest[32]) --- */
enum batch_kind { BATCH_NORMAL = 0, BATCH_NULL = 1 };
struct request_ref {
    struct public_key client;
    uint64_t req_seq;
    struct digest digest; /* of the request's whole frame, DIGEST_REQUEST */
};
struct batch {
    enum batch_kind kind;
    unsigned count;                 /* 0 for NULL; a NORMAL batch has at least one */
    const struct request_ref *refs; /* no two with one (client, req_seq) */
};
void batch_encode(struct buffer *out, const struct batch *b);
/* ERR_MALFORMED, ERR_TOO_MANY, ERR_NOT_CANONICAL (repeated reference). refs live in the arena. */
enum error batch_decode(struct batch *out, struct bytes bytes, struct arena *arena);
struct digest
batch_digest(struct bytes encoded); /* DIGEST_BATCH; the digest of an encoded NULL batch is the NULL digest */
struct digest batch_null_digest(void);

/* --- fixed-width statements --- */
struct vote { /* PRE-PREPARE header, PREPARE, COMMIT: v u64 | n u64 | d[32] | nv_digest[32] */
    view_no v;
    seq_no n;
    struct digest d, nv_digest; /* nv_digest: the NEW-VIEW that installed v, zero in view 0 */
};
void vote_encode(uint8_t out[VOTE_BODY_LEN], const struct vote *v);
void vote_decode(struct vote *out, const uint8_t in[VOTE_BODY_LEN]);
bool vote_equal(const struct vote *a, const struct vote *b);

struct checkpoint { /* n u64 | root[32] | log_hash[32] | t i64 | cfg_digest[32] | stop_seq u64 */
    seq_no n;
    struct digest root, log_hash;
    time_ms t;
    struct digest cfg_digest;
    seq_no stop_seq; /* 0, or the pending end of the epoch */
};
enum { CHECKPOINT_BODY_LEN = 120 };
void checkpoint_encode(uint8_t out[CHECKPOINT_BODY_LEN], const struct checkpoint *c);
void checkpoint_decode(struct checkpoint *out, const uint8_t in[CHECKPOINT_BODY_LEN]);
bool checkpoint_equal(const struct checkpoint *a, const struct checkpoint *b);

struct member_signature { /* a vote of a certificate, its statement rebuilt from the context */
    member_id member;
    struct signature sig;
};
struct checkpoint_cert { /* Q equal CHECKPOINTs; n == 0: the genesis, no signatures */
    struct checkpoint statement;
    unsigned count;
    struct member_signature sigs[MEMBERS_MAX]; /* sorted, distinct */
};

/* --- the rest --- */
enum wish_reason { WISH_REQ_TIMEOUT = 1, WISH_SILENT, WISH_SLOW, WISH_PROOF, WISH_NV_TIMEOUT, WISH_AMPLIFY };
struct msg_wish {
    view_no target;
    enum wish_reason reason;
};

struct prepared_entry {                            /* one entry of P */
    struct vote statement;                         /* v here is u, the view it prepared in */
    struct signature pp_sig;                       /* by primary(u) over the PRE-PREPARE header */
    unsigned count;                                /* */
    struct member_signature prepares[MEMBERS_MAX]; /* sorted, distinct, none by primary(u) */
};
struct msg_view_change {
    view_no v;
    struct checkpoint_cert c;
    unsigned count;
    const struct prepared_entry *p; /* sorted by n, at most WINDOW_MAX */
};
struct new_view_slot {
    seq_no n;
    struct digest d;
    struct signature pp_sig;
};
struct msg_new_view {
    view_no v;
    struct digest digest;  /* nv_digest = H(core bytes) */
    unsigned vc_count;     /* Q, sorted by sender */
    const struct msg *vcs; /* decoded VIEW-CHANGE messages, their frames inside */
    unsigned slot_count;
    const struct new_view_slot *slots; /* O: n consecutive from min_s+1 */
    struct bytes core;
};
enum phase {
    PHASE_STARTING,
    PHASE_RECALL,
    PHASE_ACTIVE,
    PHASE_CHANGING,
    PHASE_REPAIR,
    PHASE_TRANSFER,
    PHASE_LEARNER,
    PHASE_TILT
};
const char *phase_name(enum phase p); /* "ACTIVE" */
struct status_echo {                  /* the newest STATUS heard of a member: round trips are measured by it */
    uint64_t counter;                 /* 0: none */
    uint32_t held_ms;                 /* heard so long ago */
};
struct msg_status {
    uint64_t boot, boot_random, counter;
    view_no view;
    enum phase phase;
    seq_no executed, certified, stable; /* last_exec, c, h */
    struct digest log_hash;             /* at executed */
    struct digest state_root;           /* at stable */
    view_no wish;
    uint8_t prepared[WINDOW_MAX / 8], committed[WINDOW_MAX / 8]; /* bit i: slot certified+1+i */
    time_ms t;                                                   /* agreed time at executed */
    time_ms wall;                                                /* own clock */
    uint64_t alerts;                                             /* alerts raised so far: the highest number */
    char version[32];
    member_set suspects;                  /* members whose receipts or checkpoints contradicted f+1 others */
    struct status_echo echo[MEMBERS_MAX]; /* by member */
};
struct msg_fetch {
    unsigned count;
    const struct digest *digests;
};                /* of requests or batches */
struct msg_data { /* whole request frames and encoded batches; believed by digest only */
    unsigned request_count;
    const struct bytes *requests;
    unsigned batch_count;
    const struct bytes *batches;
};
struct msg_fetch_decision {
    seq_no first, last;
};
struct msg_decision { /* one decided batch with its Q COMMITs */
    struct vote statement;
    struct bytes batch;
    unsigned count;
    struct member_signature commits[MEMBERS_MAX];
};
enum cert_kind { CERT_CHECKPOINT = 1, CERT_NEW_VIEW = 2, CERT_EPOCH = 3 };
struct msg_fetch_cert {
    enum cert_kind kind;
    uint64_t at_least;
}; /* n or view */
struct msg_cert {
    enum cert_kind kind;
    struct checkpoint_cert checkpoint;
    struct bytes new_view; /* whole frame */
};
/* State transfer (R7): an image of the state as of a certified checkpoint n, fetched from the root downwards. A page is
   a bucket's records in the order of their keys, each two blocks: key, value. */
enum {
    ST_LEAVES = 256,        /* leaves of a mid, mids of a root */
    ST_NODES_MAX = 16,      /* mids of one NODE */
    ST_PAGES_MAX = 256,     /* buckets of one PAGES */
    ST_PART_MAX = 1 << 20,  /* bytes of pages in one frame */
    ST_PAGE_MAX = 16 << 20, /* bytes of one page */
};
enum st_kind { ST_META = 1, ST_NODE, ST_PAGES, ST_REFUSED };
struct msg_st_fetch {
    enum st_kind kind; /* META: of an image at n or above; NODE, PAGES: of the image at n */
    seq_no n;
    uint32_t offset; /* PAGES: where to go on in the one page asked for */
    unsigned count;
    const uint16_t *indices; /* NODE: mids; PAGES: buckets; ascending */
    uint64_t nonce;          /* of this question; each of an asker is greater than the one before */
};
struct st_node {
    uint16_t mid;
    const struct digest *leaves; /* ST_LEAVES of them */
};
struct st_page {
    uint16_t bucket;
    uint32_t total, offset; /* of the page in bytes; where the part begins */
    struct bytes part;
};
struct msg_st_data {
    enum st_kind kind; /* REFUSED: there is no such image here, n is the newest there is, 0: none */
    seq_no n;
    const struct digest *mids; /* META: ST_LEAVES of them */
    struct checkpoint_cert cert;
    unsigned count; /* of nodes or pages: all that was asked for, or the first ones */
    const struct st_node *nodes;
    const struct st_page *pages;
    member_id to; /* who asked, and the nonce of the question: said to another or again, it says nothing */
    uint64_t nonce;
};
void st_page_put(struct buffer *page, struct bytes key, struct bytes value);
/* The next record; false when there is none that is whole. */
bool st_page_take(struct reader *page, struct bytes *key, struct bytes *value);
/* RECALL and its answer (R13). */
enum { RECALLED_MAX = 4 * WINDOW_MAX };
struct msg_recall {
    uint64_t boot, boot_random;
    seq_no n;     /* the asker's c */
    view_no view; /* and its view */
};
struct recalled { /* a statement that the asker signed */
    enum frame_type type;
    union {
        struct vote vote; /* PRE-PREPARE, PREPARE, COMMIT */
        struct checkpoint checkpoint;
    };
    struct signature sig;
};
struct msg_recalled {
    member_id to;
    uint64_t nonce; /* the asker's boot_random */
    bool answer;    /* to a RECALL: all that the answerer holds. Else a hint about STATUS alone */
    unsigned count;
    const struct recalled *statements;          /* ascending by (n, type) */
    struct bytes view_change, new_view, status; /* whole frames of the asker, empty if none */
};
seq_no recalled_n(const struct recalled *s);
/* What its signature covers; returns the length. */
size_t recalled_body(uint8_t out[CHECKPOINT_BODY_LEN], const struct recalled *s);

struct msg_relay {
    struct bytes request;
}; /* whole REQUEST frame, verified by admit */
struct msg_receipt {
    struct receipt_body body;
};
struct msg_pre_prepare {
    struct vote statement;
    struct bytes batch_bytes;
    struct batch batch;
};
struct msg_fetch_alerts {
    uint64_t after;
    uint32_t max;
    uint32_t wait_ms;
};                           /* alerts numbered > after */
struct output {              /* one output of a batch on its way to a client */
    struct bytes leaf;       /* proto/op.h: a reply or an alert, exactly the bytes signed over */
    struct certificate cert; /* may hold fewer than F receipts: the client joins several replicas' */
};
struct msg_outputs {
    uint64_t alerts; /* highest alert number the replica has raised */
    unsigned count;
    const struct output *list;
};
struct msg_fetch_evidence { /* of what a QUERY listed: culprit[32] | kind u8 | 1 last + 2 drilled u8 |
                               offset u32 */
    struct public_key culprit;
    uint8_t kind;
    bool last; /* the last that counted, else the first */
    uint32_t offset;
    bool drilled; /* of what a drill made it do */
};
struct msg_evidence { /* length u32 | offset u32 | part: of the frames as blocks */
    uint32_t length;  /* of all; 0: not held here */
    uint32_t offset;
    struct bytes part; /* at most EVIDENCE_PART_MAX */
};
struct msg_refusal {
    struct digest request;
    enum error reason;
};

struct msg {
    enum frame_type type;
    epoch_no epoch;
    member_id sender; /* MEMBER_NONE for what clients send */
    struct signature sig;
    struct bytes raw; /* the frame */
    union {
        struct msg_pre_prepare pre_prepare;
        struct vote vote; /* PREPARE, COMMIT */
        struct checkpoint checkpoint;
        struct msg_wish wish;
        struct msg_view_change view_change;
        struct msg_new_view new_view;
        struct msg_status status;
        struct msg_fetch fetch;
        struct msg_data data;
        struct msg_fetch_decision fetch_decision;
        struct msg_decision decision;
        struct msg_fetch_cert fetch_cert;
        struct msg_cert cert;
        struct msg_relay relay;
        struct msg_st_fetch st_fetch;
        struct msg_st_data st_data;
        struct msg_recall recall;
        struct msg_recalled recalled;
        struct msg_receipt receipt;
        struct msg_fetch_alerts fetch_alerts;
        struct msg_outputs outputs;
        struct msg_refusal refusal;
        struct msg_fetch_evidence fetch_evidence;
        struct msg_evidence evidence;
    };
};

#endif
