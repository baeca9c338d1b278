/* What the files of this room share: the state of one replica and the verbs they lend each other. Nobody else includes
   this. Memory: the ring of slots, the ballots and the pool are sized at pbft_new; batches and requests come and go
   with the slots that hold them; what a step hands out lives in the outbox until the next step. */
#ifndef QUORATE_REPLICA_PBFT_CORE_H
#define QUORATE_REPLICA_PBFT_CORE_H

#include "base/invariant.h"
#include "base/quorum.h"
#include "proto/codec.h"
#include "proto/evidence.h"
#include "proto/proof.h"
#include "replica/pbft/faulted.h"
#include "replica/pbft/pbft.h"
#include "replica/pbft/request.h"

enum {
    VIEWS_KEPT = 3,       /* ballots of one sender, kind and slot: the current view and two ahead (R4) */
    SLOT_BATCHES_MAX = 4, /* batches that different views proposed for one n */
    BRIDGE_LEN = 32,      /* decisions fetched at a time when far behind (R7) */
    CHECKPOINTS_KEPT = 8, /* CHECKPOINTs kept per sender (R5) */
    CHECKPOINTS_RESENT = 4,
    RESEND_MAX = 64,         /* votes resent per STATUS */
    RESEND_BATCHES_MAX = 16, /* PRE-PREPAREs resent per STATUS */
    RELAYS_MAX = 64,         /* requests relayed per step */
    TICK_WAIT_MS = 50,       /* how long at most a pool of ticks waits for the other members' (R4) */
    BACKOFF_MAX = 16,
    TILT_GAP_MS = 2000, /* a pause of the host beyond this is TILT: no suspicion for so long */
    TILT_MS = 5000,
    CALM_MS = 10000,     /* progress that takes one doubling of the timers back (R6) */
    DATA_MAX = 1 << 20,  /* bytes of one DATA frame's content */
    DATA_FRAMES_MAX = 2, /* DATA frames per FETCH */
    /* Answers cost far more than questions: what one peer may ask for within a STATUS interval, in digests looked up.
     */
    ASKS_MAX = 2048,
    ASK_FETCH = 16,
    ASK_DECISIONS = 128,
    ASK_CERT = 64,
    NOTICE_MS = 1000, /* between two notices of one culprit and kind */
};

struct held_batch { /* a batch whose bytes are here; its requests may be missing */
    struct digest d;
    struct buffer bytes;
    struct arena arena;
    struct batch batch;
    bool naming; /* its requests are counted as named in the pool */
};

enum vote_kind { VOTE_PREPARE, VOTE_COMMIT, VOTE_KINDS };
struct ballot {
    bool held;
    struct vote statement;
    struct signature sig;
};

/* One place n of the log, in the current view:

       EMPTY ──accept──► ACCEPTED ──Q-1 PREPAREs──► PREPARED
         ▲                  │                          │
         └──── NEW-VIEW ────┴──────────────────────────┘

   and over all views:   OPEN ──Q COMMITs──► CHOSEN ──batch held──► DECIDED ──► EXECUTED */
enum slot_stage { STAGE_EMPTY, STAGE_ACCEPTED, STAGE_PREPARED, STAGES };
enum slot_fate { FATE_OPEN, FATE_CHOSEN, FATE_DECIDED, FATE_EXECUTED, FATES };

enum guard_kind { GUARD_PRE_PREPARE, GUARD_PREPARE, GUARD_COMMIT, GUARD_CHECKPOINT, SLOT_GUARDS };
struct guard { /* the last statement of its kind signed, I5 */
    bool held;
    view_no v;
    struct digest digest;
};

struct proposal { /* a PRE-PREPARE taken apart */
    bool held;
    struct vote statement;
    struct signature sig; /* by primary(statement.v) over the header */
};

struct slot {
    seq_no n; /* 0: unused */
    enum slot_stage stage;
    enum slot_fate fate;
    struct proposal accepted; /* STAGE_ACCEPTED and above */
    struct proposal waiting;  /* a PRE-PREPARE that waits for payload or for its NEW-VIEW (S5) */
    bool has_entry;
    struct prepared_entry entry; /* the P entry of the highest view that prepared here */
    struct vote chosen;          /* FATE_CHOSEN and above, with its Q COMMITs */
    unsigned commit_count;
    struct member_signature commits[MEMBERS_MAX];
    struct held_batch *batches[SLOT_BATCHES_MAX];
    struct guard guards[SLOT_GUARDS];
    struct ballot *ballots; /* [kind][member][v mod VIEWS_KEPT] */
    struct ballot *past;    /* [member]: its COMMIT of the highest view that gave way to another, for EV6 */
    mono_ms since;          /* when this view accepted it */
    struct digest asked;    /* the batch for which payload was asked */
    bool asked_requests;    /* its bytes were here by then */
};

