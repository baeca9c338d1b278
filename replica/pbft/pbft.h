/* The door of the protocol (PBFT with signatures; rules R0-R17 in docs/PROTOCOL.md). Pure: an event in, an ordered list
   of actions out. Same state and same event give the same state and the same actions, byte for byte.

   Laws: actions are performed in list order; nothing after a PERSIST leaves before it is durable; the records of one
   step are written together, all or none (a host may gather the actions of several steps, make all their records
   durable in one write, then do the rest in order). Event memory is borrowed for the call, except a request, whose
   ownership passes. Action memory lives until the next step. What peers send is rejected with a reason, never asserted
   upon. */
#ifndef QUORATE_REPLICA_PBFT_H
#define QUORATE_REPLICA_PBFT_H

#include "base/error.h"
#include "proto/op.h"

struct pbft;

struct pbft_config {
    struct verifier verifier; /* cluster id, epoch, members and their keys */
    member_id self;
    struct secret_key secret;
    uint32_t checkpoint_interval, window, in_flight, batch_max; /* K, W, L, B_max */
    mono_ms checkpoint_period;                                  /* P, in agreed time */
    mono_ms status_interval, resend_interval, request_timeout, new_view_timeout, timeout_cap, silent_timeout;
    size_t pool_max; /* requests held */
    size_t pool_per_client_max;
};

/* ---- records (R14): what must survive a crash. Keys are made by pbft; the host stores them by kind. A key that is not
   empty starts with a big-endian u64, so that FORGET is a range. The numbers give the order of the restart. ---- */
enum pbft_record {
    RECORD_CERT = 1, /* key: empty; value: checkpoint_cert of c */
    RECORD_STABLE,   /* key: empty; value: checkpoint_cert of h */
    RECORD_VIEW,     /* key: empty; value: view, my wish, own VIEW-CHANGE frame */
    RECORD_NEW_VIEW, /* key: v; value: whole NEW-VIEW frame; the newest is kept */
    RECORD_GUARD,    /* key: n u64, type u8, v u64 (n = all ones for VIEW-CHANGE and NEW-VIEW); value: digest of the
                        signed body. I5 */
    RECORD_ACCEPT,   /* key: n, v; value: PRE-PREPARE header and signature, batch (empty: not held yet), signature of
                        the own PREPARE (none for the primary) */
    RECORD_PREPARED, /* key: n; value: prepared_entry, signature of the own COMMIT; highest view wins */
    RECORD_OWN_CHECKPOINT, /* key: n; value: statement and own signature, none if no vote was allowed then */
    RECORD_DECIDED,        /* key: n; value: DECISION body; kept for retention. Stored after the requests it names */
    RECORD_REQUEST,        /* key: request digest; value: whole request frame */
    RECORD_AMNESIAC,       /* key: empty; value: 1. The key signed what this disk does not know: it never votes again */
    RECORD_WISH,           /* key: empty; value: my wish. Those who left on it must find it again after my restart */
    RECORD_FAULTED,        /* key: n u64, type u8, v u64, digest as in GUARD; value: 1, of a NEW-VIEW the digest of its
                              core. A drill signed it, the core did not */
    RECORD_KIND_LIMIT
};

enum pbft_lane { /* who asks: each has room of its own in the pool (R3) */
                 PBFT_LANE_CLIENT,
                 PBFT_LANE_OPERATOR,
                 PBFT_LANE_MEMBER,
                 PBFT_LANES
};

