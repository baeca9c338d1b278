/* Proofs of misbehaviour (R10). A piece of evidence is a kind and a few signed frames; whether it proves anything, and
   against whom, is a pure function of these bytes, the epoch's keys and W: the same for everybody, now and in ten
   years. It takes the culprit's own signatures, so no number of liars can frame a replica that follows the rules. */
#ifndef QUORATE_PROTO_EVIDENCE_H
#define QUORATE_PROTO_EVIDENCE_H

#include "crypto/keyring.h"
#include "proto/op.h"

struct evidence_judge { /* what verification looks at beside the frames; all of the genesis, immutable */
    const struct verifier *verifier;
    const struct keyring *keys;
    uint32_t window; /* W */
};

enum evidence_weight {
    EVIDENCE_CONVICTS, /* nobody that follows the rules can have signed this */
    EVIDENCE_FAULT,    /* broken hardware or a confused clock may have signed this as well as a traitor */
    EVIDENCE_CLIENT,   /* a client that lost its counter, or whose key runs twice: shown, convicts nobody */
};

/* "EV1" "EQUIV_PP"; "?" for no kind. Static memory. */
const char *evidence_code(enum evidence_kind k);
const char *evidence_name(enum evidence_kind k);
/* One sentence for people, about "it": "signed two proposals for one place". */
const char *evidence_explanation(enum evidence_kind k);
enum evidence_weight evidence_weight(enum evidence_kind k);
/* "EV1" or "EQUIV_PP", exactly; 0 if neither. */
enum evidence_kind evidence_kind_of(const char *text);

struct evidence_finding {
    struct key_entry culprit; /* key, role, index */
    /* Where: view (0 where it has none) and n. EV11: boot and counter; EV12: 0 and obs_seq; EV13: 0 and req_seq. */
    view_no v;
    seq_no n;
};
/* ERR_OK iff the frames prove what `kind` says about *out. Otherwise why not: ERR_BAD_PROOF, or the refusal of a frame
   (ERR_BAD_SIGNATURE, ERR_WRONG_EPOCH, ERR_FOREIGN_CLUSTER, ERR_UNKNOWN_KEY ...). Never trusts a byte; works within
   memory proportional to the frames and at most (frames' signatures) verifications. */
enum error evidence_verify(const struct evidence_judge *j, const struct op_evidence *e, struct evidence_finding *out);

/* Is this vote, which names nv, against what V and O of nv permit? (Whether they are valid is another question.) */
bool evidence_vote_against(const struct msg_new_view *nv, const struct vote *vote);

/* The first pair of results in two OBSERVE requests of one client that says two things under one obs_seq (EV12), as
   text "host/service" into what (may be NULL). obs_seq (may be NULL) gets the number. False when there is none. */
bool evidence_observation_conflict(const struct request *a, const struct request *b, struct buffer *what,
                                   uint64_t *obs_seq);

#endif