struct kept_checkpoint {
    bool held;
    bool is_signed;
    struct checkpoint statement;
    struct signature sig;
};
struct peer {
    bool heard, wish_forgotten; /* wish_forgotten: `status` says a lower wish */
    struct msg_status status;   /* the newest; its version text is never used */
    struct buffer newest;       /* the frame of `status`: shown to its author when it asks what it signed */
    mono_ms hinted_at;          /* when it was last shown unasked */
    uint64_t count;             /* STATUS messages heard */
    mono_ms heard_at;           /* when the newest came */
    uint64_t boots;             /* number of its boot then */
    mono_ms rtt;                /* newest round trip of an own STATUS; negative: unknown */
    mono_ms helped_at;          /* when one was last answered with what it lacks */
    mono_ms asks_since;         /* start of the interval that asks are counted in */
    unsigned asks;
    view_no wish; /* the highest view it wished for */
    struct kept_checkpoint checkpoints[CHECKPOINTS_KEPT];
    struct msg *view_change; /* the newest VIEW-CHANGE, decoded into its arena; NULL if none */
    struct arena view_change_arena;
};

/* What the primary of this view does for the requests held here (service.c, R11). */
enum {
    SERVICE_WINDOW_MS = 1000,
    SLOW_WINDOWS = 3,    /* so many in a row are no accident */
    SLOW_FLOOR_MS = 250, /* no delay below it is ever slow */
    SLOW_BEST = 4,       /* times the best median of the last n views */
    SLOW_RTT = 3,        /* times the F-th largest round trip */
    SLOW_UNFAIR = 8,     /* times the median, for one client */
    SLOW_ROUNDS = 3,     /* T_req is this many median order delays: who comes just behind a batch waits for two */
    SLOW_FORGET_MS = 60000,
    SLOW_DOUBLINGS_MAX = 7,
    SLOW_USELESS = 16,     /* batches without effect in a window that a correct primary may have proposed */
    SLOW_STALE = 64,       /* and references without effect beyond those with one */
    DELAY_BUCKETS = 128,   /* of a histogram: 8 for each power of two, up to two minutes */
    DELAY_KEPT = 1 << 20,  /* samples: then all counts are halved */
    SERVED_CLIENTS = 1024, /* clients told apart at a time */
    SERVED_PROBES = 8,
    ECHO_KEPT = 64, /* own STATUS messages whose echo is measured */
};
struct delays { /* a histogram of milliseconds */
    uint32_t total, count[DELAY_BUCKETS];
};
struct served {  /* one client in the window */
    uint64_t id; /* 0: free */
    uint64_t sum;
    uint32_t count, slow_windows;
};
struct service {
    mono_ms window_at; /* when the window ends */
    struct delays proposed, view_proposed, view_ordered;
    uint32_t useless, stale, fresh;
    unsigned slow_windows;
    bool measured; /* something stands in the window or in the table */
    struct served clients[SERVED_CLIENTS];
    unsigned doublings; /* of the limit: view changes it caused lately */
    mono_ms doubled_at;
    mono_ms best[MEMBERS_MAX]; /* median delays of the views left last, by view mod n; negative: unknown */
    mono_ms ordered;           /* median from eligible to executed in the last view left that executed batches */
    struct {
        uint64_t counter;
        mono_ms at;
    } sent[ECHO_KEPT]; /* own STATUS messages */
};

struct recall {             /* R13 */
    bool open;              /* this boot's question: Q-1 others have not answered yet */
    member_set answered;    /* who did */
    bool amnesiac;          /* recorded: the disk lacks what the key signed */
    bool twin;              /* somebody else uses the key now */
    uint64_t claimed;       /* highest boot number seen under the own key that this disk never counted; 0: none */
    struct faulted faulted; /* what drills made the key sign */
};