enum pbft_event_kind {
    PBFT_START,        /* after every record was restored and replayed; once */
    PBFT_RECEIVE,      /* msg: authenticated by admit */
    PBFT_REQUEST,      /* request: decoded, signature valid, judged NEW by the ledger; ownership passes */
    PBFT_EXECUTED,     /* answer to EXECUTE: n, t, log_hash, and what it completed */
    PBFT_CHECKPOINTED, /* answer to CHECKPOINT: checkpoint holds root, log_hash, t, cfg_digest; records are durable with
                          this turn */
    PBFT_TRANSFERRED,  /* after TRANSFER: the state of a certified checkpoint is in force, with this turn's records */
    PBFT_TIMEOUT,      /* now >= pbft_deadline */
};
/* (client, req_seq) was named by an executed batch; no request of that client up to `old` is judged NEW any more. */
struct pbft_done {
    struct public_key client;
    uint64_t req_seq, old;
    bool fresh;    /* it took effect now, not in an earlier batch */
    time_ms ready; /* agreed time from which the client has tokens; in the past: it has some */
};
struct pbft_event {
    enum pbft_event_kind kind;
    mono_ms now;
    time_ms wall; /* for STATUS only: shown, never judged */
    union {
        const struct msg *msg;
        struct {
            struct request *request;
            bool settled; /* the ledger no longer judges it NEW: given because pbft_wanted, never pending */
            enum pbft_lane lane;
            time_ms ready; /* as in pbft_done */
        };
        struct {
            seq_no n;
            time_ms t;
            struct digest log_hash;
            size_t done_count;
            const struct pbft_done *done; /* leave the pool, whatever their digest */
        } executed;
        const struct checkpoint *checkpoint;
        struct {
            const struct checkpoint_cert *cert; /* n is not below what was asked for */
            size_t done_count;
            const struct pbft_done *done; /* held requests, judged anew */
        } transferred;
    };
};

enum pbft_action_kind {
    PBFT_PERSIST,       /* record, key, value: durable (sync) before anything later leaves; value.data NULL = delete */
    PBFT_STORE,         /* the same without sync: may be lost in a crash (DECIDED) */
    PBFT_SEND,          /* frame to every member of `to` */
    PBFT_EXECUTE,       /* n, batch kind, requests[count] in batch order; answer with PBFT_EXECUTED */
    PBFT_CHECKPOINT_AT, /* flush the state as of n; answer with PBFT_CHECKPOINTED before any further EXECUTE */
    PBFT_FORGET,        /* delete records of `record` with key n <= n (a range) */
    PBFT_SERVE_DECISIONS, /* send DECIDED records first..last that the store holds, as sealed DECISION frames, to `to`
                             (at most what fits a turn), after DATA with the requests they name */
    PBFT_SERVE_DATA,      /* send the stored requests with these digests, as a DATA frame, to `to`; the own id in `to`:
                             feed them as PBFT_REQUEST */
    PBFT_TRANSFER,        /* look for a certified state of n or above and bring it into force, then PBFT_TRANSFERRED;
                             n 0: no more. damaged: the own state is not the cluster's, never to be executed on */
    PBFT_STABLE,          /* h = n is stable: for host and metrics */
    PBFT_TRACE,           /* text: one stable line for people, scripts and the log, such as "view 3 active" */
    PBFT_EVIDENCE,        /* a member contradicted itself: evidence, frames[count]; the host may accuse it (R10) */
    PBFT_SAFETY_BREACH, /* two quorums decided differently: text, and frames[count] that show both sides; the host saves
                           them and stops */
};
struct pbft_action {
    enum pbft_action_kind kind;
    enum pbft_record record;
    struct bytes key, value; /* PERSIST, STORE */
    member_set to;
    struct bytes frame; /* SEND */
    seq_no n, first, last;
    bool damaged; /* TRANSFER */
    enum batch_kind batch_kind;
    struct digest batch_digest; /* EXECUTE */
    size_t count;
    const struct request *const *requests; /* EXECUTE */
    const struct digest *digests;          /* SERVE_DATA */
    enum evidence_kind evidence;           /* EVIDENCE */
    const struct bytes *frames;            /* EVIDENCE, SAFETY_BREACH: whole frames of others */
    const char *text;
};
struct pbft_actions {
    size_t count;
    const struct pbft_action *list;
};

struct pbft *pbft_new(const struct pbft_config *config);
void pbft_free(struct pbft *p);

/* Restart: every stored record but DECIDED and REQUEST is given once, kinds in the order of their numbers, keys in
   order within one; then pbft_restore_state with the checkpoint whose state the host has; then pbft_restore_executed
   with the place that the host's replay of DECIDED reached (n 0, T_0 and a zero hash at first; never skipped); then
   PBFT_START. ERR_CORRUPT stops the process. A DECIDED record has all its requests stored before it, in the same turn
   or an earlier one. */
enum error pbft_restore(struct pbft *p, enum pbft_record record, struct bytes key, struct bytes value);
/* True: that state is no use (damaged, or not what was signed or certified for n): nothing may be executed on it. */
bool pbft_restore_state(struct pbft *p, seq_no n, const struct digest *root, bool damaged);
void pbft_restore_executed(struct pbft *p, seq_no n, time_ms t, const struct digest *log_hash);

