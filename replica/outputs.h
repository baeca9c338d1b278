/* The outputs of executed batches on disk, and the receipts that members signed over them: what clients are answered
   from. Memory: a ring of the newest OUTPUTS_RING batches' receipts, and the batch that was read last. */
#ifndef QUORATE_REPLICA_OUTPUTS_H
#define QUORATE_REPLICA_OUTPUTS_H

#include "replica/disk.h"
#include "replica/execute.h"

enum { OUTPUTS_RING = 512 };

struct outputs;
struct outputs *outputs_new(const struct verifier *v, member_id self, const struct secret_key *secret,
                            const struct disk *disk);
void outputs_free(struct outputs *o);

/* A batch was executed (e is borrowed until the next one): stores its outputs with the indexes (alert number -> place,
   client's request -> place) into the batch and signs the receipt. Returns the sealed RECEIPT frame (lives until the
   next call), or nothing when the batch put nothing out. replay: the batch was executed before a restart; others'
   receipts on the disk are kept. */
struct bytes outputs_executed(struct outputs *o, const struct executed *e, struct disk_batch *batch, bool replay);
/* Batches first..last were not executed as the cluster did: their outputs go, on the disk with the batch. */
void outputs_forget(struct outputs *o, seq_no first, seq_no last, struct disk_batch *batch);
/* A member's receipt. Once F members agree with each other, those who said otherwise for the same batch are suspects:
 *newly names them (once each). ERR_OUTSIDE_WINDOW when n is too far from `executed`. */
enum error outputs_receipt(struct outputs *o, member_id from, const struct receipt_body *body,
                           const struct signature *sig, seq_no executed, struct disk_batch *batch, member_set *newly);
member_set outputs_suspects(const struct outputs *o);
/* The RECEIPT frames of EV14: the suspect's for batch n and those of F others that agree, in the arena. Their number, 0
   when they are no longer held. */
unsigned outputs_contradiction(const struct outputs *o, seq_no n, member_id suspect,
                               struct bytes frames[EVIDENCE_FRAMES_MAX], struct arena *arena);

/* One output with its path and every receipt held that agrees with this replica's own. Memory in the arena. */
enum error outputs_load(struct outputs *o, seq_no n, uint32_t index, struct output *out, struct arena *arena);
/* The lowest alert from this number on that is stored: older ones may be gone, and a state transfer leaves out those of
   the gap. ERR_NOT_FOUND: none. */
enum error outputs_alert_from(struct outputs *o, uint64_t number, uint64_t *found);
enum error outputs_alert_place(struct outputs *o, uint64_t number, seq_no *n, uint32_t *index);
/* The place of the reply to (client, req_seq), among the client's last LEDGER_WINDOW; ERR_NOT_FOUND. */
enum error outputs_reply_place(struct outputs *o, const struct public_key *client, uint64_t req_seq, seq_no *n,
                               uint32_t *index);
/* Makes this turn's stored outputs readable before they are on disk: the latest executed batch. */
void outputs_turn_flushed(struct outputs *o);

#endif
