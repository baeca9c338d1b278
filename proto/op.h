/* Operations that clients, operators and replicas ask for, and what comes out: replies and alerts. Text is
   NUL-terminated, valid UTF-8, bounded; lists are bounded. Everything points into the arena or the frame. */
#ifndef QUORATE_PROTO_OP_H
#define QUORATE_PROTO_OP_H

#include "proto/command.h"
#include "proto/drill.h"
#include "proto/msg.h"

enum {
    NAME_MAX_LEN = 255, /* host, service, contact, command names: bytes without NUL */
    OBSERVER_NAME_MAX = 63,
    OUTPUT_MAX_LEN = 8192, /* plugin output or perfdata */
    OBSERVE_MAX = 256,     /* results of one bundle */
    BLOB_MAX_LEN = 60 * 1024,
    OBJECTS_MAX_LEN = 64 << 20,
    QUERY_PAGE_MAX = 64,
    EVIDENCE_FRAMES_MAX = 6,              /* a RECEIPT and F others */
    EVIDENCE_STAGED_MAX = (4 << 20) + 64, /* bytes of frames too large for a request: two NEW-VIEWs as blocks */
    BLOB_INDEX_MAX = 0xffff,
    VOTES_MAX = 1024, /* votes, dissenting observers and contacts of one alert or status line */
    CONTACT_COMMANDS_MAX = 256,
    REPLY_VALUE_MAX = 1 << 20,
    VOTE_STATE_MAX = 4, /* STATE_PENDING */
    /* What an observer's score is made of (R9). */
    SCORE_MAX = 50,
    SCORE_ROUNDS_MAX = 1000000, /* where the counters of rounds stop */
    PROBATION_MAX = 50 << 7,
    NOTIFY_NAME_MAX = 64,
};

enum op_kind {
    OP_OBSERVE = 1,
    OP_TICK = 2,
    OP_BLOB = 3,
    OP_APPLY = 4,
    OP_QUERY = 5,
    OP_EVIDENCE = 6,
    OP_COMMAND = 7,
    OP_NOTIFIED = 8,
    OP_DRILL = 9,
    OP_DRILL_STOP = 10,
    OP_DRILL_DONE = 11
};
const char *op_kind_name(enum op_kind k);

struct observation {
    const char *host, *service; /* service "" = a host result */
    uint64_t obs_seq;           /* (agent start ms << 20) + counter; fixed when the result is made */
    uint8_t state; /* 0..3, host 0 UP, 1 DOWN, 2 UNREACHABLE; other values travel and are refused by name */
    const char *output, *perfdata;
    time_ms observed_at;
};
/* Digest of what an observer said under one obs_seq: {host, service, obs_seq, state, output, perfdata, observed_at}.
   Two different ones under one key, host, service and obs_seq convict the key (EV12). */
struct digest observation_digest(const struct observation *o);
/* Order of places: obs_seq, host, service; 0 when two results stand in one place. A decoded bundle names each once. */
int observation_place_compare(const struct observation *a, const struct observation *b);

struct op_observe {
    unsigned count;
    const struct observation *list;
};
/* Pointers to op's results into out, which has room for op->count of them, in order of place. */
void observations_by_place(const struct observation **out, const struct op_observe *op);
struct op_tick {
    uint64_t boot, counter;
    time_ms wall;
    view_no view;
    bool voting;
};
struct op_blob {
    struct digest whole;
    uint32_t index;
    struct bytes part;
}; /* part index of the bytes whose digest is whole */
struct op_apply {
    struct digest whole;
    uint64_t length;
    struct digest base;
    bool prune;
}; /* base: digest of the objects in force, zero at first */
enum query_kind {
    QUERY_STATUS = 1,
    QUERY_OBJECTS_DIGEST = 2,
    QUERY_OBJECTS = 3,
    QUERY_EVIDENCE = 4,
    QUERY_NOTES = 5,
    QUERY_NOTIFIED = 6,
    QUERY_DRILLS = 7
};
struct op_query {
    enum query_kind kind;
    const char *host, *service;             /* "" = all; QUERY_STATUS of one host lists the host and its services */
    const char *after_host, *after_service; /* page: what sorts after this; "" "" = from the start */
    uint32_t limit;                         /* 1..QUERY_PAGE_MAX */
    uint64_t offset;                        /* QUERY_OBJECTS: byte offset into the canonical objects; QUERY_EVIDENCE,
                                               QUERY_DRILLS: records to leave out; QUERY_NOTES: ids above it */
};
/* The numbers of R10; proto/evidence.h says what each one proves. */
enum evidence_kind {
    EV_EQUIV_PP = 1,
    EV_EQUIV_PREPARE,
    EV_EQUIV_COMMIT,
    EV_EQUIV_CKPT,
    EV_BAD_CKPT,
    EV_VC_OMISSION,
    EV_BAD_VC,
    EV_BAD_NV,
    EV_EQUIV_NV,
    EV_EQUIV_VC,
    EV_TICK_EQUIV,
    EV_OBS_EQUIV,
    EV_CLIENT_EQUIV,
    EV_BAD_RECEIPT,
    EV_KIND_LIMIT
};
/* The frames themselves, or, when they are too large for a request, the digest and length of them as blocks (u32
   length, frame), staged by BLOBs of the same key before. */
