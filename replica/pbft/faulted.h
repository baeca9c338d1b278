/* What a drill made this key sign (R13): statements that the core never made and that others may hold. Part of core.h.
   Memory: nothing until the first of them; then a sorted table of at most FAULTED_MAX, which shrinks as the log moves
   on. */
#ifndef QUORATE_REPLICA_PBFT_FAULTED_H
#define QUORATE_REPLICA_PBFT_FAULTED_H

#include "proto/codec.h"

enum {
    FAULTED_MAX = 16384, /* room for a full window of different stories to everybody */
    FAULTED_KEY_LEN = 8 + 1 + 8 + DIGEST_LEN
};

struct lie {
    uint8_t key[FAULTED_KEY_LEN]; /* n (all ones for VIEW-CHANGE and NEW-VIEW), type, v, digest of what was signed */
    struct digest core;           /* of a NEW-VIEW: what its PRE-PREPAREs are signed under; zero else */
};
struct faulted {
    size_t count, cap;
    struct lie *list; /* sorted by key */
    struct lie told;  /* the record handed out last */
};

struct pbft;
struct guard;
/* A statement or VIEW-CHANGE or NEW-VIEW of this key that a drill signed: it says nothing about the disk. */
bool faulted_statement(const struct pbft *p, const struct recalled *s, struct bytes body);
bool faulted_view_frame(const struct pbft *p, enum frame_type type, view_no v, struct bytes body);
enum error restore_faulted(struct pbft *p, struct bytes key, struct bytes value);
/* h moved: what can't be asked about any more goes, here and on disk. */
void faulted_forget(struct pbft *p);

/* recall.c: does the guard know of this, or is it final? */
bool statement_known(const struct pbft *p, const struct recalled *s, struct bytes body);
bool guard_covers(const struct guard *g, view_no v, struct bytes body);

#endif
