/* Who broke the agreement? From frames alone (decisions, NEW-VIEWs, votes, whatever honest replicas kept) every
   disagreement is found and those who caused it are named, each by its own signatures (R10). Two decisions for one n
   need two quorums, and whoever stands in both has signed a contradiction; so at least f+1 are named, and nobody
   honest, however many lie. Pure: the same frames, keys and W give the same report. */
#ifndef QUORATE_PROTO_AUDIT_H
#define QUORATE_PROTO_AUDIT_H

#include "proto/evidence.h"

struct audit_frame { /* borrowed; where it was found is for the reader of the report */
    struct bytes raw;
    uint32_t file;
    uint64_t offset; /* bytes from the start of the file */
};

enum audit_breach {
    AUDIT_TWO_DECISIONS,   /* Q COMMITs each for two digests at one n */
    AUDIT_NEW_VIEW_FORGOT, /* Q COMMITs in a view, and a valid NEW-VIEW of a later one that says otherwise */
    AUDIT_TWO_CHECKPOINTS, /* Q CHECKPOINTs each for two states at one n */
};
struct audit_disagreement {
    enum audit_breach breach;
    seq_no n;
    view_no v[2]; /* 0 where it has none */
    struct digest d[2];
    size_t at[2]; /* indices of frames that show the two sides */
};
struct audit_finding { /* one for each member and kind */
    member_id member;
    enum evidence_kind kind;
    view_no v;
    seq_no n;
    struct op_evidence proof; /* verifies by evidence_verify; lives as long as the report and the frames */
    size_t at[2];             /* indices of the frames that its proof came from; equal when there is one */
};

enum { AUDIT_DISAGREEMENTS_MAX = 64, AUDIT_FINDINGS_MAX = MEMBERS_MAX * EV_KIND_LIMIT };
struct audit_report {
    size_t frames, used; /* given; and those whose signatures or proofs are right */
    size_t decisions;    /* places n with Q COMMITs */
    size_t new_views;    /* different ones, valid */
    size_t disagreements;
    struct audit_disagreement list[AUDIT_DISAGREEMENTS_MAX]; /* the first of them, by n */
    unsigned finding_count;
    struct audit_finding findings[AUDIT_FINDINGS_MAX]; /* by member, then kind */
    member_set culprits;
    struct arena arena;
};

/* j->keys is not looked at. Frames that are damaged, foreign or unsigned prove nothing and are passed over. The report
   is freed by audit_report_free. Memory: a few hundred bytes a signature in the frames. */
void audit_frames(const struct evidence_judge *j, const struct audit_frame *frames, size_t count,
                  struct audit_report *out);
void audit_report_free(struct audit_report *r);

/* Takes a file of frames apart, as `--record` and `--export` write it: (length u32 big-endian, frame) again and again.
   Calls take for each whole entry. Returns the bytes at the end that are no whole entry: 0 when all is well. */
size_t audit_file_frames(struct bytes file, void (*take)(void *self, struct bytes raw, uint64_t offset), void *self);

#endif
