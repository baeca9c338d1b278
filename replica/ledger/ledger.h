/* What the log itself knows: who may speak, exactly-once windows (R3), agreed time (R8), staged blobs, the log's hash.
   Pure and deterministic. Knows nothing of checks: whoever executes a batch (replica/execute.c) asks here first. */
#ifndef QUORATE_REPLICA_LEDGER_H
#define QUORATE_REPLICA_LEDGER_H

#include "base/record.h"
#include "proto/cluster.h"
#include "proto/op.h"

enum { LEDGER_WINDOW = 256, LEDGER_AHEAD_MAX = 1 << 20, LEDGER_BLOB_PARTS_MAX = 1200, LEDGER_STAGED_MAX = 4 };
enum {
    LEDGER_EVIDENCE_PARTS_MAX = EVIDENCE_STAGED_MAX / BLOB_MAX_LEN + 1,
    LEDGER_ACCUSATIONS_MAX = 16, /* judgements of one accuser within K batches */
    LEDGER_LIAR_PERIODS = 64,    /* times K batches without judgement, for evidence that proves nothing */
    LEDGER_MEMBER_PER_S = 2,     /* requests of a member that are no ticks */
    LEDGER_MEMBER_BURST = 64,
    LEDGER_NOTIFIED_MAX = 64,
    LEDGER_DRILLS_MAX = 64,              /* listed; older ones leave only how far they went */
    LEDGER_DRILL_LAG = 4,                /* views that a healthy target may be behind what f+1 others tell */
    LEDGER_DRILL_VIEWS = 32,             /* above those that are told: nothing is signed for a drill beyond them */
    LEDGER_DRILL_OPEN_MS = DRILL_MS_MAX, /* of agreed time behind its end, until its target has ended it too */
    LEDGER_SILENT_MS = 5000,             /* of agreed time without a tick: the member is faulty; or */
    LEDGER_SILENT_TICKS = 5,             /* so many tick intervals, if that is longer */
};

struct ledger;
/* Starts at the genesis: its keys are enrolled, n = 0, T = t0. The cluster is borrowed for the ledger's life. */
struct ledger *ledger_new(const struct cluster *genesis);
void ledger_free(struct ledger *l);

/* --- who --- */
/* NULL: the key was never enrolled. */
const struct key_entry *ledger_who(const struct ledger *l, const struct public_key *key);
const char *ledger_observer_name(const struct ledger *l, uint32_t index);
bool ledger_observer_known(const struct ledger *l, const char *name);
bool ledger_observer_may(const struct ledger *l, const char *name, const char *host);
bool ledger_convicted(const struct ledger *l, const struct public_key *key);
void ledger_convict(struct ledger *l, const struct public_key *key);
/* May a key of this role ask for an operation of this kind? ERR_OK, ERR_UNKNOWN_KEY, ERR_FORBIDDEN. */
enum error ledger_may(const struct ledger *l, const struct public_key *key, enum op_kind kind);

/* --- exactly once --- */
/* What the executed state says of (client, req_seq): ERR_OK (new), ERR_OLD, ERR_AHEAD, ERR_ALREADY_EXECUTED,
 * ERR_UNKNOWN_KEY. */
enum error ledger_judge(const struct ledger *l, const struct public_key *client, uint64_t req_seq);
/* Sets the bit, slides the window, takes a token unless it is a member's tick. Only after ledger_judge said ERR_OK. */
void ledger_mark(struct ledger *l, const struct public_key *client, uint64_t req_seq, enum op_kind kind);
/* Highest executed req_seq of the client, 0 if none. */
uint64_t ledger_top(const struct ledger *l, const struct public_key *client);

/* --- quotas (knobs quota_per_s, quota_burst; LEDGER_MEMBER_PER_S, LEDGER_MEMBER_BURST) --- */
/* Agreed time from which the client may have its next request ordered, ticks aside; not after T: now. */
time_ms ledger_ready(const struct ledger *l, const struct public_key *client);

/* --- time --- */
/* Keeps the member's tick if (boot, counter) is above its last. */
void ledger_tick(struct ledger *l, member_id member, const struct op_tick *tick);
/* T_n = max(T_{n-1}, the F-th largest of the members' latest ticks); returns it. */
time_ms ledger_advance(struct ledger *l);
time_ms ledger_time(const struct ledger *l);

/* --- the log --- */
/* log_hash_n = H(log_hash_{n-1} | n | d | T_n). NULL batches too. n must follow. */
void ledger_append(struct ledger *l, seq_no n, const struct digest *d);
seq_no ledger_executed(const struct ledger *l);
struct digest ledger_log_hash(const struct ledger *l);
struct digest ledger_cfg_digest(const struct ledger *l); /* of members, operators, knobs in force */

/* --- blobs staged for APPLY by operators (at most LEDGER_STAGED_MAX wholes a key) and for EVIDENCE by members (one of
   LEDGER_EVIDENCE_PARTS_MAX parts); the oldest is dropped --- */
