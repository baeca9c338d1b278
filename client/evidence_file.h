/* A piece of evidence as one file that proves itself with cluster.yaml alone: the line "quorate evidence 1", kind u8,
   number of frames u8, and each frame after its length u32 big-endian. */
#ifndef QUORATE_CLIENT_EVIDENCE_FILE_H
#define QUORATE_CLIENT_EVIDENCE_FILE_H

#include "proto/cluster.h"
#include "proto/evidence.h"

/* Appends. blocks: the frames, each after its length u32. ERR_MALFORMED: they are no blocks, or too many. */
enum error evidence_file_encode(struct buffer *out, enum evidence_kind kind, struct bytes blocks);
/* *out borrows from file. ERR_BAD_MAGIC, ERR_BAD_VERSION, ERR_TRUNCATED, ERR_TRAILING, ERR_OUT_OF_RANGE. */
enum error evidence_file_decode(struct op_evidence *out, struct bytes file);
/* "replica 2", "observer eu", "operator admin", or the key's text. */
void evidence_culprit(struct buffer *out, const struct cluster *c, const struct key_entry *who);

#endif