struct noticed { /* what was said of a culprit and kind last */
    bool held;
    view_no v;
    seq_no n;
    mono_ms at;
};

struct outbox {
    struct arena arena;
    struct pbft_action *list;
    size_t count, cap;
    struct buffer body, frame; /* scratch for sealing */
};

struct pbft {
    struct pbft_config config;
    unsigned members, strong, weak;
    member_set others;
    mono_ms now;
    time_ms wall;
    struct outbox out;
    struct pbft_host_facts facts;

    view_no view;
    enum phase phase;
    struct digest nv_digest; /* of the NEW-VIEW that installed view; zero in view 0 */
    seq_no nv_max;           /* max_s of it */
    struct buffer nv_frame;  /* empty in view 0 */
    view_no nv_view;         /* whose NEW-VIEW nv_frame is */
    struct guard guard_vc, guard_nv;

    struct checkpoint_cert certified, stable; /* c and h */
    seq_no base;                              /* slots live in (base, c+W] */
    size_t ring_len;
    struct slot *ring;              /* 2W: slot n at n mod 2W */
    struct slot bridge[BRIDGE_LEN]; /* decided slots at or below base that are not executed yet */
    struct ballot *ballots, *past_ballots;
    struct pool pool;
    struct noticed noticed[MEMBERS_MAX][EV_KIND_LIMIT];
    struct service service;

    seq_no executed, next;
    time_ms executed_t;
    struct digest log_hash;
    seq_no executing, checkpointing; /* asked of the host and not answered yet; 0: none */
    bool breached;
    bool damaged, damage_told; /* the host's state is not the cluster's; the host knows */
    bool transferring;         /* the host looks for a state or fetches one */

    struct peer peers[MEMBERS_MAX]; /* own checkpoints, VIEW-CHANGE and wish stand at self */
    enum wish_reason wish_reason;
    unsigned backoff;     /* k of R6 */
    bool view_progressed; /* executed a batch first proposed in this view */
    mono_ms calm_since, decided_at, executed_at, new_view_deadline, status_at, resend_at, relay_at, tilt_until;
    uint64_t status_counter, statuses_sent; /* made; sent to the members */
    bool started;
    enum pbft_record restored; /* kind of the last record given */
    struct recall recall;

    seq_no asked_last; /* end of the range of decisions asked for, 0: none */
    member_id ask_next;
    uint64_t view_changes;
    uint64_t refused[ERR_LIMIT], fetched;
    struct buffer status_frame;
};

static inline seq_no pbft_c(const struct pbft *p) {
    return p->certified.statement.n;
}
static inline seq_no pbft_h(const struct pbft *p) {
    return p->stable.statement.n;
}
static inline seq_no pbft_window_end(const struct pbft *p) {
    return pbft_c(p) + p->config.window;
}
static inline member_id pbft_primary(const struct pbft *p) {
    return primary_of(p->view, p->members);
}
static inline bool pbft_is_primary(const struct pbft *p) {
    return pbft_primary(p) == p->config.self;
}
static inline view_no pbft_wish(const struct pbft *p) {
    return p->peers[p->config.self].wish;
}

/* --- outbox.c: actions, in order --- */
struct record_key {
    size_t len;
    uint8_t b[2 * DIGEST_LEN];
};
struct record_key key_none(void);
struct record_key key_n(uint64_t n);
struct record_key key_digest(const struct digest *d);
struct record_key key_n_v(seq_no n, view_no v);
struct record_key key_guard(uint64_t n, enum frame_type type, view_no v);
void out_begin(struct pbft *p);
void out_end(struct pbft *p, struct pbft_actions *out);
struct pbft_action *out_add(struct pbft *p, enum pbft_action_kind kind);
struct bytes out_copy(struct pbft *p, struct bytes b);
void out_record(struct pbft *p, enum pbft_action_kind kind, enum pbft_record record, struct record_key key,
                struct bytes value);
void out_forget(struct pbft *p, enum pbft_record record, seq_no n);
void out_frame(struct pbft *p, member_set to, struct bytes frame);
void out_rebuilt(struct pbft *p, member_set to, enum frame_type type, struct bytes body, const struct signature *sig);
/* Encodes, signs and sends m; for types that need no guard. */
void out_message(struct pbft *p, member_set to, const struct msg *m);
struct seal_context seal_context_of(const struct pbft *p, enum frame_type type, member_id sender);

