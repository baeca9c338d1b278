/* What the files of the audit share: every signed statement found in the frames, taken out of the certificates that
   carried it. Nobody else includes this. */
#ifndef QUORATE_PROTO_AUDIT_PARTS_H
#define QUORATE_PROTO_AUDIT_PARTS_H

#include "proto/audit.h"
#include "proto/codec.h"

/* One signature over a fixed-width statement: PRE-PREPARE header, PREPARE, COMMIT, CHECKPOINT (v = 0). Verified. */
struct atom {
    seq_no n;
    view_no v;
    member_id member;
    uint8_t type; /* enum frame_type */
    uint8_t len;
    uint8_t body[CHECKPOINT_BODY_LEN];
    struct signature sig;
    size_t at; /* index of the frame it came from */
};
/* A VIEW-CHANGE or NEW-VIEW whose own signature is right; what it proves is judged later. */
struct found_view {
    struct msg m;
    struct digest id; /* of the signed body and the sender */
    bool valid;       /* its proof, W and all */
    bool core_valid;  /* NEW-VIEW: V and O */
    size_t at;
};
struct atom_list {
    struct atom *list;
    size_t count, cap;
};
struct view_list {
    struct found_view *list;
    size_t count, cap;
};
struct collection {
    const struct evidence_judge *judge;
    struct atom_list atoms; /* sorted by n, v, member, type, body; no two alike */
    struct view_list view_changes, new_views;
    struct arena arena;
    size_t used;
};

void collect(struct collection *c, const struct audit_frame *frames, size_t count);
void collection_free(struct collection *c);
struct vote atom_vote(const struct atom *a);
/* The whole frame that its member signed (a PRE-PREPARE without its batch), in the arena. */
struct bytes atom_frame(const struct atom *a, const struct verifier *v, struct arena *arena);

#endif