enum error ledger_blob(struct ledger *l, const struct public_key *owner, const struct op_blob *blob);
/* Joins the parts of `whole` into out: ERR_BLOB_MISSING when parts are missing or length or digest (of that domain)
   differ. */
enum error ledger_blob_join(const struct ledger *l, const struct public_key *owner, enum digest_domain domain,
                            const struct digest *whole, uint64_t length, struct buffer *out);
void ledger_blob_drop(struct ledger *l, const struct public_key *owner, const struct digest *whole);

/* --- evidence: what was proven against whom --- */
/* May this accuser's EVIDENCE be looked at? Counts it; what was staged, and may hold thousands of signatures, takes all
   that is left. ERR_BUSY: it has asked for LEDGER_ACCUSATIONS_MAX judgements within K batches, or it lied. */
enum error ledger_accuse(struct ledger *l, member_id accuser, bool staged);
/* Would it be looked at in the next batch? For accusers. */
bool ledger_may_accuse(const struct ledger *l, member_id accuser);
/* What it showed proves nothing. An honest accuser judges by the same function before it asks: this one is not heard
   for LEDGER_LIAR_PERIODS times K batches. */
void ledger_accused_falsely(struct ledger *l, member_id accuser);
/* Counts what was proven in the batch that is being executed. ERR_DUPLICATE: one of this culprit and kind counted less
   than K batches ago, or at this place or a later one. *out is the record either way. What a drill made the culprit do
   has a record of its own (out->drill), which begins anew with each newer drill, and proves nothing against it; of
   older drills nothing counts any more. */
enum error ledger_prove(struct ledger *l, const struct evidence_record *proven, const struct evidence_record **out);
/* Would it count now? For accusers, who need not ask in vain. */
bool ledger_proof_counts(const struct ledger *l, const struct evidence_record *proven);
/* The records in order of seat (members, operators, observers) and kind; NULL beyond the last. Borrowed until the next
   change. */
const struct evidence_record *ledger_proof_at(const struct ledger *l, uint32_t index);

/* --- how far notifiers came: one watermark a handler of notify.yaml, LEDGER_NOTIFIED_MAX handlers for ever --- */
/* Raises the handler's watermark to op->last; `highest` is the newest alert's number. The watermark of a handler
   that is new is 0. ERR_OUT_OF_RANGE: beyond the newest alert; ERR_STALE: alerts between the watermark and op->first
   are not accounted for; ERR_DUPLICATE: recorded before; ERR_TOO_MANY: handlers. */
enum error ledger_notified(struct ledger *l, const struct op_notified *op, uint64_t highest);
/* The records in order of handlers' names; NULL beyond the last. Borrowed until the next change. */
const struct notified_record *ledger_notified_at(const struct ledger *l, uint32_t index);

/* --- drills (R13) --- */
/* Begins a drill in the batch that is being executed, or says why not: ERR_DRILLS_OFF, ERR_DRILL_RUNS,
   ERR_DRILL_TARGET, ERR_DRILL_MARGIN, ERR_TOO_MANY (all that are listed still count). Either way a line about it is
   appended to why. */
enum error ledger_drill(struct ledger *l, const struct public_key *by, const struct op_drill *op, struct buffer *why);
/* ERR_NO_DRILL: that one does not run. */
enum error ledger_drill_stop(struct ledger *l, const struct op_drill_stop *op, struct buffer *why);
/* The target's own filter has ended; a drill that still ran ends with it. ERR_NO_DRILL, ERR_FORBIDDEN (not its target),
   ERR_DUPLICATE, ERR_OUT_OF_RANGE (max_n lies more than 2 W ahead, or max_view more than LEDGER_DRILL_VIEWS above what
   f+1 other members' ticks tell: it may ask again when they have told more). */
enum error ledger_drill_done(struct ledger *l, member_id from, const struct op_drill_done *op);
/* Ends the drill that runs when its time has come, or when more than f members would be faulty with it, and closes
   those that ended LEDGER_DRILL_OPEN_MS ago. After ledger_advance. */
void ledger_drill_watch(struct ledger *l);
/* Ends the drill that runs, if any: a member was proven to have broken the rules, and no drill made it. */
void ledger_drill_abort(struct ledger *l);
/* The drills in order, oldest first; NULL beyond the last. Borrowed until the next change. */
const struct drill_record *ledger_drill_at(const struct ledger *l, uint32_t index);
const struct drill_record *ledger_drill_running(const struct ledger *l); /* NULL: none */
const struct drill_record *ledger_drill_find(const struct ledger *l, uint64_t id);
/* Its target counts as faulty for it: it runs, its target has not said how far it went, batches up to W behind that
   are not executed, or fewer than Q members have told a view above it. */
bool ledger_drill_counts(const struct ledger *l, const struct drill_record *d);

/* --- records: as checks/monitor.h; keys start with 'l' --- */
void ledger_flush(struct ledger *l, const struct record_sink *sink);
enum error ledger_restore(struct ledger *l, struct bytes key, struct bytes value);
void ledger_check(const struct ledger *l);

#endif