/* --- trace.c --- */
void trace(struct pbft *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_breach(struct pbft *p, seq_no n, const struct digest *ours, const struct digest *theirs);
/* "a1b2c3d4", enough to compare by eye */
struct short_digest {
    char text[9];
};
struct short_digest shorten(const struct digest *d);
const char *wish_reason_name(enum wish_reason r);

/* --- guard.c: every signature that must never contradict another --- */
/* May this be signed? True when nothing of its key was signed, or the same. */
bool guard_allows(const struct guard *g, view_no v, const struct digest *digest);
struct digest guard_digest(struct bytes signed_body);
/* Persists the guard and signs; REQUIREs that the guard allows it. */
void sign_vote(struct pbft *p, struct slot *s, enum frame_type type, const struct vote *v, struct signature *out);
void sign_checkpoint(struct pbft *p, struct slot *s, const struct checkpoint *c, struct signature *out);
/* Appends the sealed VIEW-CHANGE or NEW-VIEW frame to out. */
void seal_view(struct pbft *p, struct guard *g, view_no v, enum frame_type type, struct bytes body, struct buffer *out);
bool slot_may_sign(const struct slot *s, enum frame_type type, const struct vote *v);
enum guard_kind guard_kind_of(enum frame_type type);

/* --- slot.c --- */
void slot_move(struct pbft *p, struct slot *s, enum slot_stage to);
void slot_settle(struct pbft *p, struct slot *s, enum slot_fate to);
/* The slot of n, made if need be; NULL outside (base, c+W] and the bridge. */
struct slot *slot_at(struct pbft *p, seq_no n);
/* The slot of n if it was made, else NULL. */
struct slot *slot_find(const struct pbft *p, seq_no n);
void slot_clear(struct pbft *p, struct slot *s);
struct ballot *slot_ballot(const struct pbft *p, const struct slot *s, enum vote_kind kind, member_id member,
                           view_no v);
/* Members whose ballot of this kind equals the statement. */
member_set slot_votes(const struct pbft *p, const struct slot *s, enum vote_kind kind, const struct vote *statement);
unsigned slot_signatures(const struct pbft *p, const struct slot *s, enum vote_kind kind, const struct vote *statement,
                         member_set members, unsigned max, struct member_signature *out);
void slot_keep_vote(struct pbft *p, struct slot *s, enum vote_kind kind, member_id member, const struct vote *v,
                    const struct signature *sig);
struct held_batch *slot_batch(const struct slot *s, const struct digest *d);
bool waiting_counts(const struct pbft *p, const struct slot *s); /* a proposal waits, and not for a later view */
/* Takes a copy; ERR_MALFORMED and its kin when the bytes are no batch within the caps. */
enum error slot_hold_batch(struct pbft *p, struct slot *s, const struct digest *d, struct bytes bytes);
/* Brings the pool's counts in line with what the slot needs: the batches accepted, waiting and chosen. */
void slot_name_requests(struct pbft *p, struct slot *s);
bool batch_complete(const struct pbft *p, const struct held_batch *b);

/* --- window.c --- */
/* The next n after this one that may have a slot: between the bridge and the ring there are none. */
seq_no slot_after(const struct pbft *p, seq_no n);
bool window_holds(const struct pbft *p, seq_no n); /* c < n <= c+W */
/* c or h moved: forgets what is final. */
void window_moved(struct pbft *p);

/* --- normal.c --- */
void propose(struct pbft *p);
enum error handle_pre_prepare(struct pbft *p, const struct msg *m);
enum error handle_vote(struct pbft *p, const struct msg *m);
/* Re-evaluates what the slot waits for (S7). */
void slot_advance(struct pbft *p, struct slot *s);
void accept_proposal(struct pbft *p, struct slot *s, const struct proposal *proposal);
void persist_accept(struct pbft *p, const struct slot *s);
void pre_prepare_send(struct pbft *p, const struct slot *s, member_set to);
unsigned in_flight(const struct pbft *p);

/* --- notice.c: contradictions, and the frames that show them --- */
void notice(struct pbft *p, enum evidence_kind kind, member_id culprit, view_no v, seq_no n, struct bytes first,
            struct bytes second);
void notice_proposals(struct pbft *p, const struct proposal *held, const struct vote *v, const struct signature *sig);
/* A PREPARE or COMMIT came: against what this member signed for the slot in that view before? */
void notice_vote(struct pbft *p, const struct slot *s, const struct msg *m);
void notice_checkpoints(struct pbft *p, const struct kept_checkpoint *held, const struct msg *m);
void notice_divergence(struct pbft *p, const struct msg *m);
/* Does this member's PREPARE name something else than I accepted? Then one of us was told another story: it is shown
   the primary's signature that I hold, so that the two together convict. */
void show_proposal(struct pbft *p, const struct slot *s, member_id member);
/* A COMMIT was kept, or a VIEW-CHANGE came: does one leave out the other? */
void notice_commit(struct pbft *p, const struct slot *s, member_id member, view_no v);
void notice_view_change(struct pbft *p, const struct msg *vc);
/* The agreement is broken: against my decision stand other Q COMMITs, or a valid NEW-VIEW. */
void breach_decisions(struct pbft *p, const struct slot *s, const struct vote *v, unsigned count,
                      const struct member_signature *commits);
void breach_new_view(struct pbft *p, const struct slot *s, struct bytes new_view, const struct digest *theirs);
void breach_certificate(struct pbft *p, const struct checkpoint *ours, const struct checkpoint_cert *theirs);

/* --- execute.c --- */
/* Q COMMITs for v: the slot's fate (R4). */
void choose(struct pbft *p, struct slot *s, const struct vote *v, unsigned count,
            const struct member_signature *commits);
void execute_advance(struct pbft *p);
void handle_executed(struct pbft *p, const struct pbft_event *e);

/* --- checkpoint.c --- */
bool checkpoint_due(const struct pbft *p, seq_no n, time_ms before, time_ms after);
void handle_checkpointed(struct pbft *p, const struct checkpoint *c);
enum error handle_checkpoint(struct pbft *p, const struct msg *m);
void adopt_certificate(struct pbft *p, const struct checkpoint_cert *cert);
/* False on a SAFETY BREACH: this valid certificate is for another log than mine or than another certificate. */
bool certificate_agrees(struct pbft *p, const struct checkpoint_cert *cert);
/* Own checkpoints taken while no vote was allowed: signed now. */
void checkpoints_sign(struct pbft *p);
/* h = the certificate's n. */
void make_stable(struct pbft *p, const struct checkpoint_cert *cert);
/* h = c if my own checkpoint there is the certified one; another root is damage. */
void stable_advance(struct pbft *p);
struct kept_checkpoint *checkpoint_find(struct pbft *p, member_id member, seq_no n);
/* Own CHECKPOINT frames above n, newest first. */
void checkpoint_resend(struct pbft *p, member_id to, seq_no above);
void checkpoint_cert_send(struct pbft *p, member_set to);
struct kept_checkpoint *checkpoint_keep(struct pbft *p, member_id member, const struct checkpoint *c,
                                        const struct signature *sig);

/* --- view_change.c --- */
void view_move(struct pbft *p, enum phase to);
void suspect(struct pbft *p, enum wish_reason reason); /* wishes for the next view and keeps taking part (R6) */
void wish_raise(struct pbft *p, view_no target, enum wish_reason reason);
void wish_heard(struct pbft *p, member_id from, view_no target);
void wish_stated(struct peer *peer, const struct msg_status *status); /* two in a row that say less take it back */
void wish_send(struct pbft *p, member_set to);
void view_change_send(struct pbft *p, member_set to);
enum error handle_wish(struct pbft *p, const struct msg *m);
enum error handle_view_change(struct pbft *p, const struct msg *m);
enum error view_change_keep(struct pbft *p, struct bytes raw);
/* Amplify, leave, and as the new primary install: all that wishes and VIEW-CHANGEs allow. */
void view_advance(struct pbft *p);
void view_left(struct pbft *p);

/* --- new_view.c --- */
void new_view_build(struct pbft *p);
enum error handle_new_view(struct pbft *p, const struct msg *m);
void new_view_send(struct pbft *p, member_set to);

/* --- catch_up.c --- */
bool behind(const struct pbft *p);
void fetch_now(struct pbft *p, struct slot *s); /* what the slot misses, from the primary */
void fetch_again(struct pbft *p);               /* everything missing, from all */
void fetch_own(struct pbft *p);                 /* after a restart: from the own store */
void ask_decisions(struct pbft *p, mono_ms patience);
enum error handle_fetch(struct pbft *p, const struct msg *m);
enum error handle_data(struct pbft *p, const struct msg *m);
enum error handle_fetch_decision(struct pbft *p, const struct msg *m);
enum error handle_decision(struct pbft *p, const struct msg *m);
enum error handle_fetch_cert(struct pbft *p, const struct msg *m);
enum error handle_cert(struct pbft *p, const struct msg *m);

/* Does the budget of this STATUS interval still hold so much work for that member? Then it is taken. */
bool peer_may_ask(struct pbft *p, member_id who, unsigned cost);

/* --- recall.c: what did my key sign before this start? --- */
void recall_start(struct pbft *p);
/* The question, to those that have not answered; nothing once it is closed. */
void recall_send(struct pbft *p);
enum error handle_recall(struct pbft *p, const struct msg *m);
enum error handle_recalled(struct pbft *p, const struct msg *m);
/* No statement that could contradict an earlier one leaves: RECALL or LEARNER, also while such a replica repairs. */
bool recall_withholds(const struct pbft *p);
/* The phase that follows from the records and from the answers: LEARNER, RECALL, ACTIVE or CHANGING. */
enum phase recall_phase(const struct pbft *p);
/* S7: looks again at what every slot waits for. */
void slots_resume(struct pbft *p);
/* Enters it, with fresh timers; also at the end of a repair or a transfer. */
void recall_resume(struct pbft *p);
/* A member's newest STATUS: kept. One of another life of that member: it is shown the newest. */
void recall_heard(struct pbft *p, const struct msg *m);
void recall_estranged(struct pbft *p, const struct msg *m);
/* --- transfer.c --- */
void transfer_advance(struct pbft *p);
void handle_transferred(struct pbft *p, const struct pbft_event *e);
/* Is a state being fetched, or has to be: nothing is executed until it is in force. */
bool transfer_runs(const struct pbft *p);
/* My state is not the cluster's: no vote any more; as the primary I ask to be replaced at once (R11). */
void enter_repair(struct pbft *p);
enum phase shown_phase(const struct pbft *p);

/* --- status.c --- */
void status_send(struct pbft *p);
enum error handle_status(struct pbft *p, const struct msg *m);

/* --- custody.c: requests between the host, the pool and the batches --- */
enum error handle_request(struct pbft *p, struct request *r, const struct pool_terms *terms);
/* Payload arrived: tries every slot that may have waited for it. */
void slots_retry(struct pbft *p);
void requests_rearm(struct pbft *p); /* a new view: ages and relay marks start anew */
void relay_due(struct pbft *p);
mono_ms relay_patience(const struct pbft *p); /* how long an unnamed request waits for its first relay */

/* --- timer.c --- */
/* Before a step: did the host stand still since the last one? */
void timers_watch(struct pbft *p, mono_ms now);
bool timer_tilts(const struct pbft *p);
void timers_start(struct pbft *p);
void timers_due(struct pbft *p);
mono_ms timer_request(const struct pbft *p);  /* T_req(k) */
mono_ms timer_new_view(const struct pbft *p); /* T_nv(k) */
mono_ms timer_tick_wait(const struct pbft *p);
mono_ms timers_deadline(const struct pbft *p);
bool suspicion_on(const struct pbft *p);

/* --- service.c: is the primary slow, unfair or wasteful? --- */
void service_start(struct pbft *p);
/* The primary's PRE-PREPARE for this batch came; before its requests are counted as named. */
void service_proposed(struct pbft *p, const struct held_batch *b);
/* The slot was executed; before its requests leave the pool. */
void service_executed(struct pbft *p, const struct slot *s, const struct pbft_done *done, size_t count);
void service_view_left(struct pbft *p);
/* True when the primary is to be suspected; asked at every timeout. */
bool service_is_slow(struct pbft *p);
mono_ms service_limit(const struct pbft *p);         /* a longer delay is slow */
mono_ms service_request_floor(const struct pbft *p); /* T_req is never below it (R6) */
void service_echo(const struct pbft *p, struct msg_status *out);
void service_asked(struct pbft *p); /* a STATUS went to the members: its echo will tell the round trip */
void service_heard(struct pbft *p, struct peer *peer, const struct msg_status *status);

/* --- restore.c --- */
void restore_finish(struct pbft *p);
bool view_is_installed(const struct pbft *p);

#endif