/* One step. Frees or keeps what it was given; *out lives until the next step. Calls pbft_check before it returns. */
void pbft_step(struct pbft *p, const struct pbft_event *event, struct pbft_actions *out);
void pbft_check(const struct pbft *p);
/* The next moment at which a PBFT_TIMEOUT is due. */
mono_ms pbft_deadline(const struct pbft *p);

/* For STATUS, metrics and requests in hand. */
struct pbft_view {
    view_no view;
    enum phase phase;
    member_id primary;
    seq_no executed, certified, stable, next;
    struct digest stable_root;
    view_no wish;
    size_t pool;      /* requests held */
    unsigned backoff; /* timers are 2^backoff times as long as at rest */
    uint64_t view_changes;
    uint64_t fetched;            /* batches and decisions that others gave when asked */
    bool amnesiac;               /* the disk lacks what the key signed: LEARNER for ever */
    uint64_t boot_claimed;       /* highest boot number seen under the own key that this disk never counted; 0: none */
    uint64_t refused[ERR_LIMIT]; /* messages the core refused, by reason */
};
void pbft_inspect(const struct pbft *p, struct pbft_view *out);
/* Held by digest (pool or accepted batch): borrowed until the next step, NULL if not. */
const struct request *pbft_request(const struct pbft *p, const struct digest *digest);
/* Is it held, and may it still be executed for all that this replica knows? Not so a second content of its number that
   no batch names. */
bool pbft_awaits(const struct pbft *p, const struct digest *digest);
/* Does an accepted, waiting or decided batch name this request while its payload is missing? Such a request is fed as
   PBFT_REQUEST whatever the ledger judges (settled when not NEW). */
bool pbft_wanted(const struct pbft *p, const struct digest *digest);
/* Should a client's new request be turned away for now? So a queue that grows never ages into suspicion of a correct
   primary (R3). */
bool pbft_busy(const struct pbft *p);
/* The certificate of h; n == 0: the genesis. */
const struct checkpoint_cert *pbft_stable_cert(const struct pbft *p);
/* The requests that wait to be ordered, one after the other: *place is 0 at first; NULL: no more. */
const struct request *pbft_pending(const struct pbft *p, size_t *place);
/* The held request of that client and number, NULL if none: a second one with another digest is evidence. */
const struct request *pbft_request_by_seq(const struct pbft *p, const struct public_key *client, uint64_t req_seq);

/* A drill is about to send this frame under the own key; the core never made it (R13). Called between steps. ERR_OK: it
   may leave as soon as *record is durable (key empty: nothing to be remembered, what it says is known, final or binds
   nobody). It must not leave at all with ERR_TOO_MANY: no room to remember it, until h moves on; ERR_FORBIDDEN: it
   tells of a boot or a STATUS that never was; ERR_OUT_OF_RANGE: of a place above c + 2 W, or a view more than
   PBFT_FAULTED_VIEWS above the own one, where it would be remembered, and answered for, for ever. durable: every
   record handed out before is. The record's memory lives until the next call. */
enum error pbft_faulted(struct pbft *p, struct bytes frame, bool durable, struct pbft_action *record);
enum { PBFT_FAULTED_VIEWS = 4 }; /* what a storm of VIEW-CHANGEs is made of */
/* How far what is remembered of drills goes: the highest place of a statement, the highest view of a VIEW-CHANGE or
   NEW-VIEW; 0: none. */
void pbft_faulted_reach(const struct pbft *p, seq_no *n, view_no *v);

/* STATUS fields that only the host knows; read when the core sends STATUS. The host fills it before any step. */
struct pbft_host_facts {
    uint64_t boot, boot_random;
    uint64_t alerts;
    time_ms t;
    struct digest log_hash;
    member_set suspects;
    char version[32];
    seq_no transfer_target; /* the checkpoint being fetched, 0: no donor found */
};
void pbft_set_facts(struct pbft *p, const struct pbft_host_facts *facts);
/* A sealed STATUS frame as of now, for a client that asks; lives until the next step or call. */
struct bytes pbft_status_frame(struct pbft *p, time_ms wall);

#endif