struct op_evidence {
    enum evidence_kind kind;
    unsigned count; /* 0: staged */
    struct bytes frames[EVIDENCE_FRAMES_MAX];
    struct digest whole; /* DIGEST_EVIDENCE; zero unless staged */
    uint64_t length;
};

/* What was proven against whom: one record for each culprit and kind, and another one for what it did as a drill asked
   it to, in replicated state and as a QUERY answers it. */
struct evidence_record {
    struct public_key culprit;
    enum evidence_kind kind;
    uint64_t count;         /* at most one counts in K batches */
    seq_no first_n, last_n; /* batches that executed the first and the last of them */
    time_ms first_t, last_t;
    view_no v; /* place of the last, as evidence_verify names it: later ones lie above it */
    seq_no n;
    member_id accuser;                  /* of the first; MEMBER_NONE: found in the log itself */
    struct digest first_frames, frames; /* DIGEST_EVIDENCE of the frames as blocks; zero: in the log itself */
    uint64_t drill; /* 0: it lied. Otherwise the newest drill that made it, and all else in here is of that drill */
};
/* Fixed width, one after the other in query_page.part. */
void evidence_record_encode(struct buffer *out, const struct evidence_record *e);
enum error evidence_record_decode(struct evidence_record *out, struct reader *r);

/* Alerts first..last are done with for a handler of notify.yaml: handed over, or not wanted by it. */
struct op_notified {
    uint64_t first, last;
    const char *handler, *instance; /* notify_name_valid */
};
/* 1..NOTIFY_NAME_MAX letters, digits, '.', '_', '-'. */
bool notify_name_valid(const char *name);
/* What was recorded of one handler, in replicated state and as a QUERY answers it, one after the other in
   query_page.part. */
struct notified_record {
    uint64_t upto; /* every alert up to this one is done with */
    time_ms at;    /* agreed time of the last record */
    char handler[NOTIFY_NAME_MAX + 1], instance[NOTIFY_NAME_MAX + 1];
};
void notified_record_encode(struct buffer *out, const struct notified_record *n);
enum error notified_record_decode(struct notified_record *out, struct reader *r);

struct request {
    struct public_key client;
    uint64_t req_seq;
    enum op_kind kind;
    union {
        struct op_observe observe;
        struct op_tick tick;
        struct op_blob blob;
        struct op_apply apply;
        struct op_query query;
        struct op_evidence evidence;
        struct op_command command;
        struct op_notified notified;
        struct op_drill drill;
        struct op_drill_stop drill_stop;
        struct op_drill_done drill_done;
    };
    struct digest digest; /* DIGEST_REQUEST over the whole frame */
    struct bytes frame;   /* the whole frame */
};

/* Seals a request frame: body = client[32] | req_seq u64 | protobuf op. Appends to out. kind and the union member are
 * read. */
void request_seal(struct buffer *out, const struct request *r, const struct cluster_id *cluster,
                  const struct secret_key *sk);
/* f->type is FRAME_REQUEST. No signature work. Results of OBSERVE keep states as sent (judged at execution). */
enum error request_decode(struct request *out, const struct frame *f, struct arena *arena);
/* A request that owns itself: one heap block chain holding the frame's copy and everything decoded from it. Freed by
   request_free. raw must be a REQUEST frame. */
enum error request_new(struct request **out, struct bytes raw);
void request_free(struct request *r);

/* ---- outputs: leaves of the receipt's tree. First byte of a leaf: enum output_kind. ---- */
enum output_kind { OUTPUT_REPLY = 1, OUTPUT_ALERT = 2 };

struct refused_entry {
    uint32_t index;
    enum error reason;
};
struct reply {
    struct public_key client;
    uint64_t req_seq;
    struct digest request; /* digest of the request answered */
    enum error result;     /* ERR_OK: took effect (entries may be refused one by one) */
    uint32_t accepted;     /* OBSERVE: entries taken */
    unsigned refused_count;
    const struct refused_entry *refused;
    struct bytes value; /* QUERY: a query_page; APPLY: text of what is wrong, if refused; COMMAND, DRILL,
                              DRILL_STOP: what it did or why not, a line each */
};
void reply_encode(struct buffer *out, const struct reply *r);
enum error reply_decode(struct reply *out, struct bytes leaf, struct arena *arena);

