/* The one list of errors and refusals: a name that counters and scripts use, a text that people read. */
#ifndef QUORATE_BASE_ERROR_H
#define QUORATE_BASE_ERROR_H

#include <stdint.h>

/* ERROR(symbol, "stable-name", "text"). Append before the end marker of a block; the numbers stand in
   replies that replicas sign, so an entry is never renumbered or reused. */
#define ERROR_LIST(ERROR)                                                                                              \
    ERROR(0, ERR_OK, "ok", "done")                                                                                     \
    /* bytes and frames */                                                                                             \
    ERROR(1, ERR_TRUNCATED, "truncated", "the bytes end before the message does")                                      \
    ERROR(2, ERR_TRAILING, "trailing-bytes", "bytes follow the end of the message")                                    \
    ERROR(3, ERR_OVERSIZED, "oversized", "longer than its type allows")                                                \
    ERROR(4, ERR_BAD_MAGIC, "bad-magic", "not a quorate frame")                                                        \
    ERROR(5, ERR_BAD_VERSION, "bad-version", "a frame version that this build does not speak")                         \
    ERROR(6, ERR_BAD_TYPE, "bad-type", "a frame type that is unknown or not welcome here")                             \
    ERROR(7, ERR_FOREIGN_CLUSTER, "foreign-cluster", "sealed for another cluster")                                     \
    ERROR(8, ERR_WRONG_EPOCH, "wrong-epoch", "sealed for another epoch")                                               \
    ERROR(9, ERR_NOT_A_MEMBER, "not-a-member", "the sender is not a member of the epoch")                              \
    ERROR(10, ERR_UNKNOWN_KEY, "unknown-key", "the signing key is not enrolled")                                       \
    ERROR(11, ERR_BAD_SIGNATURE, "bad-signature", "the signature does not verify")                                     \
    ERROR(12, ERR_MALFORMED, "malformed", "the body does not decode")                                                  \
    ERROR(13, ERR_OUT_OF_RANGE, "out-of-range", "a field is outside its bounds")                                       \
    ERROR(14, ERR_NOT_UTF8, "not-utf8", "text is not valid UTF-8 or holds a NUL")                                      \
    ERROR(15, ERR_NOT_CANONICAL, "not-canonical", "unsorted, repeated or otherwise not canonical")                     \
    ERROR(16, ERR_BAD_PROOF, "bad-proof", "a certificate inside does not prove what it says")                          \
    ERROR(17, ERR_REFLECTED, "reflected", "a frame that carries this replica's own sender id")                         \
    /* protocol */                                                                                                     \
    ERROR(30, ERR_WRONG_VIEW, "wrong-view", "not of the current view")                                                 \
    ERROR(31, ERR_OUTSIDE_WINDOW, "outside-window", "sequence number outside the window")                              \
    ERROR(32, ERR_NOT_PRIMARY, "not-primary", "only the view's primary may send this")                                 \
    ERROR(33, ERR_PRIMARY_PREPARE, "primary-prepare", "a PREPARE from the primary is not counted")                     \
    ERROR(34, ERR_CONFLICT, "conflict", "contradicts an earlier statement of the same key")                            \
    ERROR(35, ERR_DUPLICATE, "duplicate", "already held")                                                              \
    ERROR(36, ERR_NOT_ACTIVE, "not-active", "not welcome while the view is changing")                                  \
    ERROR(37, ERR_STALE, "stale", "superseded by what is already known")                                               \
    ERROR(38, ERR_WRONG_NEW_VIEW, "wrong-new-view", "bound to another NEW-VIEW than the installed one")                \
    /* requests, judged at the door or at execution */                                                                 \
    ERROR(50, ERR_OLD, "old", "req_seq below the client's window")                                                     \
    ERROR(51, ERR_AHEAD, "ahead", "req_seq too far above the client's window")                                         \
    ERROR(52, ERR_ALREADY_EXECUTED, "already-executed", "this req_seq took effect before")                             \
    ERROR(53, ERR_FORBIDDEN, "forbidden", "the key's role does not allow this operation")                              \
    ERROR(54, ERR_BUSY, "busy", "the replica's pool is full; try again")                                               \
    ERROR(55, ERR_CONVICTED, "convicted", "the key was convicted by its own signatures")                               \
    /* check results */                                                                                                \
    ERROR(70, ERR_NOT_YOUR_HOST, "not-your-host", "the observer is not enrolled for that host")                        \
    ERROR(71, ERR_UNKNOWN_HOST, "unknown-host", "no such host in the configuration in force")                          \
    ERROR(72, ERR_UNKNOWN_SERVICE, "unknown-service", "no such service in the configuration in force")                 \
    ERROR(73, ERR_NOT_AN_OBSERVER, "not-an-observer", "the service does not name this observer")                       \
    ERROR(74, ERR_BAD_STATE, "bad-state", "a return code outside 0..3 (host: 0..2)")                                   \
    ERROR(75, ERR_OLD_RESULT, "old-result", "obs_seq not above the observer's last for the service")                   \
    ERROR(76, ERR_LATE, "late", "too old to count as a vote")                                                          \
    ERROR(77, ERR_EQUIVOCATION, "equivocation", "one obs_seq, two contents")                                           \
    ERROR(78, ERR_TURNED_OFF, "turned-off", "an operator turned results of this object off")                           \
    /* objects */                                                                                                      \
    ERROR(80, ERR_BAD_OBJECTS, "bad-objects", "the object configuration does not validate")                            \
    ERROR(81, ERR_BASE_CHANGED, "base-changed", "another configuration was applied meanwhile")                         \
    ERROR(82, ERR_BLOB_MISSING, "blob-missing", "parts of the configuration were not staged")                          \
    ERROR(83, ERR_TOO_MANY, "too-many", "more than the limit allows")                                                  \
    /* commands of operators */                                                                                        \
    ERROR(84, ERR_BAD_COMMAND, "bad-command", "the command does not fit its target")                                   \
    ERROR(85, ERR_NO_PROBLEM, "no-problem", "the object has no problem to acknowledge")                                \
    ERROR(86, ERR_BAD_TIME, "bad-time", "the times run backwards or lie in the past")                                  \
    ERROR(87, ERR_UNKNOWN_ID, "unknown-id", "no downtime or comment has this number")                                  \
    ERROR(88, ERR_UNKNOWN_GROUP, "unknown-group", "no such group in the configuration in force")                       \
    /* host and files */                                                                                               \
    ERROR(90, ERR_IO, "io", "the system refused an input or output")                                                   \
    ERROR(91, ERR_NOT_FOUND, "not-found", "no such record, file or object")                                            \
    ERROR(92, ERR_CORRUPT, "corrupt", "stored bytes do not decode")                                                    \
    ERROR(93, ERR_BAD_MODE, "bad-mode", "a secret is readable by others")                                              \
    ERROR(94, ERR_IN_USE, "in-use", "held by another process")                                                         \
    ERROR(95, ERR_MISMATCH, "mismatch", "does not match what it should")                                               \
    ERROR(96, ERR_TIMED_OUT, "timed-out", "not answered in time")                                                      \
    ERROR(97, ERR_NO_QUORUM, "no-quorum", "fewer than f+1 replicas answered alike")                                    \
    ERROR(98, ERR_TOO_FEW_SIGNATURES, "too-few-signatures", "fewer than f+1 valid replica signatures")                 \
    ERROR(99, ERR_USAGE, "usage", "wrong usage")                                                                       \
    /* drills of a running cluster */                                                                                  \
    ERROR(110, ERR_DRILLS_OFF, "drills-off", "the genesis does not say `drills: live`")                                \
    ERROR(111, ERR_DRILL_RUNS, "drill-runs", "another drill is running")                                               \
    ERROR(112, ERR_DRILL_TARGET, "drill-target", "no healthy member to drill")                                         \
    ERROR(113, ERR_DRILL_MARGIN, "drill-margin", "with the drill more than f members would be faulty")                 \
    ERROR(114, ERR_NO_DRILL, "no-drill", "no such drill is running")

enum error {
#define ERROR(number, symbol, name, text) symbol = (number),
    ERROR_LIST(ERROR)
#undef ERROR
        ERR_LIMIT = 115 /* above every entry: sizes tables of counters */
};

/* The stable name ("bad-signature") or "?" for a number that is no entry. Static memory. */
const char *error_name(enum error e);
/* The text for people, static memory. */
const char *error_text(enum error e);

#endif
