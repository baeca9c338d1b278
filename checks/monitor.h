/* The door of the monitoring machine: what a check result means. Pure and deterministic: ordered operations and the
   agreed time come in, alerts, replies and records go out; integers only; the order of everything follows names and
   numbers, never addresses or hash tables. */
#ifndef QUORATE_CHECKS_MONITOR_H
#define QUORATE_CHECKS_MONITOR_H

#include "base/bytes.h"
#include "base/error.h"
#include "base/record.h"
#include "proto/op.h"

struct monitor;

struct monitor_config {
    mono_ms cluster_gap; /* a jump of T beyond this moves every deadline and raises one CLUSTER_GAP alert (R8) */
};
/* What happens to an object, whether or not anybody is told: the lines of Nagios' log. */
enum monitor_event_kind {
    EVENT_STATE = 1, /* a change of state, an attempt of a soft problem, or a hard round of a volatile one */
    EVENT_FLAPPING_STARTED,
    EVENT_FLAPPING_STOPPED,
    EVENT_FLAPPING_DISABLED,
    EVENT_DOWNTIME_STARTED,
    EVENT_DOWNTIME_STOPPED,
    EVENT_DOWNTIME_CANCELLED,
};
struct monitor_event {
    enum monitor_event_kind kind;
    time_ms t;
    const char *host, *service; /* service "" = the host */
    uint8_t state;
    bool hard;        /* EVENT_STATE: as the log of Nagios has it: what ends a soft problem is soft */
    uint32_t attempt; /* of a recovery: where it came */
    const char *text; /* the object's output; of flapping: how much it changed; of downtime: "" */
};
/* Where alerts go, in the order in which they are raised: number, n and t are filled. Events come in the order of
 * Nagios' log: of one result, flapping, then its alert, then its state. Both are borrowed for the call. event may be
 * NULL. */
struct monitor_sink {
    void *self;
    void (*alert)(void *self, const struct alert *a);
    void (*event)(void *self, const struct monitor_event *e);
};
/* May `observer` speak for `host`? Asked when objects are applied; the ledger answers. */
struct monitor_authority {
    void *self;
    bool (*known)(void *self, const char *observer); /* an enrolled observer of that name */
    bool (*may)(void *self, const char *observer, const char *host);
};

struct monitor *monitor_new(const struct monitor_config *config);
void monitor_free(struct monitor *m);

/* Batch n begins: agreed time moves from T_{n-1} to t (never back). Fires every deadline due at t in (deadline, id)
   order. first: no batch was executed before (the first advance is no gap). */
void monitor_advance(struct monitor *m, seq_no n, time_ms t, const struct monitor_sink *sink);

/* One result of `observer` (R9). The caller has checked that the key may speak for the host (ERR_NOT_YOUR_HOST is its
   word). ERR_OK, ERR_UNKNOWN_HOST, ERR_UNKNOWN_SERVICE, ERR_NOT_AN_OBSERVER, ERR_BAD_STATE, ERR_OLD_RESULT, ERR_LATE,
   ERR_TURNED_OFF, ERR_EQUIVOCATION (the same obs_seq was accepted with other contents: *convict is set, nothing else
   changes). */
enum error monitor_observe(struct monitor *m, const char *observer, const struct observation *o,
                           const struct monitor_sink *sink, bool *convict);

/* The observer's key was convicted: its votes are missing from now on, everywhere; verdicts follow. Idempotent. Raises
   one SYSTEM alert that names it ("observer eu convicted: ..."); why is its text. */
void monitor_convict(struct monitor *m, const char *observer, const char *why, const struct monitor_sink *sink);

/* What the operator `by` says: acknowledgements, downtime, comments, notifications, switches, masks. The whole command
   or nothing; answer is what it did or why not, at most a few KiB. ERR_OK, ERR_BAD_COMMAND (kind and target do not go
   together), ERR_UNKNOWN_HOST, ERR_UNKNOWN_SERVICE, ERR_UNKNOWN_GROUP, ERR_UNKNOWN_ID, ERR_NO_PROBLEM, ERR_BAD_TIME,
   ERR_TOO_MANY, and those of monitor_mask. */
enum error monitor_command(struct monitor *m, const char *by, const struct op_command *c,
                           const struct monitor_sink *sink, struct buffer *answer);

/* An operator sets an observer aside, or believes it again and forgives its score: on one object, or with host "" on
   every object that names it now (those that a later apply brings are not masked). Unlike a score, which never sets
   aside more observers than the object bears, an operator may: what that means is said. by: the operator's name, 1 to
   NAME_MAX_LEN bytes. Appends one line to said and raises one SYSTEM alert with it; verdicts follow. Else nothing
   changes: ERR_UNKNOWN_HOST, ERR_UNKNOWN_SERVICE, ERR_NOT_AN_OBSERVER, ERR_OVERSIZED (by), ERR_CONVICTED (MASK_SET:
   its votes are missing already), ERR_DUPLICATE (MASK_SET: an operator masked it before), ERR_NOT_FOUND (MASK_CLEAR:
   neither masked nor with a score). */
enum mask_order { MASK_SET = 1, MASK_CLEAR };
struct mask_request {
    const char *observer, *host, *service, *by;
    enum mask_order order;
};
enum error monitor_mask(struct monitor *m, const struct mask_request *r, const struct monitor_sink *sink,
                        struct buffer *said);

/* Raises one SYSTEM alert with this text. */
void monitor_announce(struct monitor *m, const char *text, const struct monitor_sink *sink);

/* Replaces the whole object configuration by `objects` (canonical bytes of checks/objects.h), all or nothing. Objects
   whose definition did not change keep their state. ERR_BAD_OBJECTS: why says what (one line a problem, deterministic,
   at most 4 KiB). */
enum error monitor_apply(struct monitor *m, struct bytes objects, const struct monitor_authority *authority,
                         const struct monitor_sink *sink, struct buffer *why);
struct digest
monitor_objects_digest(const struct monitor *m); /* DIGEST_OBJECTS of the canonical bytes; zero before the first */
struct bytes monitor_objects(const struct monitor *m); /* the canonical bytes in force */

/* Answers a query; page memory lives in the arena. */
void monitor_query(const struct monitor *m, const struct op_query *q, struct query_page *out, struct arena *arena);
uint64_t monitor_alerts(const struct monitor *m); /* alerts raised so far = highest number */

/* Records: the machine's whole state as (key, value) pairs. monitor_flush hands out those that changed since the last
   flush (value.data NULL = removed), in key order; monitor_restore takes them back, in any order, into a new machine,
   and monitor_restored says that all were given. Flush after restore hands out nothing. Keys start with 'm'. */
void monitor_flush(struct monitor *m, const struct record_sink *sink);
enum error monitor_restore(struct monitor *m, struct bytes key, struct bytes value);
enum error monitor_restored(struct monitor *m);

/* Every invariant, asserted. */
void monitor_check(const struct monitor *m);

#endif