enum alert_type {
    ALERT_PROBLEM = 1,
    ALERT_RECOVERY,
    ALERT_ACKNOWLEDGEMENT,
    ALERT_FLAPPINGSTART,
    ALERT_FLAPPINGSTOP,
    ALERT_FLAPPINGDISABLED,
    ALERT_DOWNTIMESTART,
    ALERT_DOWNTIMEEND,
    ALERT_DOWNTIMECANCELLED,
    ALERT_CUSTOM,
    ALERT_DISSENT,
    ALERT_SYSTEM,
    ALERT_TYPE_LIMIT
};
const char *alert_type_name(enum alert_type t); /* "PROBLEM" */
enum service_state { STATE_OK = 0, STATE_WARNING = 1, STATE_CRITICAL = 2, STATE_UNKNOWN = 3, STATE_PENDING = 4 };
enum host_state { HOST_UP = 0, HOST_DOWN = 1, HOST_UNREACHABLE = 2, HOST_PENDING = 4 };
const char *state_name(bool is_host, unsigned state); /* "CRITICAL", "DOWN", "PENDING" */

struct vote_view { /* one observer's vote as people see it */
    const char *observer;
    uint8_t state; /* STATE_PENDING: never reported */
    bool fresh, masked, convicted;
    const char *output; /* first line, at most 256 bytes in alerts */
    uint64_t obs_seq;
    time_ms accepted_at; /* T of acceptance, 0 if never */
    time_ms observed_at;
    /* its score on the object; all 0 and "" for who never dissented */
    const char *masked_by;      /* the operator who masked it; "" = by its score, or not masked */
    uint32_t score;             /* 0..SCORE_MAX; masked by it: the agreeing rounds still to come */
    uint32_t rounds, disagreed; /* rounds judged since the score was 0, and those in which it dissented */
    uint32_t probation;         /* rounds left in which half the score masks it again */
    time_ms disagreed_at;       /* when it gave the last vote that cost it, 0: none */
    time_ms masked_since;       /* 0: it is not masked */
};
struct alert_contact {
    const char *name, *alias, *email, *pager;
    unsigned command_count;
    const char *const *commands; /* names of the notification commands for this object kind */
};
struct alert {
    uint64_t number; /* 1, 2, 3 ... without gaps */
    seq_no n;
    time_ms t;
    enum alert_type type;
    const char *host, *host_alias, *host_address;
    const char *service, *service_display; /* service "" = about the host (or the cluster for SYSTEM) */
    uint8_t state, last_state, host_state;
    bool hard;
    uint32_t attempt, max_attempts;
    uint32_t notification_number;
    time_ms since; /* when this state began */
    const char *output, *perfdata;
    uint32_t quorum, observers; /* q and m */
    unsigned vote_count;
    const struct vote_view *votes;
    unsigned contact_count;
    const struct alert_contact *contacts;
    const char *author, *comment; /* of acknowledgement, downtime, custom; "" otherwise */
};
void alert_encode(struct buffer *out, const struct alert *a);
enum error alert_decode(struct alert *out, struct bytes leaf, struct arena *arena);
/* ERR_MALFORMED when it is neither. */
enum error output_kind_of(enum output_kind *out, struct bytes leaf);

/* ---- what a QUERY answers (reply.value) ---- */
struct object_status {
    const char *host, *service; /* service "" = host line */
    uint8_t state, verdict;     /* verdict: of the votes now; STATE_PENDING before the first */
    bool hard, undecided, flapping, acknowledged, uncorroborated;
    uint32_t attempt, max_attempts, downtime_depth;
    uint32_t quorum, observers;
    time_ms since;
    const char *output, *perfdata;
    unsigned vote_count;
    const struct vote_view *votes;
    unsigned dissent_count;
    const char *const *dissent; /* observers that see a problem which fewer than q see, or
                                   contradict the verdict */
};
enum note_kind { NOTE_COMMENT = 1, NOTE_ACKNOWLEDGEMENT = 2, NOTE_DOWNTIME = 3, NOTE_KIND_LIMIT };
struct note_view { /* what an operator attached to an object */
    uint64_t id;
    enum note_kind kind;
    const char *host, *service; /* service "" = of the host */
    const char *author;         /* in the words of the command */
    const char *by;             /* the operator whose key signed it */
    const char *comment;
    time_ms at;
    time_ms start, end; /* of a downtime; end of an acknowledgement: when it expires, 0 = never */
    time_ms duration;   /* of a flexible downtime */
    uint64_t trigger;   /* the downtime that begins it, 0 = none */
    bool fixed;
    bool in_effect;  /* the downtime has begun, the acknowledgement holds */
    bool persistent; /* the comment outlives its acknowledgement */
};
struct query_page {
    seq_no n;
    time_ms t;
    struct digest objects; /* digest of the objects in force */
    uint64_t objects_length;
    bool more; /* further pages follow */
    unsigned count;
    const struct object_status *list;
    struct bytes part; /* QUERY_OBJECTS; QUERY_EVIDENCE, QUERY_NOTIFIED, QUERY_DRILLS: records */
    unsigned note_count;
    const struct note_view *notes; /* QUERY_NOTES */
};
void query_page_encode(struct buffer *out, const struct query_page *p);
enum error query_page_decode(struct query_page *out, struct bytes value, struct arena *arena);

#endif
