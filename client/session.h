/* Pure: gathers outputs of several replicas until F agree. No socket, no clock. */
#ifndef QUORATE_CLIENT_SESSION_H
#define QUORATE_CLIENT_SESSION_H

#include "proto/codec.h"
#include "proto/op.h"

/* Joins the receipts of one output seen from several replicas: at most one candidate per (n, root, log_hash, t, leaf,
   index, count) and replica. */
struct gather;
struct gather *gather_new(const struct verifier *v);
void gather_free(struct gather *g);
/* Adds what `from` sent. Every receipt's signature and the path are verified; invalid ones are refused and name `from`:
   the one who passes on a bad signature has not checked it. ERR_OK: taken (maybe known already); ERR_TOO_MANY: one
   member offered more different outputs than an honest one could (GATHER_OFFERS_MAX). */
enum { GATHER_OFFERS_MAX = 4 };
enum error gather_add(struct gather *g, member_id from, const struct output *o, member_id *culprit);
/* The first candidate with F valid receipts: certificate cut to exactly F, sorted; leaf borrowed. NULL while there is
 * none. */
const struct output *gather_proven(const struct gather *g);
/* Members whose valid receipt for the same n contradicts the proven one. */
member_set gather_contradicted(const struct gather *g);
/* Members that sent a well-formed output which is not the proven one: what they passed on did not prove true. */
member_set gather_mistaken(const struct gather *g);

#endif
